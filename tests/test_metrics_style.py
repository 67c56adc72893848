"""The style matrix: against plain numpy on the published layout of RM-Bench, and by hand."""

import json
from pathlib import Path

import numpy as np
import pytest
from scored import item

from rmbench.metrics import metrics_for
from rmbench.metrics.preference import Accuracy
from rmbench.metrics.style import StyleAccuracy, cells
from rmbench.task import load_task

DATA = Path(__file__).parent.parent.parent / "shared" / "data" / "rm_bench"
STYLES = ("concise", "detailed", "markdown")
TRIANGLES = {"easy": np.tril_indices(3, -1), "normal": np.diag_indices(3), "hard": np.triu_indices(3, 1)}


def matrix_items(chosen, rejected, name):
    """Nine pairs of one prompt, from the scores of its better and of its worse answer in each style."""
    out = []
    for a, b in np.ndindex(3, 3):
        tags = {"chosen_style": STYLES[a], "rejected_style": STYLES[b]}
        tags["category"] = "easy" if a > b else "hard" if a < b else "normal"
        out.append(item([chosen[a], rejected[b]], [1, 0], f"{name}-{a}-{b}", name, tags=tags))
    return out


def of_cells(items):
    return np.array([[StyleAccuracy(chosen=a, rejected=b).value(items) for b in STYLES] for a in STYLES])


@pytest.mark.skipif(not DATA.is_dir(), reason="the published RM-Bench files are not beside this checkout")
@pytest.mark.parametrize("part", sorted(path.name for path in DATA.glob("*.json")))
def test_parity_with_plain_numpy_on_rm_bench(part):
    rows = json.loads((DATA / part).read_text())
    rng = np.random.default_rng(len(rows))
    scores = {
        row["id"]: (rng.integers(0, 6, len(row["chosen"])), rng.integers(0, 6, len(row["rejected"]))) for row in rows
    }
    items = [i for name, (chosen, rejected) in scores.items() for i in matrix_items(chosen, rejected, str(name))]
    chosen, rejected = (np.array([pair[k] for pair in scores.values()], dtype=float) for k in (0, 1))
    wins = (chosen[:, :, None] > rejected[:, None, :]) + 0.5 * (chosen[:, :, None] == rejected[:, None, :])
    expected = wins.mean(axis=0)
    assert of_cells(items) == pytest.approx(expected)
    for category, where in TRIANGLES.items():
        assert Accuracy(category=category).value(items) == pytest.approx(expected[where].mean())


def test_a_reward_of_style_alone_wins_below_and_loses_above():
    items = matrix_items([1, 2, 3], [1, 2, 3], "x")
    assert of_cells(items).tolist() == [[0.5, 0, 0], [1, 0.5, 0], [1, 1, 0.5]]
    assert StyleAccuracy(chosen="markdown").value(items) == pytest.approx(2.5 / 3)
    assert StyleAccuracy(rejected="markdown").value(items) == pytest.approx(0.5 / 3)


def test_cells_are_named_by_their_styles_and_come_row_by_row():
    items = matrix_items([3, 2, 1], [0, 5, 2], "x")
    assert list(map(repr, cells(items)))[:4] == [
        "StyleAccuracy(chosen='concise', rejected='concise')",
        "StyleAccuracy(chosen='concise', rejected='detailed')",
        "StyleAccuracy(chosen='concise', rejected='markdown')",
        "StyleAccuracy(chosen='detailed', rejected='concise')",
    ]
    assert list(map(repr, cells(items[::-1]))) == list(map(repr, cells(items)))
    assert cells([item([1, 0], [1, 0])]) == []
    assert not StyleAccuracy().concerns([item([1, 0], [1, 0])]).any()


def test_order_and_scale_mean_nothing():
    rng = np.random.default_rng(3)
    items = [i for k in range(20) for i in matrix_items(rng.random(3), rng.random(3), f"x{k}")]
    turned = [item(3 * i.scores[::-1] + 7, i.gold[::-1], i.id, i.group, tags=i.tags) for i in items[::-1]]
    assert of_cells(turned) == pytest.approx(of_cells(items))


def test_only_items_with_styles_have_cells():
    for name, count in (("style", 9), ("difficulty", 0)):
        task = load_task(name)
        items = [item([0, 0], i.gold, i.id, i.group, tags=i.tags) for i in task.items]
        assert sum(isinstance(m, StyleAccuracy) for m in metrics_for(task.card, items)) == count
