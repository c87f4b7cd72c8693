"""Whether the entity takes part at all on this day: not terminated (G2), and no hold after a decrease of claims (G3)."""

from datetime import date
from typing import Final

from qe.errors import Reason, Refused
from qe.ledger.event import LedgerEvent
from qe.ledger.fold import Facts
from qe.regulation import CITATION
from qe.release.rules.paragraph import Paragraph

NOT_ENDED: Final = Paragraph("G2", CITATION["termination"])
NO_HOLD: Final = Paragraph("G3", CITATION["decrease"])


def not_ended(facts: Facts) -> Reason:
    """G2: neither CMS nor the entity ended the participation since its last approval (401.721(b))."""
    ended = {
        event.day("notified_on"): said
        for kind, said in (
            ("termination_notified", "CMS ended the agreement"),
            ("voluntary_exit", "the entity ended its participation"),
        )
        for event in facts.of(kind)
        if event.day("notified_on") <= facts.on
    }
    approved = [event.day("approved_on") for event in facts.of("entity_approved")]
    since = [day for day in ended if not any(day < again <= facts.on for again in approved)]
    if since:
        first = min(since)
        return NOT_ENDED.fails(f"{ended[first]} on {first}: only returns, certificates and filings may leave")
    return NOT_ENDED.passes("the participation has not ended")


def no_hold(facts: Facts) -> Reason:
    """G3: every decrease of other payers' claims is settled: classified as none, or the rest sufficient for CMS (401.711(c))."""
    open_ones = [which for which in _decreases(facts) if not _is_settled(facts, which)]
    if not open_ones:
        return NO_HOLD.passes("no decrease of claims data is unsettled")
    detected = [event for event in facts.of("decrease_detected") if event.text("decrease_id") in open_ones]
    sources = ", ".join(sorted({event.text("source_id") for event in detected})) or "a source"
    since = min((event.day("detected_on") for event in detected), default=facts.on)
    return NO_HOLD.fails(f"claims of {sources} decreased, seen on {since}, and CMS has not found the rest sufficient")


def _decreases(facts: Facts) -> list[str]:
    """Every decrease that was seen here, or that CMS spoke of, by this day."""
    seen = [event for event in facts.of("decrease_detected") if event.day("detected_on") <= facts.on]
    return sorted({event.text("decrease_id") for event in (*seen, *_decisions(facts))})


def _decisions(facts: Facts) -> list[LedgerEvent]:
    return [event for event in facts.of("cms_sufficiency_decision") if event.day("decided_on") <= facts.on]


def _is_settled(facts: Facts, which: str) -> bool:
    """The last word on a decrease is that nothing is lacking: CMS's, or, where CMS has not spoken since, the officer's."""
    seen = [(one.day("detected_on"), one.seq) for one in facts.of("decrease_detected", decrease_id=which)]
    last_seen = max(seen, default=(date.min, 0))
    decided = [
        (one.day("decided_on"), one.seq, one.text("decision") == "sufficient")
        for one in _decisions(facts)
        if one.text("decrease_id") == which
    ]
    if decided and max(decided)[:2] > last_seen:
        return max(decided)[2]
    classified = [(one.effective_on, one.seq) for one in facts.of("decrease_classified", decrease_id=which)]
    return max(classified, default=(date.min, 0)) > last_seen


def require_may_work(facts: Facts) -> None:
    """Refuse to compute or render anything from Medicare data while a hold stands or the participation has ended."""
    against = [verdict for verdict in (not_ended(facts), no_hold(facts)) if verdict.verdict == "fail"]
    if against:
        raise Refused(
            "; ".join(verdict.fact for verdict in against),
            reasons=tuple(against),
            remedy="A hold ends with decrease_classified or cms_sufficiency_decision (qe record). Nothing was computed.",
        )
