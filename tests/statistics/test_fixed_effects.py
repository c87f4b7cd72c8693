"""Oracle: R 4.2.2, glm with a dummy a provider and exact tests by convolution (tests/golden/statistics/fixed_effects.R)."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import expit

from qe.errors import CannotFit
from qe.statistics import fixed_effects

GOLDEN = Path(__file__).parents[1] / "golden" / "statistics"
FACTORS = ("x1", "x2", "x3", "x4")

Floats = NDArray[np.float64]


def table(name: str) -> dict[str, list[str]]:
    with (GOLDEN / name).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {column: [row[column] for row in rows] for column in rows[0]}


def numbers(texts: list[str]) -> Floats:
    return np.array([float("nan" if text == "NA" else text) for text in texts])


@pytest.fixture(scope="module")
def fitted() -> fixed_effects.FixedEffects:
    cases = table("fixed_effects_cases.csv")
    x = np.column_stack([numbers(cases[name]) for name in FACTORS])
    return fixed_effects.fit(numbers(cases["y"]), x, np.array(cases["provider"]))


@pytest.fixture(scope="module")
def from_r() -> dict[str, list[str]]:
    return table("fixed_effects_providers.csv")


def test_slopes_and_their_errors_equal_those_of_glm_with_a_dummy_a_provider(
    fitted: fixed_effects.FixedEffects,
) -> None:
    slopes = table("fixed_effects_slopes.csv")
    assert fitted.converged
    np.testing.assert_allclose(fitted.coefficients, numbers(slopes["estimate"]), atol=1e-6)
    np.testing.assert_allclose(fitted.standard_errors, numbers(slopes["error"]), atol=1e-6)


def test_effects_and_their_errors_equal_those_of_glm_where_they_are_finite(
    fitted: fixed_effects.FixedEffects, from_r: dict[str, list[str]]
) -> None:
    effect = numbers(from_r["effect"])
    finite = np.isfinite(effect)
    assert list(fitted.providers) == from_r["provider"]
    assert (~finite).sum() == 3
    np.testing.assert_allclose(fitted.effects[finite], effect[finite], atol=1e-6)
    np.testing.assert_allclose(fitted.effect_errors, numbers(from_r["error"]), atol=1e-6)
    np.testing.assert_allclose(fitted.effects[~finite], np.median(effect) + np.sign(effect[~finite]) * 10, atol=1e-6)


@pytest.mark.parametrize(
    ("field", "column"),
    [
        ("observed", "observed"),
        ("cases", "count"),
        ("expected", "expected"),
        ("indirect_ratio", "indirect"),
        ("score_z", "z"),
        ("p_upper", "p_upper"),
        ("p_value", "p_value"),
        ("effect_low", "effect_low"),
        ("effect_high", "effect_high"),
        ("ratio_low", "ratio_low"),
        ("ratio_high", "ratio_high"),
    ],
)
def test_every_result_of_a_provider_equals_that_of_r(
    fitted: fixed_effects.FixedEffects, from_r: dict[str, list[str]], field: str, column: str
) -> None:
    np.testing.assert_allclose(getattr(fitted, field), numbers(from_r[column]), atol=1e-6)


def test_the_direct_ratio_equals_that_of_r_where_the_effect_is_finite(
    fitted: fixed_effects.FixedEffects, from_r: dict[str, list[str]]
) -> None:
    direct = numbers(from_r["direct"])
    there = ~np.isnan(direct)
    np.testing.assert_allclose(fitted.direct_ratio[there], direct[there], atol=1e-6)


def test_flags_are_the_intervals_that_leave_the_reference_out(fitted: fixed_effects.FixedEffects) -> None:
    above, below = fitted.effect_low > fitted.reference, fitted.effect_high < fitted.reference
    np.testing.assert_array_equal(fitted.flag, above.astype(int) - below.astype(int))
    assert sorted(set(fitted.flag.tolist())) == [-1, 0, 1]


def cases_of(providers: int, each: int, seed: int = 3) -> tuple[Floats, Floats, NDArray[np.str_]]:
    random = np.random.default_rng(seed)
    place = np.repeat(np.arange(providers), each)
    x = random.normal(size=(len(place), 2))
    y = (random.random(len(place)) < expit(-0.5 + 0.4 * x[:, 0] + random.normal(0, 0.5, providers)[place])).astype(
        float
    )
    return y, x, np.array([f"P{number:03d}" for number in place])


def test_without_factors_the_effect_is_the_log_odds_of_the_own_rate() -> None:
    # A: 1 of 4, B: 2 of 4, C: 3 of 4 -> effects -ln 3, 0, ln 3; at the median 4/2 are expected of each
    y = np.array([1, 0, 0, 0, 1, 1, 0, 0, 1, 1, 1, 0])
    fitted = fixed_effects.fit(y, np.empty((12, 0)), np.repeat(["A", "B", "C"], 4))
    np.testing.assert_allclose(fitted.effects, [-np.log(3), 0, np.log(3)], atol=1e-8)
    np.testing.assert_allclose(fitted.expected, [2, 2, 2], atol=1e-8)
    np.testing.assert_allclose(fitted.indirect_ratio, [0.5, 1, 1.5], atol=1e-8)
    # direct: 12 cases at 1/4 are 3 events against 6
    np.testing.assert_allclose(fitted.direct_ratio, [0.5, 1, 1.5], atol=1e-8)
    # 1 of 4 at p = 1/2: Pr(S > 1) + Pr(S = 1)/2 = 11/16 + 2/16
    np.testing.assert_allclose(fitted.p_upper, [13 / 16, 0.5, 3 / 16], atol=1e-8)
    np.testing.assert_allclose(fitted.score_z, [-1, 0, 1], atol=1e-8)
    assert fitted.coefficients.shape == (0,)


def test_the_direct_ratios_of_many_providers_equal_the_sums_over_all_cases() -> None:
    y, x, provider = cases_of(200, 20)  # beyond 128 providers the sums are read from a polynomial
    fitted = fixed_effects.fit(y, x, provider)
    log_odds = x @ fitted.coefficients
    summed = [expit(log_odds + effect).sum() / y.sum() for effect in fitted.effects]
    np.testing.assert_allclose(fitted.direct_ratio, summed, rtol=1e-9)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_neither_the_order_of_cases_nor_the_origin_and_unit_of_factors_moves_a_result(seed: int) -> None:
    y, x, provider = cases_of(12, 25)
    once = fixed_effects.fit(y, x, provider)
    order = np.random.default_rng(seed).permutation(len(y))
    again = fixed_effects.fit(y[order], (x * [1000.0, 0.01] + [5e4, -3])[order], provider[order])
    assert once.providers == again.providers
    np.testing.assert_allclose(once.indirect_ratio, again.indirect_ratio, atol=1e-8)
    np.testing.assert_allclose(once.p_upper, again.p_upper, atol=1e-8)
    np.testing.assert_allclose(once.coefficients, again.coefficients * [1000.0, 0.01], atol=1e-8)


def test_a_provider_that_has_events_only_does_not_move_the_slopes() -> None:
    y, x, provider = cases_of(12, 25)
    once = fixed_effects.fit(y, x, provider)
    more = fixed_effects.fit(
        np.append(y, np.ones(9)), np.vstack([x, np.full((9, 2), 7.0)]), np.append(provider, np.full(9, "Z"))
    )
    np.testing.assert_allclose(more.coefficients, once.coefficients, atol=1e-8)
    assert (more.effect_high[-1], more.effect_errors[-1]) == (np.inf, np.inf)
    assert more.ratio_high[-1] == pytest.approx(9 / more.expected[-1])


def test_false_alarms_of_equal_providers_are_at_most_those_of_the_level() -> None:
    random = np.random.default_rng(17)
    flags = []
    for _ in range(10):
        place = np.repeat(np.arange(100), 40)
        x = random.normal(size=(4000, 1))
        y = (random.random(4000) < expit(-1 + 0.5 * x[:, 0])).astype(float)
        flags.append(fixed_effects.fit(y, x, place).flag)
    # 1,000 equal providers: 2.5 % a side expected, with a Monte Carlo error of sqrt(.025 * .975 / 1000) = 0.5 %
    drawn = np.concatenate(flags)
    assert np.mean(drawn == 1) == pytest.approx(0.025, abs=0.015)
    assert np.mean(drawn == -1) == pytest.approx(0.025, abs=0.015)


def test_providers_that_all_have_no_event_or_events_only_are_refused_by_what_is_missing() -> None:
    with pytest.raises(CannotFit, match="both with and without the event"):
        fixed_effects.fit([0, 0, 1, 1], np.empty((4, 0)), ["A", "A", "B", "B"])


def test_no_event_at_all_is_refused() -> None:
    with pytest.raises(CannotFit, match="both with and without the event"):
        fixed_effects.fit(np.zeros(6), np.empty((6, 0)), ["A", "A", "A", "B", "B", "B"])


def test_half_of_the_providers_without_an_event_leave_no_median_to_compare_with() -> None:
    with pytest.raises(CannotFit, match="2 of 4 providers have no event"):
        fixed_effects.fit([0, 1, 0, 1, 0, 0, 0, 0], np.empty((8, 0)), ["A", "A", "B", "B", "C", "C", "D", "D"])


def test_one_provider_is_refused() -> None:
    with pytest.raises(CannotFit, match="needs 2"):
        fixed_effects.fit([0, 1, 0], np.empty((3, 0)), ["A", "A", "A"])


def test_outcomes_other_than_0_and_1_are_refused() -> None:
    with pytest.raises(CannotFit, match="other than 0 and 1"):
        fixed_effects.fit([0, 2, 1], np.empty((3, 0)), ["A", "A", "B"])


def test_a_missing_factor_is_refused() -> None:
    y, x, provider = cases_of(12, 25)
    x[7, 1] = np.nan
    with pytest.raises(CannotFit, match="row 7"):
        fixed_effects.fit(y, x, provider)


def test_a_constant_factor_is_named() -> None:
    y, x, provider = cases_of(12, 25)
    with pytest.raises(CannotFit, match=r"same in every case .columns 2"):
        fixed_effects.fit(y, np.column_stack([x, np.ones(len(y))]), provider)


def test_a_factor_of_the_provider_is_named() -> None:
    y, x, provider = cases_of(12, 25)
    of_provider = (np.arange(len(y)) // 25) % 2
    with pytest.raises(CannotFit, match=r"say nothing within providers .* .columns 1"):
        fixed_effects.fit(y, np.column_stack([x[:, 0], of_provider, x[:, 1]]), provider)


def test_a_factor_without_an_event_separates_and_is_named() -> None:
    y, x, provider = cases_of(12, 25)
    rare = np.zeros(len(y))
    rare[np.flatnonzero(y == 0)[:12]] = 1
    with pytest.raises(CannotFit, match=r"separate .* .columns 2"):
        fixed_effects.fit(y, np.column_stack([x, rare]), provider)


def test_a_factor_that_is_the_outcome_separates() -> None:
    y, x, provider = cases_of(12, 25)
    with pytest.raises(CannotFit, match="separate"):
        fixed_effects.fit(y, np.column_stack([x, y + 0.1 * x[:, 0]]), provider)


def test_in_balance_as_many_events_are_expected_as_were_observed() -> None:
    """Three providers of four cases with 0, 1 and 3 events, no factor: 4 of 12, so 4 / 3 are expected of each."""
    y = [0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 0]
    provider = np.repeat(["A", "B", "C"], 4)
    found = fixed_effects.fit(y, np.empty((12, 0)), provider, reference="balanced")
    np.testing.assert_allclose(found.expected, 4 / 3, atol=1e-9)
    assert found.reference == pytest.approx(np.log((4 / 12) / (8 / 12)), abs=1e-9)
    np.testing.assert_allclose(found.effects[0], found.reference - 10, atol=1e-9)
    median = fixed_effects.fit(y, np.empty((12, 0)), provider)
    np.testing.assert_allclose(median.expected, 1, atol=1e-6)  # log odds of B: ln(1/3), as the middle one
    np.testing.assert_allclose(found.coefficients, median.coefficients)


def test_in_balance_with_factors_events_are_expected_as_observed_and_slopes_stay() -> None:
    cases = table("fixed_effects_cases.csv")
    y, x = numbers(cases["y"]), np.column_stack([numbers(cases[name]) for name in FACTORS])
    found = fixed_effects.fit(y, x, np.array(cases["provider"]), reference="balanced")
    median = fixed_effects.fit(y, x, np.array(cases["provider"]))
    assert found.expected.sum() == pytest.approx(y.sum(), abs=1e-6)
    np.testing.assert_array_equal(found.coefficients, median.coefficients)
    inside = np.isfinite(found.effect_errors)
    np.testing.assert_array_equal(found.effects[inside], median.effects[inside])


def test_balance_compares_where_half_of_all_providers_have_no_event_and_no_median() -> None:
    y = [0, 0, 0, 0, 0, 0, 1, 0, 1]
    provider = np.repeat(["A", "B", "C"], 3)
    with pytest.raises(CannotFit, match="no median provider"):
        fixed_effects.fit(y, np.empty((9, 0)), provider)
    found = fixed_effects.fit(y, np.empty((9, 0)), provider, reference="balanced")
    np.testing.assert_allclose(found.expected, 2 / 3, atol=1e-9)


def test_a_reference_that_is_not_there_is_refused_by_name() -> None:
    with pytest.raises(CannotFit, match="median, balanced"):
        fixed_effects.fit([0, 1, 0, 1], np.empty((4, 0)), ["A", "A", "B", "B"], reference="mean")  # type: ignore[arg-type]
