"""Payload schemas are closed, and nothing that could be a person's identifier fits in."""

from pathlib import Path

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


PROGRAMME_KINDS = {
    "entity_conditional", "fee_paid_cms", "source_volume", "cms_delivery", "file_ingested", "part2_qsoa",
    "measure_listed", "measure_equivalent_available", "altmeasure_submitted", "plan_approved", "report_rendered",
    "public_date_set", "public_use", "market_denominator", "cms_action", "hearing_requested", "disposition_done",
    "annual_report_filed", "incident_opened", "incident_updated", "incident_closed", "violation", "key_created",
    "key_rotated", "key_destroyed", "backup_made", "backup_restored",
}  # fmt: skip


def test_every_kind_of_the_programme_has_a_schema() -> None:
    assert set(schema.event_kinds()) >= PROGRAMME_KINDS


TYPED = {
    "date": "2026-03-02", "instant": "2026-03-02T14:05:00Z", "count": "3", "sha256": "ab" * 32, "public_key": "cd" * 32,
    "code": "A-1", "codes": "A-1;B-2", "text": "in a few words", "flag": "true", "zone": "America/Chicago",
    "unit": "U000012", "units": "U000012;U000013",
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(schema.event_kinds()))
def test_a_kind_takes_what_its_schema_says_typed_as_words_and_has_a_subject(kind: str) -> None:
    """All keys, then the required ones alone: the subject is made of those."""
    fields = schema.kind_of(kind).fields
    words = {one.name: TYPED.get(one.type) or one.choices[0] for one in fields}
    payload = schema.read_payload(kind, words)
    assert set(payload) == set(words)
    required = schema.read_payload(kind, {one.name: words[one.name] for one in fields if one.required})
    assert "{" not in schema.subject_of(kind, required)


@pytest.mark.parametrize("name", ["", "two words", "x" * 97])
def test_a_kind_of_key_in_use_is_one_of_those_that_there_are(name: str) -> None:
    with pytest.raises(InputError):
        schema.check_payload("key_created", {"purpose": name})


def write_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **files: str) -> None:
    """The schemas are read from these files from now on, until the test is over."""
    (tmp_path / "events").mkdir()
    for name, text in files.items():
        (tmp_path / "events" / f"{name}.toml").write_text(text)
    monkeypatch.setattr(schema, "__file__", str(tmp_path / "schema.py"))
    for read in (schema.kind_files, schema.event_kinds):
        read.cache_clear()
        monkeypatch.setattr(schema, read.__name__, read.__wrapped__)


KIND = '[one]\nsubject = ""\nmeaning = "m"\ncitation = "c"\n'


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a": KIND, "b": KIND}, "one is defined twice"),
        ({"a": KIND + 'more = "x"\n'}, "needs subject, meaning, citation"),
        ({"a": KIND + "payload = 3\n"}, "needs subject, meaning, citation"),
        ({"a": KIND + 'payload.x = { type = "date", meaning = "m", why = "?" }\n'}, "unknown key why"),
        ({"a": KIND + 'payload.x = { type = "words", meaning = "m" }\n'}, "unknown type"),
        ({"a": KIND + 'payload.x = { type = "choice", meaning = "m" }\n'}, "choices go with"),
        ({"a": KIND + 'payload.x = { type = "date", meaning = "m", choices = ["a"] }\n'}, "choices go with"),
    ],
)
def test_a_schema_that_is_not_closed_itself_stops_qe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], said: str
) -> None:
    write_events(tmp_path, monkeypatch, **files)
    with pytest.raises(ValueError, match=said):
        schema.event_kinds()


def test_what_an_event_is_about_is_put_on_record_by_a_kind_that_has_the_same_key() -> None:
    about = {name: kind.about for name, kind in schema.event_kinds().items() if kind.about is not None}
    assert len(about) >= 10
    for name, one in about.items():
        for kind in (name, one.kind):
            assert one.key in {field.name for field in schema.kind_of(kind).fields}, (name, kind)
        choices = {field.name: field.choices for field in schema.kind_of(name).fields}
        assert all(value in choices[key] for key, value in one.when.items()), name
