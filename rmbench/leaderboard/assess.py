"""One submission, from its folder to what the board keeps of it; done once, and kept under the digest of its files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from rmbench.cache import cache_folder
from rmbench.items import replace_file
from rmbench.leaderboard.layout import check_layout, digest_of
from rmbench.leaderboard.numbers import Numbers, numbers_of
from rmbench.leaderboard.standard import Standard, Standards
from rmbench.leaderboard.types import Contamination, Problem, Submission
from rmbench.leaderboard.verify import Checked, verify
from rmbench.rows import canonical, sha256
from rmbench.scores import VERSION
from rmbench.types import Estimate

KEPT = 1  # version of what is kept


@dataclass(frozen=True, slots=True)
class Facts:
    """What a row says of the model, beside numbers that were computed. All of it is a stranger's word."""

    submission: Submission
    settings: Mapping[str, Any]
    created: str
    harness: str
    tokens: int
    seconds: float
    parameters: int | None
    track: str
    attacked: bool


@dataclass(frozen=True, slots=True)
class Assessed:
    """A submission after verification. `facts` and `numbers` are there exactly if it has no errors."""

    key: str
    suite: str
    folder: Path
    digest: str
    problems: tuple[Problem, ...]
    facts: Facts | None = None
    numbers: Numbers | None = None

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What it is rejected for."""
        return tuple(problem for problem in self.problems if problem.level == "error")


@dataclass(frozen=True, slots=True)
class Assessor:
    """How submissions are assessed. `cache`: a folder where results are kept, or None."""

    bootstrap: int = 1000
    seed: int = 0
    cache: Path | None = None

    def __call__(self, folder: Path, standards: Standards, *, texts: bool = True) -> Assessed:
        """The submission in `folder`; `texts`: grade those of searches again. Never raises for what lies in it."""
        key, suite = folder.parent.name, folder.name
        try:
            return self._assess(folder, standards, texts=texts)
        except Exception as error:  # noqa: BLE001 - a bug of ours in one submission must not hide the others
            told = (
                f"it could not be checked ({type(error).__name__}: {error!s:.200}); this is a bug of rmbench: report it"
            )
            return Assessed(key, suite, folder, "", (Problem("internal", "submission", told),))

    def _assess(self, folder: Path, standards: Standards, *, texts: bool) -> Assessed:
        key, suite = folder.parent.name, folder.name
        if problems := check_layout(folder):
            return Assessed(key, suite, folder, "", tuple(problems))
        digest = digest_of(folder)
        kept = self._place(f"{key} {digest}", suite, standards, texts=texts)
        if kept is not None and (found := _kept(kept)) is not None:
            return replace(found, key=key, suite=suite, folder=folder)
        checked = verify(folder, standards, texts=texts)
        if checked.errors:
            return Assessed(key, suite, folder, digest, checked.problems)
        numbers = numbers_of(checked, bootstrap=self.bootstrap, seed=self.seed)
        found = Assessed(key, suite, folder, digest, checked.problems, facts_of(checked), numbers)
        if kept is not None:
            _keep(kept, found)
        return found

    def _place(self, about: str, suite: str, standards: Standards, *, texts: bool) -> Path | None:
        """Where the result lies: under all that it hangs on. None where nothing is kept, or the suite is not here."""
        if self.cache is None or (standard := standards.known(suite)) is None:
            return None
        said = [KEPT, VERSION, code(), _tasks(standard), about, self.bootstrap, self.seed, texts]
        return self.cache / f"{sha256(said)}.json"


def board_cache() -> Path:
    """Where results are kept: in the user's cache folder."""
    return cache_folder() / "board"


@cache
def code() -> str:
    """A digest of our own sources: a result that was made by other code is not served."""
    root = Path(__file__).parent.parent
    parts = ("metrics", "optimizers", "worlds", "contamination", "engine")
    deep = (path for part in parts for path in (root / part).rglob("*.py"))
    files = sorted([*root.glob("*.py"), *(root / "leaderboard").glob("*.py"), *deep])
    return sha256([[str(path.relative_to(root)), path.read_text(encoding="utf-8")] for path in files])


def facts_of(checked: Checked) -> Facts:
    """The facts of a submission without errors."""
    manifest, submission, standard = checked.manifest, checked.submission, checked.standard
    assert manifest is not None
    assert submission is not None
    assert standard is not None
    said = manifest.settings.get("parameters")
    return Facts(
        submission=submission,
        settings=manifest.settings,
        created=manifest.created,
        harness=manifest.rmbench,
        tokens=sum(counts.tokens for counts in manifest.counts.values()),
        seconds=sum(counts.seconds for counts in manifest.counts.values()),
        parameters=said if said is not None else submission.parameters,
        track=manifest.track,
        attacked=all(card.budgets == standard.cards[name].budgets for name, card in manifest.cards.items()),
    )


def _tasks(standard: Standard) -> list[Any]:
    return [card.model_dump(mode="json") for card in standard.cards.values()]


def _keep(path: Path, found: Assessed) -> None:
    """Numbers beside words: the replicates as they are in memory, the rest as JSON."""
    numbers, facts = found.numbers, found.facts
    assert numbers is not None
    assert facts is not None
    told = {
        "digest": found.digest,
        "problems": [tuple(problem) for problem in found.problems],
        "facts": {**_fields(facts), "submission": facts.submission.model_dump(mode="json")},
        "numbers": {
            **{name: _estimates(getattr(numbers, name)) for name in ("skills", "tasks")},
            "items": numbers.items,
            "missing": numbers.missing,
            "contamination": {
                **_fields(numbers.contamination),
                "skills": _estimates(numbers.contamination.skills),
            },
        },
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path.with_suffix(".f64"), np.ascontiguousarray(numbers.draws, dtype="<f8").tobytes())
    replace_file(path, canonical(told).encode("utf-8", "surrogatepass"))


def _kept(path: Path) -> Assessed | None:
    """What was kept; None where nothing was, or where it cannot be read any more."""
    try:
        told = json.loads(path.read_bytes())
        draws = np.frombuffer(path.with_suffix(".f64").read_bytes(), dtype="<f8").reshape(4, -1)
        numbers = told["numbers"]
        contamination = numbers["contamination"]
        skills = _from_plain(contamination.pop("skills"))
        return Assessed(
            key="",
            suite="",
            folder=path,
            digest=told["digest"],
            problems=tuple(Problem(*problem) for problem in told["problems"]),
            facts=Facts(**{**told["facts"], "submission": Submission.model_validate(told["facts"]["submission"])}),
            numbers=Numbers(
                skills=_from_plain(numbers["skills"]),
                tasks=_from_plain(numbers["tasks"]),
                draws=draws,
                items=numbers["items"],
                missing=numbers["missing"],
                contamination=Contamination(**contamination, skills=skills),
            ),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def _estimates(found: Mapping[str, Estimate]) -> dict[str, Any]:
    return {name: asdict(estimate) for name, estimate in found.items()}


def _from_plain(told: Mapping[str, Mapping[str, Any]]) -> dict[str, Estimate]:
    return {name: Estimate(**estimate) for name, estimate in told.items()}
