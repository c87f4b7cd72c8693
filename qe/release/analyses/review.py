"""The days in which a unit that opted in may ask about its own part of an analysis (401.717(f)(2); rules.md section 0.1)."""

from dataclasses import dataclass
from datetime import date

from qe.ledger.fold import Facts
from qe.release.analyses.answers import subject_of
from qe.release.analyses.definition import Analysis
from qe.release.artefact import Recipient, RecipientKind
from qe.release.lineage import lineage_of, narrowed, run_of
from qe.release.review import DayCount
from qe.release.rules.naming import notice_of


@dataclass(frozen=True, kw_only=True)
class AnalysisReview:
    """Of one unit that opted in. handed_over_on: the day on which it had its own part, None while it has none.

    last_request_day  the last day on which a request counts; None while its own part is not handed over
    zone              where that day ends
    """

    handed_over_on: date | None
    last_request_day: date | None
    zone: str


def review_of(facts: Facts, analysis: Analysis, unit_id: str, *, day_count: DayCount) -> AnalysisReview | None:
    """The review of this unit as it stands on the day of `facts`; None where it was not noticed, or did not opt in."""
    lineage = narrowed(lineage_of(run_of(facts, analysis.run_id)), analysis.measures)
    user = Recipient(kind=RecipientKind.OTHER, party_id=analysis.party_id)
    noticed = notice_of(facts, subject_of(facts, analysis, lineage), user, unit_id, day_count=day_count)
    if noticed is None or noticed.opted_in_on is None:
        return None
    on = noticed.extract_on
    return AnalysisReview(
        handed_over_on=on,
        last_request_day=None if on is None else noticed.period.last_request_day(noticed.opted_in_on, sent_on=on),
        zone=noticed.zone,
    )
