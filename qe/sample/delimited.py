"""Writing delimited text fast and byte-identically: plain or gzip, one open file a delivered file, counted as written."""

import gzip
import io
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import IO

import numpy as np
import polars as pl

from qe.sample.calendar import NEVER
from qe.sample.codes import Ints

Column = pl.Series | str
_FIRST_DAY, _LAST_DAY = -40_177, 25_567  # 1860-01-01, 2040-01-01


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


def picked(pool: tuple[str, ...] | list[str] | pl.Series, places: Ints) -> pl.Series:
    """The texts of `pool` at `places`; -1 is empty."""
    series = pool.clone() if isinstance(pool, pl.Series) else pl.Series(list(pool), dtype=pl.String)
    last = len(series)
    with_empty = series.append(pl.Series([""], dtype=pl.String))
    return with_empty.gather(pl.Series(np.where(places < 0, last, places)))


def numbers(values: Ints) -> pl.Series:
    """Whole numbers; -1 is empty."""
    return (
        pl.Series(values).cast(pl.String).set(pl.Series(values == -1), "")
        if (values == -1).any()
        else pl.Series(values)
    )


def money(cents: Ints) -> pl.Series:
    """Dollars with two decimals."""
    return pl.Series(cents / 100.0)


class DelimitedFile:
    """One delivered file. `rows` counts its data rows; `totals` what the generator put in."""

    def __init__(
        self,
        path: Path,
        header: tuple[str, ...],
        *,
        separator: str = "|",
        compress: bool = False,
        bom: bool = False,
        before: str = "",
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path.with_name(path.name + ".gz") if compress else path
        self.header, self.separator = header, separator
        self._raw = self.path.open("wb")
        self._file: IO[bytes] = (
            gzip.GzipFile(filename="", mode="wb", fileobj=self._raw, mtime=0, compresslevel=6)  # type: ignore[assignment]
            if compress
            else self._raw
        )
        self.rows, self.lines = 0, 0
        self.claims, self.paid_cents, self.malformed = 0, 0, 0
        self.sample: list[str] = []
        if bom:
            self._file.write(b"\xef\xbb\xbf")
        if before:
            self._line(before)
        self._line(separator.join(header))

    def _line(self, text: str) -> None:
        self._file.write(text.encode("utf-8") + b"\n")
        self.lines += 1

    def write(self, columns: Mapping[str, Column], count: int) -> None:
        """`count` rows; a column is a Series of that length or one text for all rows; the absent ones are empty."""
        unknown = set(columns) - set(self.header)
        if unknown:
            raise KeyError(f"{self.path.name} has no column {', '.join(sorted(unknown))}")
        if not count:
            return
        parts: list[pl.Series] = []
        run: list[str] = []  # texts of neighbouring constant columns, written as one
        for name in self.header:
            column = columns.get(name, "")
            if isinstance(column, str):
                run.append(column)
                continue
            if run:
                parts.append(self._constant(run, count, len(parts)))
                run = []
            parts.append(column.rename(f"c{len(parts)}"))
        if run:
            parts.append(self._constant(run, count, len(parts)))
        buffer = io.BytesIO()
        pl.DataFrame(parts).write_csv(
            buffer, include_header=False, separator=self.separator, quote_style="never", float_precision=2
        )
        data = buffer.getvalue()
        if not self.sample:
            self.sample = data[: data.index(b"\n")].decode("utf-8").split(self.separator)
        self._file.write(data)
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
        self._file.write(line + b"\n")
        self.rows += 1
        self.lines += 1
        self.malformed += 1
        return self.lines

    def count(self, *, claims: int, paid_cents: int) -> None:
        """Add what the last rows hold to the totals."""
        self.claims += claims
        self.paid_cents += paid_cents

    def close(self, after: str = "") -> None:
        if after:
            self._line(after)
        self._file.close()
        self._raw.close()
