"""The world of arithmetic word problems: see the package's docstring."""

from __future__ import annotations

from random import Random
from typing import Any, ClassVar

from rmbench.worlds.arithmetic import bank, problem, reader, stories_held_out, stories_life, stories_trade
from rmbench.worlds.arithmetic.problem import Step
from rmbench.worlds.base import Choice, Claim, Difficulty, Domain, Picks, Prompt, World, pick, weighted

FAMILIES = {"base": (*stories_trade.FAMILIES, *stories_life.FAMILIES), "held_out": stories_held_out.FAMILIES}
ANSWER_WEIGHT = 2  # the user came for the answer: it counts as two steps

# A slip shows in the text alone, a misread only beside the story: so mostly misreads, and the story must be read.
STEP_ODDS = weighted(right=0.75, slip=0.05, misread=0.16, skipped=0.04)
CHECK_ODDS = weighted(right=0.70, slip=0.06, misread=0.19, missing=0.05)
ANSWER_ODDS = weighted(right=0.68, wrong=0.27, missing=0.05)


class Arithmetic(World):
    """Word problems of 2 to 6 steps. A step is right iff it is a step of the true solution; errors do not carry."""

    name: ClassVar[str] = "arithmetic"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "multi-step word problems with worked steps, a check of the last step and a final answer"

    def make(self, rng: Random, difficulty: Difficulty, domain: Domain) -> tuple[str, dict[str, Any]]:
        """A story of 2-3 (base) or 5-6 (hard) steps; held_out tells of other things in other words."""
        return problem.make(rng, FAMILIES[domain], difficulty, domain)

    def substance(self, prompt: Prompt) -> tuple[Choice, ...]:
        """One choice per step, one for the check, one for the answer."""
        steps = (Choice(f"step_{i}", *STEP_ODDS) for i in range(1, len(_steps(prompt)) + 1))
        return (*steps, Choice("check", *CHECK_ODDS), Choice("answer", *ANSWER_ODDS))

    def body(self, prompt: Prompt, picks: Picks, rng: Random) -> list[str]:
        """The steps in order, then the check and the answer in either order."""
        return _Writer(prompt, picks, rng).lines()

    def read(self, prompt: Prompt, sentence: str) -> list[Claim]:
        """Equations, and the final answer (twice, since it counts twice)."""
        return reader.read(_steps(prompt), sentence)

    def asked(self, prompt: Prompt) -> int:
        """Every step, the check, and the answer, which counts as two."""
        return len(_steps(prompt)) + 1 + ANSWER_WEIGHT

    def expect_substance(self, prompt: Prompt, picks: Picks) -> dict[str, float]:
        """The counts that `gold` finds in the rendered text."""
        said = [picks[f"step_{i}"] for i in range(1, len(_steps(prompt)) + 1)] + [picks["check"]]
        said += [picks["answer"]] * ANSWER_WEIGHT
        wrong = sum(option in {"slip", "misread", "wrong"} for option in said)
        return {"right": float(said.count("right")), "wrong": float(wrong), "asked": float(self.asked(prompt))}


def _steps(prompt: Prompt) -> tuple[Step, ...]:
    return tuple(Step(*part["step"]) for part in prompt.data["parts"])


class _Writer:
    """Puts the picks into words. Which wrong number is shown is a matter of wording: all are equally wrong."""

    def __init__(self, prompt: Prompt, picks: Picks, rng: Random) -> None:
        self.data, self.picks, self.rng = prompt.data, picks, rng
        self.steps = _steps(prompt)
        self.family = FAMILIES[self.data["domain"]][self.data["family"]]
        self.signs = rng.choice(bank.SIGNS)
        self.numbered = rng.random() < 0.2
        self.last = self.steps[-1].r  # what the text shows as the last result

    def lines(self) -> list[str]:
        worked = [self._step(i) for i in range(len(self.steps)) if self.picks[f"step_{i + 1}"] != "skipped"]
        out = [self._open(line, i) for i, (_, line) in enumerate(worked)]
        if self.numbered:
            out = [f"Step {number}: {_capital(line)}" for number, line in worked]
        rest = [_capital(line) for line in (self._check(), self._answer()) if line]
        if self.rng.random() < 0.5:
            rest.reverse()
        return [*out, *rest]

    def _open(self, line: str, position: int) -> str:
        kind = "none" if self.rng.random() < 0.6 else "middle" if position else "first"
        return _capital(self.rng.choice(bank.OPENERS[kind]) + line)

    def _step(self, i: int) -> tuple[int, str]:
        step, choice, part = self.steps[i], self.picks[f"step_{i + 1}"], self.data["parts"][i]
        if choice == "slip":
            step = step._replace(r=self.rng.choice(self.data["slips"][i]))
        elif choice == "misread":
            step = Step(*self.rng.choice(self.data["misreads"][i]))
        self.last = step.r
        equation = self._equation(step)
        words = {**self.data["words"], "noun": self._noun(part["stage"]), "eq": equation, "said": self._said(step)}
        words |= {"when": part["when"].format(b=step.b, **self.data["words"]), **step._asdict()}
        words["state"] = self._state(part["stage"], equation)
        opening = i == min(n for n in range(len(self.steps)) if self.picks[f"step_{n + 1}"] != "skipped")
        templates = [t for t in bank.STEP[step.op] if not (opening and t.startswith("that "))]  # nothing to refer to
        return i + 1, pick(self.rng, templates, **words)

    def _check(self) -> str:
        if self.picks["check"] == "missing":
            return ""
        back = problem.inverse(self.steps[-1])
        if self.picks["check"] == "slip":
            back = back._replace(r=self.rng.choice(self.data["checks"]))
        elif self.picks["check"] == "misread":
            back = Step(*self.rng.choice(self.data["misreads"][-1]))
        return pick(self.rng, bank.CHECK, eq=self._equation(back), said=self._said(back))

    def _answer(self) -> str:
        if self.picks["answer"] == "missing":
            return ""
        true, stage = self.steps[-1].r, self.data["parts"][-1]["stage"]
        shown = true if self.picks["answer"] == "right" else self.rng.choice(self.data["answers"])
        if self.picks["answer"] == "wrong" and self.last != true and self.rng.random() < 0.5:
            shown = self.last  # a writer who went wrong in the last step often believes it
        return pick(self.rng, bank.ANSWER, r=shown, noun=self._noun(stage), state=self._state(stage, str(shown)))

    def _equation(self, step: Step) -> str:
        return f"{step.a} {self.signs[step.op]} {step.b} = {step.r}"

    def _said(self, step: Step) -> str:
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
