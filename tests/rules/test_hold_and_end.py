"""A hold after a decrease of claims data, and the end of participation: what may still leave, and that nothing is computed."""

from datetime import date
from typing import Any

import pytest

from qe.errors import Refused
from qe.release.rules.participation import require_may_work

DAY = date(2026, 5, 2)


def decrease(story: Any, on: date = date(2026, 4, 1)) -> None:
    story.tell("decrease_detected", on, decrease_id="d-1", source_id="plan_a", detected_on=on.isoformat())


def decided(story: Any, on: date, decision: str) -> None:
    story.tell("cms_sufficiency_decision", on, decrease_id="d-1", decision=decision, decided_on=on.isoformat())


def test_711_c_a_decrease_holds_everything_up_until_cms_finds_the_rest_sufficient(story: Any) -> None:
    decrease(story)
    assert story.refusing() == ["G3"]
    decided(story, date(2026, 4, 20), "insufficient")
    assert story.refusing() == ["G3"]
    decided(story, date(2026, 4, 28), "sufficient")
    assert story.refusing() == []


def test_711_c_the_last_decision_counts_whatever_the_order_of_recording(story: Any) -> None:
    decrease(story)
    decided(story, date(2026, 4, 28), "insufficient")
    decided(story, date(2026, 4, 20), "sufficient")
    assert story.refusing() == ["G3"]


def test_711_c_an_officer_may_classify_a_decrease_as_none_but_not_against_cms(story: Any) -> None:
    decrease(story)
    story.tell("decrease_classified", date(2026, 4, 2), decrease_id="d-1", reason="run_out")
    assert story.refusing() == []
    decided(story, date(2026, 4, 20), "insufficient")
    assert story.refusing() == ["G3"]


def test_711_c_another_decrease_is_not_settled_with_the_first(story: Any) -> None:
    decrease(story)
    story.tell("decrease_classified", date(2026, 4, 2), decrease_id="d-1", reason="run_out")
    story.tell("decrease_detected", date(2026, 4, 9), decrease_id="d-2", source_id="plan_b", detected_on="2026-04-09")
    assert "plan_b" in story.fact("G3")
    assert story.refusing() == ["G3"]


@pytest.mark.parametrize("kind", ["termination_notified", "voluntary_exit"])
def test_721_b_after_the_end_nothing_is_released_until_the_entity_is_approved_again(story: Any, kind: str) -> None:
    story.tell(kind, date(2026, 4, 1), notified_on="2026-04-01")
    assert story.refusing() == ["G2"]
    story.tell("entity_approved", date(2026, 4, 1), approved_on="2026-04-01")  # of the day itself: not again
    assert story.refusing() == ["G2"]
    story.tell("entity_approved", date(2026, 4, 20), approved_on="2026-04-20")
    assert story.refusing() == []


def test_nothing_is_computed_while_a_hold_stands_or_after_the_end(story: Any) -> None:
    require_may_work(story.facts(DAY))
    decrease(story)
    story.tell("voluntary_exit", date(2026, 4, 1), notified_on="2026-04-01")
    with pytest.raises(Refused, match="the entity ended its participation on 2026-04-01") as refusal:
        require_may_work(story.facts(DAY))
    assert [one.rule for one in refusal.value.reasons] == ["G2", "G3"]
    assert "decrease_classified" in refusal.value.remedy
