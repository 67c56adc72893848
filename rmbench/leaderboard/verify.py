"""The validator: one submission in, its problems and its numbers out. The submitter and the board run the same.

It runs no code of a submission and needs no model. What is wrong is a `Problem`; an exception is a bug of ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rmbench.contamination import Report, overlapping, read_report
from rmbench.errors import SubmissionError
from rmbench.leaderboard import courses as course_checks
from rmbench.leaderboard.frames import Frame, check_scores, read_scores
from rmbench.leaderboard.layout import CONTAMINATION, SUBMISSION, check_layout, digest_of
from rmbench.leaderboard.manifest import check_manifest, read_stated, read_submission, standard_for
from rmbench.leaderboard.replay import check_replay
from rmbench.leaderboard.standard import Standard, Standards
from rmbench.leaderboard.types import Problem, Refusal, Submission
from rmbench.scores import MANIFEST, SCORES, Manifest
from rmbench.trajectory import TRAJECTORY, Trajectory


@dataclass(frozen=True, slots=True)
class Checked:
    """A submission that was looked at. All that was read is there only as far as reading came.

    `digest` is that of its files, which the ledger knows it by.
    """

    folder: Path
    digest: str
    problems: tuple[Problem, ...]
    submission: Submission | None = None
    manifest: Manifest | None = None
    standard: Standard | None = None
    frame: Frame = None
    courses: Sequence[Trajectory] = ()
    attempts: course_checks.Attempts = field(default_factory=dict)
    report: Report | None = None

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What it is rejected for."""
        return tuple(problem for problem in self.problems if problem.level == "error")


def verify(folder: Path, standards: Standards, *, texts: bool = True) -> Checked:
    """Everything that can be checked without the model. `texts`: also go through its searches again (seconds)."""
    problems = check_layout(folder)
    if problems:
        return Checked(folder, "", tuple(problems))
    seen: dict[str, object] = {}
    try:
        for name, value in _read(folder, standards):
            if isinstance(value, Problem):
                problems.append(value)
            else:
                seen[name] = value
    except Refusal as refusal:
        problems.append(refusal.problem)
    found = Checked(folder, digest_of(folder), tuple(problems), **seen)  # type: ignore[arg-type]  # by _read's names
    if found.errors or found.submission is None or found.manifest is None or found.standard is None:
        return found
    problems += [*check_replay(found.courses, found.attempts, found.standard)] if texts else []
    problems += [*_warnings(found.submission, found.manifest, found.standard, found.courses)]
    return replace(found, problems=tuple(problems))


def _read(folder: Path, standards: Standards) -> Iterator[tuple[str, object]]:
    """What is found, by the names of `Checked`, and problems between. Raises Refusal where no more can be said."""
    yield "submission", read_submission(folder)
    manifest = read_stated(folder)
    yield "manifest", manifest
    standard = standard_for(manifest, standards)
    yield "standard", standard
    stated = [*check_manifest(manifest, standard)]
    yield from (("problem", problem) for problem in stated)
    frame = read_scores(folder / SCORES, standard)
    yield "frame", frame
    wrong = check_scores(frame, standard)
    yield from (("problem", problem) for problem in wrong)
    if not wrong and not stated:
        yield from (("problem", problem) for problem in _against_manifest(frame, manifest, standard))
    courses, attempts = course_checks.read_courses(folder, manifest, standard)
    yield "courses", courses
    yield "attempts", attempts
    if not stated:
        spent = {name: card.budgets.queries for name, card in manifest.cards.items() if card.budgets.queries}
        yield from (("problem", p) for p in course_checks.check_courses(courses, attempts, standard, spent))
    if (folder / CONTAMINATION).exists():
        yield "report", _report(folder, standard)


def _against_manifest(frame: Frame, manifest: Manifest, standard: Standard) -> Iterator[Problem]:
    """The digest and the counts that the manifest states, made again from the rows."""
    import polars as pl

    if standard.digest(frame["score"].to_list(), frame["reason"].to_list()) != manifest.scores:
        told = "its content does not have the digest that the manifest states: a score was changed after the run"
        yield Problem("digest", SCORES, told)
    counted = (pl.len(), pl.col("score").null_count().alias("failed"), pl.col("item").n_unique().alias("items"))
    found = {task: tuple(counts) for task, *counts in frame.group_by("task").agg(*counted).iter_rows()}
    for name, counts in manifest.counts.items():
        if (counts.responses, counts.failed, counts.items) != found.get(name):
            yield Problem("counts", f"{MANIFEST}: counts.{name}", "it does not count what scores.parquet holds")


def _report(folder: Path, standard: Standard) -> Report:
    """contamination.json, about this suite's tasks and items that they have."""
    try:
        report = read_report(folder / CONTAMINATION)
        overlapping(report, standard.cards)
    except SubmissionError as error:
        raise Refusal("contamination", CONTAMINATION, " ".join(str(error).split())[:300]) from None
    whole = {task.name for task in report.tasks if task.canary is not None}
    if hidden := [n for n, card in standard.cards.items() if card.canary in report.canaries and n not in whole]:
        told = f"it lists the canary of {hidden[0]} and does not count that task as overlapping"
        raise Refusal("contamination", CONTAMINATION, told)
    return report


def _warnings(
    submission: Submission, manifest: Manifest, standard: Standard, courses: Sequence[Trajectory]
) -> Iterator[Problem]:
    counts = manifest.counts.values()
    failed, truncated = sum(c.failed for c in counts), sum(c.truncated for c in counts)
    if failed:
        told = f"{failed:,} responses have no score: the entry is shown apart, without a rank"
        yield Problem("partial", SCORES, told, "warning")
    stated = manifest.cards
    if lacking := [n for n, card in standard.cards.items() if card.budgets.queries != stated[n].budgets.queries]:
        told = f"{', '.join(lacking)} were not attacked by optimisers: the entry is shown apart, without a rank"
        yield Problem("partial", MANIFEST, told, "warning")
    for course in (c for c in courses if c.rewarded == "model" and c.steps[-1].failed):
        told = (
            f"{course.task}, {course.optimizer}: {course.steps[-1].failed:,} of {course.queries:,} queries got no score"
        )
        yield Problem("failed", TRAJECTORY, told, "warning")
    if truncated:
        yield Problem("truncated", MANIFEST, f"{truncated:,} responses were cut to fit the model's window", "warning")
    if allowed := manifest.environment.get("allowed"):
        told = f"it was run although `rmbench doctor` finds a problem: {allowed:.100}"
        yield Problem("allowed", MANIFEST, told, "warning")
    if submission.training_data is None:
        told = "training_data is not declared, so contamination is shown as unknown; [] says that there is none"
        yield Problem("undeclared", SUBMISSION, told, "warning")
    said = manifest.settings.get("parameters")
    if submission.parameters is not None and said is not None and submission.parameters != said:
        told = f"it says {submission.parameters:,} parameters, the run counted {said:,}; the board shows the latter"
        yield Problem("parameters", SUBMISSION, told, "warning")
