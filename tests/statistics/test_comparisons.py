"""Benchmarks, ranks, peer groups, reliability and multiplicity."""

from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from qe.statistics import benchmark, empirical_bayes, multiplicity, peers, reliability


def test_the_achievable_benchmark_pools_the_best_who_hold_a_tenth_of_all_cases() -> None:
    # (x+1)/(n+2): 48/52 = .92, 9/10 = .90, 86/102 = .84, 401/802 = .50; a tenth of 958 cases is 95.8, so 50 + 8 + 100
    assert benchmark.achievable([47, 8, 85, 400], [50, 8, 100, 800]) == pytest.approx((47 + 8 + 85) / (50 + 8 + 100))


def test_where_lower_is_better_the_benchmark_is_the_rate_of_the_lowest() -> None:
    assert benchmark.achievable([5, 50], [100, 100], higher_is_better=False) == pytest.approx(5 / 100)


def test_one_perfect_case_does_not_lead_the_benchmark() -> None:
    # (1+1)/(1+2) = .67 ranks behind 96/102 = .94
    assert benchmark.achievable([1, 95], [1, 100]) == pytest.approx(95 / 100)


def test_percentiles_are_mid_ranks_with_100_as_best() -> None:
    # higher is better: .5 has none below and itself: (0 + .5)/4; the two .7 have one below and two ties: (1 + 1)/4
    np.testing.assert_allclose(
        benchmark.percentiles([0.5, 0.7, 0.7, 0.9], higher_is_better=True), [12.5, 50.0, 50.0, 87.5]
    )
    np.testing.assert_allclose(benchmark.percentiles([0.8, 1.2], higher_is_better=False), [75.0, 25.0])


def test_quartiles_are_type_7() -> None:
    assert benchmark.quartiles([1, 2, 3, 4]) == (1.75, 2.5, 3.25)


def _units(rows: Sequence[tuple[str, str, str | None, int, bool]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["unit_id", "specialty", "county_fips", "size", "is_eligible"], orient="row")


def test_a_group_of_too_few_peers_is_widened_by_dropping_the_last_key() -> None:
    units = _units(
        [
            ("U1", "08", "51001", 50, True),
            ("U2", "08", "51001", 50, True),
            ("U3", "08", "51003", 50, True),
            ("U4", "11", "51001", 50, True),
        ]
    )
    groups = peers.assign(units, level="group", by=["specialty", "area"], min_peers=2)
    assert groups.label == {
        "U1": "groups, specialty 08, county 51001 (n = 2)",
        "U2": "groups, specialty 08, county 51001 (n = 2)",
        "U3": "groups, specialty 08 (n = 3)",
        "U4": "all groups in this report (n = 4)",
    }
    assert groups.members["groups, specialty 08 (n = 3)"] == ("U1", "U2", "U3")


def test_the_last_resort_is_every_unit_and_says_that_they_are_few() -> None:
    groups = peers.assign(_units([("U1", "08", "51001", 50, True)]), level="facility", by=["area"], min_peers=10)
    assert groups.label == {"U1": "all hospitals and facilities in this report (n = 1, fewer than 10)"}


FOUR_OF_TWO_STATES = [
    ("U1", "08", "39049", 50, True),
    ("U2", "11", "39001", 50, True),
    ("U3", "08", "51001", 50, True),
    ("U4", "11", None, 50, True),
]


@pytest.mark.parametrize("areas", [["OH"], ["39"], ["39049", "39001"]])
def test_before_all_of_the_report_come_the_units_inside_the_areas(areas: list[str]) -> None:
    groups = peers.assign(_units(FOUR_OF_TWO_STATES), level="group", by=["area"], min_peers=2, areas=areas)
    assert groups.label == {
        "U1": "all groups inside the areas of this report (n = 2)",
        "U2": "all groups inside the areas of this report (n = 2)",
        "U3": "all groups in this report (n = 4)",
        "U4": "all groups in this report (n = 4)",
    }
    assert groups.members["all groups inside the areas of this report (n = 2)"] == ("U1", "U2")


@pytest.mark.parametrize("areas", [[], ["Greater Columbus"], ["OH", "VA", "Greater Columbus"], ["39049"]])
def test_areas_that_are_unknown_or_hold_too_few_leave_all_of_the_report(areas: list[str]) -> None:
    groups = peers.assign(_units(FOUR_OF_TWO_STATES), level="group", by=["area"], min_peers=2, areas=areas)
    assert set(groups.label.values()) == {"all groups in this report (n = 4)"}


def test_areas_that_hold_every_unit_change_nothing() -> None:
    units = _units(FOUR_OF_TWO_STATES[:3])
    without = peers.assign(units, level="group", by=["area"], min_peers=2)
    assert peers.assign(units, level="group", by=["area"], min_peers=2, areas=["OH", "VA"]) == without


def test_a_unit_with_too_few_cases_has_a_group_but_is_nobodys_peer() -> None:
    units = _units([("U1", "08", "51001", 50, True), ("U2", "08", "51001", 3, False)])
    groups = peers.assign(units, level="group", by=["area"], min_peers=1)
    assert groups.label["U2"] == groups.label["U1"]
    assert groups.members[groups.label["U2"]] == ("U1",)


def test_beta_binomial_maximises_the_likelihood_over_a_fine_grid() -> None:
    events, n = np.array([3.0, 12, 30, 8, 44, 25, 19, 51]), np.array([20.0, 40, 60, 30, 70, 30, 50, 60])
    found = reliability.beta_binomial(events, n)

    def likelihood(alpha: float, beta: float) -> float:
        return float(np.sum(special.betaln(events + alpha, n - events + beta) - special.betaln(alpha, beta)))

    best = likelihood(found.alpha, found.beta)
    for factor_a in (0.8, 0.95, 1.0, 1.05, 1.2):
        for factor_b in (0.8, 0.95, 1.0, 1.05, 1.2):
            assert likelihood(found.alpha * factor_a, found.beta * factor_b) <= best + 1e-6
    np.testing.assert_allclose(found.shrinkage, n / (n + found.alpha + found.beta))
    own = events / n
    np.testing.assert_allclose(
        found.reliability, found.between_variance / (found.between_variance + own * (1 - own) / n)
    )


def test_posterior_means_lie_between_the_own_and_the_prior_share() -> None:
    events, n = np.array([0.0, 12, 30, 50]), np.array([20.0, 40, 60, 60])
    prior = reliability.beta_binomial(events, n)
    centre = prior.alpha / (prior.alpha + prior.beta)
    own, drawn = events / n, empirical_bayes.beta_binomial(events, n).posterior_mean
    assert np.all((drawn - own) * (drawn - centre) <= 0)


def test_reliability_of_ratios_by_hand() -> None:
    # O-E = 10, -10; sum (O-E)^2 = 200, sum E = 40, sum E^2 = 800: v = 160/800 = .2, R = .2 / (.2 + 1/20) = .8
    np.testing.assert_allclose(reliability.of_ratios([30, 10], [20, 20]), [0.8, 0.8])


def test_estimates_that_differ_by_less_than_their_errors_have_no_signal() -> None:
    np.testing.assert_array_equal(reliability.of_estimates([0.0, 0.1], [1.0, 1.0]), [0.0, 0.0])


def test_signal_of_estimates_by_hand() -> None:
    # Weights 1, centre 0, heterogeneity 9 + 9 - 1 = 17, scale 2 - 2/2 = 1: t2 = 17, R = 17/18
    np.testing.assert_allclose(reliability.of_estimates([-3.0, 3.0], [1.0, 1.0]), [17 / 18, 17 / 18])


def test_adjusted_p_values_by_hand() -> None:
    p = [0.01, 0.02, 0.03, 0.5]
    np.testing.assert_allclose(multiplicity.adjust(p), [0.04, 0.04, 0.04, 0.5])  # 4p/1, 4p/2, 4p/3, least from above
    np.testing.assert_allclose(multiplicity.adjust(p, method="holm"), [0.04, 0.06, 0.06, 0.5])  # 4p, 3p, 2p, p
    harmonic = 1 + 1 / 2 + 1 / 3 + 1 / 4
    np.testing.assert_allclose(multiplicity.adjust(p, method="by")[:3], [0.04 * harmonic] * 3)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_adjusting_keeps_the_order_of_p_values_and_never_lowers_one(p: list[float]) -> None:
    adjusted = multiplicity.adjust(p)
    assert np.all(adjusted >= np.array(p) - 1e-12)
    assert np.all(np.diff(adjusted[np.argsort(p)]) >= -1e-12)


def test_the_cut_point_of_significance_parts_the_p_values_as_the_adjustment_does() -> None:
    # of .01 .02 .03 .5 three are significant at .05: 4p/1, 4p/2, 4p/3 are .04; the cut is .05 x 3/4
    p = np.array([0.01, 0.02, 0.03, 0.5])
    assert multiplicity.largest_significant(p, q=0.05) == pytest.approx(0.0375)
    assert (p <= 0.0375).tolist() == (multiplicity.adjust(p) <= 0.05).tolist() == [True, True, True, False]
    assert multiplicity.largest_significant([0.2, 0.3, 0.4, 0.5], q=0.05) == 0.0125  # where the first would be
    assert multiplicity.largest_significant([], q=0.05) == 0.0
