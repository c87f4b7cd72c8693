"""Table of contents: what a qualified entity does, each as the stages it is made of, in order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

import polars as pl

from qe import quarter, runs
from qe.claims.load import build_model
from qe.corrected.again import rescored
from qe.corrected.plan import PlannedCorrection, planned, recorded, require_every_line_decides
from qe.corrected.reissue import PlannedReissue, Why, planned_reissue
from qe.corrected.sent import (
    SentCycle,
    correction_of,
    frozen_run,
    require_other_units,
    sent_cycle,
    unit_of_cycle,
    without_days,
)
from qe.corrected.shown import corrected_preview, figures_before, figures_of_cycle, printed_dates
from qe.corrections import in_force
from qe.corrections.kept import write_kept
from qe.corrections.read import read_lines
from qe.disclosure.public import for_public
from qe.disclosure.results import PublicRelease
from qe.errors import Fault
from qe.ledger.event import LedgerEvent, NewEvent
from qe.ledger.fold import state_as_of
from qe.measurement.run_claims import opened_model
from qe.periods import ReportingPeriod
from qe.progress import Progress
from qe.release.analyses.content import analysis_content
from qe.release.analyses.definition import Asked, User
from qe.release.analyses.staging import StagedAnalysis
from qe.release.cycles import cycle_for_run
from qe.release.lineage import record_run
from qe.release.rules.participation import require_may_work
from qe.reports import workers
from qe.reports.facts import ReportFacts
from qe.reports.public_site import build_site, posting_page
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
    reissue: bool,
) -> RunRecord:
    """Quarterly run: from received files to confidential previews. Nothing here becomes public.

    reissue  where nothing but corrections has come since the run that was sent, make the run that applies them; else it is the
             sent run again
    """
    workers.warm_up()
    risk_adjustment.load_libraries()
    keys = quarter.Keys(store=site.store_key(), vault=site.vault_key())
    ledger = site.open_ledger()
    ledger.require_writable()
    require_may_work(state_as_of(ledger, on))
    before = quarter.cache_contents(site)
    held = in_force.records(site, in_force.in_force(state_as_of(ledger, on)))
    sent = [] if reissue else quarter.sent_runs(site, ledger, period)
    staged = receive(site, store_key=keys.store, vault_key=keys.vault, progress=progress)
    model = build_model(site, staged, store_key=keys.store, vault_key=keys.vault, progress=progress)
    with quarter.fit_model(site, model, keys, progress) as (db, report, warnings):
        modules, told = quarter.modules(site, db, period, measures)
        run, inputs, corrections = quarter.start_run(site, staged, modules, period, model, held, sent)
        if not run.is_finished:
            scored = [
                quarter.score_module(site, run, db, module, period, keys, progress, corrections=corrections)
                for module in modules
            ]
            quarter.finish_run(site, run, inputs, staged, scored, model, db, report, corrections=corrections)
        quarter.keep_contacts(site, staged, db, keys)
        units = quarter.units(db, corrections=corrections, on=period.end)
    record_run(ledger, lineage(site, run, period), on=on, at=at, actor=actor)
    cycle = cycle_for_run(ledger.events(), period=period.label, run_id=run.run_id)
    facts = facts_of(run, cycle=cycle, ledger_facts=state_as_of(ledger, on))
    reports = _print_reports(site, run, units, facts, send_on=send_on, keys=keys, progress=progress)
    return RunRecord(
        run_id=run.run_id,
        cycle=cycle,
        send_on=send_on,
        reports=tuple(reports),
        warnings=(*warnings, *told, *quarter.corrections_not_applied(run)),
        stages=quarter.stages(before, staged, model, run),
    )


def print_again(site: Site, *, cycle: str, send_on: date, on: date, progress: Progress) -> RunRecord:
    """The reports of a sent cycle with other dates, from its own run: what was received since never touches them.

    For a report that came back, or that is handed over later than it prints. Refused: no report of it was handed over.
    """
    workers.warm_up()
    keys = quarter.Keys(store=site.store_key(), vault=site.vault_key())
    ledger = site.open_ledger()
    known, events = state_as_of(ledger, on), ledger.events()
    require_may_work(known)
    run = frozen_run(site, known, events, cycle)
    facts = facts_of(run, cycle=cycle, ledger_facts=known)
    applied = in_force.of_run(site, events, run.manifest())
    with opened_model(site, run) as db:
        units = quarter.units(db, corrections=applied, on=facts.period.end)
    reports = _print_reports(site, run, units, facts, send_on=send_on, keys=keys, progress=progress)
    for unit_id in without_days(known, cycle):
        corrected = unit_of_cycle(site, ledger, known, cycle=cycle, unit_id=unit_id)
        _print_corrected_anew(site, corrected, send_on=send_on, keys=keys, progress=progress)
    return RunRecord(run_id=run.run_id, cycle=cycle, send_on=send_on, reports=tuple(reports), warnings=(), stages=())


def _print_corrected_anew(
    site: Site, sent: SentCycle, *, send_on: date, keys: quarter.Keys, progress: Progress
) -> None:
    """The page of a unit with its correction, with dates of its own: those of its first report were nobody's."""
    preview, correction_id = corrected_preview(site, sent)
    dates, zones = quarter.review_dates(site, [preview], send_on, keys)
    upheld_on = in_force.of_cycle(sent.facts, sent.cycle)[sent.unit_id].effective_on
    render_confidential(
        [preview],
        sent.page_facts,
        sent_on=send_on,
        dates={sent.unit_id: replace(dates[sent.unit_id], corrected_on=upheld_on, dates_stay=False)},
        zones=zones,
        out=sent.run.corrected(correction_id) / send_on.isoformat(),
        processes=site.settings.site.threads,
        progress=progress,
    )


def _print_reports(
    site: Site,
    run: runs.Run,
    units: pl.DataFrame,
    facts: ReportFacts,
    *,
    send_on: date,
    keys: quarter.Keys,
    progress: Progress,
) -> Sequence[RenderedReport]:
    previews = quarter.previews(site, run, units, facts)
    dates, zones = quarter.review_dates(site, previews, send_on, keys)
    return render_confidential(
        previews,
        facts,
        sent_on=send_on,
        dates=dates,
        zones=zones,
        out=run.reports(send_on.isoformat()),
        processes=site.settings.site.threads,
        progress=progress,
    )


def build_public(
    site: Site,
    *,
    run_id: str,
    cycle: str,
    units: frozenset[str],
    published_on: date,
    posting: tuple[tuple[str, str], ...],
    not_posted: tuple[tuple[str, int], ...] = (),
    withheld: frozenset[tuple[str, str]] = frozenset(),
) -> tuple[PublicRelease, dict[str, bytes]]:
    """The public report of a frozen run, for the units that may be named: suppressed, checked, and laid out as bytes.

    Reads nothing but the run's own folder, its recorded corrections and the ledger: files received later never touch it.
    `qe release plan` stages what this gives; `qe release go` publishes those bytes.
    withheld: (unit_id, measure_id) of single results that are not published.
    """
    run = runs.run_of(site, run_id)
    ledger = site.open_ledger()
    known = state_as_of(ledger, published_on)
    facts = facts_of(run, cycle=cycle, ledger_facts=known)
    results, named = quarter.public_results(run, units, figures_of_cycle(site, known, cycle), withheld)
    measures = quarter.public_measures(facts)
    public = for_public(
        results,
        measures=measures,
        units=named,
        min_count=site.settings.disclosure.min_count,
        confidence=site.settings.scoring.confidence,
    )
    return public, build_site(public, facts, published_on=published_on, posting=posting, not_posted=not_posted)


def build_posting(
    site: Site,
    *,
    run_id: str,
    cycle: str,
    published_on: date,
    posting: tuple[tuple[str, str], ...],
    not_posted: tuple[tuple[str, int], ...],
    amended_on: date,
    supersedes: date,
) -> bytes:
    """The page of open requests beside a public release, amended; from the frozen run's folder, as `build_public` made it."""
    known = state_as_of(site.open_ledger(), published_on)
    return posting_page(
        facts_of(runs.run_of(site, run_id), cycle=cycle, ledger_facts=known),
        published_on=published_on,
        posting=posting,
        not_posted=not_posted,
        amended_on=amended_on,
        supersedes=supersedes,
    )


def build_analysis(site: Site, asked: Asked, user: User, *, on: date) -> StagedAnalysis:
    """The files of a non-public analysis from a finished run, with whom they identify: `qe npa define` stages what this gives."""
    run = runs.run_of(site, asked.run_id)
    known = state_as_of(site.open_ledger(), on)
    require_may_work(known)
    facts = facts_of(run, cycle=asked.analysis_id, ledger_facts=known)
    return analysis_content(asked, user, quarter.analysis_source(site, run, facts, asked, user))


def plan_correction(
    site: Site, *, request_id: str, cycle: str, unit_id: str, file: Path, on: date
) -> PlannedCorrection:
    """An upheld correction worked out: its provider's figures of the sent run before and after, and whom else it reaches.

    Writes nothing. `file` is the analyst's CSV (docs/how-to/corrections.md). Raises InputError (lines that do not fit the
    run, or change nothing), Refused (chart evidence; a cycle that is not frozen), MeasureError (a first result: a re-issue).
    """
    ledger = site.open_ledger()
    lines = read_lines(file)
    sent = sent_cycle(site, ledger, cycle=cycle, unit_id=unit_id, on=on)
    if known := recorded(site, sent, request_id=request_id, lines=lines):
        return known
    asked = correction_of(sent, request_id=request_id, lines=lines)
    require_other_units(file.name, sent, asked)
    with opened_model(site, sent.run) as db:
        before = figures_before(site, sent, db, asked)
        worked_out = rescored(site, sent, db, before, asked)
    require_every_line_decides(file.name, asked, worked_out)
    return planned(site, sent, before, worked_out, asked)


def record_correction(
    site: Site,
    correction: PlannedCorrection,
    *,
    also: Sequence[NewEvent],
    at: datetime,
    actor: str,
    progress: Progress,
) -> tuple[LedgerEvent, ...]:
    """Keep a planned correction, record it together with `also` (the request's resolution), and print its provider's new page.

    The store first, then the ledger, all events or none, then the page: stopped in between, the same two calls finish it.
    `qe review send --cycle C --provider UNIT` sends the page; from then on it is what may be published.
    """
    ledger = site.open_ledger()
    if not correction.is_recorded:
        write_kept(site, correction.kept)
    events = ledger.append([correction.event, *also], at=at, actor=actor, expected_head=correction.head)
    render_corrected_page(
        site,
        cycle=correction.kept.correction.cycle,
        unit_id=correction.kept.correction.unit_id,
        on=correction.on,
        progress=progress,
    )
    return events


def plan_reissue(site: Site, *, cycle: str, run_id: str | None, why: Why, on: date) -> PlannedReissue:
    """Whom another run moves as printed: they are issued again in a cycle of their own. Writes nothing.

    run_id  the run that is right; None: the period's last finished one that was not sent
    """
    ledger = site.open_ledger()
    return planned_reissue(site, state_as_of(ledger, on), ledger.events(), cycle=cycle, run_id=run_id, why=why)


def record_reissue(site: Site, planned: PlannedReissue, *, at: datetime, actor: str) -> tuple[LedgerEvent, ...]:
    """From now on the old cycle sends and publishes nothing of these units; `qe review send` reaches them in the new one."""
    return site.open_ledger().append([planned.event], at=at, actor=actor, expected_head=planned.head)


def render_corrected_page(site: Site, *, cycle: str, unit_id: str, on: date, progress: Progress) -> RenderedReport:
    """The confidential report of a corrected provider, with the dates of the one that it was sent: no clock starts again."""
    workers.warm_up()
    ledger = site.open_ledger()
    sent = sent_cycle(site, ledger, cycle=cycle, unit_id=unit_id, on=on)
    preview, correction_id = corrected_preview(site, sent)
    dates = printed_dates(sent)
    (report,) = render_confidential(
        [preview],
        sent.page_facts,
        sent_on=dates.sent_on,
        dates={unit_id: dates},
        zones={unit_id: sent.zone},
        out=sent.run.corrected(correction_id),
        processes=site.settings.site.threads,
        progress=progress,
    )
    return report


def end_correction(
    site: Site, *, correction_id: str, reason: str, on: date, at: datetime, actor: str, dry_run: bool
) -> NewEvent:
    """From the day `on` runs no longer apply a correction; the cycle that it corrected keeps it."""
    ledger = site.open_ledger()
    facts, event = in_force.end(ledger, correction_id=correction_id, reason=reason, on=on)
    if not dry_run:
        ledger.append([event], at=at, actor=actor, expected_head=facts.head)
    return event
