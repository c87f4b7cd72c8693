"""The golden values that R left beside this file: the terms of a fit, and its providers."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
HERE: Final = Path(__file__).parent
NOT_COEFFICIENTS: Final = ("sigma", "within_sigma", "log_likelihood", "theta", "residual_scale")


@dataclass(frozen=True, kw_only=True)
class Fit:
    """What R gave, empty where the fit has none. Coefficients: the intercept first; `single`: sigma, log_likelihood, theta."""

    coefficients: Floats
    standard_errors: Floats
    single: dict[str, float]
    providers: tuple[str, ...]
    by_provider: dict[str, Floats]


@cache
def golden(case: str, fit: str) -> Fit:
    """`fit` as it is named in the header of the R script."""
    terms = [row for row in _rows(f"{case}_terms.csv") if row["fit"] == fit]
    providers = [row for row in _rows(f"{case}_providers.csv") if row["fit"] == fit]
    coefficients = [row for row in terms if row["term"] not in NOT_COEFFICIENTS]
    assert not coefficients or coefficients[0]["term"] == "(Intercept)"
    numbers = [name for name in (providers[0] if providers else ()) if name not in ("fit", "provider")]
    return Fit(
        coefficients=_column(coefficients, "estimate"),
        standard_errors=_column(coefficients, "se"),
        single={row["term"]: float(row["estimate"]) for row in terms if row["term"] in NOT_COEFFICIENTS},
        providers=tuple(row["provider"] for row in providers),
        by_provider={name: _column(providers, name) for name in numbers},
    )


def _rows(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(newline="") as file:
        return list(csv.DictReader(file))


def _column(rows: list[dict[str, str]], name: str) -> Floats:
    return np.array([float(row[name] or "nan") for row in rows])
