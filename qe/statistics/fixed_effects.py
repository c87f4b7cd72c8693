"""Providers compared by a logistic model with an own intercept each: observed over expected at the median provider, or in balance.

Nothing is drawn together: a provider's result rests on its own cases alone, and the slopes on what varies within providers,
so that they hold even where providers with harder cases are better or worse.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit

from qe.errors import CannotFit
from qe.statistics import poisson_binomial
from qe.statistics.cases import Cases, checked, determined, listed, require_full_rank

Floats = NDArray[np.float64]
Reference = Literal["median", "balanced"]

BOUND: Final = 10.0  # log odds an effect may lie from the reference: where providers without an event, or with events only, are put
TAIL: Final = 0.025  # of each side, at 95 %
_ROWS: Final = 200_000  # of the factors, at a time
_NODES: Final = 128  # of Chebyshev: sums of logistic curves over log odds of 20 are exact to rounding
_MOST_STEPS: Final = 50


@dataclass(frozen=True, kw_only=True)
class FixedEffects:
    """Arrays by provider follow `providers` (sorted, unique); `cases` and `observed` are what each provider has.

    coefficients     (p,) log odds of the factors: there is no constant, each provider has its own (`effects`)
    standard_errors  (p,) of the coefficients, by the observed information
    effects          log odds of each provider's intercept; reference -10 without an event, reference +10 with events only
    effect_errors    their standard errors; infinite without an event and with events only
    reference        the effect against which all is expected: the median one, or the one at which all expect what is observed
    expected         events, had the provider's cases the reference's effect
    indirect_ratio   observed / expected
    direct_ratio     events of all cases, had all the provider's effect, / events of all
    score_z          (observed - expected) / standard deviation of what is expected
    p_upper          mid-P of as many events or more at the reference's effect (Poisson-binomial)
    p_value          two-sided: 2 min(p_upper, 1 - p_upper)
    flag             1 more events than expected at 95 % (worse, where events are bad), -1 fewer, 0 neither
    effect_low       effect at which p_upper is 0.025; -inf without an event
    effect_high      effect at which p_upper is 0.975; inf with events only
    ratio_low        the indirect ratio at effect_low; 0 without an event
    ratio_high       the indirect ratio at effect_high; cases / expected with events only, which no ratio exceeds
    """

    providers: tuple[str, ...]
    cases: Floats
    observed: Floats
    coefficients: Floats
    standard_errors: Floats
    effects: Floats
    effect_errors: Floats
    reference: float
    expected: Floats
    indirect_ratio: Floats
    direct_ratio: Floats
    score_z: Floats
    p_upper: Floats
    p_value: Floats
    flag: NDArray[np.int64]
    effect_low: Floats
    effect_high: Floats
    ratio_low: Floats
    ratio_high: Floats
    converged: bool
    iterations: int


def fit(y: ArrayLike, x: ArrayLike, provider: ArrayLike, *, reference: Reference = "median") -> FixedEffects:
    """Fit an intercept a provider and common slopes by maximum likelihood, and hold each provider against the reference.

    y         (n,) 1 where the case had the event, else 0
    x         (n, p) factors, without a constant; p may be 0
    provider  (n,) labels; at least two providers
    reference median: the median effect, as pprof compares; balanced: the effect at which the expected events of all cases are as
              many as were observed. Of small providers the median effect lies low (the logarithm of a low rate lies farther from
              the truth than that of a high one), so that more are flagged than should be; in balance as many are as should.

    The slopes rest on providers with some events but not only events: the others say nothing of them, and are bounded.
    The test and the interval take the slopes and the reference as known.

    Raises CannotFit where `cases.checked` does; when outcomes are other than 0 and 1; when no provider has cases both with
    and without the event, or half of all have no event (or events only), so that there is no median to compare with; when a
    factor is constant, repeats others or does not vary within providers; and when factors separate the events from the rest.

    Source: He et al. (2013), Lifetime Data Anal 19:490 (fixed effects, exact test); Wu et al. (2022), Stat Med 41:2840
    (block Newton, bound).
    """
    if reference not in get_args(Reference):
        raise CannotFit(f"there is no such reference: choose one of {', '.join(get_args(Reference))}")
    cases = checked(y, x, provider, least_providers=2)
    if not np.isin(cases.outcome, (0.0, 1.0)).all():
        raise CannotFit("outcomes are other than 0 and 1", remedy="Give 1 where the case had the event, else 0.")
    count, observed = cases.count, cases.sums(cases.outcome)
    is_mixed = (observed > 0) & (observed < count)
    if not is_mixed.any():
        raise CannotFit(
            "no provider has cases both with and without the event: nothing varies within providers",
            remedy="Pool providers, or compare observed with expected events of a model without effects.",
        )
    if reference == "median" and max((observed == 0).mean(), (observed == count).mean()) >= 0.5:
        raise CannotFit(
            f"{int((observed == 0).sum()):,} of {len(count):,} providers have no event and "
            f"{int((observed == count).sum()):,} have events only: there is no median provider to compare with",
            remedy="Leave out providers with few cases, compare in balance (reference='balanced'), "
            "or fit effects that are drawn together (mixed_logit).",
        )
    likelihood = _Likelihood(cases=cases, is_mixed=is_mixed, centre=cases.factors.mean(axis=0))
    likelihood.require_variation_within()
    found = likelihood.maximum()
    effects = np.where(is_mixed, found.effects, np.where(observed == 0, -np.inf, np.inf))
    against = float(np.median(effects)) if reference == "median" else _balance(found.log_odds, cases.outcome.mean())
    return _compared(cases, found, np.clip(effects, against - BOUND, against + BOUND), against)


def _balance(log_odds: Floats, rate: float) -> float:
    """The effect at which the mean chance of all cases is `rate`, between 0 and 1."""
    middle = float(logit(rate))
    low, high = middle - log_odds.max() - 1e-3, middle - log_odds.min() + 1e-3
    return float(scipy.optimize.brentq(lambda effect: expit(log_odds + effect).mean() - rate, low, high, xtol=1e-12))


@dataclass(frozen=True, kw_only=True)
class _Maximum:
    coefficients: Floats
    effects: Floats
    log_odds: Floats  # of each case, without its provider's effect
    standard_errors: Floats
    effect_errors: Floats
    converged: bool
    iterations: int


@dataclass(frozen=True, kw_only=True)
class _Curvature:
    """Information by blocks: of the factors, of factors with providers, of providers; `schur` what is left of the first."""

    crossed: Floats
    own: Floats
    schur: Floats

    def solve(self, along_factors: Floats, along_providers: Floats) -> tuple[Floats, Floats]:
        step = self.times_inverse(along_factors - self.crossed.T @ (along_providers / self.own))
        return step, (along_providers - self.crossed @ step) / self.own

    def times_inverse(self, right: Floats) -> Floats:
        if not len(self.schur):
            return right
        diagonal = np.diag(self.schur)
        if (diagonal <= 0).any():
            raise np.linalg.LinAlgError("a factor carries no information")
        scale = np.sqrt(diagonal)
        factor = scipy.linalg.cho_factor(self.schur / np.outer(scale, scale))
        solved = scipy.linalg.cho_solve(factor, (right.T / scale).T)
        return np.asarray((solved.T / scale).T, dtype=np.float64)

    def errors(self, centre: Floats) -> tuple[Floats, Floats]:
        """Standard errors of the slopes, and of the effects where all factors are 0."""
        inverse = self.times_inverse(np.eye(len(self.schur)))
        shared = self.crossed / self.own[:, None] + centre
        return np.sqrt(np.diag(inverse)), np.sqrt(1 / self.own + np.einsum("jp,pq,jq->j", shared, inverse, shared))


@dataclass(frozen=True, kw_only=True)
class _Likelihood:
    """Of the providers that have both kinds of case; factors about their mean, which is kinder to rounding."""

    cases: Cases
    is_mixed: NDArray[np.bool_]
    centre: Floats

    def maximum(self) -> _Maximum:
        cases, counted = self.cases, self.is_mixed[self.cases.place]
        count, observed = cases.count, cases.sums(cases.outcome)
        effects = np.where(self.is_mixed, np.log((observed + 0.5) / (count - observed + 0.5)), 0.0)
        slopes, log_odds = np.zeros(cases.factors.shape[1]), np.zeros(len(cases.outcome))
        along = log_odds + effects[cases.place]
        reached, converged, steps = self._log_likelihood(along, counted), False, 0
        while not converged and steps < _MOST_STEPS:
            steps += 1
            chance = expit(along)
            surprise = np.where(counted, cases.outcome - chance, 0.0)
            to_slopes, to_effects = self._transposed(surprise), cases.sums(surprise)
            step, effect_step = self._step(np.where(counted, chance * (1 - chance), 0.0), to_slopes, to_effects)
            forecast = float(to_slopes @ step + to_effects @ effect_step)
            moved = self._times(step)
            way = np.where(counted, moved + effect_step[cases.place], 0.0)
            size, tried = 1.0, self._log_likelihood(along + way, counted)
            while tried < reached - 1e-9 * abs(reached) and size > 1e-6:
                size /= 2
                tried = self._log_likelihood(along + size * way, counted)
            slopes, effects = slopes + size * step, effects + size * effect_step
            log_odds = log_odds + size * moved
            along, reached = log_odds + effects[cases.place], tried
            if forecast < 1e-8:  # twice the log likelihood that is left; one step further it is its square
                if np.abs(way).max() > 0.5:
                    raise _separated(step * self.cases.factors.std(axis=0))
                converged = True
        chance = expit(along)
        try:
            errors, effect_errors = self._curvature(np.where(counted, chance * (1 - chance), 0.0)).errors(self.centre)
        except np.linalg.LinAlgError:
            raise _separated(slopes * cases.factors.std(axis=0)) from None
        shift = float(self.centre @ slopes)
        return _Maximum(
            coefficients=slopes,
            effects=effects - shift,
            log_odds=log_odds + shift,
            standard_errors=errors,
            effect_errors=np.where(self.is_mixed, effect_errors, np.inf),
            converged=converged,
            iterations=steps,
        )

    def require_variation_within(self) -> None:
        """CannotFit names the factors that are constant, repeat others, or say nothing beside whose case it is."""
        factors = self.cases.factors
        if not factors.shape[1]:
            return
        require_full_rank(factors)
        within = self._curvature(self.is_mixed[self.cases.place].astype(np.float64)).schur
        scale = np.maximum(np.sqrt(np.maximum(np.diag(within), 0)), 1e-5 * np.sqrt(len(factors)) * factors.std(axis=0))
        silent = determined(within / np.outer(scale, scale))
        if silent:
            raise CannotFit(
                f"{len(silent)} of {factors.shape[1]} factors say nothing within providers that have both kinds of case "
                f"(columns {listed(silent)})",
                remedy="Leave them out: a provider's own intercept takes up what all its cases share.",
            )

    def _step(self, weight: Floats, to_slopes: Floats, to_effects: Floats) -> tuple[Floats, Floats]:
        try:
            return self._curvature(weight).solve(to_slopes, to_effects)
        except np.linalg.LinAlgError:
            raise _separated(np.zeros(0)) from None

    def _curvature(self, weight: Floats) -> _Curvature:
        place, providers = self.cases.place, len(self.cases.providers)
        own = np.where(self.is_mixed, np.maximum(self.cases.sums(weight), 1e-300), 1.0)
        width = self.cases.factors.shape[1]
        among, crossed = np.zeros((width, width)), np.zeros((providers, width))
        for rows, block in self._blocks():
            weighted = block * weight[rows, None]
            among += block.T @ weighted
            whose = scipy.sparse.csr_matrix(
                (np.ones(len(block)), place[rows], np.arange(len(block) + 1)), shape=(len(block), providers)
            )
            crossed += np.asarray(whose.T @ weighted)
        return _Curvature(crossed=crossed, own=own, schur=among - crossed.T @ (crossed / own[:, None]))

    def _times(self, slopes: Floats) -> Floats:
        return np.asarray(self.cases.factors @ slopes - self.centre @ slopes, dtype=np.float64)

    def _transposed(self, values: Floats) -> Floats:
        return np.asarray(self.cases.factors.T @ values - self.centre * values.sum(), dtype=np.float64)

    def _blocks(self) -> Iterator[tuple[slice, Floats]]:
        for first in range(0, len(self.cases.outcome), _ROWS):
            rows = slice(first, first + _ROWS)
            yield rows, self.cases.factors[rows] - self.centre

    def _log_likelihood(self, along: Floats, counted: NDArray[np.bool_]) -> float:
        return float(np.sum(np.where(counted, self.cases.outcome * along - np.logaddexp(0, along), 0.0)))


def _separated(leading: Floats) -> CannotFit:
    among = np.flatnonzero(np.abs(leading) > 0.1 * np.abs(leading).max()).tolist() if len(leading) else []
    named = f" (columns {listed(among)})" if among else ""
    return CannotFit(
        f"factors separate the cases with the event from the rest within providers{named}: no slope is large enough",
        remedy="Leave them out, or merge them with factors that have both kinds of case.",
    )


def _compared(cases: Cases, found: _Maximum, effects: Floats, reference: float) -> FixedEffects:
    count, observed, place = cases.count, cases.sums(cases.outcome), cases.place
    at_reference = found.log_odds + reference
    chance = expit(at_reference)
    expected = cases.sums(chance)
    tails = poisson_binomial.tails(observed, at_reference, place)
    low = reference + poisson_binomial.shift_to(observed, at_reference, place, upper=TAIL)
    high = reference + poisson_binomial.shift_to(observed, at_reference, place, upper=1 - TAIL)
    return FixedEffects(
        providers=cases.providers,
        cases=count,
        observed=observed,
        coefficients=found.coefficients,
        standard_errors=found.standard_errors,
        effects=effects,
        effect_errors=found.effect_errors,
        reference=reference,
        expected=expected,
        indirect_ratio=observed / expected,
        direct_ratio=_events_of_all(found.log_odds, effects) / observed.sum(),
        score_z=(observed - expected) / np.sqrt(cases.sums(chance * (1 - chance))),
        p_upper=tails.upper,
        p_value=np.minimum(1.0, 2 * np.minimum(tails.lower, tails.upper)),
        flag=np.where(tails.upper < TAIL, 1, np.where(tails.lower < TAIL, -1, 0)).astype(np.int64),
        effect_low=low,
        effect_high=high,
        ratio_low=cases.sums(expit(found.log_odds + low[place])) / expected,
        ratio_high=cases.sums(expit(found.log_odds + high[place])) / expected,
        converged=found.converged,
        iterations=found.iterations,
    )


def _events_of_all(log_odds: Floats, effects: Floats) -> Floats:
    """Events among all cases at each effect. Of many effects, by the polynomial through those at Chebyshev's nodes."""
    if len(effects) <= _NODES:
        return np.array([expit(log_odds + effect).sum() for effect in effects])
    middle, half = (effects.max() + effects.min()) / 2, max((effects.max() - effects.min()) / 2, 1e-9)
    nodes = np.cos(np.pi * (np.arange(_NODES) + 0.5) / _NODES)
    at_nodes = np.array([expit(log_odds + middle + half * node).sum() for node in nodes])
    polynomial = np.polynomial.chebyshev.chebfit(nodes, at_nodes, _NODES - 1)
    return np.asarray(np.polynomial.chebyshev.chebval((effects - middle) / half, polynomial), dtype=np.float64)
