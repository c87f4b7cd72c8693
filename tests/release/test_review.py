"""Day counts of 42 CFR 401.717, against the worked tables of the regulation notes (both ways of counting)."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qe.errors import Refused
from qe.release.review import DayCount, NoticePeriod, ReviewPeriod

SENT = [  # sent, last request day, public from (conservative), public from (literal)
    (date(2026, 1, 1), date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 2)),
    (date(2026, 3, 2), date(2026, 5, 1), date(2026, 5, 2), date(2026, 5, 1)),  # a Saturday: no shift
    (date(2024, 1, 1), date(2024, 3, 1), date(2024, 3, 2), date(2024, 3, 1)),  # over 29 February
    (date(2025, 11, 1), date(2025, 12, 31), date(2026, 1, 1), date(2025, 12, 31)),  # misses 2025
    (date(2026, 12, 15), date(2027, 2, 13), date(2027, 2, 14), date(2027, 2, 13)),
]
N = date(2026, 3, 2)


@pytest.mark.parametrize(("sent_on", "last", "public", "literal"), SENT)
def test_the_worked_dates_of_the_60_days(sent_on: date, last: date, public: date, literal: date) -> None:
    conservative = ReviewPeriod(sent_on=sent_on)
    assert (conservative.last_request_day, conservative.public_from) == (last, public)
    loose = ReviewPeriod(sent_on=sent_on, day_count="literal")
    assert (loose.last_request_day, loose.public_from) == (last, literal)


def test_the_last_request_day_ends_at_midnight_where_the_recipient_is() -> None:
    # day 60 of 2 March 2026 is 1 May; Chicago is five hours behind UTC then, Honolulu ten.
    assert ReviewPeriod(sent_on=N, zone="America/Chicago").closes_at == datetime(2026, 5, 2, 5, tzinfo=UTC)
    assert ReviewPeriod(sent_on=N).closes_at == datetime(2026, 5, 2, 10, tzinfo=UTC)


def test_a_request_counts_up_to_the_last_second_in_honolulu() -> None:
    review = ReviewPeriod(sent_on=N)
    honolulu = ZoneInfo("Pacific/Honolulu")
    assert review.accepts_request(datetime(2026, 5, 1, 23, 59, 59, tzinfo=honolulu))
    assert not review.accepts_request(datetime(2026, 5, 2, 0, 0, 0, tzinfo=honolulu))


@pytest.mark.parametrize(
    ("zone", "sent_on", "closes_at"),
    [
        # clocks go forward in New York on 8 March 2026 (day 60 of 7 January): the next midnight is 4:00 UTC, not 5:00
        ("America/New_York", date(2026, 1, 7), datetime(2026, 3, 9, 4, tzinfo=UTC)),
        # and back on 1 November 2026 (day 60 of 2 September): that day has 25 hours
        ("America/New_York", date(2026, 9, 2), datetime(2026, 11, 2, 5, tzinfo=UTC)),
        # Arizona keeps standard time
        ("America/Phoenix", date(2026, 1, 7), datetime(2026, 3, 9, 7, tzinfo=UTC)),
        # in Santiago the clock jumps from midnight to one on 6 September 2026 (the day after day 60 of 7 July)
        ("America/Santiago", date(2026, 7, 7), datetime(2026, 9, 6, 4, tzinfo=UTC)),
        ("Pacific/Guam", date(2026, 3, 2), datetime(2026, 5, 1, 14, tzinfo=UTC)),
    ],
)
def test_nights_on_which_the_clock_changes(zone: str, sent_on: date, closes_at: datetime) -> None:
    assert ReviewPeriod(sent_on=sent_on, zone=zone).closes_at == closes_at


def test_the_public_day_must_have_begun_for_the_entity_and_for_the_recipient() -> None:
    # 2 May begins in Guam at 14:00 UTC of 1 May, in New York at 4:00 and in Honolulu at 10:00 UTC of 2 May.
    honolulu, guam = ReviewPeriod(sent_on=N), ReviewPeriod(sent_on=N, zone="Pacific/Guam")
    assert honolulu.public_at("America/New_York") == datetime(2026, 5, 2, 10, tzinfo=UTC)
    assert guam.public_at("America/New_York") == datetime(2026, 5, 2, 4, tzinfo=UTC)


def test_the_day_before_the_review_period_ends_is_refused_with_the_first_public_day() -> None:
    review = ReviewPeriod(sent_on=date(2026, 1, 5))
    with pytest.raises(Refused, match="2026-03-07") as refusal:
        review.require_over(on=date(2026, 3, 6))
    assert [reason.earliest for reason in refusal.value.reasons] == ["2026-03-07"]
    review.require_over(on=date(2026, 3, 7))


@pytest.mark.parametrize(("day_count", "earliest"), [("conservative", date(2026, 5, 7)), ("literal", date(2026, 5, 6))])
def test_the_worked_dates_of_the_65_days(day_count: DayCount, earliest: date) -> None:
    assert NoticePeriod(notified_on=N, day_count=day_count).earliest_release == earliest


@pytest.mark.parametrize(
    ("opt_in_day", "release_65", "release_66", "release_90"),
    [(0, 60, 60, 60), (5, 60, 60, 60), (6, 59, 60, 60), (40, 25, 26, 50), (64, 1, 2, 26), (65, 0, 1, 25)],
)
def test_the_worked_windows_after_opting_in(opt_in_day: int, release_65: int, release_66: int, release_90: int) -> None:
    opted_in_on = N + timedelta(days=opt_in_day)
    windows = [
        NoticePeriod(notified_on=N, release_on=N + timedelta(days=days)).review_days(opted_in_on=opted_in_on)
        for days in (65, 66, 90)
    ]
    assert windows == [release_65, release_66, release_90]


def test_opting_in_on_day_20_of_66_leaves_46_days_of_review() -> None:
    assert NoticePeriod(notified_on=N).review_days(opted_in_on=N + timedelta(days=20)) == 66 - 20


def test_opting_in_on_day_5_with_the_extract_sent_on_day_7_moves_the_release_to_day_68() -> None:
    notice = NoticePeriod(notified_on=N)
    sends = [(N + timedelta(days=5), N + timedelta(days=7))]
    assert notice.earliest_release_after(sends=sends) == N + timedelta(days=7 + 61)


def test_a_late_opt_in_moves_the_release_only_while_its_extract_is_unsent() -> None:
    notice = NoticePeriod(notified_on=N)
    opted_in_on = N + timedelta(days=20)
    assert notice.earliest_release_after(sends=[(opted_in_on, None)]) is None
    assert notice.earliest_release_after(sends=[(opted_in_on, N + timedelta(days=30))]) == N + timedelta(days=66)


def test_an_opt_in_after_day_65_has_no_window_and_one_after_release_is_refused() -> None:
    notice = NoticePeriod(notified_on=N, release_on=N + timedelta(days=90))
    assert notice.review_days(opted_in_on=N + timedelta(days=66)) == 0
    with pytest.raises(Refused, match="too late"):
        notice.review_days(opted_in_on=N + timedelta(days=91))


def test_an_opt_in_before_its_notice_is_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="after its notice"):
        NoticePeriod(notified_on=N).review_days(opted_in_on=N - timedelta(days=1))


US_ZONES = sorted(zone for zone in available_timezones() if zone.startswith(("America/", "Pacific/", "US/")))


@settings(max_examples=300, deadline=None)
@given(sent_on=st.dates(date(2012, 1, 1), date(2060, 1, 1)), zone=st.sampled_from(US_ZONES))
def test_sixty_whole_days_pass_between_sending_and_publication_in_every_zone(sent_on: date, zone: str) -> None:
    review = ReviewPeriod(sent_on=sent_on, zone=zone)
    assert (review.public_from - sent_on).days == 61
    before = (review.closes_at - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).date()
    after = review.closes_at.astimezone(ZoneInfo(zone)).date()
    assert before <= review.last_request_day < after
    assert review.public_at("America/New_York") >= review.closes_at


@settings(max_examples=200, deadline=None)
@given(
    notified_on=st.dates(date(2012, 1, 1), date(2060, 1, 1)),
    opt_in_day=st.integers(0, 65),
    send_delay=st.integers(0, 80),
)
def test_an_opt_in_never_brings_the_release_forward(notified_on: date, opt_in_day: int, send_delay: int) -> None:
    notice = NoticePeriod(notified_on=notified_on)
    opted_in_on = notified_on + timedelta(days=opt_in_day)
    release = notice.earliest_release_after(sends=[(opted_in_on, opted_in_on + timedelta(days=send_delay))])
    assert release is not None
    assert release >= notice.earliest_release
    assert 1 <= notice.review_days(opted_in_on=opted_in_on) <= 60


def test_an_extract_is_not_handed_over_before_the_opt_in_that_it_answers() -> None:
    notice = NoticePeriod(notified_on=date(2026, 3, 2))
    with pytest.raises(ValueError, match="its send after the opt-in"):
        notice.last_request_day(date(2026, 3, 10), sent_on=date(2026, 3, 9))
