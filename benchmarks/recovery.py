"""Is the planted truth found again? Linkage against the true persons, results of four measures against the planted effects.

The oracle reads truth/ and the vault; the product reads neither truth/ nor, where measures run, the vault.
"""

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path

import polars as pl
from scipy.stats import spearmanr

from benchmarks import confounded, recovery_table
from benchmarks.planted import ID_COLUMNS, Planted
from benchmarks.site import generated, score, site_over
from qe import store
from qe.claims.load import vault_path
from qe.progress import Progress
from qe.site import Site
from qe.workspace import Workspace

LARGE_HOSPITAL = 300  # index stays from which the planted effect should be found again


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """What was found again.

    precision, recall   of pairs of source ids that the linkage puts together, against the true persons
    of_confounded       judged: of many hospitals; of_confounded_default: of the generator's own number, printed beside it
    rank_correlation    of O/E with the planted effect over hospitals with LARGE_HOSPITAL stays; None with fewer than three
    """

    persons: int
    seed: int
    pairs_linked: int
    pairs_true: int
    precision: float
    recall: float
    hospitals: int
    large_hospitals: int
    index_stays: int
    rank_correlation: float | None
    rank_correlation_raw: float | None
    table: tuple[recovery_table.Recovered, ...] = ()
    of_confounded: confounded.Recovery | None = None
    of_confounded_default: confounded.Recovery | None = None


def check(
    folder: Path,
    *,
    persons: int,
    seed: int,
    confounded_seeds: Sequence[int] = (),
    confounded_persons: int = 0,
    progress: Progress | None = None,
) -> Recovery:
    """Generate, run, compare; then confounded samples of their own. Can be stopped and run again in the same folder."""
    files = generated(folder / f"sample-{persons}-{seed}", persons=persons, seed=seed, progress=progress)
    site = site_over(folder / f"site-{persons}-{seed}", files / "inbox")
    score(site, measures=recovery_table.MODULES, progress=progress)
    found = found_again(site, files / "truth", persons=persons, seed=seed)
    without = _without_price(folder, persons=persons, seed=seed, progress=progress)
    table = recovery_table.table(site, Planted(files / "truth"), without_price=without)
    if not confounded_seeds:
        return replace(found, table=table)
    many, default = (
        confounded.check(
            folder, seeds=confounded_seeds, persons=confounded_persons, hospitals=hospitals, progress=progress
        )
        for hospitals in (confounded.MANY, confounded.DEFAULT)
    )
    return replace(found, table=table, of_confounded=many, of_confounded_default=default)


def _without_price(folder: Path, *, persons: int, seed: int, progress: Progress | None) -> Site:
    """The same sample but for its prices, which do not differ, scored by the measures that tell use from price."""
    name = f"{persons}-{seed}-without-price"
    files = generated(
        folder / f"sample-{name}", persons=persons, seed=seed, settings=recovery_table.WITHOUT_PRICE, progress=progress
    )
    site = site_over(folder / f"site-{name}", files / "inbox")
    score(site, measures=("total_cost_index",), progress=progress)
    return site


def found_again(site: Site, truth: Path, *, persons: int, seed: int) -> Recovery:
    """The last run of a site over a sample, compared with what was planted."""
    linked, true = linked_pairs(site), true_pairs(truth / "persons.csv")
    seen = {identifier for pair in linked for identifier in pair} | _known(site)
    true = {pair for pair in true if pair <= seen}
    right = len(linked & true)
    adjusted, raw, stays, hospitals, large = effects(site, truth / "provider_effects.csv")
    return Recovery(
        persons=persons,
        seed=seed,
        pairs_linked=len(linked),
        pairs_true=len(true),
        precision=right / len(linked),
        recall=right / len(true),
        hospitals=hospitals,
        large_hospitals=large,
        index_stays=stays,
        rank_correlation=adjusted,
        rank_correlation_raw=raw,
    )


Identifier = tuple[str, str]  # source_id and the source's own id of a person
Pair = frozenset[Identifier]


def _keys(site: Site) -> list[tuple[str, str, int]]:
    with store.open_encrypted(vault_path(site), site.vault_key(), engine=site.engine(), read_only=True) as connection:
        return connection.execute("select source_id, native_person_id, person_id from person_key").fetchall()


def _known(site: Site) -> set[Identifier]:
    return {(source, native) for source, native, _ in _keys(site)}


def linked_pairs(site: Site) -> set[Pair]:
    """Every two source ids that the site holds for one person."""
    persons: dict[int, list[Identifier]] = defaultdict(list)
    for source, native, person in _keys(site):
        persons[person].append((source, native))
    return {frozenset(pair) for ids in persons.values() for pair in combinations(sorted(ids), 2)}


def true_pairs(path: Path) -> set[Pair]:
    """Every two source ids of truth/persons.csv that are one person."""
    pairs: set[Pair] = set()
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            ids = [(source, row[column]) for source, column in ID_COLUMNS if row[column]]
            pairs |= {frozenset(pair) for pair in combinations(sorted(ids), 2)}
    return pairs


def effects(site: Site, path: Path) -> tuple[float | None, float | None, int, int, int]:
    """Rank correlations (adjusted, raw) with the planted hospital effects; index stays; hospitals; large hospitals."""
    workspace = Workspace(site)
    results = workspace.results().filter(
        (pl.col("measure_id") == "hwr") & (pl.col("level") == "facility") & (pl.col("payer_scope") == "all")
    )
    units = pl.read_parquet(workspace.run().results / "unit.parquet").select("unit_id", "identifier")
    with path.open(encoding="utf-8", newline="") as file:
        planted = {
            row["id"]: float(row["value"])
            for row in csv.DictReader(file)
            if row["id_type"] == "CCN" and row["parameter"] == "readmission"
        }
    table = results.join(units, left_on="provider_id", right_on="unit_id").filter(
        pl.col("identifier").is_in(list(planted))
    )
    large = table.filter(pl.col("denominator") >= LARGE_HOSPITAL).sort("identifier")
    truth = [planted[identifier] for identifier in large["identifier"]]
    stays = int(table["denominator"].sum())
    if large.height < 3:
        return None, None, stays, table.height, large.height
    return (
        float(spearmanr(large["ratio"], truth).statistic),
        float(spearmanr(large["observed"], truth).statistic),
        stays,
        table.height,
        large.height,
    )


def as_result(found: Recovery) -> dict[str, object]:
    return asdict(found)
