"""`qe request release-data`: the claims behind a result, for the provider that asked."""

from typing import Annotated

import typer

from qe.cli.acting import acting
from qe.cli.output import ActorOption, AsOfOption, DryRunOption, JsonOption, Outcome, SiteOption, utc_now
from qe.cli.request.options import RequestArgument
from qe.cli.review import HERE, contacts_on
from qe.release import data_release


def release_data(
    request: RequestArgument,
    measure: Annotated[
        list[str] | None, typer.Option("--measure", help="One of the measures under appeal; default: all of them.")
    ] = None,
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Seal the Medicare claims (and names, if asked) behind the result under appeal for the provider's own age key."""
    with acting("request release-data", site=site, actor=actor, as_of=as_of, dry_run=dry_run, json=json) as act:
        planned = data_release.plan_data_release(
            act.site, act.ledger, request, measures=measure or (), contacts=contacts_on(act.site, act.on), on=act.on
        )
        _tell_release(act.outcome, planned, dry_run=dry_run)
        name = f"{planned.path.name}.age"
        if planned.is_done:
            act.outcome.say(f"The data of {request} were released before: {name}")
            return
        planned.decision.require(data_release.refusal_of(planned))
        if not dry_run:
            data_release.release_data(planned, act.ledger, at=utc_now(), actor=act.person)
        act.outcome.say(
            f"{'would seal' if dry_run else 'Sealed'} the package of {request} for {planned.unit.unit_id}: {name}"
        )


def _tell_release(outcome: Outcome, planned: data_release.DataRelease, *, dry_run: bool) -> None:
    counts = data_release.counts_of(planned)
    outcome.data = {
        "request_id": planned.request.request_id,
        "unit_id": planned.unit.unit_id,
        "measures": list(planned.measures),
        "counts": dict(counts),
        "recorded": planned.event is not None,
        "package": f"{planned.path.name}.age",
        "dry_run": dry_run,
    }
    outcome.table("What the package holds", ["table", "rows"], [(name, f"{rows:,}") for name, rows in counts.items()])
    outcome.judged(planned.decision.reasons, dry_run=dry_run)
