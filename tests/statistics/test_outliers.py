import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qe.errors import CannotFit
from qe.statistics import outliers

COSTS = [0.0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 650]  # mean 100


def test_costs_above_the_quantile_are_drawn_in_and_the_mean_is_given_back() -> None:
    # type 7 of 11 values at 0.9: the 0.9 * 10 = 9th after the first, 90; the mean of 0..90 and 90 is 540/11
    cuts = outliers.cuts_of(COSTS, ["a"] * 11, low=None, high=0.9)
    assert (cuts.low[0], cuts.high[0], cuts.cases[0]) == (-np.inf, 90, 11)
    assert cuts.scale[0] == pytest.approx(1100 / 540)
    drawn = outliers.winsorised(COSTS, ["a"] * 11, cuts=cuts)
    assert drawn.is_changed.tolist() == [False] * 10 + [True]
    assert drawn.values[-1] == pytest.approx(90 * 1100 / 540)
    assert drawn.values.mean() == pytest.approx(100)


def test_quantiles_between_two_costs_are_on_the_line_between_them() -> None:
    # type 7 of 0, 10 at 0.25: 2.5, at 0.75: 7.5
    cuts = outliers.cuts_of([10, 0], ["a", "a"], low=0.25, high=0.75)
    assert (cuts.low[0], cuts.high[0]) == (2.5, 7.5)


def test_each_stratum_has_its_own_cut() -> None:
    cuts = outliers.cuts_of([1, 2, 3, 100, 200, 300], list("aaabbb"), low=None, high=0.5)
    assert cuts.strata == ("a", "b")
    assert cuts.high.tolist() == [2, 200]
    assert cuts.scale.tolist() == [6 / 5, 600 / 500]


def test_frozen_cuts_do_not_move_when_one_provider_is_corrected() -> None:
    cuts = outliers.cuts_of(COSTS, ["a"] * 11, low=None, high=0.9)
    corrected = [*COSTS[:-1], 85.0]
    before = outliers.winsorised(COSTS, ["a"] * 11, cuts=cuts).values
    after = outliers.winsorised(corrected, ["a"] * 11, cuts=cuts).values
    np.testing.assert_array_equal(before[:-1], after[:-1])
    assert after[-1] == pytest.approx(85 * 1100 / 540)


def test_a_stratum_without_any_cost_is_left_as_it_is() -> None:
    cuts = outliers.cuts_of([0, 0], ["a", "a"], low=None, high=0.99)
    assert cuts.scale.tolist() == [1]


def test_cases_outside_the_residual_cuts_are_left_out_and_the_rest_is_expected_as_observed() -> None:
    # residuals -90, -1, 0, 1, 90: cuts at 0.25 and 0.75 are -1 and 1; 297 observed of 297 expected are left
    observed, expected = [10.0, 99, 100, 101, 190], [100.0] * 5
    cuts = outliers.residual_cuts_of(observed, expected, ["a"] * 5, low=0.25, high=0.75)
    kept = outliers.without_outliers(observed, expected, ["a"] * 5, cuts=cuts)
    assert (cuts.low[0], cuts.high[0], cuts.scale[0]) == (-1, 1, 1)
    assert kept.is_kept.tolist() == [False, True, True, True, False]


def test_expected_costs_of_what_is_kept_are_scaled_to_what_was_observed() -> None:
    # residuals -1, 0, 1, 96: 0.34 of three steps is 0.02 past the second, 0.02; 1 + 2 observed of 2 + 2 expected are left
    observed, expected = [1.0, 2, 3, 100], [2.0, 2, 2, 4]
    cuts = outliers.residual_cuts_of(observed, expected, ["a"] * 4, low=0.0, high=0.34)
    kept = outliers.without_outliers(observed, expected, ["a"] * 4, cuts=cuts)
    assert kept.is_kept.tolist() == [True, True, False, False]
    assert cuts.scale[0] == pytest.approx(3 / 4)
    assert kept.expected.tolist() == [1.5, 1.5, 1.5, 3]


def test_the_cap_is_an_amount_and_what_lies_on_it_is_not_changed() -> None:
    drawn = outliers.capped([99_999, 100_000, 250_000], at=100_000)
    assert drawn.values.tolist() == [99_999, 100_000, 100_000]
    assert drawn.is_changed.tolist() == [False, False, True]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.floats(1, 1e6), st.sampled_from("abc")), min_size=1, max_size=30),
    st.floats(0.5, 1),
)
def test_the_mean_of_the_reference_population_never_changes(cases: list[tuple[float, str]], high: float) -> None:
    costs, strata = np.array([cost for cost, _ in cases]), [name for _, name in cases]
    cuts = outliers.cuts_of(costs, strata, low=None, high=high)
    drawn = outliers.winsorised(costs, strata, cuts=cuts)
    total = [drawn.values[np.array(strata) == name].sum() for name in cuts.strata]
    before = [costs[np.array(strata) == name].sum() for name in cuts.strata]
    np.testing.assert_allclose(total, before, rtol=1e-9)


def test_a_cut_of_nothing_in_a_stratum_with_costs_is_refused() -> None:
    with pytest.raises(CannotFit, match="in 1 of 2 strata"):
        outliers.cuts_of([0, 0, 0, 5, 1, 2], list("aaaabb"), low=None, high=0.5)


@pytest.mark.parametrize("wrong", [[1.0, np.nan], [1.0, -3.0], [1.0, np.inf], []])
def test_costs_that_are_missing_or_below_nothing_are_refused(wrong: list[float]) -> None:
    with pytest.raises(CannotFit):
        outliers.cuts_of(wrong, ["a"] * len(wrong), low=None, high=0.99)


def test_a_stratum_that_the_reference_population_does_not_have_is_refused() -> None:
    cuts = outliers.cuts_of([1, 2], ["a", "a"], low=None, high=0.99)
    with pytest.raises(CannotFit, match="1 of 2 strata"):
        outliers.winsorised([1, 2], ["a", "b"], cuts=cuts)


def test_quantiles_out_of_order_and_a_cap_of_nothing_are_refused() -> None:
    with pytest.raises(CannotFit, match="in order"):
        outliers.cuts_of([1, 2], ["a", "a"], low=0.9, high=0.1)
    with pytest.raises(CannotFit, match="above 0"):
        outliers.capped([1], at=0)
