"""Letters through `qe.reports`: the facts that a send or notice holds, in the words and on the page of the house."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Final

from qe.release.letters import LetterFacts, LetterWriter
from qe.reports.letters import Letter, LetterKind, render_letter
from qe.reports.workers import workers
from qe.site import Site

FEW_LETTERS: Final = 8  # fewer are printed sooner than a pool of processes starts


def letter_writer(site: Site, *, word_deadline: Callable[[str, date], str]) -> LetterWriter:
    """Prints letters in the name of the site's organisation. word_deadline: how a zone's last minute of a day is said."""

    def write(kind: LetterKind, letters: Sequence[LetterFacts]) -> Iterator[bytes]:
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
        requests=facts.requests,
    )
