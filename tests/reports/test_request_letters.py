"""Letters that answer a request: the page and its plain text say the same, in the same order."""

from datetime import date

from qe.disclosure.identifiers import texts_of
from qe.disclosure.results import ConfidentialResult
from qe.reports.letters import LetterRequest
from qe.reports.request_letters import RequestLetter, render_request_letter


def letter_about(previews: list[ConfidentialResult]) -> RequestLetter:
    return RequestLetter(
        kind="decision",
        organisation="Prairie Health Data Collaborative",
        contact="review@prairie-health.example",
        rehearsal=True,
        cycle="2025Q4-1",
        recipient=previews[0].provider,
        written_on=date(2026, 3, 12),
        request=LetterRequest(
            request_id="2025Q4-1-U000002-1",
            kind="correction",
            category="calculation",
            received_on=date(2026, 3, 9),
            outcome=None,
        ),
        dates=(("Acknowledged", date(2026, 3, 10)),),
        facts=(("Our decision", "denied"), ("Events behind it", "1,234 " * 15)),
        paragraphs=("It stays.", "A sentence " * 20),
    )


def test_the_text_says_what_the_page_says_in_its_order(previews: list[ConfidentialResult]) -> None:
    files = render_request_letter(letter_about(previews))
    text = files["letter.txt"].decode("utf-8")
    assert text.startswith("Prairie Health Data Collaborative\n\n12 Mar 2026\n\n")
    assert "OUR ANSWER TO YOUR REQUEST\n\nREHEARSAL: synthetic data.\n\nYour request\n\n" in text
    assert "  Acknowledged: 10 Mar 2026\n  Our decision: denied\n  Events behind it: 1,234" in text
    assert "\n    1,234" in text and "1,234\n\nIt stays.\n\n" in text  # folded, and indented under its label
    assert text.endswith("\n\nQuestions: review@prairie-health.example\n")
    assert max(map(len, text.splitlines())) <= 78
    page = " ".join(" ".join(texts_of("letter.pdf", files["letter.pdf"])).split())
    words = [line.strip() for line in text.splitlines() if line.strip() and not line.isupper()]
    assert [line for line in words if line.replace(": ", " ") not in page and line not in page] == []
