"""`qe request list | open`: the requests with the days left to answer, and what came with one."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from qe.cli.acting import acting, looking
from qe.cli.output import ActorOption, AsOfOption, DryRunOption, JsonOption, SiteOption, utc_now
from qe.cli.request.options import RequestArgument
from qe.cli.review import HERE
from qe.ledger.fold import Facts, state_as_of
from qe.release import attachments
from qe.release.requests import Request, most_urgent_first, requests
from qe.reports import wording
from qe.site import Site


def list_requests(
    cycle: Annotated[str | None, typer.Option("--cycle", help="One cycle; default: all.")] = None,
    is_open: Annotated[bool, typer.Option("--open", help="Only those that are not closed.")] = False,
    site: SiteOption = HERE,
    as_of: AsOfOption = None,
    json: JsonOption = False,
) -> None:
    """Every request with its state and the days left to answer it, overdue ones first."""
    with looking("request list", site=site, as_of=as_of, json=json) as look:
        within = look.site.settings.review.respond_within_days
        facts = state_as_of(look.ledger, look.on)
        found = most_urgent_first(requests(facts, cycle), on=look.on, respond_within_days=within)
        shown = [one for one in found if not (is_open and one.state == "resolved")]
        rows = [_row(one, look.on, within) | {"attachments": _attachments(look.site, facts, one)} for one in shown]
        look.outcome.data = {"on": look.on.isoformat(), "requests": rows}
        look.outcome.table(
            f"Requests on {look.on}",
            [
                "request",
                "kind",
                "category",
                "measures",
                "received",
                "late",
                "state",
                "days left",
                "outcome",
                "attachments",
                "next act",
            ],
            [
                (
                    row["request_id"],
                    wording.request_kind(row["kind"]),
                    wording.request_category(row["category"]),
                    ", ".join(row["measures"]),
                    row["received_on"],
                    "late" if row["late"] else "",
                    row["state"],
                    "overdue" if (row["days_left"] or 0) < 0 else row["days_left"],
                    row["outcome"],
                    ", ".join(kept["place"] for kept in row["attachments"]),
                    one.next_verb,
                )
                for one, row in zip(shown, rows, strict=True)
            ],
        )


def _row(one: Request, on: date, respond_within_days: int) -> dict[str, Any]:
    return {
        "request_id": one.request_id,
        "cycle": one.cycle,
        "about": one.about,
        "unit_id": one.unit_id,
        "kind": one.kind,
        "category": one.received.text("category"),
        "measures": list(one.measures),
        "received_on": one.received.text("received_on"),
        "late": one.received.flag("late"),
        "state": one.state,
        "days_left": one.days_left(on, respond_within_days),
        "outcome": one.resolved.text("outcome") if one.resolved else None,
        "next": one.next_verb or None,
    }


def _attachments(site: Site, facts: Facts, one: Request) -> list[dict[str, Any]]:
    """What came with the request, by digest: no file is opened for it."""
    return [
        {"sha256": kept.sha256, "bytes": kept.size, "kind": kept.kind, "place": attachments.place_of(site, kept)}
        for kept in attachments.attachments_of(facts, one.request_id)
    ]


def open_attachment(
    request: RequestArgument,
    to: Annotated[Path, typer.Option("--to", help="The file to write, outside the site; there is none yet.")],
    attachment: Annotated[
        str, typer.Option("--attachment", help="The first digits of its sha256; default: the only one.")
    ] = "",
    key: Annotated[
        Path | None, typer.Option("--key", help="Of a sealed one: the key that its reviewing officer holds.")
    ] = None,
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Write an attachment in the clear, to answer its request or to review a sealed one; who did and when is recorded."""
    with acting("request open", site=site, actor=actor, as_of=as_of, dry_run=dry_run, json=json) as act:
        kept = attachments.open_again(
            act.site,
            act.ledger,
            request,
            starts_with=attachment,
            key_file=key,
            to=to,
            on=act.on,
            at=utc_now(),
            actor=act.person,
            dry_run=dry_run,
        )
        act.outcome.data = {
            "request_id": request,
            "sha256": kept.sha256,
            "was_sealed": kept.is_sealed,
            "dry_run": dry_run,
        }
        act.outcome.say(f"{'would write' if dry_run else 'Wrote'} the attachment {kept.sha256[:12]} of {request}.")
        if kept.is_sealed:
            act.outcome.say("Destroy the file after the review. It may be kept unsealed only by --attachment-is none.")
