"""Person-level rows of a module, and what it learnt from them: written encrypted beside a run, read back by `qe explain`, for data
requests and for corrections.
"""

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from qe import store, warehouse
from qe.errors import InputError
from qe.measurement.compute import MeasureEvents, in_order
from qe.measurement.measure import Module

CONTRACT_COLUMNS = (
    "measure_id", "row_type", "event_id", "person_id", "provider_id", "level", "attribution_step", "in_denominator",
    "exclusion_reasons", "in_numerator", "value", "amount", "rule_ids", "driving_claim_ids",
)  # fmt: skip
ATTRIBUTION_COLUMNS = (
    "person_id", "event_id", "method", "unit_type", "unit_id", "step", "allowed_amount", "visits", "last_service_date",
    "share", "rank", "weight", "tie_break", "runner_up_id", "driving_claim_ids",
)  # fmt: skip
FURTHER_COLUMNS = ("index_date", "facility_id", "cohort", "payer_type", "exposure")
CORRECTION = "correction"  # the table of what corrections decided; not there where none did
LEARNT = "learnt_"  # before the name of a part, the table of its rows
ROW_ORDER = ["measure_id", "event_id", "level", "provider_id"]


def rows(found: MeasureEvents) -> pl.DataFrame:
    """One row an event and level it is attributed at (NULL where it is nobody's), contract columns first.

    Without a method provider_id is the event's facility_id or NULL. After the contract's columns stand the event's own:
    index_date, facility_id, cohort, payer_type, exposure and those of the module.
    """
    own = [name for name in found.events.columns if name not in (*CONTRACT_COLUMNS, *FURTHER_COLUMNS)]
    return (
        found.events.join(found.attributed, on=["measure_id", "event_id"], how="left", maintain_order="left")
        .join(_steps(found), on=["measure_id", "event_id", "level", "provider_id"], how="left", maintain_order="left")
        .with_columns(row_type=pl.lit("denominator"))
        .select(*CONTRACT_COLUMNS, *FURTHER_COLUMNS, *own)
        .sort(ROW_ORDER)
        .rechunk()
    )


def attribution_rows(found: MeasureEvents) -> pl.DataFrame:
    """The attribution under the contract's column names, one row a person or event and level."""
    return found.attribution.rename({"level": "unit_type"}).select(ATTRIBUTION_COLUMNS)


def write(
    found: MeasureEvents,
    path: Path,
    *,
    key: store.Key,
    engine: store.Engine,
    expected: pl.DataFrame | None = None,
    corrections: pl.DataFrame | None = None,
) -> str:
    """Write detail, attribution and what was learnt of one module into the encrypted database `path`; gives their content hash.

    expected  measure_id, event_id, expected: what a risk model expects of an event; becomes the last column of the detail
    corrections  what corrections in force decided of it, one row a line and event
    """
    judged = rows(found)
    if expected is not None:
        judged = judged.join(expected, on=["measure_id", "event_id"], how="left", maintain_order="left")
    kept = {f"{LEARNT}{part}": frame for part, frame in found.learnt.items()}
    frames = {"detail": judged, "attribution": attribution_rows(found), **kept}
    if corrections is not None and corrections.height:
        frames[CORRECTION] = corrections
    with warehouse.build(path, key, engine=engine) as db:
        for table, frame in frames.items():
            db.create_table(table, frame)
    return content_sha256(frames)


def content_sha256(frames: Mapping[str, pl.DataFrame]) -> str:
    """A hash of the rows themselves: encrypted files differ each time they are written, their content does not.

    Parquet, as Arrow's own format also writes whatever bytes lie below a null.
    """
    digest = hashlib.sha256()
    for name, frame in sorted(frames.items()):
        buffer = io.BytesIO()
        frame.rechunk().write_parquet(buffer, compression="uncompressed", statistics=False, row_group_size=131_072)
        digest.update(f"{name}\0".encode())
        digest.update(buffer.getvalue())
    return digest.hexdigest()


def read_detail(
    path: Path,
    *,
    key: store.Key,
    engine: store.Engine,
    measure_id: str | None = None,
    provider_id: str | None = None,
    person_id: str | None = None,
) -> pl.DataFrame:
    """The detail rows in `path`, of one measure, provider or person where given; sorted."""
    frame = _read(path, "detail", key, engine)
    for column, value in (("measure_id", measure_id), ("provider_id", provider_id), ("person_id", person_id)):
        if value is not None:
            frame = frame.filter(pl.col(column) == value)
    return frame.sort(ROW_ORDER)


def read_attribution(
    path: Path, *, key: store.Key, engine: store.Engine, unit_id: str | None = None, person_id: str | None = None
) -> pl.DataFrame:
    """The attribution rows in `path`, of one unit or person where given; sorted."""
    frame = _read(path, "attribution", key, engine)
    for column, value in (("unit_id", unit_id), ("person_id", person_id)):
        if value is not None:
            frame = frame.filter(pl.col(column) == value)
    return frame.sort("person_id", "event_id", "unit_type", "unit_id")


def read_corrections(path: Path, *, key: store.Key, engine: store.Engine, unit_id: str) -> pl.DataFrame:
    """What corrections decided of this unit's events; no rows, and no columns, where none did."""
    _require(path)
    with warehouse.open_read_only(path, key, engine=engine, lock=True) as db:
        if not db.has_table(CORRECTION):
            return pl.DataFrame()
        return db.query(
            f"select * from {CORRECTION} where unit_id = $unit_id or belongs_to = $unit_id order by all",
            unit_id=unit_id,
        )


def read_learnt(path: Path, module: Module, *, key: store.Key, engine: store.Engine) -> dict[str, pl.DataFrame]:
    """By part, what the run took from everybody: for `compute` to correct by, which refuses where a part is missing."""
    _require(path)
    with warehouse.open_read_only(path, key, engine=engine, lock=True) as db:
        kept = [part for part in module.facts.learnt if db.has_table(f"{LEARNT}{part}")]
        return {part: in_order(db.query(f"select * from {LEARNT}{part}")) for part in kept}


def _require(path: Path) -> None:
    if not path.is_file():
        raise InputError(f"the detail of {path.stem} is missing", remedy="Run `qe run` for this period and measure.")


def _read(path: Path, table: str, key: store.Key, engine: store.Engine) -> pl.DataFrame:
    _require(path)
    with warehouse.open_read_only(path, key, engine=engine, lock=True) as db:
        return db.query(f"select * from {table}")


def _steps(found: MeasureEvents) -> pl.DataFrame:
    """measure_id, event_id, level, provider_id, attribution_step."""
    chosen = found.attribution.select("person_id", "event_id", "level", provider_id="unit_id", attribution_step="step")
    keys = found.events.select("measure_id", "event_id", "person_id")
    by_event = keys.join(chosen.filter(pl.col("event_id").is_not_null()).drop("person_id"), on="event_id")
    by_person = keys.join(chosen.filter(pl.col("event_id").is_null()).drop("event_id"), on="person_id")
    columns = ["measure_id", "event_id", "level", "provider_id", "attribution_step"]
    return pl.concat([by_event.select(columns), by_person.select(columns)])
