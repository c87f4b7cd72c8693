"""Statin use in persons with diabetes, from measures/supd/method.md alone: everybody who filled a drug for diabetes."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from tests.oracles.awv import in_hospice
from tests.oracles.model_rows import (
    DAY,
    Answer,
    Answers,
    Lists,
    Model,
    Person,
    Row,
    icd10,
    month_end,
    month_of,
    standing_fills,
    words,
)


def answers(
    model: Model, lists: Lists, *, start: date, end: date, min_period_days: int = 91, gap_rule: int = 31
) -> Answers:
    found: Answers = {}
    for person in model.persons.values():
        filled = [fill for fill in standing_fills(person) if start <= fill.fill_date <= end]
        supplied = [fill for fill in filled if fill.days_supply is not None and fill.days_supply >= 1]  # R1
        days = {fill.fill_date for fill in of_list(supplied, "target_drug", lists)}
        if not days:
            continue
        reasons = {
            "R4": len(days) < 2,
            "R5": not 40 <= person.age(start) <= 75,
            **enrolment_reasons(person, min(days), start, end, min_period_days, gap_rule),
            **diagnosis_reasons(person, lists, start, end),
            **further_reasons(person, filled, lists, start, end),
        }
        found["supd", person.person_id] = Answer(
            person.person_id,
            frozenset(rule for rule, applies in reasons.items() if applies),
            value=Decimal(bool(of_list(supplied, "statin", lists))),  # R16
        )
    return found


def of_list(fills: Iterable[Row], name: str, lists: Lists) -> list[Row]:
    """R2: a word of the ingredients is on the list."""
    return [fill for fill in fills if words(fill.ingredients) & lists.codes(name)]


def enrolment_reasons(
    person: Person, first: date, start: date, end: date, min_period_days: int, gap_rule: int
) -> dict[str, bool]:
    """R3 and R6 to R8, by looking at every day."""
    of_year = pharmacy_days(person, start, end)
    last_day = min(end, person.death_date or end, max(of_year, default=first - DAY))
    gaps, longest, running, day, length = 0, 0, 0, first, 0
    while day <= last_day:
        running = 0 if day in of_year else running + 1
        gaps += running == 1
        longest = max(longest, running)
        length += 1
        day += DAY
    return {
        "R6": length < min_period_days,
        "R7": not any(row.pharmacy and row.month == month_of(first) for row in person.months),
        "R8": gaps > 1 or longest > gap_rule,
    }


def pharmacy_days(person: Person, start: date, end: date) -> set[date]:
    """Days of pharmacy enrolment; a month covered in part counts by its days."""
    enrolled = set()
    for row in person.months:
        if row.pharmacy and start <= row.month <= end:
            day, last = row.covered_from or row.month, row.covered_to or month_end(row.month)
            while day <= last:
                enrolled.add(day)
                day += DAY
    return enrolled


def codes_of_year(person: Person, start: date, end: date) -> set[str]:
    return {code for claim in person.occurred if start <= claim.from_date <= end for code in icd10(claim.diagnoses)}


def diagnosis_reasons(person: Person, lists: Lists, start: date, end: date) -> dict[str, bool]:
    """R9 and R10."""
    in_kidney_month = any(row.esrd and start <= row.month <= end for row in person.months)
    return {
        "R9": in_hospice(person, person.paid, start, end),
        "R10": bool(codes_of_year(person, start, end) & lists.codes("esrd")) or in_kidney_month,
    }


def further_reasons(person: Person, filled: list[Row], lists: Lists, start: date, end: date) -> dict[str, bool]:
    """R11 to R15."""
    codes = codes_of_year(person, start, end)
    return {
        "R11": bool(codes & lists.codes("myopathy")),
        "R12": lists.beginnings("pregnancy").any_of(codes) or bool(of_list(filled, "fertility_drug", lists)),
        "R13": bool(codes & lists.codes("cirrhosis")),
        "R14": bool(codes & lists.codes("prediabetes")),
        "R15": bool(codes & lists.codes("polycystic_ovary")),
    }
