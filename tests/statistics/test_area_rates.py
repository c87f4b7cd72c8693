"""AHRQ's area formula against a hand calculation in decimals, and the published tables against those of AHRQ."""

import csv
from decimal import Decimal, getcontext
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from qe.statistics import area_rates

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference" / "valuesets" / "ahrq_pqi_v2024"
INDICATORS = [
    f"pqi_{number}" for number in ["01", "03", "05", "07", "08", "11", "12", "14", "15", "16", "90", "91", "92", "93"]
]
COLUMNS = ["area", "age_band", "sex", "population", "numerator"]

# APQ90_Area_Covariates_v2024.csv and APQ15_...: the terms that the areas below need, as printed by AHRQ.
PQI_90 = {
    "Intercept": "-2.650791727013",
    "FEMALE": "-0.056339140103",
    "AGECAT1": "-3.885382520824",
    "AGECAT10": "-1.347526417436",
    "FAGECAT1": "0.305677124925",
    "FAGECAT10": "-0.152850253931",
}
PQI_15 = {
    "Intercept": "-8.883284872122",
    "FEMALE": "0.752692222093",
    "AGECAT1": "-0.132433585805",
    "FAGECAT1": "-0.250450021473",
}

# area, age band, sex (2 female), population, stays
AREAS_90 = [
    ("A", 1, 1, 12000, 20), ("A", 1, 2, 11800, 25), ("A", 10, 1, 3100, 61), ("A", 14, 2, 900, 70),
    ("B", 10, 1, 210, 9), ("B", 10, 2, 260, 0),
    ("C", 14, 1, 1500, 99), ("C", 14, 2, 2400, 131), ("C", 1, 1, 4000, 1),
]  # fmt: skip
AREAS_15 = [
    ("A", 1, 1, 12000, 2), ("A", 4, 2, 9000, 4),
    ("B", 1, 2, 300, 0), ("B", 4, 1, 250, 1),
    ("C", 1, 1, 90000, 8), ("C", 1, 2, 88000, 19), ("C", 4, 1, 61000, 6), ("C", 4, 2, 60500, 33),
]  # fmt: skip


def by_hand(
    cells: list[tuple[str, int, int, int, int]], terms: dict[str, str], signal: str, reference: str
) -> dict[str, dict[str, Decimal]]:
    """Each area's rates, step by step, in 40 digits."""
    getcontext().prec = 40
    s2, ref = Decimal(signal), Decimal(reference)
    found = {}
    for area in sorted({cell[0] for cell in cells}):
        people = stays = expected_stays = variance = Decimal(0)
        for _, band, sex, population, numerator in (cell for cell in cells if cell[0] == area):
            x = Decimal(terms["Intercept"]) + Decimal(terms.get(f"AGECAT{band}", "0"))
            if sex == 2:
                x += Decimal(terms["FEMALE"]) + Decimal(terms.get(f"FAGECAT{band}", "0"))
            p = 1 / (1 + (-x).exp())
            people += population
            stays += numerator
            expected_stays += population * p
            variance += population * p * (1 - p)
        t, e = stays / people, expected_stays / people
        adjusted = t / e * ref
        se = ref / e / people * variance.sqrt()
        weight = s2 / (s2 + se * se)
        found[area] = {
            "observed": t,
            "expected": e,
            "risk_adjusted": adjusted,
            "se": se,
            "low": max(Decimal(0), adjusted - Decimal("1.96") * se),
            "high": min(Decimal(1), adjusted + Decimal("1.96") * se),
            "reliability": weight,
            "smoothed": weight * adjusted + (1 - weight) * ref,
            "smoothed_se": (s2 - weight * s2).sqrt(),
        }
    return found


@pytest.mark.parametrize(
    ("indicator", "cells", "terms", "signal", "reference"),
    [
        ("pqi_90", AREAS_90, PQI_90, "0.00002196783", "0.010401226841"),
        ("pqi_15", AREAS_15, PQI_15, "0.000000011174", "0.000184943049"),
    ],
)
def test_the_rates_of_three_areas_equal_a_hand_calculation_from_the_published_coefficients(
    indicator: str, cells: list[tuple[str, int, int, int, int]], terms: dict[str, str], signal: str, reference: str
) -> None:
    coefficients, constants = area_rates.published(indicator)
    frame = pl.DataFrame(cells, schema=COLUMNS, orient="row")
    rates = area_rates.standardise(frame.reverse(), coefficients=coefficients, constants=constants)
    expected = by_hand(cells, terms, signal, reference)
    assert rates.areas == tuple(expected) == ("A", "B", "C")
    for place, area in enumerate(rates.areas):
        for name, value in expected[area].items():
            assert getattr(rates, name)[place] == pytest.approx(float(value), rel=1e-9, abs=1e-12), (area, name)


def test_one_cell_of_the_reference_group_is_expected_to_have_the_rate_of_the_intercept() -> None:
    # men of 85 and over: 1 / (1 + e^2.650791727013) = 0.0659360...; observed 0.05, so 0.05 / 0.06594 * 0.0104012 = 0.0078874
    coefficients, constants = area_rates.published("pqi_90")
    cells = pl.DataFrame({"age_band": [14], "sex": [1], "population": [1000], "numerator": [50]})
    rates = area_rates.standardise(cells, coefficients=coefficients, constants=constants)
    assert rates.areas == ("",)
    assert rates.expected[0] == pytest.approx(0.06594, abs=5e-5)
    assert rates.risk_adjusted[0] == pytest.approx(0.05 / rates.expected[0] * 0.010401226841, rel=1e-12)


def test_an_area_of_few_people_is_drawn_to_the_reference_rate_and_a_large_one_keeps_its_own() -> None:
    coefficients, constants = area_rates.published("pqi_90")
    cells = pl.DataFrame(
        {
            "area": ["large", "small"],
            "age_band": [10, 10],
            "sex": [1, 1],
            "population": [10**8, 10],
            "numerator": [10**6, 0],
        }
    )
    rates = area_rates.standardise(cells, coefficients=coefficients, constants=constants)
    reference = constants["reference_population_rate"]
    assert abs(rates.smoothed[0] - rates.risk_adjusted[0]) < 1e-4 * rates.risk_adjusted[0]
    assert abs(rates.smoothed[1] - reference) < 0.15 * abs(rates.risk_adjusted[1] - reference)
    assert rates.risk_adjusted[1] == rates.low[1] == 0.0


def test_an_area_without_people_has_no_rate() -> None:
    coefficients, constants = area_rates.published("pqi_08")
    cells = pl.DataFrame({"area": ["A"], "age_band": [3], "sex": [2], "population": [0], "numerator": [0]})
    rates = area_rates.standardise(cells, coefficients=coefficients, constants=constants)
    assert np.isnan(rates.observed[0]) and np.isnan(rates.smoothed[0])


@pytest.mark.parametrize(("indicator", "band"), [("pqi_05", 4), ("pqi_15", 5), ("pqi_90", 15), ("pqi_90", 0)])
def test_a_cell_of_an_age_that_the_indicator_does_not_count_is_refused(indicator: str, band: int) -> None:
    coefficients, constants = area_rates.published(indicator)
    cells = pl.DataFrame({"area": ["A"], "age_band": [band], "sex": [1], "population": [10], "numerator": [0]})
    with pytest.raises(ValueError, match="age bands"):
        area_rates.standardise(cells, coefficients=coefficients, constants=constants)


def test_a_cell_of_unknown_sex_and_a_missing_column_are_refused() -> None:
    coefficients, constants = area_rates.published("pqi_90")
    cells = pl.DataFrame({"area": ["A"], "age_band": [1], "sex": [0], "population": [10], "numerator": [0]})
    with pytest.raises(ValueError, match="sex"):
        area_rates.standardise(cells, coefficients=coefficients, constants=constants)
    with pytest.raises(ValueError, match="population"):
        area_rates.standardise(cells.drop("population"), coefficients=coefficients, constants=constants)


def test_every_indicator_has_its_coefficients_and_constants() -> None:
    bands = {"pqi_05": range(5, 15), "pqi_15": range(1, 5)}
    for indicator in INDICATORS:
        coefficients, constants = area_rates.published(indicator)
        named = list(bands.get(indicator, range(1, 15)))[:-1]
        terms = {f"{kind}{band}" for kind in ("AGECAT", "FAGECAT") for band in named}
        assert set(coefficients) == terms | {"Intercept", "FEMALE"}
        assert constants["reference_population_rate"] > 0 and constants["signal_variance"] > 0


@pytest.mark.needs_reference
@pytest.mark.skipif(not REFERENCE.is_dir(), reason="the reference value sets are not beside the project")
@pytest.mark.parametrize("indicator", INDICATORS)
def test_the_tables_hold_what_ahrq_published(indicator: str) -> None:
    number = indicator.removeprefix("pqi_")
    coefficients, constants = area_rates.published(indicator)
    with (REFERENCE / "parm" / f"APQ{number}_Area_Covariates_v2024.csv").open(encoding="utf-8", newline="") as file:
        assert coefficients == {row["VARIABLE"]: float(row["Estimate"]) for row in csv.DictReader(file)}
    with (REFERENCE / "reference_constants.csv").open(encoding="utf-8", newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["pqi"] == number)
    assert constants == {name: float(row[name]) for name in ("signal_variance", "reference_population_rate")}
