"""Visits as rows of the event table `visit`, for the tests of attribution by visits."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Visit:
    """One professional line."""

    person: str
    day: date
    clinician: str | None
    specialty: str
    group: str | None
    hcpcs: str = "99213"
    allowed: Decimal = Decimal("100.00")


USUAL = Visit("P1", date(2024, 3, 1), "N1", "08", "G1")


def as_row(visit: Visit, number: int) -> dict[str, Any]:
    """The row of the visit; number makes its claim."""
    return {
        "person_id": visit.person, "service_date": visit.day, "claim_id": f"C{number}", "line_number": 1,
        "hcpcs": visit.hcpcs, "specialty": visit.specialty, "clinician_id": visit.clinician, "group_id": visit.group,
        "is_fqhc_rhc": False, "allowed_amount": visit.allowed,
    }  # fmt: skip


def visits(days: int, **other: Any) -> list[Visit]:
    """Visits on so many days of May."""
    return [replace(USUAL, day=date(2024, 5, day), **other) for day in range(1, days + 1)]
