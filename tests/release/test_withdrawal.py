"""Taking a release down: a note in its place at once; what was wrong in it comes back corrected, issued again, or not at all."""

import shutil
from datetime import date, timedelta
from typing import Any

import pytest

from qe.errors import InputError, Refused
from qe.release.held_back import figures_held_back, units_held_back
from qe.release.plan import ReleasePlan
from qe.release.withdraw import Asked, Withdrawal, withdraw
from tests.release.conftest import UNITS, Office
from tests.release.test_corrected_page import NEW_RESULTS, send_again, uphold
from tests.release.test_release import DAY_61, failing, files

TAKEN_DOWN = date(2026, 5, 3)
ALL, CYCLE = list(UNITS), "2025Q4-1"


def test_a_withdrawn_release_is_replaced_by_a_note(office: Office) -> None:
    office.through_review()
    office.plan(DAY_61)
    office.approve(DAY_61)
    folder = office.go(DAY_61)
    withdrawn(office, date(2026, 5, 3), why="error_found")
    note = {
        "WITHDRAWN.txt": b"The results published here as 2025Q4-1 were withdrawn on 2026-05-03."
        b" Reason: an error was found.\n"
    }
    assert files(folder) == note


def withdrawn(
    office: Office, on: date, *, dry_run: bool = False, release_id: str = "2025Q4-1", **asked: Any
) -> Withdrawal:
    return withdraw(
        office.site,
        office.ledger,
        Asked(release_id=release_id, **asked),
        when=office.when(on),
        actor="officer",
        dry_run=dry_run,
    )


def test_withdrawing_again_changes_nothing_and_tells_the_day_and_reason_of_the_first_time(office: Office) -> None:
    office.through_review()
    office.plan(DAY_61)
    office.approve(DAY_61)
    folder = office.go(DAY_61)
    would = withdrawn(office, date(2026, 5, 3), why="error_found", dry_run=True)
    assert (would.was_down, would.on, office.events("public_withdrawn")) == (False, date(2026, 5, 3), [])
    assert not withdrawn(office, date(2026, 5, 3), why="error_found").was_down
    before, head = files(folder), office.ledger.head()
    for on, why in ((date(2026, 5, 9), "error_found"), (date(2026, 5, 9), "order"), (date(2026, 5, 2), "order")):
        again = withdrawn(office, on, why=why)
        assert (again.was_down, again.on, again.why) == (True, date(2026, 5, 3), "error_found")
    assert (files(folder), office.ledger.head()) == (before, head)


def test_a_withdrawal_stopped_before_its_note_is_finished_by_the_next_with_its_own_day(office: Office) -> None:
    office.through_review()
    office.plan(DAY_61)
    office.approve(DAY_61)
    folder = office.go(DAY_61)
    office.record("public_withdrawn", date(2026, 5, 3), release_id="2025Q4-1", reason="order")
    finished = withdrawn(office, date(2026, 5, 9), why="error_found")
    assert (finished.was_down, finished.on, len(office.events("public_withdrawn"))) == (False, date(2026, 5, 3), 1)
    assert b"withdrawn on 2026-05-03. Reason: an authority ordered it." in files(folder)["WITHDRAWN.txt"]


def test_a_withdrawn_release_whose_folder_is_gone_is_no_publication_that_was_stopped(office: Office) -> None:
    """A withdrawal stopped between the folder and its note, or a folder that somebody removed: nothing of it comes back."""
    office.through_review()
    office.plan(DAY_61)
    office.approve(DAY_61)
    folder = office.go(DAY_61)
    withdrawn(office, DAY_61, why="cell_disclosed")
    shutil.rmtree(folder)
    decision = office.decide(DAY_61 + timedelta(days=1))
    assert decision.artefact.release_id == "2025Q4-1-2"
    assert not decision.allowed
    with pytest.raises(Refused):
        office.go(DAY_61 + timedelta(days=1))
    assert not folder.exists()


def test_withdrawing_what_was_never_released_is_wrong_usage(office: Office) -> None:
    with pytest.raises(InputError, match="was not released"):
        withdrawn(office, DAY_61, why="order")


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


def waiting(planned: ReleasePlan) -> dict[str, str]:
    return {one.unit_id: one.why for one in planned.waiting}


def test_what_was_withdrawn_for_an_error_is_not_published_again_as_it_was(published: Office) -> None:
    withdrawn(published, TAKEN_DOWN, why="error_found")
    planned = published.plan(date(2026, 9, 1))
    assert (planned.units, planned.staged, planned.decision.allowed) == ((), None, False)
    assert set(waiting(planned)) == set(UNITS)
    assert waiting(planned)["U000001"] == (
        "withdrawn on 2026-05-03: an error was found (returns corrected, issued again, or by qe record withdrawal_ended)"
    )
    assert {one.citation for one in planned.waiting} == {"rules.md section 0.13"}


def test_the_results_of_the_others_return_at_once_and_those_of_one_do_not(published: Office) -> None:
    done = withdrawn(published, TAKEN_DOWN, why="error_found", units=("U000002",))
    assert (done.units, done.others) == (("U000002",), ("U000001", "U000003"))
    assert b"published again as a further part" in files(published.site.public / CYCLE)["WITHDRAWN.txt"]
    assert published.plan(TAKEN_DOWN).units == ("U000001", "U000003")
    published.approve(TAKEN_DOWN)
    folder = published.go(TAKEN_DOWN)
    assert (folder.name, files(folder)["data/results.csv"].split()) == (
        f"{CYCLE}-2",
        [b"public_id", b"U000001", b"360001"],
    )


def test_files_staged_before_a_withdrawal_are_refused(office: Office) -> None:
    """A first part is public; the second part is approved with a unit in it that is then withdrawn with the first."""
    office.through_review()
    publish(office, DAY_61)
    withdrawn(office, TAKEN_DOWN, why="order", units=("U000002",))
    office.plan(TAKEN_DOWN)
    office.approve(TAKEN_DOWN)
    withdrawn(office, TAKEN_DOWN, why="error_found", units=("U000001",))
    decision = office.decide(TAKEN_DOWN)
    assert failing(decision) == ["G10"]
    (reason,) = decision.blockers
    assert "U000001: withdrawn on 2026-05-03: an error was found" in reason.fact


def test_a_corrected_provider_returns_once_its_corrected_page_was_handed_over(published: Office) -> None:
    withdrawn(published, TAKEN_DOWN, why="request_upheld", units=("U000001",))
    uphold(published, on=TAKEN_DOWN)
    assert "U000001" in waiting(published.plan(TAKEN_DOWN))
    send_again(published, on=date(2026, 5, 4))
    assert "not confirmed" in waiting(published.plan(date(2026, 5, 4)))["U000001"]
    published.confirm("U000001", on=date(2026, 5, 4))
    planned = published.plan(date(2026, 5, 4))
    assert planned.units == UNITS
    assert planned.staged is not None
    assert planned.staged.units["U000001"] == NEW_RESULTS


def test_the_same_figures_sent_again_are_the_same_figures(published: Office) -> None:
    withdrawn(published, TAKEN_DOWN, why="error_found", units=("U000002",))
    published.bounce("U000002", today=TAKEN_DOWN)
    (run,) = {one.name for one in published.site.runs.iterdir()}
    published.render(published.run(run), date(2026, 5, 5), cycle=CYCLE)
    published.send(date(2026, 5, 5))
    published.confirm("U000002", on=date(2026, 5, 5))
    assert waiting(published.plan(date(2026, 9, 1)))["U000002"].startswith("withdrawn on 2026-05-03")


@pytest.mark.parametrize("why", ["cell_disclosed", "order", "rights_ended"])
def test_other_figures_cure_an_error_and_nothing_else(published: Office, why: str) -> None:
    withdrawn(published, TAKEN_DOWN, why=why, units=("U000001",))
    uphold(published, on=TAKEN_DOWN)
    send_again(published, on=date(2026, 5, 4))
    published.confirm("U000001", on=date(2026, 5, 4))
    assert units_held_back(published.facts(date(2026, 5, 4)), CYCLE).keys() == {"U000001"}


def test_a_withdrawal_that_was_ended_on_record_holds_nothing_back_and_the_next_one_does(published: Office) -> None:
    withdrawn(published, TAKEN_DOWN, why="order")
    assert units_held_back(published.facts(TAKEN_DOWN), CYCLE).keys() == set(UNITS)
    published.record("withdrawal_ended", date(2026, 5, 10), release_id=CYCLE, reason="order_lifted")
    assert units_held_back(published.facts(date(2026, 5, 9)), CYCLE).keys() == set(UNITS), (
        "it is ended from its own day on"
    )
    assert published.plan(date(2026, 5, 10)).units == UNITS
    again = withdrawn(published, date(2026, 5, 11), why="order")
    assert (again.was_down, again.on) == (False, TAKEN_DOWN), "down since then; held back anew"
    assert units_held_back(published.facts(date(2026, 5, 11)), CYCLE).keys() == set(UNITS)


def test_single_figures_are_left_out_and_the_rest_of_the_provider_returns(published: Office) -> None:
    done = withdrawn(published, TAKEN_DOWN, why="cell_disclosed", units=("U000001",), measures=("hwr",))
    assert (done.units, done.measures, done.others) == (("U000001",), ("hwr",), ("U000002", "U000003"))
    facts = published.facts(TAKEN_DOWN)
    assert figures_held_back(facts, CYCLE) == {("U000001", "hwr")}
    assert not units_held_back(facts, CYCLE)
    planned = published.plan(TAKEN_DOWN)
    assert planned.units == UNITS
    assert planned.staged is not None
    assert planned.staged.withheld == (("U000001", "hwr"),)
    published.approve(TAKEN_DOWN)
    published.go(TAKEN_DOWN)
    first, second = published.events("public_released")
    assert (first.texts("withheld"), second.texts("withheld")) == ((), ("U000001:hwr",))


def test_files_that_show_a_withdrawn_figure_are_refused(published: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    withdrawn(published, TAKEN_DOWN, why="cell_disclosed", units=("U000001",), measures=("hwr",))
    build = published.build
    monkeypatch.setattr(published, "build", lambda **named: build(**{**named, "withheld": frozenset()}))
    planned = published.plan(TAKEN_DOWN)
    assert planned.staged is not None
    assert planned.staged.withheld == (), "told from the rows, not from what was asked for"
    published.approve(TAKEN_DOWN)
    (reason,) = published.decide(TAKEN_DOWN).blockers
    assert (reason.rule, reason.fact) == ("G10", "U000001: withdrawn figures of it are in these files (plan again)")


def test_what_is_withdrawn_of_a_release_that_is_down_is_recorded_beside_it(published: Office) -> None:
    withdrawn(published, TAKEN_DOWN, why="error_found", units=("U000001",))
    note = files(published.site.public / CYCLE)
    more = withdrawn(published, date(2026, 5, 6), why="error_found", units=("U000002",))
    assert (more.was_down, more.on, more.units) == (False, TAKEN_DOWN, ("U000002",))
    assert files(published.site.public / CYCLE) == note, "the note tells since when it is down"
    assert units_held_back(published.facts(date(2026, 5, 6)), CYCLE).keys() == {"U000001", "U000002"}
    for units in (("U000002",), ("U000001",)):
        assert withdrawn(published, date(2026, 5, 7), why="error_found", units=units).was_down
    assert not withdrawn(published, date(2026, 5, 7), why="error_found", dry_run=True).was_down
    assert len(published.events("public_withdrawn")) == 2


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"why": "request_upheld"}, "whose results are withdrawn is not said"),
        ({"why": "order", "units": ("U000001", "U000009")}, "1 of the providers or suppliers named are not in release"),
        ({"why": "order", "measures": ("no_such",)}, "1 of the measures named are not in release 2025Q4-1: no_such"),
    ],
)
def test_what_is_not_in_the_release_cannot_be_withdrawn(published: Office, asked: dict[str, Any], said: str) -> None:
    before = published.ledger.head(), files(published.site.public / CYCLE)
    with pytest.raises(InputError, match=said):
        withdrawn(published, TAKEN_DOWN, **asked)
    assert (published.ledger.head(), files(published.site.public / CYCLE)) == before
