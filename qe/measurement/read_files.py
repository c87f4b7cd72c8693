"""A claims model given as files: one <table>.parquet or <table>.csv a base table, typed as the model holds it."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from qe.claims import model
from qe.closed_toml import suggestion
from qe.errors import Fault, InputError
from qe.measurement import tables
from qe.warehouse import Warehouse

KEYS = {
    "person": ("person_id",),
    "member_month": ("person_id", "month"),
    "claim": ("claim_id", "person_id"),
    "claim_line": ("claim_id", "line_number"),
    "claim_diagnosis": ("claim_id", "code"),
    "claim_procedure": ("claim_id", "code"),
    "pharmacy_fill": ("fill_id", "person_id", "fill_date"),
    "provider": ("unit_id",),
    "provider_identifier": ("unit_id", "identifier"),
    "affiliation": ("npi", "group_unit_id"),
    "drug": ("ndc",),
    "hospital_stays": ("ccn", "stays"),
}
TRUE, FALSE = ["true", "1", "t"], ["false", "0", "f"]


def load(db: Warehouse, folder: Path) -> list[str]:
    """Fill the base tables of `db` from the files in `folder`; gives a warning for each file or column not read.

    Missing files are empty tables, missing columns NULL. CSV: ISO dates, true/false/1/0, lists joined by ";"; empty is
    NULL.
    Raises InputError with every fault of every file: which column, in how many rows, the first rows; never a value.
    """
    if not folder.is_dir():
        raise InputError(f"the folder {folder.name} of the claims model is missing")
    warnings, faults = [], []
    for path in sorted(folder.iterdir()):
        if path.suffix in (".csv", ".parquet") and path.stem not in model.BASE_TABLES:
            hint = suggestion(path.stem, list(model.BASE_TABLES))
            warnings.append(f"{path.name} is not a table of the claims model and was not read{hint}")
    for table in model.BASE_TABLES:
        found = [path for suffix in ("parquet", "csv") if (path := folder / f"{table}.{suffix}").is_file()]
        if len(found) == 2:
            faults.append(
                Fault(code="two-files", message=f"both {table}.parquet and {table}.csv are there", remedy="Keep one.")
            )
        elif found:
            frame, file_warnings, file_faults = _read(found[0], table)
            warnings += file_warnings
            faults += file_faults
            if not file_faults:
                db.insert(table, frame)
    if faults:
        raise InputError.of(faults)
    return warnings


def _read(path: Path, table: str) -> tuple[pl.DataFrame, list[str], list[Fault]]:
    """The rows of one file as the table's columns, what was not read, what cannot be read."""
    schema = tables.schema(table)
    empty = pl.DataFrame(schema=schema)
    try:
        raw = (
            pl.read_parquet(path)
            if path.suffix == ".parquet"
            else pl.read_csv(path, infer_schema=False, encoding="utf8")
        )
    except (pl.exceptions.PolarsError, OSError):
        return empty, [], [Fault(code="unreadable", message=f"{path.name} cannot be read", file=path.name)]
    if table == "pharmacy_fill" and "ingredient" in raw.columns and "ingredients" not in raw.columns:
        raw = raw.rename({"ingredient": "ingredients"})
    unknown = [name for name in raw.columns if name not in schema]
    warnings = [f'{path.name}: column "{name}" was not read{suggestion(name, list(schema))}' for name in unknown]
    faults = [
        Fault(code="missing-column", message=f"{path.name}: the column {name} is missing", file=path.name, place=name)
        for name in KEYS[table]
        if name not in raw.columns
    ]
    typed = raw.select(
        _typed(raw.schema[name], name, kind) if name in raw.columns else pl.lit(None, dtype=kind).alias(name)
        for name, kind in schema.items()
    )
    faults += _unread(path, raw, typed)
    faults += [
        Fault(
            code="blank-key",
            message=f"{path.name}: {name} is empty in {typed[name].null_count()} rows",
            file=path.name,
            place=name,
        )
        for name in KEYS[table]
        if name in raw.columns and typed[name].null_count() and not any(fault.place == name for fault in faults)
    ]
    return typed, warnings, faults


def _typed(given: pl.DataType, name: str, wanted: pl.DataType) -> pl.Expr:
    """The column as the model's type; what does not fit becomes NULL and is counted by `_unread`."""
    column = pl.col(name)
    if given == wanted:
        return column
    if isinstance(wanted, pl.List):
        if isinstance(given, pl.List):
            return column.cast(wanted, strict=False)
        words = column.cast(pl.String).str.split(";").list.eval(pl.element().str.strip_chars())
        return pl.when(column.cast(pl.String).str.len_chars() > 0).then(words).alias(name)
    if isinstance(wanted, pl.Boolean):
        text = column.cast(pl.String).str.to_lowercase().str.strip_chars()
        return pl.when(text.is_in(TRUE)).then(True).when(text.is_in(FALSE)).then(False).alias(name)
    if given == pl.String:
        stripped = column.str.strip_chars()
        if isinstance(wanted, pl.Date):
            return stripped.str.to_date("%Y-%m-%d", strict=False).alias(name)
        return stripped.replace("", None).cast(wanted, strict=False).alias(name)
    return column.cast(wanted, strict=False)


def _unread(path: Path, raw: pl.DataFrame, typed: pl.DataFrame) -> Iterator[Fault]:
    """A fault for each column with values that are not of its type."""
    for name in typed.columns:
        if name not in raw.columns:
            continue
        before = raw[name].is_not_null()
        if raw.schema[name] == pl.String:
            before = before & (raw[name].str.strip_chars() != "")
        lost = typed[name].is_null() & before
        if count := int(lost.sum()):
            first = ", ".join(str(row + 2 if path.suffix == ".csv" else row + 1) for row in lost.arg_true().head(3))
            yield Fault(
                code="bad-value",
                message=f"{path.name}: {name} is not a value of its type in {count} of {raw.height} rows"
                f" (first: rows {first})",
                file=path.name,
                place=name,
                count=count,
            )
