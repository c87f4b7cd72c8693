"""A ledger lies on a disk of this machine: network filesystems are told apart by the list of mounts, and refused."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from qe.errors import InputError
from qe.ledger import filesystem
from qe.ledger.book import Ledger
from qe.ledger.filesystem import filesystem_of, require_local
from qe.upkeep import doctor, new_site

MOUNTS = r"""22 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw
30 22 0:26 / /tmp rw,nosuid - tmpfs tmpfs rw
41 22 0:45 / /mnt/office\040disk rw,relatime shared:9 - nfs4 files.example:/office rw,vers=4.2
42 41 259:3 / /mnt/office\040disk/local rw - xfs /dev/nvme0n1p3 rw
43 22 0:50 / /over rw - ext4 /dev/sdb1 rw
44 22 0:51 / /over rw - cifs //files.example/over rw
a line that says nothing
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/home/analyst/site", "ext4"),
        ("/mnt/office disk", "nfs4"),
        ("/mnt/office disk/quarters/site", "nfs4"),
        ("/mnt/office disk/local/site", "xfs"),
        ("/mnt/office diskette", "ext4"),
        ("/over/site", "cifs"),
    ],
)
def test_the_deepest_mount_holds_a_folder_and_of_two_at_one_place_the_later(folder: str, kind: str) -> None:
    assert filesystem_of(Path(folder), MOUNTS) == kind


def test_nothing_is_known_without_mounts() -> None:
    assert filesystem_of(Path("/home"), "") is None


@pytest.fixture
def on_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that the list of mounts calls a network filesystem."""
    folder, mounts = tmp_path / "office", tmp_path / "mountinfo"
    folder.mkdir()
    mounts.write_text(f"{MOUNTS}50 22 0:60 / {folder} rw - nfs4 files.example:/office rw\n")
    monkeypatch.setattr(filesystem, "MOUNTS", mounts)
    return folder


def test_a_ledger_on_a_network_filesystem_is_not_written_and_no_file_is_made(on_network: Path) -> None:
    ledger = Ledger(on_network / "ledger.sqlite", zone="UTC")
    with pytest.raises(InputError, match=r"network filesystem \(nfs4\)") as told:
        ledger.append([], at=datetime(2026, 5, 1, tzinfo=UTC), actor="analyst")
    assert told.value.exit_code == 2
    assert "a disk of this machine" in str(told.value.faults[0].remedy)
    assert list(on_network.iterdir()) == []


def test_a_site_is_not_made_there_either(on_network: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="network filesystem"):
        new_site.create(on_network / "site", sample=True, configuration=tmp_path / "configuration")
    assert list(on_network.iterdir()) == [] and not (tmp_path / "configuration").exists()


def test_a_site_that_was_moved_there_is_told_by_the_doctor(on_network: Path, tmp_path: Path) -> None:
    made = new_site.create(tmp_path / "here", sample=True, configuration=tmp_path / "configuration").site
    (found,) = [one for one in doctor.examine(made) if one.check == "ledger"]
    assert found.state == "ok"
    (found,) = [one for one in doctor.examine(replace(made, root=on_network)) if one.check == "ledger"]
    assert (found.state, "nfs4" in found.found, found.remedy != "") == ("fault", True, True)


def test_a_folder_beside_the_network_is_allowed(on_network: Path) -> None:
    require_local(on_network.parent)


def test_the_machine_is_not_asked_where_it_lists_no_mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filesystem, "MOUNTS", tmp_path / "none")
    require_local(tmp_path)
