"""total_cost_index against fractions in plain Python, on random members, claims and fills."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Any

import polars as pl
import pytest

from benchmarks.oracles import differences
from qe.measurement.behind import claims_behind
from qe.measurement.compute import MeasureEvents
from qe.measurement.measure import Module
from qe.periods import MeasurePeriod
from qe.warehouse import Warehouse
from tests.oracles import total_cost_index as oracle
from tests.oracles.model_rows import Lists, read

START, END = date(2024, 1, 1), date(2024, 12, 31)
DAY = timedelta(days=1)
MONTHS = [date(2023 + number // 12, number % 12 + 1, 1) for number in range(26)]
KINDS = ("inpatient", "outpatient", "professional", "post_acute", "other")
CLAIM_TYPES = {
    "inpatient": "inpatient",
    "outpatient": "outpatient",
    "professional": "professional",
    "post_acute": "snf",
    "other": "dme",
}
STANDS = {"paid", "zero_paid", "other_payer_paid"}
COMORBIDITY = {"I509": "HF", "E669": "OBESE", "G20": "NEURO_MOVT"}


@dataclass
class Service:
    """One claim or fill. kind: a category, or pharmacy."""

    service_id: str
    kind: str
    day: date
    allowed: Decimal
    status: str
    repriced: bool
    diagnosis: str | None


@dataclass
class Member:
    """months: payer of the medical benefits and whether drugs are covered too; managed: Medicare months in a managed-care plan."""

    person_id: str
    months: dict[date, tuple[str, bool]] = field(default_factory=dict)
    managed: set[date] = field(default_factory=set)
    services: list[Service] = field(default_factory=list)


@dataclass(frozen=True)
class Answer:
    """What the measure says of a person; amounts in dollars."""

    payer_type: str
    months: int
    medical_only_months: int
    cohort: str
    value: Decimal
    amount: Decimal
    is_capped: bool
    by_kind: tuple[Decimal, ...]
    repriced: Decimal
    medical_only: Decimal
    comorbidities: frozenset[str]


def invent(seed: int, persons: int) -> list[Member]:
    """Random members: joining, leaving, changing payer, with small and very large costs."""
    chance = random.Random(seed)
    people = []
    for number in range(persons):
        member = Member(person_id=f"P{number:04d}")
        payer = chance.choice(["commercial", "medicare", "medicare_advantage"])
        first, last = sorted(chance.sample(range(-4, 30), 2))
        for place, month in enumerate(MONTHS):
            if chance.random() < 0.04:
                payer = chance.choice(["commercial", "medicare"])
            if first <= place <= last and chance.random() > 0.03:
                member.months[month] = (payer, chance.random() > 0.15)
                if payer == "medicare" and chance.random() < 0.1:
                    member.managed.add(month)
        scale = chance.choice([1, 1, 1, 10, 200])
        for _ in range(chance.randrange(0, 14)):
            service_id = str(100_000 + number * 100 + len(member.services))
            member.services.append(
                Service(
                    service_id=service_id,
                    kind=chance.choice([*KINDS, "pharmacy"]),
                    day=date(2022, 12, 25) + chance.randrange(760) * DAY,
                    allowed=Decimal(chance.randrange(-300, 90_000) * scale) / 100,
                    status=chance.choice(
                        ["paid"] * 8 + ["zero_paid", "other_payer_paid", "denied", "reversed", "void"]
                    ),
                    repriced=chance.random() < 0.1,
                    diagnosis=chance.choice([None, *COMORBIDITY]),
                )
            )
        people.append(member)
    return people


def as_rows(people: list[Member]) -> dict[str, list[dict[str, Any]]]:
    """The people as rows of the contract tables."""
    names = ("person", "member_month", "claim", "claim_diagnosis", "pharmacy_fill")
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for member in people:
        rows["person"].append({"person_id": member.person_id, "birth_date": date(1960, 5, 5), "sex": 2})
        for month, (payer, drugs) in member.months.items():
            managed = month in member.managed or payer == "medicare_advantage"
            rows["member_month"].append(
                {
                    "person_id": member.person_id,
                    "month": month,
                    "payer_id": payer,
                    "payer_type": payer,
                    "is_primary": True,
                }
                | {"medical": True, "pharmacy": drugs, "managed_care": managed}
            )
        for service in member.services:
            shared = {"person_id": member.person_id, "source_id": "S", "payer_id": "S", "payer_type": "commercial"}
            amounts = {"allowed_amount": service.allowed, "paid_amount": service.allowed, "repriced": service.repriced}
            if service.kind == "pharmacy":
                rows["pharmacy_fill"].append(
                    shared
                    | amounts
                    | {"fill_id": service.service_id, "fill_date": service.day, "fill_status": service.status}
                    | {"ingredients": ["METFORMIN"], "days_supply": 30}
                )
                continue
            rows["claim"].append(
                shared
                | amounts
                | {"claim_id": service.service_id, "claim_type": CLAIM_TYPES[service.kind], "frequency_code": "1"}
                | {"from_date": service.day, "thru_date": service.day + 40 * DAY, "paid_status": service.status}
                | {"facility_id": "U000001", "facility_type": "short_term" if service.kind == "inpatient" else None}
            )
            if service.diagnosis:
                rows["claim_diagnosis"].append(
                    {"claim_id": service.service_id, "sequence": 1, "kind": "other", "icd_version": 10}
                    | {"code": service.diagnosis}
                )
    return rows


def cents_cut(amount: Fraction) -> Fraction:
    """Down to a millionth of a dollar."""
    return Fraction(int(amount * 1_000_000), 1_000_000)


def work_out(people: list[Member], *, percentile: int) -> dict[str, Answer]:
    """The answers, step by step, in fractions."""
    seen = {member.person_id: set(member.months) - member.managed for member in people}
    counted: dict[str, set[date]] = {}
    lines: dict[str, str] = {}
    totals: dict[str, Fraction] = {}
    for member in people:
        in_view = {month for month in seen[member.person_id] if START <= month <= END}
        if not in_view:
            continue
        both = {month for month in in_view if member.months[month][1]}
        counted[member.person_id] = both
        payers = {member.months[month][0] for month in in_view}

        def weight(payer: str, member: Member = member, in_view: set[date] = in_view, both: set[date] = both) -> Any:
            own = {month for month in in_view if member.months[month][0] == payer}
            return (len(own & both), len(own), max(own))

        lines[member.person_id] = max(payers, key=weight)
        totals[member.person_id] = Fraction(sum_of(member, both))

    caps: dict[str, Fraction] = {}
    for line in set(lines.values()):
        yearly = sorted(
            Fraction(int(max(totals[person], Fraction(0)) * 100) * 12 // len(counted[person]), 100)
            for person in counted
            if lines[person] == line and counted[person]
        )
        if yearly:
            caps[line] = yearly[ceil(len(yearly) * percentile / 100) - 1]

    answers = {}
    for member in people:
        person = member.person_id
        if person not in counted:
            continue
        both = counted[person]
        months = len(both)
        total = max(totals[person], Fraction(0)) if months else Fraction(0)
        is_capped = bool(months) and int(total * 100) * 12 // months > caps[lines[person]] * 100
        value = cents_cut(caps[lines[person]] * months / 12) if is_capped else total
        prior = [month for month in seen[person] if month < START]
        medical_only = {month for month in seen[person] if START <= month <= END} - both
        answers[person] = Answer(
            payer_type=lines[person],
            months=months,
            medical_only_months=len(medical_only),
            cohort="short_history" if len(prior) < 9 else "full_history",
            value=Decimal(value.numerator) / Decimal(value.denominator),
            amount=sum_of(member, both),
            is_capped=is_capped,
            by_kind=tuple(sum_of(member, both, kind=kind) for kind in (*KINDS, "pharmacy")),
            repriced=sum_of(member, both, repriced=True),
            medical_only=sum_of(member, medical_only),
            comorbidities=frozenset(
                COMORBIDITY[service.diagnosis]
                for service in member.services
                if service.diagnosis
                and len(prior) >= 9
                and service.kind not in ("pharmacy", "other")
                and service.status in STANDS
                and date(2023, 1, 1) <= service.day < START
            ),
        )
    return answers


def sum_of(member: Member, months: set[date], *, kind: str | None = None, repriced: bool | None = None) -> Decimal:
    """Allowed amounts of the services that stand and began in these months."""
    return sum(
        (
            service.allowed
            for service in member.services
            if service.status in STANDS
            and service.day.replace(day=1) in months
            and kind in (None, service.kind)
            and repriced in (None, service.repriced)
        ),
        Decimal(0),
    )


def answers(found: MeasureEvents) -> dict[str, Answer]:
    flags: dict[str, set[str]] = {}
    for event_id, factor in found.covariates.select("event_id", "factor").iter_rows():
        if factor.startswith("comorbidity:"):
            flags.setdefault(event_id, set()).add(factor.removeprefix("comorbidity:"))
    return {
        row["person_id"]: Answer(
            payer_type=row["payer_type"],
            months=int(row["exposure"]),
            medical_only_months=row["medical_only_months"],
            cohort=row["cohort"],
            value=row["value"],
            amount=row["amount"],
            is_capped=row["is_capped"],
            by_kind=tuple(row[f"{kind}_amount"] for kind in (*KINDS, "pharmacy")),
            repriced=row["repriced_amount"],
            medical_only=row["medical_only_amount"],
            comorbidities=frozenset(flags.get(row["event_id"], set())),
        )
        for row in found.events.filter(pl.col("measure_id") == "total_cost_index").iter_rows(named=True)
    }


@pytest.mark.parametrize(("seed", "percentile"), [(1, 99), (2, 90), (3, 100)])
def test_months_costs_and_caps_equal_fractions_by_hand(
    seed: int, percentile: int, run_module: Callable[..., MeasureEvents]
) -> None:
    people = invent(seed, persons=500)
    expected = work_out(people, percentile=percentile)
    found = run_module("total_cost_index", as_rows(people), start=START, end=END, cap_percentile=percentile)
    assert answers(found) == expected
    assert (
        sum(answer.is_capped for answer in expected.values()) == {99: 3, 90: 45, 100: 0}.get(percentile)
        or percentile < 100
    )
    excluded = set(found.events.filter(~found.events["in_denominator"])["person_id"])
    assert excluded == {person for person, answer in expected.items() if answer.months == 0}


def test_the_claims_behind_each_persons_cost_are_those_that_stand_in_its_months_and_add_up_to_it(
    model_of: Callable[..., Warehouse], modules: Callable[[str], Module]
) -> None:
    people = invent(1, persons=500)
    expected = work_out(people, percentile=99)
    ids = [member.person_id for member in people]
    events = pl.DataFrame({"event_id": ids, "person_id": ids, "driving_claim_ids": [[]] * len(people)})
    found = claims_behind(
        model_of(as_rows(people)),
        modules("total_cost_index"),
        events.cast({"driving_claim_ids": pl.List(pl.String)}),
        period=MeasurePeriod(start=START, end=END),
        parameters={},
        lists=None,
    )
    assert adds_up_to(found) == {person: answer.amount for person, answer in expected.items() if answer.amount}
    by_kind: dict[tuple[str, str], Decimal] = {}
    for row in found.iter_rows(named=True):
        key = (row["event_id"], row["part"])
        by_kind[key] = by_kind.get(key, Decimal(0)) + row["amount"]
    for person, answer in expected.items():
        assert tuple(by_kind.get((person, kind), Decimal(0)) for kind in (*KINDS, "pharmacy")) == answer.by_kind
    assert not found.select("event_id", "kind", "claim_id").is_duplicated().any()


def test_another_order_of_the_rows_and_two_threads_change_nothing(run_module: Callable[..., MeasureEvents]) -> None:
    rows = as_rows(invent(6, persons=300))
    one = run_module("total_cost_index", rows, start=START, end=END)
    other = run_module("total_cost_index", rows, start=START, end=END, threads=2, shuffle=4)
    assert one.events.equals(other.events)
    assert one.covariates.equals(other.covariates)


def adds_up_to(behind: pl.DataFrame) -> dict[str, Decimal]:
    """Dollars of the claims behind each person, where there are any."""
    added: dict[str, Decimal] = {}
    for row in behind.iter_rows(named=True):
        added[row["event_id"]] = added.get(row["event_id"], Decimal(0)) + row["amount"]
    return {person: amount for person, amount in added.items() if amount}


def with_lines(rows: dict[str, list[dict[str, Any]]], seed: int) -> dict[str, list[dict[str, Any]]]:
    """The rows with providers, lines of few codes (some taken back), groups of stays, and products of fills."""
    chance = random.Random(seed)
    lines: list[dict[str, Any]] = []
    for claim in rows["claim"]:
        claim["payer_id"] = claim["source_id"] = chance.choice("ABC")
        claim["billing_tin"] = chance.choice(["1", "2", "3", "4"])
        claim["facility_id"] = None if claim["claim_type"] == "professional" else chance.choice(["F1", "F2", "F3"])
        claim["drg"] = chance.choice([None, "001", "002"])
        rest = claim["allowed_amount"]
        for number in range(1, chance.randrange(0, 5)):
            part = chance.choice([rest, rest / 2, -rest, Decimal(100), Decimal(0)]).quantize(Decimal("0.01"))
            rest -= part
            lines.append(
                {"claim_id": claim["claim_id"], "person_id": claim["person_id"], "line_number": number}
                | {"hcpcs": chance.choice(["G0101", "G0102", "G0101", None]), "allowed_amount": part}
                | {"modifiers": chance.choice([[], [], ["26"], ["26", "59"], ["59", "26"]])}
                | {"units": chance.choice([None, Decimal(0), Decimal(1), Decimal(3), Decimal("1.5")])}
                | {"place_of_service": chance.choice(["11", "22", None]), "repriced": chance.random() < 0.05}
                | {"line_status": chance.choice([None, "paid", "paid", "denied"])}
            )
    for fill in rows["pharmacy_fill"]:
        fill["ndc"], fill["brand_generic"] = chance.choice([(None, None), ("1", "G"), ("2", "G"), ("3", "B")])
        fill["quantity"] = chance.choice([None, Decimal(0), Decimal(30), Decimal("7.5")])
        fill["days_supply"] = chance.choice([None, 0, 30, 90])
        fill["pharmacy_npi"] = chance.choice([None, "1", "2", "3"])
    return rows | {"claim_line": lines}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_services_and_prices_are_what_an_independent_reading_of_the_method_says(
    seed: int, run_module: Callable[..., MeasureEvents], model_of: Callable[..., Warehouse], modules: Any
) -> None:
    rows = with_lines(as_rows(invent(seed, persons=300)), seed)
    found = run_module("total_cost_index", rows, start=START, end=END)
    lists = Lists(modules("total_cost_index").folder.parent, "total_cost_index")
    expected = oracle.answers(read(model_of(rows).connection), lists, start=START, end=END)
    assert differences(expected, found) == []
    used = found.events.filter(pl.col("measure_id") == "resource_use_index")
    for price in ("service", "code", "day", "ingredient"):  # each way to price is met
        assert used[f"{price}_price_amount"].sum() != 0, price


def test_resource_use_adds_up_by_claim_by_kind_of_care_and_by_what_its_prices_rest_on(
    model_of: Callable[..., Warehouse], run_module: Callable[..., MeasureEvents], modules: Callable[[str], Module]
) -> None:
    rows = with_lines(as_rows(invent(4, persons=300)), 4)
    found = run_module("total_cost_index", rows, start=START, end=END)
    used = found.events.filter((pl.col("measure_id") == "resource_use_index") & pl.col("in_denominator"))
    kinds = [f"{kind}_amount" for kind in (*KINDS, "pharmacy")]
    prices = [f"{name}_price_amount" for name in ("service", "code", "day", "ingredient")]
    for row in used.iter_rows(named=True):
        assert sum(row[name] for name in kinds) == row["amount"]
        assert sum(row[name] for name in (*prices, "unstandardised_amount")) == row["amount"]
    behind = claims_behind(
        model_of(rows),
        modules("total_cost_index"),
        used,
        period=MeasurePeriod(start=START, end=END),
        parameters={},
        lists=None,
    )
    assert adds_up_to(behind) == {row["event_id"]: row["amount"] for row in used.iter_rows(named=True) if row["amount"]}


def test_where_everybody_is_paid_the_same_resource_use_is_the_cost(run_module: Callable[..., MeasureEvents]) -> None:
    """100 dollars a visit at three practices: the reference price is 100, and every price is 1."""
    people = invent(5, persons=200)
    rows = as_rows(people)
    rows["claim"] = [claim for claim in rows["claim"] if claim["claim_type"] == "professional"]
    rows["pharmacy_fill"] = []
    for place, claim in enumerate(rows["claim"]):
        claim |= {"allowed_amount": Decimal(100), "facility_id": None, "billing_tin": str(place % 3), "repriced": False}
    rows["claim_line"] = [
        {"claim_id": claim["claim_id"], "line_number": 1, "hcpcs": "G0101", "allowed_amount": Decimal(100)}
        for claim in rows["claim"]
    ]
    events = run_module("total_cost_index", rows, start=START, end=END).events.filter("in_denominator")
    by_measure = {
        key[0]: part.sort("event_id") for key, part in events.partition_by("measure_id", as_dict=True).items()
    }
    cost, use, price = (by_measure[name] for name in ("total_cost_index", "resource_use_index", "price_index"))
    assert use["value"].to_list() == cost["value"].to_list()
    assert price["value"].to_list() == price["exposure"].to_list() == cost["value"].to_list()
    assert use["unstandardised_amount"].sum() == 0
