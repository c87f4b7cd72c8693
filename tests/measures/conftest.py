"""What the tests of the shipped measures share: a module run on rows of the contract tables."""

import random
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from qe import bundled
from qe.claims.events import derive_events
from qe.measurement import tables, value_sets
from qe.measurement.compute import MeasureEvents, compute
from qe.measurement.measure import Module, load
from qe.periods import MeasurePeriod
from qe.warehouse import Warehouse

Rows = dict[str, list[dict[str, Any]]]
RunModule = Callable[..., MeasureEvents]


@pytest.fixture(scope="session")
def measures_folder() -> Path:
    """The folder of the shipped measures."""
    return bundled.folder("measures")


@pytest.fixture(scope="session")
def modules(measures_folder: Path) -> Callable[[str], Module]:
    """A shipped module by its id."""
    return lambda module_id: load(measures_folder / module_id)


@pytest.fixture
def model_of() -> Iterator[Callable[..., Warehouse]]:
    """A claims model of `rows` by table, its events derived. `shuffle` seeds another order of the rows."""
    connections: list[duckdb.DuckDBPyConnection] = []

    def made(rows: Rows, *, threads: int = 1, shuffle: int | None = None) -> Warehouse:
        connection = duckdb.connect(":memory:", config={"threads": str(threads)})
        connections.append(connection)
        db = Warehouse(connection)
        tables.create(db)
        for table, given in rows.items():
            placed = list(given)
            if shuffle is not None:
                random.Random(shuffle).shuffle(placed)
            tables.insert_rows(db, table, placed)
        derive_events(db)
        return db

    yield made
    for connection in connections:
        connection.close()


@pytest.fixture
def run_module(modules: Callable[[str], Module], model_of: Callable[..., Warehouse]) -> RunModule:
    """Run a module on `rows` by table: events derived, then the measure, on the invented lists in place of licensed ones."""

    def run(
        module_id: str,
        rows: Rows,
        *,
        start: date,
        end: date,
        threads: int = 1,
        shuffle: int | None = None,
        **parameters: object,
    ) -> MeasureEvents:
        module = modules(module_id)
        return compute(
            model_of(rows, threads=threads, shuffle=shuffle),
            module,
            period=MeasurePeriod(start=start, end=end),
            parameters=parameters,
            attribution=None,
            lists=value_sets.stand_ins(module),
        )

    return run
