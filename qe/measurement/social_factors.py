"""Which covariates are social factors, and which models may not use them."""

import re
from collections.abc import Sequence
from typing import Final

SOCIAL: Final = frozenset(
    (
        *("adi", "deprivation", "disadvantage", "sdi", "ses", "socioeconomic", "svi", "sdoh", "social"),
        *("dual", "lis", "medicaid", "income", "poverty", "unemployment", "education", "homeless", "housing"),
        *("ethnicity", "language", "race"),
    )
)
OF_COST: Final = frozenset({"dual", "medicaid", "lis"})  # what states or Medicare pay differs by them


def social_factors(covariates: Sequence[str], measure_type: str | None) -> tuple[str, ...]:
    """The covariates that a model of this kind of measure may not use because they are social factors, in the order given.

    A poor outcome of poor persons stays visible: it is shown by stratum, never adjusted away. Cost may use dual status.

    covariates    as [scoring] covariates names them ("age|spline", "dual_status"); payer_line is a payer, not a social factor
    measure_type  as measure.toml says; None is held to the rule of outcomes

    Source: statistics.md, correction 1.
    """
    allowed = OF_COST if measure_type == "cost or resource use" else frozenset()
    return tuple(name for name in covariates if (_words(name) & SOCIAL) - allowed)


def _words(covariate: str) -> frozenset[str]:
    family = re.split(r"[|:]", covariate, maxsplit=1)[0]
    return frozenset(re.split(r"[^a-z]+", family.lower()))
