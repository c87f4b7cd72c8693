"""`qe review confirm` and `bounce`: a report was handed over on a day, with evidence; or it came back."""

import csv
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Literal

from qe.errors import Fault, InputError, Reason, Refused
from qe.ledger.book import Ledger
from qe.ledger.event import LedgerEvent, NewEvent
from qe.ledger.fold import Facts, state_as_of
from qe.regulation import CITATION
from qe.release.cycles import frozen_cycles
from qe.release.lineage import run_of
from qe.release.outgoing import is_out
from qe.release.reports_on_disk import package_name
from qe.release.send import late_hand_over
from qe.release.sends import UnitReview, reviews
from qe.release.standing import reason
from qe.site import Site

Page = Literal["first", "corrected"]


@dataclass(frozen=True, kw_only=True)
class HandOver:
    """One report handed over. evidence_sha256: of the receipt, tracking page or portal log that shows it."""

    unit_id: str
    on: date
    evidence_sha256: str


def confirm(
    ledger: Ledger, *, cycle: str, hand_overs: Sequence[HandOver], today: date, at: datetime, actor: str, dry_run: bool
) -> tuple[NewEvent, ...]:
    """Start the clocks of the units handed over; the first one freezes the cycle to its run. All of them, or none.

    Refused: a hand-over after the printed send date, before the run or in the future; a cycle frozen to another run.
    """
    facts = state_as_of(ledger, today)
    found = reviews(facts, cycle)
    frozen = frozen_cycles(ledger.events()).get(cycle)
    _require_sent(found, hand_overs, cycle=cycle)
    refusals = [
        refusal
        for one in hand_overs
        if (refusal := _refusal(facts, found[one.unit_id], one, today=today, frozen=frozen)) is not None
    ]
    if refusals:
        raise Refused(
            "; ".join(sorted({refusal.fact for refusal in refusals})),
            reasons=tuple(refusals),
            remedy=f"Print new dates with qe run --send-on DATE (of a cycle handed over in part: --cycle {cycle}) and send again, "
            "or correct --on.",
        )
    events = tuple(_confirmation(found[one.unit_id], one, cycle=cycle) for one in hand_overs)
    if not dry_run:
        ledger.append(events, at=at, actor=actor, expected_head=facts.head)
    return events


def not_in_outbox(site: Site, facts: Facts, *, cycle: str, unit_ids: Sequence[str]) -> tuple[str, ...]:
    """Of the units those whose last package is not in the outbox: deleted after it was handed over, or never written."""
    found = reviews(facts, cycle)
    sent = {
        unit_id: unit.sent for unit_id in unit_ids if (unit := found.get(unit_id)) is not None and unit.sent is not None
    }
    return tuple(
        unit_id
        for unit_id, event in sent.items()
        if not is_out(
            site,
            package_name(event.text("level"), event.text("report_id"), event.text("correction_id")),
            on=event.day("sent_on"),
        )
    )


def _require_sent(found: Mapping[str, UnitReview], hand_overs: Sequence[HandOver], *, cycle: str) -> None:
    faults = [
        Fault(
            code="not-sent",
            message=f"{one.unit_id}: no report was put out in cycle {cycle}",
            place=one.unit_id,
            remedy=f"Send it first: qe review send --cycle {cycle} --provider {one.unit_id}.",
        )
        for one in hand_overs
        if found.get(one.unit_id) is None or found[one.unit_id].sent is None
    ]
    if faults:
        raise InputError.of(faults)


def _refusal(facts: Facts, unit: UnitReview, one: HandOver, *, today: date, frozen: str | None) -> Reason | None:
    assert unit.sent is not None
    citation = CITATION["review"]
    run_id, printed = unit.sent.text("run_id"), unit.sent.day("sent_on")
    run_on = run_of(facts, run_id).effective_on
    if unit.state == "failed":
        return reason("G10", citation, "fail", f"{one.unit_id}: the report came back; a new send is needed")
    if frozen is not None and frozen != run_id:
        return reason("G10", "rules.md section 0.3", "fail", f"{one.unit_id}: the cycle is frozen to another run")
    if one.on > today:
        return reason("G10", citation, "fail", f"{one.unit_id}: a hand-over on {one.on} lies in the future")
    if one.on < run_on:
        return reason("G10", citation, "fail", f"{one.unit_id}: the run was complete on {run_on}, after {one.on}")
    is_corrected, put_out = bool(unit.sent.text("correction_id")), unit.sent.effective_on
    if is_corrected and one.on < put_out:
        said = f"{one.unit_id}: the page with its correction was put out on {put_out}, after {one.on}"
        return reason("G10", citation, "fail", said)
    if one.on > printed and not (is_corrected and unit.rests_on is not None):
        late = late_hand_over(printed, one.on)
        said = f"{one.unit_id}: {late.fact} (qe run --send-on {one.on})"
        return reason(late.rule, late.citation, "fail", said)
    return None


def _confirmation(unit: UnitReview, one: HandOver, *, cycle: str) -> NewEvent:
    assert unit.sent is not None
    return NewEvent(
        kind="send_confirmed",
        effective_on=one.on,
        payload={
            "cycle": cycle,
            "run_id": unit.sent.text("run_id"),
            "unit_id": one.unit_id,
            "sent": unit.sent.event_id,
            "handed_over_on": one.on.isoformat(),
        },
        evidence_sha256=one.evidence_sha256,
        key=f"send_confirmed:{unit.sent.event_id}",
    )


def bounce(
    ledger: Ledger,
    *,
    cycle: str,
    unit_id: str,
    why: str,
    page: Page | None,
    today: date,
    at: datetime,
    actor: str,
    dry_run: bool,
) -> tuple[NewEvent, ...]:
    """Record that the unit's report came back: its send is void from today, and its clock with it.

    page  which one, where a corrected page was put out after a report that stands: the days of both are the first one's
    """
    facts = state_as_of(ledger, today)
    unit = reviews(facts, cycle).get(unit_id)
    if unit is None or unit.sent is None:
        raise InputError(f"{unit_id}: no report was put out in cycle {cycle}", remedy="`qe review status` lists them.")
    sent = _came_back(unit, unit.sent, page)
    event = NewEvent(
        kind="delivery_failed",
        effective_on=today,
        payload={"cycle": cycle, "unit_id": unit_id, "sent": sent.event_id, "reason": why},
        key=f"delivery_failed:{sent.event_id}",
    )
    if not dry_run:
        ledger.append([event], at=at, actor=actor, expected_head=facts.head)
    return (event,)


def _came_back(unit: UnitReview, last: LedgerEvent, page: Page | None) -> LedgerEvent:
    """The send that came back. InputError: there are two, and it is not said which; or there is no corrected page."""
    is_after = bool(last.text("correction_id")) and unit.rests_on not in (None, last)
    if is_after and page is None:
        raise InputError(
            f"{unit.unit_id}: a report and its corrected page are both on record, and it is not said which came back",
            remedy="Add --page first or --page corrected: the days of both are those of the first.",
        )
    if page == "corrected" and not last.text("correction_id"):
        raise InputError(f"{unit.unit_id} was sent no corrected page", remedy="Leave --page out.")
    return unit.rests_on if is_after and page == "first" and unit.rests_on is not None else last


def read_batch(path: Path, *, default_on: date | None, default_evidence: str | None) -> tuple[HandOver, ...]:
    """Hand-overs from a CSV: unit_id, on, evidence (a file beside it, or a sha256). All faults at once."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError):
        raise InputError(
            f"{path.name} cannot be read", remedy="Give a CSV with the columns unit_id, on, evidence."
        ) from None
    if not rows or not {"unit_id"} <= rows[0].keys():
        raise InputError(f"{path.name} has no rows with unit_id", remedy="Its columns are unit_id, on, evidence.")
    faults: list[Fault] = []
    found: dict[str, HandOver] = {}
    for number, row in enumerate(rows, start=2):
        unit_id = (row.get("unit_id") or "").strip()
        on = _day(row.get("on"), default_on)
        evidence = _evidence(row.get("evidence"), path.parent, default_evidence)
        lacks = [
            what
            for what, there in (
                ("a unit id", bool(unit_id)),
                ("a unit id of its own (this one stands above)", unit_id not in found),
                ("a day like 2026-05-01", on is not None),
                ("an evidence file that is there, or its sha256", evidence is not None),
            )
            if not there
        ]
        if lacks or on is None or evidence is None:
            said = f"{path.name}: row {number} lacks {' and '.join(lacks)}"
            faults.append(Fault(code="bad-row", message=said, file=path.name, place=f"row {number}"))
            continue
        found[unit_id] = HandOver(unit_id=unit_id, on=on, evidence_sha256=evidence)
    if faults:
        raise InputError.of(faults)
    return tuple(found.values())


def _day(text: str | None, default: date | None) -> date | None:
    if not (text or "").strip():
        return default
    try:
        return date.fromisoformat(str(text).strip())
    except ValueError:
        return None


def _evidence(text: str | None, folder: Path, default: str | None) -> str | None:
    given = (text or "").strip()
    if not given:
        return default
    if re.fullmatch(r"[0-9a-f]{64}", given):
        return given
    file = folder / given
    return evidence_sha256(file) if file.is_file() else None


def evidence_sha256(path: Path) -> str:
    """The digest of an evidence file; the file itself stays with the entity."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        raise InputError(f"the evidence file {path.name} cannot be read") from None
