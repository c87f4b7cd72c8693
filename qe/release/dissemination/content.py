"""The files of a release of data, made from a run's claims model with codes drawn for them; and what the gate is told of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import polars as pl

from qe import vault
from qe.claims.load import vault_path
from qe.disclosure.deidentify import ReleaseCodes, coded, deidentified
from qe.disclosure.identifiers import identifiers_found
from qe.disclosure.safe_harbor import SafeHarborFault, faults
from qe.errors import InputError
from qe.release.analyses.definition import User
from qe.release.analyses.patients import claims_model, visits
from qe.release.dissemination.definition import ONLY_PERSONS, AskedData, by_table
from qe.release.dissemination.staging import DICTIONARY, StagedData
from qe.release.extract.files import table_csv
from qe.reports.data_readme import DataReadme, dictionary, readme
from qe.runs import Run
from qe.site import Site
from qe.warehouse import Warehouse

SQL: Final = Path(__file__).with_name("sql")
PATIENTS: Final = "patients"
README: Final = "README.txt"


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """Rows of the claims model that were asked for. tables: with the chosen columns; persons: who is in them."""

    tables: Mapping[str, pl.DataFrame]
    sources: tuple[str, ...]
    persons: tuple[str, ...]


def make_data(site: Site, run: Run, asked: AskedData, user: User, *, on: date) -> StagedData:
    """The files as they would go on the day `on`, with fresh codes. InputError where the run has nothing of what is asked.

    on  the day of the disclosure: patients are those of the 24 months before (401.703(r))
    """
    with claims_model(site, run) as db:
        patients = None if asked.kind == "data_deid" else _patients(db, user, on=on)
        rows = _rows(db, asked, patients)
    codes = ReleaseCodes()
    if asked.kind == "data_deid":
        tables = deidentified(rows.tables, as_of=asked.end, codes=codes)
    else:
        tables = {**coded(rows.tables, codes=codes), PATIENTS: _named(site, rows, codes)}
    counts = {name: table.height for name, table in tables.items()}
    files = {
        **{f"{name}.csv": table_csv(table) for name, table in tables.items()},
        DICTIONARY: dictionary(by_table(asked.columns), is_deidentified=asked.kind == "data_deid"),
        README: readme(_readme(site, asked, user, rows.sources, counts, on=on)),
    }
    return StagedData(data_id=asked.data_id, files=files, sources=rows.sources, codes=codes.as_frame())


def _patients(db: Warehouse, user: User, *, on: date) -> list[str]:
    found: list[str] = visits(db, unit_id=user.unit_id, on=on)["person_id"].to_list()
    if not found:
        raise InputError(
            f"nobody is a patient of the recipient on {on} (42 CFR 401.703(r))",
            remedy="Without a visit in 24 months nobody can be in it; de-identified data need none.",
        )
    return found


def _rows(db: Warehouse, asked: AskedData, patients: Sequence[str] | None) -> Rows:
    columns = by_table(asked.columns)
    db.run(
        SQL / "released_row.sql",
        tables=list(columns),
        start=asked.start,
        end=asked.end,
        sources=list(asked.sources),
        person_ids=None if patients is None else list(patients),
    )
    tables = {name: db.frame(SQL / f"{name}.sql").select(chosen) for name, chosen in columns.items()}
    if not any(rows.height for name, rows in tables.items() if name != ONLY_PERSONS):
        raise InputError(
            "the run has no row of these sources, tables and days",
            remedy="Choose other tables, sources or days; `qe check sources` shows what the files cover.",
        )
    if ONLY_PERSONS in columns:
        _require_persons_of_these_payers(db)
    return Rows(
        tables=tables,
        sources=tuple(db.frame(SQL / "source.sql")["source_id"]),
        persons=tuple(db.frame(SQL / "released_person.sql")["person_id"]),
    )


def _require_persons_of_these_payers(db: Warehouse) -> None:
    others = db.frame(SQL / "other_payer.sql").height
    if others:
        raise InputError(
            f"{others} payers that have no row in the data know persons of it, and the table person tells what they say too",
            remedy="Leave out the table person, or choose all sources and days in which each payer has rows.",
        )


def _named(site: Site, rows: Rows, codes: ReleaseCodes) -> pl.DataFrame:
    """The vault step: person_code, last_name, first_name, birth_date of every patient, as a source of the data spells them."""
    known = (
        vault.names(vault_path(site), site.vault_key(), engine=site.engine(), person_ids=rows.persons)
        .filter(pl.col("last_name").is_not_null() & pl.col("source_id").is_in(list(rows.sources)))
        .sort("person_id", "source_id", "last_name", "first_name", "birth_date")
        .unique("person_id", keep="first", maintain_order=True)
    )
    people = pl.DataFrame(
        {
            "person_id": list(rows.persons),
            "person_code": [codes.of("person", person_id) for person_id in rows.persons],
        },
        schema={"person_id": pl.String, "person_code": pl.String},
    )
    told = people.join(known, on="person_id", how="left")
    return told.select("person_code", "last_name", "first_name", "birth_date").sort("person_code")


def _readme(
    site: Site, asked: AskedData, user: User, sources: Sequence[str], counts: Mapping[str, int], *, on: date
) -> DataReadme:
    entity = site.settings.entity
    return DataReadme(
        organisation=entity.organisation,
        contact=entity.contact,
        rehearsal=site.settings.site.rehearsal,
        data_id=asked.data_id,
        user=user.name,
        purpose=asked.purpose,
        start=asked.start,
        end=asked.end,
        patients_on=None if asked.kind == "data_deid" else on,
        sources=len(sources),
        rows=counts,
    )


def persons_in(staged: StagedData) -> frozenset[str]:
    """Native ids of everybody whose code stands in the bytes of patients' data."""
    natives = dict(staged.codes.filter(pl.col("kind") == "person").select("code", "native").iter_rows())
    told = {
        code
        for table in staged.tables.values()
        if "person_code" in table.columns
        for code in table["person_code"].to_list()
    }
    return frozenset(natives[code] for code in told)


def rows_in(staged: StagedData) -> Mapping[str, int]:
    """Rows of each table of claims and fills, read from the bytes."""
    return {name: table.height for name, table in sorted(staged.tables.items())}


def cells_in(staged: StagedData) -> int:
    """Values that the check of the safe harbour looks at."""
    return sum(table.height * table.width for table in staged.tables.values())


def safe_harbor_faults(staged: StagedData) -> list[SafeHarborFault]:
    """The check of schema and content, of the very bytes that would leave (45 CFR 164.514(b)(2))."""
    return faults(staged.tables)


def suspects_in(staged: StagedData, *, is_deidentified: bool) -> int:
    """What looks like identifiers of persons: by its form, and of de-identified data also what breaks the safe harbour."""
    unfit = sum(one.count for one in safe_harbor_faults(staged)) if is_deidentified else 0
    return identifiers_found(staged.files) + unfit
