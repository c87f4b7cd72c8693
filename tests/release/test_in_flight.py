"""What `qe status` says is under way: each thing with its state, its next act and the earliest or last day of it."""

from datetime import date, timedelta
from typing import Any

import pytest

from qe.release.in_flight import InFlight, in_flight
from qe.release.review import Clock, start_of_day
from tests.release.desk import A, B, C, Desk
from tests.rules.story import Story

SENT = date(2026, 3, 2)  # day 60 = 1 May, public from 2 May


def clock_of(on: date) -> Clock:
    return Clock(at=start_of_day(on + timedelta(days=1), "America/New_York"), zone="America/New_York")


def lines(story: Story, on: date) -> dict[str, list[InFlight]]:
    found: dict[str, list[InFlight]] = {}
    for line in in_flight(story.facts(on), respond_within_days=10, clock=clock_of(on)):
        found.setdefault(line.what, []).append(line)
    return found


def test_an_empty_ledger_has_nothing_under_way() -> None:
    assert lines(Story(), SENT) == {}


def test_the_states_of_a_cycle_in_order() -> None:
    story = Story()
    story.send("U000001", SENT, confirmed=False)
    story.send("U000002", SENT)
    story.send("U000003", SENT)
    story.bounce("U000003", date(2026, 3, 20))

    def told(on: date) -> list[tuple[str, str, date | None]]:
        return [(one.state, one.next_act, one.day) for one in lines(story, on)["cycle 2025Q4-1"]]

    of = "--cycle 2025Q4-1"
    assert told(date(2026, 3, 25)) == [
        ("1 handed over, not confirmed", f"qe review confirm {of}", None),
        ("1 not told the status of requests", f"qe review notice {of}", date(2026, 5, 2)),
        ("1 came back", f"qe review send {of}", None),
    ]
    story.notice("U000002", date(2026, 4, 20))
    assert told(date(2026, 4, 20))[1] == ("1 under review", f"qe release plan {of}", date(2026, 5, 2))
    assert told(date(2026, 5, 1))[1][0] == "1 under review"
    assert told(date(2026, 5, 2))[1] == ("1 ready", f"qe release go {of}", date(2026, 5, 2))
    story.tell(
        "public_released", date(2026, 5, 2), release_id="2025Q4-1", cycle="2025Q4-1", run_id="run1",
        bundle_sha256="c" * 64, units=["U000002"], open_requests=0,
    )  # fmt: skip
    assert told(date(2026, 5, 3))[1] == ("1 public, not told where", f"qe review notice {of}", date(2026, 5, 3))
    story.tell(
        "publication_told", date(2026, 5, 3), release_id="2025Q4-1", cycle="2025Q4-1", unit_id="U000002",
        open_requests=0, letter_sha256="d" * 64,
    )  # fmt: skip
    assert [state for state, _, _ in told(date(2026, 5, 3))] == ["1 handed over, not confirmed", "1 came back"]
    story.tell("public_withdrawn", date(2026, 5, 4), release_id="2025Q4-1", reason="error_found")
    assert told(date(2026, 5, 4))[0] == (
        "1 withdrawn: an error was found", f"correct them, or qe review reissue {of}", None,
    )  # fmt: skip
    story.tell("public_withdrawn", date(2026, 5, 5), release_id="2025Q4-1", reason="order", measures=["hwr"])
    assert told(date(2026, 5, 5))[1] == ("1 withdrawn: an authority ordered it", "qe record withdrawal_ended", None)
    story.tell("withdrawal_ended", date(2026, 5, 6), release_id="2025Q4-1", reason="figures_right")
    story.tell("withdrawal_ended", date(2026, 5, 6), release_id="2025Q4-1", reason="order_lifted")
    assert told(date(2026, 5, 6))[1][0] == "1 ready"


@pytest.mark.parametrize(
    ("done", "on", "state", "next_act", "day"),
    [
        ([], 13, "new", "qe request acknowledge r-1", date(2026, 3, 13)),
        ([], 14, "new (overdue)", "qe request acknowledge r-1", date(2026, 3, 13)),
        (["request_acknowledged"], 14, "acknowledged (overdue)", "qe request respond r-1", date(2026, 3, 13)),
        (["request_acknowledged", "request_responded"], 20, "responded", "qe request resolve r-1", None),
    ],
)
def test_a_request_has_ten_days(done: list[str], on: int, state: str, next_act: str, day: date | None) -> None:
    story = Story()
    story.ask("U000001", date(2026, 3, 3))  # ten days: 13 March
    for kind in done:
        story.tell(kind, date(2026, 3, 4), request_id="r-1")
    (line,) = lines(story, date(2026, 3, on))["request r-1"]
    assert (line.state, line.next_act, line.day) == (state, next_act, day)


def test_a_change_waits_for_its_thirty_days_and_longer_when_cms_asks() -> None:
    story = Story()
    submitted = {"change_id": "c-1", "what": "measures", "submitted_on": "2026-03-02"}
    story.tell("change_submitted", SENT, **submitted)
    what = "change c-1 of the measures"
    assert lines(story, date(2026, 4, 1))[what][0].day == date(2026, 4, 2)  # 2 March + 31
    assert what not in lines(story, date(2026, 4, 2))
    story.tell("cms_extension_requested", date(2026, 3, 20), change_id="c-1", requested_on="2026-03-20")
    assert lines(story, date(2026, 6, 1))[what][0].state == "CMS asked for more days"
    denied = {"about": "change", "decision": "denied", "decided_on": "2026-06-02", "change_id": "c-1"}
    story.tell("cms_decision", date(2026, 6, 2), **denied)
    assert (
        lines(story, date(2026, 6, 2))[what][0].next_act == "submit another, or give it up: qe record change_withdrawn"
    )
    story.tell("change_withdrawn", date(2026, 6, 3), change_id="c-1")
    assert what not in lines(story, date(2026, 6, 3))


def test_what_runs_out_is_told_with_its_last_day_and_a_hold_comes_first() -> None:
    story = Story()
    story.tell("entity_approved", date(2025, 7, 1), approved_on="2025-07-01")
    story.tell("dua_signed", SENT, party="Example Quality", dua_no="D-1", expires_on="2026-06-30")
    story.tell("dua_signed", SENT, party="Contractor", dua_no="D-2", expires_on="2026-06-30")
    story.tell("dua_ended", SENT, dua_no="D-2")
    story.tell("source_registered", SENT, source_id="plan_a", rights="measures", expires_on="2026-05-31")
    story.tell("decrease_detected", SENT, decrease_id="d-1", source_id="plan_a", detected_on="2026-03-02")
    found = lines(story, date(2026, 6, 30))
    assert next(iter(found)) == "the whole site"
    # approved 1 July 2025 for three years; re-application six months before 1 July 2028
    assert (found["approval of the entity"][0].state, found["approval of the entity"][0].day) == (
        "runs to 2028-06-30",
        date(2028, 1, 1),
    )
    assert (found["agreement with CMS D-1"][0].state, found["agreement with CMS D-1"][0].day) == (
        "in force",
        date(2026, 6, 30),
    )
    assert found["rights in source plan_a"][0].state == "over"
    assert "agreement with CMS D-2" not in found
    story.tell("entity_applied", date(2027, 12, 1), route="renewal", submitted_on="2027-12-01")
    assert lines(story, date(2027, 12, 2))["approval of the entity"][0].next_act == "wait for CMS"


def test_an_analysis_is_told_with_its_next_act_and_the_first_day_it_could_go_until_it_is_released(office: Any) -> None:
    desk = Desk(office).open()

    def told(on: date) -> list[tuple[str, str, date | None]]:
        found = in_flight(desk.facts(on), respond_within_days=10, clock=clock_of(on))
        return [(one.state, one.next_act, one.day) for one in found if one.what == "analysis adherence-1 for acme"]

    noticed_on, opted_in_on, sent_on = date(2026, 3, 2), date(2026, 3, 22), date(2026, 3, 24)
    release_on = date(2026, 5, 7)  # day 66 of the notice
    assert told(noticed_on) == []
    desk.ready()
    assert told(noticed_on) == [("approved", "qe npa notify adherence-1", None)]
    desk.notify()
    assert told(noticed_on) == [("approved", "qe npa notify adherence-1 --confirm", None)]
    desk.confirm(A, B, C)
    assert told(noticed_on) == [("noticed", "qe npa release adherence-1", release_on)]
    desk.opt_in(B, on=opted_in_on)
    assert told(opted_in_on) == [("noticed", "qe npa send adherence-1", None)]
    desk.send(sent_on)
    assert told(sent_on) == [("noticed", "qe npa send adherence-1 --confirm", None)]
    desk.confirm(B, on=sent_on, what="extract")
    assert told(sent_on) == [("noticed", "qe npa release adherence-1", release_on)]
    desk.release(release_on)
    assert told(release_on) == []


def test_an_analysis_tells_what_else_is_lacking(office: Any) -> None:
    desk = Desk(office).open()
    desk.define()

    def next_act(on: date) -> str:
        return next(
            one.next_act
            for one in in_flight(desk.facts(on), respond_within_days=10, clock=clock_of(on))
            if one.what.startswith("analysis")
        )

    assert next_act(SENT) == "qe npa release adherence-1 --approve"
    desk.notify()
    desk.confirm()
    assert next_act(SENT) == "exactly these bytes are not approved (qe npa release --approve)"


def test_old_figures_that_are_issued_again_are_told_until_they_are_down() -> None:
    story, day = Story(), date(2026, 5, 10)
    story.send("U000001", SENT)
    story.tell(
        "public_released", date(2026, 5, 2), release_id="2025Q4-1", cycle="2025Q4-1", run_id="run1",
        bundle_sha256="c" * 64, units=["U000001", "U000002"], open_requests=0,
    )  # fmt: skip
    story.tell(
        "cycle_reissued", day, cycle="2025Q4-1", new_cycle="2025Q4-2", run_id="run2", units=["U000001"],
        reason="error_found",
    )  # fmt: skip

    def told() -> list[tuple[str, str]]:
        found = [one for listed in lines(story, day).values() for one in listed]
        return [(one.state, one.next_act) for one in found if "old figures" in one.state]

    assert told() == [
        ("old figures of 1 are public that 2025Q4-2 issues again", "qe release withdraw --cycle 2025Q4-1 --reissued")
    ]
    story.tell("public_withdrawn", day, release_id="2025Q4-1", reason="error_found", units=["U000001"])
    assert told() == []


def test_public_results_whose_report_did_not_reach_their_provider_are_told() -> None:
    story, day = Story(), date(2026, 5, 10)
    story.send("U000001", SENT)
    story.send("U000002", SENT)
    story.tell(
        "public_released", date(2026, 5, 2), release_id="2025Q4-1", cycle="2025Q4-1", run_id="run1",
        bundle_sha256="c" * 64, units=["U000001", "U000002"], open_requests=0,
    )  # fmt: skip

    def told() -> list[tuple[str, str]]:
        found = [one for listed in lines(story, day).values() for one in listed]
        return [(one.state, one.next_act) for one in found if "reached" in one.state]

    assert told() == []
    story.bounce("U000002", date(2026, 5, 5))
    down = "qe release withdraw --cycle 2025Q4-1 --provider"
    assert told() == [("1 public without a report that reached them", f"{down} U000002")]
    story.drop("send_confirmed", unit_id="U000001")
    story.drop("report_sent")
    assert told() == [("2 public without a report that reached them", f"{down} U000001")]
    story.tell("public_withdrawn", day, release_id="2025Q4-1", reason="error_found")
    assert told() == []
