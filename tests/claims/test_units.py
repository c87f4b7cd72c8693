"""Identifiers of facilities, groups and clinicians become units."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from qe.claims import quality
from qe.claims.contacts import contacts_of_units
from qe.providers import party_key

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


HOSPITAL = {"ccn": "220001", "tin": "009999999", "name": "Harbor Hospital", "role": "provider"}


def payer_stay(claim: str, npi: str) -> dict[str, Any]:
    """A hospital stay as another payer's file has it: NPI and TIN, no CCN."""
    return {
        "payor": "P",
        "native_person_id": "M1",
        "native_claim_id": claim,
        "line_number": 1,
        "version": 1,
        "from_date": DAY,
        "admit_date": DAY,
        "discharge_date": DAY,
        "bill_type": "111",
        "revenue_code": "0120",
        "billing_npi": npi,
        "billing_tin": "009999999",
        "allowed_amount": 9000,
        "paid_amount": 9000,
        "claim_status": "01",
    }


def test_a_hospital_of_one_ccn_and_two_npis_is_one_row_and_its_group_and_supplier_under_one_tin_are_others(
    yard: Any,
) -> None:
    yard.put("medicare", "institutional", [facility_claim("1", "220001", "9999900001")])
    yard.put("payer_a", "medical", [payer_stay("2", "9999900001")])  # the pair stands on Medicare's claims
    yard.put("payer_b", "medical", [payer_stay("3", "9999900007")])  # the roster knows this one
    yard.put("medicare", "professional", [office_line("4", "9999900002", "009999999")])
    equipment = {"claim_type": "dme", "hcpcs": "E0601", "rendering_specialty": "54"}
    yard.put("medicare", "professional", [office_line("5", "9999900005", "009999999", **equipment)])
    yard.put("payer_a", "medical", [{**payer_stay("6", "9999900005"), "bill_type": None, "hcpcs": "K0001"}])
    yard.put(
        "roster",
        "roster",
        [
            {**HOSPITAL, "npi": "9999900007"},
            {"tin": "009999999", "name": "Harbor Physicians", "role": "supplier"},
        ],
    )
    with yard.opened() as db:
        units = db.query(
            "select id_type, identifier, name, level, role, provider_type from unit order by id_type, identifier"
        ).rows()
        facilities = db.query(
            "select distinct unit.identifier from claim join unit on unit.unit_id = facility_id where claim_type = 'inpatient'"
        ).rows()
        stays = db.query("select facility_id, count(*) from stay group by facility_id").rows()
        group = db.query("select unit.name from visit join unit on unit.unit_id = group_id").rows()
        unresolved = db.query("select * from unresolved_unit").rows()
    assert units == [
        ("CCN", "220001", "Harbor Hospital", "facility", "provider", "short_term"),
        ("NPI", "9999900002", "NPI 9999900002", "clinician", "supplier", "clinician"),
        ("NPI", "9999900005", "NPI 9999900005", "facility", "supplier", "equipment"),
        ("TIN", "009999999", "Harbor Physicians", "group", "supplier", "group"),
    ]
    assert facilities == [("220001",)]
    assert [number for _, number in stays] == [3]  # of three members, at one facility
    assert group == [("Harbor Physicians",)]
    assert unresolved == []


def test_facilities_without_a_ccn_are_listed_with_claims_stays_and_dollars(yard: Any) -> None:
    nameless = {**payer_stay("3", "9999900009"), "billing_npi": None, "billing_tin": "007777777"} | {
        "allowed_amount": 500
    }
    yard.put("payer_a", "medical", [payer_stay("1", "9999900007"), payer_stay("2", "9999900008"), nameless])
    yard.put("payer_b", "medical", [payer_stay("4", "9999900007") | {"bill_type": "131"}])
    yard.put("roster", "roster", [{**HOSPITAL, "npi": "9999900008"}])
    found = yard.rows("select source_id, reason, name, claims, stays, allowed_amount from unresolved_unit")
    assert found == [
        ("payer_a", "npi_alone", "NPI 9999900007", 1, 1, 9000),
        ("payer_b", "npi_alone", "NPI 9999900007", 1, 0, 9000),
        ("payer_a", "no_identifier", None, 1, 1, 500),
    ]
    with yard.examined() as db:  # the quality page's figure is the same one
        assert quality.report(db, {}, earlier=None).unresolved == (1, 1 + 0, Decimal(9000 + 9000))


def test_a_clinician_of_two_groups_belongs_to_the_one_that_bills_and_a_move_counts_from_its_day(yard: Any) -> None:
    """Without a billing TIN (a clinic's institutional claim) the roster's groups of that day decide, when there is one."""
    clinic = {"facility_code": "7", "service_code": "7", "attending_npi": "9999900002", "hcpcs": "G0467"}

    def visit(claim: str, day: date) -> dict[str, Any]:
        dated = {"claim_type": "outpatient", "from_date": day, "thru_date": day}
        return {**facility_claim(claim, "221800", "9999900001"), **clinic, **dated}

    days = {"1": date(2025, 6, 30), "2": date(2025, 7, 1), "3": date(2025, 10, 1)}
    yard.put("medicare", "institutional", [visit(claim, day) for claim, day in days.items()])
    member = {"npi": "9999900002", "specialty": "11", "name": "Ada Okafor", "role": "supplier"}
    yard.put(
        "roster",
        "roster",
        [
            {**member, "group_tin": "001111111", "to_date": date(2025, 6, 30)},
            {**member, "group_tin": "002222222", "from_date": date(2025, 7, 1)},
            {**member, "group_tin": "003333333", "from_date": date(2025, 9, 1)},
        ],
    )
    both = office_line("4", "9999900002", "003333333", from_date=days["3"], thru_date=days["3"])
    yard.put("medicare", "professional", [both])
    found = yard.rows(
        "select claim_id, unit.identifier from visit left join unit on unit.unit_id = group_id order by claim_id"
    )
    assert found == [
        ("1", "001111111"),
        ("2", "002222222"),  # moved on 1 July
        ("3", None),  # of two groups that day: nothing says for which
        ("4", "003333333"),
    ]


def test_a_contact_by_a_tin_is_the_groups_and_never_the_hospitals_beside_it(yard: Any) -> None:
    yard.put("medicare", "institutional", [facility_claim("1", "220001", "9999900001")])
    yard.put("medicare", "professional", [office_line("2", "9999900002", "009999999")])
    yard.put("roster", "roster", [{**HOSPITAL, "npi": "9999900001"}])
    contact = {"channel": "mail", "address": "1 Main Street"}
    yard.put(
        "contacts",
        "contacts",
        [
            {**contact, "id_type": "TIN", "identifier": "009999999", "address": "group"},
            {**contact, "id_type": "NPI", "identifier": "9999900001", "address": "hospital"},
        ],
    )
    with yard.opened() as db:
        found = contacts_of_units(db, yard.staged, vault_key=yard.vault_key, engine=yard.site.engine())
        levels = dict(db.query("select unit_id, level from unit").rows())
    sent = {(levels[row["unit_id"]], row["address"]) for row in found.to_dicts()}
    assert sent == {("group", "group"), ("facility", "hospital")}


def test_a_contact_by_a_tin_reaches_its_facility_though_another_tin_is_unknown(yard: Any, events: Any) -> None:
    contact = {"channel": "mail", "id_type": "TIN"}
    yard.put(
        "contacts",
        "contacts",
        [
            {**contact, "identifier": "001111111", "address": "clinic"},
            {**contact, "identifier": "002222222", "address": "group"},
        ],
    )
    db = events(
        provider_identifier=[
            {"unit_id": "U1", "id_type": "TIN", "identifier": "001111111", "facility_type": "clinic"},
            {"unit_id": "U1", "id_type": "TIN", "identifier": "002222222", "facility_type": "clinic"},
            {"unit_id": "U2", "id_type": "TIN", "identifier": "002222222"},
            {"unit_id": "U3", "id_type": "TIN", "identifier": None},
        ]
    )
    found = contacts_of_units(db, yard.staged, vault_key=yard.vault_key, engine=yard.site.engine())
    assert found.select("unit_id", "address").rows() == [("U1", "clinic"), ("U2", "group")]


def test_a_contact_of_a_party_is_that_of_an_authorized_user_and_of_no_unit(yard: Any, events: Any) -> None:
    contact = {"channel": "courier", "address": "2 Side Street"}
    yard.put(
        "contacts",
        "contacts",
        [
            {**contact, "id_type": "PARTY", "identifier": "ACME-1", "party_id": "acme-1"},
            {**contact, "id_type": "NPI", "identifier": "ACME-1", "party_id": "acme-1"},
        ],
    )
    db = events(provider_identifier=[{"unit_id": "U1", "id_type": "NPI", "identifier": "9999900001"}])
    found = contacts_of_units(db, yard.staged, vault_key=yard.vault_key, engine=yard.site.engine())
    assert found.select("unit_id", "address").rows() == [(party_key("acme-1"), "2 Side Street")]


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
