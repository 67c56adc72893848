"""Whether the better answer can be told without reading: by length, digits, markdown, or its place.

A task that such a classifier solves measures a habit, and a reward with that habit would look good on it. Where equal
pairs stand beside unequal ones, which of the two a pair is must not be told by such counts either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import combinations
from random import Random

import numpy as np

from rmbench.findings import Finding
from rmbench.stats import folds
from rmbench.types import Item, Task
from rmbench.validation.record import Context, conclude

NAME = "shallow"
BOUND = 0.75  # AUC from which on a task is refused …
CLOSE = 0.65  # … and from which on it is remarked
FEWEST = 40  # pairs that a statement needs
MOST = 1500  # pairs that are looked at, about
LONGEST_LIST = 16  # answers of an item among which places can matter; pools are larger, and drawn one by one
UNLIKELY = 0.001  # chance of as uneven a place of the best answer
_MARKS = re.compile(r"\*\*|^\s*[-*#>] ?|^\s*\d+[.)] |`", re.MULTILINE)

_STOPS = re.compile(r"[.!?](?=\s|$)")


def check(task: Task, _context: Context) -> Finding:
    """The AUC of a classifier that sees length, digits and markdown, and how often the best answer comes first."""
    shifted = [item for item in task.items if item.tags.get("split", "shift") != "base"]
    found = [auc(items) for items in (task.items, *([shifted] if len(shifted) < len(task.items) else []))]
    known = [value for value in found if value is not None]
    place, p = position(task.items)
    if not known:
        return conclude(NAME, "", notes=[f"fewer than {FEWEST} pairs with different gold: nothing can be said"])
    told, problems, notes = _judge(max(known), "", "the better answer")
    ties = tie_auc(task.items)
    if ties is not None:
        more = _judge(ties, "ties ", "a tie")
        told, problems, notes = f"{told}; {more[0]}", problems + more[1], notes + more[2]
    if p < UNLIKELY:
        problems.append(f"the best answer comes first in {place:.0%} of the items; put responses in random order")
    return conclude(NAME, told if place is None else f"{told}; best first in {place:.0%}", problems, notes)


def _judge(value: float, of: str, what: str) -> tuple[str, list[str], list[str]]:
    """An AUC in words, the problem that it is, and what is to be remarked."""
    told = f"{of}AUC {value:.2f} from length, digits, marks"
    problems = [f"{told} ({BOUND} or more): {what} can be told without reading"] if value >= BOUND else []
    return told, problems, [f"{told}: close to the bound of {BOUND}"] if value >= CLOSE else []


def features(text: str) -> list[float]:
    """Words, characters, digits and markdown marks of a text, as log counts."""
    raw = (len(text.split()), len(text), sum(map(str.isdigit, text)), len(_MARKS.findall(text)))
    return [float(x) for x in np.log1p(raw)]


def auc(items: Sequence[Item]) -> float | None:
    """How well a logistic regression on the differences tells the better of two answers, on groups that it never saw.

    Without an intercept, the order within a pair tells nothing. None for too few pairs.
    """
    pairs = [(item.group, better, worse) for item, better, worse in _pairs(items)]
    if len(pairs) < FEWEST or len({group for group, _, _ in pairs}) < 2:
        return None
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    margins = np.array([np.subtract(features(better), features(worse)) for _, better, worse in pairs])
    fold = folds([group for group, _, _ in pairs], 5)
    found = 0.0
    for k in np.unique(fold):
        seen, unseen = margins[fold != k], margins[fold == k]
        scale = seen.std(axis=0) + 1e-9
        side = np.resize([1, -1], len(seen))
        fit = LogisticRegression(fit_intercept=False, max_iter=1000).fit(seen * side[:, None] / scale, side)
        decided = (unseen / scale) @ fit.coef_[0]
        both = np.concatenate([decided, -decided])
        # per fold, as each has weights of its own
        found += len(unseen) * float(roc_auc_score(np.repeat([1, 0], len(unseen)), both))
    return found / len(pairs)


def tie_auc(items: Sequence[Item]) -> float | None:
    """How well a logistic regression on the sizes of the differences tells unequal pairs from ties, on unseen groups.

    It counts lines and sentences too. None where there are too few pairs of either category.
    """
    pairs = [i for i in items if i.tags.get("category") in {"tie", "unequal"} and len(i.responses) == 2]
    unequal = np.array([item.tags["category"] == "unequal" for item in pairs], dtype=bool)
    groups = [item.group for item in pairs]
    if min(unequal.sum(), (~unequal).sum()) < FEWEST // 2 or len({*groups}) < 2:
        return None
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    one, other = (np.array([_all_features(item.responses[n]) for item in pairs]) for n in (0, 1))
    sizes = np.abs(one - other)
    fold = folds(groups, 5)
    found, count = 0.0, 0
    for k in np.unique(fold):
        seen, unseen = fold != k, fold == k
        if len(np.unique(unequal[unseen])) < 2 or len(np.unique(unequal[seen])) < 2:
            continue  # a group may hold one category alone
        scale = sizes[seen].std(axis=0) + 1e-9
        fit = LogisticRegression(max_iter=1000).fit(sizes[seen] / scale, unequal[seen])
        found += unseen.sum() * float(roc_auc_score(unequal[unseen], fit.decision_function(sizes[unseen] / scale)))
        count += int(unseen.sum())
    return found / count if count else None


def _all_features(text: str) -> list[float]:
    return [*features(text), *(float(np.log1p(n)) for n in (text.count("\n"), len(_STOPS.findall(text))))]


def position(items: Sequence[Item]) -> tuple[float | None, float]:
    """In which share of the items the best answer is the first, and the chance of as uneven a share (two-sided).

    Twins share their order, so each group counts once. None where places mean nothing.
    """
    from scipy.stats import binomtest

    first = {item.group: item for item in reversed(items) if _has_best(item)}.values()
    if not first:
        return None, 1.0
    hits = sum(item.gold[0] == max(item.gold) for item in first)
    expected = float(np.mean([item.gold.count(max(item.gold)) / len(item.gold) for item in first]))
    return hits / len(first), float(binomtest(hits, len(first), expected).pvalue)


def _has_best(item: Item) -> bool:
    return len(item.gold) <= LONGEST_LIST and min(item.gold) < max(item.gold)


def _pairs(items: Sequence[Item]) -> Iterator[tuple[Item, str, str]]:
    """Answers with different gold, the better one first: all of a pair, some of a pool, drawn at random."""
    each = max(1, MOST // max(1, len(items)))
    for item in items:
        decided = [(i, j) for i, j in combinations(range(min(len(item.gold), 64)), 2) if item.gold[i] != item.gold[j]]
        if len(decided) > each:
            decided = Random(f"shallow/{item.id}").sample(decided, each)
        for i, j in decided:
            better, worse = (i, j) if item.gold[i] > item.gold[j] else (j, i)
            yield item, item.responses[better], item.responses[worse]
