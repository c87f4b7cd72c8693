"""What was filed, agreed, counted, determined and waived: which event of it counts, from its first day through its last."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import pytest

from qe.errors import Refused
from qe.ledger.event import LedgerEvent
from qe.release.artefact import NOBODY, Artefact, ArtefactKind, Recipient, RecipientKind
from qe.release.publicity import review_over, told_and_noticed
from qe.release.review import Clock, NoticePeriod
from qe.release.rules.agreements import purpose_of, terms_of_analyses_agreement, terms_of_qe_dua
from qe.release.rules.changes import approved_templates, filed_in_time, state_of, submitted
from qe.release.rules.content import de_identified
from qe.release.rules.coverage import issuer_supplied_majority
from qe.release.rules.naming import handed_over, notice_of, waivers
from qe.release.rules.recipients import recipient_allowed
from qe.release.standing import entity_approval
from tests.rules.story import BUNDLE, SHOWN, Story

ON: Final = date(2026, 7, 1)
U1, U2 = "U000001", "U000002"
ANALYSIS, USER = "analysis-1", "user-1"
TEMPLATES, OTHER_TEMPLATES = "7" * 64, "8" * 64
PUBLIC: Final = Recipient(kind=RecipientKind.PUBLIC)
CLOCK: Final = Clock(at=datetime(2026, 7, 2, 4, tzinfo=UTC), zone="America/New_York")


def user(kind: RecipientKind = RecipientKind.PROVIDER, party_id: str = USER) -> Recipient:
    return Recipient(kind=kind, party_id=party_id)


# ---------------------------------------------------------------- 401.711: what was filed


def filed(
    story: Story, on: date = date(2026, 6, 20), *, change_id: str = "c-1", what: str = "measures", **payload: Any
) -> LedgerEvent:
    return story.tell("change_submitted", on, change_id=change_id, what=what, submitted_on=on.isoformat(), **payload)


def prototype(story: Story, template_sha256: str = TEMPLATES, approved_on: date = date(2025, 1, 15)) -> None:
    told = {"template_sha256": template_sha256, "approved_on": approved_on.isoformat()}
    story.tell("prototype_approved", date(2025, 1, 15), **told)


def report(story: Story, **changes: Any) -> Artefact:
    return story.artefact(kind=ArtefactKind.CONFIDENTIAL_REPORT, **{"template_sha256": TEMPLATES, **changes})


def said_of(story: Story, artefact: Artefact, on: date = ON) -> str:
    return filed_in_time(story.facts(on), artefact, day_count="conservative").fact


APPROVED: Final = "the templates are those of the approved prototype, and no change is pending"
WAITING: Final = "the change of the measures was submitted on 2026-06-20: it may be used from 2026-07-21"


def test_711_a_a_change_that_was_given_up_and_submitted_again_waits_from_its_last_submission(story: Story) -> None:
    prototype(story)
    filed(story, date(2026, 3, 1))
    story.tell("change_withdrawn", date(2026, 3, 10), change_id="c-1")
    filed(story)
    assert said_of(story, report(story)) == WAITING
    assert said_of(story, report(story), date(2026, 7, 21)) == APPROVED
    story.tell("change_withdrawn", date(2026, 6, 25), change_id="c-1")
    assert said_of(story, report(story)) == APPROVED


@pytest.mark.parametrize(
    ("submitted_on", "given_up_on", "measures", "is_refused"),
    [
        (date(2026, 2, 10), date(2026, 2, 25), ["hwr"], True),
        (date(2026, 2, 20), date(2026, 2, 20), ["hwr"], True),  # the run is of 20 February
        (date(2026, 2, 10), date(2026, 2, 19), ["hwr"], False),
        (date(2026, 2, 21), date(2026, 2, 25), ["hwr"], False),
        (date(2026, 2, 10), date(2026, 2, 25), ["supd"], False),
    ],
)
def test_711_a_a_run_that_was_made_while_a_change_waited_that_is_given_up_may_hold_it(
    story: Story, submitted_on: date, given_up_on: date, measures: list[str], is_refused: bool
) -> None:
    prototype(story)
    story.change("run_completed")
    assert next(one for one in story.events if one.kind == "run_completed").effective_on == date(2026, 2, 20)
    filed(story, submitted_on, measures=measures)
    story.tell("change_withdrawn", given_up_on, change_id="c-1")
    said = f"the run was made while a change of the measures waited that was given up on {given_up_on}: run again"
    assert said_of(story, report(story)) == (said if is_refused else APPROVED)


def test_711_a_a_run_of_its_own_day_holds_no_change_that_waited_while_another_was_made(story: Story) -> None:
    prototype(story)
    (run,) = [one for one in story.events if one.kind == "run_completed"]
    other: dict[str, Any] = {**run.payload, "run_id": "run2"}
    story.tell("run_completed", date(2026, 3, 10), **other)
    filed(story, date(2026, 3, 5))
    story.tell("change_withdrawn", date(2026, 3, 15), change_id="c-1")
    assert said_of(story, report(story)) == APPROVED


def test_711_a_templates_that_were_given_up_ask_for_no_new_run(story: Story) -> None:
    prototype(story)
    filed(story, date(2026, 2, 10), what="prototype")
    story.tell("change_withdrawn", date(2026, 2, 25), change_id="c-1")
    assert said_of(story, report(story)) == APPROVED


def test_711_a_of_several_changes_that_were_given_up_the_one_that_the_run_may_hold_counts(story: Story) -> None:
    prototype(story)
    filed(story, date(2026, 2, 10), measures=["supd"])
    story.tell("change_withdrawn", date(2026, 2, 25), change_id="c-1")
    filed(story, date(2026, 2, 11), change_id="c-2")
    story.tell("change_withdrawn", date(2026, 2, 26), change_id="c-2")
    assert said_of(story, report(story)) == (
        "the run was made while a change of the measures waited that was given up on 2026-02-26: run again"
    )


def test_711_a_what_a_run_may_hold_does_not_change_because_an_id_is_used_again(story: Story) -> None:
    prototype(story)
    said = "the run was made while a change of the measures waited that was given up on 2026-02-25: run again"
    filed(story, date(2026, 2, 10), measures=["hwr"])
    story.tell("change_withdrawn", date(2026, 2, 25), change_id="c-1")
    assert said_of(story, report(story)) == said
    filed(story, date(2026, 3, 1), measures=["supd"])
    assert said_of(story, report(story)) == said, "another change under its id"
    filed(story, date(2026, 3, 2), measures=["hwr"])
    assert said_of(story, report(story)) == APPROVED, "the same change again, and its 30 days are over"
    story.tell("change_withdrawn", date(2026, 3, 5), change_id="c-1")
    assert said_of(story, report(story)) == said, "given up for good"


def test_711_a_giving_up_what_was_never_submitted_says_nothing(story: Story) -> None:
    prototype(story)
    story.tell("change_withdrawn", date(2026, 2, 25), change_id="c-9")
    assert said_of(story, report(story)) == APPROVED


def test_711_a_each_change_that_was_given_up_is_judged_by_its_own_submission(story: Story) -> None:
    prototype(story)
    filed(story, date(2026, 2, 10), measures=["hwr"])
    filed(story, date(2026, 2, 11), change_id="c-2", measures=["supd"])
    story.tell("change_withdrawn", date(2026, 2, 25), change_id="c-1")
    said = "the run was made while a change of the measures waited that was given up on {}: run again"
    assert said_of(story, report(story)) == said.format("2026-02-25")
    filed(story, date(2026, 3, 1), measures=["hwr"])
    assert said_of(story, report(story)) == APPROVED
    filed(story, date(2026, 2, 12), change_id="c-3", measures=["hwr"])
    story.tell("change_withdrawn", date(2026, 2, 26), change_id="c-3")
    assert said_of(story, report(story)) == said.format("2026-02-26")


def test_711_b_a_decision_that_names_no_change_is_of_every_one(story: Story) -> None:
    prototype(story)
    filed(story, date(2026, 5, 1))
    story.tell("cms_decision", date(2026, 5, 10), about="change", decision="denied", decided_on="2026-05-10")
    assert said_of(story, report(story)) == "CMS refused the change of the measures submitted on 2026-05-01"


def test_711_a_of_a_report_whose_run_is_not_known_no_change_is_said_to_be_in_it(story: Story) -> None:
    prototype(story)
    filed(story, date(2026, 2, 10))
    story.tell("change_withdrawn", date(2026, 2, 25), change_id="c-1")
    assert said_of(story, replace(report(story), lineage=None)) == APPROVED


def test_711_a_a_change_is_usable_from_its_31st_day(story: Story) -> None:
    change = filed(story)
    assert [
        state_of(story.facts(day), change, day_count="conservative") for day in (date(2026, 7, 20), date(2026, 7, 21))
    ] == ["submitted", "usable"]


def test_711_a_the_first_event_of_a_ledger_may_be_a_change(story: Story) -> None:
    first = Story()
    filed(first)
    assert [event.seq for event in submitted(first.facts(ON))] == [1]


def test_711_b_a_change_that_cms_refused_may_be_submitted_again_and_waits_its_days(story: Story) -> None:
    prototype(story)
    filed(story, date(2026, 3, 1))
    story.tell(
        "cms_decision", date(2026, 3, 20), about="change", change_id="c-1", decision="denied", decided_on="2026-03-20"
    )
    assert said_of(story, report(story)) == "CMS refused the change of the measures submitted on 2026-03-01"
    filed(story)
    assert said_of(story, report(story)) == WAITING
    assert said_of(story, report(story), date(2026, 7, 21)) == APPROVED


@pytest.mark.parametrize(
    ("measures", "said"),
    [
        (["hwr"], WAITING),
        (["hwr", "supd"], WAITING),
        (["supd"], APPROVED),  # the report holds hwr and pdc_statins
        (None, WAITING),  # of all measures
    ],
)
def test_711_a_a_change_of_measures_concerns_the_reports_that_hold_them(
    story: Story, measures: list[str] | None, said: str
) -> None:
    prototype(story)
    named: dict[str, Any] = {} if measures is None else {"measures": measures}
    filed(story, **named)
    assert said_of(story, report(story)) == said
    assert said_of(story, replace(report(story), lineage=None)) == WAITING  # which measures it holds is not known


def test_711_a_new_templates_concern_the_reports_rendered_from_them(story: Story) -> None:
    prototype(story)
    filed(story, what="prototype", template_sha256=OTHER_TEMPLATES)
    assert said_of(story, report(story)) == APPROVED
    told = "the change of the prototype was submitted on 2026-06-20: it may be used from 2026-07-21"
    assert said_of(story, report(story, template_sha256=OTHER_TEMPLATES)) == told
    assert said_of(story, report(story, template_sha256=OTHER_TEMPLATES), date(2026, 7, 21)) == APPROVED


@pytest.mark.parametrize("what", ["measures", "prototype"])
def test_711_a_the_public_waits_for_changes_of_the_plan_for_sharing_alone(story: Story, what: str) -> None:
    filed(story, what=what)
    said = "the plan for public sharing is approved, and no change of it is pending"
    assert said_of(story, story.artefact()) == said
    assert said_of(story, story.artefact(kind=ArtefactKind.ANNUAL_REPORT)) == said  # no change concerns it


def test_711_a_a_change_that_was_given_up_stops_nothing(story: Story) -> None:
    prototype(story)
    filed(story)
    story.tell("change_withdrawn", date(2026, 6, 22), change_id="c-1")
    assert said_of(story, report(story)) == APPROVED


def decided(story: Story, decision: str, decided_on: date, *, change_id: str = "c-1", about: str = "change") -> None:
    """On record from the day before 1 July, whatever day it names."""
    told = {"about": about, "decision": decision, "decided_on": decided_on.isoformat(), "change_id": change_id}
    story.tell("cms_decision", date(2026, 6, 30), **told)


REFUSED: Final = "CMS refused the change of the measures submitted on 2026-05-01"


@pytest.mark.parametrize(
    ("decisions", "said"),
    [
        ([{"decision": "denied", "decided_on": ON}], REFUSED),
        ([{"decision": "denied", "decided_on": date(2026, 7, 2)}], APPROVED),  # tomorrow
        ([{"decision": "denied", "decided_on": date(2026, 4, 30)}], APPROVED),  # on what was filed before
        ([{"decision": "denied", "decided_on": date(2026, 6, 1), "change_id": "c-2"}], APPROVED),
        ([{"decision": "denied", "decided_on": date(2026, 6, 1), "about": "renewal"}], APPROVED),
        (
            [
                {"decision": "approved", "decided_on": date(2026, 6, 2)},
                {"decision": "denied", "decided_on": date(2026, 6, 1)},
            ],
            APPROVED,  # the later day, not the later record
        ),
        (
            [
                {"decision": "denied", "decided_on": date(2026, 6, 1)},
                {"decision": "approved", "decided_on": date(2026, 6, 1)},
            ],
            APPROVED,  # of the same day the later record
        ),
    ],
)
def test_711_b_the_last_decision_of_cms_on_this_change_by_this_day_counts(
    story: Story, decisions: list[dict[str, Any]], said: str
) -> None:
    prototype(story)
    filed(story, date(2026, 5, 1))
    for decision in decisions:
        decided(story, **decision)
    assert said_of(story, report(story)) == said


ASKED_FOR_MORE: Final = "CMS asked for more days on the change of the measures: it is not deemed approved"


@pytest.mark.parametrize(
    ("requested_on", "change_id", "said"),
    [
        (ON, "c-1", ASKED_FOR_MORE),
        (date(2026, 5, 1), "c-1", ASKED_FOR_MORE),  # on the day it was filed, after it
        (date(2026, 7, 2), "c-1", APPROVED),
        (date(2026, 4, 30), "c-1", APPROVED),
        (date(2026, 6, 1), "c-2", APPROVED),
    ],
)
def test_711_b_more_days_that_cms_asked_for_this_change_keep_it_from_being_deemed_approved(
    story: Story, requested_on: date, change_id: str, said: str
) -> None:
    prototype(story)
    filed(story, date(2026, 5, 1))
    told = {"change_id": change_id, "requested_on": requested_on.isoformat()}
    story.tell("cms_extension_requested", date(2026, 6, 30), **told)
    assert said_of(story, report(story)) == said


def test_711_a_templates_are_approved_from_the_day_of_their_approval_and_nothing_else_is_one(story: Story) -> None:
    prototype(story, approved_on=ON)
    prototype(story, OTHER_TEMPLATES, approved_on=ON + timedelta(days=1))
    filed(story, date(2026, 5, 1), what="prototype", template_sha256="9" * 64)
    filed(story, date(2026, 5, 1), change_id="c-2", what="prototype")  # without its templates
    filed(story, date(2026, 5, 1), change_id="c-3", what="measures", template_sha256="a" * 64)
    assert approved_templates(story.facts(ON)) == {TEMPLATES, "9" * 64}


# ---------------------------------------------------------------- 401.713(d), 401.716(c): what was agreed


def agreed(story: Story, kind: str, terms: str, *, party_id: str = USER, **payload: Any) -> None:
    told = {"signed_on": "2026-07-01", "expires_on": "2026-07-01", "agreement_id": f"{kind}-1", **payload}
    story.tell("agreement_signed", date(2026, 6, 1), kind=kind, party_id=party_id, terms=terms, **told)


OF_QE_DUA: Final = (
    "permitted_uses;no_other_use;no_marketing;safeguards;survival;no_redisclosure;notify;cooperate;binds_contractors"
)


def test_713_d_6_the_promise_not_to_link_is_needed_for_de_identified_data_alone() -> None:
    story = Story()
    agreed(story, "qe_dua", OF_QE_DUA)
    with_patients = story.artefact(kind=ArtefactKind.DATA_PATIENT_IDENTIFIABLE)
    in_force = "a QE data use agreement with all terms runs to 2026-07-01"
    assert terms_of_qe_dua(story.facts(ON), with_patients, user()).fact == in_force
    without = "the QE data use agreement lacks no_linking (401.713(d)(6))"
    assert terms_of_qe_dua(story.facts(ON), story.artefact(kind=ArtefactKind.DATA_DEID), user()).fact == without


def test_713_d_every_term_that_lacks_is_named_with_its_paragraph() -> None:
    story = Story()
    agreed(story, "qe_dua", OF_QE_DUA.replace(";survival;no_redisclosure", ""))
    said = "the QE data use agreement lacks survival (401.713(d)(3)), no_redisclosure (401.713(d)(4))"
    with_patients = story.artefact(kind=ArtefactKind.DATA_PATIENT_IDENTIFIABLE)
    assert terms_of_qe_dua(story.facts(ON), with_patients, user()).fact == said


def test_716_c_each_redisclosure_beyond_its_list_is_named() -> None:
    story = Story()
    terms = "no_marketing;no_harm;no_fraud;no_redisclosure;no_linking;notify;cooperate;binds_contractors"
    agreed(story, "analyses", terms, redisclosure="164.506(c)(2);164.502(e)(1);164.506(c)(4)(i)")
    said = "the non-public analyses agreement permits redisclosure by 45 CFR 164.506(c)(2), which it may not"
    assert terms_of_analyses_agreement(story.facts(ON), user()).fact == said


@pytest.mark.parametrize(
    ("party_id", "signed_on", "expires_on", "in_force"),
    [
        (USER, "2026-07-01", "2026-07-01", True),
        (USER, "2026-07-02", "2027-12-31", False),
        (USER, "2026-06-01", "2026-06-30", False),
        ("user-2", "2026-06-01", "2027-12-31", False),
        ("", "2026-06-01", "2027-12-31", False),
    ],
)
def test_713_d_an_agreement_counts_for_its_own_party_from_its_first_day_through_its_last(
    party_id: str, signed_on: str, expires_on: str, in_force: bool
) -> None:
    story = Story()
    agreed(story, "qe_dua", OF_QE_DUA, party_id=party_id or USER, signed_on=signed_on, expires_on=expires_on)
    with_patients = story.artefact(kind=ArtefactKind.DATA_PATIENT_IDENTIFIABLE)
    asking = user(party_id="") if not party_id else user()
    reason = terms_of_qe_dua(story.facts(ON), with_patients, asking)
    none = "no QE data use agreement with the recipient is in force (qe agreement add)"
    assert reason.fact == (f"a QE data use agreement with all terms runs to {expires_on}" if in_force else none)


def defined(story: Story, analysis_id: str = ANALYSIS, **payload: Any) -> None:
    story.tell(
        "npa_defined", date(2026, 1, 15), analysis_id=analysis_id, kind="npa_deid", run_id="run1", party_id=USER,
        topic="readmissions", measures=["hwr"], areas=["NY"], period_start="2025-01-01", period_end="2025-12-31",
        **payload,
    )  # fmt: skip


def test_the_purpose_is_that_of_this_analysis() -> None:
    story = Story()
    defined(story, purpose="treatment")
    defined(story, "analysis-2", purpose="marketing")
    defined(story, "analysis-3")
    found = [purpose_of(story.facts(ON), one) for one in (ANALYSIS, "analysis-2", "analysis-3", "analysis-4", "")]
    assert found == ["treatment", "marketing", None, None, None]


# ---------------------------------------------------------------- 401.716(b)(1): what was counted


def counted(story: Story, party_id: str = USER, *, supplied: int = 700) -> None:
    story.tell(
        "issuer_coverage", date(2026, 1, 15), party_id=party_id, area="NY", period_start="2025-01-01",
        period_end="2025-12-31", method="actual_count", total_lives=1000, supplied_lives=supplied, supplied_by="issuer",
    )  # fmt: skip


def analysis_of_ny(story: Story, **changes: Any) -> Artefact:
    covers = (date(2025, 1, 1), date(2025, 12, 31))
    whole = {"kind": ArtefactKind.NPA_DEID, "analysis_id": ANALYSIS, "areas": frozenset({"NY"}), "covers": covers}
    return story.artefact(**{**whole, **changes})


def test_716_b_1_the_lives_of_another_issuer_are_no_majority() -> None:
    story = Story()
    counted(story, supplied=500)
    counted(story, "user-2")
    reason = issuer_supplied_majority(story.facts(ON), analysis_of_ny(story), user(RecipientKind.ISSUER))
    assert reason.fact == "NY: claims of 500 of 1,000 lives are no majority"


@pytest.mark.parametrize("unknown", [{"areas": frozenset()}, {"covers": None}])
def test_716_b_1_an_analysis_of_unknown_areas_or_days_has_no_majority(unknown: dict[str, Any]) -> None:
    story = Story()
    counted(story)
    reason = issuer_supplied_majority(story.facts(ON), analysis_of_ny(story, **unknown), user(RecipientKind.ISSUER))
    assert (reason.verdict, reason.fact) == ("fail", "the areas or the period of the analysis are not known")


# ---------------------------------------------------------------- 164.514: what was determined


def determined(story: Story, *, method: str = "safe_harbor", on: str = "2026-07-01", **payload: Any) -> None:
    story.tell(
        "deid_recorded", date(2026, 6, 1), method=method, determined_on=on, artefact_sha256=BUNDLE,
        valid_until="2026-07-01", **payload,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"no_actual_knowledge": True}, "de-identified by safe harbor, on record until 2026-07-01"),
        ({"method": "expert"}, "de-identified by expert, on record until 2026-07-01"),
        ({}, "nobody attested to have no actual knowledge (164.514(b)(2)(ii))"),
        ({"no_actual_knowledge": False}, "nobody attested to have no actual knowledge (164.514(b)(2)(ii))"),
        (
            {"method": "expert", "on": "2026-07-02"},
            "no determination that exactly these bytes are de-identified is on record",
        ),
    ],
)
def test_164_514_b_safe_harbour_needs_the_attestation_and_an_expert_does_not(told: dict[str, Any], said: str) -> None:
    story = Story()
    determined(story, **told)
    assert de_identified(story.facts(ON), story.artefact(kind=ArtefactKind.DATA_DEID)).fact == said


def test_164_514_b_of_two_determinations_the_newer_one_counts_and_bytes_without_a_digest_have_none() -> None:
    story = Story()
    determined(story, method="expert")
    determined(story, no_actual_knowledge=True)
    data = story.artefact(kind=ArtefactKind.DATA_DEID)
    assert de_identified(story.facts(ON), data).fact == "de-identified by safe harbor, on record until 2026-07-01"
    story.change("deid_recorded", artefact_sha256="")
    none = "no determination that exactly these bytes are de-identified is on record"
    assert de_identified(story.facts(ON), replace(data, sha256="")).fact == none


def test_164_514_b_a_public_report_of_unknown_content_is_not_known_to_be_aggregate() -> None:
    story = Story()
    said = [de_identified(story.facts(ON), story.artefact(persons=persons)).fact for persons in (NOBODY, None)]
    assert said == ["aggregates alone; their cells are judged by G18", "it is not known to hold aggregates alone"]


# ---------------------------------------------------------------- 401.716(b)(4), 401.717(f): notices and waivers


def analysis(story: Story, **changes: Any) -> Artefact:
    whole = {
        "kind": ArtefactKind.NPA_DEID,
        "analysis_id": ANALYSIS,
        "identified": frozenset({U1}),
        "units": {U1: SHOWN},
    }
    return story.artefact(**{**whole, **changes})


def waived(story: Story, unit_id: str, on: date, *, analysis_id: str = ANALYSIS, party_id: str = USER) -> None:
    told = {"analysis_id": analysis_id, "unit_id": unit_id, "party_id": party_id, "waived_on": on.isoformat()}
    story.tell("waiver_received", on, **told)


def revoked(story: Story, unit_id: str, on: date, *, analysis_id: str = ANALYSIS) -> None:
    story.tell("waiver_revoked", on, analysis_id=analysis_id, unit_id=unit_id, revoked_on=on.isoformat())


def test_716_b_4_iii_a_waiver_is_for_one_analysis_and_user_and_stands_until_it_is_revoked() -> None:
    story = Story()
    waived(story, U1, date(2026, 5, 1), analysis_id="analysis-2")
    waived(story, U2, date(2026, 5, 1), party_id="user-2")
    revoked(story, U1, date(2026, 5, 2))  # nothing stands: nothing to take back

    def standing() -> dict[str, date]:
        return dict(waivers(story.facts(ON), analysis(story), user(RecipientKind.EMPLOYER)))

    assert standing() == {}
    waived(story, U1, date(2026, 5, 3))
    waived(story, U2, date(2026, 5, 4))
    assert standing() == {U1: date(2026, 5, 3), U2: date(2026, 5, 4)}  # written again after the revocation
    revoked(story, U1, date(2026, 5, 5), analysis_id="analysis-2")
    assert standing() == {U1: date(2026, 5, 3), U2: date(2026, 5, 4)}
    revoked(story, U1, date(2026, 5, 6))
    assert standing() == {U2: date(2026, 5, 4)}


def told(story: Story, unit_id: str, on: date, *, release_on: date = ON, analysis_id: str = ANALYSIS) -> str:
    sent = story.tell(
        "npa_notice_sent", on, analysis_id=analysis_id, unit_id=unit_id, party_id=USER, measures=["hwr", "pdc_statins"],
        release_on=release_on.isoformat(), channel="mail", letter_sha256="6" * 64, zone="America/New_York",
    ).event_id  # fmt: skip
    confirmed = {"analysis_id": analysis_id, "unit_id": unit_id, "sent": sent, "handed_over_on": on.isoformat()}
    story.tell("npa_confirmed", on, **confirmed)
    return sent


def test_717_f_what_was_handed_over_is_that_of_this_analysis_and_provider_and_did_not_come_back() -> None:
    story = Story()
    own, other = told(story, U1, date(2026, 4, 1)), told(story, U2, date(2026, 4, 2))
    told(story, U1, date(2026, 4, 3), analysis_id="analysis-2")
    assert handed_over(story.facts(ON), ANALYSIS, U1) == {own: date(2026, 4, 1)}
    back: dict[str, Any] = {"sent": own, "reason": "returned"}
    story.tell("npa_delivery_failed", date(2026, 4, 9), analysis_id="analysis-2", unit_id=U1, **back)
    assert handed_over(story.facts(ON), ANALYSIS, U1) == {own: date(2026, 4, 1)}
    story.tell("npa_delivery_failed", date(2026, 4, 10), analysis_id=ANALYSIS, unit_id=U1, **back)
    assert handed_over(story.facts(ON), ANALYSIS, U1) == {}
    assert handed_over(story.facts(ON), ANALYSIS, U2) == {other: date(2026, 4, 2)}


def test_717_f_a_release_moved_earlier_is_a_new_notice_and_one_moved_later_is_not(story: Story) -> None:
    def days() -> tuple[date, date | None]:
        noticed = notice_of(story.facts(ON), analysis(story), user(), U1, day_count="conservative")
        assert noticed is not None
        return noticed.period.notified_on, noticed.period.release_on

    told(story, U1, date(2026, 4, 1), release_on=date(2026, 7, 1))
    told(story, U1, date(2026, 4, 5), release_on=date(2026, 8, 1))
    assert days() == (date(2026, 4, 1), date(2026, 8, 1))
    told(story, U1, date(2026, 4, 9), release_on=date(2026, 8, 1))  # the same day told again
    assert days() == (date(2026, 4, 1), date(2026, 8, 1))
    told(story, U1, date(2026, 4, 12), release_on=date(2026, 7, 15))
    told(story, U1, date(2026, 4, 15), release_on=date(2026, 7, 20))
    assert days() == (date(2026, 4, 12), date(2026, 7, 20))


def test_717_f_an_opt_in_and_an_extract_that_came_before_the_notice_count_from_the_day_of_the_notice(
    story: Story,
) -> None:
    """A notice came back, its provider opted in all the same and had its part; the notice that counts came after both."""
    story.tell("optin_received", date(2026, 4, 1), analysis_id=ANALYSIS, unit_id=U1, opted_in_on="2026-04-01")
    sent = story.tell(
        "npa_extract_sent", date(2026, 4, 2), analysis_id=ANALYSIS, unit_id=U1, channel="mail", extract_sha256="3" * 64,
        result_sha256=SHOWN,
    )  # fmt: skip
    story.tell(
        "npa_confirmed",
        date(2026, 4, 3),
        analysis_id=ANALYSIS,
        unit_id=U1,
        sent=sent.event_id,
        handed_over_on="2026-04-03",
    )
    told(story, U1, date(2026, 4, 10), release_on=date(2026, 6, 15))
    asked = replace(analysis(story), units={U1: SHOWN})
    noticed = notice_of(story.facts(ON), asked, user(), U1, day_count="conservative")
    assert noticed is not None
    assert (noticed.opted_in_on, noticed.extract_on) == (date(2026, 4, 10), date(2026, 4, 10))
    assert noticed.earliest == date(2026, 6, 15)  # 10 April + 66, later than 10 April + 61


NOTICED: Final = date(2026, 3, 2)


def test_717_f_an_extract_before_its_opt_in_is_our_own_mistake() -> None:
    opted_in_on, sent_on = NOTICED + timedelta(days=6), NOTICED + timedelta(days=5)
    for asked in (
        lambda: NoticePeriod(notified_on=NOTICED).earliest_release_after(sends=[(opted_in_on, sent_on)]),
        lambda: NoticePeriod(notified_on=NOTICED).review_days(opted_in_on=opted_in_on, sent_on=sent_on),
    ):
        with pytest.raises(ValueError, match=r"^an opt-in comes after its notice, and its send after the opt-in$"):
            asked()


def test_717_f_2_an_opt_in_after_the_release_is_refused_by_its_paragraph() -> None:
    notice = NoticePeriod(notified_on=NOTICED, release_on=date(2026, 5, 31))
    with pytest.raises(Refused) as refusal:
        notice.review_days(opted_in_on=date(2026, 6, 1))
    assert str(refusal.value) == (
        "the analysis was released on 2026-05-31; an opt-in on 2026-06-01 comes too late (42 CFR 401.717(f)(2))"
    )


def test_717_f_2_an_opt_in_on_day_5_has_60_days_even_of_an_early_release() -> None:
    notice = NoticePeriod(notified_on=NOTICED, release_on=NOTICED + timedelta(days=30))
    windows = [notice.review_days(opted_in_on=NOTICED + timedelta(days=day)) for day in (4, 5, 6)]
    assert windows == [60, 60, 30 - 6]


# ---------------------------------------------------------------- what is not known fails


def test_a_recipient_that_is_not_known_receives_nothing(story: Story) -> None:
    reason = recipient_allowed(story.facts(ON), report(story), Recipient(kind=RecipientKind.PROVIDER))
    assert (reason.verdict, reason.fact) == ("fail", "it is not known which provider or supplier receives it")


def test_an_approval_that_begins_later_names_its_day() -> None:
    story = Story()
    story.tell("entity_approved", date(2026, 6, 1), approved_on="2026-07-02")
    reason = entity_approval(story.facts(ON))
    assert (reason.verdict, reason.fact) == ("fail", "the entity is approved from 2026-07-02 only")
    assert reason.earliest == "2026-07-02"


def test_files_that_name_nobody_were_told_to_nobody(story: Story) -> None:
    nobody = story.artefact(units={})
    review = review_over(story.facts(ON), nobody, PUBLIC, CLOCK)
    assert (review.verdict, review.fact) == ("fail", "nobody in it was sent a report")
    assert review.earliest == "2026-08-31"  # if sent today: 1 July and 61 days
    noticed = told_and_noticed(story.facts(ON), nobody)
    assert (noticed.verdict, noticed.fact) == ("fail", "no provider or supplier in it was told a public date")
    assert noticed.earliest is None


def test_what_is_issued_again_is_not_published_from_its_old_cycle(story: Story) -> None:
    told = {"cycle": "2025Q4-1", "new_cycle": "2025Q4-2", "run_id": "run2", "reason": "error_found"}
    story.tell("cycle_reissued", date(2026, 6, 1), **told, units=[U2])
    reason = review_over(story.facts(ON), story.artefact(), PUBLIC, CLOCK)
    assert reason.fact == "U000002: issued again in 2025Q4-2: what was sent no longer counts (plan again)"
    assert reason.earliest == "2026-08-31"
