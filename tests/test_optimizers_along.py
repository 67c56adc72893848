"""Points on the course of an optimiser that pushes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scored import course

from rmbench.errors import UsageError
from rmbench.optimizers.along import READ_AT, SATURATED, Along, from_queries, reached, spent
from rmbench.types import Budgets

PATH = course([0.2, 0.5, 0.6, 0.4], kl=[0, 1, 3, 5])  # after 0, 100, 200, 300 queries


@pytest.mark.parametrize(("queries", "gold"), [(0, 0.2), (99, 0.2), (100, 0.5), (299, 0.6), (300, 0.4), (16_384, 0.4)])
def test_queries_count_with_the_last_step_that_had_no_more(queries, gold):
    assert reached(PATH, Along("search", queries=queries)) == (gold, None)


@pytest.mark.parametrize(("nats", "gold"), [(0, 0.2), (0.5, 0.35), (1, 0.5), (2, 0.55), (4, 0.5), (5, 0.4)])
def test_nats_are_read_between_steps(nats, gold):
    assert reached(PATH, Along("pg", nats=nats)) == (pytest.approx(gold), None)
    assert spent(PATH, Along("pg", nats=nats)) == nats


def test_a_path_that_never_gets_there_is_saturated_and_counts_with_its_end():
    assert reached(PATH, Along("pg", nats=8)) == (0.4, SATURATED)
    assert spent(PATH, Along("pg", nats=8)) == 5


def test_the_first_crossing_counts_where_kl_goes_up_and_down():
    wobbly = course([0, 1, 0.5, 3], kl=[0, 2, 1, 4])
    assert reached(wobbly, Along("pg", nats=1.5)) == (pytest.approx(0.75), None)
    assert reached(wobbly, Along("pg", nats=3)) == (pytest.approx(0.5 + 2.5 * 2 / 3), None)


def test_without_kl_there_is_nothing_to_read_at_nats():
    path = course([0.2, 0.9])
    gold, note = reached(path, Along("search", nats=1))
    assert (math.isnan(gold), note) == (True, None)
    assert math.isnan(spent(path, Along("search", nats=1)))
    assert math.isnan(spent(path, Along("search", queries=100)))
    assert reached(path, Along("search", queries=100)) == (0.9, None)


def test_steps_without_kl_are_passed_over():
    holed = course([0, 7, 1], kl=[0, math.nan, 2])
    assert reached(holed, Along("pg", nats=1)) == (pytest.approx(0.5), None)


def test_a_path_of_the_reference_alone():
    alone = course([0.3], kl=[0])
    assert reached(alone, Along("pg", queries=50)) == (0.3, None)
    assert reached(alone, Along("pg", nats=1)) == (0.3, SATURATED)


def test_names_and_budgets():
    points = [Along("policy_gradient", queries=1_048_576), *(Along("pg", nats=nats) for nats in (*READ_AT, 0.5))]
    told = [(point.label, point.budget) for point in points]
    assert told[:2] == [("policy_gradient=1048576", 1_048_576), ("pg@1nats", 1)]
    assert told[-1] == ("pg@0.5nats", 0.5)
    budgets = Budgets(queries={"policy_gradient": 16_384, "search": 4_096})
    assert [point.label for point in from_queries(budgets)] == ["policy_gradient=16384", "search=4096"]


@pytest.mark.parametrize(
    "given", [{}, {"queries": 1, "nats": 1.0}, {"queries": -1}, {"nats": -1.0}, {"nats": math.nan}]
)
def test_a_point_is_one_budget(given):
    with pytest.raises(UsageError, match="give queries or nats"):
        Along("pg", **given)


def test_interpolation_agrees_with_numpy_on_rising_kl():
    rng = np.random.default_rng(0)
    kl = np.concatenate([[0], rng.random(20).cumsum()])
    path = course(rng.random(21), kl=kl)
    for nats in np.linspace(0, kl[-1], 50):
        assert reached(path, Along("pg", nats=nats))[0] == pytest.approx(np.interp(nats, kl, path.gold))
