"""`qe measures`: the catalogue, its checks, and one module computed on files."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from qe.cli.ledger import ledger_of
from qe.cli.output import DryRunOption, JsonOption, acting_day, command, utc_now
from qe.errors import Fault, InputError, MeasureError
from qe.ledger.fold import state_as_of
from qe.measurement import catalogue, check, run_cases, show, standalone, versions
from qe.measurement.cases import CaseModel, Mismatch
from qe.measurement.cases import read as read_cases
from qe.measurement.list_coverage import open_slots
from qe.measurement.measure import Module, load
from qe.release import routes
from qe.reports.catalogue_page import catalogue_page
from qe.reports.measure_page import measure_page
from qe.runs import write_aside
from qe.site import CLAIMS_KINDS, Site, open_site

app = typer.Typer(no_args_is_help=True, help="The measure catalogue: list, check, show, compute.")

SiteOrNone = Annotated[Path | None, typer.Option("--site", help="Also the measures and lists of this site.")]


def _modules(site: Path | None) -> list[Module]:
    """What ships with qe, and what the site adds; without --site, the site of the current folder if there is one."""
    if site is None and not Path("qe.toml").exists():
        return catalogue.catalogue()
    return catalogue.catalogue(open_site(site or Path()).measure_folders)


def _out(site: Path | None) -> Path:
    """The folder of what is written for people: the site's, or `out` of the current folder."""
    return open_site(site).out if site else Path("out")


def _lists(site: Path | None) -> Path | None:
    """The site's folder of licensed lists."""
    return open_site(site).licensed_lists if site else None


@app.command("list")
def list_measures(
    markdown: Annotated[bool, typer.Option("--markdown", help="The catalogue as a page of documentation.")] = False,
    site: SiteOrNone = None,
    json: JsonOption = False,
) -> None:
    """Each published measure and level, and by which route it could be published here (42 CFR 401.715), or that it cannot."""
    with command("measures list", json=json) as outcome:
        modules = _modules(site)
        if markdown:
            page = catalogue_page(modules)
            outcome.data = {"text": page}
            outcome.say(page.rstrip("\n"))
            return
        found = routes.routes(modules, _here(site))
        rows = catalogue.listing(modules)
        for row in rows:
            row["routes"] = [one.as_facts() for one in found if one.measure_id == row["id"]]
        outcome.data = rows  # type: ignore[assignment]
        named = {row["id"]: row for row in rows}
        outcome.table(
            "Measures",
            ["id", "level", "version", "name", "kind", "attribution", "published here"],
            [
                (one.measure_id, one.level, row["version"], row["name"], one.kind, row["attribution"], one.in_short())
                for one in found
                for row in [named[one.measure_id]]
            ],
        )
        for line in routes.notes(found):
            outcome.say(line)


def _here(site: Path | None) -> routes.Here:
    """What the site adds to what a measure is; without one, qe as it ships."""
    if site is None and not Path("qe.toml").exists():
        return routes.Here(on=utc_now().date())
    opened = open_site(site or Path())
    return here(opened, acting_day(opened, None))


def here(opened: Site, on: date) -> routes.Here:
    """What the site adds to what a measure is: its sources, lists, parameters and ledger on the day `on`."""
    settings = opened.settings
    return routes.Here(
        on=on,
        payer_types=frozenset(one.payer_type or "" for one in settings.sources.values() if one.kind in CLAIMS_KINDS),
        licensed=opened.licensed_lists,
        parameters=settings.measures.parameters,
        facts=state_as_of(ledger_of(opened), on),
        rehearsal=settings.site.rehearsal,
    )


@app.command("check")
def check_measures(
    folder: Annotated[Path | None, typer.Argument(metavar="[FOLDER]", help="One measure folder; else all.")] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Record what decides each version that holds and is not recorded yet.")
    ] = False,
    site: SiteOrNone = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Facts, SQL, lists, rules, versions and worked cases of every module: all faults at once."""
    with command("measures check", json=json) as outcome:
        modules = [load(folder)] if folder else _modules(site)
        licensed = _lists(site)
        faults = [fault for module in modules for fault in check.check(module, licensed=licensed)]
        cases = 0
        if not faults:
            claims = CaseModel.opened()
            for module in modules:
                listed = read_cases(module.folder / "cases.toml")
                cases += len(listed)
                faults += _case_faults(module, run_cases.failures_of(module, listed, claims=claims))
        outcome.data = {"modules": [module.id for module in modules], "cases": cases}
        if faults:
            raise MeasureError.of(faults)
        outcome.say(f"{len(modules)} modules hold; {cases} worked cases come out as worked.")
        for module in modules:
            for sentence in open_slots(module, licensed=licensed):
                outcome.say(sentence)
        unrecorded = [module for module in modules if not versions.is_recorded(module)]
        outcome.data["unrecorded"] = [module.id for module in unrecorded]
        for module in unrecorded:
            named = f"{module.id} {module.version}"
            if record and not dry_run:
                outcome.say(f"Recorded {named} in {versions.record(module)}")
            else:
                said = "would record it" if record else "qe measures check --record holds its files to this version"
                outcome.say(f"{named} is not recorded: {said}")


def _case_faults(module: Module, mismatches: Mapping[str, Sequence[Mismatch]]) -> list[Fault]:
    """One fault a case that does not come out as worked."""
    where = f"measures/{module.id}"
    return [
        Fault(
            code="case",
            message=f"{where}: case {case} does not come out as worked: {'; '.join(one.sentence() for one in found)}",
            file=f"{module.id}/cases.toml",
            place=case,
            count=len(found),
        )
        for case, found in mismatches.items()
        if found
    ]


@app.command("show")
def show_measure(
    measure: Annotated[str, typer.Argument(metavar="[ID]", help="A module or a measure.")] = "",
    tables: Annotated[bool, typer.Option("--tables", help="The tables that measure SQL may read.")] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Where <module>.html goes.", show_default="out/measures of the site or this folder"),
    ] = None,
    site: SiteOrNone = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """A measure's rules, each with its specification, SQL and cases; also as one HTML page with these side by side."""
    with command("measures show", json=json) as outcome:
        if tables:
            text = show.tables_text()
            outcome.data = {"text": text}
            outcome.say(text)
            return
        if not measure:
            raise InputError("name a measure, or --tables", remedy="qe measures list")
        module = catalogue.find(_modules(site), measure)
        text, page = show.show(module), measure_page(module)
        file = (out or _out(site) / "measures") / f"{module.id}.html"
        outcome.data = {"text": text, "page": str(file)}
        outcome.say(text)
        if dry_run:
            outcome.say(f"would write {file}")
            return
        try:
            write_aside(file, page.encode())
        except PermissionError:
            raise InputError(f"{file} cannot be written", remedy="Name a folder of your own: --out DIR.") from None
        outcome.say(f"Side by side, in a browser: {file}")


@app.command("compute")
def compute_measure(
    measure: Annotated[str, typer.Argument(metavar="ID", help="A module or a measure.")],
    model: Annotated[Path, typer.Option("--model", help="Folder with <table>.parquet or .csv of the claims model.")],
    start: Annotated[datetime, typer.Option("--start", formats=["%Y-%m-%d"], help="First day of the period.")],
    end: Annotated[datetime, typer.Option("--end", formats=["%Y-%m-%d"], help="Last day of the period.")],
    out: Annotated[Path, typer.Option("--out", help="Where detail.parquet and summary.json go; not inside a site.")],
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="k=v", help="A parameter of the measure.")
    ] = None,
    lists: Annotated[Path | None, typer.Option("--lists", help="Folder of licensed code lists.")] = None,
    attribute: Annotated[
        str | None, typer.Option("--attribute", help="A named method; else the event's facility.")
    ] = None,
    site: SiteOrNone = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """One module on a claims model given as files; writes person-level rows in the clear, and says so."""
    with command("measures compute", json=json) as outcome:
        module = catalogue.find(_modules(site), measure)
        lists = lists or _lists(site)
        check.require(module, licensed=lists)
        parameters: dict[str, object] = {}
        for setting in settings or []:
            name, equals, value = setting.partition("=")
            if not equals:
                raise InputError(f'--set "{setting}" is not k=v')
            parameters[name] = value
        module.with_parameters(parameters)
        if dry_run:
            outcome.say(f"would compute {module.id} from {start:%Y-%m-%d} to {end:%Y-%m-%d} into {out}/")
            return
        written = standalone.compute_on_files(
            module,
            model=model,
            start=start.date(),
            end=end.date(),
            out=out,
            parameters=parameters,
            lists=lists,
            attribution=attribute,
        )
        facts = standalone.summary(written.found, written.unmapped)
        outcome.data = facts | {"warnings": list(written.warnings), "out": str(out)}
        for warning in written.warnings:
            outcome.say(f"warning: {warning}")
        outcome.say(f"Wrote {written.detail} and {written.summary}")
