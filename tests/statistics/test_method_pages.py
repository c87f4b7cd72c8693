"""The worked examples of the method pages are run as they stand."""

import doctest
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[2] / "docs" / "methods"
WITH_EXAMPLES = sorted(page for page in PAGES.glob("*.md") if ">>> " in page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda page: page.stem)
def test_the_worked_example_of_a_page_gives_what_the_page_says(page: Path) -> None:
    results = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert results.attempted >= 3
    assert results.failed == 0


@pytest.mark.parametrize(
    "name",
    ["fixed-effects", "funnel", "intervals", "reliability", "empirical-bayes", "benchmark", "outliers", "multiplicity"],
)
def test_every_method_of_profiling_has_a_page_with_formula_source_example_and_limits(name: str) -> None:
    text = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    for part in ("ource", "Worked example", "**Not to be used**", ">>> "):
        assert part in text
    assert len(text.splitlines()) <= 50
