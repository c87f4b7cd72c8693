"""The table of what is recovered of planted effects: raw, adjusted and shrunken figures of providers against the truth.

Rank correlations over providers that are large enough. Shrinkage draws each provider by its own reliability, so that ranks change
where sizes differ; of one size it would leave them as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Final, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import norm, spearmanr

from benchmarks.planted import Planted
from benchmarks.sample_stays import effects
from qe import store
from qe.claims.load import vault_path
from qe.sample.parameters import load
from qe.sample.providers import make_providers
from qe.site import Site
from qe.statistics import empirical_bayes
from qe.workspace import Workspace

Floats = NDArray[np.float64]
Shrink = Literal["gamma_poisson", "beta_binomial", "gaussian"]

LEAST_PROVIDERS: Final = 3
LARGEST: Final = 16  # groups: as many as have 1,000 members at 100,000 persons
TOGETHER: Final = 0.1  # rank correlation of planted volume with planted price at which a sample tells the two apart
Z: Final = float(norm.ppf(0.975))


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A measure whose providers had an effect planted.

    column, least  what a provider must have at least to be in the table
    at_least       rank correlation asked of the shrunken figures; above_raw: and more than of the raw ones
    within         of a parameter that the figures must not follow: largest absolute rank correlation, of the shrunken ones
    beside         another parameter that they follow, and that may go with the first by chance where providers are few: printed
                   beside are how the two go together as planted, and the partial rank correlation; neither is judged. `within`
                   is judged of a sample that tells the two apart (`told_apart`)
    """

    measure: str
    level: str
    parameter: str
    column: str
    least: float
    shrink: Shrink
    at_least: float | None
    above_raw: bool = False
    within: float | None = None
    beside: str | None = None


MEMBER_MONTHS: Final = 12 * 1_000  # of 1,000 members
COST: Final = Asked(
    measure="total_cost_index",
    level="group",
    parameter="volume",
    column="denominator",
    least=MEMBER_MONTHS,
    shrink="gaussian",
    at_least=0.50,
)
TABLE: Final = (
    Asked(
        measure="hwr",
        level="facility",
        parameter="readmission",
        column="denominator",
        least=300,
        shrink="gamma_poisson",
        at_least=0.70,
        above_raw=True,
    ),
    Asked(
        measure="pdc_statins",
        level="group",
        parameter="adherence",
        column="denominator",
        least=100,
        shrink="beta_binomial",
        at_least=0.65,
    ),
    Asked(
        measure="pqi_90",
        level="group",
        parameter="admissions",
        column="expected",
        least=20,
        shrink="gamma_poisson",
        at_least=0.50,
    ),
    COST,
    replace(COST, parameter="system_price", at_least=None),  # printed: prices are in it
    replace(COST, measure="resource_use_index", at_least=None),  # printed beside
    replace(COST, measure="resource_use_index", parameter="system_price", at_least=None, within=0.3, beside="volume"),
)
MODULES: Final = ("hwr", "pdc_statins", "ahrq_pqi", "total_cost_index")


@dataclass(frozen=True, kw_only=True)
class Recovered:
    """Rank correlations with what was planted; None with fewer than LEAST_PROVIDERS, one figure for all, or no such figure.

    raw       observed
    adjusted  observed over expected
    shrunken  the same drawn to 1 (of a measure without a model: the share drawn to all providers') by reliability
    planted   of the parameter told beside this one, as they were planted; partial: of `shrunken`, given that one
    """

    measure: str
    parameter: str
    providers: int
    raw: float | None
    adjusted: float | None
    shrunken: float | None
    planted: float | None = None
    partial: float | None = None


def table(site: Site, planted: Planted) -> tuple[Recovered, ...]:
    """One row for each of TABLE, of the last run of a site over the planted sample; identifiers are the vault's."""
    with store.open_encrypted(vault_path(site), site.vault_key(), engine=site.engine(), read_only=True) as db:
        units = db.execute("select cast(unit_id as varchar) as provider_id, identifier from unit_key").pl()
    results = Workspace(site).results().filter(pl.col("payer_scope") == "all").join(units, on="provider_id")
    return tuple(
        recovered(
            results, asked, effects(planted, asked.parameter), effects(planted, asked.beside) if asked.beside else None
        )
        for asked in TABLE
    )


def told_apart(first: int, *, persons: int) -> int:
    """The first seed from `first` on whose sample can tell volume from price: by what is planted alone, before any claim is drawn.

    Effects are put on providers at random, so that among the few groups that are large enough the volume itself goes with the price
    by more than 0.3 in one sample of four: there an index that holds nothing but volume would seem to hold price.
    """
    parameters = load({})
    for seed in count(first):
        providers = make_providers(parameters, persons=persons, seed=seed)
        groups = slice(providers.primary_groups)
        largest = np.argsort(-providers.g_size[groups], kind="stable")[:LARGEST]
        price = providers.system_price[providers.g_system[groups]]
        together = float(spearmanr(providers.group_volume[groups][largest], price[largest]).statistic)
        if abs(together) <= TOGETHER:
            return seed
    raise AssertionError("seeds do not end")


def recovered(
    results: pl.DataFrame, asked: Asked, truth: Mapping[str, float], given: Mapping[str, float] | None = None
) -> Recovered:
    """results: RESULT_SCHEMA and `identifier`. All providers with an effect are drawn together, then the large ones taken.

    truth, given  by identifier, what was planted
    """
    own = results.filter(
        (pl.col("measure_id") == asked.measure)
        & (pl.col("level") == asked.level)
        & pl.col("identifier").is_in(list(truth))
        & (pl.col("denominator") > 0)
    ).sort("identifier")
    true = np.array([truth[identifier] for identifier in own["identifier"]])
    numbers = {name: own[name].cast(pl.Float64).to_numpy() for name in ("numerator", "denominator", "expected")}
    large = own[asked.column].cast(pl.Float64).fill_null(0.0).to_numpy() >= asked.least
    has_model = bool(np.isfinite(numbers["expected"]).all()) and own.height > 0
    adjusted = numbers["numerator"] / numbers["expected"] if has_model else None
    shrunken = _shrunken(own, numbers, asked.shrink)
    other = None if given is None else np.array([given.get(identifier, np.nan) for identifier in own["identifier"]])
    return Recovered(
        measure=asked.measure,
        parameter=asked.parameter,
        providers=int(large.sum()),
        raw=_rank(numbers["numerator"] / numbers["denominator"], true, large),
        adjusted=None if adjusted is None else _rank(adjusted, true, large),
        shrunken=_rank(shrunken, true, large),
        planted=None if other is None else _rank(other, true, large),
        partial=None if other is None else _partial(shrunken, true, large, other),
    )


def _shrunken(own: pl.DataFrame, numbers: Mapping[str, Floats], shrink: Shrink) -> Floats:
    if own.height < LEAST_PROVIDERS:
        return np.full(own.height, np.nan)
    match shrink:
        case "gamma_poisson":
            return empirical_bayes.gamma_poisson(numbers["numerator"], numbers["expected"]).posterior_mean
        case "beta_binomial":
            return empirical_bayes.beta_binomial(numbers["numerator"], numbers["denominator"]).posterior_mean
        case "gaussian":
            return _of_costs(own)


def _of_costs(own: pl.DataFrame) -> Floats:
    """The logarithm of each index, with the error that its interval tells; NaN where a provider has none."""
    low, high = (own[name].to_numpy() for name in ("ci_low", "ci_high"))
    known = np.isfinite(low) & np.isfinite(high) & (low > 0) & (high > low)
    drawn = np.full(own.height, np.nan)
    if known.sum() >= LEAST_PROVIDERS:
        error = (np.log(high[known]) - np.log(low[known])) / (2 * Z)
        ratio = np.log(own["ratio"].to_numpy()[known])
        drawn[known] = empirical_bayes.gaussian(ratio, error, method="dl").posterior_mean
    return drawn


def _rank(figures: Floats, true: Floats, large: NDArray[np.bool_]) -> float | None:
    taken = large & np.isfinite(figures)
    if taken.sum() < LEAST_PROVIDERS or np.ptp(figures[taken]) == 0:
        return None
    return round(float(spearmanr(figures[taken], true[taken]).statistic), 4)


def _partial(figures: Floats, true: Floats, large: NDArray[np.bool_], given: Floats) -> float | None:
    """Rank correlation of figures and truth, given a third."""
    large = large & np.isfinite(figures) & np.isfinite(given)
    both, with_first, with_second = _rank(figures, true, large), _rank(figures, given, large), _rank(given, true, large)
    if both is None or with_first is None or with_second is None:
        return None
    return round(float((both - with_first * with_second) / np.sqrt((1 - with_first**2) * (1 - with_second**2))), 4)


def can_tell(row: Recovered) -> bool:
    """Whether what a row must not follow is planted apart from what it does follow."""
    limits = [asked.within for asked in TABLE if (asked.measure, asked.parameter) == (row.measure, row.parameter)]
    return all(limit is None or row.planted is None or abs(row.planted) <= limit for limit in limits)


def shortfalls(found: tuple[Recovered, ...]) -> list[str]:
    """What TABLE asks and is not there; too few providers to tell is a shortfall, too.

    What must stay `within` a limit is judged where the parameter that it does follow stays within it as planted; `told_apart` finds
    a sample where it does, and `can_tell` says whether this one was such.
    """
    said = []
    for asked, row in zip(TABLE, found, strict=True):
        name = f"{row.measure} against {row.parameter}"
        if asked.at_least is not None and (row.shrunken is None or row.shrunken < asked.at_least):
            said.append(f"{name}: rank correlation {row.shrunken}, less than {asked.at_least}")
        if asked.above_raw and row.shrunken is not None and row.raw is not None and row.shrunken <= row.raw:
            said.append(f"{name}: rank correlation {row.shrunken}, not above the raw rates' {row.raw}")
        if asked.within is not None and can_tell(row) and (row.shrunken is None or abs(row.shrunken) > asked.within):
            said.append(f"{name}: rank correlation {row.shrunken}, not within {asked.within} of 0")
    return said
