"""Whom a correction reaches beside its own unit: an event is another one's too, or becomes it. That is a re-issue."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from qe.corrections import apply
from qe.errors import MeasureError
from qe.measurement.compute import MeasureEvents
from qe.statistics.rescore import SentRun, rescore
from qe.statistics.results import RESULT_ORDER

PRINTED_DECIMALS: Final = 4  # no page and no public file prints more digits of a rate, ratio or interval
MOVING: Final = (
    "denominator",
    "excluded",
    "numerator",
    "observed",
    "expected",
    "ratio",
    "ci_low",
    "ci_high",
    "category",
)


@dataclass(frozen=True, kw_only=True)
class Reached:
    """Another unit whose figures the same fault moves: it is re-issued, never corrected along. measures: whose figures move."""

    unit_id: str
    level: str
    measures: tuple[str, ...]
    why: str


def others_reached(was: MeasureEvents, now: apply.CorrectedEvents, sent: SentRun, unit_id: str) -> Iterator[Reached]:
    """The other units whose figures of this module would move, as figures are printed or published."""
    changed = now.decided.filter(pl.col("outcome") == apply.APPLIED).select(apply.KEY).unique()
    concerned = pl.concat([was.attributed, now.events.attributed]).join(changed, on=apply.KEY, how="semi")
    for other in sorted(set(concerned["provider_id"]) - {unit_id}):
        level = str(concerned.filter(pl.col("provider_id") == other)["level"][0])
        try:
            same, again = (rescore(events, sent, other) for events in (was, now.events))
        except MeasureError:
            measures = concerned.filter(pl.col("provider_id") == other)["measure_id"].unique().sort().to_list()
            yield Reached(unit_id=other, level=level, measures=tuple(measures), why="it would be its first result")
            continue
        if moved := _moved(same, again):
            yield Reached(unit_id=other, level=level, measures=moved, why="an event is its own too, or becomes it")


def _moved(same: pl.DataFrame, again: pl.DataFrame) -> tuple[str, ...]:
    """The measures of which a figure or category differs, to the digits that are printed. same: without the correction."""
    rounded = pl.col(pl.Float64).round(PRINTED_DECIMALS)
    columns = [*RESULT_ORDER, *MOVING]
    one, other = (frame.select(columns).with_columns(rounded) for frame in (same, again))
    differing = pl.concat(
        [
            one.join(other, on=columns, how="anti", nulls_equal=True),
            other.join(one, on=columns, how="anti", nulls_equal=True),
        ]
    )
    return tuple(differing["measure_id"].unique().sort())


def one_a_unit(reached: Sequence[Reached]) -> tuple[Reached, ...]:
    """One entry a unit."""
    found: dict[str, Reached] = {}
    for one in reached:
        before = found.get(one.unit_id)
        measures = one.measures if before is None else (*before.measures, *one.measures)
        found[one.unit_id] = replace(one, measures=tuple(sorted(set(measures))))
    return tuple(found[unit_id] for unit_id in sorted(found))
