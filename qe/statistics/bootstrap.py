"""The interval of predicted over expected that a public label needs: providers drawn anew, every model fitted anew.

The analytic interval takes coefficients as known. Here each draw takes as many providers as there are, with replacement; one
that is drawn twice counts as two. Every cohort's model is fitted to them, each drawn provider's effect is taken from its own normal
distribution, and the ratio is worked out from it. The interval is the draws' percentiles, over the draws that the provider was
in. A small cohort may separate in a draw, so that no finite coefficients fit best: it keeps those of all its cases in that draw,
and the share of cases treated so is told.

Sigma: a draw's own estimate scatters about the estimate of all providers, which may itself be far from the truth, and the interval
then holds 90 of 100 providers where they differ little. So each draw takes its sigma from what it may be given all providers
(effect_posterior.py); `sigma="refitted"` takes the draw's own, as CMS does.

Source: the bootstrap of the CMS readmission measures (Yale CORE methodology reports), recalled; see docs/ambiguities.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
LEAST_DRAWN: Final = 20  # draws with a provider below which it has no interval


@dataclass(frozen=True, kw_only=True)
class Bootstrapped:
    """Arrays follow `providers`: all that any cohort has (sorted).

    low, high  of the combined ratio; NaN for a provider in fewer than LEAST_DRAWN draws
    drawn      how many draws the provider was in
    kept       share of cases, over all draws, whose cohort could not be fitted anew and kept its coefficients
    """

    providers: tuple[str, ...]
    low: Floats
    high: Floats
    drawn: NDArray[np.int64]
    draws: int
    kept: float


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
    kept = 0.0
    for draw in range(draws):
        random = np.random.default_rng([seed, draw])
        times = np.bincount(random.integers(len(providers), size=len(providers)), minlength=len(providers))
        noise = random.standard_normal((len(models), len(providers)))
        shares = random.random(len(models))
        refitted = []
        for row, (model, at) in enumerate(zip(models, places, strict=True)):
            one = _refitted(model, times[at].astype(np.float64))
            kept += float(model.cases.sum()) if one is None else 0.0
            share = shares[row] if sigma == "integrated" else None
            refitted.append(_at_drawn_effects(model, one, noise[row, at], share))
        found[draw] = np.where(times > 0, _combined(models, refitted, places, len(providers)), np.nan)
    share = kept / (draws * sum(float(model.cases.sum()) for model in models))
    if share > MOST_KEPT:
        raise CannotFit(
            f"models of {share:.0%} of the cases could not be fitted to drawn providers",
            remedy="Leave rare factors out of the model, or compare observed with expected outcomes.",
        )
    return _bootstrapped(providers, found, confidence, share)


def _bootstrapped(providers: tuple[str, ...], found: Floats, confidence: float, kept: float) -> Bootstrapped:
    drawn = np.sum(np.isfinite(found), axis=0)
    enough = drawn >= LEAST_DRAWN
    ends = np.full((2, len(providers)), np.nan)
    tail = (1.0 - confidence) / 2.0
    if enough.any():
        ends[:, enough] = np.nanquantile(found[:, enough], [tail, 1.0 - tail], axis=0)
    return Bootstrapped(
        providers=providers,
        low=ends[0],
        high=ends[1],
        drawn=drawn.astype(np.int64),
        draws=len(found),
        kept=kept,
    )


def _refitted(model: MixedModel, weight: Floats) -> Fitted | None:
    """One cohort fitted to the providers of a draw; None where it cannot be."""
    if np.count_nonzero(weight) < 2:
        return None
    problem = replace(model.fitted_cases.problem, weight=weight)
    start = model.state if model.sigma > 0 else None
    try:
        fitted = estimate(problem, model.coefficients, engine=model.engine, dispersion=model.dispersion, start=start)
    except np.linalg.LinAlgError:
        return None
    is_separated = float(np.max(np.abs(fitted.linear))) > LARGEST_LOG_ODDS
    return fitted if fitted.converged and not is_separated else None


Drawn = tuple[FittedCases, Floats]  # the cases at the average provider of a draw, and each provider's drawn intercept


def _at_drawn_effects(model: MixedModel, fitted: Fitted | None, noise: Floats, share: float | None) -> Drawn:
    """share: which of the sigmas that all providers make likely, 0 to 1 by their weights; None for the draw's own."""
    own = model.fitted_cases
    if fitted is None:
        inside, between = own, model.between
        effects, variance = model.effects, model.effect_variance
    else:
        inside, between = at_average(own.problem, fitted.linear, fitted.state.coefficients, own.mean_factors)
        effects, variance = fitted.state.effects, fitted.effect_variance
    if share is not None:
        sigma, constant = model.posterior.at(share)
        inside = replace(inside, average=inside.average + constant)
        effects, variance = at_sigma(own.problem, inside.average + between[own.problem.cases.place], effects, sigma)
    return inside, between + effects + np.sqrt(variance) * noise


def _combined(
    models: Sequence[MixedModel],
    refitted: Sequence[Drawn],
    places: Sequence[NDArray[np.int64]],
    providers: int,
) -> Floats:
    """The combined ratio of every provider in one draw, NaN without a case in it."""
    cases, logs = np.zeros(providers), np.zeros(providers)
    for model, (fitted, intercepts), at in zip(models, refitted, places, strict=True):
        cases[at] += model.cases
        logs[at] += model.cases * fitted.log_ratio(intercepts)
    means = np.divide(logs, cases, out=np.full(providers, np.nan), where=cases > 0)
    return np.asarray(np.exp(means), dtype=np.float64)
