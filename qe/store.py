"""The one place that opens DuckDB: encrypted files, encrypted spill, nothing fetched, keys from outside the site."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import get_native_id
from typing import Final

import duckdb

from qe.errors import Findings, InputError, OutOfResources, QeError, SiteHeld

CRYPTO_MISSING = (
    "DuckDB's encryption extension (the wheel duckdb-extension-httpfs, of duckdb's own version) cannot be loaded, "
    "so nothing can be written encrypted"
)


@dataclass(frozen=True)
class Key:
    """A 256-bit key as 64 hex digits. Its text never shows in a repr, a message or a log."""

    hex_digits: str = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.hex_digits) != 64 or not all(c in "0123456789abcdef" for c in self.hex_digits):
            raise InputError(
                "the key is not 64 hexadecimal digits",
                remedy="Use the key file that `qe init` wrote, unchanged.",
            )


@dataclass(frozen=True, kw_only=True)
class Engine:
    """How much of the machine a connection may use.

    spill_folder  a folder under store/ for what does not fit in memory; its files are encrypted
    """

    spill_folder: Path
    threads: int = 2
    memory_gib: float = 4.0


class WrongKey(InputError):
    """A key that does not open what it should: told once, as it will open no other file either."""


def read_key(path: Path) -> Key:
    """The key in `path`, which only its owner may read."""
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise InputError(
            f"the key file {path.name} is missing",
            remedy="Put it back where qe.toml says (key_file, vault_key_file, signing_key_file), or set QE_KEY, QE_VAULT_KEY "
            "or QE_SIGNING_KEY.",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"the key file {path.name} cannot be read", remedy="Check its permissions and content."
        ) from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InputError(f"the key file {path.name} can be read by others", remedy=f"chmod 600 {path.name}")
    return Key(text)


def new_key() -> Key:
    """A new random key from the operating system."""
    return Key(os.urandom(32).hex())


_CONNECTIONS: Final = count()


def connect(engine: Engine) -> duckdb.DuckDBPyConnection:
    """A hardened connection without a database: crypto loaded, spill encrypted and asserted, nothing auto-loaded."""
    extension = _crypto_extension()
    connection = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
            "allow_persistent_secrets": "false",
            "allow_unsigned_extensions": str(extension in _SIGNED).lower(),
            "threads": str(engine.threads),
            "memory_limit": f"{engine.memory_gib}GiB",
        },
    )
    _load_crypto(connection, extension)
    engine.spill_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    own = (
        engine.spill_folder / f"{os.getpid()}-{next(_CONNECTIONS)}"
    )  # DuckDB names its files alike in every connection
    connection.execute("set temp_directory = $folder", {"folder": str(own)})
    connection.execute("set temp_file_encryption = true")
    connection.execute("set preserve_insertion_order = false")
    connection.execute("set checkpoint_threshold = '1GiB'")  # a build writes its small tables once, at its end
    # DuckDB 1.5.5 waits for ever where the result of a union outgrows 1 MB before it is fetched; here every result is wanted whole
    connection.execute(f"set streaming_buffer_size = '{engine.memory_gib}GiB'")
    connection.execute("set TimeZone = 'UTC'")
    connection.execute("set enable_progress_bar = false")
    if connection.execute("select current_setting('temp_file_encryption')").fetchone() != (True,):
        raise InputError("spill files would not be encrypted", remedy="Use the locked DuckDB version.")
    return connection


@dataclass(frozen=True)
class _Extension:
    """A file of DuckDB code as it lay on the disk when it was looked at."""

    path: Path
    inode: int
    size: int
    modified_ns: int


_SIGNED: Final[set[_Extension]] = set()  # whose signature this process has checked: DuckDB hashes all 20 MB for it


def _crypto_extension() -> _Extension:
    try:
        import duckdb_extension_httpfs

        path = min(Path(str(duckdb_extension_httpfs.__file__)).parent.rglob("httpfs.duckdb_extension"))
        state = path.stat()
    except (ImportError, ValueError, OSError):
        raise InputError(CRYPTO_MISSING, remedy="Install the locked requirements (bin/setup).") from None
    return _Extension(path, state.st_ino, state.st_size, state.st_mtime_ns)


def _load_crypto(connection: duckdb.DuckDBPyConnection, extension: _Extension) -> None:
    """Load the extension; no other one can be loaded unsigned afterwards."""
    try:
        connection.execute(f"load '{_quoted(extension.path)}'")
        connection.execute("set allow_unsigned_extensions = false")
    except duckdb.Error:
        raise InputError(CRYPTO_MISSING, remedy="Install the locked requirements (bin/setup).") from None
    _SIGNED.add(extension)


READ: Final = "read_only"
WRITE: Final = "storage_version 'v1.5.0'"
STAGED: Final = "staged"  # the folder of what may leave, below store/
BUILD: Final = (
    f"{WRITE}, recovery_mode 'no_wal_writes'"  # a file that is thrown away when its build stops needs no journal
)


def attach(connection: duckdb.DuckDBPyConnection, path: Path, *, alias: str, key: Key, read_only: bool) -> None:
    """Attach the encrypted database `path` as `alias` (a plain lower-case word)."""
    if read_only and not path.exists():
        raise InputError(f"{path.name} is missing from the store", remedy="Run `qe run` to build it.")
    _attach(connection, path, alias=alias, key=key, options=READ if read_only else WRITE)


def _attach(connection: duckdb.DuckDBPyConnection, path: Path, *, alias: str, key: Key, options: str) -> None:
    if not alias.isidentifier():
        raise ValueError(f"not a database alias: {alias!r}")
    try:
        connection.execute(
            f"attach '{_quoted(path)}' as {alias} (encryption_key $key, {options})", {"key": key.hex_digits}
        )
    except duckdb.Error as error:
        text = str(error)
        if "encryption key" in text.lower() or "not encrypted" in text.lower():
            raise WrongKey(
                f"the key does not open {path.name}",
                remedy="Use the key that this site was made with (key_file, vault_key_file, QE_KEY, QE_VAULT_KEY).",
            ) from None
        if "read-only crypto" in text:
            raise InputError(CRYPTO_MISSING, remedy="Install the locked requirements (bin/setup).") from None
        raise _not_opened(path, text.lower()) from None


def _not_opened(path: Path, said: str) -> QeError:
    """Why a file that the key fits does not open, by what DuckDB said of it."""
    if "lock" in said:
        return SiteHeld(f"{path.name} is in use by another process", remedy="Wait until it is done.")
    if "permission" in said:
        return InputError(f"{path.name} cannot be opened", remedy="Check its permissions and those of its folder.")
    if "no space" in said:
        return OutOfResources(
            f"{path.name} cannot be opened: the disk is full", remedy="Free some space and run again."
        )
    return damaged(f"{STAGED}/{path.name}" if path.parent.name == STAGED else path.name)


def damaged(name: str) -> Findings:
    """A file of the store that no longer opens: what can be rebuilt is said to be. name: of what is staged with its folder."""
    if name.startswith("vault"):
        remedy = "Restore it from its backup: the ids, links and decisions that it holds stand nowhere else."
    elif name.startswith(f"{STAGED}/"):
        remedy = "Stage it anew (qe release plan, qe npa define or qe data define) and have it approved anew."
    else:
        remedy = "Take it away and run the same command again: all of store/ but the vault is rebuilt from the inbox."
    return Findings(f"{name} is damaged, or was changed by something else than qe", remedy=remedy)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


@contextmanager
def open_encrypted(
    path: Path, key: Key, *, engine: Engine, read_only: bool, lock: bool = False
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that uses the encrypted database `path` as its default database.

    lock  refuse every later access to files and every change of configuration: for SQL that comes from measure folders
    """
    connection = connect(engine)
    try:
        attach(connection, path, alias="main_store", key=key, read_only=read_only)
        connection.execute("use main_store")
        if lock:
            lock_down(connection)
        yield connection
    finally:
        connection.close()


def lock_down(connection: duckdb.DuckDBPyConnection) -> None:
    """No more files, no more settings: what measure SQL may run on."""
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")


@contextmanager
def build_aside(path: Path, key: Key, *, engine: Engine) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of its own on which the encrypted database `path` is built aside, as `built_aside` says."""
    connection = connect(engine)
    try:
        with built_aside(connection, path, key, alias="main_store"):
            yield connection
    finally:
        connection.close()


@contextmanager
def built_aside(connection: duckdb.DuckDBPyConnection, path: Path, key: Key, *, alias: str) -> Iterator[None]:
    """Within, unqualified tables are those of the new database `path`; it appears whole, by rename, or not at all."""
    building = path.parent.parent / ".building" / f"{path.stem}-{os.getpid()}-{get_native_id()}.duckdb"
    building.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    building.unlink(missing_ok=True)
    try:
        _attach(connection, building, alias=alias, key=key, options=BUILD)
        try:
            with using(connection, alias):
                yield
            connection.execute(f"checkpoint {alias}")
        finally:
            connection.execute(f"detach {alias}")
        sync(building)
        building.replace(path)
        sync(path.parent)
    finally:
        building.unlink(missing_ok=True)
        building.with_name(building.name + ".wal").unlink(missing_ok=True)


@contextmanager
def using(connection: duckdb.DuckDBPyConnection, alias: str) -> Iterator[None]:
    """Within, unqualified tables of `connection` are those of the database attached as `alias`."""
    before = connection.execute("select current_database()").fetchone()
    connection.execute(f"use {alias}")
    try:
        yield
    finally:
        connection.execute(f"use {before[0] if before else 'memory'}")


def sync(path: Path) -> None:
    """Force a file or folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
