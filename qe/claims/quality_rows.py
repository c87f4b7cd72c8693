"""Count checks of rows: those of columns with few values on the table's distinct rows, the others on every row."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from qe.claims.quality_checks import Check, columns
from qe.claims.quality_sql import confined, rows_of, select, verdict
from qe.warehouse import Warehouse

AT_ONCE: Final = 60  # checks a pass over a table: more make the plan slow, fewer read the table more often
FROM: Final = 20_000  # rows of a table from which its distinct rows are made first
SAMPLED: Final = 10_000  # rows that tell which columns have few values
CODED: Final = ("VARCHAR", "BOOLEAN", "INTEGER", "DATE")  # SQL types of columns that may have few values
FEW: Final = 256  # values of a column that are few
DISTINCT: Final = "distinct_row"
Counted = tuple[str, str, int, int]  # check_id, source_id, denominator, failing


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One reading of rows for some checks. sql: source_id, then lists of denominators and of failing rows, one of each a check."""

    sql: str
    members: Sequence[Check]


def counted_in_rows(
    db: Warehouse, by_table: Mapping[str, Sequence[Check]], *, rows: Mapping[str, int]
) -> list[Counted]:
    """What checks of rows, and queries over rows of which equal ones may stand as one, find in their tables.

    by_table  table -> its checks
    rows      table -> how many rows it has
    """
    found: list[Counted] = []
    over_all: list[Pass] = []
    for table, members in by_table.items():
        few = _distinct_rows(db, table, members, rows=rows[table]) if rows[table] >= FROM else []
        if few:
            found += _counted(db, _passes(few, f"from {DISTINCT}", are_weighted=True))
            db.execute(f"drop table {DISTINCT}")
        done = {check.check_id for check in few}
        left = [check for check in members if check.check_id not in done]
        over_all += _passes(left, f"select *, 1 as rows from ({rows_of(table)})", are_weighted=False)
    return found + _counted(db, over_all)


def _distinct_rows(db: Warehouse, table: str, members: Sequence[Check], *, rows: int) -> list[Check]:
    """Make distinct_row, the different rows of the columns with few values, each with how many `rows` it stands for.

    Gives the checks that read no other column of the table.
    """
    words = {check.check_id: _words(check) for check in members}
    few = _few_valued(db, table, frozenset[str]().union(*words.values()), rows=rows)
    many = frozenset(db.query(f"select * from ({rows_of(table)}) limit 0").columns) - few
    chosen = [check for check in members if not words[check.check_id] & many]
    if chosen:
        read = few & {"source_id"}.union(*(words[check.check_id] for check in chosen))
        db.execute(
            f"create temp table {DISTINCT} as select {', '.join(sorted(read))}, count(*) as rows "
            f"from ({rows_of(table)}) group by all"
        )
    return chosen


def _few_valued(db: Warehouse, table: str, read: frozenset[str], *, rows: int) -> frozenset[str]:
    """Columns with few different values in a sample of the table's rows. A wrong guess costs time, never a count."""
    names = [name for name, sql_type in columns(table).items() if name in read and sql_type in CODED]
    counts = ", ".join(f"approx_count_distinct({name}) as {name}" for name in names)
    (found,) = db.query(
        f"select {counts or 0} from (from {table} using sample {min(100, 100 * SAMPLED / rows):.4f} percent (system, 1))"
    ).iter_rows(named=True)
    return frozenset({"source_id", *(name for name in names if found[name] <= FEW)})


def _words(check: Check) -> frozenset[str]:
    """Every word of a check's SQL: the columns that it reads are among them."""
    sql = verdict(check) if check.type.about == "row" else select(check, relation="from rows")
    return frozenset(re.findall(r"\w+", f"{sql} {confined(check.only)}"))


def _passes(members: Sequence[Check], relation: str, *, are_weighted: bool) -> list[Pass]:
    in_rows = [check for check in members if check.type.about == "row"]
    return [
        *(
            _pass(in_rows[first : first + AT_ONCE], relation, are_weighted=are_weighted)
            for first in range(0, len(in_rows), AT_ONCE)
        ),
        *(_as_pass(check, relation) for check in members if check.type.about == "query"),
    ]


def _pass(members: Sequence[Check], relation: str, *, are_weighted: bool) -> Pass:
    """The verdicts of some checks counted in one reading of a relation; a filter on each sum would be slow."""
    numbers = range(len(members))
    verdicts = ", ".join(f"{verdict(check)} as c{number}" for number, check in enumerate(members))
    if are_weighted:
        judged = ", ".join(f"sum(case when c{number} is not null then rows else 0 end)" for number in numbers)
        failing = ", ".join(f"sum(case when c{number} then rows else 0 end)" for number in numbers)
    else:
        judged = ", ".join(f"count(c{number})" for number in numbers)
        failing = ", ".join(f"count_if(c{number})" for number in numbers)
    return Pass(
        sql=f"select source_id, cast([{judged}] as bigint[]) as denominators, cast([{failing}] as bigint[]) as failing "
        f"from (select source_id, rows, {verdicts} from ({relation})) group by source_id",
        members=members,
    )


def _as_pass(check: Check, relation: str) -> Pass:
    return Pass(
        sql="select source_id, cast([denominator] as bigint[]) as denominators, cast([failing] as bigint[]) as failing "
        f"from (\n{select(check, relation=relation)}\n)",
        members=[check],
    )


def _counted(db: Warehouse, passes: Sequence[Pass]) -> list[Counted]:
    """All passes in one statement, so that the engine's threads share them."""
    if not passes:
        return []
    arms = [f"select {number} as number, * from ({one.sql})" for number, one in enumerate(passes)]
    return [
        (check.check_id, source_id or "", judged, fails or 0)
        for number, source_id, denominators, failing in db.query(" union all ".join(arms)).iter_rows()
        for check, judged, fails in zip(passes[number].members, denominators, failing, strict=True)
        if judged
    ]
