"""What a case's outcome says of its linear predictor: log-likelihood, slope, weight and how the weight bends.

Each family is of the cases it was made with: outcomes and, for counts, exposures that enter through an offset.
"""

from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Log-likelihood of each case with its slope, weight and bend, as of Family."""

    log_likelihood: Floats
    slope: Floats
    weight: Floats
    bend: Floats


class Family(Protocol):
    """All arrays (n,), at linear predictors `eta` (n,).

    rows            the family of some of the cases
    shape           all of what follows at once
    log_likelihood  of each case, whole (with its constant)
    slope           its first derivative by eta
    weight          minus its second derivative, > 0
    bend            the derivative of `weight` by eta
    """

    def rows(self, rows: slice) -> Self: ...
    def mean(self, eta: Floats) -> Floats: ...
    def shape(self, eta: Floats) -> Shape: ...
    def log_likelihood(self, eta: Floats) -> Floats: ...
    def slope_and_weight(self, eta: Floats) -> tuple[Floats, Floats]: ...
    def bend(self, eta: Floats) -> Floats: ...


@dataclass(frozen=True)
class Bernoulli:
    """Outcomes 0 or 1, logit link."""

    outcome: Floats

    def rows(self, rows: slice) -> Self:
        return replace(self, outcome=self.outcome[rows])

    def mean(self, eta: Floats) -> Floats:
        """1 / (1 + exp(-eta)), five times as fast as scipy's expit and as good but where it is below 1e-300."""
        chance = np.negative(eta)
        with np.errstate(over="ignore"):
            np.exp(chance, out=chance)
        chance += 1.0
        return np.asarray(np.reciprocal(chance, out=chance), dtype=np.float64)

    def log_likelihood(self, eta: Floats) -> Floats:
        """y eta - log(1 + exp(eta)), the greater part of the logarithm taken out."""
        return np.asarray(
            self.outcome * eta - np.maximum(eta, 0.0) - np.log(1.0 + np.exp(-np.abs(eta))), dtype=np.float64
        )

    def slope_and_weight(self, eta: Floats) -> tuple[Floats, Floats]:
        chance = self.mean(eta)
        return self.outcome - chance, chance * (1.0 - chance)

    def bend(self, eta: Floats) -> Floats:
        chance = self.mean(eta)
        return chance * (1.0 - chance) * (1.0 - 2.0 * chance)

    def shape(self, eta: Floats) -> Shape:
        chance = self.mean(eta)
        weight = chance * (1.0 - chance)
        return Shape(
            log_likelihood=self.log_likelihood(eta),
            slope=self.outcome - chance,
            weight=weight,
            bend=weight * (1.0 - 2.0 * chance),
        )


@dataclass(frozen=True)
class Poisson:
    """Counts, log link."""

    outcome: Floats

    def mean(self, eta: Floats) -> Floats:
        return np.exp(eta)

    def rows(self, rows: slice) -> Self:
        return replace(self, outcome=self.outcome[rows])

    def shape(self, eta: Floats) -> Shape:
        return _shape(self, eta)

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

    def rows(self, rows: slice) -> Self:
        return replace(self, outcome=self.outcome[rows])

    def shape(self, eta: Floats) -> Shape:
        return _shape(self, eta)

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


def _shape(family: Poisson | NegativeBinomial, eta: Floats) -> Shape:
    slope, weight = family.slope_and_weight(eta)
    return Shape(log_likelihood=family.log_likelihood(eta), slope=slope, weight=weight, bend=family.bend(eta))
