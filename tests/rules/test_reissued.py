"""Rules.md sections 0.3 and 0.4: what is issued again is of its new cycle alone, and whoever is not goes on in the old one."""

from datetime import date

from qe.release.reissue import of_cycle, old_figures_public, reissued_from, reissued_in
from qe.release.sends import reviews
from tests.rules.story import DAY_61, Story

A, B, C = "U000001", "U000002", "U000003"
OLD, NEW, OTHER = "2025Q4-1", "2025Q4-2", "2025Q3-2"
ON = date(2026, 4, 20)


def reissue(story: Story, cycle: str, new_cycle: str, *units: str) -> None:
    story.tell(
        "cycle_reissued", ON, cycle=cycle, new_cycle=new_cycle, run_id="run2", units=list(units), reason="error_found"
    )


def test_where_nothing_is_issued_again_every_cycle_is_open_to_everybody(story: Story) -> None:
    facts = story.facts(ON)
    assert (dict(reissued_from(facts, OLD)), reissued_in(facts, NEW)) == ({}, None)
    assert of_cycle(facts, OLD, [A, B]) == of_cycle(facts, NEW, [A, B]) == {A, B}


def test_the_new_cycle_is_of_those_who_are_issued_again_and_the_old_one_of_the_others(story: Story) -> None:
    reissue(story, OLD, NEW, A)
    facts = story.facts(ON)
    assert dict(reissued_from(facts, OLD)) == {A: NEW}
    assert reissued_in(facts, NEW) == frozenset({A})
    assert set(of_cycle(facts, OLD, [A, B])) == {B}
    assert set(of_cycle(facts, NEW, [A, B])) == {A}
    assert (reissued_in(facts, OLD), dict(reissued_from(facts, NEW))) == (None, {})


def test_an_act_about_one_cycle_says_nothing_of_another(story: Story) -> None:
    reissue(story, OLD, NEW, A)
    reissue(story, "2025Q3-1", OTHER, B)
    facts = story.facts(ON)
    assert dict(reissued_from(facts, OLD)) == {A: NEW}
    assert (reissued_in(facts, NEW), reissued_in(facts, OTHER)) == (frozenset({A}), frozenset({B}))
    assert of_cycle(facts, NEW, [A, B, C]) == {A}


def test_a_cycle_that_is_issued_again_in_its_turn_keeps_who_is_not_in_the_third(story: Story) -> None:
    reissue(story, OLD, NEW, A, B)
    reissue(story, NEW, "2025Q4-3", B)
    facts = story.facts(ON)
    assert set(of_cycle(facts, OLD, [A, B, C])) == {C}
    assert set(of_cycle(facts, NEW, [A, B, C])) == {A}
    assert of_cycle(facts, "2025Q4-3", [A, B, C]) == {B}


def test_old_figures_that_are_public_still_keep_the_new_ones_back(story: Story) -> None:
    for release_id, cycle, units in (("2025Q4-9", "2025Q4-9", [A, B]), ("2025Q3-1", "2025Q3-1", [A])):
        story.tell(
            "public_released", ON, release_id=release_id, cycle=cycle, run_id="run1", bundle_sha256="4" * 64, units=units,
            open_requests=0,
        )  # fmt: skip
    shown = {A: "d" * 64}
    reissue(story, "2025Q3-1", "2025Q3-2", A)
    assert story.refusing(units=shown) == []
    reissue(story, "2025Q4-9", OLD, A)
    assert set(old_figures_public(story.facts(ON), OLD)) == {A}
    assert story.refusing(units=shown) == ["G10"]
    assert story.fact("G10", units=shown) == "U000001: its old figures are public in 2025Q4-9 (qe release withdraw)"
    assert story.earliest("G10", units=shown) == "2026-05-02"
    story.tell("public_withdrawn", DAY_61, release_id="2025Q4-9", reason="error_found", units=[A])
    assert story.refusing(units=shown) == []


# ---------------------------------------------------------------- what the days of a page rest on


def corrected_page(
    story: Story, unit_id: str, put_out: date, *, sent_on: date = date(2026, 3, 2), handed_over: date | None = None,
    cycle: str = OLD,
) -> str:  # fmt: skip
    page = story.tell(
        "report_sent", put_out, actor="analyst", cycle=cycle, run_id="run1", unit_id=unit_id, level="group",
        report_id=f"{cycle}-{unit_id}", channel="mail", pdf_sha256="8" * 64, csv_sha256="2" * 64, result_sha256="e" * 64,
        sent_on=sent_on.isoformat(), last_request_day="2026-06-01", public_from="2026-06-02", zone="America/Chicago",
        day_count="conservative", correction_id="corr-1",
    )  # fmt: skip
    if handed_over is not None:
        story.tell(
            "send_confirmed", handed_over, cycle=cycle, run_id="run1", unit_id=unit_id, sent=page.event_id,
            handed_over_on=handed_over.isoformat(),
        )  # fmt: skip
    return page.event_id


def rests_on(story: Story, unit_id: str = A, *, on: date = date(2026, 4, 30)) -> str:
    found = reviews(story.facts(on), OLD)[unit_id].rests_on
    return "" if found is None else found.event_id


def first_of(story: Story) -> str:
    return next(one.event_id for one in story.events if one.kind == "report_sent" and one.text("unit_id") == A)


def test_a_corrected_page_that_is_handed_over_after_the_day_it_prints_rests_on_the_report_before_it(
    story: Story,
) -> None:
    first = first_of(story)
    corrected_page(story, A, date(2026, 3, 20), handed_over=date(2026, 3, 23))
    assert rests_on(story) == first
    story.tell("delivery_failed", date(2026, 3, 25), cycle=OLD, unit_id=A, sent=first, reason="returned")
    assert rests_on(story) == ""


def test_a_page_rests_on_itself_when_it_is_handed_over_by_the_day_it_prints(story: Story) -> None:
    for handed_over in (date(2026, 3, 25), date(2026, 3, 24)):
        page = corrected_page(story, A, date(2026, 3, 20), sent_on=date(2026, 3, 25), handed_over=handed_over)
        assert rests_on(story) == page


def test_what_is_not_handed_over_gives_nobody_days(story: Story) -> None:
    first = first_of(story)
    corrected_page(story, A, date(2026, 3, 20), sent_on=date(2026, 3, 25))
    assert rests_on(story) == first
    story.drop("send_confirmed", unit_id=A)
    assert rests_on(story) == ""


def test_a_page_of_another_cycle_is_nothing_to_this_one(story: Story) -> None:
    first = first_of(story)
    corrected_page(
        story, A, date(2026, 3, 20), sent_on=date(2026, 3, 25), handed_over=date(2026, 3, 24), cycle="2025Q3-1"
    )
    assert rests_on(story) == first


def is_noticed(story: Story, unit_id: str = A) -> bool:
    return reviews(story.facts(date(2026, 6, 20)), OLD)[unit_id].is_noticed


def test_a_notice_before_a_report_that_came_back_tells_nothing_of_the_dates_of_the_next(story: Story) -> None:
    assert is_noticed(story)
    story.bounce(A, date(2026, 4, 1))
    assert reviews(story.facts(date(2026, 4, 1)), OLD)[A].dated is None
    story.send(A, date(2026, 4, 5))
    assert not is_noticed(story)
    assert is_noticed(story, B)
    assert story.refusing(date(2026, 6, 5)) == ["G24"]
    story.notice(A, date(2026, 6, 5), public_on=date(2026, 6, 5))
    assert is_noticed(story)
    assert story.refusing(date(2026, 6, 5)) == []


def test_a_notice_holds_for_a_corrected_page_with_the_dates_of_the_report_before_it(story: Story) -> None:
    corrected_page(story, A, date(2026, 4, 25))
    assert is_noticed(story)
    corrected_page(story, A, date(2026, 4, 26), sent_on=date(2026, 4, 26))
    assert not is_noticed(story)
