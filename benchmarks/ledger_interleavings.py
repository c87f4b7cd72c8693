"""Two processes write one ledger and are killed: is anything acknowledged lost, is any change of the files missed?

An interleaving is three days on one ledger. On each two processes append at once and die at a random moment, before a commit,
with half of a transaction on the disk, between a commit and its anchor, or not at all; the next day they go on with what was not
acknowledged. After each day the ledger must be whole. At its end copies of it are tampered with in every way.
It runs in a process of its own without threads, since each writer is a fork of it.
"""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from sqlite3 import Connection
from typing import Final, Literal, get_args

from benchmarks.tampering import change, copied, cut_off, flip_a_byte, remove, remove_and_number_anew, reorder
from qe.ledger.book import Head, Ledger
from qe.ledger.event import NewEvent
from qe.ledger.heads import read_heads
from qe.ledger.signing import SigningKey, state_head
from qe.ledger.verify import verify
from qe.progress import Progress, Silent
from qe.store import Key, new_key

Death = Literal["none", "any_moment", "before_commit", "half_written", "torn_page", "before_anchor", "half_an_anchor"]

DAYS: Final = 3
FIRST_DAY: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)
CHUNK: Final = 50  # interleavings in one process; a stopped check goes on with the next chunk
HALF_WRITTEN_BATCH: Final = (
    40  # events: more pages than a cache of one page holds, so that some are written before the commit
)


@dataclass
class Findings:
    """What was done and seen. lost, broken, missed: must stay empty.

    deaths  how the writers were to die; one that was to be killed at any moment may have been done by then
    """

    interleavings: int
    deaths: Counter[str]
    acknowledged: int
    recorded: int
    hot_journals: int
    most_events_behind: int
    changes: Counter[str]
    lost: list[str]
    broken: list[str]
    missed: list[str]

    def add(self, other: "Findings") -> None:
        self.interleavings += other.interleavings
        self.deaths += other.deaths
        self.acknowledged += other.acknowledged
        self.recorded += other.recorded
        self.hot_journals += other.hot_journals
        self.most_events_behind = max(self.most_events_behind, other.most_events_behind)
        self.changes += other.changes
        self.lost += other.lost
        self.broken += other.broken
        self.missed += other.missed


def nothing_found() -> Findings:
    return Findings(
        interleavings=0,
        deaths=Counter(),
        acknowledged=0,
        recorded=0,
        hot_journals=0,
        most_events_behind=0,
        changes=Counter(),
        lost=[],
        broken=[],
        missed=[],
    )


def check(folder: Path, *, interleavings: int, seed: int, progress: Progress | None = None) -> Findings:
    """All interleavings of the seed, chunk by chunk; a chunk that was finished before is not run again."""
    bar = progress or Silent()
    bar.start("Interleavings of two writers", total=-(-interleavings // CHUNK))
    total = nothing_found()
    for start in range(0, interleavings, CHUNK):
        numbers = range(start, min(start + CHUNK, interleavings))
        done = folder / f"seed-{seed}-{numbers.start}-{numbers.stop}.json"
        if not done.exists():
            words = [str(folder), str(seed), str(numbers.start), str(numbers.stop), str(done)]
            subprocess.run([sys.executable, "-m", "benchmarks.ledger_interleavings", *words], check=True)
        found = json.loads(done.read_text(encoding="ascii"))
        total.add(Findings(**{**found, "deaths": Counter(found["deaths"]), "changes": Counter(found["changes"])}))
        bar.advance()
    bar.finish()
    return total


def shortfalls(found: Findings) -> list[str]:
    """What must not be: each kind of failure with its number and first cases."""
    kinds = {"events lost": found.lost, "ledgers broken": found.broken, "changes missed": found.missed}
    failed = [f"{len(cases)} {name}: {'; '.join(cases[:3])}" for name, cases in kinds.items() if cases]
    unseen = set(get_args(Death)) - set(found.deaths)
    return failed + [f"no writer died {', '.join(sorted(unseen))}"] * bool(unseen)


@dataclass(frozen=True, kw_only=True)
class Writer:
    """One process of one day. batches: request ids, each batch one append; dies_at: the append at which it dies."""

    name: str
    batches: tuple[tuple[str, ...], ...]
    death: Death
    dies_at: int
    killed_after: float


class DyingLedger(Ledger):
    """A ledger whose process ends at a chosen moment of its n-th append, as by kill -9."""

    death: Death = "none"
    appends_left: int = 0

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        cls = type(self)
        cls.appends_left -= 1
        with super()._writing() as connection:
            if cls.appends_left == 0 and cls.death in ("before_commit", "half_written", "torn_page"):
                if cls.death != "before_commit":
                    connection.execute("pragma cache_size = 1")
                connection.set_trace_callback(lambda statement: die() if statement == "commit" else None)
            yield connection

    def _write_anchor(self, head: Head) -> None:
        if type(self).appends_left == 0 and head.seq > 0:
            if type(self).death == "half_an_anchor":
                self.anchor.with_suffix(".anchor-new").write_text(f"{head.seq} {head.hash[:20]}")
            if type(self).death in ("before_anchor", "half_an_anchor"):
                die()
        super()._write_anchor(head)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def writers_of_a_day(draw: Random, *, day: int, again: Sequence[tuple[str, ...]]) -> tuple[Writer, Writer]:
    """Two writers with random batches; `again`: those that were not acknowledged yet, first."""
    made = []
    for name in ("first", "second"):
        fresh = [
            tuple(f"{name}-{day}-{batch}-{event}" for event in range(draw.choice((1, 1, 2, 3))))
            for batch in range(draw.randint(2, 6))
        ]
        death: Death = draw.choice(get_args(Death))
        own = [batch for batch in again if batch[0].startswith(name)]
        batches = [*own, *fresh]
        dies_at = draw.randint(1, len(batches))
        if death in ("half_written", "torn_page"):
            batches.insert(dies_at - 1, tuple(f"{name}-{day}-half-{event}" for event in range(HALF_WRITTEN_BATCH)))
        made.append(
            Writer(
                name=name,
                batches=tuple(batches),
                death=death,
                dies_at=dies_at,
                killed_after=draw.expovariate(1 / 0.02),
            )
        )
    return made[0], made[1]


def start(ledger: Ledger, writer: Writer, *, at: datetime) -> tuple[int, int]:
    """Fork the writer: its process id, and where it acknowledges each batch."""
    reading, writing = os.pipe()
    process = os.fork()
    if process:
        os.close(writing)
        return process, reading
    try:
        os.close(reading)
        DyingLedger.death, DyingLedger.appends_left = writer.death, writer.dies_at
        dying = DyingLedger(ledger.path, zone=ledger.zone, signing_key=ledger.signing_key)
        for number, batch in enumerate(writer.batches):
            dying.append([acknowledged_request(request) for request in batch], at=at, actor=writer.name)
            os.write(writing, f"{number}\n".encode("ascii"))
    finally:
        os._exit(0)
    raise AssertionError("never here")


def acknowledged_request(request: str) -> NewEvent:
    return NewEvent(kind="request_acknowledged", effective_on=date(2026, 3, 2), payload={"request_id": request})


def run_day(ledger: Ledger, writers: Sequence[Writer], *, at: datetime) -> list[tuple[str, ...]]:
    """Both write at once, until they are done or dead; the batches that they acknowledged."""
    begun = time.monotonic()
    running = [(writer, *start(ledger, writer, at=at)) for writer in writers]
    for writer, process, _ in sorted(running, key=lambda one: one[0].killed_after):
        if writer.death == "any_moment":
            wait = max(0.0, begun + writer.killed_after - time.monotonic())
            select.select([], [], [], wait)
            os.kill(process, signal.SIGKILL)
    acknowledged = []
    for writer, process, reading in running:
        with os.fdopen(reading, encoding="ascii") as pipe:
            acknowledged += [writer.batches[int(line)] for line in pipe.read().split("\n")[:-1]]
        os.waitpid(process, 0)
    return acknowledged


def interleaving(folder: Path, *, seed: int, number: int) -> Findings:
    """One ledger from its first event to the last tampering."""
    draw = Random(f"{seed}-{number}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    key = SigningKey(Key(f"{draw.getrandbits(256):064x}")) if draw.random() < 0.7 else None
    ledger = Ledger(folder / "ledger.sqlite", zone="America/New_York", signing_key=lambda: key)
    found, name = nothing_found(), f"seed {seed}, interleaving {number}"
    found.interleavings = 1
    pending: list[tuple[str, ...]] = []
    acknowledged: set[str] = set()
    for day in range(DAYS):
        writers = writers_of_a_day(draw, day=day, again=pending)
        told = run_day(ledger, writers, at=FIRST_DAY + timedelta(days=day))
        acknowledged |= {request for batch in told for request in batch}
        found.deaths.update(writer.death for writer in writers)
        found.hot_journals += tear(ledger, draw, tear_pages=any(writer.death == "torn_page" for writer in writers))
        look_after(ledger, writers, acknowledged, found, name=f"{name}, day {day + 1}")
        if any(batch not in told for writer in writers if writer.death == "none" for batch in writer.batches):
            found.broken.append(f"{name}, day {day + 1}: a writer that was not killed did not get through")
        pending = [batch for writer in writers for batch in writer.batches if batch not in told]
    ledger.append([acknowledged_request("last")], at=FIRST_DAY + timedelta(days=DAYS), actor="after")
    if verify(ledger).behind != 0:
        found.broken.append(f"{name}: the anchor is not level after the last event")
    found.acknowledged, found.recorded = len(acknowledged) + 1, len(ledger.events())
    tamper_in_every_way(ledger, draw, folder / "tampered", found, name=name)
    if not (found.lost or found.broken or found.missed):
        shutil.rmtree(folder)
    return found


def look_after(
    ledger: Ledger, writers: Sequence[Writer], acknowledged: set[str], found: Findings, *, name: str
) -> None:
    """Whole; everything acknowledged there once; every batch whole or absent; the anchor behind by what was in flight at most."""
    verified = verify(ledger)
    requests = [event.text("request_id") for event in ledger.events() if event.kind == "request_acknowledged"]
    recorded = set(requests)
    if verified.faults:
        found.broken.append(f"{name}: {verified.faults[0].code}")
    if len(recorded) != len(requests):
        found.broken.append(f"{name}: an event is there twice")
    if not acknowledged <= recorded:
        found.lost.append(f"{name}: {len(acknowledged - recorded)}")
    batches = [batch for writer in writers for batch in writer.batches]
    if any(len(recorded & set(batch)) not in (0, len(batch)) for batch in batches):
        found.broken.append(f"{name}: half of a batch is there")
    in_flight = sum(max(len(batch) for batch in writer.batches) + 1 for writer in writers if writer.death != "none")
    if verified.behind > in_flight:
        found.broken.append(f"{name}: the anchor is {verified.behind} events behind")
    found.most_events_behind = max(found.most_events_behind, verified.behind)


def tear(ledger: Ledger, draw: Random, *, tear_pages: bool) -> int:
    """1 where a hot journal was left. Half of a page that it keeps is then overwritten, as by a write that power cut in two."""
    journal = ledger.path.with_name(ledger.path.name + "-journal")
    if not journal.exists() or journal.stat().st_size < 512:
        return 0
    head = journal.read_bytes()
    kept, sector, page = (int.from_bytes(head[place : place + 4], "big") for place in (8, 20, 24))
    if kept == 0 or not head.startswith(bytes.fromhex("d9d505f920a163d7")):
        return 0  # its head was not written yet: nothing of the database was, either
    if tear_pages:
        record = sector + draw.randrange(kept) * (page + 8)
        number = int.from_bytes(head[record : record + 4], "big")
        content = bytearray(ledger.path.read_bytes())
        half = draw.choice((0, page // 2))
        content[(number - 1) * page + half : (number - 1) * page + half + page // 2] = draw.randbytes(page // 2)
        ledger.path.write_bytes(content)
    return 1


def tamper_in_every_way(ledger: Ledger, draw: Random, folder: Path, found: Findings, *, name: str) -> None:
    """Each change on a copy of its own; `verify` must find it, with the head that was noted where the copy alone cannot tell."""
    events = ledger.events()
    last, signed = len(events), read_heads(ledger.heads)
    kept, seq = draw.randint(1, last - 1), draw.randint(1, last - 1)
    one, other = draw.sample(range(1, last + 1), 2)
    noted = draw.choice(events[kept:]).hash
    stated = ledger.state_head(ledger.head(), at=FIRST_DAY + timedelta(days=DAYS))
    forger = SigningKey(new_key())
    forged = state_head(seq=last, hash=events[-1].hash, at=FIRST_DAY, key=forger)
    changes: dict[str, tuple[Callable[[Ledger], object], dict[str, object]]] = {
        "flipped byte": (lambda copy: flip_a_byte(copy, draw), {}),
        "removed": (lambda copy: remove(copy, seq), {}),
        "removed, numbered anew": (lambda copy: remove_and_number_anew(copy, seq), {}),
        "reordered": (lambda copy: reorder(copy, one, other), {}),
        "cut off": (lambda copy: cut_off(copy, kept), {}),
        "cut off with anchor, head noted": (
            lambda copy: cut_off(copy, kept, with_anchor=True, with_heads=True),
            {"head": noted},
        ),
        "cut off with anchor and heads, statement kept": (
            lambda copy: cut_off(copy, kept, with_anchor=True, with_heads=True),
            {"head": stated},
        ),
        "a stranger's head": (lambda copy: change(copy), {"head": forged}),
    }
    if signed:
        before = draw.randint(0, signed[-1].seq - 1)
        changes["cut off with anchor, daily heads kept"] = (lambda copy: cut_off(copy, before, with_anchor=True), {})
        changes["a daily head changed"] = (
            lambda copy: copy.heads.write_bytes(flipped(copy.heads.read_bytes(), draw)),
            {},
        )
    for how, (do, given) in changes.items():
        copy = copied(ledger, folder)
        done = do(copy)
        found.changes[how] += 1
        if not verify(copy, head=given.get("head")).faults:  # type: ignore[arg-type]
            found.missed.append(f"{name}: {how} ({done})")
    copy = copied(ledger, folder)
    if faults := verify(copy, head=stated).faults:
        found.broken.append(f"{name}: an untouched copy: {faults[0].code}")


def flipped(content: bytes, draw: Random) -> bytes:
    """One bit of one byte changed, but not of a line's end: an unfinished last line counts for nothing."""
    place = draw.choice([place for place, byte in enumerate(content) if byte != 10])
    return content[:place] + bytes([content[place] ^ 1 << draw.randrange(7)]) + content[place + 1 :]


def main(folder: Path, seed: int, first: int, end: int, done: Path) -> None:
    total = nothing_found()
    for number in range(first, end):
        total.add(interleaving(folder / f"{seed}-{number}", seed=seed, number=number))
    done.write_text(json.dumps(vars(total)), encoding="ascii")


if __name__ == "__main__":
    where, of_seed, start_at, end_at, to = sys.argv[1:]
    main(Path(where), int(of_seed), int(start_at), int(end_at), Path(to))
