"""Version discipline: what decides a measure may change only together with its version.

Beside the modules of a catalogue stands `_versions/<module>.toml`: for each version that was recorded, every file that
decides a figure with the first digits of its sha256. What counts, and how it is read before the digest is taken:

  measure.toml   the facts that decide: kind, unit, direction, ids, window, attribution, model with cohort and covariates,
                 least denominator and reliability, shared files and parts, parameters, which list is matched how. Not
                 names, reasons, sources, reviews, nor what the standing rests on (basis, deviations, unverified rules):
                 the standing is computed for each run, and a rule that is ticked is the same rule
  method.md      the paragraphs, list items and table rows that name a rule; blanks and line breaks do not count
  SQL            of the folder, shared and parts; blanks and comments do not count
  lists, maps    every byte of each file that ships with the module; a licensed file is the site's, and part of its run

Cases show what is decided and decide nothing, and which parts are learnt changes no figure of a run. Attribution methods, event
tables and macros belong to the software, whose version every run records.
"""

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from qe.errors import Fault, MeasureError
from qe.measurement.measure import Module, text
from qe.runs import canonical_json, write_aside

FOLDER: Final = "_versions"
DIGITS: Final = 16  # of the sha256, in hex
LIST_FACTS: Final = {"__all__": {"file", "shared", "system", "match", "without"}}
DECIDING_FACTS: Final[dict[str, Any]] = {
    **dict.fromkeys(("direction", "kind", "unit", "window", "attribution", "shared", "parts"), True),
    "measures": {"__all__": {"id", "per", "quotient"}},
    "scoring": {"model", "cohort", "covariates", "interval"},
    "publish": {"min_denominator", "min_reliability"},
    "parameters": {"__all__": {"type", "default", "choices", "deviation"}},
    "lists": LIST_FACTS,
    "maps": LIST_FACTS,
}
NOT_SQL: Final = re.compile(r"""('(?:[^']|'')*'|"(?:[^"]|"")*")|--[^\n]*|/\*.*?\*/|\s+""", re.S)
NEW_ITEM: Final = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*|]|\d+\.)\s)")
RULE: Final = re.compile(r"\bR\d+\b")
REMEDY: Final = (
    "Raise version in measure.toml of {module} and record it (qe measures check --record), or take the change back."
)
HEAD: Final = "# Written by `qe measures check --record`: what decided each version of {module}. See qe/measurement/versions.py.\n"


def deciding(module: Module) -> dict[str, str]:
    """Each file that decides a figure of the module, by its name in messages, with the first digits of its digest."""
    facts = module.facts
    own = f"measures/{module.folder.name}"
    found = {
        f"{own}/measure.toml": canonical_json(_facts(module)).encode(),
        f"{own}/method.md": "\n".join(_rules(module.method)).encode(),
        **{module.place(stem): _sql(sql).encode() for stem, sql in module.sql.items()},
    }
    for listed in (*facts.lists.values(), *facts.maps.values()):
        if listed.file:
            found[f"{own}/{listed.file}"] = _bytes(module.folder / listed.file)
        elif listed.shared:
            shared = f"_lists/{listed.shared}.csv"
            found[f"measures/{shared}"] = _bytes(module.folder.parent / shared)
    return {name: hashlib.sha256(content).hexdigest()[:DIGITS] for name, content in sorted(found.items())}


def _facts(module: Module) -> dict[str, Any]:
    """The facts of measure.toml that decide; a measure that is no quotient says nothing of one."""
    facts: dict[str, Any] = module.facts.model_dump(mode="json", include=DECIDING_FACTS)
    for measure in facts["measures"]:
        if measure["quotient"] is None:
            del measure["quotient"]
    return facts


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _sql(sql: str) -> str:
    """The statement without comments and with one blank for many; what stands in quotes stays as it is."""
    return NOT_SQL.sub(lambda found: found.group(1) or " ", sql).strip()


def _rules(method: str) -> Iterator[str]:
    """The paragraphs, list items and table rows of method.md that name a rule, each on one line."""
    for item in NEW_ITEM.split(method):
        if RULE.search(item):
            yield " ".join(item.split())


def faults(module: Module) -> list[Fault]:
    """A fault for each file that is not what it was when this version was recorded; none for a version that is not recorded."""
    recorded = record_of(module).get(module.version)
    if recorded is None:
        return []
    now = deciding(module)
    return [
        Fault(
            code="version",
            message=f"{name}: {_said(name, recorded, now)} since version {module.version} of {module.id} was recorded",
            file=name,
            place=f"{module.id} {module.version}",
            remedy=REMEDY.format(module=module.id),
        )
        for name in sorted({*recorded, *now})
        if recorded.get(name) != now.get(name)
    ]


def _said(name: str, recorded: Mapping[str, str], now: Mapping[str, str]) -> str:
    if name not in recorded:
        return "it has come to the measure"
    return "it has changed" if name in now else "it is no longer part of the measure"


def is_recorded(module: Module) -> bool:
    return module.version in record_of(module)


def record_of(module: Module) -> dict[str, dict[str, str]]:
    """What was recorded: version -> file -> digest; empty where nothing was."""
    path = place_of(module)
    if not path.is_file():
        return {}
    try:
        found = tomllib.loads(text(path))
    except tomllib.TOMLDecodeError as error:
        raise MeasureError(f"measures/{FOLDER}/{path.name} is not TOML: {error}") from None
    return {version: dict(files) for version, files in found.items()}


def place_of(module: Module) -> Path:
    """Where the versions of the module are recorded: beside its folder, which holds what a run is made of."""
    return module.folder.parent / FOLDER / f"{module.id}.toml"


def record(module: Module) -> Path | None:
    """Add the module's version to its record; None when it stands there already. What stands there is never changed."""
    known = record_of(module)
    if module.version in known:
        return None
    path = place_of(module)
    tables = [
        "\n".join([f'["{version}"]', *(f'"{name}" = "{digest}"' for name, digest in files.items())])
        for version, files in (known | {module.version: deciding(module)}).items()
    ]
    write_aside(path, (HEAD.format(module=module.id) + "\n" + "\n\n".join(tables) + "\n").encode())
    return path
