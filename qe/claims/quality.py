"""Is the claims model fit for measures? A few checks, each a SQL file with its facts in TOML."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Literal

from qe.claims.model import FOLDER
from qe.errors import Fault, Findings, InputError
from qe.site import QualityTable
from qe.warehouse import Warehouse


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check. Its SQL gives one row: value (a count or a share, 0 to 1) and affected (a count)."""

    name: str
    sql_file: Path
    title: str
    threshold: Decimal
    severity: Literal["stop", "warn"]
    remedy: str


def checks() -> tuple[Check, ...]:
    """All checks that ship, by name."""
    return tuple(_read(path) for path in sorted((FOLDER / "quality").glob("*.toml")))


def _read(path: Path) -> Check:
    facts = tomllib.loads(path.read_text(encoding="utf-8"))
    return Check(
        name=path.stem,
        sql_file=path.with_suffix(".sql"),
        title=facts["title"],
        threshold=Decimal(str(facts["threshold"])),
        severity=facts["severity"],
        remedy=facts["remedy"],
    )


def require_fit(db: Warehouse, thresholds: Mapping[str, QualityTable]) -> tuple[Fault, ...]:
    """Stop the run when a check of severity "stop" is above its threshold; the warnings of the others.

    thresholds  [quality.<check>] of qe.toml; a check without one keeps its own threshold and severity
    Raises Findings with all checks that stop, InputError for names that are no check.
    """
    known = checks()
    if strange := sorted(thresholds.keys() - {check.name for check in known}):
        names = ", ".join(check.name for check in known)
        raise InputError.of(
            [
                Fault(
                    code="unknown-check",
                    message=f"qe.toml: [quality.{name}] is no data-quality check",
                    file="qe.toml",
                    place=f"quality.{name}",
                    remedy=f"The checks are {names}.",
                )
                for name in strange
            ]
        )
    stops: list[Fault] = []
    warnings: list[Fault] = []
    for check in known:
        setting = thresholds.get(check.name)
        limit = check.threshold if setting is None or setting.threshold is None else Decimal(str(setting.threshold))
        severity = check.severity if setting is None else setting.severity
        value, affected = db.frame(check.sql_file).row(0)
        if value > limit:
            fault = Fault(
                code="data-quality",
                message=f"{check.title}: {value.normalize():f} ({affected:,} in all), above {limit.normalize():f}",
                place=check.name,
                count=affected,
                remedy=check.remedy,
            )
            (stops if severity == "stop" else warnings).append(fault)
    if stops:
        raise Findings.of(stops)
    return tuple(warnings)
