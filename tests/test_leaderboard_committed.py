"""The leaderboard of this repository: its ledger holds, its entries verify, its README is what they give."""

from pathlib import Path

import pytest

from rmbench.leaderboard.assess import Assessor
from rmbench.leaderboard.board import Builder
from rmbench.leaderboard.building import boards_of
from rmbench.leaderboard.ledgering import check_ledger
from rmbench.leaderboard.readme import board_readme
from rmbench.leaderboard.sources import open_source
from rmbench.ledger import read_ledger
from rmbench.scores import read_manifest

ROOT = Path(__file__).parent.parent / "leaderboard"
FOLDERS = sorted(path.parent for path in ROOT.glob("submissions/*/*/manifest.json"))
ALWAYS = {"rmbench__constant", "rmbench__random", "rmbench__length", "rmbench__tfidf", "rmbench__tiny"}


@pytest.fixture(scope="module")
def boards():
    with open_source(str(ROOT)) as source:
        return boards_of(source, Builder(assessor=Assessor(), heldout=ROOT / "heldout"))


def test_the_ledger_holds():
    events, problems = check_ledger(ROOT)
    assert problems == []
    assert {event.entry for event in events if event.event == "added"} >= ALWAYS


def test_every_entry_is_on_the_board_and_none_is_only_claimed(boards):
    shown = {(entry.key, entry.suite) for board in boards for entry in board.entries}
    assert shown == {(folder.parent.name, folder.name) for folder in FOLDERS}
    assert not [left for board in boards for left in board.left]
    assert "self-reported" not in {entry.trust for board in boards for entry in board.entries}


def test_the_baselines_are_always_there(boards):
    for board in boards:
        assert {entry.key for entry in board.ranked} >= ALWAYS
        worth = {entry.key: entry.skills["overall"].value for entry in board.ranked}
        assert worth["rmbench__constant"] == 0
        assert abs(worth["rmbench__random"]) < 0.05
        assert max(worth, key=worth.get) not in {"rmbench__length", "rmbench__random", "rmbench__constant"}


def test_the_readme_is_the_one_that_the_entries_give(boards):
    assert (ROOT / "README.md").read_text(encoding="utf-8") == board_readme(boards), (
        "make it again: rmbench leaderboard build --readme leaderboard/README.md"
    )


def test_nothing_tells_of_the_machine_that_ran_it():
    for folder in FOLDERS:
        manifest = read_manifest(folder / "manifest.json")
        assert "/" not in manifest.settings["name"]
    for event in read_ledger(ROOT / "ledger.jsonl"):
        assert "/" not in event.by
