"""Models with a normal random intercept a provider: the greatest marginal likelihood, or the penalised joint one.

Source: penalised quasi-likelihood with the REML variance step: Breslow and Clayton (1993), JASA 88:9, and Wolfinger and O'Connell
(1993), J Stat Comput Simul 48:233; for the marginal likelihood see marginal_likelihood.py.
"""

from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

import numpy as np
import scipy
from numpy.typing import NDArray

from qe.errors import CannotFit
from qe.statistics.families import NegativeBinomial
from qe.statistics.marginal_likelihood import MODE_STEPS, Problem, State, laplace, modes, quadrature

Floats = NDArray[np.float64]
Engine = Literal["laplace", "agq", "rspl"]

NODES: Final = 9  # points of adaptive quadrature a provider
SMALLEST_SIGMA: Final = 1e-4  # a smaller one is zero: providers do not differ
TRIED_SIGMAS: Final = (0.05, 0.15, 0.4, 1.0)
GRADIENT_TOLERANCE: Final = 1e-5  # in standard errors of the parameters
STARTING_TOLERANCE: Final = 1e-2  # the same, where a search begins from what is found
MOST_ITERATIONS: Final = 200
MOST_HALVINGS: Final = 20
JOINT_TOLERANCE: Final = 1e-8
VARIANCE_TOLERANCE: Final = 1e-7  # of the logarithm of the variance


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


def estimate(
    problem: Problem,
    coefficients: Floats,
    *,
    engine: Engine,
    dispersion: float = float("inf"),
    start: State | None = None,
    tolerance: float = GRADIENT_TOLERANCE,
) -> Fitted:
    """The model from the coefficients of the ordinary one; sigma 0 where the providers do not differ.

    start      where to search from, of an earlier fit; None looks for one
    tolerance  of the gradient of the likelihood, in standard errors of the parameters
    """
    if engine not in get_args(Engine):
        raise CannotFit(f"there is no such engine: choose one of {', '.join(get_args(Engine))}")
    from_here = start or start_of(problem, coefficients, dispersion=dispersion)
    if from_here is None:
        none = np.zeros(len(problem.cases.providers))
        return ordinary(problem, State(coefficients=coefficients, sigma=0.0, effects=none, dispersion=dispersion))
    match engine:
        case "laplace":
            return maximise(problem, from_here, tolerance=tolerance)
        case "agq":
            return maximise(problem, from_here, nodes=NODES, tolerance=tolerance)
        case "rspl":
            return penalised(problem, from_here)


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
    """The model of providers that do not differ (sigma 0), by Newton's method from `start`; a dispersion is found beside it."""
    if not isinstance(problem.family, NegativeBinomial):
        return _ordinary(problem, start)
    for _ in range(MODE_STEPS):
        fitted = _ordinary(replace(problem, family=problem.family.of(start.dispersion)), start)
        dispersion = _dispersion(problem.family, fitted.linear, problem)
        moved = abs(np.log(dispersion / start.dispersion))
        start = replace(fitted.state, dispersion=dispersion)
        if moved < 1e-6:
            break
    return _ordinary(replace(problem, family=problem.family.of(start.dispersion)), start)


def _dispersion(family: NegativeBinomial, linear: Floats, problem: Problem) -> float:
    """The dispersion that makes the counts likeliest at these linear predictors."""
    found = scipy.optimize.minimize_scalar(
        lambda logarithm: -float(np.sum(problem.weighted(family.of(float(np.exp(logarithm))).log_likelihood(linear)))),
        bounds=(np.log(1e-3), np.log(1e6)),
        method="bounded",
        options={"xatol": 1e-8},
    )
    return float(np.exp(found.x))


def _ordinary(problem: Problem, start: State) -> Fitted:
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
