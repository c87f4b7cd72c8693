"""splink (extra `linkage`) on the persons of benchmarks/linkage.py, to be set beside the product's own linkage."""

import importlib
import importlib.util
import time
from collections.abc import Mapping

import polars as pl

COMPARED = ("mbi", "last_name", "first_name", "middle_name", "birth_date", "sex", "zip5")
LEAST_PROBABILITY = 0.9


def splink_pairs(sources: Mapping[str, pl.DataFrame], *, seed: int) -> tuple[float, pl.DataFrame] | None:
    """Seconds and pairs (native_person_id, other_native_person_id) of two sources; None where splink is not installed.

    Its own defaults: names by Jaro-Winkler, EM training by two blocking rules, a pair linked from LEAST_PROBABILITY on, and of
    several candidates the likeliest.
    """
    if importlib.util.find_spec("splink") is None:
        return None
    splink = importlib.import_module("splink")
    compare = importlib.import_module("splink.comparison_library")
    database = splink.DuckDBAPI()
    tables = [
        database.register(
            rows.rename({"native_person_id": "unique_id"}).select("unique_id", *COMPARED).to_arrow(),
            dataset_display_name=source_id,
        )
        for source_id, rows in sources.items()
    ]
    block_on = splink.block_on
    settings = splink.SettingsCreator(
        link_type="link_only",
        comparisons=[
            compare.JaroWinklerAtThresholds("first_name", [0.9, 0.8]),
            compare.JaroWinklerAtThresholds("last_name", [0.9, 0.8]),
            *(compare.ExactMatch(fact) for fact in ("middle_name", "birth_date", "sex", "zip5", "mbi")),
        ],
        blocking_rules_to_generate_predictions=[
            block_on("mbi"),
            block_on("birth_date", "last_name"),
            block_on("birth_date", "first_name"),
            block_on("last_name", "first_name", "zip5"),
        ],
    )
    start = time.perf_counter()
    linker = splink.Linker(tables, settings)
    linker.training.estimate_probability_two_random_records_match(
        [block_on("last_name", "first_name", "birth_date")], recall=0.9
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=seed)
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("birth_date"))
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("last_name", "first_name"))
    predicted = linker.inference.predict(threshold_match_probability=LEAST_PROBABILITY)
    found = pl.from_arrow(predicted.as_duckdbpyrelation().to_arrow_table())
    seconds = time.perf_counter() - start
    assert isinstance(found, pl.DataFrame)
    likeliest = (
        found.sort("match_probability", "unique_id_l", "unique_id_r", descending=[True, False, False])
        .unique("unique_id_l", keep="first", maintain_order=True)
        .unique("unique_id_r", keep="first", maintain_order=True)
    )
    return seconds, likeliest.select(
        pl.col("unique_id_l").alias("native_person_id"), pl.col("unique_id_r").alias("other_native_person_id")
    )
