"""The speed benchmark itself, small: what it draws, what it measures in processes of their own, and what it calls too much."""

from dataclasses import replace

import numpy as np

from benchmarks import statistics
from benchmarks.statistics import Limit, Size, Speed

SMALL = Size(rows=3_000, factors=3, providers=30)


def test_cases_are_their_seed_whatever_the_blocks_they_are_drawn_in_hold():
    one, again = (statistics.simulated(Size(rows=60_000, factors=3, providers=30), seed=2) for _ in range(2))
    np.testing.assert_array_equal(one.x, again.x)
    assert set(np.unique(one.y)) == {0.0, 1.0}
    assert len(set(one.provider.tolist())) == 30


def test_each_method_is_timed_with_the_memory_before_and_at_its_end():
    for method in ("mixed_logit", "fixed_effects", "mixed_linear"):
        found = statistics.timed(method, SMALL, seed=2)
        assert found.converged, method
        assert 0 < found.before_mib <= found.peak_mib, method
        assert found.furthest < 1, method  # 3,000 cases: standard errors of rare factors about 0.2


def test_runs_in_processes_of_their_own_give_the_best_time_and_the_largest_peak():
    found = statistics.speed("mixed_linear", SMALL, seed=2, runs=2)
    assert (found.size, len(found.seconds), found.best_seconds) == (SMALL, 2, min(found.seconds))


def test_a_fit_over_its_limit_is_told_by_how_much():
    good = Speed(
        method="mixed_logit",
        size=SMALL,
        best_seconds=3.0,
        seconds=(3.0,),
        cpu_seconds=(2.9,),
        cases_mib=1,
        before_mib=200,
        peak_mib=1024,
        converged=True,
        furthest=0.1,
    )
    limit = Limit(size=SMALL, seconds=3, gib=1)
    assert statistics.shortfalls(good, limit) == []
    assert statistics.shortfalls(replace(good, best_seconds=3.1), limit) == ["3,000 rows: 3.1 s, more than 3"]
    assert statistics.shortfalls(replace(good, peak_mib=1025), limit) == ["3,000 rows: 1,025 MiB, more than 1 GiB"]
    assert statistics.shortfalls(replace(good, converged=False), limit) == ["3,000 rows: not converged"]
