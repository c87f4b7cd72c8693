"""Small papers for tests: a PDF of one page with a line of text that a reader can get at."""

import io

import pikepdf


def small_pdf(text: str) -> bytes:
    """The same text gives the same bytes. text: ASCII without brackets."""
    with pikepdf.new() as document:
        document.add_blank_page(page_size=(612, 792))
        page = document.pages[0]
        font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
        page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font))
        page.Contents = document.make_stream(f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode("ascii"))
        buffer = io.BytesIO()
        document.save(buffer, deterministic_id=True)
        return buffer.getvalue()
