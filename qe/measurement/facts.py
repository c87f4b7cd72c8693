"""The closed schema of measure.toml: what a measure folder says of itself (contracts.md section 9)."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from qe.errors import MeasureError
from qe.measurement.social_factors import social_factors

Kind = Literal["proportion", "rate", "mean", "amount_ratio"]
SqlFile = Literal["population", "exclusions", "numerator", "covariates", "claims"]
EventUnit = Literal["person", "stay", "ed_visit", "fill", "service", "episode"]
AttributionLevel = Literal["clinician", "group", "facility", "area"]
ScoringModel = Literal["mixed_logit", "logistic", "poisson", "nb", "gamma", "indirect", "published", "none"]
FITTED: Final = frozenset({"mixed_logit", "logistic", "poisson", "none"})  # what qe.statistics.expected knows
FORMS: Final = ("", "spline", "bands")  # of a covariate
TIMES: Final = "*"  # between two families: their interaction
MeasureType = Literal["structure", "process", "intermediate outcome", "outcome", "cost or resource use"]
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


class Closed(BaseModel):
    """Unknown keys are errors; nothing is changed after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PublishedMeasure(Closed):
    """One measure that the module publishes. `id` is unique over all modules.

    per       what its denominator counts, where that is not the module's unit: "member years"
    dollars   what its dollars are, where they are not what was allowed: "dollars at reference prices"
    composite_of  of a composite that adds up other measures of the module, those: beside it, they tell each other's counts
    quotient  the two measures of the module whose quotient it is, or None. Its expected value is then the quotient of theirs,
              so that the three results multiply exactly; whether it has cases enough is judged by the first one's denominator
    """

    id: Identifier
    name: Text
    category: Text
    per: str = ""
    dollars: str = ""
    composite_of: tuple[Identifier, ...] = ()
    quotient: tuple[Identifier, Identifier] | None = None


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
    short_look_back   what a run does when the data hold fewer months before the period: refuse, or go on with the
                      deviation "period" where the specification counts what it can see
    """

    months: Annotated[int, Field(ge=1)]
    look_back_months: Annotated[int, Field(ge=0)]
    run_out_days: Annotated[int, Field(ge=0)]
    calendar_year: bool = False
    short_look_back: Literal["refuse", "deviation"] = "refuse"


class Attribution(Closed):
    """How events find their provider: a named method of qe/measurement/attribution, and the levels of the results."""

    method: Identifier
    levels: Annotated[tuple[AttributionLevel, ...], Field(min_length=1)]
    timing: Literal["retrospective", "prospective"]


class Scoring(Closed):
    """How the results are adjusted (qe/statistics).

    cohort      column of the population by which the model is fitted or adjusted, or ""
    covariates  factor families, optionally with a form after a bar: "age|spline", "age|bands"; "age*payer_line", after both,
                is their interaction
    """

    model: ScoringModel
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

    @model_validator(mode="after")
    def _a_named_model_is_the_one_that_is_fitted(self) -> Self:
        if self.model not in FITTED:
            raise ValueError(f'model = "{self.model}" is not built yet; choose one of {", ".join(sorted(FITTED))}')
        return self

    @model_validator(mode="after")
    def _covariates_have_known_forms(self) -> Self:
        before: set[str] = set()
        for covariate in self.covariates:
            family, _, form = covariate.partition("|")
            if form not in FORMS:
                raise ValueError(
                    f'covariate "{covariate}": its form must be one of {", ".join(filter(None, FORMS))}, or none'
                )
            missing = [name for name in family.split(TIMES) if name not in before] if TIMES in family else []
            if missing:
                raise ValueError(f'covariate "{covariate}": {" and ".join(missing)} must stand before it')
            before.add(family)
        return self

    @property
    def families(self) -> tuple[str, ...]:
        """The factor families that the SQL gives: without forms and interactions."""
        return tuple(name for name in (one.partition("|")[0] for one in self.covariates) if TIMES not in name)


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


def _one_or_several(stems: object) -> object:
    return (stems,) if isinstance(stems, str) else stems


SharedStems = Annotated[tuple[Identifier, ...], Field(min_length=1), BeforeValidator(_one_or_several)]


class ListFacts(Closed):
    """A code list or code map: where its CSV is, what it matches, where it comes from.

    file      path below the module's folder; or
    shared    name of a list in measures/_lists/index.toml; with neither, <name>.csv of the site's licensed lists
    match     exact | prefix (code starts with) | range_prefix ("I60-I69", compared on the length of the bound)
    without   what a run does while the site has not filled a slot (a list with neither file nor shared): refuse, or
              partial where the specification says that the measure may be computed from the other lists alone
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
    without: Literal["refuse", "partial"] = "refuse"

    @property
    def is_slot(self) -> bool:
        """Whether the list belongs to somebody whose licence the site must hold, and is filled by the site."""
        return not (self.file or self.shared)

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.file and self.shared:
            raise ValueError("name file or shared, not both")
        if self.without == "partial" and not self.is_slot:
            raise ValueError("without is said of a list that the site fills; this one ships")
        if self.file and (self.rows is None or self.sha256 is None):
            raise ValueError("a list of the folder states rows and sha256")
        return self


class Upkeep(Closed):
    """Who answers for the folder, and when it is read again."""

    author: Text
    checked_by: str
    next_review: date


class Measure(Closed):
    """The facts of one measure.toml (contracts.md section 9), with all that 42 CFR 401.707(a)(1)-(5) asks.

    measure_type  as CMS asks in the Measure Information Workbook; `qe filing measures` refuses a measure without it
    shared  SQL files that sister modules have in common: the stem of a file in measures/_shared that stands for the
            module's own; its lists and parameters go by the names that the file asks for. Exclusions may name several
            files, and stand beside the module's own: every reason of each counts
    parts   tables that several files read: stems in the module's folder or, in common with sisters, in measures/_shared,
            each laid out as a temporary table of its name before the other files, in this order; one that reads
            `population`, or a part that does, after population.sql
    learnt  the parts whose rows are learnt from everybody (reference prices, the cap of costs): kept with the run, so that
            a correction of one provider is worked out by the same ones; text, whole numbers, decimals, dates and booleans
    """

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
    measure_type: MeasureType | None = None
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
    shared: dict[SqlFile, SharedStems] = {}
    parts: tuple[Identifier, ...] = ()
    learnt: tuple[Identifier, ...] = ()
    parameters: dict[Annotated[Identifier, AfterValidator(_not_bound)], Parameter] = {}
    lists: dict[Identifier, ListFacts] = {}
    maps: dict[Identifier, ListFacts] = {}
    unverified: dict[str, Text] = {}
    upkeep: Upkeep

    @model_validator(mode="after")
    def _quotients_have_two_terms(self) -> Self:
        own = [measure.id for measure in self.measures if measure.quotient is None]
        for measure in self.measures:
            if measure.quotient is None:
                continue
            if len(set(measure.quotient) & set(own)) < 2:
                raise ValueError(f"quotient of {measure.id} names two measures of the module that are no quotients")
            if self.kind != "amount_ratio" or self.scoring.model in ("none", "logistic"):
                raise ValueError(f"quotient of {measure.id}: only amounts with an expected value have one")
        return self

    @model_validator(mode="after")
    def _composites_add_up_other_measures(self) -> Self:
        simple = {measure.id for measure in self.measures if not measure.composite_of}
        for measure in self.measures:
            named = measure.composite_of
            if named and (len(set(named)) < max(2, len(named)) or not simple.issuperset(named)):
                raise ValueError(
                    f"composite_of of {measure.id} names two or more measures of the module, no composites"
                )
            if named and self.kind not in ("rate", "proportion"):
                raise ValueError(f"composite_of of {measure.id}: only counts of events add up")
        return self

    @field_validator("shared")
    @classmethod
    def _only_exclusions_are_several(cls, shared: dict[SqlFile, SharedStems]) -> dict[SqlFile, SharedStems]:
        for stem, names in shared.items():
            if len(set(names)) < len(names):
                raise ValueError(f"{stem} names a file twice")
            if len(names) > 1 and stem != "exclusions":
                raise ValueError(f"{stem} is one file; only exclusions may be several")
        return shared

    @model_validator(mode="after")
    def _what_is_learnt_is_a_part(self) -> Self:
        if strangers := [name for name in self.learnt if name not in self.parts]:
            raise ValueError(f"learnt names {', '.join(strangers)}, which is not among parts")
        return self

    @model_validator(mode="after")
    def _social_factors_adjust_nothing_away(self) -> Self:
        refused = social_factors(self.scoring.covariates, self.measure_type)
        if refused:
            raise ValueError(f"covariates {', '.join(refused)} are social factors: show them by stratum instead")
        return self

    @model_validator(mode="after")
    def _effects_belong_to_one_level(self) -> Self:
        if self.scoring.model == "mixed_logit" and (len(self.attribution.levels) != 1 or self.kind != "proportion"):
            raise ValueError(
                'model = "mixed_logit" needs a proportion and one level of attribution, whose effects it fits'
            )
        return self

    @field_validator("classes", mode="before")
    @classmethod
    def _accept_underscore(cls, value: object) -> object:
        return (
            ["resource use" if item == "resource_use" else item for item in value] if isinstance(value, list) else value
        )


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
