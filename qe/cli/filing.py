"""`qe filing`: what goes to CMS about the measures."""

from pathlib import Path
from typing import Annotated

import typer

from qe.cli.acting import looking
from qe.cli.measures import here
from qe.cli.output import ActorOption, AsOfOption, DryRunOption, JsonOption, SiteOption, acting_person, utc_now
from qe.errors import InputError
from qe.filings import write
from qe.filings.consultation import Consultation
from qe.filings.consultation import read as read_consultation
from qe.filings.fields import Filing
from qe.filings.workbook import workbook
from qe.measurement.catalogue import catalogue, chosen
from qe.release.routes import routes
from qe.runs import write_aside

app = typer.Typer(no_args_is_help=True, help="What goes to CMS: the measures that the entity intends to report.")
HERE = Path()


@app.callback()
def filing() -> None:
    """What goes to CMS: the measures that the entity intends to report."""


@app.command("measures")
def filing_measures(
    measure: Annotated[
        list[str] | None,
        typer.Option("--measure", metavar="ID", help="A module or a measure; else those of all periods."),
    ] = None,
    consultation: Annotated[
        Path | None,
        typer.Option(
            "--consultation", help="TOML: the stakeholder consultation on measures that are not approved yet."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Where the files go.", show_default="out/filings of the site")
    ] = None,
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """The Measure Information Workbook as xlsx and PDF; a blank field refuses it by name (42 CFR 401.707(a))."""
    with looking("filing measures", site=site, as_of=as_of, json=json) as look:
        outcome, opened, on = look.outcome, look.site, look.on
        known = here(opened, on)
        names = measure or [name for period in opened.settings.periods.values() for name in period.measures]
        modules = chosen(catalogue(opened.measure_folders), names)
        if known.facts is None or not modules:
            raise InputError("no measure is to be filed", remedy="Name measures in [periods], or --measure ID.")
        shared = Filing(
            on=on,
            attested_by=acting_person(actor),
            settings=opened.settings,
            facts=known.facts,
            consultation=read_consultation(consultation) if consultation else Consultation(),
        )
        rows = workbook(modules, routes(modules, known), shared)
        folder = out or opened.out / "filings"
        files = {ending: folder / f"measures-{on.isoformat()}.{ending}" for ending in ("xlsx", "pdf", "head.json")}
        head = opened.open_ledger().state_head(known.facts.head, at=utc_now())
        outcome.data = {
            "measures": [row.measure_id for row in rows],
            "attested_by": shared.attested_by,
            "xlsx": str(files["xlsx"]),
            "pdf": str(files["pdf"]),
            "head_file": str(files["head.json"]),
            "head": head.hash,
        }
        if dry_run:
            outcome.say(f"would write {files['xlsx']} and {files['pdf']}: no field is blank")
            return
        entity, rehearsal = opened.settings.entity, opened.settings.site.rehearsal
        sheet = write.xlsx(rows, organisation=entity.organisation, on=on)
        document = write.pdf(rows, organisation=entity.organisation, contact=entity.contact, rehearsal=rehearsal, on=on)
        write_aside(files["xlsx"], sheet)
        write_aside(files["pdf"], document)
        write_aside(files["head.json"], head.line().encode("ascii"))
        outcome.say(f"{len(rows)} measures, attested by {shared.attested_by}: {files['xlsx']} and {files['pdf']}")
