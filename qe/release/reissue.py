"""A cycle that is issued again: which units stand in the new cycle, and what the old one says of them no longer counts.

A fault that reaches others is a re-issue: exactly the providers and suppliers whose figures move as printed get a new report and
a new clock; for all others the old cycle goes on (rules.md sections 0.3 and 0.4).
"""

from collections.abc import Iterable, Mapping
from typing import Final

from qe.ledger.event import LedgerEvent
from qe.ledger.fold import Facts
from qe.release.held_back import public_releases

REISSUED: Final = "cycle_reissued"


def reissued_from(facts: Facts, cycle: str) -> Mapping[str, str]:
    """By unit the cycle in which what it was sent in `cycle` is issued again."""
    return {
        unit_id: event.text("new_cycle")
        for event in facts.of(REISSUED, cycle=cycle)
        for unit_id in event.texts("units")
    }


def reissued_in(facts: Facts, cycle: str) -> frozenset[str] | None:
    """The units to whom `cycle` issues again, or None where it is no re-issue and is open to everybody."""
    events = facts.of(REISSUED, new_cycle=cycle)
    return frozenset(unit_id for event in events for unit_id in event.texts("units")) if events else None


def old_figures_public(facts: Facts, cycle: str) -> Mapping[str, LedgerEvent]:
    """By unit the release that still shows the figures which `cycle` issues again."""
    return {
        unit_id: released
        for event in facts.of(REISSUED, new_cycle=cycle)
        for released in public_releases(facts, event.text("cycle"))
        for unit_id in released.texts("units")
        if unit_id in event.texts("units")
    }


def of_cycle(facts: Facts, cycle: str, unit_ids: Iterable[str]) -> frozenset[str]:
    """Those of the units that `cycle` sends and publishes: none that is issued again elsewhere, and in a re-issue no others."""
    elsewhere, mine = reissued_from(facts, cycle), reissued_in(facts, cycle)
    return frozenset(one for one in unit_ids if one not in elsewhere and (mine is None or one in mine))
