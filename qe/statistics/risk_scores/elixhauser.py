"""Elixhauser comorbidities of index stays from frames, by the lists that the measures read."""

from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO

import polars as pl

from qe import bundled
from qe.errors import InputError
from qe.measurement.value_sets import shared_lists
from qe.statistics.risk_scores.present_on_admission import marked


@dataclass(frozen=True, kw_only=True)
class Lists:
    """AHRQ's tables, as the measures read them from measures/_lists.

    categories  code, category: ICD-10-CM diagnosis to comorbidity
    hierarchy   graver, milder: the milder comorbidity does not count beside the graver
    neutral     category: counts from the stay itself whatever its mark
    """

    categories: pl.DataFrame
    hierarchy: pl.DataFrame
    neutral: pl.DataFrame


def lists() -> Lists:
    """The shipped lists, or InputError where a file is not the one that measures/_lists/index.toml states."""
    return Lists(
        categories=_listed("elixhauser").select("code", "category"),
        hierarchy=_listed("elixhauser_hierarchy").select(graver="category", milder="code"),
        neutral=_listed("elixhauser_poa_neutral").select(category="code"),
    )


def comorbidities(history: pl.DataFrame, stay: pl.DataFrame, lists: Lists) -> pl.DataFrame:
    """event_id, factor ("comorbidity:HF"), value 1.0 of each comorbidity of an event; absent is 0; by event_id and factor.

    history  event_id, code: diagnoses of the 12 months that end the day before the stay; they always count
    stay     as for `present_on_admission.marked`: secondary diagnoses count when present, or when AHRQ asks for no mark

    Source: AHRQ Elixhauser Comorbidity Software Refined for ICD-10-CM v2026.1; as measures/_shared/stay_comorbidity.sql.
    """
    own = marked(stay).rows.join(lists.categories, on="code", how="inner")
    neutral = pl.col("category").is_in(lists.neutral["category"].implode())
    before = history.join(lists.categories, on="code", how="inner")
    cerebrovascular = pl.col("category").is_in(("CBVD_POA", "CBVD_SQLA"))  # acute disease and sequelae are one
    found = pl.concat(
        [
            before.select("event_id", "category"),
            own.filter(pl.col("is_present") | neutral).select("event_id", "category"),
        ]
    ).select("event_id", category=pl.when(cerebrovascular).then(pl.lit("CBVD")).otherwise("category"))
    beaten = found.join(lists.hierarchy, left_on="category", right_on="graver", how="inner")
    return (
        found.unique()
        .join(beaten, left_on=["event_id", "category"], right_on=["event_id", "milder"], how="anti")
        .select("event_id", factor=pl.format("comorbidity:{}", "category"), value=pl.lit(1.0))
        .sort("event_id", "factor")
    )


def _listed(name: str) -> pl.DataFrame:
    folder = bundled.folder("measures") / "_lists"
    content = (folder / f"{name}.csv").read_bytes()
    if sha256(content).hexdigest() != shared_lists(folder)[name].sha256:
        raise InputError(
            f"measures/_lists/{name}.csv is not the file that index.toml states", remedy="Install qe again."
        )
    return pl.read_csv(BytesIO(content), infer_schema=False)
