"""A non-public analysis on a finished quarter by the commands an officer types: with persons for a group; one that names groups."""

import csv
import io
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pyrage

from qe.providers import party_key
from qe.release.contacts import write_contacts
from qe.site import open_site
from tests.workflow.conftest import Quarter
from tests.workflow.test_requests import give_age_keys

ON = date(2026, 6, 1)
SOURCES = ("medicare", "payer_a", "payer_b")
ANALYSES_TERMS = "no_marketing;no_harm;no_fraud;no_redisclosure;no_linking;notify;cooperate;binds_contractors"
QE_DUA_TERMS = (
    "permitted_uses;no_other_use;no_marketing;safeguards;survival;no_redisclosure;notify;cooperate;binds_contractors"
)


def largest_group(quarter: Quarter) -> tuple[str, str]:
    """The group with most persons in the measure of statins: its unit id and name."""
    (results,) = quarter.root.glob("runs/*/results/measure_results.parquet")
    rows = pl.read_parquet(results).filter(
        (pl.col("measure_id") == "pdc_statins") & (pl.col("level") == "group") & (pl.col("payer_scope") == "all")
    )
    row = rows.sort("denominator", "provider_id").row(-1, named=True)
    return row["provider_id"], row["provider_name"]


def put_on_record(quarter: Quarter, tmp_path: Path, *, unit_id: str, name: str) -> pyrage.x25519.Identity:
    """Rights for analyses, the group as an authorized user with its own age key, both agreements; all units reached by mail."""
    paper = tmp_path / "signed.pdf"
    paper.write_bytes(b"signed")
    for source_id in SOURCES:
        quarter.done(
            "record", "source_registered", f"source_id={source_id}", "rights=measures;public;analyses",
            "expires_on=2027-12-31", "--effective-on", "2026-01-01", on=ON,
        )  # fmt: skip
    quarter.done(
        "record", "user_authorised", "party_id=group-1", "kind=supplier", f"name={name}", f"unit_id={unit_id}",
        "--effective-on", "2026-05-01", on=ON,
    )  # fmt: skip
    for kind, terms in (("qe_dua", QE_DUA_TERMS), ("analyses", ANALYSES_TERMS)):
        quarter.done(
            "agreement", "add", f"{kind}-1", "--kind", kind, "--party", "group-1", "--terms", terms, "--signed-on",
            "2026-05-02", "--expires-on", "2027-05-01", "--evidence", str(paper), on=ON,
        )  # fmt: skip
    secret = pyrage.x25519.Identity.generate()
    site = open_site(quarter.root)
    own = {"unit_id": party_key("group-1"), "channel": "age", "address": None, "age_recipient": str(secret.to_public())}
    (units,) = quarter.root.glob("runs/*/results/unit.parquet")
    others = [
        {"unit_id": one, "channel": "mail", "address": "1 Main Street", "age_recipient": None}
        for one in pl.read_parquet(units)["unit_id"].unique().sort()
    ]
    always = dict.fromkeys(("zone", "valid_from", "valid_to"))
    write_contacts(
        path=site.store / "contacts.duckdb",
        key=site.vault_key(),
        engine=site.engine(),
        contacts=pl.DataFrame([{**one, **always} for one in (own, *others)], infer_schema_length=None),
    )
    return secret


def define(quarter: Quarter, analysis_id: str, *words: str) -> dict[str, Any]:
    return quarter.done(
        "npa", "define", analysis_id, "--party", "group-1", "--measures", "pdc_statins", "--topic", "Statins",
        "--purpose", "quality_improvement", "--release-on", "2026-06-02", *words, on=ON,
    ).data  # fmt: skip


def test_a_group_gets_the_list_of_its_own_patients_sealed_and_nothing_of_them_stands_in_the_ledger(
    ready: Quarter, tmp_path: Path
) -> None:
    unit_id, name = largest_group(ready)
    secret = put_on_record(ready, tmp_path, unit_id=unit_id, name=name)
    defined = define(ready, "patients-1", "--kind", "npa_patient_identifiable")
    assert [one["unit_id"] for one in defined["identified"]] == [unit_id]
    again = define(ready, "patients-1", "--kind", "npa_patient_identifiable")
    assert (again["sha256"], again["recorded"]) == (defined["sha256"], False)

    refused = ready("npa", "release", "patients-1", "--dry-run", on=ON)
    assert (refused.exit_code, set(refused.failing())) == (3, {"G18"})
    ready.done("npa", "release", "patients-1", "--approve", on=ON)
    ready.done("npa", "release", "patients-1", on=date(2026, 6, 2))
    (package,) = ready.root.glob("out/outbox/2026-06-02/age/npa-patients-1.age")
    with zipfile.ZipFile(io.BytesIO(pyrage.decrypt(package.read_bytes(), [secret]))) as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("patients.csv").decode())))
    assert len(rows) == defined["persons"]  # one measure: one row a person
    names = {row["last_name"] for row in rows}
    assert all(date.fromisoformat(row["last_visit"]) > date(2024, 6, 2) for row in rows)

    (event,) = ready.events("npa_disclosed")
    assert event["payload"]["alternative"] == "recipient_alone"
    assert event["payload"]["persons"] == len(rows)
    ledger = (ready.root / "ledger.sqlite").read_bytes().decode("latin-1")
    assert not [name for name in names if len(name) > 6 and name in ledger]
    assert ready.done("npa", "release", "patients-1", on=date(2026, 6, 2)).data["was_released"]

    late = define(ready, "patients-2", "--kind", "npa_patient_identifiable")
    ready.done("npa", "release", "patients-2", "--approve", on=ON)
    refused = ready(
        "npa", "release", "patients-2", on=date(2028, 6, 2)
    )  # two years later nobody has a visit in 24 months
    assert "G16" in refused.failing()
    assert refused.failing()["G16"]["fact"].startswith(f"{late['persons']} of {late['persons']} persons have no visit")


def test_a_table_of_groups_waits_for_its_notices_and_status_says_so(ready: Quarter, tmp_path: Path) -> None:
    unit_id, name = largest_group(ready)
    put_on_record(ready, tmp_path, unit_id=unit_id, name=name)
    defined = define(ready, "groups-1", "--levels", "group")
    assert len(defined["identified"]) >= 2
    early = ready("npa", "notify", "groups-1", "--release-on", "2026-08-05", on=ON)
    assert (early.exit_code, early.failing()["G12"]["earliest"]) == (3, "2026-08-06")  # 1 June + 66
    refused = ready("npa", "release", "groups-1", "--dry-run", on=ON)
    assert {"G12", "G17", "G18"} <= refused.failing().keys()
    (status,) = ready.done("npa", "status", on=ON).data["analyses"]
    assert (status["state"], status["holds"], status["earliest"]) == ("defined", None, None)
    assert ready("agreement", "list", on=ON).data["agreements"][0]["state"] == "in_force"


def test_notices_answers_and_extracts_by_the_commands(ready: Quarter, tmp_path: Path) -> None:
    unit_id, name = largest_group(ready)
    put_on_record(ready, tmp_path, unit_id=unit_id, name=name)
    named = sorted(one["unit_id"] for one in define(ready, "groups-2", "--levels", "group")["identified"])
    assert len(named) >= 3
    paper, batch = tmp_path / "letter.pdf", tmp_path / "handed.csv"
    paper.write_bytes(b"letter")
    batch.write_text("\n".join(["unit_id,on,evidence", *(f"{one},2026-06-01,letter.pdf" for one in named)]))
    shown = ("--evidence", str(paper))

    dry = ready.done("npa", "notify", "groups-2", "--release-on", "2026-08-10", "--dry-run", on=ON)
    assert dry.data["sent"] == named and not ready.events("npa_notice_sent")
    assert (
        ready("npa", "opt-in", "groups-2", "--provider", named[0], "--on", "2026-06-01", *shown, on=ON).exit_code == 2
    )
    ready.done("npa", "notify", "groups-2", "--release-on", "2026-08-10", on=ON)
    assert ready.done("npa", "notify", "groups-2", "--release-on", "2026-08-10", on=ON).data["already_sent"] == named
    ready.done("npa", "notify", "groups-2", "--confirm", "--batch", str(batch), on=ON)

    opted = ready.done(
        "npa", "opt-in", "groups-2", "--provider", named[0], "--on", "2026-06-21", *shown, on=date(2026, 6, 21)
    ).data
    assert (opted["day"], opted["review_days"]) == (20, 50)  # 10 August - 21 June
    sent = ready.done("npa", "send", "groups-2", "--provider", named[1], on=date(2026, 6, 22)).data
    assert sent["sent"] == named[:2]  # who opted in, and who asks
    ready.done(
        "npa",
        "send",
        "groups-2",
        "--confirm",
        "--provider",
        named[0],
        "--on",
        "2026-06-23",
        *shown,
        on=date(2026, 6, 23),
    )
    ready.done("npa", "waive", "groups-2", "--provider", named[2], "--on", "2026-06-20", *shown, on=date(2026, 6, 23))
    ready.done(
        "npa",
        "waive",
        "groups-2",
        "--revoke",
        "--provider",
        named[2],
        "--on",
        "2026-06-23",
        *shown,
        on=date(2026, 6, 23),
    )
    (status,) = ready.done("npa", "status", "groups-2", on=date(2026, 6, 23)).data["analyses"]
    assert (status["state"], status["earliest"], status["holds"]) == ("noticed", "2026-08-10", None)
    assert [one["extract"] for one in status["named"]][:2] == ["confirmed", "sent"]
    (status,) = ready.done("npa", "status", "groups-2", on=date(2026, 8, 10)).data["analyses"]
    assert status["holds"] == "notice"

    ready.done("npa", "notify", "groups-2", "--returned", "returned", "--provider", named[2], on=date(2026, 6, 24))
    (status,) = ready.done("npa", "status", "groups-2", on=date(2026, 8, 10)).data["analyses"]
    assert (status["holds"], status["earliest"]) == (None, None)
    letters = list(ready.root.glob("out/outbox/*/*/npa-*/*.pdf"))
    assert len(letters) == 2 * (len(named) + 2)  # each by mail, with the sheet for the window
    assert ready("record", "npa_disclosed", "analysis_id=x", "--effective-on", "2026-06-01", on=ON).exit_code == 2

    give_age_keys(open_site(ready.root), named[0])
    about, late_june = ("--cycle", "groups-2", "--provider", named[0]), date(2026, 6, 26)
    wanted = ("--kind", "claims_data", "--category", "data", "--measure", "pdc_statins", "--received-on", "2026-06-25")
    logged = ready.done("request", "add", *about, *wanted, on=late_june).data
    assert (logged["request_id"], logged["last_request_day"]) == (f"groups-2-{named[0]}-1", "2026-08-09")
    verified = ("--how", "called_back", "--evidence", str(paper), "--terms", str(paper))
    ready.done("request", "verify", *about, *verified, on=late_june)
    released = ready.done("request", "release-data", logged["request_id"], on=late_june)
    told = {one["rule"]: one["fact"] for one in released.answer["reasons"]}
    assert told["G10"] == "asked on 2026-06-25, within the days that its opt-in gave it"
    (fulfilled,) = ready.events("request_fulfilled")
    assert fulfilled["payload"]["measures"] == ["pdc_statins"]
    assert list(ready.root.glob(f"out/outbox/2026-06-26/age/data-{logged['request_id']}.age"))
    ready.done("request", "resolve", logged["request_id"], "--outcome", "fulfilled", on=late_june)
    (listed,) = ready.done("request", "list", on=late_june).data["requests"]
    assert (listed["about"], listed["state"]) == ("analysis", "resolved")
    unasked = ready("request", "add", "--cycle", "groups-2", "--provider", named[1], *wanted, on=late_june)
    assert unasked.exit_code == 2  # it asked for its part, and did not opt in
