"""Payload schemas are closed, and nothing that could be a person's identifier fits in."""

import pytest

from qe.errors import InputError
from qe.ledger import schema

CONTRACT_KINDS = {
    "entity_approved", "dua_signed", "source_registered", "measure_approved", "run_completed", "report_sent",
    "send_confirmed", "delivery_failed", "status_notice_sent", "sdc_checked", "release_approved", "public_released",
    "public_withdrawn", "fact_retracted",
}  # fmt: skip


def test_every_kind_of_the_contract_has_a_schema() -> None:
    assert set(schema.event_kinds()) >= CONTRACT_KINDS


def test_words_typed_as_k_v_become_typed_values() -> None:
    payload = schema.read_payload(
        "source_registered", {"source_id": "medicare", "rights": "measures;public", "expires_on": "2027-12-31"}
    )
    assert payload == {"source_id": "medicare", "rights": "measures;public", "expires_on": "2027-12-31"}


def test_all_faults_of_a_payload_are_told_at_once() -> None:
    with pytest.raises(InputError) as refusal:
        schema.read_payload("source_registered", {"source": "x", "rights": "all", "expires_on": "31.12.2027"})
    assert sorted(str(fault.place) for fault in refusal.value.faults) == ["expires_on", "rights", "source", "source_id"]


@pytest.mark.parametrize("text", ["SSN 123-45-6789", "1EG4-TE5-MK73", "member 1234567", "two\nlines", "", "x" * 201])
def test_a_wording_that_looks_like_an_identifier_or_is_not_one_line_is_refused(text: str) -> None:
    with pytest.raises(InputError) as refusal:
        schema.check_payload("fact_retracted", {"reason": text})
    assert not text or text not in str(refusal.value)


@pytest.mark.parametrize("text", ["recorded on 2026-03-02 by mistake", "wrong version 1.2.0"])
def test_a_wording_with_days_and_versions_is_accepted(text: str) -> None:
    schema.check_payload("fact_retracted", {"reason": text})


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("dua_ended", "dua_no", "two words"),
        ("entity_approved", "approved_on", "2026-02-30"),
        ("entity_approved", "approved_on", "20260201"),
        ("sdc_checked", "findings", -1),
        ("sdc_checked", "findings", True),
        ("sdc_checked", "bundle_sha256", "ab"),
        ("public_released", "units", ["U000002", "U000001"]),
        ("public_released", "units", ["1234567890"]),
        ("report_sent", "zone", "America/Nowhere"),
        ("report_sent", "channel", "email"),
        ("request_resolved", "outcome", "maybe"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(kind: str, name: str, value: str | int | bool | list[str]) -> None:
    with pytest.raises(InputError) as refusal:
        schema.check_payload(kind, {name: value})
    assert name in {fault.place for fault in refusal.value.faults if "missing" not in fault.message}


def test_an_unknown_kind_is_refused_with_the_near_ones() -> None:
    with pytest.raises(InputError) as refusal:
        schema.kind_of("entity_aproved")
    assert "entity_approved" in refusal.value.remedy
