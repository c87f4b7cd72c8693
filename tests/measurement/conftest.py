"""What the measurement tests share: an empty claims model and a small module on disk."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from qe.measurement import tables
from qe.measurement.cases import CaseModel
from qe.warehouse import Warehouse

MEASURE_TOML = """
id = "{name}"
version = "1.0.0"
name = "Share of persons with a second stay"
why_it_matters = "A made-up measure that only tests use."
direction = "lower"
kind = "proportion"
unit = "person"
classes = ["quality"]
steward = "qe"
cbe = ""
licence = "public"
specification = "method.md"
[[measures]]
id = "{name}"
name = "Share of persons with a second stay"
category = "Stays"
[standard]
basis = "i"
level = "facility"
population = "adults"
data = "A"
period = "calendar year"
[rationale]
selection = "tests"
existing_efforts = "none"
area_relevance = "none"
[window]
months = 12
look_back_months = 0
run_out_days = 30
[attribution]
method = "index_facility"
levels = ["facility"]
timing = "retrospective"
[scoring]
model = "none"
reason_if_none = "tests"
[publish]
min_denominator = 11
min_reliability = 0.0
basis = "tests"
[parameters.min_age]
type = "integer"
default = 18
meaning = "Completed years on the first day of the period."
deviation = ["*"]
[lists.heart]
file = "value_sets/heart.csv"
system = "ICD10CM"
version = "2024"
source = "tests"
licence = "public"
owner = "qe"
rows = 2
sha256 = "{sha256}"
[upkeep]
author = "qe"
checked_by = ""
next_review = 2027-01-01
"""
POPULATION = """-- Grain: one row a person with a stay in the period (R1), at the facility of the last stay.
select
    person_id as event_id,
    person_id,
    max(admit_date) as index_date,
    arg_max(facility_id, (admit_date, stay_id)) as facility_id,
    ['R1'] as rule_ids,
    list(stay_id order by admit_date, stay_id) as claim_ids
from stay
where admit_date between $period_start and $period_end
group by person_id
"""
EXCLUSIONS = """-- Grain: one row a person, rule and stay. Decides: too young (R2), a heart diagnosis (R3).
select population.event_id, 'R2' as rule_id, cast([] as varchar[]) as claim_ids
from population
join person using (person_id)
where age_on(person.birth_date, $period_start) < $min_age
union all
select population.event_id, 'R3' as rule_id, [stay.stay_id] as claim_ids
from population
join stay using (person_id)
join value_set on value_set.name = 'heart' and value_set.code = stay.principal_diagnosis
"""
NUMERATOR = """-- Grain: one row a person. Decides: a second stay (R4).
select
    event_id,
    cast(case when len(claim_ids) > 1 then 1 else 0 end as decimal(18, 6)) as value,
    ['R4'] as rule_ids,
    claim_ids[2:2] as claim_ids,
    len(claim_ids) as stays
from population
"""
METHOD = "R1 stays of the period. R2 adults. R3 no heart stay. R4 a second stay.\n"
CASES = """
[period]
start = 2024-01-01
end = 2024-12-31
[[case]]
id = "all_rules"
title = "a second stay counts"
rules = ["R1", "R2", "R3", "R4"]
why = "two stays"
"""
HEART = "code,label,effective_from,effective_to\nI509,heart failure,,\nI110,hypertensive heart disease,2016-10-01,\n"


@pytest.fixture
def model_db() -> Iterator[Warehouse]:
    """A claims model in memory, without rows."""
    opened = CaseModel.opened()
    yield opened.db
    opened.db.connection.close()


@pytest.fixture
def second_stay(tmp_path: Path) -> Callable[..., Path]:
    """Write the module `second_stay` (or `name`) under tmp_path/measures; files given by stem replace its own."""
    import hashlib

    def write(name: str = "second_stay", **files: str) -> Path:
        folder = tmp_path / "measures" / name
        (folder / "value_sets").mkdir(parents=True, exist_ok=True)
        heart = files.get("heart", HEART)
        toml = MEASURE_TOML.replace("{name}", name).replace("{sha256}", hashlib.sha256(heart.encode()).hexdigest())
        (folder / "measure.toml").write_text(files.get("measure", toml))
        (folder / "population.sql").write_text(files.get("population", POPULATION))
        (folder / "exclusions.sql").write_text(files.get("exclusions", EXCLUSIONS))
        (folder / "numerator.sql").write_text(files.get("numerator", NUMERATOR))
        (folder / "method.md").write_text(files.get("method", METHOD))
        (folder / "cases.toml").write_text(files.get("cases", CASES))
        (folder / "value_sets" / "heart.csv").write_text(heart)
        if "covariates" in files:
            (folder / "covariates.sql").write_text(files["covariates"])
        return folder

    return write


@pytest.fixture
def put(model_db: Warehouse) -> Callable[..., None]:
    """Append rows to a table of the model: put("stay", {...}, {...})."""

    def append(table: str, *rows: dict[str, Any]) -> None:
        tables.insert_rows(model_db, table, rows)

    return append


@pytest.fixture
def stays(put: Callable[..., None]) -> None:
    """P1 with two stays, P2 (17 years old) with one for heart failure, P3 with one; months of 2024 and January 2025."""
    put("person", {"person_id": "P1", "birth_date": date(1950, 1, 1), "sex": 2})
    put("person", {"person_id": "P2", "birth_date": date(2006, 1, 2), "sex": 1})
    put("person", {"person_id": "P3", "birth_date": date(2006, 1, 1), "sex": 0})
    for person in ("P1", "P2", "P3"):
        for month in range(13):
            day = date(2024 + month // 12, month % 12 + 1, 1)
            payer = "commercial" if person == "P3" and month > 5 else "medicare"
            put("person_month", {"person_id": person, "month": day, "payer_type": payer, "medical": True})
    put(
        "stay",
        stay("C1", "P1", date(2024, 3, 1), "U000001", "J189"),
        stay("C2", "P1", date(2024, 6, 1), "U000002", "I10"),
    )
    put(
        "stay",
        stay("C3", "P2", date(2024, 2, 29), "U000001", "I509"),
        stay("C4", "P3", date(2024, 12, 31), "U000002", "J189"),
    )


def stay(stay_id: str, person: str, admitted: date, facility: str, diagnosis: str) -> dict[str, Any]:
    """An acute stay of one day."""
    return {
        "stay_id": stay_id, "person_id": person, "facility_id": facility, "is_acute": True, "payer_type": "medicare",
        "admit_date": admitted, "discharge_date": admitted, "principal_diagnosis": diagnosis, "claim_ids": [stay_id],
    }  # fmt: skip
