"""Which open requests are posted beside public results, by name and category, and which cannot be (401.717(e))."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from qe.ledger.event import LedgerEvent
from qe.ledger.fold import Facts
from qe.release.sends import open_requests

INFEASIBLE: Final = "posting_infeasible"
AMENDED: Final = "posting_amended"


@dataclass(frozen=True, kw_only=True)
class AppealsTable:
    """What is posted, or is to be.

    posted      (unit_id, category) of open requests, each pair once however many requests it stands for
    not_posted  (reason, open requests that cannot be posted for it), by reason
    """

    posted: frozenset[tuple[str, str]]
    not_posted: tuple[tuple[str, int], ...]

    @property
    def codes(self) -> dict[str, list[str]]:
        """The table as the ledger keeps it: `unit:category` and `reason:requests`."""
        return {
            "posted": sorted(f"{unit_id}:{category}" for unit_id, category in self.posted),
            "not_posted": sorted(f"{why}:{requests}" for why, requests in self.not_posted),
        }


def reasons_not_to_post(facts: Facts) -> Mapping[str, str]:
    """By request the recorded reason why its name and category cannot be posted; the last one counts."""
    return {event.text("request_id"): event.text("reason") for event in facts.of(INFEASIBLE)}


def owed_now(facts: Facts, cycle: str) -> AppealsTable:
    """The table of what becomes public today: every request of the cycle that is open."""
    return _table(open_requests(facts, cycle), reasons_not_to_post(facts))


def owed_beside(facts: Facts, release: LedgerEvent) -> AppealsTable:
    """The table of a release that is public: the requests that were outstanding when it became so and still are.

    A request logged since counts when it was received in time, by then; one that came later was not outstanding.
    """
    outstanding = [
        event
        for event in open_requests(facts, release.text("cycle"))
        if event.seq < release.seq or _was_in_time(event, release)
    ]
    return _table(outstanding, reasons_not_to_post(facts))


def _was_in_time(request: LedgerEvent, release: LedgerEvent) -> bool:
    return request.payload.get("late") is not True and request.day("received_on") <= release.effective_on


def told_beside(facts: Facts, release: LedgerEvent) -> AppealsTable:
    """The table that stands beside a release, as it was recorded last."""
    recorded = [release, *amendments(facts, release.text("release_id"))][-1]
    if "posted" not in recorded.payload:
        return _told_before_it_was_recorded(facts, recorded)
    return AppealsTable(
        posted=frozenset(_pair(code) for code in recorded.texts("posted")),
        not_posted=tuple((why, int(requests)) for why, requests in map(_pair, recorded.texts("not_posted"))),
    )


def amendments(facts: Facts, release_id: str) -> list[LedgerEvent]:
    """The amendments of the release's posting, in order."""
    return facts.of(AMENDED, release_id=release_id)


def _told_before_it_was_recorded(facts: Facts, release: LedgerEvent) -> AppealsTable:
    """Of a release whose event has the number of its lines alone: the requests that were on record as open before it."""
    before = replace(facts, events=tuple(one for one in facts.events if one.seq < release.seq))
    return owed_now(before, release.text("cycle"))


def _table(requests: Iterable[LedgerEvent], infeasible: Mapping[str, str]) -> AppealsTable:
    found = list(requests)
    posted = [one for one in found if one.text("request_id") not in infeasible]
    hidden = Counter(infeasible[one.text("request_id")] for one in found if one.text("request_id") in infeasible)
    return AppealsTable(
        posted=frozenset((one.text("unit_id"), one.text("category")) for one in posted),
        not_posted=tuple(sorted(hidden.items())),
    )


def _pair(code: str) -> tuple[str, str]:
    first, _, second = code.partition(":")
    return first, second
