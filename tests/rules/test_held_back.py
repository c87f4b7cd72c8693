"""Rules.md section 0.13: what was taken down returns corrected, issued again, or once the withdrawal is ended; never as it was."""

from datetime import date
from typing import Any

import pytest

from qe.release.held_back import figures_held_back, held_back, units_held_back
from tests.rules.story import BUNDLE, DAY_61, Story

A, B = "U000001", "U000002"
CYCLE = "2025Q4-1"
TAKEN_DOWN = date(2026, 5, 4)
OTHER, NEW_FILES = "e" * 64, "9" * 64


@pytest.fixture
def published(story: Story) -> Story:
    release(story, CYCLE)
    return story


def release(story: Story, release_id: str, *, units: tuple[str, ...] = (A, B), cycle: str = CYCLE) -> None:
    story.tell(
        "public_released", DAY_61, release_id=release_id, cycle=cycle, run_id="run1", bundle_sha256=BUNDLE,
        units=list(units), open_requests=0,
    )  # fmt: skip


def withdraw(
    story: Story, *, on: date = TAKEN_DOWN, release_id: str = CYCLE, why: str = "error_found", **part: Any
) -> None:
    story.tell("public_withdrawn", on, release_id=release_id, reason=why, **part)


def correct(
    story: Story, unit_id: str = A, *, name: str = "corr-1", before: str = "d" * 64, after: str = OTHER,
    measures: tuple[str, ...] = ("hwr",), request_id: str = "r-1", cycle: str = CYCLE, sent: bool = True,
) -> None:  # fmt: skip
    """A correction of the unit, and the page that shows it with the dates of the report before it."""
    story.tell(
        "correction_applied", TAKEN_DOWN, request_id=request_id, cycle=cycle, run_id="run1", unit_id=unit_id,
        correction_id=name, kinds=["not_our_patient"], measures=list(measures), record_sha256="1" * 64,
        before_sha256=before, after_sha256=after, effective_from="2026-05-04", count=1,
    )  # fmt: skip
    if sent:
        send_page(story, unit_id, name, after, cycle=cycle)


def send_page(story: Story, unit_id: str, correction_id: str, results: str, *, cycle: str = CYCLE) -> None:
    first = next(one for one in story.events if one.kind == "report_sent" and one.text("unit_id") == unit_id)
    shown: dict[str, Any] = {"result_sha256": results, "correction_id": correction_id, "cycle": cycle}
    page = story.tell("report_sent", TAKEN_DOWN, actor="analyst", **{**first.payload, **shown})
    story.tell(
        "send_confirmed", TAKEN_DOWN, cycle=cycle, run_id="run1", unit_id=unit_id, sent=page.event_id,
        handed_over_on="2026-05-04",
    )  # fmt: skip


def names(story: Story, on: date = TAKEN_DOWN) -> set[str]:
    return set(units_held_back(story.facts(on), CYCLE))


def test_nothing_is_held_back_of_a_release_that_stands(published: Story) -> None:
    assert held_back(published.facts(TAKEN_DOWN), CYCLE) == ()
    assert published.refusing() == []


def test_from_the_day_of_a_withdrawal_the_gate_refuses_what_was_in_it(published: Story) -> None:
    withdraw(published)
    assert names(published, date(2026, 5, 3)) == set()
    assert names(published) == {A, B}
    assert published.refusing(TAKEN_DOWN) == ["G10"]
    assert published.earliest("G10", TAKEN_DOWN) == "2026-05-04"
    assert published.fact("G10", TAKEN_DOWN) == (
        "U000001, U000002: withdrawn on 2026-05-04: an error was found "
        "(returns corrected, issued again, or by qe record withdrawal_ended)"
    )


def test_a_withdrawal_of_one_leaves_the_other_as_it_was(published: Story) -> None:
    withdraw(published, units=[B])
    assert names(published) == {B}
    assert published.refusing(TAKEN_DOWN) == ["G10"]
    assert published.refusing(TAKEN_DOWN, units={A: "d" * 64}) == []


def test_a_withdrawal_is_about_its_release_and_cycle_alone(published: Story) -> None:
    withdraw(published, release_id="2025Q4-1-2")
    assert names(published) == set()
    release(published, "2025Q3-1", cycle="2025Q3-1")
    withdraw(published, release_id="2025Q3-1")
    assert names(published) == set()


@pytest.mark.parametrize(
    ("why", "held"),
    [("error_found", {B}), ("cell_disclosed", {A, B}), ("order", {A, B}), ("rights_ended", {A, B})],
)
def test_figures_that_moved_cure_an_error_of_their_own_unit_and_nothing_else(
    published: Story, why: str, held: set[str]
) -> None:
    withdraw(published, why=why)
    correct(published)
    assert names(published) == held


def test_a_cured_error_is_published_as_corrected_and_checked_anew(published: Story) -> None:
    withdraw(published, units=[A])
    correct(published)
    published.tell("sdc_checked", TAKEN_DOWN, release_id=CYCLE, bundle_sha256=NEW_FILES, cells_checked=4, cells_hidden=0,
                   findings=0)  # fmt: skip
    published.tell("release_approved", TAKEN_DOWN, release_id=CYCLE, bundle_sha256=NEW_FILES)
    assert published.refusing(TAKEN_DOWN, sha256=NEW_FILES, units={A: OTHER}) == []
    assert published.refusing(TAKEN_DOWN, sha256=NEW_FILES, units={A: "d" * 64}) == ["G10"]


def test_a_correction_cures_once_a_page_shows_it(published: Story) -> None:
    withdraw(published)
    correct(published, sent=False)
    assert names(published) == {A, B}
    send_page(published, A, "corr-1", OTHER)
    assert names(published) == {B}


def test_an_error_that_is_found_after_the_corrected_page_went_out_is_not_cured_by_that_page(published: Story) -> None:
    correct(published)
    withdraw(published)
    assert names(published) == {A, B}
    send_page(published, A, "corr-1", OTHER)
    assert names(published) == {A, B}, "the same page once more"
    correct(published, name="corr-2", before=OTHER, after="f" * 64)
    assert names(published) == {B}


def test_a_correction_that_moves_no_result_cures_no_error(published: Story) -> None:
    withdraw(published)
    correct(published, after="d" * 64)
    assert names(published) == {A, B}


def test_what_a_unit_was_sent_in_another_cycle_cures_nothing(published: Story) -> None:
    withdraw(published)
    correct(published, cycle="2025Q4-2")
    assert names(published) == {A, B}


@pytest.mark.parametrize(("unit_id", "cycle"), [(A, "2025Q4-2"), (B, CYCLE)])
def test_what_moved_elsewhere_meanwhile_cures_nothing(published: Story, unit_id: str, cycle: str) -> None:
    withdraw(published, units=[A])
    correct(published, unit_id, name="corr-1", cycle=cycle)
    correct(published, name="corr-2", after="d" * 64)
    assert names(published) == {A}


@pytest.mark.parametrize(("unit_id", "cycle"), [(A, "2025Q4-2"), (B, CYCLE)])
def test_a_page_of_another_cycle_or_unit_shows_no_correction_of_this_one(
    published: Story, unit_id: str, cycle: str
) -> None:
    withdraw(published, units=[A])
    correct(published, sent=False)
    send_page(published, unit_id, "corr-1", OTHER, cycle=cycle)
    assert names(published) == {A}


def test_a_page_shows_the_corrections_before_its_own(published: Story) -> None:
    withdraw(published, units=[A])
    correct(published, sent=False)
    correct(published, name="corr-2", before=OTHER, after=OTHER)
    assert names(published) == set()


def test_an_upheld_request_is_answered_by_its_own_correction_also_of_a_name(published: Story) -> None:
    withdraw(published, why="request_upheld", units=[A], request_id="r-2")
    correct(published, request_id="r-1")
    assert names(published) == {A}
    correct(published, name="corr-2", before=OTHER, after=OTHER, request_id="r-2")
    assert names(published) == set()


def test_the_page_of_an_upheld_request_may_go_out_before_the_release_is_taken_down(published: Story) -> None:
    correct(published, request_id="r-2")
    withdraw(published, why="request_upheld", units=[A], request_id="r-2")
    assert names(published) == set()


def test_a_correction_that_was_published_already_answers_no_request(story: Story) -> None:
    correct(story, request_id="r-2")
    release(story, CYCLE)
    withdraw(story, why="request_upheld", units=[A], request_id="r-2")
    assert names(story) == {A}


def test_without_its_number_an_upheld_request_is_answered_by_any_correction_since_the_release(published: Story) -> None:
    withdraw(published, why="request_upheld", units=[A])
    correct(published)
    assert names(published) == set()


@pytest.mark.parametrize(
    ("why", "ended"),
    [
        ("error_found", "figures_right"),
        ("request_upheld", "figures_right"),
        ("cell_disclosed", "cell_protected"),
        ("order", "order_lifted"),
        ("rights_ended", "rights_renewed"),
    ],
)
def test_a_withdrawal_is_ended_by_the_reason_that_fits_it_for_those_who_are_named(
    published: Story, why: str, ended: str
) -> None:
    withdraw(published, why=why)
    for reason in {"figures_right", "cell_protected", "order_lifted", "rights_renewed"} - {ended}:
        published.tell("withdrawal_ended", TAKEN_DOWN, release_id=CYCLE, reason=reason)
    assert names(published) == {A, B}
    published.tell("withdrawal_ended", TAKEN_DOWN, release_id=CYCLE, reason=ended, units=[B])
    assert names(published) == {A}
    published.tell("withdrawal_ended", TAKEN_DOWN, release_id=CYCLE, reason=ended)
    assert names(published) == set()


def test_a_withdrawal_that_is_ended_for_one_holds_for_those_after_it(published: Story) -> None:
    withdraw(published)
    published.tell("withdrawal_ended", TAKEN_DOWN, release_id=CYCLE, reason="figures_right", units=[A])
    assert names(published) == {B}


def test_two_reasons_hold_until_both_are_gone(published: Story) -> None:
    withdraw(published, units=[A])
    withdraw(published, why="order", units=[A])
    correct(published)
    assert names(published) == {A}
    published.tell("withdrawal_ended", TAKEN_DOWN, release_id=CYCLE, reason="order_lifted")
    assert names(published) == set()


def test_what_never_was_public_holds_nothing_back(published: Story) -> None:
    withdraw(published, why="never_public")
    assert held_back(published.facts(TAKEN_DOWN), CYCLE) == ()
    withdraw(published, units=[B])
    assert names(published) == {B}


def test_what_was_published_of_another_period_before_changes_nothing(story: Story) -> None:
    release(story, "2025Q3-1", cycle="2025Q3-1")
    release(story, CYCLE)
    withdraw(story)
    assert names(story) == {A, B}


def test_how_what_was_taken_down_by_order_returns_is_told(published: Story) -> None:
    withdraw(published, why="order", units=[B])
    assert published.fact("G10", TAKEN_DOWN) == (
        "U000002: withdrawn on 2026-05-04: an authority ordered it (returns by qe record withdrawal_ended)"
    )


@pytest.mark.parametrize(
    ("why", "held"),
    [
        ("error_found", set()),
        ("request_upheld", set()),
        ("cell_disclosed", {A, B}),
        ("order", {A, B}),
        ("rights_ended", {A, B}),
    ],
)
def test_in_a_later_cycle_of_the_period_what_was_wrong_has_its_own_review_and_an_order_stays(
    published: Story, why: str, held: set[str]
) -> None:
    withdraw(published, why=why)
    facts = published.facts(TAKEN_DOWN)
    assert set(units_held_back(facts, "2025Q4-2")) == held
    assert set(units_held_back(facts, "2026Q1-1")) == set()


def test_what_is_ended_holds_nothing_back_until_it_is_withdrawn_again(published: Story) -> None:
    withdraw(published, why="order")
    published.tell("withdrawal_ended", date(2026, 5, 6), release_id=CYCLE, reason="order_lifted")
    assert (names(published, date(2026, 5, 5)), names(published, date(2026, 5, 6))) == ({A, B}, set())
    withdraw(published, on=date(2026, 5, 7), why="order", units=[A])
    assert names(published, date(2026, 5, 7)) == {A}


def test_ending_another_withdrawal_ends_none_of_this_release(published: Story) -> None:
    withdraw(published)
    published.tell("withdrawal_ended", TAKEN_DOWN, release_id="2025Q4-1-2", reason="figures_right")
    assert names(published) == {A, B}


def test_single_measures_are_left_out_or_the_files_are_refused(published: Story) -> None:
    withdraw(published, why="cell_disclosed", units=[B], measures=["hwr"])
    facts = published.facts(TAKEN_DOWN)
    assert figures_held_back(facts, CYCLE) == {(B, "hwr")}
    assert not names(published)
    (one,) = held_back(facts, CYCLE)
    assert (one.unit_id, set(one.measures), one.event.kind) == (B, {"hwr"}, "public_withdrawn")
    assert published.refusing(TAKEN_DOWN) == ["G10"]
    assert published.fact("G10", TAKEN_DOWN) == "U000002: withdrawn figures of it are in these files (plan again)"
    assert published.earliest("G10", TAKEN_DOWN) == "2026-05-04"
    assert published.refusing(TAKEN_DOWN, withheld=frozenset({(A, "hwr")})) == ["G10"]
    assert published.refusing(TAKEN_DOWN, withheld=frozenset({(B, "hwr")})) == []
    assert published.refusing(TAKEN_DOWN, units={A: "d" * 64}) == []


def test_a_correction_cures_the_measures_that_it_moves(published: Story) -> None:
    withdraw(published, measures=["hwr", "pdc_statins"])
    correct(published, measures=("hwr",))
    assert figures_held_back(published.facts(TAKEN_DOWN), CYCLE) == {
        (A, "pdc_statins"), (B, "hwr"), (B, "pdc_statins"),
    }  # fmt: skip
    correct(published, name="corr-2", before=OTHER, after="f" * 64, measures=("pdc_statins",))
    assert figures_held_back(published.facts(TAKEN_DOWN), CYCLE) == {(B, "hwr"), (B, "pdc_statins")}
    assert names(published) == set()


def test_a_disclosed_measure_stays_left_out_whatever_is_corrected(published: Story) -> None:
    withdraw(published, why="cell_disclosed", measures=["hwr"])
    correct(published)
    assert figures_held_back(published.facts(TAKEN_DOWN), CYCLE) == {(A, "hwr"), (B, "hwr")}
    assert figures_held_back(published.facts(TAKEN_DOWN), "2025Q4-2") == {(A, "hwr"), (B, "hwr")}
