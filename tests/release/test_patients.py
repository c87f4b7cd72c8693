"""Who is a patient of a unit on the day of a disclosure (401.703(r)): the 24-month edge, the unit's own level, what is no visit."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from qe import store, warehouse
from qe.release.analyses.patients import months_before, visits

ON = date(2026, 5, 7)
Model = tuple[Path, store.Key, store.Engine]
CLINICIAN, COLLEAGUE, GROUP, HOSPITAL, CENTRE = "U000001", "U000002", "U000003", "U000004", "U000005"


def visit(person: str, day: date, hcpcs: str = "99213", **changes: object) -> dict[str, object]:
    row = {
        "person_id": person, "service_date": day, "hcpcs": hcpcs, "modifiers": None, "clinician_id": CLINICIAN,
        "group_id": GROUP, "facility_id": None, "is_fqhc_rhc": False,
    }  # fmt: skip
    return row | changes


VISITS = [
    visit("on-the-day", ON),
    visit("day-after", date(2026, 5, 8)),
    visit("exactly-24-months", date(2024, 5, 7)),
    visit("a-day-within", date(2024, 5, 8)),
    visit("of-a-colleague", date(2026, 1, 5), clinician_id=COLLEAGUE),
    visit("laboratory", date(2026, 1, 5), hcpcs="G0480"),
    visit("audio-only", date(2026, 1, 5), modifiers=["93"]),
    visit("video", date(2026, 1, 5), modifiers=["95"]),
    visit("centre", date(2026, 1, 5), clinician_id=None, group_id=None, facility_id=CENTRE, is_fqhc_rhc=True),
]
STAYS = [
    {"person_id": "stayed", "facility_id": HOSPITAL, "admit_date": date(2024, 5, 1), "discharge_date": date(2024, 5, 9)},
    {"person_id": "left-in-time", "facility_id": HOSPITAL, "admit_date": date(2024, 4, 1), "discharge_date": date(2024, 5, 7)},
    {"person_id": "still-there", "facility_id": HOSPITAL, "admit_date": date(2026, 5, 1), "discharge_date": date(2026, 6, 1)},
    {"person_id": "comes-later", "facility_id": HOSPITAL, "admit_date": date(2026, 5, 20), "discharge_date": None},
]  # fmt: skip
EMERGENCIES = [{"person_id": "emergency", "facility_id": HOSPITAL, "visit_date": date(2025, 1, 1)}]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("model")
    key, engine = store.new_key(), store.Engine(spill_folder=folder / "spill")
    with warehouse.build(folder / "store" / "model.duckdb", key, engine=engine) as db:
        modifiers = {"modifiers": pl.List(pl.String)}
        for table, rows, kinds in (("visit", VISITS, modifiers), ("stay", STAYS, {}), ("ed_visit", EMERGENCIES, {})):
            db.create_table(table, pl.DataFrame(rows, schema_overrides=kinds, infer_schema_length=None))
    return folder / "store" / "model.duckdb", key, engine


def patients(model: Model, unit_id: str) -> set[str]:
    path, key, engine = model
    with warehouse.open_read_only(path, key, engine=engine, lock=False) as db:
        return set(visits(db, unit_id=unit_id, on=ON)["person_id"])


def test_a_clinicians_own_visits_count_and_the_day_exactly_24_months_ago_does_not(model: Model) -> None:
    assert patients(model, CLINICIAN) == {"on-the-day", "a-day-within", "video"}


def test_a_visit_with_a_colleague_makes_a_patient_of_the_group_and_of_the_colleague(model: Model) -> None:
    assert patients(model, COLLEAGUE) == {"of-a-colleague"}
    assert patients(model, GROUP) == {"on-the-day", "a-day-within", "video", "of-a-colleague"}


def test_a_hospitals_patients_stayed_or_came_in_an_emergency(model: Model) -> None:
    assert patients(model, HOSPITAL) == {"stayed", "still-there", "emergency"}


def test_a_health_centres_patients_were_seen_there(model: Model) -> None:
    assert patients(model, CENTRE) == {"centre"}


@pytest.mark.parametrize(
    ("day", "before"),
    [
        (date(2026, 5, 7), date(2024, 5, 7)),
        (date(2026, 2, 28), date(2024, 2, 28)),
        (date(2028, 2, 29), date(2026, 2, 28)),
        (date(2026, 12, 31), date(2024, 12, 31)),
        (date(2026, 1, 31), date(2024, 1, 31)),
    ],
)
def test_24_months_before(day: date, before: date) -> None:
    assert months_before(day, 24) == before
