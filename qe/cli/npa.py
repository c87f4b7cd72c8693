"""`qe npa define | notify | send | opt-in | waive | release | status`: non-public analyses (401.716, 401.717(f))."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from qe import runs, workflow
from qe.cli.acting import Act, acting, looking
from qe.cli.output import (
    ActorOption,
    AsOfOption,
    DryRunOption,
    JsonOption,
    Outcome,
    SiteOption,
    utc_now,
)
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


def _matter(act: Act, analysis_id: str) -> Matter:
    contacts = contacts_of(act.site, key=act.site.vault_key(), on=act.on)
    return open_matter(act.site, act.ledger, analysis_id=analysis_id, contacts=contacts, when=act.when)


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
    with acting("npa notify", site=site, actor=actor, as_of=as_of, dry_run=dry_run, json=json) as act:
        if confirm or returned is not None:
            _hand_over(
                act,
                analysis_id,
                "notice",
                provider=provider,
                returned=returned,
                batch=batch,
                on=on_day,
                evidence=evidence,
            )
            return
        if release_on is None:
            raise InputError("the release date is missing", remedy="Give --release-on DATE.")
        matter = _matter(act, analysis_id)
        only = None if provider is None else _unit_of(act.site, matter.facts, analysis_id, provider)
        planned = notices.plan_notices(matter, release_on=release_on.date(), only=only)
        _tell_sending(
            act.outcome, "notices", planned.going, planned.already_told, planned.not_sendable, dry_run=dry_run
        )
        act.outcome.data |= {"analysis_id": analysis_id, "release_on": planned.release_on.isoformat()}
        act.outcome.judged(telling(planned.decisions), dry_run=dry_run)
        _require_all(planned.going, planned.decisions)
        if not dry_run:
            notices.send_notices(planned, act.ledger, actor=act.person)


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
    with acting("npa send", site=site, actor=actor, as_of=as_of, dry_run=dry_run, json=json) as act:
        if confirm or returned is not None:
            _hand_over(
                act,
                analysis_id,
                "extract",
                provider=provider,
                returned=returned,
                batch=batch,
                on=on_day,
                evidence=evidence,
            )
            return
        matter = _matter(act, analysis_id)
        asking = [] if provider is None else [_unit_of(act.site, matter.facts, analysis_id, provider)]
        planned = extracts.plan_extracts(matter, asking=frozenset(asking))
        _tell_sending(
            act.outcome, "extracts", planned.going, planned.already_sent, planned.not_sendable, dry_run=dry_run
        )
        act.outcome.data |= {"analysis_id": analysis_id}
        act.outcome.judged(telling(planned.decisions), dry_run=dry_run)
        _require_all(planned.going, planned.decisions)
        if not dry_run:
            extracts.send_extracts(planned, act.ledger, actor=act.person)


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
    act: Act,
    analysis_id: str,
    what: What,
    *,
    provider: str | None,
    returned: str | None,
    batch: Path | None,
    on: datetime | None,
    evidence: Path | None,
) -> None:
    ledger, at, dry_run = act.ledger, act.at, act.dry_run
    facts = state_as_of(ledger, act.on)
    unit_id = None if provider is None else _unit_of(act.site, facts, analysis_id, provider)
    said = "would record" if dry_run else "Recorded"
    if returned is not None:
        if unit_id is None:
            raise InputError("a returned letter is that of one provider", remedy="--provider ID.")
        handover.returned(
            ledger, facts, analysis_id=analysis_id, what=what, unit_id=unit_id, why=returned, at=at, actor=act.person,
            dry_run=dry_run,
        )  # fmt: skip
        act.outcome.data = {"analysis_id": analysis_id, "unit_id": unit_id, "why": returned, "dry_run": dry_run}
        act.outcome.say(f"{said}: the {what} of {unit_id} came back ({returned}).")
        return
    handed = _hand_overs(unit_id, batch, on, evidence)
    handover.confirm(
        ledger, facts, analysis_id=analysis_id, what=what, hand_overs=handed, at=at, actor=act.person, dry_run=dry_run,
        day_count=act.site.settings.review.day_count,
    )  # fmt: skip
    act.outcome.data = {
        "analysis_id": analysis_id,
        "confirmed": [{"unit_id": one.unit_id, "on": one.on.isoformat()} for one in handed],
        "dry_run": dry_run,
    }
    act.outcome.say(f"{said} {len(handed):,} hand-overs of {what}s of {analysis_id}.")


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
    with acting("npa opt-in", site=site, actor=actor, as_of=as_of, dry_run=dry_run, json=json, hold=False) as act:
        facts = state_as_of(act.ledger, act.on)
        analysis = analysis_of(facts, analysis_id)
        told = answers.opt_in(
            act.ledger,
            facts,
            analysis=analysis,
            lineage=narrowed(lineage_of(run_of(facts, analysis.run_id)), analysis.measures),
            user=user_of(facts, analysis.party_id),
            unit_id=_unit_of(act.site, facts, analysis_id, provider),
            opted_in_on=on_day.date(),
            evidence_sha256=evidence_sha256(evidence),
            day_count=act.site.settings.review.day_count,
            at=utc_now(),
            actor=act.person,
            dry_run=dry_run,
        )
        act.outcome.data = {name: _plain(value) for name, value in asdict(told).items()} | {"dry_run": dry_run}
        said = "would record" if dry_run else "Recorded" if told.is_new else "Already recorded"
        act.outcome.say(
            f"{said}: {told.unit_id} opted in on day {told.day}; it has {told.review_days} days for review."
        )
        if told.earliest > told.release_on:
            act.outcome.say(f"The release of {told.release_on} moves to {told.earliest} or later.")
        act.outcome.say(f"Nothing is released before its own extract is handed over: qe npa send {analysis_id}")


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
    with acting("npa waive", site=site, actor=actor, as_of=as_of, dry_run=dry_run, json=json, hold=False) as act:
        facts = state_as_of(act.ledger, act.on)
        analysis = analysis_of(facts, analysis_id)
        unit_id, day = _unit_of(act.site, facts, analysis_id, provider), on_day.date()
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
    with acting("npa release", site=site, actor=actor, as_of=as_of, dry_run=dry_run, json=json) as act:
        if approve:
            _approve(act, analysis_id)
            return
        planned = disclosure.plan_release(_matter(act, analysis_id))
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


@app.command()
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
            "analyses": [{name: _plain(value) for name, value in asdict(one).items()} for one in found],
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
