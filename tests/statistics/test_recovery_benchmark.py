"""The table of planted effects found again: which providers stand in it, what is correlated, what falls short."""

from dataclasses import replace

import numpy as np
import polars as pl
from scipy.stats import spearmanr

from benchmarks import confounded, recovery_table
from benchmarks.recovery_table import TABLE, Asked, Recovered
from benchmarks.statistics_coverage import Drawn
from qe.sample.parameters import load
from qe.sample.providers import make_providers

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


def test_what_is_planted_with_it_is_told_apart():
    """Figures 4 3 2 1 with 3 4 2 1 planted: .8; with 4 2 3 1 given: .8; these two: .4; .48 / sqrt(.36 x .84) = .8729."""
    found = recovery_table.recovered(
        results(
            numerator=[40.0, 30.0, 20.0, 10.0, 99.0],
            denominator=[200.0, 200.0, 200.0, 200.0, 200.0],
            expected=[20.0, 20.0, 20.0, 20.0, 1.0],
        ),
        COUNTS,
        {"A": 0.1, "B": 0.3, "C": -0.1, "D": -0.3},
        {"A": 0.4, "B": 0.2, "C": 0.3, "D": 0.1},
    )
    assert (found.shrunken, found.planted, found.partial) == (0.8, 0.4, 0.8729)


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


def test_an_index_may_seem_to_follow_price_only_where_volume_is_planted_with_it():
    """A perfect index of volume follows price by what the two were planted together: such a sample says nothing of the index."""
    row = Recovered(
        measure="resource_use_index",
        parameter="system_price",
        providers=20,
        raw=0.5,
        adjusted=0.5,
        shrunken=0.4,
        planted=0.36,
    )
    rest = tuple(
        Recovered(measure=asked.measure, parameter=asked.parameter, providers=20, raw=0.5, adjusted=0.9, shrunken=0.9)
        for asked in TABLE[:-1]
    )
    assert not recovery_table.can_tell(row) and recovery_table.shortfalls((*rest, row)) == []
    apart = replace(row, planted=-0.1)
    assert recovery_table.can_tell(apart)
    assert recovery_table.shortfalls((*rest, apart)) == [
        "resource_use_index against system_price: rank correlation 0.4, not within 0.3 of 0"
    ]


def test_the_sample_that_tells_volume_from_price_is_found_by_what_is_planted_alone():
    seed = recovery_table.told_apart(20240101, persons=100_000)
    assert seed == recovery_table.told_apart(seed, persons=100_000)
    providers = make_providers(load({}), persons=100_000, seed=seed)
    largest = sorted(range(providers.primary_groups), key=lambda group: (-providers.g_size[group], group))[:16]
    volume = [providers.group_volume[group] for group in largest]
    price = [providers.system_price[providers.g_system[group]] for group in largest]
    assert abs(spearmanr(volume, price).statistic) <= 0.1


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
