"""Letters about a non-public analysis, one page each: notice, cover of an extract, final notice, cover for the user."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from qe.regulation import NOTICE_DAYS, OPT_IN_FULL_DAYS, REVIEW_DAYS
from qe.reports import pages, wording
from qe.reports.letters import LetterRequest, PrintedLetter
from qe.reports.plain_text import plain_text

AnalysisLetterKind = Literal["npa_notice", "npa_extract", "npa_final", "npa_cover"]

TITLES = {
    "npa_notice": "Notice of a non-public analysis that names you",
    "npa_extract": "Your own part of a non-public analysis",
    "npa_final": "A non-public analysis that names you was released",
    "npa_cover": "Your non-public analysis",
}


@dataclass(frozen=True, kw_only=True)
class AnalysisLetter:
    """What a letter about an analysis says.

    measures    names of the measures calculated
    user        the authorized user that receives the analysis
    release_on  the day on which it goes, or went, to the user
    opted_in_on, review_days  of an extract: the opt-in that it answers and the days left for review; None without one
    requests    of the recipient
    appealing   of a cover: (name, category) of the open requests of everybody named
    is_through_practice  of an extract: it shows the practice through which the recipient is identified
    """

    kind: AnalysisLetterKind
    organisation: str
    contact: str
    rehearsal: bool
    analysis_id: str
    letter_id: str
    recipient: str
    written_on: date
    topic: str
    measures: tuple[str, ...]
    period_start: date
    period_end: date
    user: str
    release_on: date
    opted_in_on: date | None = None
    review_days: int | None = None
    is_through_practice: bool = False
    requests: tuple[LetterRequest, ...] = ()
    appealing: tuple[tuple[str, str], ...] = ()


def render_analysis_letter(letter: AnalysisLetter) -> PrintedLetter:
    """The letter, its text taken from the page that its PDF is printed from."""
    page = pages.html(
        "notice/analysis.html",
        title=TITLES[letter.kind],
        organisation=letter.organisation,
        description=f"{TITLES[letter.kind]} (42 CFR 401.716, 401.717(f))",
        created=f"{letter.written_on.isoformat()}T00:00:00Z",
        letter=letter,
        written_on=wording.day(letter.written_on),
        release_on=wording.day(letter.release_on),
        opted_in_on=None if letter.opted_in_on is None else wording.day(letter.opted_in_on),
        days_left=None if letter.review_days is None else wording.counted(letter.review_days, "day", "days"),
        span=wording.span(letter.period_start, letter.period_end),
        measures="; ".join(letter.measures),
        full_days=OPT_IN_FULL_DAYS,
        review_days=REVIEW_DAYS,
        notice_days=NOTICE_DAYS,
        requests=[
            (
                one.request_id,
                wording.request_kind(one.kind),
                wording.request_category(one.category),
                wording.day(one.received_on),
                "open" if one.outcome is None else wording.request_outcome(one.outcome),
            )
            for one in letter.requests
        ],
        appealing=[(name, wording.request_category(category)) for name, category in letter.appealing],
    )
    return PrintedLetter(pdf=pages.pdf(page), text=plain_text(page).encode("utf-8"))
