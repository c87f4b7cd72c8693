"""The quality page: one HTML file with nothing fetched and no script, which an analyst opens first after a delivery.

It stays inside the house, yet holds no identifier, and counts of rows from 1 to 10 are not given.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

import polars as pl

from qe.claims.quality import CheckResult, QualityReport, Status, statuses
from qe.claims.quality_checks import types
from qe.regulation import MINIMUM_CELL
from qe.reports import linkage_words, pages, wording
from qe.reports.quality_volumes import FEW, shown, source_volumes
from qe.site import Settings
from qe.sources.layout import layouts
from qe.sources.reconcile import RULES

STATUS: Final[dict[Status, tuple[str, str]]] = {
    "stop": ("■", "Stops the run"),
    "warn": ("▲", "Warning"),
    "pass": ("●", "Passes"),
    "not_applicable": ("–", "Not applicable"),
}
CODE_TYPES: Final = ("unmapped_code", "unmapped_drug", "unmapped_fill", "unknown_code", "code_format")
UNIT_TYPES: Final = ("unresolved_unit", "unresolved_facility")
NEAR: Final = 12  # checks below their threshold that are named


@dataclass(frozen=True, kw_only=True)
class CheckRow:
    """One check in one source, every cell as text."""

    status: Status
    mark: str
    verdict: str
    title: str
    place: str
    check_id: str
    failing: str
    denominator: str
    share: str
    threshold: str
    remedy: str


@dataclass(frozen=True, kw_only=True)
class CheckGroup:
    """What one type of check found, at all its places."""

    title: str
    remedy: str
    rows: tuple[CheckRow, ...]


@dataclass(frozen=True, kw_only=True)
class TypeRow:
    """One type of check: how many checks it has and what they found."""

    title: str
    name: str
    counts: tuple[str, ...]


def quality_page(report: QualityReport, settings: Settings) -> str:
    """The page as HTML."""
    found = statuses(report.results)
    attention = [one for one in report.results if one.status in ("stop", "warn")]
    return pages.html(
        "quality/index.html",
        organisation=settings.entity.organisation,
        site=settings.site.name,
        rehearsal=settings.site.rehearsal,
        verdict=verdict(report.results),
        tone="stop" if found["stop"] else "warn" if found["warn"] else "pass",
        tiles=_tiles(report, found),
        delivery=_delivery(report),
        is_first=report.before is None,
        attention=_by_type(attention),
        below=_by_type(_below(report.results)),
        volumes=source_volumes(report.volumes, report.outside, report.before),
        links=_links(report.linkage),
        linkage_marks=_by_type(
            one
            for one in report.results
            if one.check.type.name in ("link_review", "second_id") and one.status != "not_applicable"
        ),
        codes=_found_or_judged(report.results, CODE_TYPES),
        codes_judged=_judged(report.results, CODE_TYPES),
        units=_found_or_judged(report.results, UNIT_TYPES),
        units_judged=_judged(report.results, UNIT_TYPES),
        unresolved=_unresolved(report.unresolved),
        quarantine=[
            (
                one["source_id"],
                layouts()[one["layout"]].title if one["layout"] in layouts() else one["layout"],
                RULES.get(one["rule"], one["rule"]),
                one["column_name"] or "–",
                shown(one["rows"]),
            )
            for one in report.quarantine.iter_rows(named=True)
        ],
        files=_files(report.files),
        type_rows=_type_rows(report.results),
        reasons=_reasons(report.results),
        few=FEW,
        most_hidden=MINIMUM_CELL - 1,
    )


def _share(failing: int, denominator: int) -> str:
    """A share; where the count is not given, only what it stays below."""
    if not denominator:
        return wording.NOT_APPLICABLE
    if 0 < failing < MINIMUM_CELL:
        return (
            f"under {_percent(Decimal(MINIMUM_CELL) / denominator)}"
            if denominator > MINIMUM_CELL
            else wording.NOT_APPLICABLE
        )
    return _percent(Decimal(failing) / denominator)


def _percent(share: Decimal) -> str:
    value = share * 100
    return (
        f"{value:.0f}%"
        if value == value.to_integral_value()
        else f"{value:.2f}%"
        if value >= Decimal("0.01")
        else "0.01%"
    )


def _row(one: CheckResult) -> CheckRow:
    mark, said = STATUS[one.status]
    of_persons = one.check.type.counts == "rows"
    many = one.check.type.counts
    return CheckRow(
        status=one.status,
        mark=mark,
        verdict=said,
        title=_sentence(one.check.type.title.removeprefix("share of ")),
        place=one.place,
        check_id=one.check.check_id,
        failing=shown(one.failing) if of_persons else wording.counted(one.failing, many.removesuffix("s"), many),
        denominator=shown(one.denominator)
        if of_persons
        else wording.counted(one.denominator, many.removesuffix("s"), many),
        share=_share(one.failing, one.denominator) if of_persons else _percent(one.share or Decimal(0)),
        threshold=_percent(one.threshold),
        remedy=one.check.type.remedy,
    )


def _by_type(results: Iterable[CheckResult]) -> list[CheckGroup]:
    """The results under one head a type; the type with the worst result first."""
    groups: dict[str, list[CheckRow]] = {}
    for one in results:
        groups.setdefault(one.check.type.name, []).append(_row(one))
    return [CheckGroup(title=rows[0].title, remedy=rows[0].remedy, rows=tuple(rows)) for rows in groups.values()]


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def verdict(results: Sequence[CheckResult]) -> str:
    """Fit for measures or not, in one sentence."""
    found = statuses(results)
    warnings = wording.counted(found["warn"], "warning", "warnings")
    if found["stop"]:
        stops = wording.counted(found["stop"], "check stops", "checks stop")
        return f"Not fit for measures: {stops} the run" + (f"; {warnings} besides." if found["warn"] else ".")
    if found["warn"]:
        return f"Fit for measures, with {warnings}."
    return "Fit for measures: every check that applies passes."


def _tiles(report: QualityReport, found: dict[Status, int]) -> list[tuple[str, str, str]]:
    """(figure, what it is, more) of the facts at the head of the page."""
    read, quarantined = (int(report.files[column].sum() or 0) for column in ("rows_read", "rows_quarantined"))
    through = report.facts.get("data_through")
    new = f"{len(report.new_files)} new since the last delivery" if report.before is not None else "first delivery"
    return [
        (f"{report.files.height:,}", "files", new),
        (f"{read:,}", "rows read", f"{shown(quarantined)} quarantined"),
        (shown(int(report.facts.get("persons") or 0)), "persons", "linked across payers"),
        (
            wording.day(date.fromisoformat(through)) if through else "–",
            "claims through",
            "the last day of service that every source reaches",
        ),
        (f"{sum(found.values()):,}", "checks", f"{found['pass']:,} pass, {found['not_applicable']:,} not applicable"),
    ]


def _delivery(report: QualityReport) -> str:
    if report.before is None:
        return (
            "This is the first delivery: no earlier run of this site was made from other files, so there is nothing to compare "
            "with yet. From the next delivery on, each month stands beside what it was."
        )
    new = f"New: {_names(report.new_files)}." if report.new_files else "No file is new."
    gone = f" No longer there: {_names(report.gone_files)}." if report.gone_files else ""
    return f"Compared with run {report.before_run}, the last one made from other files. {new}{gone}"


def _names(files: Sequence[str]) -> str:
    return ", ".join(files[:8]) + (f" and {len(files) - 8} more" if len(files) > 8 else "")


def _below(results: Iterable[CheckResult]) -> list[CheckResult]:
    """Checks that found something and pass, the nearest to their threshold first."""
    found = [one for one in results if one.status == "pass" and one.failing and one.threshold]
    return sorted(found, key=lambda one: (-(one.share or 0) / one.threshold, one.check.check_id, one.source_id))[:NEAR]


def _links(linkage: pl.DataFrame) -> list[tuple[str, str, tuple[tuple[str, str], ...]]]:
    """(source, persons, (how, persons) ...): the most frequent way first."""
    rows = []
    for source_id in sorted(set(linkage["source_id"])):
        of = linkage.filter(pl.col("source_id") == source_id)
        methods = of.filter(pl.col("kind") == "method")
        ways = [(words, shown(persons)) for words, persons in linkage_words.ways(of)]
        rows.append((str(source_id), shown(int(methods["persons"].sum())), tuple(ways)))
    return rows


def _found_or_judged(results: Iterable[CheckResult], names: Sequence[str]) -> list[CheckGroup]:
    found = [one for one in results if one.check.type.name in names and one.status != "not_applicable" and one.failing]
    return _by_type(sorted(found, key=lambda one: (-(one.share or 0), one.check.check_id, one.source_id)))


def _judged(results: Iterable[CheckResult], names: Sequence[str]) -> int:
    return sum(one.check.type.name in names and one.status != "not_applicable" for one in results)


def _unresolved(found: tuple[int, int, Decimal]) -> str:
    units, stays, dollars = found
    if not units:
        return "Every facility is known by a CCN."
    facilities = wording.counted(units, "facility is", "facilities are")
    amount = f", ${dollars:,.0f} allowed" if stays >= MINIMUM_CELL else ""
    return (
        f"{facilities} known by no CCN: {shown(stays)} stays{amount}. Their Medicare stays, if any, are counted apart."
    )


def _files(files: pl.DataFrame) -> list[tuple[str, str, str, str, str, str]]:
    """(source, kind of file, files, rows read, accepted, quarantined) by source and layout."""
    sums = files.group_by("source_id", "layout").agg(
        pl.len().alias("files"), pl.col("rows_read", "rows_accepted", "rows_quarantined").sum()
    )
    return [
        (
            source_id,
            layouts()[layout].title if layout in layouts() else layout,
            f"{count:,}",
            f"{read:,}",
            shown(accepted),
            shown(quarantined),
        )
        for source_id, layout, count, read, accepted, quarantined in sums.sort("source_id", "layout").iter_rows()
    ]


def _type_rows(results: Sequence[CheckResult]) -> list[TypeRow]:
    by_type: dict[str, list[CheckResult]] = {}
    for one in results:
        by_type.setdefault(one.check.type.name, []).append(one)
    rows = []
    for name, kind in types().items():
        found = statuses(by_type.get(name, []))
        rows.append(
            TypeRow(
                title=_sentence(kind.title.removeprefix("share of ")),
                name=name,
                counts=tuple(f"{number:,}" for number in (sum(found.values()), *found.values())),
            )
        )
    return rows


def _reasons(results: Iterable[CheckResult]) -> list[tuple[str, str]]:
    """Why checks are not applicable: the reason without the words of the check, and how many."""
    told = Counter(one.reason.partition(":")[0] for one in results if one.status == "not_applicable")
    return [
        (_sentence(reason), f"{number:,}") for reason, number in sorted(told.items(), key=lambda one: (-one[1], one[0]))
    ]
