from datetime import date

import pytest

from qe.errors import InputError
from qe.periods import last_full_year, months_before, quarter, twelve_months_ending


def test_a_quarter_starts_three_months_before_the_day_after_its_end():
    period = quarter("2025Q4", end=date(2025, 12, 31), run_out_days=90)
    assert (period.start, period.end) == (date(2025, 10, 1), date(2025, 12, 31))
    assert period.run_out_end == date(2026, 3, 31)  # 31 + 28 + 31 = 90 days


def test_a_label_that_is_no_quarter_is_refused():
    with pytest.raises(InputError, match="2025Q5"):
        quarter("2025Q5", end=date(2025, 12, 31), run_out_days=0)


@pytest.mark.parametrize(
    ("day", "months", "earlier"),
    [
        (date(2024, 3, 31), 1, date(2024, 2, 29)),  # clipped to the leap day
        (date(2025, 3, 31), 1, date(2025, 2, 28)),
        (date(2025, 1, 15), 1, date(2024, 12, 15)),
        (date(2025, 1, 1), 12, date(2024, 1, 1)),
    ],
)
def test_months_before_are_calendar_months_clipped_backward(day: date, months: int, earlier: date):
    assert months_before(day, months) == earlier


def test_the_default_window_is_the_twelve_months_that_end_with_the_quarter():
    window = twelve_months_ending(date(2025, 6, 30))
    assert (window.start, window.end) == (date(2024, 7, 1), date(2025, 6, 30))


@pytest.mark.parametrize(("end", "year"), [(date(2025, 12, 31), 2025), (date(2025, 9, 30), 2024)])
def test_a_calendar_year_measure_covers_the_last_year_that_is_over(end: date, year: int):
    window = last_full_year(end)
    assert (window.start, window.end) == (date(year, 1, 1), date(year, 12, 31))
