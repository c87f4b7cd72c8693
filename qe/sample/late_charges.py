"""Late charges: a hospital's second bill for an outpatient visit, frequency 5, with what the first one left out (section 6)."""

import numpy as np

from qe.sample.adjudicate import Bills, Desk
from qe.sample.claims import OUTPATIENT, Table, stack_claims, take

LATE = 5  # third digit of the bill type, CLM_FREQ_CD
SUPPLIES = 270  # revenue code


def late_charges(rng: np.random.Generator, claims: Table, rate: float) -> tuple[Table, Table]:
    """The later bills, one line each without a procedure code: a twentieth of the first bill, whose number is `first`."""
    drawn = rng.random(len(claims["person"])) < rate
    first = np.flatnonzero(drawn & (claims["type"] == OUTPATIENT) & (claims["exempt"] == 0))
    late = take(claims, first)
    count = len(first)
    late |= {
        "first": first,
        "frequency": np.full(count, LATE),
        "exempt": np.ones(count, dtype=np.int64),
        "cents": np.maximum(late["cents"] // 20, 100),
        "first_bill": np.zeros(count, dtype=np.int64),
    }
    lines = {
        "claim": np.arange(count),
        "revenue": np.full(count, SUPPLIES),
        "service": np.full(count, -1),
        "day": late["start"],
        "units": np.ones(count, dtype=np.int64),
        "cents": late["cents"],
    }
    return late, lines


def with_late_charges(desk: Desk, bills: dict[str, Bills], claims: Table, rate: float) -> dict[str, Bills]:
    """The bills of each receiver and those of the late charges, numbered after all others and paid after the first bill."""
    late = desk.institutional(*late_charges(desk.rng, claims, rate))
    found = {}
    for receiver, own in bills.items():
        added = late[receiver]
        order = np.argsort(own.claims["number"])
        first = order[np.searchsorted(own.claims["number"], added.claims["first"], sorter=order)]
        numbered = added.claims | {
            "number": added.claims["number"] + len(claims["person"]),
            "paid_day": np.maximum(added.claims["paid_day"], own.claims["paid_day"][first] + 1),
        }
        together = stack_claims([(own.claims, own.lines), (numbered, added.lines)])
        found[receiver] = Bills(claims=together[0], lines=together[1])
    return found
