"""Staged files into the base tables: each kind by the SQL files of its folder in qe/claims/scan and qe/claims/load.

What several kinds have in common stands in `_shared`; the shared.toml of a folder names the files that it takes from there.
"""

import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from qe import store
from qe.claims.deliveries import SPLIT_KINDS, Delivery
from qe.claims.model import FOLDER
from qe.sources.manifest import StagedFile
from qe.warehouse import Warehouse

CODE_LISTS = (
    "carrier_denial",
    "line_processing",
    "non_payment_reason",
    "pde_adjustment",
    "primary_payer",
    "cdl_claim_status",
    "cdl_line_type",
    "cdl_record_status",
    "payment_arrangement",
)
LOADED_AS = {
    "institutional_wide": "institutional",
    "institutional_base": "institutional",
    "institutional_line": "institutional",
    "professional_wide": "professional",
    "professional_base": "professional",
    "professional_line": "professional",
    "tuva_medical": "medical",
    "enrollment": "eligibility",
    "beneficiary_counts": "beneficiary",
}  # what a kind of rows has no SQL of its own for is done as for these
COUNTED_KINDS = (
    *("institutional", "institutional_wide", "institutional_base", "institutional_line"),
    *("professional", "professional_wide", "professional_base", "professional_line"),
    *("part_d_event", "medical", "tuva_medical", "pharmacy"),
    *("claim", "claim_line", "claim_diagnosis", "claim_procedure", "pharmacy_fill"),
)


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The two keys of a site: identities lie under the vault's."""

    store_key: store.Key
    vault_key: store.Key


def prepare(db: Warehouse, deliveries: Sequence[Delivery], replaced: Sequence[StagedFile]) -> None:
    """The working tables: code tables, deliveries, and the order in which sources are linked.

    replaced  files that a later delivery replaces: their rows are counted and never loaded
    """
    for sql_file in sorted((FOLDER / "work").glob("*.sql")):
        db.run(sql_file)
    db.execute("insert into current_delivery values (0, 0, '', null, null)")
    lists = [
        pl.read_csv(FOLDER / "codes" / f"{name}.csv", infer_schema=False).select(
            pl.lit(name).alias("list"),
            "code",
            "status",
            (pl.col("service_occurred") == "true").alias("service_occurred"),
        )
        for name in CODE_LISTS
    ]
    db.insert("code_status", pl.concat(lists))
    products = pl.read_csv(FOLDER / "codes" / "product_category.csv", infer_schema=False)
    db.insert(
        "product_category",
        products.select(
            "code",
            "payer_type",
            (pl.col("is_medical") == "true").alias("is_medical"),
            (pl.col("is_primary") == "true").alias("is_primary"),
        ),
    )
    db.insert(
        "delivery",
        pl.DataFrame(
            [
                {
                    "delivery_id": one.delivery_id,
                    "source_id": one.staged.file.source_id,
                    "sent_order": one.sent_order,
                }
                for one in deliveries
            ],
            schema={"delivery_id": pl.String, "source_id": pl.String, "sent_order": pl.Int32},
        ),
    )
    for one in deliveries:
        if one.staged.file.staged_as in COUNTED_KINDS:
            db.execute(
                "insert into delivery_fact values ($delivery, $source, $rows)",
                delivery=one.delivery_id,
                source=one.staged.file.source_id,
                rows=one.staged.rows_accepted,
            )
    for file in replaced:
        if file.file.staged_as in COUNTED_KINDS:
            counted = {"delivery": file.file.sha256[:16], "source": file.file.source_id, "rows": file.rows_accepted}
            db.execute("insert into delivery_fact values ($delivery, $source, $rows)", **counted)
            db.execute("insert into replaced_rows values ($delivery, $source, $rows)", **counted)
    medicare = {one.staged.file.source_id for one in deliveries if one.staged.file.payer_type == "medicare"}
    sources = sorted({one.staged.file.source_id for one in deliveries}, key=lambda name: (name not in medicare, name))
    db.insert(
        "population",
        pl.DataFrame(
            [
                {"source_id": source_id, "number": number, "is_medicare": source_id in medicare}
                for number, source_id in enumerate(sources, start=1)
            ],
            schema={"source_id": pl.String, "number": pl.Int32, "is_medicare": pl.Boolean},
        ),
    )


def scan(db: Warehouse, delivery: Delivery, keys: Keys) -> None:
    """What a file mentions: claims, fills, persons, providers, and identities (these into the attached vault)."""
    staged = delivery.staged
    if staged.vault_database is not None and (own := _sql_for("scan/identity", staged.file.staged_as, suffix=".sql")):
        _forget_identities(db, delivery)
        with _attached(db, staged.vault_database, keys.vault_key):
            _make_current(db, delivery)
            db.run(_own_or_bound(db, delivery, "identities"))
            db.run(own, **delivery.parameters)
    folder = _sql_for("scan", staged.file.staged_as)
    if folder is None:
        return
    if staged.in_vault:
        _forget_identities(db, delivery)
    with _attached(db, staged.database, keys.vault_key if staged.in_vault else keys.store_key):
        _delivered_rows(db, delivery)
        _incoming_rows(db, staged.file.staged_as)
        _run_all(db, folder, delivery)


def _forget_identities(db: Warehouse, delivery: Delivery) -> None:
    """Those of this file that an earlier build stated; the same bytes in another source are that source's own."""
    db.execute(
        "delete from vault.identity where delivery_id = $id and source_id = $source",
        id=delivery.delivery_id,
        source=delivery.staged.file.source_id,
    )


def load(db: Warehouse, group: Sequence[Delivery], keys: Keys) -> None:
    """The rows of a file, or of all files that are one delivery, into the base tables."""
    last = group[-1]
    staged_as = last.staged.file.staged_as
    folder = _sql_for("load", staged_as)
    if folder is None:
        return
    if staged_as in SPLIT_KINDS:
        _gather_split(db, group, keys)
        _run_all(db, folder, last)
        _forget(db)
        for part in ("base", "line"):
            db.execute(f"drop table {part}_row")
        return
    if len(group) == 1:
        with _attached(db, last.staged.database, keys.store_key):
            _delivered_rows(db, last)
            _incoming_rows(db, staged_as)
            _run_all(db, folder, last)
        return
    for place, delivery in enumerate(group):
        with _attached(db, delivery.staged.database, keys.store_key):
            _delivered_rows(db, delivery)
            if place == 0:
                db.execute("create or replace temp table delivered_of_all as select * from delivered")
            else:
                db.execute("insert into delivered_of_all by name select * from delivered")
    db.execute("create or replace temp view delivered as select * from delivered_of_all")
    _incoming_rows(db, staged_as)
    _run_all(db, folder, last)
    _forget(db)
    db.execute("drop table delivered_of_all")


def _gather_split(db: Warehouse, group: Sequence[Delivery], keys: Keys) -> None:
    """The views `delivered` and `incoming` over the claim headers and the lines of one folder."""
    kind = LOADED_AS[group[0].staged.file.staged_as]
    for part in ("base", "line"):
        db.run(FOLDER / "incoming" / "tables" / f"{kind}_{part}.sql")
    for delivery in group:
        part = delivery.staged.file.staged_as.rpartition("_")[2]
        with _attached(db, delivery.staged.database, keys.store_key):
            _delivered_rows(db, delivery)
            db.execute(f"insert into {part}_row by name select * exclude (is_repeated) from delivered")
    for name in ("split.sql", f"{kind}_joined.sql"):
        db.run(FOLDER / "incoming" / name)
    db.run(
        FOLDER / "incoming" / "split_count.sql",
        delivery_id=group[-1].delivery_id,
        source_id=group[-1].staged.file.source_id,
    )


def _sql_for(folder: str, staged_as: str, *, suffix: str = "") -> Path | None:
    """The SQL of a kind of rows: its own, or that of the kind which it is loaded as; None when there is none."""
    for name in (staged_as, LOADED_AS.get(staged_as)):
        if name is not None and (path := FOLDER / folder / f"{name}{suffix}").exists():
            return path
    return None


def _delivered_rows(db: Warehouse, delivery: Delivery) -> None:
    """The view `delivered`: the rows of the attached file as they came, under the ids that its persons are bound to."""
    _make_current(db, delivery)
    db.run(_own_or_bound(db, delivery, "rows"))


def _make_current(db: Warehouse, delivery: Delivery) -> None:
    db.execute(
        "update current_delivery set delivery_order = $order, sent_order = $sent, delivery_id = $id, "
        "source_id = $source, crosswalk = $crosswalk",
        order=delivery.delivery_order,
        sent=delivery.sent_order,
        id=delivery.delivery_id,
        source=delivery.staged.file.source_id,
        crosswalk=delivery.staged.file.crosswalk,
    )


def _own_or_bound(db: Warehouse, delivery: Delivery, rows: str) -> Path:
    """The SQL of `rows` that takes the ids of this delivery's persons as they are, or as a crosswalk binds them."""
    has_versions = delivery.staged.file.crosswalk is not None
    bound = has_versions and db.frame(FOLDER / "incoming" / "is_bound.sql").item()
    return FOLDER / "incoming" / (f"bound_{rows}.sql" if bound else f"{rows}.sql")


def _incoming_rows(db: Warehouse, kind: str) -> None:
    """The view `incoming`: one row per line or person, whatever the shape in which `delivered` came."""
    own = FOLDER / "incoming" / f"{kind}.sql"
    db.run(own if own.is_file() else FOLDER / "incoming" / "as_delivered.sql")


def _forget(db: Warehouse) -> None:
    db.execute("drop view if exists incoming")
    db.execute("drop view if exists delivered")


def _run_all(db: Warehouse, folder: Path, delivery: Delivery) -> None:
    for sql_file in _sql_of(folder):
        db.run(sql_file, **delivery.parameters)


def _sql_of(folder: Path) -> list[Path]:
    """The SQL of a kind of rows in the order of its names: its own, and what its shared.toml takes from ../_shared."""
    declared = folder / "shared.toml"
    shared = tomllib.loads(declared.read_text(encoding="utf-8"))["files"] if declared.is_file() else []
    return sorted(
        [*folder.glob("*.sql"), *(folder.parent / "_shared" / name for name in shared)], key=lambda sql: sql.name
    )


@contextmanager
def _attached(db: Warehouse, database: Path, key: store.Key) -> Iterator[None]:
    store.attach(db.connection, database, alias="staged", key=key, read_only=True)
    try:
        yield
    finally:
        _forget(db)
        db.execute("detach staged")
