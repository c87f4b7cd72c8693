"""A finished review told as facts: what the gate needs to allow a public release on 2 May 2026, changed by each test."""

from collections.abc import Callable
from datetime import date

import pytest

from tests.rules.story import BUNDLE, SENT_ON, Story


@pytest.fixture
def new_story() -> Callable[[], Story]:
    """A fresh story of a finished review."""

    def make() -> Story:
        story = Story()
        approved_on = date(2025, 7, 1)
        story.tell("entity_approved", approved_on, approved_on="2025-07-01")
        story.tell("plan_approved", approved_on, approved_on="2025-07-01")
        story.tell("dua_signed", approved_on, party="Example Quality", dua_no="D-1", expires_on="2028-06-30")
        for source_id in ("medicare", "plan_a"):
            story.tell(
                "source_registered",
                approved_on,
                source_id=source_id,
                rights="measures;public",
                expires_on="2028-06-30",
            )
        for measure_id, level, route in (("hwr", "facility", "standard"), ("pdc_statins", "group", "stakeholder")):
            story.tell(
                "measure_approved",
                approved_on,
                measure_id=measure_id,
                version="1.0.0",
                level=level,
                route=route,
                approved_on="2025-07-01",
            )
        story.tell(
            "run_completed",
            date(2026, 2, 20),
            actor="analyst",
            run_id="run1",
            period="2025Q4",
            manifest_sha256="4" * 64,
            results_sha256="5" * 64,
            sources=["medicare:medicare", "plan_a:commercial"],
            measures=["hwr@1.0.0@facility", "pdc_statins@1.0.0@group"],
            alternatives=["pdc_statins@1.0.0@group"],
        )
        for unit_id in ("U000001", "U000002"):
            story.send(unit_id, SENT_ON)
        for unit_id in ("U000001", "U000002"):
            story.notice(unit_id, date(2026, 4, 20))
        bound = {"release_id": "2025Q4-1", "bundle_sha256": BUNDLE}
        story.tell("sdc_checked", date(2026, 4, 21), **bound, cells_checked=40, cells_hidden=2, findings=0)
        story.tell("release_approved", date(2026, 4, 21), **bound)
        return story

    return make


@pytest.fixture
def story(new_story: Callable[[], Story]) -> Story:
    return new_story()
