"""Where a request stands, what comes next and what closes it: a fold of the ledger, told without a desk."""

from datetime import date
from typing import Any, Final

import pytest

from qe.errors import InputError, Refused
from qe.release.answers import Outcome, resolution
from qe.release.requests import Request, most_urgent_first, request_of, requests, require_open
from tests.rules.story import Story

ON: Final = date(2026, 3, 20)
CYCLE: Final = "2025Q4-1"


def asked(
    story: Story,
    request_id: str,
    on: date = date(2026, 3, 9),
    *,
    cycle: str = CYCLE,
    kind: str = "correction",
    **told: Any,
) -> None:
    story.tell(
        "request_received", on, cycle=cycle, unit_id="U000002", request_id=request_id, kind=kind,
        category="calculation", received_on=on.isoformat(), **told,
    )  # fmt: skip


def acknowledged(story: Story, request_id: str, on: date = date(2026, 3, 10)) -> None:
    story.tell("request_acknowledged", on, request_id=request_id)


def answered(story: Story, request_id: str, on: date = date(2026, 3, 12)) -> None:
    story.tell("request_responded", on, request_id=request_id, answer="denied")


def closed(story: Story, request_id: str, on: date = date(2026, 3, 13), outcome: str = "denied") -> None:
    story.tell("request_resolved", on, request_id=request_id, outcome=outcome)


def fulfilled(story: Story, request_id: str, on: date = date(2026, 3, 12)) -> None:
    counts: dict[str, Any] = dict.fromkeys(
        ("events", "events_not_enclosed", "claims", "lines", "fills", "persons", "named"), 0
    )
    story.tell(
        "request_fulfilled", on, request_id=request_id, cycle=CYCLE, unit_id="U000002", run_id="run1",
        measures=["hwr"], channel="age", package_sha256="1" * 64, manifest_sha256="2" * 64, **counts,
    )  # fmt: skip


def one(story: Story, request_id: str, on: date = ON) -> Request:
    return request_of(story.facts(on), request_id)


def test_each_act_names_the_one_that_comes_next_and_days_are_left_until_the_answer() -> None:
    story = Story()
    asked(story, "r-1")
    found = []
    for act in (acknowledged, answered, closed):
        request = one(story, "r-1")
        found.append((request.state, request.next_act, request.days_left(ON, 10)))
        act(story, "r-1")
    assert found == [  # to be answered by 19 March: 9 March and ten days
        ("new", "qe request acknowledge r-1", -1),
        ("acknowledged", "qe request respond r-1", -1),
        ("responded", "qe request resolve r-1", None),
    ]
    request = one(story, "r-1")
    assert (request.state, request.next_verb, request.days_left(ON, 10)) == ("resolved", "", None)


@pytest.mark.parametrize("kind", ["claims_data", "beneficiary_names"])
def test_717_c_data_that_were_asked_for_are_released_after_the_acknowledgement(kind: str) -> None:
    story = Story()
    asked(story, "r-1", kind=kind)
    assert one(story, "r-1").next_verb == "acknowledge"
    acknowledged(story, "r-1")
    assert one(story, "r-1").next_verb == "release-data"
    fulfilled(story, "r-1")
    assert (one(story, "r-1").state, one(story, "r-1").next_verb) == ("responded", "resolve")


def test_what_was_done_about_one_request_says_nothing_of_another() -> None:
    story = Story()
    for request_id in ("r-1", "r-2", "r-3", "r-4", "r-5"):
        asked(story, request_id, measures=["hwr"]) if request_id == "r-1" else asked(story, request_id)
    acknowledged(story, "r-2")
    answered(story, "r-3")
    fulfilled(story, "r-4")
    closed(story, "r-5")
    facts = story.facts(ON)
    assert [request.state for request in requests(facts)] == [
        "new",
        "acknowledged",
        "responded",
        "responded",
        "resolved",
    ]
    assert [request.measures for request in requests(facts)][:2] == [("hwr",), ()]
    assert [len(request.responses) for request in requests(facts)] == [0, 0, 1, 0, 0]
    assert [request.fulfilled is not None for request in requests(facts)] == [False, False, False, True, False]


def test_the_first_acknowledgement_counts_and_every_answer_is_kept() -> None:
    story = Story()
    asked(story, "r-1")
    acknowledged(story, "r-1", date(2026, 3, 10))
    acknowledged(story, "r-1", date(2026, 3, 11))
    answered(story, "r-1", date(2026, 3, 12))
    answered(story, "r-1", date(2026, 3, 15))
    request = one(story, "r-1")
    assert request.acknowledged is not None
    assert request.acknowledged.effective_on == date(2026, 3, 10)
    assert [answer.effective_on.day for answer in request.responses] == [12, 15]


def test_requests_are_listed_by_cycle_in_the_order_in_which_they_were_recorded() -> None:
    story = Story()
    asked(story, "r-2")
    asked(story, "r-3", cycle="2026Q1-1")
    asked(story, "r-1")
    facts = story.facts(ON)
    assert [request.request_id for request in requests(facts)] == ["r-2", "r-3", "r-1"]
    assert [request.request_id for request in requests(facts, CYCLE)] == ["r-2", "r-1"]
    assert [request.request_id for request in requests(facts, "2026Q1-1")] == ["r-3"]


def test_the_most_urgent_comes_first_and_the_closed_come_last() -> None:
    story = Story()  # their ids run the other way
    for request_id in ("a-2", "a-1"):
        asked(story, request_id, date(2026, 3, 2))
        closed(story, request_id)
    for request_id in ("b-2", "b-1"):
        asked(story, request_id, date(2026, 3, 3))
        answered(story, request_id)
    asked(story, "c-1", date(2026, 3, 15))  # 5 days left on 20 March
    asked(story, "d-1", date(2026, 3, 11))  # one day left
    asked(story, "e-1", date(2026, 3, 10))  # the last day to answer
    asked(story, "f-2", date(2026, 3, 9))  # overdue
    asked(story, "f-1", date(2026, 3, 9))
    ordered = most_urgent_first(requests(story.facts(ON)), on=ON, respond_within_days=10)
    ids = [request.request_id for request in ordered]
    assert ids == ["f-1", "f-2", "e-1", "d-1", "c-1", "b-1", "b-2", "a-1", "a-2"]
    assert [request.days_left(ON, 10) for request in ordered] == [-1, -1, 0, 1, 5, None, None, None, None]


def test_a_request_that_is_not_known_is_named_with_where_they_are_listed() -> None:
    with pytest.raises(InputError) as refusal:
        one(Story(), "r-1", date(2026, 3, 8))
    assert str(refusal.value).startswith("no request r-1 was received by 2026-03-08")
    assert refusal.value.remedy == "`qe request list` names them."


def test_nothing_is_done_about_a_closed_request() -> None:
    story = Story()
    asked(story, "r-1")
    require_open(one(story, "r-1"), "it is not answered any more")
    closed(story, "r-1")
    with pytest.raises(Refused) as refusal:
        require_open(one(story, "r-1"), "it is not answered any more")
    said = "request r-1 was closed on 2026-03-13 (denied)"
    assert str(refusal.value).startswith(f"{said}: it is not answered any more")
    assert refusal.value.remedy == (
        "Log a further request: qe request add. A closing by mistake is taken back: qe record fact_retracted."
    )
    (reason,) = refusal.value.reasons
    assert (reason.rule, reason.citation, reason.verdict, reason.fact) == ("R8", "42 CFR 401.717(b)", "fail", said)


# ---------------------------------------------------------------- what closes a request


def told(request_kind: str, *acts: Any) -> Story:
    story = Story()
    asked(story, "r-1", kind=request_kind)
    for act in acts:
        act(story, "r-1")
    return story


@pytest.mark.parametrize(
    ("kind", "acts", "outcome"),
    [
        ("correction", (acknowledged, answered), "denied"),
        ("correction", (acknowledged, answered), "upheld"),
        ("correction", (acknowledged, answered), "partly"),
        ("correction", (), "withdrawn"),
        ("claims_data", (acknowledged, fulfilled), "fulfilled"),
        ("claims_data", (acknowledged, answered), "referred_to_payer"),
    ],
)
def test_a_request_is_closed_by_one_event(kind: str, acts: tuple[Any, ...], outcome: Outcome) -> None:
    event = resolution(told(kind, *acts).facts(ON), "r-1", outcome=outcome)
    assert event is not None
    assert (event.kind, event.effective_on, event.key) == ("request_resolved", ON, "request_resolved:r-1")
    assert event.payload == {"request_id": "r-1", "outcome": outcome}


def test_a_request_that_is_closed_so_already_is_not_closed_again_and_never_otherwise() -> None:
    facts = told("correction", acknowledged, answered, closed).facts(ON)
    assert resolution(facts, "r-1", outcome="denied") is None
    with pytest.raises(Refused, match=r"^request r-1 was closed on 2026-03-13 \(denied\): it is closed once"):
        resolution(facts, "r-1", outcome="withdrawn")


NO_DATA: Final = "no data were released for request r-1"
DATA: Final = "request r-1 asks for data: nothing is corrected by it"
UNANSWERED: Final = "request r-1 is not answered yet"
OF_ITS_OWN: Final = "Close it as fulfilled, denied or withdrawn; a correction is a request of its own."


@pytest.mark.parametrize(
    ("kind", "acts", "outcome", "said", "remedy"),
    [
        ("claims_data", (acknowledged, answered), "fulfilled", NO_DATA, "First: qe request release-data r-1."),
        ("claims_data", (acknowledged, answered), "upheld", DATA, OF_ITS_OWN),
        ("beneficiary_names", (acknowledged, answered), "partly", DATA, OF_ITS_OWN),
        ("correction", (acknowledged,), "denied", UNANSWERED, "First: qe request respond r-1."),
        ("correction", (), "upheld", UNANSWERED, "First: qe request acknowledge r-1."),
        ("claims_data", (acknowledged,), "denied", UNANSWERED, "First: qe request release-data r-1."),
    ],
)
def test_what_must_come_before_closing_is_said(
    kind: str, acts: tuple[Any, ...], outcome: Outcome, said: str, remedy: str
) -> None:
    with pytest.raises(Refused) as refusal:
        resolution(told(kind, *acts).facts(ON), "r-1", outcome=outcome)
    assert (str(refusal.value).splitlines()[0], refusal.value.remedy) == (said, remedy)
    (reason,) = refusal.value.reasons
    assert (reason.rule, reason.citation, reason.verdict, reason.fact) == ("R8", "42 CFR 401.717(b)", "fail", said)
