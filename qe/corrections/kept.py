"""What the store keeps of a correction, encrypted in one file: its lines, and the corrected figures of its cycle.

The file is written, whole, before the ledger records the correction: a file without its event counts for nothing and is
written again; an event without its file is a fault, never a correction that is quietly left out.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import polars as pl

from qe import warehouse
from qe.corrections.record import Correction, CorrectionKind, CorrectionLine
from qe.errors import Findings
from qe.site import Site

LINE: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "place": pl.Int64,
    "line": pl.Int64,
    "kind": pl.String,
    "evidence": pl.String,
    "measure_id": pl.String,
    "person_id": pl.String,
    "event_id": pl.String,
    "belongs_to": pl.String,
    "rule_id": pl.String,
    "claim_ids": pl.List(pl.String),
    "detail": pl.String,
    "value": pl.String,
    "from_date": pl.Date,
    "to_date": pl.Date,
}
ABOUT: Final = ("request_id", "cycle", "run_id", "unit_id", "asked_sha256")
TABLES: Final = ("results", "counts", "units")


@dataclass(frozen=True, kw_only=True, eq=False)
class UnitFigures:
    """All that the pages of one cycle show of one unit.

    results  its rows of measure_results; counts: its rows of unit_count; units: its rows of the table of units
    """

    results: pl.DataFrame
    counts: pl.DataFrame
    units: pl.DataFrame


@dataclass(frozen=True, kw_only=True, eq=False)
class KeptCorrection:
    """One file. figures: of the unit in its cycle, this correction and those before it applied."""

    correction: Correction
    figures: UnitFigures


def kept_path(site: Site, correction_id: str) -> Path:
    return site.store / "corrections" / f"{correction_id}.duckdb"


def write_kept(site: Site, kept: KeptCorrection) -> None:
    """Write the file of a correction: aside, renamed when whole. The same correction is written over."""
    correction, figures = kept.correction, kept.figures
    about = {name: [getattr(correction, name)] for name in ABOUT}
    lines = [
        asdict(line) | {"place": place, "claim_ids": list(line.claim_ids)}
        for place, line in enumerate(correction.lines)
    ]
    path = kept_path(site, correction.correction_id)
    with warehouse.build(path, site.store_key(), engine=site.engine()) as db:
        db.create_table("about", pl.DataFrame(about))
        db.create_table("lines", pl.DataFrame(lines, schema=LINE))
        for name in TABLES:
            db.create_table(name, getattr(figures, name))


def read_kept(site: Site, correction_id: str, *, record_sha256: str) -> KeptCorrection:
    """The file of a correction that the ledger has recorded. Findings: it is gone, or is another record."""
    path = kept_path(site, correction_id)
    if not path.is_file():
        raise Findings(
            f"the record of correction {correction_id} is not in the store", remedy="Restore it from its backup."
        )
    with warehouse.open_read_only(path, site.store_key(), engine=site.engine(), lock=True) as db:
        about = db.query("select * from about").row(0, named=True)
        rows = db.query("select * from lines order by place").drop("place")
        tables: Mapping[str, pl.DataFrame] = {name: db.query(f"select * from {name} order by all") for name in TABLES}
    lines = tuple(_line(row) for row in rows.iter_rows(named=True))
    correction = Correction(**about, lines=lines)
    if correction.record_sha256 != record_sha256:
        raise Findings(
            f"the record of correction {correction_id} is not the one that the ledger has recorded",
            remedy="Restore it from its backup.",
        )
    return KeptCorrection(correction=correction, figures=UnitFigures(**tables))


def _line(row: dict[str, object]) -> CorrectionLine:
    claims = row["claim_ids"]
    assert isinstance(claims, list)
    return CorrectionLine(**{**row, "kind": CorrectionKind(str(row["kind"])), "claim_ids": tuple(claims)})  # type: ignore[arg-type]
