"""Attribution by a named method: attribution/<method>.sql over the event tables and the running module's population."""

from datetime import date
from pathlib import Path

import polars as pl

from qe.closed_toml import suggestion
from qe.errors import InputError
from qe.measurement.measure import Module
from qe.periods import MeasurePeriod, months_before
from qe.warehouse import Warehouse

FOLDER = Path(__file__).parent / "attribution"
WINDOW_MONTHS = 12
FIRST_PERFORMANCE_YEAR = 2012  # 42 CFR 425.400(c)(1)(i): earlier windows are judged by the first list of services
EMERGENCY = (date(2020, 1, 27), date(2023, 5, 11))  # COVID-19 public health emergency, 42 CFR 400.200
# driving_claim_ids: the claims of the winner's deciding services, in time order
SCHEMA: dict[str, pl.DataType] = {
    "person_id": pl.String(),
    "event_id": pl.String(),
    "method": pl.String(),
    "level": pl.String(),
    "unit_id": pl.String(),
    "step": pl.Int32(),
    "allowed_amount": pl.Decimal(14, 2),
    "visits": pl.Int32(),
    "last_service_date": pl.Date(),
    "share": pl.Decimal(9, 6),
    "rank": pl.Int32(),
    "weight": pl.Decimal(9, 6),
    "tie_break": pl.String(),
    "runner_up_id": pl.String(),
    "driving_claim_ids": pl.List(pl.String()),
}


def methods() -> list[str]:
    """Names of the methods that ship with qe."""
    return sorted(path.stem for path in FOLDER.glob("*.sql"))


def window(module: Module, period: MeasurePeriod, *, months: int = WINDOW_MONTHS) -> MeasurePeriod:
    """The days whose visits decide: the months that end with the period, or (prospective) those before it."""
    if module.facts.attribution.timing == "retrospective":
        return MeasurePeriod(start=months_before_next_day(period.end, months), end=period.end)
    end = date.fromordinal(period.start.toordinal() - 1)
    return MeasurePeriod(start=months_before(period.start, months), end=end)


def months_before_next_day(end: date, months: int) -> date:
    """First day of the `months` months that end on `end`."""
    return months_before(date.fromordinal(end.toordinal() + 1), months)


def attribute(
    db: Warehouse, module: Module, method: str | None, *, period: MeasurePeriod, months: int = WINDOW_MONTHS
) -> pl.DataFrame:
    """One row a person (or event) and level, by `method`; no rows without one. Needs the temporary `population`."""
    if method is None:
        return pl.DataFrame(schema=SCHEMA)
    if method not in methods():
        raise InputError(
            f'there is no attribution method "{method}"{suggestion(method, methods())}',
            remedy=f"Methods: {', '.join(methods())}.",
        )
    span = window(module, period, months=months)
    _lay_out_lists(db)
    sql_file = FOLDER / f"{method}.sql"
    if "attribution_visit" in sql_file.read_text(encoding="utf-8"):
        db.run(FOLDER / "tables" / "attribution_visit.sql", window_start=span.start, window_end=span.end)
    frame = db.frame(
        sql_file,
        window_start=span.start,
        window_end=span.end,
        performance_year=max(span.end.year, FIRST_PERFORMANCE_YEAR),
        in_emergency=span.start <= EMERGENCY[1] and span.end >= EMERGENCY[0],
    )
    for table in ("attribution_code", "attribution_specialty", "attribution_visit"):
        db.execute(f"drop table if exists temp.{table}")
    return frame.select([pl.col(name).cast(kind) for name, kind in SCHEMA.items()])


def lay_out(db: Warehouse, module: Module, *, period: MeasurePeriod, months: int = WINDOW_MONTHS) -> None:
    """The temporary table `attribution`: what the module's own method gives, for SQL of the module that reads it."""
    found = attribute(db, module, module.facts.attribution.method, period=period, months=months)
    db.run(FOLDER / "tables" / "attribution.sql")
    db.insert("attribution", found)


def _lay_out_lists(db: Warehouse) -> None:
    """Temporary tables attribution_code and attribution_specialty from the CSV files beside the methods."""
    db.run(FOLDER / "tables" / "attribution_code.sql")
    db.run(FOLDER / "tables" / "attribution_specialty.sql")
    db.insert("attribution_code", _csv("primary_care_code.csv", whole=("year_from", "year_to")))
    db.insert("attribution_specialty", _csv("specialty.csv"))


def _csv(name: str, *, whole: tuple[str, ...] = ()) -> pl.DataFrame:
    rows = pl.read_csv(FOLDER / name, infer_schema=False)
    return rows.with_columns(pl.col(column).cast(pl.Int32) for column in whole)
