"""What everything that is public tells together: is a count forced into 1 to 10?

The attacker is an integer program: the counts are whole numbers, zero or more, that agree with every number known. A count is told
when no such numbers make it zero, or at least the least count that may be shown. It is given neither the true counts nor how
numbers were hidden, and it decides, whatever protected them (rules.md section 3, criterion of non-inference).
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from qe.disclosure.cells import Atom, Count, Known, Sum

FOUND: Final = 0  # of scipy.optimize.milp
INFEASIBLE: Final = 2


class ContradictionError(ValueError):
    """No counts at all agree with the published numbers: one of them is not what was counted. `name` is a count asked for."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name}: the published numbers contradict each other")


def told(known: Sequence[Known], asked: Iterable[Count], *, min_count: int) -> Iterator[Count]:
    """The counts of `asked` that the numbers place in 1 to min_count - 1, in their order. ContradictionError: numbers disagree."""
    together = _Connected(known)
    for count in asked:
        if _places(together.about(count), count, min_count=min_count):
            yield count


def explained(known: Sequence[Known], count: Count, *, min_count: int) -> tuple[Known, ...]:
    """Numbers that tell a count which all of `known` tell, none of them to spare: with any one hidden the others do not.

    What was shown before (no cost) is kept for last, so that the numbers that can be hidden are as few as may be.
    """
    needed = sorted(_Connected(known).about(count), key=lambda one: (one.cost is None, -(one.cost or 0)))
    step = len(needed)
    while step := step // 2:  # in halves first: most numbers are to spare
        start = 0
        while start < len(needed):
            fewer = needed[:start] + needed[start + step :]
            if _places(fewer, count, min_count=min_count):
                needed = fewer
            else:
                start += step
    return tuple(needed)


def agree(known: Sequence[Known]) -> bool:
    """Whether any counts at all agree with all the numbers."""
    return not known or _Program(known, Count(name="nothing", atoms={})).is_possible(-np.inf, np.inf)


class _Connected:
    """The numbers by what hangs together: those that share no atom, not by way of others either, tell nothing of each other."""

    def __init__(self, known: Sequence[Known]) -> None:
        self._place: dict[Atom, int] = {}
        for one in known:
            for atom in one.atoms:
                self._place.setdefault(atom, len(self._place))
        first = [self._place[next(iter(one.atoms))] for one in known for _ in one.atoms]
        every = [self._place[atom] for one in known for atom in one.atoms]
        size = len(self._place)
        links = csr_array((np.ones(len(every)), (first, every)), shape=(size, size))
        self._part: list[int] = connected_components(links, directed=False)[1].tolist() if size else []
        self._by_part: dict[int, list[Known]] = {}
        for one in known:
            self._by_part.setdefault(self._part[self._place[next(iter(one.atoms))]], []).append(one)

    def about(self, count: Count) -> list[Known]:
        """The numbers that may tell something of the count."""
        parts = {self._part[self._place[atom]] for atom in count.atoms if atom in self._place}
        return [one for part in sorted(parts) for one in self._by_part[part]]


def _places(known: Sequence[Known], count: Count, *, min_count: int) -> bool:
    """Whether the count can be nothing but 1 to min_count - 1."""
    atoms = {atom for one in known for atom in one.atoms}
    if any(times > 0 and atom not in atoms for atom, times in count.atoms.items()):
        return False  # nothing bounds that atom
    if any(one.atoms == count.atoms and one.least >= min_count for one in known):
        return False  # a number of its own says that it is not small
    program = _Program(known, count)
    if program.is_possible(0, 0) or program.is_possible(min_count, np.inf):
        return False
    if not program.is_possible(-np.inf, np.inf):
        raise ContradictionError(count.name)
    return True


class _Program:
    """The whole numbers that agree with `known`, asked about one count."""

    def __init__(self, known: Sequence[Known], count: Count) -> None:
        sums = [*(one.atoms for one in known), count.atoms]
        place = {atom: column for column, atom in enumerate(dict.fromkeys(atom for one in sums for atom in one))}
        self._rows = _matrix(sums, place)
        self._least = np.array([float(one.least) for one in known])
        self._most = np.array([np.inf if one.most is None else float(one.most) for one in known])

    def is_possible(self, least: float, most: float) -> bool:
        """Whether the count can lie in [least, most]."""
        size = self._rows.shape[1]
        answer = milp(
            np.zeros(size),
            constraints=LinearConstraint(self._rows, np.append(self._least, least), np.append(self._most, most)),
            bounds=Bounds(0, np.inf),
            integrality=np.ones(size, dtype=np.int64),
        )
        if answer.status not in (FOUND, INFEASIBLE):
            raise RuntimeError(f"the solver of the disclosure audit gave up: {answer.message}")
        return bool(answer.status == FOUND)


def _matrix(sums: Sequence[Sum], place: dict[Atom, int]) -> csr_array:
    entries = [(row, place[atom], times) for row, one in enumerate(sums) for atom, times in one.items()]
    rows, columns, times = zip(*entries, strict=True)
    return csr_array((np.array(times, dtype=np.float64), (rows, columns)), shape=(len(sums), len(place)))
