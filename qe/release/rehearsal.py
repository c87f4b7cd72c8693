"""What a rehearsal site stands on: approval, agreement, rights and measure approvals, all invented."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from qe.ledger.book import Ledger
from qe.ledger.event import LedgerEvent, NewEvent
from qe.release.lineage import MeasureAtLevel
from qe.release.standing import approval_expires_on


def record_rehearsal_facts(
    ledger: Ledger,
    *,
    organisation: str,
    sources: Sequence[str],
    measures: Sequence[MeasureAtLevel],
    template_sha256: str,
    approved_on: date,
    at: datetime,
    actor: str,
) -> tuple[LedgerEvent, ...]:
    """Record what a real entity would hold from CMS and its payers, as of `approved_on`, for three years.

    sources   ids of the claims sources of qe.toml
    measures  every measure at every level that its folder publishes
    template_sha256  of the confidential report's templates: the prototype that CMS would have approved
    """
    last_day = approval_expires_on(approved_on) - timedelta(days=1)
    until = {"expires_on": last_day.isoformat()}
    approval = NewEvent(
        kind="entity_approved", effective_on=approved_on, payload={"approved_on": approved_on.isoformat()}
    )
    agreement = NewEvent(
        kind="dua_signed",
        effective_on=approved_on,
        payload={"party": organisation, "dua_no": "DUA-REHEARSAL", **until},
    )
    rights = [
        NewEvent(
            kind="source_registered",
            effective_on=approved_on,
            payload={"source_id": source_id, "rights": "measures;public", **until},
        )
        for source_id in sorted(sources)
    ]
    approvals = [
        NewEvent(
            kind="measure_approved",
            effective_on=approved_on,
            payload={
                "measure_id": measure.measure_id,
                "version": measure.version,
                "level": measure.level,
                "route": "rehearsal",
                "approved_on": approved_on.isoformat(),
            },
        )
        for measure in sorted(measures)
    ]
    approved = {"approved_on": approved_on.isoformat()}
    plan = NewEvent(kind="plan_approved", effective_on=approved_on, payload=approved)
    prototype = NewEvent(
        kind="prototype_approved", effective_on=approved_on, payload={"template_sha256": template_sha256, **approved}
    )
    return ledger.append([approval, agreement, plan, prototype, *rights, *approvals], at=at, actor=actor)
