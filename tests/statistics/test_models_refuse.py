"""What no model can be fitted to is refused by name; what is extreme but possible has a documented result."""

import numpy as np
import pytest
from numpy.typing import NDArray

from qe.errors import CannotFit
from qe.statistics import bootstrap, fixed_effects, mixed_linear, mixed_logit, mixed_poisson

Floats = NDArray[np.float64]

PROVIDERS = np.array(["A"] * 40 + ["B"] * 40 + ["C"] * 40)
FACTOR = np.tile([0.0, 1.0], 60)
OUTCOME = np.tile([0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0], 15)


def logit(y: Floats, x: Floats, provider: NDArray[np.str_]) -> object:
    return mixed_logit.fit(y, x, provider)


def poisson(y: Floats, x: Floats, provider: NDArray[np.str_]) -> object:
    return mixed_poisson.fit(y, x, provider, exposure=np.ones(len(y)))


def linear(y: Floats, x: Floats, provider: NDArray[np.str_]) -> object:
    return mixed_linear.fit(y, x, provider)


def fixed(y: Floats, x: Floats, provider: NDArray[np.str_]) -> object:
    return fixed_effects.fit(y, x, provider)


MODELS = pytest.mark.parametrize("fit", [logit, poisson, linear, fixed])


@MODELS
def test_one_row_is_refused(fit):
    with pytest.raises(CannotFit):
        fit(np.array([1.0]), np.array([[0.5]]), np.array(["A"]))


@MODELS
def test_no_row_is_refused(fit):
    with pytest.raises(CannotFit, match="no case"):
        fit(np.array([]), np.empty((0, 1)), np.array([]))


@MODELS
def test_a_missing_factor_is_refused_with_its_row(fit):
    x = FACTOR[:, None].copy()
    x[7, 0] = np.nan
    with pytest.raises(CannotFit, match=r"factor missing or infinite in 1 of 120 cases \(first: row 7\)"):
        fit(OUTCOME, x, PROVIDERS)


@MODELS
def test_a_missing_outcome_is_refused_with_its_row(fit):
    y = OUTCOME.copy()
    y[[3, 5]] = np.inf
    with pytest.raises(CannotFit, match=r"outcome missing or infinite in 2 of 120 cases \(first: row 3\)"):
        fit(y, FACTOR[:, None], PROVIDERS)


@MODELS
def test_a_constant_factor_is_refused_by_its_column(fit):
    x = np.column_stack([FACTOR, np.full(120, 3.0)])
    with pytest.raises(CannotFit, match=r"column"):
        fit(OUTCOME, x, PROVIDERS)


@MODELS
def test_a_factor_that_repeats_another_is_refused_by_its_column(fit):
    x = np.column_stack([FACTOR, np.arange(120.0), 2 * FACTOR])
    with pytest.raises(CannotFit, match=r"column.* 2"):
        fit(OUTCOME, x, PROVIDERS)


@MODELS
def test_rows_that_do_not_go_together_are_refused(fit):
    with pytest.raises(CannotFit, match="do not go together"):
        fit(OUTCOME, FACTOR[:-1, None], PROVIDERS)


@pytest.mark.parametrize("fit", [logit, poisson])
def test_one_provider_is_refused(fit):
    with pytest.raises(CannotFit, match="needs 2 of them, got 1"):
        fit(OUTCOME, FACTOR[:, None], np.full(120, "A"))


@pytest.mark.parametrize("fit", [logit, poisson, fixed])
def test_outcomes_that_are_all_zero_are_refused(fit):
    with pytest.raises(CannotFit):
        fit(np.zeros(120), FACTOR[:, None], PROVIDERS)


def test_outcomes_that_are_all_one_are_refused():
    with pytest.raises(CannotFit, match="every one of 120 cases"):
        logit(np.ones(120), FACTOR[:, None], PROVIDERS)


def test_an_outcome_of_two_is_refused_with_its_row():
    y = OUTCOME.copy()
    y[9] = 2.0
    with pytest.raises(CannotFit, match=r"neither 0 nor 1 in 1 of 120 cases \(first: row 9\)"):
        logit(y, FACTOR[:, None], PROVIDERS)


def test_perfect_separation_is_refused_by_the_column_that_separates():
    x = np.column_stack([FACTOR, OUTCOME * 5.0 + np.linspace(0, 1, 120)])
    with pytest.raises(CannotFit, match=r"separate .*columns 1\)"):
        logit(OUTCOME, x, PROVIDERS)


def test_a_flag_of_cases_that_all_have_the_outcome_is_refused_by_its_column():
    flag = np.zeros(120)
    flag[np.flatnonzero(OUTCOME == 1.0)[:5]] = 1.0
    with pytest.raises(CannotFit, match=r"separate .*columns 1\)"):
        logit(OUTCOME, np.column_stack([FACTOR, flag]), PROVIDERS)


@pytest.mark.parametrize("exposure", [0.0, -1.0, np.nan])
def test_an_exposure_that_is_not_above_zero_is_refused_with_its_row(exposure):
    exposed = np.ones(120)
    exposed[4] = exposure
    with pytest.raises(CannotFit, match=r"exposure is missing or not above 0 in 1 of 120 cases \(first: row 4\)"):
        mixed_poisson.fit(OUTCOME, FACTOR[:, None], PROVIDERS, exposure=exposed)


def test_an_amount_is_no_count():
    with pytest.raises(CannotFit, match="no count in 1 of 120 cases"):
        poisson(np.where(np.arange(120) == 2, 1.5, OUTCOME), FACTOR[:, None], PROVIDERS)


def test_an_engine_that_does_not_exist_is_refused():
    with pytest.raises(CannotFit, match="laplace, agq, rspl"):
        mixed_logit.fit(OUTCOME, FACTOR[:, None], PROVIDERS, engine="vb")  # type: ignore[arg-type]


def test_correlated_effects_need_more_providers_than_mean_factors():
    x = np.column_stack([FACTOR, np.arange(120.0) % 7, np.arange(120.0) % 5])
    with pytest.raises(CannotFit, match="3 providers cannot tell the effects of 3 mean factors apart"):
        mixed_logit.fit(OUTCOME, x, PROVIDERS, correlated=True)


@pytest.mark.parametrize("engine", ["laplace", "agq", "rspl"])
def test_providers_with_equal_outcomes_have_sigma_zero_and_ratios_of_one(engine):
    model = mixed_logit.fit(OUTCOME, FACTOR[:, None], PROVIDERS, engine=engine)  # each provider has the same 40 cases
    assert model.converged
    assert model.sigma == 0.0
    np.testing.assert_array_equal(model.ratio, np.ones(3))
    np.testing.assert_array_equal(model.reliability, np.zeros(3))
    low, high = model.interval(confidence=0.95, sigma="known")
    np.testing.assert_array_equal(np.stack([low, high]), np.ones((2, 3)))


def test_a_provider_of_one_case_and_one_without_outcomes_have_finite_results_near_the_average():
    y = np.concatenate([OUTCOME, [1.0], np.zeros(6)])
    x = np.concatenate([FACTOR, [0.0], np.tile([0.0, 1.0], 3)])[:, None]
    y[:40] = np.tile([1.0, 1.0, 1.0, 0.0], 10)  # A is worse: providers differ
    provider = np.concatenate([PROVIDERS, ["D"], ["E"] * 6])
    model = mixed_logit.fit(y, x, provider)
    assert model.sigma > 0
    assert np.all(np.isfinite(model.ratio))
    d, e = model.providers.index("D"), model.providers.index("E")
    assert 1.0 < model.ratio[d] < 1.0 / model.expected[d], "between the average and observed over expected"
    assert 0.0 < model.ratio[e] < 1.0
    assert model.reliability[d] < model.reliability[e] < model.reliability[0]


def test_a_bootstrap_without_a_model_is_refused():
    with pytest.raises(CannotFit, match="needs a model"):
        bootstrap.interval([], draws=100, seed=1, confidence=0.95)
