"""The files of a non-public analysis as bytes: its table with a data dictionary, the methods, and a short summary."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Final

from qe.disclosure.notes import NOTE_WORDING
from qe.disclosure.results import PublicResult
from qe.reports import pages, wording
from qe.reports.facts import MeasureFacts
from qe.reports.public_site import COLUMNS, MEANINGS, cell_text, csv_bytes

NAMING_COLUMNS: Final = ("public_id", "provider_name", "peer_group", "area")
OWN_COLUMNS: Final = tuple(name for name in COLUMNS if name not in NAMING_COLUMNS)
PERSON_MEANINGS: Final = {
    "measure_id": "Measure",
    "last_name": "Last name of the patient",
    "first_name": "First name of the patient",
    "birth_date": "Date of birth of the patient",
    "last_visit": "Last visit with you in the claims, face to face or by telehealth",
    "in_numerator": "Whether the patient has the event that the measure counts: true or false",
}


@dataclass(frozen=True, kw_only=True)
class PooledResult:
    """One row that stands for all providers and suppliers of an area or a peer group, pooled from rows that are shown.

    providers    those pooled
    denominator  their cases; rate the mean of their shown rates by cases
    """

    measure_id: str
    measure_name: str
    level: str
    grouped_by: str
    group: str
    period_start: date
    period_end: date
    providers: int
    denominator: int
    rate: float


POOLED_COLUMNS: Final = tuple(PooledResult.__dataclass_fields__)
POOLED_MEANINGS: Final = {
    **{name: MEANINGS[name] for name in ("measure_id", "measure_name", "level", "period_start", "period_end")},
    "grouped_by": "What the row is about: area or peer group",
    "group": "The area (county, FIPS) or the peer group",
    "providers": "Providers or suppliers pooled in the row: those whose own results are shown in public tables",
    "denominator": "Their cases together",
    "rate": "Mean of their rates by cases, in the unit of the public table",
}


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What the summary of an analysis says. tells: what its rows are and how small numbers are protected, as sentences."""

    organisation: str
    contact: str
    rehearsal: bool
    analysis_id: str
    user: str
    topic: str
    purpose: str
    period_start: date
    period_end: date
    run_id: str
    measures: tuple[MeasureFacts, ...]
    tells: tuple[str, ...]


def unit_files(rows: Sequence[PublicResult]) -> dict[str, bytes]:
    """results.csv of single providers and suppliers, in the columns of the public files, and its dictionary."""
    table = [COLUMNS, *([cell_text(value) for value in asdict(row).values()] for row in rows)]
    dictionary = [*MEANINGS.items(), *((f"note_code = {code}", text) for code, text in NOTE_WORDING.items())]
    return {"results.csv": csv_bytes(table), "data_dictionary.csv": _dictionary(dictionary)}


def pooled_files(rows: Sequence[PooledResult]) -> dict[str, bytes]:
    """results.csv of areas or peer groups, and its dictionary."""
    table = [POOLED_COLUMNS, *([cell_text(value) for value in asdict(row).values()] for row in rows)]
    return {
        "results.csv": csv_bytes(table),
        "data_dictionary.csv": _dictionary([(name, POOLED_MEANINGS[name]) for name in POOLED_COLUMNS]),
    }


def person_files(rows: Sequence[Sequence[object]]) -> dict[str, bytes]:
    """patients.csv in the columns of PERSON_MEANINGS, and its dictionary."""
    table = [tuple(PERSON_MEANINGS), *([cell_text(_plain(value)) for value in row] for row in rows)]
    return {"patients.csv": csv_bytes(table), "data_dictionary.csv": _dictionary(list(PERSON_MEANINGS.items()))}


def own_row(row: PublicResult, *, with_benchmark: bool) -> dict[str, str]:
    """A row as its own provider or supplier gets it: without any name, and without a benchmark that one or two peers set."""
    cells = {name: cell_text(value) for name, value in asdict(row).items() if name in OWN_COLUMNS}
    return cells if with_benchmark else cells | {"benchmark": ""}


def own_file(rows: Sequence[dict[str, str]]) -> bytes:
    """results.csv of an extract."""
    return csv_bytes([OWN_COLUMNS, *([row[name] for name in OWN_COLUMNS] for row in rows)])


def methods_text(measures: Sequence[MeasureFacts]) -> str:
    """The methods behind the measures, each module once, as Markdown."""
    methods = {measure.module: measure.method for measure in measures}
    return "\n\n".join(f"# {module}\n\n{text.strip()}" for module, text in sorted(methods.items())) + "\n"


def summary_pdf(summary: Summary) -> bytes:
    """The summary as a tagged PDF."""
    page = pages.html(
        "analysis/summary.html",
        title=f"Non-public analysis: {summary.topic}",
        organisation=summary.organisation,
        description="Summary of a non-public analysis (42 CFR 401.716)",
        created=f"{summary.period_end.isoformat()}T00:00:00Z",
        summary=summary,
        purpose=wording.plain(summary.purpose),
        span=wording.span(summary.period_start, summary.period_end),
        measures=[
            (one.name, one.measure_id, f"{one.standing} measure, version {one.version}") for one in summary.measures
        ],
    )
    return pages.pdf(page)


def _dictionary(rows: Sequence[tuple[str, str]]) -> bytes:
    return csv_bytes([("column", "meaning"), *rows])


def _plain(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value
