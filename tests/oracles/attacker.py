"""An attacker without a solver: tries whole numbers atom by atom until published sums agree, or none are left to try.

Written from the criterion of rules.md section 3 alone. Only sums with ones as coefficients; small numbers, or it takes long.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence

Sums = Sequence[tuple[frozenset[Hashable], int, int | None]]  # atoms, least and most of their sum


def is_told(sums: Sums, asked: Iterable[Hashable], *, small: range) -> bool:
    """Whether every way to fill the atoms puts the sum of `asked` into `small`."""
    wanted = frozenset(asked)
    below, above = small.start - 1, small.stop
    return not _can_be(sums, wanted, 0, below) and not _can_be(sums, wanted, above, None)


def _can_be(sums: Sums, wanted: frozenset[Hashable], least: int, most: int | None) -> bool:
    return _fill([*sums, (wanted, least, most)])


def _fill(sums: Sums) -> bool:
    """Whether any whole numbers from zero agree with all sums: the atom that is bounded most tightly is tried first."""
    if any(most is not None and (most < 0 or least > most) for _, least, most in sums):
        return False
    open_sums = [one for one in sums if one[0]]
    if any(least > 0 for atoms, least, _ in sums if not atoms):
        return False
    limits: dict[Hashable, int] = {}
    for atoms, _, most in open_sums:
        for atom in atoms:
            if most is not None:
                limits[atom] = min(limits.get(atom, most), most)
    for atoms, least, _ in open_sums:
        if all(atom in limits for atom in atoms) and sum(limits[atom] for atom in atoms) < least:
            return False
    if not limits:
        return True  # what is left is bounded below alone
    atom = min(limits, key=lambda one: (limits[one], str(one)))
    return any(_fill(_with(open_sums, {atom: value})) for value in range(limits[atom], -1, -1))


def _with(sums: Sums, values: Mapping[Hashable, int]) -> Sums:
    left = []
    for atoms, least, most in sums:
        taken = sum(value for atom, value in values.items() if atom in atoms)
        left.append((atoms - values.keys(), max(0, least - taken), None if most is None else most - taken))
    return left
