"""What every page of a cycle shares: who reports, on which data, under which run, and what each measure is."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from qe.periods import ReportingPeriod


@dataclass(frozen=True, kw_only=True)
class MeasureFacts:
    """What the reader needs to know of one published measure (from measure.toml and method.md)."""

    measure_id: str
    module: str
    version: str
    name: str
    category: str
    why_it_matters: str
    direction: Literal["lower", "higher"]
    kind: Literal["proportion", "rate", "mean", "amount_ratio"]
    unit: str
    standing: Literal["standard", "alternative"]
    deviations: tuple[str, ...]
    steward: str
    specification: str
    classes: tuple[str, ...]
    attribution: str
    attribution_method: str
    risk_adjustment: str
    interval: str
    minimum_denominator: int
    method: str
    approved_on: date | None
    per: str = ""  # what the denominator counts, where that is not the unit
    dollars: str = ""  # what its dollars are, where they are not what was allowed
    composite_of: tuple[str, ...] = ()  # the measures that it adds up: beside it, they tell each other's counts
    quotient: tuple[str, str] | None = (
        None  # the two measures whose quotient it is: its figure is a ratio, its cases the first's
    )


def together(
    measures: Iterable[MeasureFacts], said: Callable[[MeasureFacts], str]
) -> tuple[tuple[str, MeasureFacts], ...]:
    """What is `said` alike of several measures, once: their names in a row, and the first of them."""
    alike: dict[str, list[MeasureFacts]] = {}
    for measure in measures:
        alike.setdefault(said(measure), []).append(measure)
    return tuple(("; ".join(one.name for one in group), group[0]) for group in alike.values())


def explaining(measures: Iterable[MeasureFacts]) -> frozenset[str]:
    """The measures that say why they matter: the first of each module, whose measures share the words."""
    return frozenset(first.measure_id for _, first in together(measures, lambda measure: measure.module))


@dataclass(frozen=True, kw_only=True)
class SourceFacts:
    """One source of claims data with its volumes in this run."""

    source_id: str
    payer_type: str
    files: int
    rows_read: int
    rows_quarantined: int
    claims: int


@dataclass(frozen=True, kw_only=True)
class ReviewDates:
    """The three dates of page 1. `deadline` is worded in the recipient's own zone ("11:59 pm Central").

    corrected_on  of a page that shows a correction that its recipient asked for, the day it was upheld
    dates_stay    of such a page: it prints the dates of the report before it, which was handed over
    """

    sent_on: date
    last_request_day: date
    public_from: date
    deadline: str
    corrected_on: date | None = None
    dates_stay: bool = True


@dataclass(frozen=True, kw_only=True)
class ReportFacts:
    """Facts of one run and cycle that every report, letter and public page quotes.

    settings  every default of contracts.md section 8 in force, as (key, value), for the methods page
    model     rows of results/model.parquet: (measure_id, cohort, term, estimate, std_error)
    """

    organisation: str
    contact: str
    rehearsal: bool
    areas: tuple[str, ...]
    period: ReportingPeriod
    cycle: str
    run_id: str
    software_version: str
    data_through: date
    measures: tuple[MeasureFacts, ...]
    sources: tuple[SourceFacts, ...]
    inputs_sha256: Mapping[str, str]
    linkage: tuple[tuple[str, int], ...]
    settings: tuple[tuple[str, str], ...]
    model: tuple[tuple[str, str, str, float, float | None], ...]

    def measure(self, measure_id: str) -> MeasureFacts:
        return next(facts for facts in self.measures if facts.measure_id == measure_id)
