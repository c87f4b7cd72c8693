import json
from pathlib import Path

import duckdb
import pytest
import typer

from qe.cli.main import main
from qe.cli.output import command


def called(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    captured = capsys.readouterr()
    assert isinstance(stop.value.code, int)
    return stop.value.code, captured.out, captured.err


@pytest.mark.parametrize(
    "arguments",
    [("nosuch",), ("run", "--bogus"), ("review", "send"), ("release", "go", "--cycle"), ("check", "nothing")],
)
def test_wrong_usage_is_exit_2_without_a_traceback(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]):
    code, out, err = called(*arguments, capsys=capsys)
    assert (code, out) == (2, "")
    assert "qe --help" in err
    assert "Traceback" not in err


def test_wrong_usage_with_json_is_one_object(capsys: pytest.CaptureFixture[str]):
    code, out, err = called("run", "--bogus", "--json", capsys=capsys)
    answer = json.loads(out)
    assert (code, err) == (2, "")
    assert list(answer) == ["command", "exit_code", "data", "faults", "reasons"]
    assert answer["faults"][0]["code"] == "usage"


def test_a_folder_without_a_site_is_told_with_its_remedy(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(str(tmp_path))
    code, _, err = called("run", capsys=capsys)
    assert code == 2
    assert "there is no qe.toml here" in err
    assert "qe init" in err


def test_doctor_finds_this_machine_fit(tmp_path: object, capsys: pytest.CaptureFixture[str]):
    code, out, _ = called("doctor", "--site", str(tmp_path), "--json", capsys=capsys)
    states = {finding["check"]: finding["state"] for finding in json.loads(out)["data"]["findings"]}
    assert code == 0
    assert states["encryption at rest"] == "ok"
    assert states["PDF reports"] == "ok"


def test_the_measure_list_has_an_entry_for_each_published_measure(capsys: pytest.CaptureFixture[str]):
    code, out, _ = called("measures", "list", "--json", capsys=capsys)
    listed = json.loads(out)["data"]
    assert code == 0
    assert {entry["id"] for entry in listed} >= {"hwr", "pdc_statins", "total_cost_index"}
    assert all({"id", "module", "version", "levels", "kind"} <= entry.keys() for entry in listed)


@pytest.mark.parametrize("error", [duckdb.IOException("Could not write: No space left on device"), OSError(28, "full")])
def test_a_full_disk_is_one_sentence_whoever_meets_it(error: Exception, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(typer.Exit) as stop, command("run", json=True):
        raise error
    answer = json.loads(capsys.readouterr().out)
    assert (stop.value.exit_code, answer["exit_code"]) == (5, 5)
    assert [fault["message"] for fault in answer["faults"]] == ["the disk is full"]


def test_a_reason_to_accept_the_model_of_no_measure_and_an_empty_reason_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "keys"))
    site = tmp_path / "site"
    assert called("init", str(site), capsys=capsys)[0] == 0
    settings = (site / "qe.toml").read_text(encoding="utf-8")
    for line, said in (
        ('accept_calibration = { hwrr = "old members are few" }', "scoring.accept_calibration.hwrr names no measure"),
        ('accept_calibration = { hwr = " " }', "accept_calibration"),
    ):
        (site / "qe.toml").write_text(settings.replace("[scoring]\n", f"[scoring]\n{line}\n"), encoding="utf-8")
        code, out, _ = called("check", "measures", "--site", str(site), "--json", capsys=capsys)
        assert code == 2
        assert any(said in json.dumps(fault) for fault in json.loads(out)["faults"]), out
