"""The embedded reward model: a small decoder trained on the worlds' training split, so that rmbench runs anywhere."""

from __future__ import annotations

from pathlib import Path

from rmbench.models.base import Adapter, ModelOptions
from rmbench.models.classifier import Classifier, load_snapshot
from rmbench.models.hub import fetch

FOLDER = Path(__file__).parent / "tiny_weights"


def load(_argument: str, options: ModelOptions) -> Classifier:
    return load_snapshot(fetch(str(FOLDER), options), options, name="tiny")


ADAPTER = Adapter("tiny", "the embedded reward model (the default)", load, track="closed")
