"""Fills whose NDC stands in no drug map: a measure of drug classes cannot see them, so a run tells how many there are."""

import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from qe.measurement.measure import Module
from qe.periods import MeasurePeriod
from qe.warehouse import Warehouse

SQL = Path(__file__).parent / "sql"
READS_FILLS = re.compile(r"\b(?:from|join)\s+fill\b")


@dataclass(frozen=True, kw_only=True)
class UnmappedFills:
    """The fills of a measure period, and those of them that stand in no drug map.

    allowed_amount, unmapped_amount  dollars of all fills and of the unmapped ones
    """

    fills: int
    unmapped: int
    allowed_amount: Decimal
    unmapped_amount: Decimal

    def as_facts(self) -> dict[str, object]:
        """The counts and dollars with their shares, 0 to 1 to six decimals; a share of nothing is None."""
        return {
            "fills": self.fills,
            "unmapped": self.unmapped,
            "share": _share(self.unmapped, self.fills),
            "allowed_amount": float(self.allowed_amount),
            "unmapped_amount": float(self.unmapped_amount),
            "share_of_amount": _share(self.unmapped_amount, self.allowed_amount),
        }

    def message(self, module: Module) -> str:
        """One sentence: how many, of how many, and for how many dollars."""
        return (
            f"{module.id}: {self.unmapped:,} of {self.fills:,} fills of the period stand in no drug map and belong to no"
            f" class of drugs; ${self.unmapped_amount:,} of ${self.allowed_amount:,} were allowed for them"
        )


def unmapped_fills(db: Warehouse, module: Module, period: MeasurePeriod) -> UnmappedFills | None:
    """What of the fills in `db` no drug map holds; None for a module that reads no fills."""
    if not any(READS_FILLS.search(sql) for sql in module.sql.values()):
        return None
    row = db.frame(SQL / "unmapped_fill.sql", period_start=period.start, period_end=period.end).row(0, named=True)
    return UnmappedFills(**row)


def _share(part: int | Decimal, whole: int | Decimal) -> float | None:
    return round(float(part) / float(whole), 6) if whole else None
