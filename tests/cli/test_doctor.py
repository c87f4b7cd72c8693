"""`qe doctor` on sealed attachments: who could open them, and who could read what lies there."""

import json
from dataclasses import dataclass
from pathlib import Path

import pyrage
import pytest

from qe.cli.main import main

WHO, WHAT = "who can open sealed attachments", "sealed attachments"


@dataclass
class Made:
    root: Path
    sealing_key: Path
    capsys: pytest.CaptureFixture[str]

    def doctor(self) -> tuple[int, dict[str, dict[str, str]]]:
        with pytest.raises(SystemExit) as stop:
            main(["doctor", "--site", str(self.root), "--json"])
        findings = json.loads(self.capsys.readouterr().out)["data"]["findings"]
        return int(stop.value.code or 0), {one["check"]: one for one in findings}


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Made:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    with pytest.raises(SystemExit):
        main(["init", str(tmp_path / "site"), "--json"])
    told = json.loads(capsys.readouterr().out)["data"]
    return Made(root=tmp_path / "site", sealing_key=Path(told["sealing_key_file"]), capsys=capsys)


def test_the_secret_half_that_still_lies_here_is_told_until_it_is_handed_over(made: Made, tmp_path: Path) -> None:
    code, found = made.doctor()
    assert (code, found[WHO]["state"]) == (0, "warning")
    assert made.sealing_key.name in found[WHO]["found"] and "reviewing officer" in found[WHO]["remedy"]
    secret = made.sealing_key.read_text()
    assert not any(line in json.dumps(found) for line in secret.splitlines() if line.startswith("AGE-SECRET-KEY-"))
    made.sealing_key.rename(tmp_path / "stick.key")
    assert made.doctor()[1][WHO]["state"] == "ok"
    (made.root / "copy.txt").write_text(secret)  # under another name, in the site
    assert "copy.txt" in made.doctor()[1][WHO]["found"]


def test_a_key_of_something_else_beside_the_keys_is_no_finding(made: Made) -> None:
    made.sealing_key.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    assert made.doctor()[1][WHO]["state"] == "ok"
    made.sealing_key.write_text("AGE-SECRET-KEY-1NOT A KEY\n")
    assert made.doctor()[1][WHO]["state"] == "ok"


@pytest.mark.parametrize(("folder_mode", "file_mode"), [(0o750, 0o600), (0o700, 0o640), (0o701, 0o600), (0o700, 0o602)])
def test_what_other_accounts_can_reach_is_a_fault(made: Made, folder_mode: int, file_mode: int) -> None:
    folder = made.root / "store" / "sealed"
    folder.mkdir(mode=0o700)
    file = folder / f"{'a' * 64}.age"
    file.write_bytes(b"sealed")
    file.chmod(0o600)
    assert made.doctor()[1][WHAT]["state"] == "ok"
    file.chmod(file_mode)
    folder.chmod(folder_mode)
    code, found = made.doctor()
    assert (code, found[WHAT]["state"]) == (1, "fault")
    assert found[WHAT]["found"].startswith("1 of the folder and its files") and "chmod 700" in found[WHAT]["remedy"]
    assert file.name not in json.dumps(found)
