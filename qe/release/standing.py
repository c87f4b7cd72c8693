"""What the entity stands on at a day: its approval, its agreement with CMS, source rights, measure approvals."""

import calendar
from datetime import date, timedelta
from typing import Final

from qe.errors import Reason, Verdict
from qe.ledger.event import LedgerEvent
from qe.ledger.fold import Facts
from qe.periods import months_before
from qe.regulation import APPROVAL_YEARS, CITATION
from qe.release.artefact import ArtefactKind
from qe.release.lineage import MEDICARE, MeasureAtLevel, RunLineage
from qe.release.rules.paragraph import Paragraph

APPROVED: Final = Paragraph("G1", CITATION["approval"])
CONTINUING: Final = Paragraph("G1", "42 CFR 401.709(f)")
OWN_DUA: Final = Paragraph("G4", CITATION["dua"])
MEASURES: Final = Paragraph("G5", "42 CFR 401.715")
RIGHTS: Final = Paragraph("G7", CITATION["rights"])
COMBINED: Final = Paragraph("G8", CITATION["combined"])
RENEWAL_MONTHS: Final = 6  # 42 CFR 401.709(f): months before expiry by which to re-apply
STANDARD_ROUTE: Final = "standard"  # routes of measure_approved: the measure as written is a standard one (401.715(a))
ALTERNATIVE_ROUTES: Final = frozenset({"rulemaking", "stakeholder"})  # 401.715(b)(1)(i), (ii)
REHEARSAL_ROUTE: Final = "rehearsal"
RAN_AS_ALTERNATIVE: Final = "ran as an alternative measure, and is approved as a standard one only (401.715(b)(1))"


def reason(rule: str, citation: str, verdict: Verdict, fact: str, *, earliest: date | None = None) -> Reason:
    return Reason(
        rule=rule,
        citation=citation,
        verdict=verdict,
        fact=fact,
        earliest=None if earliest is None else earliest.isoformat(),
    )


def approval_expires_on(approved_on: date) -> date:
    """The anniversary on which an approval has expired; its last day is the day before. 29 February is clipped."""
    year = approved_on.year + APPROVAL_YEARS
    return date(year, approved_on.month, min(approved_on.day, calendar.monthrange(year, approved_on.month)[1]))


def renewal_deadline(approved_on: date) -> date:
    """The last day on which a re-application keeps the approval running until CMS decides."""
    return months_before(approval_expires_on(approved_on), RENEWAL_MONTHS)


def entity_approval(facts: Facts) -> Reason:
    """G1: approved on this day, or continuing after a re-application in time (401.709(c), (f))."""
    approvals = [event.day("approved_on") for event in facts.of("entity_approved")]
    if not approvals:
        return APPROVED.fails("no approval of the entity by CMS is recorded")
    approved_on = max(approvals)
    if facts.on < approved_on:
        said = f"the entity is approved from {approved_on} only"
        return APPROVED.fails(said, earliest=approved_on)
    expires_on = approval_expires_on(approved_on)
    if facts.on < expires_on:
        last_day = expires_on - timedelta(days=1)
        return APPROVED.passes(f"the entity is approved from {approved_on} to {last_day}")
    return _continuing(facts, approved_on=approved_on, expires_on=expires_on)


def _continuing(facts: Facts, *, approved_on: date, expires_on: date) -> Reason:
    deadline = renewal_deadline(approved_on)
    in_time = [
        event
        for event in facts.of("entity_applied", route="renewal")
        if approved_on < event.day("submitted_on") <= deadline
    ]
    if not in_time:
        said = f"the approval ended before {expires_on} and no re-application by {deadline} is recorded"
        return CONTINUING.fails(said)
    denied = [
        event.day("decided_on")
        for event in facts.of("cms_decision", about="renewal", decision="denied")
        if approved_on < event.day("decided_on") <= facts.on
    ]
    if denied:
        return CONTINUING.fails(f"CMS denied the re-application on {min(denied)}")
    return CONTINUING.passes("the approval continues until CMS decides on the re-application")


def data_use_agreement(facts: Facts, *, operator: str) -> Reason:
    """G4: the operating organisation's own agreement with CMS is in force (401.709(b), 401.713(a))."""
    ended = {event.text("dua_no") for event in facts.of("dua_ended")}
    own = [
        event
        for event in facts.of("dua_signed")
        if event.text("party").casefold() == operator.casefold() and event.text("dua_no") not in ended
    ]
    if not own:
        return OWN_DUA.fails("no data use agreement of the operating organisation with CMS is recorded")
    last_day = max(event.day("expires_on") for event in own)
    if facts.on > last_day:
        return OWN_DUA.fails(f"the data use agreement ended on {last_day}")
    return OWN_DUA.passes(f"the data use agreement runs to {last_day}")


def source_rights(facts: Facts, lineage: RunLineage, *, use: str, medicare_only: bool) -> Reason:
    """G7: every source of the run may be used so: `use` is one of the rights of source_registered (401.707(d)).

    medicare_only  of what holds rows of Medicare alone (401.717(c)), no other source needs a right
    """
    sources = [one for one in lineage.sources if one.payer_type == MEDICARE or not medicare_only]
    if not sources:
        return RIGHTS.fails("the run's sources are not known")
    ended = {event.text("source_id") for event in facts.of("source_ended")}
    lacking = [
        said
        for source in sources
        if (said := _lacking_right(facts, source.source_id, use=use, ended=source.source_id in ended))
    ]
    if lacking:
        return RIGHTS.fails("; ".join(lacking))
    return RIGHTS.passes(f'{len(sources)} sources with the right "{use}"')


def _lacking_right(facts: Facts, source_id: str, *, use: str, ended: bool) -> str | None:
    registered = facts.of("source_registered", source_id=source_id)
    if not registered:
        return f"source {source_id} is not registered with its rights"
    newest = registered[-1]
    if use not in newest.texts("rights"):
        return f'source {source_id} lacks the right "{use}"'
    if ended or facts.on > newest.day("expires_on"):
        return f"the rights in source {source_id} have ended"
    return None


def measure_approvals(facts: Facts, lineage: RunLineage, *, rehearsal: bool) -> Reason:
    """G5: every measure is approved at the version and level of the run, as what it ran: standard or alternative (401.715)."""
    if not lineage.measures:
        return MEASURES.fails("the run's measures are not known")
    lacking: list[str] = []
    waits: list[date] = []
    for measure in lineage.measures:
        named = f"{measure.measure_id} {measure.version} at level {measure.level}"
        alternative = lineage.is_alternative(measure)
        approval = approval_of(facts, measure, alternative=alternative, rehearsal=rehearsal)
        if approval is None:
            standard_only = alternative and approval_of(facts, measure, alternative=False, rehearsal=rehearsal)
            lacking.append(f"{named} {RAN_AS_ALTERNATIVE if standard_only else 'is not approved'}")
        elif (first := approval.day("approved_on")) > facts.on:
            lacking.append(f"{named} is approved from {first} only")
            waits.append(first)
    if lacking:
        earliest = max(waits) if len(waits) == len(lacking) else None
        return MEASURES.fails("; ".join(lacking), earliest=earliest)
    said = f"{len(lineage.measures)} measures approved at their version and level"
    return MEASURES.passes(said)


def approval_of(facts: Facts, measure: MeasureAtLevel, *, alternative: bool, rehearsal: bool) -> LedgerEvent | None:
    """The newest approval that covers `measure` and that nothing has stopped since, also one that begins later.

    alternative  it runs as an alternative measure: that it is a standard one as written is no approval of it
    """
    covering = ALTERNATIVE_ROUTES | (frozenset() if alternative else {STANDARD_ROUTE})
    covering |= {REHEARSAL_ROUTE} if rehearsal else frozenset()
    named = {"measure_id": measure.measure_id, "version": measure.version, "level": measure.level}
    found = [event for event in facts.of("measure_approved", **named) if event.text("route") in covering]
    stopped = facts.of("measure_disapproved", **named)
    if not found or (stopped and stopped[-1].seq > found[-1].seq):
        return None
    return found[-1]


def combined_data(kind: ArtefactKind, lineage: RunLineage) -> Reason:
    """G8: the run's lineage joins Medicare with at least one other payer's claims, never judged per provider.

    Data (401.718) may be Medicare's alone: then at no cost, which G19 judges.
    """
    combined = COMBINED.on(kind)
    payer_types = {source.payer_type for source in lineage.sources}
    if MEDICARE not in payer_types:
        return combined.fails("the run holds no Medicare claims")
    if payer_types == {MEDICARE} and kind in MEDICARE_ALONE:
        return combined.passes("Medicare data alone, which go at no cost (401.718(a))")
    if payer_types == {MEDICARE}:
        return combined.fails("the run holds Medicare claims only: no other payer's claims are combined")
    others = sum(source.payer_type != MEDICARE for source in lineage.sources)
    return combined.passes(f"Medicare claims are combined with those of {others} other sources")


MEDICARE_ALONE: Final = frozenset({ArtefactKind.DATA_DEID, ArtefactKind.DATA_PATIENT_IDENTIFIABLE})
FORBIDDEN_LABELS: Final = {  # label -> what it says, and the rule that forbids it
    "part2": ("records of substance use disorder treatment", "42 CFR 2.11 (QSO guide D)"),
    "pswp": ("patient safety work product", "42 CFR 3.206"),
    "cms_5pct": ("the 5 percent national sample, which may reach benchmarks only", "42 CFR 401.707(e)"),
}
UNKNOWN_LABEL: Final = ("a label that no rule knows", "42 CFR 401.707(e), Parts 2 and 3")


def labels(lineage: RunLineage) -> Reason:
    """G20: no label of the run's sources forbids results about providers; an unknown label forbids."""
    found = [FORBIDDEN_LABELS.get(label, UNKNOWN_LABEL) for label in sorted(lineage.labels)]
    unlabelled = Paragraph("G20", "; ".join(citation for _, citation in found) or UNKNOWN_LABEL[1])
    if not lineage.sources:
        return unlabelled.fails("the run's sources are not known")
    if found:
        return unlabelled.fails(f"the run's sources hold {'; '.join(said for said, _ in found)}")
    return unlabelled.passes("no source carries a label that forbids it")
