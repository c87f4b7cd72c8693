"""What goes with a release of data (42 CFR 401.718): its data dictionary, and a page in plain text that says what it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from qe.disclosure.released_columns import ReleasedColumn, Treatment, released_columns
from qe.reports import wording
from qe.reports.public_site import csv_bytes

CODE: Final = "a code drawn at random for this release; the same in all its files, another in every other release"
TOLD: Final[Mapping[Treatment, str]] = {
    "keep": "",
    "code": CODE,
    "year": "the year alone",
    "age": "age in whole years on the last day covered; 90 for all who are older than 89",
    "state": "the state alone (FIPS)",
}
PATIENT_MEANINGS: Final = {
    "person_code": f"The person: {CODE}",
    "last_name": "Last name of the patient",
    "first_name": "First name of the patient",
    "birth_date": "Date of birth of the patient",
}
TERMS: Final = """\
Your QE data use agreement governs these data (42 CFR 401.713(d)): use them only for what it permits, never for
marketing; keep them as safe as a HIPAA covered entity must, for as long as you hold them; do not disclose or publish
them, unless it says so or a law requires it; tell us of any use or disclosure beyond it."""
NO_LINKING: Final = (
    "Do not link these data to other sources that could identify anybody, and do not try to (42 CFR 401.713(d)(6))."
)


@dataclass(frozen=True, kw_only=True)
class DataReadme:
    """What the page says. patients_on: the day of which the patients are; None of de-identified data. rows: of each table."""

    organisation: str
    contact: str
    rehearsal: bool
    data_id: str
    user: str
    purpose: str
    start: date
    end: date
    patients_on: date | None
    sources: int
    rows: Mapping[str, int]


def readme(said: DataReadme) -> bytes:
    """The page as UTF-8 text."""
    parts = [
        f"{said.organisation}: data release {said.data_id}",
        *(["REHEARSAL: synthetic data."] if said.rehearsal else []),
        f"For {said.user}, to be used for: {wording.plain(said.purpose)}.",
        f"Claims and fills that begin from {wording.day(said.start)} to {wording.day(said.end)}, of "
        f"{wording.counted(said.sources, 'source', 'sources')}.",
        _whose(said),
        "\n".join(f"{name}.csv: {wording.counted(count, 'row', 'rows')}" for name, count in sorted(said.rows.items())),
        "data_dictionary.csv says what each column means. Rows stand in an order that tells nothing.",
        TERMS if said.patients_on else f"{TERMS}\n{NO_LINKING}",
        f"Questions: {said.contact}",
    ]
    return ("\n\n".join(parts) + "\n").encode("utf-8")


def _whose(said: DataReadme) -> str:
    if said.patients_on is None:
        return "De-identified (45 CFR 164.514(b)): years for days, states for places, codes for persons, claims and providers."
    return (
        f"Your own patients: everybody with a visit with you in the 24 months before {wording.day(said.patients_on)} "
        "(42 CFR 401.703(r)). Providers stand as codes, you among them; numbers of health plans are not in it."
    )


def dictionary(columns: Mapping[str, Sequence[str]], *, is_deidentified: bool) -> bytes:
    """file, column, meaning of every column released. columns: table -> columns of the claims model."""
    rows = [
        (f"{table}.csv", *_meaning(one, is_deidentified=is_deidentified))
        for table, chosen in columns.items()
        for one in released_columns()[table]
        if one.column in chosen
    ]
    patients = [] if is_deidentified else [("patients.csv", *pair) for pair in PATIENT_MEANINGS.items()]
    return csv_bytes([("file", "column", "meaning"), *rows, *patients])


def _meaning(one: ReleasedColumn, *, is_deidentified: bool) -> tuple[str, str]:
    """Name and meaning as released: of patients' data codes alone are other than in the claims model."""
    if not is_deidentified and one.kind is None:
        return one.column, one.meaning
    told = TOLD[one.treatment]
    return one.name, f"{one.meaning}: {told}" if told else one.meaning
