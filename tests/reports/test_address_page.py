"""The sheet with the address: one tagged page whose lines lie in the window of the envelope, wherever the sheet slips to."""

import io
from itertools import pairwise

import pikepdf
import pypdfium2
import pytest

from qe.errors import InputError
from qe.reports.address_page import render_address_page

INCH, HEIGHT = 72.0, 792.0  # points; a US Letter sheet is 11 inches high


def printed(address: str, name: str = "Elm Street Internal Medicine Group") -> bytes:
    return render_address_page(organisation="Example", name=name, address=address, unit_id="U000012")


def lines_in_the_upper_third(content: bytes) -> list[tuple[str, float, float, float, float]]:
    """Text, left, right, and distances of top and bottom from the sheet's top, in inches; the running head left out."""
    document = pypdfium2.PdfDocument(content)
    words = document[0].get_textpage()
    found = []
    for number in range(words.count_rects()):
        left, bottom, right, top = words.get_rect(number)
        place = (left / INCH, right / INCH, (HEIGHT - top) / INCH, (HEIGHT - bottom) / INCH)
        if 0.7 < place[2] < 11 / 3:
            found.append((words.get_text_bounded(left, bottom, right, top), *place))
    return found


def test_name_and_three_lines_lie_where_the_window_always_shows_them() -> None:
    # No. 10 envelope, 9 1/2 by 4 1/8 in, window 4 1/2 by 1 1/8 in, 7/8 in from the left and 1/2 in from the bottom: from its top
    # 2 1/2 to 3 5/8 in. A sheet of 8 1/2 in folded to 3 2/3 in slips by 1 in and by 11/24 in.
    lines = lines_in_the_upper_third(
        printed("Quality Office; 1200 East Main Street, Suite 400; Columbus OH 43001-1234")
    )
    assert [line[0].strip() for line in lines] == [
        "Elm Street Internal Medicine Group",
        "Quality Office",
        "1200 East Main Street, Suite 400",
        "Columbus OH 43001-1234",
    ]
    for _, left, right, top, bottom in lines:
        assert left >= 7 / 8 and right <= 7 / 8 + 4.5 - 1
        assert top >= 2.5 and bottom <= 3 + 5 / 8 - 11 / 24


def test_a_long_name_is_folded_and_pushes_the_address_down() -> None:
    lines = lines_in_the_upper_third(
        printed(
            "1 Main Street / Troy OH 45373", name="Associated Physicians of the Valley and of the Lakes in the North"
        )
    )
    tops = [line[3] for line in lines]
    assert len(lines) == 4
    assert tops == sorted(tops) and min(later - top for top, later in pairwise(tops)) > 0.1
    assert [line[0].strip() for line in lines[-2:]] == ["1 Main Street", "Troy OH 45373"]
    assert lines[-1][4] <= 3 + 5 / 8 - 11 / 24


@pytest.mark.parametrize(
    ("address", "name", "said"),
    [
        (
            "Quality Office; 1 Main Street; Suite 4; Troy OH 45373",
            "Elm",
            "take 5 lines; the window of the envelope shows 4",
        ),
        ("A; B; C; D; E; F; G", "Elm", "take 8 lines; the window"),
        (
            "1 Main Street; Suite 4; Troy OH 45373",
            "Associated Physicians of the Valley and of the Lakes in the North",
            "take 5 lines, 1 of them because lines too wide are folded",
        ),
        (f"{'Longstreet' * 6}; Troy OH 45373", "Elm", "is wider than the window"),
    ],
)
def test_what_the_window_would_hide_is_refused_by_the_unit_alone(address: str, name: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as refused:
        printed(address, name)
    told = f"{refused.value} {refused.value.remedy}"
    assert "U000012" in told and "contacts file" in told
    assert not any(part in told for part in ("Main Street", "Troy", "Elm", "Associated", "Longstreet"))


@pytest.mark.parametrize(
    "address", ["(Quality); 1 Main Street, Suite 4 {jpq}; Troy OH 45373 |", "gypsy; gypsy; gypsy", "A; B; C"]
)
def test_four_lines_are_four_whatever_reaches_below_them(address: str) -> None:
    assert printed(address, "Gypsum (Quay) Jj")


def test_it_is_one_tagged_page_that_holds_nothing_of_the_letter_and_the_same_bytes_twice() -> None:
    once = printed("1 Main Street\nTroy OH 45373")
    assert printed("1 Main Street\nTroy OH 45373") == once
    with pikepdf.open(io.BytesIO(once)) as document:
        assert len(document.pages) == 1 and bool(document.Root.MarkInfo.Marked)


def test_every_page_is_set_in_the_project_s_own_font_which_it_carries() -> None:
    """A font that cannot be fetched is replaced by one of the machine without a word: pages would differ from place to place."""
    with pikepdf.open(io.BytesIO(printed("1 Main Street; Troy OH 45373"))) as document:
        fonts = [font for _, font in document.pages[0].Resources.Font.items()]
        names = {str(font.BaseFont).partition("+")[2] for font in fonts}
        assert names == {"Inter", "Inter-Semi-Bold"}
        carried = [font.DescendantFonts[0].FontDescriptor for font in fonts]
        assert all("/FontFile3" in one or "/FontFile2" in one for one in carried)
