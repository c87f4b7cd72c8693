"""Which factors are called constant, or determined by earlier ones."""

import numpy as np
import pytest

from qe.errors import CannotFit
from qe.statistics import mixed_logit
from qe.statistics.cases import checked, require_full_rank

R = np.random.Generator(np.random.PCG64(5))
AGE = R.normal(50.0, 10.0, 5_000)
FLAG = (R.random(5_000) < 0.2).astype(np.float64)


def test_a_factor_whose_mean_is_100_000_times_its_spread_is_one_of_its_own():
    require_full_rank(np.column_stack([AGE, FLAG, 1e5 + (FLAG + R.random(5_000) < 0.5)]))


def test_such_a_factor_has_the_coefficient_of_its_distance_from_the_mean():
    provider = np.arange(5_000) % 40
    y = (R.random(5_000) < 0.2 + 0.1 * FLAG).astype(np.float64)
    near = mixed_logit.fit(y, np.column_stack([AGE - 50.0, FLAG]), provider)
    far = mixed_logit.fit(y, np.column_stack([AGE - 50.0 + 1e6, FLAG]), provider)
    np.testing.assert_allclose(far.coefficients[1:], near.coefficients[1:], atol=1e-5)
    np.testing.assert_allclose(far.ratio, near.ratio, atol=1e-5)


def test_a_constant_factor_is_named_however_far_from_0():
    for constant in (0.0, 0.1, 3e9):
        with pytest.raises(CannotFit, match=r"1 of 2 factors are the same in every case \(columns 1\)"):
            require_full_rank(np.column_stack([AGE, np.full(5_000, constant)]))


def test_a_factor_that_earlier_ones_add_up_to_is_named_across_blocks_of_rows():
    with pytest.raises(CannotFit, match=r"1 of 3 factors are determined by earlier ones \(columns 2\)"):
        require_full_rank(np.column_stack([AGE, FLAG, 2 * AGE - FLAG + 7]))


def test_a_missing_factor_is_counted_with_its_first_row_across_blocks_of_rows():
    x = np.column_stack([AGE, FLAG])
    x[4_500, 1] = np.nan
    x[4_700, 0] = np.inf
    with pytest.raises(CannotFit, match=r"factor missing or infinite in 2 of 5,000 cases \(first: row 4,500\)"):
        checked(FLAG, x, np.arange(5_000))
