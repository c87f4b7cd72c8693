"""State as a fold of events: which facts stood on a day, as far as they were known at an instant."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property, reduce
from typing import TypeVar

from qe.errors import Findings
from qe.ledger.book import EMPTY, Head, Ledger
from qe.ledger.event import LedgerEvent
from qe.ledger.verify import chain_faults

State = TypeVar("State")


def fold(events: Iterable[LedgerEvent], initial: State, step: Callable[[State, LedgerEvent], State]) -> State:
    """The state after all `events`, in order."""
    return reduce(step, events, initial)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The events in force on a day: recorded, effective by then and not taken back.

    on      the day asked about
    head    the ledger's head when it was read: what a permit is bound to
    events  in order of recording
    """

    on: date
    head: Head
    events: tuple[LedgerEvent, ...]

    @cached_property
    def by_kind(self) -> dict[str, list[LedgerEvent]]:
        kinds: dict[str, list[LedgerEvent]] = {}
        for event in self.events:
            kinds.setdefault(event.kind, []).append(event)
        return kinds

    def of(self, kind: str, /, **where: str) -> list[LedgerEvent]:
        """The events of `kind` whose payload has the given values, in order of recording."""
        found = self.by_kind.get(kind, [])
        return [event for event in found if all(event.text(name) == value for name, value in where.items())]


def state_as_of(ledger: Ledger, on: date, *, known_at: datetime | None = None) -> Facts:
    """The facts in force on the day `on`, as far as they were recorded by `known_at` (default: all that is recorded).

    A retraction says that the fact was never true: it takes it back for every day. Raises Findings on a broken chain.
    """
    events = ledger.events()
    if faults := chain_faults(events):
        raise Findings.of(faults)
    head = Head(seq=events[-1].seq, hash=events[-1].hash) if events else EMPTY
    known = [event for event in events if known_at is None or event.at <= known_at]
    taken_back = {event.retracts for event in known if event.retracts is not None}
    standing = tuple(event for event in known if event.effective_on <= on and event.event_id not in taken_back)
    return Facts(on=on, head=head, events=standing)
