"""The rules for what becomes public: 60 days of each provider, posting, cell check, notice (G10, G11, G18, G24)."""

from collections.abc import Mapping
from datetime import date
from typing import Final

from qe.corrections.in_force import of_cycle
from qe.errors import Reason
from qe.ledger.event import LedgerEvent
from qe.ledger.fold import Facts
from qe.regulation import CITATION
from qe.release.analyses.definition import analysis_of
from qe.release.analyses.review import review_of
from qe.release.appeals import AppealsTable, owed_beside, owed_now
from qe.release.artefact import Artefact, ArtefactKind, Recipient
from qe.release.held_back import WRONG, figures_held_back, units_held_back
from qe.release.reissue import old_figures_public
from qe.release.review import Clock, DayCount, ReviewPeriod
from qe.release.rules.paragraph import Paragraph
from qe.release.sends import UnitReview, open_requests, reviews
from qe.reports import wording

REVIEWED: Final = Paragraph("G10", "42 CFR 401.717(a), (b), (d)")
ASKED: Final = Paragraph("G10", "42 CFR 401.717(b), (c)")
POSTED: Final = Paragraph("G11", CITATION["posting"])
CELLS: Final = Paragraph("G18", CITATION["cell_size"])
PEERS: Final = Paragraph("G18", f"{CITATION['cell_size']}, rules.md section 1D (N6)")
TOLD: Final = Paragraph("G24", "42 CFR 401.717(a), (d)")
NAMED_UNITS: Final = 5
SMALLEST_PEER_GROUP: Final = 3  # rules.md N6: a peer group of one or two identifies by subtraction


def review_over(facts: Facts, artefact: Artefact, recipient: Recipient, clock: Clock) -> Reason:
    """G10: every unit named was sent what is published, at least 60 days before, and its own last day is over.

    Of an extract: the recipient asked within its 60 days, and the request is open.
    """
    if artefact.kind is ArtefactKind.PROVIDER_DATA_EXTRACT:
        return asked_in_time(facts, artefact, recipient, day_count=clock.day_count)
    if not artefact.units:
        if_sent_today = ReviewPeriod(sent_on=facts.on).public_from
        return REVIEWED.fails("nobody in it was sent a report", earliest=if_sent_today)
    found, corrected = reviews(facts, artefact.cycle), of_cycle(facts, artefact.cycle)
    withdrawn, held = units_held_back(facts, artefact.cycle), figures_held_back(facts, artefact.cycle)
    shown_again = {unit_id for unit_id, _ in held - artefact.withheld}
    old = old_figures_public(facts, artefact.cycle)
    faults: dict[str, list[str]] = {}
    earliest: list[date] = []
    for unit_id, result_sha256 in sorted(artefact.units.items()):
        fault = _clock_fault(found.get(unit_id), artefact, result_sha256, on=facts.on, clock=clock)
        if unit_id in corrected and (said := _not_shown(facts, artefact, corrected[unit_id], found.get(unit_id))):
            fault = said, facts.on
        if unit_id in withdrawn:
            fault = withdrawn_since(withdrawn[unit_id]), facts.on
        elif unit_id in old:
            fault = f"its old figures are public in {old[unit_id].text('release_id')} (qe release withdraw)", facts.on
        elif unit_id in shown_again:
            fault = "withdrawn figures of it are in these files (plan again)", facts.on
        if fault is not None:
            said, first_day = fault
            faults.setdefault(said, []).append(unit_id)
            earliest.append(first_day)
    if faults:
        return REVIEWED.fails(_told(faults), earliest=max(earliest))
    return REVIEWED.passes(f"the 60 days of all {len(artefact.units)} providers and suppliers are over")


def withdrawn_since(withdrawal: LedgerEvent) -> str:
    """That a unit's results were withdrawn, and how they return."""
    reason = withdrawal.text("reason")
    returns = "corrected, issued again, or by" if reason in WRONG else "by"
    said = f"withdrawn on {withdrawal.effective_on}: {wording.withdrawal(reason)}"
    return f"{said} (returns {returns} qe record withdrawal_ended)"


def _not_shown(facts: Facts, artefact: Artefact, correction: LedgerEvent, unit: UnitReview | None) -> str | None:
    """Whether an upheld correction is missing in the files, or in the page that its unit was sent; None where it is in both."""
    approved = facts.of("release_approved", bundle_sha256=artefact.sha256)
    is_older = any(approval.seq < correction.seq for approval in approved)
    if is_older or artefact.units[correction.text("unit_id")] != correction.text("after_sha256"):
        return "its upheld correction is not in these files (plan again)"
    if unit is None or unit.sent is None or unit.sent.text("correction_id") != correction.text("correction_id"):
        return "not sent the page with its upheld correction (qe review send)"
    return None


def _clock_fault(
    unit: UnitReview | None, artefact: Artefact, result_sha256: str, *, on: date, clock: Clock
) -> tuple[str, date] | None:
    """What stands against publishing this unit, and the first day if that were cured today; None when nothing does."""
    if_sent_today = ReviewPeriod(sent_on=on).public_from
    if unit is None or unit.sent is None:
        return "not sent its report", if_sent_today
    if unit.reissued_in:
        return f"issued again in {unit.reissued_in}: what was sent no longer counts (plan again)", if_sent_today
    if unit.state == "failed":
        return "report came back undelivered", if_sent_today
    if unit.printed_public_from is None or unit.review is None:
        return "hand-over of the report not confirmed", if_sent_today
    if artefact.lineage is None or unit.sent.text("run_id") != artefact.lineage.run_id:
        return "report shows another run", if_sent_today
    if unit.sent.text("result_sha256") != result_sha256:
        return "report shows other results than would be published", if_sent_today
    first_day = unit.printed_public_from
    if on < first_day:
        said = f"report sent on {unit.review.sent_on}, public after {unit.review.last_request_day}, "
        return f"{said}from {first_day}", first_day
    if clock.at < (opens := unit.review.public_at(clock.zone)):
        return f"the last day to ask is over at {opens:%Y-%m-%d %H:%M} UTC, in the recipient's zone", first_day
    return None


def asked_in_time(facts: Facts, artefact: Artefact, recipient: Recipient, *, day_count: DayCount) -> Reason:
    """G10 of a 717(c) extract: its recipient asked for data within its own 60 days, and the request is not resolved.

    Of an analysis: within the days that its opt-in gave it (401.717(f)(2)).
    """
    if artefact.analysis_id:
        return _asked_about_analysis(facts, artefact, recipient, day_count=day_count)
    unit = reviews(facts, artefact.cycle).get(recipient.unit_id)
    open_ones = {event.text("request_id"): event for event in unit.requests} if unit else {}
    request = open_ones.get(artefact.request_id)
    if unit is None or request is None:
        return ASKED.fails("no open request of the recipient for these data is recorded")
    if unit.review is None:
        return ASKED.fails("the recipient was not sent the report that the request is about")
    if request.day("received_on") > unit.review.last_request_day:
        said = f"asked on {request.day('received_on')}, after the last day {unit.review.last_request_day}"
        return ASKED.fails(said)
    return ASKED.passes(f"asked on {request.day('received_on')}, within the 60 days")


def _asked_about_analysis(facts: Facts, artefact: Artefact, recipient: Recipient, *, day_count: DayCount) -> Reason:
    about, open_ones = artefact.analysis_id, open_requests(facts, artefact.analysis_id)
    request = next((one for one in open_ones if one.text("request_id") == artefact.request_id), None)
    if request is None or request.text("unit_id") != recipient.unit_id:
        return ASKED.fails("no open request of the recipient for these data is recorded")
    review = review_of(facts, analysis_of(facts, about), recipient.unit_id, day_count=day_count)
    if review is None or review.last_request_day is None:
        return ASKED.fails("the recipient has not opted in to the analysis, or was not sent its own part of it")
    if request.day("received_on") > review.last_request_day:
        return ASKED.fails(f"asked on {request.day('received_on')}, after the last day {review.last_request_day}")
    return ASKED.passes(f"asked on {request.day('received_on')}, within the days that its opt-in gave it")


def told_and_noticed(facts: Facts, artefact: Artefact) -> Reason:
    """G24: every unit named was told a public date 60 days ahead, and the status of its requests before publication."""
    if not artefact.units:
        return TOLD.fails("no provider or supplier in it was told a public date")
    if artefact.public_on is not None and facts.on < artefact.public_on:
        said = f"the files name {artefact.public_on} as the day of publication"
        return TOLD.fails(said, earliest=artefact.public_on)
    found = reviews(facts, artefact.cycle)
    faults: dict[str, list[str]] = {}
    earliest: list[date] = []
    for unit_id in sorted(artefact.units):
        unit = found.get(unit_id)
        if unit is None or unit.public_from is None:
            said, first_day = "not told a public date", ReviewPeriod(sent_on=facts.on).public_from
        elif facts.on < unit.public_from:  # never less than 60 days after it was sent
            said, first_day = f"told the public date {unit.public_from}", unit.public_from
        elif not unit.is_noticed:
            said, first_day = "not sent the notice of the status of its requests (qe review notice)", facts.on
        else:
            continue
        faults.setdefault(said, []).append(unit_id)
        earliest.append(first_day)
    if faults:
        return TOLD.fails(_told(faults), earliest=max(earliest))
    return TOLD.passes(f"all {len(artefact.units)} were told the date and their requests' status")


def appeals_posted(facts: Facts, artefact: Artefact) -> Reason:
    """G11: the open requests are posted with it, by provider and category, and no others.

    Those that cannot be posted for a recorded reason are not; what it is then says so.
    """
    if artefact.posting is None:
        return POSTED.fails("it is not known which open requests are posted with it")
    owed = _owed(facts, artefact)
    if owed.posted != artefact.posting:
        said = f"{len(owed.posted)} requests are open but {len(artefact.posting)} are posted"
        return POSTED.fails(f"{said}: the requests changed since the files were staged; plan again")
    not_posted = [f"{requests} not posted: {wording.not_posted(why)}" for why, requests in owed.not_posted]
    return POSTED.passes("; ".join([f"{len(owed.posted)} open requests are posted", *not_posted]))


def _owed(facts: Facts, artefact: Artefact) -> AppealsTable:
    """Of a release that is public, its own table; of an analysis all open requests, for nobody but its recipient is told them."""
    released = facts.of("public_released", release_id=artefact.release_id)
    match artefact.kind:
        case ArtefactKind.APPEALS_POSTING if released:
            return owed_beside(facts, released[-1])
        case ArtefactKind.APPEALS_POSTING | ArtefactKind.PUBLIC_REPORT:
            return owed_now(facts, artefact.cycle)
        case _:
            told = open_requests(facts, artefact.cycle or artefact.analysis_id)
            pairs = frozenset((event.text("unit_id"), event.text("category")) for event in told)
            return AppealsTable(posted=pairs, not_posted=())


def small_cells_checked(facts: Facts, artefact: Artefact, *, rehearsal: bool) -> Reason:
    """G18: exactly these bytes passed the cell check, and a second person approved them; peers are never one or two."""
    if artefact.kind is ArtefactKind.CONFIDENTIAL_REPORT:
        return _peers_are_many(artefact)
    checks = facts.of("sdc_checked", bundle_sha256=artefact.sha256)
    approvals = facts.of("release_approved", bundle_sha256=artefact.sha256)
    if not checks:
        return CELLS.fails("the cell check of exactly these files is not recorded (qe release approve)")
    if findings := int(checks[-1].text("findings")):
        return CELLS.fails(f"{findings} cells could be narrowed down to 1 to 10 persons")
    if not approvals:
        return CELLS.fails("nobody approved exactly these files (qe release approve)")
    makers = {event.actor for event in facts.of("run_completed") if _is_run_of(artefact, event.text("run_id"))}
    if not rehearsal and (approvals[-1].actor in makers or checks[-1].actor in makers or not makers):
        return CELLS.fails("the person who made the run also approved it: a second person must")
    return CELLS.passes(f"{checks[-1].text('cells_checked')} cells checked, none can be narrowed down")


def _is_run_of(artefact: Artefact, run_id: str) -> bool:
    return artefact.lineage is not None and artefact.lineage.run_id == run_id


def _peers_are_many(artefact: Artefact) -> Reason:
    if artefact.peer_minimum is None or artefact.peer_minimum < SMALLEST_PEER_GROUP:
        return PEERS.fails(f"peer aggregates may stand for fewer than {SMALLEST_PEER_GROUP} peers")
    return PEERS.passes(f"peer aggregates stand for at least {artefact.peer_minimum} peers")


def _told(faults: Mapping[str, list[str]]) -> str:
    """Each fault with its units, a few of them named, the most frequent first."""
    ordered = sorted(faults.items(), key=lambda item: (-len(item[1]), item[0]))
    return "; ".join(f"{_units(unit_ids)}: {said}" for said, unit_ids in ordered)


def _units(unit_ids: list[str]) -> str:
    shown = ", ".join(unit_ids[:NAMED_UNITS])
    more = len(unit_ids) - NAMED_UNITS
    return f"{shown} and {more:,} more" if more > 0 else shown
