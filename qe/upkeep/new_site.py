"""A new site: folders, four independent keys outside it, and a qe.toml with every required key filled."""

import os
import re
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

import pyrage

from qe import bundled
from qe.errors import InputError
from qe.ledger.filesystem import require_local
from qe.runs import write_aside
from qe.site import Site, open_site
from qe.store import new_key

FOLDERS = ("inbox", "store", "runs", "public", "out", "logs", "licensed")


@dataclass(frozen=True, kw_only=True)
class NewSite:
    """What `qe init` made. The key files lie outside the site and were never there before."""

    site: Site
    store_key_file: Path
    vault_key_file: Path
    signing_key_file: Path
    sealing_key_file: Path


def create(folder: Path, *, sample: bool, configuration: Path, inbox: Path | None = None) -> NewSite:
    """Make the site `folder`; with `sample` it is a rehearsal site that holds the sample files and invented code lists.

    configuration  where keys go: $XDG_CONFIG_HOME, or ~/.config
    inbox          files that `qe sample` wrote, instead of the sample files that ship with qe
    Raises InputError when the folder already holds something, or lies where its ledger may not.
    """
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder.name}/ is not empty", remedy="Name a new folder: `qe init DIR`.")
    require_local(folder)
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", folder.resolve().name).strip("-") or "site"
    sealing = pyrage.x25519.Identity.generate()
    keys = _write_keys(configuration / "qe", name, sealing=sealing)
    for sub_folder in FOLDERS:
        (folder / sub_folder).mkdir(parents=True, exist_ok=True)
    (folder / "store").chmod(0o700)
    template = bundled.folder("sample_data") / "qe.toml" if sample else Path(__file__).with_name("qe.toml.template")
    settings = template.read_text(encoding="utf-8")
    marks = {
        "@NAME@": name,
        "@KEY@": keys["store"],
        "@VAULT_KEY@": keys["vault"],
        "@SIGNING_KEY@": keys["signing"],
        "@SEALING_RECIPIENT@": sealing.to_public(),
    }
    for mark, text in marks.items():
        settings = settings.replace(mark, str(text))
    write_aside(folder / "qe.toml", settings.encode("utf-8"))
    if sample:
        received = inbox or bundled.folder("sample_data") / "inbox"
        invented = bundled.folder("measures") / "_stand_ins"
        for source, target in ((received, "inbox"), (invented, "licensed")):
            shutil.copytree(source, folder / target, dirs_exist_ok=True, copy_function=shutil.copyfile)
    return NewSite(
        site=open_site(folder),
        store_key_file=keys["store"],
        vault_key_file=keys["vault"],
        signing_key_file=keys["signing"],
        sealing_key_file=keys["sealing"],
    )


def _write_keys(folder: Path, name: str, *, sealing: pyrage.x25519.Identity) -> dict[str, Path]:
    """Three new random keys and `sealing`, readable by their owner alone; an existing file is never overwritten."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    stem = f"{name}-{secrets.token_hex(4)}"
    secret_of = {purpose: new_key().hex_digits for purpose in ("store", "vault", "signing")}
    secret_of["sealing"] = f"# public key: {sealing.to_public()}\n{sealing}"
    files = {purpose: folder / f"{stem}.{purpose}.key" for purpose in secret_of}
    for purpose, file in files.items():
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as out:
            out.write(secret_of[purpose] + "\n")
    return files
