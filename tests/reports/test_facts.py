"""What a page says once of measures that share it."""

from dataclasses import replace

import pytest

from qe.reports.facts import MeasureFacts, ReportFacts, explaining, together


@pytest.fixture
def measures(facts: ReportFacts) -> list[MeasureFacts]:
    """Cost and use of one module, and statins between them."""
    one = facts.measures[0]
    return [
        replace(one, measure_id="cost", module="total_cost", name="Cost"),
        replace(one, measure_id="pdc", module="pdc", name="Statins"),
        replace(one, measure_id="use", module="total_cost", name="Use"),
    ]


def test_what_is_alike_is_said_once_under_all_names(measures: list[MeasureFacts]) -> None:
    cost, statins, _ = measures
    assert together(measures, lambda one: one.module) == (("Cost; Use", cost), ("Statins", statins))


def test_the_first_measure_of_a_module_that_is_shown_says_why_it_matters(measures: list[MeasureFacts]) -> None:
    assert explaining(measures) == {"cost", "pdc"}
    assert explaining(measures[1:]) == {"use", "pdc"}  # where the first is not shown
    assert explaining([]) == frozenset()
