"""The run folder: what is written is read back, and nothing damaged or edited is."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scored import edited_manifest

from rmbench.errors import RunError
from rmbench.rows import Row, content_digest
from rmbench.scores import VERSION, digest, read_run, write_run
from rmbench.types import Card, Failure, Item, Task


def card(name="pairs", axis="generalisation", **more):
    return Card(
        name=name,
        axis=axis,
        version=1,
        title="t",
        asks="a",
        limits="l",
        licence="Apache-2.0",
        source="tests",
        canary="rmbench:00000000-0000-0000-0000-000000000000",
        chance=0.5,
        items=2,
        sha256="0" * 64,
        **more,
    )


def item(name, gold=(1.0, 0.0), **more):
    prompt = ({"role": "user", "content": f"prompt of {name} é\u2028"},)
    return Item(name, prompt, tuple(f"answer {k}" for k in range(len(gold))), gold, f"group-{name}", **more)


TASK = Task(card(), (item("b", probability=0.75, votes=(3, 1), tags={"split": "base"}), item("a")))
SCORES = [[0.1 + 0.2, -1e-300], [Failure("too long"), math.nan]]


def write(path, task=TASK, scores=SCORES, **more):
    settings = {"name": "toy", "revision": "abc"}
    stats = {task.card.name: {"seconds": 1.5, "tokens": 10, "truncated": 1}}
    fixed = {"suite": "quick@1", "seed": 0, "limit": None, "environment": {"python": "3.11"}}
    return write_run(
        path, settings=settings, tasks=[task], scores={task.card.name: scores}, stats=stats, **(fixed | more)
    )


def test_round_trip(tmp_path):
    run = read_run(write(tmp_path / "run"))
    a, b = run.items("pairs")  # sorted by id
    assert (a.id, b.id, b.group) == ("a", "b", "group-b")
    assert b.scores.tolist() == [0.1 + 0.2, -1e-300]  # bit for bit
    assert (b.probability, b.votes, b.tags, b.complete) == (0.75, (3, 1), {"split": "base"}, True)
    assert np.isnan(a.scores).all()
    assert (a.probability, a.votes, a.tags, a.complete) == (None, None, {}, False)
    assert run.reasons == {"too long": 1, "non-finite score: nan": 1}
    counts = run.manifest.counts["pairs"]
    assert (counts.items, counts.responses, counts.scored, counts.failed) == (2, 4, 2, 2)
    assert (counts.tied, counts.truncated, counts.tokens, counts.seconds) == (0, 1, 10, 1.5)
    assert run.cards["pairs"] == TASK.card


def test_null_and_reason_are_stored_for_what_is_not_finite(tmp_path):
    write(tmp_path / "run", scores=[[math.inf, -math.inf], [math.nan, 1]])
    table = pq.read_table(tmp_path / "run" / "scores.parquet").to_pydict()
    assert table["score"] == [None, None, None, 1.0]
    assert table["reason"] == [*(f"non-finite score: {x}" for x in ("inf", "-inf", "nan")), None]


def test_manifest_is_strict_json(tmp_path):
    with pytest.raises(RunError, match="not written"):
        write_run(
            tmp_path / "run",
            settings={"name": "toy", "x": math.nan},
            suite=None,
            seed=0,
            limit=None,
            tasks=[TASK],
            scores={"pairs": SCORES},
            environment={},
            stats={},
        )
    assert list(tmp_path.iterdir()) == []


def test_ties_are_counted(tmp_path):
    run = read_run(write(tmp_path / "run", scores=[[1, 1], [0, 1]]))
    assert run.manifest.counts["pairs"].tied == 2


def test_never_overwrites_and_leaves_nothing_half_written(tmp_path):
    (tmp_path / "empty").mkdir()
    write(tmp_path / "empty")
    with pytest.raises(RunError, match="already holds something"):
        write(tmp_path / "empty")
    (tmp_path / "file").write_text("x")
    with pytest.raises(RunError, match="already holds something"):
        write(tmp_path / "file")
    with pytest.raises(RunError, match="2 responses but 1 scores"):
        write(tmp_path / "new", scores=[[1], [1, 2]])
    with pytest.raises(RunError, match="2 items but scores for 1"):
        write(tmp_path / "new", scores=[[1, 2]])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty", "file"]


def test_failed_write_removes_its_draft(tmp_path, monkeypatch):
    monkeypatch.setattr("rmbench.scores.write_rows", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(RunError, match="disk full"):
        write(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_digest_is_of_the_text_alone():
    talk = [{"role": "user", "content": "é"}, {"role": "assistant", "content": "ok"}]
    assert digest(talk) == digest(tuple(dict(reversed(m.items())) for m in talk))
    assert len(digest(talk)) == 32
    assert digest(talk) == "b18f883e85d5bdf600c11cc7969b9286"  # sha256 of the canonical JSON, made by `sha256sum`
    assert digest(talk) != digest(talk[:1])


def test_content_digest_ignores_row_order_and_parquet_settings(tmp_path):
    run = read_run(write(tmp_path / "run"))
    where = tmp_path / "run" / "scores.parquet"
    table = pq.read_table(where)
    pq.write_table(table.take([3, 1, 0, 2]), where, compression="none", version="1.0")
    again = read_run(tmp_path / "run")
    assert [i.id for i in again.items("pairs")] == [i.id for i in run.items("pairs")]
    rows = [Row(*cells.values()) for cells in table.to_pylist()]
    assert content_digest(rows) == content_digest(rows[::-1]) == run.manifest.scores
    assert content_digest(rows[:3]) != run.manifest.scores


@pytest.mark.parametrize("name", ["manifest.json", "scores.parquet"])
def test_missing_file(tmp_path, name):
    (write(tmp_path / "run") / name).unlink()
    with pytest.raises(RunError, match=f"no {name}"):
        read_run(tmp_path / "run")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.update(sede=0), r"sede: Extra inputs"),
        (lambda m: m.pop("seed"), r"seed: Field required"),
        (lambda m: m.update(format=2), r"format: Input should be 1"),
        (lambda m: m["settings"].pop("name"), r"model's name"),
        (lambda m: m["cards"]["pairs"].update(axis="taste"), r"cards.pairs.axis: Input"),
        (lambda m: m["counts"]["pairs"].update(seconds=math.inf), r"damaged: .* it holds Infinity"),
        (lambda m: m.update(counts={}), r"counts and cards"),
        (lambda m: m["counts"]["pairs"].update(failed=0), r"counts.pairs does not match"),
        (lambda m: m["cards"].clear() or m["counts"].clear(), r"'pairs', which has no card"),
    ],
)
def test_edited_manifest(tmp_path, change, message):
    edited_manifest(write(tmp_path / "run"), change)
    with pytest.raises(RunError, match=message):
        read_run(tmp_path / "run")


def test_a_field_that_was_changed_by_hand_is_noticed(tmp_path):
    path = write(tmp_path / "run") / "manifest.json"
    path.write_text(path.read_text().replace('"seed": 0', '"seed": 1'))
    with pytest.raises(RunError, match="changed after the run: its seal does not fit"):
        read_run(tmp_path / "run")


@pytest.mark.parametrize(
    ("text", "message"),
    [('{\n"seed": ]', "damaged: .* line 2"), ("[" * 200_000, "damaged"), ("[]", "valid dictionary"), ("\0", "damaged")],
)
def test_damaged_manifest(tmp_path, text, message):
    (write(tmp_path / "run") / "manifest.json").write_text(text)
    with pytest.raises(RunError, match=message):
        read_run(tmp_path / "run")


def test_manifest_that_is_not_text(tmp_path):
    (write(tmp_path / "run") / "manifest.json").write_bytes(b"\xff\xfe")
    with pytest.raises(RunError, match="damaged"):
        read_run(tmp_path / "run")


def edit_rows(run, change):
    path = run / "scores.parquet"
    rows = pq.read_table(path).to_pylist()
    changed = change(rows)
    pq.write_table(pa.Table.from_pylist(rows if changed is None else changed), path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows[0].update(score=0.5), "does not match the digest"),
        (lambda rows: rows[0].update(gold=0.5), "does not match the digest"),
        (lambda rows: rows[0].update(gold=math.nan), "gold of nan"),
        (lambda rows: rows[0].update(gold=None), "'gold' has 1 empty cells"),
        (lambda rows: rows[0].update(score=math.nan), "score of nan in place of null"),
        (lambda rows: rows[0].update(score=math.inf), "score of inf in place of null"),
        (lambda rows: rows[0].update(score=None), "either a score or a reason"),
        (lambda rows: rows[0].update(reason="why"), "either a score or a reason"),
        (lambda rows: [*rows, rows[0]], "duplicate rows for response 0"),
        (lambda rows: rows[1:], "lacks rows"),
        (lambda rows: rows[:2], "counts.pairs|digest"),
        (lambda rows: rows[0].update(group="x"), "disagree on group"),
        (lambda rows: [r | {"probability": 1.5} for r in rows], "probability of 1.5"),
        (lambda rows: [r | {"votes_second": None} for r in rows], "must be two counts"),
        (lambda rows: [r | {"votes_second": -1} for r in rows], "must be two counts"),
        (lambda rows: [r | {"tags": '{"split": 1}'} for r in rows], "not a JSON object of texts"),
        (lambda rows: [r | {"tags": "{"} for r in rows], "not a JSON object of texts"),
        (lambda rows: [r | {"task": "other"} for r in rows], "'other', which has no card"),
        (lambda rows: [r | {"gold": "high"} for r in rows], "'gold' holds string, not double"),
        (lambda rows: [r | {"points": 1} for r in rows], "unknown column 'points'"),
        (lambda rows: [{k: v for k, v in r.items() if k != "gold"} for r in rows], "no column 'gold'"),
    ],
)
def test_edited_scores(tmp_path, change, message):
    edit_rows(write(tmp_path / "run"), change)
    with pytest.raises(RunError, match=message):
        read_run(tmp_path / "run")


def test_scores_that_are_not_parquet(tmp_path):
    (write(tmp_path / "run") / "scores.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(RunError, match="not readable as parquet"):
        read_run(tmp_path / "run")


def test_unknown_task(tmp_path):
    with pytest.raises(RunError, match="'other' was not run; this run holds: pairs"):
        read_run(write(tmp_path / "run")).items("other")


def test_created_is_the_only_thing_that_differs_between_equal_runs(tmp_path):
    one, two = (write(tmp_path / name, created="2026-01-01") for name in ("one", "two"))
    assert all((one / n).read_bytes() == (two / n).read_bytes() for n in ("manifest.json", "scores.parquet"))


def test_version_is_that_of_the_package():
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
    assert project["project"]["version"] == VERSION
