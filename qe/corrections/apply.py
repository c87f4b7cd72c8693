"""Applying corrections to what a module found: events change their reasons or their unit, and every line says what became of it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final

import polars as pl

from qe.corrections.record import ALL_MEASURES, ATTRIBUTION, Correction, CorrectionKind, CorrectionLine
from qe.measurement.compute import MeasureEvents
from qe.measurement.events import rule_number, waterfall
from qe.measurement.measure import Module, kind_of
from qe.periods import MeasurePeriod, months_before
from qe.warehouse import Warehouse

SQL: Final = Path(__file__).parent / "sql"
KEY: Final = ["measure_id", "event_id"]
FILL: Final = "fill:"  # before the id of a fill that shows an exclusion: fills and claims are numbered apart

# What became of a line for one event: it decided it; it was so already; its event is not in the data, or is one of other days;
# no rule of the measure has its number; the claims that showed it are not there, or lie outside the days of the measure.
APPLIED: Final = "applied"
ALREADY_SO: Final = "already_so"
NO_EVENT: Final = "no_such_event"
OTHER_DAYS: Final = "other_days"
NO_RULE: Final = "no_such_rule"
NO_CLAIMS: Final = "no_such_claims"
DECIDED: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "correction_id": pl.String,
    "line": pl.Int64,
    "kind": pl.String,
    "unit_id": pl.String,
    "measure_id": pl.String,
    "event_id": pl.String,
    "person_id": pl.String,
    "belongs_to": pl.String,
    "rule_id": pl.String,
    "outcome": pl.String,
}
NOTHING_DECIDED: Final = pl.DataFrame(schema=DECIDED)


@dataclass(frozen=True, kw_only=True, eq=False)
class CorrectedEvents:
    """A module's events with the corrections applied.

    decided  DECIDED: one row a line and event that it is about (one by its own words where it found none), in order of the lines
    """

    events: MeasureEvents
    decided: pl.DataFrame


def corrected(db: Warehouse, found: MeasureEvents, corrections: Sequence[Correction]) -> CorrectedEvents:
    """`found` with every line of `corrections` applied that is about one of its measures; details of units are not its matter.

    db  the claims model in which the claims of exclusions are looked up
    """
    events, attributed, decided = found.events, found.attributed, [NOTHING_DECIDED]
    for correction, line in _lines_of(found.module, corrections):
        if not line.holds_within(found.period.start, found.period.end):
            rows = _decided(correction, line, events.clear(), OTHER_DAYS)
        elif line.kind in ATTRIBUTION:
            attributed, rows = _attributed(found.module, events, attributed, correction, line)
        else:
            events, rows = _excluded(db, found, events, correction, line)
        decided.append(rows)
    if len(decided) == 1:
        return CorrectedEvents(events=found, decided=NOTHING_DECIDED)
    corrected_events = replace(found, events=events, attributed=attributed, waterfall=waterfall(events))
    return CorrectedEvents(events=corrected_events, decided=pl.concat(decided))


def _lines_of(module: Module, corrections: Sequence[Correction]) -> list[tuple[Correction, CorrectionLine]]:
    return [
        (correction, line)
        for correction in corrections
        for line in correction.lines
        if line.kind is not CorrectionKind.PROVIDER_DETAILS and line.is_of(module.measure_ids)
    ]


def _attributed(
    module: Module, events: pl.DataFrame, attributed: pl.DataFrame, correction: Correction, line: CorrectionLine
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The attribution without the unit, or with the other one in its place; and what became of the line."""
    meant = _meant(module, events, line)
    mine = attributed.join(meant.select(KEY), on=KEY, how="semi").filter(pl.col("provider_id") == correction.unit_id)
    if meant.is_empty() or mine.is_empty():
        return attributed, _decided(correction, line, meant, NO_EVENT if meant.is_empty() else ALREADY_SO)
    others = attributed.join(mine, on=attributed.columns, how="anti")
    if line.belongs_to:
        theirs = mine.with_columns(provider_id=pl.lit(line.belongs_to))
        others = pl.concat([others, theirs]).unique()
    touched = meant.join(mine.select(KEY), on=KEY, how="semi")
    return others.sort(*KEY, "level", "provider_id"), _decided(correction, line, touched, APPLIED)


def _meant(module: Module, events: pl.DataFrame, line: CorrectionLine) -> pl.DataFrame:
    """measure_id, event_id, person_id of the events that the line names."""
    named = pl.col("event_id") == line.event_id if line.event_id else pl.col("person_id") == line.person_id
    if line.measure_id != ALL_MEASURES:
        named &= pl.col("measure_id").is_in(together(module, line.measure_id))
    return events.filter(named).select(*KEY, "person_id")


def together(module: Module, measure_id: str) -> list[str]:
    """The measures that rest on the same events as this one: a quotient and its terms, which leave out the same."""
    families = [(one.id, *one.quotient) for one in module.facts.measures if one.quotient is not None]
    return sorted({measure_id}.union(*(family for family in families if measure_id in family)))


def _excluded(
    db: Warehouse, found: MeasureEvents, events: pl.DataFrame, correction: Correction, line: CorrectionLine
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The events with one of them left out by the rule, where claims of its person show it; and what became of the line."""
    meant = _meant(found.module, events, line)
    outcome = _outcome_of_exclusion(db, found, events, meant, line)
    decided = _decided(correction, line, meant, outcome)
    if outcome != APPLIED:
        return events, decided
    rows = events.join(meant, on=KEY, how="semi")
    changed = rows.with_columns(
        exclusion_reasons=_with_each(rows["exclusion_reasons"], [line.rule_id], by_number=True),
        rule_ids=_with_each(rows["rule_ids"], [line.rule_id]),
        driving_claim_ids=_with_each(rows["driving_claim_ids"], [one.removeprefix(FILL) for one in line.claim_ids]),
        in_denominator=pl.lit(False),
        in_numerator=pl.lit(False),
    )
    return pl.concat([events.join(meant, on=KEY, how="anti"), changed]).sort(KEY), decided


def _with_each(lists: pl.Series, more: Sequence[str], *, by_number: bool = False) -> pl.Series:
    """Every list with these behind its own, each once; of rules in the order of their numbers where asked."""
    merged = [list(dict.fromkeys([*one, *more])) for one in lists]
    ordered = [sorted(one, key=rule_number) for one in merged] if by_number else merged
    return pl.Series(lists.name, ordered, dtype=lists.dtype)


def _outcome_of_exclusion(
    db: Warehouse, found: MeasureEvents, events: pl.DataFrame, meant: pl.DataFrame, line: CorrectionLine
) -> str:
    if meant.is_empty():
        return NO_EVENT
    if line.rule_id not in exclusion_rules(found.module):
        return NO_RULE
    rows = events.join(meant, on=KEY, how="semi")
    if all(line.rule_id in reasons for reasons in rows["exclusion_reasons"]):
        return ALREADY_SO
    shown = claims_of(db, person_id=str(rows["person_id"][0]), claim_ids=line.claim_ids, days=looked_at(found))
    return APPLIED if shown == set(line.claim_ids) else NO_CLAIMS


def exclusion_rules(module: Module) -> frozenset[str]:
    """The rules by which the module leaves events out: those that its SQL of exclusions gives as a rule_id."""
    texts = (sql for stem, sql in module.sql.items() if kind_of(stem) == "exclusions")
    return frozenset(rule for text in texts for rule in re.findall(r"'(R\d+)'", text))


def looked_at(found: MeasureEvents) -> MeasurePeriod:
    """The days of claims that the measure may rest on: from its look-back to its run-out."""
    window, period = found.module.facts.window, found.period
    end = date.fromordinal(period.end.toordinal() + window.run_out_days)
    return MeasurePeriod(start=months_before(period.start, window.look_back_months), end=end)


def claims_of(db: Warehouse, *, person_id: str, claim_ids: Sequence[str], days: MeasurePeriod) -> frozenset[str]:
    """Those of the claims and fills that stand after final action, are this person's and touch the days."""
    rows = db.frame(
        SQL / "evidence.sql", claim_ids=list(claim_ids), person_id=person_id, first_day=days.start, last_day=days.end
    )
    return frozenset(rows["claim_id"])


def _decided(correction: Correction, line: CorrectionLine, meant: pl.DataFrame, outcome: str) -> pl.DataFrame:
    """One row an event of `meant`; one by the line's own words where it is empty."""
    nothing = {"measure_id": [line.measure_id], "event_id": [line.event_id], "person_id": [line.person_id]}
    rows = meant.select(*nothing) if meant.height else pl.DataFrame(nothing)
    return rows.with_columns(
        correction_id=pl.lit(correction.correction_id),
        line=pl.lit(line.line),
        kind=pl.lit(line.kind.value),
        unit_id=pl.lit(correction.unit_id),
        belongs_to=pl.lit(line.belongs_to),
        rule_id=pl.lit(line.rule_id),
        outcome=pl.lit(outcome),
    ).select(pl.col(name).cast(kind) for name, kind in DECIDED.items())


def corrected_units(units: pl.DataFrame, corrections: Sequence[Correction], *, on: date) -> pl.DataFrame:
    """The table of units with the roster facts of `corrections` that hold on the day `on`; a later one wins."""
    for correction in corrections:
        for line in correction.lines:
            if line.kind is CorrectionKind.PROVIDER_DETAILS and line.holds_within(on, on):
                mine = pl.col("unit_id") == correction.unit_id
                value = pl.when(mine).then(pl.lit(line.value)).otherwise(pl.col(line.detail))
                units = units.with_columns(value.alias(line.detail))
    return units


def outcomes(decided: pl.DataFrame) -> Mapping[tuple[str, int], Mapping[str, int]]:
    """By correction and line how often each outcome came."""
    found: dict[tuple[str, int], dict[str, int]] = {}
    counted = decided.group_by("correction_id", "line", "outcome", maintain_order=True).len()
    for correction_id, line, outcome, number in counted.iter_rows():
        found.setdefault((correction_id, line), {})[outcome] = number
    return found
