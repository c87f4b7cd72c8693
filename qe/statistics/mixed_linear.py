"""Costs and other measured outcomes on a linear model with a random intercept a provider, from sums by provider alone.

y = b0 + x'b + u of the provider + e;  u ~ N(0, between), e ~ N(0, within).

With lambda = between / within the likelihood needs of the cases only their number, sum of x and sum of y by provider, and
X'X, X'y and y'y over all: SQL may as well add them up, and they are what `fit_sufficient` takes. What remains is a search
over lambda alone.

Source: Laird and Ware (1982), Biometrics 38:963; profiled and restricted likelihood as in Bates et al. (2015), Journal of
Statistical Software 67(1), section 3.4, for one random intercept. Golden values: tests/golden/statistics/linear.R (lmer).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

from qe.errors import CannotFit
from qe.statistics.cases import checked, require_full_rank

Floats = NDArray[np.float64]
Method = Literal["reml", "ml"]

LAMBDAS = np.concatenate([[0.0], np.logspace(-8, 8, 33)])  # between over within: where the search looks first


@dataclass(frozen=True, kw_only=True)
class Sums:
    """All that the model needs of the cases. p factors, without a constant; arrays by provider follow `providers`.

    cases  (J,) cases of each provider
    x, y   (J, p) and (J,) sums over the cases of each provider
    xx, xy, yy  (p, p), (p,) and one number: sums of x x', x y and y^2 over all cases
    """

    providers: tuple[str, ...]
    cases: Floats
    x: Floats
    y: Floats
    xx: Floats
    xy: Floats
    yy: float


@dataclass(frozen=True, kw_only=True)
class Fit:
    """What was found. Arrays by provider follow `providers` (sorted, unique); units are those of y, variances in their square.

    coefficients     (p + 1,) the intercept first; standard_errors (p + 1,) at the variances found
    between_variance of providers' intercepts; 0 where providers differ no more than their cases let expect
    within_variance  of one case about its provider's own mean
    effects          (J,) each provider's own intercept against the average: its mean residual, shrunken by its reliability
    effect_variance  (J,) of the effect given the coefficients: between x (1 - reliability)
    reliability      (J,) between / (between + within / cases), 0 to 1; 0 where between is 0
    log_likelihood   restricted (reml: not to be compared between models of other factors) or full (ml)
    converged        the score is 0 at what was found, or between is 0 and the score points below it
    """

    providers: tuple[str, ...]
    coefficients: Floats
    standard_errors: Floats
    between_variance: float
    within_variance: float
    effects: Floats
    effect_variance: Floats
    reliability: Floats
    log_likelihood: float
    converged: bool


def fit(y: ArrayLike, x: ArrayLike, provider: ArrayLike, *, method: Method = "reml") -> Fit:
    """The linear mixed model by restricted (reml) or full maximum likelihood (ml).

    y  (n,); x (n, p) without a constant; provider (n,) labels

    CannotFit: missing or infinite values, one provider, no provider with two cases, no more cases than terms, factors that are
    constant or determine each other, outcomes that the factors and providers explain to the last digit.
    """
    cases = checked(y, x, provider, least_providers=2)
    _require_cases(cases.count, factors=cases.factors.shape[1])
    centre_x, centre_y = cases.factors.mean(axis=0), float(cases.outcome.mean())
    about_x, about_y = cases.factors - centre_x, cases.outcome - centre_y
    sums = Sums(
        providers=cases.providers,
        cases=cases.count,
        x=np.column_stack([np.empty((len(cases.providers), 0)), *(cases.sums(column) for column in about_x.T)]),
        y=cases.sums(about_y),
        xx=about_x.T @ about_x,
        xy=about_x.T @ about_y,
        yy=float(about_y @ about_y),
    )
    if _is_dependent(sums.xx, least=1e-24 * len(about_y) * centre_x**2):
        require_full_rank(about_x)  # names the columns
        raise CannotFit("the factors all but determine each other")
    _require_spread(sums.yy, least=1e-24 * len(about_y) * centre_y**2)
    return _at_origin(_fit_centred(sums, method=method), centre_x, centre_y)


def fit_sufficient(sums: Sums, *, method: Method = "reml") -> Fit:
    """The same from sums by provider, in any order of the providers. Errors as of `fit`, and sums that do not go together.

    The sums are centred here: where the mean of an outcome or factor is a million times its deviation, centre it before adding up.
    """
    ordered = _checked(sums)
    size = ordered.cases.sum()
    centre_x, centre_y = ordered.x.sum(axis=0) / size, float(ordered.y.sum() / size)
    centred = replace(
        ordered,
        x=ordered.x - np.outer(ordered.cases, centre_x),
        y=ordered.y - ordered.cases * centre_y,
        xx=ordered.xx - size * np.outer(centre_x, centre_x),
        xy=ordered.xy - size * centre_x * centre_y,
        yy=ordered.yy - size * centre_y**2,
    )
    if _is_dependent(centred.xx, least=1e-11 * size * centre_x**2):
        raise CannotFit("a factor is the same in every case, or determined by the others")
    _require_spread(centred.yy, least=1e-11 * float(size) * centre_y**2)
    return _at_origin(_fit_centred(centred, method=method), centre_x, centre_y)


@dataclass(frozen=True, kw_only=True)
class _Profile:
    """The model at one lambda, all else at its best. `score` is that of -2 log likelihood: below 0, a larger lambda fits better."""

    coefficients: Floats
    inverse: Floats
    residual: Floats
    within: float
    log_likelihood: float
    score: float


@dataclass(frozen=True, kw_only=True)
class _Centred:
    fit: Fit
    covariance: Floats


def _profile(sums: Sums, size: Floats, ratio: float, *, restricted: bool) -> _Profile:
    """By (I + lambda 11')^-1 = I - lambda / (1 + n lambda) 11' of each provider. size: (p,) what factors are divided by."""
    n, total, terms = sums.cases, float(sums.cases.sum()), 1 + len(sums.xy)
    shrink, own = ratio / (1 + n * ratio), np.column_stack([n, sums.x / size])
    gram = np.zeros((terms, terms))
    gram[0, 0], gram[1:, 1:] = total, sums.xx / np.outer(size, size)
    outer = np.concatenate([[0.0], sums.xy / size])
    left = gram - (own * shrink[:, None]).T @ own
    inverse = np.asarray(np.linalg.inv(left), dtype=np.float64)
    right = outer - own.T @ (shrink * sums.y)
    coefficients = inverse @ right
    residual = sums.y - own @ coefficients
    rest = sums.yy - float(shrink @ sums.y**2) - float(coefficients @ right)
    free = total - terms if restricted else total
    if not rest > 1e-12 * sums.yy:
        raise CannotFit(
            "factors and providers explain the outcome to the last digit: no variance within providers is left"
        )
    log_volume = float(np.log1p(n * ratio).sum())
    slope = float((n / (1 + n * ratio)).sum()) - free * float((residual**2 / (1 + n * ratio) ** 2).sum()) / rest
    if restricted:
        log_volume += float(np.linalg.slogdet(left)[1]) + 2 * float(np.log(size).sum())
        slope -= float(np.einsum("jp,pq,jq,j->", own, inverse, own, (1 + n * ratio) ** -2.0, optimize=True))
    return _Profile(
        coefficients=coefficients,
        inverse=inverse,
        residual=residual,
        within=rest / free,
        log_likelihood=-0.5 * (free * (1 + np.log(2 * np.pi * rest / free)) + log_volume),
        score=slope,
    )


def _fit_centred(sums: Sums, *, method: Method) -> _Centred:
    restricted = {"reml": True, "ml": False}[method]
    size = np.sqrt(np.diag(sums.xx))

    def at(ratio: float) -> _Profile:
        return _profile(sums, size, ratio, restricted=restricted)

    first = [at(ratio) for ratio in LAMBDAS.tolist()]
    best = int(np.argmax([profile.log_likelihood for profile in first]))
    if best == len(LAMBDAS) - 1:
        raise CannotFit(
            "outcomes differ between providers only: no variance within providers is left to compare them with"
        )
    ratio = _root(at, first, best)
    found = at(ratio)
    converged = found.score >= 0 if ratio == 0 else abs(found.score) * ratio < 1e-4
    between, n = ratio * found.within, sums.cases
    scale = np.concatenate([[1.0], 1 / size])
    covariance = found.within * found.inverse * np.outer(scale, scale)
    return _Centred(
        covariance=covariance,
        fit=Fit(
            providers=sums.providers,
            coefficients=found.coefficients * scale,
            standard_errors=np.sqrt(np.diag(covariance)),
            between_variance=between,
            within_variance=found.within,
            effects=ratio / (1 + n * ratio) * found.residual,
            effect_variance=between / (1 + n * ratio),
            reliability=n * ratio / (1 + n * ratio),
            log_likelihood=found.log_likelihood,
            converged=bool(converged),
        ),
    )


def _root(at: Callable[[float], _Profile], first: list[_Profile], best: int) -> float:
    """The lambda beside the best of the first look where the score is 0; 0 where already there it points below."""
    if first[best].score >= 0 and best == 0:
        return 0.0
    low, high = (best - 1, best) if first[best].score >= 0 else (best, best + 1)
    if first[low].score * first[high].score > 0:  # no single maximum between the two: told by `converged`
        return float(LAMBDAS[best])
    top = float(LAMBDAS[high])
    return float(optimize.brentq(lambda ratio: at(ratio).score, float(LAMBDAS[low]), top, xtol=1e-15 * top, rtol=1e-13))


def _at_origin(centred: _Centred, centre_x: Floats, centre_y: float) -> Fit:
    """The intercept where all factors are 0, not at their means."""
    found = centred.fit
    back = np.concatenate([[1.0], -centre_x])
    coefficients, errors = found.coefficients.copy(), found.standard_errors.copy()
    coefficients[0] = centre_y + back @ found.coefficients
    errors[0] = np.sqrt(back @ centred.covariance @ back)
    return replace(found, coefficients=coefficients, standard_errors=errors)


def _checked(sums: Sums) -> Sums:
    """The sums as arrays, by sorted providers. CannotFit says what does not go together."""
    number, terms = len(sums.providers), len(np.atleast_1d(sums.xy))
    shapes = [
        (sums.cases, (number,)),
        (sums.x, (number, terms)),
        (sums.y, (number,)),
        (sums.xx, (terms, terms)),
        (sums.xy, (terms,)),
        (sums.yy, ()),
    ]
    arrays = [np.asarray(values, dtype=np.float64) for values, _ in shapes]
    if any(array.shape != shape for array, (_, shape) in zip(arrays, shapes, strict=True)):
        raise CannotFit("the sums by provider and the sums over all cases are not of the same providers and factors")
    if not all(np.isfinite(array).all() for array in arrays):
        raise CannotFit("a sum is missing or infinite")
    if len(set(sums.providers)) != number or number < 2:
        raise CannotFit("the model tells providers apart: it needs two at least, and one row of sums of each")
    if (arrays[0] < 1).any() or (arrays[0] != np.floor(arrays[0])).any():
        raise CannotFit("cases are counted: a provider has 1, 2, 3, ... of them")
    _require_cases(arrays[0], factors=terms)
    order = np.argsort(np.array(sums.providers))
    return Sums(
        providers=tuple(sums.providers[place] for place in order),
        cases=arrays[0][order],
        x=arrays[1][order],
        y=arrays[2][order],
        xx=arrays[3],
        xy=arrays[4],
        yy=float(arrays[5]),
    )


def _require_cases(count: Floats, *, factors: int) -> None:
    if count.max() < 2:
        raise CannotFit(
            "every provider has a single case: what providers differ by cannot be told from what cases differ by",
            remedy="Fit the model without providers, or join them to larger units.",
        )
    if count.sum() <= factors + 1:
        raise CannotFit(f"{int(count.sum())} cases are too few for {factors + 1} coefficients")


def _require_spread(yy: float, *, least: float) -> None:
    if yy <= least:
        raise CannotFit("the outcome is the same in every case")


def _is_dependent(xx: Floats, *, least: Floats) -> bool:
    """A factor is constant (its centred square at most `least`, what rounding leaves), or others determine it."""
    spread = np.diag(xx)
    if not len(spread):
        return False
    if (spread <= least).any():
        return True
    size = np.sqrt(spread)
    return bool(np.linalg.eigvalsh(xx / np.outer(size, size))[0] < 1e-10)
