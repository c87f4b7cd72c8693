"""A measure's providers on a random-intercept model, cohort by cohort: what `[scoring] model = "mixed_logit"` asks for.

Each cohort has a model of its own; a provider's ratio combines them by volume. Where fewer than LEAST_PROVIDERS providers have
cases of a cohort, or a cohort's model cannot be fitted, the measure is not modelled so: observed over expected stands instead,
and the model table says why (statistics.md, correction 3).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from qe.errors import CannotFit
from qe.statistics import bootstrap, mixed_logit
from qe.statistics.bootstrap import DrawnModel
from qe.statistics.cases import checked
from qe.statistics.design import Design, build
from qe.statistics.effect_posterior import at_sigma
from qe.statistics.families import Bernoulli
from qe.statistics.marginal_likelihood import State, problem_of
from qe.statistics.mixed_model import Combined, MixedModel, combined, described
from qe.statistics.random_intercept import Fitted
from qe.statistics.reference import FrozenModel

Floats = NDArray[np.float64]

LEAST_PROVIDERS: Final = 10  # of a cohort; fewer do not tell how much providers differ
SEED: Final = 20240101  # of the bootstrap: the same cases give the same interval

STANDING_SCHEMA: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "provider_id": pl.String,
    "ratio": pl.Float64,
    "ci_low": pl.Float64,
    "ci_high": pl.Float64,
    "log_error": pl.Float64,
    "model_reliability": pl.Float64,
}


@dataclass(frozen=True, kw_only=True)
class Hierarchical:
    """One model a cohort, by its name; designs and events (event_id, in the model's order) go with them.

    expected   event_id, expected, predicted: at the average provider, and at its own; one row an event of the models
    """

    models: Mapping[str, MixedModel]
    designs: Mapping[str, Design]
    events: Mapping[str, pl.DataFrame]

    @property
    def expected(self) -> pl.DataFrame:
        parts = []
        for cohort, model in self.models.items():
            none = np.zeros_like(model.effects)
            expected = model.fitted_cases.means(none)
            predicted = model.fitted_cases.means(model.between + model.effects)
            parts.append(
                self.events[cohort].select("event_id", expected=pl.Series(expected), predicted=pl.Series(predicted))
            )
        return pl.concat(parts).sort("event_id")

    @property
    def converged(self) -> bool:
        return all(model.converged for model in self.models.values())


def fitted(events: pl.DataFrame, covariates: pl.DataFrame, families: Sequence[str]) -> Hierarchical:
    """Fit each cohort's model. CannotFit says which cohort stands in the way, and why.

    events  event_id, provider_id, model_cohort, observed (0 or 1): one row an event
    """
    models, designs, kept = {}, {}, {}
    for cohort in sorted(events["model_cohort"].unique()):
        part = events.filter(pl.col("model_cohort") == cohort).sort("event_id")
        named = f"of {cohort.replace('_', ' ')}" if cohort else "of this measure"
        providers = part["provider_id"].n_unique()
        if providers < LEAST_PROVIDERS:
            raise CannotFit(
                f"{providers} providers have cases {named}, and fewer than {LEAST_PROVIDERS} do not tell how providers differ"
            )
        outcome = part["observed"].to_numpy()
        design = build(covariates, part["event_id"].to_list(), families, outcome)
        try:
            models[cohort] = mixed_logit.fit(outcome, design.x, part["provider_id"].to_numpy())
        except CannotFit as refused:
            raise CannotFit(f"the model {named}: {refused.message}") from refused
        designs[cohort], kept[cohort] = design, part
    return Hierarchical(models=models, designs=designs, events=kept)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What a measure's models say of its providers.

    table  STANDING_SCHEMA, one row a provider: the cohorts' ratios combined, with the bootstrap's interval
    drawn  the models of that bootstrap, by cohort; providers: in the order of their random numbers
    """

    table: pl.DataFrame
    providers: tuple[str, ...]
    drawn: Mapping[str, DrawnModel]


def standing(found: Hierarchical, *, draws: int, confidence: float) -> Standing:
    models = list(found.models.values())
    ratios = combined(models)
    ends = bootstrap.interval(models, draws=draws, seed=SEED, confidence=confidence)
    return Standing(
        table=_table(ratios, ends.low, ends.high),
        providers=ends.providers,
        drawn=dict(zip(found.models, ends.models, strict=True)),
    )


def standing_again(
    cases: Mapping[str, tuple[Floats, Floats]],
    models: Mapping[str, FrozenModel],
    drawn: Mapping[str, DrawnModel],
    *,
    providers: Sequence[str],
    provider: str,
    confidence: float,
) -> pl.DataFrame:
    """What the same models say of one provider's cases as they are now: STANDING_SCHEMA, one row.

    cases  by cohort (n,) outcomes and (n, p) factors of this provider alone; none of a cohort it has no cases of
    """
    again = {name: _as_fitted(*cases[name], models[name], provider) for name in models if name in cases}
    ratios = combined(list(again.values()))
    ends = bootstrap.of_one(
        [again[name].fitted_cases if name in again else None for name in models],
        [drawn[name] for name in models],
        providers=providers,
        provider=provider,
        seed=SEED,
        confidence=confidence,
    )
    return _table(ratios, np.array(ends[:1]), np.array(ends[1:]))


def _as_fitted(outcome: Floats, factors: Floats, model: FrozenModel, provider: str) -> MixedModel:
    """The model at its own coefficients and sigma, with this provider's effect."""
    problem = problem_of(checked(outcome, factors, np.full(len(outcome), provider)), Bernoulli(outcome))
    coefficients, none = np.array(model.coefficients), np.zeros(1)
    linear = problem.linear(coefficients)
    effects, variance = at_sigma(problem, linear, none, model.sigma) if model.sigma > 0 else (none, none)
    fitted = Fitted(
        state=State(coefficients=coefficients, sigma=model.sigma, effects=effects),
        effect_variance=variance,
        covariance=np.full((len(coefficients),) * 2, np.nan),
        log_likelihood=float("nan"),
        linear=linear,
        converged=True,
    )
    return described(problem, fitted, engine="laplace", mean_factors=None, exposure=None)


def _table(ratios: Combined, low: Floats, high: Floats) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "provider_id": list(ratios.providers),
            "ratio": ratios.ratio,
            "ci_low": low,
            "ci_high": high,
            "log_error": np.sqrt(ratios.log_ratio_variance),
            "model_reliability": ratios.reliability,
        },
        schema=STANDING_SCHEMA,
    ).with_columns(pl.col(pl.Float64).fill_nan(None))
