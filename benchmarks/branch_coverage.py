"""Branch coverage of what decides whether anything leaves: each branch of gate, review and requests is taken by a test.

Measured over the tests of the rules and of release, those that draw their events at random left out: what they reach differs from
one run to the next.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.mutation import PARTS, RANDOM, ROOT
from qe.errors import InputError

TESTS: Final = ("tests/rules", "tests/release")
SETTINGS: Final = """[run]
branch = true
source = qe.release
data_file = {folder}/.coverage
parallel = true
patch = subprocess
"""


@dataclass(frozen=True, kw_only=True)
class Covered:
    """One module. missed: lines never run, and branches never taken as line -> line; a negative line is the end of a function."""

    lines: int
    branches: int
    missed: tuple[str, ...]


def check(folder: Path, *, workers: int = 2) -> Mapping[str, Covered]:
    """Run the tests under coverage and read what they missed, by module (a path below the repository)."""
    coverage = str(Path(sys.executable).parent / "coverage")
    if shutil.which(coverage) is None:
        raise InputError(
            "coverage is not installed", remedy='Install it with mutmut: .venv/bin/pip install "mutmut>=3.8".'
        )
    for path in folder.glob(".coverage*"):
        path.unlink()  # of an earlier run
    settings = folder / "coverage.ini"
    settings.write_text(SETTINGS.format(folder=folder), encoding="utf-8")
    pytest = ["-m", "pytest", *TESTS, "-q", "-n", str(workers), f"--ignore={RANDOM}"]
    ran = subprocess.run([coverage, "run", f"--rcfile={settings}", *pytest], cwd=ROOT, check=False)
    if ran.returncode:
        raise InputError("the tests fail, and what they cover says nothing", remedy="See above; then run it again.")
    told = folder / "coverage.json"
    for command in (["combine", "-q"], ["json", "-q", "-o", str(told)]):
        subprocess.run([coverage, command[0], f"--rcfile={settings}", *command[1:]], cwd=ROOT, check=True)
    files = json.loads(told.read_text(encoding="utf-8"))["files"]
    return {name: _covered(found) for name, found in sorted(files.items()) if _is_decisive(name)}


def _is_decisive(name: str) -> bool:
    return any(
        name == module or (module.endswith("/") and name.startswith(module))
        for part in PARTS
        for module in part.modules
    )


def _covered(found: Mapping[str, Any]) -> Covered:
    lines = [str(line) for line in found["missing_lines"]]
    branches = [f"{start} -> {end}" for start, end in found["missing_branches"]]
    summary = found["summary"]
    return Covered(lines=summary["num_statements"], branches=summary["num_branches"], missed=(*lines, *branches))
