"""Writing delimited text fast and byte-identically: plain or gzip, counted as written, in parts that are put together."""

import gzip
import io
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

import numpy as np
import polars as pl

from qe.sample.calendar import NEVER
from qe.sample.codes import Ints

_FIRST_DAY, _LAST_DAY = -40_177, 25_567  # 1860-01-01, 2040-01-01
_LEAST_CENTS, _MOST_CENTS = -(1 << 15), 1 << 19  # amounts whose texts are kept; rarer ones are written out each time


@dataclass(frozen=True, kw_only=True)
class Joined:
    """Texts of neighbouring columns with the separators in between; stands under the first column's name."""

    columns: Sequence[str]
    texts: pl.Series


Column = pl.Series | str | Joined


@cache
def columns_of(name: str) -> tuple[str, ...]:
    """The header `name` of qe/sample/columns/, in its order."""
    return tuple((Path(__file__).parent / "columns" / f"{name}.txt").read_text(encoding="utf-8").split())


@cache
def _dates(style: str) -> pl.Series:
    days = pl.Series(np.arange(_FIRST_DAY, _LAST_DAY + 1, dtype=np.int32)).cast(pl.Date)
    text = days.dt.to_string({"rif": "%d-%b-%Y", "iso": "%Y-%m-%d", "cdl": "%Y%m%d"}[style])
    return text.append(pl.Series([""], dtype=pl.String))


def dates(days: Ints, style: str) -> pl.Series:
    """Dates as text: "rif" 30-May-2015, "cdl" 20150530, "iso" 2015-05-30; -1 and NEVER are empty."""
    empty = (days == -1) | (days >= NEVER)
    return _dates(style).gather(pl.Series(np.where(empty, _LAST_DAY + 1 - _FIRST_DAY, days - _FIRST_DAY)))


@cache
def _pool(texts: tuple[str, ...]) -> pl.Series:
    return pl.Series([*texts, ""], dtype=pl.String)


def picked(pool: tuple[str, ...] | list[str] | pl.Series, places: Ints) -> pl.Series:
    """The texts of `pool` at `places`; -1 is empty."""
    if isinstance(pool, pl.Series):
        with_empty = pool.clone().append(pl.Series([""], dtype=pl.String))
    else:
        with_empty = _pool(tuple(pool))
    return with_empty.gather(pl.Series(np.where(places < 0, len(with_empty) - 1, places)))


def picked_row(pool: tuple[str, ...], places: Ints, columns: Sequence[str], *, separator: str = "|") -> Joined:
    """As many neighbouring columns as `places` has: texts of `pool`, joined once for each row that differs."""
    base, width = len(pool), places.shape[1]
    if base**width < 2**63:  # a number for each row is compared faster than the row
        key = places @ np.array([base**place for place in range(width)], dtype=np.int64)
        _, first, of = np.unique(key, return_index=True, return_inverse=True)
    else:
        _, first, of = np.unique(places, axis=0, return_index=True, return_inverse=True)
    texts = [separator.join(pool[place] for place in row) for row in places[first].tolist()]
    return Joined(columns=columns, texts=pl.Series(texts, dtype=pl.String).gather(pl.Series(of)))


def joined(columns: Mapping[str, pl.Series], *, separator: str = "|") -> Joined:
    """Neighbouring columns as one, for tables that are gathered from often."""
    frame = pl.DataFrame([series.cast(pl.String).rename(name) for name, series in columns.items()])
    return Joined(
        columns=tuple(columns), texts=frame.select(pl.concat_str(pl.all(), separator=separator).alias("t"))["t"]
    )


def numbers(values: Ints) -> pl.Series:
    """Whole numbers; -1 is empty."""
    return (
        pl.Series(values).cast(pl.String).set(pl.Series(values == -1), "")
        if (values == -1).any()
        else pl.Series(values)
    )


def _written_money(cents: Ints) -> pl.Series:
    size = np.abs(cents)
    sign = pl.Series(["", "-"]).gather(pl.Series((cents < 0).astype(np.int64)))
    return sign + pl.Series(size // 100).cast(pl.String) + "." + pl.Series(size % 100).cast(pl.String).str.zfill(2)


@cache
def _money() -> pl.Series:
    return _written_money(np.arange(_LEAST_CENTS, _MOST_CENTS))


def money(cents: Ints) -> pl.Series:
    """Dollars with two decimals."""
    known = (cents >= _LEAST_CENTS) & (cents < _MOST_CENTS)
    if known.all():
        return _money().gather(pl.Series(cents - _LEAST_CENTS))
    rare = np.flatnonzero(~known)
    place = np.where(known, cents - _LEAST_CENTS, 0)
    place[rare] = _MOST_CENTS - _LEAST_CENTS + np.arange(len(rare))
    return pl.concat([_money(), _written_money(cents[rare])]).gather(pl.Series(place))


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What a file, or a part of one, holds: its data rows, those of them that are malformed, claims, cents paid."""

    rows: int
    malformed: int
    claims: int
    paid_cents: int


class DelimitedFile:
    """One delivered file, or one part of it: rows without what stands above them (`is_part`).

    lines  physical lines so far, those above the rows included also in the first part, where malformed rows are numbered
    """

    def __init__(
        self,
        path: Path,
        header: tuple[str, ...],
        *,
        separator: str = "|",
        compress: bool = False,
        bom: bool = False,
        before: str = "",
        is_part: bool = False,
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path.with_name(path.name + ".gz") if compress else path
        self.header, self.separator, self.compress = header, separator, compress
        self._raw = self.path.open("wb")
        self._packed: gzip.GzipFile | None = None
        self.rows, self.lines = 0, 0
        self.claims, self.paid_cents, self.malformed = 0, 0, 0
        self.sample: list[str] = []
        if is_part:
            self.lines = 2 if before else 1
            return
        if bom:
            self._out().write(b"\xef\xbb\xbf")
        if before:
            self._line(before)
        self._line(separator.join(header))

    def _out(self) -> IO[bytes]:
        if not self.compress:
            return self._raw
        if self._packed is None:
            self._packed = gzip.GzipFile(filename="", mode="wb", fileobj=self._raw, mtime=0, compresslevel=6)
        return self._packed  # type: ignore[return-value]

    def _end_member(self) -> None:
        """End what is compressed so far: a gzip file may hold several members, one after the other."""
        if self._packed is not None:
            self._packed.close()
            self._packed = None

    def _line(self, text: str) -> None:
        self._out().write(text.encode("utf-8") + b"\n")
        self.lines += 1

    def write(self, columns: Mapping[str, Column], count: int) -> None:
        """`count` rows; a column is a Series of that length or one text for all rows; the absent ones are empty."""
        names = [name for key, column in columns.items() for name in _names(key, column)]
        unknown = set(names) - set(self.header)
        if unknown or len(set(names)) < len(names):
            raise KeyError(f"{self.path.name} has no column, or one twice: {', '.join(sorted(unknown or set(names)))}")
        if not count:
            return
        parts: list[pl.Series] = []
        run: list[str] = []  # texts of neighbouring constant columns, written as one
        place = 0
        while place < len(self.header):
            column = columns.get(self.header[place], "")
            if isinstance(column, str):
                run.append(column)
                place += 1
                continue
            if run:
                parts.append(self._constant(run, count, len(parts)))
                run = []
            if isinstance(column, Joined):
                if tuple(column.columns) != self.header[place : place + len(column.columns)]:
                    raise KeyError(f"{self.path.name} has no such neighbours: {', '.join(column.columns)}")
                place += len(column.columns)
                column = column.texts
            else:
                place += 1
            parts.append(column.rename(f"c{len(parts)}"))
        if run:
            parts.append(self._constant(run, count, len(parts)))
        buffer = io.BytesIO()
        pl.DataFrame(parts).write_csv(
            buffer, include_header=False, separator=self.separator, quote_style="never", float_precision=2
        )
        if not self.sample:
            buffer.seek(0)
            self.sample = buffer.readline().rstrip(b"\n").decode("utf-8").split(self.separator)
        self._out().write(buffer.getbuffer())
        self.rows += count
        self.lines += count

    def _constant(self, run: list[str], count: int, place: int) -> pl.Series:
        return (
            pl.Series(f"c{place}", [self.separator.join(run)], dtype=pl.String)
            .new_from_index(0, count)
            .rename(f"c{place}")
        )

    def raw(self, line: bytes) -> int:
        """A row as it stands, for malformed ones; gives its line number."""
        self._out().write(line + b"\n")
        self.rows += 1
        self.lines += 1
        self.malformed += 1
        return self.lines

    def count(self, *, claims: int, paid_cents: int) -> None:
        """Add what the last rows hold to the totals."""
        self.claims += claims
        self.paid_cents += paid_cents

    @property
    def counts(self) -> Counts:
        return Counts(rows=self.rows, malformed=self.malformed, claims=self.claims, paid_cents=self.paid_cents)

    def append(self, part: Path, counts: Counts) -> None:
        """The rows of a part, written before with the same compression, after those that are here."""
        self._end_member()
        with part.open("rb") as rows:
            shutil.copyfileobj(rows, self._raw, 1 << 22)
        self.rows += counts.rows
        self.lines += counts.rows
        self.malformed += counts.malformed
        self.count(claims=counts.claims, paid_cents=counts.paid_cents)

    def close(self, after: str = "") -> None:
        """Close the file, once."""
        if self._raw.closed:
            return
        if after:
            self._line(after)
        self._end_member()
        self._raw.close()


def rows_of(columns: Mapping[str, Column], rows: Ints) -> dict[str, Column]:
    """The columns of some of their rows."""
    places = pl.Series(rows)

    def taken(column: Column) -> Column:
        if isinstance(column, Joined):
            return Joined(columns=column.columns, texts=column.texts.gather(places))
        return column if isinstance(column, str) else column.gather(places)

    return {name: taken(column) for name, column in columns.items()}


def _names(key: str, column: Column) -> Sequence[str]:
    return column.columns if isinstance(column, Joined) else (key,)
