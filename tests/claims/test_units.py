"""Identifiers of facilities, groups and clinicians become units."""

from datetime import date
from typing import Any

import pytest

DAY = date(2025, 3, 5)


def facility_claim(claim: str, ccn: str, npi: str) -> dict[str, Any]:
    return {
        "native_person_id": "B1",
        "native_claim_id": claim,
        "claim_type": "inpatient",
        "from_date": DAY,
        "thru_date": DAY,
        "facility_ccn": ccn,
        "billing_npi": npi,
        "line_number": 1,
        "facility_code": "1",
        "service_code": "1",
        "frequency_code": "1",
    }


def office_line(claim: str, npi: str, tin: str, **changes: Any) -> dict[str, Any]:
    return {
        "native_person_id": "B1",
        "native_claim_id": claim,
        "claim_type": "professional",
        "from_date": DAY,
        "thru_date": DAY,
        "payment_denial_code": "1",
        "line_number": 1,
        "hcpcs": "99213",
        "rendering_npi": npi,
        "rendering_tin": tin,
        "rendering_specialty": "11",
        "line_processing_code": "A",
        "line_paid_amount": 80,
        "line_allowed_amount": 100,
        **changes,
    }


def test_one_hospital_is_one_unit_and_its_psychiatric_unit_another(yard: Any) -> None:
    yard.put(
        "medicare",
        "institutional",
        [
            facility_claim("1", "220001", "9999900001"),
            facility_claim("2", "220001", "9999900001"),
            facility_claim("3", "22S001", "9999900001"),
        ],
    )
    yard.put(
        "roster",
        "roster",
        [{"npi": "9999900007", "ccn": "220001", "tin": "009999999", "name": "Harbor", "role": "provider"}],
    )
    found = yard.rows("select id_type, identifier, facility_type, unit_id from provider_identifier order by 1, 2")
    assert found == [
        ("CCN", "220001", "short_term", "U000001"),
        ("CCN", "22S001", "psychiatric", "U000002"),
        ("NPI", "9999900001", "short_term", "U000001"),  # two claims of the hospital against one of its unit
        ("NPI", "9999900007", "short_term", "U000001"),
        ("TIN", "009999999", "short_term", "U000001"),
    ]


def test_names_roles_and_specialties_of_units_and_no_tin_in_any_name(yard: Any) -> None:
    yard.put(
        "medicare",
        "institutional",
        [facility_claim("1", "221800", "9999900001"), facility_claim("2", "220001", "9999900004")],
    )
    yard.put(
        "medicare",
        "professional",
        [office_line("3", "9999900002", "001234567"), office_line("4", "9999900005", "007654321")],
    )
    yard.put(
        "roster",
        "roster",
        [
            {
                "npi": "9999900002",
                "group_tin": "001234567",
                "name": "Ada Okafor",
                "specialty": "08",
                "zip5": "02118",
                "role": "supplier",
            },
            {"tin": "001234567", "name": "Harbor Medical Group", "role": "supplier", "county_fips": "25025"},
        ],
    )
    found = yard.rows(
        "select level, id_type, identifier, name, role, specialty, zip5 from unit order by id_type, identifier"
    )
    assert found == [
        ("facility", "CCN", "220001", "Facility 220001", "provider", None, None),
        ("facility", "CCN", "221800", "Facility 221800", "supplier", None, None),  # a federally qualified health center
        ("clinician", "NPI", "9999900002", "Ada Okafor", "supplier", "08", "02118"),
        ("clinician", "NPI", "9999900005", "NPI 9999900005", "supplier", "11", None),
        ("group", "TIN", "001234567", "Harbor Medical Group", "supplier", None, None),
        ("group", "TIN", "007654321", "Group U000006", "supplier", None, None),
    ]


def test_the_group_of_a_visit_is_the_tin_that_billed_it_on_that_day(yard: Any) -> None:
    later = {"from_date": date(2025, 9, 1), "thru_date": date(2025, 9, 1)}
    yard.put(
        "medicare",
        "professional",
        [office_line("1", "9999900002", "001111111"), office_line("2", "9999900002", "002222222", **later)],
    )
    with yard.opened() as db:
        found = db.query(
            "select service_date, unit.identifier, visit.specialty "
            "from visit join unit on unit.unit_id = group_id order by 1"
        ).rows()
        spans = db.query(
            "select unit.identifier, from_date, to_date "
            "from affiliation join unit on unit.unit_id = group_unit_id order by 1"
        ).rows()
    assert found == [(DAY, "001111111", "11"), (date(2025, 9, 1), "002222222", "11")]
    assert spans == [("001111111", DAY, DAY), ("002222222", date(2025, 9, 1), date(2025, 9, 1))]


def test_unit_ids_are_kept_when_new_identifiers_sort_before_them(yard: Any) -> None:
    yard.put("medicare", "institutional", [facility_claim("1", "330001", "9999900001")])
    assert yard.rows("select unit_id, identifier from unit order by 1") == [("U000001", "330001")]
    yard.put("medicare", "institutional", [facility_claim("2", "110001", "9999900002")])
    assert yard.rows("select unit_id, identifier from unit order by 1") == [
        ("U000001", "330001"),
        ("U000002", "110001"),
    ]


@pytest.mark.parametrize(
    ("ccn", "facility_type"),
    [
        ("220001", "short_term"),
        ("220879", "short_term"),
        ("220880", "other"),
        ("221300", "cah"),
        ("221399", "cah"),
        ("222000", "ltch"),
        ("222299", "ltch"),
        ("223025", "rehabilitation"),
        ("223099", "rehabilitation"),
        ("224000", "psychiatric"),
        ("224499", "psychiatric"),
        ("225000", "snf"),
        ("226499", "snf"),
        ("22S001", "psychiatric"),
        ("22M300", "psychiatric"),
        ("22T001", "rehabilitation"),
        ("22R300", "rehabilitation"),
        ("22U001", "snf"),
        ("22Z300", "snf"),
        ("220162", "cancer_exempt"),
        ("2200X1", "other"),
        ("22001", None),
    ],
)
def test_the_kind_of_facility_is_read_from_its_ccn_as_text(events: Any, ccn: str, facility_type: str | None) -> None:
    assert events().scalar("select ccn_facility_type($ccn)", ccn=ccn) == facility_type
