"""The cycle that is corrected or printed again: its frozen run, and one unit in it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from qe import run_record
from qe.corrections import in_force
from qe.corrections.in_force import APPLIED, kept_of
from qe.corrections.kept import KeptCorrection
from qe.corrections.read import line_fault
from qe.corrections.record import Correction, CorrectionLine, lines_sha256
from qe.errors import InputError, Reason, Refused
from qe.ledger.book import Ledger
from qe.ledger.event import LedgerEvent
from qe.ledger.fold import Facts, state_as_of
from qe.release.cycles import frozen_cycles
from qe.release.lineage import lineage_of, run_of
from qe.release.releases import require_run_unchanged
from qe.release.sends import UnitReview, reviews, was_handed_over
from qe.reports.facts import ReportFacts
from qe.runs import Run
from qe.runs import run_of as run_folder
from qe.site import Site


@dataclass(frozen=True, kw_only=True, eq=False)
class SentCycle:
    """A frozen cycle and one unit in it.

    facts       the ledger's on the day of the correction; page_facts: what the pages of the run quote
    earlier     what its events were corrected by: the corrections that its run applied, then this unit's own in this cycle
    unit        where the unit's review stands; its report was put out
    """

    cycle: str
    facts: Facts
    run: Run
    manifest: Mapping[str, Any]
    page_facts: ReportFacts
    unit: UnitReview
    of_run: tuple[Correction, ...]
    of_unit: tuple[KeptCorrection, ...]

    @property
    def unit_id(self) -> str:
        return self.unit.unit_id

    @property
    def earlier(self) -> tuple[Correction, ...]:
        return (*self.of_run, *(one.correction for one in self.of_unit))

    @property
    def sent(self) -> LedgerEvent:
        assert self.unit.sent is not None
        return self.unit.sent

    @property
    def zone(self) -> str:
        return self.sent.text("zone")


def sent_cycle(site: Site, ledger: Ledger, *, cycle: str, unit_id: str, on: date) -> SentCycle:
    """The cycle as its run was sent. Refused: no report of it was handed over to the unit."""
    facts = state_as_of(ledger, on)
    if cycle not in frozen_cycles(ledger.events()) or not was_handed_over(facts, cycle, unit_id):
        fact = f"no report of cycle {cycle} is confirmed as handed over to {unit_id}"
        reason = Reason(rule="R3", citation="rules.md section 0.3", verdict="fail", fact=fact)
        raise Refused(
            f"{fact}: there is nothing sent to correct",
            reasons=(reason,),
            remedy="Correct the data and run again, or record the hand-over: qe review confirm.",
        )
    return unit_of_cycle(site, ledger, facts, cycle=cycle, unit_id=unit_id)


def unit_of_cycle(site: Site, ledger: Ledger, facts: Facts, *, cycle: str, unit_id: str) -> SentCycle:
    """A unit of a frozen cycle that a report was put out to, handed over or not."""
    run, unit = frozen_run(site, facts, ledger.events(), cycle), reviews(facts, cycle)[unit_id]
    manifest = run.manifest()
    return SentCycle(
        cycle=cycle,
        facts=facts,
        run=run,
        manifest=manifest,
        page_facts=run_record.facts_of(run, cycle=cycle, ledger_facts=facts),
        unit=unit,
        of_run=in_force.of_run(site, ledger.events(), manifest),
        of_unit=tuple(kept_of(site, event) for event in facts.of(APPLIED, cycle=cycle, unit_id=unit_id)),
    )


def without_days(facts: Facts, cycle: str) -> tuple[str, ...]:
    """The corrected units of a cycle whose first report came back: the dates that their corrected page prints are nobody's."""
    found = reviews(facts, cycle)
    return tuple(unit_id for unit_id in sorted(in_force.of_cycle(facts, cycle)) if found[unit_id].rests_on is None)


def correction_of(sent: SentCycle, *, request_id: str, lines: Sequence[CorrectionLine]) -> Correction:
    """The lines as a correction of the unit in this cycle."""
    return Correction(
        request_id=request_id,
        cycle=sent.cycle,
        run_id=sent.run.run_id,
        unit_id=sent.unit_id,
        asked_sha256=lines_sha256(lines),
        lines=tuple(lines),
    )


def require_other_units(file: str, sent: SentCycle, asked: Correction) -> None:
    """Every unit to whom events are said to belong is another one of the same level. InputError with all that are not."""
    named = pl.read_parquet(run_record.results_path(sent.run, "unit"))
    levels = dict(named.select("unit_id", "level").iter_rows())
    strangers = [
        line
        for line in asked.lines
        if line.belongs_to
        and (line.belongs_to == asked.unit_id or levels.get(line.belongs_to) != levels.get(asked.unit_id))
    ]
    if strangers:
        said, remedy = "is no other unit of the same level in the run that was sent", "Use a unit_id of results/."
        raise InputError.of([line_fault(file, line, "belongs_to", said, remedy) for line in strangers])


def frozen_run(site: Site, facts: Facts, events: Iterable[LedgerEvent], cycle: str) -> Run:
    """The run that a cycle was sent from, unchanged. Refused: nothing of it was handed over."""
    run_id = frozen_cycles(events).get(cycle)
    if run_id is None:
        fact = f"no report of cycle {cycle} is confirmed as handed over"
        reason = Reason(rule="R3", citation="rules.md section 0.3", verdict="fail", fact=fact)
        raise Refused(f"{fact}: it has no run of its own yet", reasons=(reason,), remedy="qe run --send-on DATE.")
    run = run_folder(site, run_id)
    require_run_unchanged(run, lineage_of(run_of(facts, run_id)))
    return run
