"""What a recipient finds in its package (401.718): opened with its own key, and looked at by other means than our checker's."""

import csv
import io
import re
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from qe import warehouse
from qe.claims.load import model_path
from qe.errors import Findings, InputError, QeError
from qe.release.dissemination.staging import read_staged
from tests.release.conftest import Office
from tests.release.data_desk import CLAIMS, ELM, MODEL, ON, PEOPLE, VISITS, DataDesk, claim_rows, model_tables, table_of

SPANNED = {"800001", "800002", "800003", "800004", "800005"}  # of 2025, neither superseded nor a copy


@pytest.fixture
def desk(office: Office) -> DataDesk:
    return DataDesk(office).open()


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    path = tmp_path / "determination.pdf"
    path.write_bytes(b"signed")
    return path


def codes_in(files: dict[str, bytes]) -> set[str]:
    text = "\n".join(content.decode() for name, content in files.items() if name.endswith(".csv"))
    return set(re.findall(r"\b[0-9a-f]{16}\b", text))


def test_de_identified_data_hold_the_chosen_rows_and_no_trace_of_a_person(desk: DataDesk, paper: Path) -> None:
    desk.ready(paper)
    desk.release()
    files = desk.released()
    assert set(files) == {
        "person.csv", "claim.csv", "claim_line.csv", "claim_diagnosis.csv", "claim_procedure.csv", "pharmacy_fill.csv",
        "data_dictionary.csv", "README.txt", "manifest.json",
    }  # fmt: skip
    claims = table_of(files, "claim")
    dollars = {one[0]: one[4] for one in CLAIMS}
    assert sorted(claims["allowed_amount"]) == sorted(dollars[number] for number in SPANNED)
    assert set(claims["from_year"]) == {"2025"}
    people = table_of(files, "person").sort("age")
    assert people.select("age", "sex", "state_fips").rows() == [  # at the end of 2025; 94 is told as 90
        ("55", "1", "39"),
        ("75", "2", "39"),
        ("81", "2", "39"),
        ("90", "1", "39"),
    ]
    text = "\n".join(content.decode() for content in files.values())
    for person, (last, first, born, _, place, county, mbi, bene_id) in PEOPLE.items():
        for trace in (person, last, born.isoformat(), born.strftime("%Y%m%d"), place, county, mbi, bene_id):
            assert trace not in text
        assert not re.search(rf"\b{first}\b", text)
    tables = [content.decode() for name, content in files.items() if name.endswith(".csv")]
    cells = {cell for table in tables for row in csv.reader(io.StringIO(table)) for cell in row}
    assert not [cell for cell in cells if re.search(r"\d{4}-\d\d-\d\d|\d\d?/\d\d?/\d{4}", cell)]
    assert not [cell for cell in cells if re.fullmatch(r"\d{5}", cell) and cell != "99213"]  # the one service number
    for provider in ("1234567893", "1679576722", "1003000126", "360001", "U00000", "Elm Group"):
        assert provider not in text
    assert not {one[0] for one in CLAIMS} & cells


def test_the_tables_of_a_release_join_by_their_codes(desk: DataDesk, paper: Path) -> None:
    desk.ready(paper)
    desk.release()
    files = desk.released()
    assert table_of(files, "claim_line").height == len(SPANNED)  # one each; an earlier version of a line is none
    claims, lines, people = (table_of(files, name) for name in ("claim", "claim_line", "person"))
    assert set(lines["claim_code"]) == set(claims["claim_code"])
    assert set(claims["person_code"]) <= set(people["person_code"])
    assert not set(table_of(files, "pharmacy_fill")["fill_code"]) & set(claims["claim_code"])  # 800001 is both


def test_the_codes_of_two_releases_of_the_same_rows_have_nothing_in_common(desk: DataDesk, paper: Path) -> None:
    for data_id in ("d1", "d2"):
        desk.ready(paper, data_id)
        desk.release(data_id)
    first, second = desk.released("d1"), desk.released("d2")
    codes = codes_in(first), codes_in(second)
    assert len(codes[0]) == len(codes[1]) == 4 + 5 + 2 + 4  # persons, claims, fills; hospital and three NPIs
    assert not codes[0] & codes[1]
    plain = [
        sorted(table_of(files, "claim").drop("claim_code", "person_code", "facility_code", "billing_code", "attending_code").rows())
        for files in (first, second)
    ]  # fmt: skip
    assert plain[0] == plain[1]


def test_patients_data_hold_exactly_the_current_patients_of_the_recipient(desk: DataDesk) -> None:
    desk.define("p1", kind="data_patient_identifiable", tables="claim claim_line pharmacy_fill")
    desk.release("p1")
    files = desk.released("p1")
    with duckdb.connect() as db:
        db.register("visit", model_tables()["visit"].to_arrow())
        db.register("claim", claim_rows().to_arrow())
        expected = db.execute(
            "select distinct claim.person_id from visit join claim using (person_id) where group_id = $unit "
            "and service_date > date '2024-06-01' and service_date <= date '2026-06-01' "
            "and year(from_date) = 2025 and superseded_by is null and duplicate_of is null order by 1",
            {"unit": ELM},
        ).fetchall()
    assert [person for (person,) in expected] == ["700001", "700004"]
    patients = table_of(files, "patients")
    assert set(patients.select("last_name", "first_name", "birth_date").rows()) == {
        ("Quillfeather", "Ada", "1950-03-04"),
        ("Marshgold", "Di", "1944-07-08"),
    }
    claims = table_of(files, "claim")
    assert set(claims["person_code"]) == set(patients["person_code"])
    assert sorted(claims.select("from_date", "allowed_amount").rows()) == [
        ("2025-06-01", "100.00"), ("2025-09-01", "-40.00"), ("2025-10-01", "55.00"),
    ]  # fmt: skip
    (disclosed,) = desk.office.events("data_disclosed")
    assert (disclosed.count("persons"), disclosed.text("basis")) == (2, "combined")
    text = "\n".join(content.decode() for content in files.values())
    assert not [trace for row in PEOPLE.values() for trace in (row[6], row[7]) if trace in text]  # no MBI, no BENE_ID


def test_a_name_is_told_as_a_source_of_the_data_spells_it_or_not_at_all(desk: DataDesk) -> None:
    staged = desk.define("p1", kind="data_patient_identifiable", tables="claim", sources="medicare").staged
    assert set(staged.tables["patients"]["last_name"]) == {"Quillfeather", None}  # payer A alone knows 700004's


def test_patients_are_those_of_the_day_on_which_the_data_go(desk: DataDesk) -> None:
    desk.define("p1", kind="data_patient_identifiable", tables="claim")
    assert VISITS[3] == ("700004", ELM, date(2024, 6, 2))
    later = date(2026, 6, 2)  # the visit of 2 June 2024 is now exactly 24 months ago
    staged = desk.plan("p1", on=later).staged
    assert [row["last_name"] for row in staged.tables["patients"].iter_rows(named=True)] == ["Quillfeather"]
    nobody = date(2028, 6, 1)
    with pytest.raises(InputError, match="nobody is a patient"):
        desk.plan("p1", on=nobody)


def test_columns_are_narrowed_down_as_asked(desk: DataDesk, paper: Path) -> None:
    desk.ready(paper, tables="claim", only=("claim.from_date", "claim.paid_amount"))
    desk.release()
    files = desk.released()
    assert table_of(files, "claim").columns == ["from_year", "paid_amount"]
    dictionary = list(csv.reader(io.StringIO(files["data_dictionary.csv"].decode())))
    assert [row[:2] for row in dictionary[1:]] == [["claim.csv", "from_year"], ["claim.csv", "paid_amount"]]


def test_a_value_that_does_not_fit_its_column_stops_the_definition_and_names_the_column(desk: DataDesk) -> None:
    site = desk.office.site
    with warehouse.build(model_path(site, MODEL), site.store_key(), engine=site.engine()) as db:
        for name, rows in model_tables().items():
            db.create_table(name, rows.with_columns(hcpcs=pl.lit("Quillfeather")) if name == "claim_line" else rows)
    with pytest.raises(Findings) as found:
        desk.define()
    (fault,) = found.value.faults
    assert (fault.place, fault.count) == ("claim_line.hcpcs", 5)
    assert "Quillfeather" not in fault.sentence()
    assert not desk.office.events("npa_defined")
    desk.define(without=("claim_line.hcpcs",))


def test_facts_of_persons_linked_across_payers_leave_with_all_of_those_payers_alone(desk: DataDesk) -> None:
    with pytest.raises(InputError, match="1 payers that have no row"):
        desk.define(sources="medicare", tables="claim person")
    staged = desk.define(sources="medicare", tables="claim").staged
    assert staged.sources == ("medicare",)
    assert set(staged.tables["claim"]["payer_type"]) == {"medicare"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tables": "person"}, "no table of claims"),
        ({"tables": "claim identity"}, "1 of the tables may not leave"),
        ({"tables": "claim", "only": ("claim.claim_number",)}, "1 of the columns"),
        ({"tables": "claim", "only": ("person.zip5",)}, "1 of the columns"),
        ({"sources": "plan_b"}, "1 of the sources"),
        ({"start": date(2026, 1, 1)}, "the last day lies before the first"),
        ({"start": date(2023, 1, 1), "end": date(2023, 12, 31)}, "no row of these sources"),
        ({"party_id": "nobody"}, "not on record as an authorized user"),
    ],
)
def test_wrong_choices_are_one_sentence_with_a_remedy_and_nothing_is_recorded(
    desk: DataDesk, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said) as refused:
        desk.define(**changes)
    assert all(fault.remedy for fault in refused.value.faults)
    assert not desk.office.events("npa_defined")


def test_a_run_whose_claims_model_is_gone_says_how_to_build_it(desk: DataDesk) -> None:
    for model in desk.office.site.store.rglob("*.duckdb"):
        if "vault" not in model.name:
            model.unlink()
    with pytest.raises(InputError, match="not in the store") as gone:
        desk.define()
    assert "qe run" in gone.value.remedy


def test_defining_the_same_again_keeps_its_codes_and_records_nothing(desk: DataDesk) -> None:
    first = desk.define()
    again = desk.define()
    assert (again.staged.sha256, again.is_new) == (first.staged.sha256, False)
    assert len(desk.office.events("npa_defined")) == 1
    other = desk.define(topic="Another topic")
    assert other.is_new and not codes_in(dict(other.staged.files)) & codes_in(dict(first.staged.files))


def test_nothing_of_a_person_stands_in_the_ledger_or_in_the_clear_under_the_store(desk: DataDesk, paper: Path) -> None:
    desk.define("p1", kind="data_patient_identifiable", tables="claim")
    desk.release("p1")
    desk.ready(paper)
    desk.release()
    kept = [path.read_bytes() for path in desk.office.site.root.rglob("*") if path.is_file()]
    for last, _, _, _, _, _, mbi, bene_id in PEOPLE.values():
        assert not [1 for content in kept for trace in (last, mbi, bene_id) if trace.encode() in content]


def test_the_map_back_opens_with_the_key_of_the_vault_alone(desk: DataDesk) -> None:
    desk.define()
    site = desk.office.site
    (staged,) = (site.store / "staged").glob("data-*.duckdb")
    with pytest.raises(QeError), warehouse.open_read_only(staged, site.store_key(), engine=site.engine(), lock=False):
        pass
    assert read_staged(site, "d1").codes.filter(pl.col("kind") == "person").height == 4
    assert ON.isoformat() not in read_staged(site, "d1").files["README.txt"].decode()
