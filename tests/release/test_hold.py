"""Under a hold after a decrease of claims data a quarter is not even begun (42 CFR 401.711(c))."""

from datetime import date
from typing import Any

import pytest

from qe import workflow
from qe.errors import Refused
from qe.ledger.event import NewEvent
from qe.progress import Silent


def test_a_quarter_under_a_hold_reads_no_file(office: Any) -> None:
    day = date(2026, 2, 20)
    payload = {"decrease_id": "d-1", "source_id": "plan_a", "detected_on": day.isoformat()}
    event = NewEvent(kind="decrease_detected", effective_on=day, payload=payload)
    office.ledger.append([event], at=office.at(), actor="officer")
    with pytest.raises(Refused, match="claims of plan_a decreased, seen on 2026-02-20"):
        workflow.prepare_confidential_reports(
            office.site,
            office.site.period("2025Q4"),
            send_on=day,
            measures=[],
            on=day,
            at=office.at(),
            actor="analyst",
            progress=Silent(),
            reissue=False,
        )
    assert not list(office.site.store.rglob("*"))
    assert not list(office.site.runs.rglob("*"))
