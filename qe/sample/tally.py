"""What one block holds, each service and month once, whoever reports it: for truth/totals.json."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from qe.sample.adjudicate import Bills, refused
from qe.sample.claims import HOSPICE, INPATIENT, OUTPATIENT, SNF_STAY
from qe.sample.late_charges import LATE
from qe.sample.people import SEGMENTS, Persons


@dataclass(frozen=True, kw_only=True)
class Tally:
    """services: distinct services by kind; person_months: by who pays first."""

    services: Counter[str]
    person_months: Counter[str]

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(services=self.services + other.services, person_months=self.person_months + other.person_months)


KINDS = {INPATIENT: "inpatient", SNF_STAY: "snf", OUTPATIENT: "outpatient", HOSPICE: "hospice"}


def distinct_services(professional: Mapping[str, Bills], institutional: Mapping[str, Bills]) -> Counter[str]:
    """Claims by kind that somebody's files hold and did not deny, neither as a whole nor line by line.

    A second payer's copy, a later version and a late charge are no service of their own; nor is a claim that Medicare
    shows for information only, where its plan submits it too.
    """
    found: Counter[str] = Counter()
    for bills, is_professional in ((professional, True), (institutional, False)):
        numbers, kinds, occurred = [], [], []
        for own in bills.values():
            claims = own.claims
            numbers.append(claims["number"])
            kinds.append(-1 - claims["supplier"] if is_professional else claims["type"])
            is_late = np.zeros(len(claims["number"])) > 0 if is_professional else claims["frequency"] == LATE
            occurred.append(~refused(own) & ~is_late)
        every, kind, real = np.concatenate(numbers), np.concatenate(kinds), np.concatenate(occurred)
        _, place = np.unique(every[real], return_index=True)
        names = {-1: "professional", -2: "dme", **KINDS}
        for value, count in zip(*np.unique(kind[real][place], return_counts=True), strict=True):
            found[names[int(value)]] += int(count)
    return found


def person_months(persons: Persons) -> Counter[str]:
    """Months of coverage by who pays first."""
    months = np.bincount(persons.primary.reshape(-1), minlength=len(SEGMENTS))
    return Counter({name: int(count) for name, count in zip(SEGMENTS, months, strict=True) if name and count})
