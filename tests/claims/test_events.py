"""Event tables from base tables given in view: stays, chains, emergency and office visits, person months, costs."""

from datetime import date, timedelta
from typing import Any

DAY_0 = date(2025, 3, 1)


def day(number: int) -> date:
    return DAY_0 + timedelta(days=number)


def bill(claim: str, admit: int, discharge: int, **changes: Any) -> dict[str, Any]:
    return {
        "claim_id": claim,
        "person_id": "P",
        "payer_id": "m",
        "payer_type": "medicare",
        "claim_type": "inpatient",
        "admit_date": day(admit),
        "from_date": day(admit),
        "discharge_date": day(discharge),
        "thru_date": day(discharge),
        "facility_id": "A",
        "frequency_code": "1",
        "discharge_status": "01",
        "allowed_amount": 100,
        "paid_amount": 80,
        **changes,
    }


def principal(claim: str, code: str, **changes: Any) -> dict[str, Any]:
    return {"claim_id": claim, "sequence": 1, "kind": "principal", "code": code, "icd_version": 10, **changes}


def interim(claim: str, first: int, last: int, frequency: str, status: str) -> dict[str, Any]:
    """A bill of days `first` to `last` of a stay that began on day 0."""
    return bill(
        claim, 0, last, from_date=day(first), discharge_date=None, frequency_code=frequency, discharge_status=status
    )


def test_interim_bills_are_one_stay_known_by_its_last_bill(events: Any) -> None:
    db = events(
        claim=[interim("9", 0, 9, "2", "30"), interim("10", 10, 19, "3", "30"), interim("11", 20, 25, "4", "01")],
        claim_diagnosis=[
            principal("9", "I509"),
            principal("11", "J189"),
            principal("10", "I509", kind="other", sequence=2),
        ],
    )
    found = db.query(
        "select stay_id, admit_date, discharge_date, is_open, principal_diagnosis, allowed_amount, claim_ids from stay"
    )
    assert found.rows() == [("11", day(0), day(25), False, "J189", 300, ["9", "10", "11"])]
    assert db.query("select sequence, kind, code from stay_diagnosis order by sequence").rows() == [
        (1, "principal", "J189"),
        (2, "other", "I509"),
    ]


def test_a_stay_without_its_final_bill_is_open_and_has_no_discharge(events: Any) -> None:
    db = events(claim=[interim("1", 0, 9, "2", "30"), interim("2", 10, 19, "3", "30")])
    assert db.query("select stay_id, is_open, discharge_date from stay").rows() == [("2", True, None)]


def test_two_whole_bills_on_touching_days_stay_two_stays_but_one_with_the_same_diagnosis_on_one_day_continues(
    events: Any,
) -> None:
    db = events(
        claim=[
            bill("1", 0, 5, person_id="next day"),
            bill("2", 6, 9, person_id="next day"),
            bill("3", 0, 5, person_id="same day, same diagnosis"),
            bill("4", 5, 9, person_id="same day, same diagnosis"),
            bill("5", 0, 5, person_id="same day, another diagnosis"),
            bill("6", 5, 9, person_id="same day, another diagnosis"),
            bill("7", 0, 5, person_id="late charge"),
            bill("8", 0, 5, person_id="late charge", frequency_code="5"),
        ],
        claim_diagnosis=[principal(str(claim), "J189") for claim in range(1, 6)] + [principal("6", "I509")],
    )
    found = db.query(
        "select person_id, list(stay_id order by admit_date, stay_id) from stay group by 1 order by 1"
    ).rows()
    assert found == [
        ("late charge", ["8"]),
        ("next day", ["1", "2"]),
        ("same day, another diagnosis", ["5", "6"]),
        ("same day, same diagnosis", ["4"]),
    ]
    assert db.query(
        "select distinct chain_id, position from transfer_chain where person_id = 'next day' order by 1"
    ).rows() == [
        ("1", 1),
        ("2", 1),
    ]


def test_transfers_go_by_dates_whatever_the_status_says_and_only_between_acute_hospitals(events: Any) -> None:
    db = events(
        claim=[
            bill("1", 0, 4, person_id="three hospitals"),
            bill("2", 4, 8, person_id="three hospitals", facility_id="B"),
            bill("3", 9, 12, person_id="three hospitals", facility_id="C"),
            bill("4", 0, 4, person_id="two days later"),
            bill("5", 6, 8, person_id="two days later", facility_id="B"),
            bill("6", 0, 4, person_id="to rehabilitation", discharge_status="02"),
            bill("7", 4, 20, person_id="to rehabilitation", facility_id="R", facility_type="rehabilitation"),
            bill("8", 0, 10, person_id="overlap"),
            bill("9", 3, 5, person_id="overlap", facility_id="B"),
        ]
    )
    found = db.query(
        "select person_id, list(stay_id order by position), max(chain_id), max(chain_admit_date), max(chain_discharge_date) "
        "from transfer_chain group by person_id, chain_id order by person_id, 2"
    ).rows()
    assert found == [
        ("overlap", ["9", "8"], "8", day(0), day(10)),
        ("three hospitals", ["1", "2", "3"], "3", day(0), day(12)),
        ("to rehabilitation", ["6"], "6", day(0), day(4)),
        ("two days later", ["4"], "4", day(0), day(4)),
        ("two days later", ["5"], "5", day(6), day(8)),
    ]
    assert db.query("select stay_id from stay where not is_acute").rows() == [("7",)]


def test_denied_superseded_and_copied_claims_make_no_stay_and_zero_paid_ones_do(events: Any) -> None:
    db = events(
        claim=[
            bill("1", 0, 4, paid_status="denied"),
            bill("2", 10, 14, superseded_by="3"),
            bill("3", 10, 14, paid_status="zero_paid"),
            bill("4", 20, 24, duplicate_of="9"),
            bill("5", 30, 34, paid_status="other_payer_paid", discharge_status="20"),
        ]
    )
    assert db.query("select stay_id, died from stay order by stay_id").rows() == [("3", False), ("5", True)]


def ed_line(claim: str, number: int, **changes: Any) -> dict[str, Any]:
    return {"claim_id": claim, "line_number": number, "revenue_code": "0450", "from_date": day(0), **changes}


def test_an_emergency_visit_counts_once_a_day_and_facility(events: Any) -> None:
    outpatient = {"claim_type": "outpatient", "admit_date": None}
    db = events(
        claim=[
            bill("1", 0, 0, person_id="once", **outpatient),
            bill("2", 0, 0, person_id="once", claim_type="professional", facility_id=None, admit_date=None),
            bill(
                "3", 0, 0, person_id="professional only", claim_type="professional", facility_id=None, admit_date=None
            ),
            bill("4", 0, 3, person_id="admitted"),
            bill("5", 0, 0, person_id="admitted elsewhere", **outpatient),
            bill("6", 1, 3, person_id="admitted elsewhere", facility_id="B"),
            bill("7", 0, 0, person_id="no emergency", **outpatient),
        ],
        claim_line=[
            ed_line("1", 1),
            ed_line("1", 2, revenue_code="0981"),
            ed_line("2", 1, revenue_code=None, hcpcs="X0001", place_of_service="23"),
            ed_line("3", 1, revenue_code=None, hcpcs="X0001", place_of_service="23"),
            ed_line("4", 1),
            ed_line("5", 1),
            ed_line("6", 1, revenue_code="0120"),
            ed_line("7", 1, revenue_code="0510"),
        ],
    )
    found = db.query("select event_id, is_admitted, claim_ids from ed_visit order by event_id").rows()
    assert found == [
        ("admitted elsewhere:2025-03-01:A", True, ["5"]),
        ("admitted:2025-03-01:A", True, ["4"]),
        ("once:2025-03-01:A", False, ["1"]),
        ("professional only:2025-03-01:none", False, ["3"]),
    ]


def test_without_a_hospitals_bill_the_place_tells_of_an_emergency_and_supplies_drugs_and_laboratory_do_not(
    events: Any,
) -> None:
    """Place of service 23 with any service but a supply, equipment, drug or laboratory service, whatever number it has."""
    own = {"claim_type": "professional", "facility_id": None, "admit_date": None}
    lines: dict[str, dict[str, Any]] = {
        "a visit": {"hcpcs": "99213"},
        "an invented code": {"hcpcs": "X0001"},
        "a drug, and a visit": {"hcpcs": "G0378"},
        "an office": {"hcpcs": "99213", "place_of_service": "11"},
        "no place": {"hcpcs": "99213", "place_of_service": None},
        "no code": {"hcpcs": None},
        "a denied line": {"hcpcs": "99213", "line_status": "denied"},
        **{
            f"{code[0]} alone": {"hcpcs": code}
            for code in ["A4253", "B4034", "E0601", "J1745", "K0001", "L1902", "P3000", "Q4001", "V2020"]
        },
    }
    numbers = {person: str(number) for number, person in enumerate(lines, start=1)}
    db = events(
        claim=[bill(claim, 0, 0, person_id=person, **own) for person, claim in numbers.items()],
        claim_line=[
            *(
                ed_line(numbers[person], 1, **{"revenue_code": None, "place_of_service": "23", **line})
                for person, line in lines.items()
            ),
            ed_line(numbers["a drug, and a visit"], 2, revenue_code=None, hcpcs="J1745", place_of_service="23"),
        ],
    )
    found = [person for (person,) in db.query("select person_id from ed_visit order by person_id").rows()]
    assert found == ["a drug, and a visit", "a visit", "an invented code"]


def test_visits_keep_fqhc_lines_leave_out_denied_ones_and_know_the_nursing_stay(events: Any) -> None:
    office = {"claim_type": "professional", "facility_id": None, "admit_date": None, "discharge_date": None}
    line = {
        "line_number": 1,
        "hcpcs": "99308",
        "rendering_npi": "N1",
        "rendering_tin": "T1",
        "rendering_specialty": "11",
    }
    db = events(
        claim=[
            bill("1", 5, 5, **office),
            bill("2", 50, 50, **office),
            bill("3", 0, 20, claim_type="snf", facility_type="snf"),
            bill("4", 50, 50, claim_type="outpatient", bill_type="771", attending_npi="N2"),
            bill("5", 50, 50, claim_type="outpatient", bill_type="131"),
        ],
        claim_line=[
            {"claim_id": "1", **line},
            {"claim_id": "1", **line, "line_number": 2, "line_status": "denied"},
            {"claim_id": "2", **line},
            {"claim_id": "4", "line_number": 1, "hcpcs": "G0467"},
            {"claim_id": "5", "line_number": 1, "hcpcs": "99213"},
        ],
        provider_identifier=[{"unit_id": "U1", "id_type": "NPI", "identifier": "N1"}],
    )
    found = db.query(
        "select claim_id, line_number, clinician_id, group_id, is_fqhc_rhc, in_snf_stay from visit order by claim_id"
    ).rows()
    assert found == [
        ("1", 1, "U1", "T1", False, True),
        ("2", 1, "U1", "T1", False, False),
        ("4", 1, "N2", None, True, False),
    ]


def test_a_health_centre_bills_for_itself_and_an_open_nursing_stay_lasts_to_its_last_bill(events: Any) -> None:
    office = {"claim_type": "professional", "facility_id": None, "admit_date": None, "discharge_date": None}
    centre = {"claim_type": "outpatient", "bill_type": "771", "facility_id": "C1", "attending_npi": "N2"}
    nursing = {"claim_type": "snf", "facility_type": "snf", "discharge_date": None, "discharge_status": "30"}
    db = events(
        claim=[
            bill("1", 50, 50, **centre),  # Medicare names no TIN
            bill("2", 50, 50, **centre, billing_tin="T9"),  # a payer names one
            bill("3", 0, 20, **nursing),
            bill("4", 15, 15, **office),
        ],
        claim_line=[
            {"claim_id": "1", "line_number": 1, "hcpcs": "G0467"},
            {"claim_id": "2", "line_number": 1, "hcpcs": "G0467"},
            {"claim_id": "4", "line_number": 1, "hcpcs": "99308", "rendering_npi": "N2"},
        ],
        provider=[{"provider_id": "N2", "id_type": "NPI", "unit_id": "U2", "specialty": "08"}],
        provider_identifier=[
            {"unit_id": "C1", "id_type": "CCN", "identifier": "991800", "facility_type": "other"},
            {"unit_id": "C1", "id_type": "TIN", "identifier": "T9", "facility_type": "other"},
            {"unit_id": "U9", "id_type": "TIN", "identifier": "T9"},
            {"unit_id": "U2", "id_type": "NPI", "identifier": "N2"},
        ],
        affiliation=[{"npi": "N2", "group_unit_id": "G1", "source": "roster"}],
    )
    found = db.query("select claim_id, group_id, facility_id, in_snf_stay from visit order by claim_id").rows()
    assert [row[1:3] for row in found if row[0] in ("1", "2")] == [(None, "C1"), (None, "C1")]
    assert [row for row in found if row[0] == "4"] == [("4", "G1", None, True)]


def test_a_person_month_counts_once_with_the_primary_medical_product(events: Any) -> None:
    january = {"person_id": "P", "month": date(2025, 1, 1), "medical": True, "pharmacy": False}
    db = events(
        member_month=[
            {**january, "payer_id": "m", "payer_type": "medicare", "part_a": True, "part_b": True, "is_primary": False},
            {**january, "payer_id": "c", "payer_type": "commercial", "is_primary": True, "pharmacy": True},
            {**january, "payer_id": "d", "payer_type": "medicaid", "is_primary": False},
        ]
    )
    found = db.query("select payer_id, payer_type, medical, pharmacy, is_ffs from person_month").rows()
    assert found == [("c", "commercial", True, True, True)]


def test_costs_leave_out_denied_superseded_copied_and_information_only_claims(events: Any) -> None:
    db = events(
        claim=[
            bill("1", 0, 4),
            bill("2", 10, 14, paid_status="denied"),
            bill("3", 20, 24, superseded_by="4"),
            bill("5", 30, 34, mco_paid=True),
            bill("6", 40, 44, duplicate_of="1", paid_amount=90),
            bill("7", 50, 60, claim_type="snf"),
            bill("8", 70, 80, facility_type="ltch"),
            bill("9", 90, 90, claim_type="dme"),
        ],
        pharmacy_fill=[
            {"fill_id": "1", "person_id": "P", "fill_date": day(1), "allowed_amount": 30, "paid_amount": 20},
            {"fill_id": "2", "person_id": "P", "fill_date": day(1), "allowed_amount": 30, "fill_status": "reversed"},
        ],
    )
    found = db.query(
        "select claim_id, event_kind, service_category, allowed_amount, paid_amount from cost_event order by event_kind, 1"
    ).rows()
    assert found == [
        ("1", "claim", "inpatient", 100, 100),  # 80 + 90 of the copy, capped at 100
        ("7", "claim", "post_acute", 100, 80),
        ("8", "claim", "post_acute", 100, 80),
        ("9", "claim", "other", 100, 80),
        ("1", "fill", "pharmacy", 30, 20),
    ]


def test_ages_and_months_by_the_calendar(events: Any) -> None:
    db = events()
    leap = "date '1960-02-29'"
    assert db.scalar(f"select age_on({leap}, date '2023-02-28')") == 62
    assert db.scalar(f"select age_on({leap}, date '2023-03-01')") == 63
    assert db.scalar("select age_on(date '1960-03-02', date '2025-03-02')") == 65
    assert db.scalar("select age_on(date '1960-03-02', date '2025-03-01')") == 64
    assert db.scalar("select months_between(date '2024-12-31', date '2025-02-01')") == 2
    assert db.scalar("select month_of(date '2025-02-28')") == date(2025, 2, 1)


def test_a_transfer_chain_runs_across_payers_and_units_of_one_hospital_are_no_transfer(events: Any) -> None:
    commercial = {"payer_id": "c", "payer_type": "commercial"}
    db = events(
        claim=[
            bill("1", 0, 4, person_id="two payers"),
            bill("2", 5, 9, person_id="two payers", facility_id="B", **commercial),
            bill("3", 0, 4, person_id="to the psychiatric unit"),
            bill("4", 4, 9, person_id="to the psychiatric unit", facility_id="AS", facility_type="psychiatric"),
            bill("5", 9, 12, person_id="to the psychiatric unit"),
            bill("6", 0, 4, person_id="to a swing bed"),
            bill("7", 4, 20, person_id="to a swing bed", facility_id="AU", facility_type="snf"),
            bill("8", 0, 4, person_id="cancer hospital"),
            bill("9", 4, 6, person_id="cancer hospital", facility_id="220162"),
        ]
    )
    chains = db.query(
        "select person_id, list(stay_id order by position) from transfer_chain group by person_id, chain_id order by 1, 2"
    ).rows()
    assert chains == [
        ("cancer hospital", ["8", "9"]),  # exempt from prospective payment, and an acute hospital
        ("to a swing bed", ["6"]),
        ("to the psychiatric unit", ["3"]),
        ("to the psychiatric unit", ["5"]),
        ("two payers", ["1", "2"]),
    ]
    kinds = db.query(
        "select stay_id, facility_type, is_acute from stay where stay_id in ('4', '7', '9') order by 1"
    ).rows()
    assert kinds == [("4", "psychiatric", False), ("7", "snf", False), ("9", "cancer_exempt", True)]


def test_bills_of_another_admission_date_or_another_facility_are_no_interim_bills_of_a_stay(events: Any) -> None:
    still_in = {"frequency_code": "2", "discharge_status": "30", "discharge_date": None}
    last = {"frequency_code": "4"}
    db = events(
        claim=[
            bill("1", 0, 9, person_id="another admission", **still_in),
            bill("2", 1, 15, person_id="another admission", **last),
            bill("3", 0, 9, person_id="another facility", **still_in),
            bill("4", 0, 15, person_id="another facility", facility_id="B", **last),
        ]
    )
    found = db.query("select stay_id, is_open, discharge_date from stay order by stay_id").rows()
    assert found == [("1", True, None), ("2", False, day(15)), ("3", True, None), ("4", False, day(15))]


def test_a_final_bill_of_status_30_is_no_discharge_and_observation_is_no_stay(events: Any) -> None:
    outpatient = {"claim_type": "outpatient", "bill_type": "131", "admit_date": None, "discharge_date": None}
    db = events(
        claim=[
            bill("1", 0, 9, person_id="status 30", discharge_status="30"),
            bill("2", 0, 1, person_id="observation", **outpatient),
        ],
        claim_line=[{"claim_id": "2", "line_number": 1, "revenue_code": "0762", "hcpcs": "G0378", "from_date": day(0)}],
    )
    assert db.query("select person_id, is_open, discharge_date from stay").rows() == [("status 30", True, None)]
    assert db.query("select person_id, chain_discharge_date from transfer_chain").rows() == [("status 30", day(0))]


def test_a_late_charge_adds_to_its_stay_and_makes_none_of_its_own(events: Any) -> None:
    late = {"frequency_code": "5", "allowed_amount": 7, "paid_amount": 5, "bill_type": "115"}
    db = events(claim=[bill("1", 0, 4), bill("2", 0, 4, **late), bill("3", 0, 4, person_id="Q", **late)])
    assert db.query("select person_id, allowed_amount, claim_ids from stay order by person_id").rows() == [
        ("P", 107, ["1", "2"]),
        ("Q", 7, ["3"]),  # its stay was billed before our files begin
    ]
    assert db.query("select sum(allowed_amount) from cost_event").row(0) == (114,)
