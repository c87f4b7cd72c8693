"""The small part of Markdown that method.md uses, as blocks that a template prints: headings, paragraphs, lists, tables."""

import re
from dataclasses import dataclass
from typing import Final, Literal

BOLD_OR_CODE: Final = re.compile(r"(\*\*[^*]+\*\*|`[^`]+`)")
RULE: Final = re.compile(r"^- \*\*(R\d+)\*\* (.*)$", re.S)


@dataclass(frozen=True, kw_only=True)
class Span:
    """A run of text in one style."""

    text: str
    style: Literal["plain", "strong", "code"] = "plain"


@dataclass(frozen=True, kw_only=True)
class Block:
    """One block. rows: list items or table rows, each of cells of spans."""

    kind: Literal["heading", "paragraph", "list", "table"]
    level: int = 0
    rows: tuple[tuple[tuple[Span, ...], ...], ...] = ()


def blocks(text: str) -> tuple[Block, ...]:
    """The blocks of a Markdown text, in order; its first heading is left out (the page has its own)."""
    found: list[Block] = []
    for part in re.split(r"\n\s*\n", text.strip()):
        lines = part.splitlines()
        if lines and lines[0].startswith("#"):
            level = len(lines[0]) - len(lines[0].lstrip("#"))
            if level > 1:
                found.append(Block(kind="heading", level=level, rows=(((*spans(lines[0].lstrip("# ")),),),)))
            lines = lines[1:]
        if lines and lines[0].lstrip().startswith("|"):
            cells = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]
            rows = [row for row in cells if not all(set(cell) <= set("-: ") for cell in row)]
            found.append(Block(kind="table", rows=tuple(tuple(spans(cell) for cell in row) for row in rows)))
        elif lines and lines[0].startswith("- "):
            items = re.split(r"\n(?=- )", "\n".join(lines))
            found.append(Block(kind="list", rows=tuple((spans(_joined(item[2:])),) for item in items)))
        elif lines:
            found.append(Block(kind="paragraph", rows=((spans(_joined("\n".join(lines))),),)))
    return tuple(found)


def rules(text: str) -> dict[str, str]:
    """The wording of each numbered rule of a method, without its marks: {"R4": "Fewer than two fill dates: ..."}."""
    found = {}
    for item in re.findall(r"^- \*\*R\d+\*\*.*?(?=^- \*\*R|\n\s*\n|\Z)", text, re.S | re.M):
        match = RULE.match(item.strip())
        if match:
            found[match.group(1)] = re.sub(r"[*`]", "", _joined(match.group(2)))
    return found


def first_sentence(text: str) -> str:
    """The first sentence of a rule, for a table cell."""
    return re.split(r"(?<=[.]) (?=[A-Z])", text, maxsplit=1)[0]


def _joined(text: str) -> str:
    return " ".join(text.split())


def spans(text: str) -> tuple[Span, ...]:
    found: list[Span] = []
    for piece in BOLD_OR_CODE.split(text):
        if piece.startswith("**"):
            found.append(Span(text=piece[2:-2], style="strong"))
        elif piece.startswith("`"):
            found.append(Span(text=piece[1:-1], style="code"))
        elif piece:
            found.append(Span(text=piece))
    return tuple(found)
