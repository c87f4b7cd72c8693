"""Mutation testing of what decides whether anything leaves: gate, review and requests. At least 95 % of the mutants are killed.

mutmut changes one thing at a time in the functions of the modules named here and runs the tests that reach it, in a copy of the
repository. A mutant that survives is either a gap in the tests or changes nothing that anybody could see: the reasons for the
second kind stand in mutation_survivors.toml, by the changed line, and they count as survivors all the same. What mutmut leaves
alone: properties (it changes no decorated function) and constants; these the decision rows and the day tables hold.
"""

import filecmp
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict

from qe.closed_toml import load
from qe.errors import InputError

ROOT: Final = Path(__file__).parent.parent
REASONS: Final = Path(__file__).with_name("mutation_survivors.toml")
RANDOM: Final = "tests/rules/test_release_sequences.py"  # minutes a mutant, and other events each time
COPIED: Final = ("qe", "tests", "benchmarks", "measures", "templates", "sample_data", "docs", "bin", "README.md")
KILLED: Final = frozenset({"killed"})
SURVIVED: Final = frozenset({"survived", "no tests", "timeout"})  # that a test never ends is no verdict


@dataclass(frozen=True, kw_only=True)
class Part:
    """Modules that are mutated together, and the tests that run against them. Paths below the repository."""

    name: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]


PARTS: Final = (
    Part(
        name="gate",  # its tests print nothing: thousands of them run in a minute
        modules=(
            "qe/release/rules/",
            *(
                f"qe/release/{name}.py"
                for name in (
                    "gate",
                    "review",
                    "publicity",
                    "standing",
                    "sends",
                    "appeals",
                    "reissue",
                    "public_date",
                    "held_back",
                )
            ),
        ),
        tests=(
            "tests/rules/",
            *(
                f"tests/release/test_{name}.py"
                for name in ("review", "posting", "moved_date", "requests_about_analyses")
            ),
        ),
    ),
    Part(
        name="requests",
        modules=tuple(f"qe/release/{name}.py" for name in ("requests", "intake", "answers")),
        tests=tuple(
            f"tests/release/test_{name}.py"
            for name in ("request_states", "request_desk", "requests", "requests_about_analyses", "attachments")
        ),
    ),
)


class Survivor(NamedTuple):
    """A mutant that no test kills: its function, and the line that it changes."""

    function: str
    was: str
    becomes: str


class _Reason(BaseModel):
    """Why a survivor changes nothing that anybody could see. An empty `becomes`: the line is gone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    function: str
    was: str
    becomes: str
    reason: str


class _Reasons(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    survivor: list[_Reason] = []


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """What became of the mutants.

    by_module  module -> (mutants, killed)
    survivors  each with its reason, or None
    outdated   the reasons given for what did not survive
    """

    by_module: Mapping[str, tuple[int, int]]
    survivors: Mapping[Survivor, str | None]
    outdated: tuple[Survivor, ...]

    @property
    def mutants(self) -> int:
        return sum(mutants for mutants, _ in self.by_module.values())

    @property
    def share_killed(self) -> float:
        return sum(killed for _, killed in self.by_module.values()) / self.mutants if self.mutants else 0.0

    @property
    def shortfalls(self) -> list[str]:
        """What keeps the check from holding."""
        without = sum(reason is None for reason in self.survivors.values())
        return [
            said
            for said, holds in (
                (f"{self.share_killed:.1%} of {self.mutants:,} mutants are killed", self.share_killed >= 0.95),
                (f"{without:,} survivors have no reason in {REASONS.name}", not without),
                (f"{len(self.outdated):,} reasons in {REASONS.name} name no survivor", not self.outdated),
            )
            if not holds
        ]


def check(folder: Path, *, parts: tuple[Part, ...] = PARTS, workers: int = 2) -> Mutation:
    """Mutate the modules of each part in a copy of the repository under `folder`; a stopped check goes on where it was.

    Where the repository has changed since, the mutants of changed functions are judged again, and all that survived; those that
    were killed stay so. Take the folder away to judge everything anew, as when tests were taken away.
    """
    if shutil.which("mutmut", path=str(Path(sys.executable).parent)) is None:
        raise InputError("mutmut is not installed", remedy='Install it: .venv/bin/pip install "mutmut>=3.8".')
    reasons = read_reasons(REASONS)
    mutants: Counter[str] = Counter()
    killed: Counter[str] = Counter()
    survivors: dict[Survivor, str | None] = {}
    for part in parts:
        copy = folder / part.name
        again = copy.with_name(f"{part.name}.judge_survivors_again")  # a file, as the check may be stopped in between
        if brought_up_to_date(copy, part):
            again.touch()
        states = _run(copy, workers=workers)
        if again.exists():
            if survived := sorted(name for name, state in states.items() if state in SURVIVED):
                states = _run(copy, *survived, workers=workers)
            again.unlink()
        for name, state in sorted(states.items()):
            module = name.rpartition(".")[0]
            mutants[module] += 1
            killed[module] += state in KILLED
            if state in SURVIVED:
                survivor = _survivor(copy, name)
                survivors[survivor] = reasons.get(survivor)
    return Mutation(
        by_module={module: (mutants[module], killed[module]) for module in sorted(mutants)},
        survivors=survivors,
        outdated=tuple(one for one in reasons if one not in survivors),
    )


def read_reasons(path: Path) -> Mapping[Survivor, str]:
    """The reasons by survivor."""
    listed = load(path, _Reasons, shown_as=path.name).survivor
    return {Survivor(one.function, one.was, one.becomes): one.reason for one in listed}


def as_result(found: Mutation) -> dict[str, object]:
    """The figures as they are written to benchmarks/results/."""
    return {
        "mutants": found.mutants,
        "share_killed": round(found.share_killed, 4),
        "by_module": {
            module: {"mutants": all_, "killed": killed} for module, (all_, killed) in found.by_module.items()
        },
        "survivors": [
            {**one._asdict(), "reason": reason or "no reason given"} for one, reason in found.survivors.items()
        ],
    }


def _run(copy: Path, *mutants: str, workers: int) -> Mapping[str, str]:
    """State by mutant, of all mutants, after judging those named, else those that never were.

    InputError: some were not decided, and the check says nothing about them.
    """
    mutmut = str(Path(sys.executable).parent / "mutmut")
    log = copy.with_name(f"{copy.name}.log")
    with log.open("w", encoding="utf-8") as file:
        subprocess.run(
            [mutmut, "run", "--max-children", str(workers), *mutants],
            cwd=copy,
            check=False,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    told = subprocess.run([mutmut, "results", "--all", "true"], cwd=copy, check=True, capture_output=True, text=True)
    states = dict(line.strip().rsplit(": ", 1) for line in told.stdout.splitlines() if "__mutmut_" in line)
    undecided = Counter(state for state in states.values() if state not in KILLED | SURVIVED)
    if undecided or not states:
        said = ", ".join(f"{count:,} {state}" for state, count in sorted(undecided.items())) or "there are none"
        raise InputError(f"not all mutants of {copy.name} are decided: {said}", remedy=f"See {log}; then run it again.")
    return states


def _survivor(copy: Path, name: str) -> Survivor:
    """The changed line of a mutant, without its indentation; several lines are joined by spaces."""
    mutmut = str(Path(sys.executable).parent / "mutmut")
    shown = subprocess.run([mutmut, "show", name], cwd=copy, check=True, capture_output=True, text=True).stdout
    lines = shown.splitlines()
    gone = [line[1:].strip() for line in lines if line.startswith("-") and not line.startswith("---")]
    new = [line[1:].strip() for line in lines if line.startswith("+") and not line.startswith("+++")]
    function = name.partition("__mutmut_")[0].replace(".x_", ".").replace(".xǁ", ".").replace("ǁ", ".")
    return Survivor(function, " ".join(gone), " ".join(new))


def brought_up_to_date(copy: Path, part: Part) -> bool:
    """Whether a copy that was there held other files than the repository. mutmut tells by the functions what to judge again."""
    aside = copy.with_name(f".{copy.name}.copying")
    _copied(aside, part)
    if not copy.exists():
        aside.replace(copy)
        return False
    now = {path.relative_to(aside) for path in aside.rglob("*") if path.is_file()}
    gone = {
        path.relative_to(copy)
        for name in COPIED
        for path in (copy / name).rglob("*.py")
        if path.relative_to(copy) not in now
    }
    other = {path for path in now if not _are_alike(aside / path, copy / path)}
    for path in gone:
        (copy / path).unlink()
        (copy / "mutants" / path).unlink(missing_ok=True)
    for path in other:
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(aside / path, copy / path)
    shutil.rmtree(aside)
    if gone or other:  # which tests reach which function: mutmut asks new tests alone, and functions may be new
        (copy / "mutants" / "mutmut-stats.json").unlink(missing_ok=True)
    return bool(gone or other)


def _are_alike(one: Path, other: Path) -> bool:
    return other.is_file() and filecmp.cmp(one, other, shallow=False)


def _copied(aside: Path, part: Part) -> None:
    """The files of the repository that the tests of a part need, in the folder `aside`, with what mutmut is asked."""
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    for name in (*COPIED, "pyproject.toml", "CHANGELOG.md"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, aside / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        else:
            shutil.copy(source, aside / name)
    (aside / RANDOM).unlink()
    listed = {
        "source_paths": list(part.modules),
        "pytest_add_cli_args_test_selection": list(part.tests),
        "also_copy": [*COPIED, "pyproject.toml", "CHANGELOG.md"],
        "process_isolation": "forkserver",  # polars hangs in the fork of a process that has used its threads
    }
    lines = [f"{name} = {values!r}".replace("'", '"') for name, values in listed.items()]
    with (aside / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write("\n[tool.mutmut]\n" + "\n".join(lines) + "\n")
