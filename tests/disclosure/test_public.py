"""What stands in a public row, and what a recipient is shown."""

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from qe.disclosure.confidential import for_recipient
from qe.disclosure.public import PublicMeasure, for_public, rounded
from qe.disclosure.results import PublicRelease
from qe.statistics.results import RESULT_SCHEMA

MEASURES = [
    PublicMeasure(measure_id="pdc", name="Statin days covered", kind="proportion"),
    PublicMeasure(measure_id="cost", name="Total cost", kind="amount_ratio"),
    PublicMeasure(measure_id="stays", name="Stays per member year", kind="rate"),
]
UNITS = pl.DataFrame(
    [
        ("U000001", "group", "TIN", "001234567", "Northfield", "supplier", "51001"),
        ("U000002", "group", "TIN", "007654321", "Southfield", "supplier", "51001"),
        ("U000003", "facility", "CCN", "490001", "Hospital", "provider", "51001"),
    ],
    schema=["unit_id", "level", "id_type", "identifier", "name", "role", "county_fips"],
    orient="row",
).with_columns(provider_type=pl.lit(None, pl.String), specialty=pl.lit(None, pl.String), zip5=pl.lit(None, pl.String))
UNITS = UNITS.with_columns(catchment_share=pl.lit(None, pl.Float64))
NO_COUNTS = pl.DataFrame(
    schema={
        "measure_id": pl.String,
        "level": pl.String,
        "provider_id": pl.String,
        "kind": pl.String,
        "name": pl.String,
        "value": pl.Float64,
    }
)


def _result(provider: str, denominator: int, numerator: int, **changed: Any) -> dict[str, Any]:
    return {
        **dict.fromkeys(RESULT_SCHEMA),
        "measure_id": "pdc",
        "measure_version": "1.0.0",
        "kind": "alternative",
        "deviations": [],
        "level": "group",
        "provider_id": provider,
        "id_type": "TIN",
        "provider_name": "a name",
        "peer_group": "all groups",
        "payer_scope": "all",
        "period_start": date(2025, 1, 1),
        "period_end": date(2025, 12, 31),
        "denominator": Decimal(denominator),
        "excluded": 0,
        "numerator": Decimal(numerator),
        "observed": numerator / denominator,
        "ci_low": 0.1234567,
        "ci_high": 0.4567891,
        "achievable_benchmark": 2 / 3,
        "category": "no_different",
        "publishable": True,
        "engine": "unadjusted",
        "converged": True,
        **changed,
    }


def _frame(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=RESULT_SCHEMA)


def _public(*rows: dict[str, Any]) -> PublicRelease:
    return for_public(_frame(*rows), measures=MEASURES, units=UNITS, min_count=11)


@pytest.mark.parametrize("numerator, is_hidden", [(0, False), (1, True), (10, True), (11, False)])
def test_a_rate_of_few_events_is_hidden(numerator: int, is_hidden: bool) -> None:
    release = _public(_result("U000001", 2500, numerator, measure_id="stays"))
    assert [row.note_code is not None for row in release.results] == [is_hidden]
    assert release.findings == ()


@pytest.mark.parametrize("numerator", [1, 10, 90, 99])
def test_a_small_numerator_or_complement_empties_the_whole_row(numerator: int) -> None:
    release = _public(_result("U000001", 100, numerator))
    row = release.results[0]
    figures = (row.denominator, row.rate, row.ci_low, row.ci_high, row.expected, row.ratio, row.category)
    assert figures == (None,) * 7
    assert (row.note_code, release.cells_hidden, release.findings) == ("small_cell", 1, ())


@pytest.mark.parametrize("numerator", [0, 11, 89, 100])
def test_none_all_and_eleven_on_both_sides_are_shown_rounded(numerator: int) -> None:
    row = _public(_result("U000001", 100, numerator)).results[0]
    assert (row.denominator, row.rate, row.note_code) == (Decimal(100), numerator / 100, None)


def test_every_figure_stands_in_its_row_as_it_is_printed() -> None:
    row = _public(_result("U000001", 300, 100)).results[0]
    assert (row.rate, row.ci_low, row.ci_high, row.benchmark) == (0.333, 0.123, 0.457, 0.667)


def test_a_group_is_named_by_its_unit_id_and_no_tin_stands_in_the_release() -> None:
    release = _public(_result("U000001", 100, 50))
    assert release.results[0].public_id == "U000001"
    assert "001234567" not in repr(release)


def test_a_row_below_the_measures_minimum_says_too_few() -> None:
    row = _public(_result("U000001", 20, 12, category="too_few", publishable=False)).results[0]
    assert (row.denominator, row.rate, row.category, row.note_code) == (None, None, "too_few", "too_few")


def test_only_units_that_may_be_named_and_all_payers_are_published() -> None:
    release = _public(
        _result("U000001", 100, 50, payer_scope="medicare"), _result("U000009", 100, 50), _result("U000002", 100, 50)
    )
    assert [row.public_id for row in release.results] == ["U000002"]


def test_half_way_values_round_by_their_shortest_text() -> None:
    assert [rounded(value, 2) for value in (1.005, 0.125, 0.135)] == [1.0, 0.12, 0.14]


def _recipient(rows: pl.DataFrame, counts: pl.DataFrame = NO_COUNTS, *, hide_small: bool = True) -> Any:
    return for_recipient(
        rows, units=UNITS, counts=counts, quotients={"price": "cost"}, hide_small=hide_small, min_count=11
    )


def test_each_recipient_sees_only_its_own_rows() -> None:
    seen = _recipient(_frame(_result("U000001", 100, 50), _result("U000002", 200, 150)), hide_small=False)
    assert [entry.provider.unit_id for entry in seen] == ["U000001", "U000002"]
    assert [[row.numerator for row in entry.results] for entry in seen] == [[50], [150]]
    assert "Southfield" not in repr(seen[0])


def test_small_counts_are_shown_to_their_own_provider_unless_the_site_hides_them() -> None:
    rows = _frame(_result("U000001", 100, 4))
    assert _recipient(rows, hide_small=False)[0].results[0].numerator == 4
    hidden = _recipient(rows)[0].results[0]
    assert (hidden.numerator, hidden.observed, hidden.ci_low, hidden.hidden) == (None, None, None, "small")


def test_with_one_hidden_payer_scope_goes_the_other_since_their_sum_would_tell_it() -> None:
    rows = _frame(
        _result("U000001", 100, 50),
        _result("U000001", 60, 45, payer_scope="medicare"),
        _result("U000001", 40, 5, payer_scope="other"),
    )
    shown = {row.payer_scope: row.hidden for row in _recipient(rows)[0].results}
    assert shown == {"all": None, "medicare": "small", "other": "small"}


def test_small_exclusion_counts_are_left_out_where_the_site_hides_them() -> None:
    counts = pl.DataFrame(
        [
            ("pdc", "group", "U000001", "excluded", "R3", 4.0),
            ("pdc", "group", "U000001", "excluded", "R4", 14.0),
        ],
        schema=NO_COUNTS.schema,
        orient="row",
    )
    rows = _frame(_result("U000001", 100, 50, excluded=4))
    hidden = _recipient(rows, counts)[0]
    assert (hidden.exclusions, hidden.results[0].excluded) == ((("pdc", "R4", 14),), None)
    assert _recipient(rows, counts, hide_small=False)[0].exclusions == (("pdc", "R3", 4), ("pdc", "R4", 14))


def test_figures_of_peers_carry_three_decimals_since_more_would_tell_a_fraction() -> None:
    rows = _frame(_result("U000001", 100, 50, peer_median=133 / 150, achievable_benchmark=133 / 150))
    own = _recipient(rows)[0].results[0]
    assert (own.peer_median, own.achievable_benchmark) == (0.887, 0.887)


def _split_release(**cost: Any) -> PublicRelease:
    """Cost and price of one group: 4,000 member months, and the dollars that they come to at reference prices."""
    measures = [
        PublicMeasure(measure_id="cost", name="Total cost", kind="amount_ratio"),
        PublicMeasure(measure_id="price", name="Price", kind="amount_ratio", quotient_of="cost"),
    ]
    rows = [
        _result("U000001", 4_000, 2_400_000, measure_id="cost", ratio=1.1, expected=2_200_000.0) | cost,
        _result("U000001", 2_000_000, 2_400_000, measure_id="price", ratio=1.23456, expected=1_944_012.0),
    ]
    frame = pl.DataFrame(rows, schema=RESULT_SCHEMA, orient="row")
    return for_public(frame, measures=measures, units=UNITS, min_count=11)


def test_a_price_is_shown_as_a_ratio_with_two_decimals() -> None:
    price = _split_release().results[1]
    assert (price.measure_id, price.rate, price.expected, price.ratio) == ("price", 1.20, 0.97, 1.23)


@pytest.mark.parametrize(
    "cost",
    [{"category": "too_few"}, {"publishable": False}, {"denominator": Decimal(131)}],
    ids=lambda cost: next(iter(cost)),
)
def test_a_price_is_hidden_where_the_cost_of_the_same_people_is(cost: dict[str, Any]) -> None:
    price = _split_release(**cost).results[1]
    assert (price.measure_id, price.rate, price.ratio, price.denominator) == ("price", None, None, None)


def test_a_price_is_hidden_from_its_provider_where_the_cost_is_by_payer_too() -> None:
    scopes = {"all": 40, "medicare": 30, "other": 10}  # member months; 10 are too few for a site that hides them
    rows = [
        _result("U000001", months, 9_000, measure_id="cost", payer_scope=scope) for scope, months in scopes.items()
    ] + [_result("U000001", 8_000, 9_000, measure_id="price", payer_scope=scope) for scope in scopes]
    shown = {(row.measure_id, row.payer_scope): row.hidden for row in _recipient(_frame(*rows))[0].results}
    assert shown == {
        (measure, scope): None if scope == "all" else "small" for measure in ("cost", "price") for scope in scopes
    }


def test_a_row_that_would_tell_a_hidden_one_beside_it_is_hidden_too_with_the_same_mark() -> None:
    measures = [
        PublicMeasure(measure_id="heart", name="Heart", kind="rate"),
        PublicMeasure(measure_id="lung", name="Lung", kind="rate"),
        PublicMeasure(measure_id="both", name="Both", kind="rate", composite_of=("heart", "lung")),
    ]
    stays = {"heart": 40, "lung": 7, "both": 47}
    rows = [_result("U000001", 900, events, measure_id=name) for name, events in stays.items()]
    release = for_public(_frame(*rows), measures=measures, units=UNITS, min_count=11)
    notes = {row.measure_id: row.note_code for row in release.results}
    assert notes == {"heart": "small_cell", "lung": "small_cell", "both": None}
    assert (release.cells_hidden, release.findings) == (2, ())
