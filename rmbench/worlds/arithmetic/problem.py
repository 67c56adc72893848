"""Problems as chains of exact operations, what is true of them, and the plausible mistakes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from random import Random
from typing import Any, NamedTuple

from rmbench.worlds.arithmetic.bank import ASK, HE, SHE, SHOW, Event, Family
from rmbench.worlds.base import Difficulty, Domain

LENGTHS: dict[Difficulty, tuple[int, ...]] = {"base": (2, 3, 3), "hard": (5, 6)}
LARGEST = 999
OPTIONS = 5  # wrong versions kept of each kind
Key = tuple[float, str, float]
Chain = list[list[Any]]  # steps as plain JSON values


class Step(NamedTuple):
    """a op b = r, in whole numbers."""

    a: int
    op: str
    b: int
    r: int


class Fact(NamedTuple):
    """A true equation: the part of the answer that it serves ("" = none that was asked for) and its result."""

    key: str
    result: float


def canonical(a: float, op: str, b: float) -> Key:
    """The same key for 24 + 18 and 18 + 24."""
    return (min(a, b), op, max(a, b)) if op in "+*" else (a, op, b)


def apply(a: float, op: str, b: float) -> float | None:
    """The result, or None for a division by zero."""
    if op == "/":
        return a / b if b else None
    return a + b if op == "+" else a - b if op == "-" else a * b


def inverse(step: Step) -> Step:
    """The opposite operation, which leads from the result back to the start."""
    return Step(step.r, {"+": "-", "-": "+", "*": "/", "/": "*"}[step.op], step.b, step.a)


def _identities(step: Step) -> Iterator[tuple[Key, float]]:
    """Every way to say what the step says: 24 + 18 = 42, 42 - 18 = 24, 42 - 24 = 18."""
    whole = step.r if step.op in "+*" else step.a
    one, other = step.b, (step.a if step.op in "+*" else step.r)
    join, part = ("+", "-") if step.op in "+-" else ("*", "/")
    yield canonical(one, join, other), whole
    yield canonical(whole, part, one), other
    yield canonical(whole, part, other), one


@lru_cache(maxsize=4096)
def facts(steps: tuple[Step, ...]) -> dict[Key, Fact]:
    """All true equations of a solution. Turning the last step around is the check; turning others around is neutral."""
    table = {key: Fact("", result) for step in steps for key, result in _identities(step)}
    table |= {key: Fact("check", result) for key, result in _identities(steps[-1])}
    for number, step in enumerate(steps, start=1):
        fact = Fact(f"step_{number}", float(step.r))
        table[canonical(step.a, step.op, step.b)] = fact
        if step.op == "*" and 2 in (step.a, step.b):  # doubling may be written as an addition
            twice = step.r / 2
            table[canonical(twice, "+", twice)] = fact
    return table


def make(rng: Random, families: Sequence[Family], difficulty: Difficulty, domain: Domain) -> tuple[str, dict[str, Any]]:
    """A prompt text and its data: steps, names, and the plausible mistakes that a writer may choose from."""
    while True:
        family = rng.choice(families)
        chain = _walk(rng, family, rng.choice(LENGTHS[difficulty]))
        if chain is None:
            continue
        start, events, steps = chain
        words = _words(rng, family)
        extra = rng.choice(family.extra) if rng.random() < 0.4 else None
        odd = rng.choice([n for n in range(11, 41) if all(n not in s for s in steps)])
        numbers = [start, *(s.b for s in steps), *([odd] if extra else [])]
        mistakes = _mistakes(rng, steps, numbers)
        if mistakes is None:
            continue
        tale = [_fill(rng, e.story, words, b=s.b) for e, s in zip(events, steps, strict=True)]
        if extra:
            tale.insert(rng.randint(0, len(tale)), _fill(rng, extra, words, d=odd))
        where = _stages(family, events)
        ask = _fill(rng, family.stages[where[-1]].ask, words)
        question = [rng.choice(ASK[domain]).format(ask=ask), rng.choice(SHOW[domain])]
        text = " ".join([_fill(rng, family.start, words, a=start), *tale, *question])
        parts = [{"step": list(s), "stage": w, "when": e.when} for s, e, w in zip(steps, events, where, strict=True)]
        return text, {"family": families.index(family), "domain": domain, "parts": parts, "words": words, **mistakes}


def _fill(rng: Random, templates: str, words: Mapping[str, str], **values: object) -> str:
    return rng.choice(templates.split("|")).format(**words, **values)


def _words(rng: Random, family: Family) -> dict[str, str]:
    people, pronouns = rng.choice(((SHE, ("she", "her")), (HE, ("he", "his"))))
    words = {"name": rng.choice(people), "he": pronouns[0], "his": pronouns[1]}
    return words | {key: rng.choice(bank) for key, bank in family.words.items()}


def _stages(family: Family, events: Iterable[Event]) -> list[str]:
    here, out = family.first, []
    for event in events:
        here = event.to or here
        out.append(here)
    return out


def _walk(rng: Random, family: Family, length: int) -> tuple[int, list[Event], tuple[Step, ...]] | None:
    """A random chain through the stages of the family; None where it gets stuck or repeats itself."""
    here, number = family.first, rng.randint(*family.size)
    start, events, steps = number, list[Event](), list[Step]()
    while len(steps) < length:
        recent = [e.op for e in events[-2:]]
        fit = [e for e in family.stages[here].events if e not in events and (e.to or recent != [e.op, e.op])]
        if not fit:
            return None
        event = rng.choice(fit)
        operand = _operand(rng, number, event.op)
        if operand is None:
            return None
        result = apply(number, event.op, operand)
        assert result is not None
        steps.append(Step(number, event.op, operand, int(result)))
        events.append(event)
        here, number = event.to or here, int(result)
    return (start, events, tuple(steps)) if _distinct(start, steps) else None


def _distinct(start: int, steps: Sequence[Step]) -> bool:
    """Whether every equation and every result can be told from the others, and at least two operations are needed."""
    equations = [{key for key, _ in _identities(s)} for s in steps]
    numbers = [start, *(s.r for s in steps)]
    clear = len(set().union(*equations)) == sum(map(len, equations)) and len(set(numbers)) == len(numbers)
    return clear and len({s.op for s in steps}) > 1 and steps[-1].r not in {s.b for s in steps}


def _operand(rng: Random, number: int, op: str) -> int | None:
    ranges = {
        "+": range(3, min(95, max(5, number), LARGEST - number + 1)),
        "-": range(2, min(95, 2 * number // 3)),
        "*": range(2, min(9, LARGEST // number) + 1),
        "/": [d for d in range(2, 10) if number % d == 0 and number // d > 2],
    }
    return rng.choice(ranges[op]) if ranges[op] else None


def _mistakes(rng: Random, steps: tuple[Step, ...], numbers: Sequence[int]) -> dict[str, Any] | None:
    """Wrong results, wrong operands, wrong checks and wrong answers; None if some step has no plausible ones."""
    true = facts(steps)
    results = {s.r for s in steps} | {steps[0].a}
    used: set[Key] = set()
    misreads: list[list[Step]] = []
    slips = [_near(rng, s, results) for s in steps]
    for step in (*steps, inverse(steps[-1])):  # the last entry is for the check
        keep: list[Step] = []
        for wrong in _misread(rng, step, numbers):
            key = canonical(*wrong[:3])
            if key not in true and key not in used and wrong.r not in results and len(keep) < OPTIONS:
                used.add(key)
                keep.append(wrong)
        misreads.append(keep)
    check = _near(rng, inverse(steps[-1]), results)
    carried = _carried(rng, steps, numbers)
    answers = [*(s.r for s in steps[:-1]), *_near(rng, steps[-1], results)]
    answers = sorted(answers, key=lambda n: abs(len(str(n)) - len(str(steps[-1].r))))[:OPTIONS]
    if not (all(slips) and all(misreads) and check and carried):
        return None
    lists = [[list(m) for m in kept] for kept in misreads]
    return {"slips": slips, "misreads": lists, "carried": carried, "checks": check, "answers": answers}


def _carried(rng: Random, steps: tuple[Step, ...], numbers: Sequence[int]) -> dict[str, list[list[Chain]]] | None:
    """By kind of error and the step where it happens: the rest of the solution, worked rightly from the wrong result.

    A misread then changes what the story gives and not the result before, so that only the story tells it from a
    right step.
    """
    out: dict[str, list[list[Chain]]] = {"slip": [], "misread": []}
    for i, step in enumerate(steps):
        misread = [s for s in _misread(rng, step, numbers) if i == 0 or s.a == step.a]
        slips = [step._replace(r=r) for r in _near(rng, step, set(), limit=99)]
        for kind, errors in (("misread", misread), ("slip", slips)):
            chains = [c for error in errors if (c := _follow(error, steps, i))]
            if not chains:
                return None
            out[kind].append(chains[:OPTIONS])
    return out


def _follow(error: Step, steps: tuple[Step, ...], at: int) -> Chain | None:
    """The error in place of steps[at] and what follows from it; None where that is not whole, or true after all."""
    chain = [error]
    for step in steps[at + 1 :]:
        result = apply(chain[-1].r, step.op, step.b)
        if result is None or result != int(result) or not 1 < result <= LARGEST:
            return None
        chain.append(Step(chain[-1].r, step.op, step.b, int(result)))
    slip = error._replace(r=steps[at].r) == steps[at]  # its equation is that of the step, with another result
    fresh = [*chain[slip:], inverse(chain[-1])]
    keys = {canonical(*s[:3]) for s in fresh}
    shown = [steps[0].a, *(s.r for s in (*steps[:at], *chain))]
    clear = len(keys) == len(fresh) and len(set(shown)) == len(shown) and keys.isdisjoint(facts(steps))
    return [list(s) for s in chain] if clear and chain[-1].r != steps[-1].r else None


def _near(rng: Random, step: Step, taken: set[int], limit: int = OPTIONS) -> list[int]:
    """Results as a hasty writer gets them: off by little, a lost carry, one row off in the times table."""
    gaps = [1, 2, 10, *([step.b, step.a] if step.op == "*" else [])]
    near = {step.r + sign * gap for gap in gaps for sign in (1, -1)} | {_swapped(step.r)}
    fit = [n for n in sorted(near - taken - {step.r}) if n > 1 and len(str(n)) == len(str(step.r))]
    return rng.sample(fit, min(limit, len(fit)))


def _swapped(number: int) -> int:
    tail = str(number)[-2:]
    return int(str(number)[:-2] + tail[::-1])


def _misread(rng: Random, step: Step, numbers: Sequence[int]) -> list[Step]:
    """The step done rightly on a wrong operand: another number of the story, or one digit changed."""
    first = {n for n in (*numbers, *_one_digit_off(step.a)) if n != step.a}
    second = {n for n in (*numbers, *_one_digit_off(step.b)) if n != step.b}
    pairs = [(step.a, n) for n in sorted(second)] + [(n, step.b) for n in sorted(first)]
    rng.shuffle(pairs)
    out = []
    for a, b in pairs:
        result = apply(a, step.op, b)
        if result is not None and result == int(result) and 1 < result <= LARGEST and min(a, b) > 1:
            out.append(Step(a, step.op, b, int(result)))
    size = len("".join(map(str, step)))
    return sorted(out, key=lambda s: abs(len("".join(map(str, s))) - size))


def _one_digit_off(number: int) -> Iterator[int]:
    text = str(number)
    for place in range(len(text)):
        for digit in "123456789":
            yield int(text[:place] + digit + text[place + 1 :])
