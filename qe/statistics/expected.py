"""What each event of a measure was expected to be, and the models behind it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, assert_never

import numpy as np
import polars as pl
from numpy.typing import NDArray

from qe.errors import CannotFit
from qe.measurement.compute import MeasureEvents
from qe.measurement.facts import Scoring
from qe.statistics import calibration, hierarchical, risk_adjustment
from qe.statistics.calibration import Calibration, Cell
from qe.statistics.design import Design, age_bands, build
from qe.statistics.hierarchical import Hierarchical, Standing
from qe.statistics.reference import FrozenModel
from qe.statistics.results import MODEL_SCHEMA
from qe.statistics.risk_adjustment import RiskModel
from qe.statistics.terms import CALIBRATION, NO_EFFECTS

Floats = NDArray[np.float64]

EVENT_MODELS: Final = ("logistic", "mixed_logit")  # of events, 0 or 1
UNJUDGED: Final = Calibration(cells=(), refusal=None, accepted=None)


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The fitted models of a measure by cohort ("" for the only one), and whether they fit.

    by_line       O/E of each payer line; by_cell: of payer lines and age bands, by which the model is judged
    hierarchical  with an effect of each provider; None where the models have none
    standing      what these effects say of each provider
    scales        by payer line, of expected amounts
    refused       why they have none although the measure asks for it
    terms         of a quotient: the fits of the two measures whose quotient it is
    """

    models: Mapping[str, tuple[RiskModel, Design]]
    by_line: tuple[Cell, ...]
    by_cell: Calibration
    has_expected: bool
    hierarchical: Hierarchical | None = None
    standing: Standing | None = None
    scales: Mapping[str, float] = field(default_factory=dict)
    refused: str | None = None
    terms: tuple["Fit", ...] = ()

    @property
    def is_quotient(self) -> bool:
        return bool(self.terms)

    @property
    def fits(self) -> bool:
        """Every payer and age, or the site has said why it will do."""
        return self.by_cell.refusal is None and all(term.fits for term in self.terms)

    @property
    def engine(self) -> str:
        if self.hierarchical is not None:
            return "mixed_logit"
        engines = {model.engine for model, _ in self.models.values()} | {term.engine for term in self.terms}
        return "+".join(sorted(engines)) or "unadjusted"

    @property
    def converged(self) -> bool:
        if self.hierarchical is not None:
            return self.hierarchical.converged
        return all(model.converged for model, _ in self.models.values()) and all(term.converged for term in self.terms)


def with_expected(
    found: MeasureEvents,
    inside: pl.DataFrame,
    attributed: pl.DataFrame,
    *,
    accepted: str | None,
    draws: int,
    confidence: float,
) -> tuple[pl.DataFrame, Fit]:
    """The denominator's events with value, exposure and expected as floats, and the models behind `expected`.

    attributed  measure_id, event_id, level, provider_id of this measure; a model with effects of providers needs one level
    accepted    why the site accepts a model that does not fit every payer and age ([scoring] accept_calibration), or None
    draws       of providers, and confidence: of the intervals of a model with effects of providers
    """
    scoring = found.module.scoring
    events = _as_floats(inside)
    if scoring.model == "none" or events.is_empty():
        fit = Fit(models={}, by_line=(), by_cell=UNJUDGED, has_expected=scoring.model != "none")
        return events.with_columns(expected=pl.lit(None, dtype=pl.Float64)), fit
    events = events.with_columns(model_cohort=_cohort(found))
    if scoring.model != "mixed_logit":
        return _plain(found, events, accepted)
    try:
        return _hierarchical(found, events, attributed, accepted, draws=draws, confidence=confidence)
    except CannotFit as refused:
        together = events.with_columns(model_cohort=pl.lit(""))
        joined, fit = _plain(found, together, accepted)
        return joined, replace(fit, refused=refused.message)


def _as_floats(events: pl.DataFrame) -> pl.DataFrame:
    return events.with_columns(
        observed=pl.col("value").cast(pl.Float64),
        exposed=pl.col("exposure").cast(pl.Float64),
        line=pl.col("payer_type").fill_null("unknown"),
    )


def as_quotient(inside: pl.DataFrame, above: pl.DataFrame, below: pl.DataFrame) -> pl.DataFrame:
    """The events of a quotient with what is expected of its two terms; of one event alone it expects nothing.

    above, below  the events of the measure that is divided and of the one that it is divided by
    """
    first = above.select("event_id", size="exposure", expected_above="expected")
    second = below.select("event_id", expected_below="expected")
    return (
        _as_floats(inside)
        .with_columns(expected=pl.lit(None, dtype=pl.Float64))
        .join(first, on="event_id", how="left", maintain_order="left")
        .join(second, on="event_id", how="left", maintain_order="left")
    )


def fit_of_quotient(above: Fit, below: Fit) -> Fit:
    """It has no model of its own."""
    return Fit(models={}, by_line=(), by_cell=UNJUDGED, has_expected=True, terms=(above, below))


def _hierarchical(
    found: MeasureEvents,
    events: pl.DataFrame,
    attributed: pl.DataFrame,
    accepted: str | None,
    *,
    draws: int,
    confidence: float,
) -> tuple[pl.DataFrame, Fit]:
    """Each cohort's model with an effect of each provider; an event of nobody's has no expected value."""
    whose = attributed.select("event_id", "provider_id").unique(maintain_order=True)
    if twice := whose.height - whose["event_id"].n_unique():
        raise CannotFit(f"{twice:,} events belong to more than one provider, and a case has the effect of one")
    of_providers = events.join(whose, on="event_id", how="inner")
    fitted = hierarchical.fitted(of_providers, found.covariates, found.module.scoring.covariates)
    joined = events.join(fitted.expected, on="event_id", how="left", maintain_order="left")
    known = joined.drop_nulls("expected")
    by_line, by_cell = _calibrated(found, known, known["predicted"].to_numpy(), accepted)
    return joined.drop("predicted"), Fit(
        models={},
        by_line=by_line,
        by_cell=by_cell,
        has_expected=True,
        hierarchical=fitted,
        standing=hierarchical.standing(fitted, draws=draws, confidence=confidence),
    )


def _plain(found: MeasureEvents, events: pl.DataFrame, accepted: str | None) -> tuple[pl.DataFrame, Fit]:
    """One model a cohort over all events, providers not told apart."""
    models: dict[str, tuple[RiskModel, Design]] = {}
    parts = []
    is_event = found.module.scoring.model in EVENT_MODELS
    for name in sorted(events["model_cohort"].unique()):
        part = events.filter(pl.col("model_cohort") == name)
        outcome, exposure = part["observed"].to_numpy(), part["exposed"].to_numpy()
        counted = outcome if is_event or found.module.facts.kind == "rate" else None
        design = build(found.covariates, part["event_id"].to_list(), found.module.scoring.covariates, counted)
        model = (
            risk_adjustment.logistic(outcome, design)
            if is_event
            else risk_adjustment.mean_cost(outcome, exposure, design)
        )
        models[name] = (model, design)
        parts.append(part.with_columns(expected=pl.Series(model.expected)))
    joined = pl.concat(parts).sort("event_id")
    by_line, by_cell = _calibrated(found, joined, joined["expected"].to_numpy(), accepted)
    scales: Mapping[str, float] = {}
    if not is_event:
        observed, lines = joined["observed"].to_numpy(), joined["line"].to_numpy().astype(np.str_)
        scales = risk_adjustment.line_scales(joined["expected"].to_numpy(), observed, lines)
        joined = joined.with_columns(
            expected=pl.Series(risk_adjustment.scaled(joined["expected"].to_numpy(), lines, scales))
        )
    return joined, Fit(models=models, by_line=by_line, by_cell=by_cell, has_expected=True, scales=scales)


def frozen_models(fit: Fit, scoring: Scoring) -> dict[str, FrozenModel]:
    """The models as a run keeps them, by cohort."""
    families, is_event = tuple(scoring.covariates), scoring.model in EVENT_MODELS
    if fit.hierarchical is not None:
        return {
            cohort: FrozenModel(
                engine="mixed_logit",
                families=families,
                terms=fit.hierarchical.designs[cohort].terms,
                pooled=fit.hierarchical.designs[cohort].pooled,
                coefficients=tuple(model.coefficients.tolist()),
                level=model.overall,
                per_event=True,
                sigma=model.sigma,
            )
            for cohort, model in fit.hierarchical.models.items()
        }
    return {
        cohort: FrozenModel(
            engine=model.engine,
            families=families,
            terms=design.terms,
            pooled=design.pooled,
            coefficients=tuple(estimate for _, estimate, _ in model.terms),
            level=model.level,
            per_event=is_event,
        )
        for cohort, (model, design) in fit.models.items()
    }


def expected_again(
    found: MeasureEvents, inside: pl.DataFrame, models: Mapping[str, FrozenModel], scales: Mapping[str, float]
) -> pl.DataFrame:
    """The denominator's events with value, exposure and what the kept models expect of each; of a cohort without one, null."""
    events = _as_floats(inside)
    if not models:
        return events.with_columns(expected=pl.lit(None, dtype=pl.Float64))
    events = events.with_columns(model_cohort=_cohort(found) if set(models) != {""} else pl.lit(""))
    parts = []
    for name in sorted(events["model_cohort"].unique()):
        part = events.filter(pl.col("model_cohort") == name)
        if name not in models:
            parts.append(part.with_columns(expected=pl.lit(None, dtype=pl.Float64)))
            continue
        lines = part["line"].to_numpy().astype(np.str_)
        expected = risk_adjustment.scaled(models[name].expected(found.covariates, part), lines, scales)
        parts.append(part.with_columns(expected=pl.Series(expected)))
    return pl.concat(parts).sort("event_id") if parts else events.with_columns(expected=pl.lit(None, dtype=pl.Float64))


def _cohort(found: MeasureEvents) -> pl.Expr:
    return pl.col(found.module.scoring.cohort).fill_null("") if found.module.scoring.cohort else pl.lit("")


def _calibrated(
    found: MeasureEvents, events: pl.DataFrame, expected: Floats, accepted: str | None
) -> tuple[tuple[Cell, ...], Calibration]:
    """Each payer line, and the gate over payer lines and age bands, before any scaling.

    Counts vary more than Poisson by one factor for all, amounts as they are seen to, (observed - expected)^2 a person; cells of
    amounts are judged by their persons.
    """
    observed, lines = events["observed"].to_numpy(), events["line"].to_numpy().astype(np.str_)
    cells = np.array([f"{line}{band}" for line, band in zip(lines, _age_bands(found.covariates, events), strict=True)])
    away, size = (observed - expected) ** 2, None
    match found.module.facts.kind:
        case "proportion":
            variance = expected * (1.0 - expected)
        case "rate":
            below = float(expected.sum())
            variance = expected * (max(1.0, float(away.sum()) / below) if below > 0 else 1.0)
        case "amount_ratio" | "mean":
            variance, size = away, np.ones_like(expected)
        case kind:
            assert_never(kind)
    by_line = calibration.gate(observed, expected, variance, lines, size=size)
    return by_line.cells, calibration.gate(observed, expected, variance, cells, accepted, size=size)


def _age_bands(covariates: pl.DataFrame, events: pl.DataFrame) -> list[str]:
    """ ", age 65-74" of each event whose age the covariates hold, else ""."""
    age = covariates.filter(pl.col("factor") == "age").unique("event_id", keep="first", maintain_order=True)
    age = age.select("event_id", age=pl.col("value").cast(pl.Float64))
    known = events.select("event_id").join(age, on="event_id", how="left", maintain_order="left")["age"]
    bands = age_bands(known.fill_null(0).to_numpy())
    return ["" if value is None else f", age {band}" for value, band in zip(known, bands, strict=True)]


Row = tuple[str, str, str, float, float | None]


def model_rows(measure_id: str, fit: Fit) -> pl.DataFrame:
    """Coefficients, c-statistic, calibration by payer line, events and convergence, one term a row (MODEL_SCHEMA)."""
    rows: list[Row] = []
    for cohort, (model, design) in fit.models.items():
        rows += [(measure_id, cohort, term, estimate, error) for term, estimate, error in model.terms]
        if model.c_statistic is not None:
            rows.append((measure_id, cohort, "c_statistic", model.c_statistic, None))
        rows.append((measure_id, cohort, "events", float(len(model.expected)), None))
        rows.append((measure_id, cohort, "converged", float(model.converged), None))
        rows += [(measure_id, cohort, f"left out, {reason}: {term}", 0.0, None) for term, reason in design.dropped]
    if fit.hierarchical is not None:
        for cohort in fit.hierarchical.models:
            rows += _hierarchical_rows(measure_id, cohort, fit.hierarchical)
    if fit.refused is not None:
        rows.append((measure_id, "", f"{NO_EFFECTS}{fit.refused}", 0.0, None))
    judged = [cell for cell in fit.by_cell.cells if cell.verdict != "too few to tell"]
    rows += [
        (measure_id, "", f"{CALIBRATION}{cell.name}", cell.ratio, None)
        for cell in (*fit.by_line, *judged)
        if np.isfinite(cell.ratio)
    ]
    return pl.DataFrame(rows, schema=MODEL_SCHEMA, orient="row")


def _hierarchical_rows(measure_id: str, cohort: str, fitted: Hierarchical) -> list[Row]:
    model, design = fitted.models[cohort], fitted.designs[cohort]
    names = ("intercept", *design.terms)
    errors = [float(error) for error in model.standard_errors]
    rows: list[Row] = [
        (measure_id, cohort, term, float(estimate), error)
        for term, estimate, error in zip(names, model.coefficients, errors, strict=True)
    ]
    cases = model.fitted_cases
    outcome = cases.problem.cases.outcome
    c_statistic = risk_adjustment.c_statistic(outcome, cases.means(np.zeros_like(model.effects)))
    low, middle, high = np.quantile(model.reliability, [0.25, 0.5, 0.75])
    figures = {
        "sigma": model.sigma,
        "c_statistic": c_statistic,
        "events": float(len(outcome)),
        "providers": float(len(model.providers)),
        "reliability, lowest quarter": float(low),
        "reliability, median": float(middle),
        "reliability, highest quarter": float(high),
        "converged": float(model.converged),
    }
    rows += [(measure_id, cohort, name, figure, None) for name, figure in figures.items()]
    return rows + [(measure_id, cohort, f"left out, {reason}: {term}", 0.0, None) for term, reason in design.dropped]
