"""Risk models against an independent Newton iteration in plain numpy, and designs by hand."""

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from qe.statistics import design, risk_adjustment
from qe.statistics.design import Design

Floats = NDArray[np.float64]


def _design(x: Floats) -> Design:
    return Design(x=x, terms=tuple(f"x{place}" for place in range(x.shape[1])), dropped=())


def _newton(y: Floats, x: Floats, *, is_logistic: bool, exposure: Floats) -> Floats:
    """Coefficients by Newton's method on the score equations X'(y - mu) = 0."""
    x = np.column_stack([np.ones(len(y)), x])
    b = np.zeros(x.shape[1])
    b[0] = np.log(y.mean() / (1 - y.mean())) if is_logistic else np.log(y.sum() / exposure.sum())
    for _ in range(50):
        mu = 1 / (1 + np.exp(-x @ b)) if is_logistic else exposure * np.exp(x @ b)
        weight = mu * (1 - mu) if is_logistic else mu
        b = b + np.linalg.solve(x.T @ (x * weight[:, None]), x.T @ (y - mu))
    return b


def test_the_logistic_model_agrees_with_an_independent_fit_and_expects_what_was_observed() -> None:
    random = np.random.default_rng(1)
    x = random.normal(size=(2000, 3))
    y = (random.random(2000) < 1 / (1 + np.exp(1.5 - x @ [0.5, -0.3, 0.0]))).astype(float)
    model = risk_adjustment.logistic(y, _design(x))
    want = _newton(y, x, is_logistic=True, exposure=np.ones(2000))
    np.testing.assert_allclose([estimate for _, estimate, _ in model.terms], want, atol=1e-7)
    assert model.expected.sum() == pytest.approx(y.sum())
    assert (model.engine, model.converged) == ("logistic", True)


def test_the_cost_model_agrees_with_an_independent_fit_on_skewed_amounts_with_zeros() -> None:
    random = np.random.default_rng(2)
    x, exposure = random.normal(size=(1500, 2)), random.integers(1, 13, 1500).astype(float)
    y = exposure * np.exp(5 + x @ [0.4, -0.2]) * random.gamma(0.5, 2, 1500) * (random.random(1500) > 0.3)
    model = risk_adjustment.mean_cost(y, exposure, _design(x))
    want = _newton(y, x, is_logistic=False, exposure=exposure)
    np.testing.assert_allclose([estimate for _, estimate, _ in model.terms], want, atol=1e-6)
    assert model.expected.sum() == pytest.approx(y.sum())


def test_standard_errors_of_cost_carry_the_dispersion() -> None:
    # Two dollars-for-pennies units of the same data: dispersion scales, relative errors do not move
    random = np.random.default_rng(3)
    x, exposure = random.normal(size=(400, 1)), np.full(400, 12.0)
    y = exposure * np.exp(4 + 0.3 * x[:, 0]) * random.gamma(1, 1, 400)
    dollars = risk_adjustment.mean_cost(y, exposure, _design(x))
    cents = risk_adjustment.mean_cost(y * 100, exposure, _design(x))
    assert cents.terms[1][2] == pytest.approx(dollars.terms[1][2], rel=1e-6)


def test_a_separated_outcome_falls_back_to_the_overall_rate_and_says_so() -> None:
    y = np.repeat([0.0, 1.0], 50)
    model = risk_adjustment.logistic(y, _design(y[:, None].copy()))
    assert (model.engine, model.converged, model.terms) == ("oe", False, ())
    np.testing.assert_allclose(model.expected, 0.5)


@pytest.mark.parametrize("y", [np.zeros(30), np.ones(30)])
def test_events_without_any_variation_are_expected_at_their_rate(y: Floats) -> None:
    model = risk_adjustment.logistic(y, _design(np.arange(30.0)[:, None]))
    np.testing.assert_allclose(model.expected, y)
    assert not model.converged


def test_the_c_statistic_counts_pairs_and_half_of_ties() -> None:
    # cases .4 and .7 against .2 and .4: .4>.2, .4=.4 (half), .7>.2, .7>.4: 3.5 of 4 pairs
    assert risk_adjustment.c_statistic(np.array([0.0, 0, 1, 1]), np.array([0.2, 0.4, 0.4, 0.7])) == 3.5 / 4


def test_expected_costs_are_scaled_to_the_observed_sum_of_each_payer_line() -> None:
    expected, lines = np.array([10.0, 30, 5]), np.array(["medicare", "medicare", "commercial"])
    scales = risk_adjustment.line_scales(expected, np.array([20.0, 60, 4]), lines)
    assert scales == {"commercial": 4 / 5, "medicare": 80 / 40}
    np.testing.assert_allclose(risk_adjustment.scaled(expected, lines, scales), [10 * 80 / 40, 30 * 80 / 40, 5 * 4 / 5])


def _covariates(rows: list[tuple[str, str, float]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"event_id": pl.String, "factor": pl.String, "value": pl.Float64}, orient="row")


IDS = [f"E{number:04}" for number in range(400)]


def test_the_largest_level_is_the_reference_and_rare_levels_are_pooled() -> None:
    # 200 a, 100 b, 30 c and 30 d: c and d are under 50 and pooled to 60; 40 events have no level at all
    levels = ["a"] * 200 + ["b"] * 100 + ["c"] * 30 + ["d"] * 30
    rows = [(event, f"group:{level}", 1.0) for event, level in zip(IDS, levels, strict=False)]
    built = design.build(_covariates(rows), IDS, ["group"], None)
    assert built.terms == ("group:b", "group:pooled")
    assert built.x.sum(axis=0).tolist() == [100.0, 60.0]
    assert built.dropped == (
        ("group:a", "reference level"),
        ("group:c", "rare: pooled"),
        ("group:d", "rare: pooled"),
    )


def test_a_level_with_fewer_than_ten_outcomes_carries_no_coefficient_of_its_own() -> None:
    rows = [(event, "comorbidity:HF", 1.0) for event in IDS[:100]]
    outcome = np.zeros(400)
    outcome[:9] = 1
    assert design.build(_covariates(rows), IDS, ["comorbidity"], outcome).terms == ()
    outcome[:10] = 1
    assert design.build(_covariates(rows), IDS, ["comorbidity"], outcome).terms == ("comorbidity:HF",)


def test_a_column_that_others_determine_is_dropped_by_name() -> None:
    rows = [(event, name, 1.0) for event in IDS[:200] for name in ("comorbidity:A", "comorbidity:B")]
    rows += [(event, "comorbidity:C", 1.0) for event in IDS[100:300]]
    built = design.build(_covariates(rows), IDS, ["comorbidity"], None)
    assert built.terms == ("comorbidity:A", "comorbidity:C")
    assert built.dropped == (("comorbidity:B", "aliased"),)


def test_the_age_spline_is_linear_below_the_first_and_above_the_last_knot() -> None:
    ages = np.array([18.0, 20, 22, 24, 90, 92, 94, 96])
    columns = design._spline("age", ages)
    assert [name for name, _ in columns] == ["age", "age'1", "age'2", "age'3"]
    for _, values in columns:
        np.testing.assert_allclose(np.diff(values[:4], n=2), 0, atol=1e-9)
        np.testing.assert_allclose(np.diff(values[4:], n=2), 0, atol=1e-9)


def test_the_design_does_not_depend_on_the_order_of_its_rows() -> None:
    rows = [(event, "age", float(20 + place % 70)) for place, event in enumerate(IDS)]
    rows += [(event, "comorbidity:HF", 1.0) for event in IDS[::3]]
    one = design.build(_covariates(rows), IDS, ["age|spline", "comorbidity"], None)
    other = design.build(_covariates(rows[::-1]), IDS, ["age|spline", "comorbidity"], None)
    assert one.terms == other.terms
    np.testing.assert_array_equal(one.x, other.x)


def test_ages_in_bands_and_their_products_with_payers_keep_only_what_enough_people_have() -> None:
    ages = [30.0] * 150 + [70.0] * 200 + [80.0] * 50  # bands: 65-74 is the largest, the reference
    rows = [(event, "age", age) for event, age in zip(IDS, ages, strict=True)]
    rows += [(event, f"payer_line:{'commercial' if place % 2 else 'medicare'}", 1.0) for place, event in enumerate(IDS)]
    rows = [
        row for row in rows if row[1:] != ("payer_line:medicare", 1.0) or row[0] != IDS[0]
    ]  # 199 medicare, 200 commercial
    built = design.build(_covariates(rows), IDS, ["age|bands", "payer_line", "age*payer_line"], None)
    # commercial is the reference; of Medicare 74 are in the band 18-44 and 25 in 75-84: under 50, no column of their own
    assert built.terms == ("age:18-44", "age:75-84", "payer_line:medicare", "payer_line:medicare*age:18-44")
    assert built.x.sum(axis=0).tolist() == [150.0, 50.0, 199.0, 74.0]
    assert ("payer_line:medicare*age:75-84", "rare: pooled") in built.dropped


def test_a_person_whose_age_is_not_known_is_in_no_band() -> None:
    rows = [(event, "age", 30.0 if place < 150 else 70.0) for place, event in enumerate(IDS[:350])]  # 50 without an age
    built = design.build(_covariates(rows), IDS, ["age|bands"], None)
    assert built.terms == ("age:18-44",)
    assert built.dropped == (("age:65-74", "reference level"),)
    assert built.x[:, 0].tolist() == [1.0] * 150 + [0.0] * 250


def test_without_any_age_there_is_no_band() -> None:
    rows = [(event, "sex", 1.0) for event in IDS[:200]]
    assert design.build(_covariates(rows), IDS, ["age|bands", "sex"], None).terms == ("sex",)
