"""Is the claims model fit for measures? What every data-quality check found, judged by the site's thresholds."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, Literal

import polars as pl

from qe.claims.quality_checks import Check, Severity, checks, types
from qe.closed_toml import suggestion
from qe.errors import Fault, Findings, InputError
from qe.site import QualityTable
from qe.warehouse import Warehouse

Status = Literal["stop", "warn", "pass", "not_applicable"]
RESULTS: Final = pl.Schema(
    {
        "check_id": pl.String(),
        "type": pl.String(),
        "table": pl.String(),
        "column": pl.String(),
        "source_id": pl.String(),
        "severity": pl.String(),
        "denominator": pl.Int64(),
        "failing": pl.Int64(),
        "share": pl.Float64(),
        "threshold": pl.Float64(),
        "status": pl.String(),
        "reason": pl.String(),
    }
)
FELL, GREW = Decimal("0.9"), Decimal("1.5")  # of a month's volume in the delivery before
MONTH_ROWS = 30  # rows of a month below which its volume says nothing


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """What one check found in one source ("" for tables that belong to no one source).

    share   failing / denominator, 0 to 1; None where the check is not applicable
    reason  why it is not applicable, else ""
    """

    check: Check
    source_id: str
    severity: Severity
    denominator: int
    failing: int
    share: Decimal | None
    threshold: Decimal
    status: Status
    reason: str

    @property
    def place(self) -> str:
        """Where it was found, as a message says it: table, column, rows, source; "" for a check of the whole model."""
        check = self.check
        where = ".".join(part for part in (check.table, check.column.replace(";", "+")) if part)
        within = " and ".join(f"{column} {' or '.join(values)}" for column, values in check.only)
        parts = [where, check.limit if check.type.about in ("query", "delivery") else "", within]
        source = f"source {self.source_id}" if self.source_id else ""
        return ", ".join(part for part in (*parts, source) if part)

    def fault(self) -> Fault:
        assert self.share is not None
        found = (
            f"{self.check.type.title}: {_plain(self.share)} ({self.failing:,} in all), above {_plain(self.threshold)}"
        )
        return Fault(
            code="data-quality",
            message=f"{found}; {self.place}" if self.place else found,
            place=self.check.check_id,
            count=self.failing,
            remedy=self.check.type.remedy,
        )


def _plain(share: Decimal) -> str:
    return f"{share.normalize():f}"


@dataclass(frozen=True, kw_only=True)
class QualityReport:
    """All that an analyst looks at first after a delivery. Counts only: no person, no identifier.

    outside     source_id, kind, rows: what is dated outside the months of its source's period, and in no month of volumes
    before      volumes of the last run made from other files, or None; `before_run` is its id
    new_files   names of files that run did not have; gone_files, that it had and are no longer there
    files       source_id, file, layout, rows_read, rows_accepted, rows_quarantined, expected_rows
    quarantine  source_id, layout, rule, column_name, rows
    linkage     source_id, kind (method, review, left_out, crowded, crosswalk, two_ids), name, persons
    unresolved  facilities known by no CCN: how many, their stays, and the allowed dollars of their claims (unresolved_unit)
    """

    results: tuple[CheckResult, ...]
    volumes: pl.DataFrame
    outside: pl.DataFrame
    before: pl.DataFrame | None
    before_run: str
    new_files: tuple[str, ...]
    gone_files: tuple[str, ...]
    files: pl.DataFrame
    quarantine: pl.DataFrame
    linkage: pl.DataFrame
    unresolved: tuple[int, int, Decimal]
    facts: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """The last run made from other files. files: (source_id, sha256) -> name of each file that it had."""

    run_id: str
    volumes: pl.DataFrame
    files: Mapping[tuple[str, str], str]


def report(db: Warehouse, thresholds: Mapping[str, QualityTable], *, earlier: Earlier | None) -> QualityReport:
    """Every check judged, with the volumes, linkage, quarantine and unresolved units of this model.

    Raises InputError for names that are no check.
    """
    received = {
        (source_id, sha256): file
        for source_id, sha256, file in db.query("select source_id, sha256, file from received_file").iter_rows()
    }
    earlier_files = earlier.files if earlier else {}
    units, stays, dollars = db.query(
        "select count(distinct unit_id), coalesce(sum(stays), 0)::bigint, coalesce(sum(allowed_amount), 0)::decimal(18, 2) "
        "from unresolved_unit where reason = 'npi_alone'"
    ).row(0)
    return QualityReport(
        results=assess(db, thresholds, before=earlier.volumes if earlier else None),
        volumes=volumes(db),
        outside=db.query("select source_id, kind, rows from volume_by_month where month is null order by all"),
        before=earlier.volumes if earlier else None,
        before_run=earlier.run_id if earlier else "",
        new_files=tuple(sorted(name for key, name in received.items() if earlier and key not in earlier_files)),
        gone_files=tuple(sorted(name for key, name in earlier_files.items() if key not in received)),
        files=db.query(
            "select source_id, file, layout, rows_read, rows_accepted, rows_quarantined, expected_rows "
            "from received_file order by all"
        ),
        quarantine=db.query(
            "select quarantine_count.source_id, received_file.layout, rule, column_name, "
            "cast(sum(rows) as bigint) as rows from quarantine_count "
            "join received_file using (source_id, sha256) group by all order by all"
        ),
        linkage=db.query("select source_id, kind, name, persons from linkage_report order by all"),
        unresolved=(units, stays, dollars),
        facts=dict(db.query("select name, value from model_fact order by name").iter_rows()),
    )


def inputs(db: Warehouse) -> frozenset[tuple[str, str]]:
    """(source_id, sha256) of every file that the model was made from."""
    return frozenset(db.query("select source_id, sha256 from received_file").iter_rows())


def assess(
    db: Warehouse, thresholds: Mapping[str, QualityTable], *, before: pl.DataFrame | None = None
) -> tuple[CheckResult, ...]:
    """Every check on this model, by severity of what it found: at least one result a check, one a source it read.

    thresholds  [quality.<check>] of qe.toml, by type, check id or check id@source; a check without one keeps its own
    before      volumes of the delivery before this one (source_id, kind, month, rows), or None for the first
    Raises InputError for names that are no check.
    """
    _require_known(thresholds)
    counted: dict[str, list[tuple[str, int, int]]] = {}
    for check_id, source_id, denominator, failing in db.query(
        "select check_id, source_id, denominator, failing from quality_count order by all"
    ).iter_rows():
        counted.setdefault(check_id, []).append((source_id, denominator, failing))
    if before is not None:
        for check_id, found in since_last_delivery(volumes(db), before).items():
            counted[check_id] = found
    received = frozenset(db.query("select distinct layout from received_file")["layout"])
    results = [
        _judged(check, source_id, denominator, failing, thresholds, received, is_first=before is None)
        for check in checks()
        for source_id, denominator, failing in counted.get(check.check_id, [("", 0, 0)])
    ]
    return tuple(sorted(results, key=_urgency))


def _urgency(result: CheckResult) -> tuple[int, Decimal, str, str]:
    """Stops first, then what lies furthest above its threshold."""
    order = ("stop", "warn", "pass", "not_applicable")
    above = (result.share or Decimal(0)) - result.threshold
    return order.index(result.status), -above, result.check.check_id, result.source_id


def _judged(
    check: Check,
    source_id: str,
    denominator: int,
    failing: int,
    thresholds: Mapping[str, QualityTable],
    received: frozenset[str],
    *,
    is_first: bool,
) -> CheckResult:
    names = (f"{check.check_id}@{source_id}", check.check_id, check.type.name)
    setting = next((thresholds[name] for name in names if name in thresholds), None)
    limit = check.threshold if setting is None or setting.threshold is None else Decimal(str(setting.threshold))
    severity = check.type.severity if setting is None else setting.severity
    reason = _not_applicable(check, denominator, received, is_first=is_first)
    share = None if reason else (Decimal(failing) / Decimal(denominator)).quantize(Decimal("0.000001"))
    exceeds = share is not None and Decimal(failing) > limit * denominator
    return CheckResult(
        check=check,
        source_id=source_id,
        severity=severity,
        denominator=denominator,
        failing=failing,
        share=share,
        threshold=limit,
        status="not_applicable" if reason else severity if exceeds else "pass",
        reason=reason,
    )


def _not_applicable(check: Check, denominator: int, received: frozenset[str], *, is_first: bool) -> str:
    """Why the check says nothing here, or ""."""
    if check.type.about == "delivery" and is_first:
        return "this is the first delivery: there is none to compare it with"
    if check.type.about == "file" and check.table not in received:
        return "no file of this layout was received"
    if denominator == 0:
        return f"there are none: {check.type.denominator}"
    if denominator < check.type.minimum:
        return f"too few for a share (fewer than {check.type.minimum}): {check.type.denominator}"
    return ""


def _require_known(thresholds: Mapping[str, QualityTable]) -> None:
    """A source stands behind a check alone, never behind a type; whether there is such a source, qe.toml itself is asked."""
    of_checks = {check.check_id for check in checks()}
    known = {*types(), *of_checks}
    if strange := sorted(name for name in thresholds if name not in known and name.rpartition("@")[0] not in of_checks):
        raise InputError.of(
            [
                Fault(
                    code="unknown-check",
                    message=f"qe.toml: [quality.{name}] is no data-quality check{_near(name, of_checks, known)}",
                    file="qe.toml",
                    place=f"quality.{name}",
                    remedy="A name is a type, a check or check@source. `qe check sources --json` lists every check; "
                    f"the types are {', '.join(types())}.",
                )
                for name in strange
            ]
        )


def _near(name: str, of_checks: set[str], known: set[str]) -> str:
    _, at, source = name.rpartition("@")
    return suggestion(name, sorted({f"{check}@{source}" for check in of_checks} if at else known))


def require_none_stops(results: Sequence[CheckResult]) -> tuple[Fault, ...]:
    """The warnings among results that were judged. Raises Findings with all that stop."""
    if stops := [result.fault() for result in results if result.status == "stop"]:
        raise Findings.of(stops)
    return tuple(result.fault() for result in results if result.status == "warn")


def results_frame(results: Sequence[CheckResult]) -> pl.DataFrame:
    """quality_checks.parquet: one row a check and source, sorted; checks against an earlier delivery are left out,
    since a run says nothing of what came before it."""
    rows = [as_row(result) for result in results if result.check.type.about != "delivery"]
    return pl.DataFrame(rows, schema=RESULTS).sort("check_id", "source_id")


def as_row(result: CheckResult) -> dict[str, Any]:
    """The columns of RESULTS."""
    return {
        "check_id": result.check.check_id,
        "type": result.check.type.name,
        "table": result.check.table,
        "column": result.check.column,
        "source_id": result.source_id,
        "severity": result.severity,
        "denominator": result.denominator,
        "failing": result.failing,
        "share": None if result.share is None else float(result.share),
        "threshold": float(result.threshold),
        "status": result.status,
        "reason": result.reason,
    }


def statuses(results: Sequence[CheckResult]) -> dict[Status, int]:
    """How many checks have each status; a check counts once, by the worst that it found in any source."""
    order: tuple[Status, ...] = ("stop", "warn", "pass", "not_applicable")
    worst: dict[str, Status] = {}
    for result in results:
        held = worst.get(result.check.check_id, "not_applicable")
        worst[result.check.check_id] = min(held, result.status, key=order.index)
    found = Counter(worst.values())
    return {status: found[status] for status in order}


def volumes(db: Warehouse) -> pl.DataFrame:
    """source_id, kind (claim type, pharmacy, membership), month of its period, rows, paid_amount: see volume_by_month.sql."""
    return db.query(
        "select source_id, kind, month, rows, paid_amount from volume_by_month where month is not null order by all"
    )


def since_last_delivery(now: pl.DataFrame, before: pl.DataFrame) -> dict[str, list[tuple[str, int, int]]]:
    """check id -> (source, months compared, months that fell below 0.9 or rose above 1.5 of what they were).

    A month is compared when the delivery before held it with 30 rows, and not as one of its last three months, which
    are filled by later payments.
    """
    held = {(row["source_id"], row["kind"], row["month"]): row["rows"] for row in now.iter_rows(named=True)}
    last: dict[tuple[str, str], date] = {}
    for row in before.iter_rows(named=True):
        place = (row["source_id"], row["kind"])
        last[place] = max(last.get(place, row["month"]), row["month"])
    compared: Counter[tuple[str, str]] = Counter()
    differing: Counter[tuple[str, str]] = Counter()
    for row in before.iter_rows(named=True):
        place = (row["kind"], row["source_id"])
        if row["rows"] >= MONTH_ROWS and _months_between(row["month"], last[place[::-1]]) >= 3:
            rows = held.get((row["source_id"], row["kind"], row["month"]), 0)
            compared[place] += 1
            differing[place] += rows < FELL * row["rows"] or rows > GREW * row["rows"]
    by_kind = {check.limit: check.check_id for check in checks() if check.type.about == "delivery"}
    found: dict[str, list[tuple[str, int, int]]] = {}
    for (kind, source_id), months in sorted(compared.items()):
        if kind in by_kind:
            found.setdefault(by_kind[kind], []).append((source_id, months, differing[kind, source_id]))
    return found


def _months_between(first: date, last: date) -> int:
    return (last.year - first.year) * 12 + last.month - first.month
