"""Rules.md section 0.13: what was taken down returns corrected, issued again, or once the withdrawal is ended; never as it was."""

from datetime import date
from typing import Any

import pytest

from qe.release.held_back import figures_held_back, held_back, units_held_back
from tests.rules.story import BUNDLE, DAY_61, Story

A, B = "U000001", "U000002"
CYCLE = "2025Q4-1"
TAKEN_DOWN = date(2026, 5, 4)
OTHER = "e" * 64


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


def send_anew(story: Story, unit_id: str, results: str, **more: str) -> None:
    """A later page of the unit with these results and the dates of the report before it."""
    earlier = next(one for one in story.events if one.kind == "report_sent" and one.text("unit_id") == unit_id)
    sent = story.tell(
        "report_sent", TAKEN_DOWN, actor="analyst", **{**earlier.payload, "result_sha256": results, **more}
    )
    story.tell(
        "send_confirmed", TAKEN_DOWN, cycle=CYCLE, run_id="run1", unit_id=unit_id, sent=sent.event_id,
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
    ("why", "results", "held"),
    [
        ("error_found", OTHER, {B}),
        ("request_upheld", OTHER, {B}),
        ("error_found", "d" * 64, {A, B}),
        ("cell_disclosed", OTHER, {A, B}),
        ("order", OTHER, {A, B}),
        ("rights_ended", OTHER, {A, B}),
    ],
)
def test_other_results_cure_an_error_of_their_own_unit_alone(
    published: Story, why: str, results: str, held: set[str]
) -> None:
    withdraw(published, why=why)
    send_anew(published, A, results)
    assert names(published) == held
    refused = A in held
    assert (published.refusing(TAKEN_DOWN, units={A: results}) == ["G10"]) is refused


def test_a_correction_that_moves_no_result_cures_an_error_too(published: Story) -> None:
    """Of a name that was misprinted."""
    withdraw(published, why="request_upheld", units=[A])
    send_anew(published, A, "d" * 64, correction_id="corr-1")
    assert names(published) == set()


def test_a_page_that_was_sent_between_publication_and_withdrawal_cures_it_too(published: Story) -> None:
    send_anew(published, A, OTHER)
    withdraw(published)
    assert names(published) == {B}


def test_what_a_unit_was_sent_in_another_cycle_cures_nothing(published: Story) -> None:
    earlier = next(one for one in published.events if one.kind == "report_sent" and one.text("unit_id") == A)
    withdraw(published)
    elsewhere: dict[str, Any] = {**earlier.payload, "cycle": "2025Q4-2", "result_sha256": OTHER}
    published.tell("report_sent", TAKEN_DOWN, **elsewhere)
    assert names(published) == {A, B}


def test_what_is_compared_is_what_was_sent_last_before_the_publication(story: Story) -> None:
    send_anew(story, A, OTHER)
    release(story, CYCLE)
    withdraw(story)
    assert names(story) == {A, B}, "the other results are those that were published"
    send_anew(story, A, "f" * 64)
    assert names(story) == {B}


def test_what_is_ended_holds_nothing_back_until_it_is_withdrawn_again(published: Story) -> None:
    withdraw(published, why="order")
    published.tell("withdrawal_ended", date(2026, 5, 6), release_id=CYCLE, reason="order_lifted")
    assert (names(published, date(2026, 5, 5)), names(published, date(2026, 5, 6))) == ({A, B}, set())
    withdraw(published, on=date(2026, 5, 7), why="order", units=[A])
    assert names(published, date(2026, 5, 7)) == {A}


def test_ending_another_withdrawal_ends_none_of_this_release(published: Story) -> None:
    withdraw(published)
    published.tell("withdrawal_ended", TAKEN_DOWN, release_id="2025Q4-1-2", reason="order_lifted")
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


def test_a_measure_of_everybody_is_held_back_of_each_and_no_other_results_cure_it(published: Story) -> None:
    withdraw(published, measures=["hwr", "pdc_statins"])
    send_anew(published, A, OTHER)
    assert figures_held_back(published.facts(TAKEN_DOWN), CYCLE) == {
        (unit_id, measure_id) for unit_id in (A, B) for measure_id in ("hwr", "pdc_statins")
    }
