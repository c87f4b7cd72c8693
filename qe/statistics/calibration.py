"""Whether expected values hold up in every payer line and age band."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qe.errors import CannotFit, InputError

Floats = NDArray[np.float64]
Verdict = Literal["fits", "too few to tell", "does not fit", "accepted"]

LOWEST: Final = 0.95  # observed over expected, statistics.md, correction 2
HIGHEST: Final = 1.05
LARGEST_Z: Final = 3.0
LEAST: Final = 50.0  # expected events of a cell; below it nothing is judged
GROUPS: Final = 10


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One payer line and age band (or tenth): observed, expected, their ratio, and z = (O - E) / sqrt(variance)."""

    name: str
    observed: float
    expected: float
    ratio: float
    z: float
    verdict: Verdict


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Every cell by name; why the model may not be published, or None; and the site's reason for accepting it all the same."""

    cells: tuple[Cell, ...]
    refusal: str | None
    accepted: str | None


def gate(
    observed: ArrayLike,
    expected: ArrayLike,
    variance: ArrayLike,
    cells: ArrayLike,
    accepted: str | None = None,
    *,
    size: ArrayLike | None = None,
) -> Calibration:
    """Refused where, in a cell of 50 expected events or more, O/E is outside 0.95 to 1.05 and |z| is above 3.

    observed, expected  (n,) by event; expected before any scaling of a payer line to its observed sum
    variance            (n,) of one event's outcome by the model: p (1 - p), or dispersion x mean; >= 0
    cells               (n,) name of the event's cell, as "medicare, age 75-84"
    accepted            the reason of [scoring] accept_calibration, or None; it turns "does not fit" into "accepted"
    size                (n,) what adds up to 50 in a cell that is judged; None: `expected`. Of amounts give 1 a person

    CannotFit where an argument is missing, infinite or negative, or the shapes differ. InputError for a blank reason.

    Source: statistics.md, correction 2 (|z| > 3 alone refuses every large run).
    """
    if accepted is not None and not accepted.strip():
        raise InputError(
            "accept_calibration gives no reason", remedy="Say why the model is good enough; the report prints it."
        )
    o, e, v = _checked(observed, expected, variance)
    weight = e if size is None else _checked(expected, size, variance)[1]
    labels = np.asarray(cells).astype(str)
    if labels.shape != o.shape:
        raise CannotFit(f"{labels.size:,} cells and {o.size:,} events do not go together", remedy="Give one an event.")
    names, place = np.unique(labels, return_inverse=True)
    sums = [np.bincount(place, weights=values, minlength=len(names)) for values in (o, e, v, weight)]
    found = tuple(
        _cell(str(name), *(float(values[row]) for values in sums), accepted=accepted) for row, name in enumerate(names)
    )
    off = [cell for cell in found if cell.verdict == "does not fit"]
    return Calibration(cells=found, refusal=_refusal(off, len(found)) if off else None, accepted=accepted)


def _cell(name: str, observed: float, expected: float, variance: float, weight: float, *, accepted: str | None) -> Cell:
    ratio = observed / expected if expected > 0 else float("nan")
    away = observed - expected
    z = away / variance**0.5 if variance > 0 else (0.0 if away == 0 else float(np.copysign(np.inf, away)))
    verdict: Verdict
    if weight < LEAST * (1 - 1e-9):  # a sum of 1,000 x 0.05 is a hair below 50
        verdict = "too few to tell"
    elif LOWEST <= ratio <= HIGHEST or abs(z) <= LARGEST_Z:
        verdict = "fits"
    else:
        verdict = "does not fit" if accepted is None else "accepted"
    return Cell(name=name, observed=observed, expected=expected, ratio=ratio, z=z, verdict=verdict)


def _refusal(off: Sequence[Cell], cells: int, most: int = 4) -> str:
    listed = "; ".join(f"{cell.name} (observed / expected {cell.ratio:.2f}, z {cell.z:+.1f})" for cell in off[:most])
    more = f"; and {len(off) - most} more" if len(off) > most else ""
    return (
        f"the risk model does not fit in {len(off)} of {cells} cells of payer and age: {listed}{more}; "
        "improve the model, or accept it with a reason in [scoring] accept_calibration"
    )


def by_tenth(observed: ArrayLike, expected: ArrayLike, *, groups: int = GROUPS) -> tuple[Cell, ...]:
    """Observed and expected of each tenth of events by expected value, the lowest first; z by p (1 - p), for 0-or-1 outcomes.

    Events of one expected value stay together, so that the order of rows does not matter; a tenth without events is left out.
    """
    o, e, _ = _checked(observed, expected, expected)
    place = _tenths(e, groups)
    found = []
    for number in np.unique(place):
        inside = place == number
        variance = float(np.sum(e[inside] * (1 - e[inside]).clip(0)))
        name = f"{number + 1} of {groups}"
        sums = (float(o[inside].sum()), float(e[inside].sum()), variance)
        found.append(_cell(name, *sums, weight=sums[1], accepted=None))
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class Brier:
    """Mean squared distance of expected from outcome: brier = calibration - resolution + uncertainty + within.

    calibration  mean squared distance of a tenth's mean expected value from its rate: 0 is perfect
    resolution   variance of the tenths' rates: the more, the better the model tells events apart
    uncertainty  rate x (1 - rate): the value of a model that knows only the rate
    within       what is lost by looking at tenths: variance of expected values within them less twice their covariance
    """

    brier: float
    calibration: float
    resolution: float
    uncertainty: float
    within: float


def brier(outcome: ArrayLike, expected: ArrayLike, *, groups: int = GROUPS) -> Brier:
    """The Brier figure of probabilities and what it consists of.

    outcome   (n,) 0 or 1; expected (n,) 0 to 1. CannotFit otherwise

    Source: Murphy (1973), J Appl Meteorol 12:595; Stephenson, Coelho and Jolliffe (2008), Weather and Forecasting 23:752.
    """
    y, p, _ = _checked(outcome, expected, expected)
    if not np.isin(y, (0, 1)).all() or p.max() > 1:
        raise CannotFit("outcomes other than 0 and 1, or expected values above 1, have no Brier figure")
    _, place = np.unique(_tenths(p, groups), return_inverse=True)
    count = np.bincount(place).astype(np.float64)
    rate, mean = np.bincount(place, weights=y) / count, np.bincount(place, weights=p) / count
    overall = float(y.mean())
    spread, shift = p - mean[place], y - rate[place]
    return Brier(
        brier=float(np.mean((p - y) ** 2)),
        calibration=float(count @ (mean - rate) ** 2 / len(y)),
        resolution=float(count @ (rate - overall) ** 2 / len(y)),
        uncertainty=overall * (1 - overall),
        within=float(np.mean(spread**2 - 2 * spread * shift)),
    )


def _tenths(expected: Floats, groups: int) -> NDArray[np.int64]:
    cuts = np.quantile(expected, np.arange(1, groups) / groups)
    return np.asarray(np.searchsorted(cuts, expected, side="left"), dtype=np.int64)


def _checked(*given: ArrayLike) -> tuple[Floats, Floats, Floats]:
    one, two, three = (np.asarray(values, dtype=np.float64) for values in given)
    if one.ndim != 1 or not (one.shape == two.shape == three.shape):
        raise CannotFit(f"{one.size:,} and {two.size:,} values do not go together", remedy="Give one of each an event.")
    if not one.size:
        raise CannotFit("there is no event to judge a model by")
    wrong = (
        sum(int((~np.isfinite(values) | (values < 0)).any()) for values in (two, three)) or (~np.isfinite(one)).any()
    )
    if wrong:
        raise CannotFit(
            "observed, expected or variance is missing, infinite or below 0", remedy="Leave such events out."
        )
    return one, two, three
