"""Diagnosis columns two by two: half as many texts to write, from a table of all pairs."""

from collections.abc import Sequence
from functools import cache

import polars as pl

from qe.sample.codes import Ints
from qe.sample.delimited import Column, Joined


@cache
def _pairs(pool: tuple[str, ...], version: str | None) -> pl.Series:
    """The texts of every two codes; the last code is none. With `version`, a code is followed by its version."""
    alone = [*pool, ""]
    if version is not None:
        alone = [f"{code}|{version}" for code in pool] + ["|"]
    return pl.Series([f"{first}|{second}" for first in alone for second in alone], dtype=pl.String)


def diagnosis_pairs(
    pool: tuple[str, ...], places: Ints, *, names: Sequence[Sequence[str]], version: str | None = None
) -> dict[str, Column]:
    """Columns `names` of each two places of `places` (rows x diagnoses, -1 none); pairs that nobody has are left out."""
    found: dict[str, Column] = {}
    for number, columns in enumerate(names):
        first, second = places[:, 2 * number], places[:, 2 * number + 1]
        if (first < 0).all():
            break  # diagnoses stand to the left
        found[columns[0]] = Joined(
            columns=tuple(columns),
            texts=_pairs(pool, version).gather(
                pl.Series((first % (len(pool) + 1)) * (len(pool) + 1) + second % (len(pool) + 1))
            ),
        )
    return found
