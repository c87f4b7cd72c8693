"""`qe release plan | approve`: stage what may become public, name every blocker, and bind a person to those bytes.

Before any review period is over, the bytes of the earliest public day are staged; from then on those of the units whose
own clocks ran out and who were noticed. The others' rows leave the release and may follow in a later part.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from typing import Final, Protocol

from qe.disclosure.results import PublicRelease
from qe.errors import Findings
from qe.ledger.book import Ledger
from qe.ledger.event import LedgerEvent
from qe.ledger.fold import Facts, state_as_of
from qe.regulation import CITATION
from qe.release.appeals import owed_now
from qe.release.approval import Checked, approve_bytes
from qe.release.artefact import Decision
from qe.release.held_back import figures_held_back, units_held_back
from qe.release.ledger_head import with_ledger_head
from qe.release.lineage import lineage_of, run_of
from qe.release.publicity import withdrawn_since
from qe.release.reissue import reissued_from
from qe.release.releases import (
    When,
    decide_release,
    next_release_id,
    released_units,
    require_run_unchanged,
    sent_or_all,
    shown_results,
    staged_folder,
)
from qe.release.reports_on_disk import public_ids, units_of
from qe.release.send import run_for_cycle
from qe.release.sends import UnitReview, reviews
from qe.release.staged import StagedRelease, read_staged, write_staged
from qe.runs import Run
from qe.site import Site

REISSUE: Final = "42 CFR 401.717(a), rules.md section 0.4"
WITHDRAWAL: Final = "rules.md section 0.13"


class PublicBuilder(Protocol):
    """Makes the public files from the frozen run's folder alone, for `units` only.

    posting  (name, category) of the open requests, as they are posted; not_posted: (reason, open requests not posted for it)
    withheld  (unit_id, measure_id) whose figures are left out
    """

    def __call__(
        self,
        *,
        run: Run,
        cycle: str,
        units: frozenset[str],
        published_on: date,
        posting: Sequence[tuple[str, str]],
        not_posted: Sequence[tuple[str, int]],
        withheld: frozenset[tuple[str, str]],
    ) -> tuple[PublicRelease, Mapping[str, bytes]]: ...


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A unit whose rows are not in the release. earliest: the first day they could be, if a day alone cures it."""

    unit_id: str
    citation: str
    why: str
    earliest: date | None


@dataclass(frozen=True, kw_only=True)
class ReleasePlan:
    """What is staged, who is left out of it, and what the gate says of it today.

    public_on  the day for which it is staged
    """

    release_id: str
    cycle: str
    run_id: str
    public_on: date
    units: tuple[str, ...]
    waiting: tuple[Waiting, ...]
    decision: Decision
    staged: StagedRelease | None


def plan(site: Site, ledger: Ledger, *, cycle: str, when: When, build: PublicBuilder, dry_run: bool) -> ReleasePlan:
    """Stage what could be published today, or else on the earliest day, and say what still stands against it."""
    facts = state_as_of(ledger, when.on)
    run = run_for_cycle(site, ledger, facts, cycle)
    lineage = lineage_of(run_of(facts, run.run_id))
    require_run_unchanged(run, lineage)
    shown, standing = shown_results(run, facts, cycle), reviews(facts, cycle)
    public = released_units(facts, cycle)
    candidates = [unit_id for unit_id in sorted(shown) if unit_id not in public]
    withdrawn = units_held_back(facts, cycle)
    standing_ones = [unit_id for unit_id in candidates if unit_id not in withdrawn]
    public_on = _public_day(site, [standing[unit_id] for unit_id in standing_ones if unit_id in standing], when)
    waiting = [
        *_issued_again(facts, cycle),
        *(_held_back(unit_id, withdrawn[unit_id]) for unit_id in candidates if unit_id in withdrawn),
        *_left_out(site, standing_ones, standing, when=when, public_on=public_on),
    ]
    left_out = {one.unit_id for one in waiting}
    chosen = {unit_id: shown[unit_id] for unit_id in candidates if unit_id not in left_out}
    release_id = next_release_id(facts, cycle)
    staged = None
    if chosen:
        pages = _stage(run, facts, cycle=cycle, release_id=release_id, units=chosen, public_on=public_on, build=build)
        staged = with_ledger_head(
            pages,
            ledger.state_head(facts.head, at=when.at),
            folder=staged_folder(site),
            key=site.store_key(),
            engine=site.engine(),
        )
        if not dry_run:
            write_staged(staged_folder(site), staged, key=site.store_key(), engine=site.engine())
    units = chosen or {unit_id: shown[unit_id] for unit_id in sent_or_all(candidates, standing)}
    decision = decide_release(
        site, facts, lineage, when=when, cycle=cycle, release_id=release_id, staged=staged, units=units
    )
    return ReleasePlan(
        release_id=release_id,
        cycle=cycle,
        run_id=run.run_id,
        public_on=public_on,
        units=tuple(chosen),
        waiting=tuple(waiting),
        decision=decision,
        staged=staged,
    )


def _public_day(site: Site, found: Sequence[UnitReview], when: When) -> date:
    """Today when a review period is over, else the day on which all are; never before [review] public_on."""
    running = [unit.public_from for unit in found if unit.public_from is not None]
    is_one_over = any(unit.is_over(at=when.instant, on=when.on, entity_zone=site.settings.site.zone) for unit in found)
    planned = [day for day in (site.settings.review.public_on,) if day is not None]
    return max([when.on, *planned] if is_one_over else [when.on, *planned, *running])


def _issued_again(facts: Facts, cycle: str) -> list[Waiting]:
    """Whose figures of this cycle are published by no release of it: they are issued again in another one."""
    return [
        Waiting(unit_id=unit_id, citation=REISSUE, why=f"issued again in {new_cycle}", earliest=None)
        for unit_id, new_cycle in sorted(reissued_from(facts, cycle).items())
    ]


def _held_back(unit_id: str, withdrawal: LedgerEvent) -> Waiting:
    return Waiting(unit_id=unit_id, citation=WITHDRAWAL, why=withdrawn_since(withdrawal), earliest=None)


def _left_out(
    site: Site, candidates: Sequence[str], standing: Mapping[str, UnitReview], *, when: When, public_on: date
) -> list[Waiting]:
    """Whose rows are not staged: without a running clock, over too late for `public_on`, or, today, not noticed."""
    anybody_noticed = any(standing[unit_id].is_noticed for unit_id in candidates if unit_id in standing)
    found: list[Waiting] = []
    for unit_id in candidates:
        unit = standing.get(unit_id)
        if fault := _clock_fault(site, unit_id, unit, when=when, public_on=public_on):
            found.append(fault)
        elif unit is not None and not unit.is_noticed and public_on == when.on and anybody_noticed:
            why = "not told the status of its requests (qe review notice)"
            found.append(Waiting(unit_id=unit_id, citation="42 CFR 401.717(d)", why=why, earliest=when.on))
    return found


def _clock_fault(site: Site, unit_id: str, unit: UnitReview | None, *, when: When, public_on: date) -> Waiting | None:
    citation, earliest = "42 CFR 401.717(a)", None
    if unit is None or unit.sent is None:
        why = "not sent its report"
    elif unit.state == "failed":
        why = "its report came back undelivered"
    elif unit.public_from is None:
        why = "the hand-over of its report is not confirmed"
    elif public_on < unit.public_from or (
        public_on == when.on and not unit.is_over(at=when.instant, on=when.on, entity_zone=site.settings.site.zone)
    ):
        citation, why, earliest = "42 CFR 401.717(a), (b)", "its 60 days are not over", unit.public_from
    else:
        return None
    return Waiting(unit_id=unit_id, citation=citation, why=why, earliest=earliest)


def _stage(
    run: Run,
    facts: Facts,
    *,
    cycle: str,
    release_id: str,
    units: Mapping[str, str],
    public_on: date,
    build: PublicBuilder,
) -> StagedRelease:
    named = units_of(run)
    table = owed_now(facts, cycle)
    asked = frozenset(one for one in figures_held_back(facts, cycle) if one[0] in units)
    posting = sorted(table.posted)
    public, files = build(
        run=run,
        cycle=cycle,
        units=frozenset(units),
        published_on=public_on,
        posting=[(named[unit_id].name, category) for unit_id, category in posting if unit_id in named],
        not_posted=table.not_posted,
        withheld=asked,
    )
    _require_only(public, public_ids(run, units))
    return StagedRelease(
        release_id=release_id,
        cycle=cycle,
        run_id=run.run_id,
        public_on=public_on,
        files=files,
        units=units,
        posting=tuple(posting),
        not_posted=table.not_posted,
        cells_checked=public.cells_checked,
        cells_hidden=public.cells_hidden,
        findings=len(public.findings),
        withheld=tuple(sorted(one for one in asked if not _is_shown(public, run, *one))),
    )


def _is_shown(public: PublicRelease, run: Run, unit_id: str, measure_id: str) -> bool:
    """Whether the files show figures of this result: what the gate is told comes from the rows, not from what was asked for."""
    ids = public_ids(run, [unit_id])
    return any(
        row.measure_id == measure_id and row.public_id in ids and row.note_code is None for row in public.results
    )


def _require_only(public: PublicRelease, allowed: Set[str]) -> None:
    """No row may be about a unit that is not in this release; an area is nobody."""
    strangers = sum(row.level != "area" and row.public_id not in allowed for row in public.results)
    if strangers:
        raise Findings(f"{strangers} rows of the public files are about units that are not in this release")


def approve(
    site: Site, ledger: Ledger, *, cycle: str, when: When, actor: str, dry_run: bool
) -> tuple[StagedRelease, tuple[LedgerEvent, ...]]:
    """Bind `actor` to exactly the staged bytes: the cell check's result, then the approval.

    Refused when the check found cells and, outside a rehearsal, when the actor also made the run.
    """
    facts = state_as_of(ledger, when.on)
    release_id = next_release_id(facts, cycle)
    staged = read_staged(staged_folder(site), release_id, key=site.store_key(), engine=site.engine())
    makers = frozenset(event.actor for event in facts.of("run_completed", run_id=staged.run_id))
    checked = Checked(
        release_id=staged.release_id,
        sha256=staged.sha256,
        cells_checked=staged.cells_checked,
        cells_hidden=staged.cells_hidden,
        findings=staged.findings,
        said=f"{staged.findings} cells of the staged files could be narrowed down to 1 to 10 persons",
        paragraph=CITATION["cell_size"],
        remedy="Raise the measure's min_denominator or leave it out, and plan again.",
    )
    recorded = approve_bytes(
        site, ledger, facts, checked, makers=makers, made="run", when=when, actor=actor, dry_run=dry_run
    )
    return staged, recorded
