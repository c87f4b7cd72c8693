"""Expected outcomes from a risk model: a logistic model of events, a log-linear model of mean cost.

statsmodels takes seconds to load: only what fits a model loads it (`load_libraries` does so ahead of time).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from threading import Thread

import numpy as np
import scipy
from numpy.typing import NDArray

from qe.statistics import ordinary
from qe.statistics.design import Design

Floats = NDArray[np.float64]


def load_libraries() -> None:
    """Load what fits models, on a thread of its own, while something else waits for files or the database."""
    modules = ("scipy.stats", "statsmodels.discrete.discrete_model", "statsmodels.genmod.generalized_linear_model")
    Thread(target=lambda: [import_module(module) for module in modules], daemon=True).start()


@dataclass(frozen=True, kw_only=True)
class RiskModel:
    """A fitted model.

    expected    by event: probability, or mean amount times exposure
    terms       (term, estimate, standard error); the intercept first
    engine      what was fitted: "logistic", "quasi_poisson", or "oe" when only the overall mean could be
    c_statistic of a logistic model; None otherwise
    level       the overall mean: of an event, or of a unit of exposure
    """

    expected: Floats
    terms: tuple[tuple[str, float, float], ...]
    engine: str
    converged: bool
    c_statistic: float | None
    level: float


def logistic(outcome: Floats, design: Design) -> RiskModel:
    """One logistic model over all events, by Newton's method; the expected number of events equals the observed.

    Where it does not converge or separates, the overall rate is every event's expected value, and the result says so.

    outcome  0 or 1, by event
    """
    rate = float(outcome.mean()) if len(outcome) else float("nan")
    fitted = ordinary.logit(outcome, design.x) if 0 < rate < 1 else None
    if fitted is None:
        flat = np.full(len(outcome), rate)
        return RiskModel(expected=flat, terms=(), engine="oe", converged=False, c_statistic=None, level=rate)
    coefficients, errors, expected = fitted
    return RiskModel(
        expected=expected,
        terms=_named(design, coefficients, errors),
        engine="logistic",
        converged=True,
        c_statistic=c_statistic(outcome, expected),
        level=rate,
    )


def mean_cost(amount: Floats, exposure: Floats, design: Design) -> RiskModel:
    """A log-linear model of the mean amount per unit of exposure, by quasi-likelihood (Poisson score equations).

    Right for the mean of any skewed amount, zeros included, as long as the logarithm of the mean is linear in the terms;
    standard errors carry the estimated dispersion.

    amount    dollars by person, >= 0
    exposure  member months by person, > 0

    Source: Wedderburn (1974), Biometrika 61:439; Santos Silva and Tenreyro (2006), Rev Econ Stat 88:641.
    """
    overall = float(amount.sum() / exposure.sum()) if exposure.sum() > 0 else float("nan")
    flat = RiskModel(
        expected=exposure * overall, terms=(), engine="oe", converged=False, c_statistic=None, level=overall
    )
    if not overall > 0:
        return flat
    fitted = ordinary.log_linear(amount, exposure, design.x)
    if fitted is None:
        return flat
    coefficients, errors, expected = fitted
    return RiskModel(
        expected=expected,
        terms=_named(design, coefficients, errors),
        engine="quasi_poisson",
        converged=True,
        c_statistic=None,
        level=overall,
    )


def _named(design: Design, coefficients: Floats, errors: Floats) -> tuple[tuple[str, float, float], ...]:
    names = ("intercept", *design.terms)
    return tuple(
        (name, float(estimate), float(error)) for name, estimate, error in zip(names, coefficients, errors, strict=True)
    )


def c_statistic(outcome: Floats, expected: Floats) -> float:
    """The share of pairs, one with the outcome and one without, in which the first has the higher expected value.

    Source: Hanley and McNeil (1982), Radiology 143:29 (ties count one half).
    """
    cases = float(outcome.sum())
    others = len(outcome) - cases
    if not cases or not others:
        return float("nan")
    ranks = scipy.stats.rankdata(expected)
    return float((ranks[outcome == 1].sum() - cases * (cases + 1) / 2) / (cases * others))


def line_scales(expected: Floats, observed: Floats, lines: NDArray[np.str_]) -> dict[str, float]:
    """By payer line what makes the sum of expected values the observed sum (measures_spec.md, correction 12)."""
    scales = {}
    for line in np.unique(lines):
        inside = lines == line
        below = float(expected[inside].sum())
        scales[str(line)] = float(observed[inside].sum()) / below if below > 0 else 1.0
    return scales


def scaled(expected: Floats, lines: NDArray[np.str_], scales: Mapping[str, float]) -> Floats:
    """Expected values times the scale of their payer line; a line without one keeps them."""
    return np.asarray(expected * np.array([scales.get(str(line), 1.0) for line in lines]), dtype=np.float64)
