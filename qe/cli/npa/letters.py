"""`qe npa notify | send`: the notices and the own extracts, and how their hand-over went."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from qe.cli.acting import Act, acting
from qe.cli.npa.options import HERE, AnalysisArgument, ProviderOption, matter_of, unit_of
from qe.cli.output import ActorOption, AsOfOption, DryRunOption, JsonOption, Outcome, SiteOption
from qe.errors import InputError
from qe.ledger.fold import state_as_of
from qe.release.analyses import extracts, handover, notices
from qe.release.analyses.sends import What
from qe.release.artefact import Decision, telling
from qe.release.handover import HandOver, evidence_sha256, read_batch
from qe.release.outgoing import Outgoing

OnOption = Annotated[datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="The day that counts.")]
EvidenceOption = Annotated[Path | None, typer.Option("--evidence", help="What shows it; only its hash is recorded.")]
BatchOption = Annotated[Path | None, typer.Option("--batch", help="With --confirm: CSV with unit_id, on, evidence.")]
ConfirmOption = Annotated[bool, typer.Option("--confirm", help="Record a hand-over, with its day and evidence.")]
ReturnedOption = Annotated[
    Literal["returned", "refused", "wrong_recipient", "unreadable", "unreachable"] | None,
    typer.Option("--returned", help="Record that it came back, and why."),
]


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
        matter = matter_of(act, analysis_id)
        only = None if provider is None else unit_of(act.site, matter.facts, analysis_id, provider)
        planned = notices.plan_notices(matter, release_on=release_on.date(), only=only)
        _tell_sending(
            act.outcome, "notices", planned.going, planned.already_told, planned.not_sendable, dry_run=dry_run
        )
        act.outcome.data |= {"analysis_id": analysis_id, "release_on": planned.release_on.isoformat()}
        act.outcome.judged(telling(planned.decisions), dry_run=dry_run)
        _require_all(planned.going, planned.decisions)
        if not dry_run:
            notices.send_notices(planned, act.ledger, actor=act.person)


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
        matter = matter_of(act, analysis_id)
        asking = [] if provider is None else [unit_of(act.site, matter.facts, analysis_id, provider)]
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
    unit_id = None if provider is None else unit_of(act.site, facts, analysis_id, provider)
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
