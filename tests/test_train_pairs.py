"""A closed-track entry from a file of pairs: it learns what the pairs say, saves a model that loads as any other."""

import json

import pytest

import rmbench
from rmbench.models import load_model
from rmbench.studies.train_pairs import Settings, train


def pairs(path, count=32):
    """Pairs that a few steps can learn: the chosen answer is the one that says yes."""
    said = [{"role": "user", "content": "Is it so?"}]
    rows = [
        {
            "prompt": said,
            "chosen": [{"role": "assistant", "content": f"yes {n % 7}"}],
            "rejected": [{"role": "assistant", "content": f"no {n % 5}"}],
        }
        for n in range(count)
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    small = {"hidden": 32, "heads": 1, "layers": 1, "batch": 8, "warmup": 5, "device": "cpu", "rate": 1e-2}
    return train(Settings(pairs(folder / "pairs.jsonl"), folder / "model", steps=30, **small)), folder, small


def test_it_learns_and_loads(trained, tmp_path):
    folder, _, _ = trained
    asked = {"role": "user", "content": "Is it so?"}
    high, low = load_model(str(folder)).score([[asked, {"role": "assistant", "content": t}] for t in ("yes 3", "no 3")])
    assert high > low + 1
    run = rmbench.run(str(folder), suite=None, tasks=["ties"], limit=4, track="closed", out=tmp_path / "run")
    assert "track:closed" in rmbench.evaluate(run, bootstrap=20).signature


def test_the_same_arguments_give_the_same_model(trained):
    first, folder, small = trained
    again = train(Settings(folder / "pairs.jsonl", folder / "again", steps=30, **small))
    assert (first / "model.safetensors").read_bytes() == (again / "model.safetensors").read_bytes()


def test_it_goes_on_from_another_model(trained):
    first, folder, small = trained
    more = train(Settings(folder / "pairs.jsonl", folder / "more", steps=1, init=first, **(small | {"rate": 0.0})))
    assert (first / "model.safetensors").read_bytes() == (more / "model.safetensors").read_bytes()
