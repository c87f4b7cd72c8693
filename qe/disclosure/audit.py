"""The interval check of published tables (gate rule G18): what could a reader work out from the printed digits?

It knows nothing of how rows were suppressed. Every printed number (denominator, rate, expected, ratio and both ends of the
interval) is a constraint at its own rounding; a count that all of them together force into 1 to 10 is a finding.
Source: rules.md section 3 (cell model and criterion); the CMS cell size policy.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from qe.disclosure.results import CellFinding, PublicResult
from qe.statistics import intervals

Check = Literal["count", "complement", "rate", "ratio"]
Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

LARGEST_UNTOLD: Final = 5000  # cases tried where no denominator is printed
SLACK: Final = 1e-9  # a bound that floating point puts on the wrong side of a printed digit


@dataclass(frozen=True, kw_only=True)
class AuditedRow:
    """A public row, and how its digits were printed.

    is_count           the numerator is a count of events (a proportion), not of dollars
    is_rate            the numerator is a count of events of which a person can have several, over years or services
    rate_decimals      of the rate and of the expected rate
    interval_decimals  of both ends of the interval: Wilson's of the rate, or the exact Poisson one of the ratio
    is_modelled        the ratio is predicted over expected: neither it nor its interval is worked out from the numerator
    """

    result: PublicResult
    is_count: bool
    rate_decimals: int
    ratio_decimals: int
    interval_decimals: int
    confidence: float = 0.95
    is_rate: bool = False
    is_modelled: bool = False


def audit(rows: Sequence[AuditedRow], *, min_count: int) -> Iterator[CellFinding]:
    """Every row from which a count of 1 to min_count - 1 can be worked out, with the check that tells it."""
    for row in rows:
        for check in findings_of(row, min_count=min_count):
            result = row.result
            yield CellFinding(measure_id=result.measure_id, level=result.level, public_id=result.public_id, check=check)


def findings_of(row: AuditedRow, *, min_count: int) -> list[Check]:
    """The checks that one row fails: count by the denominator, rate and complement by the rate, ratio by all figures together."""
    result = row.result
    if not row.is_count:
        if result.denominator is None:
            return []
        # Of dollars per member month the only count of persons is the one behind the months: at most 12 a person.
        found_of_rate: list[Check] = ["count"] if 0 < int(result.denominator) < 12 * min_count else []
        if row.is_rate and _is_small(events_by_rate(row, min_count), min_count):
            found_of_rate.append("rate")
        return found_of_rate
    if result.denominator is None:
        return _without_denominator(row, min_count)
    size = int(result.denominator)
    if size < 1:
        return []
    found: list[Check] = ["count"] if 0 < size < min_count else []
    by_rate = counts_by_rate(size, result.rate, row.rate_decimals)
    if _is_small(by_rate, min_count):
        found.append("rate")
    if _is_small(size - by_rate, min_count):
        found.append("complement")
    together = by_rate[is_possible(by_rate, np.full(len(by_rate), size), row)]
    is_told = _is_small(together, min_count) or _is_small(size - together, min_count)
    if is_told and not {"rate", "complement"} & set(found):
        found.append("ratio")
    return found


def _without_denominator(row: AuditedRow, min_count: int) -> list[Check]:
    """A rate or ratio with its interval tells the number of cases, also where no denominator is printed."""
    result = row.result
    if result.ci_low is None and result.ci_high is None:
        return []
    few = np.arange(
        4 * min_count, dtype=np.int64
    )  # intervals only narrow with more cases: farther counts need no trial
    sizes = np.arange(1, LARGEST_UNTOLD + 1, dtype=np.int64)
    events, size = (grid.ravel() for grid in np.meshgrid(few, sizes))
    inside = events <= size
    events, size = events[inside], size[inside]
    found: list[Check] = []
    checks: tuple[tuple[Check, Counts], ...] = (
        ("ratio" if result.ratio is not None else "rate", events),
        ("complement", size - events),
    )
    for check, numerators in checks:
        fits = _near(numerators / size, result.rate, row.rate_decimals)
        left, of = numerators[fits], size[fits]
        possible = is_possible(left, of, row)
        counted = left[possible] if check != "complement" else of[possible] - left[possible]
        if _is_small(counted, min_count):
            found.append(check)
    return found


def numerator_bounds(row: AuditedRow) -> tuple[int, int] | None:
    """The least and the most events of the numerator that a shown row leaves possible; None where it tells of no such count."""
    result = row.result
    if result.denominator is None or result.rate is None or not (row.is_count or row.is_rate):
        return None
    if row.is_count:
        size = int(result.denominator)
        by_rate = counts_by_rate(size, result.rate, row.rate_decimals)
        possible = by_rate[is_possible(by_rate, np.full(len(by_rate), size), row)]
        return (int(possible.min()), int(possible.max())) if possible.size else None
    low, high = _events_near(row, float(result.denominator), result.rate)
    return max(0, math.ceil(low)), math.floor(high)


def _events_near(row: AuditedRow, size: float, rate: float) -> tuple[float, float]:
    """Between which numbers of events a printed rate over printed, rounded years lies."""
    width = _half(row.rate_decimals) * (size + 0.5) + 0.5 * rate + SLACK
    return rate * size - width, rate * size + width


def counts_by_rate(size: int, rate: float | None, decimals: int) -> Counts:
    """The numerators that a printed rate leaves possible: |k/size - rate| is half a unit of the last digit, or less."""
    counts = np.arange(size + 1, dtype=np.int64)
    return counts[_near(counts / max(size, 1), rate, decimals)]


def events_by_rate(row: AuditedRow, min_count: int) -> Counts:
    """The numbers of events, up to some that are no longer small, which a rate over rounded years leaves possible."""
    counts = np.arange(4 * min_count, dtype=np.int64)
    if row.result.rate is None or row.result.denominator is None:
        return counts
    low, high = _events_near(row, float(row.result.denominator), row.result.rate)
    is_near: NDArray[np.bool_] = (low <= counts) & (counts <= high)
    return counts[is_near]


def is_possible(events: Counts, sizes: Counts, row: AuditedRow) -> NDArray[np.bool_]:
    """Which (events, cases) agree with every printed figure but the rate.

    Of an O/E ratio the expected number is unknown within its rounding: one and the same value must satisfy the expected
    rate, the ratio and both ends of the interval.
    """
    result = row.result
    if row.is_modelled:
        return np.ones(len(events), dtype=np.bool_)
    if result.ratio is None and result.expected is None:
        if result.ci_low is None and result.ci_high is None:
            return np.ones(len(events), dtype=np.bool_)
        low, high = intervals.wilson(events, sizes, confidence=row.confidence)
        return _near(low, result.ci_low, row.interval_decimals) & _near(high, result.ci_high, row.interval_decimals)
    least: Floats = np.zeros(len(events))
    most: Floats = np.full(len(events), np.inf)
    if result.expected is not None:
        half = _half(row.rate_decimals)
        size: Floats = sizes.astype(np.float64)
        least, most = size * max(0.0, result.expected - half), size * (result.expected + half)
    end_low, end_high = intervals.exact(events, np.ones(len(events)), confidence=row.confidence)
    for numerator, printed, decimals in (
        (events.astype(np.float64), result.ratio, row.ratio_decimals),
        (end_low, result.ci_low, row.interval_decimals),
        (end_high, result.ci_high, row.interval_decimals),
    ):
        if printed is not None:
            from_, to = _divisors(numerator, printed, _half(decimals))
            least = np.asarray(np.maximum(least, from_), dtype=np.float64)
            most = np.asarray(np.minimum(most, to), dtype=np.float64)
    return np.asarray(least <= most * (1 + SLACK) + SLACK, dtype=np.bool_)


def _divisors(numerator: Floats, printed: float, half: float) -> tuple[Floats, Floats]:
    """The expected values by which `numerator` must be divided to be printed so."""
    nothing = numerator == 0
    below = printed - half
    from_ = numerator / (printed + half)
    to = numerator / below if below > 0 else np.full(len(numerator), np.inf)
    # Zero divided by anything is printed as zero
    to = np.where(nothing, np.inf if below <= 0 else -np.inf, to)
    return np.where(nothing, 0.0, from_), to


def _near(values: Floats, printed: float | None, decimals: int) -> NDArray[np.bool_]:
    if printed is None:
        return np.ones(len(values), dtype=np.bool_)
    # A value between two digits is printed with the even one (qe.disclosure.public.rounded), and a reader may know that
    is_even = round(printed * 10**decimals) % 2 == 0
    reach = _half(decimals) + SLACK if is_even else 0.5 * 10.0**-decimals - SLACK
    return np.asarray(np.abs(values - printed) <= reach, dtype=np.bool_)


def _half(decimals: int) -> float:
    return 0.5 * 10.0**-decimals * (1 + SLACK)


def _is_small(counts: Counts, min_count: int) -> bool:
    return counts.size > 0 and int(counts.min()) >= 1 and int(counts.max()) < min_count
