"""The calibration gate, tenths and the Brier figure, by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from qe.errors import CannotFit, InputError
from qe.statistics import calibration
from qe.statistics.calibration import Calibration

Floats = NDArray[np.float64]


def _gate(*cells: tuple[str, int, float, float], accepted: str | None = None) -> Calibration:
    """Cells of (name, events, observed share, expected value of each event)."""
    o, e, labels = [], [], []
    for name, events, share, value in cells:
        having = round(events * share)
        o += [1.0] * having + [0.0] * (events - having)
        e += [value] * events
        labels += [name] * events
    expected = np.array(e)
    return calibration.gate(o, expected, expected * (1 - expected), labels, accepted)


def test_a_cell_far_off_in_ratio_and_in_z_refuses_the_model_in_one_sentence():
    # 1,000 events expected 0.2 each: E 200, V 160; O 250: ratio 1.25, z 50 / sqrt(160) = 3.95
    found = _gate(("medicare, age 65-74", 1000, 0.25, 0.2), ("commercial, age 45-64", 1000, 0.2, 0.2))
    assert [(cell.name, cell.verdict) for cell in found.cells] == [
        ("commercial, age 45-64", "fits"),
        ("medicare, age 65-74", "does not fit"),
    ]
    assert found.cells[1].ratio == pytest.approx(1.25)
    assert found.cells[1].z == pytest.approx(50 / math.sqrt(160))
    assert found.refusal == (
        "the risk model does not fit in 1 of 2 cells of payer and age: medicare, age 65-74 (observed / expected 1.25, z +4.0); "
        "improve the model, or accept it with a reason in [scoring] accept_calibration"
    )


def test_a_large_z_alone_does_not_refuse_and_neither_does_a_ratio_alone():
    # 1,000,000 x 0.2: O 204,000: ratio 1.02, z 4,000 / 400 = 10. 300 x 0.2: O 66: ratio 1.10, z 6 / sqrt(48) = 0.87
    found = _gate(("large", 1_000_000, 0.204, 0.2), ("few", 300, 0.22, 0.2))
    assert [round(cell.z, 2) for cell in found.cells] == [0.87, 10.0]
    assert found.refusal is None


def test_fewer_than_50_expected_events_are_not_judged_and_50_are():
    # O 100: E 49.9 (z about 7) and 50.0
    few = _gate(("cell", 998, 100 / 998, 0.05))
    enough = _gate(("cell", 1000, 0.1, 0.05))
    assert (few.cells[0].verdict, few.refusal) == ("too few to tell", None)
    assert enough.cells[0].verdict == "does not fit"


def test_too_many_expected_refuses_as_too_few_do():
    assert _gate(("cell", 1000, 0.15, 0.2)).refusal is not None


def test_a_reason_accepts_the_model_and_the_cell_still_says_so():
    found = _gate(("cell", 1000, 0.25, 0.2), accepted="first quarter of a new payer")
    assert (found.cells[0].verdict, found.refusal, found.accepted) == ("accepted", None, "first quarter of a new payer")
    with pytest.raises(InputError, match="gives no reason"):
        _gate(("cell", 1000, 0.25, 0.2), accepted=" ")


def test_of_amounts_persons_are_what_adds_up_to_50():
    # 49 and 50 persons of 1,000 dollars expected, 1,200 observed, standard deviation 100 each
    for persons, verdict in ((49, "too few to tell"), (50, "does not fit")):
        ones = np.ones(persons)
        found = calibration.gate(1200 * ones, 1000 * ones, 10_000 * ones, ["cell"] * persons, size=ones)
        assert found.cells[0].verdict == verdict


def test_a_model_without_variance_that_misses_is_infinitely_far_off():
    found = calibration.gate([1.0] * 100, [0.6] * 100, [0.0] * 100, ["cell"] * 100)
    assert (found.cells[0].z, found.cells[0].verdict) == (math.inf, "does not fit")


@pytest.mark.parametrize(
    ("observed", "expected", "variance"),
    [
        ([], [], []),
        ([1.0], [math.nan], [0.1]),
        ([math.inf], [0.5], [0.1]),
        ([1.0], [0.5], [-0.1]),
        ([1.0, 0.0], [0.5], [0.1]),
    ],
)
def test_missing_infinite_negative_and_unequal_input_is_refused(
    observed: list[float], expected: list[float], variance: list[float]
):
    with pytest.raises(CannotFit):
        calibration.gate(observed, expected, variance, ["cell"] * len(observed))


@given(st.randoms(use_true_random=False))
@settings(max_examples=20, deadline=None)
def test_the_order_of_events_does_not_matter_to_tenths_gate_or_brier(shuffle):
    random = np.random.default_rng(7)
    p = np.round(random.random(200), 1)
    y = (random.random(200) < p).astype(float)
    order = np.arange(200)
    shuffle.shuffle(order)
    cells = np.array(["a", "b"])[(p > 0.5).astype(int)]
    one = calibration.gate(y, p, p * (1 - p), cells)
    other = calibration.gate(y[order], p[order], (p * (1 - p))[order], cells[order])
    assert [(cell.name, cell.verdict) for cell in one.cells] == [(cell.name, cell.verdict) for cell in other.cells]
    tenths, again = calibration.by_tenth(y, p), calibration.by_tenth(y[order], p[order])
    assert [(cell.name, cell.observed) for cell in tenths] == [(cell.name, cell.observed) for cell in again]
    assert calibration.brier(y, p).calibration == pytest.approx(calibration.brier(y[order], p[order]).calibration)


def test_halves_by_expected_value_hold_the_lower_and_the_upper_half():
    # median of 0.1 0.2 0.4 0.5 is 0.3; below: O 0, E 0.3; above: O 2, E 0.9
    found = calibration.by_tenth([0, 1, 0, 1], [0.1, 0.4, 0.2, 0.5], groups=2)
    assert [(cell.name, cell.observed) for cell in found] == [("1 of 2", 0.0), ("2 of 2", 2.0)]
    np.testing.assert_allclose([cell.expected for cell in found], [0.3, 0.9])
    # z of the upper half: (2 - 0.9) / sqrt(0.4 x 0.6 + 0.5 x 0.5)
    assert found[1].z == pytest.approx(1.1 / math.sqrt(0.49))


def test_the_brier_figure_and_its_parts_by_hand():
    # groups {0.1, 0.2: 0, 0} and {0.4, 0.5: 1, 1}; rate 1/2. brier = (.01 + .04 + .36 + .25) / 4
    found = calibration.brier([0, 0, 1, 1], [0.1, 0.2, 0.4, 0.5], groups=2)
    assert found.brier == pytest.approx(0.165)
    assert found.calibration == pytest.approx((2 * 0.15**2 + 2 * 0.55**2) / 4)
    assert found.resolution == pytest.approx(0.25)
    assert found.uncertainty == pytest.approx(0.25)
    assert found.within == pytest.approx(
        0.05**2
    )  # each value lies 0.05 from its group's mean; outcomes do not vary within


@given(st.integers(0, 2**32 - 1), st.integers(1, 300))
@settings(max_examples=40, deadline=None)
def test_the_parts_always_add_up_to_the_whole(seed: int, events: int):
    random = np.random.default_rng(seed)
    p = random.random(events)
    y = (random.random(events) < 0.3).astype(float)
    found = calibration.brier(y, p)
    whole = found.calibration - found.resolution + found.uncertainty + found.within
    assert whole == pytest.approx(found.brier, abs=1e-12)


def test_outcomes_that_are_no_events_have_no_brier_figure():
    with pytest.raises(CannotFit):
        calibration.brier([2.0, 0.0], [0.5, 0.5])
    with pytest.raises(CannotFit):
        calibration.brier([1.0, 0.0], [1.5, 0.5])
