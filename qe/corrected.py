"""The stages of a correction that join packages: one provider's figures of the run that was sent, worked out again.

Everything that scoring learns from other providers is read from that run, so nobody else moves; whom a correction reaches all
the same, because an event is another one's too or becomes it, is told: that is a re-issue, an act of its own.
Source: rules.md, section 0.3, 0.4 and R3; docs/methods/frozen-reference.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

import polars as pl

from qe import quarter, run_record, warehouse
from qe.claims.load import model_path
from qe.corrections import apply
from qe.corrections.in_force import APPLIED, corrected_results, kept_of, of_cycle
from qe.corrections.kept import KeptCorrection, UnitFigures
from qe.corrections.read import line_fault, read_lines
from qe.corrections.record import ALL_MEASURES, DETAILS, Correction, CorrectionKind, CorrectionLine, lines_sha256
from qe.disclosure.results import ConfidentialResult
from qe.errors import Fault, Findings, InputError, MeasureError, Reason, Refused
from qe.ledger.book import Head, Ledger
from qe.ledger.event import LedgerEvent, NewEvent, PayloadValue
from qe.ledger.fold import Facts, state_as_of
from qe.measurement import detail
from qe.measurement.catalogue import catalogue
from qe.measurement.compute import MeasureEvents
from qe.measurement.measure import Module
from qe.measurement.unit_counts import unit_counts
from qe.periods import MeasurePeriod
from qe.release.cycles import frozen_cycles
from qe.release.lineage import lineage_of, run_of
from qe.release.releases import require_run_unchanged
from qe.release.sends import UnitReview, reviews, was_handed_over
from qe.reports.facts import ReportFacts, ReviewDates
from qe.reports.printed import Change, exact_changes, printed_changes
from qe.reports.render import result_sha256
from qe.runs import Run
from qe.runs import run_of as run_folder
from qe.site import Site
from qe.statistics import peers
from qe.statistics.rescore import SentRun, rescore
from qe.statistics.results import RESULT_ORDER, round_significant
from qe.warehouse import Warehouse

__all__ = ["read_lines"]

SAME: Final = 1e-9  # relative: with unchanged events the frozen reference gives the run's figures again
PEER_INPUTS: Final = ("specialty", "county_fips")  # details from which a peer group follows
REISSUE: Final = "Run again and re-issue the reports whose figures or categories change as printed."


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


@dataclass(frozen=True, kw_only=True, eq=False)
class Rescored:
    """One unit worked out again.

    figures  of the unit, with the correction
    decided  corrections.apply.DECIDED: what became of every line that is about events
    days     by measure the days of the run that was sent
    families  by measure the first of those that rest on the same events (corrections.apply.together)
    reached  whom else it reaches
    """

    figures: UnitFigures
    decided: pl.DataFrame
    days: Mapping[str, MeasurePeriod]
    families: Mapping[str, str]
    reached: tuple["Reached", ...]


@dataclass(frozen=True, kw_only=True)
class Reached:
    """Another unit whose figures the same fault moves: it is re-issued, never corrected along. measures: whose figures move."""

    unit_id: str
    level: str
    measures: tuple[str, ...]
    why: str


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


def sent_cycle(site: Site, ledger: Ledger, *, cycle: str, unit_id: str, on: date) -> SentCycle:
    """The cycle as its run was sent. Refused: no report of it was handed over to the unit."""
    facts = state_as_of(ledger, on)
    run_id, unit = frozen_cycles(ledger.events()).get(cycle), reviews(facts, cycle).get(unit_id)
    if run_id is None or unit is None or not was_handed_over(facts, cycle, unit_id):
        fact = f"no report of cycle {cycle} is confirmed as handed over to {unit_id}"
        reason = Reason(rule="R3", citation="rules.md section 0.3", verdict="fail", fact=fact)
        raise Refused(
            f"{fact}: there is nothing sent to correct",
            reasons=(reason,),
            remedy="Correct the data and run again, or record the hand-over: qe review confirm.",
        )
    run = run_folder(site, run_id)
    require_run_unchanged(run, lineage_of(run_of(facts, run_id)))
    manifest = run.manifest()
    recorded = {event.text("correction_id"): event for event in ledger.events() if event.kind == APPLIED}
    return SentCycle(
        cycle=cycle,
        facts=facts,
        run=run,
        manifest=manifest,
        page_facts=run_record.facts_of(run, cycle=cycle, ledger_facts=facts),
        unit=unit,
        of_run=tuple(
            kept_of(site, recorded[one["correction_id"]]).correction for one in manifest.get("corrections", [])
        ),
        of_unit=tuple(kept_of(site, event) for event in facts.of(APPLIED, cycle=cycle, unit_id=unit_id)),
    )


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
    before = _figures_before_last(sent)
    printed, exact = _changes(site, sent, before, kept.figures)
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


def _figures_before_last(sent: SentCycle) -> UnitFigures:
    """The unit's figures before its last correction in the cycle."""
    *earlier, last = sent.of_unit
    return earlier[-1].figures if earlier else _of_run(sent, last.figures.units)


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


@contextmanager
def opened_model(site: Site, sent: SentCycle) -> Iterator[Warehouse]:
    """The claims model that the sent run was made on, read-only and locked."""
    path = model_path(site, sent.manifest["claims_model"])
    if not path.is_file():
        raise InputError(
            f"the claims model of run {sent.run.run_id} is not in the store",
            remedy="Restore store/model/ from its backup: a correction is worked out on the claims of the run that was sent.",
        )
    with warehouse.open_read_only(path, site.store_key(), engine=site.engine(), lock=True) as db:
        yield db


def figures_before(site: Site, sent: SentCycle, db: Warehouse, asked: Correction) -> UnitFigures:
    """What the unit is shown now: by its last correction in the cycle, else by the run. Findings: it was sent something else."""
    end = sent.page_facts.period.end
    units = quarter.units(db, corrections=sent.earlier, on=end).filter(pl.col("unit_id") == asked.unit_id)
    figures = sent.of_unit[-1].figures if sent.of_unit else _of_run(sent, units)
    shown = corrected_results(sent.facts, sent.cycle).get(asked.unit_id, sent.sent.text("result_sha256"))
    if result_sha256(_preview(site, sent, figures)) != shown:
        raise Findings(
            f"{asked.unit_id}: its results are not those that it was sent",
            remedy="Restore the run's folder from its backup.",
        )
    return figures


def _of_run(sent: SentCycle, units: pl.DataFrame) -> UnitFigures:
    mine = pl.col("provider_id") == sent.unit_id
    return UnitFigures(
        results=pl.read_parquet(run_record.results_path(sent.run, "measure_results")).filter(mine),
        counts=pl.read_parquet(run_record.results_path(sent.run, "unit_count")).filter(mine),
        units=units,
    )


def rescored(site: Site, sent: SentCycle, db: Warehouse, before: UnitFigures, asked: Correction) -> Rescored:
    """The unit's figures with the correction, by the frozen reference of the sent run; and whom else it reaches.

    MeasureError: the measure's folder, parameters or settings have changed since, or it would be a first result.
    """
    end = sent.page_facts.period.end
    units = apply.corrected_units(before.units, [asked], on=end)
    results, counts = _renamed(before.results, units), before.counts
    decided: list[pl.DataFrame] = [apply.NOTHING_DECIDED]
    days: dict[str, MeasurePeriod] = {}
    families: dict[str, str] = {}
    reached: list[Reached] = []
    modules = _modules(site, sent, before, asked)
    by_run = _reference(site, sent, before, modules)
    by_details = _regrouped(site, by_run, before, units, asked)
    for module in modules:
        period = _days(sent, module)
        days |= dict.fromkeys(module.measure_ids, period)
        families |= {measure_id: apply.together(module, measure_id)[0] for measure_id in module.measure_ids}
        found = quarter.events_of(site, db, module, period, learnt=by_run.learnt[module.id])
        was = apply.corrected(db, found, sent.earlier).events
        now = apply.corrected(db, was, [asked])
        of_module = pl.col("measure_id").is_in(module.measure_ids)
        shown = before.results.filter(of_module)
        same = round_significant(rescore(was, by_run, asked.unit_id))
        _require_same(same, shown, module)
        again = round_significant(rescore(now.events, by_details, asked.unit_id))
        results = pl.concat([results.filter(~of_module), _unless_same(again, same, shown)])
        mine = unit_counts(now.events).filter(pl.col("provider_id") == asked.unit_id)
        counts = pl.concat([counts.filter(~of_module), mine])
        decided.append(now.decided)
        reached += _reached(was, now, by_run, asked.unit_id)
    return Rescored(
        figures=UnitFigures(results=results.sort(RESULT_ORDER), counts=counts, units=units),
        decided=pl.concat(decided),
        days=days,
        families=families,
        reached=_together(reached),
    )


def _modules(site: Site, sent: SentCycle, before: UnitFigures, asked: Correction) -> list[Module]:
    """The modules whose figures of the unit the correction may move, as the sent run applied them."""
    regroups = any(line.detail in PEER_INPUTS for line in asked.lines)
    about = [line for line in asked.lines if line.kind is not CorrectionKind.PROVIDER_DETAILS]
    ran = {one["module"]: one for one in sent.manifest["measures"]}
    shown = set(before.results["measure_id"])
    found = [
        module
        for module in catalogue(site.measure_folders)
        if module.id in ran
        and shown & set(module.measure_ids)
        and (regroups or any(line.is_of(module.measure_ids) for line in about))
    ]
    if changed := [module.id for module in found if module.sha256 != ran[module.id]["sha256"]]:
        raise MeasureError(
            f"the measure folder of {', '.join(changed)} has changed since the run that was sent",
            remedy="Put back the version that was sent; a correction is worked out by it.",
        )
    return found


def _days(sent: SentCycle, module: Module) -> MeasurePeriod:
    measured = next(one for one in sent.manifest["measures"] if one["module"] == module.id)
    return MeasurePeriod(
        start=date.fromisoformat(measured["period_start"]), end=date.fromisoformat(measured["period_end"])
    )


def _reference(site: Site, sent: SentCycle, before: UnitFigures, modules: Sequence[Module]) -> SentRun:
    """What the run keeps of its scoring, with the unit's own rows as it is shown them now."""
    key, engine = site.store_key(), site.engine()
    learnt = {
        module.id: detail.read_learnt(sent.run.detail / f"{module.id}.duckdb", module, key=key, engine=engine)
        for module in modules
    }
    kept = run_record.sent_run(sent.run, learnt)
    others = kept.results.filter(pl.col("provider_id") != sent.unit_id)
    return replace(
        kept,
        results=pl.concat([others, before.results]).sort(RESULT_ORDER),
        units=_units_with(kept.units, before.units),
    )


def _units_with(units: pl.DataFrame, mine: pl.DataFrame) -> pl.DataFrame:
    """The table of units with one unit's rows in place of its own, as public pages name it."""
    own = run_record.public_units(mine).select(units.columns)
    others = units.filter(~pl.col("unit_id").is_in(mine["unit_id"].unique().to_list()))
    return pl.concat([others, own]).sort("unit_id", "level")


def _regrouped(site: Site, by_run: SentRun, before: UnitFigures, units: pl.DataFrame, asked: Correction) -> SentRun:
    """The same with the unit's corrected details, and its rows in the peer group of the sent run that follows from them."""
    sent = replace(by_run, units=_units_with(by_run.units, units))
    if not any(line.detail in PEER_INPUTS for line in asked.lines):
        return sent
    unit = units.row(0, named=True)
    labels = {}
    for measure_id, level, label in before.results.select("measure_id", "level", "peer_group").unique().iter_rows():
        groups = [one.peer_group for one in by_run.references[measure_id].peers if one.level == level]
        found = peers.group_of(
            groups,
            level=level,
            by=list(site.settings.peers.by),
            specialty=unit["specialty"],
            county_fips=unit["county_fips"],
            before=label,
            areas=site.settings.entity.areas,
        )
        if found is None:
            raise MeasureError(
                f"{measure_id}: no peer group of the run that was sent is that of the corrected details", remedy=REISSUE
            )
        labels[measure_id, level] = found
    mine = pl.col("provider_id") == asked.unit_id
    named = pl.struct("measure_id", "level").map_elements(
        lambda key: labels[key["measure_id"], key["level"]], return_dtype=pl.String
    )
    own = sent.results.filter(mine).with_columns(peer_group=named)
    return replace(sent, results=pl.concat([sent.results.filter(~mine), own]).sort(RESULT_ORDER))


def _renamed(results: pl.DataFrame, units: pl.DataFrame) -> pl.DataFrame:
    """The rows under the unit's name."""
    names = units.select("unit_id", "level", corrected_name="name").unique(["unit_id", "level"])
    joined = results.join(
        names, left_on=["provider_id", "level"], right_on=["unit_id", "level"], how="left", maintain_order="left"
    )
    name = pl.coalesce("corrected_name", "provider_name")
    return joined.with_columns(provider_name=name).select(results.columns)


def _require_same(again: pl.DataFrame, shown: pl.DataFrame, module: Module) -> None:
    """Without the correction the frozen reference gives what was sent: else something else would be corrected along."""
    published = shown.sort(RESULT_ORDER)
    if again.height != published.height or not all(
        _alike(again[name], published[name]) for name in published.columns if name != "provider_name"
    ):
        raise MeasureError(
            f"{module.id}: the events of the run that was sent cannot be worked out again",
            remedy=f"Settings, lists or the software have changed since. {REISSUE}",
        )


def _unless_same(again: pl.DataFrame, same: pl.DataFrame, shown: pl.DataFrame) -> pl.DataFrame:
    """The corrected rows; a figure that the correction leaves alone to its last digit as it was shown.

    same  the rows worked out without the correction: the frozen reference gives nine digits of what was shown
    """
    key = list(RESULT_ORDER)
    joined = again.join(same, on=key, how="left", suffix="_same", maintain_order="left").join(
        shown, on=key, how="left", suffix="_shown", maintain_order="left"
    )
    floats = [name for name, kind in again.schema.items() if kind == pl.Float64]
    return joined.with_columns(
        pl.when(pl.col(name).eq_missing(pl.col(f"{name}_same")))
        .then(pl.coalesce(f"{name}_shown", name))
        .otherwise(name)
        .alias(name)
        for name in floats
    ).select(again.columns)


def _alike(one: pl.Series, other: pl.Series) -> bool:
    if one.dtype != pl.Float64:
        return one.equals(other, null_equal=True)
    near = ((one - other).abs() <= SAME * pl.select(pl.max_horizontal(one.abs(), other.abs())).to_series()) | (
        one.is_null() & other.is_null()
    )
    return bool(near.fill_null(False).all())


def _reached(was: MeasureEvents, now: apply.CorrectedEvents, sent: SentRun, unit_id: str) -> Iterator[Reached]:
    """The other units whose figures of this module would move, as figures are printed or published."""
    changed = now.decided.filter(pl.col("outcome") == apply.APPLIED).select(apply.KEY).unique()
    concerned = pl.concat([was.attributed, now.events.attributed]).join(changed, on=apply.KEY, how="semi")
    for other in sorted(set(concerned["provider_id"]) - {unit_id}):
        published = sent.results.filter(
            (pl.col("provider_id") == other) & pl.col("measure_id").is_in(was.module.measure_ids)
        )
        level = str(concerned.filter(pl.col("provider_id") == other)["level"][0])
        try:
            again = round_significant(rescore(now.events, sent, other))
        except MeasureError:
            measures = concerned.filter(pl.col("provider_id") == other)["measure_id"].unique().sort().to_list()
            yield Reached(unit_id=other, level=level, measures=tuple(measures), why="it would be its first result")
            continue
        if moved := _moved(published, again):
            yield Reached(unit_id=other, level=level, measures=moved, why="an event is its own too, or becomes it")


PRINTED_DECIMALS: Final = 3  # no page and no public file prints more digits of a rate, ratio or interval
MOVING: Final = (
    "denominator",
    "excluded",
    "numerator",
    "observed",
    "expected",
    "ratio",
    "ci_low",
    "ci_high",
    "category",
)


def _moved(published: pl.DataFrame, again: pl.DataFrame) -> tuple[str, ...]:
    """The measures of which a figure or category differs, to the digits that are printed."""
    rounded = pl.col(pl.Float64).round(PRINTED_DECIMALS)
    columns = [*RESULT_ORDER, *MOVING]
    one, other = (frame.select(columns).with_columns(rounded) for frame in (published, again))
    differing = pl.concat(
        [
            one.join(other, on=columns, how="anti", nulls_equal=True),
            other.join(one, on=columns, how="anti", nulls_equal=True),
        ]
    )
    return tuple(differing["measure_id"].unique().sort())


def _together(reached: Sequence[Reached]) -> tuple[Reached, ...]:
    """One entry a unit."""
    found: dict[str, Reached] = {}
    for one in reached:
        before = found.get(one.unit_id)
        measures = one.measures if before is None else (*before.measures, *one.measures)
        found[one.unit_id] = replace(one, measures=tuple(sorted(set(measures))))
    return tuple(found[unit_id] for unit_id in sorted(found))


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
    printed, exact = _changes(site, sent, before, worked_out.figures)
    if not exact and not printed:
        raise InputError(
            "the correction changes no figure and no detail of this report",
            remedy="Resolve the request without a correction.",
        )
    record = replace(asked, lines=bound_to_events(asked, worked_out))
    shown = _preview(site, sent, before), _preview(site, sent, worked_out.figures)
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


def _changes(
    site: Site, sent: SentCycle, before: UnitFigures, after: UnitFigures
) -> tuple[tuple[Change, ...], tuple[Change, ...]]:
    """What is printed otherwise, and which exact figures differ."""
    was, now = _preview(site, sent, before), _preview(site, sent, after)
    details = [
        Change(measure_id="", what=detail, before=_detail(before, detail), after=_detail(after, detail))
        for detail in DETAILS
        if detail != "name" and _detail(before, detail) != _detail(after, detail)
    ]
    return (*details, *printed_changes(was, now, sent.page_facts)), exact_changes(was, now)


def _detail(figures: UnitFigures, detail: str) -> str:
    return str(figures.units[detail][0] or "")


def _preview(site: Site, sent: SentCycle, figures: UnitFigures) -> ConfidentialResult:
    """What the unit is shown of these figures, beside the peers of the run that was sent."""
    peers_counts = pl.read_parquet(run_record.results_path(sent.run, "unit_count"))
    shown = quarter.shown_of(site, figures, sent.page_facts, peers_counts=peers_counts)
    if not shown:
        raise Refused(
            f"{sent.unit_id}: with this correction no result is left to report",
            remedy="Leave its rows out of the release: a report without a result is a re-issue.",
        )
    return shown[0]


def corrected_preview(site: Site, sent: SentCycle) -> tuple[ConfidentialResult, str]:
    """What a corrected unit is shown in its cycle, and the id of its last correction."""
    event = of_cycle(sent.facts, sent.cycle).get(sent.unit_id)
    if event is None:
        raise InputError(f"{sent.unit_id} has no correction in cycle {sent.cycle}")
    preview = _preview(site, sent, kept_of(site, event).figures)
    if result_sha256(preview) != event.text("after_sha256"):
        raise Findings(
            f"{sent.unit_id}: its corrected results are not those that the ledger has recorded",
            remedy="Restore store/corrections/ and the run's folder from their backup.",
        )
    return preview, event.text("correction_id")


def printed_dates(sent: SentCycle) -> ReviewDates:
    """The dates of the report that the unit was sent, which its corrected page prints again."""
    last = sent.sent.day("last_request_day")
    return ReviewDates(
        sent_on=sent.sent.day("sent_on"),
        last_request_day=last,
        public_from=sent.sent.day("public_from"),
        deadline=quarter.deadline_in(sent.zone, last),
        corrected_on=of_cycle(sent.facts, sent.cycle)[sent.unit_id].effective_on,
    )


def figures_of_cycle(site: Site, facts: Facts, cycle: str) -> Mapping[str, UnitFigures]:
    """By unit the figures that its own corrections gave it in `cycle`."""
    return {unit_id: kept_of(site, event).figures for unit_id, event in of_cycle(facts, cycle).items()}
