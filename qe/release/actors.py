"""Who acts: one account of the machine is one actor, so that two persons are two accounts (rules.md section 0.13)."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime

from qe.errors import InputError, Refused
from qe.ledger.book import Ledger
from qe.ledger.event import NewEvent
from qe.ledger.fold import state_as_of
from qe.release.standing import reason


@contextmanager
def one_actor(
    ledger: Ledger, *, account: str, actor: str, on: date, at: datetime, rehearsal: bool, dry_run: bool
) -> Iterator[None]:
    """Refuse a second actor of one account; after an act that succeeds, bind the account to its first actor.

    In a rehearsal one person plays all parts.
    """
    if not actor.strip() or not actor.isprintable() or len(actor) > 80:
        raise InputError("the actor is not a line of 1 to 80 characters", remedy="Give a name: --actor NAME.")
    account = re.sub(r"[^A-Za-z0-9._+/@:-]", "_", account) or "unknown"
    bound = [] if rehearsal else state_as_of(ledger, date.max).of("account_bound", account=account)
    if bound and bound[-1].actor != actor:
        said = "this account already acts under another name"
        raise Refused(
            f"{said}; one account cannot be two persons",
            reasons=(reason("G18", "rules.md section 0.13", "fail", said),),
            remedy="Leave --actor out, or let the other person act from an account of their own.",
        )
    yield
    if not (bound or rehearsal or dry_run):
        ledger.append(
            [NewEvent(kind="account_bound", effective_on=on, payload={"account": account})], at=at, actor=actor
        )
