"""The embedded model is worth running: below the gold, above the baselines, on every axis."""

import pytest

import rmbench
from rmbench.types import AXES

LIMIT = 12  # groups of each task


@pytest.fixture(scope="module")
def skills(tmp_path_factory):
    """Axis -> skill of each model on frozen answers of the quick suite; the README has the whole of it."""
    runs = tmp_path_factory.mktemp("runs")
    models = ("tiny", "tfidf", "length", "oracle")
    some = {"limit": LIMIT, "optimizer": "none"}
    results = {name: rmbench.evaluate(rmbench.run(name, **some, out=runs / name)) for name in models}
    return {name: {axis: result.skills[axis].value for axis in AXES} for name, result in results.items()}


@pytest.mark.parametrize("axis", AXES)
def test_tiny_lies_between_the_baselines_and_the_gold(skills, axis):
    assert skills["length"][axis] < skills["tiny"][axis] < 0.9 < skills["oracle"][axis] == 1
    assert skills["tfidf"][axis] < skills["tiny"][axis]


def test_tiny_scores_a_conversation_alike_in_any_company():
    from rmbench.models import load_model

    model = load_model("tiny")
    chats = [[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello. " * n}] for n in (1, 5, 40)]
    alone = [model.score([chat])[0] for chat in chats]
    assert model.score(chats) == pytest.approx(alone, abs=1e-5)
