"""Lines repriced, so that equal care costs the same whoever pays: by a reference price, else by a median of this report's lines.

It is not CMS's payment standardisation and is never called so: LABEL is what reports print.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import polars as pl

from qe.errors import InputError

LABEL: Final = "repriced to reference price"
LEAST_LINES: Final = 11  # lines behind a median price
LEAST_SIDES: Final = 3  # payers, and providers, behind it: of fewer, one of them could tell another's rate
UNIT: Final = 10_000  # prices a unit are counted in ten-thousandths of a dollar
SERVICE: Final = ("setting", "code", "modifier", "year")
FAMILY: Final = ("setting", "family", "year")

LINE: Final[dict[str, pl.DataType]] = {
    "line_id": pl.String(),
    "setting": pl.String(),
    "code": pl.String(),
    "modifier": pl.String(),
    "family": pl.String(),
    "drg_weight": pl.Decimal(9, 4),
    "service_date": pl.Date(),
    "units": pl.Decimal(14, 3),
    "allowed_amount": pl.Decimal(14, 2),
    "is_paid": pl.Boolean(),
    "payer_id": pl.String(),
    "provider_id": pl.String(),
}


@dataclass(frozen=True, kw_only=True)
class Repriced:
    """lines: line_id, allowed_amount (netted), std_cost, method; by line_id.

    method    "reference", "median", "family", "drg", "unstandardised" (its own allowed amount), "zero" (denied, or nothing
              left after netting), "unpriced" (no allowed amount and no price: costs nothing, and is counted)
    coverage  method, lines, allowed_amount, share (of all allowed dollars), std_cost; in the order of the chain
    label     what a report calls the figures
    """

    lines: pl.DataFrame
    coverage: pl.DataFrame
    label: str = LABEL


CHAIN: Final = ("reference", "median", "family", "drg", "unstandardised", "zero", "unpriced")


def reprice(
    lines: pl.DataFrame,
    reference: pl.DataFrame,
    *,
    drg_base: Mapping[int, Decimal],
    population: pl.DataFrame | None = None,
) -> Repriced:
    """The standard cost of each line by the first that is there: reference price, median price, that of its code family,
    DRG weight x base amount, its own allowed amount.

    lines       LINE. modifier: the pricing modifier or ""; family: a group of alike codes, or NULL; drg_weight: of a stay, or
                NULL; units > 0 of a paid line; rows of one line_id are one line and its adjustments: amounts and units are added
                up before anything else. allowed_amount is NULL on a capitated line
    reference   as `reference.load` gives it; a price holds for its days
    drg_base    dollars of weight 1 by year; empty where stays have reference prices or none
    population  lines by which medians are told (the reference population), or None: `lines` themselves

    Source: statistics.md, section 5 (the idea of standardised payment: Health Affairs PMC3983731, exhibit 1).
    """
    netted = _netted(lines)
    told = netted if population is None else _netted(population)
    found = netted.join(_on_its_day(netted, reference), on="line_id", how="left")
    for name, key in (("median", SERVICE), ("family", FAMILY)):
        prices = median_prices(told, key).select(*key, pl.col("price").alias(f"{name}_price"))
        found = found.join(prices, on=key, how="left")
    assert found.height == netted.height, "a line has one price of each kind"
    base = pl.col("year").replace_strict(
        {year: int(amount * UNIT) for year, amount in drg_base.items()}, default=None, return_dtype=pl.Int64
    )
    weight = (pl.col("drg_weight") * UNIT).cast(pl.Int64)
    found = found.with_columns(stay_price=weight * base // UNIT)
    has_units = pl.col("thousandths") > 0
    is_paid = pl.col("is_paid") & ((pl.col("cents") > 0) | pl.col("cents").is_null())
    steps: list[tuple[str, pl.Expr, pl.Expr]] = [("zero", ~is_paid, pl.lit(0, dtype=pl.Int64))]
    for name, price in (("reference", "reference_price"), ("median", "median_price"), ("family", "family_price")):
        cents = (pl.col(price) * pl.col("thousandths") + 50_000) // 100_000
        steps.append((name, pl.col(price).is_not_null() & has_units, cents))
    steps.append(("drg", pl.col("stay_price").is_not_null(), (pl.col("stay_price") + 50) // 100))
    steps.append(("unstandardised", pl.col("cents").is_not_null(), pl.col("cents")))
    method: pl.Expr = pl.lit("unpriced")
    cost: pl.Expr = pl.lit(0, dtype=pl.Int64)
    for name, holds, cents in reversed(steps):
        method = pl.when(holds).then(pl.lit(name)).otherwise(method)
        cost = pl.when(holds).then(cents).otherwise(cost)
    priced = found.select("line_id", allowed_amount=_dollars(pl.col("cents")), std_cost=_dollars(cost), method=method)
    priced = priced.sort("line_id")
    return Repriced(lines=priced, coverage=_coverage(priced))


def median_prices(netted: pl.DataFrame, key: tuple[str, ...]) -> pl.DataFrame:
    """The columns of `key` and price: median allowed amount a unit in ten-thousandths of a dollar, of 11 lines and more from
    at least 3 payers and 3 providers; of two middle values their mean, rounded down.

    netted  lines as `reprice` nets them
    """
    counted = netted.filter(pl.col("is_paid"), pl.col("cents") > 0, pl.col("thousandths") > 0)
    unit_price = pl.col("cents") * 100_000 // pl.col("thousandths")
    ordered = counted.with_columns(unit_price=unit_price).drop_nulls(list(key))
    sides = pl.min_horizontal(pl.col("payer_id").n_unique(), pl.col("provider_id").n_unique())
    values = pl.col("unit_price").sort()
    return (
        ordered.group_by(key)
        .agg(
            price=(values.get((pl.len() - 1) // 2) + values.get(pl.len() // 2)) // 2,
            lines=pl.len(),
            sides=sides,
        )
        .filter(pl.col("lines") >= LEAST_LINES, pl.col("sides") >= LEAST_SIDES)
        .select(*key, "price")
        .sort(key)
    )


def _netted(lines: pl.DataFrame) -> pl.DataFrame:
    """One row a line: cents and thousandths of a unit added up over its adjustments; paid when any of its rows is."""
    missing = [name for name in LINE if name not in lines.columns]
    if missing:
        raise InputError(
            f"the lines have no column {', '.join(missing)}", remedy=f"Give the columns {', '.join(LINE)}."
        )
    typed = lines.select(pl.col(name).cast(kind) for name, kind in LINE.items())
    needed = ["line_id", "setting", "code", "modifier", "service_date", "is_paid"]
    without = typed.filter(pl.any_horizontal(pl.col(needed).is_null())).height
    if without:
        raise InputError(
            f"{', '.join(needed)} are missing in {without:,} of {typed.height:,} lines",
            remedy='A line without a pricing modifier has the modifier "".',
        )
    same = ["setting", "code", "modifier", "service_date"]
    paid = pl.col("is_paid")
    cents, units = (pl.col("allowed_amount") * 100).cast(pl.Int64), (pl.col("units") * 1000).cast(pl.Int64)
    netted = typed.group_by("line_id").agg(
        pl.first(*same, "family", "drg_weight", "payer_id", "provider_id"),
        pl.struct(same).n_unique().alias("services"),
        paid.any(),
        cents=pl.when(cents.filter(paid).count() > 0).then(cents.filter(paid).sum()),
        thousandths=units.filter(paid).sum(),
    )
    mixed = netted.filter(pl.col("services") > 1).height
    if mixed:
        raise InputError(
            f"{mixed:,} of {netted.height:,} lines have adjustments for another service, setting or day",
            remedy="Give an adjustment the line_id of the line that it corrects, or one of its own.",
        )
    return netted.with_columns(year=pl.col("service_date").dt.year())


def _on_its_day(netted: pl.DataFrame, reference: pl.DataFrame) -> pl.DataFrame:
    """line_id and reference_price in ten-thousandths of a dollar, of lines that have a price on their day."""
    held = netted.join(reference, on=["setting", "code", "modifier"], how="inner")
    ends = pl.col("eff_to").fill_null(pl.date(9999, 12, 31))
    return held.filter(pl.col("service_date").is_between(pl.col("eff_from"), ends)).select(
        "line_id", reference_price=(pl.col("price") * UNIT).cast(pl.Int64)
    )


def _dollars(cents: pl.Expr) -> pl.Expr:
    return (cents.cast(pl.Decimal(16, 0)) * pl.lit(Decimal("0.01"))).cast(pl.Decimal(14, 2))


def _coverage(priced: pl.DataFrame) -> pl.DataFrame:
    all_dollars = float(priced.filter(pl.col("method") != "zero")["allowed_amount"].sum() or 0)
    order = pl.DataFrame({"method": CHAIN, "place": range(len(CHAIN))})
    spent = pl.when(pl.col("method") == "zero").then(None).otherwise(pl.col("allowed_amount")).sum()
    return (
        priced.group_by("method")
        .agg(lines=pl.len(), allowed_amount=spent, std_cost=pl.col("std_cost").sum())
        .with_columns(share=pl.col("allowed_amount").cast(pl.Float64) / all_dollars if all_dollars else pl.lit(None))
        .join(order, on="method")
        .sort("place")
        .select("method", "lines", "allowed_amount", "share", "std_cost")
    )
