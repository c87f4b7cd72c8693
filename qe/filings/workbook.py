"""The Measure Information Workbook: what CMS asks of each measure (42 CFR 401.707(a), 401.715(b)), and what is still blank.

A field that is blank refuses the filing by its name, with the place where it is to be written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qe.errors import Reason, Refused
from qe.filings.fields import FIELDS, Field, Filed, Filing
from qe.measurement.measure import Module
from qe.release.routes import Route
from qe.reports import wording


@dataclass(frozen=True, kw_only=True)
class Row:
    """One measure of the workbook. module: the name of its folder's facts; values: by the fields' titles, none of them blank."""

    measure_id: str
    module: str
    name: str
    values: Mapping[str, str]


def workbook(modules: Sequence[Module], routes: Sequence[Route], filing: Filing) -> tuple[Row, ...]:
    """The rows of the workbook in catalogue order. Raises Refused, with one reason a blank field, while any is blank."""
    rows: list[Row] = []
    blanks: list[Reason] = []
    for module in modules:
        for measure in module.facts.measures:
            of_measure = tuple(route for route in routes if route.measure_id == measure.id)
            filed = Filed(module=module, measure=measure, routes=of_measure, filing=filing)
            values = {field.title: field.read(filed).strip() for field in FIELDS}
            blanks += [_blank(measure.id, field) for field in FIELDS if not values[field.title]]
            rows.append(Row(measure_id=measure.id, module=module.facts.name, name=measure.name, values=values))
    if blanks:
        raise Refused(
            f"{wording.counted(len(blanks), 'field', 'fields')} of the Measure Information Workbook are blank",
            reasons=tuple(blanks),
            remedy="Fill them in where each reason says. Nothing was written.",
        )
    return tuple(rows)


def _blank(measure_id: str, field: Field) -> Reason:
    return Reason(
        rule="A1",
        citation=field.citation,
        verdict="fail",
        fact=f'{measure_id}: "{field.title}" is blank (write it in {field.where})',
    )
