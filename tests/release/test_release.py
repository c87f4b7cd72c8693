"""From the end of the review to publication: what is refused, on which day it opens, and that exactly the staged bytes go out."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from qe.errors import Findings, InputError, Refused
from qe.ledger.book import Ledger
from qe.ledger.verify import verify
from qe.release import publish

DAY_60, DAY_61 = date(2026, 5, 1), date(2026, 5, 2)


def failing(decision: Any) -> list[str]:
    return [one.rule for one in decision.reasons if one.verdict == "fail"]


def files(folder: Any) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_day_60_is_refused_with_the_first_day_and_nothing_is_written_and_day_61_publishes(office: Any) -> None:
    office.through_review()
    office.plan(date(2026, 4, 21))
    staged = office.approve(date(2026, 4, 21))
    before = office.ledger.head()
    with pytest.raises(Refused) as refusal:
        office.go(DAY_60)
    refused = {one.rule: one.earliest for one in refusal.value.reasons if one.verdict == "fail"}
    assert refused == {"G10": "2026-05-02", "G24": "2026-05-02"}
    assert (office.ledger.head(), office.site.public.exists()) == (before, False)
    folder = office.go(DAY_61)
    assert files(folder) == dict(staged.files)
    assert verify(office.ledger).faults == ()


def test_day_61_waits_for_midnight_in_the_recipients_zone(office: Any) -> None:
    office.through_review()
    office.plan(DAY_61)
    office.approve(DAY_61)
    # 2 May begins at 4:00 UTC in New York and at 5:00 UTC in Chicago, where the recipients are
    midnight = datetime(2026, 5, 2, 5, tzinfo=UTC)
    assert failing(office.decide(DAY_61, instant=midnight - timedelta(seconds=1))) == ["G10"]
    assert failing(office.decide(DAY_61, instant=midnight)) == []


def test_a_plan_names_every_blocker_before_anything_is_sent(office: Any) -> None:
    office.run()
    planned = office.plan(date(2026, 3, 2))
    assert planned.staged is None
    assert sorted(failing(planned.decision)) == ["G10", "G18", "G23", "G24"]
    assert {one.unit_id for one in planned.waiting} == {"U000001", "U000002", "U000003"}
    # sent today, 2 March, it could be public on 2 May
    assert [one.earliest for one in planned.decision.reasons if one.rule == "G10"] == ["2026-05-02"]


def test_go_with_nothing_staged_is_refused_with_reasons(office: Any) -> None:
    office.through_review()
    with pytest.raises(Refused) as refusal:
        office.go(DAY_61)
    assert [one.rule for one in refusal.value.reasons if one.verdict == "fail"] == ["G18", "G23"]


def test_a_unit_whose_report_came_back_leaves_the_release(office: Any) -> None:
    office.through_review()
    office.bounce("U000002", today=date(2026, 4, 22))
    planned = office.plan(DAY_61)
    assert (planned.units, [one.unit_id for one in planned.waiting]) == (("U000001", "U000003"), ["U000002"])
    office.approve(DAY_61)
    folder = office.go(DAY_61)
    assert (folder / "data" / "results.csv").read_text().split() == ["public_id", "U000001", "360001"]


def test_a_late_unit_follows_in_a_second_part(office: Any) -> None:
    run = office.run()
    office.send()
    office.confirm("U000001", "U000003")
    office.bounce("U000002", today=date(2026, 3, 10))
    office.render(run, date(2026, 4, 1), cycle="2025Q4-1")
    office.send(date(2026, 4, 1))
    office.confirm("U000002", on=date(2026, 4, 1))
    office.notice(date(2026, 4, 20))
    assert office.plan(DAY_61).units == ("U000001", "U000003")
    office.approve(DAY_61)
    assert office.go(DAY_61).name == "2025Q4-1"
    early = office.plan(date(2026, 5, 31))
    assert (early.release_id, early.public_on, failing(early.decision)[0]) == ("2025Q4-1-2", date(2026, 6, 1), "G10")
    office.plan(date(2026, 6, 1))
    office.approve(date(2026, 6, 1))
    folder = office.go(date(2026, 6, 1))
    assert (folder.name, (folder / "data" / "results.csv").read_text().split()) == (
        "2025Q4-1-2",
        ["public_id", "U000002"],
    )


def test_without_a_status_notice_the_release_is_refused_by_g24(office: Any) -> None:
    office.run()
    office.send()
    office.confirm()
    office.plan(DAY_61)
    office.approve(DAY_61)
    assert failing(office.decide(DAY_61)) == ["G24"]
    office.notice(DAY_61)
    assert failing(office.decide(DAY_61)) == []


def test_a_unit_that_was_not_noticed_leaves_a_release_of_those_who_were(office: Any) -> None:
    office.run()
    office.send()
    office.confirm()
    office.notice(date(2026, 4, 20), only="U000001")
    planned = office.plan(DAY_61)
    assert planned.units == ("U000001",)
    assert {(one.unit_id, one.citation) for one in planned.waiting} == {
        ("U000002", "42 CFR 401.717(d)"),
        ("U000003", "42 CFR 401.717(d)"),
    }


def test_a_request_after_its_notice_needs_a_new_notice_of_its_status(office: Any) -> None:
    office.through_review()
    office.ask("U000001", "r-1", on=date(2026, 4, 25))
    office.plan(date(2026, 4, 26))
    office.approve(date(2026, 4, 26))
    assert failing(office.decide(DAY_61)) == ["G24"]
    assert [one.unit.unit_id for one in office.notice(date(2026, 4, 27)).notices] == ["U000001"]
    assert failing(office.decide(DAY_61)) == []


def test_an_open_request_never_holds_up_publication_and_is_posted_by_name_and_category(office: Any) -> None:
    office.run()
    office.send()
    office.confirm()
    office.ask("U000001", "r-1", on=date(2026, 4, 1), category="not_our_patient")
    office.notice(date(2026, 4, 20))
    office.plan(DAY_61)
    office.approve(DAY_61)
    folder = office.go(DAY_61)
    assert "('Elm Group', 'not_our_patient')" in (folder / "site" / "open-requests.html").read_text()
    assert office.events("public_released")[0].payload["open_requests"] == 1


def test_a_request_resolved_after_staging_makes_the_posting_wrong_and_is_refused_by_g11(office: Any) -> None:
    office.run()
    office.send()
    office.confirm()
    office.ask("U000001", "r-1", on=date(2026, 4, 1))
    office.notice(date(2026, 4, 20))
    office.plan(DAY_61)
    office.approve(DAY_61)
    office.record("request_resolved", DAY_61, request_id="r-1", outcome="denied")
    assert failing(office.decide(DAY_61)) == ["G11"]


def test_cells_that_could_be_narrowed_down_are_not_approved(office: Any) -> None:
    office.through_review()
    office.findings = 2
    office.plan(DAY_61)
    with pytest.raises(Refused, match="2 cells"):
        office.approve(DAY_61)
    assert (office.events("release_approved"), "G18" in failing(office.decide(DAY_61))) == ([], True)


def test_planning_again_with_other_files_voids_the_approval(office: Any) -> None:
    office.through_review()
    office.plan(date(2026, 4, 21))
    office.approve(date(2026, 4, 21))
    office.bounce("U000003", today=date(2026, 4, 22))
    office.plan(date(2026, 4, 23))
    assert failing(office.decide(DAY_61)) == ["G18"]


def test_a_bounce_after_approval_is_refused_by_g10_and_g24(office: Any) -> None:
    office.through_review()
    office.plan(date(2026, 4, 21))
    office.approve(date(2026, 4, 21))
    office.bounce("U000003", today=date(2026, 4, 30))
    assert failing(office.decide(DAY_61)) == ["G10", "G24"]


def test_results_changed_after_the_run_are_not_staged(office: Any) -> None:
    office.through_review()
    (office.site.runs / ("a" * 16) / "results" / "measure_results.parquet").write_bytes(b"other results")
    with pytest.raises(Findings, match="not those recorded"):
        office.plan(DAY_61)


def test_a_new_run_on_day_30_changes_no_byte_of_the_release(office: Any) -> None:
    office.through_review()
    office.plan(DAY_61)
    first = dict(office.approve(DAY_61).files)
    office.run("b" * 16, on=date(2026, 4, 1))
    office.plan(DAY_61)
    assert dict(office.approve(DAY_61).files) == first
    assert files(office.go(DAY_61)) == first


def test_a_publication_stopped_before_its_rename_is_finished_by_going_again(office: Any) -> None:
    office.through_review()
    office.plan(DAY_61)
    office.approve(DAY_61)
    folder = office.go(DAY_61)
    published = files(folder)
    folder.rename(office.site.root / "as if the rename had not happened")
    with pytest.raises(InputError, match="was stopped: its results do not stand in public yet") as told:
        office.notice(DAY_61)
    assert told.value.faults[0].remedy == "Finish it first: qe release go --cycle 2025Q4-1."
    assert (files(office.go(DAY_61)), len(office.events("public_released"))) == (published, 1)
    assert {one.kind for one in office.notice(DAY_61).notices} == {"published_notice"}


def test_a_release_decided_before_something_else_was_recorded_is_not_published(office: Any) -> None:
    office.through_review()
    office.plan(DAY_61)
    office.approve(DAY_61)
    when = office.when(DAY_61)
    staged, decision = publish.decide_go(office.site, office.ledger, cycle="2025Q4-1", when=when)
    office.ask("U000001", "r-1", on=date(2026, 5, 1))
    with pytest.raises(Refused, match="since this was decided"):
        publish.go(office.site, office.ledger, staged=staged, decision=decision, when=when, actor="officer")
    assert list(office.site.public.rglob("*")) == []


def test_nothing_lies_under_public_before_the_release_is_recorded(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    office.through_review()
    office.plan(DAY_61)
    office.approve(DAY_61)
    seen: list[list[str]] = []
    append = Ledger.append

    def watched(self: Ledger, *args: Any, **named: Any) -> Any:
        seen.append([path.name for path in office.site.public.rglob("*")])
        return append(self, *args, **named)

    monkeypatch.setattr(Ledger, "append", watched)
    folder = office.go(DAY_61)
    assert seen == [[]]
    assert folder.is_dir()
    assert folder.stat().st_mode & 0o055 == 0o055, "a web server reads it"
