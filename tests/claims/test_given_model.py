"""Files that already are in our claims model join the others under surrogate ids."""

from datetime import date
from decimal import Decimal
from typing import Any

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
