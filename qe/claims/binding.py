"""Each Medicare delivery is bound to its own crosswalk: what a beneficiary id means there, and which persons it met before.

A source may encrypt its ids anew from one delivery to the next. An id is therefore looked up in the crosswalk of its
own delivery alone; a person whom an older crosswalk knows keeps the id of the oldest one, so that linkage, claims and
keys see one id. Nobody is merged silently: what showed each binding is kept in the vault and counted in the report.
"""

from collections.abc import Sequence

from qe import store
from qe.claims.ingest import Delivery, Keys
from qe.claims.model import FOLDER
from qe.warehouse import Warehouse

FILES = FOLDER / "binding"
PASSES = ("surrogate_key", "mbi", "hicn", "same_id", "name_dob_sex")


def bind_crosswalks(db: Warehouse, deliveries: Sequence[Delivery], keys: Keys) -> None:
    """Fill bound_person, and the table crosswalk_binding that counts it. Needs the vault attached.

    Sources with one crosswalk have no rows: their ids are taken as they are.
    """
    versions: dict[str, list[str]] = {}
    for delivery in deliveries:
        file = delivery.staged.file
        if file.staged_as == "crosswalk" and file.crosswalk is not None:
            known = versions.setdefault(file.source_id, [])
            if file.crosswalk not in known:
                known.append(file.crosswalk)
            _read(db, delivery, keys, version_order=known.index(file.crosswalk) + 1)
    for source_id, found in sorted(versions.items()):
        db.execute(
            "insert into oldest_crosswalk values ($source_id, $crosswalk)", source_id=source_id, crosswalk=found[0]
        )
        db.run(FILES / "oldest.sql", source_id=source_id)
        for order, crosswalk in enumerate(found[1:], start=2):
            _bind(db, source_id, crosswalk, order)
    with db.transaction():
        db.run(FILES / "forget.sql")
        db.run(FILES / "remember.sql")
    db.run(FILES / "report.sql")


def _read(db: Warehouse, delivery: Delivery, keys: Keys, *, version_order: int) -> None:
    file = delivery.staged.file
    store.attach(db.connection, delivery.staged.database, alias="staged", key=keys.vault_key, read_only=True)
    try:
        db.run(FILES / "person.sql", source_id=file.source_id, crosswalk=file.crosswalk, version_order=version_order)
    finally:
        db.execute("detach staged")


def _bind(db: Warehouse, source_id: str, crosswalk: str, version_order: int) -> None:
    """Bind the ids of one version to the persons of all older ones, pass by pass, each one to one."""
    version = {"source_id": source_id, "version_order": version_order}
    for method in PASSES:
        db.run(FILES / "member.sql", **version)
        db.run(FILES / "known.sql", **version)
        db.run(FILES / f"pass_{method}.sql")
        db.run(FILES / "accept.sql", **version, crosswalk=crosswalk, method=method)
    db.run(FILES / "member.sql", **version)
    db.run(FILES / "new.sql")
