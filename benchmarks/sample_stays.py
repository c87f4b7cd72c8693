"""Live discharges of a sample's truth/ with the outcome and the factors that the generator draws unplanned readmissions by.

What a provider's model sees in the best case: the true stays, the true conditions, the hospital that discharged. Frailty, by which
the generator draws too, is in no file of an inbox: `frailty=False` leaves it out, as any analyst of the files must. Where an area
is ill for other reasons, the equally ill are less frail, so that without frailty hospitals do differ by a little.
"""

import csv
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

import qe.sample
from benchmarks.planted import Planted
from benchmarks.statistics_coverage import Drawn

STAY_TYPES: Final = Path(qe.sample.__file__).parent / "tables" / "stay_types.csv"
LEAST_STAYS: Final = 25  # of a hospital that is compared
LEAST_OUTCOMES: Final = 10  # of a factor, and without: fewer carry no coefficient (qe.statistics.design)


def effects(planted: Planted, parameter: str) -> dict[str, float]:
    """By identifier (CCN, TIN) what truth/provider_effects.csv plants."""
    rows = planted.table("provider_effects").filter(pl.col("parameter") == parameter)
    return dict(zip(rows["id"], rows["value"].cast(pl.Float64), strict=True))


def readmissions(planted: Planted, *, frailty: bool = True) -> Drawn:
    """Stays of hospitals with LEAST_STAYS from which a readmission was drawn; ratio: 1 of each, for runs without effects."""
    stays = planted.table("stays")
    returned = stays.filter(pl.col("why") == "unplanned_readmission")["readmission_of"].unique()
    persons = planted.table("persons").select("person", "birth_date", "conditions", "frailty")
    hospitals = pl.Series(list(effects(planted, "readmission")))
    drawn = stays.filter(
        pl.col("readmission_probability").is_not_null()
        & (pl.col("readmission_probability") != "")
        & pl.col("hospital_ccn").is_in(hospitals.implode())
    ).join(persons, on="person", maintain_order="left")
    drawn = drawn.filter(pl.col("birth_date").str.len_chars() > 0, pl.col("discharge_date").str.len_chars() > 0)
    drawn = drawn.filter(pl.len().over("hospital_ccn") >= LEAST_STAYS)
    y = drawn["stay"].is_in(returned.implode()).to_numpy().astype(np.float64)
    days = drawn["discharge_date"].str.to_date() - drawn["birth_date"].str.to_date()
    age = days.dt.total_days().to_numpy() / 365.25
    flags = drawn.select(pl.col("conditions").fill_null("").str.split(";"))["conditions"]
    names = sorted({name for each in flags.to_list() for name in each} - {""})
    having = [np.array([name in each for each in flags.to_list()], dtype=np.float64) for name in names]
    surgical = drawn["kind"].is_in(_surgical()).to_numpy().astype(np.float64)
    candidates = [np.maximum(age - 65, 0.0) / 10, (age < 65).astype(np.float64), surgical, *having]
    if frailty:
        candidates.append(drawn["frailty"].cast(pl.Float64).to_numpy())
    place = drawn["hospital_ccn"].to_numpy().astype(str)
    providers, whose = np.unique(place, return_inverse=True)
    return Drawn(
        y=y,
        x=np.column_stack([values for values in candidates if _carries(values, y)]),
        provider=place,
        providers=tuple(providers.tolist()),
        cases=np.bincount(whose).astype(np.float64),
        observed=np.bincount(whose, weights=y).astype(np.float64),
        ratio=np.ones(len(providers)),
    )


def _carries(values: np.ndarray, y: np.ndarray) -> bool:
    if set(np.unique(values)) - {0.0, 1.0}:
        return True
    least = min(float(y[values == side].sum()) for side in (0.0, 1.0))
    without = min(float((1 - y[values == side]).sum()) for side in (0.0, 1.0))
    return min(least, without) >= LEAST_OUTCOMES


def _surgical() -> list[str]:
    with STAY_TYPES.open(encoding="utf-8", newline="") as file:
        return [row["name"] for row in csv.DictReader(file) if row["surgical"] == "1"]
