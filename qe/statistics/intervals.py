"""Confidence intervals: of a ratio of observed to expected events, and of a share.

Arrays in, arrays out: both inputs are broadcast, and single numbers give arrays without a dimension. CannotFit names counts
below 0, nothing expected, more events than cases, and what is missing. Oracles: R's qgamma and epitools for ratios, binom for
shares (tests/statistics).
"""

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from qe.errors import CannotFit

Floats = NDArray[np.float64]


def exact(observed: ArrayLike, expected: ArrayLike, *, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Exact Poisson interval of observed / expected; 0 below when nothing was observed.

    Source: Garwood (1936), through the gamma quantiles: qgamma(a/2, O)/E and qgamma(1-a/2, O+1)/E.
    """
    o, e = _counts(observed, expected)
    low, high = _exact_means(o, _tail(confidence))
    return np.asarray(low / e), np.asarray(high / e)


def byar(observed: ArrayLike, expected: ArrayLike, *, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Byar's approximation of the exact interval. Source: Breslow and Day (1987), vol. II, p. 69."""
    o, e = _counts(observed, expected)
    z = scipy.stats.norm.ppf(1 - _tail(confidence))
    safe = np.maximum(o, 1e-9)
    low = np.where(o > 0, o * (1 - 1 / (9 * safe) - z / (3 * np.sqrt(safe))) ** 3, 0.0) / e
    return np.asarray(low), np.asarray((o + 1) * (1 - 1 / (9 * (o + 1)) + z / (3 * np.sqrt(o + 1))) ** 3 / e)


def mid_p(observed: ArrayLike, expected: ArrayLike, *, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Mid-P Poisson interval of observed / expected: half of the observed count's probability lies in each tail.

    Where nothing was observed the lower end is 0. Counts are whole numbers.

    Source: Berry and Armitage (1995), Stat Med 14:907.
    """
    o, e = _counts(observed, expected)
    if (o != np.round(o)).any():
        raise CannotFit("the mid-P interval is one of counts, and some observed figures are not whole numbers")
    tail = _tail(confidence)
    lowest, highest = _exact_means(o, tail)  # half a probability less in the tail: the mid-P ends lie within
    low = _mean_at(o, tail, lowest, np.maximum(o, lowest), is_upper_tail=True)
    high = _mean_at(o, tail, np.minimum(o, highest), highest, is_upper_tail=False)
    return np.asarray(np.where(o > 0, low, 0.0) / e), np.asarray(high / e)


def _exact_means(o: Floats, tail: float) -> tuple[Floats, Floats]:
    low = np.where(o > 0, scipy.stats.gamma.ppf(tail, np.where(o > 0, o, 1.0)), 0.0)
    return low, np.asarray(scipy.stats.gamma.ppf(1 - tail, o + 1), dtype=np.float64)


def _mean_at(o: Floats, tail: float, low: Floats, high: Floats, *, is_upper_tail: bool) -> Floats:
    """The Poisson mean between `low` and `high` whose mid-P tail beyond `o` is `tail`: Newton's steps, halved where they leave."""
    at = (low + high) / 2
    for _ in range(100):
        safe = np.maximum(at, 1e-300)
        here = np.exp(scipy.special.xlogy(o, safe) - safe - scipy.special.gammaln(o + 1))
        beyond = (
            scipy.special.gammainc(o + 1, safe)
            if is_upper_tail
            else scipy.special.gammaincc(np.maximum(o, 1e-300), safe)
        )
        excess = (beyond + here / 2 - tail) * (1 if is_upper_tail else -1)  # rises with the mean
        low, high = np.where(excess < 0, at, low), np.where(excess < 0, high, at)
        slope = here * (1 + o / safe) / 2
        new = at - excess / np.maximum(slope, 1e-300)
        new = np.where((new > low) & (new < high), new, (low + high) / 2)
        if (np.abs(new - at) <= 1e-14 * (1 + at)).all():
            break
        at = new
    return np.asarray(at, dtype=np.float64)


def wilson(events: ArrayLike, n: ArrayLike, *, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Wilson's score interval of a share. Source: Wilson (1927), JASA 22:209."""
    x, size = _shares(events, n)
    z = scipy.stats.norm.ppf(1 - _tail(confidence))
    share = x / size
    centre = (share + z**2 / (2 * size)) / (1 + z**2 / size)
    half = z / (1 + z**2 / size) * np.sqrt(share * (1 - share) / size + z**2 / (4 * size**2))
    low = np.where(x == 0, 0.0, np.maximum(centre - half, 0.0))
    return low, np.where(x == size, 1.0, np.minimum(centre + half, 1.0))


def clopper_pearson(events: ArrayLike, n: ArrayLike, *, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Exact interval of a share. Source: Clopper and Pearson (1934), through the beta quantiles."""
    x, size = _shares(events, n)
    tail = _tail(confidence)
    low = np.where(x > 0, scipy.stats.beta.ppf(tail, np.where(x > 0, x, 1.0), size - x + 1), 0.0)
    left = np.where(x < size, size - x, 1.0)
    return low, np.where(x < size, scipy.stats.beta.ppf(1 - tail, x + 1, left), 1.0)


def ratio_of_sums(observed: Floats, expected: Floats, *, confidence: float = 0.95) -> tuple[float, float, float]:
    """Interval of sum(observed) / sum(expected) over persons, and the standard error of its logarithm.

    Delta method on the log: Var(ln r) = n/(n-1) sum (o_i - r e_i)^2 / (sum o)^2, persons taken as independent.
    NaN where fewer than two persons or nothing observed leave no interval.

    Source: Cochran (1977), Sampling Techniques, 3rd ed., section 2.11 (ratio estimator), on the log scale.
    """
    total, below, persons = float(observed.sum()), float(expected.sum()), len(observed)
    if persons < 2 or total <= 0 or below <= 0:
        return float("nan"), float("nan"), float("nan")
    ratio = total / below
    error = float(np.sqrt(persons / (persons - 1) * np.sum((observed - ratio * expected) ** 2)) / total)
    z = float(scipy.stats.norm.ppf(1 - _tail(confidence)))
    return ratio * np.exp(-z * error), ratio * np.exp(z * error), error


def _tail(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise CannotFit(f"a confidence level lies between 0 and 1, got {confidence:g}")
    return (1 - confidence) / 2


def _counts(observed: ArrayLike, expected: ArrayLike) -> tuple[Floats, Floats]:
    o, e = _together(observed, expected)
    wrong = ~(np.isfinite(o) & np.isfinite(e)) | (o < 0) | (e <= 0)
    if wrong.any():
        raise CannotFit(
            f"observed is missing or below 0, or expected is missing or not above 0, in {int(wrong.sum()):,} of {o.size:,}",
            remedy="Leave out what nothing is expected of: it has no ratio.",
        )
    return o, e


def _shares(events: ArrayLike, n: ArrayLike) -> tuple[Floats, Floats]:
    x, size = _together(events, n)
    wrong = ~(np.isfinite(x) & np.isfinite(size)) | (x < 0) | (size <= 0) | (x > size)
    if wrong.any():
        raise CannotFit(
            f"events are missing, below 0 or more than the cases, or there are no cases, in {int(wrong.sum()):,} of {x.size:,}",
            remedy="Leave out what has no cases: it has no share.",
        )
    return x, size


def _together(first: ArrayLike, second: ArrayLike) -> tuple[Floats, Floats]:
    one, other = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    try:
        return tuple(np.broadcast_arrays(one, other))  # type: ignore[return-value]
    except ValueError:
        raise CannotFit(f"figures of {one.shape} and of {other.shape} do not go together") from None
