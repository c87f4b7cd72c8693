"""Lines cut into cells, as Arrow batches that DuckDB reads from memory: one row for each line, whatever it holds."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet

from qe.sources.lines import Block, LineReader
from qe.sources.recognise import Head


@dataclass
class Delivered:
    """What the pre-pass counted while the rows went by.

    rows     rows between header and trailer
    row_sum  sum of their line numbers: with `rows`, the independent count that staging is held against
    failure  what stopped the stream, for the caller to raise
    """

    rows: int = 0
    row_sum: int = 0
    trailer: str | None = None
    failure: BaseException | None = None

    def count(self, first_row: int, rows: int) -> None:
        self.rows += rows
        self.row_sum += rows * first_row + rows * (rows - 1) // 2


def batch_schema(places: Sequence[int]) -> pa.Schema:
    """row_number, damage (rule that the whole line breaks, or NULL), line (as received), one text column a place.

    Cells come without blanks around them, a blank cell as empty text.
    """
    return pa.schema(
        [("row_number", pa.int64()), ("damage", pa.string()), ("line", pa.large_string())]
        + [(cell_name(place), pa.string()) for place in places]
    )


def cell_name(place: int) -> str:
    """The batch's column for the cell at `place` (from 0)."""
    return f"cell_{place}"


def delimited_batches(
    reader: LineReader, head: Head, places: Sequence[int], delivered: Delivered
) -> Iterator[pa.RecordBatch]:
    """All rows of a delimited file. The trailer, when the layout has one and the last line is it, is kept apart."""
    for block in reader.blocks():
        delivered.count(block.first_row, block.lines)
        yield _batch(block, head, places)
    envelope = head.layout.envelope
    if reader.last_line is None:
        return
    if envelope and reader.last_line.startswith((envelope.trailer + head.delimiter).encode()):
        delivered.trailer = reader.last_line.decode("utf-8", errors="replace")
        return
    block = reader.last_block()
    delivered.count(block.first_row, block.lines)
    yield _batch(block, head, places)


def _batch(block: Block, head: Head, places: Sequence[int]) -> pa.RecordBatch:
    has_blank = int(np.diff(block.ends, prepend=0).min()) <= len("\r\n")  # the parser would take it for empty cells
    cells = None if block.damage or has_blank else _parse(block.data, head.width, head, places, block.lines)
    damage = dict(block.damage)
    if cells is None:
        data = _straightened(block, head, damage)
        cells = _parse(data, head.width, head, places, block.lines)
        assert cells is not None, "a block of straightened lines must give one row for each line"
    offsets = np.concatenate([np.zeros(1, np.int64), block.ends])
    lines = pa.LargeStringArray.from_buffers(block.lines, pa.py_buffer(offsets), pa.py_buffer(block.data))
    rules: list[str | None] = [None] * block.lines
    for offset, rule in damage.items():
        rules[offset] = rule
    numbers = np.arange(block.first_row, block.first_row + block.lines, dtype=np.int64)
    return pa.record_batch(
        [pa.array(numbers), pa.array(rules, pa.string()), lines, *cells], schema=batch_schema(places)
    )


def _parse(data: bytes, width: int, head: Head, places: Sequence[int], lines: int) -> list[pa.Array] | None:
    """The cells at `places`, or None when the lines do not all have `width` cells."""
    names = [cell_name(place) for place in range(width)]
    used = [cell_name(place) for place in places]
    try:
        table = pa.csv.read_csv(
            pa.BufferReader(data),
            read_options=pa.csv.ReadOptions(column_names=names, use_threads=False, block_size=len(data) + 1),
            parse_options=pa.csv.ParseOptions(
                delimiter=head.delimiter,
                quote_char='"' if head.quoting else False,
                ignore_empty_lines=False,
                newlines_in_values=False,
            ),
            convert_options=pa.csv.ConvertOptions(
                include_columns=used,
                column_types=dict.fromkeys(used, pa.string()),
                strings_can_be_null=False,
                check_utf8=False,
            ),
        )
    except pa.ArrowInvalid:
        return None
    if table.num_rows != lines:
        return None
    return [pa.compute.ascii_trim_whitespace(table.column(name).combine_chunks()) for name in used]


def _straightened(block: Block, head: Head, damage: dict[int, str]) -> bytes:
    """The lines of `block` with the header's cells each; one that cannot be so is blanked and stands in `damage`."""
    delimiter = head.delimiter.encode()
    blank = delimiter * (head.width - 1)
    lines = block.data.split(b"\n")[:-1]
    for offset, line in enumerate(lines):
        if offset in damage:
            lines[offset] = blank
            continue
        text = line.rstrip(b"\r")
        fitting: bytes | str = _fitting(text, head, delimiter)
        if isinstance(fitting, bytes):
            lines[offset] = fitting
        else:
            damage[offset] = fitting
            lines[offset] = blank
    return b"\n".join(lines) + b"\n"


def _fitting(line: bytes, head: Head, delimiter: bytes) -> bytes | str:
    """`line` cut to the header's width, or the rule that it breaks."""
    if not line.strip():
        return "blank-line"
    if b"\r" in line:
        return "line-break-in-row"
    if head.quoting and b'"' in line:
        return _fitting_quoted(line.decode("utf-8"), head)
    surplus = line.count(delimiter) + 1 - head.width
    if surplus == 0:
        return line
    if surplus < 0:
        return "wrong-column-count"
    cells = line.split(delimiter)
    if any(cell.strip() for cell in cells[head.width :]):
        return "wrong-column-count"
    return delimiter.join(cells[: head.width])


def _fitting_quoted(line: str, head: Head) -> bytes | str:
    try:
        cells = next(csv.reader([line], delimiter=head.delimiter, strict=True))
    except csv.Error:
        return "unbalanced-quote"
    if len(cells) < head.width or any(cell.strip() for cell in cells[head.width :]):
        return "wrong-column-count"
    written = io.StringIO()
    csv.writer(written, delimiter=head.delimiter, lineterminator="").writerow(cells[: head.width])
    return written.getvalue().encode()


def parquet_batches(path: Path, head: Head, places: Sequence[int], delivered: Delivered) -> Iterator[pa.RecordBatch]:
    """All rows of a Parquet file as text; row 2 is the first, as if a header stood above it."""
    file = pa.parquet.ParquetFile(path)
    columns = file.schema_arrow.names
    schema = batch_schema(places)
    row = 2
    for batch in file.iter_batches(columns=[columns[place] for place in places]):
        delivered.count(row, batch.num_rows)
        numbers = pa.array(np.arange(row, row + batch.num_rows, dtype=np.int64))
        nothing = pa.nulls(batch.num_rows, pa.string())
        cells = [_as_text(batch.column(columns[place])) for place in places]
        yield pa.record_batch([numbers, nothing, nothing.cast(pa.large_string()), *cells], schema=schema)
        row += batch.num_rows


def _as_text(values: pa.Array) -> pa.Array:
    if pa.types.is_list(values.type) or pa.types.is_large_list(values.type):
        joined = pa.compute.binary_join(values.cast(pa.list_(pa.string())), ";")
        return joined.cast(pa.string())
    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.date32())
    return pa.compute.ascii_trim_whitespace(values.cast(pa.string()))
