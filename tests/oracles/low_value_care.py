"""Low-value care, from measures/low_value_care/method.md alone: everybody at risk of one of five services."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from tests.oracles.model_rows import (
    Answer,
    Answers,
    Beginnings,
    Lists,
    Model,
    Person,
    Row,
    held_months,
    icd10,
    line_day,
    line_stands,
    months_between,
)

SIX_WEEKS = timedelta(days=42)
PAIN, RED_FLAG = "low_back_pain_dx", "low_back_red_flag_dx"
LISTS = {
    "psa": ("psa_test", "psa_test_public"),
    "low_back_imaging": ("low_back_imaging",),
    "syncope_imaging": ("head_imaging",),
    "headache_imaging": ("head_imaging",),
    "carotid_imaging": ("carotid_imaging",),
}


@dataclass
class Service:
    """R8: all lines of one person, one list and one day."""

    day: date
    lines: list[Row]
    claims: list[Row]

    @property
    def codes(self) -> set[str]:
        return {code for claim in self.claims for code in icd10(claim.diagnoses)}


@dataclass
class Signs:
    """The diagnoses of one person on claims that stand: (day, code)."""

    told: set[tuple[date, str]]

    def within(self, listed: Beginnings | Callable[[str], bool], first: date, last: date) -> bool:
        is_listed = listed.__contains__ if isinstance(listed, Beginnings) else listed
        return any(first <= day <= last and is_listed(code) for day, code in self.told)


def answers(
    model: Model,
    lists: Lists,
    *,
    start: date,
    end: date,
    min_age: int = 18,
    psa_age: int = 70,
    min_months: int = 11,
) -> Answers:
    found: Answers = {}
    period = set(months_between(start, end))
    for person in model.persons.values():
        held = held_months(person) & period
        years = person.age(start)
        if not held or years < min_age:
            continue
        signs = Signs({(claim.from_date, code) for claim in person.occurred for code in icd10(claim.diagnoses)})
        at_risk = {
            "psa": person.sex == 1 and years >= psa_age,
            "low_back_imaging": signs.within(lists.beginnings(PAIN), start - SIX_WEEKS, end),
            "syncope_imaging": on_a_claim(person, "syncope", lists, start, end),
            "headache_imaging": on_a_claim(person, "headache", lists, start, end),
            "carotid_imaging": True,
        }
        for service in (name for name, is_at_risk in at_risk.items() if is_at_risk):
            reasons = set()
            if len(held) < min_months:
                reasons.add("R6")
            if service == "psa" and signs.within(lists.beginnings("prostate_dx"), date.min, start - timedelta(days=1)):
                reasons.add("R7")
            given = services(person, LISTS[service], lists, start, end)
            low = [one for one in given if is_low_value(service, one, signs, lists)]
            wide = [one for one in given if is_of_wider_reading(service, one, signs, lists)]
            answer = Answer(
                person.person_id,
                frozenset(reasons),
                value=Decimal(bool(low)),
                amount=sum((line.allowed_amount or Decimal(0) for one in low for line in one.lines), Decimal(0))
                if low
                else None,
                further={"services": len(low), "sensitive_services": len(wide)} if given else {},
            )
            found[f"lvc_{service}", person.person_id] = answer
            found["lvc_composite", f"{person.person_id}:{service}"] = answer  # R16
    return found


def on_a_claim(person: Person, sign: str, lists: Lists, start: date, end: date) -> bool:
    """R3, R4: a claim of the period with the sign and without a warrant."""
    return any(
        start <= claim.from_date <= end and has_unwarranted(icd10(claim.diagnoses), sign, lists)
        for claim in person.occurred
    )


def has_unwarranted(codes: set[str], sign: str, lists: Lists) -> bool:
    return lists.beginnings(f"{sign}_dx").any_of(codes) and not lists.beginnings(f"{sign}_warranted_dx").any_of(codes)


def services(person: Person, names: tuple[str, ...], lists: Lists, start: date, end: date) -> list[Service]:
    """R8, in the order of days."""
    lines: dict[date, list[Row]] = defaultdict(list)
    claims: dict[date, dict[str, Row]] = defaultdict(dict)
    for claim in person.occurred:
        if claim.claim_type not in ("professional", "outpatient"):
            continue
        for line in claim.lines:
            day = line_day(claim, line)
            if line.hcpcs in lists.codes(*names) and line_stands(line) and start <= day <= end:
                lines[day].append(line)
                claims[day][claim.claim_id] = claim
    return [Service(day, lines[day], list(claims[day].values())) for day in sorted(lines)]


def is_low_value(service: str, one: Service, signs: Signs, lists: Lists) -> bool:
    """R9 to R13."""
    if service == "psa":
        return not signs.within(lists.beginnings("prostate_dx"), date.min, one.day)
    if service == "low_back_imaging":
        pain, flags = lists.beginnings(PAIN), lists.beginnings(RED_FLAG)
        first = one.day - SIX_WEEKS
        return signs.within(pain, first, one.day) and not signs.within(
            lambda code: code in flags and code not in pain, first, one.day
        )
    if service == "carotid_imaging":
        return not (
            any(line.place_of_service == "21" for line in one.lines)
            or any(is_emergency(line, lists) for claim in one.claims for line in claim.lines)
            or lists.beginnings("carotid_symptom_dx").any_of(one.codes)
        )
    return has_unwarranted(one.codes, service.removesuffix("_imaging"), lists)


def is_emergency(line: Row, lists: Lists) -> bool:
    revenue = line.revenue_code or ""
    return (
        "0450" <= revenue <= "0459"
        or revenue == "0981"
        or line.place_of_service == "23"
        or line.hcpcs in lists.codes("emergency_service")
    )


def is_of_wider_reading(service: str, one: Service, signs: Signs, lists: Lists) -> bool:
    """R14."""
    if service == "low_back_imaging":
        return signs.within(lists.beginnings(PAIN), one.day - SIX_WEEKS, one.day)
    if service in ("syncope_imaging", "headache_imaging"):
        return lists.beginnings(f"{service.removesuffix('_imaging')}_dx").any_of(one.codes)
    return True
