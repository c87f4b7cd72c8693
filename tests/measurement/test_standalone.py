"""One module on a claims model given as files: typed, faults told by column and row, written in the clear."""

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from qe.errors import InputError, MeasureError, Refused
from qe.measurement import detail, read_files, standalone
from qe.measurement.measure import load
from qe.warehouse import Warehouse

Write = Callable[..., Path]
CLAIM = (
    "claim_id,person_id,payer_id,claim_type,from_date,thru_date,admit_date,discharge_date,bill_type,frequency_code,"
    "facility_id,facility_type,paid_status,discharge_status\n"
)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Two people as CSV: person 1 with two stays of 2024, person 2 with one."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "person.csv").write_text("person_id,birth_date,death_date,sex\n1,1950-01-01,,2\n2,1950-01-01,,1\n")
    stays = [("C1", "1", "2024-03-01"), ("C2", "1", "2024-06-01"), ("C3", "2", "2024-02-29")]
    rows = [
        f"{claim},{person},M,inpatient,{day},{day},{day},{day},111,1,U000001,short_term,paid,01"
        for claim, person, day in stays
    ]
    (folder / "claim.csv").write_text(CLAIM + "\n".join(rows) + "\n")
    codes = ["C1,1,principal,J189,10", "C2,1,principal,J189,10", "C3,1,principal,I509,10"]
    (folder / "claim_diagnosis.csv").write_text("claim_id,sequence,kind,code,icd_version\n" + "\n".join(codes) + "\n")
    months = [
        {
            "person_id": person,
            "month": date(2024 + n // 12, n % 12 + 1, 1),
            "payer_id": "M",
            "payer_type": "medicare",
            "medical": True,
        }
        for person in (1, 2)
        for n in range(14)
    ]
    pl.DataFrame(months).write_parquet(folder / "member_month.parquet")
    return folder


def _compute(files: Path, out: Path, folder: Path, **options: object) -> standalone.ComputedFiles:
    chosen: dict[str, object] = {"start": date(2024, 1, 1), "end": date(2024, 12, 31), "parameters": {}} | options
    return standalone.compute_on_files(load(folder), model=files, out=out, **chosen)  # type: ignore[arg-type]


def test_detail_and_summary_are_written_with_the_contracts_columns_and_totals(
    files: Path, tmp_path: Path, second_stay: Write
) -> None:
    written = _compute(files, tmp_path / "new" / "out", second_stay())
    rows = pl.read_parquet(written.detail)
    assert rows.columns[:14] == list(detail.CONTRACT_COLUMNS)
    assert rows.select("event_id", "provider_id", "in_numerator", "exclusion_reasons", "driving_claim_ids").rows() == [
        ("1", "U000001", True, [], ["C1", "C2"]),
        ("2", "U000001", False, ["R3"], ["C3"]),
    ]
    assert json.loads(written.summary.read_text()) == {
        "module": "second_stay",
        "version": "1.0.0",
        "period": {"start": "2024-01-01", "end": "2024-12-31"},
        "parameters": {"min_age": 18},
        "attribution": None,
        "measures": [
            {
                "measure_id": "second_stay", "denominator": 1, "excluded": {"R3": 1}, "numerator": 1, "observed": 1.0,
                "exposure": 1, "kind": "standard", "deviations": [],
                "coverage": {
                    "first_month": "2024-01-01", "last_day": "2025-02-28", "has_look_back": True, "has_run_out": True,
                    "value_sets": "whole", "missing_lists": [],
                },
            }
        ],
    }  # fmt: skip
    assert written.warnings == (standalone.IN_THE_CLEAR,)


def test_an_attribution_is_written_beside_the_detail(files: Path, tmp_path: Path, second_stay: Write) -> None:
    written = _compute(files, tmp_path / "out", second_stay(), attribution="index_facility")
    rows = pl.read_parquet(tmp_path / "out" / "attribution.parquet")
    assert rows.columns == list(detail.ATTRIBUTION_COLUMNS)
    assert rows.select("person_id", "unit_type", "unit_id").rows() == [
        ("1", "facility", "U000001"),
        ("2", "facility", "U000001"),
    ]
    assert pl.read_parquet(written.detail)["attribution_step"].to_list() == [1, 1]


def test_data_that_end_before_the_run_out_are_warned_of_and_computed(
    files: Path, tmp_path: Path, second_stay: Write
) -> None:
    later = {"start": date(2024, 4, 1), "end": date(2025, 3, 31)}
    written = _compute(files, tmp_path / "out", second_stay(), **later)
    assert "needs 30 days after the period" in written.warnings[0]
    assert json.loads(written.summary.read_text())["measures"][0]["kind"] == "alternative"


def test_a_folder_inside_a_site_is_refused_and_nothing_is_written(
    files: Path, tmp_path: Path, second_stay: Write
) -> None:
    site = tmp_path / "site"
    (site / "store").mkdir(parents=True)
    (site / "qe.toml").write_text("")
    with pytest.raises(Refused, match="out lies inside a site"):
        _compute(files, site / "store" / "out", second_stay())
    assert not (site / "store" / "out").exists()


def test_a_period_that_ends_before_it_starts_is_refused(files: Path, tmp_path: Path, second_stay: Write) -> None:
    with pytest.raises(InputError, match="ends before it starts"):
        _compute(files, tmp_path / "out", second_stay(), end=date(2023, 12, 31))


def test_an_unknown_parameter_is_refused(files: Path, tmp_path: Path, second_stay: Write) -> None:
    with pytest.raises(MeasureError, match='unknown parameter "max_age"'):
        _compute(files, tmp_path / "out", second_stay(), parameters={"max_age": "3"})


def test_csv_values_are_read_as_the_models_types(tmp_path: Path, model_db: Warehouse) -> None:
    (tmp_path / "pharmacy_fill.csv").write_text(
        "fill_id,person_id,fill_date,ingredient,days_supply,quantity,allowed_amount,repriced\n"
        "F1,1,2024-02-29,ATORVASTATIN;EZETIMIBE,30,30.5,1234.50,1\nF2,1,2024-03-01,,,,,false\n"
    )
    (tmp_path / "member_month.csv").write_text("person_id,month,part_a,part_b\n1,2024-01-01,true,0\n")
    assert read_files.load(model_db, tmp_path) == []
    columns = "fill_id, fill_date, ingredients, days_supply, quantity, allowed_amount, repriced, paid_amount"
    assert model_db.query(f"select {columns} from pharmacy_fill order by fill_id").rows() == [
        ("F1", date(2024, 2, 29), ["ATORVASTATIN", "EZETIMIBE"], 30, Decimal("30.500"), Decimal("1234.50"), True, None),
        ("F2", date(2024, 3, 1), None, None, None, None, False, None),
    ]
    assert model_db.query("select person_id, part_a, part_b, hospice from member_month").rows() == [
        ("1", True, False, None)
    ]


def test_parquet_ids_may_be_numbers_and_amounts_doubles(tmp_path: Path, model_db: Warehouse) -> None:
    rows = {
        "claim_id": [7],
        "person_id": [1],
        "allowed_amount": [12.34],
        "from_date": [date(2024, 1, 2)],
        "covered_days": ["3"],
    }
    pl.DataFrame(rows).write_parquet(tmp_path / "claim.parquet")
    read_files.load(model_db, tmp_path)
    assert model_db.query("select claim_id, person_id, allowed_amount, from_date, covered_days from claim").rows() == [
        ("7", "1", Decimal("12.34"), date(2024, 1, 2), 3)
    ]


def test_all_faults_of_all_files_are_told_by_column_and_row_and_without_a_value(
    tmp_path: Path, model_db: Warehouse
) -> None:
    (tmp_path / "person.csv").write_text(
        "person_id,birth_date\n1,1950-01-01\n2,01/02/1950\n3,1950-13-01\n,1950-01-01\n"
    )
    (tmp_path / "claim.csv").write_text("person_id,from_date\n1,2024-01-01\n")
    (tmp_path / "drug.csv").write_text("ndc\n1\n")
    pl.DataFrame({"ndc": ["1"]}).write_parquet(tmp_path / "drug.parquet")
    with pytest.raises(InputError) as caught:
        read_files.load(model_db, tmp_path)
    assert sorted(fault.message for fault in caught.value.faults) == [
        "both drug.parquet and drug.csv are there",
        "claim.csv: the column claim_id is missing",
        "person.csv: birth_date is not a value of its type in 2 of 4 rows (first: rows 3, 4)",
        "person.csv: person_id is empty in 1 rows",
    ]


def test_files_and_columns_that_are_not_read_are_warned_of(tmp_path: Path, model_db: Warehouse) -> None:
    (tmp_path / "persons.csv").write_text("person_id\n1\n")
    (tmp_path / "person.csv").write_text("person_id,birthdate\n1,1950-01-01\n")
    assert read_files.load(model_db, tmp_path) == [
        'persons.csv is not a table of the claims model and was not read; did you mean "person"?',
        'person.csv: column "birthdate" was not read; did you mean "birth_date"?',
    ]
