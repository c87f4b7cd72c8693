"""One result as marks and scale: how its figure is printed, and where its marks stand."""

from collections.abc import Iterable
from typing import Final

from qe.disclosure.results import MeasureResult
from qe.reports import figures, model_words, wording
from qe.reports.facts import MeasureFacts
from qe.reports.figures import Axis, DotPlot
from qe.reports.wording import Scale

HIDDEN_FIGURE: Final = "*"


def scale_of(row: MeasureResult, measure: MeasureFacts) -> Scale:
    """How the figure that is compared is printed: O/E ratios as ratios, shares as percent."""
    is_adjusted = measure.risk_adjustment.partition(": ")[0] in model_words.MODELS
    if row.ratio is not None or measure.kind == "amount_ratio" or is_adjusted:
        return "ratio"
    return rate_scale(measure) if measure.kind in ("proportion", "rate") else "number"


def rate_scale(measure: MeasureFacts) -> Scale:
    """How numerator / denominator is printed: dollars, shares as percent, rates per 1,000 of what the denominator counts."""
    if measure.quotient is not None:
        return "ratio"
    match measure.kind:
        case "amount_ratio":
            return "dollars"
        case "rate":
            return "per_thousand"
        case _:
            return "percent"


def compared_figure(row: MeasureResult, scale: Scale) -> float | None:
    return row.ratio if scale == "ratio" else row.observed


def direction_of(measure: MeasureFacts) -> str:
    return f"{measure.direction} is better"


def cases_word(measure: MeasureFacts) -> str:
    if measure.per:
        return measure.per
    if measure.kind == "amount_ratio" and measure.unit == "person":
        return "member months"
    return wording.UNITS[measure.unit]


def minimum_word(measure: MeasureFacts) -> str:
    """What the least denominator counts: of a quotient it is that of its first measure."""
    return "member months" if measure.quotient is not None else cases_word(measure)


def dollars_of(measure: MeasureFacts) -> str:
    """What the dollars of a cost measure are."""
    return measure.dollars or "allowed dollars"


def per_case(measure: MeasureFacts) -> str:
    """What the dollars of a cost measure are counted by: a person's by month, an episode's by episode."""
    return "an episode" if measure.unit == "episode" else "a member month"


def plot_of(axis: Axis, row: MeasureResult, measure: MeasureFacts, scale: Scale) -> DotPlot:
    figure = compared_figure(row, scale)
    enough = row.category != "too_few" and row.hidden is None
    parts = [f"{measure.name}: "]
    if row.peer_median is not None:
        parts.append(
            f"peer middle half {wording.interval(row.peer_p25, row.peer_p75, scale)},"
            f" median {wording.figure(row.peer_median, scale)}"
        )
    if row.achievable_benchmark is not None:
        parts.append(f", benchmark {wording.figure(row.achievable_benchmark, scale)}")
    if enough and figure is not None:
        parts.append(
            f"; your result {wording.figure(figure, scale)}, 95% interval {wording.interval(row.ci_low, row.ci_high, scale)}"
        )
    else:
        parts.append("; your result not shown, too few cases")
    return figures.dot_plot(
        axis,
        title="".join(parts),
        tone=wording.TONE[row.category],
        band=(row.peer_p25, row.peer_p75),
        median=row.peer_median,
        benchmark=row.achievable_benchmark,
        interval=(row.ci_low, row.ci_high) if enough else (None, None),
        figure=figure if enough else None,
    )


def axis_of(rows: Iterable[MeasureResult], scale: Scale) -> Axis:
    values: list[float | None] = []
    for row in rows:
        values += [row.peer_p25, row.peer_p75, row.achievable_benchmark]
        if row.category != "too_few":
            values += [row.ci_low, row.ci_high]
    if scale == "ratio":
        values.append(1.0)
    return figures.axis_over(values, floor=0.0)


def ticks_of(axis: Axis, scale: Scale) -> tuple[tuple[float, str], ...]:
    return tuple((x, wording.tick(value, scale)) for x, value in axis.ticks)
