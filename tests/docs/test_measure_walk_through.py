"""docs/how-to/measures.md makes a measure from nothing: this does what it says, word for word."""

import json
import re
import shlex
from pathlib import Path
from typing import NamedTuple

import pytest

from qe.cli.main import main

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "measures.md"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.S | re.M)


class Step(NamedTuple):
    """A block of the page with the sentence before it."""

    said: str
    language: str
    text: str


def steps() -> list[Step]:
    page = PAGE.read_text(encoding="utf-8")
    walk = page[page.index("## Walk through one") : page.index("## What the files may hold")]
    found, end = [], 0
    for fence in FENCE.finditer(walk):
        found.append(Step(said=walk[end : fence.start()].strip(), language=fence[1], text=fence[2]))
        end = fence.end()
    return found


def file_of(step: Step) -> str:
    """The file that the sentence before the block names with its folder."""
    names = re.findall(r"`((?:own|\.\./model)/[\w/.]+\.\w+)`", step.said)
    assert len(names) == 1, step.said
    return str(names[0])


def run(line: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One line of a terminal; the folder in which the next one runs."""
    program, *arguments = shlex.split(line)
    if program == "cd":
        monkeypatch.chdir(folder / arguments[0])
        return folder / arguments[0]
    assert program == "qe"
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 0, line
    return folder


def test_the_page_is_walked_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "keys"))
    monkeypatch.chdir(tmp_path)
    folder = tmp_path
    for step in steps():
        if step.language == "sh":
            for line in step.text.splitlines():
                folder = run(line, folder, monkeypatch)
        elif "at the end of `qe.toml`" in step.said:
            with (folder / "qe.toml").open("a", encoding="utf-8") as settings:
                settings.write("\n" + step.text)
        else:
            file = folder / file_of(step)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(step.text, encoding="utf-8")
    said = capsys.readouterr().out
    assert "1 modules hold; 2 worked cases come out as worked." in said
    assert re.search(r"clinic_visit\W+group", said)
    assert "Recorded clinic_visit 1.0.0" in said
    assert (tmp_path / "example/out/measures/clinic_visit.html").is_file()
    (total,) = json.loads((tmp_path / "computed/summary.json").read_text())["measures"]
    assert (total["denominator"], total["excluded"], total["numerator"]) == (1, {"R2": 1}, 1)
