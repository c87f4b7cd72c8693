"""The quality page: what it tells first, what it never gives away, and that it needs nothing but itself."""

import re
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import polars as pl
import pytest

from qe.claims.quality import CheckResult, QualityReport, Status
from qe.claims.quality_checks import checks
from qe.reports.quality_page import quality_page
from qe.reports.quality_volumes import shown
from qe.site import Settings

SETTINGS = Settings.model_validate(
    {
        "site": {"name": "test", "rehearsal": True},
        "entity": {"organisation": "Test <Collaborative>", "contact": "x@example.org", "areas": ["MA"]},
        "periods": {"2025Q4": {"end": date(2025, 12, 31), "run_out_days": 90}},
        "sources": {"roster": {"kind": "roster", "path": "x"}},
        "linkage": {"passes": ["mbi"]},
        "peers": {"by": ["area"], "min_peers": 10},
        "scoring": {"fdr_q": 0.05, "confidence": 0.95, "achievable_share": 0.1},
        "disclosure": {"hide_small_from_provider": False},
    }
)
VOLUMES = pl.DataFrame(
    [
        {"source_id": "payer_a", "kind": kind, "month": date(2025, month, 1), "rows": rows, "paid_amount": Decimal(0)}
        for kind, month, rows in (
            ("professional", 1, 1200),
            ("professional", 2, 600),
            ("inpatient", 1, 7),
            ("inpatient", 2, 8423),
        )
    ]
)


def result(check_id: str, status: Status, *, failing: int, denominator: int, source_id: str = "payer_a") -> CheckResult:
    (check,) = (one for one in checks() if one.check_id == check_id)
    return CheckResult(
        check=check,
        source_id=source_id,
        severity=check.type.severity,
        denominator=denominator,
        failing=failing,
        share=Decimal(failing) / denominator if denominator else None,
        threshold=check.threshold,
        status=status,
        reason="" if denominator else "there are none: rows",
    )


def page(*results: CheckResult, **changes: Any) -> str:
    files = {"source_id": "payer_a", "file": "mc.txt", "layout": "cdl_medical", "expected_rows": 5000}
    empty = {"source_id": pl.String, "layout": pl.String, "rule": pl.String, "column_name": pl.String, "rows": pl.Int64}
    given: dict[str, Any] = {
        "results": results,
        "volumes": VOLUMES,
        "outside": pl.DataFrame(schema={"source_id": pl.String, "kind": pl.String, "rows": pl.Int64}),
        "before": None,
        "before_run": "",
        "new_files": (),
        "gone_files": (),
        "files": pl.DataFrame([files | {"rows_read": 5000, "rows_accepted": 4987, "rows_quarantined": 13}]),
        "quarantine": pl.DataFrame(schema=empty),
        "linkage": pl.DataFrame([{"source_id": "payer_a", "kind": "method", "name": "mbi", "persons": 431}]),
        "unresolved": (0, 0, Decimal(0)),
        "facts": {"persons": "431", "data_through": "2025-02-27"},
        **changes,
    }
    return quality_page(QualityReport(**given), SETTINGS)


def text_of(html: str) -> str:
    """What a reader sees: no tag, no style, one blank between words."""

    class Reader(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.parts: list[str] = []
            self.hidden = 0

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.hidden += tag == "style"

        def handle_endtag(self, tag: str) -> None:
            self.hidden -= tag == "style"

        def handle_data(self, data: str) -> None:
            if not self.hidden:
                self.parts.append(data)

    reader = Reader()
    reader.feed(html)
    return " ".join(" ".join(reader.parts).split())


STOPPED = result("unknown_person", "stop", failing=420, denominator=1200, source_id="")
WARNED = result("missing_value:claim_line.hcpcs:professional", "warn", failing=180, denominator=1800)
PASSED = result("code_format:claim_line.hcpcs:hcpcs", "pass", failing=0, denominator=1800)


def test_the_verdict_stands_first_and_names_what_stops():
    assert "Not fit for measures: 1 check stops the run; 1 warning besides." in text_of(page(STOPPED, WARNED))
    assert "Fit for measures, with 1 warning." in text_of(page(WARNED, PASSED))
    assert "Fit for measures: every check that applies passes." in text_of(page(PASSED))
    shown_text = text_of(page(STOPPED, WARNED))
    assert shown_text.index("Claims of persons whom no eligibility") < shown_text.index(
        "Rows without a value that they need"
    )
    assert "■ Stops the run 35% 2% 420 1,200" in shown_text  # 420 / 1,200
    assert "▲ Warning 10% 5% 180 1,800" in shown_text


def test_types_that_a_source_names_as_it_likes_stand_on_the_page_as_unknown_ones():
    strange = VOLUMES.with_columns(kind=pl.lit("o'clock <b>"))  # 1,200 and 600 of one, 7 and 8,423 of the other
    shown_text = text_of(page(PASSED, volumes=strange))
    assert "Unknown type" in shown_text
    assert "1,207" in shown_text  # January: 1,200 + 7
    assert "clock" not in shown_text


def test_a_first_delivery_is_said_to_be_one_and_a_later_one_is_compared_month_by_month():
    assert "This is the first delivery" in text_of(page(PASSED))
    before = VOLUMES.with_columns(rows=pl.when(pl.col("rows") == 600).then(800).otherwise(pl.col("rows")))
    later = text_of(
        page(PASSED, before=before, before_run="0123456789abcdef", new_files=("new.txt",), gone_files=("old.txt",))
    )
    assert "This is the first delivery" not in later
    assert "Compared with run 0123456789abcdef" in later
    assert "New: new.txt. No longer there: old.txt." in later
    assert "600 (-25%)" in later  # 800 before


def test_counts_of_one_to_ten_are_not_given_as_figure_share_bar_or_change():
    few = result("missing_value:claim_line.hcpcs:professional", "warn", failing=7, denominator=50)
    quarantine = pl.DataFrame(
        [{"source_id": "payer_a", "layout": "cdl_medical", "rule": "bad-date", "column_name": "from_date", "rows": 9}]
    )
    before = VOLUMES.with_columns(rows=pl.when(pl.col("rows") == 7).then(9).otherwise(pl.col("rows")))
    html = page(few, quarantine=quarantine, before=before, before_run="r")
    seen = text_of(html)
    assert "▲ Warning under 22% 5% 1–10 50" in seen  # 11 of 50
    assert "is not a date from_date 1–10" in seen
    assert "14%" not in seen  # 7 of 50
    assert "-22%" not in seen  # 7 after 9
    bars = re.findall(r'<rect x="0.0" y="[0-9.]+" width="[0-9.]+" height="([0-9.]+)" fill="#5d87b0"', html)
    assert bars == ["0.0", "64.0"]  # January: inpatient 7 has no height, professional 1,200 is the highest
    assert [shown(count) for count in (0, 1, 10, 11, 12345)] == ["0", "1–10", "1–10", "11", "12,345"]


def test_counts_of_months_and_files_are_given_whole():
    months = result("missing_month:volume_by_month.month:professional", "warn", failing=1, denominator=24)
    assert "▲ Warning 4.17% 0% 1 month 24 months" in text_of(page(months))


@pytest.mark.parametrize("word", ["<script", "http:", "https:", "src=", "<link", "@import", "url("])
def test_the_page_needs_no_script_and_fetches_nothing(word: str):
    assert word not in page(STOPPED, WARNED, PASSED)


def test_names_are_escaped_and_every_anchor_leads_somewhere():
    html = page(PASSED)
    assert "Test &lt;Collaborative&gt;" in html
    targets = set(re.findall(r'href="#([a-z]+)"', html))
    assert targets - set(re.findall(r'id="([a-z]+)"', html)) == set()
    assert len(targets) == 8


def test_kinds_and_sources_that_are_gone_stand_as_nothing_against_what_they_were():
    gone = [
        {"source_id": "payer_a", "kind": "pharmacy", "month": date(2025, 1, 1), "rows": 512, "paid_amount": Decimal(0)},
        {"source_id": "payer_b", "kind": "dme", "month": date(2025, 2, 1), "rows": 345, "paid_amount": Decimal(0)},
    ]
    html = page(PASSED, before=pl.concat([VOLUMES, pl.DataFrame(gone)]), before_run="r")
    seen = text_of(html)
    assert "0 (was 512)" in seen
    assert "payer_b: figures by month" in seen
    assert "Feb 2025 0 (was 345)" in seen
    assert "Equipment (DME) highest 0" in seen
    assert re.findall(r'<rect x="0.0" y="([0-9.]+)" width="[0-9.]+" height="2" fill="#b35900"', html)[-1] == "1.0"


def test_what_lies_outside_the_period_is_told_beside_the_months():
    outside = pl.DataFrame(
        [
            {"source_id": "payer_a", "kind": "professional", "rows": 1234},
            {"source_id": "payer_a", "kind": "inpatient", "rows": 3},
        ]
    )
    seen = text_of(page(PASSED, outside=outside))
    assert "in no month here: Inpatient 1–10, Professional 1,234." in seen
    assert "Dated outside" not in text_of(page(PASSED))


def test_ids_given_anew_are_told_apart_from_second_ids():
    linkage = pl.DataFrame(
        [
            {"source_id": "medicare", "kind": "method", "name": "own", "persons": 900},
            {"source_id": "medicare", "kind": "two_ids", "name": "renumbered", "persons": 120},
            {"source_id": "medicare", "kind": "two_ids", "name": "same_person", "persons": 30},
        ]
    )
    seen = text_of(page(PASSED, linkage=linkage))
    assert "120 earlier ids of persons whom a later crosswalk numbers anew" in seen
    assert "30 second ids of a person whom the source gives twice" in seen
