"""Scale functions for the SVG marks: from figures to pixels, and ticks at round numbers. No chart library."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 250.0  # px, a row's dot plot
PADDING: Final = 16.0  # px at both ends, so that the labels of the last ticks are not clipped
MIDDLE: Final = 13.0
TARGET_TICKS: Final = 5


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One axis, shared by the rows of a group. ticks: position and value."""

    low: float
    high: float
    ticks: tuple[tuple[float, float], ...]

    def x(self, value: float) -> float:
        """The pixel of a value, held inside the axis; rounded to a tenth, so that it is the same text everywhere."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(PADDING + share * (WIDTH - 2 * PADDING), 1)


@dataclass(frozen=True, kw_only=True)
class DotPlot:
    """The marks of one row in pixels; None where there is nothing to draw. title: the same facts in words."""

    title: str
    tone: str
    band: tuple[float, float] | None
    median: float | None
    benchmark: float | None
    interval: tuple[float, float] | None
    dot: float | None


def axis_over(values: Iterable[float | None], *, floor: float | None = None) -> Axis:
    """An axis that holds all values, from one round number to another."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    if high - low < 1e-9:
        low, high = low - max(abs(low), 1) * 0.1, high + max(abs(high), 1) * 0.1
    step = _round_step((high - low) / TARGET_TICKS)
    start, end = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    if floor is not None:
        start = max(start, floor)
    axis = Axis(low=start, high=end, ticks=())
    count = round((end - start) / step)
    values_at = [start + step * place for place in range(count + 1)]
    return Axis(low=start, high=end, ticks=tuple((axis.x(value), round(value, 10)) for value in values_at))


def _round_step(rough: float) -> float:
    """1, 2 or 5 times a power of ten, at least `rough`."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= rough - 1e-12)


def dot_plot(
    axis: Axis,
    *,
    title: str,
    tone: str,
    band: Sequence[float | None],
    median: float | None,
    benchmark: float | None,
    interval: Sequence[float | None],
    figure: float | None,
) -> DotPlot:
    """One row's marks. A band or an interval with an unknown end is not drawn."""

    def span(ends: Sequence[float | None]) -> tuple[float, float] | None:
        low, high = ends
        return None if low is None or high is None else (axis.x(low), axis.x(high))

    def place(value: float | None) -> float | None:
        return None if value is None else axis.x(value)

    return DotPlot(
        title=title,
        tone=tone,
        band=span(band),
        median=place(median),
        benchmark=place(benchmark),
        interval=span(interval),
        dot=place(figure),
    )
