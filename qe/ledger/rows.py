"""An event as a row of the table `event` and back: a row that is not written exactly as an event is, is no event."""

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from qe.errors import Fault, Findings
from qe.ledger.event import LedgerEvent, canonical_json, instant_text

Row = tuple[object, ...]

COLUMNS: Final = (
    "seq",
    "event_id",
    "at",
    "effective_on",
    "zone",
    "kind",
    "subject",
    "payload",
    "actor",
    "evidence_sha256",
    "retracts",
    "prev",
    "hash",
)


def row_of(event: LedgerEvent) -> Row:
    """The columns in their order in the table."""
    return (
        event.seq,
        event.event_id,
        instant_text(event.at),
        event.effective_on.isoformat(),
        event.zone,
        event.kind,
        event.subject,
        canonical_json(dict(event.payload)),
        event.actor,
        event.evidence_sha256,
        event.retracts,
        event.prev,
        event.hash,
    )


def event_of(row: Sequence[object]) -> LedgerEvent:
    """The event in a row. Raises Findings when any column reads otherwise than the event would be written.

    A hash is taken of values, not of their spelling: `12:00t` and `12:00T` are one instant, and only one of them was recorded.
    """
    seq, event_id, at, effective_on, zone, kind, subject, payload, actor, evidence, retracts, prev, own_hash = row
    try:
        event = LedgerEvent(
            seq=int(str(seq)),
            event_id=str(event_id),
            at=datetime.fromisoformat(str(at)),
            effective_on=date.fromisoformat(str(effective_on)),
            zone=str(zone),
            kind=str(kind),
            subject=str(subject),
            payload=json.loads(str(payload)),
            actor=str(actor),
            evidence_sha256=None if evidence is None else str(evidence),
            retracts=None if retracts is None else str(retracts),
            prev=str(prev),
            hash=str(own_hash),
        )
        is_as_written = row_of(event) == tuple(row)
    except (ValueError, TypeError, OverflowError):
        is_as_written = False
    if not is_as_written:
        raise Findings.of([_changed(seq)])
    return event


def _changed(seq: object) -> Fault:
    return Fault(
        code="event-changed",
        message=f"ledger.sqlite: event {seq} was changed after it was recorded",
        file="ledger.sqlite",
        place=f"event {seq}",
        remedy="Restore ledger.sqlite, ledger.anchor and ledger.heads from their backup.",
    )
