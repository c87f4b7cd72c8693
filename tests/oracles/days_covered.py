"""Proportion of days covered, from the methods of pdc_statins, pdc_rasa and pdc_diabetes alone: a shelf of tablets, day by day."""

from collections import defaultdict
from datetime import date
from decimal import Decimal

from tests.oracles.model_rows import DAY, Answer, Answers, Lists, Model, Person, Row, standing_fills, words
from tests.oracles.supd import diagnosis_reasons, enrolment_reasons, of_list, pharmacy_days


def answers(
    model: Model,
    lists: Lists,
    *,
    start: date,
    end: date,
    min_period_days: int = 91,
    gap_rule: int = 31,
    age_on: str = "first_day",
    ip_snf_adjust: str = "off",
) -> Answers:
    found: Answers = {}
    for person in model.persons.values():
        filled = [fill for fill in standing_fills(person) if start <= fill.fill_date <= end]
        fills = [fill for fill in of_list(filled, "target_drug", lists) if (fill.days_supply or 0) >= 1]  # R1, R2
        if not fills:
            continue
        first = min(fill.fill_date for fill in fills)
        reasons = {
            "R4": len({fill.fill_date for fill in fills}) < 2,
            "R5": person.age(start if age_on == "first_day" else end) < 18,
            **enrolment_reasons(person, first, start, end, min_period_days, gap_rule),
            **diagnosis_reasons(person, lists, start, end),
            "R17": lists.has("excluded_drug") and bool(of_list(filled, "excluded_drug", lists)),
        }
        period = days(
            first, min(end, person.death_date or end, max(pharmacy_days(person, start, end), default=first - DAY))
        )
        covered = days_on_shelf(fills, period, lists.codes("target_drug"))
        away = stay_days(person) if ip_snf_adjust == "on" else set()
        counted, on_hand = counted_days(period, covered, away)
        found[lists.module_id, person.person_id] = Answer(
            person.person_id,
            frozenset(rule for rule, applies in reasons.items() if applies),
            value=Decimal(counted > 0 and 100 * on_hand >= 80 * counted),  # R15
            further={"period_days": counted, "days_covered": on_hand},
        )
    return found


def days(first: date, last: date) -> list[date]:
    """Every day from the first to the last."""
    return [first + offset * DAY for offset in range((last - first).days + 1)]


def days_on_shelf(fills: list[Row], period: list[date], drugs: set[str]) -> set[date]:
    """R11 to R14: each ingredient has a shelf of its own; one tablet of each goes a day."""
    delivered: dict[date, dict[str, int]] = defaultdict(dict)
    for fill in fills:
        of_day = delivered[fill.fill_date]
        for drug in words(fill.ingredients) & drugs:
            of_day[drug] = max(of_day.get(drug, 0), fill.days_supply)
    shelf: dict[str, int] = defaultdict(int)
    covered = set()
    for day in period:
        for drug, supply in delivered.get(day, {}).items():
            shelf[drug] += supply
        for drug in [drug for drug, left in shelf.items() if left]:
            shelf[drug] -= 1
            covered.add(day)
    return covered


def stay_days(person: Person) -> set[date]:
    """R16: days in hospital or skilled nursing, from admission to the day before discharge."""
    return {
        day for stay in person.stays if stay.discharge_date for day in days(stay.admit_date, stay.discharge_date - DAY)
    }


def counted_days(period: list[date], covered: set[date], away: set[date]) -> tuple[int, int]:
    """Days of the period, and of these those covered, when supply of days away covers uncovered days after them."""
    counted, on_hand, put_aside = 0, 0, 0
    for day in period:
        if day in away:
            put_aside += day in covered
            continue
        counted += 1
        if day in covered:
            on_hand += 1
        elif put_aside:
            put_aside -= 1
            on_hand += 1
    return counted, on_hand
