"""`qe filing measures` on the sample site: exit codes, reasons and files."""

import json
from pathlib import Path

import pytest

from qe.cli.main import main


def called(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, object]]:
    with pytest.raises(SystemExit) as stop:
        main([*arguments, "--json"])
    assert isinstance(stop.value.code, int)
    return stop.value.code, json.loads(capsys.readouterr().out)


def test_a_filing_is_refused_with_each_blank_and_written_when_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "keys"))
    site = tmp_path / "site"
    assert called("init", str(site), "--sample", capsys=capsys)[0] == 0
    filing = ("filing", "measures", "--site", str(site), "--as-of", "2026-03-01", "--actor", "A. Officer")

    code, answer = called(*filing, "--measure", "hf_readmission", capsys=capsys)  # not approved at this site
    assert code == 3
    reasons = answer["reasons"]
    assert isinstance(reasons, list)
    assert {reason["citation"] for reason in reasons} == {
        f"42 CFR 401.715(b)(4)({part})" for part in ("iv", "v", "vi", "vii")
    }
    assert all(reason["rule"] == "A1" and reason["fact"].startswith("hf_readmission: ") for reason in reasons)
    assert not (site / "out" / "filings").exists()

    code, answer = called(*filing, "--dry-run", capsys=capsys)
    data = answer["data"]
    assert isinstance(data, dict)
    split = ["total_cost_index", "resource_use_index", "price_index"]
    assert (code, data["measures"]) == (0, ["hwr", "pdc_statins", *split])
    assert not (site / "out" / "filings").exists()

    code, answer = called(*filing, "--measure", "pdc_statins", capsys=capsys)
    assert code == 0
    assert sorted(file.name for file in (site / "out" / "filings").iterdir()) == [
        "measures-2026-03-01.head.json",
        "measures-2026-03-01.pdf",
        "measures-2026-03-01.xlsx",
    ]
    head = str(site / "out" / "filings" / "measures-2026-03-01.head.json")
    assert called("ledger", "verify", "--head", head, "--site", str(site), capsys=capsys)[0] == 0
