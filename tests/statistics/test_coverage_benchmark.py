"""The coverage benchmark itself, small: what it draws, how it counts, and that the models pass at a few replications."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import statistics_coverage
from benchmarks.statistics_coverage import Drawn, Setting

SMALL = Setting(providers=80, cases=6_000)


def test_a_draw_is_its_seed_and_holds_every_provider_with_its_least_cases() -> None:
    one, again = (statistics_coverage.draw(3, setting=SMALL) for _ in range(2))
    np.testing.assert_array_equal(one.y, again.y)
    assert one.cases.sum() == 6_000
    assert one.cases.min() >= 25
    assert one.observed.sum() == one.y.sum()


def test_without_variance_every_true_ratio_is_one() -> None:
    np.testing.assert_allclose(statistics_coverage.draw(3, setting=replace(SMALL, sigma=0)).ratio, 1)


def test_quarters_are_by_size_the_smallest_first() -> None:
    sizes = np.array([40.0, 10.0, 30.0, 20.0, 80.0, 50.0, 70.0, 60.0])
    assert statistics_coverage.quarters(sizes).tolist() == [1, 0, 1, 0, 3, 2, 3, 2]


def test_an_interval_that_holds_everything_covers_all_and_one_that_holds_nothing_none() -> None:
    def everything(drawn: Drawn, seed: int):
        return np.zeros(len(drawn.cases)), np.full(len(drawn.cases), np.inf), True

    def nothing(drawn: Drawn, seed: int):
        return np.full(len(drawn.cases), np.inf), np.zeros(len(drawn.cases)), False

    found = statistics_coverage.coverage(1, 2, setting=SMALL, interval=everything)
    assert (found.overall, found.by_size, found.intervals, found.converged) == (1, (1, 1, 1, 1), 160, 2)
    assert statistics_coverage.coverage(1, 2, setting=SMALL, interval=nothing).by_size == (0, 0, 0, 0)


def test_labels_are_not_called_false_where_providers_differ() -> None:
    with pytest.raises(ValueError, match=r"sigma=0\.3"):
        statistics_coverage.false_labels(1, 1, setting=SMALL)


def test_the_analytic_interval_covers_93_to_97_percent_over_providers_drawn_from_the_model() -> None:
    found = statistics_coverage.coverage(7, 25, setting=SMALL)  # 2,000 intervals: standard error 0.5 %
    assert found.converged == 25
    assert 0.93 <= found.overall <= 0.97


def test_where_sigma_is_small_and_badly_known_only_the_interval_over_all_sigmas_covers() -> None:
    setting = replace(SMALL, sigma=0.12)  # 2,000 intervals of 25 sigmas: standard error 1 %
    known = statistics_coverage.coverage(7, 25, setting=setting, interval=statistics_coverage.sigma_known)
    assert known.overall < 0.93
    assert 0.93 <= statistics_coverage.coverage(7, 25, setting=setting).overall <= 0.97


def test_no_method_labels_more_than_its_share_of_providers_that_differ_in_nothing() -> None:
    found = statistics_coverage.false_labels(
        8, 10, setting=replace(SMALL, sigma=0.0)
    )  # 800 labels: standard error 0.55 % a side
    assert [method.method for method in found] == [*statistics_coverage.METHODS, statistics_coverage.MEDIAN]
    for method in found:
        assert method.worse <= 0.025 + 3 * 0.0055, method
        assert method.better <= 0.025 + 3 * 0.0055, method
        assert method.runs_after <= 0.3, method  # of 10 runs at 5 % each
