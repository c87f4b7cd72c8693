"""`qe release plan | approve | go | withdraw | amend-posting`: what becomes public, when, and who approved it."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from qe import workflow
from qe.cli.acting import acting
from qe.cli.output import ActorOption, AsOfOption, DryRunOption, JsonOption, Outcome, SiteOption
from qe.cli.review import CycleOption, unit_of
from qe.disclosure.results import PublicRelease
from qe.errors import InputError
from qe.ledger.event import LedgerEvent
from qe.ledger.fold import Facts, state_as_of
from qe.release import plan as planning
from qe.release import posting, publish
from qe.release import withdraw as withdrawing
from qe.release.artefact import telling
from qe.release.held_back import HOLDS_NOTHING, NEVER_PUBLIC, WRONG
from qe.release.reissue import reissued_from
from qe.release.releases import released_units
from qe.reports import wording
from qe.runs import Run
from qe.site import Site

app = typer.Typer(no_args_is_help=True, help="Public release of a cycle: plan, approve, go, withdraw, amend-posting.")

HERE = Path()


def _builder(site: Site) -> planning.PublicBuilder:
    """The public files of a frozen run, as the workflow makes them."""

    def build(
        *,
        run: Run,
        cycle: str,
        units: frozenset[str],
        published_on: date,
        posting: Sequence[tuple[str, str]],
        not_posted: Sequence[tuple[str, int]],
        withheld: frozenset[tuple[str, str]],
    ) -> tuple[PublicRelease, Mapping[str, bytes]]:
        return workflow.build_public(
            site,
            run_id=run.run_id,
            cycle=cycle,
            units=units,
            published_on=published_on,
            posting=tuple(posting),
            not_posted=tuple(not_posted),
            withheld=withheld,
        )

    return build


@app.command()
def plan(
    cycle: CycleOption,
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Stage the public files under store/staged/ and name every blocker, with paragraph and earliest date."""
    with acting("release plan", site=site, actor=actor, as_of=as_of, dry_run=dry_run, json=json) as act:
        withdrawing.finish_stopped(act.site, act.ledger, cycle=cycle, dry_run=dry_run)
        planned = planning.plan(
            act.site, act.ledger, cycle=cycle, when=act.when, build=_builder(act.site), dry_run=dry_run
        )
        _tell_plan(act.outcome, planned, dry_run=dry_run)


def _tell_plan(outcome: Outcome, planned: planning.ReleasePlan, *, dry_run: bool) -> None:
    decision = planned.decision
    outcome.judged(decision.reasons, dry_run=dry_run)
    outcome.data = {
        "release_id": planned.release_id,
        "cycle": planned.cycle,
        "run_id": planned.run_id,
        "public_on": planned.public_on.isoformat(),
        "allowed": decision.allowed,
        "staged_sha256": planned.staged.sha256 if planned.staged and not dry_run else None,
        "units": list(planned.units),
        "waiting": [
            {
                "unit_id": one.unit_id,
                "citation": one.citation,
                "why": one.why,
                "earliest": one.earliest.isoformat() if one.earliest else None,
            }
            for one in planned.waiting
        ],
        "cells_checked": planned.staged.cells_checked if planned.staged else 0,
        "cells_hidden": planned.staged.cells_hidden if planned.staged else 0,
        "findings": planned.staged.findings if planned.staged else 0,
    }
    outcome.say(f"Release {planned.release_id} of run {planned.run_id}, staged for {planned.public_on}.")
    outcome.say(f"{len(planned.units):,} providers and suppliers in it, {len(planned.waiting):,} left out.")
    if planned.staged and not dry_run:
        outcome.say(f"sha256 of the staged files: {planned.staged.sha256}")
    if planned.waiting:
        rows = [(one.unit_id, one.why, one.citation, one.earliest) for one in planned.waiting]
        outcome.table("Left out", ["unit", "why", "paragraph", "earliest"], rows)
    if decision.blockers:
        blocking = [(one.rule, one.fact, one.citation, one.earliest) for one in decision.blockers]
        outcome.table(f"Blockers on {decision.on}", ["rule", "why", "paragraph", "earliest"], blocking)
    else:
        outcome.say(f"Nothing stands against publication on {decision.on}: qe release go --cycle {planned.cycle}")


@app.command()
def approve(
    cycle: CycleOption,
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Approve exactly the staged files, after their cell check; outside a rehearsal not by who made the run."""
    with acting("release approve", site=site, actor=actor, as_of=as_of, dry_run=dry_run, json=json) as act:
        before = act.ledger.head().seq
        staged, _ = planning.approve(
            act.site, act.ledger, cycle=cycle, when=act.when, actor=act.person, dry_run=dry_run
        )
        recorded = act.ledger.head().seq - before
        act.outcome.data = {
            "release_id": staged.release_id,
            "sha256": staged.sha256,
            "cells_checked": staged.cells_checked,
            "cells_hidden": staged.cells_hidden,
            "findings": staged.findings,
            "recorded": recorded,
            "dry_run": dry_run,
        }
        said = "would approve" if dry_run else "Approved" if recorded else "Already approved:"
        act.outcome.say(f"{said} release {staged.release_id}, sha256 {staged.sha256}")


@app.command()
def go(
    cycle: CycleOption,
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Publish exactly the approved files, or refuse with all reasons (exit 3) and write nothing."""
    with acting("release go", site=site, actor=actor, as_of=as_of, dry_run=dry_run, json=json) as act:
        withdrawing.finish_stopped(act.site, act.ledger, cycle=cycle, dry_run=dry_run)
        if known := publish.already_public(act.site, act.ledger, cycle=cycle, when=act.when):
            _tell_public(act.outcome, known, on=act.on, dry_run=dry_run)
            return
        staged, decision = publish.decide_go(act.site, act.ledger, cycle=cycle, when=act.when)
        act.outcome.judged(decision.reasons, dry_run=dry_run)
        publish.require_allowed(act.ledger, staged, decision)
        act.outcome.data = {"release_id": decision.artefact.release_id, "on": act.on.isoformat(), "dry_run": dry_run}
        if dry_run:
            act.outcome.say(f"would publish {decision.artefact.release_id}")
            return
        folder = publish.go(act.site, act.ledger, staged=staged, decision=decision, when=act.when, actor=act.person)
        act.outcome.data |= {"folder": str(folder), "sha256": decision.artefact.sha256}
        act.outcome.say(f"Published {decision.artefact.release_id}: {folder}")


def _tell_public(outcome: Outcome, known: LedgerEvent, *, on: date, dry_run: bool) -> None:
    release_id, since = known.text("release_id"), known.effective_on
    outcome.data = {
        "release_id": release_id,
        "on": on.isoformat(),
        "public_since": since.isoformat(),
        "dry_run": dry_run,
    }
    outcome.say(f"{release_id} is public since {since}, and nothing more is staged; nothing was changed.")
    outcome.say(f"A further part is staged by qe release plan --cycle {known.text('cycle')}")


@app.command()
def withdraw(
    cycle: CycleOption,
    release: Annotated[
        str | None, typer.Option("--release", help="One release alone; default: all that show what is named.")
    ] = None,
    provider: Annotated[
        list[str] | None,
        typer.Option("--provider", help="Whose results are wrong: unit id, NPI or CCN, once for each; default: all."),
    ] = None,
    reissued: Annotated[
        bool, typer.Option("--reissued", help="The results of those whose figures are issued again in another cycle.")
    ] = False,
    measure: Annotated[
        list[str] | None, typer.Option("--measure", help="These measures alone, once for each; default: all.")
    ] = None,
    request: Annotated[
        str | None, typer.Option("--request", help="With --why request_upheld: the request that was upheld.")
    ] = None,
    why: Annotated[withdrawing.Why, typer.Option("--why")] = "error_found",
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Take a release down at once; a public note stands in its place. What was wrong in it returns no more as it was."""
    with acting("release withdraw", site=site, actor=actor, as_of=as_of, dry_run=dry_run, json=json) as act:
        withdrawing.finish_stopped(act.site, act.ledger, cycle=cycle, dry_run=dry_run)
        units = [unit_of(act.site, cycle, act.on, one) for one in provider or []]
        if reissued:
            units += _issued_again(state_as_of(act.ledger, act.on), cycle)
        asked = withdrawing.Asked(
            cycle=cycle,
            why=why,
            release_id=release or "",
            units=tuple(sorted({*units})),
            measures=tuple(sorted({*(measure or [])})),
            request_id=request or "",
        )
        planned = withdrawing.plan_withdrawal(act.site, act.ledger, asked, when=act.when)
        if not dry_run:
            withdrawing.withdraw(planned, act.site, act.ledger, when=act.when, actor=act.person)
        _tell_withdrawal(act.outcome, planned, dry_run=dry_run)


def _tell_withdrawal(outcome: Outcome, planned: withdrawing.WithdrawalPlan, *, dry_run: bool) -> None:
    asked, releases = planned.asked, planned.releases
    outcome.data = {
        "cycle": asked.cycle,
        "why": asked.why,
        "measures": list(asked.measures),
        "withdrawn": [
            {
                "release_id": one.release_id,
                "units": list(one.units),
                "others": list(one.others),
                "withdrawn_on": one.on.isoformat(),
                "first_reason": one.why,
                "was_done": one.was_done,
                "folder": str(one.folder),
            }
            for one in releases
        ],
        "recorded": sum(one.event is not None for one in releases),
        "dry_run": dry_run,
    }
    for one in releases:
        if one.was_done:
            since = f"{one.release_id} is down already since {one.on}"
            outcome.say(f"{since} ({wording.withdrawal(one.why)}); nothing was changed.")
        elif asked.why == NEVER_PUBLIC:
            outcome.say(f"{'would record' if dry_run else 'Recorded'}: {one.release_id} never became public.")
        elif one.is_down:
            outcome.say(f"{one.release_id} is down since {one.on}; what is withdrawn of it besides is recorded.")
        else:
            outcome.say(f"{'would take' if dry_run else 'Took'} down {one.release_id}; a note stands in its place.")
    if asked.why not in HOLDS_NOTHING and (new := [one for one in releases if one.event is not None]):
        what = f" of {', '.join(asked.measures)}" if asked.measures else ""
        whose = sum(len(one.units) for one in new)
        returns = "corrected, issued again, or once" if asked.why in WRONG else "once"
        outcome.say(f"The results{what} of {whose:,} return {returns} it is ended (qe record withdrawal_ended).")
    for cycle in sorted({one.cycle for one in releases if one.others or asked.why == NEVER_PUBLIC}):
        outcome.say(f"All else may be published at once: qe release plan --cycle {cycle}, approve and go.")


def _issued_again(facts: Facts, cycle: str) -> list[str]:
    """The units with public results of the cycle whose figures are issued again; InputError where there are none."""
    if not (units := sorted(released_units(facts, cycle) & reissued_from(facts, cycle).keys())):
        raise InputError(
            f"nobody's public figures of {cycle} are issued again", remedy="Name whose results: --provider."
        )
    return units


@app.command(name="amend-posting")
def amend_posting(
    cycle: CycleOption,
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Put the page of open requests beside the cycle's public results right, and nothing else (401.717(e))."""
    with acting("release amend-posting", site=site, actor=actor, as_of=as_of, dry_run=dry_run, json=json) as act:
        planned = posting.plan_amendments(
            act.site, act.ledger, cycle=cycle, when=act.when, build=_posting_builder(act.site)
        )
        if not dry_run:
            posting.amend(planned, act.site, act.ledger, when=act.when, actor=act.person)
        _tell_amendments(act.outcome, planned, dry_run=dry_run)


def _posting_builder(site: Site) -> posting.PostingBuilder:
    def build(
        *,
        run: Run,
        cycle: str,
        published_on: date,
        posting: Sequence[tuple[str, str]],
        not_posted: Sequence[tuple[str, int]],
        amended_on: date,
        supersedes: date,
    ) -> bytes:
        return workflow.build_posting(
            site,
            run_id=run.run_id,
            cycle=cycle,
            published_on=published_on,
            posting=tuple(posting),
            not_posted=tuple(not_posted),
            amended_on=amended_on,
            supersedes=supersedes,
        )

    return build


def _tell_amendments(outcome: Outcome, planned: posting.AmendmentPlan, *, dry_run: bool) -> None:
    outcome.judged(telling(one.decision for one in planned.amendments), dry_run=dry_run)
    outcome.data = {
        "cycle": planned.cycle,
        "amended": [
            {
                "release_id": one.release_id,
                "on": one.on.isoformat(),
                "supersedes": one.supersedes.isoformat(),
                "page_sha256": one.decision.artefact.sha256,
                **one.table.codes,
            }
            for one in planned.amendments
        ],
        "unchanged": list(planned.unchanged),
        "dry_run": dry_run,
    }
    for one in planned.amendments:
        said = f"{'would amend' if dry_run else 'Amended'} the posting of {one.release_id}"
        outcome.say(f"{said}: {len(one.table.posted)} posted, in place of the table of {one.supersedes}.")
    if not planned.amendments:
        outcome.say(f"The posting of {', '.join(planned.unchanged)} is the one that is owed; nothing was changed.")
