"""What part of a hospital's stays the sources see, by somebody's count of all of them."""

from datetime import date
from typing import Any

from tests.claims.test_events import bill, day

COUNT = {"id_type": "CCN", "identifier": "360001", "from_date": date(2025, 1, 1), "to_date": date(2025, 12, 31)}
HOSPITAL = {"unit_id": "A", "id_type": "CCN", "identifier": "360001"}


def test_stays_that_ended_in_the_days_of_the_count_are_seen(events: Any) -> None:
    """Three stays at A in 2025, of which one is of another year and one at another hospital: 2 of 8."""
    db = events(
        claim=[
            bill("1", 0, 3),
            bill("2", 10, 12, person_id="Q"),
            bill("3", 20, 22, facility_id="B"),
            bill("4", -400, -397, person_id="R"),
            bill("5", 30, 33, facility_type="snf", claim_type="snf", person_id="S"),
        ],
        provider_identifier=[HOSPITAL, {**HOSPITAL, "unit_id": "B", "identifier": "360002"}],
        hospital_stays=[{**COUNT, "stays": 8, "counted_by": "cost report"}],
    )
    assert db.query("select unit_id, stays, stays_seen, counted_by, share from catchment").rows() == [
        ("A", 8, 2, "cost report", 0.25)
    ]


def test_the_latest_count_is_taken_and_more_seen_than_counted_is_all(events: Any) -> None:
    older = {**COUNT, "from_date": date(2024, 1, 1), "to_date": date(2024, 12, 31)}
    db = events(
        claim=[bill(str(number), 3 * number, 3 * number + 1, person_id=f"P{number}") for number in range(4)],
        provider_identifier=[HOSPITAL],
        hospital_stays=[{**older, "stays": 900}, {**COUNT, "stays": 3}],
    )
    assert db.query("select stays, stays_seen, share from catchment").rows() == [(3, 4, 1.0)]
    assert day(10) < COUNT["to_date"]  # type: ignore[operator]


def test_a_hospital_without_a_count_and_a_count_without_a_hospital_have_no_share(events: Any) -> None:
    db = events(
        claim=[bill("1", 0, 3)],
        provider_identifier=[HOSPITAL],
        hospital_stays=[{**COUNT, "identifier": "369999", "stays": 8}],
    )
    assert db.query("select * from catchment").is_empty()


def test_received_counts_reach_the_model_and_a_count_of_none_is_left_out(yard: Any) -> None:
    yard.put("counts", "hospital_stays", [{**COUNT, "stays": 8}, {**COUNT, "identifier": "360002", "stays": 0}])
    found = yard.rows("select id_type, identifier, from_date, to_date, stays from hospital_stays")
    assert found == [("CCN", "360001", date(2025, 1, 1), date(2025, 12, 31), 8)]
