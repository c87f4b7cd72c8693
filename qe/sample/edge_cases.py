"""The eighty hand-written persons of sample_data.md section 7, as qe/sample/cases/*.toml tells them: a closed schema."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

FOLDER = Path(__file__).parent / "cases"
WRITTEN_FOR = 2024  # look-back year of the cases' dates; a run of other years moves them by whole years
COUNTS_DAYS = {"pdc", "pdc_last"}  # checks whose values hold for the lengths of 2024 and 2025 alone
Payer = Literal["medicare", "medigap", "working_aged", "advantage_b", "commercial_b"]
Place = Literal["A", "B", "C", "K", "PSYCHIATRIC", "LONG_TERM", "NURSING", "SWING_BED"]
Who = Literal["P0", "P1", "N0", "S0", "FQHC", "EMERGENCY"]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CaseStay(_Closed):
    """A stay at a facility: A, B, C general hospitals, K a critical access hospital, else by kind of facility.

    Who A, B and C are goes round the run's general hospitals from case to case, so that no hospital has them all.

    days       first and last day
    kind       of tables/stay_types.csv: gives DRG, price and, unless told, diagnosis and procedure
    status     of discharge; bills   last days of the interim bills before the final one
    continues  it goes on with the stay before: one stay by its diagnosis
    """

    at: Place
    days: str
    kind: str = "pneumonia"
    dx: str = ""
    also: tuple[str, ...] = ()
    px: str = ""
    status: int = 1
    origin: int = 1
    bills: tuple[str, ...] = ()
    outcome: Literal["paid", "exhausted"] = "paid"
    continues: bool = False


class CaseVisit(_Closed):
    """One visit; cents 0: at the fee of its code. billed_by: whose group bills, else the clinician's own."""

    day: str
    by: Who
    billed_by: Who | None = None
    code: str = "99213"
    place: int = 11
    dx: str = "Z0000"
    cents: int = 0
    outcome: Literal["paid", "denied"] = "paid"
    history: Literal["straight", "reversed_and_replaced"] = "straight"
    capitated: bool = False


class CaseFill(_Closed):
    """`times` fills of one drug, `every` days from one to the next."""

    day: str
    supply: int
    drug: str = "ATORVASTATIN"
    times: int = 1
    every: int = 0
    returned: bool = False


class EdgeCase(_Closed):
    """One person. of: the part of the design it is written for; out: months (first and last) without any coverage.

    Dates are those of the default years, 2024 and 2025. expect: what must be found, by the name of the check.
    """

    name: str
    of: str
    payer: Payer = "medicare"
    birth: str = ""
    death: str = ""
    out: tuple[str, ...] = ()
    stays: tuple[CaseStay, ...] = ()
    visits: tuple[CaseVisit, ...] = ()
    fills: tuple[CaseFill, ...] = ()
    expect: dict[str, int | str | tuple[str, ...] | tuple[int, ...]]


@cache
def edge_cases() -> tuple[EdgeCase, ...]:
    """All cases in the order of their files; each name stands once."""
    return tuple(
        EdgeCase.model_validate(case)
        for path in sorted(FOLDER.glob("*.toml"))
        for case in tomllib.loads(path.read_text(encoding="utf-8"))["case"]
    )


def case_diagnoses() -> list[str]:
    """Diagnosis codes that the cases name."""
    cases = edge_cases()
    stays = [code for case in cases for stay in case.stays for code in (stay.dx, *stay.also) if code]
    return stays + [visit.dx for case in cases for visit in case.visits]


def case_procedures() -> list[str]:
    """Procedure codes that the cases name."""
    return [stay.px for case in edge_cases() for stay in case.stays if stay.px]
