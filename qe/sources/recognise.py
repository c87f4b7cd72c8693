"""What type a file is: the one layout whose required columns its header holds. Never by its name."""

import csv
import difflib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from qe.errors import Findings, InputError
from qe.site import SourceTable
from qe.sources.layout import Layout, layouts
from qe.sources.lines import LineReader
from qe.sources.stream import finding

OTHER_DELIMITERS = {",": "commas", "|": "pipes", "\t": "tabs", ";": "semicolons", "*": "asterisks", "~": "tildes"}


@dataclass(frozen=True, kw_only=True)
class Head:
    """The lines before the rows, read.

    places       name of a column in the file (upper case) -> place in the row, from 0; by position: "#1" -> 0
    width        places up to the last that has a name
    record_type  what the envelope's first record states, None without one
    stated       columns whose value stands in the file's name alone
    record       all fields of that record
    """

    layout: Layout
    delimiter: str
    places: dict[str, int]
    width: int
    record_type: str | None = None
    stated: dict[str, str] = field(default_factory=dict)
    record: tuple[str, ...] = ()

    @property
    def quoting(self) -> bool:
        """Pipe files are read without quotes: names may hold any character."""
        return self.delimiter != "|"


def cells_of(line: str, delimiter: str) -> list[str]:
    """The cells of one line of the head."""
    if delimiter == "|" or '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error:
        return line.split(delimiter)


def candidates(source: SourceTable, source_id: str) -> list[Layout]:
    """The layouts that files of this source may have."""
    known = layouts()
    if source.layout and source.layout not in known:
        near = difflib.get_close_matches(source.layout, known, n=1)
        hint = f'; did you mean "{near[0]}"?' if near else ""
        raise InputError(
            f'qe.toml: sources.{source_id}.layout names no layout: "{source.layout}"{hint}',
            remedy=f"There are: {', '.join(known)}.",
        )
    if source.layout and known[source.layout].header != "none":
        return [known[source.layout]]
    found = [layout for layout in known.values() if source.kind in layout.kinds and layout.header != "none"]
    if source.layout:
        found.append(known[source.layout])
    if not found:
        raise InputError(
            f'qe.toml: sources.{source_id}: files of kind "{source.kind}" are not read yet',
            remedy="Deliver them as one of the other kinds.",
        )
    return found


def read_head(reader: LineReader, source: SourceTable, choices: Iterable[Layout], name: str) -> Head:
    """Read the lines before the rows and tell the file's type, or say why none or several match."""
    choices = list(choices)
    taken = reader.take_line()
    line = _text(taken, name)
    record_type: str | None = None
    record: tuple[str, ...] = ()
    envelope = next((layout.envelope for layout in choices if layout.envelope), None)
    mark = _delimiters(choices[0], source)[0]
    if envelope and line.startswith(envelope.header + mark):
        fields = line.split(mark)
        record_type = fields[envelope.type_field - 1].strip() if len(fields) >= envelope.type_field else ""
        record = tuple(field.strip() for field in fields)
        taken = reader.take_line()
        line = _text(taken, name)
    assert taken is not None
    matching = _matching(choices, line, source)
    if len(matching) == 1:
        layout, delimiter = matching[0]
        return replace(_named_head(layout, delimiter, line, record_type, name), record=record)
    if len(matching) > 1:
        raise finding(
            "two-layouts",
            f"its header fits several types: {', '.join(layout.id for layout, _ in matching)}",
            file=name,
            remedy='Name the right one: layout = "..." in the source of qe.toml.',
        )
    if positioned := _by_position(choices, line, record_type, source):
        reader.put_back(taken)
        return replace(positioned, record=record)
    raise _no_match(choices, line, source, name)


def parquet_head(names: list[str], source: SourceTable, choices: Iterable[Layout], name: str) -> Head:
    """The type of a Parquet file, by the names in its schema."""
    header = frozenset(column.upper() for column in names)
    matching = [layout for layout in choices if layout.header != "none" and layout.matches(header)]
    if len(matching) != 1:
        raise finding(
            "unknown-type" if not matching else "two-layouts",
            f"its columns fit {len(matching)} types of file of this kind of source, not one",
            file=name,
            remedy='Correct the columns, or name the type: layout = "..." in the source of qe.toml.',
        )
    places = {column.upper(): place for place, column in enumerate(names)}
    stated = _stated_by_name(matching[0], name)
    return Head(layout=matching[0], delimiter=",", places=places, width=len(names), stated=stated)


def _text(line: bytes | None, name: str) -> str:
    if line is None or not line.strip():
        raise finding(
            "empty-file", "is empty: it has no header", file=name, remedy="Ask for the file, or take it away."
        )
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        raise finding("not-utf8", "its header is not UTF-8", file=name, remedy="Deliver it as UTF-8.") from None


def _delimiters(layout: Layout, source: SourceTable) -> list[str]:
    """The settings' delimiter when it differs from the default, else those of the layout."""
    return [source.delimiter] if source.delimiter != "|" else layout.delimiters


def _names(line: str, delimiter: str) -> list[str]:
    return [cell.strip().strip("\ufeff").upper() for cell in cells_of(line, delimiter)]


def _matching(choices: list[Layout], line: str, source: SourceTable) -> list[tuple[Layout, str]]:
    return [
        (layout, delimiter)
        for layout in choices
        if layout.header != "none"
        for delimiter in _delimiters(layout, source)
        if layout.matches(frozenset(_names(line, delimiter)))
    ]


def _named_head(layout: Layout, delimiter: str, line: str, record_type: str | None, name: str) -> Head:
    names = _names(line, delimiter)
    twice = sorted(column for column, count in Counter(names).items() if column and count > 1)
    if twice:
        at = [str(place + 1) for place, column in enumerate(names) if column in twice]
        raise finding(
            "duplicate-column",
            f"its header holds {len(twice)} column names more than once (places {', '.join(at)})",
            file=name,
            place=f"places {', '.join(at)}",
            count=len(twice),
            remedy="Ask for the file with each column once.",
        )
    width = max(place for place, column in enumerate(names) if column) + 1
    places = {column: place for place, column in enumerate(names) if column}
    return Head(
        layout=layout,
        delimiter=delimiter,
        places=places,
        width=width,
        record_type=record_type,
        stated=_stated_by_name(layout, name),
    )


def _stated_by_name(layout: Layout, name: str) -> dict[str, str]:
    """What the file tells by its name alone: the year of a yearly file without a column for it."""
    found = {}
    for column_name, column in layout.columns.items():
        if column.file_name is None:
            continue
        if (match := re.search(column.file_name, name)) is None:
            raise finding(
                "not-in-name",
                f"its {column_name} stands in no column, and its name does not tell it either",
                file=name,
                remedy="Give the file the name under which it was published.",
            )
        found[column_name] = match.group(1)
    return found


def _by_position(choices: list[Layout], line: str, record_type: str | None, source: SourceTable) -> Head | None:
    """A layout by position: one whose record type the envelope states, or one that the settings name."""
    for layout in choices:
        is_stated = layout.header == "optional" and record_type is not None and layout.record_type == record_type
        is_named = layout.header == "none" and _nearest(choices, line, source)[2] == 0
        if is_stated or is_named:
            head = _positioned_head(layout, line, source, record_type=record_type)
            if len(cells_of(line, head.delimiter)) >= layout.width_by_position():
                return head
    return None


def _positioned_head(layout: Layout, line: str, source: SourceTable, *, record_type: str | None) -> Head:
    delimiter = max(_delimiters(layout, source), key=lambda choice: len(cells_of(line, choice)))
    width = max(len(cells_of(line, delimiter)), layout.width_by_position())
    places = {f"#{place + 1}": place for place in range(width)}
    return Head(layout=layout, delimiter=delimiter, places=places, width=width, record_type=record_type)


def _no_match(choices: list[Layout], line: str, source: SourceTable, name: str) -> Findings:
    """Why no layout fits: another delimiter, a missing column, another kind of source, or no header at all."""
    for delimiter, word in OTHER_DELIMITERS.items():
        named = frozenset(_names(line, delimiter))
        if any(layout.matches(named) and delimiter not in _delimiters(layout, source) for layout in choices):
            return finding(
                "wrong-delimiter",
                f"its columns are separated by {word}, which this source does not expect",
                file=name,
                remedy=f'Set delimiter = "{delimiter}" for the source, or ask for the file as agreed.',
            )
    for layout in layouts().values():
        for delimiter in layout.delimiters:
            if layout.header != "none" and layout.matches(frozenset(_names(line, delimiter))):
                return finding(
                    "wrong-kind",
                    f'is of type {layout.id}, which a source of kind "{source.kind}" does not hold',
                    file=name,
                    remedy=f"Move it to a source of kind {' or '.join(layout.kinds)}.",
                )
    nearest, missing, held = _nearest(choices, line, source)
    if held == 0:
        return finding(
            "no-header",
            "its first line holds no column name of any known type: the header is missing or the type unknown",
            file=name,
            remedy="Ask for the file with its header line, or take it out of the source's folder.",
        )
    return finding(
        "missing-column",
        f"no type of file fits its header; for {nearest.id} it lacks {', '.join(missing)}"
        if missing
        else f"no type of file fits its header; it is not {nearest.id} because it holds columns of another type",
        file=name,
        place=", ".join(missing) or None,
        count=max(len(missing), 1),
        remedy="Ask for the missing columns, or take the file out of the source's folder.",
    )


def _nearest(choices: list[Layout], line: str, source: SourceTable) -> tuple[Layout, list[str], int]:
    """The layout that lacks the smallest share of its required columns, those columns, and how many are held."""
    best: tuple[float, Layout, list[str], int] | None = None
    for layout in choices:
        for delimiter in _delimiters(layout, source):
            missing = layout.missing_from(frozenset(_names(line, delimiter)))
            if layout.header == "none":
                continue
            share = len(missing) / len(layout.required)
            if best is None or share < best[0]:
                best = (share, layout, missing, len(layout.required) - len(missing))
    assert best is not None
    return best[1:]
