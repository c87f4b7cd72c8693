"""The first sheet of a letter by mail: its recipient's address, where the window of a business envelope shows it."""

from qe.reports import pages


def render_address_page(*, organisation: str, name: str, address: str) -> bytes:
    """A tagged PDF of one page, without a day: a letter that is written again has the same sheet.

    address  as in the contacts file, its lines parted by line breaks, semicolons or " / "; three beside the name are sure to show
    """
    parted = address.replace(";", "\n").replace(" / ", "\n").splitlines()
    page = pages.html(
        "notice/address.html",
        title="Address",
        organisation=organisation,
        description="The sheet with the address, for a window envelope",
        name=name,
        lines=[line.strip() for line in parted if line.strip()],
    )
    return pages.pdf(page)
