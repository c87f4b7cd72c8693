"""`qe record`, `qe ledger`, `qe review` and `qe release` as a person types them: exit codes, the JSON object, what is written."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import typer
from typer.testing import CliRunner

from qe import store, workflow
from qe.cli import ledger as ledger_commands
from qe.cli import record as record_command
from qe.cli import release as release_commands
from qe.cli import review as review_commands
from qe.cli.output import utc_now
from qe.disclosure.results import PublicRelease
from qe.ledger.book import Ledger
from qe.ledger.event import NewEvent
from qe.ledger.signing import read_statement
from qe.release.contacts import write_contacts
from qe.release.lineage import LineageSource, MeasureAtLevel, RunLineage, record_run
from qe.release.rehearsal import record_rehearsal_facts
from qe.runs import Run, file_sha256
from qe.site import Site, open_site
from tests.papers import small_pdf

TEMPLATES = "7" * 64
REPORT, METHODS = small_pdf("report"), small_pdf("methods")

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
CYCLE = ["--cycle", "2025Q4-1"]

Say = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture(scope="module")
def keys() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QE_KEY", store.new_key().hex_digits)
        patch.setenv("QE_VAULT_KEY", store.new_key().hex_digits)
        yield


def new_site(folder: Path) -> Site:
    folder.mkdir()
    (folder / "qe.toml").write_text(SETTINGS)
    return open_site(folder)


@pytest.fixture
def site(tmp_path: Path, keys: None) -> Site:
    """A site where nothing happened yet."""
    return new_site(tmp_path / "site")


def run_command(site: Site, *words: str) -> tuple[int, dict[str, Any]]:
    """Run one command on the site with --json; give its exit code and its object."""
    app = typer.Typer()
    app.add_typer(ledger_commands.app, name="ledger")
    app.add_typer(review_commands.app, name="review")
    app.add_typer(release_commands.app, name="release")
    app.command("record")(record_command.record)
    result = CliRunner().invoke(app, [*words, "--site", str(site.root), "--json"])
    answer: dict[str, Any] = json.loads(result.stdout)
    assert answer["exit_code"] == result.exit_code
    return result.exit_code, answer


@pytest.fixture
def say(site: Site) -> Say:
    return partial(run_command, site)


@pytest.fixture
def finished(finished_site: Site, site: Site) -> Site:
    """A site with one finished run of one group, its report rendered for 2 March 2026."""
    shutil.copytree(finished_site.root, site.root, dirs_exist_ok=True)
    return site


@pytest.fixture
def noticed(noticed_site: Site, site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The same, sent and handed over on 2 March, noticed on 20 April; public pages are tested in qe/reports."""

    def build_public(
        site: Site, *, run_id: str, cycle: str, units: frozenset[str], published_on: date, **named: Any
    ) -> tuple[PublicRelease, dict[str, bytes]]:
        text = f"{cycle} {sorted(units)} {published_on} {named['posting']}".encode()
        return PublicRelease(results=(), findings=(), cells_checked=3, cells_hidden=1), {"site/index.html": text}

    monkeypatch.setattr(workflow, "build_public", build_public)
    shutil.copytree(noticed_site.root, site.root, dirs_exist_ok=True)
    return site


@pytest.fixture(scope="module")
def noticed_site(finished_site: Site, tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("noticed")
    shutil.copytree(finished_site.root, folder, dirs_exist_ok=True)
    site = open_site(folder)
    receipt = folder / "receipt.txt"
    receipt.write_bytes(b"receipt")
    handed = ["--provider", UNIT, "--on", "2026-03-02", "--evidence", str(receipt)]
    assert run_command(site, "review", "send", *CYCLE, "--as-of", "2026-03-02")[0] == 0
    assert run_command(site, "review", "confirm", *CYCLE, *handed, "--as-of", "2026-03-02")[0] == 0
    assert run_command(site, "review", "notice", *CYCLE, "--as-of", "2026-04-20")[0] == 0
    return site


@pytest.fixture(scope="module")
def finished_site(keys: None, tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = new_site(tmp_path_factory.mktemp("finished") / "site")
    ledger = Ledger(site.ledger, zone=site.settings.site.zone)
    approved = [MeasureAtLevel(measure_id="pdc_statins", version="1.0.0", level="group")]
    record_rehearsal_facts(
        ledger,
        organisation="Example Quality",
        sources=["medicare", "plan_a"],
        measures=approved,
        template_sha256=TEMPLATES,
        approved_on=date(2025, 7, 1),
        at=utc_now(),
        actor="officer",
    )
    run = Run(run_id="a" * 16, folder=site.runs / ("a" * 16))
    run.start()
    pl.DataFrame({"run": [run.run_id]}).write_parquet(run.results / "measure_results.parquet")
    unit = {
        "unit_id": UNIT, "level": "group", "id_type": "TIN", "identifier": UNIT, "name": "Elm Group", "role": "supplier",
        "provider_type": "group", "specialty": "11", "zip5": "43001", "county_fips": "39049", "catchment_share": None,
    }  # fmt: skip
    pl.DataFrame([unit]).write_parquet(run.results / "unit.parquet")
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
            alternatives=frozenset(approved),
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
    return site


def _render(run: Run) -> None:
    folder = run.reports(SENT_ON.isoformat())
    folder.mkdir(parents=True)
    stem = f"group-2025Q4-1-{UNIT}"
    (folder / f"{stem}.pdf").write_bytes(REPORT)
    (folder / f"{stem}.csv").write_bytes(b"csv")
    (folder / "methods.pdf").write_bytes(METHODS)
    entry = {
        "unit_id": UNIT,
        "level": "group",
        "report_id": f"2025Q4-1-{UNIT}",
        "pdf": f"{stem}.pdf",
        "csv": f"{stem}.csv",
        "pdf_sha256": hashlib.sha256(REPORT).hexdigest(),
        "csv_sha256": hashlib.sha256(b"csv").hexdigest(),
        "methods": "methods.pdf",
        "methods_sha256": hashlib.sha256(METHODS).hexdigest(),
        "sent_on": "2026-03-02",
        "last_request_day": "2026-05-01",
        "public_from": "2026-05-02",
        "zone": "America/Chicago",
        "template_sha256": TEMPLATES,
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


def test_a_fact_about_nothing_on_record_is_refused_with_what_there_is(say: Say, site: Site) -> None:
    """A mistyped id would end nothing, and what was to stop would go on."""
    ended = ("record", "source_ended", "source_id=plan_b", "--effective-on", "2026-01-09")
    code, answer = say(*ended)
    assert (code, answer["faults"][0]["remedy"]) == (2, "Record that first: source_registered.")
    rights = ("rights=measures;public", "expires_on=2026-12-31")
    day = ("--effective-on", "2026-01-05")
    code, registered = say("record", "source_registered", "source_id=plan_a", *rights, *day)
    assert code == 0
    code, answer = say(*ended)
    assert (
        answer["faults"][0]["message"] == "no source_registered has this source_id: source_ended would be about nothing"
    )
    assert (code, answer["faults"][0]["remedy"]) == (2, "On record: plan_a.")
    assert say(*ended, "--dry-run")[0] == 2
    assert say("record", "fact_retracted", f"retracts={registered['data']['event_id']}")[0] == 0
    taken_back = ("record", "source_ended", "source_id=plan_a", "--effective-on", "2026-01-09")
    assert say(*taken_back)[0] == 2
    assert say("record", "source_registered", "source_id=plan_a", *rights, *day)[0] == 0
    assert say(*taken_back)[0] == 0


def test_a_decision_on_a_change_names_the_change(say: Say) -> None:
    """CMS's refusal that named none was taken, and stopped nothing."""
    decided = ("record", "cms_decision", "about=change", "decision=denied", "decided_on=2026-01-09")
    code, answer = say(*decided, "--effective-on", "2026-01-09")
    assert (code, answer["faults"][0]["message"], answer["faults"][0]["remedy"]) == (
        2, "cms_decision of this kind says no change_id: it would be about nothing", "Add change_id=....",
    )  # fmt: skip
    renewed = ("about=renewal", "decision=approved", "decided_on=2026-01-09", "--effective-on", "2026-01-09")
    assert say("record", "cms_decision", *renewed)[0] == 0


def test_ending_a_withdrawal_that_holds_nothing_is_exit_2(say: Say, site: Site) -> None:
    told: tuple[tuple[str, dict[str, Any]], ...] = (
        ("public_released", {"cycle": "2025Q4-1", "run_id": "run1", "bundle_sha256": "c" * 64, "units": ["U000001"],
                             "open_requests": 0}),
        ("public_withdrawn", {"reason": "order"}),
    )  # fmt: skip
    for kind, payload in told:
        new = NewEvent(kind=kind, effective_on=date(2026, 1, 5), payload={"release_id": "2025Q4-1", **payload})
        Ledger(site.ledger, zone="UTC").append([new], at=datetime(2026, 1, 5, tzinfo=UTC), actor="officer")
    end = ("record", "withdrawal_ended", "release_id=2025Q4-1", "--effective-on", "2026-01-09")
    assert say(*end, "reason=figures_right")[0] == 2
    assert say(*end, "reason=order_lifted", "units=U000009")[0] == 2
    assert say(*end, "reason=order_lifted", "units=U000001")[0] == 0
    assert say(*end, "reason=order_lifted")[0] == 2


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_a_reason_not_to_post_is_recorded_of_a_request_on_record_alone(
    say: Say, site: Site, dry: tuple[str, ...]
) -> None:
    """A slip of the id would leave the request posted that was not to be."""

    def record(request_id: str) -> tuple[int, dict[str, Any]]:
        words = ("record", "posting_infeasible", f"request_id={request_id}", "reason=order")
        return say(*words, "--effective-on", "2026-06-20", *dry)

    received = NewEvent(
        kind="request_received",
        effective_on=date(2026, 6, 18),
        payload={
            "cycle": "2025Q4-1", "unit_id": UNIT, "request_id": "2025Q4-1-U000001-1", "kind": "correction",
            "category": "calculation", "received_on": "2026-06-18",
        },
    )  # fmt: skip
    site.open_ledger().append([received], at=utc_now(), actor="analyst")
    before = site.open_ledger().head()
    code, answer = record("2025Q4-1-U000001-2")
    assert (code, site.open_ledger().head()) == (2, before)
    assert answer["faults"][0]["remedy"] == "On record: 2025Q4-1-U000001-1."
    assert record("2025Q4-1-U000001-1")[0] == 0


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


def test_a_cycle_is_sent_confirmed_and_noticed(say: Say, noticed: Site) -> None:
    folder = noticed.outbox / "2026-03-02" / "mail" / f"group-2025Q4-1-{UNIT}"
    assert (folder / "letter.pdf").read_bytes().startswith(b"%PDF")
    assert (noticed.outbox / "2026-04-20" / "mail" / f"notice-2025Q4-1-{UNIT}" / "notice.pdf").is_file()
    code, status = say("review", "status", *CYCLE, "--as-of", "2026-04-21")
    assert (code, status["data"]["units"]) == (
        0,
        [
            {
                "unit_id": UNIT,
                "state": "confirmed",
                "sent_on": "2026-03-02",
                "last_request_day": "2026-05-01",
                "public_from": "2026-05-02",
                "days_left": 10,
                "is_noticed": True,
                "open_requests": 0,
                "reissued_in": "",
            }
        ],
    )


def test_a_hand_over_after_the_printed_date_is_exit_3_and_a_bounced_report_has_no_clock(
    say: Say, finished: Site, tmp_path: Path
) -> None:
    receipt = tmp_path / "receipt.txt"
    receipt.write_bytes(b"receipt")
    code, sent = say("review", "send", *CYCLE, "--as-of", "2026-03-02")
    assert (code, [one["unit_id"] for one in sent["data"]["sent"]]) == (0, [UNIT])
    words = ["--provider", UNIT, "--on", "2026-03-05", "--evidence", str(receipt), "--as-of", "2026-03-05"]
    code, answer = say("review", "confirm", *CYCLE, *words)
    assert (code, answer["reasons"][0]["rule"]) == (3, "G10")
    assert "qe run --send-on" in answer["faults"][0]["remedy"]
    assert say("review", "bounce", *CYCLE, "--provider", UNIT, "--as-of", "2026-03-04")[0] == 0
    _, status = say("review", "status", *CYCLE, "--as-of", "2026-03-04")
    assert [(one["state"], one["public_from"]) for one in status["data"]["units"]] == [("failed", None)]


def test_a_dry_send_writes_nothing(say: Say, finished: Site) -> None:
    before = Ledger(finished.ledger, zone="UTC").head()
    code, answer = say("review", "send", *CYCLE, "--as-of", "2026-03-02", "--dry-run")
    assert (code, len(answer["data"]["sent"]), finished.outbox.exists()) == (0, 1, False)
    assert Ledger(finished.ledger, zone="UTC").head() == before


@pytest.mark.parametrize("cycle", ["2025Q4", "2025Q4-0", "Q4-1", "2026Q1-1"])
def test_a_cycle_that_is_none_is_exit_2(say: Say, finished: Site, cycle: str) -> None:
    assert say("review", "send", "--cycle", cycle, "--as-of", "2026-03-02")[0] == 2


def test_a_release_is_planned_approved_refused_on_day_60_and_public_on_day_61(say: Say, noticed: Site) -> None:
    code, planned = say("release", "plan", *CYCLE, "--as-of", "2026-05-01")
    blockers = {one["rule"]: one["earliest"] for one in planned["reasons"] if one["verdict"] == "fail"}
    assert (code, blockers) == (0, {"G10": "2026-05-02", "G18": None, "G24": "2026-05-02"})
    code, approved = say("release", "approve", *CYCLE, "--actor", "officer", "--as-of", "2026-05-01")
    assert (code, approved["data"]["sha256"]) == (0, planned["data"]["staged_sha256"])
    code, refused = say("release", "go", *CYCLE, "--as-of", "2026-05-01")
    assert (code, [one["rule"] for one in refused["reasons"] if one["verdict"] == "fail"]) == (3, ["G10", "G24"])
    assert not noticed.public.exists()
    code, released = say("release", "go", *CYCLE, "--as-of", "2026-05-02")
    assert (code, released["data"]["release_id"]) == (0, "2025Q4-1")
    page = noticed.public / "2025Q4-1" / "site" / "index.html"
    assert page.read_text() == "2025Q4-1 ['U000001'] 2026-05-02 ()"
    _, bounced = say("review", "bounce", *CYCLE, "--provider", UNIT, "--as-of", "2026-05-04", "--dry-run")
    assert bounced["data"]["public_in"] == "2025Q4-1"


def test_the_head_before_the_pages_were_made_stands_in_the_release_signed_and_looking_again_voids_no_approval(
    say: Say, noticed: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("QE_SIGNING_KEY", "01" * 32)
    before = Ledger(noticed.ledger, zone="UTC").head()
    _, planned = say("release", "plan", *CYCLE, "--as-of", "2026-05-02")
    assert say("release", "approve", *CYCLE, "--as-of", "2026-05-02")[0] == 0
    _, again = say("release", "plan", *CYCLE, "--as-of", "2026-05-02")
    assert again["data"]["staged_sha256"] == planned["data"]["staged_sha256"]
    assert say("release", "go", *CYCLE, "--as-of", "2026-05-02")[0] == 0
    published = noticed.public / "2025Q4-1" / "data" / "ledger_head.json"
    stated = read_statement(published.read_text())
    assert (stated.seq, stated.hash, stated.holds) == (before.seq, before.hash, True)
    kept = tmp_path / "ledger_head.json"
    shutil.copyfile(published, kept)
    assert say("ledger", "verify", "--head", str(kept))[0] == 0
    _, later = say("release", "plan", *CYCLE, "--as-of", "2026-05-03")
    assert later["data"]["staged_sha256"] != planned["data"]["staged_sha256"]


def test_pages_of_another_day_are_staged_with_a_head_of_their_own(say: Say, noticed: Site) -> None:
    first = say("release", "plan", *CYCLE, "--as-of", "2026-05-02")[1]["data"]["staged_sha256"]
    assert say("release", "plan", *CYCLE, "--as-of", "2026-05-03")[1]["data"]["staged_sha256"] != first
    staged = noticed.store / "staged" / "2025Q4-1.duckdb"
    staged.write_bytes(b"damaged" * 1000)
    assert say("release", "plan", *CYCLE, "--as-of", "2026-05-03")[0] == 0


def test_going_twice_publishes_once(say: Say, noticed: Site) -> None:
    for verb in ("plan", "approve", "go"):
        assert say("release", verb, *CYCLE, "--as-of", "2026-05-02")[0] == 0
    head = Ledger(noticed.ledger, zone="UTC").head()
    code, again = say("release", "go", *CYCLE, "--as-of", "2026-05-03")
    assert (code, again["data"]["public_since"]) == (0, "2026-05-02")
    assert Ledger(noticed.ledger, zone="UTC").head() == head
    assert [path.name for path in noticed.public.iterdir()] == ["2025Q4-1"]


def test_a_refused_publication_says_what_to_do_first(say: Say, noticed: Site) -> None:
    code, answer = say("release", "go", *CYCLE, "--as-of", "2026-05-02")
    assert (code, answer["faults"][0]["remedy"]) == (
        3,
        "Nothing is staged for it: qe release plan --cycle 2025Q4-1; then qe release approve.",
    )
    assert say("release", "plan", *CYCLE, "--as-of", "2026-05-01")[0] == 0
    code, answer = say("release", "go", *CYCLE, "--as-of", "2026-05-01")
    assert (code, answer["faults"][0]["remedy"]) == (
        3,
        "`qe release plan --cycle 2025Q4-1` names every blocker with its earliest day.",
    )


def test_staged_files_that_do_not_open_are_staged_anew(say: Say, noticed: Site) -> None:
    assert say("release", "plan", *CYCLE, "--as-of", "2026-05-02")[0] == 0
    (staged,) = (noticed.store / "staged").glob("*.duckdb")
    staged.write_bytes(b"\0" * 20_000)
    code, answer = say("release", "go", *CYCLE, "--as-of", "2026-05-02")
    assert (code, "qe release plan" in answer["faults"][0]["remedy"]) == (1, True)
    assert say("release", "plan", *CYCLE, "--as-of", "2026-05-02")[0] == 0


@pytest.mark.parametrize("day", ["9999-12-31", "9999-11-15"])
def test_a_day_at_the_end_of_the_calendar_is_bad_input(say: Say, noticed: Site, day: str) -> None:
    code, answer = say("release", "plan", *CYCLE, "--as-of", day)
    assert (code, answer["faults"][0]["code"]) == (2, "input")


def test_a_hand_over_of_a_package_that_is_not_there_is_told(say: Say, noticed: Site) -> None:
    words = ["--provider", UNIT, "--on", "2026-03-02", "--evidence", str(noticed.root / "qe.toml")]
    code, answer = say("review", "confirm", *CYCLE, *words, "--as-of", "2026-03-02")
    assert (code, answer["data"]["not_in_outbox"]) == (0, [])
    shutil.rmtree(noticed.outbox)
    code, answer = say("review", "confirm", *CYCLE, *words, "--as-of", "2026-03-02")
    assert (code, answer["data"]["not_in_outbox"]) == (0, [UNIT])


def test_a_dry_go_publishes_nothing(say: Say, noticed: Site) -> None:
    for verb in ("plan", "approve"):
        say("release", verb, *CYCLE, "--as-of", "2026-05-02")
    head = Ledger(noticed.ledger, zone="UTC").head()
    assert say("release", "go", *CYCLE, "--as-of", "2026-05-02", "--dry-run")[0] == 0
    assert (Ledger(noticed.ledger, zone="UTC").head(), noticed.public.exists()) == (head, False)


def test_approving_before_planning_is_exit_2(say: Say, noticed: Site) -> None:
    assert say("release", "approve", *CYCLE, "--as-of", "2026-05-02")[0] == 2


def test_a_withdrawn_release_leaves_a_note(say: Say, noticed: Site) -> None:
    for verb in ("plan", "approve", "go"):
        say("release", verb, *CYCLE, "--as-of", "2026-05-02")
    assert say("release", "withdraw", *CYCLE, "--why", "error_found", "--as-of", "2026-05-03")[0] == 0
    assert [path.name for path in (noticed.public / "2025Q4-1").iterdir()] == ["WITHDRAWN.txt"]


def test_withdrawing_twice_says_that_the_release_is_down_already_and_records_nothing(say: Say, noticed: Site) -> None:
    for verb in ("plan", "approve", "go"):
        say("release", verb, *CYCLE, "--as-of", "2026-05-02")
    code, first = say("release", "withdraw", *CYCLE, "--as-of", "2026-05-03")
    assert (code, first["data"]["recorded"], [one["was_done"] for one in first["data"]["withdrawn"]]) == (0, 1, [False])
    code, again = say("release", "withdraw", *CYCLE, "--as-of", "2026-05-09")
    (done,) = again["data"]["withdrawn"]
    assert (code, again["data"]["recorded"], done["was_done"]) == (0, 0, True)
    assert (done["withdrawn_on"], done["first_reason"]) == ("2026-05-03", "error_found")
    words = ["withdraw", *CYCLE, "--as-of", "2026-05-09", "--site", str(noticed.root)]
    said = CliRunner().invoke(release_commands.app, words)
    assert said.stdout == "2025Q4-1 is down already since 2026-05-03 (an error was found); nothing was changed.\n"
    more = CliRunner().invoke(release_commands.app, [*words, "--why", "order"])
    assert more.stdout == (
        "2025Q4-1 is down since 2026-05-03; what is withdrawn of it besides is recorded.\n"
        "The results of 1 return once it is ended (qe record withdrawal_ended).\n"
    )


def test_a_withdrawal_of_one_measure_says_what_is_held_back_and_what_returns(say: Say, noticed: Site) -> None:
    for verb in ("plan", "approve", "go"):
        say("release", verb, *CYCLE, "--as-of", "2026-05-02")
    part = ["--provider", UNIT, "--measure", "pdc_statins", "--why", "cell_disclosed"]
    code, first = say("release", "withdraw", *CYCLE, *part, "--as-of", "2026-05-03")
    (done,) = first["data"]["withdrawn"]
    assert (code, done["units"], first["data"]["measures"]) == (0, [UNIT], ["pdc_statins"])
    planned = say("release", "plan", *CYCLE, "--as-of", "2026-05-03")[1]
    assert (planned["data"]["release_id"], planned["data"]["units"]) == ("2025Q4-1-2", [UNIT])
    assert say("release", "withdraw", *CYCLE, "--why", "order", "--as-of", "2026-05-04")[1]["data"]["recorded"] == 1
    planned = say("release", "plan", *CYCLE, "--as-of", "2026-05-04")[1]
    (held,) = planned["data"]["waiting"]
    assert (planned["data"]["units"], held["unit_id"], held["citation"]) == ([], UNIT, "rules.md section 0.13")
    ended = ("withdrawal_ended", "release_id=2025Q4-1", "--effective-on", "2026-05-05", "--as-of", "2026-05-05")
    assert say("record", *ended, "reason=cell_protected")[0] == 0
    assert say("release", "plan", *CYCLE, "--as-of", "2026-05-05")[1]["data"]["units"] == []
    assert say("record", *ended, "reason=order_lifted")[0] == 0
    assert say("release", "plan", *CYCLE, "--as-of", "2026-05-05")[1]["data"]["units"] == [UNIT]


def test_a_withdrawal_that_was_stopped_is_finished_by_the_next_plan(say: Say, noticed: Site) -> None:
    for verb in ("plan", "approve", "go"):
        say("release", verb, *CYCLE, "--as-of", "2026-05-02")
    aside = noticed.root / "aside"
    (noticed.public / "2025Q4-1").rename(aside)
    assert say("release", "withdraw", *CYCLE, "--as-of", "2026-05-03")[0] == 0
    shutil.rmtree(noticed.public / "2025Q4-1")
    aside.rename(noticed.public / "2025Q4-1")
    assert say("release", "plan", *CYCLE, "--as-of", "2026-05-04", "--dry-run")[0] == 0
    assert (noticed.public / "2025Q4-1" / "site").is_dir()
    assert say("release", "plan", *CYCLE, "--as-of", "2026-05-04")[0] == 0
    assert [path.name for path in (noticed.public / "2025Q4-1").iterdir()] == ["WITHDRAWN.txt"]


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (["--why", "request_upheld"], "--request and --why request_upheld go together"),
        (["--why", "request_upheld", "--request", "r-1"], "r-1"),
        (["--reissued"], "nobody's public figures of 2025Q4-1 are issued again"),
        (["--measure", "hwr"], "1 of the measures named are in no release of cycle 2025Q4-1: hwr"),
        (["--release", "2025Q4-1-7"], "2025Q4-1-7 was not released by 2026-05-03"),
    ],
)
def test_a_withdrawal_of_what_is_not_there_is_bad_input(say: Say, noticed: Site, part: list[str], said: str) -> None:
    for verb in ("plan", "approve", "go"):
        say("release", verb, *CYCLE, "--as-of", "2026-05-02")
    code, answer = say("release", "withdraw", *CYCLE, *part, "--as-of", "2026-05-03")
    assert code == 2
    assert said in answer["faults"][0]["message"]
    assert answer["faults"][0]["remedy"]


@pytest.mark.parametrize(
    "kind",
    [
        "request_received", "request_acknowledged", "request_responded", "request_resolved", "requester_verified",
        "extract_terms_signed", "attachment_received", "attachment_opened", "cycle_reissued", "publication_told",
        "public_date_set", "posting_amended",
    ],
)  # fmt: skip
def test_what_a_command_records_after_its_checks_is_not_typed_by_hand(say: Say, noticed: Site, kind: str) -> None:
    code, answer = say("record", kind, "request_id=R1", "--effective-on", "2026-03-03", "--as-of", "2026-03-03")
    assert code == 2
    assert f"{kind} is recorded by qe re" in answer["faults"][0]["message"]
