"""Oracle: R 4.2.2 with MASS (theta.ml) and restricted likelihood written out (tests/golden/statistics/empirical_bayes.R)."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from qe.errors import CannotFit
from qe.statistics import empirical_bayes

GOLDEN = Path(__file__).parents[1] / "golden" / "statistics"


def golden(name: str) -> dict[str, NDArray[np.float64]]:
    with (GOLDEN / name).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {column: np.array([float(row[column]) for row in rows]) for column in rows[0]}


def test_the_gamma_of_true_ratios_is_the_likeliest_by_mass() -> None:
    providers, spread = golden("empirical_bayes.csv"), golden("empirical_bayes_spread.csv")
    found = empirical_bayes.gamma_poisson(providers["observed"], providers["expected"])
    # the likelihood is flat at its top: theta.ml stops at a relative 1e-5 or better
    assert found.shape == pytest.approx(spread["shape"][0], rel=1e-5)
    assert found.has_spread
    np.testing.assert_allclose(found.posterior_mean, providers["ratio"], atol=1e-6)
    np.testing.assert_allclose(found.low, providers["low"], atol=1e-6)
    np.testing.assert_allclose(found.high, providers["high"], atol=1e-6)


@pytest.mark.parametrize("method", ["dl", "reml"])
def test_estimates_are_drawn_to_the_mean_as_in_r(method: str) -> None:
    providers, spread = golden("empirical_bayes.csv"), golden("empirical_bayes_spread.csv")
    found = empirical_bayes.gaussian(providers["estimate"], providers["error"], method=method)  # type: ignore[arg-type]
    assert found.tau2 == pytest.approx(spread[method][0], abs=1e-7)
    np.testing.assert_allclose(found.posterior_mean, providers[method], atol=1e-6)
    np.testing.assert_allclose(found.posterior_variance, providers[f"{method}_variance"], atol=1e-6)


def test_two_estimates_by_hand() -> None:
    # -3 and 3, errors 1: heterogeneity 18 - 1 = 17, scale 2 - 2/2 = 1, tau2 = 17, reliability 17/18
    found = empirical_bayes.gaussian([-3.0, 3.0], [1.0, 1.0], method="dl")
    assert (found.mean, found.tau2) == (0.0, 17.0)
    np.testing.assert_allclose(found.posterior_mean, [-17 / 6, 17 / 6])
    np.testing.assert_allclose(found.posterior_variance, [17 / 18, 17 / 18])


def test_providers_that_differ_no_more_than_by_chance_are_all_drawn_to_one_figure_and_it_says_so() -> None:
    ratios = empirical_bayes.gamma_poisson([10, 20, 30], [10, 20, 30])
    assert (ratios.has_spread, ratios.between_variance, ratios.shape) == (False, 0.0, np.inf)
    assert ratios.posterior_mean.tolist() == ratios.low.tolist() == ratios.high.tolist() == [1, 1, 1]
    assert ratios.reliability.tolist() == [0, 0, 0]
    means = empirical_bayes.gaussian([1.0, 1.1, 0.9], [1.0, 1.0, 1.0], method="reml")
    assert (means.has_spread, means.tau2) == (False, 0.0)
    np.testing.assert_allclose(means.posterior_mean, [1, 1, 1])
    shares = empirical_bayes.beta_binomial([10, 20, 40], [20, 40, 80])
    assert not shares.has_spread
    np.testing.assert_allclose(shares.posterior_mean, [0.5, 0.5, 0.5])


def test_shares_that_differ_beyond_chance_say_so() -> None:
    assert empirical_bayes.beta_binomial([10, 50, 90], [100, 100, 100]).has_spread


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 200), st.floats(0.5, 200)), min_size=2, max_size=15))
def test_a_drawn_ratio_lies_between_its_own_and_1(providers: list[tuple[int, float]]) -> None:
    o, e = np.array(providers, dtype=float).T
    o[0] = max(o[0], 1)
    found = empirical_bayes.gamma_poisson(o, e)
    nearer, farther = np.minimum(o / e, 1), np.maximum(o / e, 1)
    assert ((found.posterior_mean >= nearer - 1e-12) & (found.posterior_mean <= farther + 1e-12)).all()
    assert (found.low <= found.high).all()


@pytest.mark.parametrize(
    ("observed", "expected"),
    [([1], [1]), ([1, 2], [1, 0]), ([-1, 2], [1, 1]), ([np.nan, 2], [1, 1]), ([1, 2], [1]), ([0, 0], [1, 1])],
)
def test_counts_without_a_distribution_are_refused(observed: list[float], expected: list[float]) -> None:
    with pytest.raises(CannotFit):
        empirical_bayes.gamma_poisson(observed, expected)


@pytest.mark.parametrize(("estimates", "errors"), [([1], [1]), ([1, 2], [1, 0]), ([1, np.inf], [1, 1]), ([1, 2], [1])])
def test_estimates_without_errors_are_refused(estimates: list[float], errors: list[float]) -> None:
    with pytest.raises(CannotFit):
        empirical_bayes.gaussian(estimates, errors, method="dl")
