"""A re-issue as it will be recorded: whose figures another run moves as they are printed, and in which cycle they get new reports.

Compared is what each unit stands at in the old cycle (its run, and its own recorded correction) with what the new run shows of
it: its own figures and category, rounded as the page or the public files round them. What moves for its peers alone is no re-issue.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Literal

import polars as pl

from qe import quarter, run_record
from qe.corrected.shown import figures_of_cycle
from qe.corrections.kept import UnitFigures
from qe.disclosure.public import PublicMeasure, public_figures
from qe.disclosure.results import ConfidentialResult
from qe.errors import InputError, Refused
from qe.ledger.book import Head
from qe.ledger.event import LedgerEvent, NewEvent, PayloadValue
from qe.ledger.fold import Facts
from qe.release import reissue
from qe.release.cycles import cycle_for_run, frozen_cycles, period_of
from qe.release.lineage import lineage_of, run_of
from qe.release.releases import released_units, require_run_unchanged
from qe.reports.facts import ReportFacts
from qe.reports.printed import Change, own_changes
from qe.runs import Run
from qe.runs import run_of as run_folder
from qe.site import Site

Why = Literal["correction_reaches_others", "error_found", "later_data", "cms_decision", "other"]
Fate = Literal["moved", "first result", "no result left"]


@dataclass(frozen=True, kw_only=True)
class Moved:
    """A unit whose printed figures the new run moves. changes: each figure, "" where it is not there."""

    unit_id: str
    fate: Fate
    changes: tuple[Change, ...]


@dataclass(frozen=True, kw_only=True)
class PlannedReissue:
    """A re-issue before it is recorded (or as it stands recorded, with no `moved`).

    public  units of it whose old figures are public now: their release has to be taken down
    """

    cycle: str
    new_cycle: str
    run_id: str
    units: tuple[str, ...]
    moved: tuple[Moved, ...]
    public: frozenset[str]
    event: NewEvent
    head: Head
    is_recorded: bool


def planned_reissue(
    site: Site, facts: Facts, events: tuple[LedgerEvent, ...], *, cycle: str, run_id: str | None, why: Why
) -> PlannedReissue:
    """Whom the new run moves. Refused: nothing of the cycle was handed over. InputError: no such run, or it moves nobody."""
    period_of(cycle)  # a word that is no cycle is told so
    old_id = frozen_cycles(events).get(cycle)
    if old_id is None:
        raise Refused(
            f"no report of cycle {cycle} is confirmed as handed over: there is nothing to issue again",
            remedy=f"Send the reports of the new run in it: qe review send --cycle {cycle}.",
        )
    new_id = run_id or _new_run(facts, events, cycle=cycle)
    new_cycle = _cycle_of(facts, events, cycle=cycle, run_id=new_id)
    old, new = run_folder(site, old_id), run_folder(site, new_id)
    for run in (old, new):
        require_run_unchanged(run, lineage_of(run_of(facts, run.run_id)))
    known = facts.of(reissue.REISSUED, cycle=cycle, new_cycle=new_cycle)
    moved = () if known else tuple(moved_units(site, facts, old, new, cycle=cycle, new_cycle=new_cycle))
    if not known and not moved:
        raise InputError(
            f"run {new_id} prints every figure as cycle {cycle} did: there is nothing to issue again",
            remedy="Compare the runs with qe explain.",
        )
    units = known[-1].texts("units") if known else tuple(one.unit_id for one in moved)
    payload: dict[str, PayloadValue] = {
        "cycle": cycle,
        "new_cycle": new_cycle,
        "run_id": new_id,
        "units": list(units),
        "reason": known[-1].text("reason") if known else why,
    }
    return PlannedReissue(
        cycle=cycle,
        new_cycle=new_cycle,
        run_id=new_id,
        units=tuple(units),
        moved=moved,
        public=released_units(facts, cycle) & frozenset(units),
        event=NewEvent(
            kind=reissue.REISSUED,
            effective_on=facts.on,
            payload=payload,
            key=f"{reissue.REISSUED}:{cycle}:{new_cycle}",
        ),
        head=facts.head,
        is_recorded=bool(known),
    )


def _new_run(facts: Facts, events: tuple[LedgerEvent, ...], *, cycle: str) -> str:
    """The period's last finished run that no cycle was sent from; one that a re-issue took already is found again."""
    sent = {event.text("run_id") for event in events if event.kind == "send_confirmed"}
    finished = [event.text("run_id") for event in facts.of("run_completed", period=period_of(cycle))]
    free = [run_id for run_id in finished if run_id not in sent and run_id != frozen_cycles(events).get(cycle)]
    if not free:
        raise InputError(
            f"no finished run of {period_of(cycle)} is there beside the one that was sent",
            remedy="Make it: qe run --reissue --send-on DATE.",
        )
    return free[-1]


def _cycle_of(facts: Facts, events: tuple[LedgerEvent, ...], *, cycle: str, run_id: str) -> str:
    period = period_of(cycle)
    if not facts.of("run_completed", run_id=run_id, period=period):
        raise InputError(
            f"{run_id} is no finished run of {period} on {facts.on}", remedy="`qe ledger show --kind run_completed`."
        )
    bound = {run: label for label, run in frozen_cycles(events).items()}
    by_reissue = {event.text("new_cycle") for event in facts.of(reissue.REISSUED)}
    if run_id in bound and bound[run_id] not in by_reissue:
        raise InputError(
            f"{run_id} is the run of cycle {bound[run_id]}, which was sent to everybody",
            remedy="Make another one: qe run --reissue --send-on DATE.",
        )
    return cycle_for_run(events, period=period, run_id=run_id)


def moved_units(site: Site, facts: Facts, old: Run, new: Run, *, cycle: str, new_cycle: str) -> Iterator[Moved]:
    """The units of whom a figure of their own or a category is printed otherwise, by unit id, as far as they stand in `cycle`."""
    was = _Shown.of(site, facts, old, cycle)
    now = _Shown.of(site, facts, new, new_cycle)
    both = sorted(was.pages.keys() | now.pages.keys())
    standing = reissue.of_cycle(facts, cycle, both)
    for unit_id in both:
        if unit_id not in standing:
            continue
        before, after = was.pages.get(unit_id), now.pages.get(unit_id)
        if before is None or after is None:
            fate: Fate = "first result" if before is None else "no result left"
            yield Moved(unit_id=unit_id, fate=fate, changes=())
            continue
        printed = own_changes(before, after, facts=was.facts, new_facts=now.facts)
        if changes := (*printed, *_published_otherwise(was.published, now.published, unit_id, printed)):
            yield Moved(unit_id=unit_id, fate="moved", changes=changes)


@dataclass(frozen=True, kw_only=True)
class _Shown:
    """What a cycle shows: each unit's page, and by unit, measure and figure what its public files would print."""

    facts: ReportFacts
    pages: Mapping[str, ConfidentialResult]
    published: Mapping[str, Mapping[tuple[str, str], str]]

    @classmethod
    def of(cls, site: Site, facts: Facts, run: Run, cycle: str) -> "_Shown":
        page_facts = run_record.facts_of(run, cycle=cycle, ledger_facts=facts)
        corrected = figures_of_cycle(site, facts, cycle)
        whole = _figures(run, corrected)
        counts = pl.read_parquet(run_record.results_path(run, "unit_count"))
        pages = quarter.shown_of(site, whole, page_facts, peers_counts=counts)
        return cls(
            facts=page_facts,
            pages={one.provider.unit_id: one for one in pages},
            published=_published(whole.results, quarter.public_measures(page_facts)),
        )


def _figures(run: Run, corrected: Mapping[str, UnitFigures]) -> UnitFigures:
    """The run's figures of all units; of a corrected one those of its correction."""
    ids = list(corrected)
    results, counts, units = (
        pl.read_parquet(run_record.results_path(run, table)).filter(~pl.col(unit_id).is_in(ids))
        for table, unit_id in (("measure_results", "provider_id"), ("unit_count", "provider_id"), ("unit", "unit_id"))
    )
    for one in corrected.values():
        results = pl.concat([results, one.results.select(results.columns)])
        counts = pl.concat([counts, one.counts.select(counts.columns)])
        units = pl.concat([units, run_record.public_units(one.units).select(units.columns)])
    return UnitFigures(results=results, counts=counts, units=units)


def _published(results: pl.DataFrame, measures: list[PublicMeasure]) -> dict[str, dict[tuple[str, str], str]]:
    """By unit, measure and figure the published text; what is not publishable is printed nowhere."""
    known = {one.measure_id: one for one in measures}
    found: dict[str, dict[tuple[str, str], str]] = {}
    for row in results.filter((pl.col("payer_scope") == "all") & pl.col("publishable")).iter_rows(named=True):
        if row["measure_id"] in known:
            figures = asdict(public_figures(row, known[row["measure_id"]]))
            own = found.setdefault(row["provider_id"], {})
            own |= {
                (row["measure_id"], f"published {name}"): "" if value is None else str(value)
                for name, value in figures.items()
            }
    return found


def _published_otherwise(
    was: Mapping[str, Mapping[tuple[str, str], str]],
    now: Mapping[str, Mapping[tuple[str, str], str]],
    unit_id: str,
    printed: tuple[Change, ...],
) -> Iterator[Change]:
    """What the public files print otherwise of measures whose page stays the same: they may carry one digit more."""
    on_page = {change.measure_id for change in printed}
    before, after = was.get(unit_id, {}), now.get(unit_id, {})
    for measure_id, what in dict.fromkeys([*before, *after]):
        old, new = before.get((measure_id, what), ""), after.get((measure_id, what), "")
        if old != new and measure_id not in on_page:
            yield Change(measure_id=measure_id, what=what, before=old, after=new)
