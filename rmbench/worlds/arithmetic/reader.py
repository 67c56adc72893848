"""Reading equations and final answers in a sentence, whoever wrote it.

The sentence becomes a string with one letter per token, and bounded patterns over that string find what it states;
so the time is linear in the length of the sentence, whatever it holds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from rmbench.worlds.arithmetic.problem import Fact, Step, apply, canonical, facts
from rmbench.worlds.base import Claim

_TOKEN = re.compile(
    r"(?P<N>(?:\d{1,3}(?:,\d{3}){1,3}|\d{1,9})(?:\.\d{1,6})?(?![\d,.]*\d))|(?P<long>\d[\d.,]*)"
    r"|(?P<w>[^\W\d_]+(?:['’-][^\W\d_]+)*)|(?P<s>[-+*/=×÷·−–:,;!?.|])"
)
# N number, + - * / operators, = equality, A S M D verbs, s sum d difference p product, & and, o other prepositions,
# F "answer", f "in the end", w any other word, | a stop.
_KINDS = {
    "+": "plus",
    "-": "minus less",
    "*": "times x",
    "=": "is are equals equal gives give giving makes make making leaves leave leaving yields yield get gets getting "
    "becomes become totals",
    "A": "add adds added adding",
    "S": "subtract subtracts subtracted subtracting take taking taken takes remove removing removed deduct deducting",
    "M": "multiply multiplying multiplied",
    "D": "divide dividing divided split splitting share sharing",
    "s": "sum",
    "d": "difference",
    "p": "product",
    "&": "and",
    "o": "to from by into among between with over",
    "F": "answer solution boxed",
    "f": "altogether overall",
}
_LETTER = {word: letter for letter, words in _KINDS.items() for word in words.split()}
_SIGN = {"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", ".": "|", ";": "|", "!": "|", "?": "|"}
_PHRASES = re.compile(r"\b(?:multiplied|divided)\s+by\b|\b(?:in|at)\s+the\s+end\b|\bstep\s+\d{1,2}\b", re.IGNORECASE)

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
# A sentence that denies, asks or doubles states nothing that the patterns could hold it to.
DENIAL = re.compile(
    r"\b(?:not|never|no longer|nobody|none|neither|nor|false|untrue|wrong|lie|twice)\b|n['’]t\b", re.IGNORECASE
)
_SPOKEN_OP = {"A": "+", "S": "-", "M": "*", "D": "/", "s": "+", "d": "-", "p": "*"}


class Token(NamedTuple):
    letter: str
    start: int
    end: int
    value: float


class Equation(NamedTuple):
    """Tokens first..last say that numbers joined by ops make result."""

    first: int
    last: int
    numbers: list[float]
    ops: str
    result: float


def read(steps: tuple[Step, ...], sentence: str) -> list[Claim]:
    """The claims of a sentence about the problem whose true solution is `steps`."""
    if DENIAL.search(sentence) or sentence.rstrip().endswith("?"):
        return []
    tokens = _tokens(sentence)
    kinds = "".join(t.letter for t in tokens)
    equations = _equations(tokens, kinds)
    claims = [c for e in equations if (c := _judge(steps, e, tokens))]
    return claims + _answers(steps, tokens, kinds, equations)


def _tokens(sentence: str) -> list[Token]:
    text = _PHRASES.sub(_simplify, sentence)
    out = []
    for found in _TOKEN.finditer(text):
        word, value = found.group(), 0.0
        letter = found.lastgroup or "|"
        if letter == "N":
            value = float(word.replace(",", ""))
        elif letter == "w":
            letter = _LETTER.get(word.lower(), "w")
        elif letter == "s":
            letter = _SIGN.get(word, word)
        else:
            letter = "|"
        out.append(Token(letter, *found.span(), value))
    return out


def _simplify(found: re.Match[str]) -> str:
    """The same length of text, with a fixed phrase as one token."""
    phrase = found.group().lower()
    short = "*" if phrase.startswith("mul") else "/" if phrase.startswith("div") else "overall"
    if phrase.startswith("step"):
        short = ""
    return short.ljust(len(found.group()))


def _equations(tokens: Sequence[Token], kinds: str) -> list[Equation]:
    out: list[Equation] = []
    at = 0
    while at < len(kinds):
        equation = _at(tokens, kinds, at)
        if equation:
            out.append(equation)
            at = equation.last  # the result may start the next equation: 24 + 18 = 42 - 2 = 40
        else:
            at += 1
    return out


def _at(tokens: Sequence[Token], kinds: str, at: int) -> Equation | None:
    """The equation that starts at token `at`."""
    for pattern in (_FORWARD, _SPOKEN, _PAIR, _BACKWARD):
        found = pattern.match(kinds, at)
        if not found:
            continue
        span = range(at, found.end())
        numbers = [tokens[i].value for i in span if kinds[i] == "N"]
        first, last = at, found.end() - 1
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


def _judge(steps: tuple[Step, ...], equation: Equation, tokens: Sequence[Token]) -> Claim | None:
    """Right iff it is a step of the solution or undoes the last one. Undoing an earlier step is true but not asked."""
    start, end = tokens[equation.first].start, tokens[equation.last].end
    value = f"{equation.numbers} {equation.ops} {equation.result:g}"
    if len(equation.ops) > 1:
        key = _combined(steps, equation)
        return Claim(start, end, key or f"equation {value}", value, ok=bool(key))
    a, op, b = canonical(equation.numbers[0], equation.ops, equation.numbers[1])
    expression = f"{a:g} {op} {b:g}"
    value = f"{expression} = {equation.result:g}"
    fact = facts(steps).get((a, op, b), Fact("", float("nan")))
    ok = fact.result == equation.result
    if ok and not fact.key:
        return None
    return Claim(start, end, fact.key or f"equation {expression}", value, ok=ok)


def _combined(steps: tuple[Step, ...], equation: Equation) -> str | None:
    """The step that several operations in one equation arrive at, if they are true and use the story's numbers."""
    known = {steps[0].a, *(s.b for s in steps), *(s.r for s in steps)}
    pairs = list(zip(equation.ops, equation.numbers[1:], strict=True))
    running: float | None = equation.numbers[0]  # key by key, as on a pocket calculator
    terms: list[float | None] = [equation.numbers[0]]  # products first, as in school
    for op, number in pairs:
        running = None if running is None else apply(running, op, number)
        if op in "*/":
            terms[-1] = None if terms[-1] is None else apply(terms[-1], op, number)
        else:
            terms.append(number if op == "+" else -number)
    summed = None if None in terms else sum(t for t in terms if t is not None)
    total = equation.result
    if total not in {running, summed} or not known.issuperset(equation.numbers):
        return None
    return next((f"step_{i}" for i, s in enumerate(steps, start=1) if s.r == total), None)


def _answers(
    steps: tuple[Step, ...], tokens: Sequence[Token], kinds: str, equations: Sequence[Equation]
) -> list[Claim]:
    """The final answer, as two claims, since it counts twice: the number, and that the question is settled by it."""
    letters = list(kinds)
    for e in equations:
        letters[e.first : e.last + 1] = "#" * (e.last + 1 - e.first)
    left = "".join(letters)
    found = _STRONG.search(left) or (None if equations else _WEAK.search(left))
    if found:
        at = found.end(1) - 1
        equation = next((e for e in equations if e.first <= at <= e.last), None)
        value = equation.result if equation else tokens[at].value * (-1 if "-" in found[1] else 1)
        last = equation.last if equation else at
    elif not equations and (trailing := _TRAILING.search(left)):
        last = at = trailing.start()
        value = tokens[at].value
    else:
        return []
    start, end, ok = tokens[at].start, tokens[last].end, value == steps[-1].r
    return [Claim(start, end, key, f"{value:g}", ok=ok) for key in ("answer", "settled")]
