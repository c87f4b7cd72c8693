"""From factors in long form to a design matrix: splines, reference levels, rare levels pooled, aliased columns dropped by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from qe.measurement.facts import TIMES

Floats = NDArray[np.float64]

AGE_KNOTS: Final = (
    25.0,
    45.0,
    65.0,
    75.0,
    85.0,
)  # years; fixed, so that a model's terms mean the same in every quarter
AGE_BANDS: Final = (0, 18, 45, 65, 75, 85, 120)  # years; by these calibration is told, too
RARE_EVENTS: Final = (
    50  # a level with fewer events, or with fewer than RARE_OUTCOMES outcomes (or non-outcomes), is pooled
)
RARE_OUTCOMES: Final = 10
RARE: Final = "rare: pooled"  # why a level has no column of its own
POOLED: Final = ":pooled"  # how the column of a family's rare levels is named


@dataclass(frozen=True, kw_only=True)
class Design:
    """A design matrix without a constant.

    x        (events, terms), rows in the order of the events given
    terms    names of its columns: "age", "age'1", "sex", "comorbidity:HF", "payer_line:commercial"
    dropped  terms left out, with the reason: reference level, rare (pooled with the reference), aliased
    """

    x: Floats
    terms: tuple[str, ...]
    dropped: tuple[tuple[str, str], ...]

    @property
    def pooled(self) -> tuple[str, ...]:
        """The levels that were too rare for a column of their own."""
        return tuple(level for level, reason in self.dropped if reason == RARE)


def build(
    covariates: pl.DataFrame, event_ids: Sequence[str], families: Sequence[str], outcome: Floats | None
) -> Design:
    """The design matrix of `event_ids` for the factor families that [scoring] covariates names.

    covariates  event_id, factor, value (long form; absent is 0)
    families    "age|spline", "age|bands", "sex", "payer_line", "comorbidity": a form after the bar; "age*payer_line": the columns
                of age once more for each level of payer_line that has a column, so that age may matter otherwise there
    outcome     0 or 1 (or a count) by event, by which rare levels are told; None pools by the number of events alone
    """
    row = {event_id: place for place, event_id in enumerate(event_ids)}
    wanted = {family.split("|")[0]: family.partition("|")[2] for family in families}
    family = pl.col("factor").str.split(":").list.first()
    known = covariates.filter(family.is_in(list(wanted)) & pl.col("event_id").is_in(list(row)))
    columns: list[tuple[str, Floats]] = []
    dropped: list[tuple[str, str]] = []
    for name, form in wanted.items():
        if TIMES in name:
            for product, values in _interactions(columns, *name.split(TIMES)):
                if reason := _rare(values, outcome):
                    dropped.append((product, reason))
                else:
                    columns.append((product, values))
            continue
        levels = _levels(known.filter(family == name), row)
        if form == "spline":
            columns += [column for level, values in levels.items() for column in _spline(level, values)]
        elif form == "bands":
            if bands := _bands(name, known.filter(family == name), row):
                kept, left_out = _categories(bands, outcome)
                columns += kept
                dropped += left_out
        elif _is_partition(levels):
            kept, left_out = _categories(levels, outcome)
            columns += kept
            dropped += left_out
        else:
            for level, values in levels.items():
                reason = _rare(values, outcome)
                if reason:
                    dropped.append((level, reason))
                else:
                    columns.append((level, values))
    return _full_rank(columns, dropped, len(event_ids))


def again(
    covariates: pl.DataFrame,
    event_ids: Sequence[str],
    families: Sequence[str],
    *,
    terms: Sequence[str],
    pooled: Sequence[str],
) -> Floats:
    """(events, terms): the columns of an earlier design for other events; a level that it did not know joins the reference.

    families, terms  of that design; pooled: the levels that it pooled as rare
    """
    row = {event_id: place for place, event_id in enumerate(event_ids)}
    forms = {family.split("|")[0]: family.partition("|")[2] for family in families}
    known = covariates.filter(pl.col("event_id").is_in(list(row)))
    levels: dict[str, Floats] = {}
    for name, form in forms.items():
        own = known.filter(pl.col("factor").str.split(":").list.first() == name)
        found = _bands(name, own, row) if form == "bands" else _levels(own, row)
        if form == "spline":
            found = dict(column for level, values in found.items() for column in _spline(level, values))
        levels |= found
    nothing = np.zeros(len(row))

    def column(term: str) -> Floats:
        if TIMES in term:
            having, other = term.split(TIMES)
            return column(having) * column(other)
        if term.endswith(POOLED):
            family = f"{term.removesuffix(POOLED)}:"
            return sum((levels.get(level, nothing) for level in pooled if level.startswith(family)), nothing)
        return levels.get(term, nothing)

    return np.column_stack([column(term) for term in terms]) if terms else np.empty((len(row), 0))


def _levels(rows: pl.DataFrame, row: dict[str, int]) -> dict[str, Floats]:
    levels: dict[str, Floats] = {}
    for factor in sorted(rows["factor"].unique()):
        values = np.zeros(len(row))
        part = rows.filter(pl.col("factor") == factor)
        places = np.array([row[event_id] for event_id in part["event_id"]], dtype=np.int64)
        values[places] = part["value"].to_numpy()
        levels[factor] = values
    return levels


def _is_partition(levels: dict[str, Floats]) -> bool:
    """Every event has at most one of these levels: they are the values of one category, not flags."""
    if len(levels) < 2 or not all(":" in level for level in levels):
        return False
    return bool(np.all(np.sum(np.stack(list(levels.values())) != 0, axis=0) <= 1))


def _categories(
    levels: dict[str, Floats], outcome: Floats | None
) -> tuple[list[tuple[str, Floats]], list[tuple[str, str]]]:
    """The largest level is the reference; rare levels are pooled into one, which joins the reference if still rare.

    Source: statistics.md, correction 3 (50 events and 10 outcomes; the thousand of CMS is a national figure).
    """
    reference = max(sorted(levels), key=lambda level: float(levels[level].sum()))
    kept: list[tuple[str, Floats]] = []
    dropped = [(reference, "reference level")]
    pooled = np.zeros_like(levels[reference])
    for level, values in levels.items():
        if level == reference:
            continue
        if reason := _rare(values, outcome):
            dropped.append((level, reason))
            pooled = pooled + values
        else:
            kept.append((level, values))
    if np.any(pooled) and not _rare(pooled, outcome):
        kept.append((f"{reference.split(':')[0]}{POOLED}", pooled))
    return kept, dropped


def _rare(values: Floats, outcome: Floats | None) -> str:
    """Why this level cannot carry a coefficient of its own, or ""."""
    if set(np.unique(values)) - {0.0, 1.0}:
        return ""
    having = values != 0
    if outcome is None:
        return RARE if having.sum() < RARE_EVENTS else ""
    events, outcomes = float(having.sum()), float((outcome[having] > 0).sum())
    if events < RARE_EVENTS or min(outcomes, events - outcomes) < RARE_OUTCOMES:
        return RARE
    return ""


def _spline(name: str, values: Floats, knots: tuple[float, ...] = AGE_KNOTS) -> list[tuple[str, Floats]]:
    """Restricted cubic spline: linear below the first and above the last knot.

    Source: Harrell (2015), Regression Modeling Strategies, 2nd ed., section 2.4.5.
    """
    t = np.asarray(knots)
    last, before = t[-1], t[-2]
    columns = [(name, values / 10.0)]
    for j, knot in enumerate(t[:-2], start=1):
        cubic = (
            _cube(values - knot)
            - _cube(values - before) * (last - knot) / (last - before)
            + _cube(values - last) * (before - knot) / (last - before)
        )
        columns.append((f"{name}'{j}", cubic / (last - t[0]) ** 2 / 10.0))
    return columns


def age_bands(ages: Floats) -> NDArray[np.str_]:
    """The band of AGE_BANDS that each age (years) is in: "65-74"."""
    labels = np.array([f"{low}-{high - 1}" for low, high in pairwise(AGE_BANDS)])
    return labels[np.searchsorted(np.array(AGE_BANDS[1:-1]), ages, side="right")]


def _bands(name: str, rows: pl.DataFrame, row: dict[str, int]) -> dict[str, Floats]:
    """Which band each event is in, "age:18-44" and so on; one whose age is not known is in none."""
    band = age_bands(rows["value"].cast(pl.Float64).to_numpy())
    places = np.array([row[event_id] for event_id in rows["event_id"]], dtype=np.int64)
    levels: dict[str, Floats] = {}
    for label in np.unique(band):
        having = np.zeros(len(row))
        having[places[band == label]] = 1.0
        levels[f"{name}:{label}"] = having
    return levels


def _interactions(columns: list[tuple[str, Floats]], first: str, second: str) -> list[tuple[str, Floats]]:
    """The products of every column of the first family with every one of the second; both stand before them."""
    of_first = [
        (name, values) for name, values in columns if name == first or name.startswith((f"{first}'", f"{first}:"))
    ]
    of_second = [(name, values) for name, values in columns if name == second or name.startswith(f"{second}:")]
    return [(f"{level}{TIMES}{term}", having * values) for level, having in of_second for term, values in of_first]


def _cube(values: Floats) -> Floats:
    return np.asarray(np.maximum(values, 0.0) ** 3, dtype=np.float64)


def _full_rank(columns: list[tuple[str, Floats]], dropped: list[tuple[str, str]], rows: int) -> Design:
    """Columns in the order given; one that the earlier ones already determine is dropped by name."""
    basis: list[Floats] = [np.ones(rows) / np.sqrt(max(rows, 1))]
    kept: list[tuple[str, Floats]] = []
    for name, values in columns:
        rest = values.copy()
        for _ in range(2):
            for direction in basis:
                rest = rest - direction * float(direction @ rest)
        size = float(np.linalg.norm(rest))
        if size <= 1e-8 * max(1.0, float(np.linalg.norm(values))):
            dropped.append((name, "aliased"))
            continue
        basis.append(rest / size)
        kept.append((name, values))
    x = np.column_stack([values for _, values in kept]) if kept else np.empty((rows, 0))
    return Design(x=x, terms=tuple(name for name, _ in kept), dropped=tuple(dropped))
