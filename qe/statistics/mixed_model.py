"""What a model with a random intercept a provider says of each provider: predicted over expected, its variance and interval."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
import scipy
from numpy.typing import NDArray

from qe.errors import CannotFit
from qe.statistics import reliability
from qe.statistics.effect_posterior import EffectPosterior, effect_posterior
from qe.statistics.marginal_likelihood import Problem, State
from qe.statistics.random_intercept import Engine, Fitted

Floats = NDArray[np.float64]
Sigma = Literal["integrated", "known"]


@dataclass(frozen=True, kw_only=True)
class MixedModel:
    """Arrays by provider follow `providers` (sorted, unique).

    coefficients     (p + 1,) constant first; with correlated effects the factors' means by provider follow
    standard_errors  of the coefficients, sigma and effects taken as known (lme4: use.hessian=FALSE)
    sigma            standard deviation of the effects; 0 where providers do not differ: then every ratio is 1
    effects          each provider's own intercept against the average, on the scale of the link
    effect_variance  conditional variance of the effects, 1/H_j
    between          what the provider's mean factors add to its intercept (correlated effects), its mean over cases 0; else 0
    dispersion       of counts that vary more than Poisson; else infinite
    predicted        sum over the cases of what the model predicts at this provider
    expected         sum over the cases of what it predicts at the average provider (effect and `between` 0)
    ratio            predicted / expected
    overall          observed outcomes over all cases, by which a ratio becomes a risk-standardised rate
    """

    providers: tuple[str, ...]
    cases: NDArray[np.int64]
    observed: Floats
    engine: Engine
    coefficients: Floats
    standard_errors: Floats
    sigma: float
    effects: Floats
    effect_variance: Floats
    between: Floats
    dispersion: float
    log_likelihood: float
    predicted: Floats
    expected: Floats
    ratio: Floats
    overall: float
    converged: bool
    fitted_cases: "FittedCases" = field(repr=False)

    @property
    def state(self) -> State:
        return State(coefficients=self.coefficients, sigma=self.sigma, effects=self.effects, dispersion=self.dispersion)

    @property
    def standardised_rate(self) -> Floats:
        """Risk-standardised rate: ratio times the overall rate."""
        return self.ratio * self.overall

    @property
    def reliability(self) -> Floats:
        """The share of signal in each effect, 0 to 1; 0 where providers do not differ."""
        return reliability.of_effects(self.effect_variance, self.sigma)

    @property
    def log_ratio_variance(self) -> Floats:
        """Variance of the logarithm of each ratio by the effect's (delta method); 0 where providers do not differ."""
        return self.log_ratio_slope**2 * self.effect_variance

    @property
    def log_ratio_slope(self) -> Floats:
        """Derivative of the logarithm of each ratio by the effect."""
        return self.fitted_cases.sums_of_slopes(self.between + self.effects) / self.predicted

    @cached_property
    def posterior(self) -> EffectPosterior:
        """What each effect may be, sigma not taken as known (by Laplace's approximation, whatever the engine)."""
        return effect_posterior(self.fitted_cases.problem, self.state)

    def interval(self, *, confidence: float, sigma: Sigma = "integrated") -> tuple[Floats, Floats]:
        """The ratio at the ends of each effect's interval; the coefficients of factors are taken as known.

        sigma  integrated: over all that it may be; known: effect +- z sqrt(variance) at the estimated one, which holds too few
               providers where they differ little

        A public label needs the bootstrap instead (qe.statistics.bootstrap). Source: statistics.md, 1.1; effect_posterior.py.
        """
        tail = 0.5 - confidence / 2.0
        if sigma == "integrated":
            low, high = self.posterior.quantile(tail), self.posterior.quantile(1.0 - tail)
        else:
            half = scipy.stats.norm.ppf(1.0 - tail) * np.sqrt(self.effect_variance)
            low, high = self.effects - half, self.effects + half
        return (
            self.fitted_cases.sums_of_means(self.between + low) / self.expected,
            self.fitted_cases.sums_of_means(self.between + high) / self.expected,
        )


@dataclass(frozen=True, kw_only=True)
class FittedCases:
    """average       (n,) each case's linear predictor at the average provider
    mean_factors  (J, q) of correlated effects, each column's mean over the cases 0; q is 0 otherwise
    """

    problem: Problem
    average: Floats
    mean_factors: Floats

    def means(self, intercepts: Floats) -> Floats:
        """What is predicted of each case (n,) with these intercepts of providers (J,)."""
        return self.problem.family.mean(self.average + intercepts[self.problem.cases.place])

    def sums_of_means(self, intercepts: Floats) -> Floats:
        """By provider the sum of what is predicted with these intercepts (J,)."""
        return self.problem.cases.sums(self.means(intercepts))

    def sums_of_slopes(self, intercepts: Floats) -> Floats:
        """By provider the derivative of that sum by the intercept."""
        step = 1e-5
        return (self.sums_of_means(intercepts + step) - self.sums_of_means(intercepts - step)) / (2.0 * step)

    def log_ratio(self, intercepts: Floats) -> Floats:
        """By provider ln(predicted / expected) with these intercepts."""
        return np.asarray(
            np.log(self.sums_of_means(intercepts) / self.sums_of_means(np.zeros_like(intercepts))), dtype=np.float64
        )


def at_average(
    problem: Problem, linear: Floats, coefficients: Floats, mean_factors: Floats
) -> tuple[FittedCases, Floats]:
    """The cases at the average provider, and what each provider's mean factors add to its intercept (J,)."""
    between = np.asarray(mean_factors @ coefficients[len(coefficients) - mean_factors.shape[1] :], dtype=np.float64)
    average = linear - between[problem.cases.place]
    return FittedCases(problem=problem, average=average, mean_factors=mean_factors), between


def described(
    problem: Problem, fitted: Fitted, *, engine: Engine, mean_factors: Floats | None, exposure: Floats | None
) -> MixedModel:
    """The model as providers see it.

    mean_factors  (J, q) of correlated effects; None otherwise
    exposure      (n,) of counts, by which `overall` is a rate; None: a case is one
    """
    cases, state = problem.cases, fitted.state
    none = np.empty((len(cases.providers), 0))
    inside, between = at_average(
        problem, fitted.linear, state.coefficients, none if mean_factors is None else mean_factors
    )
    predicted = inside.sums_of_means(between + state.effects)
    expected = inside.sums_of_means(np.zeros_like(between))
    below = float(len(cases.outcome)) if exposure is None else float(exposure.sum())
    return MixedModel(
        providers=cases.providers,
        cases=cases.count.astype(np.int64),
        observed=cases.sums(cases.outcome),
        engine=engine,
        coefficients=state.coefficients,
        standard_errors=np.sqrt(np.diag(fitted.covariance)),
        sigma=state.sigma,
        effects=state.effects,
        effect_variance=fitted.effect_variance,
        between=between,
        dispersion=state.dispersion,
        log_likelihood=fitted.log_likelihood,
        predicted=predicted,
        expected=expected,
        ratio=predicted / expected,
        overall=float(cases.outcome.sum()) / below,
        converged=fitted.converged,
        fitted_cases=inside,
    )


@dataclass(frozen=True, kw_only=True)
class Combined:
    """Ratios of several cohorts, combined by provider: the volume-weighted geometric mean.

    log_ratio_variance  sum of (n_c / n)^2 times the cohort's; 0 where no cohort's providers differ
    reliability         1 - that sum / the same sum of the cohorts' variances between providers, 0 to 1
    """

    providers: tuple[str, ...]
    cases: NDArray[np.int64]
    ratio: Floats
    log_ratio_variance: Floats
    reliability: Floats
    overall: float

    @property
    def standardised_rate(self) -> Floats:
        return self.ratio * self.overall

    def interval(self, *, confidence: float) -> tuple[Floats, Floats]:
        """ratio times exp(+- z standard errors of its logarithm); coefficients and sigmas taken as known."""
        half = scipy.stats.norm.ppf(0.5 + confidence / 2.0) * np.sqrt(self.log_ratio_variance)
        return self.ratio * np.exp(-half), self.ratio * np.exp(half)


def combined(models: Sequence[MixedModel]) -> Combined:
    """Cohorts that were modelled apart, as one ratio a provider: exp(sum n_c ln ratio_c / sum n_c).

    Source: Yale CORE, Hospital-Wide Readmission (five specialty cohorts); its variance: statistics.md, correction 4.
    """
    if not models:
        raise CannotFit("there is no cohort to combine")
    providers, places = places_of(models)
    cases, logs, within, between = (np.zeros(len(providers)) for _ in range(4))
    for model, at in zip(models, places, strict=True):
        cases[at] += model.cases
        logs[at] += model.cases * np.log(model.ratio)
        slope = model.cases * model.log_ratio_slope
        within[at] += slope**2 * model.effect_variance
        between[at] += slope**2 * model.sigma**2
    return Combined(
        providers=providers,
        cases=cases.astype(np.int64),
        ratio=np.exp(logs / cases),
        log_ratio_variance=within / cases**2,
        reliability=np.where(between > 0, 1.0 - within / np.where(between > 0, between, 1.0), 0.0),
        overall=sum(float(model.observed.sum()) for model in models) / float(cases.sum()),
    )


def places_of(models: Sequence[MixedModel]) -> tuple[tuple[str, ...], list[NDArray[np.int64]]]:
    """Every provider of any model (sorted), and where each model's providers stand among them."""
    providers = tuple(sorted({name for model in models for name in model.providers}))
    return providers, [np.searchsorted(providers, model.providers).astype(np.int64) for model in models]
