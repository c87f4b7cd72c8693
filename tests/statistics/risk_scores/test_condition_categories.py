"""Condition categories as flags: what the person brought along, by hand."""

from collections.abc import Collection
from functools import lru_cache

import polars as pl
import pytest

from qe.errors import InputError
from qe.statistics import design
from qe.statistics.risk_scores import condition_categories, present_on_admission, tables
from qe.statistics.risk_scores.tables import Tables

STAY = ["event_id", "facility_id", "kind", "code", "present_on_admission"]
Stay = list[tuple[str, str, str, str, str | None]]


@lru_cache
def _v24() -> Tables:
    return tables.load("V24")


def _stay(rows: Stay) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict.fromkeys(STAY, pl.String), orient="row")


def _flags(history: list[tuple[str, str]], stay: Stay, *, complications: Collection[str] = ()) -> list[tuple[str, str]]:
    events = pl.DataFrame({"event_id": ["s1", "s2"], "age": [72, 80], "sex": ["2", "1"]})
    before = pl.DataFrame(history, schema={"event_id": pl.String, "code": pl.String}, orient="row")
    found = condition_categories.flags(events, before, _stay(stay), _v24(), complications=complications)
    assert found["value"].to_list() == [1.0] * found.height
    return list(found.select("event_id", "factor").iter_rows())


def test_a_milder_category_keeps_its_flag_beside_the_graver_one():
    # diabetes without (19) and with complications (18): a hierarchy would leave 18 alone
    assert _flags([("s1", "E119"), ("s1", "E1122")], []) == [("s1", "cc:18"), ("s1", "cc:19")]


@pytest.mark.parametrize(("mark", "counts"), [("Y", True), ("W", True), ("1", True), ("N", False), ("U", False)])
def test_a_secondary_diagnosis_of_the_stay_counts_when_it_was_present(mark: str, counts: bool):
    assert _flags([], [("s1", "h1", "other", "I5022", mark)]) == ([("s1", "cc:85")] if counts else [])


def test_the_principal_diagnosis_of_the_stay_is_no_comorbidity():
    assert _flags([], [("s1", "h1", "principal", "I5022", "Y")]) == []


def test_a_complication_counts_from_the_history_and_never_from_the_stay_alone():
    sepsis: Stay = [("s1", "h1", "other", "A419", "Y"), ("s2", "h1", "other", "A419", "Y")]
    assert _flags([("s2", "A419")], sepsis, complications=["2"]) == [("s2", "cc:2")]
    assert _flags([("s2", "A419")], sepsis) == [("s1", "cc:2"), ("s2", "cc:2")]


def test_one_mark_in_five_missing_is_enough_to_count_and_more_takes_the_stays_diagnoses_of_every_facility_away():
    marked: Stay = [("s1", "h1", "other", code, "Y") for code in ("I5022", "J449", "G35", "B20")]
    blank: Stay = [("s1", "h1", "other", "E119", None)]
    other: Stay = [("s2", "h2", "other", "I5022", "Y")]
    assert _flags([], marked + blank + other) == [
        ("s1", "cc:1"),
        ("s1", "cc:111"),
        ("s1", "cc:77"),
        ("s1", "cc:85"),
        ("s2", "cc:85"),
    ]
    assert _flags([("s2", "G35")], marked[1:] + blank + other) == [("s2", "cc:77")]  # 1 of 4 blank
    found = present_on_admission.marked(_stay(marked[1:] + blank + other))
    assert (found.unmarked, found.facilities) == (1, 2)


def test_the_flags_go_into_a_design_as_they_are():
    events = pl.DataFrame({"event_id": ["s1", "s2"], "age": [72, 80], "sex": ["2", "1"]})
    history = pl.DataFrame({"event_id": ["s1"], "code": ["I5022"]})
    found = condition_categories.flags(events, history, _stay([]), _v24(), complications=())
    built = design.build(found, ["s1", "s2"], ["cc"], None)
    assert built.dropped == (("cc:85", "rare: pooled"),)


def test_a_complication_that_is_no_category_is_refused():
    with pytest.raises(InputError, match="1 categories named as complications are none of CMS-HCC V24: 999"):
        _flags([], [], complications=["2", "999"])
