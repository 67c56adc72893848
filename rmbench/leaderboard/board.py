"""From many submissions and the ledger to boards: one of each suite version, ranks only within it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from rmbench.errors import UsageError
from rmbench.heldout.published import Published, read_published
from rmbench.leaderboard.assess import Assessed, Assessor
from rmbench.leaderboard.ranking import rank
from rmbench.leaderboard.sources import Candidate
from rmbench.leaderboard.standard import Standard, Standards, current_suites
from rmbench.leaderboard.standing import Standing, contradiction, reserved, standings
from rmbench.leaderboard.types import SKILLS, Board, Entry, HeldOut, Left, Rank
from rmbench.ledger import Event

Progress = Callable[[int], None]
Hold = Callable[[Candidate], AbstractContextManager[Path]]
Places = Mapping[tuple[str, str], Standing]


def _opened(candidate: Candidate) -> AbstractContextManager[Path]:
    return candidate.files()


@dataclass(frozen=True, slots=True)
class Builder:
    """How boards are built. `suites`: which ones, the main one first; None: those that this rmbench holds.

    `heldout`: the folder of published held-out results. `workers` processes assess submissions; `make` gives them the
    standards, so it must be a function of a module. With several, files must outlive the
    moment: see `Source.stays`.
    """

    suites: Sequence[str] | None = None
    assessor: Assessor = field(default_factory=Assessor)
    heldout: Path | None = None
    workers: int = 1
    make: Callable[[], Standards] = Standards
    progress: Progress = field(default=lambda _: None)

    def boards(self, candidates: Iterable[Candidate], events: Sequence[Event], hold: Hold = _opened) -> list[Board]:
        """The boards of all suites that have something to show. Bad submissions are told of, and stop nothing.

        `hold` opens a candidate's files: for a moment, or (where pages are made of them later) for longer.
        """
        places = standings(events)
        standards = self.make()
        wanted = [*(self.suites if self.suites is not None else current_suites())]
        found: dict[str, list[Assessed]] = {suite: [] for suite in wanted}
        left: dict[str, list[Left]] = {suite: [] for suite in wanted}
        seen: set[tuple[str, str]] = set()

        def to_assess() -> Iterator[tuple[Candidate, bool]]:
            for candidate in candidates:
                name = (candidate.key, candidate.suite)
                seen.add(name)
                standing = places.get(name, Standing())
                if candidate.problem or candidate.suite not in found:
                    there = candidate.suite if candidate.suite in found else wanted[0]
                    left[there].append(_other(candidate, standards))
                elif not standing.gone:
                    # the texts of what stands in the ledger were graded when it was put there
                    yield candidate, standing.trust == "self-reported"

        for number, one in enumerate(self._assessed(to_assess(), standards, hold), start=1):
            found[one.suite].append(one)
            self.progress(number)
        boards = []
        for suite in wanted:
            ours = {key: place for key, place in places.items() if key[1] == suite}
            left[suite] += _absent(ours, seen)
            if found[suite] or left[suite]:
                boards.append(self._board(standards.get(suite), found[suite], left[suite], places, events))
        return boards

    def _assessed(self, work: Iterable[tuple[Candidate, bool]], standards: Standards, hold: Hold) -> Iterator[Assessed]:
        if self.workers == 1:
            for candidate, texts in work:
                with hold(candidate) as folder:
                    yield self.assessor(folder, standards, texts=texts)
            return
        with (
            ExitStack() as stack,
            get_context("spawn").Pool(self.workers, _prepare, (self.assessor, self.make)) as pool,
        ):
            paths = ((stack.enter_context(hold(candidate)), texts) for candidate, texts in work)
            yield from pool.imap(_work, paths, chunksize=4)

    def _board(
        self, standard: Standard, found: Sequence[Assessed], left: list[Left], places: Places, events: Sequence[Event]
    ) -> Board:
        suite = standard.suite
        season, published = self._published(events, suite)
        entries = []
        for one in found:
            standing = places.get((one.key, suite), Standing())
            if one.numbers is None or one.facts is None:
                left.append(Left(one.key, suite, "rejected", tuple(f"{p.where}: {p.message}" for p in one.errors)))
            elif problem := reserved(one.key, standing) or contradiction(standing, one.digest, one.numbers.skills):
                left.append(Left(one.key, suite, "rejected", (problem,)))
            else:
                known = published.get(one.key)  # of these files, and not of others under the same name
                entries.append(_entry(one, standing, known if known and known.submission == one.digest else None))
        ranked = ranked_entries([entry for entry in entries if entry.partial is None], standard)
        return Board(
            suite=suite,
            cards=standard.cards,
            ranked=tuple(_with_places_lost(ranked)),
            partial=tuple(sorted((entry for entry in entries if entry.partial is not None), key=lambda e: e.key)),
            left=tuple(sorted(left, key=lambda one: (one.kind, one.name, one.suite))),
            settings={"bootstrap": self.assessor.bootstrap, "seed": self.assessor.seed, "level": 0.05},
            ledger=events[-1].hash if events else None,
            season=season,
        )

    def _published(self, events: Sequence[Event], suite: str) -> tuple[str | None, Mapping[str, Published]]:
        found = None if self.heldout is None else read_published(self.heldout, events, suite)
        return found or (None, {})


def ranked_entries(entries: Sequence[Entry], standard: Standard) -> list[Entry]:
    """The entries with their ranks, best overall first; equal ones by name, so that no order of files matters."""
    if not entries:
        return []
    ranks: list[dict[str, Rank]] = [{} for _ in entries]
    for row, skill in enumerate(SKILLS):
        values = np.array([_value(entry, skill) for entry in entries])
        draws = np.stack([entry.draws[row] for entry in entries])
        for found, one in zip(ranks, rank(values, draws, freedom=_freedom(standard, skill)), strict=True):
            found[skill] = one
    out = [replace(entry, ranks=found) for entry, found in zip(entries, ranks, strict=True)]
    return sorted(out, key=lambda entry: (entry.ranks["overall"].place, entry.key))


def _value(entry: Entry, skill: str) -> float:
    value = entry.skills[skill].value
    assert value is not None, "an entry without a skill is partial"
    return value


def _freedom(standard: Standard, skill: str) -> float:
    """Degrees of freedom of a skill's standard error: of the task that has the fewest groups."""
    tasks = [task for task in standard.tasks.values() if skill in ("overall", task.card.axis)]
    return min(len({item.group for item in task.items}) for task in tasks) - 1


def _entry(one: Assessed, standing: Standing, published: Published | None) -> Entry:
    facts, numbers = one.facts, one.numbers
    assert facts is not None
    assert numbers is not None
    return Entry(
        key=one.key,
        submission=facts.submission,
        suite=one.suite,
        folder=one.folder,
        digest=one.digest,
        settings=facts.settings,
        created=facts.created,
        harness=facts.harness,
        trust=standing.trust,
        skills=numbers.skills,
        tasks=numbers.tasks,
        items=numbers.items,
        missing=numbers.missing,
        tokens=facts.tokens,
        seconds=facts.seconds,
        parameters=facts.parameters,
        track=facts.track,
        contamination=numbers.contamination,
        partial=_partial(one),
        heldout=None if published is None else _held_out(published),
        events=standing.events,
        warnings=tuple(problem for problem in one.problems if problem.level == "warning"),
        draws=numbers.draws,
    )


def _held_out(found: Published) -> HeldOut:
    return HeldOut(found.season, found.skills, found.step, found.attempts)


def _partial(one: Assessed) -> str | None:
    """Why an entry has no rank: no rank below full coverage."""
    numbers, facts = one.numbers, one.facts
    assert numbers is not None
    assert facts is not None
    if numbers.missing:
        return f"{numbers.missing:,} of {numbers.items:,} items lack a score"
    if not facts.attacked:
        return "no optimiser queried the model (policy gradient, search), so recovery is a mean over fewer budgets"
    if without := [name for name in SKILLS if numbers.skills[name].value is None]:
        return f"{without[0]} has no value: {numbers.skills[without[0]].reason}"
    return None


def _with_places_lost(entries: Sequence[Entry]) -> list[Entry]:
    """Place on the held-out tasks minus the public one, among those that were scored on both."""
    both = [entry for entry in entries if entry.heldout is not None and "overall" in entry.heldout.skills]
    # held-out skills are rounded, so the public ones are too: otherwise rounding alone would make places
    public = [_rounded(_value(entry, "overall"), entry.heldout.step) for entry in both if entry.heldout]
    private = [entry.heldout.skills["overall"] for entry in both if entry.heldout]
    lost = {
        entry.key: _place(private, private[n]) - _place(public, public[n]) for n, entry in enumerate(both)
    }  # fmt: skip
    return [
        replace(entry, heldout=replace(entry.heldout, places_lost=lost[entry.key])) if entry.heldout else entry
        for entry in entries
    ]


def _rounded(value: float, step: float) -> float:
    return round(value / step) * step


def _place(values: Sequence[float], mine: float) -> int:
    return 1 + sum(value > mine + 1e-9 for value in values)


def _other(candidate: Candidate, standards: Standards) -> Left:
    """What is no submission at all, or one of a suite that has no board here."""
    if candidate.problem:
        told = f"{candidate.problem.where}: {candidate.problem.message}"
        return Left(candidate.key, candidate.suite, "rejected", (told,))
    try:
        standards.get(candidate.suite)
        sentence = f"it is of {candidate.suite}, of which this page has no board"
    except UsageError as error:
        sentence = str(error)
    return Left(candidate.key, candidate.suite, "other version", (sentence,))


def _absent(places: Places, seen: set[tuple[str, str]]) -> Iterator[Left]:
    """What the ledger knows and no folder shows: tombstones, and files that are gone without one."""
    for (key, suite), standing in places.items():
        if standing.gone:
            when = standing.events[-1].time[:10]
            yield Left(key, suite, standing.gone, (f"{when}: {standing.reason or 'no reason given'}",))
        elif (key, suite) not in seen and standing.submission:
            told = f"line {standing.added} of the ledger puts it on the board, but its files are not here"
            yield Left(key, suite, "rejected", (told,))


_state: dict[str, object] = {}


def _prepare(assessor: Assessor, make: Callable[[], Standards]) -> None:
    _state.update(assessor=assessor, standards=make())


def _work(given: tuple[Path, bool]) -> Assessed:
    folder, texts = given
    assessor, standards = _state["assessor"], _state["standards"]
    assert isinstance(assessor, Assessor)
    assert isinstance(standards, Standards)
    return assessor(folder, standards, texts=texts)
