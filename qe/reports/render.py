"""Confidential reports on disk: one PDF and one CSV a provider or supplier and the methods companion of all, resumable.

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
from typing import Final

from qe import bundled
from qe.disclosure.results import ConfidentialResult
from qe.progress import Progress
from qe.reports import pages
from qe.reports.facts import ReportFacts, ReviewDates
from qe.reports.methods import MethodsView, methods_view
from qe.reports.views import ReportView, report_view
from qe.reports.workers import workers
from qe.runs import canonical_json, file_sha256, write_aside

LIST_OF_REPORTS: Final = "reports.json"
METHODS: Final = "methods"
UNFINISHED: Final = ".rendered.jsonl"  # of an interrupted rendering


@dataclass(frozen=True, kw_only=True)
class RenderedReport:
    """One report on disk, as reports.json lists it. No name stands in it.

    methods              the companion that is enclosed with every report of the folder
    result_sha256        of the figures that were shown: what is published must be the same (401.717(a))
    view_sha256          of everything on its pages: a report whose view is unchanged is not rendered again
    methods_view_sha256  likewise of the companion
    """

    unit_id: str
    level: str
    report_id: str
    pdf: str
    csv: str
    pdf_sha256: str
    csv_sha256: str
    methods: str
    methods_sha256: str
    sent_on: str
    last_request_day: str
    public_from: str
    zone: str
    template_sha256: str
    result_sha256: str
    view_sha256: str
    methods_view_sha256: str


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a worker needs to write one report, or the companion of all."""

    stem: str
    view: ReportView | MethodsView
    view_sha256: str

    def is_done(self, out: Path, known: Mapping[tuple[str, str], "_Listed"]) -> bool:
        """Whether an earlier rendering has written this view and its files are whole."""
        listed = known.get((self.stem, self.view_sha256))
        return listed is not None and listed.is_whole(out)


def render_confidential(
    previews: Sequence[ConfidentialResult],
    facts: ReportFacts,
    *,
    sent_on: date,
    dates: Mapping[str, ReviewDates],
    zones: Mapping[str, str],
    out: Path,
    processes: int,
    progress: Progress,
) -> list[RenderedReport]:
    """Render every report and their companion into `out`, each file whole or not at all, and list them in reports.json.

    sent_on       the day on which all of them are to be sent
    dates, zones  by unit id
    """
    template = template_sha256()
    ordered = sorted(previews, key=lambda one: one.provider.unit_id)
    known = {report.stem_view: report for report in _already_rendered(out)}
    companion = _job(METHODS, methods_view(facts, sent_on), template)
    jobs = {
        preview.provider.unit_id: _job(
            _stem(preview, facts), report_view(preview, facts, dates[preview.provider.unit_id]), template
        )
        for preview in ordered
    }
    wanted = [companion, *jobs.values()] if jobs else []
    todo = [job for job in wanted if not job.is_done(out, known)]
    progress.start("rendering confidential reports", len(todo))
    unfinished = out / UNFINISHED
    try:
        for job in _written(todo, out, processes):
            _note_done(unfinished, job, out)
            progress.advance()
    finally:
        progress.finish()
    rendered = [
        _listed(preview, dates, zones, out, template, jobs[preview.provider.unit_id], companion) for preview in ordered
    ]
    write_aside(out / LIST_OF_REPORTS, (json.dumps([asdict(one) for one in rendered], indent=1) + "\n").encode())
    unfinished.unlink(missing_ok=True)
    return rendered


def _stem(preview: ConfidentialResult, facts: ReportFacts) -> str:
    return f"{preview.provider.level}-{facts.cycle}-{preview.provider.unit_id}"


def _job(stem: str, view: ReportView | MethodsView, template: str) -> Job:
    content = f"{template}{canonical_json(asdict(view))}".encode()
    return Job(stem=stem, view=view, view_sha256=hashlib.sha256(content).hexdigest())


def _note_done(unfinished: Path, job: Job, out: Path) -> None:
    """One line a job that is written, so that an interrupted rendering keeps what it has."""
    done = {"stem": job.stem, "view_sha256": job.view_sha256, "pdf_sha256": file_sha256(out / f"{job.stem}.pdf")}
    if isinstance(job.view, ReportView):
        done["csv_sha256"] = file_sha256(out / f"{job.stem}.csv")
    with unfinished.open("a", encoding="utf-8") as file:
        file.write(canonical_json(done) + "\n")


def _listed(
    preview: ConfidentialResult,
    dates: Mapping[str, ReviewDates],
    zones: Mapping[str, str],
    out: Path,
    template: str,
    job: Job,
    companion: Job,
) -> RenderedReport:
    provider = preview.provider
    own = dates[provider.unit_id]
    return RenderedReport(
        unit_id=provider.unit_id,
        level=provider.level,
        report_id=job.stem.removeprefix(f"{provider.level}-"),
        pdf=f"{job.stem}.pdf",
        csv=f"{job.stem}.csv",
        pdf_sha256=file_sha256(out / f"{job.stem}.pdf"),
        csv_sha256=file_sha256(out / f"{job.stem}.csv"),
        methods=f"{companion.stem}.pdf",
        methods_sha256=file_sha256(out / f"{companion.stem}.pdf"),
        sent_on=_iso(own.sent_on),
        last_request_day=_iso(own.last_request_day),
        public_from=_iso(own.public_from),
        zone=zones[provider.unit_id],
        template_sha256=template,
        result_sha256=result_sha256(preview),
        view_sha256=job.view_sha256,
        methods_view_sha256=companion.view_sha256,
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
    """A report, or the companion, that an earlier, perhaps interrupted, rendering has listed beside its files."""

    stem_view: tuple[str, str]
    sha256: Mapping[str, str]  # by the ending of the file

    def is_whole(self, out: Path) -> bool:
        files = {out / f"{self.stem_view[0]}{ending}": sha256 for ending, sha256 in self.sha256.items()}
        return all(file.is_file() and file_sha256(file) == sha256 for file, sha256 in files.items())


def _already_rendered(out: Path) -> Iterator[_Listed]:
    """What reports.json lists, then what an interrupted rendering has added; a line that was cut is left out."""
    with suppress(OSError, ValueError, KeyError):
        for entry in json.loads((out / LIST_OF_REPORTS).read_text(encoding="utf-8")):
            digests = {".pdf": entry["pdf_sha256"], ".csv": entry["csv_sha256"]}
            yield _Listed(stem_view=(Path(entry["pdf"]).stem, entry["view_sha256"]), sha256=digests)
            companion = (Path(entry["methods"]).stem, entry["methods_view_sha256"])
            yield _Listed(stem_view=companion, sha256={".pdf": entry["methods_sha256"]})
    with suppress(OSError, ValueError, KeyError):
        for line in (out / UNFINISHED).read_text(encoding="utf-8").splitlines():
            done = json.loads(line)
            digests = {f".{ending}": done[name] for ending in ("pdf", "csv") if (name := f"{ending}_sha256") in done}
            yield _Listed(stem_view=(done["stem"], done["view_sha256"]), sha256=digests)


def _written(jobs: list[Job], out: Path, processes: int) -> Iterator[Job]:
    """Write all jobs, rendered in this process when there is little to do, else by a pool of forked workers.

    Only this process writes: a file appears whole or not at all, and an interrupted set goes on where it stopped.
    """
    if processes < 2 or len(jobs) < 4:
        for job in jobs:
            _write(job, pages.confidential_pdf(job.view), out)
            yield job
        return
    with workers(processes) as pool:
        views = [job.view for job in jobs]
        for job, content in zip(jobs, pool.imap(pages.confidential_pdf, views), strict=True):
            _write(job, content, out)
            yield job


def _write(job: Job, pdf: bytes, out: Path) -> None:
    if isinstance(job.view, ReportView):
        write_aside(out / f"{job.stem}.csv", _csv(job.view))
    write_aside(out / f"{job.stem}.pdf", pdf)


def _csv(view: ReportView) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(view.csv_rows)
    return text.getvalue().encode("utf-8")
