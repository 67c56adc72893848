"""The text under attack: what a writer picked, how it was worded, and the edits made since.

When a pick changes, the answer is written anew and what was added to it and how it was dressed is done again: what was
found to please survives a change of content. Edits of single sentences go with the sentences that they were made for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random

from rmbench.optimizers.mutations.base import Case, Operator
from rmbench.optimizers.mutations.order import SENTENCES
from rmbench.worlds import surface

CHOICE_FAMILIES = ("content", "habits")
REWORD = "reword"


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer. `edits` are the operators of text with the seed each was applied with, in order."""

    picks: Mapping[str, str]
    wording: int
    text: str
    edits: tuple[tuple[Operator, str], ...] = ()

    def edited(self, operator: Operator, case: Case, seed: str) -> Draft:
        """The draft after one more edit."""
        return replace(self, text=operator.edit(self.text, case, Random(seed)), edits=(*self.edits, (operator, seed)))

    def rewritten(self, case: Case, picks: Mapping[str, str], wording: int) -> Draft:
        """The draft with other picks or another wording, and the edits that are not about single sentences."""
        text = case.world.render(case.prompt, picks, wording)
        edits = tuple((operator, seed) for operator, seed in self.edits if operator.family != SENTENCES)
        for operator, seed in edits:
            text = operator.edit(text, case, Random(seed))
        return Draft(picks, wording, text, edits)


@dataclass(frozen=True, slots=True)
class Change:
    """Another option for one choice of the writer; no choice = the same picks in other words."""

    family: str
    choice: str = ""
    option: str = ""
    name: str = field(init=False)

    def __post_init__(self) -> None:
        named = f"{self.choice.partition('_')[0]}: {self.option}" if self.choice else REWORD
        object.__setattr__(self, "name", named)  # "fact_3" is a fact

    def apply(self, draft: Draft, case: Case, rng: Random) -> Draft:
        """The draft rewritten. The wording stays where a pick changes, as far as the world allows."""
        if not self.choice:
            return draft.rewritten(case, draft.picks, rng.randrange(2**31))
        return draft.rewritten(case, {**draft.picks, self.choice: self.option}, draft.wording)


def first(case: Case, rng: Random) -> Draft:
    """One draw of the reference policy."""
    picks = case.world.sample(case.prompt, rng)
    wording = rng.randrange(2**31)
    return Draft(picks, wording, case.world.render(case.prompt, picks, wording))


def moves(case: Case) -> dict[str, tuple[Change, ...]]:
    """Every option of every choice, by family. The writer's preference among the options is not looked at."""
    habits = {c.name for c in case.world.choices(case.prompt)} & surface.HABITS.keys()
    out: dict[str, list[Change]] = {family: [] for family in CHOICE_FAMILIES}
    for choice in case.world.choices(case.prompt):
        family = "habits" if choice.name in habits else "content"
        out[family] += [Change(family, choice.name, option) for option in choice.options]
    out["content"].append(Change("content"))
    return {family: tuple(changes) for family, changes in out.items()}
