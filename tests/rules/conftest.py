"""A finished review told as facts: what the gate needs to allow a public release on 2 May 2026, changed by each test."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from qe.ledger import schema
from qe.ledger.book import Head
from qe.ledger.event import LedgerEvent
from qe.ledger.fold import Facts
from qe.release.artefact import NOBODY, PUBLIC, Artefact, ArtefactKind, Decision, Recipient
from qe.release.gate import may_disclose
from qe.release.lineage import lineage_of

SENT_ON = date(2026, 3, 2)
DAY_60, DAY_61 = date(2026, 5, 1), date(2026, 5, 2)
BUNDLE = "c" * 64
SHOWN = "d" * 64


@dataclass
class Story:
    """Events in order; `facts` folds them as the ledger does, `decide` asks the gate about the public release."""

    events: list[LedgerEvent] = field(default_factory=list)
    rehearsal: bool = True

    def tell(self, kind: str, on: date, /, *, actor: str = "officer", **payload: Any) -> LedgerEvent:
        schema.check_payload(kind, payload)
        seq = len(self.events) + 1
        event = LedgerEvent(
            seq=seq,
            event_id=f"event-{seq}",
            at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seq),
            effective_on=on,
            zone="America/New_York",
            kind=kind,
            subject=schema.subject_of(kind, payload),
            payload=payload,
            actor=actor,
            evidence_sha256=None,
            retracts=None,
            prev="",
            hash="",
        )
        self.events.append(event)
        return event

    def drop(self, kind: str, **where: str) -> None:
        """Take back the events of a kind, as fact_retracted does."""
        kept = [
            one
            for one in self.events
            if one.kind != kind or any(one.text(name) != value for name, value in where.items())
        ]
        assert len(kept) < len(self.events)
        self.events = kept

    def change(self, kind: str, **payload: Any) -> None:
        """The same events with other payloads."""
        assert any(event.kind == kind for event in self.events)
        self.events = [
            replace(one, payload={**one.payload, **payload}) if one.kind == kind else one for one in self.events
        ]

    def facts(self, on: date) -> Facts:
        standing = tuple(event for event in self.events if event.effective_on <= on)
        return Facts(on=on, head=Head(seq=len(self.events), hash=str(len(self.events))), events=standing)

    def artefact(self, **changes: Any) -> Artefact:
        run = next((event for event in self.events if event.kind == "run_completed"), None)
        whole = Artefact(
            kind=ArtefactKind.PUBLIC_REPORT,
            sha256=BUNDLE,
            operator="Example Quality",
            lineage=None if run is None else lineage_of(run),
            cycle="2025Q4-1",
            release_id="2025Q4-1",
            units={"U000001": SHOWN, "U000002": SHOWN},
            posting=frozenset(),
            public_on=DAY_61,
            identified=frozenset({"U000001", "U000002"}),
            persons=NOBODY,
            identifiers_found=0,
        )
        return replace(whole, **changes)

    def decide(
        self,
        on: date = DAY_61,
        *,
        at: datetime | None = None,
        recipient: Recipient = PUBLIC,
        entity_zone: str = "America/New_York",
        **changes: Any,
    ) -> Decision:
        return may_disclose(
            self.artefact(**changes),
            recipient,
            on=on,
            ledger=self.facts(on),
            at=at,
            entity_zone=entity_zone,
            rehearsal=self.rehearsal,
        )

    def refusing(self, on: date = DAY_61, **asked: Any) -> list[str]:
        """The rules that fail."""
        return [one.rule for one in self.decide(on, **asked).reasons if one.verdict == "fail"]

    def fact(self, rule: str, on: date = DAY_61, **asked: Any) -> str:
        return next(one.fact for one in self.decide(on, **asked).reasons if one.rule == rule)

    def earliest(self, rule: str, on: date = DAY_61, **asked: Any) -> str | None:
        return next(one.earliest for one in self.decide(on, **asked).reasons if one.rule == rule)

    def send(self, unit_id: str, sent_on: date, *, zone: str = "America/Chicago", confirmed: bool = True) -> None:
        sent = self.tell(
            "report_sent",
            sent_on,
            actor="analyst",
            cycle="2025Q4-1",
            run_id="run1",
            unit_id=unit_id,
            level="group",
            report_id=f"2025Q4-1-{unit_id}",
            channel="mail",
            pdf_sha256="1" * 64,
            csv_sha256="2" * 64,
            result_sha256=SHOWN,
            sent_on=sent_on.isoformat(),
            last_request_day=(sent_on + timedelta(days=60)).isoformat(),
            public_from=(sent_on + timedelta(days=61)).isoformat(),
            zone=zone,
            day_count="conservative",
        )
        if confirmed:
            self.tell(
                "send_confirmed",
                sent_on,
                actor="analyst",
                cycle="2025Q4-1",
                run_id="run1",
                unit_id=unit_id,
                sent=sent.event_id,
                handed_over_on=sent_on.isoformat(),
            )

    def bounce(self, unit_id: str, on: date) -> None:
        sent = [one for one in self.events if one.kind == "report_sent" and one.text("unit_id") == unit_id][-1]
        self.tell("delivery_failed", on, cycle="2025Q4-1", unit_id=unit_id, sent=sent.event_id, reason="returned")

    def notice(self, unit_id: str, on: date, *, public_on: date = DAY_61) -> None:
        self.tell(
            "status_notice_sent",
            on,
            cycle="2025Q4-1",
            unit_id=unit_id,
            public_on=public_on.isoformat(),
            open_requests=0,
            letter_sha256="3" * 64,
        )

    def ask(self, unit_id: str, on: date, *, request_id: str = "r-1", category: str = "calculation") -> None:
        self.tell(
            "request_received",
            on,
            cycle="2025Q4-1",
            unit_id=unit_id,
            request_id=request_id,
            kind="correction",
            category=category,
            received_on=on.isoformat(),
        )


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
