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
    lines: dict[str | None, list[Decimal]] = defaultdict(list)
    for cost in costs:
        if cost.months:
            lines[cost.payer_line].append(cost.yearly)
    caps = {line: cap(sorted(yearly), cap_percentile) for line, yearly in lines.items()}
    found: Answers = {}
    for cost in costs:
        person, months = cost.person, len(cost.months)
        cohort = "short_history" if is_short(held_months(person), start) else "full_history"  # R4
        value = cost.up_to(caps[cost.payer_line]) if cost.months else Decimal(0)
        found["total_cost_index", person.person_id] = Answer(
            person.person_id,
            frozenset() if cost.months else frozenset({"R5"}),
            value=value,
            exposure=Decimal(months),
            amount=cost.amount if cost.months else None,
            cohort=cohort,
            further=dollars(cost) if cost.months else {},
            factors=prior_year(person, start, lists) if cohort == "full_history" else frozenset(),
        )
    return found


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
    return {**by_kind, **outside, "repriced_amount": cost.repriced}


def rounded_down(amount: Decimal, unit: Decimal) -> Decimal:
    return amount.quantize(unit, rounding="ROUND_DOWN")


def cap(yearly: list[Decimal], percentile: int) -> Decimal:
    """R9: the lowest yearly cost that so many percent of the people do not exceed."""
    for place, cost in enumerate(yearly, start=1):
        if 100 * place >= percentile * len(yearly):
            return cost
    raise ValueError("nobody is in the payer line")
