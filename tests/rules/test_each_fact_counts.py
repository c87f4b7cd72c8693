"""Which facts a rule looks at: those of this unit, party, analysis and decrease, through the last day, and no others."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from qe.errors import Refused
from qe.release.artefact import ArtefactKind, Recipient, RecipientKind
from qe.release.gate import DECISION_TABLE, RULES, TABLE, read_decision_table, rules_as_text
from qe.release.publicity import asked_in_time, review_over
from qe.release.review import Clock, ReviewPeriod, start_of_day
from qe.release.rules.agreements import redisclosure_fault, terms_of_qe_dua
from qe.release.rules.naming import named_as_allowed, notice_of, opt_in_of
from qe.release.rules.participation import no_hold, require_may_work
from qe.release.rules.recipients import is_verified, recipient_allowed
from qe.release.sends import reviews, was_handed_over
from qe.release.standing import entity_approval
from tests.rules.story import BUNDLE, DAY_60, DAY_61, SENT_ON, SHOWN, Story

ON: Final = date(2026, 7, 1)
CYCLE: Final = "2025Q4-1"
U1, U2 = "U000001", "U000002"


def provider(unit_id: str = U1) -> Recipient:
    return Recipient(kind=RecipientKind.PROVIDER, unit_id=unit_id)


def clock(on: date) -> Clock:
    return Clock(at=datetime(on.year, on.month, on.day, 23, tzinfo=UTC), zone="America/New_York")


# ---------------------------------------------------------------- recipients and agreements


@pytest.mark.parametrize(
    ("unit_id", "signed_on", "verdict"),
    [(U1, "2026-07-01", "pass"), (U1, "2026-07-02", "fail"), (U2, "2026-06-01", "fail")],
)
def test_713_d_the_terms_of_an_extract_are_signed_by_its_recipient_by_this_day(
    unit_id: str, signed_on: str, verdict: str
) -> None:
    story = Story()
    story.tell("extract_terms_signed", date(2026, 6, 1), unit_id=unit_id, signed_on=signed_on)
    extract = story.artefact(kind=ArtefactKind.PROVIDER_DATA_EXTRACT)
    assert terms_of_qe_dua(story.facts(ON), extract, provider()).verdict == verdict


def test_717_c_who_was_verified_for_one_provider_may_not_ask_for_another() -> None:
    story = Story()
    story.tell("requester_verified", date(2026, 6, 1), unit_id=U2, how="called_back")
    assert [is_verified(story.facts(ON), unit_id) for unit_id in (U1, U2)] == [False, True]


@pytest.mark.parametrize(
    ("last_day", "ended", "verdict"),
    [("2026-07-01", None, "pass"), ("2026-06-30", None, "fail"), ("2027-12-31", "D-2", "fail"), ("2027-12-31", "D-1", "pass")],
)  # fmt: skip
def test_709_b_a_contractor_stands_on_its_own_agreement_through_its_last_day(
    last_day: str, ended: str | None, verdict: str
) -> None:
    story = Story()
    story.tell("dua_signed", date(2025, 1, 15), party="contractor", dua_no="D-2", expires_on=last_day)
    if ended:
        story.tell("dua_ended", date(2026, 6, 1), dua_no=ended)
    share = story.artefact(kind=ArtefactKind.AGENT_SHARE)
    contractor = Recipient(kind=RecipientKind.QE_CONTRACTOR, party_id="Contractor")
    assert recipient_allowed(story.facts(ON), share, contractor).verdict == verdict


def agreement_of_a_program(**changed: Any) -> Story:
    told: dict[str, Any] = {
        "program": "program-1", "signed_on": "2026-07-01", "expires_on": "2026-07-01", "bound_by_part2": True,
        "resists_in_court": True, "services": "data_processing", "agents": ["agent-1"], **changed,
    }  # fmt: skip
    story = Story()
    story.tell("part2_qsoa", date(2026, 6, 1), **{name: value for name, value in told.items() if value is not None})
    return story


@pytest.mark.parametrize(
    ("changed", "party_id", "verdict"),
    [
        ({}, "program-1", "pass"),  # on its first and last day
        ({"expires_on": None}, "program-1", "pass"),  # without an end
        ({"signed_on": "2026-06-01", "expires_on": "2026-06-30"}, "program-1", "fail"),
        ({"signed_on": "2026-07-02", "expires_on": None}, "program-1", "fail"),
        ({"bound_by_part2": False}, "program-1", "fail"),
        ({"resists_in_court": False}, "program-1", "fail"),
        ({}, "program-2", "fail"),
        ({}, "agent-1", "fail"),  # an agent is no program
    ],
)
def test_2_11_an_agreement_with_both_promises_names_the_program_and_is_in_force(
    changed: dict[str, Any], party_id: str, verdict: str
) -> None:
    story = agreement_of_a_program(**changed)
    returned = story.artefact(kind=ArtefactKind.PART2_RETURN)
    program = Recipient(kind=RecipientKind.PART2_PROGRAM, party_id=party_id)
    assert recipient_allowed(story.facts(ON), returned, program).verdict == verdict


# ---------------------------------------------------------------- participation


def seen(story: Story, decrease_id: str, on: date) -> None:
    story.tell("decrease_detected", on, decrease_id=decrease_id, source_id="plan_a", detected_on=on.isoformat())


def classified(story: Story, decrease_id: str, on: date) -> None:
    story.tell("decrease_classified", on, decrease_id=decrease_id, reason="run_out")


def test_711_c_each_decrease_is_settled_by_what_was_said_of_it_since_it_was_last_seen() -> None:
    story = Story()
    seen(story, "d-1", date(2026, 4, 1))
    classified(story, "d-1", date(2026, 4, 5))
    seen(story, "d-2", date(2026, 4, 10))
    classified(story, "d-2", date(2026, 4, 12))
    assert no_hold(story.facts(ON)).verdict == "pass"
    seen(story, "d-1", date(2026, 4, 20))
    assert no_hold(story.facts(ON)).fact == (
        "claims of plan_a decreased, seen on 2026-04-01, and CMS has not found the rest sufficient"
    )


def test_711_c_what_was_said_of_one_decrease_settles_no_other() -> None:
    story = Story()
    seen(story, "d-1", date(2026, 4, 1))
    seen(story, "d-2", date(2026, 4, 2))
    classified(story, "d-1", date(2026, 4, 5))
    assert no_hold(story.facts(ON)).fact == (
        "claims of plan_a decreased, seen on 2026-04-02, and CMS has not found the rest sufficient"
    )


def test_711_c_a_decrease_that_cms_alone_spoke_of_holds_everything_from_that_day() -> None:
    story = Story()
    decided = {"decrease_id": "d-1", "decision": "insufficient", "decided_on": "2026-06-03"}
    story.tell("cms_sufficiency_decision", date(2026, 6, 3), **decided)
    assert no_hold(story.facts(ON)).fact == (
        "claims of a source decreased, seen on 2026-07-01, and CMS has not found the rest sufficient"
    )


def test_nothing_is_computed_and_each_reason_against_it_is_told_with_the_way_out() -> None:
    story = Story()
    seen(story, "d-1", date(2026, 6, 1))
    story.tell("termination_notified", date(2026, 6, 2), notified_on="2026-06-02")
    with pytest.raises(Refused) as refusal:
        require_may_work(story.facts(ON))
    assert str(refusal.value) == (
        "CMS ended the agreement on 2026-06-02: only returns, certificates and filings may leave; "
        "claims of plan_a decreased, seen on 2026-06-01, and CMS has not found the rest sufficient"
    )
    assert refusal.value.remedy == (
        "A hold ends with decrease_classified or cms_sufficiency_decision (qe record). Nothing was computed."
    )
    assert [one.rule for one in refusal.value.reasons] == ["G2", "G3"]


# ---------------------------------------------------------------- approval


@pytest.mark.parametrize(
    ("route", "submitted_on", "verdict"),
    [
        ("renewal", "2025-12-01", "pass"),
        ("first", "2025-12-01", "fail"),  # not a re-application
        ("renewal", "2023-07-02", "fail"),  # that of the approval that ran before: on its own day
        ("renewal", "2023-07-03", "pass"),
    ],
)
def test_709_f_only_a_re_application_since_the_approval_keeps_it_running(
    route: str, submitted_on: str, verdict: str
) -> None:
    story = Story()  # approved on 2 July 2023: expired on 2 July 2026, to be renewed by 2 January 2026
    story.tell("entity_approved", date(2023, 7, 2), approved_on="2023-07-02")
    story.tell("entity_applied", date(2023, 7, 2), route=route, submitted_on=submitted_on)
    assert entity_approval(story.facts(date(2026, 7, 2))).verdict == verdict


@pytest.mark.parametrize(
    ("about", "decision", "decided_on", "verdict"),
    [
        ("renewal", "denied", "2026-06-01", "fail"),
        ("renewal", "denied", "2023-07-02", "pass"),  # before this approval began
        ("change", "denied", "2026-06-01", "pass"),
        ("renewal", "approved", "2026-06-01", "pass"),
    ],
)
def test_709_f_only_a_denial_of_this_renewal_ends_it(about: str, decision: str, decided_on: str, verdict: str) -> None:
    story = Story()
    story.tell("entity_approved", date(2023, 7, 2), approved_on="2023-07-02")
    story.tell("entity_applied", date(2025, 12, 1), route="renewal", submitted_on="2025-12-01")
    story.tell("cms_decision", date(2023, 7, 2), about=about, decision=decision, decided_on=decided_on)
    assert entity_approval(story.facts(date(2026, 7, 2))).verdict == verdict


# ---------------------------------------------------------------- review


def test_a_day_has_begun_at_the_very_instant_of_its_midnight() -> None:
    midnight = start_of_day(DAY_61, "America/New_York")
    assert Clock(at=midnight, zone="America/New_York").has_begun(DAY_61, "America/New_York")
    assert not Clock(at=midnight, zone="America/New_York").has_begun(DAY_61, "America/Chicago")


def test_717_a_too_early_is_refused_by_its_rule_and_paragraph() -> None:
    with pytest.raises(Refused) as refusal:
        ReviewPeriod(sent_on=date(2026, 1, 5)).require_over(on=date(2026, 3, 6))
    said = "the report was sent on 2026-01-05 and may become public on 2026-03-07, not on 2026-03-06"
    assert str(refusal.value) == f"{said} (42 CFR 401.717(a), (b))"
    (reason,) = refusal.value.reasons
    assert (reason.rule, reason.citation, reason.verdict) == ("G10", "42 CFR 401.717(a)", "fail")
    assert (reason.fact, reason.earliest) == (said, "2026-03-07")


def test_717_c_data_are_asked_for_through_the_last_request_day_by_the_one_whose_they_are(story: Story) -> None:
    story.ask(U1, DAY_60)
    extract = story.artefact(kind=ArtefactKind.PROVIDER_DATA_EXTRACT, request_id="r-1")
    facts = story.facts(DAY_61)
    assert (
        asked_in_time(facts, extract, provider(U1), day_count="conservative").fact
        == "asked on 2026-05-01, within the 60 days"
    )
    nobody_asked = "no open request of the recipient for these data is recorded"
    assert asked_in_time(facts, extract, provider(U2), day_count="conservative").fact == nobody_asked
    assert (
        asked_in_time(facts, extract, provider("U000009"), day_count="conservative").fact == nobody_asked
    )  # in no cycle at all


@pytest.mark.parametrize(
    ("on", "at", "is_over"),
    [
        (DAY_61, datetime(2026, 5, 2, 5, tzinfo=UTC), True),  # midnight in Chicago, an hour after New York's
        (DAY_61, datetime(2026, 5, 2, 4, 59, tzinfo=UTC), False),
        (DAY_60, datetime(2026, 5, 2, 5, tzinfo=UTC), False),  # the entity's day decides, too
        (date(2026, 5, 3), datetime(2026, 5, 3, 12, tzinfo=UTC), True),
    ],
)
def test_a_review_is_over_when_day_61_has_begun_for_both(story: Story, on: date, at: datetime, is_over: bool) -> None:
    unit = reviews(story.facts(date(2026, 5, 3)), CYCLE)[U1]
    assert unit.is_over(at=at, on=on, entity_zone="America/New_York") is is_over


def test_a_review_whose_report_is_not_handed_over_is_never_over() -> None:
    story = Story()
    story.send(U1, SENT_ON, confirmed=False)
    unit = reviews(story.facts(ON), CYCLE)[U1]
    assert unit.is_over(at=datetime(2026, 7, 1, tzinfo=UTC), on=ON, entity_zone="America/New_York") is False


def test_a_report_was_handed_over_where_one_of_them_did_not_come_back() -> None:
    story = Story()
    story.send(U1, SENT_ON)
    story.send(U2, SENT_ON, confirmed=False)
    handed_over = {unit_id: was_handed_over(story.facts(ON), CYCLE, unit_id) for unit_id in (U1, U2, "U000003")}
    assert handed_over == {U1: True, U2: False, "U000003": False}
    story.bounce(U1, date(2026, 3, 20))
    story.send(U2, date(2026, 3, 21))
    assert [was_handed_over(story.facts(ON), CYCLE, unit_id) for unit_id in (U1, U2)] == [False, True]
    story.send(U1, date(2026, 3, 22))
    assert was_handed_over(story.facts(ON), CYCLE, U1)
    assert not was_handed_over(story.facts(ON), "2026Q1-1", U1)  # another cycle's clock does not run by it
    last = story.events[-2].event_id
    for cycle, unit_id in (("2026Q1-1", U1), (CYCLE, U2)):  # what came back of others says nothing of this one
        told = {"cycle": cycle, "unit_id": unit_id, "sent": last, "reason": "returned"}
        story.tell("delivery_failed", date(2026, 4, 1), **told)
    assert was_handed_over(story.facts(ON), CYCLE, U1)


# ---------------------------------------------------------------- upheld corrections


AFTER: Final = "9" * 64


def uphold(story: Story, *, correction_id: str = "c-1") -> None:
    story.tell(
        "correction_applied", date(2026, 4, 1), request_id="r-1", cycle=CYCLE, run_id="run1", unit_id=U1,
        correction_id=correction_id, kinds=["wrong_claim"], measures=["hwr"], record_sha256="1" * 64,
        before_sha256=SHOWN, after_sha256=AFTER, effective_from="2026-04-01", count=1,
    )  # fmt: skip


def send_corrected(story: Story, *, correction_id: str = "c-1") -> None:
    """The page with the correction, put out after the report of 2 March and handed over on its day."""
    page = [one for one in story.events if one.kind == "report_sent" and one.text("unit_id") == U1][-1]
    payload = {**page.payload, "result_sha256": AFTER, "correction_id": correction_id}
    sent = story.tell("report_sent", date(2026, 4, 2), actor="analyst", **payload)
    story.tell(
        "send_confirmed", date(2026, 4, 2), cycle=CYCLE, run_id="run1", unit_id=U1, sent=sent.event_id,
        handed_over_on="2026-04-02",
    )  # fmt: skip


def approve_again(story: Story) -> None:
    story.tell("release_approved", date(2026, 4, 21), release_id=CYCLE, bundle_sha256=BUNDLE)


def said_of_the_correction(story: Story, *, shown: str = AFTER) -> str:
    facts = story.facts(DAY_61)
    artefact = story.artefact(units={U1: shown, U2: SHOWN})
    return review_over(facts, artefact, Recipient(kind=RecipientKind.PUBLIC), clock(DAY_61)).fact


NOT_IN_FILES: Final = "U000001: its upheld correction is not in these files (plan again)"
NOT_SENT: Final = "U000001: not sent the page with its upheld correction (qe review send)"


def test_an_upheld_correction_is_in_the_page_that_was_sent_and_in_the_files(story: Story) -> None:
    story.drop("release_approved")
    uphold(story)
    send_corrected(story)
    approve_again(story)
    assert said_of_the_correction(story) == "the 60 days of all 2 providers and suppliers are over"
    assert said_of_the_correction(story, shown=SHOWN) == NOT_IN_FILES


def test_files_that_were_approved_before_the_correction_do_not_hold_it(story: Story) -> None:
    uphold(story)  # the approval of the same bytes stands before it
    send_corrected(story)
    assert said_of_the_correction(story) == NOT_IN_FILES
    approve_again(story)
    assert said_of_the_correction(story) == NOT_IN_FILES  # bytes that were there before cannot hold it
    story.change("release_approved", bundle_sha256="e" * 64)
    assert said_of_the_correction(story) == "the 60 days of all 2 providers and suppliers are over"


def test_the_page_with_the_last_correction_is_the_one_that_counts(story: Story) -> None:
    story.drop("release_approved")
    uphold(story)
    assert said_of_the_correction(story) == NOT_SENT
    send_corrected(story)
    uphold(story, correction_id="c-2")
    assert said_of_the_correction(story) == NOT_SENT
    story.drop("report_sent", unit_id=U1)
    assert said_of_the_correction(story) == NOT_SENT
    uncorrected = replace(story.artefact(units={U1: AFTER, U2: SHOWN}), cycle="2026Q1-1")
    facts = story.facts(DAY_61)
    nobody_sent = "U000001, U000002: not sent its report"  # what was corrected in one cycle says nothing of another
    assert review_over(facts, uncorrected, Recipient(kind=RecipientKind.PUBLIC), clock(DAY_61)).fact == nobody_sent


# ---------------------------------------------------------------- naming in an analysis


ANALYSIS, USER = "analysis-1", "user-1"


def analysis(story: Story, *, named: frozenset[str] = frozenset({U1})) -> Any:
    return story.artefact(
        kind=ArtefactKind.NPA_DEID, cycle="", analysis_id=ANALYSIS, identified=named, units=dict.fromkeys(named, SHOWN)
    )


def employer() -> Recipient:
    return Recipient(kind=RecipientKind.EMPLOYER, party_id=USER)


def give_notice(story: Story, unit_id: str, on: date, *, release_on: str = "2026-07-01") -> None:
    sent = story.tell(
        "npa_notice_sent", on, analysis_id=ANALYSIS, unit_id=unit_id, party_id=USER, measures=["hwr", "pdc_statins"],
        release_on=release_on, channel="mail", letter_sha256="6" * 64, zone="America/New_York",
    )  # fmt: skip
    hand_over(story, unit_id, sent.event_id, on)


def hand_over(story: Story, unit_id: str, sent: str, on: date) -> None:
    story.tell("npa_confirmed", on, analysis_id=ANALYSIS, unit_id=unit_id, sent=sent, handed_over_on=on.isoformat())


def opt_in(story: Story, unit_id: str, on: date, *, analysis_id: str = ANALYSIS) -> None:
    story.tell("optin_received", on, analysis_id=analysis_id, unit_id=unit_id, opted_in_on=on.isoformat())


def send_extract(
    story: Story, unit_id: str, on: date, *, analysis_id: str = ANALYSIS, shown: str = SHOWN, handed_over: bool = True
) -> None:
    sent = story.tell(
        "npa_extract_sent", on, analysis_id=analysis_id, unit_id=unit_id, channel="mail", extract_sha256="6" * 64,
        result_sha256=shown,
    )  # fmt: skip
    if handed_over:
        hand_over(story, unit_id, sent.event_id, on)


def test_717_f_the_first_opt_in_to_this_analysis_by_this_provider_counts() -> None:
    story = Story()
    opt_in(story, U2, date(2026, 4, 2))
    opt_in(story, U1, date(2026, 4, 3), analysis_id="analysis-2")
    assert opt_in_of(story.facts(ON), ANALYSIS, U1) is None
    opt_in(story, U1, date(2026, 4, 9))
    opt_in(story, U1, date(2026, 4, 8))
    assert opt_in_of(story.facts(ON), ANALYSIS, U1) == date(2026, 4, 8)


def test_717_f_an_extract_counts_where_it_is_its_own_of_this_analysis_and_these_results_and_was_handed_over(
    story: Story,
) -> None:
    give_notice(story, U1, date(2026, 4, 1))
    opt_in(story, U1, date(2026, 4, 2))
    send_extract(story, U1, date(2026, 4, 3), shown="8" * 64)
    send_extract(story, U1, date(2026, 4, 4), handed_over=False)
    send_extract(story, U1, date(2026, 4, 5), analysis_id="analysis-2")
    send_extract(story, U2, date(2026, 4, 6))

    def extract_on() -> date | None:
        noticed = notice_of(story.facts(ON), analysis(story), employer(), U1, day_count="conservative")
        assert noticed is not None
        return noticed.extract_on

    assert extract_on() is None
    send_extract(story, U1, date(2026, 4, 20))
    send_extract(story, U1, date(2026, 4, 21))
    assert extract_on() == date(2026, 4, 20)  # the first that it had


def test_717_f_a_hand_over_starts_no_clock_by_a_notice_or_extract_of_another(story: Story) -> None:
    give_notice(story, U2, date(2026, 4, 1))
    hand_over(story, U1, story.events[-2].event_id, date(2026, 4, 1))
    told: dict[str, Any] = {**story.events[-3].payload, "analysis_id": "analysis-2", "unit_id": U1}
    hand_over(story, U1, story.tell("npa_notice_sent", date(2026, 4, 2), **told).event_id, date(2026, 4, 2))
    own = analysis(story)
    assert notice_of(story.facts(ON), own, employer(), U1, day_count="conservative") is None
    give_notice(story, U1, date(2026, 4, 3))
    give_notice(story, U1, date(2026, 4, 3), release_on="2026-08-01")  # two on one day: the later record tells the day
    opt_in(story, U1, date(2026, 4, 4))
    send_extract(story, U2, date(2026, 4, 5), handed_over=False)
    hand_over(story, U1, story.events[-1].event_id, date(2026, 4, 5))
    send_extract(story, U1, date(2026, 4, 6), analysis_id="analysis-2", handed_over=False)
    hand_over(story, U1, story.events[-1].event_id, date(2026, 4, 6))
    noticed = notice_of(story.facts(ON), own, employer(), U1, day_count="conservative")
    assert noticed is not None
    assert (noticed.period.notified_on, noticed.period.release_on) == (date(2026, 4, 3), date(2026, 8, 1))
    assert noticed.extract_on is None
    unknown = replace(own, lineage=None)  # of which measures it is, is not known
    assert notice_of(story.facts(ON), unknown, employer(), U1, day_count="conservative") is None


def test_717_f_whoever_was_not_noticed_waits_for_65_days_counted_as_the_site_counts(story: Story) -> None:
    literal = replace(clock(ON), day_count="literal")
    found = [named_as_allowed(story.facts(ON), analysis(story), employer(), by).earliest for by in (clock(ON), literal)]
    assert found == ["2026-09-05", "2026-09-04"]  # 1 July and 66 days, or 65


def test_716_c_each_redisclosure_that_is_not_on_its_list_is_named() -> None:
    options = ("164.512(a)", "164.506(c)(2)", "164.502(e)(1)")
    assert redisclosure_fault(options, RecipientKind.SUPPLIER, "analyses") == (
        "permits redisclosure by 45 CFR 164.506(c)(2), 164.512(a), which it may not"
    )


def test_717_f_providers_with_the_same_fault_are_counted_together(story: Story) -> None:
    named = named_as_allowed(story.facts(ON), analysis(story, named=frozenset({U1, U2})), employer(), clock(ON))
    assert named.fact == "2 named: not noticed of this analysis, user and measures; 2 have not waived"


# ---------------------------------------------------------------- the table


def test_the_rules_and_the_table_are_told_as_two_tables() -> None:
    lines = rules_as_text().split("\n")
    first, second = lines[: len(RULES) + 2], lines[len(RULES) + 3 :]
    assert first[:3] == [
        "| rule | must hold | source |",
        "|---|---|---|",
        "| G1 | entity approved or continuing | 42 CFR 401.709(c) |",
    ]
    assert lines[len(RULES) + 2] == lines[-1] == ""
    assert second[:2] == ["| artefact | recipient | rules that must pass |", "|---|---|---|"]
    assert "| beneficiary_letter | beneficiary | G9 G23 |" in second
    assert len(second) == 2 + len(TABLE) + 1


def test_the_table_is_read_as_it_stands_and_a_row_may_ask_for_every_rule(tmp_path: Path) -> None:
    text = DECISION_TABLE.read_text(encoding="utf-8")
    assert read_decision_table(DECISION_TABLE) == TABLE
    header, first, *rest = text.splitlines()
    artefact, recipient, _ = first.split(",", 2)
    everything = " ".join(rule.rule for rule in RULES)
    changed = tmp_path / "table.csv"
    changed.write_text("\n".join([header, f"{artefact},{recipient},{everything}", *rest]), encoding="utf-8")
    pair = (ArtefactKind(artefact), RecipientKind(recipient))
    assert read_decision_table(changed)[pair] == {rule.rule for rule in RULES}


def test_every_kind_without_a_row_is_named(tmp_path: Path) -> None:
    kept = [
        line
        for line in DECISION_TABLE.read_text(encoding="utf-8").splitlines()
        if not line.startswith(("letter,", "prototype,"))
    ]
    (tmp_path / "table.csv").write_text("\n".join(kept), encoding="utf-8")
    with pytest.raises(ValueError, match=r"^table\.csv: no row for letter, prototype$"):
        read_decision_table(tmp_path / "table.csv")
