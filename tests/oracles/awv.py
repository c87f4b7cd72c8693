"""Annual wellness visit, from measures/awv/method.md alone: everybody with a month of Part B in view."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from tests.oracles.model_rows import (
    Answer,
    Answers,
    Lists,
    Model,
    Person,
    Row,
    is_held,
    line_day,
    line_stands,
    month_end,
    months_between,
)


def answers(model: Model, lists: Lists, *, start: date, end: date, min_months: int = 11) -> Answers:
    found: Answers = {}
    period = set(months_between(start, end))
    for person in model.persons.values():
        months = {
            row.month
            for row in person.months
            if row.month in period and is_held(row) and (row.part_b or row.payer_type == "medicare_advantage")
        }
        if not months:  # R1
            continue
        reasons = set()
        if len(months) < min_months:
            reasons.add("R3")
        if in_hospice(person, person.occurred, start, end):
            reasons.add("R4")
        days = visit_days(person, lists, start, end)
        found["awv", person.person_id] = Answer(
            person.person_id,
            frozenset(reasons),
            value=Decimal(bool(days)),
            further={"part_b_months": len(months)}
            | ({"visit_days": len(days), "first_visit_date": min(days)} if days else {}),
        )
    return found


def in_hospice(person: Person, claims: Iterable[Row], start: date, end: date) -> bool:
    """A month of enrolment marked hospice, or a hospice claim among `claims`, touches the period."""
    return any(row.hospice and row.month <= end and month_end(row.month) >= start for row in person.months) or any(
        claim.claim_type == "hospice" and claim.from_date <= end and (claim.thru_date or claim.from_date) >= start
        for claim in claims
    )


def visit_days(person: Person, lists: Lists, start: date, end: date) -> set[date]:
    """R5 to R7."""
    return {
        line_day(claim, line)
        for claim in person.occurred
        if claim.claim_type in ("professional", "outpatient")
        for line in claim.lines
        if line.hcpcs in lists.codes("annual_wellness_visit")
        and line_stands(line)
        and start <= line_day(claim, line) <= end
    }
