"""The measures of days covered against a day-by-day simulation in plain Python, on random people. The simulation knows
nothing of the SQL: it puts tablets on a shelf, takes one a day, and looks at the shelf."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from qe.measurement.compute import MeasureEvents

YEAR_START, YEAR_END = date(2024, 1, 1), date(2024, 12, 31)
DAY = timedelta(days=1)
HISTORIES = 500  # of each seed: two seeds are the 1,000 random histories that each measure is held to
SEEDS = (20240101, 7)


@dataclass(frozen=True)
class Sister:
    """A measure of days covered. products: what its invented people fill, those at the end not of its class;
    excluded: a word that puts a person out by R17, whatever the supply."""

    module_id: str
    ingredients: tuple[str, ...]
    products: tuple[list[str], ...]
    others: tuple[list[str], ...]
    excluded: str = ""


STATINS = Sister(
    "pdc_statins",
    ("ATORVASTATIN", "SIMVASTATIN", "ROSUVASTATIN"),
    (
        ["ATORVASTATIN"],
        ["SIMVASTATIN"],
        ["ROSUVASTATIN CALCIUM"],
        ["EZETIMIBE", "SIMVASTATIN"],
        ["AMLODIPINE", "ATORVASTATIN"],
    ),
    (["METFORMIN"],),
)
RAS_ANTAGONISTS = Sister(
    "pdc_rasa",
    ("LISINOPRIL", "BENAZEPRIL", "VALSARTAN", "ALISKIREN"),
    (
        ["LISINOPRIL"],
        ["HYDROCHLOROTHIAZIDE", "LISINOPRIL"],
        ["ALISKIREN HEMIFUMARATE", "VALSARTAN"],
        ["VALSARTAN"],
        ["AMLODIPINE", "BENAZEPRIL HYDROCHLORIDE"],
    ),
    (["AMLODIPINE"], ["SACUBITRIL", "VALSARTAN"]),
    excluded="SACUBITRIL",
)
DIABETES = Sister(
    "pdc_diabetes",
    ("METFORMIN", "SITAGLIPTIN", "EMPAGLIFLOZIN", "LIRAGLUTIDE"),
    (
        ["METFORMIN HYDROCHLORIDE"],
        ["METFORMIN", "SITAGLIPTIN PHOSPHATE"],
        ["EMPAGLIFLOZIN"],
        ["EMPAGLIFLOZIN", "METFORMIN"],
        ["LIRAGLUTIDE"],
    ),
    (["ACARBOSE"], ["INSULIN DEGLUDEC", "LIRAGLUTIDE"], ["INSULIN GLARGINE"]),
    excluded="INSULIN",
)
SISTERS = (STATINS, RAS_ANTAGONISTS, DIABETES)
each_sister = pytest.mark.parametrize("sister", SISTERS, ids=[sister.module_id for sister in SISTERS])
EXCLUSION_RULES = {"R4", "R5", "R6", "R7", "R8", "R9", "R10"}


@dataclass
class Member:
    """One invented person. months: first day of each pharmacy month, with the last day covered in it."""

    person_id: str
    birth_date: date
    death_date: date | None
    fills: list[tuple[date, int, list[str]]] = field(default_factory=list)
    months: dict[date, date] = field(default_factory=dict)
    hospice_months: set[date] = field(default_factory=set)
    kidney_day: date | None = None
    stays: list[tuple[date, date]] = field(default_factory=list)


def month_end(first: date) -> date:
    return (first.replace(day=28) + timedelta(days=4)).replace(day=1) - DAY


def invent(sister: Sister, seed: int, persons: int) -> list[Member]:
    """Random people: early and late refills, switches, combinations, gaps, deaths, stays."""
    chance = random.Random(seed)
    people = []
    for number in range(persons):
        member = Member(
            person_id=f"P{number:04d}",
            birth_date=date(chance.choice([1944, 1950, 1970, 2005]), 2, 28) + chance.randrange(400) * DAY,
            death_date=YEAR_START + chance.randrange(200, 366) * DAY if chance.random() < 0.15 else None,
        )
        day = YEAR_START + chance.choice([-30, 0, 0, 10, 100, 270, 275, 276, 300]) * DAY
        product = chance.choice(sister.products)
        for _ in range(chance.randrange(1, 16)):
            supply = chance.choice([7, 15, 30, 30, 30, 60, 90, 90, 0])
            member.fills.append((day, supply, product))
            if chance.random() < 0.25:
                product = chance.choice(sister.products + sister.others)
            day += (
                chance.choice([0, supply, supply, max(supply - 10, 1), max(supply - 25, 0), supply + 20, supply // 2])
                * DAY
            )
        for month in range(1, 13):
            first = date(2024, month, 1)
            if chance.random() > 0.04 and (member.death_date is None or first <= member.death_date):
                in_part = chance.random() < 0.05
                member.months[first] = first + 14 * DAY if in_part else month_end(first)
        if chance.random() < 0.2:
            last = chance.randrange(3, 12)
            member.months = {first: end for first, end in member.months.items() if first.month <= last}
        if chance.random() < 0.05 and member.months:
            member.hospice_months.add(chance.choice(sorted(member.months)))
        if chance.random() < 0.05:
            member.kidney_day = YEAR_START + chance.randrange(-20, 380) * DAY
        if chance.random() < 0.4:
            admitted = YEAR_START + chance.randrange(0, 350) * DAY
            for _ in range(chance.randrange(1, 4)):
                discharged = admitted + chance.randrange(0, 20) * DAY
                member.stays.append((admitted, discharged))
                admitted = discharged + chance.randrange(3, 60) * DAY
        people.append(member)
    return people


def as_rows(people: list[Member]) -> dict[str, list[dict[str, Any]]]:
    """The people as rows of the contract tables."""
    rows: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("person", "member_month", "claim", "claim_diagnosis", "pharmacy_fill")
    }
    paid = {"source_id": "M", "payer_id": "M", "payer_type": "medicare"}
    fills = claims = 100_000
    for member in people:
        rows["person"].append(
            {"person_id": member.person_id, "birth_date": member.birth_date, "death_date": member.death_date, "sex": 1}
        )
        for first, end in member.months.items():
            rows["member_month"].append(
                {
                    "person_id": member.person_id,
                    "month": first,
                    "payer_id": "M",
                    "payer_type": "medicare",
                    "part_d": True,
                    "medical": True,
                    "pharmacy": True,
                    "hospice": first in member.hospice_months,
                    "is_primary": True,
                    "covered_to": None if end == month_end(first) else end,
                }
            )
        for day, supply, ingredients in member.fills:
            fills += 1
            rows["pharmacy_fill"].append(
                paid
                | {
                    "fill_id": str(fills),
                    "person_id": member.person_id,
                    "fill_date": day,
                    "days_supply": supply,
                    "ingredients": ingredients,
                    "ndc": "00000000001",
                    "fill_status": "paid",
                }
            )
        for admitted, discharged in member.stays:
            claims += 1
            rows["claim"].append(
                paid
                | {
                    "claim_id": str(claims),
                    "person_id": member.person_id,
                    "claim_type": "inpatient",
                    "frequency_code": "1",
                    "from_date": admitted,
                    "thru_date": discharged,
                    "admit_date": admitted,
                    "discharge_date": discharged,
                    "facility_id": "U000001",
                    "facility_type": "short_term",
                    "discharge_status": "01",
                    "paid_status": "paid",
                }
            )
        if member.kidney_day:
            claims += 1
            claim_id = str(claims)
            rows["claim"].append(
                paid
                | {
                    "claim_id": claim_id,
                    "person_id": member.person_id,
                    "claim_type": "professional",
                    "from_date": member.kidney_day,
                    "thru_date": member.kidney_day,
                    "paid_status": "paid",
                }
            )
            rows["claim_diagnosis"].append(
                {"claim_id": claim_id, "sequence": 1, "kind": "other", "code": "N186", "icd_version": 10}
            )
    return rows


@dataclass(frozen=True)
class Answer:
    period_days: int
    days_covered: int
    adherent: bool
    reasons: frozenset[str]


def words_of(ingredients: list[str]) -> set[str]:
    return {word for name in ingredients for word in name.split()}


def simulate(sister: Sister, member: Member, *, age_on: date, shortest: int, adjust: bool) -> Answer | None:
    """The answer by counting days; None for a person without a fill of the measure's drugs in the year."""
    of_year = [fill for fill in member.fills if YEAR_START <= fill[0] <= YEAR_END]
    fills = [fill for fill in of_year if fill[1] >= 1 and words_of(fill[2]) & set(sister.ingredients)]
    if not fills:
        return None
    first_fill = min(day for day, _, _ in fills)
    enrolled = {
        first + offset * DAY for first, end in member.months.items() for offset in range((end - first).days + 1)
    }
    ends = [YEAR_END, max(enrolled) if enrolled else first_fill - DAY]
    if member.death_date:
        ends.append(member.death_date)
    end = min(ends)
    period = [first_fill + offset * DAY for offset in range(max((end - first_fill).days + 1, 0))]

    shelf = dict.fromkeys(sister.ingredients, 0)
    covered = set()
    for day in period:
        for drug in sister.ingredients:
            delivered = [supply for fill_day, supply, product in fills if fill_day == day and drug in words_of(product)]
            shelf[drug] += max(delivered, default=0)
            if shelf[drug]:
                shelf[drug] -= 1
                covered.add(day)

    in_stay = {
        admitted + offset * DAY
        for admitted, discharged in member.stays
        for offset in range((discharged - admitted).days)
    }
    counted_days, counted_covered, put_aside = 0, 0, 0
    for day in period:
        if adjust and day in in_stay:
            put_aside += day in covered
            continue
        counted_days += 1
        if day in covered:
            counted_covered += 1
        elif put_aside:
            put_aside -= 1
            counted_covered += 1

    gaps, longest, running = 0, 0, 0
    for day in period:
        running = 0 if day in enrolled else running + 1
        gaps += running == 1
        longest = max(longest, running)

    birthday_passed = (age_on.month, age_on.day) >= (member.birth_date.month, member.birth_date.day)
    age = age_on.year - member.birth_date.year - (not birthday_passed)
    reasons = {
        "R4": len({day for day, _, _ in fills}) < 2,
        "R5": age < 18,
        "R6": len(period) < shortest,
        "R7": first_fill.replace(day=1) not in member.months,
        "R8": gaps > 1 or longest > 31,
        "R9": bool(member.hospice_months),
        "R10": member.kidney_day is not None and YEAR_START <= member.kidney_day <= YEAR_END,
        "R17": any(sister.excluded in words_of(product) for _, _, product in of_year),
    }
    return Answer(
        period_days=counted_days,
        days_covered=counted_covered,
        adherent=counted_days > 0 and Decimal(counted_covered) / Decimal(counted_days) >= Decimal("0.80"),
        reasons=frozenset(rule for rule, holds in reasons.items() if holds),
    )


def answers(found: MeasureEvents) -> dict[str, Answer]:
    columns = ["person_id", "period_days", "days_covered", "value", "exclusion_reasons"]
    return {
        person: Answer(period, covered, value == 1, frozenset(reasons))
        for person, period, covered, value, reasons in found.events.select(columns).iter_rows()
    }


def simulated(
    sister: Sister, people: list[Member], *, age_on: date = YEAR_START, shortest: int = 91, adjust: bool = False
) -> dict[str, Answer]:
    return {
        member.person_id: answer
        for member in people
        if (answer := simulate(sister, member, age_on=age_on, shortest=shortest, adjust=adjust))
    }


@each_sister
@pytest.mark.parametrize(("adjust", "seed"), list(zip(("off", "on"), SEEDS, strict=True)))
def test_days_and_reasons_equal_a_day_by_day_simulation(
    sister: Sister, seed: int, adjust: str, run_module: Callable[..., MeasureEvents]
) -> None:
    people = invent(sister, seed, persons=HISTORIES)
    expected = simulated(sister, people, adjust=adjust == "on")
    found = run_module(sister.module_id, as_rows(people), start=YEAR_START, end=YEAR_END, ip_snf_adjust=adjust)
    assert answers(found) == expected
    rules = EXCLUSION_RULES | ({"R17"} if sister.excluded else set())
    assert {rule for answer in expected.values() for rule in answer.reasons} == rules
    assert 0 < sum(answer.adherent for answer in expected.values()) < len(expected)


@each_sister
def test_other_choices_of_age_and_shortest_period_equal_the_simulation(
    sister: Sister, run_module: Callable[..., MeasureEvents]
) -> None:
    people = invent(sister, 11, persons=300)
    found = run_module(
        sister.module_id, as_rows(people), start=YEAR_START, end=YEAR_END, age_on="last_day", min_period_days=92
    )
    assert answers(found) == simulated(sister, people, age_on=YEAR_END, shortest=92)


@each_sister
def test_another_order_of_the_rows_and_two_threads_change_nothing(
    sister: Sister, run_module: Callable[..., MeasureEvents]
) -> None:
    rows = as_rows(invent(sister, 5, persons=200))
    one = run_module(sister.module_id, rows, start=YEAR_START, end=YEAR_END)
    other = run_module(sister.module_id, rows, start=YEAR_START, end=YEAR_END, threads=2, shuffle=3)
    assert one.events.equals(other.events)
    assert one.waterfall.equals(other.waterfall)
