"""Held-out tasks: the tree of hashes, the cipher, the rounding and the rules, each by itself."""

import hashlib
import hmac
import json
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import Fernet
from hypothesis import given, settings
from hypothesis import strategies as st
from scored import card as make_card

from rmbench.errors import HeldOutError
from rmbench.heldout.limits import next_attempt
from rmbench.heldout.making import cheaper
from rmbench.heldout.merkle import included, leaf_hash, path_of, root_of
from rmbench.heldout.public import PublicCard, PublicTask, Scored, read_card, read_leaves
from rmbench.heldout.rounding import LADDER, WIDTH, published, rounded, step_for
from rmbench.heldout.season import read_private, task_leaves
from rmbench.heldout.secret import KEY, derived, key_from_environment, new_key, seal, seed_of, unseal
from rmbench.ledger import Event
from rmbench.recipes import build_items
from rmbench.types import Estimate, Item

# Leaves and roots of the tests of Certificate Transparency's reference implementation (RFC 6962), by number of leaves
CT_LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
CT_ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    4: "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    6: "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
SALT = bytes(range(32))
CHAT = ({"role": "user", "content": "Zwölf plus zwei?"},)
ITEM = Item("i1", CHAT, ("Vierzehn.", "Drei."), (1.0, 0.25), "g", tags={"split": "base"})
HASHES = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40, unique=True)


@pytest.mark.parametrize("count", CT_ROOTS)
def test_roots_are_those_of_certificate_transparency(count):
    assert root_of([leaf_hash(bytes.fromhex(leaf)) for leaf in CT_LEAVES[:count]]).hex() == CT_ROOTS[count]


def by_levels(hashes):
    """The same root from the bottom up: pairs are joined level by level, an odd one out goes up unchanged."""
    while len(hashes) > 1:
        joined = [hashlib.sha256(b"\x01" + a + b).digest() for a, b in zip(hashes[::2], hashes[1::2], strict=False)]
        hashes = joined + hashes[len(hashes) // 2 * 2 :]
    return hashes[0]


@settings(deadline=None)
@given(HASHES)
def test_the_root_by_halves_is_the_root_by_levels(hashes):
    assert root_of(hashes) == by_levels(hashes)


@settings(deadline=None)
@given(HASHES, st.data())
def test_every_leaf_is_included_and_nothing_else(hashes, data):
    index = data.draw(st.integers(0, len(hashes) - 1))
    path, root = path_of(hashes, index), root_of(hashes)
    assert included(hashes[index], index, len(hashes), path, root)
    assert not included(leaf_hash(hashes[index]), index, len(hashes), path, root)
    assert not included(hashes[index], index, len(hashes), [*path, root], root)
    assert not included(hashes[index], len(hashes), len(hashes), path, root)
    if path:
        spoilt = [bytes(32), *path[1:]]
        assert not included(hashes[index], index, len(hashes), spoilt, root)
        assert not included(hashes[index], (index + 1) % len(hashes), len(hashes), path, root)


def test_a_leaf_is_what_the_card_says():
    """Computed by hand, from the words of `HOW` alone."""
    task = make_card("generalisation", "t")
    card, item = task_leaves(SALT, task, [ITEM])

    def by_hand(name, content):
        head = f'["rmbench/heldout/1/leaf","{name}"]'.encode()
        salt = hmac.new(SALT, f'["rmbench/heldout/1","leaf","{name}"]'.encode(), "sha256").digest()
        text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
        return hashlib.sha256(b"\x00" + head + b"\n" + salt + text).digest()

    plain = {"id": "i1", "prompt": [*CHAT], "responses": ["Vierzehn.", "Drei."], "gold": [1.0, 0.25], "group": "g"}
    assert item == by_hand("t/item/i1", plain | {"probability": None, "votes": None, "tags": {"split": "base"}})
    assert card == by_hand("t/card", task.model_dump(mode="json"))


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)


@settings(deadline=None)
@given(st.lists(TEXTS, min_size=2, max_size=6, unique=True), st.data())
def test_any_change_of_items_order_or_salt_changes_the_root(texts, data):
    items = [Item(f"i{k}", CHAT, (text, "no"), (1.0, 0.0), "g") for k, text in enumerate(texts)]
    card = make_card("generalisation", "t")

    def root(changed=items, salt=SALT, task=card):
        return root_of([*task_leaves(salt, task, changed)])

    which = data.draw(st.integers(0, len(items) - 1))
    longer = Item(f"i{which}", CHAT, (texts[which] + "!", "no"), (1.0, 0.0), "g")
    regraded = Item(f"i{which}", CHAT, (texts[which], "no"), (0.5, 0.0), "g")
    others = [
        root([*items[:which], longer, *items[which + 1 :]]),
        root([*items[:which], regraded, *items[which + 1 :]]),
        root(items[::-1]),
        root(items[1:]),
        root(salt=bytes(32)),
        root(task=card.model_copy(update={"chance": 0.25})),
    ]
    assert len({root(), *others}) == 7


def test_a_leaf_cannot_be_guessed_from_the_item_and_a_salt_tells_no_other():
    one, two = (derived(SALT, "leaf", f"t/item/i{k}") for k in (1, 2))
    assert one != two
    assert derived(SALT, "leaf", "t") != derived(SALT, "seed", "t") != derived(bytes(32), "seed", "t")


def test_a_seed_keeps_all_of_its_bits_through_a_recipe():
    seeds = [seed_of(SALT, "one"), seed_of(SALT, "two")]
    assert max(seeds) > 2**240
    build = {"recipe": "known_probability", "worlds": ["transforms"], "pairs": 2, "tau": 0.15}
    # seeds that differ in their highest bit alone, or in their lowest bits alone, give other prompts
    near = [seeds[0], seeds[0] ^ 2**255, seeds[0] ^ 2**20]
    prompts = [tuple(i.prompt[0]["content"] for i in build_items(build | {"seed": seed}, "t")) for seed in near]
    assert len({text for pair in prompts for text in pair}) == 6


# --- rounding


def estimate(value, error):
    half = WIDTH * error / 2
    return Estimate(value, value - half, value + half, 10, 0)


@settings(deadline=None)
@given(st.floats(-3, 1), st.sampled_from(LADDER))
def test_rounding_gives_the_nearest_multiple(value, step):
    found = rounded(value, step)
    assert abs(found - value) <= step / 2 + 1e-8
    assert abs(found / step - round(found / step)) < 1e-9
    assert rounded(found, step) == found


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(0, 0.5)), min_size=1, max_size=4))
def test_the_step_is_the_smallest_that_no_noise_exceeds(pairs):
    skills = {str(k): estimate(*pair) for k, pair in enumerate(pairs)}
    step, worst = step_for(skills), max(error for _, error in pairs)
    assert step >= worst - 1e-8
    assert all(smaller_one < worst + 1e-8 for smaller_one in LADDER if smaller_one < step)


def test_scores_within_the_noise_are_told_alike():
    told = [published({"a": estimate(value, 0.03)}) for value in (0.476, 0.49, 0.5, 0.51, 0.524)]
    assert told == [({"a": 0.5}, 0.05)] * 5


@pytest.mark.parametrize("value", [0.025, 0.075, -0.025])
def test_a_half_goes_to_the_even_multiple_whatever_the_last_bits(value):
    assert rounded(value, 0.05) == rounded(value + 1e-13, 0.05) == rounded(value - 1e-13, 0.05)
    assert json.dumps(rounded(-0.004, 0.01)) == "0.0"


@pytest.mark.parametrize(
    ("skill", "told"),
    [
        (Estimate(None, None, None, 0, 3, "no item has all its scores"), "no item has all its scores"),
        (Estimate(0.5, None, None, 9, 0, "a single group: no interval"), "a single group"),
        (estimate(0.5, 0.7), "standard error is 0.70"),
    ],
)
def test_what_cannot_be_told_honestly_is_not_published(skill, told):
    with pytest.raises(HeldOutError, match=told):
        published({"overall": skill})


# --- the cipher

HEAD = {"canary": "c", "season": "spring", "kind": "season"}


@pytest.fixture
def sealed(tmp_path):
    path, key = tmp_path / "private.enc", new_key()
    seal(path, HEAD, {"salt": "secret words", "n": 2**255}, key)
    return path, key


def test_what_is_sealed_comes_back_and_cannot_be_read(sealed):
    path, key = sealed
    assert unseal(path, {"season": "spring", "kind": "season"}, key) == {"salt": "secret words", "n": 2**255}
    assert b"secret" not in path.read_bytes()
    assert json.loads(path.read_text())["canary"] == "c"


def changed(path, **fields):
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def flip(path):
    token = json.loads(path.read_text())["sealed"]
    changed(path, sealed=token[:60] + ("A" if token[60] != "A" else "B") + token[61:])


@pytest.mark.parametrize(
    ("spoil", "head", "told"),
    [
        (flip, {}, "does not open"),
        (lambda path: changed(path, sealed="x"), {}, "does not open"),
        (lambda path: changed(path, sealed=["x"]), {}, "has no text `sealed`"),
        (lambda path: changed(path, canary="d"), {}, "readable head was changed"),
        (lambda _: None, {"season": "autumn"}, "of another season: 'spring', not 'autumn'"),
        (lambda path: path.unlink(), {}, "is missing"),
        (lambda path: path.write_bytes(b"[" * 100_000), {}, "nested more than"),
        (lambda path: path.write_bytes(b'{"sealed": NaN}'), {}, "not strict JSON"),
        (lambda path: (path.unlink(), path.symlink_to("/etc/passwd")), {}, "must be a plain file"),
    ],
)
def test_a_sealed_file_that_was_changed_says_so(sealed, spoil, head, told):
    path, key = sealed
    spoil(path)
    with pytest.raises(HeldOutError, match=told):
        unseal(path, head, key)


@pytest.mark.parametrize("plain", [b"", b"x", zlib.compress(b"[]"), zlib.compress(b'{"head": 1, "content": []}')])
def test_what_another_program_wrote_with_the_key_says_so(sealed, plain):
    path, key = sealed
    changed(path, sealed=Fernet(key).encrypt(plain).decode())
    with pytest.raises(HeldOutError, match="opens, but was not written by"):
        unseal(path, {}, key)


def test_what_unfolds_without_end_is_left_alone(sealed, monkeypatch):
    path, key = sealed
    monkeypatch.setattr("rmbench.heldout.secret.UNPACKED", 1000)
    changed(path, sealed=Fernet(key).encrypt(zlib.compress(b" " * 2000)).decode())
    with pytest.raises(HeldOutError, match="unfolds into more than 1,000 bytes"):
        unseal(path, {}, key)


def test_another_key_does_not_open_it(sealed):
    with pytest.raises(HeldOutError, match="holds another key"):
        unseal(sealed[0], {}, new_key())


def test_a_key_is_asked_for(monkeypatch):
    monkeypatch.delenv(KEY, raising=False)
    with pytest.raises(HeldOutError, match="keygen"):
        key_from_environment()
    monkeypatch.setenv(KEY, "short")
    with pytest.raises(HeldOutError, match="does not hold a key"):
        key_from_environment()


# --- readers meet anything

PLAIN = st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5), st.lists)
RAW = st.binary(max_size=60) | st.builds(
    lambda value: json.dumps(value).encode(),
    st.dictionaries(st.sampled_from(["season", "canary", "sealed", "root", "leaves", "tasks", "format", "x"]), PLAIN),
)


@settings(deadline=None)
@given(RAW)
def test_readers_raise_one_of_ours_whatever_the_bytes(tmp_path_factory, content):
    folder = tmp_path_factory.getbasetemp() / "fuzz" / "spring"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("card.json", "leaves.json", "private.enc"):
        (folder / name).write_bytes(content)
    key = "A" * 43 + "="
    readers = (read_card, read_leaves, lambda root, name: read_private(root, name, key))
    for read in readers:
        with pytest.raises(HeldOutError):
            read(folder.parent, "spring")


# --- the rules

CANARY = "rmbench:00000000-0000-0000-0000-000000000000"
TASK = PublicTask(name="t", axis="calibration", title="t", asks="a", limits="l", items=1, canary=CANARY)
RULES = PublicCard(
    season="spring", canary=CANARY, rmbench="0", root="0" * 64, leaves=2, attempts=3, days=7, tasks=(TASK,)
)
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def lines(*made):
    """`heldout` lines of (entry, days after the start)."""
    return [
        Event(
            number=number,
            time=(START + timedelta(days=days)).isoformat(timespec="seconds"),
            event="heldout",
            entry=entry,
            suite="core@3",
            by="m",
            facts={"season": "spring"},
            previous="0" * 64,
            hash="0" * 64,
        )
        for number, (entry, days) in enumerate(made, start=1)
    ]


@pytest.mark.parametrize(
    ("made", "entry", "days", "expected"),
    [
        ([], "acme__a", 0, (1, 1)),
        ([("acme__a", 0)], "acme__a", 7, (2, 2)),
        ([("acme__a", 0)], "acme__b", 7, (1, 2)),
        ([("acme__a", 0)], "other__a", 0, (1, 1)),
        ([("acme__a", 0), ("acme__b", 8)], "acme__a", 15, (2, 3)),
        ([("rmbench__a", 0)] * 5, "rmbench__a", 0, (6, 6)),  # our own baselines
    ],
)
def test_attempts_are_counted(made, entry, days, expected):
    assert next_attempt(lines(*made), RULES, entry, START + timedelta(days=days)) == expected


@pytest.mark.parametrize(
    ("made", "entry", "days", "told"),
    [
        ([("acme__a", 0)], "acme__a", 6.999, r"allowed from 2026-03-08T12:00:00\+00:00$"),
        ([("acme__a", 0)], "acme__b", 1, r"acme was scored on spring at 2026-03-01T12:00:00"),
        ([("acme__a", 0), ("acme__b", 8)], "acme__c", 9, r"allowed from 2026-03-16"),
        ([("acme__a", 0), ("acme__b", 8), ("acme__a", 16)], "acme__c", 99, r"used its 3 attempts .* next season"),
    ],
)
def test_another_name_does_not_get_round_the_rules(made, entry, days, told):
    with pytest.raises(HeldOutError, match=told):
        next_attempt(lines(*made), RULES, entry, START + timedelta(days=days))


def test_a_shipped_card_keeps_its_prompts_and_costs_less():
    raw = {"build": {"recipe": "pool", "prompts": 64, "candidates": 256, "seed": 1}}
    raw["budgets"] = {"tilt": [1.0], "queries": {"policy_gradient": 16384, "search": 4096}}
    found = cheaper(raw)
    assert found["build"] == {"recipe": "pool", "prompts": 64, "candidates": 128, "seed": 1}
    assert found["budgets"] == {"tilt": [1.0], "queries": {"policy_gradient": 4096, "search": 4096}}
    assert raw["build"]["candidates"] == 256
    assert cheaper({"build": {"pairs": 25, "seed": 1}}) == {"build": {"pairs": 25, "seed": 1}}


def test_the_facts_of_a_score_hold_all_skills():
    facts = {"season": "s", "attempt": 1, "skills": {"overall": 0.5}, "step": 0.1, "root": "0" * 64}
    with pytest.raises(ValueError, match="generalisation, calibration"):
        Scored(**facts, scores="0" * 64, settings="0" * 64, remote_code=False, canary=CANARY)
