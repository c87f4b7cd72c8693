"""Where each unit's review stands in a cycle: report put out, handed over, returned, noticed, open or over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from qe.ledger.event import LedgerEvent
from qe.ledger.fold import Facts
from qe.release.reissue import reissued_from
from qe.release.review import ReviewPeriod

SendState = Literal["not_sent", "sent", "confirmed", "failed"]


@dataclass(frozen=True, kw_only=True)
class UnitReview:
    """One unit in one cycle, as of a day.

    sent       its last report_sent; confirmed the send_confirmed of it; failed the delivery_failed of it
    notice     its last status notice
    moves      each time that the cycle's public date was moved; a notice before one tells an old date
    dated      the first page, not returned, that printed the dates of its last one: a notice before it told of other dates
    rests_on   the last page whose days were all its recipient's, handed over and not returned: what the dates of a corrected page
               rest on; None where there is none
    reissued_in  the cycle in which what it was sent here is issued again; "" where it is not
    asked      its requests in this cycle, and `requests` those of them that are open
    """

    unit_id: str
    sent: LedgerEvent | None
    confirmed: LedgerEvent | None
    failed: LedgerEvent | None
    notice: LedgerEvent | None
    asked: tuple[LedgerEvent, ...]
    requests: tuple[LedgerEvent, ...]
    moves: tuple[LedgerEvent, ...]
    dated: LedgerEvent | None
    rests_on: LedgerEvent | None
    reissued_in: str

    @property
    def state(self) -> SendState:
        if self.sent is None:
            return "not_sent"
        if self.failed is not None:
            return "failed"
        return "sent" if self.confirmed is None else "confirmed"

    @property
    def channel(self) -> str:
        """By which its last report was put out; "" while none was."""
        return "" if self.sent is None else self.sent.text("channel")

    @property
    def review(self) -> ReviewPeriod | None:
        """The review period that its confirmed report printed; None while nothing is confirmed.

        A hand-over before the printed day changes nothing: the printed, later dates are enforced. A page with a correction prints
        the dates of the report that was handed over before it, whose period runs on while the page is on its way; where that report
        came back, nobody had these days, and the page counts for nothing unless it prints dates of its own.
        """
        if self.sent is None:
            return None
        is_corrected = bool(self.sent.text("correction_id"))
        if not (self.rests_on is not None if is_corrected else self.state == "confirmed"):
            return None
        return ReviewPeriod(
            sent_on=self.sent.day("sent_on"),
            zone=self.sent.text("zone"),
            day_count="literal" if self.sent.text("day_count") == "literal" else "conservative",
        )

    @property
    def printed_public_from(self) -> date | None:
        """The public date that its report printed, never earlier than its 60 days; None while its last page is not handed over."""
        if self.state != "confirmed" or self.review is None or self.sent is None:
            return None
        return max(self.review.public_from, self.sent.day("public_from"))

    @property
    def public_from(self) -> date | None:
        """The last public date it was told, by report or by notice, or that was set; never earlier than its 60 days allow."""
        printed = self.printed_public_from
        if printed is None:
            return None
        told = [] if self.notice is None else [self.notice]
        return max([printed, *(event.day("public_on") for event in (*told, *self.moves))])

    @property
    def is_noticed(self) -> bool:
        """Whether it was told the status of its requests and the day: no notice before what it must tell of does."""
        return self.notice is not None and self.to_tell < self.notice.seq

    @property
    def to_tell(self) -> int:
        """The ledger's number of the last thing that a notice must tell of: its dates, a request, a moved date."""
        dated = [] if self.dated is None else [self.dated]
        return max((event.seq for event in (*self.asked, *self.moves, *dated)), default=0)

    def is_over(self, *, at: datetime, on: date, entity_zone: str) -> bool:
        """Whether its results may be public at this instant, on the day `on` of the entity."""
        review, public_from = self.review, self.public_from
        if review is None or public_from is None:
            return False
        return on >= public_from and at >= review.public_at(entity_zone)


def reviews(facts: Facts, cycle: str) -> Mapping[str, UnitReview]:
    """Every unit with a report, notice or request in `cycle`, by unit id."""
    pages = facts.of("report_sent", cycle=cycle)
    sent = {event.text("unit_id"): event for event in pages}
    confirmed = {event.text("sent"): event for event in facts.of("send_confirmed", cycle=cycle)}
    failed = {event.text("sent"): event for event in facts.of("delivery_failed", cycle=cycle)}
    standing = {
        event.text("unit_id"): event
        for event in pages
        if event.event_id not in failed and _gave_its_days(event, confirmed.get(event.event_id))
    }
    asked: dict[str, list[LedgerEvent]] = {}
    for event in facts.of("request_received", cycle=cycle):
        asked.setdefault(event.text("unit_id"), []).append(event)
    notices = {event.text("unit_id"): event for event in facts.of("status_notice_sent", cycle=cycle)}
    moves = tuple(facts.of("public_date_set", cycle=cycle))
    reissued = reissued_from(facts, cycle)
    open_ones = {event.text("request_id") for event in open_requests(facts, cycle)}
    return {
        unit_id: UnitReview(
            unit_id=unit_id,
            sent=sent.get(unit_id),
            confirmed=confirmed.get(sent[unit_id].event_id) if unit_id in sent else None,
            failed=failed.get(sent[unit_id].event_id) if unit_id in sent else None,
            notice=notices.get(unit_id),
            asked=tuple(asked.get(unit_id, [])),
            requests=tuple(event for event in asked.get(unit_id, []) if event.text("request_id") in open_ones),
            moves=moves,
            dated=_dated(pages, failed, sent.get(unit_id)),
            rests_on=standing.get(unit_id),
            reissued_in=reissued.get(unit_id, ""),
        )
        for unit_id in sorted({*sent, *asked, *notices})
    }


def _dated(
    pages: Sequence[LedgerEvent], failed: Mapping[str, LedgerEvent], last: LedgerEvent | None
) -> LedgerEvent | None:
    """The first page of the unit that printed the dates of its last one and did not come back."""
    if last is None:
        return None
    printed = (last.text("unit_id"), last.text("sent_on"))
    return next(
        (one for one in pages if (one.text("unit_id"), one.text("sent_on")) == printed and one.event_id not in failed),
        None,
    )


def _gave_its_days(sent: LedgerEvent, confirmed: LedgerEvent | None) -> bool:
    """Whether the days that a page prints were its recipient's: of a corrected page, which mostly prints those of the report before
    it, only where it was handed over by the send date that it prints."""
    if confirmed is None:
        return False
    return not sent.text("correction_id") or confirmed.effective_on <= sent.day("sent_on")


def was_handed_over(facts: Facts, cycle: str, unit_id: str) -> bool:
    """Whether a report of the cycle reached the unit and did not come back: its clock runs, whatever page is sent after."""
    failed = {event.text("sent") for event in facts.of("delivery_failed", cycle=cycle, unit_id=unit_id)}
    confirmed = facts.of("send_confirmed", cycle=cycle, unit_id=unit_id)
    return any(event.text("sent") not in failed for event in confirmed)


def open_requests(facts: Facts, cycle: str) -> tuple[LedgerEvent, ...]:
    """The requests of `cycle` that are not resolved, in order of recording."""
    resolved = {event.text("request_id") for event in facts.of("request_resolved")}
    received = facts.of("request_received", cycle=cycle)
    return tuple(event for event in received if event.text("request_id") not in resolved)
