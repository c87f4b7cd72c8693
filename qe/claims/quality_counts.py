"""Count what every check finds, in a few passes a table; the counts stay in the model that they are about.

The statements are put together from the SQL files of the types and from names that qe itself declares; no value of a
file or of qe.toml is ever part of their text.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from qe.claims.quality_checks import QUALITY, Check, checks, code_table, columns, known_tables, layout_places, lists
from qe.site import SourceTable
from qe.sources.manifest import StagedFile
from qe.warehouse import Warehouse

COUNTS: Final = pl.Schema(
    {"check_id": pl.String(), "source_id": pl.String(), "denominator": pl.Int64(), "failing": pl.Int64()}
)
STATUS: Final = {"claim": "paid_status", "claim_line": "line_status", "pharmacy_fill": "fill_status"}
AT_ONCE: Final = 40  # checks a pass over a table: more make the plan slow, fewer read the table more often
Counted = tuple[str, str, int, int]


def describe_sources(
    db: Warehouse, sources: Mapping[str, SourceTable], staged: Sequence[StagedFile], quarantine: pl.DataFrame
) -> None:
    """The tables that checks read beside the model: periods of sources, received files, their quarantine."""
    db.execute(
        "create table source_period (source_id varchar, payer_id varchar, start_date date, end_date date); "
        "create table received_file (source_id varchar, file varchar, sha256 varchar, layout varchar, rows_read bigint, "
        "rows_accepted bigint, rows_quarantined bigint, expected_rows bigint); "
        "create table quarantine_count (source_id varchar, file varchar, rule varchar, column_name varchar, rows bigint); "
        "create table typed_column (kind varchar, layout varchar, column_name varchar)"
    )
    for source_id, source in sorted(sources.items()):
        if source.payer_id is not None:
            db.execute(
                "insert into source_period values ($source, $payer, $start, $end)",
                source=source_id,
                payer=source.payer_id,
                start=source.start,
                end=source.end,
            )
    for one in sorted(staged, key=lambda one: (one.file.source_id, one.file.name, one.file.sha256)):
        db.execute(
            "insert into received_file values ($source, $file, $sha256, $layout, $read, $accepted, $quarantined, $expected)",
            source=one.file.source_id,
            file=one.file.name,
            sha256=one.file.sha256,
            layout=one.file.layout,
            read=one.rows_read,
            accepted=one.rows_accepted,
            quarantined=one.rows_quarantined,
            expected=one.expected_rows,
        )
    db.insert("quarantine_count", quarantine.select("source_id", "file", "rule", "column_name", "rows"))
    places = pl.DataFrame(layout_places(), schema=["kind", "layout", "column_name"], orient="row")
    db.insert("typed_column", places)


def count(db: Warehouse, chosen: Sequence[Check] | None = None) -> None:
    """Fill quality_count (and volume_by_month): one row a check and source; no row where a check had nothing to read.

    chosen  the checks to count, all by default
    """
    wanted = checks() if chosen is None else chosen
    db.execute(
        "create temp view payer_source as select payer_id, min(source_id) as source_id from source_period "
        "group by payer_id having count(*) = 1"
    )
    db.run(QUALITY / "volume_by_month.sql")
    found: list[Counted] = []
    by_table: dict[str, list[Check]] = defaultdict(list)
    filled = {table for table in known_tables() if db.scalar(f"select count(*) from (from {table} limit 1)")}
    for check in wanted:
        if check.table in known_tables() and check.table not in filled:
            continue
        if check.type.about == "row":
            by_table[check.table].append(check)
        elif check.type.about == "query" and (not check.type.needs or db.has_table(check.type.needs)):
            found += _counted_by_query(db, check)
    for table, members in by_table.items():
        for first in range(0, len(members), AT_ONCE):
            found += _counted_in_rows(db, table, members[first : first + AT_ONCE])
    found += _counted_in_files(db, wanted)
    db.execute("create table quality_count (check_id varchar, source_id varchar, denominator bigint, failing bigint)")
    db.insert("quality_count", pl.DataFrame(sorted(set(found)), schema=COUNTS, orient="row"))
    db.execute("drop view payer_source")


def _counted_in_rows(db: Warehouse, table: str, members: Sequence[Check]) -> list[Counted]:
    """One pass over the table's rows for all of `members`."""
    verdicts, counts = [], []
    for number, check in enumerate(members):
        fails, only = _expression(check), _confined(check.only)
        verdict = f"({fails})" if only == "true" else f"case when {only} then ({fails}) end"
        verdicts.append(f"{verdict} as c{number}")
        counts.append(f"count(c{number}) as d{number}, count_if(c{number}) as f{number}")
    sql = (
        f"with checked_row as ({_rows(table)}), verdict as (select source_id, {', '.join(verdicts)} from checked_row) "
        f"select coalesce(source_id, '') as source_id, {', '.join(counts)} from verdict group by 1 order by 1"
    )
    return [
        (check.check_id, row["source_id"], row[f"d{number}"], row[f"f{number}"])
        for row in db.query(sql).iter_rows(named=True)
        for number, check in enumerate(members)
        if row[f"d{number}"] > 0
    ]


def _counted_by_query(db: Warehouse, check: Check) -> list[Counted]:
    sql = check.type.sql
    names = _names(check)
    if "checked_row" in sql:
        names["only"] = _confined(check.only)
        head, separator, rest = sql.partition("\nwith ")
        shown = f"checked_row as ({_rows(_rows_read_by(check))})"
        sql = f"{head}{separator}{_braced(shown)}, {rest}" if separator else f"with {_braced(shown)}\n{_body(sql)}"
    frame = db.query(sql.format(**names))
    return [
        (check.check_id, row["source_id"] or "", row["denominator"], row["failing"] or 0)
        for row in frame.iter_rows(named=True)
        if row["denominator"]
    ]


def _counted_in_files(db: Warehouse, wanted: Sequence[Check]) -> list[Counted]:
    by_place = {
        (check.type.name, check.table, check.column): check.check_id for check in wanted if check.type.about == "file"
    }
    kinds = {check.type.name: check.type for check in wanted if check.type.about == "file"}
    return [
        (by_place[(name, row["layout"], row["column_name"])], row["source_id"], row["denominator"], row["failing"])
        for name, kind in kinds.items()
        for row in db.query(kind.sql).iter_rows(named=True)
        if (name, row["layout"], row["column_name"]) in by_place
    ]


def _rows_read_by(check: Check) -> str:
    return "member_month" if check.type.name == "members_without_claims" else check.table


def _rows(table: str) -> str:
    """The SELECT of the rows of a table that checks read, with source_id, dates and periods where it has them."""
    own = QUALITY / "rows" / f"{table}.sql"
    if own.exists():
        return own.read_text(encoding="utf-8")
    by_payer = {"payer_id", "person_id"} <= columns(table).keys()
    template = QUALITY / "rows" / ("_by_payer.sql" if by_payer else "_whole.sql")
    return template.read_text(encoding="utf-8").format(table=table)


def _expression(check: Check) -> str:
    return _body(check.type.sql).format(**_names(check)).strip()


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
    match check.type.name:
        case "unknown_code":
            names["codes"] = _literals(lists()["codes"][check.other])
            names["column"] = f"cast({check.column} as varchar)"
        case "code_format":
            names["pattern"] = _literal(lists()["formats"][check.other])
        case "unmapped_code":
            names["code_table"] = _literals(code_table(check.other))
    return names


def _confined(only: Sequence[tuple[str, Sequence[str]]]) -> str:
    return " and ".join(f"cast({column} as varchar) in {_literals(values)}" for column, values in only) or "true"


def _literals(values: Sequence[str]) -> str:
    return f"({', '.join(_literal(value) for value in values)})"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _braced(text: str) -> str:
    """SQL that goes through str.format unchanged."""
    return text.replace("{", "{{").replace("}", "}}")
