"""`qe record EVENT k=v ...`: any event kind without a verb of its own; its payload is checked against its schema."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from qe.cli.acting import acting_on, looking
from qe.cli.output import ActorOption, AsOfOption, DryRunOption, JsonOption, SiteOption, utc_now
from qe.errors import InputError
from qe.ledger import schema
from qe.ledger.about import require_on_record
from qe.ledger.event import NewEvent
from qe.ledger.fold import state_as_of
from qe.release.handover import evidence_sha256
from qe.release.withdraw import require_ends_something

HERE = Path()

VERBS: Final = {
    "run_completed": "qe run",
    "report_sent": "qe review send",
    "send_confirmed": "qe review confirm",
    "delivery_failed": "qe review bounce",
    "status_notice_sent": "qe review notice",
    "publication_told": "qe review notice",
    "public_date_set": "qe review move-date",
    "cycle_reissued": "qe review reissue",
    "sdc_checked": "qe release approve",
    "release_approved": "qe release approve",
    "public_released": "qe release go",
    "public_withdrawn": "qe release withdraw",
    "posting_amended": "qe release amend-posting",
    "agreement_signed": "qe agreement add",
    "npa_defined": "qe npa define, or qe data define",
    "npa_notice_sent": "qe npa notify",
    "npa_extract_sent": "qe npa send",
    "npa_confirmed": "qe npa notify --confirm, or qe npa send --confirm",
    "npa_delivery_failed": "qe npa notify --returned, or qe npa send --returned",
    "optin_received": "qe npa opt-in",
    "waiver_received": "qe npa waive",
    "waiver_revoked": "qe npa waive --revoke",
    "npa_disclosed": "qe npa release",
    "data_disclosed": "qe data release",
    "data_package": "qe data release",
    "npa_final_notice_sent": "qe npa release",
    "request_received": "qe request add",
    "request_acknowledged": "qe request acknowledge",
    "request_responded": "qe request respond",
    "request_resolved": "qe request resolve",
    "requester_verified": "qe request verify",
    "extract_terms_signed": "qe request verify --terms",
    "attachment_received": "qe request add --attachment",
    "attachment_opened": "qe request open",
    "request_fulfilled": "qe request release-data",
    "correction_applied": "qe request resolve",
    "account_bound": "the first act of an account",
}


def record(
    event: Annotated[str, typer.Argument(metavar="EVENT", help="The kind of event.")],
    pairs: Annotated[list[str] | None, typer.Argument(metavar="[k=v ...]", help="Its payload.")] = None,
    effective_on: Annotated[
        datetime | None, typer.Option("--effective-on", formats=["%Y-%m-%d"], help="The day it holds from.")
    ] = None,
    evidence: Annotated[
        Path | None, typer.Option("--evidence", help="The document that shows it; only its hash is kept.")
    ] = None,
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Record a fact of law, right or approval, or take one back: `qe record fact_retracted retracts=EVENT_ID`."""
    with looking("record", site=site, as_of=as_of, json=json) as look:
        if event in VERBS:
            raise InputError(
                f"{event} is recorded by {VERBS[event]}, not by hand",
                remedy="Use that command: it checks what the fact rests on.",
            )
        given = _pairs(pairs or [])
        retracts = given.pop("retracts", None) if event == "fact_retracted" else None
        if effective_on is None and event != "fact_retracted":
            raise InputError("--effective-on is missing", remedy="Give the day from which the fact holds.")
        new = NewEvent(
            kind=event,
            effective_on=effective_on.date() if effective_on else look.on,
            payload=schema.read_payload(event, given),
            evidence_sha256=None if evidence is None else evidence_sha256(evidence),
            retracts=retracts,
        )
        require_on_record(look.ledger, new)
        require_ends_something(state_as_of(look.ledger, date.max), new)
        look.outcome.data = {"kind": event, "effective_on": new.effective_on.isoformat(), "recorded": not dry_run}
        with acting_on(look, actor, dry_run=dry_run, hold=False) as act:
            if dry_run:
                act.outcome.say(f"would record {event}")
                return
            recorded = act.ledger.append([new], at=utc_now(), actor=act.person)[0]
        look.outcome.data |= {"event_id": recorded.event_id, "seq": recorded.seq, "head": recorded.hash}
        look.outcome.say(f"Recorded {event} as event {recorded.seq}, id {recorded.event_id}")


def _pairs(given: list[str]) -> dict[str, str]:
    faulty = sum("=" not in pair for pair in given)
    if faulty:
        raise InputError(
            f"{faulty} of the payload's words are not k=v", remedy="Write them like approved_on=2026-01-05."
        )
    pairs = [pair.partition("=")[::2] for pair in given]
    if len({name for name, _ in pairs}) != len(pairs):
        raise InputError("a key of the payload is given twice")
    return dict(pairs)
