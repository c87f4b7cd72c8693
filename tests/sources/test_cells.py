"""What a cell becomes: dates, amounts, codes and lists, worked by hand in small files."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from qe.sources.stage import macros


@pytest.fixture(scope="module")
def value() -> Callable[[str], Any]:
    connection = duckdb.connect()
    for macro in macros():
        connection.execute(macro)

    def evaluate(expression: str) -> Any:
        row = connection.execute(f"select {expression}").fetchone()
        assert row is not None
        return row[0]

    return evaluate


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30-May-2015", date(2015, 5, 30)),
        ("27-OCT-1999", date(1999, 10, 27)),
        ("1-Jan-2024", date(2024, 1, 1)),
        ("20240229", date(2024, 2, 29)),
        ("2024-02-29", date(2024, 2, 29)),
        ("17-MAR-59", date(1959, 3, 17)),
        ("17-MAR-25", date(2025, 3, 17)),
        ("17-MAR-26", date(1926, 3, 17)),
        ("9-MAR-05", date(2005, 3, 9)),
        ("20230229", None),
        ("2024-13-01", None),
        ("31-FEB-2024", None),
        ("45321", None),
        ("02/28/2024", None),
        ("00000000", None),
    ],
)
def test_a_date_is_read_in_each_delivered_form_with_2025_as_the_latest_year(
    value: Callable[[str], Any], text: str, expected: date | None
) -> None:
    assert value(f"as_date('{text}', 2025)") == expected


@pytest.mark.parametrize(
    ("text", "implied", "expected"),
    [
        ("1234.50", False, Decimal("1234.50")),
        ("-7", False, Decimal("-7.00")),
        (".5", False, Decimal("0.50")),
        ("12.3400", False, Decimal("12.34")),
        ("12.345", False, None),
        ("1,234.50", False, None),
        ("$5", False, None),
        ("123456", True, Decimal("1234.56")),
        ("-5", True, Decimal("-0.05")),
        ("99999999999999", True, Decimal("999999999999.99")),
        ("99999999999999", False, None),
        ("123.45", True, Decimal("123.45")),
    ],
)
def test_an_amount_is_exact_or_none(
    value: Callable[[str], Any], text: str, implied: bool, expected: Decimal | None
) -> None:
    assert value(f"as_amount('{text}', as_number('{text}'), {str(implied).lower()})") == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("as_zip('1730')", "01730"),
        ("as_zip('017301234')", "01730"),
        ("as_zip('17301234')", "01730"),
        ("as_zip('1730-1234')", "01730"),
        ("as_ndc('6022714101')", "06022714101"),
        ("as_ndc('00602-2714-01')", "00602271401"),
        ("as_icd('e11.65')", "E1165"),
        ("as_drg('0470')", "470"),
        ("as_drg('64')", "064"),
        ("as_bill_type('0111')", "111"),
        ("as_bill_type('11a')", "11A"),
        ("digits_padded('10001', 6)", "010001"),
        ("digits_padded('33T001', 6)", "33T001"),
        ("digits_padded('-5', 6)", "-5"),
        ("as_integer(as_number('30.000'))", 30),
        ("as_integer(as_number('30.5'))", None),
        ("as_mbi('1eg4-te5-mk73')", "1EG4TE5MK73"),
        ("as_mbi('A1234')", None),
        ("as_icd_version('0', date '2014-01-01')", 10),
        ("as_icd_version('9', date '2024-01-01')", 9),
        ("as_icd_version(null, date '2015-09-30')", 9),
        ("as_icd_version(null, date '2015-10-01')", 10),
    ],
)
def test_a_code_is_brought_into_its_one_form(value: Callable[[str], Any], expression: str, expected: Any) -> None:
    assert value(expression) == expected


def institutional(**cells: str) -> str:
    """An inpatient file of one row in the official dialect."""
    fit = {
        "BENE_ID": "-17",
        "CLM_ID": "-99",
        "CLM_FROM_DT": "28-FEB-2024",
        "CLM_THRU_DT": "02-MAR-2024",
        "PRVDR_NUM": "10001",
        "CLM_PMT_AMT": "8000.00",
        "CLM_PASS_THRU_PER_DIEM_AMT": "10",
        "PTNT_DSCHRG_STUS_CD": "1",
        "REV_CNTR": "120",
        **cells,
    }
    return "|".join(fit) + "\n" + "|".join(fit.values()) + "\n"


@pytest.fixture
def medicare(small_site: Any) -> Path:
    return small_site.add_source("medicare", kind="ccw-rif")  # type: ignore[no-any-return]


def test_diagnoses_and_procedures_are_lists_without_blanks_and_without_the_repeated_principal(
    small_site: Any, medicare: Path
) -> None:
    (medicare / "ip.txt").write_text(
        institutional(
            PRNCPAL_DGNS_CD="i50.23",
            ICD_DGNS_CD1="I5023",
            CLM_POA_IND_SW1="y",
            ICD_DGNS_CD2=" ",
            ICD_DGNS_CD3="N18.4",
            ICD_DGNS_VRSN_CD3="0",
            CLM_POA_IND_SW3="N",
            ADMTG_DGNS_CD="R0602",
            ICD_DGNS_E_CD1="W19XXXA",
            ICD_PRCDR_CD1="02HV33Z",
            PRCDR_DT1="29-FEB-2024",
        )
    )
    (one,) = small_site.receive()
    ((diagnoses, procedures),) = small_site.rows(one.database, "select diagnoses, procedures from staged_row")
    assert [tuple(entry.values()) for entry in diagnoses] == [
        (1, "principal", "I5023", 10, "Y"),
        (3, "other", "N184", 10, "N"),
        (1, "admitting", "R0602", 10, None),
        (1, "external", "W19XXXA", 10, None),
    ]
    assert [tuple(entry.values()) for entry in procedures] == [(1, "02HV33Z", 10, date(2024, 2, 29))]


def test_ids_stay_text_and_codes_get_their_lost_zeros_back(small_site: Any, medicare: Path) -> None:
    (medicare / "ip.txt").write_text("\ufeff" + institutional(AT_PHYSN_NPI="9999900001"), encoding="utf-8")
    (one,) = small_site.receive()
    assert small_site.rows(
        one.database,
        "select row_number, native_person_id, facility_ccn, discharge_status, revenue_code, attending_npi, claim_type, "
        "thru_date, drg, modifiers from staged_row",
    ) == [(2, "-17", "010001", "01", "0120", "9999900001", "inpatient", date(2024, 3, 2), None, [])]


def test_columns_come_in_any_order_with_others_between_and_blank_ones_behind(small_site: Any, medicare: Path) -> None:
    header, row = institutional().splitlines()
    names = [*reversed(header.split("|")), "DEMO_ID_NUM", "", ""]
    cells = [*reversed(row.split("|")), "x", "", ""]
    (medicare / "ip.txt").write_text("|".join(names).lower() + "\n" + "|".join(cells) + "\n")
    (one,) = small_site.receive()
    assert small_site.rows(one.database, "select native_claim_id, claim_paid_amount from staged_row") == [
        ("-99", Decimal("8000.00"))
    ]


def test_a_bad_procedure_date_is_quarantined_under_its_own_column(small_site: Any, medicare: Path) -> None:
    (medicare / "ip.txt").write_text(
        institutional(ICD_PRCDR_CD1="02HV33Z", PRCDR_DT1="30-FEB-2024")
        + institutional(ICD_PRCDR_CD1="02HV33Z", PRCDR_DT1="").splitlines()[1]
        + "\n"
    )
    (one,) = small_site.receive()
    assert small_site.rows(one.database, "select row_number, rule, column_name from quarantined_row") == [
        (2, "bad-date", "PRCDR_DT1")
    ]


def test_cents_are_implied_where_the_source_says_so(small_site: Any, cdl_medical: Any) -> None:
    folder = small_site.add_source("payer", kind="apcd-cdl", payer_type="commercial", implied_decimals=True)
    (folder / "mc.txt").write_text(cdl_medical({"125": "8050", "131": "10000"}))
    (one,) = small_site.receive()
    assert small_site.rows(one.database, "select paid_amount, allowed_amount from staged_row") == [
        (Decimal("80.50"), Decimal("100.00"))
    ]
    assert one.paid_amount == Decimal("80.50")


def test_tables_of_the_claims_model_are_read_from_csv_and_from_parquet_alike(small_site: Any) -> None:
    import polars as pl

    folder = small_site.add_source("model", kind="claims-model")
    frame = pl.DataFrame(
        {
            "fill_id": ["1"],
            "person_id": ["7"],
            "fill_date": [date(2024, 5, 1)],
            "ndc": ["602271401"],
            "ingredient": ["ATORVASTATIN"],
            "days_supply": [30],
            "paid_amount": [Decimal("12.30")],
        }
    )
    frame.with_columns(pl.concat_list("ingredient").alias("ingredients")).drop("ingredient").write_parquet(
        folder / "fills.parquet"
    )
    frame.write_csv(folder / "fills.csv")
    first, second = small_site.receive()
    sql = "select fill_id, fill_date, ndc, ingredients, days_supply, paid_amount, fill_status from staged_row"
    expected = [("1", date(2024, 5, 1), "00602271401", ["ATORVASTATIN"], 30, Decimal("12.30"), None)]
    assert small_site.rows(first.database, sql) == expected
    assert small_site.rows(second.database, sql) == expected
    assert (first.file.staged_as, first.claims, second.paid_amount) == ("pharmacy_fill", 1, Decimal("12.30"))


def test_the_mbi_is_found_in_either_of_the_two_columns_that_texts_name(small_site: Any) -> None:
    folder = small_site.add_source("payer", kind="apcd-cdl", payer_type="commercial")
    names = ["002", "004", "005", "006", "018", "019", "036", "061", "075", "076"]
    rows = [
        ["P1", "HM", "2024", "1", "F", "19600101", "Y", "M1", "1EG4TE5MK73", "ACO77"],
        ["P1", "HM", "2024", "1", "M", "19600101", "Y", "M2", "ACO77", "1EG4TE5MK74"],
    ]
    lines = ["HD|S|P1|P|ME|202401|202412|T|", "|".join(f"CDLME{name}" for name in names)]
    lines += ["|".join(row) for row in rows] + ["TR|S|P1|P|ME|20250131||2"]
    (folder / "me.txt").write_text("\n".join(lines) + "\n")
    (one,) = small_site.receive()
    assert small_site.rows(
        one.vault_database, "select native_person_id, mbi, sex from identity_row order by 1", vault=True
    ) == [("M1", "1EG4TE5MK73", "2"), ("M2", "1EG4TE5MK74", "1")]
    assert one.file.received_on == date(2025, 1, 31)
    kept = {row[0] for row in small_site.rows(one.database, "select column_name from (describe staged_row)")}
    assert kept.isdisjoint({"mbi", "ssn", "last_name", "first_name", "middle_name", "contract"})
    assert {"sex", "birth_date", "medical"} <= kept


def test_a_provider_file_is_read_by_position_when_its_first_record_says_what_it_is(small_site: Any) -> None:
    folder = small_site.add_source("payer", kind="apcd-cdl", payer_type="commercial")
    cells = [""] * 28
    cells[0], cells[1], cells[4], cells[6], cells[11], cells[16], cells[19] = (
        "S", "P1", "1234567", "9999900001", "North Clinic", "1730", "8",
    )  # fmt: skip
    (folder / "pv.txt").write_text("HD|S|P1|P|PV|202401|202412|T|\n" + "|".join(cells) + "\nTR|S|P1|P|PV|20250131||1\n")
    (one,) = small_site.receive()
    assert small_site.rows(one.database, "select row_number, tin, npi, name, zip5, specialty from staged_row") == [
        (2, "001234567", "9999900001", "North Clinic", "01730", "08")
    ]


def test_a_crosswalk_without_a_header_is_read_where_the_settings_name_its_layout(small_site: Any) -> None:
    folder = small_site.add_source("people", kind="ccw-rif")
    row = "B1|1EG4TE5MK73||Doe|Jo|Q|17-MAR-59|2|1730"
    (folder / "crosswalk.txt").write_text(f"{row}\n{row.replace('B1', 'B2')}\n")
    with pytest.raises(Exception, match="its first line holds no column name"):
        small_site.receive()
    small_site.sources["people"]["layout"] = "crosswalk_by_position"
    (one,) = small_site.receive()
    assert one.in_vault
    assert small_site.rows(
        one.database,
        "select row_number, native_person_id, mbi, hicn, last_name, birth_date, sex, zip5 from staged_row "
        "where native_person_id = 'B1'",
        vault=True,
    ) == [(1, "B1", "1EG4TE5MK73", None, "Doe", date(1959, 3, 17), "2", "01730")]


def test_a_crosswalk_may_lie_in_a_place_of_its_own_with_or_without_a_header(small_site: Any, medicare: Path) -> None:
    (medicare / "ip.txt").write_text(institutional())
    other = small_site.root / "crosswalks" / "people.txt"
    other.parent.mkdir()
    other.write_text("B1|1EG4TE5MK73||Doe|Jo|Q|17-MAR-59|2|1730\n")
    small_site.sources["medicare"]["crosswalk"] = "crosswalks/people.txt"
    claims, people = small_site.receive()
    assert (claims.file.staged_as, claims.in_vault) == ("institutional", False)
    assert (people.file.source_id, people.file.staged_as, people.in_vault) == ("medicare", "crosswalk", True)
    other.write_text('BENE_ID,MBI,LAST_NAME,FIRST_NAME,BIRTH_DATE\nB1,1EG4TE5MK73,"Doe, Jr",Jo,19590317\n')
    _, people = small_site.receive()
    assert small_site.rows(people.database, "select last_name, birth_date, row_number from staged_row", vault=True) == [
        ("Doe, Jr", date(1959, 3, 17), 2)
    ]


def test_a_source_may_be_delimited_otherwise_with_quotes(small_site: Any, cdl_medical: Any) -> None:
    folder = small_site.add_source("payer", kind="apcd-cdl", payer_type="commercial", delimiter="*")
    (folder / "mc.txt").write_text(cdl_medical({"005": "A|1"}).replace("|", "*").replace("A*1", '"A*1"'))
    (one,) = small_site.receive()
    assert small_site.rows(one.database, "select native_claim_id from staged_row") == [("A*1",)]


def test_the_id_of_a_party_stays_as_the_entity_wrote_it_beside_the_code_of_a_unit(small_site: Any) -> None:
    folder = small_site.add_source("contacts", kind="contacts")
    (folder / "contacts.csv").write_text(
        "id_type,identifier,channel,address,age_recipient,zone,from_date,to_date\n"
        "PARTY,acme-Works,mail,1 Main Street,,,,\nCCN,36a001,mail,2 Main Street,,,,\n"
    )
    (staged,) = small_site.receive()
    rows = small_site.rows(
        staged.vault_database or staged.database, "select identifier, party_id from staged_row order by 1", vault=True
    )
    assert rows == [("36A001", "36a001"), ("ACME-WORKS", "acme-Works")]
