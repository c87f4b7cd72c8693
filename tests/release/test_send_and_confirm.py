"""Reports go out sealed or printable, once; a clock starts only at a confirmed hand-over with evidence."""

import hashlib
import io
import json
import shutil
import zipfile
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from qe.disclosure.identifiers import texts_of
from qe.errors import Findings, InputError, Refused
from qe.ledger.fold import state_as_of
from qe.release import packages
from qe.release.contacts import Contact, Contacts
from qe.release.cycles import cycle_for_run
from qe.release.outgoing import letter_to, put_out
from qe.release.releases import shown_results
from qe.release.reports_on_disk import latest_reports, units_of
from qe.release.sends import reviews
from qe.runs import run_of
from tests.papers import small_pdf
from tests.release.conftest import UNITS

SENT_ON = date(2026, 3, 2)


def test_an_age_contact_gets_a_sealed_package_with_report_csv_letter_and_manifest(office: Any) -> None:
    office.run()
    office.send()
    package = office.site.outbox / "2026-03-02" / "age" / "group-2025Q4-1-U000001.age"
    assert b"pdf 2025Q4" not in package.read_bytes()
    import pyrage

    opened = pyrage.decrypt(package.read_bytes(), [office.secrets["U000001"]])
    with zipfile.ZipFile(io.BytesIO(opened)) as archive:
        assert archive.namelist() == [
            "letter.pdf",
            "letter.txt",
            "manifest.json",
            "methods.pdf",
            "report.pdf",
            "results.csv",
        ]
        assert archive.read("report.pdf") == small_pdf("pdf 2025Q4-1-U000001 aaaaaaaaaaaaaaaa 2026-03-02")
        assert json.loads(archive.read("manifest.json"))["report_id"] == "2025Q4-1-U000001"


def test_printable_files_can_be_read_by_their_owner_only(office: Any) -> None:
    office.run()
    office.send()
    folder = office.site.outbox / "2026-03-02" / "mail" / "group-2025Q4-1-U000002"
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {
        "address.pdf": 0o600,
        "letter.pdf": 0o600,
        "letter.txt": 0o600,
        "methods.pdf": 0o600,
        "report.pdf": 0o600,
        "results.csv": 0o600,
    }


def test_addresses_that_the_envelope_would_hide_stop_a_send_all_at_once_and_nothing_is_recorded(
    office: Any, monkeypatch: Any
) -> None:
    def by_mail(unit_id: str, address: str) -> tuple[Contact]:
        return (Contact(unit_id=unit_id, channel="mail", address=address, age_recipient=None, zone=None),)

    hidden = "Quality Office; Building 7; 1 Oak Street; Suite 4; Troy OH 45373"
    found = {one: by_mail(one, hidden) for one in ("U000001", "U000003")} | {
        "U000002": by_mail("U000002", "1 Oak Street")
    }
    monkeypatch.setattr(office, "contacts", lambda on: Contacts(found))
    office.run()
    head = office.ledger.head()
    with pytest.raises(InputError) as refused:
        office.send()
    assert [(fault.place, fault.code) for fault in refused.value.faults] == [
        ("U000001", "address-beyond-window"),
        ("U000003", "address-beyond-window"),
    ]
    assert "Oak Street" not in str(refused.value)
    assert office.ledger.head() == head and not office.site.outbox.exists()


def test_reports_rendered_before_there_were_methods_are_read_but_sent_no_more(office: Any) -> None:
    run = office.run()
    office.send()
    listed = run.reports(SENT_ON.isoformat()) / "reports.json"
    entries = json.loads(listed.read_text())
    listed.write_text(json.dumps([{k: v for k, v in one.items() if "methods" not in k} for one in entries]))
    assert len(shown_results(run, state_as_of(office.ledger, SENT_ON), "2025Q4-1")) == 3  # what a release asks
    (one, *_) = latest_reports(run)
    with pytest.raises(Findings, match="without the methods that are enclosed with it") as told:
        one.require_unchanged()
    assert told.value.faults[0].remedy == "Render again: qe run --send-on DATE."


def test_other_methods_beside_the_same_reports_are_another_send(office: Any) -> None:
    run = office.run()
    office.send()
    folder = run.reports(SENT_ON.isoformat())
    (folder / "methods.pdf").write_bytes(small_pdf("worded anew"))
    digest = hashlib.sha256(small_pdf("worded anew")).hexdigest()
    entries = json.loads((folder / "reports.json").read_text())
    (folder / "reports.json").write_text(json.dumps([{**one, "methods_sha256": digest} for one in entries]))
    office.send()
    sent = [event.text("methods_sha256") for event in office.events("report_sent")]
    assert (len(sent), sent[3:]) == (6, [digest] * 3)


def test_a_printable_package_that_was_stopped_halfway_is_no_package(tmp_path: Path) -> None:
    package = tmp_path / "mail" / "group-1"
    with pytest.raises(TypeError):  # stopped at the second file
        packages.write_package(package, {"a": b"1", "b": None}, report_id="1", age_recipient=None)  # type: ignore[dict-item]
    assert not packages.is_written(package)
    packages.write_package(package, {"a": b"1", "b": b"2"}, report_id="1", age_recipient=None)
    assert packages.is_written(package)
    assert [path.name for path in package.parent.iterdir()] == ["group-1"]
    assert sorted(path.name for path in package.iterdir()) == ["a", "b"]


def test_a_unit_without_usable_contact_is_listed_and_not_sent(office: Any) -> None:
    office.run()
    planned = office.plan_send(channel="portal")
    assert [package.report.unit_id for package in planned.packages] == ["U000003"]
    assert [unit_id for unit_id, _ in planned.not_sendable] == ["U000001", "U000002"]


def test_sending_twice_sends_once(office: Any) -> None:
    office.run()
    office.send()
    again = office.send()
    assert (again.packages, sorted(again.already_sent)) == ((), ["U000001", "U000002", "U000003"])
    assert len(office.events("report_sent")) == 3


def test_a_package_missing_after_a_stopped_send_is_written_again_without_a_second_event(office: Any) -> None:
    office.run()
    office.send()
    package = office.site.outbox / "2026-03-02" / "age" / "group-2025Q4-1-U000001.age"
    package.unlink()
    office.send()
    assert package.is_file()
    assert len(office.events("report_sent")) == 3


def test_what_is_in_the_outbox_is_not_sent_a_second_time_by_another_channel(office: Any, monkeypatch: Any) -> None:
    office.run()
    office.send()
    contact = Contact(unit_id="U000002", channel="portal", address="oak", age_recipient=None, zone="America/Chicago")
    monkeypatch.setattr(office, "contacts", lambda on: Contacts({"U000002": (contact,)}))
    again = office.send()
    assert (again.packages, again.not_sendable, sorted(again.already_sent)) == ((), (), list(UNITS))
    assert not list(office.site.outbox.glob("*/portal/*U000002*"))


def test_a_stopped_send_is_not_finished_by_another_channel_than_is_recorded(office: Any, monkeypatch: Any) -> None:
    office.run()
    office.send()
    shutil.rmtree(office.site.outbox / "2026-03-02" / "mail")
    contact = Contact(unit_id="U000002", channel="portal", address="oak", age_recipient=None, zone="America/Chicago")
    monkeypatch.setattr(office, "contacts", lambda on: Contacts({"U000002": (contact,)}))
    stopped = office.send()
    assert stopped.packages == ()
    ((unit_id, why),) = stopped.not_sendable
    assert unit_id == "U000002"
    assert why.startswith("recorded as put out by mail, never written; its contact is portal now")
    office.bounce("U000002", today=SENT_ON)
    assert [one.contact.channel for one in office.send().packages] == ["portal"]
    assert [event.text("channel") for event in office.events("report_sent")][3:] == ["portal"]


def test_where_every_hand_over_was_taken_back_the_cycle_is_free_for_a_later_run(office: Any) -> None:
    office.run("a" * 16)
    office.send()
    office.confirm("U000001")
    office.retract(office.events("send_confirmed")[0])
    run = office.run("b" * 16, on=date(2026, 3, 1))
    office.render(run, SENT_ON, cycle="2025Q4-1")
    assert (office.plan_send().run_id, len(office.send().packages)) == ("b" * 16, 3)
    office.confirm("U000001")
    assert cycle_for_run(office.ledger.events(), period="2025Q4", run_id="b" * 16) == "2025Q4-1"


def test_a_second_run_of_a_sent_period_is_sent_to_nobody_without_an_act_of_reissue(office: Any) -> None:
    office.run("a" * 16)
    office.send()
    office.confirm("U000001")
    run = office.run("b" * 16, on=date(2026, 3, 1))
    office.render(run, SENT_ON, cycle="2025Q4-2")
    with pytest.raises(Refused, match="not issued by anybody") as refusal:
        office.plan_send(cycle="2025Q4-2")
    assert refusal.value.remedy == "Issue it again: qe review reissue --cycle 2025Q4-1."
    (said,) = refusal.value.reasons
    assert (said.rule, said.verdict) == ("G10", "fail")
    office.record(
        "cycle_reissued", SENT_ON, cycle="2025Q4-1", new_cycle="2025Q4-2", run_id="b" * 16, units=["U000002"],
        reason="error_found",
    )  # fmt: skip
    assert [one.report.unit_id for one in office.plan_send(cycle="2025Q4-2").packages] == ["U000002"]


def test_a_report_changed_after_it_was_rendered_is_not_sent(office: Any) -> None:
    run = office.run()
    (run.reports("2026-03-02") / "group-2025Q4-1-U000001.pdf").write_bytes(b"another pdf")
    with pytest.raises(Findings, match="not the file that was rendered"):
        office.send()
    assert office.events("report_sent") == []
    assert not office.site.outbox.exists()


def test_sending_after_the_printed_send_date_is_refused_naming_send_on(office: Any) -> None:
    office.run()
    with pytest.raises(Refused) as refusal:
        office.plan_send(date(2026, 3, 3))
    assert "qe run --send-on" in refusal.value.remedy


def test_a_send_refused_by_the_gate_writes_nothing(office: Any) -> None:
    office.run()
    office.retract(office.events("entity_approved")[0])
    before = office.ledger.head()
    with pytest.raises(Refused) as refusal:
        office.send()
    assert [one.rule for one in refusal.value.reasons if one.verdict == "fail"] == ["G1"]
    assert (office.ledger.head(), office.site.outbox.exists()) == (before, False)


def test_a_put_out_report_starts_no_clock_before_its_hand_over_is_confirmed(office: Any) -> None:
    office.run()
    office.send()
    unit = reviews(state_as_of(office.ledger, SENT_ON), "2025Q4-1")["U000001"]
    assert (unit.state, unit.review, unit.public_from) == ("sent", None, None)
    office.confirm("U000001")
    unit = reviews(state_as_of(office.ledger, SENT_ON), "2025Q4-1")["U000001"]
    assert (unit.state, unit.public_from) == ("confirmed", date(2026, 5, 2))


def test_a_hand_over_after_the_printed_send_date_is_refused_naming_send_on(office: Any) -> None:
    office.run()
    office.send()
    with pytest.raises(Refused, match="qe run --send-on 2026-03-04"):
        office.confirm("U000001", on=date(2026, 3, 4))
    assert office.events("send_confirmed") == []


def test_a_hand_over_before_the_printed_date_keeps_the_later_printed_dates(office: Any) -> None:
    office.run()
    office.send(date(2026, 2, 25))
    office.confirm("U000001", on=date(2026, 2, 26))
    unit = reviews(state_as_of(office.ledger, SENT_ON), "2025Q4-1")["U000001"]
    # 26 February + 61 would be 28 April; the report prints 2 March + 61
    assert unit.public_from == date(2026, 5, 2)


def test_a_hand_over_in_the_future_or_before_the_run_is_refused(office: Any) -> None:
    office.run()
    office.send(date(2026, 2, 25))
    with pytest.raises(Refused, match="in the future"):
        office.confirm("U000001", on=date(2026, 2, 26), today=date(2026, 2, 25))
    with pytest.raises(Refused, match="the run was complete on 2026-02-20"):
        office.confirm("U000001", on=date(2026, 2, 19), today=date(2026, 2, 25))


def test_one_refused_hand_over_confirms_none_and_tells_all(office: Any) -> None:
    office.run()
    office.send()
    with pytest.raises(Refused) as refusal:
        office.confirm(on=date(2026, 3, 5))
    assert len(refusal.value.reasons) == 3
    assert office.events("send_confirmed") == []


def test_a_unit_that_was_sent_nothing_cannot_be_confirmed(office: Any) -> None:
    office.run()
    office.send()
    with pytest.raises(InputError, match="U000009: no report was put out"):
        office.confirm("U000009")


def test_a_returned_report_voids_the_send_from_the_day_it_is_recorded(office: Any) -> None:
    office.run()
    office.send()
    office.confirm()
    office.bounce("U000002", today=date(2026, 3, 20))
    before = reviews(state_as_of(office.ledger, date(2026, 3, 19)), "2025Q4-1")["U000002"]
    after = reviews(state_as_of(office.ledger, date(2026, 3, 20)), "2025Q4-1")["U000002"]
    assert (before.state, after.state, after.public_from) == ("confirmed", "failed", None)
    with pytest.raises(Refused, match="a new send is needed"):
        office.confirm("U000002", on=date(2026, 3, 2), today=date(2026, 3, 21))


def test_a_new_send_after_a_return_has_its_own_printed_dates(office: Any) -> None:
    run = office.run()
    office.send()
    office.confirm()
    office.bounce("U000002", today=date(2026, 3, 20))
    office.render(run, date(2026, 4, 1), cycle="2025Q4-1")
    assert [package.report.unit_id for package in office.send(date(2026, 4, 1)).packages] == ["U000002"]
    office.confirm("U000002", on=date(2026, 4, 1))
    found = reviews(state_as_of(office.ledger, date(2026, 4, 1)), "2025Q4-1")
    # 1 April + 61 days is 1 June
    assert [found[unit].public_from for unit in ("U000001", "U000002")] == [date(2026, 5, 2), date(2026, 6, 1)]


def test_a_run_is_recorded_once_and_again_only_when_a_rehearsal_goes_back(office: Any) -> None:
    office.run(on=date(2026, 2, 20))
    office.run(on=date(2026, 2, 21))
    assert [event.effective_on for event in office.events("run_completed")] == [date(2026, 2, 20)]
    office.run(on=date(2026, 2, 1))
    assert [event.effective_on for event in office.events("run_completed")] == [date(2026, 2, 20), date(2026, 2, 1)]
    office.send(date(2026, 2, 10))
    office.confirm("U000001", on=date(2026, 2, 10))


def test_the_first_confirmed_send_freezes_the_cycle_to_its_run(office: Any) -> None:
    office.run("a" * 16)
    office.send()
    events = office.ledger.events()
    assert cycle_for_run(events, period="2025Q4", run_id="b" * 16) == "2025Q4-1"
    office.confirm("U000001")
    events = office.ledger.events()
    assert cycle_for_run(events, period="2025Q4", run_id="a" * 16) == "2025Q4-1"
    assert cycle_for_run(events, period="2025Q4", run_id="b" * 16) == "2025Q4-2"
    assert cycle_for_run(events, period="2026Q1", run_id="b" * 16) == "2026Q1-1"


def test_a_report_of_another_run_cannot_be_confirmed_in_a_frozen_cycle(office: Any) -> None:
    office.run("a" * 16, reports=["U000001", "U000002"])
    office.send()
    office.run("b" * 16, reports=["U000001", "U000003"])
    office.send()
    office.confirm("U000002")
    with pytest.raises(Refused, match="frozen to another run"):
        office.confirm("U000003")


def test_a_later_run_changes_nothing_in_a_frozen_cycle(office: Any) -> None:
    office.run("a" * 16)
    office.send()
    office.confirm()
    office.run("b" * 16, on=date(2026, 3, 31))
    assert office.plan_send(date(2026, 3, 1)).run_id == "a" * 16


def test_an_address_stands_on_the_sheet_of_a_letter_by_mail_and_nowhere_else(office: Any) -> None:
    office.run()
    office.send()
    office.confirm()
    office.notice(date(2026, 4, 20))
    holding = [
        path.relative_to(office.site.root).as_posix()
        for path in sorted(office.site.root.rglob("*"))
        if path.is_file() and any("Oak Street" in text for text in texts_of(path.name, path.read_bytes()))
    ]
    assert holding == [
        "out/outbox/2026-03-02/mail/group-2025Q4-1-U000002/address.pdf",
        "out/outbox/2026-04-20/mail/notice-2025Q4-1-U000002/address.pdf",
    ]
    assert not list(office.site.outbox.glob("*/portal/*/address.pdf"))


def test_an_address_page_that_was_changed_after_the_gate_saw_it_is_not_written(office: Any) -> None:
    office.through_review()
    facts, contact = office.facts(SENT_ON), office.contacts(SENT_ON).usable("U000002", None)
    letter = letter_to(
        office.site, facts, units_of(run_of(office.site, "a" * 16))["U000002"], contact, {"letter.pdf": small_pdf("hello")},
        cycle="2025Q4-1", run_id="a" * 16, path=office.site.outbox / "x", said="not sent", intent=None,
    )  # fmt: skip
    assert set(letter.files) == {"address.pdf", "letter.pdf"}
    changed = replace(letter, files={**letter.files, "address.pdf": small_pdf("1 Elm Street")})
    with pytest.raises(Refused, match="another file"):
        put_out(office.site, office.ledger, facts, [changed], at=office.at(), actor="analyst")
    assert not (office.site.outbox / "x").exists()
