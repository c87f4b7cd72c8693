"""Ordinary logistic models of many cases: begun with a part of them, finished with all, the same as all at once."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit

from qe.statistics import ordinary

ROWS = 60_000  # more than are begun with


@pytest.fixture(scope="module")
def cases() -> tuple[np.ndarray, np.ndarray]:
    r = np.random.Generator(np.random.PCG64(11))
    x = np.column_stack([r.normal(size=ROWS), r.random((ROWS, 2)) < (0.3, 0.05)])
    y = (r.random(ROWS) < expit(-1.5 + x @ [0.4, -0.3, 0.8])).astype(np.float64)
    return y, x


def fitted(y: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    found = ordinary.logit(y, x)
    assert found is not None
    return found


def test_many_cases_give_the_coefficients_errors_and_chances_of_statsmodels(cases):
    y, x = cases
    coefficients, errors, chances = fitted(y, x)
    whole = sm.Logit(y, sm.add_constant(x)).fit(disp=0, tol=1e-12)
    np.testing.assert_allclose(coefficients, whole.params, atol=1e-6)
    np.testing.assert_allclose(errors, whole.bse, rtol=1e-4)  # as they were one last step before
    np.testing.assert_allclose(chances, whole.predict(), atol=1e-6)


def test_a_level_that_only_cases_outside_the_part_have_gets_its_coefficient(cases):
    y, x = cases
    begun_with = np.linspace(0, ROWS - 1, ordinary.MOST_STARTING_ROWS).astype(np.int64)
    rare = np.zeros(ROWS)
    rare[np.setdiff1d(np.arange(ROWS), begun_with)[:400]] = 1.0
    coefficients, errors, _ = fitted(y, np.column_stack([x, rare]))
    whole = sm.Logit(y, sm.add_constant(np.column_stack([x, rare]))).fit(disp=0, tol=1e-12)
    np.testing.assert_allclose(coefficients, whole.params, atol=1e-6)
    np.testing.assert_allclose(errors, whole.bse, rtol=1e-4)  # as they were one last step before


@pytest.mark.parametrize("having", [3, 20_000])
def test_a_level_without_the_outcome_separates_many_cases_as_it_does_few(cases, having):
    y, x = cases
    level = np.zeros(ROWS)
    level[np.flatnonzero(y == 0)[:having]] = 1.0
    assert ordinary.logit(y, np.column_stack([x, level])) is None
