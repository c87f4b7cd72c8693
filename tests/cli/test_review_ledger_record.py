"""`qe record`, `qe ledger` and `qe review` as a person types them: exit codes, the one JSON object, what is written."""

import hashlib
import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import typer
from typer.testing import CliRunner

from qe import store
from qe.cli import ledger as ledger_commands
from qe.cli import record as record_command
from qe.cli import review as review_commands
from qe.cli.output import utc_now
from qe.ledger.book import Ledger
from qe.periods import quarter
from qe.release.contacts import write_contacts
from qe.release.lineage import LineageSource, MeasureAtLevel, RunLineage, record_run
from qe.release.rehearsal import record_rehearsal_facts
from qe.reports.facts import ReportFacts
from qe.run_record import write_facts
from qe.runs import Run, file_sha256
from qe.site import Site, open_site

SETTINGS = """
[site]
name = "rehearsal-site"
rehearsal = true
[entity]
organisation = "Example Quality"
contact = "desk@example.org"
areas = ["OH"]
[periods."2025Q4"]
end = 2025-12-31
run_out_days = 90
[sources.medicare]
kind = "ccw-rif"
path = "inbox/medicare"
payer_id = "CMS"
payer_type = "medicare"
start = 2024-01-01
end = 2025-12-31
[linkage]
passes = ["mbi"]
[peers]
by = ["area"]
min_peers = 10
[scoring]
fdr_q = 0.05
confidence = 0.95
achievable_share = 0.10
[disclosure]
hide_small_from_provider = false
"""
SENT_ON = date(2026, 3, 2)
UNIT = "U000001"

Say = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setenv("QE_KEY", store.new_key().hex_digits)
    monkeypatch.setenv("QE_VAULT_KEY", store.new_key().hex_digits)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "qe.toml").write_text(SETTINGS)
    return open_site(tmp_path / "site")


@pytest.fixture
def say(site: Site) -> Say:
    """Run one command on the site with --json; give its exit code and its object."""
    app = typer.Typer()
    app.add_typer(ledger_commands.app, name="ledger")
    app.add_typer(review_commands.app, name="review")
    app.command("record")(record_command.record)

    def run(*words: str) -> tuple[int, dict[str, Any]]:
        result = CliRunner().invoke(app, [*words, "--site", str(site.root), "--json"])
        answer: dict[str, Any] = json.loads(result.stdout)
        assert answer["exit_code"] == result.exit_code
        return result.exit_code, answer

    return run


@pytest.fixture
def finished_run(site: Site) -> Run:
    """One run with one group, its report rendered for 2 March 2026."""
    ledger = Ledger(site.ledger, zone=site.settings.site.zone)
    approved = [MeasureAtLevel(measure_id="pdc_statins", version="1.0.0", level="group")]
    record_rehearsal_facts(
        ledger,
        organisation="Example Quality",
        sources=["medicare", "plan_a"],
        measures=approved,
        approved_on=date(2025, 7, 1),
        at=utc_now(),
        actor="officer",
    )
    run = Run(run_id="a" * 16, folder=site.runs / ("a" * 16))
    run.start()
    pl.DataFrame({"run": [run.run_id]}).write_parquet(run.results / "measure_results.parquet")
    unit = {
        "unit_id": UNIT, "level": "group", "id_type": "TIN", "identifier": UNIT, "name": "Elm Group", "role": "supplier",
        "provider_type": "group", "specialty": "11", "zip5": "43001", "county_fips": "39049",
    }  # fmt: skip
    pl.DataFrame([unit]).write_parquet(run.results / "unit.parquet")
    write_facts(
        run,
        ReportFacts(
            organisation="Example Quality",
            contact="desk@example.org",
            rehearsal=True,
            areas=("OH",),
            period=quarter("2025Q4", end=date(2025, 12, 31), run_out_days=90),
            cycle="",
            run_id=run.run_id,
            software_version="0",
            data_through=date(2026, 3, 31),
            measures=(),
            sources=(),
            inputs_sha256={},
            linkage=(),
            settings=(),
            model=(),
            **({"ledger_head": ""} if "ledger_head" in ReportFacts.__dataclass_fields__ else {}),
        ),
    )
    run.finish({"run_id": run.run_id})
    _render(run)
    record_run(
        ledger,
        RunLineage(
            run_id=run.run_id,
            period="2025Q4",
            manifest_sha256=file_sha256(run.manifest_file),
            results_sha256=file_sha256(run.results / "measure_results.parquet"),
            sources=(
                LineageSource(source_id="medicare", payer_type="medicare"),
                LineageSource(source_id="plan_a", payer_type="commercial"),
            ),
            measures=tuple(approved),
        ),
        on=date(2026, 2, 20),
        at=utc_now(),
        actor="analyst",
    )
    contact = {
        "unit_id": UNIT, "channel": "mail", "address": "1 Elm Street", "age_recipient": None, "zone": "America/Chicago",
        "valid_from": None, "valid_to": None,
    }  # fmt: skip
    write_contacts(
        path=site.store / "contacts.duckdb",
        key=site.vault_key(),
        engine=site.engine(),
        contacts=pl.DataFrame([contact]),
    )
    return run


def _render(run: Run) -> None:
    folder = run.reports(SENT_ON.isoformat())
    folder.mkdir(parents=True)
    stem = f"group-2025Q4-1-{UNIT}"
    (folder / f"{stem}.pdf").write_bytes(b"pdf")
    (folder / f"{stem}.csv").write_bytes(b"csv")
    entry = {
        "unit_id": UNIT,
        "level": "group",
        "report_id": f"2025Q4-1-{UNIT}",
        "pdf": f"{stem}.pdf",
        "csv": f"{stem}.csv",
        "pdf_sha256": hashlib.sha256(b"pdf").hexdigest(),
        "csv_sha256": hashlib.sha256(b"csv").hexdigest(),
        "sent_on": "2026-03-02",
        "last_request_day": "2026-05-01",
        "public_from": "2026-05-02",
        "zone": "America/Chicago",
        "template_sha256": "0" * 64,
        "result_sha256": "1" * 64,
    }
    (folder / "reports.json").write_text(json.dumps([entry]))


def test_a_fact_is_recorded_shown_and_taken_back(say: Say) -> None:
    code, recorded = say("record", "entity_approved", "approved_on=2026-01-05", "--effective-on", "2026-01-05")
    assert (code, recorded["data"]["seq"]) == (0, 1)
    event_id = recorded["data"]["event_id"]
    assert say("record", "fact_retracted", f"retracts={event_id}", "--effective-on", "2026-01-06")[0] == 0
    code, shown = say("ledger", "show")
    assert [(one["kind"], one["retracts"]) for one in shown["data"]["events"]] == [
        ("entity_approved", None),
        ("fact_retracted", event_id),
    ]


def test_the_evidence_of_a_fact_is_kept_as_its_digest(say: Say, tmp_path: Path) -> None:
    letter = tmp_path / "letter.pdf"
    letter.write_bytes(b"approved")
    words = ("entity_approved", "approved_on=2026-01-05", "--effective-on", "2026-01-05", "--evidence", str(letter))
    assert say("record", *words)[0] == 0
    _, shown = say("ledger", "show", "--kind", "entity_approved")
    assert shown["data"]["events"][0]["evidence_sha256"] == hashlib.sha256(b"approved").hexdigest()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["entity_approved", "approved_on=tomorrow", "--effective-on", "2026-01-05"], 2),
        (["entity_approved", "approved_on=2026-01-05"], 2),
        (["entity_approved", "approved_on", "--effective-on", "2026-01-05"], 2),
        (["no_such_event", "--effective-on", "2026-01-05"], 2),
        (["public_released", "--effective-on", "2026-01-05"], 2),
        (["fact_retracted", "retracts=unknown", "--effective-on", "2026-01-05"], 2),
    ],
)
def test_a_wrong_record_is_exit_2_and_writes_nothing(say: Say, site: Site, words: list[str], code: int) -> None:
    assert say("record", *words)[0] == code
    assert Ledger(site.ledger, zone="UTC").events() == ()


def test_a_dry_record_checks_and_writes_nothing(say: Say, site: Site) -> None:
    words = ["entity_approved", "approved_on=2026-01-05", "--effective-on", "2026-01-05", "--dry-run"]
    code, answer = say("record", *words)
    assert (code, answer["data"]["recorded"], site.ledger.exists()) == (0, False, False)


def test_one_account_is_one_actor_outside_a_rehearsal(say: Say, site: Site) -> None:
    (site.root / "qe.toml").write_text(SETTINGS.replace("rehearsal = true", "rehearsal = false"))
    words = ["record", "entity_approved", "approved_on=2026-01-05", "--effective-on"]
    assert say(*words, "2026-01-05", "--actor", "officer")[0] == 0
    code, answer = say(*words, "2026-01-06", "--actor", "analyst")
    assert (code, [one["rule"] for one in answer["reasons"]]) == (3, ["G18"])


def test_as_of_is_for_rehearsals_only(say: Say, site: Site) -> None:
    (site.root / "qe.toml").write_text(SETTINGS.replace("rehearsal = true", "rehearsal = false"))
    assert say("review", "status", "--cycle", "2025Q4-1", "--as-of", "2026-03-02")[0] == 2


def test_a_whole_ledger_is_exit_0_and_a_cut_one_is_exit_1(say: Say, site: Site) -> None:
    say("record", "entity_approved", "approved_on=2026-01-05", "--effective-on", "2026-01-05")
    code, answer = say("ledger", "verify")
    head = answer["data"]["head"]
    assert (code, answer["data"]["events"], say("ledger", "verify", "--head", head)[0]) == (0, 1, 0)
    code, answer = say("ledger", "verify", "--head", "0" * 63 + "1")
    assert (code, answer["faults"][0]["code"]) == (1, "head-unknown")
    site.ledger.unlink()
    assert say("ledger", "verify")[0] == 1


def test_an_export_is_one_object_a_line(say: Say, tmp_path: Path) -> None:
    say("record", "entity_approved", "approved_on=2026-01-05", "--effective-on", "2026-01-05")
    out = tmp_path / "events.jsonl"
    assert say("ledger", "export", "--out", str(out))[0] == 0
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(one["seq"], one["kind"], one["payload"]) for one in lines] == [
        (1, "entity_approved", {"approved_on": "2026-01-05"})
    ]
    assert say("ledger", "export", "--out", str(out))[0] == 2


def test_a_cycle_is_sent_confirmed_and_noticed(say: Say, site: Site, finished_run: Run, tmp_path: Path) -> None:
    receipt = tmp_path / "receipt.txt"
    receipt.write_bytes(b"receipt")
    cycle = ["--cycle", "2025Q4-1"]
    code, sent = say("review", "send", *cycle, "--as-of", "2026-03-02")
    assert (code, [one["unit_id"] for one in sent["data"]["sent"]]) == (0, [UNIT])
    letter = site.outbox / "2026-03-02" / "mail" / f"group-2025Q4-1-{UNIT}" / "letter.txt"
    assert "Results public on    2026-05-02, after 2026-05-01" in letter.read_text()
    handed = ["--provider", UNIT, "--on", "2026-03-02", "--evidence", str(receipt)]
    code, confirmed = say("review", "confirm", *cycle, *handed, "--as-of", "2026-03-02")
    assert (code, confirmed["data"]["confirmed"]) == (0, [{"unit_id": UNIT, "on": "2026-03-02"}])
    code, noticed = say("review", "notice", *cycle, "--as-of", "2026-04-20")
    assert (code, noticed["data"]["noticed"]) == (0, [{"unit_id": UNIT, "public_on": "2026-05-02"}])
    code, status = say("review", "status", *cycle, "--as-of", "2026-04-21")
    assert status["data"]["units"] == [
        {
            "unit_id": UNIT,
            "state": "confirmed",
            "sent_on": "2026-03-02",
            "last_request_day": "2026-05-01",
            "public_from": "2026-05-02",
            "days_left": 10,
            "is_noticed": True,
            "open_requests": 0,
        }
    ]


def test_a_hand_over_after_the_printed_date_is_exit_3_naming_send_on(
    say: Say, finished_run: Run, tmp_path: Path
) -> None:
    receipt = tmp_path / "receipt.txt"
    receipt.write_bytes(b"receipt")
    say("review", "send", "--cycle", "2025Q4-1", "--as-of", "2026-03-02")
    words = ["--provider", UNIT, "--on", "2026-03-05", "--evidence", str(receipt), "--as-of", "2026-03-05"]
    code, answer = say("review", "confirm", "--cycle", "2025Q4-1", *words)
    assert (code, answer["reasons"][0]["rule"]) == (3, "G10")
    assert "qe run --send-on" in answer["faults"][0]["remedy"]


def test_a_dry_send_writes_nothing(say: Say, site: Site, finished_run: Run) -> None:
    before = Ledger(site.ledger, zone="UTC").head()
    code, answer = say("review", "send", "--cycle", "2025Q4-1", "--as-of", "2026-03-02", "--dry-run")
    assert (code, len(answer["data"]["sent"]), site.outbox.exists()) == (0, 1, False)
    assert Ledger(site.ledger, zone="UTC").head() == before


def test_a_bounced_report_has_no_clock(say: Say, finished_run: Run, tmp_path: Path) -> None:
    cycle = ["--cycle", "2025Q4-1"]
    say("review", "send", *cycle, "--as-of", "2026-03-02")
    assert say("review", "bounce", *cycle, "--provider", UNIT, "--as-of", "2026-03-04")[0] == 0
    day = (SENT_ON + timedelta(days=2)).isoformat()
    _, status = say("review", "status", *cycle, "--as-of", day)
    assert [(one["state"], one["public_from"]) for one in status["data"]["units"]] == [("failed", None)]


@pytest.mark.parametrize("cycle", ["2025Q4", "2025Q4-0", "Q4-1", "2026Q1-1"])
def test_a_cycle_that_is_none_is_exit_2(say: Say, finished_run: Run, cycle: str) -> None:
    assert say("review", "send", "--cycle", cycle, "--as-of", "2026-03-02")[0] == 2
