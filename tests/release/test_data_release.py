"""A release of data from its approval to the package: other bytes, a stop in between, a second time, how it travels."""

import hashlib
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest

from qe.errors import InputError, Refused
from qe.release.analyses import define as npa_define
from qe.release.dissemination.definition import definition_of
from qe.release.dissemination.staging import read_staged, write_staged
from qe.release.dissemination.status import DataStatus, status_of
from qe.release.outgoing import put_out
from qe.release.packages import bundle
from tests.release.conftest import Office
from tests.release.data_desk import GROUP, ON, DataDesk
from tests.release.desk import Desk


@pytest.fixture
def desk(office: Office) -> DataDesk:
    return DataDesk(office).open()


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    path = tmp_path / "determination.pdf"
    path.write_bytes(b"signed")
    return path


def status(desk: DataDesk, data_id: str, *, on: date = ON) -> DataStatus:
    facts = desk.office.facts(on)
    return status_of(desk.office.site, facts, definition_of(facts, data_id))


def block_outbox(desk: DataDesk) -> Path:
    """The disk refuses the package after the event was recorded."""
    blocking = desk.office.site.outbox / ON.isoformat()
    blocking.parent.mkdir(parents=True, exist_ok=True)
    blocking.write_text("no folder")
    return blocking


def states(desk: DataDesk) -> list[str]:
    """What the ledger says of the package, in order."""
    return [event.text("state") for event in desk.office.events("data_package")]


def digest(files: dict[str, bytes]) -> str:
    return hashlib.sha256(bundle({name: one for name, one in files.items() if name != "manifest.json"})).hexdigest()


@pytest.mark.parametrize("data_id", ["d1", "p1"])
def test_a_release_stopped_after_its_event_is_finished_with_the_same_bytes(
    desk: DataDesk, paper: Path, data_id: str
) -> None:
    if data_id == "d1":
        desk.ready(paper, tables="claim")
    else:
        desk.define("p1", kind="data_patient_identifiable", tables="claim")
    blocking = block_outbox(desk)
    with pytest.raises(OSError):
        desk.release(data_id)
    (disclosed,) = desk.office.events("data_disclosed")
    staged = read_staged(desk.office.site, data_id)
    assert staged.sha256 == disclosed.text("artefact_sha256")
    assert (status(desk, data_id).state, status(desk, data_id).is_in_outbox) == ("released", False)
    blocking.unlink()

    # de-identified data the next morning: the package bears the day that was recorded
    desk.release(data_id, on=date(2026, 6, 2) if data_id == "d1" else ON)
    files = desk.released(data_id)
    assert digest(files) == disclosed.text("artefact_sha256")
    assert {name: files[name] for name in staged.files} == dict(staged.files)
    assert len(desk.office.events("data_disclosed")) == 1
    assert states(desk) == ["begun_again", "whole"]
    assert desk.plan(data_id).is_done and status(desk, data_id).is_in_outbox


def test_each_attempt_to_finish_a_release_is_recorded_before_its_bytes_are_written(desk: DataDesk, paper: Path) -> None:
    desk.ready(paper, tables="claim")
    blocking = block_outbox(desk)
    for _ in range(3):  # the first attempt is the disclosure itself
        with pytest.raises(OSError):
            desk.release()
    assert states(desk) == ["begun_again", "begun_again"]
    blocking.unlink()
    desk.release()
    assert states(desk) == ["begun_again", "begun_again", "begun_again", "whole"]


def test_a_package_that_was_whole_and_is_gone_is_not_made_again(desk: DataDesk, paper: Path) -> None:
    desk.ready(paper, tables="claim")
    desk.release()
    assert states(desk) == ["whole"]
    (package,) = desk.office.site.outbox.rglob("*.age")
    package.unlink()
    head = desk.office.ledger.head()
    with pytest.raises(Refused, match="was whole in the outbox on 2026-06-01, and is not there now") as refused:
        desk.release(on=date(2026, 6, 2))
    assert "id of its own" in refused.value.remedy
    assert not list(desk.office.site.outbox.rglob("*.age"))
    assert desk.office.ledger.head() == head


def test_stopped_after_its_package_it_is_recorded_as_whole_and_written_no_second_time(
    desk: DataDesk, paper: Path
) -> None:
    desk.ready(paper, tables="claim")
    planned = desk.plan()
    put_out(  # all that a release does but its last event
        desk.office.site, desk.office.ledger, planned.facts, [planned.outgoing], at=planned.when.at, actor="officer",
        instant=planned.when.instant,
    )  # fmt: skip
    (package,) = desk.office.site.outbox.rglob("*.age")
    before = package.read_bytes()
    assert states(desk) == []
    desk.release()
    desk.release()
    assert (states(desk), package.read_bytes()) == (["whole"], before)


def test_stopped_before_its_event_it_is_as_if_it_had_not_begun(desk: DataDesk, paper: Path) -> None:
    desk.define("p1", kind="data_patient_identifiable", tables="claim")
    write_staged(desk.office.site, desk.plan("p1").staged)  # what a release does first
    desk.release("p1")
    (disclosed,) = desk.office.events("data_disclosed")
    assert digest(desk.released("p1")) == disclosed.text("artefact_sha256")


def test_a_finished_release_is_not_made_again_and_its_id_is_closed(desk: DataDesk, paper: Path) -> None:
    desk.ready(paper, tables="claim")
    desk.release()
    (package,) = desk.office.site.outbox.rglob("*.age")
    before, stamp = package.read_bytes(), package.stat().st_mtime_ns
    desk.release()
    assert (package.read_bytes(), package.stat().st_mtime_ns) == (before, stamp)
    assert len(desk.office.events("data_disclosed")) == 1
    with pytest.raises(Refused, match="went to its user on 2026-06-01"):
        desk.define(tables="claim")
    with pytest.raises(Refused, match="went to its user"):
        desk.determine(paper)
    with pytest.raises(Refused, match="went to its user"):
        desk.approve()


def test_other_bytes_than_those_recorded_are_not_released(desk: DataDesk, paper: Path) -> None:
    desk.ready(paper, tables="claim")
    desk.define("d2", tables="claim")
    other = read_staged(desk.office.site, "d2")
    write_staged(
        desk.office.site, type(other)(data_id="d1", files=other.files, sources=other.sources, codes=other.codes)
    )
    with pytest.raises(InputError, match="not what was recorded"):
        desk.plan()


def test_nothing_is_written_where_the_gate_refuses(desk: DataDesk) -> None:
    desk.define("p1", kind="data_patient_identifiable", tables="claim")
    desk.record("agreement_ended", agreement_id="dua-elm", reason="ended")
    with pytest.raises(Refused, match="may not go to elm on 2026-06-01") as refused:
        desk.release("p1")
    assert "G13" in {one.rule for one in refused.value.reasons if one.verdict == "fail"}
    assert not desk.office.site.outbox.exists() or not list(desk.office.site.outbox.rglob("data-*"))
    assert not list((desk.office.site.store / "staged").glob("data-*"))
    assert not desk.office.events("data_disclosed")


@pytest.mark.parametrize("channel", ["courier", "mail"])
def test_what_travels_on_tracked_media_is_sealed_for_the_same_key(desk: DataDesk, paper: Path, channel: str) -> None:
    desk.channels = (channel,)  # type: ignore[assignment]
    desk.ready(paper, tables="claim")
    desk.release()
    (package,) = (one for one in desk.office.site.outbox.rglob("*") if one.is_file())
    assert package.name == "data-d1.age"
    assert not zipfile.is_zipfile(BytesIO(package.read_bytes()))
    assert "claim.csv" in desk.released(channel=channel)


def test_data_cannot_be_put_out_for_a_contact_without_a_key(desk: DataDesk, paper: Path) -> None:
    desk.ready(paper, tables="claim")
    going = desk.plan().outgoing
    assert going.contact is not None
    with pytest.raises(ValueError, match="sealed"):
        replace(going, contact=replace(going.contact, channel="mail", address="1 Main Street", age_recipient=None))


def test_outside_a_rehearsal_a_second_person_approves(
    open_office: Callable[..., Office], settings_text: str, paper: Path
) -> None:
    desk = DataDesk(open_office(settings_text.replace("rehearsal = true", "rehearsal = false"))).open()
    desk.define(tables="claim", actor="officer")
    for maker in ("analyst", "officer"):  # who made the run, who defined the data
        with pytest.raises(Refused, match="cannot approve"):
            desk.approve(actor=maker)
    desk.determine(paper)
    desk.approve(actor="second")
    assert not desk.failing()


def test_status_tells_how_far_it_is_and_what_the_ledger_lacks(desk: DataDesk, paper: Path) -> None:
    desk.define(tables="claim", fee_dollars=7)
    told = status(desk, "d1")
    assert (told.state, told.fee_dollars, told.sources) == ("defined", 7, ("medicare", "plan_a"))
    assert {one.rule for one in told.against} == {"G17", "G18"}
    desk.determine(paper)
    assert status(desk, "d1").state == "determined"
    desk.approve()
    assert (status(desk, "d1").state, status(desk, "d1").against) == ("approved", ())
    desk.release()
    told = status(desk, "d1")
    assert (told.state, told.released_on, told.rows, told.persons) == ("released", ON, 5, 0)


def test_status_of_patients_data_and_of_a_user_that_is_gone(desk: DataDesk) -> None:
    desk.define("p1", kind="data_patient_identifiable", tables="claim")
    assert (status(desk, "p1").state, status(desk, "p1").against) == ("defined", ())
    desk.record("user_revoked", party_id=GROUP, reason="ended")
    assert "G9" in {one.rule for one in status(desk, "p1").against}


def test_an_id_of_an_analysis_is_none_of_data(desk: DataDesk) -> None:
    desk.office.record(
        "npa_defined", ON, analysis_id="a1", kind="npa_deid", run_id="a" * 16, party_id=GROUP, topic="T",
        measures=["hwr"], areas=[], period_start="2025-01-01", period_end="2025-12-31",
    )  # fmt: skip
    with pytest.raises(InputError, match="that of a non-public analysis"):
        desk.define("a1", tables="claim")
    with pytest.raises(InputError, match="no data release with this id"):
        desk.plan("a1")


def test_an_id_of_data_is_none_of_an_analysis(desk: DataDesk) -> None:
    desk.define(tables="claim")
    asked = Desk(desk.office).asked()
    with pytest.raises(InputError, match="that of a data release"):
        npa_define.require_definable(
            desk.office.facts(ON), replace(asked, analysis_id="d1", release_on=ON), desk.user(GROUP)
        )
