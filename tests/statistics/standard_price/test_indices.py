"""Total cost = resource use x price, provider by provider."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qe.errors import CannotFit
from qe.statistics.standard_price import indices


def test_use_and_price_by_hand():
    # p: actual 150 + 150, standard 100 + 100, expected 80 + 80. q: 100, 200, 160. All: actual 400, standard 400: level 1
    found = indices.split([150, 100, 150], [100, 200, 100], [80, 160, 80], ["p", "q", "p"])
    assert found.providers == ("p", "q")
    assert found.price_level == 1.0
    assert found.resource_use.tolist() == [1.25, 1.25]
    assert found.price.tolist() == [1.5, 0.5]
    assert found.total.tolist() == [300 / 160, 100 / 160]


@given(st.lists(st.tuples(*[st.integers(1, 10**9)] * 3, st.sampled_from("pqr")), min_size=1, max_size=30))
@settings(max_examples=50, deadline=None)
def test_total_is_always_use_times_price(rows: list[tuple[int, int, int, str]]):
    actual, standard, expected, provider = (list(column) for column in zip(*rows, strict=True))
    found = indices.split(actual, standard, expected, provider)
    np.testing.assert_allclose(found.resource_use * found.price, found.total, rtol=1e-14)
    # everybody's actual cost is their standard cost at the price level
    assert found.price_level * sum(standard) == pytest.approx(sum(actual), rel=1e-12)


def test_dearer_prices_alone_move_price_and_total_and_leave_use():
    cheap = indices.split([100, 100], [100, 100], [100, 100], ["p", "q"])
    dear = indices.split([300, 100], [100, 100], [100, 100], ["p", "q"])
    assert dear.resource_use.tolist() == cheap.resource_use.tolist()
    assert dear.price.tolist() == [1.5, 0.5]


@pytest.mark.parametrize(
    ("actual", "standard", "expected", "provider"),
    [
        ([], [], [], []),
        ([1.0], [0.0], [1.0], ["p"]),
        ([0.0], [1.0], [1.0], ["p"]),
        ([1.0], [1.0], [float("nan")], ["p"]),
        ([1.0, 2.0], [1.0], [1.0], ["p", "q"]),
    ],
)
def test_what_has_no_ratio_is_refused(
    actual: list[float], standard: list[float], expected: list[float], provider: list[str]
):
    with pytest.raises(CannotFit):
        indices.split(actual, standard, expected, provider)
