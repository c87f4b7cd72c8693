"""The worked examples of docs/methods/hierarchical-models.md, by the coefficients and effects that R found."""

from pathlib import Path

import numpy as np
import pytest

from qe.statistics import mixed_logit
from tests.golden.statistics.cases import MAKE, cbpp
from tests.golden.statistics.values import golden

PATH = Path(__file__).parents[2] / "docs/methods/hierarchical-models.md"
PAGE = " ".join(PATH.read_text(encoding="utf-8").split())  # however its lines break
HERD = "H01"


def ratio_at(fit: str, effect: float) -> mixed_logit.Standardised:
    cases, found = cbpp(), golden("cbpp", fit)
    own = cases.provider == HERD
    return mixed_logit.standardise(
        cases.x[own], cases.provider[own], coefficients=found.coefficients, effects={HERD: effect}
    )


@pytest.mark.parametrize("fit", ["glmer", "agq9", "rspl"])
def test_the_table_of_engines_holds_what_r_found(fit: str) -> None:
    found = golden("cbpp", fit)
    effect = found.by_provider["effect"][0]
    row = f"{found.single['sigma']:.3f}, {effect:.3f}, {ratio_at(fit, effect).ratio[0]:.3f} |"
    assert row in PAGE


def test_the_worked_example_of_a_herd_is_what_its_animals_add_up_to() -> None:
    found = golden("cbpp", "glmer")
    effect, error = found.by_provider["effect"][0], found.by_provider["sd"][0]
    sums = ratio_at("glmer", effect)
    assert (
        f"= {sums.expected[0]:.2f}; at u = {effect:.3f} predicted {sums.predicted[0]:.2f}; ratio {sums.ratio[0]:.3f}"
        in PAGE
    )
    low, high = (ratio_at("glmer", effect + z * error).ratio[0] for z in (-1.959964, 1.959964))
    reliability = 1 - error**2 / found.single["sigma"] ** 2
    assert f"1/√H = {error:.3f}, reliability {reliability:.2f}, interval {low:.2f} to {high:.2f}" in PAGE


def test_the_interval_over_all_sigmas_is_what_the_page_says() -> None:
    cases = cbpp()
    low, high = mixed_logit.fit(cases.y, cases.x, cases.provider).interval(confidence=0.95)
    assert f"herd 1 has {low[0]:.2f} to {high[0]:.2f}" in PAGE


def test_single_cases_are_drawn_to_the_average_as_the_page_says() -> None:
    cases, found = MAKE["tiny"](), golden("tiny", "glmer")
    _, place, count = np.unique(cases.provider, return_inverse=True, return_counts=True)
    events = np.bincount(place, weights=cases.y)
    ratio = found.by_provider["ratio"]
    with_event, without = ratio[(count == 1) & (events == 1)], ratio[(count == 1) & (events == 0)]
    assert f"{with_event.min():.2f} to {with_event.max():.2f}" == "1.12 to 1.14"
    assert {f"{one:.2f}" for one in without} <= {"0.95", "0.96"}
    assert "1.12 to 1.14, and 0.95 or 0.96 without it" in PAGE


def test_the_confounded_coefficient_is_found_as_the_page_says() -> None:
    plain, means = golden("confounded", "glmer").coefficients[1], golden("confounded", "mundlak").coefficients[1]
    assert f"found as {plain:.2f} without the means and as {means:.2f} with them" in PAGE
