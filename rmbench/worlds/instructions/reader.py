"""How a text of this world is read: what each sentence says, and which constraints the whole keeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from rmbench.worlds import surface
from rmbench.worlds.base import Claim, Prompt
from rmbench.worlds.instructions.constraints import check, is_question
from rmbench.worlds.instructions.kinds import core, whole
from rmbench.worlds.instructions.sentences import VERBS, Bank, Known, bank, frames, readable, spread, stems
from rmbench.worlds.instructions.view import View, bare, postscript, words_of
from rmbench.worlds.instructions.writer import MAX_TOPICAL
from rmbench.worlds.stance import stance
from rmbench.worlds.tally import Reading, Tally, asides

CARRIERS = ("use", "name", "number", "end")  # a sentence that holds what these ask for says something
_JOINTS = frozenset("and but also besides again so then ps".split())
_ARTICLES = frozenset("a an the some my your".split())
_PREPOSITIONS = frozenset("on at in for with from to of".split())
_CLOUDS = frozenset(
    """
    or either say says said claim claims allege alleges alleged hope hopes hoped wish wishes wished dream dreams dreamed
    guess guesses guessed suggest suggests argue argues rumour rumours rumor rumors hear hears heard apparently
    otherwise except instead used once cancelled canceled postponed almost nearly roughly about around unlikely
    impossible invented fake
    """.split()
)
ECHO = 4  # words in a row that an echo shares with the prompt


def understand(prompt: Prompt, sentence: str) -> Reading:
    """What one sentence says: details, a topical statement, or something that a constraint wants to be there.

    A sentence copied from the prompt says nothing to the person who wrote it. A sentence that is not among the known
    ones may hold one, at the price of the words that nothing explains.
    """
    words = bare(sentence)
    if words in sentences_of(prompt.text):
        return Reading()
    known = bank(prompt.data["kind"], prompt.data["topic"])
    said = _look_up(words, sentence, known)
    if said:
        return Reading(_claims(prompt.data, sentence, said))
    return _Free(prompt, sentence, known).reading()


def _look_up(words: str, sentence: str, known: Bank) -> list[Known]:
    """What a known sentence says, with or without what links it to the one before."""
    if size := postscript(sentence):
        words = bare(sentence[size:])
    return next((said for stem in stems(words) if (said := known.exact.get(stem))), [])


def _claims(data: Mapping[str, Any], sentence: str, said: Sequence[Known]) -> list[Claim]:
    asks = is_question(sentence)
    claims = []
    for key, value in said:
        if key == "topic":
            claims.append(Claim(0, len(sentence), "topic", value, ok=True))
        elif (asked := data["details"].get(key.removeprefix("detail_"))) and (value != asked or not asks):
            found = whole(core(value)).search(sentence)
            start, end = found.span() if found else (0, len(sentence))
            claims.append(Claim(start, end, key, value, ok=value == asked))
    claims += [
        Claim(m.start(), m.end(), f"carrier_{rule['kind']}", str(rule["value"]), ok=True)
        for rule in data["rules"]
        if rule["kind"] in CARRIERS and (m := whole(str(rule["value"])).search(sentence))
    ]
    return sorted(claims, key=lambda c: (c.start, c.end))


class _Mention(NamedTuple):
    """A value of an asked detail, or what looks like one. `first` is its token; start and end are of what states it."""

    first: int
    claim: Claim
    led: bool  # the words before it are such as lead up to this detail
    listed: bool  # it is one of the values that this detail may have
    start: int
    end: int


class _Free:
    """A sentence that is not known as a whole: known ones within it, and details in words of its own."""

    def __init__(self, prompt: Prompt, sentence: str, known: Bank) -> None:
        self.prompt, self.sentence, self.data = prompt, sentence, prompt.data
        self.tokens = [(m.group().lower().replace("’", "'"), m.start(), m.end()) for m in words_of(sentence)]
        self.words = [word for word, _, _ in self.tokens]
        self.held = [held for held in spread(self.words, known) if any(map(self._wanted, held[2]))]
        self.within = {i: (start, end) for start, end, _ in self.held for i in range(start, end)}

    def _wanted(self, known: Known) -> bool:
        """Whether the user has a use for a known sentence: it states a detail, or what a constraint asks for."""
        key, value = known
        asked = {rule["kind"]: str(rule["value"]) for rule in self.data["rules"] if rule["kind"] in CARRIERS}
        return key == "topic" or key.removeprefix("detail_") in self.data["details"] or asked.get(key) == value

    def reading(self) -> Reading:
        """Claims, and the words that neither a known sentence nor a value accounts for."""
        mentions = self._mentions()
        if not self.held and not mentions:
            return Reading()
        values = [(m.claim.start, m.claim.end) for m in mentions]
        rest = [
            word
            for i, (word, start, end) in enumerate(self.tokens)
            if i not in self.within and not any(a <= start and end <= b for a, b in values)
        ]
        stated = self._stated(mentions, rest)
        denied = [m for m in stated if self._ruled_out(m, stated, rest)]
        claims = list(self._topical())
        for m in (m for m in stated if m not in denied):
            taken = stance(self.sentence[: m.start], self.sentence[m.end :])
            if taken == "denied":
                denied.append(m)
            elif taken != "open" and not (m.claim.ok and (taken == "clouded" or self._clouded(rest))):
                claims.append(m.claim)
        not_so = [(m.claim.key, m.claim.value) for m in denied]
        spare = " ".join(word for word in rest if word not in _JOINTS)
        if spare and self._is_echo():
            claims = []
        return Reading(sorted(claims, key=lambda c: (c.start, c.end)), spare, not_so)

    def _mentions(self) -> list[_Mention]:
        at = {start: i for i, (_, start, _) in enumerate(self.tokens)}
        out = []
        for key, asked in self.data["details"].items():
            frame = frames(self.data["kind"], key)
            for m in frame.values.finditer(self.sentence):
                first = at.get(m.start())
                if first is None:
                    continue
                plain = " ".join(m.group().lower().split())
                value = frame.canon.get(plain, plain)
                claim = Claim(m.start(), m.end(), f"detail_{key}", value, ok=value == asked)
                held = self.within.get(first)
                span = (self.tokens[held[0]][1], self.tokens[held[1] - 1][2]) if held else m.span()
                out.append(_Mention(first, claim, self._leads(first, frame.before), plain in frame.canon, *span))
        return out

    def _leads(self, at: int, before: frozenset[str]) -> bool:
        while at and self.words[at - 1] in _ARTICLES and self.words[at - 1] not in before:
            at -= 1
        return at > 0 and self.words[at - 1] in before

    def _stated(self, mentions: Sequence[_Mention], rest: Sequence[str]) -> list[_Mention]:
        """Mentions in known sentences, with all others of the same kind: who lists options states each of them.

        What is false needs no known sentence, or a slip of the pen would undo it: words around it will do.
        """
        loose = sum(m.first not in self.within for m in mentions)
        worded = len(rest) > 2 * loose
        shaped = worded and not VERBS.isdisjoint(rest)
        keys = {m.claim.key for m in mentions if m.first in self.within}
        false = {m for m in mentions if not m.claim.ok and ((shaped and m.led) or (worded and m.listed))}
        return [m for m in mentions if m.claim.key in keys or m in false]

    def _ruled_out(self, mention: _Mention, stated: Sequence[_Mention], rest: list[str]) -> bool:
        """Whether a value is only named to say that it is another one ("on Sunday, not on Monday").

        The words that do so are taken out, so that they cast no doubt on the rest.
        """
        at = mention.first - 1
        while at > 0 and (self.words[at] in _ARTICLES or self.words[at] in _PREPOSITIONS):
            at -= 1
        others = any(m.claim.key == mention.claim.key and m.claim.value != mention.claim.value for m in stated)
        if not others or at < 0 or self.words[at] not in {"not", "than", "instead"} or self.words[at] not in rest:
            return False
        rest.remove(self.words[at])
        start, end = self.tokens[at][1], mention.claim.end
        self.sentence = self.sentence[:start] + " " * (end - start) + self.sentence[end:]
        return True

    def _clouded(self, rest: Sequence[str]) -> bool:
        """Whether the words around cast doubt on what is said, or say it of someone's hopes."""
        return is_question(self.sentence) or not _CLOUDS.isdisjoint(rest)

    def _topical(self) -> Iterator[Claim]:
        for start, end, said in self.held:
            for key, value in said:
                if key == "topic":
                    yield Claim(self.tokens[start][1], self.tokens[end - 1][2], key, value, ok=True)

    def _is_echo(self) -> bool:
        """Whether at least half of the sentence is the prompt's own wording."""
        runs = _runs(self.words)
        shared = sum(run in _runs_of(self.prompt.text) for run in runs)
        return bool(runs) and 2 * shared >= len(runs)


class Counts(Tally):
    """The running counts of a reading. Topical sentences beyond the number that a short text can use are filler."""

    def heard(self, sentence: surface.Sentence, claims: Sequence[Claim]) -> Sequence[Claim]:
        topics = self.found.setdefault("topic", set())
        claims = super().heard(sentence, claims)
        return [c for c in claims if c.key != "topic" or c.value in topics or len(topics) < MAX_TOPICAL]

    def is_value(self, claim: Claim) -> bool:
        return claim.key != "topic"

    def weigh(self, words: str) -> int:
        """A word to begin with, or to link sentences, makes no sentence longer."""
        said = bare(words)
        *_, stem = stems(said)
        return super().weigh(" ".join(words.split()[said.count(" ") - stem.count(" ") :]))

    @property
    def details(self) -> int:
        """Details stated, and never stated otherwise."""
        return sum(key.startswith("detail") for key in self.right)

    @property
    def answers(self) -> bool:
        """Whether anything was said to the point: a refusal keeps many constraints, and earns nothing by it."""
        return any(self.found[key] for key in self.found if not key.startswith("carrier"))


@dataclass(frozen=True, slots=True)
class Read:
    """A whole text, read: its sentences, what is counted in them, one claim per constraint."""

    view: View
    counts: Counts
    rules: list[Claim]


def read(prompt: Prompt, text: str) -> Read:
    """Read a text: sentence by sentence for what it says, as a whole for the constraints."""
    view = View(text)
    counts = Counts(asides(text))
    stated: dict[str, list[tuple[int, int]]] = {key: [] for key in prompt.data["details"]}
    for sentence in view.sentences:
        counts.add(sentence, understand(prompt, sentence.text))
    for claim in counts.claims:
        if claim.key.startswith("detail"):
            stated[claim.key.removeprefix("detail_")].append((claim.start, claim.end))
    counts.claims = [claim for claim in counts.claims if not claim.key.startswith("carrier")]
    view.stated = {key: sorted(spans) for key, spans in stated.items()}
    asked = {rule["kind"] for rule in prompt.data["rules"]}
    if not asked.isdisjoint({"use", "name", "number", "count"}):
        view.idle = {s.start for s in view.sentences if not _carries(prompt, s.text)}
    if view.sentences and _is_copied(prompt, bare(view.sentences[-1].text)):
        view.end = ""
    return Read(view, counts, _rules(prompt.data, view))


def _carries(prompt: Prompt, sentence: str) -> bool:
    """Whether a sentence can bear a word that was asked for: it is known, or a sentence of the writer's own."""
    words = bare(sentence)
    if _look_up(words, sentence, bank(prompt.data["kind"], prompt.data["topic"])):
        return True
    return readable(sentence) and not _is_copied(prompt, words)


def _is_copied(prompt: Prompt, words: str) -> bool:
    return any(f" {words}".endswith(f" {sentence}") for sentence in sentences_of(prompt.text))


def _rules(data: Mapping[str, Any], view: View) -> list[Claim]:
    """One claim per constraint: where it shows, or at the last character where it is about the text as a whole."""
    end = len(view.text.rstrip())
    claims = []
    for rule in data["rules"]:
        kept, span = check(rule, view)
        start, stop = span or (max(0, end - 1), end)
        claims.append(Claim(start, stop, f"rule_{rule['kind']}", str(rule["value"]), ok=kept))
    return claims


def _runs(words: Sequence[str]) -> list[tuple[str, ...]]:
    return [tuple(words[i : i + ECHO]) for i in range(len(words) - ECHO + 1)]


@lru_cache(maxsize=256)
def _runs_of(text: str) -> frozenset[tuple[str, ...]]:
    return frozenset(_runs(bare(text).split()))


@lru_cache(maxsize=256)
def sentences_of(text: str) -> frozenset[str]:
    """The sentences of a prompt, by their words."""
    return frozenset(bare(s.text) for s in surface.split(text))
