"""Volumes by month on the quality page: one chart and one column of figures a kind, beside those of the delivery before."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from qe.regulation import MINIMUM_CELL

FEW: Final = f"1–{MINIMUM_CELL - 1}"
KINDS: Final = {
    "inpatient": "Inpatient",
    "outpatient": "Outpatient",
    "snf": "Skilled nursing",
    "hha": "Home health",
    "hospice": "Hospice",
    "professional": "Professional",
    "dme": "Equipment (DME)",
    "pharmacy": "Pharmacy fills",
    "membership": "Members",
    "unknown": "Unknown type",  # a claims-model source may name its types as it likes: no such text stands on the page
}
CHART: Final = (252, 64)  # pixels: the bars
ABOVE: Final = 2  # pixels above the highest bar
MARK: Final = 2  # pixels: how thick the mark of the delivery before is


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One month of a chart, in pixels; before: the top of the mark of the delivery before, or None."""

    x: float
    width: float
    y: float
    height: float
    before: float | None


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Volumes of one kind by month. title: the same in words; width, height, mark: in pixels, of all and of a mark."""

    width: int
    height: int
    mark: int
    kind: str
    title: str
    most: str
    bars: tuple[Bar, ...]
    first: str
    last: str


@dataclass(frozen=True, kw_only=True)
class SourceVolumes:
    """One source: its charts, and its figures by month.

    months   (month, one cell a kind)
    too_few  kinds that no month gives a count of
    outside  how many rows of which kinds lie outside the source's period, in no month here
    """

    source_id: str
    charts: tuple[Chart, ...]
    too_few: str
    outside: str
    kinds: tuple[str, ...]
    months: tuple[tuple[str, tuple[str, ...]], ...]


def source_volumes(now: pl.DataFrame, outside: pl.DataFrame, before: pl.DataFrame | None) -> list[SourceVolumes]:
    """Every source of this delivery or the one before; what is gone since stands as 0 against what it was.

    now, before  source_id, kind, month, rows
    outside      source_id, kind, rows: dated outside the source's period
    """
    held = now.clear().select("source_id", "kind", "month", "rows") if before is None else before
    named = pl.col("kind").replace_strict(list(KINDS), list(KINDS), default="unknown")
    beyond = outside.group_by("source_id", named).agg(pl.col("rows").sum()).sort("source_id", "kind")
    return [
        _source_volumes(source_id, _by_month(now, source_id), _by_month(held, source_id), beyond)
        for source_id in sorted({*now["source_id"], *outside["source_id"], *held["source_id"]})
    ]


def _by_month(volumes: pl.DataFrame, source_id: str) -> dict[tuple[str, date], int]:
    found: Counter[tuple[str, date]] = Counter()
    for one in volumes.filter(pl.col("source_id") == source_id).iter_rows(named=True):
        found[one["kind"] if one["kind"] in KINDS else "unknown", one["month"]] += one["rows"]
    return found


def shown(count: int) -> str:
    """A count of rows as the page shows it: 0, 1–10, 11 and more in full."""
    return FEW if 0 < count < MINIMUM_CELL else f"{count:,}"


def _source_volumes(
    source_id: str,
    now: dict[tuple[str, date], int],
    earlier: dict[tuple[str, date], int],
    outside: pl.DataFrame,
) -> SourceVolumes:
    kinds = [kind for kind in KINDS if any(kind == one for one, _ in [*now, *earlier])]
    months = _months([month for _, month in [*now, *earlier]])
    charted = {kind for (kind, _), rows in [*now.items(), *earlier.items()] if _drawn(rows)}
    beyond = outside.filter(pl.col("source_id") == source_id)
    return SourceVolumes(
        source_id=source_id,
        charts=tuple(_chart(kind, months, now, earlier) for kind in kinds if kind in charted),
        too_few=", ".join(KINDS[kind] for kind in kinds if kind not in charted),
        outside=", ".join(f"{KINDS[kind]} {shown(rows)}" for kind, rows in beyond.select("kind", "rows").iter_rows()),
        kinds=tuple(KINDS[kind] for kind in kinds),
        months=tuple(
            (
                f"{month:%b %Y}",
                tuple(_cell(now.get((kind, month), 0), earlier.get((kind, month)), bool(earlier)) for kind in kinds),
            )
            for month in months
        ),
    )


def _months(found: Sequence[date]) -> list[date]:
    """Every month from the first to the last of those found."""
    if not found:
        return []
    first, last = min(found), max(found)
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return [date(first.year + (first.month - 1 + n) // 12, (first.month - 1 + n) % 12 + 1, 1) for n in range(count)]


def _cell(rows: int, before: int | None, compared: bool) -> str:
    """12,345, and how it changed since the last delivery; no change is told of counts that are not given."""
    if not compared or rows == (before or 0):
        return shown(rows)
    if before is None or before == 0:
        return f"{shown(rows)} new"
    if rows == 0:
        return f"0 (was {shown(before)})"
    if rows < MINIMUM_CELL or before < MINIMUM_CELL:
        return shown(rows)
    return f"{shown(rows)} ({(rows - before) / before:+.0%})"


def _chart(
    kind: str, months: Sequence[date], now: dict[tuple[str, date], int], earlier: dict[tuple[str, date], int]
) -> Chart:
    """Bars of this delivery, marks of the one before; counts that are not given have no height."""
    width, height = CHART
    values = [_drawn(now.get((kind, month), 0)) for month in months]
    olds = [_drawn(earlier.get((kind, month), 0)) or None for month in months]
    most = max([*values, *(old or 0 for old in olds), 1])
    step = width / max(len(months), 1)

    def tall(value: int) -> float:
        return round(value / most * height, 1)

    return Chart(
        width=width,
        height=height + ABOVE,
        mark=MARK,
        kind=KINDS[kind],
        title=f"{KINDS[kind]} by month, {months[0]:%b %Y} to {months[-1]:%b %Y}; the figures stand in the table below",
        most=shown(max(now.get((kind, month), 0) for month in months)),
        bars=tuple(
            Bar(
                x=round(place * step, 1),
                width=round(max(step - 1.5, 1), 1),
                y=round(ABOVE + height - tall(value), 1),
                height=tall(value),
                before=None if old is None else round(ABOVE - MARK / 2 + height - tall(old), 1),
            )
            for place, (value, old) in enumerate(zip(values, olds, strict=True))
        ),
        first=f"{months[0]:%b %Y}",
        last=f"{months[-1]:%b %Y}",
    )


def _drawn(rows: int) -> int:
    return rows if rows >= MINIMUM_CELL else 0
