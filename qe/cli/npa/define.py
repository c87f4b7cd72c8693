"""`qe npa define`: an analysis, its staged bytes, and whom it identifies."""

from datetime import datetime
from typing import Annotated

import typer

from qe import runs, workflow
from qe.cli.acting import acting
from qe.cli.npa.options import HERE, AnalysisArgument, listed
from qe.cli.output import ActorOption, AsOfOption, DryRunOption, JsonOption, Outcome, SiteOption
from qe.errors import InputError
from qe.ledger.fold import Facts, state_as_of
from qe.providers import Level
from qe.release.analyses import define as defining
from qe.release.analyses.definition import AnalysisKind, Asked, Rows, user_of
from qe.release.reports_on_disk import find_unit
from qe.site import Site


def define(
    analysis_id: AnalysisArgument,
    party: Annotated[str, typer.Option("--party", help="The authorized user, as it is on record.")],
    measures: Annotated[str, typer.Option("--measures", help="Measure ids, by commas.")],
    topic: Annotated[str, typer.Option("--topic", help="Its topic; it stands in the notices. Name nobody.")],
    purpose: Annotated[str, typer.Option("--purpose", help="What the user will use it for.")],
    release_on: Annotated[
        datetime, typer.Option("--release-on", formats=["%Y-%m-%d"], help="The day for which it is made.")
    ],
    kind: Annotated[AnalysisKind, typer.Option("--kind", help="De-identified, or with persons.")] = "npa_deid",
    rows: Annotated[Rows, typer.Option("--rows", help="One row a provider, or pooled.")] = "units",
    levels: Annotated[str | None, typer.Option("--levels", help="clinician, group, facility, area; by commas.")] = None,
    areas: Annotated[
        str | None, typer.Option("--areas", help="States or counties (OH, 39 or 39049), by commas.")
    ] = None,
    units: Annotated[str | None, typer.Option("--units", help="Only these: unit ids, NPIs or CCNs.")] = None,
    fee: Annotated[int, typer.Option("--fee", min=0, help="The price asked, whole dollars.")] = 0,
    period: Annotated[str | None, typer.Option("--period", help="The reporting period, like 2025Q4.")] = None,
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Make an analysis from the last finished run of a period, stage its bytes, and say whom it identifies."""
    with acting("npa define", site=site, actor=actor, as_of=as_of, dry_run=dry_run, json=json) as act:
        facts = state_as_of(act.ledger, act.on)
        run_id = last_run(act.site, facts, period)
        asked = Asked(
            analysis_id=analysis_id,
            kind=kind,
            run_id=run_id,
            party_id=party,
            topic=topic,
            purpose=purpose,
            measures=listed(measures),
            levels=_levels(levels),
            areas=listed(areas),
            units=frozenset(find_unit(runs.run_of(act.site, run_id), one) for one in listed(units)),
            rows=rows,
            fee_dollars=fee,
            release_on=release_on.date(),
        )
        user = user_of(facts, party)
        defining.require_definable(facts, asked, user)
        staged = workflow.build_analysis(act.site, asked, user, on=act.on)
        defined = defining.define(
            act.site, act.ledger, facts, asked=asked, staged=staged, when=act.when, actor=act.person, dry_run=dry_run
        )
        _tell_defined(act.outcome, defined, dry_run=dry_run)


def last_run(site: Site, facts: Facts, period: str | None) -> str:
    """The last finished run of a period. InputError where there is none."""
    label = site.period(period).label
    finished = facts.of("run_completed", period=label)
    if not finished:
        raise InputError(f"no run of {label} is finished on {facts.on}", remedy="Run `qe run` first.")
    return finished[-1].text("run_id")


def _levels(text: str | None) -> tuple[Level, ...]:
    known: tuple[Level, ...] = ("clinician", "group", "facility", "area")
    given = listed(text)
    if strange := set(given) - set(known):
        raise InputError(f"{len(strange)} of the levels are unknown", remedy=f"Levels: {', '.join(known)}.")
    return tuple(level for level in known if level in given)


def _tell_defined(outcome: Outcome, defined: defining.Defined, *, dry_run: bool) -> None:
    staged = defined.staged
    outcome.data = {
        "analysis_id": staged.analysis_id,
        "kind": staged.kind,
        "run_id": staged.run_id,
        "party_id": staged.party_id,
        "sha256": staged.sha256,
        "files": sorted(staged.files),
        "identified": [{"unit_id": unit_id, "how": list(how)} for unit_id, how in staged.identified.items()],
        "persons": len(set(staged.persons)),
        "cells_checked": staged.cells_checked,
        "cells_hidden": staged.cells_hidden,
        "findings": staged.findings,
        "recorded": defined.is_new and not dry_run,
        "dry_run": dry_run,
    }
    said = "would define" if dry_run else "Defined" if defined.is_new else "Already defined:"
    outcome.say(f"{said} analysis {staged.analysis_id} for {staged.party_id}, sha256 {staged.sha256}")
    outcome.say(f"{staged.cells_hidden:,} rows are hidden; {staged.findings:,} cells could be narrowed down.")
    rows = [(unit_id, ", ".join(how)) for unit_id, how in staged.identified.items()]
    outcome.table(f"Identified: {len(rows):,} providers and suppliers", ["unit", "how"], rows)
