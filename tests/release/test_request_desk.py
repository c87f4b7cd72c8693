"""Logging, verifying and answering at the desk: what is recorded, in which words, and what is refused before anything is."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, Final

import polars as pl
import pytest

from qe.errors import InputError, Refused
from qe.ledger.book import Ledger
from qe.ledger.event import LedgerEvent, NewEvent, event_id_of
from qe.release import answers, intake
from qe.reports.printed import Change
from tests.release.conftest import EVIDENCE, Office

CYCLE: Final = "2025Q4-1"
REQUEST: Final = "2025Q4-1-U000002-1"
ON: Final = date(2026, 3, 9)


@pytest.fixture
def sent(office: Office) -> Office:
    """Reports handed over on 2 March, in Chicago's zone."""
    office.run()
    office.send()
    office.confirm()
    return office


def ask(
    office: Office,
    received: date | datetime,
    *,
    today: date,
    at: datetime | None = None,
    dry_run: bool = False,
    **changed: Any,
) -> intake.Logged:
    told = {"cycle": CYCLE, "unit_id": "U000002", "kind": "correction", "category": "calculation", **changed}
    asked = intake.Asked(received=received, **told)
    at = at or office.at()
    return intake.receive(office.site, office.ledger, asked, today=today, at=at, actor="analyst", dry_run=dry_run)


def acknowledge(office: Office, on: date) -> answers.Answering:
    planned = answers.plan_acknowledgement(office.site, office.ledger, REQUEST, contacts=office.contacts(on), on=on)
    answers.carry_out(office.site, office.ledger, planned, at=office.at(), actor="analyst")
    return planned


def respond(
    office: Office,
    on: date,
    *,
    answer: answers.Answer = "denied",
    why: str = "It stays.",
    changes: Sequence[Change] = (),
) -> answers.Answering:
    planned = answers.plan_response(
        office.site,
        office.ledger,
        REQUEST,
        answer=answer,
        why=why,
        changes=changes,
        contacts=office.contacts(on),
        on=on,
    )
    answers.carry_out(office.site, office.ledger, planned, at=office.at(), actor="analyst")
    return planned


def results_of(office: Office, **measures: str) -> None:
    """What the run has results of, by unit; measures joined by blanks."""
    (run,) = office.site.runs.iterdir()
    rows = [(one, unit_id) for unit_id, named in measures.items() for one in named.split()]
    frame = pl.DataFrame(rows, schema=["measure_id", "provider_id"], orient="row")
    frame.write_parquet(run / "results" / "measure_results.parquet")


# ---------------------------------------------------------------- logging


def test_a_request_is_recorded_with_all_that_was_told_and_a_trial_records_nothing(sent: Office) -> None:
    results_of(sent, U000002="supd hwr")
    told: dict[str, Any] = {
        "measures": ("supd", "hwr"), "reasons": ("never_seen_here", "another_site"), "channel": "fax",
        "evidence_sha256": EVIDENCE,
    }  # fmt: skip
    head = sent.ledger.head()
    tried = ask(sent, ON, today=date(2026, 3, 12), dry_run=True, **told)
    assert sent.ledger.head() == head
    assert ask(sent, ON, today=date(2026, 3, 12), **told) == tried
    assert tried == intake.Logged(
        request_id=REQUEST, received_on=ON, last_request_day=date(2026, 5, 1), is_new=True, is_late=False,
        amend_posting=False,
    )  # fmt: skip
    (event,) = sent.events("request_received")
    assert (event.effective_on, event.evidence_sha256, event.actor) == (ON, EVIDENCE, "analyst")
    assert event.payload == {
        "cycle": CYCLE, "unit_id": "U000002", "request_id": REQUEST, "kind": "correction", "category": "calculation",
        "received_on": "2026-03-09", "logged_on": "2026-03-12", "late": False, "channel": "fax",
        "measures": ["hwr", "supd"], "reasons": "another_site;never_seen_here",
    }  # fmt: skip


def test_a_measure_of_which_it_has_no_result_cannot_be_under_appeal(sent: Office) -> None:
    results_of(sent, U000001="pdc_statins", U000002="supd hwr")
    with pytest.raises(InputError) as refusal:
        ask(sent, ON, today=ON, measures=("hwr", "pdc_statins"))
    (fault,) = refusal.value.faults
    assert fault.message == "U000002 has no result of pdc_statins in cycle 2025Q4-1"
    assert (fault.code, fault.place, fault.remedy) == ("no-result", "pdc_statins", "Its measures are: hwr, supd.")
    with pytest.raises(InputError) as refusal:
        ask(sent, ON, today=ON, unit_id="U000003", measures=("hwr",))
    assert [fault.remedy for fault in refusal.value.faults] == ["Its measures are: none."]
    assert sent.events("request_received") == []


def test_the_same_words_with_another_letter_behind_them_are_another_request(sent: Office) -> None:
    ask(sent, ON, today=ON, evidence_sha256=EVIDENCE)
    assert not ask(sent, ON, today=ON, evidence_sha256=EVIDENCE).is_new
    assert ask(sent, ON, today=ON, evidence_sha256="8" * 64).request_id == "2025Q4-1-U000002-2"
    assert ask(sent, ON, today=ON).request_id == "2025Q4-1-U000002-3"
    assert ask(sent, ON, today=ON, unit_id="U000001").request_id == "2025Q4-1-U000001-1"


@pytest.mark.parametrize(
    ("received", "said"),
    [
        (date(2026, 3, 21), "a receipt on 2026-03-21 lies in the future"),
        (date(2026, 3, 1), "received on 2026-03-01, before the report was put out on 2026-03-02"),
    ],
)
def test_a_receipt_out_of_order_is_refused_by_its_rule(sent: Office, received: date, said: str) -> None:
    with pytest.raises(Refused) as refusal:
        ask(sent, received, today=date(2026, 3, 20))
    assert (str(refusal.value).splitlines()[0], refusal.value.remedy) == (
        said,
        "Give the day of the receipt: --received-on.",
    )
    (reason,) = refusal.value.reasons
    assert (reason.rule, reason.citation, reason.verdict, reason.fact) == ("R4", "42 CFR 401.717(b)", "fail", said)


def in_guam(office: Office) -> Office:
    """The recipient of the reports is a day ahead of the entity, which is in New York."""
    run = office.run()
    listed = run.reports("2026-03-02") / "reports.json"
    listed.write_text(listed.read_text().replace("America/Chicago", "Pacific/Guam"))
    office.send()
    office.confirm()
    return office


@pytest.mark.parametrize("at", [datetime(2026, 3, 10, 2, tzinfo=UTC), datetime(2026, 3, 9, 15, tzinfo=UTC)])
def test_what_came_on_the_recipients_own_day_is_not_in_the_future(office: Office, at: datetime) -> None:
    """It is the 9th in New York, and the 10th in Guam since 14:00 UTC."""
    guam = in_guam(office)
    assert ask(guam, date(2026, 3, 10), today=ON, at=at).received_on == date(2026, 3, 10)
    with pytest.raises(Refused, match="a receipt on 2026-03-11 lies in the future"):
        ask(guam, date(2026, 3, 11), today=ON, at=at)


def test_where_the_day_is_the_same_everywhere_the_next_one_is_in_the_future(office: Office) -> None:
    with pytest.raises(Refused, match="a receipt on 2026-03-10 lies in the future"):
        ask(in_guam(office), date(2026, 3, 10), today=ON, at=datetime(2026, 3, 9, 13, tzinfo=UTC))


def test_the_day_of_a_rehearsal_is_the_day_everywhere_whatever_the_clock_says(office: Office) -> None:
    with pytest.raises(Refused, match="a receipt on 2026-03-10 lies in the future"):
        ask(in_guam(office), date(2026, 3, 10), today=ON, at=datetime(2026, 11, 23, 13, tzinfo=UTC))


class Raced(Ledger):
    """A ledger in which somebody else records something just before each append."""

    def append(self, events: Sequence[NewEvent], **told: Any) -> tuple[LedgerEvent, ...]:
        other = Ledger(self.path, zone="America/New_York")
        said = NewEvent(kind="plan_approved", effective_on=ON, payload={"approved_on": "2025-01-15"}, key="raced")
        other.append([said], at=told["at"], actor="officer")
        return super().append(events, **told)


def test_a_request_that_was_numbered_before_something_else_was_recorded_is_logged_anew(sent: Office) -> None:
    sent.ledger = Raced(sent.ledger.path, zone="America/New_York")
    with pytest.raises(Refused, match="since this was decided"):
        ask(sent, ON, today=ON)
    assert sent.events("request_received") == []
    assert ask(sent, ON, today=ON).is_new, "what the other recorded is recorded once"


def test_the_next_number_is_one_more_than_the_last_that_was_given(sent: Office) -> None:
    for request_id in ("2025Q4-1-U000002-7", "2025Q4-1-U000002-b", "2025Q4-1-U0000021-9", "r-12"):
        sent.ask("U000002", request_id, on=ON)
    assert ask(sent, ON, today=ON, category="risk_data").request_id == "2025Q4-1-U000002-8"


def test_the_event_of_a_request_is_known_by_the_requests_own_id(sent: Office) -> None:
    ask(sent, ON, today=ON)
    (event,) = sent.events("request_received")
    assert event.event_id == event_id_of(f"request_received:{REQUEST}")


@pytest.mark.parametrize("received", [date(2026, 3, 2), date(2026, 3, 20)])
def test_a_receipt_on_the_first_and_on_the_last_possible_day_is_logged(sent: Office, received: date) -> None:
    assert ask(sent, received, today=date(2026, 3, 20)).received_on == received


def test_a_receipt_counts_by_the_day_where_the_recipient_is(sent: Office) -> None:
    # at 4:30 UTC of 21 March it is half past midnight in New York, and still 20 March in Chicago
    at = datetime(2026, 3, 21, 4, 30, tzinfo=UTC)
    today = date(2026, 3, 21)
    logged = ask(sent, at, today=today, at=at)
    assert logged.received_on == date(2026, 3, 20)
    (event,) = sent.events("request_received")
    assert (event.effective_on, event.text("logged_on")) == (date(2026, 3, 20), "2026-03-21")


def test_a_unit_that_was_sent_nothing_is_told_where_the_units_are_listed(sent: Office) -> None:
    with pytest.raises(InputError) as refusal:
        ask(sent, ON, today=ON, unit_id="U000009")
    assert str(refusal.value).startswith("U000009: no report was put out in cycle 2025Q4-1")
    assert refusal.value.remedy == "`qe review status --cycle 2025Q4-1` lists the units."


def test_a_receipt_is_read_as_a_day_or_as_an_instant_with_its_zone() -> None:
    assert intake.read_received("2026-05-01") == date(2026, 5, 1)
    assert intake.read_received("2026-05-02T01:10-04:00") == datetime(2026, 5, 2, 5, 10, tzinfo=UTC)


@pytest.mark.parametrize("text", ["tomorrow", "2026-05-01T10:00"])
def test_a_receipt_that_cannot_be_read_says_how_to_write_it(text: str) -> None:
    with pytest.raises(InputError) as refusal:
        intake.read_received(text)
    assert str(refusal.value).startswith("the receipt is neither a day nor an instant with its zone")
    assert refusal.value.remedy == "Write --received-on 2026-05-01, or 2026-05-02T01:10-04:00."


# ---------------------------------------------------------------- verifying

VERIFIED: Final = intake.Verified(
    unit_id="U000002", how="called_back", evidence_sha256=EVIDENCE, terms_sha256="8" * 64, signed_on=ON
)


def verify(office: Office, verified: intake.Verified, *, dry_run: bool = False) -> tuple[NewEvent, ...]:
    return intake.verify(office.ledger, verified, today=ON, at=office.at(), actor="analyst", dry_run=dry_run)


def test_terms_that_would_be_signed_tomorrow_are_refused(office: Office) -> None:
    said = "terms signed on 2026-03-10 lie in the future"
    with pytest.raises(Refused) as refusal:
        verify(office, replace(VERIFIED, signed_on=date(2026, 3, 10)))
    assert (str(refusal.value).splitlines()[0], refusal.value.remedy) == (said, "Correct --signed-on.")
    (reason,) = refusal.value.reasons
    assert (reason.rule, reason.citation, reason.verdict, reason.fact) == ("G13", "42 CFR 401.713(d)", "fail", said)
    assert office.events("requester_verified") == []


def test_a_trial_of_verifying_tells_both_events_and_records_neither(office: Office) -> None:
    requester, terms = verify(office, VERIFIED, dry_run=True)
    assert office.events("requester_verified") == office.events("extract_terms_signed") == []
    assert requester == NewEvent(
        kind="requester_verified",
        effective_on=ON,
        payload={"unit_id": "U000002", "how": "called_back"},
        evidence_sha256=EVIDENCE,
        key=f"requester_verified:U000002:called_back:{EVIDENCE}",
    )
    assert terms == NewEvent(
        kind="extract_terms_signed",
        effective_on=ON,
        payload={"unit_id": "U000002", "signed_on": "2026-03-09"},
        evidence_sha256="8" * 64,
        key=f"extract_terms_signed:U000002:{'8' * 64}",
    )
    assert verify(office, VERIFIED) == (requester, terms)
    (recorded,) = office.events("requester_verified")
    assert (recorded.actor, recorded.evidence_sha256) == ("analyst", EVIDENCE)


def test_without_terms_only_the_person_is_verified(office: Office) -> None:
    assert [event.kind for event in verify(office, replace(VERIFIED, terms_sha256=None))] == ["requester_verified"]
    assert office.events("extract_terms_signed") == []


# ---------------------------------------------------------------- answering


def words_of(office: Office, name: str) -> str:
    (folder,) = office.site.outbox.rglob(name)
    return (folder / "letter.txt").read_text(encoding="utf-8")


def test_each_letter_is_recorded_with_its_digest_and_lies_where_its_day_says(sent: Office) -> None:
    ask(sent, ON, today=ON)
    first = acknowledge(sent, date(2026, 3, 10)).event
    second = respond(sent, date(2026, 3, 12)).event
    assert first is not None
    assert second is not None
    assert (first.kind, first.effective_on, first.key) == (
        "request_acknowledged", date(2026, 3, 10), f"request_acknowledged:{REQUEST}",
    )  # fmt: skip
    assert (second.kind, second.effective_on, second.key) == (
        "request_responded", date(2026, 3, 12), f"request_responded:{REQUEST}:1",
    )  # fmt: skip
    assert (second.payload["request_id"], second.payload["answer"]) == (REQUEST, "denied")
    for event, kind in ((first, "request_acknowledged"), (second, "request_responded")):
        (recorded,) = sent.events(kind)
        assert recorded.payload == event.payload
        assert recorded.actor == "analyst"
    acknowledgement = words_of(sent, f"acknowledgement-{REQUEST}").splitlines()
    assert acknowledgement[2] == "10 Mar 2026"
    assert "  Acknowledged: 10 Mar 2026" in acknowledgement
    decision = words_of(sent, f"decision-{REQUEST}-1").splitlines()
    assert decision[2] == "12 Mar 2026"
    start = decision.index("  Acknowledged: 10 Mar 2026")
    assert decision[start : start + 5] == [
        "  Acknowledged: 10 Mar 2026",
        "  Answered: 12 Mar 2026",
        "  Our decision: denied",
        "",
        "It stays.",
    ]


def test_a_request_is_answered_also_while_the_hand_over_of_its_report_is_not_confirmed(office: Office) -> None:
    office.run()
    office.send()
    ask(office, ON, today=ON)
    acknowledge(office, date(2026, 3, 10))
    respond(office, date(2026, 3, 12))
    assert "  Our decision: denied" in words_of(office, f"decision-{REQUEST}-1").splitlines()


def test_an_upheld_correction_is_told_figure_by_figure(sent: Office) -> None:
    ask(sent, ON, today=ON)
    acknowledge(sent, date(2026, 3, 10))
    changes = (Change(measure_id="hwr", what="Medicare, rate", before="12.1", after=""),)
    respond(sent, date(2026, 3, 12), answer="upheld", changes=changes)
    rows = [line.split() for line in words_of(sent, f"decision-{REQUEST}-1").splitlines()]
    assert ["hwr,", "Medicare,", "rate:", "12.1", "before,", "none", "after"] in rows


def test_a_closed_request_is_not_answered_any_more(sent: Office) -> None:
    ask(sent, ON, today=ON)
    acknowledge(sent, date(2026, 3, 10))
    sent.record("request_resolved", date(2026, 3, 11), request_id=REQUEST, outcome="withdrawn")
    with pytest.raises(Refused, match=r"was closed on 2026-03-11 \(withdrawn\): it is not answered any more"):
        respond(sent, date(2026, 3, 12))


def test_the_same_act_again_plans_no_letter(sent: Office) -> None:
    ask(sent, ON, today=ON)
    acknowledge(sent, date(2026, 3, 10))
    respond(sent, date(2026, 3, 12))
    for again in (acknowledge(sent, date(2026, 3, 13)), respond(sent, date(2026, 3, 13))):
        assert (again.letter, again.decision, again.event) == (None, None, None)
        assert again.request.request_id == REQUEST
        assert again.facts.on == date(2026, 3, 13)


@pytest.mark.parametrize("why", ["", "  \n "])
def test_an_answer_without_a_reason_is_no_answer(sent: Office, why: str) -> None:
    ask(sent, ON, today=ON)
    acknowledge(sent, date(2026, 3, 10))
    with pytest.raises(InputError) as refusal:
        respond(sent, date(2026, 3, 12), why=why)
    assert str(refusal.value).startswith("the answer has no reason")
    assert refusal.value.remedy == "Say why in whole sentences: --why TEXT."
    assert sent.events("request_responded") == []


def test_an_answer_before_the_acknowledgement_names_the_command_that_comes_first(sent: Office) -> None:
    ask(sent, ON, today=ON)
    with pytest.raises(Refused) as refusal:
        respond(sent, date(2026, 3, 12))
    said = f"request {REQUEST} is not acknowledged yet"
    assert (str(refusal.value).splitlines()[0], refusal.value.remedy) == (
        said,
        f"First: qe request acknowledge {REQUEST}.",
    )
    assert [(one.rule, one.fact) for one in refusal.value.reasons] == [("R8", said)]


def test_what_was_recorded_by_hand_without_a_letter_needs_none(sent: Office) -> None:
    ask(sent, ON, today=ON)
    sent.record("request_acknowledged", date(2026, 3, 10), request_id=REQUEST)
    planned = acknowledge(sent, date(2026, 3, 11))
    assert (planned.letter, planned.decision) == (None, None)
    assert list(sent.site.outbox.rglob("acknowledgement-*")) == []


def test_a_letter_that_was_never_written_and_would_read_otherwise_now_is_not_put_in_its_place(sent: Office) -> None:
    ask(sent, ON, today=ON)
    sent.record("request_acknowledged", date(2026, 3, 10), request_id=REQUEST, letter_sha256="9" * 64)
    with pytest.raises(InputError) as refusal:
        acknowledge(sent, date(2026, 3, 11))
    assert str(refusal.value).startswith(
        f"the letter recorded for {REQUEST} was never written, and what it would print has changed"
    )
    assert refusal.value.remedy == (
        "Take its event back (qe record fact_retracted retracts=ID) and run the command again."
    )
    assert list(sent.site.outbox.rglob("acknowledgement-*")) == []


def test_a_closed_request_is_not_acknowledged_any_more(sent: Office) -> None:
    ask(sent, ON, today=ON)
    sent.record("request_resolved", date(2026, 3, 10), request_id=REQUEST, outcome="withdrawn")
    with pytest.raises(Refused, match=r"was closed on 2026-03-10 \(withdrawn\): it is not acknowledged any more"):
        acknowledge(sent, date(2026, 3, 11))


def test_a_late_request_is_told_so_in_its_acknowledgement(sent: Office) -> None:
    ask(sent, date(2026, 5, 2), today=date(2026, 5, 4))
    acknowledge(sent, date(2026, 5, 4))
    late = words_of(sent, f"acknowledgement-{REQUEST}")
    assert "12 May 2026" in late  # 2 May and ten days


def test_the_refusal_of_a_letter_says_which_and_when(sent: Office) -> None:
    ask(sent, ON, today=ON)
    acknowledge(sent, date(2026, 3, 10))
    with pytest.raises(Refused) as refusal:
        respond(sent, date(2026, 3, 12), why="The person 1EG4-TE5-MK73 was not seen.")
    assert str(refusal.value).startswith(f"no letter about {REQUEST} may be sent on 2026-03-12")


def test_a_letter_about_a_report_says_what_becomes_public_and_of_a_late_request_that_it_is_late(sent: Office) -> None:
    ask(sent, ON, today=ON)
    ask(sent, date(2026, 5, 6), today=date(2026, 5, 6))
    acknowledge(sent, ON)
    late = answers.plan_acknowledgement(
        sent.site, sent.ledger, "2025Q4-1-U000002-2", contacts=sent.contacts(ON), on=date(2026, 5, 7)
    )
    answers.carry_out(sent.site, sent.ledger, late, at=sent.at(), actor="analyst")
    respond(sent, date(2026, 5, 7))
    names = (f"acknowledgement-{REQUEST}", "acknowledgement-2025Q4-1-U000002-2", f"decision-{REQUEST}-1")
    in_time, too_late, answered = (" ".join(words_of(sent, name).split()) for name in names)
    for words in (in_time, too_late, answered):
        assert "Results become public on the day that we told you" in words
        assert "authorized user" not in words
    assert "It came after your last day to ask." in too_late
    assert "It came after your last day" not in in_time


def test_an_answer_is_planned_with_its_request_its_cycle_and_the_gates_leave(sent: Office) -> None:
    ask(sent, ON, today=ON)
    planned = acknowledge(sent, ON)
    assert (planned.request.request_id, planned.request.unit_id) == (REQUEST, "U000002")
    assert planned.letter is not None
    assert planned.letter.artefact.cycle == CYCLE
    assert planned.decision is not None
    assert (planned.decision.allowed, planned.decision.artefact) == (True, planned.letter.artefact)
    assert planned.letter.intent is not None
    shutil.rmtree(planned.letter.path)
    stopped = answers.plan_acknowledgement(sent.site, sent.ledger, REQUEST, contacts=sent.contacts(ON), on=ON)
    assert stopped.letter is not None
    assert stopped.letter.intent is None, "its event is recorded: the letter alone is missing"
