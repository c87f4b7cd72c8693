"""Deliveries of a source: folders whose manifest.toml says when they came, what they replace and whose crosswalk holds.

A delivery is a folder below the source's path that holds a manifest.toml or whose name is a date (2025-10-31); files
that lie in neither came together, on the day that their own trailers state. See docs/how-to/sources.md.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import combinations
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from qe import closed_toml
from qe.errors import Fault, Findings
from qe.sources.manifest import Period, SourceFile, StagedFile
from qe.sources.stream import finding

MANIFEST = "manifest.toml"
SHORTEST_DIGEST = 16  # hex digits of a sha256 that name a file


class Manifest(BaseModel):
    """manifest.toml (closed): what the sender says of one delivery.

    delivered_on  the day it came: deliveries follow each other by it
    replaces      files of earlier deliveries of the source that this one's replace, by name or sha256
    crosswalk     the delivery whose crosswalk names these beneficiaries, where this one brings none
    start, end    the period that its files are about, where they do not say it themselves
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    delivered_on: date
    replaces: list[str] = Field(default=[], description="a list of file names or sha256 digests")
    crosswalk: str = ""
    start: date | None = None
    end: date | None = None

    @property
    def period(self) -> Period | None:
        return None if self.start is None or self.end is None else (self.start, self.end)


@dataclass(frozen=True, kw_only=True)
class DeliveryFolder:
    """Where a file lies and what is said of it there.

    id         the folder's path below its source's, "" for files that lie in no delivery's folder
    sha256     of the manifest, None without one
    came_on    the manifest's day, else the one that the folder is named by
    """

    id: str = ""
    manifest: Manifest | None = None
    sha256: str | None = None
    came_on: date | None = None

    @property
    def replaces(self) -> list[str]:
        return self.manifest.replaces if self.manifest else []


def folder_of(path: Path, base: Path, *, shown_from: Path) -> DeliveryFolder:
    """The delivery that a file below `base` came in. `shown_from` is what messages leave out of the manifest's path.

    Raises InputError with all faults of the manifest.
    """
    inside = [folder for folder in path.parents if folder == base or folder.is_relative_to(base)]
    for folder in inside:
        stated = folder / MANIFEST
        if stated.is_file():
            shown_as = stated.relative_to(shown_from).as_posix() if stated.is_relative_to(shown_from) else MANIFEST
            manifest = closed_toml.load(stated, Manifest, shown_as=shown_as)
            return DeliveryFolder(
                id=_id(folder, base),
                manifest=manifest,
                sha256=hashlib.sha256(stated.read_bytes()).hexdigest(),
                came_on=manifest.delivered_on,
            )
    named_by_day = [folder for folder in inside if folder != base and _day(folder.name)]
    if named_by_day:
        folder = named_by_day[-1]
        return DeliveryFolder(id=_id(folder, base), came_on=_day(folder.name))
    return DeliveryFolder()


def _id(folder: Path, base: Path) -> str:
    return "" if folder == base else folder.relative_to(base).as_posix()


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(name) if len(name) == 10 else None
    except ValueError:
        return None


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A file with its digest and its delivery, before it is read."""

    source_id: str
    name: str
    sha256: str
    folder: DeliveryFolder


def replacements(arrivals: Sequence[Arrival]) -> tuple[dict[tuple[str, str], str], list[Fault]]:
    """(source, digest) of each replaced file -> the later delivery's id; and the manifests that name no such file."""
    replaced: dict[tuple[str, str], str] = {}
    faults: list[Fault] = []
    stated = {
        (one.source_id, one.folder.id, one.folder.sha256 or ""): one.folder for one in arrivals if one.folder.manifest
    }
    for (source_id, *_), folder in sorted(stated.items()):
        for word in folder.replaces:
            named = [one for one in arrivals if one.source_id == source_id and _is_named(one, word)]
            earlier = [one for one in named if one.folder.id != folder.id and _came_before(one.folder, folder)]
            if len(earlier) == 1:
                replaced[source_id, earlier[0].sha256] = folder.id
            else:
                faults.append(_wrong_replacement(source_id, folder, named=len(named), earlier=len(earlier)))
    return replaced, faults


def _is_named(one: Arrival, word: str) -> bool:
    return word == one.name or (len(word) >= SHORTEST_DIGEST and one.sha256.startswith(word.lower()))


def _came_before(one: DeliveryFolder, other: DeliveryFolder) -> bool:
    """Files without a day of their own lie there since before the first delivery that states one."""
    return (one.came_on or date.min) < (other.came_on or date.min)


def _wrong_replacement(source_id: str, folder: DeliveryFolder, *, named: int, earlier: int) -> Fault:
    shown = f"{source_id}/{folder.id}/{MANIFEST}"
    if named == 0:
        said = "it replaces a file that this source does not have"
    elif earlier == 0:
        said = "it replaces a file that did not come before it"
    else:
        said = f"what it replaces is the name of {earlier} earlier files"
    return Fault(
        code="wrong-replacement",
        message=f"{shown}: {said}",
        file=shown,
        place="replaces",
        remedy="Name one file of an earlier delivery of the same source, by its name or its sha256.",
    )


def settle(staged: Sequence[StagedFile], folders: dict[tuple[str, str], DeliveryFolder]) -> list[StagedFile]:
    """The files with the crosswalk that each is bound to, when no two contradict each other.

    folders  delivery of each file, by source and digest
    Raises Findings with every fault of all sources: a re-submitted file that replaces nothing, a replacement without a
    file of the type, a Medicare delivery without a crosswalk.
    """
    faults = [*_types_not_replaced(staged), *_files_sent_again(staged)]
    bound: list[StagedFile] = []
    by_source: dict[str, list[StagedFile]] = defaultdict(list)
    for one in staged:
        by_source[one.file.source_id].append(one)
    for source_id in sorted(by_source):
        try:
            bound += _bound(by_source[source_id], folders)
        except Findings as error:
            faults += error.faults
    if faults:
        raise Findings.of(faults)
    return bound


def _types_not_replaced(staged: Sequence[StagedFile]) -> Iterable[Fault]:
    """A file is replaced by one of its own type."""
    for one in staged:
        if one.replaced_by is None:
            continue
        brought = {
            other.file.layout
            for other in staged
            if other.file.source_id == one.file.source_id and other.file.delivery == one.replaced_by
        }
        if one.file.layout not in brought:
            shown = f"{one.file.source_id}/{one.replaced_by}/{MANIFEST}"
            yield Fault(
                code="wrong-replacement",
                message=f"{shown}: it replaces a file of type {one.file.layout} and brings none",
                file=shown,
                place="replaces",
                remedy="Put the new file into the delivery's folder, or correct the manifest.",
            )


def _files_sent_again(staged: Sequence[StagedFile]) -> Iterable[Fault]:
    """Never appended: two deliveries of one sender and type about the same days, of which none replaces the other."""
    standing = [one.file for one in staged if one.replaced_by is None and one.file.period is not None]
    for one, other in combinations(standing, 2):
        same = (one.source_id, one.layout, one.sender) == (other.source_id, other.layout, other.sender)
        apart = (one.delivery, one.received_on) != (other.delivery, other.received_on)
        if same and apart and _overlap(one.period, other.period):
            first, last = sorted((one, other), key=in_order)
            yield Fault(
                code="sent-again",
                message=f"{last.name}: is of the same type and about the same days as {first.name}, which came before it",
                file=last.name,
                remedy=f'If it replaces it: replaces = ["{first.name}"] in the {MANIFEST} of its folder. '
                "Else take one of the two away.",
            )


def _overlap(one: Period | None, other: Period | None) -> bool:
    return one is not None and other is not None and one[0] <= other[1] and other[0] <= one[1]


def in_order(file: SourceFile) -> tuple[date, str, str]:
    """How files follow each other: by the day they came, else in an order that is always the same."""
    return file.received_on or date.min, file.name, file.sha256


def _bound(files: Sequence[StagedFile], folders: dict[tuple[str, str], DeliveryFolder]) -> list[StagedFile]:
    """The files of one source, each with the delivery whose crosswalk names its beneficiaries."""
    versions = {
        one.file.delivery: one.file.received_on
        for one in files
        if one.file.staged_as == "crosswalk" and one.replaced_by is None
    }
    if not versions:
        return list(files)
    if len(versions) == 1:
        (only,) = versions
        return [replace(one, file=replace(one.file, crosswalk=only)) for one in files]
    moved = {
        one.file.delivery: one.replaced_by for one in files if one.file.staged_as == "crosswalk" and one.replaced_by
    }
    source_id = files[0].file.source_id
    days = list(versions.values())
    if len(set(days)) < len(days) or days.count(None) > 1:
        raise finding(
            "crosswalks-without-order",
            "nothing says which of its crosswalks is the older one",
            file=source_id,
            remedy=f"Put each delivery into a folder of its own, with delivered_on in its {MANIFEST}.",
        )
    bound: list[StagedFile] = []
    faults: list[Fault] = []
    for one in files:
        manifest = folders[source_id, one.file.sha256].manifest
        stated = manifest.crosswalk if manifest else ""
        version = stated or one.file.delivery
        while version not in versions and version in moved:
            version = moved[version]
        if version in versions:
            bound.append(replace(one, file=replace(one.file, crosswalk=version)))
        elif not any(fault.place == version for fault in faults):
            where = f"{source_id}/{one.file.delivery}" if one.file.delivery else source_id
            faults.append(
                Fault(
                    code="no-crosswalk",
                    message=f"{where}: brings no crosswalk, and its beneficiaries may be numbered anew",
                    file=where,
                    place=version,
                    remedy="Add the crosswalk that came with it, or name the delivery whose crosswalk holds: "
                    f'crosswalk = "..." in its {MANIFEST}.',
                )
            )
    if faults:
        raise Findings.of(faults)
    return bound
