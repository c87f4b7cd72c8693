"""What part of a hospital's stays the sources see, by somebody's count of all of them."""

from datetime import date
from typing import Any

from tests.claims.test_events import bill

COUNT = {"ccn": "360001", "from_date": date(2025, 1, 1), "to_date": date(2025, 12, 31)}
MONTHS = [{"person_id": "P", "month": date(2024, 1, 1)}, {"person_id": "P", "month": date(2025, 12, 1)}]
HOSPITAL = {"unit_id": "A", "id_type": "CCN", "identifier": "360001"}


def test_stays_that_ended_in_the_days_of_the_count_are_seen(events: Any) -> None:
    """At A two acute stays of 2025, one of another year and a skilled nursing stay; one acute stay at B: A has 2 of 8."""
    db = events(
        member_month=MONTHS,
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
        member_month=MONTHS,
        claim=[bill(str(number), 3 * number, 3 * number + 1, person_id=f"P{number}") for number in range(4)],
        provider_identifier=[HOSPITAL],
        hospital_stays=[{**older, "stays": 900}, {**COUNT, "stays": 3}],
    )
    assert db.query("select stays, stays_seen, share from catchment").rows() == [(3, 4, 1.0)]


def test_a_hospital_without_a_count_and_a_count_without_a_hospital_have_no_share(events: Any) -> None:
    db = events(
        member_month=MONTHS,
        claim=[bill("1", 0, 3)],
        provider_identifier=[HOSPITAL],
        hospital_stays=[{**COUNT, "ccn": "369999", "stays": 8}],
    )
    assert db.query("select * from catchment").is_empty()


def test_received_counts_reach_the_model(yard: Any) -> None:
    yard.put("counts", "hospital_stays", [{**COUNT, "stays": 8}])
    found = yard.rows("select ccn, from_date, to_date, stays from hospital_stays")
    assert found == [("360001", date(2025, 1, 1), date(2025, 12, 31), 8)]


def test_a_count_of_days_that_the_claims_do_not_cover_tells_nothing(events: Any) -> None:
    """Counts lag behind claims: one of the year before the claims begin, and one that goes on after they end."""
    before = {"from_date": date(2023, 7, 1), "to_date": date(2024, 6, 30)}
    after = {"from_date": date(2025, 7, 1), "to_date": date(2026, 6, 30)}
    db = events(
        member_month=MONTHS,
        claim=[bill("1", 0, 3)],
        provider_identifier=[HOSPITAL],
        hospital_stays=[{**COUNT, **before, "stays": 20}, {**COUNT, **after, "stays": 20}],
    )
    assert db.query("select * from catchment").is_empty()


def test_a_hospital_of_several_identifiers_has_one_share_and_one_without_acute_stays_has_none(events: Any) -> None:
    npi = {**HOSPITAL, "id_type": "NPI", "identifier": "1234567893"}
    nursing = {**HOSPITAL, "unit_id": "N", "identifier": "365001"}
    db = events(
        member_month=MONTHS,
        claim=[bill("1", 0, 3), bill("2", 5, 9, facility_id="N", facility_type="snf", claim_type="snf", person_id="S")],
        provider_identifier=[HOSPITAL, npi, {**HOSPITAL, "valid_from": date(2020, 1, 1)}, nursing],
        hospital_stays=[{**COUNT, "stays": 4}, {**COUNT, "ccn": "365001", "stays": 20}],
    )
    assert db.query("select unit_id, share from catchment").rows() == [("A", 0.25)]
