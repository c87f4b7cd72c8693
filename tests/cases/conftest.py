"""One claims model in memory for all cases of a test process."""

from collections.abc import Iterator

import pytest

from qe.measurement.cases import CaseModel


@pytest.fixture(scope="session")
def claims() -> Iterator[CaseModel]:
    """Base and event tables without rows; each case empties them first."""
    opened = CaseModel.opened()
    yield opened
    opened.db.connection.close()
