"""Claim headers and claim lines in two files: joined by claim type and number, orphans told, nothing lost, nothing doubled."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from qe.claims.load import ClaimsModel, build_model
from qe.claims.quality import assess, require_none_stops
from qe.errors import Findings
from qe.progress import Silent
from qe.site import QualityTable, Site
from qe.sources.manifest import StagedFile
from qe.sources.receive import receive

INSTITUTIONAL_BASE = (
    "DESY_SORT_KEY,CLAIM_NO,PRVDR_NUM,CLM_THRU_DT,NCH_CLM_TYPE_CD,CLM_FAC_TYPE_CD,CLM_SRVC_CLSFCTN_TYPE_CD,CLM_FREQ_CD,"
    "CLM_PMT_AMT,CLM_ADMSN_DT,CLM_DRG_CD,PRNCPAL_DGNS_CD,ICD_DGNS_CD1,ICD_DGNS_CD2"
)
INSTITUTIONAL_LINE = "DSYSRTKY,CLAIMNO,CLM_LN,THRU_DT,CLM_TYPE,REV_CNTR,HCPCS_CD,REV_CHRG"
PROFESSIONAL_BASE = (
    "BENE_ID|CLM_ID|CLM_THRU_DT|NCH_CLM_TYPE_CD|CLM_FROM_DT|CLM_PMT_AMT|NCH_CARR_CLM_ALOWD_AMT|ICD_DGNS_CD1"
)
PROFESSIONAL_LINE = (
    "BENE_ID|CLM_ID|LINE_NUM|CLM_THRU_DT|NCH_CLM_TYPE_CD|PRF_PHYSN_NPI|PRVDR_SPCLTY|TAX_NUM|HCPCS_CD|LINE_NCH_PMT_AMT|"
    "LINE_ALOWD_CHRG_AMT"
)

# The number 7 is an inpatient claim, an outpatient claim and, in another year, a second outpatient claim.
BASE = (
    "1,7,330001,20250310,60,1,1,1,9000.00,20250305,291,I5020,I5020,E119",
    "2,7,330001,20250312,40,1,3,1,150.00,,,Z0000,Z0000,",
    "2,7,330001,20240312,40,1,3,1,80.00,,,Z0000,Z0000,",
    "3,8,330001,20250401,40,1,3,1,60.00,,,Z0000,Z0000,",
)
LINES = (
    "1,7,1,20250310,60,0120,,8000.00",
    "1,7,2,20250310,60,0250,,1000.00",
    "2,7,1,20250312,40,0450,G0383,300.00",
    "2,7,1,20240312,40,0510,99213,100.00",
    "2,9,1,20250312,40,0510,99213,100.00",
)


def write(folder: Path, name: str, header: str, *rows: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n".join([header, *rows]) + "\n")


@pytest.fixture
def folder(yard: Any) -> Path:
    """The folder of one Medicare source; the others are taken out of the settings."""
    source = yard.site.settings.sources["medicare"].model_copy(update={"path": "inbox/medicare"})
    settings = yard.site.settings.model_copy(update={"sources": {"medicare": source}})
    yard.site = Site(root=yard.site.root, settings=settings)
    return Path(yard.site.root / "inbox" / "medicare")


def received(yard: Any) -> list[StagedFile]:
    return receive(yard.site, store_key=yard.store_key, vault_key=yard.vault_key, progress=Silent())


def built(yard: Any) -> ClaimsModel:
    yard.staged = received(yard)
    return build_model(yard.site, yard.staged, store_key=yard.store_key, vault_key=yard.vault_key, progress=Silent())


def fates(model: ClaimsModel) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in model.row_fates.iter_rows(named=True):
        counts[row["fate"]] = counts.get(row["fate"], 0) + row["rows"]
    return counts


NO_PERSONS_FILE = {name: QualityTable(severity="warn") for name in ("unknown_person", "unknown_birth_date")}
CLAIMS = (
    "select claim.claim_type, claim.from_date, claim.thru_date, claim.paid_amount, count(line_number) as lines from claim "
    "left join claim_line using (claim_id) where claim.superseded_by is null group by all order by 1, 3"
)


def test_a_number_is_one_claim_within_its_type_and_year_and_takes_its_own_lines_alone(yard: Any, folder: Path) -> None:
    write(folder, "base.csv", INSTITUTIONAL_BASE, *BASE)
    write(folder, "revenue.csv", INSTITUTIONAL_LINE, *LINES)
    model = built(yard)
    with yard.examined() as db:
        found = db.query(CLAIMS).rows()
        codes = db.query("select hcpcs from claim_line where hcpcs is not null order by from_date, hcpcs").rows()
        diagnoses = db.query(
            "select code, kind from claim_diagnosis where claim_type = 'inpatient' order by sequence"
        ).rows()
        warnings = {fault.place: fault.count for fault in require_none_stops(assess(db, NO_PERSONS_FILE))}
    admitted = date(2025, 3, 5)
    assert found == [
        ("inpatient", admitted, date(2025, 3, 10), Decimal("9000.00"), 2),
        ("outpatient", date(2024, 3, 12), date(2024, 3, 12), Decimal("80.00"), 1),
        ("outpatient", date(2025, 3, 12), date(2025, 3, 12), Decimal("150.00"), 1),
        ("outpatient", date(2025, 4, 1), date(2025, 4, 1), Decimal("60.00"), 0),  # no line of claim 8 came
    ]
    assert codes == [("99213",), ("G0383",)]
    assert diagnoses == [("I5020", "principal"), ("E119", "other")]
    assert fates(model) == {"kept": 8, "orphan": 1}  # 4 headers, 4 lines; the line of claim 9
    assert warnings["line_without_header"] == 1
    assert warnings["header_without_line"] == 1


def test_carrier_claims_are_paid_by_their_lines_and_a_claim_sent_twice_in_one_folder_counts_once(
    yard: Any, folder: Path
) -> None:
    write(
        folder,
        "carrier_base.csv",
        PROFESSIONAL_BASE,
        "A|c1|10-Mar-2025|71|10-Mar-2025|110.00|140.00|E119",
        "A|c1|10-Mar-2025|71|10-Mar-2025|110.00|140.00|E119",
        "B|c2|11-Mar-2025|82|11-Mar-2025|20.00|25.00|E119",
    )
    write(
        folder,
        "carrier_line.csv",
        PROFESSIONAL_LINE,
        "A|c1|1|10-Mar-2025|71|9999900002|11|001234567|99213|70.00|90.00",
        "A|c1|2|10-Mar-2025|71|9999900002|11|001234567|G0103|40.00|50.00",
        "A|c1|2|10-Mar-2025|71|9999900002|11|001234567|G0103|40.00|50.00",
        "B|c2|1|11-Mar-2025|82|9999900010||001234567|E0601|20.00|25.00",
    )
    model = built(yard)
    with yard.opened() as db:
        claims = db.query("select claim_type, paid_amount, allowed_amount from claim order by 1").rows()
        visit = db.query("select specialty, allowed_amount from visit where hcpcs = '99213'").rows()
    assert claims == [
        ("dme", Decimal("20.00"), Decimal("25.00")),
        ("professional", Decimal("110.00"), Decimal("140.00")),  # 70 + 40, 90 + 50
    ]
    assert visit == [("11", Decimal("90.00"))]
    assert fates(model) == {"kept": 5, "older_version": 2}


def test_a_later_folder_supersedes_the_whole_claim_headers_and_lines(yard: Any, folder: Path) -> None:
    write(folder / "2025-05-01", "base.csv", INSTITUTIONAL_BASE, *BASE[:2])
    write(folder / "2025-05-01", "revenue.csv", INSTITUTIONAL_LINE, *LINES[:3])
    write(folder / "2025-08-01", "base_2.csv", INSTITUTIONAL_BASE, BASE[0].replace("9000.00", "9500.00"))
    write(folder / "2025-08-01", "revenue_2.csv", INSTITUTIONAL_LINE, LINES[0])
    model = built(yard)
    with yard.opened() as db:
        found = db.query(CLAIMS).rows()
    assert [(kind, paid, lines) for kind, _, _, paid, lines in found] == [
        ("inpatient", Decimal("9500.00"), 1),
        ("outpatient", Decimal("150.00"), 1),
    ]
    assert fates(model) == {"kept": 4, "superseded": 3}  # the first header of claim 7 and its two lines


def test_two_versions_of_a_claim_in_one_folder_are_not_mixed(yard: Any, folder: Path) -> None:
    write(folder, "a_base.csv", INSTITUTIONAL_BASE, *BASE[:2])
    write(folder, "a_revenue.csv", INSTITUTIONAL_LINE, *LINES[:3])
    write(folder, "b_base.csv", INSTITUTIONAL_BASE, BASE[0].replace("9000.00", "8000.00"))
    write(folder, "b_revenue.csv", INSTITUTIONAL_LINE, LINES[0])  # without the drug of line 2
    model = built(yard)
    with yard.opened() as db:
        found = db.query(CLAIMS).rows()
        charges = db.query("select revenue_code from claim_line where claim_type = 'inpatient'").rows()
    assert [(kind, paid, lines) for kind, _, _, paid, lines in found] == [
        ("inpatient", Decimal("8000.00"), 1),
        ("outpatient", Decimal("150.00"), 1),
    ]
    assert charges == [("0120",)]
    assert fates(model) == {"kept": 4, "older_version": 3}


def test_lines_of_a_claim_in_two_files_of_one_folder_are_all_its_lines(yard: Any, folder: Path) -> None:
    write(folder, "base.csv", INSTITUTIONAL_BASE, *BASE[:2])
    write(folder, "revenue_1.csv", INSTITUTIONAL_LINE, LINES[0])
    write(folder, "revenue_2.csv", INSTITUTIONAL_LINE, *LINES[1:3])
    model = built(yard)
    with yard.opened() as db:
        assert [(row[0], row[4]) for row in db.query(CLAIMS).rows()] == [("inpatient", 2), ("outpatient", 1)]
    assert fates(model) == {"kept": 5}


def refusals(yard: Any) -> list[tuple[str, str]]:
    with pytest.raises(Findings) as refused:
        received(yard)
    return [(fault.code, fault.message) for fault in refused.value.faults]


def test_headers_without_a_file_of_their_lines_stop_with_one_sentence(yard: Any, folder: Path) -> None:
    write(folder, "base.csv", INSTITUTIONAL_BASE, *BASE)
    assert refusals(yard) == [
        (
            "missing-line-file",
            "base.csv: holds claim headers of type inpatient, outpatient, and no file in its folder holds their claim lines",
        )
    ]


def test_lines_without_a_file_of_their_headers_stop_with_one_sentence(yard: Any, folder: Path) -> None:
    write(folder / "1", "base.csv", INSTITUTIONAL_BASE, *BASE[1:])
    write(folder / "1", "revenue.csv", INSTITUTIONAL_LINE, *LINES)
    assert refusals(yard) == [
        (
            "missing-base-file",
            "revenue.csv: holds claim lines of type inpatient, and no file in its folder holds their claim headers",
        )
    ]


def test_a_missing_half_may_be_accepted_by_name_and_is_marked(yard: Any, folder: Path) -> None:
    write(folder, "base.csv", INSTITUTIONAL_BASE, *BASE)
    sources = {
        name: source.model_copy(update={"accept_unreconciled": ["base.csv"]})
        for name, source in yard.site.settings.sources.items()
    }
    yard.site = Site(root=yard.site.root, settings=yard.site.settings.model_copy(update={"sources": sources}))
    assert [one.status for one in received(yard)] == ["accepted_unreconciled"]
    assert fates(built(yard)) == {"kept": 4}


def test_a_claim_type_of_no_table_makes_the_row_unfit(yard: Any, folder: Path) -> None:
    write(folder, "base.csv", INSTITUTIONAL_BASE, *BASE, BASE[3].replace(",40,", ",99,"))
    write(folder, "revenue.csv", INSTITUTIONAL_LINE, *LINES)
    assert [(one.rows_read, one.rows_quarantined) for one in received(yard)] == [(5, 1), (5, 0)]
