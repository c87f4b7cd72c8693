"""Whom mssp_step must name, in plain Python from the rule's words alone; nothing of qe is used.

42 CFR 425.400(c)(1)(v) (services), 425.402(b)-(c) (steps), 425.404 (health centres count as primary care physicians), for a
window of performance year 2021 or later; statistics.md 4A with its corrections 9 and 10 where the paragraphs leave room.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

PRIMARY = {"01", "08", "11", "37", "38"}
NON_PHYSICIAN = {"50", "89", "97"}
SPECIALIST = {
    *("06", "12", "13", "16", "23", "25", "26", "27", "29", "39", "46"),
    *("70", "79", "82", "83", "84", "86", "90", "98"),
}
ANYWHERE = {
    *("96160", "96161", "99421", "99422", "99423", "99439", "99483", "99484", "99487", "99489", "99490", "99491"),
    *("99492", "99493", "99494", "99495", "99496"),
    *(
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
    ),
}
CARE_PLANNING = {"99497", "99498"}  # not for an inpatient
ADD_ON = {"99354", "99355"}  # beside a service of the list on the same claim
HOME, INPATIENT_HOSPITAL, SKILLED_NURSING = "12", "21", "31"

Named = tuple[str, int, Decimal, str | None, str | None]
"""unit, step, allowed charges, what broke a tie, runner-up"""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A claim line that stands after final action. group, facility, clinician: names by which ties are put in order.

    in_snf     the day lies in a skilled nursing stay of the person that somebody's claims show
    snf_held   the payer of the line delivers skilled nursing claims at all; where it does not, place 31 tells
    """

    person: str
    day: date
    claim: str
    hcpcs: str | None
    place: str | None
    specialty: str | None
    clinician: str | None
    group: str | None
    facility: str | None = None
    is_fqhc: bool = False
    in_snf: bool = False
    snf_held: bool = False
    is_capitated: bool = False
    allowed: Decimal

    @property
    def biller(self) -> str | None:
        """Who bills: the group, else the facility (a health centre)."""
        return self.group or self.facility

    @property
    def is_in_snf(self) -> bool:
        return self.in_snf or (self.place == SKILLED_NURSING and not self.snf_held)


def within(code: str, low: int, high: int) -> bool:
    return len(code) == 5 and code.isdigit() and low <= int(code) <= high


def is_primary_care(line: Line) -> bool:
    """The line is by itself a primary care service."""
    code = line.hcpcs or ""
    if within(code, 99304, 99318) and line.is_in_snf:  # on a health centre's claim too
        return False
    if line.is_fqhc:
        return True
    if within(code, 99341, 99350):
        return line.place == HOME
    if code in CARE_PLANNING:
        return line.place != INPATIENT_HOSPITAL
    return code in ANYWHERE or any(within(code, *ends) for ends in ((99201, 99215), (99304, 99318), (99319, 99340)))


def primary_care(lines: Iterable[Line]) -> list[Line]:
    """Services of one person, with the prolonged ones beside them on their claims."""
    lines = list(lines)
    found = [line for line in lines if is_primary_care(line)]
    claims = {line.claim for line in found}
    return found + [line for line in lines if line.hcpcs in ADD_ON and not line.is_fqhc and line.claim in claims]


def most_charges(lines: list[Line], named: dict[int, str | None], step: int) -> Named | None:
    """The unit with the most allowed charges; equal ones: the latest service, then more days with one, then the smaller name."""
    charges: dict[str, Decimal] = defaultdict(Decimal)
    days: dict[str, set[date]] = defaultdict(set)
    for place, line in enumerate(lines):
        unit = named[place]
        if unit is not None:
            charges[unit] += line.allowed
            days[unit].add(line.day)
    order = sorted(charges, key=lambda unit: (-charges[unit], -max(days[unit]).toordinal(), -len(days[unit]), unit))
    if not order:
        return None
    first, second = order[0], order[1] if len(order) > 1 else None
    tie = None
    if second is not None and charges[first] == charges[second]:
        tie = "unit_id"
        if max(days[first]) > max(days[second]):
            tie = "latest_service"
        elif len(days[first]) > len(days[second]):
            tie = "visit_days"
    return first, step, charges[first], tie, second


def of_person(lines: Iterable[Line]) -> tuple[Named | None, Named | None]:
    """Billing unit, and the clinician inside it, of one person's lines in the window."""
    services = primary_care(line for line in lines if line.allowed > 0 or line.is_capitated)
    if not any(line.is_fqhc or line.specialty in PRIMARY | SPECIALIST for line in services):
        return None, None  # the gate: a service by a physician
    step, deciding = 1, [line for line in services if line.is_fqhc or line.specialty in PRIMARY | NON_PHYSICIAN]
    if not deciding:
        step, deciding = 2, [line for line in services if line.specialty in SPECIALIST]
    billing = most_charges(deciding, {place: line.biller for place, line in enumerate(deciding)}, step)
    if billing is None:
        return None, None
    inside = [line for line in deciding if line.biller == billing[0]]
    return billing, most_charges(inside, {place: line.clinician for place, line in enumerate(inside)}, step)


def attribute(all_lines: Iterable[Line], *, start: date, end: date) -> dict[tuple[str, str], Named]:
    """{(person, "billing" or "clinician"): who is named} of the lines from `start` to `end`, both counted."""
    of: dict[str, list[Line]] = defaultdict(list)
    for line in all_lines:
        if start <= line.day <= end:
            of[line.person].append(line)
    found: dict[tuple[str, str], Named] = {}
    for person, lines in of.items():
        for level, named in zip(("billing", "clinician"), of_person(lines), strict=True):
            if named is not None:
                found[person, level] = named
    return found
