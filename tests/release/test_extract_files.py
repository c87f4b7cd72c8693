"""The files of a data release: the closed list of columns, and rows outside the result found in the bytes themselves."""

import csv
import io
import json
from collections.abc import Mapping
from decimal import Decimal

import polars as pl
import pytest

from qe.release.extract.behind_result import FOLDER, BehindResult
from qe.release.extract.files import dictionary, lay_out, persons_in

LINEAGE = pl.DataFrame({"kind": ["claim", "fill"], "claim_id": ["7", "7"], "person_id": ["1", "2"]})


def table(name: str, *rows: Mapping[str, object]) -> pl.DataFrame:
    """Rows of one table of a release; what is not given is empty."""
    lists = {"exclusion_reasons", "rule_ids", "modifiers", "ingredients"}
    schema = {column: pl.List(pl.String) if column in lists else pl.String for column in dictionary()[name]}
    return pl.DataFrame([{column: row.get(column) for column in schema} for row in rows], schema=schema)


def behind(**tables: pl.DataFrame) -> BehindResult:
    events = table("events", {"event_id": "7", "person_id": "1"}, {"event_id": "8", "person_id": "2"})
    return BehindResult(shares=(), tables={"events": events, **tables}, lineage=LINEAGE)


def files_of(found: BehindResult) -> dict[str, bytes]:
    return dict(lay_out(found, letter={"letter.txt": b"letter"}, about={"request_id": "r-1"}).files)


def test_rows_behind_the_result_are_none_outside_and_their_persons_are_counted_once() -> None:
    files = files_of(
        behind(
            claims=table("claims", {"claim_id": "7", "person_id": "1"}),
            claim_lines=table("claim_lines", *({"claim_id": "7", "person_id": "1"},) * 3),
            fills=table("fills", {"fill_id": "7", "person_id": "2"}),
        )
    )
    persons = persons_in(files, lineage=LINEAGE)
    assert (persons.identified, persons.outside_lineage) == (2, 0)


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("claims", {"claim_id": "9", "person_id": "1"}),  # a claim that no event rests on
        ("claims", {"claim_id": "7", "person_id": "2"}),  # the number is behind it, as another person's prescription
        ("fills", {"fill_id": "7", "person_id": "1"}),
        ("claim_lines", {"claim_id": "9", "person_id": "1"}),
        ("diagnoses", {"claim_id": "9", "person_id": "1"}),
        ("procedures", {"claim_id": "9", "person_id": "1"}),
        ("beneficiaries", {"person_id": "3", "last_name": "Nobody"}),
    ],
)
def test_each_row_that_is_not_behind_the_result_is_counted(name: str, row: dict[str, object]) -> None:
    files = files_of(behind(**{name: table(name, row, row)}))
    assert persons_in(files, lineage=LINEAGE).outside_lineage == 2


def test_a_column_that_the_dictionary_does_not_name_does_not_leave() -> None:
    claims = table("claims", {"claim_id": "7"}).with_columns(billing_tin=pl.lit("123456789"))
    with pytest.raises(ValueError, match="dictionary"):
        files_of(behind(claims=claims))


def test_every_table_has_its_query_or_is_made_of_the_events() -> None:
    assert {path.stem for path in FOLDER.glob("*.sql")} - {"medicare"} == set(dictionary()) - {
        "events", "event_claims", "beneficiaries",
    }  # fmt: skip


@pytest.mark.parametrize(
    "column", ["billing_tin", "rendering_tin", "mbi", "hicn", "ssn", "bene_id", "delivery_id", "source_id"]
)
def test_no_table_has_a_number_of_a_person_taxpayer_or_delivery(column: str) -> None:
    assert column not in {name for columns in dictionary().values() for name in columns}


def test_lists_are_joined_amounts_are_plain_and_no_text_is_a_formula() -> None:
    events = behind().tables["events"].head(1).with_columns(
        exclusion_reasons=pl.lit(["R4", "R6"]), amount=pl.lit(Decimal("-12.50")), runner_up=pl.lit("=1+1")
    )  # fmt: skip
    files = files_of(BehindResult(shares=(), tables={"events": events}, lineage=LINEAGE))
    (row,) = csv.DictReader(io.StringIO(files["events.csv"].decode()))
    assert (row["exclusion_reasons"], row["amount"], row["runner_up"]) == ("R4;R6", "-12.50", "'=1+1")


def test_the_manifest_names_every_other_file_with_its_rows() -> None:
    files = files_of(behind())
    manifest = json.loads(files["manifest.json"])
    assert manifest["request_id"] == "r-1"
    assert {name: told.get("rows") for name, told in manifest["files"].items()} == {
        "data_dictionary.csv": None, "events.csv": 2, "letter.txt": None,
    }  # fmt: skip
