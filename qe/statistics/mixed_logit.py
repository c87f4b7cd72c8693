"""Outcomes of 0 or 1 on a logistic model with a random intercept a provider: predicted over expected, as CMS reports readmissions.

Source: the Hospital-Specific Report arithmetic of the CMS readmission measures (Yale CORE): of each case the log odds are the
model's constant and the sum of its coefficients times the case's factors; what is predicted adds the hospital's own effect,
what is expected the average hospital's, which is 0 beside the constant.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from qe.errors import CannotFit, MeasureError
from qe.statistics import ordinary
from qe.statistics.cases import Cases, checked, require_full_rank
from qe.statistics.correlated import with_means
from qe.statistics.families import Bernoulli
from qe.statistics.marginal_likelihood import problem_of
from qe.statistics.mixed_model import MixedModel, described
from qe.statistics.random_intercept import Engine, estimate

Floats = NDArray[np.float64]


def fit(
    y: ArrayLike, x: ArrayLike, provider: ArrayLike, *, engine: Engine = "laplace", correlated: bool = False
) -> MixedModel:
    """Fit the model, and standardise every provider's cases by it.

    y           (n,) 0 or 1; x (n, p) factors without a constant; provider (n,) labels
    engine      laplace; agq: adaptive quadrature; rspl: penalised quasi-likelihood, as SAS PROC GLIMMIX fits by default
    correlated  let the effects go with the providers' mean factors: the means of those that vary within providers are terms
                of their own, after the factors, and what they say of a provider is part of its ratio

    Providers that do not differ give sigma 0 and ratios of 1. CannotFit: nothing or everything has the outcome, one provider,
    missing values, constant or aliased factors, separation.
    """
    cases = checked(y, x, provider, least_providers=2)
    require_outcomes(cases.outcome)
    mean_factors = None
    if correlated:
        cases, mean_factors = with_means(cases)
    require_full_rank(cases.factors)
    problem = problem_of(cases, Bernoulli(cases.outcome))
    fitted = estimate(problem, _plain(cases), engine=engine)
    return described(problem, fitted, engine=engine, mean_factors=mean_factors, exposure=None)


def require_outcomes(outcome: Floats) -> None:
    """CannotFit unless (n,) `outcome` holds 0 and 1, and nothing else."""
    other = (outcome != 0.0) & (outcome != 1.0)
    if other.any():
        raise CannotFit(
            f"the outcome is neither 0 nor 1 in {int(other.sum()):,} of {len(outcome):,} cases "
            f"(first: row {int(np.argmax(other)):,})"
        )
    if outcome.min() == outcome.max():
        raise CannotFit(
            f"{'every' if outcome[0] else 'no'} one of {len(outcome):,} cases has the outcome: there is nothing to explain",
            remedy="Show observed counts with an exact interval instead.",
        )


def _plain(cases: Cases) -> Floats:
    """Coefficients of the ordinary logistic model. CannotFit names the factors that separate the outcome."""
    found = ordinary.logit(cases.outcome, cases.factors, tolerance=ordinary.STARTING_TOLERANCE)
    if found is not None:
        return found[0]
    alone = [column for column in range(cases.factors.shape[1]) if _separates(cases.factors[:, column], cases.outcome)]
    where = f"columns {', '.join(map(str, alone))}" if alone else "no factor alone does: several together"
    raise CannotFit(
        f"the factors separate cases with the outcome from cases without ({where}): no finite coefficient fits best",
        remedy="Leave those factors out, or pool them with others (fewer than 10 cases either way carry no coefficient).",
    )


def _separates(factor: Floats, outcome: Floats) -> bool:
    """One value, or one side of a value, of this factor has but one outcome."""
    with_outcome, without = factor[outcome == 1.0], factor[outcome == 0.0]
    if set(np.unique(factor)) <= {0.0, 1.0}:
        return bool(min(with_outcome.max(), without.max()) < 1.0 or max(with_outcome.min(), without.min()) > 0.0)
    return bool(with_outcome.min() >= without.max() or with_outcome.max() <= without.min())


@dataclass(frozen=True, kw_only=True)
class Standardised:
    """Sums over the cases of each provider; arrays follow `providers` (sorted, unique).

    ratio  predicted / expected; times the rate of all it is the risk-standardised rate
    """

    providers: tuple[str, ...]
    cases: NDArray[np.int64]
    predicted: Floats
    expected: Floats
    ratio: Floats


def standardise(
    x: ArrayLike, provider: ArrayLike, *, coefficients: ArrayLike, effects: Mapping[str, float]
) -> Standardised:
    """Predicted and expected events by coefficients and effects that are given (published, or of an earlier fit).

    x             (n, p) factors of each case, without a constant
    provider      (n,) labels
    coefficients  (p + 1,) log odds, the constant first
    effects       log odds of each provider's own intercept against the average; one without an effect is an error
    """
    factors = np.asarray(x, dtype=np.float64)
    labels = np.asarray(provider).astype(str)
    terms = np.asarray(coefficients, dtype=np.float64)
    if factors.ndim != 2 or factors.shape[0] != labels.shape[0]:
        raise MeasureError(f"factors of {factors.shape} do not go with {labels.shape[0]} providers of cases")
    if terms.shape != (factors.shape[1] + 1,):
        raise MeasureError(
            f"{terms.size} coefficients are given for {factors.shape[1]} factors",
            remedy="Give the constant first, then one coefficient a factor.",
        )
    if not (np.isfinite(factors).all() and np.isfinite(terms).all()):
        raise MeasureError("a factor or a coefficient is missing or infinite", remedy="Give missing factors as 0.")
    names, place, cases = np.unique(labels, return_inverse=True, return_counts=True)
    without = [name for name in names if name not in effects]
    if without:
        raise MeasureError(
            f"{len(without)} providers have no effect", remedy="Give 0 for a provider that the model does not know."
        )
    own = np.array([effects[name] for name in names], dtype=np.float64)
    log_odds = terms[0] + factors @ terms[1:]
    predicted = _sums(expit(log_odds + own[place]), place)
    expected = _sums(expit(log_odds), place)
    return Standardised(
        providers=tuple(names.tolist()),
        cases=cases.astype(np.int64),
        predicted=predicted,
        expected=expected,
        ratio=predicted / expected,
    )


def _sums(probabilities: Floats, place: NDArray[np.int64]) -> Floats:
    return np.asarray(np.bincount(place, weights=probabilities), dtype=np.float64)
