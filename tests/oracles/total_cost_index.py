"""Total cost of care, from measures/total_cost_index/method.md alone: everybody with a month whose medical claims are held.

Claims that a Medicare managed-care plan paid are information only and no cost: so the claims model says, not the method.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from tests.oracles.comorbidity import is_short, prior_year
from tests.oracles.model_rows import (
    Answer,
    Answers,
    Lists,
    Model,
    Person,
    Row,
    held_months,
    is_held,
    month_of,
    months_between,
    standing_fills,
)
from tests.oracles.reference_prices import Priced, repriced

PAYERS = ("medicare", "medicare_advantage", "commercial", "medicaid")
KINDS = {
    "inpatient": "inpatient",
    "outpatient": "outpatient",
    "professional": "professional",
    "snf": "post_acute",
    "hha": "post_acute",
}
POST_ACUTE_FACILITIES = ("rehabilitation", "ltch", "snf")


@dataclass
class Cost:
    """One person's months and dollars."""

    person: Person
    months: set[date]
    medical_only: set[date]
    payer_line: str | None
    amount: Decimal = Decimal(0)
    outside: Decimal = Decimal(0)
    repriced: Decimal = Decimal(0)
    by_kind: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    by_price: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    @property
    def yearly(self) -> Decimal:
        """R7, R8: not below zero, brought to a year, in whole cents."""
        return rounded_down(max(self.amount, Decimal(0)) * 12 / len(self.months), Decimal("0.01"))

    def up_to(self, limit: Decimal) -> Decimal:
        """R8: the cost, or where a year of it is above the limit the limit's share for the member months."""
        if self.yearly <= limit:
            return max(self.amount, Decimal(0))
        return rounded_down(limit * len(self.months) / 12, Decimal("0.000001"))


def answers(model: Model, lists: Lists, *, start: date, end: date, cap_percentile: int = 99) -> Answers:
    period = set(months_between(start, end))
    costs = [cost_of(person, period) for person in model.persons.values() if held_months(person) & period]
    used = repriced(model, start, end, kind_of)
    uses = [use_of(cost, used.get(cost.person.person_id, [])) for cost in costs]
    caps, use_caps = caps_of(costs, cap_percentile), caps_of(uses, cap_percentile)
    found: Answers = {}
    for cost, use in zip(costs, uses, strict=True):
        person, months = cost.person, len(cost.months)
        cohort = "short_history" if is_short(held_months(person), start) else "full_history"  # R4
        value = cost.up_to(caps[cost.payer_line]) if cost.months else Decimal(0)
        resources = use.up_to(use_caps[use.payer_line]) if use.months else Decimal(0)
        factors = prior_year(person, start, lists) if cohort == "full_history" else frozenset()
        for measure_id, over, exposure, amount, further in (
            (
                "total_cost_index",
                value,
                Decimal(months),
                cost.amount,
                dollars(cost) | {"repriced_amount": cost.repriced},
            ),
            ("resource_use_index", resources, Decimal(months), use.amount, dollars(use) | rests_on(use)),
            ("price_index", value, resources, cost.amount, {"repriced_amount": cost.repriced}),  # R17
        ):
            found[measure_id, person.person_id] = Answer(
                person.person_id,
                frozenset() if cost.months else frozenset({"R5"}),
                value=over,
                exposure=exposure,
                amount=amount if cost.months else None,
                cohort=cohort,
                further=further if cost.months else {},
                factors=factors,
            )
    return found


def caps_of(costs: list[Cost], percentile: int) -> dict[str | None, Decimal]:
    """R9, for each payer line."""
    lines: dict[str | None, list[Decimal]] = defaultdict(list)
    for cost in costs:
        if cost.months:
            lines[cost.payer_line].append(cost.yearly)
    return {line: cap(sorted(yearly), percentile) for line, yearly in lines.items()}


def use_of(cost: Cost, services: list[Priced]) -> Cost:
    """R16: the same months, each service at its reference price."""
    use = Cost(cost.person, cost.months, cost.medical_only, cost.payer_line)
    for one in services:
        if month_of(one.began) in use.months:
            use.amount += one.amount
            use.by_kind[one.kind] += one.amount
            use.by_price[one.rests_on] += one.amount
        elif month_of(one.began) in use.medical_only:
            use.outside += one.amount
    return use


def cost_of(person: Person, period: set[date]) -> Cost:
    """R2, R6, R7, R10."""
    pharmacy = {row.month for row in person.months if row.pharmacy}
    held = held_months(person) & period
    cost = Cost(person, held & pharmacy, held - pharmacy, None)
    cost.payer_line = payer_line(person, cost.months)
    for claim in person.paid:
        if not claim.mco_paid:
            add(cost, claim.admit_date or claim.from_date, claim, kind_of(claim))
    for fill in standing_fills(person):
        add(cost, fill.fill_date, fill, "pharmacy")
    return cost


def add(cost: Cost, day: date, row: Row, kind: str) -> None:
    allowed = row.allowed_amount or Decimal(0)
    if month_of(day) in cost.months:
        cost.amount += allowed
        cost.by_kind[kind] += allowed
        cost.repriced += allowed if row.repriced else Decimal(0)
    elif month_of(day) in cost.medical_only:
        cost.outside += allowed


def kind_of(claim: Row) -> str:
    if claim.claim_type == "inpatient" and claim.facility_type in POST_ACUTE_FACILITIES:
        return "post_acute"
    return KINDS.get(claim.claim_type, "other")


def payer_line(person: Person, months: set[date]) -> str | None:
    """R3: the payer type of most member months; of the later ones where two have the same number."""
    of_month: dict[date, str] = {}
    for row in sorted(person.months, key=lambda row: (not row.is_primary, PAYERS.index(row.payer_type))):
        if row.month in months and is_held(row):
            of_month.setdefault(row.month, row.payer_type)
    counts = Counter(of_month.values())
    latest = {kind: max(month for month, of_this in of_month.items() if of_this == kind) for kind in counts}
    return max(counts, key=lambda kind: (counts[kind], latest[kind]), default=None)


def dollars(cost: Cost) -> dict[str, object]:
    """R2, R6, R10: what stands beside the cost."""
    by_kind = {f"{kind}_amount": cost.by_kind[kind] for kind in (*KINDS.values(), "pharmacy", "other")}
    outside = {"medical_only_months": len(cost.medical_only), "medical_only_amount": cost.outside}
    return {**by_kind, **outside}


def rests_on(use: Cost) -> dict[str, object]:
    """R16: the dollars by what their price rests on."""
    priced = {f"{name}_price_amount": use.by_price[name] for name in ("service", "code", "day", "ingredient")}
    return {**priced, "unstandardised_amount": use.by_price["unstandardised"]}


def rounded_down(amount: Decimal, unit: Decimal) -> Decimal:
    return amount.quantize(unit, rounding="ROUND_DOWN")


def cap(yearly: list[Decimal], percentile: int) -> Decimal:
    """R9: the lowest yearly cost that so many percent of the people do not exceed."""
    for place, cost in enumerate(yearly, start=1):
        if 100 * place >= percentile * len(yearly):
            return cost
    raise ValueError("nobody is in the payer line")
