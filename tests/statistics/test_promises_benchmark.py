"""The long check of intervals and labels: kept by seed, put together over seeds, and what it calls too many."""

import json
from dataclasses import replace

import pytest

from benchmarks import statistics_coverage, statistics_promises
from benchmarks.statistics_coverage import Coverage, FalseLabels, Setting
from benchmarks.statistics_promises import Promises, Task

SMALL = Setting(providers=40, cases=3_000)
HELD = Coverage(seed=0, replications=2, intervals=300, overall=0.95, by_size=(0.94, 0.95, 0.95, 0.96), converged=2)
LABELS = FalseLabels(
    method="fixed_effects",
    seed=0,
    replications=40,
    labels=30_000,
    worse=0.025,
    better=0.025,
    worse_after=0.0,
    better_after=0.0,
    runs_after=0.05,
)


def test_a_stopped_check_goes_on_with_the_seeds_it_lacks_and_gives_the_same(tmp_path, monkeypatch):
    tasks = [Task(part="analytic", seed=seed, setting=SMALL) for seed in (1, 2)]
    tasks += [Task(part="null", seed=seed, setting=replace(SMALL, sigma=0.0)) for seed in (1, 2)]
    statistics_promises.check(tmp_path / "stopped", tasks[:3], processes=1)
    kept = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "stopped").iterdir()}
    whole = statistics_promises.check(tmp_path / "stopped", tasks, processes=1)
    assert whole == statistics_promises.check(tmp_path / "other", tasks, processes=1)
    assert len(kept) == 3
    assert {name: (tmp_path / "stopped" / name).stat().st_mtime_ns for name in kept} == kept
    assert whole.coverage["analytic at sigma 0.3"].intervals == (40 + 40)
    assert whole.false_labels["null: shrunken"].labels == (40 + 40)


def test_seeds_are_put_together_with_each_interval_and_each_label_counting_once(tmp_path):
    one, two = (Task(part="analytic", seed=seed, setting=SMALL) for seed in (1, 2))
    for task, found in ((one, HELD), (two, replace(HELD, seed=1, intervals=100, overall=0.91, converged=1))):
        (tmp_path / f"{task.name}.json").write_text(json.dumps([vars(found)]))
    found = statistics_promises.check(tmp_path, [one, two]).coverage["analytic at sigma 0.3"]
    assert found.overall == pytest.approx((0.95 * 300 + 0.91 * 100) / 400)
    assert (found.intervals, found.converged) == (300 + 100, 2 + 1)


def test_coverage_outside_93_to_97_percent_falls_short_of_every_interval_and_sigma():
    low = replace(HELD, overall=0.929)
    found = {"analytic at sigma 0.3": low, "analytic at sigma 0.15": low, "bootstrap at sigma 0.15": low}
    said = Promises(coverage=found, false_labels={}).shortfalls
    assert [one.partition(":")[0] for one in said] == list(found)


def test_more_false_labels_than_chance_brings_at_two_and_a_half_percent_fall_short():
    # of 30,000 labels 750 are 2.5 %, with a standard deviation of 27: 814 come once in a hundred checks
    many = replace(LABELS, worse=820 / 30_000)
    said = Promises(
        coverage={},
        false_labels={
            "null: fixed_effects": many,
            "null: shrunken": replace(LABELS, method="shrunken"),
            "null: fixed_effects_median": replace(many, method=statistics_coverage.MEDIAN),
        },
    ).shortfalls
    assert said == ["null: fixed_effects: 0.0273 called worse, more than 0.025"]
    after = Promises(coverage={}, false_labels={"null: fixed_effects": replace(LABELS, runs_after=0.2)})
    assert after.shortfalls == ["null: fixed_effects: 0.200 of runs keep a false label, more than 0.05"]
