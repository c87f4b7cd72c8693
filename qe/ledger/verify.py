"""Is the ledger whole: every event unchanged, in order, chained to the one before, and none cut off at the end?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from qe.errors import Fault, Findings
from qe.ledger.book import EMPTY, TRIGGERS, Head, Ledger
from qe.ledger.event import GENESIS, LedgerEvent

FILE: Final = "ledger.sqlite"
REMEDY: Final = "Compare it with the backups; nothing is sent or published from a broken ledger."


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What was found.

    behind  events recorded after the anchor was last written, because a process was stopped in between: no fault
    """

    events: int
    head: Head
    behind: int
    faults: tuple[Fault, ...]

    def require_whole(self) -> None:
        if self.faults:
            raise Findings.of(list(self.faults))


def verify(ledger: Ledger, *, head: str | None = None) -> Verification:
    """Check the chain, the anchor and, if given, that `head` (printed in a report or filing) is one of its hashes."""
    try:
        events = ledger.events()
        anchored = ledger.anchored()
        triggers = ledger.trigger_names() if events else frozenset(TRIGGERS)
    except Findings as broken:
        return Verification(events=0, head=EMPTY, behind=0, faults=broken.faults)
    faults = [*chain_faults(events), *_anchor_faults(events, anchored)]
    if missing := set(TRIGGERS) - triggers:
        faults.append(_fault("trigger-missing", f"{len(missing)} of the triggers that refuse changes are gone"))
    if head is not None and head not in {GENESIS, *(event.hash for event in events)}:
        faults.append(_fault("head-unknown", "the head that was given is not in this ledger"))
    last = Head(seq=events[-1].seq, hash=events[-1].hash) if events else EMPTY
    behind = last.seq - anchored.seq if anchored is not None and anchored.seq < last.seq else 0
    return Verification(events=len(events), head=last, behind=behind, faults=tuple(faults))


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
