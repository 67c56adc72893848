"""The two forms of Gao 2022: exact recovery, parity with scipy and numpy, peaks, and where there is nothing to fit."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import curve_fit, minimize_scalar
from scored import course, estimated, item, pools, rescored, value

from rmbench.metrics.gao import GaoAlpha, GaoBeta, GaoPeak, GaoR2, fit, peak
from rmbench.metrics.grid import path_grid, pool_grids
from rmbench.optimizers.along import Along
from rmbench.types import Budgets, ScoredItem

KL = np.linspace(0, 16, 33)
D = np.sqrt(KL)
LOG = np.log(np.where(D > 0, D, 1))
TILT, BEST = pool_grids(Budgets())
SLOPES = st.floats(-5, 5, width=32)


def bon(d, alpha, beta):
    return d * (alpha - beta * d)


def rl(d, alpha, beta):
    return d * (alpha - beta * np.log(np.where(d > 0, d, 1)))


FORMS = pytest.mark.parametrize(("form", "function"), [("best_of_n", bon), ("rl", rl)])


@FORMS
@settings(deadline=None)
@given(alpha=SLOPES, beta=SLOPES)
def test_what_made_the_curve_is_found(form, function, alpha, beta):
    found = fit(KL, function(D, alpha, beta), form)
    assert (float(found.alpha), float(found.beta)) == (pytest.approx(alpha, abs=1e-9), pytest.approx(beta, abs=1e-9))


@FORMS
def test_parity_with_curve_fit_and_lstsq(form, function):
    rng = np.random.default_rng(0)
    gain = function(D, 0.9, 0.3) + rng.normal(0, 0.1, D.size)
    found = fit(KL, gain, form)
    wanted, _ = curve_fit(function, D[1:], gain[1:], p0=(1, 1))
    assert [float(found.alpha), float(found.beta)] == pytest.approx(list(wanted), rel=1e-6)
    design = np.stack([D, -D * (D if form == "best_of_n" else LOG)], axis=1)
    solved, residual, *_ = np.linalg.lstsq(design[1:], gain[1:])
    assert [float(found.alpha), float(found.beta)] == pytest.approx(list(solved), rel=1e-9)
    total = ((gain[1:] - gain[1:].mean()) ** 2).sum()
    assert float(found.r_squared) == pytest.approx(1 - residual[0] / total)


@FORMS
def test_the_peak_is_where_the_form_is_highest(form, function):
    found = float(peak(np.array(0.9), np.array(0.4), form))
    wanted = minimize_scalar(lambda d: -function(d, 0.9, 0.4), bounds=(0.01, 20), method="bounded").x
    assert found == pytest.approx(wanted, abs=1e-4)
    assert found == pytest.approx(0.9 / 0.8 if form == "best_of_n" else math.exp(0.9 / 0.4 - 1))


def test_the_two_forms_are_not_swapped():
    """At the peak of d (1 - d/2), d = 1; of d (1 - log d), d = 1 too: but only the first is 0 at d = 2."""
    assert float(peak(np.array(1.0), np.array(0.5), "best_of_n")) == 1
    assert float(peak(np.array(1.0), np.array(1.0), "rl")) == 1
    gain = D * (1 - D / 2)
    assert float(fit(KL, gain, "best_of_n").r_squared) == pytest.approx(1)
    assert float(fit(KL, gain, "rl").r_squared) < 0.999


@pytest.mark.filterwarnings("error")
def test_no_peak():
    for form in ("best_of_n", "rl"):
        assert np.isnan(peak(np.array([1.0, 1.0, 0.0, math.nan]), np.array([0.0, -1.0, 0.0, 1.0]), form)).all()
    assert float(peak(np.array(-1.0), np.array(1.0), "best_of_n")) == 0
    assert math.isnan(float(peak(np.array(1.0), np.array(1e-300), "rl")))  # beyond what a number can hold


@pytest.mark.filterwarnings("error")
def test_nothing_to_fit():
    for kl in (np.zeros(5), np.array([0, 0, 3.0]), np.array([0, 3.0, 3.0])):
        assert np.isnan(fit(kl, np.ones(kl.size), "best_of_n").alpha)
        assert np.isnan(fit(kl, np.ones(kl.size), "rl").alpha)
    level = fit(KL, np.zeros(33), "rl")
    assert (float(level.alpha), float(level.beta)) == (0, 0)
    assert math.isnan(float(level.r_squared))


def test_many_curves_at_once_are_each_their_own():
    rng = np.random.default_rng(1)
    kl, gain = np.sort(rng.random((7, 12)) * 9, axis=1), rng.random((7, 12))
    for form in ("best_of_n", "rl"):
        together = fit(kl, gain, form)
        for k in range(7):
            alone = fit(kl[k], gain[k], form)
            assert np.allclose([x[k] for x in together], [float(x) for x in alone], rtol=1e-12)


def test_gaussian_tilt_has_alpha_rho_root_2_and_no_beta():
    """Tilt gains rho sqrt(2 KL); large pools, since a finite one holds no more than its best candidate."""
    items = pools(60, 4096, 0.6)
    grid = pool_grids(Budgets(tilt=(2.0,), best_of_n=(4,)))[0]
    assert value(GaoAlpha(grid), items) == pytest.approx(0.6 * math.sqrt(2), abs=0.02)
    assert value(GaoBeta(grid), items) == pytest.approx(0, abs=0.015)
    assert value(GaoR2(grid), items) > 0.999


def test_a_bent_curve_of_best_of_n():
    rng = np.random.default_rng(0)
    items = []
    for k in range(60):
        r = rng.standard_normal(256)
        items.append(item(r, r - 0.4 * r**2, f"x{k}"))
    found = {kind.__name__: estimated(kind(BEST), items) for kind in (GaoAlpha, GaoBeta, GaoPeak, GaoR2)}
    for one in found.values():
        assert one.low < one.value < one.high
    assert found["GaoBeta"].low > 0
    assert found["GaoPeak"].value == pytest.approx(found["GaoAlpha"].value / (2 * found["GaoBeta"].value))
    assert found["GaoR2"].value > 0.97


def walked(gain, kl=KL, prompts=32):
    noise = np.random.default_rng(0).normal(0, 0.03, (prompts, len(kl)))
    noise[:, 0] = 0  # the reference itself
    return [
        ScoredItem(f"x{k}", f"x{k}", np.zeros(0), np.zeros(0), paths={"pg": course(0.3 + gain + noise[k], kl)})
        for k in range(prompts)
    ]


def test_a_path_is_fitted_with_the_rl_form():
    items = walked(rl(D, 0.5, 0.4))
    grid = path_grid(items, Along("pg", queries=3200))
    for kind, wanted in ((GaoAlpha, 0.5), (GaoBeta, 0.4), (GaoPeak, math.exp(0.5 / 0.4 - 1))):
        found = estimated(kind(grid), items)
        assert found.low <= wanted <= found.high, kind
        assert found.value == pytest.approx(wanted, rel=0.05)
    assert repr(GaoAlpha(grid)) == "GaoAlpha(pg=3200)"
    assert repr(GaoPeak(TILT)) == "GaoPeak(tilt=4)"


def test_estimated_kl_below_0_counts_as_0():
    kl = KL.copy()
    kl[1] = -0.01
    items = walked(rl(D, 0.5, 0.4), kl)
    assert math.isfinite(value(GaoAlpha(path_grid(items, Along("pg", queries=3200))), items))


def test_a_curve_that_does_not_bend_has_no_peak():
    found = estimated(GaoPeak(BEST), rescored(pools(64, 256), lambda i: np.exp(i.gold)))
    assert found.value is None or found.low is None
    items = walked(0.3 * KL)
    rising = estimated(GaoPeak(path_grid(items, Along("pg", queries=3200))), items)
    assert rising.value is None
    assert rising.reason == "no peak: the fitted curve does not come down (beta is not above 0)"


@FORMS
@settings(deadline=None)
@given(scale=st.floats(0.125, 100, width=32))
def test_scaled_gold_scales_the_slopes_and_not_the_peak(form, function, scale):
    gain = function(D, 1.0, 0.3) + 0.05 * np.sin(7 * D)
    one, other = fit(KL, gain, form), fit(KL, scale * gain, form)
    assert float(other.alpha) == pytest.approx(scale * float(one.alpha))
    assert float(other.beta) == pytest.approx(scale * float(one.beta))
    assert float(peak(other.alpha, other.beta, form)) == pytest.approx(float(peak(one.alpha, one.beta, form)))
    assert float(other.r_squared) == pytest.approx(float(one.r_squared))
