"""The words of a letter's page as plain text, from the page that its PDF is printed from, so that both say the same."""

import textwrap
from html.parser import HTMLParser
from typing import Final

LINE: Final = 78
SKIPPED: Final = frozenset({"title", "style", "script"})
BLOCKS: Final = frozenset({"p", "h1", "h2", "div", "caption", "th", "td"})


def plain_text(page: str) -> str:
    """The page's text in lines of at most 78 characters. A row of a table is one line for each cell, under its column's name; of a
    table with two columns one line in all, the first cell before the second."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return "\n".join(reader.lines).strip("\n") + "\n"


class _Reader(HTMLParser):
    """Reads a page from its start to its end, a block at a time."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = []
        self._words: list[str] = []
        self._open: list[str] = []
        self._heads: list[str] = []
        self._column = 0
        self._label = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "main" and given.get("data-owner"):
            self.lines += [str(given["data-owner"]), ""]
        if tag in BLOCKS:
            self._end_block("")
        if tag in ("thead", "tr"):
            self._column = 0
        if tag == "table":
            self._heads = []
        if tag == "b" and "".join(self._words).strip():
            self._words.append(": ")
        if tag == "br":
            self._words.append("\n")
        if tag not in ("br", "meta", "link", "img"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("span", "b"):
            self._words.append(" ")
        if tag in BLOCKS:
            self._end_block(tag)
        if tag in ("div", "table") or (tag == "tr" and "tbody" in self._open and not self._is_box):
            self._blank_line()
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not SKIPPED & set(self._open):
            self._words.append(" ".join(data.split()).join((" " * data[:1].isspace(), " " * data[-1:].isspace())))

    def _end_block(self, tag: str) -> None:
        lines = [" ".join(line.split()).replace(" :", ":") for line in "".join(self._words).split("\n")]
        self._words = []
        if tag == "th" and "thead" in self._open:
            self._heads += lines
        elif tag in ("th", "td"):
            self._end_cell(" ".join(lines))
        elif any(lines):
            said = [line.upper() for line in lines] if tag == "h1" else lines
            self.lines += [part for line in said for part in textwrap.wrap(line, LINE, break_on_hyphens=False) or [""]]
            self._blank_line()

    @property
    def _is_box(self) -> bool:
        """Whether the table is a box of labels, each with what it is."""
        return len(self._heads) == 2

    def _end_cell(self, said: str) -> None:
        if self._is_box and self._column == 0:
            self._label = said
        else:
            line = f"{self._label if self._is_box else self._heads[self._column]}: {said}"
            self.lines += textwrap.wrap(
                line, LINE, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False
            )
        self._column += 1

    def _blank_line(self) -> None:
        if self.lines and self.lines[-1]:
            self.lines.append("")
