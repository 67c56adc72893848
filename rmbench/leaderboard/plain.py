"""What the validator found, for a terminal, as JSON, or as annotations of a forge's pull request."""

from collections.abc import Sequence
from typing import Any

from rmbench.leaderboard.assess import Assessed

EXIT_CLEAN, EXIT_REJECTED, EXIT_WARNINGS = 0, 1, 2


def exit_code(found: Sequence[Assessed]) -> int:
    """0 clean, 1 something was rejected, 2 warnings alone."""
    levels = {problem.level for one in found for problem in one.problems}
    return EXIT_REJECTED if "error" in levels else EXIT_WARNINGS if "warning" in levels else EXIT_CLEAN


def verification_json(found: Sequence[Assessed], ledger: Sequence[str] = ()) -> dict[str, Any]:
    """Keys: submissions (entry, suite, digest, status, skills, problems: code, where, message, level), ledger."""
    return {
        "submissions": [
            {
                "entry": one.key,
                "suite": one.suite,
                "digest": one.digest or None,
                "status": ("clean", "rejected", "warnings")[exit_code([one])],
                "skills": None if one.numbers is None else {n: e.value for n, e in one.numbers.skills.items()},
                "problems": [problem._asdict() for problem in one.problems],
            }
            for one in found
        ],
        "ledger": list(ledger),
    }


def forge_lines(found: Sequence[Assessed], ledger: Sequence[str] = ()) -> list[str]:
    """Workflow commands of GitHub Actions, one a line: a stranger's text is escaped, so that it commands nothing."""
    lines = []
    for one in found:
        for problem in one.problems:
            kind = "error" if problem.level == "error" else "warning"
            title = _property(f"{one.key}/{one.suite}: {problem.code}")
            lines.append(f"::{kind} title={title}::{_data(f'{problem.where}: {problem.message}')}")
    return lines + [f"::error title=ledger::{_data(told)}" for told in ledger]


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
