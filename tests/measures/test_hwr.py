"""hwr against a plain-Python reading of its method on random histories of stays. The reading walks each person's stays
in order; it reads the code lists from their CSV files and finds an unmapped code's category by trying all codes."""

import csv
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from qe.measurement.compute import MeasureEvents

START, END = date(2023, 1, 1), date(2023, 12, 31)
DAY = timedelta(days=1)
ACUTE = {"A": "short_term", "B": "short_term", "C": "cah", "X": "cancer_exempt"}
FACILITIES = ACUTE | {"P": "psychiatric", "L": "ltch", "W": "snf"}
DIAGNOSES = (
    "J189", "A419", "I214", "M1711", "M1711", "I2510", "Z5111", "Z44001", "C3490", "F209", "O80", "P0730", "K219",
    "I639", "U071", "N1831", "S06A0XA", "S42201A", "S42201D", "F32A", "N979", "I509",
)  # fmt: skip
PROCEDURES = ("0SR9019", "0BTC0ZZ", "0TY00Z0", "10D00Z1", "02H00DZ", "5A1D70Z", "XXX0000")
SECONDARY = ("I509", "E119", "E1121", "E669", "U071", "G20", "I69354", "I6310", "C7800", "C3490", "Z7901")
RULES = {f"R{number}" for number in (5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17)}


@dataclass
class Bill:
    """One inpatient bill, and after `whole_stays` one stay."""

    claim_ids: list[str]
    facility: str
    admitted: date
    discharged: date
    principal: str
    secondary: list[tuple[str, str | None]]
    procedures: list[str]
    status: str

    @property
    def stay_id(self) -> str:
        return self.claim_ids[-1]


@dataclass
class Person:
    person_id: str
    birth_date: date
    death_date: date | None
    months: set[date] = field(default_factory=set)
    bills: list[Bill] = field(default_factory=list)
    visits: list[tuple[date, str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Answer:
    cohort: str
    reasons: frozenset[str]
    outcome: int
    planned: bool
    outcome_event_id: str | None
    following_stay_id: str | None
    comorbidities: frozenset[str]


def invent(seed: int, persons: int, *, unmarked: float) -> list[Person]:
    """Random people with two to seven stays, close together. unmarked: share of codes without a mark at hospital C."""
    chance = random.Random(seed)
    people, claims = [], 100_000
    for number in range(persons):
        death = START + chance.randrange(150, 420) * DAY if chance.random() < 0.1 else None
        person = Person(
            person_id=f"P{number:04d}",
            birth_date=date(chance.choice([1935, 1950, 1958, 1990, 2005]), 6, 15) + chance.randrange(400) * DAY,
            death_date=death,
        )
        for index in range(26):
            first = date(2022 + index // 12, index % 12 + 1, 1)
            if chance.random() > 0.01 and (death is None or first <= death):
                person.months.add(first)
        day = START + chance.randrange(-60, 300) * DAY
        for _ in range(chance.randrange(2, 8)):
            claims += 1
            facility = chance.choice("AAABBBCXPLW")
            marks = ["Y", "N", "U", "W", "1"]
            person.bills.append(
                Bill(
                    claim_ids=[str(claims)],
                    facility=facility,
                    admitted=day,
                    discharged=day + chance.choice([0, 1, 3, 8]) * DAY,
                    principal=chance.choice(DIAGNOSES),
                    secondary=[
                        (code, None if facility == "C" and chance.random() < unmarked else chance.choice(marks))
                        for code in chance.sample(SECONDARY, chance.randrange(0, 4))
                    ],
                    procedures=chance.sample(PROCEDURES, chance.choice([0, 0, 1, 1, 2])),
                    status=chance.choice(["01"] * 8 + ["02", "03", "07", "20"]),
                )
            )
            if chance.random() < 0.3:
                person.visits.append((day - chance.randrange(0, 500) * DAY, chance.choice(SECONDARY), "professional"))
            if chance.random() < 0.1:
                person.visits.append((day - chance.randrange(0, 100) * DAY, chance.choice(SECONDARY), "dme"))
            day = person.bills[-1].discharged + chance.choice([0, 0, 1, 1, 2, 5, 29, 30, 31, 32, 60]) * DAY
        people.append(person)
    return people


def as_rows(people: list[Person]) -> dict[str, list[dict[str, Any]]]:
    """The people as rows of the contract tables."""
    names = ("person", "member_month", "claim", "claim_diagnosis", "claim_procedure")
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    paid = {"source_id": "M", "payer_id": "M", "payer_type": "medicare", "paid_status": "paid"}
    visits = 500_000
    for person in people:
        rows["person"].append(
            {"person_id": person.person_id, "birth_date": person.birth_date, "death_date": person.death_date}
        )
        for month in person.months:
            rows["member_month"].append(
                {"person_id": person.person_id, "month": month, "payer_id": "M", "payer_type": "medicare"}
                | {"part_a": True, "part_b": True, "medical": True, "managed_care": False, "is_primary": True}
            )
        for bill in person.bills:
            claim_id = bill.claim_ids[0]
            days = {"from_date": bill.admitted, "admit_date": bill.admitted}
            rows["claim"].append(
                paid
                | days
                | {
                    "claim_id": claim_id,
                    "person_id": person.person_id,
                    "claim_type": "inpatient",
                    "frequency_code": "1",
                }
                | {"thru_date": bill.discharged, "discharge_date": bill.discharged, "discharge_status": bill.status}
                | {"facility_id": bill.facility, "facility_type": FACILITIES[bill.facility]}
            )
            codes = [("principal", bill.principal, "Y"), *(("other", code, mark) for code, mark in bill.secondary)]
            for number, (kind, code, mark) in enumerate(codes, start=1):
                rows["claim_diagnosis"].append(
                    {"claim_id": claim_id, "sequence": number, "kind": kind, "code": code, "icd_version": 10}
                    | {"present_on_admission": mark}
                )
            for number, code in enumerate(bill.procedures, start=1):
                rows["claim_procedure"].append(
                    {
                        "claim_id": claim_id,
                        "sequence": number,
                        "code": code,
                        "icd_version": 10,
                        "procedure_date": bill.admitted,
                    }
                )
        for day, code, kind in person.visits:
            visits += 1
            rows["claim"].append(
                paid
                | {
                    "claim_id": str(visits),
                    "person_id": person.person_id,
                    "claim_type": kind,
                    "from_date": day,
                    "thru_date": day,
                }
            )
            rows["claim_diagnosis"].append(
                {"claim_id": str(visits), "sequence": 1, "kind": "other", "code": code, "icd_version": 10}
            )
    return rows


@dataclass
class Lists:
    """The code lists as their CSV files hold them."""

    folder: Path
    categories: dict[str, str | None] = field(default_factory=dict)

    def column(self, name: str) -> dict[str, str]:
        with (self.folder / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
            reader = csv.reader(lines)
            next(reader)
            return {row[0]: row[1] for row in reader}

    @cached_property
    def diagnosis(self) -> dict[str, str]:
        return self.column("ccs_dx")

    @cached_property
    def procedure(self) -> dict[str, str]:
        return self.column("ccs_px")

    @cached_property
    def acute_codes(self) -> set[str]:
        return set(self.column("planned_acute_dx"))

    @cached_property
    def sets(self) -> dict[str, dict[str, str]]:
        names = (
            "planned_always_ccs_px", "planned_always_ccs_dx", "planned_potential_ccs_px", "planned_potential_px",
            "planned_acute_ccs", "surgery_gynecology_px", "surgery_gynecology_ccs_px", "specialty_cohort_ccs_dx",
            "excluded_ccs_dx", "elixhauser_poa_neutral",
        )  # fmt: skip
        return {name: self.column(name) for name in names}

    @cached_property
    def comorbidity(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        with (self.folder / "elixhauser.csv").open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                found.setdefault(row["code"], set()).add(row["category"])
        return found

    def family(self, code: str) -> set[str]:
        """The codes of the map that share the longest beginning, of three characters or more, with `code`."""
        for length in range(len(code), 2, -1):
            found = {known for known in self.diagnosis if known.startswith(code[:length])}
            if found:
                return found
        return set()

    def category(self, code: str) -> str | None:
        if code not in self.categories:
            self.categories[code] = self.find_category(code)
        return self.categories[code]

    def find_category(self, code: str) -> str | None:
        if code in self.diagnosis:
            return self.diagnosis[code]
        shared = {self.diagnosis[known] for known in self.family(code)}
        return shared.pop() if len(shared) == 1 else None

    def is_acute(self, code: str) -> bool:
        category = self.category(code)
        if category is None or category in self.sets["planned_acute_ccs"] or code in self.acute_codes:
            return True
        return code not in self.diagnosis and self.shares_a_beginning_with_an_acute_code(code)

    def shares_a_beginning_with_an_acute_code(self, code: str) -> bool:
        """Whether the acute list names a code under the shortest beginning of `code` whose category is one."""
        for length in range(3, len(code) + 1):
            under = [known for known in self.diagnosis if known.startswith(code[:length])]
            if under and len({self.diagnosis[known] for known in under}) == 1:
                return any(known.startswith(code[:length]) for known in self.acute_codes)
        return False

    def is_surgical(self, stay: Bill) -> bool:
        return any(
            code in self.sets["surgery_gynecology_px"]
            or self.procedure.get(code) in self.sets["surgery_gynecology_ccs_px"]
            for code in stay.procedures
        )

    def is_planned(self, stay: Bill) -> bool:
        kinds = {self.procedure.get(code) for code in stay.procedures}
        category = self.category(stay.principal)
        if kinds & set(self.sets["planned_always_ccs_px"]) or category in self.sets["planned_always_ccs_dx"]:
            return True
        if kinds & {"134", "135"} or category in ("194", "196"):
            return True
        potential = kinds & set(self.sets["planned_potential_ccs_px"]) or set(stay.procedures) & set(
            self.sets["planned_potential_px"]
        )
        return bool(potential) and not self.is_acute(stay.principal)


def whole_stays(bills: list[Bill]) -> list[Bill]:
    """A bill that begins on the day the hospital's last one ended, with the same diagnosis, continues that stay."""
    stays: list[Bill] = []
    for facility in FACILITIES:
        last: Bill | None = None
        for bill in (bill for bill in bills if bill.facility == facility):
            if last and bill.admitted <= last.discharged and bill.principal == last.principal:
                last.claim_ids = last.claim_ids + bill.claim_ids
                last.discharged, last.status = bill.discharged, bill.status
                last.procedures = last.procedures + bill.procedures
                last.secondary = bill.secondary + [
                    entry for entry in last.secondary if entry[0] not in dict(bill.secondary)
                ]
            else:
                last = Bill(**vars(bill))
                stays.append(last)
    return stays


def age(born: date, day: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def months_of(first: date, last: date) -> set[date]:
    return {(first + offset * DAY).replace(day=1) for offset in range((last - first).days + 1)}


def a_year_before(day: date) -> date:
    return day.replace(year=day.year - 1, day=28) if (day.month, day.day) == (2, 29) else day.replace(year=day.year - 1)


def comorbidities(person: Person, stay: Bill, lists: Lists, *, marks_count: bool) -> frozenset[str]:
    """Flags of the year before, and of the stay's own secondary diagnoses where marks can be used."""
    prior = [(day, code) for day, code, kind in person.visits if kind != "dme"]
    prior += [(bill.admitted, code) for bill in person.bills for code in (bill.principal, *dict(bill.secondary))]
    flags = {
        flag
        for day, code in prior
        if a_year_before(stay.admitted) <= day < stay.admitted
        for flag in lists.comorbidity.get(code, set())
    }
    if marks_count:
        flags |= {
            flag
            for code, mark in stay.secondary
            for flag in lists.comorbidity.get(code, set())
            if code != stay.principal and (mark in ("Y", "W", "1") or flag in lists.sets["elixhauser_poa_neutral"])
        }
    flags = {"CBVD" if flag.startswith("CBVD_") else flag for flag in flags}
    milder = {
        "DIAB_CX": {"DIAB_UNCX"}, "HTN_CX": {"HTN_UNCX"}, "CANCER_METS": {"CANCER_SOLID", "CANCER_NSITU"},
        "CANCER_SOLID": {"CANCER_NSITU"}, "LIVER_SEV": {"LIVER_MLD"}, "RENLFL_SEV": {"RENLFL_MOD"},
    }  # fmt: skip
    return frozenset(flags - {flag for graver in flags for flag in milder.get(graver, set())})


def read_by_hand(people: list[Person], lists: Lists, *, min_age: int, cancer_rule: str) -> dict[str, Answer]:
    """The answer for every acute stay that ended in the period."""
    stays_of = {person.person_id: whole_stays(person.bills) for person in people}
    in_period = [
        (person, stay)
        for person in people
        for stay in stays_of[person.person_id]
        if stay.facility in ACUTE and START <= stay.discharged <= END
    ]
    codes: dict[str, list[str | None]] = {}
    for _, stay in in_period:
        own = {code: mark for code, mark in stay.secondary if code != stay.principal}
        codes.setdefault(stay.facility, []).extend(own.values())
    marks_count = all(sum(mark is None for mark in marks) * 5 <= len(marks) for marks in codes.values())
    return {
        stay.stay_id: judge(person, stay, stays_of[person.person_id], lists, min_age, cancer_rule, marks_count)
        for person, stay in in_period
    }


def judge(
    person: Person, stay: Bill, stays: list[Bill], lists: Lists, min_age: int, cancer_rule: str, marks_count: bool
) -> Answer:
    """One stay: why it is no index stay, and what follows it."""
    acute = [other for other in stays if other.facility in ACUTE]
    by_discharge = sorted(acute, key=lambda other: (other.discharged, other.admitted, int(other.stay_id)))
    chain_end = {}
    for place, other in enumerate(by_discharge):
        last = place
        while (
            last + 1 < len(by_discharge)
            and by_discharge[last + 1].admitted <= by_discharge[last].discharged + DAY
            and by_discharge[last + 1].facility != by_discharge[last].facility
        ):
            last += 1
        chain_end[other.stay_id] = by_discharge[last].stay_id

    category = lists.category(stay.principal)
    surgical = lists.is_surgical(stay)
    kind = lists.sets["excluded_ccs_dx"].get(category or "")
    before = months_of(stay.admitted, stay.discharged)
    first = stay.admitted.replace(day=1)
    before |= {
        month for month in months_of(first - 366 * DAY, first - DAY) if month >= first.replace(year=first.year - 1)
    }
    last_day = min(stay.discharged + 30 * DAY, person.death_date or date.max)
    after = months_of(stay.discharged, max(last_day, stay.discharged))
    has_covid = stay.principal == "U071" or any(code == "U071" and mark in ("Y", "W") for code, mark in stay.secondary)
    reasons = {
        "R5": age(person.birth_date, stay.admitted) < min_age,
        "R6": stay.status == "20",
        "R7": chain_end[stay.stay_id] != stay.stay_id,
        "R9": stay.status == "07",
        "R10": stay.facility == "X",
        "R11": not before <= person.months,
        "R12": not after <= person.months,
        "R13": kind == "psychiatric",
        "R14": kind == "rehabilitation",
        "R15": kind == "cancer" and (cancer_rule == "all" or not surgical),
        "R16": kind == "obstetric",
        "R17": has_covid and stay.discharged < date(2023, 7, 1),
    }

    def order(other: Bill) -> tuple[date, date, str]:
        return (other.admitted, other.discharged, other.stay_id)

    later = [
        other
        for other in acute
        if stay.discharged <= other.admitted <= stay.discharged + 30 * DAY and order(other) > order(stay)
    ]
    following = min(later, key=order) if later else None
    counts = following is not None and not lists.is_planned(following)
    return Answer(
        cohort="surgery_gynecology"
        if surgical
        else lists.sets["specialty_cohort_ccs_dx"].get(category or "", "unassigned"),
        reasons=frozenset(rule for rule, holds in reasons.items() if holds),
        outcome=int(counts),
        planned=lists.is_planned(stay),
        outcome_event_id=chain_end[following.stay_id] if following and counts else None,
        following_stay_id=following.stay_id if following else None,
        comorbidities=comorbidities(person, stay, lists, marks_count=marks_count),
    )


def answers(found: MeasureEvents) -> dict[str, Answer]:
    flags: dict[str, set[str]] = {}
    for event_id, factor in found.covariates.select("event_id", "factor").iter_rows():
        if factor.startswith("comorbidity:"):
            flags.setdefault(event_id, set()).add(factor.removeprefix("comorbidity:"))
    columns = ["event_id", "cohort", "exclusion_reasons", "value", "planned", "outcome_event_id", "following_stay_id"]
    return {
        event_id: Answer(
            cohort, frozenset(reasons), int(value), planned, outcome, following, frozenset(flags.get(event_id, set()))
        )
        for event_id, cohort, reasons, value, planned, outcome, following in found.events.select(columns).iter_rows()
    }


@pytest.fixture(scope="module")
def lists(measures_folder: Path) -> Lists:
    return Lists(measures_folder / "_lists")


@pytest.mark.parametrize(
    ("seed", "min_age", "cancer_rule", "unmarked"), [(1, 18, "cms", 0.1), (2, 65, "all", 1.0), (3, 18, "cms", 0.3)]
)
def test_stays_outcomes_and_comorbidities_equal_a_reading_by_hand(
    seed: int, min_age: int, cancer_rule: str, unmarked: float, lists: Lists, run_module: Callable[..., MeasureEvents]
) -> None:
    people = invent(seed, persons=250, unmarked=unmarked)
    expected = read_by_hand(people, lists, min_age=min_age, cancer_rule=cancer_rule)
    found = answers(run_module("hwr", as_rows(people), start=START, end=END, min_age=min_age, cancer_rule=cancer_rule))
    assert found == expected
    assert {rule for answer in expected.values() for rule in answer.reasons} == RULES
    assert 0 < sum(answer.outcome for answer in expected.values()) < len(expected)


def test_another_order_of_the_rows_and_two_threads_change_nothing(run_module: Callable[..., MeasureEvents]) -> None:
    rows = as_rows(invent(4, persons=150, unmarked=0.0))
    one = run_module("hwr", rows, start=START, end=END)
    other = run_module("hwr", rows, start=START, end=END, threads=2, shuffle=8)
    assert one.events.equals(other.events)
    assert one.covariates.equals(other.covariates)
