"""PandaLM (Wang et al. 2023, arXiv 2306.05087): pairs of answers by two language models, each judged by three people.

File: `testset-v1.json`, a list of rows with idx, cmp_key (the two models), instruction, input, response1, response2 and
annotator1..3, each 1, 2 or 0 (neither is better). `votes` counts the people who preferred the first and the second; how
many preferred neither stands in the tag `tied_votes`, and who said what in the tag `annotators`. A tie is half a vote
for each side, and the votes' own noise is that of three raters (`rmbench.metrics.temperature.vote_share`). Where all
three prefer neither there are no votes to count, and the equal gold says the same. Pairs about one instruction and
input are one group. Six responses are JSON's `true`, read as the text "True"; 54 pairs hold an empty one, read as
`EMPTY`.

PandaLM-7B's verdicts (`pandalm-7b-testset-v1.json`) are about pairs, and most answers stand in several pairs with
different verdicts, so they are no scores of answers: read them with `rmbench analyze pairs`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rmbench.errors import TaskError
from rmbench.types import Item, Message

FILE = "testset-v1.json"
EMPTY = "(no answer)"  # a conversation needs some text
ANNOTATORS = ("annotator1", "annotator2", "annotator3")
FIELDS = ("idx", "cmp_key", "instruction", "input", "response1", "response2", *ANNOTATORS)
CARD: dict[str, Any] = {
    "name": "pandalm",
    "axis": "calibration",
    "version": 1,
    "title": "PandaLM: does the margin mean the share of three people's votes",
    "asks": "Answers of small language models to everyday instructions, each pair judged by the same three people.",
    "limits": "Three people who agree on 88 % of the pairs: most shares are 0 or 1. Answers of 2023, many weak; "
    "an empty answer (54 pairs) is written as (no answer).",
    "licence": "Apache-2.0; read from your own copy",
    "source": "https://github.com/WeOpenML/PandaLM",
    "citation": "Wang et al. 2023, PandaLM, arXiv 2306.05087",
    "canary": "rmbench:0a4f6d6e-6f0b-5c39-8f0e-0f5d3c1b7a92",
    "chance": 0.5,
}


def read_items(folder: Path) -> list[Item]:
    """The pairs of the test set. Raises TaskError when it is absent, or a row is not as published."""
    path = folder / FILE
    if not path.is_file():
        raise TaskError(f"{folder}: there is no file {FILE}; give the folder of the published PandaLM test set")
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise TaskError(f"{path}: cannot be read as JSON ({error})") from None
    if not isinstance(rows, list) or not rows:
        raise TaskError(f"{path}: expected a list of rows; is this the published file?")
    return [_item(row, f"{path}, row {number}") for number, row in enumerate(rows, start=1)]


def read_scores(folder: Path) -> dict[str, list[dict[str, Any]]]:  # noqa: ARG001
    """None: the published verdicts are about pairs (see above)."""
    return {}


def _item(row: Any, where: str) -> Item:
    missing = [field for field in FIELDS if not isinstance(row, dict) or field not in row]
    if missing:
        raise TaskError(f"{where}: the field {missing[0]!r} is missing; is this the published file?")
    said = [row[name] for name in ANNOTATORS]
    if wrong := [vote for vote in said if isinstance(vote, bool) or vote not in (0, 1, 2)]:
        raise TaskError(f"{where}: an annotator said {wrong[0]!r}; expected 0 (neither), 1 or 2")
    first, second, tied = (said.count(vote) for vote in (1, 2, 0))
    share = (first + tied / 2) / len(said)
    asked = "\n\n".join(part for part in (str(row["instruction"]), str(row["input"])) if part)
    return Item(
        id=f"{row['idx']}",
        prompt=(Message(role="user", content=asked),),
        responses=(_text(row["response1"]), _text(row["response2"])),
        gold=(share, 1 - share),
        group=asked,
        votes=(first, second) if first + second else None,
        tags={"models": str(row["cmp_key"]), "tied_votes": str(tied), "annotators": " ".join(map(str, said))},
    )


def _text(response: Any) -> str:
    return str(response) if str(response).strip() else EMPTY
