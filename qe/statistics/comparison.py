"""Providers held against their peers: quartiles, percentile, benchmark, reliability, category and significance."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

import numpy as np
import polars as pl
import scipy
from numpy.typing import NDArray

from qe.measurement.compute import MeasureEvents
from qe.statistics import benchmark, multiplicity, peers, reliability
from qe.statistics.reference import PeerReference, Signal

Floats = NDArray[np.float64]

SCOPES: Final = ("all", "medicare", "other")
# Of four or five units three quartiles and the reader's own figure can be solved for the others; of six they cannot.
FEWEST_FOR_AGGREGATES: Final = 6
RANKED_DIGITS: Final = 8  # significant; what a correction gives for the same events agrees to nine


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
    def minimum_catchment_share(self) -> float: ...
    @property
    def accept_calibration(self) -> Mapping[str, str]: ...


def learnt(
    found: MeasureEvents,
    rows: pl.DataFrame,
    units: pl.DataFrame,
    level: str,
    peer_settings: PeerSettings,
    settings: ScoringSettings,
    areas: Sequence[str] = (),
) -> tuple[Mapping[str, PeerReference], Mapping[str, str]]:
    """What units are held against, by peer group; and the peer group of each unit.

    rows  of score.providers: every unit and payer scope of one measure and level, before any comparison
    """
    facts = found.module.facts
    whole = rows.filter(pl.col("payer_scope") == "all").sort("provider_id")
    described = whole.select(
        unit_id="provider_id", size="size", is_eligible=_is_eligible(facts.publish.min_denominator)
    ).join(units.select("unit_id", "specialty", "county_fips"), on="unit_id", how="left", maintain_order="left")
    groups = peers.assign(
        described, level=level, by=list(peer_settings.by), min_peers=peer_settings.min_peers, areas=areas
    )
    references = {
        label: _reference_of(rows, level, label, members, facts.direction == "higher", facts.kind, settings)
        for label, members in groups.members.items()
    }
    return references, groups.label


def judged(
    found: MeasureEvents,
    rows: pl.DataFrame,
    references: Mapping[str, PeerReference],
    groups: Mapping[str, str],
    figures: Mapping[str, float],
) -> pl.DataFrame:
    """The rows with peer group, quartiles, percentile, benchmark, reliability, category and significance.

    Ranks, quartiles, benchmark and significance belong to scope "all". The payer scopes carry their counts, interval and
    category, each against the same reference within its scope, and the peer group's name.

    figures  by unit what it is compared by over all payers, of every unit with enough cases; a row's own stands for itself
    """
    minimum = found.module.facts.publish.min_denominator
    higher_is_better = found.module.facts.direction == "higher"
    marked = rows.with_columns(eligible=_is_eligible(minimum).fill_null(False))
    own = {
        unit: columns
        for label, reference in references.items()
        for unit, columns in _own(
            marked.filter(
                (pl.col("payer_scope") == "all")
                & pl.col("eligible")
                & pl.col("provider_id").is_in([unit for unit, of in groups.items() if of == label])
            ),
            reference,
            figures,
            higher_is_better,
        )
    }
    columns = []
    for row in marked.iter_rows(named=True):
        label = groups.get(row["provider_id"], "")
        reference = references.get(label)
        comparison: dict[str, Any] = {"peer_group": label, "too_few": not row["eligible"], "category": "too_few"}
        if row["payer_scope"] != "all":
            held_against = None if reference is None else reference.pooled.get(row["payer_scope"])
            if held_against is None:
                comparison["too_few"] = True
            elif row["eligible"]:
                comparison["category"] = _category(row["ci_low"], row["ci_high"], held_against, higher_is_better)
        elif reference is not None:
            comparison |= {name: getattr(reference, name) for name in SHARED}
            if row["eligible"]:
                comparison |= own.get(row["provider_id"], {"category": None})
        columns.append(comparison)
    return rows.hstack(pl.DataFrame(columns, schema=_COMPARISON, orient="row"))


def figures_of(rows: pl.DataFrame, minimum: int) -> dict[str, float]:
    """By unit what it is compared by over all payers, the ratio where there is one, else the rate; of units with enough cases."""
    whole = rows.filter((pl.col("payer_scope") == "all") & _is_eligible(minimum))
    return dict(zip(whole["provider_id"], figure(whole).tolist(), strict=True))


def _is_eligible(minimum: int) -> pl.Expr:
    return (pl.col("size") >= minimum) & pl.col("ci_low").is_not_null()


SHARED: Final = ("peer_p25", "peer_median", "peer_p75", "achievable_benchmark")  # shown alike to a whole peer group
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


def _reference_of(
    rows: pl.DataFrame,
    level: str,
    label: str,
    members: Sequence[str],
    higher_is_better: bool,
    kind: str,
    settings: ScoringSettings,
) -> PeerReference:
    own = rows.filter(pl.col("provider_id").is_in(list(members)))
    mine = own.filter(pl.col("payer_scope") == "all").sort("provider_id")
    pooled = {scope: _reference(own.filter(pl.col("payer_scope") == scope)) for scope in SCOPES}
    common: dict[str, Any] = {"level": level, "peer_group": label, "members": tuple(mine["provider_id"])}
    held_against = pooled["all"]
    if held_against is None:
        return PeerReference(**common, pooled=pooled)
    has_ratio = mine["ratio"].null_count() < mine.height
    return PeerReference(
        **common,
        **_shared(mine, higher_is_better, kind, settings),
        pooled=pooled,
        significant_up_to=multiplicity.largest_significant(_p_values(mine, held_against, has_ratio), q=settings.fdr_q),
        signal=_signal(mine, has_ratio),
    )


def _own(
    rows: pl.DataFrame, reference: PeerReference, figures: Mapping[str, float], higher_is_better: bool
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Percentile, reliability, category and significance of each of these units of one peer group, all with enough cases."""
    held_against = reference.pooled["all"]
    if held_against is None or rows.is_empty():
        return
    has_ratio = rows["ratio"].null_count() < rows.height
    among = frozenset(reference.members)
    peers_figures = [figures[peer] for peer in reference.members]
    rank = benchmark.percentile_among(
        figure(rows),
        peers_figures,
        own=[figures[unit] if unit in among else None for unit in rows["provider_id"]],
        higher_is_better=higher_is_better,
    )
    significant = _p_values(rows, held_against, has_ratio) <= reference.significant_up_to
    for place, row in enumerate(rows.iter_rows(named=True)):
        yield (
            row["provider_id"],
            {
                "percentile": float(rank[place]),
                "reliability": None if reference.signal is None else reference.signal.reliability(row),
                "category": _category(row["ci_low"], row["ci_high"], held_against, higher_is_better),
                "fdr_significant": bool(significant[place]),
            },
        )


def _reference(rows: pl.DataFrame) -> float | None:
    """What intervals are held against: 1 for O/E ratios, else the pooled rate of these rows; None without cases."""
    if rows["ratio"].null_count() < rows.height:
        return 1.0
    size = float(rows["denominator"].sum() or 0)
    return float(rows["numerator"].sum()) / size if size > 0 else None


def figure(rows: pl.DataFrame) -> Floats:
    """What providers are compared by, the ratio or else the rate: to RANKED_DIGITS, so that equal ones stay equal."""
    figures = rows.select(pl.coalesce("ratio", "observed")).to_series().cast(pl.Float64)
    return np.array([float(f"{one:.{RANKED_DIGITS}g}") for one in figures], dtype=np.float64)


def _shared(rows: pl.DataFrame, higher_is_better: bool, kind: str, settings: ScoringSettings) -> dict[str, Any]:
    """What all units of a peer group are shown alike."""
    if rows.height < FEWEST_FOR_AGGREGATES:
        return {}
    low, middle, high = benchmark.quartiles(figure(rows))
    shared: dict[str, Any] = {"peer_p25": low, "peer_median": middle, "peer_p75": high}
    if kind == "proportion" and rows["ratio"].null_count() == rows.height:
        events, size = rows["numerator"].cast(pl.Float64).to_numpy(), rows["denominator"].cast(pl.Float64).to_numpy()
        shared["achievable_benchmark"] = benchmark.achievable(
            events, size, share=settings.achievable_share, higher_is_better=higher_is_better
        )
    return shared


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


def _signal(rows: pl.DataFrame, has_ratio: bool) -> Signal | None:
    if rows.height < 2:
        return None
    if rows["model_reliability"].null_count() == 0:
        return Signal(of="model")
    events, size = rows["numerator"].cast(pl.Float64).to_numpy(), rows["denominator"].cast(pl.Float64).to_numpy()
    if not has_ratio:
        found = reliability.beta_binomial(events, size)
        return Signal(of="cases", spread=found.alpha + found.beta)
    if rows["log_error"].null_count() == 0:
        ratios, errors = np.log(rows["ratio"].to_numpy()), rows["log_error"].to_numpy()
        return Signal(of="estimates", spread=reliability.variance_between(ratios, errors, method="dl"))
    return Signal(of="ratios", spread=reliability.variance_of_ratios(events, rows["expected"].to_numpy()))
