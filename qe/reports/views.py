"""What the confidential report's template sees: text already worded, figures already formatted, marks already placed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from qe.disclosure.results import ConfidentialResult, MeasureResult
from qe.reports import figures, markdown, wording
from qe.reports.facts import MeasureFacts, ReportFacts, ReviewDates
from qe.reports.figures import Axis, DotPlot
from qe.reports.markdown import Block
from qe.reports.wording import Scale

LABEL_OF_ID = {"TIN": "Group (TIN)", "CCN": "CCN", "NPI": "NPI"}
LOOK_FIRST = 3
HIDDEN_FIGURE = "*"


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


@dataclass(frozen=True, kw_only=True)
class MethodAnnex:
    """One measure's method, as its folder writes it."""

    name: str
    version: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, kw_only=True)
class ReportView:
    """The whole report of one provider or supplier."""

    title: str
    organisation: str
    contact: str
    rehearsal: bool
    report_id: str
    run_id: str
    software: str
    provider_name: str
    id_label: str
    shown_id: str
    level: str
    role: str
    period: str
    peer_group: str
    persons: str
    version: str
    sent_on: str
    deadline_day: str
    deadline: str
    public_after: str
    public_from: str
    data_through: str
    created: str
    look_first: tuple[tuple[str, str], ...]
    glance: tuple[GlanceGroup, ...]
    glance_caption: str
    glance_notes: tuple[tuple[str, str], ...]
    exhibits: tuple[Exhibit, ...]
    attribution_rules: tuple[tuple[str, str], ...]
    attribution_rows: tuple[tuple[str, str, str], ...]
    measures: tuple[tuple[str, ...], ...]
    deviations: tuple[tuple[str, str], ...]
    model_rows: tuple[tuple[str, str, str, str], ...]
    settings: tuple[tuple[str, str], ...]
    sources: tuple[tuple[str, ...], ...]
    linkage: tuple[tuple[str, str], ...]
    inputs: tuple[tuple[str, str], ...]
    annexes: tuple[MethodAnnex, ...]
    csv_rows: tuple[tuple[str, ...], ...]


def report_view(result: ConfidentialResult, facts: ReportFacts, dates: ReviewDates) -> ReportView:
    """The view of one report: everything is decided here, nothing in the template."""
    provider = result.provider
    whole = {row.measure_id: row for row in result.results if row.payer_scope == "all"}
    shown = [measure for measure in facts.measures if measure.measure_id in whole]
    exhibits = tuple(_exhibit(place, measure, result, whole) for place, measure in enumerate(shown, start=2))
    persons = result.attributed_persons
    return ReportView(
        title=f"Confidential performance report: {provider.name}, {facts.period.label}",
        organisation=facts.organisation,
        contact=facts.contact,
        rehearsal=facts.rehearsal,
        report_id=f"{facts.cycle}-{provider.unit_id}",
        run_id=facts.run_id,
        software=facts.software_version,
        provider_name=provider.name,
        id_label=LABEL_OF_ID[provider.id_type],
        shown_id=provider.shown_id,
        level=wording.LEVELS[provider.level],
        role=provider.role,
        period=_period(facts, whole.values()),
        peer_group=next((row.peer_group for row in whole.values() if row.peer_group), "none"),
        persons=f"{persons['all']:,} ({persons['medicare']:,} Medicare, {persons['other']:,} other payers)",
        version=f"1.0, sent {wording.day(dates.sent_on)}",
        sent_on=wording.day(dates.sent_on),
        deadline_day=wording.day(dates.last_request_day),
        deadline=dates.deadline,
        public_after=wording.day(dates.last_request_day),
        public_from=wording.day(dates.public_from),
        data_through=wording.day(facts.data_through),
        created=f"{dates.sent_on.isoformat()}T00:00:00Z",
        look_first=_look_first(shown, whole),
        glance=tuple(_glance(shown, whole)),
        glance_caption=_caption(shown, whole),
        glance_notes=_notes(shown, whole),
        exhibits=exhibits,
        attribution_rules=tuple(
            (measure.name, wording.ATTRIBUTION.get(measure.attribution_method, measure.attribution))
            for measure in shown
        ),
        attribution_rows=tuple(
            (facts.measure(measure_id).name, _steps_of(facts.measure(measure_id), step), f"{count:,}")
            for measure_id, step, count in result.attribution_steps
        ),
        measures=tuple(_measure_row(measure) for measure in facts.measures),
        deviations=tuple((measure.name, ", ".join(measure.deviations) or "none") for measure in facts.measures),
        model_rows=tuple(_model_rows(facts)),
        settings=facts.settings,
        sources=tuple(
            (
                source.source_id,
                source.payer_type.replace("_", " "),
                f"{source.files:,}",
                f"{source.rows_read:,}",
                f"{source.rows_quarantined:,}",
                f"{source.claims:,}",
            )
            for source in facts.sources
        ),
        linkage=tuple((what, f"{count:,}") for what, count in facts.linkage),
        inputs=tuple(sorted(facts.inputs_sha256.items())),
        annexes=tuple(
            MethodAnnex(name=measure.name, version=measure.version, blocks=markdown.blocks(measure.method))
            for measure in shown
        ),
        csv_rows=tuple(csv_rows(result)),
    )


def _period(facts: ReportFacts, rows: Iterable[MeasureResult]) -> str:
    """The months that the measures cover, in words; the quarter's label alone when they cover different ones."""
    spans = {wording.span(row.period_start, row.period_end) for row in rows}
    return f"{facts.period.label}: {spans.pop()}" if len(spans) == 1 else facts.period.label


def _steps_of(measure: MeasureFacts, step: str) -> str:
    return wording.ATTRIBUTION_STEPS.get((measure.attribution_method, step), f"step {step}")


def scale_of(row: MeasureResult, measure: MeasureFacts) -> Scale:
    """How the figure that is compared is printed: O/E ratios as ratios, shares as percent."""
    if row.ratio is not None or measure.kind == "amount_ratio" or measure.risk_adjustment.startswith("logistic"):
        return "ratio"
    return "percent" if measure.kind == "proportion" else "number"


def compared_figure(row: MeasureResult, scale: Scale) -> float | None:
    return row.ratio if scale == "ratio" else row.observed


def direction_of(measure: MeasureFacts) -> str:
    return f"{measure.direction} is better"


def _cases_word(measure: MeasureFacts) -> str:
    return "member months" if measure.kind == "amount_ratio" else wording.UNITS[measure.unit]


def _plot(axis: Axis, row: MeasureResult, measure: MeasureFacts, scale: Scale) -> DotPlot:
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


def _axis(rows: Iterable[MeasureResult], scale: Scale) -> Axis:
    values: list[float | None] = []
    for row in rows:
        values += [row.peer_p25, row.peer_p75, row.achievable_benchmark]
        if row.category != "too_few":
            values += [row.ci_low, row.ci_high]
    if scale == "ratio":
        values.append(1.0)
    return figures.axis_over(values, floor=0.0)


def _ticks(axis: Axis, scale: Scale) -> tuple[tuple[float, str], ...]:
    return tuple((x, wording.tick(value, scale)) for x, value in axis.ticks)


def _glance(shown: Sequence[MeasureFacts], whole: Mapping[str, MeasureResult]) -> Iterable[GlanceGroup]:
    keyed: dict[tuple[str, str, Scale], list[MeasureFacts]] = {}
    for measure in shown:
        scale = scale_of(whole[measure.measure_id], measure)
        keyed.setdefault((measure.category, measure.direction, scale), []).append(measure)
    for (category, direction, scale), measures in keyed.items():
        rows = [whole[measure.measure_id] for measure in measures]
        axis = _axis(rows, scale)
        of_what = ", observed / expected" if scale == "ratio" else ""
        yield GlanceGroup(
            title=category,
            direction=f"{direction} is better{of_what}",
            axis_title=f"Axis from {wording.tick(axis.low, scale)} to {wording.tick(axis.high, scale)}",
            ticks=_ticks(axis, scale),
            rows=tuple(_glance_row(measure, row, axis, scale) for measure, row in zip(measures, rows, strict=True)),
        )


def _glance_row(measure: MeasureFacts, row: MeasureResult, axis: Axis, scale: Scale) -> GlanceRow:
    mark, status = wording.STATUS[row.category]
    few = row.category == "too_few"
    return GlanceRow(
        name=measure.name,
        cases=HIDDEN_FIGURE if row.hidden else wording.count(row.denominator),
        figure="NR" if few or row.hidden else wording.figure(compared_figure(row, scale), scale),
        interval="" if few or row.hidden else wording.interval(row.ci_low, row.ci_high, scale),
        plot=_plot(axis, row, measure, scale),
        tone=wording.TONE[row.category],
        mark=mark,
        status=status,
        notes=tuple(sorted({"a"} if few else ({"b"} if _is_unreliable(row) else set()))),
    )


def _is_unreliable(row: MeasureResult) -> bool:
    return row.reliability is not None and row.reliability < 0.7


def _caption(shown: Sequence[MeasureFacts], whole: Mapping[str, MeasureResult]) -> str:
    group = next((whole[m.measure_id].peer_group for m in shown if whole[m.measure_id].peer_group), "no peers")
    noun = "measure" if len(shown) == 1 else "measures"
    return f"Exhibit 1. {len(shown)} {noun}, compared with {group}"


def _notes(shown: Sequence[MeasureFacts], whole: Mapping[str, MeasureResult]) -> tuple[tuple[str, str], ...]:
    notes = []
    few = [measure for measure in shown if whole[measure.measure_id].category == "too_few"]
    if few:
        minima = ", ".join(f"{one.minimum_denominator:,} {_cases_word(one)} ({one.name})" for one in few)
        notes.append(("a", f"Below the measure's minimum: {minima}. Left out of the public report."))
    if any(_is_unreliable(whole[measure.measure_id]) for measure in shown):
        notes.append(("b", "Reliability below 0.70 at your volume."))
    return tuple(notes)


def _look_first(shown: Sequence[MeasureFacts], whole: Mapping[str, MeasureResult]) -> tuple[tuple[str, str], ...]:
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
        lines.append((measure.name, f"{_sentence(measure, row)} (Exhibit {number})"))
    return tuple(lines) or (("No result", "none of this report's measures has a case of yours in this period."),)


def _sentence(measure: MeasureFacts, row: MeasureResult) -> str:
    if row.hidden:
        return "not shown, so that no small number of persons can be told."
    if row.category == "too_few":
        cases = wording.count(row.denominator or Decimal(0))
        return f"{cases} {_cases_word(measure)}, too few to compare."
    scale = scale_of(row, measure)
    if measure.kind == "amount_ratio" and row.ratio is not None:
        difference = abs(row.ratio - 1) * 100
        said = f"{difference:.0f}% {'above' if row.ratio >= 1 else 'below'} what is expected for your patients' mix"
    elif scale == "ratio" and row.ratio is not None:
        said = (
            f"{wording.figure(row.observed, 'percent')} of {wording.count(row.denominator)} {_cases_word(measure)},"
            f" {wording.figure(row.ratio, 'ratio')} times what is expected"
        )
    else:
        said = f"{wording.figure(row.observed, scale)} of {wording.count(row.denominator)} {_cases_word(measure)}"
    return f"{said}, {_standing_among_peers(row.percentile)}."


def _standing_among_peers(percentile: float | None) -> str:
    if percentile is None:
        return "without peers to compare with"
    if percentile <= 25:
        return "not as good as 3 in 4 peers"
    if percentile >= 75:
        return "better than 3 in 4 peers"
    return "in the middle half of peers"


def _exhibit(
    number: int, measure: MeasureFacts, result: ConfidentialResult, whole: Mapping[str, MeasureResult]
) -> Exhibit:
    row = whole[measure.measure_id]
    scale = scale_of(row, measure)
    axis = _axis([row], scale)
    mark, status = wording.STATUS[row.category]
    worded = markdown.rules(measure.method)
    components = _components(measure, result)
    return Exhibit(
        number=number,
        anchor=f"exhibit-{measure.measure_id}",
        name=measure.name,
        why=measure.why_it_matters,
        direction=direction_of(measure),
        cases_word=_cases_word(measure).capitalize(),
        scope_rows=tuple(_scope_row(one, measure) for one in result.results if one.measure_id == measure.measure_id),
        peer_heads=PEER_HEADS,
        peer_cells=_peer_cells(row, measure, scale),
        axis_title=f"Axis from {wording.tick(axis.low, scale)} to {wording.tick(axis.high, scale)}",
        plot=_plot(axis, row, measure, scale),
        ticks=_ticks(axis, scale),
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
        standing=_standing(measure),
    )


def _standing(measure: MeasureFacts) -> str:
    if measure.standing == "standard":
        return "Standard measure (42 CFR 401.715(a))."
    return f"Alternative measure (42 CFR 401.715(b)); deviations: {', '.join(measure.deviations) or 'none stated'}."


def _scope_row(row: MeasureResult, measure: MeasureFacts) -> tuple[str, ...]:
    if row.hidden:
        return (wording.SCOPES[row.payer_scope], *([HIDDEN_FIGURE] * 7))
    rate: Scale = "dollars" if measure.kind == "amount_ratio" else "percent"
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
    adjusted: Scale = "dollars" if measure.kind == "amount_ratio" else "percent"
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
                wording.figure(row.adjusted, adjusted),
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
        title = f"{label}: yours {wording.figure(mine, 'dollars')}, median peer {wording.figure(peers, 'dollars')} a member month"
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


def _measure_row(measure: MeasureFacts) -> tuple[str, ...]:
    return (
        measure.measure_id,
        measure.name,
        measure.version,
        measure.steward,
        measure.standing,
        measure.attribution,
        "not recorded" if measure.approved_on is None else wording.day(measure.approved_on),
    )


def _model_rows(facts: ReportFacts) -> Iterable[tuple[str, str, str, str]]:
    for measure_id, cohort, term, estimate, error in facts.model:
        if not term.startswith("left out"):
            name = f"{measure_id}, {cohort}" if cohort else measure_id
            yield name, term, f"{estimate:.4g}", "" if error is None else f"{error:.3g}"


CSV_COLUMNS = (
    "measure_id", "level", "payer_scope", "peer_group", "period_start", "period_end", "denominator", "excluded", "numerator",
    "observed", "expected", "ratio", "adjusted", "ci_low", "ci_high", "reliability", "peer_p25", "peer_median", "peer_p75",
    "achievable_benchmark", "percentile", "category", "fdr_significant", "publishable", "not_publishable_reason", "hidden",
)  # fmt: skip


def csv_rows(result: ConfidentialResult) -> Iterable[tuple[str, ...]]:
    """The rows of the report's own CSV, the header first; figures unrounded but for the run's 12 digits."""
    yield CSV_COLUMNS
    for row in result.results:
        yield tuple(_cell(getattr(row, column)) for column in CSV_COLUMNS)


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Decimal():
            text = f"{value:f}"
            return text.rstrip("0").rstrip(".") if "." in text else text
        case float():
            return f"{value:.12g}"
        case _:
            text = str(value)
            return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
