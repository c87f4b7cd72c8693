"""De-identified data of the claims model: years for dates, states for places, fresh random codes for persons, claims and providers.

A code is drawn for one release and derived from nothing (45 CFR 164.514(c)): the same person has another code in the next release.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import polars as pl

from qe.disclosure.released_columns import CodeKind, ReleasedColumn, released_columns
from qe.errors import InputError

CODE_BYTES: Final = 8
OLDEST_TOLD: Final = 90  # 164.514(b)(2)(i)(C): ages over 89 are one class


@dataclass(frozen=True)
class ReleaseCodes:
    """The random codes of one release. The map back is for the vault: `as_frame`."""

    _codes: dict[tuple[CodeKind, str], str] = field(default_factory=dict)
    _drawn: set[str] = field(default_factory=set)

    def of(self, kind: CodeKind, native: str) -> str:
        """The code of one person, claim or provider in this release: 16 hexadecimal digits."""
        known = self._codes.get((kind, native))
        if known is None:
            known = secrets.token_hex(CODE_BYTES)
            while known in self._drawn:
                known = secrets.token_hex(CODE_BYTES)
            self._drawn.add(known)
            self._codes[kind, native] = known
        return known

    def as_frame(self) -> pl.DataFrame:
        """kind, native, code: one row a code, in order of kind and native id."""
        rows = [(kind, native, code) for (kind, native), code in sorted(self._codes.items())]
        return pl.DataFrame(rows, schema={"kind": pl.String, "native": pl.String, "code": pl.String}, orient="row")


def deidentified(tables: Mapping[str, pl.DataFrame], *, as_of: date, codes: ReleaseCodes) -> dict[str, pl.DataFrame]:
    """The tables as they may leave, rows in an order that tells nothing.

    tables  of the claims model (contracts.md section 4), with any of its columns; as_of: the day at which ages are told
    Raises InputError for a table that is not released at all.
    """
    if unknown := sorted(tables.keys() - released_columns().keys()):
        raise InputError(
            f"the tables {', '.join(unknown)} are not released", remedy=f"Released: {', '.join(released_columns())}."
        )
    return {name: _table(name, rows, as_of=as_of, codes=codes) for name, rows in tables.items()}


def _table(name: str, rows: pl.DataFrame, *, as_of: date, codes: ReleaseCodes) -> pl.DataFrame:
    columns = [one for one in released_columns()[name] if one.column in rows.columns]
    made = rows.select([_treated(one, rows[one.column], as_of=as_of, codes=codes).alias(one.name) for one in columns])
    return made.sort(made.columns) if made.columns else made


def coded(tables: Mapping[str, pl.DataFrame], *, codes: ReleaseCodes) -> dict[str, pl.DataFrame]:
    """The tables for a provider's own patients: whole dates and places, codes alone for persons, claims and providers.

    Columns bear their released names where they are codes, else those of the claims model; rows in an order that tells nothing.
    """
    return {name: _coded_table(name, rows, codes) for name, rows in tables.items()}


def _coded_table(name: str, rows: pl.DataFrame, codes: ReleaseCodes) -> pl.DataFrame:
    made = rows.select(
        _codes_of(one, rows[one.column], codes).alias(one.name) if one.kind else rows[one.column]
        for one in released_columns()[name]
        if one.column in rows.columns
    )
    return made.sort(made.columns)


def _treated(column: ReleasedColumn, values: pl.Series, *, as_of: date, codes: ReleaseCodes) -> pl.Series:
    match column.treatment:
        case "keep":
            return values
        case "year":
            return values.dt.year()
        case "state":
            return values.str.head(2)
        case "age":
            return values.map_elements(lambda born: _age(born, as_of), return_dtype=pl.Int64)
        case "code":
            return _codes_of(column, values, codes)


def _codes_of(column: ReleasedColumn, values: pl.Series, codes: ReleaseCodes) -> pl.Series:
    assert column.kind is not None
    natives = values.cast(pl.String)
    drawn = {native: codes.of(column.kind, native) for native in natives.drop_nulls().unique().sort()}
    return natives.replace_strict(drawn, return_dtype=pl.String, default=None)


def _age(born: date, as_of: date) -> int:
    """Whole years at `as_of`; 90 for all who are older than 89."""
    years = as_of.year - born.year - ((as_of.month, as_of.day) < (born.month, born.day))
    return min(max(years, 0), OLDEST_TOLD)
