"""From attributed events to results of providers: observed, expected, intervals, peers, benchmarks and categories.

One row a measure, level, provider and payer scope. ci_low and ci_high belong to `ratio` where a measure has an expected value,
else to `observed`; so do the peers' quartiles. Events are summed in the order (measure, provider, event).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from qe.measurement.compute import MeasureEvents
from qe.statistics import benchmark, intervals, multiplicity, peers, reliability, risk_adjustment
from qe.statistics.design import Design, build
from qe.statistics.results import MODEL_SCHEMA, RESULT_ORDER, RESULT_SCHEMA
from qe.statistics.risk_adjustment import RiskModel

Floats = NDArray[np.float64]

MEDICARE: Final = ("medicare", "medicare_advantage")
SCOPES: Final = ("all", "medicare", "other")
AGE_BANDS: Final = (0, 18, 45, 65, 75, 85, 120)  # years
LEAST_OF_A_CELL: Final = (
    50  # events of a payer line and age band by which calibration is told (statistics.md, correction 2)
)
FEWEST_FOR_AGGREGATES: Final = 4  # of three units, one of which is the reader's own, quartiles would tell the other two


class PeerSettings(Protocol):
    """[peers] of qe.toml."""

    @property
    def by(self) -> Any: ...
    @property
    def min_peers(self) -> int: ...


class ScoringSettings(Protocol):
    """[scoring] of qe.toml."""

    @property
    def fdr_q(self) -> float: ...
    @property
    def confidence(self) -> float: ...
    @property
    def achievable_share(self) -> float: ...


@dataclass(frozen=True, kw_only=True)
class Scored:
    """results: RESULT_SCHEMA, sorted by RESULT_ORDER. model: MODEL_SCHEMA."""

    results: pl.DataFrame
    model: pl.DataFrame


def score(found: MeasureEvents, *, units: pl.DataFrame, peers: PeerSettings, settings: ScoringSettings) -> Scored:
    """Score every measure of one module at each of its levels.

    units  unit_id, level, id_type, name, specialty, county_fips: one row a unit
    """
    results, models = [], []
    for measure_id in found.module.measure_ids:
        events = found.events.filter(pl.col("measure_id") == measure_id).sort("event_id")
        inside, fitted = _with_expected(found, events.filter("in_denominator"))
        models.append(_model_rows(measure_id, fitted))
        for level in sorted(found.attributed.filter(pl.col("measure_id") == measure_id)["level"].unique()):
            attributed = found.attributed.filter((pl.col("measure_id") == measure_id) & (pl.col("level") == level))
            rows = _providers(found, inside, events, attributed, fitted, settings)
            rows = _compared(found, rows, units.filter(pl.col("level") == level), level, peers, settings)
            results.append(_as_results(found, measure_id, level, rows, units, fitted))
    empty = pl.DataFrame(schema=RESULT_SCHEMA)
    return Scored(
        results=pl.concat([empty, *results]).sort(RESULT_ORDER),
        model=pl.concat([pl.DataFrame(schema=MODEL_SCHEMA), *models]),
    )


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The fitted models of a measure by cohort ("" for the only one); and O/E by payer line, then by payer line and age."""

    models: Mapping[str, tuple[RiskModel, Design]]
    calibration: tuple[tuple[str, float], ...]
    has_expected: bool

    @property
    def engine(self) -> str:
        return "+".join(sorted({model.engine for model, _ in self.models.values()})) or "unadjusted"

    @property
    def converged(self) -> bool:
        return all(model.converged for model, _ in self.models.values())


def _with_expected(found: MeasureEvents, inside: pl.DataFrame) -> tuple[pl.DataFrame, Fit]:
    """The denominator's events with value, exposure and expected as floats, and the models behind `expected`."""
    scoring = found.module.scoring
    events = inside.with_columns(
        observed=pl.col("value").cast(pl.Float64),
        exposed=pl.col("exposure").cast(pl.Float64),
        line=pl.col("payer_type").fill_null("unknown"),
    )
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
        design = build(found.covariates, part["event_id"].to_list(), scoring.covariates, outcome if is_event else None)
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


def _age_bands(covariates: pl.DataFrame, events: pl.DataFrame) -> list[str]:
    """ ", age 65-74" of each event whose age the covariates hold, else ""."""
    age = covariates.filter(pl.col("factor") == "age").select("event_id", age="value")
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
    kind = found.module.facts.kind
    per_event = kind in ("proportion", "mean")
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
                | _figures(part, per_event=per_event, fit=fit, overall=overall, confidence=settings.confidence)
            )
    return pl.DataFrame(rows, schema=_FIGURES, orient="row")


_FIGURES: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "provider_id": pl.String,
    "payer_scope": pl.String,
    "excluded": pl.Int64,
    "denominator": pl.Decimal(18, 6),
    "numerator": pl.Decimal(18, 6),
    "observed": pl.Float64,
    "expected": pl.Float64,
    "ratio": pl.Float64,
    "adjusted": pl.Float64,
    "ci_low": pl.Float64,
    "ci_high": pl.Float64,
    "log_error": pl.Float64,
}


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
    part: pl.DataFrame | None, *, per_event: bool, fit: Fit, overall: float, confidence: float
) -> dict[str, Any]:
    """Counts, rate, expected, ratio and interval of one provider's events (None: all of them were excluded)."""
    if part is None or part.is_empty():
        return {"denominator": Decimal(0), "numerator": Decimal(0)}
    numerator = Decimal(part["value"].sum())
    denominator = Decimal(part.height) if per_event else Decimal(part["exposure"].sum())
    figures: dict[str, Any] = {"denominator": denominator, "numerator": numerator}
    if denominator <= 0:
        return figures
    observed = float(numerator) / float(denominator)
    figures["observed"] = observed
    if not fit.has_expected:
        low, high = intervals.wilson(float(numerator), float(denominator), confidence=confidence)
        return figures | {"ci_low": float(low), "ci_high": float(high)}
    values, expected = part["observed"].to_numpy(), part["expected"].to_numpy()
    below = float(expected.sum())
    if not below > 0:
        return figures
    ratio = float(values.sum()) / below
    figures |= {"expected": below, "ratio": ratio, "adjusted": ratio * overall}
    if per_event:
        low, high = intervals.exact(float(values.sum()), below, confidence=confidence)
        return figures | {"ci_low": float(low), "ci_high": float(high)}
    cost_low, cost_high, error = intervals.ratio_of_sums(values, expected, confidence=confidence)
    known = {"ci_low": cost_low, "ci_high": cost_high, "log_error": error}
    return figures | {name: value for name, value in known.items() if np.isfinite(value)}


def _compared(
    found: MeasureEvents,
    rows: pl.DataFrame,
    units: pl.DataFrame,
    level: str,
    peer_settings: PeerSettings,
    settings: ScoringSettings,
) -> pl.DataFrame:
    """The rows with peer group, quartiles, percentile, benchmark, reliability, category and significance.

    Ranks, quartiles, benchmark and significance belong to scope "all". The payer scopes carry their counts, interval and
    category, each against the same reference within its scope, and the peer group's name.
    """
    facts = found.module.facts
    minimum = facts.publish.min_denominator
    whole = rows.filter(pl.col("payer_scope") == "all").sort("provider_id")
    described = whole.select(
        unit_id="provider_id",
        size="denominator",
        is_eligible=(pl.col("denominator") >= minimum) & pl.col("ci_low").is_not_null(),
    ).join(units.select("unit_id", "specialty", "county_fips"), on="unit_id", how="left", maintain_order="left")
    groups = peers.assign(described, level=level, by=list(peer_settings.by), min_peers=peer_settings.min_peers)
    eligible = set(described.filter("is_eligible")["unit_id"])
    extra: dict[str, dict[str, Any]] = {}
    for label, members in groups.members.items():
        mine = whole.filter(pl.col("provider_id").is_in(list(members)))
        shared = _shared(mine, facts.direction == "higher", facts.kind, settings)
        judged = dict(_judged(mine, facts.direction == "higher", settings))
        for unit_id, group in groups.label.items():
            if group == label:
                extra[unit_id] = {**shared, **judged.get(unit_id, {})}
    references = {
        (label, scope): _reference(
            rows.filter((pl.col("payer_scope") == scope) & pl.col("provider_id").is_in(list(members)))
        )
        for label, members in groups.members.items()
        for scope in SCOPES
    }
    columns = []
    for row in rows.iter_rows(named=True):
        label = groups.label.get(row["provider_id"], "")
        if row["payer_scope"] == "all":
            columns.append(_comparison(row, label, extra.get(row["provider_id"], {}), eligible))
        else:
            reference = references.get((label, row["payer_scope"]))
            columns.append(_scope_comparison(row, label, reference, facts.direction == "higher", minimum))
    return rows.hstack(pl.DataFrame(columns, schema=_COMPARISON, orient="row"))


_COMPARISON: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "peer_group": pl.String,
    "reliability": pl.Float64,
    "peer_p25": pl.Float64,
    "peer_median": pl.Float64,
    "peer_p75": pl.Float64,
    "achievable_benchmark": pl.Float64,
    "percentile": pl.Float64,
    "category": pl.String,
    "fdr_significant": pl.Boolean,
    "too_few": pl.Boolean,
}


def _scope_comparison(
    row: Mapping[str, Any], label: str, reference: float | None, higher_is_better: bool, minimum: int
) -> dict[str, Any]:
    """Peer group and category of one provider within one payer scope."""
    too_few = row["denominator"] < minimum or row["ci_low"] is None or reference is None
    category = "too_few"
    if not too_few and reference is not None:
        category = _category(row["ci_low"], row["ci_high"], reference, higher_is_better)
    return {"peer_group": label, "too_few": too_few, "category": category}


def _reference(rows: pl.DataFrame) -> float | None:
    """What intervals are held against: 1 for O/E ratios, else the pooled rate of these rows; None without cases."""
    if rows["ratio"].null_count() < rows.height:
        return 1.0
    size = float(rows["denominator"].sum() or 0)
    return float(rows["numerator"].sum()) / size if size > 0 else None


def _comparison(row: Mapping[str, Any], label: str, extra: Mapping[str, Any], eligible: set[str]) -> dict[str, Any]:
    comparison: dict[str, Any] = {"peer_group": label, "too_few": row["provider_id"] not in eligible}
    shared = {name: extra.get(name) for name in ("peer_p25", "peer_median", "peer_p75", "achievable_benchmark")}
    if comparison["too_few"]:
        return comparison | shared | {"category": "too_few"}
    own = {name: extra.get(name) for name in ("reliability", "percentile", "category", "fdr_significant")}
    return comparison | shared | own


def _figure(rows: pl.DataFrame) -> Floats:
    """What providers are compared by: the ratio where there is one, else the rate."""
    return rows.select(pl.coalesce("ratio", "observed"))["ratio"].to_numpy().astype(np.float64)


def _shared(rows: pl.DataFrame, higher_is_better: bool, kind: str, settings: ScoringSettings) -> dict[str, Any]:
    """What all units of a peer group are shown alike."""
    if rows.height < FEWEST_FOR_AGGREGATES:
        return {}
    low, middle, high = benchmark.quartiles(_figure(rows))
    shared: dict[str, Any] = {"peer_p25": low, "peer_median": middle, "peer_p75": high}
    if kind == "proportion" and rows["ratio"].null_count() == rows.height:
        events, size = rows["numerator"].cast(pl.Float64).to_numpy(), rows["denominator"].cast(pl.Float64).to_numpy()
        shared["achievable_benchmark"] = benchmark.achievable(
            events, size, share=settings.achievable_share, higher_is_better=higher_is_better
        )
    return shared


def _judged(
    rows: pl.DataFrame, higher_is_better: bool, settings: ScoringSettings
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Percentile, reliability, category and significance of each unit of a peer group."""
    reference = _reference(rows)
    if reference is None:
        return
    has_ratio = rows["ratio"].null_count() < rows.height
    rank = benchmark.percentiles(_figure(rows), higher_is_better=higher_is_better)
    significant = multiplicity.adjust(_p_values(rows, reference, has_ratio)) <= settings.fdr_q
    signal = _reliability(rows, has_ratio)
    for place, row in enumerate(rows.iter_rows(named=True)):
        yield (
            row["provider_id"],
            {
                "percentile": float(rank[place]),
                "reliability": None if signal is None else float(signal[place]),
                "category": _category(row["ci_low"], row["ci_high"], reference, higher_is_better),
                "fdr_significant": bool(significant[place]),
            },
        )


def _category(low: float, high: float, reference: float, higher_is_better: bool) -> str:
    """A label needs the whole interval on one side of the reference."""
    if low > reference:
        return "better" if higher_is_better else "worse"
    if high < reference:
        return "worse" if higher_is_better else "better"
    return "no_different"


def _p_values(rows: pl.DataFrame, reference: float, has_ratio: bool) -> Floats:
    """Two-sided p-value of each unit against the reference, by the test that belongs to its interval."""
    if not has_ratio:
        share, size = rows["observed"].to_numpy(), rows["denominator"].cast(pl.Float64).to_numpy()
        spread = np.sqrt(max(reference * (1 - reference), 1e-12) / size)
        return np.asarray(2 * stats.norm.sf(np.abs(share - reference) / spread), dtype=np.float64)
    if rows["log_error"].null_count() == 0:
        return np.asarray(
            2 * stats.norm.sf(np.abs(np.log(rows["ratio"].to_numpy())) / rows["log_error"].to_numpy()), dtype=np.float64
        )
    observed, expected = rows["numerator"].cast(pl.Float64).to_numpy(), rows["expected"].to_numpy()
    half = 0.5 * stats.poisson.pmf(observed, expected)
    below, above = stats.poisson.cdf(observed, expected) - half, stats.poisson.sf(observed, expected) + half
    return np.asarray(np.minimum(1.0, 2 * np.minimum(below, above)), dtype=np.float64)


def _reliability(rows: pl.DataFrame, has_ratio: bool) -> Floats | None:
    if rows.height < 2:
        return None
    if not has_ratio:
        return reliability.beta_binomial(
            rows["numerator"].cast(pl.Float64).to_numpy(), rows["denominator"].cast(pl.Float64).to_numpy()
        ).shrinkage
    if rows["log_error"].null_count() == 0:
        return reliability.of_estimates(np.log(rows["ratio"].to_numpy()), rows["log_error"].to_numpy())
    return reliability.of_ratios(rows["numerator"].cast(pl.Float64).to_numpy(), rows["expected"].to_numpy())


def _as_results(
    found: MeasureEvents, measure_id: str, level: str, rows: pl.DataFrame, units: pl.DataFrame, fit: Fit
) -> pl.DataFrame:
    """The rows with every column of contracts.md section 5."""
    module = found.module
    named = units.filter(pl.col("level") == level).select("unit_id", "id_type", provider_name="name")
    reason = (
        pl.when("too_few")
        .then(pl.lit(f"below the minimum of {module.facts.publish.min_denominator}"))
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
