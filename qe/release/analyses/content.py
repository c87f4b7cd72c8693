"""The files of an analysis, made from a run's own results; and whom they identify. No figure is typed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from qe.disclosure.public import PublicMeasure, for_public
from qe.disclosure.results import PublicRelease, PublicResult
from qe.errors import InputError
from qe.release.analyses.definition import Asked, User
from qe.release.analyses.identified import Shown, identified, mentioned
from qe.release.analyses.patients import OwnPatients
from qe.release.analyses.staging import StagedAnalysis
from qe.release.publicity import SMALLEST_PEER_GROUP
from qe.reports import analysis as pages
from qe.reports import wording
from qe.reports.analysis import PERSON_MEANINGS, PooledResult, Summary
from qe.reports.facts import MeasureFacts, ReportFacts
from qe.statistics.peers import STATES

PROTECTION: Final = (
    "Figures from which a number of 1 to 10 persons could be told are left out, by the rules of the public report."
)


@dataclass(frozen=True, kw_only=True, eq=False)
class FromRun:
    """What an analysis is made from.

    results  measure_results of the run; units its units; facts what its pages quote
    solo     practices of one clinician (identified.solo_practices)
    patients of an analysis that identifies persons
    """

    results: pl.DataFrame
    units: pl.DataFrame
    facts: ReportFacts
    measures: Sequence[PublicMeasure]
    solo: Mapping[str, frozenset[str]]
    patients: OwnPatients | None
    min_count: int
    confidence: float


@dataclass(frozen=True, kw_only=True)
class _UnitRow:
    unit_id: str
    result: PublicResult


def analysis_content(asked: Asked, user: User, run: FromRun) -> StagedAnalysis:
    """The files of the analysis, with whom they identify. InputError when the run has nothing of what is asked."""
    public = _public(asked, run)
    rows = list(_unit_rows(public, run.units))
    if asked.kind == "npa_patient_identifiable":
        files, shown = _of_persons(run), [Shown(members=frozenset({user.unit_id}), is_named=True)]
    elif asked.rows == "units":
        files, shown = pages.unit_files(public.results), [*_named(rows), *_benchmarked(rows, run)]
    else:
        pooled = list(_pooled(asked, rows))
        files, shown = pages.pooled_files([row for row, _ in pooled]), [one for _, one in pooled]
    files |= _papers(asked, user, run, public)
    found = identified(shown, solo=run.solo, mentioned=mentioned(files, run.units))
    first_days, last_days = [row.period_start for row in public.results], [row.period_end for row in public.results]
    return StagedAnalysis(
        analysis_id=asked.analysis_id,
        kind=asked.kind,
        run_id=asked.run_id,
        party_id=asked.party_id,
        files=files,
        identified={unit_id: tuple(sorted(hows)) for unit_id, hows in found.items()},
        own=_own(found, rows, run),
        methods=pages.methods_text(_measures(asked, run)),
        persons=() if run.patients is None else tuple(run.patients.rows["person_id"]),
        measures={one.measure_id: one.name for one in _measures(asked, run)},
        areas=tuple(sorted(asked.areas)) or _counties(public),
        period_start=min(first_days),
        period_end=max(last_days),
        cells_checked=public.cells_checked,
        cells_hidden=public.cells_hidden,
        findings=len(public.findings),
    )


def _public(asked: Asked, run: FromRun) -> PublicRelease:
    """The chosen results under the protection of the public files."""
    inside = [
        unit_id
        for unit_id, county in run.units.select("unit_id", "county_fips").unique().rows()
        if is_inside(county, asked.areas) and (not asked.units or unit_id in asked.units)
    ]
    chosen = run.results.filter(
        pl.col("measure_id").is_in(list(asked.measures))
        & pl.col("provider_id").is_in(sorted(inside))
        & (pl.col("level").is_in(list(asked.levels)) if asked.levels else pl.lit(True))
    )
    public = for_public(
        chosen, measures=run.measures, units=run.units, min_count=run.min_count, confidence=run.confidence
    )
    if not public.results:
        raise InputError(
            "the run has no result of these measures, levels, areas and units", remedy="`qe measures list` names them."
        )
    return public


def is_inside(county: str | None, areas: Sequence[str]) -> bool:
    """Whether a county (FIPS) lies in one of the areas: states (OH or 39) or counties (39049). Of no areas everything is inside."""
    codes = tuple(STATES.get(area, area) for area in areas)
    return not codes or (county or "").startswith(codes)


def _counties(public: PublicRelease) -> tuple[str, ...]:
    """The counties of the rows, where no areas were asked for; "unknown" stands for rows without one."""
    return tuple(sorted({row.area or "unknown" for row in public.results}))


def _unit_rows(public: PublicRelease, units: pl.DataFrame) -> Iterator[_UnitRow]:
    """Each row with the unit it is about; `for_public` names a group, or who is known by a TIN, by its unit id."""
    by_id = {
        (row["level"], shown): row["unit_id"]
        for row in units.iter_rows(named=True)
        for shown in (row["unit_id"], row["identifier"])
    }
    for result in public.results:
        yield _UnitRow(unit_id=by_id[result.level, result.public_id], result=result)


def _named(rows: Sequence[_UnitRow]) -> list[Shown]:
    return [Shown(members=_members_of(row), is_named=row.result.level != "area") for row in rows]


def _members_of(row: _UnitRow) -> frozenset[str]:
    return frozenset() if row.result.level == "area" else frozenset({row.unit_id})


def _benchmarked(rows: Sequence[_UnitRow], run: FromRun) -> list[Shown]:
    """Peer aggregates beside the rows, and the rates of areas, by the units of the run behind them."""
    found = []
    for row in rows:
        if row.result.level == "area":
            found.append(Shown(members=_hospitals_of(row.result.area, run), is_named=False))
        elif row.result.benchmark is not None:
            found.append(Shown(members=_peers_of(row.result, run), is_named=False))
    return [one for one in found if one.members]


def _hospitals_of(area: str, run: FromRun) -> frozenset[str]:
    """The hospitals and facilities of an area that have results in the run: its rate is theirs where they are one or two."""
    there = run.units.filter((pl.col("level") == "facility") & (pl.col("county_fips") == area))["unit_id"]
    return frozenset(there) & frozenset(run.results["provider_id"])


def _peers_of(result: PublicResult, run: FromRun) -> frozenset[str]:
    """Who sets the aggregates of its peer group: the members with enough cases."""
    same = run.results.filter(
        (pl.col("measure_id") == result.measure_id)
        & (pl.col("level") == result.level)
        & (pl.col("payer_scope") == "all")
        & (pl.col("peer_group") == result.peer_group)
        & (pl.col("category") != "too_few")
    )
    return frozenset(same["provider_id"])


def _pooled(asked: Asked, rows: Sequence[_UnitRow]) -> Iterator[tuple[PooledResult, Shown]]:
    """One row an area or peer group, pooled from figures that unit rows would show: nothing can be told that they do not tell."""
    together: dict[tuple[str, str, str], list[_UnitRow]] = {}
    for row in rows:
        result = row.result
        if result.level != "area" and result.rate is not None and result.denominator is not None:
            group = result.area if asked.rows == "areas" else result.peer_group
            together.setdefault((result.measure_id, result.level, group), []).append(row)
    if not together:
        raise InputError(
            "no figure of these measures, levels and areas may be shown, so there is nothing to pool",
            remedy="Choose other measures or wider areas.",
        )
    for (measure_id, level, group), members in sorted(together.items()):
        first, cases = members[0].result, sum(int(one.result.denominator or 0) for one in members)
        weighted = sum(float(one.result.denominator or 0) * (one.result.rate or 0.0) for one in members)
        yield (
            PooledResult(
                measure_id=measure_id,
                measure_name=first.measure_name,
                level=level,
                grouped_by="area" if asked.rows == "areas" else "peer group",
                group=group,
                period_start=first.period_start,
                period_end=first.period_end,
                providers=len(members),
                denominator=cases,
                rate=round(weighted / cases, 3),
            ),
            Shown(members=frozenset(one.unit_id for one in members), is_named=False),
        )


def _of_persons(run: FromRun) -> dict[str, bytes]:
    if run.patients is None or run.patients.rows.is_empty():
        raise InputError(
            "no person behind these measures is a patient of the recipient on that day (42 CFR 401.703(r))",
            remedy="Choose other measures; without a visit in 24 months nobody can be in it.",
        )
    return pages.person_files(run.patients.rows.select(*PERSON_MEANINGS).rows())


def _papers(asked: Asked, user: User, run: FromRun, public: PublicRelease) -> dict[str, bytes]:
    measures = _measures(asked, run)
    summary = Summary(
        organisation=run.facts.organisation,
        contact=run.facts.contact,
        rehearsal=run.facts.rehearsal,
        analysis_id=asked.analysis_id,
        user=user.name,
        topic=asked.topic,
        purpose=asked.purpose,
        period_start=min(row.period_start for row in public.results),
        period_end=max(row.period_end for row in public.results),
        run_id=asked.run_id,
        measures=measures,
        tells=_tells(asked, run, public),
    )
    return {"summary.pdf": pages.summary_pdf(summary), "methods.md": pages.methods_text(measures).encode("utf-8")}


def _tells(asked: Asked, run: FromRun, public: PublicRelease) -> tuple[str, ...]:
    if run.patients is not None:
        told = run.patients
        return (
            f"patients.csv lists those of your own patients who are behind these measures and had a visit with you in the 24 "
            f"months before {wording.day(asked.release_on)}: {told.rows['person_id'].n_unique():,} persons.",
            f"Left out: {told.without_visit:,} persons without such a visit in the claims.",
        )
    shown = {
        "units": f"results.csv has one row for each provider or supplier and measure: {len(public.results):,} rows.",
        "areas": "results.csv has one row for each measure and area, pooled over the providers and suppliers there.",
        "peer_groups": "results.csv has one row for each measure and peer group, pooled over its members.",
    }
    return (shown[asked.rows], PROTECTION)


def _measures(asked: Asked, run: FromRun) -> tuple[MeasureFacts, ...]:
    return tuple(one for one in run.facts.measures if one.measure_id in asked.measures)


def _own(
    found: Mapping[str, frozenset[str]], rows: Sequence[_UnitRow], run: FromRun
) -> dict[str, tuple[dict[str, str], ...]]:
    """Of everybody identified, the rows that are about it, or about the practice through which it is identified."""
    own: dict[str, tuple[dict[str, str], ...]] = {}
    for unit_id in found:
        about = {unit_id} | (run.solo.get(unit_id, frozenset()) & found.keys())
        own[unit_id] = tuple(
            pages.own_row(row.result, with_benchmark=len(_peers_of(row.result, run)) >= SMALLEST_PEER_GROUP)
            for row in rows
            if row.unit_id in about
        )
    return own


def covered(facts: ReportFacts, results: pl.DataFrame, measures: Sequence[str]) -> tuple[date, date]:
    """First and last day that these measures cover in the run. InputError for a measure that the run does not have."""
    of_them = results.filter(pl.col("measure_id").is_in(list(measures)))
    if unknown := sorted(set(measures) - set(of_them["measure_id"])):
        known = ", ".join(one.measure_id for one in facts.measures)
        raise InputError(f"the run has no results of {', '.join(unknown)}", remedy=f"It has: {known}.")
    return of_them["period_start"].min(), of_them["period_end"].max()  # type: ignore[return-value]
