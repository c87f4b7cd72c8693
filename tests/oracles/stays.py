"""What the methods of the hospital measures say alike of stays: categories, planned stays, chains, coverage, what follows.

measures/hwr/method.md (R3, R4, R18 to R24), measures/hf_readmission/method.md and measures/mcc_admissions/method.md.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from tests.oracles.model_rows import (
    Lists,
    Person,
    Row,
    hospital_months,
    icd10,
    month_of,
    months_between,
    months_later,
    plain,
)

DIED = ("20", "40", "41", "42")
MARKS = ("Y", "N", "U", "W", "1")


class Categories:
    """AHRQ categories of diagnoses and procedures, and what makes a stay planned."""

    def __init__(self, lists: Lists) -> None:
        self._lists = lists
        self._under = lists.families("ccs_dx")

    def of_diagnosis(self, code: str) -> str | None:
        """R3: of the map; else of its longest known beginning; else of the analyst's file; else none."""
        listed = self._lists.map("ccs_dx").get(code)
        if listed:
            return next(iter(listed))
        for length in range(len(code), 2, -1):
            if found := self._under.get(code[:length]):
                if len(found) == 1:
                    return next(iter(found))
                break
        return next(iter(self._lists.map("ccs_dx_override").get(code, [])), None)

    def of_stay(self, stay: Row) -> str | None:
        """The category of the principal diagnosis; ICD-9 codes have none."""
        return self.of_diagnosis(principal(stay)) if principal(stay) else None

    def of_procedures(self, stay: Row) -> set[str]:
        return {category for code in icd10(stay.procedures) for category in self._lists.map("ccs_px").get(code, ())}

    def is_planned(self, stay: Row) -> bool:
        """R20 to R23."""
        done, category = self.of_procedures(stay), self.of_stay(stay)
        listed = self._lists.codes
        if done & (listed("planned_always_ccs_px") | listed("delivery_ccs_px")):
            return True
        if category in listed("planned_always_ccs_dx") | listed("delivery_ccs_dx"):
            return True
        potential = done & listed("planned_potential_ccs_px") or icd10(stay.procedures) & listed("planned_potential_px")
        return bool(potential) and not self.is_acute(stay)

    def is_acute(self, stay: Row) -> bool:
        """R22, R23: no category counts as acute."""
        code, category = principal(stay), self.of_stay(stay)
        if category is None or category in self._lists.codes("planned_acute_ccs"):
            return True
        if code in self._lists.codes("planned_acute_dx"):
            return True
        inferred = code not in self._lists.map("ccs_dx")
        return inferred and any(
            code[:length] in self._lists.codes("planned_acute_dx_prefix") for length in range(3, len(code) + 1)
        )


def principal(stay: Row) -> str:
    """The principal ICD-10 diagnosis, or nothing."""
    return plain(stay.principal_diagnosis) if stay.icd_version == 10 else ""


def order(stay: Row) -> tuple[date, date, str]:
    """The order of stays: of equal days of admission the earlier discharge, then the smaller id as text."""
    return stay.admit_date, stay.discharge_date or date.max, stay.stay_id


def acute_stays(person: Person) -> list[Row]:
    return sorted((stay for stay in person.stays if stay.is_acute), key=order)


def last_day(stay: Row, person: Person) -> date:
    """The day of discharge; of an open stay the last day billed."""
    billed = [claim.thru_date for claim in person.claims if claim.claim_id in stay.claim_ids and claim.thru_date]
    last: date = stay.discharge_date or max(billed, default=stay.admit_date)
    return last


def is_transferred(stay: Row) -> bool:
    """R7: it is not the last of its chain (event table transfer_chain)."""
    return any(not row.is_last for row in stay.chain)


def a_year_before(day: date) -> date:
    if (day.month, day.day) == (2, 29):
        return date(day.year - 1, 2, 28)
    return day.replace(year=day.year - 1)


def coverage_reasons(stay: Row, person: Person) -> dict[str, bool]:
    """R11 and R12."""
    covered = hospital_months(person)
    first, last = month_of(stay.admit_date), stay.discharge_date or stay.admit_date
    before = {months_later(first, -back) for back in range(1, 13)} | set(months_between(stay.admit_date, last))
    until = min(last + timedelta(days=30), person.death_date or date.max)
    after = set(months_between(last, max(until, last)))
    return {"R11": not before <= covered, "R12": not stay.is_open and not after <= covered}


def has_covid(stay: Row, lists: Lists) -> bool:
    """COVID-19 as principal diagnosis, or as a secondary one present on admission."""
    return principal(stay) in lists.codes("covid") or any(
        row.kind == "other"
        and row.icd_version == 10
        and plain(row.code) in lists.codes("covid")
        and row.present_on_admission in ("Y", "W")
        for row in stay.diagnoses
    )


def common_reasons(stay: Row, person: Person, lists: Lists, min_age: int, covid_exclusion: str) -> dict[str, bool]:
    """R5 to R12 and R17."""
    in_force = covid_exclusion == "on" or (covid_exclusion == "by_period" and last_day(stay, person) < date(2023, 7, 1))
    return {
        "R5": person.age(stay.admit_date) < min_age,
        "R6": stay.discharge_status in DIED,
        "R7": is_transferred(stay),
        "R8": stay.is_open,
        "R9": stay.discharge_status == "07",
        "R10": stay.facility_type == "cancer_exempt",
        **coverage_reasons(stay, person),
        "R17": in_force and has_covid(stay, lists),
    }


def considered(person: Person, start: date, end: date) -> list[Row]:
    """R1: acute stays that ended in the period; open ones that began in it."""
    return [
        stay
        for stay in acute_stays(person)
        if start <= (stay.admit_date if stay.is_open else stay.discharge_date) <= end
    ]


def following(stay: Row, person: Person) -> Row | None:
    """R18: the first acute stay that begins 0 to 30 days after discharge."""
    left = stay.discharge_date
    if left is None:
        return None
    later = (
        other
        for other in acute_stays(person)
        if order(other) > order(stay) and left <= other.admit_date <= left + timedelta(days=30)
    )
    return next(later, None)


def chain_end(stay: Row, person: Person) -> str:
    """The last stay of its chain of transfers (event table transfer_chain)."""
    chains = {row.chain_id for row in stay.chain}
    ends = [row.stay_id for other in person.stays for row in other.chain if row.chain_id in chains and row.is_last]
    return str(ends[0] if ends else stay.stay_id)


def unmarked_too_often(stays: Iterable[Row]) -> bool:
    """R25: some hospital leaves more than a fifth of the secondary ICD-10 diagnoses of these stays without a mark."""
    marks: Mapping[str, list[str | None]] = defaultdict(list)
    for stay in stays:
        secondary = (row for row in stay.diagnoses if row.kind == "other" and row.icd_version == 10)
        marks[stay.facility_id].extend(row.present_on_admission for row in secondary)
    return any(5 * sum(mark not in MARKS for mark in of_one) > len(of_one) for of_one in marks.values())
