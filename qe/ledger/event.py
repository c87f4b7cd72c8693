"""One event of the ledger: what it holds, its canonical JSON, and the hash that chains it to the event before."""

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final, TypeAlias

PayloadValue: TypeAlias = str | int | bool | list[str]
Payload: TypeAlias = Mapping[str, PayloadValue]

GENESIS: Final = "0" * 64
EVENT_NAMESPACE: Final = uuid.UUID("6f0f9c5c-3f0e-5a55-9d0e-401717401717")


@dataclass(frozen=True, kw_only=True)
class NewEvent:
    """An event about to be appended; its payload must fit the schema of its kind.

    effective_on     the day the fact holds from, in `zone`; may lie before the day it is recorded
    evidence_sha256  hash of the document that shows it (the document itself stays outside the ledger)
    retracts         event_id of the fact that this event takes back
    key              the idempotency key: the same key is recorded once. Default: kind, day, payload and evidence
    """

    kind: str
    effective_on: date
    payload: Payload = field(default_factory=dict)
    evidence_sha256: str | None = None
    retracts: str | None = None
    key: str | None = None

    def idempotency_key(self) -> str:
        return self.key or canonical_json(
            [
                self.kind,
                self.effective_on.isoformat(),
                dict(self.payload),
                self.evidence_sha256,
                self.retracts,
            ]
        )


@dataclass(frozen=True, kw_only=True)
class LedgerEvent:
    """One row of the table `event` (contracts.md section 8)."""

    seq: int
    event_id: str
    at: datetime
    effective_on: date
    zone: str
    kind: str
    subject: str
    payload: Payload
    actor: str
    evidence_sha256: str | None
    retracts: str | None
    prev: str
    hash: str

    def text(self, name: str) -> str:
        """The payload's `name` as text; an absent optional one is ""."""
        return str(self.payload.get(name, ""))

    def day(self, name: str) -> date:
        return date.fromisoformat(self.text(name))

    def count(self, name: str) -> int:
        """The payload's `name` as a whole number; an absent optional one is 0."""
        return int(self.text(name) or 0)

    def flag(self, name: str) -> bool:
        """Whether the payload's `name` is true; an absent optional one is not."""
        return self.payload.get(name) is True

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.payload.get(name, [])
        return tuple(value) if isinstance(value, list) else tuple(str(value).split(";"))

    def as_json(self) -> dict[str, object]:
        """All columns, for `qe ledger show` and `export`."""
        return {**_hashed_columns(self), "prev": self.prev, "hash": self.hash}

    def expected_hash(self) -> str:
        return chained_hash(self.prev, _hashed_columns(self))


def canonical_json(value: object) -> str:
    """JSON with sorted keys, no blanks and ASCII only: one text for one value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def event_id_of(key: str) -> str:
    return str(uuid.uuid5(EVENT_NAMESPACE, key))


def instant_text(at: datetime) -> str:
    """UTC to the microsecond; always the same length, so that text order is time order."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def chained_hash(prev: str, columns: Mapping[str, object]) -> str:
    """sha256 of the previous hash and the canonical JSON of all other columns."""
    return hashlib.sha256((prev + canonical_json(dict(columns))).encode("ascii")).hexdigest()


def _hashed_columns(event: LedgerEvent) -> dict[str, object]:
    return {
        "seq": event.seq,
        "event_id": event.event_id,
        "at": instant_text(event.at),
        "effective_on": event.effective_on.isoformat(),
        "zone": event.zone,
        "kind": event.kind,
        "subject": event.subject,
        "payload": dict(event.payload),
        "actor": event.actor,
        "evidence_sha256": event.evidence_sha256,
        "retracts": event.retracts,
    }
