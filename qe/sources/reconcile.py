"""Whether a staged file is what its sender says it is: trailer, type, period, and rows that could not be read."""

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import polars as pl

from qe.errors import Fault
from qe.site import SourceTable
from qe.sources.convert import quoted
from qe.sources.layout import Layout
from qe.sources.manifest import StagedFile
from qe.sources.stage import Keys, Places, look_into
from qe.sources.staged_facts import Facts, read_facts

RULES = {
    "bad-date": "is not a date",
    "bad-number": "is not a number",
    "bad-boolean": "is neither true nor false",
    "missing-value": "is blank",
    "unknown-code": "is a code that stands in no table",
    "too-small": "is less than there can be",
    "reversed-dates": "lies before the day that the row begins with",
    "wrong-column-count": "another number of columns than the header",
    "blank-line": "a blank line",
    "nul-byte": "a NUL byte",
    "not-utf8": "bytes that are not UTF-8",
    "unbalanced-quote": "an unbalanced quote",
    "line-break-in-row": "a line break inside",
}
RECONCILIATION = pl.Schema(
    {
        "source_id": pl.String(),
        "file": pl.String(),
        "sha256": pl.String(),
        "file_type": pl.String(),
        "rows_read": pl.Int64(),
        "rows_accepted": pl.Int64(),
        "rows_quarantined": pl.Int64(),
        "claims": pl.Int64(),
        "paid_amount": pl.Decimal(18, 2),
        "expected_rows": pl.Int64(),
        "rows_superseded": pl.Int64(),
        "status": pl.String(),
    }
)
QUARANTINE = pl.Schema(
    {
        "source_id": pl.String(),
        "sha256": pl.String(),
        "rule": pl.String(),
        "column_name": pl.String(),
        "rows": pl.Int64(),
        "first_rows": pl.List(pl.Int64),
    }
)


def unreconciled(name: str, facts: Facts, layout: Layout, source: SourceTable, *, outside: int) -> list[Fault]:
    """Every way in which a file does not reconcile; `accept_unreconciled` may accept these.

    outside  accepted rows whose date lies outside the source's start..end
    """
    faults = []
    if facts.rows_read == 0 and facts.expected_rows != 0:
        faults.append(unreconciled_fault("no-rows", name, "holds a header and no row", "Ask for the rows."))
    elif facts.rows_accepted == 0 and facts.rows_read > 0:
        faults.append(
            unreconciled_fault(
                "no-fit-row", name, f"none of its {facts.rows_read:,} rows could be read", "Ask for the file again."
            )
        )
    if layout.envelope:
        faults += _envelope_faults(name, facts, layout)
    if 2 * outside > facts.rows_accepted > 0:
        faults.append(
            unreconciled_fault(
                "wrong-period",
                name,
                f"{outside:,} of {facts.rows_accepted:,} rows lie outside {source.start} to {source.end}, the period "
                "of its source",
                "Correct start and end of the source, or take the file away.",
                count=outside,
            )
        )
    return faults


def _envelope_faults(name: str, facts: Facts, layout: Layout) -> list[Fault]:
    assert layout.envelope is not None
    first, last = layout.envelope.header, layout.envelope.trailer
    faults = []
    if facts.record_type is None:
        faults.append(unreconciled_fault("no-first-record", name, f"has no {first} record", "Ask for the whole file."))
    elif facts.record_type != layout.record_type:
        said = f"its {first} record states another type than {layout.record_type}, which its columns are"
        faults.append(unreconciled_fault("wrong-type", name, said, "Ask which is right."))
    if not facts.has_trailer:
        said = f"has no {last} record: it may be cut short"
        return [*faults, unreconciled_fault("no-trailer", name, said, "Ask for the whole file.")]
    if facts.trailer_type != layout.record_type:
        said = f"its {last} record states another type than {layout.record_type}, which its columns are"
        faults.append(unreconciled_fault("wrong-type", name, said, "Ask which is right."))
    if facts.expected_rows is None:
        faults.append(
            unreconciled_fault(
                "no-trailer-count", name, f"its {last} record states no number of rows", "Ask for the whole file."
            )
        )
    elif facts.expected_rows != facts.rows_read:
        said = f"its {last} record states {facts.expected_rows:,} rows and it holds {facts.rows_read:,}"
        faults.append(unreconciled_fault("trailer-count", name, said, "Ask for the whole file."))
    return faults


def unreconciled_fault(code: str, name: str, said: str, remedy: str, *, count: int = 1) -> Fault:
    """A fault of a file that `accept_unreconciled` may accept."""
    accept = f'{remedy} To use it as it is: accept_unreconciled = ["{name}"].'
    return Fault(code=code, message=f"{name}: {said}", file=name, count=count, remedy=accept)


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """A staged file as it stands: its facts, its quarantine, and its accepted rows against the source's period.

    outside  rows that lie outside it
    reaches  the last day of those inside: of a month or year, its last day
    """

    facts: Facts
    outside: int
    reaches: date | None
    quarantine: pl.DataFrame


def inspect(
    connection: duckdb.DuckDBPyConnection, places: Places, layout: Layout, source: SourceTable, *, keys: Keys
) -> Inspection:
    """Look into a staged file once and read what reconciliation needs."""
    with look_into(connection, places, keys=keys):
        outside, reaches = _against_period(connection, layout, source)
        return Inspection(
            facts=read_facts(connection), outside=outside, reaches=reaches, quarantine=_quarantine(connection)
        )


def _against_period(
    connection: duckdb.DuckDBPyConnection, layout: Layout, source: SourceTable
) -> tuple[int, date | None]:
    """Accepted rows outside the source's period, and the last day of those inside."""
    period = layout.period
    if period is None or source.start is None or source.end is None:
        return 0, None
    if period.date is not None:
        when = quoted(period.date)
        bounds: dict[str, object] = {"first": source.start, "last": source.end}
    else:
        assert period.year is not None
        by_month = period.month is not None
        when = f"{quoted(period.year)} * 100" + (f" + {quoted(period.month)}" if period.month else "")
        bounds = {
            "first": source.start.year * 100 + by_month * source.start.month,
            "last": source.end.year * 100 + by_month * source.end.month,
        }
    row = connection.execute(
        f"select count(*) filter (where moment not between $first and $last), "
        f"max(moment) filter (where moment between $first and $last) from (select {when} as moment from staged_row)",
        bounds,
    ).fetchone()
    assert row is not None
    return int(row[0]), _last_day(row[1])


def _last_day(moment: date | int | None) -> date | None:
    """The day itself, or the last day of a month (year * 100 + month; month 0: the year)."""
    if moment is None or isinstance(moment, date):
        return moment
    year, month = divmod(int(moment), 100)
    return date(year, month or 12, monthrange(year, month or 12)[1])


def _quarantine(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """rule, column_name, rows, first_rows (the first three line numbers) of one staged file; no raw text."""
    found = connection.execute(
        "select rule, column_name, count(*) as rows, list(row_number order by row_number)[1:3] as first_rows "
        "from quarantined_row group by rule, column_name order by rule, column_name"
    ).fetchall()
    schema = pl.Schema({name: QUARANTINE[name] for name in ("rule", "column_name", "rows", "first_rows")})
    return pl.DataFrame(found, schema=schema, orient="row")


def bad_rows(name: str, summary: pl.DataFrame, rows_read: int) -> list[Fault]:
    """One fault a rule and column, for sources whose settings stop at a bad row."""
    faults = []
    for row in summary.iter_rows(named=True):
        said = RULES.get(row["rule"], row["rule"])
        firsts = ", ".join(f"{number:,}" for number in row["first_rows"])
        where = f"{row['column_name']} {said} in" if row["column_name"] else f"{said} in"
        faults.append(
            Fault(
                code=row["rule"],
                message=f"{name}: {where} {row['rows']:,} of {rows_read:,} rows (first: rows {firsts})",
                file=name,
                place=row["column_name"] or f"rows {firsts}",
                count=row["rows"],
                remedy='Correct the file, or set on_bad_row = "quarantine" in qe.toml.',
            )
        )
    return faults


def reconciliation_frame(staged: Sequence[StagedFile], superseded: Mapping[tuple[str, str], int]) -> pl.DataFrame:
    """source_reconciliation.parquet (contracts.md section 4): one row a file, sorted by source and file.

    superseded  (source, first 16 digits of the sha256) -> rows of claims that a later delivery brings; part of accepted
    """
    rows = [
        {
            "source_id": one.file.source_id,
            "file": one.file.name,
            "sha256": one.file.sha256,
            "file_type": one.file.layout,
            "rows_read": one.rows_read,
            "rows_accepted": one.rows_accepted,
            "rows_quarantined": one.rows_quarantined,
            "claims": one.claims,
            "paid_amount": one.paid_amount,
            "expected_rows": one.expected_rows,
            "rows_superseded": one.rows_accepted
            if one.replaced_by is not None
            else superseded.get((one.file.source_id, one.file.sha256[:16]), 0),
            "status": one.status,
        }
        for one in staged
    ]
    return pl.DataFrame(rows, schema=RECONCILIATION).sort("source_id", "file", "sha256")


def quarantine_frame(
    connection: duckdb.DuckDBPyConnection, staged: Sequence[StagedFile], *, keys: Keys
) -> pl.DataFrame:
    """source_id, sha256, rule, column_name, rows, first_rows of all quarantined rows; no raw text."""
    frames = []
    for one in staged:
        places = Places(
            database=None if one.in_vault else one.database,
            vault_database=one.database if one.in_vault else one.vault_database,
        )
        with look_into(connection, places, keys=keys):
            found = _quarantine(connection)
        origin = [pl.lit(one.file.source_id).alias("source_id"), pl.lit(one.file.sha256).alias("sha256")]
        frames.append(found.select(*origin, "rule", "column_name", "rows", "first_rows"))
    return pl.concat(frames) if frames else pl.DataFrame(schema=QUARANTINE)
