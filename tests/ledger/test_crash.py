"""What an append acknowledged is still there after kill -9, and two processes never lose, fork or half-write an event.

`bin/long ledger_interleavings` does the same a thousand times.
"""

from datetime import date
from pathlib import Path
from random import Random
from secrets import randbelow

import pytest

from benchmarks import ledger_interleavings as interleavings
from benchmarks.ledger_interleavings import Writer, look_after, nothing_found, run_day, tear
from qe.ledger.book import Ledger
from qe.ledger.event import NewEvent
from qe.ledger.verify import verify


def test_nothing_acknowledged_is_lost_and_every_change_is_found(tmp_path: Path) -> None:
    seed = randbelow(10**6)
    found = interleavings.check(tmp_path, interleavings=10, seed=seed)
    assert (found.interleavings, found.lost, found.broken, found.missed) == (10, [], [], []), f"seed {seed}"


def one_writer(death: interleavings.Death) -> Writer:
    """Two events, one append each; it dies, if at all, at the second."""
    return Writer(name="first", batches=(("r6",), ("r7",)), death=death, dies_at=2, killed_after=0)


@pytest.mark.parametrize(
    ("death", "acknowledged", "recorded", "behind"),
    [
        ("none", ["r6", "r7"], 7, 0),
        ("before_commit", ["r6"], 6, 0),
        ("before_anchor", ["r6"], 7, 1),
        ("half_an_anchor", ["r6"], 7, 1),
    ],
)
def test_a_writer_that_dies_leaves_what_it_acknowledged_and_an_anchor_that_is_level_after_the_next_event(
    five_events: Ledger, death: interleavings.Death, acknowledged: list[str], recorded: int, behind: int
) -> None:
    told = run_day(five_events, [one_writer(death)], at=interleavings.FIRST_DAY)
    found = verify(five_events)
    assert ([one for (one,) in told], found.events, found.behind, found.faults) == (acknowledged, recorded, behind, ())
    append(five_events, "r8")
    assert (verify(five_events).events, verify(five_events).behind) == (recorded + 1, 0)


def test_a_transaction_half_on_the_disk_with_a_torn_page_is_rolled_back(five_events: Ledger) -> None:
    before = five_events.events()
    many = tuple(f"half-{number}" for number in range(interleavings.HALF_WRITTEN_BATCH))
    writer = Writer(name="first", batches=(many,), death="torn_page", dies_at=1, killed_after=0)
    assert run_day(five_events, [writer], at=interleavings.FIRST_DAY) == []
    assert tear(five_events, Random(20260302), tear_pages=True) == 1
    assert five_events.events() == before
    assert verify(five_events).faults == ()


def test_the_check_itself_sees_a_lost_event_a_half_batch_and_an_anchor_too_far_behind(five_events: Ledger) -> None:
    writer = Writer(name="first", batches=(("r5", "r6"),), death="none", dies_at=1, killed_after=0)
    five_events.anchor.write_text(f"3 {five_events.events()[2].hash}\n")
    found = nothing_found()
    look_after(five_events, [writer], {"r1", "r9"}, found, name="here")
    assert (found.lost, found.broken) == (
        ["here: 1"],
        ["here: half of a batch is there", "here: the anchor is 2 events behind"],
    )
    assert len(interleavings.shortfalls(found)) == 3


def append(ledger: Ledger, request: str) -> None:
    event = NewEvent(kind="request_acknowledged", effective_on=date(2026, 3, 2), payload={"request_id": request})
    ledger.append([event], at=interleavings.FIRST_DAY, actor="analyst")
