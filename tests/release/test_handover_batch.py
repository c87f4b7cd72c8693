"""A batch of hand-overs: every row read, every fault told, no value repeated."""

import hashlib
from datetime import date
from pathlib import Path

import pytest

from qe.errors import InputError
from qe.release.handover import HandOver, read_batch

RECEIPT = hashlib.sha256(b"receipt").hexdigest()


def batch(tmp_path: Path, text: str) -> Path:
    (tmp_path / "receipt.txt").write_bytes(b"receipt")
    path = tmp_path / "batch.csv"
    path.write_text(text, encoding="utf-8-sig")
    return path


def test_evidence_is_a_file_beside_the_batch_or_a_digest_and_blanks_take_the_defaults(tmp_path: Path) -> None:
    path = batch(
        tmp_path,
        f"unit_id,on,evidence\nU000001,2026-03-02,receipt.txt\nU000002,2026-03-01,{'a' * 64}\nU000003,,\n",
    )
    assert read_batch(path, default_on=date(2026, 2, 28), default_evidence="b" * 64) == (
        HandOver(unit_id="U000001", on=date(2026, 3, 2), evidence_sha256=RECEIPT),
        HandOver(unit_id="U000002", on=date(2026, 3, 1), evidence_sha256="a" * 64),
        HandOver(unit_id="U000003", on=date(2026, 2, 28), evidence_sha256="b" * 64),
    )


def test_all_faulty_rows_are_told_at_once(tmp_path: Path) -> None:
    rows = ["U000001,2026-03-02,receipt.txt", "U000001,2026-03-02,receipt.txt", ",2026-03-02,receipt.txt"]
    rows += ["U000002,02/03/2026,receipt.txt", "U000003,2026-03-02,missing.txt", "U000004,,receipt.txt"]
    path = batch(tmp_path, "\n".join(["unit_id,on,evidence", *rows]) + "\n")
    with pytest.raises(InputError) as refusal:
        read_batch(path, default_on=None, default_evidence=None)
    assert [fault.place for fault in refusal.value.faults] == ["row 3", "row 4", "row 5", "row 6", "row 7"]


@pytest.mark.parametrize("text", ["", "provider,on\n1,2\n"])
def test_a_file_without_unit_ids_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match="no rows with unit_id"):
        read_batch(batch(tmp_path, text), default_on=None, default_evidence=None)
