"""What a case's outcome says of its linear predictor: log-likelihood, slope, weight and how the weight bends.

Each family is of the cases it was made with: outcomes and, for counts, exposures that enter through an offset.
"""

from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, expit, gammaln

Floats = NDArray[np.float64]


class Family(Protocol):
    """All arrays (n,), at linear predictors `eta` (n,).

    log_likelihood  of each case, whole (with its constant)
    slope           its first derivative by eta
    weight          minus its second derivative, > 0
    bend            the derivative of `weight` by eta
    """

    def mean(self, eta: Floats) -> Floats: ...
    def log_likelihood(self, eta: Floats) -> Floats: ...
    def slope_and_weight(self, eta: Floats) -> tuple[Floats, Floats]: ...
    def bend(self, eta: Floats) -> Floats: ...


@dataclass(frozen=True)
class Bernoulli:
    """Outcomes 0 or 1, logit link."""

    outcome: Floats

    def mean(self, eta: Floats) -> Floats:
        return np.asarray(expit(eta), dtype=np.float64)

    def log_likelihood(self, eta: Floats) -> Floats:
        return np.asarray(self.outcome * eta - np.logaddexp(0.0, eta), dtype=np.float64)

    def slope_and_weight(self, eta: Floats) -> tuple[Floats, Floats]:
        chance = self.mean(eta)
        return self.outcome - chance, chance * (1.0 - chance)

    def bend(self, eta: Floats) -> Floats:
        chance = self.mean(eta)
        return chance * (1.0 - chance) * (1.0 - 2.0 * chance)


@dataclass(frozen=True)
class Poisson:
    """Counts, log link."""

    outcome: Floats

    def mean(self, eta: Floats) -> Floats:
        return np.exp(eta)

    def log_likelihood(self, eta: Floats) -> Floats:
        return np.asarray(self.outcome * eta - np.exp(eta) - gammaln(self.outcome + 1.0), dtype=np.float64)

    def slope_and_weight(self, eta: Floats) -> tuple[Floats, Floats]:
        mean = np.exp(eta)
        return self.outcome - mean, mean

    def bend(self, eta: Floats) -> Floats:
        return np.exp(eta)


@dataclass(frozen=True)
class NegativeBinomial:
    """Counts of variance mean + mean^2 / dispersion, log link; dispersion > 0, Poisson as it grows.

    Source: McCullagh and Nelder (1989), Generalized Linear Models, 2nd ed., section 6.2.3 (NB2).
    """

    outcome: Floats
    dispersion: float

    def of(self, dispersion: float) -> Self:
        return replace(self, dispersion=dispersion)

    def mean(self, eta: Floats) -> Floats:
        return np.exp(eta)

    def log_likelihood(self, eta: Floats) -> Floats:
        y, k = self.outcome, self.dispersion
        constant = gammaln(y + k) - gammaln(k) - gammaln(y + 1.0) + k * np.log(k)
        return np.asarray(constant + y * eta - (y + k) * np.log(k + np.exp(eta)), dtype=np.float64)

    def slope_and_weight(self, eta: Floats) -> tuple[Floats, Floats]:
        mean, k = np.exp(eta), self.dispersion
        return (self.outcome - mean) * k / (k + mean), (self.outcome + k) * k * mean / (k + mean) ** 2

    def bend(self, eta: Floats) -> Floats:
        mean, k = np.exp(eta), self.dispersion
        return (self.outcome + k) * k * mean * (k - mean) / (k + mean) ** 3

    def by_log_dispersion(self, eta: Floats) -> tuple[Floats, Floats, Floats]:
        """Derivatives of log-likelihood, slope and weight by the logarithm of the dispersion."""
        y, mean, k = self.outcome, np.exp(eta), self.dispersion
        likelihood = digamma(y + k) - digamma(k) + np.log(k) + 1.0 - np.log(k + mean) - (y + k) / (k + mean)
        slope = (y - mean) * mean / (k + mean) ** 2
        weight = mean * ((y + 2.0 * k) * (k + mean) - 2.0 * (y + k) * k) / (k + mean) ** 3
        return k * likelihood, k * slope, k * weight
