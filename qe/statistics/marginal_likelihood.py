"""The marginal likelihood of cases whose providers have a normal random intercept.

A case of provider j has the linear predictor eta = offset + b0 + x'b + u_j with u_j ~ N(0, sigma^2). The integral over each u_j
is Laplace's approximation or adaptive Gauss-Hermite quadrature.

Source: Laplace with the gradient of its determinant: Skaug and Fournier (2006), Comput Stat Data Anal 51:699; adaptive
quadrature: Pinheiro and Bates (1995), J Comput Graph Stat 4:12.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import scipy
from numpy.typing import NDArray

from qe.statistics.cases import Cases, blocks
from qe.statistics.families import Family, NegativeBinomial

Floats = NDArray[np.float64]

ROWS_AT_ONCE: Final = 200_000  # rows whose weighted copy is held while products are summed
CACHED_ROWS: Final = 32_768  # cases whose linear predictors are worked on at a time: they stay in the processor's cache
LARGEST_STEP: Final = 3.0  # of an effect in one Newton step, log odds
MODE_TOLERANCE: Final = 1e-6  # of the last step to an effect, log odds: what is left after it is its square
MODE_STEPS: Final = 60


@dataclass(frozen=True, kw_only=True)
class Problem:
    """weight: how often each provider counts (1; in a bootstrap the times it was drawn, each as one of its own)."""

    cases: Cases
    family: Family
    offset: Floats | float
    weight: Floats

    def linear(self, coefficients: Floats) -> Floats:
        """The fixed part of each case's linear predictor; coefficients intercept first."""
        return np.asarray(self.cases.factors @ coefficients[1:] + (self.offset + coefficients[0]), dtype=np.float64)

    def across(self, values: Floats) -> Floats:
        """(p + 1,): sums of `values` (n,) times constant and factors."""
        return np.concatenate([[values.sum()], values @ self.cases.factors])

    @cached_property
    def case_weight(self) -> Floats | None:
        """(n,) or None where every provider counts once."""
        return None if np.all(self.weight == 1.0) else self.weight[self.cases.place]

    def weighted(self, values: Floats) -> Floats:
        return values if self.case_weight is None else values * self.case_weight

    def products(self, weight: Floats) -> tuple[Floats, Floats]:
        """X'WX (p + 1, p + 1) over cases as often as they count, and by provider the sums of w x (J, p + 1), counted once."""
        factors, providers = self.cases.factors, len(self.cases.providers)
        p = factors.shape[1] + 1
        gram, by_provider = np.zeros((p, p)), np.zeros((providers, p))
        counted = self.weighted(weight)
        gram[0, 0], by_provider[:, 0] = counted.sum(), self.cases.sums(weight)
        gram[0, 1:] = gram[1:, 0] = counted @ factors
        part = np.empty((min(ROWS_AT_ONCE, len(weight)), p - 1))
        for rows in blocks(len(weight), ROWS_AT_ONCE):
            here, place = part[: rows.stop - rows.start], self.cases.place[rows]
            np.multiply(factors[rows], weight[rows, None], out=here)
            membership = scipy.sparse.csr_matrix(
                (np.ones(len(place)), place, np.arange(len(place) + 1)), shape=(len(place), providers)
            )
            by_provider[:, 1:] += membership.T @ here
            if self.case_weight is not None:
                here *= self.case_weight[rows, None]
            gram[1:, 1:] += factors[rows].T @ here
        return gram, by_provider

    def at(self, linear: Floats, effects: Floats) -> Iterator[tuple[slice, NDArray[np.int64], Family, Floats]]:
        """Rows in blocks: which, whose, the family of them, and their linear predictors with the effects."""
        for rows in blocks(len(linear), CACHED_ROWS):
            place = self.cases.place[rows]
            yield rows, place, self.family.rows(rows), linear[rows] + effects[place]


@dataclass(frozen=True, kw_only=True)
class State:
    """The parameters of a model, and the effects that go with them.

    dispersion  of counts (negative binomial); infinite for every other family
    """

    coefficients: Floats
    sigma: float
    effects: Floats
    dispersion: float = float("inf")


def problem_of(cases: Cases, family: Family, *, offset: Floats | float = 0.0, weight: Floats | None = None) -> Problem:
    """weight: None counts every provider once."""
    once = np.ones(len(cases.providers), dtype=np.float64)
    return Problem(cases=cases, family=family, offset=offset, weight=once if weight is None else weight)


def modes(problem: Problem, linear: Floats, start: Floats, sigma: float) -> Floats:
    """The effects that maximise the joint likelihood given the fixed part: Newton's method, one number a provider."""
    effects, precision, providers = start, 1.0 / sigma**2, len(start)
    for _ in range(MODE_STEPS):
        slopes, curvature = -precision * effects, np.full(providers, precision)
        for _rows, place, family, eta in problem.at(linear, effects):
            slope, weight = family.slope_and_weight(eta)
            slopes += np.bincount(place, slope, providers)
            curvature += np.bincount(place, weight, providers)
        step = slopes / curvature
        effects = effects + np.clip(step, -LARGEST_STEP, LARGEST_STEP)
        if np.max(np.abs(step)) < MODE_TOLERANCE:
            break
    return effects


def laplace(problem: Problem, at: State) -> tuple[float, Floats, Floats]:
    """Laplace's log-likelihood, its gradient by (coefficients, log sigma[, log dispersion]), and the effects' modes."""
    linear = problem.linear(at.coefficients)
    effects = modes(problem, linear, at.effects, at.sigma)
    variance, providers = at.sigma**2, len(effects)
    slope, weight, bend = (np.empty_like(linear) for _ in range(3))
    likelihoods, weights, bends = (np.zeros(providers) for _ in range(3))
    for rows, place, family, eta in problem.at(linear, effects):
        shape = family.shape(eta)
        slope[rows], weight[rows], bend[rows] = shape.slope, shape.weight, shape.bend
        likelihoods += np.bincount(place, shape.log_likelihood, providers)
        weights += np.bincount(place, shape.weight, providers)
        bends += np.bincount(place, shape.bend, providers)
    curvature = weights + 1.0 / variance
    by_provider = likelihoods - 0.5 * effects**2 / variance - 0.5 * np.log(variance * curvature)
    by_sigma = (
        effects**2 / variance - variance * weights / (1.0 + variance * weights)
    ) - bends * effects / variance / curvature**2
    by_bend, by_weight = 0.5 / curvature, 0.5 * bends / curvature**2
    for rows in blocks(len(linear), CACHED_ROWS):
        place = problem.cases.place[rows]
        slope[rows] += by_weight[place] * weight[rows] - by_bend[place] * bend[rows]
    gradient = [*problem.across(problem.weighted(slope)), float(problem.weight @ by_sigma)]
    if isinstance(problem.family, NegativeBinomial):
        gradient.append(_by_dispersion(problem, problem.family, linear, effects, curvature, bends))
    return float(problem.weight @ by_provider), np.array(gradient), effects


def _by_dispersion(
    problem: Problem, family: NegativeBinomial, linear: Floats, effects: Floats, curvature: Floats, bends: Floats
) -> float:
    """The gradient of Laplace's log-likelihood by log dispersion."""
    sums = problem.cases.sums
    likelihood_by, slope_by, weight_by = family.by_log_dispersion(linear + effects[problem.cases.place])
    moved = sums(slope_by) / curvature
    return float(problem.weight @ (sums(likelihood_by) - 0.5 * (sums(weight_by) + bends * moved) / curvature))


def quadrature(problem: Problem, at: State, *, nodes: int) -> tuple[float, Floats, Floats]:
    """The same by adaptive Gauss-Hermite quadrature with `nodes` points a provider.

    The gradient is Fisher's identity: the expected slope over the points, exact as the points grow.
    """
    cases, place, family = problem.cases, problem.cases.place, problem.family
    linear = problem.linear(at.coefficients)
    effects = modes(problem, linear, at.effects, at.sigma)
    variance = at.sigma**2
    _, weight = family.slope_and_weight(linear + effects[place])
    spread = 1.0 / np.sqrt(cases.sums(weight) + 1.0 / variance)
    points, masses = np.polynomial.hermite.hermgauss(nodes)
    drawn = [effects + np.sqrt(2.0) * spread * point for point in points]
    logs = np.array(
        [
            cases.sums(family.log_likelihood(linear + own[place]))
            - 0.5 * own**2 / variance
            - 0.5 * np.log(np.pi * variance)
            + point**2
            + np.log(mass)
            + np.log(spread)
            for own, point, mass in zip(drawn, points, masses, strict=True)
        ]
    )
    by_provider = scipy.special.logsumexp(logs, axis=0)
    share = np.exp(logs - by_provider)
    by_eta, by_sigma = np.zeros(len(linear)), -np.ones(len(effects))
    by_dispersion = np.zeros(len(effects))
    for own, part in zip(drawn, share, strict=True):
        eta = linear + own[place]
        by_eta += part[place] * family.slope_and_weight(eta)[0]
        by_sigma += part * own**2 / variance
        if isinstance(family, NegativeBinomial):
            by_dispersion += part * cases.sums(family.by_log_dispersion(eta)[0])
    gradient = [*problem.across(problem.weighted(by_eta)), float(problem.weight @ by_sigma)]
    if isinstance(family, NegativeBinomial):
        gradient.append(float(problem.weight @ by_dispersion))
    return float(problem.weight @ by_provider), np.array(gradient), effects
