"""A row of the public results, for tests of what reads such rows."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

from qe.disclosure.results import PublicResult

PLAIN: Final = PublicResult(
    measure_id="hwr",
    measure_name="Readmission",
    level="group",
    public_id="U000001",
    provider_name="A provider",
    peer_group="39049",
    area="39049",
    period_start=date(2025, 1, 1),
    period_end=date(2025, 12, 31),
    denominator=Decimal(120),
    rate=None,
    ci_low=None,
    ci_high=None,
    expected=None,
    ratio=None,
    benchmark=None,
    category="no_different",
    note_code=None,
)


def public_result(**changes: Any) -> PublicResult:
    """120 cases of one group in 2025, whose figures are not given, with these changes."""
    return replace(PLAIN, **changes)
