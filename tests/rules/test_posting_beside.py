"""42 CFR 401.717(e), rules.md section 0.5: which requests stand beside results that are public already."""

from datetime import date
from typing import Any

import pytest

from qe.ledger.event import LedgerEvent
from qe.release.appeals import AppealsTable, amendments, owed_beside, told_beside
from qe.release.artefact import Artefact, ArtefactKind
from qe.release.publicity import appeals_posted
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


def amend(story: Story, release_id: str, on: date = LOGGED_ON) -> LedgerEvent:
    return story.tell(
        "posting_amended", on, release_id=release_id, cycle=CYCLE, page_sha256="7" * 64, supersedes="2026-05-02",
        posted=[], not_posted=[],
    )  # fmt: skip


def test_the_amendments_of_a_release_are_its_own(story: Story) -> None:
    own = amend(story, CYCLE)
    amend(story, f"{CYCLE}-2")
    assert amendments(story.facts(LOGGED_ON), CYCLE) == [own]


# ---------------------------------------------------------------- what the gate asks of a posting (G11)


def posting(story: Story, *, release_id: str = CYCLE, **changes: Any) -> Artefact:
    return story.artefact(kind=ArtefactKind.APPEALS_POSTING, release_id=release_id, units={}, **changes)


def test_beside_results_that_are_public_stands_what_was_outstanding_when_they_became_so(story: Story) -> None:
    released(story)
    log(story, date(2026, 5, 3))  # it came after the publication: it is open, and not owed
    facts = story.facts(LOGGED_ON)
    assert appeals_posted(facts, posting(story)).verdict == "pass"
    beside = posting(story, posting=frozenset({(A, "calculation")}))
    assert appeals_posted(facts, beside).verdict == "fail"
    assert appeals_posted(facts, posting(story, release_id=f"{CYCLE}-2")).verdict == "fail", (
        "of no such release: as of today"
    )


def test_another_releases_day_is_not_this_ones(story: Story) -> None:
    released(story)
    log(story, date(2026, 5, 3))
    story.tell(
        "public_released", LOGGED_ON, release_id=f"{CYCLE}-2", cycle=CYCLE, run_id="run1", bundle_sha256=BUNDLE,
        units=["U000002"], open_requests=1,
    )  # fmt: skip
    facts, pairs = story.facts(LOGGED_ON), frozenset({(A, "calculation")})
    assert appeals_posted(facts, posting(story)).verdict == "pass"
    assert appeals_posted(facts, posting(story, release_id=f"{CYCLE}-2", posting=pairs)).verdict == "pass"


def test_the_recipient_of_an_analysis_is_told_every_open_request_by_provider_and_category(story: Story) -> None:
    log(story, date(2026, 4, 30))
    facts, told = story.facts(LOGGED_ON), frozenset({(A, "calculation")})
    for pairs, verdict in ((told, "pass"), (frozenset(), "fail"), (frozenset({(A, "risk_data")}), "fail")):
        analysis = story.artefact(kind=ArtefactKind.NPA_DEID, posting=pairs)
        assert appeals_posted(facts, analysis).verdict == verdict
