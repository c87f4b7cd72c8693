"""One HTML page of a measure: specification, SQL and worked cases side by side, each rule number leading to the other two.

The page fetches nothing and runs no script. It shows definitions only: the people of the cases are invented.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from qe.measurement import cases
from qe.measurement.cases import Case, CaseFile
from qe.measurement.check import RULE
from qe.measurement.events import rule_number
from qe.measurement.facts import ListFacts
from qe.measurement.measure import Module, text
from qe.reports import markdown, model_words, pages, wording
from qe.reports.markdown import Block

RULE_OR_REST: Final = re.compile(r"(\bR\d+\b)")
CASE_SETTINGS: Final = ("period", "parameters", "attribution", "open_slots", "alone")
Link = tuple[str, str]  # text, address on this page
Facts = tuple[tuple[str, str], ...]  # name, value


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A run of text in one style ("plain", "strong", "code", "comment"). href: the rule it names, or ""."""

    text: str
    style: str = "plain"
    href: str = ""


Cell = tuple[Piece, ...]


@dataclass(frozen=True, kw_only=True)
class Shown:
    """Where one rule is shown: its lines of SQL, file by file, and its cases."""

    rule: str
    sql: tuple[tuple[str, tuple[Link, ...]], ...]
    cases: tuple[Link, ...]


@dataclass(frozen=True, kw_only=True)
class Item:
    """A paragraph, list item or table row of the specification, and the rules that have their place there."""

    cells: tuple[Cell, ...]
    rules: tuple[Shown, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Part:
    """A block of the specification. kind: heading, paragraph, list or table (its first row is the head)."""

    kind: str
    level: int
    items: tuple[Item, ...]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of SQL. rules: those to which the file comes here first, with their number of cases in words."""

    number: int
    anchor: str
    pieces: Cell
    rules: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class SqlText:
    """One SQL file. shared: whether sister modules have it in common."""

    place: str
    shared: bool
    lines: tuple[Line, ...]


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows of one table as the case writes them: a row is named values."""

    table: str
    rows: tuple[Facts, ...]


@dataclass(frozen=True, kw_only=True)
class CaseText:
    """One worked case: what is given and what must come out."""

    anchor: str
    id: str
    title: str
    rules: Cell
    why: str
    setting: Facts
    given: tuple[Rows, ...]
    expected: tuple[Rows, ...]


@dataclass(frozen=True, kw_only=True)
class MeasurePage:
    """All that the page shows. common: what every case has unless it says otherwise."""

    title: str
    name: str
    standing: str
    why_it_matters: str
    measures: Facts
    facts: Facts
    departures: tuple[str, ...]
    unverified: Facts
    parameters: Facts
    lists: tuple[tuple[str, ...], ...]
    specification: tuple[Part, ...]
    sql: tuple[SqlText, ...]
    remarks: str
    common: tuple[Rows, ...]
    by_rule: tuple[tuple[str, tuple[Link, ...]], ...]
    cases: tuple[CaseText, ...]


def measure_page(module: Module) -> str:
    """The page as HTML: the same module gives the same bytes."""
    return pages.html("measure/page.html", page=view(module))


def view(module: Module) -> MeasurePage:
    """What the page of `module` shows."""
    facts = module.facts
    path = module.folder / "cases.toml"
    file, worked = cases.written(path), cases.read(path)
    finder = _Finder.of(module, worked)
    return MeasurePage(
        title=f"{facts.name} ({module.id} {module.version})",
        name=facts.name,
        standing=module.standing(),
        why_it_matters=facts.why_it_matters,
        measures=tuple((measure.id, measure.name) for measure in facts.measures),
        facts=_facts(module),
        departures=wording.departures(module.standing_deviations()),
        unverified=tuple(facts.unverified.items()),
        parameters=tuple((f"{name} = {one.default}", one.meaning) for name, one in facts.parameters.items()),
        lists=tuple(_list(name, one) for name, one in (facts.lists | facts.maps).items()),
        specification=_specification(module.method, finder),
        sql=tuple(_sql(module, stem, finder) for stem in module.sql),
        remarks=_remarks(text(path)),
        common=tuple(_common(file)),
        by_rule=tuple((rule, finder.cases[rule]) for rule in finder.rules),
        cases=tuple(
            _case(number, one, row, finder) for number, (one, row) in enumerate(zip(worked, file.case, strict=True))
        ),
    )


@dataclass(frozen=True, kw_only=True)
class _Finder:
    """Where each rule is shown. rules: those of method.md in order; sql, cases: by rule."""

    rules: tuple[str, ...]
    sql: Mapping[str, tuple[tuple[str, tuple[Link, ...]], ...]]
    cases: Mapping[str, tuple[Link, ...]]

    @classmethod
    def of(cls, module: Module, worked: Sequence[Case]) -> "_Finder":
        rules = tuple(sorted(set(RULE.findall(module.method)), key=rule_number))
        shown = {
            rule: tuple((one.id, f"#case-{number}") for number, one in enumerate(worked) if rule in one.rules)
            for rule in rules
        }
        return cls(rules=rules, sql={rule: tuple(_lines_of(rule, module)) for rule in rules}, cases=shown)


def _lines_of(rule: str, module: Module) -> Iterator[tuple[str, tuple[Link, ...]]]:
    """(file, its lines) of each SQL file that names the rule."""
    whole = re.compile(rf"\b{rule}\b")
    for stem, sql in module.sql.items():
        lines = [number for number, line in enumerate(sql.splitlines(), start=1) if whole.search(line)]
        if lines:
            yield module.files[stem].name, tuple((str(number), f"#{_anchor(stem, number)}") for number in lines)


def _anchor(stem: str, line: int) -> str:
    return f"{stem.replace(':', '-')}-{line}"


def _pieces(told: str, style: str, finder: _Finder) -> Iterator[Piece]:
    """The text with its rule numbers as links to their place in the specification."""
    for part in RULE_OR_REST.split(told):
        if part:
            yield Piece(text=part, style=style, href=f"#{part}" if part in finder.rules else "")


def _specification(method: str, finder: _Finder) -> tuple[Part, ...]:
    blocks = markdown.blocks(method)
    homes = _homes(blocks)
    parts = []
    for number, block in enumerate(blocks):
        items = []
        for place, row in enumerate(block.rows):
            here = (rule for rule in finder.rules if homes.get(rule) == (number, place))
            items.append(
                Item(
                    cells=tuple(
                        tuple(piece for span in cell for piece in _pieces(span.text, span.style, finder))
                        for cell in row
                    ),
                    rules=tuple(Shown(rule=rule, sql=finder.sql[rule], cases=finder.cases[rule]) for rule in here),
                )
            )
        parts.append(Part(kind=block.kind, level=block.level, items=tuple(items)))
    return tuple(parts)


def _homes(blocks: Sequence[Block]) -> dict[str, tuple[int, int]]:
    """The block and row where each rule has its place: the one that begins with it, else the first that names it."""
    rows = [((number, place), row) for number, block in enumerate(blocks) for place, row in enumerate(block.rows)]
    homes: dict[str, tuple[int, int]] = {}
    for place, row in rows:
        first = row[0][0].text.strip() if row and row[0] else ""
        if RULE.fullmatch(first):
            homes.setdefault(first, place)
    for place, row in rows:
        for rule in RULE.findall(" ".join(span.text for cell in row for span in cell)):
            homes.setdefault(rule, place)
    return homes


def _sql(module: Module, stem: str, finder: _Finder) -> SqlText:
    texts = module.sql[stem].splitlines()
    head = next((number for number, line in enumerate(texts) if not line.startswith("--")), 0)
    first: dict[str, int] = {}
    for number in (*range(head, len(texts)), *range(head)):  # the head of the file only sums up what stands below
        for rule in RULE.findall(texts[number]):
            first.setdefault(rule, number)
    lines = []
    for number, line in enumerate(texts):
        code, dashes, comment = _split(line)
        here = [rule for rule, place in first.items() if place == number and finder.cases.get(rule)]
        lines.append(
            Line(
                number=number + 1,
                anchor=_anchor(stem, number + 1),
                pieces=(*_pieces(code, "plain", finder), *_pieces(dashes + comment, "comment", finder)),
                rules=tuple((rule, wording.counted(len(finder.cases[rule]), "case", "cases")) for rule in here),
            )
        )
    return SqlText(place=module.place(stem), shared=module.files[stem].parent != module.folder, lines=tuple(lines))


def _split(line: str) -> tuple[str, str, str]:
    """A line of SQL as code, dashes and comment: dashes inside quotes are code."""
    place = next((one.start() for one in re.finditer("--", line) if line[: one.start()].count("'") % 2 == 0), len(line))
    return line[:place], line[place : place + 2], line[place + 2 :]


def _facts(module: Module) -> Facts:
    facts = module.facts
    window, scoring = facts.window, facts.scoring
    period = "the last full calendar year" if window.calendar_year else f"{window.months} months"
    adjusted = (
        f"{scoring.model}: {', '.join(scoring.covariates)}" if scoring.model != "none" else scoring.reason_if_none
    )
    return (
        ("What is counted", f"{facts.kind} of {facts.unit}; {facts.direction} is better; {', '.join(facts.classes)}"),
        ("Reported about", ", ".join(facts.attribution.levels)),
        ("Attribution", f"{facts.attribution.method}, {facts.attribution.timing}"),
        ("Period", f"{period}; {window.look_back_months} months before it, {window.run_out_days} days after it"),
        ("Risk adjustment", model_words.risk_adjustment(adjusted)),
        ("Shown from", f"a denominator of {facts.publish.min_denominator}. {facts.publish.basis}"),
        ("Steward", facts.steward),
        ("Specification", facts.specification),
        ("Licence", facts.licence),
        ("Next review", wording.day(facts.upkeep.next_review)),
    )


def _list(name: str, listed: ListFacts) -> tuple[str, ...]:
    where = "licensed: the site places it" if listed.is_slot else "shared" if listed.shared else "of this folder"
    return name, listed.system, listed.match, where, listed.version, listed.owner


def _remarks(written: str) -> str:
    """The comment with which cases.toml begins, without its marks."""
    lines = []
    for line in written.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# "))
    return " ".join(lines)


def _common(file: CaseFile) -> Iterator[Rows]:
    """What every case has unless it says otherwise: period, defaults, templates, rows."""
    if file.period:
        yield Rows(table="period", rows=(_values({"start": file.period.start, "end": file.period.end}),))
    for table, values in file.defaults.items():
        yield Rows(table=f"{table}, unless a row says otherwise", rows=(_values(values),))
    for name, values in file.templates.items():
        yield Rows(table=f"like = {name}", rows=(_values(values),))
    yield from _rows(file.given)


def _case(number: int, case: Case, written: Mapping[str, Any], finder: _Finder) -> CaseText:
    settings = {name: written[name] for name in CASE_SETTINGS if name in written}
    expected = {
        "events": [_expectation(row) for row in written.get("expect", [])],
        "totals": written.get("totals", []),
        "not considered": [{"id": name} for name in case.not_considered],
    }
    return CaseText(
        anchor=f"case-{number}",
        id=case.id,
        title=case.title,
        rules=tuple(Piece(text=rule, href=f"#{rule}" if rule in finder.rules else "") for rule in case.rules),
        why=case.why,
        setting=_values(settings),
        given=tuple(_rows(written.get("given", {}))),
        expected=tuple(_rows(expected)),
    )


def _expectation(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row without what is nested in it: factors and attributed units stand under their own names."""
    flat = {name: value for name, value in row.items() if name not in ("factors", "attributed")}
    return (
        flat
        | {f"factor {name}": value for name, value in row.get("factors", {}).items()}
        | {f"attributed {level}": unit or "nobody" for level, unit in row.get("attributed", {}).items()}
    )


def _rows(given: Mapping[str, Iterable[Mapping[str, Any]]]) -> Iterator[Rows]:
    for table, rows in given.items():
        found = tuple(_values(row) for row in rows)
        if found:
            yield Rows(table=table, rows=found)


def _values(row: Mapping[str, Any]) -> Facts:
    return tuple((name, _value(value)) for name, value in row.items())


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case "":
            return "(nothing)"
        case list() | tuple():
            return ", ".join(_value(one) for one in value) or "none"
        case Mapping():
            return "{" + ", ".join(f"{name} {_value(one)}" for name, one in value.items()) + "}"
        case _:
            return str(value)
