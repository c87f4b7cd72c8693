"""The record of a correction: which unit it is about, and line by line what claims processing got wrong.

A correction is never a second opinion from the chart: a measure has its data source, and the record says what went wrong on
the way from that source to the figure. Source: rules.md, section 0.4; 42 CFR 401.715(a)(2), 401.717(c).
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from hashlib import sha256
from typing import Final, Literal

from qe.runs import canonical_json

ALL_MEASURES: Final = "all"


class CorrectionKind(StrEnum):
    """What claims processing got wrong.

    not_our_patient          an event, or a person's events, are not this unit's
    wrong_clinician_or_site  they are not this unit's but, where `belongs_to` says so, another one's
    missed_exclusion         a rule of the measure leaves the event out, and claims show it
    provider_details         a fact of the roster about the unit is wrong: its name, or what its peer group follows from
    """

    NOT_OUR_PATIENT = "not_our_patient"
    WRONG_CLINICIAN_OR_SITE = "wrong_clinician_or_site"
    MISSED_EXCLUSION = "missed_exclusion"
    PROVIDER_DETAILS = "provider_details"


ATTRIBUTION: Final = (CorrectionKind.NOT_OUR_PATIENT, CorrectionKind.WRONG_CLINICIAN_OR_SITE)
Evidence = Literal["claims", "roster"]
DETAILS: Final = ("name", "specialty", "zip5", "county_fips")  # columns of the table of units


@dataclass(frozen=True, kw_only=True)
class CorrectionLine:
    """One line of a record; "" where its kind has no such fact.

    line        of the file that the analyst wrote
    measure_id  a measure, or "all"
    person_id, event_id   surrogate ids; an attribution names one of them
    belongs_to  the unit whose the events are; "" where nobody's of this report
    claim_ids   claims that show the exclusion, and fills ("fill:" before the id)
    detail, value   a fact of the roster
    from_date, to_date  the days on which a roster fact holds, to_date None while it does; of an event as it is recorded, the days
                of its measure in the run that was sent: over other days it is another event, also of the same person
    """

    line: int
    kind: CorrectionKind
    evidence: Evidence
    measure_id: str = ""
    person_id: str = ""
    event_id: str = ""
    belongs_to: str = ""
    rule_id: str = ""
    claim_ids: tuple[str, ...] = ()
    detail: str = ""
    value: str = ""
    from_date: date | None = None
    to_date: date | None = None

    def is_of(self, measure_ids: Iterable[str]) -> bool:
        """Whether it may touch an event of one of these measures."""
        return self.measure_id == ALL_MEASURES or self.measure_id in measure_ids

    def holds_within(self, start: date, end: date) -> bool:
        """Whether it holds on any of these days, both inclusive; open ends hold for ever."""
        return (self.from_date is None or self.from_date <= end) and (self.to_date is None or start <= self.to_date)


@dataclass(frozen=True, kw_only=True)
class Correction:
    """What one request got corrected. The same lines for the same request and run are the same correction.

    asked_sha256  of the lines as the analyst wrote them; `lines` of a recorded one are bound to events
    """

    request_id: str
    cycle: str
    run_id: str
    unit_id: str
    asked_sha256: str
    lines: tuple[CorrectionLine, ...]

    @property
    def record_sha256(self) -> str:
        """sha256 over canonical JSON of the whole record."""
        return _sha256(asdict(self))

    @property
    def correction_id(self) -> str:
        return self.record_sha256[:16]

    @property
    def kinds(self) -> list[str]:
        return sorted({line.kind.value for line in self.lines})


def lines_sha256(lines: Sequence[CorrectionLine]) -> str:
    """sha256 over canonical JSON of lines as they were read."""
    return _sha256([asdict(line) for line in lines])


def _sha256(content: object) -> str:
    return sha256(canonical_json(content).encode("utf-8")).hexdigest()
