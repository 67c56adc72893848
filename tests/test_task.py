"""Cards and items: what is read, what is refused, and in which words."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from rmbench.errors import TaskError, UsageError
from rmbench.items import content_hash, read_items
from rmbench.task import (
    cut_task,
    discover,
    find_task,
    limit_task,
    load_suite,
    load_task,
    read_card,
    read_task,
    tasks_root,
    write_task,
)
from rmbench.types import Item, Task

CARD = {
    "name": "mine",
    "axis": "generalisation",
    "version": 1,
    "title": "Mine",
    "asks": "Which is better?",
    "limits": "Few.",
    "licence": "CC0-1.0",
    "source": "written for this test",
    "canary": "rmbench:00000000-0000-0000-0000-000000000000",
    "chance": 0.5,
}


def item(number=1, **changes):
    fields = {
        "id": f"i{number}",
        "prompt": ({"role": "user", "content": f"Question {number}?"},),
        "responses": ("Good.", "Bad — naïve."),
        "gold": (1.0, 0.25),
        "group": f"g{number}",
        "tags": {"split": "base"} if number % 2 else {},
    }
    return Item(**{**fields, **changes})


@pytest.fixture
def folder(tmp_path):
    write_task(tmp_path / "mine", CARD, [item(1), item(2, probability=0.7, votes=(3, 1)), item(3)])
    return tmp_path / "mine"


def edit_card(folder, **changes):
    path = folder / "card.yaml"
    card = yaml.safe_load(path.read_text()) | changes
    path.write_text(yaml.safe_dump({k: v for k, v in card.items() if v is not None}))


def test_what_is_written_is_read(folder):
    task = read_task(folder)
    assert task.items == (item(1), item(2, probability=0.7, votes=(3, 1)), item(3))
    assert task.card.items == 3
    assert task.card.sha256 == content_hash(task.items)
    assert not list(folder.glob(".*"))


def test_the_same_items_make_the_same_bytes(folder, tmp_path):
    write_task(tmp_path / "again" / "mine", CARD, read_items(folder))
    for name in ("items.parquet", "card.yaml"):
        assert (tmp_path / "again" / "mine" / name).read_bytes() == (folder / name).read_bytes()


def test_jsonl_is_the_same_task(folder):
    rows = [
        {"id": i.id, "group": i.group, "prompt": i.prompt, "responses": i.responses, "gold": i.gold, "tags": i.tags}
        | {"probability": i.probability, "votes": i.votes}
        for i in read_items(folder)
    ]
    (folder / "items.parquet").unlink()
    (folder / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert len(read_task(folder).items) == 3


def test_cuts_keep_whole_groups_and_whole_pairs():
    pair, pool = item(1, group="a"), item(2, group="b", responses=("a", "b", "c"), gold=(0.0, 1.0, 0.5))
    card = read_card(tasks_root() / "overoptimization" / "pool_records" / "card.yaml")
    task = Task(card, (pair, pool, item(3, group="a")))
    assert [i.id for i in limit_task(task, 1).items] == ["i1", "i3"]
    assert [len(i.responses) for i in cut_task(task, None, 2).items] == [2, 2, 2]
    with pytest.raises(UsageError, match="at least one group"):
        limit_task(task, 0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sha256": "0" * 64}, "were changed after the card was written"),
        ({"axis": "style"}, "the key 'axis'"),
        ({"limit": "x"}, "unknown key 'limit' (did you mean 'limits'?)"),
        ({"title": None}, "the key 'title': field required"),
        ({"chance": 2}, "the key 'chance'"),
        ({"canary": "tweet"}, "the key 'canary'"),
        ({"budgets": {"tilt": [0]}}, "the key 'budgets.tilt.0'"),
        ({"budgets": {"best_of_n": [1]}}, "the key 'budgets.best_of_n.0'"),
        ({"budgets": {"tilt": [], "best_of_n": []}}, "give at least one budget"),
        ({"budgets": {"tilt": [1, 1]}}, "a budget is given twice"),
        ({"budgets": {"tilt": [float("inf")]}}, "the key 'budgets.tilt.0'"),
        ({"items": 7}, "items is 7, but"),
        ({"name": "yours"}, "name is 'yours' but the folder is 'mine'"),
    ],
)
def test_bad_cards(folder, changes, message):
    edit_card(folder, **changes)
    with pytest.raises(TaskError) as error:
        read_task(folder)
    assert message in str(error.value)
    assert str(folder / "card.yaml") in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x [1]\nb: *x\n", "aliases"),
        ("- one\n- two\n", "expected `key: value` lines"),
        ("a: [1\n", "not valid YAML"),
        ("a: !!python/object/apply:os.system [ls]\n", "not valid YAML"),
        ("a: " + "x" * 1_100_000, "larger than"),
        ("[" * 5000, "not valid YAML"),
        ("a: 2024-13-45\n", "not valid YAML"),
    ],
)
def test_hostile_cards(folder, text, message):
    (folder / "card.yaml").write_text(text)
    with pytest.raises(TaskError, match=r"card\.yaml") as error:
        read_card(folder / "card.yaml")
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"responses": ("Good.", "  ")}, "responses[1] is empty"),
        ({"gold": (1.0, float("nan"))}, "gold[1] is nan"),
        ({"gold": (float("inf"), 0.0)}, "gold[0] is inf"),
        ({"gold": (1.0,)}, "2 responses and 1 gold values"),
        ({"responses": ("one",), "gold": (1.0,)}, "give at least 2"),
        ({"prompt": ({"role": "user", "content": " "},)}, "prompt is empty"),
        ({"prompt": ()}, "prompt is empty"),
        ({"probability": 1.5}, "probability is 1.5"),
        ({"votes": (0, 0)}, "votes are (0, 0)"),
        ({"id": "i1"}, "the id 'i1' occurs twice"),
        ({"prompt": ({"role": None, "content": "x"},)}, "has no role"),
        ({"tags": {"level": 3}}, "the tag 'level' is 3; tags are texts"),
    ],
)
def test_bad_items_are_neither_written_nor_read(folder, changes, message):
    before = (folder / "items.parquet").read_bytes()
    with pytest.raises(TaskError) as error:
        write_task(folder, CARD, [item(1), item(2, **changes)])
    assert message in str(error.value)
    assert "mine" in str(error.value)
    assert (folder / "items.parquet").read_bytes() == before
    (folder / "items.parquet").unlink()
    bad = item(2, **changes)
    rows = [
        {k: getattr(i, k) for k in ("id", "group", "prompt", "responses", "gold", "probability", "tags")}
        | {"votes": i.votes and list(i.votes)}
        for i in (item(1), bad)
    ]
    (folder / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(TaskError) as error:
        read_items(folder)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 1: not JSON"),
        ("[1]", "line 1: expected an object"),
        ("[" * 100_000, "line 1: not JSON"),
        ('{"id": "a"}', "the field 'group' is missing"),
        ('{"id": "a", "golds": [1]}', "unknown field 'golds' (did you mean 'gold'?)"),
        (
            '{"id": "a", "group": "a", "prompt": 3, "responses": [], "gold": []}',
            "the field 'prompt' must be a list, not 3",
        ),
        ('{"id": "a", "group": "a", "prompt": [3], "responses": [], "gold": []}', "wrong type"),
        (
            '{"id": "a", "group": "a", "prompt": [], "responses": "ab", "gold": []}',
            "'responses' must be a list, not 'ab'",
        ),
        ('{"id": "a", "group": null}', "the field 'group' is None; give a text"),
        ('{"id": "\\ud800"}', "surrogates not allowed"),
        ('{"id": "a", "group": "a", "prompt": [], "responses": [], "gold": [], "votes": [1, 2, 3]}', "two counts"),
    ],
)
def test_bad_lines(folder, line, message):
    (folder / "items.parquet").unlink()
    (folder / "items.jsonl").write_text(line + "\n")
    with pytest.raises(TaskError, match=r"items\.jsonl") as error:
        read_items(folder)
    assert message in str(error.value)


def test_a_file_of_another_encoding(folder):
    (folder / "items.parquet").unlink()
    (folder / "items.jsonl").write_bytes(b'{"id": "\xe9"}\n')
    with pytest.raises(TaskError, match=r"items\.jsonl, line 1: not JSON"):
        read_items(folder)


def test_two_files_of_items_are_one_too_many(folder):
    (folder / "items.jsonl").write_text("")
    with pytest.raises(TaskError, match=r"items\.parquet and items\.jsonl are both there"):
        read_items(folder)


def test_what_an_axis_needs_is_told_before_any_scoring(folder):
    three = replace(item(1), responses=("a", "b", "c"), gold=(0.0, 0.5, 1.0), probability=None, votes=None)
    with pytest.raises(TaskError, match="has 3 responses; calibration needs pairs"):
        write_task(folder, CARD | {"axis": "calibration"}, [three])
    with pytest.raises(TaskError, match="the task has no items"):
        write_task(folder, CARD, [])


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TaskError, match="cannot be written"):
        write_task(tmp_path / "file" / "mine", CARD, [item(1)])


def test_a_pool_must_hold_what_its_budgets_ask_for(folder):
    with pytest.raises(TaskError, match="has 2 responses, fewer than the card's best_of_n 64"):
        write_task(folder, {**CARD, "axis": "overoptimization"}, [item(1)])


def test_a_broken_parquet_and_a_missing_one(folder):
    (folder / "items.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(TaskError, match="not a readable parquet file"):
        read_task(folder)
    (folder / "items.parquet").unlink()
    with pytest.raises(TaskError, match="rmbench tasks build mine"):
        read_task(folder)


def test_an_edited_item_is_noticed(folder):
    import pyarrow.parquet as pq

    rows = pq.read_table(folder / "items.parquet")
    pq.write_table(rows.slice(1), folder / "items.parquet")
    with pytest.raises(TaskError, match="restore them, or raise the version"):
        read_task(folder)


def test_tasks_of_ones_own(folder):
    assert load_task("mine", folder.parent).card.title == "Mine"
    assert set(discover()) < set(discover(folder.parent))
    with pytest.raises(UsageError, match="did you mean 'mine'"):
        find_task("mien", folder.parent)
    with pytest.raises(UsageError, match="no such folder"):
        discover(folder.parent / "nowhere")
    (folder.parent / "deep").mkdir()
    (folder.parent / "deep" / "mine").mkdir()
    (folder.parent / "deep" / "mine" / "card.yaml").write_text("a: 1")
    with pytest.raises(TaskError, match="two tasks are called 'mine'"):
        discover(folder.parent)


def test_an_unknown_suite():
    with pytest.raises(UsageError, match=r"did you mean 'quick'.*known suites: core, quick"):
        load_suite("quik")


def test_the_shipped_tasks_lie_where_the_card_says():
    for name, path in discover().items():
        assert path == Path(tasks_root() / read_card(path / "card.yaml").axis / name)
