"""No code list that others license stands in the tree: no CPT but what 42 CFR 425.400 prints, no NCQA, PQA, NUBC, SNOMED list.

How this is decided, as no list of the licensed codes may be kept to compare with:

- Lists. Every CSV file under measures/ is a list that a measure.toml or _lists/index.toml names, or an invented one. Each
  names its code system, which must be one of PUBLIC, and every code must have that system's form. HCPCS codes of Level II
  begin with a letter from A to V, CPT codes with a digit: those must be printed in 42 CFR 425.400. SNOMED CT identifiers and
  NDCs (the lists of PQA) are numbers of six or more digits; revenue codes, bill types and discharge statuses (NUBC) are no
  code system of PUBLIC: none of them passes. A list whose members NCQA chose (its owner says so) therefore holds codes of
  public code sets only.
- Text. In every other tracked text file a word in the form of a CPT code (five digits, or four and F, M, T or U) is taken for
  one where it stands as a service code: beside the word hcpcs, cpt, code or service, in a column of codes, or in a delimited row
  after a revenue centre or beside an amount. No file is excepted.
- Files that are kept compressed (the sample's) are read as their text is; what their columns of service codes hold is judged.
- Invented lists hold codes from X0001 to X9999, and so does the generator's price list for every service that is neither printed
  nor of HCPCS Level II, with words of its own for what the code stands for. HCPCS Level II has no codes with X.
"""

import csv
import gzip
import io
import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from qe.sample.codes import EMERGENCY_TESTS, EMERGENCY_VISITS
from qe.sample.edge_cases import edge_cases

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
    rf"""(?:hcpcs|cpt|code|service)\w*["']?\s*(?:=|:|\bin\b|==|between|,|\()\s*[\[(]*"""
    rf"""(?:["'](?:{CPT})["'](?!,\s*icd_version)[,\s]*(?:and\s*)?)+"""
    rf"""|[,|]0\d{{3}}[,|](?:{CPT})(?=[,|])|\.\d\d[,|](?:{CPT})(?=[,|])|[,|](?:{CPT})(?=[,|]\d+\.\d\d\b)""",
    re.IGNORECASE,
)
CODE_COLUMNS = {"code", "code_low", "code_high", "hcpcs", "fee_code", "hcpcs_cd", "cdlmc088"}
TABLES = ROOT / "qe/sample/tables"
BILLED_SLOTS = {  # licensed lists whose services the generator bills; nobody in the sample has those of the others
    "mammography",
    "colonoscopy",
    "psa_test",
    "low_back_imaging",
    "head_imaging",
    "carotid_imaging",
    "emergency_service",
}


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


def _text(path: Path) -> str | None:
    """The text of a file, unpacked if it is compressed; of other binary files None. Rows that were spoilt on purpose are kept."""
    content = path.read_bytes()
    if path.suffix == ".gz":
        return gzip.decompress(content).decode("utf-8", errors="replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _said_to_be_services(path: Path) -> set[str]:
    """The words of a text file, compressed or not, that have the form of a CPT code and stand where service codes stand."""
    text = _text(path)
    if text is None:
        return set()
    if path.name.endswith((".csv", ".csv.gz", ".txt.gz")):
        return {code for code in _column_codes(text) if is_cpt(code)}
    return {code for match in SERVICE_WORD.finditer(text) for code in re.findall(rf"\b(?:{CPT})\b", match[0])}


def _column_codes(text: str) -> set[str]:
    """What the columns of service codes hold, by the header: the first row, or the second below the line that heads a CDL file."""
    lines = io.StringIO(text.removeprefix("\ufeff"))
    first = lines.readline()
    header = lines.readline() if first.startswith("HD|") else first
    mark = "|" if "|" in header else ","
    names = header.strip().lower().split(mark)
    places = [place for place, name in enumerate(names) if name in CODE_COLUMNS]
    rows = csv.reader(lines, delimiter=mark, quoting=csv.QUOTE_NONE if mark == "|" else csv.QUOTE_MINIMAL)
    return {row[place].strip() for row in rows for place in places if place < len(row)}


def test_no_file_names_a_cpt_number_that_the_regulation_does_not_print():
    found = {}
    for path in tracked():
        codes = {code for code in _said_to_be_services(path) if not is_printed(code)}
        if codes:
            found[path.relative_to(ROOT).as_posix()] = codes
    assert found == {}


def test_the_sample_bills_codes_of_the_price_list_and_nothing_else():
    priced = {row["code"] for row in _rows(TABLES / "fees.csv")}
    inbox = ROOT / "sample_data/inbox"
    billed = {
        path.relative_to(inbox).as_posix(): _column_codes(_text(path) or "")
        for path in tracked()
        if path.suffix == ".gz" and inbox in path.parents
    }
    holding = {name for name, codes in billed.items() if codes - {""}}
    assert {f"medicare/{name}.csv.gz" for name in ("carrier", "outpatient", "dme")} <= holding
    assert {"payer_a/medical.txt.gz", "payer_b/medical.txt.gz"} <= holding
    whole = {code for codes in billed.values() for code in codes if re.fullmatch(r"[A-Z0-9]{5}", code)}
    assert whole <= priced
    assert any(code.startswith("X") for code in whole)


def test_the_price_list_says_in_its_own_words_what_each_invented_code_stands_for_and_describes_no_other():
    rows = _rows(TABLES / "fees.csv")
    assert len({row["code"] for row in rows}) == len(rows)
    for row in rows:
        assert bool(row["stands_for"]) == bool(re.fullmatch(r"X\d{4}", row["code"])), row["code"]
        assert is_printed(row["code"]) or re.fullmatch(r"[A-VX]\d{4}", row["code"]), row["code"]
    words = [row["stands_for"] for row in rows if row["stands_for"]]
    assert len(set(words)) == len(words)
    headers = {column for path in TABLES.glob("*.csv") for row in _rows(path)[:1] for column in row}
    assert headers & {"label", "description", "descriptor", "title"} == set()


def test_what_the_generator_bills_for_a_licensed_list_is_in_the_list_and_in_the_price_list():
    priced = {row["code"] for row in _rows(TABLES / "fees.csv")}
    invented = {
        path.stem: {row["code"] for row in _rows(path)} for path in (ROOT / "measures/_stand_ins").glob("*.csv")
    }
    named = {
        *(row["code"] for row in _rows(TABLES / "services.csv")),
        *(row["fee_code"] for row in _rows(TABLES / "stay_types.csv") if row["fee_code"]),
        *(visit.code for case in edge_cases() for visit in case.visits),
        *EMERGENCY_VISITS,
        *EMERGENCY_TESTS,
    }
    assert named <= priced
    assert {slot for slot, codes in invented.items() if codes & named} == BILLED_SLOTS
    assert set(EMERGENCY_VISITS) == invented["emergency_service"]
    of_lists = {code for code in priced if re.fullmatch(r"X0\d{3}", code)}
    assert of_lists <= set().union(*invented.values()) & named  # what stands in no list has numbers from X1000 on


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("numerator.sql", "where claim_line.hcpcs in ('99213', '{code}')"),
        ("event.sql", "and claim_line.hcpcs between '{code}' and '{code}'"),
        ("cases.toml", 'lines = [{{ hcpcs = "{code}" }}]'),
        ("rows.py", 'line(1, hcpcs="{code}")'),
        ("tables.py", 'tables.service("{code}")'),
        ("chosen.py", 'tables.service(code) for code in ("99213", "{code}")'),
        ("lines.py", '"2,C8,1,20250312,40,0450,{code},9"'),
        ("lines.py", '"C1,2,professional,M1,2025-03-05,20.00,{code},9999900002"'),
        ("lines.py", '"A|c1|2|10-Mar-2025|9999900002|001234567|{code}|40.00|50.00"'),
        ("list.csv", "code,label,effective_from,effective_to\n{code},,,\n"),
    ],
)
def test_a_number_put_where_service_codes_stand_is_seen(name: str, text: str, tmp_path: Path):
    code = str(12345 * 6)  # five digits that the regulation does not print
    (tmp_path / name).write_text(text.format(code=code))
    assert code in _said_to_be_services(tmp_path / name)
    assert not is_printed(code)
