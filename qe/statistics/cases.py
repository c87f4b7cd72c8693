"""Cases of providers as the models take them: checked once, and what they add up to by provider."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qe.errors import CannotFit

Floats = NDArray[np.float64]


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
    for said, without in (("outcome", ~np.isfinite(outcome)), ("factor", ~np.isfinite(factors).all(axis=1))):
        if without.any():
            raise CannotFit(
                f"{said} missing or infinite in {int(without.sum()):,} of {len(outcome):,} cases "
                f"(first: row {int(np.argmax(without)):,})",
                remedy="Leave the cases out, or give what is missing a factor of its own.",
            )
    names, place = np.unique(labels.astype(str), return_inverse=True)
    if len(names) < least_providers:
        raise CannotFit(
            f"the model tells providers apart and needs {least_providers} of them, got {len(names)}",
            remedy="Compare observed with expected outcomes instead.",
        )
    return Cases(outcome=outcome, factors=factors, providers=tuple(names.tolist()), place=place.astype(np.int64))


def require_full_rank(factors: Floats) -> None:
    """CannotFit names the columns of (n, p) `factors` that are constant or that earlier columns already determine."""
    constant = [column for column in range(factors.shape[1]) if np.ptp(factors[:, column]) == 0]
    if constant:
        raise CannotFit(
            f"{len(constant)} of {factors.shape[1]} factors are the same in every case (columns {listed(constant)})",
            remedy="Leave them out: the model's constant says the same.",
        )
    with_constant = np.column_stack([np.ones(len(factors)), factors])
    gram = with_constant.T @ with_constant
    size = np.sqrt(np.diag(gram))
    repeated = [column - 1 for column in determined(gram / np.outer(size, size))]
    if repeated:
        raise CannotFit(
            f"{len(repeated)} of {factors.shape[1]} factors are determined by earlier ones (columns {listed(repeated)})",
            remedy="Leave them out, or leave out what they repeat.",
        )


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
