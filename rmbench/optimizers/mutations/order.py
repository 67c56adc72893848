"""Sentences: inserted from a fresh draw, deleted, doubled, moved; the whole made longer or shorter."""

from __future__ import annotations

from random import Random

from rmbench.optimizers.mutations.base import Case, Operator, joined, sentences

SENTENCES = "sentences"


def delete(text: str, _case: Case, rng: Random) -> str:
    pieces = sentences(text)
    if len(pieces) < 2:
        return text
    del pieces[rng.randrange(len(pieces))]
    return joined(pieces)


def duplicate(text: str, _case: Case, rng: Random) -> str:
    pieces = sentences(text)
    where = rng.randrange(len(pieces))
    return joined([*pieces[: where + 1], pieces[where], *pieces[where + 1 :]])


def swap(text: str, _case: Case, rng: Random) -> str:
    pieces = sentences(text)
    if len(pieces) < 2:
        return text
    i, j = rng.sample(range(len(pieces)), 2)
    pieces[i], pieces[j] = pieces[j], pieces[i]
    return joined(pieces)


def shuffle(text: str, _case: Case, rng: Random) -> str:
    pieces = sentences(text)
    return joined(rng.sample(pieces, len(pieces)))


def to_front(text: str, _case: Case, rng: Random) -> str:
    pieces = sentences(text)
    return joined([pieces.pop(rng.randrange(len(pieces))), *pieces])


def insert(text: str, case: Case, rng: Random) -> str:
    """A sentence of another draw of the reference policy, anywhere."""
    world, prompt = case
    drawn = world.render(prompt, world.sample(prompt, rng), rng.randrange(2**31))
    pieces = sentences(text)
    pieces.insert(rng.randint(0, len(pieces)), rng.choice(sentences(drawn)))
    return joined(pieces)


def shorter(text: str, _case: Case, rng: Random) -> str:
    """The first sentences only."""
    pieces = sentences(text)
    return joined(pieces[: rng.randint(1, max(1, len(pieces) // 2))])


def longer(text: str, _case: Case, rng: Random) -> str:
    """The whole answer once more."""
    link = rng.choice(("To say it all again:", "Put together:", "Once more, in full:", "The full answer:"))
    return joined([text, link, text])


OPERATORS = (
    Operator("delete a sentence", SENTENCES, delete),
    Operator("duplicate a sentence", SENTENCES, duplicate),
    Operator("swap sentences", SENTENCES, swap),
    Operator("shuffle sentences", SENTENCES, shuffle),
    Operator("sentence to the front", SENTENCES, to_front),
    Operator("insert a sentence", SENTENCES, insert),
    Operator("shorter", SENTENCES, shorter),
    Operator("longer", "padding", longer),
)
