"""`qe measures` as its users meet it: what it prints, what it writes, how it ends."""

import json
import shutil
from pathlib import Path

import pytest

from qe import bundled
from qe.cli.main import main


def called(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(["measures", *arguments])
    captured = capsys.readouterr()
    assert isinstance(stop.value.code, int)
    return stop.value.code, captured.out, captured.err


def test_show_prints_a_measure_and_writes_its_page_under_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    code, out, _ = called("show", "pqi_01", capsys=capsys)
    assert code == 0
    assert "Side by side, in a browser: out/measures/ahrq_pqi.html" in out
    assert (tmp_path / "out/measures/ahrq_pqi.html").read_text().startswith("<!doctype html>")


def test_show_writes_where_out_says_and_tells_it_in_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    code, out, _ = called("show", "awv", "--out", str(tmp_path / "pages"), "--json", capsys=capsys)
    data = json.loads(out)["data"]
    assert code == 0
    assert data["page"] == str(tmp_path / "pages" / "awv.html")
    assert "R1" in data["text"]
    assert Path(data["page"]).is_file()


def test_show_with_dry_run_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    code, out, _ = called("show", "awv", "--out", str(tmp_path / "pages"), "--dry-run", capsys=capsys)
    assert code == 0
    assert "would write" in out
    assert list(tmp_path.iterdir()) == []


def test_list_tells_for_each_measure_and_level_by_which_route_it_could_be_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    code, out, _ = called("list", "--json", capsys=capsys)
    entries = {entry["id"]: entry for entry in json.loads(out)["data"]}
    assert code == 0
    assert [(one["level"], one["route"]) for one in entries["pdc_statins"]["routes"]] == [
        ("group", "approval"),
        ("clinician", "approval"),
    ]
    assert {"id", "module", "version", "levels", "kind"} <= entries["pdc_statins"].keys()
    code, out, _ = called("list", capsys=capsys)
    assert "after approval: alternative measure, once CMS approves it (42 CFR 401.715(b))" in out
    assert "bcs: cannot be published here: it needs mammography" in out


def test_check_records_a_version_once_and_then_holds_its_files_to_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder = shutil.copytree(bundled.folder("measures") / "awv", tmp_path / "measures" / "awv")
    code, out, _ = called("check", str(folder), "--record", "--dry-run", capsys=capsys)
    assert (code, "awv 1.0.0 is not recorded: would record it" in out) == (0, True)
    assert not (tmp_path / "measures" / "_versions").exists()
    code, out, _ = called("check", str(folder), "--record", capsys=capsys)
    assert (code, "Recorded awv 1.0.0" in out) == (0, True)
    sql = folder / "exclusions.sql"
    sql.write_text(sql.read_text().replace("select", "select distinct", 1))
    code, _, err = called("check", str(folder), capsys=capsys)
    assert code == 2
    assert "measures/awv/exclusions.sql: it has changed since version 1.0.0 of awv was recorded" in err
    assert "Raise version in measure.toml of awv" in err
