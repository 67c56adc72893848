"""`tasks validate`: a clean folder passes every check, and each check has folders that fail it, in its own words."""

import json
import sys
from dataclasses import replace
from random import Random

import pytest
import yaml

from rmbench.cli import main
from rmbench.errors import DataError
from rmbench.items import parquet_bytes
from rmbench.task import discover, read_task, write_task
from rmbench.training_data import Settings, training_pairs, write_pairs
from rmbench.types import Item, Message
from rmbench.validation import corpus, overlap, shallow, validate
from rmbench.validation.overlap import Document, Text, look_up
from rmbench.worlds import get_world

CARD = {
    "name": "mine",
    "axis": "generalisation",
    "version": 1,
    "title": "Mine",
    "asks": "a",
    "limits": "l",
    "licence": "CC0-1.0",
    "source": "this test",
    "canary": "rmbench:00000000-0000-0000-0000-0000000000aa",
    "chance": 0.5,
}
WORDS = (
    "harbour lantern orchard violin granite meadow copper thistle falcon ribbon candle marble saddle timber walnut "
    "anchor barley cobalt dagger ember fennel garnet heron indigo jasper kettle linen mortar nettle otter"
).split()


def said(text):
    return (Message(role="user", content=text),)


def phrase(rng, count=9):
    return " ".join(rng.choice(WORDS) for _ in range(count))


def clean(count=60):
    """Twin pairs: the shift asks the same in other words; length, digits and place say nothing about the better."""
    rng, items = Random(0), []
    for n in range(count):
        asked, answers, first = phrase(rng, 30), (phrase(rng), phrase(rng)), n % 2
        for split in ("base", "shift"):
            prompt = f"Please say it. {asked}" if split == "base" else f"I would like to hear it: {asked}"
            gold = (1.0, 0.0) if first == 0 else (0.0, 1.0)
            items.append(
                Item(f"q{n}-{split}", said(prompt), answers, gold, f"g{n}", tags={"split": split, "twin": f"t{n}"})
            )
    return items


@pytest.fixture
def check(tmp_path, monkeypatch):
    """Write a task and validate it: check name -> finding. No training data unless some are given."""

    def call(items, card=None, corpus_of=(), others=()):
        monkeypatch.setattr(corpus, "training_sample", lambda: tuple(corpus_of))
        folder = tmp_path / "tasks" / "mine"
        write_task(folder, CARD | (card or {}), items)
        return {f.check: f for f in validate([folder], others=others)["mine"]}

    return call


def put(items, at, **changes):
    return [*items[:at], replace(items[at], **changes), *items[at + 1 :]]


def failing(found, name, words, status="problem"):
    assert (found[name].status, words in found[name].sentence) == (status, True), found[name]
    return all(finding.status != "problem" for other, finding in found.items() if other != name)


def test_a_clean_task_passes_every_check(check):
    found = check(clean())
    assert list(found) == ["files", "duplicates", "twins", "shallow", "canary", "power", "leakage"]
    assert {name: f.status for name, f in found.items() if f.status != "ok"} == {"power": "note"}
    assert "60 shifted items" in found["twins"].sentence


# --- files


def test_changed_items_and_broken_cards(tmp_path):
    write_task(tmp_path / "mine", CARD, clean())
    path = tmp_path / "mine" / "items.parquet"
    path.write_bytes(parquet_bytes(put(clean(), 3, gold=(5.0, 0.0)), CARD["canary"]))
    (found,) = validate([tmp_path / "mine"])["mine"]
    assert (found.check, found.status) == ("files", "problem")
    assert "the items hash to" in found.sentence


@pytest.mark.parametrize(
    "card",
    [
        "name: [",
        "a: &x [1]\nb: *x",
        "- just\n- a list",
        "name: mine\nnmae: x",
        "!!python/object/apply:os.system [ls]",
        "\x00",
    ],
)
def test_hostile_cards_are_one_sentence(tmp_path, card):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "card.yaml").write_text(card)
    (found,) = validate([tmp_path / "mine"])["mine"]
    assert found.status == "problem"
    assert "\n" not in found.sentence


def test_a_hostile_folder_name_is_shown_and_not_obeyed(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "tasks" / "[red]\x1b[31m\u202egnp"
    folder.mkdir(parents=True)
    (folder / "card.yaml").write_text("name: x")
    code, out, _ = call(monkeypatch, capsys, "tasks", "validate", folder.name, "--tasks", tmp_path / "tasks")
    assert code == 2
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "[red][U+001B][31m[U+202E]gnp" in out


# --- duplicates


def test_items_twice_and_answers_twice(check):
    items = clean()
    again = replace(
        items[0], id="again", responses=items[0].responses[::-1], gold=items[0].gold[::-1], tags={}, group="z"
    )
    assert failing(check([*items, again]), "duplicates", "items q0-base and again have the same prompt and responses")
    same = replace(items[0], id="s", responses=("x", "x"), prompt=said("other"), tags={}, group="z")
    assert failing(check([*items, same]), "duplicates", "responses 1 and 2 are the same text with another gold")
    tied = replace(same, gold=(1.0, 1.0))
    assert failing(check([*items, tied]), "duplicates", "there is nothing to choose")
    shared = replace(items[0], id="s", prompt=said("something else"), tags={}, group="z")
    assert failing(check([*items, shared]), "duplicates", "have the same responses and are no twins", "note")


def test_equal_draws_in_a_pool_are_no_problem_but_unequal_grades_are(check):
    pool = [
        replace(i, responses=(*i.responses, i.responses[0]), gold=(*i.gold, i.gold[0]), tags={}) for i in clean()[::2]
    ]
    assert check(pool)["duplicates"].status == "ok"
    assert failing(check(put(pool, 0, gold=(1.0, 0.0, 0.5))), "duplicates", "responses 1 and 3 are the same text")


def test_equal_answers_to_two_prompts_are_two_answers(check):
    items = [*clean(), Item("c", said("one"), ("yes", "yes"), (1.0, 0.0), "c", contexts=(said("one"), said("two")))]
    assert check(items)["duplicates"].status == "ok"


# --- twins


def test_twins_that_differ_in_more_than_they_should(check):
    items = clean()
    changed = put(items, 1, responses=("quite another one", "and another"))
    assert failing(check(changed), "twins", "item q0-shift and its twin differ in both prompt and responses")
    assert (
        check(put(items, 1, responses=("quite", "another"), tags=items[1].tags | {"change": "x"}))["twins"].status
        == "ok"
    )
    assert failing(check(put(items, 1, group="elsewhere")), "twins", "the twins t0 are in different groups")
    assert failing(check(put(items, 1, gold=items[1].gold[::-1])), "twins", "order their gold differently")
    assert failing(check(put(items, 1, gold=(0.5, 0.5))), "twins", "order their gold differently")
    assert failing(check(put(items, 1, prompt=items[0].prompt)), "twins", "is the same as its twin: nothing is shifted")
    about = [replace(i, tags=i.tags | {"seed": "1", "domain": "base"}) for i in items]
    moved = put(about, 1, tags=about[1].tags | {"domain": "held_out"})
    assert failing(check(moved), "twins", "differ in domain")
    assert failing(check(items[:-1]), "twins", "the twin q59-base is alone: no shifted item", "note")
    found = check(put(put(items, 1, gold=(0.5, 0.5)), 3, gold=(0.5, 0.5)))
    assert found["twins"].sentence.endswith("(and 1 more)")


def test_a_dressed_answer_is_a_version_of_the_plain_one(check):
    base, shift = clean(1)
    kept, worn = base.responses
    dressed = replace(shift, prompt=base.prompt, responses=(worn + " I am sure.", kept), gold=base.gold[::-1])
    assert check([base, dressed])["twins"].status == "ok"
    turned = replace(dressed, gold=base.gold)
    assert failing(check([base, turned]), "twins", "order their gold differently")


def test_best_of_k_holds_its_base_pair(check):
    base, shift = clean(1)
    wide = replace(shift, responses=("a", *base.responses, "b"), gold=(0.2, *base.gold, 0.1))
    assert check([base, wide])["twins"].status == "ok"
    turned = replace(wide, gold=(0.2, *base.gold[::-1], 0.1))
    assert failing(check([base, turned]), "twins", "order their gold differently")


# --- leakage


def training(texts, answers=("yes", "no")):
    return [Document(text, "\n".join(answers)) for text in texts]


def test_a_training_prompt_in_the_task_is_caught(check):
    items, rng = clean(), Random(1)
    others = [phrase(rng, 40) for _ in range(200)]
    assert check(items, corpus_of=training(others))["leakage"].status == "ok"
    asked = items[6].prompt[0]["content"]
    found = check(items, corpus_of=training([*others, asked.upper().replace(".", " !")]))
    assert failing(found, "leakage", "the prompt of item q3-base is also that of training example 201")
    # eight words of 33 in other words, in one place
    edited = " ".join([*asked.split()[:25], *"as far as you can tell me now".split()])
    found = check(items, corpus_of=training([*others, edited]))
    assert found["leakage"].status in {"note", "problem"}
    assert "training example 201 holds" in found["leakage"].sentence
    # in an answer, or several times with other answers, it is a leak too
    several = [*others, *[f"question\n{asked}"] * 10]
    assert "training example 201 holds 100%" in check(items, corpus_of=training(several))["leakage"].sentence


def test_templates_are_no_leak(check):
    """Long sentences that every prompt of task and training shares; names and numbers differ."""
    rng = Random(2)

    def ask():
        return (
            f"Here is what I know about the trip to {phrase(rng, 2)}. Please write a short and friendly message to the "
            f"whole group that mentions every one of the facts below exactly once and nothing else that is not there: "
            f"{phrase(rng, 3)}, {rng.randrange(9999)}, {phrase(rng, 2)}. Thank you very much for your help with this "
            f"message, and please do not use more than {rng.randrange(30, 99)} words in total."
        )

    items = [replace(item, prompt=said(ask()), tags={}, group=item.id) for item in clean()]
    found = check(items, corpus_of=training([ask() for _ in range(300)]))
    assert found["leakage"].status == "ok"
    assert found["leakage"].sentence != "13-grams seen: 0% of prompts', 0% of responses'"
    # a template that the training data use once is still one, since the task has it in every prompt
    assert check(items, corpus_of=training([ask()]))["leakage"].status == "ok"
    leaked = items[4].prompt[0]["content"]
    found = check(items, corpus_of=training([*[ask() for _ in range(300)], leaked]))
    assert failing(found, "leakage", "is also that of training example 301")
    edited = leaked.replace("Thank you very much", "Thanks")
    found = check(items, corpus_of=training([*[ask() for _ in range(300)], edited]))
    assert "training example 301 holds" in found["leakage"].sentence


def test_prompts_of_a_world_are_told_from_its_training_prompts():
    """The same templates on both sides: none is a copy, and a planted training prompt is."""
    pairs = [*training_pairs(Settings(pairs=400))]
    documents = [Document(pair.prompt, f"{pair.chosen}\n{pair.rejected}") for pair in pairs]
    asked = [get_world(name).prompt(n).text for n in range(40) for name in ("records", "arithmetic", "instructions")]
    texts = [Text(text, str(n)) for n, text in enumerate([*asked, pairs[7].prompt])]
    found = look_up(texts, documents)
    assert not any(match.copied or match.same for match in found[:-1])
    assert sum(match.seen for match in found[:-1]) > 0
    assert (found[-1].copied, found[-1].same, found[-1].holder) == (True, 8, 8)


def test_overlap_agrees_with_a_plain_count():
    rng = Random(3)
    body = phrase(rng, 200).split()
    texts = [" ".join(body[n : n + 40]) for n in (0, 20, 90)] + [phrase(rng, 30), "too short"]
    documents = [Document("", " ".join(body[n : n + 60])) for n in (10, 80)] + [Document("Too  short!", "x")]

    def sequences(text):
        found = text.split()
        return {tuple(found[i : i + 13]) for i in range(len(found) - 12)}

    found = look_up([Text(t, str(n)) for n, t in enumerate(texts)], documents)
    inside = [sequences(document.body) for document in documents]
    for text, match in zip(texts, found, strict=True):
        mine = sequences(text)
        assert (match.grams, match.own) == (len(mine), len(mine))
        assert match.seen == len(mine & set.union(*inside))
        assert match.held == max(len(mine & other) for other in inside)
    assert [match.holder for match in found] == [1, 1, 2, None, None]
    assert [match.same for match in found] == [None, None, None, None, 3]
    assert overlap.words("It's 3.5 km, naïve_name: 東京です") == [
        "it",
        "s",
        "3",
        "5",
        "km",
        "naïve",
        "name",
        *"東京です",
    ]
    assert look_up([], documents) == []
    assert look_up([Text("a b", "g")], []) == [overlap.Match(0, 0, 0, 0, None, None)]


def test_many_pairs_of_one_prompt_are_one_document():
    text = phrase(Random(4), 30)
    (found,) = look_up([Text(text, "g")], [Document(text, f"answer {n}") for n in range(9)])
    assert (found.own, found.held, found.same) == (18, 18, 1)
    (found,) = look_up([Text(text, "g")], [Document(f"{n} {text}", "") for n in range(9)])
    assert (found.own, found.copied) == (0, False)  # in so many prompts, it is a phrase in use


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_training_pairs_of_ones_own(tmp_path, ending):
    path = tmp_path / f"mine.{ending}"
    write_pairs(path, Settings(pairs=12))
    read = [*corpus.read_pairs(path)]
    pairs = [*training_pairs(Settings(pairs=12))]
    assert read == [Document(pair.prompt, f"{pair.chosen}\n{pair.rejected}") for pair in pairs]
    item = Item("a", said(pairs[5].prompt), ("x", "y"), (1.0, 0.0), "a")
    write_task(tmp_path / "tasks" / "mine", CARD, [item])
    found = {f.check: f for f in validate([tmp_path / "tasks" / "mine"], train=path)["mine"]}
    assert failing(found, "leakage", "is also that of training example 6")


def test_every_shape_of_a_pair_is_read(tmp_path):
    def chat(*texts):
        return [{"role": "user", "content": text} for text in texts]

    path = tmp_path / "a.jsonl"
    rows = [
        {"prompt": "Why?", "chosen": "So.", "rejected": "No."},
        {"prompt": chat("Why?"), "chosen": chat("So."), "rejected": chat("No.")},
        {"chosen": "Why? So.", "rejected": "Why? No."},
        {"chosen": chat("Why?", "So."), "rejected": chat("Why?", "No."), "source": 1},
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    assert [(d.title.strip(), d.body.split()[-1]) for d in corpus.read_pairs(path)] == [("Why?", "No.")] * 4


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b"{", "line 1: not JSON"),
        ("a.jsonl", b"[" * 100_000, "line 1: not JSON"),
        ("a.jsonl", b'{"prompt": "x"}', "row 1: a preference pair needs the columns chosen and rejected"),
        ("a.jsonl", b"7", "row 1: a preference pair needs"),
        ("a.jsonl", b'{"chosen": 7, "rejected": "x"}', "column chosen: expected a text or a list of messages"),
        ("a.parquet", b"PAR1", "not a readable parquet file"),
        ("a.csv", b"", "files that end in .jsonl or .parquet"),
        ("nowhere/a.jsonl", None, "cannot be read"),
    ],
)
def test_bad_training_files(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        list(corpus.read_pairs(tmp_path / name))


def test_a_line_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(corpus, "LONGEST_LINE", 100)
    (tmp_path / "a.jsonl").write_text(json.dumps({"chosen": "x" * 200, "rejected": ""}))
    with pytest.raises(DataError, match="longer than 100 bytes"):
        list(corpus.read_pairs(tmp_path / "a.jsonl"))


# --- shallow cues


def with_answers(write, count=80):
    """Single items whose better answer is at a random place; `write(rng)` gives (better, worse)."""
    rng, items = Random(5), []
    for n in range(count):
        answers, gold = write(rng), (1.0, 0.0)
        if rng.random() < 0.5:
            answers, gold = answers[::-1], gold[::-1]
        items.append(Item(f"q{n}", said(phrase(rng, 20)), answers, gold, f"g{n}"))
    return items


@pytest.mark.parametrize(
    "write",
    [
        lambda rng: (phrase(rng, rng.randint(15, 20)), phrase(rng, rng.randint(5, 12))),
        lambda rng: (phrase(rng, rng.randint(5, 12)), phrase(rng, rng.randint(15, 20))),
        lambda rng: (f"- {phrase(rng)}\n- {phrase(rng)}", f"{phrase(rng)}\n{phrase(rng)}"),
        lambda rng: (f"{phrase(rng)} {rng.randrange(1000, 9999)}", phrase(rng, 10)),
    ],
    ids=["longer", "shorter", "markdown", "digits"],
)
def test_what_can_be_told_without_reading_is_caught(check, write):
    found = check(with_answers(write))
    assert failing(found, "shallow", "the better answer can be told without reading")


def test_a_cue_of_the_shifted_half_alone_is_caught(check):
    items = [
        replace(item, tags={"split": "base"} if n % 4 else {"split": "shift"})
        for n, item in enumerate(with_answers(lambda rng: (phrase(rng), phrase(rng)), 240))
    ]
    long = [
        replace(i, responses=tuple(r + " and so on" * int(g) for r, g in zip(i.responses, i.gold, strict=True)))
        if i.tags["split"] == "shift"
        else i
        for i in items
    ]
    assert check(items)["shallow"].status == "ok"
    assert check(long)["shallow"].status == "problem"


def test_the_first_answer_is_not_always_the_best(check):
    fixed = [
        replace(i, responses=(f"{n} yes", f"{n} nay"), gold=(1.0, 0.0), tags={}) for n, i in enumerate(clean()[::2])
    ]
    assert failing(check(fixed), "shallow", "the best answer comes first in 100% of the items")
    share, p = shallow.position(clean())
    assert share == 0.5
    assert p == 1
    assert shallow.position([Item("a", said("x"), ("a", "b"), (1.0, 1.0), "a")]) == (None, 1.0)


def test_auc_of_one_feature_is_the_closed_form():
    """Better answers longer in a share q of the pairs, always by as much: AUC = P(d > d') + P(d = d') / 2."""
    items = with_answers(lambda rng: (phrase(rng, 12), phrase(rng, 6)), 400)
    turned = [replace(item, gold=item.gold[::-1]) if n % 5 == 0 else item for n, item in enumerate(items)]
    one = [replace(i, responses=tuple(" ".join("a" * len(r.split())) for r in i.responses)) for i in turned]
    q = 0.8
    assert shallow.auc(one) == pytest.approx(q * q + q * (1 - q), abs=1e-9)


def ties_and_others(write, count=160, seed=7):
    """Equal pairs and unequal ones by turns; `write(rng, tie)` gives the two texts."""
    rng, items = Random(seed), []
    for n in range(count):
        tie = n % 2 == 0
        gold = (0.5, 0.5) if tie else rng.choice([(1.0, 0.0), (0.0, 1.0)])
        tags = {"category": "tie" if tie else "unequal"}
        items.append(Item(f"q{n}", said(phrase(rng, 20)), write(rng, tie), gold, f"g{n}", tags=tags))
    return items


@pytest.mark.parametrize(
    "write",
    [
        lambda rng, tie: (phrase(rng, 10), phrase(rng, 5) + (" " if tie else "\n") + phrase(rng, 5)),
        lambda rng, tie: (phrase(rng, 10), phrase(rng, 5) + (" " if tie else ". ") + phrase(rng, 5)),
        lambda rng, tie: (phrase(rng, 10), phrase(rng, 10 if tie else rng.choice([4, 20]))),
    ],
    ids=["newlines", "sentences", "length"],
)
def test_ties_that_can_be_told_without_reading_are_caught(check, write):
    assert failing(check(ties_and_others(write)), "shallow", "a tie can be told without reading")


def test_ties_that_cannot_be_told_pass(check):
    tasks = [
        ties_and_others(lambda rng, _: (phrase(rng, 10), phrase(rng, rng.randint(8, 12))), 400, n) for n in range(8)
    ]
    items = tasks[0]
    assert check(items)["shallow"].status == "ok"
    assert "ties AUC" in check(items)["shallow"].sentence
    found = [shallow.tie_auc(each) for each in tasks]
    assert sum(found) / len(found) == pytest.approx(0.5, abs=0.05)
    assert shallow.tie_auc(items[:30]) is None
    assert shallow.tie_auc(clean()) is None


def test_few_pairs_say_nothing(check):
    found = check(clean(10))
    assert failing(found, "shallow", "fewer than 40 pairs", "note")


# --- canary and power


def test_canaries(check, tmp_path):
    other = tmp_path / "other"
    write_task(other, CARD | {"name": "other"}, clean(2))
    assert failing(check(clean(), others=[other]), "canary", "other has the same canary")
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "card.yaml").write_text("x")
    assert check(clean(), others=[broken])["canary"].status == "ok"
    folder = tmp_path / "tasks" / "mine"
    (folder / "items.parquet").write_bytes(parquet_bytes(clean(), "rmbench:11111111-0000-0000-0000-0000000000aa"))
    found = {f.check: f for f in validate([folder])["mine"]}
    assert failing(found, "canary", "items.parquet has the canary rmbench:1111")
    (folder / "items.parquet").unlink()
    lines = [
        json.dumps({"id": i.id, "group": i.group, "prompt": i.prompt, "responses": i.responses, "gold": i.gold})
        for i in clean()
    ]
    (folder / "items.jsonl").write_text("\n".join(lines))
    raw = yaml.safe_load((folder / "card.yaml").read_text())
    (folder / "card.yaml").write_text(yaml.safe_dump(raw | {"sha256": read_hash(folder)}))
    found = {f.check: f for f in validate([folder])["mine"]}
    assert failing(found, "canary", "the card alone holds the canary", "note")


def read_hash(folder):
    from rmbench.items import content_hash, read_items

    return content_hash(read_items(folder))


def test_power(check):
    assert failing(check(clean(60)), "power", "120 items, 60 groups of them to measure: under 400", "note")
    told = check(clean(60), {"resolves": 0.15})["power"].sentence
    assert told == "120 items, 60 groups of them to measure, resolve 0.15 at 80 % power"
    assert check(clean(400))["power"].status == "ok"


# --- the command


def call(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["rmbench", *map(str, arguments)])
    monkeypatch.setenv("COLUMNS", "80")
    try:
        main()
        code = 0
    except SystemExit as stop:
        code = stop.code or 0
    return code, *capsys.readouterr()


def test_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(corpus, "training_sample", lambda: ())
    write_task(tmp_path / "mine", CARD, clean())
    arguments = ("tasks", "validate", "mine", "--tasks", tmp_path)
    code, out, _ = call(monkeypatch, capsys, *arguments)
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    checks = ["files", "duplicates", "twins", "shallow", "canary", "power", "leakage"]
    assert [word[1] for line in out.splitlines() if (word := line.split())[0] in {"ok", "note"}] == checks
    assert out.splitlines()[-1].startswith("1 checked, no problem; leakage: 2000 pairs of the closed track")
    found = json.loads(call(monkeypatch, capsys, *arguments, "--json")[1])
    assert [entry["check"] for entry in found["mine"]] == checks
    pairs = tmp_path / "leak.jsonl"
    pairs.write_text(json.dumps({"prompt": clean()[0].prompt[0]["content"], "chosen": "a", "rejected": "b"}))
    code, out, _ = call(monkeypatch, capsys, *arguments, "--train", pairs)
    assert code == 2
    assert "1 checked, 1 with problems; leakage: leak.jsonl" in out
    code, out, err = call(monkeypatch, capsys, *arguments, "--train", tmp_path / "nowhere.jsonl")
    assert (code, out) == (2, "")
    assert "cannot be read" in err


def test_shipped_tasks_are_valid():
    found = validate([*discover().values()])
    problems = {name: f.sentence for name, findings in found.items() for f in findings if f.status == "problem"}
    assert not problems
    assert {len(findings) for findings in found.values()} == {7}
    assert all(read_task(folder).card.canary for folder in discover().values())


def test_a_folder_can_be_named_by_its_path(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(corpus, "training_sample", lambda: ())
    write_task(tmp_path / "elsewhere" / "mine", CARD, clean())
    code, out, _ = call(monkeypatch, capsys, "tasks", "validate", tmp_path / "elsewhere" / "mine", "--json")
    assert (code, list(json.loads(out))) == (0, ["mine"])
