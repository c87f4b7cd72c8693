"""What care a provider's persons used, and at what prices: total cost = resource use x price."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qe.errors import CannotFit
from qe.statistics.cases import checked

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Indices:
    """Ratios by provider (1 is this report's average), total = resource_use x price.

    providers     sorted, unique labels; the arrays follow them
    resource_use  standard cost over expected standard cost
    price         actual over standard cost, over the same of everybody (price_level)
    total         actual cost over expected standard cost at the price level of everybody
    price_level   actual over standard cost of everybody: what a standard dollar costs here
    """

    providers: tuple[str, ...]
    resource_use: Floats
    price: Floats
    total: Floats
    price_level: float


def split(actual: ArrayLike, standard: ArrayLike, expected: ArrayLike, provider: ArrayLike) -> Indices:
    """The three ratios of each provider, each a ratio of sums.

    actual    (n,) allowed dollars by person; standard (n,) the same lines repriced; expected (n,) standard dollars by the
              risk model of standard cost. CannotFit where a sum of a provider is not above 0: there is no ratio

    Source: statistics.md, section 5; the split of HealthPartners' total cost of care (CBE 1604) and resource use (CBE 1598).
    """
    spent = np.asarray(actual, dtype=np.float64)
    columns = [np.asarray(values, dtype=np.float64) for values in (standard, expected)]
    if any(column.shape != spent.shape for column in columns):
        raise CannotFit("actual, standard and expected cost do not go together", remedy="Give one of each a person.")
    cases = checked(spent, np.column_stack(columns) if spent.size else np.empty((0, 2)), provider)
    a, s, e = cases.sums(cases.outcome), cases.sums(cases.factors[:, 0]), cases.sums(cases.factors[:, 1])
    none = (a <= 0) | (s <= 0) | (e <= 0)
    if none.any():
        raise CannotFit(
            f"{int(none.sum()):,} of {len(none):,} providers have no actual, standard or expected cost above 0",
            remedy="Leave them out: they have no ratio.",
        )
    level = float(a.sum() / s.sum())
    return Indices(
        providers=cases.providers, resource_use=s / e, price=a / s / level, total=a / (e * level), price_level=level
    )
