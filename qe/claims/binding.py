"""Each Medicare delivery is bound to its own crosswalk: what a beneficiary id means there, and which persons it met before.

A source may encrypt its ids anew from one delivery to the next. An id is therefore looked up in the crosswalk of its
own delivery alone; a person whom an older crosswalk knows, delivered still or kept in the vault, keeps the id by which
the vault first met him or her, so that linkage, claims and keys see one id. Nobody is merged silently: what showed each
binding is kept in the vault and counted in the report.
"""

from collections.abc import Sequence

from qe import store
from qe.claims.deliveries import Delivery
from qe.claims.ingest import Keys
from qe.claims.link import forget_placeholders
from qe.claims.model import FOLDER
from qe.errors import Fault, Findings
from qe.sources.delivery import MANIFEST
from qe.warehouse import Warehouse

FILES = FOLDER / "binding"
PASSES = ("surrogate_key", "mbi", "hicn", "same_id", "name_dob_sex")


def bind_crosswalks(db: Warehouse, deliveries: Sequence[Delivery], keys: Keys) -> None:
    """Fill bound_person, and the table crosswalk_binding that counts it. Needs the vault attached.

    What an earlier run bound stays bound. Raises Findings when the crosswalk files of one delivery give an id to two persons.
    """
    versions: dict[str, dict[str, str]] = {}
    for delivery in deliveries:
        file = delivery.staged.file
        if file.staged_as == "crosswalk" and file.crosswalk is not None:
            known = versions.setdefault(file.source_id, {})
            known.setdefault(file.crosswalk, delivery.delivery_id)
            _read(db, delivery, keys, version_order=list(known).index(file.crosswalk) + 1)
    _require_one_person_an_id(db, deliveries)
    for name in ("person", "stated"):
        db.run(FILES / f"{name}.sql")
    forget_placeholders(db, FILES / "forget_placeholder.sql")
    db.run(FILES / "first_version.sql")
    for source_id, found in sorted(versions.items()):
        for order, (crosswalk, delivery_id) in enumerate(found.items(), start=1):
            _bind(db, source_id, crosswalk, order, delivery_id)
    with db.transaction():
        db.run(FILES / "forget.sql")
        db.run(FILES / "remember.sql")
    db.run(FILES / "report.sql")


def _read(db: Warehouse, delivery: Delivery, keys: Keys, *, version_order: int) -> None:
    file = delivery.staged.file
    store.attach(db.connection, delivery.staged.database, alias="staged", key=keys.vault_key, read_only=True)
    try:
        db.run(
            FILES / "row.sql",
            source_id=file.source_id,
            crosswalk=file.crosswalk,
            version_order=version_order,
            sent_order=delivery.sent_order,
        )
    finally:
        db.execute("detach staged")


def _require_one_person_an_id(db: Warehouse, deliveries: Sequence[Delivery]) -> None:
    faults = []
    for source_id, crosswalk, ids in db.frame(FILES / "conflict.sql").iter_rows():
        names = [
            one.staged.file.name
            for one in deliveries
            if one.staged.file.staged_as == "crosswalk"
            and (one.staged.file.source_id, one.staged.file.crosswalk) == (source_id, crosswalk)
        ]
        faults.append(
            Fault(
                code="crosswalks-differ",
                message=f"{source_id}: {' and '.join(names)} give {ids:,} beneficiary ids to two persons each",
                file=names[-1],
                count=ids,
                remedy="Keep the crosswalk that holds for this delivery, or put each into the folder of its own delivery, "
                f"with delivered_on in its {MANIFEST}.",
            )
        )
    if faults:
        raise Findings.of(faults)


def _bind(db: Warehouse, source_id: str, crosswalk: str, version_order: int, delivery_id: str) -> None:
    """Bind the ids of one version to the persons of all older ones, pass by pass, each one to one."""
    version = {"source_id": source_id, "version_order": version_order}
    for name in ("before", "oldest") if version_order == 1 else ("before",):
        db.run(FILES / f"{name}.sql", **version)
    for method in PASSES:
        db.run(FILES / "member.sql", **version)
        if not db.scalar("select count(*) from binding_member"):
            return
        db.run(FILES / "known.sql", **version)
        db.run(FILES / f"pass_{method}.sql")
        db.run(FILES / "accept.sql", **version, crosswalk=crosswalk, method=method)
    db.run(FILES / "member.sql", **version)
    db.run(FILES / "new.sql", source_id=source_id, delivery_id=delivery_id)
