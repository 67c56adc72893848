"""What the free readings of worlds share: texts in anybody's words, such as a language model's.

Nothing here knows a world. What a sentence denies, asks or supposes is not stated; words that loop, sentences that are
mere manners and a text that breaks off cost a careful user time and tell nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise

from rmbench.worlds import phrases, surface

Span = tuple[int, int]

# What each count takes off a grade, in nats: the grade is multiplied by exp(-cost * count).
COST = {
    "filler": 0.04,  # a sentence that says nothing to the point
    "astray": 0.008,  # a word of such a sentence
    "repeats": 0.04,  # a sentence that says nothing new
    "placeholders": 0.04,  # "[Your Name]": left to the user to fill in
    "authority": 0.06,  # an appeal to experts in such a sentence
    "markup": 0.01,  # a mark of markdown, or an emoji
    "unsupported": 0.012,  # a word that nothing in the prompt explains
    "echoes": 0.01,  # a word in a run of words that the text has had before
    "unfinished": 0.1,  # the text breaks off in the middle of a sentence
}
ECHO = 4  # words in a row that make a run
BREAK_OFF = 6  # words without a stop at the end of a text; fewer may be a line of a list

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
FUNCTION = frozenset(
    """
    a about above after again all also although am an and another any are around as at away be became because become
    becomes been before being below between both but by can come comes could did do does doing done down during each
    either else even ever every few for from further get gets gives had has have having he her here hers herself him
    himself his how i if in including includes include into is it its itself just like made make makes many may me might
    more most much must my myself near no nor not now of off on once one only onto or other our ours out over own per
    same she should since so some such than that the their theirs them themselves then there these they this those
    through to together too toward towards under until up upon us very was we well were what when where which while who
    whom whose why will with within would you your yours yourself
    """.split()
)
_SUFFIXES = ("ings", "ing", "ies", "ied", "es", "ed", "ly", "s", "y", "e")

_NOT = r"(?:not|never|cannot|n['’]t)"
_DENIAL = re.compile(
    r"\b(?:not|never|no longer|cannot|nobody|no one|none|neither|nor|nothing|without|false|untrue|wrong|incorrect"
    r"|(?:used|failed|refus\w+|forgot) to|formerly|previously|rather than|instead of|unlike|except for|other than"
    r"|(?:is|are|has|have|was|were|there) no)\b|n['’]t\b",
    re.IGNORECASE,
)
# "Do not forget to", "not only": nothing is denied.
_IDIOM = re.compile(
    rf"{_NOT}\s+(?:only|just|merely|to mention|forget|miss|hesitate|worry|wait|fail)\b|without (?:fail|doubt)"
    r"|nothing but|no doubt",
    re.IGNORECASE,
)
_SUPPOSED = re.compile(r"^\W*(?:if|unless|whether|suppose|imagine|what if)\b|\bas if\b", re.IGNORECASE)
_CLAUSE = re.compile(
    r"[;–—]|\b(?:but|however|whereas|although|though)\b|,\s+(?:and|which|who|it|he|she|they|we)\b", re.IGNORECASE
)
_ASKED = re.compile(r"\?[\"'”’)\]*_]*$")

_MANNERS = re.compile(
    r"^\W*(?:sure|certainly|of course|absolutely|okay)\b[,!. ]|\bhappy to (?:help|assist)\b|\bglad to (?:help|assist)\b"
    r"|\bhope (?:this|that|these|those|it|you find)\b.*\b(?:help|useful)|\blet me know\b|\bfeel free to\b"
    r"|\bdo not hesitate\b|\bdon['’]t hesitate\b|\b(?:great|good|excellent|wonderful) question\b|\bas an ai\b"
    r"|\blanguage model\b|\bhow (?:can|may) i (?:help|assist)\b|\bthank you for (?:your|the) (?:question|request)\b"
    r"|^\W*here(?:['’]s| is| are)\b.*:$|\bi (?:cannot|can['’]t|am unable to|am sorry, but)\b"
    r"|\b(?:your|this) (?:request|prompt|task|instructions?)\b|\bin \d+ words\b|\bword limit\b",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(r"\[[^\]\n]{2,40}\]|\{[^}\n]{2,40}\}|<[a-z][^>\n]{1,40}>", re.IGNORECASE)
_EMOJI = re.compile("[\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]")
_HABITS = frozenset(
    " ".join(WORD.findall(line.lower()))
    for bank in (*phrases.OPENING.values(), phrases.HEDGING, phrases.CERTAIN, phrases.AUTHORITY, phrases.PADDING,
                 phrases.CLOSING, phrases.REFUSAL)
    for line in bank
)  # fmt: skip


def words(text: str) -> list[str]:
    """The words in lower case, without marks."""
    return [found.replace("’", "'") for found in WORD.findall(text.lower())]


def stem(word: str) -> str:
    """A crude stem, the same for the forms of a regular word: summary and summaries, walk and walking."""
    word = word.lower().replace("’", "'").removesuffix("'s")
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            return word[: -len(suffix)]
    return word


def content(text: str) -> set[str]:
    """The stems of the words that carry meaning."""
    return {stem(w) for w in words(text) if w not in FUNCTION} - _FUNCTION_STEMS


_FUNCTION_STEMS = frozenset(map(stem, FUNCTION))


def unsaid(sentence: str) -> list[Span]:
    """The stretches of a sentence in which nothing is stated: denials, questions, suppositions."""
    if _ASKED.search(sentence) or _SUPPOSED.search(sentence):
        return [(0, len(sentence))]
    masked = _IDIOM.sub(lambda found: " " * len(found.group()), sentence)
    if not _DENIAL.search(masked):
        return []
    ends = [0, *(found.start() for found in _CLAUSE.finditer(masked)), len(masked)]
    return [(a, b) for a, b in pairwise(ends) if _DENIAL.search(masked, a, b)]


def inside(span: Span, spans: Collection[Span]) -> bool:
    """Whether a span touches one of the others."""
    return any(span[0] < end and start < span[1] for start, end in spans)


def mere_manners(sentence: str) -> bool:
    """Whether a sentence is one of the habits that say nothing: greetings to the user, hedges, padding, offers."""
    return bool(_MANNERS.search(sentence)) or " ".join(words(sentence)) in _HABITS


def placeholders(text: str) -> int:
    """How many blanks such as "[Your Name]" the text leaves."""
    return len(_PLACEHOLDER.findall(text))


def markup(text: str) -> int:
    """Marks of markdown, and emoji."""
    return surface.count_markup(text) + len(_EMOJI.findall(text))


def echoes(said: Sequence[str]) -> int:
    """How many runs of words (by their last word) the text has had before: what a text that loops has many of."""
    seen: set[tuple[str, ...]] = set()
    count = 0
    for run in _runs(said):
        count += run in seen
        seen.add(run)
    return count


def _runs(said: Sequence[str]) -> Iterator[tuple[str, ...]]:
    return (tuple(said[i : i + ECHO]) for i in range(len(said) - ECHO + 1))


def unfinished(text: str) -> bool:
    """Whether the text breaks off: its last line has many words and no stop after the last of them."""
    last = re.split(r"[.!?…](?=\s)|\n", text.rstrip())[-1]
    return len(WORD.findall(last)) >= BREAK_OFF and last.rstrip("\"'”’)]*_ ")[-1:].isalnum()


def quality(parts: Mapping[str, float]) -> float:
    """The factor in (0, 1] by which what is not to the point lowers a grade."""
    return math.exp(-sum(cost * parts.get(name, 0.0) for name, cost in COST.items()))
