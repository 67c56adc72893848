"""Reading what strangers wrote: whatever lies there, a value or one sentence, and no waiting."""

import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rmbench.bounded import DEPTH, parse_json, plain_folder, read_bytes, read_json, read_lines
from rmbench.errors import SubmissionError

QUICK = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def refused(content, *told):
    with pytest.raises(SubmissionError) as caught:
        parse_json(content, "here")
    said = str(caught.value)
    assert said.startswith("here ")
    assert "\n" not in said
    assert len(said) < 400
    for word in told:
        assert word in said


@pytest.mark.parametrize("opening", ["[", '{"a":', '["]",', '{"\\"]":{"b":['])
def test_depth(opening):
    refused(opening.encode() * 100_000, "nested")


def test_brackets_in_texts_are_no_depth():
    value = {"a": "[" * 1000, 'b"{': ["\\", "{[\\" * 50, '"[["']}
    assert parse_json(json.dumps(value).encode(), "here") == value
    deep = "x"
    for _ in range(DEPTH):
        deep = [deep]
    assert parse_json(json.dumps(deep).encode(), "here") == deep
    refused(json.dumps([deep]).encode(), "nested")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"a": NaN}', "NaN"),
        (b"[Infinity, -Infinity]", "Infinity"),
        (b'{"a": 1, "b": 2, "a": 3}', "'a' is there twice"),
        (b'[{"x": {"k": 1, "k": 1}}]', "twice"),
        (b'"\\ud800"', "surrogates"),
        (b'{"\\udfff": 1}', "surrogates"),
        (b'"\xff"', "not strict JSON"),
        (b"\xef\xbb\xbf{}", "not strict JSON"),
        (b"", "not strict JSON"),
        (b"{} {}", "not strict JSON"),
        (b'{"a": "' + b"x" * 10_000, "not strict JSON"),
        (b"1" * 10_000, "not strict JSON"),  # python refuses to read so long a number
    ],
)
def test_what_is_not_strict_json(content, told):
    refused(content, told)


def test_pairs_of_surrogates_are_a_sign():
    assert parse_json(b'"\\ud83d\\ude00"', "here") == "\N{GRINNING FACE}"


def test_numbers_without_end_are_no_numbers():
    """1e999 is JSON, and Python reads infinity, which no file of ours may hold."""
    refused(b'{"a": 1e999}')


@QUICK
@given(st.binary(max_size=300) | st.text(alphabet='[]{}",:\\u0dTnN1e ', max_size=80).map(str.encode))
def test_any_bytes(content):
    try:
        value = parse_json(content, "here")
    except SubmissionError:
        return
    json.dumps(value, allow_nan=False)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@QUICK
@given(json_values)
def test_any_value_comes_back(value):
    assert parse_json(json.dumps(value).encode(), "here") == value


def test_only_plain_files(tmp_path):
    (tmp_path / "file").write_text("{}")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("link", "loop", "pipe", "folder", "nothing", "n" * 300):
        with pytest.raises(SubmissionError, match="plain file"):
            read_bytes(tmp_path / name, 100)
    with pytest.raises(SubmissionError, match="plain file"):
        read_bytes(type(tmp_path)("/dev/zero"), 100)
    assert read_json(tmp_path / "file", 2) == {}


def test_size_is_bounded_before_it_is_read(tmp_path):
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(2 << 30)
    with pytest.raises(SubmissionError, match="larger than 1,000 bytes"):
        read_bytes(tmp_path / "sparse", 1000)
    with pytest.raises(SubmissionError, match="larger than 1,000,000 bytes"):
        list(read_lines(tmp_path / "sparse", 1_000_000))
    (tmp_path / "line").write_bytes(b"x" * 64_001)
    with pytest.raises(SubmissionError, match=r"line 1: longer than 64,000 bytes"):
        list(read_lines(tmp_path / "line", 1_000_000))
    (tmp_path / "just").write_bytes(b"x" * 1000)
    assert len(read_bytes(tmp_path / "just", 1000)) == 1000


def test_lines_with_their_numbers(tmp_path):
    (tmp_path / "lines").write_bytes(b"a\nb\n")
    assert list(read_lines(tmp_path / "lines", 100)) == [(1, b"a"), (2, b"b")]
    (tmp_path / "lines").write_bytes(b"")
    assert list(read_lines(tmp_path / "lines", 100)) == []


def test_a_line_that_was_cut_short_is_refused(tmp_path):
    """As `read_lines` promises: a line without its end may be half of one."""
    (tmp_path / "cut").write_bytes(b"a\nb")
    with pytest.raises(SubmissionError, match="line 2"):
        list(read_lines(tmp_path / "cut", 100))


def test_folders(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "file").touch()
    told = [plain_folder(path) for path in (tmp_path, tmp_path / "link", tmp_path / "file", tmp_path / "nothing")]
    assert told == [True, False, False, False]
