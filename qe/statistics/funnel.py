"""Funnel limits: how far from the target a provider of its size may lie by chance, and by chance beside the usual spread."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, assert_never

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from qe.errors import CannotFit

Floats = NDArray[np.float64]
Kind = Literal["ratio", "proportion", "ratio_of_counts"]
Transform = Literal["log", "sqrt"]
Compat = Literal["funnelplotr"]

TAILS: Final = (0.025, 0.001)  # of each side, of the 95 % and the 99.8 % limits
ROUNDED_Z: Final = (1.959964, 3.090232)  # the same as normal deviates, as FunnelPlotR writes them


@dataclass(frozen=True, kw_only=True)
class Funnel:
    """Arrays follow the providers as given; limits are on the scale of `figure`.

    figure   observed / expected (or events / cases, or count / count)
    target   1 for ratios, else the figure of all providers together
    z        of each provider against the target, on the transformed scale
    is_used  whether the provider was looked at for the spread: all, unless the ends were cut off (transform "log")
    phi      mean square of z after the ends were drawn in or cut off: 1 where chance is all there is
    tau2     variance between providers beyond chance, on the transformed scale; 0 where phi shows none
    z_overdispersed  z beside the spread: (Y - T) / sqrt(s^2 + tau2)
    low95 to high998                by chance alone
    overdispersed_low95 to _high998 by chance and tau2
    """

    figure: Floats
    target: float
    z: Floats
    z_overdispersed: Floats
    is_used: NDArray[np.bool_]
    phi: float
    tau2: float
    low95: Floats
    high95: Floats
    low998: Floats
    high998: Floats
    overdispersed_low95: Floats
    overdispersed_high95: Floats
    overdispersed_low998: Floats
    overdispersed_high998: Floats


def fit(
    observed: ArrayLike,
    expected: ArrayLike,
    *,
    kind: Kind,
    trim: float,
    transform: Transform | None = None,
    compat: Compat | None = None,
) -> Funnel:
    """Funnel of the figures observed / expected of at least two providers.

    observed   (J,) events (proportion, ratio) or counts
    expected   (J,) what they are divided by: expected events, cases, or the other count; above 0
    trim       share of z-values at each end that does not count for the spread, 0 to below 0.5: drawn in to its quantile
               (winsorised; type 7), or cut off where transform is "log"
    transform  of kind "ratio": "sqrt" (Care Quality Commission) or "log" (NHS hospital mortality; a provider without an
               event must fall into what is cut off)
    compat     "funnelplotr" repeats that R package to the letter: rounded normal deviates, expected events rounded to two
               places (log), overdispersed limits of "sqrt" not squared, limits of counts by 1 / (2 sqrt(expected))

    Raises CannotFit on missing, negative or impossible values, fewer than two providers, and a transform that does not go
    with the kind.

    Source: Spiegelhalter (2005), Stat Med 24:1185; Spiegelhalter et al. (2012), J R Stat Soc A 175:1 (tau2); DerSimonian and
    Laird (1986).
    """
    if compat not in (None, "funnelplotr"):
        raise CannotFit(f'there is no compatibility with "{compat}"', remedy='Give compat = "funnelplotr" or none.')
    o, e = _checked(observed, expected, kind=kind, trim=trim, transform=transform)
    if compat == "funnelplotr" and transform == "log":
        e = np.array([round(value, 2) for value in e.tolist()])
    scale = _scale(o, e, kind, transform)
    z = (scale.values - scale.centre) / scale.errors
    is_used = _not_cut_off(z, trim) if transform == "log" else np.ones(len(z), dtype=np.bool_)
    counted = z[is_used] if transform == "log" else np.clip(z, *np.quantile(z, [trim, 1 - trim]))
    if len(counted) < 2 or not np.isfinite(counted).all():
        raise CannotFit(
            "a provider without an event counts for the spread, and a logarithm of nothing is not there"
            if len(counted) > 1
            else f"of {len(z)} providers {len(counted)} are left to tell the spread from",
            remedy='Give transform = "sqrt", or another trim.',
        )
    phi, tau2 = _spread(counted, scale.errors[is_used])
    wide = scale.limit_errors if compat == "funnelplotr" else scale.errors
    z_of_limits = ROUNDED_Z if compat == "funnelplotr" else tuple(float(scipy.stats.norm.isf(tail)) for tail in TAILS)
    back = _as_is if compat == "funnelplotr" and transform == "sqrt" else scale.back
    low, high = [], []
    for tail, deviate in zip(TAILS, z_of_limits, strict=True):
        if kind == "ratio":
            low.append(scipy.stats.chi2.ppf(tail, 2 * e) / 2 / e)
            high.append(scipy.stats.chi2.isf(tail, 2 * (e + 1)) / 2 / e)
        else:
            low.append(scale.back(scale.centre - deviate * wide))
            high.append(scale.back(scale.centre + deviate * wide))
    for deviate in z_of_limits:
        low.append(back(scale.centre - deviate * np.sqrt(wide**2 + tau2)))
        high.append(back(scale.centre + deviate * np.sqrt(wide**2 + tau2)))
    return Funnel(
        figure=o / e,
        target=1.0 if kind == "ratio" else float(o.sum() / e.sum()),
        z=z,
        z_overdispersed=(scale.values - scale.centre) / np.sqrt(scale.errors**2 + tau2),
        is_used=is_used,
        phi=phi,
        tau2=tau2,
        low95=low[0],
        high95=high[0],
        low998=low[1],
        high998=high[1],
        overdispersed_low95=low[2],
        overdispersed_high95=high[2],
        overdispersed_low998=low[3],
        overdispersed_high998=high[3],
    )


@dataclass(frozen=True, kw_only=True)
class _Scale:
    """Figures where their spread does not depend on their size: values and errors by provider, and the way back."""

    values: Floats
    centre: float
    errors: Floats
    limit_errors: Floats  # FunnelPlotR's, which differ for ratios of counts
    back: Callable[[Floats], Floats]


def _scale(o: Floats, e: Floats, kind: Kind, transform: Transform | None) -> _Scale:
    half = 1 / (2 * np.sqrt(e))
    if kind == "proportion":
        centre = float(np.arcsin(np.sqrt(o.sum() / e.sum())))
        return _Scale(
            values=np.arcsin(np.sqrt(o / e)), centre=centre, errors=half, limit_errors=half, back=_sine_squared
        )
    if kind == "ratio_of_counts":
        errors = np.sqrt(o / (o + 0.5) ** 2 + e / (e + 0.5) ** 2)
        centre = float(np.log(o.sum() / e.sum()))
        return _Scale(
            values=np.log((o + 0.5) / (e + 0.5)), centre=centre, errors=errors, limit_errors=half, back=np.exp
        )
    if kind == "ratio":
        if transform == "sqrt":
            return _Scale(values=np.sqrt(o / e), centre=1.0, errors=half, limit_errors=half, back=_squared)
        with np.errstate(divide="ignore"):
            return _Scale(values=np.log(o / e), centre=0.0, errors=2 * half, limit_errors=2 * half, back=np.exp)
    assert_never(kind)


def _sine_squared(angle: Floats) -> Floats:
    return np.asarray(np.sin(np.clip(angle, 0, np.pi / 2)) ** 2, dtype=np.float64)


def _squared(root: Floats) -> Floats:
    return np.asarray(np.maximum(root, 0) ** 2, dtype=np.float64)


def _as_is(root: Floats) -> Floats:
    return root


def _not_cut_off(z: Floats, trim: float) -> NDArray[np.bool_]:
    """Which z-values lie outside the lowest and the highest of 1 / trim groups of equal size by rank."""
    if trim == 0:
        return np.ones(len(z), dtype=np.bool_)
    groups = 1 / trim
    group = np.floor(scipy.stats.rankdata(z) * groups / (len(z) + 1))
    return np.asarray((group > 0) & (group < groups - 1), dtype=np.bool_)


def _spread(z: Floats, errors: Floats) -> tuple[float, float]:
    """phi and tau2: mean square of z, and the variance between providers that explains what of it exceeds chance."""
    count, phi, weight = len(z), float(np.mean(z**2)), 1 / errors**2
    excess = count * phi - (count - 1)
    return phi, max(0.0, float(excess / (weight.sum() - (weight**2).sum() / weight.sum())))


def _checked(
    observed: ArrayLike, expected: ArrayLike, *, kind: Kind, trim: float, transform: Transform | None
) -> tuple[Floats, Floats]:
    o, e = np.asarray(observed, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    if kind not in ("ratio", "proportion", "ratio_of_counts"):
        raise CannotFit(f'there is no funnel of "{kind}"', remedy="Give ratio, proportion or ratio_of_counts.")
    if (transform in ("log", "sqrt")) != (kind == "ratio"):
        raise CannotFit(
            f"a funnel of {kind} has {'to name its' if kind == 'ratio' else 'no'} transform",
            remedy='Give transform = "sqrt" or "log" for ratios, and none for the others.',
        )
    if not 0 <= trim < 0.5:
        raise CannotFit(f"trim is a share of each end from 0 to below 0.5, got {trim:g}")
    if o.ndim != 1 or o.shape != e.shape or len(o) < 2:
        raise CannotFit(
            f"a funnel needs at least two providers, got {o.shape} observed and {e.shape} expected",
            remedy="Give one observed and one expected figure a provider.",
        )
    wrong = ~(np.isfinite(o) & np.isfinite(e)) | (o < 0) | (e <= 0)
    if kind == "proportion":
        wrong |= o > e
    if wrong.any():
        raise CannotFit(
            f"missing, negative or impossible in {int(wrong.sum()):,} of {len(o):,} providers",
            remedy="Leave out providers of whom nothing is expected"
            + (", and give no more events than cases." if kind == "proportion" else "."),
        )
    if o.sum() == 0:
        raise CannotFit("no provider has an event: there is no spread to tell chance from")
    return o, e
