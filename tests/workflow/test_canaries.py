"""No name, MBI, BENE_ID, SSN or member id outside inbox/: one person's marks, searched for in every byte there is."""

import gzip
import io
from pathlib import Path

import pikepdf
import pytest


def bytes_of(path: Path):
    """The file as it lies there, and what a reader would unpack from it: PDF streams, gzip."""
    content = path.read_bytes()
    yield content
    if content.startswith(b"%PDF"):
        with pikepdf.open(io.BytesIO(content)) as pdf:
            for thing in pdf.objects:
                if isinstance(thing, pikepdf.Stream):
                    try:
                        yield thing.read_bytes()
                    except pikepdf.PdfError:  # an image in its own coding
                        yield thing.read_raw_bytes()
            yield str(pdf.docinfo).encode() + (pdf.open_metadata().__str__()).encode()
    if content.startswith(b"\x1f\x8b"):
        yield gzip.decompress(content)


def found_in(folder: Path, marks: dict[str, str]) -> tuple[list[str], int]:
    """Each mark with the file that holds it, also in UTF-16 and in the other case; and how many files were read."""
    wanted = {
        (name, spelt.encode(code))
        for name, mark in marks.items()
        for spelt in (mark, mark.upper(), mark.lower())
        for code in ("utf-8", "utf-16-le")
    }
    hits, files = set(), 0
    for path in sorted(folder.rglob("*")):
        below = path.relative_to(folder)
        if not path.is_file() or below.parts[0] == "inbox":
            continue
        files += 1
        for content in bytes_of(path):
            hits |= {f"{name} in {below}" for name, mark in wanted if mark in content}
        hits |= {f"{name} in a file's name" for name, mark in marks.items() if mark in str(below)}
    return sorted(hits), files


@pytest.fixture
def released(ready, made):
    """The marked person's site up to the release and an explanation, and all that was printed on the way."""
    said = [ready.done("release", "go", "--cycle", ready.cycle, on=ready.day(61))]
    unit = ready.events("report_sent")[0]["payload"]["unit_id"]
    for measure in ("hwr", "pdc_statins", "total_cost_index"):
        said += [ready("explain", measure, unit), ready("explain", measure, unit, "--claims")]
    assert 0 in {one.exit_code for one in said[1:]}
    said += [ready.done("check"), ready.done("status"), ready.done("ledger", "export")]
    return ready, made.spoken + "".join(one.stdout + one.stderr for one in said)


def test_the_marked_person_is_really_in_the_files_and_in_the_vault(made):
    marks = made.canaries.all()
    inbox = b"".join(path.read_bytes() for path in made.inbox.rglob("*") if path.is_file())
    assert [name for name, mark in marks.items() if mark.encode() not in inbox] == []
    assert made.persons_in_vault(made.canaries) == [("medicare", 1), ("payer_a", 1)]


def test_no_mark_stands_outside_the_inbox_in_any_byte_of_the_site(released):
    site, _ = released
    hits, files = found_in(site.root, site.canaries.all())
    assert hits == []
    assert files > 30
    assert list(site.root.glob("logs/*.jsonl"))
    assert list(site.root.glob("runs/*/reports/*/*.pdf"))


def test_no_mark_was_printed(released):
    _, spoken = released
    assert [name for name, mark in released[0].canaries.all().items() if mark.lower() in spoken.lower()] == []
    assert len(spoken) > 1000


def test_no_mark_stood_in_a_temporary_file_or_in_the_site_while_the_commands_ran(made):
    assert made.watch["hits"] == []
    assert made.watch["versions"] > 30


@pytest.mark.parametrize("name", ["last_name", "first_name", "mbi", "bene_id", "ssn", "member_id"])
def test_the_search_would_find_a_planted_mark(tmp_path, made, name):
    mark = made.canaries.all()[name]
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.jsonl").write_text(f'{{"fault": "{mark.upper()}"}}')
    (tmp_path / "b.gz").write_bytes(gzip.compress(mark.encode()))
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.pages[0].Contents = pikepdf.Stream(pdf, f"BT ({mark}) Tj ET".encode())
        pdf.save(tmp_path / "c.pdf", compress_streams=True, recompress_flate=True)
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "received.txt").write_text(mark)
    hits, files = found_in(tmp_path, {name: mark})
    assert hits == [f"{name} in b.gz", f"{name} in c.pdf", f"{name} in logs/a.jsonl"]
    assert files == 3
