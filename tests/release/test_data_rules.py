"""Each rule of the gate that data of 401.718 must pass: what it refuses, and that everything together passes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from qe.errors import InputError, Refused
from qe.release.dissemination.content import suspects_in
from qe.release.lineage import LineageSource, lineage_of, record_run, run_of
from tests.release.conftest import Office
from tests.release.data_desk import ELM, GROUP, ON, SOCIETY, TERMS, DataDesk

DATA_RULES = {"G1", "G2", "G3", "G4", "G7", "G8", "G9", "G12", "G13", "G19", "G20", "G21", "G22"}


@pytest.fixture
def desk(office: Office) -> DataDesk:
    return DataDesk(office).open()


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    path = tmp_path / "determination.pdf"
    path.write_bytes(b"signed")
    return path


@pytest.fixture
def ready(desk: DataDesk, paper: Path) -> DataDesk:
    """De-identified data d1 for the society and patients' data p1 for the group: all that is needed is there."""
    desk.ready(paper, tables="claim claim_line")
    desk.define("p1", kind="data_patient_identifiable", tables="claim")
    return desk


def judged(desk: DataDesk, data_id: str) -> set[str]:
    return {one.rule for one in desk.plan(data_id).decision.reasons if one.verdict != "not_applicable"}


def test_with_all_in_place_both_kinds_of_data_may_go(ready: DataDesk) -> None:
    assert judged(ready, "d1") == DATA_RULES | {"G17", "G18", "G23"}
    assert judged(ready, "p1") == DATA_RULES | {"G16"}
    assert ready.plan("d1").decision.allowed and ready.plan("p1").decision.allowed


Change = Callable[[DataDesk], object]

REFUSALS: list[tuple[str, str, Change, str]] = [  # data, rule, what is otherwise, the fact
    ("d1", "G1", lambda desk: desk.office.retract(desk.office.events("entity_approved")[0]), "approv"),
    ("d1", "G4", lambda desk: desk.office.retract(desk.office.events("dua_signed")[0]), "data use agreement"),
    ("p1", "G4", lambda desk: desk.office.retract(desk.office.events("dua_signed")[0]), "data use agreement"),
    ("d1", "G2", lambda desk: desk.record("termination_notified", notified_on="2026-05-01"), "CMS ended the agreement"),
    ("p1", "G2", lambda desk: desk.record("termination_notified", notified_on="2026-05-01"), "CMS ended the agreement"),
    ("d1", "G7", lambda desk: desk.rights("plan_a", "measures;public;analyses"), 'source plan_a lacks the right "data"'),
    ("p1", "G7", lambda desk: desk.rights("medicare", "measures"), 'source medicare lacks the right "data"'),
    ("d1", "G9", lambda desk: desk.record("user_revoked", party_id=SOCIETY, reason="ended"), "not on record"),
    ("d1", "G13", lambda desk: desk.record("agreement_ended", agreement_id="dua-oms", reason="ended"), "no QE data use"),
    ("p1", "G13", lambda desk: desk.record("agreement_ended", agreement_id="dua-elm", reason="ended"), "no QE data use"),
    ("d1", "G13", lambda desk: desk.sign(SOCIETY, agreement_id="n", terms=TERMS.replace("no_linking ", "")), "no_linking"),
    ("p1", "G13", lambda desk: desk.sign(GROUP, agreement_id="n", terms=TERMS.replace("survival ", "")), "survival"),
    ("d1", "G22", lambda desk: setattr(desk, "channels", ()), "it would not go by"),
    ("p1", "G22", lambda desk: setattr(desk, "channels", ("portal",)), "it would not go by"),
]  # fmt: skip


@pytest.mark.parametrize(("data_id", "rule", "change", "fact"), REFUSALS)
def test_each_fact_that_is_missing_refuses_by_its_own_rule(
    ready: DataDesk, data_id: str, rule: str, change: Change, fact: str
) -> None:
    change(ready)
    if rule == "G9":  # there is no user any more whose name the package could bear
        with pytest.raises(InputError, match=fact):
            ready.plan(data_id)
        return
    failing = ready.failing(data_id)
    assert failing.keys() == {rule}
    assert fact in failing[rule]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"purpose": "marketing"}, "G21"),
        ({"purpose": "health_insurance"}, "G21"),
        ({"sources": "plan_a"}, "G8"),  # no Medicare claim in the rows: not what 401.718 speaks of
        ({"sources": "medicare", "fee_dollars": 1}, "G19"),
    ],
)
def test_what_was_asked_for_refuses_by_its_own_rule(
    desk: DataDesk, paper: Path, changes: dict[str, Any], rule: str
) -> None:
    desk.ready(paper, tables="claim", **changes)
    assert desk.failing().keys() == {rule}


def test_medicare_data_alone_are_free_and_combined_data_may_be_sold(desk: DataDesk, paper: Path) -> None:
    desk.ready(paper, "free", tables="claim", sources="medicare")
    desk.ready(paper, "sold", tables="claim", fee_dollars=2500)
    desk.release("free")
    desk.release("sold")
    assert [event.text("basis") for event in desk.office.events("data_disclosed")] == ["medicare_free", "combined"]


def test_a_fee_that_came_in_for_free_data_refuses_them(desk: DataDesk, paper: Path) -> None:
    desk.ready(paper, tables="claim", sources="medicare")
    desk.record("fee_received", about="d1", party_id=SOCIETY, dollars=10)
    assert desk.failing().keys() == {"G19"}


def test_days_without_another_payers_claim_make_the_data_medicares_alone(desk: DataDesk, paper: Path) -> None:
    """The rows decide, not the run: from June to July 2025 plan_a has no claim but a copy of Medicare's."""
    desk.ready(paper, tables="claim", start=date(2025, 6, 1), end=date(2025, 7, 31), fee_dollars=5)
    assert desk.failing().keys() == {"G19"}


def test_tables_without_another_payers_row_make_the_data_medicares_alone(desk: DataDesk, paper: Path) -> None:
    """Other payers' claims of the same days tell no procedure: none of their rows is in the file."""
    desk.ready(paper, tables="claim_procedure", fee_dollars=5)
    assert desk.failing().keys() == {"G19"}


def test_a_label_of_a_source_whose_rows_are_in_the_data_refuses_them(office: Office, paper: Path) -> None:
    desk = DataDesk(office).open()
    known = lineage_of(run_of(office.facts(ON), "a" * 16))
    labelled = replace(
        known,
        sources=(
            LineageSource(source_id="medicare", payer_type="medicare"),
            LineageSource(source_id="plan_a", payer_type="commercial", labels=("part2",)),
        ),
    )
    record_run(office.ledger, labelled, on=date(2026, 2, 19), at=office.at(), actor="analyst")
    desk.ready(paper, tables="claim")
    assert desk.failing().keys() == {"G20"}
    desk.ready(paper, "d2", tables="claim", sources="medicare")
    assert not desk.failing("d2")


@pytest.mark.parametrize(
    ("kind", "data_kind"),
    [(kind, data) for kind in ("employer", "issuer", "provider_association", "state_entity", "federal_agency")
     for data in ("data_deid", "data_patient_identifiable")]
    + [("medical_society", "data_patient_identifiable"), ("hospital_association", "data_patient_identifiable")],
)  # fmt: skip
def test_other_kinds_of_recipient_are_refused_before_anything_is_made(
    desk: DataDesk, kind: str, data_kind: str
) -> None:
    desk.record("user_authorised", party_id="other", kind=kind, name="Somebody Else")
    with pytest.raises(Refused, match="may not have such data") as refused:
        desk.define(kind=data_kind, party_id="other", tables="claim")
    assert [one.rule for one in refused.value.reasons] == ["G9"]
    assert not desk.office.events("npa_defined")


@pytest.mark.parametrize("kind", ["provider", "supplier", "medical_society", "hospital_association"])
def test_the_four_kinds_may_have_de_identified_data(desk: DataDesk, paper: Path, kind: str) -> None:
    desk.record(
        "user_authorised", party_id="other", kind=kind, name="Somebody Else", nonprofit=True, majority=True,
        scope="state",
    )  # fmt: skip
    desk.define(party_id="other", tables="claim")
    assert "G9" not in {one.rule for one in desk.plan("d1").decision.reasons if one.verdict == "fail"}


def test_a_user_that_became_an_employer_since_is_refused_by_the_table(ready: DataDesk) -> None:
    ready.record("user_authorised", party_id=SOCIETY, kind="employer", name="Acme Works")
    assert "no row of the decision table" in ready.failing()["G9"]


def test_patients_data_need_to_know_which_unit_the_recipient_is(desk: DataDesk) -> None:
    desk.record("user_authorised", party_id="other", kind="provider", name="Somebody Else")
    with pytest.raises(Refused, match="which unit of our data"):
        desk.define(kind="data_patient_identifiable", party_id="other", tables="claim")


def test_a_person_who_is_no_patient_of_that_day_refuses_patients_data(desk: DataDesk) -> None:
    """Stopped after its event, it is finished two months later: by then a visit has grown older than 24 months."""
    desk.define("p1", kind="data_patient_identifiable", tables="claim")
    blocking = desk.office.site.outbox / ON.isoformat()
    blocking.parent.mkdir(parents=True, exist_ok=True)
    blocking.write_text("no folder")
    with pytest.raises(OSError):
        desk.release("p1")
    blocking.unlink()
    failing = desk.failing("p1", on=date(2026, 8, 1))
    assert failing == {"G16": "1 of 2 persons have no visit with the recipient in the 24 months before"}


def test_data_that_name_a_provider_are_refused(desk: DataDesk, paper: Path) -> None:
    """Our columns name none; a user's own name is no other's, another unit's in the topic stays out of the files."""
    desk.ready(paper, tables="claim", topic="What Lake Hospital does")
    assert desk.plan().outgoing.artefact.identified == frozenset()
    desk.record("user_authorised", party_id=SOCIETY, kind="medical_society", name="Friends of Lake Hospital",
                nonprofit=True, majority=True, scope="state")  # fmt: skip
    desk.define("d2", tables="claim")
    assert desk.plan("d2").outgoing.artefact.identified == frozenset({"U000003"})
    assert "G12" in desk.failing("d2")
    desk.define("p1", kind="data_patient_identifiable", tables="claim")
    assert desk.plan("p1").outgoing.artefact.identified == frozenset()
    assert desk.user(GROUP).unit_id == ELM


def test_without_a_determination_or_an_approval_of_exactly_these_bytes_nothing_goes(
    desk: DataDesk, paper: Path
) -> None:
    desk.define(tables="claim")
    assert desk.failing().keys() == {"G17", "G18"}
    desk.determine(paper)
    assert desk.failing().keys() == {"G18"}
    desk.approve()
    assert not desk.failing()
    desk.define(tables="claim", topic="Another topic")  # other codes, other bytes
    assert desk.failing().keys() == {"G17", "G18"}


def test_a_determination_ends_with_its_last_day(ready: DataDesk) -> None:
    assert not ready.failing(on=date(2026, 12, 31))
    assert ready.failing(on=date(2027, 1, 1)).keys() == {"G17"}


def test_an_experts_determination_holds_without_an_attestation(desk: DataDesk, paper: Path) -> None:
    desk.define(tables="claim")
    desk.determine(paper, method="expert", attested=False)
    desk.approve()
    (recorded,) = desk.office.events("deid_recorded")
    assert (recorded.text("method"), recorded.text("artefact_sha256")) == ("expert", desk.plan().staged.sha256)
    assert recorded.evidence_sha256 and "no_actual_knowledge" not in recorded.payload
    passing = {one.rule: one.fact for one in desk.plan().decision.reasons if one.verdict == "pass"}
    assert passing["G17"] == "de-identified by expert, on record until 2026-12-31"
    desk.release()
    assert len(desk.office.events("data_disclosed")) == 1


def test_the_safe_harbour_without_an_attestation_is_not_recorded(desk: DataDesk, paper: Path) -> None:
    desk.define(tables="claim")
    with pytest.raises(InputError, match="attests"):
        desk.determine(paper, attested=False)
    assert not desk.office.events("deid_recorded")


def test_of_patients_data_nothing_is_determined_or_approved_before_their_day(desk: DataDesk, paper: Path) -> None:
    desk.define("p1", kind="data_patient_identifiable", tables="claim")
    with pytest.raises(InputError, match="made on the day they go"):
        desk.determine(paper, "p1")
    with pytest.raises(InputError, match="made on the day they go"):
        desk.approve("p1")


def test_a_hold_stops_the_definition_and_the_release(ready: DataDesk) -> None:
    ready.record("decrease_detected", decrease_id="x", source_id="plan_a", detected_on="2026-05-01")
    assert ready.failing().keys() == {"G3"}
    with pytest.raises(Refused, match="decreased"):
        ready.define("d2", tables="claim")


def test_values_that_break_the_safe_harbour_count_as_identifiers_in_the_gate(ready: DataDesk) -> None:
    """Should bytes be staged past the definition's own check, the table says so in G23."""
    staged = ready.plan().staged
    spoilt = replace(staged, files={**staged.files, "claim.csv": b"claim_code,county\n0123456789abcdef,39049\n"})
    assert suspects_in(staged, is_deidentified=True) == 0
    assert suspects_in(spoilt, is_deidentified=True) == 1
