from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qe.errors import CannotFit, InputError
from qe.statistics import benchmark

HEADER = "name,measure_id,level,value,source,version,date\n"


def test_the_best_who_hold_a_tenth_of_all_cases_make_the_benchmark() -> None:
    # (x+1)/(n+2) ranks 28/30 -> .906 before 105/120 -> .869, 180/225 and the rest; a tenth of 1,205 is 120.5: 30 + 120 cases
    events, cases = [105, 28, 180, 300, 200], [120, 30, 225, 450, 380]
    assert benchmark.achievable(events, cases) == pytest.approx(133 / 150)
    assert round(133 / 150, 4) == 0.8867


@pytest.mark.parametrize(
    ("events", "cases"), [([3, 1], [2, 2]), ([-1, 1], [2, 2]), ([np.nan, 1], [2, 2]), ([1], [2, 2])]
)
def test_more_events_than_cases_have_no_achievable_benchmark(events: list[float], cases: list[float]) -> None:
    with pytest.raises(CannotFit):
        benchmark.achievable(events, cases)


def test_the_best_tenth_is_rounded_up_to_whole_providers() -> None:
    # 11 ratios: the best two of 0.5, 0.6, ... 1.5
    ratios = np.arange(5, 16) / 10
    assert benchmark.best_decile_mean(ratios) == pytest.approx(0.55)
    assert benchmark.best_decile_mean(ratios, higher_is_better=True) == pytest.approx(1.45)
    assert benchmark.best_decile_mean(ratios[:10]) == pytest.approx(0.5)


@given(st.lists(st.floats(0.1, 5), min_size=10, max_size=40))
def test_the_best_tenth_lies_between_the_best_and_the_mean_of_all(ratios: list[float]) -> None:
    assert min(ratios) - 1e-12 <= benchmark.best_decile_mean(ratios) <= np.mean(ratios) + 1e-12


@pytest.mark.parametrize("ratios", [[1.0] * 9, [1.0] * 10 + [np.nan], [[1.0] * 10]])
def test_fewer_than_ten_ratios_have_no_best_tenth(ratios: list[float]) -> None:
    with pytest.raises(CannotFit):
        benchmark.best_decile_mean(ratios)


def test_an_external_benchmark_carries_where_it_is_from(tmp_path: Path) -> None:
    file = tmp_path / "benchmarks.csv"
    file.write_text(
        HEADER + "national rate,hwr,facility,0.145,Agency report,2025 release,2025-07-30\n", encoding="utf-8"
    )
    assert benchmark.external(file) == (
        benchmark.External(
            name="national rate",
            measure_id="hwr",
            level="facility",
            value=0.145,
            source="Agency report",
            version="2025 release",
            date=date(2025, 7, 30),
        ),
    )


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("a,hwr,facility,0.1,,1,2025-07-30", "row 2 has no source"),
        ("a,hwr,facility,0.1,b,,2025-07-30", "row 2 has no version"),
        ("a,hwr,ward,0.1,b,1,2025-07-30", "row 2 has a level that is none of"),
        ("a,hwr,facility,nan,b,1,2025-07-30", "row 2 has a value that is no number"),
        ("a,hwr,facility,0.1,b,1,30.7.2025", "row 2 has a date"),
        ("a,hwr,facility,0.1,b,1,2025-07-30\na,hwr,facility,0.2,b,1,2025-07-30", "row 3 repeats"),
        ("a,hwr,facility", "row 2 has no value"),
    ],
)
def test_a_benchmark_that_cannot_be_traced_is_refused_by_its_row(tmp_path: Path, row: str, said: str) -> None:
    file = tmp_path / "benchmarks.csv"
    file.write_text(HEADER + row + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=said):
        benchmark.external(file)


def test_all_faults_of_a_file_are_named_at_once(tmp_path: Path) -> None:
    file = tmp_path / "benchmarks.csv"
    file.write_text(HEADER + ",hwr,facility,x,,1,2025-07-30\n", encoding="utf-8")
    with pytest.raises(InputError, match="3 faults in 1 benchmarks"):
        benchmark.external(file)


def test_a_file_without_a_column_is_refused_by_the_column(tmp_path: Path) -> None:
    file = tmp_path / "benchmarks.csv"
    file.write_text("name,value\na,1\n", encoding="utf-8")
    with pytest.raises(InputError, match="no column measure_id, level, source, version, date"):
        benchmark.external(file)


def test_a_percentile_among_others_is_the_one_among_all():
    random = np.random.default_rng(1)
    figures = random.integers(0, 8, size=30) / 8  # with ties
    for higher_is_better in (True, False):
        wanted = benchmark.percentiles(figures, higher_is_better=higher_is_better)
        found = benchmark.percentile_among(figures, figures, own=figures.tolist(), higher_is_better=higher_is_better)
        np.testing.assert_allclose(found, wanted)
    moved = benchmark.percentile_among([0.95], figures, own=[figures[3]], higher_is_better=True)
    np.testing.assert_allclose(
        moved, benchmark.percentiles([*figures[:3], 0.95, *figures[4:]], higher_is_better=True)[3:4]
    )
    new = benchmark.percentile_among([0.5], figures, own=[None], higher_is_better=False)
    np.testing.assert_allclose(new, benchmark.percentiles([*figures, 0.5], higher_is_better=False)[-1:])
