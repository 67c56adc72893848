"""The score store: what is kept comes back to the bit, whatever happens to the file."""

from __future__ import annotations

import math
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmbench.engine import store as module
from rmbench.engine.store import ScoreStore, batch_key, opened
from rmbench.errors import RunError
from rmbench.models import Batch, Tokens
from rmbench.types import Failure

KEYS = [batch_key("model", Batch((Tokens((n,)),))) for n in range(40)]
FILLED = {key: [float(n), Failure("never"), -0.1 * n] for n, key in enumerate(KEYS)}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "scores.sqlite"


@pytest.fixture
def filled(path):
    with ScoreStore(path) as store:
        for key, scores in FILLED.items():
            store.put(key, scores)
    return path


@settings(max_examples=50)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.text(min_size=1).map(Failure), max_size=5))
def test_what_is_kept_comes_back_to_the_bit(tmp_path_factory, scores):
    with ScoreStore(tmp_path_factory.mktemp("store") / "s.sqlite") as store:
        store.put(b"key", scores)
        found = store.get([b"key", b"other"])
    assert list(found) == [b"key"]
    assert found[b"key"] == scores
    pairs = zip(found[b"key"], scores, strict=True)
    assert all(math.copysign(1, a) == math.copysign(1, b) for a, b in pairs if isinstance(b, float))


def test_a_reason_that_is_no_text_is_kept(path):
    with ScoreStore(path) as store:
        store.put(b"key", [Failure("half \ud800 of a pair")])
        assert store.get([b"key"]) == {b"key": [Failure("half \ud800 of a pair")]}


def test_all_that_decides_a_batch_is_in_its_name():
    a, b = Tokens((1, 2, 3), 1), Tokens((1, 2, 4), 1)
    named = [
        batch_key(identity, batch)
        for identity in ("one", "two")
        for batch in (
            Batch((a, b)),
            Batch((b, a)),
            Batch((a,)),
            Batch((a, b), (1, 1)),
            Batch((Tokens((1, 2, 3), 2), b)),
            Batch((Tokens((1, 23), 1), b)),
            ("0a", "0b"),
        )
    ]
    assert len(set(named)) == len(named)


def test_the_shared_file_lies_in_the_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with opened(None) as store:
        assert store.path == tmp_path / "rmbench" / "scores-1.sqlite"
        assert store.path.is_file()
    with opened(tmp_path / "mine.sqlite") as store:
        assert store.path == tmp_path / "mine.sqlite"
    with opened(False) as store:
        assert store is None


def test_a_budget_is_measured_once(path):
    with ScoreStore(path) as store:
        assert store.budget("model", lambda: 4096) == 4096
    with ScoreStore(path) as store:
        assert store.budget("model", lambda: pytest.fail("measured again")) == 4096
        assert store.budget("other", lambda: 8192) == 8192


# --- damage ---


def garbage(path):
    path.write_bytes(b"these are no scores, and were never any" * 100)


def cut_in_half(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def torn_page(path):
    raw = bytearray(path.read_bytes())
    raw[4096 : 4096 + 2048] = b"\xff" * 2048
    path.write_bytes(raw)


@pytest.mark.parametrize("damage", [garbage, cut_in_half, torn_page])
def test_a_damaged_file_is_set_aside_and_begun_anew(filled, damage, monkeypatch):
    monkeypatch.setattr(module, "default_path", lambda: filled)
    damage(filled)
    spoilt = filled.read_bytes()
    with pytest.warns(UserWarning, match=r"were damaged .*set aside as scores\.sqlite\.damaged-1, begun anew"):
        store = ScoreStore(filled)
    with store:
        assert store.get(KEYS) == {}
        store.put(KEYS[0], [1.0])
    assert filled.with_name("scores.sqlite.damaged-1").read_bytes() == spoilt
    with ScoreStore(filled) as store:
        assert store.get(KEYS) == {KEYS[0]: [1.0]}
        assert store.notes == []


def test_a_file_of_another_version_is_left_alone(filled):
    with sqlite3.connect(filled) as base:
        base.execute("PRAGMA user_version=99")
    with pytest.warns(UserWarning, match="cannot be kept in .*layout 99, this version reads 1"):
        store = ScoreStore(filled)
    with store:
        assert store.get(KEYS) == {}
    with sqlite3.connect(filled) as base:
        assert base.execute("SELECT count(*) FROM batches").fetchone() == (len(KEYS),)


def test_two_that_find_the_same_damage_renew_it_once(filled):
    """The second one looks again, and takes the new file of the first with all that is in it."""
    first, second = ScoreStore(filled), ScoreStore(filled)
    for store in (first, second):
        store._base.execute("PRAGMA cache_size=0")
    raw = filled.read_bytes()
    filled.write_bytes(raw[:4096] + b"\xff" * (len(raw) - 4096))
    with pytest.warns(UserWarning, match="set aside"):
        first.put(b"one", [1.0])
    second.put(b"two", [2.0])
    first.put(b"three", [3.0])
    for store in (first, second):
        assert store.get([b"one", b"two", b"three"]) == {b"one": [1.0], b"two": [2.0], b"three": [3.0]}
        store.__exit__(None, None, None)
    assert len(list(filled.parent.glob("*.damaged-*[0-9]"))) == 1
    assert (len(first.notes), len(second.notes)) == (1, 0)


def test_an_error_of_the_caller_is_no_damage(filled):
    with ScoreStore(filled) as store, ThreadPoolExecutor(1) as pool:
        with pytest.raises(RunError, match=r"cannot be kept .*thread"):
            pool.submit(store.get, KEYS).result()
        assert store.get(KEYS) == FILLED
        assert store.notes == []


def test_a_page_that_is_torn_while_the_file_is_open(filled):
    with ScoreStore(filled) as store:
        store._base.execute("PRAGMA cache_size=0")
        raw = filled.read_bytes()
        filled.write_bytes(raw[:4096] + b"\xff" * (len(raw) - 4096))
        with pytest.warns(UserWarning, match="set aside"):
            assert store.get(KEYS) == {}
        store.put(KEYS[0], [1.0])
        assert store.get(KEYS) == {KEYS[0]: [1.0]}


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE batches SET scores = '[9.0, 9.0, 9.0]' WHERE key = ?",
        "UPDATE batches SET scores = NULL WHERE key = ?",
        "UPDATE batches SET scores = '[' WHERE key = ?",
        "UPDATE batches SET mark = x'0000' WHERE key = ?",
        "UPDATE OR REPLACE batches SET key = x'00' WHERE key = ?",
    ],
)
def test_a_row_that_was_changed_is_scored_again(filled, change):
    with sqlite3.connect(filled) as base:
        base.execute(change, (KEYS[3],))
    with ScoreStore(filled) as store:
        keys = [b"\0", *KEYS]
        with pytest.warns(UserWarning, match="1 of the kept batches in .* were damaged; they are scored again"):
            found = store.get(keys)
        assert found == {key: scores for key, scores in FILLED.items() if key != KEYS[3]}
        assert store.get(keys) == found  # and it is gone, without a second word
        assert len(store.notes) == 1


@pytest.mark.parametrize("content", [b"my notes", b"", None])
def test_a_file_of_another_kind_is_left_alone(tmp_path, content):
    mine = tmp_path / "mine.sqlite"
    if content is None:
        with sqlite3.connect(mine) as base:
            base.execute("CREATE TABLE recipes (name TEXT)")
    else:
        mine.write_bytes(content)
    if content == b"":  # nothing to lose
        with ScoreStore(mine) as store:
            store.put(b"key", [1.0])
        return
    before = mine.read_bytes()
    with pytest.raises(RunError, match="is no store of scores; choose another file"):
        ScoreStore(mine)
    assert mine.read_bytes() == before
    with pytest.raises(RunError, match="is no store"):
        ScoreStore(tmp_path)


# --- no room, no right ---


def test_a_full_disk_is_one_sentence_and_loses_nothing(filled):
    with ScoreStore(filled) as store:
        pages = store._base.execute("PRAGMA page_count").fetchone()[0]
        store._base.execute(f"PRAGMA max_page_count={pages}")
        with pytest.raises(RunError, match=r"cannot be kept .*full; make room .*what was scored so far is kept"):
            store.put(b"large", [0.1] * 10_000)
    with ScoreStore(filled) as store:
        assert store.get([*KEYS, b"large"]) == FILLED


def test_where_no_file_can_be_made_nothing_is_kept_but_the_run_goes_on(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.warns(UserWarning, match="scores cannot be kept in .*this run keeps none"):
        store = ScoreStore(tmp_path / "file" / "scores.sqlite")
    with store:
        store.put(b"key", [1.0])
        assert store.get([b"key"]) == {b"key": [1.0]}


# --- two processes, and the end of one ---

WRITER = """
    import sys
    from rmbench.engine.store import ScoreStore
    from pathlib import Path
    with ScoreStore(Path(sys.argv[1])) as store:
        for n in range(int(sys.argv[3])):
            store.put(f"{sys.argv[2]}-{n}".encode(), [float(n)])
            print(n, flush=True)
"""


def writer(path, name, count):
    command = [sys.executable, "-c", textwrap.dedent(WRITER), str(path), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_two_processes_share_the_file(path):
    both = [writer(path, name, 200) for name in "ab"]
    assert [process.communicate() and process.returncode for process in both] == [0, 0]
    with ScoreStore(path) as store:
        found = store.get([f"{name}-{n}".encode() for name in "ab" for n in range(200)])
    assert len(found) == 400
    assert found[b"b-199"] == [199.0]


def test_what_was_put_is_there_after_the_process_was_killed(path):
    process = writer(path, "a", 100_000)
    said = [process.stdout.readline() for _ in range(50)]
    process.kill()
    process.communicate()
    with ScoreStore(path) as store:
        assert len(store.get([f"a-{n}".encode() for n in range(len(said))])) == len(said)
        assert store.notes == []


def test_a_power_cut_in_the_middle_of_a_write(filled, tmp_path):
    """The log of a killed process, cut at any byte: the file opens, and holds whole rows only."""
    process = writer(filled, "a", 100_000)
    for _ in range(30):
        process.stdout.readline()
    process.kill()
    process.communicate()
    log = filled.with_name("scores.sqlite-wal")
    raw = log.read_bytes()
    for share in (0.0, 0.2, 0.5, 0.77, 0.999):
        folder = tmp_path / f"cut-{share}"
        folder.mkdir()
        shutil.copy(filled, folder / filled.name)
        (folder / log.name).write_bytes(raw[: int(share * len(raw))])
        with ScoreStore(folder / filled.name) as store:
            found = store.get([*KEYS, *(f"a-{n}".encode() for n in range(30))])
            assert store.notes == []
        assert all(scores == FILLED[key] for key, scores in found.items() if key in FILLED)
        assert all(key in FILLED or scores == [float(key[2:])] for key, scores in found.items())
