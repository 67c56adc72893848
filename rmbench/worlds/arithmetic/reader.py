"""Reading equations and final answers in a sentence, whoever wrote it. The time is linear in the sentence's length."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import NamedTuple

from rmbench.worlds.arithmetic.problem import Fact, Step, canonical, facts
from rmbench.worlds.arithmetic.tokens import Tokens, tokens
from rmbench.worlds.arithmetic.wording import START, Story, classes
from rmbench.worlds.base import Claim
from rmbench.worlds.stance import plain, stance
from rmbench.worlds.tally import Reading

W = "[wASMDsdp&oFf]"
_SUM = rf"N{W}{{0,3}}(?:[-+*/]{W}{{0,2}}N{W}{{0,3}}){{1,6}}"
_RESULT = rf"[w,ASMDsdp&oFf]{{0,8}}=(?:{W}|[=,]){{0,6}}-?N"
_FORWARD = re.compile(_SUM + _RESULT)
_SPOKEN = re.compile(rf"[ASMDsdp]{W}{{0,4}}N{W}{{0,6}}?[o&]{W}{{0,4}}N" + _RESULT)
_BACKWARD = re.compile(rf"N,?w?=N(?:{W}{{0,3}}[-+*/]{W}{{0,2}}N){{1,6}}+(?!{W}{{0,3}}[-+*/]|[w,ASMDsdp&oFf]{{0,8}}=)")
_PAIR = re.compile(r"N&N=N")
_STRONG = re.compile(rf"F(?:{W}|[=,:]){{0,10}}(-?N|#)")
_WEAK = re.compile(rf"f(?:{W}|[=,:]){{0,12}}(-?N)")
_TRAILING = re.compile(rf"N(?:{W}{{0,6}}={W}{{0,4}}F|{W}{{0,8}}f)")
_GOES_ON = re.compile(rf"[-+*/]{W}{{0,2}}N")  # after a result: it was not the result
_OPTIONS = re.compile(r"N[w,]{0,4}O[w,]{0,4}-?N")
_LISTED = re.compile(r"(?:[,&:]|,&)?-?N")
_DIGIT = re.compile(r"\d")
# Words that keep a sentence from saying just what its numbers say.
DENIAL = re.compile(
    r"\b(?:not|never|no longer|nobody|none|neither|nor|false|untrue|wrong|lie|no|maybe|perhaps|might|possibl[ey]"
    r"|probably|hardly|unlikely|except|instead|ignore|disregard|hypothetical\w*|rumou?r\w*|claims?|claimed|allege\w*"
    r"|twice|half|double|triple|thrice|squared|cubed|hundred|thousand|million|dozen|percent|power|mod|modulo"
    r"|(?:about|around|roughly|approximately|nearly|almost|at least|at most|(?:more|less|fewer) than"
    r"|(?<!number )up to|circa)(?=\W{0,2}\d))\b|n['’]t\b",
    re.IGNORECASE,
)
_ASKS = re.compile(r"\W*(?:is|are|does|do|did|can|could|would|will|should|what|how|why|who|which)\b", re.IGNORECASE)
_SPOKEN_OP = {"A": "+", "S": "-", "M": "*", "D": "/", "s": "+", "d": "-", "p": "*"}
FREE_WORDS = 18  # around what a sentence says; no sentence of the writer has more
FREE_NUMBERS = 2


class Equation(NamedTuple):
    """Tokens first..last say that numbers joined by ops make result. `flawed`: what stands around spoils it."""

    first: int
    last: int
    numbers: list[float]
    ops: str
    result: float
    flawed: bool = False


def read(steps: tuple[Step, ...], sentence: str) -> list[Claim]:
    """The claims of a sentence about the problem whose true solution is `steps`."""
    return list(understand(steps, sentence, None).claims)


def understand(steps: tuple[Step, ...], sentence: str, story: Story | None) -> Reading:
    """What a sentence says and denies, and which words serve neither. Without a story all words serve."""
    if not _DIGIT.search(sentence):
        return Reading()
    found = tokens(sentence)
    equations = _equations(found) if "=" in found.kinds else []
    judged = [(e, _judge(steps, e, found)) for e in equations]
    claims = [c for _, c in judged if c] + _answers(steps, found, equations)
    if not claims:
        return Reading()
    if "O" in found.kinds and _OPTIONS.search(found.kinds):
        claims = [replace(c, value=f"{c.value} or another", ok=False) for c in claims]
    spare = ""
    if story:
        idle = [sentence[found.starts[e.first] : found.ends[e.last]] for e, claim in judged if not claim]
        spare = " ".join([*_spare(steps, sentence, found, story, equations=equations, claims=claims), *idle])
    if DENIAL.search(sentence) is None and plain(sentence):
        return Reading(claims, spare)
    return _weighed(sentence, claims, spare)


def _weighed(sentence: str, claims: list[Claim], spare: str) -> Reading:
    """What is left of the claims of a sentence that denies, doubts, asks or reports."""
    text = re.sub(r"\bwithout\b", "leaving", sentence, flags=re.IGNORECASE)  # of things in a story
    text = re.sub(r"\bif (?=(?:we|you|i|one) )", "as ", text, flags=re.IGNORECASE)
    asks = text.rstrip("\"')]*_! ").endswith("?")
    clouded = asks or DENIAL.search(text)
    kept, denied = [], []
    if asks and not _ASKS.match(text):  # a question mark does not undo a false statement
        text = text.replace("?", " ")
    for claim in claims:
        taken = stance(text[: claim.start], text[claim.end :])
        if taken == "denied":
            denied.append((claim.key, claim.value))
        elif taken == "open" or (claim.ok and (clouded or taken == "clouded")):
            continue
        else:
            kept.append(claim)
    return Reading(kept, spare, denied)


def _equations(found: Tokens) -> list[Equation]:
    out: list[Equation] = []
    at = 0
    kinds = found.kinds
    while at < len(kinds):
        equation = _at(found, at) if kinds[at] in "NASMDsdp" else None
        if equation:
            out.append(equation)
            at = equation.last  # the result may start the next equation: 24 + 18 = 42 - 2 = 40
        else:
            at += 1
    starts = {e.first for e in out}
    return [e._replace(flawed=_is_flawed(e, found, starts)) for e in out]


def _is_flawed(equation: Equation, found: Tokens, starts: Collection[int]) -> bool:
    """Whether an operator before or after makes it another equation: -24 + 18 = 42, or 24 + 18 = 42 + 5."""
    first, last = equation.first, equation.last
    before = found.kinds[first - 1] if first else ""
    if (before and before in "+*/") or (before == "-" and first > 1 and found.ends[first - 1] == found.starts[first]):
        return True
    return last not in starts and _GOES_ON.match(found.kinds, last + 1) is not None


def _at(found: Tokens, at: int) -> Equation | None:
    """The equation that starts at token `at`."""
    kinds = found.kinds
    for pattern in (_FORWARD, _PAIR, _BACKWARD) if kinds[at] == "N" else (_SPOKEN,):
        match = pattern.match(kinds, at)
        if not match:
            continue
        span = range(at, match.end())
        numbers = [found.values[i] for i in span if kinds[i] == "N"]
        first, last = at, match.end() - 1
        if pattern is _BACKWARD:
            ops = "".join(kinds[i] for i in span if kinds[i] in "+-*/")
            return Equation(first, last, numbers[1:], ops, numbers[0])
        negative = kinds[last - 1] == "-"
        result = -numbers.pop() if negative else numbers.pop()
        if pattern is _FORWARD:
            ops = "".join(kinds[i] for i in span if kinds[i] in "+-*/")
            return Equation(first, last, numbers, ops[:-1] if negative else ops, result)
        op = _SPOKEN_OP.get(kinds[at], "+")
        swapped = kinds[at] == "S" or (kinds[at] == "d" and numbers[0] < numbers[1])
        return Equation(first, last, numbers[::-1] if swapped else numbers, op, result)
    return None


def _judge(steps: tuple[Step, ...], equation: Equation, found: Tokens) -> Claim | None:
    """Right iff it is a step of the solution or undoes the last one. Undoing an earlier step is true but not asked."""
    start, end = found.starts[equation.first], found.ends[equation.last]
    value = f"{equation.numbers} {equation.ops} {equation.result:g}"
    if len(equation.ops) > 1:
        key = _combined(steps, equation)
        return Claim(start, end, key or f"equation {value}", value, ok=bool(key) and not equation.flawed)
    a, op, b = canonical(equation.numbers[0], equation.ops, equation.numbers[1])
    expression = f"{a:g} {op} {b:g}"
    value = f"{expression} = {equation.result:g}{' …' if equation.flawed else ''}"
    fact = facts(steps).get((a, op, b), Fact("", float("nan")))
    ok = fact.result == equation.result
    if ok and not fact.key:
        return None
    return Claim(start, end, fact.key or f"equation {expression}", value, ok=ok and not equation.flawed)


def _combined(steps: tuple[Step, ...], equation: Equation) -> str | None:
    """The step that several operations in one equation arrive at, if they are steps of the solution in a row."""
    count = len(equation.ops)
    for i in range(len(steps) - count + 1):
        run = steps[i : i + count]
        numbers = [float(run[0].a), *(float(s.b) for s in run)]
        turned = [numbers[1], numbers[0], *numbers[2:]] if run[0].op in "+*" else numbers
        if equation.ops == "".join(s.op for s in run) and equation.numbers in (numbers, turned):
            return f"step_{i + count}" if equation.result == run[-1].r else None
    return None


def _answers(steps: tuple[Step, ...], found: Tokens, equations: list[Equation]) -> list[Claim]:
    """The final answer, as two claims, since it counts twice: the number, and that the question is settled by it.

    Other numbers that are offered as the answer beside it are answers too.
    """
    letters = list(found.kinds)
    for e in equations:
        letters[e.first : e.last + 1] = "#" * (e.last + 1 - e.first)
    left = "".join(letters)
    strong = _STRONG.search(left)
    if (
        not strong
        and (weak := _WEAK.search(left))
        and not (equations and found.values[weak.end(1) - 1] in _known(steps))
    ):
        strong = weak  # beside an equation a number of the story may be there for it
    if strong:
        at = strong.end(1) - 1
        equation = next((e for e in equations if e.first <= at <= e.last), None)
        value = equation.result if equation else found.values[at] * (-1 if "-" in strong[1] else 1)
        last = equation.last if equation else at
    elif not equations and (trailing := _TRAILING.search(left)):
        equation, last = None, (at := trailing.start())
        value = found.values[at]
    else:
        return []
    flawed = equation.flawed if equation else _GOES_ON.match(left, at + 1) is not None
    ok = value == steps[-1].r and not flawed
    others = {at: (value, ok, last), **{i: (found.values[i], False, i) for i in _others(steps, found, left, at, value)}}
    return [
        Claim(found.starts[i], found.ends[end], key, f"{number:g}", ok=right)
        for i, (number, right, end) in others.items()
        for key in ("answer", "settled")
    ]


def _others(steps: tuple[Step, ...], found: Tokens, left: str, at: int, value: float) -> Iterator[int]:
    """Tokens of numbers that the same clause gives for the answer too: in a list with it, or of no other meaning."""
    known = _known(steps)
    start, stop = left.rfind("|", 0, at) + 1, left.find("|", at)
    listed = at + 1
    while match := _LISTED.match(left, listed):
        listed = match.end()
    for i in range(start, stop if stop >= 0 else len(left)):
        if (
            left[i] == "N"
            and i != at
            and found.values[i] != value
            and (at < i < listed or found.values[i] not in known)
        ):
            yield i


def _known(steps: tuple[Step, ...]) -> set[float]:
    return {float(n) for s in steps for n in (s.a, s.b, s.r)}


def _spare(
    steps: tuple[Step, ...],
    sentence: str,
    found: Tokens,
    story: Story,
    *,
    equations: list[Equation],
    claims: list[Claim],
) -> list[str]:
    """Words where no sentence of the story has them, numbers from nowhere, and what is more than one sentence needs."""
    known = _known(steps).union(*((*e.numbers, e.result) for e in equations))
    inside = {i for e in equations for i in range(e.first, e.last + 1)}
    values = {c.start for c in claims}
    keys = len({c.key for c in claims})
    out = []
    around = numbers = 0
    before = START
    for i, word in enumerate(classes(sentence, found)):
        if not word:
            continue
        fits, before = story.joins(before, word), word
        if word == "#" and i not in inside and found.starts[i] not in values:
            numbers += 1
            fits = fits and found.values[i] in known and numbers <= FREE_NUMBERS * keys
        elif word != "#":
            around += i not in inside
            fits = fits and around <= FREE_WORDS * keys
        if not fits:
            out.append(sentence[found.starts[i] : found.ends[i]])
    return out
