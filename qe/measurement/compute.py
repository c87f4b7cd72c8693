"""Running one module: its events with every reason, rule and driving claim, and who they are attributed to."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl

from qe.claims import model
from qe.errors import Fault, Findings, MeasureError, OutOfResources, QeError
from qe.measurement import check, events, value_sets
from qe.measurement.attribute import attribute
from qe.measurement.attribute import lay_out as lay_out_attribution
from qe.measurement.facts import ParameterValue
from qe.measurement.list_coverage import ListCoverage
from qe.measurement.measure import Module, kind_of
from qe.periods import MeasurePeriod, months_before
from qe.warehouse import Warehouse

SQL = Path(__file__).parent / "sql"
RISK = Path(model.__file__).parent / "risk"
OWN_FAMILIES = ("age", "sex", "payer_line", "cohort")


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Which days the data hold. Dates are None in an empty model.

    first_month        first day of the first month in which anyone is covered
    last_day           last day of the last such month, or of the last service where that is later
    has_look_back      the months that the module looks back to are there
    has_run_out        the days after the period that the module needs are there
    """

    first_month: date | None
    last_day: date | None
    has_look_back: bool
    has_run_out: bool

    def as_facts(self) -> dict[str, object]:
        return {
            "first_month": self.first_month.isoformat() if self.first_month else None,
            "last_day": self.last_day.isoformat() if self.last_day else None,
            "has_look_back": self.has_look_back,
            "has_run_out": self.has_run_out,
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class MeasureEvents:
    """All that one run of a module found. Frames are sorted and hold no name.

    deviations   departures from the specification, in a stated order; any makes kind "alternative"
    events       one row a (measure_id, event_id): measure_id, event_id, person_id, index_date, facility_id, cohort,
                 payer_type, exposure, in_denominator, exclusion_reasons (all), in_numerator, value, amount, rule_ids,
                 driving_claim_ids, and the module's own columns
    attribution  one row a person or event and level: who, by which step, by how much, and the runner-up
    attributed   measure_id, event_id, level, provider_id: what results are grouped by
    covariates   event_id, factor, value (absent is 0)
    learnt       by part, what the module took from everybody's claims: its columns are the part's own
    waterfall    measure_id, step, events, persons: eligible, then each rule's exclusions at the event's first reason,
                 then denominator (what is left) and numerator
    """

    module: Module
    period: MeasurePeriod
    parameters: Mapping[str, ParameterValue]
    attribution_method: str | None
    deviations: tuple[str, ...]
    kind: str
    coverage: Coverage
    lists: ListCoverage = field(default_factory=ListCoverage)
    learnt: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    warnings: tuple[str, ...]
    events: pl.DataFrame
    attribution: pl.DataFrame
    attributed: pl.DataFrame
    covariates: pl.DataFrame
    waterfall: pl.DataFrame


def compute(
    db: Warehouse,
    module: Module,
    *,
    period: MeasurePeriod,
    parameters: Mapping[str, object],
    attribution: str | None,
    lists: Path | None,
    window_months: int = 12,
    learnt: Mapping[str, pl.DataFrame] | None = None,
) -> MeasureEvents:
    """The events of `module` over `period` on the claims model in `db`.

    db           best a locked, read-only connection: only temporary tables are made, and dropped again
    parameters   chosen [parameters]; the others take their defaults
    attribution  a method of qe/measurement/attribution, or None: then a facility's events are its own
    lists        the site's folder of licensed lists, or None
    learnt       of the run that is corrected: these rows stand for what the module's learnt parts would find
    """
    read = value_sets.read(module, licensed=lists)
    value_sets.lay_out(db, read)
    try:
        return compute_on_lists(
            db,
            module,
            period=period,
            parameters=parameters,
            attribution=attribution,
            window_months=window_months,
            lists=ListCoverage.of(read),
            learnt=learnt,
        )
    finally:
        value_sets.clear(db)


def compute_on_lists(
    db: Warehouse,
    module: Module,
    *,
    period: MeasurePeriod,
    parameters: Mapping[str, object],
    attribution: str | None,
    window_months: int = 12,
    lists: ListCoverage | None = None,
    learnt: Mapping[str, pl.DataFrame] | None = None,
) -> MeasureEvents:
    """`compute` where the module's lists are laid out already (value_sets.lay_out) and stay.

    lists  what of them is missing or invented; None where the caller does not ask (worked cases)
    """
    faults = [fault for stem in module.sql for fault in check.syntax_faults(module, stem)]
    if faults:
        raise MeasureError.of(faults)
    values = module.with_parameters(dict(parameters))
    model.create_macros(db)
    try:
        return _compute(db, module, period, values, attribution, window_months, lists or ListCoverage(), learnt)
    except duckdb.Error as error:
        raise _failed(module, f"measures/{module.folder.name}: attribution or assembly", error) from None
    finally:
        clear(db, module)


def _compute(
    db: Warehouse,
    module: Module,
    period: MeasurePeriod,
    values: dict[str, ParameterValue],
    method: str | None,
    window_months: int,
    lists: ListCoverage,
    learnt: Mapping[str, pl.DataFrame] | None,
) -> MeasureEvents:
    lay_out_population(db, module, period, values, learnt=learnt)
    if module.reads_attribution():
        lay_out_attribution(db, module, period=period, months=window_months)
    not_computed = {*module.laid_out(), "claims"}  # laid out as tables; read when a figure is explained
    frames = {stem: rows_of(db, module, stem, period, values) for stem in module.sql if stem not in not_computed}
    considered = db.query("select * from temp.population")
    payer = db.frame(SQL / "event_payer.sql")
    exclusions = {stem: frame for stem, frame in frames.items() if kind_of(stem) == "exclusions"}
    found = events.assemble(module, considered, exclusions, frames["numerator"], payer)
    attribution = attribute(db, module, method, period=period, months=window_months)
    covered = coverage(db, module, period)
    deviations = (*_deviations(module, period, values, covered), *lists.deviations())
    return MeasureEvents(
        module=module,
        period=period,
        parameters=values,
        attribution_method=method,
        deviations=deviations,
        kind=module.standing(deviations),
        coverage=covered,
        lists=lists,
        learnt={part: in_order(db.query(f"select * from temp.{part}")) for part in module.facts.learnt},
        warnings=(*window_messages(module, period, covered), *lists.messages(module)),
        events=found,
        attribution=attribution,
        attributed=events.attributed(module, found, attribution, method),
        covariates=_covariates(db, module, found, frames.get("covariates")),
        waterfall=events.waterfall(found),
    )


def coverage(db: Warehouse, module: Module, period: MeasurePeriod) -> Coverage:
    """Which days the data in `db` hold, measured against the module's window."""
    row = db.frame(SQL / "coverage.sql").row(0, named=True)
    window = module.facts.window
    first, last = (
        row["first_month"],
        max((row[name] for name in ("last_day", "last_service_date") if row[name]), default=None),
    )
    run_out_end = period.end + timedelta(days=window.run_out_days)
    return Coverage(
        first_month=first,
        last_day=last,
        has_look_back=first is not None
        and first <= months_before(period.start, window.look_back_months).replace(day=1),
        has_run_out=last is not None and last >= run_out_end,
    )


def window_messages(module: Module, period: MeasurePeriod, covered: Coverage) -> list[str]:
    """What the data lack for this module's window, one sentence each, naming the module and the days."""
    window = module.facts.window
    messages = []
    if not covered.has_look_back:
        needed = months_before(period.start, window.look_back_months).isoformat()
        held = covered.first_month.isoformat() if covered.first_month else "no month"
        messages.append(
            f"{module.id} looks back {window.look_back_months} months, to {needed}; the data begin with {held}"
        )
    if not covered.has_run_out:
        needed = (period.end + timedelta(days=window.run_out_days)).isoformat()
        held = covered.last_day.isoformat() if covered.last_day else "no month"
        messages.append(
            f"{module.id} needs {window.run_out_days} days after the period, to {needed}; the data end with {held}"
        )
    return messages


def require_window(db: Warehouse, module: Module, period: MeasurePeriod) -> None:
    """Refuse, by name, a module whose look-back or run-out the data do not hold (`qe run`; `compute` only warns)."""
    covered = coverage(db, module, period)
    if module.facts.window.short_look_back == "deviation":
        covered = replace(covered, has_look_back=True)
    messages = window_messages(module, period, covered)
    if messages:
        raise Findings.of(
            [
                Fault(
                    code="window",
                    message=message,
                    place=module.id,
                    remedy="Wait for the data, or leave the measure out.",
                )
                for message in messages
            ]
        )


def _deviations(
    module: Module, period: MeasurePeriod, values: dict[str, ParameterValue], covered: Coverage
) -> tuple[str, ...]:
    """Departures of this run: the standing ones, chosen parameters, days that are not those of the specification."""
    found = list(module.standing_deviations())
    found += module.chosen_deviations(values)
    window = module.facts.window
    whole = period.start == months_before(period.end + timedelta(days=1), window.months)
    in_year = not window.calendar_year or (period.end.month, period.end.day) == (12, 31)
    if not (whole and in_year and covered.has_look_back and covered.has_run_out):
        found.append("period")
    return tuple(found)


def lay_out_population(
    db: Warehouse,
    module: Module,
    period: MeasurePeriod,
    values: dict[str, ParameterValue],
    *,
    learnt: Mapping[str, pl.DataFrame] | None = None,
) -> None:
    """The temporary table `population`, and those of the module's parts. learnt: of a run before, all that the module learns."""
    if learnt is not None and (missing := [part for part in module.facts.learnt if part not in learnt]):
        raise MeasureError(
            f"{module.id}: the run that was sent kept no {', '.join(missing)}",
            remedy="Run again and re-issue the reports.",
        )
    for stem in module.laid_out():
        sql = module.sql[stem]
        is_kept = learnt is not None and stem in module.facts.learnt
        given = check.bindings(module, sql, values, start=period.start, end=period.end)
        try:
            rows = f"select * from (\n{sql}\n) limit 0" if is_kept else sql  # kept rows take the types of computed ones
            db.connection.execute(f"create or replace temp table {stem} as {rows}", given)
            if learnt is not None and is_kept:
                if learnt[stem].columns != db.query(f"select * from temp.{stem}").columns:
                    raise MeasureError(
                        f"{module.id}: the run that was sent kept other columns of {stem}",
                        remedy="Correct by the version of the measure that was sent.",
                    )
                db.insert(stem, learnt[stem])
        except duckdb.Error as error:
            raise _failed(module, module.place(stem), error) from None


def in_order(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of a learnt part in the one order in which two runs have them."""
    return rows.sort(rows.columns)


def clear(db: Warehouse, module: Module) -> None:
    """Drop what was laid out for the module's files."""
    for stem in (*module.laid_out(), "attribution"):
        db.execute(f"drop table if exists temp.{stem}")


def rows_of(
    db: Warehouse, module: Module, stem: str, period: MeasurePeriod, values: dict[str, ParameterValue]
) -> pl.DataFrame:
    """The rows of one file of the module."""
    sql = module.sql[stem]
    given = check.bindings(module, sql, values, start=period.start, end=period.end)
    try:
        return db.query(sql, **(given or {}))
    except duckdb.Error as error:
        raise _failed(module, module.place(stem), error) from None


def _failed(module: Module, place: str, error: duckdb.Error) -> QeError:
    """DuckDB's message may hold values of claims, so only its kind is told."""
    if isinstance(error, duckdb.OutOfMemoryException) or "No space left" in str(error):
        return OutOfResources(
            f"{module.id}: there is not enough memory or disk to measure it",
            remedy="Free some, or raise memory_gib; `qe run --resume` goes on from here.",
        )
    return MeasureError(
        f"{place} failed while running ({type(error).__name__})",
        remedy="Run `qe measures check`; if it passes, a value of the data does not fit a cast in this file.",
    )


def _covariates(db: Warehouse, module: Module, found: pl.DataFrame, own: pl.DataFrame | None) -> pl.DataFrame:
    """event_id, factor, value of all families that [scoring] names; the module's own file wins over the engine."""
    schema = {"event_id": pl.String, "factor": pl.String, "value": pl.Float64}
    frames = [pl.DataFrame(schema=schema)]
    if own is not None:
        frames.append(own.select(pl.col(name).cast(kind) for name, kind in schema.items()))
    given = {factor.split(":")[0] for factor in frames[-1]["factor"].unique()}
    for family in (name for name in module.scoring.families if name not in given):
        frame = _family(db, found, family)
        if frame is None and own is None:
            raise MeasureError(
                f'measures/{module.folder.name}: nothing gives the covariate "{family}"', remedy="Add covariates.sql."
            )
        if frame is not None:
            frames.append(frame.select(pl.col(name).cast(kind) for name, kind in schema.items()))
    stacked = pl.concat(frames).drop_nulls().sort("event_id", "factor")
    if stacked.select("event_id", "factor").is_duplicated().any():
        raise MeasureError(f"{module.place('covariates')}: an event has the same factor more than once")
    return stacked


def _family(db: Warehouse, found: pl.DataFrame, family: str) -> pl.DataFrame | None:
    """The rows of a factor family that the engine or qe/claims/risk knows, or None."""
    if family in ("payer_line", "cohort"):
        column = "payer_type" if family == "payer_line" else "cohort"
        rows = found.select("event_id", column).unique().drop_nulls()
        return rows.select("event_id", factor=pl.concat_str(pl.lit(f"{family}:"), column), value=pl.lit(1.0))
    for sql_file in (SQL / f"factor_{family}.sql", RISK / f"{family}.sql"):
        if sql_file.is_file():
            return db.frame(sql_file)
    return None
