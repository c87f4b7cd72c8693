"""Which published numbers to hide so that no count is told, at the least cost: the last resort after a release is redesigned.

Of numbers that together tell a count, one must go. All such sets are not known beforehand: the cheapest choice that breaks those
found so far is tried, the audit names the counts that are still told, and the numbers that tell them make new sets. Once the audit
finds nothing, nothing cheaper protects them either, as hiding more never tells more. The audit decides (qe.disclosure.inference).
"""

from collections.abc import Mapping, Sequence
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
    costs: dict[str, float] = {}
    for one in known:
        if one.cost is not None:
            costs[one.hidden_with] = costs.get(one.hidden_with, 0.0) + one.cost
    lost = tuple(told([one for one in known if one.cost is None], asked, min_count=min_count))
    wanted = [count for count in asked if count not in lost]
    sets: list[frozenset[str]] = []
    while True:
        away = _cheapest(costs, sets)
        shown = [one for one in known if one.cost is None or one.hidden_with not in away]
        found = list(told(shown, wanted, min_count=min_count))
        if not found:
            break
        for count in found:
            by = explained(shown, count, min_count=min_count)
            sets.append(frozenset(one.hidden_with for one in by if one.cost is not None))
    return Protection(
        shown=tuple(shown),
        hidden=tuple(one for one in known if one.cost is not None and one.hidden_with in away),
        lost=lost,
    )


def _cheapest(costs: Mapping[str, float], sets: Sequence[frozenset[str]]) -> frozenset[str]:
    """The rows, one or more of every set, that cost least together; of equal ones the solver's, always the same."""
    if not sets:
        return frozenset()
    place = {row: column for column, row in enumerate(costs)}
    entries = [(number, place[row]) for number, members in enumerate(sets) for row in sorted(members)]
    numbers, columns = zip(*entries, strict=True)
    answer = milp(
        np.array(list(costs.values())),
        constraints=LinearConstraint(
            csr_array((np.ones(len(entries)), (numbers, columns)), shape=(len(sets), len(costs))), 1, np.inf
        ),
        bounds=Bounds(0, 1),
        integrality=np.ones(len(costs), dtype=np.int64),
        options={"mip_rel_gap": 0.0},  # by default a choice that is nearly the cheapest would do
    )
    if answer.x is None:
        raise RuntimeError(f"the solver of the disclosure protection gave up: {answer.message}")
    return frozenset(row for row, column in place.items() if answer.x[column] > 0.5)
