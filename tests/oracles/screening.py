"""Breast and colorectal cancer screening, from measures/bcs/method.md and measures/col/method.md alone."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal

from tests.oracles.awv import in_hospice
from tests.oracles.model_rows import (
    Answer,
    Answers,
    Lists,
    Model,
    Person,
    Row,
    held_months,
    icd10,
    line_day,
    line_stands,
    month_of,
    months_between,
    months_later,
    plain,
    standing_fills,
    words,
)

TESTS = (
    (("colonoscopy", "colonoscopy_public"), 9),
    (("ct_colonography",), 4),
    (("sigmoidoscopy", "sigmoidoscopy_public"), 4),
    (("stool_dna_test",), 2),
    (("stool_blood_test", "stool_blood_test_public"), 0),
)
"""col R10 and R11: lists of each test, and the years before the period that it counts."""


def bcs(
    model: Model,
    lists: Lists,
    *,
    start: date,
    end: date,
    youngest: int = 42,
    oldest: int = 74,
    older_from: int = 52,
    sex: str = "female",
    months_before: int = 15,
    gap_months: int = 1,
) -> Answers:
    def mammogram(person: Person) -> dict[str, object]:
        days = services(person, lists, "mammography", "mammography_public", first=months_later(start, -15), last=end)
        return {"screened_on": max(days)} if days else {}

    return _answers(
        "bcs", model, lists, start, end, mammogram, youngest, oldest, older_from, sex, months_before, gap_months
    )


def col(
    model: Model,
    lists: Lists,
    *,
    start: date,
    end: date,
    youngest: int = 46,
    oldest: int = 75,
    older_from: int = 50,
    sex: str = "any",
    months_before: int = 12,
    gap_months: int = 1,
) -> Answers:
    def test(person: Person) -> dict[str, object]:
        for names, years in TESTS:
            days = services(person, lists, *names, first=start.replace(year=start.year - years), last=end)
            if days:
                return {"test": names[0], "screened_on": max(days)}
        return {}

    found = _answers(
        "col", model, lists, start, end, test, youngest, oldest, older_from, sex, months_before, gap_months
    )
    for answer in found.values():
        held = held_months(model.persons[answer.person_id])
        answer.further["years_seen"] = sum(
            any(months_later(end, -12 * back - month) in held for month in range(12)) for back in range(10)
        )
    return found


def _answers(
    measure_id: str,
    model: Model,
    lists: Lists,
    start: date,
    end: date,
    screened: Callable[[Person], Mapping[str, object]],
    youngest: int,
    oldest: int,
    older_from: int,
    sex: str,
    months_before: int,
    gap_months: int,
) -> Answers:
    found: Answers = {}
    for person in model.persons.values():
        years = person.age(end)
        if not youngest <= years <= oldest or (sex == "female" and person.sex != 2):
            continue
        held = held_months(person)
        if not held & set(months_between(start, end)):
            continue
        reasons = {
            "R3": not visits(person, lists, start, end),
            "R4": has_gaps(held, start, end, months_before, gap_months),
            "R5": in_hospice(person, person.occurred, start, end)
            or bool(services(person, lists, "hospice_service", first=start, last=end, anywhere=True)),
            "R6": bool(diagnosis_days(person, lists, "palliative_dx", start, end))
            or bool(services(person, lists, "palliative_service", first=start, last=end, anywhere=True)),
            "R7": has_lost_organ(person, lists, end),
            "R8": years >= 66 and is_frail(person, lists, start, end) and is_gravely_ill(person, lists, start, end),
            "R9": years >= 66 and lives_in_nursing_home(person, start, end),
        }
        test = screened(person)
        found[measure_id, person.person_id] = Answer(
            person.person_id,
            frozenset(rule for rule, applies in reasons.items() if applies),
            value=Decimal(bool(test)),
            cohort="younger" if years < older_from else "older",
            further=dict(test),
        )
    return found


def standing_lines(person: Person) -> Iterable[tuple[Row, Row]]:
    return ((claim, line) for claim in person.occurred for line in claim.lines if line_stands(line))


def services(person: Person, lists: Lists, *names: str, first: date, last: date, anywhere: bool = False) -> set[date]:
    """R12: days of service lines, on professional and outpatient claims, or on claims of any type."""
    codes = lists.codes(*names)
    return {
        line_day(claim, line)
        for claim, line in standing_lines(person)
        if line.hcpcs in codes
        and (anywhere or claim.claim_type in ("professional", "outpatient"))
        and first <= line_day(claim, line) <= last
    }


def visits(person: Person, lists: Lists, start: date, end: date) -> bool:
    """R3."""
    public, further = lists.beginnings("screening_visit_public"), lists.codes("screening_visit")
    return any(
        line.hcpcs and (line.hcpcs in public or line.hcpcs in further) and start <= line_day(claim, line) <= end
        for claim, line in standing_lines(person)
        if claim.claim_type in ("professional", "outpatient")
    )


def diagnosis_days(person: Person, lists: Lists, name: str, first: date, last: date) -> set[date]:
    """First days of claims that stand and hold a diagnosis of the list."""
    codes = lists.codes(name)
    return {
        claim.from_date
        for claim in person.occurred
        if first <= claim.from_date <= last and icd10(claim.diagnoses) & codes
    }


def has_gaps(held: set[date], start: date, end: date, months_before: int, gap_months: int) -> bool:
    """R4."""
    within = [month for month in months_between(start, end) if month not in held]
    before = [back for back in range(1, months_before + 1) if months_later(start, -back) not in held]
    return (
        len(within) > gap_months
        or sum(back <= 12 for back in before) > gap_months
        or any(back > 12 for back in before)
        or month_of(end) not in held
    )


def has_lost_organ(person: Person, lists: Lists, end: date) -> bool:
    """R7."""
    sides: set[str] = set()
    for claim in person.occurred:
        if claim.from_date <= end:
            for code in icd10(claim.diagnoses):
                sides |= lists.map("organ_dx").get(code, set())
        for row in claim.procedures:
            if row.icd_version == 10 and (row.procedure_date or claim.from_date) <= end:
                sides |= lists.map("organ_px").get(plain(row.code), set())
    return "whole" in sides or {"left", "right"} <= sides


def is_frail(person: Person, lists: Lists, start: date, end: date) -> bool:
    """R8: signs of frailty on two different days of the period."""
    days = diagnosis_days(person, lists, "frailty_dx", start, end)
    return (
        len(days | services(person, lists, "frailty_service", "frailty_further", first=start, last=end, anywhere=True))
        > 1
    )


def is_gravely_ill(person: Person, lists: Lists, start: date, end: date) -> bool:
    """R8: advanced illness, or a medicine for dementia, from 12 months before the period on."""
    first, codes = months_later(start, -12), lists.codes("advanced_illness_dx")
    claims = [claim for claim in person.occurred if first <= claim.from_date <= end and icd10(claim.diagnoses) & codes]
    if any(claim.claim_type == "inpatient" for claim in claims) or len({claim.from_date for claim in claims}) > 1:
        return True
    return any(
        first <= fill.fill_date <= end and words(fill.ingredients) & lists.codes("dementia_drug")
        for fill in standing_fills(person)
    )


def lives_in_nursing_home(person: Person, start: date, end: date) -> bool:
    """R9."""
    days = [
        line_day(claim, line)
        for claim, line in standing_lines(person)
        if claim.claim_type == "professional"
        and line.place_of_service == "32"
        and start <= line_day(claim, line) <= end
    ]
    return bool(days) and max(days) - min(days) > timedelta(days=90)
