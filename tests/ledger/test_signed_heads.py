"""Heads of the ledger are signed once a day and on request; what was rolled back, changed or forged is told in one sentence."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from benchmarks.tampering import cut_off
from qe.errors import Findings, InputError
from qe.ledger.book import EMPTY, Ledger
from qe.ledger.event import NewEvent
from qe.ledger.heads import read_heads
from qe.ledger.signing import HeadStatement, SigningKey, read_statement, state_head
from qe.ledger.verify import verify
from qe.store import Key

MONDAY = datetime(2026, 3, 2, 23, 0, tzinfo=UTC)  # 18:00 in New York
DAY = timedelta(days=1)
OWN = SigningKey(Key("01" * 32))
OTHER = SigningKey(Key("02" * 32))


@pytest.fixture
def signed(tmp_path: Path) -> Ledger:
    """A ledger with a key, and nothing in it."""
    return Ledger(tmp_path / "ledger.sqlite", zone="America/New_York", signing_key=lambda: OWN)


@pytest.fixture
def three_days(signed: Ledger) -> Ledger:
    """The key's event, two acknowledged requests on Monday, one on Tuesday, one on Wednesday."""
    for request, at in (("r1", MONDAY), ("r2", MONDAY), ("r3", MONDAY + DAY), ("r4", MONDAY + 2 * DAY)):
        record(signed, request, at=at)
    return signed


def record(ledger: Ledger, request: str, *, at: datetime) -> None:
    event = NewEvent(kind="request_acknowledged", effective_on=date(2026, 3, 2), payload={"request_id": request})
    assert ledger.append([event], at=at, actor="analyst")[0].text("request_id") == request


def retire(ledger: Ledger, kind: str, *, at: datetime) -> None:
    reason = {"key_rotated": "planned", "key_destroyed": "rotated"}[kind]
    payload: dict[str, str | int | bool | list[str]] = {
        "purpose": "ledger_heads",
        "public_key": OWN.public_key,
        "reason": reason,
    }
    if kind == "key_destroyed":
        payload |= {"method": "overwritten", "copies": 1}
    ledger.append([NewEvent(kind=kind, effective_on=at.date(), payload=payload)], at=at, actor="officer")


def codes(ledger: Ledger, *, head: HeadStatement | str | None = None) -> list[str]:
    return [fault.code for fault in verify(ledger, head=head).faults]


def test_the_signature_is_of_the_canonical_statement_by_the_published_key(three_days: Ledger) -> None:
    """Checked with the library alone, as somebody who only holds the file and the public key would."""
    told = json.loads(three_days.state_head(three_days.head(), at=MONDAY).line())
    signature = bytes.fromhex(told.pop("signature"))
    content = (
        f'{{"at":"2026-03-02T23:00:00.000000Z","hash":"{three_days.events()[4].hash}",'
        f'"public_key":"{OWN.public_key}","seq":5,"statement":"qe-ledger-head-1"}}'
    )
    assert json.loads(content) == told
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(told["public_key"])).verify(signature, content.encode())


def test_the_key_of_rfc_8032_has_its_public_key_and_signature() -> None:
    """RFC 8032, 7.1, test 2."""
    key = SigningKey(Key("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"))
    assert key.public_key == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    assert key.sign(b"\x72") == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )


def test_the_first_event_of_a_signing_ledger_is_its_public_key(signed: Ledger) -> None:
    record(signed, "r1", at=MONDAY)
    record(signed, "r2", at=MONDAY)
    assert [(one.kind, one.actor) for one in signed.events()] == [
        ("key_created", "analyst"),
        ("request_acknowledged", "analyst"),
        ("request_acknowledged", "analyst"),
    ]
    assert dict(signed.events()[0].payload) == {"purpose": "ledger_heads", "public_key": OWN.public_key}


def test_the_first_event_of_a_day_signs_the_head_before_it(three_days: Ledger) -> None:
    """Monday's first event finds none, its second one the head 2; Monday ends with event 3, Tuesday with event 4."""
    events, heads = three_days.events(), read_heads(three_days.heads)
    assert [(one.seq, one.hash, one.at[:10]) for one in heads] == [
        (2, events[1].hash, "2026-03-02"),
        (3, events[2].hash, "2026-03-03"),
        (4, events[3].hash, "2026-03-04"),
    ]
    found = verify(three_days)
    assert (found.faults, found.signed_heads, found.not_covered) == ((), 3, 0)


def test_a_day_is_one_of_the_entitys_zone(signed: Ledger) -> None:
    """23:00 and 03:00 of UTC are one evening in New York; 05:00 is the next day there."""
    for hours, request in ((0, "r1"), (4, "r2"), (6, "r3")):
        record(signed, request, at=MONDAY + timedelta(hours=hours))
    assert [one.seq for one in read_heads(signed.heads)] == [2, 3]


def test_events_cut_off_with_the_anchor_are_found_by_a_daily_head_and_nothing_more_is_recorded(
    three_days: Ledger,
) -> None:
    cut_off(three_days, 2, with_anchor=True)
    assert codes(three_days) == ["head-beyond-end"]
    with pytest.raises(Findings, match=r"ledger\.heads holds the signed head 4: events were removed"):
        record(three_days, "r5", at=MONDAY + 2 * DAY)


def test_a_ledger_written_anew_from_an_earlier_day_is_found_by_a_daily_head(three_days: Ledger) -> None:
    heads = three_days.heads.read_bytes()
    cut_off(three_days, 2, with_anchor=True, with_heads=True)
    for request in ("x1", "x2", "x3"):
        record(three_days, request, at=MONDAY)
    three_days.heads.write_bytes(heads)
    assert codes(three_days) == ["head-unknown"]


def test_with_all_three_files_rolled_back_a_head_that_was_kept_elsewhere_finds_it(three_days: Ledger) -> None:
    kept = three_days.state_head(three_days.head(), at=MONDAY + 2 * DAY)
    assert codes(three_days, head=kept) == []
    cut_off(three_days, 3, with_anchor=True, with_heads=True)
    assert codes(three_days) == []
    assert codes(three_days, head=kept) == ["head-beyond-end"]
    assert codes(three_days, head=kept.hash) == ["head-unknown"]


def changed(stated: HeadStatement, **to: str | int) -> HeadStatement:
    return HeadStatement(**{**stated.__dict__, **to})


@pytest.mark.parametrize(
    ("what", "code"),
    [
        (lambda own, other: changed(own, seq=4), "head-signature"),
        (lambda own, other: changed(own, at="2026-03-01T23:00:00.000000Z"), "head-signature"),
        (lambda own, other: changed(own, signature="0" * 128), "head-signature"),
        (lambda own, other: changed(own, public_key=other.public_key), "head-signature"),
        (lambda own, other: other, "head-key"),
        (lambda own, other: changed(other, public_key="", signature="", seq=4), "head-unknown"),
        (lambda own, other: changed(other, public_key="", signature="", seq=6), "head-beyond-end"),
    ],
)
def test_what_does_not_hold_of_a_head_is_told_by_one_fault(
    three_days: Ledger, what: Callable[[HeadStatement, HeadStatement], HeadStatement], code: str
) -> None:
    head = three_days.head()
    own, other = (state_head(seq=head.seq, hash=head.hash, at=MONDAY, key=key) for key in (OWN, OTHER))
    (fault,) = verify(three_days, head=what(own, other)).faults
    assert (fault.code, "the head that was given" in fault.message) == (code, True)


@pytest.mark.parametrize("kind", ["key_rotated", "key_destroyed"])
def test_a_retired_key_signs_nothing_more_but_what_it_signed_stays_good(three_days: Ledger, kind: str) -> None:
    before = three_days.state_head(three_days.head(), at=MONDAY)
    retire(three_days, kind, at=MONDAY + 2 * DAY)
    after = state_head(seq=6, hash=three_days.head().hash, at=MONDAY, key=OWN)
    assert (codes(three_days, head=before), codes(three_days, head=after)) == ([], ["head-key-retired"])


def test_retiring_a_key_that_was_never_recorded_changes_nothing(three_days: Ledger) -> None:
    payload = {"purpose": "ledger_heads", "public_key": OTHER.public_key, "reason": "planned"}
    event = NewEvent(kind="key_rotated", effective_on=date(2026, 3, 4), payload=payload)
    three_days.append([event], at=MONDAY + 2 * DAY, actor="officer")
    assert codes(three_days, head=three_days.state_head(three_days.head(), at=MONDAY)) == []


def test_a_new_key_is_recorded_by_the_next_event_and_both_are_known(three_days: Ledger) -> None:
    renewed = Ledger(three_days.path, zone=three_days.zone, signing_key=lambda: OTHER)
    retire(renewed, "key_rotated", at=MONDAY + 3 * DAY)
    assert [one.kind for one in renewed.events()][5:] == ["key_created", "key_rotated"]
    assert [one.public_key for one in read_heads(renewed.heads)] == [OWN.public_key] * 3 + [OTHER.public_key]
    assert codes(renewed, head=renewed.state_head(renewed.head(), at=MONDAY)) == []


def test_a_key_taken_back_as_a_mistake_is_not_the_ledgers_own(three_days: Ledger) -> None:
    stated = three_days.state_head(three_days.head(), at=MONDAY)
    mistake = three_days.events()[0].event_id
    keyless = Ledger(three_days.path, zone=three_days.zone)
    at = MONDAY + 2 * DAY
    keyless.append([NewEvent(kind="fact_retracted", effective_on=at.date(), retracts=mistake)], at=at, actor="officer")
    assert codes(keyless, head=stated) == ["head-key", "head-key"]  # of the daily heads, and of this one
    record(three_days, "r5", at=at)
    assert [one.kind for one in three_days.events()][6:] == ["key_created", "request_acknowledged"]
    assert codes(three_days, head=stated) == []


def test_a_ledger_without_a_key_states_its_head_unsigned(five_events: Ledger) -> None:
    stated = five_events.state_head(five_events.head(), at=MONDAY)
    assert (stated.is_signed, stated.holds, stated.seq) == (False, False, 5)
    assert codes(five_events, head=read_statement(stated.line())) == []
    record(five_events, "r6", at=MONDAY + 9 * DAY)
    assert (five_events.heads.exists(), verify(five_events).not_covered) == (False, 5)


def test_an_account_that_cannot_read_the_key_records_and_what_it_leaves_uncovered_is_counted(
    three_days: Ledger,
) -> None:
    def unreadable() -> SigningKey | None:
        raise InputError("the key file cannot be read")

    other_account = Ledger(three_days.path, zone=three_days.zone, signing_key=unreadable)
    record(other_account, "r5", at=MONDAY + 3 * DAY)
    assert (verify(three_days).faults, verify(three_days).not_covered) == ((), 1)  # Wednesday's event
    with pytest.raises(InputError, match="cannot be read"):
        other_account.state_head(other_account.head(), at=MONDAY + 3 * DAY)
    record(three_days, "r6", at=MONDAY + 3 * DAY)
    assert ([one.seq for one in read_heads(three_days.heads)], verify(three_days).not_covered) == ([2, 3, 4, 6], 0)


def test_a_line_that_a_killed_process_left_unfinished_counts_for_nothing_and_is_replaced(three_days: Ledger) -> None:
    with three_days.heads.open("ab") as file:
        file.write(b'{"at":"2026-03-05T')
    assert (codes(three_days), verify(three_days).signed_heads) == ([], 3)
    record(three_days, "r5", at=MONDAY + 3 * DAY)
    assert [one.seq for one in read_heads(three_days.heads)] == [2, 3, 4, 5]


def test_a_day_on_which_nothing_was_recorded_is_not_signed_again(three_days: Ledger) -> None:
    lines = three_days.heads.read_bytes()
    with pytest.raises(InputError):
        three_days.append([NewEvent(kind="fact_retracted", effective_on=date(2026, 3, 5), retracts="none")],
                          at=MONDAY + 3 * DAY, actor="analyst")  # fmt: skip
    assert len(three_days.heads.read_bytes()) > len(lines)  # signed before the refusal: nothing was recorded since
    record(three_days, "r5", at=MONDAY + 4 * DAY)
    assert [one.seq for one in read_heads(three_days.heads)] == [2, 3, 4, 5]


def lines_of(ledger: Ledger) -> list[str]:
    return ledger.heads.read_text(encoding="ascii").splitlines(keepends=True)


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda lines: ["[]\n"], "finding"),
        (lambda lines: ["\u00e9\n"], "finding"),
        (lambda lines: [lines[0].replace('"seq":2', '"seq": 2')], "finding"),
        (lambda lines: [lines[0].replace('"seq":2', '"seq":-2')], "finding"),
        (lambda lines: [lines[0].replace('"seq":2', '"seq":"2"')], "finding"),
        (lambda lines: [lines[0].replace("qe-ledger-head-1", "qe-ledger-head-2")], "finding"),
        (lambda lines: [lines[0].replace("2026-03-02T", "2026-03-02t")], "finding"),
        (lambda lines: [lines[0].upper()], "finding"),
        (lambda lines: [lines[0].replace('"seq":2', '"seq":1')], "head-signature"),
        (lambda lines: [lines[1], lines[0]], "heads-disordered"),
        (lambda lines: [lines[0], lines[0]], "heads-disordered"),
        (lambda lines: [state_head(seq=0, hash="0" * 64, at=MONDAY, key=None).line()], "head-signature"),
        (lambda lines: [state_head(seq=0, hash="0" * 64, at=MONDAY, key=OTHER).line()], "head-key"),
    ],
)
def test_damaged_or_forged_daily_heads_are_found(
    three_days: Ledger, damage: Callable[[list[str]], list[str]], code: str
) -> None:
    three_days.heads.write_text("".join(damage(lines_of(three_days))), encoding="utf-8")
    assert codes(three_days) == [code]


def test_an_append_without_events_records_the_key_alone(signed: Ledger) -> None:
    assert signed.append((), at=MONDAY, actor="officer") == ()
    assert signed.append((), at=MONDAY, actor="officer") == ()
    assert [one.kind for one in signed.events()] == ["key_created"]
    assert codes(signed, head=signed.state_head(EMPTY, at=MONDAY)) == []
