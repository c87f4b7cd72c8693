"""A received file as a stream of plain bytes: gzip, AES zip and age are opened in memory, never on the disk."""

import gzip
import hashlib
import os
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

import pyrage
import pyzipper

from qe.errors import Fault, Findings, InputError

BLOCK = 1 << 20
ZIP_VARIABLE = "QE_ZIP_PASSPHRASE"
AGE_VARIABLE = "QE_AGE_IDENTITY"
MAX_LAYERS = 3


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """What opens encrypted files; never shown.

    age_identity  the file that holds an age identity
    """

    zip_passphrase: str | None = field(default=None, repr=False)
    age_identity: Path | None = None


def secrets_from(environment: Mapping[str, str]) -> Secrets:
    """The secrets that the environment names."""
    identity = environment.get(AGE_VARIABLE)
    return Secrets(
        zip_passphrase=environment.get(ZIP_VARIABLE) or None, age_identity=Path(identity) if identity else None
    )


def sha256_of(path: Path) -> str:
    """sha256 of the file as received."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def finding(code: str, message: str, *, file: str, remedy: str, place: str | None = None, count: int = 1) -> Findings:
    """One fault of one file."""
    fault = Fault(code=code, message=f"{file}: {message}", file=file, place=place, count=count, remedy=remedy)
    return Findings(fault.sentence(), faults=(fault,), remedy=remedy)


class PlainStream:
    """The plain bytes of a file; a broken container is told as one finding."""

    def __init__(self, inner: IO[bytes], received: IO[bytes], name: str, age: "_AgeThread | None") -> None:
        self._inner = inner
        self._received = received
        self._name = name
        self._age = age

    def read(self, size: int = BLOCK) -> bytes:
        """Up to `size` bytes; empty at the end of a whole file."""
        try:
            block = self._inner.read(size)
        except EOFError:
            raise finding(
                "truncated-gzip", "the gzip stream ends too early", file=self._name, remedy="Ask for the file again."
            ) from None
        except (gzip.BadGzipFile, zlib.error, pyzipper.BadZipFile, OSError):
            raise finding(
                "damaged-container",
                "the compressed content is damaged: its check sum does not hold",
                file=self._name,
                remedy="Ask for the file again.",
            ) from None
        if not block and self._age is not None:
            self._age.require_whole()
        return block

    def received_bytes(self) -> int:
        """How far the file as received has been read."""
        return self._received.tell()


@contextmanager
def open_plain(path: Path, secrets: Secrets) -> Iterator[PlainStream]:
    """The plain bytes of `path`, however it is wrapped (by its content, not its name)."""
    with ExitStack() as stack:
        received = stack.enter_context(path.open("rb"))
        stream: IO[bytes] = received
        age: _AgeThread | None = None
        for layer in range(MAX_LAYERS + 1):
            start = _peek(stream, path.name)
            if layer == MAX_LAYERS and _is_wrapped(start):
                raise finding("nested-container", "is packed too often", file=path.name, remedy="Deliver it unpacked.")
            if start.startswith(b"\x1f\x8b"):
                stream = _open_gzip(stack, stream)
            elif start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
                stream = _open_zip(stack, stream, path.name, secrets)
            elif start.startswith((b"age-encryption.org/", b"-----BEGIN AGE ENCRYPTED FILE-----")):
                age = _AgeThread(stream, _identities(path.name, secrets), path.name)
                stack.callback(age.close)
                stream = age.reader
            else:
                break
        yield PlainStream(stream, received, path.name, age)


def _is_wrapped(start: bytes) -> bool:
    return start.startswith((b"\x1f\x8b", b"PK\x03\x04", b"age-encryption.org/", b"-----BEGIN AGE"))


def _peek(stream: IO[bytes], name: str) -> bytes:
    try:
        return bytes(stream.peek(64)[:64])  # type: ignore[attr-defined]
    except EOFError:
        raise finding(
            "truncated-gzip", "the gzip stream ends too early", file=name, remedy="Ask for the file again."
        ) from None
    except (gzip.BadGzipFile, zlib.error, pyzipper.BadZipFile):
        raise finding(
            "damaged-container", "the compressed content is damaged", file=name, remedy="Ask for the file again."
        ) from None


def _open_gzip(stack: ExitStack, stream: IO[bytes]) -> IO[bytes]:
    return cast(IO[bytes], stack.enter_context(gzip.GzipFile(fileobj=stream, mode="rb")))


def _open_zip(stack: ExitStack, stream: IO[bytes], name: str, secrets: Secrets) -> IO[bytes]:
    if not stream.seekable():
        raise finding(
            "nested-container", "is a zip inside another container", file=name, remedy="Deliver the zip itself."
        )
    try:
        archive = stack.enter_context(pyzipper.AESZipFile(stream))
    except pyzipper.BadZipFile:
        raise finding(
            "damaged-container", "the zip is damaged or cut short", file=name, remedy="Ask for the file again."
        ) from None
    members = [member for member in archive.infolist() if not member.is_dir()]
    if len(members) != 1:
        raise finding(
            "zip-members", f"the zip holds {len(members)} files, not one", file=name, remedy="One file a zip."
        )
    is_encrypted = bool(members[0].flag_bits & 0x1)
    if is_encrypted and secrets.zip_passphrase is None:
        raise InputError(
            f"{name}: the zip is encrypted and no passphrase is set", remedy=f"Set the environment's {ZIP_VARIABLE}."
        )
    password = secrets.zip_passphrase.encode() if is_encrypted and secrets.zip_passphrase else None
    try:
        opened: IO[bytes] = stack.enter_context(archive.open(members[0], pwd=password))
    except RuntimeError:
        raise InputError(
            f"{name}: the passphrase does not open the zip", remedy=f"Correct {ZIP_VARIABLE}; ask the sender for it."
        ) from None
    except (pyzipper.BadZipFile, NotImplementedError):
        raise finding(
            "damaged-container", "the zip is damaged or of an unknown kind", file=name, remedy="Ask for it again."
        ) from None
    return opened


def _identities(name: str, secrets: Secrets) -> list[pyrage.x25519.Identity]:
    if secrets.age_identity is None:
        raise InputError(
            f"{name}: is age-encrypted and no identity is named", remedy=f"Set {AGE_VARIABLE} to your identity file."
        )
    try:
        lines = secrets.age_identity.read_text(encoding="utf-8").splitlines()
        return [pyrage.x25519.Identity.from_str(line.strip()) for line in lines if line.startswith("AGE-SECRET-KEY-")]
    except (OSError, UnicodeDecodeError, pyrage.IdentityError):
        raise InputError(
            f"the age identity file that {AGE_VARIABLE} names cannot be read",
            remedy="It holds a line AGE-SECRET-KEY-... and is readable by you.",
        ) from None


class _AgeThread:
    """Decrypts into a pipe of memory, so that the plain bytes are read as a stream and never lie on the disk."""

    def __init__(self, source: IO[bytes], identities: list[pyrage.x25519.Identity], name: str) -> None:
        read_end, write_end = os.pipe()
        self.reader: IO[bytes] = os.fdopen(read_end, "rb", buffering=BLOCK)
        self._writer = os.fdopen(write_end, "wb", buffering=0)
        self._name = name
        self._failed = False
        self._thread = threading.Thread(target=self._decrypt, args=(source, identities), daemon=True)
        self._thread.start()

    def _decrypt(self, source: IO[bytes], identities: list[pyrage.x25519.Identity]) -> None:
        try:
            pyrage.decrypt_io(source, self._writer, identities)
        except Exception:
            self._failed = True
        finally:
            self._writer.close()

    def require_whole(self) -> None:
        """After the last byte: the whole file was authentic and opened by this identity."""
        self._thread.join()
        if self._failed:
            raise InputError(
                f"{self._name}: the age identity does not open it, or the file is damaged or cut short",
                remedy=f"Correct {AGE_VARIABLE}, or ask for the file again.",
            )

    def close(self) -> None:
        self.reader.close()
        self._thread.join()
