"""Whether what is used was filed in time (G6): 30 days since a change was submitted, approved templates, a plan on record.

Source: 42 CFR 401.711(a), (b); rules.md A2, A10, A11 and section 6, readings 4 and 5.
"""

from datetime import date, timedelta
from typing import Final, Literal

from qe.errors import Reason
from qe.ledger.event import LedgerEvent
from qe.ledger.fold import Facts
from qe.regulation import CHANGE_NOTICE_DAYS, CITATION
from qe.release.artefact import Artefact, ArtefactKind
from qe.release.review import DayCount, full_days_to_wait
from qe.release.rules.paragraph import Paragraph

FILED: Final = Paragraph("G6", CITATION["change"])
NO_PLAN: Final = Paragraph("G6", "42 CFR 401.707(c), 401.711(a)")
ChangeState = Literal["submitted", "extended", "denied", "usable"]
CONCERNED: Final = {  # what a change of must have been filed before this may leave
    ArtefactKind.CONFIDENTIAL_REPORT: ("measures", "prototype", "sharing_plan"),
    ArtefactKind.PUBLIC_REPORT: ("sharing_plan",),
}


def filed_in_time(facts: Facts, artefact: Artefact, *, day_count: DayCount) -> Reason:
    """G6: no change that concerns the artefact is too fresh, refused or waiting for CMS; its layout and plan are approved."""
    for change in submitted(facts):
        if _concerns(change, artefact) and (refusal := _refusal(facts, change, day_count=day_count)):
            return refusal
    if given_up := _given_up_in_it(facts, artefact):
        return FILED.fails(
            f"the run was made while a change of the measures waited that was given up on {given_up}: run again"
        )
    if artefact.kind is ArtefactKind.CONFIDENTIAL_REPORT:
        return _template(facts, artefact.template_sha256)
    if not [event for event in facts.of("plan_approved") if event.day("approved_on") <= facts.on]:
        return NO_PLAN.fails("no plan for public sharing approved by CMS is on record")
    return FILED.passes("the plan for public sharing is approved, and no change of it is pending")


def _given_up_in_it(facts: Facts, artefact: Artefact) -> date | None:
    """The day on which a change of the artefact's measures was given up that its run may hold: it waited while the run was made.

    A change that was submitted again as it was, and may be used today (the rule before asks), is no longer given up.
    """
    if artefact.lineage is None:
        return None
    made_on = [event.effective_on for event in facts.of("run_completed", run_id=artefact.lineage.run_id)]
    again = {(event.text("change_id"), event.texts("measures")) for event in submitted(facts)}
    for ended in facts.of("change_withdrawn"):
        change_id = ended.text("change_id")
        before = [one for one in facts.of("change_submitted", change_id=change_id) if one.seq < ended.seq]
        change = before[-1] if before else None
        if change is None or change.text("what") != "measures" or not _concerns(change, artefact):
            continue
        if (change_id, change.texts("measures")) in again:
            continue
        if any(change.day("submitted_on") <= day <= ended.effective_on for day in made_on):
            return ended.effective_on
    return None


def submitted(facts: Facts) -> list[LedgerEvent]:
    """The changes that stand submitted: of each its last submission, unless it was given up after that."""
    last = {event.text("change_id"): event for event in facts.of("change_submitted")}
    given_up = {event.text("change_id"): event.seq for event in facts.of("change_withdrawn")}
    return [event for change_id, event in last.items() if given_up.get(change_id, 0) < event.seq]


def _concerns(change: LedgerEvent, artefact: Artefact) -> bool:
    """Whether the artefact uses what would change: one of the measures, these templates, the plan. Not known counts as yes."""
    if change.text("what") not in CONCERNED.get(artefact.kind, ()):
        return False
    measures = {one.measure_id for one in artefact.lineage.measures} if artefact.lineage else set()
    if change.texts("measures") and measures and measures.isdisjoint(change.texts("measures")):
        return False
    return change.text("template_sha256") in ("", artefact.template_sha256)


def _refusal(facts: Facts, change: LedgerEvent, *, day_count: DayCount) -> Reason | None:
    """Why a submitted change may not be used today, or None."""
    what, submitted_on = change.text("what").replace("_", " "), change.day("submitted_on")
    state = state_of(facts, change, day_count=day_count)
    if state == "denied":
        return FILED.fails(f"CMS refused the change of the {what} submitted on {submitted_on}")
    if state == "extended":
        return FILED.fails(f"CMS asked for more days on the change of the {what}: it is not deemed approved")
    if state == "submitted":
        first_day = usable_from(submitted_on, day_count=day_count)
        said = f"the change of the {what} was submitted on {submitted_on}: it may be used from {first_day}"
        return FILED.fails(said, earliest=first_day)
    return None


def state_of(facts: Facts, change: LedgerEvent, *, day_count: DayCount) -> ChangeState:
    """Where a submitted change stands on the day of `facts`, by what CMS said since it was submitted (401.711(b))."""
    submitted_on = change.day("submitted_on")
    since = (submitted_on, change.seq)
    decisions = [
        (event.day("decided_on"), event.seq, event.text("decision"))
        for event in facts.of("cms_decision", about="change")
        if event.text("change_id") in ("", change.text("change_id"))  # one that names no change is of every one
        and since < (event.day("decided_on"), event.seq)
        and event.day("decided_on") <= facts.on
    ]
    decided = max(decisions)[2] if decisions else None
    if decided == "denied":
        return "denied"
    extended = [
        event
        for event in facts.of("cms_extension_requested", change_id=change.text("change_id"))
        if since < (event.day("requested_on"), event.seq) and event.day("requested_on") <= facts.on
    ]
    if extended and decided is None:
        return "extended"
    return "submitted" if facts.on < usable_from(submitted_on, day_count=day_count) else "usable"


def _template(facts: Facts, template_sha256: str) -> Reason:
    if not template_sha256:
        return FILED.fails("it is not known from which templates the report was rendered")
    if template_sha256 not in approved_templates(facts):
        return FILED.fails("the report's templates are not those of the approved prototype (qe filing prototype)")
    return FILED.passes("the templates are those of the approved prototype, and no change is pending")


def approved_templates(facts: Facts) -> frozenset[str]:
    """Templates approved with the application, by a change that was filed, or classified as not substantively changed."""
    approved = [event for event in facts.of("prototype_approved") if event.day("approved_on") <= facts.on]
    filed = [event for event in submitted(facts) if event.text("what") == "prototype"]  # refused above if too fresh
    classified = facts.of("template_change_classified")
    return frozenset(event.text("template_sha256") for event in (*approved, *filed, *classified)) - {""}


def usable_from(submitted_on: date, *, day_count: DayCount) -> date:
    """The first day on which a change submitted on `submitted_on` may be used, when CMS asks and refuses nothing."""
    return submitted_on + timedelta(days=CHANGE_NOTICE_DAYS + full_days_to_wait(day_count))
