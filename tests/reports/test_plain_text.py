"""A page as plain text: its words in their order, lines that fit, a table's cells under the names of their columns."""

from qe.reports import pages
from qe.reports.plain_text import plain_text


def test_head_blocks_breaks_and_escaped_letters() -> None:
    page = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Not said</title></head><body>
    <main data-owner="Example &amp; Co"><p>1 Apr 2026</p><p>Elm<br>R-1</p><h1>A title</h1>
    <p>Some <strong>words</strong>
    of a sentence.</p></main></body></html>"""
    assert plain_text(page) == "Example & Co\n\n1 Apr 2026\n\nElm\nR-1\n\nA TITLE\n\nSome words of a sentence.\n"


def test_a_box_of_dates_is_one_line_each() -> None:
    dates = "<div><span>Sent</span><b>1 Apr</b></div><div><span>Last</span><b>3 May</b><span>noon</span></div>"
    page = f"<main><div class='dates'>{dates}</div></main>"
    assert plain_text(page) == "Sent: 1 Apr\n\nLast: 3 May noon\n"


def test_long_sentences_are_wrapped_and_nothing_is_lost() -> None:
    words = [f"word{number}" for number in range(60)]
    text = plain_text(f"<main><p>{' '.join(words)}</p></main>")
    assert text.split() == words and max(map(len, text.splitlines())) <= 78


def test_the_house_table_is_read_row_by_row() -> None:
    template = (
        '{% import "_shared/macros.html" as marks %}'
        '{{ marks.table("Two", ["A", "B", "C"], [("1", "x", "-"), ("2", "y", "+")]) }}'
    )
    page = pages.environment().from_string(template).render()
    assert plain_text(page) == "Two\n\n  A: 1\n  B: x\n  C: -\n\n  A: 2\n  B: y\n  C: +\n"


def test_a_table_of_two_columns_is_a_line_for_each_row() -> None:
    template = (
        '{% import "_shared/macros.html" as marks %}'
        '{{ marks.table("Box", ["What", "Which"], [("Kind", "data"), ("Day", "1 Apr")]) }}<p>After it.</p>'
    )
    page = pages.environment().from_string(template).render()
    assert plain_text(page) == "Box\n\n  Kind: data\n  Day: 1 Apr\n\nAfter it.\n"
