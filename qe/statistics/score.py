"""From attributed events to results of providers: observed, expected, intervals, peers, benchmarks and categories.

One row a measure, level, provider and payer scope. ci_low and ci_high belong to `ratio` where a measure has an expected value,
else to `observed`; so do the peers' quartiles. Events are summed in the order (measure, provider, event).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from qe.measurement.compute import MeasureEvents
from qe.statistics import intervals, risk_adjustment
from qe.statistics.comparison import SCOPES, PeerSettings, ScoringSettings, compared
from qe.statistics.design import Design, build
from qe.statistics.results import EXPECTED_SCHEMA, MODEL_SCHEMA, RESULT_ORDER, RESULT_SCHEMA, round_significant
from qe.statistics.risk_adjustment import RiskModel

Floats = NDArray[np.float64]

MEDICARE: Final = ("medicare", "medicare_advantage")
AGE_BANDS: Final = (0, 18, 45, 65, 75, 85, 120)  # years
LEAST_OF_A_CELL: Final = (
    50  # events of a payer line and age band by which calibration is told (statistics.md, correction 2)
)


@dataclass(frozen=True, kw_only=True)
class Scored:
    """results: RESULT_SCHEMA, sorted by RESULT_ORDER. model: MODEL_SCHEMA.

    expected  measure_id, event_id, expected: one row an event in the denominator of a measure with a risk model, rounded to
              12 significant digits; a provider's expected value is the sum of its events'
    """

    results: pl.DataFrame
    model: pl.DataFrame
    expected: pl.DataFrame


def score(found: MeasureEvents, *, units: pl.DataFrame, peers: PeerSettings, settings: ScoringSettings) -> Scored:
    """Score every measure of one module at each of its levels.

    units  unit_id, level, id_type, name, specialty, county_fips: one row a unit
    """
    results, models, expected = [], [], [pl.DataFrame(schema=EXPECTED_SCHEMA)]
    done: dict[str, tuple[pl.DataFrame, Fit]] = {}
    for measure in sorted(found.module.facts.measures, key=lambda one: one.quotient is not None):
        measure_id = measure.id
        events = found.events.filter(pl.col("measure_id") == measure_id).sort("event_id")
        if measure.quotient is None:
            inside, fitted = _with_expected(found, events.filter("in_denominator"))
            done[measure_id] = inside, fitted
        else:
            above, below = (done[term] for term in measure.quotient)
            inside, fitted = _as_quotient(events.filter("in_denominator"), above, below)
        models.append(_model_rows(measure_id, fitted))
        expected.append(inside.select(*EXPECTED_SCHEMA).drop_nulls())
        for level in sorted(found.attributed.filter(pl.col("measure_id") == measure_id)["level"].unique()):
            attributed = found.attributed.filter((pl.col("measure_id") == measure_id) & (pl.col("level") == level))
            rows = _providers(found, inside, events, attributed, fitted, settings)
            rows = compared(found, rows, units.filter(pl.col("level") == level), level, peers, settings)
            results.append(_as_results(found, measure_id, level, rows, units, fitted))
    empty = pl.DataFrame(schema=RESULT_SCHEMA)
    return Scored(
        results=pl.concat([empty, *results]).sort(RESULT_ORDER),
        model=pl.concat([pl.DataFrame(schema=MODEL_SCHEMA), *models]),
        expected=round_significant(pl.concat(expected)),
    )


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The fitted models of a measure by cohort ("" for the only one); and O/E by payer line, then by payer line and age."""

    models: Mapping[str, tuple[RiskModel, Design]]
    calibration: tuple[tuple[str, float], ...]
    has_expected: bool
    terms: tuple["Fit", ...] = ()  # of a quotient: the fits of the two measures whose quotient it is

    @property
    def is_quotient(self) -> bool:
        return bool(self.terms)

    @property
    def engine(self) -> str:
        engines = {model.engine for model, _ in self.models.values()} | {term.engine for term in self.terms}
        return "+".join(sorted(engines)) or "unadjusted"

    @property
    def converged(self) -> bool:
        return all(model.converged for model, _ in self.models.values()) and all(term.converged for term in self.terms)


def _with_expected(found: MeasureEvents, inside: pl.DataFrame) -> tuple[pl.DataFrame, Fit]:
    """The denominator's events with value, exposure and expected as floats, and the models behind `expected`."""
    scoring = found.module.scoring
    events = _as_floats(inside)
    if scoring.model == "none" or events.is_empty():
        fit = Fit(models={}, calibration=(), has_expected=scoring.model != "none")
        return events.with_columns(expected=pl.lit(None, dtype=pl.Float64)), fit
    cohort = pl.col(scoring.cohort).fill_null("") if scoring.cohort else pl.lit("")
    events = events.with_columns(model_cohort=cohort)
    models: dict[str, tuple[RiskModel, Design]] = {}
    parts = []
    for name in sorted(events["model_cohort"].unique()):
        part = events.filter(pl.col("model_cohort") == name)
        outcome, exposure = part["observed"].to_numpy(), part["exposed"].to_numpy()
        is_event = scoring.model == "logistic"
        counted = outcome if is_event or found.module.facts.kind == "rate" else None
        design = build(found.covariates, part["event_id"].to_list(), scoring.covariates, counted)
        model = (
            risk_adjustment.logistic(outcome, design)
            if is_event
            else risk_adjustment.mean_cost(outcome, exposure, design)
        )
        models[name] = (model, design)
        parts.append(part.with_columns(expected=pl.Series(model.expected)))
    joined = pl.concat(parts).sort("event_id")
    observed, expected = joined["observed"].to_numpy(), joined["expected"].to_numpy()
    lines = joined["line"].to_numpy().astype(np.str_)
    cells = [f"{line}{band}" for line, band in zip(lines, _age_bands(found.covariates, joined), strict=True)]
    calibration = (
        *risk_adjustment.calibration(observed, expected, lines, least=0),
        *risk_adjustment.calibration(observed, expected, np.array(cells, dtype=np.str_), least=LEAST_OF_A_CELL),
    )
    if scoring.model != "logistic":
        joined = joined.with_columns(expected=pl.Series(risk_adjustment.scaled(expected, observed, lines)))
    return joined, Fit(models=models, calibration=calibration, has_expected=True)


def _as_floats(events: pl.DataFrame) -> pl.DataFrame:
    return events.with_columns(
        observed=pl.col("value").cast(pl.Float64),
        exposed=pl.col("exposure").cast(pl.Float64),
        line=pl.col("payer_type").fill_null("unknown"),
    )


def _as_quotient(
    inside: pl.DataFrame, above: tuple[pl.DataFrame, Fit], below: tuple[pl.DataFrame, Fit]
) -> tuple[pl.DataFrame, Fit]:
    """The events of a quotient with what is expected of its two terms; of one event alone it expects nothing.

    above, below  the events and fits of the measure that is divided and of the one that it is divided by
    """
    first = above[0].select("event_id", size="exposure", expected_above="expected")
    second = below[0].select("event_id", expected_below="expected")
    events = (
        _as_floats(inside)
        .with_columns(expected=pl.lit(None, dtype=pl.Float64))
        .join(first, on="event_id", how="left", maintain_order="left")
        .join(second, on="event_id", how="left", maintain_order="left")
    )
    return events, Fit(models={}, calibration=(), has_expected=True, terms=(above[1], below[1]))


def _age_bands(covariates: pl.DataFrame, events: pl.DataFrame) -> list[str]:
    """ ", age 65-74" of each event whose age the covariates hold, else ""."""
    age = covariates.filter(pl.col("factor") == "age").unique("event_id", keep="first", maintain_order=True)
    age = age.select("event_id", age=pl.col("value").cast(pl.Float64))
    labels = [f", age {low}-{high - 1}" for low, high in pairwise(AGE_BANDS)]
    known = events.select("event_id").join(age, on="event_id", how="left", maintain_order="left")["age"]
    places = np.searchsorted(np.array(AGE_BANDS[1:-1]), known.fill_null(0).to_numpy(), side="right")
    return ["" if value is None else labels[place] for value, place in zip(known, places, strict=True)]


def _model_rows(measure_id: str, fit: Fit) -> pl.DataFrame:
    """Coefficients, c-statistic, calibration by payer line, events and convergence, one term a row."""
    rows: list[tuple[str, str, str, float, float | None]] = []
    for cohort, (model, design) in fit.models.items():
        rows += [(measure_id, cohort, term, estimate, error) for term, estimate, error in model.terms]
        if model.c_statistic is not None:
            rows.append((measure_id, cohort, "c_statistic", model.c_statistic, None))
        rows.append((measure_id, cohort, "events", float(len(model.expected)), None))
        rows.append((measure_id, cohort, "converged", float(model.converged), None))
        rows += [(measure_id, cohort, f"left out, {reason}: {term}", 0.0, None) for term, reason in design.dropped]
    rows += [
        (measure_id, "", f"calibration O/E before scaling, {cell}", ratio, None) for cell, ratio in fit.calibration
    ]
    return pl.DataFrame(rows, schema=MODEL_SCHEMA, orient="row")


def _providers(
    found: MeasureEvents,
    inside: pl.DataFrame,
    events: pl.DataFrame,
    attributed: pl.DataFrame,
    fit: Fit,
    settings: ScoringSettings,
) -> pl.DataFrame:
    """One row a provider and payer scope with its counts, expected value and interval; before any comparison."""
    per_event = found.module.facts.kind in ("proportion", "mean")
    counts_events = per_event or found.module.scoring.interval == "exact_poisson"
    mine = attributed.join(inside, on=["measure_id", "event_id"], how="inner").sort("provider_id", "event_id")
    out = attributed.join(events.filter(~pl.col("in_denominator")), on=["measure_id", "event_id"], how="inner")
    overall = _overall(inside, per_event)
    rows: list[dict[str, Any]] = []
    for scope in SCOPES:
        in_scope, out_of = _of_scope(mine, scope), _of_scope(out, scope)
        excluded = dict(out_of.group_by("provider_id").len().iter_rows())
        by_provider = in_scope.partition_by("provider_id", maintain_order=True, as_dict=True)
        for provider_id in sorted({str(key[0]) for key in by_provider} | set(excluded)):
            part = by_provider.get((provider_id,))
            rows.append(
                {"provider_id": provider_id, "payer_scope": scope, "excluded": int(excluded.get(provider_id, 0))}
                | _figures(
                    part,
                    per_event=per_event,
                    counts_events=counts_events,
                    fit=fit,
                    overall=overall,
                    confidence=settings.confidence,
                )
            )
    return pl.DataFrame(rows, schema=_FIGURES, orient="row")


_FIGURES: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "provider_id": pl.String,
    "payer_scope": pl.String,
    "excluded": pl.Int64,
    "denominator": pl.Decimal(18, 6),
    "size": pl.Decimal(18, 6),
    "numerator": pl.Decimal(18, 6),
    "observed": pl.Float64,
    "expected": pl.Float64,
    "ratio": pl.Float64,
    "adjusted": pl.Float64,
    "ci_low": pl.Float64,
    "ci_high": pl.Float64,
    "log_error": pl.Float64,
    "repriced_share": pl.Float64,
}

REPRICED_SHARE: Final = 0.20  # claims_data.md, correction 3: above it a group's cost index says what prices we put


def _of_scope(events: pl.DataFrame, scope: str) -> pl.DataFrame:
    if scope == "all":
        return events
    is_medicare = pl.col("payer_type").is_in(list(MEDICARE)).fill_null(False)
    return events.filter(is_medicare if scope == "medicare" else ~is_medicare)


def _overall(inside: pl.DataFrame, per_event: bool) -> float:
    """The rate of all events in the denominator, by which a ratio becomes an adjusted rate."""
    below = float(inside.height) if per_event else float(inside["exposed"].sum())
    return float(inside["observed"].sum()) / below if below else float("nan")


def _figures(
    part: pl.DataFrame | None,
    *,
    per_event: bool,
    counts_events: bool,
    fit: Fit,
    overall: float,
    confidence: float,
) -> dict[str, Any]:
    """Counts, rate, expected, ratio and interval of one provider's events (None: all of them were excluded).

    per_event      the denominator is the number of events, not their exposure
    counts_events  the numerator is a count, so that its ratio has an exact interval; else one from the variation of persons
    """
    if part is None or part.is_empty():
        return {"denominator": Decimal(0), "size": Decimal(0), "numerator": Decimal(0)}
    numerator = Decimal(part["value"].sum())
    denominator = Decimal(part.height) if per_event else Decimal(part["exposure"].sum())
    figures: dict[str, Any] = {
        "denominator": denominator,
        "size": Decimal(part["size"].sum()) if fit.is_quotient else denominator,
        "numerator": numerator,
        "repriced_share": _repriced_share(part),
    }
    if denominator <= 0:
        return figures
    observed = float(numerator) / float(denominator)
    figures["observed"] = observed
    if not fit.has_expected:
        low, high = intervals.wilson(float(numerator), float(denominator), confidence=confidence)
        return figures | {"ci_low": float(low), "ci_high": float(high)}
    values, expected = part["observed"].to_numpy(), _expected_of(part, fit)
    below = float(expected.sum())
    if not below > 0:
        return figures
    ratio = float(values.sum()) / below
    figures |= {"expected": below, "ratio": ratio, "adjusted": ratio * overall}
    if counts_events:
        low, high = intervals.exact(float(values.sum()), below, confidence=confidence)
        return figures | {"ci_low": float(low), "ci_high": float(high)}
    cost_low, cost_high, error = intervals.ratio_of_sums(values, expected, confidence=confidence)
    known = {"ci_low": cost_low, "ci_high": cost_high, "log_error": error}
    return figures | {name: value for name, value in known.items() if np.isfinite(value)}


def _expected_of(part: pl.DataFrame, fit: Fit) -> Floats:
    """What is expected of each of a provider's events; of a quotient its denominator at the quotient that the terms expect.

    With C, S and E for value, denominator and expected values, summed over the provider: (C / E_C) = (S / E_S) x the quotient's
    O/E, C / (S x E_C / E_S), for every provider and payer scope.
    """
    if not fit.is_quotient:
        return part["expected"].to_numpy()
    above, below = float(part["expected_above"].sum()), float(part["expected_below"].sum())
    level = above / below if below > 0 else 0.0
    return np.asarray(part["exposed"].to_numpy() * level, dtype=np.float64)


def _repriced_share(part: pl.DataFrame) -> float | None:
    """Share of the dollars that are prices put on capitated services, 0 to 1; None where the measure has no such column."""
    if not {"repriced_amount", "amount"} <= set(part.columns):
        return None
    amount = Decimal(part["amount"].sum())
    return float(Decimal(part["repriced_amount"].sum()) / amount) if amount > 0 else None


def _as_results(
    found: MeasureEvents, measure_id: str, level: str, rows: pl.DataFrame, units: pl.DataFrame, fit: Fit
) -> pl.DataFrame:
    """The rows with every column of contracts.md section 5."""
    module = found.module
    named = units.filter(pl.col("level") == level).select("unit_id", "id_type", provider_name="name")
    reason = (
        pl.when("too_few")
        .then(pl.lit(f"below the minimum of {module.facts.publish.min_denominator}"))
        .when(pl.col("repriced_share") > REPRICED_SHARE)
        .then(pl.lit(f"more than {REPRICED_SHARE:.0%} of its dollars are prices put on capitated services"))
        .when(pl.lit(not fit.converged))
        .then(pl.lit("the risk model did not converge"))
    )
    return (
        rows.join(named, left_on="provider_id", right_on="unit_id", how="left", maintain_order="left")
        .with_columns(
            measure_id=pl.lit(measure_id),
            measure_version=pl.lit(module.version),
            kind=pl.lit(found.kind),
            deviations=pl.lit(list(found.deviations), dtype=pl.List(pl.String)),
            level=pl.lit(level),
            period_start=pl.lit(found.period.start),
            period_end=pl.lit(found.period.end),
            not_publishable_reason=reason,
            engine=pl.lit(fit.engine),
            converged=pl.lit(fit.converged),
        )
        .with_columns(publishable=pl.col("not_publishable_reason").is_null())
        .select(pl.col(name).cast(kind) for name, kind in RESULT_SCHEMA.items())
    )
