"""The staged public bundle: exactly the bytes that would become public, encrypted under store/staged/ until they do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path, PurePosixPath

import polars as pl

from qe import store, warehouse
from qe.errors import Findings, InputError
from qe.ledger.event import canonical_json


@dataclass(frozen=True, kw_only=True)
class StagedRelease:
    """The files of one release with the facts that were decided with them.

    files         path below public/<release_id>/ -> bytes
    units         unit id -> sha256 of its results as published
    posting       (unit_id, category) of the open requests posted; not_posted: (reason, open requests that cannot be posted)
    withheld      (unit_id, measure_id) whose figures the files leave out since they were withdrawn
    findings      cells that could be narrowed down; a release with any is refused
    public_on     the day the files name as their day of publication
    """

    release_id: str
    cycle: str
    run_id: str
    public_on: date
    files: Mapping[str, bytes]
    units: Mapping[str, str]
    posting: Sequence[tuple[str, str]]
    cells_checked: int
    cells_hidden: int
    findings: int
    not_posted: Sequence[tuple[str, int]] = ()
    withheld: Sequence[tuple[str, str]] = ()

    @property
    def sha256(self) -> str:
        """One digest of all the files and of what was decided with them."""
        return bundle_sha256(self)


def bundle_sha256(release: StagedRelease) -> str:
    """sha256 over canonical JSON of every path with its bytes' sha256, and of the decided facts."""
    content = {
        "files": {path: sha256(content).hexdigest() for path, content in release.files.items()},
        "release_id": release.release_id,
        "cycle": release.cycle,
        "run_id": release.run_id,
        "public_on": release.public_on.isoformat(),
        "units": dict(release.units),
        "posting": sorted(release.posting),
        "not_posted": sorted(release.not_posted),
        "withheld": sorted(release.withheld),
        "cells": [release.cells_checked, release.cells_hidden, release.findings],
    }
    return sha256(canonical_json(content).encode("ascii")).hexdigest()


def staged_path(folder: Path, release_id: str) -> Path:
    return folder / f"{release_id}.duckdb"


def is_staged(folder: Path, release_id: str) -> bool:
    return staged_path(folder, release_id).exists()


def write_staged(folder: Path, release: StagedRelease, *, key: store.Key, engine: store.Engine) -> str:
    """Replace what is staged for this release; gives the bundle's sha256."""
    for path in release.files:
        require_safe(path)
    files = pl.DataFrame(
        [
            {"path": path, "bytes": content, "sha256": sha256(content).hexdigest()}
            for path, content in sorted(release.files.items())
        ],
        schema={"path": pl.String, "bytes": pl.Binary, "sha256": pl.String},
    )
    decided = pl.DataFrame(
        {
            "release_id": [release.release_id],
            "cycle": [release.cycle],
            "run_id": [release.run_id],
            "public_on": [release.public_on],
            "cells_checked": [release.cells_checked],
            "cells_hidden": [release.cells_hidden],
            "findings": [release.findings],
            "bundle_sha256": [release.sha256],
        }
    )
    units = pl.DataFrame(
        {"unit_id": list(release.units), "result_sha256": list(release.units.values())},
        schema={"unit_id": pl.String, "result_sha256": pl.String},
    )
    posting = pl.DataFrame(
        {"unit_id": [unit for unit, _ in release.posting], "category": [category for _, category in release.posting]},
        schema={"unit_id": pl.String, "category": pl.String},
    )
    not_posted = pl.DataFrame(
        {
            "reason": [why for why, _ in release.not_posted],
            "requests": [requests for _, requests in release.not_posted],
        },
        schema={"reason": pl.String, "requests": pl.Int64},
    )
    withheld = pl.DataFrame(
        {"unit_id": [unit for unit, _ in release.withheld], "measure_id": [measure for _, measure in release.withheld]},
        schema={"unit_id": pl.String, "measure_id": pl.String},
    )
    with warehouse.build(staged_path(folder, release.release_id), key, engine=engine) as db:
        for table, columns, rows in (
            ("file", "path varchar, bytes blob, sha256 varchar", files),
            (
                "decided",
                "release_id varchar, cycle varchar, run_id varchar, public_on date, cells_checked bigint, "
                "cells_hidden bigint, findings bigint, bundle_sha256 varchar",
                decided,
            ),
            ("unit", "unit_id varchar, result_sha256 varchar", units),
            ("posting", "unit_id varchar, category varchar", posting),
            ("not_posted", "reason varchar, requests bigint", not_posted),
            ("withheld", "unit_id varchar, measure_id varchar", withheld),
        ):
            db.execute(f"create table {table} ({columns})")
            db.insert(table, rows)
    return release.sha256


def read_staged(folder: Path, release_id: str, *, key: store.Key, engine: store.Engine) -> StagedRelease:
    """What is staged for `release_id`, its bytes checked against their digests."""
    path = staged_path(folder, release_id)
    if not is_staged(folder, release_id):
        raise InputError(f"nothing is staged for {release_id}", remedy="Stage it: qe release plan.")
    with warehouse.open_read_only(path, key, engine=engine, lock=False) as db:
        decided = db.query(
            "select release_id, cycle, run_id, public_on, cells_checked, cells_hidden, findings, bundle_sha256 "
            "from decided"
        ).row(0, named=True)
        files = {row["path"]: row["bytes"] for row in db.query("select path, bytes from file order by path").to_dicts()}
        units = db.query("select unit_id, result_sha256 from unit order by unit_id").rows()
        posting = db.query("select unit_id, category from posting order by unit_id, category").rows()
        not_posted = db.query("select reason, requests from not_posted order by reason").rows()
        withheld = db.query("select unit_id, measure_id from withheld order by unit_id, measure_id").rows()
    told = decided.pop("bundle_sha256")
    release = StagedRelease(
        **decided,
        files=files,
        units=dict(units),
        posting=tuple((unit, category) for unit, category in posting),
        not_posted=tuple((why, requests) for why, requests in not_posted),
        withheld=tuple((unit, measure) for unit, measure in withheld),
    )
    if release.sha256 != told:
        raise Findings(f"the staged files of {release_id} are not those that were staged", remedy="Plan again.")
    return release


def require_safe(path: str) -> None:
    """A relative path that stays below the release's folder."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path or "\0" in path:
        raise ValueError("a public file's path leaves its folder")
