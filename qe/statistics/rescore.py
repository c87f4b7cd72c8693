"""One provider scored again after a correction, by the frozen reference of the run that was sent: nobody else moves.

Everything that scoring learns from other providers is read and not learnt: coefficients, sigma, drawn models, scales, peer group,
cut-points, quartiles and benchmarks; and so is what a module's own SQL takes from everybody (caps of costs, reference prices),
which `compute` is given from the sent run. A provider whose events have not changed gets its results again, to nine significant
digits.

Source: rules.md, 1.4 (R3); statistics.md, correction 11.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from qe.errors import MeasureError
from qe.measurement.compute import MeasureEvents
from qe.statistics import hierarchical
from qe.statistics.bootstrap import DrawnModel
from qe.statistics.comparison import figure, judged
from qe.statistics.expected import as_quotient, expected_again
from qe.statistics.reference import MeasureReference
from qe.statistics.results import RESULT_ORDER, RESULT_SCHEMA
from qe.statistics.score import as_results, figures_of_providers, made_of


@dataclass(frozen=True, kw_only=True)
class SentRun:
    """What a run keeps of its scoring.

    references  by measure; draws: DRAW_SCHEMA; results: RESULT_SCHEMA, of all providers
    units       as score takes them
    learnt      by module and part, what its SQL took from everybody (detail.read_learnt); a module that learns nothing is left out
    """

    references: Mapping[str, MeasureReference]
    draws: pl.DataFrame
    results: pl.DataFrame
    units: pl.DataFrame
    learnt: Mapping[str, Mapping[str, pl.DataFrame]] = field(default_factory=dict)


def rescore(corrected: MeasureEvents, sent: SentRun, provider_id: str) -> pl.DataFrame:
    """RESULT_SCHEMA: the provider's rows of every measure of one module that it had results of.

    corrected  the module's events as they are after the correction, computed by what the sent run learnt; only this provider's are
               looked at

    A provider that has lost its last event of a measure has no row of it. MeasureError: another version, period or parameters than
    the sent run's, or a first result of any measure of the module (that is a re-issue, not a correction).
    """
    measures = [measure for measure in corrected.module.facts.measures if measure.id in sent.references]
    published = sent.results.filter(
        (pl.col("provider_id") == provider_id) & pl.col("measure_id").is_in([measure.id for measure in measures])
    )
    if published.is_empty():
        raise MeasureError(
            f"{corrected.module.id}: the provider has no result in the run that was sent",
            remedy="A first result is no correction: re-issue the report.",
        )
    mine = replace(corrected, attributed=corrected.attributed.filter(pl.col("provider_id") == provider_id))
    rows = [pl.DataFrame(schema=RESULT_SCHEMA)]
    denominators: dict[str, pl.DataFrame] = {}
    for measure in sorted(measures, key=lambda one: one.quotient is not None):
        reference = sent.references[measure.id]
        if reference.version != corrected.module.version:
            raise MeasureError(
                f"{measure.id}: corrected by version {corrected.module.version}, but sent with {reference.version}",
                remedy="Correct by the version of the measure that was sent.",
            )
        if others := [name for name, value in made_of(corrected).items() if getattr(reference, name) != value]:
            raise MeasureError(
                f"{measure.id}: its {', '.join(others)} differ from those of the run that was sent",
                remedy="Compute the corrected events by the measure folder, period and parameters of that run.",
            )
        if not _same(corrected.learnt, sent.learnt.get(corrected.module.id, {})):
            raise MeasureError(
                f"{corrected.module.id}: the corrected events go by other prices or caps than the run that was sent",
                remedy="Compute them by what that run learnt, which its detail keeps.",
            )
        attributed = mine.attributed.filter(pl.col("measure_id") == measure.id)
        events = (
            mine.events.filter(pl.col("measure_id") == measure.id)
            .join(attributed.select("event_id").unique(), on="event_id", how="semi")
            .sort("event_id")
        )
        inside = events.filter("in_denominator")
        if measure.quotient is None:
            inside = denominators[measure.id] = expected_again(mine, inside, reference.models, reference.scales)
        else:
            above, below = (denominators[term] for term in measure.quotient)
            inside = as_quotient(inside, above, below)
        standing = _standing(mine, reference, sent.draws, inside, provider_id)
        for level in sorted(attributed["level"].unique()):
            own = published.filter((pl.col("measure_id") == measure.id) & (pl.col("level") == level))
            here = attributed.filter(pl.col("level") == level)
            figures = figures_of_providers(mine, inside, events, here, reference, standing)
            judged_by_peers = _judged(mine, reference, sent.results, own, level, figures)
            units = sent.units.filter((pl.col("unit_id") == provider_id) & (pl.col("level") == level))
            rows.append(as_results(mine, level, judged_by_peers, units, reference))
    return pl.concat(rows).sort(RESULT_ORDER)


def _same(one: Mapping[str, pl.DataFrame], other: Mapping[str, pl.DataFrame]) -> bool:
    """Whether two runs took the same from everybody, part by part."""
    return one.keys() == other.keys() and all(one[part].equals(other[part]) for part in one)


def _judged(
    corrected: MeasureEvents,
    reference: MeasureReference,
    results: pl.DataFrame,
    own: pl.DataFrame,
    level: str,
    figures: pl.DataFrame,
) -> pl.DataFrame:
    """The figures held against the peers that the sent run gave the provider. own: its rows there."""
    if own.is_empty():
        raise MeasureError(
            f"{reference.measure_id}: the provider has no result of it in the run that was sent",
            remedy="A first result is no correction: re-issue the report.",
        )
    of_measure = results.filter(
        (pl.col("measure_id") == reference.measure_id) & (pl.col("level") == level) & (pl.col("payer_scope") == "all")
    )
    of_measure = of_measure.filter(pl.coalesce("ratio", "observed").is_not_null())
    compared_by = dict(zip(of_measure["provider_id"], figure(of_measure).tolist(), strict=True))
    peers = {peer.peer_group: peer for peer in reference.peers if peer.level == level}
    group = dict(own.filter(pl.col("payer_scope") == "all").select("provider_id", "peer_group").iter_rows())
    return judged(corrected, figures, peers, group, compared_by)


def _standing(
    corrected: MeasureEvents,
    reference: MeasureReference,
    draws: pl.DataFrame,
    inside: pl.DataFrame,
    provider_id: str,
) -> pl.DataFrame | None:
    """What the models with effects of providers say of its events; None of a measure without, or without events."""
    if not reference.has_effects or inside.is_empty():
        return None
    cases = {
        str(name): (
            part["observed"].to_numpy(),
            reference.models[str(name)].factors(corrected.covariates, part["event_id"].to_list()),
        )
        for (name,), part in inside.sort("event_id")
        .partition_by("model_cohort", as_dict=True, maintain_order=True)
        .items()
        if name in reference.models
    }
    if not cases:
        return None
    if provider_id not in reference.providers:
        raise MeasureError(
            f"{reference.measure_id}: the provider had no case in the models of the run that was sent",
            remedy="A first case is no correction: re-issue the report.",
        )
    kept = draws.filter(pl.col("measure_id") == reference.measure_id).sort("cohort", "draw")
    drawn = {
        cohort: DrawnModel(np.array(part["coefficients"].to_list()), part["sigma"].to_numpy())
        for cohort in reference.models
        for part in (kept.filter(pl.col("cohort") == cohort),)
    }
    return hierarchical.standing_again(
        cases,
        reference.models,
        drawn,
        providers=reference.providers,
        provider=provider_id,
        confidence=reference.confidence,
    )
