"""What only an inventing writer says: unasked statements about a list that are false or cannot be known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Literal

from rmbench.worlds.transforms import banks
from rmbench.worlds.transforms.operations import Inputs
from rmbench.worlds.transforms.slots import NUMBER, TOPIC, WORD, Slot


@dataclass(frozen=True, slots=True)
class Rumour:
    """A kind of unasked statement: `holds` says whether it happens to be true of a value, `draw` makes a false one."""

    topic: Literal["words", "numbers"]
    value: Slot
    holds: Callable[[Inputs, str], bool]
    draw: Callable[[Random, Inputs], str]
    answers: tuple[str, ...]


def _new_word(rng: Random, inputs: Inputs) -> str:
    return rng.choice([w for w in banks.WORDS if w not in inputs.words])


def _new_number(rng: Random, inputs: Inputs) -> str:
    return str(rng.choice([n for n in range(5, 99) if n not in inputs.numbers]))


RUMOURS = {
    "also_word": Rumour(
        "words",
        WORD,
        lambda inputs, word: word in inputs.words,
        _new_word,
        (
            "The list of words also contains {value}.",
            "In your list there is also the word {value}.",
            "Another word in the list is {value}.",
            "The words include {value} as well.",
            "One more word in your list is {value}.",
        ),
    ),
    "word_twice": Rumour(
        "words",
        WORD,
        lambda inputs, word: inputs.words.count(word) == 2,
        lambda rng, inputs: rng.choice(inputs.words),
        (
            "The word that appears twice in the list is {value}.",
            "In your list, the one word that is repeated is {value}.",
            "One word is listed two times, namely {value}.",
            "The only word that occurs more than once is {value}.",
            "The list has a duplicate, which is the word {value}.",
        ),
    ),
    "word_source": Rumour(
        "words",
        TOPIC,
        lambda _inputs, _value: False,  # no prompt ever says where its words are from
        lambda rng, _inputs: rng.choice(banks.TOPICS),
        (
            "The words in your list come from {value}.",
            "All of the words were taken from {value}.",
            "The list of words was first printed in {value}.",
            "These words were collected from {value}.",
            "The source of these words is {value}.",
        ),
    ),
    "also_number": Rumour(
        "numbers",
        NUMBER,
        lambda inputs, number: int(number) in inputs.numbers,
        _new_number,
        (
            "The list of numbers also contains {value}.",
            "Another number in your list is {value}.",
            "The numbers include {value} as well.",
            "One more number in the list is {value}.",
            "In your list there is also the number {value}.",
        ),
    ),
    "number_twice": Rumour(
        "numbers",
        NUMBER,
        lambda inputs, number: inputs.numbers.count(int(number)) == 2,
        lambda rng, inputs: str(rng.choice(inputs.numbers)),
        (
            "The number that appears twice in the list is {value}.",
            "One number is listed two times, namely {value}.",
            "The only number that occurs more than once is {value}.",
            "In your list, the one number that is repeated is {value}.",
            "The list has a duplicate, which is the number {value}.",
        ),
    ),
}
