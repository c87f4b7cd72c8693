"""What the commands on one analysis share: their options, and what is read from those."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from qe import runs
from qe.cli.acting import Act
from qe.ledger.fold import Facts
from qe.release.analyses.definition import analysis_of
from qe.release.analyses.matter import Matter, open_matter
from qe.release.contacts import contacts_of
from qe.release.reports_on_disk import find_unit
from qe.site import Site

HERE = Path()
AnalysisArgument = Annotated[str, typer.Argument(metavar="ANALYSIS", help="Its id, of your own.")]
ProviderOption = Annotated[str | None, typer.Option("--provider", help="One unit: its unit id, NPI or CCN.")]
OneProviderOption = Annotated[str, typer.Option("--provider", help="One unit: its unit id, NPI or CCN.")]


def matter_of(act: Act, analysis_id: str) -> Matter:
    """All that is known of an analysis at the moment of the act. InputError where there is none of that id."""
    contacts = contacts_of(act.site, key=act.site.vault_key(), on=act.on)
    return open_matter(act.site, act.ledger, analysis_id=analysis_id, contacts=contacts, when=act.when)


def unit_of(site: Site, facts: Facts, analysis_id: str, given: str) -> str:
    """The unit of the analysis' run that a person named: by unit id, NPI or CCN."""
    return find_unit(runs.run_of(site, analysis_of(facts, analysis_id).run_id), given)


def listed(text: str | None) -> tuple[str, ...]:
    """The parts of an option that names several, by commas."""
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def plain(value: object) -> object:
    """A value as the JSON object holds it: days as text, tuples as lists."""
    match value:
        case date():
            return value.isoformat()
        case dict():
            return {name: plain(one) for name, one in value.items()}
        case list() | tuple():
            return [plain(one) for one in value]
        case _:
            return value
