"""Rows of one provider or supplier beside each other: what a composite tells of its components, and which rows to hide for it.

Both read the printed figures alone. The audit (`told_together`) knows nothing of why a row is hidden, and what it finds stops the
release (gate rule G18), whatever the protection (`hidden_beside`) did.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from qe.disclosure.audit import AuditedRow
from qe.disclosure.cells import Count, Known
from qe.disclosure.inference import agree, told
from qe.disclosure.protection import protect
from qe.disclosure.results import CellFinding
from qe.disclosure.rows import Key, counts_of, key_of, known_of

AN_EVENT: Final = 1e-6  # of a row's cost: of two rows the one with fewer events is hidden
Components = Mapping[str, Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class _Family:
    """Rows of one unit whose counts hang together: by row what is asked of it, and what its figures tell if it is shown."""

    asked: Mapping[Key, tuple[Count, ...]]
    known: Mapping[Key, tuple[Known, ...]]

    @property
    def all_known(self) -> list[Known]:
        return [one for known in self.known.values() for one in known]


def hidden_beside(rows: Sequence[AuditedRow], components: Components, *, min_count: int) -> frozenset[Key]:
    """The rows to hide so that those left tell no small count together. components: of each composite, by its id."""
    found: set[Key] = set()
    for family in _families(rows, components):
        asked = [count for counts in family.asked.values() for count in counts]
        hidden = {id(one) for one in protect(family.all_known, asked, min_count=min_count).hidden}
        found |= {key for key, known in family.known.items() if any(id(one) in hidden for one in known)}
    return frozenset(found)


def told_together(rows: Sequence[AuditedRow], components: Components, *, min_count: int) -> Iterator[CellFinding]:
    """The rows, shown or hidden, of which the shown ones tell a small count together."""
    for family in _families(rows, components):
        for key, counts in family.asked.items():
            if any(True for _ in told(family.all_known, counts, min_count=min_count)):
                measure_id, level, public_id = key
                yield CellFinding(measure_id=measure_id, level=level, public_id=public_id, check="together")


def _families(rows: Sequence[AuditedRow], components: Components) -> Iterator[_Family]:
    related = {*components, *(one for parts in components.values() for one in parts)}
    by_unit: dict[tuple[str, str], list[AuditedRow]] = {}
    for row in rows:
        if row.result.measure_id in related:
            by_unit.setdefault((row.result.level, row.result.public_id), []).append(row)
    for members in by_unit.values():
        family = _family(members, components)
        # Where a stay counts in two components, the figures may rule the plain sum out: then the composite stands apart
        yield family if agree(family.all_known) else _family(members, {})


def _family(members: Sequence[AuditedRow], components: Components) -> _Family:
    return _Family(
        asked={key_of(row.result): counts_of(row.result, components, is_count=row.is_count) for row in members},
        known={
            key_of(row.result): known_of(row, components, cost=_cost(row))
            for row in members
            if row.result.note_code is None
        },
    )


def _cost(row: AuditedRow) -> float:
    return 1.0 + AN_EVENT * float(row.result.rate or 0) * float(row.result.denominator or 0)
