"""An independent, plain Python reading of 42 CFR 425.400(c) and 425.402 for 2024: what mssp_step.sql must give."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

PRIMARY = {"01", "08", "11", "37", "38"}
NON_PHYSICIAN = {"50", "89", "97"}
SPECIALIST = {
    "06",
    "12",
    "13",
    "16",
    "23",
    "25",
    "26",
    "27",
    "29",
    "39",
    "46",
    "70",
    "79",
    "82",
    "83",
    "84",
    "86",
    "90",
    "98",
}
HCPCS = {
    "G0402",
    "G0438",
    "G0439",
    "G0442",
    "G0443",
    "G0444",
    "G0506",
    "G2010",
    "G2012",
    "G2058",
    "G2064",
    "G2065",
    "G2214",
}
ADD_ON = {"99354", "99355"}


@dataclass(frozen=True, kw_only=True)
class Line:
    person: str
    day: date
    claim: str
    hcpcs: str
    place: str
    specialty: str | None
    clinician: str | None
    group: str | None
    facility: str | None = None
    is_fqhc: bool = False
    in_snf: bool = False
    allowed: Decimal


def is_base(line: Line) -> bool:
    """A primary care service that stands by itself in performance year 2024 (list of 2021 and later)."""
    code, in_snf = line.hcpcs, line.in_snf or line.place == "31"
    if line.is_fqhc:
        return not ("99304" <= code <= "99318" and in_snf)
    if not code.startswith("G"):
        number = int(code)
        if 99201 <= number <= 99215 or 99319 <= number <= 99340:
            return True
        if 99304 <= number <= 99318:
            return not in_snf
        if 99341 <= number <= 99350:
            return line.place == "12"
        if number in (99497, 99498):
            return line.place != "21"
        single = {
            96160,
            96161,
            99421,
            99422,
            99423,
            99439,
            99483,
            99484,
            99487,
            99489,
            99490,
            99491,
            99492,
            99493,
            99494,
            99495,
            99496,
        }
        return number in single
    return code in HCPCS


def winner(lines: list[Line], unit: str) -> tuple[str, Decimal, str | None, str | None]:
    """The unit with the most allowed charges; its amount; the rule that broke a tie; the runner-up."""
    amounts: dict[str, Decimal] = defaultdict(Decimal)
    days: dict[str, set[date]] = defaultdict(set)
    for line in lines:
        name = getattr(line, unit) or (line.facility if unit == "group" else None)
        if name:
            amounts[name] += line.allowed
            days[name].add(line.day)
    if not amounts:
        raise LookupError
    order = sorted(amounts, key=lambda name: (-amounts[name], -max(days[name]).toordinal(), -len(days[name]), name))
    first = order[0]
    if len(order) == 1:
        return first, amounts[first], None, None
    second = order[1]
    tie = None
    if amounts[first] == amounts[second]:
        if max(days[first]) != max(days[second]):
            tie = "latest_service"
        else:
            tie = "visit_days" if len(days[first]) != len(days[second]) else "unit_id"
    return first, amounts[first], tie, second


def attribute(
    all_lines: list[Line], *, start: date, end: date
) -> dict[tuple[str, str], tuple[str, int, Decimal, str | None, str | None]]:
    """{(person, "billing" or "clinician"): (unit, step, allowed, tie break, runner-up)}."""
    found: dict[tuple[str, str], tuple[str, int, Decimal, str | None, str | None]] = {}
    in_window = [line for line in all_lines if start <= line.day <= end and line.allowed > 0]
    for person in sorted({line.person for line in in_window}):
        own = [line for line in in_window if line.person == person]
        base = [line for line in own if is_base(line)]
        with_base = {line.claim for line in base}
        services = base + [
            line for line in own if line.hcpcs in ADD_ON and line.claim in with_base and not line.is_fqhc
        ]
        if not any(line.is_fqhc or line.specialty in PRIMARY | SPECIALIST for line in services):
            continue
        first_step = [line for line in services if line.is_fqhc or line.specialty in PRIMARY | NON_PHYSICIAN]
        step, deciding = (
            (1, first_step) if first_step else (2, [line for line in services if line.specialty in SPECIALIST])
        )
        try:
            unit, amount, tie, second = winner(deciding, "group")
        except LookupError:
            continue
        found[person, "billing"] = (unit, step, amount, tie, second)
        inside = [line for line in deciding if (line.group or line.facility) == unit]
        try:
            clinician, amount, tie, second = winner(inside, "clinician")
        except LookupError:
            continue
        found[person, "clinician"] = (clinician, step, amount, tie, second)
    return found
