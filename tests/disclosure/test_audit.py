"""The interval check against planted leaks and against a count of every possibility."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qe.disclosure.audit import AuditedRow, counts_by_rate, findings_of
from qe.disclosure.public import rounded
from qe.statistics import intervals
from tests.public_rows import public_result


def _row(
    *,
    denominator: int | None,
    rate: float | None = None,
    ci: tuple[float, float] | None = None,
    expected: float | None = None,
    ratio: float | None = None,
    is_count: bool = True,
    expected_decimals: int = 3,
) -> AuditedRow:
    low, high = ci or (None, None)
    result = public_result(
        denominator=None if denominator is None else Decimal(denominator),
        rate=rate,
        ci_low=low,
        ci_high=high,
        expected=expected,
        ratio=ratio,
    )
    return AuditedRow(
        result=result,
        is_count=is_count,
        rate_decimals=expected_decimals,
        ratio_decimals=2,
        interval_decimals=3 if ratio is None else 2,
    )


def test_a_denominator_of_1_to_10_is_found_and_0_and_11_are_not() -> None:
    assert findings_of(_row(denominator=10), min_count=11) == ["count"]
    assert findings_of(_row(denominator=11), min_count=11) == []
    assert findings_of(_row(denominator=0), min_count=11) == []


@pytest.mark.parametrize("numerator", range(1, 11))
@pytest.mark.parametrize("denominator", [30, 97, 400])
def test_every_small_numerator_behind_a_rate_of_one_decimal_percent_is_found(numerator: int, denominator: int) -> None:
    rate, beside = rounded(numerator / denominator, 3), rounded((denominator - numerator) / denominator, 3)
    assert "rate" in findings_of(_row(denominator=denominator, rate=rate), min_count=11)
    assert "complement" in findings_of(_row(denominator=denominator, rate=beside), min_count=11)


def test_a_value_between_two_digits_is_printed_with_the_even_one() -> None:
    # 11 of 2,000 are .0055, printed .006: behind .005 stand 9 or 10; 12 of 2,000 are .006, and 13 are .0065, printed .006 too
    assert findings_of(_row(denominator=2000, rate=0.005), min_count=11) == ["rate"]
    assert counts_by_rate(2000, 0.005, 3).tolist() == [10]
    assert counts_by_rate(2000, 0.006, 3).tolist() == [11, 12, 13]
    assert counts_by_rate(2000, None, 3).size == 2001


@pytest.mark.parametrize(("events", "expected"), [(0, []), (1, ["rate"]), (10, ["rate"]), (11, [])])
def test_a_few_events_over_many_years_are_found_behind_a_rate_of_four_decimals(
    events: int, expected: list[str]
) -> None:
    # 2,500.4 years are printed as 2,500; half a unit of the rate's last digit is a tenth of an event
    row = _row(denominator=2500, rate=round(events / 2500.4, 4), is_count=False, expected_decimals=4)
    assert findings_of(replace(row, is_rate=True), min_count=11) == expected


def test_none_and_all_of_the_cases_may_be_shown() -> None:
    assert findings_of(_row(denominator=30, rate=0.0), min_count=11) == []
    assert findings_of(_row(denominator=30, rate=1.0), min_count=11) == []


def test_a_ratio_of_0_24_with_37_4_expected_tells_a_count_of_9() -> None:
    # k in [.235 * 37.35, .245 * 37.45] = [8.8, 9.2]; expected as a rate of 1,000 cases: .0374
    row = _row(denominator=1000, expected=0.0374, ratio=0.24, expected_decimals=4)
    assert findings_of(row, min_count=11) == ["ratio"]


def test_a_ratio_that_leaves_11_possible_is_no_finding() -> None:
    # [.285 * 37.35, .295 * 37.45] = [10.6, 11.05]
    row = _row(denominator=1000, expected=0.0374, ratio=0.29, expected_decimals=4)
    assert findings_of(row, min_count=11) == []


@pytest.mark.parametrize("numerator", [3, 7, 10])
def test_the_two_ends_of_wilsons_interval_alone_tell_a_small_numerator(numerator: int) -> None:
    low, high = intervals.wilson(numerator, 90)
    row = _row(denominator=90, ci=(round(float(low), 3), round(float(high), 3)))
    assert findings_of(row, min_count=11) == ["ratio"]


@pytest.mark.parametrize("numerator", [2, 5, 9])
def test_a_ratio_and_its_interval_tell_a_small_numerator_without_denominator_and_expected(numerator: int) -> None:
    # The ends over the ratio are qgamma(k)/k: they do not depend on the expected number
    expected = 6.3
    low, high = intervals.exact(numerator, expected)
    row = _row(
        denominator=None,
        ratio=round(numerator / expected, 2),
        ci=(round(float(low), 2), round(float(high), 2)),
    )
    assert findings_of(row, min_count=11) == ["ratio"]


def test_a_rate_and_its_interval_tell_a_small_numerator_without_a_denominator() -> None:
    low, high = intervals.wilson(4, 60)
    row = _row(denominator=None, rate=round(4 / 60, 3), ci=(round(float(low), 3), round(float(high), 3)))
    assert findings_of(row, min_count=11) == ["rate"]


def test_a_row_that_shows_nothing_tells_nothing() -> None:
    assert findings_of(_row(denominator=None), min_count=11) == []


def test_member_months_of_fewer_than_eleven_persons_are_found() -> None:
    assert findings_of(_row(denominator=131, rate=400.0, is_count=False), min_count=11) == ["count"]
    assert findings_of(_row(denominator=132, rate=400.0, is_count=False), min_count=11) == []


def _forced(possible: list[int]) -> bool:
    return bool(possible) and min(possible) >= 1 and max(possible) <= 10


@settings(max_examples=150, deadline=None)
@given(st.integers(11, 400), st.data())
def test_the_check_agrees_with_trying_every_count(size: int, data: st.DataObject) -> None:
    events = data.draw(st.integers(0, size))
    expected = round(data.draw(st.floats(0.02, 0.6)), 3)
    rate, ratio = round(events / size, 3), round(events / (expected * size), 2)
    row = _row(denominator=size, rate=rate, expected=expected, ratio=ratio)
    by_rate = [k for k in range(size + 1) if abs(k / size - rate) <= 0.0005 + 1e-9]
    both = [
        k
        for k in by_rate
        if (ratio - 0.005) * (expected - 0.0005) * size <= k + 1e-6
        and k <= (ratio + 0.005) * (expected + 0.0005) * size + 1e-6
    ]
    found = findings_of(row, min_count=11)
    assert ("rate" in found) == _forced(by_rate)
    assert ("complement" in found) == _forced([size - k for k in by_rate])
    assert bool(found) == (
        _forced(both) or _forced([size - k for k in both]) or bool({"rate", "complement"} & {*found})
    )


@settings(max_examples=100, deadline=None)
@given(st.integers(30, 3000), st.data())
def test_honest_rows_with_eleven_on_both_sides_are_never_refused(size: int, data: st.DataObject) -> None:
    events = data.draw(st.integers(11, size - 11))
    expected = data.draw(st.floats(0.05, 0.9)) * size
    low, high = intervals.exact(events, expected)
    row = _row(
        denominator=size,
        rate=round(events / size, 3),
        expected=round(expected / size, 3),
        ratio=round(events / expected, 2),
        ci=(round(float(low), 2), round(float(high), 2)),
    )
    assert findings_of(row, min_count=11) == []
    low, high = intervals.wilson(events, size)
    plain = _row(denominator=size, rate=round(events / size, 3), ci=(round(float(low), 3), round(float(high), 3)))
    assert findings_of(plain, min_count=11) == []


def test_two_hundred_planted_leaks_are_all_caught() -> None:
    random = np.random.default_rng(20240101)
    caught = 0
    for _ in range(200):
        size, small = int(random.integers(30, 800)), int(random.integers(1, 11))
        events = small if random.random() < 0.5 else size - small
        low, high = intervals.wilson(events, size)
        row = _row(denominator=size, rate=round(events / size, 3), ci=(round(float(low), 3), round(float(high), 3)))
        caught += bool(findings_of(row, min_count=11))
    assert caught == 200


def test_the_ratio_of_a_model_with_effects_of_providers_tells_nothing_of_the_numerator():
    """1,000 cases of which 20 have the outcome, 10 were expected: observed over expected is 2.00, what is printed less."""
    observed = _row(denominator=1000, rate=0.02, expected=0.010, ratio=2.00, ci=(1.22, 3.09))
    assert findings_of(observed, min_count=11) == []
    drawn = replace(_row(denominator=1000, rate=0.02, expected=0.010, ratio=1.31, ci=(1.05, 1.62)), is_modelled=True)
    assert findings_of(drawn, min_count=11) == []
    small = replace(_row(denominator=1000, rate=0.005, expected=0.010, ratio=0.90, ci=(0.7, 1.2)), is_modelled=True)
    assert findings_of(small, min_count=11) == ["rate"], "the rate still tells of 5 events"
