"""The rows of the CSV that goes with a confidential report."""

from collections.abc import Iterable
from decimal import Decimal

from qe.disclosure.results import ConfidentialResult

CSV_COLUMNS = (
    "measure_id", "level", "payer_scope", "peer_group", "period_start", "period_end", "denominator", "excluded", "numerator",
    "observed", "expected", "ratio", "adjusted", "ci_low", "ci_high", "reliability", "peer_p25", "peer_median", "peer_p75",
    "achievable_benchmark", "percentile", "category", "fdr_significant", "publishable", "not_publishable_reason", "hidden",
)  # fmt: skip


def csv_rows(result: ConfidentialResult) -> Iterable[tuple[str, ...]]:
    """The rows of the report's own CSV, the header first; figures unrounded but for the run's 12 digits."""
    yield CSV_COLUMNS
    for row in result.results:
        yield tuple(_cell(getattr(row, column)) for column in CSV_COLUMNS)


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Decimal():
            text = f"{value:f}"
            return text.rstrip("0").rstrip(".") if "." in text else text
        case float():
            return f"{value:.12g}"
        case _:
            text = str(value)
            return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
