"""Packages and staged bundles: the same files are the same bytes, and no path leaves its folder."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from qe import store
from qe.errors import InputError
from qe.release import packages
from qe.release.staged import StagedRelease, read_staged, require_safe, write_staged


def test_the_same_files_make_the_same_zip() -> None:
    files = {"report.pdf": b"one", "results.csv": b"two"}
    assert packages.bundle(files) == packages.bundle(dict(reversed(list(files.items()))))


def test_a_wrong_age_recipient_is_told_without_repeating_it() -> None:
    assert not packages.is_age_recipient("age1wrong")
    with pytest.raises(InputError, match="not a public key") as refusal:
        packages.seal(b"report", "age1wrong")
    assert "age1wrong" not in str(refusal.value)


def release(**changes: Any) -> StagedRelease:
    whole: dict[str, Any] = {
        "release_id": "2025Q4-1",
        "cycle": "2025Q4-1",
        "run_id": "a" * 16,
        "public_on": date(2026, 5, 2),
        "files": {"data/results.csv": b"\x00\xff,1", "site/index.html": b"<p>"},
        "units": {"U000001": "d" * 64},
        "posting": (("U000001", "calculation"),),
        "cells_checked": 4,
        "cells_hidden": 1,
        "findings": 0,
    }
    return StagedRelease(**{**whole, **changes})


@pytest.mark.parametrize(
    "change",
    [
        {"files": {"data/results.csv": b"\x00\xff,2", "site/index.html": b"<p>"}},
        {"files": {"data/result.csv": b"\x00\xff,1", "site/index.html": b"<p>"}},
        {"units": {"U000002": "d" * 64}},
        {"posting": ()},
        {"public_on": date(2026, 5, 3)},
        {"findings": 1},
        {"run_id": "b" * 16},
    ],
)
def test_any_change_of_what_was_decided_changes_the_digest(change: dict[str, Any]) -> None:
    assert release(**change).sha256 != release().sha256


def test_what_is_staged_is_read_back_and_is_not_readable_without_the_key(tmp_path: Path) -> None:
    engine = store.Engine(spill_folder=tmp_path / "store" / ".spill", threads=1, memory_gib=0.5)
    folder, key = tmp_path / "store" / "staged", store.new_key()
    digest = write_staged(folder, release(), key=key, engine=engine)
    assert digest == release().sha256
    assert read_staged(folder, "2025Q4-1", key=key, engine=engine) == release()
    assert b"results.csv" not in (folder / "2025Q4-1.duckdb").read_bytes()
    with pytest.raises(InputError, match="the key does not open"):
        read_staged(folder, "2025Q4-1", key=store.new_key(), engine=engine)


@pytest.mark.parametrize("path", ["/etc/passwd", "../up.html", "site/../../up.html", "", "a\\b", "a\0b"])
def test_a_public_path_stays_below_its_folder(path: str) -> None:
    with pytest.raises(ValueError, match="leaves its folder"):
        require_safe(path)
