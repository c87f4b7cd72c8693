"""What the models of providers promise, run seed by seed and kept: coverage over drawn providers, labels where nothing differs.

Every run is a task with a seed of its own, kept in the folder as a file of its name: a check that is stopped goes on where it was.
Null runs are of cases drawn from the model, and of the sample generator's stays with `effect_scale=0`.
"""

import json
import shutil
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from scipy.stats import binom

from benchmarks import sample_stays, statistics_coverage
from benchmarks.planted import Planted
from benchmarks.statistics_coverage import MEDIAN, METHODS, Coverage, FalseLabels, Interval, Setting
from qe.progress import Progress, Silent
from qe.sample.generate import generate

Part = Literal["analytic", "bootstrap", "analytic, sigma known", "bootstrap, sigma refitted", "null", "sample"]

PROCESSES: Final = 2
COVERED: Final = (0.93, 0.97)
MOST_WORSE: Final = 0.025
FALSE_DISCOVERY_RATE: Final = statistics_coverage.FALSE_DISCOVERY_RATE
INTERVALS: Final[Mapping[Part, Interval]] = {
    "analytic": statistics_coverage.analytic,
    "bootstrap": statistics_coverage.bootstrapped,
    "analytic, sigma known": statistics_coverage.sigma_known,
    "bootstrap, sigma refitted": statistics_coverage.sigma_refitted,
}
JUDGED: Final[tuple[Part, ...]] = ("analytic", "bootstrap")  # the others are counted beside them
FRAILTY_UNSEEN: Final = ", frailty unseen"  # after a method: counted beside it, by what an inbox holds
SURPRISE: Final = 0.01  # a count of false labels is too large where at MOST_WORSE so many come once in a hundred checks


@dataclass(frozen=True, kw_only=True)
class Task:
    """replications: draws of one seed (of `sample`: 1). persons: of `sample`."""

    part: Part
    seed: int
    setting: Setting
    replications: int = 1
    persons: int = 0

    @property
    def name(self) -> str:
        size = (
            f"{self.persons}p-frailty" if self.part == "sample" else f"{self.setting.providers}j-{self.setting.cases}"
        )
        return f"{self.part.replace(', ', '-').replace(' ', '-')}-{self.setting.sigma}-{size}-{self.replications}-{self.seed}"


@dataclass(frozen=True, kw_only=True)
class Promises:
    """By interval and sigma; by source (null: drawn from the model, sample: of the generator) and method."""

    coverage: Mapping[str, Coverage]
    false_labels: Mapping[str, FalseLabels]

    @property
    def shortfalls(self) -> list[str]:
        return [*_not_covered(self.coverage), *_falsely_labelled(self.false_labels)]


def coverage_tasks(*, seeds: int, bootstrap_seeds: int, setting: Setting | None = None) -> list[Task]:
    """Null runs; then sigma 0.30, 0.15 and 0.5: five draws a seed, ten of the analytic interval and four of the bootstrap.

    Beside them the analytic interval at the estimated sigma, and at 0.15 the bootstrap with each draw's own.
    """
    plain = asdict(setting or Setting())
    tasks = [
        Task(part="null", seed=seed, setting=Setting(**{**plain, "sigma": 0.0}), replications=5)
        for seed in range(seeds)
    ]
    for sigma in (0.3, 0.15, 0.5):
        own = Setting(**{**plain, "sigma": sigma})
        tasks += [Task(part="analytic", seed=seed, setting=own, replications=10) for seed in range(seeds)]
        tasks += [Task(part="analytic, sigma known", seed=seed, setting=own, replications=10) for seed in range(seeds)]
        tasks += [Task(part="bootstrap", seed=seed, setting=own, replications=4) for seed in range(bootstrap_seeds)]
        if sigma < 0.2:
            refitted: Part = "bootstrap, sigma refitted"
            few = range(bootstrap_seeds // 2)
            tasks += [Task(part=refitted, seed=seed, setting=own, replications=4) for seed in few]
    return tasks


def sample_tasks(*, seeds: int, persons: int) -> list[Task]:
    """The sample generator without effects."""
    return [Task(part="sample", seed=seed, setting=Setting(sigma=0.0), persons=persons) for seed in range(seeds)]


def check(folder: Path, tasks: list[Task], *, processes: int = PROCESSES, progress: Progress | None = None) -> Promises:
    """All tasks, those that the folder keeps taken from there."""
    bar = progress or Silent()
    folder.mkdir(parents=True, exist_ok=True)
    missing = [task for task in tasks if not _kept(folder, task).exists()]
    bar.start("drawing providers", len(missing))
    if processes == 1:
        for task in missing:
            done(task, folder)
            bar.advance()
    else:
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            for future in as_completed([pool.submit(done, task, folder) for task in missing]):
                future.result()
                bar.advance()
    bar.finish()
    found = [(task, json.loads(_kept(folder, task).read_text(encoding="utf-8"))) for task in tasks]
    return Promises(coverage=_coverage(found), false_labels=_false_labels(found))


def done(task: Task, folder: Path) -> None:
    """Run a task and keep what it found."""
    rows: Iterable[Coverage | FalseLabels]
    match task.part:
        case "null":
            rows = statistics_coverage.false_labels(task.seed, task.replications, setting=task.setting)
        case "sample":
            rows = of_sample(folder / f"{task.name}.files", persons=task.persons, seed=task.seed)
        case part:
            interval = INTERVALS[part]
            rows = [statistics_coverage.coverage(task.seed, task.replications, setting=task.setting, interval=interval)]
    target = _kept(folder, task)
    aside = target.with_suffix(".part")
    aside.write_text(json.dumps([asdict(row) for row in rows]), encoding="utf-8")
    aside.replace(target)


def of_sample(folder: Path, *, persons: int, seed: int) -> list[FalseLabels]:
    """Hospitals of a sample in which they do not differ, labelled by the truth's stays; the files are removed.

    By all that the generator draws by, so that nothing but the method can be at fault; and by what the inbox holds.
    """
    shutil.rmtree(folder, ignore_errors=True)
    generate(folder, persons=persons, seed=seed, settings={"effect_scale": "0"}, processes=1)
    planted = Planted(folder / "truth")
    by_model = {
        "": statistics_coverage.labelled(sample_stays.readmissions(planted)),
        FRAILTY_UNSEEN: statistics_coverage.labelled(sample_stays.readmissions(planted, frailty=False)),
    }
    shutil.rmtree(folder)
    return [
        statistics_coverage.counted(f"{method}{unseen}", [labels], seed=seed)
        for unseen, labelled in by_model.items()
        for method, labels in labelled.items()
    ]


def _kept(folder: Path, task: Task) -> Path:
    return folder / f"{task.name}.json"


def _coverage(found: list[tuple[Task, list[dict[str, Any]]]]) -> dict[str, Coverage]:
    """Over the seeds, each interval counting once."""
    together: dict[str, list[Coverage]] = {}
    for task, rows in found:
        if task.part in INTERVALS:
            name = f"{task.part} at sigma {task.setting.sigma}"
            together.setdefault(name, []).extend(Coverage(**row) for row in rows)
    return {
        name: Coverage(
            seed=min(one.seed for one in each),
            replications=sum(one.replications for one in each),
            intervals=sum(one.intervals for one in each),
            overall=_mean([one.overall for one in each], [one.intervals for one in each]),
            by_size=tuple(  # type: ignore[arg-type]
                _mean([one.by_size[place] for one in each], [one.intervals for one in each]) for place in range(4)
            ),
            converged=sum(one.converged for one in each),
        )
        for name, each in together.items()
    }


def _false_labels(found: list[tuple[Task, list[dict[str, Any]]]]) -> dict[str, FalseLabels]:
    """Over the seeds, each label counting once, each run once."""
    together: dict[str, list[FalseLabels]] = {}
    for task, rows in found:
        if task.part in ("null", "sample"):
            for row in rows:
                one = FalseLabels(**row)
                together.setdefault(f"{task.part}: {one.method}", []).append(one)
    shares = ("worse", "better", "worse_after", "better_after")
    return {
        name: FalseLabels(
            method=each[0].method,
            seed=min(one.seed for one in each),
            replications=sum(one.replications for one in each),
            labels=sum(one.labels for one in each),
            runs_after=_mean([one.runs_after for one in each], [one.replications for one in each]),
            **{share: _mean([getattr(one, share) for one in each], [one.labels for one in each]) for share in shares},
        )
        for name, each in together.items()
    }


def _mean(values: list[float], weights: list[int]) -> float:
    return round(float(np.average(values, weights=weights)), 6)


def _not_covered(found: Mapping[str, Coverage]) -> list[str]:
    low, high = COVERED
    return [
        f"{name}: covers {one.overall:.3f}, not {low} to {high}"
        for name, one in found.items()
        if name.partition(" at ")[0] in JUDGED and not low <= one.overall <= high
    ]


def _falsely_labelled(found: Mapping[str, FalseLabels]) -> list[str]:
    said = []
    for name, one in found.items():
        if one.method == MEDIAN or one.method not in METHODS:
            continue
        for side, share in (("worse", one.worse), ("better", one.better)):
            if too_many(share, of=one.labels, at_most=MOST_WORSE):
                said.append(f"{name}: {share:.4f} called {side}, more than {MOST_WORSE}")
        if too_many(one.runs_after, of=one.replications, at_most=FALSE_DISCOVERY_RATE):
            said.append(f"{name}: {one.runs_after:.3f} of runs keep a false label, more than {FALSE_DISCOVERY_RATE}")
    return said


def too_many(share: float, *, of: int, at_most: float) -> bool:
    """So many of so many would be a surprise if the share were `at_most`."""
    return bool(binom.sf(round(share * of) - 1, of, at_most) < SURPRISE)


def as_result(found: Promises) -> dict[str, object]:
    return asdict(found)
