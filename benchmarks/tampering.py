"""What somebody who owns the files of a ledger could do to them: the changes that `qe ledger verify` has to find."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random

from qe.ledger.book import TRIGGERS, Ledger
from qe.ledger.event import GENESIS
from qe.ledger.heads import read_heads
from qe.ledger.rows import COLUMNS


def copied(ledger: Ledger, folder: Path) -> Ledger:
    """The ledger's files in an empty folder, to be changed there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in (ledger.path, ledger.anchor, ledger.heads):
        if path.exists():
            shutil.copyfile(path, folder / path.name)
    return Ledger(folder / ledger.path.name, zone=ledger.zone)


def change(ledger: Ledger, *statements: str, parameters: tuple[object, ...] = ()) -> None:
    """Change the table as its owner could, then put the triggers back."""
    with closing(sqlite3.connect(ledger.path)) as connection, connection:
        for name in TRIGGERS:
            connection.execute(f"drop trigger {name}")
        for statement in statements:
            connection.execute(statement, parameters)
        for trigger in TRIGGERS.values():
            connection.execute(trigger)


def flip_a_byte(ledger: Ledger, draw: Random) -> str:
    """One bit of one byte of one column of one event; gives which. An empty column gets one byte."""
    events = len(ledger.events())
    seq, column = draw.randint(1, events), draw.choice(COLUMNS)
    with closing(sqlite3.connect(ledger.path)) as connection:
        (value,) = connection.execute(f"select {column} from event where seq = ?", (seq,)).fetchone()
    if isinstance(value, int):
        change(
            ledger,
            f"update event set {column} = ? where seq = {seq}",
            parameters=(value ^ 1 << draw.randrange(20, 40),),
        )
        return f"{column} of event {seq}"
    content = bytearray((value or "\x00").encode("utf-8"))
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    change(ledger, f"update event set {column} = cast(? as text) where seq = {seq}", parameters=(bytes(content),))
    return f"{column} of event {seq}"


def remove(ledger: Ledger, seq: int) -> None:
    """An event is gone; those after it keep their numbers."""
    change(ledger, f"delete from event where seq = {seq}")


def remove_and_number_anew(ledger: Ledger, seq: int) -> None:
    """An event is gone, and no number is missing."""
    change(
        ledger,
        f"delete from event where seq = {seq}",
        f"update event set seq = -seq where seq > {seq}",
        "update event set seq = -seq - 1 where seq < 0",
    )


def reorder(ledger: Ledger, one: int, other: int) -> None:
    """Two events change places."""
    change(
        ledger,
        f"update event set seq = -1 where seq = {one}",
        f"update event set seq = {one} where seq = {other}",
        f"update event set seq = {other} where seq = -1",
    )


def cut_off(ledger: Ledger, kept: int, *, with_anchor: bool = False, with_heads: bool = False) -> None:
    """Only the first `kept` events stay; with_anchor, with_heads: those files are as they could have been then."""
    events = ledger.events()
    change(ledger, f"delete from event where seq > {kept}")
    if with_anchor:
        ledger.anchor.write_text(f"{kept} {events[kept - 1].hash if kept else GENESIS}\n", encoding="ascii")
    if with_heads and ledger.heads.exists():
        lines = [stated.line() for stated in read_heads(ledger.heads) if stated.seq <= kept]
        ledger.heads.write_text("".join(lines), encoding="ascii")
