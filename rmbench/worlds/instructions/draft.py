"""From picks to a text: plan the lines, fit them to the limits on length, put the surface habits around them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from rmbench.worlds import phrases, surface
from rmbench.worlds.instructions.writer import Line, Picks, Shell, Writer

MARK = "@"
TRIES = 5  # a writer who must be brief tries a few wordings before choosing the shortest ones
CLEAN_HABITS = {name: next(iter(options)) for name, options in surface.HABITS.items()}
NO_SHELL = Shell([], [])

_START = re.compile(r"[.!?]\s+(?:- )?(?:\*\*)?(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Draft:
    """The content of a text: its main lines, the lines said again, the last line, and the word to begin with."""

    lines: list[Line]
    again: list[Line]
    tail: Line | None
    opener: str

    @property
    def all(self) -> list[Line]:
        return [*self.lines, *self.again, *([self.tail] if self.tail else [])]

    @property
    def words(self) -> int:
        return len(self.opener.split()) + sum(len(line.text.split()) for line in self.all)


def shell(picks: Picks, rng: Random) -> Shell:
    """The sentences that the surface habits put before and after the content."""
    habits = {**picks, "repetition": "none", "format": "plain"}
    quiet = picks.get("rule_no_question") == "keep"
    for _ in range(20):  # who must not ask will not offer with a question
        dressed = surface.dress([MARK], habits, rng)
        if not (quiet and "?" in dressed):
            break
    first, last = ([s.text for s in surface.split(part)] for part in dressed.split(MARK))
    greetings = (picks["opening"] != "none") + (picks["hedging"] != "none")
    if "rule_question" in picks:  # there the place of a sentence matters
        first, last = first[:greetings], first[greetings:] + last
    return Shell(first, last)


def draft(data: Mapping[str, Any], picks: Picks, rng: Random, around: Shell) -> Draft:
    """The content that the picks call for, fitted to the limit on words if there is one."""
    rules = {rule["kind"]: rule for rule in data["rules"]}
    most = rules["words_max"]["value"] if picks.get("rule_words_max") == "keep" else None
    if picks.get("rule_words_min") == "break":
        most = rules["words_min"]["value"] - 1
    if most is None:
        return attempt(Writer(data, picks, rng, around))
    for _ in range(TRIES):
        made = attempt(Writer(data, picks, rng, around))
        if made.words + around.words <= most:
            return made
    return attempt(Writer(data, picks, rng, around, short=True))


def attempt(writer: Writer) -> Draft:
    """One draft."""
    rng = writer.rng
    lines, question, tail = writer.forced(), writer.question(), writer.tail()
    repeats = surface.REPEATS[writer.picks["repetition"]]
    lines += [writer.topical() for _ in range(_room(writer, len(lines) + bool(question) + bool(tail), repeats))]
    least = _least_words(writer)
    held = [line for line in (question, tail) if line]
    while sum(len(line.text.split()) for line in (*lines, *held)) < least:
        lines.append(writer.topical())
    ranks = [
        rng.random() + (0 if line.role.startswith("detail") else 0.4) for line in lines
    ]  # details tend to come first
    lines = [line for _, line in sorted(zip(ranks, lines, strict=True), key=lambda pair: pair[0])]
    _reorder(writer, lines)
    echo = Random(rng.random())  # of its own, so that repeating something does not change what else is said
    again = [line.behind(echo.choice(phrases.AGAIN)) for line in [line for line in lines if line.free][:repeats]]
    if question:
        lines.insert(_question_place(writer, len(lines)), question)
    writer.link(lines, writer.rules["commas"]["value"] if writer.keeps("commas") else int(writer.breaks("no_commas")))
    if writer.keeps("exclamations") or writer.breaks("no_exclamations"):
        writer.exclaim(lines, writer.rules["exclamations"]["value"] if writer.asked("exclamations") else 1)
    return Draft(lines, again, tail, writer.opener())


def _room(writer: Writer, lines: int, repeats: int) -> int:
    """How many topical lines to add to the ones that must be there."""
    if writer.asked("words_max") or writer.asked("words_min") or writer.short:
        return 0
    if not writer.asked("sentences"):
        return writer.rng.randint(0, 2)
    wanted: int = writer.rules["sentences"]["value"]
    fixed = lines + repeats + writer.shell.size
    if writer.keeps("sentences"):
        return max(0, wanted - fixed)
    off = writer.rng.choice((-1, 1, 2))
    if fixed > wanted + off:
        return 1 if fixed == wanted else 0
    return wanted + off - fixed


def _least_words(writer: Writer) -> int:
    if writer.keeps("words_min"):
        return int(writer.rules["words_min"]["value"])
    if writer.breaks("words_max"):
        return int(writer.rules["words_max"]["value"]) + 1
    return 0


def _reorder(writer: Writer, lines: list[Line]) -> None:
    """Swap two details where the rule on their order, or its breach, wants it."""
    if not writer.asked("order"):
        return
    rule = writer.rules["order"]
    at = {line.role: i for i, line in enumerate(lines)}
    first, then = at.get(f"detail_{rule['value']}"), at.get(f"detail_{rule['then']}")
    if first is not None and then is not None and (first < then) != writer.keeps("order"):
        lines[first], lines[then] = lines[then], lines[first]


def _question_place(writer: Writer, lines: int) -> int:
    if not writer.asked("question"):
        return writer.rng.randint(0, lines)
    place: int = writer.rules["question"]["value"] - 1 - len(writer.shell.before)
    if writer.keeps("question"):
        return max(0, place)
    return writer.rng.choice([i for i in range(lines + 1) if i != place])


def finish(made: Draft, around: Shell, picks: Picks, rng: Random) -> str:
    """The text as the user sees it: surface habits around the content, letters and marks as the rules want them."""
    bare = {**CLEAN_HABITS, "format": picks["format"]}
    before, (first, *rest) = list(around.before), made.lines
    if made.opener and before:
        before[0] = Line(before[0], "filler", lower=not before[0].startswith("I ")).behind(made.opener).text
    elif made.opener:
        first = first.behind(made.opener)
    middle = surface.dress([line.text for line in (first, *rest, *made.again)], bare, rng)
    tail = [made.tail.text] if made.tail else []
    parts = [" ".join(before), middle, " ".join([*around.after, *tail])]
    text = ("\n" if picks["format"] == "bullets" else " ").join(p for p in parts if p)
    return _letters(_marks(text, picks), picks, rng)


def _marks(text: str, picks: Picks) -> str:
    if picks.get("rule_no_commas") == "keep" or picks.get("rule_commas") == "break":
        text = text.replace(",", "")
    if picks.get("rule_no_exclamations") == "keep" or picks.get("rule_exclamations") == "break":
        text = text.replace("!", ".")
    return text


def _letters(text: str, picks: Picks, rng: Random) -> str:
    for rule, change in (("lower", str.lower), ("upper", str.upper)):
        if picks.get(f"rule_{rule}") == "keep":
            return change(text)
        if picks.get(f"rule_{rule}") == "break" and rng.random() < 0.5:  # nearly: the last sentence slips
            starts = [m.end() for m in _START.finditer(text)]
            cut = starts[-1] if starts else 0
            return change(text[:cut]) + text[cut:]
    return text
