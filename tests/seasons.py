"""A small season of held-out tasks, made once, and the models that are scored on it."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from random import Random

import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from rmbench.heldout.committing import commit
from rmbench.heldout.making import make_season
from rmbench.heldout.scoring import score
from rmbench.heldout.season import Season
from rmbench.heldout.secret import new_key
from rmbench.leaderboard.layout import digest_of
from rmbench.ledger import Signer, append, read_ledger
from rmbench.scores import VERSION, Manifest

NAME, SUITE = "spring", "core@3"
SALT = bytes(range(100, 132))  # the same items in every test run
BASE = {
    "version": 1,
    "title": "A title",
    "asks": "Does it hold?",
    "limits": "A few items.",
    "licence": "CC0-1.0",
    "source": "written for this test",
    "canary": "rmbench:00000000-0000-0000-0000-000000000000",
    "chance": 0.5,
}
SHIFTED = {"recipe": "shifted_pairs", "worlds": ["transforms"], "pairs": 20, "seed": 1, "margin": 0.1}
CARDS = {
    "small_shift": {"axis": "generalisation", "build": SHIFTED | {"shift": {"difficulty": "hard"}}},
    "small_chance": {
        "axis": "calibration",
        "tau": 0.15,
        "build": {"recipe": "known_probability", "worlds": ["transforms"], "pairs": 20, "seed": 1, "tau": 0.15},
    },
    "small_pool": {
        "axis": "overoptimization",
        "chance": 0.0,
        "budgets": {"tilt": [1.0], "best_of_n": [4], "queries": {"search": 160}},
        "build": {"recipe": "pool", "worlds": ["records"], "prompts": 10, "candidates": 16, "seed": 1},
    },
}


class Noise:
    """A reward that is decided by the text alone, and by nothing in it."""

    settings = {"name": "noise"}  # noqa: RUF012

    def score(self, conversations):
        return [Random(chat[-1]["content"]).gauss(0, 1) for chat in conversations]


@dataclass(frozen=True)
class Board:
    """A leaderboard's folder, and what its maintainers hold."""

    folder: Path
    key: str
    signer: Signer
    season: Season

    @property
    def root(self):
        return self.folder / "heldout"

    @property
    def ledger(self):
        return self.folder / "ledger.jsonl"

    @property
    def place(self):
        return self.root / NAME

    @property
    def events(self):
        return read_ledger(self.ledger)

    def copy(self, to):
        """The same board elsewhere, to be spoilt."""
        shutil.copytree(self.folder, to)
        return Board(to, self.key, self.signer, self.season)

    def folder_of(self, entry):
        return self.folder / "submissions" / entry / SUITE

    def accept(self, entry, settings, *, signer=None):
        """Put a submission on the board: a manifest is all that matters of it here."""
        folder, kind = self.folder_of(entry), "rescored" if self.folder_of(entry).exists() else "added"
        folder.mkdir(parents=True, exist_ok=True)
        manifest = Manifest(
            rmbench=VERSION,
            created="2026-03-01T12:00:00+00:00",
            settings=settings,
            suite=SUITE,
            seed=0,
            limit=None,
            environment={},
            counts={},
            cards={},
            scores="0" * 64,
        )
        (folder / "manifest.json").write_text(json.dumps(manifest.sealed.model_dump(mode="json")))
        return append(self.ledger, kind, by="m", entry=entry, suite=SUITE, submission=digest_of(folder), signer=signer)

    def score(self, model=None, entry="acme__noise", **more):
        keys = {"key": self.key, "ledger": self.ledger, "signer": self.signer}
        return score(self.root, NAME, entry, SUITE, model or Noise(), **(keys | more))


def make_templates(folder):
    for name, card in CARDS.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "card.yaml").write_text(yaml.safe_dump(BASE | {"name": name} | card))
    return folder


def make_board(folder):
    """A season that is committed to, with two models scored on it."""
    templates = make_templates(folder / "templates")
    key, signer = new_key(), Signer("maintainer", Ed25519PrivateKey.generate())
    season = make_season(folder / "board" / "heldout", NAME, key, templates=templates, shipped=False, salt=SALT)
    board = Board(folder / "board", key, signer, season)
    (board.folder / "keys.json").write_text(json.dumps({signer.name: signer.public}))
    commit(board.root, NAME, key, board.ledger, signer)
    board.accept("acme__noise", Noise.settings)
    board.accept("rmbench__oracle", {"name": "oracle"})
    board.score()
    board.score("oracle", "rmbench__oracle")
    return board
