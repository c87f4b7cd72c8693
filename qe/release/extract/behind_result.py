"""What is behind a result under appeal: its provider's events in the run that was sent, and the claims that they rest on.

Of claims and names only Medicare's are read out; the others are counted (42 CFR 401.717(c); rules.md sections 0.7 and 1C, R5).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from qe import vault
from qe.claims.load import vault_path
from qe.measurement import detail
from qe.measurement.catalogue import catalogue, find
from qe.measurement.measure import Module
from qe.measurement.run_claims import claims_behind_run, opened_model
from qe.release.lineage import MEDICARE
from qe.runs import Run
from qe.site import Site
from qe.warehouse import Warehouse

FOLDER: Final = Path(__file__).parent
CLAIM_TABLES: Final = ("claims", "claim_lines", "diagnoses", "procedures")
NAME_COLUMNS: Final = ("person_id", "last_name", "first_name", "middle_name")
LINEAGE: Final = ["kind", "claim_id", "person_id"]
KEY: Final = ["measure_id", "event_id"]


@dataclass(frozen=True, kw_only=True)
class MeasureShare:
    """How many events are behind one result. enclosed: those that are Medicare's; partly: those of them that also rest on
    other payers' claims."""

    measure_id: str
    name: str
    events: int
    enclosed: int
    partly: int

    @property
    def other_payers(self) -> int:
        return self.events - self.enclosed


@dataclass(frozen=True, kw_only=True, eq=False)
class BehindResult:
    """In memory alone, to be sealed.

    tables   name of a file -> its rows, columns as in dictionary.toml; beneficiaries only where names are asked
    lineage  kind, claim_id, person_id: the Medicare claims and fills behind the result, each with the person of its event
    """

    shares: tuple[MeasureShare, ...]
    tables: Mapping[str, pl.DataFrame]
    lineage: pl.DataFrame


def behind_result(
    site: Site, run: Run, *, unit_id: str, measure_ids: Sequence[str], medicare_sources: frozenset[str] | None
) -> BehindResult:
    """The Medicare rows behind the unit's results of these measures.

    medicare_sources  whose names are asked for: sources of which the vault's names are Medicare's; None: no names
    """
    modules = catalogue(site.measure_folders)
    with opened_model(site, run) as db:
        found = [_of_measure(db, site, run, find(modules, one), one, unit_id=unit_id) for one in measure_ids]
        events, links = pl.concat([one[0] for one in found]), pl.concat([one[1] for one in found])
        numbers = {
            kind: links.filter(pl.col("kind") == kind)["claim_id"].unique().sort().to_list()
            for kind in ("claim", "fill")
        }
        tables = {name: db.frame(FOLDER / f"{name}.sql", claim_ids=numbers["claim"]) for name in CLAIM_TABLES}
        tables["fills"] = db.frame(FOLDER / "fills.sql", fill_ids=numbers["fill"])
        medicare = db.frame(FOLDER / "medicare.sql", claim_ids=numbers["claim"], fill_ids=numbers["fill"])
    links = links.join(
        medicare.with_columns(is_medicare=pl.lit(True)),
        on=LINEAGE,
        how="left",
        maintain_order="left",
    ).with_columns(pl.col("is_medicare").fill_null(False))
    told = _with_counts(events, links)
    enclosed = told.filter("is_medicare").drop("is_medicare", "payer_type")
    tables = {
        "events": enclosed,
        "event_claims": links.filter("is_medicare")
        .join(enclosed.select(KEY), on=KEY, how="semi", maintain_order="left")
        .select(*KEY, "kind", "claim_id", "use", "amount", "part"),
        **tables,
    }
    if medicare_sources is not None:
        tables["beneficiaries"] = _names(site, enclosed["person_id"].unique().sort().to_list(), medicare_sources)
    return BehindResult(
        shares=tuple(_share(told, find(modules, one), one) for one in measure_ids),
        tables=tables,
        lineage=links.filter("is_medicare").select(LINEAGE).unique().sort(LINEAGE),
    )


def _of_measure(
    db: Warehouse, site: Site, run: Run, module: Module, measure_id: str, *, unit_id: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The unit's events of one measure with how each is its own, and the claims behind them with their person."""
    path = run.detail / f"{module.id}.duckdb"
    key, engine = site.store_key(), site.engine()
    rows = detail.read_detail(path, key=key, engine=engine, provider_id=unit_id, measure_id=measure_id)
    credited = detail.read_attribution(path, key=key, engine=engine, unit_id=unit_id)
    links = claims_behind_run(db, site, run, module, rows).join(
        rows.select("event_id", "person_id").unique(), on="event_id", maintain_order="left"
    )
    return _with_attribution(rows, credited), links.with_columns(measure_id=pl.lit(measure_id))


def _with_attribution(rows: pl.DataFrame, credited: pl.DataFrame) -> pl.DataFrame:
    """The events with method, visits, share and runner-up of their attribution: by event where it is so, else by person."""
    facts = credited.filter(pl.col("weight") > 0).select(
        "person_id",
        "event_id",
        level="unit_type",
        attribution_method="method",
        visits_credited="visits",
        last_visit="last_service_date",
        attribution_share="share",
        runner_up="runner_up_id",
    )
    by_event = facts.filter(pl.col("event_id").is_not_null()).drop("person_id")
    by_person = facts.filter(pl.col("event_id").is_null()).drop("event_id")
    known = pl.concat(
        [
            rows.join(by_event, on=["event_id", "level"], maintain_order="left"),
            rows.join(by_person, on=["person_id", "level"], maintain_order="left"),
        ]
    )
    own = rows.join(known.select(*KEY, "level"), on=[*KEY, "level"], how="anti", maintain_order="left")
    columns = [
        *KEY, "person_id", "index_date", "in_denominator", "exclusion_reasons", "in_numerator", "value", "amount",
        "rule_ids", "attribution_method", "attribution_step", "visits_credited", "last_visit", "attribution_share",
        "runner_up", "payer_type",
    ]  # fmt: skip
    stacked = pl.concat([known, own], how="diagonal")
    return stacked.select(columns).sort(KEY)


def _with_counts(events: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """The events with the claims behind them counted, and whether each is Medicare's.

    It is when a Medicare claim is behind it, or when nothing is (a person who had no service) and Medicare covered the person.
    """
    counts = links.group_by(KEY).agg(
        medicare_claims=pl.col("is_medicare").sum(), other_claims=(~pl.col("is_medicare")).sum()
    )
    counted = events.join(counts, on=KEY, how="left", maintain_order="left").with_columns(
        pl.col("medicare_claims", "other_claims").fill_null(0)
    )
    covered = (pl.col("other_claims") == 0) & (pl.col("payer_type") == MEDICARE).fill_null(False)
    return counted.with_columns(is_medicare=(pl.col("medicare_claims") > 0) | covered)


def _share(told: pl.DataFrame, module: Module, measure_id: str) -> MeasureShare:
    events = told.filter(pl.col("measure_id") == measure_id)
    enclosed = events.filter("is_medicare")
    return MeasureShare(
        measure_id=measure_id,
        name=next(one.name for one in module.facts.measures if one.id == measure_id),
        events=events.height,
        enclosed=enclosed.height,
        partly=enclosed.filter(pl.col("other_claims") > 0).height,
    )


def _names(site: Site, person_ids: Sequence[str], medicare_sources: frozenset[str]) -> pl.DataFrame:
    """The beneficiaries' names as Medicare has them, every spelling once; a number of theirs is never read out."""
    known = vault.names(vault_path(site), site.vault_key(), engine=site.engine(), person_ids=person_ids)
    own = known.filter(pl.col("source_id").is_in(sorted(medicare_sources)))
    return own.select(NAME_COLUMNS).unique().sort(NAME_COLUMNS, nulls_last=True)
