"""Oracles: R 4.2.2 (qgamma, qbeta, binom, mid-P by uniroot), figures of ../shared/reference/stats, agreed to 1e-6."""

import csv
from pathlib import Path

import numpy as np
import pytest
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st

from qe.errors import CannotFit
from qe.statistics import intervals, multiplicity

GOLDEN = Path(__file__).parents[1] / "golden" / "statistics" / "intervals.csv"
REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference" / "stats"
needs_reference = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason="the reference results of R are not beside the project"
)

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


def columns(path: Path) -> dict[str, np.ndarray]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


@pytest.mark.parametrize("name", ["exact", "byar", "mid_p"])
@pytest.mark.parametrize("confidence", [0.95, 0.998])
def test_intervals_of_nothing_to_a_million_equal_those_of_r(name: str, confidence: float) -> None:
    golden = columns(GOLDEN)
    here = golden["confidence"] == confidence
    low, high = getattr(intervals, name)(golden["observed"][here], golden["expected"][here], confidence=confidence)
    np.testing.assert_allclose(low, golden[f"{name}_low"][here], atol=1e-8)
    np.testing.assert_allclose(high, golden[f"{name}_high"][here], atol=1e-8)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 100_000), st.floats(0.5, 0.999))
def test_at_the_ends_of_the_mid_p_interval_the_tails_are_those_asked_for(observed: int, confidence: float) -> None:
    low, high = intervals.mid_p(observed, 1.0, confidence=confidence)
    half, tail = scipy.stats.poisson.pmf(observed, high) / 2, (1 - confidence) / 2
    assert scipy.stats.poisson.cdf(observed - 1, high) + half == pytest.approx(tail, rel=1e-6)
    if observed:
        half = scipy.stats.poisson.pmf(observed, low) / 2
        assert scipy.stats.poisson.sf(observed, low) + half == pytest.approx(tail, rel=1e-6)
    outer = intervals.exact(observed, 1.0, confidence=confidence)
    assert outer[0] <= low <= observed <= high <= outer[1] or observed == 0 == low


@needs_reference
@pytest.mark.needs_reference
def test_every_interval_of_the_reference_is_repeated() -> None:
    ratios, shares = columns(REFERENCE / "oe_poisson_ci.csv"), columns(REFERENCE / "binom_ci.csv")
    for name, column in (("exact", "exact"), ("byar", "byar"), ("mid_p", "midp")):
        low, high = getattr(intervals, name)(ratios["O"], ratios["E"])
        np.testing.assert_allclose(low, ratios[f"{column}_l"], atol=1e-6, err_msg=name)
        np.testing.assert_allclose(high, ratios[f"{column}_u"], atol=1e-6, err_msg=name)
    for name, column in (("clopper_pearson", "cp"), ("wilson", "wilson")):
        low, high = getattr(intervals, name)(shares["y"], shares["n"])
        np.testing.assert_allclose(low, shares[f"{column}_l"], atol=1e-6, err_msg=name)
        np.testing.assert_allclose(high, shares[f"{column}_u"], atol=1e-6, err_msg=name)


@needs_reference
@pytest.mark.needs_reference
@pytest.mark.parametrize(("method", "column"), [("bh", "BH"), ("by", "BY"), ("holm", "holm")])
def test_adjusted_p_values_equal_those_of_r(method: str, column: str) -> None:
    fdr = columns(REFERENCE / "fdr.csv")
    np.testing.assert_allclose(multiplicity.adjust(fdr["p"], method=method), fdr[column], atol=1e-6)


def test_adjusted_p_values_by_hand() -> None:
    # sorted .01 .02 .04 .5: BH p m/rank .04 .04 .0533 .5; Holm (m - rank + 1) p .04 .06 .08 .5; BY is BH * (1+1/2+1/3+1/4)
    p = [0.04, 0.01, 0.5, 0.02]
    np.testing.assert_allclose(multiplicity.adjust(p), [0.16 / 3, 0.04, 0.5, 0.04])
    np.testing.assert_allclose(multiplicity.adjust(p, method="holm"), [0.08, 0.04, 0.5, 0.06])
    np.testing.assert_allclose(
        multiplicity.adjust(p, method="by"), np.minimum(np.array([0.16 / 3, 0.04, 0.5, 0.04]) * 25 / 12, 1)
    )
    assert multiplicity.adjust([]).shape == (0,)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.sampled_from(["bh", "by", "holm"]))
def test_adjusting_keeps_the_order_and_lowers_nothing(p: list[float], method: str) -> None:
    adjusted = multiplicity.adjust(p, method=method)
    assert (adjusted >= np.array(p) - 1e-15).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= -1e-15).all()


@pytest.mark.parametrize(("p", "method"), [([0.5, 1.2], "bh"), ([np.nan], "bh"), ([-0.1], "bh"), ([0.5], "bonferroni")])
def test_what_is_no_p_value_or_no_method_is_refused(p: list[float], method: str) -> None:
    with pytest.raises(CannotFit):
        multiplicity.adjust(p, method=method)


@pytest.mark.parametrize("name", ["exact", "byar", "mid_p", "wilson", "clopper_pearson"])
def test_single_numbers_give_arrays_without_a_dimension_and_one_count_goes_with_many(name: str) -> None:
    interval = getattr(intervals, name)
    one = interval(3, 10)
    assert [end.shape for end in one] == [(), ()]
    many = interval(3, [10, 20])
    assert [end.shape for end in many] == [(2,), (2,)]
    assert float(many[0][0]) == pytest.approx(float(one[0]), rel=1e-12)


@pytest.mark.parametrize("name", ["exact", "byar", "mid_p"])
@pytest.mark.parametrize(
    ("observed", "expected"), [(-1, 2), (1, 0), (1, -2), (np.nan, 1), (1, np.inf), ([1, 2], [1, 2, 3])]
)
def test_counts_that_have_no_ratio_are_refused(name: str, observed: float, expected: float) -> None:
    with pytest.raises(CannotFit):
        getattr(intervals, name)(observed, expected)


@pytest.mark.parametrize("name", ["wilson", "clopper_pearson"])
@pytest.mark.parametrize(("events", "n"), [(-1, 2), (3, 2), (0, 0), (np.nan, 2)])
def test_counts_that_have_no_share_are_refused(name: str, events: float, n: float) -> None:
    with pytest.raises(CannotFit):
        getattr(intervals, name)(events, n)


def test_a_fraction_of_an_event_has_no_mid_p_and_a_level_lies_between_0_and_1() -> None:
    with pytest.raises(CannotFit, match="whole numbers"):
        intervals.mid_p(2.5, 1)
    with pytest.raises(CannotFit, match="between 0 and 1"):
        intervals.exact(2, 1, confidence=95)
