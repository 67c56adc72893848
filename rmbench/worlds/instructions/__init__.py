"""Verifiable instruction following: a short text on a topic, with details to state and constraints to keep."""

from __future__ import annotations

from random import Random
from typing import Any

from rmbench.worlds import surface, tidy
from rmbench.worlds.base import Choice, Claim, Difficulty, Domain, Gold, Picks, Prompt, World
from rmbench.worlds.instructions import prompts
from rmbench.worlds.instructions.catalogue import KINDS
from rmbench.worlds.instructions.draft import NO_SHELL, attempt, draft, finish, shell
from rmbench.worlds.instructions.making import fresh
from rmbench.worlds.instructions.reader import read, understand
from rmbench.worlds.instructions.view import View
from rmbench.worlds.instructions.writer import RESTATABLE, Writer
from rmbench.worlds.tally import clutter

KEPT = {"keep": 0.68, "break": 0.32}
STATED = {"right": 0.62, "wrong": 0.26, "missing": 0.12}
DECOYS = ("name", "number", "end")  # broken, these leave a sentence that nobody asked for


class Instructions(World):
    """Constraints and details count the same. A broken constraint earns nothing, a wrong detail costs."""

    name = "instructions"
    version = 1
    summary = "a short text with details to state and three to six constraints that a program can check"

    def make(self, rng: Random, difficulty: Difficulty, domain: Domain) -> tuple[str, dict[str, Any]]:
        data = fresh(rng, difficulty, domain)
        return prompts.request(KINDS[data["kind"]], data, rng), data

    def substance(self, prompt: Prompt) -> tuple[Choice, ...]:
        rules = (Choice(f"rule_{r['kind']}", tuple(KEPT), tuple(KEPT.values())) for r in prompt.data["rules"])
        details = (Choice(f"detail_{k}", tuple(STATED), tuple(STATED.values())) for k in prompt.data["details"])
        return (*rules, *details)

    def body(self, prompt: Prompt, picks: Picks, rng: Random) -> list[str]:
        around = shell(picks, rng)
        made = draft(prompt.data, picks, rng, around)
        return [line.text for line in (*made.lines, *([made.tail] if made.tail else []))]

    def render(self, prompt: Prompt, picks: Picks, seed: int) -> str:
        """The text that the picks describe. The writer knows the surface habits and fits the content around them."""
        rng = Random(f"{prompt.text}/{seed}")
        around = shell(picks, Random(f"{prompt.text}/{seed}/shell"))  # the habits must not change what is said
        return finish(draft(prompt.data, picks, rng, around), around, picks, rng)

    def read(self, prompt: Prompt, sentence: str) -> list[Claim]:
        return list(understand(prompt, sentence).claims)

    def asked(self, prompt: Prompt) -> int:
        return len(prompt.data["rules"]) + len(prompt.data["details"])

    def gold(self, prompt: Prompt, text: str) -> Gold:
        """Grade a text by reading it: sentence by sentence for what it says, as a whole for the constraints.

        `parts` has, besides the shared counts, one 0 or 1 per constraint under its name (`rule_…`).
        """
        done = read(prompt, text)
        view, counts, rules = done.view, done.counts, done.rules
        kept = sum(claim.ok for claim in rules)
        parts = {
            "right": float(counts.details + kept if counts.answers else 0),
            "wrong": float(len(counts.wrong)),
            "asked": float(self.asked(prompt)),
            "filler": float(counts.filler),
            "repeats": float(counts.repeats),
            "authority": float(counts.authority),
            "markup": float(surface.count_markup(text)),
            "noise": float(_noise(prompt, view)),
            "words": float(view.words),
            **{claim.key: float(claim.ok) for claim in rules},
        }
        claims = sorted([*counts.claims, *rules], key=lambda c: (c.start, c.end))
        return Gold(self.grade(parts), parts, tuple(claims))

    def expect_substance(self, prompt: Prompt, picks: Picks) -> dict[str, float]:
        """What the picks decide. A limit on words is left out, and `right` with it, where habits may overrun it."""
        rules = {rule["kind"]: _decided(prompt, picks, rule["kind"]) for rule in prompt.data["rules"]}
        states = [picks[f"detail_{key}"] for key in prompt.data["details"]]
        sure = {f"rule_{kind}": float(kept) for kind, kept in rules.items() if kept is not None}
        if len(sure) == len(rules):
            sure["right"] = sum(sure.values()) + states.count("right")
        return {**sure, "wrong": float(states.count("wrong")), "asked": float(self.asked(prompt))}

    def expect(self, prompt: Prompt, picks: Picks) -> dict[str, float]:
        counts = {
            **self.expect_substance(prompt, picks),
            **surface.expect(picks, sentences=RESTATABLE),
        }
        counts["filler"] += sum(picks.get(f"rule_{kind}") == "break" for kind in DECOYS)
        return counts


def _noise(prompt: Prompt, view: View) -> int:
    """The noise in a text, less the capitals that the user asked for."""
    rules = {rule["kind"]: rule["value"] for rule in prompt.data["rules"]}
    text = view.text.lower() if "upper" in rules or "lower" in rules else view.text
    for start, end in view.mentions(rules["caps"]) if "caps" in rules else ():
        text = text[:start] + text[start:end].lower() + text[end:]
    return tidy.tidy(text)[1] + clutter(text)


def _decided(prompt: Prompt, picks: Picks, kind: str) -> bool | None:
    """Whether the picks keep the constraint; None where it hangs on the length of empty sentences."""
    rule = next(r for r in prompt.data["rules"] if r["kind"] == kind)
    keep = picks[f"rule_{kind}"] == "keep"
    extra = surface.expect(picks, sentences=RESTATABLE)
    empty = int(extra["filler"] + extra["repeats"])
    greetings = (picks["opening"] != "none") + (picks["hedging"] != "none")
    if empty and kind in {"words_max", "words_min"} and keep == (kind == "words_max"):
        return None
    possible = True
    if kind == "sentences":
        possible = _shortest(prompt, picks) + empty <= rule["value"]
    elif kind == "question":
        possible = greetings < rule["value"]
    elif kind in {"caps", "order"}:
        keys = {rule["value"], rule.get("then", rule["value"])}
        possible = all(picks[f"detail_{key}"] != "missing" for key in keys)
    return keep and possible


def _shortest(prompt: Prompt, picks: Picks) -> int:
    """The least number of sentences that the picks need, without surface habits."""
    bare = {**picks, "repetition": "none"}
    return len(attempt(Writer(prompt.data, bare, Random(0), NO_SHELL, short=True)).all)


WORLD = Instructions()
