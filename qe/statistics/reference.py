"""The frozen reference of a run: all that a provider's figures are worked out from, but its own events.

Scoring learns the reference from all events and judges every provider by it. It is kept with the run, so that a correction after
the reports were sent re-scores one provider (`qe.statistics.rescore`) and moves nobody else: coefficients, how factors are coded,
scales, sigma, drawn models, cut-points and benchmarks stay as they were.

Source: rules.md, R3 (401.717(c) to (f)); statistics.md, correction 11.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import TypeAdapter
from scipy.special import expit

from qe.statistics.design import again
from qe.statistics.reliability import share_of_signal
from qe.statistics.results import rounded

Floats = NDArray[np.float64]

DRAW_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "measure_id": pl.String,
    "cohort": pl.String,
    "draw": pl.Int32,
    "sigma": pl.Float64,
    "coefficients": pl.List(pl.Float64),
}


@dataclass(frozen=True, kw_only=True)
class FrozenModel:
    """One cohort's model.

    engine        logistic, quasi_poisson, mixed_logit (then sigma is its own), or oe: the `level` alone
    families      as [scoring] covariates names them; terms, pooled: of its design
    coefficients  the intercept first
    level         the overall mean, of a model that could not be fitted; per_event: of an event, not of a unit of exposure
    """

    engine: str
    families: tuple[str, ...]
    terms: tuple[str, ...]
    pooled: tuple[str, ...]
    coefficients: tuple[float, ...]
    level: float
    per_event: bool
    sigma: float = 0.0

    def factors(self, covariates: pl.DataFrame, event_ids: list[str]) -> Floats:
        """(events, terms)"""
        return again(covariates, event_ids, self.families, terms=self.terms, pooled=self.pooled)

    def expected(self, covariates: pl.DataFrame, events: pl.DataFrame) -> Floats:
        """Of each of `events` (event_id, exposed), before any scale of its payer line; at the average provider."""
        exposed = events["exposed"].to_numpy()
        if self.engine == "oe":
            return np.asarray(np.where(self.per_event, 1.0, exposed) * self.level, dtype=np.float64)
        terms = np.array(self.coefficients)
        linear = terms[0] + self.factors(covariates, events["event_id"].to_list()) @ terms[1:]
        return np.asarray(
            exposed * np.exp(linear) if self.engine == "quasi_poisson" else expit(linear), dtype=np.float64
        )


@dataclass(frozen=True, kw_only=True)
class Signal:
    """How reliability follows from a provider's own figures; `spread` is how much providers differ.

    of  model: what the model says of each provider; cases: n / (n + spread); estimates: spread / (spread + error^2 of the
        logarithm); ratios: spread / (spread + 1 / expected)
    """

    of: Literal["model", "cases", "estimates", "ratios"]
    spread: float = 0.0

    def reliability(self, row: Mapping[str, Any]) -> float:
        match self.of:
            case "model":
                return float(row["model_reliability"])
            case "cases":
                cases = float(row["denominator"])
                return cases / (cases + self.spread)
            case "estimates":
                return float(share_of_signal(self.spread, float(row["log_error"]) ** 2))
            case "ratios":
                return float(share_of_signal(self.spread, 1 / float(row["expected"])))


@dataclass(frozen=True, kw_only=True)
class PeerReference:
    """What the units of a peer group are held against.

    members            the units with enough cases, whose figures make the percentiles
    pooled             by payer scope the figure that intervals are held against; None without cases
    significant_up_to  the largest p-value that is significant among the peers
    signal             None with fewer than two peers
    """

    level: str
    peer_group: str
    members: tuple[str, ...]
    pooled: Mapping[str, float | None]
    peer_p25: float | None = None
    peer_median: float | None = None
    peer_p75: float | None = None
    achievable_benchmark: float | None = None
    significant_up_to: float = 0.0
    signal: Signal | None = None


@dataclass(frozen=True, kw_only=True)
class MeasureReference:
    """One measure's.

    period_start, period_end, parameters, module_sha256, deviations: a correction must be by the same
    confidence, minimum_catchment_share: as they were set
    overall      the rate of all events, by which a ratio becomes an adjusted rate
    fits         the models fit every payer and age, or the site has said why they will do
    models       by cohort; empty of a measure without a risk model and of a quotient (see quotient)
    scales       by payer line, of expected amounts
    quotient     the two measures whose quotient it is
    providers    of a model with effects of providers: all, in the order of their random numbers
    """

    measure_id: str
    version: str
    module_sha256: str
    period_start: date
    period_end: date
    parameters: Mapping[str, str]
    deviations: tuple[str, ...]
    confidence: float
    minimum_catchment_share: float
    overall: float
    has_expected: bool
    engine: str
    converged: bool
    fits: bool
    models: Mapping[str, FrozenModel] = field(default_factory=dict)
    scales: Mapping[str, float] = field(default_factory=dict)
    quotient: tuple[str, str] | None = None
    providers: tuple[str, ...] = ()
    peers: tuple[PeerReference, ...] = ()

    @property
    def has_effects(self) -> bool:
        """Of providers: the figure over all payers is predicted over expected."""
        return bool(self.providers)


_FILE = TypeAdapter(tuple[MeasureReference, ...])


def to_json(references: tuple[MeasureReference, ...]) -> bytes:
    """Floats to 12 significant digits, as in the tables of results; NaN (a measure without cases has no rate) stands as NaN."""
    return (json.dumps(_rounded(_FILE.dump_python(references)), indent=1, ensure_ascii=False) + "\n").encode()


def from_json(content: bytes) -> dict[str, MeasureReference]:
    """By measure."""
    return {one.measure_id: one for one in _FILE.validate_json(content)}


def _rounded(value: Any) -> Any:
    match value:
        case float():
            return rounded(value)
        case date():
            return value.isoformat()
        case dict():
            return {name: _rounded(one) for name, one in value.items()}
        case list() | tuple():
            return [_rounded(one) for one in value]
        case _:
            return value
