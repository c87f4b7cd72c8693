"""Where the notice or the extract of each unit stands: put out, handed over, or come back."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from qe.ledger.event import LedgerEvent
from qe.ledger.fold import Facts
from qe.release.sends import SendState

What = Literal["notice", "extract"]
EVENT = {"notice": "npa_notice_sent", "extract": "npa_extract_sent"}


@dataclass(frozen=True, kw_only=True)
class AnalysisSend:
    """The last notice, or extract, of one unit. number: how many were put out so far."""

    unit_id: str
    sent: LedgerEvent | None
    handed_over_on: date | None
    is_failed: bool
    number: int

    @property
    def state(self) -> SendState:
        if self.sent is None:
            return "not_sent"
        if self.is_failed:
            return "failed"
        return "sent" if self.handed_over_on is None else "confirmed"


def send_of(facts: Facts, analysis_id: str, unit_id: str, what: What) -> AnalysisSend:
    """The last one of this unit on the day of `facts`."""
    about = {"analysis_id": analysis_id, "unit_id": unit_id}
    sent = facts.of(EVENT[what], **about)
    ids = {event.event_id for event in sent}
    failed = {event.text("sent") for event in facts.of("npa_delivery_failed", **about)} & ids
    confirmed = {event.text("sent"): event.day("handed_over_on") for event in facts.of("npa_confirmed", **about)}
    last = sent[-1] if sent else None
    return AnalysisSend(
        unit_id=unit_id,
        sent=last,
        handed_over_on=None if last is None else confirmed.get(last.event_id),
        is_failed=last is not None and last.event_id in failed,
        number=len(sent),
    )
