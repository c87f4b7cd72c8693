"""What an append acknowledged is still there after kill -9, and several processes never lose or fork an event."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from qe.ledger.book import Ledger
from qe.ledger.verify import verify

WRITER = """
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from qe.ledger.book import Ledger
from qe.ledger.event import NewEvent

ledger = Ledger(Path(sys.argv[1]), zone="UTC")
for number in range(int(sys.argv[3])):
    request = f"{sys.argv[2]}-{number}"
    event = NewEvent(kind="request_acknowledged", effective_on=date(2026, 3, 2), payload={"request_id": request})
    ledger.append([event], at=datetime(2026, 3, 2, 12, tzinfo=UTC), actor="analyst")
    print(request, flush=True)
"""


def start_writer(path: Path, name: str, events: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), name, str(events)], stdout=subprocess.PIPE, text=True
    )


def recorded(ledger: Ledger) -> list[str]:
    return [event.text("request_id") for event in ledger.events()]


def test_no_acknowledged_event_is_lost_when_two_writers_are_killed(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    writers = [start_writer(path, name, 10_000) for name in ("first", "second")]
    time.sleep(1.5)
    acknowledged: list[str] = []
    for writer in writers:
        os.kill(writer.pid, signal.SIGKILL)
        out, _ = writer.communicate()
        acknowledged += [line for line in out.splitlines(keepends=True) if line.endswith("\n")]
    ledger = Ledger(path, zone="UTC")
    found = verify(ledger)
    assert found.faults == ()
    assert found.behind <= 1
    assert {line.strip() for line in acknowledged} <= set(recorded(ledger))
    with start_writer(path, "after", 1) as writer:
        writer.communicate()
    assert recorded(ledger)[-1] == "after-0"
    assert verify(ledger).behind == 0


def test_two_processes_that_write_at_once_make_one_unbroken_chain(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    writers = [start_writer(path, name, 15) for name in ("first", "second")]
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    ledger = Ledger(path, zone="UTC")
    assert verify(ledger).faults == ()
    assert sorted(recorded(ledger)) == sorted(f"{name}-{n}" for name in ("first", "second") for n in range(15))
