"""What was withdrawn and does not come back as it was: results of a unit, or single measures of it, that a release holds back.

They come back corrected, once the unit was sent its corrected page; issued again, after a review of their own in the new cycle; or
once the withdrawal is ended on record (rules.md section 0.13: the corrected value returns after its own review).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from qe.ledger.event import LedgerEvent
from qe.ledger.fold import Facts

WITHDRAWN: Final = "public_withdrawn"
ENDED: Final = "withdrawal_ended"
WRONG: Final = frozenset({"error_found", "request_upheld"})  # reasons that a corrected page cures


@dataclass(frozen=True, kw_only=True)
class HeldBack:
    """What one withdrawal holds back of one unit.

    measures  those measures alone; empty: all its results
    """

    unit_id: str
    measures: frozenset[str]
    event: LedgerEvent


def held_back(facts: Facts, cycle: str) -> tuple[HeldBack, ...]:
    """What the withdrawals of the cycle's releases hold back on the day of `facts`, in order of recording."""
    found: list[HeldBack] = []
    for released in facts.of("public_released", cycle=cycle):
        release_id = released.text("release_id")
        ended = max((event.seq for event in facts.of(ENDED, release_id=release_id)), default=0)
        standing = [event for event in facts.of(WITHDRAWN, release_id=release_id) if event.seq > ended]
        shown_anew = _shown_anew(facts, released) if standing else frozenset()
        for event in standing:
            measures = frozenset(event.texts("measures"))
            is_cured = not measures and event.text("reason") in WRONG
            found += [
                HeldBack(unit_id=unit_id, measures=measures, event=event)
                for unit_id in event.texts("units") or released.texts("units")
                if not (is_cured and unit_id in shown_anew)
            ]
    return tuple(found)


def units_held_back(facts: Facts, cycle: str) -> Mapping[str, LedgerEvent]:
    """By unit the last withdrawal that holds back all its results."""
    return {one.unit_id: one.event for one in held_back(facts, cycle) if not one.measures}


def figures_held_back(facts: Facts, cycle: str) -> frozenset[tuple[str, str]]:
    """(unit_id, measure_id) of the results that are held back alone."""
    return frozenset((one.unit_id, measure_id) for one in held_back(facts, cycle) for measure_id in one.measures)


def _shown_anew(facts: Facts, released: LedgerEvent) -> frozenset[str]:
    """The units whose last report put out in the cycle shows other results, or another correction, than `released` did."""
    published: dict[str, tuple[str, str]] = {}
    last: dict[str, tuple[str, str]] = {}
    for sent in facts.of("report_sent", cycle=released.text("cycle")):
        last[sent.text("unit_id")] = shown = sent.text("result_sha256"), sent.text("correction_id")
        if sent.seq < released.seq:
            published[sent.text("unit_id")] = shown
    return frozenset(unit_id for unit_id, shown in published.items() if last[unit_id] != shown)
