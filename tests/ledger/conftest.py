"""A ledger in a temporary folder, and a clock that only moves when a test moves it."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from qe.ledger.book import Ledger
from qe.ledger.event import LedgerEvent, NewEvent

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.sqlite", zone="America/New_York")


@pytest.fixture
def noon() -> datetime:
    return NOON


@pytest.fixture
def approve(ledger: Ledger) -> Callable[[date], LedgerEvent]:
    """Record the organisation's approval on a day, at noon of 2 March 2026."""

    def record(approved_on: date) -> LedgerEvent:
        event = NewEvent(
            kind="entity_approved", effective_on=approved_on, payload={"approved_on": approved_on.isoformat()}
        )
        return ledger.append([event], at=NOON, actor="officer")[0]

    return record


@pytest.fixture
def five_events(ledger: Ledger) -> Ledger:
    """A ledger with five acknowledged requests."""
    events = [
        NewEvent(kind="request_acknowledged", effective_on=date(2026, 3, number), payload={"request_id": f"r{number}"})
        for number in range(1, 6)
    ]
    ledger.append(events, at=NOON, actor="analyst")
    return ledger
