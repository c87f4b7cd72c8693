"""The cell model: what published numbers tell of the counts behind them, as sums of atoms between two whole numbers.

An atom is a count that nothing published splits further: of one provider or supplier, measure, quarter and payer, the events of the
numerator, those of the denominator outside it, or those left out. Each number that leaves is a sum of atoms that a reader can
place between a least and a most, by its printed digits; a hidden number tells nothing. Source: rules.md section 3.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Part = Literal["numerator", "rest", "excluded"]


@dataclass(frozen=True, kw_only=True, order=True)
class Atom:
    """One count of events of persons. quarter: like "2025Q4"; payer: like "medicare"; rest: of the denominator, not counted."""

    measure_id: str
    unit_id: str
    quarter: str
    payer: str
    part: Part


Sum = Mapping[Atom, int]  # how often each atom is added; a difference subtracts some


@dataclass(frozen=True, kw_only=True)
class Count:
    """A count that a reader may be after. `name` says which, without its value."""

    name: str
    atoms: Sum


@dataclass(frozen=True, kw_only=True)
class Known:
    """What one published number tells: the sum of its atoms is a whole number from `least` to `most`.

    name  where the number stands, without its value
    most  None: nothing bounds it above
    cost  what readers lose when it is hidden, in any unit; None: it cannot be hidden, as what an earlier release has shown
    row   numbers of one row are shown or hidden together; empty: it stands alone
    """

    name: str
    atoms: Sum
    least: int
    most: int | None
    cost: float | None = 1.0
    row: str = ""

    @property
    def hidden_with(self) -> str:
        return self.row or self.name

    @classmethod
    def exactly(cls, name: str, atoms: Sum, value: int, *, cost: float | None = 1.0, row: str = "") -> "Known":
        """A count that is printed as it is."""
        return cls(name=name, atoms=atoms, least=value, most=value, cost=cost, row=row)
