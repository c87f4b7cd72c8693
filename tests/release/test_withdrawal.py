"""Taking a release down: a note in its place at once; what was wrong in it comes back corrected, issued again, or not at all."""

import shutil
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from qe.errors import InputError, Refused
from qe.ledger.event import NewEvent
from qe.release import publish as publishing
from qe.release.held_back import figures_held_back, units_held_back
from qe.release.in_flight import half_public, in_flight
from qe.release.plan import ReleasePlan
from qe.release.releases import figures_to_return
from qe.release.review import Clock
from qe.release.withdraw import (
    Asked,
    WithdrawalPlan,
    finish_stopped,
    plan_withdrawal,
    require_ends_something,
    withdraw,
)
from tests.release.conftest import UNITS, Office
from tests.release.test_corrected_page import NEW_RESULTS, send_again, uphold
from tests.release.test_release import DAY_61, failing, files

TAKEN_DOWN = date(2026, 5, 3)
CYCLE = "2025Q4-1"
A, B, C = UNITS
NOTE = b"The results published here as 2025Q4-1 were withdrawn on 2026-05-03. Reason: an error was found.\n"


@pytest.fixture
def published(office: Office) -> Office:
    """Everybody's results are public since 2 May."""
    office.through_review()
    publish(office, DAY_61)
    return office


def publish(office: Office, on: date) -> dict[str, bytes]:
    office.plan(on)
    office.approve(on)
    return files(office.go(on))


def withdrawn(office: Office, on: date, *, dry_run: bool = False, **asked: Any) -> WithdrawalPlan:
    when = office.when(on)
    planned = plan_withdrawal(office.site, office.ledger, Asked(cycle=CYCLE, **asked), when=when)
    if not dry_run:
        withdraw(planned, office.site, office.ledger, when=when, actor="officer")
    return planned


def waiting(planned: ReleasePlan) -> Mapping[str, str]:
    return {one.unit_id: one.why for one in planned.waiting}


def held(office: Office, on: date = TAKEN_DOWN) -> set[str]:
    return set(units_held_back(office.facts(on), CYCLE))


def note(office: Office, release_id: str = CYCLE) -> dict[str, bytes]:
    return files(office.site.public / release_id)


# ---------------------------------------------------------------- the files


def test_a_withdrawn_release_is_replaced_by_a_note(published: Office) -> None:
    would = withdrawn(published, TAKEN_DOWN, why="error_found", dry_run=True)
    assert ([one.is_down for one in would.releases], published.events("public_withdrawn")) == ([False], [])
    withdrawn(published, TAKEN_DOWN, why="error_found")
    assert note(published) == {"WITHDRAWN.txt": NOTE}


def test_withdrawing_again_for_the_same_reason_changes_nothing(published: Office) -> None:
    withdrawn(published, TAKEN_DOWN, why="error_found")
    before = note(published), published.ledger.head()
    for on in (date(2026, 5, 9), DAY_61):
        (again,) = withdrawn(published, on, why="error_found").releases
        assert (again.was_done, again.on, again.why) == (True, TAKEN_DOWN, "error_found")
    assert (note(published), published.ledger.head()) == before


def test_a_withdrawal_stopped_between_its_event_and_its_note_is_finished_with_its_own_day(published: Office) -> None:
    published.record("public_withdrawn", TAKEN_DOWN, release_id=CYCLE, reason="order")
    (finished,) = withdrawn(published, date(2026, 5, 9), why="order").releases
    assert (finished.event, finished.is_down, finished.on) == (None, False, TAKEN_DOWN)
    assert note(published)["WITHDRAWN.txt"].startswith(
        b"The results published here as 2025Q4-1 were withdrawn on 2026-05-03. Reason: an authority ordered it."
    )


def test_a_withdrawal_that_stopped_while_files_were_taken_away_leaves_none_of_them_public(
    published: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:

        def stopped(path: Path, *_: Any, **__: Any) -> None:
            if path.name.endswith(".away") and path.exists():
                raise KeyboardInterrupt

        patch.setattr(shutil, "rmtree", stopped)
        with pytest.raises(KeyboardInterrupt):
            withdrawn(published, TAKEN_DOWN, why="error_found")
    assert note(published) == {"WITHDRAWN.txt": NOTE}
    assert [path.name for path in published.site.public.iterdir()] == [CYCLE]


def test_what_a_stopped_withdrawal_left_in_public_is_taken_away_by_the_next_command_on_the_cycle(
    published: Office,
) -> None:
    published.record("public_withdrawn", TAKEN_DOWN, release_id=CYCLE, reason="error_found", units=[B])
    (told,) = half_public(published.site, published.facts(TAKEN_DOWN))
    assert (told.what, told.next_act) == ("withdrawal of 2025Q4-1", "qe release plan --cycle 2025Q4-1")
    finish_stopped(published.site, published.ledger, cycle=CYCLE, dry_run=True)
    assert len(note(published)) > 1
    finish_stopped(published.site, published.ledger, cycle=CYCLE, dry_run=False)
    assert list(note(published)) == ["WITHDRAWN.txt"]
    publish(published, TAKEN_DOWN)
    finish_stopped(published.site, published.ledger, cycle=CYCLE, dry_run=False)
    assert len(note(published, f"{CYCLE}-2")) > 1, "what stands is left alone"


def test_a_withdrawn_release_whose_folder_is_gone_is_no_publication_that_was_stopped(published: Office) -> None:
    withdrawn(published, DAY_61, why="cell_disclosed")
    shutil.rmtree(published.site.public / CYCLE)
    decision = published.decide(DAY_61 + timedelta(days=1))
    assert (decision.artefact.release_id, decision.allowed) == (f"{CYCLE}-2", False)
    with pytest.raises(Refused):
        published.go(DAY_61 + timedelta(days=1))
    assert not (published.site.public / CYCLE).exists()


# ---------------------------------------------------------------- what is held back


def test_what_was_withdrawn_for_an_error_is_not_published_again_as_it_was(published: Office) -> None:
    withdrawn(published, TAKEN_DOWN, why="error_found")
    planned = published.plan(date(2026, 9, 1))
    assert (planned.units, planned.staged, planned.decision.allowed) == ((), None, False)
    assert set(waiting(planned)) == set(UNITS)
    assert waiting(planned)[A] == (
        "withdrawn on 2026-05-03: an error was found (returns corrected, issued again, or by qe record withdrawal_ended)"
    )
    assert {one.citation for one in planned.waiting} == {"rules.md section 0.13"}


def test_the_results_of_the_others_return_at_once_and_those_of_one_do_not(published: Office) -> None:
    (done,) = withdrawn(published, TAKEN_DOWN, why="error_found", units=(B,)).releases
    assert (done.units, done.others) == ((B,), (A, C))
    assert b"published again as a further part" in note(published)["WITHDRAWN.txt"]
    assert published.plan(TAKEN_DOWN).units == (A, C)
    published.approve(TAKEN_DOWN)
    folder = published.go(TAKEN_DOWN)
    assert (folder.name, files(folder)["data/results.csv"].split()) == (
        f"{CYCLE}-2",
        [b"public_id", b"U000001", b"360001"],
    )


def test_files_staged_before_a_withdrawal_are_refused(published: Office) -> None:
    withdrawn(published, TAKEN_DOWN, why="order", units=(B,))
    published.plan(TAKEN_DOWN)
    published.approve(TAKEN_DOWN)
    withdrawn(published, TAKEN_DOWN, why="error_found", units=(A,))
    decision = published.decide(TAKEN_DOWN)
    assert failing(decision) == ["G10"]
    (reason,) = decision.blockers
    assert "U000001: withdrawn on 2026-05-03: an error was found" in reason.fact


def test_a_corrected_provider_returns_once_its_corrected_page_was_handed_over(published: Office) -> None:
    published.ask(A, "r-1", on=date(2026, 4, 30))
    withdrawn(published, TAKEN_DOWN, why="error_found", units=(A,))
    uphold(published, on=TAKEN_DOWN)
    assert A in waiting(published.plan(TAKEN_DOWN))
    send_again(published, on=date(2026, 5, 4))
    assert "not confirmed" in waiting(published.plan(date(2026, 5, 4)))[A]
    published.confirm(A, on=date(2026, 5, 4))
    published.notice(date(2026, 5, 4))
    planned = published.plan(date(2026, 5, 4))
    assert planned.units == UNITS
    assert planned.staged is not None
    assert planned.staged.units[A] == NEW_RESULTS


def test_the_same_figures_sent_again_are_the_same_figures(published: Office) -> None:
    withdrawn(published, TAKEN_DOWN, why="error_found", units=(B,))
    published.bounce(B, today=TAKEN_DOWN)
    (run,) = {one.name for one in published.site.runs.iterdir()}
    published.render(published.run(run), date(2026, 5, 5), cycle=CYCLE)
    published.send(date(2026, 5, 5))
    published.confirm(B, on=date(2026, 5, 5))
    assert waiting(published.plan(date(2026, 9, 1)))[B].startswith("withdrawn on 2026-05-03")


def test_an_order_after_an_error_holds_although_the_error_is_cured(published: Office) -> None:
    withdrawn(published, TAKEN_DOWN, why="error_found", units=(A,))
    (more,) = withdrawn(published, TAKEN_DOWN, why="order", units=(A,)).releases
    assert (more.event is not None, more.is_down, more.why) == (True, True, "error_found")
    assert note(published)["WITHDRAWN.txt"].startswith(NOTE.rstrip()), (
        "the note tells since when it is down, and why at first"
    )
    uphold(published, on=TAKEN_DOWN)
    send_again(published, on=date(2026, 5, 4))
    published.confirm(A, on=date(2026, 5, 4))
    assert held(published, date(2026, 5, 4)) == {A}
    published.record("withdrawal_ended", date(2026, 5, 5), release_id=CYCLE, reason="order_lifted", units=[A])
    assert held(published, date(2026, 5, 5)) == set()


def test_a_hold_that_was_cured_is_set_again_when_the_corrected_page_is_wrong_too(published: Office) -> None:
    withdrawn(published, TAKEN_DOWN, why="error_found", units=(A,))
    uphold(published, on=TAKEN_DOWN)
    send_again(published, on=date(2026, 5, 4))
    assert held(published, date(2026, 5, 4)) == set()
    (again,) = withdrawn(published, date(2026, 5, 5), why="error_found", units=(A,)).releases
    assert again.event is not None
    assert held(published, date(2026, 5, 5)) == {A}


def test_ending_one_reason_of_one_provider_leaves_all_other_holds(published: Office) -> None:
    withdrawn(published, TAKEN_DOWN, why="error_found", units=(A,))
    withdrawn(published, TAKEN_DOWN, why="order", units=(B,))
    published.record("withdrawal_ended", date(2026, 5, 10), release_id=CYCLE, reason="order_lifted")
    assert published.plan(date(2026, 5, 10)).units == (B, C)
    again = withdrawn(published, date(2026, 5, 11), why="order", units=(B,)).releases[0]
    assert again.event is not None
    assert held(published, date(2026, 5, 11)) == {A, B}


def test_single_figures_are_left_out_and_the_rest_of_the_provider_returns(published: Office) -> None:
    (done,) = withdrawn(published, TAKEN_DOWN, why="cell_disclosed", units=(A,), measures=("hwr",)).releases
    assert (done.units, done.others) == ((A,), UNITS)
    facts = published.facts(TAKEN_DOWN)
    assert figures_held_back(facts, CYCLE) == {(A, "hwr")}
    assert not units_held_back(facts, CYCLE)
    planned = published.plan(TAKEN_DOWN)
    assert planned.units == UNITS
    assert planned.staged is not None
    assert planned.staged.withheld == ((A, "hwr"),)
    published.approve(TAKEN_DOWN)
    published.go(TAKEN_DOWN)
    first, second = published.events("public_released")
    assert (first.texts("withheld"), second.texts("withheld")) == ((), ("U000001:hwr",))


def test_files_that_show_a_withdrawn_figure_are_refused(published: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    withdrawn(published, TAKEN_DOWN, why="cell_disclosed", units=(A,), measures=("hwr",))
    build = published.build
    monkeypatch.setattr(published, "build", lambda **named: build(**{**named, "withheld": frozenset()}))
    planned = published.plan(TAKEN_DOWN)
    assert planned.staged is not None
    assert planned.staged.withheld == (), "told from the rows, not from what was asked for"
    published.approve(TAKEN_DOWN)
    (reason,) = published.decide(TAKEN_DOWN).blockers
    assert (reason.rule, reason.fact) == ("G10", "U000001: withdrawn figures of it are in these files (plan again)")


def test_what_is_withdrawn_of_a_release_that_is_down_is_recorded_beside_it(published: Office) -> None:
    withdrawn(published, TAKEN_DOWN, why="error_found", units=(A,))
    before = note(published)
    (more,) = withdrawn(published, date(2026, 5, 6), why="error_found", units=(B,)).releases
    assert (more.is_down, more.on, more.units, more.others) == (True, TAKEN_DOWN, (B,), (C,))
    assert note(published) == before
    assert held(published, date(2026, 5, 6)) == {A, B}
    for unit_id in (A, B):
        assert withdrawn(published, date(2026, 5, 7), why="error_found", units=(unit_id,)).releases[0].was_done
    whole = withdrawn(published, date(2026, 5, 7), why="error_found", dry_run=True).releases[0]
    assert (whole.was_done, whole.others) == (False, ())
    assert len(published.events("public_withdrawn")) == 2


# ---------------------------------------------------------------- which releases


@pytest.fixture
def in_two_parts(office: Office) -> Office:
    """U000001 and U000003 public in the first part, since 2 May; U000002, whose letter came back, in the second, since 1 June."""
    run = office.run()
    office.send()
    office.confirm(A, C)
    office.bounce(B, today=date(2026, 3, 10))
    office.render(run, date(2026, 4, 1), cycle=CYCLE)
    office.send(date(2026, 4, 1))
    office.confirm(B, on=date(2026, 4, 1))
    office.notice(date(2026, 4, 20))
    publish(office, DAY_61)
    publish(office, date(2026, 6, 1))
    return office


LATER = date(2026, 6, 3)


def test_with_nothing_named_every_part_that_is_public_goes(in_two_parts: Office) -> None:
    done = withdrawn(in_two_parts, LATER, why="error_found").releases
    assert [one.release_id for one in done] == [CYCLE, f"{CYCLE}-2"]
    assert [list(note(in_two_parts, one)) for one in (CYCLE, f"{CYCLE}-2")] == [["WITHDRAWN.txt"]] * 2
    assert held(in_two_parts, LATER) == set(UNITS)


def test_the_part_goes_that_shows_whose_results_are_named(in_two_parts: Office) -> None:
    (done,) = withdrawn(in_two_parts, LATER, why="error_found", units=(A,)).releases
    assert (done.release_id, done.units) == (CYCLE, (A,))
    assert len(note(in_two_parts, f"{CYCLE}-2")) > 1
    both = withdrawn(in_two_parts, LATER, why="order", units=(A, B)).releases
    assert [(one.release_id, one.units, one.is_down) for one in both] == [
        (CYCLE, (A,), True),
        (f"{CYCLE}-2", (B,), False),
    ]
    events = [event.payload for event in in_two_parts.events("public_withdrawn")]
    assert [(one["release_id"], one["units"]) for one in events] == [(CYCLE, [A]), (CYCLE, [A]), (f"{CYCLE}-2", [B])]


def test_who_returned_in_a_later_part_is_taken_down_there(published: Office) -> None:
    withdrawn(published, TAKEN_DOWN, why="error_found", units=(A,))
    publish(published, TAKEN_DOWN)
    (done,) = withdrawn(published, date(2026, 5, 6), why="order", units=(B,)).releases
    assert done.release_id == f"{CYCLE}-2"
    with pytest.raises(InputError, match="what is named stands in 2025Q4-1-2, not in 2025Q4-1"):
        withdrawn(published, date(2026, 5, 6), why="rights_ended", units=(C,), release_id=CYCLE)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"why": "request_upheld"}, "--request and --why request_upheld go together"),
        ({"why": "order", "request_id": "r-1"}, "--request and --why request_upheld go together"),
        ({"why": "request_upheld", "request_id": "r-1", "units": (B,)}, "r-1 is a request of U000001 alone"),
        ({"why": "order", "units": (A, "U000009")}, "1 of the providers or suppliers named are in no release of cycle"),
        (
            {"why": "order", "measures": ("no_such",)},
            "1 of the measures named are in no release of cycle 2025Q4-1: no_such",
        ),
        ({"why": "order", "release_id": "2025Q4-1-7"}, "2025Q4-1-7 was not released by 2026-05-03"),
        ({"why": "never_public"}, "2025Q4-1 is in the public folder"),
        ({"why": "never_public", "units": (A,)}, "a release is withdrawn as never_public as a whole"),
        ({"why": "superseded", "measures": ("hwr",)}, "a release is withdrawn as superseded as a whole"),
        ({"why": "request_upheld", "request_id": "r-2"}, r"r-2 was not upheld \(not answered\)"),
        ({"why": "request_upheld", "request_id": "r-3"}, r"r-3 was not upheld \(answered: denied\)"),
    ],
)
def test_what_is_not_in_a_release_cannot_be_withdrawn(published: Office, asked: dict[str, Any], said: str) -> None:
    published.ask(A, "r-1", on=date(2026, 4, 30))
    published.record("request_responded", date(2026, 5, 1), request_id="r-1", answer="upheld")
    published.ask(A, "r-2", on=date(2026, 4, 30))
    published.ask(A, "r-3", on=date(2026, 4, 30))
    published.record("request_responded", date(2026, 5, 1), request_id="r-3", answer="upheld")
    published.record("request_resolved", date(2026, 5, 1), request_id="r-3", outcome="denied")
    before = published.ledger.head(), note(published)
    with pytest.raises(InputError, match=said) as told:
        withdrawn(published, TAKEN_DOWN, **asked)
    assert told.value.faults[0].remedy
    assert (published.ledger.head(), note(published)) == before


def test_withdrawing_what_was_never_released_is_wrong_usage(office: Office) -> None:
    with pytest.raises(InputError, match="nothing of cycle 2025Q4-1 was released by 2026-05-02"):
        withdrawn(office, DAY_61, why="order")


def test_the_upheld_request_says_whose_results_go_and_its_correction_brings_them_back(published: Office) -> None:
    published.ask(A, f"{CYCLE}-corr1", on=date(2026, 4, 30))
    published.record("request_responded", TAKEN_DOWN, request_id=f"{CYCLE}-corr1", answer="partly")
    (done,) = withdrawn(published, TAKEN_DOWN, why="request_upheld", request_id=f"{CYCLE}-corr1").releases
    assert (done.units, done.others) == ((A,), (B, C))
    uphold(published, on=TAKEN_DOWN)  # the request's own
    assert held(published) == {A}
    send_again(published, on=date(2026, 5, 4))
    assert held(published, date(2026, 5, 4)) == set()


def test_a_request_of_another_cycle_takes_nothing_down(published: Office) -> None:
    published.ask(A, "r-1", on=date(2026, 4, 30))
    published.record("request_responded", date(2026, 5, 1), request_id="r-1", answer="upheld")
    asked = Asked(cycle="2025Q4-2", why="request_upheld", request_id="r-1")
    with pytest.raises(InputError, match="r-1 is a request of 2025Q4-1"):
        plan_withdrawal(published.site, published.ledger, asked, when=published.when(TAKEN_DOWN))


@pytest.mark.parametrize(
    ("asked", "down"),
    [
        ({"why": "order", "units": (A,)}, {CYCLE: (A,), "2025Q4-2": (A,)}),
        ({"why": "order", "units": (A,), "release_id": CYCLE}, {CYCLE: (A,), "2025Q4-2": (A,)}),
        ({"why": "rights_ended"}, {CYCLE: UNITS, "2025Q4-2": (A,), "2025Q4-3": (B,)}),
        ({"why": "error_found", "units": (A,)}, {CYCLE: (A,)}),
    ],
)
def test_by_order_results_go_in_every_cycle_of_the_period_that_shows_them(
    published: Office, asked: dict[str, Any], down: dict[str, tuple[str, ...]]
) -> None:
    for release_id, units in (("2025Q4-2", [A, "U000009"]), ("2025Q4-3", [B]), ("2025Q3-1", [A])):
        published.record(
            "public_released", DAY_61, release_id=release_id, cycle=release_id, run_id="a" * 16,
            bundle_sha256="5" * 64, units=units, open_requests=0,
        )  # fmt: skip
        shutil.copytree(published.site.public / CYCLE, published.site.public / release_id)
    done = withdrawn(published, TAKEN_DOWN, **asked).releases
    assert {one.release_id: one.units for one in done} == down
    for release_id in (CYCLE, "2025Q4-2", "2025Q4-3", "2025Q3-1"):
        assert (set(note(published, release_id)) == {"WITHDRAWN.txt"}) == (release_id in down), release_id
    assert "U000009" not in units_held_back(published.facts(TAKEN_DOWN), "2025Q4-2")
    again = withdrawn(published, date(2026, 5, 4), **asked).releases
    assert all(one.was_done for one in again)


def test_a_single_measure_that_may_return_does_so_when_its_release_is_published_anew(published: Office) -> None:
    measure = "pdc_statins"
    withdrawn(published, TAKEN_DOWN, why="order", units=(A,), measures=(measure,))
    publish(published, TAKEN_DOWN)
    assert published.events("public_released")[-1].texts("withheld") == (f"{A}:{measure}",)
    assert figures_to_return(published.facts(TAKEN_DOWN), CYCLE) == {}
    with pytest.raises(InputError, match="no figure may return that a release of cycle 2025Q4-1 leaves out"):
        withdrawn(published, TAKEN_DOWN, why="superseded")
    published.record("withdrawal_ended", date(2026, 5, 5), release_id=CYCLE, reason="order_lifted")
    facts = published.facts(date(2026, 5, 5))
    assert figures_to_return(facts, CYCLE) == {f"{CYCLE}-2": {(A, measure)}}
    clock = Clock(at=published.when(date(2026, 5, 5)).instant, zone="America/New_York")
    told = [one for one in in_flight(facts, respond_within_days=10, clock=clock) if "left out" in one.state]
    assert [(one.state, one.next_act) for one in told] == [
        ("1 figures left out may be public again", f"qe release withdraw --cycle {CYCLE} --why superseded, then plan")
    ]
    with pytest.raises(InputError, match="no figure may return that 2025Q4-1 leaves out"):
        withdrawn(published, date(2026, 5, 5), why="superseded", release_id=CYCLE)
    (done,) = withdrawn(published, date(2026, 5, 5), why="superseded").releases
    (again,) = withdrawn(published, date(2026, 5, 5), why="superseded").releases
    assert (done.was_done, again.release_id, again.was_done) == (False, done.release_id, True)
    assert (done.release_id, set(done.others), held(published)) == (f"{CYCLE}-2", set(UNITS), set())
    assert note(published, f"{CYCLE}-2")["WITHDRAWN.txt"].startswith(
        b"The results published here as 2025Q4-1-2 were withdrawn on 2026-05-05. Reason: it is published anew with more"
    )
    publish(published, date(2026, 5, 5))
    last = published.events("public_released")[-1]
    assert (set(last.texts("units")), "withheld" in last.payload) == (set(UNITS), False)
    assert figures_to_return(published.facts(date(2026, 5, 5)), CYCLE) == {}


def test_a_withdrawal_that_was_stopped_between_two_cycles_is_finished_by_the_next(published: Office) -> None:
    published.record(
        "public_released", DAY_61, release_id="2025Q4-2", cycle="2025Q4-2", run_id="a" * 16, bundle_sha256="5" * 64,
        units=[A], open_requests=0,
    )  # fmt: skip
    whole = published.site.public / "2025Q4-2"
    shutil.copytree(published.site.public / CYCLE, whole)
    kept = published.site.public.parent / "kept"
    shutil.copytree(whole, kept)
    withdrawn(published, TAKEN_DOWN, why="order", units=(A,))
    shutil.rmtree(whole)
    kept.rename(whole)  # as if it had been stopped before the second folder went
    finish_stopped(published.site, published.ledger, cycle=CYCLE, dry_run=False)
    assert set(note(published, "2025Q4-2")) == {"WITHDRAWN.txt"}


def test_ending_what_nothing_holds_back_is_refused(published: Office) -> None:
    def end(reason: str, **part: Any) -> None:
        facts = published.facts(date(2026, 5, 5))
        payload = {"release_id": CYCLE, "reason": reason, **part}
        require_ends_something(facts, NewEvent(kind="withdrawal_ended", effective_on=TAKEN_DOWN, payload=payload))

    with pytest.raises(InputError, match=r"figures_right ends nothing of 2025Q4-1: nothing of it is held back"):
        end("figures_right")
    withdrawn(published, TAKEN_DOWN, why="order", units=(A, B))
    for reason, part in (("figures_right", {}), ("order_lifted", {"units": [C]}), ("order_lifted", {"units": [A, C]})):
        with pytest.raises(InputError, match=f"{reason} ends nothing of 2025Q4-1: held back are results for order"):
            end(reason, **part)
    end("order_lifted")
    end("order_lifted", units=[B])


# ---------------------------------------------------------------- a publication that was stopped


def test_a_stopped_publication_that_something_changed_since_is_recorded_as_never_public_and_planned_anew(
    published: Office,
) -> None:
    """As if the rename had not happened; then somebody's request in time comes to light."""
    assert half_public(published.site, published.facts(TAKEN_DOWN)) == []
    shutil.rmtree(published.site.public / CYCLE)
    (told,) = half_public(published.site, published.facts(TAKEN_DOWN))
    assert (told.what, told.next_act) == ("publication of 2025Q4-1", "qe release go --cycle 2025Q4-1")
    published.ask(A, "r-1", on=date(2026, 5, 1))
    with pytest.raises(Refused) as refusal:
        published.go(TAKEN_DOWN)
    assert refusal.value.remedy == (
        "Its publication was recorded and stopped, and something has changed since. Nothing of it is public: record that, "
        "qe release withdraw --cycle 2025Q4-1 --why never_public; then plan the next part."
    )
    (done,) = withdrawn(published, TAKEN_DOWN, why="never_public").releases
    assert (done.release_id, done.event is not None) == (CYCLE, True)
    assert not (published.site.public / CYCLE).exists(), "there is nothing to say in public"
    assert held(published) == set()
    assert withdrawn(published, TAKEN_DOWN, why="never_public", release_id=CYCLE).releases[0].was_done
    published.notice(TAKEN_DOWN)
    assert published.plan(TAKEN_DOWN).units == UNITS
    published.approve(TAKEN_DOWN)
    assert published.go(TAKEN_DOWN).name == f"{CYCLE}-2"


def test_a_folder_that_somebody_else_put_there_is_told_before_anything_is_recorded(office: Office) -> None:
    office.through_review()
    office.plan(DAY_61)
    office.approve(DAY_61)
    strange = office.site.public / CYCLE / "old.html"
    strange.parent.mkdir(parents=True)
    strange.write_text("older")
    with pytest.raises(InputError, match="public/2025Q4-1 is there already, and qe did not put it there"):
        office.go(DAY_61)
    assert office.events("public_released") == []
    assert files(strange.parent) == {"old.html": b"older"}
    shutil.rmtree(strange.parent)
    assert publishing.already_public(office.site, office.ledger, cycle=CYCLE, when=office.when(DAY_61)) is None
    assert office.go(DAY_61).is_dir()
