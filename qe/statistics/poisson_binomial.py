"""Number of events among cases that each have their own probability (the Poisson-binomial distribution), by provider.

All arrays by provider follow `place`: provider 0, 1, ... as the cases name them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, ndtr, ndtri

from qe.errors import CannotFit

Floats = NDArray[np.float64]

EXACT_CASES: Final = 2000  # beyond, the exact recursion gives way to Edgeworth's series ...
EXACT_EVENTS: Final = (
    100  # ... unless events (or non-events) are fewer than this: the series errs where few are counted
)
_SIDE_BY_SIDE: Final = 64  # providers of a similar number of cases that share one table
_FARTHEST: Final = 60.0  # log odds: nothing is nearer to never and always
_MOST_STEPS: Final = 80


@dataclass(frozen=True, kw_only=True)
class Tails:
    """Mid-P tails of each provider: lower + upper = 1, each within 0 and 1.

    lower  Pr(S < observed) + Pr(S = observed) / 2
    upper  Pr(S > observed) + Pr(S = observed) / 2
    """

    lower: Floats
    upper: Floats


def tails(observed: ArrayLike, log_odds: ArrayLike, place: ArrayLike) -> Tails:
    """How far out the observed events of each provider lie, when its cases have these log odds.

    observed  (J,) whole numbers of events
    log_odds  (n,) of each case
    place     (n,) 0 to J - 1: whose case it is; every provider has one

    Exact recursion to EXACT_CASES cases, else Pr = sf(z) + g (z^2 - 1)/6 phi(z), z = (O - m)/s, g the skewness: right to
    about 1e-4, and only in absolute terms far out.

    Source: Hong (2013), Comput Stat Data Anal 59:41 (recursion; refined normal approximation); mid-P: Berry and Armitage (1995).
    """
    counts, cases, whose = _checked(observed, log_odds, place)
    lower, upper = np.empty(len(counts)), np.empty(len(counts))
    for group in _groups(counts, cases, whose):
        lower[group.providers], upper[group.providers] = group.tails(np.zeros(len(group.providers)))
    return Tails(lower=lower, upper=upper)


def shift_to(observed: ArrayLike, log_odds: ArrayLike, place: ArrayLike, *, upper: float) -> Floats:
    """What must be added to the log odds of all cases of a provider for its upper tail to be `upper` (the test inverted).

    -inf where nothing was observed and `upper` is below 1/2, inf where all cases were events and it is above: no shift
    reaches it. Arrays as for `tails`; right to 1e-9.
    """
    if not 0 < upper < 1:
        raise CannotFit(f"a tail lies between 0 and 1, got {upper:g}")
    counts, cases, whose = _checked(observed, log_odds, place)
    shift = np.empty(len(counts))
    for group in _groups(counts, cases, whose):
        shift[group.providers] = group.shift_to(upper)
    return shift


def _checked(observed: ArrayLike, log_odds: ArrayLike, place: ArrayLike) -> tuple[Floats, Floats, NDArray[np.int64]]:
    counts, cases = np.asarray(observed, dtype=np.float64), np.asarray(log_odds, dtype=np.float64)
    whose = np.asarray(place, dtype=np.int64)
    if counts.ndim != 1 or cases.ndim != 1 or whose.shape != cases.shape:
        raise CannotFit(
            f"events of {counts.shape}, log odds of {cases.shape} and places of {whose.shape} do not go together"
        )
    if np.isnan(cases).any() or (len(whose) and (whose.min() < 0 or whose.max() >= len(counts))):
        raise CannotFit("a case has no log odds or no provider")
    size = np.bincount(whose, minlength=len(counts))
    if (size == 0).any() or (counts != np.round(counts)).any() or (counts < 0).any() or (counts > size).any():
        raise CannotFit("observed events are a whole number between 0 and the cases of a provider that has cases")
    return counts, cases, whose


@dataclass(frozen=True, kw_only=True)
class _Group:
    """Providers of a similar number of cases, each a column of `table`.

    table   log odds of what is counted, one row a case, -inf below the last case
    count   of what is counted: events, or non-events where those are fewer (`sign` -1, log odds turned with it)
    """

    providers: NDArray[np.int64]
    table: Floats
    count: NDArray[np.int64]
    size: Floats
    sign: Floats
    is_exact: bool

    def tails(self, shift: Floats) -> tuple[Floats, Floats]:
        probability = expit(self.table + self.sign * shift)
        below, above = (_recursion if self.is_exact else _edgeworth)(probability, self.count)
        events = self.sign > 0
        return np.where(events, below, above), np.where(events, above, below)

    def shift_to(self, upper: float) -> Floats:
        observed = np.where(self.sign > 0, self.count, self.size - self.count)
        unreachable = observed == (0 if upper < 0.5 else self.size)
        at, slope = self._start(observed)
        low, high = np.full_like(at, -_FARTHEST), np.full_like(at, _FARTHEST)
        gap = self._gap(at, upper)
        for _ in range(_MOST_STEPS):
            low, high = np.where(gap < 0, at, low), np.where(gap < 0, high, at)
            step = -gap / slope
            if (unreachable | (np.abs(step) < 1e-10) | (high - low < 1e-10)).all():
                break
            tried = at + np.clip(step, -3.0, 3.0)
            tried = np.where((tried <= low) | (tried >= high), (low + high) / 2, tried)
            reached = self._gap(tried, upper)
            with np.errstate(divide="ignore", invalid="ignore"):
                rise = (reached - gap) / (tried - at)
            slope = np.where(rise > 1e-6, rise, slope)
            at, gap = tried, reached
        return np.where(unreachable, -np.inf if upper < 0.5 else np.inf, at)

    def _gap(self, shift: Floats, upper: float) -> Floats:
        """How far the upper tail is from `upper`, both as normal deviates: nearly a straight line in the shift."""
        return np.asarray(ndtri(np.clip(self.tails(shift)[1], 1e-300, 1 - 1e-16)) - ndtri(upper), dtype=np.float64)

    def _start(self, observed: Floats) -> tuple[Floats, Floats]:
        """Where as many events are expected as observed (half an event from none and all), and the spread there."""
        aim = np.clip(observed, 0.5, self.size - 0.5)
        at = np.zeros(len(aim))
        for _ in range(12):
            probability = expit(self.table + self.sign * at)
            mean = np.where(self.sign > 0, probability.sum(axis=0), self.size - probability.sum(axis=0))
            variance = np.maximum((probability * (1 - probability)).sum(axis=0), 1e-6)
            at = np.clip(at + np.clip((aim - mean) / variance, -2, 2), -_FARTHEST / 2, _FARTHEST / 2)
        return at, np.sqrt(variance)


def _groups(observed: Floats, log_odds: Floats, place: NDArray[np.int64]) -> Iterator[_Group]:
    size = np.bincount(place, minlength=len(observed))
    start = np.concatenate([[0], np.cumsum(size)])
    cases = log_odds[np.argsort(place, kind="stable")]
    turned = observed > size / 2
    count = np.where(turned, size - observed, observed).astype(np.int64)
    is_exact = (size <= EXACT_CASES) | (count < EXACT_EVENTS)
    for exact in (True, False):
        of_size = np.flatnonzero(is_exact == exact)
        of_size = of_size[np.lexsort((count[of_size], size[of_size]))]
        for first in range(0, len(of_size), _SIDE_BY_SIDE if exact else 1):
            providers = of_size[first : first + (_SIDE_BY_SIDE if exact else 1)]
            table = np.full((size[providers].max(), len(providers)), -np.inf)
            for column, provider in enumerate(providers):
                own = cases[start[provider] : start[provider + 1]]
                table[: len(own), column] = -own if turned[provider] else own
            yield _Group(
                providers=providers,
                table=table,
                count=count[providers],
                size=size[providers].astype(np.float64),
                sign=np.where(turned[providers], -1.0, 1.0),
                is_exact=exact,
            )


def _recursion(probability: Floats, count: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Both mid-P tails, case by case; a state is how many are still wanting to the count, and one has passed it."""
    columns = np.arange(len(count))
    wanting = np.zeros((int(count.max()) + 1, len(count)))
    wanting[count, columns] = 1.0
    passed = np.zeros(len(count))
    for own in probability:
        came = wanting * own
        passed += came[0]
        wanting -= came
        wanting[:-1] += came[1:]
    return wanting[1:].sum(axis=0) + wanting[0] / 2, passed + wanting[0] / 2


def _edgeworth(probability: Floats, count: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Both mid-P tails by the normal distribution and the first term of its correction for skewness."""
    spread = probability * (1 - probability)
    error = np.sqrt(np.maximum(spread.sum(axis=0), 1e-300))
    skewness = (spread * (1 - 2 * probability)).sum(axis=0) / error**3
    z = (count - probability.sum(axis=0)) / error
    correction = skewness * (z**2 - 1) / 6 * np.exp(-np.minimum(z**2, 1400) / 2) / np.sqrt(2 * np.pi)
    return np.clip(ndtr(z) - correction, 0, 1), np.clip(ndtr(-z) + correction, 0, 1)
