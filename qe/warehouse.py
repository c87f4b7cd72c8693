"""The claims model's database as the stages see it: SQL files run with named parameters, frames in and out."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from qe import store
from qe.errors import InputError


class Warehouse:
    """A handle on one DuckDB connection. SQL comes from files; values are bound, never pasted."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def run(self, sql_file: Path, **parameters: object) -> None:
        """Run the one statement of `sql_file`, binding those of `parameters` that it names."""
        self._execute(sql_file, parameters)

    def frame(self, sql_file: Path, **parameters: object) -> pl.DataFrame:
        """The rows of the one SELECT in `sql_file`."""
        return _to_polars(self._execute(sql_file, parameters))

    def query(self, sql: str, **parameters: object) -> pl.DataFrame:
        """The rows of a short fixed statement that stands in code. Text is a literal; values are bound."""
        return _to_polars(self.connection.execute(sql, parameters or None))

    def execute(self, sql: str, **parameters: object) -> None:
        """A short fixed statement that stands in code (begin, drop, attach)."""
        self.connection.execute(sql, parameters or None)

    def insert(self, table: str, frame: pl.DataFrame) -> None:
        """Append the rows of `frame` to `table`, by column name."""
        self._execute_over(frame, f'insert into "{table}" by name select * from incoming_frame')

    def create_table(self, table: str, frame: pl.DataFrame) -> None:
        """The new table `table` with the rows and columns of `frame`."""
        self._execute_over(frame, f'create table "{table}" as select * from incoming_frame')

    def _execute_over(self, frame: pl.DataFrame, sql: str) -> None:
        self.connection.register("incoming_frame", frame.to_arrow())
        try:
            self.connection.execute(sql)
        finally:
            self.connection.unregister("incoming_frame")

    def scalar(self, sql: str, **parameters: object) -> Any:
        """The single value of a fixed statement."""
        row = self.connection.execute(sql, parameters or None).fetchone()
        return None if row is None else row[0]

    def has_table(self, table: str) -> bool:
        return bool(
            self.scalar("select count(*) from information_schema.tables where table_name = $table", table=table)
        )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements inside, or none."""
        self.connection.execute("begin")
        try:
            yield
        except BaseException:
            self.connection.execute("rollback")
            raise
        self.connection.execute("commit")

    def _execute(self, sql_file: Path, parameters: dict[str, object]) -> duckdb.DuckDBPyConnection:
        text = sql_file.read_text(encoding="utf-8")
        statements = duckdb.extract_statements(text)
        if len(statements) != 1:
            raise InputError(
                f"{sql_file.name} holds {len(statements)} statements, not one", remedy="One statement a file."
            )
        used = statements[0].named_parameters
        missing = sorted(used - parameters.keys())
        if missing:
            raise InputError(f"{sql_file.name} asks for the unknown parameter ${missing[0]}")
        return self.connection.execute(statements[0], {name: parameters[name] for name in used} or None)


def _to_polars(result: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    frame = pl.from_arrow(result.to_arrow_table())
    assert isinstance(frame, pl.DataFrame)
    return frame.rechunk()


@contextmanager
def open_read_only(path: Path, key: store.Key, *, engine: store.Engine, lock: bool) -> Iterator[Warehouse]:
    """The built claims model, only to read; with `lock`, fit for SQL of a measure folder."""
    with store.open_encrypted(path, key, engine=engine, read_only=True, lock=lock) as connection:
        yield Warehouse(connection)


@contextmanager
def build(path: Path, key: store.Key, *, engine: store.Engine) -> Iterator[Warehouse]:
    """A new database, built aside and renamed when whole."""
    with store.build_aside(path, key, engine=engine) as connection:
        yield Warehouse(connection)


@contextmanager
def built_on(db: Warehouse, path: Path, key: store.Key) -> Iterator[None]:
    """Within, `db` writes a new database, built aside and renamed when whole."""
    with store.built_aside(db.connection, path, key, alias="main_store"):
        yield
