"""From a folder or a Hub id to a folder that is safe to load: no pickle, no un-merged adapter, everything digested."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rmbench.errors import ModelError, UsageError
from rmbench.models.base import ModelOptions

WEIGHTS = "*.safetensors"
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
TOKENIZER = ("tokenizer*", "special_tokens_map.json", "added_tokens.json", "vocab*", "merges.txt", "*.model")
_DOWNLOAD = (WEIGHTS, "*.json", "*.jinja", "*.txt", "*.model")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Files of a model on this disk. `revision` is the Hub commit, None for a local folder."""

    folder: Path
    source: str
    revision: str | None

    @property
    def name(self) -> str:
        """What the model is called in tables: the Hub id, or the folder's own name."""
        return self.source if self.revision else self.folder.resolve().name

    def config(self) -> dict[str, Any]:
        """config.json as it stands. Raises ModelError if it is absent or not a JSON object."""
        path = self.folder / "config.json"
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ModelError(
                f"{self.folder} has no config.json; a model folder is made by save_pretrained", problem="config"
            ) from None
        except (OSError, ValueError, RecursionError) as error:
            raise ModelError(f"{path} is not readable as JSON: {error}", problem="config") from error
        if not isinstance(raw, dict):
            raise ModelError(f"{path} must hold a JSON object", problem="config")
        return raw

    def weights_digest(self) -> str:
        """sha256 over the names and bytes of all weight files, in the order of names."""
        return _digest(self.folder.glob(WEIGHTS))

    def config_digest(self) -> str:
        """sha256 of config.json: positions, norms and the padding token decide scores, too."""
        return _digest([self.folder / "config.json"])

    def code_digest(self) -> str | bool:
        """sha256 of the model's own Python files; False if there are none."""
        return _digest(files) if (files := [*self.folder.glob("*.py")]) else False

    def tokenizer_digest(self) -> str:
        """sha256 over the names and bytes of the tokenizer's files, in the order of names."""
        return _digest({path for pattern in TOKENIZER for path in self.folder.glob(pattern) if path.is_file()})


def fetch(source: str, options: ModelOptions) -> Snapshot:
    """The files of a local folder or, for ORG/NAME, of a Hub model at a pinned commit; checked before anything loads.

    Raises ModelError for what does not exist, holds no safetensors weights, or is an adapter that was not merged.
    """
    folder = Path(source).expanduser()
    if folder.is_dir():
        if options.revision is not None:
            raise UsageError(f"{source} is a local folder, which has no revision {options.revision!r}; drop the option")
        snapshot = Snapshot(folder, source, None)
    elif source.startswith((".", "/", "~")) or source.count("/") > 1 or source.endswith("/"):
        raise ModelError(f"there is no model folder {source}; check the path", problem="no-such-model")
    else:
        snapshot = _download(source, options)
    _refuse_adapter(snapshot)
    snapshot.config()
    _refuse_pickle(snapshot)
    return snapshot


def _download(source: str, options: ModelOptions) -> Snapshot:
    from huggingface_hub import snapshot_download

    patterns = [*_DOWNLOAD, "*.py"] if options.trust_remote_code else list(_DOWNLOAD)
    try:
        got = snapshot_download(source, revision=options.revision, allow_patterns=patterns, ignore_patterns=["*/*"])
    except (OSError, ValueError) as error:  # every error of the Hub is one of the two
        why = str(error).strip().splitlines()[0]
        raise ModelError(
            f"there is no folder {source}, and the Hub did not give a model of that name: {why}",
            problem="no-such-model",
        ) from error
    folder = Path(got)
    return Snapshot(folder, source, folder.name)  # the cache names a snapshot's folder after its commit


def _refuse_adapter(snapshot: Snapshot) -> None:
    if (snapshot.folder / "adapter_config.json").is_file():
        raise ModelError(
            f"{snapshot.folder} holds an adapter (adapter_config.json), not a whole model; merge it first: "
            "AutoPeftModelForSequenceClassification.from_pretrained(FOLDER).merge_and_unload().save_pretrained(NEW), "
            "and save the tokenizer there too",
            problem="adapter",
        )


def _refuse_pickle(snapshot: Snapshot) -> None:
    if any(snapshot.folder.glob(WEIGHTS)):
        return
    pickles = sorted(path.name for pattern in PICKLES for path in snapshot.folder.glob(pattern))
    if pickles:
        raise ModelError(
            f"{snapshot.folder / pickles[0]} is a pickle, which can run code when it is read; convert it where you "
            "trust it: from_pretrained(FOLDER).save_pretrained(NEW) writes safetensors",
            problem="pickle",
        )
    raise ModelError(
        f"{snapshot.folder} has no weights: expected {WEIGHTS} (pickle files are never read)", problem="no-weights"
    )


def _digest(paths: Iterable[Path]) -> str:
    found = hashlib.sha256()
    for path in sorted(paths):
        with path.open("rb") as file:
            found.update(f"{path.name}\0".encode() + hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()
