"""The counts of a claims model's quality checks: a database of their own beside the model, made once and read with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from qe import store, warehouse
from qe.claims.load import ClaimsModel
from qe.claims.model import create_macros
from qe.claims.quality_counts import count
from qe.progress import Progress
from qe.warehouse import Warehouse

MODEL: Final = "claims_model"


def counts_path(model: ClaimsModel) -> Path:
    """Where what the checks count of this model lies."""
    return model.path.with_name(f"{model.path.stem}-quality.duckdb")


@contextmanager
def examined(model: ClaimsModel, key: store.Key, *, engine: store.Engine, progress: Progress) -> Iterator[Warehouse]:
    """The claims model with the counts of all checks, only to read; they are counted when they are not there yet."""
    path = counts_path(model)
    if not path.exists():
        progress.start("checking data quality")
        with warehouse.build(path, key, engine=engine) as db, _beside_model(db, model, key):
            create_macros(db)
            count(db)
        progress.finish()
    with warehouse.open_read_only(path, key, engine=engine, lock=False) as db, _beside_model(db, model, key):
        yield db


@contextmanager
def _beside_model(db: Warehouse, model: ClaimsModel, key: store.Key) -> Iterator[None]:
    """Within, the model's tables are found by their names behind those of the counts."""
    store.attach(db.connection, model.path, alias=MODEL, key=key, read_only=True)
    counts = str(db.scalar("select current_database()"))
    db.execute(f"set search_path = '{counts}.main,{MODEL}.main'")
    try:
        yield
    finally:
        db.execute(f"use {counts}")
        db.execute(f"detach {MODEL}")
