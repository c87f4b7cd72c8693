"""Confidential reports on disk: one PDF and one CSV a provider or supplier, made by a pool of processes, resumable.

Workers load pages.py and views.py, which import neither polars nor duckdb, and get views, never frames.
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from qe import bundled
from qe.disclosure.results import ConfidentialResult
from qe.progress import Progress
from qe.reports import pages
from qe.reports.facts import ReportFacts, ReviewDates
from qe.reports.views import ReportView, report_view
from qe.reports.workers import workers
from qe.runs import canonical_json, file_sha256, write_aside

LIST_OF_REPORTS: Final = "reports.json"
UNFINISHED: Final = ".rendered.jsonl"  # of an interrupted rendering


@dataclass(frozen=True, kw_only=True)
class RenderedReport:
    """One report on disk, as reports.json lists it. No name stands in it.

    result_sha256   of the figures that were shown: what is published must be the same (401.717(a))
    view_sha256     of everything on its pages: a report whose view is unchanged is not rendered again
    """

    unit_id: str
    level: str
    report_id: str
    pdf: str
    csv: str
    pdf_sha256: str
    csv_sha256: str
    sent_on: str
    last_request_day: str
    public_from: str
    zone: str
    template_sha256: str
    result_sha256: str
    view_sha256: str


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a worker needs to write one report."""

    stem: str
    view: ReportView
    view_sha256: str


def render_confidential(
    previews: Sequence[ConfidentialResult],
    facts: ReportFacts,
    *,
    dates: Mapping[str, ReviewDates],
    zones: Mapping[str, str],
    out: Path,
    processes: int,
    progress: Progress,
) -> list[RenderedReport]:
    """Render every report into `out`, each file whole or not at all, and list them in reports.json.

    dates, zones  by unit id
    """
    template = template_sha256()
    known = {report.stem_view: report for report in _already_rendered(out)}
    jobs: dict[str, Job] = {}
    digests: dict[str, str] = {}
    for preview in sorted(previews, key=lambda one: one.provider.unit_id):
        unit_id = preview.provider.unit_id
        view = report_view(preview, facts, dates[unit_id])
        stem = f"{preview.provider.level}-{view.report_id}"
        digests[unit_id] = hashlib.sha256(f"{template}{canonical_json(asdict(view))}".encode()).hexdigest()
        if (stem, digests[unit_id]) not in known or not known[stem, digests[unit_id]].is_whole(out):
            jobs[unit_id] = Job(stem=stem, view=view, view_sha256=digests[unit_id])
    progress.start("rendering confidential reports", len(jobs))
    unfinished = out / UNFINISHED
    try:
        for job in _written(list(jobs.values()), out, processes):
            _note_done(unfinished, job, out)
            progress.advance()
    finally:
        progress.finish()
    rendered = [
        _listed(preview, facts, dates, zones, out, template, digests)
        for preview in sorted(previews, key=lambda one: one.provider.unit_id)
    ]
    write_aside(out / LIST_OF_REPORTS, (json.dumps([asdict(one) for one in rendered], indent=1) + "\n").encode())
    unfinished.unlink(missing_ok=True)
    return rendered


def _note_done(unfinished: Path, job: Job, out: Path) -> None:
    """One line a report that is written, so that an interrupted rendering keeps what it has."""
    done = {
        "pdf": f"{job.stem}.pdf",
        "pdf_sha256": file_sha256(out / f"{job.stem}.pdf"),
        "csv_sha256": file_sha256(out / f"{job.stem}.csv"),
        "view_sha256": job.view_sha256,
    }
    with unfinished.open("a", encoding="utf-8") as file:
        file.write(canonical_json(done) + "\n")


def _listed(
    preview: ConfidentialResult,
    facts: ReportFacts,
    dates: Mapping[str, ReviewDates],
    zones: Mapping[str, str],
    out: Path,
    template: str,
    digests: Mapping[str, str],
) -> RenderedReport:
    provider = preview.provider
    report_id = f"{facts.cycle}-{provider.unit_id}"
    stem = f"{provider.level}-{report_id}"
    own = dates[provider.unit_id]
    return RenderedReport(
        unit_id=provider.unit_id,
        level=provider.level,
        report_id=report_id,
        pdf=f"{stem}.pdf",
        csv=f"{stem}.csv",
        pdf_sha256=file_sha256(out / f"{stem}.pdf"),
        csv_sha256=file_sha256(out / f"{stem}.csv"),
        sent_on=_iso(own.sent_on),
        last_request_day=_iso(own.last_request_day),
        public_from=_iso(own.public_from),
        zone=zones[provider.unit_id],
        template_sha256=template,
        result_sha256=result_sha256(preview),
        view_sha256=digests[provider.unit_id],
    )


def _iso(value: date) -> str:
    return value.isoformat()


def result_sha256(preview: ConfidentialResult) -> str:
    """The digest of the figures that this provider is shown."""
    return hashlib.sha256(canonical_json([asdict(row) for row in preview.results]).encode()).hexdigest()


def template_sha256() -> str:
    """The digest of every file that decides how a confidential report looks."""
    digest = hashlib.sha256()
    root = bundled.folder("templates")
    for path in sorted([*(root / "confidential").rglob("*"), *(root / "_shared").rglob("*")]):
        if path.is_file():
            digest.update(path.relative_to(root).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


@dataclass(frozen=True, kw_only=True)
class _Listed:
    """A report that an earlier, perhaps interrupted, rendering has listed beside its files."""

    stem_view: tuple[str, str]
    pdf_sha256: str
    csv_sha256: str

    def is_whole(self, out: Path) -> bool:
        pdf, table = out / f"{self.stem_view[0]}.pdf", out / f"{self.stem_view[0]}.csv"
        return (
            pdf.is_file()
            and table.is_file()
            and (file_sha256(pdf), file_sha256(table)) == (self.pdf_sha256, self.csv_sha256)
        )


def _already_rendered(out: Path) -> Iterator[_Listed]:
    for entry in _entries(out):
        yield _Listed(
            stem_view=(Path(entry["pdf"]).stem, entry.get("view_sha256", "")),
            pdf_sha256=entry["pdf_sha256"],
            csv_sha256=entry["csv_sha256"],
        )


def _entries(out: Path) -> Iterator[dict[str, Any]]:
    """What reports.json lists, then what an interrupted rendering has added; a line that was cut is left out."""
    with suppress(OSError, ValueError):
        yield from json.loads((out / LIST_OF_REPORTS).read_text(encoding="utf-8"))
    with suppress(OSError, ValueError):
        for line in (out / UNFINISHED).read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def _written(jobs: list[Job], out: Path, processes: int) -> Iterator[Job]:
    """Write all jobs, rendered in this process when there is little to do, else by a pool of forked workers.

    Only this process writes: a file appears whole or not at all, and an interrupted set goes on where it stopped.
    """
    if processes < 2 or len(jobs) < 4:
        for job in jobs:
            _write(job, pages.report_pdf(job.view), out)
            yield job
        return
    with workers(processes) as pool:
        views = [job.view for job in jobs]
        for job, content in zip(jobs, pool.imap(pages.report_pdf, views), strict=True):
            _write(job, content, out)
            yield job


def _write(job: Job, pdf: bytes, out: Path) -> None:
    write_aside(out / f"{job.stem}.csv", _csv(job.view))
    write_aside(out / f"{job.stem}.pdf", pdf)


def _csv(view: ReportView) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(view.csv_rows)
    return text.getvalue().encode("utf-8")
