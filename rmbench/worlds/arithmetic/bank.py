"""What stories are made of, and the sentences of worked answers.

Templates that differ in wording only are joined by "|" or listed in a tuple. Sentences of answers start in lower case:
the writer puts an opener in front of some and capitalises the rest. A step is phrased in the same words whether it is
right or wrong, so that wording never betrays the grade.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happens to the running number: `op` by {b}. `to` names the stage that follows, if another.

    `story` tells it in the prompt; `when` is how an answer refers to it.
    """

    op: str
    story: str
    when: str
    to: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """What the running number counts. `state` says it with {x} as the number, `ask` follows "How many"."""

    noun: str
    state: str
    ask: str
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of story: how it starts (with a number in `size`), its stages, and numbers that have no part in it."""

    start: str
    first: str
    size: tuple[int, int]
    stages: dict[str, Stage]
    extra: tuple[str, ...]
    words: dict[str, tuple[str, ...]] = field(default_factory=dict)


def plus(story: str, when: str) -> Event:
    """The number grows by {b}."""
    return Event("+", story, when)


def minus(story: str, when: str) -> Event:
    """The number falls by {b}."""
    return Event("-", story, when)


def times(story: str, when: str, to: str = "") -> Event:
    """The number is multiplied by {b}."""
    return Event("*", story, when, to)


def shared(story: str, when: str, to: str = "") -> Event:
    """The number is divided by {b}, exactly."""
    return Event("/", story, when, to)


SHE = (
    *("Maya", "Nora", "Priya", "Lena", "Sofia", "Amara", "Ines", "Hana", "Ruth", "Zoe", "Clara", "Mei", "Leila"),
    *("Greta", "Olga", "Tara", "Yuki", "Fatima", "Elena", "Ada", "Wanda", "Carmen"),
)
HE = (
    *("Omar", "Liam", "Diego", "Tomas", "Kofi", "Arjun", "Felix", "Ben", "Hugo", "Ivan", "Jamal", "Noah", "Pavel"),
    *("Sam", "Emil", "Ravi", "Theo", "Marco", "Idris", "Kenji", "Oscar", "Luca"),
)

ASK = {
    "base": (
        "How many {ask} now?",
        "How many {ask} in the end?",
        "In the end, how many {ask}?",
        "After all this, how many {ask}?",
        "So how many {ask} at this point?",
    ),
    "held_out": (
        "Tell me how the story ends: how many {ask}?",
        "Once everything has been counted, how many {ask}?",
        "What I need to know is this: how many {ask}?",
        "Given all of that, how many {ask}?",
    ),
}
SHOW = {
    "base": (
        "Show each step, and check the last one by working backwards.",
        "Please show every step and then check your last step by undoing it.",
        "Show each step. Also check the last step by doing it in reverse.",
        "Write out all the steps, check the last one by going backwards, and give the answer.",
        "Work through it step by step, give the answer, and check the last step with the opposite operation.",
        "Show your working for each step, with a reverse check of the final one.",
    ),
    "held_out": (
        "I want to see one equation per step, a reversal of the last equation as a check, and the answer.",
        "Lay out each calculation, state the answer, and prove the last calculation by inverting it.",
        "Give one line per calculation, then confirm the last line with the inverse operation.",
        "Explain every calculation and verify the last one by turning it around.",
    ),
}

SIGNS = ({"+": "+", "-": "-", "*": "×", "/": "÷"}, {"+": "+", "-": "-", "*": "x", "/": "/"})
WORDS = {"+": "plus", "-": "minus", "*": "times", "/": "divided by"}

# {eq} is the equation in signs, {said} the same in words or signs, {state} the stage's sentence around the equation.
STEP = {
    "+": (
        "{when}, {state}.",
        "{when}, that makes {eq} {noun}.",
        "adding {b} to {a} gives {r} {noun}.",
        "we add {b} to {a} and get {r} {noun}.",
        "{when}, {said} {noun}.",
        "that brings the number up to {eq} {noun}.",
        "{when}, the number goes up: {eq}.",
        "the {a} {noun} plus {b} more make {r} {noun}.",
    ),
    "-": (
        "{when}, {state}.",
        "{when}, that leaves {eq} {noun}.",
        "taking {b} away from {a} leaves {r} {noun}.",
        "we subtract {b} from {a} and get {r} {noun}.",
        "{when}, {said} {noun}.",
        "that brings the number down to {eq} {noun}.",
        "{when}, the number goes down: {eq}.",
        "the {a} {noun} minus {b} make {r} {noun}.",
    ),
    "*": (
        "{when}, {state}.",
        "{when}, that makes {eq} {noun}.",
        "multiplying {a} by {b} gives {r} {noun}.",
        "we multiply {a} by {b} and get {r} {noun}.",
        "{when}, {said} {noun}.",
        "that works out to {eq} {noun}.",
        "{when}, we need to multiply: {eq}.",
        "the number of {noun} is {eq}.",
    ),
    "/": (
        "{when}, {state}.",
        "{when}, that makes {eq} {noun}.",
        "dividing {a} by {b} gives {r} {noun}.",
        "we divide {a} by {b} and get {r} {noun}.",
        "{when}, {said} {noun}.",
        "that works out to {eq} {noun}.",
        "{when}, we need to divide: {eq}.",
        "the number of {noun} is {eq}.",
    ),
}
CHECK = (
    "to check the last step, {said}.",
    "working backwards, {said}, which fits.",
    "as a check, {said}.",
    "in reverse, {said}, so the last step holds.",
    "the last step can be checked with {eq}.",
    "going back the other way, {said}, as it should be.",
    "we can undo the last step: {eq}.",
    "a reverse check gives {eq}.",
)
ANSWER = (
    "the answer is {r} {noun}.",
    "so the answer is {r} {noun}.",
    "in the end, {state}.",
    "so in the end {state}.",
    "the final answer is {r} {noun}.",
    "this means that {state} in the end.",
    "that gives a final answer of {r} {noun}.",
    "my answer is that {state}.",
    "the answer to the question is {r} {noun}.",
)
OPENERS = {"first": ("first, ", "to start, "), "middle": ("next, ", "then, ", "now, "), "none": ("",)}
