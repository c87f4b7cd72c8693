"""An upheld correction: one provider worked out again, its page sent again, published, and applied by later runs."""

import csv
import io
import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from qe import workflow
from qe.claims.load import model_path
from qe.corrected.plan import PlannedCorrection
from qe.corrections.kept import KeptCorrection, UnitFigures, write_kept
from qe.corrections.record import Correction, CorrectionKind, CorrectionLine
from qe.disclosure.identifiers import texts_of
from qe.errors import Findings, InputError, MeasureError, Refused
from qe.ledger.book import Ledger
from qe.ledger.event import NewEvent, PayloadValue
from qe.ledger.fold import state_as_of
from qe.progress import Silent
from qe.runs import run_of
from qe.site import Site, open_site
from qe.workspace import Workspace
from tests.workflow.conftest import CYCLE, Quarter

UNIT = "U000047"  # the group with results that are published
OTHER = "U000046"
REQUEST = "2025Q4-1-R1"


@dataclass(frozen=True, kw_only=True)
class Upheld:
    """A quarter with its site, and two persons without refills whom the group says are not its patients."""

    quarter: Quarter
    site: Site
    persons: tuple[str, str]

    @property
    def asked_on(self) -> date:
        return self.quarter.day(20)

    def detail(self) -> pl.DataFrame:
        return Workspace(self.site).detail("pdc_statins").filter(pl.col("provider_id") == UNIT)

    def plan(
        self, *rows: str, unit_id: str = UNIT, request_id: str = REQUEST, on: date | None = None
    ) -> PlannedCorrection:
        file = self.quarter.root.parent / "correction.csv"
        head = "kind,evidence,measure_id,person_id,event_id,belongs_to,rule_id,claim_ids,detail,value,from_date,to_date"
        file.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
        return workflow.plan_correction(
            self.site, request_id=request_id, cycle=CYCLE, unit_id=unit_id, file=file, on=on or self.asked_on
        )

    def not_ours(self) -> PlannedCorrection:
        """One person for all measures, the other by the event of one."""
        first, second = self.persons
        return self.plan(
            f"not_our_patient,claims,all,{first},,,,,,,,", f"not_our_patient,roster,pdc_statins,,{second},,,,,,,"
        )

    def record(self, planned: PlannedCorrection, *also: NewEvent) -> None:
        workflow.record_correction(
            self.site, planned, also=also, at=datetime.now(UTC), actor="analyst", progress=Silent()
        )


def upheld_in(root: Path) -> Upheld:
    site = open_site(root)
    rows = Workspace(site).detail("pdc_statins").filter(pl.col("provider_id") == UNIT)
    without = rows.filter(pl.col("in_denominator") & ~pl.col("in_numerator")).sort("event_id")
    first, second = without["person_id"].to_list()[:2]
    return Upheld(quarter=Quarter(root=root), site=site, persons=(first, second))


@pytest.fixture
def before(made: Any, copy_of: Any) -> Upheld:
    """Sent and confirmed; nothing is corrected."""
    return upheld_in(copy_of(made.sent).root)


@pytest.fixture(scope="module")
def recorded(made: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with the correction recorded: only to be copied."""
    root = tmp_path_factory.mktemp("recorded") / "site"
    shutil.copytree(made.sent, root)
    one = upheld_in(root)
    one.record(one.not_ours())
    return root


@pytest.fixture
def upheld(recorded: Path, made: Any, copy_of: Any) -> Upheld:
    return replace(upheld_in(copy_of(recorded).root), persons=upheld_in(made.sent).persons)


def wilson(events: int, size: int) -> tuple[float, float]:
    """95 % score interval of a share (Wilson 1927)."""
    z = 1.959963984540054
    middle = (events + z * z / 2) / (size + z * z)
    half = z / (size + z * z) * math.sqrt(events * (size - events) / size + z * z / 4)
    return middle - half, middle + half


def published(quarter: Quarter) -> dict[tuple[str, str], dict[str, str]]:
    """results.csv by measure and public id."""
    text = quarter.files("public")[f"{CYCLE}/data/results.csv"].decode()
    return {(row["measure_id"], row["public_id"]): row for row in csv.DictReader(io.StringIO(text))}


def by_what(changes: Sequence[Any], measure_id: str) -> dict[str, tuple[str, str]]:
    return {one.what: (one.before, one.after) for one in changes if one.measure_id == measure_id}


def test_before_and_after_are_counted_from_the_events_that_stay(before: Upheld) -> None:
    """Nothing is written: the files of the site and the ledger stay as they were."""
    files, events = before.quarter.files("store"), before.quarter.events("report_sent")
    rows = before.detail()
    inside = rows.filter("in_denominator")
    stays = inside.filter(~pl.col("person_id").is_in(before.persons))
    assert stays.height == inside.height - 2
    was, now = (int(one["in_numerator"].sum()) / one.height for one in (inside, stays))
    low, high = wilson(int(stays["in_numerator"].sum()), stays.height)

    planned = before.not_ours()
    printed, exact = by_what(planned.printed, "pdc_statins"), by_what(planned.exact, "pdc_statins")
    assert printed["All payers: cases"] == (f"{inside.height}", f"{stays.height}")
    assert printed["All payers: rate"] == (f"{was:.1%}", f"{now:.1%}")
    assert exact["all: observed"] == (f"{was:.12g}", f"{now:.12g}")
    assert float(exact["all: ci_low"][1]) == pytest.approx(low, rel=1e-9)
    assert float(exact["all: ci_high"][1]) == pytest.approx(high, rel=1e-9)
    assert "all: peer_median" not in exact, "what peers are is frozen"
    assert "all: numerator" not in exact
    months = by_what(planned.exact, "total_cost_index")["all: denominator"]
    cost = (
        Workspace(before.site)
        .detail("total_cost_index")
        .filter(
            (pl.col("provider_id") == UNIT) & (pl.col("measure_id") == "total_cost_index") & pl.col("in_denominator")
        )
    )
    mine = cost.filter(pl.col("person_id") == before.persons[0])["exposure"].sum()
    assert float(months[0]) - float(months[1]) == float(mine)
    assert planned.reached == ()
    assert planned.event.payload["measures"] == [
        "pdc_statins", "price_index", "resource_use_index", "total_cost_index",
    ]  # fmt: skip
    assert not planned.is_recorded
    assert before.quarter.files("store") == files
    assert before.quarter.events("report_sent") == events


def test_a_second_correction_stands_on_the_first(upheld: Upheld) -> None:
    """One further person goes: three of the cases are gone in all, and "before" is what the first correction left."""
    left = upheld.detail().filter(pl.col("in_denominator"))
    inside = left.filter(~pl.col("person_id").is_in(upheld.persons))
    third = inside.sort("event_id")["event_id"][0]
    planned = upheld.plan(f"not_our_patient,claims,pdc_statins,,{third},,,,,,,", request_id="2025Q4-1-R3")
    printed = by_what(planned.printed, "pdc_statins")
    assert printed["All payers: cases"] == (f"{inside.height}", f"{inside.height - 1}")
    (first,) = upheld.quarter.events("correction_applied")
    assert planned.event.payload["before_sha256"] == first["payload"]["after_sha256"]
    again = upheld.plan(f"not_our_patient,claims,pdc_statins,,{third},,,,,,,", request_id="2025Q4-1-R3")
    assert again.kept.correction == planned.kept.correction
    with pytest.raises(InputError, match="line 2, event_id: the event is not this unit's"):
        upheld.plan(f"not_our_patient,claims,pdc_statins,,{upheld.persons[0]},,,,,,,", request_id="2025Q4-1-R3")


def test_the_ledger_holds_codes_and_the_store_no_readable_person(upheld: Upheld) -> None:
    (event,) = upheld.quarter.events("correction_applied")
    payload = event["payload"]
    assert (payload["unit_id"], payload["cycle"], payload["count"]) == (UNIT, CYCLE, 3)
    assert payload["kinds"] == ["not_our_patient"]
    assert payload["before_sha256"] != payload["after_sha256"]
    assert not set(upheld.persons) & {str(value) for value in payload.values()}
    kept = upheld.quarter.files("store/corrections")
    assert list(kept) == [f"{payload['correction_id']}.duckdb"]
    assert b"not_our_patient" not in kept[f"{payload['correction_id']}.duckdb"]


def test_the_new_page_comes_before_publication_and_nobody_else_moves(upheld: Upheld, ready: Quarter) -> None:
    quarter, cycle = upheld.quarter, ("--cycle", CYCLE)
    on, run_id = quarter.day(21), quarter.events("run_completed")[0]["payload"]["run_id"]
    frozen = quarter.files(f"runs/{run_id}/results")
    (upheld_event,) = quarter.events("correction_applied")
    after = upheld_event["payload"]["after_sha256"]

    quarter.notice_and_approve()
    refused = quarter.go(quarter.day(61)).failing()["G10"]
    assert f"{UNIT}: not sent the page with its upheld correction" in refused["fact"]

    quarter.done("review", "send", *cycle, "--provider", UNIT, on=on)
    sent = quarter.events("report_sent")[-1]["payload"]
    first = next(one["payload"] for one in quarter.events("report_sent") if one["payload"]["unit_id"] == UNIT)
    assert sent["result_sha256"] == after != first["result_sha256"]
    for name in ("sent_on", "last_request_day", "public_from", "zone", "report_id"):
        assert sent[name] == first[name], name
    assert any("-corrected-" in name for name in quarter.files("out/outbox"))
    again = quarter.done("review", "send", *cycle, "--provider", UNIT, on=on)
    assert again.data["already_sent"] == [UNIT]
    evidence = quarter.root.parent / "receipt.txt"
    evidence.write_text("handed over")
    words = ("review", "confirm", *cycle, "--provider", UNIT, "--evidence", str(evidence))
    early = quarter(*words, "--on", quarter.day(20).isoformat(), on=on)
    assert early.exit_code == 3, early.stdout
    quarter.done(*words, "--on", on.isoformat(), on=on)

    quarter.notice_and_approve()
    assert quarter.go(quarter.day(60)).exit_code == 3
    assert quarter.go(quarter.day(61)).exit_code == 0
    ready.go(ready.day(61))
    corrected, otherwise = published(quarter), published(ready)
    assert corrected.keys() == otherwise.keys()
    moved = {key for key in corrected if corrected[key] != otherwise[key]}
    assert moved <= {(measure, UNIT) for measure in ("pdc_statins", "total_cost_index")}
    inside = upheld.detail().filter(pl.col("in_denominator"))
    stays = inside.filter(~pl.col("person_id").is_in(upheld.persons))
    row = corrected["pdc_statins", UNIT]
    assert row["denominator"] == f"{stays.height}"
    assert row["rate"] == f"{int(stays['in_numerator'].sum()) / stays.height:.3f}"
    assert otherwise["pdc_statins", UNIT]["denominator"] == f"{inside.height}"
    assert quarter.files(f"runs/{run_id}/results") == frozen


def test_a_page_that_was_staged_before_the_correction_is_not_published(made: Any, copy_of: Any) -> None:
    """Planned and approved on day 50, upheld on day 52: nobody planned again."""
    one = upheld_in(copy_of(made.ready).root)
    first, second = one.persons
    rows = (f"not_our_patient,claims,all,{first},,,,,,,,", f"not_our_patient,claims,pdc_statins,{second},,,,,,,,")
    one.record(one.plan(*rows, on=one.quarter.day(52)))
    refused = one.quarter.go(one.quarter.day(61)).failing()["G10"]
    assert f"{UNIT}: its upheld correction is not in these files (plan again)" in refused["fact"]


def test_later_runs_apply_it_until_it_is_ended_and_tell_of_one_without_event(upheld: Upheld) -> None:
    quarter, day = upheld.quarter, upheld.quarter.day
    (event,) = quarter.events("correction_applied")
    first = quarter.events("run_completed")[0]["payload"]["run_id"]
    was = upheld.detail()
    gone = _of_an_event_that_is_gone(upheld, first)

    same = quarter.run(day(30)).data
    assert (same["run_id"], same["cycle"]) == (first, CYCLE), (
        "a sent report can be printed again: its run has not changed"
    )
    assert upheld.detail().equals(was)
    second = quarter.run(day(30), "--reissue").data
    assert second["run_id"] != first
    assert second["cycle"] == "2025Q4-2"
    told = [one for one in second["warnings"] if "correction" in one]
    assert told == [f"correction {gone}, line 2: its event is no longer in the data"]
    now = upheld.detail()
    assert set(was["person_id"]) - set(now["person_id"]) == set(upheld.persons)
    manifest = run_of(upheld.site, second["run_id"]).manifest()
    assert [one["correction_id"] for one in manifest["corrections"]] == [event["payload"]["correction_id"], gone]
    explained = quarter.done("explain", "pdc_statins", UNIT).data["corrections"]
    assert {one["event_id"]: one["outcome"] for one in explained} == dict.fromkeys(upheld.persons, "applied")
    asked = quarter("explain", "pdc_statins", UNIT, "--person", upheld.persons[0])
    assert asked.exit_code == 2
    assert f"correction {event['payload']['correction_id']}, line 2, was upheld" in asked.stdout

    for correction_id in (event["payload"]["correction_id"], gone):
        workflow.end_correction(
            upheld.site,
            correction_id=correction_id,
            reason="source_corrected",
            on=day(40),
            at=datetime.now(UTC),
            actor="analyst",
            dry_run=False,
        )
    assert quarter.run(day(40)).data["run_id"] == first, "the same files and no correction are the same run"


def _of_an_event_that_is_gone(upheld: Upheld, run_id: str) -> str:
    """A recorded correction of a stay that later data no longer hold."""
    line = CorrectionLine(
        line=2, kind=CorrectionKind.NOT_OUR_PATIENT, evidence="claims", measure_id="hwr", event_id="no-such-stay"
    )
    correction = Correction(
        request_id="2025Q4-1-R2",
        cycle="2025Q3-1",
        run_id=run_id,
        unit_id="U000002",
        asked_sha256="0" * 64,
        lines=(line,),
    )
    nothing = pl.DataFrame({"unit_id": ["U000002"]})
    figures = UnitFigures(results=nothing, counts=nothing, units=nothing)
    write_kept(upheld.site, KeptCorrection(correction=correction, figures=figures))
    payload: dict[str, PayloadValue] = {
        "request_id": correction.request_id,
        "cycle": correction.cycle,
        "run_id": run_id,
        "unit_id": correction.unit_id,
        "correction_id": correction.correction_id,
        "kinds": correction.kinds,
        "measures": ["hwr"],
        "record_sha256": correction.record_sha256,
        "before_sha256": "0" * 64,
        "after_sha256": "1" * 64,
        "effective_from": upheld.asked_on.isoformat(),
        "count": 1,
    }
    event = NewEvent(kind="correction_applied", effective_on=upheld.asked_on, payload=payload)
    ledger = Ledger(upheld.site.ledger, zone=upheld.site.settings.site.zone)
    ledger.append([event], at=datetime.now(UTC), actor="analyst")
    return correction.correction_id


def test_a_correction_that_was_stopped_is_finished_by_the_same_call(before: Upheld) -> None:
    """Stopped after the store: nothing counts yet. Stopped after the ledger: the page is not printed, so nothing can be sent."""
    planned = before.not_ours()
    write_kept(before.site, planned.kept)
    assert before.quarter.events("correction_applied") == []
    again = before.not_ours()
    assert again.kept.correction == planned.kept.correction
    assert not again.is_recorded
    asked = NewEvent(kind="request_acknowledged", effective_on=before.asked_on, payload={"request_id": REQUEST})
    before.record(again, asked)
    folder = before.site.runs / planned.kept.correction.run_id / "corrected"
    page = {path.name for path in (folder / planned.kept.correction.correction_id).iterdir()}
    shutil.rmtree(folder)
    send = ("review", "send", "--cycle", CYCLE, "--provider", UNIT)
    stopped = before.quarter(*send, on=before.quarter.day(21))
    assert stopped.exit_code == 2
    assert "the page with its correction is not printed yet" in stopped.stdout

    third = before.not_ours()
    assert third.is_recorded
    assert third.printed == planned.printed
    assert third.exact == planned.exact
    before.record(third, asked)
    assert {path.name for path in (folder / planned.kept.correction.correction_id).iterdir()} == page
    assert len(before.quarter.events("correction_applied")) == len(before.quarter.events("request_acknowledged")) == 1
    with pytest.raises(Refused, match="has a recorded correction, with other lines"):
        before.plan(f"not_our_patient,claims,pdc_statins,{before.persons[0]},,,,,,,,")

    (before.site.store / "corrections" / f"{planned.kept.correction.correction_id}.duckdb").unlink()
    with pytest.raises(Findings, match="is not in the store"):
        before.not_ours()


def test_a_corrected_provider_whose_first_report_came_back_gets_the_page_with_60_days_of_its_own(
    upheld: Upheld,
) -> None:
    quarter, again = upheld.quarter, upheld.quarter.day(30)
    quarter.done("review", "bounce", "--cycle", CYCLE, "--provider", UNIT, on=quarter.day(24))
    told = quarter.done("review", "send", "--cycle", CYCLE, "--provider", UNIT, on=quarter.day(25)).data
    assert told["sent"] == []
    ((unit_id, why),) = [(one["unit_id"], one["why"]) for one in told["not_sendable"]]
    assert (unit_id, "print it with dates of its own" in why) == (UNIT, True)
    quarter.done("run", "--cycle", CYCLE, "--send-on", again.isoformat(), on=again)
    sent = quarter.done("review", "send", "--cycle", CYCLE, "--provider", UNIT, on=again).data
    assert sent["sent"] == [{"unit_id": UNIT, "channel": "mail", "sent_on": again.isoformat()}]
    event = quarter.events("report_sent")[-1]["payload"]
    assert event["public_from"] == (again + timedelta(days=61)).isoformat()
    assert event["result_sha256"] == quarter.events("correction_applied")[-1]["payload"]["after_sha256"]
    (folder,) = (quarter.root / "out" / "outbox" / again.isoformat() / "mail").glob(f"*{UNIT}-corrected-*")
    text = " ".join(texts_of("report.pdf", (folder / "report.pdf").read_bytes()))
    assert f"sent {again.day} {again:%B %Y}" in " ".join(text.split())
    letter = " ".join((folder / "letter.txt").read_text().split())
    assert "with the correction that you asked for" in letter
    assert "stay as they were" not in letter


def test_an_event_of_another_unit_too_is_told_with_whom_it_reaches(before: Upheld) -> None:
    """Moved to the other group its case is that group's; left out by a rule it is left out of the clinician's as well."""
    rows = before.detail().filter("in_denominator").sort("event_id")
    person, claims = rows["event_id"][0], rows["driving_claim_ids"][0]
    moved = before.plan(f"wrong_clinician_or_site,roster,pdc_statins,,{person},{OTHER},,,,,,")
    assert [(one.unit_id, one.measures) for one in moved.reached] == [(OTHER, ("pdc_statins",))]
    clinicians = (
        Workspace(before.site)
        .detail("pdc_statins")
        .filter((pl.col("event_id") == person) & (pl.col("level") == "clinician"))
    )
    excluded = before.plan(f"missed_exclusion,claims,pdc_statins,,{person},,R6,fill:{claims[0]},,,,")
    assert {one.unit_id for one in excluded.reached} == set(clinicians["provider_id"])
    assert by_what(excluded.printed, "pdc_statins")["left out by R6"][1] != ""


def test_lines_that_do_not_fit_the_run_are_told_all_at_once(before: Upheld) -> None:
    rows = before.detail().filter("in_denominator").sort("event_id")
    person, own = rows["event_id"][0], rows["driving_claim_ids"][0][0]
    with pytest.raises(InputError) as told:
        before.plan(
            "not_our_patient,claims,pdc_statins,,no-such,,,,,,,",
            f"missed_exclusion,claims,pdc_statins,,{person},,R99,fill:{own},,,,",
            f"missed_exclusion,claims,pdc_statins,,{person},,R6,no-such-claim,,,,",
            f"not_our_patient,claims,mspb_like,,{person},,,,,,,",
        )
    assert [fault.place for fault in told.value.faults] == [
        "line 2, event_id", "line 3, rule_id", "line 4, claim_ids", "line 5, measure_id",
    ]  # fmt: skip
    with pytest.raises(InputError, match="is no other unit of the same level"):
        before.plan(f"wrong_clinician_or_site,claims,pdc_statins,,{person},U000002,,,,,,")
    with pytest.raises(Refused, match="chart evidence never overrides a standard measure's data source"):
        before.plan(f"not_our_patient,chart,pdc_statins,,{person},,,,,,,")
    with pytest.raises(Refused, match="is confirmed as handed over to U000048"):
        before.plan(f"not_our_patient,claims,all,{person},,,,,,,,", unit_id="U000048")


def test_what_changed_since_the_reports_were_sent_is_not_corrected_along(before: Upheld) -> None:
    """Another setting would move figures that nobody asked about; without the claims of the run there is nothing to count."""
    settings = before.quarter.root / "qe.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(f"{text}\n[attribution]\nwindow_months = 6\n", encoding="utf-8")
    row = f"not_our_patient,claims,pdc_statins,{before.persons[0]},,,,,,,,"
    changed = replace(before, site=open_site(before.quarter.root))
    with pytest.raises(
        MeasureError, match="pdc_statins: the events of the run that was sent cannot be worked out again"
    ):
        changed.plan(row)
    run_id = before.quarter.events("run_completed")[0]["payload"]["run_id"]
    model = model_path(before.site, run_of(before.site, run_id).manifest()["claims_model"])
    model.rename(model.with_suffix(".away"))
    with pytest.raises(InputError, match=f"the claims model of run {run_id} is not in the store"):
        before.plan(row)
    model.with_suffix(".away").rename(model)
    results = before.site.runs / run_id / "results" / "measure_results.parquet"
    pl.read_parquet(results).head(5).write_parquet(results)
    with pytest.raises(Findings, match="are not those recorded in the ledger"):
        before.plan(row)


def test_a_corrected_name_stands_on_the_new_page_and_in_public(before: Upheld) -> None:
    name = "Corrected Medical Group"
    planned = before.plan(f"provider_details,roster,,,,,,,name,{name},2025-01-01,")
    assert [(one.what, one.after) for one in planned.printed] == [("name", name)]
    assert planned.exact == ()
    before.record(planned)
    again = before.plan(f"provider_details,roster,,,,,,,name,{name},2025-01-01,")
    assert (again.is_recorded, again.printed) == (True, planned.printed)
    facts = state_as_of(Ledger(before.site.ledger, zone=before.site.settings.site.zone), before.asked_on)
    units = frozenset({UNIT})
    run_id = planned.kept.correction.run_id
    public, _ = workflow.build_public(
        before.site, run_id=run_id, cycle=CYCLE, units=units, published_on=facts.on, posting=()
    )
    assert {row.provider_name for row in public.results} == {name}
    shown = {row.measure_id for row in public.results if row.note_code is None}
    left_out = frozenset({(UNIT, "pdc_statins"), (OTHER, "hwr")})
    withheld, _ = workflow.build_public(
        before.site, run_id=run_id, cycle=CYCLE, units=units, published_on=facts.on, posting=(), withheld=left_out
    )
    assert "pdc_statins" in shown
    assert {row.measure_id for row in withheld.results if row.note_code is None} == shown - {"pdc_statins"}
    (row,) = (one for one in withheld.results if one.measure_id == "pdc_statins")
    assert (row.denominator, row.rate, row.ci_low, row.ci_high, row.category) == (None,) * 5
    assert withheld.findings == ()
