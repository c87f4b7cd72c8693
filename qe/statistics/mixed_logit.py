"""Hospital outcomes on a logistic model with a random intercept a provider: predicted over expected, as CMS reports readmissions.

Source: the Hospital-Specific Report arithmetic of the CMS readmission measures (Yale CORE): of each case the log odds are the
model's constant and the sum of its coefficients times the case's factors; what is predicted adds the hospital's own effect,
what is expected the average hospital's, which is 0 beside the constant.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from qe.errors import MeasureError

Floats = NDArray[np.float64]


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
