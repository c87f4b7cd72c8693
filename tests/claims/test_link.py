"""Linkage of persons across sources."""

from datetime import date
from typing import Any

from qe import vault
from qe.claims.load import vault_path

Person = dict[str, Any]


def known(
    native: str, first: str, last: str, birth: date, *, sex: str = "2", zip5: str = "02118", **more: Any
) -> Person:
    return {
        "native_person_id": native,
        "first_name": first,
        "last_name": last,
        "birth_date": birth,
        "sex": sex,
        "zip5": zip5,
        **more,
    }


def member(native: str, first: str, last: str, birth: date, **more: Any) -> Person:
    return {"year": 2025, "month": 1, **known(native, first, last, birth, **more)}


def enrol(yard: Any, source_id: str, members: list[Person]) -> None:
    rows = [
        {"native_person_id": one["native_person_id"], "product": "PR", "year": 2025, "month": 1, "medical": "Y"}
        for one in members
    ]
    yard.put(source_id, "eligibility", rows, identities=members)


BORN = date(1950, 3, 1)
MBI = "1AA0AA0AA0{:02d}"


def test_each_pass_links_what_it_should_and_says_how(yard: Any) -> None:
    yard.put(
        "medicare",
        "crosswalk",
        [
            known("B1", "Ada", "Okafor", BORN, mbi=MBI.format(1)),
            known("B2", "Berta", "Lindqvist", date(1951, 4, 2)),
            known("B3", "Carla", "Moreau", date(1952, 5, 3)),
            known("B4", "Dorothea", "Schneider", date(1953, 6, 4)),
            known("B5", "Edwina", "Novak", date(1954, 7, 5)),
            known("B6", "Frieda", "Haddad", date(1955, 8, 6)),
            known("B7", "Greta", "Olsen", date(1956, 9, 7)),
        ],
    )
    enrol(
        yard,
        "payer_a",
        [
            member("M1", "Adah", "Okafor-Smith", BORN, zip5="90210", mbi=MBI.format(1)),
            member("M2", "BERTA", "Lindqvist Jr.", date(1951, 4, 2)),
            member("M3", "Carla", "Moreau", date(1952, 5, 3), zip5="90210"),
            member("M4", "Dorotea", "Schneider", date(1953, 6, 4)),
            member("M5", "Edwina", "Washington", date(1954, 7, 5)),
            member("M6", "Frieda", "Haddad", date(1955, 6, 8)),
            member("M8", "Hilda", "Nobody", date(1957, 1, 1)),
        ],
    )
    model = yard.build()
    persons = yard.persons()
    linked = {pair: persons["medicare", f"B{pair}"] == persons["payer_a", f"M{pair}"] for pair in range(1, 7)}
    assert linked == {1: True, 2: True, 3: True, 4: True, 5: True, 6: False}
    (medicare, payer) = model.linkage.sources
    assert medicare.methods == {"own": 7}
    assert payer.methods == {
        "mbi": 1,
        "name_dob_sex_zip": 1,
        "name_dob_sex": 1,
        "dob_sex_similar_name": 1,
        "first_dob_zip_sex": 1,
        "own": 2,
    }
    assert payer.to_review == {"name_zip_sex_near_dob": 1}  # day and month exchanged
    assert (payer.persons, payer.linked) == (7, 5)


def test_a_spouses_mbi_links_nobody_and_goes_to_review(yard: Any) -> None:
    yard.put(
        "medicare",
        "crosswalk",
        [
            known("B1", "Ada", "Okafor", BORN, mbi=MBI.format(1)),
            known("B2", "Felix", "Okafor", date(1948, 9, 9), sex="1", mbi=MBI.format(2)),
        ],
    )
    enrol(yard, "payer_a", [member("M2", "Felix", "Okafor", date(1948, 9, 9), sex="1", mbi=MBI.format(1))])
    model = yard.build()
    persons = yard.persons()
    assert persons["payer_a", "M2"] == persons["medicare", "B2"]
    assert model.linkage.sources[1].methods == {"name_dob_sex_zip": 1}
    assert model.linkage.sources[1].to_review == {"mbi_of_another_person": 1}


def test_twins_and_namesakes_are_told_apart_or_left_alone(yard: Any) -> None:
    yard.put(
        "medicare",
        "crosswalk",
        [
            known("B1", "Anna", "Okafor", BORN),
            known("B2", "Hanna", "Okafor", BORN),
            known("B3", "Maria", "Garcia", BORN, zip5="02119"),
            known("B4", "Maria", "Garcia", BORN, zip5="02120"),
            known("B5", "Ida", "Vance", BORN, mbi=MBI.format(5)),
        ],
    )
    enrol(
        yard,
        "payer_a",
        [
            member("M1", "Anna", "Okafor", BORN),
            member("M2", "Hanna", "Okafor", BORN),
            member("M3", "Maria", "Garcia", BORN, zip5="90210"),
            member("M5", "Ida", "Vance", BORN, zip5="90210", mbi=MBI.format(55)),
        ],
    )
    yard.build()
    persons = yard.persons()
    assert persons["payer_a", "M1"] == persons["medicare", "B1"]
    assert persons["payer_a", "M2"] == persons["medicare", "B2"]
    assert persons["payer_a", "M3"] not in (persons["medicare", "B3"], persons["medicare", "B4"])
    assert persons["payer_a", "M5"] != persons["medicare", "B5"]  # equal but for the MBI, which says no


def test_two_beneficiary_ids_of_one_person_are_linked_once_and_reported(yard: Any) -> None:
    yard.put(
        "medicare",
        "crosswalk",
        [
            known("B1", "Ada", "Okafor", BORN, surrogate_key="10"),
            known("B2", "Ada", "Okafor", BORN, surrogate_key="11", crossreference_key="10"),
        ],
    )
    enrol(yard, "payer_a", [member("M1", "Ada", "Okafor", BORN)])
    model = yard.build()
    assert set(yard.persons().values()) == {1}
    assert [source.two_ids for source in model.linkage.sources] == [1, 0]
    assert model.linkage.sources[1].methods == {"name_dob_sex_zip": 1}


def test_members_of_two_other_payers_are_linked_to_each_other(yard: Any) -> None:
    enrol(yard, "payer_a", [member("M1", "Ada", "Okafor", BORN)])
    enrol(yard, "payer_b", [member("N1", "Ada", "Okafor", BORN), member("N2", "Zoe", "Okafor", BORN)])
    yard.build()
    assert yard.persons() == {("payer_a", "M1"): 1, ("payer_b", "N1"): 1, ("payer_b", "N2"): 2}


def test_an_analysts_decision_links_and_parts_whatever_the_passes_say(yard: Any) -> None:
    yard.put("medicare", "crosswalk", [known("B1", "Ada", "Okafor", BORN), known("B2", "Ida", "Vance", BORN)])
    enrol(yard, "payer_a", [member("M1", "Ada", "Okafor", BORN), member("M2", "Xena", "Unlike", date(1990, 1, 1))])
    first = yard.build()
    for native, other, decision in (("M1", "B1", "different"), ("M2", "B2", "same")):
        vault.decide(
            vault_path(yard.site),
            yard.vault_key,
            engine=yard.site.engine(),
            source_id="payer_a",
            native_person_id=native,
            other_source_id="medicare",
            other_native_person_id=other,
            decision=decision,
        )
    second = yard.build()
    persons = yard.persons()
    assert persons["payer_a", "M1"] != persons["medicare", "B1"]
    assert persons["payer_a", "M2"] == persons["medicare", "B2"]
    assert first.key_digest != second.key_digest
    assert first.decisions_digest != second.decisions_digest


def test_person_ids_are_kept_and_new_persons_get_the_next_numbers(yard: Any) -> None:
    enrol(yard, "payer_b", [member("N5", "Ada", "Okafor", BORN), member("N7", "Zoe", "Ngata", BORN)])
    yard.build()
    assert yard.persons() == {("payer_b", "N5"): 1, ("payer_b", "N7"): 2}
    enrol(yard, "payer_a", [member("M1", "New", "Person", BORN), member("M2", "Ada", "Okafor", BORN)])
    yard.build()
    assert yard.persons() == {("payer_b", "N5"): 1, ("payer_b", "N7"): 2, ("payer_a", "M1"): 3, ("payer_a", "M2"): 1}
