"""`qe release withdraw`: take a release down at once, and say whose results, or which measures of them, do not return as they were.

The public folder goes as a whole, for what is left of it is another publication, with a cell check and an approval of its own; the
results of everybody else may be published again at once.
"""

import shutil
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal

from qe import store
from qe.errors import InputError
from qe.ledger.book import Ledger
from qe.ledger.event import LedgerEvent, NewEvent, PayloadValue, canonical_json
from qe.ledger.fold import Facts, state_as_of
from qe.release.held_back import ENDED, WITHDRAWN
from qe.release.lineage import lineage_of, run_of
from qe.release.publish import write_aside
from qe.release.releases import When
from qe.reports import wording
from qe.site import Site

Why = Literal["error_found", "cell_disclosed", "request_upheld", "rights_ended", "order"]
NOTE: Final = "WITHDRAWN.txt"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is to be withdrawn. units: whose results, () of everybody in the release; measures: those alone, () all."""

    release_id: str
    why: Why
    units: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()

    def is_in(self, event: LedgerEvent) -> bool:
        """Whether an earlier withdrawal of the release holds all of it back."""
        units, measures = event.texts("units"), event.texts("measures")
        return (not units or (bool(self.units) and set(self.units) <= set(units))) and (
            not measures or (bool(self.measures) and set(self.measures) <= set(measures))
        )


@dataclass(frozen=True, kw_only=True)
class Withdrawal:
    """A release that is down, or in a dry run would be.

    on        the day since which it is down
    why       the reason that is recorded
    units     whose results are held back; measures: those alone, () all
    others    units of the release that are not touched by it, and may be published again at once
    was_down  nothing was changed now: the ledger and the note of an earlier withdrawal stand
    """

    release_id: str
    folder: Path
    on: date
    why: str
    units: tuple[str, ...]
    measures: tuple[str, ...]
    others: tuple[str, ...]
    was_down: bool


def withdraw(site: Site, ledger: Ledger, asked: Asked, *, when: When, actor: str, dry_run: bool) -> Withdrawal:
    """Take a release down at once; a public note stands in its place, with the day and the reason of the first withdrawal.

    The event comes first, then the note: a withdrawal that was stopped in between is finished by the next. Once it is down,
    what is withdrawn of it besides is recorded alone. InputError: no such release, unit or measure in it.
    """
    facts = state_as_of(ledger, when.on)
    released = _release(facts, asked)
    earlier = [event for event in ledger.events() if _withdraws(event, asked.release_id)]
    ends = [
        event.seq for event in ledger.events() if event.kind == ENDED and event.text("release_id") == asked.release_id
    ]
    known = next((event for event in earlier if asked.is_in(event) and event.seq > max(ends, default=0)), None)
    units = (known.texts("units") if known else asked.units) or released.texts("units")
    first = earlier[0] if earlier else None
    folder = site.public / asked.release_id
    withdrawal = Withdrawal(
        release_id=asked.release_id,
        folder=folder,
        on=first.effective_on if first else when.on,
        why=known.text("reason") if known else asked.why,
        units=tuple(units),
        measures=tuple(known.texts("measures") if known else asked.measures),
        others=tuple(sorted(set(released.texts("units")) - set(units))),
        was_down=known is not None and _is_note_alone(folder),
    )
    if dry_run or withdrawal.was_down:
        return withdrawal
    if known is None:
        ledger.append([_event(asked, on=when.on, ends=len(ends))], at=when.at, actor=actor, expected_head=facts.head)
    if not _is_note_alone(folder):
        _put_note(site, withdrawal, why=first.text("reason") if first else asked.why)
    return withdrawal


def _release(facts: Facts, asked: Asked) -> LedgerEvent:
    found = facts.of("public_released", release_id=asked.release_id)
    if not found:
        raise InputError(
            f"{asked.release_id} was not released by {facts.on}", remedy="`qe ledger show` lists releases."
        )
    released = found[-1]
    if asked.why == "request_upheld" and not asked.units:
        raise InputError(
            "a request is one provider's: whose results are withdrawn is not said", remedy="Add --provider."
        )
    for unknown, what in (
        (set(asked.units) - set(released.texts("units")), "providers or suppliers"),
        (set(asked.measures) - _measures(facts, released), "measures"),
    ):
        if unknown:
            raise InputError(
                f"{len(unknown)} of the {what} named are not in release {asked.release_id}: {', '.join(sorted(unknown))}",
                remedy="`qe ledger show --kind public_released` lists whose results are in it.",
            )
    return released


def _measures(facts: Facts, released: LedgerEvent) -> set[str]:
    return {one.measure_id for one in lineage_of(run_of(facts, released.text("run_id"))).measures}


def _event(asked: Asked, *, on: date, ends: int) -> NewEvent:
    """ends: how often a withdrawal of the release was ended; what is withdrawn after that is another event."""
    payload: dict[str, PayloadValue] = {"release_id": asked.release_id, "reason": asked.why}
    key = f"{WITHDRAWN}:{asked.release_id}"
    if part := {name: sorted(ids) for name, ids in (("units", asked.units), ("measures", asked.measures)) if ids}:
        payload |= part
        key = f"{key}:{sha256(canonical_json(part).encode('ascii')).hexdigest()}"
    return NewEvent(kind=WITHDRAWN, effective_on=on, payload=payload, key=f"{key}:{ends}" if ends else key)


def _put_note(site: Site, withdrawal: Withdrawal, *, why: str) -> None:
    said = f"The results published here as {withdrawal.release_id} were withdrawn on {withdrawal.on}."
    note = f"{said} Reason: {wording.withdrawal(why)}.\n"
    if withdrawal.others or withdrawal.measures:
        note += "What is not concerned is published again as a further part once it has been checked anew.\n"
    aside = site.public / f".{withdrawal.release_id}.withdrawn"
    write_aside(aside, {NOTE: note.encode("utf-8")})
    shutil.rmtree(withdrawal.folder, ignore_errors=True)
    aside.replace(withdrawal.folder)
    store.sync(site.public)


def _withdraws(event: LedgerEvent, release_id: str) -> bool:
    return event.kind == WITHDRAWN and event.text("release_id") == release_id


def _is_note_alone(folder: Path) -> bool:
    """Nothing stands in the release's place but the note."""
    return folder.is_dir() and [path.name for path in folder.iterdir()] == [NOTE]
