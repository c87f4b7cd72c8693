"""Running worked cases: their rows, the events derived from them, and what the module makes of these.

A case that is asked for alone stands alone (`run`, `failures`). All cases of a file are run in as few claims models as they
fit into (`failures_of`): those with the same period, parameters and providers together, every person, claim and fill under
its case's mark. There they do not meet, unless a rule is about all people (a percentile, the marks of every hospital): the
cases of such rules say that they stand alone.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Final

import polars as pl

from qe.claims.events import derive_events
from qe.measurement import cases, events
from qe.measurement.cases import Case, CaseModel, Mismatch
from qe.measurement.compute import MeasureEvents, compute_on_lists
from qe.measurement.measure import Module

MARKED: Final = ("person_id", "claim_id", "fill_id", "superseded_by", "duplicate_of")  # ids that are a case's own
SEPARATOR: Final = "~"
COMPANY: Final = Mismatch(
    what="beside the other cases of the file (a case whose figures are of all people says alone = true)",
    expected="what comes out alone",
    found="something else",
)


def run(module: Module, case: Case, *, claims: CaseModel) -> MeasureEvents:
    """The events of one case. `claims` is emptied first and may be used for the next case."""
    claims.empty()
    cases.lay_out(claims.db, case)
    derive_events(claims.db)
    claims.lay_out_lists(module, case)
    return compute_on_lists(
        claims.db,
        module,
        period=cases.period_of(case),
        parameters=case.parameters,
        attribution=case.attribution,
    )


def failures(module: Module, case: Case, *, claims: CaseModel) -> list[Mismatch]:
    """What came out otherwise than the case says, when it is run alone."""
    found = run(module, case, claims=claims)
    return _mismatches(case, found.events, found.covariates, found.attributed, module)


def failures_of(module: Module, listed: Sequence[Case], *, claims: CaseModel) -> dict[str, list[Mismatch]]:
    """What came out otherwise than each case says, by its id in the order of `listed`."""
    found: dict[str, list[Mismatch]] = {}
    for together in _fitting(listed):
        made = run(module, _merged(together), claims=claims)
        for case in together:
            own = made.events.filter(pl.col("person_id").str.starts_with(_mark(case)))
            found[case.id] = _mismatches(
                case,
                _unmarked(own, case),
                _unmarked(_of_events(made.covariates, own), case),
                _unmarked(_of_events(made.attributed, own), case),
                module,
            )
            if found[case.id] and len(together) > 1 and not failures(module, case, claims=claims):
                found[case.id].append(COMPANY)
    return {case.id: found[case.id] for case in listed}


def _mismatches(
    case: Case, found: pl.DataFrame, covariates: pl.DataFrame, attributed: pl.DataFrame, module: Module
) -> list[Mismatch]:
    totals = events.totals(module, found)
    return cases.mismatches(case, events=found, covariates=covariates, attributed=attributed, totals=totals)


def _fitting(listed: Iterable[Case]) -> list[list[Case]]:
    """The cases that can share a claims model: all that is not under a case's mark is the same."""
    groups: dict[str, list[Case]] = {}
    for case in listed:
        common = {table: rows for table, rows in case.given.items() if not _is_marked(rows)}
        about = case.model_dump(include={"period", "parameters", "attribution", "open_slots"})
        about |= {"alone": case.id} if case.alone else {}
        groups.setdefault(json.dumps([about, common], sort_keys=True, default=str), []).append(case)
    return list(groups.values())


def _is_marked(rows: Sequence[cases.Row]) -> bool:
    return any(name in row for row in rows for name in MARKED)


def _merged(together: Sequence[Case]) -> Case:
    """One case with the rows of all, and what all of them share once."""
    first, *_ = together
    given: dict[str, list[cases.Row]] = {table: rows for table, rows in first.given.items() if not _is_marked(rows)}
    for case in together:
        for table, rows in case.given.items():
            if _is_marked(rows):
                given.setdefault(table, []).extend(_under_mark(row, case) for row in rows)
    return first.model_copy(update={"given": given})


def _mark(case: Case) -> str:
    return f"{case.id}{SEPARATOR}"


def _under_mark(row: cases.Row, case: Case) -> cases.Row:
    return row | {name: f"{_mark(case)}{row[name]}" for name in MARKED if row.get(name)}


def _of_events(frame: pl.DataFrame, own: pl.DataFrame) -> pl.DataFrame:
    return frame.join(own.select("event_id").unique(), on="event_id", how="semi")


def _unmarked(frame: pl.DataFrame, case: Case) -> pl.DataFrame:
    """The frame with the ids that the case wrote, alone or inside an event's id."""
    texts = [name for name, kind in frame.schema.items() if kind == pl.String()]
    lists = [name for name, kind in frame.schema.items() if kind == pl.List(pl.String())]
    plain = pl.element().str.replace_all(_mark(case), "", literal=True)
    return frame.with_columns(
        pl.col(*texts).str.replace_all(_mark(case), "", literal=True) if texts else [],
        pl.col(*lists).list.eval(plain) if lists else [],
    )
