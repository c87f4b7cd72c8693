"""Files that already are in our claims model join the others under surrogate ids."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from qe.errors import Findings

DAY = date(2025, 3, 5)


def test_a_model_given_as_files_is_taken_as_given_under_surrogate_ids_and_units(yard: Any) -> None:
    yard.put("model", "person", [{"person_id": "X9", "birth_date": date(1980, 1, 1), "sex": "2", "zip5": "02118"}])
    month = {"person_id": "X9", "month": date(2025, 3, 1), "medical": True, "pharmacy": True, "payer_type": "medicaid"}
    yard.put("model", "member_month", [{**month, "hospice": True}])
    claim = {
        "person_id": "X9",
        "from_date": DAY,
        "thru_date": date(2025, 3, 9),
        "allowed_amount": Decimal(500),
        "paid_amount": Decimal(400),
    }
    yard.put(
        "model",
        "claim",
        [
            {**claim, "claim_id": "S1", "claim_type": "inpatient", "admit_date": DAY, "facility_id": "220001"},
            {**claim, "claim_id": "V1", "claim_type": "professional", "billing_tin": "001234567"},
            {**claim, "claim_id": "V2", "claim_type": "professional", "paid_status": "denied"},
        ],
    )
    yard.put(
        "model",
        "claim_line",
        [{"claim_id": "V1", "line_number": 1, "hcpcs": "99213", "rendering_npi": "9999900002", "from_date": DAY}],
    )
    yard.put("model", "claim_diagnosis", [{"claim_id": "S1", "sequence": 1, "kind": "principal", "code": "I50.9"}])
    yard.put("model", "claim_procedure", [{"claim_id": "S1", "sequence": 1, "code": "02HV33Z"}])
    yard.put(
        "model",
        "pharmacy_fill",
        [{"fill_id": "F1", "person_id": "X9", "fill_date": DAY, "ingredients": ["atorvastatin"], "days_supply": 30}],
    )
    yard.put(
        "model",
        "provider",
        [{"provider_id": "220001", "id_type": "CCN", "unit_id": "Z", "name": "Harbor", "role": "provider"}],
    )
    with yard.opened() as db:
        stays = db.query(
            "select stay_id, person_id, is_acute, principal_diagnosis, payer_type, name "
            "from stay join unit on unit_id = facility_id"
        )
        assert stays.rows() == [("1", "1", True, "I509", "medicaid", "Harbor")]
        assert db.query("select code, procedure_date from stay_procedure").rows() == [("02HV33Z", DAY)]
        visits = db.query("select hcpcs, unit.identifier, payer_type from visit join unit on unit_id = group_id")
        assert visits.rows() == [("99213", "001234567", "medicaid")]
        assert db.query("select ingredients, is_mapped from fill").rows() == [(["ATORVASTATIN"], True)]
        assert db.query("select hospice, medical, payer_type from person_month").rows() == [(True, True, "medicaid")]
        assert db.query("select claim_id from cost_event where event_kind = 'claim' order by 1").rows() == [
            ("1",),
            ("2",),
        ]


def in_delivery(yard: Any, day: date, kind: str, rows: list[dict[str, Any]]) -> None:
    """A file of the claims model as it comes in a delivery of its own."""
    one = yard.put("model", kind, rows, received_on=day)
    yard.staged[-1] = replace(one, file=replace(one.file, delivery=str(day)))


def test_a_model_given_twice_keeps_the_lines_and_codes_of_its_later_delivery(yard: Any) -> None:
    claim = {"claim_id": "V1", "person_id": "X9", "claim_type": "professional", "from_date": DAY, "thru_date": DAY}
    line = {"claim_id": "V1", "line_number": 1, "hcpcs": "99213", "from_date": DAY}
    code = {"claim_id": "V1", "sequence": 1, "kind": "principal", "code": "I50.9"}
    second = {**code, "sequence": 2, "code": "I10"}
    for day, paid, codes in ((date(2025, 7, 1), 80, [code, second]), (date(2025, 10, 1), 70, [code])):
        in_delivery(yard, day, "claim", [{**claim, "allowed_amount": Decimal(paid)}])
        in_delivery(yard, day, "claim_line", [{**line, "allowed_amount": Decimal(paid)}])
        in_delivery(yard, day, "claim_diagnosis", codes)
    model = yard.build()
    fates = dict(model.row_fates.group_by("fate").agg(pl.col("rows").sum()).iter_rows())
    assert fates == {"kept": 3, "superseded": 4}
    with yard.reading(model) as db:
        live = "select claim_id, allowed_amount from claim_line where superseded_by is null"
        assert db.query(live).rows() == [("1", Decimal("70.00"))]
        assert db.query("select claim_id, code from claim_diagnosis").rows() == [("1", "I509")]
        assert db.query("select count(*) from cost_event").item() == 1


def test_two_files_of_one_delivery_that_hold_the_same_claim_stop(yard: Any) -> None:
    claim = {"claim_id": "V1", "person_id": "X9", "claim_type": "professional", "from_date": DAY, "thru_date": DAY}
    for _ in range(2):
        in_delivery(yard, date(2025, 7, 1), "claim", [claim])
    with pytest.raises(Findings, match=r"model-002\.csv: 1 of its claims stand in model-001\.csv too"):
        yard.build()
