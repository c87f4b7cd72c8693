"""Letters that answer a request, one page each, as PDF and as plain text: receipt, decision, and what goes with released data."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from qe.providers import ProviderOrSupplier
from qe.reports import pages, wording
from qe.reports.letters import LetterRequest
from qe.reports.plain_text import plain_text

RequestLetterKind = Literal["acknowledgement", "decision", "data_release"]

TITLES: dict[RequestLetterKind, str] = {
    "acknowledgement": "We have your request",
    "decision": "Our answer to your request",
    "data_release": "The Medicare claims behind your result",
}


@dataclass(frozen=True, kw_only=True)
class RequestLetter:
    """What a letter about one request says.

    dates       what is told of the request's course, label and day, in order
    facts       further rows of the same box, label and value as printed
    paragraphs  the text, in whole sentences
    """

    kind: RequestLetterKind
    organisation: str
    contact: str
    rehearsal: bool
    cycle: str
    recipient: ProviderOrSupplier
    written_on: date
    request: LetterRequest
    dates: tuple[tuple[str, date], ...]
    facts: tuple[tuple[str, str], ...]
    paragraphs: tuple[str, ...]

    @property
    def rows(self) -> tuple[tuple[str, str], ...]:
        """The box under the title, in the words of the page."""
        asked = (
            ("Request", self.request.request_id),
            ("What you asked for", wording.request_kind(self.request.kind)),
            ("Category", wording.request_category(self.request.category)),
            ("Received", wording.day(self.request.received_on)),
        )
        return (*asked, *((label, wording.day(day)) for label, day in self.dates), *self.facts)


def render_request_letter(letter: RequestLetter) -> dict[str, bytes]:
    """letter.pdf, tagged, and letter.txt with the same words."""
    page = pages.html(
        "notice/request.html",
        title=TITLES[letter.kind],
        organisation=letter.organisation,
        description=f"{TITLES[letter.kind]} (42 CFR 401.717)",
        created=f"{letter.written_on.isoformat()}T00:00:00Z",
        letter=letter,
        report_id=f"{letter.cycle}-{letter.recipient.unit_id}",
        written_on=wording.day(letter.written_on),
    )
    return {"letter.pdf": pages.pdf(page), "letter.txt": plain_text(page).encode("utf-8")}
