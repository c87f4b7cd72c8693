"""Comorbidities by the AHRQ Elixhauser Comorbidity Software Refined, as the methods of the measures tell it."""

from collections.abc import Iterable
from datetime import date

from tests.oracles.model_rows import DAY, Lists, Person, months_later, plain

CEREBROVASCULAR = ("CBVD_POA", "CBVD_SQLA")


def counted(found: Iterable[str], lists: Lists) -> frozenset[str]:
    """Cerebrovascular disease and its sequelae are one flag; of two of one hierarchy the graver counts alone."""
    found = {"CBVD" if flag in CEREBROVASCULAR else flag for flag in found}
    graver = lists.map("elixhauser_hierarchy")
    return frozenset(flag for flag in found if not graver.get(flag, set()) & found)


def codes_of_claims(person: Person, first: date, last: date) -> set[str]:
    """ICD-10 diagnoses on claims for care that took place from `first` to `last`; equipment suppliers' claims excepted."""
    return {
        plain(row.code)
        for claim in person.occurred
        if claim.claim_type != "dme" and claim.from_date and first <= claim.from_date <= last
        for row in claim.diagnoses
        if row.icd_version == 10
    }


def is_short(in_view: set[date], start: date) -> bool:
    """Fewer than 9 of the 12 months before `start` are in view."""
    return len(in_view & {months_later(start, -back) for back in range(1, 13)}) < 9


def prior_year(person: Person, start: date, lists: Lists) -> frozenset[str]:
    """The factors of the 12 months before `start`."""
    codes = codes_of_claims(person, months_later(start, -12), start - DAY)
    found = {flag for code in codes for flag in lists.map("elixhauser").get(code, ())}
    return frozenset(f"comorbidity:{flag}" for flag in counted(found, lists))
