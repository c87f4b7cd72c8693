"""Reporting periods and the calendar arithmetic that measures share."""

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta

from qe.errors import InputError


@dataclass(frozen=True, kw_only=True)
class ReportingPeriod:
    """The quarter that a cycle of reports is named for; start and end are both inclusive."""

    label: str
    start: date
    end: date
    run_out_days: int

    @property
    def run_out_end(self) -> date:
        """The last day through which claims of the period may have been paid and delivered."""
        return self.end + timedelta(days=self.run_out_days)


def quarter(label: str, *, end: date, run_out_days: int) -> ReportingPeriod:
    """The reporting period `label` ("2025Q4") that ends on `end`."""
    if not re.fullmatch(r"\d{4}Q[1-4]", label):
        raise InputError(f'period "{label}" is not a quarter', remedy='Write it like "2025Q4".')
    return ReportingPeriod(
        label=label, start=months_before(end + timedelta(days=1), 3), end=end, run_out_days=run_out_days
    )


def months_before(day: date, months: int) -> date:
    """The same day `months` calendar months earlier, clipped backward to the end of a shorter month."""
    index = day.year * 12 + day.month - 1 - months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


@dataclass(frozen=True, kw_only=True)
class MeasurePeriod:
    """The days that one measure covers, both inclusive."""

    start: date
    end: date


def twelve_months_ending(end: date) -> MeasurePeriod:
    """The default window of a measure: the 12 months that end with the reporting quarter."""
    return MeasurePeriod(start=months_before(end + timedelta(days=1), 12), end=end)


def last_full_year(end: date) -> MeasurePeriod:
    """The last calendar year that is over on `end`: the window of calendar-year measures."""
    year = end.year if (end.month, end.day) == (12, 31) else end.year - 1
    return MeasurePeriod(start=date(year, 1, 1), end=date(year, 12, 31))
