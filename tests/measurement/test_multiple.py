"""multiple: groups and clinicians with 30 % of a person's visits share the person, and the shares add up to one."""

import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from qe.measurement import attribute
from qe.measurement.measure import load
from qe.periods import MeasurePeriod
from qe.warehouse import Warehouse
from tests.measurement.visit_lines import USUAL, Visit, as_row, visits

YEAR = MeasurePeriod(start=date(2024, 1, 1), end=date(2024, 12, 31))


@pytest.fixture
def run(model_db: Warehouse, second_stay: Callable[..., Any], put: Callable[..., None]) -> Callable[..., pl.DataFrame]:
    """Attribute the persons of the visits; weights of a person and level always add up to 1 exactly."""
    module = load(second_stay())

    def attribute_visits(*given: Visit) -> pl.DataFrame:
        model_db.execute("delete from visit")
        put("visit", *[as_row(visit, number) for number, visit in enumerate(given)])
        model_db.execute("create or replace temp table population as select distinct person_id from visit")
        frame = attribute.attribute(model_db, module, "multiple", period=YEAR)
        whole = frame.group_by("person_id", "level").agg(pl.col("weight").sum())["weight"]
        assert whole.unique().to_list() in ([], [Decimal(1)])
        return frame

    return attribute_visits


def shares(frame: pl.DataFrame, level: str) -> list[tuple[Any, ...]]:
    columns = ["unit_id", "rank", "visits", "share", "weight", "tie_break", "runner_up_id"]
    return frame.filter(pl.col("level") == level).select(columns).rows()


def test_two_groups_share_a_person_by_their_visits(run: Callable[..., pl.DataFrame]) -> None:
    found = run(*visits(6), *visits(3, clinician="N2", group="G2"), replace(USUAL, clinician="N3", group="G3"))
    third = Decimal("0.333333")
    assert shares(found, "group") == [
        ("G1", 1, 6, Decimal("0.6"), 1 - third, None, "G2"),
        ("G2", 2, 3, Decimal("0.3"), third, None, "G3"),
    ]


def test_visits_without_a_group_are_part_of_the_whole(run: Callable[..., pl.DataFrame]) -> None:
    found = run(*visits(2), *visits(3, clinician=None, group=None))
    assert shares(found, "group") == [("G1", 1, 2, Decimal("0.4"), Decimal(1), None, None)]
    assert run(*visits(1), *visits(3, clinician=None, group=None)).is_empty()


def test_equal_shares_are_ranked_by_the_latest_visit_the_dollars_and_the_id(run: Callable[..., pl.DataFrame]) -> None:
    later = replace(USUAL, group="G2", clinician="N2", day=date(2024, 3, 2))
    assert [row[:2] + row[5:6] for row in shares(run(USUAL, later), "group")] == [
        ("G2", 1, "latest_service"),
        ("G1", 2, None),
    ]
    dearer = replace(USUAL, group="G2", clinician="N2", allowed=Decimal("100.01"))
    assert [row[0] for row in shares(run(USUAL, dearer), "group")] == ["G2", "G1"]
    assert [row[0] for row in shares(run(replace(USUAL, group="G2"), USUAL), "group")] == ["G1", "G2"]


def test_three_equal_thirds_add_up_to_one_and_keep_their_claims(run: Callable[..., pl.DataFrame]) -> None:
    found = run(*[replace(USUAL, clinician=f"N{number}", group=f"G{number}") for number in (1, 2, 3)])
    weights = found.filter(pl.col("level") == "clinician")["weight"].to_list()
    assert weights == [Decimal("0.333334"), Decimal("0.333333"), Decimal("0.333333")]
    assert found.filter(pl.col("level") == "group")["driving_claim_ids"].to_list() == [["C0"], ["C1"], ["C2"]]


def test_a_plain_reading_of_the_rule_agrees_on_random_visits(run: Callable[..., pl.DataFrame]) -> None:
    chance = random.Random(31)
    given = [
        Visit(
            person=f"P{chance.randrange(200)}",
            day=date(2023, 12, 20) + timedelta(days=chance.randrange(385)),
            clinician=chance.choice([None, "N1", "N2", "N3"]),
            specialty=chance.choice(["08", "02"]),
            group=chance.choice([None, "G1", "G2", "G3"]),
            hcpcs=chance.choice(["99213", "G0402", "99490"]),
        )
        for _ in range(1500)
    ]
    expected = set()
    for level in ("clinician", "group"):
        days: dict[str, dict[str | None, set[date]]] = defaultdict(lambda: defaultdict(set))
        for visit in given:
            if visit.hcpcs != "99490" and YEAR.start <= visit.day <= YEAR.end:
                days[visit.person][getattr(visit, level)].add(visit.day)
        for person, units in days.items():
            whole = sum(len(of_unit) for of_unit in units.values())
            expected |= {
                (person, level, unit, len(of_unit))
                for unit, of_unit in units.items()
                if unit and 10 * len(of_unit) >= 3 * whole
            }
    assert set(run(*given).select("person_id", "level", "unit_id", "visits").iter_rows()) == expected
