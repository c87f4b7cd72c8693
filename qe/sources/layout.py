"""Layouts: what the columns of a delivered file are called and what each becomes. One TOML file each, closed schema."""

import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from qe import closed_toml
from qe.errors import InputError

FOLDER = Path(__file__).parent / "layouts"
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")

ColumnType = Literal[
    "text",  # as delivered, without surrounding blanks
    "code",  # upper case
    "date",
    "amount",  # decimal(14, 2), dollars
    "quantity",  # decimal(18, 4)
    "integer",
    "boolean",
    "icd",  # without dots, upper case
    "ndc",  # 11 digits
    "drg",  # 3 digits
    "bill_type",  # 3 characters, without the leading zero
    "zip",  # first five digits, lost leading zeros put back
    "mbi",  # the first of the columns whose value has the form of a Medicare Beneficiary Identifier
    "codes",  # list of the columns' values, blanks left out
    "months",  # list of 12, January first, NULL where blank
    "series",  # list of all the columns' codes, NULL where blank: places are kept
    "amounts",  # list of all the columns' dollars, NULL where blank: places are kept
    "text_list",  # one column, values joined by ";"
]


class Closed(BaseModel):
    """A table of a layout: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Column(Closed):
    """One staged column.

    from_     names in the file, official first; the first that is not blank is taken.
              "X_01..12" and "X_{MON}" stand for twelve columns
    constant  the value stands in the layout's [constants], not in the file
    not_null  a row without it is quarantined
    least     of a number: a row with less is quarantined
    not_before  of a date: a staged date column of the row that it may not lie before, or the row is quarantined
    pad       digits that a value of digits alone is filled up to with zeros on the left
    past      a date that lies in the past (birth, death): decides the century of a two-digit year
    identity  names and identifiers: staged under the vault key only
    both      staged under both keys: what linkage compares and analysis needs
    position  1-based place in a file without a header
    absent    the source has no such column: staged as NULL, for what is read of other sources
    closed    a value that stands not in `map` makes the row unfit
    year_of   date column whose year is put behind the value: numbers that start anew each year
    file_name pattern with one group of digits: the value stands in the file's name alone
    """

    from_: list[str] = Field(default=[], alias="from")
    type: ColumnType
    constant: bool = False
    not_null: bool = False
    least: int | None = None
    not_before: str | None = None
    pad: int | None = Field(default=None, ge=2, le=11)
    map: dict[str, str] = {}
    past: bool = False
    identity: bool = False
    both: bool = False
    position: int | None = Field(default=None, ge=1)
    absent: bool = False
    closed: bool = False
    year_of: str | None = None
    file_name: str | None = None

    @model_validator(mode="after")
    def _has_one_origin(self) -> "Column":
        if self.constant + self.absent + bool(self.from_) + bool(self.file_name) != 1:
            raise ValueError('needs exactly one of "from", "constant", "absent" and "file_name"')
        if self.closed and not self.map:
            raise ValueError('"closed" needs a "map"')
        if not self.from_ and (self.least is not None or self.not_before is not None):
            raise ValueError('"least" and "not_before" are of a column of the file')
        if self.least is not None and self.type not in ("integer", "quantity", "amount"):
            raise ValueError('"least" is of a number')
        if self.not_before is not None and self.type != "date":
            raise ValueError('"not_before" is of a date')
        return self

    def alternatives(self) -> list[tuple[str, ...]]:
        """Each way the file may name the column; twelve names for a list of months, one otherwise."""
        return [names for pattern in self.from_ for names in expand(pattern)]


class Diagnoses(Closed):
    """One run of diagnosis columns; version and present_on_admission run beside the codes, or are one for all.

    icd_version  the revision of all codes where the source has only one and states it nowhere
    """

    kind: Literal["principal", "admitting", "other", "external"]
    icd_version: Literal[9, 10] | None = None
    code: list[str]
    version: list[str] = []
    present_on_admission: list[str] = []


class Procedures(Closed):
    """One run of procedure columns. icd_version: as for diagnoses."""

    icd_version: Literal[9, 10] | None = None
    code: list[str]
    version: list[str] = []
    procedure_date: list[str] = []


class Envelope(Closed):
    """The records before and after the rows: first field, and the 1-based field that holds the file's type."""

    header: str
    trailer: str
    type_field: int


class Totals(Closed):
    """How claims and dollars of a file are counted.

    grain  "claim": `paid` repeats on each row of a claim and counts once a claim; "row": it stands once on each row;
           "stated": the column `stated_in` says "claim" or "row" on each row
    given  rows in which this column is blank carry no claim and no amount of their own
    """

    claim: str
    paid: str
    grain: Literal["claim", "row", "stated"]
    stated_in: str | None = None
    given: str | None = None


class Period(Closed):
    """Which staged column tells the time that a row belongs to: a date, or a year (and month)."""

    date: str | None = None
    year: str | None = None
    month: str | None = None


class Layout(Closed):
    """How one type of file is read.

    kinds     the settings' kinds of source that may hold it
    staged_as what the staged rows are ("institutional", ...; a table of the claims model)
    header    "names": the first line holds names; "none": columns by position; "optional": either
    required  staged columns whose source columns a header must hold: what the type is recognised by
    absent    source columns that show that the file is of another type
    vault     "whole": staged under the vault key only; "identity": identity columns and raw rows are
    beside    the layout whose file must lie in the same folder: claim headers and their lines in two files
    """

    id: str
    title: str
    kinds: list[str] = Field(min_length=1)
    staged_as: str
    delimiters: list[str] = Field(min_length=1)
    header: Literal["names", "none", "optional"] = "names"
    required: list[str] = Field(min_length=1)
    absent: list[str] = []
    vault: Literal["none", "identity", "whole"] = "none"
    beside: str | None = None
    record_type: str | None = None
    envelope: Envelope | None = None
    constants: dict[str, str] = {}
    columns: dict[str, Column]
    diagnoses: list[Diagnoses] = []
    procedures: list[Procedures] = []
    totals: Totals | None = None
    period: Period | None = None

    @model_validator(mode="after")
    def _is_consistent(self) -> "Layout":
        for name in self.required:
            if name not in self.columns:
                raise ValueError(f'required column "{name}" is not among the columns')
        for name, column in self.columns.items():
            if column.constant and name not in self.constants:
                raise ValueError(f'column "{name}" has no value in [constants]')
            for other in (column.year_of, column.not_before):
                days = None if other is None else self.columns.get(other)
                if other is not None and (days is None or days.type != "date" or not days.from_):
                    raise ValueError(
                        f'column "{name}" goes by "{other}", which is no date among the columns of the file'
                    )
            if column.type == "months" and any(len(names) != 12 for names in column.alternatives()):
                raise ValueError(f'column "{name}" does not name twelve columns')
        return self

    def digest(self) -> str:
        """Changes whenever the layout reads a file differently."""
        text = json.dumps(self.model_dump(mode="json", exclude_defaults=True), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def missing_from(self, header: frozenset[str]) -> list[str]:
        """The required columns, by the name the layout lists first, that `header` (upper-case names) does not hold."""
        missing = []
        for name in self.required:
            column = self.columns[name]
            if not column.from_ or any(
                all(part in header for part in alternative) for alternative in column.alternatives()
            ):
                continue
            missing.append(column.from_[0])
        return missing

    def matches(self, header: frozenset[str]) -> bool:
        """Whether a file with this header is of this type."""
        return not self.missing_from(header) and not any(name.upper() in header for name in self.absent)

    def width_by_position(self) -> int:
        """Columns that a file without a header needs at least."""
        return max((column.position or 0 for column in self.columns.values()), default=0)


def expand(pattern: str) -> list[tuple[str, ...]]:
    """The columns that a name pattern of a layout stands for, upper case, each alternative spelling a tuple.

    "A_01..03" -> A_01 A_02 A_03;  "A_{MON}_B" -> A_JAN_B ... A_DEC_B, with SEP and with SEPT.
    """
    pattern = pattern.upper()
    if "{MON}" in pattern:
        short = tuple(pattern.replace("{MON}", month) for month in MONTHS)
        long = tuple(pattern.replace("{MON}", "SEPT" if month == "SEP" else month) for month in MONTHS)
        return [short, long]
    if found := re.fullmatch(r"(.*?)(\d+)\.\.(\d+)(.*)", pattern):
        before, first, last, after = found.groups()
        numbers = range(int(first), int(last) + 1)
        return [tuple(f"{before}{number:0{len(first)}d}{after}" for number in numbers)]
    return [(pattern,)]


@cache
def layouts() -> Mapping[str, Layout]:
    """All layouts that ship with qe, by id."""
    found = {}
    for path in sorted(FOLDER.glob("[!_]*.toml")):
        layout = load(path)
        if layout.id != path.stem:
            raise InputError(f'layouts/{path.name}: its id is "{layout.id}"', remedy="Name the file after the id.")
        found[layout.id] = layout
    return found


def load(path: Path) -> Layout:
    """The layout in `path`, with the shared columns that it uses put before its own."""
    content = _toml(path)
    merged: dict[str, Any] = {}
    for shared in content.pop("uses", []):
        merged = _merge(merged, _toml(path.with_name(f"{shared}.toml")))
    return closed_toml.validate(_merge(merged, content), Layout, shown_as=f"layouts/{path.name}")


def _toml(path: Path) -> dict[str, Any]:
    return closed_toml.read(path, shown_as=f"layouts/{path.name}")


def _merge(shared: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Tables are merged key by key, `required` and `absent` are joined, everything else of `own` wins."""
    merged = dict(shared)
    for key, value in own.items():
        if key in ("required", "absent"):
            merged[key] = [*shared.get(key, []), *value]
        elif key in ("columns", "constants"):
            merged[key] = {**shared.get(key, {}), **value}
        else:
            merged[key] = value
    return merged
