"""Count what every check finds, in a few statements."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from qe.claims.quality_checks import QUALITY, Check, checks, known_tables, layout_places
from qe.claims.quality_rows import Counted, counted_in_rows
from qe.claims.quality_sql import select
from qe.site import SourceTable
from qe.sources.manifest import StagedFile
from qe.warehouse import Warehouse

COUNTS: Final = pl.Schema(
    {"check_id": pl.String(), "source_id": pl.String(), "denominator": pl.Int64(), "failing": pl.Int64()}
)


def describe_sources(
    db: Warehouse, sources: Mapping[str, SourceTable], staged: Sequence[StagedFile], quarantine: pl.DataFrame
) -> None:
    """The tables that checks read beside the model: periods of sources, received files, their quarantine."""
    db.execute(
        "create table source_period (source_id varchar, payer_id varchar, start_date date, end_date date); "
        "create table received_file (source_id varchar, file varchar, sha256 varchar, layout varchar, rows_read bigint, "
        "rows_accepted bigint, rows_quarantined bigint, expected_rows bigint); "
        "create table quarantine_count (source_id varchar, sha256 varchar, rule varchar, column_name varchar, rows bigint); "
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
    db.insert("quarantine_count", quarantine.select("source_id", "sha256", "rule", "column_name", "rows"))
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
    rows = {table: int(db.scalar(f"select count(*) from {table}")) for table in sorted(known_tables())}
    in_rows: dict[str, list[Check]] = defaultdict(list)
    by_query: dict[str, list[Check]] = defaultdict(list)
    for check in wanted:
        if rows.get(check.type.reads or check.table) == 0:
            continue  # nothing to judge; an empty counterpart is no reason: all of what is judged then lacks it
        if check.type.about == "row" or check.type.weighted:
            in_rows[check.table].append(check)
        elif check.type.about == "query" and (not check.type.needs or db.has_table(check.type.needs)):
            by_query[check.type.name].append(check)
    found = counted_in_rows(db, in_rows, rows=rows)
    for members in by_query.values():
        found += _counted_by_query(db, members)
    found += _counted_in_files(db, wanted)
    db.execute("create table quality_count (check_id varchar, source_id varchar, denominator bigint, failing bigint)")
    db.insert("quality_count", pl.DataFrame(sorted(set(found)), schema=COUNTS, orient="row"))
    db.execute("drop view payer_source")


def _counted_by_query(db: Warehouse, members: Sequence[Check]) -> list[Counted]:
    """What the queries of one type find, in one statement."""
    asked: dict[str, list[Check]] = defaultdict(list)
    for check in members:
        asked[select(check)].append(check)
    limit = '"limit"' if members[0].type.every_limit else "cast(null as varchar)"
    arms = [
        f"select {number} as number, {limit} as \"limit\", coalesce(source_id, '') as source_id, "
        f"cast(denominator as bigint) as denominator, cast(coalesce(failing, 0) as bigint) as failing from (\n{sql}\n)"
        for number, sql in enumerate(asked)
    ]
    of_arm = list(asked.values())
    return [
        (check.check_id, source_id, denominator, failing)
        for number, of_limit, source_id, denominator, failing in db.query(" union all ".join(arms)).iter_rows()
        for check in of_arm[number]
        if denominator and of_limit in (check.limit, None)
    ]


def _counted_in_files(db: Warehouse, wanted: Sequence[Check]) -> list[Counted]:
    by_place = {
        (check.type.name, check.table, check.column): check.check_id for check in wanted if check.type.about == "file"
    }
    kinds = {check.type.name: check.type for check in wanted if check.type.about == "file"}
    return [
        (by_place[(name, row["layout"], row["column_name"])], row["source_id"], row["denominator"], row["failing"])
        for name, kind in kinds.items()
        for row in db.query(kind.sql.format(place=kind.each_layout)).iter_rows(named=True)
        if (name, row["layout"], row["column_name"]) in by_place
    ]
