"""Ledger and submissions together: what is on the board, how far it is trusted, what is left off and why."""

import shutil

import pytest
from scored import edited_manifest
from submitted import SUITE, assess, copied, make, mini_run, mini_standards, submit

from rmbench.errors import LedgerError, SubmissionError, UsageError
from rmbench.leaderboard import ledgering
from rmbench.leaderboard.assess import Assessor
from rmbench.leaderboard.board import Builder
from rmbench.leaderboard.building import boards_of
from rmbench.leaderboard.site import write_site
from rmbench.leaderboard.sources import open_source
from rmbench.leaderboard.spot_check import rerun_check, spot_check
from rmbench.leaderboard.standing import Standing, contradiction, standings
from rmbench.leaderboard.verify import verify
from rmbench.ledger import KEY, append, new_key, read_ledger
from rmbench.models import ModelOptions, load_model
from rmbench.models.base import Rule
from rmbench.rows import content_digest, read_rows, write_rows

KEYS = ("lab__length", "lab__random", "lab__tfidf")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("made")
    for model in ("length", "random", "tfidf"):
        submit(root, model)
    return root


@pytest.fixture
def root(made, tmp_path, monkeypatch):
    """A leaderboard with three entries, and a key that may sign."""
    secret, public = new_key("tester")
    monkeypatch.setenv(KEY, secret)
    monkeypatch.setattr(ledgering, "board_cache", lambda: tmp_path / "cache")
    shutil.copytree(made, tmp_path / "leaderboard")
    (tmp_path / "leaderboard" / "keys.json").write_text(f'{{"tester": "{public}"}}')
    return tmp_path / "leaderboard"


def folder(root, key="lab__length"):
    return root / "submissions" / key / SUITE


def board(root, **options):
    builder = Builder([SUITE], Assessor(bootstrap=200), root / "heldout", make=mini_standards, **options)
    with open_source(str(root)) as source:
        (found,) = boards_of(source, builder)
    return found


def accept(root, *keys):
    return [ledgering.accept(folder(root, key), root, mini_standards(), by="tester") for key in keys or KEYS]


def trust(root):
    return {entry.key: entry.trust for entry in board(root).entries}


def test_trust_rises_with_what_was_done(root):
    assert set(trust(root).values()) == {"self-reported"}
    accept(root)
    assert set(trust(root).values()) == {"recomputed"}
    checked = verify(folder(root), mini_standards())
    found = spot_check(checked, load_model("length", ModelOptions()), items=64, seed=3)
    assert (found.agrees, found.items, found.attempts, found.largest) == (True, 64, 64, 0.0)
    ledgering.record_check(checked, found, root, ledgering.signer_from_environment())
    assert trust(root)["lab__length"] == "spot-verified"
    again = rerun_check(checked, mini_run("length"))
    ledgering.record_check(checked, again, root, ledgering.signer_from_environment())
    assert trust(root) == {"lab__length": "re-run", "lab__random": "recomputed", "lab__tfidf": "recomputed"}
    assert ledgering.check_ledger(root)[1] == []


def test_ranks_are_intervals_and_the_order_of_files_does_not_matter(root, tmp_path):
    found = board(root)
    assert [entry.ranks["overall"].place for entry in found.ranked] == [1, 2, 3]
    assert found.ranked[0].key == "lab__tfidf"
    for entry in found.ranked:
        assert set(entry.ranks) == {"generalisation", "calibration", "overoptimization", "overall"}
        assert all(rank.low <= rank.place <= rank.high <= 3 for rank in entry.ranks.values())
    copied(folder(root), root, key="lab__a-twin")
    (folder(root, "lab__a-twin") / "submission.json").write_text(
        '{"format": 1, "organisation": "lab", "model": "a-twin"}'
    )
    places = {entry.key: entry.ranks["overall"] for entry in board(root).ranked}
    assert places["lab__a-twin"] == places["lab__length"]


def test_several_processes_give_the_same_board(root):
    one, two = board(root), board(root, workers=2)
    assert [e.key for e in one.ranked] == [e.key for e in two.ranked]
    assert [e.skills for e in one.ranked] == [e.skills for e in two.ranked]
    assert [e.ranks for e in one.ranked] == [e.ranks for e in two.ranked]


def test_a_bad_submission_never_hides_the_others(root):
    (folder(root, "lab__random") / "scores.parquet").write_bytes(b"PAR1")
    (root / "submissions" / "Evil__x").mkdir()
    (root / "submissions" / "lab__old").mkdir()
    shutil.copytree(folder(root), root / "submissions" / "lab__old" / "core@1")
    found = board(root)
    assert {entry.key for entry in found.ranked} == {"lab__length", "lab__tfidf"}
    assert {(left.name, left.kind) for left in found.left} == {
        ("lab__random", "rejected"),
        ("Evil__x", "rejected"),
        ("lab__old", "other version"),
    }


def test_withdrawn_and_disqualified_leave_a_tombstone(root):
    accept(root)
    ledgering.remove("withdrawn", "lab__length", SUITE, "at its owner's wish", root)
    ledgering.remove("disqualified", "lab__random", SUITE, "its scores are not its model's", root)
    shutil.rmtree(folder(root).parent)
    found = board(root)
    assert [entry.key for entry in found.entries] == ["lab__tfidf"]
    told = {left.name: (left.kind, left.sentences[0][12:]) for left in found.left}
    assert told == {
        "lab__length": ("withdrawn", "at its owner's wish"),
        "lab__random": ("disqualified", "its scores are not its model's"),
    }
    with pytest.raises(UsageError, match="is not on the board: withdrawn"):
        ledgering.remove("withdrawn", "lab__length", SUITE, "again", root)
    with pytest.raises(UsageError, match="is not on the board"):
        ledgering.remove("withdrawn", "lab__nobody", SUITE, "x", root)


def test_files_that_were_changed_after_they_were_added(root):
    """A swapped revision with a new seal: the files are valid, and not those that the ledger knows."""
    accept(root)
    edited_manifest(folder(root), lambda raw: raw["settings"].update(revision="a" * 40))
    (left,) = board(root).left
    assert (left.name, left.kind) == ("lab__length", "rejected")
    assert "its files are not those of line 1 of the ledger" in left.sentences[0]
    found = ledgering.placed(assess(folder(root)), read_ledger(root / "ledger.jsonl"))
    assert [(p.code, p.level) for p in found.problems if p.code == "ledger"] == [("ledger", "warning")]
    assert accept(root, "lab__length")[0].event == "rescored"
    assert board(root).left == ()


def test_a_ledger_that_states_other_numbers(root):
    (event,) = accept(root, "lab__length")
    false = {**event.facts["skills"], "overall": 0.9}
    append(
        root / "ledger.jsonl",
        "rescored",
        by="x",
        entry="lab__length",
        suite=SUITE,
        submission=event.submission,
        facts={"skills": false},
    )
    (left,) = board(root).left
    assert "line 2 of the ledger states overall 0.9, and its raw scores give" in left.sentences[0]
    found = ledgering.placed(assess(folder(root)), read_ledger(root / "ledger.jsonl"))
    assert found.errors[-1].code == "ledger"


def test_what_the_ledger_has_and_no_folder_shows(root):
    accept(root)
    shutil.rmtree(folder(root))
    (left,) = [left for left in board(root).left if (left.name, left.suite) == ("lab__length", SUITE)]
    assert "its files are not here" in left.sentences[-1]


def test_a_ledger_that_does_not_hold_stops_the_build(root):
    accept(root)
    path = root / "ledger.jsonl"
    path.write_text(path.read_text().replace('"by":"tester"', '"by":"nobody"', 1))
    with pytest.raises(LedgerError, match=r"does not hold: .*line 1 was changed"):
        board(root)
    assert "line 1 was changed" in ledgering.check_ledger(root)[1][0]


def test_only_signed_lines_of_known_keys_raise_trust(root, monkeypatch):
    accept(root)
    monkeypatch.setenv(KEY, new_key("stranger")[0])
    checked = verify(folder(root), mini_standards())
    found = spot_check(checked, load_model("length", ModelOptions()), items=64, seed=1)
    ledgering.record_check(checked, found, root, ledgering.signer_from_environment())
    assert "whose key is not in the list of keys" in ledgering.check_ledger(root)[1][0]
    with pytest.raises(LedgerError, match="whose key is not in the list"):
        board(root)


def test_a_shortened_ledger_is_noticed_against_the_base(root, tmp_path):
    accept(root)
    base = tmp_path / "base.jsonl"
    shutil.copy(root / "ledger.jsonl", base)
    lines = base.read_text().splitlines(keepends=True)
    (root / "ledger.jsonl").write_text("".join(lines[:-1]))
    assert ledgering.check_ledger(root)[1] == []
    assert ledgering.check_ledger(root, base)[1] == [
        "the ledger had 3 lines and has 2: lines are only ever added"
    ]  # fmt: skip


def test_accepting_twice(root):
    accept(root)
    with pytest.raises(SubmissionError, match="line 1 of the ledger has just this submission already"):
        accept(root, "lab__length")


def test_a_verification_of_other_files_lifts_nothing(root):
    accept(root)
    events = read_ledger(root / "ledger.jsonl")
    append(
        root / "ledger.jsonl",
        "verified",
        by="tester",
        entry="lab__length",
        suite=SUITE,
        submission="0" * 64,
        facts={"kind": "rerun"},
        signer=ledgering.signer_from_environment(),
    )
    later = standings(read_ledger(root / "ledger.jsonl"))["lab__length", SUITE]
    assert later.trust == standings(events)["lab__length", SUITE].trust == "recomputed"
    assert contradiction(Standing(), "0" * 64, {}) is None


def test_a_slice_that_proves_little_is_not_worth_a_line(root):
    accept(root)
    checked, model = verify(folder(root), mini_standards()), load_model("length", ModelOptions())
    signer = ledgering.signer_from_environment()
    for found in (
        spot_check(checked, model, items=8, seed=3),
        spot_check(checked, model, items=64, seed=3, tolerance=1e9),
        spot_check(checked, load_model("random", ModelOptions()), items=64, seed=3),
    ):
        with pytest.raises(SubmissionError, match="such a check proves too little"):
            ledgering.record_check(checked, found, root, signer)
    assert trust(root)["lab__length"] == "recomputed"


def test_the_submitter_does_not_set_the_tolerance(root):
    """One outlier, or a word about precision, would make any difference small in units of the submitted scores."""
    path = folder(root) / "scores.parquet"
    rows = [row._replace(score=row.score + 20.0) for row in read_rows(path)]
    first = {row.task: n for n, row in reversed([*enumerate(rows)])}
    for n in first.values():
        rows[n] = rows[n]._replace(score=1e12)
    write_rows(path, rows)
    edited_manifest(folder(root), lambda raw: raw.update(scores=content_digest(rows)))
    edited_manifest(folder(root), lambda raw: raw["settings"].update(dtype="bfloat16"))
    found = spot_check(verify(folder(root), mini_standards()), load_model("length", ModelOptions()), items=30, seed=2)
    assert found.tolerance == 0.01
    assert len(found.unlike) > 30
    assert "the model's dtype is None, the run's 'bfloat16'" in found.unlike


def test_settings_that_are_left_out_are_another_model(root):
    checked = verify(folder(root), mini_standards())
    heavy = Rule(load_model("length", ModelOptions()).rule, {"name": "length", "weights_sha256": "1" * 64})
    found = spot_check(checked, heavy, items=4, seed=0)
    assert any("weights_sha256" in told for told in found.unlike)


def test_a_tombstone_is_lifted_by_a_signed_line_alone(root, monkeypatch):
    (added, *_) = accept(root)
    ledgering.remove("disqualified", "lab__length", SUITE, "its scores are not its model's", root)
    about = {"entry": "lab__length", "suite": SUITE, "submission": added.submission, "facts": dict(added.facts)}
    append(root / "ledger.jsonl", "rescored", by="somebody", **about)
    assert "lab__length" not in trust(root)
    assert accept(root, "lab__length")[0].signature is not None
    assert trust(root)["lab__length"] == "recomputed"


def test_our_name_is_for_what_we_accepted(root):
    copied(folder(root), root, key="rmbench__best")
    path = folder(root, "rmbench__best")
    (path / "submission.json").write_text('{"format": 1, "organisation": "rmbench", "model": "best"}')
    (left,) = board(root).left
    assert "the organisation rmbench is that of the baselines" in left.sentences[0]
    assert [p.code for p in ledgering.placed(assess(path), ()).errors] == ["reserved"]
    accept(root, "rmbench__best")
    assert board(root).left == ()


def test_a_kept_result_is_not_that_of_another_name(root, tmp_path):
    keeping = Assessor(bootstrap=50, cache=tmp_path / "kept")
    assert keeping(folder(root), mini_standards()).numbers is not None
    copied(folder(root), root, key="evil__copy")
    assert [p.code for p in keeping(folder(root, "evil__copy"), mini_standards()).errors] == ["name"]


def test_extreme_numbers_do_not_stop_the_others(root, tmp_path):
    def extreme(raw):
        for counts in raw["counts"].values():
            counts.update(tokens=10**15, seconds=1e9)
        raw["settings"].update(parameters=10**15, name="x" * 500, deep={"a": [1, {"b": None}]})

    edited_manifest(folder(root), extreme)
    edited_manifest(folder(root, "lab__random"), lambda raw: raw["counts"]["domain"].update(tokens=10**4000))
    found = board(root)
    assert {entry.key for entry in found.ranked} == {"lab__length", "lab__tfidf"}
    write_site([found], tmp_path / "site")
    assert (tmp_path / "site" / "index.html").is_file()


@pytest.mark.parametrize("change", ["another model", "a shift of one score", "silence"])
def test_a_spot_check_finds_scores_that_are_not_the_models(root, change):
    checked = verify(folder(root), mini_standards())
    honest = load_model("length", ModelOptions())

    def off(conversation):
        value = honest.rule(conversation)
        if change == "another model":
            return float(hash(conversation[-1]["content"]) % 1000)
        if change == "silence":
            return float("nan")
        return value + 50.0 * (value % 7 == 0)

    found = spot_check(checked, Rule(off, {"name": "length"}), items=30, seed=0)
    assert not found.agrees
    assert "submitted" in found.unlike[0]


def test_a_spot_check_takes_items_of_every_task_and_is_decided_by_its_seed(root):
    checked = verify(folder(root), mini_standards())
    asked = []

    def note(conversation):
        asked.append(conversation[0]["content"])
        return float(len(conversation[-1]["content"]))

    spot_check(checked, Rule(note, {"name": "length"}), items=9, seed=5)
    first, again = [*asked], asked
    again.clear()
    spot_check(checked, Rule(note, {"name": "length"}), items=9, seed=5)
    assert again == first
    prompts = {n: {i.prompt[0]["content"] for i in t.items} for n, t in mini_standards().get(SUITE).tasks.items()}
    assert all(found & {*first} for found in prompts.values())
    assert len({*first}) >= 9


def test_a_model_with_other_weights_is_told(root):
    edited_manifest(folder(root), lambda raw: raw["settings"].update(weights_sha256="1" * 64))
    checked = verify(folder(root), mini_standards())
    found = spot_check(checked, load_model("length", ModelOptions()), items=3, seed=0)
    assert "the model's weights_sha256 is None" in found.unlike[0]


def test_contamination_from_the_submission_to_the_board(root):
    path = folder(root) / "submission.json"
    assert board(root).entries[0].contamination.status == "unknown"
    path.write_text('{"format": 1, "organisation": "lab", "model": "length", "training_data": []}')
    found = {entry.key: entry.contamination for entry in board(root).entries}
    assert found["lab__length"].status == "unknown"  # nothing was scanned
    assert found["lab__length"].sentence == "declared as trained on no data"
    assert found["lab__random"].sentence == "no training data are declared"


def test_a_kept_result_is_the_same_and_is_not_served_for_other_files(root, tmp_path):
    fresh = Assessor(bootstrap=100)(folder(root), mini_standards())
    keeping = Assessor(bootstrap=100, cache=tmp_path / "kept")
    first, second = (keeping(folder(root), mini_standards()) for _ in range(2))
    for found in (first, second):
        assert (found.facts, found.problems, found.digest) == (fresh.facts, fresh.problems, fresh.digest)
        assert (found.numbers.skills, found.numbers.tasks) == (fresh.numbers.skills, fresh.numbers.tasks)
        assert (found.numbers.draws == fresh.numbers.draws).all()
    edited_manifest(folder(root), lambda raw: raw.update(rmbench="0.0.1"))
    assert keeping(folder(root), mini_standards()).errors[0].code == "scorer"
    for path in (tmp_path / "kept").iterdir():
        path.write_bytes(b"damaged")
    edited_manifest(folder(root), lambda raw: raw.update(rmbench="0.1.0"))
    assert keeping(folder(root), mini_standards()).numbers.skills == fresh.numbers.skills


def test_a_submission_is_put_in_place_whole_or_not_at_all(root):
    with pytest.raises(SubmissionError, match="is there already; --replace"):
        submit(root, "length")
    assert not [path for path in (root / "submissions").iterdir() if path.name.startswith(".")]
    assert make(SUITE) is mini_standards().get(SUITE)
