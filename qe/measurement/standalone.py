"""One module on a claims model given as files: `qe measures compute --model DIR`. The result stands in the clear."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl

from qe import store
from qe.claims.events import derive_events
from qe.errors import InputError, Refused
from qe.measurement import detail, events, read_files, tables
from qe.measurement.compute import MeasureEvents, compute
from qe.measurement.measure import Module
from qe.measurement.unmapped import UnmappedFills, unmapped_fills
from qe.periods import MeasurePeriod
from qe.warehouse import Warehouse

IN_THE_CLEAR = (
    "detail.parquet holds person-level rows in the clear: keep it where only those who may see claims can read it"
)


@dataclass(frozen=True, kw_only=True)
class ComputedFiles:
    """What `compute_on_files` wrote, and what it warns of. unmapped: None for a module that reads no fills."""

    detail: Path
    summary: Path
    warnings: tuple[str, ...]
    found: MeasureEvents
    unmapped: UnmappedFills | None


def compute_on_files(
    module: Module,
    *,
    model: Path,
    start: date,
    end: date,
    out: Path,
    parameters: Mapping[str, object],
    lists: Path | None = None,
    attribution: str | None = None,
) -> ComputedFiles:
    """Compute `module` on the files in `model` and write detail.parquet and summary.json to `out` (made if missing).

    With a method of attribution also attribution.parquet: who was chosen, by which step, by how much, and the runner-up.
    start, end  the measure period, both inclusive
    Raises Refused when `model` or `out` lies inside a site: there, person-level rows are kept encrypted.
    """
    for folder in (model, out):
        _refuse_inside_site(folder)
    if end < start:
        raise InputError("the period ends before it starts", remedy="Give --start and --end as the first and last day.")
    with duckdb.connect(":memory:") as connection:
        connection.execute("set temp_directory = ''")  # nothing of the model is spilled to a disk in the clear
        connection.execute("set TimeZone = 'UTC'")
        db = Warehouse(connection)
        tables.create(db)
        warnings = read_files.load(db, model)
        derive_events(db)
        store.lock_down(connection)
        found = compute(
            db,
            module,
            period=MeasurePeriod(start=start, end=end),
            parameters=parameters,
            attribution=attribution,
            lists=lists,
        )
        unmapped = unmapped_fills(db, module, found.period)
    told = (unmapped.message(module),) if unmapped and unmapped.unmapped else ()
    out.mkdir(parents=True, exist_ok=True)
    written = ComputedFiles(
        detail=out / "detail.parquet",
        summary=out / "summary.json",
        warnings=(*warnings, *found.warnings, *told, IN_THE_CLEAR),
        found=found,
        unmapped=unmapped,
    )
    _write(detail.rows(found), written.detail)
    if attribution is not None:
        _write(detail.attribution_rows(found), out / "attribution.parquet")
    written.summary.write_text(json.dumps(summary(found, unmapped), indent=2, sort_keys=False) + "\n", encoding="utf-8")
    return written


def summary(found: MeasureEvents, unmapped: UnmappedFills | None = None) -> dict[str, object]:
    """The facts of summary.json: totals by measure, with coverage, kind and deviations; fills that no drug map holds."""
    told: dict[str, object] = {"unmapped_fills": unmapped.as_facts()} if unmapped else {}
    facts: dict[str, object] = {
        "module": found.module.id,
        "version": found.module.version,
        "period": {"start": found.period.start.isoformat(), "end": found.period.end.isoformat()},
        "parameters": {name: _plain(value) for name, value in found.parameters.items()},
        "attribution": found.attribution_method,
        "measures": [
            {name: _plain(value) for name, value in total.items()}
            | {"coverage": found.coverage.as_facts() | found.lists.as_facts()}
            | {"kind": found.kind, "deviations": list(found.deviations)}
            for total in events.totals(found.module, found.events)
        ],
    }
    return facts | told


def _write(rows: pl.DataFrame, path: Path) -> None:
    rows.write_parquet(path, compression="zstd", row_group_size=100_000)


def _plain(value: object) -> object:
    """A value as JSON: whole numbers stay whole, others have 12 significant digits."""
    if isinstance(value, bool) or value is None or isinstance(value, (int, str, dict)):
        return value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    return float(f"{value:.12g}") if isinstance(value, (float, Decimal)) else str(value)


def _refuse_inside_site(folder: Path) -> None:
    for parent in (folder.resolve(), *folder.resolve().parents):
        if (parent / "qe.toml").is_file():
            raise Refused(
                f"{folder.name} lies inside a site, where person-level rows are kept encrypted",
                remedy="Give folders outside the site, or use `qe run`.",
            )
