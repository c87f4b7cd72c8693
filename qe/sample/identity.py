"""Who a person is in each source: the truth, what each payer knows, and every mistake in between (section 6)."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from qe.sample.codes import Bools, Ints
from qe.sample.names import bene_ids, first_names, last_names, mbis, member_ids
from qe.sample.parameters import Parameters
from qe.sample.people import (
    ADVANTAGE_B,
    ADVANTAGE_ELSEWHERE,
    COMMERCIAL_A,
    COMMERCIAL_B,
    MEDICAID,
    MEDICARE,
    MEDIGAP_A,
    Persons,
)

AT_A = (COMMERCIAL_A, MEDIGAP_A)
AT_B = (ADVANTAGE_B, COMMERCIAL_B, MEDICAID)


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Identifying fields of persons as one holder has them; `mbi` is empty where the holder has none."""

    first: list[str]
    last: list[str]
    middle: list[str]
    birth: Ints
    sex: Ints
    zip: Ints
    mbi: list[str]


@dataclass(frozen=True, kw_only=True)
class Identities:
    """All identities of a block. second_bene_id: empty for all but the few who get another one in the last year."""

    true: Identity
    at_a: Identity
    at_b: Identity
    bene_id: list[str]
    second_bene_id: list[str]
    member_a: list[str]
    member_b: list[str]
    ever_medicare: Bools
    ever_a: Bools
    ever_b: Bools
    all_bene_ids: pl.Series
    """first ids of all persons, then their second ones, and so on for each delivery of Medicare"""
    has_two: Bools
    faults: list[tuple[int, str, str]]
    """(person, payer, what was changed), for truth/dirt.csv"""


def _typo(rng: np.random.Generator, name: str) -> str:
    """Two neighbours swapped or a letter dropped, never the first letter; always another name."""
    place = int(rng.integers(1, max(len(name) - 1, 2)))
    if rng.random() < 0.5 and name[place : place + 1] != name[place + 1 : place + 2]:
        return name[:place] + name[place + 1 : place + 2] + name[place] + name[place + 2 :]
    return name[:place] + name[place + 1 :]


def _nickname(name: str) -> str:
    return name[:4] if len(name) > 5 else name + "y"


def _other_birth(rng: np.random.Generator, birth: int) -> int:
    """Day and month swapped where that is a date, else a year off by one or ten."""
    year, month, of_month = (int(part) for part in str(np.datetime64(birth, "D")).split("-"))
    if of_month <= 12 and of_month != month:
        return int(np.datetime64(f"{year:04d}-{of_month:02d}-{month:02d}", "D").astype(np.int64))
    step = int(rng.choice(np.array([-10, -1, 1])))
    of_month = min(of_month, 28)
    return int(np.datetime64(f"{year + step:04d}-{month:02d}-{of_month:02d}", "D").astype(np.int64))


def _at_payer(
    rng: np.random.Generator,
    true: Identity,
    members: Bools,
    medicare: Bools,
    zips: int,
    p: Parameters,
    payer: str,
    faults: list[tuple[int, str, str]],
) -> Identity:
    """What a payer holds of its members, with the mistakes of linkage's test."""
    i = p.identity
    count = len(true.first)
    first, last = list(true.first), list(true.last)
    birth, sex, zip_of = true.birth.copy(), true.sex.copy(), true.zip.copy()
    chances = rng.random((6, count))
    pool = last_names(i.last_names)
    for person in np.flatnonzero(members & (chances[0] < i.first_changed)).tolist():
        first[person] = _nickname(first[person]) if rng.random() < 0.5 else _typo(rng, first[person])
        faults.append((person, payer, "first_name"))
    for person in np.flatnonzero(members & (chances[1] < i.last_changed)).tolist():
        is_new = chances[1, person] < i.last_new
        last[person] = pool[int(rng.integers(0, len(pool)))] if is_new else _typo(rng, last[person])
        faults.append((person, payer, "new_last_name" if is_new else "last_name"))
    for person in np.flatnonzero(members & (chances[2] < i.birth_changed)).tolist():
        birth[person] = _other_birth(rng, int(birth[person]))
        faults.append((person, payer, "birth_date"))
    for person in np.flatnonzero(members & (chances[3] < i.sex_changed)).tolist():
        sex[person] = 3 - sex[person]
        faults.append((person, payer, "sex"))
    for person in np.flatnonzero(members & (chances[4] < i.zip_moved)).tolist():
        zip_of[person] = (zip_of[person] + 1 + int(rng.integers(0, zips - 1))) % zips
        faults.append((person, payer, "zip"))
    has = members & medicare & (chances[5] < i.mbi_on_overlap)
    others = np.flatnonzero(medicare)
    mbi = [""] * count
    for person in np.flatnonzero(has).tolist():
        mbi[person] = true.mbi[person]
        if chances[5, person] < i.mbi_of_spouse * i.mbi_on_overlap and len(others) > 1:
            spouse = int(others[(np.searchsorted(others, person) + 1) % len(others)])
            mbi[person] = true.mbi[spouse]
            faults.append((person, payer, "mbi_of_spouse"))
    return Identity(first=first, last=last, middle=true.middle, birth=birth, sex=sex, zip=zip_of, mbi=mbi)


def _ever(payers: Ints, wanted: tuple[int, ...]) -> Bools:
    return np.asarray(np.isin(payers, wanted).any(axis=1), dtype=np.bool_)


def make_identities(
    rng: np.random.Generator, persons: Persons, p: Parameters, *, seed: int, zips: int, crosswalks: int
) -> Identities:
    """Names and numbers of a block; one-to-one functions of the person's number in the run.

    crosswalks  how often Medicare delivers: each time its ids are encrypted anew
    """
    count = len(persons)
    numbers = persons.first + np.arange(count)
    first_pool, last_pool = first_names(p.identity.first_names), last_names(p.identity.last_names)
    first_at = rng.integers(0, len(first_pool), count)
    last_at = np.floor(len(last_pool) * rng.random(count) ** 1.3).astype(np.int64)
    alike = np.flatnonzero(persons.like > 0)
    last_at[alike] = last_at[alike - 1]
    namesakes = np.flatnonzero(persons.like == 2)
    first_at[namesakes] = first_at[namesakes - 1]
    twins = np.flatnonzero((persons.like == 1) & (first_at == np.roll(first_at, 1)))
    first_at[twins] = (first_at[twins] + 1) % len(first_pool)
    payers = np.concatenate([persons.primary, persons.secondary], axis=1)
    medicare = _ever(payers, (MEDICARE, ADVANTAGE_B, ADVANTAGE_ELSEWHERE))
    mbi = mbis(numbers, seed)
    true = Identity(
        first=[first_pool[place] for place in first_at.tolist()],
        last=[last_pool[place] for place in last_at.tolist()],
        middle=["ABCDEFGHJKLMNPRSTW"[place] for place in rng.integers(0, 18, count).tolist()],
        birth=persons.birth,
        sex=persons.sex,
        zip=persons.zip,
        mbi=[number if has else "" for number, has in zip(mbi, medicare.tolist(), strict=True)],
    )
    ever_a, ever_b = _ever(payers, AT_A), _ever(payers, AT_B)
    faults: list[tuple[int, str, str]] = []
    at_a = _at_payer(rng, true, ever_a, medicare, zips, p, "a", faults)
    at_b = _at_payer(rng, true, ever_b, medicare, zips, p, "b", faults)
    two = medicare & (rng.random(count) < p.identity.two_bene_ids)
    ids: list[list[str]] = []
    for version in range(2 * crosswalks):
        chosen = np.flatnonzero(two if version % 2 else medicare)
        ids.append([""] * count)
        for person, found in zip(chosen.tolist(), bene_ids(numbers[chosen], seed, version), strict=True):
            ids[-1][person] = found
    return Identities(
        true=true,
        at_a=at_a,
        at_b=at_b,
        bene_id=ids[0],
        second_bene_id=ids[1],
        all_bene_ids=pl.Series([text for version in ids for text in version], dtype=pl.String),
        has_two=two,
        member_a=member_ids(numbers, seed, "A"),
        member_b=member_ids(numbers, seed, "B"),
        ever_medicare=medicare,
        ever_a=ever_a,
        ever_b=ever_b,
        faults=faults,
    )
