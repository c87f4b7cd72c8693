"""What was withdrawn and does not come back as it was: results of a unit, or single measures of it, that a release holds back.

They come back corrected, once the unit was sent its corrected page; issued again, after a review of their own in the new cycle; or
once the withdrawal is ended on record (rules.md section 0.13: the corrected value returns after its own review). What was taken
down by order, with rights that ended or for a cell that was disclosed no other figures cure, in no later cycle of the period.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from qe.corrections.in_force import APPLIED
from qe.ledger.event import LedgerEvent
from qe.ledger.fold import Facts

WITHDRAWN: Final = "public_withdrawn"
ENDED: Final = "withdrawal_ended"
NEVER_PUBLIC: Final = "never_public"  # the publication was stopped before anything was public: nothing in it was wrong
SUPERSEDED: Final = "superseded"  # it is published anew with what it left out: nothing in it was wrong
ENDS: Final[Mapping[str, frozenset[str]]] = {  # why a withdrawal is ended: the reasons of those that it ends
    "figures_right": frozenset({"error_found", "request_upheld"}),
    "cell_protected": frozenset({"cell_disclosed"}),
    "order_lifted": frozenset({"order"}),
    "rights_renewed": frozenset({"rights_ended"}),
}
WRONG: Final = ENDS["figures_right"]  # what other figures cure
HOLDS_NOTHING: Final = frozenset({NEVER_PUBLIC, SUPERSEDED})


@dataclass(frozen=True, kw_only=True)
class HeldBack:
    """What one withdrawal holds back of one unit.

    measures  those measures alone; empty: all its results
    """

    unit_id: str
    measures: frozenset[str]
    event: LedgerEvent

    @property
    def reason(self) -> str:
        return self.event.text("reason")


def public_releases(facts: Facts, cycle: str) -> list[LedgerEvent]:
    """The releases of this cycle that are public and not withdrawn, in order."""
    withdrawn = {event.text("release_id") for event in facts.of(WITHDRAWN)}
    return [one for one in facts.of("public_released", cycle=cycle) if one.text("release_id") not in withdrawn]


def held_back(facts: Facts, cycle: str) -> tuple[HeldBack, ...]:
    """What is held back in the cycle on the day of `facts`: of its own releases, and what follows from those of other cycles."""
    found: list[HeldBack] = []
    for released in facts.of("public_released"):
        is_own = released.text("cycle") == cycle
        if not (is_own or _period(released.text("cycle")) == _period(cycle)):
            continue
        for event in facts.of(WITHDRAWN, release_id=released.text("release_id")):
            reason = event.text("reason")
            if reason in HOLDS_NOTHING or not (is_own or reason not in WRONG):
                continue
            ended = _ended(facts, event)
            for unit_id in event.texts("units") or released.texts("units"):
                if unit_id in ended or "" in ended:
                    continue
                measures = frozenset(event.texts("measures"))
                left = _uncured(facts, released, event, unit_id, measures)
                if left is not None:
                    found.append(HeldBack(unit_id=unit_id, measures=left, event=event))
    return tuple(found)


def units_held_back(facts: Facts, cycle: str) -> Mapping[str, LedgerEvent]:
    """By unit the last withdrawal that holds back all its results."""
    return {one.unit_id: one.event for one in held_back(facts, cycle) if not one.measures}


def figures_held_back(facts: Facts, cycle: str) -> frozenset[tuple[str, str]]:
    """(unit_id, measure_id) of the results that are held back alone."""
    return frozenset((one.unit_id, measure_id) for one in held_back(facts, cycle) for measure_id in one.measures)


def _period(cycle: str) -> str:
    """The period of a cycle that is on record; qe.release.cycles checks the ones that are typed."""
    return cycle.rpartition("-")[0]


def _ended(facts: Facts, withdrawal: LedgerEvent) -> frozenset[str]:
    """The units for whom a withdrawal was ended since by a reason that fits; "" among them: for all."""
    release_id, reason = withdrawal.text("release_id"), withdrawal.text("reason")
    return frozenset(
        unit_id
        for event in facts.of(ENDED, release_id=release_id)
        if event.seq > withdrawal.seq and reason in ENDS[event.text("reason")]
        for unit_id in event.texts("units") or ("",)
    )


def _uncured(
    facts: Facts, released: LedgerEvent, withdrawal: LedgerEvent, unit_id: str, measures: frozenset[str]
) -> frozenset[str] | None:
    """The measures that are still held back, empty for all results; None when nothing is.

    An upheld request is answered by its own correction; an error by corrections that moved results, of the measures named where
    some are; either was not in what was published, and for an error was first shown by a page put out after the withdrawal.
    """
    cycle = released.text("cycle")
    match withdrawal.text("reason"):
        case "request_upheld":
            shown = _first_shown_after(facts, cycle, unit_id, released.seq)
            asked = withdrawal.text("request_id")
            return None if any(asked in ("", one.text("request_id")) for one in shown) else measures
        case "error_found":
            shown = _first_shown_after(facts, cycle, unit_id, withdrawal.seq)
            moved = [one for one in shown if one.text("before_sha256") != one.text("after_sha256")]
            if not measures:
                return None if moved else measures
            return (measures - {measure_id for one in moved for measure_id in one.texts("measures")}) or None
        case _:
            return measures


def _first_shown_after(facts: Facts, cycle: str, unit_id: str, seq: int) -> list[LedgerEvent]:
    """The unit's corrections in the cycle that no page put out before the ledger's number `seq` shows, and a later one does."""
    applied = facts.of(APPLIED, cycle=cycle, unit_id=unit_id)
    place = {one.text("correction_id"): one.seq for one in applied}
    pages = facts.of("report_sent", cycle=cycle, unit_id=unit_id)
    shown = [(page.seq, place[last]) for page in pages if (last := page.text("correction_id")) in place]
    found = []
    for one in applied:
        sent = [page for page, last in shown if one.seq <= last]  # a page shows its correction and those before it
        if sent and seq < min(sent):
            found.append(one)
    return found
