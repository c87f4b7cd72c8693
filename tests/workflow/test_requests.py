"""Requests as a person types them, on a finished quarter: what a data release holds, and when nothing leaves."""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyrage
import pytest

from qe import store, warehouse
from qe.claims.load import vault_path
from qe.disclosure.identifiers import identifiers_found
from qe.release.contacts import write_contacts
from qe.release.extract.behind_result import behind_result
from qe.release.extract.files import dictionary
from qe.runs import recorded_runs
from qe.site import Site, open_site
from qe.workspace import Workspace
from tests.workflow.conftest import Answer, Made, Quarter

GROUP, HOSPITAL = "U000046", "U000001"
CYCLE = ("--cycle", "2025Q4-1")
TABLES = ("events", "event_claims", "claims", "claim_lines", "diagnoses", "procedures", "fills")

BEHIND = """
with driving as (
    select distinct person_id, unnest(driving_claim_ids) as number
    from detail.detail
    where measure_id = $measure and provider_id = $unit
),
fill as (
    select fill_id, driving.person_id, payer_type
    from driving
    join model.pharmacy_fill on fill_id = number and pharmacy_fill.person_id = driving.person_id
    where $measure <> 'hwr'
),
claim as (
    select claim_id, driving.person_id, payer_type
    from driving
    join model.claim on claim_id = number and claim.person_id = driving.person_id
    where number not in (select fill_id from fill where fill.person_id = driving.person_id)
)
select 'fill', fill_id from fill where payer_type = 'medicare'
union
select 'claim', claim_id from claim where payer_type = 'medicare'
"""


@pytest.fixture(scope="session")
def receipt(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("receipt") / "letter.txt"
    path.write_text("a letter as it came")
    return str(path)


@pytest.fixture
def quarter(made: Made, copy_of: Callable[[Path], Quarter]) -> Quarter:
    """Reports handed over on day 0, nothing noticed yet."""
    return copy_of(made.sent)


def give_age_keys(site: Site, *units: str) -> dict[str, pyrage.x25519.Identity]:
    """Their own age keys, in the address book beside the contacts that they have."""
    path, engine = site.store / "contacts.duckdb", site.engine()
    with warehouse.open_read_only(path, site.vault_key(), engine=engine, lock=False) as db:
        known = db.query("select * from contact")
    secrets = {unit: pyrage.x25519.Identity.generate() for unit in units}
    rows = [
        {"unit_id": unit, "channel": "age", "age_recipient": str(secret.to_public()), "zone": "America/New_York"}
        for unit, secret in secrets.items()
    ]
    added = pl.DataFrame(rows, schema=dict.fromkeys(rows[0], pl.String))
    write_contacts(
        path=path, key=site.vault_key(), engine=engine, contacts=pl.concat([known, added], how="diagonal_relaxed")
    )
    return secrets


def add(quarter: Quarter, unit: str, measure: str, *, kind: str = "claims_data", day: int = 3, **options: str) -> str:
    words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
    asked = ("--provider", unit, "--kind", kind, "--category", "data", "--measure", measure, "--channel", "mail")
    received = ("--received-on", quarter.day(day).isoformat())
    found: str = quarter.done("request", "add", *CYCLE, *asked, *received, *words, on=quarter.day(day + 1)).data[
        "request_id"
    ]
    return found


def verify(quarter: Quarter, unit: str, receipt: str, *, terms: bool = True) -> None:
    signed = ("--terms", receipt) if terms else ()
    who = ("--provider", unit, "--how", "called_back", "--evidence", receipt)
    quarter.done("request", "verify", *CYCLE, *who, *signed, on=quarter.day(4))


def release(quarter: Quarter, request_id: str, *words: str, day: int = 5) -> Answer:
    return quarter("request", "release-data", request_id, *words, on=quarter.day(day))


def opened(quarter: Quarter, request_id: str, secret: pyrage.x25519.Identity, *, day: int = 5) -> dict[str, bytes]:
    path = quarter.root / "out" / "outbox" / quarter.day(day).isoformat() / "age" / f"data-{request_id}.age"
    with zipfile.ZipFile(io.BytesIO(pyrage.decrypt(path.read_bytes(), [secret]))) as package:
        return {name: package.read(name) for name in package.namelist()}


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8"))))


def events_of(quarter: Quarter, kind: str) -> list[dict[str, Any]]:
    return [event for event in quarter.done("ledger", "show").data["events"] if event["kind"] == kind]


@pytest.mark.parametrize("measure", ["hwr", "pdc_statins"])
def test_what_is_released_is_exactly_the_medicare_claims_behind_the_events_of_each_provider(
    made: Made, measure: str
) -> None:
    site = open_site(made.sent)
    run = recorded_runs(site)[0]
    units = Workspace(site).results().filter(pl.col("measure_id") == measure)["provider_id"].unique().sort().to_list()
    assert len(units) >= 4
    model = site.store / "model" / f"{run.manifest()['claims_model'][:16]}.duckdb"
    released = 0
    with store.open_encrypted(
        run.detail / f"{measure}.duckdb", site.store_key(), engine=site.engine(), read_only=True
    ) as db:
        store.attach(db, run.detail / f"{measure}.duckdb", alias="detail", key=site.store_key(), read_only=True)
        store.attach(db, model, alias="model", key=site.store_key(), read_only=True)
        for unit in units:
            found = behind_result(site, run, unit_id=unit, measure_ids=[measure], medicare_sources=None)
            expected = set(db.execute(BEHIND, {"measure": measure, "unit": unit}).fetchall())
            claims = {("claim", number) for number in found.tables["claims"]["claim_id"]}
            assert claims | {("fill", number) for number in found.tables["fills"]["fill_id"]} == expected
            for name in ("claim_lines", "diagnoses", "procedures"):
                assert {("claim", number) for number in found.tables[name]["claim_id"]} <= claims
            links = found.tables["event_claims"].select("kind", "claim_id")
            assert set(links.iter_rows()) == expected
            released += len(expected)
    assert released > 50


def test_a_data_release_is_sealed_for_its_provider_and_says_what_it_holds(quarter: Quarter, receipt: str) -> None:
    site = open_site(quarter.root)
    secret = give_age_keys(site, HOSPITAL)[HOSPITAL]
    request_id = add(quarter, HOSPITAL, "hwr")
    assert request_id == f"2025Q4-1-{HOSPITAL}-1"
    verify(quarter, HOSPITAL, receipt)
    quarter.done("request", "acknowledge", request_id, on=quarter.day(4))
    head = len(quarter.done("ledger", "show").data["events"])
    shown = release(quarter, request_id, "--dry-run")
    assert {one["rule"] for one in shown.answer["reasons"] if one["verdict"] == "pass"} >= {
        "G9",
        "G10",
        "G13",
        "G16",
        "G23",
    }
    assert len(quarter.done("ledger", "show").data["events"]) == head
    assert not list((quarter.root / "out").rglob("data-*"))

    done = release(quarter, request_id)
    assert done.exit_code == 0, done.stdout
    files = opened(quarter, request_id, secret)
    assert set(files) == {
        *(f"{name}.csv" for name in TABLES), "data_dictionary.csv", "letter.pdf", "letter.txt", "manifest.json",
    }  # fmt: skip
    manifest = json.loads(files["manifest.json"])
    for name, told in manifest["files"].items():
        assert told["sha256"] == hashlib.sha256(files[name]).hexdigest()
        if "rows" in told:
            assert told["rows"] == len(rows_of(files[name]))
    assert set(manifest["files"]) == set(files) - {"manifest.json"}
    told = {(row["file"], row["column"]) for row in rows_of(files["data_dictionary.csv"])}
    assert told == {(f"{name}.csv", column) for name in TABLES for column in dictionary()[name]}

    events = rows_of(files["events.csv"])
    of_unit = Workspace(site).detail("hwr").filter(pl.col("provider_id") == HOSPITAL)
    assert {row["event_id"] for row in events} < set(of_unit["event_id"])
    letter = " ".join(files["letter.txt"].decode("utf-8").split())
    others = of_unit.height - len(events)
    assert f"{of_unit.height}: {len(events)} of Medicare, enclosed; {others} of other payers, not enclosed" in letter
    assert "Please ask the plan that covers the person" in letter
    assert all(row["last_visit"] and row["attribution_share"] and row["rule_ids"] for row in events)

    (recorded,) = events_of(quarter, "request_fulfilled")
    payload = recorded["payload"]
    assert payload["manifest_sha256"] == hashlib.sha256(files["manifest.json"]).hexdigest()
    assert (payload["events"], payload["events_not_enclosed"], payload["named"]) == (len(events), others, 0)
    assert payload["claims"] == len(rows_of(files["claims.csv"]))
    assert payload["persons"] == len({row["person_id"] for row in events})
    listed = quarter.done("request", "list", on=quarter.day(6)).data["requests"]
    assert [(one["state"], one["next"]) for one in listed] == [("responded", "resolve")]
    quarter.done("request", "resolve", request_id, "--outcome", "fulfilled", on=quarter.day(6))


def test_no_file_holds_a_number_or_name_by_which_a_payer_knows_a_person(quarter: Quarter, receipt: str) -> None:
    site = open_site(quarter.root)
    secret = give_age_keys(site, GROUP)[GROUP]
    request_id = add(quarter, GROUP, "pdc_statins")
    verify(quarter, GROUP, receipt)
    assert release(quarter, request_id).exit_code == 0
    files = opened(quarter, request_id, secret)
    assert identifiers_found(files) == 0
    with store.open_encrypted(vault_path(site), site.vault_key(), engine=site.engine(), read_only=True) as vault:
        numbers = vault.execute(
            "select native_person_id from person_key union select mbi from identity union select hicn from identity "
            "union select ssn from identity"
        ).fetchall()
    cells = {cell for name in TABLES for row in rows_of(files[f"{name}.csv"]) for cell in row.values()}
    assert not cells & {number for (number,) in numbers if number and len(number) > 6}
    assert "beneficiaries.csv" not in files
    assert any(row["fill_id"] for row in rows_of(files["fills.csv"]))


def test_names_go_only_where_they_were_asked_for_and_only_as_medicare_has_them(quarter: Quarter, receipt: str) -> None:
    site = open_site(quarter.root)
    secret = give_age_keys(site, GROUP)[GROUP]
    request_id = add(quarter, GROUP, "pdc_statins", kind="beneficiary_names")
    verify(quarter, GROUP, receipt)
    assert release(quarter, request_id).exit_code == 0
    files = opened(quarter, request_id, secret)
    named = rows_of(files["beneficiaries.csv"])
    people = {row["person_id"] for row in rows_of(files["events.csv"])}
    assert {row["person_id"] for row in named} == people
    with store.open_encrypted(vault_path(site), site.vault_key(), engine=site.engine(), read_only=True) as vault:
        known = vault.execute(
            "select distinct cast(person_id as varchar), coalesce(last_name, ''), coalesce(first_name, '') from person_key "
            "join identity using (source_id, native_person_id) where source_id = 'medicare'"
        ).fetchall()
    assert {(row["person_id"], row["last_name"], row["first_name"]) for row in named} == {
        one for one in known if one[0] in people
    }
    (recorded,) = events_of(quarter, "request_fulfilled")
    assert recorded["payload"]["named"] == len(people)
    said = json.dumps(quarter.done("ledger", "show").data)
    assert not [row for row in named if len(row["last_name"]) > 4 and row["last_name"] in said]


def test_a_release_that_was_stopped_is_finished_by_the_same_command_without_a_second_event(
    quarter: Quarter, receipt: str
) -> None:
    secret = give_age_keys(open_site(quarter.root), HOSPITAL)[HOSPITAL]
    request_id = add(quarter, HOSPITAL, "hwr")
    verify(quarter, HOSPITAL, receipt)
    release(quarter, request_id)
    files = opened(quarter, request_id, secret)
    (path,) = (quarter.root / "out").rglob("data-*.age")
    path.unlink()
    assert release(quarter, request_id, day=9).data["recorded"] is False
    assert opened(quarter, request_id, secret) == files
    again = release(quarter, request_id, day=10)
    assert again.exit_code == 0
    assert len(events_of(quarter, "request_fulfilled")) == 1


def test_nothing_leaves_while_a_fact_of_the_request_is_missing(quarter: Quarter, receipt: str) -> None:
    request_id = add(quarter, HOSPITAL, "hwr")
    no_key = release(quarter, request_id)
    assert (no_key.exit_code, list(no_key.failing())) == (3, ["G22"])
    give_age_keys(open_site(quarter.root), HOSPITAL)
    unknown = release(quarter, request_id)
    assert (unknown.exit_code, set(unknown.failing())) == (3, {"G9", "G13"})
    verify(quarter, HOSPITAL, receipt, terms=False)
    assert set(release(quarter, request_id).failing()) == {"G13"}
    verify(quarter, HOSPITAL, receipt)
    assert set(release(quarter, request_id, "--measure", "pdc_statins").failing()) == {"G16"}
    assert release(quarter, "2025Q4-1-U000001-9").exit_code == 2
    late = add(quarter, HOSPITAL, "hwr", day=61)
    assert set(release(quarter, late, day=63).failing()) == {"G10"}
    quarter.done("request", "resolve", request_id, "--outcome", "withdrawn", on=quarter.day(6))
    assert set(release(quarter, request_id, day=7).failing()) == {"G10"}
    correction = add(quarter, HOSPITAL, "hwr", kind="correction")
    assert set(release(quarter, correction).failing()) == {"G16"}
    assert not list((quarter.root / "out").rglob("data-*"))
    assert events_of(quarter, "request_fulfilled") == []


def test_claims_behind_two_results_at_once_add_up_to_the_dollars_of_their_events(quarter: Quarter) -> None:
    site = open_site(quarter.root)
    run = recorded_runs(site)[0]
    asked = ["pdc_statins", "total_cost_index"]
    found = behind_result(site, run, unit_id=GROUP, measure_ids=asked, medicare_sources=None)
    events = found.tables["events"].filter((pl.col("measure_id") == "total_cost_index") & (pl.col("other_claims") == 0))
    added = found.tables["event_claims"].filter(pl.col("measure_id") == "total_cost_index")
    sums: dict[str, Decimal] = {}
    for event_id, amount in added.select("event_id", "amount").iter_rows():
        sums[event_id] = sums.get(event_id, Decimal(0)) + (amount or Decimal(0))
    assert events.height > 10
    assert {event_id: sums.get(event_id, Decimal(0)) for event_id in events["event_id"]} == dict(
        events.select("event_id", "amount").iter_rows()
    )


def test_the_course_of_a_correction_request_as_typed(quarter: Quarter, receipt: str) -> None:
    early = quarter("request", "respond", "2025Q4-1-U000046-1", "--answer", "denied", "--why", "No.", on=quarter.day(3))
    assert early.exit_code == 2  # no such request yet
    future = ("--provider", GROUP, "--kind", "correction", "--category", "calculation", "--received-on", "2027-01-01")
    assert quarter("request", "add", *CYCLE, *future, on=quarter.day(3)).exit_code == 3
    wrong = ("--provider", GROUP, "--kind", "correction", "--category", "weather", "--received-on", "2026-05-04")
    assert quarter("request", "add", *CYCLE, *wrong, on=quarter.day(3)).exit_code == 2
    foreign = ("--provider", GROUP, "--kind", "correction", "--category", "data", "--received-on", "2026-05-04")
    assert quarter("request", "add", *CYCLE, *foreign, "--measure", "hwr", on=quarter.day(3)).exit_code == 2
    request_id = add(quarter, GROUP, "pdc_statins", kind="correction", reason="another_site", evidence=receipt)
    assert add(quarter, GROUP, "pdc_statins", kind="correction", reason="another_site", evidence=receipt) == request_id
    (received,) = events_of(quarter, "request_received")
    assert received["evidence_sha256"] == hashlib.sha256(Path(receipt).read_bytes()).hexdigest()
    shown = quarter.done("request", "acknowledge", request_id, "--dry-run", on=quarter.day(4))
    assert shown.data["recorded"] is True
    assert shown.answer["reasons"]
    assert events_of(quarter, "request_acknowledged") == []
    quarter.done("request", "acknowledge", request_id, on=quarter.day(4))
    overdue = quarter.done("request", "list", "--open", on=quarter.day(20)).data["requests"]
    assert [(one["state"], one["days_left"]) for one in overdue] == [("acknowledged", -7)]  # day 3 and ten days
    said = ("--answer", "denied", "--why", "The claims show the fills that were counted.")
    quarter.done("request", "respond", request_id, *said, on=quarter.day(21))
    quarter.done("request", "resolve", request_id, "--outcome", "denied", on=quarter.day(22))
    assert quarter("request", "resolve", request_id, "--outcome", "upheld", on=quarter.day(22)).exit_code == 3
    assert quarter.done("request", "list", "--open", on=quarter.day(22)).data["requests"] == []


def test_attachments_as_typed_are_kept_or_sealed_and_their_name_stands_nowhere(
    quarter: Quarter, tmp_path: Path
) -> None:
    secret = pyrage.x25519.Identity.generate()
    key = tmp_path / "officer.key"
    key.write_text(str(secret))
    key.chmod(0o600)
    settings = [line for line in (quarter.root / "qe.toml").read_text().splitlines() if "sealing_recipient" not in line]
    named = settings.index("[site]") + 1
    settings.insert(named, f'sealing_recipient = "{secret.to_public()}"')
    (quarter.root / "qe.toml").write_text("\n".join(settings) + "\n")
    file = tmp_path / "Zyxquorvath-chart.pdf"
    file.write_bytes(b"a chart of Zyxquorvath, 35 bytes long")
    asked = ("--provider", GROUP, "--kind", "correction", "--category", "calculation", "--received-on")
    words = ("request", "add", *CYCLE, *asked, quarter.day(3).isoformat(), "--attachment", str(file))
    assert quarter(*words, on=quarter.day(4)).exit_code == 2  # the question is not answered
    sealing = (*words, "--attachment-is", "pswp-suspected")
    quarter.done(*sealing, "--dry-run", on=quarter.day(4))
    assert not (quarter.root / "store" / "sealed").exists()
    request_id = quarter.done(*sealing, on=quarter.day(4)).data["request_id"]
    assert quarter.done(*sealing, on=quarter.day(5)).data["is_new"] is False
    (listed,) = quarter.done("request", "list", on=quarter.day(5)).data["requests"]
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert listed["attachments"] == [{"sha256": digest, "bytes": 37, "kind": "pswp_suspected", "place": "sealed"}]
    again = tmp_path / "review.pdf"
    reading = ("request", "open", request_id, "--to", str(again))
    assert quarter(*reading, on=quarter.day(5)).exit_code == 2
    quarter.done(*reading, "--key", str(key), on=quarter.day(5))
    assert again.read_bytes() == file.read_bytes()
    assert [one["payload"]["was_sealed"] for one in events_of(quarter, "attachment_opened")] == [True]
    said = json.dumps(quarter.done("ledger", "show").data) + "".join(
        log.read_text() for log in (quarter.root / "logs").iterdir()
    )
    assert "Zyxquorvath" not in said


def test_an_upheld_correction_is_worked_out_told_by_letter_and_recorded_with_the_closing(
    quarter: Quarter, tmp_path: Path
) -> None:
    rows = Workspace(open_site(quarter.root)).detail("pdc_statins").filter(pl.col("provider_id") == GROUP)
    person = rows.filter(pl.col("in_denominator") & ~pl.col("in_numerator")).sort("event_id")["person_id"][0]
    file = tmp_path / "correction.csv"
    file.write_text(f"kind,evidence,measure_id,person_id\nnot_our_patient,claims,pdc_statins,{person}\n")
    request_id = add(quarter, GROUP, "pdc_statins", kind="correction")
    quarter.done("request", "acknowledge", request_id, on=quarter.day(4))
    answer = ("--answer", "upheld", "--why", "The person was not yours.", "--correction", str(file))
    quarter.done("request", "respond", request_id, *answer, on=quarter.day(6))
    (letter,) = (quarter.root / "out").rglob("decision-*/letter.txt")
    text = " ".join(letter.read_text().split())
    assert "upheld" in text
    assert " before, " in text
    closing = ("request", "resolve", request_id, "--outcome", "upheld", "--correction", str(file))
    shown = quarter.done(*closing, "--dry-run", on=quarter.day(7))
    assert shown.data["printed"]
    assert events_of(quarter, "correction_applied") == []
    quarter.done(*closing, on=quarter.day(7))
    (applied,), (closed,) = events_of(quarter, "correction_applied"), events_of(quarter, "request_resolved")
    assert applied["payload"]["request_id"] == closed["payload"]["request_id"] == request_id
    again = quarter.done(*closing, on=quarter.day(8))
    assert again.data["recorded"] is False
    sent = quarter.done("review", "send", *CYCLE, "--provider", GROUP, on=quarter.day(8))
    assert [one["unit_id"] for one in sent.data["sent"]] == [GROUP]
