"""What a reader may see. Only `qe.disclosure` makes these, and `qe.reports` accepts nothing else.

So figures that were not suppressed cannot be rendered.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Literal

from qe.providers import Level, ProviderOrSupplier

PayerScope = Literal["all", "medicare", "other"]
Category = Literal["better", "no_different", "worse", "too_few"]


@dataclass(frozen=True, kw_only=True)
class MeasureResult:
    """One row of measure_results (contracts.md section 5) as its own provider or supplier may see it.

    Figures are None where the measure has none (no expected value for PDC) or where they are hidden; `hidden` says why:
    None, or a note code of data_dictionary.csv.
    """

    measure_id: str
    measure_version: str
    kind: Literal["standard", "alternative"]
    deviations: tuple[str, ...]
    level: Level
    peer_group: str
    payer_scope: PayerScope
    period_start: date
    period_end: date
    denominator: Decimal | None
    excluded: int | None
    numerator: Decimal | None
    observed: float | None
    expected: float | None
    ratio: float | None
    adjusted: float | None
    ci_low: float | None
    ci_high: float | None
    reliability: float | None
    peer_p25: float | None
    peer_median: float | None
    peer_p75: float | None
    achievable_benchmark: float | None
    percentile: float | None
    category: Category
    fdr_significant: bool | None
    publishable: bool
    not_publishable_reason: str | None
    engine: str
    converged: bool
    hidden: str | None = None


MODELLED: Final = frozenset({"mixed_logit"})  # engines whose ratio is predicted, not observed, over expected


@dataclass(frozen=True, kw_only=True)
class ConfidentialResult:
    """All that one provider or supplier is shown about itself, and peer aggregates; nobody else is named.

    attributed_persons  persons by payer scope
    attribution_steps   (measure_id, step of the attribution rule, persons)
    exclusions          (measure_id, rule number, events of this unit excluded by it)
    components          (measure_id, label, own amount per unit of exposure, peers' amount): cost by service category
    """

    provider: ProviderOrSupplier
    results: tuple[MeasureResult, ...]
    attributed_persons: Mapping[PayerScope, int]
    attribution_steps: tuple[tuple[str, str, int], ...]
    exclusions: tuple[tuple[str, str, int], ...]
    components: tuple[tuple[str, str, float, float], ...] = ()


@dataclass(frozen=True, kw_only=True)
class PublicResult:
    """One row of the public data/results.csv (contracts.md section 7), after suppression.

    rate       numerator / denominator as a fraction, dollars for costs; None where hidden
    note_code  None, or the code of data_dictionary.csv that says why figures are missing
    """

    measure_id: str
    measure_name: str
    level: Level
    public_id: str
    provider_name: str
    peer_group: str
    area: str
    period_start: date
    period_end: date
    denominator: Decimal | None
    rate: float | None
    ci_low: float | None
    ci_high: float | None
    expected: float | None
    ratio: float | None
    benchmark: float | None
    category: Category | None
    note_code: str | None


@dataclass(frozen=True, kw_only=True)
class CellFinding:
    """A published cell from which a count of 1 to 10 persons could be narrowed down: what G18 refuses for."""

    measure_id: str
    level: Level
    public_id: str
    check: Literal["count", "complement", "rate", "ratio", "together"]


@dataclass(frozen=True, kw_only=True)
class PublicRelease:
    """The rows that may be published, and what the interval check of each table found (empty when it passes)."""

    results: tuple[PublicResult, ...]
    findings: tuple[CellFinding, ...]
    cells_checked: int
    cells_hidden: int
