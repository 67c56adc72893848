"""scores.parquet against the standard: one vectorised comparison, and a search for the words only where it fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmbench.leaderboard.layout import check_parquet
from rmbench.leaderboard.standard import KEY, SAID, Standard, schema
from rmbench.leaderboard.types import Problem, Refusal

if TYPE_CHECKING:
    import polars as pl

WHERE = "scores.parquet"
LONGEST = 500  # characters of a reason
MARGIN = 2  # times the rows of the suite: so many are still read, and told by name if they are too many
BYTES = 2000  # of a row: its tags, its reason
BIGGEST = 1e100  # of scores: beyond it, differences overflow
AGREE = 1e-9  # of a ratio
Frame = Any  # a polars.DataFrame; its expressions are not typed to the last


def read_scores(path: Path, standard: Standard) -> Frame:
    """The rows in canonical order. Raises Refusal for a file that is too large, damaged, or has other columns."""
    import polars as pl
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = MARGIN * standard.rows.height
    if problem := check_parquet(path, rows=rows, size=rows * BYTES):
        raise Refusal(*problem[:3])
    wanted = schema()
    try:
        table = pq.read_table(path, use_threads=False)
        table.validate(full=True)  # text that is not UTF-8, among others
        frame = pl.DataFrame(pl.from_arrow(table))
    except (pa.ArrowException, OSError, ValueError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        told = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise Refusal("parquet", WHERE, f"not readable: {told}; submit the file as the run wrote it") from None
    if {*frame.columns} != {*wanted} or len(frame.columns) != len(wanted):
        told = f"its columns are {', '.join(frame.columns)[:200]!r}"
        raise Refusal("column", WHERE, f"{told}; a run has {', '.join(wanted)}")
    for name, kind in wanted.items():
        if frame.schema[name] != kind and not (frame.schema[name] == pl.Null and frame[name].null_count()):
            raise Refusal("column", WHERE, f"column {name} holds {frame.schema[name]}, not {kind}")
        if frame[name].null_count() and name not in ("score", "reason", "probability", "votes_first", "votes_second"):
            raise Refusal("column", WHERE, f"column {name} has {frame[name].null_count()} empty cells; a run has none")
    kinds: Any = wanted
    return frame.cast(kinds).select([*wanted]).sort(KEY)


def check_scores(frame: Frame, standard: Standard) -> list[Problem]:
    """Whether the rows are those of the suite, each with a finite score or a reason."""
    found = [*_score_problems(frame)]
    expected = standard.rows
    if frame.height == expected.height and all(_same(frame[n], expected[n]).all() for n in KEY + SAID):
        return found
    return found + ([*_row_problems(frame, expected)] or [*_item_problems(frame, expected)])


def _same(a: pl.Series, b: pl.Series) -> pl.Series:
    return a.eq_missing(b)


def _score_problems(frame: Frame) -> Iterator[Problem]:
    import polars as pl

    score, reason = pl.col("score"), pl.col("reason")
    odd = "has a score that is not a finite number; a missing score is null, with a reason"
    checks = (
        ("non-finite", ~score.is_finite(), odd),
        (
            "impossible",
            score.is_finite() & (score.abs() > BIGGEST),
            f"has a score beyond {BIGGEST:g}, which no model gives",
        ),
        ("reason", score.is_null() == reason.is_null(), "needs either a score or a reason, and one only"),
        ("reason", reason.str.len_chars() > LONGEST, f"has a reason of more than {LONGEST} characters"),
    )
    for code, wrong, told in checks:
        hit = frame.filter(wrong.fill_null(value=False))
        if hit.height:
            yield Problem(code, _at(hit), told + _more(hit.height))


def _row_problems(frame: Frame, expected: Frame) -> Iterator[Problem]:
    """Rows that are there twice, that no such suite has, or that are lacking."""
    tasks = {*expected["task"].unique()}
    for other in sorted({*frame["task"].unique()} - tasks)[:1]:
        yield Problem("extra", WHERE, f"it scores the task {other!r:.80}, which the suite does not have")
    twice = frame.filter(frame.select(KEY).is_duplicated())
    if twice.height:
        yield Problem(
            "duplicate", _at(twice), f"it is there more than once{_more(twice.height)}; a run has each row once"
        )
    extra = frame.join(expected, on=KEY, how="anti")
    if extra.height:
        yield Problem(
            "extra", _at(extra), f"the suite has no such response{_more(extra.height)}; submit the run as it is"
        )
    lacking = expected.join(frame, on=KEY, how="anti")
    if lacking.height:
        told = f"its row is missing{_more(lacking.height)}; a response without a score is a row with a reason"
        yield Problem("missing", _at(lacking), f"{told}, and a run with --limit or --task cannot be submitted")


def _item_problems(frame: Frame, expected: Frame) -> Iterator[Problem]:
    """What a row says of its item other than the task does: the first such row of each column."""
    for name in SAID:
        wrong = ~_same(frame[name], expected[name])
        if not wrong.any():
            continue
        told, true = frame.filter(wrong), expected.filter(wrong)
        if name in ("gold", "probability") and _percent(told[name], true[name]):
            sentence = f"its {name} is {told[name][0]:g}, 100 times the task's: per cent in place of a proportion"
            yield Problem("percent", _at(told), sentence + _more(told.height))
            continue
        sentence = f"its {name} is {told[name][0]!r:.60}, the task says {true[name][0]!r:.60}"
        yield Problem("item", _at(told), f"{sentence}{_more(told.height)}; the item was changed after the run")


def _percent(told: pl.Series, true: pl.Series) -> bool:
    """Whether all that differs is a hundred times what it should be."""
    return bool(((told / true - 100).abs() < AGREE * 100).fill_null(value=False).all())


def _at(frame: Frame) -> str:
    task, item, index = frame.row(0)[:3]
    return f"{WHERE}: {str(task)[:60]}/{str(item)[:60]}[{index}]"


def _more(rows: int) -> str:
    return f" (and {rows - 1:,} more rows)" if rows > 1 else ""
