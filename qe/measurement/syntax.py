"""What SQL a measure folder may hold, by its parsed tree: one SELECT, contract tables only, one answer."""

import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import duckdb

from qe.claims import model
from qe.closed_toml import suggestion
from qe.errors import Fault

ENGINE_PARAMETERS = ("period_start", "period_end")
ENGINE_VIEWS = ("value_set", "code_map")
TABLE_FUNCTIONS = frozenset({"unnest", "generate_series", "range"})
TABLE_REFERENCES = frozenset({"BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EXPRESSION_LIST", "EMPTY"})
QUERY_NODES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})

# Same answer only in a stated order.
SORTING_FUNCTIONS = frozenset({"list_sort", "list_reverse_sort", "array_sort", "array_reverse_sort"})
LISTING_AGGREGATES = frozenset({"list", "array_agg"})
ORDERED_AGGREGATES = frozenset(
    {"any_value", "arbitrary", "first", "last", "list", "array_agg", "string_agg", "group_concat", "listagg", "mode"}
)
EXTREME_AGGREGATES = frozenset(
    {"arg_max", "arg_min", "max_by", "min_by", "argmax", "argmin", "arg_max_null", "arg_min_null"}
)
ORDERED_WINDOWS = frozenset(
    {
        "row_number",
        "first",
        "first_value",
        "last",
        "last_value",
        "nth_value",
        "lag",
        "lead",
        "ntile",
        "list",
        "array_agg",
    }
)
# Always computed over DOUBLE, or by sampling: two runs may differ in the last digits.
REFUSED_FUNCTIONS = frozenset(
    {
        "fsum", "sumkahan", "kahan_sum", "favg", "stddev", "stddev_samp", "stddev_pop", "variance", "var_samp",
        "var_pop", "sem", "corr",
        "covar_pop", "covar_samp", "skewness", "kurtosis", "kurtosis_pop", "entropy", "geomean",
        "geometric_mean", "product", "regr_avgx", "regr_avgy", "regr_count", "regr_intercept", "regr_r2", "regr_slope",
        "regr_sxx", "regr_sxy", "regr_syy",
        "approx_count_distinct", "approx_quantile", "approx_top_k", "reservoir_quantile", "list_aggregate", "list_aggr",
        "array_aggregate", "array_aggr", "aggregate", "apply_aggregate",
    }
)  # fmt: skip
# Reads the clock, the session, the machine or chance.
FORBIDDEN_FUNCTIONS = frozenset(
    {
        "getvariable",
        "current_setting",
        "getenv",
        "nextval",
        "currval",
        "version",
        "query",
        "query_table",
        "write_log",
        "sleep_ms",
    }
)
CLOCK_WORDS = frozenset(
    {
        "current_date",
        "current_time",
        "current_timestamp",
        "localtime",
        "localtimestamp",
        "current_user",
        "session_user",
        "user",
    }
)
# Columns that make an order total within the grain of the contract tables.
KEY_COLUMNS = frozenset(
    {"line_number", "sequence", "position", "month", "ndc", "code", "hcpcs", "identifier", "ingredient", "factor", "npi", "id"}
)  # fmt: skip


NOWHERE = 2**63  # what DuckDB gives as the place of a node that has none lies above
Barred = tuple[str, dict[str, Any]]  # why something is refused, and the node that it is


def contract_tables() -> frozenset[str]:
    """The tables and views that measure SQL may read."""
    return frozenset({*model.BASE_TABLES, *model.EVENT_TABLES, *model.VIEWS, *ENGINE_VIEWS})


@cache
def tree(sql: str) -> dict[str, Any]:
    """DuckDB's parsed tree of `sql`, or {"error": true, ...}. All who ask share it: read it only."""
    row = _parser().cursor().execute("select json_serialize_sql($sql)", {"sql": sql}).fetchone()
    assert row is not None
    parsed: dict[str, Any] = json.loads(row[0])
    return parsed


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    """An empty database that parses for the whole process: opening one takes longer than parsing a file."""
    return duckdb.connect(":memory:", config={"threads": "1"})


@cache
def _nodes(sql: str) -> tuple[dict[str, Any], ...]:
    """Every object of the tree of `sql`, each before those inside it."""
    return tuple(walk(tree(sql)))


def walk(node: Any) -> Iterator[dict[str, Any]]:
    """Every object at or below `node`, each before those inside it."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            inside: Iterable[Any] = one.values()
        else:
            inside = one
        waiting += [child for child in reversed(list(inside)) if isinstance(child, (dict, list))]


@cache
def faults(
    sql: str, *, where: str, parameters: tuple[str, ...], extra_tables: frozenset[str] = frozenset()
) -> tuple[Fault, ...]:
    """Everything that bars `sql` from running, one sentence each.

    where         the file as a reader names it ("measures/hwr/population.sql")
    parameters    names that may be bound besides $period_start and $period_end
    extra_tables  relations that stand before this file: `population` for all files but population.sql
    """

    def fault(code: str, message: str, line: int | None = None, remedy: str = "") -> Fault:
        at = f", line {line}" if line else ""
        place = f"line {line}" if line else None
        return Fault(code=code, message=f"{where}{at}: {message}", file=where, place=place, remedy=remedy)

    parsed = tree(sql)
    if parsed["error"]:
        if parsed.get("error_type") == "not implemented":
            remedy = "A file of a measure is one SELECT."
            return (fault("not-a-select", "it is not a SELECT", _first_line_of_code(sql), remedy),)
        said = _first_lines(str(parsed.get("error_message", "")))
        return (fault("bad-sql", f"it cannot be parsed: {said}", _line(sql, int(parsed.get("position", -1)))),)
    if len(parsed["statements"]) != 1:
        return (fault("not-one-statement", f"it holds {len(parsed['statements'])} statements, not one"),)
    statement = parsed["statements"][0]
    known = [*ENGINE_PARAMETERS, *parameters]
    unknown = [item["key"] for item in statement.get("named_param_map", []) if item["key"] not in known]
    found = [
        fault("unknown-parameter", f"unknown parameter ${name}{suggestion(name, known)}", _line_of_parameter(sql, name))
        for name in sorted(unknown)
    ]
    allowed = contract_tables() | extra_tables
    barred = [*_barred_tables(statement["node"], allowed, frozenset()), *_barred_expressions(statement)]
    told = dict.fromkeys((said, _line(sql, _location(node))) for said, node in barred)
    return (*found, *(fault("refused-sql", said, line) for said, line in told))


def _location(node: dict[str, Any]) -> int:
    """The byte at which DuckDB found the node, or the first of those inside it; -1 where it tells none."""
    own = [one["query_location"] for one in walk(node) if one.get("query_location", NOWHERE) < NOWHERE]
    return min(own[:1] if "query_location" in node else own, default=-1)


def _line(sql: str, location: int) -> int | None:
    """The line, from 1, that holds the byte `location` of the file."""
    return None if location < 0 else sql.encode()[:location].count(b"\n") + 1


def _line_of_parameter(sql: str, name: str) -> int | None:
    found = re.search(rf"\${re.escape(name)}\b", sql)
    return None if found is None else sql[: found.start()].count("\n") + 1


def _first_line_of_code(sql: str) -> int | None:
    """The first line that is neither blank nor a comment."""
    lines = enumerate(sql.splitlines(), start=1)
    return next((number for number, line in lines if line.strip() and not line.lstrip().startswith("--")), None)


@cache
def reads(sql: str, table: str) -> bool:
    """Whether `sql` reads the table `table`."""
    return any(
        node.get("type") == "BASE_TABLE" and str(node.get("table_name", "")).lower() == table for node in _nodes(sql)
    )


@cache
def list_names(sql: str) -> frozenset[str]:
    """The names of lists and maps that `sql` asks value_set and code_map for, as far as they stand there as literals."""
    views = set(ENGINE_VIEWS)
    for node in _nodes(sql):
        if node.get("type") == "BASE_TABLE" and node.get("table_name") in ENGINE_VIEWS and node.get("alias"):
            views.add(str(node["alias"]))
    found: set[str] = set()
    for node in _nodes(sql):
        sides = [node.get("left"), node.get("right"), *(node.get("children") or [])]
        expressions = [side for side in sides if isinstance(side, dict)]
        if any(
            side.get("class") == "COLUMN_REF" and _names_a_list(side["column_names"], views) for side in expressions
        ):
            found |= {str(side["value"]["value"]) for side in expressions if _is_text(side)}
    return frozenset(found)


def _names_a_list(column: list[str], views: set[str]) -> bool:
    return column[-1] == "name" and len(column) > 1 and column[-2] in views


def _is_text(expression: dict[str, Any]) -> bool:
    value = expression.get("value")
    return expression.get("class") == "CONSTANT" and isinstance(value, dict) and value["type"]["id"] == "VARCHAR"


def _first_lines(message: str) -> str:
    return "\n  ".join(line.rstrip() for line in message.splitlines()[:6])


def _barred_tables(node: Any, allowed: frozenset[str], names: frozenset[str]) -> Iterator[Barred]:
    """What is read besides `allowed` and the CTEs in scope (`names`)."""
    if isinstance(node, dict):
        for entry in (node.get("cte_map") or {}).get("map", []):
            itself = frozenset({entry["key"].lower()})
            is_recursive = entry["value"]["query"]["node"]["type"] == "RECURSIVE_CTE_NODE"
            yield from _barred_tables(entry["value"], allowed, names | itself if is_recursive else names)
            names = names | itself
        for said in _reference_messages(node, allowed, names):
            yield said, node
        for key, child in node.items():
            if key != "cte_map":
                yield from _barred_tables(child, allowed, names)
    elif isinstance(node, list):
        for child in node:
            yield from _barred_tables(child, allowed, names)


def _reference_messages(node: dict[str, Any], allowed: frozenset[str], names: frozenset[str]) -> Iterator[str]:
    kind = str(node.get("type", ""))
    if kind.endswith("_NODE") and "modifiers" in node and kind not in QUERY_NODES:
        yield f"{kind.removesuffix('_NODE').lower()} is not allowed"
    if "sample" in node and node["sample"] is not None:
        yield "a sample differs from run to run"
    if not ("alias" in node and "sample" in node):
        return
    if kind == "SHOW_REF":
        yield "describe, show and summarize are not allowed"
    elif kind == "BASE_TABLE":
        name = str(node["table_name"]).lower()
        if node.get("schema_name") or node.get("catalog_name"):
            yield f'the table "{name}" is named with a schema or a database'
        elif name not in allowed and name not in names:
            yield f'the table "{name}" is not part of the contract{suggestion(name, sorted(allowed | names))}'
    elif kind == "TABLE_FUNCTION":
        name = str(node["function"]["function_name"]).lower()
        if name not in TABLE_FUNCTIONS:
            yield f"the table function {name} is not allowed"
    elif kind not in TABLE_REFERENCES:
        yield f"{kind.lower()} is not allowed"


def _barred_expressions(statement: dict[str, Any]) -> Iterator[Barred]:
    """What could give two answers on the same rows."""
    put_in_order: set[int] = set()  # lists that the function around them sorts: list(x order by x) is parsed as such
    for node in walk(statement):
        name = str(node.get("function_name", "")).lower()
        if name in SORTING_FUNCTIONS:
            put_in_order.update(id(child) for child in node["children"][:1])
        if name in LISTING_AGGREGATES and id(node) in put_in_order:
            continue
        for said in _order_messages(node):
            yield said, node


def _order_messages(node: dict[str, Any]) -> Iterator[str]:
    kind, name = node.get("class"), str(node.get("function_name", "")).lower()
    if kind == "FUNCTION":
        yield from _function_messages(node, name, _volatile_functions())
    elif kind == "WINDOW":
        yield from _window_messages(node, name)
    elif kind == "COLUMN_REF" and len(node["column_names"]) == 1 and node["column_names"][0].lower() in CLOCK_WORDS:
        yield f"{node['column_names'][0]} depends on the session or the clock"
    if node.get("modifiers"):
        yield from _modifier_messages(node["modifiers"])


def _function_messages(node: dict[str, Any], name: str, volatile: frozenset[str]) -> Iterator[str]:
    orders = (node.get("order_bys") or {}).get("orders") or []
    if name in REFUSED_FUNCTIONS:
        yield f"{name} is computed over DOUBLE or by sampling and may differ between runs"
    elif name in FORBIDDEN_FUNCTIONS or name in volatile:
        yield f"{name} depends on the session, the clock or chance"
    elif name in ORDERED_AGGREGATES and not orders:
        yield f"{name} without an order by may differ between runs"
    elif name in EXTREME_AGGREGATES and not _ends_in_key(node.get("children", [])[1:2]):
        yield f"{name} needs a unique last key: {name}(value, (amount, unit_id))"


def _window_messages(node: dict[str, Any], name: str) -> Iterator[str]:
    orders = [order["expression"] for order in [*node.get("orders", []), *node.get("arg_orders", [])]]
    by_rows = any("ROWS" in str(node.get(side, "")) for side in ("start", "end"))
    if name in REFUSED_FUNCTIONS:
        yield f"{name} is computed over DOUBLE and may differ between runs"
    elif (name in ORDERED_WINDOWS or by_rows) and not _ends_in_key(orders[-1:]):
        yield f"{name} over a window needs an order by with a unique last key (an identifier)"


def _modifier_messages(modifiers: list[dict[str, Any]]) -> Iterator[str]:
    orders = [order["expression"] for modifier in modifiers for order in modifier.get("orders", [])]
    for modifier in modifiers:
        if modifier["type"].startswith("LIMIT") and not _ends_in_key(orders[-1:]):
            yield "limit needs an order by with a unique last key (an identifier)"
        if modifier.get("distinct_on_targets") and not _ends_in_key(orders[-1:]):
            yield "distinct on needs an order by with a unique last key (an identifier)"


def _ends_in_key(expressions: list[dict[str, Any]]) -> bool:
    """Whether the last expression, or the last field of the last row or struct, is a column that identifies."""
    if not expressions:
        return False
    last = expressions[-1]
    if last.get("class") == "FUNCTION" and last.get("function_name") in ("row", "struct_pack", "list_value"):
        return _ends_in_key(last["children"][-1:])
    if last.get("class") == "STAR":  # order by all
        return True
    if last.get("class") != "COLUMN_REF":
        return False
    name = str(last["column_names"][-1]).lower()
    return name.endswith("_id") or name in KEY_COLUMNS


@cache
def _volatile_functions() -> frozenset[str]:
    """DuckDB's functions whose answer is not a function of their arguments."""
    rows = (
        _parser()
        .execute("select function_name from duckdb_functions() group by all having bool_or(stability <> 'CONSISTENT')")
        .fetchall()
    )
    return frozenset(row[0] for row in rows if row[0] != "error")
