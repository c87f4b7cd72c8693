"""What the confidential report's template sees: text already worded, figures already formatted, marks already placed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from qe.disclosure.results import ConfidentialResult, MeasureResult
from qe.reports import methods, wording
from qe.reports.exhibits import Exhibit, exhibit
from qe.reports.facts import MeasureFacts, ReportFacts, ReviewDates, explaining, together
from qe.reports.glance import GlanceGroup, caption, glance, look_first, notes
from qe.reports.own_csv import csv_rows

LABEL_OF_ID = {"TIN": "Group (TIN)", "CCN": "CCN", "NPI": "NPI"}


@dataclass(frozen=True, kw_only=True)
class ReportView:
    """The whole report of one provider or supplier.

    fits  how well each risk model fits; the coefficients stand in the methods companion
    """

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
    fits: tuple[methods.ModelTable, ...]
    catchment: str
    sources: tuple[tuple[str, ...], ...]
    linkage: tuple[tuple[str, str], ...]
    csv_rows: tuple[tuple[str, ...], ...]


def report_view(result: ConfidentialResult, facts: ReportFacts, dates: ReviewDates) -> ReportView:
    """The view of one report: everything is decided here, nothing in the template."""
    provider = result.provider
    whole = {row.measure_id: row for row in result.results if row.payer_scope == "all"}
    shown = [measure for measure in facts.measures if measure.measure_id in whole]
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
        version=_version(dates),
        sent_on=wording.day(dates.sent_on),
        deadline_day=wording.day(dates.last_request_day),
        deadline=dates.deadline,
        public_after=wording.day(dates.last_request_day),
        public_from=wording.day(dates.public_from),
        data_through=wording.day(facts.data_through),
        created=f"{dates.sent_on.isoformat()}T00:00:00Z",
        look_first=look_first(shown, whole),
        glance=tuple(glance(shown, whole)),
        glance_caption=caption(shown, whole),
        glance_notes=notes(shown, whole),
        exhibits=exhibits_of(result, shown, whole),
        attribution_rules=tuple(
            (names, _attribution_rule(first)) for names, first in together(shown, _attribution_rule)
        ),
        attribution_rows=tuple(
            (facts.measure(measure_id).name, _steps_of(facts.measure(measure_id), step), f"{count:,}")
            for measure_id, step, count in result.attribution_steps
        ),
        measures=tuple(_measure_row(measure) for measure in facts.measures),
        deviations=tuple(
            (measure.name, " ".join(wording.departures(measure.deviations)) or "No departure is known.")
            for measure in facts.measures
        ),
        fits=tuple(methods.fits(facts, shown)),
        catchment=wording.catchment(provider.catchment) if provider.level == "facility" else "",
        sources=tuple(
            (
                source.source_id,
                wording.payer(source.payer_type),
                f"{source.files:,}",
                f"{source.rows_read:,}",
                f"{source.rows_quarantined:,}",
                f"{source.claims:,}",
            )
            for source in facts.sources
        ),
        linkage=tuple((wording.linkage(what), f"{count:,}") for what, count in facts.linkage),
        csv_rows=tuple(csv_rows(result)),
    )


def exhibits_of(
    result: ConfidentialResult, shown: Sequence[MeasureFacts], whole: Mapping[str, MeasureResult]
) -> tuple[Exhibit, ...]:
    """One exhibit a measure that has a result, in the report's order; the table at a glance is the first."""
    explained = explaining(shown)
    return tuple(
        exhibit(place, measure, result, whole, is_explained=measure.measure_id in explained)
        for place, measure in enumerate(shown, start=2)
    )


def _version(dates: ReviewDates) -> str:
    if dates.corrected_on is None:
        return f"1.0, sent {wording.day(dates.sent_on)}"
    sent = "first sent" if dates.dates_stay else "sent"
    return f"corrected as you asked on {wording.day(dates.corrected_on)}; {sent} {wording.day(dates.sent_on)}"


def _period(facts: ReportFacts, rows: Iterable[MeasureResult]) -> str:
    """The months that the measures cover, in words; the quarter's label alone when they cover different ones."""
    spans = {wording.span(row.period_start, row.period_end) for row in rows}
    return f"{facts.period.label}: {spans.pop()}" if len(spans) == 1 else facts.period.label


def _attribution_rule(measure: MeasureFacts) -> str:
    return wording.attribution_rule(measure.attribution_method, measure.attribution)


def _steps_of(measure: MeasureFacts, step: str) -> str:
    return wording.attribution_step(measure.attribution_method, step)


def _measure_row(measure: MeasureFacts) -> tuple[str, ...]:
    return (
        measure.name,
        measure.version,
        measure.steward,
        measure.standing.capitalize(),
        wording.attribution_in_short(measure.attribution),
        "not recorded" if measure.approved_on is None else wording.day(measure.approved_on),
    )
