"""Requests of those who opted in to the review of a non-public analysis: its own days and measures, the same course."""

from datetime import date, timedelta
from typing import Any

import pytest

from qe.errors import InputError, Refused
from qe.release import answers, intake
from qe.release.analyses.disclosure import plan_release
from qe.release.artefact import Artefact, ArtefactKind, recipient_of
from qe.release.publicity import asked_in_time
from qe.release.reports_on_disk import units_of
from qe.release.requests import request_of, requests
from qe.release.review import NoticePeriod
from qe.runs import run_of
from tests.release.conftest import Office
from tests.release.desk import ANALYSIS, NOTICED_ON, RELEASE_ON, A, B, C, Desk

REQUEST = f"{ANALYSIS}-{B}-1"
DAY_5 = date(2026, 3, 7)
DAY_20 = date(2026, 3, 22)


@pytest.fixture
def desk(office: Office) -> Desk:
    """Three were noticed on 2 March; nobody opted in yet."""
    desk = Desk(office).open()
    desk.ready()
    desk.notify()
    desk.confirm()
    return desk


def opted_in(desk: Desk, *, on: date, sent_on: date) -> None:
    desk.opt_in(B, on=on)
    desk.send(sent_on)
    desk.confirm(B, on=sent_on, what="extract")


def ask(desk: Desk, received: date, *, today: date | None = None, unit_id: str = B, **changed: Any) -> intake.Logged:
    asked = intake.Asked(
        **{"cycle": ANALYSIS, "unit_id": unit_id, "kind": "correction", "category": "calculation", "received": received, **changed}
    )  # fmt: skip
    office = desk.office
    return intake.receive(
        office.site, office.ledger, asked, today=today or received, at=office.at(), actor="analyst", dry_run=False
    )


@pytest.mark.parametrize(
    ("opted_in_on", "sent_on", "release_on", "last_day"),
    [
        (DAY_5, date(2026, 3, 9), RELEASE_ON, date(2026, 5, 8)),  # 9 March + 60: the release waits for it
        (date(2026, 3, 8), date(2026, 3, 9), RELEASE_ON, date(2026, 5, 6)),  # day 6: through the day before the release
        (DAY_20, date(2026, 3, 24), RELEASE_ON, date(2026, 5, 6)),
        (DAY_20, date(2026, 3, 24), date(2026, 7, 1), date(2026, 5, 21)),  # never more than 60 days: 22 March + 60
        (date(2026, 5, 6), date(2026, 5, 6), date(2026, 7, 1), date(2026, 6, 30)),  # day 65; 6 May + 60 = 5 July
        (date(2026, 5, 7), date(2026, 5, 7), date(2026, 7, 1), date(2026, 5, 6)),  # day 66: the right has lapsed
    ],
)
def test_the_last_day_to_ask_by_the_day_of_the_opt_in(
    opted_in_on: date, sent_on: date, release_on: date, last_day: date
) -> None:
    period = NoticePeriod(notified_on=NOTICED_ON, release_on=release_on)
    assert period.last_request_day(opted_in_on, sent_on=sent_on) == last_day


def test_a_request_counts_by_the_days_of_the_analysis_and_is_told_apart(desk: Desk) -> None:
    opted_in(desk, on=DAY_5, sent_on=date(2026, 3, 9))
    first = ask(desk, date(2026, 5, 8), measures=("pdc_statins",))
    assert (first.request_id, first.last_request_day, first.is_late) == (REQUEST, date(2026, 5, 8), False)
    late = ask(desk, date(2026, 5, 9))
    assert (late.request_id, late.is_late) == (f"{ANALYSIS}-{B}-2", True)
    assert [event.text("about") for event in desk.office.events("request_received")] == ["analysis", "analysis"]
    assert [one.about for one in requests(desk.facts(date(2026, 5, 9)))] == ["analysis", "analysis"]


def test_who_has_not_opted_in_or_has_not_its_own_part_cannot_ask(desk: Desk) -> None:
    with pytest.raises(InputError, match="has not opted in"):
        ask(desk, DAY_20, unit_id=A)
    desk.opt_in(B, on=DAY_5)
    with pytest.raises(InputError, match="not handed over"):
        ask(desk, DAY_20)
    desk.send(date(2026, 3, 9))
    desk.confirm(B, on=date(2026, 3, 9), what="extract")
    with pytest.raises(Refused, match="before its own part of the analysis was handed over on 2026-03-09"):
        ask(desk, date(2026, 3, 8), today=DAY_20)
    with pytest.raises(InputError, match="no result of hwr"):  # it is C's
        ask(desk, DAY_20, measures=("hwr",))
    with pytest.raises(InputError, match="is not identified"):
        ask(desk, DAY_20, unit_id="U000009")
    assert desk.office.events("request_received") == []


def test_the_course_from_acknowledged_to_closed_takes_it_off_what_the_user_is_told(desk: Desk) -> None:
    opted_in(desk, on=DAY_20, sent_on=DAY_20)
    on = date(2026, 3, 25)
    ask(desk, on)
    office, contacts = desk.office, desk.contacts(on)
    planned = answers.plan_acknowledgement(office.site, office.ledger, REQUEST, contacts=contacts, on=on)
    answers.carry_out(office.site, office.ledger, planned, at=office.at(), actor="analyst")
    assert planned.letter is not None
    said = " ".join(planned.letter.files["letter.txt"].decode().split())
    assert "The analysis goes to its authorized user" in said
    assert "posted beside the results" not in said
    response = answers.plan_response(
        office.site, office.ledger, REQUEST, answer="upheld", why="A fill was counted twice.", changes=(),
        contacts=contacts, on=on,
    )  # fmt: skip
    answers.carry_out(office.site, office.ledger, response, at=office.at(), actor="analyst")
    assert response.letter is not None
    assert "your part of the analysis" in " ".join(response.letter.files["letter.txt"].decode().split())
    assert plan_release(desk.matter(RELEASE_ON)).outgoing.artefact.posting == frozenset({(B, "calculation")})
    closing = answers.resolution(desk.facts(on), REQUEST, outcome="upheld")
    assert closing is not None
    office.ledger.append([closing], at=office.at(), actor="analyst")
    assert request_of(desk.facts(on), REQUEST).state == "resolved"
    assert plan_release(desk.matter(RELEASE_ON)).outgoing.artefact.posting == frozenset()


@pytest.mark.parametrize(
    ("unit_id", "received", "verdict"),
    [(B, date(2026, 5, 8), "pass"), (B, date(2026, 5, 9), "fail"), (C, date(2026, 5, 8), "fail")],
)
def test_data_go_only_to_who_asked_within_the_days_of_its_opt_in(
    desk: Desk, unit_id: str, received: date, verdict: str
) -> None:
    opted_in(desk, on=DAY_5, sent_on=date(2026, 3, 9))
    ask(desk, received, kind="claims_data", category="data", measures=("pdc_statins",))
    unit = units_of(run_of(desk.office.site, "a" * 16))[unit_id]
    artefact = Artefact(
        kind=ArtefactKind.PROVIDER_DATA_EXTRACT, sha256="0" * 64, operator="", lineage=None,
        cycle=ANALYSIS, analysis_id=ANALYSIS, request_id=REQUEST,
    )  # fmt: skip
    facts = desk.facts(received + timedelta(days=1))
    assert asked_in_time(facts, artefact, recipient_of(unit), day_count="conservative").verdict == verdict


def extract(desk: Desk, *, of: str = B, request_id: str = REQUEST) -> tuple[Artefact, Any]:
    """An extract that answers the request, and the unit that would receive it."""
    artefact = Artefact(
        kind=ArtefactKind.PROVIDER_DATA_EXTRACT, sha256="0" * 64, operator="", lineage=None,
        cycle=ANALYSIS, analysis_id=ANALYSIS, request_id=request_id,
    )  # fmt: skip
    return artefact, recipient_of(units_of(run_of(desk.office.site, "a" * 16))[of])


def test_the_gate_says_of_data_about_an_analysis_who_asked_and_when(desk: Desk) -> None:
    opted_in(desk, on=DAY_5, sent_on=date(2026, 3, 9))
    nothing = "no open request of the recipient for these data is recorded"
    facts = desk.facts(date(2026, 3, 20))
    assert asked_in_time(facts, *extract(desk), day_count="conservative").fact == nothing
    ask(desk, date(2026, 3, 20), kind="claims_data", category="data", measures=("pdc_statins",))
    facts = desk.facts(date(2026, 3, 20))
    said = asked_in_time(facts, *extract(desk), day_count="conservative")
    assert (said.verdict, said.fact) == ("pass", "asked on 2026-03-20, within the days that its opt-in gave it")
    assert asked_in_time(facts, *extract(desk, of=C), day_count="conservative").fact == nothing
    assert asked_in_time(facts, *extract(desk, request_id="r-9"), day_count="conservative").fact == nothing
    ask(desk, date(2026, 5, 10), kind="claims_data", category="data", measures=("pdc_statins",), channel="fax")
    late = asked_in_time(
        desk.facts(date(2026, 5, 11)), *extract(desk, request_id=f"{ANALYSIS}-{B}-2"), day_count="conservative"
    )
    assert (late.verdict, late.fact) == ("fail", "asked on 2026-05-10, after the last day 2026-05-08")


def test_no_data_go_out_where_the_opt_in_was_taken_back(desk: Desk) -> None:
    opted_in(desk, on=DAY_5, sent_on=date(2026, 3, 9))
    ask(desk, date(2026, 3, 20), kind="claims_data", category="data", measures=("pdc_statins",))
    (opted,) = desk.office.events("optin_received")
    desk.office.retract(opted)
    unit = units_of(run_of(desk.office.site, "a" * 16))[B]
    artefact = Artefact(
        kind=ArtefactKind.PROVIDER_DATA_EXTRACT, sha256="0" * 64, operator="", lineage=None,
        cycle=ANALYSIS, analysis_id=ANALYSIS, request_id=REQUEST,
    )  # fmt: skip
    asked = asked_in_time(desk.facts(date(2026, 3, 21)), artefact, recipient_of(unit), day_count="conservative")
    assert asked.verdict == "fail"
    assert asked.fact == "the recipient has not opted in to the analysis, or was not sent its own part of it"


def test_a_later_extract_of_corrected_results_starts_the_days_of_an_early_opt_in_again(desk: Desk) -> None:
    opted_in(desk, on=DAY_5, sent_on=date(2026, 3, 9))
    desk.ready(pdc_of_b=60)
    desk.send(date(2026, 4, 1))
    desk.confirm(B, on=date(2026, 4, 1), what="extract")
    assert ask(desk, date(2026, 5, 30)).last_request_day == date(2026, 5, 31)  # 1 April + 60
