"""A composite beside its components (rules.md section 3): what they tell of a hidden one, and what is hidden for it."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from qe.disclosure.audit import AuditedRow
from qe.disclosure.rows import known_of, quarters_of
from qe.disclosure.together import hidden_beside, told_together
from tests.public_rows import public_result

YEARS = 900
COMPONENTS = {"all_stays": ("heart", "lung", "sugar"), "acute": ("lung", "sugar")}


def row(measure_id: str, events: int, *, is_hidden: bool = False, unit: str = "U000001") -> AuditedRow:
    """A rate of `events` over 900 years, as it is printed."""
    shown = public_result(
        measure_id=measure_id, public_id=unit, denominator=Decimal(YEARS), rate=round(events / YEARS, 4)
    )
    if is_hidden:
        shown = replace(shown, denominator=None, rate=None, category=None, note_code="small_cell")
    return AuditedRow(
        result=shown, is_count=False, is_rate=True, rate_decimals=4, ratio_decimals=2, interval_decimals=4
    )


def told(*rows: AuditedRow) -> set[str]:
    found = list(told_together(rows, COMPONENTS, min_count=11))
    assert all(one.check == "together" for one in found)
    return {f"{one.measure_id} {one.public_id}" for one in found}


def hidden(*rows: AuditedRow) -> set[str]:
    return {measure_id for measure_id, _, _ in hidden_beside(rows, COMPONENTS, min_count=11)}


@pytest.mark.parametrize(("sugar", "is_told"), [(1, True), (5, True), (10, True), (0, False), (11, False)])
def test_a_composite_and_all_components_but_one_tell_that_one(sugar: int, is_told: bool) -> None:
    rows = [row("all_stays", 50 + sugar), row("heart", 30), row("lung", 20), row("sugar", sugar, is_hidden=True)]
    assert told(*rows) == ({"sugar U000001"} if is_told else set())


def test_the_component_with_fewest_events_is_hidden_beside_it_and_no_more() -> None:
    rows = [row("all_stays", 55), row("heart", 30), row("lung", 20), row("sugar", 5, is_hidden=True)]
    assert hidden(*rows) == {"lung"}
    assert told(rows[0], rows[1], row("lung", 20, is_hidden=True), rows[3]) == set()


def test_two_hidden_components_whose_sum_is_shown_are_told_only_where_it_leaves_no_choice() -> None:
    small = [row("lung", 6, is_hidden=True), row("sugar", 5, is_hidden=True)]
    assert told(row("all_stays", 41), row("acute", 11), row("heart", 30), *small) == set()  # either may be 0 or all 11
    assert told(row("all_stays", 41), row("heart", 30), *small) == set()


def test_what_one_composite_tells_less_another_is_the_component_of() -> None:
    rows = [row("all_stays", 36), row("acute", 20), row("lung", 14), row("sugar", 6, is_hidden=True)]
    assert told(*rows) == {"sugar U000001"}
    assert hidden(*rows) == {"lung"}


def test_units_tell_nothing_of_each_other_and_a_measure_that_is_no_composite_is_left_alone() -> None:
    rows = [row("all_stays", 55), row("heart", 30, unit="U000002"), row("lung", 20, unit="U000002")]
    assert told(*rows, row("sugar", 5, is_hidden=True)) == set()
    assert hidden(row("falls", 40), row("sugar", 5, is_hidden=True)) == set()


def test_a_composite_that_is_no_plain_sum_stands_apart() -> None:
    rows = [row("all_stays", 40), row("heart", 30), row("lung", 20), row("sugar", 5, is_hidden=True)]
    assert told(*rows) == set()  # ten stays or more count in two components
    assert hidden(*rows) == set()


def test_rounded_years_and_rates_leave_a_count_as_wide_as_they_print_it() -> None:
    shown = row("heart", 30)
    (known,) = known_of(shown, COMPONENTS)
    assert (known.least, known.most) == (30, 30)
    (wide,) = known_of(replace(shown, rate_decimals=2, result=replace(shown.result, rate=0.03)), COMPONENTS)
    assert (wide.least, wide.most) == (23, 31)  # .025 to .035 of 900 years


@pytest.mark.parametrize(
    ("start", "end", "quarters"),
    [
        (date(2025, 1, 1), date(2025, 12, 31), ("2025Q1", "2025Q2", "2025Q3", "2025Q4")),
        (date(2024, 10, 1), date(2025, 3, 31), ("2024Q4", "2025Q1")),
        (date(2024, 7, 1), date(2024, 9, 30), ("2024Q3",)),
        (date(2024, 2, 1), date(2024, 4, 30), ("2024-02-01/2024-04-30",)),
        (date(2024, 1, 1), date(2024, 2, 29), ("2024-01-01/2024-02-29",)),
    ],
)
def test_a_period_is_the_quarters_that_it_is_made_of(start: date, end: date, quarters: tuple[str, ...]) -> None:
    assert quarters_of(start, end) == quarters
