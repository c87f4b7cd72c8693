"""Appending to the ledger: once each, in order, never backwards, never after a change of what is there."""

import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import pytest

from qe.errors import Findings, InputError, Refused
from qe.ledger.book import EMPTY, Ledger
from qe.ledger.event import LedgerEvent, NewEvent
from qe.ledger.fold import fold, state_as_of

Approve = Callable[[date], LedgerEvent]


def test_the_first_event_is_chained_to_64_zeros_and_hashed_over_its_canonical_json(
    ledger: Ledger, approve: Approve
) -> None:
    event = approve(date(2026, 1, 5))
    canonical = (
        '{"actor":"officer","at":"2026-03-02T12:00:00.000000Z","effective_on":"2026-01-05",'
        f'"event_id":"{event.event_id}","evidence_sha256":null,"kind":"entity_approved",'
        '"payload":{"approved_on":"2026-01-05"},"retracts":null,"seq":1,"subject":"","zone":"America/New_York"}'
    )
    assert event.hash == hashlib.sha256(("0" * 64 + canonical).encode()).hexdigest()
    assert ledger.anchored() == ledger.head()


def test_the_same_fact_recorded_twice_is_one_event(ledger: Ledger, approve: Approve) -> None:
    first, second = approve(date(2026, 1, 5)), approve(date(2026, 1, 5))
    assert first == second
    assert [event.seq for event in ledger.events()] == [1]


def test_a_key_already_used_for_something_else_is_refused(ledger: Ledger, noon: datetime) -> None:
    for request, fails in (("r1", False), ("r2", True)):
        event = NewEvent(
            kind="request_acknowledged", effective_on=date(2026, 3, 2), payload={"request_id": request}, key="k"
        )
        if not fails:
            ledger.append([event], at=noon, actor="analyst")
            continue
        with pytest.raises(InputError, match="already recorded in its place"):
            ledger.append([event], at=noon, actor="analyst")


def test_a_batch_with_one_bad_payload_records_nothing(ledger: Ledger, noon: datetime) -> None:
    good = NewEvent(kind="request_acknowledged", effective_on=date(2026, 3, 2), payload={"request_id": "r1"})
    bad = NewEvent(kind="request_acknowledged", effective_on=date(2026, 3, 2), payload={"request": "r2"})
    with pytest.raises(InputError, match='unknown key "request"'):
        ledger.append([good, bad], at=noon, actor="analyst")
    assert ledger.events() == ()


def test_a_refused_first_append_leaves_an_empty_ledger_that_takes_events(
    ledger: Ledger, approve: Approve, noon: datetime
) -> None:
    with pytest.raises(InputError, match="no event with the id"):
        unknown = NewEvent(kind="fact_retracted", effective_on=date(2026, 3, 2), retracts="unknown")
        ledger.append([unknown], at=noon, actor="officer")
    assert (ledger.events(), ledger.head()) == ((), EMPTY)
    assert approve(date(2026, 1, 5)).seq == 1


def test_a_clock_more_than_five_minutes_behind_the_head_is_refused(five_events: Ledger, noon: datetime) -> None:
    late = NewEvent(kind="request_acknowledged", effective_on=date(2026, 3, 2), payload={"request_id": "late"})
    with pytest.raises(Refused, match="five minutes behind"):
        five_events.append([late], at=noon - timedelta(minutes=5, microseconds=1), actor="analyst")
    five_events.append([late], at=noon - timedelta(minutes=5), actor="analyst")
    assert five_events.head().seq == 6


def test_appending_is_refused_when_the_head_moved_since_the_decision(five_events: Ledger, noon: datetime) -> None:
    decided_at = five_events.head()
    other = NewEvent(kind="request_acknowledged", effective_on=date(2026, 3, 2), payload={"request_id": "r6"})
    five_events.append([other], at=noon, actor="analyst", expected_head=decided_at)
    with pytest.raises(Refused, match="since this was decided"):
        five_events.append([other], at=noon, actor="analyst", expected_head=decided_at)


def test_update_and_delete_are_refused_by_the_database_itself(five_events: Ledger) -> None:
    with closing(sqlite3.connect(five_events.path)) as connection:
        for statement in ("update event set actor = 'x'", "delete from event where seq = 5"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(statement)


def test_a_ledger_whose_end_was_cut_off_takes_no_more_events(five_events: Ledger, noon: datetime) -> None:
    with closing(sqlite3.connect(five_events.path)) as connection, connection:
        connection.execute("drop trigger event_is_never_deleted")
        connection.execute("delete from event where seq = 5")
    event = NewEvent(kind="request_acknowledged", effective_on=date(2026, 3, 2), payload={"request_id": "r6"})
    with pytest.raises(Findings, match="removed or changed"):
        five_events.append([event], at=noon, actor="analyst")


def test_an_empty_site_has_no_events(ledger: Ledger) -> None:
    assert ledger.events() == ()
    assert ledger.head() == EMPTY


def test_a_retracted_fact_stands_on_no_day(ledger: Ledger, approve: Approve, noon: datetime) -> None:
    approval = approve(date(2026, 1, 5))
    later = noon + timedelta(days=30)
    retraction = NewEvent(kind="fact_retracted", effective_on=date(2026, 4, 1), retracts=approval.event_id)
    ledger.append([retraction], at=later, actor="officer")
    assert state_as_of(ledger, date(2026, 1, 5)).of("entity_approved") == []
    known_before = state_as_of(ledger, date(2026, 1, 5), known_at=noon)
    assert [event.event_id for event in known_before.of("entity_approved")] == [approval.event_id]


def test_a_fact_recorded_again_after_its_retraction_is_a_new_event(
    ledger: Ledger, approve: Approve, noon: datetime
) -> None:
    first = approve(date(2026, 1, 5))
    retraction = NewEvent(kind="fact_retracted", effective_on=date(2026, 3, 2), retracts=first.event_id)
    ledger.append([retraction], at=noon, actor="officer")
    second = approve(date(2026, 1, 5))
    assert (second.seq, second.event_id != first.event_id) == (3, True)
    standing = state_as_of(ledger, date(2026, 3, 2)).of("entity_approved")
    assert [event.seq for event in standing] == [3]


@pytest.mark.parametrize("retracts", ["no-such-event", None])
def test_a_retraction_names_an_event_that_is_there(ledger: Ledger, noon: datetime, retracts: str | None) -> None:
    with pytest.raises(InputError, match=r"retracts|names one"):
        event = NewEvent(kind="fact_retracted", effective_on=date(2026, 3, 2), retracts=retracts)
        ledger.append([event], at=noon, actor="officer")


def test_a_fact_stands_from_the_day_it_is_effective_on(ledger: Ledger, approve: Approve) -> None:
    approve(date(2026, 3, 3))
    assert state_as_of(ledger, date(2026, 3, 2)).of("entity_approved") == []
    assert len(state_as_of(ledger, date(2026, 3, 3)).of("entity_approved")) == 1


def test_facts_are_found_by_what_their_payload_says(five_events: Ledger) -> None:
    facts = state_as_of(five_events, date(2026, 3, 3))
    assert [event.seq for event in facts.of("request_acknowledged", request_id="r2")] == [2]
    assert len(facts.of("request_acknowledged")) == 3
    assert fold(facts.events, 0, lambda count, _: count + 1) == 3


def test_the_payload_is_kept_as_canonical_json(ledger: Ledger, noon: datetime) -> None:
    event = NewEvent(
        kind="dua_signed",
        effective_on=date(2026, 1, 5),
        payload={"party": "Example Quality", "expires_on": "2027-01-04", "dua_no": "D-1"},
    )
    ledger.append([event], at=noon.astimezone(UTC), actor="officer")
    with closing(sqlite3.connect(ledger.path)) as connection:
        (text,) = connection.execute("select payload from event").fetchone()
    assert text == '{"dua_no":"D-1","expires_on":"2027-01-04","party":"Example Quality"}'
    assert json.loads(text) == dict(event.payload)
