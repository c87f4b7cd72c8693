"""What a request is about: the report of a cycle, or a unit's own part of a non-public analysis that it opted in to.

A request about an analysis is recorded under the id of the analysis as its cycle; 401.717(f)(2) gives it the process of (a)-(e).
"""

from dataclasses import dataclass
from datetime import date

from qe.errors import InputError
from qe.ledger.book import Ledger
from qe.ledger.fold import Facts
from qe.release.analyses.define import staged_of
from qe.release.analyses.definition import Analysis, analyses, analysis_of
from qe.release.analyses.review import review_of
from qe.release.reports_on_disk import measures_of_unit
from qe.release.send import run_for_cycle
from qe.release.sends import reviews
from qe.reports.request_words import About
from qe.runs import Run, run_of
from qe.site import Site


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What one unit was shown, and until when it may ask about it.

    put_out_on  the first day on which it can have asked; zone: where its last request day ends
    """

    about: About
    put_out_on: date
    last_request_day: date
    zone: str
    run_id: str


def about_of(facts: Facts, cycle: str) -> About:
    """Whether `cycle` is the id of an analysis that was defined."""
    return "analysis" if any(one.analysis_id == cycle for one in analyses(facts)) else "report"


def run_about(site: Site, ledger: Ledger, facts: Facts, cycle: str) -> Run:
    """The run whose results were shown: that of the cycle, or of the analysis."""
    if about_of(facts, cycle) == "report":
        return run_for_cycle(site, ledger, facts, cycle)
    return run_of(site, analysis_of(facts, cycle).run_id)


def measures_shown(site: Site, facts: Facts, cycle: str, unit_id: str, *, run_id: str) -> frozenset[str]:
    """The measures of which the unit was shown a result of its own: in its report, or in its own part of the analysis."""
    if about_of(facts, cycle) == "report":
        return measures_of_unit(run_of(site, run_id), unit_id)
    own = staged_of(site, analysis_of(facts, cycle)).own.get(unit_id, ())
    return frozenset(row["measure_id"] for row in own)


def shown_to(site: Site, facts: Facts, cycle: str, unit_id: str) -> Shown:
    """What the unit was shown. InputError: no report was put out to it, or it has not its own part of the analysis yet."""
    if about_of(facts, cycle) == "analysis":
        return _own_part(site, facts, analysis_of(facts, cycle), unit_id)
    unit = reviews(facts, cycle).get(unit_id)
    if unit is None or unit.sent is None:
        raise InputError(
            f"{unit_id}: no report was put out in cycle {cycle}",
            remedy=f"`qe review status --cycle {cycle}` lists the units.",
        )
    return Shown(
        about="report",
        put_out_on=min(one.effective_on for one in facts.of("report_sent", cycle=cycle, unit_id=unit_id)),
        last_request_day=unit.sent.day("last_request_day"),
        zone=unit.sent.text("zone"),
        run_id=unit.sent.text("run_id"),
    )


def _own_part(site: Site, facts: Facts, analysis: Analysis, unit_id: str) -> Shown:
    analysis.require_named(unit_id)
    review = review_of(facts, analysis, unit_id, day_count=site.settings.review.day_count)
    if review is None:
        raise InputError(
            f"{unit_id} has not opted in to the review of {analysis.analysis_id}",
            remedy=f"Record it first: qe npa opt-in {analysis.analysis_id} --provider {unit_id}.",
        )
    if review.handed_over_on is None or review.last_request_day is None:
        raise InputError(
            f"{unit_id}: its own part of {analysis.analysis_id} is not handed over, and its days to ask have not begun",
            remedy=f"Send it, and record the hand-over: qe npa send {analysis.analysis_id}, then with --confirm.",
        )
    return Shown(
        about="analysis",
        put_out_on=review.handed_over_on,
        last_request_day=review.last_request_day,
        zone=review.zone,
        run_id=analysis.run_id,
    )
