"""`qe ledger` and its signed heads as a person types them, on a site that `qe init` made."""

import json
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest

from benchmarks.tampering import cut_off
from qe.cli.main import main
from qe.ledger.book import Ledger
from qe.ledger.event import NewEvent
from qe.ledger.signing import read_statement
from qe.site import Site, open_site


class Say(Protocol):
    def __call__(self, *words: str) -> tuple[int, dict[str, Any]]: ...


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Site:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    with pytest.raises(SystemExit) as stop:
        main(["init", str(tmp_path / "site"), "--sample", "--json"])
    assert stop.value.code == 0
    capsys.readouterr()
    return open_site(tmp_path / "site")


@pytest.fixture
def say(site: Site, capsys: pytest.CaptureFixture[str]) -> Say:
    def run(*words: str) -> tuple[int, dict[str, Any]]:
        with pytest.raises(SystemExit) as stop:
            main([*words, "--site", str(site.root), "--json"])
        answer: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert answer["exit_code"] == stop.value.code
        return answer["exit_code"], answer

    return run


def spoken(site: Site, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit):
        main([*words, "--site", str(site.root)])
    return capsys.readouterr().out


def signing_key_file(site: Site) -> Path:
    return Path(str(site.settings.site.signing_key_file))


def without_key(site: Site) -> None:
    settings = (site.root / "qe.toml").read_text().splitlines(keepends=True)
    (site.root / "qe.toml").write_text("".join(line for line in settings if not line.startswith("signing_key_file")))


def codes(answer: dict[str, Any]) -> list[str]:
    return [fault["code"] for fault in answer["faults"]]


def test_a_new_site_has_a_third_key_outside_it_and_the_first_event_is_its_public_half(site: Site, say: Say) -> None:
    file = signing_key_file(site)
    assert (file.name.endswith(".signing.key"), oct(file.stat().st_mode)[-3:]) == (True, "600")
    assert len({path.read_text() for path in file.parent.glob("*.key")}) == 4  # store, vault, signing, sealing
    key = site.signing_key()
    assert key is not None
    first = say("ledger", "show")[1]["data"]["events"][0]
    assert (first["kind"], first["payload"]) == (
        "key_created",
        {"purpose": "ledger_heads", "public_key": key.public_key},
    )
    assert file.read_text().strip() not in site.ledger.read_bytes().decode("latin-1")


def test_a_signing_key_inside_the_site_is_refused(site: Site, say: Say) -> None:
    inside = site.root / "signing.key"
    inside.write_text(signing_key_file(site).read_text())
    inside.chmod(0o600)
    settings = (site.root / "qe.toml").read_text().replace(str(signing_key_file(site)), str(inside))
    (site.root / "qe.toml").write_text(settings)
    code, answer = say("ledger", "verify", "--sign", str(site.root.parent / "head.json"))
    assert (code, "signing_key_file lies inside the site" in answer["faults"][0]["message"]) == (2, True)


def test_a_signed_head_is_written_once_and_found_again(site: Site, say: Say, tmp_path: Path) -> None:
    head = tmp_path / "head.json"
    code, answer = say("ledger", "verify", "--sign", str(head))
    assert (code, answer["data"]["head_file"]) == (0, str(head))
    assert read_statement(head.read_text()).is_signed
    assert say("ledger", "verify", "--head", str(head))[0] == 0
    assert say("ledger", "verify", "--sign", str(head))[0] == 2
    assert say("ledger", "verify", "--sign", str(tmp_path / "dry.json"), "--dry-run")[0] == 0
    assert not (tmp_path / "dry.json").exists()


def test_each_failure_of_a_head_is_one_sentence_of_its_own(site: Site, say: Say, tmp_path: Path) -> None:
    head, forged, strange = tmp_path / "head.json", tmp_path / "forged.json", tmp_path / "strange.json"
    say("ledger", "verify", "--sign", str(head))
    seq = read_statement(head.read_text()).seq
    forged.write_text(head.read_text().replace(f'"seq":{seq}', f'"seq":{seq - 1}'))
    strange.write_text("{}")
    assert codes(say("ledger", "verify", "--head", str(forged))[1]) == ["head-signature"]
    for wrong in (strange, tmp_path, tmp_path / "none.json", "ab12"):
        assert say("ledger", "verify", "--head", str(wrong))[0] == 2
    strange.write_bytes(b"\xff")
    assert say("ledger", "verify", "--head", str(strange))[0] == 2
    cut_off(site.open_ledger(), seq - 1, with_anchor=True, with_heads=True)
    code, answer = say("ledger", "verify", "--head", str(head))
    assert (code, codes(answer)) == (1, ["head-beyond-end"])
    assert "events were removed" in answer["faults"][0]["message"]


def test_an_export_stands_beside_its_signed_head(site: Site, say: Say, tmp_path: Path) -> None:
    out = tmp_path / "events.jsonl"
    assert say("ledger", "export", "--out", str(out), "--dry-run")[0] == 0
    assert not out.exists()
    code, answer = say("ledger", "export", "--out", str(out))
    stated = read_statement((tmp_path / "events.jsonl.head.json").read_text())
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert (code, answer["data"]["events"], stated.seq, stated.hash) == (0, len(lines), len(lines), lines[-1]["hash"])
    assert stated.holds and lines[0]["payload"]["public_key"] == stated.public_key
    out.unlink()
    assert say("ledger", "export", "--out", str(out))[0] == 2  # its head is there still
    assert not out.exists()


def test_whoever_got_an_export_and_its_head_verifies_both_without_the_site(
    site: Site, say: Say, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "events.jsonl"
    say("ledger", "export", "--out", str(out))
    shutil.rmtree(site.root)
    whole = out.read_text().splitlines(keepends=True)

    def verified(lines: list[str], *words: str) -> tuple[int, list[str]]:
        out.write_text("".join(lines))
        with pytest.raises(SystemExit):
            main(["ledger", "verify", "--file", str(out), *words, "--json"])
        answer = json.loads(capsys.readouterr().out)
        assert all("ledger.sqlite" not in fault["message"] for fault in answer["faults"])
        return answer["exit_code"], codes(answer)

    head = ("--head", str(tmp_path / "events.jsonl.head.json"))
    last = json.loads(whole[-1])["hash"]
    assert verified(whole, *head) == verified(whole, "--head", last) == verified(whole) == verified([]) == (0, [])
    assert verified(whole[:-1]) == (0, [])  # only a head shows it
    assert verified(whole[:-1], *head) == (1, ["head-beyond-end"])
    assert verified(whole[:-1], "--head", last) == (1, ["head-unknown"])
    assert verified([*whole[:1], *whole[2:]]) == (1, ["missing-event"])
    assert verified([whole[0].replace('"seq":1', '"seq": 1'), *whole[1:]]) == (1, ["event-changed"])
    assert verified([whole[0].replace('"actor":"', '"actor":"x'), *whole[1:]]) == (1, ["event-changed"])
    assert verified(["[]\n"]) == verified(["{}\n"]) == verified(["\n"]) == (1, ["event-changed"])
    assert verified(["\u00e9\n"])[0] == 2
    out.unlink()
    with pytest.raises(SystemExit) as stop:
        main(["ledger", "verify", "--file", str(out)])
    assert stop.value.code == 2
    assert "Whether events were removed" in say_of(whole, out, capsys)


def say_of(lines: list[str], out: Path, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    out.write_text("".join(lines))
    with pytest.raises(SystemExit):
        main(["ledger", "verify", "--file", str(out)])
    return capsys.readouterr().out


def test_a_broken_ledger_is_exported_to_the_screen_only(site: Site, say: Say, tmp_path: Path) -> None:
    cut_off(site.open_ledger(), 3)
    assert say("ledger", "export", "--out", str(tmp_path / "events.jsonl"))[0] == 1
    assert list(tmp_path.glob("events*")) == []
    code, answer = say("ledger", "export")
    assert (code, len(answer["data"]["lines"])) == (0, 3)


def test_a_site_without_a_signing_key_works_and_says_that_its_heads_are_not_signed(
    site: Site, say: Say, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    without_key(site)
    head = tmp_path / "head.json"
    said = spoken(site, capsys, "ledger", "verify", "--sign", str(head))
    assert "The heads of this ledger are not signed: the site has no signing key." in said
    assert "Wrote the unsigned head" in said
    assert "not signed." in spoken(site, capsys, "ledger", "verify", "--head", str(head))
    findings = {one["check"]: one for one in say("doctor")[1]["data"]["findings"]}
    assert findings["signing key"]["state"] == "warning"
    assert "the heads of the ledger are not signed" in findings["signing key"]["found"]


def test_a_named_key_that_is_missing_is_told_and_facts_are_recorded_all_the_same(
    site: Site, say: Say, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    signing_key_file(site).unlink()
    said = spoken(site, capsys, "ledger", "verify")
    assert "Heads are not signed by this account: the key file" in said
    assert say("check", "config")[0] == 2
    assert say("ledger", "export", "--out", str(tmp_path / "events.jsonl"))[0] == 2
    assert list(tmp_path.glob("events*")) == []
    record = ("record", "entity_approved", "approved_on=2025-02-01", "--effective-on", "2025-02-01")
    assert say(*record)[0] == 0
    findings = {one["check"]: one["state"] for one in say("doctor")[1]["data"]["findings"]}
    assert findings["signing key"] == "fault"


def test_the_key_may_come_from_the_environment(site: Site, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = signing_key_file(site).read_text().strip()
    without_key(site)
    monkeypatch.setenv("QE_SIGNING_KEY", secret)
    findings = {one["check"]: one for one in say("doctor")[1]["data"]["findings"]}
    assert findings["signing key"]["state"] == "ok"
    assert secret not in json.dumps(findings)


def test_facts_are_shown_as_they_stood_on_a_day_and_as_they_were_known(site: Site, say: Say) -> None:
    """Approved from 2025-01-01 in the rehearsal; recorded today, so that nothing was known in 2025."""
    _, everything = say("ledger", "show", "--kind", "entity_approved")
    (event,) = everything["data"]["events"]
    day = event["at"][:10]

    def shown(*words: str) -> int:
        return len(say("ledger", "show", "--kind", "entity_approved", *words)[1]["data"]["events"])

    assert (shown("--as-of", "2025-01-01"), shown("--as-of", "2024-12-31")) == (1, 0)
    assert (shown("--known-at", "2025-06-30"), shown("--as-of", day, "--known-at", "2025-06-30T12:00:00")) == (0, 0)
    assert shown("--as-of", day, "--known-at", "2099-01-01") == 1
    assert say("record", "fact_retracted", f"retracts={event['event_id']}")[0] == 0
    assert (shown(), shown("--as-of", "2025-01-01")) == (1, 0)


def test_the_kinds_of_events_are_printed_without_a_site(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["ledger", "show", "--kinds"])
    assert stop.value.code == 0
    assert "| `incident_opened` |" in capsys.readouterr().out


def test_an_incident_is_recorded_with_its_hour(say: Say) -> None:
    words = (
        "incident_opened",
        "incident_id=i1",
        "found_by=entity",
        "what=lost",
        "data=identifiable",
        "is_certain=false",
    )
    effective = ("--effective-on", "2026-03-02")
    assert say("record", *words, "found_at=2026-03-02T14:05:00Z", *effective)[0] == 0
    for wrong in ("2026-03-02", "2026-03-02T14:05Z", "2026-03-02T14:05:00+01:00", "2026-02-30T14:05:00Z"):
        code, answer = say("record", *words, f"found_at={wrong}", *effective)
        assert (code, [fault["place"] for fault in answer["faults"]]) == (2, ["found_at"])


def test_an_anchor_that_is_behind_and_days_without_a_signed_head_are_told(
    site: Site, say: Say, capsys: pytest.CaptureFixture[str]
) -> None:
    """Signed today; then, without the key, one event a day: of the first of them no head was signed on the second."""
    assert say("record", "entity_approved", "approved_on=2025-02-01", "--effective-on", "2025-02-01")[0] == 0
    keyless = Ledger(site.ledger, zone=site.settings.site.zone)
    last = keyless.events()[-1]
    for days in (2, 4):
        event = NewEvent(
            kind="entity_approved", effective_on=date(2025, 3, days), payload={"approved_on": "2025-03-01"}
        )
        keyless.append([event], at=last.at + timedelta(days=days), actor="officer")
    keyless.anchor.write_text(f"{last.seq} {last.hash}\n")
    said = spoken(site, capsys, "ledger", "verify", "--head", last.hash)
    assert "The head that was given is in the chain." in said
    assert "Its anchor is 2 events behind" in said
    assert "stand in the chain: 1." in said
    assert "as nobody who acted had the key: 2." in said  # the approval of today, and that of the first day
