"""Which corrections hold: those that runs apply on a day, those that a cycle was corrected by. A fold of the ledger's events."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from qe.corrections.kept import KeptCorrection, read_kept
from qe.corrections.record import Correction
from qe.errors import InputError
from qe.ledger.book import Ledger
from qe.ledger.event import LedgerEvent, NewEvent
from qe.ledger.fold import Facts, state_as_of
from qe.runs import sha256_of
from qe.site import Site

APPLIED: Final = "correction_applied"
ENDED: Final = "correction_ended"


def in_force(facts: Facts) -> tuple[LedgerEvent, ...]:
    """The corrections that a run of this day applies, in order of recording."""
    ended = {event.text("correction_id") for event in facts.of(ENDED)}
    applied = [event for event in facts.of(APPLIED) if event.day("effective_from") <= facts.on]
    return tuple(event for event in applied if event.text("correction_id") not in ended)


def of_cycle(facts: Facts, cycle: str) -> Mapping[str, LedgerEvent]:
    """By unit the last correction of its figures in `cycle`; each was worked out on top of those before it."""
    return {event.text("unit_id"): event for event in facts.of(APPLIED, cycle=cycle)}


def corrected_results(facts: Facts, cycle: str) -> Mapping[str, str]:
    """By unit the sha256 of its corrected results in `cycle`: what its new page shows and what may be published."""
    return {unit_id: event.text("after_sha256") for unit_id, event in of_cycle(facts, cycle).items()}


def kept_of(site: Site, event: LedgerEvent) -> KeptCorrection:
    """What the store keeps of a recorded correction."""
    return read_kept(site, event.text("correction_id"), record_sha256=event.text("record_sha256"))


def of_run(site: Site, events: Iterable[LedgerEvent], manifest: Mapping[str, Any]) -> tuple[Correction, ...]:
    """The corrections that a finished run applied, as its manifest lists them; also those that ended since."""
    recorded = {event.text("correction_id"): event for event in events if event.kind == APPLIED}
    return records(site, [recorded[one["correction_id"]] for one in manifest.get("corrections", [])])


def records(site: Site, events: Sequence[LedgerEvent]) -> tuple[Correction, ...]:
    """The records behind the events, in their order."""
    return tuple(kept_of(site, event).correction for event in events)


def decisions_digest(link_decisions: str, corrections: Sequence[Correction]) -> str:
    """sha256 of the link decisions and corrections in force: that of the link decisions alone where nothing is corrected."""
    if not corrections:
        return link_decisions
    return sha256_of([link_decisions, sorted(one.record_sha256 for one in corrections)])


def end(ledger: Ledger, *, correction_id: str, reason: str, on: date) -> tuple[Facts, NewEvent]:
    """The event by which runs from the day `on` no longer apply a correction, and the facts it was decided on."""
    facts = state_as_of(ledger, on)
    if not any(event.text("correction_id") == correction_id for event in facts.of(APPLIED)):
        raise InputError(
            f"no correction {correction_id} is recorded on {on}",
            remedy="`qe ledger show --kind correction_applied` lists them.",
        )
    payload = {"correction_id": correction_id, "reason": reason}
    return facts, NewEvent(kind=ENDED, effective_on=on, payload=payload, key=f"{ENDED}:{correction_id}")
