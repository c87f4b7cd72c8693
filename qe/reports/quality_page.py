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
from qe.reports import pages, wording
from qe.site import Settings
from qe.sources.layout import layouts
from qe.sources.reconcile import RULES

FEW: Final = f"1–{MINIMUM_CELL - 1}"
KINDS: Final = {
    "inpatient": "Inpatient",
    "outpatient": "Outpatient",
    "snf": "Skilled nursing",
    "hha": "Home health",
    "hospice": "Hospice",
    "professional": "Professional",
    "dme": "Equipment (DME)",
    "pharmacy": "Pharmacy fills",
    "membership": "Members",
}
STATUS: Final[dict[Status, tuple[str, str]]] = {
    "stop": ("■", "Stops the run"),
    "warn": ("▲", "Warning"),
    "pass": ("●", "Passes"),
    "not_applicable": ("–", "Not applicable"),
}
LINKED: Final = {
    "own": "not found in an earlier source",
    "mbi": "by Medicare number (MBI)",
    "name_dob_sex_zip": "by name, birth date, sex and ZIP",
    "name_dob_sex": "by name, birth date and sex",
    "dob_sex_similar_name": "by birth date, sex and a similar name",
    "first_dob_zip_sex": "by first name, birth date, ZIP and sex",
    "name_dob_zip": "by name, birth date and ZIP",
    "name_zip_sex_dob_slip": "by name, ZIP, sex and a birth date with one slip",
    "several_candidates": "several persons fit",
    "mbi_of_another_person": "the Medicare number is another person's",
    "name_zip_sex_near_dob": "by name, ZIP, sex and a near birth date",
    "same_source": "as another id of the same source",
    "analyst": "by an analyst's decision",
}
CODE_TYPES: Final = ("unmapped_code", "unmapped_drug", "unmapped_fill", "unknown_code", "code_format")
UNIT_TYPES: Final = ("unresolved_unit", "unresolved_facility")
CHART: Final = (252.0, 64.0)  # px
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


ABOVE: Final = 2  # pixels above the highest bar
MARK: Final = 2  # pixels: how thick the mark of the delivery before is


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One month of a chart, in pixels; before: the top of the mark of the delivery before, or None."""

    x: float
    width: float
    y: float
    height: float
    before: float | None


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Volumes of one kind by month. title: the same in words."""

    kind: str
    title: str
    most: str
    bars: tuple[Bar, ...]
    first: str
    last: str


@dataclass(frozen=True, kw_only=True)
class SourceVolumes:
    """One source: its charts, and its figures by month.

    months   (month, one cell a kind)
    too_few  kinds that no month gives a count of
    """

    source_id: str
    charts: tuple[Chart, ...]
    too_few: str
    kinds: tuple[str, ...]
    months: tuple[tuple[str, tuple[str, ...]], ...]


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
        volumes=_volumes(report),
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
    )


def shown(count: int) -> str:
    """A count of rows as the page shows it: 0, 1–10, 11 and more in full."""
    return FEW if 0 < count < MINIMUM_CELL else f"{count:,}"


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
            "the last day that every source reaches",
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


def _volumes(report: QualityReport) -> list[SourceVolumes]:
    return [
        _source_volumes(str(source_id), report.volumes.filter(pl.col("source_id") == source_id), report.before)
        for source_id in sorted(set(report.volumes["source_id"]))
    ]


def _source_volumes(source_id: str, volumes: pl.DataFrame, before: pl.DataFrame | None) -> SourceVolumes:
    now = {(one["kind"], one["month"]): one["rows"] for one in volumes.iter_rows(named=True)}
    earlier: dict[tuple[str, date], int] = {}
    if before is not None:
        held = before.filter(pl.col("source_id") == source_id)
        earlier = {(one["kind"], one["month"]): one["rows"] for one in held.iter_rows(named=True)}
    kinds = [kind for kind in KINDS if any(kind == one for one, _ in [*now, *earlier])]
    months = _months([month for _, month in [*now, *earlier]])
    charted = {kind for (kind, _), rows in [*now.items(), *earlier.items()] if _drawn(rows)}
    return SourceVolumes(
        source_id=source_id,
        charts=tuple(_chart(kind, months, now, earlier) for kind in kinds if kind in charted),
        too_few=", ".join(KINDS[kind] for kind in kinds if kind not in charted),
        kinds=tuple(KINDS[kind] for kind in kinds),
        months=tuple(
            (
                f"{month:%b %Y}",
                tuple(_cell(now.get((kind, month), 0), earlier.get((kind, month)), bool(earlier)) for kind in kinds),
            )
            for month in months
        ),
    )


def _months(found: Sequence[date]) -> list[date]:
    first, last = min(found), max(found)
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return [date(first.year + (first.month - 1 + n) // 12, (first.month - 1 + n) % 12 + 1, 1) for n in range(count)]


def _cell(rows: int, before: int | None, compared: bool) -> str:
    """12,345, and how it changed since the last delivery; no change is told of counts that are not given."""
    if not compared or rows == (before or 0):
        return shown(rows)
    if before is None or before == 0:
        return f"{shown(rows)} new"
    if rows < MINIMUM_CELL or before < MINIMUM_CELL:
        return shown(rows)
    return f"{shown(rows)} ({(rows - before) / before:+.0%})"


def _chart(
    kind: str, months: Sequence[date], now: dict[tuple[str, date], int], earlier: dict[tuple[str, date], int]
) -> Chart:
    """Bars of this delivery, marks of the one before; counts that are not given have no height."""
    width, height = CHART
    values = [_drawn(now.get((kind, month), 0)) for month in months]
    olds = [_drawn(earlier.get((kind, month), 0)) or None for month in months]
    most = max([*values, *(old or 0 for old in olds), 1])
    step = width / max(len(months), 1)

    def tall(value: int) -> float:
        return round(value / most * height, 1)

    return Chart(
        kind=KINDS[kind],
        title=f"{KINDS[kind]} by month, {months[0]:%b %Y} to {months[-1]:%b %Y}; the figures stand in the table below",
        most=f"{max(values):,}" if max(values) else FEW,
        bars=tuple(
            Bar(
                x=round(place * step, 1),
                width=round(max(step - 1.5, 1), 1),
                y=round(ABOVE + height - tall(value), 1),
                height=tall(value),
                before=None if old is None else round(ABOVE - MARK / 2 + height - tall(old), 1),
            )
            for place, (value, old) in enumerate(zip(values, olds, strict=True))
        ),
        first=f"{months[0]:%b %Y}",
        last=f"{months[-1]:%b %Y}",
    )


def _drawn(rows: int) -> int:
    return rows if rows >= MINIMUM_CELL else 0


def _links(linkage: pl.DataFrame) -> list[tuple[str, str, tuple[tuple[str, str], ...]]]:
    """(source, persons, (how, persons) ...): the most frequent way first."""
    rows = []
    for source_id in sorted(set(linkage["source_id"])):
        of = linkage.filter(pl.col("source_id") == source_id)
        methods = of.filter(pl.col("kind") == "method").sort(["persons", "name"], descending=[True, False])
        ways = [
            (LINKED.get(name, wording.plain(name)), shown(persons))
            for name, persons in methods.select("name", "persons").iter_rows()
        ]
        ways += [
            (f"wait for an analyst: {LINKED.get(name, wording.plain(name))}", shown(persons))
            for name, persons in of.filter(pl.col("kind") == "review")
            .select("name", "persons")
            .sort("name")
            .iter_rows()
        ]
        ways += [
            ("second ids of one person", shown(persons))
            for (persons,) in of.filter(pl.col("kind") == "two_ids").select("persons").iter_rows()
        ]
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
