"""The claims model of a site: built once from its staged files, content-addressed, and reused while nothing changed."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import duckdb
import polars as pl

from qe import store, vault, warehouse
from qe.claims import ingest
from qe.claims.binding import bind_crosswalks
from qe.claims.deliveries import SPLIT_KINDS, in_order, loaded_together, require_order
from qe.claims.events import derive_events
from qe.claims.link import LinkageReport, link_persons, report_of
from qe.claims.model import FOLDER, create_base_tables, create_event_tables, create_macros
from qe.claims.quality_counts import describe_sources
from qe.errors import OutOfResources, QeError
from qe.progress import Progress
from qe.site import Site
from qe.sources.manifest import StagedFile
from qe.sources.reconcile import quarantine_frame
from qe.sources.stage import Keys as StageKeys
from qe.warehouse import Warehouse


@dataclass(frozen=True, kw_only=True)
class ClaimsModel:
    """A built claims model. `path` opens with the store key; it holds surrogate ids only.

    key_digest        sha256 of staged files, SQL, settings and link decisions; its first 16 digits name the file
    decisions_digest  sha256 of the link decisions in force (part of run_id)
    source_claims     source_id, claim_type, claims, paid_amount: after final action, before cross-payer de-duplication
    row_fates         delivery_id (first 16 digits of the file's sha256), source_id, fate, rows: kept, superseded,
                      replaced, older_version, reversal; they add up to the file's accepted rows
    unresolved_units  source_id, reason (no_identifier, npi_alone, no_group), unit_id, name, claims, stays, allowed_amount
    counts            rows of tables, units, superseded and duplicate claims
    data_through      the last day that every source with claims reaches, never past its stated end; None without claims
    """

    path: Path
    key_digest: str
    decisions_digest: str
    linkage: LinkageReport
    source_claims: pl.DataFrame
    row_fates: pl.DataFrame
    unresolved_units: pl.DataFrame
    counts: dict[str, int]
    data_through: date | None

    @property
    def rows_superseded(self) -> dict[tuple[str, str], int]:
        """(source_id, delivery_id) -> rows of claims that a later delivery brings."""
        found = self.row_fates.filter(pl.col("fate") == "superseded")
        return {(source_id, delivery_id): rows for delivery_id, source_id, _, rows in found.iter_rows()}


def vault_path(site: Site) -> Path:
    """Where the identifier vault of a site lies."""
    return site.store / "vault.duckdb"


def model_path(site: Site, key_digest: str) -> Path:
    """Where the claims model of this key lies (ClaimsModel.key_digest)."""
    return site.store / "model" / f"{key_digest[:16]}.duckdb"


def build_model(
    site: Site,
    staged: Sequence[StagedFile],
    *,
    store_key: store.Key,
    vault_key: store.Key,
    progress: Progress,
) -> ClaimsModel:
    """The claims model of these staged files: read when it was built before, else built aside and renamed when whole.

    Persons are linked and surrogate ids assigned in the vault, which is attached only while that is done.
    """
    with _connected(site.engine()) as db:
        with vault.attached(db.connection, vault_path(site), vault_key):
            decisions = vault.decisions_digest(db.connection)
        return _built_or_read(
            site,
            staged,
            db=db,
            keys=ingest.Keys(store_key=store_key, vault_key=vault_key),
            decisions=decisions,
            progress=progress,
        )


@contextmanager
def _connected(engine: store.Engine) -> Iterator[Warehouse]:
    """The connection that the model is built, or found, and described on. No measure ever runs on it."""
    connection = store.connect(engine)
    try:
        yield Warehouse(connection)
    finally:
        connection.close()


def _built_or_read(
    site: Site,
    staged: Sequence[StagedFile],
    *,
    db: Warehouse,
    keys: ingest.Keys,
    decisions: str,
    progress: Progress,
) -> ClaimsModel:
    digest = _key_digest(site, staged, decisions)
    path = model_path(site, digest)
    if not path.exists():
        try:
            with warehouse.built_on(db, path, keys.store_key):
                _build(db, site, staged, keys=keys, progress=progress)
        except duckdb.Error as error:
            raise _told(error) from None
    store.attach(db.connection, path, alias="model", key=keys.store_key, read_only=True)
    db.execute("use model")
    return _described(db, path=path, digest=digest, decisions=decisions)


def _told(error: duckdb.Error) -> QeError:
    """DuckDB's failure without its text, which may hold values."""
    if isinstance(error, duckdb.OutOfMemoryException) or "No space left" in str(error):
        return OutOfResources(
            "memory or disk ran out while the claims model was built; nothing half-written is kept",
            remedy="Free some space, or raise [site] memory_gib, and run again.",
        )
    return QeError(f"the claims model could not be built ({type(error).__name__})")


def _build(db: Warehouse, site: Site, staged: Sequence[StagedFile], *, keys: ingest.Keys, progress: Progress) -> None:
    deliveries = in_order(staged, sources=site.settings.sources)
    groups = loaded_together(deliveries)
    create_macros(db)
    create_base_tables(db)
    create_event_tables(db)
    ingest.prepare(db, deliveries, [one for one in staged if one.replaced_by is not None])
    with vault.attached(db.connection, vault_path(site), keys.vault_key):
        bind_crosswalks(db, deliveries, keys)
        progress.start("finding persons, claims and providers", len(deliveries))
        for delivery in deliveries:
            ingest.scan(db, delivery, keys)
            progress.advance()
        progress.finish()
        require_order(db, deliveries)
        progress.start("linking persons")
        linkage = site.settings.linkage
        report = link_persons(db, passes=linkage.passes, to_review=linkage.to_review)
        progress.finish()
        _assign_keys(db)
        _resolve_units(db)
    progress.start("loading claims", len(groups))
    for group in groups:
        ingest.load(db, group, keys)
        progress.advance()
    progress.finish()
    progress.start("combining payers and deriving events")
    quarantine = quarantine_frame(
        db.connection,
        [one for one in staged if one.rows_quarantined],
        keys=StageKeys(store=keys.store_key, vault=keys.vault_key),
    )
    describe_sources(db, site.settings.sources, staged, quarantine)
    _run_folder(db, "combine")
    derive_events(db)
    db.execute("create table linkage_report (source_id varchar, kind varchar, name varchar, persons bigint)")
    db.insert("linkage_report", report)
    db.run(FOLDER / "binding" / "report_links.sql")
    _run_folder(db, "summary")
    progress.finish()


def _assign_keys(db: Warehouse) -> None:
    for name in ("claim", "fill", "claim_ref", "fill_ref", "person_ref"):
        db.run(FOLDER / "keys" / f"{name}.sql")


def _resolve_units(db: Warehouse) -> None:
    db.run(FOLDER / "units" / "facility_identifier.sql")
    db.run(FOLDER / "units" / "unit_candidate.sql")
    db.run(FOLDER / "keys" / "unit.sql")
    for name in ("provider_identifier", "provider", "affiliation", "facility_ref"):
        db.run(FOLDER / "units" / f"{name}.sql")


def _run_folder(db: Warehouse, name: str) -> None:
    for sql_file in sorted((FOLDER / name).glob("*.sql")):
        db.run(sql_file)


def _key_digest(site: Site, staged: Sequence[StagedFile], decisions: str) -> str:
    """sha256 over everything that the model depends on, but the ids that the vault has given out before."""
    settings = site.settings
    facts = {
        "files": sorted(
            [
                one.file.source_id,
                one.file.sha256,
                one.database.name,
                one.file.payer_id,
                one.file.payer_type,
                one.file.name,
                str(one.file.received_on),
                one.rows_accepted,
                one.replaced_by,
                one.file.crosswalk,
                one.file.delivery,
            ]
            for one in staged
        ),
        "folders": _split_folders(staged),
        "adjustment": {name: source.adjustment for name, source in settings.sources.items()},
        "periods": {name: [str(source.start), str(source.end)] for name, source in settings.sources.items()},
        "linkage": [list(settings.linkage.passes), list(settings.linkage.to_review)],
        "decisions": decisions,
        "code": _code_digest(),
        "duckdb": duckdb.__version__,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _split_folders(staged: Sequence[StagedFile]) -> list[list[str]]:
    """Which files of claim headers and lines lie together, by their bytes."""
    folders: dict[tuple[str, Path], list[str]] = {}
    for one in staged:
        if one.file.staged_as in SPLIT_KINDS:
            folders.setdefault((one.file.source_id, one.file.path.parent), []).append(one.file.sha256)
    return sorted(sorted(together) for together in folders.values())


@cache
def _code_digest() -> str:
    """sha256 of the SQL, code tables and modules of this package."""
    digest = hashlib.sha256()
    for path in sorted(FOLDER.rglob("*")):
        if path.suffix in (".sql", ".csv", ".py", ".toml"):
            digest.update(path.relative_to(FOLDER).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _described(db: Warehouse, *, path: Path, digest: str, decisions: str) -> ClaimsModel:
    facts = dict(db.query("select name, value from model_fact").iter_rows())
    through = facts.pop("data_through")
    return ClaimsModel(
        path=path,
        key_digest=digest,
        decisions_digest=decisions,
        linkage=report_of(db.query("select source_id, kind, name, persons from linkage_report")),
        source_claims=db.query("select source_id, claim_type, claims, paid_amount from source_claims order by all"),
        row_fates=db.query("select delivery_id, source_id, fate, rows from row_fates order by all"),
        unresolved_units=db.query(
            "select source_id, reason, unit_id, name, claims, stays, allowed_amount from unresolved_unit "
            "order by allowed_amount desc, source_id, reason, unit_id"
        ),
        counts={name: int(value) for name, value in sorted(facts.items())},
        data_through=date.fromisoformat(through) if through else None,
    )
