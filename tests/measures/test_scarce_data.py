"""The shipped measures on models that hold little: nothing at all, or only what a rule cannot do without."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from qe.measurement.compute import MeasureEvents

START, END = date(2024, 1, 1), date(2024, 12, 31)
MODULES = (
    "ahrq_pqi",
    "awv",
    "bcs",
    "col",
    "ed_avoidable",
    "generic_dispensing",
    "hwr",
    "low_value_care",
    "pdc_diabetes",
    "pdc_rasa",
    "pdc_statins",
    "supd",
    "total_cost_index",
)


@pytest.mark.parametrize("module_id", MODULES)
def test_an_empty_model_gives_no_event(module_id: str, run_module: Callable[..., MeasureEvents]) -> None:
    found = run_module(module_id, {}, start=START, end=END)
    assert found.events.is_empty()
    assert found.covariates.is_empty()


@pytest.mark.parametrize("module_id", MODULES)
def test_every_run_is_alternative(module_id: str, run_module: Callable[..., MeasureEvents]) -> None:
    assert run_module(module_id, {}, start=START, end=END).kind == "alternative"


def test_a_person_known_by_claims_alone_is_considered_and_left_out(run_module: Callable[..., MeasureEvents]) -> None:
    stay: dict[str, Any] = {
        "claim_id": "1",
        "person_id": "P1",
        "claim_type": "inpatient",
        "from_date": date(2024, 3, 1),
        "thru_date": date(2024, 3, 5),
    }
    fill = {
        "fill_id": "1",
        "person_id": "P1",
        "fill_date": date(2024, 3, 1),
        "ingredients": ["ATORVASTATIN"],
        "days_supply": 30,
    }
    stays = run_module("hwr", {"claim": [stay]}, start=START, end=END).events
    fills = run_module("pdc_statins", {"pharmacy_fill": [fill]}, start=START, end=END).events
    # no birth date, no month of coverage, no discharge status: age and coverage cannot be shown
    assert stays.select("event_id", "exclusion_reasons", "cohort").rows() == [("1", ["R5", "R11", "R12"], "unassigned")]
    # no second fill, no birth date, no enrolled day, not enrolled in the month of the fill
    assert fills.select("event_id", "exclusion_reasons").rows() == [("P1", ["R4", "R5", "R6", "R7"])]
