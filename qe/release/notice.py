"""`qe review notice`: each unit is told the public date and the status of its requests before publication (401.717(d)).

After publication it is told once where its results stand and what is posted beside them (401.717(e)). The notice is a letter, so
it goes also while reports are held.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal, get_args

from qe.corrections.in_force import of_cycle
from qe.errors import InputError
from qe.ledger.book import Ledger
from qe.ledger.event import LedgerEvent, NewEvent, PayloadValue
from qe.ledger.fold import Facts, state_as_of
from qe.progress import Progress
from qe.providers import ProviderOrSupplier
from qe.release.appeals import reasons_not_to_post
from qe.release.contacts import Contact, Contacts
from qe.release.letters import LetterFacts, LetterWriter
from qe.release.outgoing import Outgoing, every_letter, letter_to, outbox_path, put_out
from qe.release.releases import standing_releases, unfinished_release
from qe.release.reports_on_disk import units_of
from qe.release.send import run_for_cycle
from qe.release.sends import UnitReview, reviews
from qe.reports.letters import LetterRequest, PrintedLetter
from qe.site import Site

LETTER: Final = "notice.pdf"
LETTER_TEXT: Final = "notice.txt"
PUBLICATION_TOLD: Final = "publication_told"
NoticeKind = Literal["final_notice", "published_notice"]


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One notice on its way.

    kind          final_notice before publication, published_notice after it
    release_id    of a published_notice the release
    since         ledger number of what it tells of last: the page with its dates, its request, or the cycle's moved date
    """

    kind: NoticeKind
    unit: ProviderOrSupplier
    contact: Contact
    letter: LetterFacts
    release_id: str
    since: int
    path: Path


@dataclass(frozen=True, kw_only=True)
class NoticePlan:
    """Who is told. already_noticed: of this the last word was told before; not_sendable: unit id and why."""

    cycle: str
    run_id: str
    notices: tuple[Notice, ...]
    already_noticed: tuple[str, ...]
    not_sendable: tuple[tuple[str, str], ...]
    facts: Facts


def plan_notices(
    site: Site, ledger: Ledger, *, cycle: str, contacts: Contacts, on: date, only: str | None = None
) -> NoticePlan:
    """A notice for each unit whose report was handed over and that was not told yet: of the day and its requests before
    publication (again where it has asked since, or the date was moved), and once after it of where its results stand."""
    facts = state_as_of(ledger, on)
    run = run_for_cycle(site, ledger, facts, cycle)
    if unfinished := unfinished_release(site, facts, cycle):
        raise InputError(
            f"the publication of {unfinished} was stopped: its results do not stand in public yet",
            remedy=f"Finish it first: qe release go --cycle {cycle}.",
        )
    units, public = units_of(run), standing_releases(facts, cycle)
    handed_over = [
        unit
        for unit in reviews(facts, cycle).values()
        if unit.state == "confirmed" and not unit.reissued_in and only in (None, unit.unit_id)
    ]
    if not handed_over:
        raise InputError(
            f"no report of cycle {cycle} is confirmed as handed over on {on}", remedy="Record it: qe review confirm."
        )
    notices: list[Notice] = []
    told: list[str] = []
    unreachable: list[tuple[str, str]] = []
    for standing in handed_over:
        unit_id, release = standing.unit_id, public.get(standing.unit_id)
        if _is_told(facts, standing, release):
            told.append(unit_id)
        elif (contact := contacts.usable(unit_id, None)) is None:
            unreachable.append((unit_id, contacts.why_unreachable(unit_id, None)))
        else:
            notices.append(_notice(site, facts, standing, units[unit_id], contact, release, cycle=cycle))
    return NoticePlan(
        cycle=cycle,
        run_id=run.run_id,
        notices=tuple(notices),
        already_noticed=tuple(told),
        not_sendable=tuple(unreachable),
        facts=facts,
    )


def _is_told(facts: Facts, standing: UnitReview, release: LedgerEvent | None) -> bool:
    if release is None:
        return standing.is_noticed
    return bool(facts.of(PUBLICATION_TOLD, release_id=release.text("release_id"), unit_id=standing.unit_id))


def _notice(
    site: Site,
    facts: Facts,
    standing: UnitReview,
    unit: ProviderOrSupplier,
    contact: Contact,
    release: LedgerEvent | None,
    *,
    cycle: str,
) -> Notice:
    stem = f"notice-{cycle}" if release is None else f"published-{release.text('release_id')}"
    return Notice(
        kind="final_notice" if release is None else "published_notice",
        unit=unit,
        contact=contact,
        letter=_letter(site, facts, standing, unit, release, cycle=cycle),
        release_id="" if release is None else release.text("release_id"),
        since=standing.to_tell,
        path=outbox_path(site, contact.channel, f"{stem}-{standing.unit_id}", on=facts.on),
    )


def _letter(
    site: Site,
    facts: Facts,
    standing: UnitReview,
    unit: ProviderOrSupplier,
    release: LedgerEvent | None,
    *,
    cycle: str,
) -> LetterFacts:
    assert standing.review is not None and standing.public_from is not None
    infeasible = reasons_not_to_post(facts)
    outcomes = {event.text("request_id"): event.text("outcome") for event in facts.of("request_resolved")}
    planned = site.settings.review.public_on or facts.on
    to_come = max(standing.public_from, planned, facts.on)
    return LetterFacts(
        cycle=cycle,
        unit=unit,
        written_on=facts.on,
        sent_on=standing.review.sent_on,
        last_request_day=standing.review.last_request_day,
        public_from=standing.public_from,
        public_on=to_come if release is None else release.effective_on,
        zone=standing.review.zone,
        is_corrected=unit.unit_id in of_cycle(facts, cycle),
        requests=tuple(
            LetterRequest(
                request_id=event.text("request_id"),
                kind=event.text("kind"),
                category=event.text("category"),
                received_on=event.day("received_on"),
                outcome=outcomes.get(event.text("request_id")),
                not_posted=infeasible.get(event.text("request_id")),
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
    going = print_notices(plan, site, on=on, write_letter=write_letter, progress=progress)
    put_out(site, ledger, plan.facts, going, at=at, actor=actor)


def print_notices(
    plan: NoticePlan, site: Site, *, on: date, write_letter: LetterWriter, progress: Progress
) -> list[Outgoing]:
    """The letters as they would go: each with its bytes, what it is to the gate and the event that comes before it."""
    progress.start("printing notices", total=len(plan.notices))
    going = every_letter(
        partial(_outgoing, plan, site, notice, letter, on=on)
        for notice, letter in _printed(plan, write_letter, progress=progress)
    )
    progress.finish()
    return going


def _printed(
    plan: NoticePlan, write_letter: LetterWriter, *, progress: Progress
) -> Iterator[tuple[Notice, PrintedLetter]]:
    for kind in get_args(NoticeKind):
        notices = [notice for notice in plan.notices if notice.kind == kind]
        for notice, letter in zip(notices, write_letter(kind, [one.letter for one in notices]), strict=True):
            yield notice, letter
            progress.advance()


def _outgoing(plan: NoticePlan, site: Site, notice: Notice, letter: PrintedLetter, *, on: date) -> Outgoing:
    return letter_to(
        site,
        plan.facts,
        notice.unit,
        notice.contact,
        {LETTER: letter.pdf, LETTER_TEXT: letter.text},
        cycle=plan.cycle,
        run_id=plan.run_id,
        path=notice.path,
        said=f"no notice of cycle {plan.cycle} may be sent on {on}",
        intent=_event(plan, notice, letter),
    )


def _event(plan: NoticePlan, notice: Notice, letter: PrintedLetter) -> NewEvent:
    digest = sha256(letter.pdf).hexdigest()
    unit_id = notice.unit.unit_id
    common: dict[str, PayloadValue] = {
        "cycle": plan.cycle,
        "unit_id": unit_id,
        "open_requests": sum(request.outcome is None for request in notice.letter.requests),
        "letter_sha256": digest,
    }
    if notice.kind == "published_notice":
        return NewEvent(
            kind=PUBLICATION_TOLD,
            effective_on=plan.facts.on,
            payload={**common, "release_id": notice.release_id},
            key=f"{PUBLICATION_TOLD}:{notice.release_id}:{unit_id}",
        )
    return NewEvent(
        kind="status_notice_sent",
        effective_on=plan.facts.on,
        payload={**common, "public_on": notice.letter.public_on.isoformat()},
        key=f"status_notice_sent:{plan.cycle}:{unit_id}:{digest}:{notice.since}",
    )
