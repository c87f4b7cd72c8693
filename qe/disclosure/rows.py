"""Public rows in the cell model: the counts behind a row, and what its printed figures tell of them.

Rows of one provider or supplier share counts where a measure is composed of others and where periods overlap. A composite is taken
as the plain sum of its components: events that two of them claim are rare, and a reader who reckons so is hardly off.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Final

from qe.disclosure.audit import AuditedRow, numerator_bounds
from qe.disclosure.cells import Atom, Count, Known, Part, Sum
from qe.disclosure.results import PublicResult
from qe.periods import months_before
from qe.providers import Level

ALL_PAYERS: Final = "all"
Key = tuple[str, Level, str]


def key_of(row: PublicResult) -> Key:
    """What a public row is known by within its release: measure_id, level, public_id."""
    return row.measure_id, row.level, row.public_id


def counts_of(row: PublicResult, components: Mapping[str, Sequence[str]], *, is_count: bool) -> tuple[Count, ...]:
    """The counts of persons or events behind a row, whether or not it is shown. components: of a composite, by its id."""
    name = " ".join(key_of(row))
    counted = Count(name=f"{name} numerator", atoms=_sum(row, "numerator", components))
    if not is_count:
        return (counted,)
    rest = _sum(row, "rest", components)
    return (
        counted,
        Count(name=f"{name} rest", atoms=rest),
        Count(name=f"{name} denominator", atoms={**counted.atoms, **rest}),
    )


def known_of(
    row: AuditedRow, components: Mapping[str, Sequence[str]], *, cost: float | None = 1.0
) -> tuple[Known, ...]:
    """What the figures of a shown row tell of these counts, each by itself. Of dollars, nothing is told of a count.

    cost  of the row; None: an earlier release has shown it
    """
    result, bounds = row.result, numerator_bounds(row)
    if bounds is None:
        return ()
    name = " ".join(key_of(result))
    counts = counts_of(result, components, is_count=row.is_count)
    counted = Known(
        name=f"{name} numerator", atoms=counts[0].atoms, least=bounds[0], most=bounds[1], cost=cost, row=name
    )
    if not row.is_count or result.denominator is None:
        return (counted,)
    beside = None if cost is None else 0.0  # its row's cost is told once
    size = int(result.denominator)
    return counted, Known.exactly(f"{name} denominator", counts[-1].atoms, size, cost=beside, row=name)


def quarters_of(start: date, end: date) -> tuple[str, ...]:
    """The calendar quarters that a period is made of; one of other days stands for itself."""
    following = end + timedelta(days=1)
    if any((day.day, day.month % 3) != (1, 1) for day in (start, following)):
        return (f"{start}/{end}",)
    found, first = [], start
    while first < following:
        found.append(f"{first.year}Q{(first.month + 2) // 3}")
        first = months_before(first, -3)
    return tuple(found)


def _sum(row: PublicResult, part: Part, components: Mapping[str, Sequence[str]]) -> Sum:
    return {
        Atom(
            measure_id=measure_id,
            unit_id=f"{row.level} {row.public_id}",
            quarter=quarter,
            payer=ALL_PAYERS,
            part=part,
        ): 1
        for measure_id in components.get(row.measure_id, (row.measure_id,))
        for quarter in quarters_of(row.period_start, row.period_end)
    }
