"""Rates of areas by AHRQ's own formula: observed, risk-adjusted by published national coefficients, and smoothed.

Source: PQI_AREA_RISKADJ.sas and the area covariates of the AHRQ Prevention Quality Indicators v2024 (model without social
factors, fitted on HCUP 2021), AHRQ/AHRQ-Quality-Indicators at commit 8133487f; a United States Government work published under
Apache-2.0.
"""

import csv
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from qe.errors import MeasureError

Floats = NDArray[np.float64]

PUBLISHED: Final = Path(__file__).parent / "published"
COEFFICIENTS: Final = (
    "ahrq_pqi_v2024_coefficients.csv",
    364,
    "06d17f9fdeedc26993d1b7f21c4e9e9e1aac93fb1b657a345ae4910fb3b866b3",
)
CONSTANTS: Final = (
    "ahrq_pqi_v2024_constants.csv",
    14,
    "e3e3550ea9e9cd68181daf1d5fd8c36827661d44b357e6b73178f32974ad6a63",
)
CELL_COLUMNS: Final = ("age_band", "sex", "population", "numerator")
FEMALE: Final = 2  # as in the claims model: 1 male, 2 female
Z: Final = 1.96  # as AHRQ's program has it


@dataclass(frozen=True, kw_only=True)
class AreaRates:
    """Rates per person and year, by area; arrays follow `areas` (sorted). Of an area without people: NaN.

    observed, expected    events over population, and what the national coefficients expect of the area's ages and sexes
    risk_adjusted         observed / expected times the reference rate; se is its standard error
    low, high             95 % interval of the risk-adjusted rate, cut at 0 and 1
    reliability           share of the risk-adjusted rate's variation that is signal, 0 to 1
    smoothed              the risk-adjusted rate drawn toward the reference rate by what is noise; smoothed_se its standard error
    """

    areas: tuple[str, ...]
    population: Floats
    observed: Floats
    expected: Floats
    risk_adjusted: Floats
    se: Floats
    low: Floats
    high: Floats
    reliability: Floats
    smoothed: Floats
    smoothed_se: Floats


def standardise(cells: pl.DataFrame, *, coefficients: Mapping[str, float], constants: Mapping[str, float]) -> AreaRates:
    """The rates of each area from its population cells.

    cells         area (all one area without this column), age_band (AHRQ's 1: 18-24, 2: 25-29 ... 13: 80-84, 14: 85 and over), sex
                  (1 male, 2 female), population (people or member years), numerator (events); one or more rows a cell
    coefficients  Intercept, FEMALE, AGECAT<band> and FAGECAT<band> (female of that band), on the logit scale; the band after the
                  last one named is the reference
    constants     signal_variance and reference_population_rate (per person and year)
    Raises ValueError for a missing column, an unknown sex, or a band that the coefficients were not fitted on (the ages of another
    indicator: its denominator would be wrong).
    """
    _require(cells, coefficients, constants)
    named = cells if "area" in cells.columns else cells.with_columns(area=pl.lit(""))
    summed = (
        named.group_by(pl.col("area").cast(pl.String), "age_band", "sex")
        .agg(pl.col("population").cast(pl.Float64).sum(), pl.col("numerator").cast(pl.Float64).sum())
        .sort("area", "age_band", "sex")
    )
    areas = tuple(summed["area"].unique().sort())
    place = np.searchsorted(np.asarray(areas, dtype=object), summed["area"].to_numpy().astype(object))
    people, events = summed["population"].to_numpy(), summed["numerator"].to_numpy()
    probability = _probability(summed["age_band"].to_list(), summed["sex"].to_list(), coefficients)

    def by_area(values: Floats) -> Floats:
        return np.bincount(place, weights=values, minlength=len(areas)).astype(np.float64)

    signal, reference = float(constants["signal_variance"]), float(constants["reference_population_rate"])
    population = by_area(people)
    with np.errstate(divide="ignore", invalid="ignore"):
        observed = by_area(events) / population
        expected = by_area(people * probability) / population
        adjusted = observed / expected * reference
        se = reference / expected / population * np.sqrt(by_area(people * probability * (1 - probability)))
        reliability = signal / (signal + se**2)
    return AreaRates(
        areas=areas,
        population=population,
        observed=observed,
        expected=expected,
        risk_adjusted=adjusted,
        se=se,
        low=np.maximum(adjusted - Z * se, 0.0),
        high=np.minimum(adjusted + Z * se, 1.0),
        reliability=reliability,
        smoothed=adjusted * reliability + (1 - reliability) * reference,
        smoothed_se=np.sqrt(signal - reliability * signal),
    )


def published(indicator: str) -> tuple[dict[str, float], dict[str, float]]:
    """Coefficients and constants of one Prevention Quality Indicator ("pqi_08"), as `standardise` takes them."""
    terms = {row["term"]: float(row["estimate"]) for row in _rows(*COEFFICIENTS) if row["indicator"] == indicator}
    constants = [row for row in _rows(*CONSTANTS) if row["indicator"] == indicator]
    if not terms or not constants:
        raise MeasureError(f'AHRQ publishes no area coefficients of "{indicator}" among those carried here')
    return terms, {name: float(value) for name, value in constants[0].items() if name != "indicator"}


def _require(cells: pl.DataFrame, coefficients: Mapping[str, float], constants: Mapping[str, float]) -> None:
    missing = [name for name in CELL_COLUMNS if name not in cells.columns]
    missing += [name for name in ("Intercept", "FEMALE") if name not in coefficients]
    missing += [name for name in ("signal_variance", "reference_population_rate") if name not in constants]
    if missing:
        raise ValueError(f"the area formula needs {', '.join(missing)}")
    strange = sorted(set(cells["sex"].to_list()) - {1, FEMALE}, key=str)
    if strange:
        raise ValueError("the sex of a population cell must be 1 or 2")
    bands = _bands(coefficients)
    outside = sorted(set(cells["age_band"].to_list()) - bands, key=str)
    if outside:
        raise ValueError(
            f"the coefficients hold for the age bands {min(bands)} to {max(bands)}, and {len(outside)} other stand in the cells"
        )


def _bands(coefficients: Mapping[str, float]) -> set[int]:
    """The bands that the coefficients were fitted on: those named, and the reference after the last of them."""
    named = {int(match[1]) for name in coefficients if (match := re.fullmatch(r"AGECAT(\d+)", name))}
    return named | {max(named) + 1}


def _probability(bands: list[int], sexes: list[int], coefficients: Mapping[str, float]) -> Floats:
    """Expected events per person of each cell."""
    logits = []
    for band, sex in zip(bands, sexes, strict=True):
        logit = coefficients["Intercept"] + coefficients.get(f"AGECAT{band}", 0.0)
        if sex == FEMALE:
            logit += coefficients["FEMALE"] + coefficients.get(f"FAGECAT{band}", 0.0)
        logits.append(logit)
    return np.asarray(1 / (1 + np.exp(-np.array(logits, dtype=np.float64))), dtype=np.float64)


def _rows(name: str, count: int, sha256: str) -> list[dict[str, str]]:
    """The rows of a published table, when it is the one that was published."""
    content = (PUBLISHED / name).read_bytes()
    rows = list(csv.DictReader(content.decode("utf-8").splitlines()))
    if len(rows) != count or hashlib.sha256(content).hexdigest() != sha256:
        raise MeasureError(
            f"{name} holds {len(rows)} rows and is not the published table of {count}", remedy="Install qe again."
        )
    return rows
