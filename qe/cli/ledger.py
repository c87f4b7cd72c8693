"""`qe ledger verify | show | export`: the record of what happened."""

import re
from datetime import datetime, time
from pathlib import Path
from typing import Annotated

import typer

from qe.cli.output import (
    DryRunOption,
    JsonOption,
    Outcome,
    SiteOption,
    acting_person,
    command,
    utc_now,
)
from qe.errors import Findings, InputError
from qe.ledger import schema
from qe.ledger.book import Ledger
from qe.ledger.event import LedgerEvent
from qe.ledger.events_page import events_page
from qe.ledger.exported import line_of, verify_exported
from qe.ledger.fold import state_as_of
from qe.ledger.signing import HeadStatement, read_statement
from qe.ledger.verify import Verification
from qe.ledger.verify import verify as verify_ledger
from qe.runs import finished_runs, write_aside
from qe.site import Site

app = typer.Typer(no_args_is_help=True, help="The append-only record: verify it, show it, export it.")

HERE = Path()
HEAD_SUFFIX = ".head.json"


def ledger_of(site: Site) -> Ledger:
    """The site's ledger."""
    return site.open_ledger()


@app.command()
def verify(
    head: Annotated[
        str | None,
        typer.Option(
            "--head", help="A head noted earlier: its 64 digits, or the file of a signed one; to be found in the chain."
        ),
    ] = None,
    sign: Annotated[
        Path | None, typer.Option("--sign", help="Write the signed head to this new file, to be kept elsewhere.")
    ] = None,
    exported: Annotated[
        Path | None, typer.Option("--file", help="Verify this exported file instead; no site is needed.")
    ] = None,
    site: SiteOption = HERE,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Check that no event was changed, removed, reordered or cut off."""
    with command("ledger verify", json=json) as outcome:
        given = None if head is None else _given(head)
        if exported is not None:
            _verify_file(outcome, exported, given)
            return
        opened = outcome.open_site(site)
        ledger = ledger_of(opened)
        found = verify_ledger(ledger, head=given)
        if not found.events and not found.faults and (runs := finished_runs(opened)):
            raise Findings(
                f"the ledger is empty, but the site holds {len(runs)} finished runs: its events are lost, or a first run was "
                "stopped before it was recorded",
                remedy="If events were recorded before, restore ledger.sqlite, ledger.anchor and ledger.heads from their "
                "backup; else run `qe run` again, which records the run.",
            )
        outcome.data = {
            "events": found.events,
            "head": found.head.hash,
            "behind": found.behind,
            "signed_heads": found.signed_heads,
            "not_covered": found.not_covered,
            "is_whole": not found.faults,
        }
        found.require_whole()
        outcome.say(f"The ledger is whole: {found.events:,} events, head {found.head.hash}")
        _tell_signatures(outcome, opened, found, given)
        if sign is not None:
            _require_new(sign)
        if sign is not None and not dry_run:
            _write_head(outcome, _stated_head(ledger), sign)


def _verify_file(outcome: Outcome, file: Path, given: str | HeadStatement | None) -> None:
    found = verify_exported(file, head=given)
    outcome.data = {"events": found.events, "head": found.head.hash, "is_whole": not found.faults}
    found.require_whole()
    outcome.say(f"The exported ledger is whole: {found.events:,} events, head {found.head.hash}")
    _tell_given(outcome, given)
    if given is None:
        outcome.say(
            "Whether events were removed at its end shows a head only: --head FILE.head.json, or one kept before."
        )


def _given(head: str) -> str | HeadStatement:
    """A head's digits, or the statement in a file."""
    if re.fullmatch(r"[0-9a-f]{64}", head):
        return head
    file = Path(head)
    if not file.is_file():
        raise InputError(
            "--head is neither 64 hexadecimal digits nor a file", remedy="Copy the digits whole, or name the file."
        )
    try:
        return read_statement(file.read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{file.name} cannot be read as the statement of a head") from None


def _tell_signatures(outcome: Outcome, site: Site, found: Verification, given: str | HeadStatement | None) -> None:
    _tell_given(outcome, given)
    if found.behind:
        outcome.say(f"Its anchor is {found.behind} events behind (a stopped process); the next event brings it level.")
    if found.signed_heads:
        outcome.say(f"Daily heads that are signed and stand in the chain: {found.signed_heads:,}.")
    try:
        if site.signing_key() is None:
            outcome.say("The heads of this ledger are not signed: the site has no signing key.")
    except InputError as error:
        outcome.say(f"Heads are not signed by this account: {error.message}.")
    if found.signed_heads and found.not_covered:
        outcome.say(
            f"Events of earlier days that no daily head covers, as nobody who acted had the key: {found.not_covered:,}."
        )


def _tell_given(outcome: Outcome, given: str | HeadStatement | None) -> None:
    if isinstance(given, HeadStatement):
        signed = "signed with a key of this ledger" if given.is_signed else "not signed"
        outcome.say(f"The head that was given is event {given.seq}, stated at {given.at}, {signed}.")
    elif given is not None:
        outcome.say("The head that was given is in the chain.")


def _require_new(file: Path) -> None:
    if file.exists():
        raise InputError(f"{file.name} exists already", remedy="Name a new file.")


def _stated_head(ledger: Ledger) -> HeadStatement:
    """The head as it stands, signed where there is a key, which is recorded first where the ledger does not name it yet."""
    at = utc_now()
    if ledger.signing_key() is not None:
        ledger.append((), at=at, actor=acting_person(None))
    return ledger.state_head(ledger.head(), at=at)


def _write_head(outcome: Outcome, stated: HeadStatement, file: Path) -> None:
    write_aside(file, stated.line().encode("ascii"))
    outcome.data["head_file"] = str(file)
    outcome.say(f"Wrote the {'signed' if stated.is_signed else 'unsigned'} head, event {stated.seq:,}, to {file}")


@app.command()
def show(
    kind: Annotated[str | None, typer.Option("--kind", help="Only events of this kind.")] = None,
    subject: Annotated[str | None, typer.Option("--subject", help="Only events about this report, source, ...")] = None,
    last: Annotated[int | None, typer.Option("--last", min=1, help="Only the last ones.")] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            "--as-of", formats=["%Y-%m-%d"], help="Only facts that stood on this day: effective, not taken back."
        ),
    ] = None,
    known_at: Annotated[
        datetime | None,
        typer.Option(
            "--known-at",
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
            help="Only what was recorded by the end of this day, or by this instant, of the site's zone.",
        ),
    ] = None,
    kinds: Annotated[
        bool,
        typer.Option("--kinds", help="Instead the kinds of events that there are, each with its payload, as Markdown."),
    ] = False,
    site: SiteOption = HERE,
    json: JsonOption = False,
) -> None:
    """List the events in order; with --as-of, --known-at: what was true on a day, as far as it was known at another."""
    with command("ledger show", json=json) as outcome:
        if kinds:
            outcome.data = {"kinds": sorted(schema.event_kinds())}
            outcome.say(events_page().rstrip())
            return
        if kind is not None:
            schema.kind_of(kind)
        opened = outcome.open_site(site)
        events = [
            event
            for event in _known(opened, as_of, known_at)
            if kind in (None, event.kind) and subject in (None, event.subject)
        ]
        shown = events[-last:] if last else events
        outcome.data = {"events": [event.as_json() for event in shown]}
        outcome.table(
            f"{len(shown):,} events",
            ["seq", "effective_on", "kind", "subject", "actor", "event_id"],
            [(one.seq, one.effective_on, one.kind, one.subject, one.actor, one.event_id) for one in shown],
        )


def _known(site: Site, as_of: datetime | None, known_at: datetime | None) -> tuple[LedgerEvent, ...]:
    """All events; with a day those that stood on it; with an instant those recorded by then."""
    instant = None if known_at is None else _end(known_at).replace(tzinfo=site.zone)
    if as_of is not None:
        return state_as_of(ledger_of(site), as_of.date(), known_at=instant).events
    return tuple(event for event in ledger_of(site).events() if instant is None or event.at <= instant)


def _end(known_at: datetime) -> datetime:
    """The last instant of a day that was given without a time."""
    return datetime.combine(known_at, time.max) if known_at.time() == time.min else known_at


@app.command()
def export(
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The new file to write, and beside it FILE.head.json; default: standard output."),
    ] = None,
    site: SiteOption = HERE,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """All events, one JSON object a line, in order; beside a file the signed head of its last event."""
    with command("ledger export", json=json) as outcome:
        ledger = ledger_of(outcome.open_site(site))
        if out is None:
            events = ledger.events()
            outcome.data = {"events": len(events), "file": None}
            if json:
                outcome.data["lines"] = [line_of(event) for event in events]
            for event in events:
                outcome.say(line_of(event))
            return
        head_file = out.with_name(out.name + HEAD_SUFFIX)
        _require_new(out)
        _require_new(head_file)
        found = verify_ledger(ledger)
        found.require_whole()
        outcome.data = {"events": found.events, "file": str(out), "head_file": str(head_file)}
        if dry_run:
            outcome.say(f"would write {found.events:,} events to {out}")
            return
        stated = _stated_head(ledger)
        events = ledger.events()[: stated.seq]
        write_aside(out, "".join(f"{line_of(event)}\n" for event in events).encode("ascii"))
        outcome.data["events"] = len(events)
        outcome.say(f"Wrote {len(events):,} events to {out}")
        _write_head(outcome, stated, head_file)
