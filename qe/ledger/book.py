"""The ledger: append-only, hash-chained events in SQLite. The only writer of ledger.sqlite and ledger.anchor."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from qe import store
from qe.errors import Findings, InputError, OutOfResources, Refused, SiteHeld
from qe.ledger import schema
from qe.ledger.event import (
    GENESIS,
    LedgerEvent,
    NewEvent,
    chained_hash,
    event_id_of,
    instant_text,
)
from qe.ledger.filesystem import require_local
from qe.ledger.heads import KeySource, key_at_hand, key_recorded, last_head, no_key, sign_once_a_day
from qe.ledger.rows import COLUMNS, event_of, row_of
from qe.ledger.signing import HeadStatement, state_head

CLOCK_TOLERANCE: Final = timedelta(minutes=5)
WAIT_FOR_LOCK_SECONDS: Final = 30.0
UNREADABLE: Final = "ledger.sqlite cannot be read as a ledger"
RESTORE: Final = "Restore ledger.sqlite, ledger.anchor and ledger.heads from their backup."

TABLE: Final = """
create table event (
    seq integer primary key,
    event_id text not null unique,
    at text not null,
    effective_on text not null,
    zone text not null,
    kind text not null,
    subject text not null,
    payload text not null,
    actor text not null,
    evidence_sha256 text,
    retracts text,
    prev text not null,
    hash text not null unique
) strict
"""
TRIGGERS: Final = {
    "event_is_never_updated": """
create trigger event_is_never_updated before update on event
begin
    select raise(abort, 'the ledger is append-only');
end
""",
    "event_is_never_deleted": """
create trigger event_is_never_deleted before delete on event
begin
    select raise(abort, 'the ledger is append-only');
end
""",
}
INSERT: Final = f"insert into event ({', '.join(COLUMNS)}) values ({', '.join('?' * len(COLUMNS))})"
SELECT: Final = f"select {', '.join(COLUMNS)} from event"


@dataclass(frozen=True, kw_only=True)
class Head:
    """The last event: its number and hash. An empty ledger has number 0 and 64 zeros."""

    seq: int
    hash: str


EMPTY: Final = Head(seq=0, hash=GENESIS)


@dataclass(frozen=True)
class Ledger:
    """The events of one site.

    path         ledger.sqlite; the head after each commit stands beside it in ledger.anchor, one a day, signed, in ledger.heads
    zone         the entity's time zone, in which `effective_on` is a day
    signing_key  gives the key that signs heads, or None
    """

    path: Path
    zone: str
    signing_key: KeySource = no_key

    @property
    def anchor(self) -> Path:
        return self.path.with_suffix(".anchor")

    @property
    def heads(self) -> Path:
        return self.path.with_suffix(".heads")

    def append(
        self, events: Sequence[NewEvent], *, at: datetime, actor: str, expected_head: Head | None = None
    ) -> tuple[LedgerEvent, ...]:
        """Record `events` in one transaction, all or none; one whose key is already recorded is returned as it stands.

        at             now, with a time zone; never more than five minutes before the last event
        expected_head  refuse when anything was recorded since this head was read
        Raises Refused (clock, head moved), InputError (payload, retraction, network filesystem), Findings (broken ledger).
        """
        if at.tzinfo is None:
            raise ValueError("`at` needs a time zone")
        for event in events:
            schema.check_payload(event.kind, event.payload)
        with self._writing() as connection:
            head = _head(connection)
            if head == EMPTY and self.anchored() is None:
                self._write_anchor(EMPTY)
            last_at = connection.execute("select max(at) from event").fetchone()[0]
            self._require_unbroken_end(head)
            _require_clock(at, last_at)
            if expected_head is not None and head != expected_head:
                raise Refused(
                    "something was recorded in the ledger since this was decided",
                    remedy="Run the command again; it decides afresh.",
                )
            own = []
            if (key := key_at_hand(self.signing_key)) is not None:
                own = [key_recorded(key, at=at, zone=self.zone)]
                sign_once_a_day(self.heads, seq=head.seq, hash=head.hash, at=at, zone=self.zone, key=key)
            recorded = []
            for event in (*own, *events):
                known = _already_recorded(connection, event)
                if isinstance(known, LedgerEvent):
                    recorded.append(known)
                    continue
                _require_retractable(connection, event)
                one = _chain(event, event_id=known, head=head, at=at, actor=actor, zone=self.zone)
                connection.execute(INSERT, row_of(one))
                head = Head(seq=one.seq, hash=one.hash)
                recorded.append(one)
            connection.execute("commit")
            self._write_anchor(head)
        return tuple(recorded[len(own) :])

    def state_head(self, head: Head, *, at: datetime) -> HeadStatement:
        """The statement that `head` stands at `at`. Raises InputError where the site's signing key is named but not there."""
        return state_head(seq=head.seq, hash=head.hash, at=at, key=self.signing_key())

    def require_writable(self) -> None:
        """InputError where nothing could be recorded: asked before long work whose end is an event."""
        require_local(self.path)

    def events(self) -> tuple[LedgerEvent, ...]:
        """All events in order. Raises Findings when the file cannot be read as a ledger."""
        if not self.path.exists():
            if self.anchor.exists():
                raise Findings("ledger.sqlite is missing but ledger.anchor is there", remedy=RESTORE)
            return ()
        with self._reading() as connection:
            try:
                if connection.execute("select count(*) from sqlite_master").fetchone() == (0,):
                    return ()  # a first append that was refused or stopped left an empty file
                return tuple(event_of(row) for row in connection.execute(f"{SELECT} order by seq"))
            except sqlite3.DatabaseError:
                raise Findings(UNREADABLE, remedy=RESTORE) from None

    def head(self) -> Head:
        """The last event's number and hash."""
        events = self.events()
        return Head(seq=events[-1].seq, hash=events[-1].hash) if events else EMPTY

    def anchored(self) -> Head | None:
        """The head that ledger.anchor holds, or None without the file."""
        try:
            seq, head = self.anchor.read_text(encoding="ascii").split()
            return Head(seq=int(seq), hash=head)
        except FileNotFoundError:
            return None
        except (ValueError, UnicodeDecodeError):
            raise Findings("ledger.anchor is damaged", remedy="Restore it from its backup with the ledger.") from None

    def trigger_names(self) -> frozenset[str]:
        with self._reading() as connection:
            rows = connection.execute("select name from sqlite_master where type = 'trigger' and tbl_name = 'event'")
            return frozenset(str(name) for (name,) in rows)

    def _require_unbroken_end(self, head: Head) -> None:
        anchored = self.anchored()
        if anchored is None:
            raise Findings("ledger.anchor is missing", remedy=RESTORE)
        if anchored.seq > head.seq or (anchored.seq == head.seq and anchored.hash != head.hash):
            raise Findings(
                f"the ledger ends at event {head.seq}, its anchor holds another event {anchored.seq}: "
                "events were removed or changed",
                remedy=RESTORE,
            )
        signed = last_head(self.heads)
        if signed is not None and signed.seq > head.seq:
            raise Findings(
                f"the ledger ends at event {head.seq}, but ledger.heads holds the signed head {signed.seq}: events were removed",
                remedy=RESTORE,
            )

    def _write_anchor(self, head: Head) -> None:
        """The head on disk, whole or not at all, after the events themselves are."""
        aside = self.anchor.with_suffix(".anchor-new")
        with aside.open("w", encoding="ascii") as file:
            file.write(f"{head.seq} {head.hash}\n")
            file.flush()
            os.fsync(file.fileno())
        aside.replace(self.anchor)
        store.sync(self.anchor.parent)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One writer at a time among all processes; rolled back unless committed."""
        self.require_writable()
        lock = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with closing(_connect(self.path)) as connection:
                connection.execute("begin immediate")
                if connection.execute("select count(*) from sqlite_master").fetchone() == (0,):
                    for statement in (TABLE, *TRIGGERS.values()):
                        connection.execute(statement)
                try:
                    yield connection
                finally:
                    if connection.in_transaction:
                        connection.execute("rollback")
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise SiteHeld("another process writes to the ledger", remedy="Run the command again.") from None
            raise OutOfResources(
                "the ledger could not be written", remedy="Free some disk space and run again."
            ) from None
        except sqlite3.DatabaseError:
            raise Findings("ledger.sqlite cannot be written as a ledger", remedy="Run `qe ledger verify`.") from None
        finally:
            os.close(lock)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(_connect(self.path)) as connection:
                yield connection
        except sqlite3.DatabaseError:
            raise Findings(UNREADABLE, remedy=RESTORE) from None


def _connect(path: Path) -> sqlite3.Connection:
    """A rollback journal, synced with its folder: what a commit acknowledged survives a power cut."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=WAIT_FOR_LOCK_SECONDS)
    connection.execute("pragma journal_mode = delete")
    connection.execute("pragma synchronous = extra")
    connection.execute("pragma trusted_schema = off")
    return connection


def _head(connection: sqlite3.Connection) -> Head:
    row = connection.execute("select seq, hash from event order by seq desc limit 1").fetchone()
    return EMPTY if row is None else Head(seq=int(row[0]), hash=str(row[1]))


def _require_clock(at: datetime, last_at: str | None) -> None:
    if last_at is not None and instant_text(at + CLOCK_TOLERANCE) < last_at:
        raise Refused(
            "the clock of this machine is more than five minutes behind the last event of the ledger",
            remedy="Set the clock right; the ledger never runs backwards.",
        )


def _already_recorded(connection: sqlite3.Connection, event: NewEvent) -> LedgerEvent | str:
    """The event recorded under this key and still standing, or the id under which to record it.

    A fact taken back and then recorded again is a new event: its id follows from the retraction.
    """
    key = event.idempotency_key()
    while True:
        event_id = event_id_of(key)
        row = connection.execute(f"{SELECT} where event_id = ?", (event_id,)).fetchone()
        if row is None:
            return event_id
        known = event_of(row)
        retraction = connection.execute("select event_id from event where retracts = ?", (event_id,)).fetchone()
        if retraction is None:
            if (known.kind, dict(known.payload)) != (event.kind, dict(event.payload)):
                raise InputError(
                    f"another {known.kind} is already recorded in its place (event {known.seq})",
                    remedy="Take that one back first: qe record fact_retracted retracts=ID.",
                )
            return known
        key = f"{key}|after:{retraction[0]}"


def _require_retractable(connection: sqlite3.Connection, event: NewEvent) -> None:
    if (event.kind == "fact_retracted") != (event.retracts is not None):
        raise InputError(
            "only fact_retracted takes an event back, and it names one", remedy="Write retracts=ID, the event's id."
        )
    if event.retracts is None:
        return
    row = connection.execute("select kind from event where event_id = ?", (event.retracts,)).fetchone()
    if row is None:
        raise InputError("the ledger has no event with the id in retracts", remedy="`qe ledger show` lists the ids.")
    if remedy := schema.kind_of(row[0]).instead_of_taking_back:
        raise InputError(f"a {row[0]} cannot be taken back", remedy=remedy)


def _chain(event: NewEvent, *, event_id: str, head: Head, at: datetime, actor: str, zone: str) -> LedgerEvent:
    unhashed = LedgerEvent(
        seq=head.seq + 1,
        event_id=event_id,
        at=at,
        effective_on=event.effective_on,
        zone=zone,
        kind=event.kind,
        subject=schema.subject_of(event.kind, event.payload),
        payload=dict(event.payload),
        actor=actor,
        evidence_sha256=event.evidence_sha256,
        retracts=event.retracts,
        prev=head.hash,
        hash="",
    )
    columns = unhashed.as_json()
    del columns["prev"], columns["hash"]
    return LedgerEvent(**{**unhashed.__dict__, "hash": chained_hash(head.hash, columns)})
