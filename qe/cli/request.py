"""`qe request add | verify | list | open | acknowledge | respond | release-data | resolve`: requests for data and corrections."""

from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from qe import workflow
from qe.cli.acting import Act, acting, acting_on, looking
from qe.cli.ledger import ledger_of
from qe.cli.output import (
    ActorOption,
    AsOfOption,
    DryRunOption,
    JsonOption,
    Outcome,
    SiteOption,
    TerminalProgress,
    utc_now,
)
from qe.cli.review import HERE, contacts_on
from qe.corrected.plan import PlannedCorrection
from qe.errors import InputError
from qe.ledger import schema
from qe.ledger.fold import Facts, state_as_of
from qe.release import answers, attachments, data_release, intake
from qe.release.asked_about import run_about
from qe.release.handover import evidence_sha256
from qe.release.reports_on_disk import find_unit
from qe.release.requests import DATA_KINDS, Request, most_urgent_first, request_of, requests
from qe.reports import wording
from qe.site import Site

app = typer.Typer(
    no_args_is_help=True,
    help="Requests of providers: add, verify, list, open, acknowledge, respond, release-data, resolve.",
)

RequestArgument = Annotated[str, typer.Argument(metavar="REQUEST", help="The request, like 2025Q4-1-U000012-1.")]
CorrectionOption = Annotated[
    Path | None, typer.Option("--correction", help="What was wrong, as a CSV (docs/how-to/corrections.md).")
]
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


@app.command()
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
        outcome.say(
            f"  qe release withdraw --cycle {cycle} --why error_found, then plan, approve and go: the next part posts it."
        )


@app.command()
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


@app.command("list")
def list_requests(
    cycle: Annotated[str | None, typer.Option("--cycle", help="One cycle; default: all.")] = None,
    is_open: Annotated[bool, typer.Option("--open", help="Only those that are not closed.")] = False,
    site: SiteOption = HERE,
    as_of: AsOfOption = None,
    json: JsonOption = False,
) -> None:
    """Every request with its state and the days left to answer it, overdue ones first."""
    with looking("request list", site=site, as_of=as_of, json=json) as look:
        within = look.site.settings.review.respond_within_days
        facts = state_as_of(look.ledger, look.on)
        found = most_urgent_first(requests(facts, cycle), on=look.on, respond_within_days=within)
        shown = [one for one in found if not (is_open and one.state == "resolved")]
        rows = [_row(one, look.on, within) | {"attachments": _attachments(look.site, facts, one)} for one in shown]
        look.outcome.data = {"on": look.on.isoformat(), "requests": rows}
        look.outcome.table(
            f"Requests on {look.on}",
            [
                "request",
                "kind",
                "category",
                "measures",
                "received",
                "late",
                "state",
                "days left",
                "outcome",
                "attachments",
                "next act",
            ],
            [
                (
                    row["request_id"],
                    wording.request_kind(row["kind"]),
                    wording.request_category(row["category"]),
                    ", ".join(row["measures"]),
                    row["received_on"],
                    "late" if row["late"] else "",
                    row["state"],
                    "overdue" if (row["days_left"] or 0) < 0 else row["days_left"],
                    row["outcome"],
                    ", ".join(kept["place"] for kept in row["attachments"]),
                    one.next_verb,
                )
                for one, row in zip(shown, rows, strict=True)
            ],
        )


def _row(one: Request, on: date, respond_within_days: int) -> dict[str, Any]:
    return {
        "request_id": one.request_id,
        "cycle": one.cycle,
        "about": one.about,
        "unit_id": one.unit_id,
        "kind": one.kind,
        "category": one.received.text("category"),
        "measures": list(one.measures),
        "received_on": one.received.text("received_on"),
        "late": one.received.flag("late"),
        "state": one.state,
        "days_left": one.days_left(on, respond_within_days),
        "outcome": one.resolved.text("outcome") if one.resolved else None,
        "next": one.next_verb or None,
    }


def _attachments(site: Site, facts: Facts, one: Request) -> list[dict[str, Any]]:
    """What came with the request, by digest: no file is opened for it."""
    return [
        {"sha256": kept.sha256, "bytes": kept.size, "kind": kept.kind, "place": attachments.place_of(site, kept)}
        for kept in attachments.attachments_of(facts, one.request_id)
    ]


@app.command("open")
def open_attachment(
    request: RequestArgument,
    to: Annotated[Path, typer.Option("--to", help="The file to write, outside the site; there is none yet.")],
    attachment: Annotated[
        str, typer.Option("--attachment", help="The first digits of its sha256; default: the only one.")
    ] = "",
    key: Annotated[
        Path | None, typer.Option("--key", help="Of a sealed one: the key that its reviewing officer holds.")
    ] = None,
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Write an attachment in the clear, to answer its request or to review a sealed one; who did and when is recorded."""
    with acting("request open", site=site, actor=actor, as_of=as_of, dry_run=dry_run, json=json) as act:
        kept = attachments.open_again(
            act.site,
            act.ledger,
            request,
            starts_with=attachment,
            key_file=key,
            to=to,
            on=act.on,
            at=utc_now(),
            actor=act.person,
            dry_run=dry_run,
        )
        act.outcome.data = {
            "request_id": request,
            "sha256": kept.sha256,
            "was_sealed": kept.is_sealed,
            "dry_run": dry_run,
        }
        act.outcome.say(f"{'would write' if dry_run else 'Wrote'} the attachment {kept.sha256[:12]} of {request}.")
        if kept.is_sealed:
            act.outcome.say("Destroy the file after the review. It may be kept unsealed only by --attachment-is none.")


@app.command()
def acknowledge(
    request: RequestArgument,
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Tell the provider that its request was received and by when it is answered; records the day."""
    with acting("request acknowledge", site=site, actor=actor, as_of=as_of, dry_run=dry_run, json=json) as act:
        planned = answers.plan_acknowledgement(
            act.site, act.ledger, request, contacts=contacts_on(act.site, act.on), on=act.on
        )
        _carry_out(act, planned)
        _tell_answering(act.outcome, planned, "acknowledgement", dry_run=dry_run)


@app.command()
def respond(
    request: RequestArgument,
    answer: Annotated[answers.Answer, typer.Option("--answer", help="What was decided.")],
    why: Annotated[str, typer.Option("--why", help="The reason, in sentences for the letter; it stands nowhere else.")],
    correction: CorrectionOption = None,
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Answer a request by letter: the decision and its reason; records the day."""
    with acting("request respond", site=site, actor=actor, as_of=as_of, dry_run=dry_run, json=json) as act:
        planned = answers.plan_response(
            act.site,
            act.ledger,
            request,
            answer=answer,
            why=why,
            changes=() if correction is None else _corrected(act.site, request, correction, answer, act.on).printed,
            contacts=contacts_on(act.site, act.on),
            on=act.on,
        )
        _carry_out(act, planned)
        _tell_answering(act.outcome, planned, "answer", dry_run=dry_run)


def _carry_out(act: Act, planned: answers.Answering) -> None:
    """What both letters share: the gate's table first, then the act unless it is only asked for."""
    if planned.decision is not None:
        act.outcome.judged(planned.decision.reasons, dry_run=act.dry_run)
        planned.decision.require(f"no letter about {planned.request.request_id} may be sent on {planned.facts.on}")
    if not act.dry_run:
        answers.carry_out(act.site, act.ledger, planned, at=utc_now(), actor=act.person)


def _tell_answering(outcome: Outcome, planned: answers.Answering, what: str, *, dry_run: bool) -> None:
    letter = planned.letter
    outcome.data = {
        "request_id": planned.request.request_id,
        "recorded": planned.event is not None,
        "letter": None if letter is None else letter.path.name,
        "channel": None if letter is None else letter.artefact.channel,
        "dry_run": dry_run,
    }
    if letter is None:
        outcome.say(f"The {what} of {planned.request.request_id} was given before.")
    else:
        verb = "would put" if dry_run else "Put"
        outcome.say(
            f"{verb} the {what} of {planned.request.request_id} into the outbox, for {letter.artefact.channel}."
        )


@app.command("release-data")
def release_data(
    request: RequestArgument,
    measure: Annotated[
        list[str] | None, typer.Option("--measure", help="One of the measures under appeal; default: all of them.")
    ] = None,
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Seal the Medicare claims (and names, if asked) behind the result under appeal for the provider's own age key."""
    with acting("request release-data", site=site, actor=actor, as_of=as_of, dry_run=dry_run, json=json) as act:
        planned = data_release.plan_data_release(
            act.site, act.ledger, request, measures=measure or (), contacts=contacts_on(act.site, act.on), on=act.on
        )
        _tell_release(act.outcome, planned, dry_run=dry_run)
        name = f"{planned.path.name}.age"
        if planned.is_done:
            act.outcome.say(f"The data of {request} were released before: {name}")
            return
        planned.decision.require(data_release.refusal_of(planned))
        if not dry_run:
            data_release.release_data(planned, act.ledger, at=utc_now(), actor=act.person)
        act.outcome.say(
            f"{'would seal' if dry_run else 'Sealed'} the package of {request} for {planned.unit.unit_id}: {name}"
        )


def _tell_release(outcome: Outcome, planned: data_release.DataRelease, *, dry_run: bool) -> None:
    counts = data_release.counts_of(planned)
    outcome.data = {
        "request_id": planned.request.request_id,
        "unit_id": planned.unit.unit_id,
        "measures": list(planned.measures),
        "counts": dict(counts),
        "recorded": planned.event is not None,
        "package": f"{planned.path.name}.age",
        "dry_run": dry_run,
    }
    outcome.table("What the package holds", ["table", "rows"], [(name, f"{rows:,}") for name, rows in counts.items()])
    outcome.judged(planned.decision.reasons, dry_run=dry_run)


@app.command()
def resolve(
    request: RequestArgument,
    outcome_of: Annotated[answers.Outcome, typer.Option("--outcome", help="How it ended.")],
    correction: CorrectionOption = None,
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Close a request; a closed one is posted no more. An upheld correction is worked out, recorded and printed with it."""
    with acting("request resolve", site=site, actor=actor, as_of=as_of, dry_run=dry_run, json=json) as act:
        facts = state_as_of(act.ledger, act.on)
        event = answers.resolution(facts, request, outcome=outcome_of)
        planned = None if correction is None else _corrected(act.site, request, correction, outcome_of, act.on)
        if planned is not None and not dry_run:
            workflow.record_correction(
                act.site,
                planned,
                also=[] if event is None else [event],
                at=utc_now(),
                actor=act.person,
                progress=TerminalProgress(),
            )
        elif event is not None and not dry_run:
            act.ledger.append([event], at=utc_now(), actor=act.person, expected_head=facts.head)
        act.outcome.data = {
            "request_id": request,
            "outcome": outcome_of,
            "recorded": event is not None,
            "dry_run": dry_run,
        }
        if planned is not None:
            _tell_correction(act.outcome, planned)
        verb = "Already closed" if event is None else "would close" if dry_run else "Closed"
        act.outcome.say(f"{verb}: {request} ({wording.request_outcome(outcome_of)}).")


def _corrected(site: Site, request_id: str, file: Path, outcome: str, on: date) -> PlannedCorrection:
    """The figures before and after, worked out and not recorded yet."""
    if outcome not in ("upheld", "partly"):
        raise InputError(f"a request that is {outcome} has no correction", remedy="Leave --correction out.")
    asked = request_of(state_as_of(ledger_of(site), on), request_id)
    if asked.kind in DATA_KINDS:
        raise InputError(
            f"request {request_id} asks for data: nothing is corrected by it", remedy="Leave --correction out."
        )
    if asked.about == "analysis":
        raise InputError(
            "a correction file corrects a report; an analysis is defined again from the corrected results",
            remedy="Leave --correction out, then: qe npa define, and qe npa send for a corrected part of its own.",
        )
    return workflow.plan_correction(
        site, request_id=request_id, cycle=asked.cycle, unit_id=asked.unit_id, file=file, on=on
    )


def _tell_correction(outcome: Outcome, planned: PlannedCorrection) -> None:
    """Every figure before and after, and whom else the fault reaches."""
    outcome.data |= {
        "correction_id": planned.kept.correction.correction_id,
        "printed": [asdict(one) for one in planned.printed],
        "exact": [asdict(one) for one in planned.exact],
        "reached": [asdict(one) for one in planned.reached],
    }
    outcome.table(
        "Figures as printed",
        ["measure", "what", "before", "after"],
        [(one.measure_id, one.what, one.before, one.after) for one in planned.printed],
    )
    if planned.reached:
        outcome.table(
            "It reaches others as well: a re-issue (qe run --reissue, then qe review reissue)",
            ["unit", "level", "measures", "why"],
            [(one.unit_id, one.level, ", ".join(one.measures), one.why) for one in planned.reached],
        )
    unit = planned.kept.correction.unit_id
    outcome.say(f"Its new page goes with: qe review send --cycle {planned.kept.correction.cycle} --provider {unit}")
