"""Mutation testing of what decides whether anything leaves: gate, review and requests. At least 95 % of the mutants are killed.

mutmut changes one thing at a time in the modules named here and runs the tests that reach it, in a copy of the repository. A mutant
that survives is either a gap in the tests or changes nothing that anybody could see; the result names them all.
"""

import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from qe.errors import InputError

ROOT: Final = Path(__file__).parent.parent
MODULES: Final = (
    "qe/release/rules/",
    *(
        f"qe/release/{name}.py"
        for name in ("gate", "review", "publicity", "standing", "sends", "requests", "intake", "answers")
    ),
)
TESTS: Final = ("tests/rules/", "tests/release/test_review.py", "tests/release/test_requests.py")
RANDOM: Final = "tests/rules/test_release_sequences.py"  # minutes a mutant, and other events each time
COPIED: Final = ("qe", "tests", "benchmarks", "measures", "templates", "sample_data", "docs", "bin", "README.md")


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """What became of the mutants. survivors: their names, in order."""

    mutants: int
    killed: int
    survivors: tuple[str, ...]

    @property
    def share_killed(self) -> float:
        return self.killed / self.mutants if self.mutants else 0.0


def check(
    folder: Path, *, modules: tuple[str, ...] = MODULES, tests: tuple[str, ...] = TESTS, workers: int = 2
) -> Mutation:
    """Mutate `modules` (paths below the repository) in a copy under `folder`; a stopped check goes on where it was."""
    if shutil.which("mutmut", path=str(Path(sys.executable).parent)) is None:
        raise InputError("mutmut is not installed", remedy='Install it: .venv/bin/pip install "mutmut>=3.8".')
    copy = folder / "repository"
    if not copy.exists():
        _copy(copy, modules, tests)
    mutmut = str(Path(sys.executable).parent / "mutmut")
    subprocess.run([mutmut, "run", "--max-children", str(workers)], cwd=copy, check=False, stdout=subprocess.DEVNULL)
    told = subprocess.run([mutmut, "results", "--all", "true"], cwd=copy, check=True, capture_output=True, text=True)
    states = dict(line.strip().rsplit(": ", 1) for line in told.stdout.splitlines() if ": " in line)
    counted = Counter(states.values())
    survivors = tuple(sorted(name for name, state in states.items() if state in ("survived", "no tests")))
    return Mutation(mutants=sum(counted.values()), killed=sum(counted.values()) - len(survivors), survivors=survivors)


def _copy(copy: Path, modules: tuple[str, ...], tests: tuple[str, ...]) -> None:
    aside = copy.with_name(".repository.copying")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    for name in (*COPIED, "pyproject.toml", "CHANGELOG.md"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, aside / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        else:
            shutil.copy(source, aside / name)
    (aside / RANDOM).unlink()
    listed = {"paths_to_mutate": list(modules), "tests_dir": list(tests), "also_copy": [*COPIED, "pyproject.toml"]}
    lines = [f"{name} = {values!r}".replace("'", '"') for name, values in listed.items()]
    with (aside / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write("\n[tool.mutmut]\n" + "\n".join(lines) + "\n")
    aside.replace(copy)
