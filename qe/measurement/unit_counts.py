"""Counts of a unit's own events: persons by attribution step, events excluded by rule, cost by service category."""

import polars as pl

from qe.measurement.compute import MeasureEvents

SCHEMA = {
    "measure_id": pl.String,
    "level": pl.String,
    "provider_id": pl.String,
    "kind": pl.String,
    "name": pl.String,
    "value": pl.Float64,
}
MEDICARE = ("medicare", "medicare_advantage")
COMPONENTS = ("inpatient", "outpatient", "professional", "post_acute", "pharmacy", "other")  # service categories


def unit_counts(found: MeasureEvents) -> pl.DataFrame:
    """One row a measure, level, unit, kind and name, sorted.

    kind persons    name all, medicare, other: distinct persons in the denominator
    kind step       name of the attribution step: distinct persons
    kind excluded   name of the rule: events of the unit with that reason
    kind component  name of a service category: its dollars per unit of exposure (measures with <name>_amount)
    """
    key = ["measure_id", "level", "provider_id"]
    rows = found.attributed.join(found.events, on=["measure_id", "event_id"], how="inner")
    inside = rows.filter("in_denominator")
    scope = pl.when(pl.col("payer_type").is_in(list(MEDICARE))).then(pl.lit("medicare")).otherwise(pl.lit("other"))
    persons = pl.col("person_id").n_unique().cast(pl.Float64).alias("value")
    parts = [
        inside.group_by(key).agg(persons).with_columns(kind=pl.lit("persons"), name=pl.lit("all")),
        inside.with_columns(name=scope).group_by(*key, "name").agg(persons).with_columns(kind=pl.lit("persons")),
        _steps(found, inside, key).with_columns(kind=pl.lit("step")),
        rows.select(*key, name=pl.col("exclusion_reasons"))
        .explode("name", keep_nulls=False, empty_as_null=False)
        .group_by(*key, "name")
        .agg(pl.len().cast(pl.Float64).alias("value"))
        .with_columns(kind=pl.lit("excluded")),
        *_components(inside, key),
    ]
    return pl.concat([part.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items()) for part in parts]).sort(
        list(SCHEMA)
    )


def _steps(found: MeasureEvents, inside: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    steps = found.attribution.filter(pl.col("weight") > 0).select(
        "person_id", "level", provider_id="unit_id", name=pl.col("step").cast(pl.String)
    )
    joined = inside.select(*key, "person_id").unique().join(steps.unique(), on=["person_id", "level", "provider_id"])
    return joined.group_by(*key, "name").agg(pl.col("person_id").n_unique().cast(pl.Float64).alias("value"))


def _components(inside: pl.DataFrame, key: list[str]) -> list[pl.DataFrame]:
    """Dollars per unit of exposure by category, summed in a fixed order as decimals before they are divided."""
    names = [name for name in COMPONENTS if f"{name}_amount" in inside.columns]
    ordered = inside.sort([*key, "event_id"])  # of a measure without the column every row is NULL
    exposure = pl.col("exposure").sum().cast(pl.Float64)
    return [
        ordered.group_by(key, maintain_order=True)
        .agg(value=pl.col(f"{name}_amount").sum().cast(pl.Float64) / exposure, told=pl.col(f"{name}_amount").count())
        .filter(pl.col("told") > 0)
        .with_columns(kind=pl.lit("component"), name=pl.lit(name))
        for name in names
    ]
