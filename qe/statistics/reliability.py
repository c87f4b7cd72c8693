"""How much of the observed variation between providers is signal, 0 to 1."""

import math
from dataclasses import dataclass
from typing import Final, Literal, assert_never

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from qe.errors import CannotFit
from qe.statistics.cases import Cases, checked

Floats = NDArray[np.float64]

FEWEST_SPLITS: Final = 100


@dataclass(frozen=True, kw_only=True)
class BetaBinomial:
    """A beta distribution of true shares fitted to providers' counts.

    reliability  signal-to-noise of each provider at its own observed share: 1 at shares of 0 and 1 (a known trap)
    shrinkage    n / (n + alpha + beta): the same in expectation, without the trap; this is what results carry
    has_spread   False where one share for all fits as well: alpha + beta then stands at its bound, reliability next to 0
    """

    alpha: float
    beta: float
    between_variance: float
    reliability: Floats
    shrinkage: Floats
    has_spread: bool


def beta_binomial(events: ArrayLike, n: ArrayLike) -> BetaBinomial:
    """Fit by maximum likelihood over providers with cases. CannotFit on fewer than two, none of cases, or more events than cases.

    Source: Adams (2009), The Reliability of Provider Profiling, RAND TR-653.
    """
    x, size = np.asarray(events, dtype=np.float64), np.asarray(n, dtype=np.float64)
    if x.ndim != 1 or x.shape != size.shape or len(x) < 2:
        raise CannotFit(
            f"a distribution over providers needs two of them, got events of {x.shape} and cases of {size.shape}"
        )
    wrong = ~(np.isfinite(x) & np.isfinite(size)) | (x < 0) | (size <= 0) | (x > size)
    if wrong.any():
        raise CannotFit(
            f"missing, no cases, or more events than cases in {int(wrong.sum()):,} of {len(x):,} providers",
            remedy="Leave out providers without cases.",
        )
    share = float(np.clip(x.sum() / size.sum(), 1e-4, 1 - 1e-4))

    def minus_log_likelihood(parameters: Floats) -> float:
        centre, spread = 1 / (1 + np.exp(-parameters[0])), np.exp(parameters[1])
        return -float(np.sum(scipy.stats.betabinom.logpmf(x, size, centre * spread, (1 - centre) * spread)))

    start = np.array([np.log(share / (1 - share)), np.log(50.0)])
    bounds = [(-12.0, 12.0), (-3.0, 14.0)]
    found = scipy.optimize.minimize(minus_log_likelihood, start, method="L-BFGS-B", bounds=bounds)
    centre, spread = 1 / (1 + np.exp(-found.x[0])), float(np.exp(found.x[1]))
    alpha, beta = float(centre * spread), float((1 - centre) * spread)
    between = alpha * beta / ((alpha + beta + 1) * (alpha + beta) ** 2)
    own = x / size
    return BetaBinomial(
        alpha=alpha,
        beta=beta,
        between_variance=between,
        reliability=np.asarray(between / (between + own * (1 - own) / size), dtype=np.float64),
        shrinkage=np.asarray(size / (size + alpha + beta), dtype=np.float64),
        has_spread=bool(-found.fun > _log_likelihood_of_one_share(x, size) + 1e-6),
    )


def _log_likelihood_of_one_share(x: Floats, size: Floats) -> float:
    share = x.sum() / size.sum()
    ways = scipy.special.gammaln(size + 1) - scipy.special.gammaln(x + 1) - scipy.special.gammaln(size - x + 1)
    return float(np.sum(ways + scipy.special.xlogy(x, share) + scipy.special.xlogy(size - x, 1 - share)))


def of_ratios(observed: ArrayLike, expected: ArrayLike) -> Floats:
    """Signal-to-noise reliability of O/E counts: v / (v + 1/E), v the variance of true ratios by moments.

    Source: statistics of overdispersed Poisson counts, Martuzzi and Elliott (1996).
    """
    e = np.asarray(expected, dtype=np.float64)
    between = variance_of_ratios(observed, e)
    return share_of_signal(between, 1 / e)


def share_of_signal(between: float, noise: ArrayLike) -> Floats:
    """between / (between + noise); 0 where neither varies: nothing there tells providers apart."""
    both = between + np.asarray(noise, dtype=np.float64)
    return np.asarray(np.divide(between, both, out=np.zeros_like(both), where=both > 0), dtype=np.float64)


def variance_of_ratios(observed: ArrayLike, expected: ArrayLike) -> float:
    """v = max(0, (sum (O-E)^2 - sum E) / sum E^2)."""
    o, e = np.asarray(observed, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    return max(0.0, float((np.sum((o - e) ** 2) - np.sum(e)) / np.sum(e**2)))


def of_estimates(estimates: ArrayLike, standard_errors: ArrayLike) -> Floats:
    """Signal-to-noise reliability of estimates with standard errors: t2 / (t2 + se^2), t2 by DerSimonian and Laird (1986)."""
    y, error = np.asarray(estimates, dtype=np.float64), np.asarray(standard_errors, dtype=np.float64)
    return share_of_signal(variance_between(y, error, method="dl"), error**2)


def variance_between(estimates: ArrayLike, standard_errors: ArrayLike, *, method: Literal["dl", "reml"]) -> float:
    """Variance of true values behind estimates with standard errors; 0 where they differ no more than by their errors.

    dl    moments: (sum w (y - m)^2 - (J - 1)) / (sum w - sum w^2 / sum w), w = 1 / se^2, m the weighted mean
    reml  the maximum of the restricted likelihood: less biased where errors differ much

    One without error (all its cases are the same) tells nothing of how estimates err and is left out; of fewer than two it is 0.

    Source: DerSimonian and Laird (1986), Controlled Clin Trials 7:177; Viechtbauer (2005), J Educ Behav Stat 30:261.
    """
    y, error = np.asarray(estimates, dtype=np.float64), np.asarray(standard_errors, dtype=np.float64)
    y, error = y[error > 0], error[error > 0]
    if len(y) < 2:
        return 0.0
    if method == "dl":
        weight = 1 / error**2
        centre = np.sum(weight * y) / np.sum(weight)
        heterogeneity = np.sum(weight * (y - centre) ** 2) - (len(y) - 1)
        scale = np.sum(weight) - np.sum(weight**2) / np.sum(weight)
        return max(0.0, float(heterogeneity / scale)) if scale > 0 else 0.0
    if method == "reml":
        return _restricted_maximum(y, error)
    assert_never(method)


def _restricted_maximum(y: Floats, error: Floats) -> float:
    def minus_likelihood(between: float) -> float:
        variance = error**2 + between
        weight = 1 / variance
        centre = np.sum(weight * y) / np.sum(weight)
        return 0.5 * float(np.sum(np.log(variance)) + np.log(np.sum(weight)) + np.sum(weight * (y - centre) ** 2))

    widest = float(np.sum((y - y.mean()) ** 2))
    if len(y) < 2 or widest == 0:
        return 0.0
    grid = np.concatenate([[0.0], widest * np.logspace(-8, 0, 81)])
    best = int(np.argmin([minus_likelihood(between) for between in grid]))
    found = scipy.optimize.minimize_scalar(
        minus_likelihood,
        bounds=(grid[max(best - 1, 0)], grid[min(best + 1, 81)]),
        method="bounded",
        options={"xatol": 1e-12},
    )
    return 0.0 if minus_likelihood(0.0) <= float(found.fun) else float(found.x)


def signal_to_noise(cases: ArrayLike, *, between: float, within: float) -> Floats:
    """Reliability of a mean of `cases`: between / (between + within / cases); 0 where nothing lies between providers.

    between  variance of true values over providers; within  variance of one case about its provider's value

    Source: Adams (2009), The Reliability of Provider Profiling, RAND TR-653.
    """
    count = np.asarray(cases, dtype=np.float64)
    if not (between >= 0 and within > 0 and math.isfinite(between) and math.isfinite(within)) or not (count > 0).all():
        raise CannotFit(
            f"reliability needs cases above 0, a variance between of at least 0 and one within above 0, "
            f"got {between:g} and {within:g}"
        )
    return np.asarray(between / (between + within / count), dtype=np.float64)


def minimum_cases(*, target: float, between: float, within: float) -> float:
    """Cases from which a provider's mean reaches the reliability `target`: target / (1 - target) * within / between.

    Rounded up; infinite where nothing lies between providers. Variances as for `signal_to_noise`.
    """
    if not 0 < target < 1:
        raise CannotFit(f"a target of reliability lies between 0 and 1, got {target:g}")
    signal_to_noise(1, between=between, within=within)
    if between == 0:
        return math.inf
    exact = target / (1 - target) * within / between
    return float(math.ceil(exact * (1 - 1e-12)))


@dataclass(frozen=True, kw_only=True)
class OfMeans:
    """Variances over and within providers, and the reliability of each provider's mean; `providers` sorted, unique."""

    providers: tuple[str, ...]
    between_variance: float
    within_variance: float
    reliability: Floats


def of_means(y: ArrayLike, provider: ArrayLike) -> OfMeans:
    """Reliability of providers' mean figures, by the analysis of variance of their cases (intraclass correlation).

    y  (n,) figure of each case; provider (n,) labels. With MSB and MSW the mean squares over and within providers and
    n0 = (N - sum n^2 / N) / (J - 1): within = MSW, between = max(0, (MSB - MSW) / n0). CannotFit on fewer than two
    providers, and where no provider has two cases that differ. Where the mean needs risk adjustment use `mixed_linear`.

    Source: Searle, Casella and McCulloch (1992), Variance Components, section 3.6.
    """
    cases = checked(y, np.empty((len(np.atleast_1d(np.asarray(y))), 0)), provider, least_providers=2)
    count, total, groups = cases.count, len(cases.outcome), len(cases.providers)
    mean = cases.sums(cases.outcome) / count
    within_sum = float(np.sum((cases.outcome - mean[cases.place]) ** 2))
    if total == groups or within_sum == 0:
        raise CannotFit(
            "no provider has two cases that differ: there is no variance within providers",
            remedy="Give one row a case, not one a provider.",
        )
    within = within_sum / (total - groups)
    over = float(np.sum(count * (mean - cases.outcome.mean()) ** 2)) / (groups - 1)
    typical = (total - float(np.sum(count**2)) / total) / (groups - 1)
    between = max(0.0, (over - within) / typical)
    return OfMeans(
        providers=cases.providers,
        between_variance=between,
        within_variance=within,
        reliability=signal_to_noise(count, between=between, within=within),
    )


def of_effects(effect_variance: ArrayLike, sigma: float) -> Floats:
    """Reliability of the effects of a mixed model: 1 - prediction error variance / sigma^2; 0 where sigma is 0.

    effect_variance  (J,) of each effect as the model gives it; sigma the standard deviation of effects
    """
    error = np.asarray(effect_variance, dtype=np.float64)
    if not (math.isfinite(sigma) and sigma >= 0) or not (np.isfinite(error) & (error >= 0)).all():
        raise CannotFit("effects have variances of at least 0 and a standard deviation of at least 0")
    if sigma == 0:
        return np.zeros_like(error)
    return np.asarray(np.clip(1 - error / sigma**2, 0, 1), dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class SplitSample:
    """What many halvings agree on.

    icc          (splits,) intraclass correlation of the halves' figures in each halving
    half         their mean: the reliability of half of a provider's cases
    reliability  of all cases, by Spearman and Brown: 2 half / (1 + half); 0 where halves agree no better than by chance
    providers    how many have the two cases that halving takes
    """

    icc: Floats
    half: float
    reliability: float
    providers: int


def split_sample(
    observed: ArrayLike, expected: ArrayLike, provider: ArrayLike, *, seed: int, splits: int = FEWEST_SPLITS
) -> SplitSample:
    """Agreement of the figures sum(observed) / sum(expected) of random halves of each provider's cases.

    observed  (n,) outcome or cost of each case
    expected  (n,) what the model of all cases expects of it, above 0; 1 for an unadjusted rate or mean
    provider  (n,) labels; providers of one case are left out, at least three of two cases are needed
    seed      fixes the halves; splits at least 100

    Agreement is the ICC(2,1), which counts a difference in level of the halves against it, as a correlation does not.

    Source: Shrout and Fleiss (1979), Psychol Bull 86:420; Spearman (1910) and Brown (1910), Br J Psychol 3.
    """
    cases = checked(observed, np.asarray(expected, dtype=np.float64).reshape(-1, 1), provider)
    if splits < FEWEST_SPLITS:
        raise CannotFit(f"halves differ from draw to draw: at least {FEWEST_SPLITS} splits are needed, got {splits}")
    if (cases.factors <= 0).any():
        raise CannotFit("a case of which nothing is expected has no figure", remedy="Give expected values above 0.")
    halved = cases.count >= 2
    if halved.sum() < 3:
        raise CannotFit(f"agreement over providers needs three of at least two cases, got {int(halved.sum())}")
    random = np.random.default_rng(seed)
    icc = np.array([icc_2_1(_halves(cases, random)[halved]) for _ in range(splits)])
    half = float(icc.mean())
    return SplitSample(
        icc=icc, half=half, reliability=2 * half / (1 + half) if half > 0 else 0.0, providers=int(halved.sum())
    )


def icc_2_1(ratings: Floats) -> float:
    """Agreement of k columns over n rows: two-way random effects, absolute agreement, one rating. 0 where all are alike.

    (MSR - MSE) / (MSR + (k - 1) MSE + k (MSC - MSE) / n). Source: Shrout and Fleiss (1979), ICC(2,1).
    """
    rows, columns = ratings.shape
    centre = ratings.mean()
    along_rows, along_columns = ratings.mean(axis=1), ratings.mean(axis=0)
    over_rows = columns * float(np.sum((along_rows - centre) ** 2)) / (rows - 1)
    over_columns = rows * float(np.sum((along_columns - centre) ** 2)) / (columns - 1)
    residual = ratings - along_rows[:, None] - along_columns + centre
    error = float(np.sum(residual**2)) / ((rows - 1) * (columns - 1))
    below = over_rows + (columns - 1) * error + columns * (over_columns - error) / rows
    return (over_rows - error) / below if below > 0 else 0.0


def _halves(cases: Cases, random: np.random.Generator) -> Floats:
    """Figure of both halves of each provider (J, 2); of an odd number a coin says which half takes one more."""
    count, place = cases.count.astype(np.int64), cases.place
    order = np.lexsort((random.random(len(place)), place))
    rank = np.empty(len(place), dtype=np.int64)
    rank[order] = np.arange(len(place)) - np.repeat(np.cumsum(count) - count, count)
    first = rank < ((count + random.integers(0, 2, len(count))) // 2)[place]
    figures = []
    for half in (first, ~first):
        below = cases.sums(np.where(half, cases.factors[:, 0], 0.0))
        figures.append(cases.sums(np.where(half, cases.outcome, 0.0)) / np.where(below > 0, below, 1.0))
    return np.column_stack(figures)
