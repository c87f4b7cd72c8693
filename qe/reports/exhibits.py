"""One measure in full: your numbers by payer, you among your peers, cost by kind of service, events left out."""

from collections.abc import Mapping
from dataclasses import dataclass

from qe.disclosure.results import MODELLED, ConfidentialResult, MeasureResult
from qe.reports import figures, markdown, wording
from qe.reports.facts import MeasureFacts
from qe.reports.figures import DotPlot
from qe.reports.marks import (
    HIDDEN_FIGURE,
    axis_of,
    cases_word,
    direction_of,
    dollars_of,
    per_case,
    plot_of,
    rate_scale,
    scale_of,
    ticks_of,
)
from qe.reports.wording import Scale


@dataclass(frozen=True, kw_only=True)
class ComponentRow:
    """Cost of one service category, yours beside the median peer's."""

    label: str
    own: str
    peers: str
    gap: str
    plot: DotPlot


@dataclass(frozen=True, kw_only=True)
class Exhibit:
    """One measure in full."""

    number: int
    anchor: str
    name: str
    why: str
    direction: str
    cases_word: str
    component_dollars: str
    scope_rows: tuple[tuple[str, ...], ...]
    peer_heads: tuple[str, ...]
    peer_cells: tuple[str, ...]
    axis_title: str
    plot: DotPlot
    ticks: tuple[tuple[float, str], ...]
    status: str
    mark: str
    tone: str
    exclusions: tuple[tuple[str, str, str], ...]
    exclusions_letter: str
    components: tuple[ComponentRow, ...]
    standing: str


def exhibit(
    number: int,
    measure: MeasureFacts,
    result: ConfidentialResult,
    whole: Mapping[str, MeasureResult],
    *,
    is_explained: bool,
) -> Exhibit:
    """is_explained: why the measure matters is said here; measures of one module share the words, and the first one says them."""
    row = whole[measure.measure_id]
    scale = scale_of(row, measure)
    axis = axis_of([row], scale)
    mark, status = wording.STATUS[row.category]
    worded = markdown.rules(measure.method)
    components = _components(measure, result)
    return Exhibit(
        number=number,
        anchor=f"exhibit-{measure.measure_id}",
        name=measure.name,
        why=measure.why_it_matters if is_explained else "",
        direction=direction_of(measure),
        cases_word=cases_word(measure).capitalize(),
        component_dollars=f"{dollars_of(measure).capitalize()} {per_case(measure)}",
        scope_rows=tuple(_scope_row(one, measure) for one in result.results if one.measure_id == measure.measure_id),
        peer_heads=PEER_HEADS,
        peer_cells=_peer_cells(row, measure, scale),
        axis_title=f"Axis from {wording.tick(axis.low, scale)} to {wording.tick(axis.high, scale)}",
        plot=plot_of(axis, row, measure, scale),
        ticks=ticks_of(axis, scale),
        status=status,
        mark=mark,
        tone=wording.TONE[row.category],
        exclusions=tuple(
            (rule, markdown.first_sentence(worded.get(rule, "see the method")), f"{count:,}")
            for measure_id, rule, count in result.exclusions
            if measure_id == measure.measure_id
        ),
        exclusions_letter="d" if components else "c",
        components=components,
        standing=_standing(measure) if row.engine not in MODELLED else f"{_standing(measure)} {PREDICTED}",
    )


PREDICTED = (
    "Over all payers the ratio is predicted over expected: drawn toward the average, the more the fewer your cases are; "
    "by payer it is observed over expected."
)


def _standing(measure: MeasureFacts) -> str:
    if measure.standing == "standard":
        return "Standard measure (42 CFR 401.715(a))."
    if not measure.deviations:
        return "Alternative measure (42 CFR 401.715(b))."
    said = "how it departs from its specification, and what is not yet checked, stands in the measure list"
    return f"Alternative measure (42 CFR 401.715(b)); {said}."


def _scope_row(row: MeasureResult, measure: MeasureFacts) -> tuple[str, ...]:
    if row.hidden:
        return (wording.SCOPES[row.payer_scope], *([HIDDEN_FIGURE] * 7))
    rate = rate_scale(measure)
    money: Scale = "dollars" if measure.kind == "amount_ratio" else "number"
    scale = scale_of(row, measure)
    numerator = None if row.numerator is None else float(row.numerator)
    return (
        wording.SCOPES[row.payer_scope],
        wording.count(row.denominator),
        wording.count(row.excluded),
        wording.figure(numerator, "dollars") if measure.kind == "amount_ratio" else wording.count(row.numerator),
        wording.figure(row.expected, money),
        wording.figure(row.observed, rate),
        wording.figure(row.ratio, "ratio"),
        wording.interval(row.ci_low, row.ci_high, scale),
    )


PEER_HEADS = (
    "Peer group", "Peers P25", "Median", "P75", "Achievable benchmark", "Your percentile", "Risk-adjusted", "Reliability",
    "Differs after FDR control",
)  # fmt: skip


def _peer_cells(row: MeasureResult, measure: MeasureFacts, scale: Scale) -> tuple[str, ...]:
    """Figures of the peer group and this unit's place in it, as PEER_HEADS names them; percentile 100 is best."""
    return (
        row.peer_group or "none",
        *(
            wording.figure(value, scale)
            for value in (row.peer_p25, row.peer_median, row.peer_p75, row.achievable_benchmark)
        ),
        *(
            (HIDDEN_FIGURE,) * 4
            if row.hidden
            else (
                wording.percentile(row.percentile),
                wording.figure(row.adjusted, rate_scale(measure)),
                wording.figure(row.reliability, "ratio"),
                {True: "yes", False: "no", None: wording.NOT_APPLICABLE}[row.fdr_significant],
            )
        ),
    )


def _components(measure: MeasureFacts, result: ConfidentialResult) -> tuple[ComponentRow, ...]:
    """Service categories by the size of the gap to the median peer, largest first."""
    own = [entry for entry in result.components if entry[0] == measure.measure_id]
    if not own:
        return ()
    axis = figures.axis_over([value for entry in own for value in entry[2:]], floor=0.0)
    ranked = sorted(own, key=lambda entry: (-abs(entry[2] - entry[3]), entry[1]))
    rows = []
    for _, name, mine, peers in ranked:
        label = wording.CATEGORIES.get(name, name)
        yours, median = wording.figure(mine, "dollars"), wording.figure(peers, "dollars")
        title = f"{label}: yours {yours}, median peer {median} {per_case(measure)}"
        plot = figures.dot_plot(
            axis,
            title=title,
            tone="same",
            band=(None, None),
            median=peers,
            benchmark=None,
            interval=(None, None),
            figure=mine,
        )
        sign = "+" if mine >= peers else "−"
        rows.append(
            ComponentRow(
                label=label,
                own=wording.figure(mine, "dollars"),
                peers=wording.figure(peers, "dollars"),
                gap=f"{sign}{wording.figure(abs(mine - peers), 'dollars')}",
                plot=plot,
            )
        )
    return tuple(rows)
