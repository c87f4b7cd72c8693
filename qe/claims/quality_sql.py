"""The SQL of a check: its type's template with the names of its place, and the rows of its table that it reads.

Put together from the SQL files of the types and from names that qe itself declares; no value of a file or of qe.toml is
ever part of the text.
"""

from collections.abc import Sequence
from typing import Final, assert_never

from qe.claims.quality_checks import QUALITY, Check, code_table, columns, known_tables, lists

STATUS: Final = {"claim": "paid_status", "claim_line": "line_status", "pharmacy_fill": "fill_status"}


def verdict(check: Check) -> str:
    """The expression over one row of a check of rows: true where it fails, NULL where it says nothing."""
    fails, only = _body(check.type.sql).format(**_names(check)).strip(), confined(check.only)
    return f"({fails})" if only == "true" else f"case when {only} then ({fails}) end"


def select(check: Check, *, relation: str = "") -> str:
    """The SELECT of a check that is a query. relation: its checked_row, else the rows of its table."""
    sql, names = check.type.sql, _names(check)
    if "checked_row" in sql:
        names["only"] = confined(check.only)
        head, separator, rest = sql.partition("\nwith ")
        shown = f"checked_row as ({relation or rows_of(check.type.reads or check.table)})"
        sql = f"{head}{separator}{_braced(shown)}, {rest}" if separator else f"with {_braced(shown)}\n{_body(sql)}"
    return sql.format(**names)


def rows_of(table: str) -> str:
    """The SELECT of the rows of a table that checks read, with source_id, dates and periods where it has them."""
    own = QUALITY / "rows" / f"{table}.sql"
    if own.exists():
        return own.read_text(encoding="utf-8")
    by_payer = {"payer_id", "person_id"} <= columns(table).keys()
    template = QUALITY / "rows" / ("_by_payer.sql" if by_payer else "_whole.sql")
    return template.read_text(encoding="utf-8").format(table=table)


def confined(only: Sequence[tuple[str, Sequence[str]]]) -> str:
    """The condition of the rows to which a check is confined."""
    return " and ".join(f"cast({column} as varchar) in {_literals(values)}" for column, values in only) or "true"


def _body(sql: str) -> str:
    """A template without the comment at its head."""
    return "\n".join(line for line in sql.splitlines() if not line.startswith("--"))


def _names(check: Check) -> dict[str, str]:
    """What the placeholders of a type's SQL stand for at this check."""
    low, _, high = check.limit.partition("..")
    other_table, _, other_column = check.other.partition(".")
    key = check.column.split(";")
    names = {
        "table": check.table,
        "column": check.column,
        "other": check.other,
        "limit": check.limit,
        "low": low,
        "high": high,
        "value": _literal(check.limit),
        "other_table": other_table,
        "other_column": other_column,
        "key": ", ".join(key),
        "given": " and ".join(f"{name} is not null" for name in key),
        "status": STATUS.get(check.table, "'paid'"),
        "id": "fill_id" if check.table == "pharmacy_fill" else "claim_id",
    }
    is_text = columns(check.table).get(check.column) == "VARCHAR" if check.table in known_tables() else False
    names["is_blank"] = f"{check.column} = ''" if is_text else "false"
    match check.type.other:
        case "codes":
            names["codes"] = _literals(lists()["codes"][check.other])
            names["column"] = f"cast({check.column} as varchar)"
        case "format":
            names["pattern"] = _literal(lists()["formats"][check.other])
        case "code_table":
            names["codes"] = _literals(code_table(check.other))
        case "column":
            pass
        case other:
            assert_never(other)
    return names


def _literals(values: Sequence[str]) -> str:
    return f"({', '.join(_literal(value) for value in values)})"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _braced(text: str) -> str:
    """SQL that goes through str.format unchanged."""
    return text.replace("{", "{{").replace("}", "}}")
