"""All measure modules over one large sample in one run: how long each takes, and whether its waterfall reconciles.

The counts are made here from the person-level detail of the run, not by what wrote the waterfall and the results. A module
whose look-back reaches before the sample's first month is refused by the run; it is measured on the same claims model over
the twelve months that end with the data (`bcs` asks for 27 months, all that the sample holds).
"""

import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl

from benchmarks.site import generated, opened_model, score, site_over
from qe import bundled, quarter, run_record, runs
from qe.measurement.catalogue import catalogue
from qe.measurement.detail import read_detail
from qe.measurement.detail import rows as detail_rows
from qe.measurement.measure import Module
from qe.periods import MeasurePeriod, twelve_months_ending
from qe.progress import Progress
from qe.site import Site
from qe.warehouse import Warehouse

ENGINE_STEPS = ("eligible", "denominator", "numerator")


@dataclass(frozen=True, kw_only=True)
class Counted:
    """One measure's waterfall.

    excluded     events by the first rule that leaves them out
    differences  where waterfall, detail and results do not agree, in words
    """

    eligible: int
    excluded: Mapping[str, int]
    denominator: int
    numerator: int
    providers: int
    differences: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class MeasuredModule:
    """seconds: attribution, computing, detail and scoring."""

    period: str
    seconds: float
    measures: Mapping[str, Counted]


@dataclass(frozen=True, kw_only=True)
class Measures:
    persons: int
    seed: int
    modules: Mapping[str, MeasuredModule]

    @property
    def shortfalls(self) -> list[str]:
        """What is wrong: a difference, or a measure that found nobody."""
        counted = [(name, one) for module in self.modules.values() for name, one in sorted(module.measures.items())]
        return [
            *(f"{name}: {said}" for name, one in counted for said in one.differences),
            *(f"{name}: nobody is in its denominator" for name, one in counted if not one.denominator),
        ]


def check(folder: Path, *, persons: int, seed: int, progress: Progress | None = None) -> Measures:
    """Generate, run all modules with the invented lists in their slots, count. Can be stopped and run again."""
    files = generated(folder / f"sample-{persons}-{seed}", persons=persons, seed=seed, progress=progress)
    site = site_over(folder / f"site-{persons}-{seed}", files / "inbox")
    fill_slots(site)
    kept = folder / f"seconds-{persons}-{seed}.json"  # of the go that computed: a finished run is not computed again
    if seconds := score(site, measures=("all",), progress=progress):
        kept.write_text(json.dumps(seconds), encoding="utf-8")
    return counted(site, json.loads(kept.read_text(encoding="utf-8")), persons=persons, seed=seed)


def fill_slots(site: Site) -> None:
    """Put the invented codes where a site places the lists that it licenses."""
    site.licensed_lists.mkdir(exist_ok=True)
    for invented in sorted((bundled.folder("measures") / "_stand_ins").glob("*.csv")):
        shutil.copy(invented, site.licensed_lists / invented.name)


def counted(site: Site, seconds: Mapping[str, float], *, persons: int, seed: int) -> Measures:
    """The last run of a site, counted anew from its detail, and the modules that the run has left out."""
    run = runs.recorded_runs(site)[0]
    waterfall = pl.read_parquet(run_record.results_path(run, "waterfall"))
    results = pl.read_parquet(run_record.results_path(run, "measure_results")).filter(payer_scope="all")
    found = {}
    with opened_model(site) as db:
        for module in catalogue(site.measure_folders):
            if module.id not in seconds:
                found[module.id] = _beside_the_run(site, db, module)
                continue
            rows = read_detail(run.detail / f"{module.id}.duckdb", key=site.store_key(), engine=site.engine())
            found[module.id] = MeasuredModule(
                period=_said(quarter.measure_period(module, site.period())),
                seconds=round(seconds[module.id], 2),
                measures=_of_module(module, rows, waterfall, results),
            )
    return Measures(persons=persons, seed=seed, modules=found)


def _beside_the_run(site: Site, db: Warehouse, module: Module) -> MeasuredModule:
    """A module that asks for days which the period of the run does not have, over the last twelve months of the data."""
    ends = max(source.end for source in site.settings.sources.values() if source.end is not None)
    days, start = twelve_months_ending(ends), time.monotonic()
    found, scored = quarter.computed(site, db, module, days)
    return MeasuredModule(
        period=_said(days),
        seconds=round(time.monotonic() - start, 2),
        measures=_of_module(module, detail_rows(found), found.waterfall, scored.results.filter(payer_scope="all")),
    )


def _said(period: MeasurePeriod) -> str:
    return f"{period.start} to {period.end}"


def _of_module(
    module: Module, detail: pl.DataFrame, waterfall: pl.DataFrame, results: pl.DataFrame
) -> dict[str, Counted]:
    return {
        measure: _of_measure(
            module,
            detail.filter(measure_id=measure),
            waterfall.filter(measure_id=measure),
            results.filter(measure_id=measure),
        )
        for measure in module.measure_ids
    }


def _of_measure(module: Module, detail: pl.DataFrame, waterfall: pl.DataFrame, results: pl.DataFrame) -> Counted:
    events = detail.unique("event_id")  # a row a level
    inside = events.filter("in_denominator")
    by_rule: dict[str, int] = {}
    for reasons in events.filter(~pl.col("in_denominator"))["exclusion_reasons"].to_list():
        by_rule[reasons[0]] = by_rule.get(reasons[0], 0) + 1
    held = {
        "eligible": events.height,
        **by_rule,
        "denominator": inside.height,
        "numerator": events.filter("in_numerator").height,
    }
    said = dict(waterfall.select("step", "events").iter_rows())
    differences = [
        f"{step}: the waterfall says {said.get(step, 0)}, the detail holds {held.get(step, 0)}"
        for step in sorted(said.keys() | held.keys())
        if said.get(step, 0) != held.get(step, 0)
    ]
    left_out = sum(count for step, count in said.items() if step not in ENGINE_STEPS)
    if said.get("eligible", 0) != left_out + said.get("denominator", 0):
        differences.append("eligible is not the excluded and the denominator together")
    return Counted(
        eligible=held["eligible"],
        excluded=dict(sorted(by_rule.items())),
        denominator=held["denominator"],
        numerator=held["numerator"],
        providers=results.height,
        differences=(*differences, *_of_results(module, detail, results)),
    )


def _of_results(module: Module, detail: pl.DataFrame, results: pl.DataFrame) -> list[str]:
    """Where a provider's denominator is not what the detail holds of it."""
    per_event = module.facts.kind in ("proportion", "mean")
    below = pl.len().cast(pl.Float64) if per_event else pl.col("exposure").sum().cast(pl.Float64)
    held = detail.filter("in_denominator", pl.col("provider_id").is_not_null())
    own = held.group_by("level", "provider_id").agg(held=below)
    both = results.join(own, on=["level", "provider_id"], how="full", coalesce=True).with_columns(
        pl.col("held").fill_null(0), said=pl.col("denominator").cast(pl.Float64).fill_null(0)
    )
    wrong = both.filter((pl.col("held") - pl.col("said")).abs() > 1e-6).height
    return [f"{wrong} results have another denominator than their detail"] if wrong else []


def as_result(found: Measures) -> dict[str, object]:
    """What is written to benchmarks/results/measures.json."""
    return asdict(found)
