"""The public date moves later alone, everybody is told anew, and no clock starts again."""

from datetime import date

import pytest

from qe.errors import InputError, Refused
from qe.release import public_date
from qe.release.sends import reviews
from tests.release.conftest import UNITS, Office

CYCLE = "2025Q4-1"
MOVED_ON, NEW_DAY = date(2026, 4, 22), date(2026, 5, 20)  # the reports printed Saturday 2 May 2026


def move(office: Office, to: date, *, on: date = MOVED_ON) -> public_date.MovedDate:
    facts = office.facts(on)
    moved = public_date.moved_later(facts, cycle=CYCLE, public_on=to, why="hold")
    office.ledger.append([moved.event], at=office.at(), actor="officer", expected_head=facts.head)
    return moved


def test_nothing_is_published_on_the_day_told_before_nor_on_the_new_one_without_a_notice(office: Office) -> None:
    office.through_review()
    office.plan(date(2026, 4, 21))
    office.approve(date(2026, 4, 21))
    moved = move(office, NEW_DAY)
    assert (moved.units, moved.instead_of) == (UNITS, date(2026, 5, 2))
    blockers = {one.rule: one for one in office.decide(date(2026, 5, 2)).blockers}
    assert blockers["G24"].earliest == "2026-05-20"
    assert "told the public date 2026-05-20" in blockers["G24"].fact
    untold = {one.rule: one for one in office.decide(NEW_DAY).blockers}
    assert "not sent the notice of the status of its requests" in untold["G24"].fact


def test_after_a_notice_of_the_new_day_the_release_goes_out_on_it_and_each_clock_is_the_old_one(office: Office) -> None:
    office.through_review()
    before = {unit_id: unit.review for unit_id, unit in reviews(office.facts(MOVED_ON), CYCLE).items()}
    move(office, NEW_DAY)
    told = office.notice(date(2026, 4, 23))
    assert {one.letter.public_on for one in told.notices} == {NEW_DAY}
    assert {one.unit.unit_id for one in told.notices} == set(UNITS)
    after = {unit_id: unit.review for unit_id, unit in reviews(office.facts(NEW_DAY), CYCLE).items()}
    assert after == before, "moving the day starts no clock again"
    office.plan(NEW_DAY)
    office.approve(NEW_DAY)
    assert office.decide(NEW_DAY).allowed
    assert not office.decide(date(2026, 5, 19)).allowed


@pytest.mark.parametrize("to", [date(2026, 5, 1), date(2026, 5, 2), date(2026, 4, 21)])
def test_an_earlier_day_the_same_day_and_a_day_that_is_over_are_refused(office: Office, to: date) -> None:
    office.through_review()
    with pytest.raises(Refused, match="never moved earlier") as refusal:
        move(office, to)
    (reason,) = refusal.value.reasons
    assert (reason.rule, reason.earliest) == ("G24", "2026-05-02")


def test_a_day_between_two_moves_is_earlier_than_the_last_one_told(office: Office) -> None:
    office.through_review()
    move(office, NEW_DAY)
    with pytest.raises(Refused, match="never moved earlier"):
        move(office, date(2026, 5, 10))
    later = move(office, date(2026, 6, 1))
    assert (later.instead_of, later.units) == (NEW_DAY, UNITS)


def test_who_keeps_its_later_day_is_told_again_after_a_move_of_the_others_on_the_same_day(office: Office) -> None:
    run = office.run()
    office.send()
    office.confirm("U000001", "U000003")
    office.bounce("U000002", today=date(2026, 3, 10))
    office.render(run, date(2026, 4, 1), cycle=CYCLE)
    office.send(date(2026, 4, 1))
    office.confirm("U000002", on=date(2026, 4, 1))
    office.notice(MOVED_ON)
    assert move(office, NEW_DAY).units == ("U000001", "U000003"), "the other one's own day is 1 June"
    assert {one.unit.unit_id for one in office.notice(MOVED_ON).notices} == set(UNITS)
    found = reviews(office.facts(MOVED_ON), CYCLE)
    assert all(unit.is_noticed for unit in found.values()), "its letter says the same, and goes again all the same"
    assert office.notice(MOVED_ON).notices == ()


def test_a_day_more_than_a_year_away_is_taken_for_a_slip(office: Office) -> None:
    office.through_review()
    with pytest.raises(InputError, match="more than a year away"):
        move(office, date(2036, 5, 20))


def test_without_a_hand_over_there_is_no_day_to_move(office: Office) -> None:
    office.run()
    office.send()
    with pytest.raises(InputError, match="nobody of cycle 2025Q4-1 waits"):
        move(office, NEW_DAY)


def test_after_publication_everybody_is_told_once_where_the_results_stand(office: Office) -> None:
    office.through_review()
    day = date(2026, 5, 2)
    office.plan(day)
    office.approve(day)
    office.go(day)
    told = office.notice(date(2026, 5, 4))
    assert {one.kind for one in told.notices} == {"published_notice"}
    assert {(one.unit.unit_id, one.letter.public_on) for one in told.notices} == {(unit, day) for unit in UNITS}
    assert office.notice(date(2026, 5, 5)).notices == ()
    assert len(office.events("publication_told")) == len(UNITS)
    assert len(office.events("status_notice_sent")) == len(UNITS), "those before publication"


def test_who_has_asked_and_was_sent_nothing_has_no_days(office: Office) -> None:
    office.run()
    office.ask("U000001", "R1", on=date(2026, 3, 4))
    unit = reviews(office.facts(MOVED_ON), CYCLE)["U000001"]
    assert (unit.state, unit.review, unit.public_from) == ("not_sent", None, None)
    assert [event.text("request_id") for event in unit.requests] == ["R1"]
