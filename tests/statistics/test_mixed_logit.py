"""Predicted over expected on given coefficients and effects, against the same sums in 40 digits by hand."""

from decimal import Decimal, getcontext

import numpy as np
import pytest

from qe.errors import MeasureError
from qe.statistics import mixed_logit

COEFFICIENTS = ["-2.104637", "0.013512", "0.421907", "-0.178365"]  # constant, age beyond 65, heart failure, male
EFFECTS = {"A": "0.218743", "B": "-0.094127", "C": "0"}
CASES = [  # provider, age beyond 65, heart failure, male
    ("B", "3", "1", "0"),
    ("A", "17", "0", "1"),
    ("A", "0.5", "1", "1"),
    ("C", "28", "1", "0"),
    ("B", "11", "0", "0"),
    ("A", "22", "1", "0"),
    ("C", "-4", "0", "1"),
]


def by_hand() -> dict[str, tuple[Decimal, Decimal]]:
    """(predicted, expected) of each provider: 1 / (1 + exp(-log odds)), case by case."""
    getcontext().prec = 40
    found = {name: (Decimal(0), Decimal(0)) for name in EFFECTS}
    for provider, *factors in CASES:
        log_odds = Decimal(COEFFICIENTS[0])
        for coefficient, factor in zip(COEFFICIENTS[1:], factors, strict=True):
            log_odds += Decimal(coefficient) * Decimal(factor)
        predicted, expected = found[provider]
        predicted += 1 / (1 + (-(log_odds + Decimal(EFFECTS[provider]))).exp())
        found[provider] = (predicted, expected + 1 / (1 + (-log_odds).exp()))
    return found


def given() -> tuple[np.ndarray, np.ndarray, list[float], dict[str, float]]:
    factors = np.array([[float(factor) for factor in case[1:]] for case in CASES])
    providers = np.array([case[0] for case in CASES])
    return factors, providers, [float(one) for one in COEFFICIENTS], {name: float(u) for name, u in EFFECTS.items()}


def test_predicted_expected_and_their_ratio_equal_the_hand_calculation() -> None:
    x, provider, coefficients, effects = given()
    found = mixed_logit.standardise(x, provider, coefficients=coefficients, effects=effects)
    hand = by_hand()
    assert found.providers == ("A", "B", "C")
    assert found.cases.tolist() == [3, 2, 2]
    for place, name in enumerate(found.providers):
        predicted, expected = hand[name]
        assert found.predicted[place] == pytest.approx(float(predicted), rel=1e-9, abs=0)
        assert found.expected[place] == pytest.approx(float(expected), rel=1e-9, abs=0)
        assert found.ratio[place] == pytest.approx(float(predicted / expected), rel=1e-9, abs=0)
    assert found.ratio[2] == 1  # no effect: neither better nor worse than the average
    assert found.ratio[0] > 1 > found.ratio[1]


def test_the_order_of_the_cases_changes_nothing() -> None:
    x, provider, coefficients, effects = given()
    turned = mixed_logit.standardise(x[::-1], provider[::-1], coefficients=coefficients, effects=effects)
    straight = mixed_logit.standardise(x, provider, coefficients=coefficients, effects=effects)
    np.testing.assert_allclose(turned.ratio, straight.ratio, rtol=1e-15)


def test_one_case_of_even_odds() -> None:
    found = mixed_logit.standardise([[0.0]], ["A"], coefficients=[0.0, 5.0], effects={"A": float(np.log(3))})
    assert (found.expected[0], found.predicted[0], found.ratio[0]) == (0.5, pytest.approx(0.75), pytest.approx(1.5))


@pytest.mark.parametrize(
    ("x", "coefficients", "effects", "said"),
    [
        ([[1.0, 2.0]], [0.1, 0.2], {"A": 0.0}, "2 coefficients are given for 2 factors"),
        ([[1.0], [2.0]], [0.1, 0.2], {"A": 0.0}, r"factors of \(2, 1\) do not go with 1 providers of cases"),
        ([[1.0]], [0.1, 0.2], {"B": 0.0}, "1 providers have no effect"),
        ([[np.nan]], [0.1, 0.2], {"A": 0.0}, "a factor or a coefficient is missing or infinite"),
    ],
)
def test_what_does_not_fit_is_refused(x, coefficients, effects, said) -> None:
    with pytest.raises(MeasureError, match=said):
        mixed_logit.standardise(x, ["A"], coefficients=coefficients, effects=effects)
