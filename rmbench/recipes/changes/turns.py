"""The same question inside a longer conversation: after small talk, after other questions, or asked in two parts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from random import Random

from rmbench.recipes.changes import bank_talk
from rmbench.recipes.changes.base import WORLDS, Case, Change, Changed
from rmbench.types import Message
from rmbench.worlds import get_world
from rmbench.worlds.base import Prompt

LONGEST = 2600  # characters of a conversation: it must fit a window of 1,000 tokens
GOOD = 0.95  # the least gold of an answer that stands in the conversation
TRIES = 20
AWAY = 80_000  # seeds between a task's own prompts and those that come before them

Exchange = tuple[str, str]
_RECORD = re.compile(r"^Name: .*(?:\n[^\n]+)+", re.MULTILINE)
_ASK = re.compile(r"(?<=[.!?] )(?=[^.!?]*\bhow many\b)", re.IGNORECASE)
_RULES = re.compile(r"\n(?=(?:Please follow these rules|Rules):\n)")
_POINTS = re.compile(r"\b(?:below|above|here|follows?|following)\b", re.IGNORECASE)


@lru_cache(maxsize=2048)
def answered(world_name: str, seed: int) -> Exchange | None:
    """Another prompt of a world with an answer that leaves nothing to wish for; None where the writer finds none."""
    world = get_world(world_name)
    prompt = world.prompt(seed)
    careful = {choice.name: choice.options[0] for choice in world.choices(prompt)}
    for wording in range(TRIES):
        text = world.render(prompt, careful, wording)
        if world.gold(prompt, text).score >= GOOD:
            return prompt.text, text
    return None


def _conversation(case: Case, exchanges: Sequence[Exchange], last: str) -> Changed | None:
    """The exchanges as turns, and then the user's last words; None where all of it is too long."""
    turns: list[Message] = []
    for user, assistant in exchanges:
        turns += [Message(role="user", content=user), Message(role="assistant", content=assistant)]
    turns.append(Message(role="user", content=last))
    size = sum(len(turn["content"]) for turn in turns) + max(map(len, case.texts))
    return Changed(tuple(turns), case.texts) if size <= LONGEST else None


def _rounds(case: Case) -> int:
    """One to three exchanges, in turn."""
    return 1 + case.turn % 3


def _small_talk(case: Case, rng: Random) -> Changed | None:
    chosen = rng.sample(bank_talk.SMALL_TALK[2:], _rounds(case))
    if rng.random() < 0.4:  # a greeting comes first if at all
        chosen[0] = rng.choice(bank_talk.SMALL_TALK[:2])
    return _conversation(case, chosen, case.prompt.text)


def _earlier(case: Case, names: Iterator[str], rng: Random) -> Changed | None:
    """Questions of these worlds, each with a good answer, and then ours. One that is too long is left for a shorter."""
    exchanges: list[Exchange] = []
    for name in names:
        exchange = answered(name, case.prompt.seed + AWAY + rng.randrange(1000))
        if exchange and exchange[0] != case.prompt.text and _conversation(case, [*exchanges, exchange], ""):
            exchanges.append(exchange)
        if len(exchanges) == _rounds(case):
            return _conversation(case, exchanges, case.prompt.text)
    return None


def _other_question(case: Case, rng: Random) -> Changed | None:
    others = [name for name in WORLDS if name != case.world.name]
    return _earlier(case, (rng.choice(others) for _ in range(TRIES)), rng)


def _same_kind(case: Case, rng: Random) -> Changed | None:
    return _earlier(case, (case.world.name for _ in range(TRIES)), rng)


def _halves(prompt: Prompt) -> tuple[str, str] | None:
    """What is given, and what is asked; None where a prompt cannot be parted without touching its words."""
    text = prompt.text
    if prompt.world == "records":
        given = _RECORD.search(text)
        ask = text.replace(given.group(), "").strip() if given else ""
        return (given.group(), ask) if given and ask and not _POINTS.search(ask) else None
    if prompt.world == "transforms":
        first, gap, rest = text.partition("\n\n")
        shown = all(re.match(r"[\w ]+: ", line) for line in first.split("\n"))
        return (first, rest) if gap and shown else None
    cut = (_ASK if prompt.world == "arithmetic" else _RULES).search(text)
    return (text[: cut.start()].strip(), text[cut.end() :]) if cut else None


def _split_request(case: Case, rng: Random) -> Changed | None:
    halves = _halves(case.prompt)
    if halves is None:
        return None
    said, taken = rng.choice(bank_talk.FIRST_PART[case.world.name])
    return _conversation(case, [(said.format(part=halves[0]), taken)], halves[1])


CHANGES = (
    Change("small_talk", "prompt", _small_talk),
    Change("other_question", "prompt", _other_question),
    Change("same_kind", "prompt", _same_kind),
    Change("split_request", "prompt", _split_request),
)
