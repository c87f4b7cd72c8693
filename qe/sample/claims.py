"""What the services of a block are before anyone pays: claims and lines as columns, without a payer's dialect."""

from collections.abc import Sequence

import numpy as np

from qe.sample.codes import Bools, Ints, codes

Table = dict[str, Ints]
"""Columns of equal length. Professional claims: person, day, thru, clinician, group, place (of service), facility (-1),
referring (-1), diagnoses (claims x 12), supplier, exempt. Professional lines: claim, service, day, units, cents, marker
(modifier 26 or 0). Institutional claims: person, type, facility, admit, start, thru, discharge, status, frequency, drg,
origin, urgency, diagnoses, procedures (claims x 1), procedure_day, cents, stay, covered_days, first_bill, exempt.
Institutional lines: claim, revenue, service, day, units, cents. Amounts are cents at Medicare's price; -1 is none."""

INPATIENT, SNF_STAY, OUTPATIENT, HOSPICE = range(4)
DIAGNOSES = 12


def stack(tables: Sequence[Table]) -> Table:
    """All rows of `tables`, whose columns are the same."""
    return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}


def stack_claims(parts: Sequence[tuple[Table, Table]]) -> tuple[Table, Table]:
    """Claims and lines of several parts as one; the lines keep pointing at their claims."""
    offset, lines = 0, []
    for claims, own in parts:
        lines.append({**own, "claim": own["claim"] + offset})
        offset += len(claims["person"])
    return stack([claims for claims, _ in parts]), stack(lines)


def take(table: Table, rows: Ints | Bools) -> Table:
    return {name: values[rows] for name, values in table.items()}


def keep_claims(claims: Table, lines: Table, wanted: Bools) -> tuple[Table, Table]:
    """The claims in `wanted`, with their lines."""
    place = np.cumsum(wanted) - 1
    kept = take(lines, wanted[lines["claim"]])
    return take(claims, wanted), {**kept, "claim": place[kept["claim"]]}


def compact(present: Bools, values: Ints, width: int) -> Ints:
    """The values of each row that are `present`, moved to the left; -1 fills the rest up to `width` columns."""
    order = np.argsort(~present, axis=1, kind="stable")[:, :width]
    moved = np.where(np.take_along_axis(present, order, axis=1), np.take_along_axis(values, order, axis=1), -1)
    if moved.shape[1] < width:
        moved = np.pad(moved, ((0, 0), (0, width - moved.shape[1])), constant_values=-1)
    return np.asarray(moved)


def with_principal(principal: Ints, others: Ints) -> Ints:
    """Diagnoses with `principal` first (kept once); rows without it (-1) begin with the others."""
    joined = np.concatenate([principal[:, None], np.where(others == principal[:, None], -1, others)], axis=1)
    return compact(joined >= 0, joined, DIAGNOSES)


def cents(service: Ints, units: Ints, *, at_facility: bool = False) -> Ints:
    table = codes().facility_fee if at_facility else codes().fee
    return np.asarray(np.round(table * 100).astype(np.int64)[service] * units)


def one_line(service: Ints, day: Ints, units: Ints, marker: Ints) -> Table:
    """One professional line a claim, in the order of the claims."""
    return {
        "claim": np.arange(len(service)),
        "service": service,
        "day": day,
        "units": units,
        "cents": cents(service, units),
        "marker": marker,
    }
