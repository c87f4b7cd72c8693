"""Generated files with planted truth: persons found again, services of two payers counted once, stays as they were."""

import csv
from collections import defaultdict
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from qe import vault
from qe.claims.load import vault_path
from qe.claims.quality import assess, require_none_stops
from qe.sample.generate import generate
from qe.site import QualityTable

SO_FEW = {
    # a month of some thirty claims may halve by chance; of some thirty stays one is replaced under another number (1 %)
    "month_volume": QualityTable(threshold=0.1),
    "repeated_service": QualityTable(threshold=0.05),
}
Truth = Callable[[str], list[dict[str, str]]]


@pytest.fixture
def sample(yard: Any, tmp_path: Path) -> tuple[Any, Truth]:
    """400 persons, generated, received and built."""
    folder = tmp_path / "sample"
    generate(folder, persons=400, seed=20240101, settings={"hospitals": "4"})
    yard.take_sample(folder)

    def truth(name: str) -> list[dict[str, str]]:
        with (folder / "truth" / name).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    return yard, truth


def native_claims(yard: Any) -> dict[str, str]:
    """claim_id -> the payer's own number, without the payor before the colon."""
    with vault.attached(yard.connection, vault_path(yard.site), yard.vault_key):
        rows = yard.connection.execute("select claim_id, native_claim_id from vault.claim_key").fetchall()
    return {str(claim_id): native.split(":")[-1] for claim_id, native in rows}


def true_persons(truth: Truth) -> dict[tuple[str, str], str]:
    """(source_id, native id) -> the true person."""
    columns = (
        ("bene_id", "medicare"),
        ("second_bene_id", "medicare"),
        ("member_a", "payer_a"),
        ("member_b", "payer_b"),
    )
    return {
        (source_id, row[column]): row["person"]
        for row in truth("persons.csv")
        for column, source_id in columns
        if row[column]
    }


def pairs(person_of: dict[tuple[str, str], Any]) -> set[frozenset[tuple[str, str]]]:
    ids: dict[Any, list[tuple[str, str]]] = defaultdict(list)
    for identifier, person in person_of.items():
        ids[person].append(identifier)
    return {frozenset(pair) for group in ids.values() for pair in combinations(sorted(group), 2)}


def test_planted_persons_stays_and_copies_are_found_again(sample: tuple[Any, Truth]) -> None:
    yard, truth = sample
    found = yard.persons()
    planted = {identifier: person for identifier, person in true_persons(truth).items() if identifier in found}
    linked, true = pairs(found), pairs(planted)
    assert len(true) > 40
    assert len(linked & true) >= 0.99 * len(linked)
    assert len(linked & true) >= 0.99 * len(true)

    with yard.examined() as db:
        assert require_none_stops(assess(db, SO_FEW)) == ()
        stays = db.query(
            "select person_id, cast(admit_date as varchar), unit.identifier, principal_diagnosis, "
            "cast(discharge_date as varchar) from stay join unit on unit.unit_id = stay.facility_id where is_acute"
        ).rows()
        copies = db.query(
            "select claim_id, duplicate_of, source_id from claim where duplicate_of is not null and not mco_paid"
        ).rows()
        live = {
            row[0]
            for row in db.query("select claim_id from claim where service_occurred and claim_type <> 'dme'").rows()
        }

    surrogate = {person: str(found[identifier]) for identifier, person in planted.items()}
    true_stays = {
        (surrogate.get(row["person"], ""), row["admit_date"], row["hospital_ccn"]): (
            row["diagnosis"],
            row["discharge_date"],
        )
        for row in truth("stays.csv")
    }
    # every acute stay of the model is a planted one, at its hospital, with its diagnosis and discharge
    assert [key for *key, diagnosis, discharge in stays if true_stays.get(tuple(key)) != (diagnosis, discharge)] == []

    native = native_claims(yard)
    number = {own: claim_id for claim_id, own in native.items()}
    planted_copies = {
        frozenset((row["medicare_claim"], row["payer_claim"])): row["first_payer"] for row in truth("duplicates.csv")
    }
    marked = {frozenset((native[claim], native[kept])): source for claim, kept, source in copies}
    both_live = {pair for pair in planted_copies if all(number.get(one) in live for one in pair)}
    right = {pair for pair in marked if pair in planted_copies}
    assert len(both_live) > 100
    # the rest: the same service twice on one day, whose copies cannot be told apart
    assert len(both_live & set(marked)) >= 0.98 * len(both_live)
    assert len(right) >= 0.98 * len(marked)
    # the copy is the secondary payer's: Medicare's own where payer A pays first
    assert {(planted_copies[pair], marked[pair]) for pair in right} == {("medicare", "payer_a"), ("a", "medicare")}
