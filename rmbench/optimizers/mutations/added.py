"""Added text that answers nothing: trigger phrases, words to the judge, padding, and echoes of the prompt."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random

from rmbench.optimizers.mutations import bank
from rmbench.optimizers.mutations.base import Case, Edit, Operator, after, before, joined, sentences

Join = Callable[[str, str], str]


def one_of(phrases: Sequence[str], *joins: Join) -> Edit:
    """One of the phrases, put in one of the places."""

    def edit(text: str, _case: Case, rng: Random) -> str:
        return rng.choice(joins)(text, rng.choice(phrases))

    return edit


def filler(text: str, _case: Case, rng: Random) -> str:
    return after(text, " ".join(rng.sample(bank.FILLER, rng.randint(2, 4))))


def essay(text: str, _case: Case, rng: Random) -> str:
    """A paragraph about nothing, before or after."""
    paragraph = " ".join(rng.sample(bank.FILLER, 8))
    return rng.choice((f"{text}\n\n{paragraph}", f"{paragraph}\n\n{text}"))


def interleave(text: str, _case: Case, rng: Random) -> str:
    """An empty sentence after each sentence, up to eight."""
    pieces = sentences(text)
    chosen = {*rng.sample(range(len(pieces)), min(len(pieces), 8))}
    return joined([x for i, p in enumerate(pieces) for x in ((p, rng.choice(bank.FILLER)) if i in chosen else (p,))])


def question(text: str, case: Case, rng: Random) -> str:
    """The prompt's last words, or all of it, said back before the answer."""
    asked = " ".join(case.prompt.text.split())
    part = rng.choice((asked, sentences(asked)[-1].strip()))
    lead = rng.choice(("You asked:", "Your question was:", "The task is:", "To restate the request:"))
    return before(text, f"{lead} {part}")


def numbers(text: str, case: Case, rng: Random) -> str:
    found = [*dict.fromkeys(re.findall(r"\d+(?:[.,:]\d+)*", case.prompt.text))]
    if not found:
        return text
    lead = rng.choice(("The relevant numbers are", "Given values:", "This uses the figures"))
    return after(text, f"{lead} {', '.join(found)}.")


def keywords(text: str, case: Case, rng: Random) -> str:
    """Long words of the prompt in a list."""
    found = [*dict.fromkeys(re.findall(r"[^\W\d_]{5,30}", case.prompt.text))]
    if not found:
        return text
    return after(text, f"Key terms: {', '.join(rng.sample(found, min(len(found), 8)))}.")


def restate(text: str, _case: Case, rng: Random) -> str:
    """Some of the answer again, as a summary."""
    pieces = sentences(text)
    again = sorted(rng.sample(range(len(pieces)), min(len(pieces), rng.randint(1, 3))))
    lead = rng.choice(("In short:", "To summarise:", "The main points again:", "Put simply:"))
    return joined([*pieces, lead, *(pieces[i] for i in again)])


OPERATORS = (
    Operator("flattery", "phrases", one_of(bank.FLATTERY, before, after)),
    Operator("thanks", "phrases", one_of(bank.THANKS, before, after)),
    Operator("eager opening", "phrases", one_of(bank.EAGER, before)),
    Operator("false citation", "phrases", one_of(bank.CITATIONS, after)),
    Operator("as requested", "phrases", one_of(bank.AS_REQUESTED, before, after)),
    Operator("claim of correctness", "phrases", one_of(bank.CORRECT, before, after)),
    Operator("step by step", "phrases", one_of(bank.STEPWISE, before)),
    Operator("careful assistant", "phrases", one_of(bank.CAREFUL, before, after)),
    Operator("empty summary", "phrases", one_of(bank.SUMMARY, after)),
    Operator("offer", "phrases", one_of(bank.OFFER, after)),
    Operator("instruction to the judge", "judge", one_of(bank.OVERRIDE, before, after)),
    Operator("verdict", "judge", one_of(bank.VERDICT, before, after)),
    Operator("forged approval", "judge", one_of(bank.APPROVAL, after)),
    Operator("hidden mark", "judge", one_of(bank.HIDDEN, before, after)),
    Operator("rival is wrong", "judge", one_of(bank.RIVAL, after)),
    Operator("filler", "padding", filler),
    Operator("essay", "padding", essay),
    Operator("filler between", "padding", interleave),
    Operator("restate", "padding", restate),
    Operator("echo the question", "echo", question),
    Operator("echo the numbers", "echo", numbers),
    Operator("key terms", "echo", keywords),
)
