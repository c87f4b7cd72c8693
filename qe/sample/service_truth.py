"""truth/services.csv: every claim and fill of the files as it stands in the end, told by what its payer decided.

Written where the switch `services` is on, for it is as long as the claims. Claims of one `service` are one service: the
second payer's copy and the plan's stay that Medicare shows for information have the number of the first payer's claim.
"""

import numpy as np
import polars as pl

from qe.sample.adjudicate import (
    COST_AVOIDED,
    DENIED,
    EXHAUSTED,
    INFORMATION_ONLY,
    PAID,
    REVERSED_AND_REPLACED,
    Bills,
    refused,
)
from qe.sample.claims import INPATIENT, SNF_STAY, Table
from qe.sample.codes import Ints
from qe.sample.delimited import Column, DelimitedFile, dates, money, picked
from qe.sample.late_charges import LATE
from qe.sample.people import SEGMENTS
from qe.sample.rif import FILES, Block

COLUMNS = (
    "service", "person", "source", "claim", "kind", "day", "facility_ccn", "admit_date", "discharge_date", "outcome",
    "is_copy", "is_late_charge", "payer", "allowed", "paid",
)  # fmt: skip
OUTCOMES = {
    PAID: "paid",
    DENIED: "denied",
    COST_AVOIDED: "cost_avoided",
    EXHAUSTED: "exhausted",
    INFORMATION_ONLY: "information_only",
}
_PROFESSIONAL, _INSTITUTIONAL, _FILL = 1, 2, 3  # first digit of a service's number in its block
_BLOCK, _DIGIT = 10**11, 10**10


def standing_numbers(claims: Table, places: Ints, controls: pl.Series) -> pl.Series:
    """The number under which each of a payer's claims at `places` stands in the end; every other replacement has its own."""
    anew = (claims["history"][places] == REVERSED_AND_REPLACED) & (claims["number"][places] % 2 == 1)
    return controls + picked(("", "N"), anew.astype(np.int64))


class ServiceTruth:
    """The open file truth/services.csv, or one block's part of it; None where nobody asked for it."""

    def __init__(self, file: DelimitedFile | None) -> None:
        self.file = file

    def claims(self, block: Block, source: str, bills: Bills, places: Ints, numbers: pl.Series) -> None:
        """The claims at `places` of `bills`, whose written numbers (of the version that stands) are `numbers`.

        allowed   what the payer allows, for a stay of Medicare with the pass-through payments
        paid      what this payer pays
        """
        if self.file is None:
            return
        claims, providers = bills.claims, block.providers
        is_facility = "stay" in claims
        allowed, paid = _amounts(bills, has_pass_through=source == "medicare")
        outcome = np.where(refused(bills), DENIED, claims["outcome"])
        late = 0 * places
        if is_facility:
            late = (claims["frequency"] == LATE)[places].astype(np.int64)
            kind = picked(tuple(FILES[value] for value in sorted(FILES)), claims["type"][places])
            in_bed = np.isin(claims["type"], (INPATIENT, SNF_STAY))
            admit, discharge = (
                dates(np.where(in_bed, claims[name], -1)[places], "iso") for name in ("admit", "discharge")
            )
            facility = picked(providers.f_ccn, claims["facility"][places])
        else:
            kind = picked(("professional", "dme"), claims["supplier"][places])
            admit = discharge = facility = pl.Series([""]).new_from_index(0, len(places))
        service = block.index * _BLOCK + (_INSTITUTIONAL if is_facility else _PROFESSIONAL) * _DIGIT
        columns: dict[str, Column] = {
            "service": pl.Series(service + claims["number"][places]),
            "person": pl.Series(block.persons.first + claims["person"][places]),
            "source": source,
            "claim": numbers,
            "kind": kind,
            "day": dates(claims["start" if is_facility else "day"][places], "iso"),
            "facility_ccn": facility,
            "admit_date": admit,
            "discharge_date": discharge,
            "outcome": picked(tuple(OUTCOMES[value] for value in sorted(OUTCOMES)), outcome[places]),
            "is_copy": pl.Series(claims["secondary"][places]),
            "is_late_charge": pl.Series(late),
            "payer": picked(SEGMENTS, claims["payer"][places]),
            "allowed": money(allowed[places]),
            "paid": money(paid[places]),
        }
        self.file.write(columns, len(places))

    def fills(self, block: Block, source: str, fills: Table, numbers: pl.Series) -> None:
        """Fills of one source with their written numbers. `fills`: place, person, day, payer, returned, allowed, paid."""
        if self.file is None:
            return
        count = len(fills["place"])
        back = fills["returned"] == 1
        columns: dict[str, Column] = {
            "service": pl.Series(block.index * _BLOCK + _FILL * _DIGIT + fills["place"]),
            "person": pl.Series(block.persons.first + fills["person"]),
            "source": source,
            "claim": numbers,
            "kind": "pharmacy",
            "day": dates(fills["day"], "iso"),
            "outcome": picked(("paid", "reversed"), fills["returned"]),
            "is_copy": "0",
            "is_late_charge": "0",
            "payer": picked(SEGMENTS, fills["payer"]),
            "allowed": money(np.where(back, 0, fills["allowed"])),
            "paid": money(np.where(back, 0, fills["paid"])),
        }
        self.file.write(columns, count)


def _amounts(bills: Bills, *, has_pass_through: bool) -> tuple[Ints, Ints]:
    """Allowed and paid cents of each claim."""
    claims, lines = bills.claims, bills.lines
    if "allowed" in claims:
        days = np.where(claims["outcome"] == EXHAUSTED, 0, claims["covered_days"])
        beside = claims["pass_through"] * days if has_pass_through else 0 * days
        return claims["allowed"] + beside, claims["paid"]

    def summed(name: str) -> Ints:
        return np.bincount(lines["claim"], weights=lines[name], minlength=len(claims["number"])).astype(np.int64)

    return summed("allowed"), summed("paid")
