"""The claims and fills that events rest on: what `qe explain` follows down to the lines of received files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from qe.claims import model
from qe.measurement import value_sets
from qe.measurement.compute import clear, lay_out_population, rows_of
from qe.measurement.measure import Module
from qe.periods import MeasurePeriod
from qe.warehouse import Warehouse

SQL: Final = Path(__file__).parent / "sql"
SCHEMA: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "event_id": pl.String,
    "kind": pl.String,
    "claim_id": pl.String,
    "use": pl.String,
    "amount": pl.Decimal(14, 2),
    "part": pl.String,
}


def claims_behind(
    db: Warehouse,
    module: Module,
    events: pl.DataFrame,
    *,
    period: MeasurePeriod,
    parameters: Mapping[str, object],
    lists: Path | None,
) -> pl.DataFrame:
    """One row an event and claim or fill: event_id, kind (claim, fill), claim_id, use, amount, part; in the events' order.

    use     "counted": claims.sql of the module gives it, and `amount` is what it adds to the event's amount (NULL where
            the module adds up no dollars); "decisive": a rule rests on it (driving_claim_ids)
    part    the kind of care that a counted dollar is shown under, or NULL
    events  detail rows: event_id, person_id, driving_claim_ids and, where claims.sql tells measures apart, measure_id are read

    Claims and fills are numbered apart: what a decisive number means is decided by whose of the two is this person's.
    """
    order = events.select("event_id").unique(maintain_order=True).with_row_index("place")
    asked = events["measure_id"].unique().to_list() if "measure_id" in events.columns else module.measure_ids[:1]
    counted = _counted(db, module, order["event_id"].to_list(), asked, period, parameters, lists)
    driving = (
        events.select("event_id", "person_id", claim_id="driving_claim_ids")
        .explode("claim_id", keep_nulls=False, empty_as_null=False)
        .unique(maintain_order=True)
        .join(counted, on=["event_id", "claim_id"], how="anti", maintain_order="left")
        .with_columns(use=pl.lit("decisive"), amount=pl.lit(None), part=pl.lit(None))
    )
    driving = _with_kinds(db, driving)
    stacked = pl.concat(
        [part.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items()) for part in (counted, driving)]
    )
    return stacked.join(order, on="event_id", maintain_order="left").sort("place", maintain_order=True).drop("place")


def _with_kinds(db: Warehouse, driving: pl.DataFrame) -> pl.DataFrame:
    """The decisive numbers with their kind: claim where the person has a claim of this number, else fill."""
    of_persons = db.frame(SQL / "driving_kind.sql", claim_ids=driving["claim_id"].unique().to_list())
    own = of_persons.unique(["claim_id", "person_id"], keep="first", maintain_order=True)
    return driving.join(own, on=["claim_id", "person_id"], how="left", maintain_order="left").with_columns(
        pl.col("kind").fill_null("claim")
    )


def _counted(
    db: Warehouse,
    module: Module,
    event_ids: Sequence[str],
    measure_ids: Sequence[str],
    period: MeasurePeriod,
    parameters: Mapping[str, object],
    lists: Path | None,
) -> pl.DataFrame:
    """The rows of claims.sql for these events and measures; none where the module has no such file."""
    if "claims" not in module.sql:
        return pl.DataFrame(schema=SCHEMA)
    values = module.with_parameters(dict(parameters))
    value_sets.lay_out(db, value_sets.read(module, licensed=lists))
    model.create_macros(db)
    try:
        lay_out_population(db, module, period, values)
        db.execute(
            "delete from temp.population where event_id not in (select unnest($event_ids))", event_ids=list(event_ids)
        )
        rows = rows_of(db, module, "claims", period, values)
    finally:
        clear(db, module)
        value_sets.clear(db)
    if "measure_id" in rows.columns:
        rows = rows.filter(pl.col("measure_id").is_in(list(measure_ids)))
    if "part" not in rows.columns:
        rows = rows.with_columns(part=pl.lit(None))
    return rows.rename({"event_kind": "kind"}).with_columns(use=pl.lit("counted"))
