"""`qe check` and `qe run`: the analyst's main job."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from qe import quarter, store, workflow
from qe.claims import quality
from qe.claims.load import build_model
from qe.cli.acting import held
from qe.cli.output import (
    ActorOption,
    AsOfOption,
    DryRunOption,
    JsonOption,
    Outcome,
    SiteOption,
    TerminalProgress,
    acting_day,
    acting_person,
    command,
    tell_unresolved,
    utc_now,
)
from qe.errors import Fault, Findings, InputError, QeError
from qe.measurement import check as measure_check
from qe.measurement.catalogue import catalogue
from qe.measurement.list_coverage import open_slots
from qe.reports.quality_page import verdict
from qe.site import Site
from qe.sources.expected import expected_files, missing_faults
from qe.sources.manifest import StagedFile
from qe.sources.receive import receive

PeriodOption = Annotated[str | None, typer.Option("--period", help="The reporting quarter, like 2025Q4.")]


def check(
    what: Annotated[Literal["config", "sources", "measures", "all"], typer.Argument()] = "all",
    site: SiteOption = Path(),
    as_of: AsOfOption = None,
    json: JsonOption = False,
) -> None:
    """All faults at once: settings and keys, received files, measure folders."""
    with command(f"check {what}", json=json) as outcome:
        opened = outcome.open_site(site)
        outcome.data = {"checked": what, "site": opened.settings.site.name}
        faults: list[QeError] = []
        on = acting_day(opened, as_of)
        for name, examine in (
            ("config", _check_config),
            ("measures", _check_measures),
            ("sources", partial(_check_sources, outcome, on)),
        ):
            if what in (name, "all"):
                try:
                    outcome.say(examine(opened))
                except QeError as error:
                    faults.append(error)
        if faults:
            outcome.exit_code = max(error.exit_code for error in faults)
            outcome.faults += [fault for error in faults for fault in error.faults]


def _check_config(site: Site) -> str:
    keys = {"model": site.store_key(), "vault_stage": site.vault_key()}
    opened = 0
    for folder, key in keys.items():
        for path in sorted((site.store / folder).glob("*.duckdb"))[:1]:
            with store.open_encrypted(path, key, engine=site.engine(), read_only=True):
                opened += 1
    site.signing_key()
    for label in site.settings.periods:
        site.period(label)
    return f"qe.toml holds; {'both keys open the store' if opened == 2 else 'both keys can be read'}."


def _check_measures(site: Site) -> str:
    modules = catalogue(site.measure_folders)
    faults = [fault for module in modules for fault in measure_check.check(module, licensed=site.licensed_lists)]
    for module in modules:
        module.with_parameters(site.settings.measures.parameters(module.id))
    known = {module.id for module in modules}
    faults += [
        _unknown(f"measures.{name}", "measure module", known)
        for name in (site.settings.measures.model_extra or {})
        if name not in known
    ]
    published = {measure_id for module in modules for measure_id in module.measure_ids}
    faults += [
        _unknown(f"scoring.accept_calibration.{name}", "measure", published)
        for name in site.settings.scoring.accept_calibration
        if name not in published
    ]
    if faults:
        raise InputError.of(faults)
    slots = [sentence for module in modules for sentence in open_slots(module, licensed=site.licensed_lists)]
    return "\n".join([f"{len(modules)} measure modules hold.", *slots])


def _unknown(place: str, what: str, known: set[str]) -> Fault:
    return Fault(
        code="unknown-measure",
        message=f"qe.toml: {place} names no {what}; there are {', '.join(sorted(known))}",
        file="qe.toml",
        place=place,
    )


def _check_sources(outcome: Outcome, on: date, site: Site) -> str:
    """Files, then the claims model that `qe run` will find built, then its quality: told, and written as a page."""
    with held(site):
        keys = quarter.Keys(store=site.store_key(), vault=site.vault_key())
        progress = TerminalProgress()
        staged = receive(site, store_key=keys.store, vault_key=keys.vault, progress=progress)
        read = sum(one.rows_read for one in staged)
        quarantined = sum(one.rows_quarantined for one in staged)
        outcome.say(
            f"{len(staged)} files: {read:,} rows read, {read - quarantined:,} accepted, {quarantined:,} quarantined."
        )
        missing = _tell_expected(outcome, site, staged, on)
        model = build_model(site, staged, store_key=keys.store, vault_key=keys.vault, progress=progress)
        with quarter.examined_model(site, model, keys, progress) as (_, report):
            _tell_quality(outcome, site, report)
        tell_unresolved(outcome, model.unresolved_units)
    try:
        quality.require_none_stops(report.results)
    except Findings as stops:
        raise Findings.of([*missing, *stops.faults]) from None
    if missing:
        raise Findings.of(missing)
    return f"The quality page: {quarter.quality_page_path(site)}"


def _tell_expected(outcome: Outcome, site: Site, staged: Sequence[StagedFile], on: date) -> list[Fault]:
    """Which files are still to come, and what a later delivery replaces; the faults of those that are missing."""
    if replaced := sum(one.replaced_by is not None for one in staged):
        outcome.say(f"{replaced} of them are replaced by a later delivery.")
    expected = expected_files(
        staged,
        sources=site.settings.sources,
        periods=[site.period(label) for label in site.settings.periods],
        on=on,
    )
    outcome.data["expected_files"] = [
        {
            "source_id": one.source_id,
            "layout": one.layout,
            "period": one.period,
            "state": one.state,
            "due_on": one.due_on.isoformat(),
            "grace_until": one.grace_until.isoformat(),
        }
        for one in expected
    ]
    for one in expected:
        if one.state in ("expected", "late"):
            outcome.say(one.sentence)
    return missing_faults(expected)


def _tell_quality(outcome: Outcome, site: Site, report: quality.QualityReport) -> None:
    """What needs attention first, then counts; every check in the JSON object."""
    found = quality.statuses(report.results)
    attention = [one for one in report.results if one.status in ("stop", "warn")]
    outcome.data["quality"] = {
        "page": str(quarter.quality_page_path(site)),
        "compared_with": report.before_run or None,
        "counts": {"checks": sum(found.values()), **found},
        "checks": [quality.as_row(one) for one in report.results],
        "volumes": report.volumes.to_dicts(),
        "outside_period": report.outside.to_dicts(),
        "linkage": report.linkage.to_dicts(),
        "quarantine": report.quarantine.to_dicts(),
        "unresolved_facilities": dict(
            zip(("units", "stays", "allowed_amount"), report.unresolved, strict=True),
        ),
        "new_files": list(report.new_files),
        "files_gone": list(report.gone_files),
    }
    outcome.say(verdict(report.results))
    if attention:
        outcome.table(
            "Needs attention",
            ["verdict", "what", "where", "share", "threshold", "rows", "of"],
            [
                (
                    one.status,
                    one.check.type.title.removeprefix("share of "),
                    one.place,
                    f"{one.share:.2%}",
                    f"{one.threshold:.2%}",
                    f"{one.failing:,}",
                    f"{one.denominator:,}",
                )
                for one in attention
            ],
        )
    outcome.say(
        f"{sum(found.values()):,} checks: {found['pass']:,} pass, {found['warn']:,} warn, {found['stop']:,} stop,"
        f" {found['not_applicable']:,} not applicable."
    )
    if report.before is None:
        outcome.say("This is the first delivery: there is no earlier run to compare volumes with.")
    else:
        outcome.say(f"Volumes are compared with run {report.before_run}; {len(report.new_files)} files are new.")


def run(
    period: PeriodOption = None,
    measure: Annotated[list[str] | None, typer.Option("--measure", help="Only these measures or modules.")] = None,
    send_on: Annotated[
        datetime | None, typer.Option("--send-on", formats=["%Y-%m-%d"], help="The send date printed on the reports.")
    ] = None,
    reissue: Annotated[
        bool, typer.Option("--reissue", help="A new run of a sent quarter that applies the corrections upheld since.")
    ] = False,
    cycle: Annotated[
        str | None, typer.Option("--cycle", help="Only print the reports of this sent cycle again, from its own run.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on after an interruption (the default anyway).")] = False,
    explain_cache: Annotated[bool, typer.Option("--explain-cache", help="Say what was reused and why not.")] = False,
    site: SiteOption = Path(),
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Load, link, compute, score and render the confidential previews: the main job. Sends nothing."""
    with command("run", json=json) as outcome:
        opened = outcome.open_site(site)
        on = acting_day(opened, as_of)
        send_day = send_on.date() if send_on else opened.settings.review.send_on or on
        if send_day < on:
            raise InputError(
                f"--send-on {send_day} lies before {on}", remedy="Reports go out on the day of the run or later."
            )
        if cycle is not None:
            if reissue or measure or period:
                raise InputError(
                    "--cycle prints what was sent: nothing is computed",
                    remedy="Leave --reissue, --measure and --period out, or leave --cycle out.",
                )
            _print_again(outcome, opened, cycle, send_day, on, dry_run=dry_run)
            return
        chosen = opened.period(period)
        if dry_run:
            _check_config(opened)
            outcome.say(_check_measures(opened))
            outcome.say(f"would run {chosen.label} ({chosen.start} to {chosen.end}), reports to be sent on {send_day}")
            return
        with held(opened):
            made = workflow.prepare_confidential_reports(
                opened,
                chosen,
                send_on=send_day,
                measures=measure or [],
                on=on,
                at=utc_now(),
                actor=acting_person(actor),
                progress=TerminalProgress(),
                reissue=reissue,
            )
        _tell(outcome, opened, made, explain_cache=explain_cache)


def _print_again(outcome: Outcome, site: Site, cycle: str, send_on: date, on: date, *, dry_run: bool) -> None:
    if dry_run:
        outcome.say(f"would print the reports of {cycle} again, to be sent on {send_on}")
        return
    with held(site):
        made = workflow.print_again(site, cycle=cycle, send_on=send_on, on=on, progress=TerminalProgress())
    _tell(outcome, site, made, explain_cache=False)


def _tell(outcome: Outcome, site: Site, made: workflow.RunRecord, *, explain_cache: bool) -> None:
    folder = site.runs / made.run_id
    outcome.data = {
        "run_id": made.run_id,
        "cycle": made.cycle,
        "send_on": made.send_on.isoformat(),
        "results": str(folder / "results"),
        "reports": str(folder / "reports" / made.send_on.isoformat()),
        "reports_rendered": len(made.reports),
        "warnings": [warning.message for warning in made.warnings],
    }
    for warning in made.warnings:
        outcome.say(f"warning: {warning.sentence()}")
    if explain_cache:
        outcome.data["stages"] = [{"stage": stage, "state": state} for stage, state in made.stages]
        outcome.table("Stages", ["stage", "state"], made.stages)
    outcome.say(f"Run {made.run_id}, cycle {made.cycle}: {len(made.reports)} confidential reports in")
    outcome.say(f"  {folder / 'reports' / made.send_on.isoformat()}")
    outcome.say(f"Next: qe review send --cycle {made.cycle}")
