"""mssp_step over generated files: for every person the SQL names whom a plain reading of the files names."""

import csv
import secrets
from collections import defaultdict
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from qe.claims.load import ClaimsModel
from qe.measurement import attribute
from qe.measurement.measure import load
from qe.periods import MeasurePeriod
from qe.sample.generate import generate
from qe.warehouse import Warehouse
from tests.oracles import mssp_step
from tests.oracles.written_lines import Inbox, Unit, lines

PERSONS = 2000
MODULE = Path(__file__).parents[2] / "measures" / "total_cost_index"
PERIODS = ((date(2025, 1, 1), date(2025, 12, 31)), (date(2025, 4, 1), date(2026, 3, 31)))


@pytest.fixture(scope="module")
def sample(module_yard: Callable[[], Any], tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, ClaimsModel, Path]:
    """Two thousand persons and the edge cases, of a seed that nobody has seen; the folder's name tells it."""
    seed = secrets.randbelow(10**9)
    folder = tmp_path_factory.mktemp(f"seed-{seed}-")
    generate(folder, persons=PERSONS, seed=seed, settings={"hospitals": "4", "visits.ties": "0.02", "edge_cases": "1"})
    yard = module_yard()
    return yard, yard.take_sample(folder), folder


def truth(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / "truth" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def by_the_files(persons: dict[tuple[str, str], int], unit: Unit, folder: Path) -> list[mssp_step.Line]:
    """The lines of the written files, under the names that the model gives to persons and units."""
    spoiled: dict[str, set[int]] = defaultdict(set)
    for row in truth(folder, "dirt.csv"):
        if row["kind"].startswith("malformed"):
            spoiled[row["source"]].add(int(row["record"]))
    split = {  # persons of whom linkage has made two: then each payer's account stands by itself
        row["person"]
        for row in truth(folder, "persons.csv")
        if persons.get(("medicare", row["bene_id"])) != persons.get(("payer_a", row["member_a"]))
    }
    copies = set()
    for row in truth(folder, "duplicates.csv"):
        if row["person"] in split:
            continue
        second = ("medicare", row["medicare_claim"]) if row["first_payer"] == "a" else ("payer_a", row["payer_claim"])
        copies.add(second)
    inbox = Inbox(
        root=folder / "inbox",
        person={key: str(person) for key, person in persons.items()},
        unit=unit,
        spoiled=spoiled,
        copies=copies,
    )
    return lines(inbox, payers={"payer_a": False, "payer_b": True})


def units(db: Warehouse) -> Unit:
    """Names of clinicians, groups and facilities by their identifiers, as the model tells them apart."""
    known: dict[tuple[str, str], str] = {}
    for id_type, identifier, facility_type, unit_id in db.query(
        "select id_type, identifier, facility_type, unit_id from provider_identifier order by all"
    ).rows():
        kind = "facility" if facility_type else {"NPI": "clinician", "TIN": "group"}.get(id_type)
        if kind is not None and (kind, identifier) not in known:
            known[kind, identifier] = unit_id
    return lambda kind, identifier: known.get((kind, identifier))


@pytest.mark.parametrize(("start", "end"), PERIODS)
def test_every_person_is_named_as_the_files_read_in_plain_python_name_them(
    sample: tuple[Any, ClaimsModel, Path], start: date, end: date
) -> None:
    yard, model, folder = sample
    with yard.reading(model) as db:
        expected = mssp_step.attribute(by_the_files(yard.persons(), units(db), folder), start=start, end=end)
        db.execute("create or replace temp table population as select distinct person_id from person")
        frame = attribute.attribute(db, load(MODULE), "mssp_step", period=MeasurePeriod(start=start, end=end))
        db.execute("drop table temp.population")
    found = {
        (row["person_id"], "clinician" if row["level"] == "clinician" else "billing"): (
            row["unit_id"], row["step"], row["allowed_amount"], row["tie_break"], row["runner_up_id"],
        )
        for row in frame.iter_rows(named=True)
    }  # fmt: skip
    assert len({person for person, _ in found}) > 0.6 * PERSONS
    assert {one[1] for one in found.values()} == {1, 2}
    assert {one[3] for one in found.values()} >= {None, "latest_service"}
    differing = {key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key)}
    assert {key: (found.get(key), expected.get(key)) for key in sorted(differing)} == {}, folder.name
