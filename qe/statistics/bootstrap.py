"""The interval of predicted over expected that a public label needs: providers drawn anew, every model fitted anew.

The analytic interval takes coefficients as known. Here each draw takes as many providers as there are, with replacement; one
that is drawn twice counts as two. Every cohort's model is fitted to them, each drawn provider's effect is taken from its own normal
distribution, and the ratio is worked out from it. The interval is the draws' percentiles, over the draws that the provider was
in. A small cohort may separate in a draw, so that no finite coefficients fit best: it keeps those of all its cases in that draw,
and the share of cases treated so is told.

Sigma: a draw's own estimate scatters about the estimate of all providers, which may itself be far from the truth, and the interval
then holds 89 of 100 providers where they differ little. So each draw takes its sigma from what it may be given all providers
(effect_posterior.py); `sigma="refitted"` takes the draw's own, as CMS does.

Source: the bootstrap of the CMS readmission measures (Yale CORE methodology reports), recalled; see docs/ambiguities.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from qe.errors import CannotFit
from qe.statistics.effect_posterior import at_sigma
from qe.statistics.mixed_model import FittedCases, MixedModel, at_average, places_of
from qe.statistics.ordinary import LARGEST_LOG_ODDS
from qe.statistics.random_intercept import Fitted, estimate

Floats = NDArray[np.float64]
Sigma = Literal["integrated", "refitted"]

MOST_KEPT: Final = 0.05  # share of cases, over all draws, whose cohort may keep its coefficients
DRAWN_TOLERANCE: Final = 1e-3  # of a draw's gradient, in standard errors, which are what the draws scatter by
LEAST_DRAWN: Final = 20  # draws with a provider below which it has no interval


@dataclass(frozen=True, kw_only=True)
class Bootstrapped:
    """Arrays follow `providers`: all that any cohort has (sorted).

    low, high  of the combined ratio; NaN for a provider in fewer than LEAST_DRAWN draws
    drawn      how many draws the provider was in
    models     by model, in the order given, what each draw took: kept, they give a provider's interval again from its own cases
    kept       share of cases, over all draws, whose cohort could not be fitted anew and kept its coefficients
    """

    providers: tuple[str, ...]
    low: Floats
    high: Floats
    drawn: NDArray[np.int64]
    draws: int
    kept: float
    models: tuple["DrawnModel", ...] = field(repr=False)


@dataclass(frozen=True)
class DrawnModel:
    """coefficients (draws, p + 1), sigma's share of the constant included; sigma (draws,)"""

    coefficients: Floats
    sigma: Floats


def interval(
    models: Sequence[MixedModel], *, draws: int, seed: int, confidence: float, sigma: Sigma = "integrated"
) -> Bootstrapped:
    """The interval of each provider's ratio, combined over cohorts as `mixed_model.combined` does.

    models  one a cohort, as fitted. Draw number k uses its own random numbers of `seed`: more draws repeat the first ones.
    sigma   integrated: of each draw one that all providers make likely; refitted: the draw's own

    CannotFit: no model, fewer than LEAST_DRAWN draws, too few providers for sigma's uncertainty, or more than MOST_KEPT of the
    cases could not be fitted anew.
    """
    if not models or draws < LEAST_DRAWN:
        raise CannotFit(f"an interval needs a model and at least {LEAST_DRAWN} draws, got {len(models)} and {draws}")
    providers, places = places_of(models)
    found = np.full((draws, len(providers)), np.nan)
    taken = [DrawnModel(np.empty((draws, len(model.coefficients))), np.empty(draws)) for model in models]
    kept = 0.0
    for draw in range(draws):
        times, noise, shares = _random(seed, draw, len(models), len(providers))
        cases, logs = np.zeros(len(providers)), np.zeros(len(providers))
        for row, (model, at) in enumerate(zip(models, places, strict=True)):
            fitted = _refitted(model, times[at].astype(np.float64))
            kept += float(model.cases.sum()) if fitted is None else 0.0
            state = model.state if fitted is None else fitted.state
            own, constant = (state.sigma, 0.0) if sigma == "refitted" else model.posterior.at(shares[row])
            taken[row].coefficients[draw] = [state.coefficients[0] + constant, *state.coefficients[1:]]
            taken[row].sigma[draw] = own
            ratio = _log_ratio(
                model.fitted_cases, taken[row].coefficients[draw], own, start=state.effects, noise=noise[row, at]
            )
            cases[at] += model.cases
            logs[at] += model.cases * ratio
        has_cases = (times > 0) & (cases > 0)
        found[draw, has_cases] = np.exp(logs[has_cases] / cases[has_cases])
    share = kept / (draws * sum(float(model.cases.sum()) for model in models))
    if share > MOST_KEPT:
        raise CannotFit(
            f"models of {share:.0%} of the cases could not be fitted to drawn providers",
            remedy="Leave rare factors out of the model, or compare observed with expected outcomes.",
        )
    return _bootstrapped(providers, found, confidence, share, tuple(taken))


def of_one(
    cases: Sequence[FittedCases | None],
    taken: Sequence[DrawnModel],
    *,
    providers: Sequence[str],
    provider: str,
    seed: int,
    confidence: float,
) -> tuple[float, float]:
    """The interval of one provider's ratio by models that were drawn before, `interval` again where its cases are the same.

    cases      this provider's alone, by model; None where it has none of a cohort
    providers  all, in the order of `Bootstrapped.providers`: it says which random numbers are the provider's

    NaN where it was in fewer than LEAST_DRAWN draws. CannotFit: a provider that was not among them.
    """
    if provider not in providers:
        raise CannotFit("a provider that was not among those drawn has no interval by those draws")
    place, ratios = providers.index(provider), []
    for draw in range(len(taken[0].sigma)):
        times, noise, _ = _random(seed, draw, len(taken), len(providers))
        if not times[place]:
            continue
        count, logs = 0.0, 0.0
        for row, (own, model) in enumerate(zip(cases, taken, strict=True)):
            if own is not None:
                number, alone = float(own.problem.cases.count[0]), noise[row, place : place + 1]
                log = _log_ratio(
                    own, model.coefficients[draw], float(model.sigma[draw]), start=np.zeros(1), noise=alone
                )
                count, logs = count + number, logs + number * float(log[0])
        ratios.append(np.exp(logs / count))
    low, high = _ends(np.array(ratios)[:, None], confidence)
    return float(low[0]), float(high[0])


def _random(seed: int, draw: int, models: int, providers: int) -> tuple[NDArray[np.int64], Floats, Floats]:
    """How often each provider is drawn, (models, providers) normal numbers, and a share of each model's sigmas."""
    random = np.random.default_rng([seed, draw])
    times = np.bincount(random.integers(providers, size=providers), minlength=providers)
    return times.astype(np.int64), random.standard_normal((models, providers)), random.random(models)


def _log_ratio(cases: FittedCases, coefficients: Floats, sigma: float, *, start: Floats, noise: Floats) -> Floats:
    """By provider ln(predicted / expected) of a drawn model, each effect moved by `noise` of its standard deviations."""
    problem = cases.problem
    linear = problem.linear(coefficients)
    inside, between = at_average(problem, linear, coefficients, cases.mean_factors)
    effects, variance = at_sigma(problem, linear, start, sigma) if sigma > 0 else (np.zeros_like(start),) * 2
    return inside.log_ratio(between + effects + np.sqrt(variance) * noise)


def _ends(found: Floats, confidence: float) -> Floats:
    """(2, providers) percentiles over the draws (rows); NaN with fewer than LEAST_DRAWN.

    By p (n + 1): the truth is as one more draw, so that of few draws, too, the interval holds what it says (type 6 of Hyndman and
    Fan 1996, Am Stat 50:361).
    """
    ends = np.full((2, found.shape[1]), np.nan)
    enough = np.isfinite(found).sum(axis=0) >= LEAST_DRAWN
    tail = (1.0 - confidence) / 2.0
    if enough.any():
        ends[:, enough] = np.nanquantile(found[:, enough], [tail, 1.0 - tail], axis=0, method="weibull")
    return ends


def _bootstrapped(
    providers: tuple[str, ...], found: Floats, confidence: float, kept: float, taken: tuple[DrawnModel, ...]
) -> Bootstrapped:
    ends = _ends(found, confidence)
    return Bootstrapped(
        providers=providers,
        low=ends[0],
        high=ends[1],
        drawn=np.isfinite(found).sum(axis=0).astype(np.int64),
        draws=len(found),
        kept=kept,
        models=taken,
    )


def _refitted(model: MixedModel, weight: Floats) -> Fitted | None:
    """One cohort fitted to the providers of a draw; None where it cannot be."""
    if np.count_nonzero(weight) < 2:
        return None
    problem = replace(model.fitted_cases.problem, weight=weight)
    start = model.state if model.sigma > 0 else None
    try:
        fitted = estimate(
            problem,
            model.coefficients,
            engine=model.engine,
            dispersion=model.dispersion,
            start=start,
            tolerance=DRAWN_TOLERANCE,
        )
    except np.linalg.LinAlgError:
        return None
    is_separated = float(np.max(np.abs(fitted.linear))) > LARGEST_LOG_ODDS
    return fitted if fitted.converged and not is_separated else None
