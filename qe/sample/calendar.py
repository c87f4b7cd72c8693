"""Days as integers since 1970-01-01, and the months of a run."""

from dataclasses import dataclass

import numpy as np

from qe.sample.codes import Ints

NEVER = 100_000  # a day after every other


def day(year: int, month: int, of_month: int) -> int:
    return int(np.datetime64(f"{year:04d}-{month:02d}-{of_month:02d}", "D").astype(np.int64))


def iso(days: Ints) -> list[str]:
    """ISO dates; NEVER gives an empty string."""
    text = np.datetime_as_string(days.astype("datetime64[D]"))
    return ["" if number >= NEVER or number < -NEVER else found for number, found in zip(days, text, strict=True)]


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """Look-back year `first` to measurement year `last`; services run on to 31 March of the year after."""

    first: int
    last: int

    @property
    def start(self) -> int:
        return day(self.first, 1, 1)

    @property
    def end(self) -> int:
        """The last day of service, inclusive."""
        return day(self.last + 1, 3, 31)

    @property
    def measurement_start(self) -> int:
        return day(self.last, 1, 1)

    @property
    def july_month(self) -> int:
        """Position of July of the measurement year."""
        return self.measurement_month + 6

    @property
    def july(self) -> int:
        """1 July of the measurement year, when some persons and clinicians change their group."""
        return day(self.last, 7, 1)

    @property
    def years(self) -> float:
        return (self.end + 1 - self.start) / 365.25

    @property
    def month_starts(self) -> Ints:
        """First days of all months, and the day after the last."""
        months = 12 * (self.last - self.first + 1) + 3
        begins = np.datetime64(f"{self.first:04d}-01", "M") + np.arange(months + 1)
        return begins.astype("datetime64[D]").astype(np.int64)

    @property
    def months(self) -> int:
        return 12 * (self.last - self.first + 1) + 3

    @property
    def measurement_month(self) -> int:
        return 12 * (self.last - self.first)

    def month_of(self, days: Ints) -> Ints:
        """Position of the month, cut to the run."""
        found = np.searchsorted(self.month_starts, days, side="right") - 1
        return np.clip(found, 0, self.months - 1)

    def year_of(self, days: Ints) -> Ints:
        return np.asarray(self.first + self.month_of(days) // 12)
