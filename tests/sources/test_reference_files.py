"""Real files: CMS's synthetic RIF in the BFD dialect, its MBSF in the official one, and a crosswalk of 11,001 rows."""

import json
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from qe.sources.layout import layouts
from qe.sources.reconcile import reconciliation_frame

pytestmark = pytest.mark.needs_reference

RIF = "medicare_rif_synthea_20bene"


@pytest.fixture
def real_site(small_site: Any, reference: Path) -> Any:
    """All claim files, the crosswalk and one of the eleven yearly beneficiary files."""
    folder = small_site.add_source("medicare", kind="ccw-rif", start=date(2011, 1, 1), end=date(2021, 12, 31))
    for file in sorted((reference / RIF).glob("*.csv")):
        if not file.name.startswith("beneficiary_20") or file.name == "beneficiary_2013.csv":
            shutil.copy(file, folder)
    return small_site


def test_the_reference_rif_gives_its_known_claims_and_payments(real_site: Any) -> None:
    staged = real_site.receive()
    frame = reconciliation_frame(staged, {})

    found = {
        row["file_type"]: (row["rows_read"], row["claims"], row["paid_amount"])
        for row in frame.iter_rows(named=True)
        if row["claims"] is not None
    }
    assert found == {
        "rif_inpatient": (41, 41, Decimal("202896.75")),
        "rif_outpatient": (1305, 1110, Decimal("1603706.33")),
        "rif_snf": (638, 6, Decimal("279304.64")),  # header once a claim; summed over rows it would be 63.4 million
        "rif_hha": (11, 10, Decimal("5783.91")),
        "rif_hospice": (284, 9, Decimal("127355.75")),
        "rif_carrier": (1997, 179, Decimal("261647.95")),  # from lines; headers over rows would be 4,611,087
        "rif_dme": (4, 4, Decimal("138.50")),
        "rif_pde": (984, 984, Decimal("52035.07")),
    }
    assert frame["rows_quarantined"].sum() == 0
    assert (frame["rows_read"] == frame["rows_accepted"]).all()
    assert sorted(frame["file_type"])[:2] == ["crosswalk", "rif_beneficiary"]
    assert {one.file.staged_as for one in staged if one.in_vault} == {"crosswalk"}

    beneficiary = next(one for one in staged if one.file.name == "beneficiary_2013.csv")
    months = real_site.rows(
        beneficiary.database, "select part_c_contract from staged_row where native_person_id = '-1000019'"
    )
    assert months == [(["Y0006"] * 12,)]  # managed care shows in the PTC fields only
    columns = {row[0] for row in real_site.rows(beneficiary.database, "select column_name from (describe staged_row)")}
    assert columns.isdisjoint({"mbi", "hicn", "last_name", "first_name", "middle_name"})
    identity = real_site.rows(
        beneficiary.vault_database, "select last_name, mbi from identity_row where row_number = 2", vault=True
    )
    assert len(identity) == 1


def test_a_second_receive_reads_the_staged_files_and_gives_the_same(real_site: Any, reference: Path) -> None:
    real_site.sources["medicare"]["path"] = str(reference / RIF / "inpatient.csv")
    first = real_site.receive()
    before = {path: path.stat().st_mtime_ns for path in real_site.root.rglob("*.duckdb")}
    assert real_site.receive() == first
    assert {path: path.stat().st_mtime_ns for path in real_site.root.rglob("*.duckdb")} == before


def test_the_crosswalk_of_11001_persons_loads_under_the_vault_key(small_site: Any, reference: Path) -> None:
    folder = small_site.add_source("people", kind="ccw-rif")
    shutil.copy(reference / "medicare_crosswalk_11k" / "benes_crosswalk_11k.csv", folder)
    shutil.copy(reference / "medicare_crosswalk_11k" / "SYNTHETIC_BENE_XREF.csv", folder)
    staged = {one.file.layout: one for one in small_site.receive()}
    assert staged["crosswalk"].rows_accepted == 11_001
    assert staged["crossreference"].rows_accepted == 1_049
    assert staged["crosswalk"].in_vault
    merged = small_site.rows(
        staged["crosswalk"].database,
        "select count(*) from staged_row where surrogate_key <> crossreference_key",
        vault=True,
    )
    assert merged == [(18,)]


def test_the_official_header_of_185_columns_is_a_beneficiary_summary(reference: Path) -> None:
    header = (reference / "layouts" / "mbsf_abcd_2022_official_header.txt").read_text().strip().upper()
    matching = [layout.id for layout in layouts().values() if layout.matches(frozenset(header.split("|")))]
    assert matching == ["rif_beneficiary"]


def test_every_column_of_the_official_claim_layouts_stands_in_the_codebook(reference: Path) -> None:
    codebook = set(json.loads((reference / "layouts" / "ccw_codebook_values.json").read_text()))
    bfd_only = {"FINAL_ACTION", "MBI_NUM"}
    for layout in layouts().values():
        if layout.id.startswith(
            ("rif_in", "rif_out", "rif_snf", "rif_hha", "rif_hos", "rif_car", "rif_dme", "rif_pde")
        ):
            missing = [name for name in layout.required if not set(layout.columns[name].from_) & codebook]
            unknown = [
                name
                for name, column in layout.columns.items()
                if column.from_ and not (set(column.from_) & (codebook | bfd_only))
            ]
            assert [name for name in missing if not layout.columns[name].constant] == [], layout.id
            assert unknown == [], layout.id
