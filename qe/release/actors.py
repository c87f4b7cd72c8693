"""Who acts: one account of the machine is one actor, so that two persons are two accounts (rules.md section 0.13)."""

import re
from datetime import date, datetime

from qe.errors import InputError, Refused
from qe.ledger.book import Ledger
from qe.ledger.event import NewEvent
from qe.ledger.fold import state_as_of
from qe.release.standing import reason


def require_one_actor(
    ledger: Ledger, *, account: str, actor: str, on: date, at: datetime, rehearsal: bool, dry_run: bool
) -> None:
    """Bind `account` to the first actor it acts as; refuse a second one. In a rehearsal one person plays all parts."""
    if not actor.strip() or not actor.isprintable() or len(actor) > 80:
        raise InputError("the actor is not a line of 1 to 80 characters", remedy="Give a name: --actor NAME.")
    if rehearsal:
        return
    account = re.sub(r"[^A-Za-z0-9._+/@:-]", "_", account) or "unknown"
    bound = state_as_of(ledger, date.max).of("user_authorised", account=account)
    if not bound:
        if not dry_run:
            event = NewEvent(kind="user_authorised", effective_on=on, payload={"account": account})
            ledger.append([event], at=at, actor=actor)
        return
    if bound[-1].actor != actor:
        said = "this account already acts under another name"
        raise Refused(
            f"{said}; one account cannot be two persons",
            reasons=(reason("G18", "rules.md section 0.13", "fail", said),),
            remedy="Leave --actor out, or let the other person act from an account of their own.",
        )
