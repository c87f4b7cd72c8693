"""Which published numbers to hide so that no count is told, at the least cost: the last resort after a release is redesigned.

Of numbers that together tell a count, one must go. All such sets are not known beforehand: the cheapest choice that breaks those
found so far is tried, the audit names the counts that are still told, and the numbers that tell them make new sets. Once the audit
finds nothing, nothing cheaper protects them either, as hiding more never tells more. The audit decides (qe.disclosure.inference).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from qe.disclosure.cells import Count, Known
from qe.disclosure.inference import explained, told


@dataclass(frozen=True, kw_only=True)
class Protection:
    """What to show and to hide, in the order of the numbers.

    lost  counts that earlier releases tell by themselves: nothing hidden now protects them
    """

    shown: tuple[Known, ...]
    hidden: tuple[Known, ...]
    lost: tuple[Count, ...]

    @property
    def cost(self) -> float:
        return sum(one.cost or 0.0 for one in self.hidden)


def protect(known: Sequence[Known], asked: Sequence[Count], *, min_count: int) -> Protection:
    """The cheapest numbers to hide so that none of the counts `asked` for is told, but for those that are lost already."""
    lost = tuple(told([one for one in known if one.cost is None], asked, min_count=min_count))
    wanted = [count for count in asked if count not in lost]
    sets: list[tuple[int, ...]] = []
    while True:
        away = _cheapest(known, sets)
        shown = [one for place, one in enumerate(known) if place not in away]
        found = list(told(shown, wanted, min_count=min_count))
        if not found:
            break
        place = {id(one): number for number, one in enumerate(known)}
        for count in found:
            by = explained(shown, count, min_count=min_count).by
            sets.append(tuple(place[id(one)] for one in by if one.cost is not None))
    return Protection(
        shown=tuple(shown), hidden=tuple(one for place, one in enumerate(known) if place in away), lost=lost
    )


def _cheapest(known: Sequence[Known], sets: Sequence[tuple[int, ...]]) -> frozenset[int]:
    """The places of numbers, one or more of every set, that cost least together; of equal ones the solver's, always the same."""
    if not sets:
        return frozenset()
    entries = [(row, place) for row, members in enumerate(sets) for place in members]
    rows, places = zip(*entries, strict=True)
    answer = milp(
        np.array([0.0 if one.cost is None else one.cost for one in known]),
        constraints=LinearConstraint(
            csr_array((np.ones(len(entries)), (rows, places)), shape=(len(sets), len(known))), 1, np.inf
        ),
        bounds=Bounds(0, np.array([0.0 if one.cost is None else 1.0 for one in known])),
        integrality=np.ones(len(known), dtype=np.int64),
    )
    if answer.x is None:
        raise RuntimeError(f"the solver of the disclosure protection gave up: {answer.message}")
    return frozenset(int(place) for place in np.flatnonzero(answer.x > 0.5))
