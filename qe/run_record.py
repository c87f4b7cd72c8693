"""What a finished run keeps: result tables, the facts its pages quote, and the manifest of all it was made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import TypeAdapter

from qe import __version__
from qe.claims.load import ClaimsModel
from qe.corrections.apply import NOTHING_DECIDED, outcomes
from qe.corrections.record import Correction
from qe.errors import Findings, MeasureError
from qe.ledger.fold import Facts
from qe.measurement import value_sets
from qe.measurement.compute import MeasureEvents
from qe.measurement.facts import Scoring, ScoringModel
from qe.measurement.measure import Module
from qe.measurement.unit_counts import unit_counts
from qe.periods import ReportingPeriod
from qe.release.lineage import LineageSource, MeasureAtLevel, RunLineage
from qe.reports.facts import MeasureFacts, ReportFacts, SourceFacts
from qe.runs import Run, RunInputs, deciding_settings, file_sha256, lock_sha256, write_aside
from qe.site import CLAIMS_KINDS, Site
from qe.sources.manifest import StagedFile
from qe.statistics.reference import from_json, to_json
from qe.statistics.rescore import SentRun
from qe.statistics.results import write_results
from qe.statistics.score import Scored

FACTS_FILE = "facts.json"
REFERENCE_FILE = "reference.json"  # beside the tables of results
REPORT_FACTS = TypeAdapter(ReportFacts)
# Where files lie decides no number, and the dates of a report stand on its first page.
SETTINGS_NOT_PRINTED = ("sources", "measures.folders", "measures.lists", "review.send_on", "review.public_on")


@dataclass(frozen=True, kw_only=True)
class ScoredModule:
    """One module's events and scores. decided: what corrections decided of its events (corrections.apply.DECIDED)."""

    events: MeasureEvents
    scored: Scored
    detail_sha256: str
    decided: pl.DataFrame


def run_inputs(
    site: Site, staged: Sequence[StagedFile], modules: Sequence[Module], period: ReportingPeriod, *, decisions: str
) -> RunInputs:
    """All that decides the numbers of this run."""
    return RunInputs(
        inputs=tuple(sorted({*_received(staged), *_manifests(staged)})),
        measures=tuple((module.id, module.version, _definition(site, module)) for module in modules),
        measure_ids=tuple(sorted(measure for module in modules for measure in module.measure_ids)),
        decisions=decisions,
        period=period,
        settings=deciding_settings(site),
    )


def _definition(site: Site, module: Module) -> str:
    """The digest of a module's folder, and of the licensed lists that the site gives it: other codes are another run."""
    given = value_sets.licensed_sha256(module, licensed=site.licensed_lists)
    return "+".join([module.sha256, *(f"{name}:{digest}" for name, digest in given.items())])


def _received(staged: Sequence[StagedFile]) -> set[tuple[str, str]]:
    return {(one.file.source_id, one.file.sha256) for one in staged}


def _manifests(staged: Sequence[StagedFile]) -> set[tuple[str, str]]:
    """What deliveries say of themselves decides which files stand, and is an input like them."""
    return {(one.file.source_id, one.file.manifest) for one in staged if one.file.manifest is not None}


def keep(
    run: Run,
    modules: Sequence[ScoredModule],
    *,
    reconciliation: pl.DataFrame,
    model: ClaimsModel,
    units: pl.DataFrame,
    checked: Mapping[str, pl.DataFrame],
) -> None:
    """Write the tables of contracts.md section 5 and the frozen reference under results/: the same run writes the same bytes.

    checked  quality_checks and quality_volumes: what the data-quality checks found
    """
    tables = {
        "measure_results": pl.concat([module.scored.results for module in modules]).sort(
            "measure_id", "level", "provider_id", "payer_scope"
        ),
        "model": pl.concat([module.scored.model for module in modules]),
        "reference_draws": pl.concat([module.scored.draws for module in modules]).sort("measure_id", "cohort", "draw"),
        "waterfall": pl.concat([module.events.waterfall for module in modules]),
        "source_reconciliation": reconciliation,
        "source_claims": model.source_claims,
        "unresolved_unit": model.unresolved_units,
        "unit": public_units(units),
        "unit_count": pl.concat([unit_counts(module.events) for module in modules]),
        **checked,
    }
    strangers = set(tables["measure_results"]["provider_id"]) - set(tables["unit"]["unit_id"])
    if strangers:
        raise Findings(
            f"{len(strangers)} results are about something that is no unit of the claims model",
            remedy="An attribution must give unit ids: see the measures that this site has added. No result was written.",
        )
    for name, table in tables.items():
        write_results(table, run.results / f"{name}.parquet")
    references = (one for module in modules for one in module.scored.references)
    write_aside(run.results / REFERENCE_FILE, to_json(tuple(sorted(references, key=lambda one: one.measure_id))))


def sent_run(run: Run, learnt: Mapping[str, Mapping[str, pl.DataFrame]]) -> SentRun:
    """What a finished run keeps of its scoring, for one provider to be scored again by it. MeasureError: it keeps none.

    learnt  by module, of its encrypted detail (detail.read_learnt)
    """
    if not (run.results / REFERENCE_FILE).exists():
        raise MeasureError(
            f"run {run.run_id} kept no reference to correct by", remedy="Run again and re-issue the reports."
        )
    return SentRun(
        references=from_json((run.results / REFERENCE_FILE).read_bytes()),
        draws=pl.read_parquet(results_path(run, "reference_draws")),
        results=pl.read_parquet(results_path(run, "measure_results")),
        units=pl.read_parquet(results_path(run, "unit")),
        learnt=learnt,
    )


def public_units(units: pl.DataFrame) -> pl.DataFrame:
    """One row a unit, as public pages may name it: a group by its unit id, never by a TIN (it may be an SSN)."""
    shown = pl.when(pl.col("id_type") == "TIN").then(pl.col("unit_id")).otherwise(pl.col("identifier"))
    return units.with_columns(identifier=shown).sort("unit_id", "level")


def manifest(
    site: Site,
    run: Run,
    inputs: RunInputs,
    staged: Sequence[StagedFile],
    modules: Sequence[ScoredModule],
    model: ClaimsModel,
    corrections: Sequence[Correction],
) -> dict[str, Any]:
    """Everything the run was made from and the digest of everything it wrote; no time, host or path."""
    return {
        "run_id": run.run_id,
        "software": __version__,
        "lock_sha256": lock_sha256(),
        "period": {
            "label": inputs.period.label,
            "start": inputs.period.start,
            "end": inputs.period.end,
            "run_out_days": inputs.period.run_out_days,
        },
        "inputs": [
            {
                "source_id": file.file.source_id,
                "file": file.file.place,
                "sha256": file.file.sha256,
                "layout": file.file.layout,
            }
            for file in sorted(staged, key=lambda one: (one.file.source_id, one.file.place))
        ],
        "measures": [
            {
                "module": one.events.module.id,
                "version": one.events.module.version,
                "sha256": one.events.module.sha256,
                "licensed_lists": value_sets.licensed_sha256(one.events.module, licensed=site.licensed_lists),
                "period_start": one.events.period.start,
                "period_end": one.events.period.end,
                "parameters": {name: str(value) for name, value in one.events.parameters.items()},
                "attribution": one.events.attribution_method,
                "kind": one.events.kind,
                "deviations": list(one.events.deviations),
            }
            for one in modules
        ],
        "corrections": corrections_applied(corrections, modules),
        "settings": deciding_settings(site),
        "linkage": dict(linkage_rows(model)),
        "claims_model": model.key_digest,
        "data_through": model.data_through or inputs.period.end,
        "results_sha256": {path.name: file_sha256(path) for path in sorted(run.results.glob("*"))},
        "detail_content_sha256": {one.events.module.id: one.detail_sha256 for one in modules},
    }


def corrections_applied(corrections: Sequence[Correction], modules: Sequence[ScoredModule]) -> list[dict[str, Any]]:
    """Each correction in force with what became of its lines: codes, digests and counts alone."""
    decided = outcomes(pl.concat([NOTHING_DECIDED, *(module.decided for module in modules)]))
    return [
        {
            "correction_id": one.correction_id,
            "record_sha256": one.record_sha256,
            "outcomes": [
                {"line": line, "outcome": outcome, "events": events}
                for (correction_id, line), found in sorted(decided.items())
                for outcome, events in sorted(found.items())
                if correction_id == one.correction_id
            ],
        }
        for one in corrections
    ]


def linkage_rows(model: ClaimsModel) -> tuple[tuple[str, int], ...]:
    """The linkage report as (what, persons) rows for the methods page."""
    methods = model.linkage.by_method
    linked = tuple((f"linked by {method}", persons) for method, persons in methods.items() if method != "own")
    return (
        ("persons", model.counts["persons"]),
        *linked,
        ("left to review", model.linkage.to_review),
        ("second ids of one person", sum(source.two_ids for source in model.linkage.sources)),
    )


def report_facts(
    site: Site,
    run: Run,
    period: ReportingPeriod,
    staged: Sequence[StagedFile],
    modules: Sequence[ScoredModule],
    model: ClaimsModel,
) -> ReportFacts:
    """What every page of this run quotes. Cycle and approval dates are the ledger's: see `facts_of`."""
    return ReportFacts(
        organisation=site.settings.entity.organisation,
        contact=site.settings.entity.contact,
        rehearsal=site.settings.site.rehearsal,
        areas=tuple(site.settings.entity.areas),
        period=period,
        cycle="",
        run_id=run.run_id,
        software_version=__version__,
        data_through=model.data_through or period.end,
        measures=tuple(facts for one in modules for facts in measure_facts(one)),
        sources=source_facts(site, staged),
        inputs_sha256={f"{file.file.source_id}/{file.file.place}": file.file.sha256 for file in staged},
        linkage=linkage_rows(model),
        settings=printed_settings(site),
        model=tuple(
            (row["measure_id"], row["cohort"] or "", row["term"], row["estimate"], row["std_error"])
            for one in modules
            for row in one.scored.model.iter_rows(named=True)
        ),
    )


def measure_facts(one: ScoredModule) -> list[MeasureFacts]:
    """One entry a published measure of the module."""
    facts = one.events.module.facts
    scoring = facts.scoring
    return [
        MeasureFacts(
            measure_id=measure.id,
            module=facts.id,
            version=facts.version,
            name=measure.name,
            category=measure.category,
            why_it_matters=facts.why_it_matters,
            direction=facts.direction,
            kind=facts.kind,
            unit=facts.unit,
            per=measure.per,
            dollars=measure.dollars,
            composite_of=measure.composite_of,
            quotient=measure.quotient,
            standing="standard" if one.events.kind == "standard" else "alternative",
            deviations=tuple(one.events.deviations),
            steward=facts.steward,
            specification=facts.specification,
            classes=tuple(facts.classes),
            attribution=f"{facts.attribution.method}, {facts.attribution.timing}",
            attribution_method=one.events.attribution_method or "",
            risk_adjustment=_adjusted(scoring, one.scored.fitted[measure.id]),
            interval=scoring.interval,
            minimum_denominator=facts.publish.min_denominator,
            method=one.events.module.method,
            approved_on=None,
        )
        for measure in facts.measures
    ]


def _adjusted(scoring: Scoring, model: ScoringModel) -> str:
    """The model that was fitted, and its covariates: with few hospitals it is not the one with an effect of each."""
    if model == "none":
        return scoring.reason_if_none
    return f"{model}: {', '.join(scoring.covariates)}" if scoring.covariates else model


def source_facts(site: Site, staged: Sequence[StagedFile]) -> tuple[SourceFacts, ...]:
    """Volumes of each source of claims data."""
    rows = []
    for source_id, source in sorted(site.settings.sources.items()):
        files = [file for file in staged if file.file.source_id == source_id]
        if source.kind in CLAIMS_KINDS:
            rows.append(
                SourceFacts(
                    source_id=source_id,
                    payer_type=source.payer_type or "",
                    files=len(files),
                    rows_read=sum(file.rows_read for file in files),
                    rows_quarantined=sum(file.rows_quarantined for file in files),
                    claims=sum(file.claims or 0 for file in files),
                )
            )
    return tuple(rows)


def printed_settings(site: Site) -> tuple[tuple[str, str], ...]:
    """Every setting in force that decides or hides a number, defaults included, as the methods page prints them."""
    tables = {**deciding_settings(site), "review": site.settings.review.model_dump(mode="json")}
    flat: list[tuple[str, str]] = []
    for table, content in sorted(tables.items()):
        for key, value in sorted(content.items()):
            name = f"{table}.{key}"
            if table not in SETTINGS_NOT_PRINTED and name not in SETTINGS_NOT_PRINTED:
                flat.append((name, _plain(value)))
    return tuple(flat)


def _plain(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(str(item) for item in value) or "none"
        case dict():
            return ", ".join(f"{key}: {item}" for key, item in value.items()) or "none"
        case None:
            return "not set"
        case _:
            return str(value)


def write_facts(run: Run, facts: ReportFacts) -> None:
    write_aside(run.folder / FACTS_FILE, REPORT_FACTS.dump_json(facts, indent=1) + b"\n")


def facts_of(run: Run, *, cycle: str, ledger_facts: Facts) -> ReportFacts:
    """The facts of a finished run, read from its own folder, with the cycle and the approval dates of the ledger."""
    facts = REPORT_FACTS.validate_json((run.folder / FACTS_FILE).read_bytes())
    approved = {
        event.text("measure_id"): date.fromisoformat(event.text("approved_on"))
        for event in ledger_facts.of("measure_approved")
    }
    measures = tuple(replace(measure, approved_on=approved.get(measure.measure_id)) for measure in facts.measures)
    return replace(facts, cycle=cycle, measures=measures)


def lineage(site: Site, run: Run, period: ReportingPeriod) -> RunLineage:
    """What the gate judges: the sources with their labels, the measures at their versions and levels, which are alternative."""
    results = pl.read_parquet(run.results / "measure_results.parquet")
    named = ("measure_id", "measure_version", "level")
    at_levels = results.group_by(named).agg((pl.col("kind") != "standard").any().alias("alternative")).sort(named)
    measures = {
        MeasureAtLevel(measure_id=measure_id, version=version, level=level): alternative
        for measure_id, version, level, alternative in at_levels.iter_rows()
    }
    return RunLineage(
        run_id=run.run_id,
        period=period.label,
        manifest_sha256=file_sha256(run.manifest_file),
        results_sha256=file_sha256(run.results / "measure_results.parquet"),
        sources=tuple(
            LineageSource(source_id=source_id, payer_type=source.payer_type or "", labels=tuple(source.labels))
            for source_id, source in sorted(site.settings.sources.items())
            if source.kind in CLAIMS_KINDS
        ),
        measures=tuple(measures),
        alternatives=frozenset(measure for measure, alternative in measures.items() if alternative),
    )


def results_path(run: Run, name: str) -> Path:
    return run.results / f"{name}.parquet"
