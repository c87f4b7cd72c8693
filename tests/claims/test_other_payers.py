"""APCD-CDL files into the claims model: final action, denials, products, capitation."""

from datetime import date
from decimal import Decimal
from typing import Any

MARCH = date(2025, 3, 5)


def line(claim: str, number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "payor": "PAYOR1",
        "native_person_id": "M1",
        "native_claim_id": claim,
        "line_number": number,
        "version": 1,
        "from_date": MARCH,
        "paid_date": date(2025, 4, 1),
        "hcpcs": "99213",
        "place_of_service": "11",
        "rendering_npi": "9999900002",
        "billing_tin": "001234567",
        "charge_amount": Decimal(200),
        "allowed_amount": Decimal(100),
        "paid_amount": Decimal(80),
        "copay_amount": Decimal(20),
        "claim_status": "01",
        "payment_arrangement": "02",
        **changes,
    }


def month(person: str, number: int, product: str, **changes: Any) -> dict[str, Any]:
    return {
        "native_person_id": person,
        "product": product,
        "year": 2025,
        "month": number,
        "medical": "Y",
        "pharmacy": "Y",
        "birth_date": date(1980, 1, 1),
        "sex": "1",
        **changes,
    }


CLAIMS = "select paid_status, allowed_amount, paid_amount from claim where superseded_by is null order by claim_id"
NOTHING = Decimal("0.00")


def test_the_highest_version_of_each_line_stands_and_the_header_is_the_sum_of_its_lines(yard: Any) -> None:
    yard.put(
        "payer_a",
        "medical",
        [
            line("A"),
            line("A", version=2, allowed_amount=Decimal(90), paid_amount=Decimal(70)),
            line("A", 2, hcpcs="G0444", allowed_amount=Decimal(10), paid_amount=Decimal(10)),
            line("B"),
            line("B", version=2, line_type="V"),
            line("C"),
            line("C", version=2, line_type="B"),
            line("C", version=3, line_type="R", allowed_amount=Decimal(60), paid_amount=Decimal(50)),
        ],
    )
    with yard.opened() as db:
        assert db.query(CLAIMS).rows() == [
            ("paid", Decimal("100.00"), Decimal("80.00")),  # 90 + 10, 70 + 10
            ("void", NOTHING, NOTHING),
            ("paid", Decimal("60.00"), Decimal("50.00")),
        ]
        assert db.query("select fate, rows from row_fates order by fate").rows() == [("kept", 4), ("older_version", 4)]
        assert db.query("select version, amount_basis from claim where claim_id = '3'").rows() == [(3, "lines")]


def test_a_reversal_cancels_its_own_claim_or_the_one_it_refers_to(yard: Any) -> None:
    taken_back: dict[str, Any] = {"claim_status": "22", "paid_amount": Decimal(-80), "allowed_amount": Decimal(-100)}
    yard.put(
        "payer_a",
        "medical",
        [
            line("A"),
            line("A", version=2, **taken_back),
            line("B"),
            line("B", version=2, **taken_back),
            line("B", version=3, paid_amount=Decimal(75)),
            line("C"),
            line("R", version=1, cross_reference_claim_id="C", **taken_back),
            line("D"),
        ],
    )
    with yard.opened() as db:
        found = db.query(CLAIMS).rows()
        fates = db.query("select fate, rows from row_fates order by fate").rows()
    assert found == [
        ("reversed", NOTHING, NOTHING),
        ("paid", Decimal("100.00"), Decimal("75.00")),
        ("reversed", NOTHING, NOTHING),
        ("paid", Decimal("100.00"), Decimal("80.00")),
    ]
    assert fates == [("kept", 4), ("older_version", 3), ("reversal", 1)]


def test_a_reversal_in_a_later_delivery_cancels_the_earlier_claim(yard: Any) -> None:
    yard.put("payer_a", "medical", [line("A"), line("B")], received_on=date(2025, 5, 1))
    reversal = line("R", claim_status="22", cross_reference_claim_id="A")
    yard.put("payer_a", "medical", [reversal], received_on=date(2025, 8, 1))
    assert [row[0] for row in yard.rows(CLAIMS)] == ["reversed", "paid"]


def test_increments_are_summed_over_versions_and_deliveries_when_the_payer_sends_net_amounts(yard: Any) -> None:
    correction: dict[str, Any] = {"version": 2, "charge_amount": Decimal(0), "copay_amount": Decimal(0)}
    yard.put("payer_n", "medical", [line("A"), line("B")])
    yard.put(
        "payer_n",
        "medical",
        [
            line("A", allowed_amount=Decimal(-15), paid_amount=Decimal(-10), **correction),
            line(
                "B",
                version=2,
                claim_status="22",
                charge_amount=Decimal(-200),
                allowed_amount=Decimal(-100),
                paid_amount=Decimal(-80),
                copay_amount=Decimal(-20),
            ),
        ],
    )
    with yard.opened() as db:
        assert db.query(CLAIMS).rows() == [
            ("paid", Decimal("85.00"), Decimal("70.00")),  # 100 - 15, 80 - 10
            ("reversed", NOTHING, NOTHING),
        ]
        assert db.query("select fate, sum(rows) from row_fates group by fate order by fate").rows() == [
            ("kept", 2),
            ("older_version", 2),
        ]


def test_denied_claims_and_lines_and_what_another_payer_paid(yard: Any) -> None:
    free: dict[str, Any] = {"paid_amount": Decimal(0), "copay_amount": Decimal(0)}
    yard.put(
        "payer_a",
        "medical",
        [
            line("A", claim_status="04", **free),
            line("B"),
            line("B", 2, denied_line="1", allowed_amount=Decimal(30), **free),
            line("C", claim_status="02", other_payer_amount=Decimal(100), **free),
            line("D", paid_amount=Decimal(0), copay_amount=Decimal(100)),
            line("E", claim_status="25"),
            line("F", claim_status="77"),
        ],
    )
    with yard.opened() as db:
        assert db.query(
            "select paid_status, service_occurred, allowed_amount, cob_order from claim order by claim_id"
        ).rows() == [
            ("denied", False, NOTHING, 1),
            ("paid", True, Decimal("100.00"), 1),
            ("other_payer_paid", True, Decimal("100.00"), 2),
            ("zero_paid", True, Decimal("100.00"), 1),
            ("void", False, NOTHING, 1),
            ("denied", False, NOTHING, 1),
        ]
        assert db.query("select line_number, line_status from claim_line where claim_id = '2' order by 1").rows() == [
            (1, "paid"),
            (2, "denied"),
        ]


def test_capitated_lines_take_the_payers_median_for_code_and_place_and_say_so(yard: Any) -> None:
    capitated: dict[str, Any] = {
        "payment_arrangement": "01",
        "allowed_amount": Decimal(0),
        "paid_amount": Decimal(0),
        "copay_amount": Decimal(0),
    }
    yard.put(
        "payer_a",
        "medical",
        [
            line("1", allowed_amount=Decimal(90)),
            line("2", allowed_amount=Decimal(110)),
            line("3", allowed_amount=Decimal(400)),
            line("4", place_of_service="22", allowed_amount=Decimal(55)),
            line("5", **capitated),
            line("6", place_of_service="22", **capitated),
            line("7", place_of_service="02", **capitated),
            line("8", hcpcs="X9999", **capitated),
            line("9", hcpcs="E0601", place_of_service="12", allowed_amount=Decimal(70)),
            line("95", hcpcs="E0601", place_of_service="12", **capitated),
        ],
    )
    with yard.opened() as db:
        found = db.query(
            "select allowed_amount, repriced, is_capitated from visit where is_capitated order by cast(claim_id as integer)"
        ).rows()
        claims = db.query("select allowed_amount from claim order by cast(claim_id as integer)").rows()[4:]
    # place 11: 90, 110, 400 -> 110; place 22: 55; any place: 55, 90, 110, 400 -> the lower middle, 90; X9999: none
    assert found == [
        (Decimal("110.00"), True, True),
        (Decimal("55.00"), True, True),
        (Decimal("90.00"), True, True),
        (NOTHING, False, True),
    ]
    priced = ("110.00", "55.00", "90.00", "0.00", "70.00", "70.00")  # equipment, no visit, has its price too
    assert claims == [(Decimal(amount),) for amount in priced]


def test_bill_type_and_codes_decide_what_kind_of_claim_it_is(yard: Any) -> None:
    kinds = {"111": "inpatient", "131": "outpatient", "211": "snf", "329": "hha", "811": "hospice", "771": "outpatient"}
    rows = [line(bill_type, bill_type=bill_type, revenue_code="0120") for bill_type in kinds]
    yard.put("payer_a", "medical", [*rows, line("E", hcpcs="E0601"), line("P")])
    expected = sorted([*kinds.values(), "dme", "professional"])
    assert [row[0] for row in yard.rows("select claim_type from claim order by 1")] == expected


def test_products_that_are_no_medical_month(yard: Any) -> None:
    yard.put(
        "payer_a",
        "eligibility",
        [
            month("M1", 1, "PR"),
            month("M1", 2, "SP", is_primary="2"),
            month("M1", 3, "DN"),
            month("M1", 4, "MC"),
            month("M1", 5, "HN"),
            month("M1", 6, "PR", medical="N"),
        ],
    )
    assert yard.rows("select month(month), medical, pharmacy, payer_type, is_ffs from person_month order by 1") == [
        (1, True, True, "commercial", False),
        (2, False, True, "commercial", False),
        (3, False, True, "commercial", False),
        (4, True, True, "medicaid", False),
        (5, True, True, "medicare_advantage", False),
        (6, False, True, "commercial", False),
    ]


def test_reversed_and_rejected_fills_do_not_stand(yard: Any) -> None:
    fill = {
        "payor": "PAYOR1",
        "native_person_id": "M1",
        "line_number": 1,
        "version": 1,
        "ndc": "00000000001",
        "days_supply": 30,
        "fill_date": MARCH,
        "allowed_amount": Decimal(30),
        "paid_amount": Decimal(20),
    }
    yard.put(
        "payer_a",
        "pharmacy",
        [
            {**fill, "native_claim_id": "A"},
            {**fill, "native_claim_id": "B"},
            {**fill, "native_claim_id": "B", "version": 2, "line_type": "V"},
            {**fill, "native_claim_id": "C", "reject_code": "75"},
            {**fill, "native_claim_id": "D", "paid_amount": Decimal(0)},
        ],
    )
    with yard.opened() as db:
        assert db.query("select fill_status from pharmacy_fill order by fill_id").rows() == [
            ("paid",),
            ("void",),
            ("denied",),
            ("zero_paid",),
        ]
        assert db.query("select fill_id, is_mapped from fill order by fill_id").rows() == [("1", False), ("4", False)]
