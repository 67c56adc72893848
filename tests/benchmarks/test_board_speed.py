"""A board from many submissions. Timed by

    pytest tests/benchmarks/test_board_speed.py -n 0 --benchmark-enable --benchmark-only -s

(the ordinary test run takes six small submissions, once, and only checks that all of them are ranked, and rightly).
"""

import resource

import numpy as np
from make_submissions import make_submissions, standards, suite_of

from rmbench.leaderboard.board import Builder
from rmbench.leaderboard.ranking import rank
from rmbench.leaderboard.sources import open_source


def build(root, rows):
    with open_source(str(root)) as source:
        return Builder(suites=[suite_of(rows)], make=standards).boards(source.submissions(), [])


def test_many_submissions(benchmark, tmp_path):
    count, rows = (6, 1800) if benchmark.disabled else (24, 20_000)
    make_submissions(tmp_path, count, rows)
    (board,) = benchmark.pedantic(build, (tmp_path, rows), rounds=1)
    assert board.left == board.partial == ()
    assert len(board.ranked) == count
    best, last = board.ranked[0], board.ranked[-1]
    assert (best.key[-5:], last.key[-5:]) == (f"{count - 1:05d}", "00000")
    assert best.ranks["overall"].high < last.ranks["overall"].low
    if not benchmark.disabled:
        each = benchmark.stats.stats.min / count
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        benchmark.extra_info |= {"seconds_each": each, "megabytes": memory}
        print(f"\n{count} submissions of {rows:,} rows: {benchmark.extra_info}")


def test_many_entries(benchmark):
    count = 60 if benchmark.disabled else 500
    rng = np.random.default_rng(0)
    values = np.sort(rng.uniform(0, 1, count))
    draws = values[:, None] + 0.02 * rng.standard_normal((count, 1000)) + 0.02 * rng.standard_normal(1000)
    found = benchmark(rank, values, draws)
    assert [one.place for one in found] == list(range(count, 0, -1))
    if not benchmark.disabled:
        print(f"\n{count} entries x 1000 draws: {benchmark.stats.stats.min:.2f} s")
