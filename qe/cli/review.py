"""`qe review send | confirm | notice | move-date | reissue | bounce | status`: the 60-day review of one cycle."""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from qe import workflow
from qe.cli.acting import acting, acting_on, looking
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
from qe.corrected.reissue import Moved, PlannedReissue, Why
from qe.errors import InputError
from qe.ledger.fold import state_as_of
from qe.quarter import deadline_in
from qe.release import handover, notice, public_date, send
from qe.release.artefact import telling
from qe.release.contacts import Contacts, contacts_of
from qe.release.letters import LetterWriter
from qe.release.outgoing import judge, put_out
from qe.release.printing import letter_writer
from qe.release.releases import standing_releases
from qe.release.reports_on_disk import find_unit
from qe.release.send import run_for_cycle
from qe.release.sends import UnitReview, reviews
from qe.site import Site

app = typer.Typer(
    no_args_is_help=True,
    help="The 60-day review of a cycle: send, confirm, notice, move its date, issue it again, bounce, status.",
)

HERE = Path()
CycleOption = Annotated[str, typer.Option("--cycle", help="The cycle, like 2025Q4-1.")]
ProviderOption = Annotated[str | None, typer.Option("--provider", help="One unit: its unit id, NPI or CCN.")]


def unit_of(site: Site, cycle: str, on: date, given: str) -> str:
    """The unit of the cycle's run that a person named: by unit id, NPI or CCN."""
    ledger = ledger_of(site)
    return find_unit(send.run_for_cycle(site, ledger, state_as_of(ledger, on), cycle), given)


def contacts_on(site: Site, on: date) -> Contacts:
    """The address book on a day."""
    return contacts_of(site, key=site.vault_key(), on=on)


def _letters(site: Site) -> LetterWriter:
    return letter_writer(site, word_deadline=deadline_in)


@app.command("send")
def send_reports(
    cycle: CycleOption,
    provider: ProviderOption = None,
    channel: Annotated[
        Literal["portal", "age", "mail", "courier"] | None,
        typer.Option("--channel", help="Only contacts of this channel; default: each unit's own."),
    ] = None,
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Put the reports of a cycle into the outbox: sealed for age contacts, else ready to print."""
    with acting("review send", site=site, actor=actor, as_of=as_of, dry_run=dry_run, json=json) as act:
        only = None if provider is None else unit_of(act.site, cycle, act.on, provider)
        planned = send.plan_send(
            act.site,
            act.ledger,
            cycle=cycle,
            contacts=contacts_on(act.site, act.on),
            on=act.on,
            channel=channel,
            only=only,
        )
        _tell_send(act.outcome, planned, dry_run=dry_run)
        for decision in planned.decisions:
            decision.require(f"no report of cycle {cycle} may be sent on {act.on}")
        if not dry_run:
            send.send(
                planned,
                act.ledger,
                at=utc_now(),
                on=act.on,
                actor=act.person,
                write_letter=_letters(act.site),
                progress=TerminalProgress(),
            )


def _tell_send(outcome: Outcome, planned: send.SendPlan, *, dry_run: bool) -> None:
    outcome.judged(telling(planned.decisions), dry_run=dry_run)
    outcome.data = {
        "cycle": planned.cycle,
        "run_id": planned.run_id,
        "sent": [
            {"unit_id": one.report.unit_id, "channel": one.contact.channel, "sent_on": one.report.sent_on.isoformat()}
            for one in planned.packages
        ],
        "already_sent": list(planned.already_sent),
        "not_sendable": [{"unit_id": unit_id, "why": why} for unit_id, why in planned.not_sendable],
        "dry_run": dry_run,
    }
    verb = "would put" if dry_run else "Put"
    outcome.say(f"{verb} {len(planned.packages):,} reports of {planned.cycle} into the outbox.")
    if planned.already_sent:
        outcome.say(f"{len(planned.already_sent):,} were sent before.")
    if planned.not_sendable:
        outcome.table(
            "Not sendable; their rows leave the release unless they are reached", ["unit", "why"], planned.not_sendable
        )
    outcome.say("A clock starts when the hand-over is confirmed: qe review confirm.")


@app.command()
def confirm(
    cycle: CycleOption,
    provider: ProviderOption = None,
    batch: Annotated[Path | None, typer.Option("--batch", help="CSV with unit_id, on, evidence.")] = None,
    on_day: Annotated[
        datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="The day of the hand-over.")
    ] = None,
    evidence: Annotated[
        Path | None, typer.Option("--evidence", help="What shows the hand-over; only its hash is recorded.")
    ] = None,
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Record hand-overs with evidence: this starts each provider's 60 days and freezes the cycle to its run."""
    with looking("review confirm", site=site, as_of=as_of, json=json) as look:
        if (provider is None) == (batch is None):
            raise InputError("name one provider or one batch", remedy="--provider ID, or --batch CSV.")
        on = on_day.date() if on_day else None
        shown = handover.evidence_sha256(evidence) if evidence else None
        if batch is not None:
            handed = handover.read_batch(batch, default_on=on, default_evidence=shown)
        elif on is None or shown is None:
            raise InputError("a hand-over needs its day and its evidence", remedy="Give --on DATE and --evidence FILE.")
        else:
            unit_id = unit_of(look.site, cycle, look.on, str(provider))
            handed = (handover.HandOver(unit_id=unit_id, on=on, evidence_sha256=shown),)
        with acting_on(look, actor, dry_run=dry_run) as act:
            before = look.ledger.head().seq
            handover.confirm(
                look.ledger,
                cycle=cycle,
                hand_overs=handed,
                today=look.on,
                at=utc_now(),
                actor=act.person,
                dry_run=dry_run,
            )
            recorded = len(handed) if dry_run else look.ledger.head().seq - before
            absent = handover.not_in_outbox(
                look.site,
                state_as_of(look.ledger, look.on),
                cycle=cycle,
                unit_ids=[one.unit_id for one in handed],
            )
        look.outcome.data = {
            "cycle": cycle,
            "recorded": recorded,
            "not_in_outbox": list(absent),
            "confirmed": [{"unit_id": one.unit_id, "on": one.on.isoformat()} for one in handed],
            "dry_run": dry_run,
        }
        known = f"; {len(handed) - recorded:,} were already recorded" if recorded < len(handed) else ""
        look.outcome.say(f"{'would record' if dry_run else 'Recorded'} {recorded:,} hand-overs of {cycle}{known}.")
        if absent:
            named = f"{', '.join(absent[:5])}{' and more' if len(absent) > 5 else ''}"
            look.outcome.say(f"The packages of {len(absent):,} of them are not in the outbox: {named}.")
            look.outcome.say(
                "Deleted after the hand-over: well. Never written, by a stopped send: qe review bounce --why unreachable."
            )


@app.command("notice")
def send_notices(
    cycle: CycleOption,
    provider: ProviderOption = None,
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Tell each provider, by letter, the public date and its requests' status; after publication, where its results stand."""
    with acting("review notice", site=site, actor=actor, as_of=as_of, dry_run=dry_run, json=json) as act:
        only = None if provider is None else unit_of(act.site, cycle, act.on, provider)
        planned = notice.plan_notices(
            act.site, act.ledger, cycle=cycle, contacts=contacts_on(act.site, act.on), on=act.on, only=only
        )
        act.outcome.data = {
            "cycle": cycle,
            "noticed": [
                {"unit_id": one.unit.unit_id, "kind": one.kind, "public_on": one.letter.public_on.isoformat()}
                for one in planned.notices
            ],
            "already_noticed": list(planned.already_noticed),
            "not_sendable": [{"unit_id": unit_id, "why": why} for unit_id, why in planned.not_sendable],
            "dry_run": dry_run,
        }
        going = notice.print_notices(
            planned, act.site, on=act.on, write_letter=_letters(act.site), progress=TerminalProgress()
        )
        act.outcome.judged(telling(judge(act.site, planned.facts, going)), dry_run=dry_run)
        if not dry_run and going:
            put_out(act.site, act.ledger, planned.facts, going, at=utc_now(), actor=act.person)
        verb = "would put" if dry_run else "Put"
        after = sum(one.kind == "published_notice" for one in planned.notices)
        act.outcome.say(f"{verb} {len(planned.notices) - after:,} status notices of {cycle} into the outbox.")
        if after:
            act.outcome.say(f"{verb} {after:,} letters that tell where results were published into the outbox.")
        if planned.not_sendable:
            act.outcome.table("Not sendable", ["unit", "why"], planned.not_sendable)


@app.command("move-date")
def move_date(
    cycle: CycleOption,
    to: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="The new, later public date.")],
    why: Annotated[public_date.WhyMoved, typer.Option("--why")],
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Move the public date of a cycle later; everybody has to be noticed of it anew. Earlier is refused."""
    with acting("review move-date", site=site, actor=actor, as_of=as_of, dry_run=dry_run, json=json) as act:
        facts = state_as_of(act.ledger, act.on)
        moved = public_date.moved_later(facts, cycle=cycle, public_on=to.date(), why=why)
        if not dry_run:
            act.ledger.append([moved.event], at=utc_now(), actor=act.person, expected_head=facts.head)
        act.outcome.data = {
            "cycle": cycle,
            "public_on": moved.public_on.isoformat(),
            "instead_of": moved.instead_of.isoformat(),
            "units": list(moved.units),
            "dry_run": dry_run,
        }
        verb = "would move" if dry_run else "Moved"
        act.outcome.say(f"{verb} the public date of {cycle} from {moved.instead_of} to {moved.public_on}.")
        act.outcome.say(f"{len(moved.units):,} have to be told: qe review notice --cycle {cycle}")


@app.command()
def reissue(
    cycle: CycleOption,
    why: Annotated[Why, typer.Option("--why", help="Why figures that were sent are wrong.")],
    run: Annotated[
        str | None, typer.Option("--run", help="The run that is right; default: the last one that was not sent.")
    ] = None,
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Issue a cycle again from another run, to exactly those whose figures move as printed: new reports, new 60 days."""
    with acting("review reissue", site=site, actor=actor, as_of=as_of, dry_run=dry_run, json=json) as act:
        planned = workflow.plan_reissue(act.site, cycle=cycle, run_id=run, why=why, on=act.on)
        if not (dry_run or planned.is_recorded):
            workflow.record_reissue(act.site, planned, at=utc_now(), actor=act.person)
        _tell_reissue(act.outcome, planned, dry_run=dry_run)


def _tell_reissue(outcome: Outcome, planned: PlannedReissue, *, dry_run: bool) -> None:
    outcome.data = {
        "cycle": planned.cycle,
        "new_cycle": planned.new_cycle,
        "run_id": planned.run_id,
        "units": list(planned.units),
        "moved": [asdict(one) for one in planned.moved],
        "public": sorted(planned.public),
        "was_recorded": planned.is_recorded,
        "dry_run": dry_run,
    }
    verb = "would issue" if dry_run else "Was issued" if planned.is_recorded else "Issued"
    outcome.say(
        f"{verb} {planned.cycle} again in {planned.new_cycle} to {len(planned.units):,}, from run {planned.run_id}."
    )
    rows = [(one.unit_id, one.fate, *_first_change(one)) for one in planned.moved]
    if rows:
        outcome.table(
            "Whose figures move as printed", ["unit", "what", "figures", "measure", "first", "was", "is"], rows
        )
    if planned.public:
        said = f"The old figures of {len(planned.public):,} are public: qe release withdraw --reissued --cycle {planned.cycle}"
        outcome.say(f"{said}, and plan again; the others come back at once.")
    outcome.say(f"They are sent and published in the new cycle alone: qe review send --cycle {planned.new_cycle}")


def _first_change(moved: Moved) -> tuple[object, ...]:
    """How many figures move, and the first of them."""
    if not moved.changes:
        return (0, None, None, None, None)
    first = moved.changes[0]
    return (len(moved.changes), first.measure_id, first.what, first.before, first.after)


@app.command()
def bounce(
    cycle: CycleOption,
    provider: Annotated[str, typer.Option("--provider", help="One unit: its unit id, NPI or CCN.")],
    why: Annotated[
        Literal["returned", "refused", "wrong_recipient", "unreadable", "unreachable"], typer.Option("--why")
    ] = "returned",
    page: Annotated[
        handover.Page | None,
        typer.Option("--page", help="Which one, where a corrected page was put out after the first report."),
    ] = None,
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Record that a report came back: its send is void from today, and its clock with it."""
    with acting("review bounce", site=site, actor=actor, as_of=as_of, dry_run=dry_run, json=json) as act:
        unit_id = unit_of(act.site, cycle, act.on, provider)
        before = act.ledger.head().seq
        handover.bounce(
            act.ledger,
            cycle=cycle,
            unit_id=unit_id,
            why=why,
            page=page,
            today=act.on,
            at=utc_now(),
            actor=act.person,
            dry_run=dry_run,
        )
        is_new = act.ledger.head().seq > before
        public = standing_releases(state_as_of(act.ledger, act.on), cycle).get(unit_id)
        public_in = None if public is None else public.text("release_id")
        act.outcome.data = {
            "cycle": cycle, "unit_id": unit_id, "why": why, "public_in": public_in, "dry_run": dry_run,
        }  # fmt: skip
        said = "would record" if dry_run else "Recorded" if is_new else "Already recorded"
        act.outcome.say(f"{said}: the report of {unit_id} came back ({why}).")
        if public_in is not None:
            down = f"qe release withdraw --cycle {cycle} --provider {unit_id}"
            act.outcome.say(f"Its results are public in {public_in}, after no review of its own: {down}.")


@app.command()
def status(
    cycle: CycleOption,
    site: SiteOption = HERE,
    as_of: AsOfOption = None,
    json: JsonOption = False,
) -> None:
    """Where each provider's review stands: sent, confirmed, noticed, last day to ask, public date, open requests."""
    with looking("review status", site=site, as_of=as_of, json=json) as look:
        found = reviews(state_as_of(look.ledger, look.on), cycle)
        if not found:
            run_for_cycle(look.site, look.ledger, state_as_of(look.ledger, look.on), cycle)
            look.outcome.say(f"Nothing was sent in {cycle} by {look.on}: qe review send --cycle {cycle}")
        rows = [_status_row(unit, look.on) for unit in found.values()]
        look.outcome.data = {"cycle": cycle, "on": look.on.isoformat(), "units": [asdict(row) for row in rows]}
        counts = {state: sum(row.state == state for row in rows) for state in ("sent", "confirmed", "failed")}
        look.outcome.data |= {"counts": counts}
        look.outcome.table(
            f"Cycle {cycle} on {look.on}",
            [
                "unit",
                "state",
                "sent on",
                "last day to ask",
                "public from",
                "days left",
                "noticed",
                "open requests",
                "issued again in",
            ],
            [tuple(asdict(row).values()) for row in rows],
        )


@dataclass(frozen=True, kw_only=True)
class StatusRow:
    """One unit's line of `qe review status`; days_left counts down to the last day to ask, 0 on that day."""

    unit_id: str
    state: str
    sent_on: str | None
    last_request_day: str | None
    public_from: str | None
    days_left: int | None
    is_noticed: bool
    open_requests: int
    reissued_in: str


def _status_row(unit: UnitReview, on: date) -> StatusRow:
    review = unit.review
    return StatusRow(
        unit_id=unit.unit_id,
        state=unit.state,
        sent_on=unit.sent.text("sent_on") if unit.sent else None,
        last_request_day=review.last_request_day.isoformat() if review else None,
        public_from=unit.public_from.isoformat() if unit.public_from else None,
        days_left=max(0, (review.last_request_day - on).days) if review else None,
        is_noticed=unit.is_noticed,
        open_requests=len(unit.requests),
        reissued_in=unit.reissued_in,
    )
