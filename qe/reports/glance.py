"""Page 1 of the confidential report: what to look at first, and all measures at a glance."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from qe.disclosure.results import MeasureResult
from qe.reports import wording
from qe.reports.facts import MeasureFacts
from qe.reports.figures import Axis, DotPlot
from qe.reports.marks import (
    HIDDEN_FIGURE,
    axis_of,
    cases_word,
    compared_figure,
    minimum_word,
    plot_of,
    rate_scale,
    scale_of,
    ticks_of,
)
from qe.reports.wording import Scale

LOOK_FIRST: Final = 3


@dataclass(frozen=True, kw_only=True)
class GlanceRow:
    """One measure in the table of page 1."""

    name: str
    cases: str
    figure: str
    interval: str
    plot: DotPlot
    tone: str
    mark: str
    status: str
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class GlanceGroup:
    """Measures that share a category, a direction and an axis."""

    title: str
    direction: str
    axis_title: str
    ticks: tuple[tuple[float, str], ...]
    rows: tuple[GlanceRow, ...]


def glance(shown: Sequence[MeasureFacts], whole: Mapping[str, MeasureResult]) -> Iterable[GlanceGroup]:
    keyed: dict[tuple[str, str, Scale], list[MeasureFacts]] = {}
    for measure in shown:
        scale = scale_of(whole[measure.measure_id], measure)
        keyed.setdefault((measure.category, measure.direction, scale), []).append(measure)
    for (category, direction, scale), measures in keyed.items():
        rows = [whole[measure.measure_id] for measure in measures]
        axis = axis_of(rows, scale)
        of_what = ", ratio to expected" if scale == "ratio" else ""
        yield GlanceGroup(
            title=category,
            direction=f"{direction} is better{of_what}",
            axis_title=f"Axis from {wording.tick(axis.low, scale)} to {wording.tick(axis.high, scale)}",
            ticks=ticks_of(axis, scale),
            rows=tuple(_glance_row(measure, whole, axis, scale) for measure in measures),
        )


def _judged_by(measure: MeasureFacts, whole: Mapping[str, MeasureResult]) -> MeasureResult:
    """The row whose denominator says whether there are cases enough: of a quotient its first measure's."""
    return whole[measure.measure_id if measure.quotient is None else measure.quotient[0]]


def _glance_row(measure: MeasureFacts, whole: Mapping[str, MeasureResult], axis: Axis, scale: Scale) -> GlanceRow:
    row, judged_by = whole[measure.measure_id], _judged_by(measure, whole)
    mark, status = wording.STATUS[row.category]
    few = row.category == "too_few"
    return GlanceRow(
        name=measure.name,
        cases=HIDDEN_FIGURE if row.hidden or judged_by.hidden else wording.count(judged_by.denominator),
        figure="NR" if few or row.hidden else wording.figure(compared_figure(row, scale), scale),
        interval="" if few or row.hidden else wording.interval(row.ci_low, row.ci_high, scale),
        plot=plot_of(axis, row, measure, scale),
        tone=wording.TONE[row.category],
        mark=mark,
        status=status,
        notes=tuple(sorted({"a"} if few else ({"b"} if _is_unreliable(row) else set()))),
    )


def _is_unreliable(row: MeasureResult) -> bool:
    return row.reliability is not None and row.reliability < 0.7


def caption(shown: Sequence[MeasureFacts], whole: Mapping[str, MeasureResult]) -> str:
    group = next((whole[m.measure_id].peer_group for m in shown if whole[m.measure_id].peer_group), "no peers")
    noun = "measure" if len(shown) == 1 else "measures"
    return f"Exhibit 1. {len(shown)} {noun}, compared with {group}"


def notes(shown: Sequence[MeasureFacts], whole: Mapping[str, MeasureResult]) -> tuple[tuple[str, str], ...]:
    notes = []
    few = [measure for measure in shown if whole[measure.measure_id].category == "too_few"]
    if few:
        minima = ", ".join(f"{one.minimum_denominator:,} {minimum_word(one)} ({one.name})" for one in few)
        notes.append(("a", f"Below the measure's minimum: {minima}. Left out of the public report."))
    if any(_is_unreliable(whole[measure.measure_id]) for measure in shown):
        notes.append(("b", "Reliability below 0.70 at your volume."))
    return tuple(notes)


def look_first(shown: Sequence[MeasureFacts], whole: Mapping[str, MeasureResult]) -> tuple[tuple[str, str], ...]:
    """What to look at first: what is worse than peers, then what is better, then the rest by distance from the middle."""
    order = {"worse": 0, "better": 1, "no_different": 2, "too_few": 3}
    ranked = sorted(
        shown,
        key=lambda one: (
            order[whole[one.measure_id].category],
            -abs((whole[one.measure_id].percentile or 50.0) - 50.0),
            one.measure_id,
        ),
    )
    lines = []
    for measure in ranked[:LOOK_FIRST]:
        row = whole[measure.measure_id]
        number = shown.index(measure) + 2
        lines.append((measure.name, f"{_sentence(measure, row, _judged_by(measure, whole))} (Exhibit {number})"))
    return tuple(lines) or (("No result", "none of this report's measures has a case of yours in this period."),)


def _sentence(measure: MeasureFacts, row: MeasureResult, judged_by: MeasureResult) -> str:
    if row.hidden or judged_by.hidden:
        return "not shown, so that no small number of persons can be told."
    if row.category == "too_few":
        cases = wording.count(judged_by.denominator or Decimal(0))
        return f"{cases} {minimum_word(measure)}, too few to compare."
    scale = scale_of(row, measure)
    if measure.kind == "amount_ratio" and row.ratio is not None:
        difference = abs(row.ratio - 1) * 100
        figure = "prices " if measure.quotient is not None else ""
        said = f"{figure}{difference:.0f}% {'above' if row.ratio >= 1 else 'below'} what is expected for your patients' mix"
    elif scale == "ratio" and row.ratio is not None:
        said = (
            f"{wording.figure(row.observed, rate_scale(measure))} of {wording.count(row.denominator)} {cases_word(measure)},"
            f" {wording.figure(row.ratio, 'ratio')} times what is expected"
        )
    else:
        said = f"{wording.figure(row.observed, scale)} of {wording.count(row.denominator)} {cases_word(measure)}"
    return f"{said}, {_standing_among_peers(row.percentile)}."


def _standing_among_peers(percentile: float | None) -> str:
    if percentile is None:
        return "without peers to compare with"
    if percentile <= 25:
        return "not as good as 3 in 4 peers"
    if percentile >= 75:
        return "better than 3 in 4 peers"
    return "in the middle half of peers"
