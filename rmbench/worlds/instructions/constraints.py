"""The constraints that a program can check: how prompts word them, and whether a text keeps them.

Every kind has an opposite, or a near miss that looks the same to a reader who has not seen the prompt. So no look of
a text is good in itself: that is what makes a scorer blind to the prompt learn nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from rmbench.worlds.instructions.kinds import whole
from rmbench.worlds.instructions.view import Span, View, bare, postscript

Rule = Mapping[str, Any]  # {"kind": …, "value": …, and what else the kind needs}

# One kind at most from each group, so that the constraints of a prompt can always be kept together.
GROUPS: dict[str, tuple[str, ...]] = {
    "length": ("words_max", "words_min", "sentences"),
    "case": ("lower", "upper", "caps"),
    "commas": ("no_commas", "commas"),
    "exclamations": ("no_exclamations", "exclamations"),
    "question": ("question", "no_question"),
    "postscript": ("ps", "no_ps"),
    "word": ("use", "avoid"),
    "count": ("count",),
    "name": ("name",),
    "number": ("number",),
    "begin": ("begin",),
    "end": ("end",),
    "order": ("order",),
}
# Pairs that people would argue about (does a postscript count as a sentence, or as the end?).
CLASHES = (
    {"ps", "end"},
    {"no_ps", "end"},
    {"ps", "sentences"},
    {"begin", "lower"},
    {"begin", "upper"},
    {"name", "lower"},
    {"name", "upper"},
)

ORDINALS = ("first", "second", "third", "fourth")
_PS_WITHIN = re.compile(r"(?<![^\W_])p\.?s\.?:", re.IGNORECASE)
_BETWEEN = re.compile(r"(?<=\S),(?=[\W_]{0,3}[^\W_])")


class Verdict(NamedTuple):
    """Whether a constraint is kept, and where that shows (None: in the text as a whole)."""

    kept: bool
    span: Span | None = None


def _says(rule: Rule, view: View) -> Verdict:
    found = view.own(whole(str(rule["value"])))
    return Verdict(bool(found), found[0] if found else None)


def _avoids(rule: Rule, view: View) -> Verdict:
    found = view.spans(whole(str(rule["value"])))
    return Verdict(not found, found[0] if found else None)


def _counts(rule: Rule, view: View) -> Verdict:
    found = view.spans(whole(rule["value"]))
    kept = len(found) == len(view.own(whole(rule["value"]))) == rule["n"]
    return Verdict(kept, found[-1] if found else None)


def _begins(rule: Rule, view: View) -> Verdict:
    if not view.sentences:
        return Verdict(kept=False)
    first = view.sentences[0]
    words = bare(first.text).split()
    return Verdict(
        words[:1] == [rule["value"].lower()], (first.start, first.origin[len(first.text.split()[0]) - 1] + 1)
    )


def _ends(rule: Rule, view: View) -> Verdict:
    return Verdict(f" {view.end}".endswith(f" {bare(rule['value'])}"))


def _asks(rule: Rule, view: View) -> Verdict:
    if len(view.sentences) < rule["value"]:
        return Verdict(kept=False)
    sentence = view.sentences[rule["value"] - 1]
    return Verdict(is_question(sentence.text), (sentence.end - 1, sentence.end))


def _postscript(_: Rule, view: View) -> Verdict:
    """A postscript says something, after something else."""
    for s in view.sentences[1:]:
        if (size := postscript(s.text)) and " " in bare(s.text[size:]):
            return Verdict(kept=True, span=(s.start, s.origin[min(size, len(s.origin)) - 1] + 1))
    return Verdict(kept=False)


def _capitals(rule: Rule, view: View) -> Verdict:
    found = view.mentions(rule["value"])
    shouted = [view.text[a:b].isupper() for a, b in found]
    return Verdict(bool(found) and all(shouted), found[0] if found else None)


def _ordered(rule: Rule, view: View) -> Verdict:
    first, *rest = (view.mentions(key) for key in (rule["value"], rule["then"]))
    second = rest[0]
    kept = bool(first and second) and first[0] < second[0]
    return Verdict(kept, second[0] if second else None)


def is_question(sentence: str) -> bool:
    """Whether a sentence ends with a question mark."""
    return sentence.rstrip("\"')]*_!").endswith("?")


CHECKS: dict[str, Callable[[Rule, View], Verdict]] = {
    "words_max": lambda rule, view: Verdict(view.most_words <= rule["value"]),
    "words_min": lambda rule, view: Verdict(view.least_words >= rule["value"]),
    "sentences": lambda rule, view: Verdict(len(view.sentences) == rule["value"]),
    "lower": lambda _, view: Verdict(not any(ch.isupper() for ch in view.text)),
    "upper": lambda _, view: Verdict(not any(ch.islower() for ch in view.text)),
    "caps": _capitals,
    "no_commas": lambda _, view: Verdict("," not in view.text),
    "commas": lambda rule, view: Verdict(len(_BETWEEN.findall(view.plain)) >= rule["value"]),
    "no_exclamations": lambda _, view: Verdict("!" not in view.text),
    "exclamations": lambda rule, view: Verdict(view.text.count("!") >= rule["value"]),
    "question": _asks,
    "no_question": lambda _, view: Verdict("?" not in view.text),
    "ps": _postscript,
    "no_ps": lambda _, view: Verdict(not any(postscript(s.text) or _PS_WITHIN.search(s.text) for s in view.sentences)),
    "use": _says,
    "avoid": _avoids,
    "count": _counts,
    "name": _says,
    "number": _says,
    "begin": _begins,
    "end": _ends,
    "order": _ordered,
}


def check(rule: Rule, view: View) -> Verdict:
    """Whether the text keeps the constraint. A text without a single word keeps none."""
    return CHECKS[rule["kind"]](rule, view) if view.words else Verdict(kept=False)


def compatible(kinds: list[str]) -> bool:
    """Whether no two of the kinds clash."""
    return not any(clash <= set(kinds) for clash in CLASHES)
