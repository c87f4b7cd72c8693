"""The files of a data release, and what the gate is told of them: read back from the very bytes that would leave."""

import csv
import io
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Final

import polars as pl

from qe.release.artefact import Persons
from qe.release.extract.behind_result import FOLDER, LINEAGE, BehindResult

MANIFEST: Final = "manifest.json"
NUMBER_OF: Final = {  # file -> kind and column of the claims whose rows it holds
    "claims": ("claim", "claim_id"),
    "claim_lines": ("claim", "claim_id"),
    "diagnoses": ("claim", "claim_id"),
    "procedures": ("claim", "claim_id"),
    "fills": ("fill", "fill_id"),
}


@dataclass(frozen=True, kw_only=True)
class Package:
    """What is released, as its recipient opens it. rows: of each table, by its name."""

    files: Mapping[str, bytes]
    rows: Mapping[str, int]

    @property
    def manifest_sha256(self) -> str:
        return sha256(self.files[MANIFEST]).hexdigest()


@cache
def dictionary() -> Mapping[str, Mapping[str, str]]:
    """Table -> column -> meaning: the closed list of what may stand in a data release."""
    content: dict[str, dict[str, str]] = tomllib.loads((FOLDER / "dictionary.toml").read_text(encoding="utf-8"))
    return content


def lay_out(behind: BehindResult, *, letter: Mapping[str, bytes], about: Mapping[str, object]) -> Package:
    """The tables as CSV, their dictionary, the letter, and the manifest over all of them.

    about  what the manifest says of the release itself: request, cycle, run, measures
    """
    for name, frame in behind.tables.items():
        if tuple(frame.columns) != tuple(dictionary()[name]):
            raise ValueError(f"{name}: its columns are not those of dictionary.toml")
    tables = {f"{name}.csv": table_csv(frame) for name, frame in behind.tables.items()}
    files = {**letter, **tables, "data_dictionary.csv": _dictionary_csv(behind.tables)}
    rows = {name: frame.height for name, frame in behind.tables.items()}
    listed = {
        name: {"sha256": sha256(content).hexdigest(), **_rows_of(name, rows)} for name, content in sorted(files.items())
    }
    manifest = json.dumps({**about, "files": listed}, indent=1, sort_keys=True) + "\n"
    return Package(files={**files, MANIFEST: manifest.encode("utf-8")}, rows=rows)


def _rows_of(name: str, rows: Mapping[str, int]) -> dict[str, int]:
    table = name.removesuffix(".csv")
    return {"rows": rows[table]} if table in rows else {}


def table_csv(frame: pl.DataFrame) -> bytes:
    """The rows as CSV: lists joined by ";", flags as true and false, no text that a spreadsheet would take for a formula."""
    lists = [name for name, kind in frame.schema.items() if kind == pl.List(pl.String)]
    texts = [name for name, kind in frame.schema.items() if kind == pl.String]
    plain = frame.with_columns(pl.col(lists).list.join(";"))
    return (
        plain.with_columns(
            pl.when(pl.col(name).str.contains(r"^[=+\-@\t\r]"))
            .then("'" + pl.col(name))
            .otherwise(pl.col(name))
            .alias(name)
            for name in (*texts, *lists)
        )
        .write_csv()
        .encode("utf-8")
    )


def _dictionary_csv(tables: Mapping[str, pl.DataFrame]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "column", "meaning"])
    for name in tables:
        writer.writerows((f"{name}.csv", column, meaning) for column, meaning in dictionary()[name].items())
    return text.getvalue().encode("utf-8")


def persons_in(files: Mapping[str, bytes], *, lineage: pl.DataFrame) -> Persons:
    """The beneficiaries that the files identify, and the rows that are not behind the result under appeal.

    lineage  what is behind it and Medicare's (BehindResult.lineage)
    """
    tables = {name.removesuffix(".csv"): _read(content) for name, content in files.items() if name in _TABLES}
    identified = {
        person for table in tables.values() if "person_id" in table.columns for person in table["person_id"].to_list()
    }
    behind = set(lineage.select(LINEAGE).iter_rows())
    outside = sum(
        (kind, number, person) not in behind
        for name, (kind, column) in NUMBER_OF.items()
        if name in tables
        for number, person in tables[name].select(column, "person_id").iter_rows()
    )
    named = tables["beneficiaries"]["person_id"].to_list() if "beneficiaries" in tables else []
    own = set(tables["events"]["person_id"].to_list())
    strangers = sum(person not in own for person in named)
    return Persons(identified=len(identified), outside_lineage=outside + strangers)


def _read(content: bytes) -> pl.DataFrame:
    return pl.read_csv(io.BytesIO(content), infer_schema=False)


_TABLES: Final = frozenset(f"{name}.csv" for name in dictionary())
