"""42 CFR 401.717(e), rules.md section 0.5: which requests stand beside results that are public already."""

from datetime import date
from typing import Any

import pytest

from qe.ledger.event import LedgerEvent
from qe.release.appeals import AppealsTable, owed_beside, told_beside
from tests.rules.story import BUNDLE, DAY_61, Story

A = "U000001"
CYCLE = "2025Q4-1"
LOGGED_ON = date(2026, 5, 9)
POSTED = AppealsTable(posted=frozenset({(A, "calculation")}), not_posted=())
NOTHING = AppealsTable(posted=frozenset(), not_posted=())


def released(story: Story, **table: Any) -> LedgerEvent:
    return story.tell(
        "public_released", DAY_61, release_id=CYCLE, cycle=CYCLE, run_id="run1", bundle_sha256=BUNDLE, units=[A],
        open_requests=0, **table,
    )  # fmt: skip


def log(story: Story, received_on: date, **late: Any) -> None:
    story.tell(
        "request_received", min(received_on, LOGGED_ON), cycle=CYCLE, unit_id=A, request_id="r-9", kind="correction",
        category="calculation", received_on=received_on.isoformat(), **late,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("received_on", "late", "owed"),
    [
        (date(2026, 4, 30), {"late": False}, POSTED),
        (date(2026, 4, 30), {}, POSTED),
        (DAY_61, {"late": False}, POSTED),  # on the day of publication: it was outstanding when that became public
        (date(2026, 5, 3), {"late": False}, NOTHING),
        (date(2026, 4, 30), {"late": True}, NOTHING),
    ],
)
def test_a_request_that_is_logged_after_publication_is_owed_when_it_had_come_in_time(
    story: Story, received_on: date, late: dict[str, bool], owed: AppealsTable
) -> None:
    release = released(story)
    log(story, received_on, **late)
    assert owed_beside(story.facts(LOGGED_ON), release) == owed


def test_a_late_request_that_was_on_record_before_publication_is_owed_too(story: Story) -> None:
    log(story, date(2026, 5, 1), late=True)
    release = released(story)
    assert owed_beside(story.facts(LOGGED_ON), release) == POSTED


def test_a_release_that_has_its_lines_on_record_told_these_and_an_older_one_what_was_open_then(story: Story) -> None:
    before = released(story)
    assert told_beside(story.facts(LOGGED_ON), before) == NOTHING
    log(story, date(2026, 4, 30))
    assert told_beside(story.facts(LOGGED_ON), before) == NOTHING, "it was logged after the release"
    after = released(story)
    assert told_beside(story.facts(LOGGED_ON), after) == POSTED
    table = {"posted": [f"{A}:risk_data"], "not_posted": ["order:2"]}
    told = told_beside(story.facts(LOGGED_ON), released(story, **table))
    assert told == AppealsTable(posted=frozenset({(A, "risk_data")}), not_posted=(("order", 2),))
