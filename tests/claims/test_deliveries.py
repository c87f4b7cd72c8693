"""Several deliveries of one source: the latest whole claim stands, and each crosswalk speaks for its own delivery."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from qe import vault
from qe.claims.load import vault_path
from qe.errors import Findings

Q1, Q2, Q3 = date(2025, 5, 1), date(2025, 8, 1), date(2025, 11, 1)
DAY = date(2025, 3, 5)


def carrier(claim: str, person: str, **changes: Any) -> dict[str, Any]:
    return {
        "native_person_id": person,
        "native_claim_id": claim,
        "claim_type": "professional",
        "from_date": DAY,
        "thru_date": DAY,
        "payment_denial_code": "1",
        "line_number": 1,
        "hcpcs": "99213",
        "rendering_npi": "9999900002",
        "rendering_tin": "001234567",
        "rendering_specialty": "11",
        "line_processing_code": "A",
        "line_paid_amount": Decimal(80),
        "line_allowed_amount": Decimal(100),
        "claim_paid_amount": Decimal(80),
        **changes,
    }


def known(person: str, first: str, last: str, birth: date | None, **more: Any) -> dict[str, Any]:
    named = {"first_name": first, "last_name": last, "birth_date": birth, "sex": "2", "zip5": "02118"}
    return {"native_person_id": person, **named, **more}


ADA: dict[str, Any] = {"first": "Ada", "last": "Okafor", "birth": date(1950, 3, 1)}
BERTA: dict[str, Any] = {"first": "Berta", "last": "Lindqvist", "birth": date(1951, 4, 2)}
CARLA: dict[str, Any] = {"first": "Carla", "last": "Moreau", "birth": date(1952, 5, 3)}


def deliver(yard: Any, version: str, came: date, people: list[dict[str, Any]], claims: list[dict[str, Any]]) -> None:
    """A Medicare delivery with its own crosswalk."""
    yard.put("medicare", "crosswalk", people, received_on=came, crosswalk=version)
    yard.put("medicare", "professional", claims, received_on=came, crosswalk=version)


def persons_of_claims(yard: Any) -> dict[str, str]:
    """Native claim id -> person_id, of the claims that stand."""
    with yard.opened() as db:
        claims = dict(db.query("select claim_id, person_id from claim where superseded_by is null").rows())
    with vault.attached(yard.connection, vault_path(yard.site), yard.vault_key):
        native = yard.connection.execute(
            "select cast(claim_id as varchar), native_claim_id from vault.claim_key"
        ).fetchall()
    return {own: claims[claim] for claim, own in native if claim in claims}


def test_an_id_is_looked_up_in_the_crosswalk_of_its_own_delivery(yard: Any) -> None:
    # encrypted anew: in the second delivery X1 is Berta and X9 is Ada
    deliver(yard, "q1", Q1, [known("X1", **ADA), known("X2", **BERTA)], [carrier("1", "X1"), carrier("2", "X2")])
    deliver(yard, "q2", Q2, [known("X9", **ADA), known("X1", **BERTA)], [carrier("3", "X9"), carrier("4", "X1")])
    found = persons_of_claims(yard)
    assert found["1"] == found["3"]
    assert found["2"] == found["4"]
    assert found["1"] != found["2"]


def test_persons_with_two_ids_are_linked_once_reported_and_kept_with_what_showed_it(yard: Any) -> None:
    deliver(
        yard,
        "q1",
        Q1,
        [known("X1", **ADA, mbi="1AA0AA0AA01"), known("X2", **BERTA), known("X3", **CARLA)],
        [carrier("1", "X1"), carrier("2", "X2"), carrier("3", "X3")],
    )
    ada_moved = known("Y1", "Adah", "Okafor-Smith", ADA["birth"], mbi="1AA0AA0AA01", zip5="90210")
    deliver(
        yard,
        "q2",
        Q2,
        [ada_moved, known("X2", **BERTA), known("X3", "Dorothea", "Schneider", date(1953, 6, 4))],
        [carrier("4", "Y1"), carrier("5", "X2"), carrier("6", "X3")],
    )
    model = yard.build()
    found = persons_of_claims(yard)
    assert (found["4"], found["5"]) == (found["1"], found["2"])
    assert found["6"] not in (found["1"], found["2"], found["3"])  # X3 was Carla's and is Dorothea's now
    assert len(set(found.values())) == 4
    (medicare,) = model.linkage.sources
    assert (medicare.persons, medicare.two_ids) == (4, 1)
    assert yard.rows("select crosswalk, kind, persons from crosswalk_binding order by all") == [
        ("q1", "oldest", 3),
        ("q2", "mbi", 1),
        ("q2", "new", 1),
        ("q2", "renumbered", 1),
        ("q2", "same_id", 1),
        ("q2", "same_id_other_person", 1),
    ]
    with vault.attached(yard.connection, vault_path(yard.site), yard.vault_key):
        kept = yard.connection.execute(
            "select native_person_id, bound_id, method from vault.beneficiary_binding where crosswalk = 'q2' order by 1"
        ).fetchall()
    assert kept == [("X2", "X2", "same_id"), ("X3", "X3@q2", "new"), ("Y1", "X1", "mbi")]


def test_a_third_delivery_finds_persons_of_either_earlier_one_and_their_ids_stay(yard: Any) -> None:
    deliver(yard, "q1", Q1, [known("X1", **ADA)], [carrier("1", "X1")])
    before = persons_of_claims(yard)["1"]
    deliver(yard, "q2", Q2, [known("Y1", **ADA), known("Y2", **BERTA)], [carrier("2", "Y2")])
    second = persons_of_claims(yard)
    deliver(yard, "q3", Q3, [known("Z1", **ADA), known("Z2", **BERTA)], [carrier("3", "Z1"), carrier("4", "Z2")])
    found = persons_of_claims(yard)
    assert found["1"] == second["1"] == found["3"] == before
    assert found["2"] == second["2"] == found["4"]


def test_a_re_encrypted_claim_supersedes_its_earlier_self_under_the_new_id(yard: Any) -> None:
    deliver(yard, "q1", Q1, [known("X1", **ADA)], [carrier("1", "X1")])
    changed = {"line_paid_amount": Decimal(60), "claim_paid_amount": Decimal(60)}
    deliver(yard, "q2", Q2, [known("Y1", **ADA)], [carrier("1", "Y1", **changed)])
    assert yard.rows("select claim_id, person_id, superseded_by, paid_amount from claim order by claim_id") == [
        ("1", "1", None, Decimal("60.00")),
        ("1-1", "1", "1", Decimal("80.00")),
    ]


def test_twins_without_an_identifier_are_not_bound_by_guess(yard: Any) -> None:
    twin: dict[str, Any] = {"last": "Okafor", "birth": ADA["birth"]}
    deliver(yard, "q1", Q1, [known("X1", "Ada", **twin), known("X2", "Ada", **twin)], [carrier("1", "X1")])
    deliver(yard, "q2", Q2, [known("Y1", "Ada", **twin), known("Y2", "Ada", **twin)], [carrier("2", "Y1")])
    assert yard.rows("select crosswalk, kind, persons from crosswalk_binding order by all") == [
        ("q1", "oldest", 2),
        ("q2", "new", 2),
    ]


def test_a_person_keeps_her_id_when_the_oldest_crosswalk_is_no_longer_delivered(yard: Any) -> None:
    # encrypted anew: X1 is Ada in the first crosswalk, Berta in the second and Carla in the third
    deliver(yard, "q1", Q1, [known("X1", **ADA), known("X2", **BERTA)], [carrier("1", "X1"), carrier("2", "X2")])
    deliver(yard, "q2", Q2, [known("X9", **ADA), known("X1", **BERTA)], [carrier("3", "X9"), carrier("4", "X1")])
    before = persons_of_claims(yard)
    del yard.staged[:2]
    alone = persons_of_claims(yard)
    assert alone == {"3": before["1"], "4": before["2"]}
    people = [known("X1", **CARLA), known("X2", **ADA), known("X3", **BERTA)]
    claims = [carrier("5", "X1"), carrier("6", "X2"), carrier("7", "X3")]
    yard.put("medicare", "crosswalk", people, received_on=Q3, crosswalk="q3")
    yard.put("medicare", "professional", claims, received_on=Q3, crosswalk="q3")
    del yard.staged[:2]
    found = persons_of_claims(yard)
    assert (found["6"], found["7"]) == (before["1"], before["2"])
    assert found["5"] not in before.values()


def test_a_crosswalk_that_comes_anew_under_the_same_name_gives_nobody_anothers_id(yard: Any) -> None:
    deliver(yard, "", Q1, [known("X1", **ADA), known("X2", **BERTA)], [carrier("1", "X1"), carrier("2", "X2")])
    before = persons_of_claims(yard)
    yard.staged.clear()
    people = [known("X2", **ADA), known("X1", **CARLA), known("X5", **BERTA)]
    deliver(yard, "", Q2, people, [carrier("3", "X2"), carrier("4", "X1"), carrier("5", "X5")])
    found = persons_of_claims(yard)
    assert (found["3"], found["5"]) == (before["1"], before["2"])
    assert found["4"] not in before.values()


def test_crosswalks_that_are_read_again_bind_as_before(yard: Any) -> None:
    deliver(
        yard, "q1", Q1, [known("X1", **ADA), known("X2", "No", "Date", None)], [carrier("1", "X1"), carrier("2", "X2")]
    )
    deliver(
        yard, "q2", Q2, [known("Y1", **ADA), known("X2", "No", "Date", None)], [carrier("3", "Y1"), carrier("4", "X2")]
    )
    before, keys = persons_of_claims(yard), yard.persons()
    yard.put("roster", "roster", [])  # the model is built anew
    assert (persons_of_claims(yard), yard.persons()) == (before, keys)


def test_two_crosswalk_files_of_one_delivery_are_one_and_double_no_row(yard: Any) -> None:
    yard.put("medicare", "crosswalk", [known("X1", **ADA), known("X2", **BERTA)], received_on=Q1, crosswalk="q1")
    deliver(yard, "q1", Q1, [known("X2", **BERTA), known("X3", **CARLA)], [carrier("1", "X2"), carrier("2", "X3")])
    deliver(yard, "q2", Q2, [known("Y2", **BERTA)], [carrier("3", "Y2")])
    yard.put("medicare", "crosswalk", [known("Y2", **BERTA)], received_on=Q2, crosswalk="q2")
    assert yard.rows("select count(*), count(distinct claim_id), sum(paid_amount) from claim") == [(3, 3, Decimal(240))]
    assert yard.rows("select crosswalk, kind, persons from crosswalk_binding order by all") == [
        ("q1", "oldest", 3),
        ("q2", "name_dob_sex", 1),
        ("q2", "renumbered", 1),
    ]


def test_crosswalk_files_of_one_delivery_that_give_an_id_to_two_persons_stop_the_run(yard: Any) -> None:
    yard.put("medicare", "crosswalk", [known("X1", **ADA), known("X2", **BERTA)], received_on=Q1, crosswalk="q1")
    yard.put("medicare", "crosswalk", [known("X2", **ADA), known("X1", **CARLA)], received_on=Q1, crosswalk="q1")
    with pytest.raises(Findings) as told:
        yard.build()
    assert [(fault.code, fault.file, fault.count) for fault in told.value.faults] == [
        ("crosswalks-differ", "medicare-002.csv", 2)
    ]
    assert "medicare-001.csv and medicare-002.csv give 2 beneficiary ids to two persons" in told.value.faults[0].message


def test_what_became_of_the_ids_of_later_crosswalks_stands_in_the_linkage_report(yard: Any) -> None:
    mbi: dict[str, Any] = {"mbi": "1AA0AA0AA01"}
    deliver(yard, "q1", Q1, [known("X1", **ADA, **mbi), known("X2", **BERTA)], [carrier("1", "X1")])
    deliver(yard, "q2", Q2, [known("Y1", **ADA, **mbi), known("X2", **CARLA)], [carrier("2", "Y1")])
    (medicare,) = yard.build().linkage.sources
    assert medicare.crosswalk == {"mbi": 1, "new": 1, "same_id_other_person": 1}
    assert medicare.two_ids == 1


def test_a_number_that_thousands_share_binds_nobody_and_takes_no_time(yard: Any) -> None:
    hicn = {"hicn": "000000000A"}
    ann, zoe = known("X1", "Ann", "One", ADA["birth"], **hicn), known("Y9", "Zoe", "Two", ADA["birth"], **hicn)
    others = [known(f"X{place}", f"Bea{place}", "Three", BERTA["birth"], **hicn) for place in range(2, 8)]
    deliver(yard, "q1", Q1, [ann, *others], [carrier("1", "X1")])
    deliver(yard, "q2", Q2, [zoe], [carrier("2", "Y9")])
    found = persons_of_claims(yard)
    assert found["1"] != found["2"]
    (medicare,) = yard.build().linkage.sources
    assert medicare.crosswalk == {"hicn_placeholder": 7, "new": 1}


def test_the_day_decides_which_delivery_is_later_and_never_the_files_name(yard: Any) -> None:
    yard.put("medicare", "professional", [carrier("1", "B1", line_paid_amount=Decimal(60))], received_on=Q2)
    yard.put("medicare", "professional", [carrier("1", "B1", line_paid_amount=Decimal(80))], received_on=Q1)
    assert [one.file.name for one in yard.staged] == ["medicare-001.csv", "medicare-002.csv"]
    assert yard.rows("select paid_amount from claim where superseded_by is null") == [(Decimal("60.00"),)]


def test_the_same_claim_in_two_files_of_one_day_stops_the_run(yard: Any) -> None:
    yard.put("medicare", "professional", [carrier("1", "B1"), carrier("2", "B1")], received_on=Q1)
    yard.put("medicare", "professional", [carrier("2", "B1"), carrier("3", "B1")], received_on=Q1)
    yard.put("medicare", "professional", [carrier("4", "B1")], received_on=Q1)
    with pytest.raises(Findings) as told:
        yard.build()
    assert [(fault.code, fault.file, fault.count) for fault in told.value.faults] == [
        ("claims-without-order", "medicare-002.csv", 1)
    ]


def test_of_several_files_of_one_day_each_later_one_is_told_once_with_its_claims_and_fills(yard: Any) -> None:
    for claims in (["1", "2"], ["1", "2", "3"], ["1", "4"], ["5"]):
        yard.put("medicare", "professional", [carrier(claim, "B1") for claim in claims], received_on=Q1)
    fill = {"native_person_id": "B1", "native_claim_id": "1", "fill_date": DAY, "ndc": "00071015523"}
    for _ in range(2):
        yard.put("medicare", "part_d_event", [fill], received_on=Q1)
    with pytest.raises(Findings) as told:
        yard.build()
    assert [(fault.file, fault.count) for fault in told.value.faults] == [
        ("medicare-002.csv", 2),
        ("medicare-003.csv", 1),
        ("medicare-006.csv", 1),
    ]
    assert "stand in medicare-001.csv too" in told.value.faults[1].message


def test_a_replaced_file_brings_no_claim_and_its_rows_are_counted(yard: Any) -> None:
    first = yard.put("medicare", "professional", [carrier("1", "B1"), carrier("2", "B1")], received_on=Q1)
    yard.put("medicare", "professional", [carrier("2", "B1", line_paid_amount=Decimal(50))], received_on=Q2)
    yard.staged[0] = replace(first, replaced_by="again", status="replaced")
    with yard.opened() as db:
        # claim 1 was taken back by the sender: it stands in the replaced file alone
        assert db.query("select claim_id, paid_amount, superseded_by from claim").rows() == [
            ("1", Decimal("50.00"), None)
        ]
        assert db.query("select fate, rows from row_fates order by fate").rows() == [("kept", 1), ("replaced", 2)]


def test_months_that_two_files_of_one_day_state_stand_together(yard: Any) -> None:
    month = {"native_person_id": "M1", "year": 2025, "month": 3, "medical": "Y", "pharmacy": "N"}
    yard.put("payer_a", "eligibility", [{**month, "product": "PR"}], received_on=Q1)
    yard.put("payer_a", "eligibility", [{**month, "product": "DN", "medical": "N"}], received_on=Q1)
    assert yard.rows("select product from member_month order by 1") == [("DN",), ("PR",)]
    yard.put("payer_a", "eligibility", [{**month, "product": "HM"}], received_on=Q2)
    assert yard.rows("select product from member_month order by 1") == [("HM",)]
