"""Is the ledger whole: every event unchanged, in order, chained to the one before, and none cut off at the end?"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from qe.errors import Fault, Findings
from qe.ledger.book import EMPTY, TRIGGERS, Head, Ledger
from qe.ledger.event import GENESIS, LedgerEvent
from qe.ledger.heads import read_heads, signing_keys
from qe.ledger.signing import HeadStatement

FILE: Final = "ledger.sqlite"
REMEDY: Final = "Compare it with the backups; nothing is sent or published from a broken ledger."


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What was found.

    behind        events recorded after the anchor was last written, because a process was stopped in between: no fault
    signed_heads  lines of ledger.heads that were checked
    not_covered   events of days before the last event's that no daily head covers, as nobody had the key: no fault, but no proof
    """

    events: int
    head: Head
    behind: int
    faults: tuple[Fault, ...]
    signed_heads: int = 0
    not_covered: int = 0

    def require_whole(self) -> None:
        if self.faults:
            raise Findings.of(list(self.faults))


def verify(ledger: Ledger, *, head: str | HeadStatement | None = None) -> Verification:
    """Check the chain, the anchor, every daily head and, if given, a head that was noted elsewhere: its hash or its statement."""
    try:
        events = ledger.events()
        anchored = ledger.anchored()
        signed = read_heads(ledger.heads)
        triggers = ledger.trigger_names() if events else frozenset(TRIGGERS)
    except Findings as broken:
        return Verification(events=0, head=EMPTY, behind=0, faults=broken.faults)
    faults = [*chain_faults(events), *_anchor_faults(events, anchored), *_daily_faults(signed, events)]
    if missing := set(TRIGGERS) - triggers:
        faults.append(_fault("trigger-missing", f"{len(missing)} of the triggers that refuse changes are gone"))
    faults += head_faults(head, events)
    last = Head(seq=events[-1].seq, hash=events[-1].hash) if events else EMPTY
    behind = last.seq - anchored.seq if anchored is not None and anchored.seq < last.seq else 0
    return Verification(
        events=len(events),
        head=last,
        behind=behind,
        faults=tuple(faults),
        signed_heads=len(signed),
        not_covered=_not_covered(ledger, events, signed),
    )


def chain_faults(events: Sequence[LedgerEvent]) -> list[Fault]:
    """The first break of the chain, and any retraction of what is not there."""
    prev = GENESIS
    seen: set[str] = set()
    for place, event in enumerate(events, start=1):
        if event.seq != place:
            return [_fault("missing-event", f"event {place} is missing", place=place)]
        if event.prev != prev:
            return [_fault("chain-broken", f"event {place} does not follow from the one before it", place=place)]
        if event.hash != event.expected_hash():
            return [_fault("event-changed", f"event {place} was changed after it was recorded", place=place)]
        if event.retracts is not None and event.retracts not in seen:
            return [_fault("bad-retraction", f"event {place} takes back an event that is not there", place=place)]
        seen.add(event.event_id)
        prev = event.hash
    return []


def head_faults(head: str | HeadStatement | None, events: Sequence[LedgerEvent]) -> list[Fault]:
    """What does not hold of a head that was noted elsewhere: its hash, or its statement."""
    if isinstance(head, HeadStatement):
        return statement_faults(head, events, named="the head that was given")
    if head is None or head in {GENESIS, *(event.hash for event in events)}:
        return []
    return [_fault("head-unknown", "the head that was given is not in this ledger: events were removed or changed")]


def statement_faults(stated: HeadStatement, events: Sequence[LedgerEvent], *, named: str) -> list[Fault]:
    """What does not hold of a statement: its signature, its key, its place in the chain. The first of these alone.

    An unsigned statement has its place only.
    """
    if stated.is_signed:
        keys = signing_keys(events)
        if not stated.holds:
            return [_fault("head-signature", f"the signature of {named} is wrong: it was changed or forged")]
        if stated.public_key not in keys:
            return [_fault("head-key", f"{named} is signed with a key that this ledger does not name as its own")]
        retired = keys[stated.public_key]
        if retired is not None and stated.seq >= retired:
            return [_fault("head-key-retired", f"{named} is signed with a key that was retired by event {retired}")]
    if stated.seq > len(events):
        said = f"{named} is event {stated.seq}, but the ledger ends at event {len(events)}: events were removed"
        return [_fault("head-beyond-end", said, place=len(events))]
    if stated.hash != (events[stated.seq - 1].hash if stated.seq > 0 else GENESIS):
        said = f"{named} is another event {stated.seq} than this ledger holds: events were removed or changed"
        return [_fault("head-unknown", said, place=stated.seq)]
    return []


def _daily_faults(signed: Sequence[HeadStatement], events: Sequence[LedgerEvent]) -> list[Fault]:
    """The first line of ledger.heads that does not hold, and lines out of order or unsigned."""
    for line, stated in enumerate(signed, start=1):
        named = f"line {line} of ledger.heads"
        if not stated.is_signed:
            return [_fault("head-signature", f"{named} is not signed")]
        if found := statement_faults(stated, events, named=named):
            return found
    if any(later.seq <= earlier.seq for earlier, later in pairwise(signed)):
        return [_fault("heads-disordered", "the lines of ledger.heads are not in the order of their events")]
    return []


def _not_covered(ledger: Ledger, events: Sequence[LedgerEvent], signed: Sequence[HeadStatement]) -> int:
    zone = ZoneInfo(ledger.zone)
    days = [event.at.astimezone(zone).date() for event in events]
    covered = signed[-1].seq if signed else 0
    return sum(day < days[-1] for day in days[covered:])


def _anchor_faults(events: Sequence[LedgerEvent], anchored: Head | None) -> list[Fault]:
    if anchored is None:
        return [_fault("anchor-missing", "ledger.anchor is missing")] if events else []
    if anchored.seq > len(events):
        said = f"the ledger ends at event {len(events)}, but its anchor knows event {anchored.seq}: events were cut off"
        return [_fault("events-cut-off", said, place=len(events))]
    known = GENESIS if anchored.seq == 0 else events[anchored.seq - 1].hash
    if known != anchored.hash:
        return [
            _fault("anchor-differs", f"event {anchored.seq} is not the one that the anchor holds", place=anchored.seq)
        ]
    return []


def _fault(code: str, said: str, *, place: int | None = None) -> Fault:
    where = None if place is None else f"event {place}"
    return Fault(code=code, message=f"{FILE}: {said}", file=FILE, place=where, remedy=REMEDY)
