"""The page of a corrected provider: sent with the dates it had, and nothing of that provider is published before it."""

import json
import shutil
from dataclasses import replace
from datetime import date

import pytest

from qe.corrections import in_force
from qe.corrections.record import Correction, CorrectionKind, CorrectionLine
from qe.errors import InputError, Refused
from qe.ledger.fold import state_as_of
from qe.progress import Silent
from qe.release import send
from qe.release.releases import shown_results
from qe.release.sends import reviews, was_handed_over
from qe.runs import Run, file_sha256
from tests.papers import small_pdf
from tests.release.conftest import Office, letter

SENT_ON = date(2026, 3, 2)
UPHELD_ON = date(2026, 3, 20)
AGAIN_ON = date(2026, 3, 23)
UNIT, CYCLE = "U000001", "2025Q4-1"
RUN_ID = "a" * 16
NEW_RESULTS = "c" * 64


def uphold(office: Office, *, on: date = UPHELD_ON, name: str = "corr1", after: str = NEW_RESULTS) -> None:
    """The event, and the page as it is printed: the dates of the report, other figures."""
    office.record(
        "correction_applied",
        on,
        request_id=f"{CYCLE}-{name}",
        cycle=CYCLE,
        run_id=RUN_ID,
        unit_id=UNIT,
        correction_id=name,
        kinds=["not_our_patient"],
        measures=["pdc_statins"],
        record_sha256="d" * 64,
        before_sha256="e" * 64,
        after_sha256=after,
        effective_from=on.isoformat(),
        count=1,
    )
    print_page(office, name=name, after=after)


def print_page(office: Office, *, name: str, after: str, own_day: date | None = None) -> None:
    """own_day: the send date that the page prints as its own; None: that of the first report."""
    run = Run(run_id=RUN_ID, folder=office.site.runs / RUN_ID)
    office.render(run, own_day or SENT_ON, cycle=CYCLE, units=(UNIT,))
    folder = run.corrected(name) / own_day.isoformat() if own_day else run.corrected(name)
    shutil.copytree(run.reports((own_day or SENT_ON).isoformat()), folder)
    (entry,) = json.loads((folder / "reports.json").read_text())
    pdf = folder / entry["pdf"]
    pdf.write_bytes(small_pdf(f"corrected {name} {own_day or ''}"))
    entry |= {"result_sha256": after, "pdf_sha256": file_sha256(pdf)}
    (folder / "reports.json").write_text(json.dumps([entry]))
    office.render(run, SENT_ON, cycle=CYCLE)


def send_again(office: Office, on: date = AGAIN_ON) -> list[str]:
    """Send what there is for the unit; the units that get something."""
    planned = send.plan_send(
        office.site, office.ledger, cycle=CYCLE, contacts=office.contacts(on), on=on, channel=None, only=UNIT
    )
    send.send(planned, office.ledger, at=office.at(), on=on, actor="analyst", write_letter=letter, progress=Silent())
    return [one.report.unit_id for one in planned.packages]


@pytest.fixture
def sent(office: Office) -> Office:
    office.run()
    office.send()
    office.confirm()
    return office


def test_the_clock_of_a_corrected_page_is_that_of_the_report_before_it(sent: Office) -> None:
    before = reviews(state_as_of(sent.ledger, SENT_ON), CYCLE)[UNIT].review
    uphold(sent)
    assert send_again(sent) == [UNIT]
    assert send_again(sent) == []
    on_its_way = reviews(state_as_of(sent.ledger, AGAIN_ON), CYCLE)[UNIT]
    assert (on_its_way.state, on_its_way.public_from) == ("sent", None)
    assert on_its_way.review == before, "it may ask as long as it could"
    sent.confirm(UNIT, on=AGAIN_ON)
    after = reviews(state_as_of(sent.ledger, AGAIN_ON), CYCLE)[UNIT]
    assert after.review == before
    assert after.public_from == date(2026, 5, 2)


def test_a_corrected_page_was_not_handed_over_before_it_was_put_out(sent: Office) -> None:
    uphold(sent)
    send_again(sent)
    with pytest.raises(Refused, match="the page with its correction was put out on 2026-03-23, after 2026-03-22"):
        sent.confirm(UNIT, on=date(2026, 3, 22), today=AGAIN_ON)


def test_a_page_that_comes_back_is_sent_again_and_the_report_before_it_stays_handed_over(sent: Office) -> None:
    uphold(sent)
    send_again(sent)
    sent.bounce(UNIT, today=date(2026, 3, 25), page="corrected")
    facts = state_as_of(sent.ledger, date(2026, 3, 25))
    assert reviews(facts, CYCLE)[UNIT].state == "failed"
    assert was_handed_over(facts, CYCLE, UNIT)
    assert send_again(sent, on=date(2026, 3, 26)) == [UNIT]
    sent.confirm(UNIT, on=date(2026, 3, 26))
    assert reviews(state_as_of(sent.ledger, date(2026, 3, 26)), CYCLE)[UNIT].state == "confirmed"


def test_where_the_first_report_came_back_its_corrected_page_is_not_sent_and_starts_no_clock(sent: Office) -> None:
    """The page prints the first report's dates: nobody had these 60 days."""
    uphold(sent)
    sent.bounce(UNIT, today=date(2026, 3, 22))
    planned = send.plan_send(
        sent.site, sent.ledger, cycle=CYCLE, contacts=sent.contacts(AGAIN_ON), on=AGAIN_ON, channel=None, only=UNIT
    )
    assert planned.packages == ()
    ((unit_id, why),) = planned.not_sendable
    assert unit_id == UNIT
    assert why == (
        "its first report came back, and its corrected page prints dates that are over: print it with dates of its own "
        "(qe run --send-on DATE --cycle 2025Q4-1)"
    )


OWN_DAY = date(2026, 3, 25)  # last request day 24 May 2026, public from 25 May


def came_back_and_printed_anew(office: Office) -> None:
    """The correction upheld on 20 March, the first report back on the 22nd, the page printed for the 25th."""
    uphold(office)
    office.bounce(UNIT, today=date(2026, 3, 22))
    print_page(office, name="corr1", after=NEW_RESULTS, own_day=OWN_DAY)


def test_where_the_first_report_came_back_the_page_with_dates_of_its_own_starts_the_60_days(sent: Office) -> None:
    came_back_and_printed_anew(sent)
    planned = sent.plan_send(AGAIN_ON)
    (package,) = (one for one in planned.packages if one.report.unit_id == UNIT)
    assert (package.report.sent_on, package.has_own_days) == (OWN_DAY, True)
    assert send_again(sent) == [UNIT]
    assert send_again(sent) == []
    on_its_way = reviews(state_as_of(sent.ledger, AGAIN_ON), CYCLE)[UNIT]
    assert (on_its_way.state, on_its_way.review) == ("sent", None), "no clock runs before the hand-over"
    with pytest.raises(Refused, match="its dates would come too early"):
        sent.confirm(UNIT, on=date(2026, 3, 26))
    with pytest.raises(Refused, match="was put out on 2026-03-23, after 2026-03-22"):
        sent.confirm(UNIT, on=date(2026, 3, 22), today=OWN_DAY)
    sent.confirm(UNIT, on=OWN_DAY)
    unit = reviews(state_as_of(sent.ledger, OWN_DAY), CYCLE)[UNIT]
    assert unit.review is not None
    assert (unit.review.last_request_day, unit.public_from) == (date(2026, 5, 24), date(2026, 5, 25))
    assert was_handed_over(state_as_of(sent.ledger, OWN_DAY), CYCLE, UNIT)
    sent.notice(date(2026, 4, 20))
    for day in (date(2026, 5, 2), date(2026, 5, 24)):
        assert [one.unit_id for one in sent.plan(day).waiting] == [UNIT]
    planned_for = sent.plan(date(2026, 5, 25))
    assert UNIT in planned_for.units
    sent.approve(date(2026, 5, 25))
    assert sent.decide(date(2026, 5, 25)).allowed


def test_a_page_with_dates_of_its_own_that_comes_back_gave_nobody_days(sent: Office) -> None:
    came_back_and_printed_anew(sent)
    send_again(sent)
    sent.confirm(UNIT, on=OWN_DAY)
    sent.bounce(UNIT, today=date(2026, 4, 1))
    unit = reviews(state_as_of(sent.ledger, date(2026, 4, 1)), CYCLE)[UNIT]
    assert (unit.state, unit.rests_on, unit.review) == ("failed", None, None)
    late = send.plan_send(
        sent.site,
        sent.ledger,
        cycle=CYCLE,
        contacts=sent.contacts(OWN_DAY),
        on=date(2026, 4, 2),
        channel=None,
        only=UNIT,
    )
    ((_, why),) = late.not_sendable
    assert why.startswith("its first report came back")


@pytest.mark.parametrize("is_confirmed", [False, True])
def test_a_first_letter_that_comes_back_after_the_corrected_page_went_out_takes_its_days_with_it(
    sent: Office, is_confirmed: bool
) -> None:
    uphold(sent)
    send_again(sent)
    if is_confirmed:
        sent.confirm(UNIT, on=AGAIN_ON)
    day = date(2026, 3, 24)
    with pytest.raises(InputError, match="it is not said which came back") as told:
        sent.bounce(UNIT, today=day)
    assert (
        told.value.faults[0].remedy == "Add --page first or --page corrected: the days of both are those of the first."
    )
    assert sent.events("delivery_failed") == []
    sent.bounce(UNIT, today=day, page="first")
    unit = reviews(state_as_of(sent.ledger, day), CYCLE)[UNIT]
    assert (unit.rests_on, unit.review, unit.public_from) == (None, None, None)
    assert not is_confirmed or g10(sent, date(2026, 5, 2)) is not None
    assert UNIT in {one.unit_id for one in sent.plan(date(2026, 5, 2)).waiting}
    print_page(sent, name="corr1", after=NEW_RESULTS, own_day=OWN_DAY)
    assert send_again(sent, on=day) == [UNIT]
    sent.confirm(UNIT, on=OWN_DAY)
    assert reviews(state_as_of(sent.ledger, OWN_DAY), CYCLE)[UNIT].public_from == date(2026, 5, 25)


def test_who_was_sent_one_page_has_no_corrected_one_that_could_come_back(sent: Office) -> None:
    with pytest.raises(InputError, match="was sent no corrected page"):
        sent.bounce(UNIT, today=AGAIN_ON, page="corrected")
    sent.bounce(UNIT, today=AGAIN_ON, page="first")
    assert reviews(state_as_of(sent.ledger, AGAIN_ON), CYCLE)[UNIT].state == "failed"


def test_a_second_correction_after_such_a_page_prints_and_keeps_its_dates(sent: Office) -> None:
    came_back_and_printed_anew(sent)
    send_again(sent)
    sent.confirm(UNIT, on=OWN_DAY)
    before = reviews(state_as_of(sent.ledger, OWN_DAY), CYCLE)[UNIT].review
    second = date(2026, 4, 10)
    uphold(sent, on=second, name="corr2", after="f" * 64)
    folder = Run(run_id=RUN_ID, folder=sent.site.runs / RUN_ID).corrected("corr2")
    (entry,) = json.loads((folder / "reports.json").read_text())
    own = json.loads((folder.with_name("corr1") / OWN_DAY.isoformat() / "reports.json").read_text())[0]
    dates = {name: own[name] for name in ("sent_on", "last_request_day", "public_from")}
    (folder / "reports.json").write_text(json.dumps([{**entry, **dates}]))
    assert send_again(sent, on=second) == [UNIT]
    assert reviews(state_as_of(sent.ledger, second), CYCLE)[UNIT].review == before, "it may ask as long as it could"
    sent.confirm(UNIT, on=date(2026, 4, 12), today=date(2026, 4, 12))
    assert reviews(state_as_of(sent.ledger, date(2026, 4, 12)), CYCLE)[UNIT].public_from == date(2026, 5, 25)


def test_a_corrected_page_that_was_handed_over_counts_for_nothing_once_the_first_report_is_void(sent: Office) -> None:
    first = reviews(state_as_of(sent.ledger, SENT_ON), CYCLE)[UNIT]
    uphold(sent)
    send_again(sent)
    sent.confirm(UNIT, on=AGAIN_ON)
    assert first.confirmed is not None
    sent.retract(first.confirmed)
    unit = reviews(state_as_of(sent.ledger, AGAIN_ON), CYCLE)[UNIT]
    assert (unit.state, unit.review, unit.public_from) == ("confirmed", None, None)


def test_a_report_that_came_back_was_handed_over_to_nobody(office: Office) -> None:
    office.run()
    office.send()
    facts = state_as_of(office.ledger, SENT_ON)
    assert not was_handed_over(facts, CYCLE, UNIT), "put out, not handed over"
    office.confirm()
    office.bounce(UNIT, today=date(2026, 3, 9))
    assert not was_handed_over(state_as_of(office.ledger, date(2026, 3, 9)), CYCLE, UNIT)


def test_what_is_to_be_published_is_the_last_correction_of_the_cycle(sent: Office) -> None:
    run = Run(run_id=RUN_ID, folder=sent.site.runs / RUN_ID)
    before = shown_results(run, state_as_of(sent.ledger, SENT_ON), CYCLE)
    uphold(sent)
    uphold(sent, on=date(2026, 3, 21), name="corr2", after="f" * 64)
    after = shown_results(run, state_as_of(sent.ledger, date(2026, 3, 21)), CYCLE)
    assert after == {**before, UNIT: "f" * 64}
    assert shown_results(run, state_as_of(sent.ledger, UPHELD_ON), CYCLE)[UNIT] == NEW_RESULTS
    assert shown_results(run, state_as_of(sent.ledger, UPHELD_ON), "2025Q4-2") == {}


def test_a_correction_whose_page_is_not_printed_stops_the_send(sent: Office) -> None:
    uphold(sent)
    shutil.rmtree(sent.site.runs / RUN_ID / "corrected")
    with pytest.raises(InputError, match="U000001: the page with its correction is not printed yet"):
        send_again(sent)


def g10(office: Office, on: date) -> str | None:
    decision = office.decide(on)
    return next((one.fact for one in decision.blockers if one.rule == "G10"), None)


def test_what_was_approved_before_the_correction_is_not_published(sent: Office) -> None:
    """Also where the figures are the same, as with a name: the files are older than the correction."""
    day = date(2026, 5, 2)
    sent.notice(date(2026, 4, 20))
    sent.plan(date(2026, 4, 21))
    sent.approve(date(2026, 4, 21))
    assert g10(sent, day) is None
    same = shown_results(Run(run_id=RUN_ID, folder=sent.site.runs / RUN_ID), state_as_of(sent.ledger, day), CYCLE)
    uphold(sent, on=date(2026, 4, 22), after=same[UNIT])
    assert g10(sent, day) == "U000001: its upheld correction is not in these files (plan again)"


def test_nothing_is_published_of_a_unit_that_was_not_sent_its_corrected_page(sent: Office) -> None:
    day = date(2026, 5, 2)
    sent.notice(date(2026, 4, 20))
    uphold(sent)
    sent.plan(day)
    assert g10(sent, day) == "U000001: not sent the page with its upheld correction (qe review send)"
    send_again(sent, on=day)
    assert [one.unit_id for one in sent.plan(day).waiting] == [UNIT]
    sent.confirm(UNIT, on=day)
    assert sent.plan(day).waiting == ()
    sent.approve(day)
    assert sent.decide(day).allowed


def test_runs_apply_a_correction_from_its_day_until_the_day_it_is_ended(sent: Office) -> None:
    uphold(sent)
    day_before, ended_on = date(2026, 3, 19), date(2026, 6, 1)

    def held(on: date) -> list[str]:
        return [one.text("correction_id") for one in in_force.in_force(state_as_of(sent.ledger, on))]

    assert (held(day_before), held(UPHELD_ON)) == ([], ["corr1"])
    facts, event = in_force.end(sent.ledger, correction_id="corr1", reason="source_corrected", on=ended_on)
    sent.ledger.append([event], at=sent.at(), actor="analyst", expected_head=facts.head)
    assert (held(date(2026, 5, 31)), held(ended_on)) == (["corr1"], [])
    kept = in_force.corrected_results(state_as_of(sent.ledger, ended_on), CYCLE)
    assert kept == {UNIT: NEW_RESULTS}, "the cycle that it corrected keeps it"
    with pytest.raises(InputError, match="no correction corr9 is recorded on 2026-06-01"):
        in_force.end(sent.ledger, correction_id="corr9", reason="replaced", on=ended_on)


def test_a_correction_that_was_recorded_by_mistake_is_taken_back_for_its_cycle_too(sent: Office) -> None:
    uphold(sent)
    (event,) = sent.events("correction_applied")
    sent.retract(event)
    facts = state_as_of(sent.ledger, AGAIN_ON)
    assert in_force.in_force(facts) == ()
    assert in_force.corrected_results(facts, CYCLE) == {}


def test_without_a_correction_the_decisions_are_those_of_linkage_alone() -> None:
    line = CorrectionLine(
        line=2, kind=CorrectionKind.NOT_OUR_PATIENT, evidence="claims", measure_id="hwr", event_id="1"
    )
    one = Correction(request_id="R1", cycle=CYCLE, run_id=RUN_ID, unit_id=UNIT, asked_sha256="0" * 64, lines=(line,))
    other = replace(one, request_id="R2")
    assert in_force.decisions_digest("link", ()) == "link"
    digests = {in_force.decisions_digest("link", given) for given in ((one,), (other,), (one, other), (other, one))}
    assert len(digests) == 3, "which corrections, not in which order"
