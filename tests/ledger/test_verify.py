"""Tampering with the ledger is found: any change, any removal, any new order, any cut at the end."""

import random
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.tampering import change, remove_and_number_anew, reorder
from qe.ledger.book import Ledger
from qe.ledger.verify import verify


def codes(ledger: Ledger, *, head: str | None = None) -> list[str]:
    return [fault.code for fault in verify(ledger, head=head).faults]


def test_an_untouched_ledger_is_whole(five_events: Ledger) -> None:
    found = verify(five_events, head=five_events.events()[2].hash)
    assert (found.events, found.behind, found.faults) == (5, 0, ())


@pytest.mark.parametrize("seq", [1, 2, 3, 4, 5])
@pytest.mark.parametrize(
    "to",
    [
        "actor = 'another'",
        "at = '2026-03-02T12:00:01.000000Z'",
        "effective_on = '2025-12-31'",
        "zone = 'UTC'",
        "kind = 'request_responded'",
        "subject = 'U000001'",
        """payload = '{"request_id":"r9"}'""",
        "evidence_sha256 = 'ab'",
        "retracts = 'cd'",
        "event_id = 'ef'",
        "prev = 'gh'",
        "hash = 'ij'",
    ],
)
def test_every_changed_column_of_every_event_is_found(five_events: Ledger, seq: int, to: str) -> None:
    change(five_events, f"update event set {to} where seq = {seq}")
    assert codes(five_events) != []


@pytest.mark.parametrize("seq", [1, 2, 3, 4])
def test_a_removed_event_is_found(five_events: Ledger, seq: int) -> None:
    change(five_events, f"delete from event where seq = {seq}")
    assert codes(five_events)[0] == "missing-event"


@pytest.mark.parametrize(
    ("change_of", "to"),
    [
        ("at", "2026-03-02t12:00:00.000000Z"),
        ("payload", '{"request_id": "r2"}'),
        ("payload", '{"request_id":"\\u00722"}'),
        ("effective_on", "20260302"),
    ],
)
def test_another_spelling_of_the_same_value_is_found(five_events: Ledger, change_of: str, to: str) -> None:
    change(five_events, f"update event set {change_of} = ? where seq = 2", parameters=(to,))
    (fault,) = verify(five_events).faults
    assert (fault.code, fault.place) == ("event-changed", "event 2")


def test_a_removed_event_is_found_when_the_rest_is_numbered_anew(five_events: Ledger) -> None:
    remove_and_number_anew(five_events, 2)
    assert codes(five_events)[0] == "chain-broken"


def test_two_events_in_another_order_are_found(five_events: Ledger) -> None:
    reorder(five_events, 2, 3)
    assert codes(five_events)[0] == "chain-broken"


@pytest.mark.parametrize("kept", [0, 1, 4])
def test_a_cut_at_the_end_is_found_by_the_anchor(five_events: Ledger, kept: int) -> None:
    change(five_events, f"delete from event where seq > {kept}")
    assert codes(five_events) == ["events-cut-off"]


def test_a_cut_with_a_forged_anchor_is_found_by_a_head_printed_earlier(five_events: Ledger) -> None:
    printed, kept = five_events.events()[4].hash, five_events.events()[3].hash
    change(five_events, "delete from event where seq > 4")
    five_events.anchor.write_text(f"4 {kept}\n")
    assert codes(five_events) == []
    assert codes(five_events, head=printed) == ["head-unknown"]


def test_a_missing_or_damaged_anchor_is_found(five_events: Ledger) -> None:
    five_events.anchor.write_text("five\n")
    assert codes(five_events) != []
    five_events.anchor.unlink()
    assert codes(five_events) == ["anchor-missing"]


def test_a_missing_trigger_is_found(five_events: Ledger) -> None:
    with closing(sqlite3.connect(five_events.path)) as connection, connection:
        connection.execute("drop trigger event_is_never_updated")
    assert codes(five_events) == ["trigger-missing"]


def test_a_missing_ledger_beside_its_anchor_is_found(five_events: Ledger) -> None:
    five_events.path.unlink()
    assert codes(five_events) != []


def test_a_file_that_is_no_database_is_told_in_one_sentence(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite", zone="UTC")
    ledger.path.write_bytes(b"not a database, whatever its name" * 100)
    assert [fault.message for fault in verify(ledger).faults] == ["ledger.sqlite cannot be read as a ledger"]


def test_events_recorded_after_the_anchor_was_written_are_no_fault(five_events: Ledger) -> None:
    fourth = five_events.events()[3]
    five_events.anchor.write_text(f"4 {fourth.hash}\n")
    found = verify(five_events)
    assert (found.behind, found.faults) == (1, ())


def test_flipped_bytes_anywhere_in_an_event_are_found(five_events: Ledger) -> None:
    """The text of every event in the file is covered: each of its bytes flipped is noticed."""
    content = five_events.path.read_bytes()
    start = content.rindex(b'{"request_id":"r1"}')
    places = random.Random(20260302).sample(range(start, start + 19), 5)
    for place in places:
        five_events.path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert codes(five_events) != [], place
    five_events.path.write_bytes(content)
    assert codes(five_events) == []


def test_a_retraction_of_what_is_not_there_is_found_even_in_an_unbroken_chain(five_events: Ledger) -> None:
    """Somebody wrote the last event anew, with its hash, as one that takes back what nobody recorded."""
    last = five_events.events()[4]
    forged = replace(last, retracts="no-such-event", hash="")
    forged = replace(forged, hash=forged.expected_hash())
    change(
        five_events, "update event set retracts = ?, hash = ? where seq = 5", parameters=(forged.retracts, forged.hash)
    )
    five_events.anchor.write_text(f"5 {forged.hash}\n")
    assert codes(five_events) == ["bad-retraction"]


def test_a_database_without_the_table_of_events_is_no_ledger(ledger: Ledger) -> None:
    with closing(sqlite3.connect(ledger.path)) as connection, connection:
        connection.execute("create table other (x)")
    assert [fault.message for fault in verify(ledger).faults] == ["ledger.sqlite cannot be read as a ledger"]
