"""Packages of the outbox: sealed with age for a recipient's own key, or printable files for the owner only."""

import hashlib
import io
import json
import os
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pyrage

from qe.errors import InputError
from qe.runs import write_aside

FIRST_ZIP_DAY: Final = (1980, 1, 1, 0, 0, 0)


def bundle(files: Mapping[str, bytes]) -> bytes:
    """A zip of `files` without times or owners: the same files are the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression=zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, date_time=FIRST_ZIP_DAY)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


def manifest(report_id: str, files: Mapping[str, str]) -> bytes:
    """What a package holds: file names with their sha256."""
    content = {"report_id": report_id, "files": dict(files)}
    return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode("utf-8")


def is_age_recipient(text: str) -> bool:
    """Whether `text` is a public key that age can seal for."""
    try:
        pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        return False
    return True


def seal(content: bytes, age_recipient: str) -> bytes:
    """`content` encrypted so that only the holder of the recipient's own key can open it."""
    try:
        recipient = pyrage.x25519.Recipient.from_str(age_recipient)
    except pyrage.RecipientError:
        raise InputError("a contact's age recipient is not a public key of age") from None
    return bytes(pyrage.encrypt(content, [recipient]))


def write_package(path: Path, files: Mapping[str, bytes], *, report_id: str, age_recipient: str | None) -> Path:
    """Write `files` as one sealed package `path`.age, or printable into the folder `path` (owner only), whole or not at all."""
    if age_recipient is not None:
        listed = {name: _sha256(content) for name, content in files.items()}
        return write_sealed(
            path, bundle({**files, "manifest.json": manifest(report_id, listed)}), age_recipient=age_recipient
        )
    _private_folder(path.parent)
    writing = path.with_name(f".{path.name}.writing")  # a folder that is there is whole
    for left in (writing, path):
        if left.exists():
            shutil.rmtree(left)
    _private_folder(writing)
    for name, content in files.items():
        write_private(writing / name, content)
    writing.replace(path)
    return path


def write_sealed(path: Path, whole: bytes, *, age_recipient: str) -> Path:
    """Write the bundle `whole` as `path`.age, which only the recipient's own key opens; it never stands in the clear."""
    _private_folder(path.parent)
    target = path.with_name(f"{path.name}.age")
    write_private(target, seal(whole, age_recipient))
    return target


def is_written(path: Path) -> bool:
    """Whether the package `path` is in the outbox, sealed or printable."""
    return path.with_name(f"{path.name}.age").is_file() or path.is_dir()


def _private_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def write_private(path: Path, content: bytes) -> None:
    """A file that its owner alone may read, whole or not at all."""
    umask = os.umask(0o077)
    try:
        write_aside(path, content)
    finally:
        os.umask(umask)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
