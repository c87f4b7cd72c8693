"""What a unit is shown in a cycle, before and after a correction: figures, page, and what of them changes."""

from collections.abc import Mapping

import polars as pl

from qe import quarter, run_record
from qe.corrected.sent import SentCycle
from qe.corrections.in_force import corrected_results, kept_of, of_cycle
from qe.corrections.kept import UnitFigures
from qe.corrections.record import DETAILS, Correction
from qe.disclosure.results import ConfidentialResult
from qe.errors import Findings, InputError, Refused
from qe.ledger.fold import Facts
from qe.reports.facts import ReviewDates
from qe.reports.printed import Change, exact_changes, printed_changes
from qe.reports.render import result_sha256
from qe.site import Site
from qe.warehouse import Warehouse


def figures_before(site: Site, sent: SentCycle, db: Warehouse, asked: Correction) -> UnitFigures:
    """What the unit is shown now: by its last correction in the cycle, else by the run. Findings: it was sent something else."""
    end = sent.page_facts.period.end
    units = quarter.units(db, corrections=sent.earlier, on=end).filter(pl.col("unit_id") == asked.unit_id)
    figures = sent.of_unit[-1].figures if sent.of_unit else of_run(sent, units)
    shown = corrected_results(sent.facts, sent.cycle).get(asked.unit_id, sent.sent.text("result_sha256"))
    if result_sha256(preview_of(site, sent, figures)) != shown:
        raise Findings(
            f"{asked.unit_id}: its results are not those that it was sent",
            remedy="Restore the run's folder from its backup.",
        )
    return figures


def of_run(sent: SentCycle, units: pl.DataFrame) -> UnitFigures:
    mine = pl.col("provider_id") == sent.unit_id
    return UnitFigures(
        results=pl.read_parquet(run_record.results_path(sent.run, "measure_results")).filter(mine),
        counts=pl.read_parquet(run_record.results_path(sent.run, "unit_count")).filter(mine),
        units=units,
    )


def figures_before_recorded(sent: SentCycle, correction: Correction) -> UnitFigures:
    """What the unit was shown before a correction that is recorded: by the one before it in the cycle, else by the run."""
    ids = [one.correction.correction_id for one in sent.of_unit]
    place = ids.index(correction.correction_id)
    if place:
        return sent.of_unit[place - 1].figures
    units = pl.read_parquet(run_record.results_path(sent.run, "unit"))
    return of_run(sent, units.filter(pl.col("unit_id") == sent.unit_id))


def figures_of_cycle(site: Site, facts: Facts, cycle: str) -> Mapping[str, UnitFigures]:
    """By unit the figures that its own corrections gave it in `cycle`."""
    return {unit_id: kept_of(site, event).figures for unit_id, event in of_cycle(facts, cycle).items()}


def preview_of(site: Site, sent: SentCycle, figures: UnitFigures) -> ConfidentialResult:
    """What the unit is shown of these figures, beside the peers of the run that was sent."""
    peers_counts = pl.read_parquet(run_record.results_path(sent.run, "unit_count"))
    shown = quarter.shown_of(site, figures, sent.page_facts, peers_counts=peers_counts)
    if not shown:
        raise Refused(
            f"{sent.unit_id}: with this correction no result is left to report",
            remedy="Leave its rows out of the release: a report without a result is a re-issue.",
        )
    return shown[0]


def changes(
    site: Site, sent: SentCycle, before: UnitFigures, after: UnitFigures
) -> tuple[tuple[Change, ...], tuple[Change, ...]]:
    """What is printed otherwise, and which exact figures differ."""
    was, now = preview_of(site, sent, before), preview_of(site, sent, after)
    details = [
        Change(measure_id="", what=detail, before=_detail(before, detail), after=_detail(after, detail))
        for detail in DETAILS
        if detail != "name" and _detail(before, detail) != _detail(after, detail)
    ]
    return (*details, *printed_changes(was, now, sent.page_facts)), exact_changes(was, now)


def _detail(figures: UnitFigures, detail: str) -> str:
    return str(figures.units[detail][0] or "")


def corrected_preview(site: Site, sent: SentCycle) -> tuple[ConfidentialResult, str]:
    """What a corrected unit is shown in its cycle, and the id of its last correction."""
    event = of_cycle(sent.facts, sent.cycle).get(sent.unit_id)
    if event is None:
        raise InputError(f"{sent.unit_id} has no correction in cycle {sent.cycle}")
    preview = preview_of(site, sent, kept_of(site, event).figures)
    if result_sha256(preview) != event.text("after_sha256"):
        raise Findings(
            f"{sent.unit_id}: its corrected results are not those that the ledger has recorded",
            remedy="Restore store/corrections/ and the run's folder from their backup.",
        )
    return preview, event.text("correction_id")


def printed_dates(sent: SentCycle) -> ReviewDates:
    """The dates of the report that the unit was sent, which its corrected page prints again."""
    last = sent.sent.day("last_request_day")
    return ReviewDates(
        sent_on=sent.sent.day("sent_on"),
        last_request_day=last,
        public_from=sent.sent.day("public_from"),
        deadline=quarter.deadline_in(sent.zone, last),
        corrected_on=of_cycle(sent.facts, sent.cycle)[sent.unit_id].effective_on,
    )
