"""What one provider or supplier may see: its own rows and its peers' aggregates; nobody else is named."""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from qe.disclosure.results import ConfidentialResult, MeasureResult, PayerScope
from qe.providers import ProviderOrSupplier

LEVELS: Final = ("facility", "group")  # who gets a report of its own
SMALL: Final = "small"
SCOPE_ORDER: Final = {"all": 0, "medicare": 1, "other": 2}
COUNTED: Final = ("persons", "step", "excluded")  # kinds of `counts` whose value is a number of persons or events
PEERS: Final = ("peer_p25", "peer_median", "peer_p75", "achievable_benchmark")
PEER_DECIMALS: Final = 3  # more digits of a peer's figure would be a fraction whose numerator can be told
COUNTS: Final = ("denominator", "numerator", "excluded")
FIGURES: Final = ("observed", "expected", "ratio", "adjusted", "ci_low", "ci_high", "percentile", "reliability")


def for_recipient(
    results: pl.DataFrame,
    *,
    units: pl.DataFrame,
    counts: pl.DataFrame,
    quotients: Mapping[str, str],
    hide_small: bool,
    min_count: int,
    peers_counts: pl.DataFrame | None = None,
) -> list[ConfidentialResult]:
    """One entry a group or facility that has any row, in order of unit id.

    results     measure_results (contracts.md section 5)
    units       unit_id, level, id_type, identifier, name, role, provider_type, specialty, zip5, county_fips, catchment_share
    counts      measure_id, level, provider_id, kind (persons, step, excluded, component), name, value
    quotients   quotients of two measures in dollars, with the first of them: a row is hidden where that one's is
    hide_small  hide figures that rest on 1 to min_count - 1 events even from their own provider
    peers_counts  the counts of the run that was sent, whose medians a corrected page keeps; None: `counts` holds everybody's
    """
    known = {
        row["unit_id"]: _provider(row) for row in units.filter(pl.col("level").is_in(LEVELS)).iter_rows(named=True)
    }
    peers = _peers_components(counts if peers_counts is None else peers_counts)
    entries = []
    for unit_id in sorted(set(results["provider_id"]) & known.keys()):
        provider = known[unit_id]
        own = results.filter((pl.col("provider_id") == unit_id) & (pl.col("level") == provider.level))
        if own.is_empty():
            continue
        counted = counts.filter((pl.col("provider_id") == unit_id) & (pl.col("level") == provider.level))
        hidden = _small_rows(own, quotients, min_count) if hide_small else set()
        rows = [
            _result(
                row,
                is_hidden=(row["measure_id"], row["payer_scope"]) in hidden,
                hide_small=hide_small,
                min_count=min_count,
            )
            for row in own.iter_rows(named=True)
        ]
        if hide_small:
            counted = counted.filter(~pl.col("kind").is_in(COUNTED) | ~pl.col("value").is_between(1, min_count - 1))
        entries.append(
            ConfidentialResult(
                provider=provider,
                results=tuple(sorted(rows, key=lambda row: (row.measure_id, SCOPE_ORDER[row.payer_scope]))),
                attributed_persons=_persons(counted),
                attribution_steps=_named(counted, "step"),
                exclusions=_named(counted, "excluded"),
                components=tuple(
                    (row["measure_id"], row["name"], row["value"], peers[row["measure_id"], row["level"], row["name"]])
                    for row in counted.filter(pl.col("kind") == "component").iter_rows(named=True)
                ),
            )
        )
    return entries


def _provider(row: Mapping[str, Any]) -> ProviderOrSupplier:
    return ProviderOrSupplier(
        unit_id=row["unit_id"],
        level=row["level"],
        id_type=row["id_type"],
        identifier=row["identifier"],
        name=row["name"],
        role=row["role"],
        provider_type=row["provider_type"],
        specialty=row["specialty"],
        area=row["county_fips"],
        zip5=row["zip5"],
        catchment=row["catchment_share"],
    )


def _small_rows(own: pl.DataFrame, quotients: Mapping[str, str], min_count: int) -> set[tuple[str, str]]:
    """(measure, payer scope) of rows that rest on a small count. With one payer scope goes the other: their sum would tell it."""
    small = {(row["measure_id"], row["payer_scope"]) for row in own.iter_rows(named=True) if _has_small(row, min_count)}
    small |= {
        (quotient, scope) for quotient, first in quotients.items() for measure_id, scope in small if measure_id == first
    }
    of_payers = {measure_id for measure_id, scope in small if scope != "all"}
    return small | {(measure_id, scope) for measure_id in of_payers for scope in ("medicare", "other")}


def _has_small(row: Mapping[str, Any], min_count: int) -> bool:
    """The denominator, the numerator or what is left between them is 1 to min_count - 1."""
    counts = [row["denominator"]]
    if row["numerator"] is not None:
        counts += [row["numerator"], row["denominator"] - row["numerator"]]
    return any(count is not None and 0 < count < min_count for count in counts)


def _result(row: Mapping[str, Any], *, is_hidden: bool, hide_small: bool, min_count: int) -> MeasureResult:
    fields: dict[str, Any] = {name: row[name] for name in MeasureResult.__dataclass_fields__ if name != "hidden"}
    fields["deviations"] = tuple(row["deviations"])
    for name in PEERS:
        fields[name] = None if row[name] is None else round(row[name], PEER_DECIMALS)
    if hide_small and row["excluded"] is not None and 0 < row["excluded"] < min_count:
        fields["excluded"] = None
    if is_hidden:
        fields |= dict.fromkeys((*COUNTS, *FIGURES)) | {"hidden": SMALL}
    return MeasureResult(**fields)


def _persons(counted: pl.DataFrame) -> Mapping[PayerScope, int]:
    """Distinct persons by payer scope: the most that any one measure counts (measures overlap, so they do not add up)."""
    rows = counted.filter(pl.col("kind") == "persons").group_by("name").agg(pl.col("value").max()).sort("name")
    found = {name: int(value) for name, value in rows.iter_rows()}
    return {"all": found.get("all", 0), "medicare": found.get("medicare", 0), "other": found.get("other", 0)}


def _named(counted: pl.DataFrame, kind: str) -> tuple[tuple[str, str, int], ...]:
    rows = counted.filter(pl.col("kind") == kind).sort(
        "measure_id", pl.col("name").str.extract(r"(\d+)").cast(pl.Int64), "name"
    )
    return tuple((row["measure_id"], row["name"], int(row["value"])) for row in rows.iter_rows(named=True))


def _peers_components(counts: pl.DataFrame) -> dict[tuple[str, str, str], float]:
    """The median unit's cost per category, by measure, level and category."""
    rows = (
        counts.filter(pl.col("kind") == "component")
        .group_by("measure_id", "level", "name")
        .agg(pl.col("value").median())
        .sort(pl.all())
    )
    return {(measure, level, name): value for measure, level, name, value in rows.iter_rows()}
