"""Ranks with intervals, and tie groups, from paired bootstrap replicates. Knows arrays, not entries.

The interval of a rank inverts tests (Mogstad, Romano, Shaikh and Wilhelm 2024, "Inference for ranks", Review of
Economic Studies 91; the marginal confidence sets): an entry is compared with all others at once, each difference in
units of its own bootstrap standard error, and the critical value is the 95 % quantile of the largest. No BLAS takes
part, so neither the number of threads nor the order of the entries decides anything.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtrit

from rmbench.errors import UsageError
from rmbench.leaderboard.types import Rank
from rmbench.stats import UNDEFINED
from rmbench.types import Floats

ROUNDING = 1e-9  # less than this is what two orders of summing differ by
FEWEST = 5  # degrees of freedom: the spread of so few groups is a guess, and may be 0 by chance
CHUNK = 64  # entries that are compared with one at a time: with 1,000 draws they fit a core's cache


def rank(values: Floats, draws: Floats, *, level: float = 0.05, freedom: float = math.inf) -> list[Rank]:
    """Place, interval of the true place and tie group of every entry, in the order given.

    `values` has shape (entries,); `draws` shape (entries, draws): the replicates of each entry, `widened` and made with
    the same resamples, so that column b of two entries is a pair. Values less than 1e-9 apart are equal: they share a
    place and a group, and are never told apart. `low` is 1 + the entries that are significantly better, `high` all
    entries less those significantly worse. `low <= place <= high` always: nothing is significantly better with a
    smaller value. Each interval holds all true places of its entry (several, where true skills are equal) with
    probability 1 - `level`; not all intervals at once do.

    Groups hold all at once: their critical value is that of the largest difference over all pairs (as Tukey's), so the
    chance that any equally good two are told apart is `level`. The best entry leads a group; going down, the first one
    that is told apart from the leader leads the next. The intervals ask less: an entry of the first group may have one
    that begins at 2. Near copies of one model differ in so few items that their differences have long tails: many of
    them make groups coarser, never finer, and leave the intervals of other models alone.

    `freedom`: the degrees of freedom of the standard errors, which a far tail feels where groups are few. One less than
    the groups of the task that has the fewest is on the safe side, however many tasks are averaged (Satterthwaite
    1946). Below 5, or with fewer than 19 draws (at 5 %), nothing is told apart.

    A difference without any variation is told apart where it is not 0. Draws that are not finite are left out pair by
    pair; an entry with more than 5 % of them is told apart from none: its interval is the whole range, and it leads no
    group. Time grows with entries² x draws, memory with entries² + 3 entries x draws. Raises UsageError for a value
    that is not finite, or draws that are not one row per value.
    """
    values, draws = np.asarray(values, dtype=np.float64), np.asarray(draws, dtype=np.float64)
    if values.ndim != 1 or draws.ndim != 2 or len(draws) != len(values):
        raise UsageError(f"ranks need one row of draws per value; there are {values.shape} and {draws.shape}")
    if not np.isfinite(values).all():
        where = int(np.flatnonzero(~np.isfinite(values))[0])
        raise UsageError(f"entry {where} has no finite value; leave it out of the ranking")
    blocks = _blocks(values)
    size = len(values)
    block, place = np.zeros(size, dtype=np.intp), np.zeros(size, dtype=np.intp)
    above = 0
    for number, members in enumerate(blocks):
        block[members], place[members] = number, 1 + above
        above += len(members)
    known = _known(draws)
    ratios, largest = _compare(values, draws, block, known)
    low, high = np.ones(size, dtype=np.intp), np.full(size, size)
    for entry, (row, most) in enumerate(zip(ratios, largest, strict=True)):
        apart = row > _critical(most, level, freedom)
        low[entry] += (apart & (block < block[entry])).sum()
        high[entry] -= (apart & (block > block[entry])).sum()
    group = _groups(blocks, ratios, _critical(largest.max(axis=0, initial=0.0), level, freedom), known)
    return [Rank(int(p), int(a), int(b), int(g)) for p, a, b, g in zip(place, low, high, group, strict=True)]


def _blocks(values: Floats) -> list[NDArray[np.intp]]:
    """The entries of each value, the highest first; less than `ROUNDING` below the one before is the same."""
    order = np.argsort(-values, kind="stable")
    ends = np.flatnonzero(-np.diff(values[order]) >= ROUNDING) + 1
    return [part for part in np.split(order, ends) if part.size]


def _known(draws: Floats) -> NDArray[np.bool_]:
    """Which entries have enough finite draws to be compared."""
    if draws.shape[1] < 2:
        return np.zeros(len(draws), dtype=bool)
    share: Floats = np.mean(~np.isfinite(draws), axis=1)
    return share <= UNDEFINED


def _compare(values: Floats, draws: Floats, block: NDArray[np.intp], known: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Every difference in standard errors, shape (entries, entries), and the largest that resampling alone makes of
    those of an entry, shape (entries, draws).

    Each pair is looked at once, for both its entries, so that the two cannot disagree.
    """
    size = len(values)
    ratios, largest = np.zeros((size, size)), np.zeros(draws.shape)
    finite = np.isfinite(draws) & known[:, None]
    moved = np.where(finite, draws, np.nan) - values[:, None]
    moved[~known] = 0.0  # whatever it is, since no pair with it counts
    means = None if not finite[known].all() else moved.mean(axis=1)
    buffer = np.empty((min(CHUNK, size), draws.shape[1]))
    for one in np.flatnonzero(known):
        variance = np.zeros(size)
        for start in range(one + 1, size, CHUNK):
            others = slice(start, min(start + CHUNK, size))
            squares = np.subtract(moved[others], moved[one], out=buffer[: others.stop - start])
            variance[others] = _variance(squares, None if means is None else means[others] - means[one])
            scale = np.zeros(len(squares))
            np.divide(1.0, variance[others], out=scale, where=known[others] & (variance[others] > ROUNDING**2))
            squares *= scale[:, None]
            np.maximum(largest[one], np.maximum.reduce(squares, axis=0), out=largest[one])
            np.maximum(largest[others], squares, out=largest[others])
        gap = np.where(known & (block != block[one]), values - values[one], 0.0) ** 2
        rest = slice(one + 1, size)
        gap[variance > ROUNDING**2] /= variance[variance > ROUNDING**2]
        gap[(variance <= ROUNDING**2) & (gap > 0)] = np.inf
        ratios[one, rest] = ratios[rest, one] = gap[rest]
    return np.sqrt(ratios, out=ratios), np.sqrt(largest, out=largest)


def _variance(apart: Floats, mean: Floats | None) -> Floats:
    """The variance of each row, which is squared in place; `mean` is given where all its draws are finite."""
    found: Floats
    if mean is None:
        found = np.nanvar(apart, axis=1, ddof=1)
        np.multiply(apart, apart, out=apart)
        np.nan_to_num(apart, copy=False)
        return found
    count = apart.shape[1]
    np.multiply(apart, apart, out=apart)
    found = (apart.sum(axis=1) - count * mean**2) / (count - 1)
    return found


def _critical(largest: Floats, level: float, freedom: float) -> float:
    """The (B + 1) (1 - level)-th smallest of B draws, as in `stats.interval`; infinite where there are too few.

    Where standard errors have few degrees of freedom, the same tail of Student's t, less what `stats.widened` has put
    into the standard errors already.
    """
    nth = math.ceil((largest.size + 1) * (1 - level) - ROUNDING)
    if nth > largest.size or freedom < FEWEST:
        return math.inf
    found = float(np.partition(largest, nth - 1)[nth - 1])
    if math.isinf(freedom):
        return found
    usual = 0.975  # `widened` is for 95 % intervals
    tail = -float(stdtrit(freedom, float(ndtr(-found))))
    return max(found, tail * float(ndtri(usual)) / float(stdtrit(freedom, usual)))


def _groups(
    blocks: Sequence[NDArray[np.intp]], ratios: Floats, critical: float, known: NDArray[np.bool_]
) -> NDArray[np.intp]:
    """From the top: equal entries lead a group until all of the next equal ones are told apart from all of them."""
    group = np.zeros(len(known), dtype=np.intp)
    number, leaders = 1, np.empty(0, dtype=np.intp)
    for members in blocks:
        here = members[known[members]]
        if here.size and leaders.size and (ratios[np.ix_(leaders, here)] > critical).all():
            number, leaders = number + 1, here
        elif not leaders.size:
            leaders = here
        group[members] = number
    return group
