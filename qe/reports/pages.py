"""Jinja and WeasyPrint, set up once a process: strict templates, no address but the template folder, tagged reproducible PDFs.

WeasyPrint and pikepdf take a second to load: only a process that prints loads them. Neither polars nor duckdb is imported here:
report workers are forked from a server process that has loaded this module.
"""

import atexit
import hashlib
import io
import logging
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlparse

import jinja2

from qe import bundled
from qe.errors import QeError
from qe.reports.methods import MethodsView
from qe.reports.views import ReportView

if TYPE_CHECKING:
    import pikepdf
    import weasyprint
    from weasyprint.text.fonts import FontConfiguration
    from weasyprint.urls import URLFetcherResponse

CONFIDENTIAL: Final = "confidential/report.html"
METHODS: Final = "confidential/methods.html"
IDENTIFIER_LENGTH: Final = 16  # bytes of the PDF's fixed identifier


@cache
def environment() -> jinja2.Environment:
    """Templates under templates/: undefined names fail, everything is escaped."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(bundled.folder("templates")),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def html(template: str, **content: Any) -> str:
    """The page of a template."""
    return environment().get_template(template).render(**content)


def confidential_pdf(view: ReportView | MethodsView) -> bytes:
    """One confidential report, or the companion enclosed with all of them: what a worker of the pool does."""
    if isinstance(view, MethodsView):
        return pdf(html(METHODS, methods=view))
    return pdf(html(CONFIDENTIAL, report=view))


def _fetch(url: str, timeout: int = 10, ssl_context: Any = None) -> "URLFetcherResponse":
    """Only files of the template folder are fetched: no network, no other file, whatever a name or text contains."""
    root = bundled.folder("templates").resolve()
    path = unquote(urlparse(url).path)
    file = Path(path).resolve()
    if urlparse(url).scheme != "file" or not file.is_relative_to(root):
        raise ValueError("templates fetch nothing from outside their folder")
    from weasyprint.urls import URLFetcherResponse

    kind = "font/otf" if file.suffix == ".otf" else "text/css"
    return URLFetcherResponse(url, body=file.read_bytes(), headers={"Content-Type": kind})


@cache
def _shared() -> "tuple[FontConfiguration, tuple[weasyprint.CSS, ...]]":
    """The stylesheet and its fonts, parsed once a process."""
    import weasyprint
    from weasyprint.text.fonts import FontConfiguration

    atexit.register(_shared.cache_clear)  # while WeasyPrint is still whole: its fonts free themselves
    for name in ("weasyprint", "fontTools", "fontTools.subset"):
        logging.getLogger(name).setLevel(logging.ERROR)
    fonts = FontConfiguration()
    sheet = bundled.folder("templates") / "_shared" / "print.css"
    return fonts, (weasyprint.CSS(filename=str(sheet), font_config=fonts, url_fetcher=_fetch),)


def pdf(page: str) -> bytes:
    """A tagged PDF (PDF/UA-1) of an HTML page: the same page is the same bytes, on every day and in every process."""
    import weasyprint

    fonts, sheets = _shared()
    identifier = hashlib.sha256(page.encode("utf-8")).digest()[:IDENTIFIER_LENGTH]
    base = bundled.folder("templates").as_uri() + "/"
    document = weasyprint.HTML(string=page, base_url=base, url_fetcher=_fetch)
    written = document.write_pdf(
        stylesheets=list(sheets), font_config=fonts, pdf_variant="pdf/ua-1", pdf_identifier=identifier
    )
    if not isinstance(written, bytes):
        raise QeError("a page was not rendered")
    return _with_table_scopes(written)


def warm_up() -> None:
    """Do once what the first page of a process takes longer for: fonts, stylesheet, templates."""
    for template in (CONFIDENTIAL, METHODS):
        environment().get_template(template)
    pdf('<html lang="en"><head><title>-</title></head><body><h1>-</h1></body></html>')


def _with_table_scopes(content: bytes) -> bytes:
    """Say of each table header whether it heads a column or a row: WeasyPrint writes header ids but no /Scope."""
    import pikepdf

    with pikepdf.open(io.BytesIO(content)) as document:
        for element in document.objects:
            if isinstance(element, pikepdf.Dictionary) and element.get("/S") == pikepdf.Name.TH and "/P" in element:
                scope = pikepdf.Name.Column if _is_in_head(element) else pikepdf.Name.Row
                element.A = pikepdf.Dictionary(O=pikepdf.Name.Table, Scope=scope)
        target = io.BytesIO()
        document.save(target, deterministic_id=True, linearize=False)
    return target.getvalue()


def _is_in_head(header: "pikepdf.Object") -> bool:
    """A header cell inside /THead, or the first row of a table without one, heads its column."""
    row = header.P
    return bool("/P" in row and row.P.get("/S") == "/THead")


def slug(text: str) -> str:
    """A file name of letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
