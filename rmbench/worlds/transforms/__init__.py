"""List, string, date and unit manipulation: a few small jobs per prompt, each answered in a sentence of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any, ClassVar

from rmbench.worlds import surface
from rmbench.worlds.base import Choice, Claim, Difficulty, Domain, Picks, Prompt, World
from rmbench.worlds.tidy import unwrap
from rmbench.worlds.transforms import banks
from rmbench.worlds.transforms.framing import FRAMINGS
from rmbench.worlds.transforms.invented import RUMOURS
from rmbench.worlds.transforms.loose import Reading, loosely
from rmbench.worlds.transforms.operations import Inputs
from rmbench.worlds.transforms.reading import KINDS, OPERATIONS, WORDING, Statement, parse

JOBS = {"base": (3, 4, 4, 4), "hard": (6, 7)}
WORDS = {"base": (5, 6), "hard": (7, 8)}  # list lengths
NUMBERS = {"base": (4, 5), "hard": (6, 7)}
RIGHT, WRONG, MISSING = 0.74, 0.20, 0.06
INVENTED = 0.14

Jobs = Sequence[Mapping[str, Any]]


def _inputs(rng: Random, difficulty: Difficulty) -> Inputs:
    """A list of words, of numbers, or both, without duplicates."""
    shown = rng.choice((("words",), ("numbers",), ("words", "numbers"), ("words", "numbers")))
    words = rng.sample(banks.WORDS, rng.choice(WORDS[difficulty])) if "words" in shown else []
    numbers = rng.sample(range(4, 100), rng.choice(NUMBERS[difficulty])) if "numbers" in shown else []
    return Inputs(tuple(words), tuple(numbers))


def _jobs(rng: Random, kinds: Sequence[str], inputs: Inputs, count: int) -> list[dict[str, Any]]:
    """Distinct jobs that these inputs allow, at least one on each list that is shown."""
    shown = {t for t, values in (("words", inputs.words), ("numbers", inputs.numbers)) if values}
    usable = [k for k in kinds if OPERATIONS[k].topic in shown or OPERATIONS[k].topic not in {"words", "numbers"}]
    drawn = [job for kind in rng.sample(usable, len(usable)) if (job := _job(rng, kind, inputs)) is not None]
    first = [next(job for job in drawn if OPERATIONS[job["kind"]].topic == topic) for topic in sorted(shown)]
    jobs = [*first, *(job for job in drawn if job not in first)][:count]
    rng.shuffle(jobs)
    return jobs


def _job(rng: Random, kind: str, inputs: Inputs) -> dict[str, Any] | None:
    operation = OPERATIONS[kind]
    args = operation.draw(rng, inputs)
    truth = None if args is None else operation.solve(inputs, args)
    if args is None or truth is None:
        return None
    return {"kind": kind, "args": list(args), "truth": truth, "wrong": operation.slip(rng, inputs, args, truth)}


def _invention(rng: Random, kinds: Sequence[str], inputs: Inputs, jobs: list[dict[str, Any]]) -> dict[str, Any]:
    """A false statement about a list that was not asked for: mostly the answer to another question, else a rumour."""
    shown = [t for t, values in (("words", inputs.words), ("numbers", inputs.numbers)) if values]
    asked = {(job["kind"], tuple(job["args"])) for job in jobs}
    spare = [job for kind in kinds if OPERATIONS[kind].topic in shown and (job := _job(rng, kind, inputs))]
    spare = [job for job in spare if (job["kind"], tuple(job["args"])) not in asked]
    if spare and rng.random() < 0.7:
        job = rng.choice(spare)
        return {"kind": job["kind"], "args": job["args"], "value": job["wrong"]}
    kind = rng.choice([k for k, rumour in RUMOURS.items() if rumour.topic in shown])
    return {"kind": kind, "args": [], "value": RUMOURS[kind].draw(rng, inputs)}


def _say(kind: str, args: Sequence[str], value: str, rng: Random) -> str:
    """One sentence that states `value`, in words that depend on `rng` alone."""
    if kind in RUMOURS:
        return rng.choice(RUMOURS[kind].answers).format(value=RUMOURS[kind].value.show(value, rng))
    blanks = {**OPERATIONS[kind].args, "value": OPERATIONS[kind].value}
    shown = {name: slot.show(v, rng) for (name, slot), v in zip(blanks.items(), (*args, value), strict=True)}
    return rng.choice(WORDING[kind].answers).format(**shown)


def _ask(bank: Sequence[str], job: Mapping[str, Any], rng: Random) -> str:
    slots = OPERATIONS[job["kind"]].args
    shown = {name: slot.show(v, rng) for (name, slot), v in zip(slots.items(), job["args"], strict=True)}
    return rng.choice(bank).format(**shown)


def _shown_inputs(prompt: Prompt) -> Inputs:
    return Inputs(tuple(prompt.data["words"]), tuple(prompt.data["numbers"]))


class Transforms(World):
    """Small jobs on lists, words, dates and amounts."""

    name: ClassVar[str] = "transforms"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "list, string, date and unit manipulation, one sentence per job"
    one_thing_once: ClassVar[bool] = True

    def make(self, rng: Random, difficulty: Difficulty, domain: Domain) -> tuple[str, dict[str, Any]]:
        """A fresh prompt; data holds the lists, the jobs with right and wrong values, and an invention at the ready."""
        count = rng.choice(JOBS[difficulty])
        while True:
            inputs = _inputs(rng, difficulty)
            jobs = _jobs(rng, KINDS[domain], inputs, count)
            if len(jobs) == count:
                break
        asks = [_ask(WORDING[job["kind"]].asks, job, rng) for job in jobs]
        nouns = [_ask(WORDING[job["kind"]].nouns, job, rng) for job in jobs]
        text = rng.choice(FRAMINGS[domain])(rng, inputs, asks, nouns)
        invented = _invention(rng, KINDS[domain], inputs, jobs)
        data = {"words": list(inputs.words), "numbers": list(inputs.numbers), "jobs": jobs, "invented": invented}
        return text, data

    def substance(self, prompt: Prompt) -> tuple[Choice, ...]:
        """One choice per job, and whether something is made up besides."""
        jobs = tuple(
            Choice(f"job_{i}", ("right", "wrong", "missing"), (RIGHT, WRONG, MISSING))
            for i in range(1, self.asked(prompt) + 1)
        )
        return (*jobs, Choice("invented", ("none", "one"), (1 - INVENTED, INVENTED)))

    def body(self, prompt: Prompt, picks: Picks, rng: Random) -> list[str]:
        """A sentence per answered job in the order asked; an invention may stand anywhere among them."""
        values = {"right": "truth", "wrong": "wrong"}
        lines = [
            _say(job["kind"], job["args"], job[values[picks[f"job_{i}"]]], rng)
            for i, job in enumerate(prompt.data["jobs"], 1)
            if picks[f"job_{i}"] != "missing"
        ]
        if picks["invented"] == "one":
            made_up = prompt.data["invented"]
            where = rng.randint(0, len(lines))
            lines.insert(where, _say(made_up["kind"], made_up["args"], made_up["value"], rng))
        return lines

    def read(self, prompt: Prompt, sentence: str) -> list[Claim]:
        """Answers to jobs, and false statements that nobody asked for. True but unasked says nothing new."""
        inputs, jobs = _shown_inputs(prompt), prompt.data["jobs"]
        statements = parse(sentence)
        if statements:
            claim = _claim(inputs, jobs, statements)
            return [claim] if claim else []
        loose = loosely(sentence)
        claims = [claim for said in loose.readings if (claim := _suspected(inputs, jobs, said))]
        if claims and loose.spare:
            claims.append(Claim(0, len(sentence), "filler", loose.spare, ok=False))
        return claims

    def sentences(self, text: str) -> list[surface.Sentence]:
        """Line breaks inside sentences are idle, and no sentence is endless."""
        return surface.split(unwrap(text), surface.LONGEST)

    def asked(self, prompt: Prompt) -> int:
        """The number of jobs."""
        return len(prompt.data["jobs"])

    def expect_substance(self, prompt: Prompt, picks: Picks) -> dict[str, float]:
        """Right and wrong counts that the picks promise."""
        jobs = [picks[f"job_{i}"] for i in range(1, self.asked(prompt) + 1)]
        wrong = jobs.count("wrong") + (picks["invented"] == "one")
        return {"right": float(jobs.count("right")), "wrong": float(wrong), "asked": float(len(jobs))}


def _claim(inputs: Inputs, jobs: Jobs, statements: Sequence[Statement]) -> Claim | None:
    """The answer to a job, or something false that nobody asked for, in statements that share their words."""
    for said in statements:
        for i, job in enumerate(jobs, 1):
            if said.kind == job["kind"] and said.args == tuple(job["args"]):
                return Claim(said.start, said.end, f"job_{i}", said.value, said.value == job["truth"])
    if not statements or any(_holds(inputs, said) for said in statements):
        return None
    said = statements[0]
    return Claim(said.start, said.end, "/".join(("extra", said.kind, *said.args)), said.value, ok=False)


def _suspected(inputs: Inputs, jobs: Jobs, reading: Reading) -> Claim | None:
    """The same for a sentence that is not well formed: a hedge earns nothing, and a denied truth is false."""
    claim = _claim(inputs, jobs, [_trimmed(inputs, said) for said in reading.statements])
    if claim is None or reading.stance == "open":
        return None
    if reading.stance == "denied":
        return replace(claim, value=f"not {claim.value}", ok=False) if claim.ok else None
    if claim.ok:
        return None if reading.stance == "clouded" or reading.hedged else claim
    return None if reading.context and claim.key.startswith("extra") else claim


def _trimmed(inputs: Inputs, said: Statement) -> Statement:
    """A list without the words after it that it swallowed: "a, b and this is all"."""
    parts = said.value.split(", ")
    own = {*inputs.words, *map(str, inputs.numbers), *(word[0] for word in inputs.words)}
    while len(parts) > 1 and parts[0] in own and parts[-1] not in own:
        parts.pop()
    return replace(said, value=", ".join(parts))


def _holds(inputs: Inputs, said: Statement) -> bool:
    """Whether a statement is true of the inputs."""
    if said.kind in RUMOURS:
        return RUMOURS[said.kind].holds(inputs, said.value)
    return OPERATIONS[said.kind].solve(inputs, said.args) == said.value


WORLD = Transforms()
