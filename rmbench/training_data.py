"""Preference pairs of the closed track: prompts of the worlds' training split, labelled by a simulated annotator.

The texts depend on `seed` and `worlds` alone, so files that differ in the annotator hold the same answers with other
labels. Prompts are of base difficulty and base domain only: that is what "in distribution" means on this track.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, Literal, get_args

from rmbench.errors import UsageError
from rmbench.worlds import get_world, surface, worlds

Annotator = Literal["gold", "logistic", "biased"]
TAU = 0.15  # gold difference that counts as one nat of preference
BLOCK = 1_000_000  # prompt numbers per seed; seeds stop short of the validation prompts of the embedded model
SEEDS = 1000
TRIES = 50  # draws of two answers to a prompt until their gold differs; a prompt that never does is left out
LENGTH_BIAS = 0.05  # gold that the biased annotator adds for each doubling of the number of words …
MARKUP_BIAS = 0.02  # … and for each markdown mark, …
MOST_MARKUP = 5  # … of which it counts so many
ROWS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Settings:
    """What decides a file, byte for byte.

    The annotator prefers the better answer always ("gold"), with probability sigmoid(difference in gold / tau)
    ("logistic"), or so that length and markdown count as well ("biased"). The majority of `raters` such annotators is
    the label, which is then turned round in a share of `label_noise` of all pairs.
    """

    pairs: int = 20_000
    seed: int = 0
    worlds: tuple[str, ...] = ()
    annotator: Annotator = "gold"
    tau: float = TAU
    raters: int = 1
    label_noise: float = 0.0

    def __post_init__(self) -> None:
        if not 1 <= self.pairs <= BLOCK:
            raise UsageError(f"--pairs {self.pairs}: give a number from 1 to {BLOCK}; another --seed has as many more")
        if not 0 <= self.seed < SEEDS:
            raise UsageError(f"--seed {self.seed}: give a whole number from 0 to {SEEDS - 1}")
        if self.annotator not in get_args(Annotator):
            known = ", ".join(get_args(Annotator))
            raise UsageError(f"--annotator {self.annotator}: there is no such annotator; known: {known}")
        if not (self.tau > 0 and math.isfinite(self.tau)):
            raise UsageError(f"--tau {self.tau:g}: give a number above 0")
        if self.raters < 1 or self.raters % 2 == 0:
            raise UsageError(f"--raters {self.raters}: give an odd number, so that there is always a majority")
        if not 0 <= self.label_noise <= 0.5:
            raise UsageError(f"--label-noise {self.label_noise:g}: give a share from 0 to 0.5, where labels are coins")
        if len({*self.worlds}) < len(self.worlds):
            raise UsageError(f"--worlds {','.join(self.worlds)}: a world is named twice")
        for name in self.worlds:
            get_world(name)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers to one prompt, and the chance with which this annotator prefers the chosen one.

    `margin` is how far apart the two are in gold, whichever was chosen: trainers may read it, and it must not betray a
    wrong label. `world` and `seed` name the prompt.
    """

    prompt: str
    chosen: str
    rejected: str
    margin: float
    probability: float
    world: str
    seed: int

    def row(self) -> dict[str, Any]:
        """The pair in TRL's conversational preference format, with the other fields as further columns."""
        said = {name: [{"role": "assistant", "content": getattr(self, name)}] for name in ("chosen", "rejected")}
        return {**asdict(self), "prompt": [{"role": "user", "content": self.prompt}], **said}


def training_pairs(settings: Settings) -> Iterator[Pair]:
    """The pairs, one per prompt; worlds take turns."""
    return islice(_stream(settings), settings.pairs)


def write_pairs(path: Path, settings: Settings, progress: Callable[[int, int], None] | None = None) -> None:
    """Write the pairs to a .jsonl or .parquet file, in one step: what stood there before stays until all is done.

    Raises UsageError for another ending, or where the file cannot be written.
    """
    writers = {".jsonl": _write_jsonl, ".parquet": _write_parquet}
    if path.suffix not in writers:
        raise UsageError(f"--out {path}: the name must end in {' or '.join(writers)}")
    tell = progress or (lambda *_: None)

    def counted() -> Iterator[Pair]:
        for number, pair in enumerate(training_pairs(settings), start=1):
            yield pair
            tell(number, settings.pairs)

    try:
        with _in_one_step(path) as draft:
            writers[path.suffix](draft, counted(), settings)
    except OSError as error:
        raise UsageError(f"--out {path}: cannot be written ({error.strerror}); choose another place") from error


def _stream(settings: Settings) -> Iterator[Pair]:
    chosen = [get_world(name) for name in settings.worlds] or [*worlds().values()]
    for number in range(settings.seed * BLOCK, (settings.seed + 1) * BLOCK):
        for world in chosen:
            prompt = world.prompt(number, split="train")
            rng = Random(f"train-data/{world.name}/{number}")
            for _ in range(TRIES):
                texts = [world.render(prompt, world.sample(prompt, rng), rng.randrange(2**31)) for _ in range(2)]
                gold = [world.gold(prompt, text).score for text in texts]
                if gold[0] != gold[1]:
                    pair = Pair(prompt.text, texts[0], texts[1], abs(gold[0] - gold[1]), 0.0, world.name, number)
                    yield _labelled(pair, gold[0] - gold[1], settings)
                    break


def _labelled(pair: Pair, difference: float, settings: Settings) -> Pair:
    """The pair as the annotator sees it: swapped if it prefers the second answer."""
    rng = Random(f"labels/{settings.annotator}/{settings.tau}/{settings.raters}/{pair.world}/{pair.seed}")
    prefers = chance(pair.chosen, pair.rejected, difference, settings)
    first = 2 * sum(rng.random() < prefers for _ in range(settings.raters)) > settings.raters
    # drawn last, and always: the labels under the noise stay those of the same file without it
    if rng.random() < settings.label_noise:
        first = not first
    total = _majority(prefers, settings.raters)
    total = total * (1 - settings.label_noise) + (1 - total) * settings.label_noise
    rounded = replace(pair, margin=round(pair.margin, 6), probability=round(total if first else 1 - total, 6))
    return rounded if first else replace(rounded, chosen=pair.rejected, rejected=pair.chosen)


def chance(first: str, second: str, difference: float, settings: Settings) -> float:
    """The chance that one annotator prefers the first answer, whose gold is higher by `difference`."""
    if settings.annotator == "gold":
        return float(difference > 0)
    if settings.annotator == "biased":
        difference += LENGTH_BIAS * math.log2(len(first.split()) / len(second.split()))
        marks = [min(MOST_MARKUP, surface.count_markup(text)) for text in (first, second)]
        difference += MARKUP_BIAS * (marks[0] - marks[1])
    return 1 / (1 + math.exp(-difference / settings.tau)) if difference > -700 * settings.tau else 0.0


def _majority(p: float, raters: int) -> float:
    """The chance that more than half of an odd number of raters say yes, each with chance p."""
    return sum(math.comb(raters, k) * p**k * (1 - p) ** (raters - k) for k in range(raters // 2 + 1, raters + 1))


def _write_jsonl(path: Path, pairs: Iterable[Pair], _settings: Settings) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for pair in pairs:
            file.write(json.dumps(pair.row(), ensure_ascii=False) + "\n")


def _write_parquet(path: Path, pairs: Iterable[Pair], settings: Settings) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    messages = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
    columns = [*((name, messages) for name in ("prompt", "chosen", "rejected"))]
    columns += [("margin", pa.float64()), ("probability", pa.float64()), ("world", pa.string()), ("seed", pa.int64())]
    editions = {name: world.version for name, world in worlds().items()}
    about = json.dumps({**asdict(settings), "versions": editions}, sort_keys=True)
    schema = pa.schema(columns, metadata={"rmbench": about})
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        rows = iter(pair.row() for pair in pairs)
        while part := list(islice(rows, ROWS_AT_ONCE)):
            writer.write_table(pa.Table.from_pylist(part, schema=schema))


@contextmanager
def _in_one_step(path: Path) -> Iterator[Path]:
    """A draft beside `path` that takes its place when all is well, and is removed when not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
