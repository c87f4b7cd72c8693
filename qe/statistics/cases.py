"""Cases of providers as the models take them: checked once, and what they add up to by provider."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qe.errors import CannotFit

Floats = NDArray[np.float64]

ROWS_AT_ONCE: Final = 4_096  # of factors: what is made of them stays in the processor's cache
LEAST_SPREAD: Final = (
    1e-6  # standard deviation of a factor beside its mean; with less the sums of its squares hold nothing of it
)


@dataclass(frozen=True, kw_only=True)
class Cases:
    """Outcome and factors of each case, and whose case it is.

    outcome    (n,) finite
    factors    (n, p) finite, without a constant
    providers  sorted, unique labels; every array by provider follows them
    place      (n,) where the case's provider stands in `providers`
    """

    outcome: Floats
    factors: Floats
    providers: tuple[str, ...]
    place: NDArray[np.int64]

    @property
    def count(self) -> Floats:
        """Cases of each provider."""
        return self.sums(np.ones(len(self.outcome)))

    def sums(self, values: Floats) -> Floats:
        """The sum of `values` (n,) over the cases of each provider."""
        return np.asarray(np.bincount(self.place, weights=values, minlength=len(self.providers)), dtype=np.float64)


def checked(y: ArrayLike, x: ArrayLike, provider: ArrayLike, *, least_providers: int = 1) -> Cases:
    """The cases as arrays that go together. CannotFit says what does not: shapes, missing values, too few providers.

    y  (n,); x (n, p) without a constant, p may be 0; provider (n,) labels, compared as text
    """
    outcome = np.asarray(y, dtype=np.float64)
    factors = np.asarray(x, dtype=np.float64)
    labels = np.asarray(provider)
    if outcome.ndim != 1 or factors.ndim != 2 or factors.shape[0] != len(outcome) or labels.shape != outcome.shape:
        raise CannotFit(
            f"outcomes of {outcome.shape}, factors of {factors.shape} and providers of {labels.shape} do not go together",
            remedy="Give one outcome, one row of factors and one provider a case.",
        )
    if not len(outcome):
        raise CannotFit("there is no case to fit a model to")
    _require_finite(outcome[:, None], "outcome")
    _require_finite(factors, "factor")
    names, place = _by_name(labels)
    if len(names) < least_providers:
        raise CannotFit(
            f"the model tells providers apart and needs {least_providers} of them, got {len(names)}",
            remedy="Compare observed with expected outcomes instead.",
        )
    return Cases(outcome=outcome, factors=factors, providers=names, place=place)


def _require_finite(values: Floats, said: str) -> None:
    if all(np.isfinite(values[rows]).all() for rows in blocks(len(values))):
        return
    without = ~np.isfinite(values).all(axis=1)
    raise CannotFit(
        f"{said} missing or infinite in {int(without.sum()):,} of {len(values):,} cases "
        f"(first: row {int(np.argmax(without)):,})",
        remedy="Leave the cases out, or give what is missing a factor of its own.",
    )


def _by_name(labels: NDArray[np.generic]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Sorted unique labels as text, and where each case's label stands among them; by hash, as sorting text takes long."""
    each = labels.astype(str).tolist()
    names = tuple(sorted(set(each)))
    where = {name: place for place, name in enumerate(names)}
    return names, np.fromiter(map(where.__getitem__, each), dtype=np.int64, count=len(each))


def blocks(rows: int, at_once: int = ROWS_AT_ONCE) -> Iterator[slice]:
    """All rows in order, at most `at_once` in a slice."""
    return (slice(start, min(start + at_once, rows)) for start in range(0, rows, at_once))


def require_full_rank(factors: Floats) -> None:
    """CannotFit names the columns of (n, p) `factors` that are constant or that earlier columns already determine.

    A factor whose standard deviation is under a millionth of its mean counts as constant.
    """
    mean = factors.mean(axis=0)
    gram = centred_products(factors, mean)
    spread = np.sqrt(np.diag(gram) / len(factors))
    constant = np.flatnonzero(spread <= LEAST_SPREAD * np.abs(mean)).tolist()
    if constant:
        raise CannotFit(
            f"{len(constant)} of {factors.shape[1]} factors are the same in every case (columns {listed(constant)})",
            remedy="Leave them out: the model's constant says the same. A factor far from 0 is given less its mean.",
        )
    size = np.sqrt(np.diag(gram))
    repeated = determined(gram / np.outer(size, size))
    if repeated:
        raise CannotFit(
            f"{len(repeated)} of {factors.shape[1]} factors are determined by earlier ones (columns {listed(repeated)})",
            remedy="Leave them out, or leave out what they repeat.",
        )


def centred_products(factors: Floats, mean: Floats) -> Floats:
    """(p, p): sums over the cases of (x - mean)(x - mean)', in blocks, so that no copy of the factors is made."""
    gram = np.zeros((factors.shape[1], factors.shape[1]))
    for rows in blocks(len(factors)):
        about = factors[rows] - mean
        gram += about.T @ about
    return gram


def products(factors: Floats, weight: Floats) -> Floats:
    """X'WX (p + 1, p + 1), the constant first; weight (n,) >= 0."""
    terms = factors.shape[1] + 1
    gram = np.zeros((terms, terms))
    gram[0, 0] = weight.sum()
    gram[0, 1:] = gram[1:, 0] = weight @ factors
    root = np.sqrt(weight)
    for rows in blocks(len(factors)):
        part = factors[rows] * root[rows, None]
        gram[1:, 1:] += part.T @ part  # of one array with itself: half the work
    return gram


def determined(correlations: Floats) -> list[int]:
    """Columns of which nothing is left beside the ones before: pivots of Cholesky's method."""
    left = correlations.copy()
    found = []
    for column in range(len(left)):
        pivot = left[column, column]
        if pivot < 1e-10:
            found.append(column)
            continue
        along = left[column + 1 :, column] / pivot
        left[column + 1 :, column + 1 :] -= np.outer(along, left[column, column + 1 :])
    return found


def listed(columns: list[int], most: int = 8) -> str:
    """The first numbers of columns as text, and how many more there are."""
    first = ", ".join(str(column) for column in columns[:most])
    return f"{first} and {len(columns) - most} more" if len(columns) > most else first
