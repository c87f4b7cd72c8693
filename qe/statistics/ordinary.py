"""Ordinary regressions of cases, providers not told apart, by statsmodels: it takes seconds to load, so only a fit loads it."""

import warnings
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from qe.statistics.cases import centred_products, determined, products

Floats = NDArray[np.float64]

MAXIMUM_STEPS: Final = 60
LARGEST_LOG_ODDS: Final = 20.0  # an event predicted with more certainty means separation, not an effect
MOST_STARTING_ROWS: Final = 50_000  # statsmodels holds several copies of the rows it is given
STEP_TOLERANCE: Final = 1e-6  # of the log odds of any case in the last step: what is left after it is its square
STARTING_TOLERANCE: Final = 1e-3  # the same, where another search begins from what is found


def logit(
    outcome: Floats, factors: Floats, *, tolerance: float = STEP_TOLERANCE
) -> tuple[Floats, Floats, Floats] | None:
    """Coefficients (constant first), their standard errors and fitted chances; None where separated or not converged.

    outcome  (n,) 0 or 1, both present; factors (n, p) without a constant

    More than MOST_STARTING_ROWS cases are begun with so many, evenly spaced, and finished with all by Newton's method; where the
    part has no coefficients of its own (a rare level), from the constant alone.
    """
    if len(outcome) <= MOST_STARTING_ROWS:
        return _by_statsmodels(outcome, factors)
    part = np.linspace(0, len(outcome) - 1, MOST_STARTING_ROWS).astype(np.int64)
    begun = _start(outcome[part], factors[part])
    return _by_newton(outcome, factors, _constant_alone(outcome, factors) if begun is None else begun, tolerance)


def _constant_alone(outcome: Floats, factors: Floats) -> Floats:
    start = np.zeros(factors.shape[1] + 1)
    start[0] = np.log(outcome.mean() / (1 - outcome.mean()))
    return start


def _start(outcome: Floats, factors: Floats) -> Floats | None:
    """Coefficients of some of the cases; None where they lack an outcome, or a factor is constant or determined by others."""
    gram = centred_products(factors, factors.mean(axis=0))
    size = np.sqrt(np.diag(gram))
    if outcome.min() == outcome.max() or not np.all(size > 0) or determined(gram / np.outer(size, size)):
        return None
    found = _by_statsmodels(outcome, factors, full_rank=True)
    return None if found is None else found[0]


def _by_newton(
    outcome: Floats, factors: Floats, start: Floats, tolerance: float
) -> tuple[Floats, Floats, Floats] | None:
    """From `start`. Where the factors separate, steps do not end until an event is predicted with too much certainty."""
    coefficients = start
    log_odds = factors @ start[1:] + start[0]
    for _ in range(MAXIMUM_STEPS):
        chance = expit(log_odds)
        try:
            inverse = np.linalg.inv(products(factors, chance * (1 - chance)))
        except np.linalg.LinAlgError:
            return None
        rest = outcome - chance
        step = inverse @ np.concatenate([[rest.sum()], rest @ factors])
        moved = factors @ step[1:] + step[0]
        coefficients, log_odds = coefficients + step, log_odds + moved
        if not np.max(np.abs(log_odds)) <= LARGEST_LOG_ODDS:
            return None
        if np.max(np.abs(moved)) < tolerance:
            return coefficients, np.sqrt(np.diag(inverse)), expit(log_odds)
    return None


def _by_statsmodels(
    outcome: Floats, factors: Floats, *, full_rank: bool = False
) -> tuple[Floats, Floats, Floats] | None:
    """full_rank: the factors were found so, and need not be decomposed once more."""
    from statsmodels.discrete.discrete_model import Logit
    from statsmodels.tools.sm_exceptions import ConvergenceWarning, HessianInversionWarning, PerfectSeparationWarning
    from statsmodels.tools.tools import add_constant

    faults = (ConvergenceWarning, HessianInversionWarning, PerfectSeparationWarning, RuntimeWarning)
    mean = factors.mean(axis=0)
    x = add_constant(factors - mean, has_constant="add")  # about the mean: a factor far from 0 is as good as any
    start = _constant_alone(outcome, factors)
    with warnings.catch_warnings():
        for kind in faults:
            warnings.simplefilter("error", kind)
        try:
            model = Logit(outcome, x, check_rank=not full_rank)
            fitted = model.fit(start_params=start, method="newton", maxiter=MAXIMUM_STEPS, disp=False)
        except (*faults, np.linalg.LinAlgError):
            return None
        coefficients = np.array(fitted.params, dtype=np.float64)
        errors = np.array(fitted.bse, dtype=np.float64)
        if not np.all(np.isfinite(errors)) or float(np.max(np.abs(x @ coefficients))) > LARGEST_LOG_ODDS:
            return None
        back = np.concatenate([[1.0], -mean])
        coefficients[0] = back @ coefficients
        errors[0] = np.sqrt(back @ fitted.cov_params() @ back)
        return coefficients, errors, np.asarray(fitted.predict(x), dtype=np.float64)


def log_linear(amount: Floats, exposure: Floats, factors: Floats) -> tuple[Floats, Floats, Floats] | None:
    """The mean of `amount` per exposure by Poisson score equations: coefficients, standard errors with dispersion, fitted amounts.

    amount  (n,) >= 0, not all 0; exposure (n,) > 0. None where it does not converge.
    """
    from statsmodels.genmod.families import Poisson
    from statsmodels.genmod.generalized_linear_model import GLM
    from statsmodels.tools.sm_exceptions import ConvergenceWarning, PerfectSeparationWarning, SingularMatrixWarning
    from statsmodels.tools.tools import add_constant

    faults = (ConvergenceWarning, PerfectSeparationWarning, RuntimeWarning, SingularMatrixWarning)
    x = add_constant(factors, has_constant="add")
    start = np.zeros(x.shape[1])
    start[0] = np.log(amount.sum() / exposure.sum())
    with warnings.catch_warnings():
        for kind in faults:
            warnings.simplefilter("error", kind)
        try:
            model = GLM(amount, x, family=Poisson(), offset=np.log(exposure))
            fitted = model.fit(start_params=start, maxiter=MAXIMUM_STEPS, scale="X2", tol=1e-10)
        except (*faults, np.linalg.LinAlgError, ValueError):
            return None
    if not fitted.converged:
        return None
    return (
        np.asarray(fitted.params, dtype=np.float64),
        np.asarray(fitted.bse, dtype=np.float64),
        np.asarray(fitted.mu, dtype=np.float64),
    )
