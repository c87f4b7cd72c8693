"""A measure as text: each rule with its wording, its SQL and its cases; and the tables that SQL may read."""

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb

from qe.claims import model
from qe.measurement import cases, tables
from qe.measurement.check import RULE
from qe.measurement.events import rule_number
from qe.measurement.measure import Module

ENGINE_VIEWS = {
    "value_set": "name varchar, code varchar, system varchar",
    "code_map": "name varchar, code varchar, category varchar, system varchar, effective_from date, effective_to date",
    "population": "the columns that population.sql returns (in the other files of the module)",
    "attribution": "person_id, event_id, level, unit_id, step, ...: the module's own method (not in population.sql and claims.sql)",
}


def show(module: Module) -> str:
    """The module for a reader: its facts, then each rule as specification, SQL and cases, then the SQL whole."""
    facts = module.facts
    head = [
        f"{facts.name} ({module.id} {module.version}, {module.standing()})",
        f"  {facts.why_it_matters}",
        f"  kind {facts.kind} of {facts.unit}; {facts.direction} is better; {', '.join(facts.classes)}",
        f"  steward: {facts.steward}",
        f"  attribution {facts.attribution.method} at {', '.join(facts.attribution.levels)}; licence {facts.licence}",
    ]
    deviations = module.standing_deviations()
    if deviations:
        head.append(f"  deviations: {', '.join(deviations)}")
    for name, parameter in facts.parameters.items():
        head.append(f"  parameter {name} = {parameter.default}: {parameter.meaning}")
    files = [f"-- {module.place(stem)}\n{sql.rstrip()}" for stem, sql in module.sql.items()]
    return "\n\n".join(["\n".join(head), *_rules(module), *files]) + "\n"


def _rules(module: Module) -> Iterator[str]:
    """Each rule of method.md with its sentences, its SQL lines and its cases."""
    shown = cases.read(module.folder / "cases.toml")
    for rule in sorted(set(RULE.findall(module.method)), key=rule_number):
        whole = re.compile(rf"\b{rule}\b")
        lines = [f"{rule}"]
        lines += [f"  spec  {item}" for item in _items(module.method) if whole.search(item)]
        for stem, sql in module.sql.items():
            places = [number for number, line in enumerate(sql.splitlines(), start=1) if whole.search(line)]
            lines += [
                f"  sql   {module.files[stem].name}:{number}  {sql.splitlines()[number - 1].strip()}"
                for number in places
            ]
        lines += [f"  case  {case.id}: {case.title}" for case in shown if rule in case.rules]
        yield "\n".join(lines)


def _items(method: str) -> Iterator[str]:
    """The paragraphs and list items of method.md, each on one line without marks of emphasis."""
    item: list[str] = []
    for line in [*method.splitlines(), ""]:
        starts_anew = not line.strip() or re.match(r"\s*([-*|#]|\d+\.|\*\*R\d)", line)
        if starts_anew and item:
            yield " ".join(item).replace("**", "").strip(" *-|#")
            item = []
        if line.strip():
            item.append(line.strip())


def tables_text() -> str:
    """All tables, views and macros that measure SQL may read, with their columns and types."""
    parts = []
    with tables.empty_model() as db:
        for name in (*model.BASE_TABLES, *model.EVENT_TABLES, *model.VIEWS):
            columns = db.connection.execute(f'describe "{name}"').fetchall()
            parts.append("\n".join([name, *(f"  {column[0]:<24} {column[1].lower()}" for column in columns)]))
        parts += [f"{name}\n  {columns}" for name, columns in ENGINE_VIEWS.items()]
        parts.append("macros\n" + "\n".join(f"  {macro}" for macro in _macros(db.connection)))
    return "\n\n".join(parts) + "\n"


def _macros(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """name(parameters) of the shared SQL vocabulary."""
    names = [path.stem for path in sorted((Path(model.__file__).parent / "macros").glob("*.sql"))]
    rows = connection.execute(
        "select function_name, parameters from duckdb_functions()"
        " where function_type = 'macro' and list_contains($names, function_name) order by function_name",
        {"names": names},
    ).fetchall()
    return [f"{name}({', '.join(parameters)})" for name, parameters in rows]
