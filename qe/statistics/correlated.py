"""Effects that go with the case mix: each provider's mean factors as terms of their own.

A random intercept is taken to have nothing to do with the factors. Where better providers see sicker people it has, and the
factors' coefficients take a part of the effects. With the means beside them the coefficients are those within providers.

Source: Mundlak (1978), Econometrica 46:69; Neuhaus and Kalbfleisch (1998), Biometrics 54:638.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qe.errors import CannotFit
from qe.statistics.cases import Cases

Floats = NDArray[np.float64]

LEAST_VARIATION = 1e-9  # of a factor within providers, beside its variation over all cases


def with_means(cases: Cases) -> tuple[Cases, Floats]:
    """The cases with the provider's mean of every factor that varies within providers, after the factors; and those means.

    The means (J, q) are given less their mean over all cases: so what they add to an intercept is 0 over all cases.
    """
    varying = _varying(cases)
    if len(cases.providers) < len(varying) + 2:
        raise CannotFit(
            f"{len(cases.providers)} providers cannot tell the effects of {len(varying)} mean factors apart",
            remedy="Fit the model without correlated effects, or with fewer factors.",
        )
    means = _means(cases)[:, varying]
    centred = means - np.average(means, axis=0, weights=cases.count)
    return replace(cases, factors=np.column_stack([cases.factors, means[cases.place]])), centred


def _means(cases: Cases) -> Floats:
    sums = [cases.sums(cases.factors[:, column]) for column in range(cases.factors.shape[1])]
    return np.column_stack(sums) / cases.count[:, None] if sums else np.empty((len(cases.providers), 0))


def _varying(cases: Cases) -> list[int]:
    means = _means(cases)
    found = []
    for column in range(cases.factors.shape[1]):
        values = cases.factors[:, column]
        within = float(np.var(values - means[cases.place, column]))
        if within > LEAST_VARIATION * float(np.var(values)):
            found.append(column)
    return found
