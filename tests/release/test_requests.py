"""Requests: logged by the recipient's own day, answered in order, taken off the posting when they are closed."""

from datetime import date, datetime
from typing import Any

import pytest

from qe.errors import InputError, Refused
from qe.release import answers, intake
from qe.release.notice import LETTER
from qe.release.requests import most_urgent_first, request_of, requests
from qe.release.sends import open_requests
from tests.release.conftest import EVIDENCE, Office

LAST_DAY = date(2026, 5, 1)  # of reports sent on 2 March: day 60
CYCLE = "2025Q4-1"


@pytest.fixture
def sent(office: Office) -> Office:
    """Reports handed over on 2 March, in Chicago's zone."""
    office.run()
    office.send()
    office.confirm()
    return office


def ask(office: Office, received: date | str, *, today: date | None = None, **changed: Any) -> intake.Logged:
    when = intake.read_received(received) if isinstance(received, str) else received
    asked = intake.Asked(
        **{
            "cycle": CYCLE, "unit_id": "U000002", "kind": "correction", "category": "calculation", "received": when,
            **changed,
        }
    )  # fmt: skip
    day = today or (when.date() if isinstance(when, datetime) else when)
    return intake.receive(office.site, office.ledger, asked, today=day, at=office.at(), actor="analyst", dry_run=False)


def open_ids(office: Office, on: date) -> list[str]:
    facts = office.facts(on)
    return [event.text("request_id") for event in open_requests(facts, CYCLE)]


def test_each_request_of_a_unit_has_the_next_number_and_the_same_one_again_is_the_one_that_is_logged(
    sent: Office,
) -> None:
    first = ask(sent, date(2026, 3, 9))
    again = ask(sent, date(2026, 3, 9), today=date(2026, 3, 12))
    second = ask(sent, date(2026, 3, 9), category="risk_data")
    assert (first.request_id, first.is_new) == ("2025Q4-1-U000002-1", True)
    assert (again.request_id, again.is_new) == ("2025Q4-1-U000002-1", False)
    assert second.request_id == "2025Q4-1-U000002-2"
    assert len(sent.events("request_received")) == 2


def test_a_number_is_not_given_again_after_its_request_was_taken_back(sent: Office) -> None:
    ask(sent, date(2026, 3, 9))
    sent.retract(sent.events("request_received")[0])
    assert ask(sent, date(2026, 3, 10)).request_id == "2025Q4-1-U000002-2"


@pytest.mark.parametrize(
    ("received", "day", "late"),
    [
        ("2026-05-01", LAST_DAY, False),
        ("2026-05-02", date(2026, 5, 2), True),
        ("2026-05-02T00:59-04:00", LAST_DAY, False),  # 23:59 in Chicago
        ("2026-05-02T01:00-04:00", date(2026, 5, 2), True),  # midnight there
        ("2026-05-02T04:30+00:00", LAST_DAY, False),
    ],
)
def test_a_request_is_in_time_through_the_end_of_the_last_day_where_the_recipient_is(
    sent: Office, received: str, day: date, late: bool
) -> None:
    logged = ask(sent, received, today=date(2026, 5, 4))
    assert (logged.received_on, logged.last_request_day, logged.is_late) == (day, LAST_DAY, late)
    assert open_ids(sent, date(2026, 5, 4)) == [logged.request_id]  # late or not, it is in the status


def test_a_letter_that_is_logged_later_counts_from_its_receipt(sent: Office) -> None:
    logged = ask(sent, date(2026, 4, 30), today=date(2026, 5, 6), channel="mail", evidence_sha256=EVIDENCE)
    assert not logged.is_late
    assert not logged.amend_posting
    (event,) = sent.events("request_received")
    assert (event.effective_on, event.text("logged_on")) == (date(2026, 4, 30), "2026-05-06")


def test_a_letter_in_time_that_is_logged_after_publication_asks_for_the_posting_to_be_amended(office: Office) -> None:
    office.through_review()
    office.plan(date(2026, 5, 2))
    office.approve(date(2026, 5, 2))
    office.go(date(2026, 5, 2))
    assert ask(office, date(2026, 4, 30), today=date(2026, 5, 6)).amend_posting
    assert not ask(office, date(2026, 5, 3), today=date(2026, 5, 6)).amend_posting  # late: it is not owed


@pytest.mark.parametrize("received", [date(2026, 3, 1), date(2026, 3, 21)])
def test_a_receipt_before_the_report_or_in_the_future_is_refused(sent: Office, received: date) -> None:
    with pytest.raises(Refused):
        ask(sent, received, today=date(2026, 3, 20))
    assert sent.events("request_received") == []


def test_a_unit_without_a_report_cannot_ask_in_that_cycle(sent: Office) -> None:
    with pytest.raises(InputError, match="no report was put out"):
        ask(sent, date(2026, 3, 9), unit_id="U000009")


@pytest.mark.parametrize("text", ["yesterday", "2026-05-01T10:00", "01.05.2026"])
def test_a_receipt_is_a_day_or_an_instant_with_its_zone(text: str) -> None:
    with pytest.raises(InputError, match="neither"):
        intake.read_received(text)


def acknowledge(office: Office, on: date) -> answers.Answering:
    planned = answers.plan_acknowledgement(
        office.site, office.ledger, "2025Q4-1-U000002-1", contacts=office.contacts(on), on=on
    )
    answers.carry_out(office.site, office.ledger, planned, at=office.at(), actor="analyst")
    return planned


def respond(office: Office, on: date, why: str = "The claims show it.") -> answers.Answering:
    planned = answers.plan_response(
        office.site,
        office.ledger,
        "2025Q4-1-U000002-1",
        answer="denied",
        why=why,
        changes=(),
        contacts=office.contacts(on),
        on=on,
    )
    answers.carry_out(office.site, office.ledger, planned, at=office.at(), actor="analyst")
    return planned


def resolve(office: Office, on: date, outcome: answers.Outcome) -> bool:
    event = answers.resolution(office.facts(on), "2025Q4-1-U000002-1", outcome=outcome)
    if event is not None:
        office.ledger.append([event], at=office.at(), actor="analyst")
    return event is not None


def test_a_request_goes_from_new_to_closed_and_no_act_comes_before_the_one_it_needs(sent: Office) -> None:
    ask(sent, date(2026, 3, 9))
    on = date(2026, 3, 10)
    with pytest.raises(Refused, match="not acknowledged yet"):
        respond(sent, on)
    acknowledge(sent, on)
    with pytest.raises(Refused, match="not answered yet"):
        resolve(sent, on, "denied")
    respond(sent, date(2026, 3, 12))
    assert resolve(sent, date(2026, 3, 13), "denied")
    assert not resolve(sent, date(2026, 3, 14), "denied")  # the same again changes nothing
    with pytest.raises(Refused, match="closed on 2026-03-13"):
        resolve(sent, date(2026, 3, 14), "upheld")
    with pytest.raises(Refused, match="closed on 2026-03-13"):
        respond(sent, date(2026, 3, 14), why="Another reason.")
    assert request_of(sent.facts(on), "2025Q4-1-U000002-1").state == "acknowledged"  # as of the day it was
    assert open_ids(sent, date(2026, 3, 14)) == []


def test_nothing_is_acknowledged_before_it_was_received(sent: Office) -> None:
    ask(sent, date(2026, 3, 9))
    with pytest.raises(InputError, match="was received by 2026-03-08"):
        acknowledge(sent, date(2026, 3, 8))


def test_withdrawing_takes_a_request_off_the_posting_without_an_answer(sent: Office) -> None:
    ask(sent, date(2026, 3, 9))
    assert resolve(sent, date(2026, 3, 10), "withdrawn")
    assert open_ids(sent, date(2026, 3, 9)) == ["2025Q4-1-U000002-1"]
    assert open_ids(sent, date(2026, 3, 10)) == []


@pytest.mark.parametrize("outcome", ["fulfilled", "upheld", "partly"])
def test_a_request_for_data_is_closed_as_fulfilled_only_after_their_release_and_corrects_nothing(
    sent: Office, outcome: answers.Outcome
) -> None:
    ask(sent, date(2026, 3, 9), kind="claims_data", category="data")
    acknowledge(sent, date(2026, 3, 10))
    respond(sent, date(2026, 3, 10))
    with pytest.raises(Refused):
        resolve(sent, date(2026, 3, 11), outcome)


def test_the_letters_lie_in_the_outbox_with_the_same_words_as_text(sent: Office) -> None:
    ask(sent, date(2026, 3, 9))
    acknowledge(sent, date(2026, 3, 10))
    respond(sent, date(2026, 3, 12))
    first = sent.site.outbox / "2026-03-10" / "mail" / "acknowledgement-2025Q4-1-U000002-1"
    second = sent.site.outbox / "2026-03-12" / "mail" / "decision-2025Q4-1-U000002-1-1"
    for folder in (first, second):
        assert {path.name for path in folder.iterdir()} == {"address.pdf", "letter.pdf", "letter.txt"}
        assert (folder / "letter.pdf").read_bytes().startswith(b"%PDF")
    assert "answer it by 19 Mar 2026" in (first / "letter.txt").read_text()  # 9 March and ten days
    text = (second / "letter.txt").read_text()
    assert "The claims show it." in text
    assert "denied" in text


def test_a_letter_that_was_stopped_before_it_was_written_is_written_by_the_next_run_with_its_own_day(
    sent: Office,
) -> None:
    ask(sent, date(2026, 3, 9))
    acknowledge(sent, date(2026, 3, 10))
    respond(sent, date(2026, 3, 12))
    letters = [path for path in sent.site.outbox.rglob("*.*") if "2025Q4-1-U000002-1" in path.parent.name]
    written = {path: path.read_bytes() for path in letters}
    for path in letters:
        path.unlink()
    for folder in {path.parent for path in letters}:
        folder.rmdir()
    head = sent.ledger.head()
    acknowledge(sent, date(2026, 3, 20))
    respond(sent, date(2026, 3, 20))
    assert sent.ledger.head() == head
    assert {path: path.read_bytes() for path in letters} == written


def test_another_answer_is_another_letter_and_the_first_one_counts(sent: Office) -> None:
    ask(sent, date(2026, 3, 9))
    acknowledge(sent, date(2026, 3, 10))
    respond(sent, date(2026, 3, 12))
    respond(sent, date(2026, 3, 15), why="We looked again, and it stays.")
    request = request_of(sent.facts(date(2026, 3, 20)), "2025Q4-1-U000002-1")
    assert [one.effective_on.day for one in request.responses] == [12, 15]
    assert len(list(sent.site.outbox.rglob("decision-*"))) == 2


def test_an_identifier_in_the_reason_keeps_the_letter_in_and_nothing_is_recorded(sent: Office) -> None:
    ask(sent, date(2026, 3, 9))
    acknowledge(sent, date(2026, 3, 10))
    head = sent.ledger.head()
    with pytest.raises(Refused) as refusal:
        respond(sent, date(2026, 3, 12), why="The person 1EG4-TE5-MK73 was not seen.")
    assert [one.rule for one in refusal.value.reasons if one.verdict == "fail"] == ["G23"]
    assert sent.ledger.head() == head
    assert list(sent.site.outbox.rglob("decision-*")) == []


def test_a_unit_that_no_letter_reaches_is_named_with_what_to_do(sent: Office) -> None:
    ask(sent, date(2026, 3, 9))
    on = date(2026, 3, 10)
    with pytest.raises(InputError, match="U000002 has no usable contact"):
        answers.plan_acknowledgement(
            sent.site, sent.ledger, "2025Q4-1-U000002-1", contacts=type(sent.contacts(on))({}), on=on
        )


def test_the_overdue_come_first_then_those_that_wait_then_the_answered(sent: Office) -> None:
    ask(sent, date(2026, 3, 20), unit_id="U000001")
    ask(sent, date(2026, 3, 5), unit_id="U000003")
    ask(sent, date(2026, 3, 4))
    acknowledge(sent, date(2026, 3, 5))
    respond(sent, date(2026, 3, 6))
    on = date(2026, 3, 25)
    ordered = most_urgent_first(requests(sent.facts(on)), on=on, respond_within_days=10)
    assert [(one.unit_id, one.days_left(on, 10)) for one in ordered] == [
        ("U000003", -10),  # by 15 March
        ("U000001", 5),  # by 30 March
        ("U000002", None),
    ]


def test_status_notices_go_by_the_same_way(sent: Office) -> None:
    ask(sent, date(2026, 3, 9))
    sent.notice(date(2026, 4, 20))
    (folder,) = sent.site.outbox.rglob("notice-2025Q4-1-U000002")
    assert {path.name for path in folder.iterdir()} == {"address.pdf", LETTER, "notice.txt"}


def test_who_may_ask_and_its_terms_are_recorded_once(sent: Office) -> None:
    on = date(2026, 3, 9)
    verified = intake.Verified(
        unit_id="U000002",
        how="called_back",
        evidence_sha256=EVIDENCE,
        terms_sha256=EVIDENCE,
        signed_on=date(2026, 3, 6),
    )
    for _ in range(2):
        intake.verify(sent.ledger, verified, today=on, at=sent.at(), actor="analyst", dry_run=False)
    assert len(sent.events("requester_verified")) == 1
    (terms,) = sent.events("extract_terms_signed")
    assert (terms.effective_on, terms.evidence_sha256) == (date(2026, 3, 6), EVIDENCE)
