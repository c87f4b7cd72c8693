"""Oracles: R 4.2.2 (qgamma, qbeta, binom, mid-P by uniroot), figures of ../shared/reference/stats, agreed to 1e-6."""

import numpy as np
import pytest

from qe.statistics import intervals

OBSERVED = np.array([0, 1, 2, 5, 60, 150])
EXPECTED = np.array([1.2, 2.5, 1.1, 4.2, 48.7, 163.2])
RATIOS_FROM_R = {
    "exact": (
        [0, 0.010127123193716, 0.220190253221786, 0.386544378599624, 0.940170861396453, 0.777917655032138],
        [3.07406621176161, 2.22865735637556, 6.56789787974905, 2.77817430460063, 1.58587050116311, 1.07853655696737],
    ),
    "byar": (
        [0, 0.00522885316060174, 0.204204737590893, 0.383654218035046, 0.940118265205553, 0.777908538701741],
        [3.05667652681146, 2.2255022329901, 6.56442636441617, 2.7781343150949, 1.5858978223277, 1.07854263653125],
    ),
    "mid_p": (
        [0, 0.0200081379341345, 0.304844595917544, 0.436189240125813, 0.948536351669031, 0.780618980657134],
        [2.49644356129501, 1.97274420988271, 6.00723613404873, 2.63867039642667, 1.57499512573334, 1.07535514050174],
    ),
}
EVENTS, CASES = np.array([0, 1, 5, 12, 29, 30]), np.array([10, 30, 25, 80, 30, 30])
SHARES_FROM_R = {
    "clopper_pearson": (
        [0, 0.000843570926630479, 0.068311464012484, 0.0799815613097138, 0.827830544366587, 0.884296691777972],
        [0.308497107818761, 0.172169455633413, 0.407037432278677, 0.247364111592898, 0.99915642907337, 1],
    ),
    "wilson": (
        [0, 0.00590838061162246, 0.0886058468680258, 0.0879404050616355, 0.833296090085908, 0.886486606826031],
        [0.277532799862889, 0.166703909914092, 0.391309503695403, 0.244132285613233, 0.994091409618387, 1],
    ),
}


@pytest.mark.parametrize("name", RATIOS_FROM_R)
def test_intervals_of_ratios_equal_those_of_r(name: str) -> None:
    low, high = getattr(intervals, name)(OBSERVED, EXPECTED)
    np.testing.assert_allclose(low, RATIOS_FROM_R[name][0], atol=1e-6)
    np.testing.assert_allclose(high, RATIOS_FROM_R[name][1], atol=1e-6)


@pytest.mark.parametrize("name", SHARES_FROM_R)
def test_intervals_of_shares_equal_those_of_r(name: str) -> None:
    low, high = getattr(intervals, name)(EVENTS, CASES)
    np.testing.assert_allclose(
        low, SHARES_FROM_R[name][0], rtol=0, atol=1e-6
    )  # R's Wilson limit of 1 in 30 is 2e-7 off
    np.testing.assert_allclose(high, SHARES_FROM_R[name][1], rtol=0, atol=1e-9)


def test_the_interval_of_a_ratio_of_sums_is_the_delta_method_by_hand() -> None:
    # o = 3, 5 against e = 4, 4: r = 8/8 = 1, residuals -1 and 1, Var = 2/1 * (1 + 1) / 8^2 = 1/16, se = 1/4
    low, high, error = intervals.ratio_of_sums(np.array([3.0, 5.0]), np.array([4.0, 4.0]))
    assert error == pytest.approx(0.25)
    np.testing.assert_allclose([low, high], np.exp([-1.959964 / 4, 1.959964 / 4]), rtol=1e-6)


def test_the_interval_of_a_ratio_of_sums_is_close_to_the_bootstrap_over_persons() -> None:
    random = np.random.default_rng(11)
    expected = random.uniform(200, 900, 800)
    observed = expected * random.gamma(0.6, 1 / 0.6, 800)
    low, high, _ = intervals.ratio_of_sums(observed, expected)
    drawn = random.integers(0, 800, (3000, 800))
    ratios = observed[drawn].sum(axis=1) / expected[drawn].sum(axis=1)
    # Percentiles of 3,000 draws carry a Monte Carlo error of about 3 % of the interval's width of 0.2
    np.testing.assert_allclose([low, high], np.quantile(ratios, [0.025, 0.975]), atol=0.012)


@pytest.mark.parametrize(("observed", "expected"), [([5.0], [4.0]), ([0.0, 0.0], [1.0, 2.0])])
def test_one_person_or_no_cost_at_all_has_no_interval(observed: list[float], expected: list[float]) -> None:
    assert np.isnan(intervals.ratio_of_sums(np.array(observed), np.array(expected))).all()
