"""`qe doctor`: is this machine, and this site, fit to work? Uniform findings; nothing is changed."""

import importlib
import importlib.metadata
import platform
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from qe import bundled, store
from qe.errors import QeError
from qe.ledger.filesystem import require_local
from qe.site import Site
from qe.upkeep.sealed_files import open_to_others, secret_halves

MINIMUM_FREE_GIB = 5


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One check: ok, a warning, or a fault with its remedy."""

    check: str
    state: Literal["ok", "warning", "fault"]
    found: str
    remedy: str = ""


def examine(site: Site | None) -> list[Finding]:
    """All findings about the machine, and about `site` where there is one."""
    checks: list[Callable[[], Finding]] = [_python, _packages, _encryption, _pages, _time_zones, _bundled_folders]
    findings = [check() for check in checks]
    if site is not None:
        findings += [
            _key(site, "store"),
            _key(site, "vault"),
            _signing_key(site),
            _sealing_recipient(site),
            _sealing_secret(site),
            _sealed_files(site),
            _disk(site),
            _memory(site),
            _ledger(site),
        ]
    return findings


def _python() -> Finding:
    found = f"{platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    state: Literal["ok", "fault"] = "ok" if sys.version_info >= (3, 11) else "fault"
    return Finding(
        check="Python", state=state, found=found, remedy="" if state == "ok" else "Use Python 3.11 or newer."
    )


def _packages() -> Finding:
    duckdb, httpfs = (importlib.metadata.version(name) for name in ("duckdb", "duckdb-extension-httpfs"))
    if duckdb != httpfs:
        return Finding(
            check="DuckDB",
            state="fault",
            found=f"duckdb {duckdb} with the extension of {httpfs}",
            remedy="Install the locked requirements (bin/setup).",
        )
    return Finding(check="DuckDB", state="ok", found=f"{duckdb}, extension of the same version")


def _encryption() -> Finding:
    """Write an encrypted database and look for the plaintext in it."""
    marker = b"QE-DOCTOR-PLAINTEXT"
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "stage" / "probe.duckdb"
            engine = store.Engine(spill_folder=Path(folder) / "spill", threads=1, memory_gib=1)
            with store.build_aside(path, store.new_key(), engine=engine) as connection:
                connection.execute("create table probe as select $marker as marker", {"marker": marker.decode()})
            leaked = marker in path.read_bytes()
    except QeError as error:
        return Finding(check="encryption at rest", state="fault", found=error.message, remedy=error.remedy)
    if leaked:
        return Finding(check="encryption at rest", state="fault", found="plaintext in an encrypted database")
    return Finding(
        check="encryption at rest",
        state="ok",
        found="AES-GCM; spill files encrypted. DuckDB makes no claim of FIPS validation: keep the volume encrypted too",
    )


def _pages() -> Finding:
    try:
        version = importlib.metadata.version("weasyprint")
        importlib.import_module("weasyprint")
    except OSError:
        return Finding(
            check="PDF reports",
            state="fault",
            found="WeasyPrint does not find Pango",
            remedy="Install libpango-1.0-0, libpangoft2-1.0-0 and libharfbuzz-subset0 (bin/setup does).",
        )
    return Finding(check="PDF reports", state="ok", found=f"WeasyPrint {version}")


def _time_zones() -> Finding:
    ZoneInfo("Pacific/Honolulu")
    return Finding(check="time zones", state="ok", found="present")


def _bundled_folders() -> Finding:
    try:
        for name in ("measures", "templates", "sample_data"):
            bundled.folder(name)
    except QeError as error:
        return Finding(check="shipped folders", state="fault", found=error.message, remedy=error.remedy)
    return Finding(check="shipped folders", state="ok", found="measures, templates, sample_data")


def _key(site: Site, which: Literal["store", "vault"]) -> Finding:
    try:
        _ = site.store_key() if which == "store" else site.vault_key()
    except QeError as error:
        return Finding(check=f"{which} key", state="fault", found=error.message, remedy=error.remedy)
    return Finding(check=f"{which} key", state="ok", found="present, outside the site, readable by its owner only")


def _signing_key(site: Site) -> Finding:
    check = "signing key"
    try:
        key = site.signing_key()
    except QeError as error:
        return Finding(check=check, state="fault", found=error.message, remedy=error.remedy)
    if key is None:
        return Finding(
            check=check,
            state="warning",
            found="none: the heads of the ledger are not signed",
            remedy="Write 64 random hexadecimal digits to a file outside the site, chmod 600, and set [site] signing_key_file.",
        )
    return Finding(check=check, state="ok", found=f"present; its public key is {key.public_key}")


def _sealing_recipient(site: Site) -> Finding:
    check = "key for sealed attachments"
    if site.settings.site.sealing_recipient is None:
        return Finding(
            check=check,
            state="warning",
            found="none: an attachment that may be patient safety work product or Part 2 records cannot be taken in",
            remedy="Make a key pair outside the site (age-keygen -o FILE), and set [site] sealing_recipient to its public key.",
        )
    return Finding(check=check, state="ok", found="present; what opens them is no business of this site's")


def _sealing_secret(site: Site) -> Finding:
    check = "who can open sealed attachments"
    if found := secret_halves(site):
        return Finding(
            check=check,
            state="warning",
            found=f"this account: the secret half of the sealing key lies here ({', '.join(one.name for one in found)})",
            remedy="Give it to the reviewing officer on a medium of its own, see that a copy is kept apart, and delete it here.",
        )
    return Finding(check=check, state="ok", found="no secret half beside the site's keys, nor in the site")


def _sealed_files(site: Site) -> Finding:
    check = "sealed attachments"
    if loose := open_to_others(site):
        return Finding(
            check=check,
            state="fault",
            found=f"{loose} of the folder and its files are open to other accounts",
            remedy="chmod 700 store/sealed && chmod 600 store/sealed/*.age; then ask who could read them in the meantime.",
        )
    return Finding(check=check, state="ok", found="none, or open to their owner only")


def _disk(site: Site) -> Finding:
    free = shutil.disk_usage(site.root).free / 2**30
    if free < MINIMUM_FREE_GIB:
        return Finding(check="disk", state="warning", found=f"{free:.1f} GiB free", remedy="Free some space.")
    return Finding(check="disk", state="ok", found=f"{free:.0f} GiB free")


def _memory(site: Site) -> Finding:
    engine = site.engine()
    return Finding(check="engine", state="ok", found=f"{engine.threads} threads, {engine.memory_gib} GiB")


def _ledger(site: Site) -> Finding:
    try:
        require_local(site.ledger)
    except QeError as error:
        return Finding(check="ledger", state="fault", found=error.message, remedy=error.remedy)
    if not site.ledger.exists():
        return Finding(check="ledger", state="ok", found="none yet")
    return Finding(check="ledger", state="ok", found="present; `qe ledger verify` proves it")
