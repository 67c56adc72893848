"""Operations on the two lists that a prompt may show: words and numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random

from rmbench.worlds.transforms.operations import Args, Inputs, Operation, nearby, swap_elements
from rmbench.worlds.transforms.slots import COUNT, EXACT, NUMBER, NUMBER_LIST, ORDINAL, WORD, WORD_LIST


def _join(parts: Iterable[str]) -> str:
    return ", ".join(parts)


def _inner(rng: Random, inputs: Inputs) -> Args:
    """A position that is neither first nor last, so that both neighbours exist."""
    return (str(rng.randrange(2, len(inputs.words))),)


def _at(inputs: Inputs, args: Args) -> str | None:
    where = int(args[0])
    return inputs.words[where - 1] if 1 <= where <= len(inputs.words) else None


def _from_end(inputs: Inputs, args: Args) -> str | None:
    where = int(args[0])
    return inputs.words[-where] if 1 <= where <= len(inputs.words) else None


def _upper(inputs: Inputs, args: Args) -> str | None:
    word = _at(inputs, args)
    return word.upper() if word else None


def _neighbor(rng: Random, inputs: Inputs, _args: Args, truth: str) -> str:
    """The word before or after the right one."""
    where = inputs.words.index(truth.lower())
    near = [inputs.words[i] for i in (where - 1, where + 1) if 0 <= i < len(inputs.words)]
    word = rng.choice(near)
    return word.upper() if truth.isupper() else word


def _runner_up(order: Callable[[Inputs], list[str]]) -> Callable[[Random, Inputs, Args, str], str]:
    """The second or third by the same order."""
    return lambda rng, inputs, _args, _truth: order(inputs)[rng.choice((1, 1, 2))]


def _by_length(inputs: Inputs) -> list[str]:
    return sorted(inputs.words, key=len)


def _by_length_down(inputs: Inputs) -> list[str]:
    return sorted(inputs.words, key=len, reverse=True)


def _alphabetical(inputs: Inputs) -> list[str]:
    return sorted(inputs.words)


def _alphabetical_down(inputs: Inputs) -> list[str]:
    return sorted(inputs.words, reverse=True)


def _descending(inputs: Inputs) -> list[str]:
    return [str(n) for n in sorted(inputs.numbers, reverse=True)]


def _top(order: Callable[[Inputs], list[str]]) -> Callable[[Inputs, Args], str | None]:
    """The first by an order; None for an empty list."""
    return lambda inputs, _args: next(iter(order(inputs)), None)


def _all(order: Callable[[Inputs], list[str]]) -> Callable[[Inputs, Args], str | None]:
    return lambda inputs, _args: _join(order(inputs)) or None


def _one_winner(order: Callable[[Inputs], list[str]]) -> Callable[[Random, Inputs], Args | None]:
    """No arguments, and no question where two words share the extreme length."""

    def draw(_rng: Random, inputs: Inputs) -> Args | None:
        ranked = order(inputs)
        return () if len(ranked[0]) != len(ranked[1]) else None

    return draw


def _initials_vary(_rng: Random, inputs: Inputs) -> Args | None:
    """No arguments, and no question where every word begins alike."""
    return () if len(set(_initials(inputs))) > 1 else None


def _mixed(_rng: Random, inputs: Inputs) -> Args | None:
    """No arguments, and no question unless at least two numbers are even and at least two are odd."""
    even = len(_evens(inputs))
    return () if 2 <= even <= len(inputs.numbers) - 2 else None


def _evens(inputs: Inputs) -> list[str]:
    return [str(n) for n in inputs.numbers if n % 2 == 0]


def _one_odd(rng: Random, inputs: Inputs, _args: Args, truth: str) -> str:
    """One of the even numbers is taken for an odd one beside it in the list, of the same width where possible."""
    parts = truth.split(", ")
    where = rng.randrange(len(parts))
    odd = [str(n) for n in inputs.numbers if n % 2]
    parts[where] = rng.choice([n for n in odd if len(n) == len(parts[where])] or odd)
    return _join(parts)


def _sum(inputs: Inputs, _args: Args) -> str | None:
    return str(sum(inputs.numbers[:2])) if len(inputs.numbers) > 1 else None


def _span(inputs: Inputs, _args: Args) -> str | None:
    return str(max(inputs.numbers) - min(inputs.numbers)) if inputs.numbers else None


def _near_ten(rng: Random, _inputs: Inputs, _args: Args, truth: str) -> str:
    """A slip of the carry: off by one or by ten."""
    steps = (-1, 1, -10, 10) if int(truth) > 20 else (-1, 1)
    return str(int(truth) + rng.choice(steps))


def _count(inputs: Inputs, _args: Args) -> str | None:
    return str(len(inputs.words)) if inputs.words else None


def _initials(inputs: Inputs) -> list[str]:
    return [w[0] for w in inputs.words]


def _reversed(inputs: Inputs) -> list[str]:
    return list(reversed(inputs.words))


def _ascending(inputs: Inputs) -> list[str]:
    return list(reversed(_descending(inputs)))


NTH = {"nth": ORDINAL}
BASE = {
    "word_at": Operation("words", WORD, _at, _neighbor, NTH, _inner),
    "word_count": Operation("words", COUNT, _count, nearby),
    "first_alphabetically": Operation("words", WORD, _top(_alphabetical), _runner_up(_alphabetical)),
    "longest_word": Operation(
        "words", WORD, _top(_by_length_down), _runner_up(_by_length_down), draw=_one_winner(_by_length_down)
    ),
    "reverse_words": Operation("words", WORD_LIST, _all(_reversed), swap_elements),
    "sort_words": Operation("words", WORD_LIST, _all(_alphabetical), swap_elements),
    "upper_case": Operation("words", EXACT, _upper, _neighbor, NTH, _inner),
    "sort_numbers": Operation("numbers", NUMBER_LIST, _all(_ascending), swap_elements),
    "largest_number": Operation("numbers", NUMBER, _top(_descending), _runner_up(_descending)),
    "sum_first_two": Operation("numbers", NUMBER, _sum, _near_ten),
}
HELD_OUT = {
    "word_from_end": Operation("words", WORD, _from_end, _neighbor, NTH, _inner),
    "last_alphabetically": Operation("words", WORD, _top(_alphabetical_down), _runner_up(_alphabetical_down)),
    "shortest_word": Operation("words", WORD, _top(_by_length), _runner_up(_by_length), draw=_one_winner(_by_length)),
    "first_letters": Operation("words", WORD_LIST, _all(_initials), swap_elements, draw=_initials_vary),
    "sort_numbers_down": Operation("numbers", NUMBER_LIST, _all(_descending), swap_elements),
    "range_of_numbers": Operation("numbers", NUMBER, _span, _near_ten),
    "even_numbers": Operation("numbers", NUMBER_LIST, _all(_evens), _one_odd, draw=_mixed),
}
