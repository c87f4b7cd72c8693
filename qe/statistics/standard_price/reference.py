"""Reference prices from public fee files that the site supplies: read, checked, every fault with file, row and remedy."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import polars as pl

from qe.errors import Fault, InputError

COLUMNS: Final = ("setting", "code", "modifier", "eff_from", "eff_to", "price", "source", "version")
SETTINGS: Final = (
    "professional_facility",
    "professional_office",
    "outpatient",
    "inpatient",
    "laboratory",
    "drug",
    "equipment",
    "skilled_nursing",
    "home_health",
    "hospice",
)
SCHEMA: Final[dict[str, pl.DataType]] = {
    "setting": pl.String(),
    "code": pl.String(),
    "modifier": pl.String(),
    "eff_from": pl.Date(),
    "eff_to": pl.Date(),
    "price": pl.Decimal(14, 4),
    "source": pl.String(),
    "version": pl.String(),
}
FIRST_ROWS: Final = 3  # rows that a message names


def load(files: Sequence[Path]) -> pl.DataFrame:
    """One row a setting, code, modifier and span of days, in that order: SCHEMA. InputError tells every fault at once.

    files  CSV with the header COLUMNS. price: dollars a unit, 0 or more, at most 4 decimals. eff_from, eff_to: inclusive days
           as 2026-01-31; a blank eff_to is open. modifier: the pricing modifier ("26", "TC") or blank. source: the public file
           ("CMS PFS RVU26A x conversion factor"); version: its release

    Source: statistics.md, section 5.
    """
    parts, faults = [], []
    for file in files:
        try:
            written = pl.read_csv(file, infer_schema=False)
        except (pl.exceptions.PolarsError, OSError):
            faults.append(_fault(file.name, "cannot be read as CSV", [], "Save it as a UTF-8 CSV with a header."))
            continue
        if tuple(written.columns) != COLUMNS:
            said = f"its header is not {','.join(COLUMNS)}"
            faults.append(_fault(file.name, said, [], "Give exactly these columns, in this order."))
            continue
        rows, found = _read(file.name, written)
        parts.append(rows)
        faults += found
    prices = pl.concat([pl.DataFrame(schema={**SCHEMA, "file": pl.String, "row": pl.UInt32}), *parts])
    faults += _overlaps(prices)
    if faults:
        raise InputError.of(faults)
    return prices.select(*SCHEMA).sort("setting", "code", "modifier", "eff_from")


def _read(file: str, written: pl.DataFrame) -> tuple[pl.DataFrame, list[Fault]]:
    """The rows that are whole, with `file` and `row` (the line of the file), and what is wrong with the others."""
    stripped = written.with_columns(pl.all().str.strip_chars().fill_null("")).with_row_index("row", offset=2)
    days = [pl.col(name).str.to_date("%Y-%m-%d", strict=False).alias(f"{name}_day") for name in ("eff_from", "eff_to")]
    told = stripped.with_columns(days)
    no_end = pl.col("eff_to") == ""
    checks: list[tuple[str, pl.Expr, str]] = [
        ("setting is not a known one", ~pl.col("setting").is_in(SETTINGS), f"Write one of {', '.join(SETTINGS)}."),
        (
            "code is blank or not capitals and figures",
            ~pl.col("code").str.contains(r"^[A-Z0-9]+$"),
            "Write it as claims do.",
        ),
        (
            "modifier is not two characters",
            ~pl.col("modifier").str.contains(r"^([A-Z0-9]{2})?$"),
            "Write 26, TC or nothing.",
        ),
        ("eff_from is not a date", pl.col("eff_from_day").is_null(), "Write it like 2026-01-31."),
        (
            "eff_to is not a date",
            pl.col("eff_to_day").is_null() & ~no_end,
            "Write it like 2026-12-31, or leave it blank.",
        ),
        ("eff_to lies before eff_from", pl.col("eff_to_day") < pl.col("eff_from_day"), "Correct the two days."),
        (
            "price is not dollars, 0 or more, with at most 4 decimals",
            ~pl.col("price").str.contains(r"^\d{1,10}(\.\d{1,4})?$"),
            "Expected like 1234.50; a service that has no price has no row.",
        ),
        ("source is missing", pl.col("source") == "", "Name the public file that the price comes from."),
        ("version is missing", pl.col("version") == "", "Name the release of that file."),
    ]
    faults = []
    wrong = pl.lit(False)
    for said, check, remedy in checks:
        rows = told.filter(check.fill_null(False))["row"].to_list()
        wrong = wrong | check.fill_null(False)
        if rows:
            faults.append(_fault(file, said, rows, remedy, of=told.height))
    whole = told.filter(~wrong)
    return (
        whole.select(
            "setting",
            "code",
            "modifier",
            eff_from="eff_from_day",
            eff_to="eff_to_day",
            price=pl.col("price").cast(SCHEMA["price"]),
            source="source",
            version="version",
            file=pl.lit(file),
            row="row",
        ),
        faults,
    )


def _overlaps(prices: pl.DataFrame) -> list[Fault]:
    """Two prices of one service on one day, in one file or in two."""
    key = ["setting", "code", "modifier"]
    held = prices.sort(*key, "eff_from", "file", "row").with_columns(
        until=pl.col("eff_to").fill_null(pl.date(9999, 12, 31)).cum_max().shift(1).over(key)
    )
    again = held.filter(pl.col("eff_from") <= pl.col("until")).sort("file", "row")
    return [
        _fault(
            str(name),
            "the same setting, code and modifier has another price on the same days",
            rows["row"].to_list(),
            "End one span the day before the other begins.",
        )
        for (name,), rows in again.partition_by("file", as_dict=True, maintain_order=True).items()
    ]


def _fault(file: str, said: str, rows: list[int], remedy: str, of: int | None = None) -> Fault:
    listed = ", ".join(f"{row:,}" for row in rows[:FIRST_ROWS])
    count = f" in {len(rows):,}{f' of {of:,}' if of else ''} rows (first: rows {listed})" if rows else ""
    return Fault(
        code="bad-price",
        message=f"{file}: {said}{count}",
        file=file,
        place=f"rows {listed}" if rows else None,
        count=max(len(rows), 1),
        remedy=remedy,
    )
