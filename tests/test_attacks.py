"""Fuzz of every reader of what strangers write: nothing but the typed errors, no file outside the folder."""

import contextlib
import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from submitted import SUITE, copied, mini_standards, submit

from rmbench.errors import RmbenchError, SubmissionError, TaskError
from rmbench.leaderboard.layout import LARGEST
from rmbench.leaderboard.names import entry_key, slug_of, slug_problem, split_key
from rmbench.leaderboard.verify import verify
from rmbench.rows import Row
from rmbench.scores import read_run
from rmbench.task import read_card

FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    return submit(tmp_path_factory.mktemp("honest"), training_data=())


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """A folder whose only content is the submission that is being spoilt: whatever else appears was written by us."""
    return tmp_path_factory.mktemp("scratch")


def spoilt(honest, scratch):
    shutil.rmtree(scratch / "submissions", ignore_errors=True)
    return copied(honest, scratch)


def looked_at(folder, scratch):
    """Verify; whatever is in the folder, there is an answer, and nothing was written anywhere near it."""
    before = sorted(path.relative_to(scratch) for path in scratch.rglob("*"))
    checked = verify(folder, mini_standards())
    assert sorted(path.relative_to(scratch) for path in scratch.rglob("*")) == before
    for problem in checked.problems:
        assert problem.message
        assert "\n" not in problem.message
    return checked


@pytest.mark.parametrize("name", [*LARGEST])
@FUZZ
@given(data=st.data())
def test_bytes_in_place_of_a_file(honest, scratch, name, data):
    folder = spoilt(honest, scratch)
    (folder / name).write_bytes(data.draw(st.binary(max_size=400)))
    assert looked_at(folder, scratch).errors


@pytest.mark.parametrize("name", ["manifest.json", "scores.parquet", "trajectory.parquet", "attempts.parquet"])
@FUZZ
@given(data=st.data())
def test_flipped_bytes(honest, scratch, name, data):
    folder = spoilt(honest, scratch)
    content = bytearray((folder / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (folder / name).write_bytes(content)
    checked = looked_at(folder, scratch)
    if content != (honest / name).read_bytes():
        assert checked.errors or name != "manifest.json"
    with contextlib.suppress(RmbenchError):
        read_run(folder)


@FUZZ
@given(raw=JSON, where=st.sampled_from(["manifest.json", "submission.json", "contamination.json"]), data=st.data())
def test_any_json_in_any_field(honest, scratch, raw, where, data):
    folder = spoilt(honest, scratch)
    path = folder / where
    if path.exists():
        whole = json.loads(path.read_text())
        whole[data.draw(st.sampled_from([*whole]))] = raw
    else:
        whole = raw
    path.write_text(json.dumps(whole))
    looked_at(folder, scratch)


@FUZZ
@given(data=st.data())
def test_any_cell_in_any_column(honest, scratch, data):
    folder = spoilt(honest, scratch)
    table = pq.read_table(folder / "scores.parquet")
    name = data.draw(st.sampled_from(Row._fields))
    kind = table.schema.field(name).type
    cells = {pa.string(): st.text(max_size=30), pa.float64(): st.floats(), pa.int32(): st.integers(-(2**31), 2**31 - 1)}
    cells[pa.int64()] = st.integers(-(2**63), 2**63 - 1)
    column = table.column(name).to_pylist()
    for _ in range(3):
        column[data.draw(st.integers(0, len(column) - 1))] = data.draw(st.none() | cells[kind])
    try:
        changed = table.set_column(table.schema.get_field_index(name), pa.field(name, kind), pa.array(column, kind))
    except (pa.ArrowException, UnicodeEncodeError):
        return  # half of a surrogate pair: no parquet file can hold it
    pq.write_table(changed, folder / "scores.parquet")
    checked = looked_at(folder, scratch)
    assert checked.errors or changed.equals(table)


@FUZZ
@given(content=st.binary(max_size=300) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "ignore")))
def test_cards(scratch, content):
    path = scratch / "card.yaml"
    path.write_bytes(content)
    with pytest.raises(TaskError, match=r"card\.yaml"):
        read_card(path)


@FUZZ
@given(raw=JSON, field=st.sampled_from(["name", "axis", "budgets", "canary", "build", "items", "tau", "chance"]))
def test_any_value_in_any_field_of_a_card(scratch, raw, field):
    path = scratch / "card.yaml"
    card = yaml.safe_load((Path(__file__).parent.parent / "tasks/generalisation/domain/card.yaml").read_text())
    path.write_text(yaml.safe_dump({**card, field: raw}))
    with contextlib.suppress(TaskError):
        read_card(path)


def test_yaml_aliases_do_not_unfold(scratch):
    path = scratch / "card.yaml"
    path.write_text("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n")
    with pytest.raises(TaskError, match=r"aliases \(\*name\) are not allowed"):
        read_card(path)


@given(st.text(max_size=80), st.text(max_size=80))
def test_a_key_is_always_one_safe_folder(organisation, model):
    try:
        key = entry_key(organisation, model)
    except SubmissionError:
        return
    assert split_key(key) == (organisation, model)
    assert Path("root") / key == Path(f"root/{key}")
    assert len(Path(key).parts) == 1
    assert not {*key} & {*'/\\:*?"<>| \0'}
    assert key == key.lower().strip(".")


@given(st.text(max_size=100))
def test_a_proposed_name_is_a_good_one(name):
    assert slug_problem(slug_of(name)) is None


@pytest.mark.parametrize(
    "name", ["../../x", "<img src=x onerror=alert(1)>", "a/b", "..", ".", "", "a b", "ä", "A", "con", "a\0"]
)
def test_names_that_are_refused(name):
    with pytest.raises(SubmissionError, match="the model is"):
        entry_key("lab", name)
    assert split_key(f"lab__{name}") is None


def test_a_path_through_a_link_is_not_followed(honest, tmp_path):
    secret = tmp_path / "secret.json"
    secret.write_text('{"format": 1}')
    folder = copied(honest, tmp_path / "board")
    (folder / "submission.json").unlink()
    (folder / "submission.json").symlink_to(secret)
    assert {p.code for p in verify(folder, mini_standards()).errors} == {"layout"}
    linked = tmp_path / "board" / "submissions" / "lab__linked"
    linked.symlink_to(folder.parent, target_is_directory=True)
    real = folder.parent.parent / "lab__other"
    real.mkdir()
    (real / SUITE).symlink_to(folder, target_is_directory=True)
    assert {p.code for p in verify(real / SUITE, mini_standards()).errors} == {"layout"}
