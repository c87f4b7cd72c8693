"""Linkage of 1,000,000 Medicare beneficiaries with 1,000,000 members of a payer: how long, how right.

Who the persons are and every mistake in their names, birth dates, sexes, ZIPs and MBIs come from the sample generator
(qe/sample/identity.py; sample_data.md section 6); the linkage is the product's own, from identities in the vault to
person_ids in the vault. `bin/long linkage` writes benchmarks/results/linkage.json.
"""

import shutil
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.linkage_splink import splink_pairs
from qe import bundled, store, vault
from qe.claims.link import link_persons
from qe.claims.model import FOLDER, create_macros
from qe.sample import parameters
from qe.sample.calendar import Calendar
from qe.sample.codes import Bools, Ints
from qe.sample.identity import Identity, make_identities
from qe.sample.people import COMMERCIAL_A, MEDICARE, MEDIGAP_A, NOBODY, Persons, make_persons
from qe.sample.providers import make_providers
from qe.warehouse import Warehouse

LEAST = 0.995  # precision and recall
MOST_SECONDS = 10
OVERLAP = 0.30  # of the persons of each source
SOURCES = ("medicare", "payer_a")


@dataclass(frozen=True, kw_only=True)
class Found:
    """How right the links of one method are.

    precision, recall     of pairs of a BENE_ID and a member id, against the true persons
    seconds               of linking alone, by run; best_seconds is the least of them
    to_review             pairs left to an analyst, and how many of them are one person; 0 where a method has no queue
    """

    method: str
    persons_a_source: int
    pairs_true: int
    pairs_linked: int
    precision: float
    recall: float
    seconds: tuple[float, ...]
    best_seconds: float
    to_review: int = 0
    one_person_in_review: int = 0


def both_sources(*, persons: int, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What Medicare's crosswalk and a payer's eligibility file say of their persons, OVERLAP of whom are in both.

    Each: person (the truth), native_person_id, mbi, last_name, first_name, middle_name, birth_date, sex, zip5.
    """
    p = parameters.load({})
    calendar = Calendar(first=2024, last=2025)
    everyone = round(persons * (2 - OVERLAP))
    both = round(persons * OVERLAP)
    place = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, everyone]))).permutation(everyone)
    in_medicare, at_payer = place < persons, place >= persons - both
    providers = make_providers(p, persons=everyone, seed=seed)
    size = p.switches.block_persons
    medicare, payer = [], []
    for index in range(-(-everyone // size)):
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, 1 + index])))
        count = min(size, everyone - index * size)
        made = make_persons(rng, providers, p, calendar, first=index * size, count=count)
        numbers = index * size + np.arange(count)
        made = _held(made, in_medicare[numbers], at_payer[numbers])
        known = make_identities(rng, made, p, seed=seed, zips=len(providers.zips), crosswalks=1)
        medicare.append(_rows(known.true, known.bene_id, numbers, known.ever_medicare, providers.zips))
        payer.append(_rows(known.at_a, known.member_a, numbers, known.ever_a, providers.zips))
    return pl.concat(medicare), pl.concat(payer)


def _held(persons: Persons, in_medicare: Bools, at_payer: Bools) -> Persons:
    """The same persons, held by Medicare, by the payer or by both, each whoever holds his or her twin or namesake."""
    primary = np.where(in_medicare, MEDICARE, COMMERCIAL_A)
    secondary = np.where(in_medicare & at_payer, MEDIGAP_A, NOBODY)
    return replace(persons, primary=primary[:, None], secondary=secondary[:, None])


def _rows(identity: Identity, native: list[str], numbers: Ints, held: Bools, zips: Sequence[str]) -> pl.DataFrame:
    places = pl.Series(np.flatnonzero(held))
    return pl.DataFrame(
        {
            "person": pl.Series(numbers).gather(places),
            "native_person_id": pl.Series(native).gather(places),
            "mbi": pl.Series([text or None for text in identity.mbi], dtype=pl.String).gather(places),
            "last_name": pl.Series(identity.last).gather(places),
            "first_name": pl.Series(identity.first).gather(places),
            "middle_name": pl.Series(identity.middle).gather(places),
            "birth_date": pl.Series(identity.birth.astype("datetime64[D]")).gather(places),
            "sex": pl.Series(identity.sex, dtype=pl.Int32).gather(places),
            "zip5": pl.Series([zips[place] for place in identity.zip.tolist()]).gather(places),
        }
    )


def sample_settings() -> tuple[list[str], list[str]]:
    """`[linkage]` passes and to_review of the sample site."""
    text = (bundled.folder("sample_data") / "qe.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)["linkage"]
    return table["passes"], table["to_review"]


def link_once(
    folder: Path, medicare: pl.DataFrame, payer: pl.DataFrame, *, passes: Sequence[str], to_review: Sequence[str]
) -> tuple[float, pl.DataFrame, pl.DataFrame]:
    """Seconds of the product's linkage in a new vault; its links and its pairs for review by native ids.

    Links: source_id, native_person_id, person_id, link_method.
    """
    path = folder / "vault.duckdb"
    path.unlink(missing_ok=True)
    connection = store.connect(store.Engine(spill_folder=folder / "spill", threads=2, memory_gib=4.0))
    try:
        db = Warehouse(connection)
        create_macros(db)
        with vault.attached(connection, path, store.new_key()):
            _prepare(db, {SOURCES[0]: medicare, SOURCES[1]: payer})
            start = time.perf_counter()
            link_persons(db, passes=passes, to_review=to_review)
            seconds = time.perf_counter() - start
            links = db.query("select source_id, native_person_id, person_id, link_method from vault.person_key")
            review = db.query("select * from vault.link_review")
    finally:
        connection.close()
    return seconds, links, review


def _prepare(db: Warehouse, sources: Mapping[str, pl.DataFrame]) -> None:
    """What reading the files leaves behind: identities in the vault, and which persons each source mentions."""
    for sql_file in sorted((FOLDER / "work").glob("*.sql")):
        db.run(sql_file)
    for number, (source_id, rows) in enumerate(sources.items(), start=1):
        origin = "crosswalk" if source_id == SOURCES[0] else "eligibility"
        db.execute("insert into delivery values ($id, $source, $number)", id=source_id, source=source_id, number=number)
        db.execute(
            "insert into population values ($source, $number, $is_medicare)",
            source=source_id,
            number=number,
            is_medicare=source_id == SOURCES[0],
        )
        db.connection.register("identities", rows.drop("person").to_arrow())
        db.execute(
            "insert into vault.identity by name "
            "select $source as source_id, $origin as origin, $source as delivery_id, identities.* from identities",
            source=source_id,
            origin=origin,
        )
        db.execute("insert into person_seen select $source, native_person_id from identities", source=source_id)
        db.connection.unregister("identities")


def pairs(links: pl.DataFrame, medicare: pl.DataFrame, payer: pl.DataFrame) -> pl.DataFrame:
    """One row per linked pair of a BENE_ID and a member id: person, other_person (the truth), link_method."""
    sides = [
        links.filter(pl.col("source_id") == source_id).join(rows, on="native_person_id")
        for source_id, rows in zip(SOURCES, (medicare, payer), strict=True)
    ]
    return (
        sides[0]
        .join(sides[1], on="person_id", suffix="_payer")
        .select(
            "person", pl.col("person_payer").alias("other_person"), pl.col("link_method_payer").alias("link_method")
        )
    )


def judged(
    method: str,
    linked: pl.DataFrame,
    medicare: pl.DataFrame,
    payer: pl.DataFrame,
    *,
    seconds: Sequence[float],
    review: pl.DataFrame | None = None,
) -> Found:
    """What a method found, judged by the truth. `linked`: person, other_person."""
    true = medicare.join(payer, on="person", how="semi").height
    right = linked.filter(pl.col("person") == pl.col("other_person")).unique(["person"]).height
    waiting, one_person = 0, 0
    if review is not None:
        pair = review.join(payer, on="native_person_id").join(
            medicare, left_on="other_native_person_id", right_on="native_person_id", suffix="_medicare"
        )
        waiting, one_person = pair.height, pair.filter(pl.col("person") == pl.col("person_medicare")).height
    return Found(
        method=method,
        persons_a_source=medicare.height,
        pairs_true=true,
        pairs_linked=linked.height,
        precision=right / linked.height,
        recall=right / true,
        seconds=tuple(round(one, 2) for one in seconds),
        best_seconds=round(min(seconds), 2),
        to_review=waiting,
        one_person_in_review=one_person,
    )


def kept_sources(folder: Path, *, persons: int, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """both_sources, kept in `folder`: those of an earlier, interrupted check are used again when whole."""
    kept = folder / f"sources-{persons}-{seed}"
    files = [kept / f"{source_id}.parquet" for source_id in SOURCES]
    if not kept.exists():
        aside = folder / f"{kept.name}.part"
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        for rows, file in zip(both_sources(persons=persons, seed=seed), files, strict=True):
            rows.write_parquet(aside / file.name)
        aside.rename(kept)
    medicare, payer = (pl.read_parquet(file) for file in files)
    return medicare, payer


def cascade(folder: Path, medicare: pl.DataFrame, payer: pl.DataFrame, *, runs: int) -> Found:
    """The product's linkage, with the passes of the sample site, `runs` times over the same persons."""
    passes, to_review = sample_settings()
    seconds = []
    for _ in range(runs):
        took, links, review = link_once(folder, medicare, payer, passes=passes, to_review=to_review)
        seconds.append(took)
    return judged("cascade", pairs(links, medicare, payer), medicare, payer, seconds=seconds, review=review)


@dataclass(frozen=True, kw_only=True)
class Linkage:
    """What bin/long linkage finds.

    cascade    the product's linkage of the persons that the thresholds are for
    compared   the product's linkage, and splink's where it is installed, of fewer persons: the same for both
    left_out   what was not compared, and why
    """

    cascade: Found
    compared: tuple[Found, ...]
    left_out: tuple[str, ...]

    @property
    def shortfalls(self) -> list[str]:
        """Which thresholds do not hold."""
        short = []
        if min(self.cascade.precision, self.cascade.recall) < LEAST:
            short.append(f"precision or recall below {LEAST}")
        if self.cascade.best_seconds > MOST_SECONDS:
            short.append(f"more than {MOST_SECONDS} seconds")
        return short


def check(folder: Path, *, persons: int, persons_compared: int, seed: int, runs: int) -> Linkage:
    """Make the persons, link them `runs` times, compare. Can be stopped and run again in the same folder: persons are kept."""
    medicare, payer = kept_sources(folder, persons=persons_compared, seed=seed)
    compared = [cascade(folder, medicare, payer, runs=1)]
    other = splink_pairs(dict(zip(SOURCES, (medicare, payer), strict=True)), seed=seed)
    if other is not None:
        took, found = other
        truth = [rows.select("native_person_id", "person") for rows in (medicare, payer)]
        linked = found.join(truth[0], on="native_person_id").join(
            truth[1], left_on="other_native_person_id", right_on="native_person_id", suffix="_payer"
        )
        linked = linked.select("person", pl.col("person_payer").alias("other_person"))
        compared.append(judged("splink", linked, medicare, payer, seconds=[took]))
    medicare, payer = kept_sources(folder, persons=persons, seed=seed)
    return Linkage(
        cascade=cascade(folder, medicare, payer, runs=runs),
        compared=tuple(compared),
        left_out=() if other else ("splink is not installed (extra: linkage)",),
    )


def as_result(found: Linkage, *, seed: int) -> dict[str, object]:
    return {"seed": seed, "overlap": OVERLAP, **asdict(found)}


if __name__ == "__main__":
    from benchmarks.long import run_check

    run_check("linkage")
