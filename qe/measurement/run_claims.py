"""The claims that a finished run was made on: its claims model, opened to be read, and what of it stands behind some events."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any

import polars as pl

from qe import warehouse
from qe.claims.load import model_path
from qe.errors import InputError
from qe.measurement.behind import claims_behind
from qe.measurement.measure import Module
from qe.periods import MeasurePeriod
from qe.runs import Run
from qe.site import Site
from qe.warehouse import Warehouse


@contextmanager
def opened_model(site: Site, run: Run) -> Iterator[Warehouse]:
    """The claims model of `run`, read-only and locked. InputError: it is gone from the store."""
    manifest = run.manifest()
    if "claims_model" not in manifest:
        raise InputError(
            f"run {run.run_id} was made before runs named their claims model",
            remedy="Figures of the next run can be followed.",
        )
    path = model_path(site, manifest["claims_model"])
    if not path.is_file():
        raise InputError(
            f"the claims model of run {run.run_id} is not in the store",
            remedy="Run `qe run`: it builds the model again from the files in inbox/; then run this command again.",
        )
    with warehouse.open_read_only(path, site.store_key(), engine=site.engine(), lock=True) as db:
        yield db


def claims_behind_run(db: Warehouse, site: Site, run: Run, module: Module, events: pl.DataFrame) -> pl.DataFrame:
    """What stands behind `events` (detail rows of one module of `run`), as `claims_behind` gives it.

    InputError: the run did not compute the module, or the measure's folder has changed since.
    """
    measured = _measured(run.manifest(), module)
    if measured["sha256"] != module.sha256 and "claims" in module.sql:
        raise InputError(
            f"measures/{module.folder.name} has changed since this run, so the claims behind its figures cannot be told",
            remedy="Run `qe run`, and explain what that run gives.",
        )
    days = MeasurePeriod(
        start=date.fromisoformat(measured["period_start"]), end=date.fromisoformat(measured["period_end"])
    )
    return claims_behind(db, module, events, period=days, parameters=measured["parameters"], lists=site.licensed_lists)


def _measured(manifest: Mapping[str, Any], module: Module) -> Mapping[str, Any]:
    """How the run computed this module: version, folder, days, parameters."""
    for one in manifest["measures"]:
        if one["module"] == module.id:
            found: Mapping[str, Any] = one
            return found
    raise InputError(f"the run did not compute {module.id}", remedy=f"qe run --measure {module.id}")
