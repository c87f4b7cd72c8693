"""What a provider's effect may be when sigma is not known: a mixture over sigma of the effect's normal distributions.

At one sigma an effect is normal about its mode with variance 1/H. Sigma itself is estimated from a limited number of providers;
intervals that take it as known hold too few of them where providers differ little (90 of 100 instead of 95 at sigma 0.15, 150
providers of 100 cases: benchmarks/statistics_coverage.py). Here sigma's weights are its restricted likelihood (the constant
integrated out, the factors' coefficients taken as known) times a flat prior of the variance, which also says what an estimate
of 0 leaves open.

Source: Morris and Tang (2011), Statistical Science 26:271, "Estimating Random Effects via Adjustment for Density Maximization": the
flat prior of the variance between providers, chosen for its coverage.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import scipy
from numpy.typing import NDArray

from qe.errors import CannotFit
from qe.statistics.families import NegativeBinomial
from qe.statistics.marginal_likelihood import Problem, State, laplace, modes

Floats = NDArray[np.float64]

LEAST_PROVIDERS: Final = 5  # of fewer the flat prior and the likelihood put no end to sigma
POINTS: Final = 20  # of sigma
UNLIKELY: Final = 8.0  # a sigma whose logarithm of density lies so far below the greatest is left out
REACH: Final = 5.0  # standard errors of sigma at which the search for such sigmas begins
LARGEST_SIGMA: Final = 10.0  # on the scale of the link
WIDENINGS: Final = 12
HALVINGS: Final = 60  # of the range that holds a quantile


@dataclass(frozen=True, kw_only=True)
class EffectPosterior:
    """K points of sigma, J providers.

    weights    (K,) sum 1
    constants  (K,) what each sigma adds to the model's constant
    effects    (K, J) modes
    spreads    (K, J) standard deviations, the uncertainty of the constant included
    """

    sigmas: Floats
    weights: Floats
    constants: Floats
    effects: Floats
    spreads: Floats

    def below(self, values: Floats | float) -> Floats:
        """(J,) the probability that an effect lies below its value."""
        return np.asarray(self.weights @ scipy.special.ndtr((values - self.effects) / self.spreads), dtype=np.float64)

    def quantile(self, share: float) -> Floats:
        """(J,) below which an effect lies with this probability."""
        low = np.min(self.effects - 9.0 * self.spreads, axis=0)
        high = np.max(self.effects + 9.0 * self.spreads, axis=0)
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            is_right = self.below(middle) < share
            low, high = np.where(is_right, middle, low), np.where(is_right, high, middle)
        return np.asarray(0.5 * (low + high), dtype=np.float64)

    def at(self, share: float) -> tuple[float, float]:
        """A sigma and its constant, points counted by their weights from the smallest up; share 0 to 1."""
        point = min(int(np.searchsorted(np.cumsum(self.weights), share)), len(self.sigmas) - 1)
        return float(self.sigmas[point]), float(self.constants[point])


def at_sigma(problem: Problem, linear: Floats, start: Floats, sigma: float) -> tuple[Floats, Floats]:
    """Modes (J,) of the effects and their variances at a sigma; linear: (n,) fixed part of each case."""
    effects = modes(problem, linear, start, sigma)
    weights = problem.cases.sums(problem.family.slope_and_weight(linear + effects[problem.cases.place])[1])
    return effects, 1.0 / (weights + 1.0 / sigma**2)


@dataclass(frozen=True, kw_only=True)
class _Point:
    """One sigma. log_density: by sigma, up to a constant of all."""

    sigma: float
    log_density: float
    constant: float
    effects: Floats
    spreads: Floats


def effect_posterior(problem: Problem, state: State) -> EffectPosterior:
    """Of every provider of a fitted model.

    problem  its cases, every provider counted once; state: its greatest likelihood (sigma may be 0)

    CannotFit: fewer than LEAST_PROVIDERS providers.
    """
    if len(state.effects) < LEAST_PROVIDERS:
        raise CannotFit(
            f"{len(state.effects)} providers do not tell how uncertain their variance is: at least {LEAST_PROVIDERS} do",
            remedy="Take sigma as known, or compare observed with expected outcomes.",
        )
    if isinstance(problem.family, NegativeBinomial):
        problem = replace(problem, family=problem.family.of(state.dispersion))
    low, high = _likely(problem, state)
    edges = np.linspace(low, high, POINTS + 1)
    points: list[_Point] = []
    for sigma in 0.5 * (edges[:-1] + edges[1:]):
        points.append(_at(problem, state, float(sigma), points[-1].effects if points else state.effects))
    logs = np.array([point.log_density for point in points])
    return EffectPosterior(
        sigmas=np.array([point.sigma for point in points]),
        weights=np.exp(logs - scipy.special.logsumexp(logs)),
        constants=np.array([point.constant for point in points]),
        effects=np.array([point.effects for point in points]),
        spreads=np.array([point.spreads for point in points]),
    )


def _likely(problem: Problem, state: State) -> tuple[float, float]:
    """The range of sigmas outside which none is likely."""
    around = max(state.sigma, 1e-3)
    weights = problem.cases.sums(problem.family.slope_and_weight(problem.linear(state.coefficients))[1])
    information = weights / (1.0 + around**2 * weights)
    error = float(np.sqrt(2.0 / np.sum(information**2)))  # of the variance
    error = error / (2.0 * state.sigma) if state.sigma > np.sqrt(error) else np.sqrt(error)  # of sigma
    low = max(0.0, state.sigma - REACH * error)
    high = min(state.sigma + REACH * error, LARGEST_SIGMA)
    greatest = _at(problem, state, max(state.sigma, 0.5 * error), state.effects).log_density
    for _ in range(WIDENINGS):
        here = _at(problem, state, high, state.effects).log_density
        greatest = max(greatest, here)
        if here < greatest - UNLIKELY or high >= LARGEST_SIGMA:
            break
        high = min(high + REACH * error, LARGEST_SIGMA)
    if low > 0.0 and _at(problem, state, low, state.effects).log_density > greatest - UNLIKELY:
        low = 0.0
    return low, high


def _at(problem: Problem, state: State, sigma: float, effects: Floats) -> _Point:
    """The model at a sigma: its constant moves by a Newton step, its other coefficients stay."""
    at = replace(state, sigma=sigma, effects=effects)
    _, gradient, effects = laplace(problem, at)
    constant = float(gradient[0]) / _information(problem, at, effects)
    moved = replace(at, coefficients=np.array([at.coefficients[0] + constant, *at.coefficients[1:]]), effects=effects)
    likelihood, _, effects = laplace(problem, moved)
    weights = _weights(problem, moved, effects)
    curvature = weights + 1.0 / sigma**2
    information = float(np.sum(weights / curvature)) / sigma**2
    along = weights / curvature  # how far an effect follows the constant
    return _Point(
        sigma=sigma,
        log_density=likelihood - 0.5 * float(np.log(information)) + float(np.log(sigma)),
        constant=constant,
        effects=effects,
        spreads=np.sqrt(1.0 / curvature + along**2 / information),
    )


def _weights(problem: Problem, at: State, effects: Floats) -> Floats:
    linear = problem.linear(at.coefficients) + effects[problem.cases.place]
    return problem.cases.sums(problem.family.slope_and_weight(linear)[1])


def _information(problem: Problem, at: State, effects: Floats) -> float:
    """About the constant, the effects left free."""
    weights = _weights(problem, at, effects)
    return float(np.sum(weights / (1.0 + at.sigma**2 * weights)))
