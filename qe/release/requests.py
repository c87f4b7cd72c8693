"""Requests of providers and suppliers for data or corrections: where each stands, as a fold of the ledger (401.717(b), (c))."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from qe.errors import InputError, Refused
from qe.ledger.event import LedgerEvent
from qe.ledger.fold import Facts
from qe.regulation import CITATION
from qe.release.standing import reason
from qe.reports.request_words import About

RequestState = Literal["new", "acknowledged", "responded", "resolved"]
DATA_KINDS: Final = frozenset({"claims_data", "beneficiary_names"})
VERB: Final[dict[RequestState, str]] = {"new": "acknowledge", "acknowledged": "respond", "responded": "resolve"}


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request as of a day. responses: in order of recording; the first one counts (401.719(b)(2)(v))."""

    received: LedgerEvent
    acknowledged: LedgerEvent | None
    responses: tuple[LedgerEvent, ...]
    fulfilled: LedgerEvent | None
    resolved: LedgerEvent | None

    @property
    def request_id(self) -> str:
        return self.received.text("request_id")

    @property
    def unit_id(self) -> str:
        return self.received.text("unit_id")

    @property
    def cycle(self) -> str:
        return self.received.text("cycle")

    @property
    def about(self) -> About:
        """A report of the 60-day review, or an analysis that the unit opted in to: counted apart (rules.md section 0.14)."""
        return "analysis" if self.received.text("about") == "analysis" else "report"

    @property
    def kind(self) -> str:
        return self.received.text("kind")

    @property
    def measures(self) -> tuple[str, ...]:
        """The measures under appeal; () where the request names none."""
        return self.received.texts("measures") if "measures" in self.received.payload else ()

    @property
    def is_answered(self) -> bool:
        return bool(self.responses) or self.fulfilled is not None

    @property
    def outcome(self) -> str:
        """What was decided last, as it was closed or else answered; "" while nothing was."""
        if self.resolved is not None:
            return self.resolved.text("outcome")
        return self.responses[-1].text("answer") if self.responses else ""

    @property
    def state(self) -> RequestState:
        if self.resolved is not None:
            return "resolved"
        if self.is_answered:
            return "responded"
        return "new" if self.acknowledged is None else "acknowledged"

    @property
    def next_verb(self) -> str:
        """What comes next, as a word of `qe request`; "" for a request that is closed."""
        if self.state == "acknowledged" and self.kind in DATA_KINDS:
            return "release-data"
        return VERB.get(self.state, "")

    @property
    def next_act(self) -> str:
        """The command that comes next."""
        return f"qe request {self.next_verb} {self.request_id}"

    def last_day(self, respond_within_days: int) -> date:
        """The last day to answer it, as printed on the reports."""
        return self.received.day("received_on") + timedelta(days=respond_within_days)

    def days_left(self, on: date, respond_within_days: int) -> int | None:
        """Days to the last day to answer, negative once it is over; None once it is answered or closed."""
        is_waiting = self.state in ("new", "acknowledged")
        return (self.last_day(respond_within_days) - on).days if is_waiting else None


def requests(facts: Facts, cycle: str | None = None) -> tuple[Request, ...]:
    """The requests of `cycle` (None: of all cycles), in order of recording."""
    received = facts.of("request_received") if cycle is None else facts.of("request_received", cycle=cycle)
    acknowledged = _first_of(facts.of("request_acknowledged"))
    fulfilled, resolved = _first_of(facts.of("request_fulfilled")), _first_of(facts.of("request_resolved"))
    answers = facts.of("request_responded")
    return tuple(
        Request(
            received=event,
            acknowledged=acknowledged.get(event.text("request_id")),
            responses=tuple(one for one in answers if one.text("request_id") == event.text("request_id")),
            fulfilled=fulfilled.get(event.text("request_id")),
            resolved=resolved.get(event.text("request_id")),
        )
        for event in received
    )


def _first_of(events: Iterable[LedgerEvent]) -> dict[str, LedgerEvent]:
    found: dict[str, LedgerEvent] = {}
    for event in events:
        found.setdefault(event.text("request_id"), event)
    return found


def most_urgent_first(found: Sequence[Request], *, on: date, respond_within_days: int) -> list[Request]:
    """Those that wait for an answer by their last day, overdue ones first; then the answered ones; then those closed."""

    def urgency(one: Request) -> tuple[bool, bool, int, str]:
        left = one.days_left(on, respond_within_days)
        return one.state == "resolved", left is None, left or 0, one.request_id

    return sorted(found, key=urgency)


def request_of(facts: Facts, request_id: str) -> Request:
    """The request of this id as it stands on the day of `facts`."""
    for one in requests(facts):
        if one.request_id == request_id:
            return one
    raise InputError(f"no request {request_id} was received by {facts.on}", remedy="`qe request list` names them.")


def require_open(request: Request, act: str) -> None:
    """Refuse an act on a request that is closed."""
    if request.resolved is not None:
        said = f"request {request.request_id} was closed on {request.resolved.effective_on} ({request.resolved.text('outcome')})"
        raise Refused(
            f"{said}: {act}",
            reasons=(reason("R8", CITATION["request"], "fail", said),),
            remedy="Log a further request: qe request add. A closing by mistake is taken back: qe record fact_retracted.",
        )
