"""The ledger: nothing that was said can be unsaid, and nobody speaks in another's name."""

import base64
import json
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rmbench.errors import LedgerError, UsageError
from rmbench.ledger import Signer, append, extends, new_key, read_keys, read_ledger, signer_from_environment, unsigned
from rmbench.ledger.events import FIRST
from rmbench.rows import canonical

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NOW = "2026-01-02T03:04:05+00:00"


@pytest.fixture
def signer(monkeypatch):
    value, _ = new_key("keeper")
    monkeypatch.setenv("RMBENCH_SIGNING_KEY", value)
    return signer_from_environment()


@pytest.fixture
def path(tmp_path, signer):
    """Four lines, two of them signed."""
    path = tmp_path / "board" / "ledger.jsonl"
    append(path, "added", by="ci", entry="org__a", suite="core@3", submission="a" * 64, time=NOW)
    append(
        path,
        "verified",
        by="ignored",
        entry="org__a",
        suite="core@3",
        submission="a" * 64,
        facts={"kind": "spot", "items": 64},
        signer=signer,
    )
    append(path, "added", by="ci", entry="org__b", suite="core@3", submission="b" * 64)
    append(
        path,
        "withdrawn",
        by="ignored",
        entry="org__a",
        suite="core@3",
        submission="a" * 64,
        reason="asked — «for»",
        signer=signer,
    )
    return path


def lines(path):
    return path.read_text().splitlines()


def put(path, found):
    path.write_text("".join(line + "\n" for line in found))


def resealed(raw):
    """A line with the hash that fits its content: what a forger writes."""
    from rmbench.ledger import Event

    return {**raw, "hash": Event.model_validate(raw).content_hash}


def test_what_is_appended_is_read(path, signer):
    events = read_ledger(path)
    assert [event.event for event in events] == ["added", "verified", "added", "withdrawn"]
    assert [event.number for event in events] == [1, 2, 3, 4]
    assert [event.by for event in events] == ["ci", "keeper", "ci", "keeper"]
    assert [event.previous for event in events] == [FIRST, *(event.hash for event in events[:-1])]
    assert unsigned(events, {"keeper": signer.public}) == []
    before = path.read_bytes()
    append(path, "added", by="ci", entry="org__c", suite="core@3", submission="c" * 64)
    assert path.read_bytes().startswith(before)
    assert extends(events, read_ledger(path)) is None
    assert read_ledger(path.with_name("nothing")) == ()
    assert {file.name for file in path.parent.iterdir()} <= {"ledger.jsonl", "ledger.jsonl.lock"}


@pytest.mark.parametrize("field", ["entry", "by", "time", "submission", "suite", "event"])
def test_an_edited_line(path, field):
    found = lines(path)
    raw = json.loads(found[0])
    raw[field] = {"time": "2026-01-02T03:04:06+00:00", "submission": "c" * 64, "event": "rescored"}.get(field, "other")
    put(path, [canonical(raw), *found[1:]])
    with pytest.raises(LedgerError, match="line 1 was changed"):
        read_ledger(path)
    put(path, [canonical(resealed(raw)), *found[1:]])
    with pytest.raises(LedgerError, match="line 2 does not follow"):
        read_ledger(path)
    with pytest.raises(LedgerError):
        append(path, "added", by="ci", entry="org__z", suite="core@3", submission="c" * 64)


def test_a_line_that_is_gone_moved_or_doubled(path):
    found = lines(path)
    for other in (found[1:], [found[0], *found[2:]], [found[0], found[2], found[1], found[3]], [*found, found[3]]):
        put(path, other)
        with pytest.raises(LedgerError, match="missing or moved"):
            read_ledger(path)


def test_an_end_that_was_cut_is_seen_beside_the_older_ledger(path):
    older = read_ledger(path)
    put(path, lines(path)[:-1])
    newer = read_ledger(path)  # a chain in itself
    assert "had 4 lines and has 3" in extends(older, newer)
    append(path, "added", by="ci", entry="org__z", suite="core@3", submission="c" * 64)
    assert "line 4" in extends(older, read_ledger(path))


@pytest.mark.parametrize("keep", [1, 20, -1])
def test_a_broken_last_line(path, keep):
    """Half a line, or a whole one without its end, is no line."""
    text = path.read_bytes()
    start = text[:-1].rindex(b"\n") + 1
    path.write_bytes(text[:start] + text[start:][:keep])
    with pytest.raises(LedgerError, match="line 4"):
        read_ledger(path)


def test_a_key_that_is_there_twice(path):
    found = lines(path)
    put(path, [found[0].replace('"by":"ci"', '"by":"eve","by":"ci"'), *found[1:]])
    with pytest.raises(LedgerError, match="twice"):
        read_ledger(path)


def test_links_are_not_followed(path, tmp_path):
    (tmp_path / "link").symlink_to(path)
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    for name in ("link", "dangling", "board"):
        with pytest.raises(LedgerError):
            read_ledger(tmp_path / name)


def test_appenders_at_once(path):
    code = (
        "import sys; from pathlib import Path; from rmbench.ledger import append\n"
        "for n in range(8): append(Path(sys.argv[1]), 'added', by=sys.argv[2],"
        " entry=f'org__{n}', suite='core@3', submission='a' * 64)"
    )
    started = [subprocess.Popen([sys.executable, "-c", code, str(path), name]) for name in ("one", "two")]
    assert [process.wait(timeout=120) for process in started] == [0, 0]
    events = read_ledger(path)
    assert len(events) == 4 + 16
    for name in ("one", "two"):
        assert [event.entry for event in events if event.by == name] == [f"org__{n}" for n in range(8)]


# --- signatures


def test_what_must_be_signed(path, signer):
    with pytest.raises(LedgerError, match="must be signed"):
        append(path, "verified", by="keeper")
    keys = {"keeper": signer.public}
    found = lines(path)
    raw = json.loads(found[3])
    del raw["signature"]
    put(path, [*found[:3], canonical(raw)])
    assert "line 4 (withdrawn) is not signed" in unsigned(read_ledger(path), keys)[0]


def test_forged_and_unknown_signatures(path, signer):
    keys = {"keeper": signer.public}
    found = lines(path)
    second, fourth = json.loads(found[1]), json.loads(found[3])
    swapped = [found[0], canonical({**second, "signature": fourth["signature"]}), found[2]]
    put(path, [*swapped, canonical({**fourth, "signature": second["signature"]})])
    assert len(unsigned(read_ledger(path), keys)) == 2  # the chain holds: signatures are over it
    for false in ("", "not base64!", base64.b64encode(b"x" * 64).decode(), base64.b64encode(b"x").decode()):
        put(path, [*found[:3], canonical({**fourth, "signature": false})])
        assert unsigned(read_ledger(path), keys) == ["line 4 (withdrawn): the signature is not that of 'keeper'"]
    put(path, found)
    assert len(unsigned(read_ledger(path), {})) == 2
    other = Signer("keeper", _key())
    assert len(unsigned(read_ledger(path), {"keeper": other.public})) == 2
    for odd in ("", "???", "AAAA"):
        assert len(unsigned(read_ledger(path), {"keeper": odd})) == 2


def test_another_name_under_ones_own_signature(path, signer):
    """Eve signs with her key and writes the keeper's name."""
    eve = Signer("eve", _key())
    append(path, "disqualified", by="", entry="org__b", suite="core@3", submission="b" * 64, signer=eve)
    events = read_ledger(path)
    assert "whose key is not in the list" in unsigned(events, {"keeper": signer.public})[0]
    found = lines(path)
    raw = resealed({**json.loads(found[-1]), "by": "keeper"})
    put(path, [*found[:-1], canonical({**raw, "signature": eve.sign(raw["hash"])})])
    assert "not that of 'keeper'" in unsigned(read_ledger(path), {"keeper": signer.public, "eve": eve.public})[0]


def _key():
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.generate()


@pytest.mark.parametrize(
    "value", ["", "keeper", "keeper:", "keeper:AAAA", "keeper:!!", ":" + "A" * 43 + "=", "a b:" + "A" * 43 + "="]
)
def test_a_key_that_is_none(monkeypatch, value):
    monkeypatch.setenv("RMBENCH_SIGNING_KEY", value)
    with pytest.raises(UsageError) as caught:
        signer_from_environment()
    assert "AAAA" not in str(caught.value)


def test_lists_of_keys(tmp_path):
    path = tmp_path / "keys.json"
    assert read_keys(path) == {}
    path.write_text('{"keeper": "abc"}')
    assert read_keys(path) == {"keeper": "abc"}
    for bad in ("[]", '{"a b": "x"}', '{"keeper": 1}', '{"k": "x", "k": "y"}', "{", "[" * 9999):
        path.write_text(bad)
        with pytest.raises(LedgerError):
            read_keys(path)
    for name in ("", "a b", "x" * 61, "../x"):
        with pytest.raises(UsageError):
            new_key(name)


# --- bytes of any kind


@QUICK
@given(st.binary(max_size=300))
def test_any_bytes(tmp_path, content):
    (tmp_path / "l.jsonl").write_bytes(content)
    try:
        assert read_ledger(tmp_path / "l.jsonl") == ()
    except LedgerError as error:
        told = str(error)
    else:
        told = ""
    assert "\n" not in told


@QUICK
@given(data=st.data())
def test_any_change_of_the_bytes_is_noticed(path, data):
    text = path.read_bytes()
    at = data.draw(st.integers(0, len(text) - 1))
    new = data.draw(st.binary(max_size=3).filter(lambda new: new != text[at : at + 1]))
    events = read_ledger(path)
    path.write_bytes(text[:at] + new + text[at + 1 :])
    try:
        # white space or another spelling says the same, and a signature is looked at elsewhere
        found = read_ledger(path)
        assert [event.hash for event in found] == [event.hash for event in events]
    except LedgerError as error:
        assert "ledger.jsonl" in str(error)  # noqa: PT017 - both ends are fine
    finally:
        path.write_bytes(text)


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({}, "must name entry and suite"),
        ({"entry": "org__a", "suite": "core@3"}, "must hold the digest of the submission"),
        ({"entry": "org__a", "suite": "core@3", "submission": "a" * 64, "facts": {"skills": [1]}}, "facts.skills"),
        (
            {"entry": "org__a", "suite": "core@3", "submission": "a" * 64, "facts": {"skills": {"overall": "high"}}},
            "facts",
        ),
    ],
)
def test_lines_that_would_vouch_for_anything(tmp_path, about, said):
    with pytest.raises(LedgerError, match=said):
        append(tmp_path / "ledger.jsonl", "added", by="ci", **about)
    assert not (tmp_path / "ledger.jsonl").exists()
