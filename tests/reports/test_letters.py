"""The two letters: one page, the dates, what is posted, and the same bytes every time."""

import io
from dataclasses import replace
from datetime import date
from typing import get_args

import pikepdf
import pytest

from qe.disclosure.identifiers import texts_of
from qe.disclosure.results import ConfidentialResult
from qe.reports import pages
from qe.reports.letters import Letter, LetterKind, LetterRequest, render_letter


@pytest.fixture
def letter(previews: list[ConfidentialResult]) -> Letter:
    return Letter(
        public_url="",
        is_corrected=False,
        kind="release_notice",
        organisation="Prairie Health Data Collaborative",
        contact="review@prairie-health.example",
        rehearsal=True,
        cycle="2025Q4-1",
        recipient=previews[0].provider,
        written_on=date(2026, 4, 1),
        sent_on=date(2026, 4, 1),
        last_request_day=date(2026, 5, 31),
        deadline="11:59 pm Central",
        public_on=date(2026, 6, 1),
        requests=(),
    )


def said(letter: Letter, monkeypatch: pytest.MonkeyPatch) -> str:
    """The page that the letter is printed from."""
    with monkeypatch.context() as patched:
        patched.setattr(pages, "pdf", lambda page: page.encode("utf-8"))
        return " ".join(render_letter(letter).pdf.decode("utf-8").split())


def test_the_release_notice_gives_dates_and_that_publication_does_not_wait(
    letter: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = said(letter, monkeypatch)
    for words in (
        "1 Apr 2026",
        "31 May 2026",
        "11:59 pm Central",
        "Results become public on 1 Jun 2026 whatever the status",
    ):
        assert words in page
    assert "987650001" not in page


def test_a_report_that_is_issued_again_takes_the_place_of_the_first_and_its_60_days_begin_anew(
    letter: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = said(replace(letter, kind="reissued_notice"), monkeypatch)
    for words in (
        "takes the place of the one that you were sent for this period",
        "Your 60 days begin anew",
        "Until 31 May 2026 you may ask",
        "Results become public on 1 Jun 2026 whatever the status",
    ):
        assert words in page


@pytest.mark.parametrize(
    ("outcome", "said_of_it"),
    [(None, "Those still open are posted there"), ("denied", "All are closed, so none is posted")],
)
def test_after_publication_the_letter_names_the_day_the_address_and_what_is_posted(
    letter: Letter, outcome: str | None, said_of_it: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = LetterRequest(
        request_id="R1", kind="correction", category="calculation", received_on=date(2026, 4, 9), outcome=outcome
    )
    published = replace(
        letter, kind="published_notice", written_on=date(2026, 6, 3), public_url="https://reports.example/2025Q4-1",
        requests=(asked,),
    )  # fmt: skip
    page = said(published, monkeypatch)
    assert "were published on <strong>1 Jun 2026</strong> at <strong>https://reports.example/2025Q4-1</strong>" in page
    assert said_of_it in page
    assert "become public" not in page
    without = said(replace(published, public_url="", requests=()), monkeypatch)
    assert "write to review@prairie-health.example for the address" in without
    assert "nothing is posted beside your results" in without


def test_a_letter_says_why_a_request_is_not_posted(letter: Letter, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = LetterRequest(
        request_id="R1", kind="correction", category="calculation", received_on=date(2026, 4, 9), outcome=None,
        not_posted="forbidden_by_law",
    )  # fmt: skip
    before = said(replace(letter, kind="final_notice", requests=(asked,)), monkeypatch)
    assert "(42 CFR 401.717(e)), but for those named below." in before
    assert "R1 is not posted: another law forbids it." in before
    after = said(replace(letter, kind="published_notice", requests=(asked,)), monkeypatch)
    assert "None is posted beside your results." in after and "R1 is not posted: another law forbids it." in after
    closed = said(replace(letter, kind="published_notice", requests=(replace(asked, outcome="denied"),)), monkeypatch)
    assert "is not posted" not in closed


def test_the_corrected_page_comes_with_the_dates_of_the_first_and_the_day_of_its_letter(
    letter: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = said(replace(letter, kind="corrected_notice", written_on=date(2026, 4, 21)), monkeypatch)
    for words in (
        "21 Apr 2026",
        "1 Apr 2026",
        "Your request was upheld.",
        "starts no new 60 days",
        "Until 31 May 2026 you may still ask",
        "The corrected results become public on 1 Jun 2026",
    ):
        assert words in page
    assert "You have made no request" not in page


def test_the_final_notice_gives_the_status_of_each_request_and_what_is_posted(
    letter: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = LetterRequest(
        request_id="R0001", kind="correction", category="calculation", received_on=date(2026, 5, 2), outcome=None
    )
    page = said(replace(letter, kind="final_notice", requests=(asked,)), monkeypatch)
    assert "R0001</th><td>correction</td><td>calculation</td><td>2 May 2026</td><td>open</td>" in page
    assert "your name and its category are posted" in page


def test_a_letter_words_kinds_categories_and_outcomes(letter: Letter, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = LetterRequest(
        request_id="R0001",
        kind="claims_data",
        category="not_our_patient",
        received_on=date(2026, 5, 2),
        outcome="referred_to_payer",
    )
    page = said(replace(letter, kind="final_notice", requests=(asked,)), monkeypatch)
    assert "<td>claims data</td><td>not our patient</td><td>2 May 2026</td><td>referred to the payer</td>" in page


@pytest.mark.parametrize("kind", ["release_notice", "corrected_notice", "final_notice"])
def test_a_letter_is_one_tagged_page_and_the_same_bytes_twice(letter: Letter, kind: LetterKind) -> None:
    once = render_letter(replace(letter, kind=kind))
    assert render_letter(replace(letter, kind=kind)) == once
    with pikepdf.open(io.BytesIO(once.pdf)) as document:
        assert len(document.pages) == 1
        assert bool(document.Root.MarkInfo.Marked)


@pytest.mark.parametrize("kind", get_args(LetterKind))
def test_every_letter_has_its_words_as_plain_text(letter: Letter, kind: LetterKind) -> None:
    printed = render_letter(replace(letter, kind=kind))
    text = printed.text.decode("utf-8")
    assert max(map(len, text.splitlines())) <= 78
    on_paper = characters("".join(texts_of("letter.pdf", printed.pdf)))
    for line in text.splitlines():
        for part in line.split(": "):
            assert characters(part) in on_paper, line


def characters(text: str) -> str:
    """Letters and digits alone: where a line breaks says nothing."""
    return "".join(one for one in text.upper() if one.isalnum())
