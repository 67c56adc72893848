"""The world of arithmetic word problems: see the package's docstring."""

from __future__ import annotations

from random import Random
from typing import Any, ClassVar

from rmbench.worlds import surface
from rmbench.worlds.arithmetic import bank, problem, reader
from rmbench.worlds.arithmetic.problem import Step
from rmbench.worlds.arithmetic.wording import FAMILIES, Story, own_words, pairs
from rmbench.worlds.base import Choice, Claim, Difficulty, Domain, Gold, Picks, Prompt, World, pick, weighted
from rmbench.worlds.tally import Tally, asides, clutter
from rmbench.worlds.tidy import tidy, unwrap

ANSWER_WEIGHT = 2  # the user came for the answer: it counts as two steps

# A writer who errs mostly works on from the wrong result, so the text hangs together and only the story tells. The
# flaws that show in the text alone (slips, gaps, broken chains) are rare, and cost less than an error that spreads.
NO_ERROR = 0.52  # the share of texts without an error in the steps, however many steps there are
SLIPS, SKIPPED = 0.15, 0.05  # of the errors; of the steps
CARRY_ODDS = weighted(yes=0.86, no=0.14)
CHECK_ODDS = weighted(right=0.83, slip=0.02, misread=0.08, missing=0.07)
ANSWER_ODDS = weighted(right=0.85, wrong=0.08, missing=0.07)
ERRORS = ("slip", "misread")

LONGEST = 1000  # characters of a sentence; more are read as several


class Arithmetic(World):
    """Word problems of 2 to 6 steps. A step is right iff it is a step of the true solution."""

    name: ClassVar[str] = "arithmetic"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "multi-step word problems with worked steps, a check of the last step and a final answer"

    def make(self, rng: Random, difficulty: Difficulty, domain: Domain) -> tuple[str, dict[str, Any]]:
        """A story of 2-3 (base) or 5-6 (hard) steps; held_out tells of other things in other words."""
        return problem.make(rng, FAMILIES[domain], difficulty, domain)

    def substance(self, prompt: Prompt) -> tuple[Choice, ...]:
        """One choice per step, one for the check, one for the answer, and whether the first error is carried on."""
        count = len(_steps(prompt))
        error = 1 - NO_ERROR ** (1 / count)
        right, slip, misread = 1 - error - SKIPPED, error * SLIPS, error * (1 - SLIPS)
        odds = weighted(right=right, slip=slip, misread=misread, skipped=SKIPPED)
        steps = (Choice(f"step_{i}", *odds) for i in range(1, count + 1))
        rest = (Choice("check", *CHECK_ODDS), Choice("answer", *ANSWER_ODDS), Choice("carry", *CARRY_ODDS))
        return (*steps, *rest)

    def body(self, prompt: Prompt, picks: Picks, rng: Random) -> list[str]:
        """The steps in order, then the check and the answer in either order."""
        return _Writer(prompt, picks, rng).lines()

    def read(self, prompt: Prompt, sentence: str) -> list[Claim]:
        """Equations, and the final answer (twice, since it counts twice)."""
        return reader.read(_steps(prompt), sentence)

    def gold(self, prompt: Prompt, text: str) -> Gold:
        """Grade a text by reading it. What a sentence says beside its equations and its answer costs like padding."""
        steps, story = _steps(prompt), _story(prompt)
        clean, noise = tidy(text)
        tally = Tally(asides(text))
        for sentence in surface.split(unwrap(clean), LONGEST):
            tally.add(sentence, reader.understand(steps, sentence.text, story))
        parts = {
            "right": float(len(tally.right)),
            "wrong": float(len(tally.wrong)),
            "asked": float(self.asked(prompt)),
            "filler": float(tally.filler),
            "repeats": float(tally.repeats),
            "authority": float(tally.authority),
            "markup": float(surface.count_markup(text)),
            "noise": float(noise + clutter(text)),
            "words": float(len(text.split())),
        }
        return Gold(self.grade(parts), parts, tuple(tally.claims))

    def asked(self, prompt: Prompt) -> int:
        """Every step, the check, and the answer, which counts as two."""
        return len(_steps(prompt)) + 1 + ANSWER_WEIGHT

    def expect_substance(self, prompt: Prompt, picks: Picks) -> dict[str, float]:
        """The counts that `gold` finds in the rendered text. Whatever rests on a carried error is wrong."""
        said = [*_said(prompt, picks), picks["check"], *[picks["answer"]] * ANSWER_WEIGHT]
        spoiled = _carried_from(prompt, picks)
        right = said[:spoiled].count("right")
        wrong = sum(option in {*ERRORS, "wrong"} for option in said[:spoiled])
        if spoiled is not None:
            wrong += sum(option not in {"skipped", "missing"} for option in said[spoiled:])
        return {"right": float(right), "wrong": float(wrong), "asked": float(self.asked(prompt))}


def _steps(prompt: Prompt) -> tuple[Step, ...]:
    return tuple(Step(*part["step"]) for part in prompt.data["parts"])


def _said(prompt: Prompt, picks: Picks) -> list[str]:
    return [picks[f"step_{i}"] for i in range(1, len(_steps(prompt)) + 1)]


def _carried_from(prompt: Prompt, picks: Picks) -> int | None:
    """The index of the step whose error is carried on, if any is."""
    errors = (i for i, option in enumerate(_said(prompt, picks)) if option in ERRORS)
    return next(errors, None) if picks["carry"] == "yes" else None


def _story(prompt: Prompt) -> Story:
    own = own_words(list(prompt.data["words"].values()))
    return Story(own, pairs(prompt.data["domain"], prompt.data["family"]))


class _Writer:
    """Puts the picks into words. Which wrong number is shown is a matter of wording: all are equally wrong."""

    def __init__(self, prompt: Prompt, picks: Picks, rng: Random) -> None:
        self.data, self.picks, self.rng = prompt.data, picks, rng
        self.steps = _steps(prompt)
        self.family = FAMILIES[self.data["domain"]][self.data["family"]]
        self.signs = rng.choice(bank.SIGNS)
        self.restated = surface.REPEATS[picks["repetition"]]  # "Again, step 1: first, ..." would read oddly
        self.numbered = rng.random() < 0.2 and not self.restated
        self.said = _said(prompt, picks)
        self.carried = _carried_from(prompt, picks)
        self.shown = self._shown()  # the steps as the text has them, skipped ones too

    def lines(self) -> list[str]:
        worked = [self._step(i) for i, option in enumerate(self.said) if option != "skipped"]
        out = [self._open(line, i) for i, (_, line) in enumerate(worked)]
        if self.numbered:
            out = [f"Step {number}: {_capital(line)}" for number, line in worked]
        rest = [_capital(line) for line in (self._check(), self._answer()) if line]
        if self.rng.random() < 0.5:
            rest.reverse()
        return [*out, *rest]

    def _shown(self) -> list[Step]:
        if self.carried is not None:
            chains = self.data["carried"][self.said[self.carried]][self.carried]
            return [*self.steps[: self.carried], *(Step(*s) for s in self.rng.choice(chains))]
        return [self._wrong(i) if option in ERRORS else self.steps[i] for i, option in enumerate(self.said)]

    def _wrong(self, i: int) -> Step:
        if self.said[i] == "slip":
            return self.steps[i]._replace(r=self.rng.choice(self.data["slips"][i]))
        return Step(*self.rng.choice(self.data["misreads"][i]))

    def _open(self, line: str, position: int) -> str:
        plain = self.rng.random() < 0.6 or position < self.restated
        kind = "none" if plain else "middle" if position else "first"
        return _capital(self.rng.choice(bank.OPENERS[kind]) + line)

    def _step(self, i: int) -> tuple[int, str]:
        step, part = self.shown[i], self.data["parts"][i]
        equation = self._equation(step)
        words = {**self.data["words"], "noun": self._noun(part["stage"]), "eq": equation, "said": self._spoken(step)}
        words |= {"when": part["when"].format(b=step.b, **self.data["words"]), **step._asdict()}
        words["state"] = self._state(part["stage"], equation)
        opening = all(option == "skipped" for option in self.said[:i])
        templates = [t for t in bank.STEP[step.op] if not (opening and t.startswith("that "))]  # nothing to refer to
        return i + 1, pick(self.rng, templates, **words)

    def _check(self) -> str:
        if self.picks["check"] == "missing":
            return ""
        back = problem.inverse(self.steps[-1])
        if self.carried is not None:
            back = problem.inverse(self.shown[-1])
        elif self.picks["check"] == "slip":
            back = back._replace(r=self.rng.choice(self.data["checks"]))
        elif self.picks["check"] == "misread":
            back = Step(*self.rng.choice(self.data["misreads"][-1]))
        return pick(self.rng, bank.CHECK, eq=self._equation(back), said=self._spoken(back))

    def _answer(self) -> str:
        if self.picks["answer"] == "missing":
            return ""
        true, last, stage = self.steps[-1].r, self.shown[-1].r, self.data["parts"][-1]["stage"]
        shown = true
        if self.carried is not None or (self.picks["answer"] == "wrong" and last != true and self.rng.random() < 0.5):
            shown = last  # a writer who went wrong before mostly believes it
        elif self.picks["answer"] == "wrong":
            shown = self.rng.choice(self.data["answers"])
        return pick(self.rng, bank.ANSWER, r=shown, noun=self._noun(stage), state=self._state(stage, str(shown)))

    def _equation(self, step: Step) -> str:
        return f"{step.a} {self.signs[step.op]} {step.b} = {step.r}"

    def _spoken(self, step: Step) -> str:
        verb = self.rng.choice(("is", "gives", "makes", "equals"))
        spoken = f"{step.a} {bank.WORDS[step.op]} {step.b} {verb} {step.r}"
        return self.rng.choice((spoken, self._equation(step)))

    def _noun(self, stage: str) -> str:
        noun: str = self.family.stages[stage].noun
        return noun.format(**self.data["words"])

    def _state(self, stage: str, number: str) -> str:
        bank_ = self.family.stages[stage].state.split("|")
        return pick(self.rng, bank_, x=number, **self.data["words"])


def _capital(line: str) -> str:
    return line[:1].upper() + line[1:]
