"""Assembling a module's rows into events: each event considered has one row, with all reasons, rules and claims."""

from collections.abc import Mapping, Sequence

import polars as pl

from qe.errors import Fault, MeasureError
from qe.measurement.measure import Module

LISTS = pl.List(pl.String)
POPULATION_COLUMNS = (
    "measure_id", "event_id", "person_id", "index_date", "facility_id", "cohort", "exposure", "payer_type", "claim_ids",
    "rule_ids",
)  # fmt: skip
NUMERATOR_COLUMNS = ("measure_id", "event_id", "value", "amount", "exposure", "rule_ids", "claim_ids")
COLUMNS = (
    "measure_id", "event_id", "person_id", "index_date", "facility_id", "cohort", "payer_type", "exposure",
    "in_denominator", "exclusion_reasons", "in_numerator", "value", "amount", "rule_ids", "driving_claim_ids",
)  # fmt: skip
KEY = ["measure_id", "event_id"]


def assemble(
    module: Module,
    population: pl.DataFrame,
    exclusions: Mapping[str, pl.DataFrame],
    numerator: pl.DataFrame,
    payer: pl.DataFrame,
) -> pl.DataFrame:
    """One row a (measure_id, event_id) in the order of `COLUMNS`, then the module's own columns; sorted by the key.

    exclusions  rows by the name of their file in `Module.files`

    in_denominator is false exactly for events with an exclusion. An event without a numerator row has value 0 (a mean:
    none). driving_claim_ids: the event's own claims, then those of its reasons if it is excluded, else of the outcome.
    """
    considered = _population(module, population, payer)
    reasons = _reasons(module, exclusions, considered)
    outcome = _outcome(module, numerator, considered)
    own = [name for name in population.columns if name not in POPULATION_COLUMNS]
    own += [name for name in numerator.columns if name not in NUMERATOR_COLUMNS]
    if len(set(own)) < len(own):
        raise MeasureError(
            f"measures/{module.folder.name}: population.sql and numerator.sql return an own column of the same name"
        )
    empty = pl.lit([], dtype=LISTS)
    is_in = pl.col("exclusion_reasons").list.len() == 0
    joined = (
        considered.join(reasons, on=KEY, how="left", maintain_order="left")
        .join(outcome, on=KEY, how="left", maintain_order="left")
        .with_columns(
            pl.col(name).fill_null(empty)
            for name in ("exclusion_reasons", "reason_claims", "outcome_rules", "outcome_claims")
        )
        .with_columns(
            in_denominator=is_in,
            value=pl.col("value") if module.facts.kind == "mean" else pl.col("value").fill_null(0),
            exposure=pl.coalesce("outcome_exposure", "exposure"),
        )
        .with_columns(in_numerator=_in_numerator(module))
        .with_columns(
            rule_ids=_merged(pl.col("rule_ids"), pl.when(is_in).then("outcome_rules").otherwise("exclusion_reasons")),
            driving_claim_ids=_merged(
                pl.col("claim_ids"), pl.when(is_in).then("outcome_claims").otherwise("reason_claims")
            ),
        )
    )
    return joined.select(*COLUMNS, *own).sort(KEY)


def attributed(module: Module, events: pl.DataFrame, attribution: pl.DataFrame, method: str | None) -> pl.DataFrame:
    """measure_id, event_id, level, provider_id at the module's levels; without a method an event is its facility's."""
    if method is None:
        rows = events.filter(pl.col("facility_id").is_not_null()).select(
            *KEY, level=pl.lit("facility"), provider_id=pl.col("facility_id")
        )
        return rows.sort([*KEY, "level"])
    chosen = attribution.filter(pl.col("level").is_in(list(module.facts.attribution.levels)) & (pl.col("weight") > 0))
    chosen = chosen.rename({"unit_id": "provider_id"})
    by_event = events.join(chosen.filter(pl.col("event_id").is_not_null()).drop("person_id"), on="event_id")
    by_person = events.join(chosen.filter(pl.col("event_id").is_null()).drop("event_id"), on="person_id")
    columns = [*KEY, "level", "provider_id"]
    return pl.concat([by_event.select(columns), by_person.select(columns)]).sort(columns)


def waterfall(events: pl.DataFrame) -> pl.DataFrame:
    """measure_id, step, events, persons: eligible, R# (events whose first reason it is), denominator, numerator."""
    counts = [pl.len().alias("events"), pl.col("person_id").n_unique().alias("persons")]
    first = pl.col("exclusion_reasons").list.first()
    parts = [
        (0, events.group_by("measure_id").agg(counts).with_columns(step=pl.lit("eligible"))),
        (1, events.filter(~pl.col("in_denominator")).group_by("measure_id", step=first).agg(counts)),
        (
            2,
            events.filter("in_denominator").group_by("measure_id").agg(counts).with_columns(step=pl.lit("denominator")),
        ),
        (3, events.filter("in_numerator").group_by("measure_id").agg(counts).with_columns(step=pl.lit("numerator"))),
    ]
    columns = ["measure_id", "step", "events", "persons"]
    stacked = pl.concat([part.select(*columns, place=pl.lit(place)) for place, part in parts])
    number = pl.col("step").str.extract(r"(\d+)").cast(pl.Int64).fill_null(0)
    return stacked.with_columns(number=number).sort("measure_id", "place", "number").select(columns)


def totals(module: Module, events: pl.DataFrame) -> list[dict[str, object]]:
    """One entry a measure: denominator, excluded (events by each reason), numerator, exposure, observed (or None)."""
    entries: list[dict[str, object]] = []
    for measure_id in module.measure_ids:
        rows = events.filter(pl.col("measure_id") == measure_id)
        inside = rows.filter("in_denominator")
        exposure, value = inside["exposure"].sum(), inside["value"].sum()
        per_event = module.facts.kind in ("proportion", "mean")
        below = inside.height if per_event else exposure
        reasons = (
            rows.select(pl.col("exclusion_reasons").list.explode()).drop_nulls()["exclusion_reasons"].value_counts()
        )
        excluded = dict(sorted(reasons.iter_rows(), key=lambda item: rule_number(str(item[0]))))
        entries.append(
            {
                "measure_id": measure_id,
                "denominator": inside.height,
                "excluded": excluded,
                "numerator": inside["in_numerator"].sum() if module.facts.kind == "proportion" else value,
                "observed": float(value) / float(below) if below else None,
                "exposure": exposure,
            }
        )
    return entries


def rule_number(rule: str) -> tuple[int, str]:
    """Sorts R2 before R10."""
    digits = "".join(letter for letter in rule if letter.isdigit())
    return (int(digits or 0), rule)


def _population(module: Module, population: pl.DataFrame, payer: pl.DataFrame) -> pl.DataFrame:
    """The population with every contract column, one row a measure and event."""
    rows = population
    if "measure_id" not in rows.columns:
        rows = rows.join(pl.DataFrame({"measure_id": list(module.measure_ids)}), how="cross")
    for name, kind, default in (
        ("facility_id", pl.String, None),
        ("cohort", pl.String, None),
        ("exposure", pl.Decimal(18, 6), 1),
        ("claim_ids", LISTS, []),
    ):
        if name not in rows.columns:
            rows = rows.with_columns(pl.lit(default, dtype=kind).alias(name))
    rows = rows.with_columns(
        pl.col("exposure").cast(pl.Decimal(18, 6)), pl.col("claim_ids").fill_null(pl.lit([], dtype=LISTS))
    )
    if "payer_type" not in rows.columns:
        rows = rows.join(payer.select("event_id", "payer_type"), on="event_id", how="left", maintain_order="left")
    _require(module, "population", rows, required=["measure_id", "event_id", "person_id", "index_date"])
    strangers = set(rows["measure_id"]) - set(module.measure_ids)
    if strangers:
        raise MeasureError(f"{module.place('population')}: it returns a measure_id that measure.toml does not publish")
    return rows


def _reasons(module: Module, exclusions: Mapping[str, pl.DataFrame], considered: pl.DataFrame) -> pl.DataFrame:
    """measure_id, event_id, exclusion_reasons (by rule number), reason_claims (in that order)."""
    parts = []
    for stem, rows in exclusions.items():
        keyed = _keyed(module, stem, rows, considered)
        if keyed["rule_id"].str.extract(r"(\d+)").null_count():
            raise MeasureError(f"{module.place(stem)}: a rule_id is not a rule number like R5")
        parts.append(keyed.select(*KEY, "rule_id", pl.col("claim_ids").cast(LISTS)))
    ordered = (
        pl.concat(parts)
        .with_columns(number=pl.col("rule_id").str.extract(r"(\d+)").cast(pl.Int64))
        .with_columns(pl.col("claim_ids").fill_null(pl.lit([], dtype=LISTS)))
        .sort([*KEY, "number", "rule_id", "claim_ids"])
    )
    return ordered.group_by(KEY, maintain_order=True).agg(
        exclusion_reasons=pl.col("rule_id").unique(maintain_order=True),
        reason_claims=pl.col("claim_ids")
        .list.explode(keep_nulls=False, empty_as_null=False)
        .unique(maintain_order=True),
    )


def _outcome(module: Module, numerator: pl.DataFrame, considered: pl.DataFrame) -> pl.DataFrame:
    """The numerator's rows by measure and event: value, amount, outcome_exposure, outcome_rules, outcome_claims, own columns."""
    rows = _keyed(module, "numerator", numerator, considered)
    _require(module, "numerator", rows, required=["value"])
    if module.facts.kind == "proportion" and rows.filter(~pl.col("value").is_in([0, 1])).height:
        raise MeasureError(f"{module.place('numerator')}: the value of a proportion must be 0 or 1")
    if "amount" not in rows.columns:
        rows = rows.with_columns(amount=pl.lit(None, dtype=pl.Decimal(14, 2)))
    if "exposure" not in rows.columns:
        rows = rows.with_columns(exposure=pl.lit(None, dtype=pl.Decimal(18, 6)))
    return rows.with_columns(
        pl.col("value").cast(pl.Decimal(18, 6)),
        pl.col("amount").cast(pl.Decimal(14, 2)),
        pl.col("exposure").cast(pl.Decimal(18, 6)),
    ).rename({"rule_ids": "outcome_rules", "claim_ids": "outcome_claims", "exposure": "outcome_exposure"})


def _in_numerator(module: Module) -> pl.Expr:
    """Of a proportion or rate, a denominator event with a value above 0; else every one that has a value."""
    has_value = (
        pl.col("value").fill_null(0) > 0
        if module.facts.kind in ("proportion", "rate")
        else pl.col("value").is_not_null()
    )
    return pl.col("in_denominator") & has_value


def _keyed(module: Module, stem: str, rows: pl.DataFrame, considered: pl.DataFrame) -> pl.DataFrame:
    """Rows with measure_id (all measures when the file gives none); every event must be one of the population."""
    keys = considered.select(KEY)
    if "measure_id" not in rows.columns:
        unknown = rows.join(keys.unique("event_id"), on="event_id", how="anti").height
        rows = rows.join(keys, on="event_id", how="inner")
    else:
        unknown = rows.join(keys, on=KEY, how="anti").height
    if unknown:
        message = f"{module.place(stem)}: {unknown} rows name an event that population.sql does not return"
        raise MeasureError.of([Fault(code="unknown-event", message=message, count=unknown)])
    return rows


def _require(module: Module, stem: str, rows: pl.DataFrame, *, required: Sequence[str]) -> None:
    """One row a key, and no NULL where a value must stand."""
    faults = []
    twice = rows.height - rows.unique(KEY).height
    if twice:
        faults.append(
            Fault(
                code="event-twice",
                message=f"{module.place(stem)}: {twice} rows repeat an event",
                count=twice,
                remedy="One row an event.",
            )
        )
    for name in required:
        blank = rows[name].null_count()
        if blank:
            faults.append(
                Fault(code="blank", message=f"{module.place(stem)}: {name} is NULL in {blank} rows", count=blank)
            )
    if faults:
        raise MeasureError.of(faults)


def _merged(first: pl.Expr, second: pl.Expr) -> pl.Expr:
    """Both lists, each value once, in order."""
    return pl.concat_list(
        first.fill_null(pl.lit([], dtype=LISTS)), second.fill_null(pl.lit([], dtype=LISTS))
    ).list.unique(maintain_order=True)
