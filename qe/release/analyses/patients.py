"""Whose patients the persons of an analysis are on the day of its disclosure (42 CFR 401.703(r)); their names, from the vault."""

import calendar
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import polars as pl

from qe import vault, warehouse
from qe.claims.load import model_path, vault_path
from qe.errors import InputError
from qe.measurement.detail import read_detail
from qe.regulation import VISIT_MONTHS
from qe.release.artefact import Persons
from qe.runs import Run
from qe.site import Site
from qe.warehouse import Warehouse

SQL: Final = Path(__file__).with_name("sql")


@dataclass(frozen=True, kw_only=True, eq=False)
class OwnPatients:
    """The rows about persons of one analysis.

    rows             measure_id, person_id, last_name, first_name, birth_date, last_visit, in_numerator: by measure and name
    without_visit    persons behind the measures who are left out: no visit with the recipient in the 24 months
    without_name     persons left out because the vault knows no name of theirs
    """

    rows: pl.DataFrame
    without_visit: int
    without_name: int


def months_before(day: date, months: int) -> date:
    """The same day `months` earlier; where that month is shorter, its last day."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


@contextmanager
def claims_model(site: Site, run: Run) -> Iterator[Warehouse]:
    """The claims model that the run was made from. InputError when it is not in the store any more."""
    digest = run.manifest().get("claims_model")
    path = model_path(site, digest) if digest else None
    if path is None or not path.is_file():
        raise InputError(
            f"the claims model of run {run.run_id} is not in the store",
            remedy="Run `qe run`: it builds the model again from the files in inbox/.",
        )
    with warehouse.open_read_only(path, site.store_key(), engine=site.engine(), lock=False) as db:
        yield db


def affiliations(site: Site, run: Run, *, start: date, end: date) -> pl.DataFrame:
    """npi, group_unit_id, source: who belonged to which group on any day from `start` to `end`."""
    with claims_model(site, run) as db:
        return db.frame(SQL / "affiliation.sql", start=start, end=end)


def visits(db: Warehouse, *, unit_id: str, on: date) -> pl.DataFrame:
    """person_id, last_visit of everybody who is a patient of the unit on the day `on`.

    A visit counts in (on - 24 calendar months, on]: one exactly 24 months ago is out (rules.md P1).
    """
    after = months_before(on, VISIT_MONTHS)
    return db.frame(SQL / "patient_visit.sql", unit_id=unit_id, after=after, by=on)


def count_patients(site: Site, run: Run, *, persons: Sequence[str], unit_id: str, on: date) -> Persons:
    """The persons of an analysis, and how many of them are no patients of the unit on the day `on`, person by person."""
    with claims_model(site, run) as db:
        known = set(visits(db, unit_id=unit_id, on=on)["person_id"])
    told = set(persons)
    return Persons(identified=len(told), without_visit=len(told - known))


def own_patients(
    site: Site, run: Run, *, modules: Sequence[str], measures: Sequence[str], unit_id: str, on: date
) -> OwnPatients:
    """The unit's own persons behind the measures, as far as they are its patients on the day `on`, with their names.

    modules  ids of the modules whose detail holds the measures
    """
    detail = pl.concat([_behind(site, run, module, measures, unit_id) for module in modules])
    with claims_model(site, run) as db:
        seen = visits(db, unit_id=unit_id, on=on)
    theirs = detail.join(seen, on="person_id", how="inner")
    names = _names(site, theirs["person_id"].unique().sort().to_list())
    rows = theirs.join(names, on="person_id", how="inner")
    return OwnPatients(
        rows=rows.sort("measure_id", "last_name", "first_name", "birth_date", "person_id"),
        without_visit=detail["person_id"].n_unique() - theirs["person_id"].n_unique(),
        without_name=theirs["person_id"].n_unique() - rows["person_id"].n_unique(),
    )


def _behind(site: Site, run: Run, module: str, measures: Sequence[str], unit_id: str) -> pl.DataFrame:
    """measure_id, person_id, in_numerator of the persons in the denominators of the unit."""
    rows = read_detail(run.detail / f"{module}.duckdb", key=site.store_key(), engine=site.engine(), provider_id=unit_id)
    return (
        rows.filter(pl.col("measure_id").is_in(list(measures)) & pl.col("in_denominator"))
        .group_by("measure_id", "person_id")
        .agg(pl.col("in_numerator").fill_null(False).any())
    )


def _names(site: Site, person_ids: Sequence[str]) -> pl.DataFrame:
    """The vault step: one name a person, of the first source that knows one. Nothing else reads the vault here."""
    known = vault.names(vault_path(site), site.vault_key(), engine=site.engine(), person_ids=person_ids)
    return (
        known.filter(pl.col("last_name").is_not_null())
        .sort("person_id", "source_id", "last_name", "first_name", "birth_date")
        .unique("person_id", keep="first", maintain_order=True)
        .select("person_id", "last_name", "first_name", "birth_date")
    )
