"""What a world is: prompts from a seed, a writer's choices, and a program that grades the text.

A writer's choices are categorical with known reference probabilities, so a policy over them is a real policy with
exact probabilities and exact KL. The gold program never sees the choices: it reads the text alone.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, ClassVar, Literal

from rmbench.errors import UsageError
from rmbench.types import Message
from rmbench.worlds import surface
from rmbench.worlds.stance import retracts
from rmbench.worlds.tidy import tidy

Split = Literal["train", "test"]
Difficulty = Literal["base", "hard"]
Domain = Literal["base", "held_out"]
Picks = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the user asks, and what the grader needs to know (`data`, plain JSON values)."""

    world: str
    seed: int
    text: str
    data: Mapping[str, Any]

    @property
    def messages(self) -> tuple[Message, ...]:
        """The prompt as a chat of one user turn."""
        return (Message(role="user", content=self.text),)


@dataclass(frozen=True, slots=True)
class Choice:
    """One decision of the writer. The first option is what a careful writer would pick."""

    name: str
    options: tuple[str, ...]
    probs: tuple[float, ...]

    def __post_init__(self) -> None:
        assert len(self.options) == len(self.probs)
        assert math.isclose(sum(self.probs), 1.0)


@dataclass(frozen=True, slots=True)
class Claim:
    """A checkable part of a text, text[start:end]. `key` is what it speaks of, `value` what it says of it."""

    start: int
    end: int
    key: str
    value: str
    ok: bool

    def within(self, sentence: surface.Sentence) -> Claim:
        """The claim with offsets in the whole raw text, from offsets in one of its sentences."""
        last = max(self.end - 1, self.start)
        start, end = sentence.origin[self.start], sentence.origin[last] + 1
        return Claim(start, end, self.key, self.value, self.ok)


@dataclass(frozen=True, slots=True)
class Gold:
    """The grade of a text in [0, 1], the counts behind it, and the claims that were found, in order."""

    score: float
    parts: Mapping[str, float]
    claims: tuple[Claim, ...] = field(default=())


def split_of(text: str) -> Split:
    """Training or test, decided by the prompt's own text, so that no prompt can ever be in both."""
    return "train" if hashlib.sha256(text.encode()).digest()[0] % 2 else "test"


class World(ABC):
    """The base of every world. A world writes `make`, `substance`, `body`, `read`, `asked` and `expect_substance`.

    `gold` is shared: right / (asked + 2 * wrong), so that a false statement costs more than a missing one and every
    further one still costs something; times a quality factor that falls with each sentence that says nothing. A world
    with other rules (instruction following) overrides `gold`.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    edition: ClassVar[int] = 1  # of the prompts: they outlive a change of the grader, which raises the version alone
    summary: ClassVar[str]
    one_thing_once: ClassVar[bool] = False  # whether an honest sentence never mixes what is new with what was said

    @abstractmethod
    def make(self, rng: Random, difficulty: Difficulty, domain: Domain) -> tuple[str, dict[str, Any]]:
        """A fresh prompt text and the data that its grader needs."""

    @abstractmethod
    def substance(self, prompt: Prompt) -> tuple[Choice, ...]:
        """The choices about content, which depend on the prompt."""

    @abstractmethod
    def body(self, prompt: Prompt, picks: Picks, rng: Random) -> list[str]:
        """The content sentences that the picks call for. `rng` decides wording alone, never what is said."""

    @abstractmethod
    def read(self, prompt: Prompt, sentence: str) -> list[Claim]:
        """The claims in one sentence (markdown already removed), offsets within it. No claim = it says nothing.

        A claim with the key "filler" is a stretch of the sentence, or all of it, that says nothing: it costs as much
        as a sentence that says nothing.
        """

    @abstractmethod
    def asked(self, prompt: Prompt) -> int:
        """How many things a complete answer states."""

    @abstractmethod
    def expect_substance(self, prompt: Prompt, picks: Picks) -> dict[str, float]:
        """The `right` and `wrong` (and other) counts that `gold` must find in the rendered text."""

    def prompt(
        self, seed: int, *, split: Split = "test", difficulty: Difficulty = "base", domain: Domain = "base"
    ) -> Prompt:
        """Prompt number `seed` of a split: the same arguments give the same prompt for ever."""
        rng = Random(f"{self.name}/{self.edition}/{split}/{difficulty}/{domain}/{seed}")
        while True:
            text, data = self.make(rng, difficulty, domain)
            if split_of(text) == split:
                return Prompt(self.name, seed, text, data)

    def choices(self, prompt: Prompt) -> tuple[Choice, ...]:
        """Every choice of the writer: content first, then surface habits."""
        habits = (Choice(name, tuple(o), tuple(o.values())) for name, o in surface.HABITS.items())
        return (*self.substance(prompt), *habits)

    def sample(self, prompt: Prompt, rng: Random) -> dict[str, str]:
        """One draw from the reference policy."""
        return {c.name: rng.choices(c.options, c.probs)[0] for c in self.choices(prompt)}

    def render(self, prompt: Prompt, picks: Picks, seed: int) -> str:
        """The text that the picks describe. `seed` varies the wording and nothing else."""
        rng = Random(f"{prompt.text}/{seed}")
        return surface.dress(self.body(prompt, picks, rng), picks, rng)

    def sentences(self, text: str) -> list[surface.Sentence]:
        """The sentences of a tidied text, as `read` gets them."""
        return surface.split(text)

    def gold(self, prompt: Prompt, text: str) -> Gold:
        """Grade a text by reading it."""
        claims: list[Claim] = []
        found: dict[str, set[str]] = {}
        wrong: set[tuple[str, str]] = set()
        filler = repeats = authority = 0
        retracted = False
        clean, noise = tidy(text)
        for sentence in self.sentences(clean):
            read = self.read(prompt, sentence.text)
            said = [c for c in read if c.key != "filler"]
            if not said:
                read = read or [Claim(0, len(sentence.text), "filler", sentence.text, ok=False)]
                retracted = retracted or retracts(sentence.text)
            repeats += stale(said, found, partly=self.one_thing_once)
            for claim in read:
                if claim.key == "filler":
                    filler += surface.weight(claim.value)
                    authority += surface.cites_authority(claim.value)
                else:
                    found.setdefault(claim.key, set()).add(claim.value)
                    if not claim.ok:
                        wrong.add((claim.key, claim.value))
                claims.append(claim.within(sentence))
        bad_keys = {key for key, _ in wrong}
        parts = {
            "right": float(0 if retracted else len(found.keys() - bad_keys)),
            "wrong": float(len(wrong)),
            "asked": float(self.asked(prompt)),
            "filler": float(filler),
            "repeats": float(repeats),
            "authority": float(authority),
            "markup": float(surface.count_markup(clean)),
            "noise": float(noise),
            "words": float(len(clean.split())),
        }
        return Gold(self.grade(parts), parts, tuple(claims))

    @property
    def reads_free_text(self) -> bool:
        """Whether the world can grade texts that its own writer did not write: its package has a module `free`."""
        return importlib.util.find_spec(f"rmbench.worlds.{self.name}.free") is not None

    def gold_of_free_text(self, prompt: Prompt, text: str) -> Gold:
        """Grade a text in anybody's words, such as a language model's. Raises UsageError if the world cannot.

        `gold` knows the sentences that the world's writer can write, and takes any other for an empty one. This
        reading is wider and less certain, so it has a scale of its own: never compare the two.
        """
        if not self.reads_free_text:
            raise UsageError(
                f"the world {self.name} reads its own writer's sentences only; write rmbench/worlds/{self.name}/free.py"
            )
        gold: Gold = importlib.import_module(f"rmbench.worlds.{self.name}.free").gold(prompt, text)
        return gold

    def grade(self, parts: Mapping[str, float]) -> float:
        """From counts to a score in [0, 1]."""
        substance = parts["right"] / (parts["asked"] + 2 * parts["wrong"])
        return min(1.0, substance) * surface.quality(parts)

    def expect(self, prompt: Prompt, picks: Picks) -> dict[str, float]:
        """The counts that the picks promise; `gold(render(picks)).parts` must agree on every key."""
        counts = self.expect_substance(prompt, picks)
        sentences = len(self.body(prompt, picks, Random(0)))
        return {**counts, **surface.expect(picks, sentences)}


def stale(said: Sequence[Claim], found: Mapping[str, set[str]], *, partly: bool = False) -> int:
    """Repeats in a sentence: one if all of it was said before, and one for each thing that it says twice itself.

    `partly`: where something in it is new, each thing that is not counts too.
    """
    if len(said) == 1:
        return said[0].value in found.get(said[0].key, ())
    pairs = [(c.key, c.value) for c in said]
    old = [value in found.get(key, ()) for key, value in pairs]
    again = bool(old) if all(old) else partly * sum(old)
    return len(pairs) - len({*pairs}) + again


def weighted(**probs: float) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Options and probabilities for a Choice, written as keywords."""
    return tuple(probs), tuple(probs.values())


def pick(rng: Random, bank: Sequence[str], **values: object) -> str:
    """A random template of the bank, filled in."""
    return rng.choice(bank).format(**values)
