"""A run: its id from everything that decides its numbers, the lock on the site, and its folder under runs/."""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qe import __version__, bundled
from qe.errors import InputError, SiteHeld
from qe.periods import ReportingPeriod
from qe.site import Site

# Sections of qe.toml that decide no number: who holds the keys, when reports go out, how they are packed.
SECTIONS_WITHOUT_NUMBERS = ("site", "review", "delivery", "periods")


def canonical_json(value: Any) -> str:
    """One text for one value: sorted keys, no blanks, dates and decimals as text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def sha256_of(value: Any) -> str:
    return hashlib.sha256(canonical_json(value).encode("utf-8")).hexdigest()


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, kw_only=True)
class RunInputs:
    """All that decides the numbers of a run (contracts.md section 3).

    inputs     (source_id, sha256) of every received file
    measures   (module id, version, sha256 of the folder)
    decisions  sha256 of the corrections and link decisions in force
    """

    inputs: tuple[tuple[str, str], ...]
    measures: tuple[tuple[str, str, str], ...]
    measure_ids: tuple[str, ...]
    decisions: str
    period: ReportingPeriod
    settings: Mapping[str, Any]

    def run_id(self) -> str:
        """First 16 hex digits of sha256 over canonical JSON: the same inputs and settings are the same run."""
        return sha256_of(
            {
                "inputs": sorted(self.inputs),
                "measures": sorted(self.measures),
                "measure_ids": sorted(self.measure_ids),
                "decisions": self.decisions,
                "software": __version__,
                "lock": lock_sha256(),
                "period": [self.period.label, self.period.start, self.period.end, self.period.run_out_days],
                "settings": dict(self.settings),
            }
        )[:16]


def lock_sha256() -> str:
    """The digest of the locked requirements that this software was installed from."""
    return file_sha256(bundled.lock_file())


def deciding_settings(site: Site) -> dict[str, Any]:
    """qe.toml as read, but for the sections that decide no number."""
    tables = site.settings.model_dump(mode="json")
    return {name: table for name, table in tables.items() if name not in SECTIONS_WITHOUT_NUMBERS}


@dataclass(frozen=True)
class Run:
    """The folder of one run. `manifest.json` is written last: a run without it is not finished."""

    run_id: str
    folder: Path

    @property
    def results(self) -> Path:
        return self.folder / "results"

    @property
    def detail(self) -> Path:
        return self.folder / "detail"

    @property
    def manifest_file(self) -> Path:
        return self.folder / "manifest.json"

    @property
    def is_finished(self) -> bool:
        return self.manifest_file.exists()

    def manifest(self) -> dict[str, Any]:
        try:
            content: dict[str, Any] = json.loads(self.manifest_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise InputError(f"run {self.run_id} has no readable manifest", remedy="Run `qe run` again.") from None
        return content

    def reports(self, send_on: str) -> Path:
        return self.folder / "reports" / send_on

    def corrected(self, correction_id: str) -> Path:
        """The page of one provider with its correction; beside the reports, which stay as they were sent.

        Pages of it with a send date of their own lie below, by that day.
        """
        return self.folder / "corrected" / correction_id

    def start(self) -> None:
        for folder in (self.results, self.detail):
            folder.mkdir(parents=True, exist_ok=True)

    def finish(self, manifest: Mapping[str, Any]) -> None:
        """Write the manifest: no time, host or path stands in it."""
        write_aside(self.manifest_file, (json.dumps(manifest, indent=1, sort_keys=True, default=str) + "\n").encode())


def run_of(site: Site, run_id: str) -> Run:
    return Run(run_id=run_id, folder=site.runs / run_id)


def finished_runs(site: Site) -> Sequence[Run]:
    """All finished runs of the site, by run id."""
    if not site.runs.is_dir():
        return []
    runs = (run_of(site, folder.name) for folder in sorted(site.runs.iterdir()) if folder.is_dir())
    return [run for run in runs if run.is_finished]


def recorded_runs(site: Site) -> list[Run]:
    """Finished runs that the ledger has recorded, the last one first; one whose folder is gone is passed over."""
    if not site.ledger.exists():
        return []
    recorded = site.open_ledger().events()
    ids = dict.fromkeys(event.text("run_id") for event in reversed(recorded) if event.kind == "run_completed")
    return [run for run in (run_of(site, run_id) for run_id in ids) if run.is_finished]


def write_aside(path: Path, content: bytes) -> None:
    """The file appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def hold(site: Site, *, since: str) -> Iterator[None]:
    """Hold the site for one writing process; another one is told who holds it since when (exit 4)."""
    path = site.root / ".lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 200).decode("ascii", "replace").strip() or "another process"
            raise SiteHeld(f"the site is in use by {holder}", remedy="Wait until it is done.") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} since {since}".encode("ascii"), 0)
        yield
    finally:
        os.close(descriptor)
