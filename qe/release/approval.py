"""A second person is bound to exactly the staged bytes: the result of their check, then the approval."""

from dataclasses import dataclass

from qe.errors import Refused
from qe.ledger.book import Ledger
from qe.ledger.event import LedgerEvent, NewEvent
from qe.ledger.fold import Facts
from qe.release.releases import When
from qe.release.standing import reason
from qe.site import Site


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What the check of staged bytes found.

    release_id  of the public release, the analysis or the data
    findings    cells that may not leave as they are; said and remedy tell of them, paragraph is what they break
    """

    release_id: str
    sha256: str
    cells_checked: int
    cells_hidden: int
    findings: int
    said: str
    paragraph: str
    remedy: str


def approve_bytes(
    site: Site,
    ledger: Ledger,
    facts: Facts,
    checked: Checked,
    *,
    makers: frozenset[str],
    made: str,
    when: When,
    actor: str,
    dry_run: bool,
) -> tuple[LedgerEvent, ...]:
    """Record sdc_checked and, without findings, release_approved, by `actor` for these bytes.

    makers, made  who made the content, and what it is called: outside a rehearsal none of them can approve it
    Refused when the check has findings (which is recorded) and when the actor is one of the makers.
    """
    if actor in makers and not site.settings.site.rehearsal:
        raise Refused(
            f"the person who made the {made} cannot approve it",
            reasons=(
                reason("G18", "rules.md section 0.13", "fail", f"one person made the {made} and would approve it"),
            ),
            remedy="Let a second person approve: --actor NAME, from an account of their own.",
        )
    bound = {"release_id": checked.release_id, "bundle_sha256": checked.sha256}
    cells = {
        "cells_checked": checked.cells_checked,
        "cells_hidden": checked.cells_hidden,
        "findings": checked.findings,
    }
    check = NewEvent(
        kind="sdc_checked",
        effective_on=when.on,
        payload={**bound, **cells},
        key=f"sdc_checked:{checked.sha256}:{actor}",
    )
    approval = NewEvent(
        kind="release_approved", effective_on=when.on, payload=bound, key=f"release_approved:{checked.sha256}:{actor}"
    )
    events = [check] if checked.findings else [check, approval]
    recorded = () if dry_run else ledger.append(events, at=when.at, actor=actor, expected_head=facts.head)
    if checked.findings:
        raise Refused(
            checked.said,
            reasons=(reason("G18", checked.paragraph, "fail", checked.said),),
            remedy=f"Nothing is approved. {checked.remedy}",
        )
    return recorded
