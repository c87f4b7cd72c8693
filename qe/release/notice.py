"""`qe review notice`: each unit is told the public date and the status of its requests before publication (401.717(d)).

The notice is a letter, so it goes also while reports are held.
"""

from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from qe.errors import InputError
from qe.ledger.book import Ledger
from qe.ledger.event import NewEvent
from qe.ledger.fold import Facts, state_as_of
from qe.progress import Progress
from qe.providers import ProviderOrSupplier
from qe.release.contacts import Contact, Contacts
from qe.release.letters import LetterFacts, LetterWriter
from qe.release.outgoing import Outgoing, letter_to, outbox_path, put_out
from qe.release.reports_on_disk import units_of
from qe.release.send import run_for_cycle
from qe.release.sends import UnitReview, reviews
from qe.reports.letters import LetterRequest
from qe.site import Site

LETTER: Final = "notice.pdf"


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One status notice on its way. last_request: ledger number of the unit's last request, 0 without one."""

    unit: ProviderOrSupplier
    contact: Contact
    letter: LetterFacts
    last_request: int
    path: Path


@dataclass(frozen=True, kw_only=True)
class NoticePlan:
    """Who is told. not_sendable: unit id and why."""

    cycle: str
    run_id: str
    notices: tuple[Notice, ...]
    already_noticed: tuple[str, ...]
    not_sendable: tuple[tuple[str, str], ...]
    facts: Facts


def plan_notices(
    site: Site, ledger: Ledger, *, cycle: str, contacts: Contacts, on: date, only: str | None = None
) -> NoticePlan:
    """A notice for each unit whose report was handed over and that was not told yet, or has asked since."""
    facts = state_as_of(ledger, on)
    run = run_for_cycle(site, ledger, facts, cycle)
    units, found = units_of(run), reviews(facts, cycle)
    handed_over = [unit for unit in found.values() if unit.state == "confirmed" and only in (None, unit.unit_id)]
    if not handed_over:
        raise InputError(
            f"no report of cycle {cycle} is confirmed as handed over on {on}", remedy="Record it: qe review confirm."
        )
    notices: list[Notice] = []
    unreachable: list[tuple[str, str]] = []
    for standing in (unit for unit in handed_over if not unit.is_noticed):
        contact = contacts.usable(standing.unit_id, None)
        if contact is None:
            unreachable.append((standing.unit_id, contacts.why_unreachable(standing.unit_id, None)))
            continue
        letter = _letter(site, facts, standing, units[standing.unit_id], cycle=cycle, on=on)
        path = outbox_path(site, contact.channel, f"notice-{cycle}-{standing.unit_id}", on=on)
        last_request = max((request.seq for request in standing.asked), default=0)
        notices.append(
            Notice(unit=units[standing.unit_id], contact=contact, letter=letter, last_request=last_request, path=path)
        )
    return NoticePlan(
        cycle=cycle,
        run_id=run.run_id,
        notices=tuple(notices),
        already_noticed=tuple(unit.unit_id for unit in handed_over if unit.is_noticed),
        not_sendable=tuple(unreachable),
        facts=facts,
    )


def _letter(
    site: Site, facts: Facts, standing: UnitReview, unit: ProviderOrSupplier, *, cycle: str, on: date
) -> LetterFacts:
    assert standing.review is not None and standing.public_from is not None
    outcomes = {event.text("request_id"): event.text("outcome") for event in facts.of("request_resolved")}
    planned = site.settings.review.public_on or on
    return LetterFacts(
        cycle=cycle,
        unit=unit,
        written_on=on,
        sent_on=standing.review.sent_on,
        last_request_day=standing.review.last_request_day,
        public_from=standing.public_from,
        public_on=max(standing.public_from, planned, on),
        zone=standing.review.zone,
        requests=tuple(
            LetterRequest(
                request_id=event.text("request_id"),
                kind=event.text("kind"),
                category=event.text("category"),
                received_on=event.day("received_on"),
                outcome=outcomes.get(event.text("request_id")),
            )
            for event in standing.asked
        ),
    )


def send_notices(
    plan: NoticePlan,
    site: Site,
    ledger: Ledger,
    *,
    at: datetime,
    on: date,
    actor: str,
    write_letter: LetterWriter,
    progress: Progress,
) -> None:
    """Print the letters, record them, put them in the outbox; nothing is written when the gate refuses any."""
    progress.start("printing status notices", total=len(plan.notices))
    going: list[Outgoing] = []
    printed = write_letter("final_notice", [notice.letter for notice in plan.notices])
    for notice, pdf in zip(plan.notices, printed, strict=True):
        going.append(
            letter_to(
                site,
                plan.facts,
                notice.unit,
                notice.contact,
                {LETTER: pdf},
                cycle=plan.cycle,
                run_id=plan.run_id,
                path=notice.path,
                said=f"no notice of cycle {plan.cycle} may be sent on {on}",
                intent=_event(plan, notice, pdf),
            )
        )
        progress.advance()
    progress.finish()
    put_out(site, ledger, plan.facts, going, at=at, actor=actor)


def _event(plan: NoticePlan, notice: Notice, pdf: bytes) -> NewEvent:
    digest = sha256(pdf).hexdigest()
    unit_id = notice.unit.unit_id
    return NewEvent(
        kind="status_notice_sent",
        effective_on=plan.facts.on,
        payload={
            "cycle": plan.cycle,
            "unit_id": unit_id,
            "public_on": notice.letter.public_on.isoformat(),
            "open_requests": sum(request.outcome is None for request in notice.letter.requests),
            "letter_sha256": digest,
        },
        key=f"status_notice_sent:{plan.cycle}:{unit_id}:{digest}:{notice.last_request}",
    )
