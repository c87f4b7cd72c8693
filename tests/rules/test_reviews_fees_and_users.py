"""What the gate reads of reviews, fees, users and measures: each for its own cycle, party and measure, and in order."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, Final

from qe.release.artefact import Artefact, ArtefactKind, Recipient, RecipientKind
from qe.release.publicity import review_over, told_and_noticed
from qe.release.review import Clock
from qe.release.rules.agreements import fee_allowed
from qe.release.rules.changes import filed_in_time, submitted
from qe.release.rules.naming import named_as_allowed
from qe.release.rules.recipients import authorized_user
from qe.release.sends import open_requests, reviews
from qe.release.standing import measure_approvals
from tests.rules.story import DAY_61, SENT_ON, SHOWN, Story

ON: Final = date(2026, 7, 1)
CYCLE, OTHER_CYCLE = "2025Q4-1", "2026Q1-1"
U1, U2 = "U000001", "U000002"
ANALYSIS, USER = "analysis-1", "user-1"
PUBLIC: Final = Recipient(kind=RecipientKind.PUBLIC)


def review_of(story: Story, artefact: Artefact, on: date = DAY_61) -> tuple[str, str | None]:
    clock = Clock(at=datetime(on.year, on.month, on.day, 23, tzinfo=UTC), zone="America/New_York")
    reason = review_over(story.facts(on), artefact, PUBLIC, clock)
    return reason.fact, reason.earliest


# ---------------------------------------------------------------- reviews of a cycle


def test_a_review_is_told_by_the_events_of_its_own_cycle_alone(story: Story) -> None:
    before = reviews(story.facts(ON), CYCLE)
    for event in list(story.events):
        if event.kind in ("report_sent", "send_confirmed", "status_notice_sent") and event.text("unit_id") == U1:
            told: dict[str, Any] = {**event.payload, "cycle": OTHER_CYCLE}
            story.tell(event.kind, date(2026, 5, 20), **told)
    sent = story.events[-3].event_id
    sent_to_u2 = before[U2].sent
    assert sent_to_u2 is not None
    story.tell("delivery_failed", ON, cycle=OTHER_CYCLE, unit_id=U2, sent=sent_to_u2.event_id, reason="returned")
    story.tell(
        "request_received", ON, cycle=OTHER_CYCLE, unit_id=U1, request_id="r-1", kind="correction",
        category="calculation", received_on="2026-07-01",
    )  # fmt: skip
    moved = {"public_on": "2026-08-01", "reason": "hold"}
    story.tell("public_date_set", ON, cycle=OTHER_CYCLE, **moved)
    assert reviews(story.facts(ON), CYCLE) == before
    assert list(before) == [U1, U2]
    assert [one.unit_id for one in before.values()] == [U1, U2]
    other = reviews(story.facts(ON), OTHER_CYCLE)
    assert list(other) == [U1]
    assert [unit.sent and unit.sent.event_id for unit in other.values()] == [sent]
    assert other[U1].confirmed is None  # the hand-over named the send of the first cycle
    assert [one.text("request_id") for one in other[U1].requests] == ["r-1"]
    assert open_requests(story.facts(ON), CYCLE) == ()


def test_a_date_that_was_moved_is_the_one_that_was_told_and_a_notice_before_it_is_none(story: Story) -> None:
    story.tell("public_date_set", date(2026, 4, 25), cycle=CYCLE, public_on="2026-05-10", reason="hold")
    unit = reviews(story.facts(DAY_61), CYCLE)[U1]
    assert (unit.public_from, unit.is_noticed, unit.reissued_in) == (date(2026, 5, 10), False, "")
    story.notice(U1, date(2026, 4, 26), public_on=date(2026, 5, 10))
    assert reviews(story.facts(DAY_61), CYCLE)[U1].is_noticed


def test_what_is_issued_again_stands_in_its_new_cycle_for_those_units_alone(story: Story) -> None:
    told = {"cycle": CYCLE, "new_cycle": "2025Q4-2", "run_id": "run2", "reason": "error_found"}
    story.tell("cycle_reissued", date(2026, 4, 1), **told, units=[U2])
    found = reviews(story.facts(DAY_61), CYCLE)
    assert {unit_id: unit.reissued_in for unit_id, unit in found.items()} == {U1: "", U2: "2025Q4-2"}


# ---------------------------------------------------------------- what stands against publication


def test_a_report_of_another_run_does_not_show_what_would_be_published(story: Story) -> None:
    story.change("report_sent", run_id="run2")
    said = "U000001, U000002: report shows another run"
    assert review_of(story, story.artefact()) == (said, "2026-07-02")  # if sent today: 2 May and 61 days
    assert review_of(story, replace(story.artefact(), lineage=None))[0] == said


def test_a_page_with_a_correction_that_is_on_its_way_is_not_handed_over(story: Story) -> None:
    page = [one for one in story.events if one.kind == "report_sent" and one.text("unit_id") == U1][-1]
    corrected: dict[str, Any] = {**page.payload, "correction_id": "c-1"}
    story.tell("report_sent", date(2026, 4, 2), **corrected)
    unit = reviews(story.facts(DAY_61), CYCLE)[U1]
    assert unit.review is not None  # the period of the report before it runs on
    assert not unit.is_over(at=datetime(2026, 5, 2, 12, tzinfo=UTC), on=DAY_61, entity_zone="America/New_York")
    assert review_of(story, story.artefact()) == ("U000001: hand-over of the report not confirmed", "2026-07-02")


def test_a_correction_that_lacks_in_the_files_could_be_there_today(story: Story) -> None:
    story.tell(
        "correction_applied", date(2026, 4, 1), request_id="r-1", cycle=CYCLE, run_id="run1", unit_id=U1,
        correction_id="c-1", kinds=["wrong_claim"], measures=["hwr"], record_sha256="1" * 64, before_sha256=SHOWN,
        after_sha256="9" * 64, effective_from="2026-04-01", count=1,
    )  # fmt: skip
    said = "U000001: its upheld correction is not in these files (plan again)"
    assert review_of(story, story.artefact()) == (said, "2026-05-02")


def test_the_most_frequent_fault_is_told_first_and_five_units_by_name(story: Story) -> None:
    named = [f"U{number:06d}" for number in range(10, 17)]  # nothing was sent to these seven
    for unit_id in named[:5]:
        story.send(unit_id, SENT_ON, confirmed=False)
    five = "U000010, U000011, U000012, U000013, U000014"
    assert review_of(story, story.artefact(units=dict.fromkeys(named, SHOWN)))[0] == (
        f"{five}: hand-over of the report not confirmed; U000015, U000016: not sent its report"
    )
    others = dict.fromkeys(("U000001", "U000010", "U000020", "U000021"), SHOWN)
    assert review_of(story, story.artefact(units=others))[0] == (
        "U000020, U000021: not sent its report; U000010: hand-over of the report not confirmed"
    )
    story.send(named[5], SENT_ON, confirmed=False)
    assert review_of(story, story.artefact(units=dict.fromkeys(named[:6], SHOWN)))[0] == (
        f"{five} and 1 more: hand-over of the report not confirmed"
    )
    story.send(named[6], SENT_ON, confirmed=False)
    assert review_of(story, story.artefact(units=dict.fromkeys(named, SHOWN)))[0] == (
        f"{five} and 2 more: hand-over of the report not confirmed"
    )


def test_files_that_name_a_day_wait_for_it(story: Story) -> None:
    reason = told_and_noticed(story.facts(DAY_61), story.artefact(public_on=date(2026, 5, 3)))
    assert (reason.verdict, reason.fact) == ("fail", "the files name 2026-05-03 as the day of publication")
    assert reason.earliest == "2026-05-03"


# ---------------------------------------------------------------- 401.718(a): fees


def defined(story: Story, analysis_id: str, **payload: Any) -> None:
    story.tell(
        "npa_defined", date(2026, 1, 15), analysis_id=analysis_id, kind="data_deid", run_id="run1", party_id=USER,
        topic="readmissions", measures=["hwr"], areas=["NY"], period_start="2025-01-01", period_end="2025-12-31",
        **payload,
    )  # fmt: skip


def paid(story: Story, analysis_id: str, dollars: int) -> None:
    story.tell("fee_received", date(2026, 2, 1), about=analysis_id, party_id=USER, dollars=dollars)


def test_718_a_what_was_received_counts_as_what_was_asked(story: Story) -> None:
    defined(story, "analysis-2", fee_dollars=9_000)
    defined(story, ANALYSIS, fee_dollars=0)
    defined(story, "analysis-3", fee_dollars=8_000)
    data = story.artefact(kind=ArtefactKind.DATA_DEID, analysis_id=ANALYSIS)
    paid(story, "analysis-2", 9_000)
    assert fee_allowed(story.facts(ON), data).fact == "no fee"
    paid(story, ANALYSIS, 700)
    paid(story, ANALYSIS, 800)
    assert fee_allowed(story.facts(ON), data).fact == "$1,500"  # 700 + 800; Medicare's are joined with another payer's
    free = "$1,500 for data of Medicare alone, or of unknown sources: those go at no cost"
    assert fee_allowed(story.facts(ON), replace(data, lineage=None)).fact == free


def test_718_a_a_price_of_an_unknown_release_is_not_on_record(story: Story) -> None:
    defined(story, ANALYSIS)
    for analysis_id in ("", ANALYSIS, "analysis-2"):
        data = story.artefact(kind=ArtefactKind.DATA_DEID, analysis_id=analysis_id)
        assert fee_allowed(story.facts(ON), data).fact == "the price asked is not on record"
    defined(story, "analysis-3", fee_dollars=5)
    unknown = story.artefact(kind=ArtefactKind.DATA_DEID, analysis_id="")
    assert fee_allowed(story.facts(ON), unknown).fact == "the price asked is not on record"


# ---------------------------------------------------------------- 401.703(j): users


def test_703_j_a_user_stands_until_it_is_revoked_and_again_when_it_is_recorded_anew() -> None:
    story = Story()

    def recorded(party_id: str) -> bool:
        return authorized_user(story.facts(ON), party_id) is not None

    def record(party_id: str) -> None:
        story.tell("user_authorised", date(2026, 1, 15), party_id=party_id, kind="employer", name="The User")

    record("user-2")
    assert [recorded(one) for one in (USER, "user-2", "")] == [False, True, False]
    record(USER)
    story.tell("user_revoked", date(2026, 2, 1), party_id="user-2", reason="ended")
    assert [recorded(one) for one in (USER, "user-2")] == [True, False]
    record("user-2")
    assert recorded("user-2")


# ---------------------------------------------------------------- measures, changes, waivers


def test_715_a_measure_that_cms_stopped_stops_no_other_and_can_be_approved_anew(story: Story) -> None:
    lineage = story.artefact().lineage
    assert lineage is not None
    story.tell("measure_disapproved", date(2026, 4, 1), measure_id="hwr", version="1.0.0", level="facility")
    stopped = measure_approvals(story.facts(ON), lineage, rehearsal=False)
    assert stopped.fact == "hwr 1.0.0 at level facility is not approved"
    story.tell(
        "measure_approved", date(2026, 4, 2), measure_id="hwr", version="1.0.0", level="facility", route="standard",
        approved_on="2026-04-02",
    )  # fmt: skip
    assert measure_approvals(story.facts(ON), lineage, rehearsal=False).verdict == "pass"


def test_711_a_the_plan_for_sharing_stands_from_the_day_of_its_approval(story: Story) -> None:
    story.change("plan_approved", approved_on="2026-07-01")
    verdicts = [
        filed_in_time(story.facts(on), story.artefact(), day_count="conservative").verdict
        for on in (date(2026, 6, 30), ON)
    ]
    assert verdicts == ["fail", "pass"]


def test_711_a_only_the_change_that_was_given_up_is_gone() -> None:
    story = Story()
    for change_id in ("c-1", "c-2"):
        told = {"change_id": change_id, "what": "measures", "submitted_on": "2026-06-20"}
        story.tell("change_submitted", date(2026, 6, 20), **told)
    story.tell("change_withdrawn", date(2026, 6, 22), change_id="c-1")
    assert [event.text("change_id") for event in submitted(story.facts(ON))] == ["c-2"]


def test_716_b_4_iii_a_waiver_of_the_day_itself_waits_for_the_next(story: Story) -> None:
    told = {"analysis_id": ANALYSIS, "unit_id": U1, "party_id": USER, "waived_on": "2026-07-01"}
    story.tell("waiver_received", ON, **told)
    artefact = story.artefact(kind=ArtefactKind.NPA_DEID, analysis_id=ANALYSIS, identified=frozenset({U1}))
    clock = Clock(at=datetime(2026, 7, 2, 4, tzinfo=UTC), zone="America/New_York")
    employer = Recipient(kind=RecipientKind.EMPLOYER, party_id=USER)
    reason = named_as_allowed(story.facts(ON), artefact, employer, clock)
    assert (reason.verdict, reason.fact) == ("fail", "a waiver is dated before the release, not on its day")
    assert reason.earliest == "2026-07-02"
