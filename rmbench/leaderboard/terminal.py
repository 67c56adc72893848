"""What the commands of the leaderboard print."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from rmbench.leaderboard.assess import Assessed
from rmbench.leaderboard.plain import exit_code
from rmbench.leaderboard.spot_check import Agreement
from rmbench.report.words import number, one_line


def print_found(found: Sequence[Assessed]) -> None:
    """A line per submission with its skills, and one per problem."""
    console, styles = Console(soft_wrap=True), {"error": "bold red", "warning": "yellow"}
    for one in found:
        status = ("clean", "rejected", "warnings")[exit_code([one])]
        values = {} if one.numbers is None else one.numbers.skills
        skills = "  ".join(f"{name} {number(estimate.value)}" for name, estimate in values.items())
        console.print(Text(f"{one_line(one.key)} {one_line(one.suite)}  {status}  {skills}".rstrip(), "bold"))
        for problem in one.problems:
            line = Text(f"  {problem.level} {problem.code}  ", styles[problem.level])
            console.print(line + Text(f"{one_line(problem.where)}: {one_line(problem.message)}", ""))


def summary(found: Sequence[Assessed], lines: int, problems: Sequence[str]) -> str:
    """How many there are of each kind, and whether the ledger holds."""
    codes = [exit_code([one]) for one in found]
    chain = f"ledger of {lines} lines: {'holds' if not problems else f'{len(problems)} problems'}"
    counts = f"{codes.count(0)} clean, {codes.count(2)} with warnings, {codes.count(1)} rejected"
    return f"{len(found)} submissions: {counts}; {chain}"


def print_agreement(found: Agreement, *, whole: bool) -> None:
    """What a second scoring found. `whole`: of all answers, and not of a slice."""
    what = f"{found.items:,} items, {found.responses:,} responses" + f", {found.attempts} texts of searches" * (
        not whole
    )
    told = f"largest difference {found.largest:.2g} standard deviations (allowed: {found.tolerance:g})"
    print(f"scored again: {what}; {told}")
    for line in found.unlike[:10]:
        print(f"  {one_line(line)}")
    if not found.agrees:
        print(f"it does NOT agree: {len(found.unlike)} differences; no line was written")
    elif not whole:
        print(f"it agrees; had more than {found.unseen:.1%} of the items been changed, it would have met one with 95 %")
