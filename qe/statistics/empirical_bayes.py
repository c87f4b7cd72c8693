"""Providers' own figures drawn toward what is known of all of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qe.statistics import reliability


@dataclass(frozen=True, kw_only=True)
class Shrunken:
    """posterior_mean by provider, on the scale of a share, 0 to 1."""

    posterior_mean: NDArray[np.float64]


def beta_binomial(events: ArrayLike, n: ArrayLike) -> Shrunken:
    """Posterior mean share of each provider: (alpha + x) / (alpha + beta + n), alpha and beta by maximum likelihood.

    Source: Carlin and Louis (2000), Bayes and Empirical Bayes Methods, section 3.3.
    """
    x, size = np.asarray(events, dtype=np.float64), np.asarray(n, dtype=np.float64)
    prior = reliability.beta_binomial(x, size)
    return Shrunken(posterior_mean=np.asarray((prior.alpha + x) / (prior.alpha + prior.beta + size), dtype=np.float64))
