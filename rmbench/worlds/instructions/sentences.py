"""The sentences that a kind of text is known to have, and what each says. They are looked up by their words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rmbench.worlds import phrases
from rmbench.worlds.instructions.catalogue import BEGINNINGS, ENDINGS, KINDS, LINKERS, NAMES, NUMBERS
from rmbench.worlds.instructions.kinds import MONTHS, Slot, core
from rmbench.worlds.instructions.view import bare

Known = tuple[str, str]  # what it is about ("detail_day", "topic", "name", "number", "end") and the value
_LEADS = {bare(p) for p in (*phrases.AGAIN, *LINKERS, *(w for bank in BEGINNINGS.values() for w in bank))}
LEADS: dict[str, list[str]] = {}  # by first word
for _lead in _LEADS:
    LEADS.setdefault(_lead.split()[0], []).append(_lead)

_COUNT = (
    r"(?:\d+(?:[.,:]\d+)?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty)"
)
_IS_COUNT = re.compile(rf"{_COUNT}\b")
# What makes a string of words a sentence, where it is none that is known.
VERBS = frozenset(
    """
    is are am was were be been being has have had having will shall can must should would could do does did get gets
    got give gives gave given go goes went gone come comes came keep keeps kept start starts started begin begins began
    bring brings brought take takes took make makes made meet meets met find finds found see sees saw seen need needs
    needed use used help helps helped offer offers offered expect expected ask asks asked join invite invited wait
    waited send sends sent sending receive live lives lived love loved move moved settle settled plan planned cost costs
    pay pays paid earn earned work works worked choose chose chosen order ordered eat ate visit visited reach reached
    happen happens happened disappear disappeared miss missed run ran spot spotted show shows return remember reward
    treat celebrate enjoy book booked sign signed stay opens open closes close last lasts talk enjoyed rated rate lock
    clear unplug require required concern concerns affect affected address come let's it's that's there's we're you're
    i'm we'll you'll i'll i'd we'd
    """.split()
)


@dataclass(frozen=True)
class Frames:
    """A slot as free wording may use it: a pattern for its values and the like, and the words that lead up to one."""

    values: re.Pattern[str]
    canon: dict[str, str]  # from a value without article, in lower case, to the value
    before: frozenset[str]


@dataclass(frozen=True)
class Bank:
    """All known sentences of a kind of text on a topic, by their words.

    `parts` are those that may stand within a longer one: not the clauses that prompts use, which echo the prompt there.
    `sizes` are the lengths of those by first word, longest first.
    """

    exact: dict[str, list[Known]]
    parts: dict[str, list[Known]]
    sizes: dict[str, list[int]]


@lru_cache(maxsize=256)
def bank(name: str, topic: str) -> Bank:
    """The bank of a kind of text."""
    parts: dict[str, list[Known]] = {}
    for words, known in _lines(name, topic):
        if known not in (said := parts.setdefault(words, [])):
            said.append(known)
    exact = {words: [*said] for words, said in parts.items()}
    for words, known in _clauses(name, topic):
        if known not in (said := exact.setdefault(words, [])):
            said.append(known)
    sizes: dict[str, set[int]] = {}
    for words in parts:
        first, *rest = words.split()
        sizes.setdefault(first, set()).add(len(rest) + 1)
    return Bank(exact, parts, {first: sorted(some, reverse=True) for first, some in sizes.items()})


def _lines(name: str, topic: str) -> Iterator[tuple[str, Known]]:
    """The writer's sentences."""
    kind = KINDS[name]
    for key, slot in kind.slots.items():
        for template in slot.says:
            for value in slot.values:
                yield bare(template.format(topic=topic, v=value)), (f"detail_{key}", value)
    for line in (*kind.questions, *(line for lines in kind.words.values() for line in lines)):
        words = bare(line.format(topic=topic))
        yield words, ("topic", words)
    for template in kind.names:
        yield from ((bare(template.format(name=n)), ("name", n)) for n in NAMES)
    for template in kind.numbers:
        yield from ((bare(template.format(n=n)), ("number", str(n))) for n in NUMBERS)
    yield from ((bare(e), ("end", e)) for e in ENDINGS[kind.domain])


def _clauses(name: str, topic: str) -> Iterator[tuple[str, Known]]:
    """The clauses by which a prompt asks for details: as sentences of their own they state them as well."""
    for key, slot in KINDS[name].slots.items():
        for template in slot.asks:
            for value in slot.values:
                yield bare(template.format(topic=topic, v=value)), (f"detail_{key}", value)


@lru_cache(maxsize=256)
def frames(name: str, key: str) -> Frames:
    """How free wording may state a detail."""
    slot = KINDS[name].slots[key]
    canon = {" ".join(core(v).lower().split()): v for v in slot.values}
    patterns = sorted((_spaced(c) for c in canon), key=len, reverse=True)
    patterns += sorted({_spaced(tail, counted=True) for c in canon if (tail := _tail(c))}, key=len, reverse=True)
    if set(slot.values) <= {*MONTHS}:
        patterns.append("december")
    values = re.compile(rf"(?<![^\W_])(?<!\d[.,:])(?:{'|'.join(patterns)})(?![^\W_])", re.IGNORECASE)
    return Frames(values, canon, frozenset(_before(slot)))


def _spaced(words: str, *, counted: bool = False) -> str:
    escaped = r"\s+".join(map(re.escape, words.split()))
    return rf"{_COUNT}\s+{escaped}" if counted else escaped


def _tail(value: str) -> str:
    """What a value counts ("euros" of "19 euros"); empty if it counts nothing."""
    found = _IS_COUNT.match(value)
    return value[found.end() :].strip() if found else ""


def _before(slot: Slot) -> Iterator[str]:
    for template in (*slot.says, *slot.asks):
        words = bare(template.partition("{v}")[0]).split()
        yield from words[-1:]


def stems(words: str) -> Iterator[str]:
    """The words of a sentence, then without one, two, three leads that link it to the sentence before."""
    yield words
    for _ in range(3):
        first, _, rest = words.partition(" ")
        lead = next((p for p in LEADS.get(first, ()) if words.startswith(f"{p} ")), "")
        if not rest or not lead:
            return
        words = words[len(lead) + 1 :]
        yield words


def readable(sentence: str) -> bool:
    """Whether a string of words has the shape of a sentence: a verb, no mere list, no word over and over."""
    words = [word for word in bare(sentence).split() if not word.isdigit()]
    listed = 3 * sum(map(sentence.count, ",;|")) > len(words)
    return not VERBS.isdisjoint(words) and not listed and 2 * len({*words}) > len(words)


def spread(words: Sequence[str], known: Bank) -> Iterator[tuple[int, int, list[Known]]]:
    """The known sentences that stand, one after another, in a longer string of words: start, end, what each says."""
    at = 0
    while at < len(words):
        for size in known.sizes.get(words[at], ()):
            if at + size <= len(words) and (said := known.parts.get(" ".join(words[at : at + size]))):
                yield at, at + size, said
                at += size
                break
        else:
            at += 1
