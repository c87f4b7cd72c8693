"""The file in which an analyst writes a correction: a small CSV, read whole, all faults at once."""

import csv
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Final, assert_never, get_args

from qe.closed_toml import suggestion
from qe.corrections.record import (
    ALL_MEASURES,
    DETAILS,
    CorrectionKind,
    CorrectionLine,
    Evidence,
)
from qe.errors import Fault, InputError, Reason, Refused

COLUMNS: Final = (
    "kind", "evidence", "measure_id", "person_id", "event_id", "belongs_to", "rule_id", "claim_ids", "detail", "value",
    "from_date", "to_date",
)  # fmt: skip
REQUIRED: Final = ("kind", "evidence")
CHART: Final = "chart"
NO_CHART: Final = (
    "chart evidence never overrides a standard measure's data source; "
    "a correction says what claims processing got wrong"
)
USED_BY: Final[Mapping[CorrectionKind, frozenset[str]]] = {
    CorrectionKind.NOT_OUR_PATIENT: frozenset({"measure_id", "person_id", "event_id"}),
    CorrectionKind.WRONG_CLINICIAN_OR_SITE: frozenset({"measure_id", "person_id", "event_id", "belongs_to"}),
    CorrectionKind.MISSED_EXCLUSION: frozenset({"measure_id", "event_id", "rule_id", "claim_ids"}),
    CorrectionKind.PROVIDER_DETAILS: frozenset({"detail", "value", "from_date", "to_date"}),
}
EVIDENCE_OF: Final[Mapping[CorrectionKind, frozenset[str]]] = {
    CorrectionKind.NOT_OUR_PATIENT: frozenset({"claims", "roster"}),
    CorrectionKind.WRONG_CLINICIAN_OR_SITE: frozenset({"claims", "roster"}),
    CorrectionKind.MISSED_EXCLUSION: frozenset({"claims"}),
    CorrectionKind.PROVIDER_DETAILS: frozenset({"roster"}),
}
VALUE_OF: Final = {"zip5": re.compile(r"\d{5}"), "county_fips": re.compile(r"\d{5}")}


def read_lines(path: Path) -> tuple[CorrectionLine, ...]:
    """The lines of the file. InputError with every fault, by file, line and column; Refused where one rests on the chart."""
    rows = _rows(path)
    faults = [fault for number, row in rows for fault in _faults(path.name, number, row)]
    if faults:
        raise InputError.of(faults)
    if charts := [number for number, row in rows if row["evidence"] == CHART]:
        said = f"{path.name}: {NO_CHART} (line {', '.join(map(str, charts))})"
        reason = Reason(rule="R3", citation="42 CFR 401.715(a)(2), rules.md section 0.4", verdict="fail", fact=NO_CHART)
        raise Refused(
            said, reasons=(reason,), remedy="Name the claims or the roster, or resolve the request as denied."
        )
    return tuple(_line(number, row) for number, row in rows)


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Line number and cells of every row that is not empty; absent columns are ""."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restkey="", strict=True)
            header = [name.strip() for name in reader.fieldnames or []]
            reader.fieldnames = header
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error):
        remedy = f"Give a CSV in UTF-8 with the columns {', '.join(COLUMNS)}."
        raise InputError(f"{path.name} cannot be read", remedy=remedy) from None
    faults = [
        _fault(path.name, 1, name, f'there is no column "{name}"{suggestion(name, list(COLUMNS))}')
        for name in header
        if name not in COLUMNS
    ]
    faults += [_fault(path.name, 1, name, f"the column {name} is missing") for name in REQUIRED if name not in header]
    faults += [
        _fault(path.name, number, "", "the row has more cells than the header", "Quote cells that hold a comma.")
        for number, row in rows
        if "" in row
    ]
    if faults:
        raise InputError.of(faults)
    cells = [(number, {name: (row.get(name) or "").strip() for name in COLUMNS}) for number, row in rows]
    filled = [(number, row) for number, row in cells if any(row.values())]
    if not filled:
        raise InputError(f"{path.name} holds no line", remedy=f"One row a correction: {', '.join(COLUMNS)}.")
    return filled


def _fault(file: str, line: int, column: str, said: str, remedy: str = "") -> Fault:
    place = f"line {line}, {column}" if column else f"line {line}"
    return Fault(code="bad-correction", message=f"{file}: {place}: {said}", file=file, place=place, remedy=remedy)


def line_fault(file: str, line: CorrectionLine, column: str, said: str, remedy: str) -> Fault:
    """A fault that only the run shows, told like those of the file."""
    return _fault(file, line.line, column, said, remedy)


def _faults(file: str, number: int, row: Mapping[str, str]) -> list[Fault]:
    """All that is wrong with one row; no message repeats a cell."""
    if row["kind"] not in list(CorrectionKind):
        kinds = ", ".join(CorrectionKind)
        return [_fault(file, number, "kind", "is no kind of correction", f"Kinds: {kinds}.")]
    kind = CorrectionKind(row["kind"])
    found: list[tuple[str, str, str]] = []
    if row["evidence"] != CHART and row["evidence"] not in EVIDENCE_OF[kind]:
        allowed = " or ".join(sorted(EVIDENCE_OF[kind]))
        found.append(("evidence", f"does not show a {kind}", f"What shows it is in: {allowed}."))
    found += [
        (name, f"has no meaning for {kind}", "Leave it empty.")
        for name in COLUMNS[2:]
        if row[name] and name not in USED_BY[kind]
    ]
    found += _of_kind(kind, row)
    return [_fault(file, number, column, said, remedy) for column, said, remedy in found]


def _of_kind(kind: CorrectionKind, row: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """(column, fault, remedy) of the facts that this kind needs."""
    match kind:
        case CorrectionKind.NOT_OUR_PATIENT | CorrectionKind.WRONG_CLINICIAN_OR_SITE:
            return _of_attribution(row)
        case CorrectionKind.MISSED_EXCLUSION:
            return _of_exclusion(row)
        case CorrectionKind.PROVIDER_DETAILS:
            return _of_details(row)
        case _:
            assert_never(kind)


def _of_attribution(row: Mapping[str, str]) -> list[tuple[str, str, str]]:
    found = []
    if not row["measure_id"]:
        found.append(("measure_id", "is empty", f'Name a measure, or "{ALL_MEASURES}".'))
    if bool(row["person_id"]) == bool(row["event_id"]):
        found.append(("event_id", "a line names a person or an event, one of them", "Fill person_id or event_id."))
    if row["event_id"] and row["measure_id"] == ALL_MEASURES:
        found.append(("measure_id", "an event is one of a measure", "Name the measure, or a person for all measures."))
    return found


def _of_exclusion(row: Mapping[str, str]) -> list[tuple[str, str, str]]:
    found = [(name, "is empty", "A missed exclusion needs it.") for name in ("event_id", "claim_ids") if not row[name]]
    if row["measure_id"] in ("", ALL_MEASURES):
        found.append(("measure_id", "names no measure", "An exclusion is a rule of one measure."))
    if not re.fullmatch(r"R\d+", row["rule_id"]):
        found.append(("rule_id", "is no rule number like R5", "`qe measures show ID` lists the rules."))
    return found


def _of_details(row: Mapping[str, str]) -> list[tuple[str, str, str]]:
    found = []
    if row["detail"] not in DETAILS:
        found.append(("detail", "is no detail of a unit", f"Details: {', '.join(DETAILS)}."))
    elif not row["value"] or not VALUE_OF.get(row["detail"], re.compile(r".+")).fullmatch(row["value"]):
        found.append(("value", f"is no {row['detail']}", "A ZIP or county code has five digits."))
    days = {name: _day(row[name]) for name in ("from_date", "to_date")}
    if days["from_date"] is None:
        found.append(("from_date", "is no day like 2026-03-02", "Since when the roster should have said so."))
    if row["to_date"] and days["to_date"] is None:
        found.append(("to_date", "is no day like 2026-03-02", "Leave it empty while the fact holds."))
    if days["from_date"] and days["to_date"] and days["to_date"] < days["from_date"]:
        found.append(("to_date", "lies before from_date", "Both days are within."))
    return found


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _line(number: int, row: Mapping[str, str]) -> CorrectionLine:
    evidence: Evidence = "roster" if row["evidence"] == "roster" else "claims"
    assert row["evidence"] in get_args(Evidence)
    claims = sorted({claim.strip() for claim in row["claim_ids"].split(";") if claim.strip()})
    texts = ("measure_id", "person_id", "event_id", "belongs_to", "rule_id", "detail", "value")
    return CorrectionLine(
        line=number,
        kind=CorrectionKind(row["kind"]),
        evidence=evidence,
        claim_ids=tuple(claims),
        from_date=_day(row["from_date"]),
        to_date=_day(row["to_date"]),
        **{name: row[name] for name in texts},
    )
