"""Models with a normal random intercept a provider: the marginal likelihood and its greatest value.

A case of provider j has the linear predictor eta = offset + b0 + x'b + u_j with u_j ~ N(0, sigma^2). The integral over each u_j
is Laplace's approximation or adaptive Gauss-Hermite quadrature; `penalised` maximises the joint likelihood instead (PQL).

Source: Laplace with the gradient of its determinant: Skaug and Fournier (2006), Comput Stat Data Anal 51:699; adaptive
quadrature: Pinheiro and Bates (1995), J Comput Graph Stat 4:12; penalised quasi-likelihood with the REML variance step:
Breslow and Clayton (1993), JASA 88:9, and Wolfinger and O'Connell (1993), J Stat Comput Simul 48:233.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Literal, get_args

import numpy as np
import scipy
from numpy.typing import NDArray

from qe.errors import CannotFit
from qe.statistics.cases import Cases, blocks
from qe.statistics.families import Family, NegativeBinomial

Floats = NDArray[np.float64]
Engine = Literal["laplace", "agq", "rspl"]

NODES: Final = 9  # points of adaptive quadrature a provider
ROWS_AT_ONCE: Final = 200_000  # rows whose weighted copy is held while products are summed
CACHED_ROWS: Final = 32_768  # cases whose linear predictors are worked on at a time: they stay in the processor's cache
LARGEST_STEP: Final = 3.0  # of an effect in one Newton step, log odds
SMALLEST_SIGMA: Final = 1e-4  # a smaller one is zero: providers do not differ
TRIED_SIGMAS: Final = (0.05, 0.15, 0.4, 1.0)
MODE_TOLERANCE: Final = 1e-6  # of the last step to an effect, log odds: what is left after it is its square
MODE_STEPS: Final = 60
GRADIENT_TOLERANCE: Final = 1e-5  # in standard errors of the parameters
STARTING_TOLERANCE: Final = 1e-2  # the same, where a search begins from what is found
MOST_ITERATIONS: Final = 200
MOST_HALVINGS: Final = 20
JOINT_TOLERANCE: Final = 1e-8
VARIANCE_TOLERANCE: Final = 1e-7  # of the logarithm of the variance


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


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """What a greatest likelihood leaves.

    effect_variance  1/H_j, H_j = W_j + 1/sigma^2: of an effect given coefficients and sigma; 0 where sigma is 0
    covariance       (p + 1, p + 1) of the coefficients, from the Schur complement of the effects (lme4: use.hessian=FALSE)
    linear           (n,) fixed part of each case's linear predictor
    """

    state: State
    effect_variance: Floats
    covariance: Floats
    log_likelihood: float
    linear: Floats
    converged: bool


def problem_of(cases: Cases, family: Family, *, offset: Floats | float = 0.0, weight: Floats | None = None) -> Problem:
    """weight: None counts every provider once."""
    once = np.ones(len(cases.providers), dtype=np.float64)
    return Problem(cases=cases, family=family, offset=offset, weight=once if weight is None else weight)


def estimate(
    problem: Problem,
    coefficients: Floats,
    *,
    engine: Engine,
    dispersion: float = float("inf"),
    start: State | None = None,
) -> Fitted:
    """The model from the coefficients of the ordinary one; sigma 0 where the providers do not differ.

    start  where to search from, of an earlier fit; None looks for one
    """
    if engine not in get_args(Engine):
        raise CannotFit(f"there is no such engine: choose one of {', '.join(get_args(Engine))}")
    from_here = start or start_of(problem, coefficients, dispersion=dispersion)
    if from_here is None:
        none = np.zeros(len(problem.cases.providers))
        return ordinary(problem, State(coefficients=coefficients, sigma=0.0, effects=none, dispersion=dispersion))
    match engine:
        case "laplace":
            return maximise(problem, from_here)
        case "agq":
            return maximise(problem, from_here, nodes=NODES)
        case "rspl":
            return penalised(problem, from_here)


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


def maximise(problem: Problem, start: State, *, nodes: int = 1, tolerance: float = GRADIENT_TOLERANCE) -> Fitted:
    """The greatest likelihood from `start`: BFGS on parameters scaled by the curvature there, so that few steps do.

    nodes  1: Laplace; more: adaptive quadrature. A sigma below SMALLEST_SIGMA is 0: every effect is 0.
    """
    scale = _scale(problem, start)
    origin = _packed(start)
    latest = {"effects": start.effects}

    def minus(position: Floats) -> tuple[float, Floats]:
        here, at = _unpacked(problem, origin + scale @ position, latest["effects"])
        likelihood, gradient, latest["effects"] = laplace(here, at) if nodes == 1 else quadrature(here, at, nodes=nodes)
        return -likelihood, -(scale.T @ gradient)

    found = scipy.optimize.minimize(
        minus,
        np.zeros(len(origin)),
        jac=True,
        method="BFGS",
        options={"gtol": tolerance, "maxiter": MOST_ITERATIONS},
    )
    at_end, state = _unpacked(problem, origin + scale @ found.x, latest["effects"])
    if state.sigma < SMALLEST_SIGMA:
        return ordinary(at_end, state)
    linear = at_end.linear(state.coefficients)
    effects = modes(at_end, linear, state.effects, state.sigma)
    # of a standard error: rounding ends a search
    close = bool(np.max(np.abs(found.jac)) < 1e-2 * np.sqrt(len(origin)))
    return _fitted(at_end, replace(state, effects=effects), linear, -float(found.fun), close)


def _packed(state: State) -> Floats:
    last = [] if np.isinf(state.dispersion) else [np.log(state.dispersion)]
    return np.array([*state.coefficients, np.log(state.sigma), *last])


def _unpacked(problem: Problem, parameters: Floats, effects: Floats) -> tuple[Problem, State]:
    """The problem with its family at these parameters; a sigma that runs away is held where numbers end."""
    terms = problem.cases.factors.shape[1] + 1
    sigma = float(np.exp(np.clip(parameters[terms], np.log(1e-6), np.log(50.0))))
    at = State(coefficients=parameters[:terms], sigma=sigma, effects=effects)
    if not isinstance(problem.family, NegativeBinomial):
        return problem, at
    dispersion = float(np.exp(np.clip(parameters[terms + 1], np.log(1e-3), np.log(1e6))))
    return replace(problem, family=problem.family.of(dispersion)), replace(at, dispersion=dispersion)


def _scale(problem: Problem, at: State) -> Floats:
    """A matrix that turns steps of one standard error into steps of the parameters."""
    linear = problem.linear(at.coefficients)
    eta = linear + at.effects[problem.cases.place]
    _, weight = problem.family.slope_and_weight(eta)
    gram, by_provider = problem.products(weight)
    weights, variance = problem.cases.sums(weight), at.sigma**2
    inverse = _inverse_root(_schur(problem, gram, by_provider, weights + 1.0 / variance))
    ratio = variance * weights / (1.0 + variance * weights)
    information = [max(2.0 * float(problem.weight @ ratio**2), 1e-2)]
    if isinstance(problem.family, NegativeBinomial):
        slope_by = problem.family.by_log_dispersion(eta)[0]
        information.append(max(float(np.sum(problem.weighted(slope_by**2))), 1e-2))
    terms = len(inverse)
    scale = np.zeros((terms + len(information), terms + len(information)))
    scale[:terms, :terms] = inverse
    scale[range(terms, len(scale)), range(terms, len(scale))] = 1.0 / np.sqrt(information)
    return scale


def _schur(problem: Problem, gram: Floats, by_provider: Floats, curvature: Floats) -> Floats:
    return gram - by_provider.T @ (by_provider * (problem.weight / curvature)[:, None])


def _inverse_root(information: Floats) -> Floats:
    """T with T T' the inverse of a positive definite matrix."""
    return np.asarray(np.linalg.inv(np.linalg.cholesky(_held(information))).T, dtype=np.float64)


def _held(information: Floats) -> Floats:
    """With a little information on every term: one of which the cases that count say nothing stays where it is.

    In a draw of providers none may have cases with a rare factor; its coefficient then touches nobody's result.
    """
    return information + np.diag(np.full(len(information), 1e-10 * float(np.mean(np.diag(information)))))


def _fitted(problem: Problem, state: State, linear: Floats, likelihood: float, converged: bool) -> Fitted:
    _, weight = problem.family.slope_and_weight(linear + state.effects[problem.cases.place])
    gram, by_provider = problem.products(weight)
    curvature = problem.cases.sums(weight) + 1.0 / state.sigma**2
    root = _inverse_root(_schur(problem, gram, by_provider, curvature))
    return Fitted(
        state=state,
        effect_variance=1.0 / curvature,
        covariance=root @ root.T,
        log_likelihood=likelihood,
        linear=linear,
        converged=converged,
    )


def ordinary(problem: Problem, start: State) -> Fitted:
    """The model of providers that do not differ (sigma 0), by Newton's method from `start`."""
    none = np.zeros_like(start.effects)
    coefficients, converged = start.coefficients, False
    for _ in range(MODE_STEPS):
        slope, weight = problem.family.slope_and_weight(problem.linear(coefficients))
        gram, _ = problem.products(weight)
        asked = np.asarray(np.linalg.solve(_held(gram), problem.across(problem.weighted(slope))), dtype=np.float64)
        step = _uphill(problem, coefficients, asked)
        coefficients = coefficients + step
        if np.max(np.abs(step) * np.sqrt(np.diag(gram))) < GRADIENT_TOLERANCE:
            converged = True
            break
    linear = problem.linear(coefficients)
    gram, _ = problem.products(problem.family.slope_and_weight(linear)[1])
    root = _inverse_root(gram)
    return Fitted(
        state=replace(start, coefficients=coefficients, sigma=0.0, effects=none),
        effect_variance=none,
        covariance=root @ root.T,
        log_likelihood=_without_effects(problem, coefficients),
        linear=linear,
        converged=converged,
    )


def _without_effects(problem: Problem, coefficients: Floats) -> float:
    """The log-likelihood of providers that do not differ."""
    return float(np.sum(problem.weighted(problem.family.log_likelihood(problem.linear(coefficients)))))


def _uphill(problem: Problem, coefficients: Floats, step: Floats) -> Floats:
    """The step, halved until the likelihood does not fall: from afar Newton's method may leap over the top."""
    here = _without_effects(problem, coefficients)
    for _ in range(MOST_HALVINGS):
        if _without_effects(problem, coefficients + step) >= here - 1e-9 * abs(here):
            break
        step = 0.5 * step
    return step


def penalised(problem: Problem, start: State) -> Fitted:
    """Penalised quasi-likelihood with the REML variance step (SAS PROC GLIMMIX: RSPL), for comparability with CMS practice.

    The variance solves s = u'u / (J - sum of the effects' error variances / s), found by the secant method on log s.
    log_likelihood is Laplace's at the estimates: the quasi-likelihood of two models cannot be compared.
    """
    step = _Penalised(problem=problem, state=start)
    log_variance = 2.0 * np.log(start.sigma)
    gap = step.gap(log_variance)
    other = log_variance + gap
    converged = False
    for _ in range(MODE_STEPS):
        if other < 2.0 * np.log(SMALLEST_SIGMA):
            return ordinary(problem, start)
        before, gap, last = gap, step.gap(other), log_variance
        log_variance = other
        if abs(gap) < VARIANCE_TOLERANCE:
            converged = True
            break
        slope = (gap - before) / (log_variance - last) if log_variance != last else -1.0
        other = log_variance + float(np.clip(-gap / slope if slope < 0 else gap, -1.5, 1.5))
    sigma = float(np.exp(0.5 * log_variance))
    state = replace(step.state, sigma=sigma)
    linear = problem.linear(state.coefficients)
    return _fitted(problem, state, linear, laplace(problem, state)[0], converged)


@dataclass(kw_only=True)
class _Penalised:
    """The joint maximum of coefficients and effects as the variance moves, each search from where the last ended."""

    problem: Problem
    state: State

    def gap(self, log_variance: float) -> float:
        """log of the variance that the effects ask for, less the one they were found with."""
        variance = float(np.exp(log_variance))
        coefficients, effects = self.state.coefficients, self.state.effects
        problem, sums, place = self.problem, self.problem.cases.sums, self.problem.cases.place
        for _ in range(MODE_STEPS):
            slope, weight = problem.family.slope_and_weight(problem.linear(coefficients) + effects[place])
            gram, by_provider = problem.products(weight)
            curvature = sums(weight) + 1.0 / variance
            own = sums(slope) - effects / variance
            schur = _schur(problem, gram, by_provider, curvature)
            asked = problem.across(problem.weighted(slope)) - by_provider.T @ (problem.weight * own / curvature)
            move = np.linalg.solve(_held(schur), asked)
            shift = (own - by_provider @ move) / curvature
            coefficients, effects = coefficients + move, effects + shift
            if max(np.max(np.abs(move)), np.max(np.abs(shift))) < JOINT_TOLERANCE:
                break
        self.state = replace(self.state, coefficients=coefficients, effects=effects)
        along = by_provider / curvature[:, None]
        error = 1.0 / curvature + np.einsum("jp,pq,jq->j", along, np.linalg.inv(schur), along, optimize=True)
        freedom = float(np.sum(problem.weight * (1.0 - error / variance)))
        return float(np.log(problem.weight @ effects**2 / freedom) - log_variance)


def start_of(problem: Problem, coefficients: Floats, *, dispersion: float = float("inf")) -> State | None:
    """Sigma, effects and a moved constant for coefficients of the ordinary model; None where providers do not differ.

    A model of the constant alone is fitted beside the others as an offset. Providers do not differ where the likelihood falls as
    sigma leaves 0 and no sigma tried raises it.
    """
    linear = problem.linear(coefficients)
    none = np.zeros(len(problem.cases.providers))
    slope, weight = problem.family.slope_and_weight(linear)
    rises = float(problem.weight @ (problem.cases.sums(slope) ** 2 - problem.cases.sums(weight))) > 0
    alone = replace(
        problem, cases=replace(problem.cases, factors=np.empty((len(linear), 0))), offset=linear - coefficients[0]
    )
    constant = coefficients[:1]
    flat = _without_effects(problem, coefficients)
    best = max(
        (State(coefficients=constant, sigma=sigma, effects=none, dispersion=dispersion) for sigma in TRIED_SIGMAS),
        key=lambda state: laplace(alone, state)[0],
    )
    if not rises and laplace(alone, best)[0] <= flat:
        return None
    found = maximise(alone, best, tolerance=STARTING_TOLERANCE).state
    if found.sigma == 0.0:
        return None if not rises else replace(best, coefficients=coefficients, sigma=0.05)
    return replace(found, coefficients=np.concatenate([found.coefficients, coefficients[1:]]))
