"""A whole season of held-out tasks: nothing leaks before it is revealed, and nothing false stands after it."""

import base64
import json
import os
import shutil
import signal
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from seasons import NAME, SUITE, Noise, make_board, make_templates

from rmbench.errors import HeldOutError, LedgerError, ModelError, RmbenchError, TaskError
from rmbench.evaluation import evaluate
from rmbench.heldout.committing import commit
from rmbench.heldout.entries import check_same
from rmbench.heldout.making import make_season
from rmbench.heldout.proving import check_rebuilt, read_revealed
from rmbench.heldout.public import Scored, read_card, read_leaves
from rmbench.heldout.published import read_published
from rmbench.heldout.revealing import reveal
from rmbench.heldout.scoring import plan
from rmbench.heldout.season import read_private, write_private
from rmbench.heldout.secret import KEY, new_key, new_salt
from rmbench.heldout.verifying import verify
from rmbench.leaderboard.layout import digest_of
from rmbench.ledger import Signer, append
from rmbench.ledger.signing import KEY as SIGNING_KEY
from rmbench.task import discover, read_raw_card, read_task, write_task
from rmbench.types import Failure

LATER = timedelta(days=8)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_board(tmp_path_factory.mktemp("season"))


@pytest.fixture(scope="module")
def shown(made, tmp_path_factory):
    """The same season, revealed."""
    board = made.copy(tmp_path_factory.mktemp("shown") / "board")
    reveal(board.root, NAME, board.key, board.ledger, board.signer)
    return board


@pytest.fixture
def board(made, tmp_path):
    return made.copy(tmp_path / "board")


@pytest.fixture
def public(shown, tmp_path):
    return shown.copy(tmp_path / "public")


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """Where temporary files go: it must be empty in the end."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def problems(board, *, sample=0):
    """What `verify` finds. Building takes a second; the tests of it ask for it with `sample=None`."""
    found = verify(board.root, NAME, board.ledger, sample=sample)
    return {finding.check: finding.sentence for finding in found if finding.status == "problem"}


def refused(call, told, kind=HeldOutError):
    with pytest.raises(kind, match=told):
        call()


# --- before the season is revealed


def secrets_of(season):
    """What must not be found: the salt, seeds, and stretches of every prompt and response."""
    texts = {season.salt.hex(), base64.b64encode(season.salt).decode()}
    for task in season.tasks:
        texts.add(str(task.card.build["seed"]))
        texts.add(task.card.sha256)
        for item in task.items:
            texts |= {message["content"][:24] for message in item.prompt}
            texts |= {response[-24:] for response in item.responses if len(response) > 30}
    return [text.encode() for text in texts] + [season.salt]


def test_no_secret_lies_in_plain_text_anywhere(made):
    files = {path: path.read_bytes() for path in made.folder.rglob("*") if path.is_file()}
    names = {path.name for path in files}
    assert {"card.json", "leaves.json", "private.enc", "ledger.jsonl", "acme__noise-1.enc"} <= names
    secrets = secrets_of(made.season)
    assert len(secrets) > 100
    assert not [(path.name, s) for path, content in files.items() for s in secrets if s in content]
    # the needles can be found: they are there once the season is open
    opened = b"".join(json.dumps(item.prompt).encode() for task in made.season.tasks for item in task.items)
    assert sum(secret in opened for secret in secrets) > 20


def test_every_artefact_carries_the_canary(made, shown):
    canary = made.season.canary.encode()
    for path in made.place.rglob("*"):
        assert path.is_dir() or canary in path.read_bytes(), path
    assert all(e.facts["canary"] == made.season.canary for e in shown.events if e.event not in ("added", "rescored"))
    own = {task.card.canary for task in made.season.tasks}
    assert len(own | {made.season.canary}) == 4
    folder = shown.place / "revealed"
    assert canary in (folder / "salt.json").read_bytes()
    scored = [*folder.glob("scores/*/*.parquet"), *folder.glob("tasks/*/reference.parquet")]
    assert len(scored) == 7
    assert {pq.read_schema(path).metadata[b"canary"] for path in scored} == {canary}
    for run in (folder / "scores").iterdir():
        assert all(one.encode() in (run / "manifest.json").read_bytes() for one in own)
    for task in (folder / "tasks").iterdir():
        card = read_raw_card(task / "card.yaml")
        assert card["canary"] in own
        assert pq.read_schema(task / "items.parquet").metadata[b"canary"].decode() == card["canary"]


def test_the_public_card_tells_what_is_asked_and_no_item(made):
    card = read_card(made.root, NAME)
    assert [task.name for task in card.tasks] == ["small_chance_spring", "small_pool_spring", "small_shift_spring"]
    assert card.leaves == sum(task.items + 1 for task in card.tasks) == len(read_leaves(made.root, NAME).leaves)
    assert card.tasks[0].asks == "Does it hold?"
    assert card.rmbench
    assert (card.attempts, card.days) == (3, 7)


def test_two_seasons_share_no_item(made, tmp_path):
    templates = make_templates(tmp_path / "templates")
    other = make_season(tmp_path / "heldout", NAME, made.key, templates=templates, shipped=False, salt=bytes(32))
    assert other.salt != made.season.salt
    for mine, theirs in zip(made.season.tasks, other.tasks, strict=True):
        assert mine.card.sha256 != theirs.card.sha256
        assert mine.card.canary != theirs.card.canary
        assert {i.prompt[0]["content"] for i in mine.items}.isdisjoint(i.prompt[0]["content"] for i in theirs.items)


def test_the_private_file_holds_the_season(made):
    assert read_private(made.root, NAME, made.key) == made.season


def test_verify_says_what_can_be_said(made):
    found = verify(made.root, NAME, made.ledger)
    assert [(f.check, f.status) for f in found] == [
        *((check, "ok") for check in ("commitment", "signatures", "leaves", "attempts", "entries")),
        ("revealed", "note"),
    ]
    assert "2 in all, 0 of them failed" in found[3].sentence


def test_a_line_tells_rounded_skills_and_nothing_finer(made):
    line = made.events[3]
    facts = Scored.model_validate(dict(line.facts))
    assert (line.entry, line.suite, facts.attempt, facts.root) == (
        "acme__noise",
        SUITE,
        1,
        read_card(made.root, NAME).root,
    )
    assert {*facts.skills} == {"generalisation", "calibration", "overoptimization", "overall"}
    for value in facts.skills.values():
        assert abs(value / facts.step - round(value / facts.step)) < 1e-9
    assert not facts.remote_code


# --- what is refused


def test_a_season_is_made_and_committed_to_once(board, tmp_path):
    again = {"templates": make_templates(tmp_path / "templates"), "shipped": False}
    refused(lambda: make_season(board.root, NAME, board.key, **again), "exists; a season is made once")
    before = board.ledger.read_bytes()
    commit(board.root, NAME, board.key, board.ledger, board.signer)
    assert board.ledger.read_bytes() == before
    other = replace(board.season, salt=new_salt())
    write_private(board.root, other, board.key)
    refused(lambda: commit(board.root, NAME, board.key, board.ledger, board.signer), "commits to the root .* once")
    refused(board_score(board), "have another root than its card")
    assert board.ledger.read_bytes() == before


def later(times=1):
    return datetime.now(UTC) + times * LATER


def board_score(board, **more):
    return lambda: board.score(now=later(), **more)


def test_rules_cannot_be_changed_afterwards(board):
    def softer():
        commit(board.root, NAME, board.key, board.ledger, board.signer, attempts=99)

    refused(softer, "changed after it was committed to")
    card = board.place / "card.json"
    card.write_text(card.read_text().replace('"days": 7', '"days": 0'))
    refused(board_score(board), "changed after it was committed to")
    assert "changed after" in problems(board)["commitment"]


@pytest.mark.parametrize(
    ("cards", "told"),
    [
        (["small_shift", "small_pool"], "no card is of the axis calibration"),
        ([], "there is no card.yaml"),
    ],
)
def test_a_season_needs_all_three_axes(made, tmp_path, cards, told):
    templates = make_templates(tmp_path / "templates")
    for path in templates.iterdir():
        if path.name not in cards:
            (path / "card.yaml").unlink()
    call = lambda: make_season(tmp_path, "s", made.key, templates=templates, shipped=False)  # noqa: E731
    refused(call, told)
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("name", ["../x", "", "Spring", "a b", "a" * 31, "x\n", "-x"])
def test_a_season_has_a_plain_name(made, tmp_path, name):
    refused(lambda: make_season(tmp_path, name, made.key), "a season is called by")
    refused(lambda: read_card(made.root, name), "a season is called by")


@pytest.mark.parametrize("entry", ["../../x__y", "acme", "a__b/c", "A__b", "a__b\n", "", "a__" + "b" * 61])
def test_an_entry_has_a_plain_name(made, entry):
    refused(lambda: plan(made.root, NAME, entry, SUITE, made.ledger), "an entry is called ORG__MODEL")


def test_an_organisation_waits_and_is_told_how_long(board):
    refused(board.score, "7 days must lie between; the next attempt is allowed from 20")
    board.accept("acme__other", Noise.settings)
    refused(lambda: board.score(entry="acme__other"), "acme was scored on spring")
    now = datetime.now(UTC)
    for week in (1, 2):
        board.score(now=now + week * LATER)
    refused(lambda: board.score(now=now + 9 * LATER), "used its 3 attempts on spring")
    lines = [event for event in board.events if event.event == "heldout" and event.entry == "acme__noise"]
    assert [event.facts["attempt"] for event in lines] == [1, 2, 3]
    assert {event.submission for event in lines} == {board.events[1].submission}
    assert problems(board) == {}
    assert len([*(board.place / "scores").iterdir()]) == 4


# --- whose score it is


def test_only_what_stands_on_the_board_is_scored(board):
    """An organisation that calls itself ours is not limited, and not scored either."""
    before = board.ledger.read_bytes()
    for entry in ("rmbench__mine", "other__m"):
        refused(lambda entry=entry: board.score(entry=entry), f"{entry} does not stand on the board of core@3")
    refused(lambda: plan(board.root, NAME, "acme__noise", "quick@3", board.ledger), "stand on the board of quick@3")
    assert board.ledger.read_bytes() == before
    about = {"entry": "acme__noise", "suite": SUITE, "submission": board.events[1].submission}
    append(board.ledger, "withdrawn", by="m", reason="asked", signer=board.signer, **about)
    refused(board_score(board), "does not stand on the board")
    board.accept("acme__noise", Noise.settings)  # not signed
    refused(board_score(board), "does not stand on the board")
    again = board.accept("acme__noise", Noise.settings, signer=board.signer)
    assert plan(board.root, NAME, "acme__noise", SUITE, board.ledger, now=later()).submission == again.submission


def test_a_score_belongs_to_the_files_and_not_to_the_name(board):
    old = board.events[1].submission
    new = board.accept("acme__noise", Noise.settings | {"version": 2}).submission
    assert new != old
    assert read_published(board.root, board.events, SUITE)[1]["acme__noise"].submission == old
    board_score(board)()
    found = read_published(board.root, board.events, SUITE)[1]["acme__noise"]
    assert (found.submission, found.attempts) == (new, 2)
    assert problems(board) == {}


def with_settings(**settings):
    model = Noise()
    model.settings = settings
    return model


W, X = "a" * 64, "b" * 64


@pytest.mark.parametrize(
    ("stated", "settings", "told"),
    [
        ({"name": "noise"}, {"name": "other"}, "its name is 'other', that of the submission 'noise'"),
        ({"name": "n", "weights_sha256": W}, {"name": "n", "weights_sha256": X}, "its weights_sha256 is 'bbb"),
        ({"name": "n", "tokenizer_sha256": W}, {"name": "n"}, "its tokenizer_sha256 is None"),
        ({"name": "n"}, {"name": "n", "config_sha256": W}, "that of the submission None"),
        ({"name": "n", "template_sha256": W}, {"name": "n", "template_sha256": X}, "its template_sha256"),
        ({"name": "n", "label": "a"}, {"name": "n", "label": "b"}, "its label is 'b'"),
        ({"name": "n", "weights_sha256": W}, {"name": "/local/n", "weights_sha256": W, "device": "cuda"}, None),
        ({"name": "n", "seed": 0}, {"name": "n", "seed": 0}, None),
    ],
)
def test_the_model_must_be_the_one_that_was_submitted(board, stated, settings, told):
    if told is None:
        check_same("acme__noise", stated, settings)
        return
    board.accept("acme__noise", stated)
    before = board.ledger.read_bytes()
    refused(board_score(board, model=with_settings(**settings)), told)
    assert board.ledger.read_bytes() == before  # it was never asked, so this is no attempt


def test_a_named_model_is_compared_before_it_is_asked(board):
    board.accept("acme__noise", {"name": "tiny", "weights_sha256": W})
    before = board.ledger.read_bytes()
    refused(board_score(board, model="length"), "its weights_sha256 is None")
    assert board.ledger.read_bytes() == before


def test_a_model_that_becomes_another_while_it_runs_is_not_published(board):
    class Turncoat(Noise):
        def score(self, conversations):
            self.settings = {"name": "other"}
            return super().score(conversations)

    refused(board_score(board, model=Turncoat()), "its name is 'other'")
    assert board.events[-1].facts["failed"] is True


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (shutil.rmtree, "is missing: a model is scored only beside its submission"),
        (lambda folder: (folder.rename(folder.with_name("x")), folder.symlink_to("x")), "is missing"),
        (lambda folder: (folder / "manifest.json").unlink(), "cannot be compared .*manifest.json"),
        (lambda folder: (folder / "manifest.json").write_bytes(b" " * 4_000_001), "larger than 4,000,000 bytes"),
        (lambda folder: (folder / "manifest.json").write_text("{}"), "cannot be compared"),
    ],
)
def test_a_submission_must_lie_beside_its_score(board, spoil, told):
    spoil(board.folder_of("acme__noise"))
    refused(board_score(board), told)


def test_an_entry_that_is_replaced_while_it_runs_is_not_published(board):
    class Slow(Noise):
        def score(self, conversations):
            if not self.settings.get("done"):
                self.settings = Noise.settings | {"done": True}
                board.accept("acme__noise", Noise.settings | {"version": 2})
            return super().score(conversations)

    old = board.events[1].submission
    refused(board_score(board, model=Slow()), "was given other files")
    assert (board.events[-1].facts["failed"], board.events[-1].submission) == (True, old)
    assert problems(board) == {}


def test_an_organisation_is_scored_once_at_a_time(board):
    class Nested(Noise):
        def score(self, conversations):
            refused(board_score(board), "acme is being scored by another process")
            return super().score(conversations)

    board_score(board, model=Nested())()


# --- what counts


class Broken(Noise):
    """Stops in the middle, as `how` says, having seen a text."""

    def __init__(self, how):
        self.how, self.seen, self.keys = how, [], []

    def score(self, conversations):
        self.seen.append(conversations[0][0]["content"])
        self.keys.append((os.environ.get(KEY), os.environ.get(SIGNING_KEY)))
        return self.how(super().score(conversations))


def fail(_):
    raise ModelError("it broke")


def interrupt(_):
    raise KeyboardInterrupt


def end(_):
    os.kill(os.getpid(), signal.SIGTERM)


def lose(scores):
    return [float("nan"), *scores[1:]]


@pytest.mark.parametrize(
    ("how", "kind"), [(fail, ModelError), (interrupt, KeyboardInterrupt), (end, SystemExit), (lose, HeldOutError)]
)
def test_a_run_that_fails_leaves_a_line_and_nothing_else(board, scratch, how, kind):
    before, model, heard = files_of(board), Broken(how), []
    refused(board_score(board, model=model, tell=heard.append), None, kind)
    assert model.seen
    assert [*scratch.iterdir()] == []
    assert files_of(board) == before
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    line = board.events[-1]
    rest = {"season": NAME, "root": read_card(board.root, NAME).root, "canary": board.season.canary}
    assert line.facts == {"attempt": 2, "failed": True, **rest}
    assert (line.entry, line.submission, line.by) == ("acme__noise", board.events[1].submission, "maintainer")
    assert heard == [f"attempt 2 of acme__noise failed after the model was asked, so it counts: line {line.number}"]
    assert plan(board.root, NAME, "acme__noise", SUITE, board.ledger, now=later(2)).attempt == (3, 3)
    refused(lambda: plan(board.root, NAME, "acme__noise", SUITE, board.ledger, now=later()), "7 days must lie")
    assert "3 in all, 1 of them failed" in verify(board.root, NAME, board.ledger)[3].sentence
    assert problems(board) == {}


def files_of(board):
    """All but the ledger and its locks."""
    paths = [path for path in board.folder.rglob("*") if path.is_file() and "ledger.jsonl" not in path.name]
    return {path: path.read_bytes() for path in paths}


def test_attempts_that_fail_use_up_the_season(board):
    for week in (1, 2):
        refused(lambda week=week: board.score(Broken(fail), now=later(week)), "it broke", ModelError)
    refused(lambda: board.score(now=later(9)), "used its 3 attempts on spring")
    found = read_published(board.root, board.events, SUITE)[1]["acme__noise"]
    assert found.attempts == 3
    assert found.skills == board.events[3].facts["skills"]
    reveal(board.root, NAME, board.key, board.ledger, board.signer)
    assert problems(board) == {}
    assert len([*(board.place / "revealed" / "scores").iterdir()]) == 2


def test_a_season_on_which_all_failed_has_no_scores(board):
    board.ledger.unlink()
    commit(board.root, NAME, board.key, board.ledger, board.signer)
    board.accept("acme__noise", Noise.settings)
    refused(lambda: board.score(Broken(fail)), "it broke", ModelError)
    assert read_published(board.root, board.events, SUITE) is None


def test_what_fails_before_the_model_is_asked_does_not_count(board, monkeypatch):
    before = board.ledger.read_bytes()

    def cannot(*_):
        raise ModelError("it does not load")

    with monkeypatch.context() as patch:
        patch.setattr("rmbench.heldout.scoring.load_model", cannot)
        refused(board_score(board, model="length"), "it does not load", ModelError)
    with monkeypatch.context() as patch:
        patch.setattr(sys.modules["rmbench.run"], "_examined", cannot)
        refused(board_score(board), "it does not load", ModelError)
    refused(board_score(board, model="no-such-model"), "there is no model", RmbenchError)
    refused(board_score(board, key=new_key()), "holds another key")
    refused(board.score, "7 days must lie between")
    assert board.ledger.read_bytes() == before


def test_code_of_the_models_own_counts_from_its_loading(board, monkeypatch):
    def cannot(*_):
        raise ModelError("it does not load")

    monkeypatch.setattr("rmbench.heldout.scoring.load_model", cannot)
    refused(board_score(board, model="length", trust_remote_code=True), "it does not load", ModelError)
    assert board.events[-1].facts["failed"] is True


def test_a_failure_that_cannot_be_counted_says_so(board, monkeypatch):
    def broken(*_, **__):
        raise LedgerError("the disk is full")

    monkeypatch.setattr("rmbench.heldout.scoring.append", broken)
    refused(board_score(board, model=Broken(fail)), "attempt 2 of acme__noise failed, .* the disk is full")


def test_a_failure_after_the_end_of_a_season_is_not_counted(board):
    class Late(Noise):
        def score(self, conversations):
            reveal(board.root, NAME, board.key, board.ledger, board.signer)
            raise ModelError("it broke")

    refused(board_score(board, model=Late()), "it broke", ModelError)
    assert board.events[-1].event == "revealed"
    assert problems(board) == {}


def test_a_good_run_leaves_nothing_either_and_sees_no_key(board, scratch, monkeypatch):
    monkeypatch.setenv(KEY, board.key)
    monkeypatch.setenv(SIGNING_KEY, "x:y")
    model = Broken(lambda scores: scores)
    board_score(board, model=model)()
    assert {*model.keys} == {(None, None)}
    assert os.environ[KEY] == board.key
    assert [*scratch.iterdir()] == []


def test_a_query_of_a_search_without_a_score_does_not_stop_the_rest(board):
    """As where a search makes a text longer than the model's window. Too many of them do."""
    frozen = {text for task in board.season.tasks for item in task.items for text in item.responses}

    class Short(Noise):
        lost = 0

        def __init__(self, most):
            self.most = most

        def score(self, conversations):
            out = super().score(conversations)
            for at, chat in enumerate(conversations):
                if chat[-1]["content"] not in frozen and self.lost < self.most:
                    self.lost += 1
                    out[at] = Failure("too long")
            return out

    refused(board_score(board, model=Short(50)), "gave no score to")
    event = board.score(model := Short(1), now=later(2))
    assert model.lost == 1
    assert event.facts["attempt"] == 3


def test_temporary_files_never_lie_in_a_repository(board, scratch):
    (scratch.parent / ".git").mkdir()
    refused(board_score(board), "inside a repository; set TMPDIR")


def test_a_line_that_cannot_be_signed_publishes_nothing(board, monkeypatch):
    def broken(*_, **__):
        raise LedgerError("the disk is full")

    monkeypatch.setattr("rmbench.heldout.scoring.append", broken)
    refused(board_score(board), "attempt 2 .* the disk is full")
    assert not (board.place / "scores" / "acme__noise-2.enc").exists()


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda b: (b.place / "private.enc").unlink(), "private.enc is missing"),
        (lambda b: (b.place / "private.enc").write_text("{}"), "has no text `sealed`"),
        (lambda b: (b.place / "card.json").unlink(), "card.json is missing"),
        (lambda b: (b.place / "card.json").write_bytes(b"[" * 99_999), "nested more than"),
        (lambda b: (b.place / "card.json").write_text('{"format": 2}'), "card.json: format"),
        (lambda b: (b.place / "card.json").write_bytes(b" " * 1_000_001), "larger than 1,000,000 bytes"),
        (lambda b: b.ledger.unlink(), "has no commitment to spring"),
    ],
)
def test_a_damaged_season_is_not_scored(board, spoil, told):
    spoil(board)
    refused(board_score(board), told)


def test_another_key_opens_nothing(board):
    refused(board_score(board, key=new_key()), "holds another key")
    refused(lambda: reveal(board.root, NAME, new_key(), board.ledger, board.signer), "holds another key")
    assert not (board.place / "revealed").exists()


@pytest.mark.parametrize(
    ("spoil", "check", "told"),
    [
        (
            lambda text: text.replace('"leaves": [\n    "', '"leaves": [\n    "' + "0" * 64 + '",\n    "'),
            "leaves",
            "root",
        ),
        (lambda text: text, None, ""),
    ],
)
def test_changed_leaves_are_seen(board, spoil, check, told):
    path = board.place / "leaves.json"
    path.write_text(spoil(path.read_text()))
    found = problems(board)
    assert {*found} == ({check} if check else set())
    assert told in found.get(check, "")


@pytest.mark.parametrize("content", [b"", b"[]", b'{"leaves": ["x"]}', b"\xff", b'{"leaves": 1e999}'])
def test_damaged_leaves_are_one_sentence(board, content):
    (board.place / "leaves.json").write_bytes(content)
    refused(lambda: verify(board.root, NAME, board.ledger), "leaves.json")


# --- once it is revealed


def test_a_revealed_season_is_verified_to_the_last_score(shown):
    found = verify(shown.root, NAME, shown.ledger)
    assert [finding.status for finding in found] == ["ok"] * len(found)
    told = {finding.check: finding.sentence for finding in found}
    assert {"items", "seeds", "rebuild", "line 4", "line 5"} <= {*told}
    assert told["line 4"].startswith("acme__noise, attempt 1: generalisation ")
    assert told["line 5"].startswith("rmbench__oracle, attempt 1: generalisation 1.00, calibration 1.00, overopt")


def test_revealed_tasks_are_tasks_and_revealed_scores_are_runs(shown):
    folder = shown.place / "revealed"
    names = [task.card.name for task in shown.season.tasks]
    assert {*names} <= discover(folder / "tasks").keys()
    assert [read_task(folder / "tasks" / name).items for name in names] == [t.items for t in shown.season.tasks]
    result = evaluate(folder / "scores" / "acme__noise-1")
    assert abs(result.skills["overall"].value - shown.events[3].facts["skills"]["overall"]) <= 0.25


def test_a_revealed_season_is_closed(shown):
    refused(board_score(shown), "was revealed on .* use the season that follows")
    refused(lambda: reveal(shown.root, NAME, shown.key, shown.ledger, shown.signer), "revealed once")


def test_a_reveal_that_cannot_be_told_is_undone(board, monkeypatch):
    def broken(*_, **__):
        raise LedgerError("the disk is full")

    monkeypatch.setattr("rmbench.heldout.revealing.append", broken)
    refused(lambda: reveal(board.root, NAME, board.key, board.ledger, board.signer), "disk is full", LedgerError)
    assert not [path for path in board.place.iterdir() if "revealed" in path.name]


def test_a_reveal_needs_every_raw_score(board):
    (board.place / "scores" / "acme__noise-1.enc").replace(board.place / "scores" / "rmbench__oracle-1.enc")
    refused(lambda: reveal(board.root, NAME, board.key, board.ledger, board.signer), "missing|of another entry")
    assert not [path for path in board.place.iterdir() if "revealed" in path.name]


def pool(board):
    return board.place / "revealed" / "tasks" / "small_pool_spring"


def edit_item(board, **fields):
    """Another item, with a card that fits it."""
    task = read_task(pool(board))
    items = [replace(task.items[0], **fields), *task.items[1:]]
    write_task(pool(board), read_raw_card(pool(board) / "card.yaml"), items)


def edit_card(board, old, new):
    path = pool(board) / "card.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def run_of(board):
    return board.place / "revealed" / "scores" / "acme__noise-1"


def edit_scores(board):
    """One score is changed, and the manifest's digest with it."""
    from rmbench.rows import content_digest, read_rows, write_rows

    path = run_of(board) / "scores.parquet"
    rows = read_rows(path)
    rows[0] = rows[0]._replace(score=9.0)
    write_rows(path, rows)
    manifest = json.loads((run_of(board) / "manifest.json").read_text())
    (run_of(board) / "manifest.json").write_text(json.dumps(manifest | {"scores": content_digest(rows)}))


def edit_one_score(board):
    table = pq.read_table(run_of(board) / "scores.parquet")
    scores = [9.0, *table["score"].to_pylist()[1:]]
    at = table.column_names.index("score")
    pq.write_table(table.set_column(at, "score", pa.array(scores)), run_of(board) / "scores.parquet")


def edit_salt(board):
    path = board.place / "revealed" / "salt.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"salt": "00" * 32}))


@pytest.mark.parametrize(
    ("spoil", "check", "told"),
    [
        (lambda b: edit_item(b, responses=("I won.",) * 16), "items", "small_pool_spring: its card does not have leaf"),
        (lambda b: edit_card(b, "chance: 0.0", "chance: 0.5"), "items", "its card does not have leaf 21"),
        (lambda b: edit_card(b, "items: 10", "items: 9"), "revealed", "items is 9, but 10 are there"),
        (lambda b: (pool(b) / "items.parquet").unlink(), "revealed", "neither items.parquet nor"),
        (lambda b: (pool(b) / "items.parquet").write_bytes(b"PAR1"), "revealed", "not readable as parquet"),
        (edit_salt, "items", "does not have leaf 0: it, or the salt"),
        (edit_one_score, "line 4", "does not match the digest"),
        (edit_scores, "line 4", "the raw scores are not those that the line was signed for"),
        (lambda b: run_of(b).rename(run_of(b).with_name("acme__noise-2")), "line 4", "is missing among what"),
        (lambda b: run_of(b).rename(run_of(b).with_name("acme__noise-2")), "scores", "no line of the ledger"),
    ],
)
def test_what_was_changed_after_it_was_revealed_is_named(public, spoil, check, told):
    spoil(public)
    found = problems(public)
    assert told in found[check], found


def test_one_bad_score_does_not_hide_the_others(public):
    edit_scores(public)
    assert {*problems(public)} == {"line 4"}


def resigned(board, facts, entry="acme__noise", signer=None, submission=None):
    """The season's ledger once more, with one published score replaced."""
    events, folder = board.events, board.folder
    board.ledger.unlink()
    for event in events:
        told = {**event.facts, **facts} if (event.event, event.entry) == ("heldout", entry) else event.facts
        append(
            folder / "ledger.jsonl",
            event.event,
            by=event.by,
            entry=event.entry,
            suite=event.suite,
            submission=(submission or event.submission) if event.event == "heldout" else event.submission,
            facts=told,
            signer=signer or board.signer,
            time=event.time,
        )


def test_a_published_score_that_the_raw_scores_do_not_give_is_seen(public):
    skills = dict(public.events[3].facts["skills"]) | {"overall": 1.0}
    resigned(public, {"skills": skills})
    assert "overall 1.00 in steps of" in problems(public)["line 4"]
    assert "the raw scores give" in problems(public)["line 4"]


@pytest.mark.parametrize(
    ("facts", "check", "told"),
    [
        ({"attempt": 2}, "attempts", "attempts were left out"),
        ({"root": "0" * 64}, "commitment", "speaks of another root"),
        ({"settings": "0" * 64}, "line 4", "settings are not those of the line"),
        ({"step": 0.01}, "line 4", "in steps of 0.01"),
        ({"skills": {}}, "attempts", "skills must hold"),
    ],
)
def test_a_false_line_is_named(public, facts, check, told):
    resigned(public, facts)
    assert told in problems(public)[check]


def test_lines_of_an_unknown_signer_are_named(public):
    resigned(public, {}, signer=Signer("mallory", Ed25519PrivateKey.generate()))
    assert "'mallory', whose key is not in the list" in problems(public)["signatures"]


def test_a_score_of_files_that_never_stood_on_the_board_is_named(public):
    resigned(public, {}, submission="0" * 64)
    assert "files that no line before it had added" in problems(public)["entries"]


def test_which_tasks_a_sample_builds_is_not_decided_by_the_season(shown, monkeypatch):
    """Whoever makes a season knows its root: what is drawn must not follow from it."""
    card = read_card(shown.root, NAME)
    revealed = read_revealed(shown.root, card)
    monkeypatch.setattr("rmbench.heldout.proving.build_items", lambda _, name: revealed.tasks[name].items)
    heard = []
    for _ in range(30):
        assert check_rebuilt(revealed, card, sample=1, tell=heard.append).status == "note"
    assert len(heard) == 30
    assert len({*heard}) == 3  # the chance that honest draws leave one out is below 2e-5
    assert check_rebuilt(revealed, card, sample=3, tell=heard.append).status == "ok"


def test_an_edited_ledger_is_refused(public):
    public.ledger.write_text(public.ledger.read_text().replace('"attempt":1', '"attempt":3', 1))
    refused(lambda: verify(public.root, NAME, public.ledger), "was changed", LedgerError)


def test_tasks_that_do_not_follow_from_the_salt_are_seen(made, tmp_path):
    """A maintainer who looked for a season that suits a friend: an honest commitment to chosen items."""
    board = made.copy(tmp_path / "board")
    board.ledger.unlink()
    chosen = replace(board.season, salt=new_salt())
    write_private(board.root, chosen, board.key)
    commit(board.root, NAME, board.key, board.ledger, board.signer)
    reveal(board.root, NAME, board.key, board.ledger, board.signer)
    assert {*problems(board)} == {"seeds"}


def test_items_that_the_seed_does_not_give_are_seen(made, tmp_path):
    """Items that were written by hand, under an honest seed and an honest commitment."""
    from rmbench.items import content_hash

    board = made.copy(tmp_path / "board")
    board.ledger.unlink()
    first = board.season.tasks[0]
    items = (*first.items[:-1], replace(first.items[-1], responses=("mine", "yours")))
    card = first.card.model_copy(update={"sha256": content_hash(items)})
    forged = replace(board.season, tasks=(replace(first, card=card, items=items), *board.season.tasks[1:]))
    write_private(board.root, forged, board.key)
    commit(board.root, NAME, board.key, board.ledger, board.signer)
    reveal(board.root, NAME, board.key, board.ledger, board.signer)
    assert problems(board, sample=None) == {
        "rebuild": "small_chance_spring: its recipe and seed give other items than those that are revealed"
    }


# --- what a board reads


def test_a_board_reads_the_latest_score_of_the_newest_season(board):
    board_score(board)()
    season, found = read_published(board.root, board.events, SUITE)
    assert (season, {*found}) == (NAME, {"acme__noise", "rmbench__oracle"})
    assert found["acme__noise"].attempts == 2
    assert found["acme__noise"].skills == board.events[-1].facts["skills"]
    assert found["acme__noise"].submission == digest_of(board.folder_of("acme__noise"))
    assert read_published(board.root, board.events, "core@99") is None
    assert read_published(board.root, (), SUITE) is None


@pytest.mark.parametrize("facts", [{"root": "0" * 64}, {"attempt": 7}, {"skills": {"overall": 1}}, {"step": -1}])
def test_a_board_takes_no_line_that_does_not_fit(board, facts):
    resigned(board, facts)
    refused(lambda: read_published(board.root, board.events, SUITE), "line 4")


@pytest.mark.parametrize("facts", [{"failed": True}, {"failed": False}, {"failed": "no"}])
def test_a_line_is_a_score_or_a_failure_and_not_both(board, facts):
    resigned(board, facts)
    refused(lambda: read_published(board.root, board.events, SUITE), "line 4")
    assert "line 4" in problems(board)["attempts"]


def test_a_board_takes_no_card_of_another_root(board):
    path = board.place / "card.json"
    path.write_text(path.read_text().replace(read_card(board.root, NAME).root, "0" * 64))
    refused(lambda: read_published(board.root, board.events, SUITE), "another root is another season")


# --- the command line


def test_a_season_by_the_command_line(made, rmbench, tmp_path, monkeypatch):
    code, key, err = rmbench("heldout", "keygen")
    assert (code, len(key.strip())) == (0, 44)
    assert "Keep it" in err
    templates = make_templates(tmp_path / "templates")
    new = ("heldout", "new", "--season", "summer", "--templates", templates, "--only-templates")
    monkeypatch.delenv(KEY, raising=False)
    assert "keygen" in rmbench(*new)[2]
    monkeypatch.setenv(KEY, key.strip())
    code, out, err = rmbench(*new)
    assert code == 0, err
    assert out == "summer: 3 tasks, 70 items, encrypted in leaderboard/heldout/summer\n"
    assert [p.name for p in (tmp_path / "leaderboard/heldout").rglob("*")] == ["summer", "private.enc"]
    assert "private" in rmbench("heldout", "status")[1]
    monkeypatch.delenv(SIGNING_KEY, raising=False)
    assert "must be signed" in rmbench("heldout", "commit", "summer")[2]


def test_a_dry_run_says_which_attempt_it_would_be(board, rmbench):
    made = board
    made.accept("other__m", {"name": "length"})
    args = ("heldout", "score", NAME, "--model", "length", "--root", made.root, "--dry-run")
    before = made.ledger.read_bytes()
    code, out, err = rmbench(*args, "--entry", "other__m")
    assert (code, err) == (0, "other__m on spring: attempt 1 of this entry, 1 of 3 of other\n")
    assert "nothing was run" in out
    manifest = made.folder_of("other__m") / "manifest.json"
    manifest.write_text(manifest.read_text() + " ")
    code, _, err = rmbench(*args, "--entry", "other__m")
    assert code == 2
    assert "or accept the new ones first" in " ".join(err.split())
    code, _, err = rmbench(*args, "--entry", "acme__noise")
    assert code == 2
    assert "the next attempt is allowed from" in err
    assert "write ORG__MODEL" in rmbench(*args, "--entry", "acme")[2]
    assert "this rmbench has core@" in rmbench(*args, "--entry", "acme__m", "--suite", "core@1")[2]
    assert made.ledger.read_bytes() == before


def test_a_score_by_the_command_line(board, rmbench, monkeypatch):
    board.accept("other__m", {"name": "random", "seed": 0})
    args = ("heldout", "score", NAME, "--root", board.root, "--entry", "other__m", "--model")
    monkeypatch.setenv(KEY, board.key)
    secret = base64.b64encode(board.signer.key.private_bytes_raw()).decode()
    monkeypatch.setenv(SIGNING_KEY, f"maintainer:{secret}")
    code, _, err = rmbench(*args, "length")
    assert code == 2
    assert "its name is 'length', that of the submission 'random'" in " ".join(err.split())
    code, out, err = rmbench(*args, "random")
    assert code == 0, err
    assert out.startswith("other__m: generalisation ")
    assert Scored.model_validate(dict(board.events[-1].facts)).attempt == 1
    assert problems(board) == {}
    board.accept("third__m", {"name": "random", "seed": 0})
    monkeypatch.setattr("rmbench.heldout.scoring.evaluate", fail)
    code, out, err = rmbench(*args[:-2], "third__m", "--model", "random")
    assert (code, out) == (2, "")
    assert "attempt 1 of third__m failed after the model was asked, so it counts: line" in err
    assert err.endswith("it broke\n")


def test_status_and_verify_by_the_command_line(shown, rmbench):
    code, out, _ = rmbench("heldout", "status", "--root", shown.root, "--json")
    (found,) = json.loads(out)
    assert (found["season"], found["state"]) == (NAME, "revealed")
    assert found["attempts"] == {
        "organisations": {"acme": 1, "rmbench": 1},
        "entries": {"acme__noise": 1, "rmbench__oracle": 1},
        "failed": {},
    }
    assert "acme 1: noise 1; rmbench 1: oracle 1" in " ".join(
        rmbench("heldout", "status", "--root", shown.root)[1].split()
    )
    code, out, err = rmbench("heldout", "verify", NAME, "--root", shown.root, "--json")
    assert (code, {finding["status"] for finding in json.loads(out)}) == (0, {"ok"})
    assert err.splitlines()[-1] == "building small_shift_spring again (3 of 3)"
    code, out, err = rmbench("heldout", "verify", NAME, "--root", shown.root, "--json", "--sample", 1)
    (rebuilt,) = [finding for finding in json.loads(out) if finding["check"] == "rebuild"]
    assert (code, rebuilt["status"], len(err.splitlines())) == (0, "note", 1)
    assert rebuilt["sentence"].startswith("1 of 3 tasks, drawn at random (small_")


def test_status_says_how_many_failed(board, rmbench):
    refused(board_score(board, model=Broken(fail)), "it broke", ModelError)
    code, out, _ = rmbench("heldout", "status", "--root", board.root)
    assert code == 0
    assert "acme 2: noise 2 (1 failed); rmbench 1" in " ".join(out.split())


def test_verify_ends_with_2_where_something_is_wrong(public, rmbench):
    edit_scores(public)
    code, out, _ = rmbench("heldout", "verify", NAME, "--root", public.root, "--sample", 1)
    assert code == 2
    assert "problem" in out


def test_every_error_is_one_of_ours():
    assert issubclass(HeldOutError, RmbenchError)
    assert not issubclass(HeldOutError, TaskError)
