"""Unplanned admissions of people with several conditions, from measures/mcc_admissions/method.md alone."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

from tests.oracles.model_rows import (
    DAY,
    Answer,
    Answers,
    Lists,
    Model,
    Person,
    Row,
    hospital_months,
    month_end,
    month_of,
    months_between,
    months_later,
    plain,
    rounded,
)
from tests.oracles.stays import Categories, last_day

BUFFER = timedelta(days=10)
FACILITY_CLAIMS = ("inpatient", "snf", "hha")
COUNTED_CLAIMS = (*FACILITY_CLAIMS, "outpatient", "professional")
OFTEN = {
    "atrial_fibrillation": ("atrial_fib",),
    "kidney_disease": ("chr_kidney_dis",),
    "lung_disease": ("copd", "asthma"),
    "depression": ("depression",),
    "diabetes": ("diabetes",),
    "heart_failure": ("heart_failure",),
}
"""Shown by one facility claim, or by claims on two days, of 24 months; each category by itself."""
ONCE = {
    "myocardial_infarction": ("mi", 12, ("inpatient",)),
    "dementia": ("alzheimer_related", 36, COUNTED_CLAIMS),
    "stroke": ("stroke", 12, ("inpatient", "outpatient", "professional")),
}
"""Shown by one claim: category, months, kinds of claims."""
PRIMARY_CARE = ("01", "08", "11", "37", "38", "50", "89", "97")
SPECIALISTS = ("06", "13", "29", "39", "46", "82", "83", "90")
CANCER_CARE = ("82", "83", "90")


def answers(
    model: Model, lists: Lists, *, start: date, end: date, min_age: int = 65, coverage_rule: str = "continuous"
) -> Answers:
    categories = Categories(lists)
    found: Answers = {}
    for person in model.persons.values():
        shown = conditions(person, lists, start)
        if len(shown) < 2 or (person.death_date and person.death_date < start):  # R3
            continue
        found["mcc_admissions", person.person_id] = judged(
            person, shown, categories, start, end, min_age, coverage_rule
        )
    return found


def conditions(person: Person, lists: Lists, start: date) -> set[str]:
    """R1, R2."""
    seen: list[tuple[date, str, set[str]]] = []
    for claim in person.occurred:
        if claim.claim_type not in COUNTED_CLAIMS or not months_later(start, -36) <= claim.from_date < start:
            continue
        kinds = {
            kind
            for row in claim.diagnoses
            if row.kind in ("principal", "other") and row.icd_version == 10
            for kind in lists.map("ccw_condition").get(plain(row.code), ())
        }
        if "stroke_exclude1" in kinds:
            kinds.discard("stroke")
        if kinds:
            seen.append((claim.from_date, claim.claim_type, kinds))
    found = set()
    for name, (category, months, claim_types) in ONCE.items():
        since = months_later(start, -months)
        if any(day >= since and kind in claim_types and category in kinds for day, kind, kinds in seen):
            found.add(name)
    since = months_later(start, -24)
    for name, categories in OFTEN.items():
        for category in categories:
            of_category = [(day, kind) for day, kind, kinds in seen if day >= since and category in kinds]
            if any(kind in FACILITY_CLAIMS for _, kind in of_category) or len({day for day, _ in of_category}) > 1:
                found.add(name)
    return found


def is_visit(code: str | None) -> bool:
    """R8."""
    if code in ("G0402", "G0438", "G0439"):
        return True
    code = code or ""
    return len(code) == 5 and ("99201" <= code <= "99215" or "99304" <= code <= "99350")


def responsible(visits: list[Row]) -> str | None:
    """Section 7: a specialist who stands out, or the primary care clinician with most visits."""
    of: dict[str, list[Row]] = defaultdict(list)
    for visit in visits:
        if visit.clinician_id and visit.specialty in PRIMARY_CARE + SPECIALISTS:
            of[visit.clinician_id].append(visit)
    primary = {name for name, rows in of.items() if any(row.specialty in PRIMARY_CARE for row in rows)}
    days = {name: len({row.service_date for row in rows}) for name, rows in of.items()}

    def rank(name: str) -> tuple[object, ...]:
        latest = max(row.service_date for row in of[name])
        dollars = sum((row.allowed_amount or Decimal(0) for row in of[name]), Decimal(0))
        return (-days[name], -latest.toordinal(), -dollars, name)

    ranked = sorted(of, key=rank)
    for name in ranked:
        others = [days[other] for other in ranked if other != name]
        if name not in primary and days[name] >= 2 and days[name] >= max(others, default=0) + 2:
            return name
    return next((name for name in ranked if name in primary), None)


def hospice_begins(person: Person, start: date, end: date) -> date | None:
    """R7: the first day of a hospice claim, or of a month that enrolment alone marks."""
    claims = [claim for claim in person.occurred if claim.claim_type == "hospice"]
    begins = [claim.from_date for claim in claims if claim.from_date <= end and claim.thru_date >= start]
    for row in person.months:
        lies_in = any(claim.from_date <= month_end(row.month) and claim.thru_date >= row.month for claim in claims)
        if row.hospice and start <= row.month <= end and not lies_in:
            begins.append(row.month)
    return min(begins, default=None)


def judged(
    person: Person,
    shown: set[str],
    categories: Categories,
    start: date,
    end: date,
    min_age: int,
    coverage_rule: str,
) -> Answer:
    covered = hospital_months(person)
    until_death = min(end, person.death_date or end)
    uncovered = [month for month in months_between(start, until_death) if month not in covered]
    hospice = hospice_begins(person, start, end)
    visits = [visit for visit in person.visits if start <= visit.service_date <= end and is_visit(visit.hcpcs)]
    clinician = responsible(visits)
    own = [visit for visit in visits if clinician and visit.clinician_id == clinician]

    last = until_death  # R11
    if hospice:
        last = min(last, hospice - DAY)
    if coverage_rule == "censor" and uncovered:
        last = min(last, min(uncovered) - DAY)
    institutional = sorted((stay for stay in person.stays if takes_time(stay)), key=lambda stay: in_time(stay, person))
    at_risk = {start + offset * DAY for offset in range((last - start).days + 1)}
    for stay in institutional:  # R12, R13
        at_risk -= {stay.admit_date + offset * DAY for offset in range((ends(stay, person) - stay.admit_date).days + 1)}

    lost = {month_of(start)} & set(uncovered) if coverage_rule == "censor" else set(uncovered)
    reasons = {
        "R4": person.age(start) < min_age,
        "R5": any(months_later(start, -back) not in covered for back in range(1, 13)),
        "R6": bool(lost),
        "R7": hospice is not None and hospice <= start,
        "R8": not visits,
        "R9": any(visit.specialty in CANCER_CARE for visit in own),
        "R10": not at_risk,
    }
    counts = {"admissions": 0, "planned": 0, "following": 0, "before": 0}
    for stay in institutional:
        if not stay.is_acute or not start <= stay.admit_date <= last:  # R15
            continue
        if categories.is_planned(stay):
            counts["planned"] += 1
        elif any(
            in_time(other, person) < in_time(stay, person) and stay.admit_date <= ends(other, person)
            for other in institutional
        ):
            counts["following"] += 1
        elif own and stay.admit_date < min(visit.service_date for visit in own):
            counts["before"] += 1
        else:
            counts["admissions"] += 1
    return Answer(
        person.person_id,
        frozenset(rule for rule, applies in reasons.items() if applies),
        value=Decimal(counts["admissions"]),
        exposure=rounded(Decimal(len(at_risk)) / Decimal("365.25")),
        further={
            "planned_admissions": counts["planned"],
            "following_admissions": counts["following"],
            "admissions_before_first_visit": counts["before"],
        }
        if not any(reasons.values()) and any(counts.values())
        else {},
        factors=frozenset(f"condition:{name}" for name in shown),
    )


def in_time(stay: Row, person: Person) -> tuple[date, date, str]:
    """R17: the order of stays, of which an open one ends with the last day billed."""
    return stay.admit_date, last_day(stay, person), stay.stay_id


def takes_time(stay: Row) -> bool:
    return stay.is_acute or stay.facility_type in ("snf", "rehabilitation")


def ends(stay: Row, person: Person) -> date:
    """R13: the last day that a stay takes out, 10 days after discharge, or after the last day billed of an open one."""
    return last_day(stay, person) + BUFFER
