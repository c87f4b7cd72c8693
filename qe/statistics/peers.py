"""Peer groups: units of one level compared with each other, widened by a stated chain until there are enough."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

PLURAL: Final = {"clinician": "clinicians", "group": "groups", "facility": "hospitals and facilities", "area": "areas"}
# Federal codes (FIPS 5-2) of the states and territories after their postal codes
_STATES: Final = (
    "AL01 AK02 AZ04 AR05 CA06 CO08 CT09 DE10 DC11 FL12 GA13 HI15 ID16 IL17 IN18 IA19 KS20 KY21 LA22 ME23 MD24 MA25 MI26 "
    "MN27 MS28 MO29 MT30 NE31 NV32 NH33 NJ34 NM35 NY36 NC37 ND38 OH39 OK40 OR41 PA42 RI44 SC45 SD46 TN47 TX48 UT49 VT50 "
    "VA51 WA53 WV54 WI55 WY56 AS60 GU66 MP69 PR72 VI78"
)
STATES: Final = {pair[:2]: pair[2:] for pair in _STATES.split()}
WORDS: Final = {"specialty": "specialty", "size_quartile": "size quarter", "area": "county"}


@dataclass(frozen=True, kw_only=True)
class PeerGroups:
    """label by unit; `members` are the units with enough cases, which alone make a comparison."""

    label: dict[str, str]
    members: dict[str, tuple[str, ...]]


def assign(
    units: pl.DataFrame, *, level: str, by: Sequence[str], min_peers: int, areas: Sequence[str] = ()
) -> PeerGroups:
    """The peer group of every unit of one measure and level.

    units  unit_id, specialty, county_fips, size (its denominator), is_eligible; one row a unit
    by     keys in order; the last is dropped first when fewer than `min_peers` eligible units share all of them
    areas  the site's: states (OH or 39) or counties (39049). Without keys, a unit inside them is compared with the units
           inside them. Of other texts nothing is known, and none is told apart

    The last resort is every unit of the level in this report, even when those are fewer than `min_peers`: the label says so.
    """
    keyed = units.sort("unit_id").with_columns(
        specialty=pl.col("specialty").fill_null("unknown"),
        area=pl.col("county_fips").fill_null("unknown"),
        size_quartile=_size_quarter(units.sort("unit_id")),
    )
    within = _codes(areas)
    is_inside = {
        unit: bool(within) and (county or "").startswith(within)
        for unit, county in keyed.select("unit_id", "county_fips").rows()
    }
    eligible = keyed.filter("is_eligible")["unit_id"].to_list()
    inside = [unit for unit in eligible if is_inside[unit]]
    sharing: dict[tuple[str, ...], list[str]] = {}
    for row in keyed.filter("is_eligible").iter_rows(named=True):
        for keep in range(len(by) + 1):
            sharing.setdefault(tuple(str(row[key]) for key in by[:keep]), []).append(row["unit_id"])
    label: dict[str, str] = {}
    members: dict[str, tuple[str, ...]] = {}
    for row in keyed.iter_rows(named=True):
        for keep in range(len(by), -1, -1):
            values = tuple(str(row[key]) for key in by[:keep])
            same = sharing.get(values, [])
            if not values and is_inside[row["unit_id"]] and min_peers <= len(inside) < len(eligible):
                name = f"all {PLURAL[level]} inside the areas of this report (n = {len(inside)})"
                label[row["unit_id"]] = name
                members.setdefault(name, tuple(inside))
                break
            if len(same) >= min_peers or not values:
                name = _label(level, list(zip(by[:keep], values, strict=True)), len(same), min_peers)
                label[row["unit_id"]] = name
                members.setdefault(name, tuple(same))
                break
    return PeerGroups(label=label, members=members)


def group_of(
    groups: Sequence[str],
    *,
    level: str,
    by: Sequence[str],
    specialty: str | None,
    county_fips: str | None,
    before: str,
    areas: Sequence[str] = (),
) -> str | None:
    """The one of the groups that were compared (their labels) to which a unit of the level belongs by its corrected details.

    before  the label of its group till now, which tells its quarter of size; None where that is needed and it does not tell it
    Keys, their order and what is left out first are those of `assign`; nobody else's group changes.
    """
    size = re.search(rf"{WORDS['size_quartile']} (\d)", before)
    values = {"specialty": specialty or "unknown", "area": county_fips or "unknown"}
    values |= {"size_quartile": size.group(1)} if size else {}
    within = _codes(areas)
    for keep in range(len(by), 0, -1):
        if not set(by[:keep]) <= values.keys():
            if any(f"{WORDS['size_quartile']} " in one for one in groups):
                return None
            continue
        prefix = _label(level, [(key, values[key]) for key in by[:keep]], 0, 0).removesuffix("(n = 0)")
        if found := [one for one in groups if one.startswith(f"{prefix}(n = ")]:
            return found[0]
    inside = bool(within) and (county_fips or "").startswith(within)
    everybody = [f"all {PLURAL[level]} {where}" for where in ("inside the areas of this report", "in this report")]
    wanted = everybody if inside else everybody[1:]
    return next((one for start in wanted for one in groups if one.startswith(start)), None)


def _codes(areas: Sequence[str]) -> tuple[str, ...]:
    """What the county codes inside the areas begin with; nothing where one of the areas is neither a state nor a county."""
    codes = [STATES.get(area, area) for area in areas]
    return tuple(codes) if all(code.isdigit() and len(code) in (2, 5) for code in codes) else ()


def _size_quarter(units: pl.DataFrame) -> pl.Series:
    """1 to 4 by denominator among eligible units."""
    size = units["size"].cast(pl.Float64).to_numpy()
    eligible = units["is_eligible"].to_numpy()
    if not eligible.any():
        return pl.Series(values=["1"] * units.height, dtype=pl.String)
    cuts = np.quantile(size[eligible], [0.25, 0.5, 0.75])
    return pl.Series(
        values=[str(int(np.searchsorted(cuts, value, side="left")) + 1) for value in size], dtype=pl.String
    )


def _label(level: str, keys: list[tuple[str, str]], count: int, min_peers: int) -> str:
    noun = PLURAL[level]
    if keys:
        return f"{noun}, " + ", ".join(f"{WORDS[key]} {value}" for key, value in keys) + f" (n = {count})"
    few = f", fewer than {min_peers}" if count < min_peers else ""
    return f"all {noun} in this report (n = {count}{few})"
