"""What an event is about must be on record: an id that is mistyped would end, settle or answer nothing, and say so to nobody."""

from typing import Final

from qe.errors import InputError
from qe.ledger import schema
from qe.ledger.book import Ledger
from qe.ledger.event import NewEvent

NAMED: Final = 5


def require_on_record(ledger: Ledger, new: NewEvent) -> None:
    """InputError where the id that `new` names was put on record by no event that stands, with some of those that were."""
    about = schema.kind_of(new.kind).about
    if about is None:
        return
    key, kind = about.key, about.kind
    if key not in new.payload:
        if about.needed_by(new.payload):
            raise InputError(
                f"{new.kind} of this kind says no {key}: it would be about nothing", remedy=f"Add {key}=...."
            )
        return
    events = ledger.events()
    taken_back = {event.retracts for event in events if event.retracts is not None}
    known = {event.text(key): None for event in events if event.kind == kind and event.event_id not in taken_back}
    if new.payload[key] not in known:
        last = list(known)[-NAMED:]
        raise InputError(
            f"no {kind} has this {key}: {new.kind} would be about nothing",
            remedy=f"On record: {', '.join(last)}." if last else f"Record that first: {kind}.",
        )
