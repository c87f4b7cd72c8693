"""Providers' own figures drawn toward what is known of all of them.

Where providers differ no more than by chance there is nothing to tell them apart by: all are then drawn to the common figure,
and `has_spread` is False.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from qe.errors import CannotFit
from qe.statistics import reliability

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Shrunken:
    """posterior_mean by provider, on the scale of a share, 0 to 1; without spread the share of all."""

    posterior_mean: Floats
    has_spread: bool


def beta_binomial(events: ArrayLike, n: ArrayLike) -> Shrunken:
    """Posterior mean share of each provider: (alpha + x) / (alpha + beta + n), alpha and beta by maximum likelihood.

    Source: Carlin and Louis (2000), Bayes and Empirical Bayes Methods, section 3.3.
    """
    x, size = np.asarray(events, dtype=np.float64), np.asarray(n, dtype=np.float64)
    prior = reliability.beta_binomial(x, size)
    drawn = (prior.alpha + x) / (prior.alpha + prior.beta + size)
    return Shrunken(
        posterior_mean=np.asarray(
            drawn if prior.has_spread else np.full(len(x), x.sum() / size.sum()), dtype=np.float64
        ),
        has_spread=prior.has_spread,
    )


@dataclass(frozen=True, kw_only=True)
class ShrunkenRatios:
    """Ratios drawn toward 1; arrays follow the providers as given.

    shape             a of the gamma distribution of true ratios (mean 1, variance 1 / a); infinite without spread
    between_variance  1 / a
    posterior_mean    (O + a) / (E + a); 1 for all without spread
    low, high         interval of the posterior gamma distribution; both 1 without spread
    reliability       E / (E + a): the weight of the provider's own ratio
    """

    shape: float
    between_variance: float
    posterior_mean: Floats
    low: Floats
    high: Floats
    reliability: Floats
    has_spread: bool


def gamma_poisson(observed: ArrayLike, expected: ArrayLike, *, confidence: float = 0.95) -> ShrunkenRatios:
    """Ratios of observed to expected events, true ratios taken as gamma distributed about 1.

    observed  (J,) events; expected (J,) above 0, scaled so that all are expected as observed. At least two providers.

    The variance of true ratios maximises the likelihood of the counts (negative binomial of mean E and size a), beginning from
    its moment estimate (sum (O - E)^2 - sum E) / sum E^2.

    Source: Clayton and Kaldor (1987), Biometrics 43:671; Martuzzi and Elliott (1996), Stat Med 15:1867.
    """
    o, e = np.asarray(observed, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    if o.ndim != 1 or o.shape != e.shape or len(o) < 2:
        raise CannotFit(
            f"a distribution over providers needs two of them, got {o.shape} observed and {e.shape} expected"
        )
    wrong = ~(np.isfinite(o) & np.isfinite(e)) | (o < 0) | (e <= 0)
    if wrong.any():
        raise CannotFit(
            f"missing or negative, or nothing expected, in {int(wrong.sum()):,} of {len(o):,} providers",
            remedy="Leave out providers of whom nothing is expected.",
        )
    if o.sum() == 0:
        raise CannotFit("no provider has an event: there is no ratio to draw anything toward")
    between = _variance_of_ratios(o, e)
    if between == 0:
        one = np.ones(len(o))
        return ShrunkenRatios(
            shape=float("inf"),
            between_variance=0.0,
            posterior_mean=one,
            low=one.copy(),
            high=one.copy(),
            reliability=np.zeros(len(o)),
            has_spread=False,
        )
    shape, tail = 1 / between, (1 - confidence) / 2
    return ShrunkenRatios(
        shape=shape,
        between_variance=between,
        posterior_mean=(o + shape) / (e + shape),
        low=np.asarray(scipy.stats.gamma.ppf(tail, o + shape) / (e + shape), dtype=np.float64),
        high=np.asarray(scipy.stats.gamma.isf(tail, o + shape) / (e + shape), dtype=np.float64),
        reliability=e / (e + shape),
        has_spread=True,
    )


def _variance_of_ratios(o: Floats, e: Floats) -> float:
    """The variance v = 1 / a at which the counts are likeliest; 0 where none makes them likelier than chance alone."""

    def gained(log_variance: float) -> float:
        shape = float(np.exp(-log_variance))
        events = np.maximum(o, 1)
        rising = np.where(o > 0, scipy.special.gammaln(events) - scipy.special.betaln(shape, events), 0.0)
        return float(np.sum(rising - o * np.log(shape) - (o + shape) * np.log1p(e / shape) + e))

    moments = (np.sum((o - e) ** 2) - np.sum(e)) / np.sum(e**2)
    tried = np.append(np.linspace(-14.0, 7.0, 85), np.log(np.clip(moments, 1e-6, 1e3)))
    best = float(tried[int(np.argmax([gained(value) for value in tried]))])
    found = scipy.optimize.minimize_scalar(
        lambda value: -gained(value), bounds=(best - 0.25, best + 0.25), method="bounded", options={"xatol": 1e-10}
    )
    return float(np.exp(found.x)) if gained(float(found.x)) > 1e-8 else 0.0


@dataclass(frozen=True, kw_only=True)
class ShrunkenEstimates:
    """Estimates drawn toward their common mean; arrays follow the providers as given.

    mean                the mean of true values, weighted by 1 / (tau2 + se^2)
    tau2                variance of true values; 0 without spread
    posterior_mean      mean + reliability (estimate - mean); the mean for all without spread
    posterior_variance  reliability se^2, mean and tau2 taken as known; 0 without spread
    reliability         tau2 / (tau2 + se^2)
    """

    mean: float
    tau2: float
    posterior_mean: Floats
    posterior_variance: Floats
    reliability: Floats
    has_spread: bool


def gaussian(estimates: ArrayLike, standard_errors: ArrayLike, *, method: Literal["dl", "reml"]) -> ShrunkenEstimates:
    """Estimates with standard errors (above 0), true values taken as normally distributed. At least two providers.

    method  how tau2 is found, see `reliability.variance_between`

    Source: Morris (1983), JASA 78:47; DerSimonian and Laird (1986), Controlled Clin Trials 7:177.
    """
    y, error = np.asarray(estimates, dtype=np.float64), np.asarray(standard_errors, dtype=np.float64)
    if y.ndim != 1 or y.shape != error.shape or len(y) < 2:
        raise CannotFit(
            f"a distribution over providers needs two of them, got {y.shape} estimates and {error.shape} errors"
        )
    wrong = ~(np.isfinite(y) & np.isfinite(error)) | (error <= 0)
    if wrong.any():
        raise CannotFit(
            f"missing, or without a standard error above 0, in {int(wrong.sum()):,} of {len(y):,} providers",
            remedy="Leave out providers whose figure has no standard error.",
        )
    tau2 = reliability.variance_between(y, error, method=method)
    weight, own = 1 / (tau2 + error**2), tau2 / (tau2 + error**2)
    mean = float(np.sum(weight * y) / np.sum(weight))
    return ShrunkenEstimates(
        mean=mean,
        tau2=tau2,
        posterior_mean=mean + own * (y - mean),
        posterior_variance=own * error**2,
        reliability=own,
        has_spread=tau2 > 0,
    )
