"""Code lists are checked when they are loaded, and their faults told together."""

from collections.abc import Callable
from pathlib import Path

import pytest

from qe.errors import MeasureError
from qe.measurement import value_sets
from qe.measurement.measure import load
from qe.warehouse import Warehouse

Write = Callable[..., Path]
HEADER = "code,label,effective_from,effective_to\n"


def _codes(second_stay: Write, heart: str, rows: int) -> list[str]:
    folder = second_stay(heart=heart)
    toml = (folder / "measure.toml").read_text().replace("rows = 2", f"rows = {rows}")
    (folder / "measure.toml").write_text(toml)
    with pytest.raises(MeasureError) as caught:
        value_sets.read(load(folder), licensed=None)
    return [fault.code for fault in caught.value.faults]


def test_dots_case_duplicates_and_the_row_count_are_checked_together(second_stay: Write) -> None:
    heart = HEADER + "I50.9,dotted,,\ni110,lower case,,\nI10,twice,,\nI10,twice,,\n"
    assert _codes(second_stay, heart, 3) == ["bad-code", "dotted-code", "duplicate-code", "row-count"]


def test_another_header_or_a_bad_date_is_refused(second_stay: Write) -> None:
    assert _codes(second_stay, "code,name\nI10,x\n", 1) == ["bad-header"]
    assert _codes(second_stay, HEADER + "I10,x,2024-13-01,\n", 1) == ["bad-date"]


def test_a_list_that_was_changed_no_longer_has_its_stated_sha256(second_stay: Write) -> None:
    folder = second_stay()
    (folder / "value_sets" / "heart.csv").write_text(HEADER + "I509,heart failure,,\nI119,another,,\n")
    with pytest.raises(MeasureError, match="its sha256 is not the stated one"):
        value_sets.read(load(folder), licensed=None)


def test_a_licensed_list_is_asked_for_in_one_sentence_that_names_its_owner(second_stay: Write, tmp_path: Path) -> None:
    folder = second_stay()
    toml = (folder / "measure.toml").read_text()
    toml += '\n[lists.mammography]\nsystem = "CPT"\nversion = "2024"\nsource = "s"\n'
    toml += 'licence = "AMA-CPT"\nowner = "the AMA"\n'
    (folder / "measure.toml").write_text(toml)
    module = load(folder)
    with pytest.raises(MeasureError, match=r"mammography is licensed by the AMA \(AMA-CPT\) and does not ship with qe"):
        value_sets.read(module, licensed=None)
    (tmp_path / "mammography.csv").write_text(HEADER + "X0201,,,\n")
    names = [found.name for found in value_sets.read(module, licensed=tmp_path)]
    assert names == ["heart", "mammography"]


def test_shared_lists_and_maps_come_with_the_facts_of_the_index(second_stay: Write, model_db: Warehouse) -> None:
    folder = second_stay()
    shared = folder.parent / "_lists"
    shared.mkdir()
    (shared / "ccs.csv").write_text("code,category,effective_from,effective_to\nI509,108,,\n")
    facts = 'system = "ICD10CM"\nversion = "2019"\nsource = "s"\nlicence = "public"\nowner = "AHRQ"\n'
    (shared / "index.toml").write_text(f'[ccs]\n{facts}rows = 2\nsha256 = "{"0" * 64}"\n')
    (folder / "measure.toml").write_text(
        (folder / "measure.toml").read_text() + f'\n[maps.ccs]\nshared = "ccs"\n{facts}'
    )
    with pytest.raises(MeasureError) as caught:
        value_sets.read(load(folder), licensed=None)
    assert [fault.code for fault in caught.value.faults] == ["row-count", "sha256"]


def test_prefixes_and_ranges_mean_the_codes_that_the_model_holds(
    second_stay: Write, model_db: Warehouse, put: Callable[..., None]
) -> None:
    for number, code in enumerate(["I609", "I69351", "I70", "I6", "C5091", "C500"]):
        put("claim_diagnosis", {"claim_id": "C1", "sequence": number, "code": code})
    put("claim_line", {"claim_id": "C1", "line_number": 1, "hcpcs": "C5099"})
    folder = second_stay(heart=HEADER + "I60-I69,range of three characters,,\nC50,prefix,,\n")
    facts = (
        (folder / "measure.toml")
        .read_text()
        .replace('system = "ICD10CM"', 'system = "ICD10CM"\nmatch = "range_prefix"')
    )
    (folder / "measure.toml").write_text(facts)
    value_sets.lay_out(model_db, value_sets.read(load(folder), licensed=None))
    rows = model_db.query("select name, code, system from value_set order by code").rows()
    assert rows == [("heart", code, "ICD10CM") for code in ("C500", "C5091", "I609", "I69351")]
