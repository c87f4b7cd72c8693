"""`qe explain` as a person reads it: the attribution rule and each rule in words, and counts that read right."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import typer
from typer.testing import CliRunner

from qe.cli import explain as explain_command
from qe.cli.output import Outcome
from qe.periods import ReportingPeriod
from qe.reports.facts import MeasureFacts, ReportFacts
from qe.run_record import write_facts
from qe.runs import Run
from qe.trace import Trail

METHOD = """# Readmission: method

- **R1** A stay at an acute hospital. Any payer.
- **R5** Younger than `min_age` (18). By the calendar.
"""
HWR = MeasureFacts(
    measure_id="hwr",
    module="hwr",
    version="1.0.0",
    name="Unplanned readmission",
    category="Hospital stays",
    why_it_matters="",
    direction="lower",
    kind="proportion",
    unit="stay",
    standing="alternative",
    deviations=(),
    steward="",
    specification="",
    classes=("quality",),
    attribution="index_facility, retrospective",
    attribution_method="index_facility",
    risk_adjustment="",
    interval="",
    minimum_denominator=25,
    method=METHOD,
    approved_on=None,
)
PDC = replace(HWR, measure_id="pdc_statins", module="pdc_statins", attribution_method="mssp_step")


def event(event_id: str, *, is_in: bool) -> dict[str, Any]:
    return {
        "measure_id": "hwr",
        "event_id": event_id,
        "person_id": "17",
        "index_date": date(2025, 2, 9),
        "in_denominator": is_in,
        "in_numerator": False,
        "exclusion_reasons": [] if is_in else ["R5"],
        "rule_ids": ["R1"] if is_in else ["R1", "R5"],
        "driving_claim_ids": ["4"],
    }


def credit(method: str, *, step: int, visits: int, share: str, runner_up_id: str | None) -> dict[str, Any]:
    return {
        "person_id": "17",
        "method": method,
        "step": step,
        "visits": visits,
        "share": Decimal(share),
        "last_service_date": date(2025, 2, 9),
        "runner_up_id": runner_up_id,
    }


CLAIM = {
    "kind": "claim", "asked_id": "4", "relation": "itself", "claim_id": "4", "source_id": "medicare",
    "claim_type": "inpatient", "start_date": date(2025, 2, 3), "end_date": date(2025, 2, 9),
    "allowed_amount": Decimal("120.00"), "paid_amount": Decimal("100.00"), "paid_status": "paid",
}  # fmt: skip
TRAIL = Trail(
    claims=pl.DataFrame(
        [
            {"event_id": "5", "kind": "claim", "claim_id": "4", "use": "counted", "amount": Decimal("120.00"),
             "part": "inpatient"}
        ]
    ),
    claims_of=31,
    amount=Decimal("4120.50"),
    records=pl.DataFrame([CLAIM, CLAIM | {"relation": "version", "claim_id": "4-1"}]),
    lines=pl.DataFrame(
        [
            {"kind": "claim", "claim_id": "4", "source_id": "medicare", "file": "2025-08-01/inpatient.csv.gz",
             "fate": "kept", "lines": [12, 13, 14, 20]},
            {"kind": "claim", "claim_id": "4-1", "source_id": "medicare", "file": "2025-05-01/inpatient.csv.gz",
             "fate": "superseded", "lines": [7]},
        ]
    ),
)  # fmt: skip


@pytest.fixture
def finished(tmp_path: Path) -> Run:
    run = Run(run_id="a" * 16, folder=tmp_path / "runs" / ("a" * 16))
    run.folder.mkdir(parents=True)
    facts = ReportFacts(
        organisation="Example Quality",
        contact="desk@example.org",
        rehearsal=True,
        areas=("OH",),
        period=ReportingPeriod(label="2025Q4", start=date(2025, 10, 1), end=date(2025, 12, 31), run_out_days=90),
        cycle="",
        run_id=run.run_id,
        software_version="0.1.0",
        data_through=date(2026, 3, 31),
        measures=(HWR, PDC),
        sources=(),
        inputs_sha256={},
        linkage=(),
        settings=(),
        model=(),
    )
    write_facts(run, facts)
    return run


def said(
    measure: str,
    *words: str,
    run: Run,
    events: list[dict[str, Any]],
    credits: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    corrections: Sequence[dict[str, Any]] = (),
) -> str:
    """What the command prints about a run with these detail rows."""

    class Opened:
        def __init__(self, site: object) -> None: ...

        def run(self, period: str | None) -> Run:
            return run

        def unit_id(self, name_or_id: str, *, period: str | None) -> str:
            return "U000001"

        def results(self, period: str | None) -> pl.DataFrame:
            return pl.DataFrame(schema=dict.fromkeys(["measure_id", "level", "provider_id"], pl.String))

        def follow(self, measure: str, rows: pl.DataFrame, **_: object) -> Trail:
            return TRAIL

        def explain(self, measure: str, unit_id: str, **_: object) -> pl.DataFrame:
            return pl.DataFrame(events, schema_overrides={"exclusion_reasons": pl.List(pl.String)})

        def attribution(self, measure: str, unit_id: str, *, period: str | None) -> pl.DataFrame:
            return pl.DataFrame(credits, schema_overrides={"runner_up_id": pl.String})

        def corrections(self, measure: str, unit_id: str, *, period: str | None) -> pl.DataFrame:
            return pl.DataFrame(corrections)

    monkeypatch.setattr(explain_command, "Workspace", Opened)
    monkeypatch.setattr(Outcome, "open_site", lambda outcome, path: None)
    app = typer.Typer()
    app.command("explain")(explain_command.explain)
    found = CliRunner().invoke(app, [measure, "U000001", *words])
    assert found.exit_code == 0
    return found.stdout


def test_a_hospitals_stays_are_explained_with_the_attribution_rule_and_the_rules_that_left_any_out(
    finished: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [event("4", is_in=True), event("5", is_in=False)]
    credits = [credit("index_facility", step=1, visits=1, share="1", runner_up_id=None)]
    lines = said("hwr", run=finished, events=events, credits=credits, monkeypatch=monkeypatch).splitlines()
    assert lines[:4] == [
        "Unplanned readmission (hwr), U000001: 2 events considered",
        "  attribution: A stay is credited to the hospital that discharged the person; of a chain of transfers, to the last.",
        "  in the denominator: 1; in the numerator: 0",
        "  out by R5: 1. Younger than min_age (18).",
    ]
    assert "Events: 2 of 2" in lines
    assert lines[-1] == "  --person, --event or --claims: the claims behind them, with file and line."


def test_what_corrections_decided_is_told_in_words(finished: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"correction_id": "0e722e2513c3fe05", "line": 2, "event_id": "5", "rule_id": "R5", "belongs_to": ""}
    corrections = [
        row | {"kind": "missed_exclusion", "outcome": "applied"},
        row | {"kind": "not_our_patient", "outcome": "no_such_event", "event_id": "9", "rule_id": ""},
    ]
    events = [event("4", is_in=True), event("5", is_in=False)]
    text = said("hwr", run=finished, events=events, credits=[], monkeypatch=monkeypatch, corrections=corrections)
    told = " ".join(text.replace("│", " ").split())
    assert "Upheld corrections" in text
    assert "0e722e2513c3fe05 2 missed exclusion 5 R5 decides it" in told
    assert "not our patient 9 its event is no longer in the data" in told


def test_one_stay_of_a_person_is_one_stay_and_each_rule_is_told(finished: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    credits = [credit("index_facility", step=1, visits=1, share="1", runner_up_id=None)]
    text = said(
        "hwr",
        "--person",
        "17",
        run=finished,
        events=[event("5", is_in=False)],
        credits=credits,
        monkeypatch=monkeypatch,
    )
    assert "U000001: 1 event considered" in text
    assert (
        "  credited: discharged by this hospital; 1 stay, share 100.0%, last service 2025-02-09, runner-up none\n"
        in text
    )
    assert text.endswith("  R1: A stay at an acute hospital.\n  R5: Younger than min_age (18).\n")


@pytest.mark.parametrize(("visits", "counted"), [(1, "1 visit,"), (5, "5 visits,")])
def test_visits_are_counted_in_the_words_of_the_step_that_decided(
    finished: Run, monkeypatch: pytest.MonkeyPatch, visits: int, counted: str
) -> None:
    credits = [credit("mssp_step", step=2, visits=visits, share="0.849", runner_up_id="U000076")]
    events = [event("17", is_in=True)]
    text = said("pdc_statins", "--person", "17", run=finished, events=events, credits=credits, monkeypatch=monkeypatch)
    assert "  attribution: A person is credited to the group that gave most of the person's primary care" in text
    assert f"credited: step 2: primary care services by a specialist; {counted} share 84.9%" in text
    assert "runner-up U000076" in text
    assert "mssp_step" not in text


def test_the_claims_behind_an_event_are_told_with_their_sum_and_the_lines_of_each_version(
    finished: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    credits = [credit("index_facility", step=1, visits=1, share="1", runner_up_id=None)]
    text = said(
        "hwr", "--event", "5", run=finished, events=[event("5", is_in=True)], credits=credits, monkeypatch=monkeypatch
    )
    assert "Claims: 1 of 31; all 31 add up to 4,120.50" in text
    told = [[cell.strip() for cell in line.split("│")] for line in text.splitlines() if "inpatient.csv.gz" in line]
    assert [(row[1], row[2], row[7], row[8], row[9]) for row in told] == [
        ("the claim", "4", "2025-08-01/inpatient.csv.gz", "12-14, 20", "kept"),
        ("earlier version", "4-1", "2025-05-01/inpatient.csv.gz", "7", "superseded"),
    ]


@pytest.mark.parametrize(
    ("numbers", "text"), [([], ""), ([7], "7"), ([7, 8], "7-8"), ([2, 3, 4, 9, 11, 12], "2-4, 9, 11-12")]
)
def test_line_numbers_in_a_row_are_told_as_a_span(numbers: list[int], text: str) -> None:
    assert explain_command.spans(numbers) == text
