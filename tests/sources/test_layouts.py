"""Layout files: closed, complete, and no header fits two of them."""

from pathlib import Path

import pytest

from qe.errors import InputError
from qe.sources.layout import expand, layouts, load

SHIPPED = [
    "rif_inpatient",
    "rif_outpatient",
    "rif_snf",
    "rif_hha",
    "rif_hospice",
    "rif_carrier",
    "rif_dme",
    "rif_pde",
    "rif_beneficiary",
    "crosswalk",
    "crosswalk_by_position",
    "crossreference",
    "cdl_eligibility",
    "cdl_medical",
    "cdl_pharmacy",
    "cdl_provider",
    "ccw_institutional_base",
    "ccw_institutional_line",
    "ccw_professional_base",
    "ccw_professional_line",
    "lds_institutional_base",
    "lds_institutional_line",
    "lds_professional_base",
    "lds_professional_line",
    "desynpuf_beneficiary",
    "desynpuf_inpatient",
    "desynpuf_outpatient",
    "desynpuf_carrier",
    "desynpuf_pde",
    "tuva_eligibility",
    "tuva_medical",
    "tuva_medical_2023",
    "tuva_pharmacy",
    "roster",
    "contacts",
    "drugs",
    "hospital_stays",
    "model_person",
    "model_member_month",
    "model_claim",
    "model_claim_line",
    "model_claim_diagnosis",
    "model_claim_procedure",
    "model_pharmacy_fill",
    "model_provider",
    "model_provider_identifier",
    "model_affiliation",
]


def test_there_is_a_layout_for_every_type_of_file() -> None:
    assert sorted(layouts()) == sorted(SHIPPED)


@pytest.mark.parametrize("layout_id", sorted(set(SHIPPED) - {"crosswalk_by_position"}))
@pytest.mark.parametrize("alternative", [0, -1])
def test_a_header_of_all_columns_of_a_layout_fits_that_layout_alone(layout_id: str, alternative: int) -> None:
    """Both spellings of every column: the first is the official one, the last the other dialect's."""
    layout = layouts()[layout_id]
    header = {
        name
        for column in layout.columns.values()
        if column.from_
        for name in column.alternatives()[alternative if column.type != "codes" else 0]
    }
    fitting = [
        other.id
        for other in layouts().values()
        if other.header != "none" and set(other.kinds) & set(layout.kinds) and other.matches(frozenset(header))
    ]
    assert fitting == [layout_id]


def test_a_run_of_columns_keeps_the_width_of_its_first_number() -> None:
    assert expand("HMO_IND_01..03") == [("HMO_IND_01", "HMO_IND_02", "HMO_IND_03")]
    assert expand("HMO_9..11_IND") == [("HMO_9_IND", "HMO_10_IND", "HMO_11_IND")]


def test_months_are_read_with_sep_and_with_sept() -> None:
    short, long = expand("PTC_{MON}_ID")
    assert (short[8], long[8]) == ("PTC_SEP_ID", "PTC_SEPT_ID")
    assert short[:8] == long[:8]


def test_unknown_keys_of_a_layout_are_all_told_with_a_suggestion(tmp_path: Path) -> None:
    file = tmp_path / "odd.toml"
    file.write_text(
        'id = "odd"\ntitle = "odd"\nkinds = ["roster"]\nstaged_as = "roster"\ndelimitrs = [","]\nrequired = ["npi"]\n'
        '[columns]\nnpi = { from = ["npi"], type = "code", pads = 3 }\n'
    )
    with pytest.raises(InputError) as told:
        load(file)
    assert "delimitrs" in str(told.value)
    assert 'did you mean "delimiters"' in str(told.value)
    assert "pads" in str(told.value)


def test_a_layout_that_requires_a_column_it_does_not_have_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "odd.toml"
    file.write_text(
        'id = "odd"\ntitle = "odd"\nkinds = ["roster"]\nstaged_as = "roster"\ndelimiters = [","]\nrequired = ["tin"]\n'
        '[columns]\nnpi = { from = ["npi"], type = "code" }\n'
    )
    with pytest.raises(InputError, match='required column "tin" is not among the columns'):
        load(file)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (
            'day = { from = ["day"], type = "date", not_before = "start" }',
            'column "day" goes by "start", which is no date',
        ),
        ('day = { from = ["day"], type = "text", not_before = "day" }', '"not_before" is of a date'),
        ('number = { from = ["number"], type = "text", least = 1 }', '"least" is of a number'),
        (
            'number = { absent = true, type = "integer", least = 1 }',
            '"least" and "not_before" are of a column of the file',
        ),
    ],
)
def test_a_rule_of_a_row_that_could_not_be_judged_is_refused(tmp_path: Path, columns: str, said: str) -> None:
    path = tmp_path / "small.toml"
    path.write_text(
        'id = "small"\ntitle = "Small"\nstaged_as = "roster"\nkinds = ["roster"]\ndelimiters = [","]\n'
        f'required = ["{columns.split()[0]}"]\n[columns]\n{columns}\n'
    )
    with pytest.raises(InputError) as told:
        load(path)
    assert said in str(told.value)
