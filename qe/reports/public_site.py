"""The public report as bytes: a static site, one PDF and the data files, from the same suppressed and rounded rows."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any, Final

from qe import bundled
from qe.disclosure.notes import NOTE_WORDING, NoteCode
from qe.disclosure.results import PublicRelease, PublicResult
from qe.reports import markdown, model_words, pages, wording
from qe.reports.facts import MeasureFacts, ReportFacts, explaining
from qe.reports.marks import cases_word, dollars_of, minimum_word, per_case, rate_scale

HIDDEN: Final = "*"
POSTING_PAGE: Final = "site/open-requests.html"
COLUMNS: Final = tuple(field.name for field in fields(PublicResult))
MEANINGS: Final = {
    "measure_id": "Measure",
    "measure_name": "Name of the measure",
    "level": "What the row is about: facility, group, clinician or area",
    "public_id": "CCN of a facility, NPI of a clinician; groups have an id of this report, never a tax number",
    "provider_name": "Name of the provider or supplier",
    "peer_group": "Whom it is compared with in this report",
    "area": "County of the practice location (FIPS)",
    "period_start": "First day of the measure's period",
    "period_end": "Last day of the measure's period",
    "denominator": "Cases: stays, persons, episodes or member months; dollars at reference prices for price indices",
    "rate": "Numerator / denominator as a fraction; for costs dollars a member month or an episode, for prices a ratio",
    "ci_low": "Lower end of the 95% interval: of the ratio where there is one, else of the rate",
    "ci_high": "Upper end of the 95% interval",
    "expected": "Expected rate for the same patients, in the unit of rate; empty for measures that are not risk-adjusted",
    "ratio": "Ratio to expected: predicted over expected where the risk model has an effect of each provider, else observed over "
    "expected",
    "benchmark": "Achievable benchmark, in the unit of rate; for unadjusted shares only",
    "category": "better, no_different, worse, too_few",
    "note_code": "Why figures are missing",
}


@dataclass(frozen=True, kw_only=True)
class PublicRow:
    """One row of a page: every cell as text, hidden ones as *."""

    measure_id: str
    measure_name: str
    level: str
    public_id: str
    provider_name: str
    area: str
    mark: str
    status: str
    tone: str
    rate: str
    interval: str
    ratio: str
    cases: str
    expected: str
    benchmark: str
    peer_group: str
    note: str


@dataclass(frozen=True, kw_only=True)
class PublicMeasureView:
    """One measure's page. introduction: why it matters, where measures stand in a row; empty after the first of its module."""

    measure_id: str
    name: str
    why: str
    introduction: str
    direction: str
    standing: str
    figure: str
    attribution: str
    risk_adjustment: str
    minimum: str
    version: str
    steward: str
    blocks: tuple[markdown.Block, ...]
    rows: tuple[PublicRow, ...]


@dataclass(frozen=True, kw_only=True)
class PublicProviderView:
    """One provider's or supplier's page."""

    public_id: str
    name: str
    level: str
    rows: tuple[PublicRow, ...]


def build_site(
    public: PublicRelease,
    facts: ReportFacts,
    *,
    published_on: date,
    posting: Sequence[tuple[str, str]],
    not_posted: Sequence[tuple[str, int]] = (),
) -> dict[str, bytes]:
    """Every file of the public report by its path: site/..., report.pdf, data/...

    posting     open requests at release: name of the provider or supplier, category of the request (401.717(e))
    not_posted  reasons why open requests cannot be posted, with the number of them
    """
    shown = {row.measure_id for row in public.results}
    published = [measure for measure in facts.measures if measure.measure_id in shown]
    explained = explaining(published)
    measures = [_measure_view(one, public, is_explained=one.measure_id in explained) for one in published]
    providers = _provider_views(measures)
    shared: dict[str, Any] = {
        **_frame(facts, published_on),
        **_posting(posting, not_posted),
        "areas": ", ".join(facts.areas),
        "measures": measures,
        "providers": providers,
        "notes": [(str(code), text) for code, text in NOTE_WORDING.items()],
        "sources": [(s.source_id, wording.payer(s.payer_type), f"{s.claims:,}") for s in facts.sources],
        "settings": [wording.setting(name, value) for name, value in facts.settings],
        "settings_by_key": facts.settings,
        "hidden": HIDDEN,
    }
    files = _site_files(measures, providers, shared)
    files["report.pdf"] = _pdf(shared, published_on)
    files |= _data_files(public, facts, published_on)
    return files


def posting_page(
    facts: ReportFacts,
    *,
    published_on: date,
    posting: Sequence[tuple[str, str]],
    not_posted: Sequence[tuple[str, int]],
    amended_on: date,
    supersedes: date,
) -> bytes:
    """The page POSTING_PAGE of a report that is public, amended. supersedes: the day of the table that it takes the place of."""
    page = pages.html(
        "public/open-requests.html",
        root="",
        **_frame(facts, published_on),
        **_posting(posting, not_posted),
        amendment=(wording.day(amended_on), wording.day(supersedes)),
    )
    return page.encode()


def _frame(facts: ReportFacts, published_on: date) -> dict[str, Any]:
    """What every page of the site says about the report."""
    return {
        "organisation": facts.organisation,
        "contact": facts.contact,
        "rehearsal": facts.rehearsal,
        "period": facts.period.label,
        "published_on": wording.day(published_on),
        "data_through": wording.day(facts.data_through),
        "run_id": facts.run_id,
        "software": facts.software_version,
    }


def _posting(posting: Sequence[tuple[str, str]], not_posted: Sequence[tuple[str, int]]) -> dict[str, Any]:
    return {
        "posting": [(name, wording.request_category(category)) for name, category in posting],
        "not_posted": [(requests, wording.not_posted(why)) for why, requests in not_posted],
    }


def _site_files(
    measures: Sequence[PublicMeasureView], providers: Sequence[PublicProviderView], shared: dict[str, Any]
) -> dict[str, bytes]:
    templates = bundled.folder("templates") / "public"
    files = {
        "site/style.css": (templates / "style.css").read_bytes(),
        "site/table.js": (templates / "table.js").read_bytes(),
    }

    def page(name: str, template: str, depth: int, **content: Any) -> None:
        files[f"site/{name}"] = pages.html(f"public/{template}", root="../" * depth, **shared, **content).encode()

    page("index.html", "index.html", 0)
    page("compare.html", "compare.html", 0)
    page("methods.html", "methods.html", 0)
    page("open-requests.html", "open-requests.html", 0, amendment=None)
    page("404.html", "404.html", 0)
    for measure in measures:
        page(f"measures/{measure.measure_id}.html", "measure.html", 1, measure=measure)
    for provider in providers:
        page(f"providers/{pages.slug(provider.public_id)}.html", "provider.html", 1, provider=provider)
    return files


def _pdf(shared: dict[str, Any], published_on: date) -> bytes:
    page = pages.html(
        "public/report.html",
        title=f"Public performance report {shared['period']}",
        description="Public report of a Medicare qualified entity (42 CFR Part 401 Subpart G)",
        created=f"{published_on.isoformat()}T00:00:00Z",
        **shared,
    )
    return pages.pdf(page)


def _measure_view(measure: MeasureFacts, public: PublicRelease, *, is_explained: bool) -> PublicMeasureView:
    rows = [_row(row, measure) for row in public.results if row.measure_id == measure.measure_id]
    return PublicMeasureView(
        measure_id=measure.measure_id,
        name=measure.name,
        why=measure.why_it_matters,
        introduction=measure.why_it_matters if is_explained else "",
        direction=f"{measure.direction.capitalize()} is better.",
        standing="Standard measure" if measure.standing == "standard" else "Alternative measure",
        figure=_figure_word(measure),
        attribution=wording.attribution_rule(measure.attribution_method, measure.attribution),
        risk_adjustment=model_words.risk_adjustment(measure.risk_adjustment),
        minimum=f"{measure.minimum_denominator:,} {minimum_word(measure)}",
        version=measure.version,
        steward=measure.steward,
        blocks=markdown.blocks(measure.method),
        rows=tuple(sorted(rows, key=lambda row: (row.level, row.provider_name, row.public_id))),
    )


def _figure_word(measure: MeasureFacts) -> str:
    """What the rate of a measure is."""
    if measure.kind != "amount_ratio":
        return "rate"
    if measure.quotient is not None:
        return f"{dollars_of(measure)} to {cases_word(measure)}"
    return f"{measure.dollars or 'dollars'} {per_case(measure)}"


def _row(row: PublicResult, measure: MeasureFacts) -> PublicRow:
    scale = rate_scale(measure)
    interval_scale: wording.Scale = "ratio" if row.ratio is not None else scale
    if row.category is None:
        mark, status, tone = "–", "Not shown", "small"
    else:
        (mark, status), tone = wording.STATUS[row.category], wording.TONE[row.category]

    def shown(text: str, value: object) -> str:
        if value is not None:
            return text
        return HIDDEN if row.note_code else wording.NOT_APPLICABLE

    return PublicRow(
        measure_id=row.measure_id,
        measure_name=row.measure_name,
        level=wording.LEVELS[row.level],
        public_id=row.public_id,
        provider_name=row.provider_name,
        area=row.area,
        mark=mark,
        status=status,
        tone=tone,
        rate=shown(wording.figure(row.rate, scale), row.rate),
        interval=shown(wording.interval(row.ci_low, row.ci_high, interval_scale), row.ci_low),
        ratio=shown(wording.figure(row.ratio, "ratio"), row.ratio),
        cases=shown(wording.count(row.denominator), row.denominator),
        expected=shown(wording.figure(row.expected, scale), row.expected),
        benchmark=wording.figure(row.benchmark, scale),
        peer_group=row.peer_group,
        note="" if row.note_code is None else NOTE_WORDING[NoteCode(row.note_code)],
    )


def _provider_views(measures: Sequence[PublicMeasureView]) -> list[PublicProviderView]:
    by_provider: dict[str, list[PublicRow]] = {}
    for measure in measures:
        for row in measure.rows:
            by_provider.setdefault(row.public_id, []).append(row)
    views = [
        PublicProviderView(public_id=public_id, name=rows[0].provider_name, level=rows[0].level, rows=tuple(rows))
        for public_id, rows in by_provider.items()
    ]
    return sorted(views, key=lambda view: (view.level, view.name, view.public_id))


def _data_files(public: PublicRelease, facts: ReportFacts, published_on: date) -> dict[str, bytes]:
    rows = [asdict(row) for row in public.results]
    dictionary = [(name, MEANINGS[name]) for name in COLUMNS]
    dictionary += [(f"note_code = {code}", text) for code, text in NOTE_WORDING.items()]
    package = {
        "name": f"qe-{facts.cycle.lower()}",
        "title": f"{facts.organisation}: public results {facts.period.label}",
        "created": published_on.isoformat(),
        "resources": [
            {
                "name": "results",
                "path": "results.csv",
                "format": "csv",
                "schema": {"fields": [{"name": name, "description": MEANINGS[name]} for name in COLUMNS]},
            }
        ],
    }
    as_json = [{name: _plain(value) for name, value in row.items()} for row in rows]
    return {
        "data/results.csv": csv_bytes([COLUMNS, *([cell_text(row[name]) for name in COLUMNS] for row in rows)]),
        "data/results.json": _json(as_json),
        "data/data_dictionary.csv": csv_bytes([("column", "meaning"), *dictionary]),
        "data/datapackage.json": _json(package),
    }


def csv_bytes(rows: Sequence[Sequence[str]]) -> bytes:
    """The rows as a CSV file, the header first."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8")


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode("utf-8")


def _plain(value: object) -> object:
    match value:
        case Decimal():
            return int(value)
        case date():
            return value.isoformat()
        case _:
            return value


def cell_text(value: object) -> str:
    """A cell of the CSV: empty when hidden; text that a spreadsheet would run as a formula is quoted."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.12g}"
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
