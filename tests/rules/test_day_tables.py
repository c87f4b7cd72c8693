"""The day tables of 42 CFR 401.717 at the gate: twelve zones, both ways of counting, leap years, the end of a year.

Hours are worked by hand from each zone's distance from UTC: on 2 May it is summer time but in Phoenix and on the islands, on
1 January and 2 March it is not (in 2024 clocks changed on 10 March).
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import pytest

from qe.release.artefact import NOBODY, PUBLIC, Artefact, ArtefactKind, Recipient, RecipientKind
from qe.release.gate import may_disclose
from qe.release.lineage import lineage_of
from qe.release.review import DayCount, NoticePeriod
from tests.rules.story import SHOWN, Story

HOURS: Final = {  # zone -> hour of UTC at which a day begins: in summer, in winter
    "America/New_York": (4, 5),
    "America/Detroit": (4, 5),
    "America/Chicago": (5, 6),
    "America/Denver": (6, 7),
    "America/Phoenix": (7, 7),
    "America/Los_Angeles": (7, 8),
    "America/Anchorage": (8, 9),
    "America/Adak": (9, 10),
    "America/Puerto_Rico": (4, 4),
    "Pacific/Honolulu": (10, 10),
    "Pacific/Pago_Pago": (11, 11),
    "Pacific/Guam": (-10, -10),
}
SENDS: Final = [  # sent; day 60 and day 61 from rules.md 1G, 2028 and the end of February counted by hand; is it summer then?
    (date(2026, 3, 2), date(2026, 5, 1), date(2026, 5, 2), True),
    (date(2024, 1, 1), date(2024, 3, 1), date(2024, 3, 2), False),  # over 29 February 2024
    (date(2025, 11, 1), date(2025, 12, 31), date(2026, 1, 1), False),  # misses 2025
    (date(2026, 12, 15), date(2027, 2, 13), date(2027, 2, 14), False),
    (date(2027, 12, 31), date(2028, 2, 29), date(2028, 3, 1), False),  # day 60 is 29 February 2028
]
ENTITY: Final = "America/New_York"


def sent(on: date, zone: str, day_count: DayCount) -> Story:
    """One report to one hospital, handed over on the day it prints."""
    story = Story()
    public_from = on + timedelta(days=61 if day_count == "conservative" else 60)
    event = story.tell(
        "report_sent", on, actor="analyst", cycle="2025Q4-1", run_id="run1", unit_id="U000001", level="facility",
        report_id="2025Q4-1-U000001", channel="mail", pdf_sha256="1" * 64, csv_sha256="2" * 64, result_sha256=SHOWN,
        sent_on=on.isoformat(), last_request_day=(on + timedelta(days=60)).isoformat(),
        public_from=public_from.isoformat(), zone=zone, day_count=day_count,
    )  # fmt: skip
    story.tell(
        "send_confirmed", on, cycle="2025Q4-1", run_id="run1", unit_id="U000001", sent=event.event_id,
        handed_over_on=on.isoformat(),
    )  # fmt: skip
    return story


def passes_review(story: Story, on: date, at: datetime, day_count: DayCount) -> bool:
    run = story.tell(
        "run_completed", date(2020, 1, 1), run_id="run1", period="2025Q4", manifest_sha256="4" * 64,
        results_sha256="5" * 64, sources=[], measures=[],
    )  # fmt: skip
    artefact = Artefact(
        kind=ArtefactKind.PUBLIC_REPORT, sha256="c" * 64, operator="Example Quality", lineage=lineage_of(run),
        cycle="2025Q4-1", units={"U000001": SHOWN}, posting=frozenset(), persons=NOBODY,
    )  # fmt: skip
    decision = may_disclose(
        artefact, PUBLIC, on=on, ledger=story.facts(on), at=at, entity_zone=ENTITY, day_count=day_count
    )
    return next(one.verdict for one in decision.reasons if one.rule == "G10") == "pass"


def begins(day: date, zone: str, *, summer: bool) -> datetime:
    """The instant at which `day` has begun both in New York and in `zone`."""
    hour = max(HOURS[zone][0 if summer else 1], HOURS[ENTITY][0 if summer else 1])
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hour)


@pytest.mark.parametrize("zone", sorted(HOURS))
@pytest.mark.parametrize(("sent_on", "day_60", "day_61", "summer"), SENDS)
def test_the_sixty_days_end_at_the_recipients_midnight(
    zone: str, sent_on: date, day_60: date, day_61: date, summer: bool
) -> None:
    for day_count, first_day in (("conservative", day_61), ("literal", day_60)):
        opens = begins(first_day, zone, summer=summer)
        second_before = opens - timedelta(seconds=1)
        story = sent(sent_on, zone, day_count)  # type: ignore[arg-type]
        assert passes_review(story, first_day, opens, day_count)  # type: ignore[arg-type]
        assert not passes_review(story, first_day, second_before, day_count)  # type: ignore[arg-type]
        assert not passes_review(story, first_day - timedelta(days=1), second_before, day_count)  # type: ignore[arg-type]


N: Final = date(2026, 3, 2)
OPT_INS: Final = [  # day of opt-in, of the extract's hand-over, first day of release: conservative, literal (rules.md 0.1, 1G)
    (None, None, 66, 65),
    (0, 0, 66, 65),
    (0, 5, 66, 65),
    (0, 6, 67, 66),
    (5, 5, 66, 65),
    (5, 7, 68, 67),
    (5, 40, 101, 100),
    (6, 6, 66, 65),
    (6, 40, 66, 65),
    (6, 66, 67, 66),
    (40, 41, 66, 65),
    (64, 64, 66, 65),
    (65, 65, 66, 65),
    (65, 70, 71, 70),
    (40, None, None, None),
    (5, None, None, None),
]


@pytest.mark.parametrize(("opt_in", "extract", "conservative", "literal"), OPT_INS)
def test_an_analysis_waits_for_its_notice_and_for_the_extracts_of_those_who_opted_in(
    opt_in: int | None, extract: int | None, conservative: int | None, literal: int | None
) -> None:
    def day(number: int | None) -> date | None:
        return None if number is None else N + timedelta(days=number)

    opted_in_on = day(opt_in)
    sends = [] if opted_in_on is None else [(opted_in_on, day(extract))]
    for day_count, number in (("conservative", conservative), ("literal", literal)):
        notice = NoticePeriod(notified_on=N, day_count=day_count)  # type: ignore[arg-type]
        assert notice.earliest_release_after(sends=sends) == day(number)


@pytest.mark.parametrize(("opt_in", "extract", "conservative", "literal"), OPT_INS)
def test_the_gate_refuses_the_day_before_and_names_the_first(
    opt_in: int | None, extract: int | None, conservative: int | None, literal: int | None
) -> None:
    for day_count, number in (("conservative", conservative), ("literal", literal)):
        first = N + timedelta(days=number or 200)
        story = noticed(opt_in, extract)
        on_the_day = naming(story, first, day_count)
        assert on_the_day.verdict == ("pass" if number is not None else "fail")
        assert on_the_day.earliest is None
        if number is not None:
            day_before = naming(story, first - timedelta(days=1), day_count)
            is_unsent = opt_in is not None and opt_in < number and (extract or 0) >= number
            assert day_before.verdict == "fail"
            assert day_before.earliest == (None if is_unsent else first.isoformat())


def noticed(opt_in: int | None, extract: int | None) -> Story:
    """B was noticed on N of an analysis that names it, with release told for N + 65."""
    story = Story()
    about = {"analysis_id": "a-1", "unit_id": "U000002"}
    notice = story.tell(
        "npa_notice_sent", N, **about, party_id="user-1", measures=["hwr"], channel="mail", letter_sha256="6" * 64,
        release_on=(N + timedelta(days=65)).isoformat(), zone=ENTITY,
    )  # fmt: skip
    story.tell("npa_confirmed", N, **about, sent=notice.event_id, handed_over_on=N.isoformat())
    if opt_in is not None:
        opted_in_on = N + timedelta(days=opt_in)
        story.tell("optin_received", opted_in_on, **about, opted_in_on=opted_in_on.isoformat())
    if extract is not None:
        on = N + timedelta(days=extract)
        sent_event = story.tell(
            "npa_extract_sent", on, **about, channel="mail", extract_sha256="6" * 64, result_sha256=SHOWN
        )
        story.tell("npa_confirmed", on, **about, sent=sent_event.event_id, handed_over_on=on.isoformat())
    return story


def naming(story: Story, on: date, day_count: str) -> Any:
    run = story.tell(
        "run_completed", date(2020, 1, 1), run_id="run1", period="2025Q4", manifest_sha256="4" * 64,
        results_sha256="5" * 64, sources=[], measures=["hwr@1.0.0@facility"],
    )  # fmt: skip
    artefact = Artefact(
        kind=ArtefactKind.NPA_DEID, sha256="c" * 64, operator="Example Quality", lineage=lineage_of(run),
        analysis_id="a-1", identified=frozenset({"U000002"}), units={"U000002": SHOWN},
    )  # fmt: skip
    decision = may_disclose(
        artefact, Recipient(kind=RecipientKind.EMPLOYER, party_id="user-1"), on=on, ledger=story.facts(on),
        entity_zone=ENTITY, day_count=day_count,  # type: ignore[arg-type]
    )  # fmt: skip
    return next(one for one in decision.reasons if one.rule == "G12")
