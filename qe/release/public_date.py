"""`qe review move-date`: the public date of a cycle is moved later, with a reason; everybody is noticed of it anew.

An earlier date is refused: what was told 60 days ahead does not come sooner. No clock starts again (rules.md section 0.6).
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from qe.errors import InputError, Reason, Refused
from qe.ledger.event import NewEvent
from qe.ledger.fold import Facts
from qe.release.releases import released_units
from qe.release.sends import reviews

WhyMoved = Literal["late_send", "correction", "hold", "cms_decision", "other"]
LONGEST_WAIT: Final = timedelta(days=366)  # a slip of the pen would lock the cycle
CITATION: Final = "42 CFR 401.717(a), (d), rules.md section 0.6"


@dataclass(frozen=True, kw_only=True)
class MovedDate:
    """The move before it is recorded. units: those for whom the day becomes later, and who have to be told."""

    cycle: str
    public_on: date
    instead_of: date
    units: tuple[str, ...]
    event: NewEvent


def moved_later(facts: Facts, *, cycle: str, public_on: date, why: WhyMoved) -> MovedDate:
    """The move of the cycle's public date. Refused: it is earlier for all, or over; InputError: nobody was told a date."""
    public = released_units(facts, cycle)
    told = {
        unit_id: unit.public_from
        for unit_id, unit in reviews(facts, cycle).items()
        if unit.public_from is not None and not unit.reissued_in and unit_id not in public
    }
    if not told:
        raise InputError(
            f"nobody of cycle {cycle} waits for a public date on {facts.on}",
            remedy="A date is told by a report that was handed over: qe review send, qe review confirm.",
        )
    if public_on > facts.on + LONGEST_WAIT:
        raise InputError(
            f"{public_on} is more than a year away", remedy="A date moved is never moved back: check --to."
        )
    later = sorted(unit_id for unit_id, day in told.items() if day < public_on)
    if public_on < facts.on or not later:
        before = min(told.values())
        said = f"the public date {before} was told; {public_on} would come sooner, or is over"
        raise Refused(
            f"the public date of {cycle} is never moved earlier",
            reasons=(Reason(rule="G24", citation=CITATION, verdict="fail", fact=said, earliest=before.isoformat()),),
            remedy=f"Name a day after {max(before, facts.on)}.",
        )
    instead_of = min(told.values())
    return MovedDate(
        cycle=cycle,
        public_on=public_on,
        instead_of=instead_of,
        units=tuple(later),
        event=NewEvent(
            kind="public_date_set",
            effective_on=facts.on,
            payload={
                "cycle": cycle,
                "public_on": public_on.isoformat(),
                "instead_of": instead_of.isoformat(),
                "reason": why,
            },
            key=f"public_date_set:{cycle}:{public_on}:{facts.on}",
        ),
    )
