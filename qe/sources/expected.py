"""Which files should be there for a reporting period: late is not less (42 CFR 401.711(c); claims_data.md, correction 7).

A source delivers again what it has delivered before, through the period's end, until the period's run-out is over; then a
file is late until its grace date (`grace_days`), and missing from then on. A source that has ended owes nothing more.
Nothing here compares volumes: that a file holds fewer claims is told only of matched periods, by the quality checks.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from qe.errors import Fault
from qe.periods import ReportingPeriod
from qe.site import SourceTable
from qe.sources.manifest import StagedFile

State = Literal["here", "expected", "late", "missing"]


@dataclass(frozen=True, kw_only=True)
class ExpectedFile:
    """One type of file that a source owes for a reporting period.

    reaches      the last day that its delivered files reach
    due_on       the end of the period's run-out
    grace_until  the last day on which it is late and not yet missing
    """

    source_id: str
    layout: str
    period: str
    reaches: date | None
    due_on: date
    grace_until: date
    state: State

    @property
    def sentence(self) -> str:
        said = {
            "here": "is here",
            "expected": f"is expected by {self.due_on}",
            "late": f"is late: it was due on {self.due_on} and has until {self.grace_until}",
            "missing": f"is missing: it was due on {self.due_on}, and its grace ended on {self.grace_until}",
        }[self.state]
        return f"{self.source_id}: {self.layout} for {self.period} {said}"


def expected_files(
    staged: Sequence[StagedFile],
    *,
    sources: Mapping[str, SourceTable],
    periods: Iterable[ReportingPeriod],
    on: date,
) -> list[ExpectedFile]:
    """What each source owes, sorted by source, type and period; seen on the day `on`."""
    reached = _reached(staged)
    found = []
    for period in periods:
        for (source_id, layout), reaches in reached.items():
            source = sources[source_id]
            if source.start is None or source.end is None or not source.start <= period.end <= source.end:
                continue
            grace_until = period.run_out_end + timedelta(days=source.grace_days)
            found.append(
                ExpectedFile(
                    source_id=source_id,
                    layout=layout,
                    period=period.label,
                    reaches=reaches,
                    due_on=period.run_out_end,
                    grace_until=grace_until,
                    state=_state(reaches, period, grace_until, on),
                )
            )
    return sorted(found, key=lambda one: (one.source_id, one.layout, one.due_on, one.period))


def _state(reaches: date | None, period: ReportingPeriod, grace_until: date, on: date) -> State:
    if reaches is not None and reaches >= period.end.replace(day=1):
        return "here"
    if on <= period.run_out_end:
        return "expected"
    return "late" if on <= grace_until else "missing"


def _reached(staged: Sequence[StagedFile]) -> dict[tuple[str, str], date | None]:
    """(source, type) -> the last day that its files reach: by their own word, else as far as anything of their delivery.

    A small type (hospice) may have no row in the last month of a whole delivery.
    """
    standing = [one for one in staged if one.replaced_by is None and one.has_period]
    of_delivery: dict[tuple[str, str, date | None], list[date]] = defaultdict(list)
    for one in standing:
        if one.reaches is not None:
            of_delivery[one.file.source_id, one.file.delivery, one.file.received_on].append(one.reaches)
    reached: dict[tuple[str, str], list[date]] = defaultdict(list)
    for one in standing:
        days = reached[one.file.source_id, one.file.layout]
        if one.file.period is not None:
            days.append(one.file.period[1])
        else:
            days += of_delivery[one.file.source_id, one.file.delivery, one.file.received_on]
    return {key: max(days, default=None) for key, days in sorted(reached.items())}


def missing_faults(expected: Iterable[ExpectedFile]) -> list[Fault]:
    """One fault for each file whose grace date is over; a late one is none."""
    return [
        Fault(
            code="missing-file",
            message=one.sentence,
            file=one.source_id,
            place=one.layout,
            remedy="Ask for it. If the source has ended, set its `end`; to wait longer, raise its `grace_days`.",
        )
        for one in expected
        if one.state == "missing"
    ]
