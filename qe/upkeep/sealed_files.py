"""Whether sealed attachments are shut: no other account reads them, and what opens them is not on this machine (decision 0015)."""

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pyrage

from qe.release.attachments import sealed_folder
from qe.site import Site

OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
KEY_FILE_BYTES: Final = 4096  # a key file of age is a few lines; nothing longer is opened


def open_to_others(site: Site) -> int:
    """How many of the folder of sealed attachments and its files another account may read, list or change."""
    folder = sealed_folder(site)
    if not folder.is_dir():
        return 0
    return sum(bool(path.stat().st_mode & OTHERS) for path in (folder, *folder.iterdir()))


def secret_halves(site: Site) -> tuple[Path, ...]:
    """The files with the secret half of the sealing key, beside the named keys (where `qe init` writes it) or in the site."""
    recipient = site.settings.site.sealing_recipient
    return tuple(file for file in _small_files(site) if recipient is not None and recipient in _recipients(file))


def _small_files(site: Site) -> Iterator[Path]:
    named = (
        site.settings.site.key_file,
        site.settings.site.vault_key_file,
        site.settings.site.signing_key_file,
    )
    beside = {(site.root / Path(one).expanduser()).resolve().parent for one in named if one}
    for folder in sorted({*beside, site.root.resolve(), site.store.resolve()}):
        if folder.is_dir():
            yield from (
                one for one in sorted(folder.iterdir()) if one.is_file() and one.stat().st_size < KEY_FILE_BYTES
            )


def _recipients(file: Path) -> frozenset[str]:
    """The public halves of the keys of age in a file; none of one that this account cannot read."""
    try:
        lines = file.read_text(encoding="ascii").splitlines()
        secrets = [line.strip() for line in lines if line.startswith("AGE-SECRET-KEY-")]
        return frozenset(str(pyrage.x25519.Identity.from_str(secret).to_public()) for secret in secrets)
    except (OSError, UnicodeDecodeError, pyrage.IdentityError):
        return frozenset()
