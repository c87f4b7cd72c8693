"""Rules.md section 0.6: a public date is moved later, on record, and never earlier; its words, day for day."""

from datetime import date

import pytest

from qe.errors import InputError, Refused
from qe.release.public_date import MovedDate, moved_later
from tests.rules.story import BUNDLE, DAY_61, Story

A, B = "U000001", "U000002"
CYCLE = "2025Q4-1"
ON, TO = date(2026, 4, 22), date(2026, 5, 20)  # both were told 2 May 2026


def move(story: Story, to: date = TO, *, on: date = ON) -> MovedDate:
    return moved_later(story.facts(on), cycle=CYCLE, public_on=to, why="hold")


def test_a_move_names_the_day_told_before_and_everybody_who_is_to_be_told(story: Story) -> None:
    moved = move(story)
    assert (moved.cycle, moved.public_on, moved.instead_of, moved.units) == (CYCLE, TO, DAY_61, (A, B))
    assert (moved.event.kind, moved.event.effective_on) == ("public_date_set", ON)
    assert moved.event.payload == {
        "cycle": CYCLE, "public_on": "2026-05-20", "instead_of": "2026-05-02", "reason": "hold",
    }  # fmt: skip
    assert moved.event.key == "public_date_set:2025Q4-1:2026-05-20:2026-04-22"


@pytest.mark.parametrize("to", [date(2026, 5, 1), DAY_61])
def test_an_earlier_day_and_the_day_that_was_told_are_refused_in_these_words(story: Story, to: date) -> None:
    with pytest.raises(Refused, match="the public date of 2025Q4-1 is never moved earlier") as refusal:
        move(story, to)
    (reason,) = refusal.value.reasons
    assert (reason.rule, reason.citation, reason.verdict, reason.earliest) == (
        "G24", "42 CFR 401.717(a), (d), rules.md section 0.6", "fail", "2026-05-02",
    )  # fmt: skip
    assert reason.fact == f"the public date 2026-05-02 was told; {to} would come sooner, or is over"
    assert refusal.value.remedy == "Name a day after 2026-05-02."


def test_after_the_day_that_was_told_today_is_later_and_yesterday_is_over(story: Story) -> None:
    on = date(2026, 5, 6)
    assert move(story, on, on=on).units == (A, B)
    with pytest.raises(Refused) as refusal:
        move(story, date(2026, 5, 5), on=on)
    assert refusal.value.remedy == "Name a day after 2026-05-06."


def test_the_last_day_to_move_to_is_a_year_ahead(story: Story) -> None:
    assert move(story, date(2027, 4, 23)).public_on == date(2027, 4, 23)  # 22 April 2026 + 366 days
    with pytest.raises(InputError, match="2027-04-24 is more than a year away") as told:
        move(story, date(2027, 4, 24))
    assert told.value.faults[0].remedy == "A date moved is never moved back: check --to."


def test_whose_results_are_public_is_not_told_another_day_and_another_cycles_release_is_none_of_it(
    story: Story,
) -> None:
    def release(cycle: str) -> None:
        story.tell(
            "public_released", date(2026, 4, 21), release_id=cycle, cycle=cycle, run_id="run1", bundle_sha256=BUNDLE,
            units=[A], open_requests=0,
        )  # fmt: skip

    release("2025Q3-1")
    assert move(story).units == (A, B)
    release(CYCLE)
    assert move(story).units == (B,)


def test_who_is_issued_again_waits_for_no_day_of_this_cycle(story: Story) -> None:
    story.tell(
        "cycle_reissued", date(2026, 4, 20), cycle=CYCLE, new_cycle="2025Q4-2", run_id="run2", units=[A],
        reason="error_found",
    )  # fmt: skip
    assert move(story).units == (B,)


def test_the_earliest_day_told_is_the_one_that_is_moved(story: Story) -> None:
    story.notice(B, date(2026, 4, 21), public_on=date(2026, 5, 10))
    assert move(story, date(2026, 5, 5)).units == (A,)
    moved = move(story)
    assert (moved.instead_of, moved.units) == (DAY_61, (A, B))


def test_where_nobody_was_told_a_day_there_is_none_to_move(story: Story) -> None:
    story.drop("send_confirmed")
    with pytest.raises(InputError, match="nobody of cycle 2025Q4-1 waits for a public date on 2026-04-22") as told:
        move(story)
    assert told.value.faults[0].remedy == (
        "A date is told by a report that was handed over: qe review send, qe review confirm."
    )
