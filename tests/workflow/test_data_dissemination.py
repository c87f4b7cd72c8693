"""Data of a finished quarter by the commands an officer types: de-identified for a society, patients' for a group (401.718)."""

import csv
import io
import re
import zipfile
from datetime import date
from pathlib import Path

import polars as pl
import pyrage
import pytest

from qe.providers import party_key
from qe.release.contacts import write_contacts
from qe.site import open_site
from tests.workflow.conftest import Quarter

ON = date(2026, 6, 1)
SOURCES = ("medicare", "payer_a", "payer_b")
QE_DUA_TERMS = (
    "permitted_uses;no_other_use;no_marketing;safeguards;survival;no_redisclosure;no_linking;notify;cooperate;"
    "binds_contractors"
)
SPAN = ("--start", "2025-01-01", "--end", "2025-12-31", "--topic", "Diabetes", "--purpose", "quality_improvement")


@pytest.fixture
def secret() -> pyrage.x25519.Identity:
    return pyrage.x25519.Identity.generate()


@pytest.fixture
def paper(tmp_path: Path) -> str:
    path = tmp_path / "signed.pdf"
    path.write_bytes(b"signed")
    return str(path)


@pytest.fixture
def quarter(ready: Quarter, secret: pyrage.x25519.Identity, paper: str) -> Quarter:
    """The right to data, a society and the largest group as users with a key, and their agreements."""
    (results,) = ready.root.glob("runs/*/results/measure_results.parquet")
    groups = pl.read_parquet(results).filter((pl.col("level") == "group") & (pl.col("measure_id") == "pdc_statins"))
    group = groups.sort("denominator", "provider_id").row(-1, named=True)
    since = ("--effective-on", "2026-05-01")
    for source_id in SOURCES:
        ready.done(
            "record", "source_registered", f"source_id={source_id}", "rights=measures;public;data",
            "expires_on=2027-12-31", *since, on=ON,
        )  # fmt: skip
    ready.done(
        "record", "user_authorised", "party_id=oms", "kind=medical_society", "name=Ohio Medical Society",
        "nonprofit=true", "majority=true", "scope=state", *since, on=ON,
    )  # fmt: skip
    ready.done(
        "record", "user_authorised", "party_id=group-1", "kind=supplier", f"name={group['provider_name']}",
        f"unit_id={group['provider_id']}", *since, on=ON,
    )  # fmt: skip
    for party in ("oms", "group-1"):
        ready.done(
            "agreement", "add", f"dua-{party}", "--kind", "qe_dua", "--party", party, "--terms", QE_DUA_TERMS,
            "--signed-on", "2026-05-02", "--expires-on", "2027-05-01", "--evidence", paper, on=ON,
        )  # fmt: skip
    site, key = open_site(ready.root), str(secret.to_public())
    contacts = [
        {"unit_id": party_key(party), "channel": "age", "address": None, "age_recipient": key}
        for party in ("oms", "group-1")
    ]
    always = dict.fromkeys(("zone", "valid_from", "valid_to"))
    write_contacts(
        path=site.store / "contacts.duckdb",
        key=site.vault_key(),
        engine=site.engine(),
        contacts=pl.DataFrame([{**one, **always} for one in contacts], infer_schema_length=None),
    )
    return ready


def package(quarter: Quarter, data_id: str, secret: pyrage.x25519.Identity) -> dict[str, bytes]:
    path = quarter.root / "out" / "outbox" / ON.isoformat() / "age" / f"data-{data_id}.age"
    with zipfile.ZipFile(io.BytesIO(pyrage.decrypt(path.read_bytes(), [secret]))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_de_identified_data_by_the_commands(quarter: Quarter, secret: pyrage.x25519.Identity, paper: str) -> None:
    assert quarter.done("data", "status", on=ON).data["data"] == []
    define = (
        "data", "define", "claims-2025", "--party", "oms", "--kind", "de-identified", "--tables",
        "person,claim,claim_line,claim_diagnosis,claim_procedure,pharmacy_fill", *SPAN,
    )  # fmt: skip
    taxonomies = quarter(*define, on=ON)
    assert taxonomies.exit_code == 1
    assert {fault["place"] for fault in taxonomies.answer["faults"]} == {"claim_line.rendering_specialty"}
    priced = (*define, "--without", "claim_line.rendering_specialty", "--fee", "1500")
    assert not quarter.done(*priced, "--dry-run", on=ON).data["recorded"] and not quarter.events("npa_defined")
    defined = quarter.done(*priced, on=ON).data
    assert (defined["recorded"], set(defined["sources"])) == (True, set(SOURCES))

    refused = quarter("data", "release", "claims-2025", "--dry-run", on=ON)
    assert (refused.exit_code, set(refused.failing())) == (3, {"G17", "G18"})
    assert len(refused.answer["reasons"]) == 24  # the whole table, also what does not apply
    quarter.done(
        "data", "determine", "claims-2025", "--method", "safe-harbor", "--no-actual-knowledge", "--valid-until",
        "2027-05-31", "--evidence", paper, on=ON,
    )  # fmt: skip
    quarter.done("data", "release", "claims-2025", "--approve", "--actor", "officer", on=ON)
    allowed = quarter.done("data", "release", "claims-2025", "--dry-run", on=ON)
    assert allowed.data["allowed"] and not quarter.events("data_disclosed")
    quarter.done("data", "release", "claims-2025", on=ON)

    files = package(quarter, "claims-2025", secret)
    rows = {
        name.removesuffix(".csv"): len(list(csv.reader(io.StringIO(files[name].decode())))) - 1
        for name in files
        if name.endswith(".csv") and name != "data_dictionary.csv"
    }
    assert rows == defined["rows"]
    (event,) = quarter.events("data_disclosed")
    assert (event["payload"]["basis"], event["payload"]["rows"]) == ("combined", sum(rows.values()))
    text = "\n".join(content.decode() for content in files.values())
    marks = quarter.canaries.all()
    assert not [name for name, mark in marks.items() if mark in text]
    assert not re.search(r"(?<!\d)(19|20)\d\d-[01]\d-[0-3]\d(?!\d)", text.replace("2025-01-01", ""))
    again = quarter.done("data", "release", "claims-2025", on=ON)
    assert again.data["was_released"] and len(quarter.events("data_disclosed")) == 1
    assert quarter(*priced, on=ON).exit_code == 3
    (told,) = quarter.done("data", "status", "claims-2025", on=ON).data["data"]
    assert (told["state"], told["is_in_outbox"], told["released_on"]) == ("released", True, "2026-06-01")


def test_the_data_of_a_groups_own_patients_by_the_commands(quarter: Quarter, secret: pyrage.x25519.Identity) -> None:
    define = ("data", "define", "mine-1", "--party", "group-1", "--kind", "patients", "--tables", "claim", *SPAN)
    defined = quarter.done(*define, on=ON).data
    quarter.done("data", "release", "mine-1", on=ON)
    rows = list(csv.DictReader(io.StringIO(package(quarter, "mine-1", secret)["patients.csv"].decode())))
    assert rows and len(rows) == defined["persons"]
    (event,) = quarter.events("data_disclosed")
    assert event["payload"]["persons"] == len(rows)
    ledger = (quarter.root / "ledger.sqlite").read_bytes().decode("latin-1")
    assert not [row["last_name"] for row in rows if len(row["last_name"]) > 6 and row["last_name"] in ledger]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("data", "release", "no-such"), "no data release with this id"),
        (("data", "status", "no-such"), "no data release with this id"),
        (("data", "release", "no-such", "--approve"), "no data release with this id"),
        (("data", "define", "x", "--party", "no-such", "--kind", "patients", "--tables", "claim", *SPAN), "not on record"),
        (("data", "define", "x", "--party", "oms", "--kind", "de-identified", "--tables", "claim", *SPAN, "--run",
          "0" * 16), "is not recorded as complete"),
        (("data", "define", "x", "--party", "oms", "--kind", "de-identified", "--tables", "claim", *SPAN, "--period",
          "2031Q1"), "2031Q1"),
        (("record", "data_disclosed", "analysis_id=x", "--effective-on", "2026-06-01"), "qe data release"),
    ],
)  # fmt: skip
def test_wrong_words_are_one_error_with_a_remedy(ready: Quarter, words: tuple[str, ...], said: str) -> None:
    found = ready(*words, on=ON)
    assert found.exit_code == 2
    (fault,) = found.answer["faults"]
    assert said in fault["message"]
