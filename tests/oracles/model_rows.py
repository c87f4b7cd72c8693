"""The rows of a claims model as plain Python objects, by person and by claim: what the oracles of the measures read.

Nothing is decided here but what the measures' methods say alike of claims, months, ages and code lists.
"""

import csv
import re
import tomllib
from collections import defaultdict, namedtuple
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Protocol

DAY = timedelta(days=1)
COLUMNS = {
    "person": "person_id birth_date death_date sex entitlement_reason",
    "member_month": "person_id month payer_id payer_type part_a part_b managed_care medical pharmacy hospice esrd is_primary"
    " covered_from covered_to",
    "claim": "claim_id person_id payer_id payer_type claim_type from_date thru_date admit_date facility_id facility_type"
    " bill_type billing_npi billing_tin allowed_amount paid_status service_occurred superseded_by duplicate_of mco_paid repriced",
    "claim_line": "claim_id line_number from_date revenue_code hcpcs modifiers units place_of_service rendering_npi"
    " rendering_specialty allowed_amount line_status superseded_by duplicate_of repriced",
    "claim_diagnosis": "claim_id sequence kind code icd_version",
    "claim_procedure": "claim_id sequence code icd_version procedure_date",
    "pharmacy_fill": "fill_id person_id payer_id payer_type fill_date ndc ingredients brand_generic quantity days_supply"
    " pharmacy_npi fill_status line_status allowed_amount superseded_by duplicate_of repriced",
    "provider_identifier": "unit_id id_type identifier",
    "drug": "ndc ingredients brand_generic effective_from effective_to",
    "stay": "stay_id person_id facility_id facility_type is_acute payer_type admit_date discharge_date discharge_status is_open"
    " died principal_diagnosis icd_version drg point_of_origin allowed_amount claim_ids",
    "stay_diagnosis": "stay_id sequence kind code icd_version present_on_admission",
    "stay_procedure": "stay_id code icd_version procedure_date",
    "transfer_chain": "chain_id stay_id position is_last person_id",
    "visit": "person_id service_date claim_id hcpcs specialty clinician_id allowed_amount",
    "ed_visit": "event_id person_id visit_date principal_diagnosis icd_version is_admitted allowed_amount claim_ids",
}
NO_SERVICE = ("denied", "reversed", "void")

Row = Any
"""One row of a table; its columns are attributes."""


class Connection(Protocol):
    """A DuckDB connection, as far as it is read here."""

    def execute(self, query: str) -> Any: ...


@dataclass
class Person:
    """All rows of one person. Claims and fills of every status; nothing is left out yet."""

    person_id: str
    birth_date: date | None
    death_date: date | None
    sex: int | None
    months: list[Row] = field(default_factory=list)
    claims: list[Row] = field(default_factory=list)
    fills: list[Row] = field(default_factory=list)
    stays: list[Row] = field(default_factory=list)
    ed_visits: list[Row] = field(default_factory=list)
    visits: list[Row] = field(default_factory=list)

    @cached_property
    def paid(self) -> list[Row]:
        """Claims that cost: not denied, reversed, void, replaced or another payer's copy."""
        return [claim for claim in self.claims if claim.paid_status not in NO_SERVICE and is_final(claim)]

    @cached_property
    def occurred(self) -> list[Row]:
        """Claims that stand: as those that cost, and the denied ones whose reason shows that the care was given."""
        return [claim for claim in self.claims if claim.service_occurred and is_final(claim)]

    def age(self, day: date) -> int:
        """Completed years by the calendar; -1, and so under every age that is asked for, where the birth date is unknown."""
        return -1 if self.birth_date is None else age(self.birth_date, day)


@dataclass
class Model:
    """A claims model: its persons by id, its drug map by NDC, and the certification numbers of its facilities."""

    persons: dict[str, Person]
    drugs: dict[str, list[Row]]
    ccn: dict[str, str]


def read(connection: Connection) -> Model:
    """Every row that an oracle needs, each claim with its lines, diagnoses and procedures, each stay with its codes."""
    rows = {table: _rows(connection, table, columns.split()) for table, columns in COLUMNS.items()}
    persons = {row.person_id: Person(row.person_id, row.birth_date, row.death_date, row.sex) for row in rows["person"]}
    placed = {
        "claim": _parts(
            rows, "claim_id", lines="claim_line", diagnoses="claim_diagnosis", procedures="claim_procedure"
        ),
        "stay": _parts(
            rows, "stay_id", diagnoses="stay_diagnosis", procedures="stay_procedure", chain="transfer_chain"
        ),
    }
    for name, table in (
        ("months", "member_month"),
        ("claims", "claim"),
        ("fills", "pharmacy_fill"),
        ("stays", "stay"),
        ("ed_visits", "ed_visit"),
        ("visits", "visit"),
    ):
        for row in placed.get(table, rows[table]):
            if row.person_id in persons:
                getattr(persons[row.person_id], name).append(row)
    ccn = {row.unit_id: row.identifier for row in rows["provider_identifier"] if row.id_type == "CCN"}
    return Model(persons, _by(rows["drug"], "ndc"), ccn)


def _rows(connection: Connection, table: str, columns: list[str]) -> list[Row]:
    row = namedtuple(table, columns)  # type: ignore[misc]
    found = connection.execute(f"select {', '.join(columns)} from {table}").fetchall()
    return [row._make(values) for values in found]


def _by(rows: Iterable[Row], key: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[getattr(row, key)].append(row)
    return dict(found)


def _parts(rows: Mapping[str, list[Row]], key: str, **parts: str) -> list[Row]:
    """The rows of the table whose key it is, each with lists of the rows of other tables that name it."""
    table = key.removesuffix("_id")
    whole = namedtuple(table, (*COLUMNS[table].split(), *parts))  # type: ignore[misc]
    by_key = [_by(rows[part], key) for part in parts.values()]
    return [whole._make((*row, *(of_part.get(getattr(row, key), []) for of_part in by_key))) for row in rows[table]]


def is_final(row: Row) -> bool:
    """Not replaced by a later version, and not another payer's copy."""
    return row.superseded_by is None and row.duplicate_of is None


def line_stands(line: Row) -> bool:
    return line.line_status not in NO_SERVICE and is_final(line)


def line_day(claim: Row, line: Row) -> date:
    """The line's first day, the claim's where the line has none."""
    day: date = line.from_date or claim.from_date
    return day


def standing_fills(person: Person) -> list[Row]:
    """Fills after final action: not denied, reversed, deleted, replaced or another payer's copy."""
    return [
        fill for fill in person.fills if is_final(fill) and not {fill.fill_status, fill.line_status} & set(NO_SERVICE)
    ]


def age(born: date, day: date) -> int:
    """Completed years by the calendar: who is born on 29 February completes a year on 1 March of other years."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def month_of(day: date) -> date:
    return day.replace(day=1)


def month_end(month: date) -> date:
    return (month.replace(day=28) + 4 * DAY).replace(day=1) - DAY


def months_later(month: date, count: int) -> date:
    """The first day of the month `count` months after (before, where negative) the month of `month`."""
    number = month.year * 12 + month.month - 1 + count
    return date(number // 12, number % 12 + 1, 1)


def months_between(first: date, last: date) -> list[date]:
    """First days of all calendar months that the days from `first` to `last` touch."""
    found, month = [], month_of(first)
    while month <= last:
        found.append(month)
        month = months_later(month, 1)
    return found


def is_held(row: Row) -> bool:
    """The payer's medical claims of this member month are in our sources.

    A month of original Medicare marked as managed care is not: the plan holds the claims.
    """
    return bool(row.medical) and not (row.payer_type == "medicare" and row.managed_care)


def held_months(person: Person) -> set[date]:
    """Months whose medical claims some payer's files hold."""
    return {row.month for row in person.months if is_held(row)}


def hospital_months(person: Person) -> set[date]:
    """Months whose hospital claims some payer's files hold: of Medicare, those with Part A, or of which nobody says."""
    return {
        row.month for row in person.months if is_held(row) and (row.payer_type != "medicare" or row.part_a is not False)
    }


def rounded(value: Decimal | int, places: int = 6) -> Decimal:
    """Half up, as the engine's decimals are."""
    return Decimal(value).quantize(Decimal(1).scaleb(-places), rounding="ROUND_HALF_UP")


def plain(code: str | None) -> str:
    """A code as it is compared: upper case, without dots and blanks."""
    return (code or "").strip().replace(".", "").upper()


def icd10(rows: Iterable[Row]) -> set[str]:
    """The ICD-10 codes among diagnoses or procedures."""
    return {plain(row.code) for row in rows if row.icd_version == 10}


def words(ingredients: Iterable[str] | None) -> set[str]:
    """The words of ingredient names, in capitals."""
    return {word for name in ingredients or () for word in re.split(r"[^A-Z0-9]+", name.upper()) if word}


@cache
def categories_in(path: Path) -> Mapping[str, set[str]]:
    """The codes of a CSV file, each with its categories or labels."""
    found: dict[str, set[str]] = defaultdict(set)
    with path.open(encoding="utf-8", newline="") as lines:
        for code, what, *_ in list(csv.reader(lines))[1:]:
            found[code].add(what)
    return dict(found)


@cache
def families_in(path: Path) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for code, categories in categories_in(path).items():
        for length in range(3, len(code) + 1):
            found[code[:length]] |= categories
    return dict(found)


class Lists:
    """The code lists of one module, as its CSV files hold them. Licensed ones are the invented ones that ship."""

    def __init__(self, measures: Path, module_id: str) -> None:
        self.module_id = module_id
        self._folder = measures / module_id
        self._facts = tomllib.loads((self._folder / "measure.toml").read_text(encoding="utf-8"))
        self._read: dict[str, Mapping[str, set[str]]] = {}
        self._codes: dict[tuple[str, ...], set[str]] = {}
        self._beginnings: dict[tuple[str, ...], Beginnings] = {}

    def map(self, name: str) -> Mapping[str, set[str]]:
        """Code -> its categories (of a list: its labels)."""
        if name not in self._read:
            self._read[name] = categories_in(self._path(name))
        return self._read[name]

    def has(self, name: str) -> bool:
        """The module has a list of this name."""
        return name in self._facts.get("lists", {})

    def families(self, name: str) -> Mapping[str, set[str]]:
        """Beginnings of three or more characters of a map's codes -> the categories of all codes under it."""
        return families_in(self._path(name))

    def codes(self, *names: str) -> set[str]:
        """The codes of one list or several."""
        if names not in self._codes:
            self._codes[names] = {code for name in names for code in self.map(name)}
        return self._codes[names]

    def beginnings(self, *names: str) -> "Beginnings":
        if names not in self._beginnings:
            self._beginnings[names] = Beginnings(self.codes(*names))
        return self._beginnings[names]

    def _path(self, name: str) -> Path:
        facts = self._facts.get("lists", {}).get(name) or self._facts.get("maps", {})[name]
        if "file" in facts:
            return self._folder / str(facts["file"])
        if "shared" in facts:
            return self._folder.parent / "_lists" / f"{facts['shared']}.csv"
        return self._folder.parent / "_stand_ins" / f"{name}.csv"


class Beginnings:
    """A list whose entries are beginnings of codes (M545) or ranges of beginnings (I60-I69)."""

    def __init__(self, entries: Iterable[str]) -> None:
        self._ranges = [(entry.split("-")[0], entry.split("-")[-1]) for entry in entries]
        self._known: dict[str, bool] = {}

    def __contains__(self, code: str) -> bool:
        if code not in self._known:
            self._known[code] = any(low <= code[: len(low)] <= high for low, high in self._ranges)
        return self._known[code]

    def any_of(self, codes: Iterable[str]) -> bool:
        return any(code in self for code in codes)


@dataclass
class Answer:
    """What an oracle says of one event of one measure; what is None is not compared.

    reasons   all rules that leave the event out; none: it is in the denominator
    further   columns of the module's own
    factors   covariates whose value is 1
    """

    person_id: str
    reasons: frozenset[str]
    value: Decimal
    exposure: Decimal | None = None
    amount: Decimal | None = None
    cohort: str | None = None
    further: dict[str, Any] = field(default_factory=dict)
    factors: frozenset[str] | None = None


Answers = dict[tuple[str, str], Answer]
"""By measure id and event id."""
