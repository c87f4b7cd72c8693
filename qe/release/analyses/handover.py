"""A notice or an extract was handed over on a day, with evidence; or it came back."""

from collections.abc import Sequence
from datetime import date, datetime

from qe.errors import Fault, InputError, Reason, Refused
from qe.ledger.book import Ledger
from qe.ledger.event import NewEvent
from qe.ledger.fold import Facts
from qe.regulation import CITATION
from qe.release.analyses.definition import analysis_of
from qe.release.analyses.sends import AnalysisSend, What, send_of
from qe.release.handover import HandOver
from qe.release.review import DayCount, NoticePeriod
from qe.release.standing import reason


def confirm(
    ledger: Ledger,
    facts: Facts,
    *,
    analysis_id: str,
    what: What,
    hand_overs: Sequence[HandOver],
    day_count: DayCount,
    at: datetime,
    actor: str,
    dry_run: bool,
) -> tuple[NewEvent, ...]:
    """Record the hand-overs, all or none: the 65 days of a notice begin.

    Refused: a day in the future or before the notice was put out; a notice handed over too late for the release date it prints.
    """
    analysis_of(facts, analysis_id)
    found = [(one, send_of(facts, analysis_id, one.unit_id, what)) for one in hand_overs]
    faults = [
        Fault(
            code="not-sent",
            message=f"{one.unit_id}: no {what} of {analysis_id} was put out",
            place=one.unit_id,
            remedy=f"Send it first: qe npa {'notify' if what == 'notice' else 'send'} {analysis_id}.",
        )
        for one, known in found
        if known.sent is None
    ]
    if faults:
        raise InputError.of(faults)
    refusals = [
        said
        for one, known in found
        if (said := _refusal(facts, one, known, what=what, day_count=day_count)) is not None
    ]
    if refusals:
        raise Refused(
            "; ".join(sorted({one.fact for one in refusals})),
            reasons=tuple(refusals),
            remedy="Send again with a later release date (qe npa notify --release-on), or correct --on.",
        )
    events = tuple(_confirmation(analysis_id, one, known) for one, known in found)
    if not dry_run:
        ledger.append(events, at=at, actor=actor, expected_head=facts.head)
    return events


def _refusal(facts: Facts, one: HandOver, known: AnalysisSend, *, what: What, day_count: DayCount) -> Reason | None:
    assert known.sent is not None
    citation = CITATION["notice"]
    if known.state == "failed":
        return reason("G12", citation, "fail", f"{one.unit_id}: the {what} came back; a new one is needed")
    if one.on > facts.on:
        return reason("G12", citation, "fail", f"{one.unit_id}: a hand-over on {one.on} lies in the future")
    if one.on < known.sent.effective_on:
        said = f"{one.unit_id}: the {what} was put out on {known.sent.effective_on}, after {one.on}"
        return reason("G12", citation, "fail", said)
    if what == "extract":
        return None
    told, earliest = known.sent.day("release_on"), _earliest(one.on, day_count)
    if told < earliest:
        said = f"{one.unit_id}: a notice handed over on {one.on} allows release from {earliest}; it names {told}"
        return reason("G12", citation, "fail", said, earliest=earliest)
    return None


def _earliest(notified_on: date, day_count: DayCount) -> date:
    return NoticePeriod(notified_on=notified_on, day_count=day_count).earliest_release


def _confirmation(analysis_id: str, one: HandOver, known: AnalysisSend) -> NewEvent:
    assert known.sent is not None
    return NewEvent(
        kind="npa_confirmed",
        effective_on=one.on,
        payload={
            "analysis_id": analysis_id,
            "unit_id": one.unit_id,
            "sent": known.sent.event_id,
            "handed_over_on": one.on.isoformat(),
        },
        evidence_sha256=one.evidence_sha256,
        key=f"npa_confirmed:{known.sent.event_id}",
    )


def returned(
    ledger: Ledger,
    facts: Facts,
    *,
    analysis_id: str,
    what: What,
    unit_id: str,
    why: str,
    at: datetime,
    actor: str,
    dry_run: bool,
) -> NewEvent:
    """Record that the unit's notice or extract came back: it is void from today."""
    known = send_of(facts, analysis_id, unit_id, what)
    if known.sent is None:
        raise InputError(f"{unit_id}: no {what} of {analysis_id} was put out", remedy="`qe npa status` lists them.")
    event = NewEvent(
        kind="npa_delivery_failed",
        effective_on=facts.on,
        payload={"analysis_id": analysis_id, "unit_id": unit_id, "sent": known.sent.event_id, "reason": why},
        key=f"npa_delivery_failed:{known.sent.event_id}",
    )
    if not dry_run:
        ledger.append([event], at=at, actor=actor, expected_head=facts.head)
    return event
