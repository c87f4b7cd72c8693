"""The committed extract is what its README's command writes, truth beside these tests and not beside the inbox."""

import gzip
from pathlib import Path

import pytest

from qe.sample.generate import generate

EXTRACT = Path(__file__).parents[2] / "sample_data"
TRUTH = Path(__file__).parent / "extract_truth"


def plain(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("extract")
    generate(root, persons=4000, seed=20240101, settings={"hospitals": "4"}, compress=True)
    return root


def test_the_extract_is_what_its_command_writes(made: Path) -> None:
    committed = {path.relative_to(EXTRACT / "inbox"): path for path in (EXTRACT / "inbox").rglob("*") if path.is_file()}
    again = {path.relative_to(made / "inbox"): path for path in (made / "inbox").rglob("*") if path.is_file()}
    assert committed.keys() == again.keys()
    differing = [name for name in committed if plain(committed[name]) != plain(again[name])]
    assert differing == []  # the text, not the compressed bytes, which another zlib may pack otherwise
    assert (EXTRACT / "totals.json").read_bytes() == (made / "truth" / "totals.json").read_bytes()


def test_its_truth_lies_here_alone(made: Path) -> None:
    assert not list(EXTRACT.rglob("truth"))
    committed = {path.name.removesuffix(".gz"): plain(path) for path in TRUTH.iterdir()}
    assert committed == {path.name: path.read_bytes() for path in (made / "truth").iterdir()}


def test_it_is_at_most_ten_megabytes() -> None:
    assert sum(path.stat().st_size for path in EXTRACT.rglob("*") if path.is_file()) <= 10_000_000
