"""One unit's figures of the sent run worked out again with a correction: everything learnt from others is read from that run.

Source: rules.md, section 0.4 and R3; docs/methods/frozen-reference.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import polars as pl

from qe import quarter, run_record
from qe.corrected.reach import Reached, one_a_unit, others_reached
from qe.corrected.sent import SentCycle
from qe.corrections import apply
from qe.corrections.kept import UnitFigures
from qe.corrections.record import Correction, CorrectionKind
from qe.errors import MeasureError
from qe.measurement import detail
from qe.measurement.catalogue import catalogue
from qe.measurement.measure import Module
from qe.measurement.unit_counts import unit_counts
from qe.periods import MeasurePeriod
from qe.site import Site
from qe.statistics import peers
from qe.statistics.rescore import SentRun, rescore
from qe.statistics.results import RESULT_ORDER, round_significant
from qe.warehouse import Warehouse

SAME: Final = 1e-6  # relative: figures come again to about nine digits; a changed setting moves them by far more
PEER_INPUTS: Final = ("specialty", "county_fips")  # details from which a peer group follows
REISSUE: Final = "Run again and re-issue the reports whose figures or categories change as printed."


@dataclass(frozen=True, kw_only=True, eq=False)
class Rescored:
    """One unit worked out again.

    figures  of the unit, with the correction
    decided  corrections.apply.DECIDED: what became of every line that is about events
    days     by measure the days of the run that was sent
    families  by measure the first of those that rest on the same events (corrections.apply.together)
    reached  whom else it reaches
    """

    figures: UnitFigures
    decided: pl.DataFrame
    days: Mapping[str, MeasurePeriod]
    families: Mapping[str, str]
    reached: tuple[Reached, ...]


def rescored(site: Site, sent: SentCycle, db: Warehouse, before: UnitFigures, asked: Correction) -> Rescored:
    """The unit's figures with the correction, by the frozen reference of the sent run; and whom else it reaches.

    MeasureError: the measure's folder, parameters or settings have changed since, or it would be a first result.
    """
    end = sent.page_facts.period.end
    units = apply.corrected_units(before.units, [asked], on=end)
    results, counts = _renamed(before.results, units), before.counts
    decided: list[pl.DataFrame] = [apply.NOTHING_DECIDED]
    days: dict[str, MeasurePeriod] = {}
    families: dict[str, str] = {}
    reached: list[Reached] = []
    modules = _modules(site, sent, before, asked)
    by_run = _reference(site, sent, before, modules)
    by_details = _regrouped(site, by_run, before, units, asked)
    for module in modules:
        period = _days(sent, module)
        days |= dict.fromkeys(module.measure_ids, period)
        families |= {measure_id: apply.together(module, measure_id)[0] for measure_id in module.measure_ids}
        found = quarter.events_of(site, db, module, period, learnt=by_run.learnt[module.id])
        was = apply.corrected(db, found, sent.earlier).events
        now = apply.corrected(db, was, [asked])
        of_module = pl.col("measure_id").is_in(module.measure_ids)
        shown = before.results.filter(of_module)
        same = round_significant(rescore(was, by_run, asked.unit_id))
        _require_same(same, shown, module)
        again = round_significant(rescore(now.events, by_details, asked.unit_id))
        results = pl.concat([results.filter(~of_module), _unless_same(again, same, shown)])
        mine = unit_counts(now.events).filter(pl.col("provider_id") == asked.unit_id)
        counts = pl.concat([counts.filter(~of_module), mine])
        decided.append(now.decided)
        reached += others_reached(was, now, by_run, asked.unit_id)
    return Rescored(
        figures=UnitFigures(results=results.sort(RESULT_ORDER), counts=counts, units=units),
        decided=pl.concat(decided),
        days=days,
        families=families,
        reached=one_a_unit(reached),
    )


def _modules(site: Site, sent: SentCycle, before: UnitFigures, asked: Correction) -> list[Module]:
    """The modules whose figures of the unit the correction may move, as the sent run applied them."""
    regroups = any(line.detail in PEER_INPUTS for line in asked.lines)
    about = [line for line in asked.lines if line.kind is not CorrectionKind.PROVIDER_DETAILS]
    ran = {one["module"]: one for one in sent.manifest["measures"]}
    shown = set(before.results["measure_id"])
    found = [
        module
        for module in catalogue(site.measure_folders)
        if module.id in ran
        and shown & set(module.measure_ids)
        and (regroups or any(line.is_of(module.measure_ids) for line in about))
    ]
    if changed := [module.id for module in found if module.sha256 != ran[module.id]["sha256"]]:
        raise MeasureError(
            f"the measure folder of {', '.join(changed)} has changed since the run that was sent",
            remedy="Put back the version that was sent; a correction is worked out by it.",
        )
    return found


def _days(sent: SentCycle, module: Module) -> MeasurePeriod:
    measured = next(one for one in sent.manifest["measures"] if one["module"] == module.id)
    return MeasurePeriod(
        start=date.fromisoformat(measured["period_start"]), end=date.fromisoformat(measured["period_end"])
    )


def _reference(site: Site, sent: SentCycle, before: UnitFigures, modules: Sequence[Module]) -> SentRun:
    """What the run keeps of its scoring, with the unit's own rows as it is shown them now."""
    key, engine = site.store_key(), site.engine()
    learnt = {
        module.id: detail.read_learnt(sent.run.detail / f"{module.id}.duckdb", module, key=key, engine=engine)
        for module in modules
    }
    kept = run_record.sent_run(sent.run, learnt)
    others = kept.results.filter(pl.col("provider_id") != sent.unit_id)
    return replace(
        kept,
        results=pl.concat([others, before.results]).sort(RESULT_ORDER),
        units=_units_with(kept.units, before.units),
    )


def _units_with(units: pl.DataFrame, mine: pl.DataFrame) -> pl.DataFrame:
    """The table of units with one unit's rows in place of its own, as public pages name it."""
    own = run_record.public_units(mine).select(units.columns)
    others = units.filter(~pl.col("unit_id").is_in(mine["unit_id"].unique().to_list()))
    return pl.concat([others, own]).sort("unit_id", "level")


def _regrouped(site: Site, by_run: SentRun, before: UnitFigures, units: pl.DataFrame, asked: Correction) -> SentRun:
    """The same with the unit's corrected details, and its rows in the peer group of the sent run that follows from them."""
    sent = replace(by_run, units=_units_with(by_run.units, units))
    if not any(line.detail in PEER_INPUTS for line in asked.lines):
        return sent
    unit = units.row(0, named=True)
    labels = {}
    for measure_id, level, label in before.results.select("measure_id", "level", "peer_group").unique().iter_rows():
        groups = [one.peer_group for one in by_run.references[measure_id].peers if one.level == level]
        found = peers.group_of(
            groups,
            level=level,
            by=list(site.settings.peers.by),
            specialty=unit["specialty"],
            county_fips=unit["county_fips"],
            before=label,
            areas=site.settings.entity.areas,
        )
        if found is None:
            raise MeasureError(
                f"{measure_id}: no peer group of the run that was sent is that of the corrected details", remedy=REISSUE
            )
        labels[measure_id, level] = found
    mine = pl.col("provider_id") == asked.unit_id
    named = pl.struct("measure_id", "level").map_elements(
        lambda key: labels[key["measure_id"], key["level"]], return_dtype=pl.String
    )
    own = sent.results.filter(mine).with_columns(peer_group=named)
    return replace(sent, results=pl.concat([sent.results.filter(~mine), own]).sort(RESULT_ORDER))


def _renamed(results: pl.DataFrame, units: pl.DataFrame) -> pl.DataFrame:
    """The rows under the unit's name."""
    names = units.select("unit_id", "level", corrected_name="name").unique(["unit_id", "level"])
    joined = results.join(
        names, left_on=["provider_id", "level"], right_on=["unit_id", "level"], how="left", maintain_order="left"
    )
    name = pl.coalesce("corrected_name", "provider_name")
    return joined.with_columns(provider_name=name).select(results.columns)


def _require_same(again: pl.DataFrame, shown: pl.DataFrame, module: Module) -> None:
    """Without the correction the frozen reference gives what was sent: else something else would be corrected along."""
    published = shown.sort(RESULT_ORDER)
    if again.height != published.height or not all(
        _alike(again[name], published[name]) for name in published.columns if name != "provider_name"
    ):
        raise MeasureError(
            f"{module.id}: the events of the run that was sent cannot be worked out again",
            remedy=f"Settings, lists or the software have changed since. {REISSUE}",
        )


def _unless_same(again: pl.DataFrame, same: pl.DataFrame, shown: pl.DataFrame) -> pl.DataFrame:
    """The corrected rows; a figure that the correction leaves alone to its last digit as it was shown.

    same  the rows worked out without the correction: the frozen reference gives nine digits of what was shown
    """
    key = list(RESULT_ORDER)
    joined = again.join(same, on=key, how="left", suffix="_same", maintain_order="left").join(
        shown, on=key, how="left", suffix="_shown", maintain_order="left"
    )
    floats = [name for name, kind in again.schema.items() if kind == pl.Float64]
    return joined.with_columns(
        pl.when(pl.col(name).eq_missing(pl.col(f"{name}_same")))
        .then(pl.coalesce(f"{name}_shown", name))
        .otherwise(name)
        .alias(name)
        for name in floats
    ).select(again.columns)


def _alike(one: pl.Series, other: pl.Series) -> bool:
    if one.dtype != pl.Float64:
        return one.equals(other, null_equal=True)
    near = ((one - other).abs() <= SAME * pl.select(pl.max_horizontal(one.abs(), other.abs())).to_series()) | (
        one.is_null() & other.is_null()
    )
    return bool(near.fill_null(False).all())
