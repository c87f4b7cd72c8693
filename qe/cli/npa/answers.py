"""`qe npa opt-in | waive`: what a provider or supplier answered."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from qe.cli.acting import acting
from qe.cli.npa.options import HERE, AnalysisArgument, OneProviderOption, plain, unit_of
from qe.cli.output import ActorOption, AsOfOption, DryRunOption, JsonOption, SiteOption, utc_now
from qe.ledger.fold import state_as_of
from qe.release.analyses import answers
from qe.release.analyses.definition import analysis_of, user_of
from qe.release.handover import evidence_sha256
from qe.release.lineage import lineage_of, narrowed, run_of


def opt_in(
    analysis_id: AnalysisArgument,
    provider: OneProviderOption,
    on_day: Annotated[datetime, typer.Option("--on", formats=["%Y-%m-%d"], help="The day it counts from.")],
    evidence: Annotated[Path, typer.Option("--evidence", help="The letter or message; only its hash is recorded.")],
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Record an opt-in to review and correction, and say how many days it gives and what release date it moves."""
    with acting("npa opt-in", site=site, actor=actor, as_of=as_of, dry_run=dry_run, json=json, hold=False) as act:
        facts = state_as_of(act.ledger, act.on)
        analysis = analysis_of(facts, analysis_id)
        told = answers.opt_in(
            act.ledger,
            facts,
            analysis=analysis,
            lineage=narrowed(lineage_of(run_of(facts, analysis.run_id)), analysis.measures),
            user=user_of(facts, analysis.party_id),
            unit_id=unit_of(act.site, facts, analysis_id, provider),
            opted_in_on=on_day.date(),
            evidence_sha256=evidence_sha256(evidence),
            day_count=act.site.settings.review.day_count,
            at=utc_now(),
            actor=act.person,
            dry_run=dry_run,
        )
        act.outcome.data = {name: plain(value) for name, value in asdict(told).items()} | {"dry_run": dry_run}
        said = "would record" if dry_run else "Recorded" if told.is_new else "Already recorded"
        act.outcome.say(
            f"{said}: {told.unit_id} opted in on day {told.day}; it has {told.review_days} days for review."
        )
        if told.earliest > told.release_on:
            act.outcome.say(f"The release of {told.release_on} moves to {told.earliest} or later.")
        act.outcome.say(f"Nothing is released before its own extract is handed over: qe npa send {analysis_id}")


def waive(
    analysis_id: AnalysisArgument,
    provider: OneProviderOption,
    on_day: Annotated[datetime, typer.Option("--on", formats=["%Y-%m-%d"], help="The date of the writing.")],
    evidence: Annotated[Path, typer.Option("--evidence", help="The writing; only its hash is recorded.")],
    revoke: Annotated[bool, typer.Option("--revoke", help="The waiver is taken back.")] = False,
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Record that a provider waived its review of this analysis for this user, in writing; or, with --revoke, took it back."""
    with acting("npa waive", site=site, actor=actor, as_of=as_of, dry_run=dry_run, json=json, hold=False) as act:
        facts = state_as_of(act.ledger, act.on)
        analysis = analysis_of(facts, analysis_id)
        unit_id, day = unit_of(act.site, facts, analysis_id, provider), on_day.date()
        shown = evidence_sha256(evidence)
        if revoke:
            answers.revoke(
                act.ledger, facts, analysis=analysis, unit_id=unit_id, revoked_on=day, evidence_sha256=shown,
                at=utc_now(), actor=act.person, dry_run=dry_run,
            )  # fmt: skip
        else:
            answers.waive(
                act.ledger, facts, analysis=analysis, user=user_of(facts, analysis.party_id), unit_id=unit_id,
                waived_on=day, evidence_sha256=shown, at=utc_now(), actor=act.person, dry_run=dry_run,
            )  # fmt: skip
        act.outcome.data = {"analysis_id": analysis_id, "unit_id": unit_id, "revoked": revoke, "dry_run": dry_run}
        verb = "took its waiver back" if revoke else "waived its review"
        act.outcome.say(
            f"{'would record' if dry_run else 'Recorded'}: {unit_id} {verb}. Notices and waivers are not mixed."
        )
