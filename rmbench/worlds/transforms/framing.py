"""How a prompt is put: each framing sets the same data and the same jobs in another kind of request."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random

from rmbench.worlds.transforms.operations import Inputs
from rmbench.worlds.transforms.slots import listing

Framing = Callable[[Random, Inputs, list[str], list[str]], str]


def _plain(values: Iterable[object]) -> str:
    return ", ".join(str(v) for v in values)


def _lines(rng: Random, inputs: Inputs) -> str:
    """One line per list: "Words: a, b, c"."""
    words = rng.choice(("Words", "List of words", "Word list"))
    lines = [f"{words}: {_plain(inputs.words)}"] if inputs.words else []
    return "\n".join([*lines, f"Numbers: {_plain(inputs.numbers)}"] if inputs.numbers else lines)


def _prose(inputs: Inputs) -> str:
    """The lists in one sentence, without its full stop: "the words a, b and c"."""
    words = f"the words {listing(list(inputs.words))}" if inputs.words else ""
    numbers = f"the numbers {listing([str(n) for n in inputs.numbers])}" if inputs.numbers else ""
    return " as well as ".join(part for part in (words, numbers) if part)


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]


def _semicolons(nouns: list[str]) -> str:
    return "; ".join([*nouns[:-1], f"and {nouns[-1]}"])


def _numbered(rng: Random, inputs: Inputs, asks: list[str], _nouns: list[str]) -> str:
    lead = rng.choice(
        (
            "Answer each question in one sentence.",
            "Please answer these questions, one sentence each.",
            "Work through these small jobs and give one sentence for each.",
        )
    )
    jobs = "\n".join(f"{i}. {ask}" for i, ask in enumerate(asks, 1))
    return f"{_lines(rng, inputs)}\n\n{lead}\n{jobs}"


def _paragraph(rng: Random, inputs: Inputs, _asks: list[str], nouns: list[str]) -> str:
    start = rng.choice(("I have", "You are given", "Take", "Consider"))
    please = rng.choice(("Please tell me", "I would like to know", "In full sentences, please give me"))
    return f"{start} {_prose(inputs)}. {please} the following: {_semicolons(nouns)}."


def _chat(rng: Random, inputs: Inputs, asks: list[str], _nouns: list[str]) -> str:
    hello = rng.choice(("hey, quick one -", "hi! can you help me out?", "hello again,", "ok so"))
    links = [rng.choice(("also, ", "and ", "oh and ", "then ")) for _ in asks[1:]]
    jobs = " ".join([_lower(asks[0]), *(link + _lower(ask) for link, ask in zip(links, asks[1:], strict=True))])
    return f"{hello} i've got {_prose(inputs)}. {jobs} {rng.choice(('thanks!', 'ty', 'thank you :)', 'cheers'))}"


def _lettered(rng: Random, inputs: Inputs, asks: list[str], _nouns: list[str]) -> str:
    lead = rng.choice(("Use the data below.", "Look at the following.", "Short exercise"))
    jobs = "\n".join(f"{chr(97 + i)}) {ask}" for i, ask in enumerate(asks))
    return f"{lead}\n{_lines(rng, inputs)}\n\n{jobs}"


def _mail(rng: Random, inputs: Inputs, asks: list[str], _nouns: list[str]) -> str:
    why = rng.choice(
        (
            "I am putting together a quiz and need an answer key.",
            "I am preparing a lesson and want to have the answers ready.",
            "Could you check a few small things for me?",
        )
    )
    bye = rng.choice(("Many thanks", "Best wishes", "Kind regards"))
    return f"Hello,\n\n{why} It is about {_prose(inputs)}.\n\n{' '.join(asks)}\n\n{bye}"


def _bulleted(rng: Random, inputs: Inputs, _asks: list[str], nouns: list[str]) -> str:
    lead = rng.choice(("Give me, in full sentences:", "What I need:", "Please work out:"))
    return f"{_lines(rng, inputs)}\n\n{lead}\n" + "\n".join(f"- {noun}" for noun in nouns)


def _jobs_first(rng: Random, inputs: Inputs, asks: list[str], _nouns: list[str]) -> str:
    where = rng.choice(("The data for this:", "This is what you have to work with:", "Here is the material:"))
    return f"{' '.join(asks)}\n\n{where}\n{_lines(rng, inputs)}"


def _homework(rng: Random, inputs: Inputs, asks: list[str], _nouns: list[str]) -> str:
    who = rng.choice(("My daughter", "My son", "My nephew", "A pupil of mine"))
    return (
        f"{who} is stuck on a worksheet and we would like to compare answers. It starts from {_prose(inputs)}. "
        f"The tasks read: {' '.join(asks)} How would you answer?"
    )


def _form(rng: Random, inputs: Inputs, _asks: list[str], nouns: list[str]) -> str:
    title = rng.choice(("REQUEST", "TASK SHEET", "WORK ORDER"))
    given = _lines(rng, inputs).replace("\n", "\n  ")
    wanted = "\n".join(f"  ({i}) {noun}" for i, noun in enumerate(nouns, 1))
    return f"{title}\nGiven\n  {given}\nWanted, one sentence each\n{wanted}"


def _interview(rng: Random, inputs: Inputs, asks: list[str], _nouns: list[str]) -> str:
    lead = rng.choice(("We start from", "This round is about", "On the board you see"))
    return f"{lead} {_prose(inputs)}.\n" + "\n".join(f"Q: {ask}" for ask in asks) + "\nA:"


def _table(rng: Random, inputs: Inputs, asks: list[str], _nouns: list[str]) -> str:
    rows: list[tuple[str, Iterable[object]]] = [("words", inputs.words), ("numbers", inputs.numbers)]
    data = "\n".join(f"| {name} | {_plain(values)} |" for name, values in rows if values)
    jobs = "\n".join(f"| {chr(65 + i)} | {ask} |" for i, ask in enumerate(asks))
    lead = rng.choice(("Fill in the answers.", "Please go row by row.", "Answer every row."))
    return f"| list | values |\n|---|---|\n{data}\n\n| row | question |\n|---|---|\n{jobs}\n\n{lead}"


FRAMINGS: dict[str, tuple[Framing, ...]] = {
    "base": (_numbered, _paragraph, _chat, _lettered, _mail, _bulleted),
    "held_out": (_jobs_first, _homework, _form, _interview, _table),
}
