"""What a measure folder says: the closed schema of measure.toml, and the folder as one loaded `Module`.

A folder `measures/<id>/` is a module and publishes one or more measures:

  measure.toml     the facts (`Measure` below); unknown and missing keys are errors, told all at once
  population.sql   one row an event considered: event_id, person_id, index_date, rule_ids
                   [, measure_id, facility_id, cohort, exposure, payer_type, claim_ids, columns of the module's own]
  exclusions.sql   one row an event and rule: event_id, rule_id, claim_ids [, measure_id]; all reasons, not the first
  numerator.sql    at most one row an event (and measure): event_id, value decimal(18,6), rule_ids, claim_ids
                   [, measure_id, amount decimal(14,2), columns of the module's own such as days_covered]
                   of a proportion the value is 0 or 1; in_numerator is value > 0 inside the denominator; no row is 0
  covariates.sql   optional, one row an event and factor: event_id, factor, value. The families age, sex, payer_line and
                   cohort are filled by the engine when [scoring] names them and this file does not; the others come
                   from here or from qe/claims/risk/<family>.sql
  value_sets/      CSV: code, label (of a map: category), effective_from, effective_to
  cases.toml       worked cases (schema: qe/measurement/cases.py)
  method.md        numbered rules R1..Rn; each number stands in the SQL and in a case

All ids are text; rule_ids and claim_ids are lists of text in a stated order. The files may read the base and event
tables, `unit`, value_set(name, code, system), code_map(name, code, category, system, effective_from, effective_to) and
(all but population.sql) `population`: the rows of population.sql. Bound parameters: $period_start, $period_end and the
keys of [parameters].
"""

import hashlib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from qe import closed_toml
from qe.closed_toml import suggestion as suggestion
from qe.errors import Fault, MeasureError

Kind = Literal["proportion", "rate", "mean", "amount_ratio"]
EventUnit = Literal["person", "stay", "ed_visit", "fill", "service", "episode"]
AttributionLevel = Literal["clinician", "group", "facility", "area"]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Identifier = Annotated[
    str, Field(pattern=r"^[a-z][a-z0-9_]*$", description="lower-case letters, digits and _, a letter first")
]
Version = Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$", description="three numbers like 1.0.0")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="64 digits of 0-9 and a-f")]
ParameterValue = bool | int | Decimal | date | str

OTHER_TYPE_NAMES = {
    "string": "text", "str": "text", "choice": "text", "int": "integer", "bool": "boolean", "number": "decimal", "float": "decimal",
}  # fmt: skip
SQL_FILES = ("population", "exclusions", "numerator", "covariates")
REQUIRED_FILES = ("population.sql", "exclusions.sql", "numerator.sql", "cases.toml", "method.md")


class Closed(BaseModel):
    """Unknown keys are errors; nothing is changed after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PublishedMeasure(Closed):
    """One measure that the module publishes. `id` is unique over all modules."""

    id: Identifier
    name: Text
    category: Text


class Citation(Closed):
    """Where the specification was read, and when it must be read again."""

    url: Text
    version: Text
    section: Text
    checked_on: date
    checked_by: Text
    next_check: date


class CurrentUse(Closed):
    """A CMS programme that uses the measure now: without one, basis (iv) of 42 CFR 401.715(a)(1) fails."""

    programme: Text
    checked_on: date


class Standard(Closed):
    """The standing of the measure by 42 CFR 401.715(a), and how the specification is written.

    basis       paragraph (a)(1)(i) to (v), or "none": an alternative measure
    deviations  standing differences from the specification ("risk_model"); any makes every run alternative
    """

    basis: Literal["i", "ii", "iii", "iv", "v", "none"]
    level: Text
    population: Text
    data: Text
    period: Text
    citations: tuple[Citation, ...] = ()
    currently_used_in: tuple[CurrentUse, ...] = ()
    deviations: tuple[Identifier, ...] = ()


class Rationale(Closed):
    """42 CFR 401.707(a)(4). A blank is allowed only with `not_applicable_reason`."""

    selection: str
    existing_efforts: str
    area_relevance: str
    not_applicable_reason: str = ""

    @model_validator(mode="after")
    def _blank_needs_a_reason(self) -> Self:
        blank = [
            name for name in ("selection", "existing_efforts", "area_relevance") if not getattr(self, name).strip()
        ]
        if blank and not self.not_applicable_reason.strip():
            raise ValueError(f"blank {', '.join(blank)} needs not_applicable_reason (42 CFR 401.707(a)(4))")
        return self


class Window(Closed):
    """The days a run needs.

    months            length of the measure period
    look_back_months  covered months needed before the period
    run_out_days      days after the period that the data must hold
    calendar_year     the period is the last full calendar year, not the months that end with the quarter
    """

    months: Annotated[int, Field(ge=1)]
    look_back_months: Annotated[int, Field(ge=0)]
    run_out_days: Annotated[int, Field(ge=0)]
    calendar_year: bool = False


class Attribution(Closed):
    """How events find their provider: a named method of qe/measurement/attribution, and the levels of the results."""

    method: Identifier
    levels: Annotated[tuple[AttributionLevel, ...], Field(min_length=1)]
    timing: Literal["retrospective", "prospective"]


class Scoring(Closed):
    """How the results are adjusted (qe/statistics).

    cohort      column of the population by which the model is fitted or adjusted, or ""
    covariates  factor families, optionally with a form after a bar: "age|spline"
    """

    model: Literal["mixed_logit", "logistic", "poisson", "nb", "gamma", "indirect", "published", "none"]
    cohort: str = ""
    covariates: tuple[Text, ...] = ()
    outliers: str = ""
    interval: str = ""
    reason_if_none: str = ""

    @model_validator(mode="after")
    def _no_adjustment_needs_a_reason(self) -> Self:
        if self.model == "none" and not self.reason_if_none.strip():
            raise ValueError('model = "none" needs reason_if_none (42 CFR 401.707(a)(5)(iii))')
        return self


class Publish(Closed):
    """When a result of one provider may be shown at all."""

    min_denominator: Annotated[int, Field(ge=1)]
    min_reliability: Annotated[float, Field(ge=0, le=1)]
    basis: Text


class Parameter(Closed):
    """A choice that a run may make by name (`--set name=value`).

    deviation  values that depart from the specification and make the run alternative; ["*"]: all but the default
    """

    type: Literal["text", "integer", "decimal", "boolean", "date"]
    default: ParameterValue
    meaning: Text
    choices: tuple[ParameterValue, ...] = ()
    deviation: tuple[ParameterValue, ...] = ()

    @field_validator("type", mode="before")
    @classmethod
    def _other_names(cls, value: object) -> object:
        return OTHER_TYPE_NAMES.get(str(value), value)

    @model_validator(mode="after")
    def _default_holds(self) -> Self:
        try:
            self.parse(self.default, name="the default")
        except MeasureError as error:
            raise ValueError(error.message) from None
        return self

    def parse(self, value: object, *, name: str) -> ParameterValue:
        """The typed value of `value` (text from the command line, or a TOML value); `name` is how messages call it."""
        choices = [_typed(self.type, choice, f"a choice for {name}") for choice in self.choices]
        parsed = _typed(self.type, value, name)
        if choices and parsed not in choices:
            raise MeasureError(f"{name} must be one of {', '.join(str(choice) for choice in self.choices)}")
        return parsed

    def departs(self, value: ParameterValue) -> bool:
        """Whether this value departs from the specification."""
        if self.deviation == ("*",):
            return str(value) != str(self.default)
        return str(value) in [str(choice) for choice in self.deviation]


def _not_bound(name: str) -> str:
    if name in ("period_start", "period_end", "sql", "self"):
        raise ValueError("the engine binds this name itself; choose another")
    return name


class ListFacts(Closed):
    """A code list or code map: where its CSV is, what it matches, where it comes from.

    file      path below the module's folder; or
    shared    name of a list in measures/_lists/index.toml; with neither, <name>.csv of the site's licensed lists
    match     exact | prefix (code starts with) | range_prefix ("I60-I69", compared on the length of the bound)
    """

    file: str | None = None
    shared: str | None = None
    system: Text
    match: Literal["exact", "prefix", "range_prefix"] = "exact"
    version: Text
    source: Text
    licence: Text
    owner: Text
    rows: Annotated[int, Field(ge=0)] | None = None
    sha256: Sha256 | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.file and self.shared:
            raise ValueError("name file or shared, not both")
        if self.file and (self.rows is None or self.sha256 is None):
            raise ValueError("a list of the folder states rows and sha256")
        return self


class Upkeep(Closed):
    """Who answers for the folder, and when it is read again."""

    author: Text
    checked_by: str
    next_review: date


class Measure(Closed):
    """The facts of one measure.toml (contracts.md section 9), with all that 42 CFR 401.707(a)(1)-(5) asks."""

    id: Identifier
    version: Version
    name: Text
    why_it_matters: Text
    direction: Literal["lower", "higher"]
    kind: Kind
    unit: EventUnit
    classes: Annotated[
        tuple[Literal["quality", "efficiency", "effectiveness", "resource use"], ...], Field(min_length=1)
    ]
    steward: Text
    cbe: str
    licence: Text
    specification: Text
    measures: Annotated[tuple[PublishedMeasure, ...], Field(min_length=1)]
    standard: Standard
    rationale: Rationale
    window: Window
    attribution: Attribution
    scoring: Scoring
    publish: Publish
    parameters: dict[Annotated[Identifier, AfterValidator(_not_bound)], Parameter] = {}
    lists: dict[Identifier, ListFacts] = {}
    maps: dict[Identifier, ListFacts] = {}
    unverified: dict[str, Text] = {}
    upkeep: Upkeep

    @field_validator("classes", mode="before")
    @classmethod
    def _accept_underscore(cls, value: object) -> object:
        return (
            ["resource use" if item == "resource_use" else item for item in value] if isinstance(value, list) else value
        )


@dataclass(frozen=True, kw_only=True)
class Module:
    """One loaded measure folder.

    folder   where it stands
    facts    its measure.toml
    sha256   of all its files and of the shared lists it names: names the exact definition in a run's manifest
    sql      texts by file stem: population, exclusions, numerator and (optional) covariates
    method   text of method.md
    """

    folder: Path
    facts: Measure
    sha256: str
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
    missing = [name for name in REQUIRED_FILES if not (folder / name).is_file()]
    if missing:
        raise MeasureError.of(
            [
                Fault(
                    code="missing-file",
                    message=f"measures/{folder.name}: {name} is missing",
                    file=f"{folder.name}/{name}",
                )
                for name in missing
            ]
        )
    sql = {stem: text(folder / f"{stem}.sql") for stem in SQL_FILES if (folder / f"{stem}.sql").is_file()}
    return Module(
        folder=folder, facts=facts, sha256=_folder_sha256(folder, facts), sql=sql, method=text(folder / "method.md")
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


def _typed(kind: str, value: object, name: str) -> ParameterValue:
    """`value` as the parameter's type; what cannot be read as it is an error that begins with `name`."""
    words = {"true": True, "1": True, "on": True, "yes": True, "false": False, "0": False, "off": False, "no": False}
    try:
        if kind == "integer" and not isinstance(value, bool):
            return int(str(value))
        if kind == "decimal" and not isinstance(value, bool):
            return Decimal(str(value))
        if kind == "date":
            return value if isinstance(value, date) else date.fromisoformat(str(value))
        if kind == "boolean":
            return words[str(value).lower()]
        if kind == "text":
            return str(value)
    except (ValueError, KeyError, ArithmeticError):
        pass
    raise MeasureError(f"{name} is not a value of type {kind}")


def _folder_sha256(folder: Path, facts: Measure) -> str:
    """sha256 over the sorted (path, content) of the folder and of the shared lists that it names."""
    digest = hashlib.sha256()
    files = {
        str(path.relative_to(folder)): path
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    for listed in (*facts.lists.values(), *facts.maps.values()):
        if listed.shared:
            files[f"_lists/{listed.shared}.csv"] = folder.parent / "_lists" / f"{listed.shared}.csv"
    for name, path in sorted(files.items()):
        content = path.read_bytes() if path.is_file() else b""
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
