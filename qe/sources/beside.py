"""Claim headers and their lines in two files: whether both lie in the folder, for every type of claim that one of them holds."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from qe.errors import Fault
from qe.sources.layout import layouts
from qe.sources.manifest import StagedFile
from qe.sources.reconcile import unreconciled_fault
from qe.sources.stage import Keys, Places, look_into

WORDS = {"base": "claim headers", "line": "claim lines"}


def without_their_other_file(
    connection: duckdb.DuckDBPyConnection, staged: Sequence[StagedFile], *, keys: Keys
) -> list[tuple[StagedFile, Fault]]:
    """Each file of headers or lines beside which no file with the other part of a claim type lies; one fault a file."""
    split = [one for one in staged if layouts()[one.file.layout].beside is not None]
    types = {(one.file.source_id, one.file.path): _claim_types(connection, one, keys=keys) for one in split}
    faults = []
    for one in split:
        wanted = layouts()[one.file.layout].beside
        held: set[str] = set()
        for other in split:
            if other.file.layout == wanted and _folder(other) == _folder(one):
                held |= types[(other.file.source_id, other.file.path)]
        if missing := sorted(types[(one.file.source_id, one.file.path)] - held):
            faults.append((one, _fault(one, missing)))
    return faults


def _folder(one: StagedFile) -> tuple[str, Path]:
    return one.file.source_id, one.file.path.parent


def _claim_types(connection: duckdb.DuckDBPyConnection, one: StagedFile, *, keys: Keys) -> set[str]:
    with look_into(connection, Places(database=one.database, vault_database=one.vault_database), keys=keys):
        return {row[0] for row in connection.execute("select distinct claim_type from staged_row").fetchall()}


def _fault(one: StagedFile, missing: list[str]) -> Fault:
    part = one.file.staged_as.rpartition("_")[2]
    other = "line" if part == "base" else "base"
    return unreconciled_fault(
        f"missing-{other}-file",
        one.file.name,
        f"holds {WORDS[part]} of type {', '.join(missing)}, and no file in its folder holds their {WORDS[other]}",
        f"Put the {other} file of the same delivery into the folder.",
    )
