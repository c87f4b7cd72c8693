"""From attributed events to results of providers: observed, expected, intervals, peers, benchmarks and categories.

One row a measure, level, provider and payer scope. ci_low and ci_high belong to `ratio` where a measure has an expected value,
else to `observed`; so do the peers' quartiles. Events are summed in the order (measure, provider, event).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from qe.measurement.compute import MeasureEvents
from qe.measurement.facts import PublishedMeasure, ScoringModel
from qe.statistics import intervals
from qe.statistics.comparison import SCOPES, PeerSettings, ScoringSettings, figures_of, judged, learnt
from qe.statistics.expected import Fit, as_quotient, fit_of_quotient, frozen_models, model_rows, with_expected
from qe.statistics.reference import DRAW_SCHEMA, MeasureReference
from qe.statistics.results import EXPECTED_SCHEMA, MODEL_SCHEMA, RESULT_ORDER, RESULT_SCHEMA, round_significant

Floats = NDArray[np.float64]

MEDICARE: Final = ("medicare", "medicare_advantage")


@dataclass(frozen=True, kw_only=True)
class Scored:
    """results: RESULT_SCHEMA, sorted by RESULT_ORDER. model: MODEL_SCHEMA.

    expected  measure_id, event_id, expected: one row an event in the denominator of a measure with a risk model, rounded to
              12 significant digits; a provider's expected value is the sum of its events'
    fitted    by measure the kind of model that was fitted: the one it names, or what takes its place
    references, draws  what every provider was judged by, to be kept with the run: one a measure, and DRAW_SCHEMA
    """

    results: pl.DataFrame
    model: pl.DataFrame
    expected: pl.DataFrame
    fitted: Mapping[str, ScoringModel]
    references: tuple[MeasureReference, ...]
    draws: pl.DataFrame


def score(
    found: MeasureEvents,
    *,
    units: pl.DataFrame,
    peers: PeerSettings,
    settings: ScoringSettings,
    areas: Sequence[str] = (),
) -> Scored:
    """Score every measure of one module at each of its levels: learn its reference from all events, judge each provider by it.

    units  unit_id, level, id_type, name, specialty, county_fips, catchment_share (null where it is not known): one row a unit
    areas  [entity] areas of the site, inside which units are compared before all of the report are
    """
    results, models, expected = [], [], [pl.DataFrame(schema=EXPECTED_SCHEMA)]
    done: dict[str, tuple[pl.DataFrame, Fit]] = {}
    kinds: dict[str, ScoringModel] = {}
    references, draws = [], [pl.DataFrame(schema=DRAW_SCHEMA)]
    for measure in sorted(found.module.facts.measures, key=lambda one: one.quotient is not None):
        measure_id = measure.id
        events = found.events.filter(pl.col("measure_id") == measure_id).sort("event_id")
        all_levels = found.attributed.filter(pl.col("measure_id") == measure_id)
        denominator = events.filter("in_denominator")
        if measure.quotient is None:
            accepted = settings.accept_calibration.get(measure_id)
            inside, fitted = with_expected(
                found,
                denominator,
                all_levels,
                accepted=accepted,
                draws=settings.bootstrap_draws,
                confidence=settings.confidence,
            )
            done[measure_id] = inside, fitted
        else:
            above, below = (done[term] for term in measure.quotient)
            inside, fitted = as_quotient(denominator, above[0], below[0]), fit_of_quotient(above[1], below[1])
        models.append(model_rows(measure_id, fitted))
        kinds[measure_id] = "logistic" if fitted.refused is not None else found.module.scoring.model
        expected.append(inside.select(*EXPECTED_SCHEMA).drop_nulls())
        reference = _reference(found, measure, fitted, inside, settings)
        standing = None if fitted.standing is None else fitted.standing.table
        for level in sorted(all_levels["level"].unique()):
            attributed = all_levels.filter(pl.col("level") == level)
            own = units.filter(pl.col("level") == level)
            rows = figures_of_providers(found, inside, events, attributed, reference, standing)
            groups, label = learnt(found, rows, own, level, peers, settings, areas)
            minimum = found.module.facts.publish.min_denominator
            rows = judged(found, rows, groups, label, figures_of(rows, minimum))
            results.append(as_results(found, level, rows, own, reference))
            reference = replace(reference, peers=(*reference.peers, *groups.values()))
        references.append(reference)
        draws += _draws(measure_id, fitted)
    empty = pl.DataFrame(schema=RESULT_SCHEMA)
    return Scored(
        results=pl.concat([empty, *results]).sort(RESULT_ORDER),
        model=pl.concat([pl.DataFrame(schema=MODEL_SCHEMA), *models]),
        expected=round_significant(pl.concat(expected)),
        fitted=kinds,
        references=tuple(references),
        draws=pl.concat(draws),
    )


def made_of(found: MeasureEvents) -> dict[str, Any]:
    """What the events of a correction must have in common with those of the sent run."""
    return {
        "module_sha256": found.module.sha256,
        "period_start": found.period.start,
        "period_end": found.period.end,
        "parameters": {name: str(value) for name, value in found.parameters.items()},
        "deviations": tuple(found.deviations),
    }


def _reference(
    found: MeasureEvents, measure: PublishedMeasure, fit: Fit, inside: pl.DataFrame, settings: ScoringSettings
) -> MeasureReference:
    """What the measure's events tell, before any comparison."""
    return MeasureReference(
        measure_id=measure.id,
        version=found.module.version,
        **made_of(found),
        confidence=settings.confidence,
        minimum_catchment_share=settings.minimum_catchment_share,
        overall=_overall(inside, found.module.facts.kind in ("proportion", "mean")),
        has_expected=fit.has_expected,
        engine=fit.engine,
        converged=fit.converged,
        fits=fit.fits,
        models=frozen_models(fit, found.module.scoring),
        scales=fit.scales,
        quotient=measure.quotient,
        providers=() if fit.standing is None else fit.standing.providers,
    )


def _draws(measure_id: str, fit: Fit) -> list[pl.DataFrame]:
    """One row a cohort and draw of the bootstrap (DRAW_SCHEMA)."""
    drawn = {} if fit.standing is None else fit.standing.drawn
    return [
        pl.DataFrame(
            {
                "measure_id": measure_id,
                "cohort": cohort,
                "draw": np.arange(len(models.sigma), dtype=np.int32),
                "sigma": models.sigma,
                "coefficients": models.coefficients.tolist(),
            },
            schema=DRAW_SCHEMA,
        )
        for cohort, models in drawn.items()
    ]


def figures_of_providers(
    found: MeasureEvents,
    inside: pl.DataFrame,
    events: pl.DataFrame,
    attributed: pl.DataFrame,
    reference: MeasureReference,
    standing: pl.DataFrame | None,
) -> pl.DataFrame:
    """One row a provider and payer scope with its counts, expected value and interval; before any comparison.

    inside    the denominator's events with what is expected of each; events: all of the measure
    standing  what a model with effects of providers says of them (hierarchical.STANDING_SCHEMA)
    """
    per_event = found.module.facts.kind in ("proportion", "mean")
    counts_events = per_event or found.module.scoring.interval == "exact_poisson"
    mine = attributed.join(inside, on=["measure_id", "event_id"], how="inner").sort("provider_id", "event_id")
    out = attributed.join(events.filter(~pl.col("in_denominator")), on=["measure_id", "event_id"], how="inner")
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
                    reference=reference,
                )
            )
    figures = pl.DataFrame(rows, schema=_FIGURES, orient="row")
    return figures if standing is None else _modelled(figures, standing, reference.overall)


def _modelled(figures: pl.DataFrame, standing: pl.DataFrame, overall: float) -> pl.DataFrame:
    """Over all payers, predicted over expected with the bootstrap's interval in place of observed over expected.

    A payer's rows keep observed over expected: a provider's one effect would say the same of each payer.
    """
    is_all = pl.col("payer_scope") == "all"
    modelled = (
        figures.filter(is_all)
        .drop("adjusted", *(name for name in standing.columns if name != "provider_id"))
        .join(standing, on="provider_id", how="left", maintain_order="left")
        .with_columns(adjusted=pl.col("ratio") * overall)
    )
    return pl.concat([modelled.select(*_FIGURES), figures.filter(~is_all)])


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
    "model_reliability": pl.Float64,
    "repriced_share": pl.Float64,
}

MISFIT: Final = "the risk model does not fit every payer and age: see its calibration in the methods"
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
    reference: MeasureReference,
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
        "size": Decimal(part["size"].sum()) if reference.quotient else denominator,
        "numerator": numerator,
        "repriced_share": _repriced_share(part),
    }
    if denominator <= 0:
        return figures
    observed = float(numerator) / float(denominator)
    figures["observed"] = observed
    confidence = reference.confidence
    if not reference.has_expected:
        low, high = intervals.wilson(float(numerator), float(denominator), confidence=confidence)
        return figures | {"ci_low": float(low), "ci_high": float(high)}
    values, expected = part["observed"].to_numpy(), _expected_of(part, is_quotient=reference.quotient is not None)
    below = float(expected.sum())
    if not below > 0:
        return figures
    ratio = float(values.sum()) / below
    figures |= {"expected": below, "ratio": ratio, "adjusted": ratio * reference.overall}
    if counts_events:
        low, high = intervals.exact(float(values.sum()), below, confidence=confidence)
        return figures | {"ci_low": float(low), "ci_high": float(high)}
    cost_low, cost_high, error = intervals.ratio_of_sums(values, expected, confidence=confidence)
    known = {"ci_low": cost_low, "ci_high": cost_high, "log_error": error}
    return figures | {name: value for name, value in known.items() if np.isfinite(value)}


def _expected_of(part: pl.DataFrame, *, is_quotient: bool) -> Floats:
    """What is expected of each of a provider's events; of a quotient its denominator at the quotient that the terms expect.

    With C, S and E for value, denominator and expected values, summed over the provider: (C / E_C) = (S / E_S) x the quotient's
    O/E, C / (S x E_C / E_S), for every provider and payer scope.
    """
    if not is_quotient:
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


def as_results(
    found: MeasureEvents,
    level: str,
    rows: pl.DataFrame,
    units: pl.DataFrame,
    reference: MeasureReference,
) -> pl.DataFrame:
    """The rows with every column of contracts.md section 5. units: of this level (unit_id, id_type, name, catchment_share)."""
    module = found.module
    named = units.select("unit_id", "id_type", "catchment_share", provider_name="name")
    reason = (
        pl.when("too_few")
        .then(pl.lit(f"below the minimum of {module.facts.publish.min_denominator}"))
        .when(pl.col("repriced_share") > REPRICED_SHARE)
        .then(pl.lit(f"more than {REPRICED_SHARE:.0%} of its dollars are prices put on capitated services"))
        .when(pl.lit(not reference.fits))
        .then(pl.lit(MISFIT))
        .when(pl.lit(not reference.converged))
        .then(pl.lit("the risk model did not converge"))
        .when(pl.col("catchment_share") < reference.minimum_catchment_share)
        .then(pl.lit(f"our sources see less than {reference.minimum_catchment_share:.1%} of its stays"))
    )
    return (
        rows.join(named, left_on="provider_id", right_on="unit_id", how="left", maintain_order="left")
        .with_columns(
            measure_id=pl.lit(reference.measure_id),
            measure_version=pl.lit(module.version),
            kind=pl.lit(found.kind),
            deviations=pl.lit(list(found.deviations), dtype=pl.List(pl.String)),
            level=pl.lit(level),
            period_start=pl.lit(found.period.start),
            period_end=pl.lit(found.period.end),
            not_publishable_reason=reason,
            engine=pl.lit(reference.engine),
            converged=pl.lit(reference.converged),
        )
        .with_columns(publishable=pl.col("not_publishable_reason").is_null())
        .select(pl.col(name).cast(kind) for name, kind in RESULT_SCHEMA.items())
    )
