"""Condition categories of index events as flags of a model of outcomes: no hierarchy, and no complication of the stay itself."""

from collections.abc import Collection

import polars as pl

from qe.errors import InputError
from qe.statistics.risk_scores.cms_hcc import conditions
from qe.statistics.risk_scores.present_on_admission import marked
from qe.statistics.risk_scores.tables import Tables


def flags(
    events: pl.DataFrame,
    history: pl.DataFrame,
    stay: pl.DataFrame,
    tables: Tables,
    *,
    complications: Collection[str],
) -> pl.DataFrame:
    """event_id, factor ("cc:85"), value 1.0 of each category an event has; absent is 0; by event_id and factor.

    events         event_id, age in years, sex "1" or "2": one row an event
    history        event_id, code: diagnoses of the 12 months that end the day before the event; they always count
    stay           diagnoses of the index stay itself, as for `present_on_admission.marked`: secondary ones count when present
    complications  categories ("2", "84") that may be a complication of care: they count from the history only

    The tables hold payment categories alone: a diagnosis of no payment category has no flag. InputError names complications
    that are no category of the tables.

    Source: CMS condition categories in outcome measures; statistics.md, section 3.
    """
    unknown = sorted(set(complications) - set(tables.categories["category"]))
    if unknown:
        raise InputError(
            f"{len(unknown)} categories named as complications are none of CMS-HCC {tables.model}: {', '.join(unknown)}",
            remedy='Name them by number, like "84", as the tables of that model do.',
        )
    people = events.select("age", "sex", person_id="event_id")
    before = conditions(people, history.select("code", person_id="event_id"), tables)
    present = marked(stay).rows.filter("is_present")
    own = conditions(people, present.select("code", person_id="event_id"), tables)
    found = pl.concat([before, own.filter(~pl.col("category").is_in(list(complications)))]).unique()
    return found.select(event_id="person_id", factor=pl.format("cc:{}", "category"), value=pl.lit(1.0)).sort(
        "event_id", "factor"
    )
