"""Files whose lines stand beside each other, and facts that stand in a file's name alone."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from qe.errors import Findings
from qe.sources.layout import expand, layouts

PERSONS = "DESYNPUF_ID,BENE_BIRTH_DT,BENE_SEX_IDENT_CD,BENE_HI_CVRAGE_TOT_MONS,BENE_SMI_CVRAGE_TOT_MONS,BENE_HMO_CVRAGE_TOT_MONS"


def carrier(*changes: dict[str, str]) -> str:
    """A DE-SynPUF carrier file: all columns, rows of a fit claim with `changes`."""
    columns = layouts()["desynpuf_carrier"].columns
    header = ["DESYNPUF_ID", "CLM_ID", "CLM_FROM_DT", "CLM_THRU_DT", *expand("ICD9_DGNS_CD_1..8")[0]]
    header += [
        name
        for column in columns.values()
        if column.type in ("series", "amounts")
        for name in expand(column.from_[0])[0]
    ]
    fit = {
        "DESYNPUF_ID": "P",
        "CLM_ID": "1",
        "CLM_FROM_DT": "20090105",
        "CLM_THRU_DT": "20090105",
        "ICD9_DGNS_CD_1": "4019",
    }
    rows = [{**dict.fromkeys(header, ""), **fit, **change} for change in changes]
    return "\n".join([",".join(header), *(",".join(row.values()) for row in rows)]) + "\n"


@pytest.fixture
def synpuf(small_site: Any) -> Any:
    small_site.folder = small_site.add_source("synpuf", kind="desynpuf", start=date(2008, 1, 1), end=date(2010, 12, 31))
    return small_site


def test_places_of_lines_beside_each_other_are_kept_and_blank_ones_are_null(synpuf: Any) -> None:
    line = {"HCPCS_CD_3": "99213", "LINE_NCH_PMT_AMT_3": "50.00", "LINE_NCH_PMT_AMT_1": "0.00"}
    (synpuf.folder / "carrier.csv").write_text(carrier(line))
    [staged] = synpuf.receive()
    assert (staged.claims, staged.paid_amount) == (1, Decimal("50.00"))
    [(codes, paid, diagnoses)] = synpuf.rows(
        staged.database, "select line_codes, line_paid_amounts, diagnoses from staged_row"
    )
    assert codes == [None, None, "99213", *[None] * 10]
    assert paid == [Decimal("0.00"), None, Decimal("50.00"), *[None] * 10]
    assert [(one["code"], one["icd_version"]) for one in diagnoses] == [("4019", 9)]


def test_one_bad_amount_among_thirteen_makes_the_row_unfit(synpuf: Any) -> None:
    (synpuf.folder / "carrier.csv").write_text(carrier({}, {"CLM_ID": "2", "LINE_ALOWD_CHRG_AMT_13": "ten"}))
    [staged] = synpuf.receive()
    assert (staged.rows_accepted, staged.rows_quarantined) == (1, 1)
    found = synpuf.rows(staged.database, "select row_number, rule, column_name from quarantined_row")
    assert found == [(3, "bad-number", "LINE_ALOWD_CHRG_AMT_1..13")]


def test_the_year_of_a_yearly_file_is_read_from_its_published_name(synpuf: Any) -> None:
    (synpuf.folder / "DE1_0_2009_Beneficiary_Summary_File_Sample_1.csv").write_text(
        f"{PERSONS}\nP,19400101,1,12,12,0\n"
    )
    [staged] = synpuf.receive()
    assert synpuf.rows(staged.database, "select reference_year, part_a_months from staged_row") == [(2009, 12)]


def test_a_yearly_file_whose_name_tells_no_year_is_told_in_one_sentence(synpuf: Any) -> None:
    (synpuf.folder / "persons.csv").write_text(f"{PERSONS}\nP,19400101,1,12,12,0\n")
    with pytest.raises(Findings) as refused:
        synpuf.receive()
    assert [fault.message for fault in refused.value.faults] == [
        "persons.csv: its reference_year stands in no column, and its name does not tell it either"
    ]
