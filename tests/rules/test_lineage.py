"""What a finished run tells the gate of its measures."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import polars as pl

from qe import run_record
from qe.release.lineage import MeasureAtLevel
from qe.runs import Run


def test_a_measure_is_alternative_at_a_level_when_any_of_its_results_there_is(tmp_path: Path) -> None:
    run = Run(run_id="a" * 16, folder=tmp_path / "run")
    run.start()
    rows = [
        ("hwr", "facility", "all", "standard"),
        ("pdc_statins", "group", "all", "standard"),
        ("pdc_statins", "group", "other", "alternative"),  # one payer scope
        ("pdc_statins", "clinician", "all", "standard"),
    ]
    named = ["measure_id", "level", "payer_scope", "kind"]
    frame = pl.DataFrame(rows, schema=named, orient="row").with_columns(measure_version=pl.lit("1.0.0"))
    frame.write_parquet(run.results / "measure_results.parquet")
    run.finish({"run_id": run.run_id})
    site = cast(Any, SimpleNamespace(settings=SimpleNamespace(sources={})))
    found = run_record.lineage(site, run, cast(Any, SimpleNamespace(label="2025Q4")))
    assert len(found.measures) == 3
    assert found.alternatives == frozenset({MeasureAtLevel(measure_id="pdc_statins", version="1.0.0", level="group")})
