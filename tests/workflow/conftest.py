"""One finished quarter for all tests of this folder: files with a marked person, run, sent, confirmed, noticed, planned.

It is made once for all workers, by the commands an analyst types; a test that changes it takes a copy.
"""

import csv
import fcntl
import io
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from qe import store
from qe.claims.load import vault_path
from qe.cli.demo import RUN_ON, SENT_ON, write_batch
from qe.cli.main import main
from qe.sample.generate import generate
from qe.site import open_site
from qe.upkeep import new_site, rehearsal

ROOT = Path(__file__).parents[2]
CYCLE = "2025Q4-1"
PERSONS = 700
SEED = 20240101
FEW_PROVIDERS = {"hospitals": "4", "groups": "4"}  # of the sample; each report takes seconds to render
CELLS = {"last_name": 19, "first_name": 20, "ssn": 15, "mbi": 74}  # of an APCD-CDL eligibility row, from 0


@dataclass(frozen=True, kw_only=True)
class Canaries:
    """What only one person has; her files are the only place for it. All of it is invented."""

    last_name: str = "Zyxquorvath"
    first_name: str = "Wvutzephyra"
    mbi: str = "7QX7QX7QX77"
    bene_id: str = "QvXzCanaryBnWqK"
    ssn: str = "987652143"
    member_id: str = "ACanary0514749"

    def all(self) -> dict[str, str]:
        return {name: str(value) for name, value in vars(self).items()}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one command gave. answer: its JSON object, where --json was asked for."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def answer(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.stdout)
        return found

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = self.answer["data"]
        return found

    def failing(self) -> dict[str, dict[str, Any]]:
        """The rules that refuse, by name."""
        return {one["rule"]: one for one in self.answer["reasons"] if one["verdict"] == "fail"}


def qe_process(*words: str, environment: dict[str, str] | None = None) -> Answer:
    """Run `qe` as typed, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "qe.cli.main", *words],
        env={**os.environ, **(environment or {})},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    return Answer(exit_code=done.returncode, stdout=done.stdout, stderr=done.stderr)


def qe(*words: str) -> Answer:
    """Run `qe` as typed, in this process, which spares a start."""
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main(list(words))
        except SystemExit as stop:
            code = stop.code or 0
    assert isinstance(code, int)
    return Answer(exit_code=code, stdout=out.getvalue(), stderr=err.getvalue())


@dataclass(frozen=True, kw_only=True)
class Quarter:
    """A site with its commands."""

    root: Path
    canaries: Canaries = field(default_factory=Canaries)
    cycle: str = CYCLE
    in_process: bool = True
    environment: dict[str, str] = field(default_factory=dict)

    def __call__(self, *words: str, on: date | None = None) -> Answer:
        """One command on this site with --json, acting on the day `on`."""
        day = [] if on is None else ["--as-of", on.isoformat()]
        arguments = [*words, "--site", str(self.root), "--json", *day]
        return qe(*arguments) if self.in_process else qe_process(*arguments, environment=self.environment)

    def done(self, *words: str, on: date | None = None) -> Answer:
        """The same, for a command that must succeed."""
        found = self(*words, on=on)
        assert found.exit_code == 0, f"qe {' '.join(words)}: {found.stdout}{found.stderr}"
        return found

    def day(self, number: int) -> date:
        """Day `number` of the review; the day the reports were sent is day 0."""
        return SENT_ON + timedelta(days=number)

    def events(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.done("ledger", "show", "--kind", kind).data["events"]
        return found

    def files(self, folder: str) -> dict[str, bytes]:
        """Every file below `folder` with its bytes."""
        root = self.root / folder
        return {
            path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()
        }

    def run(self, on: date, *words: str) -> Answer:
        return self("run", "--send-on", max(on, SENT_ON).isoformat(), *words, on=on)

    def notice_and_approve(self) -> list[Answer]:
        """Day 50: the status notices; the release is planned for its earliest day and approved, so only days are missing."""
        on, cycle = self.day(50), ("--cycle", self.cycle)
        return [
            self.done("review", "notice", *cycle, on=on),
            self.done("release", "plan", *cycle, on=on),
            self.done("release", "approve", *cycle, "--actor", "officer", on=on),
        ]

    def go(self, on: date, *words: str) -> Answer:
        return self("release", "go", "--cycle", self.cycle, *words, on=on)


@dataclass(frozen=True, kw_only=True)
class Made:
    """What is made once. sent: after the hand-overs were confirmed; ready: noticed, planned and approved.

    inbox    the files with the marked person
    spoken   all that the commands printed
    seen     a line per mark that stood for a moment in a temporary file or in the site
    watched  how many file versions were looked at
    """

    folder: Path

    @property
    def inbox(self) -> Path:
        return self.folder / "sample" / "inbox"

    @property
    def sent(self) -> Path:
        return self.folder / "sent"

    @property
    def ready(self) -> Path:
        return self.folder / "ready"

    @property
    def spoken(self) -> str:
        return (self.folder / "spoken.txt").read_text(encoding="utf-8")

    @property
    def canaries(self) -> Canaries:
        return Canaries()

    def persons_in_vault(self, canaries: Canaries) -> list[tuple[str, int]]:
        """(source, number of persons) that the vault holds under the marked ids."""
        site = open_site(self.ready)
        with store.open_encrypted(vault_path(site), site.vault_key(), engine=site.engine(), read_only=True) as vault:
            return vault.execute(
                "select source_id, count(distinct person_id) from person_key "
                "where native_person_id in ($bene_id, $member_id) group by all order by all",
                {"bene_id": canaries.bene_id, "member_id": canaries.member_id},
            ).fetchall()

    @property
    def watch(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "watch.json").read_text(encoding="utf-8"))
        return found


def plant(inbox: Path, truth: Path, canaries: Canaries) -> None:
    """Give the marks to one person whom Medicare and payer A both know, in every file that names her."""
    with (truth / "persons.csv").open(encoding="utf-8", newline="") as file:
        person = next(row for row in csv.DictReader(file) if row["bene_id"] and row["member_a"])
    marks = {person["bene_id"]: canaries.bene_id, person["mbi"]: canaries.mbi, person["member_a"]: canaries.member_id}
    for path in sorted(path for folder in ("medicare", "payer_a") for path in (inbox / folder).iterdir()):
        text = path.read_bytes().decode("latin-1")
        for known, mark in marks.items():
            text = re.sub(rf"(?<![^|\n]){re.escape(known)}(?![^|\r\n])", mark, text)
        path.write_bytes(text.encode("latin-1"))
    names = {CELLS[name]: getattr(canaries, name) for name in ("last_name", "first_name")}
    numbers = {CELLS[name]: getattr(canaries, name) for name in ("ssn", "mbi")}
    rewrite(inbox / "medicare" / "crosswalk.csv", canaries.bene_id, {2: canaries.last_name, 3: canaries.first_name})
    rewrite(inbox / "payer_a" / "eligibility.txt", canaries.member_id, names | numbers)
    for name in ("medical.txt", "pharmacy.txt"):  # names stand in the same cells there
        rewrite(inbox / "payer_a" / name, canaries.member_id, names)


def rewrite(path: Path, key: str, cells: dict[int, str]) -> None:
    """Fill cells of the rows that hold `key`."""
    lines = path.read_bytes().decode("latin-1").split("\n")
    for number, line in enumerate(lines):
        values = line.split("|")
        if key in values:
            for place, value in cells.items():
                values[place] = value
            lines[number] = "|".join(values)
    path.write_bytes("\n".join(lines).encode("latin-1"))


class Watch:
    """Reads every new version of a file below some folders while commands run, and notes the marks it sees."""

    def __init__(self, *folders: Path, marks: dict[str, str]) -> None:
        self.folders, self.marks = folders, {name: mark.encode() for name, mark in marks.items()}
        self.versions: set[tuple[str, int, int]] = set()
        self.hits: set[str] = set()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._look_on, daemon=True)

    def __enter__(self) -> "Watch":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()
        self._look()

    def _look_on(self) -> None:
        while not self.over.wait(0.1):
            self._look()

    def _look(self) -> None:
        walked = (Path(at) / name for folder in self.folders for at, _, names in os.walk(folder) for name in names)
        for path in (
            path for path in walked if "inbox" not in path.parts
        ):  # os.walk passes over folders gone meanwhile
            try:
                state = path.stat()
                version = (str(path), state.st_mtime_ns, state.st_size)
                if version in self.versions or not path.is_file():
                    continue
                content = path.read_bytes()
            except OSError:  # gone meanwhile
                continue
            self.versions.add(version)
            self.hits |= {f"{name} in {path.name}" for name, mark in self.marks.items() if mark in content}


def make(folder: Path) -> None:
    """The quarter up to day 50, by its commands, each in a process with its own temporary folder."""
    canaries = Canaries()
    generate(folder / "sample", persons=PERSONS, seed=SEED, settings=FEW_PROVIDERS)
    plant(folder / "sample" / "inbox", folder / "sample" / "truth", canaries)
    temporary, root = folder / "temporary", folder / "ready"
    temporary.mkdir()
    made = new_site.create(root, sample=True, configuration=folder / "keys", inbox=folder / "sample" / "inbox")
    settings = (root / "qe.toml").read_text(encoding="utf-8")
    assert "\nthreads = 2\n" in settings
    (root / "qe.toml").write_text(
        settings.replace("\nthreads = 2\n", "\nthreads = 1\n")
    )  # few rows are done sooner by one
    rehearsal.record_facts(made.site, actor="analyst", at=datetime.now(UTC))
    quarter = Quarter(root=root, in_process=False, environment={"TMPDIR": str(temporary)})
    cycle = ("--cycle", CYCLE)
    with Watch(temporary, root, marks=canaries.all()) as watch:
        said = [
            quarter.done("run", "--send-on", SENT_ON.isoformat(), on=RUN_ON),
            quarter.done("review", "send", *cycle, on=SENT_ON),
        ]
        batch = write_batch(root, quarter.done("review", "status", *cycle, on=SENT_ON).data)
        said.append(quarter.done("review", "confirm", *cycle, "--batch", str(batch), on=SENT_ON))
        shutil.copytree(root, folder / "sent")
        said += quarter.notice_and_approve()
    (folder / "spoken.txt").write_text("".join(one.stdout + one.stderr for one in said), encoding="utf-8")
    watched = {"versions": len(watch.versions), "hits": sorted(watch.hits)}
    (folder / "watch.json").write_text(json.dumps(watched), encoding="utf-8")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The quarter, made by the first worker that asks; the others wait for it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "quarter"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "watch.json").exists():
            assert not folder.exists(), "the quarter could not be made: see the first test that asked for it"
            folder.mkdir()
            make(folder)
    return Made(folder=folder)


CopyOf = Callable[[Path], Quarter]


@pytest.fixture
def copy_of(tmp_path: Path) -> CopyOf:
    """A copy of a site that a test may change; its keys stay where they are."""

    def copy(root: Path) -> Quarter:
        target = tmp_path / f"{root.name}-{len(list(tmp_path.iterdir()))}"
        shutil.copytree(root, target)
        return Quarter(root=target)

    return copy


@pytest.fixture
def ready(made: Made, copy_of: CopyOf) -> Quarter:
    """A copy of the site on day 50: noticed, planned and approved."""
    return copy_of(made.ready)
