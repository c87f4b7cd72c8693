"""Providers held against their peers: quartiles, percentile, benchmark, reliability, category and significance."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

import numpy as np
import polars as pl
import scipy
from numpy.typing import NDArray

from qe.measurement.compute import MeasureEvents
from qe.statistics import benchmark, multiplicity, peers, reliability

Floats = NDArray[np.float64]

SCOPES: Final = ("all", "medicare", "other")
# Of four or five units three quartiles and the reader's own figure can be solved for the others; of six they cannot.
FEWEST_FOR_AGGREGATES: Final = 6


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
    @property
    def bootstrap_draws(self) -> int: ...
    @property
    def accept_calibration(self) -> Mapping[str, str]: ...


def compared(
    found: MeasureEvents,
    rows: pl.DataFrame,
    units: pl.DataFrame,
    level: str,
    peer_settings: PeerSettings,
    settings: ScoringSettings,
    areas: Sequence[str] = (),
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
        size="size",
        is_eligible=(pl.col("size") >= minimum) & pl.col("ci_low").is_not_null(),
    ).join(units.select("unit_id", "specialty", "county_fips"), on="unit_id", how="left", maintain_order="left")
    groups = peers.assign(
        described, level=level, by=list(peer_settings.by), min_peers=peer_settings.min_peers, areas=areas
    )
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
    too_few = row["size"] < minimum or row["ci_low"] is None or reference is None
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
        return np.asarray(2 * scipy.stats.norm.sf(np.abs(share - reference) / spread), dtype=np.float64)
    if rows["log_error"].null_count() == 0:
        away, error = np.abs(np.log(rows["ratio"].to_numpy())), rows["log_error"].to_numpy()
        z = np.divide(
            away, error, out=np.zeros_like(away), where=error > 0
        )  # providers that do not differ have no error
        return np.asarray(2 * scipy.stats.norm.sf(z), dtype=np.float64)
    observed, expected = rows["numerator"].cast(pl.Float64).to_numpy(), rows["expected"].to_numpy()
    half = 0.5 * scipy.stats.poisson.pmf(observed, expected)
    below, above = scipy.stats.poisson.cdf(observed, expected) - half, scipy.stats.poisson.sf(observed, expected) + half
    return np.asarray(np.minimum(1.0, 2 * np.minimum(below, above)), dtype=np.float64)


def _reliability(rows: pl.DataFrame, has_ratio: bool) -> Floats | None:
    if rows.height < 2:
        return None
    if rows["model_reliability"].null_count() == 0:
        return rows["model_reliability"].to_numpy()
    if not has_ratio:
        return reliability.beta_binomial(
            rows["numerator"].cast(pl.Float64).to_numpy(), rows["denominator"].cast(pl.Float64).to_numpy()
        ).shrinkage
    if rows["log_error"].null_count() == 0:
        return reliability.of_estimates(np.log(rows["ratio"].to_numpy()), rows["log_error"].to_numpy())
    return reliability.of_ratios(rows["numerator"].cast(pl.Float64).to_numpy(), rows["expected"].to_numpy())
