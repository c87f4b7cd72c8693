"""The interval of predicted over expected that a public label needs: providers drawn anew, every model fitted anew.

The analytic interval takes coefficients and sigma as known. Here each draw takes as many providers as there are, with
replacement; one that is drawn twice counts as two. Every cohort's model is fitted to them, each drawn provider's effect is taken
from its own normal distribution, and the ratio is worked out from it. The interval is the draws' percentiles, over the draws
that the provider was in.

Source: the bootstrap of the CMS readmission measures (Yale CORE methodology reports), recalled; see docs/ambiguities.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from qe.errors import CannotFit
from qe.statistics.mixed_model import MixedModel, at_average
from qe.statistics.random_intercept import estimate

Floats = NDArray[np.float64]

MOST_FAILED: Final = 0.05  # share of draws that may not be fitted
LEAST_DRAWN: Final = 20  # draws with a provider below which it has no interval


@dataclass(frozen=True, kw_only=True)
class Bootstrapped:
    """Arrays follow `providers`: all that any cohort has (sorted).

    low, high  of the combined ratio; NaN for a provider in fewer than LEAST_DRAWN draws
    drawn      how many draws the provider was in; failed: draws that could not be fitted, left out
    """

    providers: tuple[str, ...]
    low: Floats
    high: Floats
    drawn: NDArray[np.int64]
    draws: int
    failed: int


def interval(models: Sequence[MixedModel], *, draws: int, seed: int, confidence: float) -> Bootstrapped:
    """The interval of each provider's ratio, combined over cohorts as `mixed_model.combined` does.

    models  one a cohort, as fitted. Draw number k uses its own random numbers of `seed`: more draws repeat the first ones.

    CannotFit: no model, fewer than LEAST_DRAWN draws, or more than MOST_FAILED of them could not be fitted.
    """
    if not models or draws < LEAST_DRAWN:
        raise CannotFit(f"an interval needs a model and at least {LEAST_DRAWN} draws, got {len(models)} and {draws}")
    providers = tuple(sorted({name for model in models for name in model.providers}))
    at = [np.searchsorted(providers, model.providers) for model in models]
    found = np.full((draws, len(providers)), np.nan)
    failed = 0
    for draw in range(draws):
        random = np.random.default_rng([seed, draw])
        times = np.bincount(random.integers(len(providers), size=len(providers)), minlength=len(providers))
        ratios = _once(models, at, times.astype(np.float64), random)
        if ratios is None:
            failed += 1
        else:
            found[draw] = np.where(times > 0, ratios, np.nan)
    if failed > MOST_FAILED * draws:
        raise CannotFit(
            f"{failed:,} of {draws:,} draws of providers could not be fitted",
            remedy="Leave rare factors out of the model, or compare observed with expected outcomes.",
        )
    drawn = np.sum(np.isfinite(found), axis=0)
    enough = drawn >= LEAST_DRAWN
    ends = np.full((2, len(providers)), np.nan)
    tail = (1.0 - confidence) / 2.0
    ends[:, enough] = np.nanquantile(found[:, enough], [tail, 1.0 - tail], axis=0)
    return Bootstrapped(
        providers=providers, low=ends[0], high=ends[1], drawn=drawn.astype(np.int64), draws=draws, failed=failed
    )


def _once(
    models: Sequence[MixedModel], at: Sequence[NDArray[np.int64]], times: Floats, random: np.random.Generator
) -> Floats | None:
    """The combined ratio of every provider (NaN: in no cohort of this draw), or None where a cohort cannot be fitted."""
    cases, logs = np.zeros(len(times)), np.zeros(len(times))
    for model, place in zip(models, at, strict=True):
        weight = times[place]
        if np.count_nonzero(weight) < 2:
            continue
        ratio = _of_cohort(model, weight, random)
        if ratio is None:
            return None
        cases[place] += model.cases
        logs[place] += model.cases * np.log(ratio)
    means = np.divide(logs, cases, out=np.full(len(times), np.nan), where=cases > 0)
    return np.asarray(np.exp(means), dtype=np.float64)


def _of_cohort(model: MixedModel, weight: Floats, random: np.random.Generator) -> Floats | None:
    problem = replace(model.fitted_cases.problem, weight=weight)
    start = model.state if model.sigma > 0 else None
    try:
        fitted = estimate(problem, model.coefficients, engine=model.engine, dispersion=model.dispersion, start=start)
    except np.linalg.LinAlgError:
        return None
    if not fitted.converged:
        return None
    mean_factors = model.fitted_cases.mean_factors
    inside, between = at_average(problem, fitted.linear, fitted.state.coefficients, mean_factors)
    effects = fitted.state.effects + np.sqrt(fitted.effect_variance) * random.standard_normal(len(weight))
    predicted, expected = inside.sums_of_means(between + effects), inside.sums_of_means(np.zeros_like(between))
    return np.asarray(predicted / expected, dtype=np.float64)
