"""Benchmarks and ranks among peers, and benchmarks that others publish."""

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from qe.errors import CannotFit, InputError

LEVELS: Final = ("clinician", "group", "facility", "area")
COLUMNS: Final = ("name", "measure_id", "level", "value", "source", "version", "date")


def achievable(events: ArrayLike, n: ArrayLike, *, share: float = 0.10, higher_is_better: bool = True) -> float:
    """The achievable benchmark of care: the pooled rate of the best providers who together hold `share` of all cases.

    Providers are ranked by the adjusted performance fraction (x + 1)/(n + 2), so that few cases do not lead. For unadjusted
    proportions only. NaN without cases.

    Source: Weissman et al. (1999), J Eval Clin Pract 5:269; Kiefe et al. (1998), Int J Qual Health Care 10:443.
    """
    x, size = np.asarray(events, dtype=np.float64), np.asarray(n, dtype=np.float64)
    if x.shape != size.shape or not ((x >= 0) & (x <= size) & np.isfinite(size)).all():
        raise CannotFit(
            "events are missing, below 0 or more than the cases", remedy="Give both counts of every provider."
        )
    if size.sum() <= 0:
        return float("nan")
    good = x if higher_is_better else size - x
    order = np.lexsort((size, -(good + 1) / (size + 2)))
    enough = int(np.searchsorted(np.cumsum(size[order]), share * size.sum() - 1e-9)) + 1
    best = order[:enough]
    return float(x[best].sum() / size[best].sum())


def percentiles(figures: ArrayLike, *, higher_is_better: bool) -> NDArray[np.float64]:
    """Mid-rank percentile of each figure among all, turned so that 100 is best: (below + ties/2) / n * 100."""
    values = np.asarray(figures, dtype=np.float64)
    turned = values if higher_is_better else -values
    return np.asarray(
        (scipy.stats.rankdata(turned, method="average") - 0.5) / max(len(values), 1) * 100, dtype=np.float64
    )


def percentile_among(
    figures: ArrayLike, among: ArrayLike, *, own: Sequence[float | None], higher_is_better: bool
) -> NDArray[np.float64]:
    """The percentile that each figure has among the others' and itself, as `percentiles` tells it.

    among  the figures that units had; own: which of them each unit had itself, that its figure stands for; None: none
    """
    sign = 1.0 if higher_is_better else -1.0
    values, before = sign * np.asarray(figures, dtype=np.float64), np.sort(sign * np.asarray(among, dtype=np.float64))
    mine = np.array([np.nan if one is None else sign * one for one in own], dtype=np.float64)
    below = np.searchsorted(before, values, side="left") - (mine < values)
    ties = np.searchsorted(before, values, side="right") - np.searchsorted(before, values, side="left")
    others = len(before) - np.isfinite(mine)
    return np.asarray((below + (ties - (mine == values) + 1) / 2) / (others + 1) * 100, dtype=np.float64)


def quartiles(figures: ArrayLike) -> tuple[float, float, float]:
    """25th, 50th and 75th percentile of the figures (Hyndman and Fan's type 7)."""
    low, middle, high = np.quantile(np.asarray(figures, dtype=np.float64), [0.25, 0.5, 0.75])
    return float(low), float(middle), float(high)


def best_decile_mean(ratios: ArrayLike, *, higher_is_better: bool = False) -> float:
    """Mean of the best tenth of the (shrunken) ratios, rounded up to whole providers; at least ten providers.

    For ratios, where `achievable` does not hold: raw ratios of few cases would lead it, so give ratios that are drawn together
    (predicted over expected, or `empirical_bayes.gamma_poisson`).
    """
    values = np.asarray(ratios, dtype=np.float64)
    if values.ndim != 1 or len(values) < 10 or not np.isfinite(values).all():
        raise CannotFit(
            f"the best tenth is taken of at least ten ratios, none missing, got {values.shape}",
            remedy="Leave the benchmark empty, or name an external one.",
        )
    best = np.sort(-values if higher_is_better else values)[: math.ceil(len(values) / 10)]
    return float(abs(best.mean()))


@dataclass(frozen=True, kw_only=True)
class External:
    """A benchmark that somebody else publishes, for one measure and level.

    value    on the scale of the measure's figure (a share 0 to 1, a ratio, an amount)
    source   who publishes it and where; version and date say which publication
    """

    name: str
    measure_id: str
    level: str
    value: float
    source: str
    version: str
    date: date


def external(path: Path) -> tuple[External, ...]:
    """The external benchmarks of a CSV file with the columns COLUMNS, in the file's order.

    InputError names all rows that lack a column's text (a benchmark without a source is none), whose value is no number, whose
    level or date is unknown, or that repeat name, measure and level.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
        if missing:
            raise InputError(
                f"{path.name}: no column {', '.join(missing)}", remedy=f"The columns are {', '.join(COLUMNS)}."
            )
        rows = [{column: (row[column] or "").strip() for column in COLUMNS} for row in reader]
    wrong = [(number, fault) for number, row in enumerate(rows, start=2) for fault in _faults_of(row)]
    seen: set[tuple[str, str, str]] = set()
    for number, row in enumerate(rows, start=2):
        key = (row["name"], row["measure_id"], row["level"])
        if key in seen:
            wrong.append((number, "repeats the name, measure and level of an earlier row"))
        seen.add(key)
    if wrong:
        raise InputError(
            f"{path.name}: {len(wrong)} faults in {len(rows):,} benchmarks: "
            + "; ".join(f"row {number} {fault}" for number, fault in sorted(wrong)[:8]),
            remedy="A benchmark is shown with its source, version and date, or not at all.",
        )
    return tuple(
        External(
            name=row["name"],
            measure_id=row["measure_id"],
            level=row["level"],
            value=float(row["value"]),
            source=row["source"],
            version=row["version"],
            date=date.fromisoformat(row["date"]),
        )
        for row in rows
    )


def _faults_of(row: Mapping[str, str]) -> Iterator[str]:
    for column in COLUMNS:
        if not row[column]:
            yield f"has no {column}"
    if row["level"] and row["level"] not in LEVELS:
        yield f"has a level that is none of {', '.join(LEVELS)}"
    if row["value"] and not _is_number(row["value"]):
        yield "has a value that is no number"
    if row["date"] and not _is_date(row["date"]):
        yield "has a date that is not written like 2025-12-31"


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
