"""`qe request add` and `verify`: what a provider or supplier asks is logged, and who may ask for it is verified (401.717(b), (c)).

A request is in time through the end of the last request day where the recipient is. A later one is logged all the same and
marked late; one on paper counts from its receipt, also when it is logged later.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from qe.errors import Fault, InputError, Refused
from qe.ledger.book import Ledger
from qe.ledger.event import LedgerEvent, NewEvent, PayloadValue
from qe.ledger.fold import Facts, state_as_of
from qe.regulation import CITATION
from qe.release.asked_about import Shown, measures_shown, shown_to
from qe.release.attachments import Attachment, keep, receipts
from qe.release.releases import released_units
from qe.release.standing import reason
from qe.site import Site

OF_THE_LOGGING: Final = frozenset({"request_id", "logged_on", "late"})  # not of what was asked: a release date can move


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request as it came. cycle: of the report that it is about, or the id of the analysis.

    received    a day where the recipient is, or an instant with its zone: a fax of 1 am in the east is of the day before in Hawaii
    measures    the measures under appeal; reasons by the choices of request_received; channel how it came
    attachments what came with it; the same request with further ones is the one that is logged, with these as well
    """

    cycle: str
    unit_id: str
    kind: str
    category: str
    received: date | datetime
    measures: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    channel: str | None = None
    evidence_sha256: str | None = None
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Logged:
    """A request as it stands logged.

    is_new        False: the same request was logged before, and nothing is recorded now
    amend_posting it is in time, but its unit's results are public: the posting lacks it
    """

    request_id: str
    received_on: date
    last_request_day: date
    is_new: bool
    is_late: bool
    amend_posting: bool


def read_received(text: str) -> date | datetime:
    """A day like 2026-05-01, or an instant with its zone like 2026-05-02T01:10-04:00."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise InputError(
            "the receipt is neither a day nor an instant with its zone",
            remedy="Write --received-on 2026-05-01, or 2026-05-02T01:10-04:00.",
        )
    return instant


def receive(
    site: Site, ledger: Ledger, asked: Asked, *, today: date, at: datetime, actor: str, dry_run: bool
) -> Logged:
    """Log a request under an id of its own; the same request again is the one that is logged.

    Refused: received before the report was put out, or in the future. InputError: no report of the cycle went to the unit, it has
    not opted in to the analysis or has not its own part of it, or it has no result of the measure.
    """
    facts = state_as_of(ledger, today)
    shown = shown_to(site, facts, asked.cycle, asked.unit_id)
    received_on = _day_there(asked.received, shown.zone)
    _require_in_order(received_on, shown, today=_today_there(site, today, at=at, zone=shown.zone))
    _require_own_results(site, facts, shown, asked)
    payload = _payload(asked, shown, received_on=received_on, logged_on=today)
    known = _known(facts, payload, asked.evidence_sha256)
    request_id = known.text("request_id") if known else _next_id(ledger.events(), asked)
    received = NewEvent(
        kind="request_received",
        effective_on=min(received_on, today),
        payload={**payload, "request_id": request_id},
        evidence_sha256=asked.evidence_sha256,
        key=f"request_received:{request_id}",
    )
    events = [*([] if known else [received]), *receipts(site, facts, request_id, asked.attachments, on=today)]
    if not dry_run:
        if events:
            ledger.append(events, at=at, actor=actor, expected_head=facts.head)
        keep(site, asked.attachments)
    is_late = payload["late"] is True
    return Logged(
        request_id=request_id,
        received_on=received_on,
        last_request_day=shown.last_request_day,
        is_new=known is None,
        is_late=is_late,
        amend_posting=not is_late and asked.unit_id in released_units(facts, asked.cycle),
    )


def _day_there(received: date | datetime, zone: str) -> date:
    return received.astimezone(ZoneInfo(zone)).date() if isinstance(received, datetime) else received


def _today_there(site: Site, today: date, *, at: datetime, zone: str) -> date:
    """The entity's day, or the recipient's where that is a day ahead; the as-of day of a rehearsal is the day everywhere."""
    return max(today, at.astimezone(ZoneInfo(zone)).date()) if today == at.astimezone(site.zone).date() else today


def _require_in_order(received_on: date, shown: Shown, *, today: date) -> None:
    if received_on > today:
        raise _out_of_order(f"a receipt on {received_on} lies in the future")
    if received_on < shown.put_out_on:
        what = "the report was put out" if shown.about == "report" else "its own part of the analysis was handed over"
        raise _out_of_order(f"received on {received_on}, before {what} on {shown.put_out_on}")


def _out_of_order(said: str) -> Refused:
    verdict = reason("R4", CITATION["request"], "fail", said)
    return Refused(said, reasons=(verdict,), remedy="Give the day of the receipt: --received-on.")


def _require_own_results(site: Site, facts: Facts, shown: Shown, asked: Asked) -> None:
    if not asked.measures:
        return
    known = measures_shown(site, facts, asked.cycle, asked.unit_id, run_id=shown.run_id)
    faults = [
        Fault(
            code="no-result",
            message=f"{asked.unit_id} has no result of {measure_id} in cycle {asked.cycle}",
            place=measure_id,
            remedy=f"Its measures are: {', '.join(sorted(known)) or 'none'}.",
        )
        for measure_id in asked.measures
        if measure_id not in known
    ]
    if faults:
        raise InputError.of(faults)


def _payload(asked: Asked, shown: Shown, *, received_on: date, logged_on: date) -> dict[str, PayloadValue]:
    payload: dict[str, PayloadValue] = {
        "cycle": asked.cycle,
        "unit_id": asked.unit_id,
        "kind": asked.kind,
        "category": asked.category,
        "received_on": received_on.isoformat(),
        "logged_on": logged_on.isoformat(),
        "late": received_on > shown.last_request_day,
    }
    if shown.about == "analysis":
        payload["about"] = shown.about
    if asked.measures:
        payload["measures"] = sorted(set(asked.measures))
    if asked.reasons:
        payload["reasons"] = ";".join(sorted(set(asked.reasons)))
    if asked.channel is not None:
        payload["channel"] = asked.channel
    return payload


def _known(facts: Facts, payload: dict[str, PayloadValue], evidence_sha256: str | None) -> LedgerEvent | None:
    """The same request where it stands logged, on whatever day that was."""
    for event in facts.of("request_received"):
        told = {name: value for name, value in event.payload.items() if name not in OF_THE_LOGGING}
        same = told == {name: value for name, value in payload.items() if name not in OF_THE_LOGGING}
        if same and event.evidence_sha256 == evidence_sha256:
            return event
    return None


def _next_id(events: Sequence[LedgerEvent], asked: Asked) -> str:
    """`<cycle>-<unit>-<n>`: a number is never given twice, also not after its request was taken back."""
    stem = f"{asked.cycle}-{asked.unit_id}-"
    taken = [event.text("request_id") for event in events if event.kind == "request_received"]
    numbers = [one.removeprefix(stem) for one in taken if one.startswith(stem)]
    last = max((int(number) for number in numbers if number.isdecimal()), default=0)
    return f"{stem}{last + 1}"


@dataclass(frozen=True, kw_only=True)
class Verified:
    """Who was verified to ask for a unit. terms_sha256: of the signed terms of an extract, None where they are not given."""

    unit_id: str
    how: str
    evidence_sha256: str
    terms_sha256: str | None
    signed_on: date


def verify(
    ledger: Ledger, verified: Verified, *, today: date, at: datetime, actor: str, dry_run: bool
) -> tuple[NewEvent, ...]:
    """Record that somebody was verified to ask for the unit, and that the terms of an extract are signed (401.713(d))."""
    if verified.signed_on > today:
        said = f"terms signed on {verified.signed_on} lie in the future"
        raise Refused(said, reasons=(reason("G13", "42 CFR 401.713(d)", "fail", said),), remedy="Correct --signed-on.")
    requester = NewEvent(
        kind="requester_verified",
        effective_on=today,
        payload={"unit_id": verified.unit_id, "how": verified.how},
        evidence_sha256=verified.evidence_sha256,
        key=f"requester_verified:{verified.unit_id}:{verified.how}:{verified.evidence_sha256}",
    )
    terms = NewEvent(
        kind="extract_terms_signed",
        effective_on=verified.signed_on,
        payload={"unit_id": verified.unit_id, "signed_on": verified.signed_on.isoformat()},
        evidence_sha256=verified.terms_sha256,
        key=f"extract_terms_signed:{verified.unit_id}:{verified.terms_sha256}",
    )
    events = (requester,) if verified.terms_sha256 is None else (requester, terms)
    if not dry_run:
        ledger.append(events, at=at, actor=actor)
    return events
