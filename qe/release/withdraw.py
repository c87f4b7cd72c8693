"""`qe release withdraw`: take results down at once, and say whose, or which measures of them, do not return as they were.

The public folder goes as a whole, for what is left of it is another publication, with a cell check and an approval of its own; the
results of everybody else may be published again at once.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final, Literal

from qe import store
from qe.errors import InputError
from qe.ledger.book import Head, Ledger
from qe.ledger.event import LedgerEvent, NewEvent, PayloadValue
from qe.ledger.fold import Facts, state_as_of
from qe.release.cycles import period_of
from qe.release.held_back import (
    ENDED,
    ENDS,
    HOLDS_NOTHING,
    NEVER_PUBLIC,
    SUPERSEDED,
    WITHDRAWN,
    WRONG,
    HeldBack,
    held_back,
    public_releases,
)
from qe.release.lineage import lineage_of, run_of
from qe.release.publish import write_aside
from qe.release.releases import (
    NOTE,
    When,
    figures_to_return,
    is_note_alone,
    staged_folder,
    stopped_withdrawals,
    unfinished_release,
)
from qe.release.requests import Request, request_of
from qe.reports import wording
from qe.site import Site

Why = Literal["error_found", "cell_disclosed", "request_upheld", "rights_ended", "order", "superseded", "never_public"]
UPHELD: Final = frozenset({"upheld", "partly"})
LISTED: Final = "`qe ledger show --kind public_released` lists the releases, and whose results are in them."


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is to be withdrawn.

    release_id  of one release alone; "" of every one that shows what is named
    units       whose results, () everybody's; measures: those alone, () all
    request_id  the request that was upheld: whose results are withdrawn follows from it
    """

    cycle: str
    why: Why
    release_id: str = ""
    units: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()
    request_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Withdrawal:
    """One release that is taken down, or is down already.

    on, why   the day and the reason of its first withdrawal, which its note tells
    units     whose results are held back by this one; others: of its units those that nothing holds back, who may return at once
    event     to be recorded; None: all of it is held back for that reason already
    is_down   its files are away
    """

    release_id: str
    cycle: str
    folder: Path
    on: date
    why: str
    units: tuple[str, ...]
    others: tuple[str, ...]
    event: NewEvent | None
    is_down: bool

    @property
    def was_done(self) -> bool:
        return self.event is None and self.is_down


@dataclass(frozen=True, kw_only=True)
class WithdrawalPlan:
    """What is taken down. head: of the ledger on which it was decided."""

    asked: Asked
    releases: tuple[Withdrawal, ...]
    head: Head


def plan_withdrawal(site: Site, ledger: Ledger, asked: Asked, *, when: When) -> WithdrawalPlan:
    """Which releases go, and what of them is held back. InputError: what is named is in no release of the cycle."""
    facts, ever = state_as_of(ledger, when.on), state_as_of(ledger, date.max)
    asked = _checked(site, facts, asked)
    held = held_back(ever, asked.cycle)
    found = _releases(facts, asked)
    releases = tuple(
        _withdrawal(site, ever, one, part, held, on=when.on)
        for one, part in (*((one, asked) for one in found), *_elsewhere(facts, asked, found))
    )
    if asked.why == NEVER_PUBLIC:
        _require_nothing_public(asked, releases)
    return WithdrawalPlan(asked=asked, releases=releases, head=facts.head)


def withdraw(plan: WithdrawalPlan, site: Site, ledger: Ledger, *, when: When, actor: str) -> None:
    """Record it, then take the files away and put a note in their place, with the day and the reason of the first withdrawal.

    A withdrawal that was stopped in between is finished by the next of the same release.
    """
    events = [one.event for one in plan.releases if one.event is not None]
    if events:
        ledger.append(events, at=when.at, actor=actor, expected_head=plan.head)
    for one in plan.releases:
        if not (one.is_down or one.why == NEVER_PUBLIC):
            _put_note(site, one.release_id, on=one.on, why=one.why, is_part=bool(one.others))


def _checked(site: Site, facts: Facts, asked: Asked) -> Asked:
    """What is asked, with the unit of its request, or the release that was never public. InputError: they do not go together."""
    if (asked.why == "request_upheld") != bool(asked.request_id):
        raise InputError(
            "--request and --why request_upheld go together: it is said whose request was upheld, and which",
            remedy="Add --request ID, as `qe request list` shows it, or give another reason.",
        )
    if asked.why in HOLDS_NOTHING and (asked.units or asked.measures):
        raise InputError(
            f"a release is withdrawn as {asked.why} as a whole: nothing in it was wrong",
            remedy="Leave --provider, --measure and --reissued out.",
        )
    if asked.why == NEVER_PUBLIC and not asked.release_id:
        return replace(asked, release_id=unfinished_release(site, facts, asked.cycle) or "")
    if not asked.request_id:
        return asked
    request = request_of(facts, asked.request_id)
    _require_upheld(request, asked)
    if asked.units not in ((), (request.unit_id,)):
        raise InputError(f"{asked.request_id} is a request of {request.unit_id} alone", remedy="Leave --provider out.")
    return replace(asked, units=(request.unit_id,))


def _require_upheld(request: Request, asked: Asked) -> None:
    """Of this cycle, and answered so: the note in the release's place tells everybody that it was upheld."""
    if request.cycle != asked.cycle:
        raise InputError(f"{request.request_id} is a request of {request.cycle}", remedy=f"--cycle {request.cycle}.")
    if request.outcome not in UPHELD:
        said = "not answered" if request.outcome == "" else f"answered: {request.outcome}"
        raise InputError(
            f"{request.request_id} was not upheld ({said})",
            remedy=f"Answer it first ({request.next_act}), or say --why error_found.",
        )


def _releases(facts: Facts, asked: Asked) -> list[LedgerEvent]:
    """The releases that show what is named: those that are public, and of what is down already the last that showed it."""
    ever, standing = facts.of("public_released", cycle=asked.cycle), public_releases(facts, asked.cycle)
    if asked.release_id and not any(one.text("release_id") == asked.release_id for one in ever):
        raise InputError(f"{asked.release_id} was not released by {facts.on}", remedy=LISTED)
    if not ever:
        raise InputError(f"nothing of cycle {asked.cycle} was released by {facts.on}", remedy=LISTED)
    shown_in = {unit_id: one for one in (*ever, *standing) for unit_id in one.texts("units")}
    _require_in(set(asked.units) - shown_in.keys(), "providers or suppliers", asked)
    if asked.measures:
        _require_in(set(asked.measures) - _measures(facts, ever[-1]), "measures", asked)
    if asked.units:
        found = list({one.event_id: one for one in (shown_in[unit_id] for unit_id in asked.units)}.values())
    elif asked.why == SUPERSEDED:
        found = _to_supersede(facts, asked, ever)
    else:
        found = standing or ever[-1:]
    if asked.release_id:
        named = [one for one in ever if one.text("release_id") == asked.release_id]
        if elsewhere := [one.text("release_id") for one in found if asked.units and one not in named]:
            raise InputError(
                f"what is named stands in {', '.join(elsewhere)}, not in {asked.release_id}",
                remedy="Leave --release out.",
            )
        return named
    return found


def _to_supersede(facts: Facts, asked: Asked, ever: Sequence[LedgerEvent]) -> list[LedgerEvent]:
    """The releases that leave out what may be shown again; where that is done, those that are down for it."""
    anew = figures_to_return(facts, asked.cycle).keys() or {
        one.text("release_id") for one in facts.of(WITHDRAWN, reason=SUPERSEDED)
    }
    found = [one for one in ever if one.text("release_id") in anew]
    if not found or (asked.release_id and asked.release_id not in anew):
        raise InputError(
            f"no figure may return that {asked.release_id or f'a release of cycle {asked.cycle}'} leaves out",
            remedy="What is held back is ended first: qe record withdrawal_ended.",
        )
    return found


def _elsewhere(facts: Facts, asked: Asked, found: Sequence[LedgerEvent]) -> list[tuple[LedgerEvent, Asked]]:
    """The public releases of the period's other cycles that show whose results go, and what is asked of each: an order, rights
    that ended and a disclosed cell hold there, too."""
    if asked.why in WRONG | HOLDS_NOTHING:
        return []
    concerned = {*asked.units} or {unit_id for released in found for unit_id in released.texts("units")}
    return [
        (released, replace(asked, units=units))
        for cycle in _cycles_of_period(facts, asked.cycle)
        if cycle != asked.cycle
        for released in public_releases(facts, cycle)
        if (units := tuple(unit_id for unit_id in released.texts("units") if unit_id in concerned))
    ]


def _cycles_of_period(facts: Facts, cycle: str) -> list[str]:
    """The cycles of this one's period of which something was released, in order."""
    cycles = {one.text("cycle") for one in facts.of("public_released")}
    return sorted(one for one in cycles if period_of(one) == period_of(cycle))


def _require_in(unknown: set[str], what: str, asked: Asked) -> None:
    if unknown:
        raise InputError(
            f"{len(unknown)} of the {what} named are in no release of cycle {asked.cycle}: {', '.join(sorted(unknown))}",
            remedy=LISTED,
        )


def _measures(facts: Facts, released: LedgerEvent) -> set[str]:
    return {one.measure_id for one in lineage_of(run_of(facts, released.text("run_id"))).measures}


def _withdrawal(
    site: Site, ever: Facts, released: LedgerEvent, asked: Asked, held: Sequence[HeldBack], *, on: date
) -> Withdrawal:
    release_id, shown = released.text("release_id"), released.texts("units")
    earlier = ever.of(WITHDRAWN, release_id=release_id)
    units = tuple(unit_id for unit_id in shown if unit_id in asked.units) or tuple(shown)
    is_known = bool(earlier) and (
        asked.why in HOLDS_NOTHING or all(_is_held(held, unit_id, asked) for unit_id in units)
    )
    concerned = () if asked.measures or asked.why in HOLDS_NOTHING else units
    whole = {one.unit_id for one in held if not one.measures} | {*concerned}
    folder = site.public / release_id
    first = earlier[0] if earlier else None
    return Withdrawal(
        release_id=release_id,
        cycle=released.text("cycle"),
        folder=folder,
        on=first.effective_on if first else on,
        why=first.text("reason") if first else asked.why,
        units=units,
        others=() if asked.why == NEVER_PUBLIC else tuple(one for one in shown if one not in whole),
        event=None if is_known else _event(asked, release_id, units, on=on, number=len(earlier) + 1),
        is_down=bool(earlier) and (is_note_alone(folder) or not folder.exists()),
    )


def _is_held(held: Sequence[HeldBack], unit_id: str, asked: Asked) -> bool:
    """Whether all that is asked of the unit is held back for the same reason already."""
    same = [
        one.measures
        for one in held
        if (one.unit_id, one.reason, one.event.text("request_id")) == (unit_id, asked.why, asked.request_id)
    ]
    if not asked.measures:
        return frozenset() in same
    return frozenset() in same or set(asked.measures) <= {measure_id for one in same for measure_id in one}


def _event(asked: Asked, release_id: str, units: Sequence[str], *, on: date, number: int) -> NewEvent:
    """number: how many withdrawals of the release there are with it."""
    named: Mapping[str, Sequence[str]] = {"units": units if asked.units else (), "measures": asked.measures}
    payload: dict[str, PayloadValue] = {"release_id": release_id, "reason": asked.why}
    payload |= {name: sorted(ids) for name, ids in named.items() if ids}
    if asked.request_id:
        payload["request_id"] = asked.request_id
    return NewEvent(kind=WITHDRAWN, effective_on=on, payload=payload, key=f"{WITHDRAWN}:{release_id}:{number}")


def require_ends_something(facts: Facts, new: NewEvent) -> None:
    """InputError where a withdrawal_ended would end nothing: what it names is not held back for a reason that it fits."""
    if new.kind != ENDED:
        return
    release_id, units, fits = new.payload["release_id"], new.payload.get("units", []), ENDS[str(new.payload["reason"])]
    cycles = [event.text("cycle") for event in facts.of("public_released") if event.text("release_id") == release_id]
    held = [one for cycle in cycles for one in held_back(facts, cycle) if one.event.text("release_id") == release_id]
    ended = {one.unit_id for one in held if one.reason in fits}
    if not ended or not ended.issuperset(units if isinstance(units, list | tuple) else []):
        others = sorted({one.reason for one in held})
        raise InputError(
            f"{new.payload['reason']} ends nothing of {release_id}: "
            + ("nothing of it is held back" if not held else f"held back are results for {', '.join(others)}"),
            remedy="Name units that are held back, and the reason that fits: "
            + ", ".join(f"{reason} ({', '.join(sorted(fits))})" for reason, fits in ENDS.items())
            + ".",
        )


def finish_stopped(site: Site, ledger: Ledger, *, cycle: str, dry_run: bool) -> None:
    """Take away the files of the cycle's period that the ledger says are down, and which a stopped withdrawal left in public."""
    ever = state_as_of(ledger, date.max)
    for of_period in () if dry_run else _cycles_of_period(ever, cycle):
        for release_id in stopped_withdrawals(site, ever, of_period):
            first, *_ = ever.of(WITHDRAWN, release_id=release_id)
            _put_note(site, release_id, on=first.effective_on, why=first.text("reason"), is_part=True)


def _require_nothing_public(asked: Asked, releases: Sequence[Withdrawal]) -> None:
    if public := [one.release_id for one in releases if one.folder.exists()]:
        raise InputError(
            f"{', '.join(public)} is in the public folder: it is not so that nothing was public",
            remedy="Say what was wrong: --why error_found, cell_disclosed, request_upheld, rights_ended or order.",
        )


def _put_note(site: Site, release_id: str, *, on: date, why: str, is_part: bool) -> None:
    """The files go out of the public folder in one rename, the note comes in by another: what is in between is not public."""
    note = f"The results published here as {release_id} were withdrawn on {on}. Reason: {wording.withdrawal(why)}.\n"
    if is_part:
        note += "What is not concerned may be published again as a further part, once it has been checked anew.\n"
    folder, staged = site.public / release_id, staged_folder(site)
    away, aside = staged / f".{release_id}.away", staged / f".{release_id}.note"
    shutil.rmtree(away, ignore_errors=True)
    write_aside(aside, {NOTE: note.encode("utf-8")})
    if folder.exists():
        folder.replace(away)
    site.public.mkdir(exist_ok=True)
    aside.replace(folder)
    store.sync(site.public)
    shutil.rmtree(away, ignore_errors=True)
