"""Whom a thing may name (G12): the recipient alone; or everybody named was given notice and a review; or everybody waived.

One of the three alternatives of 401.716(b)(4) holds for all who are named, at every level and by inference; they are not mixed
(rules.md N6). Notices: 401.717(f); an opt-in waits for that provider's own extract (rules.md section 0.1).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Final, Literal

from qe.errors import Reason
from qe.ledger.fold import Facts
from qe.release.artefact import Artefact, Recipient
from qe.release.review import Clock, DayCount, NoticePeriod
from qe.release.rules.paragraph import Paragraph
from qe.release.rules.recipients import TO_ITSELF

NAMED: Final = Paragraph("G12", "42 CFR 401.716(b)(4), 401.717(f)")
Alternative = Literal["nobody_named", "recipient_alone", "notice", "waiver"]


@dataclass(frozen=True, kw_only=True)
class Noticed:
    """One named unit's notice of an analysis, as it stands on a day.

    period      its 65 days, from the notice after which the release date told was never moved earlier
    opted_in_on, extract_on   the opt-in and the hand-over of its own extract, None where there is none
    """

    period: NoticePeriod
    zone: str
    opted_in_on: date | None
    extract_on: date | None

    @property
    def earliest(self) -> date | None:
        """The first day of release as far as this unit goes, or None while its extract is unsent."""
        told = self.period.release_on or self.period.earliest_release
        has_right = self.opted_in_on is not None and self.opted_in_on <= self.period.last_opt_in_day
        sends = [(self.opted_in_on, self.extract_on)] if has_right and self.opted_in_on else []
        by_sends = self.period.earliest_release_after(sends=sends)
        return None if by_sends is None else max(told, by_sends)


def named_as_allowed(facts: Facts, artefact: Artefact, recipient: Recipient, clock: Clock) -> Reason:
    """G12, on the day of `facts`, at the instant of `clock`."""
    if artefact.identified is None:
        return NAMED.fails("it is not known which providers and suppliers it identifies")
    others = artefact.identified - {recipient.unit_id}
    if artefact.kind in TO_ITSELF:
        if others:
            return NAMED.fails(f"it identifies {len(others)} providers or suppliers other than the recipient")
        return NAMED.passes("it identifies nobody but the recipient")
    if not artefact.identified:
        return NAMED.passes("it identifies no provider or supplier")
    if not others:
        return NAMED.passes("it identifies the recipient alone (401.716(b)(4)(i))")
    waived = waivers(facts, artefact, recipient)
    lacking = [unit_id for unit_id in artefact.identified if not waived.get(unit_id, facts.on) < facts.on]
    if not lacking:
        return NAMED.passes(f"all {len(artefact.identified)} named waived in writing (401.716(b)(4)(iii))")
    noticed = _all_noticed(facts, artefact, recipient, clock=clock, lacking_waivers=len(lacking))
    if noticed.verdict == "fail" and artefact.identified <= waived.keys():
        return NAMED.fails(
            "a waiver is dated before the release, not on its day", earliest=facts.on + timedelta(days=1)
        )
    return noticed


def waivers(facts: Facts, artefact: Artefact, recipient: Recipient) -> Mapping[str, date]:
    """Who has waived the review of this analysis for this user and not revoked it, with the date of the writing."""
    about = {"analysis_id": artefact.analysis_id, "party_id": recipient.party_id}
    waived = {event.text("unit_id"): event for event in facts.of("waiver_received", **about)}
    for event in facts.of("waiver_revoked", analysis_id=artefact.analysis_id):
        before = waived.get(event.text("unit_id"))
        if before is not None and before.seq < event.seq:
            del waived[event.text("unit_id")]
    return {unit_id: event.day("waived_on") for unit_id, event in waived.items()}


def _all_noticed(
    facts: Facts, artefact: Artefact, recipient: Recipient, *, clock: Clock, lacking_waivers: int
) -> Reason:
    """Alternative (ii): everybody named was noticed of this analysis, user and measures, and its days are over."""
    faults: dict[str, int] = {}
    days: list[date | None] = []
    for unit_id in sorted(artefact.identified or ()):
        noticed = notice_of(facts, artefact, recipient, unit_id, day_count=clock.day_count)
        fault, first_day = _fault(noticed, facts.on, clock)
        if fault:
            faults[fault] = faults.get(fault, 0) + 1
            days.append(first_day)
    if not faults:
        return NAMED.passes(f"the 65 days of all {len(artefact.identified or ())} named are over (401.717(f))")
    said = "; ".join(f"{count} named: {fault}" for fault, count in sorted(faults.items()))
    known = [day for day in days if day is not None]
    earliest = max(known) if len(known) == len(days) else None
    return NAMED.fails(f"{said}; {lacking_waivers} have not waived", earliest=earliest)


def _fault(noticed: Noticed | None, on: date, clock: Clock) -> tuple[str | None, date | None]:
    """What stands against naming this unit today, and the first day that time alone cures it."""
    if noticed is None:
        return "not noticed of this analysis, user and measures", NoticePeriod(
            notified_on=on, day_count=clock.day_count
        ).earliest_release
    earliest = noticed.earliest
    if earliest is None:
        return "opted in, and its own extract of these results is not handed over", None
    if on < earliest:
        return f"noticed on {noticed.period.notified_on}, release from {earliest}", earliest
    if not clock.has_begun(earliest, noticed.zone):
        return f"the day before {earliest} is not over where it is", earliest
    return None, None


def notice_of(
    facts: Facts, artefact: Artefact, recipient: Recipient, unit_id: str, *, day_count: DayCount
) -> Noticed | None:
    """The notice of one unit that covers this user and all measures, handed over and not returned; None without one."""
    measures = {one.measure_id for one in artefact.lineage.measures} if artefact.lineage else set()
    confirmed = handed_over(facts, artefact.analysis_id, unit_id)
    notices = [
        (confirmed[event.event_id], event)
        for event in facts.of("npa_notice_sent", analysis_id=artefact.analysis_id, unit_id=unit_id)
        if event.event_id in confirmed
        and event.text("party_id") == recipient.party_id
        and measures
        and measures <= set(event.texts("measures"))
    ]
    if not notices:
        return None
    notices.sort(key=lambda one: (one[0], one[1].seq))
    started_on = notices[0][0]
    for (_, before), (handed_over_on, after) in pairwise(notices):
        if after.day("release_on") < before.day("release_on"):
            started_on = handed_over_on  # a release moved earlier is a new notice
    last = notices[-1][1]
    period = NoticePeriod(notified_on=started_on, release_on=last.day("release_on"), day_count=day_count)
    first = opt_in_of(facts, artefact.analysis_id, unit_id)
    opted_in_on = None if first is None else max(first, started_on)  # what came before the notice counts from its day
    return Noticed(
        period=period,
        zone=last.text("zone"),
        opted_in_on=opted_in_on,
        extract_on=_extract_on(facts, artefact, unit_id, confirmed, opted_in_on=opted_in_on),
    )


def opt_in_of(facts: Facts, analysis_id: str, unit_id: str) -> date | None:
    """The day on which the unit first opted in, or None."""
    days = [event.day("opted_in_on") for event in facts.of("optin_received", analysis_id=analysis_id, unit_id=unit_id)]
    return min(days, default=None)


def handed_over(facts: Facts, analysis_id: str, unit_id: str) -> dict[str, date]:
    """By event id, the day on which a notice or extract was handed over, where it has not come back."""
    about = {"analysis_id": analysis_id, "unit_id": unit_id}
    returned = {event.text("sent") for event in facts.of("npa_delivery_failed", **about)}
    return {
        event.text("sent"): event.day("handed_over_on")
        for event in facts.of("npa_confirmed", **about)
        if event.text("sent") not in returned and event.day("handed_over_on") <= facts.on
    }


def _extract_on(
    facts: Facts, artefact: Artefact, unit_id: str, confirmed: dict[str, date], *, opted_in_on: date | None
) -> date | None:
    """The day from which the unit, opted in, had its own extract of what would be disclosed; one of other results is none."""
    sent = facts.of("npa_extract_sent", analysis_id=artefact.analysis_id, unit_id=unit_id)
    days = [
        confirmed[event.event_id]
        for event in sent
        if event.event_id in confirmed and event.text("result_sha256") == artefact.units.get(unit_id)
    ]
    return None if opted_in_on is None or not days else max(opted_in_on, min(days))
