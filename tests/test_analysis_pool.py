"""`rmbench analyze pool`: closed forms, brute force, every kind of file, and every named outcome."""

from __future__ import annotations

import csv
import gzip
import itertools
import json
import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from rmbench.analysis.pool import analyze_pool, pools_of, read_pools, to_json
from rmbench.cli import app
from rmbench.errors import DataError, RmbenchError, UsageError

DATA = Path(__file__).parent.parent.parent / "shared" / "data"
KEYS = {
    "prompts",
    "candidates",
    "missing",
    "ties",
    "curves",
    "recovery",
    "overoptimization_gap",
    "goodhart_drop",
    "hacking_threshold_kl",
    "within_prompt_auc",
    "notes",
}
DRAWN = {"n", "kl", "kl_bound", "proxy", "gold", "oracle"}
TILTED = {"nats", "kl", "gold", "oracle", "saturated"}
COLUMNS = ["--prompt", "x", "--proxy", "r", "--gold", "g"]
RUNNER = CliRunner()


def pools(proxy, gold):
    """Pools from lists of arrays."""
    codes = np.repeat(np.arange(len(proxy)), [len(p) for p in proxy])
    labels = [f"x{k}" for k in range(len(proxy))]
    return pools_of(codes, labels, np.concatenate(proxy).astype(float), np.concatenate(gold).astype(float))


def gaussian(prompts, size, rho, seed=0):
    rng = np.random.default_rng(seed)
    proxy = rng.standard_normal((prompts, size))
    return pools(list(proxy), list(rho * proxy + math.sqrt(1 - rho**2) * rng.standard_normal((prompts, size))))


def told(found, **more):
    return to_json(analyze_pool(found, bootstrap=100, **more))


def at(curve, key, value):
    return next(point for point in curve if point[key] == pytest.approx(value))


def table(path, rows):
    with path.open("w", newline="") as out:
        csv.writer(out).writerows(rows)
    return path


def write(path, rows=((1, "a", 0.5, 1), (2, "a", 0.1, 0), (3, "b", 2, 0), (4, "b", 1, 1))):
    return table(path, [("row", "x", "r", "g"), *rows])


def run(*arguments):
    """Run the command line; the outcome holds the error where it ends in one of ours."""
    return RUNNER.invoke(app, ["analyze", "pool", *map(str, arguments)])


# --- known answers ---------------------------------------------------------------------------------------------------


def test_gaussian_gains():
    """g = rho r + sqrt(1 - rho^2) e: best-of-n gains rho E[max of n], tilt rho sqrt(2 KL), recovery is rho."""
    out = told(gaussian(300, 1024, 0.6))
    for n, maximum in ((2, 0.5642), (16, 1.7660)):
        point = at(out["curves"]["best_of_n"], "n", n)
        assert point["gold"]["value"] == pytest.approx(0.6 * maximum, abs=0.03)
        assert point["gold"]["low"] < 0.6 * maximum < point["gold"]["high"]
        assert point["proxy"] == pytest.approx(maximum, abs=0.02)
        assert point["oracle"] == pytest.approx(maximum, abs=0.03)
    for nats in (0.5, 1.0, 2.0):
        point = at(out["curves"]["tilt"], "kl", nats)
        assert point["gold"]["value"] == pytest.approx(0.6 * math.sqrt(2 * nats), abs=0.05)
        assert point["saturated"] == 0
    assert out["recovery"]["value"] == pytest.approx(0.6, abs=0.03)
    assert out["recovery"]["low"] < 0.6 < out["recovery"]["high"]
    assert out["recovery"]["tilt"]["1"]["value"] == pytest.approx(0.6, abs=0.03)
    # P(order agrees) for Gaussians with correlation rho: 1/2 + asin(rho) / pi
    assert out["within_prompt_auc"]["value"] == pytest.approx(0.5 + math.asin(0.6) / math.pi, abs=0.01)
    assert abs(out["goodhart_drop"]["value"]) < 0.05
    assert "none within budget" in out["hacking_threshold_kl"]["reason"]


@pytest.mark.parametrize(("size", "n", "kl"), [(64, 16, 1.964), (64, 64, 4.159), (1024, 64, 3.206)])
def test_kl_check_values(size, n, kl):
    out = told(gaussian(2, size, 0.5), n=[n])
    assert [point["n"] for point in out["curves"]["best_of_n"]] == [n]
    assert out["curves"]["best_of_n"][0]["kl"] == pytest.approx(kl, abs=5e-4)
    assert out["curves"]["best_of_n"][0]["kl_bound"] == pytest.approx(math.log(n) - (n - 1) / n)


def test_ragged_pools_against_every_subset():
    rng = np.random.default_rng(0)
    proxy = [np.round(rng.standard_normal(size)) for size in (5, 6, 7)]
    gold = [rng.random(size) for size in (5, 6, 7)]
    out = told(pools(proxy, gold), n=[1, 2, 3, 5])
    for n in (1, 2, 3, 5):
        expected = []
        for r, g in zip(proxy, gold, strict=True):
            subsets = list(itertools.combinations(range(len(r)), n))
            best = [[g[i] for i in range(len(r)) if r[i] == max(r[list(s)])] for s in subsets]
            expected.append(np.mean([np.mean(winners) for winners in best]))
        point = at(out["curves"]["best_of_n"], "n", n)
        assert point["gold"]["value"] == pytest.approx(np.mean(expected), abs=1e-10)
    assert out["prompts"] == 3
    assert out["candidates"] == 18
    assert out["ties"] == sum(
        int((np.unique(r, return_counts=True)[1][np.unique(r, return_inverse=True)[1]] > 1).sum()) for r in proxy
    )


def test_gold_recovers_all_and_a_constant_nothing():
    gold = list(np.random.default_rng(1).random((20, 32)))
    full, none = told(pools(gold, gold)), told(pools([np.zeros(32)] * 20, gold))
    assert {full["recovery"][key] for key in ("value", "low", "high")} == {1.0}
    assert full["overoptimization_gap"]["value"] == 0
    assert full["within_prompt_auc"]["value"] == 1
    assert full["goodhart_drop"]["value"] == 0
    assert {none["recovery"][key] for key in ("value", "low", "high")} == {0.0}
    assert none["overoptimization_gap"]["value"] == 1
    assert none["within_prompt_auc"]["value"] == 0.5
    assert none["ties"] == 640
    assert all(point["saturated"] == 1 for point in none["curves"]["tilt"])
    assert any("proxies are all equal" in note and note.endswith("20") for note in none["notes"])


def test_scale_and_order_of_rows_do_not_matter(tmp_path):
    rng = np.random.default_rng(2)
    rows = [("", f"x{k % 9}", round(rng.standard_normal(), 1), rng.random()) for k in range(300)]
    plain = told(read_pools(write(tmp_path / "a.csv", rows), "x", "r", "g"))
    moved = [("", x, 3 * r + 7, g) for _, x, r, g in rows]
    rng.shuffle(moved)
    other = told(read_pools(write(tmp_path / "b.csv", moved), "x", "r", "g"))
    assert json.dumps(flatten(plain)) != "{}"
    assert flatten(other) == pytest.approx(flatten(plain), abs=1e-8)


def flatten(value, name=""):
    """All numbers of nested JSON under their paths."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if parts is None:
        return {name: value} if isinstance(value, int | float) else {}
    return {key: inner for k, part in parts for key, inner in flatten(part, f"{name}/{k}").items()}


def test_keys():
    out = told(gaussian(8, 64, 0.5))
    assert out.keys() == KEYS
    assert all(
        point.keys() == DRAWN and point["gold"].keys() == {"value", "low", "high"}
        for point in out["curves"]["best_of_n"]
    )
    assert all(
        point.keys() == TILTED and point["gold"].keys() == {"value", "low", "high"} for point in out["curves"]["tilt"]
    )
    assert [point["n"] for point in out["curves"]["best_of_n"]] == [1, 2, 4, 8, 16, 32, 64]
    assert out["recovery"]["best_of_n"].keys() == {"2", "4", "8", "16", "32", "64"}
    assert out["recovery"]["tilt"].keys() == {"0.25", "0.5", "1", "2", "3", "4"}
    mean = np.mean(
        [
            *(out["recovery"]["tilt"][b]["value"] for b in "124"),
            *(out["recovery"]["best_of_n"][b]["value"] for b in ("4", "16", "64")),
        ]
    )
    assert out["recovery"]["value"] == pytest.approx(mean)
    json.dumps(out, allow_nan=False)


def test_harm_is_seen():
    """Gold that falls with the proxy beyond the middle: a peak, a drop after it, and less than nothing at the end."""
    rng = np.random.default_rng(3)
    proxy = list(rng.standard_normal((100, 256)))
    out = told(pools(proxy, [-((r - 0.7) ** 2) for r in proxy]))
    assert 0 < out["hacking_threshold_kl"]["value"] < 1
    assert out["goodhart_drop"]["low"] > 0.1
    assert out["recovery"]["value"] < 0


# --- files -----------------------------------------------------------------------------------------------------------


def test_every_kind_of_file_gives_the_same(tmp_path):
    plain = write(tmp_path / "a.csv")
    rows = list(csv.DictReader(plain.open()))
    numbers = [{"x": row["x"], "r": float(row["r"]), "g": int(row["g"])} for row in rows]
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    lines = "\n".join(map(json.dumps, numbers)) + "\n"
    (tmp_path / "a.jsonl").write_text(lines)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    pq.write_table(pa.Table.from_pylist(numbers), tmp_path / "a.parquet", row_group_size=1)
    found = {p.name: told(read_pools(p, "x", "r", "g")) for p in sorted(tmp_path.iterdir())}
    assert len(found) == 5
    assert all(one == found["a.csv"] for one in found.values())
    assert found["a.csv"]["candidates"] == 4


def test_names_stay_text(tmp_path):
    path = write(tmp_path / "a.csv", [(1, "007", 1, 1), (2, "007", 2, 1), (3, "7", 1, 1), (4, "7", 2, 1)])
    assert [item.id for item in read_pools(path, "x", "r", "g").items] == ["007", "7"]
    pq.write_table(
        pa.table({"x": [7, 7, 8, 8], "r": [1, 2, 3, 4], "g": [True, False, True, False]}), tmp_path / "a.parquet"
    )
    found = read_pools(tmp_path / "a.parquet", "x", "r", "g").items
    assert [item.id for item in found] == ["7", "8"]
    assert found[0].gold.tolist() == [1, 0]
    (tmp_path / "a.jsonl").write_text('{"x": "2024-01-01", "r": 1, "g": 1}\n{"x": "2024-01-01", "r": 2, "g": 2}\n')
    assert [item.id for item in read_pools(tmp_path / "a.jsonl", "x", "r", "g").items] == ["2024-01-01"]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_missing_proxies_are_counted_and_dropped(tmp_path, ending):
    values = [0.5, None, math.nan, math.inf, -math.inf, 0.25]
    path = tmp_path / f"a.{ending}"
    rows = [{"x": "a", "r": r, "g": 1.0 * k} for k, r in enumerate(values)]
    if ending == "csv":
        write(path, [("", row["x"], "" if row["r"] is None else row["r"], row["g"]) for row in rows])
    elif ending == "jsonl":
        path.write_text("\n".join(map(json.dumps, rows)))
    else:
        pq.write_table(pa.Table.from_pylist(rows), path)
    out = told(read_pools(path, "x", "r", "g"))
    assert (out["prompts"], out["candidates"], out["missing"]) == (1, 2, 4)
    assert at(out["curves"]["best_of_n"], "n", 2)["gold"]["value"] == 0
    assert at(out["curves"]["best_of_n"], "n", 1)["gold"]["value"] == 2.5


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([(1, "a", 1, 1), (2, "a", 2, "")], "row 2: 'g' is missing; the gold must be a finite number in every row"),
        ([(1, "a", 1, 1), (2, "a", 2, "inf")], "row 2: 'g' is inf; the gold must"),
        ([(1, "a", 1, 1), (2, "a", "high", 1)], "row 2: 'r' is 'high', which is not a number"),
    ],
)
def test_bad_cells_are_named(tmp_path, rows, said):
    with pytest.raises(DataError) as caught:
        read_pools(write(tmp_path / "a.csv", rows), "x", "r", "g")
    assert said in str(caught.value)


def test_bad_files_are_named(tmp_path):
    def said(name, content, match, columns=("x", "r", "g")):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(DataError, match=match):
            read_pools(path, *columns)

    said("a.csv", b"", "is empty")
    said("b.csv", b"x,r,g\n", "has no rows")
    said("a.jsonl", b"", "is empty")
    said("b.jsonl", b"\n\n", r"has no (rows|column)")
    said("c.csv", b"x,reward,g\na,1,1\n", "has no column 'rewrd'; did you mean 'reward'", ("x", "rewrd", "g"))
    said("d.csv", b"x,r,g\na,1,1\n", "has no column 'score'; it has 'x', 'r', 'g'", ("x", "score", "g"))
    said("e.csv", b"x,r,r,g\na,1,1,1\n", "has 2 columns called 'r'")
    said("c.jsonl", b'{"x": "a", "r": 1, "r": 2, "g": 1}\n', "line 1 has the key 'r' twice")
    said("d.jsonl", b'{"x": "a", "r": 1, "g": 1}\n{"x": \n', "line 2 is not JSON")
    said("e.jsonl", b'{"x": "a", "r": 1, "g": 1}\n[1]\n', "line 2 is '\\[1\\]'")
    said("f.jsonl", b'{"x": "a", "r": 1, "g": 1}\n{"x": "a", "r": "bad", "g": 1}\n', "row 2: 'r' is 'bad'")
    said("g.jsonl", b'{"x": null, "r": 1, "g": 1}\n', "row 1: 'x' is missing")
    said("h.jsonl", b'{"x": "a", "r": [1], "g": 1}\n', "column 'r' holds list")
    said("a.xlsx", b"PK", "unknown ending")
    said("a.parquet", b"not parquet at all", "cannot be read")
    with pytest.raises(DataError, match="is not a file"):
        read_pools(tmp_path / "nowhere.csv", "x", "r", "g")


# --- named outcomes --------------------------------------------------------------------------------------------------


def test_blank_prompts_are_refused(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("x,r,g\na,1,2\n,1,2\n")
    with pytest.raises(DataError, match="row 2: 'x' is empty; every row needs one"):
        read_pools(path, "x", "r", "g")


@pytest.mark.parametrize("key", ["x", "r"])
def test_half_a_surrogate_pair_is_one_sentence(tmp_path, key):
    path = tmp_path / "x.jsonl"
    row = {"x": "a", "r": 1, "g": 2}
    path.write_text(json.dumps(row) + "\n" + json.dumps(row | {key: "\ud800"}) + "\n")
    with pytest.raises(DataError, match=f"line 2: '{key}' is .*half of a surrogate pair") as caught:
        read_pools(path, "x", "r", "g")
    str(caught.value).encode()  # can be printed
    path.write_text(json.dumps(row | {"x": "\U0001f600"}) + "\n" + json.dumps(row | {"other": "\ud800"}) + "\n")
    assert read_pools(path, "x", "r", "g").single == 2  # a whole pair, and a column that nobody asked for


def test_gold_that_would_overflow_is_refused(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("x,r,g\na,1,1\na,2,-1e308\n")
    with pytest.raises(DataError, match=r"row 2: 'g' is -1e\+308; the gold must lie within ±1e\+100"):
        read_pools(path, "x", "r", "g")
    path.write_text("x,r,g\na,1,1e100\na,2,-1e100\nb,1,-1e100\nb,2,1e100\n")
    assert told(read_pools(path, "x", "r", "g"))["recovery"]["value"] == pytest.approx(0)


def test_categories_that_do_not_occur_are_no_prompts(tmp_path):
    prompts = pa.DictionaryArray.from_arrays(pa.array([2, 2, 0, 0]), pa.array(["b", "unused", "a"]))
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"x": prompts, "r": [1.0, 2, 3, 4], "g": [1.0, 2, 3, 4]}), path)
    found = read_pools(path, "x", "r", "g")
    assert sorted(item.id for item in found.items) == ["a", "b"]
    assert {item.id: item.gold.tolist() for item in found.items} == {"a": [1, 2], "b": [3, 4]}
    assert found.unscored == 0


def test_a_tilt_is_named_by_the_nats_that_were_asked():
    out = told(pools([[1] * 4 + [2] * 4] * 3, [range(8)] * 3))
    assert [point["nats"] for point in out["curves"]["tilt"]] == [float(key) for key in out["recovery"]["tilt"]]
    spent = {point["nats"]: point["kl"] for point in out["curves"]["tilt"]}
    assert spent[1.0] == pytest.approx(math.log(2), abs=1e-3)  # all that ties leave: the upper half


def test_n_that_cannot_be():
    ragged = pools([np.arange(8.0), np.arange(5.0)], [np.arange(8.0), np.arange(5.0)])
    with pytest.raises(UsageError, match=r"--n 8: .* the pool of prompt 'x1' has 5; give n up to 5"):
        analyze_pool(ragged, n=[1, 8])
    for bad in (0, -3):
        with pytest.raises(UsageError, match=f"--n {bad}: "):
            analyze_pool(ragged, n=[2, bad])
    by_default = told(ragged)
    assert [point["n"] for point in by_default["curves"]["best_of_n"]] == [1, 2, 4]
    assert "n above 4 left out: the smallest pool (prompt 'x1') has 5 candidates" in by_default["notes"]


def test_a_single_candidate_is_set_aside():
    out = told(pools([[1.0], [1.0, 2.0]], [[1.0], [1.0, 2.0]]))
    assert (out["prompts"], out["candidates"]) == (1, 2)
    assert "prompts with a single scored candidate, left out as there is nothing to choose: 1" in out["notes"]
    nothing = told(pools([[1.0]], [[1.0]]))
    assert nothing["recovery"]["value"] is None
    assert nothing["recovery"]["reason"] == "no prompt has two scored candidates"
    assert nothing["curves"] == {"best_of_n": [], "tilt": []}


def test_all_missing():
    out = told(pools([[math.nan] * 3], [[1.0, 2.0, 3.0]]))
    assert (out["prompts"], out["candidates"], out["missing"]) == (0, 0, 3)
    for key in ("recovery", "overoptimization_gap", "goodhart_drop", "hacking_threshold_kl", "within_prompt_auc"):
        assert (out[key]["value"], out[key]["reason"]) == (None, "no candidate has a score")
    assert out["notes"] == ["prompts without any score, left out: 1"]


def test_no_headroom():
    out = told(pools([np.arange(64.0)] * 3, [np.full(64, 0.5)] * 3))
    assert out["recovery"]["value"] is None
    assert "no prompt has headroom" in out["recovery"]["reason"]
    assert out["within_prompt_auc"]["reason"] == "no pair of candidates differs in gold"
    assert "prompts whose gold is all equal, so that there is no headroom: 3" in out["notes"]


def test_one_prompt_has_no_interval():
    out = told(gaussian(1, 64, 0.9))
    assert out["recovery"]["value"] > 0
    assert (out["recovery"]["low"], out["recovery"]["reason"]) == (None, "a single group: no interval")
    assert at(out["curves"]["best_of_n"], "n", 4)["gold"]["low"] is None
    assert "a single prompt: no intervals" in out["notes"]
    assert "a single group" in out["goodhart_drop"]["reason"]


def test_bootstrap_and_seed():
    some = gaussian(10, 32, 0.5)
    with pytest.raises(UsageError, match="bootstrap is 0"):
        analyze_pool(some, bootstrap=0)
    with pytest.raises(UsageError, match="seed is -1"):
        analyze_pool(some, seed=-1)
    assert told(some) == told(some)
    assert told(some, seed=1) != told(some)


# --- the command line ------------------------------------------------------------------------------------------------


def test_command(tmp_path):
    rng = np.random.default_rng(0)
    rows = [(k, f"x[bold]{k % 6}", rng.standard_normal(), rng.random()) for k in range(240)]
    path = write(tmp_path / "a.csv", rows)
    done = run(path, *COLUMNS, "--json", "--n", "1,4")
    assert done.exit_code == 0
    out = json.loads(done.stdout)
    assert [point["n"] for point in out["curves"]["best_of_n"]] == [1, 4]
    shown = run(path, *COLUMNS, "--html", tmp_path / "page.html")
    assert shown.exit_code == 0
    assert "6 prompts, 240 candidates, 0 missing" in shown.stdout
    assert "Within-prompt AUC" in shown.stdout
    page = (tmp_path / "page.html").read_text()
    assert "Content-Security-Policy" in page
    assert "Gold along the budget" in page
    assert "http://" not in page.split("<script")[0]


@pytest.mark.parametrize(
    ("more", "match"), [(["--n", "1,x"], "give whole numbers"), (["--n", "0"], "--n 0"), (["--n", "99"], "--n 99")]
)
def test_bad_options_are_one_sentence(tmp_path, more, match):
    done = run(write(tmp_path / "a.csv"), *COLUMNS, *more)
    assert isinstance(done.exception, RmbenchError)
    assert match in str(done.exception)


def test_title_is_escaped(tmp_path):
    path = write(tmp_path / "<img onerror=x>.csv")
    assert run(path, *COLUMNS, "--html", tmp_path / "page.html").exit_code == 0
    assert "<img" not in (tmp_path / "page.html").read_text().split("<script")[0]


# --- real pools ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("truthfulqa_pool/pool_36x50.parquet", ("question", "true", "info")),
        ("summeval_pool/pool_16x100.parquet", ("doc_id", "fluency", "relevance")),
    ],
)
def test_real_pools(name, columns):
    path = DATA / name
    if not path.exists():
        pytest.skip("the published pools are not there")
    found = read_pools(path, *columns)
    out = told(found)
    prompts, size = (50, 36) if "truthful" in name else (100, 16)
    assert (out["prompts"], out["candidates"], out["missing"]) == (prompts, prompts * size, 0)
    assert out["ties"] > 1000
    mean = np.mean([item.gold.mean() for item in found.items])
    top = np.mean([item.gold[item.scores == item.scores.max()].mean() for item in found.items])
    points = out["curves"]["best_of_n"]
    assert at(points, "n", 1)["gold"]["value"] == pytest.approx(mean)
    alone = told(found, n=[size])["curves"]["best_of_n"][0]
    assert alone["gold"]["value"] == pytest.approx(top)
    assert alone["oracle"] == pytest.approx(np.mean([item.gold.max() for item in found.items]))
    assert (out["recovery"]["high"] < 0) == ("truthful" in name)
