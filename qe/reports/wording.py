"""How figures and verdicts are worded: one place, so that page, table, title and letter say the same."""

from datetime import date
from decimal import Decimal
from typing import Final, Literal

Scale = Literal["percent", "ratio", "dollars", "number"]

STATUS: Final = {
    "better": ("▲", "Better than peers"),
    "no_different": ("●", "Similar to peers"),
    "worse": ("▼", "Worse than peers"),
    "too_few": ("–", "Too few cases"),
}
TONE: Final = {"better": "better", "no_different": "same", "worse": "worse", "too_few": "small"}
UNITS: Final = {
    "person": "persons",
    "stay": "hospital stays",
    "ed_visit": "emergency visits",
    "fill": "fills",
    "service": "services",
    "episode": "episodes",
}
LEVELS: Final = {"facility": "Hospital or facility", "group": "Group", "clinician": "Clinician", "area": "Area"}
SCOPES: Final = {"all": "All payers", "medicare": "Medicare", "other": "Other payers"}
CATEGORIES: Final = {
    "inpatient": "Inpatient",
    "outpatient": "Outpatient facility",
    "professional": "Professional services",
    "post_acute": "Post-acute care",
    "pharmacy": "Pharmacy",
    "other": "Other services",
}
ATTRIBUTION: Final = {
    "index_facility": "A stay is credited to the hospital that discharged the person; of a chain of transfers, to the last.",
    "mssp_step": "A person is credited to the group that gave most of the person's primary care in the period, by allowed"
    " charges: first among primary care physicians, nurse practitioners and physician assistants, and only where there is"
    " none among specialists; then to the clinician of that group by the same rule. Of equals, the latest service decides.",
}
ATTRIBUTION_STEPS: Final = {
    ("index_facility", "1"): "discharged by this hospital",
    ("mssp_step", "1"): "step 1: primary care by a physician, nurse practitioner or physician assistant",
    ("mssp_step", "2"): "step 2: primary care services by a specialist",
}
NOT_APPLICABLE: Final = "–"


def day(value: date) -> str:
    """1 Sep 2026"""
    return f"{value.day} {value:%b %Y}"


def span(start: date, end: date) -> str:
    """January 2025 to December 2025"""
    return f"{start:%B %Y} to {end:%B %Y}"


def figure(value: float | None, scale: Scale) -> str:
    """A figure as readers see it: 88.2%, 1.07, $1,235."""
    if value is None:
        return NOT_APPLICABLE
    match scale:
        case "percent":
            return f"{value * 100:.1f}%"
        case "ratio":
            return f"{value:.2f}"
        case "dollars":
            return f"${value:,.0f}"
        case "number":
            return f"{value:,.1f}"


def interval(low: float | None, high: float | None, scale: Scale) -> str:
    """83.1–92.0 (the sign of the scale stands with the figure)."""
    if low is None or high is None:
        return NOT_APPLICABLE
    return f"{figure(low, scale).rstrip('%')}–{figure(high, scale).rstrip('%')}"


def count(value: Decimal | int | None) -> str:
    """1,184"""
    return NOT_APPLICABLE if value is None else f"{value:,.0f}"


def percentile(value: float | None) -> str:
    """37"""
    return NOT_APPLICABLE if value is None else f"{value:.0f}"


def tick(value: float, scale: Scale) -> str:
    """The label of an axis tick: 50%, 0.8, $900."""
    match scale:
        case "percent":
            return f"{value * 100:.6g}%"
        case "dollars":
            return f"${value:,.0f}"
        case _:
            return f"{value:.6g}"
