"""What published numbers tell together (rules.md section 3): against an attacker that tries everything, and by worked examples."""

import os
import random
from itertools import combinations

import pytest

from qe.disclosure.cells import Atom, Count, Known
from qe.disclosure.inference import ContradictionError, explained, told
from qe.disclosure.protection import protect
from tests.oracles import attacker

SMALL = 11


def atom(quarter: str = "2025Q4", payer: str = "medicare", unit: str = "U000001") -> Atom:
    return Atom(measure_id="hwr", unit_id=unit, quarter=quarter, payer=payer, part="numerator")


def total(name: str, atoms: list[Atom], value: int, *, cost: float | None = 1.0) -> Known:
    return Known.exactly(name, dict.fromkeys(atoms, 1), value, cost=cost)


def names(known: list[Known], *asked: Count) -> list[str]:
    return [count.name for count in told(known, asked, min_count=SMALL)]


def one(*atoms: Atom, name: str = "asked") -> Count:
    return Count(name=name, atoms=dict.fromkeys(atoms, 1))


MEDICARE, OTHER = atom(payer="medicare"), atom(payer="other")


def test_all_payers_beside_one_payer_tell_the_other():
    known = [total("all payers", [MEDICARE, OTHER], 200), total("medicare", [MEDICARE], 196)]
    assert names(known, one(OTHER)) == ["asked"]
    assert names(known, one(MEDICARE)) == []
    assert names(known[:1], one(OTHER), one(MEDICARE)) == []


@pytest.mark.parametrize(("value", "is_told"), [(0, False), (1, True), (10, True), (11, False)])
def test_a_count_of_1_to_10_is_told_where_it_is_printed(value, is_told):
    assert names([total("it", [OTHER], value)], one(OTHER)) == ["asked"] * is_told


@pytest.mark.parametrize(
    ("least", "most", "is_told"),
    [(1, 10, True), (0, 10, False), (1, 11, False), (3, 7, True), (5, None, False), (0, None, False), (11, 30, False)],
)
def test_bounds_tell_a_count_only_inside_1_to_10(least, most, is_told):
    known = [Known(name="it", atoms={OTHER: 1}, least=least, most=most)]
    assert names(known, one(OTHER)) == ["asked"] * is_told


def test_year_to_date_of_two_quarters_tells_the_second_and_rolling_windows_alone_do_not():
    quarters = [atom(quarter=f"2025Q{number}") for number in (1, 2, 3, 4)] + [atom(quarter="2026Q1")]
    to_date = [total("Q1", quarters[:1], 14), total("Q1 to Q2", quarters[:2], 23)]
    assert names(to_date, one(quarters[1])) == ["asked"]
    rolling = [total("four to Q4", quarters[:4], 55), total("four to Q1", quarters[1:], 57)]
    assert names(rolling, *(one(quarter) for quarter in quarters)) == []
    assert names([*rolling, *to_date], one(quarters[1])) == ["asked"]


def test_what_an_earlier_release_showed_counts_like_what_is_shown_now():
    before = total("before", [MEDICARE], 196, cost=None)
    now = total("now", [MEDICARE, OTHER], 200)
    assert names([before, now], one(OTHER)) == ["asked"]
    found = protect([before, now], [one(OTHER)], min_count=SMALL)
    assert ([known.name for known in found.hidden], found.lost, found.cost) == (["now"], (), 1.0)


def test_what_earlier_releases_tell_by_themselves_is_said_to_be_lost():
    known = [total("before", [MEDICARE], 7, cost=None), total("now", [OTHER], 40)]
    found = protect(known, [one(MEDICARE, name="medicare"), one(OTHER)], min_count=SMALL)
    assert ([count.name for count in found.lost], found.hidden) == (["medicare"], ())


def test_a_difference_of_two_counts_can_be_asked_for():
    known = [total("before", [MEDICARE], 40, cost=None), total("again", [OTHER], 44)]
    correction = Count(name="what the correction changed", atoms={OTHER: 1, MEDICARE: -1})
    assert names(known, correction) == ["what the correction changed"]


def test_an_atom_that_nothing_speaks_of_is_not_told():
    assert names([total("it", [OTHER], 3)], one(MEDICARE), one(MEDICARE, OTHER)) == []
    assert names([], one(MEDICARE)) == []


def test_numbers_that_contradict_each_other_are_said_to():
    known = [total("all", [MEDICARE, OTHER], 10), total("medicare", [MEDICARE], 11)]
    with pytest.raises(ContradictionError, match=r"^asked: the published numbers contradict each other$"):
        names(known, one(OTHER))


def test_the_numbers_that_tell_a_count_are_named_and_none_is_to_spare():
    third, fourth = atom(unit="U000002"), atom(unit="U000003")
    known = [
        total("elsewhere", [third], 90),
        total("all payers", [MEDICARE, OTHER], 200),
        Known(name="at least", atoms={OTHER: 1}, least=1, most=None),
        total("medicare", [MEDICARE], 196),
        total("two units", [third, fourth], 190),
        total("all units", [OTHER, fourth], 104),
    ]
    found = explained(known, one(OTHER), min_count=SMALL)
    assert {each.name for each in found} == {"all payers", "medicare"}
    known.remove(found[0])
    again = explained(known, one(OTHER), min_count=SMALL)
    assert {each.name for each in again} == {"elsewhere", "two units", "all units"}


def test_what_was_shown_before_explains_as_much_as_it_can():
    known = [
        total("all payers", [MEDICARE, OTHER], 200, cost=None),
        total("medicare", [MEDICARE], 196, cost=None),
        total("it", [OTHER], 4),
    ]
    assert [each.name for each in explained(known, one(OTHER), min_count=SMALL)] == ["all payers", "medicare"]


# ---------------------------------------------------------------- against an attacker that tries everything


def table(chance: random.Random, rows: int, columns: int, largest: int) -> tuple[list[Known], list[Count]]:
    """A table with its margins, and a count for each of its cells and margins."""
    cells = {(row, column): chance.choice((0, chance.randint(1, 10), chance.randint(11, largest)))
             for row in range(rows) for column in range(columns)}  # fmt: skip
    place = {key: atom(unit=f"U{key[0]:06}", quarter=f"2025Q{key[1] + 1}") for key in cells}
    sums = [[key] for key in cells]
    sums += [[key for key in cells if key[0] == row] for row in range(rows)]
    sums += [[key for key in cells if key[1] == column] for column in range(columns)]
    sums += [list(cells)]
    known = [
        total(f"sum {number}", [place[key] for key in keys], sum(cells[key] for key in keys))
        for number, keys in enumerate(sums)
    ]
    return known, [Count(name=one.name, atoms=one.atoms) for one in known]


def as_sums(known: list[Known]) -> attacker.Sums:
    return [(frozenset(one.atoms), one.least, one.most) for one in known]


@pytest.fixture(scope="module")
def seed() -> int:
    return int.from_bytes(os.urandom(4), "big")


def test_the_audit_says_what_trying_everything_says(seed):
    chance, compared = random.Random(seed), 0
    for _ in range(40):
        known, asked = table(chance, 2, chance.choice((2, 3)), 14)
        left = [one for one in known if chance.random() < 0.6]
        found = {count.name for count in told(left, asked, min_count=SMALL)}
        by_trying = {
            count.name for count in asked if attacker.is_told(as_sums(left), count.atoms, small=range(1, SMALL))
        }
        assert found == by_trying, seed
        compared += len(by_trying)
    assert compared > 20, seed


def least_that_protects(known: list[Known], asked: list[Count]) -> int:
    """How few numbers must go, by trying all choices of one, two, three and so on."""
    for few in range(len(known) + 1):
        for away in combinations(range(len(known)), few):
            left = as_sums([one for place, one in enumerate(known) if place not in away])
            if not any(attacker.is_told(left, count.atoms, small=range(1, SMALL)) for count in asked):
                return few
    raise AssertionError("hiding everything protects everything")


def test_no_choice_protects_with_fewer_hidden_numbers(seed):
    chance, hidden = random.Random(seed), 0
    for _ in range(12):
        known, asked = table(chance, 2, 2, 14)
        found = protect(known, asked, min_count=SMALL)
        assert not any(attacker.is_told(as_sums(list(found.shown)), count.atoms, small=range(1, SMALL))
                       for count in asked), seed  # fmt: skip
        assert len(found.hidden) == least_that_protects(known, asked), seed
        hidden += len(found.hidden)
    assert hidden > 12, seed


def test_of_two_ways_to_protect_the_cheaper_is_taken():
    known = [
        total("all payers", [MEDICARE, OTHER], 200, cost=5.0),
        total("medicare", [MEDICARE], 196, cost=2.0),
        total("other", [OTHER], 4, cost=1.0),
    ]
    found = protect(known, [one(OTHER)], min_count=SMALL)
    assert ([each.name for each in found.hidden], found.cost) == (["medicare", "other"], 3.0)
    assert [each.name for each in found.shown] == ["all payers"]


def test_a_table_of_six_by_five_is_protected(seed):
    known, asked = table(random.Random(seed), 6, 5, 60)
    found = protect(known, asked, min_count=SMALL)
    assert list(told(found.shown, asked, min_count=SMALL)) == [], seed
    assert len(found.hidden) > 6, seed
    assert set(map(id, (*found.shown, *found.hidden))) == set(map(id, known))
