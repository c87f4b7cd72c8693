"""The gate asked with a ledger or its facts, with and without an instant and a zone; and what it says of several at once."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from qe.errors import Reason
from qe.ledger.book import Ledger
from qe.ledger.event import NewEvent
from qe.ledger.fold import Facts
from qe.release.artefact import PUBLIC, ArtefactKind, Decision
from qe.release.gate import may_disclose
from qe.release.lineage import LineageSource, MeasureAtLevel
from qe.release.publicity import small_cells_checked
from qe.release.review import start_of_day
from qe.release.rules.participation import no_hold, not_ended
from qe.release.standing import combined_data, labels, measure_approvals, reason
from tests.rules.story import BUNDLE, DAY_61, SENT_ON, SHOWN, Story

ON: Final = date(2026, 7, 1)
FIRST, LAST = "Pacific/Kiritimati", "Pacific/Pago_Pago"  # a day ends in the first an hour before it begins in the last
U1: Final = "U000001"


def g10(decision: Decision) -> str:
    return next(one.fact for one in decision.reasons if one.rule == "G10")


def written(story: Story, ledger: Ledger) -> Ledger:
    """The story in a real ledger, its hand-overs bound to the ids that the ledger gave."""
    ids: dict[str, str] = {}
    for event in story.events:
        payload = {name: ids.get(str(value), value) for name, value in event.payload.items()}
        new = NewEvent(kind=event.kind, effective_on=event.effective_on, payload=payload)
        ids[event.event_id] = ledger.append([new], at=event.at, actor=event.actor)[0].event_id
    return ledger


NOT_YET: Final = "U000001: the last day to ask is over at 2026-05-02 11:00 UTC, in the recipient's zone"
OVER: Final = "the 60 days of all 2 providers and suppliers are over"


def test_the_end_of_the_day_is_that_of_the_zone_of_the_entity(story: Story, tmp_path: Path) -> None:
    story.drop("report_sent", unit_id=U1)
    story.drop("send_confirmed", unit_id=U1)
    story.drop("status_notice_sent", unit_id=U1)
    story.send(U1, SENT_ON, zone=LAST)
    story.notice(U1, date(2026, 4, 20))
    ledger = written(story, Ledger(tmp_path / "ledger", zone=FIRST))
    artefact, facts = story.artefact(), story.facts(DAY_61)

    def asked(ledger: Ledger | Facts, entity_zone: str | None = None) -> str:
        return g10(may_disclose(artefact, PUBLIC, on=DAY_61, ledger=ledger, entity_zone=entity_zone, rehearsal=True))

    assert asked(ledger) == NOT_YET  # 2 May ends in Kiritimati at 10:00 UTC
    assert asked(ledger, entity_zone="America/New_York") == OVER
    assert asked(facts) == OVER  # of facts alone, that of New York
    assert asked(facts, entity_zone=FIRST) == NOT_YET


def test_the_ledger_is_read_as_of_the_day_that_is_asked_about(story: Story, tmp_path: Path) -> None:
    ledger = written(story, Ledger(tmp_path / "ledger", zone="America/New_York"))
    early, late = (
        may_disclose(story.artefact(), PUBLIC, on=on, ledger=ledger, rehearsal=True) for on in (SENT_ON, DAY_61)
    )
    assert (early.allowed, late.allowed) == (False, True)
    assert late.head == ledger.head()
    assert g10(early) == "U000001, U000002: report sent on 2026-03-02, public after 2026-05-01, from 2026-05-02"


def test_facts_of_another_day_are_named_as_such(story: Story) -> None:
    with pytest.raises(ValueError, match=r"^the facts are those of another day$"):
        may_disclose(story.artefact(), PUBLIC, on=DAY_61, ledger=story.facts(SENT_ON))


def test_an_instant_is_told_in_utc() -> None:
    midnight = start_of_day(date(2026, 5, 2), "America/Chicago")
    assert midnight == datetime(2026, 5, 2, 5, tzinfo=UTC)
    assert midnight.tzinfo is UTC  # not the zone of the machine


def test_a_verdict_names_the_first_day_where_a_day_cures_it() -> None:
    told = [reason("G12", "42 CFR 401.717(f)", "fail", "too early", earliest=day) for day in (ON, None)]
    assert told == [
        Reason(rule="G12", citation="42 CFR 401.717(f)", verdict="fail", fact="too early", earliest=day)
        for day in ("2026-07-01", None)
    ]


# ---------------------------------------------------------------- several at once


def test_several_sources_that_decreased_are_all_named() -> None:
    story = Story()
    for decrease_id, source_id in (("d-1", "plan_b"), ("d-2", "plan_a")):
        told = {"decrease_id": decrease_id, "source_id": source_id, "detected_on": "2026-06-01"}
        story.tell("decrease_detected", date(2026, 6, 1), **told)
    assert no_hold(story.facts(ON)).fact == (
        "claims of plan_a, plan_b decreased, seen on 2026-06-01, and CMS has not found the rest sufficient"
    )


@pytest.mark.parametrize(("decided_on", "verdict"), [("2026-07-01", "pass"), ("2026-07-02", "fail")])
def test_711_c_what_cms_decides_counts_from_its_day(decided_on: str, verdict: str) -> None:
    story = Story()
    story.tell("decrease_detected", date(2026, 6, 1), decrease_id="d-1", source_id="plan_a", detected_on="2026-06-01")
    decided = {"decrease_id": "d-1", "decision": "sufficient", "decided_on": decided_on}
    story.tell("cms_sufficiency_decision", date(2026, 6, 30), **decided)
    assert no_hold(story.facts(ON)).verdict == verdict


@pytest.mark.parametrize(
    ("approved_on", "verdict"), [("2026-07-01", "pass"), ("2026-07-02", "fail"), ("2026-06-01", "fail")]
)
def test_721_b_an_approval_after_the_end_counts_from_its_day(approved_on: str, verdict: str) -> None:
    story = Story()
    story.tell("voluntary_exit", date(2026, 6, 1), notified_on="2026-06-01")
    story.tell("entity_approved", date(2026, 6, 1), approved_on=approved_on)
    assert not_ended(story.facts(ON)).verdict == verdict


def test_every_measure_that_lacks_its_approval_is_named(story: Story) -> None:
    lineage = story.artefact().lineage
    assert lineage is not None
    story.drop("measure_approved")
    said = "hwr 1.0.0 at level facility is not approved; pdc_statins 1.0.0 at level group is not approved"
    assert measure_approvals(story.facts(ON), lineage, rehearsal=False).fact == said
    none = measure_approvals(story.facts(ON), replace(lineage, measures=()), rehearsal=False)
    assert (none.verdict, none.fact) == ("fail", "the run's measures are not known")


def test_a_day_cures_the_measures_only_where_it_cures_all_of_them(story: Story) -> None:
    lineage = story.artefact().lineage
    assert lineage is not None
    story.change("measure_approved", approved_on="2026-07-09")
    assert measure_approvals(story.facts(ON), lineage, rehearsal=False).earliest == "2026-07-09"
    unknown = MeasureAtLevel(measure_id="supd", version="1.0.0", level="group")
    more = replace(lineage, measures=(*lineage.measures, unknown))
    assert measure_approvals(story.facts(ON), more, rehearsal=False).earliest is None


def sources(*told: tuple[str, str, tuple[str, ...]]) -> tuple[LineageSource, ...]:
    return tuple(LineageSource(source_id=one, payer_type=payer, labels=words) for one, payer, words in told)


def test_the_sources_that_are_joined_to_medicare_are_counted(story: Story) -> None:
    lineage = story.artefact().lineage
    assert lineage is not None
    three = sources(("medicare", "medicare", ()), ("plan_a", "commercial", ()), ("plan_b", "medicaid", ()))
    said = combined_data(ArtefactKind.PUBLIC_REPORT, replace(lineage, sources=three)).fact
    assert said == "Medicare claims are combined with those of 2 other sources"


def test_each_label_is_told_with_the_rule_that_forbids_it(story: Story) -> None:
    lineage = story.artefact().lineage
    assert lineage is not None
    labelled = sources(("medicare", "medicare", ("pswp", "made_up")), ("plan_a", "commercial", ("part2",)))
    found = labels(replace(lineage, sources=labelled))
    assert found.fact == (
        "the run's sources hold a label that no rule knows; records of substance use disorder treatment; "
        "patient safety work product"
    )
    assert found.citation == ("42 CFR 401.707(e), Parts 2 and 3; 42 CFR 2.11 (QSO guide D); 42 CFR 3.206")


# ---------------------------------------------------------------- two people


def checked(
    story: Story, *, checker: str = "checker", approver: str = "officer", sha256: str = BUNDLE, findings: int = 0
) -> None:
    bound: dict[str, Any] = {"release_id": "2025Q4-1", "bundle_sha256": sha256}
    counts = {"cells_checked": 40, "cells_hidden": 2, "findings": findings}
    story.tell("sdc_checked", date(2026, 4, 22), actor=checker, **bound, **counts)
    story.tell("release_approved", date(2026, 4, 22), actor=approver, **bound)


SECOND: Final = "the person who made the run also approved it: a second person must"
PASSED: Final = "40 cells checked, none can be narrowed down"


@pytest.mark.parametrize(
    ("checker", "approver", "said"),
    [("checker", "officer", PASSED), ("analyst", "officer", SECOND), ("checker", "analyst", SECOND)],
)
def test_who_made_the_run_neither_checks_nor_approves_it(story: Story, checker: str, approver: str, said: str) -> None:
    checked(story, checker=checker, approver=approver)
    assert small_cells_checked(story.facts(ON), story.artefact(), rehearsal=False).fact == said
    assert small_cells_checked(story.facts(ON), story.artefact(), rehearsal=True).fact == PASSED


def test_where_it_is_not_known_who_made_the_run_nobody_is_a_second_person(story: Story) -> None:
    artefact = story.artefact()
    story.drop("run_completed")
    assert small_cells_checked(story.facts(ON), artefact, rehearsal=False).fact == SECOND


def test_what_was_checked_and_approved_of_other_bytes_says_nothing_of_these(story: Story) -> None:
    checked(story, checker="analyst", approver="analyst", sha256="e" * 64, findings=3)
    assert small_cells_checked(story.facts(ON), story.artefact(), rehearsal=False).fact == PASSED


def test_results_as_shown_are_compared_by_their_digest(story: Story) -> None:
    changed = story.artefact(units={U1: "9" * 64, "U000002": SHOWN})
    assert g10(may_disclose(changed, PUBLIC, on=DAY_61, ledger=story.facts(DAY_61))) == (
        "U000001: report shows other results than would be published"
    )
