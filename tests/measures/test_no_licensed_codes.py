"""No code list that others license stands in the tree: no CPT but what 42 CFR 425.400 prints, no NCQA, PQA, NUBC, SNOMED list.

How this is decided, as no list of the licensed codes may be kept to compare with:

- Lists. Every CSV file under measures/ is a list that a measure.toml or _lists/index.toml names, or an invented one. Each
  names its code system, which must be one of PUBLIC, and every code must have that system's form. HCPCS codes of Level II
  begin with a letter from A to V, CPT codes with a digit: those must be printed in 42 CFR 425.400. SNOMED CT identifiers and
  NDCs (the lists of PQA) are numbers of six or more digits; revenue codes, bill types and discharge statuses (NUBC) are no
  code system of PUBLIC: none of them passes. A list whose members NCQA chose (its owner says so) therefore holds codes of
  public code sets only.
- Text. In every other tracked text file a word in the form of a CPT code (five digits, or four and F, M, T or U) is taken for
  one where it stands as a service code: beside the word hcpcs, cpt, code_low or code_high, or in a column of codes.
- Two exceptions are known, stand below with what they hold, and may not grow. The generator's price list holds CPT numbers,
  without descriptors, that its invented claims carry; so do the tests of the generator. The event table ed_visit knows a
  physician's visit to an emergency department by the range 99281-99285, where no hospital billed one.
- Invented lists hold codes from X0001 to X9999. HCPCS Level II has no codes with X.
"""

import csv
import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CPT = r"\d{5}|\d{4}[FMTU]"
PUBLIC = {
    "ICD10CM": r"[A-Z][0-9][0-9A-Z]{1,5}",
    "ICD10PCS": r"[0-9A-HJ-NP-Z]{7}",
    "HCPCS": rf"[A-V]\d{{4}}|{CPT}",
    "CCS diagnosis": r"\d{1,4}",
    "CCS procedure": r"\d{1,3}",
    "Elixhauser comorbidity": r"[A-Z_0-9]+",
    "INGREDIENT": r"[A-Z][A-Z ]+",
    "MS-DRG": r"\d{3}",
}
SERVICE_WORD = re.compile(
    rf"""(?:hcpcs|code_low|code_high|cpt)\w*["']?\s*(?:=|:|in|==|between|,)\s*[\[(]*(?:["'](?:{CPT})["'][,\s]*(?:and\s*)?)+""",
    re.IGNORECASE,
)
CODE_COLUMNS = {"code", "code_low", "code_high", "hcpcs", "fee_code"}
GENERATOR = ("qe/sample/", "tests/sample/", "sample_data/")
EVENT_TABLE = {"qe/claims/events/30_ed_visit.sql": {"99281", "99285"}, "tests/claims/test_events.py": {"99284"}}
GENERATORS_CODES = 61  # CPT numbers of the price list that 42 CFR 425.400 does not print


@cache
def tracked() -> tuple[Path, ...]:
    """The files that git keeps, and those about to be added."""
    asked = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        names = subprocess.run(asked, capture_output=True, check=True).stdout.decode().split("\0")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("the project is not a git checkout here")
    return tuple(ROOT / name for name in names if name and (ROOT / name).is_file())


@cache
def printed() -> tuple[tuple[str, str], ...]:
    """The ranges of numbers that 42 CFR 425.400 prints, each with its paragraph."""
    rows = _rows(ROOT / "qe/measurement/attribution/primary_care_code.csv")
    assert all(re.match(r"42 CFR 425\.400\(c\)\(\d\)", row["source"]) for row in rows)
    return tuple((row["code_low"], row["code_high"]) for row in rows)


def is_printed(code: str) -> bool:
    """Whether the code, or each bound of the range, lies in a range that the regulation prints."""
    return all(any(low <= bound <= high for low, high in printed()) for bound in code.split("-"))


def is_cpt(code: str) -> bool:
    return all(re.fullmatch(CPT, bound) for bound in code.split("-"))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _lists() -> Iterator[tuple[str, str, Path | None]]:
    """(name, code system, file) of every list and map of every module; of slots the file is None."""
    for path in tracked():
        if path.name == "measure.toml" and path.parent.parent == ROOT / "measures":
            facts = tomllib.loads(path.read_text(encoding="utf-8"))
            for name, one in (facts.get("lists", {}) | facts.get("maps", {})).items():
                if "file" in one:
                    yield name, one["system"], path.parent / one["file"]
                elif "shared" not in one:
                    yield name, one["system"], None
        elif path == ROOT / "measures/_lists/index.toml":
            index: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
            for name, one in index.items():
                yield name, one["system"], path.parent / f"{name}.csv"


def test_every_list_is_named_and_its_codes_are_of_a_public_code_system():
    found = [(path, system) for _, system, path in _lists() if path is not None]
    csv_files = {path for path in tracked() if path.suffix == ".csv" and ROOT / "measures" in path.parents}
    named = {path for path, _ in found}
    assert {path for path in csv_files - named if path.parent.name != "_stand_ins"} == set()
    strangers = []
    for path, system in found:
        form = re.compile(PUBLIC[system.removesuffix(" prefix")])
        beginnings = system.endswith(" prefix") or "-CM" in system
        for row in _rows(path):
            code = row["code"]
            whole = all(form.fullmatch(bound) for bound in code.split("-"))
            if not (whole or (beginnings and re.match(r"[A-Z][0-9]", code))):
                strangers.append((path.name, code))
            if system == "HCPCS" and is_cpt(code) and not is_printed(code):
                strangers.append((path.name, code))
    assert strangers == []


def test_every_slot_has_an_invented_list_whose_codes_exist_nowhere():
    slots = {name for name, _, path in _lists() if path is None}
    invented = {path.stem: path for path in tracked() if path.parent == ROOT / "measures/_stand_ins"}
    assert set(invented) == slots
    codes = [row["code"] for path in invented.values() for row in _rows(path)]
    assert [code for code in codes if not re.fullmatch(r"X\d{4}", code)] == []
    assert len(codes) == len(set(codes))


def test_no_slot_names_a_list_that_ships():
    slots = {name for name, _, path in _lists() if path is None}
    assert (
        slots & {path.stem for path in tracked() if path.suffix == ".csv" and path.parent.name != "_stand_ins"} == set()
    )


def _said_to_be_services(path: Path) -> set[str]:
    """The words of a text file that have the form of a CPT code and stand where service codes stand."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return set()
    if path.suffix == ".csv":
        return {
            row[column] or ""
            for row in _rows(path)
            for column in CODE_COLUMNS & row.keys()
            if is_cpt(row[column] or "")
        }
    return {code for match in SERVICE_WORD.finditer(text) for code in re.findall(rf"\b(?:{CPT})\b", match[0])}


def test_no_other_file_names_a_cpt_number_that_the_regulation_does_not_print():
    found = {}
    for path in tracked():
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(GENERATOR) and path != Path(__file__):
            codes = {code for code in _said_to_be_services(path) if not is_printed(code)}
            if codes:
                found[name] = codes
    assert found == EVENT_TABLE


def test_the_generators_price_list_holds_numbers_without_descriptors_and_does_not_grow():
    tables = [path for path in tracked() if path.parent == ROOT / "qe/sample/tables" and path.suffix == ".csv"]
    codes = set().union(*(_said_to_be_services(path) for path in tables))
    assert len({code for code in codes if not is_printed(code)}) <= GENERATORS_CODES
    headers = {column for path in tables for row in _rows(path)[:1] for column in row}
    assert headers & {"label", "description", "descriptor", "title"} == set()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("numerator.sql", "where claim_line.hcpcs in ('99213', '{code}')"),
        ("event.sql", "and claim_line.hcpcs between '{code}' and '{code}'"),
        ("cases.toml", 'lines = [{{ hcpcs = "{code}" }}]'),
        ("rows.py", 'line(1, hcpcs="{code}")'),
        ("list.csv", "code,label,effective_from,effective_to\n{code},,,\n"),
    ],
)
def test_a_number_put_where_service_codes_stand_is_seen(name: str, text: str, tmp_path: Path):
    code = str(12345 * 6)  # five digits that the regulation does not print
    (tmp_path / name).write_text(text.format(code=code))
    assert code in _said_to_be_services(tmp_path / name)
    assert not is_printed(code)
