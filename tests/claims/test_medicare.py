"""Medicare files into the claims model."""

from datetime import date
from decimal import Decimal
from typing import Any

JANUARY = date(2025, 1, 10)


def inpatient(claim: str, **changes: Any) -> dict[str, Any]:
    return {
        "native_person_id": "B1",
        "native_claim_id": claim,
        "claim_type": "inpatient",
        "from_date": JANUARY,
        "thru_date": date(2025, 1, 14),
        "admit_date": JANUARY,
        "discharge_date": date(2025, 1, 14),
        "facility_ccn": "220001",
        "billing_npi": "9999900001",
        "facility_code": "1",
        "service_code": "1",
        "frequency_code": "1",
        "discharge_status": "01",
        "claim_paid_amount": Decimal(9000),
        "line_number": 1,
        "revenue_code": "0120",
        **changes,
    }


def carrier(claim: str, line: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "native_person_id": "B1",
        "native_claim_id": claim,
        "claim_type": "professional",
        "from_date": JANUARY,
        "thru_date": JANUARY,
        "payment_denial_code": "1",
        "line_number": line,
        "hcpcs": "99213",
        "rendering_npi": "9999900002",
        "rendering_tin": "001234567",
        "rendering_specialty": "11",
        "line_processing_code": "A",
        "line_paid_amount": Decimal(80),
        "line_allowed_amount": Decimal(100),
        "claim_paid_amount": Decimal(80),
        **changes,
    }


def beneficiary(person: str, **changes: Any) -> dict[str, Any]:
    return {
        "native_person_id": person,
        "reference_year": 2025,
        "birth_date": date(1950, 3, 1),
        "sex": "2",
        "buy_in": ["3"] * 12,
        "hmo": ["0"] * 12,
        "part_c_contract": [None] * 12,
        "part_d_contract": [None] * 12,
        "dual_status": ["NA"] * 12,
        "county_fips": ["25025"] * 12,
        **changes,
    }


def test_the_header_amount_counts_once_however_many_lines_repeat_it(yard: Any) -> None:
    yard.put("medicare", "institutional", [inpatient("C1"), inpatient("C1", line_number=2, revenue_code="0250")])
    with yard.opened() as db:
        assert db.query("select paid_amount, amount_basis from claim").rows() == [(Decimal("9000.00"), "header")]
        assert db.scalar("select count(*) from claim_line") == 2


def test_inpatient_allowed_adds_pass_through_days_deductible_coinsurance_and_the_primary_payer(yard: Any) -> None:
    amounts = {
        "pass_through_per_diem": Decimal(10),
        "covered_days": 4,
        "deductible_amount": Decimal(1600),
        "coinsurance_amount": Decimal(200),
        "primary_payer_amount": Decimal(50),
    }
    yard.put("medicare", "institutional", [inpatient("C1", **amounts)])
    # 9,000 paid + 10 x 4 pass-through + 1,600 deductible + 200 coinsurance + 50 primary payer
    assert yard.rows("select allowed_amount, pass_through_amount from claim") == [
        (Decimal("10890.00"), Decimal("40.00"))
    ]


def test_zero_paid_is_not_denied_and_a_code_outside_the_table_is(yard: Any) -> None:
    zero = {"claim_paid_amount": Decimal(0)}
    yard.put(
        "medicare",
        "institutional",
        [
            inpatient("1 paid"),
            inpatient("2 benefits exhausted", non_payment_reason="B", **zero),
            inpatient("3 cost avoided", non_payment_reason="12", **zero),
            inpatient("4 other reason", non_payment_reason="N", **zero),
            inpatient("5 unknown code", non_payment_reason="99"),
            inpatient("6 nothing paid", **zero),
            inpatient("7 another payer paid all", primary_payer_amount=Decimal(500), **zero),
            inpatient("8 void", frequency_code="8"),
        ],
    )
    found = yard.rows("select paid_status, service_occurred, allowed_amount > 0 from claim order by claim_id")
    assert found == [
        ("paid", True, True),
        ("zero_paid", True, False),
        ("other_payer_paid", True, False),
        ("denied", False, False),
        ("denied", False, False),
        ("zero_paid", True, False),
        ("other_payer_paid", True, True),
        ("void", False, False),
    ]


def test_carrier_denial_and_processing_codes_count_by_whitelist_as_text(yard: Any) -> None:
    yard.put(
        "medicare",
        "professional",
        [
            carrier("1 two lines"),
            carrier("1 two lines", 2, line_processing_code="N", line_paid_amount=Decimal(0)),
            carrier("2 cost avoided", payment_denial_code="00", line_paid_amount=Decimal(0)),
            carrier("3 denied", payment_denial_code="0", line_paid_amount=Decimal(0)),
            carrier("4 demonstration", payment_denial_code="D"),
            carrier("5 unknown code", payment_denial_code="@@"),
            carrier("6 secondary", line_processing_code="S", line_paid_amount=Decimal(20)),
            carrier("7 deductible", line_paid_amount=Decimal(0)),
            carrier("8 cost avoided, line denied", payment_denial_code="12", line_processing_code="N"),
        ],
    )
    with yard.opened() as db:
        found = db.query("select paid_status, paid_amount, allowed_amount from claim order by claim_id").rows()
        lines = db.query("select line_status from claim_line where claim_id = '1' order by line_number").rows()
    money = Decimal("100.00")
    assert found == [
        ("paid", Decimal("80.00"), money),
        ("other_payer_paid", Decimal("0.00"), money),
        ("denied", Decimal("0.00"), Decimal("0.00")),
        ("denied", Decimal("0.00"), Decimal("0.00")),
        ("denied", Decimal("0.00"), Decimal("0.00")),
        ("paid", Decimal("20.00"), money),
        ("zero_paid", Decimal("0.00"), money),
        ("denied", Decimal("0.00"), Decimal("0.00")),
    ]
    assert lines == [("paid",), ("denied",)]


def test_managed_care_months_come_from_the_hmo_indicator_or_else_the_part_c_contract(yard: Any) -> None:
    hmo = ["0", "4", "1", "2", "A", "B", "C", None, None, None, None, "0"]
    part_c = [None, None, None, None, None, None, None, "H1234", "N", "0", None, "H1234"]
    yard.put("medicare", "beneficiary", [beneficiary("B1", hmo=hmo, part_c_contract=part_c)])
    found = yard.rows("select is_ffs, managed_care, medical from person_month order by month")
    managed = [False, False, True, True, True, True, True, True, False, False, False, False]
    assert found == [(not flag, flag, not flag) for flag in managed]


def test_part_a_part_b_part_d_and_dual_months(yard: Any) -> None:
    yard.put(
        "medicare",
        "beneficiary",
        [
            beneficiary(
                "B1",
                buy_in=["3", "C", "1", "A", "2", "B", "0", None, "3", "3", "3", "3"],
                part_d_contract=[None] * 8 + ["S1", "N", "0", "*"],
                dual_status=[None] * 8 + ["02", "09", "NA", "00"],
            )
        ],
    )
    found = yard.rows(
        "select month(month), part_a, part_b, part_d, pharmacy, dual, is_ffs from person_month order by 1"
    )
    assert found == [
        (1, True, True, False, False, False, True),
        (2, True, True, False, False, False, True),
        (3, True, False, False, False, False, False),
        (4, True, False, False, False, False, False),
        (5, False, True, False, False, False, False),
        (6, False, True, False, False, False, False),
        (9, True, True, True, True, True, True),
        (10, True, True, False, False, False, True),
        (11, True, True, False, False, False, True),
        (12, True, True, False, False, False, True),
    ]


def test_a_later_delivery_supersedes_the_whole_claim_and_the_old_one_is_kept(yard: Any) -> None:
    second_line = inpatient("C1", line_number=2)
    diagnosis = {"sequence": 1, "kind": "principal", "code": "I509", "icd_version": 10, "present_on_admission": "Y"}
    first = [inpatient("C1", diagnoses=[diagnosis]), second_line, inpatient("C2")]
    changed = [inpatient("C1", claim_paid_amount=Decimal(7000), diagnoses=[diagnosis])]
    yard.put("medicare", "institutional", first, received_on=date(2025, 5, 1))
    yard.put("medicare", "institutional", changed, received_on=date(2025, 8, 1))
    with yard.opened() as db:
        claims = db.query("select claim_id, superseded_by, paid_amount from claim order by claim_id").rows()
        diagnoses = db.query("select claim_id from claim_diagnosis").rows()
        fates = db.query("select fate, sum(rows) from row_fates group by fate order by fate").rows()
        known = db.query("select sum(claims), sum(paid_amount) from source_claims").rows()
    assert claims == [
        ("1", None, Decimal("7000.00")),
        ("1-1", "1", Decimal("9000.00")),
        ("2", None, Decimal("9000.00")),
    ]
    assert diagnoses == [("1",)]
    assert fates == [("kept", 2), ("superseded", 2)]
    assert known == [(2, Decimal("16000.00"))]


def test_the_same_claim_number_in_two_kinds_of_claims_is_two_claims(yard: Any) -> None:
    yard.put("medicare", "institutional", [inpatient("77"), inpatient("77", claim_type="snf", facility_ccn="225001")])
    assert yard.rows("select claim_type, superseded_by from claim order by claim_type") == [
        ("inpatient", None),
        ("snf", None),
    ]


def test_diagnoses_keep_their_icd_version_and_lose_dots_and_blanks(yard: Any) -> None:
    slots = [
        {"sequence": 1, "kind": "principal", "code": "428.0", "icd_version": 9, "present_on_admission": None},
        {"sequence": 2, "kind": "other", "code": " i50.9 ", "icd_version": 10, "present_on_admission": "N"},
        {"sequence": 3, "kind": "other", "code": " ", "icd_version": 10, "present_on_admission": None},
    ]
    yard.put("medicare", "institutional", [inpatient("C1", diagnoses=slots)])
    assert yard.rows("select sequence, code, icd_version from claim_diagnosis order by sequence") == [
        (1, "4280", 9),
        (2, "I509", 10),
    ]


def test_a_hospice_claim_makes_its_months_hospice_months(yard: Any) -> None:
    yard.put("medicare", "beneficiary", [beneficiary("B1")])
    hospice = inpatient(
        "H1",
        claim_type="hospice",
        admit_date=None,
        discharge_date=None,
        from_date=date(2025, 2, 27),
        thru_date=date(2025, 3, 2),
        facility_ccn="221500",
    )
    yard.put("medicare", "institutional", [hospice])
    assert yard.rows("select month(month) from person_month where hospice order by 1") == [(2,), (3,)]


def test_deleted_part_d_events_are_void_and_ingredients_come_from_the_map_of_the_day(yard: Any) -> None:
    fill = {
        "native_person_id": "B1",
        "ndc": "00000000001",
        "days_supply": 30,
        "total_cost_amount": Decimal(40),
        "plan_paid_amount": Decimal(25),
        "low_income_amount": Decimal(5),
        "patient_paid_amount": Decimal(10),
    }
    yard.put(
        "medicare",
        "part_d_event",
        [
            {**fill, "native_claim_id": "P1", "fill_date": date(2025, 1, 1)},
            {**fill, "native_claim_id": "P2", "fill_date": date(2025, 2, 1), "adjustment_code": "D"},
            {**fill, "native_claim_id": "P3", "fill_date": date(2025, 7, 1), "adjustment_code": "A"},
        ],
    )
    yard.put(
        "drugs",
        "drugs",
        [
            {"ndc": "00000000001", "ingredients": ["simvastatin", "ezetimibe"], "effective_to": date(2025, 6, 30)},
            {"ndc": "00000000001", "ingredients": ["Simvastatin "], "effective_from": date(2025, 7, 1)},
        ],
    )
    assert yard.rows("select fill_date, ingredients, allowed_amount, paid_amount from fill order by fill_date") == [
        (date(2025, 1, 1), ["EZETIMIBE", "SIMVASTATIN"], Decimal("40.00"), Decimal("30.00")),
        (date(2025, 7, 1), ["SIMVASTATIN"], Decimal("40.00"), Decimal("30.00")),
    ]
