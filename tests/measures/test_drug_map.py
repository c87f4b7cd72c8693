"""Files with NDCs and a drug map, as an analyst brings them: classes by ingredient, and fills that no map holds told."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from qe.measurement.measure import Module
from qe.measurement.standalone import ComputedFiles, compute_on_files

FILLS = """fill_id,person_id,fill_date,ndc,days_supply,allowed_amount,payer_id,payer_type
F1,P1,2024-01-01,00000000001,90,30.00,M,medicare
F2,P1,2024-03-31,00000000001,90,30.00,M,medicare
F3,P1,2024-05-01,00000000009,30,140.00,M,medicare
F4,P1,2023-12-31,00000000009,30,500.00,M,medicare
"""
DRUGS = """ndc,ingredients,brand_generic,effective_from,effective_to
00000000001,AMLODIPINE;ATORVASTATIN CALCIUM,G,2000-01-01,2024-02-29
00000000001,ATORVASTATIN,G,2024-03-01,
"""


@pytest.fixture
def computed(tmp_path: Path, modules: Callable[[str], Module]) -> Callable[[str], ComputedFiles]:
    """A module run on P1's fills: two of an NDC that the map holds, one in the year and one before it that it does not."""
    model = tmp_path / "model"
    model.mkdir()
    (model / "person.csv").write_text("person_id,birth_date,sex\nP1,1950-06-15,1\n")
    (model / "pharmacy_fill.csv").write_text(FILLS)
    (model / "drug.csv").write_text(DRUGS)
    months = "".join(f"P1,2024-{month:02}-01,M,medicare,true,true\n" for month in range(1, 13))
    (model / "member_month.csv").write_text("person_id,month,payer_id,payer_type,medical,pharmacy\n" + months)

    def run(module_id: str) -> ComputedFiles:
        return compute_on_files(
            modules(module_id),
            model=model,
            start=date(2024, 1, 1),
            end=date(2024, 12, 31),
            out=tmp_path / module_id,
            parameters={},
        )

    return run


def test_an_ndc_belongs_to_the_classes_of_its_ingredients_in_the_map_given(
    computed: Callable[[str], ComputedFiles],
) -> None:
    rows = pl.read_parquet(computed("pdc_statins").detail)
    assert rows.select("person_id", "days_covered", "driving_claim_ids").rows() == [("P1", 90 + 90, ["F1", "F2"])]


def test_fills_that_no_map_holds_are_told_with_share_and_dollars(computed: Callable[[str], ComputedFiles]) -> None:
    written = computed("pdc_statins")
    assert json.loads(written.summary.read_text())["unmapped_fills"] == {
        "fills": 3,
        "unmapped": 1,
        "share": 0.333333,
        "allowed_amount": 30.0 + 30.0 + 140.0,
        "unmapped_amount": 140.0,
        "share_of_amount": 0.7,
    }
    assert (
        "pdc_statins: 1 of 3 fills of the period stand in no drug map and belong to no class of drugs;"
        " $140.00 of $200.00 were allowed for them"
    ) in written.warnings


def test_a_measure_that_reads_no_fills_tells_nothing_of_them(computed: Callable[[str], ComputedFiles]) -> None:
    assert "unmapped_fills" not in json.loads(computed("hwr").summary.read_text())
