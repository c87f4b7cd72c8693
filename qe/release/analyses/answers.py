"""What those named answer: they opt in to review and correction, waive it in writing, or take a waiver back."""

from dataclasses import dataclass
from datetime import date, datetime

from qe.errors import InputError, Refused
from qe.ledger.book import Ledger
from qe.ledger.event import NewEvent
from qe.ledger.fold import Facts
from qe.release.analyses.definition import Analysis, User
from qe.release.artefact import Artefact, ArtefactKind, Recipient
from qe.release.lineage import RunLineage
from qe.release.review import DayCount
from qe.release.rules.naming import Noticed, notice_of, waivers
from qe.release.standing import reason


@dataclass(frozen=True, kw_only=True)
class OptIn:
    """What an opt-in means.

    day          days after the notice, 0 on its day
    review_days  days to ask for data or corrections; 0 after day 65: the opt-in is logged, the right has lapsed
    release_on   the release date told
    earliest     the first day of release as far as this unit goes, if its extract were handed over on the day of `facts`
    """

    unit_id: str
    opted_in_on: date
    day: int
    review_days: int
    release_on: date
    earliest: date
    is_new: bool


def subject_of(facts: Facts, analysis: Analysis, lineage: RunLineage) -> Artefact:
    """The analysis as the rule of naming asks about it, with the results that each unit was shown last."""
    kind = ArtefactKind.NPA_DEID if analysis.kind == "npa_deid" else ArtefactKind.NPA_PATIENT_IDENTIFIABLE
    return Artefact(
        kind=kind,
        sha256=analysis.artefact_sha256,
        operator="",
        lineage=lineage,
        analysis_id=analysis.analysis_id,
        identified=analysis.units,
        units={
            event.text("unit_id"): event.text("result_sha256")
            for event in facts.of("npa_extract_sent", analysis_id=analysis.analysis_id)
        },
    )


def opt_in(
    ledger: Ledger,
    facts: Facts,
    *,
    analysis: Analysis,
    lineage: RunLineage,
    user: User,
    unit_id: str,
    opted_in_on: date,
    evidence_sha256: str,
    day_count: DayCount,
    at: datetime,
    actor: str,
    dry_run: bool,
) -> OptIn:
    """Record an opt-in and say what it means. Refused after the release, and in the future; an opt-in counts once."""
    analysis.require_named(unit_id)
    analysis.require_open()
    noticed = notice_of(facts, subject_of(facts, analysis, lineage), user.recipient, unit_id, day_count=day_count)
    if noticed is None:
        raise InputError(
            f"{unit_id}: no notice of {analysis.analysis_id} is confirmed as handed over",
            remedy="Record it: qe npa notify --confirm.",
        )
    if opted_in_on > facts.on:
        raise InputError("an opt-in lies in the future", remedy="Correct --on.")
    counted_from = max(opted_in_on, noticed.period.notified_on)
    review_days = days_of_review(noticed, counted_from)
    known = facts.of("optin_received", analysis_id=analysis.analysis_id, unit_id=unit_id)
    event = NewEvent(
        kind="optin_received",
        effective_on=opted_in_on,
        payload={
            "analysis_id": analysis.analysis_id,
            "unit_id": unit_id,
            "opted_in_on": (known[0].day("opted_in_on") if known else opted_in_on).isoformat(),
        },
        evidence_sha256=evidence_sha256,
        key=f"optin_received:{analysis.analysis_id}:{unit_id}",
    )
    if not dry_run:
        ledger.append([event], at=at, actor=actor, expected_head=facts.head)
    return OptIn(
        unit_id=unit_id,
        opted_in_on=counted_from,
        day=(counted_from - noticed.period.notified_on).days,
        review_days=review_days,
        release_on=noticed.period.release_on or noticed.period.earliest_release,
        earliest=_earliest_if_sent(facts.on, noticed, counted_from, review_days),
        is_new=not known,
    )


def days_of_review(noticed: Noticed, opted_in_on: date) -> int:
    """Days to ask after an opt-in, also while an analysis whose day is over is not released: after day 65 there are none."""
    has_right = opted_in_on <= noticed.period.last_opt_in_day
    return noticed.period.review_days(opted_in_on=opted_in_on) if has_right else 0


def _earliest_if_sent(on: date, noticed: Noticed, opted_in_on: date, review_days: int) -> date:
    """The first day of release as far as this unit goes, if its extract is handed over on the day `on`."""
    told = noticed.period.release_on or noticed.period.earliest_release
    earliest = noticed.period.earliest_release_after(sends=[(opted_in_on, max(on, opted_in_on))] if review_days else [])
    assert earliest is not None
    return max(told, earliest)


def waive(
    ledger: Ledger,
    facts: Facts,
    *,
    analysis: Analysis,
    user: User,
    unit_id: str,
    waived_on: date,
    evidence_sha256: str,
    at: datetime,
    actor: str,
    dry_run: bool,
) -> NewEvent:
    """Record a waiver for this analysis and this user: a writing, so its evidence is needed. It counts from the next day."""
    analysis.require_named(unit_id)
    analysis.require_open()
    if waived_on > facts.on:
        raise InputError("the writing is dated in the future", remedy="Correct --on.")
    event = NewEvent(
        kind="waiver_received",
        effective_on=waived_on,
        payload={
            "analysis_id": analysis.analysis_id,
            "unit_id": unit_id,
            "party_id": user.party_id,
            "waived_on": waived_on.isoformat(),
        },
        evidence_sha256=evidence_sha256,
        key=f"waiver_received:{analysis.analysis_id}:{unit_id}:{user.party_id}:{evidence_sha256}",
    )
    if not dry_run:
        ledger.append([event], at=at, actor=actor, expected_head=facts.head)
    return event


def revoke(
    ledger: Ledger,
    facts: Facts,
    *,
    analysis: Analysis,
    unit_id: str,
    revoked_on: date,
    evidence_sha256: str | None,
    at: datetime,
    actor: str,
    dry_run: bool,
) -> NewEvent:
    """Record that a waiver was taken back. Refused after the release: what is out cannot be called back by it."""
    analysis.require_named(unit_id)
    analysis.require_open()
    waived = facts.of("waiver_received", analysis_id=analysis.analysis_id, unit_id=unit_id)
    if not waived:
        raise InputError(f"{unit_id} has not waived its review of {analysis.analysis_id}")
    if revoked_on > facts.on:
        said = f"a revocation of {revoked_on} lies in the future"
        raise Refused(said, reasons=(reason("G12", "42 CFR 401.716(b)(4)(iii)", "fail", said),))
    event = NewEvent(
        kind="waiver_revoked",
        effective_on=revoked_on,
        payload={"analysis_id": analysis.analysis_id, "unit_id": unit_id, "revoked_on": revoked_on.isoformat()},
        evidence_sha256=evidence_sha256,
        key=f"waiver_revoked:{waived[-1].event_id}",
    )
    if not dry_run:
        ledger.append([event], at=at, actor=actor, expected_head=facts.head)
    return event


def still_to_waive(facts: Facts, artefact: Artefact, recipient: Recipient) -> frozenset[str]:
    """Those identified who have not waived in a writing dated before the day of `facts`."""
    waived = {unit_id for unit_id, on in waivers(facts, artefact, recipient).items() if on < facts.on}
    return (artefact.identified or frozenset()) - waived
