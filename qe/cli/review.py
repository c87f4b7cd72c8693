"""`qe review send | confirm | notice | move-date | reissue | bounce | status`: the 60-day review of one cycle."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
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
    TerminalProgress,
    acting_day,
    acting_person,
    command,
    utc_now,
)
from qe.corrected.reissue import Moved, PlannedReissue, Why
from qe.errors import InputError
from qe.ledger.fold import state_as_of
from qe.quarter import deadline_in
from qe.release import handover, notice, public_date, send
from qe.release.actors import one_actor
from qe.release.artefact import telling
from qe.release.contacts import Contacts, contacts_of
from qe.release.letters import LetterWriter
from qe.release.outgoing import judge, put_out
from qe.release.printing import letter_writer
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


@contextmanager
def acting(site: Site, actor: str | None, on: date, *, dry_run: bool) -> Iterator[str]:
    """Who acts, after checking that this account acts as nobody else; an act that fails leaves no trace in the ledger."""
    person = acting_person(actor)
    with one_actor(
        ledger_of(site),
        account=getpass.getuser(),
        actor=person,
        on=on,
        at=utc_now(),
        rehearsal=site.settings.site.rehearsal,
        dry_run=dry_run,
    ):
        yield person


def held_since() -> str:
    return utc_now().strftime("%Y-%m-%d %H:%M UTC")


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
    with command("review send", json=json) as outcome:
        opened = outcome.open_site(site)
        on = acting_day(opened, as_of)
        with runs.hold(opened, since=held_since()), acting(opened, actor, on, dry_run=dry_run) as person:
            only = None if provider is None else unit_of(opened, cycle, on, provider)
            planned = send.plan_send(
                opened,
                ledger_of(opened),
                cycle=cycle,
                contacts=contacts_on(opened, on),
                on=on,
                channel=channel,
                only=only,
            )
            _tell_send(outcome, planned, dry_run=dry_run)
            for decision in planned.decisions:
                decision.require(f"no report of cycle {cycle} may be sent on {on}")
            if not dry_run:
                send.send(
                    planned,
                    ledger_of(opened),
                    at=utc_now(),
                    on=on,
                    actor=person,
                    write_letter=_letters(opened),
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
    with command("review confirm", json=json) as outcome:
        opened = outcome.open_site(site)
        today = acting_day(opened, as_of)
        if (provider is None) == (batch is None):
            raise InputError("name one provider or one batch", remedy="--provider ID, or --batch CSV.")
        on = on_day.date() if on_day else None
        shown = handover.evidence_sha256(evidence) if evidence else None
        if batch is not None:
            handed = handover.read_batch(batch, default_on=on, default_evidence=shown)
        elif on is None or shown is None:
            raise InputError("a hand-over needs its day and its evidence", remedy="Give --on DATE and --evidence FILE.")
        else:
            unit_id = unit_of(opened, cycle, today, str(provider))
            handed = (handover.HandOver(unit_id=unit_id, on=on, evidence_sha256=shown),)
        with runs.hold(opened, since=held_since()), acting(opened, actor, today, dry_run=dry_run) as person:
            before = ledger_of(opened).head().seq
            handover.confirm(
                ledger_of(opened),
                cycle=cycle,
                hand_overs=handed,
                today=today,
                at=utc_now(),
                actor=person,
                dry_run=dry_run,
            )
            recorded = len(handed) if dry_run else ledger_of(opened).head().seq - before
            absent = handover.not_in_outbox(
                opened,
                state_as_of(ledger_of(opened), today),
                cycle=cycle,
                unit_ids=[one.unit_id for one in handed],
            )
        outcome.data = {
            "cycle": cycle,
            "recorded": recorded,
            "not_in_outbox": list(absent),
            "confirmed": [{"unit_id": one.unit_id, "on": one.on.isoformat()} for one in handed],
            "dry_run": dry_run,
        }
        known = f"; {len(handed) - recorded:,} were already recorded" if recorded < len(handed) else ""
        outcome.say(f"{'would record' if dry_run else 'Recorded'} {recorded:,} hand-overs of {cycle}{known}.")
        if absent:
            named = f"{', '.join(absent[:5])}{' and more' if len(absent) > 5 else ''}"
            outcome.say(f"The packages of {len(absent):,} of them are not in the outbox: {named}.")
            outcome.say(
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
    with command("review notice", json=json) as outcome:
        opened = outcome.open_site(site)
        on = acting_day(opened, as_of)
        with runs.hold(opened, since=held_since()), acting(opened, actor, on, dry_run=dry_run) as person:
            only = None if provider is None else unit_of(opened, cycle, on, provider)
            planned = notice.plan_notices(
                opened, ledger_of(opened), cycle=cycle, contacts=contacts_on(opened, on), on=on, only=only
            )
            outcome.data = {
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
                planned, opened, on=on, write_letter=_letters(opened), progress=TerminalProgress()
            )
            outcome.judged(telling(judge(opened, planned.facts, going)), dry_run=dry_run)
            if not dry_run and going:
                put_out(opened, ledger_of(opened), planned.facts, going, at=utc_now(), actor=person)
        verb = "would put" if dry_run else "Put"
        after = sum(one.kind == "published_notice" for one in planned.notices)
        outcome.say(f"{verb} {len(planned.notices) - after:,} status notices of {cycle} into the outbox.")
        if after:
            outcome.say(f"{verb} {after:,} letters that tell where results were published into the outbox.")
        if planned.not_sendable:
            outcome.table("Not sendable", ["unit", "why"], planned.not_sendable)


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
    with command("review move-date", json=json) as outcome:
        opened = outcome.open_site(site)
        on = acting_day(opened, as_of)
        with runs.hold(opened, since=held_since()), acting(opened, actor, on, dry_run=dry_run) as person:
            facts = state_as_of(ledger_of(opened), on)
            moved = public_date.moved_later(facts, cycle=cycle, public_on=to.date(), why=why)
            if not dry_run:
                ledger_of(opened).append([moved.event], at=utc_now(), actor=person, expected_head=facts.head)
        outcome.data = {
            "cycle": cycle,
            "public_on": moved.public_on.isoformat(),
            "instead_of": moved.instead_of.isoformat(),
            "units": list(moved.units),
            "dry_run": dry_run,
        }
        verb = "would move" if dry_run else "Moved"
        outcome.say(f"{verb} the public date of {cycle} from {moved.instead_of} to {moved.public_on}.")
        outcome.say(f"{len(moved.units):,} have to be told: qe review notice --cycle {cycle}")


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
    with command("review reissue", json=json) as outcome:
        opened = outcome.open_site(site)
        on = acting_day(opened, as_of)
        with runs.hold(opened, since=held_since()), acting(opened, actor, on, dry_run=dry_run) as person:
            planned = workflow.plan_reissue(opened, cycle=cycle, run_id=run, why=why, on=on)
            if not (dry_run or planned.is_recorded):
                workflow.record_reissue(opened, planned, at=utc_now(), actor=person)
        _tell_reissue(outcome, planned, dry_run=dry_run)


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
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Record that a report came back: its send is void from today, and its clock with it."""
    with command("review bounce", json=json) as outcome:
        opened = outcome.open_site(site)
        today = acting_day(opened, as_of)
        with runs.hold(opened, since=held_since()), acting(opened, actor, today, dry_run=dry_run) as person:
            unit_id = unit_of(opened, cycle, today, provider)
            before = ledger_of(opened).head().seq
            handover.bounce(
                ledger_of(opened),
                cycle=cycle,
                unit_id=unit_id,
                why=why,
                today=today,
                at=utc_now(),
                actor=person,
                dry_run=dry_run,
            )
            is_new = ledger_of(opened).head().seq > before
        outcome.data = {"cycle": cycle, "unit_id": unit_id, "why": why, "dry_run": dry_run}
        said = "would record" if dry_run else "Recorded" if is_new else "Already recorded"
        outcome.say(f"{said}: the report of {unit_id} came back ({why}).")


@app.command()
def status(
    cycle: CycleOption,
    site: SiteOption = HERE,
    as_of: AsOfOption = None,
    json: JsonOption = False,
) -> None:
    """Where each provider's review stands: sent, confirmed, noticed, last day to ask, public date, open requests."""
    with command("review status", json=json) as outcome:
        opened = outcome.open_site(site)
        on = acting_day(opened, as_of)
        found = reviews(state_as_of(ledger_of(opened), on), cycle)
        if not found:
            run_for_cycle(opened, ledger_of(opened), state_as_of(ledger_of(opened), on), cycle)
            outcome.say(f"Nothing was sent in {cycle} by {on}: qe review send --cycle {cycle}")
        rows = [_status_row(unit, on) for unit in found.values()]
        outcome.data = {"cycle": cycle, "on": on.isoformat(), "units": [asdict(row) for row in rows]}
        counts = {state: sum(row.state == state for row in rows) for state in ("sent", "confirmed", "failed")}
        outcome.data |= {"counts": counts}
        outcome.table(
            f"Cycle {cycle} on {on}",
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
