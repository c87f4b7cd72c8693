"""Letters to providers and suppliers, one page each, as PDF and text: the 60-day release notice, the notices around publication."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from qe.providers import ProviderOrSupplier
from qe.reports import pages, wording
from qe.reports.plain_text import plain_text

LetterKind = Literal["release_notice", "reissued_notice", "corrected_notice", "final_notice", "published_notice"]

TITLES = {
    "release_notice": "Your confidential performance report, and 60 days to review it",
    "reissued_notice": "Your report, issued again, and 60 days to review it",
    "corrected_notice": "Your report, corrected as you asked",
    "final_notice": "Before publication: the date, and the status of your requests",
    "published_notice": "Published: where your results stand, and the status of your requests",
}


@dataclass(frozen=True, kw_only=True)
class LetterRequest:
    """One request as a letter tells it.

    outcome     None while it is open
    not_posted  the recorded reason why its name and category cannot be posted; None where they can
    """

    request_id: str
    kind: str
    category: str
    received_on: date
    outcome: str | None
    not_posted: str | None = None


@dataclass(frozen=True, kw_only=True)
class Letter:
    """What a letter says.

    deadline   is worded in the recipient's zone
    public_on  the day of publication, to come or, in a published_notice, past; public_url: where, "" where it is not set
    is_corrected   its own correction was upheld in this cycle
    """

    kind: LetterKind
    organisation: str
    contact: str
    rehearsal: bool
    cycle: str
    recipient: ProviderOrSupplier
    written_on: date
    sent_on: date
    last_request_day: date
    deadline: str
    public_on: date
    public_url: str
    is_corrected: bool
    requests: tuple[LetterRequest, ...]


@dataclass(frozen=True, kw_only=True)
class PrintedLetter:
    """A letter as a tagged PDF, and its words as plain text in UTF-8."""

    pdf: bytes
    text: bytes


def render_letter(letter: Letter) -> PrintedLetter:
    """The letter, its text taken from the page that its PDF is printed from."""
    page = pages.html(
        "notice/letter.html",
        title=TITLES[letter.kind],
        organisation=letter.organisation,
        description=f"{TITLES[letter.kind]} (42 CFR 401.717)",
        created=f"{letter.written_on.isoformat()}T00:00:00Z",
        letter=letter,
        report_id=f"{letter.cycle}-{letter.recipient.unit_id}",
        written_on=wording.day(letter.written_on),
        sent_on=wording.day(letter.sent_on),
        last_request_day=wording.day(letter.last_request_day),
        public_on=wording.day(letter.public_on),
        is_posted=any(one.outcome is None and one.not_posted is None for one in letter.requests),
        not_posted=[
            (one.request_id, wording.not_posted(one.not_posted))
            for one in letter.requests
            if one.outcome is None and one.not_posted is not None
        ],
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
    )
    return PrintedLetter(pdf=pages.pdf(page), text=plain_text(page).encode("utf-8"))
