"""What scripts rely on: one JSON object with the contract's keys, the exit codes, a site that can be interrupted."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from qe import store

KEYS = ["command", "exit_code", "data", "faults", "reasons"]
FAULT_KEYS = {"code", "file", "place", "count", "remedy"}

CALLS = [
    (0, ["check", "config"]),
    (0, ["status"]),
    (0, ["ledger", "verify"]),
    (0, ["ledger", "show"]),
    (0, ["run", "--dry-run", "--as-of", "2026-04-15"]),
    (0, ["review", "status", "--cycle", "2025Q4-1", "--as-of", "2026-05-02"]),
    (0, ["data", "status", "--as-of", "2026-05-02"]),
    (0, ["release", "plan", "--dry-run", "--cycle", "2025Q4-1", "--as-of", "2026-06-20"]),
    (3, ["release", "go", "--cycle", "2025Q4-1", "--as-of", "2026-06-20"]),
    (2, ["run", "--period", "2031Q1", "--as-of", "2026-04-15"]),
    (2, ["run", "--send-on", "2026-04-01", "--as-of", "2026-04-15"]),
    (2, ["explain", "no_such_measure", "U000001"]),
    (2, ["review", "status", "--cycle", "2025Q4-1", "--as-of", "tomorrow"]),
    (2, ["no-such-command"]),
]


@pytest.mark.parametrize(("code", "words"), CALLS, ids=[" ".join(words[:2]) + f" {code}" for code, words in CALLS])
def test_every_command_answers_with_one_json_object_also_for_errors(ready, code, words):
    found = ready(*words)
    assert found.exit_code == code, found.stdout
    answer = found.answer
    assert list(answer) == KEYS
    assert answer["exit_code"] == code
    assert all(set(fault) >= FAULT_KEYS for fault in answer["faults"])
    assert all(set(reason) == {"rule", "citation", "verdict", "fact", "earliest"} for reason in answer["reasons"])
    assert bool(answer["faults"]) == (code != 0)
    assert bool(answer["reasons"]) >= (code == 3)


def test_all_unknown_settings_are_named_at_once_each_with_a_suggestion(ready):
    settings = ready.root / "qe.toml"
    text = settings.read_text().replace("fdr_q =", "fdr_qq =").replace("min_peers =", "min_peer =")
    settings.write_text(text)
    found = ready("run", on=ready.day(0))
    assert found.exit_code == 2
    said = " ".join(f"{fault['message']} {fault['remedy']}" for fault in found.answer["faults"])
    assert {"fdr_qq", "min_peer"} <= {word.strip("[]\"'`:,.;").split(".")[-1] for word in said.split()}
    assert "min_peers" in said
    assert "fdr_q" in said.replace("fdr_qq", "")


@pytest.mark.parametrize(("setting", "variable"), [("key_file", "QE_KEY"), ("vault_key_file", "QE_VAULT_KEY")])
def test_a_missing_key_no_key_and_a_wrong_key_are_one_sentence_each(ready, tmp_path, monkeypatch, setting, variable):
    monkeypatch.delenv(variable, raising=False)
    settings = ready.root / "qe.toml"
    whole = settings.read_text()
    line = next(line for line in whole.splitlines() if line.startswith(f"{setting} "))
    wrong = tmp_path / "wrong.key"
    wrong.write_text(store.new_key().hex_digits)
    wrong.chmod(0o600)
    said = []
    for other in (f'{setting} = "{tmp_path / "gone.key"}"', "", f'{setting} = "{wrong}"'):
        settings.write_text(whole.replace(line, other))
        found = ready("run", on=ready.day(0))
        assert found.exit_code == 2, found.stdout
        (fault,) = found.answer["faults"]
        assert "Traceback" not in found.stderr
        said.append(fault["message"])
    assert len(set(said)) == 3
    assert all("key" in sentence and "\n" not in sentence for sentence in said)


HOLDER = """
import sys, time
from pathlib import Path
from qe.runs import hold
from qe.site import open_site
with hold(open_site(Path(sys.argv[1])), since="2026-05-01 09:00 UTC"):
    print("held", flush=True)
    time.sleep(300)
"""


def test_a_site_held_by_another_process_is_exit_4_naming_it(ready):
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(ready.root)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        found = ready("run", on=ready.day(0))
        assert found.exit_code == 4
        (fault,) = found.answer["faults"]
        assert str(holder.pid) in fault["message"]
        assert "2026-05-01 09:00 UTC" in fault["message"]
        assert ready("status").exit_code == 0  # reading needs no hold
    finally:
        holder.kill()
        holder.communicate()
    assert ready("review", "send", "--cycle", ready.cycle, "--dry-run", on=ready.day(0)).exit_code != 4


def test_a_second_run_reuses_everything(ready):
    (first,) = (one["payload"]["run_id"] for one in ready.events("run_completed"))
    before = ready.files("runs")
    stamps = {path: path.stat().st_mtime_ns for path in ready.root.glob("store/**/*.duckdb") if path.stem != "contacts"}

    again = ready.done("run", "--send-on", ready.day(0).isoformat(), "--explain-cache", on=ready.day(-16))

    assert again.data["run_id"] == first
    assert again.data["cycle"] == ready.cycle
    assert {stage["state"] for stage in again.data["stages"]} == {"reused"}
    assert ready.files("runs") == before
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    assert len(ready.events("run_completed")) == 1
    (unmapped,) = (said for said in again.data["warnings"] if "stand in no drug map" in said)
    assert re.fullmatch(
        r"pdc_statins: [\d,]+ of [\d,]+ fills .* \$[\d,.]+ of \$[\d,.]+ were allowed for them", unmapped
    )


def test_an_interrupted_run_leaves_no_half_file_and_a_second_run_completes_it(ready):
    """Ctrl-C in the middle of rendering: what is there is whole, and the same run ends as the undisturbed one did."""
    (run_id,) = (one["payload"]["run_id"] for one in ready.events("run_completed"))
    undisturbed = ready.files(f"runs/{run_id}/reports")
    folder = ready.root / "runs" / run_id / "reports" / ready.day(0).isoformat()
    for path in folder.iterdir():
        path.unlink()
    command = [sys.executable, "-m", "qe.cli.main", "run", "--site", str(ready.root), "--json"]
    days = ["--as-of", ready.day(-16).isoformat(), "--send-on", ready.day(0).isoformat()]
    process = subprocess.Popen(
        [*command, *days], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}
    )
    deadline = time.monotonic() + 240
    while not list(folder.glob("*.pdf")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=120)

    assert process.returncode == 130, stdout + stderr
    answer = json.loads(stdout)
    assert answer["exit_code"] == 130
    assert "Traceback" not in stderr
    left = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in (".pdf", ".csv")}
    whole = {name.split("/")[-1]: content for name, content in undisturbed.items()}
    assert 0 < len(left) < len(whole)
    assert all(whole[name] == content for name, content in left.items())
    assert "reports.json" not in {path.name for path in folder.iterdir()}

    again = ready.run(ready.day(-16))
    assert again.exit_code == 0, again.stdout
    assert ready.files(f"runs/{run_id}/reports") == undisturbed
    assert ready.done("ledger", "verify").data["is_whole"] is True
