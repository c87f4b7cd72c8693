"""The posting of open requests is put right after publication, alone: what came in time is added, what is closed is taken off."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from qe.errors import InputError, Refused
from qe.ledger.verify import verify
from qe.release import posting
from qe.release.in_flight import in_flight
from qe.release.review import Clock
from qe.runs import Run

CYCLE, PAGE = "2025Q4-1", "site/open-requests.html"
PUBLISHED = date(2026, 5, 2)  # day 61; the last day to ask was 1 May
LATER = date(2026, 5, 6)
LATEST = date(2026, 5, 9)


def build(
    *,
    run: Run,
    cycle: str,
    published_on: date,
    posting: Sequence[tuple[str, str]],
    not_posted: Sequence[tuple[str, int]],
    amended_on: date,
    supersedes: date,
) -> bytes:
    """The table's facts; the page itself is tested in tests/reports/test_public_site.py."""
    return f"{posting} {not_posted} of {amended_on}, not {supersedes}".encode()


def files(office: Any) -> dict[str, bytes]:
    folder = office.site.public
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def plan(office: Any, on: date) -> posting.AmendmentPlan:
    return posting.plan_amendments(office.site, office.ledger, cycle=CYCLE, when=office.when(on), build=build)


def amend(office: Any, on: date) -> posting.AmendmentPlan:
    planned = plan(office, on)
    posting.amend(planned, office.site, office.ledger, when=office.when(on), actor="officer")
    return planned


def page(office: Any, release_id: str = CYCLE) -> str:
    text: str = (office.site.public / release_id / PAGE).read_text()
    return text


def due(office: Any, on: date) -> list[tuple[str, str]]:
    facts = office.facts(on)
    lines = in_flight(
        facts,
        respond_within_days=30,
        clock=Clock(at=office.when(on).instant, zone=office.site.settings.site.zone),
        stopped=posting.stopped_amendments(office.site, office.ledger, facts),
    )
    return [(line.what, line.state) for line in lines if line.what.startswith("posting")]


def publish(office: Any, on: date = PUBLISHED) -> None:
    office.plan(on)
    office.approve(on)
    office.go(on)


@pytest.fixture
def published(office: Any) -> Any:
    """Published on day 61 with one open request posted."""
    office.through_review()
    office.ask("U000001", "r-1", on=date(2026, 4, 30), category="not_our_patient")
    office.notice(date(2026, 5, 1))
    publish(office)
    return office


def test_a_paper_request_in_time_that_is_logged_after_publication_is_added_and_nothing_else_changes(
    published: Any,
) -> None:
    before = files(published)
    published.ask("U000003", "r-2", on=date(2026, 5, 1), category="data")
    assert due(published, LATER) == [("posting of 2025Q4-1", "to be amended: 1 to add, 0 to take off")]
    amend(published, LATER)
    after = files(published)
    assert {name for name in after if after[name] != before.get(name)} == {f"{CYCLE}/{PAGE}"}
    assert after.keys() == before.keys()
    assert page(published) == (
        "[('Elm Group', 'not_our_patient'), ('Lake Hospital', 'data')] () of 2026-05-06, not 2026-05-02"
    )
    (event,) = published.events("posting_amended")
    assert (event.effective_on, event.text("supersedes")) == (LATER, "2026-05-02")
    assert event.texts("posted") == ("U000001:not_our_patient", "U000003:data")
    assert due(published, LATER) == []
    assert verify(published.ledger).faults == ()


@pytest.mark.parametrize("outcome", ["withdrawn", "denied"])
def test_a_request_closed_after_publication_is_taken_off(published: Any, outcome: str) -> None:
    published.record("request_resolved", LATER, request_id="r-1", outcome=outcome)
    assert due(published, LATER) == [("posting of 2025Q4-1", "to be amended: 0 to add, 1 to take off")]
    amend(published, LATER)
    assert page(published) == "[] () of 2026-05-06, not 2026-05-02"


def test_a_request_that_was_recorded_by_mistake_is_taken_off(published: Any) -> None:
    published.retract(published.events("request_received")[0])
    assert due(published, LATER) == [("posting of 2025Q4-1", "to be amended: 0 to add, 1 to take off")]
    amend(published, LATER)
    assert "Elm Group" not in page(published)


def test_a_request_that_came_after_publication_was_not_outstanding_then_and_is_not_posted(published: Any) -> None:
    published.ask("U000003", "r-2", on=date(2026, 5, 3))
    head, before = published.ledger.head(), files(published)
    planned = amend(published, LATER)
    assert (planned.amendments, planned.unchanged) == ((), (CYCLE,))
    assert (published.ledger.head(), files(published), due(published, LATER)) == (head, before, [])


def test_two_requests_of_one_unit_and_category_are_one_line_that_stays_until_both_are_closed(published: Any) -> None:
    published.ask("U000001", "r-2", on=date(2026, 5, 1), category="not_our_patient")
    assert due(published, LATER) == []
    published.record("request_resolved", LATER, request_id="r-1", outcome="denied")
    assert due(published, LATER) == []
    published.record("request_resolved", LATEST, request_id="r-2", outcome="denied")
    assert due(published, LATEST) != []


def test_each_amendment_names_the_day_of_the_table_that_it_takes_the_place_of(published: Any) -> None:
    published.ask("U000003", "r-2", on=date(2026, 5, 1), category="data")
    amend(published, LATER)
    published.record("request_resolved", LATEST, request_id="r-1", outcome="upheld")
    amend(published, LATEST)
    assert page(published) == "[('Lake Hospital', 'data')] () of 2026-05-09, not 2026-05-06"
    assert len(published.events("posting_amended")) == 2
    assert due(published, LATER) == []  # looked back on: the page that stands is the later amendment's


def test_a_posting_that_returns_to_an_earlier_one_on_the_same_day_is_recorded_each_time(published: Any) -> None:
    for outcome in ("closed", "open", "closed", "open"):
        if outcome == "closed":
            resolved = published.record("request_resolved", LATER, request_id="r-1", outcome="denied")
        else:
            published.retract(resolved)
        amend(published, LATER)
        assert ("Elm Group" in page(published)) is (outcome == "open")
    assert len(published.events("posting_amended")) == 4


def test_an_amendment_that_was_stopped_after_its_event_is_finished_by_the_same_command(published: Any) -> None:
    first = page(published)
    published.ask("U000003", "r-2", on=date(2026, 5, 1), category="data")
    amend(published, LATER)
    finished = page(published)
    (published.site.public / CYCLE / PAGE).write_text(first)  # as if the page had not been written
    told = [("posting of 2025Q4-1", "amended on record, but its page was never replaced")]
    assert (due(published, LATER), due(published, LATEST)) == (told, told)
    planned = amend(published, LATEST)
    assert (page(published), planned.amendments[0].event) == (finished, None)
    assert due(published, LATEST) == []
    assert len(published.events("posting_amended")) == 1
    assert amend(published, LATEST).amendments == ()


def test_a_stopped_amendment_that_is_owed_no_more_is_told_as_what_is_owed_now(published: Any) -> None:
    first = page(published)
    published.ask("U000003", "r-2", on=date(2026, 5, 1), category="data")
    amend(published, LATER)
    (published.site.public / CYCLE / PAGE).write_text(first)
    published.record("request_resolved", LATEST, request_id="r-1", outcome="denied")
    assert due(published, LATEST) == [("posting of 2025Q4-1", "to be amended: 0 to add, 1 to take off")]
    amend(published, LATEST)
    assert due(published, LATEST) == []
    (published.site.public / CYCLE / PAGE).write_text(first)
    published.record("public_withdrawn", LATEST, release_id=CYCLE, reason="order")
    assert due(published, LATEST) == []


def test_planning_writes_nothing_and_shows_what_the_gate_says(published: Any) -> None:
    published.record("request_resolved", LATER, request_id="r-1", outcome="withdrawn")
    head, before = published.ledger.head(), files(published)
    (one,) = plan(published, LATER).amendments
    asked = {reason.rule: reason.verdict for reason in one.decision.reasons if reason.verdict != "not_applicable"}
    assert asked == {"G9": "pass", "G11": "pass", "G23": "pass"}
    assert (published.ledger.head(), files(published)) == (head, before)


def test_an_amendment_decided_before_something_else_was_recorded_is_not_written(published: Any) -> None:
    published.record("request_resolved", LATER, request_id="r-1", outcome="withdrawn")
    planned, before = plan(published, LATER), files(published)
    published.ask("U000003", "r-2", on=date(2026, 5, 1))
    with pytest.raises(Refused, match="since this was decided"):
        posting.amend(planned, published.site, published.ledger, when=published.when(LATER), actor="officer")
    assert (files(published), published.events("posting_amended")) == (before, [])


def test_a_posting_is_amended_while_reports_are_held(published: Any) -> None:
    published.record("decrease_detected", LATER, decrease_id="d-1", source_id="plan_a", detected_on="2026-05-06")
    published.record("request_resolved", LATER, request_id="r-1", outcome="denied")
    amend(published, LATER)
    assert page(published).startswith("[] ()")


def test_before_publication_and_after_a_withdrawal_there_is_no_posting_to_amend(published: Any) -> None:
    with pytest.raises(InputError, match="no release of cycle 2025Q4-1 is public on 2026-05-01"):
        plan(published, date(2026, 5, 1))
    published.record("request_resolved", LATER, request_id="r-1", outcome="denied")
    published.record("public_withdrawn", LATER, release_id=CYCLE, reason="order")
    assert due(published, LATER) == []
    with pytest.raises(InputError, match="no release"):
        plan(published, LATER)


def test_each_part_of_a_release_has_its_own_posting(office: Any) -> None:
    run = office.run()
    office.send()
    office.confirm("U000001", "U000003")
    office.bounce("U000002", today=date(2026, 3, 10))
    office.render(run, date(2026, 4, 1), cycle=CYCLE)
    office.send(date(2026, 4, 1))
    office.confirm("U000002", on=date(2026, 4, 1))
    office.notice(date(2026, 4, 20))
    publish(office)
    office.ask("U000002", "r-1", on=date(2026, 5, 20), category="data")  # in its own time, after the first part
    office.notice(date(2026, 5, 21))
    publish(office, date(2026, 6, 1))
    assert "Oak Group" in page(office, f"{CYCLE}-2")
    assert due(office, date(2026, 6, 2)) == []
    office.record("request_resolved", date(2026, 6, 3), request_id="r-1", outcome="denied")
    planned = amend(office, date(2026, 6, 3))
    assert ([one.release_id for one in planned.amendments], planned.unchanged) == ([f"{CYCLE}-2"], (CYCLE,))


def test_a_request_that_cannot_be_posted_leaves_the_table_and_its_reason_takes_its_place(published: Any) -> None:
    published.record("posting_infeasible", LATER, request_id="r-1", reason="would_identify_person")
    assert due(published, LATER) == [("posting of 2025Q4-1", "to be amended: 0 to add, 1 to take off")]
    planned = amend(published, LATER)
    assert page(published) == "[] (('would_identify_person', 1),) of 2026-05-06, not 2026-05-02"
    posted = next(reason.fact for reason in planned.amendments[0].decision.reasons if reason.rule == "G11")
    assert posted == "0 open requests are posted; 1 not posted: with its category it would identify a person"
    assert published.events("posting_amended")[0].texts("not_posted") == ("would_identify_person:1",)


def test_a_reason_recorded_before_publication_is_staged_and_nothing_is_due_after_it(office: Any) -> None:
    office.through_review()
    office.ask("U000001", "r-1", on=date(2026, 4, 30))
    office.record("posting_infeasible", date(2026, 5, 1), request_id="r-1", reason="order")
    office.notice(date(2026, 5, 1))
    publish(office)
    assert page(office) == "[] [('order', 1)]"
    (released,) = office.events("public_released")
    assert (released.texts("posted"), released.texts("not_posted")) == ((), ("order:1",))
    assert due(office, LATER) == []
    published_again = office.record("posting_infeasible", LATER, request_id="r-1", reason="endangers_provider")
    assert due(office, LATER) == [("posting of 2025Q4-1", "to be amended: 0 to add, 0 to take off")]
    office.retract(published_again)
    assert due(office, LATER) == []


def test_of_an_older_release_that_recorded_a_number_alone_the_requests_of_its_day_count(office: Any) -> None:
    office.ask("U000001", "r-1", on=date(2026, 4, 30))
    office.record(
        "public_released", PUBLISHED, release_id=CYCLE, cycle=CYCLE, run_id="a" * 16, bundle_sha256="c" * 64,
        units=["U000001"], open_requests=1,
    )  # fmt: skip
    office.record(
        "report_sent", date(2026, 3, 2), cycle=CYCLE, run_id="a" * 16, unit_id="U000001", level="group",
        report_id=f"{CYCLE}-U000001", channel="mail", pdf_sha256="1" * 64, csv_sha256="2" * 64, result_sha256="d" * 64,
        sent_on="2026-03-02", last_request_day="2026-05-01", public_from="2026-05-02", zone="America/Chicago",
        day_count="conservative",
    )  # fmt: skip
    assert due(office, LATER) == []
    office.ask("U000001", "r-2", on=date(2026, 5, 1), category="data")
    assert due(office, LATER) == [("posting of 2025Q4-1", "to be amended: 1 to add, 0 to take off")]
