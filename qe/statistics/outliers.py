"""Costs far out of line: drawn in, left out or capped, by cut-points that are found once and kept with the run.

Cut-points are found in a reference population (`cuts_of`, `residual_cuts_of`) and applied to any cases (`winsorised`,
`without_outliers`), so that a correction of one provider moves no cut and no other provider.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qe.errors import CannotFit

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Cuts:
    """What is frozen with a run; arrays follow `strata` (sorted, unique labels).

    low, high  the cut-points; -inf and inf where an end is left alone
    scale      what all of the stratum is multiplied by afterwards (see the function that found the cuts)
    cases      of the reference population, by stratum
    """

    strata: tuple[str, ...]
    low: Floats
    high: Floats
    scale: Floats
    cases: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """The values after, and which of them a cut changed (the scale, which changes all, is not counted)."""

    values: Floats
    is_changed: NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Which cases are kept, and the expected values of all after the scale."""

    is_kept: NDArray[np.bool_]
    expected: Floats


def cuts_of(reference: ArrayLike, stratum: ArrayLike, *, low: float | None, high: float | None) -> Cuts:
    """Quantiles of the reference population within each stratum, and the scale that gives back its mean.

    reference  (n,) costs or expected costs, 0 or more; stratum (n,) labels
    low, high  quantiles such as 0.005 and 0.99 (Hyndman and Fan's type 7); None leaves that end alone

    The scale is mean before / mean after drawing in, so that the stratum's mean stays what it was; 1 where all is 0.
    CannotFit where the cut itself is 0 and the mean is not.

    Source: winsorised risk-adjusted costs of the CMS cost measures (TPCC, MSPB); Hyndman and Fan (1996), Am Stat 50:361.
    """
    values, names, place = _checked(reference, stratum)
    ends = _quantiles(values, place, len(names), low, high)
    drawn = np.clip(values, ends[0][place], ends[1][place])
    return _with_scale(names, place, ends, before=values, after=drawn, counted=np.ones(len(values), dtype=np.bool_))


def winsorised(values: ArrayLike, stratum: ArrayLike, *, cuts: Cuts) -> Drawn:
    """Values drawn in to the cut-points of their stratum and multiplied by its scale. CannotFit on an unknown stratum."""
    own, names, place = _checked(values, stratum)
    known = _known(names, place, cuts)
    drawn = np.clip(own, cuts.low[known], cuts.high[known])
    return Drawn(values=drawn * cuts.scale[known], is_changed=drawn != own)


def residual_cuts_of(
    observed: ArrayLike, expected: ArrayLike, stratum: ArrayLike, *, low: float | None, high: float | None
) -> Cuts:
    """Quantiles of observed - expected within each stratum of the reference population.

    low, high  quantiles, 0.01 and 0.99 in CMS's practice; None leaves that end alone

    The scale is sum observed / sum expected of the cases between the cuts, so that what is left is expected as observed.

    Source: exclusion of residual outliers below the 1st and above the 99th percentile, CMS episode-based cost measures.
    """
    cost, names, place = _checked(observed, stratum)
    foreseen = _checked(expected, stratum)[0]
    residual = cost - foreseen
    ends = _quantiles(residual, place, len(names), low, high)
    counted = (residual >= ends[0][place]) & (residual <= ends[1][place])
    return _with_scale(names, place, ends, before=cost, after=foreseen, counted=counted)


def without_outliers(observed: ArrayLike, expected: ArrayLike, stratum: ArrayLike, *, cuts: Cuts) -> Kept:
    """Cases whose residual lies between the cut-points of their stratum (both inclusive), expected values to its scale."""
    cost, names, place = _checked(observed, stratum)
    foreseen = _checked(expected, stratum)[0]
    known = _known(names, place, cuts)
    residual = cost - foreseen
    return Kept(
        is_kept=(residual >= cuts.low[known]) & (residual <= cuts.high[known]), expected=foreseen * cuts.scale[known]
    )


def capped(values: ArrayLike, *, at: float) -> Drawn:
    """Values, none above the amount `at` (such as 100 000 a person and year), and nothing scaled."""
    own, _, _ = _checked(values, np.zeros(np.shape(values)))
    if not at > 0:
        raise CannotFit(f"a cap is an amount above 0, got {at:g}")
    return Drawn(values=np.minimum(own, at), is_changed=own > at)


def _checked(values: ArrayLike, stratum: ArrayLike) -> tuple[Floats, tuple[str, ...], NDArray[np.int64]]:
    own, labels = np.asarray(values, dtype=np.float64), np.asarray(stratum)
    if own.ndim != 1 or labels.shape != own.shape or not len(own):
        raise CannotFit(f"values of {own.shape} and strata of {labels.shape} do not go together, or there are none")
    if not np.isfinite(own).all() or (own < 0).any():
        wrong = ~np.isfinite(own) | (own < 0)
        raise CannotFit(
            f"missing, infinite or below 0 in {int(wrong.sum()):,} of {len(own):,} cases (first: row {int(np.argmax(wrong)):,})",
            remedy="Net reversals against the lines they take back before costs are summed.",
        )
    names, place = np.unique(labels.astype(str), return_inverse=True)
    return own, tuple(names.tolist()), place.astype(np.int64)


def _quantiles(
    values: Floats, place: NDArray[np.int64], strata: int, low: float | None, high: float | None
) -> tuple[Floats, Floats]:
    wanted = (0.0 if low is None else low, 1.0 if high is None else high)
    if not 0 <= wanted[0] < wanted[1] <= 1:
        raise CannotFit(f"quantiles lie in order between 0 and 1, got {wanted[0]:g} and {wanted[1]:g}")
    found = np.array([np.quantile(values[place == number], wanted) for number in range(strata)])
    return (
        np.full(strata, -np.inf) if low is None else found[:, 0],
        np.full(strata, np.inf) if high is None else found[:, 1],
    )


def _with_scale(
    names: tuple[str, ...],
    place: NDArray[np.int64],
    ends: tuple[Floats, Floats],
    *,
    before: Floats,
    after: Floats,
    counted: NDArray[np.bool_],
) -> Cuts:
    total = np.bincount(place[counted], weights=before[counted], minlength=len(names))
    left = np.bincount(place[counted], weights=after[counted], minlength=len(names))
    lost = (total > 0) & (left <= 0)
    if lost.any():
        raise CannotFit(
            f"in {int(lost.sum())} of {len(names)} strata the cut leaves nothing that could be scaled to what was there",
            remedy="Give a higher quantile, or merge strata of which most cases have no cost.",
        )
    return Cuts(
        strata=names,
        low=ends[0],
        high=ends[1],
        scale=np.where(total > 0, total / np.where(left > 0, left, 1.0), 1.0),
        cases=np.bincount(place, minlength=len(names)).astype(np.int64),
    )


def _known(names: tuple[str, ...], place: NDArray[np.int64], cuts: Cuts) -> NDArray[np.int64]:
    among = {name: number for number, name in enumerate(cuts.strata)}
    unknown = sum(name not in among for name in names)
    if unknown:
        raise CannotFit(
            f"{unknown} of {len(names)} strata have no cut-points",
            remedy="Find the cut-points in a reference population that has cases of every stratum.",
        )
    return np.array([among[name] for name in names], dtype=np.int64)[place]
