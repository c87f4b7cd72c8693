"""`qe data define | determine | release | status`: the claims themselves for an authorized user (401.718)."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from qe.cli.acting import Act, acting, looking
from qe.cli.npa.define import last_run
from qe.cli.npa.options import listed
from qe.cli.output import ActorOption, AsOfOption, DryRunOption, JsonOption, Outcome, SiteOption
from qe.cli.review import contacts_on
from qe.ledger.fold import Facts, state_as_of
from qe.release.dissemination import define as defining
from qe.release.dissemination import release as releasing
from qe.release.dissemination.content import persons_in, rows_in
from qe.release.dissemination.definition import (
    AskedData,
    DataKind,
    chosen_columns,
    chosen_sources,
    definition_of,
    definitions,
)
from qe.release.dissemination.status import DataStatus, status_of
from qe.release.lineage import lineage_of, run_of
from qe.site import Site

app = typer.Typer(
    no_args_is_help=True,
    help="Data for an authorized user (401.718): define, determine to be de-identified, release, status.",
)

HERE = Path()
Kind = Literal["de-identified", "patients"]
KINDS: dict[Kind, DataKind] = {"de-identified": "data_deid", "patients": "data_patient_identifiable"}
DataArgument = Annotated[str, typer.Argument(metavar="DATA", help="Its id, of your own.")]


@app.command()
def define(
    data_id: DataArgument,
    party: Annotated[str, typer.Option("--party", help="The authorized user, as it is on record.")],
    kind: Annotated[Kind, typer.Option("--kind", help="De-identified, or of the recipient's own current patients.")],
    tables: Annotated[
        str,
        typer.Option("--tables", help="person, claim, claim_line, claim_diagnosis, claim_procedure, pharmacy_fill."),
    ],
    start: Annotated[
        datetime, typer.Option("--start", formats=["%Y-%m-%d"], help="First day on which a claim or fill begins.")
    ],
    end: Annotated[datetime, typer.Option("--end", formats=["%Y-%m-%d"], help="The last such day.")],
    topic: Annotated[str, typer.Option("--topic", help="Its topic, for the annual report. Name nobody.")],
    purpose: Annotated[str, typer.Option("--purpose", help="What the user will use it for (401.713(d)(1)).")],
    columns: Annotated[
        str | None, typer.Option("--columns", help="Only these of a table, like claim.drg,claim.paid_amount.")
    ] = None,
    without: Annotated[str | None, typer.Option("--without", help="All but these, written alike.")] = None,
    sources: Annotated[
        str | None, typer.Option("--sources", help="Only claims of these sources, by commas; default: all.")
    ] = None,
    fee: Annotated[int, typer.Option("--fee", min=0, help="The price asked, whole dollars.")] = 0,
    period: Annotated[str | None, typer.Option("--period", help="The reporting period, like 2025Q4.")] = None,
    run: Annotated[str | None, typer.Option("--run", help="A finished run; default: the last of the period.")] = None,
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Choose rows and columns of a finished run; of de-identified data make and stage the files, with codes drawn for them."""
    with acting("data define", site=site, actor=actor, as_of=as_of, dry_run=dry_run, json=json) as act:
        facts = state_as_of(act.ledger, act.on)
        run_id = _run(act.site, facts, period, run)
        asked = AskedData(
            data_id=data_id,
            kind=KINDS[kind],
            run_id=run_id,
            party_id=party,
            topic=topic,
            purpose=purpose,
            columns=chosen_columns(listed(tables), only=listed(columns), without=listed(without)),
            sources=chosen_sources(lineage_of(run_of(facts, run_id)), listed(sources)),
            start=start.date(),
            end=end.date(),
            fee_dollars=fee,
        )
        defined = defining.define(act.site, act.ledger, facts, asked, when=act.when, actor=act.person, dry_run=dry_run)
        _tell_defined(act.outcome, asked, defined, dry_run=dry_run)


def _run(site: Site, facts: Facts, period: str | None, run: str | None) -> str:
    return last_run(site, facts, period) if run is None else run_of(facts, run).text("run_id")


def _tell_defined(outcome: Outcome, asked: AskedData, defined: defining.DefinedData, *, dry_run: bool) -> None:
    staged, is_deidentified = defined.staged, asked.kind == "data_deid"
    rows = rows_in(staged)
    outcome.data = {
        "data_id": asked.data_id,
        "kind": asked.kind,
        "run_id": asked.run_id,
        "party_id": asked.party_id,
        "sha256": staged.sha256 if is_deidentified else None,
        "sources": list(staged.sources),
        "columns": list(asked.columns),
        "rows": dict(rows),
        "persons": len(persons_in(staged)),
        "recorded": defined.is_new and not dry_run,
        "dry_run": dry_run,
    }
    said = "would define" if dry_run else "Defined" if defined.is_new else "Already defined:"
    outcome.say(f"{said} data release {asked.data_id} for {asked.party_id}, of {', '.join(staged.sources)}")
    outcome.table("Rows", ["file", "rows"], [(f"{name}.csv", f"{count:,}") for name, count in rows.items()])
    if not is_deidentified:
        outcome.say(f"{len(persons_in(staged)):,} persons as of today; the files are made on the day they go.")
    elif not dry_run:
        outcome.say(f"Staged, sha256 {staged.sha256}")
        outcome.say(f"Next: qe data determine {asked.data_id}, then qe data release {asked.data_id} --approve.")


@app.command()
def determine(
    data_id: DataArgument,
    method: Annotated[
        Literal["safe-harbor", "expert"],
        typer.Option("--method", help="45 CFR 164.514(b)(2), or an expert's by (b)(1)."),
    ],
    valid_until: Annotated[
        datetime, typer.Option("--valid-until", formats=["%Y-%m-%d"], help="The last day of the determination.")
    ],
    evidence: Annotated[Path, typer.Option("--evidence", help="The signed paper; only its hash is recorded.")],
    no_actual_knowledge: Annotated[
        bool,
        typer.Option("--no-actual-knowledge", help="Safe harbour: attested that nobody knows whom it could identify."),
    ] = False,
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Record that exactly the staged files are de-identified: by the safe harbour, checked here once more, or by an expert."""
    with acting("data determine", site=site, actor=actor, as_of=as_of, dry_run=dry_run, json=json) as act:
        event = defining.determine(
            act.site,
            act.ledger,
            state_as_of(act.ledger, act.on),
            data_id=data_id,
            method="expert" if method == "expert" else "safe_harbor",
            valid_until=valid_until.date(),
            no_actual_knowledge=no_actual_knowledge,
            evidence=evidence,
            when=act.when,
            actor=act.person,
            dry_run=dry_run,
        )
        act.outcome.data = {"data_id": data_id, **event.payload, "dry_run": dry_run}
        act.outcome.say(
            f"{'would record' if dry_run else 'Recorded'}: {data_id} is de-identified by {method.replace('-', ' ')}, "
            f"until {valid_until.date()}."
        )


@app.command()
def release(
    data_id: DataArgument,
    approve: Annotated[
        bool, typer.Option("--approve", help="Approve exactly the staged files, and release nothing.")
    ] = False,
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Hand the data over to the user, sealed for its own key, or refuse with all reasons (exit 3) and write nothing."""
    with acting("data release", site=site, actor=actor, as_of=as_of, dry_run=dry_run, json=json) as act:
        if approve:
            _approve(act, data_id)
            return
        ledger, contacts = act.ledger, contacts_on(act.site, act.on)
        planned = releasing.plan_data(act.site, ledger, data_id=data_id, contacts=contacts, when=act.when)
        _tell_plan(act.outcome, planned, dry_run=dry_run)
        if not planned.is_done:
            planned.decision.require(planned.outgoing.said)
        if not dry_run:
            releasing.release(planned, ledger, actor=act.person)
        if not planned.is_done:
            said = "would release" if dry_run else "Released"
            act.outcome.say(f"{said} {data_id}, by {planned.outgoing.artefact.channel}.")


def _tell_plan(outcome: Outcome, planned: releasing.DataPlan, *, dry_run: bool) -> None:
    """What would go, and, of a rehearsed release, the whole table of the gate."""
    definition, decision = planned.definition, planned.decision
    outcome.data = {
        "data_id": definition.data_id,
        "on": planned.when.on.isoformat(),
        "was_released": planned.is_done,
        "sha256": planned.staged.sha256,
        "rows": dict(rows_in(planned.staged)),
        "dry_run": dry_run,
    }
    if planned.is_done and definition.disclosed is not None:
        outcome.say(
            f"{definition.data_id} was released on {definition.disclosed.effective_on}; more is a release of its own."
        )
        return
    outcome.data |= {"allowed": decision.allowed}
    if planned.outgoing.contact is None:
        outcome.say("The user has no age key: add it to a contact of id_type PARTY in the contacts file (qe run).")
    outcome.judged(decision.reasons, dry_run=dry_run)


def _approve(act: Act, data_id: str) -> None:
    staged, _ = defining.approve(
        act.site,
        act.ledger,
        state_as_of(act.ledger, act.on),
        data_id=data_id,
        when=act.when,
        actor=act.person,
        dry_run=act.dry_run,
    )
    act.outcome.data = {"data_id": data_id, "sha256": staged.sha256, "dry_run": act.dry_run}
    said = "would approve" if act.dry_run else "Approved"
    act.outcome.say(f"{said} data release {data_id}, sha256 {staged.sha256}")


@app.command()
def status(
    data_id: Annotated[str | None, typer.Argument(metavar="[DATA]", help="One of them.")] = None,
    site: SiteOption = HERE,
    as_of: AsOfOption = None,
    json: JsonOption = False,
) -> None:
    """Each release of data: for whom, of what, how far it is, and what stands against it as far as the ledger shows it."""
    with looking("data status", site=site, as_of=as_of, json=json) as look:
        facts = state_as_of(look.ledger, look.on)
        wanted = definitions(facts) if data_id is None else (definition_of(facts, data_id),)
        found = [status_of(look.site, facts, one) for one in wanted]
        look.outcome.data = {"on": look.on.isoformat(), "data": [_plain(one) for one in found]}
        if not found:
            look.outcome.say(f"No data release was defined by {look.on}: qe data define.")
        for one in found:
            _tell_status(look.outcome, one)


def _plain(one: DataStatus) -> dict[str, object]:
    days = {
        name: None if day is None else day.isoformat()
        for name, day in (("start", one.start), ("end", one.end), ("released_on", one.released_on))
    }
    return asdict(one) | days


def _tell_status(outcome: Outcome, one: DataStatus) -> None:
    words = "own patients" if one.kind == "data_patient_identifiable" else "de-identified"
    outcome.say(
        f"{one.data_id} for {one.party_id} ({words}, {one.start} to {one.end}, ${one.fee_dollars:,}): {one.state}."
    )
    if one.released_on:
        where = "its package is in the outbox" if one.is_in_outbox else "its package is not in the outbox"
        outcome.say(f"  Released on {one.released_on}: {one.rows:,} rows, {one.persons:,} persons named; {where}.")
    for reason in one.against:
        outcome.say(f"  against it: {reason.sentence()}")
