"""A story told by a test: every command is run as it stands on the page, and what the page says of its answer was asserted."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pyrage

from tests.workflow.conftest import Answer, Quarter

WRITE = "QE_WRITE_STORY"  # set: the page is written anew instead of compared
WIDTH = 110


@dataclass
class Narration:
    """Runs commands on a site and writes down what was typed and said, as a page of docs/.

    folder  where the story's own papers lie; they stand on the page by their names
    user    whose age key it is that the contacts file gives for an authorized user
    """

    quarter: Quarter
    folder: Path
    lines: list[str] = field(default_factory=list)
    in_block: bool = False
    user: pyrage.x25519.Identity = field(default_factory=pyrage.x25519.Identity.generate)

    def chapter(self, title: str) -> None:
        self._close()
        self.lines += [f"## {title}", ""]

    def tell(self, text: str) -> None:
        """A paragraph, in the words that the page prints."""
        self._close()
        self.lines += [*_wrapped(text), ""]

    def do(self, *words: str, on: date | None, said: str = "", refused: Sequence[str] = ()) -> Answer:
        """One command on a day. said: what its answer comes to; refused: the rules that must refuse it (exit 3)."""
        answer = self.quarter(*words, on=on)
        expected = 3 if refused else 0
        assert answer.exit_code == expected, f"qe {' '.join(words)}: {answer.stdout}{answer.stderr}"
        assert set(refused) <= answer.failing().keys() if refused else True
        if not self.in_block:
            self.lines.append("```sh")
            self.in_block = True
        typed = [*map(self._word, words), *(["--as-of", f"{on}"] if on else [])]
        self.lines += _wrapped(f"qe {' '.join(typed)}", end=" \\", indent="    ")
        if said:
            self.lines.append(f"# {said}")
        return answer

    def paper(self, name: str, content: str = "as it came") -> str:
        """A paper of the story, as evidence or as a file that a command reads: its path."""
        path = self.folder / name
        path.write_text(content, encoding="utf-8")
        return str(path)

    def require_page(self, page: Path) -> None:
        """The committed page is exactly this story; with QE_WRITE_STORY=1 it is written."""
        self._close()
        told = "\n".join(self.lines).rstrip() + "\n"
        if os.environ.get(WRITE):
            page.write_text(told, encoding="utf-8")
        assert page.read_text(encoding="utf-8") == told, f"the story has changed: {WRITE}=1 writes {page.name} anew"

    def _word(self, word: str) -> str:
        shown = word.replace(f"{self.folder}/", "")
        return f'"{shown}"' if {" ", ";"} & {*shown} else shown

    def _close(self) -> None:
        if self.in_block:
            self.lines += ["```", ""]
            self.in_block = False


def _wrapped(text: str, *, end: str = "", indent: str = "") -> list[str]:
    """The words in lines of the page's width. end: of each line but the last; indent: of each but the first."""
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + len(word) + len(end) < WIDTH:
            lines[-1] += f" {word}"
        else:
            lines.append(f"{indent if lines else ''}{word}")
    return [*(line + end for line in lines[:-1]), lines[-1]]
