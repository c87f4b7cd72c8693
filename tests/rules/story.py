"""Events told in order, the facts they fold to, and the gate's answer about what they make."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

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

    def recorded_on_their_days(self) -> None:
        """Number the events as if each had been recorded on the day it holds from."""
        ordered = sorted(self.events, key=lambda one: one.effective_on)
        self.events = [replace(one, seq=number) for number, one in enumerate(ordered, start=1)]

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
