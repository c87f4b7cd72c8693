"""Counts with a random intercept against R: glmer and glmmTMB on Poisson, glmmTMB on negative binomial counts (nbinom2)."""

from functools import cache

import numpy as np
import pytest

from qe.statistics import mixed_poisson
from qe.statistics.mixed_model import MixedModel
from qe.statistics.mixed_poisson import CountFamily
from tests.golden.statistics.cases import MAKE
from tests.golden.statistics.values import golden

FITS = [("poisson", "glmmTMB"), ("poisson", "glmer"), ("negative_binomial", "glmmTMB")]


@cache
def fitted(family: CountFamily) -> MixedModel:
    cases = MAKE[family]()
    return mixed_poisson.fit(cases.y, cases.x, cases.provider, exposure=cases.exposure, family=family)


def assert_within(found, wanted, tolerance: float) -> None:
    np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance)


@pytest.mark.parametrize(("family", "fit"), FITS)
def test_effects_ratios_and_sigma_are_within_a_thousandth_of_r(family: str, fit: str) -> None:
    found, wanted = fitted(family), golden(family, fit)
    assert found.converged
    assert tuple(found.providers) == wanted.providers
    assert_within(found.effects, wanted.by_provider["effect"], 1e-3)
    assert_within(found.ratio, wanted.by_provider["ratio"], 1e-3)
    assert_within(found.sigma, wanted.single["sigma"], 1e-3)


@pytest.mark.parametrize("family", ["poisson", "negative_binomial"])
def test_coefficients_are_within_a_ten_thousandth_of_glmmtmb(family: str) -> None:
    assert_within(fitted(family).coefficients, golden(family, "glmmTMB").coefficients, 1e-4)


def test_coefficients_of_poisson_counts_are_near_those_of_glmer() -> None:
    assert_within(fitted("poisson").coefficients, golden("poisson", "glmer").coefficients, 5e-3)


@pytest.mark.parametrize(("family", "fit"), FITS)
def test_variances_of_effects_are_those_given_the_outcomes(family: str, fit: str) -> None:
    assert_within(fitted(family).effect_variance, golden(family, fit).by_provider["sd"] ** 2, 1e-3)


def test_standard_errors_of_poisson_counts_are_those_of_the_schur_complement_of_glmer() -> None:
    np.testing.assert_allclose(fitted("poisson").standard_errors, golden("poisson", "glmer").standard_errors, rtol=2e-3)


def test_standard_errors_of_negative_binomial_counts_are_close_to_those_of_glmmtmb() -> None:
    # glmmTMB counts the uncertainty of sigma and theta too
    wanted = golden("negative_binomial", "glmmTMB").standard_errors
    np.testing.assert_allclose(fitted("negative_binomial").standard_errors, wanted, rtol=0.05)


@pytest.mark.parametrize(("family", "fit"), FITS)
def test_the_log_likelihood_is_that_of_r_with_the_constants_of_the_counts(family: str, fit: str) -> None:
    assert_within(fitted(family).log_likelihood, golden(family, fit).single["log_likelihood"], 1e-2)


@pytest.mark.parametrize(("family", "fit"), FITS)
def test_predicted_and_expected_counts_are_the_sums_over_the_cases(family: str, fit: str) -> None:
    found, wanted = fitted(family), golden(family, fit)
    np.testing.assert_allclose(found.predicted, wanted.by_provider["predicted"], rtol=1e-3)
    np.testing.assert_allclose(found.expected, wanted.by_provider["expected"], rtol=1e-3)


def test_poisson_counts_have_no_dispersion_of_their_own_and_negative_binomial_ones_that_of_glmmtmb() -> None:
    assert fitted("poisson").dispersion == np.inf
    theta = golden("negative_binomial", "glmmTMB").single["theta"]
    assert fitted("negative_binomial").dispersion == pytest.approx(theta, rel=1e-3)
