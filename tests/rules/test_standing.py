"""What the entity stands on: approval (401.709), agreement (401.713), rights (401.707(d)), measures (401.715), labels."""

from datetime import date
from typing import Any

import pytest

from qe.release.artefact import Recipient, RecipientKind
from qe.release.standing import approval_expires_on, renewal_deadline


@pytest.mark.parametrize(
    ("approved_on", "expires_on", "deadline"),
    [
        (date(2025, 7, 1), date(2028, 7, 1), date(2028, 1, 1)),
        (date(2024, 2, 29), date(2027, 2, 28), date(2026, 8, 28)),  # no 29 February in 2027
        (date(2025, 8, 31), date(2028, 8, 31), date(2028, 2, 29)),  # six months before 31 August of a leap year
        (date(2026, 8, 31), date(2029, 8, 31), date(2029, 2, 28)),
    ],
)
def test_709_c_an_approval_lasts_three_years_and_is_renewed_six_months_before(
    approved_on: date, expires_on: date, deadline: date
) -> None:
    assert (approval_expires_on(approved_on), renewal_deadline(approved_on)) == (expires_on, deadline)


def test_709_c_the_last_day_of_an_approval_is_the_day_before_its_anniversary(story: Any) -> None:
    story.change("entity_approved", approved_on="2023-05-03")
    assert story.refusing(date(2026, 5, 2)) == []
    assert story.refusing(date(2026, 5, 3)) == ["G1"]


@pytest.mark.parametrize(("submitted_on", "refused"), [("2025-11-03", []), ("2025-11-04", ["G1"])])
def test_709_f_a_re_application_in_time_keeps_the_approval_running(
    story: Any, submitted_on: str, refused: list[str]
) -> None:
    # approved on 3 May 2023, expired on 3 May 2026, to be renewed by 3 November 2025
    story.change("entity_approved", approved_on="2023-05-03")
    story.tell("entity_applied", date(2025, 11, 4), route="renewal", submitted_on=submitted_on)
    assert story.refusing(date(2026, 5, 3)) == refused


def test_709_f_a_denied_re_application_ends_it(story: Any) -> None:
    story.change("entity_approved", approved_on="2023-05-03")
    story.tell("entity_applied", date(2025, 10, 1), route="renewal", submitted_on="2025-10-01")
    story.tell("cms_decision", date(2026, 5, 5), about="renewal", decision="denied", decided_on="2026-05-05")
    assert story.refusing(date(2026, 5, 4)) == []
    assert story.refusing(date(2026, 5, 5)) == ["G1"]


def test_709_b_another_organisations_agreement_does_not_count(story: Any) -> None:
    story.change("dua_signed", party="A contractor")
    assert story.refusing() == ["G4"]


def test_713_a_an_agreement_counts_through_its_last_day(story: Any) -> None:
    story.change("dua_signed", expires_on="2026-05-02")
    assert story.refusing(date(2026, 5, 2)) == []
    assert story.refusing(date(2026, 5, 3)) == ["G4"]


def test_713_a_an_ended_agreement_counts_no_more(story: Any) -> None:
    story.tell("dua_ended", date(2026, 4, 30), dua_no="D-1")
    assert story.refusing() == ["G4"]


def test_707_d_the_right_to_compute_measures_is_not_the_right_to_publish(story: Any) -> None:
    story.change("source_registered", rights="measures;analyses;data")
    assert story.refusing() == ["G7"]
    assert 'lacks the right "public"' in story.fact("G7")


def test_707_d_rights_end_with_the_contract(story: Any) -> None:
    story.change("source_registered", expires_on="2026-05-01")
    assert story.refusing() == ["G7"]


def test_707_d_a_source_that_was_ended_has_no_rights(story: Any) -> None:
    story.tell("source_ended", date(2026, 5, 2), source_id="plan_a")
    assert story.refusing(date(2026, 5, 2)) == ["G7"]


@pytest.mark.parametrize(
    "change",
    [{"version": "1.0.1"}, {"level": "clinician"}, {"approved_on": "2026-05-03"}],
)
def test_715_a_measure_is_approved_at_its_version_and_level_and_day(story: Any, change: dict[str, str]) -> None:
    story.change("measure_approved", **change)
    assert story.refusing() == ["G5"]


def test_715_the_first_day_of_an_approval_is_told(story: Any) -> None:
    story.change("measure_approved", approved_on="2026-06-01")
    assert story.earliest("G5") == "2026-06-01"


def test_715_a_disapproved_measure_stops_that_day(story: Any) -> None:
    story.tell("measure_disapproved", date(2026, 5, 2), measure_id="hwr", version="1.0.0", level="facility")
    assert story.refusing(date(2026, 5, 2)) == ["G5"]


def test_715_b_an_alternative_measure_that_is_approved_as_a_standard_one_only_is_refused_by_name(story: Any) -> None:
    story.change("measure_approved", route="standard")
    assert story.refusing() == ["G5"]
    assert story.fact("G5") == (
        "pdc_statins 1.0.0 at level group ran as an alternative measure, and is approved as a standard one only (401.715(b)(1))"
    )


@pytest.mark.parametrize("route", ["stakeholder", "rulemaking"])
def test_715_b_either_process_approves_an_alternative_measure_and_the_same_measure_run_as_written(
    story: Any, route: str
) -> None:
    story.change("measure_approved", route=route)
    assert story.refusing() == []


def test_715_a_2_a_run_that_departs_from_a_standard_measure_needs_an_approval_of_its_own(story: Any) -> None:
    story.change("run_completed", alternatives=["hwr@1.0.0@facility", "pdc_statins@1.0.0@group"])
    assert story.refusing() == ["G5"]
    assert story.fact("G5").startswith("hwr 1.0.0 at level facility ran as an alternative measure")


def test_715_an_alternative_approval_stands_beside_a_later_record_as_a_standard_measure(story: Any) -> None:
    measure = {"measure_id": "pdc_statins", "version": "1.0.0", "level": "group"}
    story.tell("measure_approved", date(2026, 1, 1), **measure, route="standard", approved_on="2026-01-01")
    assert story.refusing() == []


def test_715_a_run_of_an_older_ledger_that_does_not_say_counts_as_alternative(story: Any) -> None:
    for event in story.events:
        event.payload.pop("alternatives", None)
    assert story.refusing() == ["G5"]


def test_715_a_rehearsal_approval_counts_in_a_rehearsal_only(story: Any) -> None:
    story.change("measure_approved", route="rehearsal")
    assert story.refusing() == []
    story.rehearsal = False
    assert "G5" in story.refusing()


@pytest.mark.parametrize(
    ("sources", "refused"),
    [
        (["medicare:medicare"], ["G8"]),
        (["plan_a:commercial"], ["G8"]),
        (["medicare:medicare", "plan_a:medicaid"], []),
        ([], ["G7", "G8", "G20"]),
    ],
)
def test_703_e_medicare_claims_are_combined_with_another_payers(
    story: Any, sources: list[str], refused: list[str]
) -> None:
    story.change("run_completed", sources=sources)
    assert story.refusing() == refused


@pytest.mark.parametrize("label", ["part2", "pswp", "cms_5pct", "never-heard-of"])
def test_a_forbidding_or_unknown_label_of_any_source_refuses(story: Any, label: str) -> None:
    story.change("run_completed", sources=["medicare:medicare", f"plan_a:commercial+{label}"])
    assert story.refusing() == ["G20"]


def test_an_unknown_lineage_fails_every_rule_about_it(story: Any) -> None:
    assert story.refusing(lineage=None) == ["G5", "G7", "G8", "G10", "G20"]


def test_the_cell_check_must_be_of_exactly_these_bytes(story: Any) -> None:
    assert story.refusing(sha256="f" * 64) == ["G18"]


def test_cells_found_by_the_check_refuse(story: Any) -> None:
    story.change("sdc_checked", findings=1)
    assert story.refusing() == ["G18"]


def test_a_check_without_an_approval_refuses(story: Any) -> None:
    story.drop("release_approved")
    assert story.refusing() == ["G18"]


def test_outside_a_rehearsal_a_second_person_approves(story: Any) -> None:
    story.rehearsal = False
    assert "G18" not in story.refusing()
    story.events = [
        event if event.kind != "run_completed" else type(event)(**{**event.__dict__, "actor": "officer"})
        for event in story.events
    ]
    assert "G18" in story.refusing()


@pytest.mark.parametrize(("peers", "refused"), [(None, ["G18"]), (2, ["G18"]), (3, [])])
def test_a_confidential_report_shows_no_aggregate_of_one_or_two_peers(
    story: Any, peers: int | None, refused: list[str]
) -> None:
    from qe.release.artefact import ArtefactKind

    recipient = Recipient(kind=RecipientKind.PROVIDER, unit_id="U000001")
    story.tell("prototype_approved", date(2025, 7, 1), template_sha256="7" * 64, approved_on="2025-07-01")
    asked = {
        "kind": ArtefactKind.CONFIDENTIAL_REPORT,
        "peer_minimum": peers,
        "recipient": recipient,
        "identified": frozenset({"U000001"}),
        "template_sha256": "7" * 64,
        "channel": "mail",
    }
    assert story.refusing(date(2026, 3, 2), **asked) == refused
