"""The day counts of 42 CFR 401.717: 60 days to review a report, 65 days of notice of a non-public analysis.

Pure date arithmetic. The day of sending or notice is day 0 and is not counted; weekends and holidays never shift a day.
Conservative waits for N full days, literal for a difference of N (contracts.md section 6); both are named choices.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from qe.errors import Reason, Refused
from qe.regulation import CITATION, NOTICE_DAYS, OPT_IN_FULL_DAYS, REVIEW_DAYS

DayCount = Literal["conservative", "literal"]

UNKNOWN_ZONE: Final = "Pacific/Honolulu"  # the last of the fifty states in which a day ends


def full_days_to_wait(day_count: DayCount) -> int:
    """Days added to a waiting period so that its last day is over before the act."""
    return {"conservative": 1, "literal": 0}[day_count]


def start_of_day(day: date, zone: str) -> datetime:
    """The instant at which `day` begins in `zone`, in UTC (also where clocks are put forward at midnight)."""
    return datetime.combine(day, time.min, tzinfo=ZoneInfo(zone)).astimezone(UTC)


@dataclass(frozen=True, kw_only=True)
class Clock:
    """The instant of an act, the entity's zone, and how days are counted."""

    at: datetime
    zone: str
    day_count: DayCount = "conservative"

    def has_begun(self, day: date, zone: str) -> bool:
        """Whether `day` has begun both for the entity and in the recipient's `zone`."""
        return self.at >= max(start_of_day(day, zone), start_of_day(day, self.zone))


@dataclass(frozen=True, kw_only=True)
class ReviewPeriod:
    """The 60 days of one provider or supplier, from the day its confidential report was sent.

    zone  the recipient's time zone, in which its last request day ends

    Source: 401.717(a), (b), (d); day tables in rules.md section 1G.
    """

    sent_on: date
    zone: str = UNKNOWN_ZONE
    day_count: DayCount = "conservative"

    @property
    def last_request_day(self) -> date:
        """The last day on which a request counts, the whole of it: day 60."""
        return self.sent_on + timedelta(days=REVIEW_DAYS)

    @property
    def closes_at(self) -> datetime:
        """The instant at which the last request day ends where the recipient is (UTC)."""
        return start_of_day(self.last_request_day + timedelta(days=1), self.zone)

    @property
    def public_from(self) -> date:
        """The first day on which the results may be public: day 61, or day 60 counted literally."""
        return self.sent_on + timedelta(days=REVIEW_DAYS + full_days_to_wait(self.day_count))

    def public_at(self, entity_zone: str) -> datetime:
        """The instant from which they may be public (UTC): the day has begun for the entity and the recipient."""
        return max(start_of_day(self.public_from, self.zone), start_of_day(self.public_from, entity_zone))

    def accepts_request(self, at: datetime) -> bool:
        """Whether a request received at this instant is within the 60 days."""
        return at < self.closes_at

    def require_over(self, *, on: date) -> None:
        """Refuse publication on a day before `public_from`."""
        if on < self.public_from:
            first = self.public_from.isoformat()
            said = f"the report was sent on {self.sent_on} and may become public on {first}, not on {on}"
            reason = Reason(rule="G10", citation=CITATION["review"], verdict="fail", fact=said, earliest=first)
            raise Refused(f"{said} (42 CFR 401.717(a), (b))", reasons=(reason,))


@dataclass(frozen=True, kw_only=True)
class NoticePeriod:
    """The 65 days before a non-public analysis that names a provider or supplier goes to its authorized user.

    release_on  the release date told in the notice; None: the earliest that the notice alone allows

    Source: 401.717(f); rules.md sections 0.1 and 1G.
    """

    notified_on: date
    release_on: date | None = None
    day_count: DayCount = "conservative"

    @property
    def earliest_release(self) -> date:
        """The first day by the notice alone: N + 66, or N + 65 counted literally."""
        return self.notified_on + timedelta(days=NOTICE_DAYS + full_days_to_wait(self.day_count))

    @property
    def last_opt_in_day(self) -> date:
        """The last day of the right to opt in: day 65."""
        return self.notified_on + timedelta(days=NOTICE_DAYS)

    def earliest_release_after(self, *, sends: Sequence[tuple[date, date | None]]) -> date | None:
        """The first day, given who opted in and when each was sent its own extract: (opted_in_on, sent_on).

        None while an extract is unsent (sent_on None): no day can be named, and release is refused.
        An opt-in by day 5 has 60 days from its own send; a later one has what is left once its send is out.
        """
        wait = full_days_to_wait(self.day_count)
        earliest = self.earliest_release
        for opted_in_on, sent_on in sends:
            self._require_in_order(opted_in_on, sent_on)
            if sent_on is None:
                return None
            has_full_days = (opted_in_on - self.notified_on).days <= OPT_IN_FULL_DAYS
            earliest = max(earliest, sent_on + timedelta(days=(REVIEW_DAYS if has_full_days else 0) + wait))
        return earliest

    def review_days(self, *, opted_in_on: date, sent_on: date | None = None) -> int:
        """Days to ask for data or corrections after opting in, 0 to 60.

        By day 5 it is 60; later it is min(60, release day - opt-in day); after day 65 the right has lapsed: 0.
        """
        self._require_in_order(opted_in_on, sent_on)
        release_on = self.release_on or self.earliest_release
        if opted_in_on > release_on:
            raise Refused(
                f"the analysis was released on {release_on}; an opt-in on {opted_in_on} comes too late "
                "(42 CFR 401.717(f)(2))"
            )
        if opted_in_on > self.last_opt_in_day:
            return 0
        if (opted_in_on - self.notified_on).days <= OPT_IN_FULL_DAYS:
            return REVIEW_DAYS
        return min(REVIEW_DAYS, (release_on - opted_in_on).days)

    def last_request_day(self, opted_in_on: date, *, sent_on: date) -> date:
        """The last day on which a request of who opted in counts, its own part handed over on `sent_on`.

        By day 5 it is day 60 of its own send; later day 60 of the opt-in, or the day before the release, whichever is first.
        After day 65 no day counts.
        """
        self._require_in_order(opted_in_on, sent_on)
        if opted_in_on > self.last_opt_in_day:
            return self.last_opt_in_day
        if (opted_in_on - self.notified_on).days <= OPT_IN_FULL_DAYS:
            return sent_on + timedelta(days=REVIEW_DAYS)
        release_on = self.release_on or self.earliest_release
        return min(opted_in_on + timedelta(days=REVIEW_DAYS), release_on - timedelta(days=1))

    def _require_in_order(self, opted_in_on: date, sent_on: date | None) -> None:
        if opted_in_on < self.notified_on or (sent_on is not None and sent_on < opted_in_on):
            raise ValueError("an opt-in comes after its notice, and its send after the opt-in")
