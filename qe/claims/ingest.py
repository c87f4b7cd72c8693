"""Staged files into the base tables: each kind by its own SQL files (qe/claims/scan, qe/claims/load)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from qe import store
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
NET_KINDS = ("medical", "pharmacy")
COUNTED_KINDS = ("institutional", "professional", "part_d_event", "medical", "pharmacy")


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The two keys of a site: identities lie under the vault's."""

    store_key: store.Key
    vault_key: store.Key


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One staged file in the order in which files came; the files of a source that sends increments count as one.

    delivery_order  a claim of a later delivery supersedes the whole claim of an earlier one
    sent_order      the file's own place
    is_net          amounts are summed over versions (setting adjustment = "net")
    """

    staged: StagedFile
    delivery_order: int
    sent_order: int
    is_net: bool

    @property
    def delivery_id(self) -> str:
        return self.staged.file.sha256[:16]

    @property
    def parameters(self) -> dict[str, object]:
        file = self.staged.file
        return {
            "source_id": file.source_id,
            "payer_id": file.payer_id,
            "payer_type": file.payer_type,
            "delivery_id": self.delivery_id,
            "net": self.is_net,
        }


def in_order(staged: Sequence[StagedFile], *, net_sources: frozenset[str]) -> list[Delivery]:
    """The files as deliveries, oldest first: by the day their trailer states, then by name, then by content."""
    ordered = sorted(staged, key=lambda one: (one.file.received_on or date.min, one.file.name, one.file.sha256))
    last_of_net: dict[tuple[str, str], int] = {}
    for place, one in enumerate(ordered, start=1):
        last_of_net[(one.file.source_id, one.file.staged_as)] = place
    deliveries = []
    for place, one in enumerate(ordered, start=1):
        is_net = one.file.source_id in net_sources and one.file.staged_as in NET_KINDS
        order = last_of_net[(one.file.source_id, one.file.staged_as)] if is_net else place
        deliveries.append(Delivery(staged=one, delivery_order=order, sent_order=place, is_net=is_net))
    return deliveries


def prepare(db: Warehouse, deliveries: Sequence[Delivery]) -> None:
    """The working tables: code tables, deliveries, and the order in which sources are linked."""
    for sql_file in sorted((FOLDER / "work").glob("*.sql")):
        db.run(sql_file)
    db.execute("insert into current_delivery values (0, 0)")
    for name in CODE_LISTS:
        codes = pl.read_csv(FOLDER / "codes" / f"{name}.csv", infer_schema=False)
        db.insert(
            "code_status",
            codes.select(
                pl.lit(name).alias("list"),
                "code",
                "status",
                (pl.col("service_occurred") == "true").alias("service_occurred"),
            ),
        )
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
                    "delivery_order": one.sent_order,
                }
                for one in deliveries
            ],
            schema={"delivery_id": pl.String, "source_id": pl.String, "delivery_order": pl.Int32},
        ),
    )
    for one in deliveries:
        if one.staged.file.staged_as in COUNTED_KINDS:
            db.execute(
                "insert into delivery_fact values ($delivery, $source, $rows)",
                delivery=_counted_as(one, deliveries),
                source=one.staged.file.source_id,
                rows=one.staged.rows_accepted,
            )
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


def _counted_as(delivery: Delivery, deliveries: Sequence[Delivery]) -> str:
    """The delivery under which the fates of a file's rows are counted: its own, or the last one of its increments."""
    return next(one.delivery_id for one in deliveries if one.sent_order == delivery.delivery_order)


def scan(db: Warehouse, delivery: Delivery, keys: Keys) -> None:
    """What a file mentions: claims, fills, persons, providers, and identities (these into the attached vault)."""
    staged = delivery.staged
    folder = FOLDER / "scan" / staged.file.staged_as
    if staged.vault_database is not None and staged.file.staged_as in ("beneficiary", "eligibility"):
        db.execute("delete from vault.identity where delivery_id = $id", id=delivery.delivery_id)
        with _attached(db, staged.vault_database, keys.vault_key):
            db.run(FOLDER / "incoming" / "identities.sql")
            db.run(FOLDER / "scan" / "identity" / f"{staged.file.staged_as}.sql", **delivery.parameters)
    if not folder.is_dir():
        return
    if staged.in_vault:
        db.execute("delete from vault.identity where delivery_id = $id", id=delivery.delivery_id)
    with _attached(db, staged.database, keys.vault_key if staged.in_vault else keys.store_key):
        _incoming_rows(db, delivery)
        _run_all(db, folder, delivery)


def load(db: Warehouse, group: Sequence[Delivery], keys: Keys) -> None:
    """The rows of a file, or of all files of a source that sends increments, into the base tables."""
    last = group[-1]
    folder = FOLDER / "load" / last.staged.file.staged_as
    if not folder.is_dir():
        return
    if len(group) == 1:
        with _attached(db, last.staged.database, keys.store_key):
            _incoming_rows(db, last)
            _run_all(db, folder, last)
        return
    for place, delivery in enumerate(group):
        with _attached(db, delivery.staged.database, keys.store_key):
            _incoming_rows(db, delivery)
            if place == 0:
                db.execute("create or replace temp table incoming_of_all as select * from incoming")
            else:
                db.execute("insert into incoming_of_all by name select * from incoming")
    db.execute("create or replace temp view incoming as select * from incoming_of_all")
    _run_all(db, folder, last)
    db.execute("drop view incoming")
    db.execute("drop table incoming_of_all")


def groups(deliveries: Sequence[Delivery]) -> list[list[Delivery]]:
    """What is loaded together: single files, and the files of one kind of a source that sends increments."""
    gathered: dict[tuple[str, str, int], list[Delivery]] = {}
    for delivery in deliveries:
        file = delivery.staged.file
        gathered.setdefault((file.source_id, file.staged_as, delivery.delivery_order), []).append(delivery)
    return sorted(gathered.values(), key=lambda group: group[-1].sent_order)


def _incoming_rows(db: Warehouse, delivery: Delivery) -> None:
    db.execute(
        "update current_delivery set delivery_order = $order, sent_order = $sent",
        order=delivery.delivery_order,
        sent=delivery.sent_order,
    )
    db.run(FOLDER / "incoming" / "rows.sql")


def _run_all(db: Warehouse, folder: Path, delivery: Delivery) -> None:
    for sql_file in sorted(folder.glob("*.sql")):
        db.run(sql_file, **delivery.parameters)


@contextmanager
def _attached(db: Warehouse, database: Path, key: store.Key) -> Iterator[None]:
    store.attach(db.connection, database, alias="staged", key=key, read_only=True)
    try:
        yield
    finally:
        db.execute("drop view if exists incoming")
        db.execute("detach staged")
