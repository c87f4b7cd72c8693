"""Five generated deliveries: persons numbered anew are found again, a file sent a second time replaces the first."""

import csv
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from qe import vault
from qe.claims.load import ClaimsModel, vault_path
from qe.claims.quality import assess, require_none_stops
from qe.sample.generate import generate
from qe.sources.manifest import StagedFile
from qe.sources.reconcile import reconciliation_frame


@pytest.fixture
def five(yard: Any, tmp_path: Path) -> tuple[Any, Path, list[StagedFile], ClaimsModel]:
    """300 persons in five deliveries, received and built."""
    folder = tmp_path / "sample"
    generate(folder, persons=300, seed=20240101, settings={"hospitals": "4"}, deliveries=5)
    model = yard.take_sample(folder)
    return yard, folder / "truth", yard.staged, model


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_persons_are_one_over_all_crosswalks_and_the_deliveries_reconcile(five: Any) -> None:
    yard, truth, staged, model = five
    with vault.attached(yard.connection, vault_path(yard.site), yard.vault_key):
        found = {
            (crosswalk, native): person
            for crosswalk, native, person in yard.connection.execute(
                "select crosswalk, binding.native_person_id, person_id from vault.beneficiary_binding as binding "
                "join vault.person_key as person_key "
                "on person_key.source_id = binding.source_id and person_key.native_person_id = binding.bound_id"
            ).fetchall()
        }
    planted = {(row["delivery"], row["bene_id"]): row["person"] for row in rows(truth / "bene_ids.csv")}
    known = {key: person for key, person in planted.items() if key in found}
    assert len(known) > 150
    persons_of, ids_of = defaultdict(set), defaultdict(set)
    for key, person in known.items():
        persons_of[found[key]].add(person)
        ids_of[person].add(found[key])
    assert {person: ids for person, ids in ids_of.items() if len(ids) > 1} == {}  # linked once
    assert {person: true for person, true in persons_of.items() if len(true) > 1} == {}  # and nobody with another
    (medicare,) = [one for one in model.linkage.sources if one.source_id == "medicare"]
    again = [person for person in ids_of if sum(true == person for true in known.values()) > 1]
    assert medicare.two_ids >= len(again) > 50

    replaced = {
        f"{one.file.source_id}/{one.file.delivery}/{one.file.name}": one.replaced_by
        for one in staged
        if one.replaced_by is not None
    }
    stated = {row["file"]: row["replaced_by"] for row in rows(truth / "deliveries.csv") if row["replaced_by"]}
    assert replaced == stated
    with yard.examined() as db:
        warnings = require_none_stops(assess(db, {}))
        assert [fault.place for fault in warnings if "two ids" in fault.message] == []  # numbered anew is no fault
        twice = db.query("select count(*) from claim where superseded_by is not null").item()
    assert twice > 0
    frame = reconciliation_frame(staged, model.rows_superseded)
    assert (frame["rows_read"] == frame["rows_accepted"] + frame["rows_quarantined"]).all()
    whole = frame.filter(frame["status"] == "replaced")
    assert (whole["rows_superseded"] == whole["rows_accepted"]).all()
