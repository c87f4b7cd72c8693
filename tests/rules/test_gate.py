"""The gate as a whole: all rules evaluated, unknown fails, nothing turns a refusal into leave, a permit is used once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qe.errors import Refused
from qe.ledger.book import Head
from qe.release.artefact import PUBLIC, Recipient, RecipientKind

DAY_61 = date(2026, 5, 2)
KINDS = ("entity_approved", "dua_signed", "source_registered", "measure_approved", "send_confirmed", "sdc_checked")


def without(story: Any, *, kind: str) -> None:
    story.drop(kind)


# each spoils one thing that some rule looks at
HARM: dict[str, Callable[[Any], Any]] = {
    **{f"without {kind}": partial(without, kind=kind) for kind in KINDS},
    "agreement ended": lambda story: story.tell("dua_ended", date(2026, 1, 1), dua_no="D-1"),
    "source ended": lambda story: story.tell("source_ended", date(2026, 1, 1), source_id="medicare"),
    "measure disapproved": lambda story: story.tell(
        "measure_disapproved", date(2026, 1, 1), measure_id="hwr", version="1.0.0", level="facility"
    ),
    "alternative, approved as standard": lambda story: story.change(
        "run_completed", alternatives=["hwr@1.0.0@facility", "pdc_statins@1.0.0@group"]
    ),
    "report returned": lambda story: story.bounce("U000001", date(2026, 4, 1)),
    "cells found": lambda story: story.tell(
        "sdc_checked",
        date(2026, 4, 22),
        release_id="2025Q4-1",
        bundle_sha256="c" * 64,
        cells_checked=1,
        cells_hidden=0,
        findings=3,
    ),
    "asked after the notice": lambda story: story.ask("U000002", date(2026, 4, 30)),
    "told a later day": lambda story: story.notice("U000002", date(2026, 4, 30), public_on=date(2026, 5, 9)),
}


@pytest.mark.parametrize("harm", sorted(HARM))
def test_each_harm_alone_refuses_the_release(story: Any, harm: str) -> None:
    HARM[harm](story)
    assert not story.decide().allowed


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(harms=st.lists(st.sampled_from(sorted(HARM)), min_size=1, max_size=5, unique=True))
def test_more_failing_facts_never_turn_a_refusal_into_leave(new_story: Callable[[], Any], harms: list[str]) -> None:
    story = new_story()
    for harm in harms:
        HARM[harm](story)
        assert not story.decide().allowed


def test_all_rules_are_evaluated_after_the_first_failure(story: Any) -> None:
    for kind in ("entity_approved", "dua_signed", "source_registered", "measure_approved"):
        story.drop(kind)
    decision = story.decide(posting=None, sha256="f" * 64)
    assert [one.rule for one in decision.reasons if one.verdict == "fail"] == ["G1", "G4", "G5", "G7", "G11", "G18"]
    assert len(decision.reasons) == 24


def test_every_refusal_names_its_paragraph(story: Any) -> None:
    story.events = [event for event in story.events if event.kind == "run_completed"]
    for one in story.decide().reasons:
        assert one.citation and (one.verdict != "fail" or one.fact)


def test_outside_a_rehearsal_the_same_rules_decide_but_a_second_person_approves(story: Any) -> None:
    story.rehearsal = False
    assert story.refusing() == []
    story.events = [replace(one, actor="officer") if one.kind == "run_completed" else one for one in story.events]
    assert story.refusing() == ["G18"]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shift=st.integers(-20, 400))
def test_sending_k_days_later_moves_the_earliest_day_by_k(new_story: Callable[[], Any], shift: int) -> None:
    story = new_story()
    for kind in ("report_sent", "send_confirmed", "status_notice_sent"):
        story.drop(kind)
    sent_on = date(2026, 3, 2) + timedelta(days=shift)
    story.send("U000001", sent_on)
    asked = {"units": {"U000001": "d" * 64}, "public_on": None}
    assert story.earliest("G10", sent_on, **asked) == (date(2026, 5, 2) + timedelta(days=shift)).isoformat()


def test_a_refused_decision_gives_no_permit_but_all_reasons(story: Any) -> None:
    story.drop("entity_approved")
    with pytest.raises(Refused) as refusal:
        story.decide().require("no")
    assert len(refusal.value.reasons) == 24


def test_a_permit_is_used_once_for_these_bytes_this_recipient_this_day_and_this_ledger(story: Any) -> None:
    decision = story.decide()
    right = {"sha256": "c" * 64, "recipient": PUBLIC, "on": DAY_61, "head": decision.head}
    wrong = {
        "sha256": "f" * 64,
        "recipient": Recipient(kind=RecipientKind.PROVIDER, unit_id="U000001"),
        "on": date(2026, 5, 3),
        "head": Head(seq=decision.head.seq + 1, hash="another"),
    }
    permit = decision.require("no")
    for name, value in wrong.items():
        with pytest.raises(Refused, match="permit is for another"):
            permit.redeem(**{**right, name: value})
    permit.redeem(**right)
    with pytest.raises(Refused, match="used already"):
        permit.redeem(**right)


def test_facts_of_another_day_are_our_own_mistake(story: Any) -> None:
    from qe.release.gate import may_disclose

    with pytest.raises(ValueError, match="another day"):
        may_disclose(story.artefact(), PUBLIC, on=DAY_61, ledger=story.facts(date(2026, 5, 1)))
