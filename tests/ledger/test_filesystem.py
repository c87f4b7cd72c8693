"""A ledger lies on a disk of this machine: network filesystems are told apart by the system's mounts, and refused."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.site import run_quarter
from qe.errors import InputError
from qe.ledger import filesystem
from qe.ledger.book import Ledger
from qe.ledger.filesystem import filesystem_of, mount_of, require_local
from qe.site import Site
from qe.upkeep import doctor, new_site


def mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """What the system lists from now on: the mount that holds the test's folder is of this kind, another one is not."""
    listed = tmp_path / "mountinfo"
    own = mount_of(tmp_path)
    listed.write_text(
        "9999999 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw\n"
        f"{own} 9999999 0:45 / /mnt/office\\040disk rw,relatime shared:9 master:2 - {kind} files.example:/office rw\n"
        "a line that says nothing\n"
    )
    monkeypatch.setattr(filesystem, "MOUNTS", listed)


@pytest.fixture
def made(tmp_path: Path) -> Site:
    """A site that was made where it may lie."""
    return new_site.create(tmp_path / "here", sample=True, configuration=tmp_path / "configuration").site


@pytest.fixture
def on_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose mount the system calls a network filesystem."""
    folder = tmp_path / "office"
    folder.mkdir()
    mounted(tmp_path, monkeypatch, "nfs4")
    return folder


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", "fuse.ceph-fuse"])
def test_a_network_filesystem_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    mounted(tmp_path, monkeypatch, kind)
    with pytest.raises(InputError) as told:
        require_local(tmp_path / "not there yet" / "ledger.sqlite")
    assert f"a network filesystem ({kind})" in str(told.value)
    assert told.value.exit_code == 2
    assert "a disk of this machine" in told.value.faults[0].remedy


@pytest.mark.parametrize("kind", ["ext4", "xfs", "overlay", "9p", "virtiofs", "fuse.gocryptfs"])
def test_a_disk_of_the_machine_and_a_containers_root_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    mounted(tmp_path, monkeypatch, kind)
    assert filesystem_of(mount_of(tmp_path)) == kind
    require_local(tmp_path)


def test_each_place_has_the_mount_that_is_in_force_there() -> None:
    """Of the real system: /proc is a mount of its own."""
    assert filesystem_of(mount_of(Path("/proc/self"))) == "proc"
    assert mount_of(Path("/proc")) != mount_of(Path("/"))


def test_a_link_is_followed_to_where_it_leads(tmp_path: Path) -> None:
    link = tmp_path / "ledger.sqlite"
    link.symlink_to("/proc/self/status")
    assert filesystem_of(mount_of(link)) == "proc"


def test_a_mount_that_is_not_listed_and_a_machine_that_lists_none_are_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mountinfo").write_text("")
    monkeypatch.setattr(filesystem, "MOUNTS", tmp_path / "mountinfo")
    assert mount_of(tmp_path) is not None and filesystem_of(mount_of(tmp_path)) is None
    require_local(tmp_path)
    monkeypatch.setattr(filesystem, "MOUNTS", tmp_path / "none")
    assert mount_of(tmp_path) is None
    require_local(tmp_path)


def test_a_machine_that_lists_mounts_but_tells_no_files_mount_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "open", lambda path, flags: 10**6)  # a number under which no file is open
    monkeypatch.setattr(os, "close", lambda number: None)
    assert mount_of(tmp_path) is None


def test_a_ledger_there_is_not_written_and_no_file_is_made(on_network: Path) -> None:
    ledger = Ledger(on_network / "ledger.sqlite", zone="UTC")
    with pytest.raises(InputError, match=r"network filesystem \(nfs4\)"):
        ledger.append([], at=datetime(2026, 5, 1, tzinfo=UTC), actor="analyst")
    assert list(on_network.iterdir()) == []


def test_a_site_is_not_made_there(on_network: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="network filesystem"):
        new_site.create(on_network / "site", sample=True, configuration=tmp_path / "configuration")
    assert list(on_network.iterdir()) == [] and not (tmp_path / "configuration").exists()


def test_a_site_that_was_moved_there_is_told_by_the_doctor(
    made: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (found,) = [one for one in doctor.examine(made) if one.check == "ledger"]
    assert found.state == "ok"
    mounted(tmp_path, monkeypatch, "nfs4")
    (found,) = [one for one in doctor.examine(made) if one.check == "ledger"]
    assert (found.state, "nfs4" in found.found, found.remedy != "") == ("fault", True, True)


def test_a_run_of_a_site_that_was_moved_there_is_refused_before_anything_is_read(
    made: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounted(tmp_path, monkeypatch, "nfs4")
    before = sorted(made.root.rglob("*"))
    with pytest.raises(InputError, match="network filesystem"):
        run_quarter(made)
    assert sorted(made.root.rglob("*")) == before
