"""Expected cost where several payers are combined: each payer line by its own model, never one score across payers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from qe.errors import Fault, InputError

MEDICARE: Final = frozenset({"medicare", "medicare_advantage"})
HISTORY: Final = (
    12  # months in view before the year; with fewer, diagnoses are not known well enough to tell persons apart
)
TURNING_65: Final = 64  # years on 1 February; younger persons are in Medicare by disability or kidney disease alone


@dataclass(frozen=True, kw_only=True)
class ModelUse:
    """For whom a risk model was made.

    payer_types     payer lines; Medicare's two may share a model, no other two may
    is_demographic  it needs no diagnoses: the model of persons with under 12 months of history
    of_medicare     under 65 it is for persons entitled by disability or kidney disease
    """

    payer_types: frozenset[str]
    is_demographic: bool
    of_medicare: bool = False

    def __post_init__(self) -> None:
        if not self.payer_types or (len(self.payer_types) > 1 and not self.payer_types <= MEDICARE):
            raise InputError(
                "a risk model is for one payer line, or for Medicare's two; never one model across payers",
                remedy="Declare a model for each payer line; each is normalised by itself.",
            )


def hcc_name(model: str, segment: str) -> str:
    """The name of the model behind a CMS-HCC score of `segment` (risk_scores.cms_hcc.score)."""
    return f"CMS-HCC {model} new enrollee" if segment in ("NE", "SNPNE") else f"CMS-HCC {model}"


CMS_HCC: Final = {
    hcc_name(model, segment): ModelUse(payer_types=MEDICARE, is_demographic=segment == "NE", of_medicare=True)
    for model in ("V24", "V28")
    for segment in ("CNA", "NE")
}


@dataclass(frozen=True, kw_only=True)
class Stratum:
    """One payer line and model: its reference population's mean cost a member month and mean risk; O and E of all its persons."""

    payer_type: str
    model: str
    persons: int
    member_months: float
    mean_pmpm: float
    mean_risk: float
    observed: float
    expected: float


@dataclass(frozen=True, kw_only=True)
class PayerExpected:
    """rows: person_id, payer_type, observed, expected (dollars, floats), by person and payer; strata by payer line and model."""

    rows: pl.DataFrame
    strata: tuple[Stratum, ...]


def expected_cost(persons: pl.DataFrame, *, models: Mapping[str, ModelUse]) -> PayerExpected:
    """E = mean cost a month of the payer line x risk / mean risk x member months; sum E = sum O in the reference population.

    Means are of the reference population of one payer line and model, weighted by member months.

    persons  one row a person and payer line: person_id, payer_type, age (years), entitlement_reason ("0" to "3", NULL outside
             Medicare), prior_months (in view before the year), member_months (> 0), allowed_amount (dollars), risk (raw, >= 0),
             model (a name of `models` or CMS_HCC), is_reference (belongs to the population that sets the means)
    models   the payers' own models by name; CMS-HCC V24 and V28 are known

    InputError counts the persons to whom a model was applied that was not made for them, and names strata without reference.

    Source: statistics.md, section 3, combined populations.
    """
    uses = {**CMS_HCC, **models}
    known = persons.with_columns(
        observed=pl.col("allowed_amount").cast(pl.Float64), months=pl.col("member_months").cast(pl.Float64)
    )
    faults = _misapplied(known, uses)
    if faults:
        raise InputError.of(faults)
    strata = ["payer_type", "model"]
    weighed = (pl.col("risk") * pl.col("months")).sum()
    means = (
        known.filter("is_reference")
        .group_by(strata)
        .agg(mean_pmpm=pl.col("observed").sum() / pl.col("months").sum(), mean_risk=weighed / pl.col("months").sum())
    )
    joined = known.join(means, on=strata, how="left").sort("person_id", "payer_type")
    without = joined.filter(~(pl.col("mean_risk") > 0).fill_null(False)).select(strata).unique().sort(strata)
    if without.height:
        listed = "; ".join(f"{model} on {payer}" for payer, model in without.iter_rows())
        raise InputError(
            f"{without.height} payer lines and models have no reference population with a risk above 0: {listed}",
            remedy="Mark the persons by whom the payer's mean cost and mean risk are told (is_reference).",
        )
    per_month = pl.col("mean_pmpm") * pl.col("risk") / pl.col("mean_risk")
    rows = joined.with_columns(expected=per_month * pl.col("months"))
    return PayerExpected(
        rows=rows.select("person_id", "payer_type", "observed", "expected"),
        strata=tuple(
            Stratum(**row)
            for row in rows.group_by(strata)
            .agg(
                pl.first("mean_pmpm", "mean_risk"),
                pl.sum("observed", "expected"),
                persons=pl.len(),
                member_months=pl.sum("months"),
            )
            .sort(strata)
            .iter_rows(named=True)
        ),
    )


def by_provider(rows: pl.DataFrame, attributed: pl.DataFrame) -> pl.DataFrame:
    """Sum O / sum E of each provider: over all payers ("all") and for each payer line, which is always shown beside it.

    rows        as `expected_cost` gives them
    attributed  person_id, provider_id

    Columns: provider_id, payer_type, persons, observed, expected, ratio; by provider and payer.
    """
    mine = attributed.select("person_id", "provider_id").join(rows, on="person_id", how="inner")
    both = pl.concat([mine, mine.with_columns(payer_type=pl.lit("all"))]).sort("provider_id", "payer_type", "person_id")
    return (
        both.group_by("provider_id", "payer_type", maintain_order=True)
        .agg(pl.sum("observed", "expected"), persons=pl.col("person_id").n_unique())
        .with_columns(ratio=pl.col("observed") / pl.col("expected"))
        .select("provider_id", "payer_type", "persons", "observed", "expected", "ratio")
    )


def _misapplied(persons: pl.DataFrame, uses: Mapping[str, ModelUse]) -> list[Fault]:
    """Why a risk score does not stand for the person it was given to, by model."""
    bad = ~(pl.col("risk").is_finite() & (pl.col("risk") >= 0) & (pl.col("months") > 0)).fill_null(False)
    key = ["person_id", "payer_type"]
    checks: list[tuple[str, pl.Expr]] = [
        ("a risk, month count or amount that is missing or out of range", bad | pl.col("observed").is_null()),
        ("more than one row for a payer line", pl.struct(key).is_duplicated()),
        ("a model that is not declared", ~pl.col("model").is_in(list(uses)).fill_null(False)),
    ]
    for name, use in uses.items():
        by_it = pl.col("model") == name
        others = ~pl.col("payer_type").is_in(list(use.payer_types)).fill_null(False)
        checks.append((f"{name}, which was not made for their payer", by_it & others))
        if use.of_medicare:
            entitled = pl.col("entitlement_reason").is_in(("1", "2", "3")).fill_null(False)
            young = (pl.col("age") < TURNING_65).fill_null(True)
            checks.append((f"{name} under {TURNING_65} without disability entitlement", by_it & young & ~entitled))
        if not use.is_demographic:
            short = (pl.col("prior_months") < HISTORY).fill_null(True)
            checks.append((f"{name} with under {HISTORY} months of history", by_it & short))
    counts = persons.select(check.sum().alias(said) for said, check in checks).row(0)
    remedy = (
        "Give each person the model of the own payer line; with a short history, its demographic (new-enrollee) model."
    )
    return [
        Fault(
            code="risk-misapplied",
            message=f"{count:,} of {persons.height:,} persons have {said}",
            count=count,
            remedy=remedy,
        )
        for (said, _), count in zip(checks, counts, strict=True)
        if count
    ]
