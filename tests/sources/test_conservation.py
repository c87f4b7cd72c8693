"""Rows read = rows accepted + rows quarantined, whatever the bytes and wherever a block ends."""

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qe.errors import Findings
from qe.progress import Silent
from qe.site import SourceTable
from qe.sources.layout import layouts
from qe.sources.lines import LineReader
from qe.sources.receive import receive
from qe.sources.recognise import Head, candidates, read_head
from qe.sources.rows import Delivered, delimited_batches
from qe.sources.stream import PlainStream, Secrets

PIECES = st.sampled_from(
    [b"a", b"bc", b"|", b",", b'"', b"\r", b"\0", b"\xff", b" ", "é".encode(), b"", b"x|y|z", b"1,2,3"]
)
LINES = st.lists(st.lists(PIECES, max_size=8).map(b"".join), max_size=30)


def read_all(data: bytes, *, delimiter: str, block_size: int) -> tuple[list[dict[str, Any]], Delivered]:
    source = io.BytesIO(data)
    reader = LineReader(PlainStream(source, source, "x", None), "x", block_size=block_size)
    head = Head(layout=layouts()["roster"], delimiter=delimiter, places={"A": 0, "B": 1, "C": 2}, width=3)
    delivered = Delivered()
    batches = list(delimited_batches(reader, head, [0, 1, 2], delivered))
    rows = pa.Table.from_batches(batches).to_pylist() if batches else []
    return rows, delivered


@settings(max_examples=100, deadline=None, derandomize=True)
@given(lines=LINES, ends=st.sampled_from([b"\n", b"\r\n"]), open_end=st.booleans(), block=st.sampled_from([1, 7, 4096]))
def test_every_line_of_a_pipe_file_becomes_one_row_with_its_own_number(
    lines: list[bytes], ends: bytes, open_end: bool, block: int
) -> None:
    data = ends.join(lines) + (b"" if open_end else ends)
    rows, delivered = read_all(data, delimiter="|", block_size=block)

    text = data.rstrip(b"\r\n")  # blank lines at the end are no rows
    expected = text.split(b"\n") if text else []
    expected = [line.strip(b"\r") if number == len(expected) - 1 else line for number, line in enumerate(expected)]
    assert delivered.rows == len(expected) == len(rows)
    assert [row["row_number"] for row in rows] == list(range(1, len(expected) + 1))
    assert delivered.row_sum == sum(range(1, len(expected) + 1))
    for row, line in zip(rows, expected, strict=True):
        if row["damage"] is None:
            cells = [cell.strip() for cell in line.decode().rstrip("\r").split("|")]
            assert [row["cell_0"], row["cell_1"], row["cell_2"]] == cells[:3]
            assert not any(cells[3:])
        else:
            assert (row["cell_0"], row["cell_1"], row["cell_2"]) == ("", "", "")


@settings(max_examples=100, deadline=None, derandomize=True)
@given(lines=LINES, block=st.sampled_from([1, 7, 4096]))
def test_every_line_of_a_quoted_file_becomes_one_row_with_its_own_number(lines: list[bytes], block: int) -> None:
    data = b"\n".join(lines) + b"\n"
    rows, delivered = read_all(data, delimiter=",", block_size=block)
    text = data.rstrip(b"\r\n")
    assert len(rows) == delivered.rows == (text.count(b"\n") + 1 if text else 0)
    assert [row["row_number"] for row in rows] == list(range(1, len(rows) + 1))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(data=st.binary(max_size=200) | LINES.map(b"\n".join), kind=st.sampled_from(["ccw-rif", "apcd-cdl", "roster"]))
def test_a_head_of_any_bytes_is_refused_in_one_sentence_without_a_word_of_it(data: bytes, kind: str) -> None:
    source = SourceTable.model_validate({"kind": kind, "path": "x"})
    stream = io.BytesIO(data)
    with pytest.raises(Findings) as told:
        read_head(LineReader(PlainStream(stream, stream, "x", None), "x"), source, candidates(source, "s"), "x.txt")
    assert len(told.value.faults) == 1


class StopsAfter:
    """A progress that is interrupted as a person would interrupt it."""

    def start(self, stage: str, total: int | None = None) -> None:
        pass

    def advance(self, steps: int = 1) -> None:
        raise KeyboardInterrupt

    def finish(self) -> None:
        pass


def test_an_interrupted_staging_leaves_nothing_and_is_done_again(small_site: Any, cdl_medical: Any) -> None:
    folder: Path = small_site.add_source("payer", kind="apcd-cdl", payer_type="commercial")
    (folder / "mc.txt").write_text(cdl_medical({}, {}))
    with pytest.raises(KeyboardInterrupt):
        receive(
            small_site.site,
            store_key=small_site.store_key,
            vault_key=small_site.vault_key,
            progress=StopsAfter(),
            secrets=Secrets(),
        )
    assert list(small_site.root.joinpath("store").rglob("*.duckdb*")) == []
    (one,) = receive(
        small_site.site,
        store_key=small_site.store_key,
        vault_key=small_site.vault_key,
        progress=Silent(),
        secrets=Secrets(),
    )
    assert one.rows_accepted == 2
