"""Counts with exposure on a log-linear model with a random intercept a provider: Poisson, or negative binomial."""

from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qe.errors import CannotFit
from qe.statistics import ordinary
from qe.statistics.cases import Cases, checked, require_full_rank
from qe.statistics.families import NegativeBinomial, Poisson
from qe.statistics.marginal_likelihood import problem_of
from qe.statistics.mixed_model import MixedModel, described
from qe.statistics.random_intercept import Engine, estimate

Floats = NDArray[np.float64]
CountFamily = Literal["poisson", "negative_binomial"]

DISPERSION_BOUNDS: Final = (0.1, 100.0)  # where the search for a dispersion starts


def fit(
    y: ArrayLike,
    x: ArrayLike,
    provider: ArrayLike,
    *,
    exposure: ArrayLike,
    family: CountFamily = "poisson",
    engine: Engine = "laplace",
) -> MixedModel:
    """Fit the model, and standardise every provider's cases by it; `overall` is the rate per unit of exposure.

    y         (n,) counts, whole and >= 0; x (n, p) factors without a constant; provider (n,) labels
    exposure  (n,) > 0: person years, member months; its logarithm is an offset
    family    negative_binomial: the variance of a count is mean + mean^2 / dispersion

    Providers that do not differ give sigma 0 and ratios of 1. CannotFit: no count above 0, one provider, missing values, exposure
    not above 0, constant or aliased factors, no finite coefficient that fits best.
    """
    if family not in get_args(CountFamily):
        raise CannotFit(f"there is no such family of counts: choose one of {', '.join(get_args(CountFamily))}")
    cases = checked(y, x, provider, least_providers=2)
    exposed = _exposure(exposure, cases)
    _require_counts(cases.outcome)
    require_full_rank(cases.factors)
    plain = ordinary.log_linear(cases.outcome, exposed, cases.factors)
    if plain is None:
        raise CannotFit(
            "no finite coefficients fit the counts best: some factor goes only with counts of 0",
            remedy="Leave that factor out, or pool it with others.",
        )
    coefficients, _, mean = plain
    if family == "poisson":
        problem = problem_of(cases, Poisson(cases.outcome), offset=np.log(exposed))
        fitted = estimate(problem, coefficients, engine=engine)
    else:
        dispersion = _dispersion(cases.outcome, mean)
        problem = problem_of(cases, NegativeBinomial(cases.outcome, dispersion), offset=np.log(exposed))
        fitted = estimate(problem, coefficients, engine=engine, dispersion=dispersion)
    return described(problem, fitted, engine=engine, mean_factors=None, exposure=exposed)


def _exposure(exposure: ArrayLike, cases: Cases) -> Floats:
    exposed = np.asarray(exposure, dtype=np.float64)
    if exposed.shape != cases.outcome.shape:
        raise CannotFit(f"exposures of {exposed.shape} and counts of {cases.outcome.shape} do not go together")
    without = ~(np.isfinite(exposed) & (exposed > 0.0))
    if without.any():
        raise CannotFit(
            f"the exposure is missing or not above 0 in {int(without.sum()):,} of {len(exposed):,} cases "
            f"(first: row {int(np.argmax(without)):,})",
            remedy="Leave those cases out: nothing could be counted.",
        )
    return exposed


def _require_counts(outcome: Floats) -> None:
    other = (outcome < 0.0) | (outcome != np.floor(outcome))
    if other.any():
        raise CannotFit(
            f"the outcome is no count in {int(other.sum()):,} of {len(outcome):,} cases (first: row {int(np.argmax(other)):,})",
            remedy="Use a model of costs for amounts (mixed_linear).",
        )
    if not outcome.any():
        raise CannotFit(f"nothing was counted in any of {len(outcome):,} cases: there is nothing to explain")


def _dispersion(outcome: Floats, mean: Floats) -> float:
    """By moments: sum of mean^2 over what the counts vary beyond Poisson, kept within DISPERSION_BOUNDS."""
    beyond = float(np.sum((outcome - mean) ** 2 - mean))
    low, high = DISPERSION_BOUNDS
    return float(np.clip(np.sum(mean**2) / beyond, low, high)) if beyond > 0 else high
