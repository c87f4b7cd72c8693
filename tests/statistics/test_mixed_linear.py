"""The linear mixed model: against lmer at 1e-5, by hand on four cases, and what must not change it."""

import time
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qe.errors import CannotFit
from qe.statistics import mixed_linear
from tests.golden.statistics.cases import MAKE, SHA256, GoldenCases
from tests.golden.statistics.values import golden

CASES = ["linear", "linear_null"]
METHODS = ["reml", "ml"]


@cache
def made(case: str) -> GoldenCases:
    return MAKE[case]()


def fitted(case: str, method: mixed_linear.Method) -> mixed_linear.Fit:
    return mixed_linear.fit(made(case).y, made(case).x, made(case).provider, method=method)


def sums_of(y, x, provider) -> mixed_linear.Sums:
    """As SQL would add them up, by plain loops over the providers."""
    labels = sorted(set(provider.tolist()))
    return mixed_linear.Sums(
        providers=tuple(labels),
        cases=np.array([float((provider == label).sum()) for label in labels]),
        x=np.array([x[provider == label].sum(axis=0) for label in labels]),
        y=np.array([y[provider == label].sum() for label in labels]),
        xx=x.T @ x,
        xy=x.T @ y,
        yy=float(y @ y),
    )


def small(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """120 cases of 12 providers, 2 factors."""
    r = np.random.default_rng(seed)
    place = np.concatenate([np.arange(12), r.integers(0, 12, 108)])
    x = np.column_stack([r.normal(size=120), r.random(120) < 0.3]).astype(float)
    y = 10 + x @ [1.0, -2.0] + r.normal(0, 0.8, 12)[place] + r.normal(0, 1.5, 120)
    return y, x, np.array([f"P{number:02d}" for number in place])


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("method", METHODS)
def test_the_fit_is_that_of_lmer(case: str, method: mixed_linear.Method) -> None:
    assert made(case).sha256() == SHA256[case]
    found, wanted = fitted(case, method), golden(case, method)
    assert found.converged
    assert found.providers == wanted.providers
    for ours, theirs in [
        (found.coefficients, wanted.coefficients),
        (found.standard_errors, wanted.standard_errors),
        (found.effects, wanted.by_provider["effect"]),
        (np.sqrt(found.effect_variance), wanted.by_provider["sd"]),
    ]:
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)
    assert np.sqrt(found.between_variance) == pytest.approx(wanted.single["sigma"], rel=0, abs=1e-5)
    assert np.sqrt(found.within_variance) == pytest.approx(wanted.single["within_sigma"], rel=0, abs=1e-5)
    assert found.log_likelihood == pytest.approx(wanted.single["log_likelihood"], rel=0, abs=1e-5)


def test_no_variance_between_providers_is_zero_exactly_and_so_are_effects_and_reliability() -> None:
    found = fitted("linear_null", "reml")
    assert found.converged
    assert found.between_variance == 0
    assert not found.effects.any()
    assert not found.reliability.any()
    assert not found.effect_variance.any()


def test_two_balanced_providers_are_the_analysis_of_variance_by_hand() -> None:
    # A 1, 3 and B 7, 9: means 2 and 8. Mean square within ((1 + 1) + (1 + 1)) / 2 = 2, between 2 * (9 + 9) / 1 = 36;
    # REML: within 2, between (36 - 2) / 2 = 17, reliability 17 / (17 + 2 / 2) = 17/18, effects (2 - 5) and (8 - 5) times that
    found = mixed_linear.fit([1.0, 3.0, 7.0, 9.0], np.empty((4, 0)), ["A", "A", "B", "B"])
    assert found.within_variance == pytest.approx(2)
    assert found.between_variance == pytest.approx(17)
    np.testing.assert_allclose(found.coefficients, [5])
    np.testing.assert_allclose(found.reliability, [17 / 18, 17 / 18])
    np.testing.assert_allclose(found.effects, [-3 * 17 / 18, 3 * 17 / 18])
    np.testing.assert_allclose(found.effect_variance, [17 * (1 / 18), 17 * (1 / 18)])
    np.testing.assert_allclose(found.standard_errors, [np.sqrt(36 / 4)])  # square root of mean square between / 4 cases


@pytest.mark.parametrize("method", METHODS)
def test_sums_by_provider_give_what_the_cases_give_in_any_order_of_providers(method: mixed_linear.Method) -> None:
    cases = made("linear")
    sums = sums_of(cases.y, cases.x, cases.provider)
    turned = replace(sums, providers=sums.providers[::-1], cases=sums.cases[::-1], x=sums.x[::-1], y=sums.y[::-1])
    for found in (mixed_linear.fit_sufficient(sums, method=method), mixed_linear.fit_sufficient(turned, method=method)):
        wanted = fitted("linear", method)
        assert found.providers == wanted.providers
        np.testing.assert_allclose(found.coefficients, wanted.coefficients, rtol=1e-9)
        np.testing.assert_allclose(found.effects, wanted.effects, atol=1e-8)
        np.testing.assert_allclose(found.reliability, wanted.reliability, atol=1e-8)
        np.testing.assert_allclose(found.log_likelihood, wanted.log_likelihood, rtol=1e-10)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_order_of_the_cases_and_the_names_of_the_providers_change_nothing(seed: int) -> None:
    y, x, provider = small(seed)
    order = np.random.default_rng(seed + 1).permutation(len(y))
    names = {label: f"Q{99 - int(label[1:])}" for label in set(provider.tolist())}  # the other way round
    straight = mixed_linear.fit(y, x, provider)
    turned = mixed_linear.fit(y[order], x[order], np.array([names[label] for label in provider.tolist()])[order])
    np.testing.assert_allclose(turned.coefficients, straight.coefficients, rtol=1e-7)
    np.testing.assert_allclose(turned.effects[::-1], straight.effects, atol=1e-7)
    np.testing.assert_allclose(turned.between_variance, straight.between_variance, atol=1e-7)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), added=st.floats(-1e6, 1e6), times=st.floats(0.001, 1000))
def test_a_constant_moves_the_intercept_alone_and_a_unit_scales_everything(
    seed: int, added: float, times: float
) -> None:
    y, x, provider = small(seed)
    one, other = mixed_linear.fit(y, x, provider), mixed_linear.fit(times * y + added, x, provider)
    np.testing.assert_allclose(other.coefficients[1:], times * one.coefficients[1:], rtol=1e-6, atol=1e-6 * times)
    np.testing.assert_allclose(other.coefficients[0], times * one.coefficients[0] + added, rtol=1e-6, atol=1e-6 * times)
    np.testing.assert_allclose(other.effects, times * one.effects, atol=1e-6 * times)
    np.testing.assert_allclose(other.within_variance, times**2 * one.within_variance, rtol=1e-6)
    np.testing.assert_allclose(other.between_variance, times**2 * one.between_variance, atol=1e-6 * times**2)
    np.testing.assert_allclose(other.reliability, one.reliability, atol=1e-6)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_reliability_grows_with_cases_and_splits_the_variance_between_known_and_unknown(seed: int) -> None:
    y, x, provider = small(seed)
    found = mixed_linear.fit(y, x, provider)
    count = np.unique(provider, return_counts=True)[1]
    if found.between_variance > 0:
        by_size = found.reliability[np.argsort(count, kind="stable")]
        assert (np.diff(by_size) >= -1e-12).all()
    np.testing.assert_allclose(found.effect_variance, found.between_variance * (1 - found.reliability), atol=1e-12)


def test_amounts_far_from_zero_keep_their_digits() -> None:
    y, x, provider = small(5)
    near, far = mixed_linear.fit(y, x, provider), mixed_linear.fit(y + 1e9, x + 1e6, provider)
    np.testing.assert_allclose(far.coefficients[1:], near.coefficients[1:], rtol=1e-6)
    np.testing.assert_allclose(far.effects, near.effects, atol=1e-6)


def test_300_000_cases_of_3_000_providers_and_20_factors_take_seconds_at_most() -> None:
    r = np.random.default_rng(1)
    place, x = r.integers(0, 3_000, 300_000), r.normal(size=(300_000, 20))
    y = x @ r.normal(size=20) + r.normal(0, 0.2, 3_000)[place] + r.normal(size=300_000)
    provider = np.array([f"P{number:04d}" for number in range(3_000)])[place]
    began = time.perf_counter()
    found = mixed_linear.fit(y, x, provider)
    assert time.perf_counter() - began < 5  # 0.5 s on two quiet cores; the rest is for a busy machine
    assert np.sqrt(found.between_variance) == pytest.approx(0.2, abs=0.01)


X = np.array([[0.0], [1.0], [2.0], [4.0], [3.0], [1.0]])
Y = [1.0, 2.0, 4.0, 3.0, 5.0, 4.0]
LABELS = ["A", "A", "B", "B", "C", "C"]


@pytest.mark.parametrize(
    ("y", "x", "provider", "said"),
    [
        ([], np.empty((0, 1)), [], "there is no case"),
        (Y[:1], X[:1], LABELS[:1], "needs 2 of them, got 1"),
        (Y, X, ["A"] * 6, "needs 2 of them, got 1"),
        (Y[::2], X[::2], ["A", "B", "C"], "every provider has a single case"),
        (Y[:3], np.column_stack([X[:3], X[:3] ** 2]), ["A", "A", "B"], "3 cases are too few for 3 coefficients"),
        ([np.nan, *Y[1:]], X, LABELS, "outcome missing or infinite in 1 of 6 cases"),
        (Y, np.where(X == 4, np.inf, X), LABELS, "factor missing or infinite in 1 of 6 cases"),
        (Y, np.column_stack([X, np.ones(6)]), LABELS, "the same in every case"),
        (Y, np.column_stack([X, 2 * X + 1]), LABELS, "determined by earlier ones"),
        (np.full(6, 0.1), X, LABELS, "the outcome is the same in every case"),
        (3 * X[:, 0] + 2, X, LABELS, "explain the outcome to the last digit"),
        ([1.0, 1.0, 2.0, 2.0, 5.0, 5.0], np.empty((6, 0)), LABELS, "no variance within providers is left"),
    ],
)
def test_what_cannot_be_fitted_is_said(y, x, provider, said: str) -> None:
    with pytest.raises(CannotFit, match=said):
        mixed_linear.fit(y, x, provider)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"y": np.ones(2)}, "are not of the same providers and factors"),
        ({"xy": np.array([np.nan])}, "a sum is missing or infinite"),
        ({"providers": ("A", "A", "C")}, "one row of sums of each"),
        ({"cases": np.array([2.0, 0.0, 2.0])}, "cases are counted"),
        ({"cases": np.ones(3)}, "every provider has a single case"),
        ({"yy": 361 / 6}, "the outcome is the same in every case"),  # n times the squared mean: no deviation is left
        ({"xx": np.array([[121 / 6]])}, "a factor is the same in every case"),
    ],
)
def test_sums_that_do_not_go_together_are_refused(changed, said: str) -> None:
    sums = sums_of(np.array(Y), X, np.array(LABELS))
    with pytest.raises(CannotFit, match=said):
        mixed_linear.fit_sufficient(replace(sums, **changed))
