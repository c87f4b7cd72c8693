"""Data quality: a sound model passes every check; one planted defect of each type trips it with the count that was planted.

The sound model: 120 persons of two payers (1-60 medicare, 61-120 payer_a) through 2025, each with twelve member months,
twelve visits of one line, twelve fills, twelve outpatient bills and one stay. A defect is a statement that plants a
known number of wrong rows; the expected counts are worked from these sizes, not from the checks' SQL.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl
import pytest

from qe.claims import quality, quality_rows
from qe.claims.events import derive_events
from qe.claims.model import FOLDER, create_base_tables, create_event_tables, create_macros
from qe.claims.quality_checks import checks, types
from qe.claims.quality_counts import count, describe_sources
from qe.errors import Findings, InputError
from qe.site import QualityTable, SourceTable
from qe.warehouse import Warehouse


def npi(number: int) -> str:
    """A ten-digit NPI: the check digit makes the Luhn sum of 80840 and its digits a multiple of ten."""
    nine = f"99999{number:04d}"
    total = 0
    for place, digit in enumerate(reversed("80840" + nine)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return f"{nine}{-total % 10}"


def test_the_npi_of_these_tests_is_the_published_example():
    # 45 CFR 162.406 preamble, CMS "NPI check digit calculation": 123456789 gets the check digit 3
    nine, total = "123456789", 24
    total += sum(int(digit) for pair in nine[::2] for digit in str(2 * int(pair))) + sum(map(int, nine[1::2]))
    assert -total % 10 == 3
    assert npi(0)[:9] == "999990000"


SOUND = (
    """create temp table person_number as
    select i, 'P' || i as person_id, case when i <= 60 then 'medicare' else 'payer_a' end as payer_id,
        case when i <= 60 then 'medicare' else 'commercial' end as payer_type
    from (select cast(i as integer) as i from range(1, 121) as numbers(i))""",
    """create temp table month_number as
    select m, cast(date '2025-01-01' + to_months(cast(m as integer)) as date) as month from range(12) as months(m)""",
    """insert into person
    select person_id, cast(date '1940-01-01' + 100 * i as date), null, 1 + i % 2, '1', lpad(cast(99001 + i % 7 as varchar), 5, '0'),
        '99001', '0'
    from person_number""",
    """insert into member_month
    select person_id, month, payer_id, payer_type, true, true, true, false, true, true, false, false, false, true,
        case when payer_type = 'commercial' then 'HM' end, month, last_day(month)
    from person_number, month_number""",
    """insert into provider
    select npi, 'NPI', 'U00000' || n, 'Clinician ' || n, 'provider', 'clinician', '08', null, '99001', '99001', true, null, null
    from clinician""",
    """insert into provider values
    ('001234567', 'TIN', 'U000021', 'Group', 'provider', 'group', null, '001234567', '99001', '99001', false, null, null),
    ('990001', 'CCN', 'U000022', 'Hospital', 'provider', 'hospital', null, null, '99001', '99001', false, null, null),
    ('990002', 'CCN', 'U000023', 'Hospital', 'provider', 'hospital', null, null, '99001', '99001', false, null, null)""",
    """insert into provider_identifier values
    ('U000021', 'TIN', '001234567', null, null, null, 'claims'), ('U000022', 'CCN', '990001', 'short_term', null, null, 'claims'),
    ('U000023', 'CCN', '990002', 'short_term', null, null, 'claims')""",
    "insert into provider_identifier select 'U00000' || n, 'NPI', npi, null, null, null, 'claims' from clinician",
    """insert into hospital_stays values ('990001', date '2025-01-01', date '2025-12-31', 400, 'cost report'),
    ('990002', date '2025-01-01', date '2025-12-31', 300, 'cost report')""",
    "insert into affiliation select npi, 'U000021', date '2020-01-01', null, 'claims' from clinician",
    "insert into drug select lpad(cast(i as varchar), 11, '0'), ['STATIN'], 'G', date '2000-01-01', null from range(8) as drugs(i)",
    # visits: V<person>-<month>, on the 5th
    """insert into claim by name
    select 'V' || i || '-' || m as claim_id, payer_id as source_id, payer_id, payer_type, person_id, 'professional' as claim_type,
        month + 4 as from_date, month + 4 as thru_date, (select npi from clinician where n = 1 + i % 8) as billing_npi,
        '001234567' as billing_tin, 150 as charge_amount, 100 + m as allowed_amount, 80 as paid_amount, 20 as member_amount,
        'paid' as paid_status, true as service_occurred, month + 30 as paid_date, 1 as version, 'd1' as delivery_id,
        'lines' as amount_basis
    from person_number, month_number""",
    """insert into claim_line by name
    select claim_id, 1 as line_number, from_date, thru_date, ['99213', '99214'][1 + month(from_date) % 2] as hcpcs, 1 as units,
        ['11', '22'][1 + month(from_date) % 2] as place_of_service, billing_npi as rendering_npi,
        case when month(from_date) % 2 = 0 then '08' else '11' end as rendering_specialty, billing_tin as rendering_tin,
        charge_amount, allowed_amount, paid_amount + month(from_date) - 1 as paid_amount, 20 as member_amount,
        'paid' as line_status, person_id, payer_id, claim_type
    from claim where claim_type = 'professional'""",
    # outpatient bills: O<person>-<month>, on the 8th
    """insert into claim by name
    select 'O' || i || '-' || m as claim_id, payer_id as source_id, payer_id, payer_type, person_id, 'outpatient' as claim_type,
        month + 7 as from_date, month + 7 as thru_date, '131' as bill_type, '1' as frequency_code, 'U000022' as facility_id,
        'short_term' as facility_type, (select npi from clinician where n = 9) as billing_npi, 300 as charge_amount,
        200 as allowed_amount, 150 as paid_amount, 50 as member_amount, 'paid' as paid_status, true as service_occurred,
        month + 30 as paid_date, 1 as version, 'd1' as delivery_id, 'header' as amount_basis
    from person_number, month_number""",
    """insert into claim_line by name
    select claim_id, 1 as line_number, from_date, thru_date, ['0450', '0510'][1 + month(from_date) % 2] as revenue_code,
        ['G0403', 'G0467'][1 + month(from_date) % 2] as hcpcs, 1 as units, 300 as charge_amount,
        150 + month(from_date) as paid_amount, 'paid' as line_status, person_id, payer_id, claim_type
    from claim where claim_type = 'outpatient'""",
    # one stay each: I<person>, 10 to 14 June 2025 or a month later
    """insert into claim by name
    select 'I' || i as claim_id, payer_id as source_id, payer_id, payer_type, person_id, 'inpatient' as claim_type,
        date '2025-06-10' + 30 * (i % 2) as from_date, from_date + 4 as thru_date, from_date as admit_date,
        from_date + 4 as discharge_date, '111' as bill_type, '1' as frequency_code, ['291', '470'][1 + i % 2] as drg,
        '1' as admission_type, '1' as point_of_origin, ['01', '06'][1 + i % 2] as discharge_status,
        'U00002' || (2 + i % 2) as facility_id, 'short_term' as facility_type,
        (select npi from clinician where n = 9) as billing_npi, (select npi from clinician where n = 1) as attending_npi,
        9000 as charge_amount, 7000 as allowed_amount, 5400 as paid_amount,
        1600 as member_amount, 'paid' as paid_status, true as service_occurred, from_date + 30 as paid_date, 1 as version,
        'd1' as delivery_id, 4 as covered_days, 'header' as amount_basis
    from person_number""",
    """insert into claim_line by name
    select claim_id, number as line_number, from_date, thru_date, ['0120', '0250'][number] as revenue_code, 1 as units,
        4500 as charge_amount, 2700 as paid_amount, 'paid' as line_status, person_id, payer_id, claim_type
    from claim, range(1, 3) as lines(number) where claim_type = 'inpatient'""",
    """insert into claim_diagnosis by name
    select claim_id, 1 as sequence, 'principal' as kind, ['I10', 'E119'][1 + month(from_date) % 2] as code, 10 as icd_version,
        case when claim_type = 'inpatient' then 'Y' end as present_on_admission, person_id, from_date, claim_type
    from claim""",
    """insert into claim_procedure by name
    select claim_id, 1 as sequence, '0SRC0J9' as code, 10 as icd_version, from_date as procedure_date, person_id
    from claim where claim_type = 'inpatient'""",
    """insert into pharmacy_fill by name
    select 'F' || i || '-' || m as fill_id, payer_id as source_id, payer_id, payer_type, person_id, month + 2 as fill_date,
        lpad(cast(i % 8 as varchar), 11, '0') as ndc, ['STATIN'] as ingredients, 'G' as brand_generic,
        30 as days_supply, 30 as quantity, (select npi from clinician where n = 1 + i % 8) as prescriber_npi,
        (select npi from clinician where n = 6 + i % 3) as pharmacy_npi, 12 as allowed_amount, 10 as paid_amount,
        2 as member_amount, 'paid' as fill_status, 'paid' as line_status,
        month + 5 as paid_date, 1 as version, 'd1' as delivery_id
    from person_number, month_number""",
    "create table line_reconciliation as select 'd1' as delivery_id, s as source_id, 720::bigint as claims, 0::bigint as unequal "
    "from (values ('medicare'), ('payer_a')) as sources(s)",
    "create table delivery_fact as select 'd' || s as delivery_id, s as source_id, 100::bigint as rows_accepted "
    "from (values ('medicare'), ('payer_a')) as sources(s)",
    "create table row_fates as select 'd' || s as delivery_id, s as source_id, 'kept' as fate, 100::bigint as rows "
    "from (values ('medicare'), ('payer_a')) as sources(s)",
    "create table linkage_report as select s as source_id, 'method' as kind, 'own' as name, 60::bigint as persons "
    "from (values ('medicare'), ('payer_a')) as sources(s)",
    # two folders of Medicare claims whose headers and lines are two files: 100 + 300 headers, 200 + 700 lines
    "create table split_file as select d as delivery_id, 'medicare' as source_id, headers, 0::bigint as headers_without_lines, "
    "lines, 0::bigint as orphan_lines from (values ('d1', 100, 200), ('d2', 300, 700)) as folders(d, headers, lines)",
)
FILES = (
    """insert into received_file
    select 'payer_a', 'mc.txt', '0', layout, 10000, 10000, 0, case when layout like 'cdl%' then 10000 end
    from (values ('cdl_medical'), ('cdl_eligibility'), ('cdl_pharmacy')) as files(layout)""",
)


@pytest.fixture(scope="module")
def model() -> Iterator[Warehouse]:
    connection = duckdb.connect()
    db = Warehouse(connection)
    create_macros(db)
    create_base_tables(db)
    create_event_tables(db)
    connection.execute("create temp table clinician (n integer, npi varchar)")
    connection.executemany("insert into clinician values (?, ?)", [(number, npi(number)) for number in range(1, 10)])
    for statement in SOUND:
        connection.execute(statement)
    derive_events(db)
    quarantine = pl.DataFrame(
        schema={
            "source_id": pl.String,
            "sha256": pl.String,
            "rule": pl.String,
            "column_name": pl.String,
            "rows": pl.Int64,
        }
    )
    payer: dict[str, Any] = {"path": "x", "start": date(2025, 1, 1), "end": date(2025, 12, 31)}
    sources = {
        "medicare": SourceTable(kind="ccw-rif", payer_id="medicare", payer_type="medicare", **payer),
        "payer_a": SourceTable(kind="apcd-cdl", payer_id="payer_a", payer_type="commercial", **payer),
    }
    describe_sources(db, sources, [], quarantine)
    for statement in FILES:
        connection.execute(statement)
    yield db
    connection.close()


NONE_SET: Mapping[str, QualityTable] = {}


def assessed(
    db: Warehouse,
    *defects: str,
    only: str | None = None,
    before: pl.DataFrame | None = None,
    settings: Mapping[str, QualityTable] = NONE_SET,
) -> tuple[quality.CheckResult, ...]:
    """Every check (or those of one type) on the sound model after the statements `defects`, which are taken back."""
    db.execute("begin")
    try:
        for statement in defects:
            db.execute(statement)
        count(db, None if only is None else [check for check in checks() if check.type.name == only])
        return quality.assess(db, settings, before=before)
    finally:
        db.execute("rollback")


def test_there_are_twenty_types_and_five_hundred_checks_each_with_its_facts():
    assert len(types()) >= 20
    assert len(checks()) >= 500
    assert len({check.check_id for check in checks()}) == len(checks())
    for kind in types().values():
        assert kind.title.startswith("share of "), kind.name
        assert kind.remedy.endswith((".", "qe.toml")), kind.name
        assert kind.denominator and kind.minimum >= 1 and kind.severity in ("stop", "warn"), kind.name
        assert any(check.type is kind for check in checks()), kind.name


def test_a_sound_model_passes_every_check_and_every_type_has_something_to_judge(model: Warehouse):
    results = assessed(model, before=VOLUMES)
    assert [(one.check.check_id, one.source_id, one.failing) for one in results if one.status in ("stop", "warn")] == []
    judged = {one.check.type.name for one in results if one.status == "pass"}
    assert sorted(types().keys() - judged) == []
    found = quality.statuses(results)
    assert found["stop"] + found["warn"] + found["pass"] + found["not_applicable"] == len(checks())


VOLUMES = pl.DataFrame(  # the sound model's own visits of medicare: 60 persons a month, and 30 more in April of then
    [
        {"source_id": "medicare", "kind": "professional", "month": date(2025, month, 1), "rows": 60}
        for month in range(1, 13)
    ]
)


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A defect: statements on the sound model, and the one check that must find it, where, and in how many rows."""

    check_id: str
    source_id: str
    rows: int
    failing: int
    statements: tuple[str, ...]
    status: str = "warn"


def planted(check_id: str, source_id: str, failing: int, rows: int, *statements: str, stops: bool = False) -> Planted:
    return Planted(
        check_id=check_id,
        source_id=source_id,
        rows=rows,
        failing=failing,
        statements=statements,
        status="stop" if stops else "warn",
    )


# Of each payer: 60 persons; 720 = 60 x 12 visits, fills or outpatient bills; 60 stays; 1,500 = 720 + 720 + 60 claims
DEFECTS = [
    # 4 persons x 12 of 720 visits
    planted("missing_value:claim_line.rendering_specialty:professional", "medicare", 48, 720,
        "update claim_line set rendering_specialty = null"
        " where claim_type = 'professional' and person_id in ('P1', 'P2', 'P3', 'P4')"),
    planted("misplaced_value:claim.drg:outpatient+professional+dme+hha+hospice", "medicare", 24, 1440,
        "update claim set drg = '291' where claim_type = 'professional' and person_id in ('P1', 'P2')"),
    planted("untrimmed_text:claim.primary_payer_code", "payer_a", 1, 1,
        "update claim set primary_payer_code = ' '"
        " where claim_id = 'I120'"),
    planted("unknown_code:claim.discharge_status", "payer_a", 1, 60,
        "update claim set discharge_status = '99'"
        " where claim_id = 'I61'"),
    # 8 of 1,500 diagnoses, one a claim
    planted("code_format:claim_diagnosis.code:icd_10_cm:10", "medicare", 8, 1500,
        "update claim_diagnosis set code = 'I10.9'"
        " where claim_id in (select 'V' || i || '-0' from range(1, 9) as numbers(i))"),
    # a last digit one higher is never the right one: ten codes, one check digit
    planted("npi_check_digit:pharmacy_fill.prescriber_npi", "payer_a", 12, 720,
        "update pharmacy_fill set prescriber_npi = left(prescriber_npi, 9) || (cast(right(prescriber_npi, 1) as integer) + 1) % 10"
        " where person_id = 'P61'"),
    planted("early_date:person.birth_date", "", 1, 120,
        "update person set birth_date = date '1899-12-31'"
        " where person_id = 'P5'"),
    planted("late_date:claim.paid_date", "medicare", 1, 1500,
        "update claim set paid_date = date '9999-12-31'"
        " where claim_id = 'I1'"),
    planted("outside_period:pharmacy_fill.fill_date", "medicare", 24, 720,
        "update pharmacy_fill set fill_date = date '2024-12-31' where person_id in ('P1', 'P2')"),
    planted("date_order:claim.from_date:thru_date", "medicare", 2, 1500,
        "update claim set thru_date = from_date - 1 where claim_id in ('I1', 'I2')"),
    # born on 2 June 2025: January to May of 12 months lie before the month of birth
    planted("before_birth:member_month.month", "payer_a", 5, 720,
        "update person set birth_date = date '2025-06-02'"
        " where person_id = 'P61'"),
    # dead on 10 Jan 2025: the fills of 3 March to 3 December (10) lie more than 31 days later, that of 3 February does not
    planted("after_death:pharmacy_fill.fill_date", "medicare", 10, 720,
        "update person set death_date = date '2025-01-10'"
        " where person_id = 'P1'"),
    planted("unlikely_age:pharmacy_fill.fill_date", "medicare", 12, 720,
        "update person set birth_date = date '1909-01-01'"
        " where person_id = 'P1'"),
    planted("negative_amount:claim.paid_amount", "medicare", 3, 1499,  # a reversed claim may take back
        "update claim set paid_amount = -1 where claim_id in ('I1', 'I2', 'I3')",
        "update claim set paid_amount = -1, paid_status = 'reversed' where claim_id = 'I4'"),
    planted("large_amount:claim.charge_amount:5000000", "medicare", 1, 1500,
        "update claim set charge_amount = 5000000.01"
        " where claim_id = 'I1'"),
    planted("out_of_range:pharmacy_fill.days_supply:1..365", "medicare", 12, 720,
        "update pharmacy_fill set days_supply = 999 where person_id = 'P1'"),
    planted("amount_order:pharmacy_fill.paid_amount:allowed_amount:paid+zero_paid", "medicare", 24, 720,
        "update pharmacy_fill set paid_amount = 12.02 where person_id in ('P1', 'P2')",
        "update pharmacy_fill set paid_amount = 12.01 where person_id = 'P3'"),
    planted("amount_sum:pharmacy_fill.paid_amount", "payer_a", 24, 720,
        "update pharmacy_fill set member_amount = 3 where person_id in ('P61', 'P62')"),
    planted("status_against_amount:pharmacy_fill.fill_status", "payer_a", 24, 720,
        "update pharmacy_fill set fill_status = 'denied' where person_id in ('P61', 'P62')"),
    # 19 persons x 12 of 720 fills is 0.317
    planted("value_share:pharmacy_fill.fill_status:denied", "payer_a", 228, 720,
        "update pharmacy_fill set fill_status = 'denied', paid_amount = 0"
        " where person_id in (select 'P' || i from range(61, 80) as n(i))"),
    planted("icd_version_date:claim_diagnosis.icd_version:from_date", "medicare", 25, 1500,
        "update claim_diagnosis set icd_version = 9, code = '4019' where person_id = 'P1'"),
    planted("long_span:claim.admit_date:discharge_date:366", "medicare", 1, 60,
        "update claim set discharge_date = admit_date + 367 where claim_id = 'I1'",
        "update claim set discharge_date = admit_date + 366 where claim_id = 'I2'"),
    planted("not_first_of_month:member_month.month", "medicare", 12, 720,
        "update member_month set month = month + 1 where person_id = 'P1'", stops=True),
    planted("unmapped_code:member_month.product:commercial+medicaid+medicare_advantage", "payer_a", 12, 720,
        "update member_month set product = '??' where person_id = 'P61'"),
    planted("unmapped_drug:pharmacy_fill.ingredients:G", "payer_a", 48, 720,
        "update pharmacy_fill set ingredients = null where person_id in ('P61', 'P62', 'P63', 'P64')"),
    planted("unresolved_unit:visit.group_id:false", "medicare", 24, 720,
        "update visit set group_id = null"
        " where person_id in ('P1', 'P2')"),
    planted("duplicate_claim:claim_line.claim_id+line_number", "", 1, 3121,
        "insert into claim_line from claim_line"
        " where claim_id = 'V1-0'", stops=True),  # 2 x 1,440 + 2 x 120 lines, one twice
    planted("duplicate_key:member_month.person_id+payer_id+product+month+covered_from", "", 12, 1452,
        "insert into member_month from member_month where person_id = 'P1'"),
    planted("orphan_line:claim_line.claim_id:claim.claim_id", "", 2, 3120,
        "delete from claim"
        " where claim_id = 'I1'", stops=True),
    planted("unknown_hospital:hospital_stays.ccn", "", 1, 2,
        "update hospital_stays set ccn = '990003' where ccn = '990002'"),
    planted("unknown_reference:visit.clinician_id:unit.unit_id", "", 12, 1440,
        "update visit set clinician_id = 'U999999' where person_id = 'P1'", stops=True),
    planted("claim_without_part:claim_line.claim_id:inpatient", "payer_a", 1, 60,
        "delete from claim_line"
        " where claim_id = 'I61'"),
    planted("shared_service:pharmacy_fill.person_id+fill_date+ndc:paid+zero_paid", "medicare", 12, 720,
        "insert into pharmacy_fill select * replace ('X' || fill_id as fill_id, 'payer_a' as payer_id, 'payer_a' as source_id)"
        " from pharmacy_fill where person_id = 'P1'"),
    planted("repeated_service:pharmacy_fill.person_id+fill_date+ndc:paid+zero_paid", "medicare", 24, 744,
        "insert into pharmacy_fill select * replace ('X' || fill_id as fill_id) from pharmacy_fill"
        " where person_id in ('P1', 'P2')"),
    # 60 fills a month; 31 of June's go: 29 is less than half of (60 + 60) / 2. February to August are judged
    planted("month_volume:volume_by_month.month:pharmacy", "medicare", 1, 7,
        "delete from pharmacy_fill"
        " where fill_date = date '2025-06-03' and person_id in (select 'P' || i from range(1, 32) as n(i))"),
    planted("missing_month:volume_by_month.month:professional", "medicare", 1, 12,
        "delete from claim where claim_type = 'professional' and from_date = date '2025-06-05'"),
    planted("claims_without_membership:pharmacy_fill.fill_date:paid+zero_paid", "medicare", 48, 720,
        "delete from member_month where person_id in ('P1', 'P2', 'P3', 'P4')"),
    planted("unknown_person", "", 75, 3000,
        "delete from member_month"
        " where person_id in ('P1', 'P2', 'P3')", stops=True),
    planted("unknown_birth_date", "", 3, 120,
        "update person set birth_date = null"
        " where person_id in ('P1', 'P2', 'P3')"),
    planted("unmapped_fill", "", 96, 1440,
        "update fill set is_mapped = false"
        " where person_id in (select 'P' || i from range(1, 9) as n(i))"),
    planted("header_against_line", "payer_a", 15, 720,
        "update line_reconciliation set unequal = 15"
        " where source_id = 'payer_a'"),
    planted("row_conservation", "payer_a", 1, 1,
        "update row_fates set rows = 99"
        " where source_id = 'payer_a'", stops=True),
    planted("link_review", "payer_a", 2, 60,
        "insert into linkage_report values ('payer_a', 'review', 'near_dob', 2)"),
    planted("second_id", "medicare", 1, 60,
        "insert into linkage_report values ('medicare', 'two_ids', 'same_person', 1)"),
    planted("line_without_header", "medicare", 2, 900,
        "update split_file set orphan_lines = 2 where delivery_id = 'd1'"),
    planted("header_without_line", "medicare", 3, 400,
        "update split_file set headers_without_lines = 3 where delivery_id = 'd1'"),
    planted("unresolved_facility:stay.facility_id", "", 60, 120,
        "update provider set id_type = 'NPI' where unit_id = 'U000022'"),  # persons with even numbers stay at 22
    planted("quarantined_row:cdl_medical", "payer_a", 51, 10000,
        "update received_file set rows_quarantined = 51"
        " where layout = 'cdl_medical'"),
    planted("control_total:cdl_medical", "payer_a", 1, 1,
        "update received_file set expected_rows = 10001"
        " where layout = 'cdl_medical'"),
    planted("unreadable_value:cdl_medical.paid_amount", "payer_a", 11, 10000,
        "update received_file set sha256 = layout",
        "insert into quarantine_count values ('payer_a', 'cdl_medical', 'bad-number', 'paid_amount', 11)"),
    planted("blank_required:cdl_medical.native_claim_id", "payer_a", 11, 10000,
        "update received_file set sha256 = layout",
        "insert into quarantine_count values ('payer_a', 'cdl_medical', 'missing-value', 'native_claim_id', 11)"),
    planted("malformed_row:cdl_medical.wrong-column-count", "payer_a", 11, 10000,
        "update received_file set sha256 = layout",
        "insert into quarantine_count values ('payer_a', 'cdl_medical', 'wrong-column-count', null, 11)"),
]  # fmt: skip
APART = ("single_value", "members_without_claims", "volume_since_last_delivery")


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda one: one.check_id)
def test_a_planted_defect_trips_its_check_with_the_rows_that_were_planted(model: Warehouse, defect: Planted):
    name = defect.check_id.partition(":")[0]
    results = assessed(model, *defect.statements, only=name)
    found = {
        (one.check.check_id, one.source_id): (one.failing, one.denominator, one.status)
        for one in results
        if one.status in ("stop", "warn")
    }
    assert found.get((defect.check_id, defect.source_id)) == (defect.failing, defect.rows, defect.status)


def test_counts_on_the_distinct_rows_of_a_table_are_those_on_every_row(
    model: Warehouse, monkeypatch: pytest.MonkeyPatch
):
    defects = [statement for one in DEFECTS if not one.check_id.startswith("duplicate") for statement in one.statements]
    every_row = [quality.as_row(one) for one in assessed(model, *defects)]
    monkeypatch.setattr(quality_rows, "FROM", 1)
    for few in (1, 256):  # more columns have many values, or few
        monkeypatch.setattr(quality_rows, "FEW", few)
        assert [quality.as_row(one) for one in assessed(model, *defects)] == every_row


def test_every_type_has_a_planted_defect():
    named = {one.check_id.partition(":")[0] for one in DEFECTS} | set(APART)
    assert sorted(types().keys() - named) == []


def test_a_column_with_one_value_in_nearly_all_rows_is_told(model: Warehouse):
    # 690 of 720 visits get one specialty (0.958, above 0.95): the 30 visits of P1 to P5 in even months keep theirs
    (found,) = (
        one
        for one in assessed(
            model,
            "update claim_line set rendering_specialty = '01' where claim_type = 'professional'"
            " and not (person_id in ('P1', 'P2', 'P3', 'P4', 'P5') and month(from_date) % 2 = 0)",
            only="single_value",
        )
        if one.check.column == "rendering_specialty" and one.source_id == "medicare"
    )
    assert (found.failing, found.denominator, found.status) == (690, 720, "warn")


def test_members_without_any_claim_are_told_where_most_have_none(model: Warehouse):
    # all 120 persons become members of payer_a; 80 of them (0.667, above 0.6) lose their fills
    (found,) = (
        one
        for one in assessed(
            model,
            "update member_month set payer_id = 'payer_a'",
            "delete from pharmacy_fill where person_id in (select 'P' || i from range(41, 121) as n(i))",
            only="members_without_claims",
        )
        if one.check.table == "pharmacy_fill" and one.denominator
    )
    assert (found.failing, found.denominator, found.status) == (80, 120, "warn")


def test_months_that_shrank_since_the_last_delivery_are_told_but_for_its_last_three(model: Warehouse):
    before = VOLUMES.with_columns(
        rows=pl.when(pl.col("month").is_in([date(2025, 4, 1), date(2025, 11, 1)])).then(90).otherwise(60)
    )
    (found,) = (
        one for one in assessed(model, only="volume_since_last_delivery", before=before) if one.source_id == "medicare"
    )
    # 60 is 0.67 of 90 in April; November, one of the last three months of then, is not compared: nine months are
    assert (found.check.limit, found.failing, found.denominator, found.status) == ("professional", 1, 9, "warn")


def test_a_check_that_has_nothing_to_judge_says_why(model: Warehouse):
    results = assessed(model)
    reasons = {one.check.check_id: one.reason for one in results if one.status == "not_applicable"}
    assert reasons["missing_value:claim.bill_type:snf"] == "there are none: rows that need the value"
    assert reasons["volume_since_last_delivery:volume_by_month.month:dme"].startswith("this is the first delivery")
    assert reasons["quarantined_row:rif_carrier"] == "no file of this layout was received"
    assert reasons["single_value:claim.drg:inpatient"].startswith("too few for a share (fewer than 100)")
    assert all(one.share is None for one in results if one.status == "not_applicable")
    assert all(one.reason == "" for one in results if one.status != "not_applicable")


def test_a_setting_for_a_source_wins_over_one_for_the_check_and_that_over_its_type(model: Warehouse):
    defect = "update claim_line set rendering_specialty = null where claim_type = 'professional' and person_id in ('P1', 'P61')"
    check_id = "missing_value:claim_line.rendering_specialty:professional"  # 12 of 720 in each payer, 0.0167

    def status(settings: Mapping[str, QualityTable]) -> dict[str, str]:
        found = assessed(model, defect, only="missing_value", settings=settings)
        return {one.source_id: one.status for one in found if one.check.check_id == check_id}

    assert status({}) == {"medicare": "pass", "payer_a": "pass"}
    by_type = {"missing_value": QualityTable(threshold=0.01, severity="warn")}
    assert status(by_type) == {"medicare": "warn", "payer_a": "warn"}
    by_check = by_type | {check_id: QualityTable(threshold=0.5)}
    assert status(by_check) == {"medicare": "pass", "payer_a": "pass"}
    by_source = by_check | {f"{check_id}@payer_a": QualityTable(threshold=0.001, severity="stop")}
    assert status(by_source) == {"medicare": "pass", "payer_a": "stop"}


def test_a_name_that_is_no_check_is_told_with_the_nearest_one(model: Warehouse):
    with pytest.raises(
        InputError, match=r'quality\.missing_valeu\] is no data-quality check; did you mean "missing_value"'
    ):
        assessed(model, only="unknown_person", settings={"missing_valeu": QualityTable()})


def test_a_stop_is_told_with_its_share_its_count_and_its_place(model: Warehouse):
    results = assessed(model, "update row_fates set rows = 99 where source_id = 'payer_a'", only="row_conservation")
    with pytest.raises(Findings, match=r"accounted for while loading: 1 \(1 in all\), above 0; source payer_a"):
        quality.require_none_stops(results)


def test_results_are_one_row_a_check_and_source_without_those_against_an_earlier_delivery(model: Warehouse):
    frame = quality.results_frame(assessed(model, before=VOLUMES))
    assert frame.schema == quality.RESULTS
    assert "volume_since_last_delivery" not in set(frame["type"])
    assert frame.height == frame.select("check_id", "source_id").unique().height
    one = frame.filter(pl.col("check_id") == "missing_value:claim.claim_id", pl.col("source_id") == "medicare").row(
        0, named=True
    )
    assert (one["denominator"], one["failing"], one["share"], one["threshold"], one["status"]) == (
        1500,
        0,
        0.0,
        0.0,
        "pass",
    )


def test_shares_are_exact_at_the_threshold(model: Warehouse):
    # 15 of 720 at a threshold of 15/720 written to six digits (0.020833) is above it; at 0.020834 it is not
    for threshold, status in ((0.020833, "warn"), (0.020834, "pass")):
        results = assessed(
            model,
            "update line_reconciliation set unequal = 15 where source_id = 'payer_a'",
            only="header_against_line",
            settings={"header_against_line": QualityTable(threshold=threshold, severity="warn")},
        )
        assert {one.source_id: one.status for one in results if one.denominator}["payer_a"] == status
    assert Decimal(15) / Decimal(720) > Decimal("0.020833")


def only_of(results: tuple[quality.CheckResult, ...], check_id: str) -> dict[str, tuple[int, int]]:
    """source -> (failing, denominator) of one check."""
    return {one.source_id: (one.failing, one.denominator) for one in results if one.check.check_id == check_id}


@pytest.mark.parametrize(
    ("check_id", "rule", "column"),
    [
        ("malformed_row:cdl_medical.wrong-column-count", "wrong-column-count", "null"),
        ("unreadable_value:cdl_medical.paid_amount", "bad-number", "'paid_amount'"),
        ("blank_required:cdl_medical.native_claim_id", "missing-value", "'native_claim_id'"),
    ],
)
def test_files_of_one_name_in_two_deliveries_keep_each_its_own_quarantine(
    model: Warehouse, check_id: str, rule: str, column: str
):
    results = assessed(
        model,
        "delete from received_file",
        "insert into received_file select 'payer_a', 'mc.txt', sha, 'cdl_medical', 1000, 1000, 0, 1000"
        " from (values ('one'), ('two')) as deliveries(sha)",
        f"insert into quarantine_count values ('payer_a', 'one', '{rule}', {column}, 30)",
        f"insert into quarantine_count values ('payer_a', 'two', '{rule}', {column}, 4)",
        only=check_id.partition(":")[0],
    )
    assert only_of(results, check_id) == {"payer_a": (30 + 4, 1000 + 1000)}


def test_two_rules_on_one_column_of_a_file_count_its_rows_once(model: Warehouse):
    results = assessed(
        model,
        "update received_file set sha256 = layout",
        "insert into quarantine_count values ('payer_a', 'cdl_medical', 'bad-number', 'paid_amount', 3),"
        " ('payer_a', 'cdl_medical', 'bad-date', 'paid_amount', 2)",
        only="unreadable_value",
    )
    assert only_of(results, "unreadable_value:cdl_medical.paid_amount") == {"payer_a": (5, 10000)}


def test_where_the_counterpart_has_no_row_at_all_everything_lacks_it(model: Warehouse):
    without_lines = assessed(model, "delete from claim_line", only="claim_without_part")
    assert only_of(without_lines, "claim_without_part:claim_line.claim_id:inpatient") == {
        "medicare": (60, 60),
        "payer_a": (60, 60),
    }
    without_fills = assessed(model, "delete from pharmacy_fill", only="members_without_claims")
    assert only_of(without_fills, "members_without_claims:pharmacy_fill.pharmacy") == {
        "medicare": (60, 60),
        "payer_a": (60, 60),
    }
    assert {one.status for one in without_fills if one.denominator} == {
        "pass",
        "warn",
    }  # all claims are there, no fill is


def test_a_fill_before_or_after_the_year_of_cover_serves_no_member_of_it(model: Warehouse):
    found = assessed(
        model,
        "update pharmacy_fill set fill_date = date '2024-12-31' where person_id = 'P1'",
        "update pharmacy_fill set fill_date = date '2026-01-01' where person_id = 'P2'",
        only="members_without_claims",
    )
    assert only_of(found, "members_without_claims:pharmacy_fill.pharmacy")["medicare"] == (2, 60)


def test_a_date_of_another_age_makes_no_month_and_is_counted_as_outside(model: Warehouse):
    model.execute("begin")
    try:
        model.execute("update claim set from_date = date '0001-01-01' where claim_id = 'V1-0'")
        model.execute("update claim set from_date = date '9999-12-31' where claim_id = 'V2-0'")
        count(model, [check for check in checks() if check.type.name in ("missing_month", "month_volume")])
        volumes = quality.volumes(model)
        visits = volumes.filter(pl.col("source_id") == "medicare", pl.col("kind") == "professional")
        assert visits["month"].to_list() == [date(2025, month, 1) for month in range(1, 13)]
        assert visits["rows"].to_list() == [60 - 2, *[60] * 11]
        outside = model.query("select source_id, kind, rows from volume_by_month where month is null").rows()
        assert outside == [("medicare", "professional", 2)]
        results = quality.assess(model, {})
    finally:
        model.execute("rollback")
    assert only_of(results, "missing_month:volume_by_month.month:professional")["medicare"] == (0, 12)


def test_data_reach_no_further_than_their_source_says(model: Warehouse):
    model.execute("begin")
    try:
        model.execute("update claim set from_date = date '9999-12-31' where claim_id in ('V1-0', 'V61-0')")
        model.run(FOLDER / "summary" / "model_fact.sql")
        assert model.scalar("select value from model_fact where name = 'data_through'") == "2025-12-31"
    finally:
        model.execute("rollback")


def test_a_source_stands_behind_a_check_alone_never_behind_a_type(model: Warehouse):
    with pytest.raises(InputError, match=r"quality\.missing_value@payer_a\] is no data-quality check"):
        assessed(model, only="unknown_person", settings={"missing_value@payer_a": QualityTable()})
    with pytest.raises(InputError, match=r'did you mean "unknown_person@payer_a"'):
        assessed(model, only="unknown_person", settings={"unknown_persn@payer_a": QualityTable()})
