"""generic_dispensing on random fills against sums in plain Python; and what its waterfall and attribution keep."""

import random
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from qe.measurement.compute import MeasureEvents, compute
from qe.measurement.measure import Module
from qe.periods import MeasurePeriod
from qe.warehouse import Warehouse

YEAR = MeasurePeriod(start=date(2024, 1, 1), end=date(2024, 12, 31))
SIX = Decimal("0.000001")


def invent(seed: int, fills: int) -> list[dict[str, Any]]:
    chance = random.Random(seed)
    return [
        {
            "fill_id": f"F{number:05}",
            "person_id": f"P{chance.randrange(60):03}",
            "fill_date": YEAR.start + timedelta(days=chance.randrange(-20, 386)),
            "ndc": chance.choice(["00000000101", "00000000102", "00000000103", None]),
            "ingredients": chance.choice([["LISINOPRIL"], ["APIXABAN"], ["ZOSTER VACCINE"], ["PEN NEEDLE"], None]),
            "brand_generic": chance.choice(["B", "G", "G", "G", None]),
            "days_supply": chance.choice([0, 7, 30, 30, 90, None]),
            "prescriber_npi": chance.choice(["1003000126", "1003000134", None]),
            "fill_status": chance.choice(["paid", "paid", "paid", "zero_paid", "denied"]),
            "payer_id": "M",
            "payer_type": "medicare",
        }
        for number in range(fills)
    ]


def by_hand(rows: list[dict[str, Any]], days_to_fills: Callable[[int], Decimal]) -> dict[str, tuple[Decimal, Decimal]]:
    """Numerator and denominator by prescriber ("": nobody known), in 30-day fills."""
    sums: dict[str, tuple[Decimal, Decimal]] = {}
    for row in rows:
        names = set(" ".join(row["ingredients"] or []).split())
        if (
            not YEAR.start <= row["fill_date"] <= YEAR.end
            or row["fill_status"] == "denied"
            or not row["days_supply"]
            or not row["brand_generic"]
            or not row["ndc"]
            or names & {"VACCINE", "NEEDLE"}
        ):
            continue
        worth = days_to_fills(row["days_supply"])
        generic, whole = sums.get(row["prescriber_npi"] or "", (Decimal(0), Decimal(0)))
        sums[row["prescriber_npi"] or ""] = (generic + worth * (row["brand_generic"] == "G"), whole + worth)
    return sums


@pytest.mark.parametrize(
    ("equivalents", "days_to_fills"),
    [
        ("plain", lambda days: (Decimal(days) / 30).quantize(SIX)),
        ("bounded", lambda days: max(Decimal(1), Decimal(days) / 30)),
    ],
)
def test_rates_by_prescriber_equal_sums_by_hand(
    equivalents: str,
    days_to_fills: Callable[[int], Decimal],
    modules: Callable[[str], Module],
    model_of: Callable[..., Warehouse],
) -> None:
    rows = invent(3, fills=1500)
    found = compute(
        model_of({"pharmacy_fill": rows}),
        modules("generic_dispensing"),
        period=YEAR,
        parameters={"equivalents": equivalents},
        attribution="prescriber",
        lists=None,
    )
    whose = dict(found.attributed.select("event_id", "provider_id").iter_rows())
    sums: dict[str, tuple[Decimal, Decimal]] = {}
    inside = found.events.filter("in_denominator").select("event_id", "value", "exposure")
    for event_id, value, exposure in inside.iter_rows():
        generic, whole = sums.get(whose.get(event_id, ""), (Decimal(0), Decimal(0)))
        sums[whose.get(event_id, "")] = (generic + value, whole + exposure)
    assert sums == by_hand(rows, days_to_fills)
    steps = dict(found.waterfall.select("step", "events").iter_rows())
    left_out = sum(events for step, events in steps.items() if step.startswith("R"))
    assert steps["eligible"] - left_out == steps["denominator"] == inside.height
    assert {"R3", "R4", "R5", "R6", "R7"} >= {step for step in steps if step.startswith("R")}


def test_another_order_of_the_rows_and_two_threads_change_nothing(run_module: Callable[..., MeasureEvents]) -> None:
    rows = {"pharmacy_fill": invent(5, fills=400)}
    one = run_module("generic_dispensing", rows, start=YEAR.start, end=YEAR.end)
    other = run_module("generic_dispensing", rows, start=YEAR.start, end=YEAR.end, threads=2, shuffle=3)
    assert one.events.equals(other.events)
    assert one.waterfall.equals(other.waterfall)
