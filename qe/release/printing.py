"""Letters through `qe.reports`: the facts that a send or notice holds, in the words and on the page of the house."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Final

from qe.providers import ProviderOrSupplier
from qe.release.letters import LetterFacts, LetterWriter
from qe.release.requests import Request
from qe.reports.letters import Letter, LetterKind, LetterRequest, PrintedLetter, render_letter
from qe.reports.request_letters import RequestLetter, RequestLetterKind, render_request_letter
from qe.reports.workers import workers
from qe.site import Site

FEW_LETTERS: Final = 8  # fewer are printed sooner than a pool of processes starts


def letter_writer(site: Site, *, word_deadline: Callable[[str, date], str]) -> LetterWriter:
    """Prints letters in the name of the site's organisation. word_deadline: how a zone's last minute of a day is said."""

    def write(kind: LetterKind, letters: Sequence[LetterFacts]) -> Iterator[PrintedLetter]:
        pages = [_letter(site, kind, facts, word_deadline(facts.zone, facts.last_request_day)) for facts in letters]
        processes = site.settings.site.threads
        if processes == 1 or len(pages) < FEW_LETTERS:
            yield from map(render_letter, pages)
            return
        with workers(processes) as pool:
            yield from pool.imap(render_letter, pages)

    return write


def _letter(site: Site, kind: LetterKind, facts: LetterFacts, deadline: str) -> Letter:
    return Letter(
        kind=kind,
        organisation=site.settings.entity.organisation,
        contact=site.settings.entity.contact,
        rehearsal=site.settings.site.rehearsal,
        cycle=facts.cycle,
        recipient=facts.unit,
        written_on=facts.written_on,
        sent_on=facts.sent_on,
        last_request_day=facts.last_request_day,
        deadline=deadline,
        public_on=facts.public_on,
        public_url=site.settings.delivery.public_url,
        is_corrected=facts.is_corrected,
        requests=facts.requests,
    )


def print_request_letter(
    site: Site,
    kind: RequestLetterKind,
    request: Request,
    *,
    unit: ProviderOrSupplier,
    written_on: date,
    dates: tuple[tuple[str, date], ...],
    rows: tuple[tuple[str, str], ...],
    paragraphs: tuple[str, ...],
) -> dict[str, bytes]:
    """A letter about one request to the unit that asked, as PDF and plain text, in the name of the site's organisation."""
    return render_request_letter(
        RequestLetter(
            kind=kind,
            organisation=site.settings.entity.organisation,
            contact=site.settings.entity.contact,
            rehearsal=site.settings.site.rehearsal,
            cycle=request.cycle,
            recipient=unit,
            written_on=written_on,
            request=LetterRequest(
                request_id=request.request_id,
                kind=request.kind,
                category=request.received.text("category"),
                received_on=request.received.day("received_on"),
                outcome=None,
            ),
            dates=dates,
            facts=rows,
            paragraphs=paragraphs,
        )
    )
