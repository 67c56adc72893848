"""PandaLM: the published agreement of its annotators, from what the loader keeps; its votes through our metrics."""

import json
from collections import Counter
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import rmbench
from rmbench.errors import TaskError
from rmbench.external import import_benchmark
from rmbench.external.pandalm import read_items
from rmbench.task import load_task

DATA = Path(__file__).parent.parent.parent / "shared" / "data" / "pandalm"
there = pytest.mark.skipif(not DATA.is_dir(), reason="the published PandaLM files are not beside this checkout")
# Wang et al. 2023 (arXiv 2306.05087) and its repository: agreement of the three annotators of the test set
UNANIMOUS, KAPPAS = 879, (0.852, 0.879, 0.862)


@there
def test_published_agreement():
    from sklearn.metrics import cohen_kappa_score

    items = read_items(DATA)
    said = np.array([[int(vote) for vote in item.tags["annotators"].split()] for item in items])
    assert said.shape == (999, 3)
    kinds = Counter(len(set(row)) for row in said.tolist())
    assert (kinds[1], kinds[3]) == (UNANIMOUS, 0)
    kappas = {round(cohen_kappa_score(said[:, a], said[:, b]), 3) for a, b in combinations(range(3), 2)}
    assert kappas == set(KAPPAS)
    for item, row in zip(items, said.tolist(), strict=True):
        assert (item.votes or (0, 0)) == (row.count(1), row.count(2))
        assert item.tags["tied_votes"] == str(row.count(0))


@there
def test_a_run_on_it(tmp_path):
    """The votes themselves get a skill near 1 (their own noise is in the prediction); length gets little."""
    folder, replays = import_benchmark("pandalm", DATA, tmp_path / "tasks")
    assert replays == []
    assert load_task("pandalm", folder.parent).card.items == 999
    run = rmbench.run("length", tasks=["pandalm"], tasks_dir=folder.parent, out=tmp_path / "run")
    found = rmbench.evaluate(run, bootstrap=200).tasks["pandalm"]
    assert found.headline == "CalibrationSkill"
    assert found.skill.n == 999
    assert found.skill.low < found.skill.value < found.skill.high < 0.5
    assert found.metrics["SelectiveSkill"].n < 999  # ties have no better side


def row(**changes):
    told = {"idx": 3, "cmp_key": "a_b", "instruction": "Do.", "input": "", "response1": "one", "response2": "two"}
    return told | {"annotator1": 1, "annotator2": 1, "annotator3": 0} | changes


def write(folder, *rows):
    (folder / "testset-v1.json").write_text(json.dumps(rows))
    return folder


def test_the_layout_is_read(tmp_path):
    tie = row(idx=4, input="This.", response1=True, response2="", annotator1=0, annotator2=0)
    one, other = read_items(write(tmp_path, row(), tie))
    assert (one.id, one.group, one.votes) == ("3", "Do.", (2, 0))
    assert one.gold == pytest.approx((5 / 6, 1 / 6))
    assert dict(one.tags) == {"models": "a_b", "tied_votes": "1", "annotators": "1 1 0"}
    assert (other.prompt[0]["content"], other.responses, other.votes) == ("Do.\n\nThis.", ("True", "(no answer)"), None)
    assert other.gold == (0.5, 0.5)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "expected a list of rows"),
        ([row(), {"idx": 1}], "row 2: the field 'cmp_key' is missing"),
        ([row(annotator2=3)], "row 1: an annotator said 3; expected 0 (neither), 1 or 2"),
    ],
)
def test_other_layouts_are_refused(tmp_path, rows, message):
    with pytest.raises(TaskError) as error:
        import_benchmark("pandalm", write(tmp_path, *rows), tmp_path / "out")
    assert message in str(error.value)
    (tmp_path / "testset-v1.json").write_text("{")
    with pytest.raises(TaskError, match="cannot be read as JSON"):
        read_items(tmp_path)
    with pytest.raises(TaskError, match=r"there is no file testset-v1\.json"):
        read_items(tmp_path / "nowhere")
