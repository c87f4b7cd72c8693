"""`qe npa release | status`: the analysis handed over to its user, and what stands against it until then."""

from dataclasses import asdict
from typing import Annotated

import typer

from qe.cli.acting import Act, acting, looking
from qe.cli.npa.options import HERE, AnalysisArgument, matter_of, plain
from qe.cli.output import ActorOption, AsOfOption, DryRunOption, JsonOption, Outcome, SiteOption
from qe.ledger.fold import state_as_of
from qe.release.analyses import define as defining
from qe.release.analyses import disclosure
from qe.release.analyses.definition import analyses, analysis_of
from qe.release.analyses.status import AnalysisStatus, status_of
from qe.release.review import Clock


def release(
    analysis_id: AnalysisArgument,
    approve: Annotated[
        bool, typer.Option("--approve", help="Approve exactly the staged bytes, and release nothing.")
    ] = False,
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Hand exactly the approved bytes over to the user, or refuse with all reasons (exit 3) and write nothing."""
    with acting("npa release", site=site, actor=actor, as_of=as_of, dry_run=dry_run, json=json) as act:
        if approve:
            _approve(act, analysis_id)
            return
        planned = disclosure.plan_release(matter_of(act, analysis_id))
        decision = planned.decision
        act.outcome.data = {"analysis_id": analysis_id, "on": act.on.isoformat(), "dry_run": dry_run}
        if planned.is_done:
            released = planned.matter.analysis.disclosed
            act.outcome.data |= {"was_released": True}
            act.outcome.say(f"{analysis_id} was released on {released.effective_on if released else ''}.")
            return
        act.outcome.judged(decision.reasons, dry_run=dry_run)
        act.outcome.data |= {"allowed": decision.allowed, "sha256": decision.artefact.sha256}
        if planned.outgoing.contact is None:
            act.outcome.say("The user has no usable contact: a row of id_type PARTY in the contacts file (qe run).")
        if dry_run:
            decision.require(planned.outgoing.said)
            act.outcome.say(f"would release {analysis_id}")
            return
        finals = disclosure.release(planned, act.ledger, actor=act.person)
        act.outcome.data |= {
            "final_notices": [one.recipient.unit_id for one in finals.going],
            "not_sendable": [{"unit_id": unit_id, "why": why} for unit_id, why in finals.not_sendable],
        }
        act.outcome.say(f"Released {analysis_id}; {len(finals.going):,} final notices are in the outbox.")


def _approve(act: Act, analysis_id: str) -> None:
    staged, _ = defining.approve(
        act.site,
        act.ledger,
        state_as_of(act.ledger, act.on),
        analysis_id=analysis_id,
        when=act.when,
        actor=act.person,
        dry_run=act.dry_run,
    )
    act.outcome.data = {
        "analysis_id": analysis_id,
        "sha256": staged.sha256,
        "findings": staged.findings,
        "dry_run": act.dry_run,
    }
    said = "would approve" if act.dry_run else "Approved"
    act.outcome.say(f"{said} analysis {analysis_id}, sha256 {staged.sha256}")


def status(
    analysis_id: Annotated[str | None, typer.Argument(metavar="[ANALYSIS]", help="One of them.")] = None,
    site: SiteOption = HERE,
    as_of: AsOfOption = None,
    json: JsonOption = False,
) -> None:
    """Each analysis: notices, opt-ins, waivers, extracts unsent, which alternative holds or could, the earliest date."""
    with looking("npa status", site=site, as_of=as_of, json=json) as look:
        facts = state_as_of(look.ledger, look.on)
        clock = Clock(
            at=look.when.instant, zone=look.site.settings.site.zone, day_count=look.site.settings.review.day_count
        )
        wanted = analyses(facts) if analysis_id is None else (analysis_of(facts, analysis_id),)
        found = [status_of(facts, one, clock=clock) for one in wanted]
        look.outcome.data = {
            "on": look.on.isoformat(),
            "analyses": [{name: plain(value) for name, value in asdict(one).items()} for one in found],
        }
        if not found:
            look.outcome.say(f"No analysis was defined by {look.on}: qe npa define.")
        for one in found:
            _tell_status(look.outcome, one)


def _tell_status(outcome: Outcome, one: AnalysisStatus) -> None:
    outcome.say(f"{one.analysis_id} for {one.party_id}: {one.state}; {one.open_requests} open requests.")
    if one.released_on:
        outcome.say(f"Released on {one.released_on}.")
        return
    outcome.say(
        f"Alternative of 401.716(b)(4): {one.holds or 'none holds'}; earliest day: {one.earliest or 'not known'}."
    )
    for name, needs in one.could.items():
        outcome.say(f"  {name} needs {needs}")
    for said in one.against:
        outcome.say(f"  against it: {said}")
    rows = [tuple(asdict(named).values()) for named in one.named]
    heads = ["unit", "notice", "noticed on", "release told", "opted in on", "extract", "waived", "earliest"]
    outcome.table(f"Identified in {one.analysis_id}", heads, rows)
