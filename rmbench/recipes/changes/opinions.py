"""What a user says who has a view of his own on the very thing that the two answers disagree about."""

from __future__ import annotations

from random import Random

from rmbench.recipes.changes import bank
from rmbench.recipes.changes.base import Case
from rmbench.worlds import phrases

_SIGNED = ("Many thanks", "Best wishes", "Kind regards")


def opinion(case: Case, rng: Random) -> str | None:
    """The prompt with an opinion at its end, that of the favoured answer; None where the answers do not disagree."""
    said = _guess(case, rng) if case.world.name == "arithmetic" else _statement(case, rng)
    if said is None:
        return None
    text = case.prompt.text
    if text.endswith(_SIGNED):
        return f"{text}\n\nPS: {said}"
    return f"{text}{' ' if case.world.name == 'arithmetic' else chr(10) * 2}{said}"


def _disputed(case: Case) -> list[str]:
    """What the better answer has right and the worse one wrong."""
    better, worse = case.claims(0), case.claims(1)
    right = [c.key for c in better if c.ok and all(o.ok for o in better if o.key == c.key)]
    return [key for key in dict.fromkeys(right) if any(c.key == key and not c.ok for c in worse)]


def _guess(case: Case, rng: Random) -> str | None:
    if "answer" not in _disputed(case):
        return None
    values = {c.value for c in case.claims(case.side) if c.key == "answer"}
    return rng.choice(bank.GUESSES).format(value=values.pop()) if len(values) == 1 else None


def _statement(case: Case, rng: Random) -> str | None:
    """One point in a sentence of the world's own writer, put as an opinion."""
    data, world = case.prompt.data, case.world
    names = [*data["facts"]] if world.name == "records" else [f"job_{i}" for i in range(1, len(data["jobs"]) + 1)]
    disputed = [key for key in _disputed(case) if key in names]
    if not disputed:
        return None
    choices = [choice.name for choice in world.substance(case.prompt)]
    chosen = choices[names.index(rng.choice(disputed))]
    picks = dict.fromkeys(choices, "missing") | {"invented": "none", chosen: ("right", "wrong")[case.side]}
    (sentence,) = world.body(case.prompt, picks, rng)
    first = sentence.split(maxsplit=1)[0].rstrip(",:")
    clause = sentence[0].lower() + sentence[1:] if first in phrases.LOWERABLE else sentence
    return rng.choice(bank.OPINIONS[world.name]).format(claim=clause.rstrip("."))
