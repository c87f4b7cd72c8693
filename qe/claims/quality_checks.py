"""Which data-quality checks there are: types (a SQL template with its facts) and where each is applied.

A type is qe/claims/quality/types/<type>.toml and .sql. Its checks come from quality/checks.csv (one row each), from the
declared columns of the claims model ([each] of the type), or from the layouts of received files.
"""

import csv
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final, Literal

import duckdb

from qe.claims.model import BASE_TABLES, EVENT_TABLES, FOLDER, VIEWS
from qe.sources.layout import layouts
from qe.sources.reconcile import RULES

QUALITY = FOLDER / "quality"
About = Literal["row", "query", "file", "delivery"]
Severity = Literal["stop", "warn"]
TYPED: Final = ("date", "amount", "quantity", "integer", "boolean")
FORM_RULES: Final = (
    "wrong-column-count",
    "blank-line",
    "nul-byte",
    "not-utf8",
    "unbalanced-quote",
    "line-break-in-row",
)
assert set(FORM_RULES) <= RULES.keys()


@dataclass(frozen=True, kw_only=True)
class CheckType:
    """One type of check.

    about        row: an expression over one row, NULL where it does not apply; query, file: a SELECT that counts;
                 delivery: the volumes of the last run against these
    denominator  what the share is of, in words
    minimum      rows below which a share says nothing: the check is then not applicable
    counts       what is counted: rows (each of a person), months or files
    needs        a table of the model without which it is not applicable (a model given as files has none)
    other        what `other` of its checks names: a column (or a key elsewhere), a set of codes or a format of lists.toml,
                 or a table of qe/claims/codes
    place_is_id  one place has one such check, whose id says neither `other` nor `limit`
    reads        the table that is judged, where it is not the check's own (its rows are checked_row)
    every_limit  a query that counts for every `limit` at once and gives it as a column
    weighted     a query over checked_row that counts sum(rows), so that one row may stand for all that are equal
    """

    name: str
    title: str
    about: About
    denominator: str
    severity: Severity
    threshold: Decimal
    minimum: int
    remedy: str
    counts: Literal["rows", "months", "files"]
    sql: str
    needs: str
    other: Literal["column", "codes", "format", "code_table"]
    place_is_id: bool
    reads: str
    every_limit: bool
    weighted: bool
    each: Mapping[str, Any]
    each_layout: str


@dataclass(frozen=True, kw_only=True)
class Check:
    """One type applied at one place.

    table, column  of the claims model; for files the layout and its column or rule
    other          a second column, a named list, or the key or table referred to, as the type reads it
    limit          a number, range or code that the type compares with
    only           ((column, values), ...) rows to which the check is confined
    """

    type: CheckType
    table: str = ""
    column: str = ""
    other: str = ""
    limit: str = ""
    only: tuple[tuple[str, tuple[str, ...]], ...] = ()
    threshold: Decimal

    @cached_property
    def check_id(self) -> str:
        """Unique and lasting: type:table.column, then what tells it from others at the same place."""
        place = ".".join(part for part in (self.table, self.column.replace(";", "+")) if part)
        within = ["+".join(values) for _, values in self.only]
        others = [] if self.type.place_is_id else [self.other, self.limit]
        return ":".join(part for part in (self.type.name, place, *others, *within) if part)


@cache
def types() -> Mapping[str, CheckType]:
    """All types that ship, by name."""
    return {path.stem: _type(path) for path in sorted((QUALITY / "types").glob("*.toml"))}


def _type(path: Path) -> CheckType:
    facts = tomllib.loads(path.read_text(encoding="utf-8"))
    facts["threshold"] = Decimal(str(facts["threshold"]))
    sql = path.with_name(f"{facts.pop('sql', path.stem)}.sql")
    return CheckType(
        name=path.stem,
        sql=sql.read_text(encoding="utf-8") if sql.exists() else "",
        counts=facts.pop("counts", "rows"),
        needs=facts.pop("needs", ""),
        other=facts.pop("other", "column"),
        place_is_id=facts.pop("place_is_id", False),
        reads=facts.pop("reads", ""),
        every_limit=facts.pop("every_limit", False),
        weighted=facts.pop("weighted", False),
        each=facts.pop("each", {}),
        each_layout=facts.pop("each_layout", ""),
        **facts,
    )


@cache
def checks() -> tuple[Check, ...]:
    """All checks: declared ones, then those of every column of a type, then those of received files."""
    return (*_declared(), *_of_columns(), *_of_layouts())


def _declared() -> Iterator[Check]:
    with (QUALITY / "checks.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            kind = types()[row["type"]]
            yield Check(
                type=kind,
                table=row["table"],
                column=row["column"],
                other=row["other"],
                limit=row["limit"],
                only=_only(row["only"]),
                threshold=Decimal(row["threshold"]) if row["threshold"] else kind.threshold,
            )


def _only(text: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """ "claim_type=snf;hha payer_type=medicare" as its parts."""
    parts = (word.partition("=") for word in text.split())
    return tuple((column, tuple(values.split(";"))) for column, _, values in parts)


def _of_columns() -> Iterator[Check]:
    for kind in types().values():
        if not kind.each:
            continue
        for table in BASE_TABLES:
            for column, sql_type in columns(table).items():
                if sql_type == kind.each["type"] and column not in kind.each.get("except", ()):
                    yield Check(
                        type=kind,
                        table=table,
                        column=column,
                        limit=kind.each.get("limit", ""),
                        threshold=kind.threshold,
                    )


@cache
def columns(table: str) -> Mapping[str, str]:
    """Column -> SQL type of a table of the claims model, as declared."""
    return _declared_columns()[table]


def known_tables() -> frozenset[str]:
    """Tables of the claims model, base, derived and views."""
    return frozenset(_declared_columns())


@cache
def _declared_columns() -> Mapping[str, Mapping[str, str]]:
    with duckdb.connect() as empty:
        for table in BASE_TABLES:
            empty.execute((FOLDER / "model" / f"{table}.sql").read_text(encoding="utf-8"))
        for table in (*EVENT_TABLES, *VIEWS):
            empty.execute((FOLDER / "events" / "tables" / f"{table}.sql").read_text(encoding="utf-8"))
        return {
            table: {name: str(sql_type) for name, sql_type, *_ in empty.execute(f"describe {table}").fetchall()}
            for table in (*BASE_TABLES, *EVENT_TABLES, *VIEWS)
        }


def _of_layouts() -> Iterator[Check]:
    for kind in types().values():
        for place, layout, column in layout_places():
            if place == kind.each_layout:
                yield Check(type=kind, table=layout, column=column, threshold=kind.threshold)


@cache
def layout_places() -> tuple[tuple[str, str, str], ...]:
    """(what, layout, column or rule) of every place in received files that a check may look at."""
    places = []
    for layout in layouts().values():
        places.append(("layout", layout.id, ""))
        if layout.envelope is not None:
            places.append(("trailer", layout.id, ""))
        places += [("rule", layout.id, rule) for rule in FORM_RULES]
        places += [("typed", layout.id, name) for name, column in layout.columns.items() if column.type in TYPED]
        places += [("not_null", layout.id, name) for name, column in layout.columns.items() if column.not_null]
    return tuple(places)


@cache
def lists() -> Mapping[str, Mapping[str, Any]]:
    """quality/lists.toml: [codes] closed sets, [formats] regular expressions."""
    return tomllib.loads((QUALITY / "lists.toml").read_text(encoding="utf-8"))


@cache
def code_table(name: str) -> tuple[str, ...]:
    """The codes of a code table of qe/claims/codes."""
    with (FOLDER / "codes" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(row["code"] for row in csv.DictReader(file))
