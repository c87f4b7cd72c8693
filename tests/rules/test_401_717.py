"""42 CFR 401.717: one test for each duty of the review before results become public."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

DAY_60, DAY_61 = date(2026, 5, 1), date(2026, 5, 2)


def test_a_finished_review_may_become_public_on_day_61(story: Any) -> None:
    decision = story.decide()
    assert (decision.allowed, story.refusing()) == (True, [])


def test_717_a_shared_in_confidence_at_least_60_days_before(story: Any) -> None:
    assert story.refusing(DAY_60) == ["G10", "G24"]
    assert story.earliest("G10", DAY_60) == "2026-05-02"


def test_717_a_the_60_days_begin_on_the_day_the_report_was_sent_not_before(story: Any) -> None:
    story.drop("send_confirmed", unit_id="U000002")
    assert story.refusing() == ["G10", "G24"]
    # sent and confirmed today it could be public 61 days later: 2 July
    assert story.earliest("G10") == "2026-07-02"
    assert "U000002: hand-over of the report not confirmed" in story.fact("G10")


def test_717_a_each_provider_has_its_own_60_days(story: Any) -> None:
    story.bounce("U000002", date(2026, 3, 10))
    story.send("U000002", date(2026, 3, 20))
    story.notice("U000002", date(2026, 4, 20), public_on=date(2026, 5, 20))
    assert story.refusing(date(2026, 5, 19)) == ["G10", "G24"]
    # 20 March + 61 days
    assert story.earliest("G10", date(2026, 5, 19)) == "2026-05-20"
    assert story.refusing(date(2026, 5, 20)) == []


def test_717_a_a_returned_report_was_not_shared(story: Any) -> None:
    story.bounce("U000002", date(2026, 3, 10))
    assert story.refusing() == ["G10", "G24"]
    assert "report came back undelivered" in story.fact("G10")


def test_717_a_what_is_published_is_what_was_shared(story: Any) -> None:
    assert story.refusing(units={"U000001": "d" * 64, "U000002": "e" * 64}) == ["G10"]
    assert "other results" in story.fact("G10", units={"U000002": "e" * 64})


def test_717_a_a_provider_that_was_sent_nothing_is_not_published(story: Any) -> None:
    assert story.refusing(units={"U000001": "d" * 64, "U000003": "d" * 64}) == ["G10", "G24"]
    assert "U000003: not sent its report" in story.fact("G10", units={"U000003": "d" * 64})


def test_717_a_the_public_date_was_told_and_is_not_moved_earlier(story: Any) -> None:
    story.notice("U000001", date(2026, 4, 25), public_on=date(2026, 5, 20))
    assert story.refusing(date(2026, 5, 19)) == ["G24"]
    assert story.refusing(date(2026, 5, 20)) == []


def test_717_b_the_last_request_day_is_whole_where_the_recipient_is(story: Any) -> None:
    # day 61 begins at 4:00 UTC in New York and at 5:00 UTC in Chicago
    midnight = datetime(2026, 5, 2, 5, tzinfo=UTC)
    assert story.refusing(at=midnight - timedelta(microseconds=1)) == ["G10"]
    assert story.refusing(at=midnight) == []


@pytest.mark.parametrize(
    ("zone", "opens_at"),
    [
        ("Pacific/Honolulu", datetime(2026, 5, 2, 10, tzinfo=UTC)),
        ("America/Anchorage", datetime(2026, 5, 2, 8, tzinfo=UTC)),
        ("America/Chicago", datetime(2026, 5, 2, 5, tzinfo=UTC)),
        ("America/Puerto_Rico", datetime(2026, 5, 2, 4, tzinfo=UTC)),
        ("Pacific/Guam", datetime(2026, 5, 2, 4, tzinfo=UTC)),  # over in Guam since 14:00, not yet for the entity
    ],
)
def test_717_b_the_later_midnight_of_entity_and_recipient_opens_the_day(
    story: Any, zone: str, opens_at: datetime
) -> None:
    story.change("report_sent", zone=zone)
    assert story.refusing(at=opens_at - timedelta(microseconds=1)) == ["G10"]
    assert story.refusing(at=opens_at) == []


def test_717_b_a_review_that_spans_the_end_of_the_year_misses_the_old_one(story: Any) -> None:
    story.drop("report_sent")
    story.drop("send_confirmed")
    story.drop("status_notice_sent")
    story.send("U000001", date(2025, 11, 1))
    story.notice("U000001", date(2025, 12, 1), public_on=date(2026, 1, 1))
    asked = {"units": {"U000001": "d" * 64}, "public_on": date(2026, 1, 1)}
    assert "G10" in story.refusing(date(2025, 12, 31), **asked)
    assert story.earliest("G10", date(2025, 12, 31), **asked) == "2026-01-01"
    assert "G10" not in story.refusing(date(2026, 1, 1), **asked)


def test_717_d_open_requests_never_stop_publication(story: Any) -> None:
    story.ask("U000001", date(2026, 4, 1))
    story.notice("U000001", date(2026, 4, 22))
    assert story.refusing(posting=frozenset({("U000001", "calculation")})) == []


def test_717_d_each_provider_is_told_the_status_of_its_requests_before(story: Any) -> None:
    story.drop("status_notice_sent", unit_id="U000002")
    assert story.refusing() == ["G24"]
    assert "U000002" in story.fact("G24") and "U000001" not in story.fact("G24")


def test_717_d_a_notice_older_than_the_last_request_does_not_tell_its_status(story: Any) -> None:
    story.ask("U000001", date(2026, 4, 25))
    asked = {"posting": frozenset({("U000001", "calculation")})}
    assert story.refusing(**asked) == ["G24"]
    story.notice("U000001", date(2026, 4, 26))
    assert story.refusing(**asked) == []


def test_717_d_a_notice_of_tomorrow_is_no_notice_today(story: Any) -> None:
    story.drop("status_notice_sent", unit_id="U000001")
    story.notice("U000001", date(2026, 5, 3))
    assert story.refusing() == ["G24"]


def test_717_e_open_requests_are_posted_by_provider_and_category(story: Any) -> None:
    story.ask("U000001", date(2026, 4, 1), category="missed_exclusion")
    story.notice("U000001", date(2026, 4, 22))
    assert story.refusing() == ["G11"]
    assert story.refusing(posting=frozenset({("U000001", "calculation")})) == ["G11"]
    assert story.refusing(posting=frozenset({("U000001", "missed_exclusion")})) == []


def test_717_e_a_resolved_request_is_no_longer_posted(story: Any) -> None:
    story.ask("U000001", date(2026, 4, 1))
    story.tell("request_resolved", date(2026, 4, 15), request_id="r-1", outcome="upheld")
    story.notice("U000001", date(2026, 4, 22))
    assert story.refusing(posting=frozenset()) == []
    assert story.refusing(posting=frozenset({("U000001", "calculation")})) == ["G11"]


def test_717_e_what_cannot_be_posted_for_a_recorded_reason_is_not_and_the_gate_says_so(story: Any) -> None:
    story.ask("U000001", date(2026, 4, 1))
    story.ask("U000002", date(2026, 4, 2), request_id="r-2", category="data")
    story.tell("posting_infeasible", date(2026, 4, 3), request_id="r-1", reason="forbidden_by_law")
    for unit_id in ("U000001", "U000002"):
        story.notice(unit_id, date(2026, 4, 22))
    both = frozenset({("U000001", "calculation"), ("U000002", "data")})
    assert story.refusing(posting=both) == ["G11"]
    assert story.refusing(posting=frozenset({("U000002", "data")})) == []
    said = story.fact("G11", posting=frozenset({("U000002", "data")}))
    assert said == "1 open requests are posted; 1 not posted: another law forbids it"


def test_717_e_an_unknown_posting_fails(story: Any) -> None:
    assert story.refusing(posting=None) == ["G11"]


def test_files_that_name_a_later_day_of_publication_wait_for_it(story: Any) -> None:
    assert story.refusing(public_on=date(2026, 5, 3)) == ["G24"]
    assert story.earliest("G24", public_on=date(2026, 5, 3)) == "2026-05-03"
