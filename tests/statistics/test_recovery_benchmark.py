"""The table of planted effects found again: which providers stand in it, what is correlated, what falls short."""

from dataclasses import replace

import numpy as np
import polars as pl

from benchmarks import confounded, recovery_table
from benchmarks.recovery_table import TABLE, Asked, Recovered
from benchmarks.statistics_coverage import Drawn

COUNTS = Asked(
    measure="m", level="facility", parameter="p", column="denominator", least=100, shrink="gamma_poisson", at_least=0.7
)
TRUTH = {"A": 0.3, "B": 0.1, "C": -0.1, "D": -0.3}


def results(**columns: list[float | None]) -> pl.DataFrame:
    fixed = {"measure_id": ["m"] * 5, "level": ["facility"] * 5, "identifier": ["A", "B", "C", "D", "not planted"]}
    return pl.DataFrame(fixed | columns, schema_overrides={"expected": pl.Float64})


def test_raw_adjusted_and_shrunken_figures_are_ranked_against_what_was_planted():
    """Rates .20 .30 .10 .05: B before A, so 1 - 6 (1 + 1) / (4 x 15) = .8. Over what is expected 2, 1.5, .5, .25: as planted."""
    found = recovery_table.recovered(
        results(
            numerator=[40.0, 60.0, 20.0, 10.0, 99.0],
            denominator=[200.0, 200.0, 200.0, 200.0, 200.0],
            expected=[20.0, 40.0, 40.0, 40.0, 1.0],
        ),
        COUNTS,
        TRUTH,
    )
    assert (found.providers, found.raw, found.adjusted, found.shrunken) == (4, 0.8, 1.0, 1.0)


def test_small_providers_are_left_out_and_too_few_give_no_correlation():
    found = recovery_table.recovered(
        results(
            numerator=[40.0, 60.0, 2.0, 1.0, 99.0],
            denominator=[200.0, 200.0, 99.0, 99.0, 200.0],
            expected=[20.0, 40.0, 4.0, 4.0, 1.0],
        ),
        COUNTS,
        TRUTH,
    )
    assert (found.providers, found.raw, found.adjusted, found.shrunken) == (2, None, None, None)


def test_a_share_without_a_model_has_no_adjusted_figure_and_is_drawn_to_the_share_of_all():
    found = recovery_table.recovered(
        results(
            numerator=[180.0, 150.0, 120.0, 90.0, 0.0],
            denominator=[200.0, 200.0, 200.0, 200.0, 200.0],
            expected=[None, None, None, None, None],
        ),
        replace(COUNTS, shrink="beta_binomial"),
        TRUTH,
    )
    assert (found.raw, found.adjusted, found.shrunken) == (1.0, None, 1.0)


def test_the_table_falls_short_below_its_correlations_and_where_raw_rates_do_as_well():
    met = {"readmission": 0.8, "adherence": 0.7, "admissions": 0.6, "volume": 0.6, "system_price": -0.3}
    rows = tuple(
        Recovered(
            measure=asked.measure,
            parameter=asked.parameter,
            providers=20,
            raw=0.5,
            adjusted=None,
            shrunken=met[asked.parameter],
        )
        for asked in TABLE
    )
    assert recovery_table.shortfalls(rows) == []
    hwr, pdc, *rest = rows
    assert recovery_table.shortfalls((replace(hwr, raw=0.8), replace(pdc, shrunken=0.64), *rest)) == [
        "hwr against readmission: rank correlation 0.8, not above the raw rates' 0.8",
        "pdc_statins against adherence: rank correlation 0.64, less than 0.65",
    ]
    assert recovery_table.shortfalls((replace(hwr, shrunken=None), pdc, *rest)) == [
        "hwr against readmission: rank correlation None, less than 0.7"
    ]
    assert recovery_table.shortfalls((*rows[:-1], replace(rows[-1], shrunken=-0.31))) == [
        "resource_use_index against system_price: rank correlation -0.31, not within 0.3 of 0"
    ]


def test_effects_that_go_with_the_case_mix_are_found_again_better_by_the_correlated_model():
    r = np.random.Generator(np.random.PCG64(4))
    hospitals, each = 120, 60
    severity = r.normal(size=hospitals)
    true = 0.3 * (0.6 * severity + 0.8 * r.normal(size=hospitals))
    place = np.repeat(np.arange(hospitals), each)
    x = np.column_stack([r.normal(severity[place] * 0.6), r.random(len(place)) < 0.3]).astype(np.float64)
    y = (r.random(len(place)) < 1 / (1 + np.exp(1.5 - 0.5 * x[:, 0] - 0.3 * x[:, 1] - true[place]))).astype(np.float64)
    names = np.array([f"H{number:03d}" for number in range(hospitals)])
    drawn = Drawn(
        y=y,
        x=x,
        provider=names[place],
        providers=tuple(names.tolist()),
        cases=np.full(hospitals, float(each)),
        observed=np.bincount(place, weights=y).astype(np.float64),
        ratio=np.ones(hospitals),
    )
    found = confounded.recovered(drawn, true)
    assert confounded.shortfalls(found) == []
    assert confounded.shortfalls(replace(found, correlated_rank=found.plain_rank)) != []


def test_what_goes_with_a_parameter_that_nobody_planted_is_told_beside_what_it_moved():
    """The index falls with the parameter, planted or not (-1); the parameter itself raised A most and D least (1)."""
    costs = replace(COUNTS, shrink="gamma_poisson", within=0.3, at_least=None)
    cases, expected = [200.0] * 5, [20.0] * 5
    with_it = results(numerator=[12.0, 22.0, 32.0, 42.0, 0.0], denominator=[*cases], expected=[*expected])
    without = results(numerator=[10.0, 20.0, 30.0, 40.0, 0.0], denominator=[*cases], expected=[*expected])
    found = recovery_table.recovered(with_it, costs, TRUTH, without)
    assert (found.adjusted, found.unplanted, found.moved) == (-1.0, -1.0, 1.0)
    assert recovery_table.recovered(with_it, costs, TRUTH).moved is None
