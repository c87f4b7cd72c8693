"""Whether the entity takes part at all on this day: not terminated (G2), and no hold after a decrease of claims (G3)."""

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
    detected = [event for event in facts.of("decrease_detected") if event.day("detected_on") <= facts.on]
    open_ones = [event for event in detected if not _is_settled(facts, event)]
    if open_ones:
        named = ", ".join(sorted({event.text("source_id") for event in open_ones}))
        said = f"claims of {named} decreased, seen on {min(event.day('detected_on') for event in open_ones)}"
        return NO_HOLD.fails(f"{said}, and CMS has not found the rest sufficient")
    return NO_HOLD.passes("no decrease of claims data is unsettled")


def _is_settled(facts: Facts, decrease: LedgerEvent) -> bool:
    """The last word on it: an officer's classification, or CMS's newest decision, is that nothing is lacking."""
    which = decrease.text("decrease_id")
    decisions = [
        (event.day("decided_on"), event.seq, event.text("decision") == "sufficient")
        for event in facts.of("cms_sufficiency_decision", decrease_id=which)
        if event.day("decided_on") <= facts.on
    ]
    if decisions:
        return max(decisions)[2]
    return bool(facts.of("decrease_classified", decrease_id=which))


def require_may_work(facts: Facts) -> None:
    """Refuse to compute or render anything from Medicare data while a hold stands or the participation has ended."""
    against = [verdict for verdict in (not_ended(facts), no_hold(facts)) if verdict.verdict == "fail"]
    if against:
        raise Refused(
            "; ".join(verdict.fact for verdict in against),
            reasons=tuple(against),
            remedy="A hold ends with decrease_classified or cms_sufficiency_decision (qe record). Nothing was computed.",
        )
