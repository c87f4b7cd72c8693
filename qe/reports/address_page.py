"""The first sheet of a letter by mail: its recipient's address, where the window of a business envelope shows it."""

import math
from typing import Final

from qe.errors import Fault, InputError
from qe.reports import pages

# In inches from the sheet's left and top: what the window shows wherever the sheet lies in it (templates/notice/address.html).
RIGHT: Final = 4.375
TOP: Final = 2.5
LINE: Final = 4 / 25.4
LINES: Final = 4
HEAD_AND_FOOT: Final = 0.7  # of the sheet's margins: what stands there is no address
POINTS: Final = 72.0


def render_address_page(*, organisation: str, name: str, address: str, unit_id: str) -> bytes:
    """A tagged PDF of one page, without a day: a letter that is written again has the same sheet.

    address  as in the contacts file, its lines parted by line breaks, semicolons or " / "; a line too wide is folded at a space
    unit_id  who it is in an error, which tells neither name nor address
    InputError: the window of the envelope would hide a part of it.
    """
    parted = address.replace(";", "\n").replace(" / ", "\n").splitlines()
    lines = [line.strip() for line in parted if line.strip()]
    page = pages.html(
        "notice/address.html",
        title="Address",
        organisation=organisation,
        description="The sheet with the address, for a window envelope",
        name=name,
        lines=lines,
    )
    content = pages.pdf(page)
    _require_in_window(content, unit_id=unit_id, given=1 + len(lines))
    return content


def _require_in_window(content: bytes, *, unit_id: str, given: int) -> None:
    """given: lines before those too wide were folded."""
    printed, right = _extent(content)
    if printed > LINES:
        folded = f", {printed - given} of them because lines too wide are folded" if printed > given else ""
        said = f"its name and address take {printed} lines{folded}; the window of the envelope shows {LINES}"
    elif right > RIGHT:
        said = "a word of its name or address is wider than the window of the envelope"
    else:
        return
    fault = Fault(
        code="address-beyond-window",
        message=f"{unit_id}: {said}",
        place=unit_id,
        remedy="Shorten its address in the contacts file, to three lines parted by semicolons where its name takes one, and run "
        "`qe run`; or give it another channel there.",
    )
    raise InputError.of([fault])


def _extent(content: bytes) -> tuple[int, float]:
    """Lines down to the lowest one that is printed, and how far right the widest reaches, in inches from the sheet's left."""
    import pypdfium2

    with pypdfium2.PdfDocument(content) as document:
        sheet = document[0]
        height, words = sheet.get_height(), sheet.get_textpage()
        rects = [words.get_rect(number) for number in range(words.count_rects())]
    margin = HEAD_AND_FOOT * POINTS
    inside = [one for one in rects if margin < one[1] and one[3] < height - margin]
    lowest = max((height - bottom) / POINTS for _, bottom, _, _ in inside)
    widest = max(right / POINTS for _, _, right, _ in inside)
    return math.ceil((lowest - TOP) / LINE - 0.15), widest  # a descender may reach a little below its line
