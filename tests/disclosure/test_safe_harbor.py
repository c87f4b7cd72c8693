"""De-identified data and their check: years, states, ages to 90, fresh codes; nothing else passes (45 CFR 164.514(b)(2))."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qe.disclosure.deidentify import ReleaseCodes, coded, deidentified
from qe.disclosure.released_columns import released_columns
from qe.disclosure.safe_harbor import faults
from qe.errors import InputError

AS_OF = date(2025, 12, 31)
PERSONS = pl.DataFrame(
    {
        "person_id": ["1", "2", "3"],
        "birth_date": [date(1950, 12, 31), date(1935, 1, 1), date(1936, 1, 1)],  # 75; 90; 89 on 31 December 2025
        "death_date": [None, date(2025, 3, 4), None],
        "sex": [1, 2, 0],
        "race": ["1", "2", "3"],
        "zip5": ["43001", "43002", "43003"],
        "county_fips": ["39049", "39049", "01001"],
    }
)
CLAIMS = pl.DataFrame(
    {
        "claim_id": ["11", "12"],
        "source_id": ["medicare", "plan_a"],
        "person_id": ["1", "3"],
        "payer_type": ["medicare", "commercial"],
        "claim_type": ["inpatient", "professional"],
        "from_date": [date(2025, 5, 6), date(2024, 7, 8)],
        "facility_id": ["360001", None],
        "billing_npi": ["1234567893", "1234567893"],
        "billing_tin": ["123456789", "123456789"],
        "paid_amount": [Decimal("12.50"), Decimal("-3.00")],
    }
)


def released() -> dict[str, pl.DataFrame]:
    return deidentified({"person": PERSONS, "claim": CLAIMS}, as_of=AS_OF, codes=ReleaseCodes())


def test_dates_become_years_places_states_and_ages_over_89_one_class() -> None:
    person = released()["person"].sort("age")
    assert person.columns == ["person_code", "age", "death_year", "sex", "state_fips"]
    assert person.select("age", "death_year", "sex", "state_fips").rows() == [
        (75, None, 1, "39"),
        (89, None, 0, "01"),
        (90, 2025, 2, "39"),
    ]


def test_the_same_person_claim_and_provider_have_one_code_in_a_release_and_another_in_the_next() -> None:
    one, other = released(), released()
    claim, person = one["claim"], one["person"]
    assert set(claim["person_code"]) < set(person["person_code"])
    assert claim["billing_code"].n_unique() == 1
    codes = {*person["person_code"], *claim["claim_code"], *claim["billing_code"], *claim["facility_code"].drop_nulls()}
    assert len(codes) == 3 + 2 + 1 + 1
    again = {*other["person"]["person_code"], *other["claim"]["claim_code"], *other["claim"]["billing_code"]}
    assert not codes & again


def test_patients_data_keep_days_and_places_and_stand_in_the_order_of_their_random_codes() -> None:
    many = pl.concat([CLAIMS] * 25).with_columns(claim_id=pl.int_range(50).cast(pl.String))
    tables = coded({"person": PERSONS, "claim": many}, codes=ReleaseCodes())
    assert tables["person"].columns == ["person_code", "birth_date", "death_date", "sex", "county_fips"]
    assert set(tables["person"]["birth_date"]) == {date(1950, 12, 31), date(1935, 1, 1), date(1936, 1, 1)}
    claim = tables["claim"]
    assert claim.columns[:4] == ["claim_code", "person_code", "payer_type", "claim_type"]
    assert claim["claim_code"].to_list() == sorted(set(claim["claim_code"]))
    assert claim["billing_code"].n_unique() == 1 and "billing_npi" not in claim.columns


def test_the_codes_lead_back_through_their_map_alone() -> None:
    codes = ReleaseCodes()
    person = deidentified({"person": PERSONS}, as_of=AS_OF, codes=codes)["person"]
    back = codes.as_frame()
    assert back.columns == ["kind", "native", "code"]
    assert dict(zip(back["code"], back["native"], strict=True)).keys() == set(person["person_code"])
    assert back["native"].to_list() == ["1", "2", "3"]


def test_what_was_de_identified_passes_the_check_and_holds_no_native_value() -> None:
    tables = released()
    assert faults(tables) == []
    text = "".join(rows.write_csv() for rows in tables.values())
    for native in ("43001", "39049", "1234567893", "123456789", "360001", "1950", "1935", "medicare,plan", "-05-06"):
        assert native not in text


SPOILS: dict[str, tuple[Callable[[dict[str, pl.DataFrame]], dict[str, pl.DataFrame]], tuple[str, str, str, int]]] = {
    "a table that is not released": (
        lambda tables: {**tables, "provider": pl.DataFrame({"name": ["Elm Group"]})},
        ("provider", "", "a table that is not released", 1),
    ),
    "a column more": (
        lambda tables: {**tables, "person": tables["person"].with_columns(zip5=pl.lit("43001"))},
        ("person", "zip5", "a column that is not released", 3),
    ),
    "a native id for a code": (
        lambda tables: {**tables, "person": tables["person"].with_columns(person_code=pl.lit("1"))},
        ("person", "person_code", "values that do not fit the column", 3),
    ),
    "a whole date": (
        lambda tables: {**tables, "claim": tables["claim"].with_columns(from_year=pl.lit("2025-05-06"))},
        ("claim", "from_year", "values that do not fit the column", 2),
    ),
    "an age over 90": (
        lambda tables: {**tables, "person": tables["person"].with_columns(age=pl.lit(97))},
        ("person", "age", "values that do not fit the column", 3),
    ),
    "a county": (
        lambda tables: {**tables, "person": tables["person"].with_columns(state_fips=pl.lit("39049"))},
        ("person", "state_fips", "values that do not fit the column", 3),
    ),
    "a name": (
        lambda tables: {**tables, "claim": tables["claim"].with_columns(drg=pl.lit("Smith"))},
        ("claim", "drg", "values that do not fit the column", 2),
    ),
}


@pytest.mark.parametrize("spoil", sorted(SPOILS))
def test_each_leak_is_found_with_its_place_and_count(spoil: str) -> None:
    change, expected = SPOILS[spoil]
    (fault,) = faults(change(released()))
    assert (fault.table, fault.column, fault.said, fault.count) == expected


@settings(max_examples=100, deadline=None)
@given(
    value=st.one_of(
        st.from_regex(
            r"[1-9][A-HJ-KM-NP-RT-Y][0-9A-HJ-KM-NP-RT-Y]\d[A-HJ-KM-NP-RT-Y]\d\d[A-HJ-KM-NP-RT-Y]{2}\d\d", fullmatch=True
        ),
        st.from_regex(r"\d{3}-\d{2}-\d{4}", fullmatch=True),
        st.from_regex(r"[12]\d{9}", fullmatch=True),
        st.dates(date(1900, 1, 1), date(2026, 1, 1)).map(str),
        st.emails(),
    ),
    place=st.sampled_from(
        [(table, one.name) for table, columns in released_columns().items() for one in columns if one.name != "ndc"]
    ),
)
def test_no_identifier_of_a_person_or_provider_fits_any_column(value: str, place: tuple[str, str]) -> None:
    table, column = place
    assert faults({table: pl.DataFrame({column: [value]})})


def test_a_table_of_the_vault_or_of_units_cannot_be_released() -> None:
    with pytest.raises(InputError, match="the tables identity are not released"):
        deidentified({"identity": PERSONS}, as_of=AS_OF, codes=ReleaseCodes())


def test_every_released_column_is_one_of_the_claims_model_and_is_told_once() -> None:
    reference = (Path(__file__).parents[2] / "docs/reference/tables.md").read_text()
    for table, columns in released_columns().items():
        block = re.search(rf"^{table}\n((?:  .*\n)+)", reference, flags=re.MULTILINE)
        assert block is not None
        known = {line.split()[0] for line in block[1].splitlines()}
        assert {one.column for one in columns} <= known
        assert len({one.name for one in columns}) == len(columns)
