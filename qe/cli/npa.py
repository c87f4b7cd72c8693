"""`qe npa define | notify | send | opt-in | waive | release | status`: non-public analyses (401.716, 401.717(f))."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Literal

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
from qe.cli.review import acting, held_since
from qe.errors import InputError
from qe.ledger.fold import Facts, state_as_of
from qe.providers import Level
from qe.release.analyses import answers, disclosure, extracts, handover, notices
from qe.release.analyses import define as defining
from qe.release.analyses.definition import AnalysisKind, Asked, Rows, analyses, analysis_of, user_of
from qe.release.analyses.matter import Matter, open_matter
from qe.release.analyses.sends import What
from qe.release.analyses.status import AnalysisStatus, status_of
from qe.release.artefact import Decision, telling
from qe.release.contacts import contacts_of
from qe.release.handover import HandOver, evidence_sha256, read_batch
from qe.release.lineage import lineage_of, narrowed, run_of
from qe.release.outgoing import Outgoing
from qe.release.releases import When, moment
from qe.release.reports_on_disk import find_unit
from qe.release.review import Clock
from qe.site import Site

app = typer.Typer(
    no_args_is_help=True,
    help="Non-public analyses: define, notify those named, their answers and own extracts, release, status.",
)

HERE = Path()
AnalysisArgument = Annotated[str, typer.Argument(metavar="ANALYSIS", help="Its id, of your own.")]
ProviderOption = Annotated[str | None, typer.Option("--provider", help="One unit: its unit id, NPI or CCN.")]
OneProviderOption = Annotated[str, typer.Option("--provider", help="One unit: its unit id, NPI or CCN.")]
OnOption = Annotated[datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="The day that counts.")]
EvidenceOption = Annotated[Path | None, typer.Option("--evidence", help="What shows it; only its hash is recorded.")]
BatchOption = Annotated[Path | None, typer.Option("--batch", help="With --confirm: CSV with unit_id, on, evidence.")]
ConfirmOption = Annotated[bool, typer.Option("--confirm", help="Record a hand-over, with its day and evidence.")]
ReturnedOption = Annotated[
    Literal["returned", "refused", "wrong_recipient", "unreadable", "unreachable"] | None,
    typer.Option("--returned", help="Record that it came back, and why."),
]


def moment_of(site: Site, as_of: datetime | None) -> When:
    """The moment of a command: now, or as of the day that a rehearsal names."""
    return moment(site, on=acting_day(site, as_of), at=utc_now(), is_as_of=as_of is not None)


def _matter(site: Site, analysis_id: str, when: When) -> Matter:
    contacts = contacts_of(site, key=site.vault_key(), on=when.on)
    return open_matter(site, ledger_of(site), analysis_id=analysis_id, contacts=contacts, when=when)


def _unit_of(site: Site, facts: Facts, analysis_id: str, given: str) -> str:
    return find_unit(runs.run_of(site, analysis_of(facts, analysis_id).run_id), given)


def listed(text: str | None) -> tuple[str, ...]:
    """The parts of an option that names several, by commas."""
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


@app.command()
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
    with command("npa define", json=json) as outcome:
        opened = outcome.open_site(site)
        when = moment_of(opened, as_of)
        with runs.hold(opened, since=held_since()), acting(opened, actor, when.on, dry_run=dry_run) as person:
            ledger = ledger_of(opened)
            facts = state_as_of(ledger, when.on)
            run_id = last_run(opened, facts, period)
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
                units=frozenset(find_unit(runs.run_of(opened, run_id), one) for one in listed(units)),
                rows=rows,
                fee_dollars=fee,
                release_on=release_on.date(),
            )
            user = user_of(facts, party)
            defining.require_definable(facts, asked, user)
            staged = workflow.build_analysis(opened, asked, user, on=when.on)
            defined = defining.define(
                opened, ledger, facts, asked=asked, staged=staged, when=when, actor=person, dry_run=dry_run
            )
        _tell_defined(outcome, defined, dry_run=dry_run)


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


@app.command()
def notify(
    analysis_id: AnalysisArgument,
    release_on: Annotated[
        datetime | None,
        typer.Option("--release-on", formats=["%Y-%m-%d"], help="The release date told: 66 days ahead or more."),
    ] = None,
    provider: ProviderOption = None,
    confirm: ConfirmOption = False,
    returned: ReturnedOption = None,
    batch: BatchOption = None,
    on_day: OnOption = None,
    evidence: EvidenceOption = None,
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Put the notices into the outbox; with --confirm record their hand-over, with --returned that one came back."""
    with command("npa notify", json=json) as outcome:
        opened = outcome.open_site(site)
        when = moment_of(opened, as_of)
        with runs.hold(opened, since=held_since()), acting(opened, actor, when.on, dry_run=dry_run) as person:
            if confirm or returned is not None:
                _hand_over(
                    outcome, opened, analysis_id, "notice", when=when, actor=person, dry_run=dry_run, provider=provider,
                    returned=returned, batch=batch, on=on_day, evidence=evidence,
                )  # fmt: skip
                return
            if release_on is None:
                raise InputError("the release date is missing", remedy="Give --release-on DATE.")
            matter = _matter(opened, analysis_id, when)
            only = None if provider is None else _unit_of(opened, matter.facts, analysis_id, provider)
            planned = notices.plan_notices(matter, release_on=release_on.date(), only=only)
            _tell_sending(
                outcome, "notices", planned.going, planned.already_told, planned.not_sendable, dry_run=dry_run
            )
            outcome.data |= {"analysis_id": analysis_id, "release_on": planned.release_on.isoformat()}
            outcome.judged(telling(planned.decisions), dry_run=dry_run)
            _require_all(planned.going, planned.decisions)
            if not dry_run:
                notices.send_notices(planned, ledger_of(opened), actor=person)


@app.command()
def send(
    analysis_id: AnalysisArgument,
    provider: ProviderOption = None,
    confirm: ConfirmOption = False,
    returned: ReturnedOption = None,
    batch: BatchOption = None,
    on_day: OnOption = None,
    evidence: EvidenceOption = None,
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Put own extracts into the outbox: for all who opted in, and for a --provider that asks; --confirm and --returned as above."""
    with command("npa send", json=json) as outcome:
        opened = outcome.open_site(site)
        when = moment_of(opened, as_of)
        with runs.hold(opened, since=held_since()), acting(opened, actor, when.on, dry_run=dry_run) as person:
            if confirm or returned is not None:
                _hand_over(
                    outcome, opened, analysis_id, "extract", when=when, actor=person, dry_run=dry_run, provider=provider,
                    returned=returned, batch=batch, on=on_day, evidence=evidence,
                )  # fmt: skip
                return
            matter = _matter(opened, analysis_id, when)
            asking = [] if provider is None else [_unit_of(opened, matter.facts, analysis_id, provider)]
            planned = extracts.plan_extracts(matter, asking=frozenset(asking))
            _tell_sending(
                outcome, "extracts", planned.going, planned.already_sent, planned.not_sendable, dry_run=dry_run
            )
            outcome.data |= {"analysis_id": analysis_id}
            outcome.judged(telling(planned.decisions), dry_run=dry_run)
            _require_all(planned.going, planned.decisions)
            if not dry_run:
                extracts.send_extracts(planned, ledger_of(opened), actor=person)


def _require_all(going: Sequence[Outgoing], decisions: Sequence[Decision]) -> None:
    for one, decision in zip(going, decisions, strict=True):
        decision.require(one.said)


def _tell_sending(
    outcome: Outcome,
    what: str,
    going: Sequence[Outgoing],
    already: Sequence[str],
    not_sendable: Sequence[tuple[str, str]],
    *,
    dry_run: bool,
) -> None:
    outcome.data = {
        "sent": [one.recipient.unit_id for one in going],
        "already_sent": list(already),
        "not_sendable": [{"unit_id": unit_id, "why": why} for unit_id, why in not_sendable],
        "dry_run": dry_run,
    }
    outcome.say(f"{'would put' if dry_run else 'Put'} {len(going):,} {what} into the outbox.")
    if already:
        outcome.say(f"{len(already):,} were sent before.")
    if not_sendable:
        outcome.table("Not sendable; the analysis waits for them", ["unit", "why"], not_sendable)
    outcome.say("Days count from the confirmed hand-over: --confirm.")


def _hand_over(
    outcome: Outcome,
    site: Site,
    analysis_id: str,
    what: What,
    *,
    when: When,
    actor: str,
    dry_run: bool,
    provider: str | None,
    returned: str | None,
    batch: Path | None,
    on: datetime | None,
    evidence: Path | None,
) -> None:
    ledger = ledger_of(site)
    facts = state_as_of(ledger, when.on)
    unit_id = None if provider is None else _unit_of(site, facts, analysis_id, provider)
    if returned is not None:
        if unit_id is None:
            raise InputError("a returned letter is that of one provider", remedy="--provider ID.")
        handover.returned(
            ledger, facts, analysis_id=analysis_id, what=what, unit_id=unit_id, why=returned, at=when.at, actor=actor,
            dry_run=dry_run,
        )  # fmt: skip
        outcome.data = {"analysis_id": analysis_id, "unit_id": unit_id, "why": returned, "dry_run": dry_run}
        outcome.say(f"{'would record' if dry_run else 'Recorded'}: the {what} of {unit_id} came back ({returned}).")
        return
    handed = _hand_overs(unit_id, batch, on, evidence)
    handover.confirm(
        ledger, facts, analysis_id=analysis_id, what=what, hand_overs=handed, at=when.at, actor=actor, dry_run=dry_run,
        day_count=site.settings.review.day_count,
    )  # fmt: skip
    outcome.data = {
        "analysis_id": analysis_id,
        "confirmed": [{"unit_id": one.unit_id, "on": one.on.isoformat()} for one in handed],
        "dry_run": dry_run,
    }
    outcome.say(f"{'would record' if dry_run else 'Recorded'} {len(handed):,} hand-overs of {what}s of {analysis_id}.")


def _hand_overs(
    unit_id: str | None, batch: Path | None, on: datetime | None, evidence: Path | None
) -> tuple[HandOver, ...]:
    if (unit_id is None) == (batch is None):
        raise InputError("name one provider or one batch", remedy="--provider ID, or --batch CSV.")
    day, shown = on.date() if on else None, evidence_sha256(evidence) if evidence else None
    if batch is not None:
        return read_batch(batch, default_on=day, default_evidence=shown)
    if day is None or shown is None:
        raise InputError("a hand-over needs its day and its evidence", remedy="Give --on DATE and --evidence FILE.")
    return (HandOver(unit_id=str(unit_id), on=day, evidence_sha256=shown),)


@app.command("opt-in")
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
    with command("npa opt-in", json=json) as outcome:
        opened = outcome.open_site(site)
        on = acting_day(opened, as_of)
        with acting(opened, actor, on, dry_run=dry_run) as person:
            ledger = ledger_of(opened)
            facts = state_as_of(ledger, on)
            analysis = analysis_of(facts, analysis_id)
            told = answers.opt_in(
                ledger,
                facts,
                analysis=analysis,
                lineage=narrowed(lineage_of(run_of(facts, analysis.run_id)), analysis.measures),
                user=user_of(facts, analysis.party_id),
                unit_id=_unit_of(opened, facts, analysis_id, provider),
                opted_in_on=on_day.date(),
                evidence_sha256=evidence_sha256(evidence),
                day_count=opened.settings.review.day_count,
                at=utc_now(),
                actor=person,
                dry_run=dry_run,
            )
        outcome.data = {name: _plain(value) for name, value in asdict(told).items()} | {"dry_run": dry_run}
        said = "would record" if dry_run else "Recorded" if told.is_new else "Already recorded"
        outcome.say(f"{said}: {told.unit_id} opted in on day {told.day}; it has {told.review_days} days for review.")
        if told.earliest > told.release_on:
            outcome.say(f"The release of {told.release_on} moves to {told.earliest} or later.")
        outcome.say(f"Nothing is released before its own extract is handed over: qe npa send {analysis_id}")


@app.command()
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
    with command("npa waive", json=json) as outcome:
        opened = outcome.open_site(site)
        on = acting_day(opened, as_of)
        with acting(opened, actor, on, dry_run=dry_run) as person:
            ledger = ledger_of(opened)
            facts = state_as_of(ledger, on)
            analysis = analysis_of(facts, analysis_id)
            unit_id, day = _unit_of(opened, facts, analysis_id, provider), on_day.date()
            shown = evidence_sha256(evidence)
            if revoke:
                answers.revoke(
                    ledger, facts, analysis=analysis, unit_id=unit_id, revoked_on=day, evidence_sha256=shown,
                    at=utc_now(), actor=person, dry_run=dry_run,
                )  # fmt: skip
            else:
                answers.waive(
                    ledger, facts, analysis=analysis, user=user_of(facts, analysis.party_id), unit_id=unit_id,
                    waived_on=day, evidence_sha256=shown, at=utc_now(), actor=person, dry_run=dry_run,
                )  # fmt: skip
        outcome.data = {"analysis_id": analysis_id, "unit_id": unit_id, "revoked": revoke, "dry_run": dry_run}
        verb = "took its waiver back" if revoke else "waived its review"
        outcome.say(
            f"{'would record' if dry_run else 'Recorded'}: {unit_id} {verb}. Notices and waivers are not mixed."
        )


@app.command()
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
    with command("npa release", json=json) as outcome:
        opened = outcome.open_site(site)
        when = moment_of(opened, as_of)
        with runs.hold(opened, since=held_since()), acting(opened, actor, when.on, dry_run=dry_run) as person:
            if approve:
                _approve(outcome, opened, analysis_id, when=when, actor=person, dry_run=dry_run)
                return
            planned = disclosure.plan_release(_matter(opened, analysis_id, when))
            decision = planned.decision
            outcome.data = {"analysis_id": analysis_id, "on": when.on.isoformat(), "dry_run": dry_run}
            if planned.is_done:
                released = planned.matter.analysis.disclosed
                outcome.data |= {"was_released": True}
                outcome.say(f"{analysis_id} was released on {released.effective_on if released else ''}.")
                return
            outcome.judged(decision.reasons, dry_run=dry_run)
            outcome.data |= {"allowed": decision.allowed, "sha256": decision.artefact.sha256}
            if planned.outgoing.contact is None:
                outcome.say("The user has no usable contact: a row of id_type PARTY in the contacts file (qe run).")
            if dry_run:
                decision.require(planned.outgoing.said)
                outcome.say(f"would release {analysis_id}")
                return
            finals = disclosure.release(planned, ledger_of(opened), actor=person)
        outcome.data |= {
            "final_notices": [one.recipient.unit_id for one in finals.going],
            "not_sendable": [{"unit_id": unit_id, "why": why} for unit_id, why in finals.not_sendable],
        }
        outcome.say(f"Released {analysis_id}; {len(finals.going):,} final notices are in the outbox.")


def _approve(outcome: Outcome, site: Site, analysis_id: str, *, when: When, actor: str, dry_run: bool) -> None:
    ledger = ledger_of(site)
    staged, _ = defining.approve(
        site,
        ledger,
        state_as_of(ledger, when.on),
        analysis_id=analysis_id,
        when=when,
        actor=actor,
        dry_run=dry_run,
    )
    outcome.data = {
        "analysis_id": analysis_id,
        "sha256": staged.sha256,
        "findings": staged.findings,
        "dry_run": dry_run,
    }
    outcome.say(f"{'would approve' if dry_run else 'Approved'} analysis {analysis_id}, sha256 {staged.sha256}")


@app.command()
def status(
    analysis_id: Annotated[str | None, typer.Argument(metavar="[ANALYSIS]", help="One of them.")] = None,
    site: SiteOption = HERE,
    as_of: AsOfOption = None,
    json: JsonOption = False,
) -> None:
    """Each analysis: notices, opt-ins, waivers, extracts unsent, which alternative holds or could, the earliest date."""
    with command("npa status", json=json) as outcome:
        opened = outcome.open_site(site)
        when = moment_of(opened, as_of)
        facts = state_as_of(ledger_of(opened), when.on)
        clock = Clock(at=when.instant, zone=opened.settings.site.zone, day_count=opened.settings.review.day_count)
        wanted = analyses(facts) if analysis_id is None else (analysis_of(facts, analysis_id),)
        found = [status_of(facts, one, clock=clock) for one in wanted]
        outcome.data = {
            "on": when.on.isoformat(),
            "analyses": [{name: _plain(value) for name, value in asdict(one).items()} for one in found],
        }
        if not found:
            outcome.say(f"No analysis was defined by {when.on}: qe npa define.")
        for one in found:
            _tell_status(outcome, one)


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


def _plain(value: object) -> object:
    match value:
        case date():
            return value.isoformat()
        case dict():
            return {name: _plain(one) for name, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
        case _:
            return value
