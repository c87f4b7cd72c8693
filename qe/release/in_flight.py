"""Everything that waits for a day: cycles under review, open requests, analyses, submitted changes, and what runs out.

`qe status` prints it; each line says where a thing stands, the next act and the earliest or last day of it.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from qe.errors import Reason
from qe.ledger.event import LedgerEvent
from qe.ledger.fold import Facts
from qe.regulation import CITATION
from qe.release import reissue
from qe.release.analyses.definition import analyses
from qe.release.analyses.status import status_of
from qe.release.appeals import owed_beside, told_beside
from qe.release.held_back import WRONG, held_back, public_releases, units_held_back
from qe.release.notice import PUBLICATION_TOLD
from qe.release.releases import (
    figures_to_return,
    standing_releases,
    stopped_withdrawals,
    unfinished_release,
)
from qe.release.requests import requests
from qe.release.review import Clock, DayCount
from qe.release.rules.changes import ChangeState, state_of, submitted, usable_from
from qe.release.rules.participation import no_hold, not_ended
from qe.release.sends import UnitReview, reviews
from qe.release.standing import approval_expires_on, renewal_deadline
from qe.reports import wording
from qe.site import Site

PUBLIC_NOT_TOLD: Final = ("public, not told where", "qe review notice", "42 CFR 401.717(d), (e)")


@dataclass(frozen=True, kw_only=True)
class InFlight:
    """One thing that is under way or runs out.

    what      what it is; state: where it stands
    next_act  what comes next, with its command
    day       the earliest day of the next act, or the last day of what runs out; None when no day can be named
    citation  the paragraph that sets the day
    """

    what: str
    state: str
    next_act: str
    day: date | None
    citation: str


def in_flight(facts: Facts, *, respond_within_days: int, clock: Clock, stopped: Collection[str] = ()) -> list[InFlight]:
    """All of it, on the day of `facts`: holds first, then cycles, requests, analyses and changes, then what runs out.

    stopped  public releases whose amended posting is recorded and not written (`qe.release.posting.stopped_amendments`)
    """
    return [
        *_holds(facts),
        *(line for cycle in _cycles(facts) for line in _cycle(facts, cycle)),
        *(line for cycle in _cycles(facts) for line in _postings(facts, cycle, stopped)),
        *_requests(facts, respond_within_days=respond_within_days),
        *_analyses(facts, clock=clock),
        *_changes(facts, day_count=clock.day_count),
        *_running_out(facts),
    ]


def half_public(site: Site, facts: Facts) -> list[InFlight]:
    """Publications and withdrawals that the ledger has and the public folder has not, or not whole: they were stopped."""
    found: list[InFlight] = []
    for cycle in sorted({event.text("cycle") for event in facts.of("public_released")}):
        if release_id := unfinished_release(site, facts, cycle):
            found.append(_stopped(f"publication of {release_id}", f"qe release go --cycle {cycle}", facts))
        for release_id in stopped_withdrawals(site, facts, cycle):
            found.append(_stopped(f"withdrawal of {release_id}", f"qe release plan --cycle {cycle}", facts))
    return found


def _stopped(what: str, next_act: str, facts: Facts) -> InFlight:
    return InFlight(
        what=what,
        state="recorded, and stopped before its files",
        next_act=next_act,
        day=facts.on,
        citation="42 CFR 401.717(d)",
    )


def _holds(facts: Facts) -> Iterator[InFlight]:
    against: list[tuple[Reason, str]] = [
        (not_ended(facts), "return or destroy the data: qe destroy plan"),
        (no_hold(facts), "record how it was settled: qe record cms_sufficiency_decision"),
    ]
    for verdict, next_act in against:
        if verdict.verdict == "fail":
            yield InFlight(
                what="the whole site", state=verdict.fact, next_act=next_act, day=None, citation=verdict.citation
            )


def _cycles(facts: Facts) -> list[str]:
    sent = {event.text("cycle") for kind in ("report_sent", "public_released") for event in facts.of(kind)}
    return sorted(sent | {event.text("new_cycle") for event in facts.of(reissue.REISSUED)})


def _cycle(facts: Facts, cycle: str) -> Iterator[InFlight]:
    """One line for each state that units of the cycle are in, as far as something is left to do for them."""
    public, found = standing_releases(facts, cycle), reviews(facts, cycle)
    yield from _unreviewed(cycle, public, found)
    yield from _to_reissue(facts, cycle, found)
    yield from _old_figures(facts, cycle)
    yield from _to_return(facts, cycle)
    yield from _held_back(facts, cycle)
    withdrawn = units_held_back(facts, cycle)
    groups: dict[tuple[str, str, str], list[UnitReview]] = {}
    for unit_id, unit in found.items():
        if unit.sent is None or unit.reissued_in:
            continue
        if unit_id in withdrawn:
            continue
        if unit_id not in public:
            groups.setdefault(_state(unit, facts.on), []).append(unit)
        elif not facts.of(PUBLICATION_TOLD, release_id=public[unit_id].text("release_id"), unit_id=unit_id):
            groups.setdefault(PUBLIC_NOT_TOLD, []).append(unit)
    for (state, next_act, citation), units in groups.items():
        days = [unit.public_from for unit in units if unit.public_from is not None]
        yield InFlight(
            what=f"cycle {cycle}",
            state=f"{len(units)} {state}",
            next_act=f"{next_act} --cycle {cycle}",
            day=max([*days, facts.on]) if days else None,
            citation=citation,
        )


def _unreviewed(cycle: str, public: Mapping[str, LedgerEvent], found: Mapping[str, UnitReview]) -> Iterator[InFlight]:
    """Units with public results and no report that stayed handed over: it came back since, or was taken back as never true."""
    units = [unit_id for unit_id in public if unit_id not in found or found[unit_id].rests_on is None]
    if units:
        yield InFlight(
            what=f"cycle {cycle}",
            state=f"{len(units)} public without a report that reached them",
            next_act=f"qe release withdraw --cycle {cycle} --provider {units[0]}",
            day=None,
            citation="42 CFR 401.717(a)",
        )


def _held_back(facts: Facts, cycle: str) -> Iterator[InFlight]:
    """What was withdrawn and waits for an act: by reason, whole results and single measures alike."""
    by_reason: dict[str, set[str]] = {}
    for one in held_back(facts, cycle):
        by_reason.setdefault(one.reason, set()).add(one.unit_id)
    for reason, units in by_reason.items():
        is_wrong = reason in WRONG
        yield InFlight(
            what=f"cycle {cycle}",
            state=f"{len(units)} withdrawn: {wording.withdrawal(reason)}",
            next_act=f"correct them, or qe review reissue --cycle {cycle}"
            if is_wrong
            else "qe record withdrawal_ended",
            day=None,
            citation="rules.md section 0.13",
        )


def _to_return(facts: Facts, cycle: str) -> Iterator[InFlight]:
    """Figures that a public release leaves out and that may be shown again: they return when it is published anew."""
    if found := figures_to_return(facts, cycle):
        yield InFlight(
            what=f"cycle {cycle}",
            state=f"{sum(len(one) for one in found.values())} figures left out may be public again",
            next_act=f"qe release withdraw --cycle {cycle} --why superseded, then plan",
            day=facts.on,
            citation="rules.md section 0.13",
        )


def _old_figures(facts: Facts, cycle: str) -> Iterator[InFlight]:
    """Figures that this cycle issues again and that are still public: two figures of one provider would stand beside each other."""
    old = reissue.old_figures_public(facts, cycle)
    for old_cycle in sorted({released.text("cycle") for released in old.values()}):
        units = sum(released.text("cycle") == old_cycle for released in old.values())
        yield InFlight(
            what=f"cycle {old_cycle}",
            state=f"old figures of {units} are public that {cycle} issues again",
            next_act=f"qe release withdraw --cycle {old_cycle} --reissued",
            day=facts.on,
            citation="rules.md sections 0.4, 0.13",
        )


def _to_reissue(facts: Facts, cycle: str, found: Mapping[str, UnitReview]) -> Iterator[InFlight]:
    """The units to whom this cycle issues again and who were not sent their new report yet."""
    units = reissue.reissued_in(facts, cycle) or frozenset()
    waiting = [unit_id for unit_id in units if unit_id not in found or found[unit_id].sent is None]
    if waiting:
        yield InFlight(
            what=f"cycle {cycle}",
            state=f"{len(waiting)} to be issued again",
            next_act=f"qe review send --cycle {cycle}",
            day=facts.on,
            citation="42 CFR 401.717(a), rules.md section 0.4",
        )


def _state(unit: UnitReview, on: date) -> tuple[str, str, str]:
    if unit.state == "failed":
        return "came back", "qe review send", "42 CFR 401.717(a)"
    if unit.public_from is None:
        return "handed over, not confirmed", "qe review confirm", "42 CFR 401.717(a)"
    if not unit.is_noticed:
        return "not told the status of requests", "qe review notice", "42 CFR 401.717(d)"
    if on < unit.public_from:
        return "under review", "qe release plan", "42 CFR 401.717(a), (b)"
    return "ready", "qe release go", "42 CFR 401.717(d)"


def _postings(facts: Facts, cycle: str, stopped: Collection[str]) -> Iterator[InFlight]:
    """The public releases whose posting of open requests is not the one that is owed any more, or not the one that is recorded."""
    for release in public_releases(facts, cycle):
        owed, told = owed_beside(facts, release), told_beside(facts, release)
        missing, closed = len(owed.posted - told.posted), len(told.posted - owed.posted)
        if owed != told:
            state = f"to be amended: {missing} to add, {closed} to take off"
        elif release.text("release_id") in stopped:
            state = "amended on record, but its page was never replaced"
        else:
            continue
        yield InFlight(
            what=f"posting of {release.text('release_id')}",
            state=state,
            next_act=f"qe release amend-posting --cycle {cycle}",
            day=facts.on,
            citation=CITATION["posting"],
        )


def _requests(facts: Facts, *, respond_within_days: int) -> Iterator[InFlight]:
    for one in sorted(requests(facts), key=lambda request: request.cycle):
        if one.state == "resolved":
            continue
        left = one.days_left(facts.on, respond_within_days)
        late = " (overdue)" if left is not None and left < 0 else ""
        yield InFlight(
            what=f"request {one.request_id}",
            state=f"{one.state}{late}",
            next_act=one.next_act,
            day=None if left is None else one.last_day(respond_within_days),
            citation="42 CFR 401.717(b), 401.719(b)(2)",
        )


def _analyses(facts: Facts, *, clock: Clock) -> Iterator[InFlight]:
    """The non-public analyses that are not released, with the first day on which a day alone would let them go."""
    for analysis in analyses(facts):
        one = status_of(facts, analysis, clock=clock)
        if one.state == "released":
            continue
        yield InFlight(
            what=f"analysis {one.analysis_id} for {one.party_id}",
            state=one.state,
            next_act=one.next_act,
            day=one.earliest,
            citation="42 CFR 401.716(b)(4), 401.717(f)",
        )


CHANGES: Final[Mapping[ChangeState, tuple[str, str]]] = {  # what is said of each, and what comes next
    "submitted": ("submitted", "wait for CMS"),
    "extended": ("CMS asked for more days", "wait for CMS"),
    "denied": ("refused by CMS", "submit another, or give it up: qe record change_withdrawn"),
}


def _changes(facts: Facts, *, day_count: DayCount) -> Iterator[InFlight]:
    for change in submitted(facts):
        state = state_of(facts, change, day_count=day_count)
        if state in CHANGES:
            said, next_act = CHANGES[state]
            first_day = usable_from(change.day("submitted_on"), day_count=day_count)
            yield InFlight(
                what=f"change {change.text('change_id')} of the {change.text('what').replace('_', ' ')}",
                state=said,
                next_act=next_act,
                day=first_day if state == "submitted" else None,
                citation="42 CFR 401.711(a), (b)",
            )


def _running_out(facts: Facts) -> Iterator[InFlight]:
    """Approvals, agreements and rights with the last day of each, those in force alone."""
    approvals = [event.day("approved_on") for event in facts.of("entity_approved")]
    if approvals:
        approved_on = max(approvals)
        filed = [one for one in facts.of("entity_applied", route="renewal") if one.day("submitted_on") > approved_on]
        yield InFlight(
            what="approval of the entity",
            state=f"runs to {approval_expires_on(approved_on) - timedelta(days=1)}",
            next_act="wait for CMS" if filed else "re-apply: qe record entity_applied",
            day=None if filed else renewal_deadline(approved_on),
            citation="42 CFR 401.709(c), (f)",
        )
    ended = {event.text("dua_no") for event in facts.of("dua_ended")}
    ended |= {event.text("source_id") for event in facts.of("source_ended")}
    ended |= {event.text("agreement_id") for event in facts.of("agreement_ended")}
    for kind, name, what, citation in (
        ("dua_signed", "dua_no", "agreement with CMS", "42 CFR 401.713(a)"),
        ("source_registered", "source_id", "rights in source", "42 CFR 401.707(d)"),
        ("agreement_signed", "agreement_id", "agreement", "42 CFR 401.713(d), 401.716(c)"),
    ):
        newest = {event.text(name): event for event in facts.of(kind)}
        for which, event in sorted(newest.items()):
            if which not in ended:
                over = facts.on > event.day("expires_on")
                yield InFlight(
                    what=f"{what} {which}",
                    state="over" if over else "in force",
                    next_act="renew it",
                    day=event.day("expires_on"),
                    citation=citation,
                )
