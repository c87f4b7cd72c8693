"""Spending around a hospital stay, from measures/mspb_like/method.md alone: every stay of Medicare at a short-term hospital."""

from datetime import date, timedelta
from decimal import Decimal

from tests.oracles.model_rows import Answer, Answers, Lists, Model, Person, Row, months_between
from tests.oracles.readmission import comorbidities
from tests.oracles.stays import DIED, considered, order, unmarked_too_often

BEFORE, AFTER = timedelta(days=3), timedelta(days=30)
LONG_BEFORE = timedelta(days=90)
FEWEST = 100
"""Episodes below which nothing is cut"""


def answers(
    model: Model, lists: Lists, *, start: date, end: date, mspb_version: str = "2022", cap_percentile: int = 99
) -> Answers:
    by_person = {
        person.person_id: [
            stay
            for stay in considered(person, start, end)
            if stay.facility_type == "short_term" and stay.payer_type == "medicare"  # R1
        ]
        for person in model.persons.values()
    }
    marks_count = not unmarked_too_often(stay for stays in by_person.values() for stay in stays)
    found: Answers = {}
    for person_id, stays in by_person.items():
        person = model.persons[person_id]
        reasons = {stay.stay_id: reasons_of(stay, person, model) for stay in stays}
        if mspb_version == "2013":
            follow(stays, reasons)
        for stay in stays:
            cost = cost_of(stay, person)
            found["mspb_like", stay.stay_id] = Answer(
                person_id,
                frozenset(rule for rule, applies in reasons[stay.stay_id].items() if applies),
                value=max(cost, Decimal(0)),  # R12
                amount=cost,
                factors=frozenset(f"comorbidity:{flag}" for flag in comorbidities(stay, person, lists, marks_count)),
            )
    cut(found, cap_percentile)
    for answer in found.values():
        if answer.reasons:
            answer.amount = None
    return found


def last_day(stay: Row) -> date:
    """R3: the last day of the episode; an open stay opens none."""
    left: date = stay.discharge_date or stay.admit_date
    return left + AFTER


def reasons_of(stay: Row, person: Person, model: Model) -> dict[str, bool]:
    """R4 to R6, R8 to R10."""
    covered = {month for month in {row.month for row in person.months} if is_ffs(person, month)}
    first = stay.admit_date - BEFORE - LONG_BEFORE
    died = stay.discharge_status in DIED
    if stay.discharge_date and person.death_date:
        died = died or person.death_date <= last_day(stay)
    return {
        "R4": stay.is_open,
        "R5": died,
        "R6": any(row.position > 1 or not row.is_last for row in stay.chain),
        "R8": stay.allowed_amount is None or stay.allowed_amount <= 0,
        "R9": not stay.is_open and not set(months_between(first, last_day(stay))) <= covered,
        "R10": model.ccn.get(stay.facility_id, "").startswith("21"),
    }


def is_ffs(person: Person, month: date) -> bool:
    """R9: original Medicare with Part A and Part B, in no managed care, as the first payer."""
    rows = [row for row in person.months if row.month == month]
    own = [row for row in rows if row.payer_type == "medicare" and row.is_primary is not False]
    return any(row.part_a and row.part_b for row in own) and not any(row.managed_care for row in rows)


def follow(stays: list[Row], reasons: dict[str, dict[str, bool]]) -> None:
    """R7."""
    windows: list[tuple[date, date]] = []
    for stay in sorted(stays, key=order):
        inside = any(first <= stay.admit_date <= last for first, last in windows)
        if not inside and not any(reasons[stay.stay_id].values()):
            windows.append((stay.admit_date, last_day(stay)))
        reasons[stay.stay_id]["R7"] = inside


def cost_of(stay: Row, person: Person) -> Decimal:
    """R11."""
    begins = {claim.claim_id: claim.admit_date or claim.from_date for claim in person.paid}
    return sum(
        (
            claim.allowed_amount or Decimal(0)
            for claim in person.paid
            if claim.payer_type == "medicare"
            and not claim.mco_paid
            and stay.admit_date - BEFORE <= begins[claim.claim_id] <= last_day(stay)
        ),
        Decimal(0),
    )


def cut(found: Answers, percentile: int) -> None:
    """R13."""
    counting = [answer for _, answer in sorted(found.items()) if not answer.reasons]
    costs = sorted(answer.value for answer in counting)
    if len(costs) < FEWEST:
        return
    cap = next(cost for place, cost in enumerate(costs, start=1) if 100 * place >= percentile * len(costs))
    for answer in counting:
        answer.value = min(answer.value, cap)
