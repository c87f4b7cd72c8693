"""The SELECT that turns cells into staged columns, written from a layout: quoted names, and never a value of a file."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Literal, assert_never

from qe.sources.layout import Column, Diagnoses, Layout, Procedures, expand
from qe.sources.recognise import Head
from qe.sources.rows import cell_name

MACROS = Path(__file__).parent / "sql"
Side = Literal["store", "vault"]
FUTURE_YEARS = 20  # how far after its source's end a date that is not past may lie, when its year has two digits
NUMBERS = ("amount", "quantity", "integer")
ON_DATE = '"on date"'
DIAGNOSIS = "struct(sequence integer, kind varchar, code varchar, icd_version integer, present_on_admission varchar)"
PROCEDURE = "struct(sequence integer, code varchar, icd_version integer, procedure_date date)"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The settings of a source that change what a cell means.

    latest_year  the last year of the source: decides the century of two-digit years
    """

    implied_decimals: bool
    latest_year: int


@dataclass(frozen=True, kw_only=True)
class Check:
    """A condition that makes a row unfit, with the rule it breaks and the file's name of the column."""

    condition: str
    rule: str
    column: str


def quoted(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """An SQL text. Only for names and codes that stand in layouts."""
    return "'" + text.replace("'", "''") + "'"


class Conversion:
    """What one file's rows become: which cells are read, and the SELECT over them."""

    def __init__(self, head: Head, reading: Reading) -> None:
        self.head = head
        self.layout: Layout = head.layout
        self.reading = reading
        self._places: set[int] = set()
        self._raw: list[str] = []
        self._values: list[str] = []
        self._checks: list[Check] = []
        for name, column in self.layout.columns.items():
            self._add(name, column)
        self._lists: list[str] = []
        if self.layout.diagnoses:
            self._lists.append(f"{self._diagnoses()} as diagnoses")
        if self.layout.procedures:
            self._lists.append(f"{self._procedures()} as procedures")

    @property
    def places(self) -> Sequence[int]:
        """The cells that are read, in order."""
        return sorted(self._places)

    def columns(self, side: Side) -> list[str]:
        """The staged columns that one database gets."""
        match side:
            case "store":
                named = [name for name, column in self.layout.columns.items() if not column.identity]
                return named + [name for name in ("diagnoses", "procedures") if getattr(self.layout, name)]
            case "vault":
                if self.layout.vault == "whole":
                    return list(self.layout.columns)
                return [name for name, column in self.layout.columns.items() if column.identity or column.both]
            case _:
                assert_never(side)

    def select(self, side: Side, *, keep_raw: bool) -> str:
        """One row a line: row_number, the staged columns, faults (NULL for a fit row), the raw line of unfit rows."""
        faults = self._faults()
        staged = ",\n    ".join(["row_number", *(quoted(name) for name in self.columns(side))])
        raw = "case when faults is not null then line end" if keep_raw else "null::varchar"
        cells = ",\n    ".join(["row_number", "damage", "line", *self._raw])
        values = ",\n    ".join(["row_number", "damage", "line", *self._values, *self._lists])
        numbers = ", ".join(
            [self._on_date()]
            + [
                f"as_number({quoted('raw ' + name)}) as {quoted('number ' + name)}"
                for name, column in self.layout.columns.items()
                if column.type in NUMBERS and self._cell(column)
            ]
        )
        return (
            f"with cell as (select\n    {cells}\nfrom received_row),\n"
            f"number as (select *, {numbers} from cell),\n"
            f"value as (select\n    {values}\nfrom number),\n"
            f"judged as (select *, {faults} as faults from value)\n"
            f"select\n    {staged},\n    faults,\n    {raw} as raw\nfrom judged"
        )

    def _add(self, name: str, column: Column) -> None:
        source_name = column.from_[0] if column.from_ else name
        raw, own = quoted("raw " + name), quoted(name)
        if column.constant:
            self._values.append(f"{literal(self.layout.constants[name])} as {own}")
            return
        if column.absent:
            self._values.append(f"null::{_sql_type(column)} as {own}")
            return
        if column.file_name:
            self._values.append(f"cast({literal(self.head.stated[name])} as {_sql_type(column)}) as {own}")
            return
        match column.type:
            case "codes":
                cells = [self._cell_of(names[0]) for names in column.alternatives()]
                given = [f"upper({cell})" for cell in cells if cell]
                listed = (
                    f"list_filter([{', '.join(given)}], lambda code: code is not null)" if given else "[]::varchar[]"
                )
                self._raw.append(f"{listed} as {raw}")
                self._values.append(f"{raw} as {own}")
                return
            case "months":
                self._raw.append(f"{self._months(column)} as {raw}")
                self._values.append(f"{raw} as {own}")
                return
            case "series" | "amounts":
                self._add_places(name, column)
                return
            case _:
                cell = self._cell(column)
        self._raw.append(f"{cell or 'null::varchar'} as {raw}")
        value = self._value(name, column, raw) if cell else f"null::{_sql_type(column)}"
        self._values.append(f"{value} as {own}")
        if cell and column.type in ("date", *NUMBERS, "boolean"):
            rule = "bad-date" if column.type == "date" else "bad-number"
            if column.type == "boolean":
                rule = "bad-boolean"
            self._values.append(f"{raw} is not null and ({value}) is null as {quoted('bad ' + name)}")
            self._checks.append(Check(condition=quoted("bad " + name), rule=rule, column=source_name))
        if column.closed and cell:
            known = ", ".join(literal(staged) for staged in sorted(set(column.map.values())))
            self._values.append(f"{raw} is not null and ({value}) not in ({known}) as {quoted('strange ' + name)}")
            self._checks.append(Check(condition=quoted("strange " + name), rule="unknown-code", column=source_name))
        if column.least is not None and cell:
            self._values.append(f"coalesce(({value}) < {column.least}, false) as {quoted('little ' + name)}")
            self._checks.append(Check(condition=quoted("little " + name), rule="too-small", column=source_name))
        if column.not_before is not None and cell:
            other = self._value(
                column.not_before, self.layout.columns[column.not_before], quoted("raw " + column.not_before)
            )
            self._values.append(f"coalesce(({value}) < ({other}), false) as {quoted('early ' + name)}")
            self._checks.append(Check(condition=quoted("early " + name), rule="reversed-dates", column=source_name))
        if column.not_null:
            self._values.append(f"{raw} is null as {quoted('no ' + name)}")
            self._checks.append(Check(condition=quoted("no " + name), rule="missing-value", column=source_name))

    def _add_places(self, name: str, column: Column) -> None:
        """A list with one element a column of the run, NULL where the file has no such column or a blank cell."""
        raw, own = quoted("raw " + name), quoted(name)
        cells = [f"upper({cell})" if cell else "null::varchar" for cell in self._run(column.from_)]
        self._raw.append(f"[{', '.join(cells)}] as {raw}")
        if column.type == "series":
            self._values.append(f"{raw} as {own}")
            return
        implied = str(self.reading.implied_decimals).lower()
        value = f"list_transform({raw}, lambda one: as_amount(one, as_number(one), {implied}))"
        self._values.append(f"{value} as {own}")
        bad = quoted("bad " + name)
        self._values.append(f"list_count({raw}) <> list_count({value}) as {bad}")
        self._checks.append(Check(condition=bad, rule="bad-number", column=column.from_[0]))

    def _value(self, name: str, column: Column, raw: str) -> str:
        number = quoted("number " + name)
        match column.type:
            case "text" | "mbi":
                if column.year_of is None:
                    return raw
                date = self._value(column.year_of, self.layout.columns[column.year_of], quoted("raw " + column.year_of))
                return f"{raw} || '-' || year({date})"
            case "code":
                code = f"upper({raw})"
                if column.pad:
                    code = f"digits_padded({code}, {column.pad})"
                return _mapped(code, column)
            case "date":
                latest = self.reading.latest_year + (0 if column.past else FUTURE_YEARS)
                return f"as_date({raw}, {latest})"
            case "amount":
                return f"as_amount({raw}, {number}, {str(self.reading.implied_decimals).lower()})"
            case "quantity":
                return number
            case "integer":
                return f"as_integer({number})"
            case "boolean":
                return f"as_boolean({raw})"
            case "icd" | "ndc" | "drg" | "bill_type" | "zip":
                return f"as_{column.type}({raw})"
            case "text_list":
                return (
                    f"list_filter(list_transform(string_split({raw}, ';'), lambda part: nullif(trim(part), '')), "
                    "lambda part: part is not null)"
                )
            case "codes" | "months" | "series" | "amounts":
                raise ValueError("lists of several columns have no single value")
            case _:
                assert_never(column.type)

    def _cell(self, column: Column) -> str | None:
        """The text of a column of one cell: the first of its names that is not blank; None when the file has none."""
        if self._is_by_position:
            return None if column.position is None else self._cell_of(f"#{column.position}")
        cells = [cell for names in column.alternatives() if len(names) == 1 and (cell := self._cell_of(names[0]))]
        if column.type == "mbi":
            cells = [f"as_mbi({cell})" for cell in cells]
        if not cells:
            return None
        return cells[0] if len(cells) == 1 else f"coalesce({', '.join(cells)})"

    @property
    def _is_by_position(self) -> bool:
        return "#1" in self.head.places

    def _cell_of(self, name: str) -> str | None:
        place = self.head.places.get(name)
        if place is None:
            return None
        self._places.add(place)
        return f"nullif({cell_name(place)}, '')"

    def _months(self, column: Column) -> str:
        for names in column.alternatives():
            if all(name in self.head.places for name in names):
                cells = [f"upper({self._cell_of(name)})" for name in names]
                if column.pad:
                    cells = [f"digits_padded({cell}, {column.pad})" for cell in cells]
                return f"[{', '.join(cells)}]"
        return "null::varchar[]"

    def _run(self, patterns: list[str], length: int | None = None) -> list[str | None]:
        """The cells of a run of columns, each pattern a run or a further place to look; one column serves all."""
        runs = [[self._cell_of(name) for name in names] for pattern in patterns for names in expand(pattern)[:1]]
        cells = [
            f"coalesce({', '.join(found)})" if len(found) > 1 else (found[0] if found else None)
            for group in zip_longest(*runs)
            for found in [[cell for cell in group if cell]]
        ]
        if length is not None and len(cells) == 1:
            cells = cells * length
        if length is not None:
            cells = (cells + [None] * length)[:length]
        return cells

    def _diagnoses(self) -> str:
        elements = [element for run in self.layout.diagnoses for element in self._diagnosis_run(run)]
        if not elements:
            return f"[]::{DIAGNOSIS}[]"
        return f"list_filter([{', '.join(elements)}], lambda diagnosis: diagnosis is not null)"

    def _diagnosis_run(self, run: Diagnoses) -> list[str]:
        """One element a column. An `other` that repeats the principal diagnosis is left out."""
        codes = self._run(run.code)
        versions = self._run(run.version, len(codes))
        flags = self._run(run.present_on_admission, len(codes))
        principal = next((other for other in self.layout.diagnoses if other.kind == "principal"), None)
        first = 1
        if run.kind == "other" and principal is not None:
            repeats = expand(run.code[0])[0][0] in {expand(name)[0][0] for name in principal.code}
            first = 1 if repeats else 2
        elements = []
        for place, (cell, version, flag) in enumerate(zip(codes, versions, flags, strict=True)):
            if cell is None:
                continue
            key, version_key, flag_key = (
                quoted(f"raw {run.kind} {part} {place}") for part in ("code", "version", "flag")
            )
            self._raw += [
                f"as_icd({cell}) as {key}",
                f"{version or 'null::varchar'} as {version_key}",
                f"{f'upper({flag})' if flag else 'null::varchar'} as {flag_key}",
            ]
            is_given = f"{key} is not null"
            if run.kind == "other" and principal is not None and self._run(principal.code)[0]:
                is_given += f' and {key} is distinct from "raw principal code 0"'
            elements.append(
                f"case when {is_given} then {{'sequence': {place + first}, 'kind': {literal(run.kind)}, "
                f"'code': {key}, 'icd_version': {_icd_version(run.icd_version, version_key)}, "
                f"'present_on_admission': {flag_key}}} end"
            )
        return elements

    def _on_date(self) -> str:
        """The row's own date, by which a code without a version is taken as ICD-9 or ICD-10."""
        period = self.layout.period.date if self.layout.period else None
        if period is None or self._cell(self.layout.columns[period]) is None:
            return f"null::date as {ON_DATE}"
        return f"{self._value(period, self.layout.columns[period], quoted('raw ' + period))} as {ON_DATE}"

    def _procedures(self) -> str:
        elements = []
        for run in self.layout.procedures:
            elements += self._procedure_run(run)
        if not elements:
            return f"[]::{PROCEDURE}[]"
        return f"list_filter([{', '.join(elements)}], lambda part: part is not null)"

    def _procedure_run(self, run: Procedures) -> list[str]:
        codes = self._run(run.code)
        versions = self._run(run.version, len(codes))
        dates = self._run(run.procedure_date, len(codes))
        latest = self.reading.latest_year + FUTURE_YEARS
        names = expand(run.procedure_date[0])[0] if run.procedure_date else ()
        elements = []
        for place, (cell, version, on_date) in enumerate(zip(codes, versions, dates, strict=True)):
            if cell is None:
                continue
            key, version_key, date_key = (
                quoted(f"raw procedure {part} {place}") for part in ("code", "version", "date")
            )
            self._raw += [
                f"as_icd({cell}) as {key}",
                f"{version or 'null::varchar'} as {version_key}",
                f"{on_date or 'null::varchar'} as {date_key}",
            ]
            if on_date:
                bad = quoted(f"bad procedure date {place}")
                self._values.append(f"{date_key} is not null and as_date({date_key}, {latest}) is null as {bad}")
                self._checks.append(Check(condition=bad, rule="bad-date", column=names[place]))
            elements.append(
                f"case when {key} is not null then {{'sequence': {place + 1}, 'code': {key}, "
                f"'icd_version': {_icd_version(run.icd_version, version_key)}, "
                f"'procedure_date': as_date({date_key}, {latest})}} end"
            )
        return elements

    def _faults(self) -> str:
        """All rules that a row breaks; one for the whole line hides those of its columns."""
        line = "when damage is not null then [{'rule': damage, 'column_name': null::varchar}]"
        if not self._checks:
            return f"case {line} end"
        any_of = " or ".join(check.condition for check in self._checks)
        each = ", ".join(
            f"case when {check.condition} then {{'rule': {literal(check.rule)}, "
            f"'column_name': {literal(check.column)}}} end"
            for check in self._checks
        )
        return f"case {line} when {any_of} then list_filter([{each}], lambda fault: fault is not null) end"


def _icd_version(stated: int | None, flag: str) -> str:
    """The revision that the layout states for all codes, else by the code's own flag or the row's date."""
    return str(stated) if stated is not None else f"as_icd_version({flag}, {ON_DATE})"


def _mapped(code: str, column: Column) -> str:
    if not column.map:
        return code
    cases = " ".join(f"when {literal(given)} then {literal(staged)}" for given, staged in column.map.items())
    return f"case {code} {cases} else {code} end"


def _sql_type(column: Column) -> str:
    match column.type:
        case "date":
            return "date"
        case "amount":
            return "decimal(14, 2)"
        case "quantity":
            return "decimal(18, 4)"
        case "integer":
            return "integer"
        case "boolean":
            return "boolean"
        case "text_list" | "codes" | "months" | "series":
            return "varchar[]"
        case "amounts":
            return "decimal(14, 2)[]"
        case _:
            return "varchar"
