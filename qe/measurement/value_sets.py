"""Code lists and code maps of a module: read, checked against what is stated of them, and laid before its SQL.

value_set(name, code, system)   one row a list and code that counts; prefixes and ranges are spelt out over codes seen
code_map(name, code, category, system, effective_from, effective_to)
"""

import hashlib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import polars as pl
from pydantic import ValidationError

from qe.errors import Fault, MeasureError
from qe.measurement.facts import Closed, ListFacts, Text
from qe.measurement.measure import Module
from qe.warehouse import Warehouse

SQL = Path(__file__).parent / "sql"
LICENSED = "licensed-list"
Giver = Literal["qe", "site", "stand_in", "nobody"]  # who gave the codes of a list
LIST_HEADER = ("code", "label", "effective_from", "effective_to")
MAP_HEADER = ("code", "category", "effective_from", "effective_to")


class SharedList(Closed):
    """One entry of measures/_lists/index.toml: the facts of <name>.csv beside it."""

    system: Text
    version: Text
    source: Text
    licence: Text
    owner: Text
    rows: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class CodeList:
    """One list or map as read. Columns of `rows`: code, label (or category), effective_from, effective_to (dates).

    filled_by  who gave its codes: qe, the site (a slot), the invented codes of stand_ins(), or nobody (a slot left open)
    """

    name: str
    facts: ListFacts
    is_map: bool
    rows: pl.DataFrame
    filled_by: Giver


def stand_ins(module: Module) -> Path:
    """The folder of invented lists, one <name>.csv a slot: codes that exist nowhere, by which tests and demo run."""
    return module.folder.parent / "_stand_ins"


def read(module: Module, *, licensed: Path | None, left_open: Sequence[str] = ()) -> list[CodeList]:
    """All lists and maps of the module. All faults of all files at once.

    licensed   the site's folder of lists that qe may not ship, or None
    left_open  slots that are read as if the site had no file for them
    """
    faults: list[Fault] = []
    found: list[CodeList] = []
    uses_index = any(facts.shared for facts in (*module.facts.lists.values(), *module.facts.maps.values()))
    index = shared_lists(module.folder.parent / "_lists") if uses_index else {}
    for is_map, listed in ((False, module.facts.lists), (True, module.facts.maps)):
        for name, facts in listed.items():
            path = _place(module, name, facts, None if name in left_open else licensed)
            where = f"measures/{module.folder.name}: list {name}"
            header = MAP_HEADER if is_map else LIST_HEADER
            if path is None or not path.is_file():
                if facts.is_slot and facts.without == "partial":
                    found.append(
                        CodeList(name=name, facts=facts, is_map=is_map, rows=_none(header), filled_by="nobody")
                    )
                else:
                    faults.append(_missing(where, name, facts, is_map))
                continue
            rows, file_faults = _read_file(path, where, facts=_with_index(facts, index), header=header)
            faults += file_faults
            giver = _giver(module, name, facts, path)
            found.append(CodeList(name=name, facts=facts, is_map=is_map, rows=rows, filled_by=giver))
    if faults:
        raise MeasureError.of(faults)
    return found


def licensed_sha256(module: Module, *, licensed: Path | None) -> dict[str, str]:
    """sha256 of each file that the site gives for a slot of the module, by the list's name: part of what a run is made of."""
    found = {}
    for name, facts in (*module.facts.lists.items(), *module.facts.maps.items()):
        path = _place(module, name, facts, licensed) if facts.is_slot else None
        if path is not None and path.is_file():
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return dict(sorted(found.items()))


def slots(module: Module, *, licensed: Path | None) -> dict[str, Giver]:
    """Who fills each licensed list of the module, by its name; its rows are not read."""
    found: dict[str, Giver] = {}
    for name, facts in (*module.facts.lists.items(), *module.facts.maps.items()):
        if facts.is_slot:
            path = _place(module, name, facts, licensed)
            found[name] = _giver(module, name, facts, path) if path is not None and path.is_file() else "nobody"
    return found


def lay_out(db: Warehouse, lists: Sequence[CodeList]) -> None:
    """Create the temporary tables value_set and code_map. Prefix lists match the codes that the model holds."""
    lists_frame = _stacked(lists, is_map=False)
    db.run(SQL / "listed_code.sql")
    db.insert("listed_code", lists_frame)
    db.run(SQL / "value_set.sql")
    if not lists_frame.filter(pl.col("match") != "exact").is_empty():
        db.run(SQL / "value_set_prefix.sql")
    db.run(SQL / "code_map.sql")
    db.insert("code_map", _stacked(lists, is_map=True))


def clear(db: Warehouse) -> None:
    """Drop what `lay_out` made."""
    for table in ("value_set", "listed_code", "code_map"):
        db.execute(f"drop table if exists temp.{table}")


def _stacked(lists: Sequence[CodeList], *, is_map: bool) -> pl.DataFrame:
    """The rows of all lists, or of all maps, with their names."""
    last = ["category"] if is_map else ["match"]
    schema = {
        "name": pl.String,
        "code": pl.String,
        "system": pl.String,
        "effective_from": pl.Date,
        "effective_to": pl.Date,
    }
    frames = [pl.DataFrame(schema=schema | {last[0]: pl.String})]
    for code_list in lists:
        if code_list.is_map == is_map:
            named = code_list.rows.with_columns(
                name=pl.lit(code_list.name), system=pl.lit(code_list.facts.system), match=pl.lit(code_list.facts.match)
            )
            frames.append(named.select([*schema, *last]))
    return pl.concat(frames)


def _place(module: Module, name: str, facts: ListFacts, licensed: Path | None) -> Path | None:
    if facts.file:
        return module.folder / facts.file
    if facts.shared:
        return module.folder.parent / "_lists" / f"{facts.shared}.csv"
    return licensed / f"{name}.csv" if licensed else None


def _giver(module: Module, name: str, facts: ListFacts, path: Path) -> Giver:
    """Who gave the codes of a file that is there. A stand-in is known by its bytes, wherever it was put."""
    invented = stand_ins(module) / f"{name}.csv"
    if not facts.is_slot:
        return "qe"
    return "stand_in" if invented.is_file() and invented.read_bytes() == path.read_bytes() else "site"


def _none(header: tuple[str, ...]) -> pl.DataFrame:
    days = ("effective_from", "effective_to")
    return pl.DataFrame(schema={name: pl.Date() if name in days else pl.String() for name in header})


def open_slot(name: str, facts: ListFacts, *, is_map: bool = False) -> str:
    """Who licenses the list of an unfilled slot and where its file goes, in one clause."""
    header = ",".join(MAP_HEADER if is_map else LIST_HEADER)
    return (
        f"{name} is licensed by {facts.owner} ({facts.licence}) and does not ship with qe: place your {name}.csv ({header})"
        " in the folder that [measures] lists of qe.toml or --lists names"
    )


def _missing(where: str, name: str, facts: ListFacts, is_map: bool) -> Fault:
    if not facts.is_slot:
        return Fault(
            code="missing-list",
            message=f"{where}: its file is missing",
            file=facts.file or f"_lists/{facts.shared}.csv",
        )
    folder = where.removesuffix(f": list {name}")
    return Fault(code=LICENSED, message=f"{folder}: list {open_slot(name, facts, is_map=is_map)}", place=name)


def _with_index(facts: ListFacts, index: dict[str, SharedList]) -> ListFacts:
    """The facts, with rows and sha256 of a shared list taken from _lists/index.toml."""
    if not facts.shared:
        return facts
    entry = index.get(facts.shared)
    if entry is None:
        raise MeasureError(f'measures/_lists/index.toml has no entry "{facts.shared}"')
    return facts.model_copy(update={"rows": entry.rows, "sha256": entry.sha256})


def shared_lists(folder: Path) -> dict[str, SharedList]:
    """The entries of index.toml in the folder of shared lists."""
    try:
        return _entries((folder / "index.toml").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MeasureError("measures/_lists/index.toml is missing") from None
    except tomllib.TOMLDecodeError as error:
        raise MeasureError(f"measures/_lists/index.toml is not TOML: {error}") from None
    except ValidationError as error:
        places = ", ".join(".".join(str(part) for part in detail["loc"]) for detail in error.errors())
        raise MeasureError(f"measures/_lists/index.toml: these keys are unknown, missing or wrong: {places}") from None


@lru_cache(maxsize=2)
def _entries(index: str) -> dict[str, SharedList]:
    return {name: SharedList.model_validate(entry) for name, entry in tomllib.loads(index).items()}


@dataclass(frozen=True, kw_only=True)
class _Stated:
    """What measure.toml, or the index of shared lists, says of a file of codes."""

    where: str
    file: str
    header: tuple[str, ...]
    system: str
    match: str
    is_slot: bool
    rows: int | None
    sha256: str | None


def _read_file(
    path: Path, where: str, *, facts: ListFacts, header: tuple[str, ...]
) -> tuple[pl.DataFrame, list[Fault]]:
    """The rows of one CSV and everything wrong with it."""
    stated = _Stated(
        where=where,
        file=path.name,
        header=header,
        system=facts.system,
        match=facts.match,
        is_slot=facts.is_slot,
        rows=facts.rows,
        sha256=facts.sha256,
    )
    rows, faults = _examined(path.read_bytes(), stated)
    return rows, list(faults)


@lru_cache(maxsize=512)
def _examined(content: bytes, stated: _Stated) -> tuple[pl.DataFrame, tuple[Fault, ...]]:
    """The rows of one CSV and everything wrong with it; a run asks several times for the same bytes."""
    header = stated.header
    empty = pl.DataFrame(schema=dict.fromkeys(header, pl.String))

    def fault(code: str, message: str, count: int = 1, remedy: str = "") -> Fault:
        return Fault(code=code, message=f"{stated.where}: {message}", file=stated.file, count=count, remedy=remedy)

    try:
        rows = pl.read_csv(content, infer_schema=False)
    except pl.exceptions.PolarsError:
        return empty, (fault("bad-list", "cannot be read as CSV"),)
    if tuple(rows.columns) != header:
        return empty, (fault("bad-header", f"the header must be {','.join(header)}"),)
    faults = []
    if stated.is_slot and rows.is_empty():
        faults.append(fault("empty-list", "the file holds no code"))
    code = pl.col("code")
    written = rows.filter(code.is_null() | (code != code.str.strip_chars().str.to_uppercase()))
    if written.height:
        faults.append(fault("bad-code", f"{written.height} codes are blank, padded or not upper case", written.height))
    if stated.system.upper().startswith("ICD"):
        dotted = rows.filter(code.str.contains(".", literal=True))
        if dotted.height:
            faults.append(
                fault(
                    "dotted-code", f"{dotted.height} codes hold a dot", dotted.height, "Write ICD codes without dots."
                )
            )
    key = ["code", "effective_from"] if "label" in header else ["code", "category", "effective_from"]
    twice = rows.height - rows.unique(key).height
    if twice:
        faults.append(fault("duplicate-code", f"{twice} rows repeat another", twice))
    if stated.match == "range_prefix" and rows.filter(~code.str.contains(r"^([A-Z0-9]+)(-[A-Z0-9]+)?$")).height:
        faults.append(fault("bad-range", "a range is written LOW-HIGH with bounds of one length"))
    if stated.rows is not None and rows.height != stated.rows:
        last = f"{stated.file}, line {rows.height + 1}, is its last"
        faults.append(fault("row-count", f"it holds {rows.height} rows and {stated.rows} are stated ({last})"))
    if stated.sha256 is not None and hashlib.sha256(content).hexdigest() != stated.sha256:
        faults.append(
            fault(
                "sha256",
                "its sha256 is not the stated one",
                remedy="State the new sha256 and raise the module's version.",
            )
        )
    dates = [
        pl.col(name).str.to_date("%Y-%m-%d", strict=False).alias(name) for name in ("effective_from", "effective_to")
    ]
    typed = rows.with_columns(dates)
    unread = sum(typed[name].null_count() - rows[name].null_count() for name in ("effective_from", "effective_to"))
    if unread:
        faults.append(fault("bad-date", f"{unread} effective dates are not ISO dates", unread))
    return typed, tuple(faults)
