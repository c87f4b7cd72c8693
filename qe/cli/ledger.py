"""`qe ledger verify | show | export`: the record of what happened."""

import json as json_module
from pathlib import Path
from typing import Annotated

import typer

from qe.cli.output import JsonOption, SiteOption, command
from qe.errors import Findings, InputError
from qe.ledger import schema
from qe.ledger.book import Ledger
from qe.ledger.event import LedgerEvent
from qe.ledger.verify import verify as verify_ledger
from qe.runs import finished_runs, write_aside
from qe.site import Site

app = typer.Typer(no_args_is_help=True, help="The append-only record: verify it, show it, export it.")

HERE = Path()


def ledger_of(site: Site) -> Ledger:
    """The site's ledger."""
    return Ledger(site.ledger, zone=site.settings.site.zone)


@app.command()
def verify(
    head: Annotated[
        str | None, typer.Option("--head", help="A head printed earlier, to be found in the chain.")
    ] = None,
    site: SiteOption = HERE,
    json: JsonOption = False,
) -> None:
    """Check that no event was changed, removed, reordered or cut off."""
    with command("ledger verify", json=json) as outcome:
        opened = outcome.open_site(site)
        found = verify_ledger(ledger_of(opened), head=head)
        if not found.events and (runs := finished_runs(opened)):
            raise Findings(
                f"the ledger is empty, but the site holds {len(runs)} finished runs: its events are lost, or a first run was "
                "stopped before it was recorded",
                remedy="If events were recorded before, restore ledger.sqlite and ledger.anchor from their backup; "
                "else run `qe run` again, which records the run.",
            )
        outcome.data = {
            "events": found.events,
            "head": found.head.hash,
            "behind": found.behind,
            "is_whole": not found.faults,
        }
        found.require_whole()
        outcome.say(f"The ledger is whole: {found.events:,} events, head {found.head.hash}")
        if found.behind:
            outcome.say(
                f"Its anchor is {found.behind} events behind (a stopped process); the next event brings it level."
            )


@app.command()
def show(
    kind: Annotated[str | None, typer.Option("--kind", help="Only events of this kind.")] = None,
    subject: Annotated[str | None, typer.Option("--subject", help="Only events about this report, source, ...")] = None,
    last: Annotated[int | None, typer.Option("--last", min=1, help="Only the last ones.")] = None,
    site: SiteOption = HERE,
    json: JsonOption = False,
) -> None:
    """List the events in order."""
    with command("ledger show", json=json) as outcome:
        if kind is not None:
            schema.kind_of(kind)
        events = [
            event
            for event in ledger_of(outcome.open_site(site)).events()
            if kind in (None, event.kind) and subject in (None, event.subject)
        ]
        shown = events[-last:] if last else events
        outcome.data = {"events": [event.as_json() for event in shown]}
        outcome.table(
            f"{len(shown):,} events",
            ["seq", "effective_on", "kind", "subject", "actor", "event_id"],
            [(one.seq, one.effective_on, one.kind, one.subject, one.actor, one.event_id) for one in shown],
        )


@app.command()
def export(
    out: Annotated[Path | None, typer.Option("--out", help="The file to write; default: standard output.")] = None,
    site: SiteOption = HERE,
    json: JsonOption = False,
) -> None:
    """All events, one JSON object a line, in order."""
    with command("ledger export", json=json) as outcome:
        events = ledger_of(outcome.open_site(site)).events()
        outcome.data = {"events": len(events), "file": None if out is None else str(out)}
        if out is None:
            if json:
                outcome.data["lines"] = [_line(event) for event in events]
            for event in events:
                outcome.say(_line(event))
            return
        if out.exists():
            raise InputError(f"{out.name} exists already", remedy="Name a new file.")
        write_aside(out, "".join(f"{_line(event)}\n" for event in events).encode("ascii"))
        outcome.say(f"Wrote {len(events):,} events to {out}")


def _line(event: LedgerEvent) -> str:
    return json_module.dumps(event.as_json(), sort_keys=True, separators=(",", ":"))
