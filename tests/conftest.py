"""The order of the tests: files go to the workers whole (--dist loadfile), the slow ones first, so that both end together."""

from collections.abc import Sequence
from typing import Final

import pytest

SLOW: Final = (  # files or folders, the slowest first; all others keep their order behind these
    "tests/workflow/test_small_long_checks.py",
    "tests/workflow/",
    "tests/reports/test_confidential_report.py",
    "tests/claims/",
    "tests/sample/",
    "tests/measures/",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _rank(item.nodeid, SLOW))


def _rank(nodeid: str, slow: Sequence[str]) -> int:
    """The place of the first entry that the test lies under."""
    return next((place for place, path in enumerate(slow) if nodeid.startswith(path)), len(slow))
