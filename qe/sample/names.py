"""Invented names and identifiers: one-to-one functions of a number, so that no run needs a list of those used."""

import hashlib
from functools import cache

import numpy as np

from qe.sample.codes import Ints

_ONSETS = (
    "b",
    "br",
    "c",
    "d",
    "dr",
    "f",
    "g",
    "gr",
    "h",
    "j",
    "k",
    "l",
    "m",
    "n",
    "p",
    "r",
    "s",
    "st",
    "t",
    "v",
    "w",
    "z",
)
_NUCLEI = ("a", "e", "i", "o", "u", "ae", "ei", "ou")
_CODAS = ("", "l", "n", "r", "s", "th", "m", "nd")
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_MBI_LETTERS = "ACDEFGHJKMNPQRTUVWXY"
_MBI_EITHER = "0123456789" + _MBI_LETTERS


def _syllables() -> list[str]:
    return [onset + nucleus + coda for onset in _ONSETS for nucleus in _NUCLEI for coda in _CODAS]


def _words(count: int, tails: tuple[str, ...], step: int) -> tuple[str, ...]:
    """`count` different capitalised words of two syllables and a tail; `step` is a prime that spreads them."""
    syllables = _syllables()
    total = len(syllables) ** 2 * len(tails)
    words: dict[str, None] = {}
    place = 0
    while len(words) < count:
        rest, tail = divmod(place * step % total, len(tails))
        first, second = divmod(rest, len(syllables))
        words[(syllables[first] + syllables[second] + tails[tail]).capitalize()] = None
        place += 1
    return tuple(words)


@cache
def last_names(count: int) -> tuple[str, ...]:
    return _words(count, ("son", "er", "field", "ley", "man", "ton", "ska", "ez", "ini"), 1_299_709)


@cache
def first_names(count: int) -> tuple[str, ...]:
    return _words(count, ("a", "o", "in", "y", "elle"), 2_750_159)


def luhn_npi(base: Ints) -> Ints:
    """Ten-digit NPIs from nine-digit `base` numbers: the check digit of 80840 + base (ISO 7812), as CMS computes it."""
    total = np.full(base.shape, 24, dtype=np.int64)
    rest = base.copy()
    for place in range(9):
        digit = rest % 10
        rest = rest // 10
        doubled = digit * 2
        total += np.where(place % 2 == 0, doubled // 10 + doubled % 10, digit)
    return base * 10 + (10 - total % 10) % 10


def mbis(numbers: Ints, seed: int) -> list[str]:
    """Medicare Beneficiary Identifiers in CMS's shape with S in the second place, a letter that no real one holds."""
    sizes = (9, 30, 10, 20, 30, 10, 20, 20, 10, 10)
    digit_pool = "0123456789"
    pools = (
        *("123456789", _MBI_EITHER, digit_pool, _MBI_LETTERS, _MBI_EITHER, digit_pool),
        *(_MBI_LETTERS, _MBI_LETTERS, digit_pool, digit_pool),
    )
    span = int(np.prod(np.array(sizes, dtype=np.int64)))
    mixed = (numbers * 275_604_541_957 + (seed % 1_000_003) * 15_485_863) % span  # no factor in common with span
    columns: list[list[str]] = []
    for size, pool in zip(sizes, pools, strict=True):
        columns.append([pool[digit] for digit in (mixed % size).tolist()])
        mixed = mixed // size
    return [parts[0] + "S" + "".join(parts[1:]) for parts in zip(*columns, strict=True)]


def bene_ids(numbers: Ints, seed: int, version: int) -> list[str]:
    """15-character beneficiary identifiers that look encrypted; `version` 0, or 1 for a person's second one."""
    found = []
    for number in numbers.tolist():
        value = int.from_bytes(hashlib.sha256(f"{seed}:{number}:{version}".encode()).digest()[:12], "big")
        letters = []
        for _ in range(15):
            value, letter = divmod(value, len(_LETTERS))
            letters.append(_LETTERS[letter])
        found.append("".join(letters))
    return found


def member_ids(numbers: Ints, seed: int, prefix: str) -> list[str]:
    """A payer's own member numbers: `prefix` and ten digits, in no order of the persons."""
    mixed = (numbers * 1_000_000_007 + seed % 9_999_991 + ord(prefix[0]) * 7_919) % 10_000_000_000
    return [f"{prefix}{number:010d}" for number in mixed.tolist()]
