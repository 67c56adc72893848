"""The validator: an honest submission passes, and what was done to submissions elsewhere is told by its name."""

import json
import os

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from scored import edited_manifest
from submitted import SUITE, copied, mini_run, mini_standards, submit

from rmbench.evaluation import evaluate
from rmbench.leaderboard.assess import Assessor
from rmbench.leaderboard.verify import verify
from rmbench.rows import content_digest, read_rows, write_rows
from rmbench.trajectory import read_rows as read_courses
from rmbench.trajectory import rows_digest
from rmbench.trajectory import write_rows as write_courses


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    return submit(tmp_path_factory.mktemp("board"), training_data=())


@pytest.fixture
def folder(honest, tmp_path):
    return copied(honest, tmp_path)


def codes(folder):
    return {problem.code for problem in verify(folder, mini_standards()).errors}


def told(folder):
    return "\n".join(f"{p.where}: {p.message}" for p in verify(folder, mini_standards()).errors)


def edited_scores(folder, change, *, restate=True):
    """Change the rows; `restate` also puts their new digest into the manifest, as one who knows the format would."""
    path = folder / "scores.parquet"
    rows = [row._replace(**new) for row in read_rows(path) for new in change(row)]
    write_rows(path, rows)
    if restate:
        edited_manifest(folder, lambda raw: raw.update(scores=content_digest(rows)))


def first_row(row):
    return (row.task, row.item, row.index) == ("domain", "arithmetic-0000-base", 0)


def test_an_honest_submission_is_clean_and_gives_the_numbers_of_evaluate(honest):
    checked = verify(honest, mini_standards())
    assert checked.problems == ()
    found = Assessor(bootstrap=200)(honest, mini_standards())
    result = evaluate(mini_run(), bootstrap=200)
    for name, estimate in found.numbers.skills.items():
        assert estimate == result.skills[name]
    assert {n: e.value for n, e in found.numbers.tasks.items()} == {n: t.skill.value for n, t in result.tasks.items()}


def test_the_digest_of_the_standard_is_that_of_the_rows(honest):
    rows = read_rows(honest / "scores.parquet")
    standard = mini_standards().get(SUITE)
    assert standard.digest([r.score for r in rows], [r.reason for r in rows]) == content_digest(rows)
    some = [row._replace(score=None, reason='no "score" \u2028 é') if n % 3 else row for n, row in enumerate(rows)]
    assert standard.digest([r.score for r in some], [r.reason for r in some]) == content_digest(some)


SCORES = {
    "an edited score": (lambda r: [{"score": r.score + 1}] if first_row(r) else [{}], False, {"digest"}),
    "a missing row": (lambda r: [] if first_row(r) else [{}], True, {"missing"}),
    "a missing item": (lambda r: [] if r.item == "arithmetic-0000-base" else [{}], True, {"missing"}),
    "a duplicate row": (lambda r: [{}, {}] if first_row(r) else [{}], True, {"duplicate"}),
    "an extra row": (lambda r: [{}, {"index": 7}] if first_row(r) else [{}], True, {"extra"}),
    "an extra item": (lambda r: [{}, {"item": "mine"}] if first_row(r) else [{}], True, {"extra"}),
    "another task": (lambda r: [{}, {"task": "mine"}] if first_row(r) else [{}], True, {"extra"}),
    "an edited gold": (lambda r: [{"gold": 0.77}] if first_row(r) else [{}], True, {"item"}),
    "another text": (lambda r: [{"digest": "0" * 32}] if first_row(r) else [{}], True, {"item"}),
    "another group": (lambda r: [{"group": "mine"}] if first_row(r) else [{}], True, {"item"}),
    "edited tags": (lambda r: [{"tags": "{}"}] if first_row(r) else [{}], True, {"item"}),
    "per cent": (lambda r: [{"probability": r.probability and 100 * r.probability}], True, {"percent"}),
    "gold in per cent": (lambda r: [{"gold": 100 * r.gold}], True, {"percent"}),
    "both score and reason": (lambda r: [{"reason": "x"}] if first_row(r) else [{}], True, {"reason"}),
    "neither": (lambda r: [{"score": None}] if first_row(r) else [{}], True, {"reason"}),
    "a long reason": (lambda r: [{"score": None, "reason": "x" * 501}] if first_row(r) else [{}], True, {"reason"}),
}


@pytest.mark.parametrize("case", SCORES)
def test_spoilt_scores(folder, case):
    change, restate, expected = SCORES[case]
    edited_scores(folder, change, restate=restate)
    assert codes(folder) - {"counts"} == expected


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_scores_that_are_no_numbers(folder, value):
    frame = pl.read_parquet(folder / "scores.parquet")
    spoilt = frame.with_columns(score=pl.when(pl.int_range(pl.len()) == 3).then(value).otherwise(pl.col("score")))
    pq.write_table(spoilt.to_arrow().cast(pq.read_schema(folder / "scores.parquet")), folder / "scores.parquet")
    assert "non-finite" in codes(folder)


def test_missing_scores_are_partial_and_never_averaged_away(folder):
    edited_scores(folder, lambda r: [{"score": None, "reason": "it said no"}] if first_row(r) else [{}])
    assert codes(folder) == {"counts"}  # they are counted in the manifest, too
    edited_manifest(
        folder, lambda raw: raw["counts"]["domain"].update(failed=1, scored=raw["counts"]["domain"]["scored"] - 1)
    )
    found = Assessor(bootstrap=50)(folder, mini_standards())
    assert [(p.code, p.level) for p in found.problems] == [("partial", "warning")]
    assert found.numbers.missing == 1


MANIFEST = {
    "an edited field": (lambda raw: raw.update(seal="0" * 64), {"seal"}),
    "another suite": (lambda raw: raw.update(suite="core@3"), {"suite"}),
    "an older scorer": (lambda raw: raw.update(rmbench="0.0.9"), {"scorer"}),
    "a limit": (lambda raw: raw.update(limit=3), {"limited"}),
    "another task version": (lambda raw: raw["cards"]["domain"].update(version=9), {"task-version"}),
    "other items": (lambda raw: raw["cards"]["domain"].update(sha256="0" * 64), {"task-items"}),
    "another headline": (lambda raw: raw["cards"]["domain"].update(headline="Accuracy"), {"card"}),
    "another tau": (lambda raw: raw["cards"]["known_probability"].update(tau=9.0), {"card"}),
    "other budgets": (lambda raw: raw["cards"]["pool_transforms"]["budgets"].update(tilt=[1.0]), {"budget"}),
    "a branch": (lambda raw: raw["settings"].update(revision="main"), {"revision"}),
    "from the future": (lambda raw: raw.update(created="2999-01-01T00:00:00+00:00"), {"impossible"}),
    "no time": (lambda raw: raw.update(created="yesterday"), {"impossible"}),
    "negative parameters": (lambda raw: raw["settings"].update(parameters=-1), {"impossible"}),
    "more ties than rows": (lambda raw: raw["counts"]["domain"].update(tied=10**6), {"impossible"}),
    "counts": (lambda raw: raw["counts"]["domain"].update(items=3), {"counts"}),
    "an unknown key": (lambda raw: raw.update(skills={"overall": 1}), {"field"}),
    "infinite seconds": (lambda raw: raw["counts"]["domain"].update(seconds=float("inf")), {"json"}),
}


@pytest.mark.parametrize("case", MANIFEST)
def test_spoilt_manifests(folder, case):
    change, expected = MANIFEST[case]
    edited_manifest(folder, change)
    if case == "an edited field":
        raw = json.loads((folder / "manifest.json").read_text())
        (folder / "manifest.json").write_text(json.dumps(raw | {"seed": 7}))
    assert codes(folder) == expected


def test_each_kind_of_spoiling_has_a_message_of_its_own(honest, tmp_path):
    said = {}
    for case, (change, expected) in MANIFEST.items():
        if case == "an edited field":
            continue
        spoilt = copied(honest, tmp_path / case.replace(" ", "-"))
        edited_manifest(spoilt, change)
        said[next(iter(expected)), case] = told(spoilt)
    assert len({*said.values()}) == len(said)
    assert all(said.values())


STATED = {
    "a headline": ({"overall_skill": 0.99}, "headline"),
    "an unknown key": ({"colour": "red"}, "field"),
    "a script for a link": ({"link": "javascript:alert(1)"}, "field"),
    "http": ({"link": "http://example.org"}, "field"),
    "another name": ({"model": "other"}, "name"),
    "a path for a name": ({"model": "../../x"}, "field"),
    "a negative price": ({"price": -1}, "field"),
    "a turned direction": ({"description": "good\u202elive"}, "field"),
    "a line break": ({"description": "two\nlines"}, "field"),
}


@pytest.mark.parametrize("case", STATED)
def test_spoilt_submission_files(folder, case):
    change, code = STATED[case]
    path = folder / "submission.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert codes(folder) == {code}


@pytest.mark.parametrize("name", ["submission.json", "manifest.json"])
@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[" * 100_000,
        b'{"a": ' * 100_000,
        b'{"format": NaN}',
        b"\xff\xfe",
        b'{"format": 1, "format": 1}',
        b"null",
        b"[]",
    ],
    ids=["empty", "deep list", "deep object", "NaN", "no text", "twice", "null", "list"],
)
def test_json_that_is_none(folder, name, text):
    (folder / name).write_bytes(text)
    assert codes(folder)
    assert codes(folder) <= {"json", "field"} | ({"size"} if len(text) > 64_000 else set())


def test_files_that_no_submission_has(folder):
    (folder / "run.py").write_text("import os")
    (folder / "deep").mkdir()
    (folder / "scores.parquet").unlink()
    (folder / "scores.parquet").symlink_to("/etc/passwd")
    found = told(folder)
    for said in (
        "'run.py': a file that no submission has",
        "'deep': a folder",
        "scores.parquet: it is not a plain file",
    ):
        assert said in found
    assert codes(folder) == {"layout"}


def test_oversized_files_are_not_read(folder):
    for name in ("submission.json", "scores.parquet"):
        os.truncate(folder / name, 10**10)  # a hole: it takes no room
    assert codes(folder) == {"size"}


def test_a_parquet_file_that_unfolds_into_gigabytes(folder):
    import pyarrow as pa

    table = pa.table({"task": pa.DictionaryArray.from_arrays(pa.array(np.zeros(3_000_000, dtype=np.int32)), ["x"])})
    pq.write_table(table, folder / "scores.parquet")
    assert (folder / "scores.parquet").stat().st_size < 100_000
    assert codes(folder) == {"size"}


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"\0" * 100 + b"PAR1", b"x" * 1000])
@pytest.mark.parametrize("name", ["scores.parquet", "trajectory.parquet", "attempts.parquet"])
def test_damaged_parquet(folder, name, content):
    (folder / name).write_bytes(content)
    assert codes(folder) == {"parquet"}


@pytest.mark.parametrize(
    "key", ["x", "a__b__c", "A__b", "a__..", "a__con", "a__b ", "<img>__b", "a__b\u202e", "-a__b", f"a__{'b' * 61}"]
)
def test_unsafe_names(honest, tmp_path, key):
    assert "name" in codes(copied(honest, tmp_path, key=key))


def test_columns(folder):
    path = folder / "scores.parquet"
    frame = pl.read_parquet(path)
    for spoilt in (
        frame.drop("tags"),
        frame.with_columns(mine=1),
        frame.with_columns(pl.col("score").cast(pl.String)),
        frame.with_columns(group=None),
    ):
        spoilt.write_parquet(path)
        assert codes(folder) == {"column"}


def test_a_course_that_is_left_out(folder):
    rows = [row for row in read_courses(folder / "trajectory.parquet") if row["optimizer"] != "search"]
    write_courses(folder / "trajectory.parquet", rows)
    edited_manifest(folder, lambda raw: raw.update(trajectory=rows_digest(rows)))
    assert "its courses are not those that the manifest's cards have queries for" in told(folder)
    (folder / "trajectory.parquet").unlink()
    assert "named in the manifest, but missing" in told(folder)


def test_a_run_without_optimisers_is_partial(folder):
    for name in ("trajectory", "attempts"):
        (folder / f"{name}.parquet").unlink()
    edited_manifest(folder, lambda raw: raw.update(trajectory=None, attempts=None))
    edited_manifest(folder, lambda raw: raw["cards"]["pool_transforms"]["budgets"].update(queries={}))
    checked = verify(folder, mini_standards())
    assert [problem.code for problem in checked.problems] == ["partial"]
    assert "were not attacked by optimisers" in checked.problems[0].message
