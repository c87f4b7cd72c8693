"""Do the intervals hold what they promise, and how often is a provider labelled that differs in nothing?

Providers are drawn from the model many times over. Coverage is meant over such draws, never of one provider: shrinkage puts the
interval of an extreme provider to one side of its truth and that of an average one about it, and only together do they hold 95 %.
False labels are counted where providers do not differ at all, for fixed effects and observed over expected as well as for
shrunken results: shrunken ones pass such a test trivially, since the variance they find is near 0. Fixed effects are labelled
in balance; what the median provider as reference says is counted beside it (the median effect of small providers lies low).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import norm, poisson

from qe.statistics import bootstrap, fixed_effects, intervals, mixed_logit, multiplicity

Floats = NDArray[np.float64]
Z: Final = 1.959964
FALSE_DISCOVERY_RATE: Final = 0.05
METHODS: Final = ("fixed_effects", "observed_over_expected", "shrunken")
MEDIAN: Final = "fixed_effects_median"  # counted beside METHODS, held to no limit
BOOTSTRAP_DRAWS: Final = 400


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What is drawn. sigma: standard deviation of providers' log odds. Each provider has `least_cases` and lognormal more."""

    providers: int = 150
    cases: int = 15_000
    least_cases: int = 25
    factors: int = 4
    constant: float = -1.6
    sigma: float = 0.3


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """Cases of providers, and what is true of the providers. ratio: predicted / expected at the true coefficients and effects."""

    y: Floats
    x: Floats
    provider: NDArray[np.str_]
    providers: tuple[str, ...]
    cases: Floats
    observed: Floats
    ratio: Floats


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Share of 95 % intervals that hold the provider's true ratio. by_size: quarters of providers by cases, the smallest first."""

    seed: int
    replications: int
    intervals: int
    overall: float
    by_size: tuple[float, float, float, float]
    converged: int


@dataclass(frozen=True, kw_only=True)
class FalseLabels:
    """Labels of providers that differ in nothing, as shares of all providers drawn; `runs_after`: share of runs with any left.

    worse, better              whole 95 % interval (fixed effects: exact mid-P test) on one side
    worse_after, better_after  and an adjusted p-value (Benjamini and Hochberg) below 0.05
    runs_after                 with nothing true to find this is the false discovery rate
    """

    method: str
    seed: int
    replications: int
    labels: int
    worse: float
    better: float
    worse_after: float
    better_after: float
    runs_after: float


@dataclass(frozen=True, kw_only=True)
class Labels:
    """By provider. sign: 1 worse, -1 better, 0 neither; p: two-sided."""

    sign: Floats
    p: Floats


Interval = Callable[[Drawn, int], tuple[Floats, Floats, bool]]


def coverage(seed: int, replications: int, *, setting: Setting, interval: Interval | None = None) -> Coverage:
    """Of the analytic interval, or of `interval`: (cases drawn, seed of this draw) -> low, high, whether the model converged."""
    of = interval or analytic
    covered, quarter, converged = [], [], 0
    for drawn, own_seed in draws(seed, replications, setting=setting):
        low, high, is_converged = of(drawn, own_seed)
        covered.append((low <= drawn.ratio) & (drawn.ratio <= high))
        quarter.append(quarters(drawn.cases))
        converged += is_converged
    holds, size = np.concatenate(covered), np.concatenate(quarter)
    smallest, small, large, largest = (float(holds[size == place].mean()) for place in range(4))
    return Coverage(
        seed=seed,
        replications=replications,
        intervals=len(holds),
        overall=float(holds.mean()),
        by_size=(smallest, small, large, largest),
        converged=converged,
    )


def false_labels(seed: int, replications: int, *, setting: Setting) -> tuple[FalseLabels, ...]:
    """By each of METHODS, and MEDIAN beside them. The setting's sigma must be 0: else a label may be true."""
    if setting.sigma != 0:
        raise ValueError(f"labels are false for certain only where providers do not differ, got sigma={setting.sigma}")
    found: dict[str, list[Labels]] = {method: [] for method in (*METHODS, MEDIAN)}
    for drawn, _ in draws(seed, replications, setting=setting):
        for method, labels in labelled(drawn).items():
            found[method].append(labels)
    return tuple(counted(method, labels, seed=seed) for method, labels in found.items())


def counted(method: str, found: Sequence[Labels], *, seed: int) -> FalseLabels:
    """Over several draws."""
    sign = np.concatenate([one.sign for one in found])
    kept = [one.sign * (multiplicity.adjust(one.p, method="bh") < FALSE_DISCOVERY_RATE) for one in found]
    after = np.concatenate(kept)
    return FalseLabels(
        method=method,
        seed=seed,
        replications=len(found),
        labels=len(sign),
        worse=float((sign > 0).mean()),
        better=float((sign < 0).mean()),
        worse_after=float((after > 0).mean()),
        better_after=float((after < 0).mean()),
        runs_after=float(np.mean([one.any() for one in kept])),
    )


def draws(seed: int, replications: int, *, setting: Setting) -> Iterator[tuple[Drawn, int]]:
    """Each draw with a seed of its own, so that one may be looked at alone."""
    for own in np.random.SeedSequence(seed).generate_state(replications).tolist():
        yield draw(own, setting=setting), own


def draw(seed: int, *, setting: Setting) -> Drawn:
    """Providers of lognormal sizes with case mixes of their own and normal effects; one factor continuous, the others 0 or 1."""
    r = np.random.Generator(np.random.PCG64(seed))
    size = r.lognormal(0.0, 0.8, setting.providers)
    more = setting.cases - setting.least_cases * setting.providers
    count = setting.least_cases + r.multinomial(more, size / size.sum())
    place = np.repeat(np.arange(setting.providers), count)
    shift = r.normal(0.0, 0.3, setting.providers)
    x = np.empty((len(place), setting.factors))
    x[:, 0] = r.normal(size=len(place))
    for column in range(1, setting.factors):
        x[:, column] = r.random(len(place)) < expit(-1.0 - 0.3 * column + shift[place])
    slopes = np.concatenate([[0.25], np.linspace(0.5, -0.3, setting.factors - 1)])
    effects = setting.sigma * r.normal(size=setting.providers)
    log_odds = setting.constant + x @ slopes
    chance = expit(log_odds + effects[place])
    y = (r.random(len(place)) < chance).astype(np.float64)
    names = np.array([f"P{number:05d}" for number in range(setting.providers)])
    return Drawn(
        y=y,
        x=x,
        provider=names[place],
        providers=tuple(names.tolist()),
        cases=count.astype(np.float64),
        observed=np.bincount(place, weights=y).astype(np.float64),
        ratio=np.bincount(place, weights=chance) / np.bincount(place, weights=expit(log_odds)),
    )


def quarters(cases: Floats) -> NDArray[np.int64]:
    """0 for the quarter of providers with the fewest cases, to 3; equal sizes by their order."""
    rank = np.argsort(np.argsort(cases, kind="stable"), kind="stable")
    return np.asarray(4 * rank // len(cases), dtype=np.int64)


def analytic(drawn: Drawn, seed: int) -> tuple[Floats, Floats, bool]:
    """The ratio at the ends of the effect's interval, over all that sigma may be."""
    found = mixed_logit.fit(drawn.y, drawn.x, drawn.provider)
    return (*found.interval(confidence=0.95), bool(found.converged))


def sigma_known(drawn: Drawn, seed: int) -> tuple[Floats, Floats, bool]:
    """The same at the estimated sigma, as it is usually done; counted beside, held to no limit."""
    found = mixed_logit.fit(drawn.y, drawn.x, drawn.provider)
    return (*found.interval(confidence=0.95, sigma="known"), bool(found.converged))


def bootstrapped(drawn: Drawn, seed: int) -> tuple[Floats, Floats, bool]:
    """The interval that a public label needs: providers drawn anew, the model fitted anew."""
    return _bootstrapped(drawn, seed, "integrated")


def sigma_refitted(drawn: Drawn, seed: int) -> tuple[Floats, Floats, bool]:
    """The same with each draw's own sigma, as CMS takes it; counted beside, held to no limit."""
    return _bootstrapped(drawn, seed, "refitted")


def _bootstrapped(drawn: Drawn, seed: int, sigma: bootstrap.Sigma) -> tuple[Floats, Floats, bool]:
    model = mixed_logit.fit(drawn.y, drawn.x, drawn.provider)
    found = bootstrap.interval([model], draws=BOOTSTRAP_DRAWS, seed=seed, confidence=0.95, sigma=sigma)
    return found.low, found.high, bool(model.converged)


def labelled(drawn: Drawn) -> Mapping[str, Labels]:
    """By each of METHODS and MEDIAN."""
    return {
        "fixed_effects": _by_fixed_effects(drawn, "balanced"),
        "observed_over_expected": _by_observed_over_expected(drawn),
        "shrunken": _by_shrunken(drawn),
        MEDIAN: _by_fixed_effects(drawn, "median"),
    }


def _by_fixed_effects(drawn: Drawn, reference: fixed_effects.Reference) -> Labels:
    found = fixed_effects.fit(drawn.y, drawn.x, drawn.provider, reference=reference)
    return Labels(sign=np.asarray(found.flag, dtype=np.float64), p=np.asarray(found.p_value, dtype=np.float64))


def _by_observed_over_expected(drawn: Drawn) -> Labels:
    """Exact Poisson interval of O/E; expected from one logistic model over all cases, as `hwr` is scored."""
    import statsmodels.api as sm

    design = sm.add_constant(drawn.x)
    chance = sm.Logit(drawn.y, design).fit(disp=0).predict(design)
    place = np.searchsorted(np.array(drawn.providers), drawn.provider)
    observed, expected = drawn.observed, np.bincount(place, weights=chance)
    low, high = intervals.exact(observed, expected)
    p = 2 * np.minimum(poisson.sf(observed - 1, expected), poisson.cdf(observed, expected))
    return Labels(sign=(low > 1).astype(np.float64) - (high < 1), p=np.minimum(p, 1.0))


def _by_shrunken(drawn: Drawn) -> Labels:
    """Analytic interval of the effect of the hierarchical model against 0."""
    below = mixed_logit.fit(drawn.y, drawn.x, drawn.provider).posterior.below(0.0)
    tail = norm.sf(Z)
    return Labels(sign=(below < tail).astype(np.float64) - (below > 1 - tail), p=2 * np.minimum(below, 1 - below))
