"""The table of results (contracts.md section 5): its columns, its rounding, and the one writer of result files."""

import os
from pathlib import Path
from typing import Final

import polars as pl

AMOUNT: Final = pl.Decimal(18, 6)
SIGNIFICANT_DIGITS: Final = 12
ROW_GROUP: Final = 65_536

RESULT_SCHEMA: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "measure_id": pl.String,
    "measure_version": pl.String,
    "kind": pl.String,
    "deviations": pl.List(pl.String),
    "level": pl.String,
    "provider_id": pl.String,
    "id_type": pl.String,
    "provider_name": pl.String,
    "peer_group": pl.String,
    "payer_scope": pl.String,
    "period_start": pl.Date,
    "period_end": pl.Date,
    "denominator": AMOUNT,
    "excluded": pl.Int64,
    "numerator": AMOUNT,
    "observed": pl.Float64,
    "expected": pl.Float64,
    "ratio": pl.Float64,
    "adjusted": pl.Float64,
    "ci_low": pl.Float64,
    "ci_high": pl.Float64,
    "reliability": pl.Float64,
    "peer_p25": pl.Float64,
    "peer_median": pl.Float64,
    "peer_p75": pl.Float64,
    "achievable_benchmark": pl.Float64,
    "percentile": pl.Float64,
    "category": pl.String,
    "fdr_significant": pl.Boolean,
    "publishable": pl.Boolean,
    "not_publishable_reason": pl.String,
    "engine": pl.String,
    "converged": pl.Boolean,
}
MODEL_SCHEMA: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "measure_id": pl.String,
    "cohort": pl.String,
    "term": pl.String,
    "estimate": pl.Float64,
    "std_error": pl.Float64,
}
EXPECTED_SCHEMA: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "measure_id": pl.String,
    "event_id": pl.String,
    "expected": pl.Float64,
}
RESULT_ORDER: Final = ("measure_id", "level", "provider_id", "payer_scope")


def round_significant(frame: pl.DataFrame) -> pl.DataFrame:
    """Every float rounded to 12 significant digits, so that the last bits of a sum never reach a file."""
    floats = [name for name, kind in frame.schema.items() if kind == pl.Float64]
    lists = [name for name, kind in frame.schema.items() if kind == pl.List(pl.Float64)]
    frame = frame.with_columns(
        pl.Series(name, [[rounded(one) for one in each] for each in frame[name]], dtype=pl.List(pl.Float64))
        for name in lists
    )
    return frame.with_columns(
        pl.col(name).map_elements(rounded, return_dtype=pl.Float64, skip_nulls=True) for name in floats
    )


def rounded(value: float) -> float:
    """To 12 significant digits."""
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")


def write_results(frame: pl.DataFrame, path: Path) -> None:
    """Write a result table: rounded, one chunk, fixed row groups; the same rows are the same bytes. Appears whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        round_significant(frame).rechunk().write_parquet(
            aside, compression="zstd", compression_level=3, row_group_size=ROW_GROUP, statistics=True
        )
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
