"""A fault that reaches others: issued again, from a new run, to exactly those whose figures move as printed."""

import csv
import io
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.workflow.conftest import CYCLE, Quarter
from tests.workflow.test_corrections import OTHER, UNIT, upheld_in

NEW_CYCLE = "2025Q4-2"
AGAIN = 30  # the day on which it is issued again, counted from the first sends
PRINTED = {"observed": 3, "ci_low": 3, "ci_high": 3, "ratio": 2}  # decimals: 12.3 % and 1.04 on a page of a proportion


@pytest.fixture(scope="module")
def made_again(made: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """UNIT was upheld: one of its persons is OTHER's. A new run applies that, and the cycle is issued again from it."""
    root = tmp_path_factory.mktemp("reissue") / "site"
    shutil.copytree(made.sent, root)
    one = upheld_in(root)
    one.record(one.plan(f"wrong_clinician_or_site,roster,pdc_statins,,{one.persons[0]},{OTHER},,,,,,"))
    quarter, day = one.quarter, one.quarter.day(AGAIN)
    quarter.done("run", "--reissue", "--send-on", day.isoformat(), on=day)
    words = ("review", "reissue", "--cycle", CYCLE, "--why", "correction_reaches_others")
    rehearsed = quarter.done(*words, "--dry-run", on=day).data
    assert quarter.events("cycle_reissued") == []
    assert [one["unit_id"] for one in rehearsed["moved"]] == [OTHER]
    done = quarter.done(*words, on=day).data
    assert done["moved"] == rehearsed["moved"]
    return root


@pytest.fixture
def again(made_again: Path, copy_of: Any) -> Quarter:
    quarter: Quarter = copy_of(made_again)
    return quarter


def send_corrected(quarter: Quarter) -> None:
    """The page of the provider whose own request was upheld."""
    day, cycle = quarter.day(AGAIN), ("--cycle", CYCLE)
    quarter.done("review", "send", *cycle, "--provider", UNIT, on=day)
    hand_over(quarter, CYCLE, UNIT)


def hand_over(quarter: Quarter, cycle: str, unit_id: str) -> None:
    evidence = quarter.root.parent / "receipt.txt"
    evidence.write_text("handed over")
    day = quarter.day(AGAIN)
    words = ("--provider", unit_id, "--on", day.isoformat(), "--evidence", str(evidence))
    quarter.done("review", "confirm", "--cycle", cycle, *words, on=day)


def public_rows(quarter: Quarter, release_id: str) -> dict[tuple[str, str], dict[str, str]]:
    text = quarter.files("public")[f"{release_id}/data/results.csv"].decode()
    rows = csv.DictReader(io.StringIO(text))
    return {(row["measure_id"], row["public_id"]): row for row in rows if row["level"] != "area"}


def publish(quarter: Quarter, cycle: str, day: int) -> dict[tuple[str, str], dict[str, str]]:
    on, words = quarter.day(day), ("--cycle", cycle)
    quarter.done("review", "notice", *words, on=on - timedelta(days=5))
    quarter.done("release", "plan", *words, on=on)
    quarter.done("release", "approve", *words, "--actor", "officer", on=on)
    quarter.done("release", "go", *words, on=on)
    return public_rows(quarter, cycle)


def test_those_and_only_those_whose_printed_figures_differ_between_the_runs(again: Quarter) -> None:
    """Worked from the two tables of results alone. The corrected provider's own figures moved, but it was shown them already."""
    old, new = (one["payload"]["run_id"] for one in again.events("run_completed"))
    frames = []
    for run_id in (old, new):
        rows = pl.read_parquet(again.root / "runs" / run_id / "results" / "measure_results.parquet")
        own = rows.select(
            "measure_id", "level", "provider_id", "payer_scope", "denominator", "numerator", "category",
            *(pl.col(name).round(digits) for name, digits in PRINTED.items()),
        )  # fmt: skip
        frames.append(own.filter(pl.col("measure_id").is_in(["pdc_statins", "hwr"])))
    columns = frames[0].columns
    differing = frames[0].join(frames[1], on=columns, how="anti", nulls_equal=True)
    assert set(differing["provider_id"]) == {UNIT, OTHER}
    (event,) = again.events("cycle_reissued")
    assert event["payload"] == {
        "cycle": CYCLE, "new_cycle": NEW_CYCLE, "run_id": new, "units": [OTHER], "reason": "correction_reaches_others",
    }  # fmt: skip


def test_the_new_cycle_is_sent_to_them_alone_with_new_dates_and_the_old_one_no_longer(again: Quarter) -> None:
    day = again.day(AGAIN)
    refused = again("review", "send", "--cycle", CYCLE, "--provider", OTHER, on=day)
    assert refused.exit_code == 2
    assert "the cycle has no report for this unit" in refused.stdout
    sent = again.done("review", "send", "--cycle", NEW_CYCLE, on=day).data
    assert [one["unit_id"] for one in sent["sent"]] == [OTHER]
    event = again.events("report_sent")[-1]["payload"]
    assert (event["cycle"], event["sent_on"]) == (NEW_CYCLE, day.isoformat())
    assert event["public_from"] == (day + timedelta(days=61)).isoformat()
    second = again.done("review", "reissue", "--cycle", CYCLE, "--why", "error_found", on=day).data
    assert (second["was_recorded"], second["units"]) == (True, [OTHER])
    assert len(again.events("cycle_reissued")) == 1


def test_the_others_are_published_without_them_and_they_after_their_own_60_days(again: Quarter) -> None:
    send_corrected(again)
    first = publish(again, CYCLE, 61)
    assert OTHER not in {unit for _, unit in first}
    assert UNIT in {unit for _, unit in first}
    waiting = again("release", "plan", "--cycle", CYCLE, on=again.day(61)).data["waiting"]
    assert (OTHER, f"issued again in {NEW_CYCLE}") in [(one["unit_id"], one["why"]) for one in waiting]

    again.done("review", "send", "--cycle", NEW_CYCLE, on=again.day(AGAIN))
    hand_over(again, NEW_CYCLE, OTHER)
    early = again("release", "go", "--cycle", NEW_CYCLE, on=again.day(AGAIN + 60))
    assert early.exit_code == 3
    second = publish(again, NEW_CYCLE, AGAIN + 61)
    assert {unit for _, unit in second} == {OTHER}
    told = again.done("review", "notice", "--cycle", CYCLE, on=again.day(62)).data["noticed"]
    assert {one["kind"] for one in told} == {"published_notice"}
    assert OTHER not in {one["unit_id"] for one in told}


def test_files_staged_and_approved_before_it_are_refused(ready: Quarter) -> None:
    """An officer approved on day 50; on day 52 the cycle is issued again to one of those in the files."""
    one = upheld_in(ready.root)
    day = ready.day(52)
    one.record(one.plan(f"wrong_clinician_or_site,roster,pdc_statins,,{one.persons[0]},{OTHER},,,,,,", on=day))
    ready.done("run", "--reissue", "--send-on", day.isoformat(), on=day)
    ready.done("review", "reissue", "--cycle", CYCLE, "--why", "correction_reaches_others", on=day)
    refused = ready.go(ready.day(61)).failing()["G10"]
    assert f"{OTHER}: issued again in {NEW_CYCLE}: what was sent no longer counts (plan again)" in refused["fact"]


def test_what_cannot_be_issued_again_is_told_with_its_remedy(made: Any, copy_of: Any) -> None:
    quarter: Quarter = copy_of(made.sent)
    words = ("review", "reissue", "--why", "error_found", "--cycle")
    no_run = quarter(*words, CYCLE, on=quarter.day(AGAIN))
    assert no_run.exit_code == 2
    assert "no finished run of 2025Q4 is there beside the one that was sent" in no_run.stdout
    assert "qe run --reissue" in no_run.stdout
    never = quarter(*words, NEW_CYCLE, on=quarter.day(AGAIN))
    assert never.exit_code == 3
    assert "there is nothing to issue again" in never.stdout
    (own,) = quarter.events("run_completed")
    itself = quarter(*words, CYCLE, "--run", own["payload"]["run_id"], on=quarter.day(AGAIN))
    assert itself.exit_code == 2
    assert "which was sent to everybody" in itself.stdout
    unknown = quarter(*words, CYCLE, "--run", "f" * 16, on=quarter.day(AGAIN))
    assert unknown.exit_code == 2
    assert "is no finished run of 2025Q4" in unknown.stdout
