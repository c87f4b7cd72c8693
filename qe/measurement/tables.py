"""Rows of contract tables from outside (cases, files), typed as the claims model holds them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import cache
from typing import Any

import duckdb
import polars as pl

from qe.claims import model
from qe.warehouse import Warehouse

_PLAIN = {
    "VARCHAR": pl.String(),
    "DATE": pl.Date(),
    "BOOLEAN": pl.Boolean(),
    "TINYINT": pl.Int8(),
    "INTEGER": pl.Int32(),
    "BIGINT": pl.Int64(),
    "VARCHAR[]": pl.List(pl.String()),
}


@contextmanager
def empty_model() -> Iterator[Warehouse]:
    """A claims model without rows, in memory, as measure SQL sees it."""
    with duckdb.connect(":memory:", config={"threads": "1"}) as connection:
        db = Warehouse(connection)
        create(db)
        yield db


def create(db: Warehouse) -> None:
    """Base tables, event tables and macros of the claims model, without rows."""
    model.create_base_tables(db)
    model.create_event_tables(db)
    model.create_macros(db)


@cache
def schema(table: str) -> dict[str, pl.DataType]:
    """The columns of a base or event table, in order, with their types."""
    with empty_model() as db:
        rows = db.query(
            "select column_name, data_type from information_schema.columns"
            " where table_name = $table order by ordinal_position",
            table=table,
        )
    return {name: _type_of(kind) for name, kind in rows.iter_rows()}


def _type_of(kind: str) -> pl.DataType:
    if kind.startswith("DECIMAL("):
        precision, scale = kind.removeprefix("DECIMAL(").removesuffix(")").split(",")
        return pl.Decimal(int(precision), int(scale))
    return _PLAIN[kind]


def insert_rows(db: Warehouse, table: str, rows: Sequence[dict[str, Any]]) -> None:
    """Append rows given as plain values; columns left out are NULL."""
    if not rows:
        return
    columns = schema(table)
    data = {name: [_value(row.get(name), kind) for row in rows] for name, kind in columns.items()}
    db.insert(table, pl.DataFrame(data, schema=columns, strict=True))


def _value(value: object, kind: pl.DataType) -> object:
    """A value of TOML as its column's type: "" is NULL; a number becomes text, a text a list of one."""
    if value is None or value == "":
        return None
    if isinstance(kind, pl.List):
        return [str(item) for item in value] if isinstance(value, list) else [str(value)]
    if isinstance(kind, pl.String):
        return str(value)
    if isinstance(kind, pl.Decimal):
        return Decimal(str(value))
    return value
