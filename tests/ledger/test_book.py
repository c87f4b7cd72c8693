"""Appending to the ledger: once each, in order, never backwards, never after a change of what is there."""

import hashlib
import json
import resource
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import pytest

from benchmarks.tampering import change
from qe.errors import Findings, InputError, OutOfResources, Refused, SiteHeld
from qe.ledger import book
from qe.ledger.book import EMPTY, Ledger
from qe.ledger.event import LedgerEvent, NewEvent, PayloadValue
from qe.ledger.fold import fold, state_as_of
from qe.ledger.verify import verify

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


def test_an_instant_without_a_zone_is_no_instant(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="time zone"):
        ledger.append([], at=datetime(2026, 3, 2, 12), actor="analyst")


def test_nothing_is_recorded_beside_a_missing_anchor(five_events: Ledger, noon: datetime) -> None:
    five_events.anchor.unlink()
    with pytest.raises(Findings, match=r"ledger\.anchor is missing"):
        five_events.append([], at=noon, actor="analyst")


def test_a_retraction_cannot_be_taken_back(ledger: Ledger, approve: Approve, noon: datetime) -> None:
    first = approve(date(2026, 1, 5))
    for retracts in (first.event_id, None):
        retracts = retracts or ledger.events()[-1].event_id
        event = NewEvent(kind="fact_retracted", effective_on=date(2026, 3, 2), retracts=retracts)
        if retracts == first.event_id:
            ledger.append([event], at=noon, actor="officer")
            continue
        with pytest.raises(InputError, match="a fact_retracted cannot be taken back"):
            ledger.append([event], at=noon, actor="officer")


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("delivery_failed", {"cycle": "2025Q4-1", "unit_id": "U000001", "sent": "x", "reason": "returned"}),
        ("npa_delivery_failed", {"analysis_id": "a-1", "unit_id": "U000001", "sent": "x", "reason": "returned"}),
        ("public_date_set", {"cycle": "2025Q4-1", "public_on": "2026-06-01", "reason": "hold"}),
        (
            "cycle_reissued",
            {
                "cycle": "2025Q4-1",
                "new_cycle": "2025Q4-2",
                "run_id": "b" * 16,
                "units": ["U000001"],
                "reason": "error_found",
            },
        ),
    ],
)
def test_what_would_give_back_days_that_nobody_had_is_never_taken_back(
    ledger: Ledger, noon: datetime, kind: str, payload: dict[str, PayloadValue]
) -> None:
    day = date(2026, 3, 2)
    event = ledger.append([NewEvent(kind=kind, effective_on=day, payload=payload)], at=noon, actor="officer")[0]
    with pytest.raises(InputError, match=f"a {kind} cannot be taken back") as told:
        retraction = NewEvent(kind="fact_retracted", effective_on=day, retracts=event.event_id)
        ledger.append([retraction], at=noon, actor="officer")
    assert told.value.faults[0].remedy
    assert len(ledger.events()) == 1


def test_facts_are_not_read_from_a_broken_chain(five_events: Ledger) -> None:
    change(five_events, "update event set actor = 'x' where seq = 3")
    with pytest.raises(Findings, match="event 3 was changed"):
        state_as_of(five_events, date(2026, 3, 3))


def test_facts_are_those_known_at_an_instant_not_those_recorded_later(
    ledger: Ledger, approve: Approve, noon: datetime
) -> None:
    """Recorded on 2 March that it held from 5 January: on 1 March nobody knew."""
    approve(date(2026, 1, 5))
    assert state_as_of(ledger, date(2026, 1, 5), known_at=noon - timedelta(seconds=1)).events == ()
    assert len(state_as_of(ledger, date(2026, 1, 5), known_at=noon).events) == 1


def test_the_same_fact_under_other_evidence_is_another_event(ledger: Ledger, noon: datetime) -> None:
    for evidence, seq in (("ab" * 32, 1), ("cd" * 32, 2), ("ab" * 32, 1)):
        event = NewEvent(
            kind="request_acknowledged",
            effective_on=date(2026, 3, 2),
            payload={"request_id": "r1"},
            evidence_sha256=evidence,
        )
        assert ledger.append([event], at=noon, actor="analyst")[0].seq == seq


def test_a_ledger_that_another_process_holds_is_told_after_a_while(
    five_events: Ledger, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book, "WAIT_FOR_LOCK_SECONDS", 0.05)
    with closing(sqlite3.connect(five_events.path, isolation_level=None)) as other:
        other.execute("begin exclusive")
        with pytest.raises(SiteHeld, match="another process writes"):
            five_events.append([], at=noon, actor="analyst")


def test_a_full_disk_is_told_and_nothing_of_the_transaction_stays(five_events: Ledger, noon: datetime) -> None:
    before = five_events.events()
    many = [
        NewEvent(kind="request_acknowledged", effective_on=date(2026, 3, 2), payload={"request_id": f"more-{number}"})
        for number in range(100)
    ]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (five_events.path.stat().st_size, hard))
    try:
        with pytest.raises(OutOfResources, match="could not be written"):
            five_events.append(many, at=noon, actor="analyst")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (five_events.events(), verify(five_events).faults) == (before, ())
    assert len(five_events.append(many, at=noon, actor="analyst")) == 100


def test_a_file_that_is_no_database_takes_no_event(ledger: Ledger, noon: datetime) -> None:
    ledger.path.write_bytes(b"not a database, whatever its name" * 100)
    with pytest.raises(Findings, match="cannot be written as a ledger"):
        ledger.append([], at=noon, actor="analyst")


def test_an_append_of_nothing_records_nothing(five_events: Ledger, noon: datetime) -> None:
    assert five_events.append([], at=noon, actor="analyst") == ()
    assert five_events.head().seq == 5


def test_an_empty_file_that_a_stopped_first_append_left_is_an_empty_ledger(ledger: Ledger, approve: Approve) -> None:
    ledger.path.touch()
    assert (ledger.events(), ledger.head()) == ((), EMPTY)
    assert approve(date(2026, 1, 5)).seq == 1


def test_what_an_event_says_is_read_by_name(ledger: Ledger, noon: datetime) -> None:
    payload = {"source_id": "medicare", "rights": "measures;public", "expires_on": "2027-12-31"}
    event = NewEvent(kind="source_registered", effective_on=date(2026, 1, 5), payload=payload)
    (recorded,) = ledger.append([event], at=noon, actor="officer")
    assert (recorded.day("expires_on"), recorded.texts("rights")) == (date(2027, 12, 31), ("measures", "public"))
    assert (recorded.text("contract"), recorded.texts("contract_ids")) == ("", ())
