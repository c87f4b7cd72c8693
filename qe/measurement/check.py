"""Checking a module before it may run: parsed tree, bound columns and types, exact sums, and traceable rules."""

import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from qe.closed_toml import suggestion
from qe.errors import Fault, MeasureError
from qe.measurement import cases, tables, value_sets, versions
from qe.measurement import syntax as sql_syntax
from qe.measurement.attribute import FOLDER, methods
from qe.measurement.events import rule_number
from qe.measurement.facts import ParameterValue
from qe.measurement.measure import Module, kind_of
from qe.warehouse import Warehouse

SQL = Path(__file__).parent / "sql"
ATTRIBUTION = FOLDER / "tables" / "attribution.sql"
TEXT, TEXTS, DAY = "VARCHAR", "VARCHAR[]", "DATE"
EXACT_NUMBER = re.compile(r"^(DECIMAL\(\d+,\d+\)|TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$")
RULE = re.compile(r"\bR\d+\b")

REQUIRED_COLUMNS: dict[str, dict[str, str]] = {
    "population": {"event_id": TEXT, "person_id": TEXT, "index_date": DAY, "rule_ids": TEXTS},
    "exclusions": {"event_id": TEXT, "rule_id": TEXT, "claim_ids": TEXTS},
    "numerator": {"event_id": TEXT, "value": "DECIMAL(18,6)", "rule_ids": TEXTS, "claim_ids": TEXTS},
    "covariates": {"event_id": TEXT, "factor": TEXT, "value": "number"},
    "claims": {"event_id": TEXT, "event_kind": TEXT, "claim_id": TEXT, "amount": "exact number"},
}
OPTIONAL_COLUMNS: dict[str, dict[str, str]] = {
    "population": {
        "measure_id": TEXT,
        "facility_id": TEXT,
        "cohort": TEXT,
        "exposure": "exact number",
        "payer_type": TEXT,
        "claim_ids": TEXTS,
    },
    "exclusions": {"measure_id": TEXT},
    "numerator": {"measure_id": TEXT, "exposure": "exact number", "amount": "exact number"},
    "covariates": {},
    "claims": {"measure_id": TEXT, "part": TEXT},
}
READ_ATTRIBUTION = frozenset({"exclusions", "numerator", "covariates"})
LEARNT_TYPES = (
    "VARCHAR",
    "BOOLEAN",
    "DATE",
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "DECIMAL",
)  # DECIMAL(18,2) as well
OWN_COLUMNS_ALLOWED = frozenset({"population", "numerator"})
ENGINE_COLUMNS = frozenset(
    {"in_denominator", "exclusion_reasons", "in_numerator", "driving_claim_ids", "provider_id", "level"}
)


def check(module: Module, *, licensed: Path | None = None) -> list[Fault]:
    """Everything wrong with a loaded module, all at once. A slot that the site has not filled is no fault of the module.

    licensed  the site's folder of licensed lists, or None: what lies there is checked like the module's own lists
    """
    syntax = [fault for stem in module.sql for fault in syntax_faults(module, stem)]
    faults = [*_method_faults(module), *syntax]
    try:
        value_sets.read(module, licensed=licensed)
    except MeasureError as error:
        faults += [fault for fault in error.faults if fault.code != value_sets.LICENSED]
    if not syntax:
        faults += [*_list_faults(module), *_bind_faults(module)]
    return [*faults, *rule_faults(module), *versions.faults(module)]


def _method_faults(module: Module) -> list[Fault]:
    """The attribution method of measure.toml is one that ships with qe."""
    method, where = module.facts.attribution.method, f"measures/{module.folder.name}/measure.toml"
    if method in methods():
        return []
    message = f'{where}: there is no attribution method "{method}"{suggestion(method, methods())}'
    return [Fault(code="unknown-method", message=message, file=where, place="attribution.method")]


def _list_faults(module: Module) -> list[Fault]:
    """A list that the SQL asks for and measure.toml does not state would be silently empty; one that nothing asks for is dead."""
    known = {*module.facts.lists, *module.facts.maps}
    asked = {stem: sql_syntax.list_names(sql) for stem, sql in module.sql.items()}
    faults = [
        Fault(
            code="unknown-list",
            message=f'{module.place(stem)}: there is no list or map "{name}"{suggestion(name, sorted(known))}',
            file=module.place(stem),
            place=name,
        )
        for stem, names in asked.items()
        for name in sorted(names - known)
    ]
    where = f"measures/{module.folder.name}/measure.toml"
    faults += [
        Fault(code="unused-list", message=f'{where}: no SQL file asks for the list "{name}"', file=where, place=name)
        for name in sorted(known)
        if not any(f"'{name}'" in sql for sql in module.sql.values())
    ]
    return faults


def require(module: Module, *, licensed: Path | None = None) -> None:
    """Raise everything that `check` finds, and every slot that the module cannot run without and nobody has filled."""
    if faults := [*check(module, licensed=licensed), *unfilled(module, licensed=licensed)]:
        raise MeasureError.of(faults)


def unfilled(module: Module, *, licensed: Path | None) -> list[Fault]:
    """The slots without which the module refuses to run and that nobody has filled: each with its owner and its place."""
    try:
        value_sets.read(module, licensed=licensed)
    except MeasureError as error:
        return [fault for fault in error.faults if fault.code == value_sets.LICENSED]
    return []


def syntax_faults(module: Module, stem: str) -> tuple[Fault, ...]:
    """What bars this file by its parsed tree."""
    parts = module.facts.parts
    before = frozenset(parts[: parts.index(stem)] if stem in parts else parts)
    if stem != "population":
        before |= {"population"}
    if kind_of(stem) in READ_ATTRIBUTION:
        before |= {"attribution"}
    return sql_syntax.faults(
        module.sql[stem], where=module.place(stem), parameters=tuple(module.facts.parameters), extra_tables=before
    )


def rule_faults(module: Module) -> list[Fault]:
    """Rules of method.md that no SQL file or no case shows, and rules that method.md does not know."""
    where = f"measures/{module.folder.name}"
    written = set(RULE.findall(module.method))
    in_sql = {rule for text in module.sql.values() for rule in RULE.findall(text)}
    try:
        in_cases = {rule for case in cases.read(module.folder / "cases.toml") for rule in case.rules}
    except MeasureError as error:
        return list(error.faults)
    problems = [
        ("rule-not-in-sql", written - in_sql, "stands in method.md and in no SQL file"),
        ("rule-not-in-cases", written - in_cases, "stands in method.md and in no case of cases.toml"),
        (
            "rule-not-in-method",
            (in_sql | in_cases | set(module.facts.unverified)) - written,
            "is not a rule of method.md",
        ),
    ]
    faults = [
        Fault(code=code, message=f"{where}: {rule} {sentence}", file=f"{where}/method.md", place=rule)
        for code, rules, sentence in problems
        for rule in sorted(rules, key=rule_number)
    ]
    if not written:
        faults.append(
            Fault(code="no-rules", message=f"{where}/method.md numbers no rule", remedy="Number them R1, R2, ...")
        )
    return faults


def bindings(
    module: Module, sql: str, values: dict[str, ParameterValue], *, start: object, end: object
) -> dict[str, object] | None:
    """The parameters that `sql` names, with their values in this run; DuckDB refuses more than those."""
    known: dict[str, object] = {**values, "period_start": start, "period_end": end}
    used = duckdb.extract_statements(sql)[0].named_parameters
    return {name: known[name] for name in used} or None


def _bind_faults(module: Module) -> list[Fault]:
    """Bind each file against the empty model: unknown columns, wrong columns and types returned, sums over DOUBLE."""
    faults: list[Fault] = []
    try:
        values = module.with_parameters({})
    except MeasureError as error:
        return list(error.faults)
    with tables.empty_model() as db:
        value_sets.lay_out(db, [])
        laid_out = module.laid_out()
        db.run(ATTRIBUTION)
        for stem in dict.fromkeys((*laid_out, *module.sql)):
            sql = module.sql[stem]
            given = bindings(module, sql, values, start=date(2024, 1, 1), end=date(2024, 12, 31))
            try:
                described = db.connection.execute(f"describe {sql}", given).fetchall()
                if stem in laid_out:
                    db.connection.execute(f"create or replace temp table {stem} as {sql}", given)
            except duckdb.Error as error:
                faults.append(_binder_fault(module, stem, error))
                if stem in laid_out:
                    return faults
                continue
            if stem in module.facts.learnt:
                faults += _learnt_faults(module, stem, {row[0]: row[1] for row in described})
            if stem not in module.facts.parts:
                faults += _column_faults(module, stem, {row[0]: row[1] for row in described})
            faults += _double_faults(db, module, stem, sql, given or {})
    return faults


def _binder_fault(module: Module, stem: str, error: duckdb.Error) -> Fault:
    """DuckDB's own sentence, candidates and caret line. It speaks of the SQL only: the model is empty."""
    where, said = module.place(stem), str(error).strip()
    line = re.search(r"^LINE (\d+):", said, re.MULTILINE)
    place = f"line {line[1]}" if line else None
    return Fault(code="unbound-sql", message=f"{where}{f', {place}' if place else ''}: {said}", file=where, place=place)


def _learnt_faults(module: Module, stem: str, columns: dict[str, str]) -> list[Fault]:
    """Columns of a learnt part that would not come back from where they are kept as they were."""
    where = module.place(stem)
    return [
        Fault(
            code="learnt-column",
            message=f"{where}: the column {name} of a learnt part is {kind}; "
            "use text, a whole number, a decimal, a date or a boolean",
            file=where,
            place=name,
        )
        for name, kind in columns.items()
        if kind.endswith("]") or kind.partition("(")[0] not in LEARNT_TYPES
    ]


def _column_faults(module: Module, stem: str, columns: dict[str, str]) -> list[Fault]:
    """Returned columns against the contract."""
    where = module.place(stem)
    required, optional = REQUIRED_COLUMNS[kind_of(stem)], OPTIONAL_COLUMNS[kind_of(stem)]

    def fault(code: str, message: str, column: str) -> Fault:
        return Fault(code=code, message=f"{where}: {message}", file=where, place=column)

    found = [fault("missing-column", f"it returns no column {name}", name) for name in required if name not in columns]
    for name, kind in columns.items():
        wanted = required.get(name) or optional.get(name)
        if wanted is None:
            if stem not in OWN_COLUMNS_ALLOWED:
                found.append(fault("unknown-column", f"it returns the unknown column {name}", name))
            elif name in ENGINE_COLUMNS:
                found.append(fault("engine-column", f"the column {name} is filled by the engine", name))
            elif kind in ("DOUBLE", "FLOAT"):
                found.append(fault("double-column", f"the column {name} is {kind}; use a decimal", name))
        elif not _has_kind(kind, wanted):
            found.append(fault("column-type", f"the column {name} is {kind}, not {wanted}", name))
    return found


def _has_kind(kind: str, wanted: str) -> bool:
    if kind == '"NULL"':
        return True
    if wanted == "number":
        return kind in ("DOUBLE", "FLOAT", "BOOLEAN") or bool(EXACT_NUMBER.match(kind))
    if wanted == "exact number":
        return bool(EXACT_NUMBER.match(kind))
    return kind == wanted


def _double_faults(db: Warehouse, module: Module, stem: str, sql: str, given: dict[str, object]) -> list[Fault]:
    """Sums and means over DOUBLE, read from DuckDB's bound plan, so that macros and casts are seen through."""
    text = sql
    for name, value in given.items():
        text = re.sub(rf"\${name}\b", _literal(value), text)
    row = db.connection.execute("select json_serialize_plan($sql)", {"sql": text}).fetchone()
    plan = json.loads(row[0]) if row else {"error": True}
    names = sorted(set(_double_aggregates(plan)))
    return [
        Fault(
            code="double-sum",
            message=f"{module.place(stem)}: {name} over DOUBLE may differ between runs",
            file=module.place(stem),
            remedy="Cast to decimal before adding up; a division of two numbers is a DOUBLE.",
        )
        for name in names
    ]


def _literal(value: object) -> str:
    """A bound value as a literal of its type, only for reading the types of the plan."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if hasattr(value, "isoformat"):
        return f"date '{value.isoformat()}'"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return f"({value})"


def _double_aggregates(plan: Any) -> Iterator[str]:
    for node in sql_syntax.walk(plan):
        if node.get("expression_class") in ("BOUND_AGGREGATE", "BOUND_WINDOW", "BOUND_FUNCTION"):
            name = str(node.get("name", node.get("function_name", ""))).lower()
            kinds = {
                (child.get("return_type") or {}).get("id")
                for child in node.get("children", [])
                if isinstance(child, dict)
            }
            is_double = kinds & {"DOUBLE", "FLOAT"} or (
                name.startswith("list_") and "DOUBLE" in json.dumps(node.get("children", []))
            )
            if name in ("sum", "avg", "mean", "list_sum", "list_avg", "sum_no_overflow") and is_double:
                yield name
