"""How every command speaks: options they share, one JSON object or plain text, exit codes, progress on stderr."""

import getpass
import json
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import duckdb
import polars as pl
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress
from rich.table import Table

from qe.errors import Fault, InputError, Interrupted, OutOfResources, QeError, Reason, Refused
from qe.site import Site, open_site
from qe.store import damaged

SiteOption = Annotated[Path, typer.Option("--site", help="The site's folder.", show_default="this folder")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on stdout; progress goes to stderr.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Check everything, change nothing.")]
ActorOption = Annotated[
    str | None,
    typer.Option("--actor", help="Who acts; recorded on every event.", show_default="the operating-system user"),
]
AsOfOption = Annotated[
    datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="Rehearsal sites only: the day to act as of.")
]


@dataclass
class Outcome:
    """What a command found and did; printed once, at its end.

    data     the JSON object's "data"
    reasons  verdicts of the gate's rules, passing ones included
    """

    command: str
    json: bool
    data: dict[str, Any] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    exit_code: int = 0
    lines: list[str | Table] = field(default_factory=list)
    site: Site | None = None

    def say(self, line: str) -> None:
        """One line for a person; not part of the JSON object."""
        self.lines.append(line)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        table = Table(*columns, title=title, title_justify="left", show_edge=False, header_style="bold")
        for row in rows:
            table.add_row(*("" if cell is None else str(cell) for cell in row))
        self.lines.append(table)

    def judged(self, reasons: Sequence[Reason], *, dry_run: bool) -> None:
        """What the gate says; a dry run shows a person the whole table of it, what does not apply left out."""
        self.reasons = list(reasons)
        if dry_run and reasons:
            self.table(
                "What the gate says",
                ["rule", "paragraph", "verdict", "fact", "earliest"],
                [
                    (one.rule, one.citation, one.verdict, one.fact, one.earliest)
                    for one in reasons
                    if one.verdict != "not_applicable"
                ],
            )

    def open_site(self, path: Path) -> Site:
        """The site the command acts on; logs of this command go below it."""
        self.site = open_site(path)
        return self.site


DISK_FULL: Final = OutOfResources("the disk is full", remedy="Free some space and run the same command again.")
BEYOND_CALENDAR: Final = InputError(
    "a day that was given leads beyond the calendar, which ends with the year 9999", remedy="Check the dates given."
)


@contextmanager
def command(name: str, *, json: bool) -> Iterator[Outcome]:
    """Run one command: errors become sentences and exit codes; text or the one JSON object; the log line."""
    outcome = Outcome(command=name, json=json)
    try:
        yield outcome
    except QeError as error:
        _take(outcome, error)
    except KeyboardInterrupt:
        _take(outcome, Interrupted("interrupted; run the same command again to go on"))
    except (MemoryError, duckdb.OutOfMemoryException):
        _take(outcome, OutOfResources("out of memory", remedy="Give [site] memory_gib more room; then run it again."))
    except duckdb.Error as error:
        if "no space left" in str(error).lower():
            _take(outcome, DISK_FULL)
        elif any(word in str(error).lower() for word in ("corrupt", "checksum", "decrypt")):
            _take(outcome, damaged("a file of the store"))
        else:
            _take_fault_of_ours(outcome, error)
    except OverflowError as error:
        if "date" in str(error):
            _take(outcome, BEYOND_CALENDAR)
        else:
            _take_fault_of_ours(outcome, error)
    except OSError as error:
        if error.errno not in (28, 122):
            _take_fault_of_ours(outcome, error)
        else:
            _take(outcome, DISK_FULL)
    except (typer.Exit, typer.Abort):
        raise
    except Exception as error:
        _take_fault_of_ours(outcome, error)
    _write_log(outcome)
    _print(outcome)
    if outcome.exit_code:
        raise typer.Exit(outcome.exit_code)


def _take(outcome: Outcome, error: QeError) -> None:
    outcome.exit_code = error.exit_code
    outcome.faults += error.faults
    if isinstance(error, Refused):
        outcome.reasons += [reason for reason in error.reasons if reason not in outcome.reasons]


def _take_fault_of_ours(outcome: Outcome, error: Exception) -> None:
    """An error nobody foresaw: told by its kind and its place in our code, never by its text, which may hold values."""
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if "/qe/" in frame.filename.replace("\\", "/")
    ]
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "outside qe"
    outcome.exit_code = 70
    outcome.faults.append(
        Fault(
            code="internal",
            message=f"a fault of qe's own: {type(error).__name__} at {place}",
            place=place,
            remedy="Nothing was half-written. Report this line; it holds no data.",
        )
    )
    if os.environ.get("QE_DEBUG"):
        traceback.print_exc()


def _write_log(outcome: Outcome) -> None:
    """One line per command in logs/<utc>-<pid>.jsonl: allow-listed fields only."""
    if outcome.site is None or not outcome.site.root.is_dir():
        return
    at = utc_now()
    entry = {
        "at": at.isoformat(),
        "command": outcome.command,
        "exit_code": outcome.exit_code,
        "faults": [{"code": fault.code, "file": fault.file, "count": fault.count} for fault in outcome.faults],
        "refused_by": [reason.rule for reason in _refusing(outcome)],
    }
    try:
        outcome.site.logs.mkdir(exist_ok=True)
        name = f"{at:%Y%m%dT%H%M%SZ}-{os.getpid()}.jsonl"
        with (outcome.site.logs / name).open("a", encoding="utf-8") as log:
            log.write(json.dumps(entry, sort_keys=True) + "\n")
    except OSError:
        Console(stderr=True).print("the log could not be written")


def _print(outcome: Outcome) -> None:
    if outcome.json:
        sys.stdout.write(json.dumps(_as_json(outcome), indent=2, sort_keys=False, default=str) + "\n")
        return
    width = None if sys.stdout.isatty() else 140
    out = Console(highlight=False, width=width, markup=False, soft_wrap=True)
    for line in outcome.lines:
        out.print(line)
    err = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    for fault in outcome.faults:
        err.print(fault.sentence())
    for reason in _refusing(outcome):
        err.print(f"  {reason.sentence()}")


def _refusing(outcome: Outcome) -> list[Reason]:
    """The rules that refused."""
    return [one for one in outcome.reasons if one.verdict == "fail"] if outcome.exit_code == Refused.exit_code else []


def _as_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "command": outcome.command,
        "exit_code": outcome.exit_code,
        "data": outcome.data,
        "faults": [
            {
                "code": fault.code,
                "file": fault.file,
                "place": fault.place,
                "count": fault.count,
                "remedy": fault.remedy,
                "message": fault.message,
            }
            for fault in outcome.faults
        ],
        "reasons": [
            {
                "rule": reason.rule,
                "citation": reason.citation,
                "verdict": reason.verdict,
                "fact": reason.fact,
                "earliest": reason.earliest,
            }
            for reason in outcome.reasons
        ],
    }


def utc_now() -> datetime:
    """The clock: read here, and passed on from here."""
    return datetime.now(UTC)


UNRESOLVED_SHOWN = 10
UNRESOLVED = {
    "no_identifier": "facility without an identifier",
    "npi_alone": "facility known by its NPI alone",
    "no_group": "visits without a group",
}


def tell_unresolved(outcome: Outcome, found: pl.DataFrame) -> None:
    """Units that no roster resolves (`ClaimsModel.unresolved_units`): those with most dollars first."""
    outcome.data["unresolved_units"] = found.to_dicts()
    if found.is_empty():
        return
    outcome.table(
        f"Units that no roster resolves: {found.height}",
        ["source", "why", "unit", "claims", "stays", "allowed dollars"],
        [
            (source_id, UNRESOLVED.get(reason, reason), name or "none", claims, stays, dollars)
            for source_id, reason, name, claims, stays, dollars in found.head(UNRESOLVED_SHOWN)
            .select("source_id", "reason", "name", "claims", "stays", "allowed_amount")
            .iter_rows()
        ],
    )


def acting_day(site: Site, as_of: datetime | None) -> date:
    """Today in the site's zone, or --as-of on a rehearsal site."""
    if as_of is None:
        return utc_now().astimezone(site.zone).date()
    if not site.settings.site.rehearsal:
        raise InputError(
            "--as-of is for rehearsal sites", remedy="Leave it out, or rehearse in a site with rehearsal = true."
        )
    return as_of.date()


def acting_person(actor: str | None) -> str:
    """Who acts: --actor, or the operating-system user."""
    return actor or getpass.getuser()


class TerminalProgress:
    """Progress bars on stderr; plain lines where stderr is no terminal."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False)
        self.bars: RichProgress | None = None
        self.task: Any = None
        self.stage = ""

    def start(self, stage: str, total: int | None = None) -> None:
        self.finish()
        self.stage = stage
        if not self.console.is_terminal:
            self.console.print(stage, markup=False, soft_wrap=True)
            return
        self.bars = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.console,
        )
        self.bars.start()
        self.task = self.bars.add_task(stage, total=total)

    def advance(self, steps: int = 1) -> None:
        if self.bars is not None:
            self.bars.advance(self.task, steps)

    def finish(self) -> None:
        if self.bars is not None:
            self.bars.stop()
            self.bars = None
