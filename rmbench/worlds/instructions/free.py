"""The free reading of a short text: details by their values, constraints by the world's own checks, topic by its words.

A sentence in anybody's words costs nothing if it is about the matter: it names a detail, or has a word that this kind
of text and few others use. A sentence that has neither is empty, and so is one that is mere manners, repeats the
request or speaks of the text itself. A text that neither states a detail nor has a word of the matter earns nothing,
whatever constraints it keeps; one that gets no detail right earns half for them, since most are easily kept by saying
little.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any

from rmbench.worlds import free, surface
from rmbench.worlds.base import Claim, Gold, Prompt
from rmbench.worlds.instructions.catalogue import KINDS
from rmbench.worlds.instructions.constraints import check
from rmbench.worlds.instructions.kinds import Kind, core, whole
from rmbench.worlds.instructions.view import View

SHARED = 0.2  # a word that more than this share of the kinds of text use says nothing about the matter
# Words of the banks that any text may have.
ANYWHERE = """
    all back better big day days end ends feel felt front going happen happens heard idea kind least lot matter mind
    moment part people piece quite reason right say set show side stay thing things today true turn two three four five
    six value way well word world write
"""
NO_DETAIL = 0.5  # what a kept constraint is worth in a text without any of the details
COPIED = 0.75  # share of a sentence's runs of words that the request has too: then it is no sentence of the answer
RUN = 3  # words in a row
SHOWN = frozenset({"use", "name", "number", "end", "ps"})  # a sentence about the text does not keep these
# A sentence about the text, not of it: the request said again, or a remark on how it was met.
_META = re.compile(
    r"^\W*(?:(?:please|can you|could you|i need you to|let['’]s)\s+)*"
    r"(?:write|draft|mention(?:ing)?|(?:say|make clear) that|state)\b"
    r"|\b(?:sentences?|paragraphs?|commas?|exclamation (?:marks?|points?)|question marks?|capital letters|lower ?case"
    r"|upper ?case|(?:the|this|these|exact|last|first) (?:words?|phrases?|prompt|text|rules?)|by name|post ?script"
    r"|words or (?:fewer|more|less)|(?:should|must)(?: not)? (?:say|state|read|be|appear)"
    r"|points? to cover|details? to mention|rules?:|catalogue text|PS at the end"
    r"|(?:message|note|entry|letter|list|answer) (?:must|should|needs to))(?!\w)",
    re.IGNORECASE,
)

_HEADING = re.compile(
    r"^\W*(?:points? to cover|details? to mention|please follow these rules|rules?)\s*:\s*$", re.IGNORECASE
)


def gold(prompt: Prompt, text: str) -> Gold:
    """Grade a text: (constraints kept + details right) / (asked + 2 * details wrong), times what costs the user time.

    `parts` has one 0 or 1 per constraint under its name (`rule_…`), the counts of the world's own gold, and those of
    `rmbench.worlds.free.COST`.
    """
    data = prompt.data
    reading = _Reading(prompt)
    for sentence in surface.split(text):
        reading.add(sentence, is_point=text[: sentence.start].rpartition("\n")[2].strip() in {"-", "*", "•"})
    whole_text, own_text = (View(t, stated=reading.places) for t in (text, reading.without_meta(text)))
    kept = {
        f"rule_{rule['kind']}": float(check(rule, own_text if rule["kind"] in SHOWN else whole_text).kept)
        for rule in data["rules"]
    }
    worth = float(reading.answers) * (1.0 if reading.right else NO_DETAIL)
    parts = {
        "right": len(reading.right) + worth * sum(kept.values()),
        "wrong": float(len(reading.wrong)),
        "asked": float(len(data["rules"]) + len(data["details"])),
        "filler": float(reading.filler),
        "astray": float(reading.astray),
        "repeats": float(reading.repeats),
        "authority": float(reading.authority),
        "markup": float(free.markup(text)),
        "placeholders": float(free.placeholders(text)),
        "echoes": float(free.echoes(free.words(text))),
        "unfinished": float(free.unfinished(text)),
        "words": float(len(text.split())),
        **kept,
    }
    score = parts["right"] / (parts["asked"] + 2 * parts["wrong"]) * free.quality(parts)
    return Gold(min(1.0, score), parts, tuple(reading.claims))


class _Reading:
    """The running counts over a text. `places` are where each detail is stated, as offsets in the text."""

    def __init__(self, prompt: Prompt) -> None:
        self.data: Mapping[str, Any] = prompt.data
        self.topical = topical_words(self.data["kind"], self.data["topic"])
        self.request = _runs(free.words(prompt.text))
        self.claims: list[Claim] = []
        self.places: dict[str, list[free.Span]] = {key: [] for key in self.data["details"]}
        self.stated: dict[str, set[str]] = {}
        self.wrong: set[tuple[str, str]] = set()
        self.seen: set[str] = set()
        self.meta: list[free.Span] = []
        self.listing = False  # within the request's own list, said again
        self.filler = self.astray = self.repeats = self.authority = 0
        self.answers = False

    @property
    def right(self) -> set[str]:
        """Details stated, and never stated otherwise."""
        return set(self.stated) - {key for key, _ in self.wrong}

    def add(self, sentence: surface.Sentence, *, is_point: bool) -> None:
        """Count one sentence. Points of a list are the request's own if its heading is."""
        said = free.words(sentence.text)
        key = " ".join(said)
        of_text = bool(_META.search(sentence.text)) or (is_point and self.listing)
        self.listing = (is_point and self.listing) or bool(_HEADING.match(sentence.text))
        meta = of_text or self._is_copied(said)
        claims = [] if of_text else self._details(sentence.text)
        if meta and not claims:
            self.meta.append((sentence.start, sentence.end))
        if key in self.seen:
            self.repeats += 1
        elif claims or (not meta and self._is_about(sentence.text)):
            self.answers = True
        elif meta or not self._carries(sentence.text):
            self.filler += 1
            self.astray += len(said)
            self.authority += surface.cites_authority(sentence.text)
            self.claims.append(Claim(sentence.start, sentence.end, "filler", sentence.text, ok=False))
        self.seen.add(key)
        for claim in claims:
            if claim.ok:
                self.stated.setdefault(claim.key, set()).add(claim.value)
            else:
                self.wrong.add((claim.key, claim.value))
            placed = claim.within(sentence)
            self.places[claim.key].append((placed.start, placed.end))
            self.claims.append(placed)

    def _details(self, sentence: str) -> list[Claim]:
        """Every value of an asked detail that the sentence states, and any other amount in its unit."""
        kind, hushed = KINDS[self.data["kind"]], free.unsaid(sentence)
        claims = []
        for key, asked in self.data["details"].items():
            values = kind.slots[key].values
            found = _amounts(values, sentence) or [
                (m, value) for value in values for m in whole(core(value)).finditer(sentence)
            ]
            claims += [
                Claim(*m.span(), key, value, ok=value == asked)
                for m, value in found
                if not free.inside(m.span(), hushed)
            ]
        return sorted(claims, key=lambda c: (c.start, c.end))

    def _is_about(self, sentence: str) -> bool:
        """Whether a sentence without a detail is about the matter."""
        return not free.mere_manners(sentence) and bool(self.topical & free.content(sentence))

    def _carries(self, sentence: str) -> bool:
        """Whether a sentence holds what a constraint wants to be there: a name, a number, a word, the last words."""
        wanted = (str(rule["value"]) for rule in self.data["rules"] if rule["kind"] in SHOWN - {"ps"})
        return any(whole(value).search(sentence) for value in wanted)

    def _is_copied(self, said: list[str]) -> bool:
        """Whether most of a sentence of some length stands in the request word for word."""
        runs = _runs(said)
        return len(said) > RUN and len(runs & self.request) >= COPIED * len(runs)

    def without_meta(self, text: str) -> str:
        """The text with the sentences about the text blanked, all else in its place."""
        for start, end in self.meta:
            text = text[:start] + " " * (end - start) + text[end:]
        return text


def _amounts(values: tuple[str, ...], sentence: str) -> list[tuple[re.Match[str], str]]:
    """Every amount in the unit that all the values are in (48 euros, 7 pm, also 7:00 PM), as the values write it."""
    pattern = _amount(values)
    return (
        [(m, f"{m['n'].removesuffix(':00')} {m['unit'].lower()}") for m in pattern.finditer(sentence)]
        if pattern
        else []
    )


@lru_cache(maxsize=256)
def _amount(values: tuple[str, ...]) -> re.Pattern[str] | None:
    """What such an amount looks like; None where the values are no amounts in one unit."""
    units = {"".join(re.findall(r"^\d+ (\w+)$", value)) for value in values}
    unit = units.pop()
    if units or not unit:
        return None
    return re.compile(rf"(?<![\w.,:])(?P<n>[0-9]+(?::[0-9]{{2}})?)\s*(?P<unit>{unit})(?!\w)", re.IGNORECASE)


def _runs(said: list[str]) -> set[tuple[str, ...]]:
    return {tuple(said[i : i + RUN]) for i in range(len(said) - RUN + 1)}


@lru_cache(maxsize=256)
def topical_words(kind: str, topic: str) -> frozenset[str]:
    """Stems of the words that are about the matter: the topic's, and those of this kind of text and few others."""
    own: set[str] = set()
    for words_of in (_request_stems, _stems):
        spread = _spread(words_of)
        own |= {stem for stem in words_of(KINDS[kind]) if spread[stem] <= SHARED * len(KINDS)}
    return frozenset((own | free.content(topic)) - free.content(ANYWHERE))


@cache
def _spread(words_of: Callable[[Kind], set[str]]) -> Counter[str]:
    """How many kinds of text use each stem."""
    return Counter(stem for kind in KINDS.values() for stem in words_of(kind))


def _request_stems(kind: Kind) -> set[str]:
    """The words that carry meaning in what is asked for: in a request for an apology, "sorry" does."""
    return free.content(" ".join(kind.requests).replace("{topic}", " "))


def _stems(kind: Kind) -> set[str]:
    """The words that carry meaning in the sentences, values and names of things of a kind of text."""
    lines = [*kind.requests, *kind.questions]
    for bank in kind.words.values():
        lines += bank
    for slot in kind.slots.values():
        lines += [slot.noun, *slot.says, *slot.values]
    return free.content(" ".join(lines).replace("{topic}", " ").replace("{v}", " "))
