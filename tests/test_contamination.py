"""What a scan of training files must find, what it must not, and what a run is worth without what was found."""

import gzip
import json
import math
import os
import random
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from report_runs import CARD, make_courses, make_run, make_tasks

from rmbench.cli import main
from rmbench.contamination import Report, overlapping, read_report, scan, without, write_report
from rmbench.contamination.passages import LONG
from rmbench.contamination.reading import CARRIED, PASSAGE, read_rows, texts_in
from rmbench.errors import DataError, RmbenchError, SubmissionError, UsageError
from rmbench.evaluation import evaluate
from rmbench.rows import sha256
from rmbench.scores import read_run
from rmbench.task import load_task, read_task, write_task
from rmbench.training_data import Settings, training_pairs
from rmbench.types import Item, Message

DATA = Path(__file__).parent.parent.parent / "shared" / "data"
BANK = [
    a + b for a in ("ba", "ko", "ti", "lu", "re", "mo", "sa", "ne", "pi", "du") for b in ("rn", "sk", "lt", "mb", "ck")
]
CANARY = "rmbench:12345678-1234-1234-1234-1234567890ab"
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def prose(rng, count):
    return " ".join(rng.choice(BANK) + rng.choice(BANK) for _ in range(count))


def said(*texts):
    roles = ("user", "assistant")
    return tuple(Message(role=roles[n % 2], content=text) for n, text in enumerate(texts))


def template(rng, number):
    """A prompt that shares its frame with all others."""
    frame = "Please read the following notice with care, and then write a short summary of it in your own words:"
    return f"{frame} {prose(rng, 28)}. Keep it under {40 + number} words!"


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    """Forty pairs from one template, one of several turns, and one whose prompt is short."""
    rng = random.Random(1)
    items = [
        Item(f"i{n:02}", said(template(rng, n)), (prose(rng, 40) + ".", prose(rng, 12)), (1.0, 0.0), f"g{n:02}")
        for n in range(40)
    ]
    turns = said(prose(rng, 20), "Thank you.", prose(rng, 25))
    items.append(Item("turns", turns, (prose(rng, 35), "no"), (1.0, 0.0), "turns"))
    items.append(Item("short", said("What is a quark made of, really?"), (prose(rng, 35), "no"), (1.0, 0.0), "short"))
    folder = tmp_path_factory.mktemp("tasks") / "notices"
    write_task(folder, CARD | {"name": "notices", "axis": "generalisation", "title": "T", "canary": CANARY}, items)
    return read_task(folder)


def unrelated(seed, count=60):
    rng = random.Random(f"unrelated {seed}")
    return [{"prompt": template(rng, n % 40), "chosen": prose(rng, 30), "rejected": "no"} for n in range(count)]


def write(path, rows):
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    elif path.suffix == ".zst":
        with pa.output_stream(str(path), compression="zstd") as file:
            file.write(text.encode())
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows))
    elif path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        path.write_text(text)
    return path


def found(report, name="notices"):
    (scanned,) = [one for one in report.tasks if one.name == name]
    return {(one.item, one.kind): (one.at.file, one.at.row) for one in scanned.overlaps}


def shouted(text):
    return text.upper().replace(" ", " -- ") + "??"


# --- what is found


def test_planted_items_are_found_and_nothing_else(task, tmp_path):
    by = {item.id: item for item in task.items}
    text = {name: item.prompt[0]["content"] for name, item in by.items()}
    rows = unrelated(2)
    rows[3] = {"prompt": text["i03"], "chosen": "Yes indeed", "rejected": "no"}
    rows[7] = {"text": f"Human: {shouted(text['i07'])}\n\nAssistant: very well"}
    rows[11] = {
        "text": "Some words in front. " + " ".join(text["i11"].split()[:-6]) + " and others in place of the end."
    }
    rows[13] = {
        "chat": [
            {"role": "user", "content": "Write something."},
            {"role": "assistant", "content": by["i13"].responses[0]},
        ]
    }
    rows[17] = {"a": {"b": [{"c": [["deep", {"d": text["i17"]}]]}]}}
    rows[19] = {"messages": [dict(message) for message in by["turns"].prompt]}
    rows[23] = {"q": "what is a quark made of -- REALLY", "answer": "no"}
    rows[29] = {"text": by["i29"].responses[1]}  # twelve words: too short a response to mean anything
    expected = {
        ("i03", "prompt"): (1, 4),
        ("i07", "prompt"): (1, 8),
        ("i11", "part"): (1, 12),
        ("i13", "response"): (1, 14),
        ("i17", "prompt"): (1, 18),
        ("turns", "prompt"): (1, 20),
        ("short", "prompt"): (1, 24),
    }
    for name in ("a.jsonl", "a.jsonl.gz", "a.jsonl.zst", "a.json", "a.json.gz"):
        report = scan([write(tmp_path / name, rows)], [task])
        assert found(report) == expected, name
        assert (report.overlapping, report.clean, report.canaries) == (7, False, ())
    part = next(one for one in report.tasks[0].overlaps if one.kind == "part")
    assert 2 / 3 <= part.share < 1


def test_every_format_finds_the_same_row(task, tmp_path):
    rows = [{"x": str(n), "y": row["prompt"]} for n, row in enumerate(unrelated(3))]
    rows[20]["y"] = task.items[5].prompt[0]["content"]
    lines = [f'{row["x"]},"{row["y"]}"' for row in rows]
    (tmp_path / "a.csv").write_text("\n".join(["x,y", *lines]))
    (tmp_path / "a.tsv").write_text("\n".join(line.replace(",", "\t", 1) for line in lines))
    (tmp_path / "a.txt").write_text("\n\n".join(row["y"] for row in rows))
    nested = [{"z": [{"role": "user", "content": row["y"]}]} for row in rows]
    places = {"a.csv": 22, "a.tsv": 21, "a.txt": 1, "a.parquet": 21, "n.parquet": 21, "a.json": 21}
    write(tmp_path / "a.parquet", rows)
    write(tmp_path / "n.parquet", nested)
    (tmp_path / "a.json").write_text("".join(json.dumps(row) + "\n" for row in rows))  # lines under another name
    for name, row in places.items():
        assert found(scan([tmp_path / name], [task])) == {("i05", "prompt"): (1, row)}, name


def test_a_copy_is_found_however_often_it_is_there(task, tmp_path):
    """Many copies make a phrase of a part, never of a whole prompt; rows that share a prompt are one document."""
    rng = random.Random(5)
    prompt = task.items[8].prompt[0]["content"]
    part = " ".join(task.items[9].prompt[0]["content"].split()[:-6])
    rows = [{"prompt": f"{prose(rng, 20)} {prompt}", "chosen": prose(rng, 20)} for _ in range(9)]
    rows += [{"prompt": f"{part} and so on", "chosen": prose(rng, 20), "rejected": "no"} for _ in range(9)]
    assert found(scan([write(tmp_path / "a.jsonl", rows)], [task])) == {
        ("i08", "prompt"): (1, 1),
        ("i09", "part"): (1, 10),
    }


def test_a_long_text_is_searched_to_its_end(task, tmp_path):
    rng = random.Random(6)
    long = " ".join(prose(rng, 20) for _ in range(2500))
    at = 2 * PASSAGE - CARRIED // 4  # over the end of a passage
    prompt = task.items[4].prompt[0]["content"]
    (tmp_path / "a.txt").write_text(f"{long[:at]} {prompt} {long[at:]}")
    write(tmp_path / "b.jsonl", [{"text": f"{long} {prompt}"}])
    report = scan([tmp_path / "b.jsonl", tmp_path / "a.txt"], [task])
    assert found(report) == {("i04", "prompt"): (1, 1)}  # files are in the order of their names
    assert found(scan([tmp_path / "b.jsonl"], [task])) == {("i04", "prompt"): (1, 1)}


def test_a_canary_makes_the_whole_task_suspect(task, tmp_path):
    rows = unrelated(7)
    rows[9]["chosen"] = f"some text {CANARY.upper().replace('RMBENCH', 'rmbench')}more text"
    report = scan([write(tmp_path / "a.jsonl", rows)], [task])
    assert (report.canaries, report.overlapping, report.tasks[0].overlaps) == ((CANARY,), len(task.items), ())
    assert report.tasks[0].canary.row == 10
    other = "rmbench:00000000-0000-4000-8000-000000000001"
    report = scan([write(tmp_path / "b.jsonl", [{"x": {"y": [other]}}])], [task])
    assert (report.canaries, report.overlapping, report.clean) == ((other,), 0, False)


def test_our_own_file_gives_itself_away(task):
    """items.parquet says whose it is before its first row."""
    report = scan([task.folder / "items.parquet"], [task])
    assert report.tasks[0].canary.row == 0
    assert {item for item, kind in found(report) if kind == "prompt"} == {item.id for item in task.items}


@QUICK
@given(number=st.integers(0, 41), seed=st.integers(0, 999), where=st.sampled_from(["cell", "middle", "nested", "loud"]))
def test_any_prompt_planted_whole_is_found(task, tmp_path, number, seed, where):
    item = task.items[number]
    texts = [message["content"] for message in item.prompt]
    rows = unrelated(seed, 12)
    if where == "middle" and item.id != "short":
        rows[5] = {"text": f"{prose(random.Random(seed), seed % 90)} {' '.join(texts)} {prose(random.Random(1), 9)}"}
    elif where == "nested":
        rows[5] = {"a": [{"b": [{"role": "human", "value": text} for text in texts]}]}
    else:
        rows[5] = {"x": [shouted(text) if where == "loud" else text for text in texts]}
    assert found(scan([write(tmp_path / "p.jsonl", rows)], [task])) == {(item.id, "prompt"): (1, 6)}


@QUICK
@given(seed=st.integers(0, 10**6), count=st.integers(0, 120))
def test_unrelated_text_from_the_same_template_is_clean(task, tmp_path, seed, count):
    report = scan([write(tmp_path / "u.jsonl", unrelated(seed + 10, count))], [task])
    assert report.clean
    assert (report.overlapping, report.items, report.files[0].rows) == (0, len(task.items), count)


def test_the_closed_track_is_clean(tmp_path):
    """Its prompts come from the templates of our tasks, and are others."""
    pairs = [vars_of(pair) for pair in training_pairs(Settings(pairs=300, seed=3))]
    tasks = [load_task(name) for name in ("difficulty", "ties", "multi_turn", "perturbation")]
    assert scan([write(tmp_path / "pairs.jsonl", pairs)], tasks).clean


def vars_of(pair):
    return {"prompt": pair.prompt, "chosen": pair.chosen, "rejected": pair.rejected}


def test_a_response_that_many_prompts_share_is_a_phrase(tmp_path):
    rng = random.Random(4)
    phrase = prose(rng, LONG)
    items = [Item(f"i{n}", said(prose(rng, 20)), (phrase, prose(rng, LONG)), (1.0, 0.0), f"g{n}") for n in range(5)]
    write_task(tmp_path / "t", CARD | {"name": "t", "axis": "generalisation", "title": "T"}, items)
    rows = [{"text": phrase}, {"text": items[2].responses[1]}]
    assert found(scan([write(tmp_path / "a.jsonl", rows)], [read_task(tmp_path / "t")]), "t") == {
        ("i2", "response"): (1, 2)
    }


@pytest.mark.skipif(not DATA.is_dir(), reason="the published data sets are not beside this checkout")
def test_public_data_sets_are_read_and_clean(task):
    files = sorted(
        path for path in DATA.rglob("*") if path.name.endswith((".jsonl", ".json", ".gz", ".csv", ".parquet"))
    )
    report = scan(files, [task])
    assert report.clean
    assert len(report.files) == len(files)
    assert sum(file.rows for file in report.files) > 10_000


# --- files


def test_texts_of_any_value():
    deep = "x"
    for _ in range(900):
        deep = [deep]
    assert texts_in({"a": ["one", {"b": "two"}], "role": "user", "n": 3, "c": None, "d": deep}) == ("one", "two", "x")


BAD = {
    "a.jsonl": (b'{"a": "x"}\n{"a": ', "line 2"),
    "b.jsonl": (b"\xff\xfe", "line 1"),
    "c.jsonl.gz": (b"not packed", "cannot be read"),
    "d.jsonl.gz": (gzip.compress(b'{"a": "x"}\n' * 9000)[:-20], "cannot be read"),
    "e.jsonl.zst": (b"not packed", "cannot be read"),
    "f.parquet": (b"PAR1 nothing", "parquet"),
    "g.json": (b"[" * 200_000, "not JSON"),
    "h.csv": (b"a,b\nc,\xff\n", "row"),
    "i.docx": (b"", "training files end in"),
    "j.parquet.gz": (b"", "training files end in"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_one_sentence(task, tmp_path, name):
    content, told = BAD[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=told) as caught:
        scan([tmp_path / name], [task])
    assert "\n" not in str(caught.value)


def test_what_is_no_file_is_refused(task, tmp_path):
    os.mkfifo(tmp_path / "pipe.jsonl")
    for path in (tmp_path / "pipe.jsonl", tmp_path / "nothing.txt", tmp_path):
        with pytest.raises(DataError):
            scan([path], [task])
    with pytest.raises(UsageError):
        scan([], [task])


@QUICK
@given(
    content=st.binary(max_size=400),
    name=st.sampled_from(["a.jsonl", "a.json", "a.parquet", "a.csv", "a.txt", "a.tsv", "a.csv.gz", "a.txt.zst"]),
)
def test_bytes_of_any_kind_end_in_rows_or_a_sentence(tmp_path, content, name):
    (tmp_path / name).write_bytes(content)
    try:
        rows = list(read_rows(tmp_path / name))
    except DataError as error:
        told = str(error)
    else:
        told = name
        assert all(isinstance(text, str) for row in rows for text in row.texts)
    assert name in told


@QUICK
@given(
    st.recursive(st.none() | st.text() | st.floats(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
def test_any_json_is_scanned(task, tmp_path, value):
    (tmp_path / "a.json").write_text(json.dumps(value))
    assert scan([tmp_path / "a.json"], [task]).clean


# --- the report


def test_the_report_is_the_same_whatever_the_order(task, tmp_path):
    (tmp_path / "x").mkdir()
    one = write(tmp_path / "x" / "a.jsonl", [*unrelated(1), {"t": task.items[2].prompt[0]["content"]}])
    two = write(tmp_path / "b.jsonl.gz", [{"t": task.items[1].responses[0]}])
    first, second = scan([one, two], [task]), scan([two, one], [task])
    assert first == second
    assert [file.name for file in first.files] == ["a.jsonl", "b.jsonl.gz"]
    path = write_report(first, tmp_path / "out" / "contamination.json")
    assert read_report(path) == first
    assert str(tmp_path) not in path.read_text()
    before = path.read_bytes()
    assert write_report(second, path).read_bytes() == before


def plain(task, tmp_path):
    rows = [{"t": task.items[n].prompt[0]["content"]} for n in (2, 3)]
    return scan([write(tmp_path / "a.jsonl", rows)], [task]).model_dump(mode="json")


CHANGES = {
    "a total": lambda raw: raw.update(overlapping=1),
    "no file": lambda raw: raw.update(files=[]),
    "an order": lambda raw: raw["tasks"][0]["overlaps"].reverse(),
    "an item twice": lambda raw: raw["tasks"][0]["overlaps"].append(raw["tasks"][0]["overlaps"][-1]),
    "a place": lambda raw: raw["tasks"][0]["overlaps"][0]["at"].update(file=2),
    "a key": lambda raw: raw.update(status="clean"),
    "a format": lambda raw: raw.update(format=2),
    "a share": lambda raw: raw["tasks"][0]["overlaps"][0].update(share=2),
    "a canary": lambda raw: raw.update(canaries=["<b>"]),
}


@pytest.mark.parametrize("name", CHANGES)
def test_an_edited_report_is_refused(task, tmp_path, name):
    raw = plain(task, tmp_path)
    CHANGES[name](raw)
    (tmp_path / "r.json").write_text(json.dumps(raw))
    with pytest.raises(SubmissionError, match=r"r\.json") as caught:
        read_report(tmp_path / "r.json")
    assert "\n" not in str(caught.value)


@QUICK
@given(content=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: json.dumps({"format": text}).encode()))
def test_a_report_of_any_bytes_is_refused_in_a_sentence(tmp_path, content):
    (tmp_path / "r.json").write_bytes(content)
    with pytest.raises(SubmissionError):
        read_report(tmp_path / "r.json")


# --- the board's questions


def test_overlapping_items_of_the_cards(task, tmp_path):
    report = Report.model_validate(plain(task, tmp_path))
    cards = {"notices": task.card}
    root = task.folder.parent
    assert overlapping(report, cards, tasks_dir=root) == {"notices": frozenset({"i02", "i03"})}
    marked = scan([write(tmp_path / "b.jsonl", [{"t": CANARY}])], [task])
    assert overlapping(marked, cards, tasks_dir=root) == {"notices": frozenset(item.id for item in task.items)}


def test_a_report_about_something_else_is_refused(task, tmp_path):
    raw, root = plain(task, tmp_path), task.folder.parent
    report = Report.model_validate(raw)
    other = task.card.model_copy(update={"version": 2})
    with pytest.raises(SubmissionError, match="another notices"):
        overlapping(report, {"notices": other}, tasks_dir=root)
    with pytest.raises(SubmissionError, match="says nothing of task other"):
        overlapping(report, {"other": task.card}, tasks_dir=root)
    with pytest.raises(SubmissionError, match="not here"):
        overlapping(report, {"notices": task.card})
    raw["tasks"][0]["overlaps"][1]["item"] = "nobody"
    with pytest.raises(SubmissionError, match="'nobody'"):
        overlapping(Report.model_validate(raw), {"notices": task.card}, tasks_dir=root)
    raw["tasks"][0]["sha256"] = sha256("else")
    with pytest.raises(SubmissionError, match="another notices"):
        overlapping(Report.model_validate(raw), {"notices": task.card}, tasks_dir=root)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    root = tmp_path_factory.mktemp("run")
    tasks = make_tasks(root / "tasks")
    return read_run(make_run(root / "run", tasks, trajectories=make_courses(tasks[0])))


def test_without_items_every_number_is_that_of_the_rest(run):
    gone = {"t_pool": {"p1", "p4"}, "t_calibration": {"q0"}, "t_none": {"x"}}
    left = without(run, gone)
    assert [item.id for item in left.items("t_pool")] == [
        i.id for i in run.items("t_pool") if i.id not in gone["t_pool"]
    ]
    assert {"q0", "q1"}.isdisjoint(item.id for item in left.items("t_calibration"))  # a group goes as a whole
    assert len(left.items("t_shift")) == len(run.items("t_shift"))
    before, after = evaluate(run, bootstrap=20), evaluate(left, bootstrap=20)
    assert (before.tasks["t_pool"].skill.n, after.tasks["t_pool"].skill.n) == (12, 10)
    assert after.tasks["t_shift"].metrics == before.tasks["t_shift"].metrics
    for name in ("t_pool", "t_calibration"):
        assert math.isfinite(after.tasks[name].skill.value)
        assert after.tasks[name].skill.value != before.tasks[name].skill.value
    assert without(run, {}).tasks == run.tasks
    assert {frozenset(course.items) for course in left.trajectories} == {frozenset(i.id for i in left.items("t_pool"))}
    for course, whole in zip(left.trajectories, run.trajectories, strict=True):
        kept = [n for n, item in enumerate(whole.items) if item not in gone["t_pool"]]
        assert [s.golds for s in course.steps] == [tuple(s.golds[n] for n in kept) for s in whole.steps]
    assert {a.item for found in left.attempts.values() for a in found}.isdisjoint(gone["t_pool"])


def test_a_task_that_loses_all_has_no_number(run):
    left = without(run, {name: {item.id for item in run.items(name)} for name in ("t_pool", "t_shift")})
    after = evaluate(left, bootstrap=20)
    for name in ("t_pool", "t_shift"):
        skill = after.tasks[name].skill
        assert (skill.value, skill.low, skill.n) == (None, None, 0)
        assert skill.reason
    assert after.skills["overoptimization"].value is None
    assert after.skills["overall"].value is None
    assert after.skills["calibration"].value is not None


def test_a_task_that_loses_a_kind_has_no_headline(tmp_path):
    rng = random.Random(0)
    items = [
        Item(
            f"i{n}",
            said(prose(rng, 9)),
            ("a", "b"),
            (1.0, 1.0 - n % 2),
            f"g{n}",
            tags={"category": ("tie", "unequal")[n % 2]},
        )
        for n in range(8)
    ]
    card = CARD | {"name": "t", "axis": "calibration", "title": "T", "headline": "TieSkill", "chance": 0.5}
    write_task(tmp_path / "t", card, items)
    from rmbench.scores import write_run

    where = write_run(
        tmp_path / "run",
        settings={"name": "m"},
        suite=None,
        seed=0,
        limit=None,
        tasks=[read_task(tmp_path / "t")],
        scores={"t": [[rng.random(), rng.random()] for _ in items]},
        environment={},
        stats={},
    )
    run = read_run(where)
    left = without(run, {"t": {item.id for item in items if item.tags["category"] == "tie"}})
    assert evaluate(left, bootstrap=5).tasks["t"].skill.value is None


# --- the command


@pytest.fixture
def call(monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["rmbench", "contamination", "scan", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capsys.readouterr()

    return run


def test_command_line(task, tmp_path, call):
    root = task.folder.parent
    clean, dirty = write(tmp_path / "c.jsonl", unrelated(1)), tmp_path / "d.json"
    dirty.write_text(json.dumps([task.items[2].prompt[0]["content"]]))
    code, out, _ = call(clean, "--task", "notices", "--tasks", root, "--out", tmp_path / "r.json")
    assert (code, read_report(tmp_path / "r.json").clean) == (0, True)
    assert "clean" in out
    assert "rmbench submit RUN --as ORG/MODEL --contamination" in out
    code, out, _ = call(clean, dirty, "--task", "notices", "--tasks", root)
    assert code == 1
    assert "notices" in out
    assert "whole prompt 1" in out
    code, out, _ = call(dirty, "--task", "notices", "--tasks", root, "--json")
    assert (code, Report.model_validate_json(out).overlapping) == (1, 1)
    code, _, told = call(tmp_path / "none.jsonl", "--task", "notices", "--tasks", root)
    assert (code, told.count("\n")) == (2, 1)
    assert call(clean, "--task", "notices", "--suite", "core", "--tasks", root)[0] == 2
    assert issubclass(UsageError, RmbenchError)
