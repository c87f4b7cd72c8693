"""Prevention Quality Indicators, from measures/ahrq_pqi/method.md alone: person-years and stays of every adult."""

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
    hospital_months,
    icd10,
    month_end,
    month_of,
    months_between,
    plain,
    rounded,
)

INDICATORS = ("01", "03", "05", "07", "08", "11", "12", "14", "15", "16")
COMPOSITES = {
    "90": set(INDICATORS),
    "91": {"11", "12"},
    "92": {"01", "03", "05", "07", "08", "14", "15", "16"},
    "93": {"01", "03", "14", "16"},
}
AGES = {"05": (40, 200), "15": (18, 39)}
ADULTS = (18, 200)


def answers(model: Model, lists: Lists, *, start: date, end: date) -> Answers:
    """Every adult with a month in view, once an indicator."""
    found: Answers = {}
    for person in model.persons.values():
        of_age = person.birth_date is None or person.age(end) >= 18  # R1
        seen = hospital_months(person) & set(months_between(start, end))  # R2
        if not (of_age and seen):
            continue
        counts = [indicators(stay, person, lists) for stay in judged_stays(person, start, end)]
        factors = prior_year(person, start, lists)
        if is_short(hospital_months(person), start):  # R21
            factors = frozenset({"history:short"})
        for number in (*INDICATORS, *COMPOSITES):
            parts = COMPOSITES.get(number, {number})
            youngest, oldest = AGES.get(number, ADULTS)
            months = [month for month in seen if is_of_age(person, month, youngest, oldest)]  # R3
            reasons = set()
            if not months:
                reasons.add("R4")
            if person.birth_date is None or person.sex not in (1, 2):
                reasons.add("R5")
            found[f"pqi_{number}", person.person_id] = Answer(
                person.person_id,
                frozenset(reasons),
                value=Decimal(sum(bool(of_stay & parts) for of_stay in counts)),  # R19, R20
                exposure=rounded(Decimal(len(months)) / 12),
                further={"age_band": age_band(person, max(months), youngest)} if months else {},
                factors=factors,
            )
    return found


def is_of_age(person: Person, month: date, youngest: int, oldest: int) -> bool:
    """On at least one day of the month; age does not fall within it, so that its two ends tell."""
    if person.birth_date is None:
        return False
    return person.age(month_end(month)) >= youngest and person.age(month) <= oldest


def age_band(person: Person, month: date, youngest: int) -> int:
    """AHRQ's band: 1 is 18-24, 2 is 25-29, in fives to 13, 80-84; 14 is 85 and over."""
    years = max(person.age(month), youngest)
    return 1 if years < 25 else min((years - 25) // 5 + 2, 14)


def judged_stays(person: Person, start: date, end: date) -> list[Row]:
    """R6: acute stays that ended in the period, in a month in view."""
    months = hospital_months(person)
    return [
        stay
        for stay in person.stays
        if stay.is_acute
        and not stay.is_open
        and stay.discharge_date
        and start <= stay.discharge_date <= end
        and month_of(stay.discharge_date) in months
    ]


def indicators(stay: Row, person: Person, lists: Lists) -> set[str]:
    """R7 to R18: the indicators that a stay counts in."""
    years = person.age(stay.admit_date)
    if years < 0:
        return set()
    principal = plain(stay.principal_diagnosis) if stay.icd_version == 10 else ""
    if years < 18 and principal not in lists.codes("mdc14prindx"):
        return set()
    if not stay.principal_diagnosis or stay.drg == "999" or stay.point_of_origin in ("4", "5", "6"):
        return set()
    every = icd10(row for row in stay.diagnoses if row.kind in ("principal", "other")) | {principal}
    procedures = icd10(stay.procedures)

    def any_of(*names: str) -> bool:
        return bool(every & lists.codes(*names))

    def done(name: str) -> bool:
        return bool(procedures & lists.codes(name))

    def first(*names: str) -> bool:
        return principal in lists.codes(*names)

    weak = any_of("immunid") or done("immunip")
    heart = done("acscarp")
    found = {
        "01": first("acdiasd"),
        "03": first("acdiald"),
        "05": first("accopdd", "acsastd") and years >= 40 and not any_of("respan"),
        "07": first("acshypd") and not heart and not (any_of("acshy2d") and done("dialy2p")),
        "08": first("mrtchfd") and not heart,
        "11": first("acsbacd") and not any_of("acsba2d") and not weak,
        "12": first("acsutid") and not any_of("kidney") and not weak,
        "14": first("acdiaud"),
        "15": first("acsastd") and years < 40 and not any_of("respan"),
        "16": done("acsleap") and any_of("acslead") and not first("mdc14prindx") and not any_of("aclea2d"),
    }
    return {number for number, counts in found.items() if counts}
