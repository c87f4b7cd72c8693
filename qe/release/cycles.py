"""Cycles of review: `<period>-<n>`. A re-issue or its first confirmed send freezes it to a run; a re-run gets the next one."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from qe.errors import InputError
from qe.ledger.event import LedgerEvent
from qe.release.reissue import REISSUED

BINDING: Final = {"send_confirmed": "cycle", REISSUED: "new_cycle"}  # kind of event: its key for the cycle it binds
CYCLE: Final = re.compile(r"(\d{4}Q[1-4])-([1-9]\d*)")


def require_no_cycle(name: str) -> None:
    """InputError: an analysis or a data release would have the id of a review cycle, and requests would be taken for its own."""
    if CYCLE.fullmatch(name):
        raise InputError(f"{name} is the name of a review cycle", remedy="Give it an id of its own, like hospitals-1.")


def period_of(cycle: str) -> str:
    """The reporting period of a cycle: "2025Q4" of "2025Q4-1"."""
    return _parts(cycle)[0]


def _parts(cycle: str) -> tuple[str, int]:
    match = CYCLE.fullmatch(cycle)
    if match is None:
        raise InputError(f'"{cycle}" is not a cycle', remedy='Write it like "2025Q4-1": the period and a number.')
    return match.group(1), int(match.group(2))


def frozen_cycles(events: Iterable[LedgerEvent]) -> Mapping[str, str]:
    """The run that each frozen cycle is bound to, for ever: that of its re-issue or its first confirmed send, bounced or not."""
    frozen: dict[str, str] = {}
    for event in _standing(events):
        if event.kind in BINDING:
            frozen.setdefault(event.text(BINDING[event.kind]), event.text("run_id"))
    return frozen


def _standing(events: Iterable[LedgerEvent]) -> list[LedgerEvent]:
    """The events that are not taken back, whatever day they hold from."""
    listed = tuple(events)
    taken_back = {event.retracts for event in listed if event.retracts is not None}
    return [event for event in listed if event.event_id not in taken_back]


def cycle_for_run(events: Iterable[LedgerEvent], *, period: str, run_id: str) -> str:
    """The cycle in which the reports of `run_id` go out: the one frozen to it, else the period's next free one."""
    numbered = {
        number: run
        for (label, number), run in ((_parts(cycle), run) for cycle, run in frozen_cycles(events).items())
        if label == period
    }
    own = [number for number, run in numbered.items() if run == run_id]
    number = own[0] if own else max(numbered, default=0) + 1
    return f"{period}-{number}"


def sent_before(events: Iterable[LedgerEvent], cycle: str) -> str | None:
    """The last cycle of the same period, of a lower number, that is frozen; None where `cycle` is the first to be sent."""
    period, number = _parts(cycle)
    numbers = [_parts(one)[1] for one in frozen_cycles(events) if period_of(one) == period]
    earlier = [one for one in numbers if one < number]
    return f"{period}-{max(earlier)}" if earlier else None


def run_of_cycle(events: Iterable[LedgerEvent], cycle: str) -> str | None:
    """The run of `cycle`: the frozen one, else that of the last report put out in it; None when nothing was sent."""
    _parts(cycle)
    listed = tuple(events)
    if frozen := frozen_cycles(listed).get(cycle):
        return frozen
    sent = [one for one in _standing(listed) if one.kind == "report_sent" and one.text("cycle") == cycle]
    return sent[-1].text("run_id") if sent else None
