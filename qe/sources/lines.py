"""The byte pre-pass: every line of a file counted and looked at before a parser sees it.

A parser may lose a line (an endless one, one with a NUL, one behind an open quote) without a word. So lines are cut and
counted here, in blocks; what the parser hands on is compared with this count.
"""

import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from qe.errors import Findings
from qe.sources.stream import BLOCK, PlainStream, finding

LINE_CAP = 2_000_000  # bytes; a longer line is no claim, and would fill the memory
NEWLINE = 10


@dataclass(frozen=True, kw_only=True)
class Block:
    """Whole lines in a row.

    first_row  line number of the first (the first line of the file is 1)
    data       the lines, each with its newline; text that is not UTF-8 or holds a NUL is spelt out in escapes
    ends       place behind each newline
    damage     offset of a line in this block -> rule that it breaks
    """

    first_row: int
    data: bytes
    ends: np.ndarray[tuple[int], np.dtype[np.int64]]
    damage: dict[int, str] = field(default_factory=dict)

    @property
    def lines(self) -> int:
        return len(self.ends)


class LineReader:
    """Reads a stream line by line at its head and in blocks after that."""

    def __init__(
        self,
        stream: PlainStream,
        name: str,
        on_bytes: Callable[[int], None] | None = None,
        *,
        block_size: int = BLOCK,
    ) -> None:
        self._stream = stream
        self._block_size = block_size
        self._name = name
        self._on_bytes = on_bytes
        self._reached = 0
        self._held = b""
        self._at_end = False
        self.next_row = 1
        self.last_line: bytes | None = None
        self._start()

    def _start(self) -> None:
        self._fill()
        if self._held.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise finding(
                "not-utf8", "is UTF-16", file=self._name, remedy="Deliver it as UTF-8 (plain ASCII is UTF-8)."
            )
        if self._held.startswith(codecs.BOM_UTF8):
            self._held = self._held[len(codecs.BOM_UTF8) :]

    def _fill(self) -> None:
        block = self._stream.read(self._block_size)
        if self._on_bytes is not None:
            reached = self._stream.received_bytes()
            self._on_bytes(reached - self._reached)
            self._reached = reached
        self._at_end = not block
        self._held += block

    def take_line(self) -> bytes | None:
        """The next line without its line end, or None at the end of the file. For the few lines of the head."""
        while (end := self._held.find(b"\n")) < 0 and not self._at_end:
            if len(self._held) > LINE_CAP:
                raise self._too_long(self.next_row)
            self._fill()
        if end < 0:
            if not self._held:
                return None
            end = len(self._held)
        line, self._held = self._held[:end], self._held[end + 1 :]
        self.next_row += 1
        return line.removesuffix(b"\r")

    def put_back(self, line: bytes) -> None:
        """Undo the last `take_line`."""
        self._held = line + b"\n" + self._held
        self.next_row -= 1

    def blocks(self) -> Iterator[Block]:
        """All lines that are left but the last that is not blank (`last_line`): it may be a row or a trailer."""
        while True:
            cut = _start_of_last_line(self._held)
            if self._at_end:
                break
            if cut > 0:
                yield self._block(self._held[:cut])
                self._held = self._held[cut:]
            if len(self._held) > LINE_CAP + self._block_size:
                raise self._too_long(self.next_row)
            self._fill()
        if cut > 0:
            yield self._block(self._held[:cut])
        self.last_line = self._held[cut:].strip(b"\r\n") or None
        if self.last_line is not None and len(self.last_line) > LINE_CAP:
            raise self._too_long(self.next_row)

    def last_block(self) -> Block:
        """The last line as a block of its own, when it is a row and no trailer."""
        assert self.last_line is not None
        return self._block(self.last_line + b"\n")

    def _block(self, data: bytes) -> Block:
        first_row = self.next_row
        ends = np.flatnonzero(np.frombuffer(data, np.uint8) == NEWLINE).astype(np.int64) + 1
        lengths = np.diff(ends, prepend=0)
        if lengths.size and int(lengths.max()) > LINE_CAP:
            raise self._too_long(first_row + int(lengths.argmax()))
        self.next_row += len(ends)
        damage: dict[int, str] = {}
        if b"\0" in data or not _is_utf8(data):
            data, damage = _spell_out(data)
            ends = np.flatnonzero(np.frombuffer(data, np.uint8) == NEWLINE).astype(np.int64) + 1
        return Block(first_row=first_row, data=data, ends=ends, damage=damage)

    def _too_long(self, row: int) -> Findings:
        return finding(
            "line-too-long",
            f"line {row:,} is longer than {LINE_CAP:,} bytes",
            file=self._name,
            place=f"line {row}",
            remedy="Line ends are missing or the file is damaged: ask for it again.",
        )


def _start_of_last_line(data: bytes) -> int:
    """Where the last line that is not blank begins; 0 when there is none before it."""
    text_end = len(data.rstrip(b"\r\n"))
    return data.rfind(b"\n", 0, text_end) + 1


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _spell_out(data: bytes) -> tuple[bytes, dict[int, str]]:
    """`data` with each unfit byte as an escape, and the lines that held one."""
    lines = data.split(b"\n")[:-1]
    damage: dict[int, str] = {}
    for offset, line in enumerate(lines):
        if b"\0" in line:
            damage[offset] = "nul-byte"
        elif not _is_utf8(line):
            damage[offset] = "not-utf8"
        if offset in damage:
            lines[offset] = line.decode("utf-8", errors="backslashreplace").replace("\0", "\\x00").encode()
    return b"\n".join(lines) + b"\n", damage
