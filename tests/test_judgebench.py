"""JudgeBench: the published figures of two reward models, from their own scores, through our path."""

import json
from pathlib import Path

import pytest

import rmbench
from rmbench.errors import TaskError
from rmbench.external import import_benchmark
from rmbench.scores import read_run

DATA = Path(__file__).parent.parent.parent / "shared" / "data" / "judgebench"
# Tan et al. 2024 (arXiv 2410.12784), table of reward models on the GPT-4o pairs; micro average over 350 pairs
PUBLISHED = {
    "Skywork_Skywork-Reward-Llama-3.1-8B": (59.09, 64.29, 76.79, 50.00, 62.29),
    "internlm_internlm2-20b-reward": (62.34, 69.39, 66.07, 50.00, 63.43),
}
CATEGORIES = ("knowledge", "reasoning", "math", "coding")


@pytest.mark.skipif(not DATA.is_dir(), reason="the published JudgeBench files are not beside this checkout")
@pytest.mark.parametrize("model", PUBLISHED)
def test_published_figures(model, tmp_path):
    folder, replays = import_benchmark("judgebench", DATA, tmp_path / "tasks")
    replay = next(path for path in replays if path.stem == model)
    run = rmbench.run(f"replay:{replay}", tasks=["judgebench"], tasks_dir=folder.parent, out=tmp_path / "run")
    metrics = rmbench.evaluate(run).tasks["judgebench"].metrics
    names = [f"StrictAccuracy(category='{c}')" for c in CATEGORIES] + ["StrictAccuracy"]
    assert [round(100 * metrics[name].value, 2) for name in names] == list(PUBLISHED[model])
    assert metrics["StrictAccuracy"].n == 350
    assert len({item.group for item in read_run(run).items("judgebench")}) == 350


def pair(**changes):
    row = {"pair_id": "p", "original_id": 1, "source": "mmlu-pro-law", "question": "Q?"}
    return row | {"response_A": "a", "response_B": "b", "label": "A>B"} | changes


def test_the_layout_is_read(tmp_path):
    rows = [pair(), pair(pair_id="q", label="B>A", source="livecodebench")]
    (tmp_path / "items_x.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    scored = pair() | {"judgments": [{"judgment": {"scores": [0.5, 2.0]}}]}
    (tmp_path / "outputs_some.model.jsonl").write_text(json.dumps(scored))
    folder, replays = import_benchmark("judgebench", tmp_path, tmp_path / "out")
    assert (folder / "items.parquet").exists()
    assert [p.name for p in replays] == ["some.model.jsonl"]
    assert [json.loads(line)["score"] for line in replays[0].read_text().splitlines()] == [0.5, 2.0]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{", "line 1: not JSON"),
        (json.dumps(pair(label="A=B")), "label is 'A=B'"),
        (json.dumps({"pair_id": "p"}), "the field 'original_id' is missing"),
    ],
)
def test_other_layouts_are_refused(tmp_path, row, message):
    (tmp_path / "items_x.jsonl").write_text(row)
    with pytest.raises(TaskError) as error:
        import_benchmark("judgebench", tmp_path, tmp_path / "out")
    assert message in str(error.value)
    assert not (tmp_path / "out").exists()
