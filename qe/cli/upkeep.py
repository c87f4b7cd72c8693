"""`qe status` and `qe doctor`: where the site stands, and whether the machine is fit."""

from dataclasses import asdict
from pathlib import Path

import polars as pl

from qe.cli.output import AsOfOption, JsonOption, Outcome, SiteOption, acting_day, command, tell_unresolved, utc_now
from qe.errors import QeError
from qe.ledger.fold import state_as_of
from qe.release.held_back import public_releases
from qe.release.in_flight import half_public, in_flight
from qe.release.posting import stopped_amendments
from qe.release.releases import moment
from qe.release.review import Clock
from qe.release.sends import reviews
from qe.run_record import results_path
from qe.runs import Run, finished_runs, recorded_runs
from qe.site import open_site
from qe.upkeep.doctor import examine


def status(site: SiteOption = Path(), as_of: AsOfOption = None, json: JsonOption = False) -> None:
    """The site at a glance: runs, cycles, everything in flight with its earliest or last day, and the ledger's head."""
    with command("status", json=json) as outcome:
        opened = outcome.open_site(site)
        on = acting_day(opened, as_of)
        ledger = opened.open_ledger()
        facts = state_as_of(ledger, on)
        head = ledger.head()
        finished = finished_runs(opened)
        runs = [{"run_id": run.run_id, "period": run.manifest()["period"]["label"]} for run in finished]
        cycles = []
        for cycle in sorted({event.text("cycle") for event in facts.of("report_sent")}):
            units = reviews(facts, cycle)
            confirmed = [unit for unit in units.values() if unit.state == "confirmed"]
            published = sorted(event.text("release_id") for event in public_releases(facts, cycle))
            cycles.append(
                {"cycle": cycle, "sent": len(units), "confirmed": len(confirmed), "released": ", ".join(published)}
            )
        review = opened.settings.review
        when = moment(opened, on=on, at=utc_now(), is_as_of=as_of is not None)
        clock = Clock(at=when.instant, zone=opened.settings.site.zone, day_count=review.day_count)
        under_way = [
            *half_public(opened, facts),
            *in_flight(
                facts,
                respond_within_days=review.respond_within_days,
                clock=clock,
                stopped=stopped_amendments(opened, ledger, facts),
            ),
        ]
        outcome.data = {
            "site": opened.settings.site.name,
            "rehearsal": opened.settings.site.rehearsal,
            "on": on.isoformat(),
            "periods": sorted(opened.settings.periods),
            "runs": runs,
            "cycles": cycles,
            "in_flight": [
                {**asdict(one), "day": None if one.day is None else one.day.isoformat()} for one in under_way
            ],
            "unresolved_units": [],
            "ledger": {"events": head.seq, "head": head.hash},
        }
        kind = ", rehearsal" if opened.settings.site.rehearsal else ""
        outcome.say(f"{opened.settings.site.name} ({opened.settings.entity.organisation}{kind}) on {on}")
        if runs:
            outcome.table("Finished runs", ["run", "period"], [(run["run_id"], run["period"]) for run in runs])
        else:
            outcome.say("No finished run yet: qe run")
        for run in recorded_runs(opened)[:1]:
            _tell_unresolved(outcome, run)
        if cycles:
            rows = [(one["cycle"], one["sent"], one["confirmed"], one["released"] or "no") for one in cycles]
            outcome.table("Cycles", ["cycle", "sent", "confirmed", "released"], rows)
        if under_way:
            lines = [(one.what, one.state, one.next_act, one.day, one.citation) for one in under_way]
            outcome.table("In flight", ["what", "state", "next", "day", "paragraph"], lines)
        outcome.say(f"Ledger: {head.seq} events, head {head.hash[:16]}")


def _tell_unresolved(outcome: Outcome, latest: Run) -> None:
    """Units that the roster does not resolve, of the run that was recorded last."""
    table = results_path(latest, "unresolved_unit")
    if table.exists():  # not in a run of an earlier version
        tell_unresolved(outcome, pl.read_parquet(table))


def doctor(site: SiteOption = Path(), json: JsonOption = False) -> None:
    """Is this machine, and this site, fit to work? Changes nothing."""
    with command("doctor", json=json) as outcome:
        try:
            opened = open_site(site)
        except QeError as error:
            opened = None
            outcome.say(f"no site examined: {error.message}")
        found = examine(opened)
        outcome.data = {
            "findings": [
                {"check": one.check, "state": one.state, "found": one.found, "remedy": one.remedy} for one in found
            ]
        }
        rows = [(one.state, one.check, one.found, one.remedy) for one in found]
        outcome.table("Findings", ["state", "check", "found", "remedy"], rows)
        outcome.exit_code = 1 if any(one.state == "fault" for one in found) else 0
