"""Table of contents: what a qualified entity does, each as the stages it is made of, in order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from qe import quarter, runs
from qe.claims.load import build_model
from qe.disclosure.public import for_public
from qe.disclosure.results import PublicRelease
from qe.errors import Fault
from qe.ledger.fold import state_as_of
from qe.periods import ReportingPeriod
from qe.progress import Progress
from qe.release.analyses.content import analysis_content
from qe.release.analyses.definition import Asked, User
from qe.release.analyses.staging import StagedAnalysis
from qe.release.cycles import cycle_for_run
from qe.release.lineage import record_run
from qe.release.rules.participation import require_may_work
from qe.reports import workers
from qe.reports.public_site import build_site
from qe.reports.render import RenderedReport, render_confidential
from qe.run_record import facts_of, lineage
from qe.site import Site
from qe.sources.receive import receive
from qe.statistics import risk_adjustment


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """What `prepare_confidential_reports` made. stages: each with "reused" or why it was computed anew."""

    run_id: str
    cycle: str
    send_on: date
    reports: tuple[RenderedReport, ...]
    warnings: tuple[Fault, ...]
    stages: tuple[tuple[str, str], ...]


def prepare_confidential_reports(
    site: Site,
    period: ReportingPeriod,
    *,
    send_on: date,
    measures: Sequence[str],
    on: date,
    at: datetime,
    actor: str,
    progress: Progress,
) -> RunRecord:
    """Quarterly run: from received files to confidential previews. Nothing here becomes public."""
    workers.warm_up()
    risk_adjustment.load_libraries()
    keys = quarter.Keys(store=site.store_key(), vault=site.vault_key())
    ledger = site.open_ledger()
    ledger.require_writable()
    require_may_work(state_as_of(ledger, on))
    before = quarter.cache_contents(site)
    staged = receive(site, store_key=keys.store, vault_key=keys.vault, progress=progress)
    model = build_model(site, staged, store_key=keys.store, vault_key=keys.vault, progress=progress)
    with quarter.fit_model(site, model, keys, progress) as (db, report, warnings):
        modules, told = quarter.modules(site, db, period, measures)
        run, inputs = quarter.start_run(site, staged, modules, period, model)
        if not run.is_finished:
            scored = [quarter.score_module(site, run, db, module, period, keys, progress) for module in modules]
            quarter.finish_run(site, run, inputs, staged, scored, model, db, report)
        quarter.keep_contacts(site, staged, db, keys)
        units = quarter.units(db)
    record_run(ledger, lineage(site, run, period), on=on, at=at, actor=actor)
    cycle = cycle_for_run(ledger.events(), period=period.label, run_id=run.run_id)
    facts = facts_of(run, cycle=cycle, ledger_facts=state_as_of(ledger, on))
    previews = quarter.previews(site, run, units, facts)
    dates, zones = quarter.review_dates(site, previews, send_on, keys)
    reports = render_confidential(
        previews,
        facts,
        sent_on=send_on,
        dates=dates,
        zones=zones,
        out=run.reports(send_on.isoformat()),
        processes=site.settings.site.threads,
        progress=progress,
    )
    return RunRecord(
        run_id=run.run_id,
        cycle=cycle,
        send_on=send_on,
        reports=tuple(reports),
        warnings=(*warnings, *told),
        stages=quarter.stages(before, staged, model, run),
    )


def build_public(
    site: Site,
    *,
    run_id: str,
    cycle: str,
    units: frozenset[str],
    published_on: date,
    posting: tuple[tuple[str, str], ...],
) -> tuple[PublicRelease, dict[str, bytes]]:
    """The public report of a frozen run, for the units that may be named: suppressed, checked, and laid out as bytes.

    Reads nothing but the run's own folder and the ledger: files received later never touch it. `qe release plan`
    stages what this gives; `qe release go` publishes those bytes.
    """
    run = runs.run_of(site, run_id)
    ledger = site.open_ledger()
    facts = facts_of(run, cycle=cycle, ledger_facts=state_as_of(ledger, published_on))
    results, named = quarter.public_results(run, units)
    measures = quarter.public_measures(facts)
    public = for_public(
        results,
        measures=measures,
        units=named,
        min_count=site.settings.disclosure.min_count,
        confidence=site.settings.scoring.confidence,
    )
    return public, build_site(public, facts, published_on=published_on, posting=posting)


def build_analysis(site: Site, asked: Asked, user: User, *, on: date) -> StagedAnalysis:
    """The files of a non-public analysis from a finished run, with whom they identify: `qe npa define` stages what this gives."""
    run = runs.run_of(site, asked.run_id)
    known = state_as_of(site.open_ledger(), on)
    require_may_work(known)
    facts = facts_of(run, cycle=asked.analysis_id, ledger_facts=known)
    return analysis_content(asked, user, quarter.analysis_source(site, run, facts, asked, user))
