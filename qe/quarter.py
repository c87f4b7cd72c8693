"""The stages of a quarter that join packages: which measures, on which model, into which run, for whom and by when."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from qe import run_record, runs, warehouse
from qe.claims import examination, quality
from qe.claims.contacts import contacts_of_units
from qe.claims.load import ClaimsModel
from qe.claims.model import FOLDER
from qe.corrections import apply
from qe.corrections.in_force import decisions_digest, of_run
from qe.corrections.kept import UnitFigures
from qe.corrections.record import Correction
from qe.disclosure.confidential import for_recipient
from qe.disclosure.public import PublicMeasure
from qe.disclosure.results import ConfidentialResult
from qe.errors import Fault, Findings, MeasureError
from qe.ledger.book import Ledger
from qe.measurement import check, detail, value_sets
from qe.measurement.catalogue import catalogue, chosen
from qe.measurement.compute import MeasureEvents, compute, require_window
from qe.measurement.list_coverage import ListCoverage
from qe.measurement.measure import Module
from qe.measurement.unmapped import unmapped_fills
from qe.periods import MeasurePeriod, ReportingPeriod, last_full_year, twelve_months_ending
from qe.progress import Progress
from qe.release.analyses.content import FromRun, covered
from qe.release.analyses.definition import Asked, User
from qe.release.analyses.identified import solo_practices
from qe.release.analyses.patients import affiliations, own_patients
from qe.release.contacts import contacts_of, write_contacts
from qe.release.cycles import frozen_cycles, period_of
from qe.release.review import ReviewPeriod
from qe.reports import correction_words
from qe.reports.facts import ReportFacts, ReviewDates
from qe.reports.quality_page import quality_page
from qe.run_record import ScoredModule
from qe.runs import Run, RunInputs, write_aside
from qe.site import Site
from qe.sources.manifest import StagedFile
from qe.sources.reconcile import reconciliation_frame
from qe.statistics.results import RESULT_ORDER
from qe.statistics.score import Scored, score
from qe.store import Key
from qe.warehouse import Warehouse

SentRunCorrections = tuple[str, tuple[Correction, ...]]  # a run that was sent, and what it applied


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The two keys of a site."""

    store: Key
    vault: Key


@contextmanager
def fit_model(
    site: Site, model: ClaimsModel, keys: Keys, progress: Progress
) -> Iterator[tuple[Warehouse, quality.QualityReport, tuple[Fault, ...]]]:
    """The claims model, read-only and locked, with what its quality checks found and the warnings among that.

    Raises Findings with all checks that stop.
    """
    with examined_model(site, model, keys, progress) as (db, report):
        yield db, report, quality.require_none_stops(report.results)


@contextmanager
def examined_model(
    site: Site, model: ClaimsModel, keys: Keys, progress: Progress
) -> Iterator[tuple[Warehouse, quality.QualityReport]]:
    """The claims model, read-only and locked, and what its quality checks found, written as a page: fit or not."""
    with examination.examined(model, keys.store, engine=site.engine(), progress=progress) as both:
        report = quality.report(both, site.settings.quality, earlier=last_delivery(site, quality.inputs(both)))
    write_aside(quality_page_path(site), quality_page(report, site.settings).encode("utf-8"))
    with warehouse.open_read_only(model.path, keys.store, engine=site.engine(), lock=True) as db:
        yield db, report


def quality_page_path(site: Site) -> Path:
    """The page an analyst opens first after a delivery."""
    return site.out / "quality" / "index.html"


def last_delivery(site: Site, now: frozenset[tuple[str, str]]) -> quality.Earlier | None:
    """The run recorded last that was made from other files than `now`; None where there is none: a first delivery."""
    for run in runs.recorded_runs(site):
        volumes = run_record.results_path(run, "quality_volumes")
        if not volumes.exists():
            continue
        files = {(one["source_id"], one["sha256"]): one["file"] for one in run.manifest()["inputs"]}
        if files.keys() != now:
            return quality.Earlier(run_id=run.run_id, volumes=pl.read_parquet(volumes), files=files)
    return None


def modules(
    site: Site, db: Warehouse, period: ReportingPeriod, names: Sequence[str]
) -> tuple[list[Module], tuple[Fault, ...]]:
    """The checked modules that this period (or the command line) asks for, and what must be told of them.

    A module whose licensed list or whose days are not there is refused by name. Where it was asked for by name the run
    stops; of "all" it is left out and told.
    """
    wanted = list(names) or site.settings.periods[period.label].measures
    found: list[Module] = []
    told: list[Fault] = []
    refused: list[Fault] = []
    for module in chosen(catalogue(site.measure_folders), wanted):
        if faults := check.check(module, licensed=site.licensed_lists):
            raise MeasureError.of(faults)
        module.with_parameters(site.settings.measures.parameters(module.id))
        if faults := _refusals(site, db, module, period):
            refused += faults
        else:
            found.append(module)
            told += [Fault(code="lists", message=said, place=module.id) for said in _coverage(site, module)]
            told += _unmapped(db, module, measure_period(module, period))
    if refused and ("all" not in wanted or not found):
        raise Findings.of(refused)
    return found, (*(replace(fault, message=f"left out: {fault.message}") for fault in refused), *told)


def _refusals(site: Site, db: Warehouse, module: Module, period: ReportingPeriod) -> list[Fault]:
    """Why the module cannot run here: licensed lists that nobody filled, days that the data do not hold."""
    faults = check.unfilled(module, licensed=site.licensed_lists)
    if faults:
        return faults
    try:
        require_window(db, module, measure_period(module, period))
    except Findings as missing:
        return list(missing.faults)
    return []


def _coverage(site: Site, module: Module) -> list[str]:
    """What the module's licensed lists lack. Invented codes are for rehearsals: nowhere else may they make a figure."""
    covered = ListCoverage.of(value_sets.read(module, licensed=site.licensed_lists))
    if covered.invented and not site.settings.site.rehearsal:
        raise MeasureError(
            f"{module.id}: {', '.join(covered.invented)} of {site.settings.measures.lists} hold invented codes",
            remedy="Place the lists that you license there, or take the invented ones away.",
        )
    return covered.messages(module)


def _unmapped(db: Warehouse, module: Module, period: MeasurePeriod) -> list[Fault]:
    """That a measure of drug classes cannot see some fills, with their share in dollars."""
    found = unmapped_fills(db, module, period)
    if found is None or not found.unmapped:
        return []
    remedy = "Bring the drug map (a source of kind drugs) up to date."
    return [Fault(code="unmapped-fills", message=found.message(module), place=module.id, remedy=remedy)]


def measure_period(module: Module, period: ReportingPeriod) -> MeasurePeriod:
    """The days that a module covers in this reporting period."""
    return last_full_year(period.end) if module.facts.window.calendar_year else twelve_months_ending(period.end)


def start_run(
    site: Site,
    staged: Sequence[StagedFile],
    modules: Sequence[Module],
    period: ReportingPeriod,
    model: ClaimsModel,
    corrections: Sequence[Correction],
    sent: Sequence[SentRunCorrections],
) -> tuple[Run, RunInputs, Sequence[Correction]]:
    """The run that these inputs and decisions decide, and the corrections that it applies. A finished one is found again.

    sent  the runs that cycles of this period are frozen to. Where nothing but corrections has come since, it is that run: its
          reports can be printed for another day, and its corrections stand beside it. A re-issue gives none
    """

    def decided_by(applied: Sequence[Correction]) -> RunInputs:
        decisions = decisions_digest(model.decisions_digest, applied)
        return run_record.run_inputs(site, staged, modules, period, decisions=decisions)

    for run_id, applied in sent:
        if (inputs := decided_by(applied)).run_id() == run_id:
            return runs.run_of(site, run_id), inputs, applied
    inputs = decided_by(corrections)
    run = runs.run_of(site, inputs.run_id())
    if not run.is_finished:
        run.start()
    return run, inputs, corrections


def sent_runs(site: Site, ledger: Ledger, period: ReportingPeriod) -> list[SentRunCorrections]:
    """The runs that cycles of the period are frozen to, the last one first, with the corrections that each applied."""
    events = ledger.events()
    frozen = [run_id for cycle, run_id in frozen_cycles(events).items() if period_of(cycle) == period.label]
    found = [runs.run_of(site, run_id) for run_id in reversed(frozen)]
    return [(run.run_id, of_run(site, events, run.manifest())) for run in found if run.is_finished]


def cache_contents(site: Site) -> frozenset[str]:
    """Names of the staged files, claims models and finished runs that are there before a run."""
    held = [
        path.stem for folder in ("stage", "vault_stage", "model") for path in (site.store / folder).glob("*.duckdb")
    ]
    return frozenset([*held, *(run.run_id for run in runs.finished_runs(site))])


def stages(
    before: frozenset[str], staged: Sequence[StagedFile], model: ClaimsModel, run: Run
) -> tuple[tuple[str, str], ...]:
    """Each stage with what became of it: reused, or why it was built anew (`qe run --explain-cache`)."""

    def state(name: str, why: str) -> str:
        return "reused" if name in before else f"built: {why}"

    return (
        *(
            (f"{one.file.source_id}/{one.file.place}", state(one.database.stem, "new file, layout or source settings"))
            for one in staged
        ),
        ("claims model", state(model.path.stem, "other files, SQL, linkage settings or decisions")),
        ("results", state(run.run_id, "other inputs, measures, corrections, settings or software")),
    )


def score_module(
    site: Site,
    run: Run,
    db: Warehouse,
    module: Module,
    period: ReportingPeriod,
    keys: Keys,
    progress: Progress,
    *,
    corrections: Sequence[Correction],
) -> ScoredModule:
    """Compute one module's events, correct them, keep them as encrypted detail, and score its providers."""
    progress.start(f"measuring {module.id}")
    days = measure_period(module, period)
    require_window(db, module, days)
    corrected = apply.corrected(db, events_of(site, db, module, days), corrections)
    events = corrected.events
    scored = scored_by(site, events, units(db, corrections=corrections, on=period.end))
    path = run.detail / f"{module.id}.duckdb"
    digest = detail.write(
        events,
        path,
        expected=scored.expected,
        corrections=corrected.decided,
        key=keys.store,
        engine=site.engine(),
    )
    progress.finish()
    return ScoredModule(events=events, scored=scored, detail_sha256=digest, decided=corrected.decided)


def computed(site: Site, db: Warehouse, module: Module, days: MeasurePeriod) -> tuple[MeasureEvents, Scored]:
    """One module over these days by the site's settings, nothing corrected: its events, and its providers scored."""
    events = events_of(site, db, module, days)
    return events, scored_by(site, events, units(db, corrections=(), on=days.end))


def scored_by(site: Site, events: MeasureEvents, units: pl.DataFrame) -> Scored:
    """The providers of these events scored by the site's settings."""
    return score(
        events,
        units=units,
        peers=site.settings.peers,
        settings=site.settings.scoring,
        areas=site.settings.entity.areas,
    )


def events_of(
    site: Site,
    db: Warehouse,
    module: Module,
    days: MeasurePeriod,
    *,
    learnt: Mapping[str, pl.DataFrame] | None = None,
) -> MeasureEvents:
    """One module's events over these days by the site's settings. learnt: of the run that is corrected (detail.read_learnt)."""
    return compute(
        db,
        module,
        period=days,
        parameters=site.settings.measures.parameters(module.id),
        attribution=module.facts.attribution.method,
        lists=site.licensed_lists,
        window_months=site.settings.attribution.window_months,
        learnt=learnt,
    )


def units(db: Warehouse, *, corrections: Sequence[Correction], on: date) -> pl.DataFrame:
    """Every unit of the claims model, with its identifiers: unit_id, level, id_type, identifier, name, ..., catchment_share.

    corrections  whose facts of the roster that hold on the day `on` stand in place of the roster's
    """
    return apply.corrected_units(db.frame(FOLDER / "units" / "with_catchment.sql"), corrections, on=on)


def finish_run(
    site: Site,
    run: Run,
    inputs: RunInputs,
    staged: Sequence[StagedFile],
    scored: Sequence[ScoredModule],
    model: ClaimsModel,
    db: Warehouse,
    report: quality.QualityReport,
    *,
    corrections: Sequence[Correction],
) -> None:
    """Write results, facts and, last, the manifest: a run without it is not finished."""
    checked = {
        "quality_checks": quality.results_frame(report.results),
        "quality_volumes": report.volumes,
    }
    reconciliation = reconciliation_frame(staged, model.rows_superseded)
    named = units(db, corrections=corrections, on=inputs.period.end)
    run_record.keep(run, scored, reconciliation=reconciliation, model=model, units=named, checked=checked)
    run_record.write_facts(run, run_record.report_facts(site, run, inputs.period, staged, scored, model))
    run.finish(run_record.manifest(site, run, inputs, staged, scored, model, corrections))


def corrections_not_applied(run: Run) -> tuple[Fault, ...]:
    """What must be told of the corrections in force that a finished run could not apply; one that was so already is no matter."""
    return tuple(
        Fault(
            code="correction-not-applied",
            message=correction_words.not_applied(one["correction_id"], found["line"], found["outcome"]),
            place=f"correction {one['correction_id']}, line {found['line']}",
            count=found["events"],
            remedy="It decides nothing in this run. Where that stays so, end it: qe record correction_ended.",
        )
        for one in run.manifest().get("corrections", [])
        for found in one["outcomes"]
        if found["outcome"] in correction_words.WITHOUT_EFFECT
    )


def keep_contacts(site: Site, staged: Sequence[StagedFile], db: Warehouse, keys: Keys) -> None:
    """Resolve the received contacts to units, in their own encrypted file under the vault key."""
    engine = site.engine()
    found = contacts_of_units(db, staged, vault_key=keys.vault, engine=engine)
    write_contacts(path=site.store / "contacts.duckdb", key=keys.vault, engine=engine, contacts=found)


def previews(site: Site, run: Run, units: pl.DataFrame, facts: ReportFacts) -> list[ConfidentialResult]:
    """Each provider or supplier's own results, from the run's folder."""
    counts = pl.read_parquet(run_record.results_path(run, "unit_count"))
    figures = UnitFigures(
        results=pl.read_parquet(run_record.results_path(run, "measure_results")), counts=counts, units=units
    )
    return shown_of(site, figures, facts, peers_counts=counts)


def shown_of(
    site: Site, figures: UnitFigures, facts: ReportFacts, *, peers_counts: pl.DataFrame
) -> list[ConfidentialResult]:
    """What the units that `figures` are about are shown of them. peers_counts: of all units, as the run was sent."""
    return for_recipient(
        figures.results,
        units=figures.units,
        counts=figures.counts,
        quotients={one.measure_id: one.quotient[0] for one in facts.measures if one.quotient is not None},
        hide_small=site.settings.disclosure.hide_small_from_provider,
        min_count=site.settings.disclosure.min_count,
        peers_counts=peers_counts,
    )


def review_dates(
    site: Site, previews: Sequence[ConfidentialResult], send_on: date, keys: Keys
) -> tuple[Mapping[str, ReviewDates], Mapping[str, str]]:
    """The dates that each report prints, its deadline in the recipient's own zone, and that zone."""
    contacts = contacts_of(site, key=keys.vault, on=send_on)
    dates, zones = {}, {}
    for preview in previews:
        unit_id = preview.provider.unit_id
        zone = contacts.zone(unit_id)
        review = ReviewPeriod(sent_on=send_on, zone=zone, day_count=site.settings.review.day_count)
        dates[unit_id] = ReviewDates(
            sent_on=send_on,
            last_request_day=review.last_request_day,
            public_from=review.public_from,
            deadline=deadline_in(zone, review.last_request_day),
        )
        zones[unit_id] = zone
    return dates, zones


ZONE_NAMES = {
    "America/New_York": "Eastern",
    "America/Chicago": "Central",
    "America/Denver": "Mountain",
    "America/Phoenix": "Arizona",
    "America/Los_Angeles": "Pacific",
    "America/Anchorage": "Alaska",
    "Pacific/Honolulu": "Hawaii",
}


def deadline_in(zone: str, day: date) -> str:
    """The last minute of `day` as its reader says it: "11:59 pm Central"; a zone without such a name by its offset."""
    if zone in ZONE_NAMES:
        return f"11:59 pm {ZONE_NAMES[zone]}"
    return f"11:59 pm {datetime.combine(day, time(23, 59), ZoneInfo(zone)).strftime('%Z')}"


def public_results(
    run: Run,
    units: frozenset[str],
    corrected: Mapping[str, UnitFigures],
    withheld: frozenset[tuple[str, str]] = frozenset(),
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The run's results of the units that may be named, and these units as public pages name them.

    corrected  by unit the figures of its own recorded correction, which stand in place of the run's
    withheld   (unit_id, measure_id) of results that are not publishable since they were withdrawn
    """
    results = pl.read_parquet(run_record.results_path(run, "measure_results"))
    named = pl.read_parquet(run_record.results_path(run, "unit"))
    wanted = sorted(units)
    for unit_id in sorted(corrected.keys() & units):
        figures = corrected[unit_id]
        results = pl.concat([results.filter(pl.col("provider_id") != unit_id), figures.results])
        shown = run_record.public_units(figures.units).select(named.columns)
        named = pl.concat([named.filter(pl.col("unit_id") != unit_id), shown])
    for unit_id, measure_id in sorted(withheld):
        is_withheld = (pl.col("provider_id") == unit_id) & (pl.col("measure_id") == measure_id)
        results = results.with_columns(publishable=pl.col("publishable") & ~is_withheld)
    return (
        results.filter(pl.col("provider_id").is_in(wanted)).sort(RESULT_ORDER),
        named.filter(pl.col("unit_id").is_in(wanted)).sort("unit_id", "level"),
    )


def public_measures(facts: ReportFacts) -> list[PublicMeasure]:
    """What suppression needs to know of each measure."""
    return [
        PublicMeasure(
            measure_id=one.measure_id,
            name=one.name,
            kind=one.kind,
            composite_of=one.composite_of,
            quotient_of=None if one.quotient is None else one.quotient[0],
        )
        for one in facts.measures
    ]


def analysis_source(site: Site, run: Run, facts: ReportFacts, asked: Asked, user: User) -> FromRun:
    """What a non-public analysis is made from: the run's results and units, who practises alone, the recipient's own patients."""
    results = pl.read_parquet(run_record.results_path(run, "measure_results"))
    units = pl.read_parquet(run_record.results_path(run, "unit"))
    start, end = covered(facts, results, asked.measures)
    patients = None
    if asked.kind == "npa_patient_identifiable":
        patients = own_patients(
            site,
            run,
            modules=sorted({facts.measure(measure_id).module for measure_id in asked.measures}),
            measures=asked.measures,
            unit_id=user.unit_id,
            on=asked.release_on,
        )
    return FromRun(
        results=results,
        units=units,
        facts=facts,
        measures=public_measures(facts),
        solo=solo_practices(affiliations(site, run, start=start, end=end), units),
        patients=patients,
        min_count=site.settings.disclosure.min_count,
        confidence=site.settings.scoring.confidence,
    )
