"""ledger.heads: the head signed once a day, a line each. It shows what ledger.sqlite and its anchor no longer hold.

The first append of a day that has the key signs the head that it finds, before it adds to it.
"""

import os
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from qe import store
from qe.errors import Findings, InputError
from qe.ledger.event import LedgerEvent, NewEvent
from qe.ledger.signing import PURPOSE, HeadStatement, SigningKey, read_statement, state_head

KeySource = Callable[[], SigningKey | None]

RESTORE: Final = "Restore ledger.sqlite, ledger.anchor and ledger.heads from their backup."


def no_key() -> SigningKey | None:
    """A site without a signing key: its heads are not signed."""
    return None


def key_at_hand(source: KeySource) -> SigningKey | None:
    """The key, or None also where this account cannot read it.

    A hand-over or a request is recorded all the same: that it is on record matters more than that this day's head is signed,
    and `qe ledger verify` tells which days are not.
    """
    try:
        return source()
    except InputError:
        return None


def read_heads(path: Path) -> tuple[HeadStatement, ...]:
    """All lines in order. A last line that a stopped process left unfinished counts for nothing. Raises Findings when damaged."""
    return tuple(_statement(line) for line in _lines(path))


def last_head(path: Path) -> HeadStatement | None:
    """The last line, or None without any; the lines before it are not looked at."""
    lines = _lines(path)
    return _statement(lines[-1]) if lines else None


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return []


def _statement(line: bytes) -> HeadStatement:
    try:
        return read_statement(line.decode("ascii"))
    except (InputError, UnicodeDecodeError):
        raise Findings("ledger.heads is damaged", remedy=RESTORE) from None


def sign_once_a_day(path: Path, *, seq: int, hash: str, at: datetime, zone: str, key: SigningKey) -> None:
    """Add the head as it stands to the file, on the disk, unless this day has one or nothing was recorded since."""
    last = last_head(path)
    if seq == 0 or (
        last is not None and (last.seq == seq or _day(datetime.fromisoformat(last.at), zone) >= _day(at, zone))
    ):
        return
    is_new = not path.exists()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        end = file.read().rfind(b"\n") + 1  # behind it at most a line that was never finished
        file.truncate(end)
        file.seek(end)
        file.write(state_head(seq=seq, hash=hash, at=at, key=key).line().encode("ascii"))
        file.flush()
        os.fsync(file.fileno())
    if is_new:
        store.sync(path.parent)


def _day(at: datetime, zone: str) -> str:
    return at.astimezone(ZoneInfo(zone)).date().isoformat()


def key_recorded(key: SigningKey, *, at: datetime, zone: str) -> NewEvent:
    """The event by which anybody who holds the ledger knows whose signatures to accept."""
    return NewEvent(
        kind="key_created",
        effective_on=at.astimezone(ZoneInfo(zone)).date(),
        payload={"purpose": PURPOSE, "public_key": key.public_key},
        key=f"key_created:{PURPOSE}:{key.public_key}",
    )


def signing_keys(events: Sequence[LedgerEvent]) -> dict[str, int | None]:
    """Public keys that the ledger knows as its own, each with the number of the event that retired it, if any."""
    taken_back = {event.retracts for event in events if event.retracts is not None}
    keys: dict[str, int | None] = {}
    for event in events:
        if event.event_id in taken_back or event.text("purpose") != PURPOSE:
            continue
        if event.kind == "key_created":
            keys[event.text("public_key")] = None
        elif event.kind in ("key_rotated", "key_destroyed") and event.text("public_key") in keys:
            keys[event.text("public_key")] = event.seq
    return keys
