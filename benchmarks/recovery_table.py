"""The table of what is recovered of planted effects: raw, adjusted and shrunken figures of providers against the truth.

Rank correlations over providers that are large enough. Shrinkage draws each provider by its own reliability, so that ranks change
where sizes differ; of one size it would leave them as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import norm, spearmanr

from benchmarks.planted import Planted
from benchmarks.sample_stays import effects
from qe import store
from qe.claims.load import vault_path
from qe.site import Site
from qe.statistics import empirical_bayes
from qe.workspace import Workspace

Floats = NDArray[np.float64]
Shrink = Literal["gamma_poisson", "beta_binomial", "gaussian"]

LEAST_PROVIDERS: Final = 3
Z: Final = float(norm.ppf(0.975))


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A measure whose providers had an effect planted.

    column, least  what a provider must have at least to be in the table
    at_least       rank correlation asked of the shrunken figures; above_raw: and more than of the raw ones
    within         of a parameter that the figures must not follow: largest absolute rank correlation, of the shrunken ones
                   Where providers are few, figures go with what nobody planted, too: printed beside, and not judged, is how far
                   they do so in the same sample drawn without the parameter, and which way the parameter moved each provider
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
    replace(COST, measure="resource_use_index", parameter="system_price", at_least=None, within=0.3),
)
WITHOUT_PRICE: Final = {"effects.system_price": "0"}  # settings of the sample whose prices do not differ
MODULES: Final = ("hwr", "pdc_statins", "ahrq_pqi", "total_cost_index")


@dataclass(frozen=True, kw_only=True)
class Recovered:
    """Rank correlations with what was planted; None with fewer than LEAST_PROVIDERS, one figure for all, or no such figure.

    raw       observed
    adjusted  observed over expected
    shrunken  the same drawn to 1 (of a measure without a model: the share drawn to all providers') by reliability
    unplanted  `shrunken` in the same sample drawn without the parameter: what goes with it by chance
    moved      of the change of `adjusted` from that sample to this one: what the parameter does to it
    """

    measure: str
    parameter: str
    providers: int
    raw: float | None
    adjusted: float | None
    shrunken: float | None
    unplanted: float | None = None
    moved: float | None = None


def table(site: Site, planted: Planted, *, without_price: Site | None = None) -> tuple[Recovered, ...]:
    """One row for each of TABLE, of the last run of a site over the planted sample; without_price: over the same without prices."""
    results = _results(site)
    other = None if without_price is None else _results(without_price)
    return tuple(
        recovered(results, asked, effects(planted, asked.parameter), None if asked.within is None else other)
        for asked in TABLE
    )


def _results(site: Site) -> pl.DataFrame:
    """Over all payers, each with its unit's identifier, as the vault has it."""
    with store.open_encrypted(vault_path(site), site.vault_key(), engine=site.engine(), read_only=True) as db:
        units = db.execute("select cast(unit_id as varchar) as provider_id, identifier from unit_key").pl()
    return Workspace(site).results().filter(pl.col("payer_scope") == "all").join(units, on="provider_id")


def recovered(
    results: pl.DataFrame, asked: Asked, truth: Mapping[str, float], without: pl.DataFrame | None = None
) -> Recovered:
    """results: RESULT_SCHEMA and `identifier`. All providers with an effect are drawn together, then the large ones taken.

    truth    by identifier, what was planted
    without  results of the same sample without it
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
    return Recovered(
        measure=asked.measure,
        parameter=asked.parameter,
        providers=int(large.sum()),
        raw=_rank(numbers["numerator"] / numbers["denominator"], true, large),
        adjusted=None if adjusted is None else _rank(adjusted, true, large),
        shrunken=_rank(shrunken, true, large),
        unplanted=None if without is None else recovered(without, asked, truth).shrunken,
        moved=None
        if without is None or adjusted is None
        else _rank(_moved(own, adjusted, without, asked), true, large),
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


def _moved(own: pl.DataFrame, adjusted: Floats, without: pl.DataFrame, asked: Asked) -> Floats:
    """By how much, in logarithms, observed over expected is more than without the parameter; NaN of who is not there."""
    there = without.filter((pl.col("measure_id") == asked.measure) & (pl.col("level") == asked.level))
    other = own.select("identifier").join(
        there.select("identifier", was=pl.col("numerator").cast(pl.Float64) / pl.col("expected")),
        on="identifier",
        how="left",
        maintain_order="left",
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.log(adjusted) - np.log(other["was"].to_numpy()), dtype=np.float64)


def shortfalls(found: tuple[Recovered, ...]) -> list[str]:
    """What TABLE asks and is not there; too few providers to tell is a shortfall, too."""
    said = []
    for asked, row in zip(TABLE, found, strict=True):
        name = f"{row.measure} against {row.parameter}"
        if asked.at_least is not None and (row.shrunken is None or row.shrunken < asked.at_least):
            said.append(f"{name}: rank correlation {row.shrunken}, less than {asked.at_least}")
        if asked.above_raw and row.shrunken is not None and row.raw is not None and row.shrunken <= row.raw:
            said.append(f"{name}: rank correlation {row.shrunken}, not above the raw rates' {row.raw}")
        if asked.within is not None and (row.shrunken is None or abs(row.shrunken) > asked.within):
            said.append(f"{name}: rank correlation {row.shrunken}, not within {asked.within} of 0")
    return said
