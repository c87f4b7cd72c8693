"""The eighty edge cases: each person of truth/edge_cases.csv is found as the design says, case by case."""

import csv
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from qe.measurement import attribute, value_sets
from qe.measurement.compute import compute
from qe.measurement.measure import load
from qe.periods import MeasurePeriod
from qe.sample.edge_cases import edge_cases
from qe.sample.generate import generate
from qe.warehouse import Warehouse

MEASURES = Path(__file__).parents[2] / "measures"
LOOK_BACK, LAST = (MeasurePeriod(start=date(year, 1, 1), end=date(year, 12, 31)) for year in (2024, 2025))
LICENSED = ("bcs", "col", "low_value_care")  # modules with lists that others license
LICENSED_YEAR = MeasurePeriod(
    start=date(2025, 4, 1), end=date(2026, 3, 31)
)  # bcs asks for 27 months; the sample holds just these
NOT_MEASURED = {
    "admissions_counted": "no module of admissions with multiple chronic conditions; the stays are checked",
}
Found = Mapping[str, list[str]]
"""person -> what was found, in order"""


def of_rows(rows: list[tuple[Any, ...]]) -> Found:
    found: dict[str, list[str]] = defaultdict(list)
    for person, value in rows:
        found[person].append(str(value))
    return found


def by(sql: str) -> Callable[[Warehouse], Found]:
    """A check whose SELECT gives person and value, in order."""
    return lambda db: of_rows(db.query(sql).rows())


def readmission(**parameters: object) -> Callable[[Warehouse], Found]:
    """Each stay: "1" or "0" where it is an index stay, else the rules that keep it out."""

    def check(db: Warehouse) -> Found:
        found = compute(
            db, load(MEASURES / "hwr"), period=LAST, parameters=parameters, attribution=None, lists=None
        ).events.sort("person_id", "index_date")
        return of_rows(
            [
                (row["person_id"], int(row["in_numerator"]) if row["in_denominator"] else "+".join(row["exclusion_reasons"]))
                for row in found.iter_rows(named=True)
            ]
        )  # fmt: skip

    return check


def adherence(period: MeasurePeriod) -> Callable[[Warehouse], Found]:
    """Days of the treatment period, days covered, "1" or "0"; or the rules that keep the person out."""

    def check(db: Warehouse) -> Found:
        module = load(MEASURES / "pdc_statins")
        events = compute(db, module, period=period, parameters={}, attribution=None, lists=None).events
        return {
            row["person_id"]: [str(row["period_days"]), str(row["days_covered"]), str(int(row["in_numerator"]))]
            if row["in_denominator"]
            else row["exclusion_reasons"]
            for row in events.iter_rows(named=True)
        }

    return check


def prevention_indicators(db: Warehouse) -> Found:
    """The indicators that a person's stays count in, "08 90 92", or "none"."""
    module = load(MEASURES / "ahrq_pqi")
    events = compute(db, module, period=LAST, parameters={}, attribution=None, lists=None).events
    found: dict[str, list[str]] = {person: [] for person in events["person_id"].unique()}
    for row in events.filter("in_numerator").sort("measure_id").iter_rows(named=True):
        found[row["person_id"]].append(row["measure_id"].removeprefix("pqi_"))
    return {person: [" ".join(indicators) or "none"] for person, indicators in found.items()}


def avoidable_share(db: Warehouse) -> Found:
    """The avoidable share of a person's classified emergency visits, to four decimals as the design works it."""
    module = load(MEASURES / "ed_avoidable")
    events = compute(db, module, period=LAST, parameters={}, attribution=None, lists=None).events
    shares: dict[str, list[Decimal]] = defaultdict(list)
    for row in events.filter("in_denominator", measure_id="ed_avoidable_share").iter_rows(named=True):
        shares[row["person_id"]].append(row["value"])
    return {person: [f"{round(sum(values) / len(values), 4):.6f}"] for person, values in shares.items()}


def attributed(db: Warehouse) -> Found:
    """The CCN or TIN of the billing unit."""
    db.execute("create or replace temp table population as select distinct person_id from person")
    frame = attribute.attribute(db, load(MEASURES / "total_cost_index"), "mssp_step", period=LAST)
    db.execute("drop table temp.population")
    names = dict(
        db.query(
            "select unit_id, min(identifier) from provider_identifier "
            "where id_type = case when facility_type is null then 'TIN' else 'CCN' end group by unit_id"
        ).rows()
    )
    return of_rows(
        [
            (row["person_id"], names[row["unit_id"]])
            for row in frame.iter_rows(named=True)
            if row["level"] != "clinician"
        ]
    )


def found_by_invented_codes(db: Warehouse) -> dict[str, int]:
    """Events in the numerator of each measure that needs a licensed list, on the invented lists."""
    found: dict[str, int] = {}
    for module in (load(MEASURES / name) for name in LICENSED):
        lists = value_sets.stand_ins(module)
        events = compute(db, module, period=LICENSED_YEAR, parameters={}, attribution=None, lists=lists).events
        counted = events.filter("in_numerator", "in_denominator")["measure_id"].to_list()
        found |= {measure.id: counted.count(measure.id) for measure in module.facts.measures}
    return found


CHECKS: dict[str, Callable[[Warehouse], Found]] = {
    "hwr": readmission(),
    "hwr_65": readmission(min_age=65),
    "pdc": adherence(LOOK_BACK),
    "pdc_last": adherence(LAST),
    "pqi": prevention_indicators,
    "avoidable_share": avoidable_share,
    "attribution": attributed,
    "stays": by("select person_id, count(*) from stay where is_acute group by person_id"),
    "nursing_stays": by("select person_id, count(*) from stay where facility_type = 'snf' group by person_id"),
    "chains": by(
        "select person_id, count(*) from transfer_chain join stay using (stay_id, person_id) group by person_id, chain_id "
        "order by person_id, min(admit_date)"
    ),
    "principal": by("select person_id, principal_diagnosis from stay where is_acute order by person_id, admit_date"),
    "emergency_visits": by("select person_id, count(*) from ed_visit group by person_id"),
    "services": by(
        "select person_id, count(*) from claim "
        "where service_occurred and superseded_by is null and duplicate_of is null group by person_id"
    ),
    "claims": by(
        "select person_id, paid_status from claim where superseded_by is null order by person_id, paid_status"
    ),
    "months": by("select person_id, count(distinct month) from person_month where medical group by person_id"),
}


@dataclass(frozen=True, kw_only=True)
class Told:
    """What truth/ tells of the cases, and what the model says.

    answers  (case, check) -> (expected, found)
    not_one  cases whose person is not exactly one person of the model
    invented what each measure with licensed lists counts on the invented ones
    """

    rows: list[dict[str, str]]
    answers: dict[tuple[str, str], tuple[str, str]]
    not_one: set[str]
    invented: dict[str, int]


@pytest.fixture(scope="module")
def told(module_yard: Callable[[], Any], tmp_path_factory: pytest.TempPathFactory) -> Told:
    """All cases of a small sample, received and built."""
    folder = tmp_path_factory.mktemp("sample")
    generate(folder, persons=300, seed=20240101, settings={"hospitals": "4", "edge_cases": "1"})

    def truth(name: str) -> list[dict[str, str]]:
        with (folder / "truth" / name).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    yard = module_yard()
    model = yard.take_sample(folder)
    known = yard.persons()
    person_of: dict[str, set[str]] = defaultdict(set)
    for row in truth("persons.csv"):
        for column, source in (("bene_id", "medicare"), ("member_a", "payer_a"), ("member_b", "payer_b")):
            if (source, row[column]) in known:
                person_of[row["person"]].add(str(known[source, row[column]]))
    rows = truth("edge_cases.csv")
    with yard.reading(model) as db:
        found = {name: check(db) for name, check in CHECKS.items()}
        invented = found_by_invented_codes(db)
    answers = {
        (row["case"], row["check"]): (row["expected"], ";".join(found[row["check"]].get(next(iter(ids)), [])))
        for row in rows
        if row["check"] in found
        for ids in (person_of[row["person"]],)
        if len(ids) == 1
    }
    not_one = {row["case"] for row in rows if len(person_of[row["person"]]) != 1}
    return Told(rows=rows, answers=answers, not_one=not_one, invented=invented)


def test_eighty_cases_are_written_each_with_something_to_find(told: Told) -> None:
    assert len({row["case"] for row in told.rows}) == len(edge_cases()) == 80
    assert told.not_one == set()  # each is one person of the model, whoever covers it
    assert {row["check"] for row in told.rows} == CHECKS.keys() | NOT_MEASURED.keys()


@pytest.mark.parametrize("case", [case.name for case in edge_cases()])
def test_a_case_is_found_as_the_design_says(told: Told, case: str) -> None:
    checks = {check: answer for (name, check), answer in told.answers.items() if name == case}
    assert checks
    assert {check: found for check, (_, found) in checks.items()} == {
        check: expected for check, (expected, _) in checks.items()
    }


def test_every_measure_with_a_licensed_list_finds_its_services_in_the_sample_on_the_invented_one(told: Told) -> None:
    assert [measure for measure, count in told.invented.items() if not count] == []
