"""The confidential reports of a finished run as its folder holds them, and the units it names."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Final

import polars as pl

from qe.errors import Findings, InputError
from qe.providers import Level, ProviderOrSupplier
from qe.release.review import DayCount, ReviewPeriod
from qe.runs import Run, file_sha256

LIST_OF_REPORTS: Final = "reports.json"
ID_TYPES: Final = ("CCN", "TIN", "NPI")


@dataclass(frozen=True, kw_only=True)
class ReportFile:
    """One rendered report and the dates printed on it.

    correction_id  of a page that shows its unit's own correction, with the dates of the report before it
    methods, methods_sha256  what is enclosed with it; None for a report that was rendered before there was such a companion
    """

    unit_id: str
    level: Level
    report_id: str
    pdf: Path
    csv: Path
    pdf_sha256: str
    csv_sha256: str
    methods: Path | None
    methods_sha256: str | None
    result_sha256: str
    template_sha256: str
    zone: str
    sent_on: date
    last_request_day: date
    public_from: date
    correction_id: str | None = None

    @property
    def stem(self) -> str:
        return f"{self.level}-{self.report_id}"

    @property
    def package(self) -> str:
        """The name of its package in the outbox: a corrected page stands beside the report that it takes the place of."""
        return package_name(self.level, self.report_id, self.correction_id or "")

    @property
    def day_count(self) -> DayCount:
        """How the printed dates were counted; Findings when they add up in neither way."""
        counts: tuple[DayCount, ...] = ("conservative", "literal")
        for day_count in counts:
            review = ReviewPeriod(sent_on=self.sent_on, zone=self.zone, day_count=day_count)
            if (review.last_request_day, review.public_from) == (self.last_request_day, self.public_from):
                return day_count
        raise Findings(
            f"{self.stem}: the printed dates do not add up to 60 days", remedy="Render again: qe run --send-on DATE."
        )

    def require_unchanged(self) -> None:
        """The files are the ones that were rendered."""
        for path, sha256 in ((self.pdf, self.pdf_sha256), (self.csv, self.csv_sha256), self.enclosure()):
            if not path.is_file() or file_sha256(path) != sha256:
                raise Findings(
                    f"{path.name} is not the file that was rendered", remedy="Render again: qe run --send-on DATE."
                )

    def enclosure(self) -> tuple[Path, str]:
        """The methods companion and its sha256; Findings for a report that has none, which cannot be sent any more."""
        if self.methods is None or self.methods_sha256 is None:
            raise Findings(
                f"{self.stem} was rendered by an earlier version, without the methods that are enclosed with it",
                remedy="Render again: qe run --send-on DATE.",
            )
        return self.methods, self.methods_sha256


def package_name(level: str, report_id: str, correction_id: str) -> str:
    """What a report's package in the outbox is called. correction_id: of a page that shows its unit's own correction, else ""."""
    return f"{level}-{report_id}" + (f"-corrected-{correction_id[:8]}" if correction_id else "")


def send_days(run: Run) -> list[str]:
    """The send dates for which reports of the run were rendered, in order."""
    folder = run.folder / "reports"
    return sorted(path.parent.name for path in folder.glob(f"*/{LIST_OF_REPORTS}")) if folder.is_dir() else []


def latest_reports(run: Run) -> tuple[ReportFile, ...]:
    """The reports rendered for the last send date, by unit id."""
    days = send_days(run)
    if not days:
        raise InputError(f"run {run.run_id} has no rendered reports", remedy="Render them: qe run --send-on DATE.")
    return read_reports(run.reports(days[-1]))


def corrected_report(run: Run, correction_id: str, *, unit_id: str) -> ReportFile:
    """The page of a unit with its own correction, with the last send date that it was printed for. InputError: not printed yet."""
    folder = run.corrected(correction_id)
    folder = max(folder.glob(f"*/{LIST_OF_REPORTS}"), default=folder / LIST_OF_REPORTS).parent
    if not (folder / LIST_OF_REPORTS).is_file():
        raise InputError(
            f"{unit_id}: the page with its correction is not printed yet",
            remedy="Resolve its request again: the same command finishes what was stopped.",
        )
    (report,) = read_reports(folder)
    return replace(report, correction_id=correction_id)


def read_reports(folder: Path) -> tuple[ReportFile, ...]:
    """The reports listed in reports.json of one send date, by unit id."""
    try:
        listed: list[dict[str, Any]] = json.loads((folder / LIST_OF_REPORTS).read_text(encoding="utf-8"))
        return tuple(sorted((_report(folder, entry) for entry in listed), key=lambda one: one.unit_id))
    except (OSError, ValueError, KeyError, TypeError):
        raise Findings(
            f"{folder.name}/{LIST_OF_REPORTS} cannot be read", remedy="Render again: qe run --send-on DATE."
        ) from None


def _report(folder: Path, entry: Mapping[str, Any]) -> ReportFile:
    return ReportFile(
        unit_id=entry["unit_id"],
        level=entry["level"],
        report_id=entry["report_id"],
        pdf=folder / Path(entry["pdf"]).name,
        csv=folder / Path(entry["csv"]).name,
        pdf_sha256=entry["pdf_sha256"],
        csv_sha256=entry["csv_sha256"],
        methods=folder / Path(entry["methods"]).name if "methods" in entry else None,
        methods_sha256=entry.get("methods_sha256"),
        result_sha256=entry["result_sha256"],
        template_sha256=entry["template_sha256"],
        zone=entry["zone"],
        sent_on=date.fromisoformat(entry["sent_on"]),
        last_request_day=date.fromisoformat(entry["last_request_day"]),
        public_from=date.fromisoformat(entry["public_from"]),
    )


def units_of(run: Run) -> Mapping[str, ProviderOrSupplier]:
    """Every unit of the run by unit id (results/unit.parquet), known by its CCN, TIN or NPI, in this order.

    A group's identifier is its unit id, never its TIN.
    """
    columns = ["unit_id", "level", "id_type", "identifier", "name", "role", "provider_type", "specialty", "zip5"]
    rows = _unit_rows(run).select([*columns, "county_fips"])
    found: dict[str, ProviderOrSupplier] = {}
    for row in sorted(rows.iter_rows(named=True), key=lambda one: (one["unit_id"], ID_TYPES.index(one["id_type"]))):
        found.setdefault(
            row["unit_id"],
            ProviderOrSupplier(
                **{name: row[name] for name in columns if name not in ("role", "name")},
                name=row["name"] or row["unit_id"],
                role=row["role"] or "provider",
                area=row["county_fips"],
            ),
        )
    return found


def measures_of_unit(run: Run, unit_id: str) -> frozenset[str]:
    """The measures of which the run has a result of this unit."""
    results = pl.read_parquet(run.results / "measure_results.parquet", columns=["measure_id", "provider_id"])
    return frozenset(results.filter(pl.col("provider_id") == unit_id)["measure_id"].to_list())


def public_ids(run: Run, unit_ids: Iterable[str]) -> frozenset[str]:
    """Every id under which a public page may name one of these units: its unit id, NPIs and CCNs."""
    rows = _unit_rows(run).filter(pl.col("unit_id").is_in(sorted(unit_ids)))
    return frozenset([*rows["unit_id"], *rows["identifier"]])


def _unit_rows(run: Run) -> pl.DataFrame:
    path = run.results / "unit.parquet"
    if not path.exists():
        raise InputError(f"run {run.run_id} has no table of units", remedy="Run `qe run` again.")
    return pl.read_parquet(path)


def find_unit(run: Run, given: str) -> str:
    """The unit id for what a person typed: a unit id, NPI or CCN."""
    rows = _unit_rows(run)
    found = rows.filter((pl.col("unit_id") == given) | (pl.col("identifier") == given))["unit_id"].unique().to_list()
    if len(found) != 1:
        raise InputError(
            "no single unit of this run has the id that was given",
            remedy="Give a unit id like U000012, an NPI or a CCN.",
        )
    return str(found[0])
