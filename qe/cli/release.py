"""`qe release plan | approve | go | withdraw | amend-posting`: what becomes public, when, and who approved it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from qe import runs, workflow
from qe.cli.ledger import ledger_of
from qe.cli.output import (
    ActorOption,
    AsOfOption,
    DryRunOption,
    JsonOption,
    Outcome,
    SiteOption,
    acting_day,
    command,
    utc_now,
)
from qe.cli.review import CycleOption, acting, held_since, unit_of
from qe.disclosure.results import PublicRelease
from qe.errors import InputError
from qe.ledger.event import LedgerEvent
from qe.ledger.fold import state_as_of
from qe.release import plan as planning
from qe.release import posting, publish
from qe.release import withdraw as withdrawing
from qe.release.artefact import telling
from qe.release.reissue import reissued_from
from qe.release.releases import When, moment
from qe.reports import wording
from qe.runs import Run
from qe.site import Site

app = typer.Typer(no_args_is_help=True, help="Public release of a cycle: plan, approve, go, withdraw, amend-posting.")

HERE = Path()


def _when(site: Site, as_of: datetime | None) -> When:
    return moment(site, on=acting_day(site, as_of), at=utc_now(), is_as_of=as_of is not None)


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
    with command("release plan", json=json) as outcome:
        opened = outcome.open_site(site)
        when = _when(opened, as_of)
        with runs.hold(opened, since=held_since()), acting(opened, actor, when.on, dry_run=dry_run):
            planned = planning.plan(
                opened, ledger_of(opened), cycle=cycle, when=when, build=_builder(opened), dry_run=dry_run
            )
        _tell_plan(outcome, planned, dry_run=dry_run)


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
    with command("release approve", json=json) as outcome:
        opened = outcome.open_site(site)
        when = _when(opened, as_of)
        with runs.hold(opened, since=held_since()), acting(opened, actor, when.on, dry_run=dry_run) as person:
            before = ledger_of(opened).head().seq
            staged, _ = planning.approve(
                opened, ledger_of(opened), cycle=cycle, when=when, actor=person, dry_run=dry_run
            )
            recorded = ledger_of(opened).head().seq - before
        outcome.data = {
            "release_id": staged.release_id,
            "sha256": staged.sha256,
            "cells_checked": staged.cells_checked,
            "cells_hidden": staged.cells_hidden,
            "findings": staged.findings,
            "recorded": recorded,
            "dry_run": dry_run,
        }
        said = "would approve" if dry_run else "Approved" if recorded else "Already approved:"
        outcome.say(f"{said} release {staged.release_id}, sha256 {staged.sha256}")


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
    with command("release go", json=json) as outcome:
        opened = outcome.open_site(site)
        when = _when(opened, as_of)
        with runs.hold(opened, since=held_since()), acting(opened, actor, when.on, dry_run=dry_run) as person:
            if known := publish.already_public(opened, ledger_of(opened), cycle=cycle, when=when):
                _tell_public(outcome, known, when=when, dry_run=dry_run)
                return
            staged, decision = publish.decide_go(opened, ledger_of(opened), cycle=cycle, when=when)
            outcome.judged(decision.reasons, dry_run=dry_run)
            publish.require_allowed(staged, decision)
            outcome.data = {"release_id": decision.artefact.release_id, "on": when.on.isoformat(), "dry_run": dry_run}
            if dry_run:
                outcome.say(f"would publish {decision.artefact.release_id}")
                return
            folder = publish.go(opened, ledger_of(opened), staged=staged, decision=decision, when=when, actor=person)
        outcome.data |= {"folder": str(folder), "sha256": decision.artefact.sha256}
        outcome.say(f"Published {decision.artefact.release_id}: {folder}")


def _tell_public(outcome: Outcome, known: LedgerEvent, *, when: When, dry_run: bool) -> None:
    release_id, since = known.text("release_id"), known.effective_on
    outcome.data = {
        "release_id": release_id,
        "on": when.on.isoformat(),
        "public_since": since.isoformat(),
        "dry_run": dry_run,
    }
    outcome.say(f"{release_id} is public since {since}, and nothing more is staged; nothing was changed.")
    outcome.say(f"A further part is staged by qe release plan --cycle {known.text('cycle')}")


@app.command()
def withdraw(
    cycle: CycleOption,
    release: Annotated[
        str | None, typer.Option("--release", help="The release id; default: the cycle's last release.")
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
    why: Annotated[withdrawing.Why, typer.Option("--why")] = "error_found",
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Take a release down at once; a public note stands in its place. What was wrong in it returns no more as it was."""
    with command("release withdraw", json=json) as outcome:
        opened = outcome.open_site(site)
        when = _when(opened, as_of)
        with runs.hold(opened, since=held_since()), acting(opened, actor, when.on, dry_run=dry_run) as person:
            released = [
                event.text("release_id")
                for event in ledger_of(opened).events()
                if event.kind == "public_released" and event.text("cycle") == cycle
            ]
            if not released:
                raise InputError(f"nothing of cycle {cycle} was released")
            head = ledger_of(opened).head().seq
            units = [unit_of(opened, cycle, when.on, one) for one in provider or []]
            if reissued:
                units += _issued_again(opened, released=release or released[-1], cycle=cycle, when=when)
            asked = withdrawing.Asked(
                release_id=release or released[-1],
                why=why,
                units=tuple(sorted({*units})),
                measures=tuple(sorted({*(measure or [])})),
            )
            withdrawn = withdrawing.withdraw(
                opened,
                ledger_of(opened),
                asked,
                when=when,
                actor=person,
                dry_run=dry_run,
            )
            recorded = ledger_of(opened).head().seq - head
        _tell_withdrawal(outcome, withdrawn, cycle=cycle, recorded=recorded, dry_run=dry_run)


def _tell_withdrawal(
    outcome: Outcome, withdrawn: withdrawing.Withdrawal, *, cycle: str, recorded: int, dry_run: bool
) -> None:
    outcome.data = {
        "release_id": withdrawn.release_id,
        "why": withdrawn.why,
        "units": list(withdrawn.units),
        "measures": list(withdrawn.measures),
        "others": list(withdrawn.others),
        "withdrawn_on": withdrawn.on.isoformat(),
        "was_down": withdrawn.was_down,
        "recorded": recorded,
        "folder": str(withdrawn.folder),
        "dry_run": dry_run,
    }
    if withdrawn.was_down:
        since = f"{withdrawn.release_id} is down already since {withdrawn.on}"
        outcome.say(f"{since} ({wording.withdrawal(withdrawn.why)}); nothing was changed.")
    else:
        outcome.say(f"{'would take' if dry_run else 'Took'} down {withdrawn.release_id}; a note stands in its place.")
        what = f" of {', '.join(withdrawn.measures)}" if withdrawn.measures else ""
        outcome.say(
            f"The results{what} of {len(withdrawn.units):,} are held back until they are corrected, issued again, or "
            "the withdrawal is ended (qe record withdrawal_ended)."
        )
    if withdrawn.others or withdrawn.measures:
        outcome.say(f"The other results may return at once: qe release plan --cycle {cycle}, approve and go.")


def _issued_again(site: Site, *, released: str, cycle: str, when: When) -> Sequence[str]:
    """The units of a release whose figures are issued again; InputError where there are none."""
    facts = state_as_of(ledger_of(site), when.on)
    in_it = {unit_id for event in facts.of("public_released", release_id=released) for unit_id in event.texts("units")}
    if not (units := sorted(in_it & reissued_from(facts, cycle).keys())):
        raise InputError(f"nobody's figures of {released} are issued again", remedy="Name whose results: --provider.")
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
    with command("release amend-posting", json=json) as outcome:
        opened = outcome.open_site(site)
        when = _when(opened, as_of)
        with runs.hold(opened, since=held_since()), acting(opened, actor, when.on, dry_run=dry_run) as person:
            planned = posting.plan_amendments(
                opened, ledger_of(opened), cycle=cycle, when=when, build=_posting_builder(opened)
            )
            if not dry_run:
                posting.amend(planned, opened, ledger_of(opened), when=when, actor=person)
        _tell_amendments(outcome, planned, dry_run=dry_run)


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
