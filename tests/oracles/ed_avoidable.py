"""Emergency visits without admission and their avoidable share, from measures/ed_avoidable/method.md alone."""

from datetime import date
from decimal import Decimal

from tests.oracles.model_rows import (
    DAY,
    Answer,
    Answers,
    Lists,
    Model,
    Person,
    Row,
    held_months,
    month_end,
    month_of,
    months_between,
    plain,
    rounded,
)


def answers(model: Model, lists: Lists, *, start: date, end: date) -> Answers:
    found: Answers = {}
    for person in model.persons.values():
        held = held_months(person)  # R2
        counted: list[Row] = []
        for visit in person.ed_visits:
            if not start <= visit.visit_date <= end:
                continue
            likely = avoidable(visit, lists)
            reasons = {
                "R6": ended_in_admission(person, visit),
                "R7": person.age(visit.visit_date) < 18,
                "R8": month_of(visit.visit_date) not in held,
            }
            if not any(reasons.values()):
                counted.append(visit)
            reasons["R11"] = likely is None
            found["ed_avoidable_share", visit.event_id] = Answer(
                person.person_id,
                frozenset(rule for rule, applies in reasons.items() if applies),
                value=likely or Decimal(0),
            )
        seen = held & set(months_between(start, end))
        of_age = person.birth_date is None or person.age(end) >= 18
        if not (of_age and seen):  # R1
            continue
        months = [month for month in seen if person.birth_date and person.age(month_end(month)) >= 18]  # R3
        found["ed_visit_rate", person.person_id] = Answer(
            person.person_id,
            frozenset() if months else frozenset({"R4"}),
            value=Decimal(len(counted)),
            exposure=rounded(Decimal(len(months)) / 12),
            amount=allowed(person, counted) if counted else None,
            further={"unclassified_visits": sum(avoidable(visit, lists) is None for visit in counted)}
            if counted
            else {},
        )
    return found


def ended_in_admission(person: Person, visit: Row) -> bool:
    """R6."""
    on_inpatient = any(claim.claim_id in visit.claim_ids and claim.claim_type == "inpatient" for claim in person.claims)
    return on_inpatient or any(
        stay.is_acute and stay.admit_date in (visit.visit_date, visit.visit_date + DAY) for stay in person.stays
    )


def avoidable(visit: Row, lists: Lists) -> Decimal | None:
    """R10 to R12: the probability of not an emergency and of treatable by primary care; None without a class."""
    entries = lists.map("ed_probability").get(plain(visit.principal_diagnosis)) if visit.icd_version == 10 else None
    if not entries:
        return None
    classes = dict(entry.split() for entry in entries)
    return rounded(sum((Decimal(classes.get(name, "0")) for name in ("noner", "epct")), Decimal(0)))


def allowed(person: Person, visits: list[Row]) -> Decimal:
    """The allowed amount of the claims of the visits."""
    ids = {claim_id for visit in visits for claim_id in visit.claim_ids}
    return sum((claim.allowed_amount or Decimal(0) for claim in person.claims if claim.claim_id in ids), Decimal(0))
