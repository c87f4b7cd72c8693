"""One recognised file becomes one encrypted database: every row accepted or quarantined, nothing half-written."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

import duckdb
import pyarrow as pa

from qe import store
from qe.errors import OutOfResources, QeError
from qe.sources.convert import MACROS, Conversion, Reading, Side
from qe.sources.recognise import Head
from qe.sources.rows import Delivered, batch_schema
from qe.sources.staged_facts import write_facts
from qe.store import Key

READER = "1"  # raised when a change of the reader changes what is staged

Result = TypeVar("Result")
Batches = Callable[[Conversion, Delivered], Iterator[pa.RecordBatch]]


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The two keys of a site: names stand under the second only."""

    store: Key
    vault: Key


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where a file is staged: `database` under the store key, `vault_database` under the vault key, or both."""

    database: Path | None
    vault_database: Path | None

    @property
    def main(self) -> Path:
        found = self.database or self.vault_database
        assert found is not None
        return found

    @property
    def beside(self) -> Path | None:
        """The database under the vault key beside the main one, where the file needed one."""
        if self.database is None or self.vault_database is None or not self.vault_database.exists():
            return None
        return self.vault_database


def staged_places(folder: Path, *, head: Head, sha256: str, reading: Reading) -> Places:
    """The content-addressed places under store/: the same bytes read the same way stand in the same place."""
    settings = {
        "sha256": sha256,
        "layout": head.layout.digest(),
        "delimiter": head.delimiter,
        "stated": head.stated,
        "implied_decimals": reading.implied_decimals,
        "latest_year": reading.latest_year,
        "reader": READER,
        "macros": _macros_digest(),
    }
    name = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
    database, vault = folder / "stage" / f"{name}.duckdb", folder / "vault_stage" / f"{name}-vault.duckdb"
    match head.layout.vault:
        case "whole":
            return Places(database=None, vault_database=vault)
        case "identity":
            return Places(database=database, vault_database=vault)
        case "none":
            return Places(database=database, vault_database=None)


@cache
def macros() -> tuple[str, ...]:
    order = ["digits_padded.sql"]
    files = sorted(MACROS.glob("*.sql"), key=lambda path: (path.name not in order, path.name))
    return tuple(file.read_text(encoding="utf-8") for file in files)


def _macros_digest() -> str:
    return hashlib.sha256("".join(macros()).encode()).hexdigest()


class Workbenches:
    """Connections that each stage one file after another, side by side: opening one takes longer than a small file."""

    def __init__(self, connections: Sequence[duckdb.DuckDBPyConnection]) -> None:
        self._connections = connections
        self._free: SimpleQueue[duckdb.DuckDBPyConnection] = SimpleQueue()
        for connection in connections:
            self._free.put(connection)
        self._threads = ThreadPoolExecutor(len(connections), thread_name_prefix="staging")

    def submit(self, job: Callable[[duckdb.DuckDBPyConnection], Result]) -> "Future[Result]":
        """`job` on the connection that is free next."""
        return self._threads.submit(self._run, job)

    def _run(self, job: Callable[[duckdb.DuckDBPyConnection], Result]) -> Result:
        connection = self._free.get()
        try:
            return job(connection)
        finally:
            self._free.put(connection)

    def close(self, *, abandon: bool) -> None:
        """Wait for the running jobs; with `abandon` those that wait are dropped and those that run are stopped."""
        if abandon:
            self._threads.shutdown(wait=False, cancel_futures=True)
            for connection in self._connections:
                connection.interrupt()
        self._threads.shutdown(wait=True)


@contextmanager
def workbenches(engine: store.Engine) -> Iterator[Workbenches]:
    """As many connections as the engine has threads, which share its memory."""
    share = replace(engine, memory_gib=engine.memory_gib / engine.threads)
    with ExitStack() as opened:
        connections = [opened.enter_context(closing(store.connect(share))) for _ in range(engine.threads)]
        for connection in connections:
            for macro in macros():
                connection.execute(macro)
        benches = Workbenches(connections)
        try:
            yield benches
        except BaseException:
            benches.close(abandon=True)
            raise
        benches.close(abandon=False)


def stage(
    connection: duckdb.DuckDBPyConnection,
    places: Places,
    conversion: Conversion,
    batches: Batches,
    *,
    sha256: str,
    name: str,
    keys: Keys,
) -> None:
    """Build the databases of one file. The one under the store key appears last, so it vouches for the other.

    The one under the vault key holds identity_row and the raw text of quarantined rows, which may name persons; a file
    without either has none.
    """
    try:
        _build(connection, places, conversion, batches, sha256=sha256, name=name, keys=keys)
    except duckdb.Error as error:
        raise _told(error, name) from None
    except RuntimeError as error:
        if str(error) == "Query interrupted":  # DuckDB's words for Ctrl-C
            raise KeyboardInterrupt from None
        raise


def _build(
    connection: duckdb.DuckDBPyConnection,
    places: Places,
    conversion: Conversion,
    batches: Batches,
    *,
    sha256: str,
    name: str,
    keys: Keys,
) -> None:
    fill = partial(_fill, connection, conversion, batches, sha256=sha256, name=name)
    if places.database is None:
        assert places.vault_database is not None
        with store.built_aside(connection, places.vault_database, keys.vault, alias="staging_vault"):
            fill(side="vault", keep_raw=True)
        return
    with store.built_aside(connection, places.database, keys.store, alias="staging"):
        fill(side="store", keep_raw=places.vault_database is None)
        if places.vault_database is not None and (conversion.columns("vault") or _has_quarantine(connection)):
            with store.built_aside(connection, places.vault_database, keys.vault, alias="staging_vault"):
                fill(side="vault", keep_raw=True)
                connection.execute("alter table staged_row rename to identity_row")


def _has_quarantine(connection: duckdb.DuckDBPyConnection) -> bool:
    return connection.execute("select 1 from quarantined_row limit 1").fetchone() is not None


def _fill(
    connection: duckdb.DuckDBPyConnection,
    conversion: Conversion,
    batches: Batches,
    *,
    side: Side,
    keep_raw: bool,
    sha256: str,
    name: str,
) -> None:
    delivered = Delivered()
    guarded = _guarded(batches(conversion, delivered), delivered)
    reader = pa.RecordBatchReader.from_batches(batch_schema(conversion.places), guarded)
    try:
        connection.register("received_row", reader)
        connection.execute(f"create table staged_row as {conversion.select(side, keep_raw=keep_raw)}")
        if delivered.failure is not None:
            raise delivered.failure
        _require_every_row(connection, delivered, name)
        _part(connection)
        write_facts(connection, conversion, delivered, sha256)
    except duckdb.Error:
        if delivered.failure is not None:
            raise delivered.failure from None
        raise
    finally:
        connection.unregister("received_row")


def _guarded(batches: Iterator[pa.RecordBatch], delivered: Delivered) -> Iterator[pa.RecordBatch]:
    """The batches; what stops them is kept, since DuckDB would tell it in its own words."""
    try:
        yield from batches
    except GeneratorExit:
        raise
    except BaseException as failure:
        delivered.failure = failure
        raise


def _told(error: duckdb.Error, name: str) -> QeError:
    """DuckDB's failure without its text, which may hold values."""
    if isinstance(error, duckdb.OutOfMemoryException) or "No space left" in str(error):
        return OutOfResources(
            f"{name}: memory or disk ran out while it was staged; nothing half-written is kept",
            remedy="Free some space, or raise [site] memory_gib, and run again.",
        )
    return QeError(f"{name}: its rows could not be staged ({type(error).__name__})")


def _require_every_row(connection: duckdb.DuckDBPyConnection, delivered: Delivered, name: str) -> None:
    """Each line that the pre-pass counted arrived, once."""
    found = connection.execute(
        "select count(*), coalesce(sum(row_number), 0), count(distinct row_number) from staged_row"
    ).fetchone()
    if found != (delivered.rows, delivered.row_sum, delivered.rows):
        raise QeError(f"{name}: the parser lost or doubled lines; nothing was staged")


def _part(connection: duckdb.DuckDBPyConnection) -> None:
    """Unfit rows out of staged_row into quarantined_row: one row a rule that is broken."""
    connection.execute(
        "create table quarantined_row as select row_number, fault.rule as rule, fault.column_name as column_name, raw "
        "from (select row_number, unnest(faults) as fault, raw from staged_row where faults is not null) "
        "order by row_number, rule, column_name"
    )
    connection.execute("delete from staged_row where faults is not null")
    connection.execute("alter table staged_row drop column faults")
    connection.execute("alter table staged_row drop column raw")


@contextmanager
def look_into(connection: duckdb.DuckDBPyConnection, places: Places, *, keys: Keys) -> Iterator[None]:
    """Within, unqualified tables of `connection` are those of a staged file: its claims side, or its only one.

    One connection serves many files in turn; opening one for each would take longer than reading a small file.
    """
    key = keys.store if places.database is not None else keys.vault
    store.attach(connection, places.main, alias="staged", key=key, read_only=True)
    try:
        with store.using(connection, "staged"):
            yield
    finally:
        connection.execute("detach staged")
