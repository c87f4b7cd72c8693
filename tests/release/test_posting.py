"""The open requests beside published results: amended alone, by the gate, and never twice; or recorded as not feasible to post."""

from collections.abc import Sequence
from datetime import date
from hashlib import sha256

import pytest

from qe.errors import InputError, Refused
from qe.release import posting
from qe.release.in_flight import in_flight
from qe.runs import Run
from tests.release.conftest import Office

CYCLE, PUBLIC_ON, LATER = "2025Q4-1", date(2026, 5, 2), date(2026, 5, 8)
PAGE = "site/open-requests.html"


def build(*, run: Run, cycle: str, published_on: date, amended_on: date, posting: Sequence[tuple[str, str]]) -> bytes:
    return f"{cycle} {published_on} {amended_on} {list(posting)}".encode()


def published(office: Office) -> None:
    office.through_review()
    office.plan(PUBLIC_ON)
    office.approve(PUBLIC_ON)
    folder = office.go(PUBLIC_ON)
    (folder / PAGE).write_bytes(b"as it was published")


def planned(office: Office, on: date = LATER) -> posting.AmendmentPlan:
    return posting.plan_amendment(office.site, office.ledger, cycle=CYCLE, when=office.when(on), build=build)


def amend(office: Office, on: date = LATER) -> posting.AmendmentPlan:
    plan = planned(office, on)
    posting.amend(office.site, office.ledger, plan, when=office.when(on), actor="officer")
    return plan


def page_of(office: Office) -> bytes:
    return (office.site.public / CYCLE / PAGE).read_bytes()


def due(office: Office, on: date) -> list[str]:
    lines = in_flight(office.facts(on), respond_within_days=10, day_count="conservative")
    return [one.next_act for one in lines if one.what == f"release {CYCLE}"]


def test_a_request_logged_after_publication_is_posted_and_nothing_else_of_the_release_changes(office: Office) -> None:
    published(office)
    assert due(office, LATER) == []
    office.ask("U000002", "R1", on=date(2026, 5, 6), category="provider_details")
    assert due(office, LATER) == [f"qe release amend-posting --cycle {CYCLE}"]
    others = {
        path: path.read_bytes()
        for path in office.site.public.rglob("*")
        if path.is_file() and path.name != "open-requests.html"
    }
    assert len(others) >= 2
    amend(office)
    assert page_of(office) == b"2025Q4-1 2026-05-02 2026-05-08 [('Oak Group', 'provider_details')]"
    assert {path: path.read_bytes() for path in others} == others
    (event,) = office.events("posting_amended")
    assert event.text("page_sha256") == sha256(page_of(office)).hexdigest()
    assert (event.text("release_id"), event.text("open_requests")) == (CYCLE, "1")
    assert due(office, LATER) == []


def test_a_request_that_is_withdrawn_leaves_the_posting(office: Office) -> None:
    office.run()
    office.send()
    office.confirm()
    office.ask("U000002", "R1", on=date(2026, 4, 2))
    office.notice(date(2026, 4, 20))
    office.plan(PUBLIC_ON)
    office.approve(PUBLIC_ON)
    folder = office.go(PUBLIC_ON)
    (folder / PAGE).write_bytes(b"as it was published")
    assert planned(office).amendments == ()
    office.record("request_resolved", LATER, request_id="R1", outcome="withdrawn")
    amend(office)
    assert page_of(office) == b"2025Q4-1 2026-05-02 2026-05-08 []"


def test_a_second_run_changes_nothing_and_a_stopped_one_is_finished_with_its_own_day(office: Office) -> None:
    published(office)
    office.ask("U000002", "R1", on=date(2026, 5, 6))
    plan = planned(office)
    events = [one.event for one in plan.amendments if one.event is not None]
    office.ledger.append(events, at=office.at(), actor="officer", expected_head=plan.facts.head)
    assert page_of(office) == b"as it was published", "stopped after the event"
    later = date(2026, 5, 11)
    finished = amend(office, later)
    assert [one.event for one in finished.amendments] == [None]
    assert b"2026-05-08" in page_of(office), "the day that is recorded, not that of the second run"
    assert amend(office, later).up_to_date == (CYCLE,)
    assert len(office.events("posting_amended")) == 1


def test_what_is_not_feasible_to_post_is_told_without_the_name(office: Office) -> None:
    published(office)
    office.ask("U000002", "R1", on=date(2026, 5, 6))
    office.record("posting_infeasible", LATER, request_id="R1", reason="identifies_a_patient")
    assert due(office, LATER) == [], "the page that stands posts everything that can be posted"
    office.ask("U000001", "R2", on=date(2026, 5, 7))
    plan = amend(office)
    assert page_of(office).endswith(
        b"[('Elm Group', 'calculation'), ('name withheld: it would identify a patient', 'calculation')]"
    )
    posted = {one.rule: one for one in plan.amendments[0].decision.reasons}["G11"]
    assert posted.fact == "1 open requests are posted; 1 further ones cannot be, as recorded"


def test_a_release_waits_for_a_plan_that_leaves_out_what_cannot_be_posted(office: Office) -> None:
    office.run()
    office.send()
    office.confirm()
    office.ask("U000002", "R1", on=date(2026, 4, 2))
    office.notice(date(2026, 4, 20))
    office.plan(PUBLIC_ON)
    office.approve(PUBLIC_ON)
    assert office.decide(PUBLIC_ON).allowed
    office.record("posting_infeasible", PUBLIC_ON, request_id="R1", reason="order_or_law")
    assert [one.rule for one in office.decide(PUBLIC_ON).blockers] == ["G11"]
    office.plan(PUBLIC_ON)
    office.approve(PUBLIC_ON)
    assert office.decide(PUBLIC_ON).allowed


def test_bytes_with_an_identifier_of_a_person_are_not_posted(office: Office) -> None:
    published(office)
    office.ask("U000002", "R1", on=date(2026, 5, 6))
    plan = posting.plan_amendment(
        office.site, office.ledger, cycle=CYCLE, when=office.when(LATER), build=lambda **_: b"<p>1EG4-TE5-MK73</p>"
    )
    with pytest.raises(Refused):
        posting.amend(office.site, office.ledger, plan, when=office.when(LATER), actor="officer")
    assert page_of(office) == b"as it was published"
    assert office.events("posting_amended") == []


def test_without_a_public_release_there_is_nothing_to_amend(office: Office) -> None:
    office.through_review()
    with pytest.raises(InputError, match="nothing is posted"):
        planned(office)
