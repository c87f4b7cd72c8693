"""Does a release of data hold to the safe harbour of 45 CFR 164.514(b)(2)? A check of what would leave, cell by cell.

Schema: a table or column that is not on the list of what may leave fails, whatever it holds. Content: each value of a column
matches the column's pattern, so that no date, place, number or name fits; and no value has the form of a known identifier. The
check reads the columns and not how they were made. It cannot know what somebody knows: a person attests `no_actual_knowledge`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from qe.disclosure.identifiers import FORMS
from qe.disclosure.released_columns import ReleasedColumn, released_columns


@dataclass(frozen=True, kw_only=True)
class SafeHarborFault:
    """Why a release is not de-identified. count: of the rows concerned; no value is repeated."""

    table: str
    column: str
    said: str
    count: int


def faults(tables: Mapping[str, pl.DataFrame]) -> list[SafeHarborFault]:
    """All of them; none: the tables hold to the safe harbour as far as columns and values tell."""
    return [fault for name, rows in sorted(tables.items()) for fault in _of_table(name, rows)]


def _of_table(name: str, rows: pl.DataFrame) -> Iterator[SafeHarborFault]:
    known = {one.name: one for one in released_columns().get(name, ())}
    if not known:
        yield SafeHarborFault(table=name, column="", said="a table that is not released", count=rows.height)
        return
    for column in rows.columns:
        if column not in known:
            yield SafeHarborFault(table=name, column=column, said="a column that is not released", count=rows.height)
        else:
            yield from _of_column(name, known[column], rows[column])


def _of_column(table: str, column: ReleasedColumn, values: pl.Series) -> Iterator[SafeHarborFault]:
    texts = values.drop_nulls().cast(pl.String)
    misfits = int((~texts.str.contains(f"^(?:{column.pattern.pattern})$")).sum())
    if misfits:
        said = "values that do not fit the column"
        yield SafeHarborFault(table=table, column=column.name, said=said, count=misfits)
    known_forms = [text for text in texts.unique() if any(form.search(text) for form in FORMS.values())]
    if known_forms:
        found = int(texts.is_in(known_forms).sum())
        yield SafeHarborFault(table=table, column=column.name, said="values like identifiers", count=found)
