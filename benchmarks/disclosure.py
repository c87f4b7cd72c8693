"""Can a reader work out a count of 1 to 10? The adversary of the disclosure control, with an attacker of its own code.

Releases are small tables of counts with their margins (providers by quarters) and an earlier release that shows some sums of the
same counts. The attacker (tests/oracles/attacker.py) tries whole numbers until everything published agrees; it shares nothing with
the audit, which asks an integer program. Rates are inverted here in decimals, for every denominator up to 5,000.
"""

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import combinations
from typing import Final

from qe.disclosure.audit import AuditedRow, findings_of
from qe.disclosure.cells import Atom, Count, Known
from qe.disclosure.inference import told
from qe.disclosure.protection import protect
from qe.progress import Progress, Silent
from tests.oracles import attacker
from tests.public_rows import public_result

MIN_COUNT: Final = 11
SMALL: Final = range(1, MIN_COUNT)
LARGEST: Final = 16  # of a cell: what the attacker tries takes longer with each
FALSE_ALARMS: Final = 0.02
LOSS: Final = 1.10  # of the information lost by the cheapest protection there is


@dataclass(frozen=True, kw_only=True)
class Release:
    """What is published, with what an earlier release has shown (no cost), and the counts that a reader may be after."""

    known: tuple[Known, ...]
    asked: tuple[Count, ...]


@dataclass(frozen=True, kw_only=True)
class Found:
    """What the suite found.

    planted, caught        releases in which one number too many is shown, and those that the audit finds
    clean, false_alarms    releases that tell nothing, by trying everything, and those of them that the audit finds
    attacked, recovered    protected releases, and those of them from which the attacker recovers a count
    rates, rates_missed    denominators with numerators of 1 to 10, and those whose rate the audit lets pass though it tells them;
                           rates_over: those that it finds though they do not
    tables, hidden, least  small tables, the numbers hidden in them, and the fewest that protect them
    """

    planted: int
    caught: int
    clean: int
    false_alarms: int
    attacked: int
    recovered: int
    rates: int
    rates_missed: int
    rates_over: int
    tables: int
    hidden: int
    least: int

    @property
    def shortfalls(self) -> list[str]:
        return [
            said
            for said, holds in (
                (f"{self.planted - self.caught} planted leaks were missed", self.caught == self.planted),
                (f"{self.false_alarms} false alarms", self.false_alarms <= FALSE_ALARMS * self.clean),
                (f"{self.recovered} protected releases tell a count", not self.recovered),
                (f"{self.rates_missed} rates that tell a count pass", not self.rates_missed),
                (f"{self.hidden} numbers hidden, {self.least} would do", self.hidden <= LOSS * self.least),
            )
            if not holds
        ]


def check(
    *, planted: int, clean: int, attacked: int, largest: int, tables: int, seed: int, progress: Progress | None = None
) -> Found:
    """The whole suite. largest: denominator of the rates that are inverted."""
    bar, chance = progress or Silent(), random.Random(seed)
    bar.start("planting leaks")
    leaks = [_leaking(chance) for _ in range(planted)]
    caught = sum(_is_found(one) for one in leaks)
    bar.finish()
    bar.start("clean releases")
    false_alarms = sum(_is_found(_clean(chance)) for _ in range(clean))
    bar.finish()
    bar.start("attacking")
    recovered = sum(_tells(_protected(release(chance))) for _ in range(attacked))
    bar.finish()
    bar.start("inverting rates")
    rates = [_rate_verdicts(size, count) for size in range(MIN_COUNT, largest + 1) for count in SMALL]
    bar.finish()
    bar.start("comparing with the fewest")
    fewest = [_fewest(release(chance, rows=2, columns=2, with_history=False)) for _ in range(tables)]
    bar.finish()
    return Found(
        planted=planted,
        caught=caught,
        clean=clean,
        false_alarms=false_alarms,
        attacked=attacked,
        recovered=recovered,
        rates=len(rates),
        rates_missed=sum(tells and not finds for tells, finds in rates),
        rates_over=sum(finds and not tells for tells, finds in rates),
        tables=tables,
        hidden=sum(hidden for hidden, _ in fewest),
        least=sum(least for _, least in fewest),
    )


def release(chance: random.Random, *, rows: int = 2, columns: int = 3, with_history: bool = True) -> Release:
    """A table with its margins; of the counts some sums were shown before, none of them small."""
    counts = {
        _atom(row, column): chance.choice((0, chance.randint(1, 10), chance.randint(11, LARGEST)))
        for row in range(rows)
        for column in range(columns)
    }
    lines = [[_atom(row, column) for column in range(columns)] for row in range(rows)]
    lines += [[_atom(row, column) for row in range(rows)] for column in range(columns)]
    sums = [*([one] for one in counts), *lines, list(counts)]
    known = [_known(f"now {number}", atoms, counts) for number, atoms in enumerate(sums)]
    if with_history:
        before = [atoms[: chance.randint(2, len(atoms))] for atoms in lines if chance.random() < 0.5]
        shown = [atoms for atoms in before if sum(counts[one] for one in atoms) not in SMALL]
        known += [_known(f"before {number}", atoms, counts, cost=None) for number, atoms in enumerate(shown)]
    return Release(known=tuple(known), asked=tuple(Count(name=one.name, atoms=one.atoms) for one in known))


def _atom(row: int, column: int) -> Atom:
    return Atom(measure_id="m", unit_id=f"U{row:06}", quarter=f"2025Q{column + 1}", payer="all", part="numerator")


def _known(name: str, atoms: Sequence[Atom], counts: dict[Atom, int], *, cost: float | None = 1.0) -> Known:
    return Known.exactly(name, dict.fromkeys(atoms, 1), sum(counts[one] for one in atoms), cost=cost)


def _protected(found: Release) -> Release:
    safe = protect(found.known, found.asked, min_count=MIN_COUNT)
    return Release(known=safe.shown, asked=tuple(one for one in found.asked if one not in safe.lost))


def _is_found(found: Release) -> bool:
    return any(True for _ in told(found.known, found.asked, min_count=MIN_COUNT))


def _tells(found: Release) -> bool:
    """By the attacker."""
    sums = [(frozenset(one.atoms), one.least, one.most) for one in found.known]
    return any(attacker.is_told(sums, count.atoms, small=SMALL) for count in found.asked)


def _leaking(chance: random.Random) -> Release:
    """A protected release with hidden numbers shown one after the other, until the attacker recovers a count from it."""
    while True:
        whole = release(chance)
        safe = _protected(whole)
        hidden = [one for one in whole.known if one not in safe.known]
        chance.shuffle(hidden)
        shown = list(safe.known)
        for one in hidden:
            shown.append(one)
            leaking = Release(known=tuple(shown), asked=safe.asked)
            if _tells(leaking):
                return leaking


def _clean(chance: random.Random) -> Release:
    """Some of a release's numbers, from which the attacker recovers nothing."""
    while True:
        whole = release(chance)
        some = tuple(one for one in whole.known if chance.random() < 0.6)
        if some and not _tells(Release(known=some, asked=whole.asked)):
            return Release(known=some, asked=whole.asked)


def _fewest(found: Release) -> tuple[int, int]:
    """How many numbers are hidden, and how few would do, by trying all choices of one, two, three and so on."""
    hidden = len(protect(found.known, found.asked, min_count=MIN_COUNT).hidden)
    for few in range(len(found.known) + 1):
        for away in combinations(found.known, few):
            left = tuple(one for one in found.known if one not in away)
            if not _tells(Release(known=left, asked=found.asked)):
                return hidden, few
    raise AssertionError("hiding everything protects everything")


def _rate_verdicts(size: int, count: int) -> tuple[bool, bool]:
    """Of `count` of `size`, with the rate at three decimals: whether it tells a small count, and whether the audit finds that."""
    printed = _printed(count, size)
    near = range(max(0, count - 12), min(size, count + 12) + 1)  # a unit of the last digit is at most five of 5,000
    tells = all(other in SMALL for other in near if _printed(other, size) == printed)
    shown = public_result(denominator=Decimal(size), rate=float(printed))
    row = AuditedRow(result=shown, is_count=True, rate_decimals=3, ratio_decimals=2, interval_decimals=3)
    return tells, bool(findings_of(row, min_count=MIN_COUNT))


def _printed(count: int, size: int) -> Decimal:
    return (Decimal(count) / Decimal(size)).quantize(Decimal("0.001"), rounding=ROUND_HALF_EVEN)


def as_result(found: Found) -> dict[str, object]:
    return asdict(found)
