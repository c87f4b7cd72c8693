"""How much of the observed variation between providers is signal, 0 to 1."""

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class BetaBinomial:
    """A beta distribution of true shares fitted to providers' counts.

    reliability  signal-to-noise of each provider at its own observed share: 1 at shares of 0 and 1 (a known trap)
    shrinkage    n / (n + alpha + beta): the same in expectation, without the trap; this is what results carry
    """

    alpha: float
    beta: float
    between_variance: float
    reliability: Floats
    shrinkage: Floats


def beta_binomial(events: ArrayLike, n: ArrayLike) -> BetaBinomial:
    """Fit by maximum likelihood over providers with cases. Needs at least two providers.

    Source: Adams (2009), The Reliability of Provider Profiling, RAND TR-653.
    """
    x, size = np.asarray(events, dtype=np.float64), np.asarray(n, dtype=np.float64)
    if len(x) < 2:
        raise ValueError(f"a distribution over providers needs two of them, got {len(x)}")
    share = float(np.clip(x.sum() / size.sum(), 1e-4, 1 - 1e-4))

    def minus_log_likelihood(parameters: Floats) -> float:
        centre, spread = 1 / (1 + np.exp(-parameters[0])), np.exp(parameters[1])
        return -float(np.sum(scipy.stats.betabinom.logpmf(x, size, centre * spread, (1 - centre) * spread)))

    start = np.array([np.log(share / (1 - share)), np.log(50.0)])
    bounds = [(-12.0, 12.0), (-3.0, 14.0)]
    found = scipy.optimize.minimize(minus_log_likelihood, start, method="L-BFGS-B", bounds=bounds)
    centre, spread = 1 / (1 + np.exp(-found.x[0])), float(np.exp(found.x[1]))
    alpha, beta = float(centre * spread), float((1 - centre) * spread)
    between = alpha * beta / ((alpha + beta + 1) * (alpha + beta) ** 2)
    own = x / size
    return BetaBinomial(
        alpha=alpha,
        beta=beta,
        between_variance=between,
        reliability=np.asarray(between / (between + own * (1 - own) / size), dtype=np.float64),
        shrinkage=np.asarray(size / (size + alpha + beta), dtype=np.float64),
    )


def of_ratios(observed: ArrayLike, expected: ArrayLike) -> Floats:
    """Signal-to-noise reliability of O/E counts: v / (v + 1/E), v the variance of true ratios by moments.

    v = max(0, (sum (O-E)^2 - sum E) / sum E^2). Source: statistics of overdispersed Poisson counts, Martuzzi and Elliott (1996).
    """
    o, e = np.asarray(observed, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    between = max(0.0, float((np.sum((o - e) ** 2) - np.sum(e)) / np.sum(e**2)))
    return np.asarray(between / (between + 1 / e), dtype=np.float64)


def of_estimates(estimates: ArrayLike, standard_errors: ArrayLike) -> Floats:
    """Signal-to-noise reliability of estimates with standard errors: t2 / (t2 + se^2), t2 by DerSimonian and Laird (1986)."""
    y, error = np.asarray(estimates, dtype=np.float64), np.asarray(standard_errors, dtype=np.float64)
    weight = 1 / error**2
    centre = np.sum(weight * y) / np.sum(weight)
    heterogeneity = np.sum(weight * (y - centre) ** 2) - (len(y) - 1)
    scale = np.sum(weight) - np.sum(weight**2) / np.sum(weight)
    between = max(0.0, float(heterogeneity / scale)) if scale > 0 else 0.0
    return np.asarray(between / (between + error**2), dtype=np.float64)
