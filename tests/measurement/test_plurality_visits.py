"""plurality_visits: a dominant specialist, else the primary care clinician with most visits; then that clinician's group."""

import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from qe.measurement import attribute
from qe.measurement.measure import load
from qe.periods import MeasurePeriod
from qe.warehouse import Warehouse
from tests.measurement.visit_lines import USUAL, Visit, as_row, visits

YEAR = MeasurePeriod(start=date(2024, 1, 1), end=date(2024, 12, 31))
SPECIALISTS = {"06", "13", "29", "39", "46", "82", "83", "90"}
PRIMARY = {"01", "08", "11", "37", "38", "50", "89", "97"}
Answer = tuple[str, int, int, str | None, str | None]


@pytest.fixture
def run(model_db: Warehouse, second_stay: Callable[..., Any], put: Callable[..., None]) -> Callable[..., Any]:
    """Attribute the persons of the visits: (person, level) -> unit, step, visits, tie-break, runner-up."""
    module = load(second_stay())

    def attribute_visits(*visits: Visit) -> dict[tuple[str, str], Answer]:
        model_db.execute("delete from visit")
        put("visit", *[as_row(visit, number) for number, visit in enumerate(visits)])
        model_db.execute("create or replace temp table population as select distinct person_id from visit")
        frame = attribute.attribute(model_db, module, "plurality_visits", period=YEAR)
        assert frame["weight"].sum() == frame.height and frame.select("person_id", "level").is_unique().all()
        for row in frame.iter_rows(named=True):
            assert len(row["driving_claim_ids"]) >= row["visits"] > 0
        assert frame.filter((frame["share"] <= 0) | (frame["share"] > 1)).is_empty()
        return {
            (row["person_id"], row["level"]): (
                row["unit_id"], row["step"], row["visits"], row["tie_break"], row["runner_up_id"],
            )
            for row in frame.iter_rows(named=True)
        }  # fmt: skip

    return attribute_visits


def test_most_visits_win_and_not_most_dollars(run: Callable[..., Any]) -> None:
    dear = replace(USUAL, clinician="N2", group="G2", allowed=Decimal("900.00"))
    found = run(*visits(2), dear)
    assert found == {("P1", "clinician"): ("N1", 2, 2, None, "N2"), ("P1", "group"): ("G1", 2, 2, None, None)}


def test_two_lines_of_one_day_are_one_visit(run: Callable[..., Any]) -> None:
    found = run(USUAL, USUAL, *visits(2, clinician="N2", group="G2"))
    assert found["P1", "clinician"] == ("N2", 2, 2, None, "N1")


def test_of_equal_visits_the_latest_decides_then_more_dollars_and_then_the_smaller_id(run: Callable[..., Any]) -> None:
    later = replace(USUAL, clinician="N2", day=date(2024, 3, 2))
    assert run(USUAL, later)["P1", "clinician"] == ("N2", 2, 1, "latest_service", "N1")
    dearer = replace(USUAL, clinician="N2", allowed=Decimal("100.01"))
    assert run(USUAL, dearer)["P1", "clinician"] == ("N2", 2, 1, "allowed_amount", "N1")
    same_day = replace(USUAL, clinician="N2")
    assert run(same_day, USUAL)["P1", "clinician"] == ("N1", 2, 1, "unit_id", "N2")


def test_a_specialist_needs_two_visits_and_two_more_than_anyone(run: Callable[..., Any]) -> None:
    heart = {"clinician": "N6", "specialty": "06", "group": "G6"}
    assert run(*visits(3, **heart), USUAL)["P1", "clinician"] == ("N6", 1, 3, None, "N1")
    assert run(*visits(2, **heart), USUAL)["P1", "clinician"][:2] == ("N1", 2)
    assert run(*visits(2, **heart))["P1", "clinician"] == ("N6", 1, 2, None, None)
    assert run(*visits(1, **heart)) == {}
    lung = {"clinician": "N7", "specialty": "29", "group": "G7"}
    assert run(*visits(3, **heart), *visits(2, **lung)) == {}
    assert run(*visits(4, **heart), *visits(2, **lung))["P1", "clinician"] == ("N6", 1, 4, None, "N7")


def test_a_surgeon_and_a_service_that_is_no_visit_count_nowhere(run: Callable[..., Any]) -> None:
    assert run(*visits(3, specialty="02")) == {}
    assert run(replace(USUAL, hcpcs="99490"), replace(USUAL, hcpcs="G0444"), replace(USUAL, hcpcs="J1100")) == {}
    assert run(replace(USUAL, hcpcs="G0439"))["P1", "clinician"][0] == "N1"


def test_the_window_is_the_twelve_months_that_end_with_the_period(run: Callable[..., Any]) -> None:
    assert run(replace(USUAL, day=date(2023, 12, 31)), replace(USUAL, day=date(2025, 1, 1))) == {}
    assert len(run(replace(USUAL, day=date(2024, 1, 1)))) == 2


def test_the_group_is_the_one_that_billed_most_of_the_winners_visits(run: Callable[..., Any]) -> None:
    moved = [*visits(1, group="G1"), replace(USUAL, day=date(2024, 9, 1), group="G2")]
    others = visits(1, clinician="N2", group="G1")
    found = run(*moved, *others)
    assert found["P1", "clinician"] == ("N1", 2, 2, None, "N2")
    assert found["P1", "group"] == ("G2", 2, 1, "latest_service", "G1")


def is_visit(line: Visit) -> bool:
    """Whether a line counts at all."""
    is_service = line.hcpcs in ("99213", "99304", "G0438") and YEAR.start <= line.day <= YEAR.end
    return is_service and line.clinician is not None and line.specialty in PRIMARY | SPECIALISTS


def plain_reading(lines: list[Visit]) -> dict[tuple[str, str], tuple[str, int]]:
    """The rule as its text says it: (person, level) -> unit, step."""
    answer: dict[tuple[str, str], tuple[str, int]] = {}
    for person in {line.person for line in lines}:
        days: dict[str, set[date]] = defaultdict(set)
        mine = [line for line in lines if line.person == person and is_visit(line)]
        for line in mine:
            days[str(line.clinician)].add(line.day)
        dollars: dict[tuple[str, str | None], Decimal] = defaultdict(Decimal)
        for line in mine:
            dollars[str(line.clinician), line.group] += line.allowed
        whole = {one: sum(paid for (who, _), paid in dollars.items() if who == one) for one in days}
        primary = {str(line.clinician) for line in mine if line.specialty in PRIMARY}
        dominant = [
            one
            for one in days
            if one not in primary
            and len(days[one]) >= 2
            and all(len(days[one]) >= len(days[other]) + 2 for other in days if other != one)
        ]
        ordered = sorted(primary, key=lambda one: (-len(days[one]), -max(days[one]).toordinal(), -whole[one], one))
        chosen = dominant or ordered[:1]
        if not chosen:
            continue
        step = 1 if dominant else 2
        answer[person, "clinician"] = (chosen[0], step)
        billed: dict[str, set[date]] = defaultdict(set)
        for line in mine:
            if line.clinician == chosen[0] and line.group:
                billed[line.group].add(line.day)
        if billed:
            best = min(
                billed,
                key=lambda one: (-len(billed[one]), -max(billed[one]).toordinal(), -dollars[chosen[0], one], one),
            )
            answer[person, "group"] = (best, step)
    return answer


def test_a_plain_reading_of_the_rule_agrees_on_random_visits(run: Callable[..., Any]) -> None:
    chance = random.Random(20241231)
    lines = [
        Visit(
            person=f"P{chance.randrange(300)}",
            day=date(2023, 12, 20) + timedelta(days=chance.randrange(385)),
            clinician=chance.choice([None, "N1", "N2", "N3", "N4"]),
            specialty=chance.choice(["08", "50", "06", "29", "83", "02"]),
            group=chance.choice([None, "G1", "G2"]),
            hcpcs=chance.choice(["99213", "99304", "G0438", "99490"]),
            allowed=chance.choice([Decimal("80.00"), Decimal("80.01"), Decimal("150.00")]),
        )
        for _ in range(3000)
    ]
    found = {key: answer[:2] for key, answer in run(*lines).items()}
    assert found == plain_reading(lines)
    assert len({step for _, step in found.values()}) == 2
