import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qe.errors import CannotFit
from qe.statistics import reliability


def test_agreement_is_that_of_the_paper_of_shrout_and_fleiss() -> None:
    # Table 2 of the paper: four judges, six targets; Table 4: ICC(2,1) = .29
    ratings = np.array(
        [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float
    )
    assert round(reliability.icc_2_1(ratings), 2) == 0.29


def test_halves_that_are_alike_agree_wholly_and_a_shift_of_one_half_counts_against_them() -> None:
    assert reliability.icc_2_1(np.array([[1.0, 1], [2, 2], [3, 3]])) == 1
    # MSR = 2, MSE = 0, MSC = 1.5: 2 / (2 + 2 * 1.5 / 3) = 2/3, while the correlation is 1
    assert reliability.icc_2_1(np.array([[1.0, 2], [2, 3], [3, 4]])) == pytest.approx(2 / 3)
    assert reliability.icc_2_1(np.ones((3, 2))) == 0


def test_split_samples_recover_the_reliability_that_was_put_in() -> None:
    random = np.random.default_rng(21)
    place = np.repeat(np.arange(400), 40)
    cost = random.normal(10, 1, len(place)) + random.normal(0, 0.2, 400)[place]
    found = reliability.split_sample(cost, np.ones(len(place)), place, seed=1)
    # between 0.04, within 1: 0.04 / (0.04 + 1/40) = 0.615; error of an intraclass correlation over 400 about 0.03
    assert found.providers == 400
    assert found.icc.shape == (100,)
    assert found.reliability == pytest.approx(0.04 / (0.04 + 1 / 40), abs=0.06)
    of_means = reliability.of_means(cost, place)
    assert found.reliability == pytest.approx(of_means.reliability.mean(), abs=0.03)


def test_the_seed_fixes_the_halves_and_the_order_of_providers_does_not_matter() -> None:
    random = np.random.default_rng(2)
    place, y = np.repeat(np.arange(20), 10), random.normal(size=200)
    once = reliability.split_sample(y, np.ones(200), place, seed=7)
    assert reliability.split_sample(y, np.ones(200), place, seed=7).icc.tolist() == once.icc.tolist()
    assert reliability.split_sample(y, np.ones(200), place, seed=8).icc.tolist() != once.icc.tolist()


def test_halves_of_noise_agree_on_nothing() -> None:
    random = np.random.default_rng(4)
    found = reliability.split_sample(random.normal(size=4000), np.ones(4000), np.repeat(np.arange(200), 20), seed=1)
    # an intraclass correlation over 200 providers has an error of 0.07
    assert found.half == pytest.approx(0, abs=0.15)
    assert 0 <= found.reliability < 0.25


def test_providers_of_one_case_are_left_out() -> None:
    found = reliability.split_sample([1.0, 2, 3, 4, 5, 6, 9], np.ones(7), list("aabbccd"), seed=1)
    assert found.providers == 3


@pytest.mark.parametrize(
    ("expected", "labels", "splits", "said"),
    [
        ([1, 1, 1, 1], list("aabb"), 100, "three of at least two cases"),
        ([1, 1, 1, 0], list("aabb"), 100, "nothing is expected"),
        ([1, 1, 1, 1], list("aabb"), 99, "at least 100 splits"),
        ([1, 1, 1, np.nan], list("aabb"), 100, "missing"),
    ],
)
def test_what_cannot_be_halved_is_refused(expected: list[float], labels: list[str], splits: int, said: str) -> None:
    with pytest.raises(CannotFit, match=said):
        reliability.split_sample([1.0, 0, 1, 0], expected, labels, seed=1, splits=splits)


def test_means_of_two_providers_by_hand() -> None:
    # a: 1, 3; b: 5, 7: MSW = (2 + 2)/2 = 2, MSB = 2 * (2^2 + 2^2) / 1 = 16, n0 = 2, between = 7, 7 / (7 + 2/2) = 7/8
    found = reliability.of_means([1, 3, 5, 7], ["a", "a", "b", "b"])
    assert (found.within_variance, found.between_variance) == (2, 7)
    assert found.reliability.tolist() == [7 / 8, 7 / 8]


def test_means_of_providers_of_unequal_size_by_hand() -> None:
    # a: 0, 2; b: 4, 6, 8, 10: means 1 and 7, all 5; MSW = (2 + 20)/4 = 5.5, MSB = 2 * 16 + 4 * 4 = 48,
    # n0 = 6 - 20/6 = 8/3, between = 42.5 * 3/8 = 15.9375
    found = reliability.of_means([0, 2, 4, 6, 8, 10], list("aabbbb"))
    assert found.between_variance == pytest.approx(15.9375)
    np.testing.assert_allclose(found.reliability, [15.9375 / (15.9375 + 5.5 / 2), 15.9375 / (15.9375 + 5.5 / 4)])


def test_means_that_differ_less_than_their_cases_have_no_reliability() -> None:
    found = reliability.of_means([0, 10, 0, 10], list("aabb"))
    assert (found.between_variance, found.reliability.tolist()) == (0, [0, 0])


@pytest.mark.parametrize(("y", "labels"), [([1, 2], list("ab")), ([1, 1, 2, 2], list("aabb")), ([1, 2], list("aa"))])
def test_means_without_variance_within_providers_are_refused(y: list[float], labels: list[str]) -> None:
    with pytest.raises(CannotFit):
        reliability.of_means(y, labels)


def test_cases_for_a_target_by_hand() -> None:
    # .7/.3 * .16/.01 = 37.33
    assert reliability.minimum_cases(target=0.7, between=0.01, within=0.16) == 38
    # .5/.5 * .2/.01 = 20 exactly
    assert reliability.minimum_cases(target=0.5, between=0.01, within=0.2) == 20
    assert reliability.minimum_cases(target=0.7, between=0.0, within=0.16) == math.inf


@settings(max_examples=50, deadline=None)
@given(st.floats(0.1, 0.95), st.floats(1e-3, 1), st.floats(1e-2, 10))
def test_the_cases_for_a_target_are_the_fewest_that_reach_it(target: float, between: float, within: float) -> None:
    fewest = reliability.minimum_cases(target=target, between=between, within=within)
    assert reliability.signal_to_noise(fewest, between=between, within=within) >= target - 1e-9
    if fewest > 1:
        assert reliability.signal_to_noise(fewest - 1, between=between, within=within) < target


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 10_000), min_size=2, max_size=9, unique=True), st.floats(1e-6, 10), st.floats(1e-6, 10))
def test_reliability_rises_with_cases(cases: list[int], between: float, within: float) -> None:
    found = reliability.signal_to_noise(sorted(cases), between=between, within=within)
    assert (np.diff(found) >= 0).all() and found.max() <= 1


@pytest.mark.parametrize(("cases", "between", "within"), [(0, 1, 1), (5, -1, 1), (5, 1, 0), (5, math.nan, 1)])
def test_variances_that_are_none_are_refused(cases: float, between: float, within: float) -> None:
    with pytest.raises(CannotFit):
        reliability.signal_to_noise(cases, between=between, within=within)


def test_reliability_of_effects_is_what_of_their_variance_is_known() -> None:
    np.testing.assert_allclose(reliability.of_effects([0.0, 0.01, 0.04], 0.2), [1, 0.75, 0], atol=1e-12)
    assert reliability.of_effects([0.0, 0.0], 0.0).tolist() == [0, 0]
    with pytest.raises(CannotFit):
        reliability.of_effects([-0.1], 0.2)


@pytest.mark.parametrize(("events", "n"), [([1], [2]), ([1, 2], [2, 0]), ([3, 1], [2, 2]), ([1, np.nan], [2, 2])])
def test_shares_without_a_distribution_are_refused(events: list[float], n: list[float]) -> None:
    with pytest.raises(CannotFit):
        reliability.beta_binomial(events, n)
