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


def test_the_header_amount_counts_once_however_many_lines_repeat_it(yard: Any) -> None:
    yard.put("medicare", "institutional", [inpatient("C1"), inpatient("C1", line_number=2, revenue_code="0250")])
    assert yard.rows("select paid_amount, amount_basis from claim") == [(Decimal("9000.00"), "header")]
    assert yard.rows("select count(*) from claim_line") == [(2,)]


def test_inpatient_allowed_adds_pass_through_days_deductible_coinsurance_and_the_primary_payer(yard: Any) -> None:
    yard.put(
        "medicare",
        "institutional",
        [
            inpatient(
                "C1",
                pass_through_per_diem=Decimal(10),
                covered_days=4,
                deductible_amount=Decimal(1600),
                coinsurance_amount=Decimal(200),
                primary_payer_amount=Decimal(50),
            )
        ],
    )
    # 9,000 paid + 10 x 4 pass-through + 1,600 deductible + 200 coinsurance + 50 primary payer
    assert yard.rows("select allowed_amount, pass_through_amount from claim") == [
        (Decimal("10890.00"), Decimal("40.00"))
    ]
