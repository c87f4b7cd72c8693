"""Amounts of money: Decimal with two places in Python, decimal(14, 2) in SQL; never a float."""

from decimal import ROUND_HALF_EVEN, Decimal

CENT = Decimal("0.01")
SQL_TYPE = "decimal(14, 2)"


def to_cents(amount: Decimal) -> Decimal:
    """The amount rounded half-even to whole cents."""
    return amount.quantize(CENT, rounding=ROUND_HALF_EVEN)


def whole_dollars(amount: Decimal) -> str:
    """The amount as a reader sees it in a report: "$1,235"."""
    dollars = amount.quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
    sign = "-" if dollars < 0 else ""
    return f"{sign}${abs(dollars):,}"
