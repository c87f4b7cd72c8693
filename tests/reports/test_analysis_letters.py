"""Letters about an analysis: one page each, with what each must say (report_design.md section 8)."""

import io
from datetime import date

import pikepdf
import pytest

from qe.disclosure.identifiers import texts_of
from qe.reports.analysis_letters import AnalysisLetter, AnalysisLetterKind, render_analysis_letter
from qe.reports.letters import LetterRequest, PrintedLetter

ASKED = LetterRequest(
    request_id="R-1", kind="correction", category="calculation", received_on=date(2026, 4, 20), outcome=None
)


def letter(kind: AnalysisLetterKind) -> PrintedLetter:
    return render_analysis_letter(
        AnalysisLetter(
            kind=kind,
            organisation="Prairie Health Data Collaborative",
            contact="review@prairie-health.example",
            rehearsal=True,
            analysis_id="adherence-1",
            letter_id="adherence-1-U000002",
            recipient="Northfield & Prairie Lakes Integrated Family Medicine Assoc.",
            written_on=date(2026, 3, 2),
            topic="Adherence to statins and readmissions in primary care",
            measures=(
                "Statins taken on at least 80% of days",
                "Unplanned readmission within 30 days",
                "Total cost index",
            ),
            period_start=date(2025, 1, 1),
            period_end=date(2025, 12, 31),
            user="Acme Works",
            release_on=date(2026, 5, 7),
            opted_in_on=date(2026, 3, 22) if kind == "npa_extract" else None,
            review_days=46 if kind == "npa_extract" else None,
            requests=(ASKED,) if kind == "npa_final" else (),
            appealing=(("Oak Group", "calculation"),) if kind == "npa_cover" else (),
        )
    )


SAYS: dict[AnalysisLetterKind, tuple[str, ...]] = {
    "npa_notice": (
        "Total cost index",
        "How to request it",
        "Acme Works, on 7 May 2026",
        "you have 60 days",
        "at most 60",
    ),
    "npa_extract": ("46 days", "22 Mar 2026", "Nobody else is named in it"),
    "npa_final": ("released to Acme Works on 7 May 2026", "R-1", "open"),
    "npa_cover": ("Oak Group", "as our agreement allows"),
}


@pytest.mark.parametrize("kind", list(SAYS))
def test_a_letter_is_one_page_says_what_it_must_and_is_the_same_every_time(kind: AnalysisLetterKind) -> None:
    printed = letter(kind)
    with pikepdf.open(io.BytesIO(printed.pdf)) as document:
        assert len(document.pages) == 1
        assert document.Root.MarkInfo.Marked
    for text in (" ".join(texts_of("letter.pdf", printed.pdf)), printed.text.decode("utf-8")):
        assert [words for words in SAYS[kind] if words not in " ".join(text.split())] == []
    assert letter(kind) == printed
