"""A measure folder as one loaded `Module`.

A folder `measures/<id>/` is a module and publishes one or more measures:

  measure.toml     the facts (schema: qe/measurement/facts.py); unknown and missing keys are errors, told all at once
  population.sql   one row an event considered: event_id, person_id, index_date, rule_ids
                   [, measure_id, facility_id, cohort, exposure, payer_type, claim_ids, columns of the module's own]
  exclusions.sql   one row an event and rule: event_id, rule_id, claim_ids [, measure_id]; all reasons, not the first
  numerator.sql    at most one row an event (and measure): event_id, value decimal(18,6), rule_ids, claim_ids
                   [, measure_id, amount decimal(14,2), exposure where it is an outcome itself and not the population's,
                   columns of the module's own such as days_covered]
                   of a proportion the value is 0 or 1; in_numerator is value > 0 inside the denominator; no row is 0
  covariates.sql   optional, one row an event and factor: event_id, factor, value. The families age, sex, payer_line and
                   cohort are filled by the engine when [scoring] names them and this file does not; the others come
                   from here or from qe/claims/risk/<family>.sql
  claims.sql       optional, one row a claim or fill that an event's value rests on: event_id, event_kind ("claim", "fill"),
                   claim_id, amount (what it adds to the event's amount, or NULL) [, measure_id, part: the kind of care it
                   is counted under]. Read by `qe explain` alone. Without it these are the driving claims; needed where fills count,
                   or where dollars are added up
  value_sets/      CSV: code, label (of a map: category), effective_from, effective_to
  cases.toml       worked cases (schema: qe/measurement/cases.py)
  method.md        numbered rules R1..Rn; each number stands in the SQL and in a case

Files that sister modules have in common stand in measures/_shared; [shared] of measure.toml says which stand for the
module's own. Exclusions may come from several files, each with reasons of its own; the folder's own exclusions.sql may
stand beside them. `parts` names files there that are laid out as temporary tables for all of these to read: what several
modules decide alike (whether a stay is planned), in words; each module gives it its own rule number. A part that stands in
the module's own folder is its own: what a shared part must know of it, or what two of its files read. Of `learnt` parts the
rows are kept with the run: what is taken from everybody (reference prices, a cap at a percentile) stands in one.

All ids are text; rule_ids and claim_ids are lists of text in a stated order. The files may read the base and event
tables, `unit`, value_set(name, code, system), code_map(name, code, category, system, effective_from, effective_to) and
(all but population.sql) `population`: the rows of population.sql. exclusions.sql, numerator.sql and covariates.sql may
read `attribution` too: who is responsible by the module's own method (columns: qe/measurement/attribute.py, SCHEMA).
Bound parameters: $period_start, $period_end and the keys of [parameters].
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from qe import closed_toml
from qe.closed_toml import suggestion
from qe.errors import Fault, MeasureError
from qe.measurement import syntax
from qe.measurement.facts import Measure, ParameterValue, Scoring, SqlFile

SQL_FILES: tuple[SqlFile, ...] = get_args(SqlFile)
REQUIRED_SQL: tuple[SqlFile, ...] = ("population", "exclusions", "numerator")
REQUIRED_FILES = ("cases.toml", "method.md")


@dataclass(frozen=True, kw_only=True)
class Module:
    """One loaded measure folder.

    folder   where it stands
    facts    its measure.toml
    sha256   of all its files and of the shared SQL and lists it names: names the exact definition in a run's manifest
    files    where each SQL file stands, by what it is: the parts by their names, then population, exclusions, numerator,
             (optional) covariates, claims; a shared file of exclusions is "exclusions:<stem>"
    sql      their texts
    method   text of method.md
    """

    folder: Path
    facts: Measure
    sha256: str
    files: Mapping[str, Path]
    sql: dict[str, str]
    method: str

    @property
    def id(self) -> str:
        return self.facts.id

    @property
    def version(self) -> str:
        return self.facts.version

    @property
    def measure_ids(self) -> tuple[str, ...]:
        return tuple(measure.id for measure in self.facts.measures)

    @property
    def scoring(self) -> Scoring:
        return self.facts.scoring

    def laid_out(self) -> list[str]:
        """What is laid out as a temporary table before the other files run: parts and population, in this order."""
        after = ["population"]
        for part in self.facts.parts:
            if any(syntax.reads(self.sql[part], table) for table in after):
                after.append(part)
        return [*(part for part in self.facts.parts if part not in after), *after]

    def reads_attribution(self) -> bool:
        """Whether a file of the module reads `attribution`: a rule of its own rests on who is responsible."""
        return any(syntax.reads(sql, "attribution") for sql in self.sql.values())

    def place(self, stem: str) -> str:
        """A SQL file as messages name it: "measures/hwr/population.sql"."""
        path = self.files.get(stem, self.folder / f"{stem}.sql")
        return f"measures/{path.parent.name}/{path.name}"

    def standing_deviations(self) -> tuple[str, ...]:
        """What departs from the specification in every run: stated deviations, rules not ticked, another level."""
        standard = self.facts.standard
        found = list(standard.deviations)
        found += [f"unverified:{rule}" for rule in self.facts.unverified]
        if standard.basis != "none" and any(level != standard.level for level in self.facts.attribution.levels):
            found.append("level")
        if standard.basis == "iv" and not standard.currently_used_in:
            found.append("not_currently_used")
        return tuple(dict.fromkeys(found))

    def chosen_deviations(self, values: Mapping[str, ParameterValue]) -> list[str]:
        """The parameters that `values` sets otherwise than the specification: "cancer_rule=all"."""
        return [f"{name}={values[name]}" for name, one in self.facts.parameters.items() if one.departs(values[name])]

    def standing(self, deviations: tuple[str, ...] = ()) -> Literal["standard", "alternative"]:
        """Standard only with a basis of 42 CFR 401.715(a)(1) and used as written: any deviation forces alternative."""
        departs = self.facts.standard.basis == "none" or self.standing_deviations() or deviations
        return "alternative" if departs else "standard"

    def with_parameters(self, given: dict[str, object]) -> dict[str, ParameterValue]:
        """Every parameter of the module with its value in this run. Unknown names are errors, all at once."""
        known = self.facts.parameters
        faults = [
            Fault(
                code="unknown-parameter",
                message=f'{self.id}: unknown parameter "{name}"{suggestion(name, list(known))}',
            )
            for name in given
            if name not in known
        ]
        if faults:
            raise MeasureError.of(faults)
        return {
            name: parameter.parse(given.get(name, parameter.default), name=f"parameter {self.id}.{name}")
            for name, parameter in known.items()
        }


def load(folder: Path) -> Module:
    """The module in `folder`: its files are there and its facts hold. The SQL is checked apart (check.py)."""
    folder = folder.resolve()
    facts = _read_facts(folder)
    files = {part: _part_file(folder, part) for part in facts.parts} | _sql_files(folder, facts)
    faults = [
        _missing(folder, path)
        for path in (*files.values(), *(folder / name for name in REQUIRED_FILES))
        if not path.is_file()
    ]
    faults += [
        _twice(folder, stem) for stem in facts.shared if stem != "exclusions" and (folder / f"{stem}.sql").is_file()
    ]
    faults += [_taken(folder, part) for part in facts.parts if part in (*SQL_FILES, *syntax.contract_tables())]
    if faults:
        raise MeasureError.of(faults)
    return Module(
        folder=folder,
        facts=facts,
        sha256=_folder_sha256(folder, facts),
        files=files,
        sql={stem: text(path) for stem, path in files.items()},
        method=text(folder / "method.md"),
    )


def _sql_files(folder: Path, facts: Measure) -> dict[str, Path]:
    """Where each SQL file of a module stands or must stand: in its folder, or in the one that sister modules share."""
    files: dict[str, Path] = {}
    for stem in SQL_FILES:
        own, shared = folder / f"{stem}.sql", facts.shared.get(stem, ())
        if (stem in REQUIRED_SQL and not shared) or (own.is_file() and (not shared or stem == "exclusions")):
            files[stem] = own
        for name in shared:
            files[f"{stem}:{name}" if stem == "exclusions" else stem] = folder.parent / "_shared" / f"{name}.sql"
    return files


def kind_of(name: str) -> str:
    """What the file of this name in `Module.files` is: "exclusions" for "exclusions:hospice_or_esrd"."""
    return name.partition(":")[0]


def _part_file(folder: Path, part: str) -> Path:
    """Where a part stands, or would stand: in the module's folder, else in the one that sister modules share."""
    own = folder / f"{part}.sql"
    return own if own.is_file() else folder.parent / "_shared" / own.name


def _missing(folder: Path, path: Path) -> Fault:
    name = path.name if path.parent == folder else f"../{path.parent.name}/{path.name}"
    return Fault(
        code="missing-file", message=f"measures/{folder.name}: {name} is missing", file=f"{folder.name}/{name}"
    )


def _twice(folder: Path, stem: str) -> Fault:
    return Fault(
        code="two-files",
        message=f"measures/{folder.name}: {stem}.sql stands in the folder and in [shared]",
        file=f"{folder.name}/measure.toml",
        remedy="Keep one of them.",
    )


def _taken(folder: Path, part: str) -> Fault:
    return Fault(
        code="name-taken",
        message=f'measures/{folder.name}: the part "{part}" has the name of a table or file that a measure has anyway',
        file=f"{folder.name}/measure.toml",
        remedy="Choose another name.",
    )


def text(path: Path) -> str:
    """The UTF-8 text of a file of a measure folder."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise MeasureError(f"measures/{path.parent.name}/{path.name} cannot be read as UTF-8 text") from None


def _read_facts(folder: Path) -> Measure:
    where = f"measures/{folder.name}/measure.toml"
    facts = closed_toml.load(folder / "measure.toml", Measure, shown_as=where, error=MeasureError)
    if facts.id != folder.name:
        raise MeasureError(f'{where}: id = "{facts.id}" must equal the folder\'s name "{folder.name}"')
    return facts


def _folder_sha256(folder: Path, facts: Measure) -> str:
    """sha256 over the sorted (path, content) of the folder and of the shared SQL and lists that it names."""
    digest = hashlib.sha256()
    files = {
        str(path.relative_to(folder)): path
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    for listed in (*facts.lists.values(), *facts.maps.values()):
        if listed.shared:
            files[f"_lists/{listed.shared}.csv"] = folder.parent / "_lists" / f"{listed.shared}.csv"
    names = (name for names in facts.shared.values() for name in names)
    shared_files = [folder.parent / "_shared" / f"{shared}.sql" for shared in names]
    for path in (*shared_files, *(_part_file(folder, part) for part in facts.parts)):
        files[f"{path.parent.name}/{path.name}"] = path
    for name, path in sorted(files.items()):
        content = path.read_bytes() if path.is_file() else b""
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
