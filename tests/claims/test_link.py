"""Linkage of persons across sources."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from qe import store, vault
from qe.claims import review_queue
from qe.claims.load import vault_path
from qe.errors import InputError

Person = dict[str, Any]


@pytest.fixture(autouse=True)
def vault_key_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QE_VAULT_KEY", "2" * 64)


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


def decide(yard: Any, one: tuple[str, str], other: tuple[str, str], decision: str, *, by: str = "analyst") -> None:
    with vault.attached(yard.connection, vault_path(yard.site), yard.vault_key):
        vault.decide(
            yard.connection,
            source_id=one[0],
            native_person_id=one[1],
            other_source_id=other[0],
            other_native_person_id=other[1],
            decision=decision,
            decided_by=by,
            decided_at=datetime(2026, 3, 2, 12, tzinfo=UTC),
        )


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
        decide(yard, ("payer_a", native), ("medicare", other), decision)
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


def with_passes(yard: Any, *added: str) -> None:
    linkage = yard.site.settings.linkage
    changed = linkage.model_copy(update={"passes": [*linkage.passes, *added]})
    yard.site = replace(yard.site, settings=yard.site.settings.model_copy(update={"linkage": changed}))


def test_a_wrong_or_unknown_sex_and_a_slip_of_the_pen_are_linked_where_their_passes_are_asked_for(yard: Any) -> None:
    yard.put(
        "medicare",
        "crosswalk",
        [
            known("B1", "Ada", "Okafor", date(1950, 3, 1)),
            known("B2", "Berta", "Lindqvist", date(1951, 4, 2)),
            known("B3", "Carla", "Moreau", date(1952, 5, 3)),
            known("B4", "Dora", "Novak", date(1953, 6, 14)),
            known("B5", "Edwina", "Haddad", date(1954, 7, 15)),
            known("B6", "Felix", "Olsen", date(1930, 8, 16), sex="1"),
        ],
    )
    enrol(
        yard,
        "payer_a",
        [
            member("M1", "Ada", "Okafor", date(1950, 3, 1), sex="1"),
            member("M2", "Berta", "Lindqvist", date(1951, 4, 2), sex="0"),
            member("M3", "Carla", "Moreau", date(1952, 3, 5)),  # day and month exchanged
            member("M4", "Dora", "Novak", date(1963, 6, 14)),  # ten years
            member("M5", "Edwina", "Haddad", date(1954, 7, 16)),  # one digit
            member(
                "M6", "Felix", "Olsen", date(1960, 8, 16), sex="1"
            ),  # a generation: the son, born on his father's day
        ],
    )
    yard.build()
    before = yard.persons()
    assert not [number for number in range(1, 7) if before["medicare", f"B{number}"] == before["payer_a", f"M{number}"]]
    with_passes(yard, "name_dob_zip", "name_zip_sex_dob_slip")
    model = yard.build()
    persons = yard.persons()
    linked = [number for number in range(1, 7) if persons["medicare", f"B{number}"] == persons["payer_a", f"M{number}"]]
    assert linked == [1, 2, 3, 4, 5]
    assert model.linkage.sources[1].methods == {"name_dob_zip": 2, "name_zip_sex_dob_slip": 3, "own": 1}
    assert model.linkage.sources[1].to_review == {"name_zip_sex_near_dob": 1}


def test_a_twin_whose_own_record_is_missing_is_not_given_the_other_twins(yard: Any) -> None:
    yard.put(
        "medicare",
        "crosswalk",
        [
            known("B1", "Hanna", "Okafor", BORN),
            known("B2", "Marlene", "Lindqvist", BORN, middle_name="J"),
            known("B3", "Rita", "Moreau", BORN, mbi=MBI.format(3)),
            known("B4", "Rosa", "Moreau", BORN, mbi=MBI.format(4)),
        ],
    )
    enrol(
        yard,
        "payer_a",
        [
            member("M1", "Anna", "Okafor", BORN),  # alike, but for the first letter
            member("M2", "Marleen", "Lindqvist", BORN, middle_name="Karen"),  # alike, but for the middle initial
            member("M4", "Rosa", "Moreau", BORN, mbi=MBI.format(3)),  # under her twin's number
        ],
    )
    model = yard.build()
    persons = yard.persons()
    assert persons["payer_a", "M1"] != persons["medicare", "B1"]
    assert persons["payer_a", "M2"] != persons["medicare", "B2"]
    assert persons["payer_a", "M4"] == persons["medicare", "B4"]
    assert model.linkage.sources[1].to_review == {"mbi_of_another_person": 1}


def test_a_vault_of_an_earlier_version_takes_pairs_for_review(yard: Any) -> None:
    connection = store.connect(yard.site.engine())
    vault_path(yard.site).parent.mkdir(parents=True, exist_ok=True)
    store.attach(connection, vault_path(yard.site), alias="vault", key=yard.vault_key, read_only=False)
    connection.execute(
        "create table vault.link_review (source_id varchar, native_person_id varchar, other_source_id varchar, "
        "other_native_person_id varchar, reason varchar)"
    )
    connection.close()
    yard.put(
        "medicare",
        "crosswalk",
        [known("B2", "Ana", "Lopez", BORN, zip5="02119"), known("B3", "Ana", "Lopez", BORN, zip5="02120")],
    )
    enrol(yard, "payer_a", [member("M2", "Ana", "Lopez", BORN, zip5="90210")])
    model = yard.build()
    assert model.linkage.sources[1].to_review == {"several_candidates": 1}
    with review_queue.opened(yard.site) as queue:
        assert queue.open_pairs()["reason"].to_list() == ["several_candidates"] * 2  # M2 and B2, M2 and B3


def test_namesakes_that_only_a_middle_initial_or_nothing_tells_apart_go_to_review(yard: Any) -> None:
    yard.put(
        "medicare",
        "crosswalk",
        [
            known("B1", "Maria", "Garcia", BORN, zip5="02119", middle_name="Luz"),
            known("B2", "Ana", "Lopez", BORN, zip5="02119"),
            known("B3", "Ana", "Lopez", BORN, zip5="02120"),
        ],
    )
    enrol(
        yard,
        "payer_a",
        [
            member("M1", "Maria", "Garcia", BORN, zip5="90210", middle_name="P"),
            member("M2", "Ana", "Lopez", BORN, zip5="90210"),
        ],
    )
    model = yard.build()
    assert len(set(yard.persons().values())) == 5
    assert model.linkage.sources[1].to_review == {"contrary_middle_initial": 1, "several_candidates": 1}
    with review_queue.opened(yard.site) as queue:
        pairs = queue.open_pairs().select("reason", "agrees", "differs").rows()
    alike = "last name, first name, birth date, sex"
    assert pairs == [
        ("contrary_middle_initial", alike, "middle initial, ZIP"),
        ("several_candidates", alike, "ZIP"),
        ("several_candidates", alike, "ZIP"),
    ]


def test_two_beneficiary_ids_with_one_mbi_are_one_person_across_crosswalk_versions(yard: Any) -> None:
    yard.put("medicare", "crosswalk", [known("B1", "Ada", "Okafor", BORN, mbi=MBI.format(1))])
    enrol(yard, "payer_a", [member("M1", "Ada", "Okafor", BORN)])
    first = yard.build()
    before = yard.persons()
    yard.put(
        "medicare",
        "crosswalk",
        [
            known("X9", "Ada", "Okafor", BORN, mbi=MBI.format(1)),  # the same woman, encrypted anew
            known("X8", "Zoe", "Ngata", date(1944, 4, 4), mbi=MBI.format(2)),
        ],
    )
    second = yard.build()
    after = yard.persons()
    assert after["medicare", "X9"] == before["medicare", "B1"] == after["payer_a", "M1"]
    assert after["medicare", "X8"] not in before.values()
    assert [model.linkage.sources[0].two_ids for model in (first, second)] == [0, 1]


def waiting(yard: Any) -> dict[int, str]:
    with review_queue.opened(yard.site) as queue:
        return dict(queue.open_pairs().select("pair_number", "reason").iter_rows())


def test_accepted_and_rejected_pairs_stay_so_in_a_second_run_and_after_a_new_delivery(yard: Any) -> None:
    yard.put(
        "medicare",
        "crosswalk",
        [known("B1", "Ada", "Okafor", date(1950, 3, 1)), known("B2", "Berta", "Lindqvist", date(1951, 4, 2))],
    )
    members = [
        member("M1", "Ada", "Okafor", date(1950, 1, 3)),
        member("M2", "Berta", "Lindqvist", date(1951, 2, 4)),
    ]
    enrol(yard, "payer_a", members)
    yard.build()
    assert waiting(yard) == {1: "name_zip_sex_near_dob", 2: "name_zip_sex_near_dob"}
    at = datetime(2026, 3, 2, 12, tzinfo=UTC)
    with review_queue.opened(yard.site) as queue:
        queue.decide([1], "same", by="ana", at=at)
        queue.decide([2], "different", by="bo", at=at)
    assert waiting(yard) == {}
    for _ in range(2):  # the second run, then one with a new delivery that spells the name otherwise
        model = yard.build()
        persons = yard.persons()
        assert persons["medicare", "B1"] == persons["payer_a", "M1"]
        assert persons["medicare", "B2"] != persons["payer_a", "M2"]
        assert model.linkage.sources[1].methods == {"analyst": 1, "own": 1}
        assert waiting(yard) == {}
        enrol(yard, "payer_a", [{**members[0], "first_name": "Adah"}, {**members[1], "birth_date": date(1951, 4, 2)}])


def test_the_last_decision_on_a_pair_is_in_force_and_all_are_kept_with_who_and_when(yard: Any) -> None:
    yard.put("medicare", "crosswalk", [known("B1", "Ada", "Okafor", BORN)])
    enrol(yard, "payer_a", [member("M1", "Ada", "Okafor", date(1950, 1, 3))])
    yard.build()
    with review_queue.opened(yard.site) as queue:
        queue.decide([1], "same", by="ana", at=datetime(2026, 3, 2, 12, tzinfo=UTC))
    first = yard.build()
    with review_queue.opened(yard.site) as queue:
        assert queue.undecided([1], "same") == ()
        assert queue.undecided([1], "different") == (1,)
        queue.decide([1], "different", by="bo", at=datetime(2026, 3, 3, 12, tzinfo=UTC))
    second = yard.build()
    assert yard.persons() == {("medicare", "B1"): 1, ("payer_a", "M1"): 2}
    assert first.decisions_digest != second.decisions_digest
    with review_queue.opened(yard.site) as queue:
        kept = queue.decisions().select("pair_number", "decision", "decided_by", "decided_at", "is_in_force").rows()
    assert kept == [
        (1, "same", "ana", datetime(2026, 3, 2, 12), False),
        (1, "different", "bo", datetime(2026, 3, 3, 12), True),
    ]


def test_who_decided_and_when_is_no_part_of_what_decides_a_run(yard: Any) -> None:
    digests = []
    for by in ("ana", "bo"):
        decide(yard, ("payer_a", "M1"), ("medicare", "B1"), "same", by=by)
        with vault.attached(yard.connection, vault_path(yard.site), yard.vault_key):
            digests.append(vault.decisions_digest(yard.connection))
    assert digests[0] == digests[1]


def test_an_unknown_pair_is_refused_by_its_number(yard: Any) -> None:
    with pytest.raises(InputError, match="no persons have been linked yet"), review_queue.opened(yard.site):
        pass
    enrol(yard, "payer_a", [member("M1", "Ada", "Okafor", BORN)])
    yard.build()
    with review_queue.opened(yard.site) as queue, pytest.raises(InputError, match="has the number 3, 7"):
        queue.undecided([7, 3], "same")
