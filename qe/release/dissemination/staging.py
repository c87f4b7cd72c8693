"""The staged data: exactly the bytes that would go, with the codes they were made with; kept sealed, later as the map back.

Codes lead back to persons, so the file is encrypted with the key of the vault, whatever the data.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Final

import polars as pl

from qe import warehouse
from qe.errors import Findings, InputError
from qe.ledger.event import canonical_json
from qe.release.outgoing import digest_of
from qe.release.releases import staged_folder
from qe.site import Site

AGAIN: Final = "Define it again: qe data define; a release that was recorded needs store/staged from the backup."
DICTIONARY: Final = "data_dictionary.csv"


@dataclass(frozen=True, kw_only=True, eq=False)
class StagedData:
    """The files of one release of data.

    files    name -> bytes, as the user gets them
    sources  ids of those whose claims or fills are in them
    codes    kind, native, code: the map back (ReleaseCodes.as_frame)
    """

    data_id: str
    files: Mapping[str, bytes]
    sources: tuple[str, ...]
    codes: pl.DataFrame

    @property
    def sha256(self) -> str:
        return digest_of(self.files)

    @cached_property
    def tables(self) -> Mapping[str, pl.DataFrame]:
        """Table -> its rows as text, read back from the bytes; the list of patients among them."""
        return {
            name.removesuffix(".csv"): pl.read_csv(content, infer_schema=False)
            for name, content in self.files.items()
            if name.endswith(".csv") and name != DICTIONARY
        }


def _path(site: Site, data_id: str) -> Path:
    name = sha256(data_id.encode("utf-8")).hexdigest()[:16]  # an id may hold what a file name may not
    return staged_folder(site) / f"data-{name}.duckdb"


def write_staged(site: Site, staged: StagedData) -> None:
    """Replace what is staged for this release of data."""
    files = pl.DataFrame(
        [{"name": name, "bytes": content} for name, content in sorted(staged.files.items())],
        schema={"name": pl.String, "bytes": pl.Binary},
    )
    facts = pl.DataFrame({"sources": [canonical_json(list(staged.sources))], "sha256": [staged.sha256]})
    with warehouse.build(_path(site, staged.data_id), site.vault_key(), engine=site.engine()) as db:
        db.create_table("file", files)
        db.create_table("facts", facts)
        db.create_table("code", staged.codes)


def read_staged(site: Site, data_id: str) -> StagedData:
    """What is staged, its bytes checked against their digest."""
    path = _path(site, data_id)
    if not path.exists():
        raise InputError(f"nothing is staged for data release {data_id}", remedy=AGAIN)
    with warehouse.open_read_only(path, site.vault_key(), engine=site.engine(), lock=False) as db:
        files = {row["name"]: row["bytes"] for row in db.query("select name, bytes from file order by name").to_dicts()}
        sources, told = db.query("select sources, sha256 from facts").row(0)
        codes = db.query("select kind, native, code from code order by kind, native")
    staged = StagedData(data_id=data_id, files=files, sources=tuple(json.loads(sources)), codes=codes)
    if staged.sha256 != told:
        raise Findings(f"the staged files of data release {data_id} are not those that were staged", remedy=AGAIN)
    return staged


def is_staged(site: Site, data_id: str) -> bool:
    return _path(site, data_id).exists()
