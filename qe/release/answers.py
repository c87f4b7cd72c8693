"""`qe request acknowledge | respond | resolve`: a request is acknowledged, answered and closed, each in its order.

The event comes first, then the letter: an act that was stopped in between is finished by the same command, with its own day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Final, Literal

from qe.errors import InputError, Refused
from qe.ledger.book import Ledger
from qe.ledger.event import LedgerEvent, NewEvent
from qe.ledger.fold import Facts, state_as_of
from qe.regulation import CITATION
from qe.release.artefact import Decision
from qe.release.asked_about import run_about
from qe.release.contacts import Contacts
from qe.release.outgoing import Outgoing, decide, is_out, letter_to, outbox_path, put_out, require_reachable
from qe.release.printing import print_request_letter
from qe.release.reports_on_disk import units_of
from qe.release.requests import DATA_KINDS, Request, request_of, require_open
from qe.release.standing import reason
from qe.reports import request_words
from qe.reports.printed import Change
from qe.reports.request_letters import RequestLetterKind
from qe.site import Site

Answer = Literal["upheld", "partly", "denied", "referred_to_payer", "more_needed"]
Outcome = Literal["fulfilled", "upheld", "partly", "denied", "referred_to_payer", "withdrawn"]
PDF: Final = "letter.pdf"


@dataclass(frozen=True, kw_only=True)
class Answering:
    """One act on one request, before it is done.

    letter    what goes to the outbox, with the event that records it; None where it lies there, or where the act was recorded
              without a letter
    decision  the gate's answer on the letter
    """

    request: Request
    facts: Facts
    letter: Outgoing | None
    decision: Decision | None

    @property
    def event(self) -> NewEvent | None:
        """What is recorded; None where it stands recorded."""
        return None if self.letter is None else self.letter.intent


def plan_acknowledgement(site: Site, ledger: Ledger, request_id: str, *, contacts: Contacts, on: date) -> Answering:
    """The letter that says a request was received, and by when it is answered."""
    facts = state_as_of(ledger, on)
    request = request_of(facts, request_id)
    done = request.acknowledged
    if done is None:
        require_open(request, "it is not acknowledged any more")
    written_on = done.effective_on if done else on
    last_day = request.last_day(site.settings.review.respond_within_days)
    files = _printed(
        site,
        ledger,
        request,
        "acknowledgement",
        facts=facts,
        written_on=written_on,
        dates=(("Acknowledged", written_on),),
        paragraphs=request_words.acknowledgement(
            answer_by=last_day, is_late=request.received.flag("late"), about=request.about
        ),
    )
    new = NewEvent(
        kind="request_acknowledged",
        effective_on=written_on,
        payload={"request_id": request_id, "letter_sha256": _sha256(files)},
        key=f"request_acknowledged:{request_id}",
    )
    return _planned(
        site, ledger, request, facts, files, stem=f"acknowledgement-{request_id}", done=done, new=new, contacts=contacts
    )


def plan_response(
    site: Site,
    ledger: Ledger,
    request_id: str,
    *,
    answer: Answer,
    why: str,
    changes: Sequence[Change],
    contacts: Contacts,
    on: date,
) -> Answering:
    """The letter that answers a request: the decision, its reason in the analyst's words, and what follows.

    changes  of an upheld correction: each figure before and after, as printed
    Another answer is another letter; the first one counts for the time to respond. The reason stands in the letter alone.
    Refused: the request is closed, or not acknowledged yet.
    """
    facts = state_as_of(ledger, on)
    request = request_of(facts, request_id)
    if not why.strip():
        raise InputError("the answer has no reason", remedy="Say why in whole sentences: --why TEXT.")
    if request.acknowledged is None:
        said = f"request {request_id} is not acknowledged yet"
        raise _out_of_order(said, remedy=f"First: qe request acknowledge {request_id}.")
    acknowledged_on = request.acknowledged.effective_on

    def printed(written_on: date) -> dict[str, bytes]:
        return _printed(
            site,
            ledger,
            request,
            "decision",
            facts=facts,
            written_on=written_on,
            dates=(("Acknowledged", acknowledged_on), ("Answered", written_on)),
            rows=(("Our decision", request_words.answer(answer)), *map(request_words.change, changes)),
            paragraphs=request_words.decision(answer, why=why.strip(), about=request.about),
        )

    for number, done in enumerate(request.responses, start=1):
        files = printed(done.effective_on)
        if done.text("letter_sha256") == _sha256(files):
            stem = f"decision-{request_id}-{number}"
            return _planned(site, ledger, request, facts, files, stem=stem, done=done, new=None, contacts=contacts)
    require_open(request, "it is not answered any more")
    files, number = printed(on), len(request.responses) + 1
    new = NewEvent(
        kind="request_responded",
        effective_on=on,
        payload={"request_id": request_id, "answer": answer, "letter_sha256": _sha256(files)},
        key=f"request_responded:{request_id}:{number}",
    )
    stem = f"decision-{request_id}-{number}"
    return _planned(site, ledger, request, facts, files, stem=stem, done=None, new=new, contacts=contacts)


def _printed(
    site: Site,
    ledger: Ledger,
    request: Request,
    kind: RequestLetterKind,
    *,
    facts: Facts,
    written_on: date,
    dates: tuple[tuple[str, date], ...],
    rows: tuple[tuple[str, str], ...] = (),
    paragraphs: tuple[str, ...],
) -> dict[str, bytes]:
    unit = units_of(run_about(site, ledger, facts, request.cycle))[request.unit_id]
    return print_request_letter(
        site, kind, request, unit=unit, written_on=written_on, dates=dates, rows=rows, paragraphs=paragraphs
    )


def _planned(
    site: Site,
    ledger: Ledger,
    request: Request,
    facts: Facts,
    files: Mapping[str, bytes],
    *,
    stem: str,
    done: LedgerEvent | None,
    new: NewEvent | None,
    contacts: Contacts,
) -> Answering:
    """The act with its letter: nothing of it that is done already, and only the letter where the act was stopped before it."""
    written_on = done.effective_on if done else facts.on
    if done is not None and ("letter_sha256" not in done.payload or is_out(site, stem, on=written_on)):
        return Answering(request=request, facts=facts, letter=None, decision=None)
    if done is not None and done.text("letter_sha256") != _sha256(files):
        raise InputError(
            f"the letter recorded for {request.request_id} was never written, and what it would print has changed",
            remedy="Take its event back (qe record fact_retracted retracts=ID) and run the command again.",
        )
    run = run_about(site, ledger, facts, request.cycle)
    contact = require_reachable(contacts, request.unit_id)
    letter = letter_to(
        site,
        facts,
        units_of(run)[request.unit_id],
        contact,
        files,
        cycle=request.cycle,
        run_id=run.run_id,
        path=outbox_path(site, contact.channel, stem, on=written_on),
        said=f"no letter about {request.request_id} may be sent on {facts.on}",
        intent=None if done else new,
    )
    return Answering(
        request=request,
        facts=facts,
        letter=letter,
        decision=decide(site, facts, letter.artefact, letter.recipient),
    )


def carry_out(site: Site, ledger: Ledger, planned: Answering, *, at: datetime, actor: str) -> None:
    """Record the act and put its letter into the outbox; nothing where both are done."""
    if planned.letter is not None:
        put_out(site, ledger, planned.facts, [planned.letter], at=at, actor=actor)


def resolution(facts: Facts, request_id: str, *, outcome: Outcome) -> NewEvent | None:
    """The event that closes a request, and with it takes it off the posting; None where it is closed so already.

    Refused: closed otherwise, not answered yet (a withdrawal needs no answer), an outcome that is not one of its kind,
    or fulfilled without the release of its data.
    """
    request = request_of(facts, request_id)
    if request.resolved is not None and request.resolved.text("outcome") == outcome:
        return None
    require_open(request, "it is closed once")
    if outcome == "fulfilled" and request.fulfilled is None:
        raise _out_of_order(
            f"no data were released for request {request_id}", remedy=f"First: qe request release-data {request_id}."
        )
    if outcome in ("upheld", "partly") and request.kind in DATA_KINDS:
        raise _out_of_order(
            f"request {request_id} asks for data: nothing is corrected by it",
            remedy="Close it as fulfilled, denied or withdrawn; a correction is a request of its own.",
        )
    if outcome != "withdrawn" and not request.is_answered:
        raise _out_of_order(f"request {request_id} is not answered yet", remedy=f"First: {request.next_act}.")
    return NewEvent(
        kind="request_resolved",
        effective_on=facts.on,
        payload={"request_id": request_id, "outcome": outcome},
        key=f"request_resolved:{request_id}",
    )


def _out_of_order(said: str, *, remedy: str) -> Refused:
    return Refused(said, reasons=(reason("R8", CITATION["request"], "fail", said),), remedy=remedy)


def _sha256(files: Mapping[str, bytes]) -> str:
    return sha256(files[PDF]).hexdigest()
