"""An exported ledger: its events, one JSON object a line. Whoever has the file and a head can verify it without the site."""

import json
from dataclasses import replace
from pathlib import Path

from qe.errors import Fault, Findings, InputError
from qe.ledger.book import EMPTY, Head
from qe.ledger.event import LedgerEvent, canonical_json
from qe.ledger.rows import COLUMNS, event_of
from qe.ledger.signing import HeadStatement
from qe.ledger.verify import FILE, Verification, chain_faults, head_faults


def line_of(event: LedgerEvent) -> str:
    """One line without its end: all columns by name."""
    return canonical_json(event.as_json())


def read_exported(path: Path) -> tuple[LedgerEvent, ...]:
    """The events of an exported file. Raises InputError when there is none, Findings at a line that no event is written as."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        raise InputError(f"there is no file {path.name}") from None
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{path.name} cannot be read as an exported ledger") from None
    return tuple(_event(path.name, number, line) for number, line in enumerate(lines, start=1))


def _event(file: str, number: int, line: str) -> LedgerEvent:
    try:
        told = json.loads(line)
        event = event_of([canonical_json(told[name]) if name == "payload" else told[name] for name in COLUMNS])
        is_event = line_of(event) == line
    except (ValueError, TypeError, KeyError, Findings):
        is_event = False
    if not is_event:
        said = f"{file}: line {number} is no event as qe writes it: it was changed"
        raise Findings.of([Fault(code="event-changed", message=said, file=file, place=f"line {number}")])
    return event


def verify_exported(path: Path, *, head: str | HeadStatement | None) -> Verification:
    """The chain of the events in an exported file, and the head that was given with them or kept from before."""
    events = read_exported(path)
    last = Head(seq=events[-1].seq, hash=events[-1].hash) if events else EMPTY
    faults = [
        replace(fault, file=path.name, message=fault.message.replace(FILE, path.name))
        for fault in (*chain_faults(events), *head_faults(head, events))
    ]
    return Verification(events=len(events), head=last, behind=0, faults=tuple(faults))
