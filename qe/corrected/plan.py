"""A correction as it will be recorded: every line decides something, everything it changes is told, nothing is written yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from qe.corrected.again import Rescored
from qe.corrected.reach import Reached
from qe.corrected.sent import SentCycle
from qe.corrected.shown import changes, figures_before_recorded, preview_of
from qe.corrections import apply
from qe.corrections.in_force import APPLIED, kept_of
from qe.corrections.kept import KeptCorrection, UnitFigures
from qe.corrections.read import line_fault
from qe.corrections.record import ALL_MEASURES, Correction, CorrectionKind, CorrectionLine, lines_sha256
from qe.errors import Fault, InputError, Refused
from qe.ledger.book import Head
from qe.ledger.event import NewEvent, PayloadValue
from qe.reports.printed import Change
from qe.reports.render import result_sha256
from qe.site import Site


@dataclass(frozen=True, kw_only=True, eq=False)
class PlannedCorrection:
    """A correction before it is recorded (or as it stands recorded).

    event     correction_applied, to be recorded together with the request's resolution
    printed, exact   every figure that changes, as the report rounds it and as its CSV gives it
    reached   whom else the fault moves as printed; () of one that is recorded already
    head      the ledger's head it was decided on; None where it is recorded already
    """

    kept: KeptCorrection
    event: NewEvent
    printed: tuple[Change, ...]
    exact: tuple[Change, ...]
    reached: tuple[Reached, ...]
    on: date
    head: Head | None
    is_recorded: bool


def recorded(
    site: Site, sent: SentCycle, *, request_id: str, lines: Sequence[CorrectionLine]
) -> PlannedCorrection | None:
    """The correction of this request as it stands recorded, for a second run to finish. Refused: it has other lines."""
    events = sent.facts.of(APPLIED, request_id=request_id)
    if not events:
        return None
    event, kept = events[-1], kept_of(site, events[-1])
    if (kept.correction.asked_sha256, kept.correction.unit_id) != (lines_sha256(lines), sent.unit_id):
        raise Refused(
            f"request {request_id} has a recorded correction, with other lines",
            remedy="One request, one correction: log a further request for what is still wrong.",
        )
    before = figures_before_recorded(sent, kept.correction)
    printed, exact = changes(site, sent, before, kept.figures)
    return PlannedCorrection(
        kept=kept,
        event=NewEvent(kind=APPLIED, effective_on=event.effective_on, payload=event.payload, key=_key(request_id)),
        printed=printed,
        exact=exact,
        reached=(),
        on=sent.facts.on,
        head=None,
        is_recorded=True,
    )


def require_every_line_decides(file: str, asked: Correction, worked_out: Rescored) -> None:
    """Every line changes an event, or its unit. InputError with all that do not, by line and column."""
    found = apply.outcomes(worked_out.decided)
    faults: list[Fault] = []
    for line in asked.lines:
        if line.kind is CorrectionKind.PROVIDER_DETAILS:
            continue
        outcomes = found.get((asked.correction_id, line.line), {})
        if apply.APPLIED not in outcomes:
            faults.append(_undecided(file, line, outcomes))
    if faults:
        raise InputError.of(faults)


def _undecided(file: str, line: CorrectionLine, outcomes: Mapping[str, int]) -> Fault:
    """Why a line changes nothing, in the words of its column."""
    who = "person_id" if line.person_id else "event_id"
    if not outcomes:
        said, remedy = "is no measure with a result of this unit", "`qe measures list` names the measures."
        return line_fault(file, line, "measure_id", said, remedy)
    if apply.NO_RULE in outcomes:
        said, remedy = "is no exclusion of this measure", f"`qe measures show {line.measure_id}` lists its rules."
        return line_fault(file, line, "rule_id", said, remedy)
    if apply.NO_CLAIMS in outcomes:
        said = "not all of these claims are this person's, final, and within the days that the measure looks at"
        return line_fault(file, line, "claim_ids", said, "`qe explain` lists claims; a fill is written fill:ID.")
    if apply.NO_EVENT in outcomes and apply.ALREADY_SO not in outcomes:
        return line_fault(file, line, who, "has no event in the run that was sent", "`qe explain` lists the events.")
    said = (
        "the event is left out by this rule already"
        if line.rule_id
        else "the event is not this unit's in the run that was sent"
    )
    return line_fault(file, line, who, said, "Take the line away: it corrects nothing.")


def planned(
    site: Site, sent: SentCycle, before: UnitFigures, worked_out: Rescored, asked: Correction
) -> PlannedCorrection:
    """The correction as it will be recorded, with everything that it changes. InputError: it changes nothing."""
    printed, exact = changes(site, sent, before, worked_out.figures)
    if not exact and not printed:
        raise InputError(
            "the correction changes no figure and no detail of this report",
            remedy="Resolve the request without a correction.",
        )
    record = replace(asked, lines=bound_to_events(asked, worked_out))
    shown = preview_of(site, sent, before), preview_of(site, sent, worked_out.figures)
    payload: dict[str, PayloadValue] = {
        "request_id": record.request_id,
        "cycle": record.cycle,
        "run_id": record.run_id,
        "unit_id": record.unit_id,
        "correction_id": record.correction_id,
        "kinds": record.kinds,
        "measures": sorted({one.measure_id for one in exact}),
        "record_sha256": record.record_sha256,
        "before_sha256": result_sha256(shown[0]),
        "after_sha256": result_sha256(shown[1]),
        "effective_from": sent.facts.on.isoformat(),
        "count": len(record.lines),
    }
    return PlannedCorrection(
        kept=KeptCorrection(correction=record, figures=worked_out.figures),
        event=NewEvent(kind=APPLIED, effective_on=sent.facts.on, payload=payload, key=_key(record.request_id)),
        printed=printed,
        exact=exact,
        reached=worked_out.reached,
        on=sent.facts.on,
        head=sent.facts.head,
        is_recorded=False,
    )


def _key(request_id: str) -> str:
    return f"{APPLIED}:{request_id}"


def bound_to_events(asked: Correction, worked_out: Rescored) -> tuple[CorrectionLine, ...]:
    """The lines as later runs apply them: one an event and family of measures, over the days of the sent run.

    So a line about a person is about that person's events of this cycle, and about no visit that is still to come.
    """
    changed = worked_out.decided.filter(pl.col("outcome") == apply.APPLIED)
    found: list[CorrectionLine] = []
    for line in asked.lines:
        if line.kind is CorrectionKind.PROVIDER_DETAILS:
            found.append(line)
            continue
        rows = changed.filter(pl.col("line") == line.line).sort(apply.KEY)
        events = {
            (worked_out.families[measure_id], event_id): worked_out.days[measure_id]
            for measure_id, event_id in rows.select(apply.KEY).iter_rows()
        }
        found += [
            replace(
                line,
                measure_id=line.measure_id if line.measure_id != ALL_MEASURES else family,
                event_id=event_id,
                person_id="",
                from_date=days.start,
                to_date=days.end,
            )
            for (family, event_id), days in events.items()
        ]
    return tuple(found)
