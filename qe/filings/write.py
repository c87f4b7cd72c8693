"""The workbook as xlsx and as tagged PDF: the same rows on the same day are the same bytes."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Final

from qe.filings.fields import FIELDS
from qe.filings.workbook import Row
from qe.reports import pages, wording

TITLE: Final = "Measure Information Workbook"
WIDTHS: Final = (24, 60)  # characters: of short and of long fields
LONG: Final = 60  # characters from which a field has a wide column
LONGEST_CELL: Final = 1500  # characters of the document's table; what is longer stands below it, line by line
LIST_FROM: Final = 30  # more measures than these: CMS asks for a list of all of them beforehand (OMB 0938-1144)


def xlsx(rows: Sequence[Row], *, organisation: str, on: date) -> bytes:
    """Three sheets: Measures (one row each, a column a field), List of all measures, Fields with their paragraphs."""
    import xlsxwriter

    target = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(target, options) as book:
        day = datetime(on.year, on.month, on.day)
        book.set_properties({"title": TITLE, "author": organisation, "created": day})
        head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bg_color": "#E8EEF4", "border": 1})
        body = book.add_format({"text_wrap": True, "valign": "top", "border": 1})
        measures = [(row.measure_id, *(row.values[field.title] for field in FIELDS)) for row in rows]
        listed = [
            (row.measure_id, row.name, row.values[FIELDS[0].title], row.values["Developer or owner"]) for row in rows
        ]
        fields = [(field.title, field.citation, field.where) for field in FIELDS]
        for name, columns, content in (
            ("Measures", ("Measure", *(field.title for field in FIELDS)), measures),
            ("List of all measures", ("Measure", "Name", "Standard or alternative", "Developer or owner"), listed),
            ("Fields", ("Field", "Asked by", "Read from"), fields),
        ):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, columns, head)
            for number, line in enumerate(content, start=1):
                sheet.write_row(number, 0, line, body)
            for column in range(len(columns)):
                longest = max((len(line[column]) for line in content), default=0)
                sheet.set_column(column, column, WIDTHS[longest > LONG])
            sheet.freeze_panes(1, 1)
            sheet.repeat_rows(0)
            sheet.set_landscape()
            sheet.fit_to_pages(1, 0) if len(columns) < 5 else None
    return target.getvalue()


def pdf(rows: Sequence[Row], *, organisation: str, contact: str, rehearsal: bool, on: date) -> bytes:
    """The same as a document: a list of all measures, then each measure with its fields."""
    page = pages.html(
        "filing/measures.html",
        title=TITLE,
        organisation=organisation,
        description="Measures that the entity intends to calculate and report (42 CFR 401.707(a))",
        created=f"{on.isoformat()}T00:00:00Z",
        contact=contact,
        rehearsal=rehearsal,
        day=wording.day(on),
        count=wording.counted(len(rows), "measure", "measures"),
        many=len(rows) > LIST_FROM,
        list_from=str(LIST_FROM),
        listed=[(row.measure_id, row.name, row.values[FIELDS[0].title]) for row in rows],
        modules=[_section(name, tuple(of_module)) for name, of_module in groupby(rows, key=lambda row: row.module)],
    )
    return pages.pdf(page)


@dataclass(frozen=True, kw_only=True)
class Section:
    """A module in the document: its measures, the fields of one line, and those of several lines (the rules)."""

    name: str
    measures: str
    fields: tuple[tuple[str, str, str], ...]
    in_full: tuple[tuple[str, str, tuple[str, ...]], ...]


def _section(name: str, rows: Sequence[Row]) -> Section:
    """Each field with what the measures of a module answer: once what is the same for all."""
    answers = [
        (field.title, field.citation, "\n".join(dict.fromkeys(row.values[field.title] for row in rows)))
        for field in FIELDS
    ]
    is_long = [len(answer) > LONGEST_CELL for _, _, answer in answers]
    return Section(
        name=name,
        measures=", ".join(row.measure_id for row in rows),
        fields=tuple(
            (title, citation, "In full below." if long else answer.replace("\n", "; "))
            for (title, citation, answer), long in zip(answers, is_long, strict=True)
        ),
        in_full=tuple(
            (title, citation, tuple(answer.splitlines()))
            for (title, citation, answer), long in zip(answers, is_long, strict=True)
            if long
        ),
    )
