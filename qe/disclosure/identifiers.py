"""The search of rendered bytes for identifiers of persons, the last look before anything leaves (gate rule G23).

It knows the forms of identifiers, not their owners: Medicare beneficiary identifiers (MBI), health insurance claim numbers (HICN),
social security numbers written with dashes, and the BENE_ID of CMS's encrypted files. Numbers of providers (NPI, CCN) are none.
Source: CMS, "Understanding the MBI format"; 45 CFR 164.514(b)(2); rules.md section 2, G23.
"""

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

import pypdfium2

from qe.errors import Findings

_LETTER: Final = "[AC-HJKMNP-RT-Y]"  # an MBI has no S, L, O, I, B or Z
_EITHER: Final = "[0-9AC-HJKMNP-RT-Y]"
FORMS: Final[Mapping[str, re.Pattern[str]]] = {
    "mbi": re.compile(
        rf"(?<![0-9A-Za-z])[1-9]{_LETTER}{_EITHER}\d-?{_LETTER}{_EITHER}\d-?{_LETTER}{_LETTER}\d\d(?![0-9A-Za-z])"
    ),
    "hicn": re.compile(r"(?<![0-9A-Za-z])\d{3}-?\d{2}-?\d{4}-?[A-Z][0-9A-Z]?(?![0-9A-Za-z])"),
    "ssn": re.compile(r"(?<![0-9A-Za-z-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![0-9A-Za-z-])"),
    "bene_id": re.compile(r"(?<![0-9A-Za-z])(?:-\d{14}|(?=[0-9A-F]*[A-F])(?=[0-9A-F]*\d)[0-9A-F]{16})(?![0-9A-Za-z])"),
}
REMEMBERED: Final = 8  # files, of some hundred kilobytes each
PICTURES: Final = (".png", ".jpg", ".ico", ".woff", ".woff2", ".otf", ".ttf")


def identifiers_found(files: Mapping[str, bytes]) -> int:
    """How many places in `files` (name -> bytes) have the form of a person's identifier. Findings: a PDF that is none."""
    return sum(_found_in(name, content) for name, content in files.items())


@lru_cache(maxsize=REMEMBERED)
def _found_in(name: str, content: bytes) -> int:
    """One file's places; the enclosure that thousands of packages share is searched once."""
    return sum(len(form.findall(text)) for text in texts_of(name, content) for form in FORMS.values())


def texts_of(name: str, content: bytes) -> Iterator[str]:
    """The texts a reader of the file can get at: pages and metadata of a PDF, parts of a workbook, else the file itself."""
    ending = name[name.rfind(".") :].lower()
    if ending == ".pdf":
        yield from _pages(name, content)
    elif ending in (".xlsx", ".zip"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for part in archive.namelist():
                yield from texts_of(part, archive.read(part))
    elif ending not in PICTURES:
        yield content.decode("utf-8", errors="replace")


def _pages(name: str, content: bytes) -> Iterator[str]:
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError:
        raise Findings(f"{name} cannot be read as a PDF", remedy="Render it again.") from None
    try:
        yield " ".join(document.get_metadata_dict().values())
        for page in document:
            words = page.get_textpage()
            yield words.get_text_bounded()
            words.close()
            page.close()
    finally:
        document.close()
