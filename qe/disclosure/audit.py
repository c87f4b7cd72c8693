"""The interval check of published tables (gate rule G18): what could a reader work out from the printed digits?

It knows nothing of how rows were suppressed. Every printed number is an interval at its own rounding; a count that all of them
together force into 1 to 10 is a finding. Source: rules.md section 3 (cell model and criterion); the CMS cell size policy.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from qe.disclosure.results import CellFinding, PublicResult

Check = Literal["count", "complement", "rate", "ratio"]


@dataclass(frozen=True, kw_only=True)
class AuditedRow:
    """A public row, and how its digits were printed.

    is_count  the numerator is a count of events (a proportion), not of dollars
    """

    result: PublicResult
    is_count: bool
    rate_decimals: int
    ratio_decimals: int


def audit(rows: Sequence[AuditedRow], *, min_count: int) -> Iterator[CellFinding]:
    """Every row from which a count of 1 to min_count - 1 can be worked out, with the check that tells it."""
    for row in rows:
        for check in findings_of(row, min_count=min_count):
            result = row.result
            yield CellFinding(measure_id=result.measure_id, level=result.level, public_id=result.public_id, check=check)


def findings_of(row: AuditedRow, *, min_count: int) -> list[Check]:
    """The checks that one row fails."""
    result = row.result
    if result.denominator is None:
        return []
    size = int(result.denominator)
    if not row.is_count:
        # Of dollars per member month the only count of persons is the one behind the months: at most 12 a person.
        return ["count"] if 0 < size < 12 * min_count else []
    found: list[Check] = ["count"] if 0 < size < min_count else []
    by_rate = counts_by_rate(size, result.rate, row.rate_decimals)
    if _is_small(by_rate, min_count):
        found.append("rate")
    if _is_small({size - count for count in by_rate}, min_count):
        found.append("complement")
    by_ratio = by_rate & counts_by_ratio(size, result.ratio, result.expected, row)
    if by_ratio != by_rate and (_is_small(by_ratio, min_count) or _is_small({size - c for c in by_ratio}, min_count)):
        found.append("ratio")
    return found


def counts_by_rate(size: int, rate: float | None, decimals: int) -> set[int]:
    """The numerators that a printed rate leaves possible: |k/size - rate| <= half a unit of the last digit."""
    if rate is None:
        return set(range(size + 1))
    half = 0.5 * 10**-decimals * (1 + 1e-9)
    low = max(0, math.ceil(size * (rate - half) - 1e-9))
    high = min(size, math.floor(size * (rate + half) + 1e-9))
    return set(range(low, high + 1))


def counts_by_ratio(size: int, ratio: float | None, expected: float | None, row: AuditedRow) -> set[int]:
    """The numerators that a printed O/E ratio and a printed expected rate leave possible."""
    if ratio is None or expected is None:
        return set(range(size + 1))
    half_ratio, half_rate = 0.5 * 10**-row.ratio_decimals, 0.5 * 10**-row.rate_decimals
    low = max(0.0, ratio - half_ratio) * max(0.0, expected - half_rate) * size
    high = (ratio + half_ratio) * (expected + half_rate) * size
    return set(range(max(0, math.ceil(low - 1e-9)), min(size, math.floor(high + 1e-9)) + 1))


def _is_small(counts: set[int], min_count: int) -> bool:
    return bool(counts) and min(counts) >= 1 and max(counts) < min_count
