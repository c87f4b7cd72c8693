"""Generic dispensing rate, from measures/generic_dispensing/method.md alone: every fill of the period."""

import re
from datetime import date
from decimal import Decimal

from tests.oracles.model_rows import Answer, Answers, Lists, Model, Row, rounded, standing_fills, words


def answers(
    model: Model, lists: Lists, *, start: date, end: date, equivalents: str = "plain", products: str = "all"
) -> Answers:
    found: Answers = {}
    generics = {
        (row.effective_from, row.effective_to, parts(row))
        for rows in model.drugs.values()
        for row in rows
        if row.brand_generic == "G"
    }
    with_generic: dict[frozenset[str], list[tuple[date | None, date | None]]] = {}
    for first, last, ingredients in sorted(generics, key=str):
        with_generic.setdefault(ingredients, []).append((first, last))
    for person in model.persons.values():
        for fill in standing_fills(person):
            if not start <= fill.fill_date <= end:  # R1
                continue
            entry = next(
                (
                    row
                    for row in model.drugs.get(fill.ndc, ())
                    if holds(row.effective_from, row.effective_to, fill.fill_date)
                ),
                None,
            )
            kind = fill.brand_generic if fill.brand_generic in ("B", "G") else entry and entry.brand_generic
            ingredients = parts(fill) or (parts(entry) if entry else frozenset())
            named = words(ingredients)
            to_be_had = any(holds(*days, fill.fill_date) for days in with_generic.get(ingredients, ()))
            reasons = {
                "R3": not has_supply(fill),
                "R4": kind not in ("B", "G"),
                "R5": is_no_product(fill.ndc),
                "R6": bool(named & lists.codes("vaccine")),
                "R7": bool(named & lists.codes("device")),
                "R8": products == "with_generic" and kind != "G" and not to_be_had,
            }
            worth = thirty_day_fills(fill, equivalents)
            found["generic_dispensing", fill.fill_id] = Answer(
                person.person_id,
                frozenset(rule for rule, applies in reasons.items() if applies),
                value=worth if kind == "G" else Decimal(0),
                exposure=worth,
            )
    return found


def parts(row: Row) -> frozenset[str]:
    return frozenset(row.ingredients or ())


def holds(first: date | None, last: date | None, day: date) -> bool:
    return (first is None or first <= day) and (last is None or day <= last)


def has_supply(fill: Row) -> bool:
    return fill.days_supply is not None and fill.days_supply > 0


def thirty_day_fills(fill: Row, equivalents: str) -> Decimal:
    """R2."""
    if not has_supply(fill):
        return Decimal(0)
    worth = rounded(Decimal(fill.days_supply) / 30)
    return min(max(worth, Decimal(1)), Decimal(12)) if equivalents == "bounded" else worth


def is_no_product(ndc: str | None) -> bool:
    """R5."""
    return ndc is None or not re.fullmatch(r"[0-9]{11}", ndc) or set(ndc) in ({"0"}, {"9"})
