"""`rmbench analyze pairs`: parity with scikit-learn, plain loops, votes, and every named outcome."""

from __future__ import annotations

import csv
import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit
from typer.testing import CliRunner

from rmbench.analysis.pairs import Columns, analyze_pairs, read_pairs, to_json
from rmbench.cli import app
from rmbench.errors import DataError, UsageError
from rmbench.metrics.selective import aurc

DATA = Path(__file__).parent.parent.parent / "shared" / "data"
NUMBERS = [
    "accuracy",
    "nll",
    "brier",
    "ece",
    "ece_equal_mass",
    "temperature",
    "nll_cross_fitted",
    "ece_cross_fitted",
    "aurc",
    "calibration_skill",
]
RUNNER = CliRunner()


def write(path, **columns):
    with path.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def told(path, bootstrap=100, **more):
    return to_json(analyze_pairs(read_pairs(path, Columns("a", "b", "label", **more)), bootstrap=bootstrap))


def drawn(count=400, temperature=1.0, seed=0):
    """Scores, labels drawn from sigmoid(margin / temperature), and that probability."""
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((2, count))
    p = expit((a - b) / temperature)
    return a, b, (rng.random(count) < p).astype(int), p


# --- known answers ---------------------------------------------------------------------------------------------------


def test_parity_with_sklearn(tmp_path):
    from sklearn.metrics import accuracy_score, brier_score_loss, log_loss

    a, b, label, _ = drawn()
    out = told(write(tmp_path / "x.csv", a=a, b=b, label=label))
    chance = expit(a - b)
    assert out["accuracy"]["value"] == pytest.approx(accuracy_score(label, a > b), abs=1e-12)
    assert out["nll"]["value"] == pytest.approx(log_loss(label, chance), abs=1e-12)
    assert out["brier"]["value"] == pytest.approx(brier_score_loss(label, chance), abs=1e-12)
    assert all(
        out[name]["low"] < out[name]["value"] < out[name]["high"] for name in ("accuracy", "nll", "brier", "aurc")
    )
    assert list(out) == ["n", "groups", "missing", "ties", *NUMBERS, "notes"]
    assert (out["n"], out["groups"], out["missing"], out["ties"]) == (400, 400, 0, 0)


def test_ece_by_a_plain_loop(tmp_path):
    a, b, label, _ = drawn(200)
    out = told(write(tmp_path / "x.csv", a=a, b=b, label=label))
    both = [(q, y) for q, y in zip(expit(a - b), label, strict=True)]
    both += [(1 - q, 1 - y) for q, y in both]
    bins = {}
    for q, y in both:
        bins.setdefault(min(9, int(q * 10)), []).append(q - y)
    assert out["ece"]["value"] == pytest.approx(sum(abs(sum(d)) for d in bins.values()) / len(both), abs=1e-9)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_temperature_is_found(tmp_path, temperature):
    a, b, label, p = drawn(8000, temperature)
    out = told(write(tmp_path / "x.csv", a=a, b=b, label=label, p=p), p="p")
    assert out["temperature"]["value"] == pytest.approx(temperature, rel=0.1)
    assert out["calibration_skill"]["value"] == pytest.approx(1, abs=1e-6)
    entropy = np.mean(-p * np.log(p) - (1 - p) * np.log(1 - p))
    assert out["nll_cross_fitted"]["value"] == pytest.approx(entropy, abs=0.02)
    assert out["ece_cross_fitted"]["value"] < 0.03


def test_the_probability_moves_calibration_skill_alone(tmp_path):
    a, b, label, p = drawn(100)
    path = write(tmp_path / "x.csv", a=a, b=b, label=label, p=p, q=1 - p)
    plain, known, wrong = told(path), told(path, p="p"), told(path, p="q")
    assert plain["calibration_skill"]["value"] is None
    assert "--p" in plain["calibration_skill"]["reason"]
    assert known["calibration_skill"]["value"] == pytest.approx(1, abs=1e-6)
    assert wrong["calibration_skill"]["value"] == pytest.approx(0, abs=1e-9)
    for name in NUMBERS[:-1]:
        assert plain[name] == known[name] == wrong[name]


def test_votes_take_their_own_noise_out(tmp_path):
    """The truth, judged by five raters a pair: its skill is 1 though no share of five votes equals it."""
    rng = np.random.default_rng(1)
    a, b, label, p = drawn(6000)
    tie = rng.random((6000, 5)) < 0.2
    first = (rng.random((6000, 5)) < p[:, None]) & ~tie
    for_a, neither = first.sum(axis=1), tie.sum(axis=1)
    columns = {"a": a, "b": b, "label": label, "va": for_a, "vb": 5 - for_a - neither, "vt": neither}
    out = told(write(tmp_path / "x.csv", **columns), votes=("va", "vb", "vt"))
    # a tie is half a vote, so the target is 0.8 p + 0.1: not quite a sigmoid of the margin, hence not quite 1
    target = 0.8 * p + 0.1
    assert out["calibration_skill"]["value"] == pytest.approx(1, abs=0.03)
    share = (for_a + neither / 2) / 5
    naive = 1 - np.mean((target - share) ** 2) / np.mean((0.5 - share) ** 2)
    assert naive < 0.7


@pytest.mark.parametrize("seed", range(5))
def test_aurc_by_every_order_of_ties(seed):
    rng = np.random.default_rng(seed)
    confidence, errors = rng.integers(0, 3, 6).astype(float), rng.choice([0.0, 0.5, 1.0], 6)
    areas = []
    for order in itertools.permutations(range(6)):
        if all(confidence[i] >= confidence[j] for i, j in itertools.pairwise(order)):
            wrong = errors[list(order)]
            areas.append(np.mean([wrong[:k].mean() for k in range(1, 7)]))
    assert aurc(confidence, errors) == pytest.approx(np.mean(areas), abs=1e-12)
    counts = rng.integers(0, 3, 6)
    copied = aurc(np.repeat(confidence, counts), np.repeat(errors, counts))
    assert aurc(confidence, errors, counts.astype(float)) == pytest.approx(copied, abs=1e-12)


def test_aurc_of_useless_margins_is_the_error_rate():
    assert aurc(np.ones(7), np.array([1.0, 0, 0, 1, 0, 0, 0])) == pytest.approx(2 / 7)
    assert aurc(np.arange(4.0), np.array([0.0, 0, 0, 0])) == 0
    assert math.isnan(aurc(np.array([]), np.array([])))


def test_equal_scores_and_tied_labels(tmp_path):
    path = write(tmp_path / "x.csv", a=[1, 2, 0, 5], b=[1, 1, 1, 5], label=[1, 1, 1, 0.5])
    out = told(path)
    assert out["ties"] == 2
    assert out["accuracy"]["value"] == pytest.approx((0.5 + 1 + 0) / 3)
    assert out["brier"]["value"] == pytest.approx(np.mean([0.25, (1 - expit(1)) ** 2, (1 - expit(-1)) ** 2, 0.25]))
    assert "labels that are a tie, left out of accuracy and aurc: 1" in out["notes"]


def test_order_of_sides_and_rows_does_not_matter(tmp_path):
    a, b, label, p = drawn(60)
    groups = np.arange(60) // 3
    plain = told(write(tmp_path / "x.csv", a=a, b=b, label=label, p=p, g=groups), p="p", group="g")
    order = np.random.default_rng(0).permutation(60)
    other = {"a": b[order], "b": a[order], "label": 1 - label[order], "p": 1 - p[order], "g": groups[order]}
    swapped = told(write(tmp_path / "y.csv", **other), p="p", group="g")
    assert plain["groups"] == 20
    for name in NUMBERS:
        assert swapped[name]["value"] == pytest.approx(plain[name]["value"], abs=1e-9), name
        assert swapped[name]["low"] == pytest.approx(plain[name]["low"], abs=1e-9), name


def test_parts_are_what_they_would_be_alone(tmp_path):
    a, b, label, p = drawn(90)
    kind = np.array(["easy", "hard", "01"])[np.arange(90) % 3]
    columns = {"a": a, "b": b, "label": label, "p": p, "kind": kind, "g": np.arange(90) // 2}
    out = told(write(tmp_path / "x.csv", **columns), p="p", by="kind", group="g")
    assert list(out["by"]) == ["01", "easy", "hard"]
    alone = {name: column[kind == "hard"] for name, column in columns.items()}
    assert out["by"]["hard"] == told(write(tmp_path / "y.csv", **alone), p="p", group="g")
    assert sum(part["n"] for part in out["by"].values()) == out["n"] == 90


# --- named outcomes --------------------------------------------------------------------------------------------------


def test_missing_scores_are_counted(tmp_path):
    path = write(tmp_path / "x.csv", a=[1, "", 3, "inf"], b=[0, 1, "nan", 1], label=[1, 1, 1, 0])
    out = told(path)
    assert (out["n"], out["missing"], out["accuracy"]["value"]) == (1, 3, 1)
    nothing = told(write(tmp_path / "y.csv", a=["", ""], b=[0, 1], label=[1, 0]))
    assert (nothing["n"], nothing["missing"]) == (0, 2)
    assert {nothing[name]["reason"] for name in NUMBERS} == {"no pair has both its scores"}
    assert {nothing[name]["value"] for name in NUMBERS} == {None}


def test_labels_all_equal(tmp_path):
    ones = told(write(tmp_path / "x.csv", a=[1, 2, 0], b=[0, 1, 1], label=[1, 1, 1]))
    assert ones["accuracy"]["value"] == pytest.approx(2 / 3)
    assert any(note.startswith("every label is 1, which changes nothing") for note in ones["notes"])
    tied = told(write(tmp_path / "y.csv", a=[1, 2, 0], b=[0, 1, 1], label=[0.5] * 3))
    assert (tied["accuracy"]["value"], tied["aurc"]["value"]) == (None, None)
    assert tied["accuracy"]["reason"] == "every label is a tie, so that no side is the better one"
    assert tied["nll"]["value"] > 0.69


def test_constant_and_reversed_rewards(tmp_path):
    a, b, label, _ = drawn(200)
    flat = told(write(tmp_path / "x.csv", a=a * 0, b=b * 0, label=label))
    assert (flat["accuracy"]["value"], flat["brier"]["value"], flat["aurc"]["value"]) == (0.5, 0.25, 0.5)
    assert flat["nll"]["value"] == pytest.approx(math.log(2))
    assert any(note.startswith("both scores of every pair are equal") for note in flat["notes"])
    reverse = told(write(tmp_path / "y.csv", a=b, b=a, label=label))
    assert reverse["accuracy"]["high"] < 0.5
    assert "no temperature fits" in reverse["temperature"]["reason"]


def test_one_group_has_no_interval(tmp_path):
    out = told(write(tmp_path / "x.csv", a=[1, 2, 3], b=[2, 1, 1], label=[1, 1, 0], g=["q"] * 3), group="g")
    assert out["groups"] == 1
    assert (out["nll"]["low"], out["nll"]["reason"]) == (None, "a single group: no interval")
    assert out["aurc"]["reason"] == "a single group: no interval"
    assert "there is one group" in out["nll_cross_fitted"]["reason"]


def test_margins_of_any_size(tmp_path):
    out = told(write(tmp_path / "x.csv", a=[1e20, -1e20, -1], b=[0, 0, 0], label=[1, 0, 1]))
    assert out["temperature"]["value"] == pytest.approx(1e20 / math.log(4e20), rel=1e-6)


def test_votes_that_are_noise_only(tmp_path):
    path = write(tmp_path / "x.csv", a=[1, 0, 2], b=[0, 1, 0], label=[1, 0, 1], va=[2, 1, 2], vb=[1, 2, 1])
    skill = told(path, votes=("va", "vb", None))["calibration_skill"]
    assert skill["value"] is None
    assert skill["reason"].startswith("the votes' own noise is as large")


@pytest.mark.parametrize("name", ["group", "by"])
@pytest.mark.parametrize("empty", ["", "  "])
def test_blank_names_are_refused(tmp_path, name, empty):
    path = write(tmp_path / "x.csv", a=[1, 2], b=[0, 1], label=[1, 1], q=["one", empty])
    with pytest.raises(DataError, match="row 2: 'q' is empty; every row needs one"):
        told(path, **{name: "q"})


def test_single_votes_have_unknown_noise(tmp_path):
    out = told(
        write(tmp_path / "x.csv", a=[1, 2], b=[0, 1], label=[1, 1], va=[3, 1], vb=[1, 0]), votes=("va", "vb", None)
    )
    assert "fewer than two votes: 1 (row 2 is the first)" in out["calibration_skill"]["reason"]


@pytest.mark.parametrize(
    ("columns", "more", "match"),
    [
        ({"label": [1, 2]}, {}, r"row 2: 'label' is 2; a label is 1 \(a better\), 0 \(b better\) or 0.5 \(tie\)"),
        ({"label": [1, ""]}, {}, "row 2: 'label' is missing"),
        ({"label": ["A", 1]}, {}, "row 1: 'label' is 'A', which is not a number"),
        ({"p": [0.5, 1.5]}, {"p": "p"}, "row 2: 'p' is 1.5; a probability lies between 0 and 1"),
        ({"p": ["", 1]}, {"p": "p"}, "row 1: 'p' is missing"),
        ({"v": [1, -1]}, {"votes": ("v", "v", None)}, "row 2: 'v' is -1; votes are whole numbers"),
        ({"v": [1.5, 1]}, {"votes": ("v", "v", None)}, "row 1: 'v' is 1.5; votes are whole numbers"),
        ({}, {"group": "grup"}, "no column 'grup'"),
    ],
)
def test_bad_cells_are_named(tmp_path, columns, more, match):
    path = write(tmp_path / "x.csv", **({"a": [1, 2], "b": [0, 1], "label": [1, 0]} | columns))
    with pytest.raises(DataError, match=match):
        read_pairs(path, Columns("a", "b", "label", **more))


def test_bad_options(tmp_path):
    path = write(tmp_path / "x.csv", a=[1, 2], b=[0, 1], label=[1, 0])
    columns = ["--score-a", "a", "--score-b", "b", "--label", "label"]
    for more, match in (
        (["--votes-a", "a"], "both --votes-a and --votes-b"),
        (["--votes-tie", "a"], "both --votes-a and --votes-b"),
        (["--p", "a", "--votes-a", "a", "--votes-b", "b"], "exclude each other"),
        (["--bootstrap", "0"], "bootstrap is 0"),
    ):
        done = RUNNER.invoke(app, ["analyze", "pairs", str(path), *columns, *more])
        assert isinstance(done.exception, UsageError)
        assert match in str(done.exception)


def test_command(tmp_path):
    a, b, label, p = drawn(80)
    path = write(tmp_path / "x.csv", a=a, b=b, label=label, p=p, kind=np.where(np.arange(80) % 2, "[red]odd", "even"))
    columns = ["--score-a", "a", "--score-b", "b", "--label", "label", "--by", "kind"]
    done = RUNNER.invoke(app, ["analyze", "pairs", str(path), *columns, "--json", "--p", "p"])
    assert done.exit_code == 0
    assert json.loads(done.stdout)["by"].keys() == {"[red]odd", "even"}
    page = tmp_path / "page.html"
    shown = RUNNER.invoke(app, ["analyze", "pairs", str(path), *columns, "--html", str(page)])
    assert shown.exit_code == 0
    assert "80 pairs in 80 groups" in shown.stdout
    assert "[red]odd" in shown.stdout
    text = page.read_text().split("<script")[0]
    assert "Reliability diagram" in text
    assert "The better side gets the higher score" in text
    assert "given by a program" not in text  # the report's word for its own gold


# --- real pairs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "right"), [("Skywork_Skywork-Reward-Llama-3.1-8B", 62.29), ("internlm_internlm2-20b-reward", 63.43)]
)
def test_judgebench(tmp_path, name, right):
    """The published micro average, which calls the exact ties wrong: we count them one half."""
    source = DATA / "judgebench" / f"outputs_{name}.jsonl"
    if not source.exists():
        pytest.skip("the published scores are not there")
    rows = [json.loads(line) for line in source.read_text().splitlines()]
    a, b = zip(*(row["judgments"][0]["judgment"]["scores"] for row in rows), strict=True)
    label = [int(row["label"] == "A>B") for row in rows]
    out = told(write(tmp_path / "x.csv", a=a, b=b, label=label))
    assert out["n"] == 350
    assert round(100 * out["accuracy"]["value"] - 100 * out["ties"] / 2 / 350, 2) == right


def test_pandalm_votes(tmp_path):
    folder = DATA / "pandalm"
    if not folder.exists():
        pytest.skip("the published votes are not there")
    rows = json.loads((folder / "testset-v1.json").read_text())
    verdicts = {
        row["idx"]: str(row["pandalm_result"])
        for row in json.loads((folder / "pandalm-7b-testset-v1.json").read_text())
    }
    votes = np.array([[sum(str(row[f"annotator{k}"]) == side for k in (1, 2, 3)) for side in "120"] for row in rows])
    columns = {
        "a": [verdicts[row["idx"]] == "1" for row in rows],
        "b": [verdicts[row["idx"]] == "2" for row in rows],
        "label": (1 + np.sign(votes[:, 0] - votes[:, 1])) / 2,
        "v1": votes[:, 0],
        "v2": votes[:, 1],
        "v0": votes[:, 2],
    }
    columns |= {side: np.array(columns[side], dtype=int) for side in "ab"}
    assert (votes.max(axis=1) == 3).sum() == 879
    out = told(write(tmp_path / "x.csv", **columns), votes=("v1", "v2", "v0"))
    assert (out["n"], out["missing"]) == (999, 0)
    assert 0 < out["calibration_skill"]["low"] < out["calibration_skill"]["value"] < 0.5
    assert out["accuracy"]["low"] > 0.7
