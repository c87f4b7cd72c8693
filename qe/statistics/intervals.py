"""Confidence intervals: of a ratio of observed to expected events, and of a share.

Arrays in, arrays out. Oracles: R's qgamma and epitools for ratios, binom for shares (tests/statistics).
"""

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def exact(observed: ArrayLike, expected: ArrayLike, *, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Exact Poisson interval of observed / expected; 0 below when nothing was observed.

    Source: Garwood (1936), through the gamma quantiles: qgamma(a/2, O)/E and qgamma(1-a/2, O+1)/E.
    """
    o, e, tail = _floats(observed), _floats(expected), (1 - confidence) / 2
    low = np.where(o > 0, scipy.stats.gamma.ppf(tail, np.maximum(o, 1)), 0.0) / e
    return low, scipy.stats.gamma.ppf(1 - tail, o + 1) / e


def byar(observed: ArrayLike, expected: ArrayLike, *, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Byar's approximation of the exact interval. Source: Breslow and Day (1987), vol. II, p. 69."""
    o, e = _floats(observed), _floats(expected)
    z = scipy.stats.norm.ppf(1 - (1 - confidence) / 2)
    safe = np.maximum(o, 1e-9)
    low = np.where(o > 0, o * (1 - 1 / (9 * safe) - z / (3 * np.sqrt(safe))) ** 3, 0.0) / e
    return low, (o + 1) * (1 - 1 / (9 * (o + 1)) + z / (3 * np.sqrt(o + 1))) ** 3 / e


def mid_p(observed: ArrayLike, expected: ArrayLike, *, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Mid-P Poisson interval of observed / expected: half of the observed count's probability lies in each tail.

    Source: Berry and Armitage (1995). Below 0 events the lower end is 0 by definition.
    """
    o, e = np.atleast_1d(_floats(observed)), np.atleast_1d(_floats(expected))
    tail = (1 - confidence) / 2
    low = np.array([_mid_p_low(count, tail) for count in o]) / e
    high = np.array([_mid_p_high(count, tail) for count in o]) / e
    return low, high


def _mid_p_low(count: float, tail: float) -> float:
    if count == 0:
        return 0.0
    return float(
        scipy.optimize.brentq(
            lambda mean: scipy.stats.poisson.sf(count, mean) + 0.5 * scipy.stats.poisson.pmf(count, mean) - tail,
            1e-12,
            count + 1,
        )
    )


def _mid_p_high(count: float, tail: float) -> float:
    return float(
        scipy.optimize.brentq(
            lambda mean: scipy.stats.poisson.cdf(count - 1, mean) + 0.5 * scipy.stats.poisson.pmf(count, mean) - tail,
            1e-12,
            count + 20 + 10 * np.sqrt(count + 1),
        )
    )


def wilson(events: ArrayLike, n: ArrayLike, *, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Wilson's score interval of a share. Source: Wilson (1927), JASA 22:209."""
    x, size = _floats(events), _floats(n)
    z = scipy.stats.norm.ppf(1 - (1 - confidence) / 2)
    share = x / size
    centre = (share + z**2 / (2 * size)) / (1 + z**2 / size)
    half = z / (1 + z**2 / size) * np.sqrt(share * (1 - share) / size + z**2 / (4 * size**2))
    low = np.where(x == 0, 0.0, np.maximum(centre - half, 0.0))
    return low, np.where(x == size, 1.0, np.minimum(centre + half, 1.0))


def clopper_pearson(events: ArrayLike, n: ArrayLike, *, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Exact interval of a share. Source: Clopper and Pearson (1934), through the beta quantiles."""
    x, size, tail = _floats(events), _floats(n), (1 - confidence) / 2
    low = np.where(x > 0, scipy.stats.beta.ppf(tail, np.maximum(x, 1), size - x + 1), 0.0)
    return low, np.where(x < size, scipy.stats.beta.ppf(1 - tail, x + 1, np.maximum(size - x, 1)), 1.0)


def ratio_of_sums(observed: Floats, expected: Floats, *, confidence: float = 0.95) -> tuple[float, float, float]:
    """Interval of sum(observed) / sum(expected) over persons, and the standard error of its logarithm.

    Delta method on the log: Var(ln r) = n/(n-1) sum (o_i - r e_i)^2 / (sum o)^2, persons taken as independent.
    NaN where fewer than two persons or nothing observed leave no interval.

    Source: Cochran (1977), Sampling Techniques, 3rd ed., section 2.11 (ratio estimator), on the log scale.
    """
    total, below, persons = float(observed.sum()), float(expected.sum()), len(observed)
    if persons < 2 or total <= 0 or below <= 0:
        return float("nan"), float("nan"), float("nan")
    ratio = total / below
    error = float(np.sqrt(persons / (persons - 1) * np.sum((observed - ratio * expected) ** 2)) / total)
    z = float(scipy.stats.norm.ppf(1 - (1 - confidence) / 2))
    return ratio * np.exp(-z * error), ratio * np.exp(z * error), error


def _floats(values: ArrayLike) -> Floats:
    return np.asarray(values, dtype=np.float64)
