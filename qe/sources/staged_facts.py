"""What a staged file says of itself, beside its rows: how many there are, what its trailer states, its claims and dollars."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import assert_never

import duckdb

from qe.sources.convert import Conversion, quoted
from qe.sources.recognise import Head
from qe.sources.rows import Delivered


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What table staged_file says of a file.

    has_trailer    the last line was the layout's trailer
    expected_rows  what that trailer states
    delivered_on   the day that it states
    """

    layout: str
    staged_as: str
    sha256: str
    rows_read: int
    rows_accepted: int
    rows_quarantined: int
    record_type: str | None
    trailer_type: str | None
    has_trailer: bool
    expected_rows: int | None
    delivered_on: date | None
    claims: int | None
    paid_amount: Decimal | None


def write_facts(
    connection: duckdb.DuckDBPyConnection, conversion: Conversion, delivered: Delivered, sha256: str
) -> None:
    """Table staged_file of the database that is being staged, from its staged_row and quarantined_row."""
    layout = conversion.layout
    accepted, quarantined = _pair(
        connection,
        "select (select count(*) from staged_row), (select count(distinct row_number) from quarantined_row)",
    )
    claims, paid = _totals(connection, conversion)
    trailer = _trailer(delivered.trailer, conversion.head)
    connection.execute(
        "create table staged_file as select $layout::varchar as layout, $staged_as::varchar as staged_as, "
        "$sha256::varchar as sha256, $rows_read::bigint as rows_read, $rows_accepted::bigint as rows_accepted, "
        "$rows_quarantined::bigint as rows_quarantined, $record_type::varchar as record_type, "
        "$trailer_type::varchar as trailer_type, $has_trailer::boolean as has_trailer, "
        "$expected_rows::bigint as expected_rows, $delivered_on::date as delivered_on, $claims::bigint as claims, "
        "$paid_amount::decimal(18, 2) as paid_amount",
        {
            "layout": layout.id,
            "staged_as": layout.staged_as,
            "sha256": sha256,
            "rows_read": delivered.rows,
            "rows_accepted": accepted,
            "rows_quarantined": quarantined,
            "record_type": conversion.head.record_type,
            "trailer_type": trailer.type,
            "has_trailer": delivered.trailer is not None,
            "expected_rows": trailer.rows,
            "delivered_on": trailer.day,
            "claims": claims,
            "paid_amount": paid,
        },
    )


def _pair(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[int, int]:
    row = connection.execute(sql).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def _totals(connection: duckdb.DuckDBPyConnection, conversion: Conversion) -> tuple[int | None, Decimal | None]:
    """Distinct claims and dollars of the accepted rows, a repeated header amount once a claim."""
    totals = conversion.layout.totals
    found = {row[0] for row in connection.execute("select column_name from (describe staged_row)").fetchall()}
    if totals is None or not {totals.claim, totals.paid, totals.stated_in or totals.claim} <= found:
        return None, None
    claim, paid = quoted(totals.claim), quoted(totals.paid)
    if conversion.layout.columns[totals.paid].type == "amounts":
        paid = f"list_sum({paid})"
    grain = quoted(totals.stated_in) if totals.stated_in else "null"
    rows = f"select {claim} as claim, {paid} as paid, {grain} as grain from staged_row"
    if totals.given:
        rows += f" where {quoted(totals.given)} is not null"
    match totals.grain:
        case "claim":
            rows = f"select claim, max(paid) as paid from ({rows}) group by claim"
        case "stated":
            paid = "case when bool_and(grain = 'claim') then max(paid) else sum(paid) end"
            rows = f"select claim, {paid} as paid from ({rows}) group by claim"
        case "row":
            pass
        case _:
            assert_never(totals.grain)
    row = connection.execute(
        f"select count(distinct claim), coalesce(sum(paid), 0)::decimal(18, 2) from ({rows})"
    ).fetchone()
    assert row is not None
    return int(row[0]), Decimal(row[1])


@dataclass(frozen=True, kw_only=True)
class _Trailer:
    type: str | None = None
    rows: int | None = None
    day: date | None = None


def _trailer(line: str | None, head: Head) -> _Trailer:
    """What the trailer states: the last field counts the rows; a field of eight digits before it is the day."""
    envelope = head.layout.envelope
    if line is None or envelope is None:
        return _Trailer()
    fields = [field.strip() for field in line.rstrip("\r").split(head.delimiter)]
    while fields and not fields[-1]:
        fields.pop()
    stated = fields[-1] if fields and fields[-1].isascii() and fields[-1].isdigit() else None
    day = None
    for field in fields[envelope.type_field : -1]:
        if len(field) == 8 and field.isascii() and field.isdigit():
            try:
                day = date(int(field[:4]), int(field[4:6]), int(field[6:]))
            except ValueError:
                continue
    kind = fields[envelope.type_field - 1] if len(fields) >= envelope.type_field else None
    return _Trailer(type=kind, rows=int(stated) if stated else None, day=day)


def read_facts(connection: duckdb.DuckDBPyConnection) -> Facts:
    """What an open staged database says of its file."""
    row = connection.execute(
        "select layout, staged_as, sha256, rows_read, rows_accepted, rows_quarantined, record_type, trailer_type, "
        "has_trailer, expected_rows, delivered_on, claims, paid_amount from staged_file"
    ).fetchone()
    assert row is not None
    return Facts(**dict(zip(Facts.__dataclass_fields__, row, strict=True)))
