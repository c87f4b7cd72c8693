"""Comorbidities by the AHRQ Elixhauser Comorbidity Software Refined, as the methods of the measures tell it."""

from collections.abc import Iterable
from datetime import date

from tests.oracles.model_rows import DAY, Lists, Person, hospital_months, months_later, plain


def flags(codes: Iterable[str], lists: Lists) -> frozenset[str]:
    """Flags of ICD-10 codes; of two of one hierarchy the graver counts alone."""
    found = {flag for code in codes for flag in lists.map("elixhauser").get(code, ())}
    return without_milder(found, lists)


def without_milder(found: set[str], lists: Lists) -> frozenset[str]:
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


def prior_year_factors(person: Person, start: date, lists: Lists) -> frozenset[str]:
    """The flags of the 12 months before `start`, or history:short where fewer than 9 of them are in view."""
    year = {months_later(start, -back) for back in range(1, 13)}
    if len(hospital_months(person) & year) < 9:
        return frozenset({"history:short"})
    codes = codes_of_claims(person, months_later(start, -12), start - DAY)
    return frozenset(f"comorbidity:{flag}" for flag in flags(codes, lists))
