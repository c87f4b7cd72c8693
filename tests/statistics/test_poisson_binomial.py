from itertools import product

import numpy as np
import pytest
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st

from qe.errors import CannotFit
from qe.statistics import poisson_binomial
from qe.statistics.poisson_binomial import shift_to, tails

ODDS = st.lists(st.floats(-4, 4), min_size=1, max_size=8)


def by_enumeration(log_odds: list[float], observed: int) -> tuple[float, float]:
    """Both mid-P tails over all 2^n outcomes."""
    chance = scipy.special.expit(log_odds)
    lower = upper = 0.0
    for outcome in product((0, 1), repeat=len(log_odds)):
        probability = float(np.prod(np.where(outcome, chance, 1 - chance)))
        events = sum(outcome)
        lower += probability * (1.0 if events < observed else 0.5 if events == observed else 0.0)
        upper += probability * (1.0 if events > observed else 0.5 if events == observed else 0.0)
    return lower, upper


def test_two_cases_by_hand() -> None:
    # p = 1/2 and 1/4 (log odds 0 and -ln 3): Pr(0) = 3/8, Pr(1) = 3/8 + 1/8 = 4/8, Pr(2) = 1/8
    found = tails([0, 1, 2], np.tile([0.0, -np.log(3)], 3), np.repeat([0, 1, 2], 2))
    np.testing.assert_allclose(found.lower, [3 / 16, 3 / 8 + 2 / 8, 7 / 8 + 1 / 16], rtol=1e-14)
    np.testing.assert_allclose(found.upper, [5 / 8 + 3 / 16, 1 / 8 + 2 / 8, 1 / 16], rtol=1e-14)


@settings(max_examples=40, deadline=None)
@given(groups=st.lists(ODDS, min_size=1, max_size=4), draw=st.data())
def test_tails_of_providers_together_are_those_of_all_outcomes_counted_one_by_one(
    groups: list[list[float]], draw: st.DataObject
) -> None:
    observed = [draw.draw(st.integers(0, len(own))) for own in groups]
    place = np.repeat(np.arange(len(groups)), [len(own) for own in groups])
    found = tails(observed, np.concatenate(groups), place)
    by_hand = np.array([by_enumeration(own, count) for own, count in zip(groups, observed, strict=True)])
    np.testing.assert_allclose(found.lower, by_hand[:, 0], atol=1e-14)
    np.testing.assert_allclose(found.upper, by_hand[:, 1], atol=1e-14)


@pytest.mark.parametrize(("cases", "chance", "observed"), [(1500, 0.2, 350), (1500, 0.9, 1300), (40_000, 0.001, 60)])
def test_cases_of_one_probability_have_the_tails_of_the_binomial(cases: int, chance: float, observed: int) -> None:
    found = tails([observed], np.full(cases, scipy.special.logit(chance)), np.zeros(cases))
    half = scipy.stats.binom.pmf(observed, cases, chance) / 2
    assert found.upper[0] == pytest.approx(scipy.stats.binom.sf(observed, cases, chance) + half, rel=1e-9)
    assert found.lower[0] == pytest.approx(scipy.stats.binom.cdf(observed, cases, chance) - half, rel=1e-9)


@pytest.mark.parametrize("z", [-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0])
def test_beyond_two_thousand_cases_the_series_is_right_to_one_in_ten_thousand(z: float) -> None:
    # 3,000 cases in four probabilities, of mean 600; the exact tail by setting the series aside
    log_odds = scipy.special.logit(np.tile([0.05, 0.1, 0.25, 0.4], 750))
    place, sd = np.zeros(3000), np.sqrt(750 * (0.0475 + 0.09 + 0.1875 + 0.24))
    observed = [round(600 + z * sd)]
    series = tails(observed, log_odds, place).upper[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(poisson_binomial, "EXACT_CASES", 3000)
        exact = tails(observed, log_odds, place).upper[0]
    assert series != exact
    assert series == pytest.approx(exact, abs=1e-4)


@pytest.mark.parametrize("upper", [0.001, 0.025, 0.975])
def test_the_shift_that_inverts_the_test_gives_the_tail_that_was_asked_for(upper: float) -> None:
    random = np.random.default_rng(5)
    size = np.array([1, 3, 30, 200, 2600])
    place = np.repeat(np.arange(5), size)
    log_odds = random.normal(-1, 1, len(place))
    observed = np.array([1, 1, 8, 20, 900])
    shift = shift_to(observed, log_odds, place, upper=upper)
    if upper > 0.5:  # the first provider's only case was an event: nothing bounds it above
        assert shift[0] == np.inf
    reached = np.isfinite(shift)
    assert reached.sum() == (4 if upper > 0.5 else 5)
    np.testing.assert_allclose(
        tails(observed, log_odds + np.where(reached, shift, 0)[place], place).upper[reached], upper, rtol=1e-7
    )


def test_without_an_event_only_the_upper_end_is_there_and_is_worked_by_hand() -> None:
    # 10 cases of log odds 0 and no event: upper = 1 - (1 - p)^10 / 2 = 0.975, so (1 - p)^10 = 0.05
    log_odds, place = np.zeros(10), np.zeros(10)
    assert shift_to([0], log_odds, place, upper=0.025)[0] == -np.inf
    p = 1 - 0.05**0.1
    assert shift_to([0], log_odds, place, upper=0.975)[0] == pytest.approx(np.log(p / (1 - p)), abs=1e-9)


@pytest.mark.parametrize(
    ("observed", "log_odds", "place"),
    [
        ([2], [0.0], [0]),  # more events than cases
        ([0.5], [0.0], [0]),
        ([-1], [0.0], [0]),
        ([0, 0], [0.0], [0]),  # a provider without a case
        ([0], [0.0], [1]),
        ([0], [np.nan], [0]),
        ([0], [0.0, 1.0], [0]),
    ],
)
def test_counts_that_do_not_go_with_the_cases_are_refused(
    observed: list[float], log_odds: list[float], place: list[int]
) -> None:
    with pytest.raises(CannotFit):
        tails(observed, log_odds, place)


def test_a_tail_of_nothing_or_all_cannot_be_inverted() -> None:
    with pytest.raises(CannotFit, match="between 0 and 1"):
        shift_to([1], [0.0, 0.0], [0, 0], upper=1.0)
