"""Which secondary diagnoses of an index stay may count as what the person brought along."""

from dataclasses import dataclass
from typing import Final

import polars as pl

PRESENT: Final = ("Y", "W", "1")  # present, clinically undetermined, exempt from the mark
MARKED: Final = (*PRESENT, "N", "U")
UNMARKED: Final = 0.20  # share of a facility's secondary diagnoses; above it the marks say nothing


@dataclass(frozen=True, kw_only=True)
class Marked:
    """Secondary diagnoses of index stays, each with what its mark says.

    rows        event_id, code, is_present; empty when any facility does not mark
    unmarked    facilities that leave more than 20 % of their secondary diagnoses without a mark
    facilities  facilities that have a secondary diagnosis at all
    """

    rows: pl.DataFrame
    unmarked: int
    facilities: int


def marked(stay: pl.DataFrame) -> Marked:
    """The marks of secondary diagnoses. They count for every facility or, if one does not mark them, for none.

    A facility compared by its own stay's diagnoses with one that has none would look better for coding, not for care.

    stay  event_id, facility_id, kind ("other" is secondary), code, present_on_admission

    Source: measures_spec.md, correction 11; the same rule as measures/_shared/stay_comorbidity.sql.
    """
    mark = pl.col("present_on_admission").fill_null("")
    rows = stay.filter(pl.col("kind") == "other")
    share = rows.group_by("facility_id").agg(unmarked=(~mark.is_in(MARKED)).mean())
    unmarked = share.filter(pl.col("unmarked") > UNMARKED).height
    kept = rows.select("event_id", "code", is_present=mark.is_in(PRESENT))
    return Marked(rows=kept.clear() if unmarked else kept, unmarked=unmarked, facilities=share.height)
