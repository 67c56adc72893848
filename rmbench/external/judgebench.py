"""JudgeBench (Tan et al. 2024, arXiv 2410.12784): pairs of answers by one model, one right and one wrong.

Files: `items_*.jsonl` (pair_id, original_id, source, question, response_A, response_B, label "A>B" or "B>A") and, for
the scores of reward models, `outputs_*.jsonl` with `judgments[0].judgment.scores` = [A, B] for the first order. The
official figure is the micro average over pairs where an exact tie is wrong: our `StrictAccuracy`. The pairs of one
question are one group, since they share their prompt.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rmbench.errors import TaskError
from rmbench.external import json_lines
from rmbench.types import Item, Message

CATEGORIES = {
    "mmlu-pro": "knowledge",
    "livebench-reasoning": "reasoning",
    "livebench-math": "math",
    "livecodebench": "coding",
}
CARD: dict[str, Any] = {
    "name": "judgebench",
    "axis": "generalisation",
    "version": 1,
    "title": "JudgeBench: which of two answers of one model is right",
    "asks": "Knowledge, reasoning, math and coding questions with checkable answers; one answer is right, one wrong.",
    "limits": "350 pairs from 157 questions: wide intervals. StrictAccuracy (a tie is wrong) is the official figure.",
    "licence": "not stated by its authors; read from your own copy",
    "source": "https://huggingface.co/datasets/ScalerLab/JudgeBench",
    "citation": "Tan et al. 2024, JudgeBench, arXiv 2410.12784",
    "canary": "rmbench:3c5b1f0e-5f5e-5d0b-9a9b-0d6f3a8f7e21",
    "chance": 0.5,
}


def read_items(folder: Path) -> list[Item]:
    """The pairs of every `items_*.jsonl`. Raises TaskError when there is none, or a row is not as published."""
    items = []
    for path in _files(folder, "items_*.jsonl"):
        for where, row in json_lines(
            path, ("pair_id", "original_id", "source", "question", "response_A", "response_B")
        ):
            if row.get("label") not in {"A>B", "B>A"}:
                raise TaskError(f"{where}: label is {row.get('label')!r}; expected 'A>B' or 'B>A'")
            category = next((c for prefix, c in CATEGORIES.items() if str(row["source"]).startswith(prefix)), "other")
            items.append(
                Item(
                    id=row["pair_id"],
                    prompt=(Message(role="user", content=row["question"]),),
                    responses=(row["response_A"], row["response_B"]),
                    gold=(1.0, 0.0) if row["label"] == "A>B" else (0.0, 1.0),
                    # LiveBench's rows have no original_id, and they are not one question
                    group=f"{row['source']}/{row['original_id'] or row['pair_id']}",
                    tags={"category": category, "source": row["source"]},
                )
            )
    return items


def read_scores(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Published scores by model: one replay row per response, first order only."""
    found = {}
    for path in sorted(folder.glob("outputs_*.jsonl")):
        rows = []
        for where, row in json_lines(path, ("question", "response_A", "response_B", "judgments")):
            try:
                scores = row["judgments"][0]["judgment"]["scores"]
                pairs = list(zip((row["response_A"], row["response_B"]), scores, strict=True))
            except (LookupError, TypeError, ValueError):
                raise TaskError(f"{where}: judgments[0].judgment.scores is not a pair of scores") from None
            rows += [{"prompt": row["question"], "response": text, "score": score} for text, score in pairs]
        found[path.stem.removeprefix("outputs_")] = rows
    return found


def _files(folder: Path, pattern: str) -> list[Path]:
    found = sorted(folder.glob(pattern))
    if not found:
        raise TaskError(f"{folder}: there is no file {pattern}; give the folder of the published JudgeBench files")
    return found
