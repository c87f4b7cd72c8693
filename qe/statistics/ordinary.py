"""Ordinary regressions of cases, providers not told apart, by statsmodels: it takes seconds to load, so only a fit loads it."""

import warnings
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MAXIMUM_STEPS: Final = 60
LARGEST_LOG_ODDS: Final = 20.0  # an event predicted with more certainty means separation, not an effect


def logit(outcome: Floats, factors: Floats) -> tuple[Floats, Floats, Floats] | None:
    """Coefficients (constant first), their standard errors and fitted chances; None where separated or not converged.

    outcome  (n,) 0 or 1, both present; factors (n, p) without a constant
    """
    from statsmodels.discrete.discrete_model import Logit
    from statsmodels.tools.sm_exceptions import ConvergenceWarning, HessianInversionWarning, PerfectSeparationWarning
    from statsmodels.tools.tools import add_constant

    faults = (ConvergenceWarning, HessianInversionWarning, PerfectSeparationWarning, RuntimeWarning)
    x = add_constant(factors, has_constant="add")
    start = np.zeros(x.shape[1])
    start[0] = np.log(outcome.mean() / (1 - outcome.mean()))
    with warnings.catch_warnings():
        for kind in faults:
            warnings.simplefilter("error", kind)
        try:
            fitted = Logit(outcome, x).fit(start_params=start, method="newton", maxiter=MAXIMUM_STEPS, disp=False)
        except (*faults, np.linalg.LinAlgError):
            return None
        coefficients = np.asarray(fitted.params, dtype=np.float64)
        errors = np.asarray(fitted.bse, dtype=np.float64)
        if not np.all(np.isfinite(errors)) or float(np.max(np.abs(x @ coefficients))) > LARGEST_LOG_ODDS:
            return None
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
