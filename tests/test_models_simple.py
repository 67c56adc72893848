"""Models without a neural network: baselines, oracle, tf-idf, saved scores; and how a name becomes a model."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tiny_models import chat, task

from rmbench.errors import ModelError, UsageError
from rmbench.models import ModelOptions, adapters, load_model
from rmbench.models.tfidf import PAIRS, train, training_pairs
from rmbench.scores import digest
from rmbench.types import Failure, RewardModel
from rmbench.worlds import worlds

CHATS = [chat("2 + 2?", "4"), chat("2 + 2?", "It is four."), chat("2 + 3?", "4")]


def test_every_file_with_an_adapter_is_found():
    names = {"constant", "random", "length", "tfidf", "oracle", "replay", "classifier", "tiny", "likelihood", "smollm2"}
    assert names <= set(adapters())
    assert adapters()["replay"].usage == "replay:FILE"
    assert all(a.help and a.help[0] != " " for a in adapters().values())


def test_listing_models_imports_nothing_heavy():
    code = (
        "import sys, rmbench; from rmbench.models import adapters; adapters();"
        "print(sorted({'torch', 'transformers', 'sklearn', 'pyarrow', 'datasets'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("contsant", "did you mean 'constant'"),
        ("no-such", "known: .*replay:FILE.*Hub id"),
        ("constant:3", "'constant' takes no argument, but got '3'"),
        ("replay", "is written replay:FILE"),
        ("replay:", "is written replay:FILE"),
    ],
)
def test_a_name_that_means_nothing(spec, says):
    with pytest.raises(UsageError, match=says):
        load_model(spec)


def test_a_file_is_pointed_to_replay(tmp_path):
    path = tmp_path / "scores.jsonl"
    path.write_text("")
    with pytest.raises(UsageError, match="replay:"):
        load_model(str(path))


def test_options_are_checked():
    with pytest.raises(UsageError, match="too_long must be stop or null"):
        ModelOptions(too_long="cut")
    with pytest.raises(UsageError, match="max_batch_tokens"):
        ModelOptions(max_batch_tokens=0)


def test_baselines():
    assert load_model("constant").score(CHATS) == [0.0, 0.0, 0.0]
    assert load_model("length").score(CHATS) == [1.0, 11.0, 1.0]
    random = load_model("random")
    first = random.score(CHATS)
    assert random.score(CHATS[::-1]) == first[::-1]  # the row order does not matter
    assert len(set(first)) == 3
    assert all(0 <= x < 1 for x in first)
    assert load_model("random", ModelOptions(seed=1)).score(CHATS) != first
    many = load_model("random").score([chat("x", str(k)) for k in range(2000)])
    assert abs(sum(many) / 2000 - 0.5) < 0.03
    assert all(isinstance(load_model(name), RewardModel) for name in ("constant", "length", "random"))


def test_oracle_knows_its_tasks_and_nothing_else():
    toy = task()
    oracle = load_model("oracle", ModelOptions(tasks=[toy]))
    item = toy.items[1]
    assert oracle.score([item.conversation(k) for k in range(3)]) == list(item.gold)
    assert oracle.score(CHATS[:1]) == [Failure("not in the tasks of this run")]


def test_oracle_does_not_choose_between_two_golds():
    a, b = task("a"), task("b", responses=2)  # the first answers are the same texts, with other golds
    oracle = load_model("oracle", ModelOptions(tasks=[a, b, a]))
    same, other = a.items[0].conversation(0), a.items[1].conversation(1)
    assert oracle.score([same, other]) == [0.0, Failure("its gold differs between items")]


def test_tfidf_learns_what_the_length_does_not():
    model = load_model("tfidf")
    assert model.settings["name"] == "tfidf"
    held_out = []
    for name in worlds():  # beyond the pairs that were trained on
        held_out += list(training_pairs(name, PAIRS // len(worlds()) + 200))[-200:]
    better = model.score([chat(p, good) for p, good, _ in held_out])
    worse = model.score([chat(p, bad) for p, _, bad in held_out])
    assert sum(g > b for g, b in zip(better, worse, strict=True)) > 0.6 * len(held_out)
    assert sum(len(good) > len(bad) for _, good, bad in held_out) < 0.5 * len(held_out)
    assert model.score([]) == []


def test_tfidf_is_the_same_every_time():
    again = train.__wrapped__()
    pairs = [chat(p, good) for p, good, _ in training_pairs(next(iter(worlds())), 50)]
    assert again.score(pairs) == load_model("tfidf").score(pairs)
    assert len({len(text) for _, text, _ in training_pairs(next(iter(worlds())), 50)}) > 1


# --- replay ---


def jsonl(path, rows):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt", encoding="utf-8") as file:
        file.writelines((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
    return path


def saved(path, rows):
    if path.suffix != ".parquet":
        return jsonl(path, rows)
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def by_digest(scores):
    return [{"digest": digest(c), "score": s} for c, s in zip(CHATS, scores, strict=True)]


@pytest.mark.parametrize("name", ["s.jsonl", "s.jsonl.gz", "s.parquet"])
def test_replay_reads_digests(tmp_path, name):
    path = saved(tmp_path / name, by_digest([1.5, None, -2]))
    model = load_model(f"replay:{path}")
    assert model.score(CHATS) == [1.5, Failure(f"no score in {name}"), -2.0]
    assert model.score([chat("other", "x")]) == [Failure(f"not in {name}")]
    assert model.settings["name"] == "replay-s"
    assert len(model.settings["sha256"]) == 64


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".parquet"])
def test_replay_keeps_the_dots_of_a_models_name(tmp_path, suffix):
    path = saved(tmp_path / f"org_Reward-Llama-3.1-8B-v0.2{suffix}", by_digest([1.0, 2.0, 3.0]))
    assert load_model(f"replay:{path}").settings["name"] == "replay-org_Reward-Llama-3.1-8B-v0.2"


def test_replay_of_a_run_folder_keeps_the_folders_name(tmp_path):
    folder = tmp_path / "llama-3.1.jsonl"
    folder.mkdir()
    saved(folder / "scores.parquet", by_digest([1.0, 2.0, 3.0]))
    assert load_model(f"replay:{folder}").settings["name"] == "replay-llama-3.1.jsonl"


def test_replay_reads_texts_and_reasons(tmp_path):
    rows = [
        {"prompt": "2 + 2?", "response": "4", "score": 1},
        {"prompt": [{"role": "user", "content": "2 + 2?"}], "response": "It is four.", "score": 2},
        {"prompt": "2 + 3?", "response": "4", "score": None, "reason": "refused"},
    ]
    model = load_model(f"replay:{jsonl(tmp_path / 's.jsonl', rows)}")
    assert model.score(CHATS) == [1.0, 2.0, Failure("refused")]


def test_replay_takes_the_same_row_twice_but_not_two_scores(tmp_path):
    rows = by_digest([1, 2, 3])
    assert load_model(f"replay:{jsonl(tmp_path / 'a.jsonl', rows + rows)}").score(CHATS) == [1.0, 2.0, 3.0]
    for other in (4.0, None):
        path = jsonl(tmp_path / "b.jsonl", [*rows, {**rows[1], "score": other}])
        with pytest.raises(ModelError, match=r"b\.jsonl: rows 2 and 4 give one conversation different scores"):
            load_model(f"replay:{path}")


GOOD = '{"digest": "a", "score": 1}'


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"digest": "b", "score": ', "line 2: not valid JSON"),
        ("[" * 100_000, "line 2: not valid JSON"),
        ("[1]", "line 2: expected a JSON object"),
        ('{"digest": "b"}', "row 2: has no `score`"),
        ('{"digest": "b", "score": "high"}', "row 2: score must be a number or null, not 'high'"),
        ('{"digest": "b", "score": true}', "row 2: score must be a number"),
        (f'{{"digest": "b", "score": 1{"0" * 400}}}', "row 2: score is too large"),
        ('{"digest": 7, "score": 1}', "row 2: digest must be a text"),
        ('{"score": 1}', "row 2: needs either `digest`, or `response`"),
        ('{"prompt": [{"content": "x"}], "response": "y", "score": 1}', "row 2: needs either"),
    ],
)
def test_replay_names_the_bad_line(tmp_path, line, says):
    with pytest.raises(ModelError, match=says):
        load_model(f"replay:{jsonl(tmp_path / 's.jsonl', [GOOD, line])}")


def test_replay_of_no_file_or_an_unknown_kind(tmp_path):
    (tmp_path / "s.csv").write_text("digest,score")
    (tmp_path / "s.parquet").write_text("not parquet")
    (tmp_path / "s.jsonl.gz").write_text("not gzip")
    (tmp_path / "empty").mkdir()
    for name, says in [
        ("none.jsonl", "no saved scores at"),
        ("s.csv", "unknown kind"),
        ("s.parquet", "not readable as parquet"),
        ("s.jsonl.gz", "could not be read"),
        ("empty", r"no saved scores at .*scores\.parquet"),
    ]:
        with pytest.raises(ModelError, match=says):
            load_model(f"replay:{tmp_path / name}")
