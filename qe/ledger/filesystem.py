"""Where a ledger may lie: on a disk of this machine.

Locks and syncs of network filesystems do not keep what SQLite builds on: two writers may both hold the lock, and an acknowledged
event may be gone after a power cut. Source: "How To Corrupt An SQLite Database File", section 2.1 (sqlite.org/howtocorrupt.html);
proc_pid_fdinfo(5), proc_pid_mountinfo(5). The list is of types as Linux names them; some are recalled, none is refused for being
unknown.
"""

import os
from pathlib import Path
from typing import Final

from qe.errors import InputError

MOUNTS: Final = Path("/proc/self/mountinfo")
NETWORK: Final = frozenset(
    {
        "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "fuse.beegfs", "fuse.blobfuse2", "fuse.ceph", "fuse.ceph-fuse",
        "fuse.curlftpfs", "fuse.davfs2", "fuse.gcsfuse", "fuse.glusterfs", "fuse.goofys", "fuse.gvfsd-fuse",
        "fuse.juicefs", "fuse.mfs", "fuse.mount-s3", "fuse.rclone", "fuse.s3fs", "fuse.smbnetfs", "fuse.sshfs",
        "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "orangefs", "panfs", "pvfs2", "smb3", "smbfs", "wekafs",
    }
)  # fmt: skip


def require_local(path: Path) -> None:
    """Raises InputError where `path`, or the folder it would be made in, lies on a network filesystem.

    A link is followed to where it leads. A machine that does not tell its mounts (not Linux) is not asked.
    """
    kind = filesystem_of(mount_of(path))
    if kind in NETWORK:
        raise InputError(
            f"the ledger would lie on a network filesystem ({kind}), whose locks do not hold between machines",
            remedy="Keep the site on a disk of this machine; its backups may lie on the network.",
        )


def mount_of(path: Path) -> str | None:
    """The number of the mount that holds `path`, or its nearest folder that is there; None where the system does not say."""
    if not MOUNTS.is_file():
        return None
    resolved = path.resolve()
    there = next(each for each in (resolved, *resolved.parents) if each.exists())
    handle = os.open(there, os.O_PATH)
    try:
        lines = Path(f"/proc/self/fdinfo/{handle}").read_text(encoding="ascii").split("\n")
    except OSError:
        return None
    finally:
        os.close(handle)
    return next((line.split()[1] for line in lines if line.startswith("mnt_id:")), None)


def filesystem_of(mount: str | None) -> str | None:
    """The type of the filesystem at this mount, by mountinfo; None where it is not listed."""
    if mount is None:
        return None
    for line in MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").split("\n"):
        of_mount, _, source = line.partition(" - ")
        if of_mount.split(" ")[0] == mount and source:
            return source.split(" ")[0]
    return None
