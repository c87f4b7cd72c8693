"""`bin/demo`: one quarter end to end on the sample data, every step as the command an analyst would type.

The site is a rehearsal: --as-of moves the day, so that 61 days pass in a minute.
"""

import csv
import io
import os
import shutil
import sys
from contextlib import redirect_stdout
from datetime import date, timedelta
from json import loads
from pathlib import Path

from rich.console import Console

from qe.cli.main import main as qe
from qe.errors import InputError, Refused

RUN_ON = date(2026, 4, 15)  # claims through 31 March have arrived
SENT_ON = date(2026, 5, 1)
DAY_60 = SENT_ON + timedelta(days=60)
DAY_61 = SENT_ON + timedelta(days=61)
NOTICED_ON = SENT_ON + timedelta(days=50)
MARK = ".made-by-bin-demo"

console = Console(highlight=False, markup=False, soft_wrap=True)


def run(arguments: list[str], *, expected: int = 0, shown: bool = True) -> str:
    """Run one command as typed; stop the demo when it ends otherwise than expected. Gives its standard output."""
    if shown:
        console.print(f"\n$ qe {' '.join(arguments)}", style="bold")
    output = io.StringIO()
    try:
        if shown:
            qe(arguments)
        else:
            with redirect_stdout(output):
                qe(arguments)
        code: object = 0
    except SystemExit as stop:
        code = stop.code or 0
    if code != expected:
        console.print(f"the demo stopped: exit code {code} where {expected} was expected")
        sys.exit(int(code) if isinstance(code, int) and code else 1)
    return output.getvalue()


def data_of(arguments: list[str]) -> dict[str, object]:
    """The data of a command's JSON answer."""
    answer: dict[str, dict[str, object]] = loads(run([*arguments, "--json"], shown=False))
    return answer["data"]


def fresh_site(folder: Path) -> None:
    """Take an earlier demo's folder away; anything else in its place stops the demo."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARK).exists():
            raise SystemExit(f"{folder} holds something that no demo made: move it away")
        shutil.rmtree(folder)


def main(folder: Path) -> None:
    fresh_site(folder)
    keys = folder.with_name(f"{folder.name}-keys")
    shutil.rmtree(keys, ignore_errors=True)
    os.environ["XDG_CONFIG_HOME"] = str(keys.resolve())
    at = ["--site", str(folder)]

    console.print("1. A rehearsal site over the sample files, with the facts that CMS and payers would have given.")
    run(["init", str(folder), "--sample"])
    (folder / MARK).touch()

    console.print("\n2. The main job: from received files to confidential reports. Nothing is sent.")
    run(["run", *at, "--as-of", f"{RUN_ON}", "--send-on", f"{SENT_ON}"])
    cycle = "2025Q4-1"

    console.print("\n3. The reports go out; a confirmed hand-over starts each provider's 60 days.")
    run(["review", "send", *at, "--cycle", cycle, "--as-of", f"{SENT_ON}"])
    sent = data_of(["review", "status", *at, "--cycle", cycle, "--as-of", f"{SENT_ON}"])
    batch = write_batch(folder, sent)
    run(["review", "confirm", *at, "--cycle", cycle, "--batch", str(batch), "--as-of", f"{SENT_ON}"])

    console.print("\n4. Before publication each provider is told the date and the status of its requests.")
    run(["review", "notice", *at, "--cycle", cycle, "--as-of", f"{NOTICED_ON}"])

    console.print(
        f"\n5. Day 60 ({DAY_60}): the plan names what stands against publication, and the release is refused."
    )
    run(["release", "plan", *at, "--cycle", cycle, "--as-of", f"{DAY_60}"])
    run(["release", "go", *at, "--cycle", cycle, "--as-of", f"{DAY_60}"], expected=Refused.exit_code)

    console.print(f"\n6. Day 61 ({DAY_61}): a second person approves exactly the staged bytes, and they become public.")
    run(["release", "plan", *at, "--cycle", cycle, "--as-of", f"{DAY_61}"])
    run(["release", "approve", *at, "--cycle", cycle, "--actor", "officer", "--as-of", f"{DAY_61}"])
    run(["release", "go", *at, "--cycle", cycle, "--as-of", f"{DAY_61}"])

    console.print("\n7. The record of all that, proved from its first event to its last.")
    run(["ledger", "verify", *at])
    say_where(folder, cycle)


def write_batch(folder: Path, status: dict[str, object]) -> Path:
    """The hand-overs of one day as a courier would list them, with one receipt as evidence."""
    receipt = folder / "out" / "receipt.txt"
    receipt.write_text("Rehearsal: all packages handed over.\n", encoding="utf-8")
    batch = folder / "out" / "hand-overs.csv"
    units = status["units"]
    if not isinstance(units, list):
        raise InputError("review status lists no units")
    with batch.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["unit_id", "on", "evidence"])
        writer.writerows([unit["unit_id"], SENT_ON, receipt.name] for unit in units if unit["state"] == "sent")
    return batch


def say_where(folder: Path, cycle: str) -> None:
    reports = sorted(folder.glob(f"runs/*/reports/{SENT_ON}/*.csv"))  # one a report
    console.print("\nWhat is there now:")
    console.print(
        f"  confidential reports  {len(reports)} PDFs and methods.pdf in {reports[0].parent if reports else folder}"
    )
    console.print(f"  public site           {folder / 'public' / cycle / 'site' / 'index.html'}")
    console.print(f"  public data           {folder / 'public' / cycle / 'data'}")
    console.print(f"  ledger                {folder / 'ledger.sqlite'}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
