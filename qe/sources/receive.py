"""The first stage of a run: every file of every source found, recognised, staged once and reconciled."""

import os
from calendar import monthrange
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet

from qe import store
from qe.errors import Fault, Findings, InputError
from qe.progress import Progress
from qe.site import Site, SourceTable
from qe.sources.beside import without_their_other_file
from qe.sources.convert import Conversion, Reading
from qe.sources.delivery import MANIFEST, Arrival, DeliveryFolder, folder_of, replacements, settle
from qe.sources.layout import Layout, layouts
from qe.sources.lines import LineReader
from qe.sources.manifest import Period, SourceFile, StagedFile
from qe.sources.recognise import Head, candidates, parquet_head, read_head
from qe.sources.reconcile import Inspection, bad_rows, inspect, unreconciled
from qe.sources.rows import Delivered, delimited_batches, parquet_batches
from qe.sources.stage import Keys, Places, stage, staged_places, workbenches
from qe.sources.stream import Secrets, finding, open_plain, secrets_from, sha256_of

YEAR_WITHOUT_END = 2029  # latest year of two-digit years in sources without a period (rosters, contacts)
PARQUET_MAGIC = b"PAR1"


@dataclass(frozen=True, kw_only=True)
class Found:
    """A file of a source, the layouts it may have, and the delivery it came in."""

    source_id: str
    source: SourceTable
    path: Path
    choices: list[Layout]
    folder: DeliveryFolder


Read = tuple[StagedFile, list[Fault]]  # a file, and why it is not what its sender says, unless the settings accept that


def receive(
    site: Site, *, store_key: store.Key, vault_key: store.Key, progress: Progress, secrets: Secrets | None = None
) -> list[StagedFile]:
    """All received files, staged and reconciled, sorted by source and path.

    Several files are read at a time, each on a connection of its own; what is told keeps the order of the files.
    Raises InputError or Findings with the faults of all files at once (a wrong key: once); what is staged by then is
    kept and reused.
    """
    keys = Keys(store=store_key, vault=vault_key)
    opened = secrets if secrets is not None else secrets_from(os.environ)
    told = _Told()
    seen: dict[tuple[str, str], str] = {}
    waiting: list[tuple[Found, str, Future[Read]]] = []
    staged: list[StagedFile] = []
    files = list(_find(site, told.wrong))
    progress.start(f"reading {len(files)} files", sum(found.path.stat().st_size for found in files))
    try:
        with workbenches(site.engine()) as benches:
            for found in files:
                with told.of(found):
                    sha256 = _not_twice(found, seen)
                    job = partial(
                        _receive_file,
                        site=site,
                        found=found,
                        sha256=sha256,
                        keys=keys,
                        secrets=opened,
                        progress=progress,
                    )
                    waiting.append((found, sha256, benches.submit(job)))
            replaced, wrong = replacements(
                [
                    Arrival(source_id=found.source_id, name=found.path.name, sha256=sha256, folder=found.folder)
                    for found, sha256, _ in waiting
                ]
            )
            told.findings += wrong
            for found, sha256, received in waiting:
                by = replaced.get((found.source_id, sha256))
                with told.of(found, is_replaced=by is not None):
                    one, unfit = received.result()
                    told.findings += unfit if by is None else []
                    staged.append(one if by is None else replace(one, status="replaced", replaced_by=by))
            if not told.wrong and not told.findings:
                standing = [one for one in staged if one.replaced_by is None]
                unpaired = benches.submit(partial(without_their_other_file, staged=standing, keys=keys)).result()
                staged = _accepted_without(site, staged, unpaired, told.findings)
    finally:
        progress.finish()
    if not told.wrong and not told.findings:
        return settle(staged, {(found.source_id, sha256): found.folder for found, sha256, _ in waiting})
    if told.wrong:
        raise InputError.of([*told.wrong, *told.findings])
    raise Findings.of(told.findings)


@dataclass
class _Told:
    """What is wrong with the files so far: one bad file does not keep the others from being looked at."""

    wrong: list[Fault] = field(default_factory=list)
    findings: list[Fault] = field(default_factory=list)

    @contextmanager
    def of(self, found: Found, *, is_replaced: bool = False) -> Iterator[None]:
        try:
            yield
        except store.WrongKey:
            raise
        except InputError as error:
            self.wrong += error.faults
        except Findings as error:
            self.findings += [] if is_replaced else error.faults  # what cannot be read was sent again
        except OSError:
            self.wrong.append(_input_fault(found.path.name, "cannot be read", "Check its permissions."))


def _accepted_without(
    site: Site, staged: list[StagedFile], unpaired: list[tuple[StagedFile, Fault]], findings: list[Fault]
) -> list[StagedFile]:
    """The files, those marked that are accepted without the other half of their claims; the others' faults in `findings`."""
    accepted = set()
    for one, fault in unpaired:
        if one.file.name in site.settings.sources[one.file.source_id].accept_unreconciled:
            accepted.add(one.file.path)
        else:
            findings.append(fault)
    return [replace(one, status="accepted_unreconciled") if one.file.path in accepted else one for one in staged]


def _not_twice(found: Found, seen: dict[tuple[str, str], str]) -> str:
    """The file's sha256, unless another file of its source has the same bytes."""
    sha256 = sha256_of(found.path)
    if (found.source_id, sha256) in seen:
        raise finding(
            "same-file-twice",
            f"holds the same bytes as {seen[found.source_id, sha256]} of the same source",
            file=found.path.name,
            remedy="Take one of the two away.",
        )
    seen[found.source_id, sha256] = found.path.name
    return sha256


def _input_fault(name: str, said: str, remedy: str) -> Fault:
    return Fault(code="input", message=f"{name}: {said}", file=name, remedy=remedy)


def _find(site: Site, wrong: list[Fault]) -> Iterator[Found]:
    """Every file below each source's path, and below its crosswalk's."""
    for source_id, source in sorted(site.settings.sources.items()):
        try:
            choices = candidates(source, source_id)
        except InputError as error:
            wrong += error.faults
            continue
        paths = _files(site, source.path)
        crosswalk = _files(site, source.crosswalk) if source.crosswalk else []
        if paths is None or crosswalk is None or not paths:
            key = "path" if not paths else "crosswalk"
            said = f"qe.toml: sources.{source_id}.{key} names no file and no folder with files"
            wrong.append(Fault(code="input", message=said, file="qe.toml", place=f"sources.{source_id}.{key}"))
            continue
        people = [layout for layout in layouts().values() if layout.staged_as in ("crosswalk", "crossreference")]
        chosen = [(path, choices) for path in paths if path not in crosswalk] + [(path, people) for path in crosswalk]
        bases = [site.root / setting for setting in (source.path, source.crosswalk) if setting]
        for path, fitting in chosen:
            try:
                folder = _folder(path, bases, site)
            except InputError as error:
                wrong += [fault for fault in error.faults if fault not in wrong]
                continue
            yield Found(source_id=source_id, source=source, path=path, choices=fitting, folder=folder)


def _folder(path: Path, bases: Sequence[Path], site: Site) -> DeliveryFolder:
    """The delivery of a file below the first of the source's places that holds it."""
    base = next((base for base in bases if base.is_dir() and path.is_relative_to(base)), None)
    return DeliveryFolder() if base is None else folder_of(path, base, shown_from=site.root)


def _files(site: Site, setting: str) -> list[Path] | None:
    """The files that a path setting names, sorted; not those hidden, nor manifests. None when there is nothing."""
    path = site.root / setting
    if path.is_file():
        return [path]
    if not path.is_dir():
        return None
    return sorted(
        file
        for file in path.rglob("*")
        if file.is_file()
        and file.name != MANIFEST
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
    )


def _receive_file(
    connection: duckdb.DuckDBPyConnection,
    *,
    site: Site,
    found: Found,
    sha256: str,
    keys: Keys,
    secrets: Secrets,
    progress: Progress,
) -> Read:
    source, path = found.source, found.path
    if path.stat().st_size == 0:
        raise finding("empty-file", "is empty", file=path.name, remedy="Ask for the file, or take it away.")
    head = _head(found, secrets)
    latest = source.end.year if source.end is not None else YEAR_WITHOUT_END
    reading = Reading(implied_decimals=source.implied_decimals, latest_year=latest)
    places = staged_places(site.store, head=head, sha256=sha256, reading=reading)
    if not places.main.exists():
        _stage_file(connection, found, head, reading, places, sha256, keys=keys, secrets=secrets, progress=progress)
    else:
        progress.advance(path.stat().st_size)
    inspection = inspect(connection, places, head.layout, source, keys=keys)
    return _reconciled(found, head, inspection, places)


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == PARQUET_MAGIC


def _head(found: Found, secrets: Secrets) -> Head:
    if _is_parquet(found.path):
        try:
            names = pyarrow.parquet.read_schema(found.path).names
        except (pa.ArrowException, OSError):
            raise finding(
                "damaged-container", "the Parquet file is damaged", file=found.path.name, remedy="Ask for it again."
            ) from None
        return parquet_head(names, found.source, found.choices, found.path.name)
    with open_plain(found.path, secrets) as stream:
        return read_head(LineReader(stream, found.path.name), found.source, found.choices, found.path.name)


def _stage_file(
    connection: duckdb.DuckDBPyConnection,
    found: Found,
    head: Head,
    reading: Reading,
    places: Places,
    sha256: str,
    *,
    keys: Keys,
    secrets: Secrets,
    progress: Progress,
) -> None:
    counted = iter([progress.advance])  # a file with identities is read twice, and counted once

    def batches(conversion: Conversion, delivered: Delivered) -> Iterator[pa.RecordBatch]:
        on_bytes = next(counted, None)
        if _is_parquet(found.path):
            yield from parquet_batches(found.path, head, conversion.places, delivered)
            return
        with open_plain(found.path, secrets) as stream:
            reader = LineReader(stream, found.path.name, on_bytes)
            again = read_head(reader, found.source, found.choices, found.path.name)
            yield from delimited_batches(reader, again, conversion.places, delivered)

    stage(connection, places, Conversion(head, reading), batches, sha256=sha256, name=found.path.name, keys=keys)


def _reconciled(found: Found, head: Head, inspection: Inspection, places: Places) -> Read:
    layout, facts, source, folder = head.layout, inspection.facts, found.source, found.folder
    name = found.path.name
    faults = unreconciled(name, facts, layout, source, outside=inspection.outside)
    accepted = name in source.accept_unreconciled
    unfit = [] if accepted else faults
    if source.on_bad_row == "stop" and facts.rows_quarantined:
        unfit = bad_rows(name, inspection.quarantine, facts.rows_read)
    staged = StagedFile(
        file=SourceFile(
            source_id=found.source_id,
            path=found.path,
            layout=layout.id,
            staged_as=layout.staged_as,
            sha256=facts.sha256,
            size=found.path.stat().st_size,
            payer_id=source.payer_id,
            payer_type=source.payer_type,
            received_on=folder.came_on or facts.delivered_on,
            delivery=folder.id,
            manifest=folder.sha256,
            sender=_sender(head),
            period=_stated_period(head) or (folder.manifest.period if folder.manifest else None),
        ),
        database=places.main,
        vault_database=places.beside,
        in_vault=places.database is None,
        rows_read=facts.rows_read,
        rows_accepted=facts.rows_accepted,
        rows_quarantined=facts.rows_quarantined,
        expected_rows=facts.expected_rows,
        claims=facts.claims,
        paid_amount=facts.paid_amount,
        status="accepted_unreconciled" if faults else "reconciled",
        has_period=layout.period is not None,
        reaches=inspection.reaches,
    )
    return staged, unfit


def _sender(head: Head) -> tuple[str, ...]:
    """Who sends for whom: the fields of the first record before the file's type, without its mark and names."""
    envelope = head.layout.envelope
    return () if envelope is None else head.record[1:3]


def _stated_period(head: Head) -> Period | None:
    """The months that the first record states behind the file's type, as days."""
    envelope = head.layout.envelope
    months = () if envelope is None else head.record[envelope.type_field : envelope.type_field + 2]
    if len(months) != 2 or not all(len(month) == 6 and month.isascii() and month.isdigit() for month in months):
        return None
    (first_year, first), (last_year, last) = ((int(month[:4]), int(month[4:])) for month in months)
    if not (first_year and last_year and 1 <= first <= 12 and 1 <= last <= 12):
        return None
    return date(first_year, first, 1), date(last_year, last, monthrange(last_year, last)[1])
