"""Unplanned readmission, from measures/hwr/method.md and measures/hf_readmission/method.md alone: every stay considered."""

from datetime import date, timedelta
from decimal import Decimal

from tests.oracles.comorbidity import codes_of_claims, counted
from tests.oracles.model_rows import DAY, Answer, Answers, Lists, Model, Person, Row, icd10, plain
from tests.oracles.stays import (
    Categories,
    a_year_before,
    chain_end,
    common_reasons,
    considered,
    following,
    order,
    principal,
    unmarked_too_often,
)


def hwr(
    model: Model,
    lists: Lists,
    *,
    start: date,
    end: date,
    min_age: int = 18,
    cancer_rule: str = "cms",
    covid_exclusion: str = "by_period",
) -> Answers:
    """Hospital-wide: stays of adults for anything."""
    categories = Categories(lists)
    stays = [(person, stay) for person in model.persons.values() for stay in considered(person, start, end)]
    marks_count = not unmarked_too_often(stay for _, stay in stays)
    found: Answers = {}
    for person, stay in stays:
        cohort = cohort_of(stay, categories, lists)
        kinds = lists.map("excluded_ccs_dx").get(categories.of_stay(stay) or "", set())
        reasons = common_reasons(stay, person, lists, min_age, covid_exclusion) | {
            "R13": "psychiatric" in kinds,
            "R14": "rehabilitation" in kinds,
            "R15": "cancer" in kinds and (cancer_rule == "all" or cohort != "surgery_gynecology"),
            "R16": "obstetric" in kinds,
        }
        found["hwr", stay.stay_id] = judged(stay, person, reasons, categories, lists, marks_count, cohort)
    return found


def heart_failure(
    model: Model, lists: Lists, *, start: date, end: date, min_age: int = 65, covid_exclusion: str = "by_period"
) -> Answers:
    """Stays for heart failure; those within an index stay's 30 days open none."""
    categories = Categories(lists)
    by_person = {
        person_id: [
            stay for stay in considered(person, start, end) if principal(stay) in lists.codes("heart_failure_dx")
        ]
        for person_id, person in model.persons.items()
    }
    marks_count = not unmarked_too_often(stay for stays in by_person.values() for stay in stays)
    found: Answers = {}
    for person_id, stays in by_person.items():
        person = model.persons[person_id]
        reasons = {
            stay.stay_id: common_reasons(stay, person, lists, min_age, covid_exclusion)
            | {
                "R13": bool(icd10(stay.procedures) & lists.codes("heart_replacement_px")),
                "R14": replaced_before(stay, person, lists),
            }
            for stay in stays
        }
        windows: list[tuple[date, date]] = []
        for stay in sorted(stays, key=order):  # R15
            inside = any(first <= stay.admit_date <= last for first, last in windows)
            if not inside and not any(reasons[stay.stay_id].values()):
                windows.append((stay.admit_date, stay.discharge_date + timedelta(days=30)))
            reasons[stay.stay_id]["R15"] = inside
        for stay in stays:
            found["hf_readmission", stay.stay_id] = judged(
                stay, person, reasons[stay.stay_id], categories, lists, marks_count, None
            )
    return found


def replaced_before(stay: Row, person: Person, lists: Lists) -> bool:
    """R14: a heart assist system or another heart in the 12 months that end the day before admission."""
    first, last = a_year_before(stay.admit_date), stay.admit_date - DAY
    return any(
        row.icd_version == 10
        and plain(row.code) in lists.codes("heart_replacement_px")
        and first <= (row.procedure_date or other.admit_date) <= last
        for other in person.stays
        if other.stay_id != stay.stay_id
        for row in other.procedures
    )


def cohort_of(stay: Row, categories: Categories, lists: Lists) -> str:
    """hwr R4."""
    surgical = categories.of_procedures(stay) & lists.codes("surgery_gynecology_ccs_px") or icd10(
        stay.procedures
    ) & lists.codes("surgery_gynecology_px")
    if surgical:
        return "surgery_gynecology"
    return next(iter(lists.map("specialty_cohort_ccs_dx").get(categories.of_stay(stay) or "", [])), "unassigned")


def judged(
    stay: Row,
    person: Person,
    reasons: dict[str, bool],
    categories: Categories,
    lists: Lists,
    marks_count: bool,
    cohort: str | None,
) -> Answer:
    """R18 to R25: the outcome and the comorbidities of one stay."""
    next_stay = following(stay, person)
    counts = next_stay is not None and not categories.is_planned(next_stay)
    return Answer(
        person.person_id,
        frozenset(rule for rule, applies in reasons.items() if applies),
        value=Decimal(counts),
        cohort=cohort,
        further={"planned": categories.is_planned(stay)}
        | ({"outcome_event_id": chain_end(next_stay, person)} if counts else {}),
        factors=frozenset(f"comorbidity:{flag}" for flag in comorbidities(stay, person, lists, marks_count)),
    )


def comorbidities(stay: Row, person: Person, lists: Lists, marks_count: bool) -> frozenset[str]:
    """R25."""
    prior = codes_of_claims(person, a_year_before(stay.admit_date), stay.admit_date - DAY)
    found = {flag for code in prior for flag in lists.map("elixhauser").get(code, ())}
    if marks_count:
        found |= {
            flag
            for row in stay.diagnoses
            if row.kind == "other" and row.icd_version == 10
            for flag in lists.map("elixhauser").get(plain(row.code), ())
            if row.present_on_admission in ("Y", "W", "1") or flag in lists.codes("elixhauser_poa_neutral")
        }
    return counted(found, lists)
