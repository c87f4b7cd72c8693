"""Where a ledger may lie: on a disk of this machine.

Locks and syncs of network filesystems do not keep what SQLite builds on: two writers may both hold the lock, and an acknowledged
event may be gone after a power cut. Source: "How To Corrupt An SQLite Database File", section 2.1 (sqlite.org/howtocorrupt.html);
proc_pid_mountinfo(5).
"""

import re
from pathlib import Path
from typing import Final

from qe.errors import InputError

MOUNTS: Final = Path("/proc/self/mountinfo")
NETWORK: Final = frozenset(
    {
        "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "fuse.beegfs", "fuse.ceph", "fuse.davfs2", "fuse.glusterfs",
        "fuse.mfs", "fuse.rclone", "fuse.s3fs", "fuse.smbnetfs", "fuse.sshfs", "glusterfs", "gpfs", "lustre", "ncpfs",
        "nfs", "nfs4", "smb3", "smbfs",
    }
)  # fmt: skip


def require_local(folder: Path) -> None:
    """Raises InputError where `folder` lies on a network filesystem. A machine that does not list its mounts is not asked."""
    if MOUNTS.is_file():
        kind = filesystem_of(folder, MOUNTS.read_text(encoding="utf-8", errors="surrogateescape"))
        if kind in NETWORK:
            raise InputError(
                f"the ledger would lie on a network filesystem ({kind}), whose locks do not hold between machines",
                remedy="Keep the site on a disk of this machine; its backups may lie on the network.",
            )


def filesystem_of(folder: Path, mounts: str) -> str | None:
    """The type of the filesystem that holds `folder`, by the lines of mountinfo: the deepest mount, of equals the last."""
    found: tuple[int, str] | None = None
    resolved = folder.resolve()
    for line in mounts.splitlines():
        place, _, source = line.partition(" - ")
        cells = place.split(" ")
        if len(cells) < 5 or not source:
            continue
        point = Path(re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), cells[4]))
        depth = len(point.parts)
        if resolved.is_relative_to(point) and (found is None or depth >= found[0]):
            found = depth, source.split(" ")[0]
    return None if found is None else found[1]
