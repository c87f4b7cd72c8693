"""Worked cases of a measure: people and claims by hand, with the classification a reader expects.

A case runs through the same two steps as real data: `derive_events` (stays, visits, fills, ...) and `compute`.

Schema of cases.toml (closed: unknown keys are errors):

    [period]                    # the measure period of every case without its own
    start = 2024-01-01
    end = 2024-12-31

    [defaults.person]           # values that every row of that contract table has unless the row says otherwise
    birth_date = 1950-06-15
    sex = 1

    [templates.acute]           # named values; a row takes them with like = "acute" (above defaults, below the row)
    claim_type = "inpatient"
    frequency_code = "1"

    [given]                     # optional: rows that every case has (providers, their identifiers, affiliations, ...)
    provider_identifier = [{ unit_id = "U000001", id_type = "CCN", identifier = "050001" }]

    [[case]]
    id = "day_30"               # unique in the file
    title = "an unplanned readmission on day 30 counts"     # the sentence that names the test
    rules = ["R8"]              # rules of method.md that this case shows (one or more)
    why = "0 <= admission - discharge <= 30, both ends included"
    period = { start = 2024-01-01, end = 2024-12-31 }       # optional
    parameters = { cancer_rule = "all" }                    # optional
    attribution = "mssp_step"                               # optional; without it no attribution runs
    open_slots = ["colonoscopy"]                            # optional: licensed lists that this case does without
    alone = true                                            # optional: its figures are of all people of the claims model
    expect = [                  # one row an event; not every event need be listed
      { event_id = "C1", in_denominator = true, exclusion_reasons = [], in_numerator = true, value = 1 },
      { person_id = "P2", in_denominator = false, exclusion_reasons = ["R3", "R5"] },
    ]
    not_considered = ["C9"]     # optional: event or person ids that the population must not hold
    totals = [                  # optional: one row a measure
      { measure_id = "hwr", denominator = 1, numerator = 1, observed = 0.5, excluded = { R3 = 1 } },
    ]
    [case.given]                # rows of the contract tables (contracts.md section 4), only this case's
    person = [{ person_id = "P1" }]
    member_month = [{ person_id = "P1", months = "2023-01..2025-12", except = ["2024-05"] }]
    claim = [                   # an inline table stands on one line (TOML); or write [[case.given.claim]]
      { claim_id = "C1", like = "acute", person_id = "P1", from_date = 2024-03-01, diagnoses = ["J189", "I10"] },
      { claim_id = "C2", like = "acute", person_id = "P1", from_date = 2024-04-04, lines = [{ units = 1 }] },
    ]
    pharmacy_fill = [{ fill_id = "F1", person_id = "P1", fill_date = 2024-01-01, days_supply = 30 }]

Tables of `given` and `case.given`: all base tables of the claims model. Columns left out are NULL; "" is NULL.
Shorthands, only here:
  member_month  months = "2024-01..2025-12" (or one "2024-05") makes one row a month, `except` leaves months out
  claim         diagnoses = [code or {code, kind, icd_version, present_on_admission, sequence}]: the first is principal
                (on professional and dme claims "other"), all others "other"; icd_version 10
                procedures = [code or {code, procedure_date, icd_version, sequence}]: procedure_date is from_date
                unless given
                lines = [{...}]: rows of claim_line with claim_id filled in; line_number counts from 1, from_date and
                thru_date are the claim's unless given
                thru_date is from_date unless given; on inpatient and snf claims admit_date and discharge_date are
                from_date and thru_date unless given

A row of `expect` is found by event_id, or by person_id when that person has one event; add measure_id when the module
publishes several. Every other key is a column of the events: contract columns or the module's own. Reasons and rules
are compared without regard to order, claim ids in order, a number after rounding the engine's to the decimals written.
    factors = { age = 74, "comorbidity:HF" = 1, "comorbidity:DM" = 0 }       # covariates of the event, absent is 0
    attributed = { group = "U000007", clinician = "U000003", facility = "" }  # "" means nobody
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from pydantic import ConfigDict, Field, ValidationError

from qe.claims import model
from qe.errors import Fault, MeasureError
from qe.measurement import tables, value_sets
from qe.measurement.facts import Closed, Text
from qe.measurement.measure import Module, text
from qe.periods import MeasurePeriod, months_before
from qe.warehouse import Warehouse

Row = dict[str, Any]
UNORDERED = frozenset({"exclusion_reasons", "rule_ids"})


class Days(Closed):
    """A measure period, both days included."""

    start: date
    end: date


class Expected(Closed):
    """One event as it must come out; other keys are columns of the events."""

    model_config = ConfigDict(extra="allow", frozen=True)

    event_id: str | None = None
    person_id: str | None = None
    measure_id: str | None = None
    factors: dict[str, Decimal] = Field(default_factory=dict)
    attributed: dict[str, str] = Field(default_factory=dict)

    def columns(self) -> dict[str, Any]:
        return dict(self.__pydantic_extra__ or {})


class Total(Closed):
    """Totals of one measure as they must come out."""

    measure_id: Text
    denominator: int | None = None
    numerator: Decimal | None = None
    observed: Decimal | None = None
    exposure: Decimal | None = None
    excluded: dict[str, int] | None = None


class Case(Closed):
    """One worked case of cases.toml."""

    id: Text
    title: Text
    rules: list[str] = Field(min_length=1)
    why: Text
    period: Days
    parameters: dict[str, Any] = Field(default_factory=dict)
    attribution: str | None = None
    open_slots: list[str] = Field(default_factory=list)
    alone: bool = False
    expect: list[Expected] = Field(default_factory=list)
    not_considered: list[str] = Field(default_factory=list)
    totals: list[Total] = Field(default_factory=list)
    given: dict[str, list[Row]] = Field(default_factory=dict)


class CaseFile(Closed):
    """cases.toml as written; `read` gives each case its period, its defaults and the rows common to all."""

    period: Days | None = None
    defaults: dict[str, Row] = Field(default_factory=dict)
    templates: dict[str, Row] = Field(default_factory=dict)
    given: dict[str, list[Row]] = Field(default_factory=dict)
    case: list[Row]


@dataclass(frozen=True, kw_only=True)
class Mismatch:
    """One thing that came out otherwise than the case says. Cases hold invented people, so values may be told."""

    what: str
    expected: object
    found: object

    def sentence(self) -> str:
        return f"{self.what}: expected {self.expected}, found {self.found}"


def read(path: Path) -> list[Case]:
    """The cases of cases.toml, their rows spelt out by contract table. All faults of the file at once."""
    where = f"measures/{path.parent.name}/cases.toml"
    file = written(path)
    faults: list[Fault] = []
    found: list[Case] = []
    for number, entry in enumerate(file.case, start=1):
        name = str(entry.get("id", f"number {number}"))
        rows = entry.get("given", {})
        try:
            spelt = {"period": file.period.model_dump() if file.period else None} | entry
            case = Case.model_validate(spelt | {"given": _spelt_out(file, rows)})
        except ValidationError as error:
            faults += _faults(where, f"case {name}: ", error)
        except KeyError as error:
            faults.append(
                Fault(code="bad-case", message=f"{where}: case {name}: {error.args[0]}", file=where, place=name)
            )
        else:
            found.append(case)
    names = [case.id for case in found]
    faults += [
        Fault(code="same-case", message=f'{where}: the case id "{name}" is used twice', file=where, place=name)
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    if faults:
        raise MeasureError.of(faults)
    return found


def written(path: Path) -> CaseFile:
    """cases.toml as its author wrote it, with shorthands: what a reader is shown."""
    where = f"measures/{path.parent.name}/cases.toml"
    try:
        return CaseFile.model_validate(tomllib.loads(text(path), parse_float=Decimal))
    except tomllib.TOMLDecodeError as error:
        raise MeasureError(f"{where} is not TOML: {error}") from None
    except ValidationError as error:
        raise MeasureError.of(_faults(where, "", error)) from None


def lay_out(db: Warehouse, case: Case) -> None:
    """Put the rows of the case into the empty base tables of `db`."""
    for table, rows in case.given.items():
        unknown = sorted({name for row in rows for name in row} - set(tables.schema(table)))
        if unknown:
            raise MeasureError(f"case {case.id}: {table} has no column {', '.join(unknown)}")
        tables.insert_rows(db, table, rows)


def mismatches(
    case: Case,
    *,
    events: pl.DataFrame,
    covariates: pl.DataFrame,
    attributed: pl.DataFrame,
    totals: list[dict[str, object]],
) -> list[Mismatch]:
    """Everything that came out otherwise than the case says; an empty list when it holds."""
    found: list[Mismatch] = []
    for expected in case.expect:
        found += _event_mismatches(expected, events, covariates, attributed)
    for name in case.not_considered:
        rows = events.filter((pl.col("event_id") == name) | (pl.col("person_id") == name)).height
        if rows:
            found.append(Mismatch(what=f"{name} considered", expected="no row", found=f"{rows} rows"))
    by_measure = {str(total["measure_id"]): total for total in totals}
    for total in case.totals:
        given = total.model_dump(exclude={"measure_id"}, exclude_none=True)
        for name, value in given.items():
            actual = by_measure.get(total.measure_id, {}).get(name)
            found += _compare(f"{total.measure_id} {name}", value, actual)
    return found


@dataclass
class CaseModel:
    """A database in memory with the base and event tables, for one case after another; lists are laid out once a module."""

    db: Warehouse
    lists_of: tuple[str, ...] = ()

    @classmethod
    def opened(cls) -> "CaseModel":
        db = Warehouse(duckdb.connect(":memory:", config={"threads": "1"}))
        tables.create(db)
        return cls(db)

    def lay_out_lists(self, module: Module, case: Case) -> None:
        """Lay out the module's lists; again only for others, or where prefixes depend on the codes of the case.

        Licensed lists are the invented ones, whose codes exist nowhere; those in `open_slots` have none.
        """
        exact = all(facts.match == "exact" for facts in module.facts.lists.values())
        wanted = (module.sha256, *case.open_slots)
        if not (exact and self.lists_of == wanted):
            invented = value_sets.stand_ins(module)
            value_sets.lay_out(self.db, value_sets.read(module, licensed=invented, left_open=case.open_slots))
            self.lists_of = wanted

    def empty(self) -> None:
        """Take all rows out again."""
        for table in (*model.BASE_TABLES, *model.EVENT_TABLES):
            self.db.execute(f'delete from "{table}"')


def _faults(where: str, case: str, error: ValidationError) -> list[Fault]:
    return [
        Fault(
            code="bad-case",
            message=f'{where}: {case}"{".".join(str(part) for part in detail["loc"])}": {detail["msg"].lower()}',
            file=where,
        )
        for detail in error.errors()
    ]


def _spelt_out(file: CaseFile, own: Mapping[str, list[Row]]) -> dict[str, list[Row]]:
    """The rows of the file and of the case by table, with defaults, templates and shorthands spelt out."""
    tables_found: dict[str, list[Row]] = {}
    for given in (file.given, own):
        for table, rows in given.items():
            if table not in model.BASE_TABLES:
                raise KeyError(f"{table} is not a base table")
            for row in rows:
                for target, spelt in _rows(file, table, row):
                    tables_found.setdefault(target, []).append(spelt)
    return tables_found


def _filled(file: CaseFile, table: str, row: Row) -> Row:
    """The row over its template over the defaults of its table."""
    template = row.get("like")
    if template is not None and template not in file.templates:
        raise KeyError(f'there is no template "{template}"')
    own = {name: value for name, value in row.items() if name != "like"}
    return file.defaults.get(table, {}) | (file.templates[template] if template else {}) | own


def _rows(file: CaseFile, table: str, row: Row) -> Iterator[tuple[str, Row]]:
    filled = _filled(file, table, row)
    if table == "member_month" and "months" in filled:
        months, left_out = str(filled.pop("months")), filled.pop("except", [])
        for month in _months(months):
            if month.strftime("%Y-%m") not in left_out:
                yield table, filled | {"month": month}
    elif table == "claim":
        yield from _claim_rows(file, filled)
    else:
        yield table, filled


def _months(span: str) -> Iterator[date]:
    first, _, last = span.partition("..")
    month, end = date.fromisoformat(f"{first}-01"), date.fromisoformat(f"{last or first}-01")
    while month <= end:
        yield month
        month = months_before(month, -1)


def _claim_rows(file: CaseFile, claim: Row) -> Iterator[tuple[str, Row]]:
    """The claim with its diagnoses, procedures and lines as rows of their own tables."""
    diagnoses, procedures, lines = (claim.pop(name, []) for name in ("diagnoses", "procedures", "lines"))
    claim.setdefault("thru_date", claim.get("from_date"))
    kind = claim.get("claim_type")
    if kind in ("inpatient", "snf"):
        claim.setdefault("admit_date", claim.get("from_date"))
        claim.setdefault("discharge_date", claim["thru_date"])
    yield "claim", claim
    shared = {"claim_id": claim.get("claim_id")}
    for number, entry in enumerate(diagnoses, start=1):
        principal = number == 1 and kind not in ("professional", "dme")
        base = shared | {"sequence": number, "kind": "principal" if principal else "other", "icd_version": 10}
        yield "claim_diagnosis", base | (entry if isinstance(entry, dict) else {"code": entry})
    for number, entry in enumerate(procedures, start=1):
        base = shared | {"sequence": number, "icd_version": 10, "procedure_date": claim.get("from_date")}
        yield "claim_procedure", base | (entry if isinstance(entry, dict) else {"code": entry})
    for number, line in enumerate(lines, start=1):
        days = {"from_date": claim.get("from_date"), "thru_date": claim["thru_date"]}
        yield "claim_line", shared | {"line_number": number} | days | _filled(file, "claim_line", line)


def _event_mismatches(
    expected: Expected, events: pl.DataFrame, covariates: pl.DataFrame, attributed: pl.DataFrame
) -> list[Mismatch]:
    keys = {name: getattr(expected, name) for name in ("measure_id", "event_id", "person_id")}
    keys = {name: value for name, value in keys.items() if value is not None}
    name = " ".join(keys.values())
    rows = events.filter(*(pl.col(column) == value for column, value in keys.items()))
    if rows.height != 1:
        return [Mismatch(what=f"event {name}", expected="one row", found=f"{rows.height} rows")]
    row = rows.row(0, named=True)
    found: list[Mismatch] = []
    for column, value in expected.columns().items():
        if column not in row:
            found.append(Mismatch(what=f"{name}: column {column}", expected="there", found="not there"))
            continue
        actual = row[column]
        if column in UNORDERED:
            value, actual = sorted(value), sorted(actual)
        found += _compare(f"{name}: {column}", value, actual)
    values = dict(covariates.filter(pl.col("event_id") == row["event_id"]).select("factor", "value").iter_rows())
    for factor, value in expected.factors.items():
        found += _compare(f"{name}: factor {factor}", value, values.get(factor, 0))
    units = attributed.filter(pl.col("event_id") == row["event_id"], pl.col("measure_id") == row["measure_id"])
    by_level = dict(units.select("level", "provider_id").iter_rows())
    for level, unit in expected.attributed.items():
        found += _compare(f"{name}: attributed {level}", unit, by_level.get(level, ""))
    return found


def _compare(what: str, expected: object, found: object) -> list[Mismatch]:
    """Numbers are rounded to the decimals that the case writes; "" is NULL."""
    if (
        isinstance(expected, (int, Decimal))
        and not isinstance(expected, bool)
        and isinstance(found, (int, float, Decimal))
    ):
        wanted = Decimal(expected)
        exponent = wanted.as_tuple().exponent
        step = Decimal(1).scaleb(exponent if isinstance(exponent, int) and exponent < 0 else 0)
        actual = Decimal(str(found))
        same = actual == wanted or (exponent != 0 and actual.quantize(step, rounding=ROUND_HALF_EVEN) == wanted)
    else:
        same = found == expected or (expected == "" and found is None)
    return [] if same else [Mismatch(what=what, expected=expected, found=found)]


def period_of(case: Case) -> MeasurePeriod:
    """The measure period of the case."""
    return MeasurePeriod(start=case.period.start, end=case.period.end)
