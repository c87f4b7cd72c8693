"""data/ledger_head.json of a release: the ledger's head before its pages were made, in a file of its own (docs/decisions/0012)."""

from dataclasses import replace
from pathlib import Path
from typing import Final

from qe import store
from qe.errors import Findings
from qe.ledger.signing import HeadStatement
from qe.release.staged import StagedRelease, is_staged, read_staged

LEDGER_HEAD: Final = "data/ledger_head.json"


def with_ledger_head(
    release: StagedRelease, stated: HeadStatement, *, folder: Path, key: store.Key, engine: store.Engine
) -> StagedRelease:
    """The release with the statement among its files.

    Where the same pages are staged already, with the head before *they* were made, that one stays: planning again to look
    changes no byte, and an approval holds.
    """
    before = _staged(folder, release.release_id, key=key, engine=engine)
    if before is not None and LEDGER_HEAD in before.files:
        with_that = _with(release, before.files[LEDGER_HEAD])
        if with_that.sha256 == before.sha256:
            return with_that
    return _with(release, stated.line().encode("ascii"))


def _with(release: StagedRelease, content: bytes) -> StagedRelease:
    return replace(release, files={**release.files, LEDGER_HEAD: content})


def _staged(folder: Path, release_id: str, *, key: store.Key, engine: store.Engine) -> StagedRelease | None:
    """What is staged for this release; what cannot be read any more is about to be replaced."""
    if not is_staged(folder, release_id):
        return None
    try:
        return read_staged(folder, release_id, key=key, engine=engine)
    except Findings:
        return None
