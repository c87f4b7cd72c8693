"""`qe request add | verify`: a request as it came, and who was verified to ask."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from qe.cli.acting import acting_on, looking
from qe.cli.ledger import ledger_of
from qe.cli.output import ActorOption, AsOfOption, DryRunOption, JsonOption, Outcome, SiteOption, utc_now
from qe.cli.review import HERE
from qe.errors import InputError
from qe.ledger import schema
from qe.ledger.fold import state_as_of
from qe.release import attachments, intake
from qe.release.asked_about import run_about
from qe.release.handover import evidence_sha256
from qe.release.reports_on_disk import find_unit
from qe.site import Site

AboutOption = Annotated[str, typer.Option("--cycle", help="The cycle, like 2025Q4-1, or the id of an analysis.")]
UnitOption = Annotated[str, typer.Option("--provider", help="Who asks: its unit id, NPI or CCN.")]


def _choices(field: str) -> tuple[str, ...]:
    """What request_received knows for one of its keys."""
    return next(known.choices for known in schema.kind_of("request_received").fields if known.name == field)


def _unit_asking(site: Site, cycle: str, on: date, given: str) -> str:
    """The unit that a person named, of the run behind the cycle or the analysis."""
    ledger = ledger_of(site)
    return find_unit(run_about(site, ledger, state_as_of(ledger, on), cycle), given)


def _one_of(field: str, given: str) -> str:
    if given not in _choices(field):
        raise InputError(f"--{field} is none of those known", remedy=f"They are: {', '.join(_choices(field))}.")
    return given


def add(
    cycle: AboutOption,
    provider: UnitOption,
    kind: Annotated[str, typer.Option("--kind", help="claims_data, beneficiary_names or correction.")],
    category: Annotated[str, typer.Option("--category", help=f"As it is posted: {', '.join(_choices('category'))}.")],
    received_on: Annotated[
        str,
        typer.Option("--received-on", help="The day of receipt where the provider is, or 2026-05-02T01:10-04:00."),
    ],
    measure: Annotated[list[str] | None, typer.Option("--measure", help="A measure under appeal; repeat it.")] = None,
    reason: Annotated[
        list[str] | None, typer.Option("--reason", help=f"Why; repeat it. {', '.join(_choices('reasons'))}.")
    ] = None,
    channel: Annotated[
        str | None, typer.Option("--channel", help=f"How it came: {', '.join(_choices('channel'))}.")
    ] = None,
    evidence: Annotated[
        Path | None, typer.Option("--evidence", help="The request itself; only its hash is recorded.")
    ] = None,
    attachment: Annotated[
        list[Path] | None, typer.Option("--attachment", help="A file that came with it, to be kept; repeat it.")
    ] = None,
    attachment_is: Annotated[
        Literal["none", "pswp-suspected", "part2-suspected", "unknown"] | None,
        typer.Option("--attachment-is", help=f"Of each attachment, {attachments.QUESTION} If so it is sealed unread."),
    ] = None,
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Log a request; one on paper counts from its receipt, also when it is logged later."""
    with looking("request add", site=site, as_of=as_of, json=json) as look:
        asked = intake.Asked(
            cycle=cycle,
            unit_id=_unit_asking(look.site, cycle, look.on, provider),
            kind=_one_of("kind", kind),
            category=_one_of("category", category),
            received=intake.read_received(received_on),
            measures=tuple(measure or ()),
            reasons=tuple(_one_of("reasons", one) for one in reason or ()),
            channel=None if channel is None else _one_of("channel", channel),
            evidence_sha256=None if evidence is None else evidence_sha256(evidence),
            attachments=attachments.read_attachments(attachment or (), _suspected(attachment_is)),
        )
        with acting_on(look, actor, dry_run=dry_run) as act:
            logged = intake.receive(
                look.site, look.ledger, asked, today=look.on, at=utc_now(), actor=act.person, dry_run=dry_run
            )
        look.outcome.data = {
            "request_id": logged.request_id,
            "cycle": cycle,
            "unit_id": asked.unit_id,
            "received_on": logged.received_on.isoformat(),
            "last_request_day": logged.last_request_day.isoformat(),
            "late": logged.is_late,
            "is_new": logged.is_new,
            "amend_posting": logged.amend_posting,
            "attachments": [
                {"sha256": one.sha256, "bytes": len(one.content), "kind": one.kind} for one in asked.attachments
            ],
            "dry_run": dry_run,
        }
        _tell_logged(look.outcome, logged, cycle=cycle, dry_run=dry_run)


def _suspected(given: str | None) -> attachments.AttachmentKind | None:
    match given:
        case "pswp-suspected":
            return "pswp_suspected"
        case "part2-suspected":
            return "part2_suspected"
        case "none" | "unknown":
            return given
        case _:
            return None


def _tell_logged(outcome: Outcome, logged: intake.Logged, *, cycle: str, dry_run: bool) -> None:
    verb = "would log" if dry_run else "Logged" if logged.is_new else "Already logged:"
    outcome.say(f"{verb} {logged.request_id}, received on {logged.received_on}.")
    if logged.is_late:
        outcome.say(f"It is late: the last day to ask was {logged.last_request_day}. It stays in the status.")
    if logged.amend_posting:
        outcome.say("It is in time, and the results are public without it: the posting must be amended (401.717(e)).")
        outcome.say(f"  qe release amend-posting --cycle {cycle}")


def verify(
    cycle: AboutOption,
    provider: UnitOption,
    how: Annotated[Literal["called_back", "letterhead", "in_person", "portal_account"], typer.Option("--how")],
    evidence: Annotated[Path, typer.Option("--evidence", help="What shows it; only its hash is recorded.")],
    terms: Annotated[
        Path | None, typer.Option("--terms", help="The signed terms of an extract, with the duties of 401.713(d).")
    ] = None,
    signed_on: Annotated[
        datetime | None, typer.Option("--signed-on", formats=["%Y-%m-%d"], help="The day of signing; default: today.")
    ] = None,
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Record who was verified to ask for a provider, and that the terms of an extract are signed."""
    with looking("request verify", site=site, as_of=as_of, json=json) as look:
        verified = intake.Verified(
            unit_id=_unit_asking(look.site, cycle, look.on, provider),
            how=how,
            evidence_sha256=evidence_sha256(evidence),
            terms_sha256=None if terms is None else evidence_sha256(terms),
            signed_on=signed_on.date() if signed_on else look.on,
        )
        with acting_on(look, actor, dry_run=dry_run) as act:
            recorded = intake.verify(
                look.ledger, verified, today=look.on, at=utc_now(), actor=act.person, dry_run=dry_run
            )
        look.outcome.data = {
            "unit_id": verified.unit_id,
            "recorded": [event.kind for event in recorded],
            "dry_run": dry_run,
        }
        signed = ", and the terms are signed" if verified.terms_sha256 else ""
        look.outcome.say(
            f"{'would record' if dry_run else 'Recorded'}: a person may ask for {verified.unit_id}{signed}."
        )
