"""`qe agreement add | list`: the agreements with authorized users, term by term, and when they end."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from qe.cli.acting import acting_on, looking
from qe.cli.output import ActorOption, AsOfOption, DryRunOption, JsonOption, Outcome, SiteOption, utc_now
from qe.ledger.fold import state_as_of
from qe.release import agreements
from qe.release.agreements import CHECKLISTS, NAMES, ONLY_FOR, AgreementKind, Signed, Standing
from qe.release.handover import evidence_sha256

app = typer.Typer(no_args_is_help=True, help="Agreements with authorized users: two checklists of terms, expiry.")

HERE = Path()
KindOption = Annotated[
    Literal["qe_dua", "analyses"],
    typer.Option("--kind", help="The QE DUA of 401.713(d), or the non-public analyses agreement of 401.716(c)."),
]


def _parts(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(";") if part.strip())


@app.command()
def add(
    agreement_id: Annotated[str, typer.Argument(metavar="AGREEMENT", help="Its id, of your own.")],
    kind: KindOption,
    party: Annotated[str, typer.Option("--party", help="The authorized user, as it is on record.")],
    terms: Annotated[
        str, typer.Option("--terms", help="The terms it contains, `;`-joined; `qe agreement list --checklists`.")
    ],
    signed_on: Annotated[datetime, typer.Option("--signed-on", formats=["%Y-%m-%d"], help="The day of signing.")],
    expires_on: Annotated[datetime, typer.Option("--expires-on", formats=["%Y-%m-%d"], help="Its last day.")],
    evidence: Annotated[Path, typer.Option("--evidence", help="The signed paper; only its hash is kept.")],
    redisclosure: Annotated[
        str | None,
        typer.Option("--redisclosure", help="What it permits a provider or supplier, like 164.506(c)(4)(i)."),
    ] = None,
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Record a signed agreement as it was signed, and say which terms it lacks, by paragraph."""
    with looking("agreement add", site=site, as_of=as_of, json=json) as look:
        signed = Signed(
            agreement_id=agreement_id,
            kind=kind,
            party_id=party,
            terms=_parts(terms),
            redisclosure=_parts(redisclosure),
            signed_on=signed_on.date(),
            expires_on=expires_on.date(),
            evidence_sha256=evidence_sha256(evidence),
        )
        with acting_on(look, actor, dry_run=dry_run, hold=False) as act:
            standing, is_new = agreements.add(
                look.ledger, state_as_of(look.ledger, look.on), signed, at=utc_now(), actor=act.person, dry_run=dry_run
            )
        look.outcome.data = _row(standing) | {"recorded": is_new and not dry_run, "dry_run": dry_run}
        said = "would record" if dry_run else "Recorded" if is_new else "Already recorded"
        look.outcome.say(f"{said}: {NAMES[kind]} {agreement_id} with {standing.party_name}, to {standing.expires_on}.")
        _tell_faults(look.outcome, standing)


@app.command("list")
def list_agreements(
    party: Annotated[str | None, typer.Option("--party", help="Only those with this authorized user.")] = None,
    checklists: Annotated[bool, typer.Option("--checklists", help="Print the two checklists of terms.")] = False,
    site: SiteOption = HERE,
    as_of: AsOfOption = None,
    json: JsonOption = False,
) -> None:
    """Every agreement: in force or not, last day, and the terms it lacks by paragraph."""
    with looking("agreement list", site=site, as_of=as_of, json=json) as look:
        if checklists:
            look.outcome.data["checklists"] = {kind: dict(terms) for kind, terms in CHECKLISTS.items()}
            for kind, terms in CHECKLISTS.items():
                rows = [(term, agreements.MEANINGS[term], paragraph) for term, paragraph in terms.items()]
                look.outcome.table(NAMES[kind], ["term", "what it says", "paragraph"], rows)
        found = agreements.agreements(state_as_of(look.ledger, look.on), party_id=party)
        look.outcome.data |= {"on": look.on.isoformat(), "agreements": [_row(one) for one in found]}
        look.outcome.table(
            f"Agreements on {look.on}",
            ["agreement", "kind", "party", "state", "last day", "days left", "lacks"],
            [
                (one.agreement_id, one.kind, one.party_name, one.state, one.expires_on, one.days_left, _lacks(one))
                for one in found
            ],
        )
        for one in found:
            _tell_faults(look.outcome, one)


def _row(one: Standing) -> dict[str, object]:
    return {
        "agreement_id": one.agreement_id,
        "kind": one.kind,
        "party_id": one.party_id,
        "state": one.state,
        "signed_on": one.signed_on.isoformat(),
        "expires_on": one.expires_on.isoformat(),
        "days_left": one.days_left,
        "ends_soon": one.ends_soon,
        "redisclosure": list(one.redisclosure),
        "lacking": dict(one.lacking),
        "fault": one.fault,
    }


def _lacks(one: Standing) -> str:
    return ", ".join(f"{term} ({paragraph}{_only_for(one.kind, term)})" for term, paragraph in one.lacking.items())


def _only_for(kind: AgreementKind, term: str) -> str:
    said = ONLY_FOR.get((kind, term))
    return f", {said}" if said else ""


def _tell_faults(outcome: Outcome, one: Standing) -> None:
    if one.state != "in_force":
        return
    if one.lacking:
        outcome.say(f"{one.agreement_id} lacks {_lacks(one)}: the gate refuses what needs it.")
    if one.fault:
        outcome.say(f"{one.agreement_id} {one.fault}: the gate refuses what it is needed for.")
    if one.ends_soon:
        outcome.say(f"{one.agreement_id} ends on {one.expires_on}, in {one.days_left} days.")
