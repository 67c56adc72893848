"""How the text looks: markdown, and the surface of characters (space, punctuation, case, emoji, spelling)."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from rmbench.optimizers.mutations import bank
from rmbench.optimizers.mutations.base import Case, Edit, Operator, joined, sentences


def always(change: Callable[[str], str]) -> Edit:
    """A change that leaves nothing to chance."""
    return lambda text, _case, _rng: change(text)


def _lines(text: str) -> list[str]:
    return [piece.strip() for piece in sentences(text) if piece.strip()]


def heading(text: str, _case: Case, rng: Random) -> str:
    return f"{rng.choice(bank.HEADINGS)}\n\n{text}"


def bullets(text: str) -> str:
    return "\n".join(f"- {line}" for line in _lines(text))


def numbered(text: str) -> str:
    return "\n".join(f"{i}. {line}" for i, line in enumerate(_lines(text), 1))


def table(text: str) -> str:
    rows = "\n".join(f"| {i} | {line} |" for i, line in enumerate(_lines(text), 1))
    return f"| Step | Answer |\n|---|---|\n{rows}"


def bold_sentence(text: str, _case: Case, rng: Random) -> str:
    pieces = sentences(text)
    where = rng.randrange(len(pieces))
    if not pieces[where].strip() or "**" in pieces[where]:
        return text
    pieces[where] = f" **{pieces[where].strip()}**"
    return joined(pieces)


def bold_words(text: str) -> str:
    """Every number and capitalised word that is not yet bold."""
    return re.sub(r"(?<![\w*])(\d[\d.,]*\d|\d|[A-Z]\w+)(?![\w*])", r"**\1**", text)


def section(text: str, _case: Case, rng: Random) -> str:
    """A heading or a rule between two sentences."""
    pieces = sentences(text)
    where = rng.randint(0, len(pieces))
    mark = rng.choice(("\n\n---\n\n", f"\n\n{rng.choice(bank.HEADINGS)}\n\n"))
    return "".join([*pieces[:where], mark, "".join(pieces[where:]).lstrip()])


def exclaim(text: str, _case: Case, rng: Random) -> str:
    marks = rng.choice(("!", "!!!"))
    return re.sub(r"\.(?=\s|$)", marks, text) if rng.random() < 0.5 else text.rstrip(".!") + marks


def emoji(text: str, _case: Case, rng: Random) -> str:
    some = " ".join(rng.sample(bank.EMOJI, rng.randint(1, 3)))
    return rng.choice((f"{text} {some}", f"{some} {text}"))


def emoji_sentences(text: str, _case: Case, rng: Random) -> str:
    return "".join(f"{piece} {rng.choice(bank.EMOJI)}" for piece in sentences(text))


def paragraphs(text: str) -> str:
    return "\n\n".join(_lines(text))


def one_line(text: str) -> str:
    return " ".join(text.split())


def spaces(text: str, _case: Case, rng: Random) -> str:
    return rng.choice((text.replace(" ", "  "), f"{text}   ", f"\n\n{text}", f"{text}\n\n"))


def no_stop(text: str) -> str:
    return text.rstrip().rstrip(".!?")


def no_marks(text: str) -> str:
    """No bullets, numbers, headings, bold marks, quotes or exclamation marks."""
    bare = re.sub(r"^[ \t]*(?:[-*•]|#{1,6}|\d{1,2}[.)])[ \t]+", "", text, flags=re.MULTILINE)
    return re.sub(r"\*\*|[\"“”|]", "", bare).replace("!", ".")


def typo(text: str, _case: Case, rng: Random) -> str:
    """Two neighbouring letters of a word swapped."""
    spots = [m.start() for m in re.finditer(r"[^\W\d_]{4}", text)]
    if not spots:
        return text
    at = rng.choice(spots) + 1
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


OPERATORS = (
    Operator("heading", "markdown", heading),
    Operator("bullets", "markdown", always(bullets)),
    Operator("numbered list", "markdown", always(numbered)),
    Operator("table", "markdown", always(table)),
    Operator("bold sentence", "markdown", bold_sentence),
    Operator("bold words", "markdown", always(bold_words)),
    Operator("section", "markdown", section),
    Operator("code block", "markdown", always(lambda text: f"```\n{text}\n```")),
    Operator("block quote", "markdown", always(lambda text: "\n".join(f"> {line}" for line in _lines(text)))),
    Operator("exclamation", "surface", exclaim),
    Operator("emoji", "surface", emoji),
    Operator("emoji per sentence", "surface", emoji_sentences),
    Operator("ellipsis", "surface", always(lambda text: text.rstrip(".") + "...")),
    Operator("paragraphs", "surface", always(paragraphs)),
    Operator("one line", "surface", always(one_line)),
    Operator("spaces", "surface", spaces),
    Operator("no last stop", "surface", always(no_stop)),
    Operator("no marks", "surface", always(no_marks)),
    Operator("upper case", "surface", always(str.upper)),
    Operator("title case", "surface", always(str.title)),
    Operator("lower case", "surface", always(str.lower)),
    Operator("typo", "surface", typo),
)
