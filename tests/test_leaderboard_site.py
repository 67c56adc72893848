"""The pages of the leaderboard as files: what is written, kept and refused. The browser has tests of its own."""

import base64
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from board_made import SUITE, large_board, small_board

from rmbench.errors import RunError, UsageError
from rmbench.leaderboard.readme import board_readme, escape
from rmbench.leaderboard.site import build, entry_page, write_site
from rmbench.leaderboard.site.board_page import COLUMNS
from rmbench.leaderboard.site.data import MOST_DRAWS, flat, quantise, script_json
from rmbench.leaderboard.site.words import coverage, duration, places, price, size
from rmbench.leaderboard.types import HeldOut
from rmbench.stats import difference

DEEP = "test-1/acme__deep-rm"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("board")


@pytest.fixture(scope="module")
def board(root):
    return small_board(root)


@pytest.fixture(scope="module")
def site(root, board):
    return write_site([board], root / "site", cache=root / "cache")


class Tags(HTMLParser):
    """Every tag with its attributes."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


def pages(site):
    return sorted(site.rglob("*.html"))


def said(script):
    """The JSON that a script file assigns."""
    return json.loads(script.read_text()[script.read_text().index("] = ") + 4 :].rstrip().rstrip(";"))


def test_writes_one_folder(site, board):
    names = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    assert {"index.html", "compare.html", "assets/vega.js", "assets/style.css", "assets/data-test-1.js"} <= names
    for one in board.entries:
        assert f"test-1/{one.key}/index.html" in names
        assert f"test-1/{one.key}/data.js" in names
    assert f"{DEEP}/scores.parquet" in names
    source = next(one for one in board.entries if one.key == "acme__deep-rm").folder
    for name in ("submission.json", "manifest.json", "scores.parquet"):
        assert (site / DEEP / name).read_bytes() == (source / name).read_bytes()


def test_pages_refer_to_nothing_outside(site):
    """Every address is a file of the folder, an anchor, or a link for a reader, who is not told on."""
    for path in pages(site):
        tags = Tags(path.read_text())
        for tag, attributes in tags.found:
            assert not [name for name in attributes if name.startswith("on") or name == "style"], (path, tag)
            for name in ("src", "href", "action", "data", "poster", "srcset"):
                address = attributes.get(name)
                if address is None:
                    continue
                if address.startswith("https://example.org/"):
                    assert tag == "a"
                    assert attributes["rel"] == "noopener noreferrer nofollow"
                    continue
                target, _, anchor = address.partition("#")
                assert not re.match(r"[a-z]+:|//|/", address), (path, address)
                assert not target or (path.parent / target).resolve().is_relative_to(site.resolve())
                assert not target or (path.parent / target).is_file(), (path, address)
                assert target or f'id="{anchor}"' in path.read_text(), (path, address)
        assert not [attributes for tag, attributes in tags.found if tag in ("img", "iframe", "object", "form", "base")]
        scripts = [attributes for tag, attributes in tags.found if tag == "script"]
        assert all("src" in attributes or attributes["type"] == "application/json" for attributes in scripts)


def test_every_page_has_a_policy_and_the_canary(site, board):
    for path in pages(site):
        tags = Tags(path.read_text()).found
        metas = [attributes for tag, attributes in tags if tag == "meta"]
        (policy,) = [meta["content"] for meta in metas if meta.get("http-equiv") == "Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self' ")
        assert "unsafe" not in policy
        assert "http" not in policy
        assert {"name": "referrer", "content": "no-referrer"} in metas
        (canary,) = [meta["content"] for meta in metas if meta.get("name") == "rmbench-canary"]
        assert "training corpus" in canary
        assert all(card.canary in canary for card in board.cards.values())


def test_attacks_are_text(site):
    for path in (path for path in site.rglob("*") if path.suffix in (".html", ".js")):
        text = path.read_text()
        if path.name in ("vega.js", "board.js", "pareto.js", "compare.js", "draw.js"):
            continue
        assert "<img" not in text
        assert "<script>alert" not in text
        assert "\u202e" not in text
        assert "<script>window" not in text
        assert not re.search(r"href=.?javascript:", text)
    assert "{{7*7}}" in (site / DEEP / "index.html").read_text()  # and not 49


def test_shows_what_is_known_of_an_entry(site):
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", (site / DEEP / "index.html").read_text()))
    for told in (
        "rank 1–2 of 5",
        "spot-verified",
        "A random slice of the answers was scored again with the model itself, and agreed.",
        "known overlap",
        "calls itself org/model [U+202E]gnp.exe",
        "8.03B",
        "MIT &lt;b&gt;",
        "rmbench evaluate leaderboard/submissions/acme__deep-rm/test@1",
        "1 place lower",
        "2 attempts",
        "added to the board",
        "items 64, worst 0.00100",
        "took long",
    ):
        assert told in text, told
    assert 'href="scores.parquet" download' in (site / DEEP / "index.html").read_text()


def test_an_entry_that_cannot_be_read_says_so(site):
    text = (site / "test-1/lab__half/index.html").read_text()
    assert "The details of this entry cannot be shown: " in text
    assert "is not a run folder: it has no manifest.json" in text
    assert str(site.parent) not in text
    assert "The files are not there" in text


def test_partial_and_left_ones_stand_apart(site):
    text = (site / "index.html").read_text()
    rows = text[text.index('id="rows"') : text.index('id="pareto"')]
    assert "lab__half" not in rows
    assert rows.count("<tr") == 5
    assert "lab__half" in text[text.index('id="partial"') :]
    left = text[text.index('id="left"') :]
    for title in ("Rejected", "Withdrawn", "Disqualified", "Of another version"):
        assert title in left
    assert "the scores were of another model" in left


def test_expensive_parts_are_kept(root, board, site, monkeypatch):
    """Ranks and trust change without a run being read again; another digest, or other code, is another page."""
    asked = []

    def made(folder, key, *_):
        asked.append(key)
        return entry_page.Body("", {"charts": {}}, [], "no run" if key == "lab__half" else None)

    monkeypatch.setattr(entry_page, "_made", made)
    first = board.ranked[0]
    changed = replace(board, ranked=(replace(first, trust="re-run"), *board.ranked[1:]))
    again = write_site([changed], root / "again", cache=root / "cache")
    assert asked == ["lab__half"]  # a failure is not kept
    before, after = ((folder / "test-1" / first.key / "index.html").read_text() for folder in (site, again))
    assert before != after
    assert before[before.index('id="skills"') :] == after[after.index('id="skills"') :]
    other = replace(board, ranked=(replace(first, digest="f" * 64), *board.ranked[1:]))
    write_site([other], root / "again", cache=root / "cache")
    assert asked == ["lab__half", first.key, "lab__half"]
    monkeypatch.setattr(entry_page, "_code", lambda: "other")
    write_site([board], root / "again", cache=root / "cache")
    assert len(asked) == 3 + len(board.entries)


def test_a_broken_cache_is_made_again(tmp_path, board):
    one = board.ranked[0]
    told = {"digest": one.digest, "settings": {"bootstrap": 20, "seed": 0}, "cache": tmp_path, "cards": board.cards}
    made = entry_page.body(one.folder, one.key, one.suite, **told)
    (kept,) = tmp_path.iterdir()
    kept.write_text(kept.read_text()[:1000])
    assert "<section" in made.html
    assert entry_page.body(one.folder, one.key, one.suite, **told) == made
    assert json.loads(kept.read_text())["html"] == made.html


def test_several_processes_make_the_same(root, board, site):
    seen = []
    few = replace(board, ranked=board.ranked[:1])
    other = write_site([few], root / "parallel", workers=2, progress=lambda *told: seen.append(told))
    assert seen == [(1, 2), (2, 2)]
    for one in few.ranked:
        name = f"test-1/{one.key}/index.html"
        cut = [(folder / name).read_text().partition("</header>")[2] for folder in (site, other)]
        assert cut[0].replace("of 5", "of 1") == cut[1]


def test_the_same_board_gives_the_same_bytes(root, board, site):
    other = write_site([board], root / "twice", cache=root / "cache")
    names = sorted(path.relative_to(site) for path in site.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(other) for path in other.rglob("*") if path.is_file())
    assert all((site / name).read_bytes() == (other / name).read_bytes() for name in names)


def test_further_suites_have_pages(tmp_path, board):
    second = replace(board, suite="quick@2", ranked=(), partial=(), left=())
    out = write_site([board, second], tmp_path / "site", pages=False)
    assert "quick-2.html" in (out / "index.html").read_text()
    assert "No entry has full coverage yet." in (out / "quick-2.html").read_text()
    assert (out / "compare-quick-2.html").is_file()
    assert not list(out.rglob("scores.parquet"))
    assert "test-1/acme__deep-rm/index.html" not in (out / "index.html").read_text()


def test_only_our_own_folder_is_replaced(tmp_path, board):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("years")
    with pytest.raises(UsageError, match="holds something that is not a site of ours"):
        write_site([board], mine, pages=False)
    assert (mine / "thesis.tex").read_text() == "years"
    with pytest.raises(UsageError, match="is not a folder"):
        write_site([board], mine / "thesis.tex", pages=False)
    (tmp_path / "link").symlink_to(mine)
    with pytest.raises(UsageError, match="is not a folder"):
        write_site([board], tmp_path / "link", pages=False)
    (tmp_path / "empty").mkdir()
    out = write_site([board], tmp_path / "empty", pages=False)
    (out / "old.html").write_text("of an earlier build")
    write_site([board], out, pages=False)
    assert not (out / "old.html").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "link", "mine"]


def test_whole_or_not_at_all(tmp_path, board, monkeypatch):
    out = write_site([board], tmp_path / "site", pages=False)
    before = (out / "index.html").read_bytes()

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(build, "board_script", fail)
    with pytest.raises(RunError, match="could not be written: No space left on device"):
        write_site([board], out, pages=False)
    assert (out / "index.html").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


@pytest.mark.parametrize("key", ["../../x", "a/b", "no-organisation", "con__x", "A__b"])
def test_unsafe_names_are_refused(tmp_path, board, key):
    bad = replace(board, ranked=(replace(board.ranked[0], key=key),))
    with pytest.raises(UsageError, match="no safe folder"):
        write_site([bad], tmp_path / "site")
    with pytest.raises(UsageError, match="name@version"):
        write_site([replace(board, suite=f"{key}@1/..")], tmp_path / "site")
    with pytest.raises(UsageError, match="no board"):
        write_site([], tmp_path / "site")
    assert not list(tmp_path.iterdir())


def test_links_among_the_files_are_not_followed(tmp_path, board):
    secret = tmp_path / "secret"
    secret.write_text("token")
    one = board.ranked[0]
    folder = tmp_path / "entry"
    folder.mkdir()
    (folder / "manifest.json").symlink_to(secret)
    (folder / "attempts.parquet").write_bytes(b"x")
    (folder / "other.html").write_text("<script>")
    out = write_site([replace(board, ranked=(replace(one, folder=folder),))], tmp_path / "site")
    assert sorted(path.name for path in (out / "test-1" / one.key).iterdir()) == [
        "attempts.parquet",
        "data.js",
        "index.html",
    ]


# --- what the scripts read


def decoded(packed):
    middle, step, codes = packed
    found = np.frombuffer(base64.b64decode(codes), dtype="<i2").astype(float)
    return np.where(found == -32768, np.nan, middle + step * found)


def test_replicates_survive_being_packed():
    rng = np.random.default_rng(0)
    one, two = rng.normal(0.5, 0.02, 1000), rng.normal(0.4, 0.03, 1000)
    one[[3, 7]] = np.nan
    back = decoded(quantise(one))
    np.testing.assert_array_equal(np.isnan(back), np.isnan(one))
    assert np.nanmax(np.abs(back - one)) <= (np.nanmax(one) - np.nanmin(one)) / 131_068 * 1.0001
    np.testing.assert_allclose(difference(back, decoded(quantise(two))), difference(one, two), atol=1e-5)
    np.testing.assert_array_equal(decoded(quantise(np.full(9, 0.25))), np.full(9, 0.25))
    assert np.isnan(decoded(quantise(np.full(9, np.nan)))).all()
    assert decoded(quantise(np.empty(0))).size == 0
    assert decoded(quantise(np.zeros(9999))).size == MOST_DRAWS


def test_settings_are_flat_text():
    told = flat({"a": {"b": None, "c": [1, 2]}, "d\u202e": "x\n</script>", "e": 1.5})
    assert told == {"a.b": "none", "a.c": "[1, 2]", "d[U+202E]": "x </script>", "e": "1.5"}


def test_scripts_hold_nothing_that_ends_them(site):
    assert script_json({"</script><!--": "\u2028&"}) == '{"\\u003c/script\\u003e\\u003c!--":"\\u2028\\u0026"}'
    told = said(site / DEEP / "data.js")
    assert told["settings"]["name"].startswith("org/model [U+202E]gnp.exe <img")
    assert len(told["draws"]) == 4
    assert [task[0] for task in told["tasks"]] == ["t_pool", "t_calibration", "t_shift"]
    for path in [*site.glob("assets/data-*.js"), *site.rglob("data.js")]:
        assert path.read_text().isascii()
        assert "<" not in path.read_text()


def test_five_hundred_entries_stay_small(tmp_path):
    board = large_board(500, tmp_path)
    out = write_site([board], tmp_path / "site", pages=False)
    assert (out / "index.html").stat().st_size < 2_000_000
    assert (out / "assets/data-test-1.js").stat().st_size < 300_000


# --- words


def test_words():
    assert [size(n) for n in (None, 0, 950, 999_999, 1_237_248, 999_499_999, 999_600_000, 8.03e9, 7e13)] == [
        *("–", "0", "950", "1M", "1.24M", "999M", "1B", "8.03B", "70T")
    ]
    assert [duration(s) for s in (0, 0.5, 9.96, 47, 59.6, 60, 143, 2400, 5400, 5971, 19400)] == [
        *("0 s", "0.5 s", "10 s", "47 s", "1 min", "1 min", "2 min 23 s", "40 min", "90 min", "1.7 h", "5.4 h")
    ]
    assert [price(d) for d in (None, 0.0, 0.0123, 0.32, 0.999, 3.241)] == [
        "–",
        "$0.00",
        "$0.012",
        "$0.32",
        "$1.00",
        "$3.24",
    ]
    lost = [places(HeldOut("s", {}, 0.05, 1, n)) for n in (None, 0, 1, -3)]
    assert lost == ["not ranked", "same place", "1 place lower", "3 places higher"]


def test_only_full_coverage_reads_100(board):
    one = board.ranked[0]
    assert coverage(one) == "100\u00a0%"
    assert coverage(replace(one, items=100_000, missing=1)) == "99.9\u00a0%"
    assert coverage(replace(one, items=0)) == "–"


# --- the README


def test_readme(board):
    text = board_readme([board])
    assert text == board_readme([board])
    lines = text.splitlines()
    table = lines[lines.index("## test@1") + 2 :][:7]
    assert table[0].startswith("| rank | model | overall |")
    assert all(re.sub(r"\\\|", "", line).count("|") == 11 for line in table)
    assert "| 1–2 | [acme/deep-rm](submissions/acme__deep-rm/test%401) | **0.55** [" in table[2]
    assert "spot-verified" in table[2]
    assert "overall 0.41 without them" in table[2]
    assert sum("*(baseline)*" in line for line in table) == 2
    assert "partial entries, without a rank" in text
    assert "the scores were of another model" in text
    assert "2026" not in text
    assert "<" not in text.partition("\n<!-- Benchmark data")[0]
    assert "\u202e" not in text
    for meaning in ("nobody else has looked at them yet", "the maintainers ran the whole suite"):
        assert meaning in text


def test_readme_of_nothing(board):
    assert "No entry has full coverage yet." in board_readme([replace(board, ranked=(), partial=(), left=())])


@pytest.mark.parametrize(
    ("attack", "shown"),
    [
        ("[x](https://evil.example)", "\\[x\\]\\(https\\://evil.example\\)"),
        ("a | b\n# c", "a \\| b \\# c"),
        ("<img src=x>&amp;", "&lt;img src=x&gt;&amp;amp;"),
        ("www.evil.example", "www\\.evil.example"),
        ("`code` *bold* $x$ @who", "\\`code\\` \\*bold\\* \\$x\\$ \\@who"),
        ("\u202eabc", "\\[U\\+202E\\]abc"),
    ],
)
def test_markdown_shows_strangers_as_they_stand(attack, shown):
    assert escape(attack) == shown


def test_suite_is_the_one_that_was_asked(site):
    assert SUITE in (site / "index.html").read_text()


def test_every_column_has_a_head_in_the_cards():
    """On a phone the heads come from the style, which must know every column, and how to hide it."""
    style = (build.HERE / "assets" / "board.css").read_text()
    for column in COLUMNS:
        if column.key not in ("rank", "name"):
            assert f'.ranking td.c-{column.key}::before {{ content: "{column.title}"; }}' in style
            assert f".no-{column.key} .c-{column.key}" in style
